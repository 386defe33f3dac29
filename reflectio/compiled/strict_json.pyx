# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Whether a JSON text says one thing to every parser, seen quickly: see `reflectio.strict_json`, which looks again where not."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport uint8_t
from libc.string cimport memchr

cdef extern from "Python.h":
    bint PyDict_CheckExact(PyObject *obj)
    bint PyList_CheckExact(PyObject *obj)

# As far as `reflectio.strict_json` lets lists and objects nest.
cdef enum:
    NESTING = 254

# A float of at least this size may have been written as an integer beyond 64 bits.
cdef double _BEYOND = 9.2e18


cdef Py_ssize_t _count_quotes(const uint8_t *text, Py_ssize_t size) noexcept nogil:
    """How many quotation marks begin or end a string of a JSON text."""
    cdef Py_ssize_t count = 0, position = 0, stop
    cdef uint8_t few
    cdef const uint8_t *end = text + size
    cdef const uint8_t *backslash
    # So few at a time that a byte counts them: the compiler then looks at many at once.
    while position < size:
        stop = min(position + 128, size)
        few = 0
        while position < stop:
            few += text[position] == 34
            position += 1
        count += few
    backslash = <const uint8_t *>memchr(text, 92, size)
    while backslash is not NULL and end - backslash > 2:
        count -= backslash[1] == 34
        backslash = <const uint8_t *>memchr(backslash + 2, 92, end - backslash - 2)
    return count


cdef Py_ssize_t _count_strings(PyObject *value, int depth):
    """How many strings, keys among them, a parsed value holds; negative where something else has to be seen to."""
    cdef Py_ssize_t count = 0, inner, position = 0, index
    cdef PyObject *key
    cdef PyObject *item
    if depth > NESTING:
        return -1
    if PyDict_CheckExact(value):
        while PyDict_Next(<object>value, &position, &key, &item):
            inner = _count_strings_within(item, depth)
            if inner < 0:
                return -1
            count += 1 + inner
    else:
        for index in range(PyList_GET_SIZE(<object>value)):
            inner = _count_strings_within(PyList_GET_ITEM(<object>value, index), depth)
            if inner < 0:
                return -1
            count += inner
    return count


cdef inline Py_ssize_t _count_strings_within(PyObject *item, int depth):
    if PyUnicode_CheckExact(<object>item):
        return 1
    if PyFloat_CheckExact(<object>item):
        return 0 if -_BEYOND < PyFloat_AS_DOUBLE(<object>item) < _BEYOND else -1
    if PyDict_CheckExact(item) or PyList_CheckExact(item):
        return _count_strings(item, depth + 1)
    return 0


cpdef bint says_one_thing(bytes text, value):
    """
    Say whether a JSON text can be seen at once to say the same to every parser.

    A key that comes twice is lost together with a value, so that the parsed value holds fewer strings than the text.

    Parameters
    ----------
    text : bytes
        The text.
    value : dict or list
        What it was parsed to.

    Returns
    -------
    bool
        False where a key comes twice, an integer lies beyond 64 bits, or it nests too deeply; or where that has to be
        found out in another way.
    """
    cdef Py_ssize_t quotes
    if not (type(value) is dict or type(value) is list):
        return False
    quotes = _count_quotes(<const uint8_t *>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    return 2 * _count_strings(<PyObject *>value, 1) == quotes
