"""What `reflectio.compiled.reading` shares with the modules that build nodes of other forms."""

cimport numpy as cnp
from cpython.object cimport PyObject

cdef extern from "numpy/arrayobject.h":
    object PyArray_EMPTY(int ndim, cnp.npy_intp *shape, int number, int fortran)
    object PyArray_Scalar(void *data, cnp.dtype dtype, object base)

# As many axes as an array has that is built here; others are rare.
cdef enum:
    MOST_AXES = 8

# Copying so many bytes takes less than to let other threads run meanwhile.
cdef enum:
    UNNOTICED = 1 << 16

# numpy's number for each of the dtypes of `elements.pxd`, and the size of an element.
cdef int[11] type_numbers
cdef int[11] item_sizes
cdef cnp.dtype float64
cdef cnp.dtype int64


cdef class Walk:
    cdef readonly object policy
    cdef readonly object segment
    cdef readonly object text
    cdef readonly object readers
    cdef public dict built
    cdef public dict times
    cdef public set open
    cdef public list to_check
    cdef public dict states
    cdef public set early
    cdef public list waiting
    cdef public list views
    cdef public dict copies
    cdef public dict spent
    cdef int level

    cdef object build_dict(self, dict node)
    cdef object build_nested(self, object node)
    cpdef list build_items(self, list items)
    cpdef dict build_values(self, dict members)


cdef class Reader:
    cdef object other
    cdef object codec
    cdef Py_ssize_t dimensions
    # Whether arrays that are parts of a node may be there already, rather than their own nodes.
    cdef bint takes_arrays

    cdef object read(self, dict node, Walk decoder)


cdef class ObjectReader(Reader):
    cdef bint known
    cdef object cls
    cdef bint new_of_object
    cdef set attributes
    cdef tuple checks
    cdef str version_name
    cdef object version
    # The attributes in the order in which an object last had them, interned: the next will have them so again.
    cdef list order

    cdef object begin(self, object tag, Walk decoder)
    cdef int learn(self) except -1


cdef class StateReader(Reader):
    cdef object cls
    cdef tuple parts
    cdef list copied
    cdef object is_sound


cdef int read_shape(list lengths, Py_ssize_t *shape) except -1
cdef object member(dict node, str name)
cdef object within(cnp.dtype dtype, int n_axes, cnp.npy_intp *shape, const char *data, int flags, object owner)
cdef bint is_record(dtype) except -1
cdef object borrowed(dict node, Walk decoder)
cdef object array_of(dict node, Walk decoder, Py_ssize_t n_members, Py_ssize_t dimensions)
cdef object taken(Py_ssize_t start, Walk decoder, int kind, int n_axes, Py_ssize_t *shape, int fortran)
cdef object referred(object number, Walk decoder)
