# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Arrays whose elements lie in steps, as those of columns that were cut out of others do."""

cimport numpy as cnp

from reflectio.compiled.reading cimport MOST_AXES, type_numbers

cnp.import_array()

cdef extern from *:
    """
    // An array that is a view of the memory of another.
    static PyObject *reflectio_view(
        int number, int n_axes, npy_intp *shape, npy_intp *strides, char *data, PyObject *owner)
    {
        PyObject *view = PyArray_NewFromDescr(
            &PyArray_Type, PyArray_DescrFromType(number), n_axes, shape, strides, data, NPY_ARRAY_WRITEABLE, NULL);
        if (view == NULL)
            return NULL;
        Py_INCREF(owner);
        if (PyArray_SetBaseObject((PyArrayObject *)view, owner) < 0) {
            Py_DECREF(view);
            return NULL;
        }
        return view;
    }
    """
    object reflectio_view(
        int number, int n_axes, cnp.npy_intp *shape, cnp.npy_intp *strides, char *data, object owner
    )


cdef object zeros_in_steps(
    cnp.npy_intp nbytes, cnp.npy_intp low, int kind, int n_axes, Py_ssize_t *shape, cnp.npy_intp *strides
):
    """An array of zeros, which lie in steps in a buffer of so many bytes; the lowest is so far, at most 0, from the first."""
    cdef object buffer = cnp.PyArray_ZEROS(1, &nbytes, cnp.NPY_UINT8, 0)
    return reflectio_view(
        type_numbers[kind], n_axes, <cnp.npy_intp *>shape, strides, <char *>cnp.PyArray_DATA(buffer) - low, buffer
    )


cdef bint are_apart(Py_ssize_t *shape, cnp.npy_intp *steps, int n_axes, Py_ssize_t itemsize) noexcept:
    """Whether no two elements share a byte, as far as `reflectio.layout.is_apart` tells."""
    cdef cnp.npy_intp[MOST_AXES] strides
    cdef Py_ssize_t[MOST_AXES] lengths
    cdef cnp.npy_intp stride, reach = itemsize
    cdef int axis, other
    for axis in range(n_axes):
        stride = -steps[axis] if steps[axis] < 0 else steps[axis]
        # In the order of their strides.
        other = axis
        while other > 0 and strides[other - 1] > stride:
            strides[other], lengths[other] = strides[other - 1], lengths[other - 1]
            other -= 1
        strides[other], lengths[other] = stride, shape[axis]
    for axis in range(n_axes):
        if lengths[axis] > 1:
            if strides[axis] < reach:
                return False
            reach += (lengths[axis] - 1) * strides[axis]
    return True
