# cython: wraparound=False
"""What nearly all objects pass, seen quickly; those that do not are looked at again by the checks written in Python."""

cimport numpy as cnp
from cpython.dict cimport PyDict_GetItemWithError, PyDict_Next
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject

import numpy as np

cnp.import_array()

cdef extern from "Python.h":
    PyObject *Py_None
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1


def states_little(dict state, tuple counts, tuple absent, long long most):
    """
    Say whether the state of an estimator is seen at once to ask for nothing that would need arrays to bear it out.

    Parameters
    ----------
    state : dict
        Its attributes.
    counts : tuple of str
        Attributes that must be numbers from 0 to ``most``, where they are there.
    absent : tuple of str
        Attributes that must be missing, None, or a dict with nothing in it.
    most : int
        What counts may be.

    Returns
    -------
    bool
        False where it may all the same be sound.
    """
    cdef PyObject *found
    cdef int overflow = 0
    cdef long long count
    for name in counts:
        found = PyDict_GetItemWithError(state, name)
        if found is NULL:
            continue
        if not PyLong_CheckExact(<object>found):
            return False
        count = PyLong_AsLongLongAndOverflow(<object>found, &overflow)
        if overflow or not 0 <= count <= most:
            return False
    for name in absent:
        found = PyDict_GetItemWithError(state, name)
        if found is not NULL and found is not Py_None and not _is_empty(<object>found):
            return False
    return True


cdef bint _is_empty(object value):
    return type(value) is dict and not <dict>value


def values_are_below(dict places, long long n_columns):
    """
    Say whether the values of a dict are seen at once to be columns of so many.

    Parameters
    ----------
    places : dict
        A vocabulary: the column of each term.
    n_columns : int
        How many columns there are.

    Returns
    -------
    bool
        False where a value is no integer of Python, or no such column.
    """
    cdef Py_ssize_t position = 0
    cdef PyObject *term
    cdef PyObject *column
    cdef long long number
    cdef int overflow = 0
    while PyDict_Next(places, &position, &term, &column):
        if not PyLong_CheckExact(<object>column):
            return False
        number = PyLong_AsLongLongAndOverflow(<object>column, &overflow)
        if overflow or not 0 <= number < n_columns:
            return False
    return True


def exist_before(merged not None):
    """
    Say whether each of a hierarchy's merges is of a cluster that is there before it.

    Parameters
    ----------
    merged : ndarray of shape (n_samples - 1,) and of intp
        What each merge joins to another: a sample, or the cluster that an earlier merge made, which number ``i`` makes
        cluster number ``n_samples + i``.

    Returns
    -------
    bool or None
        None where the numbers lie in memory in a way that is rare.
    """
    cdef cnp.npy_intp cluster, index, stride
    cdef const char *place
    if type(merged) is not cnp.ndarray or cnp.PyArray_TYPE(merged) != cnp.NPY_INTP or cnp.PyArray_NDIM(merged) != 1:
        return None
    if not cnp.PyArray_ISNOTSWAPPED(merged) or not cnp.PyArray_ISALIGNED(merged):
        return None
    place, stride = <const char *>cnp.PyArray_DATA(merged), cnp.PyArray_STRIDE(merged, 0)
    for index in range(cnp.PyArray_DIM(merged, 0)):
        cluster = (<const cnp.npy_intp *>place)[0]
        if not 0 <= cluster <= cnp.PyArray_DIM(merged, 0) + index:
            return False
        place += stride
    return True


def is_apart(
    dict state not None, tuple names not None, dict shared not None, frozenset plain not None, holds_nothing_shared
):
    """
    As `reflectio.separation.Glance.is_apart`, of the attributes of an object.

    Parameters
    ----------
    state : dict
        Its attributes.
    names : tuple of str
        Those that its checks rely on.
    shared : dict of int to int
        How often the document refers to something, by its id.
    plain : frozenset of type
        The types of values that have nothing inside which could change.
    holds_nothing_shared : callable
        Says of any other value whether it may be left as it is.

    Returns
    -------
    bool
        False where this is yet to be seen.
    """
    cdef PyObject *found
    cdef PyObject *times
    cdef object name, value
    for name in names:
        found = PyDict_GetItemWithError(state, name)
        if found is NULL:
            continue
        value = <object>found
        if type(value) is cnp.ndarray and not value.dtype.hasobject:
            times = PyDict_GetItemWithError(shared, <Py_ssize_t>found)
            if times is not NULL and not _is_own(found, <object>times, state):
                return False
        elif type(value) not in plain and not holds_nothing_shared(value):
            return False
    return True


