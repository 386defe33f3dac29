"""Record dtypes that were built before, by the text of their nodes: every tree of every model has the same."""

from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject

# Record dtypes by the text of their nodes, with the names of their fields.
cdef dict _records = {}
cdef enum:
    MOST_RECORDS = 64

# In a module that leads here, and found when it is first needed.
cdef object _known = None


cdef object _known_record():
    global _known
    if _known is None:
        from reflectio.codecs.dtypes import known_record

        _known = known_record
    return _known


cdef object record_of(bytes text):
    """The record dtype of a text that was read before, or None."""
    cdef PyObject *found = PyDict_GetItemWithError(_records, text)
    # The names of a dtype can be changed in place.
    if found is NULL or (<tuple>found)[0].names != (<tuple>found)[1]:
        return None
    return (<tuple>found)[0]


cdef int remember_record(bytes text, dict node) except -1:
    """Remember what a text stands for, if that has been built before, and is a record dtype."""
    if text in _records or len(_records) >= MOST_RECORDS:
        return 0
    dtype = _known_record()(node)
    if dtype is not None:
        _records[text] = dtype, dtype.names
    return 0
