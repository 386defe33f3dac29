"""
The text of a header, character by character: where names, numbers and white space end.

Nothing here raises an exception, or makes an object. It is compiled into what uses it.
"""

cimport cython
from libc.stdint cimport int64_t
from libc.string cimport memcmp

cdef enum:
    TAB = 9, NEWLINE = 10, RETURN = 13, SPACE = 32, QUOTE = 34, COMMA = 44, MINUS = 45, POINT = 46, ZERO = 48, NINE = 57, COLON = 58
    OPENING_BRACKET = 91, BACKSLASH = 92, CLOSING_BRACKET = 93, OPENING_BRACE = 123, CLOSING_BRACE = 125

# As far as `reflectio.strict_json` lets lists and objects nest.
cdef enum:
    NESTING = 254

# Integers of so many digits have 64 bits at most.
cdef enum:
    SHORT_DIGITS = 18

# What `Scanner.scan_number` finds.
cdef enum:
    NO_NUMBER = -1, DECIMAL = 0, INTEGER = 1


cdef inline bint is_digit(char c) noexcept:
    return ZERO <= c <= NINE


cdef class Scanner:
    cdef const char *at
    cdef const char *end

    @cython.final
    cdef inline bint follows(self, const char *text, Py_ssize_t size) noexcept:
        """Whether the header goes on like this; then it is passed over."""
        if self.end - self.at < size or memcmp(self.at, text, size):
            return False
        self.at += size
        return True

    @cython.final
    cdef inline void blanks(self) noexcept:
        """Pass over white space, of which only the JSON format has any."""
        while self.at[0] == SPACE or self.at[0] == NEWLINE or self.at[0] == RETURN or self.at[0] == TAB:
            self.at += 1

    @cython.final
    cdef inline bint passes(self, char c) noexcept:
        """Whether a character follows, with white space around it or none; then it is passed over."""
        self.blanks()
        if self.at[0] != c:
            return False
        self.at += 1
        self.blanks()
        return True

    @cython.final
    cdef inline bint named(self, const char *name, Py_ssize_t size) noexcept:
        """Whether the name of a member follows; then it, and the colon behind it, are passed over."""
        cdef const char *start = self.at
        if self.end - self.at < size + 2 or self.at[0] != QUOTE or self.at[size + 1] != QUOTE:
            return False
        if memcmp(self.at + 1, name, size):
            return False
        self.at += size + 2
        if self.passes(COLON):
            return True
        self.at = start
        return False

    @cython.final
    cdef inline bint member(self, const char *name, Py_ssize_t size) noexcept:
        """As `named`, for a member that is not the first."""
        cdef const char *start = self.at
        if self.passes(COMMA) and self.named(name, size):
            return True
        self.at = start
        return False

    @cython.final
    cdef inline int scan_number(self, const char **stop) noexcept:
        """Find where the number ends that starts here: INTEGER or DECIMAL; NO_NUMBER where JSON has none like that."""
        cdef const char *c = self.at
        cdef int kind = INTEGER
        if c[0] == MINUS:
            c += 1
        if not is_digit(c[0]) or (c[0] == ZERO and is_digit(c[1])):
            return NO_NUMBER
        while is_digit(c[0]):
            c += 1
        if c[0] == POINT:
            kind = DECIMAL
            c += 1
            if not is_digit(c[0]):
                return NO_NUMBER
            while is_digit(c[0]):
                c += 1
        if c[0] == b"e" or c[0] == b"E":
            kind = DECIMAL
            c += 1
            if c[0] == b"+" or c[0] == MINUS:
                c += 1
            if not is_digit(c[0]):
                return NO_NUMBER
            while is_digit(c[0]):
                c += 1
        stop[0] = c
        return kind

    @cython.final
    cdef inline int64_t short_integer(self, const char *stop) noexcept:
        """The integer from here on to a place; it has few digits."""
        cdef const char *c = self.at
        cdef bint negative = c[0] == MINUS
        cdef int64_t value = 0
        if negative:
            c += 1
        while c < stop:
            value = 10 * value + (c[0] - ZERO)
            c += 1
        return -value if negative else value

    @cython.final
    cdef inline bint is_short(self, const char *stop) noexcept:
        """Whether an integer from here on has few digits, and is no zero with a sign."""
        return stop - self.at <= SHORT_DIGITS and not (self.at[0] == MINUS and self.at[1] == ZERO)
