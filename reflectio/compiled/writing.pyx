# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""
The walk over objects, for the plain forms that nearly all models are made of.

Each writer here gives the nodes of one kind of objects, and leaves those that have anything unusual about them to the
codec written in Python before it has changed anything.
"""

cimport cython
cimport numpy as cnp
from cpython.dict cimport PyDict_GetItemWithError, PyDict_New, PyDict_Next, PyDict_SetItem, PyDict_Update
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact, PyFloat_FromDouble
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.long cimport PyLong_FromVoidPtr
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from cpython.set cimport PySet_Contains
from libc.math cimport isfinite
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

import numpy as np

from reflectio.compiled.elements cimport BOOL, FLOAT32, FLOAT64, INT8, INT32, INT64, UINT8, UINT32, UINT64

cnp.import_array()

cdef extern from "Python.h":
    PyTypeObject *Py_TYPE(PyObject *obj)
    PyTypeObject PyUnicode_Type, PyLong_Type, PyBool_Type, PyFloat_Type, PyDict_Type, PyList_Type
    PyObject *Py_None
    object PyLong_FromLongLong(long long value)
    object PyLong_FromUnsignedLongLong(unsigned long long value)
    object PyObject_GenericGetDict(object obj, void *context)

# Lists of so many objects may be written as rows: see `reflectio.codecs.rows`.
cdef enum:
    FEWEST_ROWS = 4

# As far as `reflectio.encoder` nests objects before they are written elsewhere.
cdef enum:
    NESTING = 100
    MOVE_AT = 80

# Arrays of up to so many elements stand in the header: see `reflectio.codecs.arrays`.
cdef enum:
    INLINE_ELEMENTS = 64

# An array keeps its strides as long as it spreads over so many times its size.
cdef enum:
    SPREAD = 16

cdef enum:
    MOST_AXES = 8

cdef list _texts = ["float64", "float32", "int64", "int32", "uint8", "uint32", "uint64", "int8", "bool"]
cdef list _dtypes = [np.dtype(text) for text in _texts]
cdef int[9] _numbers
for _index in range(9):
    _numbers[_index] = _dtypes[_index].num
cdef type _Int64 = np.int64
cdef type _Float64 = np.float64


cdef int _kind(cnp.dtype dtype) except -2:
    """Which of the plain dtypes an array has; -1 for others. numpy has one object for each."""
    cdef int kind
    for kind in range(9):
        if <PyObject *>dtype is PyList_GET_ITEM(_dtypes, kind):
            return kind
    # A model that was unpickled may have others like it.
    if cnp.PyTypeNum_ISNUMBER(dtype.type_num) and dtype.isnative and dtype.metadata is None:
        for kind in range(9):
            if dtype.type_num == _numbers[kind]:
                return kind
    return -1


# As in `reflectio.walk_out`.
cdef frozenset _plain = frozenset({bool, int, str, type(None)})
cdef frozenset _plain_with_care = frozenset({bool, type(None)})

# In modules that import this one, and found when they are first needed.
cdef object _writers = None
cdef object _segment = None


cdef int _find() except -1:
    global _writers, _segment
    from reflectio.segment_writer import SegmentWriter
    from reflectio.writers import writers

    _writers, _segment = writers, SegmentWriter
    return 0


cdef class Walk:
    """
    The part of an encoder that visits every object.

    Its parameters and attributes are those of `reflectio.walk_out.PythonWalk`.
    """

    cdef public frozenset plain
    cdef public bint careful
    cdef public bint inline
    cdef public bint rows
    cdef public bint as_they_lie
    cdef public frozenset apart
    cdef public frozenset sorting
    cdef readonly object placed
    cdef public set names
    cdef public object memory
    cdef public int depth
    cdef public object writers
    cdef public dict nodes
    cdef public list kept
    cdef public dict ids
    cdef public dict values_open
    cdef public list moved
    cdef public dict equal
    cdef public dict shared_plain

    def __init__(
        self, *, bint inline=False, bint careful=False, bint rows=False, frozenset apart=frozenset(), frozenset sorting=frozenset(), segment=None
    ):
        if _writers is None:
            _find()
        self.inline = inline
        self.careful = careful
        self.plain = _plain_with_care if careful else _plain
        self.rows = rows
        self.as_they_lie = True
        self.apart = apart
        self.sorting = sorting
        self.placed = segment
        self.writers = _writers

    def __cinit__(self):
        self.names = set()
        self.memory = {}
        self.depth = 2
        self.nodes = {}
        self.kept = []
        self.ids = {}
        self.values_open = {}
        self.moved = []
        self.equal = {}
        self.shared_plain = {}

    @property
    def segment(self):
        """What takes the arrays that lie outside the header, of which there are none in the smallest documents."""
        if self.placed is None:
            self.placed = _segment()
        return self.placed

    cdef inline bint is_plain(self, PyObject *value) except -1:
        """Whether JSON says a value as it stands; of text and integers that is seen later, unless care is taken."""
        cdef PyTypeObject *kind = Py_TYPE(value)
        cdef double number
        if kind is &PyFloat_Type:
            number = PyFloat_AS_DOUBLE(<object>value)
            return isfinite(number)
        if value is Py_None or kind is &PyBool_Type:
            return True
        if kind is &PyUnicode_Type or kind is &PyLong_Type:
            return PySet_Contains(self.plain, <object>kind)
        return False

    cdef bint holds_plain(self, items) except -1:
        """Whether all items of a list or tuple are plain."""
        for item in items:
            if not self.is_plain(<PyObject *>item):
                return False
        return True

    cdef object write(self, object value):
        cdef PyObject *found = PyDict_GetItemWithError(self.writers, type(value))
        cdef object writer = self.writers[type(value)] if found is NULL else <object>found
        if isinstance(writer, Writer):
            return (<Writer>writer).write(value, self)
        return writer(value, self)

    def visit(self, obj):
        """Give the node of any object, or a reference where it was met before."""
        return self.write(obj)

    cpdef dict visit_values(self, dict members):
        """Put nodes in the place of the values of a dict that are not plain, and give it back."""
        cdef Py_ssize_t position = 0
        cdef PyObject *key
        cdef PyObject *value
        cdef object node
        while PyDict_Next(members, &position, &key, &value):
            if self.is_plain(value):
                continue
            try:
                node = self.write(<object>value)
            except _unsupported() as error:
                error.within(<object>key)
                raise
            # Of a key that is there already: the dict does not move.
            PyDict_SetItem(members, <object>key, node)
        return members

    cpdef list visit_items(self, items):
        """Give the nodes of the items of a container."""
        cdef list nodes = []
        for item in items:
            if self.is_plain(<PyObject *>item):
                nodes.append(item)
                continue
            try:
                nodes.append(self.write(item))
            except _unsupported() as error:
                error.within(len(nodes))
                raise
        return nodes


# Found when it is first needed, for it is in a module that leads here.
cdef object _error = None


cdef object _unsupported():
    global _error
    if _error is None:
        from reflectio.errors import UnsupportedTypeError

        _error = UnsupportedTypeError
    return _error


# -- what is shared and has no place for an id ---------------------------------------------------------------


cdef bint _holds_elements(dict node) except -1:
    """Whether a node is that of an array whose elements, of which there may be many, hold no nodes."""
    cdef PyObject *tag = PyDict_GetItemWithError(node, "$")
    if tag is NULL or <object>tag != "ndarray":
        return False
    dtype = node["dtype"]
    return type(dtype) is str and dtype != "object"


def tag_shared(list holder not None, dict shared not None, tagged):
    """
    Rewrite lists and plain dicts below a list of nodes in the form that carries an id, in place.

    Parameters
    ----------
    holder : list of node
        What is changed, and all below.
    shared : dict of int to int
        The ids that lists and dicts are to carry, by their id in memory.
    tagged : callable
        Gives the form with an id, which holds the items of a list, or the members of a dict, as its ``items``.
    """
    cdef list stack = [holder]
    cdef object parent, node, key
    cdef PyObject *place
    cdef PyObject *value
    cdef PyObject *number
    cdef Py_ssize_t position, index
    while stack:
        parent = stack.pop()
        if type(parent) is list:
            for index in range(PyList_GET_SIZE(parent)):
                value = PyList_GET_ITEM(parent, index)
                if Py_TYPE(value) is not &PyDict_Type and Py_TYPE(value) is not &PyList_Type:
                    continue
                node = <object>value
                number = PyDict_GetItemWithError(shared, <Py_ssize_t>value)
                if number is not NULL:
                    (<list>parent)[index] = node = tagged(node, <object>number)
                    node = node["items"]
                _go_on(node, stack)
            continue
        position = 0
        while PyDict_Next(parent, &position, &place, &value):
            if Py_TYPE(value) is not &PyDict_Type and Py_TYPE(value) is not &PyList_Type:
                continue
            key, node = <object>place, <object>value
            number = PyDict_GetItemWithError(shared, <Py_ssize_t>value)
            if number is not NULL:
                node = tagged(node, <object>number)
                # Of a key that is there already: the dict does not move.
                PyDict_SetItem(parent, key, node)
                node = node["items"]
            _go_on(node, stack)


cdef int _go_on(object node, list stack) except -1:
    """Note what is below a node and may be shared."""
    if type(node) is dict and _holds_elements(<dict>node):
        if "state" in <dict>node:
            stack.append((<dict>node)["state"])
        return 0
    stack.append(node)
    return 0


cdef class Writer:
    """
    What gives the nodes of the objects of one type, as a function of the object and the encoder.

    Parameters
    ----------
    other : callable
        What gives those that this writer leaves.
    codec : Codec
        The codec of the type.
    """

    cdef object other
    cdef object codec

    def __init__(self, other, codec):
        self.other = other
        self.codec = codec

    def __call__(self, obj, Walk encoder not None):
        return self.write(obj, encoder)

    cdef object write(self, object obj, Walk encoder):
        return self.other(obj, encoder)


# -- arrays and scalars ---------------------------------------------------------------------------------------


cdef object _element(const char *source, int kind):
    if kind == FLOAT64:
        return PyFloat_FromDouble((<const double *>source)[0])
    if kind == FLOAT32:
        return PyFloat_FromDouble((<const float *>source)[0])
    if kind == INT64:
        return PyLong_FromLongLong((<const int64_t *>source)[0])
    if kind == INT32:
        return PyLong_FromLongLong((<const int32_t *>source)[0])
    if kind == UINT8:
        return PyLong_FromLongLong((<const uint8_t *>source)[0])
    if kind == UINT32:
        return PyLong_FromLongLong((<const uint32_t *>source)[0])
    if kind == UINT64:
        return PyLong_FromUnsignedLongLong((<const uint64_t *>source)[0])
    if kind == INT8:
        return PyLong_FromLongLong((<const int8_t *>source)[0])
    return (<const uint8_t *>source)[0] != 0


cdef object _named_float(const char *source, int kind):
    """The name of an infinity or a NaN, as of `reflectio.codecs.array_data`; None where it has none."""
    cdef uint64_t bits
    cdef uint32_t narrow
    if kind == FLOAT64:
        memcpy(&bits, source, 8)
    else:
        memcpy(&narrow, source, 4)
        # Those of the double, but for the bits of a NaN that are not the first.
        if narrow & 0x3FFFFF:
            return None
        bits = (<uint64_t>(narrow >> 31) << 63) | <uint64_t>0x7FF0000000000000 | (<uint64_t>(narrow & 0x400000) << 29)
    if bits == <uint64_t>0x7FF0000000000000:
        return "inf"
    if bits == <uint64_t>0xFFF0000000000000:
        return "-inf"
    if bits == <uint64_t>0x7FF8000000000000:
        return "nan"
    if bits == <uint64_t>0xFFF8000000000000:
        return "-nan"
    return None


cdef list _elements(const char *source, int kind, cnp.npy_intp *shape, cnp.npy_intp *strides, int n_axes):
    """The elements of an array as nested lists; None where one of them is a NaN that has no name."""
    cdef cnp.npy_intp index
    cdef list items = PyList_New(shape[0])
    cdef object item
    for index in range(shape[0]):
        if n_axes > 1:
            item = _elements(source, kind, shape + 1, strides + 1, n_axes - 1)
            if item is None:
                return None
        else:
            if kind == FLOAT64 and not isfinite((<const double *>source)[0]):
                item = _named_float(source, kind)
            elif kind == FLOAT32 and not isfinite((<const float *>source)[0]):
                item = _named_float(source, kind)
            else:
                item = _element(source, kind)
            if item is None:
                return None
        Py_INCREF(item)
        PyList_SET_ITEM(items, index, item)
        source += strides[0]
    return items


cdef bint _is_like_fortran(cnp.ndarray array):
    """
    Whether an array that lies in both orders has the strides of Fortran order rather than those of C order.

    Those of an axis of length one may be any.
    """
    cdef int axis, n_axes = cnp.PyArray_NDIM(array)
    cdef cnp.npy_intp step = cnp.PyArray_ITEMSIZE(array)
    cdef bint like_c = True, like_fortran = True
    for axis in range(n_axes - 1, -1, -1):
        like_c = like_c and cnp.PyArray_STRIDE(array, axis) == step
        step *= cnp.PyArray_DIM(array, axis)
    step = cnp.PyArray_ITEMSIZE(array)
    for axis in range(n_axes):
        like_fortran = like_fortran and cnp.PyArray_STRIDE(array, axis) == step
        step *= cnp.PyArray_DIM(array, axis)
    return like_fortran and not like_c


cdef bint _may_be_view(cnp.ndarray array, object base) except -1:
    """Whether an array may lie within the memory of another."""
    cdef int axis
    cdef cnp.npy_intp step, low = 0, high = cnp.PyArray_ITEMSIZE(array)
    if type(base) is not cnp.ndarray:
        return True
    for axis in range(cnp.PyArray_NDIM(array)):
        step = (cnp.PyArray_DIM(array, axis) - 1) * cnp.PyArray_STRIDE(array, axis)
        if step < 0:
            low += step
        else:
            high += step
    return (
        <const char *>cnp.PyArray_DATA(array) + low >= <const char *>cnp.PyArray_DATA(base)
        and <const char *>cnp.PyArray_DATA(array) + high <= <const char *>cnp.PyArray_DATA(base) + cnp.PyArray_NBYTES(base)
    )


cdef bint _lies_apart(cnp.ndarray array):
    """
    Whether the elements of an array share no bytes, as far as `reflectio.layout.is_apart` tells, and lie so close together that
    a document keeps their strides.
    """
    cdef int axis, other, n_axes = cnp.PyArray_NDIM(array)
    cdef cnp.npy_intp itemsize = cnp.PyArray_ITEMSIZE(array)
    cdef cnp.npy_intp reach = itemsize, stride, length, size = itemsize
    cdef cnp.npy_intp[MOST_AXES] strides
    cdef cnp.npy_intp[MOST_AXES] lengths
    for axis in range(n_axes):
        stride = cnp.PyArray_STRIDE(array, axis)
        length = cnp.PyArray_DIM(array, axis)
        size *= length
        stride = -stride if stride < 0 else stride
        # In the order of their strides.
        other = axis
        while other > 0 and strides[other - 1] > stride:
            strides[other], lengths[other] = strides[other - 1], lengths[other - 1]
            other -= 1
        strides[other], lengths[other] = stride, length
    for axis in range(n_axes):
        if lengths[axis] > 1:
            if strides[axis] < reach:
                return False
            reach += (lengths[axis] - 1) * strides[axis]
    return reach <= SPREAD * size


@cython.final
cdef class ArrayWriter(Writer):
    """Arrays of numbers that are no views of what was met before."""

    cdef object write(self, object obj, Walk encoder):
        cdef cnp.ndarray array
        cdef int kind, n_axes
        cdef bint in_c_order, in_f_order, is_outside
        cdef cnp.npy_intp axis, size
        cdef object key, owner, base, known
        cdef list data, lengths
        cdef dict node
        if type(obj) is not cnp.ndarray:
            return self.other(obj, encoder)
        array = obj
        n_axes = cnp.PyArray_NDIM(array)
        kind = _kind(<cnp.dtype><PyObject *>cnp.PyArray_DESCR(array))
        in_c_order = cnp.PyArray_IS_C_CONTIGUOUS(array)
        if kind < 0 or n_axes < 1 or n_axes > MOST_AXES or encoder.depth > NESTING:
            return self.other(obj, encoder)
        if not cnp.PyArray_ISWRITEABLE(array) or not cnp.PyArray_ISALIGNED(array):
            return self.other(obj, encoder)
        in_f_order = cnp.PyArray_IS_F_CONTIGUOUS(array)
        if in_c_order and in_f_order:
            in_f_order = n_axes > 1 and _is_like_fortran(array)
            in_c_order = not in_f_order
        elif not in_c_order and not in_f_order and not (encoder.as_they_lie and _lies_apart(array)):
            return self.other(obj, encoder)
        key = owner = PyLong_FromVoidPtr(<PyObject *>array)
        base = <object>cnp.PyArray_BASE(array) if cnp.PyArray_BASE(array) is not NULL else None
        if type(base) is cnp.ndarray:
            owner = PyLong_FromVoidPtr(<PyObject *>base)
        if key in encoder.nodes:
            return self.other(obj, encoder)
        size = cnp.PyArray_SIZE(array)
        known = encoder.memory.get(owner)
        if known is not None and (not size or _may_be_view(array, known)):
            return self.other(obj, encoder)
        is_outside = not encoder.inline and size > INLINE_ELEMENTS
        if is_outside:
            data = None
        elif size:
            data = _elements(
                <const char *>cnp.PyArray_DATA(array), kind, cnp.PyArray_DIMS(array), cnp.PyArray_STRIDES(array), n_axes
            )
            if data is None:
                return self.other(obj, encoder)
        elif n_axes == 1:
            data = []
        else:
            return self.other(obj, encoder)
        if size and known is None and (in_c_order or in_f_order):
            encoder.memory[owner] = obj
        lengths = []
        for axis in range(n_axes):
            lengths.append(cnp.PyArray_DIM(array, axis))
        node = PyDict_New()
        node["$"] = "ndarray"
        node["dtype"] = _texts[kind]
        node["shape"] = lengths
        if in_f_order:
            node["order"] = "F"
        elif not in_c_order:
            node["strides"] = [cnp.PyArray_STRIDE(array, axis) for axis in range(n_axes)]
        if is_outside:
            node.update(encoder.segment.store(obj.T if in_f_order else obj))
        else:
            node["data"] = data
        encoder.kept.append(obj)
        encoder.nodes[key] = node
        return node


@cython.final
cdef class ScalarWriter(Writer):
    """Scalars of numpy that are finite float64 or int64."""

    cdef object write(self, object obj, Walk encoder):
        cdef double number
        cdef int64_t integer
        if type(obj) is _Float64:
            # It is a Python float as well.
            number = PyFloat_AS_DOUBLE(obj)
            if isfinite(number):
                return {"$": "scalar", "dtype": "float64", "value": number}
        elif type(obj) is _Int64:
            cnp.PyArray_ScalarAsCtype(obj, &integer)
            return {"$": "scalar", "dtype": "int64", "value": integer}
        return self.other(obj, encoder)


# -- containers -----------------------------------------------------------------------------------------------


@cython.final
cdef class TupleWriter(Writer):
    """Tuples of plain values other than floats: those that hold floats are referred to."""

    cdef object write(self, object obj, Walk encoder):
        for item in <tuple>obj:
            if type(item) is float or not encoder.is_plain(<PyObject *>item):
                return self.other(obj, encoder)
        return {"$": "tuple", "items": list(obj)}


cdef bint _is_new(object obj, Walk encoder) except -1:
    """Whether an object was not met before, and may be written where it is met."""
    return not (PyLong_FromVoidPtr(<PyObject *>obj) in encoder.nodes or encoder.values_open or encoder.depth > MOVE_AT)


cdef object _completed(object obj, object node, Walk encoder):
    """Note the node of an object that was new."""
    cdef object key = PyLong_FromVoidPtr(<PyObject *>obj)
    if encoder.ids:
        return encoder.complete(key, node)
    encoder.nodes[key] = node
    return node


cdef int _begin(object obj, Walk encoder) except -1:
    encoder.nodes[PyLong_FromVoidPtr(<PyObject *>obj)] = None
    encoder.kept.append(obj)
    return 0


@cython.final
cdef class ListWriter(Writer):
    """Lists that are short, or hold plain values: others may be written as rows."""

    cdef object write(self, object obj, Walk encoder):
        cdef object node
        if not _is_new(obj, encoder):
            return encoder.share(obj, self.codec.encode, True)
        if encoder.holds_plain(obj):
            _begin(obj, encoder)
            return _completed(obj, obj, encoder)
        if PyList_GET_SIZE(obj) >= FEWEST_ROWS and type((<list>obj)[0]) is not float:
            return self.other(obj, encoder)
        _begin(obj, encoder)
        encoder.depth += 2
        node = encoder.visit_items(obj)
        encoder.depth -= 2
        return _completed(obj, node, encoder)


@cython.final
cdef class DictWriter(Writer):
    """Dicts that JSON says by itself."""

    cdef object write(self, object obj, Walk encoder):
        cdef Py_ssize_t position = 0
        cdef PyObject *key
        cdef PyObject *value
        cdef bint plain = True
        cdef object node
        if encoder.careful or not _is_new(obj, encoder):
            return self.other(obj, encoder)
        while PyDict_Next(obj, &position, &key, &value):
            if Py_TYPE(key) is not &PyUnicode_Type:
                return self.other(obj, encoder)
            plain = plain and encoder.is_plain(value)
        if "$" in <dict>obj:
            return self.other(obj, encoder)
        _begin(obj, encoder)
        if plain:
            return _completed(obj, obj, encoder)
        # Where it turns out to be shared, it is written as pairs, which nest two deeper.
        encoder.depth += 3
        node = encoder.visit_values((<dict>obj).copy())
        encoder.depth -= 3
        return _completed(obj, node, encoder)


# -- objects --------------------------------------------------------------------------------------------------


@cython.final
cdef class ObjectWriter(Writer):
    """
    Objects of one class, of which nothing is written but their attributes.

    Their codec says when it has seen enough of the class: see `reflectio.codecs.objects.Written`.
    """

    cdef bint known
    cdef str name
    cdef set attributes
    cdef str version_name
    cdef object version

    cdef object write(self, object obj, Walk encoder):
        cdef object node
        if not _is_new(obj, encoder):
            return encoder.share(obj, self.codec.encode, True)
        _begin(obj, encoder)
        encoder.depth += 1
        node = self.node_of(obj, encoder) if self.known else None
        if node is None:
            node = self.codec.encode(obj, encoder)
            if not self.known:
                self.learn()
        encoder.depth -= 1
        return _completed(obj, node, encoder)

    cdef object node_of(self, object obj, Walk encoder):
        cdef PyObject *name
        cdef PyObject *value
        cdef Py_ssize_t position = 0
        cdef object found = PyObject_GenericGetDict(obj, NULL)
        cdef dict attributes, node
        # Some put a dict of a class of their own there.
        if type(found) is not dict or (not found and self.version_name is None):
            return None
        attributes = found
        while PyDict_Next(attributes, &position, &name, &value):
            # To look for a key of another type, its class would be asked, which could change the attributes meanwhile.
            if Py_TYPE(name) is not &PyUnicode_Type or not PySet_Contains(self.attributes, <object>name):
                return None
        encoder.names.add(self.name)
        node = PyDict_New()
        node["$"] = self.name
        PyDict_Update(node, attributes)
        if self.version_name is not None:
            node[self.version_name] = self.version
        return encoder.visit_values(node)

    cdef int learn(self) except -1:
        written = self.codec.written()
        if written is None:
            return 0
        self.name, self.attributes, version = written
        if version is not None:
            self.version_name, self.version = version
        self.known = True
        return 0
