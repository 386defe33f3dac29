# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""
The walk over a document's nodes, for the plain forms that nearly all documents are made of.

Each reader here builds nodes of one form, and gives every other to the reader written in Python before it has changed
anything. What comes from a document is hostile here as well: types, lengths and ranges are looked at before they count.
"""

cimport cython
cimport numpy as cnp
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.dict cimport PyDict_DelItem, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE, PyList_SetItem
from cpython.long cimport PyLong_AsDouble, PyLong_CheckExact
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.set cimport PySet_Contains
from cpython.unicode cimport PyUnicode_CheckExact
from libc.float cimport FLT_MAX
from libc.string cimport memcpy
from libc.stdint cimport int64_t, uint8_t, uint64_t

from reflectio.compiled.elements cimport BOOL, FLOAT32, FLOAT64, UINT64, put_integer

import numpy as np

cnp.import_array()

cdef extern from "Python.h":
    int Py_EnterRecursiveCall(const char *where) except -1
    void Py_LeaveRecursiveCall()
    void PyUnicode_InternInPlace(PyObject **string)
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1
    unsigned long long PyLong_AsUnsignedLongLong(object value) except? -1
    object PyObject_GenericGetDict(object obj, void *context)
    bint PyDict_CheckExact(PyObject *obj)
    bint PyList_CheckExact(PyObject *obj)
    PyObject *Py_True
    PyObject *Py_False
    Py_ssize_t PY_SSIZE_T_MAX

cdef extern from *:
    """
    static PyObject *reflectio_new(PyTypeObject *cls, PyObject *no_arguments)
    {
        return PyBaseObject_Type.tp_new(cls, no_arguments, NULL);
    }
    """
    object reflectio_new(PyTypeObject *cls, object no_arguments)

cdef extern from *:
    """
    // An array in C order in the memory of another object, which it keeps.
    static PyObject *reflectio_within(
        PyArray_Descr *dtype, int n_axes, npy_intp *shape, const char *data, int flags, PyObject *owner)
    {
        Py_INCREF(dtype);
        PyObject *array = PyArray_NewFromDescr(&PyArray_Type, dtype, n_axes, shape, NULL, (void *)data, flags, NULL);
        if (array == NULL)
            return NULL;
        PyArray_UpdateFlags((PyArrayObject *)array, NPY_ARRAY_UPDATE_ALL);
        Py_INCREF(owner);
        if (PyArray_SetBaseObject((PyArrayObject *)array, owner) < 0) {
            Py_DECREF(array);
            return NULL;
        }
        return array;
    }
    """
    object reflectio_within(
        cnp.dtype dtype, int n_axes, cnp.npy_intp *shape, const char *data, int flags, object owner
    )

# How many levels of nodes may be open at once. Python's own limit is a hundred times as high for compiled code from 3.12 on,
# and a stack not always as large as that would take.
cdef enum:
    DEEPEST = 1000

# Of an array without rows, so many columns.
cdef enum:
    MOST_EMPTY_COLUMNS = 1 << 20

if sizeof(Py_ssize_t) < sizeof(int64_t):
    # Lengths and offsets of a document have 64 bits here. Where memory has fewer, Python reads documents.
    raise ImportError("for systems with 64 bits")

cdef tuple _texts = (
    "float64", "float32", "int64", "int32", "uint8", "uint32", "uint64", "int8", "bool", "int16", "uint16",
)
for _kind, _text in enumerate(_texts):
    type_numbers[_kind], item_sizes[_kind] = np.dtype(_text).num, np.dtype(_text).itemsize
# The others are rare, but as fields of records.
cdef dict _kinds = {_text: _kind for _kind, _text in enumerate(_texts[:9])}

float64 = np.dtype(np.float64)
int64 = np.dtype(np.int64)
cdef tuple _no_arguments = ()


cdef inline PyObject *_member(dict node, str name) except? NULL:
    """What a node has under a name, or NULL."""
    return PyDict_GetItemWithError(node, name)


# Modules that import this one, found when they are first needed.
cdef object _segment = None
cdef object _readers = None
cdef object _has_booleans = None


cdef object _segment_class():
    global _segment
    if _segment is None:
        from reflectio.segment import Segment

        _segment = Segment
    return _segment


cdef object _readers_for(policy):
    global _readers
    if _readers is None:
        from reflectio.readers import readers_for

        _readers = readers_for
    return _readers(policy)


cdef bint _any_boolean(dtype) except -1:
    global _has_booleans
    if _has_booleans is None:
        from reflectio.array_bytes import has_booleans

        _has_booleans = has_booleans
    return _has_booleans(dtype)


cdef object _located(object error, object part):
    from reflectio.walk_in import located

    return located(error, part)


cdef class Walk:
    """
    The part of a decoder that visits every node.

    Parameters
    ----------
    policy, segment, text
        As in `reflectio.walk_in.PythonWalk`, which has the same attributes.

    Attributes
    ----------
    readers : dict
        What builds the nodes with each tag.
    built : dict
        The objects that have an id, by that.
    open : set
        The ids of values that are being built, and not there yet.
    times : dict
        How often each id was referred to.
    to_check : list
        What is to be looked at when all is built: see `reflectio.decoder.Decoder.check_object`.
    """

    def __cinit__(self, policy, segment, text):
        self.policy = policy
        self.segment = segment
        self.text = text
        self.readers = _readers_for(policy)
        self.built = {}
        self.times = {}
        self.open = set()
        self.to_check = []
        self.states = {}
        self.early = set()
        self.waiting = []
        self.views = []
        self.copies = {}
        self.spent = {}

    def build(self, node):
        """Give the object for any node, whose lists and dicts are used up."""
        if type(node) is dict or type(node) is list:
            return self.build_nested(node)
        return node

    cdef object build_dict(self, dict node):
        cdef PyObject *tag = _member(node, "$")
        cdef PyObject *found
        if tag is NULL:
            return self.build_values(node)
        found = PyDict_GetItemWithError(self.readers, <object>tag)
        cdef object reader = self.readers[<object>tag] if found is NULL else <object>found
        if isinstance(reader, Reader):
            return (<Reader>reader).read(node, self)
        return reader(node, self)

    cdef object build_nested(self, object node):
        """
        Build a node that is a dict or a list, one level deeper.

        Every level counts, also of lists and dicts without a tag: a header nests no deeper than 254, but a chain of
        references leads from one such nest into the next, and the stack of C has an end.
        """
        if self.level >= DEEPEST:
            raise RecursionError("a document nests too deeply")
        # What is written in Python in between counts by Python's own limit.
        Py_EnterRecursiveCall(b" while building a document")
        self.level += 1
        try:
            if type(node) is dict:
                return self.build_dict(<dict>node)
            return self.build_items(<list>node)
        finally:
            self.level -= 1
            Py_LeaveRecursiveCall()

    def pass_alone(self):
        """
        Say whether all objects pass their checks, each looked at by itself; an error says that one does not.

        Those of rows are looked at together: where there are any, the answer is no, for who asks to see to them.
        """
        cdef tuple entry
        cdef object check
        for entry in self.to_check:
            if entry[3] is not None:
                return False
        for entry in self.to_check:
            for obj in entry[2]:
                for check in entry[1]:
                    check(obj)
        return True

    cpdef list build_items(self, list items):
        """Build every item of a list of nodes, in place."""
        cdef Py_ssize_t index = 0
        cdef PyObject *item
        cdef object node, built
        # What building changes is never this list; yet any code may run meanwhile, and so its length is asked for each time.
        while index < PyList_GET_SIZE(items):
            item = PyList_GET_ITEM(items, index)
            if PyDict_CheckExact(item) or PyList_CheckExact(item):
                node = <object>item
                try:
                    built = self.build_nested(node)
                except Exception as error:
                    raise _located(error, index) from error
                if built is not node:
                    Py_INCREF(built)
                    PyList_SetItem(items, index, built)
            index += 1
        return items

    cpdef dict build_values(self, dict members):
        """Build every value of a dict of nodes, in place."""
        cdef Py_ssize_t position = 0
        cdef PyObject *key
        cdef PyObject *value
        cdef object name, node, built
        while PyDict_Next(members, &position, &key, &value):
            if not (PyDict_CheckExact(value) or PyList_CheckExact(value)):
                continue
            # Any code may run before they are used again.
            name, node = <object>key, <object>value
            try:
                built = self.build_nested(node)
            except Exception as error:
                raise _located(error, name) from error
            if built is not node:
                # Of a key that is there already: the dict does not move.
                PyDict_SetItem(members, name, built)
        return members


cdef class Reader:
    """
    What builds the nodes with one tag, as a function of the node and the decoder.

    Parameters
    ----------
    other : callable
        What builds those that this reader leaves.
    codec : Codec
        The codec of the tag.
    policy : Policy
        What documents are read under.
    """

    def __init__(self, other, codec, policy):
        self.other = other
        self.codec = codec
        self.dimensions = policy.limits.dimensions

    def __call__(self, dict node not None, Walk decoder not None):
        return self.read(node, decoder)

    cdef object read(self, dict node, Walk decoder):
        return self.other(node, decoder)


# -- arrays and scalars ---------------------------------------------------------------------------------------


cdef bint _fill(list items, int kind, char *target, cnp.npy_intp stride) except -1:
    """Write the numbers of a list into memory for as many; say whether all were numbers of the kind."""
    cdef Py_ssize_t index
    cdef PyObject *item
    cdef double number
    cdef long long integer
    cdef unsigned long long natural
    cdef int overflow = 0
    for index in range(PyList_GET_SIZE(items)):
        item = PyList_GET_ITEM(items, index)
        if kind == FLOAT64 or kind == FLOAT32:
            if PyFloat_CheckExact(<object>item):
                number = PyFloat_AS_DOUBLE(<object>item)
            elif PyLong_CheckExact(<object>item):
                # Integers of a header have 64 bits at most.
                number = PyLong_AsDouble(<object>item)
            else:
                return False
            if kind == FLOAT64:
                (<double *>target)[0] = number
            else:
                if not -FLT_MAX <= number <= FLT_MAX:
                    return False
                (<float *>target)[0] = <float>number
        elif kind == BOOL:
            if item is not Py_True and item is not Py_False:
                return False
            (<uint8_t *>target)[0] = item is Py_True
        elif not PyLong_CheckExact(<object>item):
            return False
        elif kind == UINT64:
            try:
                natural = PyLong_AsUnsignedLongLong(<object>item)
            except OverflowError:
                return False
            (<uint64_t *>target)[0] = natural
        else:
            integer = PyLong_AsLongLongAndOverflow(<object>item, &overflow)
            if overflow:
                return False
            if not put_integer(target, kind, integer):
                return False
        target += stride
    return True


cdef bint _has_shape(list items, Py_ssize_t *shape, int n_axes):
    """Whether lists nest as a shape says; of what the innermost hold, nothing is said."""
    cdef Py_ssize_t index
    cdef PyObject *item
    if PyList_GET_SIZE(items) != shape[0]:
        return False
    if n_axes > 1:
        for index in range(PyList_GET_SIZE(items)):
            item = PyList_GET_ITEM(items, index)
            if not PyList_CheckExact(item) or not _has_shape(<list>item, shape + 1, n_axes - 1):
                return False
    return True


cdef bint _fill_axes(list items, int kind, char *target, cnp.npy_intp *strides, int n_axes) except -1:
    cdef Py_ssize_t index
    if n_axes == 1:
        return _fill(items, kind, target, strides[0])
    for index in range(PyList_GET_SIZE(items)):
        if not _fill_axes(<list>PyList_GET_ITEM(items, index), kind, target, strides + 1, n_axes - 1):
            return False
        target += strides[0]
    return True


cdef int _kind_of(str text) except -2:
    """Which dtype a text names; -1 for those that other code knows."""
    cdef PyObject *found = PyDict_GetItemWithError(_kinds, text)
    return -1 if found is NULL else <int><object>found


cdef int read_shape(list lengths, Py_ssize_t *shape) except -1:
    """Read what should be a shape; give the number of axes, or 0 where it is none, or one with no elements."""
    cdef Py_ssize_t index
    cdef PyObject *length
    cdef int overflow = 0
    if PyList_GET_SIZE(lengths) > MOST_AXES:
        return 0
    for index in range(PyList_GET_SIZE(lengths)):
        length = PyList_GET_ITEM(lengths, index)
        if not PyLong_CheckExact(<object>length):
            return 0
        shape[index] = PyLong_AsLongLongAndOverflow(<object>length, &overflow)
        if overflow or shape[index] < 0 or (shape[index] == 0 and PyList_GET_SIZE(lengths) > 1):
            return 0
    return <int>PyList_GET_SIZE(lengths)


cdef Py_ssize_t _nbytes_of(Py_ssize_t itemsize, int n_axes, Py_ssize_t *shape):
    """How many bytes an array has; -1 where they are more than memory has addresses."""
    cdef Py_ssize_t nbytes = itemsize
    cdef int axis
    for axis in range(n_axes):
        if shape[axis] and nbytes > PY_SSIZE_T_MAX // shape[axis]:
            return -1
        nbytes *= shape[axis]
    return nbytes


cdef object taken(Py_ssize_t start, Walk decoder, int kind, int n_axes, Py_ssize_t *shape, int fortran):
    """The array that starts at an offset of a segment in memory; None where it is to be had in another way, or not at all."""
    cdef Py_ssize_t nbytes = _nbytes_of(item_sizes[kind], n_axes, shape), position
    cdef Py_buffer view
    cdef const uint8_t *source
    cdef object segment = decoder.segment
    if type(segment) is not _segment_class() or segment.mapped:
        return None
    if nbytes < 0:
        return None
    cdef object data = segment.data
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if start < 0 or start % 64 or start > view.len or nbytes > view.len - start:
            return None
        total = segment.total + nbytes
        if total > view.len:
            return None
        source = <const uint8_t *>view.buf + start
        if kind == BOOL:
            for position in range(nbytes):
                if source[position] > 1:
                    return None
        segment.total = total
        segment.taken.append((start, nbytes))
        array = PyArray_EMPTY(n_axes, <cnp.npy_intp *>shape, type_numbers[kind], fortran)
        if nbytes < UNNOTICED:
            memcpy(cnp.PyArray_DATA(array), source, nbytes)
        else:
            target = cnp.PyArray_DATA(array)
            with nogil:
                memcpy(target, source, nbytes)
        return array
    finally:
        PyBuffer_Release(&view)


cdef object _without_rows(list data, list lengths, int kind):
    """The array of no rows that these describe; None where it is another."""
    cdef cnp.npy_intp[2] shape
    cdef int overflow = 0
    if PyList_GET_SIZE(data) or PyList_GET_SIZE(lengths) != 2:
        return None
    for length in lengths:
        if not PyLong_CheckExact(length):
            return None
    shape[0] = PyLong_AsLongLongAndOverflow(lengths[0], &overflow)
    if overflow or shape[0]:
        return None
    shape[1] = PyLong_AsLongLongAndOverflow(lengths[1], &overflow)
    if overflow or not 0 < shape[1] <= MOST_EMPTY_COLUMNS:
        return None
    return PyArray_EMPTY(2, shape, type_numbers[kind], 0)


cdef object array_of(dict node, Walk decoder, Py_ssize_t n_members, Py_ssize_t dimensions):
    """
    The array of a node with so many members but for its id, if it is plain; else None, and nothing was done.

    It has as many axes as the policy allows, at most.
    """
    cdef PyObject *text = _member(node, "dtype")
    cdef PyObject *lengths = _member(node, "shape")
    cdef PyObject *data
    cdef PyObject *order
    cdef Py_ssize_t[MOST_AXES] shape
    cdef int n_axes, fortran = 0, overflow = 0
    cdef int kind
    cdef Py_ssize_t start
    if text is NULL or lengths is NULL or not PyUnicode_CheckExact(<object>text) or not PyList_CheckExact(lengths):
        return None
    if n_members == 5:
        order = _member(node, "order")
        if order is NULL or not PyUnicode_CheckExact(<object>order) or <str>order != "F":
            return None
        fortran = 1
    kind = _kind_of(<str>text)
    if kind < 0:
        return None
    n_axes = read_shape(<list>lengths, shape)
    data = _member(node, "data")
    if n_axes == 0 and not fortran and dimensions >= 2 and data is not NULL and PyList_CheckExact(data):
        return _without_rows(<list>data, <list>lengths, kind)
    if n_axes == 0 or (n_axes > 1 and n_axes > dimensions):
        return None
    if data is NULL:
        data = _member(node, "at")
        if data is NULL or not PyLong_CheckExact(<object>data):
            return None
        start = PyLong_AsLongLongAndOverflow(<object>data, &overflow)
        return None if overflow else taken(start, decoder, kind, n_axes, shape, fortran)
    # Before memory is asked for: the elements are there.
    if not PyList_CheckExact(data) or not _has_shape(<list>data, shape, n_axes):
        return None
    cdef object array = PyArray_EMPTY(n_axes, <cnp.npy_intp *>shape, type_numbers[kind], fortran)
    if not _fill_axes(
        <list>data, kind, <char *>cnp.PyArray_DATA(array), cnp.PyArray_STRIDES(array), n_axes
    ):
        return None
    return array


cdef object member(dict node, str name):
    """What a node has under a name, or None."""
    cdef PyObject *found = PyDict_GetItemWithError(node, name)
    return None if found is NULL else <object>found


cdef object within(cnp.dtype dtype, int n_axes, cnp.npy_intp *shape, const char *data, int flags, object owner):
    """An array in C order in the memory of another object, which it keeps."""
    return reflectio_within(dtype, n_axes, shape, data, flags, owner)


# The record dtype met last all of whose bytes are records: there is one for all trees.
cdef object _record = None


cdef bint is_record(dtype) except -1:
    """Whether something is a dtype with fields all of whose bytes are records."""
    global _record
    if dtype is _record:
        return dtype is not None
    if not isinstance(dtype, cnp.dtype) or dtype.names is None or dtype.hasobject or not dtype.itemsize:
        return False
    if _any_boolean(dtype):
        return False
    _record = dtype
    return True


cdef object _view(object at, Walk decoder, cnp.dtype dtype, int n_axes, Py_ssize_t *shape):
    """As `Segment.view` gives it, of elements that may be any bytes; None where it cannot be had, and nothing was done."""
    cdef object segment = decoder.segment
    cdef Py_ssize_t nbytes = _nbytes_of((<object>dtype).itemsize, n_axes, shape)
    cdef long long start
    cdef int overflow = 0
    cdef Py_buffer buffer
    if type(segment) is not _segment_class() or not PyLong_CheckExact(at):
        return None
    start = PyLong_AsLongLongAndOverflow(at, &overflow)
    if overflow or start < 0 or start % 64:
        return None
    if nbytes < 0:
        return None
    cdef object data = segment.data
    PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE)
    try:
        if start > buffer.len or nbytes > buffer.len - start:
            return None
        total = segment.total + nbytes
        if total > buffer.len:
            return None
        segment.total = total
        segment.taken.append((start, nbytes))
        return reflectio_within(dtype, n_axes, <cnp.npy_intp *>shape, <const char *>buffer.buf + start, 0, data)
    finally:
        PyBuffer_Release(&buffer)


cdef object borrowed(dict node, Walk decoder):
    """As `ArrayCodec.borrow` gives it, of a node that describes numbers or records; None of others, and nothing was done."""
    cdef object tag = member(node, "$")
    cdef object dtype = member(node, "dtype")
    cdef object at = member(node, "at")
    cdef object lengths = member(node, "shape")
    cdef Py_ssize_t[MOST_AXES] shape
    cdef Py_ssize_t dimensions = decoder.policy.limits.dimensions
    cdef int kind, n_axes
    if len(node) != 4 or type(tag) is not str or <str>tag != "ndarray" or type(lengths) is not list:
        return None
    if at is None:
        return array_of(node, decoder, 4, dimensions)
    n_axes = read_shape(<list>lengths, shape)
    if not n_axes or n_axes > dimensions:
        return None
    if type(dtype) is not str:
        # What a parser knew, or was built before.
        return _view(at, decoder, dtype, n_axes, shape) if is_record(dtype) else None
    kind = _kind_of(<str>dtype)
    # Of booleans, other code looks at every byte.
    if kind < 0 or kind == BOOL:
        return None
    return _view(at, decoder, cnp.PyArray_DescrFromType(type_numbers[kind]), n_axes, shape)


@cython.final
cdef class ArrayReader(Reader):
    """Arrays of numbers whose elements stand in the header, or whose bytes in a segment that is in memory."""

    cdef object read(self, dict node, Walk decoder):
        cdef Py_ssize_t n_members = len(node)
        cdef PyObject *number
        cdef object array
        if n_members < 4 or n_members > 6:
            return self.other(node, decoder)
        number = _member(node, "$id")
        if number is NULL:
            if n_members < 6:
                array = array_of(node, decoder, n_members, self.dimensions)
                if array is not None:
                    return array
        elif n_members > 4 and PyLong_CheckExact(<object>number):
            if <object>number not in decoder.built and <object>number not in decoder.open:
                array = array_of(node, decoder, n_members - 1, self.dimensions)
                if array is not None:
                    decoder.built[<object>number] = array
                    return array
        return self.other(node, decoder)


@cython.final
cdef class ScalarReader(Reader):
    """Scalars of numpy that are numbers."""

    cdef object read(self, dict node, Walk decoder):
        cdef PyObject *value
        cdef PyObject *text
        cdef char[8] number
        cdef int kind
        if len(node) == 3:
            value, text = _member(node, "value"), _member(node, "dtype")
            if value is not NULL and text is not NULL and PyUnicode_CheckExact(<object>text):
                kind = _kind_of(<str>text)
                if kind >= 0 and _fill([<object>value], kind, number, 0):
                    return PyArray_Scalar(number, cnp.PyArray_DescrFromType(type_numbers[kind]), None)
        return self.other(node, decoder)


# -- containers and references --------------------------------------------------------------------------------


@cython.final
cdef class TupleReader(Reader):
    """Tuples that nothing refers to."""

    cdef object read(self, dict node, Walk decoder):
        cdef PyObject *found
        cdef list items
        if len(node) == 2:
            found = _member(node, "items")
            if found is not NULL and PyList_CheckExact(found):
                items = <list>found
                return tuple(decoder.build_items(items))
        return self.other(node, decoder)


@cython.final
cdef class RefReader(Reader):
    """References; those to what is built already, and holds nothing that references could multiply, need no count."""

    cdef object read(self, dict node, Walk decoder):
        cdef PyObject *number
        cdef object found
        if len(node) == 2:
            number = _member(node, "id")
            if number is not NULL and PyLong_CheckExact(<object>number):
                found = referred(<object>number, decoder)
                return decoder.ref(<object>number) if found is None else found
        return self.other(node, decoder)


cdef object referred(object number, Walk decoder):
    """What an id stands for, if it is built, and holds nothing that references could multiply; else None."""
    cdef PyObject *found = PyDict_GetItemWithError(decoder.built, number)
    cdef PyObject *times
    if found is NULL:
        return None
    if isinstance(<object>found, cnp.dtype):
        return <object>found
    if type(<object>found) is cnp.ndarray and cnp.PyArray_TYPE(<object>found) < cnp.NPY_OBJECT:
        times = PyDict_GetItemWithError(decoder.times, number)
        decoder.times[number] = 1 if times is NULL else <object>times + 1
        return <object>found
    return None


# -- objects --------------------------------------------------------------------------------------------------


@cython.final
cdef class ObjectReader(Reader):
    """
    Objects of one class, of which nothing is said but their attributes.

    Their codec says when it has seen enough of the class: see `reflectio.codecs.objects.Plain`.
    """

    cdef object read(self, dict node, Walk decoder):
        cdef Py_ssize_t position = 0
        cdef PyObject *key
        cdef PyObject *value
        cdef object obj, attributes
        if not self.known:
            obj = self.other(node, decoder)
            self.learn()
            return obj
        while PyDict_Next(node, &position, &key, &value):
            if not PySet_Contains(self.attributes, <object>key):
                return self.other(node, decoder)
        if self.version_name is not None:
            value = _member(node, self.version_name)
            if value is NULL or <object>value != self.version:
                return self.other(node, decoder)
        obj = self.begin(<object>_member(node, "$"), decoder)
        PyDict_DelItem(node, "$")
        if not node:
            return obj
        decoder.build_values(node)
        attributes = PyObject_GenericGetDict(obj, NULL)
        position = 0
        while PyDict_Next(node, &position, &key, &value):
            if self.version_name is not None and <object>key == self.version_name:
                continue
            # Attributes are looked for by interned names, which are the same object.
            Py_INCREF(<object>key)
            PyUnicode_InternInPlace(&key)
            PyDict_SetItem(attributes, <object>key, <object>value)
            Py_DECREF(<object>key)
        return obj

    cdef object begin(self, object tag, Walk decoder):
        """A new object of the class, which is noted for what is to be checked of it."""
        cdef object obj
        if self.new_of_object:
            obj = reflectio_new(<PyTypeObject *>self.cls, _no_arguments)
        else:
            obj = self.cls.__new__(self.cls)
        if self.checks:
            decoder.to_check.append((tag, self.checks, (obj,), None))
        return obj

    cdef int learn(self) except -1:
        plain = self.codec.plain()
        if plain is None:
            return 0
        self.cls, self.attributes, self.checks, version = plain
        self.new_of_object = self.cls.__new__ is object.__new__
        if version is not None:
            self.version_name, self.version = version
        self.order = []
        self.known = True
        return 0


@cython.final
cdef class StateReader(Reader):
    """
    Objects of one class whose state is a tuple, written by the names of its parts.

    `reflectio.compiled.parsing` builds them where all parts come in their order, and are seen to be sound: see
    `reflectio.codecs.neighbors.NamedStateCodec`.
    """

    def __init__(self, other, codec, policy):
        super().__init__(other, codec, policy)
        self.cls = codec.cls
        self.parts = codec.parts
        self.copied = [codec.parts.index(name) for name in codec.indices]
        self.is_sound = codec.quick_check()
