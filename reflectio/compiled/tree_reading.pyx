# cython: wraparound=False
"""
Decision trees on the way in, as nearly all are: their nodes are records as this machine has them, their values float64.

What a tree must be is said in Python, in `reflectio.codecs.trees`, which gets every other, with those of its parts that
are built already. Whether its nodes can be walked is examined afterwards, as ever.
"""

cimport cython
cimport numpy as cnp
from cpython.dict cimport PyDict_GetItemWithError
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject

import numpy as np

from reflectio.compiled.records import fill
from reflectio.compiled.rows import read_column

from reflectio.compiled.reading cimport Reader, Walk, borrowed, float64, int64, is_record, member, within

cnp.import_array()

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1

cdef object _zeros = np.zeros

cdef tuple _STATE = ("max_depth", "node_count", "nodes", "values")

# In modules that lead here, and found when they are first needed.
cdef object _parse_dtype = None
cdef object _located = None
cdef object _cost = None


cdef int _find_modules() except -1:
    global _parse_dtype, _located, _cost
    if _cost is None:
        from reflectio.codecs.dtypes import parse_dtype
        from reflectio.codecs.rows import cost
        from reflectio.walk_in import located

        _parse_dtype, _located, _cost = parse_dtype, located, cost
    return 0


cdef object _dtype_of(node, Walk decoder, str name):
    """The dtype that is described, or referred to, in the array under a name."""
    _find_modules()
    try:
        return _parse_dtype(node, decoder)
    except Exception as error:
        raise _located(error, name) from error


cdef long long _natural(number, long long most) except? -2:
    """The number, if it is an integer of Python from 0 on, and no larger; else -1."""
    cdef long long value
    cdef int overflow = 0
    if not PyLong_CheckExact(number):
        return -1
    value = PyLong_AsLongLongAndOverflow(number, &overflow)
    return -1 if overflow or not 0 <= value <= most else value


# Two dtypes that were found to be the same, for to compare them takes as long as to fill a small tree: what documents
# describe, and what trees have.
cdef object _described = None
cdef object _of_trees = None


cdef object _nodes_of(nodes, dtype, long long count):
    """An array that is so many nodes, with the dtype that trees have, which take it at once; None of another."""
    global _described, _of_trees
    cdef cnp.npy_intp length = count
    cdef int flags
    if type(nodes) is not cnp.ndarray or cnp.PyArray_NDIM(nodes) != 1 or cnp.PyArray_DIM(nodes, 0) != count:
        return None
    if not cnp.PyArray_IS_C_CONTIGUOUS(nodes):
        return None
    given = nodes.dtype
    if given is dtype:
        return nodes
    if given is not _described or dtype is not _of_trees:
        if given != dtype or given.itemsize != dtype.itemsize:
            return None
        _described, _of_trees = given, dtype
    flags = cnp.PyArray_FLAGS(nodes) & cnp.NPY_ARRAY_WRITEABLE
    return within(dtype, 1, &length, <const char *>cnp.PyArray_DATA(nodes), flags, nodes)


cdef bint _are_values(values, long long count, long long n_outputs, long long n_classes) except -1:
    """Whether an array is the values of so many nodes."""
    if type(values) is not cnp.ndarray or cnp.PyArray_NDIM(values) != 3:
        return False
    if cnp.PyArray_DIM(values, 0) != count or cnp.PyArray_DIM(values, 1) != n_outputs:
        return False
    return cnp.PyArray_DIM(values, 2) == n_classes and (values.dtype is float64 or values.dtype == float64)


cdef object _number_of_classes(list args, Walk decoder):
    """The number of classes of each output, if these are the arguments of a tree; else None."""
    cdef object found = args[1]
    cdef long long number
    cdef Py_ssize_t index
    if type(found) is dict:
        # What lies elsewhere than in the header would have been taken for good.
        if "at" in <dict>found:
            return None
        found = borrowed(<dict>found, decoder)
        if found is None:
            return None
        args[1] = found
    if type(found) is not cnp.ndarray or cnp.PyArray_NDIM(found) != 1 or found.dtype is not int64:
        return None
    if _natural(args[0], (1 << 31) - 1) < 0 or _natural(args[2], 1 << 31) != cnp.PyArray_DIM(found, 0):
        return None
    if not cnp.PyArray_DIM(found, 0) or not cnp.PyArray_IS_C_CONTIGUOUS(found):
        return None
    for index in range(cnp.PyArray_DIM(found, 0)):
        number = (<cnp.npy_int64 *>cnp.PyArray_DATA(found))[index]
        if not 1 <= number < 1 << 31:
            return None
    return found


