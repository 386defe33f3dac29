# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Small documents put together at once: what `reflectio.draft` does block by block, without a call for each."""

cimport numpy as cnp
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from libc.string cimport memcpy, memset

import xxhash

cnp.import_array()

cdef extern from "Python.h":
    object PyMemoryView_FromMemory(char *memory, Py_ssize_t size, int flags)
    int PyBUF_READ
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef object _hexdigest = xxhash.xxh3_128_hexdigest

# Above so many bytes of arrays nothing is gained.
cdef enum:
    MOST_BYTES = 1 << 17

# The segment, and each array in it, start at multiples of so many bytes.
cdef enum:
    ALIGNMENT = 64

cdef enum:
    DIGITS = 32

cdef bytes _DIGEST = b',"digest":"xxh3_128:'
cdef bytes _END = b'"}'


cdef int _put_digest(char *target, const char *start, Py_ssize_t size) except -1:
    """Write the digest of some bytes."""
    cdef Py_ssize_t n_digits = 0
    digits = _hexdigest(PyMemoryView_FromMemory(<char *>start, size, PyBUF_READ))
    memcpy(target, PyUnicode_AsUTF8AndSize(digits, &n_digits), DIGITS)
    return 0


def joined(
    bytes beginning not None, bytes nodes not None, bytes described not None, list arrays not None, list offsets not None,
    Py_ssize_t nbytes,
):
    """
    Give all bytes of a document.

    Parameters
    ----------
    beginning : bytes
        The header up to the node of its model.
    nodes : bytes
        That, and what follows up to the description of the segment.
    described : bytes
        That description, with a comma before it and anything in the place of the digest; empty where there is no segment.
    arrays : list
        The arrays of the segment.
    offsets : list of int
        Where each starts in it.
    nbytes : int
        How many bytes it has.

    Returns
    -------
    bytes or None
        None where the document is not small, or has arrays whose bytes are not simply those in memory.
    """
    cdef Py_ssize_t size = PyBytes_GET_SIZE(beginning) + PyBytes_GET_SIZE(nodes) + PyBytes_GET_SIZE(described)
    cdef Py_ssize_t digested, start = 0, index, offset, end = 0
    cdef object array
    cdef char *target
    if nbytes > MOST_BYTES:
        return None
    if nbytes < 0 or PyList_GET_SIZE(offsets) != PyList_GET_SIZE(arrays):
        raise ValueError("there must be as many offsets as arrays")
    for index in range(PyList_GET_SIZE(arrays)):
        array = <object>PyList_GET_ITEM(arrays, index)
        if not cnp.PyArray_Check(array) or not cnp.PyArray_IS_C_CONTIGUOUS(array):
            return None
        if not cnp.PyTypeNum_ISNUMBER(cnp.PyArray_TYPE(array)) and not cnp.PyTypeNum_ISBOOL(cnp.PyArray_TYPE(array)):
            return None
        if cnp.PyArray_TYPE(array) == cnp.NPY_LONGDOUBLE or cnp.PyArray_TYPE(array) == cnp.NPY_CLONGDOUBLE:
            return None
    digested = size + 1
    size += len(_DIGEST) + DIGITS + len(_END)
    if arrays:
        start = (size // ALIGNMENT + 1) * ALIGNMENT
    cdef bytes document = PyBytes_FromStringAndSize(NULL, start + nbytes if arrays else size)
    target = PyBytes_AS_STRING(document)
    memcpy(target, PyBytes_AS_STRING(beginning), PyBytes_GET_SIZE(beginning))
    memcpy(target + PyBytes_GET_SIZE(beginning), PyBytes_AS_STRING(nodes), PyBytes_GET_SIZE(nodes))
    memcpy(target + digested - 1 - PyBytes_GET_SIZE(described), PyBytes_AS_STRING(described), PyBytes_GET_SIZE(described))
    memcpy(target + digested - 1, PyBytes_AS_STRING(_DIGEST), len(_DIGEST))
    memcpy(target + size - len(_END), PyBytes_AS_STRING(_END), len(_END))
    if arrays:
        memset(target + size, 0, start - size)
        for index in range(PyList_GET_SIZE(arrays)):
            array = <object>PyList_GET_ITEM(arrays, index)
            offset = offsets[index]
            if offset < end or offset + cnp.PyArray_NBYTES(array) > nbytes:
                raise ValueError("the arrays lie outside the segment, or within each other")
            memset(target + start + end, 0, offset - end)
            end = offset + cnp.PyArray_NBYTES(array)
            memcpy(target + start + offset, cnp.PyArray_DATA(array), cnp.PyArray_NBYTES(array))
        if end != nbytes:
            raise ValueError("the segment is longer than its arrays")
        # The digits end two characters before the description does.
        _put_digest(target + digested - 1 - len(_END) - DIGITS, target + start, nbytes)
    _put_digest(target + size - len(_END) - DIGITS, target, digested)
    return document
