# distutils: language = c++
# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=True
"""
From the bytes of a document to its object in one pass, for documents as reflectio writes them.

Elsewhere a header is parsed to lists and dicts, and these are built. Here the nodes of arrays and estimators, which nearly
all of a header consists of, are built as they are read, and only what is left becomes lists and dicts first, for the codecs
written in Python. Every check is made that is made elsewhere.

The members of nodes come in the order in which they are written. At anything else, or anything wrong, what was built is
given up, and the document is read again, in the other way, which says what is wrong with it. So nothing here explains,
repairs or refuses anything.
"""

cimport cython
cimport numpy as cnp
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError, PyDict_SetItem, PyDict_Size
from cpython.float cimport PyFloat_FromDouble
from cpython.list cimport PyList_Append
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.set cimport PySet_Contains
from libc.float cimport FLT_MAX
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

import numpy as np
import orjson

from reflectio.compiled.sparse import is_sound, rises
from reflectio.compiled.elements cimport (
    BOOL, FLOAT32, FLOAT64, INT8, INT32, INT64, UINT8, UINT32, UINT64, put_integer,
)
from reflectio.compiled.envelope cimport Envelope, open_envelope
from reflectio.compiled.known_records cimport LONGEST_RECORD, record_of, remember_record
from reflectio.compiled.reading cimport (
    MOST_AXES, ObjectReader, PyArray_EMPTY, PyArray_Scalar, Reader, StateReader, Walk, float64, int64, item_sizes, referred,
    taken, type_numbers,
)
from reflectio.compiled.records cimport MOST_FIELDS, Field, read_fields
from reflectio.compiled.scanning cimport (
    BACKSLASH, CLOSING_BRACE, CLOSING_BRACKET, COLON, COMMA, DECIMAL, INTEGER, MINUS, NESTING, NO_NUMBER, OPENING_BRACE,
    OPENING_BRACKET, QUOTE, ZERO, Scanner, is_digit,
)
from reflectio.compiled.strided cimport are_apart, zeros_in_steps

cnp.import_array()

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 most)
    void *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    object PyUnicode_DecodeUTF8(const char *start, Py_ssize_t size, const char *errors)
    void PyUnicode_InternInPlace(PyObject **text)
    Py_UCS4 *PyUnicode_AsUCS4(object text, Py_UCS4 *buffer, Py_ssize_t size, int copy_null) except NULL
    object PyLong_FromLongLong(long long value)
    object PyObject_GenericGetDict(object obj, void *context)

cdef extern from *:
    """
    #include <charconv>

    // The number that some text is, correctly rounded; false where it is none, or beyond what a double holds.
    static inline bool reflectio_double(const char *first, const char *last, double *value)
    {
        auto found = std::from_chars(first, last, *value);
        return found.ec == std::errc() && found.ptr == last;
    }
    """
    bint reflectio_double(const char *first, const char *last, double *value)

cdef object _parse = orjson.loads
cdef object _zeros = np.zeros

# Elements of up to so many characters cannot take much more memory than they take text: see `reflectio.codecs.arrays`.
cdef enum:
    MOST_CHARACTERS = 16

# The dtypes of text of so many characters; None where those of documents are not the machine's own.
cdef list _of_text = [np.dtype(f"<U{_length}") for _length in range(MOST_CHARACTERS + 1)]
if not _of_text[1].isnative:
    _of_text = None

# The bits of the NaNs that have a name.
cdef uint64_t NAN64 = 0x7FF8000000000000
cdef uint32_t NAN32 = 0x7FC00000

# Records of up to so many bytes cannot take much more memory than they take text: see `reflectio.codecs.arrays`.
cdef enum:
    SMALL_ITEM = 64

# How many entries of a sparse matrix are printed, unless it says otherwise.
cdef enum:
    MAXPRINT = 50

# A header of more bytes is not copied.
cdef enum:
    LONG_HEADER = 1 << 14

# An array in steps takes so many times the bytes of its elements at most: see `reflectio.codecs.arrays`.
cdef enum:
    SPREAD = 16

# Of arrays with more elements, other code says what is wrong with them.
cdef Py_ssize_t MOST_ELEMENTS = 1 << 40

# With so many elements in steps, sums of products of lengths and steps have 64 bits.
cdef Py_ssize_t MOST_STRIDED = 1 << 24

# The last versions that documents stated without a word being said about them, as they were written: what is installed does
# not change while it is used. Each ends with its closing brace, so that none goes on in another way.
cdef list _known_versions = []
cdef enum:
    MOST_KNOWN = 16
    MOST_KNOWN_BYTES = 1 << 10

# Raised as a class, so that each is a new one: from Python 3.12 on, one that is raised again keeps the traceback that it
# had, and adds to it, for every document that is left.
class Unusual(Exception):
    """The text is not as this module reads it."""


