# So many fields a record may have; more are rare.
cdef enum:
    MOST_FIELDS = 32

cdef struct Field:
    int kind
    Py_ssize_t offset

cdef Py_ssize_t read_fields(object dtype, Field *fields) except -1
