"""
The nodes of many compiled trees, examined in one pass over their records.

What makes nodes a tree is said in Python, in `reflectio.codecs.trees` and `reflectio.codecs.histogram_boosting`, which examine
them where this was not built. The verdicts are the same.

All numbers in the records are hostile. Before one becomes an index it is compared with the count of the nodes, as the
64 bits that it is, and nothing else is ever computed from it. The arrays are not trusted either: numpy is asked first
how long they are, how their records lie, and what is where in a record.
"""

cimport cython
cimport numpy as cnp
from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import numpy as np

cnp.import_array()

cdef enum:
    LEAF = -1

# -- records --------------------------------------------------------------------------------------------------

# The fields that count, each with its dtype, and the number that it has here.
cdef tuple _DECISION = tuple([(name, np.dtype(np.intp)) for name in ("left_child", "right_child", "feature")])
cdef enum:
    LEFT, RIGHT, FEATURE, IS_LEAF, IS_CATEGORICAL, BITSET, MOST_FIELDS
cdef tuple _BOOSTED = (
    ("left", np.dtype(np.uint32)),
    ("right", np.dtype(np.uint32)),
    ("feature_idx", np.dtype(np.intp)),
    ("is_leaf", np.dtype(np.uint8)),
    ("is_categorical", np.dtype(np.uint8)),
    ("bitset_idx", np.dtype(np.uint32)),
)


cdef class _Records:
    """How long records are, and where in them their fields."""

    # As an object, that Python is asked for its attributes: in C, those of a dtype without fields are no objects.
    cdef object dtype
    cdef tuple fields
    cdef Py_ssize_t nbytes
    cdef Py_ssize_t[MOST_FIELDS] at

    cdef bint are_like(self, _Records other):
        cdef Py_ssize_t index
        for index in range(len(self.fields)):
            if self.at[index] != other.at[index]:
                return False
        return self.nbytes == other.nbytes


# Those met last, by their fields: there is one dtype for all trees of a kind.
cdef dict _known = {}


cdef _Records _records(object array, tuple fields):
    """The records of an array; None if it is no array of records that have such fields."""
    if type(array) is not cnp.ndarray:
        return None
    cdef object dtype = (<cnp.ndarray>array).dtype
    cdef _Records records = _known.get(fields)
    if records is not None and records.dtype is dtype:
        return records
    records = _Records.__new__(_Records)
    records.dtype, records.fields, records.nbytes = dtype, fields, dtype.itemsize
    for index, (name, kind) in enumerate(fields):
        found, offset, *_ = (dtype.fields or {}).get(name, (None, 0))
        if found != kind or dtype.hasobject or not 0 <= offset <= records.nbytes - <Py_ssize_t>kind.itemsize:
            return None
        records.at[index] = offset
    _known[fields] = records
    return records


cdef const char *_start(object piece, _Records records) except NULL:
    """Where the records of an array start, of which there must be one behind the other."""
    cdef cnp.ndarray array
    cdef _Records others
    if type(piece) is not cnp.ndarray:
        raise TypeError("nodes must be an array")
    array = piece
    if array.dtype is not records.dtype:
        others = _records(array, records.fields)
        if others is None or not records.are_like(others):
            raise TypeError("the nodes are others than those of the first tree")
    if cnp.PyArray_NDIM(array) != 1 or not cnp.PyArray_IS_C_CONTIGUOUS(array):
        raise ValueError("the nodes must lie one behind the other")
    return <const char *>cnp.PyArray_DATA(array)


# Fields lie as tightly as it happens: their bytes are copied, which a compiler makes one instruction of.


cdef inline Py_ssize_t _signed(const char *field) noexcept nogil:
    cdef Py_ssize_t number
    memcpy(&number, field, sizeof(number))
    return number


cdef inline Py_ssize_t _natural(const char *field) noexcept nogil:
    """A natural number of 32 bits; where a `Py_ssize_t` has no more itself, those beyond it are negative."""
    cdef uint32_t number
    memcpy(&number, field, sizeof(number))
    return <Py_ssize_t>number


# -- trees ----------------------------------------------------------------------------------------------------


cdef struct Tree:
    const char *nodes
    Py_ssize_t count  # of the nodes: one at least
    Py_ssize_t limit  # what features, or bitsets, stay below
    Py_ssize_t depth  # what the tree says


@cython.final
cdef class _Trees:
    """Trees by their nodes, of each an array."""

    cdef Tree *trees
    cdef Py_ssize_t count
    cdef void *room  # a number for each node of the largest tree
    cdef list kept  # the arrays, for as long as there are pointers into them

    def __cinit__(self, list nodes, _Records records):
        cdef Py_ssize_t index, largest = 1
        cdef Tree *tree
        self.kept = nodes.copy()
        self.count = len(self.kept)
        self.trees = <Tree *>malloc(max(self.count, 1) * sizeof(Tree))
        if self.trees is NULL:
            raise MemoryError
        for index in range(self.count):
            tree = &self.trees[index]
            tree.nodes = _start(self.kept[index], records)
            tree.count = cnp.PyArray_DIM(self.kept[index], 0)
            tree.limit = tree.depth = 0
            if not tree.count:
                raise ValueError("a tree must have nodes")
            largest = max(largest, tree.count)
        # No more bytes than records have that hold such a number, and are in memory.
        self.room = malloc(largest * sizeof(Py_ssize_t))
        if self.room is NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.trees)
        free(self.room)