cdef int _kind_of(const char *text, Py_ssize_t size):
    """Which dtype a text names; -1 for those that other code knows."""
    if size == 7:
        if memcmp(text, b"float64", 7) == 0:
            return FLOAT64
        if memcmp(text, b"float32", 7) == 0:
            return FLOAT32
    elif size == 5:
        if memcmp(text, b"int64", 5) == 0:
            return INT64
        if memcmp(text, b"int32", 5) == 0:
            return INT32
        if memcmp(text, b"uint8", 5) == 0:
            return UINT8
    elif size == 6:
        if memcmp(text, b"uint32", 6) == 0:
            return UINT32
        if memcmp(text, b"uint64", 6) == 0:
            return UINT64
    elif size == 4:
        if memcmp(text, b"bool", 4) == 0:
            return BOOL
        if memcmp(text, b"int8", 4) == 0:
            return INT8
    return -1


@cython.final
cdef class Parser(Scanner):
    """Reads one header."""

    cdef Walk walk
    cdef int depth
    # Whether what is read now is a node whose arrays may be there before it is built.
    cdef bint holds_arrays

    # -- text ----------------------------------------------------------------------------------------------------

    cdef inline int expect(self, char c) except -1:
        if not self.passes(c):
            raise Unusual
        return 0

    cdef int enter(self) except -1:
        self.depth += 1
        if self.depth > NESTING:
            raise Unusual
        return 0

    cdef inline int leave(self, char c) except -1:
        """Pass over what closes a list or an object, but not over white space behind it."""
        self.blanks()
        if self.at[0] != c:
            raise Unusual
        self.at += 1
        return 0

    cdef object string(self):
        cdef const char *start = self.at + 1
        cdef const char *stop = start
        cdef bint has_escapes = False
        cdef object text
        if self.at[0] != QUOTE:
            raise Unusual
        while stop[0] >= 32 and stop[0] < 127 and stop[0] != QUOTE and stop[0] != BACKSLASH:
            stop += 1
        if stop[0] == QUOTE:
            text = PyUnicode_New(stop - start, 127)
            memcpy(PyUnicode_1BYTE_DATA(text), start, stop - start)
            self.at = stop + 1
            return text
        # With escapes, or beyond ASCII.
        while stop[0] != QUOTE:
            if stop[0] == BACKSLASH:
                has_escapes = True
                stop += 1
            elif <uint8_t>stop[0] < 32:
                raise Unusual
            stop += 1
            if stop >= self.end:
                raise Unusual
        if has_escapes:
            text = _parse(PyBytes_FromStringAndSize(self.at, stop + 1 - self.at))
        else:
            text = PyUnicode_DecodeUTF8(start, stop - start, NULL)
        self.at = stop + 1
        return text

    cdef object number(self):
        cdef const char *stop = NULL
        cdef double value = 0.0
        cdef object found
        cdef int kind = self.scan_number(&stop)
        if kind == INTEGER:
            if self.is_short(stop):
                found = PyLong_FromLongLong(self.short_integer(stop))
            else:
                found = _parse(PyBytes_FromStringAndSize(self.at, stop - self.at))
                if type(found) is not int:
                    raise Unusual
        else:
            if kind == NO_NUMBER or not reflectio_double(self.at, stop, &value):
                raise Unusual
            found = PyFloat_FromDouble(value)
        self.at = stop
        return found

    cdef int64_t small(self) except? -1:
        """A short integer that is no negative one."""
        cdef const char *stop = NULL
        cdef int64_t value
        if self.scan_number(&stop) != INTEGER or self.at[0] == MINUS or not self.is_short(stop):
            raise Unusual
        value = self.short_integer(stop)
        self.at = stop
        return value

    # -- the beginning -------------------------------------------------------------------------------------------

    cdef bint begins(self) except -1:
        """Whether this is a header of format version 1; then its versions come next."""
        cdef const char *stop = NULL
        if not self.passes(OPENING_BRACE) or not self.named(b"reflectio", 9) or self.scan_number(&stop) != INTEGER:
            return False
        if stop - self.at != 1 or self.at[0] != b"1":
            return False
        self.at = stop
        return self.member(b"versions", 8)

    cdef bint states_installed(self, installed) except -1:
        """Whether the versions that come next are such that nothing is to be said about them."""
        cdef const char *start = self.at
        cdef bytes known
        for known in _known_versions:
            if self.follows(PyBytes_AS_STRING(known), PyBytes_GET_SIZE(known)):
                return True
        if self.members() not in installed:
            return False
        if self.at - start < MOST_KNOWN_BYTES:
            _known_versions.insert(0, PyBytes_FromStringAndSize(start, self.at - start))
            del _known_versions[MOST_KNOWN:]
        return True

    # -- values --------------------------------------------------------------------------------------------------

    cdef object value(self, bint raw):
        """Read any value: built, or as what JSON gives, for codecs that build it themselves."""
        cdef char c = self.at[0]
        if c == QUOTE:
            return self.string()
        if c == OPENING_BRACE:
            return self.raw_node() if raw else self.node()
        if c == OPENING_BRACKET:
            return self.items(raw)
        if c == b"t" and self.follows(b"true", 4):
            return True
        if c == b"f" and self.follows(b"false", 5):
            return False
        if c == b"n" and self.follows(b"null", 4):
            return None
        return self.number()

    cdef object raw_node(self):
        """An object as JSON gives it, but for what may be there already: dtypes of records, and arrays in some places."""
        cdef const char *start = self.at
        cdef object array
        if self.walk is None:
            # Of the versions, which come before anything could be built, nothing is a node.
            return self.members()
        if self.opens():
            if self.follows(b'"dtype"', 7):
                return self.described(start)
            if self.follows(b'"column"', 8):
                return self.column(start)
            if self.holds_arrays and self.follows(b'"ndarray"', 9):
                self.enter()
                array = self.array()
                self.depth -= 1
                if array is not None:
                    return array
        self.at = start
        return self.members()

    cdef list items(self, bint raw):
        cdef list items = []
        self.enter()
        self.expect(OPENING_BRACKET)
        if self.at[0] != CLOSING_BRACKET:
            PyList_Append(items, self.value(raw))
            while self.passes(COMMA):
                PyList_Append(items, self.value(raw))
        self.leave(CLOSING_BRACKET)
        self.depth -= 1
        return items

    cdef dict members(self):
        """An object, as JSON gives it."""
        cdef dict members = {}
        self.enter()
        self.expect(OPENING_BRACE)
        if self.at[0] != CLOSING_BRACE:
            self.add_member(members)
        self.add_others(members)
        self.depth -= 1
        return members

    cdef int add_member(self, dict members) except -1:
        cdef object key = self.string()
        self.expect(COLON)
        return PyDict_SetItem(members, key, self.value(True))

    cdef int add_others(self, dict members) except -1:
        """Read the members of an object that come after the first ones, and its end."""
        cdef Py_ssize_t count = PyDict_Size(members)
        while self.passes(COMMA):
            self.add_member(members)
            count += 1
        self.leave(CLOSING_BRACE)
        # A key that came twice.
        if PyDict_Size(members) != count:
            raise Unusual
        return 0

    cdef dict column(self, const char *start):
        """A column of rows, of which the tag was read, as JSON gives it, but for the joined array, which may be there already."""
        cdef dict members
        cdef object of
        cdef bint outside = self.holds_arrays
        if self.member(b"of", 2) and self.at[0] == QUOTE:
            of = self.string()
            if self.member(b"array", 5):
                self.enter()
                self.holds_arrays = True
                members = {"$": "column", "of": of, "array": self.value(True)}
                self.holds_arrays = outside
                self.add_others(members)
                self.depth -= 1
                return members
        self.at = start
        return self.members()

    cdef inline bint opens(self) noexcept:
        """Whether a node starts here; then its tag is next, and else the place may be any."""
        return self.passes(OPENING_BRACE) and self.named(b"$", 1)

    cdef object described(self, const char *start):
        """
        A dtype, of which the tag was read: itself, where it is a record and the same text was read before, as that of trees is
        with every model; else as JSON gives it.

        To build what is built already gives it as it is. Where others refer to it, it is noted as built.
        """
        cdef const char *stop = self.closing(start)
        cdef const char *rest
        cdef bytes text
        cdef object number = None
        cdef object dtype, node
        if self.member(b"$id", 3):
            number = self.small()
        rest = self.at
        if stop is NULL or not self.member(b"names", 5):
            self.at = start
            return self.members()
        text = PyBytes_FromStringAndSize(rest, stop + 1 - rest)
        dtype = record_of(text)
        if dtype is not None:
            if number is None:
                self.at = stop + 1
                return dtype
            if number not in self.walk.built and number not in self.walk.open:
                self.walk.built[number] = dtype
                self.at = stop + 1
                return dtype
        self.at = start
        node = self.members()
        if self.at - 1 == stop:
            # An id in another place is a part of the text, which is none of a record then.
            remember_record(text, node if number is None else {name: part for name, part in node.items() if name != "$id"})
        return node

    cdef const char *closing(self, const char *start):
        """Where a record dtype ends that starts at a place; NULL where it is too long, or nests too deeply."""
        # It and its lists are levels, too: where these are too many, it is refused however often it was read.
        if self.depth + 2 > NESTING:
            return NULL
        return <const char *>memchr(start, CLOSING_BRACE, min(self.end - start, <Py_ssize_t>LONGEST_RECORD))

    cdef dict plain_members(self):
        """A dict whose values are built."""
        cdef dict members = {}
        cdef Py_ssize_t count = 0
        cdef object key
        self.expect(OPENING_BRACE)
        if self.at[0] != CLOSING_BRACE:
            while True:
                key = self.string()
                if PyUnicode_GET_LENGTH(key) == 1 and key == "$":
                    raise Unusual
                self.expect(COLON)
                PyDict_SetItem(members, key, self.value(False))
                count += 1
                if not self.passes(COMMA):
                    break
        self.leave(CLOSING_BRACE)
        if PyDict_Size(members) != count:
            raise Unusual
        return members

    # -- nodes ---------------------------------------------------------------------------------------------------

    cdef object node(self):
        """Build an object: a plain dict, or a node with a tag."""
        cdef const char *start = self.at
        cdef object built
        self.enter()
        self.expect(OPENING_BRACE)
        if self.named(b"$", 1):
            built = self.tagged(start)
        else:
            self.at = start
            built = self.plain_members()
        self.depth -= 1
        return built

    cdef object tagged(self, const char *start):
        cdef const char *tag = self.at + 1
        cdef Py_ssize_t size
        cdef object built = None
        cdef object name, reader = None
        cdef PyObject *found
        if self.at[0] != QUOTE:
            raise Unusual
        self.at += 1
        while self.at[0] > 32 and self.at[0] < 127 and self.at[0] != QUOTE and self.at[0] != BACKSLASH:
            self.at += 1
        if self.at[0] != QUOTE:
            raise Unusual
        size = self.at - tag
        self.at += 1
        if size == 7 and memcmp(tag, b"ndarray", 7) == 0:
            built = self.array()
        elif size == 6 and memcmp(tag, b"scalar", 6) == 0:
            built = self.scalar()
        elif size == 6 and memcmp(tag, b"sparse", 6) == 0:
            built = self.sparse()
        elif size == 3 and memcmp(tag, b"ref", 3) == 0:
            built = self.ref()
        elif size == 5 and memcmp(tag, b"tuple", 5) == 0:
            if self.member(b"items", 5):
                built = tuple(self.items(False))
                self.leave(CLOSING_BRACE)
                return built
        elif size == 5 and memcmp(tag, b"float", 5) == 0:
            built = self.infinity_or_nan()
        elif size == 5 and memcmp(tag, b"dtype", 5) == 0:
            built = self.dtype()
        elif size == 5 and memcmp(tag, b"class", 5) == 0:
            built = self.held_class()
        else:
            name = PyUnicode_New(size, 127)
            memcpy(PyUnicode_1BYTE_DATA(name), tag, size)
            found = PyDict_GetItemWithError(self.walk.readers, name)
            reader = self.walk.readers[name] if found is NULL else <object>found
            if type(reader) is ObjectReader and (<ObjectReader>reader).known:
                built = self.object(<ObjectReader>reader, name)
            elif type(reader) is StateReader and (<StateReader>reader).is_sound is not None:
                built = self.state(<StateReader>reader)
        if built is None:
            # Not so plain: to lists and dicts first. What was read so far had no effect.
            self.at = start
            self.depth -= 1
            self.holds_arrays = isinstance(reader, Reader) and (<Reader>reader).takes_arrays
            name = self.members()
            self.holds_arrays = False
            self.depth += 1
            built = self.walk.build_nested(name)
        return built

    cdef object scalar(self):
        """A scalar that is float64 or int64; None where it is another."""
        cdef const char *stop = NULL
        cdef double number = 0.0
        cdef int64_t integer
        if not self.member(b"dtype", 5):
            return None
        if self.follows(b'"float64"', 9):
            if not self.member(b"value", 5) or self.at[0] == QUOTE or self.at[0] == OPENING_BRACE:
                return None
            if self.scan_number(&stop) != DECIMAL or not reflectio_double(self.at, stop, &number):
                return None
            self.at = stop
            self.leave(CLOSING_BRACE)
            return PyArray_Scalar(&number, float64, None)
        if self.follows(b'"int64"', 7):
            if not self.member(b"value", 5) or self.scan_number(&stop) != INTEGER or not self.is_short(stop):
                return None
            integer = self.short_integer(stop)
            self.at = stop
            self.leave(CLOSING_BRACE)
            return PyArray_Scalar(&integer, int64, None)
        return None

    cdef object infinity_or_nan(self):
        """A float that JSON has no number for, by its name; None where it has none."""
        cdef double number = 0.0
        if not self.member(b"value", 5) or not self.named_float(<char *>&number, FLOAT64):
            return None
        self.leave(CLOSING_BRACE)
        return PyFloat_FromDouble(number)

    cdef object dtype(self):
        """A dtype that is one of the plain ones; None where it is another."""
        cdef const char *text
        cdef int kind
        if not self.member(b"name", 4) or self.at[0] != QUOTE:
            return None
        self.at += 1
        text = self.at
        while self.at[0] >= ZERO and self.at[0] <= 122:
            self.at += 1
        kind = _kind_of(text, self.at - text)
        if kind < 0 or self.at[0] != QUOTE:
            return None
        self.at += 1
        self.leave(CLOSING_BRACE)
        return cnp.PyArray_DescrFromType(type_numbers[kind])

    cdef object held_class(self):
        """A class that is held as a value, if the policy allows its name as a callable's; None where the node is not plain."""
        cdef object name, found
        if not self.member(b"name", 4) or self.at[0] != QUOTE:
            return None
        name = self.string()
        self.leave(CLOSING_BRACE)
        found = self.walk.resolve("callable", name)
        if not isinstance(found, type):
            raise Unusual
        return found

    cdef object ref(self):
        """What a reference stands for; None where the node is not plain."""
        cdef int64_t number
        cdef object found
        if not self.member(b"id", 2):
            return None
        number = self.small()
        self.leave(CLOSING_BRACE)
        found = referred(number, self.walk)
        return self.walk.ref(number) if found is None else found

    cdef object array(self):
        """An array of numbers; None where it is another, and nothing was done."""
        cdef Py_ssize_t[MOST_AXES] shape
        cdef int n_axes = 0, kind, fortran = 0
        cdef Py_ssize_t size = 1, longest = 0
        cdef const char *text
        cdef object number = None
        cdef object array
        # Its lists are levels, too, which are not counted below.
        if self.depth + MOST_AXES > NESTING:
            return None
        if self.member(b"$id", 3):
            if self.holds_arrays:
                return None
            number = self.small()
            if number in self.walk.built or number in self.walk.open:
                return None
        if not self.member(b"dtype", 5):
            return None
        if self.at[0] == OPENING_BRACE:
            array = self.array_of_records()
            if number is not None and array is not None:
                self.walk.built[number] = array
            return array
        if self.at[0] != QUOTE:
            return None
        self.at += 1
        text = self.at
        while self.at[0] >= ZERO and self.at[0] <= 122:
            self.at += 1
        kind = _kind_of(text, self.at - text)
        if self.at[0] != QUOTE:
            return None
        self.at += 1
        if kind < 0 and number is None:
            return self.array_of_text(text, self.at - 1 - text)
        if kind < 0 or not self.member(b"shape", 5) or not self.passes(OPENING_BRACKET):
            return None
        while is_digit(self.at[0]) and n_axes < MOST_AXES:
            shape[n_axes] = self.small()
            if size and shape[n_axes] > MOST_ELEMENTS // size:
                return None
            size *= shape[n_axes]
            longest = max(longest, shape[n_axes])
            n_axes += 1
            if not self.passes(COMMA):
                break
            if not is_digit(self.at[0]):
                return None
        if not n_axes or self.at[0] != CLOSING_BRACKET:
            return None
        # Of those without elements, the ones that no fit has filled.
        if n_axes > 1 and ((not size and longest) or n_axes > self.walk.policy.limits.dimensions):
            return None
        self.at += 1
        if self.member(b"order", 5):
            if not self.follows(b'"F"', 3):
                return None
            fortran = 1
        elif self.member(b"strides", 7):
            array = self.strided_array(kind, n_axes, shape, size)
            if number is not None and array is not None:
                self.walk.built[number] = array
            return array
        if self.member(b"at", 2):
            if self.holds_arrays:
                return None
            array = self.array_at(kind, n_axes, shape, fortran)
        elif self.member(b"data", 4):
            # An element takes two characters at least, so that memory is not asked for in vain.
            if size > (self.end - self.at) // 2 + 1:
                return None
            array = PyArray_EMPTY(n_axes, <cnp.npy_intp *>shape, type_numbers[kind], fortran)
            if not self.fill(<char *>cnp.PyArray_DATA(array), kind, shape, cnp.PyArray_STRIDES(array), n_axes):
                return None
            self.leave(CLOSING_BRACE)
        else:
            return None
        if number is not None and array is not None:
            self.walk.built[number] = array
        return array

    cdef object array_of_records(self):
        """
        An array with one axis of records of numbers that were met before, or else its node with their dtype; None where it is
        another, and nothing was done.
        """
        cdef const char *start = self.at
        cdef const char *behind
        # What has an id, or refers to one, has been noted then.
        cdef bint is_noted = True
        cdef object dtype = None
        cdef object array = None
        if not self.opens():
            return None
        if self.follows(b'"ref"', 5):
            dtype = self.ref()
        elif self.follows(b'"dtype"', 7):
            behind = self.at
            is_noted = self.member(b"$id", 3)
            self.at = behind
            dtype = self.described(start)
        if isinstance(dtype, cnp.dtype):
            behind = self.at
            array = self.records(dtype)
            if array is None and is_noted:
                if not self.holds_arrays:
                    raise Unusual
                self.at = behind
                array = {"$": "ndarray", "dtype": dtype}
                self.add_others(array)
        return array

    cdef object records(self, cnp.dtype dtype):
        cdef Field[MOST_FIELDS] fields
        cdef Py_ssize_t n_fields = read_fields(dtype, fields), length
        cdef object array
        if not n_fields or not 0 < (<object>dtype).itemsize <= SMALL_ITEM:
            return None
        if not self.member(b"shape", 5) or not self.passes(OPENING_BRACKET) or not is_digit(self.at[0]):
            return None
        length = self.small()
        if not length or not self.passes(CLOSING_BRACKET):
            return None
        if self.member(b"at", 2):
            if self.holds_arrays:
                return None
            start = self.small()
            self.leave(CLOSING_BRACE)
            return self.walk.take(start, dtype, (length,), "C")
        # A field takes two characters at least, and a record two more, so that memory is not asked for in vain.
        if not self.member(b"data", 4) or length > (self.end - self.at) // (2 * n_fields + 2) + 1:
            return None
        array = _zeros(length, dtype)
        if not self.fill_records(array, fields, n_fields):
            return None
        self.leave(CLOSING_BRACE)
        return array

    cdef bint fill_records(self, cnp.ndarray records, const Field *fields, Py_ssize_t n_fields) except -1:
        """Read lists of the values of their fields into records; say whether all were as the dtype and the shape ask."""
        cdef Py_ssize_t itemsize = cnp.PyArray_ITEMSIZE(records), index, number
        cdef char *record = <char *>cnp.PyArray_DATA(records)
        if not self.passes(OPENING_BRACKET):
            return False
        for index in range(cnp.PyArray_DIM(records, 0)):
            if index and not self.passes(COMMA):
                return False
            if not self.passes(OPENING_BRACKET):
                return False
            for number in range(n_fields):
                if number and not self.passes(COMMA):
                    return False
                if not self.element(record + fields[number].offset, fields[number].kind):
                    return False
            if not self.passes(CLOSING_BRACKET):
                return False
            record += itemsize
        return self.passes(CLOSING_BRACKET)

    cdef object strided_array(self, int kind, int n_axes, Py_ssize_t *shape, Py_ssize_t size):
        """An array that lies in steps in a buffer of its own; None where it is another."""
        cdef cnp.npy_intp[MOST_AXES] strides
        cdef cnp.npy_intp low = 0, high = item_sizes[kind]
        cdef const char *stop = NULL
        cdef int axis
        cdef object array, steps
        if not size or size > MOST_STRIDED:
            return None
        self.expect(OPENING_BRACKET)
        for axis in range(n_axes):
            if axis:
                self.expect(COMMA)
            if self.scan_number(&stop) != INTEGER or not self.is_short(stop):
                return None
            strides[axis] = self.short_integer(stop)
            self.at = stop
            # The buffer has so many times the bytes of the elements at most, so that no step can be longer.
            if not -SPREAD * size * item_sizes[kind] <= strides[axis] <= SPREAD * size * item_sizes[kind]:
                return None
            # C has no numbers at odd places; numpy copies theirs byte by byte.
            if strides[axis] % item_sizes[kind]:
                return None
            if strides[axis] < 0:
                low += (shape[axis] - 1) * strides[axis]
            else:
                high += (shape[axis] - 1) * strides[axis]
        self.leave(CLOSING_BRACKET)
        if high - low > SPREAD * size * item_sizes[kind] or not are_apart(shape, strides, n_axes, item_sizes[kind]):
            return None
        if self.member(b"at", 2):
            array = self.array_at(kind, n_axes, shape, 0)
            if array is None:
                return None
            steps = zeros_in_steps(high - low, low, kind, n_axes, shape, strides)
            cnp.PyArray_CopyInto(steps, array)
            return steps
        if not self.member(b"data", 4) or size > (self.end - self.at) // 2 + 1:
            return None
        array = zeros_in_steps(high - low, low, kind, n_axes, shape, strides)
        if not self.fill(<char *>cnp.PyArray_DATA(array), kind, shape, strides, n_axes):
            return None
        self.leave(CLOSING_BRACE)
        return array

    cdef object array_of_text(self, const char *text, Py_ssize_t size):
        """An array with one axis of text, of some width or as objects; None where it is another, and nothing was done."""
        cdef Py_ssize_t index, width = 0
        cdef int64_t length
        cdef object array, element
        if size == 6 and memcmp(text, b"object", 6) == 0:
            width = -1
        elif _of_text is not None and 3 <= size <= 4 and text[0] == b"<" and text[1] == b"U":
            for index in range(2, size):
                if not is_digit(text[index]) or text[2] == ZERO:
                    return None
                width = 10 * width + (text[index] - ZERO)
        if not width or width > MOST_CHARACTERS:
            return None
        if not self.member(b"shape", 5) or not self.passes(OPENING_BRACKET) or not is_digit(self.at[0]):
            return None
        length = self.small()
        if not self.passes(CLOSING_BRACKET) or not self.member(b"data", 4) or not self.passes(OPENING_BRACKET):
            return None
        # An element takes two characters and a comma, so that memory is not asked for in vain.
        if not length or length > (self.end - self.at) // 3 + 1:
            return None
        array = _zeros(length, object if width < 0 else _of_text[width])
        for index in range(length):
            if index:
                self.expect(COMMA)
            if self.at[0] != QUOTE:
                return None
            element = self.string()
            if width < 0:
                array[index] = element
            elif PyUnicode_GET_LENGTH(element) > width:
                return None
            else:
                PyUnicode_AsUCS4(element, <Py_UCS4 *>cnp.PyArray_DATA(array) + index * width, width, 0)
        self.leave(CLOSING_BRACKET)
        self.leave(CLOSING_BRACE)
        return array

    cdef object array_at(self, int kind, int n_axes, Py_ssize_t *shape, int fortran):
        cdef int64_t start = self.small()
        self.leave(CLOSING_BRACE)
        return taken(start, self.walk, kind, n_axes, shape, fortran)

    cdef bint fill(self, char *target, int kind, Py_ssize_t *shape, cnp.npy_intp *strides, int n_axes) except -1:
        """Read lists of numbers into an array; say whether all were as its dtype and shape ask."""
        cdef Py_ssize_t index
        if not self.passes(OPENING_BRACKET):
            return False
        for index in range(shape[0]):
            if index and not self.passes(COMMA):
                return False
            if n_axes > 1:
                if not self.fill(target, kind, shape + 1, strides + 1, n_axes - 1):
                    return False
            elif not self.element(target, kind):
                return False
            target += strides[0]
        self.blanks()
        if self.at[0] != CLOSING_BRACKET:
            return False
        self.at += 1
        return True

    cdef bint element(self, char *target, int kind) except -1:
        cdef const char *stop = NULL
        cdef double number = 0.0
        cdef float narrow
        cdef int64_t integer
        cdef int found
        if kind == BOOL:
            if self.follows(b"true", 4):
                (<uint8_t *>target)[0] = 1
            elif self.follows(b"false", 5):
                (<uint8_t *>target)[0] = 0
            else:
                return False
            return True
        if not (is_digit(self.at[0]) or self.at[0] == MINUS):
            return (kind == FLOAT64 or kind == FLOAT32) and self.named_float(target, kind)
        found = self.scan_number(&stop)
        if found != INTEGER:
            if found == NO_NUMBER or kind != FLOAT64 and kind != FLOAT32:
                return False
            if not reflectio_double(self.at, stop, &number):
                return False
        elif not self.is_short(stop):
            return False
        elif kind == FLOAT64 or kind == FLOAT32:
            number = <double>self.short_integer(stop)
        else:
            integer = self.short_integer(stop)
            self.at = stop
            return put_integer(target, kind, integer)
        self.at = stop
        if kind == FLOAT64:
            memcpy(target, &number, 8)
            return True
        if not -FLT_MAX <= number <= FLT_MAX:
            return False
        narrow = <float>number
        memcpy(target, &narrow, 4)
        return True

    cdef bint named_float(self, char *target, int kind):
        """Read an infinity or a NaN by its name, as an element; say whether it was one that has a name."""
        cdef double infinity = INFINITY
        cdef uint64_t sign, bits
        cdef uint32_t narrow
        if self.at[0] != QUOTE:
            return False
        sign = self.at[1] == MINUS
        if self.follows(b'"nan"', 5) or self.follows(b'"-nan"', 6):
            bits, narrow = NAN64, NAN32
        elif self.follows(b'"inf"', 5) or self.follows(b'"-inf"', 6):
            memcpy(&bits, &infinity, 8)
            narrow = 0x7F800000
        else:
            return False
        if kind == FLOAT64:
            bits |= sign << 63
            memcpy(target, &bits, 8)
        else:
            narrow |= <uint32_t>sign << 31
            memcpy(target, &narrow, 4)
        return True

    cdef object sparse(self):
        """A matrix with compressed rows or columns, and arrays of its own; None where it is another, and nothing was done."""
        cdef bint by_columns
        cdef object kind, shape, data, indices, indptr, obj
        cdef bint has_sorted = False, has_canonical = False, is_sorted = False, is_canonical = False
        if not self.member(b"format", 6):
            return None
        by_columns = self.follows(b'"csc"', 5)
        if not by_columns and not self.follows(b'"csr"', 5) or not self.member(b"kind", 4):
            return None
        if self.follows(b'"matrix"', 8):
            kind = "scipy.sparse.csc_matrix" if by_columns else "scipy.sparse.csr_matrix"
        elif self.follows(b'"array"', 7):
            kind = "scipy.sparse.csc_array" if by_columns else "scipy.sparse.csr_array"
        else:
            return None
        if not self.member(b"shape", 5):
            return None
        shape = tuple(self.items(True))
        if len(shape) != 2 or type(shape[0]) is not int or type(shape[1]) is not int:
            return None
        data = self.private_array(b"data", 4)
        indices = self.private_array(b"indices", 7)
        indptr = self.private_array(b"indptr", 6)
        if self.member(b"has_sorted_indices", 18):
            has_sorted, is_sorted = True, self.boolean()
        if self.member(b"has_canonical_format", 20):
            has_canonical, is_canonical = True, self.boolean()
        self.leave(CLOSING_BRACE)
        if not is_sound(by_columns, shape, data, indices, indptr):
            raise Unusual
        cls = self.walk.resolve_class(kind)
        obj = cls.__new__(cls)
        attributes = obj.__dict__
        attributes["_shape"], attributes["maxprint"] = shape, MAXPRINT
        attributes["indptr"], attributes["indices"], attributes["data"] = indptr, indices, data
        # What is claimed of the order of the indices, and does not hold, is left out: compiled code relies on it.
        is_strict = is_canonical and rises(indices, indptr, True)
        if has_sorted and (not is_sorted or is_strict or rises(indices, indptr, False)):
            attributes["_has_sorted_indices"] = is_sorted
        if has_canonical and (not is_canonical or is_strict):
            attributes["_has_canonical_format"] = is_canonical
        return obj

    cdef object private_array(self, const char *name, Py_ssize_t size):
        """An array that is a member, and that nothing else in the document can refer to."""
        cdef const char *start
        cdef Py_ssize_t n_built = len(self.walk.built), n_views = len(self.walk.views)
        cdef object array
        if not self.member(name, size):
            raise Unusual
        start = self.at
        if not self.passes(OPENING_BRACE) or not self.named(b"$", 1) or not self.follows(b'"ndarray"', 9):
            raise Unusual
        self.at = start
        array = self.value(False)
        if len(self.walk.built) != n_built or len(self.walk.views) != n_views:
            raise Unusual
        return array

    cdef bint boolean(self) except -1:
        if self.follows(b"true", 4):
            return True
        if self.follows(b"false", 5):
            return False
        raise Unusual

    cdef object object(self, ObjectReader reader, object tag):
        """An object of a class; None where something else is said of it than its attributes, and nothing was done."""
        cdef const char *start
        cdef object obj
        cdef object number = None
        cdef dict attributes
        cdef list order = reader.order
        cdef Py_ssize_t index = 0, count = 0
        cdef object name
        cdef bint as_before = True
        cdef bint stated = reader.version_name is None
        if self.member(b"$id", 3):
            number = self.small()
            if number in self.walk.built or number in self.walk.open:
                return None
        start = self.at
        if self.passes(COMMA) and self.at[0] == QUOTE and self.at[1] == b"$":
            return None
        self.at = start
        obj = reader.begin(tag, self.walk)
        if number is not None:
            # What it holds may refer to it.
            self.walk.built[number] = obj
        attributes = PyObject_GenericGetDict(obj, NULL)
        if PyDict_Size(attributes):
            raise Unusual
        while self.passes(COMMA):
            name = self.expected(order[index]) if index < len(order) else None
            if name is None:
                as_before = False
                name = self.attribute(reader)
            index += 1
            if name is reader.version_name:
                if stated or self.value(True) != reader.version:
                    raise Unusual
                stated = True
                continue
            PyDict_SetItem(attributes, name, self.value(False))
            count += 1
        self.leave(CLOSING_BRACE)
        # A key that came twice, or another version.
        if PyDict_Size(attributes) != count or not stated:
            raise Unusual
        if not as_before:
            reader.order = [*attributes, *([] if reader.version_name is None else [reader.version_name])]
        return obj

    cdef object state(self, StateReader reader):
        """An object whose state is a tuple; None where something else comes first than a part of that, and nothing was done."""
        cdef list parts = []
        cdef object name, obj
        cdef Py_ssize_t index
        for name in reader.parts:
            if not self.passes(COMMA) or self.expected(name) is None:
                if not parts:
                    return None
                raise Unusual
            PyList_Append(parts, self.value(False))
        self.leave(CLOSING_BRACE)
        if not reader.is_sound(parts):
            raise Unusual
        for index in reader.copied:
            # Whatever else holds the array may change it, after it was checked.
            self.walk.charge_copy(parts[index].nbytes)
            parts[index] = parts[index].copy()
        obj = reader.cls.__new__(reader.cls)
        obj.__setstate__(tuple(parts))
        return obj

    cdef object expected(self, object name):
        """The name, if it follows as a member's, whose value comes next; else None."""
        return name if self.named(<const char *>PyUnicode_1BYTE_DATA(name), PyUnicode_GET_LENGTH(name)) else None

    cdef object attribute(self, ObjectReader reader):
        """The name of an attribute that objects of the class may have."""
        cdef object name = self.string()
        cdef PyObject *interned
        if not name.isascii() or name == "$" or not PySet_Contains(reader.attributes, name):
            raise Unusual
        self.expect(COLON)
        # Attributes are looked for by interned names, which are the same object.
        if reader.version_name is not None and name == reader.version_name:
            return reader.version_name
        interned = <PyObject *>name
        Py_INCREF(name)
        PyUnicode_InternInPlace(&interned)
        name = <object>interned
        Py_DECREF(name)
        return name


