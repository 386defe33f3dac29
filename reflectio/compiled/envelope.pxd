cdef struct Envelope:
    Py_ssize_t header  # how many bytes the header has
    Py_ssize_t model  # where the model has to end in it, which is followed by nothing but what was read already
    Py_ssize_t segment  # where the segment starts; 0 where there is none

cdef bint open_envelope(bytes data, limits, Envelope *found) except -1
