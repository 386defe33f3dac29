"""How elements of arrays are written that a document states as numbers."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

# dtypes whose elements JSON says by itself.
cdef enum:
    FLOAT64, FLOAT32, INT64, INT32, UINT8, UINT32, UINT64, INT8, BOOL, INT16, UINT16


cdef inline bint put_integer(char *target, int kind, int64_t integer) noexcept:
    """Write an integer as an element of an integer dtype, if that has it; fields of records may lie at any address."""
    cdef int32_t int32 = <int32_t>integer
    cdef int16_t int16 = <int16_t>integer
    if kind == INT64:
        memcpy(target, &integer, 8)
    elif kind == INT32:
        if integer != int32:
            return False
        memcpy(target, &int32, 4)
    elif kind == UINT8:
        if integer != <uint8_t>integer:
            return False
        target[0] = <char>integer
    elif kind == UINT32:
        if integer != <uint32_t>integer:
            return False
        memcpy(target, &int32, 4)
    elif kind == UINT64:
        if integer < 0:
            return False
        memcpy(target, &integer, 8)
    elif kind == INT16:
        if integer != int16:
            return False
        memcpy(target, &int16, 2)
    elif kind == UINT16:
        if integer != <uint16_t>integer:
            return False
        memcpy(target, &int16, 2)
    else:
        if integer != <int8_t>integer:
            return False
        target[0] = <char>integer
    return True
