"""Stretches of an array, each copied into memory of its own."""

cimport numpy as cnp
from cpython.ref cimport Py_INCREF
from libc.string cimport memcpy

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    # Takes over a reference to the dtype.
    object PyArray_Empty(int n_axes, cnp.npy_intp *shape, cnp.dtype dtype, int fortran)

cdef enum:
    MOST_AXES = 8


def copied_spans(array, spans):
    """
    Copy stretches of an array along its first axis.

    Parameters
    ----------
    array : ndarray
        The array.
    spans : iterable of tuple of int
        Where each stretch starts and stops.

    Returns
    -------
    list of ndarray, or None
        None where elements hold objects, or no bytes, or lie otherwise than in C order.
    """
    cdef cnp.ndarray whole
    cdef object dtype, part
    cdef cnp.npy_intp[MOST_AXES] shape
    cdef Py_ssize_t start, stop, length, nbytes
    cdef int axis, n_axes
    cdef const char *data
    cdef list parts = []
    if type(array) is not cnp.ndarray:
        return None
    whole = array
    dtype, n_axes = whole.dtype, cnp.PyArray_NDIM(whole)
    # Text of any length, and whatever else keeps its values outside of the array, counts as objects.
    # Where elements have no bytes, numpy makes arrays of such as have some, which nothing would be copied to.
    if dtype.hasobject or not dtype.itemsize or not cnp.PyArray_IS_C_CONTIGUOUS(whole) or not 1 <= n_axes <= MOST_AXES:
        return None
    for axis in range(n_axes):
        shape[axis] = cnp.PyArray_DIM(whole, axis)
    data, length = <const char *>cnp.PyArray_DATA(whole), shape[0]
    # Of one row. Whatever lies within the array has no more bytes than it: the products do not overflow.
    nbytes = cnp.PyArray_NBYTES(whole) // length if length else 0
    for start, stop in spans:
        if not 0 <= start <= stop <= length:
            raise ValueError("a stretch must lie in the array")
        shape[0] = stop - start
        Py_INCREF(dtype)
        part = PyArray_Empty(n_axes, shape, dtype, False)
        memcpy(cnp.PyArray_DATA(part), data + start * nbytes, (stop - start) * nbytes)
        parts.append(part)
    return parts
