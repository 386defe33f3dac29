"""How elements of arrays are written that a document states as numbers."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t

from reflectio.compiled.reading cimport INT32, INT64, UINT8, UINT32, UINT64


cdef inline bint put_integer(char *target, int kind, int64_t integer) noexcept:
    """Write an integer as an element, if the dtype has it."""
    if kind == INT64:
        (<int64_t *>target)[0] = integer
    elif kind == INT32:
        if not -2147483648 <= integer <= 2147483647:
            return False
        (<int32_t *>target)[0] = <int32_t>integer
    elif kind == UINT8:
        if not 0 <= integer <= 255:
            return False
        (<uint8_t *>target)[0] = <uint8_t>integer
    elif kind == UINT32:
        if not 0 <= integer <= 4294967295:
            return False
        (<uint32_t *>target)[0] = <uint32_t>integer
    elif kind == UINT64:
        if integer < 0:
            return False
        (<uint64_t *>target)[0] = <uint64_t>integer
    else:
        if not -128 <= integer <= 127:
            return False
        (<int8_t *>target)[0] = <int8_t>integer
    return True
