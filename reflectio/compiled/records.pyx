# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""
Records of numbers as lists of their fields, and back.

The nodes of trees are such records: in JSON format, nearly all of a forest. What is not plain is left to numpy, by way
of `reflectio.codecs.array_data`, before anything was said or written that would not stand.
"""

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact, PyFloat_FromDouble
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport (
    PyLong_AsDouble,
    PyLong_CheckExact,
    PyLong_FromLongLong,
    PyLong_FromUnsignedLongLong,
)
from cpython.object cimport PyObject
from libc.float cimport FLT_MAX
from libc.math cimport isfinite
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from reflectio.compiled.elements cimport (
    BOOL, FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, put_integer,
)

cnp.import_array()

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1
    bint PyList_CheckExact(PyObject *obj)
    PyObject *Py_True
    PyObject *Py_False

cdef dict _kinds = {
    "f8": FLOAT64, "f4": FLOAT32, "i8": INT64, "i4": INT32, "i2": INT16, "i1": INT8, "u8": UINT64, "u4": UINT32,
    "u2": UINT16, "u1": UINT8, "b1": BOOL,
}


# The dtype met last, for there is one for all trees, and how its records lie. Its fields cannot be changed, but for their names.
cdef object _last = None
cdef Field[MOST_FIELDS] _fields_of_last
cdef Py_ssize_t _n_fields_of_last = 0


cdef Py_ssize_t read_fields(object dtype, Field *fields) except -1:
    """How the records of a dtype lie; give the number of fields, or 0 where they are not plain numbers."""
    global _last, _n_fields_of_last
    if dtype is not _last:
        _n_fields_of_last = _find_fields(dtype, _fields_of_last)
        _last = dtype
    memcpy(fields, _fields_of_last, sizeof(_fields_of_last))
    return _n_fields_of_last


cdef Py_ssize_t _find_fields(object dtype, Field *fields) except -1:
    cdef Py_ssize_t count = 0
    names = dtype.names
    if names is None or len(names) > MOST_FIELDS:
        return 0
    for name in names:
        field = dtype.fields[name][0]
        kind = _kinds.get(f"{field.kind}{field.itemsize}")
        if kind is None or not field.isnative:
            return 0
        fields[count].kind = kind
        fields[count].offset = dtype.fields[name][1]
        count += 1
    return count


cdef object _value(const char *place, int kind):
    """The number that lies there; None where JSON has none for it."""
    cdef double float64
    cdef float float32
    cdef int64_t int64
    cdef int32_t int32
    cdef int16_t int16
    cdef uint64_t uint64
    cdef uint32_t uint32
    cdef uint16_t uint16
    if kind == FLOAT64:
        memcpy(&float64, place, 8)
        return PyFloat_FromDouble(float64) if isfinite(float64) else None
    if kind == FLOAT32:
        memcpy(&float32, place, 4)
        return PyFloat_FromDouble(float32) if isfinite(float32) else None
    if kind == INT64:
        memcpy(&int64, place, 8)
        return PyLong_FromLongLong(int64)
    if kind == INT32:
        memcpy(&int32, place, 4)
        return PyLong_FromLongLong(int32)
    if kind == INT16:
        memcpy(&int16, place, 2)
        return PyLong_FromLongLong(int16)
    if kind == INT8:
        return PyLong_FromLongLong((<const int8_t *>place)[0])
    if kind == UINT64:
        memcpy(&uint64, place, 8)
        return PyLong_FromUnsignedLongLong(uint64)
    if kind == UINT32:
        memcpy(&uint32, place, 4)
        return PyLong_FromLongLong(uint32)
    if kind == UINT16:
        memcpy(&uint16, place, 2)
        return PyLong_FromLongLong(uint16)
    if kind == UINT8:
        return PyLong_FromLongLong((<const uint8_t *>place)[0])
    return (<const uint8_t *>place)[0] != 0


cdef bint _put(char *place, int kind, PyObject *value) except -1:
    """Write a number there, where its dtype may not be aligned; say whether it is one that the field holds."""
    cdef double float64
    cdef float float32
    cdef int64_t integer
    cdef int overflow = 0
    if kind == FLOAT64 or kind == FLOAT32:
        if PyFloat_CheckExact(<object>value):
            float64 = PyFloat_AS_DOUBLE(<object>value)
        elif PyLong_CheckExact(<object>value):
            # Integers of a header have 64 bits at most.
            float64 = PyLong_AsDouble(<object>value)
        else:
            return False
        if kind == FLOAT64:
            memcpy(place, &float64, 8)
            return True
        if not -FLT_MAX <= float64 <= FLT_MAX:
            return False
        float32 = <float>float64
        memcpy(place, &float32, 4)
        return True
    if kind == BOOL:
        place[0] = value is Py_True
        return value is Py_True or value is Py_False
    if not PyLong_CheckExact(<object>value):
        return False
    integer = PyLong_AsLongLongAndOverflow(<object>value, &overflow)
    # Natural numbers beyond 63 bits are left to numpy.
    return not overflow and put_integer(place, kind, integer)


def rows_of(cnp.ndarray records not None):
    """
    Give records as lists of the values of their fields.

    Parameters
    ----------
    records : ndarray of shape (n_records,)
        In C order.

    Returns
    -------
    list of list, or None
        None where a field is no plain number, or a value is not finite.
    """
    cdef Field[MOST_FIELDS] fields
    cdef Py_ssize_t n_fields = read_fields((<object>records).dtype, fields)
    if not n_fields or cnp.PyArray_NDIM(records) != 1 or not cnp.PyArray_IS_C_CONTIGUOUS(records):
        return None
    cdef Py_ssize_t n_records = cnp.PyArray_DIM(records, 0)
    cdef Py_ssize_t itemsize = cnp.PyArray_ITEMSIZE(records)
    cdef const char *record = <const char *>cnp.PyArray_DATA(records)
    cdef Py_ssize_t index, number
    cdef list rows = [None] * n_records
    cdef list row
    cdef object value
    for index in range(n_records):
        row = [None] * n_fields
        for number in range(n_fields):
            value = _value(record + fields[number].offset, fields[number].kind)
            if value is None:
                return None
            row[number] = value
        rows[index] = row
        record += itemsize
    return rows


def fill(cnp.ndarray records not None, list rows not None):
    """
    Write lists of the values of their fields into records.

    Parameters
    ----------
    records : ndarray of shape (n_records,)
        In C order.
    rows : list
        As many lists, which come from a document and may hold anything.

    Returns
    -------
    bool
        Whether all were written. If not, the records hold some of them.
    """
    cdef Field[MOST_FIELDS] fields
    cdef Py_ssize_t n_fields = read_fields((<object>records).dtype, fields)
    if not n_fields or cnp.PyArray_NDIM(records) != 1 or not cnp.PyArray_IS_C_CONTIGUOUS(records):
        return False
    if cnp.PyArray_DIM(records, 0) != PyList_GET_SIZE(rows) or not cnp.PyArray_ISWRITEABLE(records):
        return False
    cdef Py_ssize_t itemsize = cnp.PyArray_ITEMSIZE(records)
    cdef char *record = <char *>cnp.PyArray_DATA(records)
    cdef Py_ssize_t index, number
    cdef PyObject *row
    for index in range(PyList_GET_SIZE(rows)):
        row = PyList_GET_ITEM(rows, index)
        if not PyList_CheckExact(row) or PyList_GET_SIZE(<object>row) != n_fields:
            return False
        for number in range(n_fields):
            if not _put(
                record + fields[number].offset, fields[number].kind, PyList_GET_ITEM(<object>row, number)
            ):
                return False
        record += itemsize
    return True
