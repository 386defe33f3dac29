# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""
The states of search trees and of metrics, seen to be sound in one go, as `reflectio.codecs.neighbors` asks of them.

What is not seen to be sound here may be so all the same, or not: the checks written in Python say which, and why.
"""

cimport cython
cimport numpy as cnp
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

cnp.import_array()

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1
    bint PyFloat_CheckExact(object value)

# What a tree's state has, in this order: see `reflectio.codecs.neighbors.NeighborTreeCodec`.
cdef enum:
    DATA, ORDER, NODES, BOUNDS, LEAF_SIZE, N_LEVELS, N_NODES, N_TRIMS, N_LEAVES, N_SPLITS, N_CALLS, METRIC, WEIGHTS
    TREE_PARTS

# And what a metric's has.
cdef enum:
    POWER, VECTOR, MATRIX
    METRIC_PARTS

# Trees of more levels are none.
cdef enum:
    MOST_LEVELS = 62


# A node of a tree, as numpy aligns its fields.
cdef struct Node:
    int64_t start
    int64_t end
    int64_t is_leaf
    double radius


cdef bint _is_array(object value, int number, int n_axes):
    """Whether a value is an array of numbers of a type that lies in C order."""
    return (
        type(value) is cnp.ndarray
        and cnp.PyArray_TYPE(value) == number
        and cnp.PyArray_NDIM(value) == n_axes
        and cnp.PyArray_ISNOTSWAPPED(value)
        and cnp.PyArray_ISALIGNED(value)
        and cnp.PyArray_IS_C_CONTIGUOUS(value)
    )


cdef bint _has_each_once(const cnp.npy_intp *order, Py_ssize_t length) except -1:
    """Whether so many numbers are those from 0 on, in any order."""
    cdef Py_ssize_t index
    cdef bint found = True
    cdef char *seen = <char *>calloc(length + 1, 1)
    if seen is NULL:
        raise MemoryError
    for index in range(length):
        if not 0 <= order[index] < length or seen[order[index]]:
            found = False
            break
        seen[order[index]] = 1
    free(seen)
    return found


cdef bint _are_nodes(const Node *nodes, Py_ssize_t n_nodes, Py_ssize_t n_samples):
    """Whether all nodes range over samples, and those without children are leaves."""
    cdef Py_ssize_t index
    for index in range(n_nodes):
        if not 0 <= nodes[index].start <= nodes[index].end <= n_samples:
            return False
        # The children of node i are nodes 2i + 1 and 2i + 2.
        if index >= n_nodes // 2 and not nodes[index].is_leaf:
            return False
    return True


@cython.final
cdef class TreeCheck:
    """
    Sees whether the state of a KD or ball tree is sound.

    Parameters
    ----------
    narrow : bool
        Whether its samples are float32.
    n_bounds : int
        How many bounds a node has in each feature.
    node : dtype
        Of its nodes: four fields of eight bytes.
    suits : callable
        Says of the class of a metric whether it is one for the tree, whatever its features.
    """

    cdef int number
    cdef Py_ssize_t n_bounds
    cdef object node
    cdef object suits

    def __init__(self, bint narrow, Py_ssize_t n_bounds, node, suits):
        if node.itemsize != sizeof(Node):
            raise ValueError("not the nodes of a tree")
        self.number = cnp.NPY_FLOAT if narrow else cnp.NPY_DOUBLE
        self.n_bounds = n_bounds
        self.node = node
        self.suits = suits

    def __call__(self, list state not None):
        """Whether a state is seen to be sound."""
        cdef Py_ssize_t n_samples, n_features
        cdef long long[TREE_PARTS] counts
        cdef int part, overflow = 0
        cdef object data, value
        if PyList_GET_SIZE(state) != TREE_PARTS:
            return False
        data = state[DATA]
        if not _is_array(data, self.number, 2):
            return False
        n_samples, n_features = cnp.PyArray_DIM(data, 0), cnp.PyArray_DIM(data, 1)
        for part in range(LEAF_SIZE, METRIC):
            value = state[part]
            if not PyLong_CheckExact(value):
                return False
            counts[part] = PyLong_AsLongLongAndOverflow(value, &overflow)
            if overflow or not 0 <= counts[part] < <long long>1 << 62:
                return False
        if counts[LEAF_SIZE] < 1 or not 1 <= counts[N_LEVELS] <= MOST_LEVELS:
            return False
        if counts[N_NODES] != (<long long>1 << counts[N_LEVELS]) - 1:
            return False
        value = state[ORDER]
        if not _is_array(value, cnp.NPY_INTP, 1) or cnp.PyArray_DIM(value, 0) != n_samples:
            return False
        if not _has_each_once(<cnp.npy_intp *>cnp.PyArray_DATA(value), n_samples):
            return False
        value = state[NODES]
        if not _is_array(value, cnp.NPY_VOID, 1) or cnp.PyArray_DIM(value, 0) != counts[N_NODES]:
            return False
        if value.dtype != self.node:
            return False
        if not _are_nodes(<const Node *>cnp.PyArray_DATA(value), counts[N_NODES], n_samples):
            return False
        value = state[BOUNDS]
        if (
            not _is_array(value, self.number, 3)
            or cnp.PyArray_DIM(value, 0) != self.n_bounds
            or cnp.PyArray_DIM(value, 1) != counts[N_NODES]
            or cnp.PyArray_DIM(value, 2) != n_features
        ):
            return False
        value = state[WEIGHTS]
        if value is not None and not (
            _is_array(value, cnp.NPY_DOUBLE, 1) and cnp.PyArray_DIM(value, 0) == n_samples
        ):
            return False
        return self.suits(type(state[METRIC]))


def is_sound_metric(list state not None):
    """
    Whether the state of a metric, other than one that calls functions or has a matrix to be square, is seen to be sound.

    Parameters
    ----------
    state : list
        Its power, its vector and its matrix.

    Returns
    -------
    bool
        False where it may all the same be sound.
    """
    return (
        PyList_GET_SIZE(state) == METRIC_PARTS
        and PyFloat_CheckExact(state[POWER])
        and _is_array(state[VECTOR], cnp.NPY_DOUBLE, 1)
        and _is_array(state[MATRIX], cnp.NPY_DOUBLE, 2)
    )
