# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""
JSON text laid out for people, made of text without any white space.

Where a line ends depends on nothing but the text: what `reflectio.json_text` says in Python, value by value, is done
here character by character. The text is orjson's, and thus known to be JSON, in UTF-8, with nothing between tokens.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.string cimport memcpy, memset

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject **value, Py_ssize_t nbytes) except -1
    PyObject *reflectio_bytes "PyBytes_FromStringAndSize"(const char *start, Py_ssize_t nbytes) except NULL
    char *reflectio_start "PyBytes_AS_STRING"(PyObject *value) noexcept
    void Py_XDECREF(PyObject *value)

# By so much each level is indented, and so many characters what could stand on one line may have.
cdef enum:
    INDENT = 2
    LINE = 100


cdef struct Flat:
    # What is known of a list or object that holds neither: where it ends, or NULL if it holds one.
    const char *end
    Py_ssize_t n_characters
    Py_ssize_t n_items
    bint has_text
    bint has_tag


cdef inline const char *_after_string(const char *place) noexcept:
    """Where a string ends that starts here."""
    place += 1
    while place[0] != b'"':
        place += 2 if place[0] == b"\\" else 1
    return place + 1


cdef inline const char *_after_plain(const char *place) noexcept:
    """Where a value ends that is neither list nor object."""
    if place[0] == b'"':
        return _after_string(place)
    while place[0] != b"," and place[0] != b"]" and place[0] != b"}" and place[0] != 0:
        place += 1
    return place


cdef Py_ssize_t _n_characters(const char *place, const char *end) noexcept:
    cdef Py_ssize_t count = 0
    while place < end:
        # Further bytes of a character start with the bits 10.
        count += (place[0] & 0xC0) != 0x80
        place += 1
    return count


cdef Flat _flat_list(const char *place) noexcept:
    cdef Flat found
    cdef const char *start = place
    memset(&found, 0, sizeof(found))
    while place[0] != b"]":
        place += 1
        if place[0] == b"[" or place[0] == b"{":
            return found
        found.has_text |= place[0] == b'"'
        place = _after_plain(place)
    found.end = place + 1
    if found.has_text:
        found.n_characters = _n_characters(start, found.end)
    return found


cdef Flat _flat_object(const char *place) noexcept:
    cdef Flat found
    cdef const char *start = place
    memset(&found, 0, sizeof(found))
    while place[0] != b"}":
        place += 1
        found.n_items += 1
        found.has_tag |= place[1] == b"$" and place[2] == b'"'
        place = _after_string(place) + 1
        if place[0] == b"[" or place[0] == b"{":
            return found
        place = _after_plain(place)
    found.end = place + 1
    # Without the braces, with a space behind each colon and comma.
    found.n_characters = _n_characters(start, found.end) - 2 + 2 * found.n_items - 1
    return found


cdef class Indenting:
    """
    Lays out one text.

    Parameters
    ----------
    text : bytes
        JSON as `orjson` writes it.
    """

    cdef const char *_place
    cdef PyObject *_value
    cdef char *_start
    cdef char *_target
    cdef Py_ssize_t _room

    def __dealloc__(self):
        Py_XDECREF(self._value)

    cdef bytes run(self, bytes text):
        """Give the text, laid out, with a newline at its end."""
        # The one reference to it is held here: only then it can be given another size.
        self._value = reflectio_bytes(NULL, 2 * PyBytes_GET_SIZE(text) + 64)
        self._start = self._target = reflectio_start(self._value)
        self._room = 2 * PyBytes_GET_SIZE(text) + 64
        self._place = PyBytes_AS_STRING(text)
        self._write_value(0)
        self._newline(0)
        _PyBytes_Resize(&self._value, self._target - self._start)
        return <bytes>self._value

    cdef int _need(self, Py_ssize_t nbytes) except -1:
        """See that there is room for so many bytes."""
        cdef Py_ssize_t done
        if nbytes > self._room:
            done = self._target - self._start
            _PyBytes_Resize(&self._value, 2 * done + nbytes)
            self._start = reflectio_start(self._value)
            self._target = self._start + done
            self._room = done + nbytes
        return 0

    cdef int _put(self, const char *characters, Py_ssize_t nbytes) except -1:
        self._need(nbytes)
        memcpy(self._target, characters, nbytes)
        self._target += nbytes
        self._room -= nbytes
        return 0

    cdef int _copy_to(self, const char *end) except -1:
        """Write the text up to there as it is."""
        self._put(self._place, end - self._place)
        self._place = end
        return 0

    cdef int _newline(self, Py_ssize_t level) except -1:
        self._need(1 + INDENT * level)
        self._target[0] = b"\n"
        memset(self._target + 1, b" ", INDENT * level)
        self._target += 1 + INDENT * level
        self._room -= 1 + INDENT * level
        return 0

    cdef int _write_value(self, Py_ssize_t level) except -1:
        if self._place[0] == b"{":
            self._write_object(level)
        elif self._place[0] == b"[":
            self._write_list(level)
        else:
            self._copy_to(_after_plain(self._place))
        return 0

    cdef int _write_list(self, Py_ssize_t level) except -1:
        cdef Flat flat
        if self._place[1] == b"]":
            return self._copy_to(self._place + 2)
        flat = _flat_list(self._place)
        if flat.end is not NULL:
            if not flat.has_text:
                return self._write_numbers(flat.end)
            if flat.n_characters <= LINE:
                return self._copy_to(flat.end)
        while self._place[0] != b"]":
            # The bracket, or a comma.
            self._copy_to(self._place + 1)
            self._newline(level + 1)
            self._write_value(level + 1)
        self._newline(level)
        return self._copy_to(self._place + 1)

    cdef int _write_numbers(self, const char *end) except -1:
        """Write a row without text: a space follows each comma, and there is none elsewhere."""
        cdef const char *place = self._place
        cdef char *target
        self._need(2 * (end - place))
        target = self._target
        while place < end:
            target[0] = place[0]
            target += 1
            if place[0] == b",":
                target[0] = b" "
                target += 1
            place += 1
        self._room -= target - self._target
        self._target = target
        self._place = end
        return 0

    cdef int _write_object(self, Py_ssize_t level) except -1:
        cdef Flat flat
        if self._place[1] == b"}":
            return self._copy_to(self._place + 2)
        flat = _flat_object(self._place)
        cdef bint on_one_line = flat.end is not NULL and flat.has_tag and flat.n_characters <= LINE
        while self._place[0] != b"}":
            # The brace, or a comma.
            if not on_one_line:
                self._copy_to(self._place + 1)
                self._newline(level + 1)
            elif self._place[0] == b",":
                self._copy_to(self._place + 1)
                self._put(b" ", 1)
            else:
                self._copy_to(self._place + 1)
            self._copy_to(_after_string(self._place) + 1)
            self._put(b" ", 1)
            self._write_value(level + 1)
        if not on_one_line:
            self._newline(level)
        return self._copy_to(self._place + 1)


def indented(bytes text not None):
    """
    Lay out a JSON text for people.

    Parameters
    ----------
    text : bytes
        As `orjson` writes it: anything else, and what is read is not text.

    Returns
    -------
    bytes
        The same value, ending with a newline.
    """
    return Indenting().run(text)