cdef object _records(dict described, dtype):
    """The records that stand in a header; None where they are not plain."""
    cdef object rows = described["data"], lengths = member(described, "shape"), array
    if type(rows) is not list or type(lengths) is not list or len(<list>lengths) != 1:
        return None
    if _natural((<list>lengths)[0], 1 << 60) != len(<list>rows):
        return None
    array = _zeros(len(<list>rows), dtype)
    return array if fill(array, rows) else None


cdef object _array(dict node, str name, Walk decoder):
    """What a tree has under a name, built, and put in the place of its description; None where that is not plain."""
    cdef object described = node[name], dtype, array = None
    if type(described) is not dict:
        return described
    if len(<dict>described) != 4 or member(<dict>described, "$") != "ndarray":
        return None
    dtype = member(<dict>described, "dtype")
    if type(dtype) is dict:
        dtype = (<dict>described)["dtype"] = _dtype_of(dtype, decoder, name)
    if type(dtype) is not str and "data" in <dict>described:
        array = _records(<dict>described, dtype) if is_record(dtype) else None
    else:
        array = borrowed(<dict>described, decoder)
    if array is not None:
        node[name] = array
    return array


@cython.final
cdef class TreeReader(Reader):
    """Single trees, of which their codec says how they are made: see `reflectio.codecs.trees.TreeCodec`."""

    # That of the nodes, known once there was a tree.
    cdef object dtype

    def __init__(self, other, codec, policy):
        super().__init__(other, codec, policy)
        self.takes_arrays = True

    cdef object read(self, dict node, Walk decoder):
        cdef object tree
        if self.dtype is None:
            tree = self.other(node, decoder)
            # What has an id may have been built before, from another node.
            if type(tree) is self.codec.cls:
                self.dtype = tree.__getstate__()["nodes"].dtype
            return tree
        tree = self.tree(node, decoder)
        return self.other(node, decoder) if tree is None else tree

    cdef object tree(self, dict node, Walk decoder):
        """The tree of a node; None where it is not plain, and nothing was done but to build its parts, which are there."""
        cdef object args = member(node, "$args"), n_classes, nodes, values, tree
        cdef long long count = _natural(member(node, "node_count"), 1 << 60)
        if len(node) != 6 or "nodes" not in node or "values" not in node or count < 1:
            return None
        if _natural(member(node, "max_depth"), 1 << 60) < 0 or type(args) is not list or len(<list>args) != 3:
            return None
        n_classes = _number_of_classes(<list>args, decoder)
        if n_classes is None:
            return None
        nodes = _nodes_of(_array(node, "nodes", decoder), self.dtype, count)
        if nodes is None:
            return None
        values = _array(node, "values", decoder)
        if values is None or not _are_values(values, count, cnp.PyArray_DIM(n_classes, 0), _most(n_classes)):
            return None
        decoder.check_construction(node["$"], with_arguments=True)
        decoder.charge_copy(cnp.PyArray_NBYTES(n_classes) + cnp.PyArray_NBYTES(nodes) + cnp.PyArray_NBYTES(values))
        tree = self.codec.cls((<list>args)[0], n_classes, (<list>args)[2])
        tree.__setstate__(
            {"max_depth": node["max_depth"], "node_count": node["node_count"], "nodes": nodes, "values": values}
        )
        self.codec.note(node["$"], [tree], decoder)
        return tree


cdef long long _most(cnp.ndarray n_classes):
    """The largest of some numbers of classes, one at least."""
    cdef const cnp.npy_int64 *numbers = <const cnp.npy_int64 *>cnp.PyArray_DATA(n_classes)
    cdef long long most = numbers[0]
    cdef Py_ssize_t index
    for index in range(1, cnp.PyArray_DIM(n_classes, 0)):
        most = max(most, numbers[index])
    return most


