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

from reflectio.compiled.reading cimport Reader, Walk, borrowed, float64, int64, is_record, member, within

cnp.import_array()

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1

cdef object _zeros = np.zeros

# In modules that lead here, and found when they are first needed.
cdef object _parse_dtype = None
cdef object _located = None


cdef object _dtype_of(node, Walk decoder, str name):
    """The dtype that is described, or referred to, in the array under a name."""
    global _parse_dtype, _located
    if _parse_dtype is None:
        from reflectio.codecs.dtypes import parse_dtype
        from reflectio.walk_in import located

        _parse_dtype, _located = parse_dtype, located
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
    given = nodes.dtype
    if given is dtype:
        return nodes
    if given is not _described or dtype is not _of_trees:
        if given != dtype:
            return None
        _described, _of_trees = given, dtype
    if not cnp.PyArray_IS_C_CONTIGUOUS(nodes):
        return None
    flags = cnp.PyArray_FLAGS(nodes) & cnp.NPY_ARRAY_WRITEABLE
    return within(dtype, 1, &length, <const char *>cnp.PyArray_DATA(nodes), flags, nodes)


cdef bint _are_values(values, long long count, long long n_outputs, long long n_classes) except -1:
    """Whether an array is the values of so many nodes."""
    if type(values) is not cnp.ndarray or cnp.PyArray_NDIM(values) != 3:
        return False
    if cnp.PyArray_DIM(values, 0) != count or cnp.PyArray_DIM(values, 1) != n_outputs:
        return False
    return cnp.PyArray_DIM(values, 2) == n_classes and (values.dtype is float64 or values.dtype == float64)


def set_states(list trees not None, dict constants not None, dict lists not None, charge):
    """
    Give trees their states, if these are such that trees take them as they are.

    Parameters
    ----------
    trees : list of sklearn.tree._tree.Tree
        The trees, one at least, as their class makes them of the same arguments.
    constants : dict of str to Any
        The members of their states, with the values that all have.
    lists : dict of str to list
        Of some of these, the value of each tree in place of that.
    charge : callable
        Called with how many bytes are to be copied, before they are. It may refuse.

    Returns
    -------
    list of ndarray or None
        The nodes of each tree, as it has them itself; None where the states are others, and no tree has got one.
    """
    cdef Py_ssize_t index, nbytes = 0
    cdef object first = trees[0], depths, counts, nodes = lists.get("nodes"), values = lists.get("values"), tree, dtype
    cdef long long count, n_outputs = first.n_outputs, n_classes = first.max_n_classes
    cdef list own = [], found = []
    if len(constants) != 4 or "max_depth" not in constants or "node_count" not in constants:
        return None
    depths = lists.get("max_depth") or [constants["max_depth"]] * len(trees)
    counts = lists.get("node_count") or [constants["node_count"]] * len(trees)
    for column in (depths, counts, nodes, values):
        if type(column) is not list or len(<list>column) != len(trees):
            return None
    dtype = first.__getstate__()["nodes"].dtype
    for index in range(len(trees)):
        count = _natural((<list>counts)[index], 1 << 60)
        if count < 1 or _natural((<list>depths)[index], 1 << 60) < 0:
            return None
        own.append(_nodes_of((<list>nodes)[index], dtype, count))
        if own[index] is None:
            return None
        if not _are_values((<list>values)[index], count, n_outputs, n_classes):
            return None
        nbytes += cnp.PyArray_NBYTES((<list>nodes)[index]) + cnp.PyArray_NBYTES((<list>values)[index])
    charge(nbytes)
    for index, tree in enumerate(trees):
        tree.__setstate__(
            {
                "max_depth": (<list>depths)[index],
                "node_count": (<list>counts)[index],
                "nodes": own[index],
                "values": (<list>values)[index],
            }
        )
        found.append(tree.__getstate__()["nodes"])
    return found


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

    cdef object cls
    # That of the nodes, known once there was a tree.
    cdef object dtype

    cdef object read(self, dict node, Walk decoder):
        cdef object tree
        if self.dtype is None:
            tree = self.other(node, decoder)
            self.cls = type(tree)
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
        decoder.charge_copy(cnp.PyArray_NBYTES(n_classes))
        decoder.charge_copy(cnp.PyArray_NBYTES(nodes) + cnp.PyArray_NBYTES(values))
        tree = self.cls((<list>args)[0], n_classes, (<list>args)[2])
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