cdef bint _is_sound(Tree *tree, _Records records, Py_ssize_t *depth) noexcept nogil:
    """Whether a decision tree can be walked: `reflectio.codecs.trees._is_sound`, which says why."""
    cdef Py_ssize_t node, left, right, feature, deepest = 0, n_inner = 0
    cdef const char *record
    # Of each node, 0 until its parent is met.
    memset(depth, 0, tree.count * sizeof(Py_ssize_t))
    for node in range(tree.count):
        record = tree.nodes + node * records.nbytes
        left, right = _signed(record + records.at[LEFT]), _signed(record + records.at[RIGHT])
        if left == LEAF and right == LEAF:
            continue
        if not (node < left < tree.count and node < right < tree.count and left != right):
            return False
        feature = _signed(record + records.at[FEATURE])
        if not 0 <= feature < tree.limit or depth[left] or depth[right]:
            return False
        depth[left] = depth[right] = depth[node] + 1
        deepest = max(deepest, depth[left])
        n_inner += 1
    return 2 * n_inner == tree.count - 1 and deepest == tree.depth


def first_bad_tree(list nodes, list trees):
    """
    Find a decision tree that compiled code could follow out of its memory, or forever.

    Parameters
    ----------
    nodes : list of ndarray
        The nodes of each tree.
    trees : list of sklearn.tree._tree.Tree
        The trees, which know their features and their depth.

    Returns
    -------
    int or None
        The index of the first such tree, -1 if there is none; None where the nodes are of a form unknown here.
    """
    cdef _Records records = _records(nodes[0], _DECISION)
    if records is None:
        return None
    cdef _Trees found = _Trees(nodes, records)
    cdef Py_ssize_t index
    if len(trees) != found.count:
        raise ValueError("there must be as many trees as arrays of nodes")
    for index in range(found.count):
        tree = trees[index]
        found.trees[index].limit, found.trees[index].depth = tree.n_features, tree.max_depth
    with nogil:
        for index in range(found.count):
            if not _is_sound(&found.trees[index], records, <Py_ssize_t *>found.room):
                break
        else:
            index = -1
    return index


cdef bint _is_sound_predictor(Tree *tree, _Records records, uint8_t *reached) noexcept nogil:
    """The same of a tree of histogram gradient boosting: `reflectio.codecs.histogram_boosting._are_sound`."""
    cdef Py_ssize_t node, left, right, n_inner = 0
    cdef const char *record
    memset(reached, False, tree.count)
    for node in range(tree.count):
        record = tree.nodes + node * records.nbytes
        if record[records.at[IS_LEAF]]:
            continue
        left, right = _natural(record + records.at[LEFT]), _natural(record + records.at[RIGHT])
        if not (node < left < tree.count and node < right < tree.count and left != right):
            return False
        if _signed(record + records.at[FEATURE]) < 0 or reached[left] or reached[right]:
            return False
        if record[records.at[IS_CATEGORICAL]]:
            if not 0 <= _natural(record + records.at[BITSET]) < tree.limit:
                return False
        reached[left] = reached[right] = True
        n_inner += 1
    return 2 * n_inner == tree.count - 1


def first_bad_predictor(list nodes, list n_bitsets):
    """
    Find a tree of histogram gradient boosting that compiled code could follow out of its memory, or forever.

    Parameters
    ----------
    nodes : list of ndarray
        The nodes of each tree.
    n_bitsets : list of int
        How many sets of categories each tree has.

    Returns
    -------
    int or None
        As of `first_bad_tree`.
    """
    cdef _Records records = _records(nodes[0], _BOOSTED)
    if records is None:
        return None
    cdef _Trees found = _Trees(nodes, records)
    cdef Py_ssize_t index
    if len(n_bitsets) != found.count:
        raise ValueError("there must be as many numbers of bitsets as arrays of nodes")
    for index in range(found.count):
        found.trees[index].limit = n_bitsets[index]
    with nogil:
        for index in range(found.count):
            if not _is_sound_predictor(&found.trees[index], records, <uint8_t *>found.room):
                break
        else:
            index = -1
    return index


def categorical_splits(list nodes, Py_ssize_t n_features):
    """
    Find the features whose categories trees of histogram gradient boosting split by.

    Parameters
    ----------
    nodes : list of ndarray
        The nodes of each tree.
    n_features : int
        How many features there are.

    Returns
    -------
    ndarray of bool, of shape (n_features,), or None or False
        Whether any split is by the feature's categories; None where a split is by a feature that is not there, False
        where the nodes are of a form unknown here.
    """
    cdef _Records records = _records(nodes[0], _BOOSTED)
    if records is None:
        return False
    result = np.zeros(n_features, np.uint8)
    cdef uint8_t[::1] categorical = result
    cdef _Trees found = _Trees(nodes, records)
    cdef Py_ssize_t index, node, feature
    cdef const char *record
    for index in range(found.count):
        for node in range(found.trees[index].count):
            record = found.trees[index].nodes + node * records.nbytes
            if record[records.at[IS_LEAF]]:
                continue
            feature = _signed(record + records.at[FEATURE])
            if not 0 <= feature < n_features:
                return None
            if record[records.at[IS_CATEGORICAL]]:
                categorical[feature] = True
    return result.view(bool)
