# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Sparse matrices whose rows, or columns, are compressed: whether scipy's compiled code may follow their indices."""

cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t

cnp.import_array()

ctypedef fused index_t:
    int32_t
    int64_t

# A longer axis must be in proportion to what the matrix holds: see `reflectio.codecs.sparse`.
cdef int64_t LONGEST_UNBACKED = 1 << 22


cdef bint _is_index(object array, int number):
    return (
        type(array) is cnp.ndarray
        and cnp.PyArray_TYPE(array) == number
        and cnp.PyArray_NDIM(array) == 1
        and cnp.PyArray_ISNOTSWAPPED(array)
        and cnp.PyArray_ISALIGNED(array)
        and cnp.PyArray_IS_C_CONTIGUOUS(array)
    )


cdef bint _may_follow(
    const index_t *indices, Py_ssize_t n_indices, const index_t *indptr, Py_ssize_t n_rows, int64_t n_columns
):
    """Whether rows begin at the first index, end among these, in order, and all that rows have lie among the columns."""
    cdef Py_ssize_t row, entry
    if indptr[0] != 0:
        return False
    for row in range(n_rows):
        if indptr[row + 1] < indptr[row]:
            return False
    if indptr[n_rows] > n_indices:
        return False
    for entry in range(indptr[n_rows]):
        if not 0 <= indices[entry] < n_columns:
            return False
    return True


cdef bint _rise(
    const index_t *indices, Py_ssize_t n_indices, const index_t *indptr, Py_ssize_t n_rows, bint strictly
):
    """Whether the indices of every row are in order."""
    cdef Py_ssize_t row, entry
    for row in range(n_rows):
        # Of a mapped file, another process may have changed what was looked at before.
        if indptr[row] < 0 or indptr[row + 1] > n_indices:
            return False
        for entry in range(indptr[row] + 1, indptr[row + 1]):
            if indices[entry] < indices[entry - 1] or (strictly and indices[entry] == indices[entry - 1]):
                return False
    return True


def is_sound(bint by_columns, tuple shape not None, data, indices, indptr):
    """
    Say whether a matrix is seen to be sound.

    Parameters
    ----------
    by_columns : bool
        Whether it is its columns that are compressed.
    shape : tuple of int
        Its shape.
    data, indices, indptr : ndarray
        Its entries, the place of each in its row, and where each row begins.

    Returns
    -------
    bool
        False where it may all the same be sound: see `reflectio.codecs.sparse`.
    """
    cdef int64_t major, minor
    cdef Py_ssize_t n_indices
    cdef int number = cnp.NPY_INT32
    if len(shape) != 2:
        return False
    major, minor = shape
    if max(major, minor) > LONGEST_UNBACKED:
        return False
    if by_columns:
        major, minor = minor, major
    if type(data) is not cnp.ndarray or cnp.PyArray_NDIM(data) != 1 or cnp.PyArray_TYPE(data) >= cnp.NPY_OBJECT:
        return False
    if not _is_index(indices, number):
        number = cnp.NPY_INT64
    if not (_is_index(indices, number) and _is_index(indptr, number)):
        return False
    n_indices = cnp.PyArray_DIM(indices, 0)
    if cnp.PyArray_DIM(data, 0) != n_indices or major < 0 or minor < 0 or cnp.PyArray_DIM(indptr, 0) - 1 != major:
        return False
    if number == cnp.NPY_INT32:
        return _may_follow[int32_t](
            <int32_t *>cnp.PyArray_DATA(indices), n_indices, <int32_t *>cnp.PyArray_DATA(indptr), major, minor
        )
    return _may_follow[int64_t](
        <int64_t *>cnp.PyArray_DATA(indices), n_indices, <int64_t *>cnp.PyArray_DATA(indptr), major, minor
    )


def rises(indices, indptr, bint strictly):
    """
    Say whether the indices of every row of a sound matrix are in order.

    Parameters
    ----------
    indices, indptr : ndarray
        The place of each entry in its row, and where each row begins.
    strictly : bool
        Whether none may come twice, either.

    Returns
    -------
    bool or None
        None where they lie in memory in a way that is rare.
    """
    if _is_index(indices, cnp.NPY_INT32) and _is_index(indptr, cnp.NPY_INT32):
        return _rise[int32_t](
            <int32_t *>cnp.PyArray_DATA(indices), cnp.PyArray_DIM(indices, 0),
            <int32_t *>cnp.PyArray_DATA(indptr), cnp.PyArray_DIM(indptr, 0) - 1, strictly,
        )
    if _is_index(indices, cnp.NPY_INT64) and _is_index(indptr, cnp.NPY_INT64):
        return _rise[int64_t](
            <int64_t *>cnp.PyArray_DATA(indices), cnp.PyArray_DIM(indices, 0),
            <int64_t *>cnp.PyArray_DATA(indptr), cnp.PyArray_DIM(indptr, 0) - 1, strictly,
        )
    return None
