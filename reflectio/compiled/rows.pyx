# cython: wraparound=False
"""
Rows on the way in: the plain columns that nearly all consist of, and the objects that are made of them.

What rows are, and what is wrong with others, is said in Python, in `reflectio.codecs.columns` and
`reflectio.codecs.objects`, which get everything that is not as plain as this before anything was done with it.
"""

cimport cython
cimport numpy as cnp
from cpython.dict cimport PyDict_Copy, PyDict_SetItem, PyDict_Update
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memcpy

from reflectio.compiled.reading cimport MOST_AXES, PyArray_Scalar, Reader, Walk, borrowed, member, within

cnp.import_array()

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1
    void PyUnicode_InternInPlace(PyObject **text)
    int PyObject_GenericSetDict(object obj, object value, void *context) except -1
    object PyObject_GenericGetDict(object obj, void *context)
    int PY_VERSION_HEX

cdef extern from *:
    """
    // An array in C order, in memory of its own.
    static PyObject *reflectio_empty(PyArray_Descr *dtype, int n_axes, npy_intp *shape)
    {
        Py_INCREF(dtype);
        return PyArray_Empty(n_axes, shape, dtype, 0);
    }
    static PyObject *reflectio_object(PyTypeObject *cls, PyObject *no_arguments)
    {
        return PyBaseObject_Type.tp_new(cls, no_arguments, NULL);
    }
    """
    object reflectio_empty(cnp.dtype dtype, int n_axes, cnp.npy_intp *shape)
    object reflectio_object(PyTypeObject *cls, object no_arguments)

cdef tuple _no_arguments = ()


# -- columns --------------------------------------------------------------------------------------------------


cdef bint _are_lengths(list lengths, Py_ssize_t count, Py_ssize_t total) except -1:
    """Whether there are so many lengths, and these are together so long."""
    cdef long long length
    cdef int overflow = 0
    if len(lengths) != count:
        return False
    for found in lengths:
        if not PyLong_CheckExact(found):
            return False
        length = PyLong_AsLongLongAndOverflow(found, &overflow)
        if overflow or not 0 <= length <= total:
            return False
        total -= length
    return total == 0


cdef list _parts(cnp.ndarray array, Py_ssize_t count, list lengths, bint same, bint copy):
    """The arrays that one consists of along the first axis, or copies of it, all of the array if they are the same."""
    cdef cnp.npy_intp[MOST_AXES] shape
    cdef Py_ssize_t total = cnp.PyArray_DIM(array, 0), start = 0, index, length
    cdef int axis, n_axes = cnp.PyArray_NDIM(array)
    cdef cnp.dtype dtype = (<object>array).dtype
    # Of one row.
    cdef Py_ssize_t nbytes = cnp.PyArray_NBYTES(array) // total if total else 0
    cdef const char *data = <const char *>cnp.PyArray_DATA(array)
    cdef int flags = cnp.PyArray_FLAGS(array) & cnp.NPY_ARRAY_WRITEABLE
    cdef object part
    cdef list parts = []
    for axis in range(n_axes):
        shape[axis] = cnp.PyArray_DIM(array, axis)
    length = total if same else total // count
    for index in range(count):
        if lengths is not None:
            length = lengths[index]
        if not 0 <= length <= total - start:
            raise ValueError("a part must lie in the array")
        shape[0] = length
        if copy:
            part = reflectio_empty(dtype, n_axes, shape)
            memcpy(cnp.PyArray_DATA(<cnp.ndarray>part), data + start * nbytes, length * nbytes)
        else:
            part = within(dtype, n_axes, shape, data + start * nbytes, flags, array)
        parts.append(part)
        if not same:
            start += length
    return parts


cdef bint _is_plain(cnp.ndarray array) except -1:
    """Whether the elements are numbers, or records of them, as they are built while they are read, one after the other."""
    cdef int number = cnp.PyArray_TYPE(array)
    if not cnp.PyArray_IS_C_CONTIGUOUS(array):
        return False
    return cnp.PyTypeNum_ISNUMBER(number) or cnp.PyTypeNum_ISBOOL(number) or (number == cnp.NPY_VOID and not (<object>array).dtype.hasobject)