# -- rows -----------------------------------------------------------------------------------------------------


cdef list _integers(column, Py_ssize_t count):
    """Natural numbers, one for each tree, of a column that gives one for all or a list; else None."""
    cdef list numbers = column if type(column) is list else [column] * count
    if len(numbers) != count:
        return None
    for number in numbers:
        if _natural(number, 1 << 60) < 0:
            return None
    return numbers


cdef list _arrays(dict columns, str name, Py_ssize_t count, Walk decoder):
    """The arrays of a column, put in its place; None where it is not plain."""
    cdef object column = columns[name], found
    if type(column) is not dict or member(<dict>column, "$") != "column":
        return None
    try:
        found = read_column(column, count, decoder, True)
    except Exception as error:
        raise _located(_located(error, name), "columns") from error
    if found is None or not (<tuple>found)[1]:
        return None
    columns[name] = (<tuple>found)[0]
    return <list>(<tuple>found)[0]


def read_rows(dict node not None, Walk decoder not None, cls):
    """
    Build trees that are written as rows.

    Parameters
    ----------
    node : node
        The rows.
    decoder : Decoder
        What builds them.
    cls : type
        The class of trees.

    Returns
    -------
    tuple of list, or None
        The trees, and the nodes of each, as it has them itself; None where they are not as plain as nearly all are, and
        nothing was done but to build columns, which are there.
    """
    cdef object columns = member(node, "columns"), args = member(node, "args"), n_classes
    cdef Py_ssize_t count = _natural(node["count"], 1 << 60)
    cdef list depths, counts, nodes, values
    cdef Py_ssize_t charge
    if type(columns) is not dict or len(<dict>columns) != 4 or type(args) is not list or len(<list>args) != 3:
        return None
    for name in _STATE:
        if name not in <dict>columns:
            return None
    depths, counts = _integers((<dict>columns)["max_depth"], count), _integers((<dict>columns)["node_count"], count)
    if count < 1 or depths is None or counts is None:
        return None
    n_classes = _number_of_classes(<list>args, decoder)
    if n_classes is None:
        return None
    _find_modules()
    # Before there are so many of anything. What is not done after all is not charged for.
    charge = _cost(count, 4, 2 + (type((<dict>columns)["max_depth"]) is list) + (type((<dict>columns)["node_count"]) is list))
    decoder.charge_copy(charge)
    nodes = _arrays(<dict>columns, "nodes", count, decoder)
    values = None if nodes is None else _arrays(<dict>columns, "values", count, decoder)
    if values is None:
        decoder.charge_copy(-charge)
        return None
    found = _planted(cls, tuple(<list>args), count, depths, counts, nodes, values, decoder)
    if found is None:
        decoder.charge_copy(-charge)
    else:
        decoder.values_in_rows += count * 5
    return found


cdef object _planted(cls, tuple args, Py_ssize_t count, list depths, list counts, list nodes, list values, Walk decoder):
    """Trees with their states, and the nodes that they have then; None where a state is another than trees take as it is."""
    cdef Py_ssize_t index, nbytes = count * cnp.PyArray_NBYTES(args[1])
    cdef long long n_nodes, n_outputs = args[2], n_classes = _most(args[1])
    cdef list trees = [cls(*args)], own = [], found = []
    cdef object tree, array, dtype = trees[0].__getstate__()["nodes"].dtype
    for index in range(count):
        n_nodes = counts[index]
        array = _nodes_of(nodes[index], dtype, n_nodes)
        if n_nodes < 1 or array is None or not _are_values(values[index], n_nodes, n_outputs, n_classes):
            return None
        own.append(array)
        nbytes += cnp.PyArray_NBYTES(array) + cnp.PyArray_NBYTES(values[index])
    decoder.charge_copy(nbytes)
    for index in range(count):
        if index:
            trees.append(cls(*args))
        tree = trees[index]
        tree.__setstate__(
            {"max_depth": depths[index], "node_count": counts[index], "nodes": own[index], "values": values[index]}
        )
        found.append(tree.__getstate__()["nodes"])
    return trees, found