# -- documents ---------------------------------------------------------------------------------------------------

def build(bytes data not None, policy, make, nothing, segment_of, installed):
    """
    Build the object of a document that is as reflectio writes it.

    Parameters
    ----------
    data : bytes
        The document.
    policy : Policy
        Which names it may use, and how much it may cost.
    make : callable
        Makes the decoder, from the policy, the segment and the header.
    nothing : Segment
        The segment of documents that have none.
    segment_of : callable
        Makes a segment of a memoryview of its bytes.
    installed : collection of dict
        Versions of libraries that a document may state without a word being said about it.

    Returns
    -------
    tuple or None
        The object, and the decoder, which is yet to complete and to check it; None where the document has to be read in
        another way.
    """
    cdef Envelope envelope
    cdef Parser parser
    cdef const char *stop
    cdef object segment = nothing
    cdef object text = data
    if not open_envelope(data, policy.limits, &envelope):
        return None
    if envelope.segment:
        segment = segment_of(memoryview(data)[envelope.segment :])
        # A long header is in memory once.
        text = data[: envelope.header] if envelope.header < LONG_HEADER else memoryview(data)[: envelope.header]
    parser = Parser.__new__(Parser)
    parser.at = PyBytes_AS_STRING(data)
    parser.end, stop = parser.at + envelope.header, parser.at + envelope.model
    # The header itself is a level.
    parser.depth = 1
    try:
        if not parser.begins() or not parser.states_installed(installed) or not parser.member(b"model", 5):
            return None
        decoder = make(policy, segment, text)
        parser.walk = decoder
        built = parser.value(False)
        if stop == parser.end:
            # Without a digest.
            parser.leave(CLOSING_BRACE)
            parser.blanks()
    except Exception:
        return None
    return (built, decoder) if parser.at == stop else None
