"""The place in the text of a header that is being read."""


cdef class Scanner:
    """
    Goes through a text that ends with a byte that no JSON text has: the NUL behind a header, or behind any bytes of Python.

    What it does is in `scanning.pxd`, for its users' compilers to see.
    """
