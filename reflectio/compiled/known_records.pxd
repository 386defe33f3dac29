# A longer text is not remembered.
cdef enum:
    LONGEST_RECORD = 1 << 12

cdef object record_of(bytes text)
cdef int remember_record(bytes text, dict node) except -1