cdef bint _is_own(PyObject *value, long long times, dict state) except -1:
    """Whether all of the references to a value are attributes of the one object that describes it."""
    cdef Py_ssize_t position = 0
    cdef long long count = -1
    cdef PyObject *name
    cdef PyObject *other
    while PyDict_Next(state, &position, &name, &other):
        count += other is value
    return 0 < times == count


# -- trees ----------------------------------------------------------------------------------------------------

cdef object _int64 = np.int64


cdef long long _count(value) except? -2:
    """The number that a value is, if it counts something and is of one of the usual types; else -1."""
    cdef int overflow = 0
    cdef long long number
    if type(value) is _int64:
        value = int(value)
    if not PyLong_CheckExact(value):
        return -1
    number = PyLong_AsLongLongAndOverflow(value, &overflow)
    return -1 if overflow or number < 0 else number


cdef object _found(dict state, str name):
    cdef PyObject *found = PyDict_GetItemWithError(state, name)
    return None if found is NULL else <object>found


cdef bint _are_classes(classes, long long count) except -1:
    """Whether a value is an array of so many labels."""
    return type(classes) is cnp.ndarray and cnp.PyArray_NDIM(classes) == 1 and cnp.PyArray_DIM(classes, 0) == count


cdef bint _knows(tree, n_features, n_outputs, n_classes, classes, bint classifies) except -1:
    """Whether an estimator of one output knows what its tree knows."""
    cdef long long count
    if _count(n_features) != <long long>tree.n_features or _count(n_outputs) != 1 or <long long>tree.n_outputs != 1:
        return False
    count = tree.max_n_classes
    return (_count(n_classes) == count and _are_classes(classes, count)) if classifies else count == 1


def knows_its_tree(dict state not None, bint classifies):
    """
    Say whether an estimator is seen at once to know what its tree knows.

    Parameters
    ----------
    state : dict
        Its attributes; ``tree_`` is a compiled tree.
    classifies : bool
        Whether it is a classifier.

    Returns
    -------
    bool
        False where it may all the same be sound, as one of several outputs.
    """
    return _knows(
        state["tree_"], _found(state, "n_features_in_"), _found(state, "n_outputs_"), _found(state, "n_classes_"),
        _found(state, "classes_"), classifies,
    )


def know_their_trees(dict constants not None, dict lists not None, bint classifies):
    """
    As `knows_its_tree`, of estimators that are written as rows.

    Parameters
    ----------
    constants : dict of str to Any
        Their attributes, with the values that all have.
    lists : dict of str to list
        Of some of these, the value of each in place of that; among them ``tree_``, compiled trees.
    classifies : bool
        Whether they are classifiers.

    Returns
    -------
    bool
        As there.
    """
    cdef Py_ssize_t index, number
    cdef list columns = [], names = ["n_features_in_", "n_outputs_", "n_classes_", "classes_"], trees = lists["tree_"]
    cdef list values = [_found(constants, name) for name in names]
    for name in names:
        found = _found(lists, name)
        if found is not None and len(<list>found) != len(trees):
            return False
        columns.append(found)
    for index in range(len(trees)):
        for number in range(4):
            if columns[number] is not None:
                values[number] = (<list>columns[number])[index]
        if not _knows(trees[index], values[0], values[1], values[2], values[3], classifies):
            return False
    return True


def common_to_trees(list estimators not None, is_decision_tree, is_tree):
    """
    Find what the trees of all members of an ensemble have in common, where these are of one class.

    Parameters
    ----------
    estimators : list
        The members.
    is_decision_tree, is_tree : callable
        Say whether an object is a decision tree, and a class that of compiled trees.

    Returns
    -------
    tuple of int, or None
        The number of features, and that of classes, of all trees, which have one output; None where one differs, or is no
        fitted tree, or there is none.
    """
    cdef object cls = None, kind = None, estimator, tree
    cdef long long n_features = -1, n_classes = -1
    for estimator in estimators:
        if cls is None:
            if not is_decision_tree(estimator):
                return None
            cls = type(estimator)
        elif type(estimator) is not cls:
            return None
        tree = _found(estimator.__dict__, "tree_")
        if kind is None:
            if not is_tree(type(tree)):
                return None
            kind, n_features, n_classes = type(tree), tree.n_features, tree.max_n_classes
        elif type(tree) is not kind:
            return None
        if <long long>tree.n_features != n_features or <long long>tree.max_n_classes != n_classes or <long long>tree.n_outputs != 1:
            return None
    return None if cls is None else (n_features, n_classes)
