# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""What surrounds the model in the bytes of a document, where all is as reflectio writes it: the digests and the segment."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memchr, memcmp

import xxhash

from reflectio.compiled.scanning cimport NESTING, OPENING_BRACE, SHORT_DIGITS, ZERO, is_digit

cdef extern from "Python.h":
    object PyMemoryView_FromMemory(char *memory, Py_ssize_t size, int flags)
    int PyBUF_READ
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    Py_ssize_t PY_SSIZE_T_MAX

cdef object _hexdigest = xxhash.xxh3_128_hexdigest

cdef bytes _DIGEST = b',"digest":"xxh3_128:'
cdef bytes _SEGMENT = b',"segment":{"nbytes":'
cdef bytes _SEGMENT_DIGEST = b',"xxh3_128":"'

# The segment starts at a multiple of so many bytes.
cdef enum:
    ALIGNMENT = 64

cdef enum:
    DIGITS = 32

# The limits that were asked for last, and how long a header may be that keeps them whatever it holds.
cdef object _limits = None
cdef Py_ssize_t _most = 0


cdef Py_ssize_t _most_bytes(limits) except -1:
    global _limits, _most
    if limits is not _limits:
        # A value other than the first follows a comma or an opening bracket. Limits may be any integers.
        _most = max(0, min(limits.text_bytes, 2 * (limits.nodes - 1), PY_SSIZE_T_MAX))
        if limits.depth < NESTING:
            _most = 0
        _limits = limits
    return _most


cdef bint _is_digest(const char *start, Py_ssize_t size, const char *stated) except -1:
    """Whether some digits are the digest of some bytes."""
    cdef Py_ssize_t n_digits = 0
    cdef object found = _hexdigest(PyMemoryView_FromMemory(<char *>start, size, PyBUF_READ))
    cdef const char *digits = PyUnicode_AsUTF8AndSize(found, &n_digits)
    return n_digits == DIGITS and memcmp(digits, stated, DIGITS) == 0


cdef const char *_description_of_segment(const char *start, const char *stop, Py_ssize_t *nbytes):
    """Where the description of the segment starts that ends before a place, and what it says; NULL where there is none."""
    cdef const char *c
    cdef Py_ssize_t size = 0, unit = 1
    if stop - start <= len(_SEGMENT) + SHORT_DIGITS + len(_SEGMENT_DIGEST) + DIGITS + 2 or memcmp(stop - 2, b'"}', 2):
        return NULL
    c = stop - 2 - DIGITS - len(_SEGMENT_DIGEST)
    if memcmp(c, PyBytes_AS_STRING(_SEGMENT_DIGEST), len(_SEGMENT_DIGEST)):
        return NULL
    while is_digit((c - 1)[0]) and unit <= 1000000000000000:
        c -= 1
        size += unit * (c[0] - ZERO)
        unit *= 10
    if unit == 1 or (c[0] == ZERO and unit > 10):
        return NULL
    c -= len(_SEGMENT)
    if memcmp(c, PyBytes_AS_STRING(_SEGMENT), len(_SEGMENT)):
        return NULL
    nbytes[0] = size
    return c


cdef bint open_envelope(bytes data, limits, Envelope *found) except -1:
    """
    Find the parts of a document, and check their digests.

    False where a part is not as reflectio writes it, is too long for the limits, or does not match its digest.
    """
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), end, offset, nbytes = 0, position
    cdef const char *nul
    cdef const char *digest
    cdef const char *description
    if not size or start[0] != OPENING_BRACE:
        return False
    nul = <const char *>memchr(start, 0, size)
    end = size if nul is NULL else nul - start
    if end > _most_bytes(limits):
        return False
    found.header = found.model = end
    found.segment = 0
    digest = start + end - 2 - DIGITS - len(_DIGEST)
    if end > len(_DIGEST) + DIGITS + 2 and not memcmp(digest, PyBytes_AS_STRING(_DIGEST), len(_DIGEST)):
        # The comma before the member is digested, too.
        if memcmp(start + end - 2, b'"}', 2) or not _is_digest(start, digest + 1 - start, digest + len(_DIGEST)):
            return False
        found.model = digest - start
    elif nul is not NULL:
        return False
    if nul is not NULL:
        description = _description_of_segment(start, digest, &nbytes)
        offset = (end // ALIGNMENT + 1) * ALIGNMENT
        if description is NULL or offset + nbytes != size:
            return False
        for position in range(end, offset):
            if start[position]:
                return False
        if not _is_digest(start + offset, nbytes, digest - 2 - DIGITS):
            return False
        found.model = description - start
        found.segment = offset
    return True
