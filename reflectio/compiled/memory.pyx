# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""
Bytes put one behind the other, without a look at them by Python.

A document in memory is as large as the model, so that most of the time goes into memory that is touched for the first
time: the system gives it page by page, and clears each before. What is here asks for large pages, touches them once,
and lets other threads run while it copies.
"""

cimport numpy as cnp
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

cnp.import_array()

cdef extern from *:
    """
    #if defined(__linux__)
    #include <stdint.h>
    #include <sys/mman.h>
    #endif

    /* As numpy does it for arrays from this size on. A system that cannot, or may not, goes on as before. */
    static void reflectio_use_large_pages(char *start, Py_ssize_t nbytes)
    {
    #if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (nbytes >= 1 << 22) {
            uintptr_t first = ((uintptr_t)start + 4095) & ~(uintptr_t)4095;
            madvise((void *)first, (size_t)((uintptr_t)start + nbytes - first), MADV_HUGEPAGE);
        }
    #endif
    }
    """
    void reflectio_use_large_pages(char *start, Py_ssize_t nbytes)

# From this size on, to let other threads run takes less than what they gain.
cdef enum:
    LONG = 1 << 14


cdef inline void _copy(char *target, const char *source, Py_ssize_t nbytes) noexcept:
    if nbytes < LONG:
        memcpy(target, source, nbytes)
    else:
        with nogil:
            memcpy(target, source, nbytes)


cdef class Memory:
    """
    A file in memory that will have so many bytes, each of which has to be written.

    `io.BytesIO` grows as it is written to, a little at a time, and its memory comes in small pages.

    Parameters
    ----------
    nbytes : int
        How many.
    """

    cdef bytes _value
    cdef char *_start
    cdef Py_ssize_t _nbytes
    cdef Py_ssize_t _position

    def __init__(self, Py_ssize_t nbytes):
        self._value = PyBytes_FromStringAndSize(NULL, nbytes)
        self._start = PyBytes_AS_STRING(self._value)
        self._nbytes = nbytes
        self._position = 0
        reflectio_use_large_pages(self._start, nbytes)

    def tell(self):
        """Where the next byte goes."""
        return self._position

    def seek(self, Py_ssize_t position):
        """Say where the next byte goes."""
        if not 0 <= position <= self._nbytes:
            raise ValueError("the place lies outside the file")
        self._position = position
        return position

    def write(self, data):
        """Put bytes there; there must be room for them."""
        cdef Py_buffer buffer
        PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE)
        try:
            if self._value is None or buffer.len > self._nbytes - self._position:
                raise ValueError("the file has no room for so many bytes")
            _copy(self._start + self._position, <const char *>buffer.buf, buffer.len)
            self._position += buffer.len
            return buffer.len
        finally:
            PyBuffer_Release(&buffer)

    def getvalue(self):
        """Give the bytes, uncopied; nothing can be written any more, and all must have been."""
        if self._value is None or self._position != self._nbytes:
            raise ValueError("the file is not complete")
        value, self._value = self._value, None
        return value


def joined(list arrays not None):
    """
    Put the bytes of arrays one behind the other.

    Parameters
    ----------
    arrays : list of ndarray
        Arrays without objects, in C order.
    """
    cdef Py_ssize_t index, size, nbytes = 0
    cdef object array
    for index in range(PyList_GET_SIZE(arrays)):
        array = <object>PyList_GET_ITEM(arrays, index)
        if not cnp.PyArray_Check(array) or not cnp.PyArray_IS_C_CONTIGUOUS(array):
            raise TypeError("only arrays in C order can be joined")
        nbytes += cnp.PyArray_NBYTES(array)
    cdef bytes value = PyBytes_FromStringAndSize(NULL, nbytes)
    cdef char *target = PyBytes_AS_STRING(value)
    for index in range(PyList_GET_SIZE(arrays)):
        array = <object>PyList_GET_ITEM(arrays, index)
        size = cnp.PyArray_NBYTES(array)
        memcpy(target, cnp.PyArray_DATA(array), size)
        target += size
    return value


def has_leftovers(cnp.ndarray elements not None, Py_ssize_t start, Py_ssize_t stop):
    """
    Say whether bytes between the fields of records are anything but zero.

    Parameters
    ----------
    elements : ndarray of uint8 of shape (n_elements, itemsize)
        The bytes of the records, in C order.
    start, stop : int
        Which bytes of each.
    """
    if cnp.PyArray_NDIM(elements) != 2 or not cnp.PyArray_IS_C_CONTIGUOUS(elements):
        raise TypeError("the records must lie one behind the other")
    cdef Py_ssize_t n_elements = cnp.PyArray_DIM(elements, 0)
    cdef Py_ssize_t itemsize = cnp.PyArray_NBYTES(elements) // n_elements if n_elements else 0
    if n_elements and not 0 <= start <= stop <= itemsize:
        raise ValueError("the records are shorter")
    cdef const uint8_t *record = <const uint8_t *>cnp.PyArray_DATA(elements)
    cdef uint64_t word, mask = 0, seen = 0
    cdef Py_ssize_t index, place
    with nogil:
        if stop >= 8 and stop - start <= 8:
            # Nearly always so: a word of each record, of which the last bytes count.
            memset(<char *>&mask + 8 - (stop - start), 255, stop - start)
            for index in range(n_elements):
                memcpy(&word, record + stop - 8, 8)
                seen |= word & mask
                record += itemsize
        else:
            for index in range(n_elements):
                for place in range(start, stop):
                    seen |= record[place]
                record += itemsize
    return seen != 0
