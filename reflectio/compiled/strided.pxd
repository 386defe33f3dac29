cimport numpy as cnp

cdef object zeros_in_steps(
    cnp.npy_intp nbytes, cnp.npy_intp low, int kind, int n_axes, Py_ssize_t *shape, cnp.npy_intp *strides
)
cdef bint are_apart(Py_ssize_t *shape, cnp.npy_intp *steps, int n_axes, Py_ssize_t itemsize) noexcept
