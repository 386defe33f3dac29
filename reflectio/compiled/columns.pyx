# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Columns of plain values, as most of the columns of rows are: what `reflectio.codecs.rows` finds out, in one pass."""

from cpython.dict cimport PyDict_CheckExact, PyDict_GetItemWithError
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport Py_EQ, PyObject, PyObject_RichCompareBool
from libc.math cimport fabs, signbit

# So large numbers have a sum that is finite, however many there are.
cdef double LARGE = 1e250


def plain_column(list states not None, name, frozenset plain not None):
    """
    Give the column of an attribute that has a plain value in each of some states, all of one type.

    Parameters
    ----------
    states : list of dict
        The attributes of each object, one object at least.
    name : str
        The attribute, which all have.
    plain : frozenset of type
        The types whose values a node holds as they are; finite floats are plain, too.

    Returns
    -------
    list, plain value or NotImplemented
        The value that all have, or the value of each; NotImplemented where it takes more to tell.
    """
    cdef Py_ssize_t index, count = PyList_GET_SIZE(states)
    cdef PyObject *state
    cdef PyObject *value
    cdef object kind = None, first = None
    cdef bint same = True, is_float = False
    cdef double number, of_first = 0.0
    cdef list values = []
    for index in range(count):
        state = PyList_GET_ITEM(states, index)
        if not PyDict_CheckExact(<object>state):
            return NotImplemented
        value = PyDict_GetItemWithError(<dict>state, name)
        if value is NULL:
            return NotImplemented
        if index == 0:
            first, kind = <object>value, type(<object>value)
            is_float = PyFloat_CheckExact(first)
            if not is_float and kind not in plain:
                return NotImplemented
        elif type(<object>value) is not kind:
            return NotImplemented
        if is_float:
            number = PyFloat_AS_DOUBLE(<object>value)
            if not fabs(number) < LARGE:
                return NotImplemented
            if index == 0:
                of_first = number
            same = same and number == of_first and signbit(number) == signbit(of_first)
        else:
            same = same and (<object>value is first or PyObject_RichCompareBool(<object>value, first, Py_EQ))
        values.append(<object>value)
    return first if same else values
