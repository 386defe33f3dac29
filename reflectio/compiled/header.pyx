# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""
Reading a header that is as nearly all are: in the form that reflectio writes, whole, and with the digest it states.

What is anything else is not judged here, but read again by `reflectio.header`, which says what is wrong with it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport uint8_t
from libc.stdlib cimport getenv
from libc.string cimport memchr, memcmp

import orjson
import xxhash

cdef extern from "Python.h":
    object PyMemoryView_FromMemory(char *memory, Py_ssize_t size, int flags)
    int PyBUF_READ
    bint PyDict_CheckExact(PyObject *obj)
    bint PyList_CheckExact(PyObject *obj)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef object _loads = orjson.loads
cdef object _hexdigest = xxhash.xxh3_128_hexdigest

# As far as `reflectio.strict_json` lets lists and objects nest.
cdef enum:
    NESTING = 254

# A float of at least this size may have been written as an integer beyond 64 bits.
cdef double _BEYOND = 9.2e18

cdef tuple _ALONE = ("reflectio", "versions", "model", "digest")
cdef tuple _WITH_SEGMENT = ("reflectio", "versions", "model", "segment", "digest")

cdef bytes _DIGEST = b'"digest":"xxh3_128:'
# The segment starts at a multiple of so many bytes.
cdef enum:
    ALIGNMENT = 64

cdef enum:
    DIGITS = 32
    ENDING = 2

# Larger headers take so long by themselves that nothing is gained.
cdef enum:
    MOST_BYTES = 1 << 20


def is_set(bytes variable):
    """Whether an environment variable is set, and not empty; Python's own way takes ten times as long."""
    cdef const char *value = getenv(PyBytes_AS_STRING(variable))
    return value is not NULL and value[0] != 0


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


# The limits that were asked for last, and how long a header may be that keeps them whatever it holds.
cdef object _limits = None
cdef Py_ssize_t _most = 0


cdef Py_ssize_t _most_bytes(limits) except -1:
    global _limits, _most
    if limits is not _limits:
        # A value other than the first follows a comma or an opening bracket.
        _most = min(limits.text_bytes, 2 * (limits.nodes - 1), <Py_ssize_t>MOST_BYTES)
        if limits.depth < NESTING or _most < 0:
            _most = 0
        _limits = limits
    return _most


cdef bint _is_usual(dict members, bint has_segment) except -1:
    """Whether a header has the members of nearly every header."""
    version = members.get("reflectio")
    return (
        tuple(members) == (_WITH_SEGMENT if has_segment else _ALONE)
        and type(version) is int
        and version == 1
        and type(members["versions"]) is dict
    )


def read_plain(bytes data not None, limits):
    """
    Read the header of a document, if nothing about it is unusual.

    Parameters
    ----------
    data : bytes
        The document.
    limits : Limits
        What the policy grants.

    Returns
    -------
    tuple or None
        What `reflectio.header.Header` has, and where the segment starts, which is then whole, padded, and as its digest
        says; None there where there is none. None, where there may be more to say.
    """
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), end, digested, n_digits = 0
    cdef const char *nul
    cdef const char *digits
    cdef bytes text
    if not size or start[0] != b"{":
        return None
    nul = <const char *>memchr(start, 0, min(size, MOST_BYTES))
    end = size if nul is NULL else nul - start
    digested = end - (len(_DIGEST) + DIGITS + ENDING)
    if end > _most_bytes(limits) or digested < 0:
        return None
    if memcmp(start + digested, PyBytes_AS_STRING(_DIGEST), len(_DIGEST)):
        return None
    if start[end - 2] != b'"' or start[end - 1] != b"}":
        return None
    found = _hexdigest(PyMemoryView_FromMemory(<char *>start, digested, PyBUF_READ))
    digits = PyUnicode_AsUTF8AndSize(found, &n_digits)
    if n_digits != DIGITS or memcmp(start + digested + len(_DIGEST), digits, DIGITS):
        return None
    text = data if nul is NULL else PyBytes_FromStringAndSize(start, end)
    try:
        members = _loads(text)
    except ValueError:
        return None
    if type(members) is not dict or not says_one_thing(text, members):
        return None
    if not _is_usual(<dict>members, nul is not NULL):
        return None
    if nul is NULL:
        return members, text, None, None
    offset = _start_of_segment(members["segment"], data, end)
    return None if offset < 0 else (members, text, end, offset)


cdef Py_ssize_t _start_of_segment(described, bytes data, Py_ssize_t end) except -2:
    """Where a segment starts that is as the header describes it; -1 where that has to be looked at again."""
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), position, offset = (end // ALIGNMENT + 1) * ALIGNMENT
    if end % ALIGNMENT == 0:
        offset = end + ALIGNMENT
    if offset > size or type(described) is not dict or len(described) != 2:
        return -1
    nbytes, digest = described.get("nbytes"), described.get("xxh3_128")
    if type(nbytes) is not int or type(digest) is not str or nbytes != size - offset:
        return -1
    for position in range(end, offset):
        if start[position]:
            return -1
    found = _hexdigest(PyMemoryView_FromMemory(<char *>start + offset, size - offset, PyBUF_READ))
    return offset if found == digest else -1