def read_column(dict node not None, Py_ssize_t count, Walk decoder not None, bint borrow):
    """
    Give the values of a column of arrays or scalars that is plain.

    Parameters
    ----------
    node : node
        The column.
    count : int
        How many values it has, one at least.
    decoder : Decoder
        Knows where arrays are that the header does not hold.
    borrow : bool
        Whether arrays may be views of one that joins them.

    Returns
    -------
    tuple or None
        The values; whether they are arrays; and whether each has memory of its own. None where it takes more to tell, and
        nothing was done.
    """
    cdef object of = member(node, "of")
    cdef object described = member(node, "array")
    cdef object lengths = member(node, "lengths")
    cdef bint same = member(node, "same") is True
    cdef bint scalars
    cdef Py_ssize_t index, length
    cdef int overflow = 0
    cdef cnp.ndarray array
    cdef cnp.dtype dtype
    cdef list values
    # What was built as it was read; else it is built below, when all else about the column is right.
    cdef bint is_there = type(described) is cnp.ndarray
    if count < 1 or type(of) is not str or len(node) != 3 + (lengths is not None) + same:
        return None
    if not is_there and type(described) is not dict or is_there and not _is_plain(described):
        return None
    shape = list(described.shape) if is_there else member(<dict>described, "shape")
    if type(shape) is not list or not shape or not (lengths is None or type(lengths) is list and not same):
        return None
    if not PyLong_CheckExact((<list>shape)[0]):
        return None
    length = PyLong_AsLongLongAndOverflow((<list>shape)[0], &overflow)
    scalars = <str>of == "scalar"
    if overflow or not scalars and <str>of != "ndarray":
        return None
    if scalars:
        if len(<list>shape) > 1 or lengths is not None or length != (1 if same else count):
            return None
        if (described.dtype.names is not None) if is_there else (type(member(<dict>described, "dtype")) is not str):
            return None
    elif lengths is not None:
        if not _are_lengths(<list>lengths, count, length):
            return None
    elif not same and length % count:
        return None
    # That its shape is one, and how long it is, is found there.
    found = described if is_there else borrowed(<dict>described, decoder)
    if found is None:
        return None
    array = found
    if scalars:
        dtype = found.dtype
        values = [
            PyArray_Scalar(<char *>cnp.PyArray_DATA(array) + index * cnp.PyArray_ITEMSIZE(array), dtype, None)
            for index in range(length)
        ]
        return values * count if same else values, False, False
    if same:
        decoder.charge_copy(<object>cnp.PyArray_NBYTES(array) * count)
    return _parts(array, count, lengths, same, same or not borrow), True, same or not borrow


# -- objects --------------------------------------------------------------------------------------------------


cdef enum:
    PYTHON_3_13 = 0x030D0000


def objects_with(cls, Py_ssize_t count, dict constants not None, dict lists not None):
    """
    Make objects of a class with nothing but attributes.

    Parameters
    ----------
    cls : type
        The class, whose objects Python makes, each with a dict for all its attributes.
    count : int
        How many.
    constants : dict of str to Any
        The attributes, with the values that all objects have.
    lists : dict of str to list
        Of some of these, the value of each object in place of that.

    Returns
    -------
    list or None
        None where a list has not as many values.
    """
    cdef Py_ssize_t index, number
    cdef dict shared = {}, state
    cdef list names = [], columns = [], objects = []
    cdef object obj, name
    for name, value in constants.items():
        shared[_interned(name)] = value
    for name, column in lists.items():
        if type(column) is not list or len(<list>column) != count or name not in shared:
            return None
        names.append(_interned(name))
        columns.append(column)
    for index in range(count):
        obj = reflectio_object(<PyTypeObject *>cls, _no_arguments)
        if PY_VERSION_HEX < PYTHON_3_13:
            state = PyDict_Copy(shared)
        else:
            # Attributes may lie in the object itself, where those of a dict that it is given are not all found.
            state = PyObject_GenericGetDict(obj, NULL)
            PyDict_Update(state, shared)
        for number in range(len(names)):
            PyDict_SetItem(state, names[number], (<list>columns[number])[index])
        if PY_VERSION_HEX < PYTHON_3_13:
            PyObject_GenericSetDict(obj, state, NULL)
        objects.append(obj)
    return objects


cdef object _interned(name):
    """The one text like this that attributes are looked for by."""
    cdef PyObject *interned = <PyObject *>name
    if type(name) is not str:
        raise TypeError("an attribute has a name")
    Py_INCREF(name)
    PyUnicode_InternInPlace(&interned)
    # It has taken over one reference, and given another.
    name = <object>interned
    Py_DECREF(name)
    return name


@cython.final
cdef class RowsReader(Reader):
    """Rows of a class that nothing refers to."""

    cdef object read(self, dict node, Walk decoder):
        cdef object name = member(node, "of"), count = member(node, "count"), codec
        cdef bint with_arguments = "args" in node
        if type(name) is not str or "." not in <str>name or "columns" not in node or len(node) != 4 + with_arguments:
            return self.other(node, decoder)
        if not PyLong_CheckExact(count) or not 0 < count <= decoder.policy.limits.nodes:
            return self.other(node, decoder)
        # Which classes may only be called with arguments is known once the name was looked up.
        codec = decoder.codec_of(name)
        decoder.check_construction(name, with_arguments=with_arguments)
        return codec.build_rows(node, decoder)
