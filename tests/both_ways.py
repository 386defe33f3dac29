"""
Loading a document in both ways: in one pass over its text, and by way of parsed lists and dicts.

What the first accepts, the second has to accept as well, and to give the same object; what it leaves is up to the second.
"""

from __future__ import annotations

import random
import re
import warnings
from typing import Any

import xxhash
from exactness import assert_same

import reflectio
from reflectio import api

_DIGEST = re.compile(rb',"digest":"[^"]*"\}$')
_SEGMENT = re.compile(rb',"segment":\{[^{}]*\}$')
_ALIGNMENT = 64


class NotTheSameError(AssertionError):
    """The two ways differ over a document."""


def taken_apart(document: bytes) -> tuple[bytes, bytes | None]:
    """What a header says up to its model, objects among it, and the segment, if there is one."""
    text, nul, _ = document.partition(b"\0")
    body = _SEGMENT.sub(b"", _DIGEST.sub(b"", text))
    return body, document[len(text) + (-len(text) % _ALIGNMENT or _ALIGNMENT) :] if nul else None


def put_together(body: bytes, segment: bytes | None = None) -> bytes:
    """The document of a header without its end, and a segment, with digests that match; the opposite of `taken_apart`."""
    if segment is not None:
        body += b',"segment":{"nbytes":%d,"xxh3_128":"%s"}' % (len(segment), _digits(segment))
    body += b","
    text = body + b'"digest":"xxh3_128:%s"}' % _digits(body)
    return text if segment is None else text + bytes(-len(text) % _ALIGNMENT or _ALIGNMENT) + segment


def _digits(data: bytes) -> bytes:
    return xxhash.xxh3_128_hexdigest(data).encode()


def read_in_one_pass(document: bytes, policy: Any = None) -> bool:
    """Whether a document is read in one pass, short of the checks that come last."""
    parsing, chosen = api._parsing, api.Policy.of(policy)
    return (
        parsing.build(document, chosen, api.Decoder, api.NOTHING, api.Segment, api.AS_INSTALLED) is not None
    )


def _loaded(document: bytes, policy: Any) -> tuple[Any, str]:
    """What loading gives, or None and the error, which is one of this library."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reflectio.loads(document, policy=policy), ""
    except reflectio.ReflectioError as error:
        return None, f"{type(error).__name__}: {error}"


def _difference(one: Any, other: Any) -> str:
    """How two objects differ; empty where they are the same."""
    try:
        assert_same(one, other)
    except Exception as difference:
        # pandas fails over some cells rather than to compare them.
        return str(difference) or "without a word"
    return ""


def load_both_ways(document: bytes, policy: Any = None) -> str:
    """
    Load a document in both ways.

    Parameters
    ----------
    document : bytes
        The document.
    policy : Policy, optional
        What it may use.

    Returns
    -------
    str
        The error, which is the same in both ways; empty where there is none, and the objects are the same.

    Raises
    ------
    NotTheSameError
        The two ways differ.
    """
    one, error = _loaded(document, policy)
    parsing, api._parsing = api._parsing, None
    try:
        other, expected = _loaded(document, policy)
        difference = _difference(one, other)
        again = _loaded(document, policy)[0] if difference else None
    finally:
        api._parsing = parsing
    if error != expected:
        raise NotTheSameError(f"in one pass: {error or 'loaded'}; otherwise: {expected or 'loaded'}")
    # A few objects are not even found to be the same as those that were read in the same way: some that hold themselves, and
    # frames with arrays in their cells.
    if difference and not _difference(other, again):
        raise NotTheSameError(f"the objects differ: {difference}")
    return error


# -- forged texts ----------------------------------------------------------------------------------------------------

#: Numbers, right and wrong, as a text may have them.
NUMBERS = (
    b"0 1 -1 01 00 -01 1. .5 -.5 - + +1 -+1 1e 1e+ 1E 1E+5 1e5 1E-5 1e-5 0e0 0E+0 -0 -0.0 -0e0 0.0 1.0 1.50 1e400 -1e400 1e308 "
    b"1.7976931348623157e308 1.7976931348623159e308 1e-400 -1e-400 5e-324 2e-324 2.2250738585072011e-308 3.4028235e38 "
    b"3.4028235677973366e38 3.4028236e38 1e39 16777217 9007199254740993 9007199254740993.0 0.1 123456789012345678 "
    b"999999999999999999 -999999999999999999 1234567890123456789 9223372036854775807 9223372036854775808 "
    b"-9223372036854775808 -9223372036854775809 12345678901234567890 18446744073709551615 18446744073709551616 "
    b"-18446744073709551615 100000000000000000000 1000000000000000000000000000000 NaN nan Infinity -Infinity inf 0x10 0b1 0o7 1_0 "
    b"1,0 1d5 1f 1L 1e5.5 1.2.3 --1 0.1e1e1 127 128 -128 -129 255 256 2147483647 2147483648 -2147483648 -2147483649 4294967295 "
    b"4294967296 0.30000000000000004 179769313486231570000000000000000000000 true false null True tru truee nul"
).split()
NUMBERS += [
    b"0." + b"1" * 400,
    b"1" * 400,
    b"1" + b"0" * 330 + b".0",
    b"0." + b"0" * 330 + b"1",
    b"9" * 17 + b".5e-3",
]

#: Texts, right and wrong, as JSON writes them.
TEXTS = (
    b'"" "a" "\\u0024" "\\u0024id" "$" "$id" "\\"" "\\\\" "\\/" "\\b\\f\\n\\r\\t" "\\a" "\\" "\\u" "\\u00" "\\u00e9" "\\U0041" "\\x41" '
    b'"\\ud83d\\ude00" "\\ud800" "\\udc00" "\\ud800\\u0041" "\\udc00\\ud800" "\\u0000" "a\\u0000b" "\\ufffe" \'a\' "a a" "a/b" '
    b'"a\\\\" "a\\\\\\"" "\\\\\\\\" "\\u0022" "\\u005c"'
).split(b" ")
TEXTS += [
    b'"\x7f"',
    b'"\x01"',
    b'"\n"',
    b'"\t"',
    b'"\xc3\xa9"',
    b'"\xc3"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\x80"',
]
TEXTS += [
    b'"\xf0\x9f\x98\x80"',
    b'"\xf5\x80\x80\x80"',
    b'"\xe2\x82"',
    b'"\xef\xbb\xbf"',
    b'"' + b"x" * 5000 + b'"',
]
TEXTS += [
    b'"' + "é".encode() * 3000 + b'"',
    b'"' + b"\\u00e9" * 1000 + b'"',
    b'"\x80"',
    b'"a\x1fb"',
    b'"\xe2\x80\xa8"',
]

_TOKENS = (
    b'{ } [ ] , : " \\ 0 - . e $ "$" "$id" "$": "$id":1, "$":"ref","id":1 {} [] [[]] {"$":"ref","id":1} {"$":"ref","id":2} null true '
    b'1e5 -1 ,, "dtype": "shape": "data": "order":"F", "at":0 "at":64 "strides":[8] "strides":[-8] "float64" "int32" "bool" "uint8" '
    b'"items": "tuple" "list" "dict" "ndarray" "scalar" "set" "objects":[] "_sklearn_version" "$new": "$state": "$items": '
    b'{"$":"tuple","items":[1]} {"$":"ndarray","dtype":"float64","shape":[1],"data":[2]} '
    b'{"$":"ndarray","$id":1,"dtype":"float64","shape":[1],"data":[2]} {"$":"scalar","dtype":"int64","value":1}'
).split()
_TOKENS += [b" ", b"\t", b"\n", b"\r", b"\x7f", b"\xff", b"\xc3\xa9", b"\x01", b"\x0b"]
_NUMBER = re.compile(rb"-?\d[\d.eE+-]*")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"')
_INNERMOST = re.compile(rb"[\[{][^\[\]{}]*[\]}]")


def _piece(rng: random.Random, body: bytes, form: re.Pattern[bytes]) -> tuple[int, int]:
    """Where some piece of a text is that has a form; an empty place where there is none behind a place chosen at random."""
    start = rng.randrange(len(body))
    found = form.search(body, start) or form.search(body)
    return found.span() if found else (start, start)


def forged(rng: random.Random, body: bytes) -> bytes:
    """Change the text of a header's beginning here and there; it may still be JSON, and may mean something."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.randrange(9)
        place = rng.randrange(len(body) + 1)
        start = stop = place
        other = b""
        if kind == 0:
            other = rng.choice(_TOKENS)
        elif kind == 1:
            stop += rng.choice([1, 1, 2, 5, 20])
        elif kind == 2:
            stop += 1
            other = bytes([rng.choice(b'{}[]":,0123456789-+.eE$\\ \t\n\x01\x7f\x80\xc3\xa9atfn')])
        elif kind == 3:
            start, stop = _piece(rng, body, _NUMBER)
            other = rng.choice(NUMBERS)
        elif kind == 4:
            start, stop = _piece(rng, body, _TEXT)
            other = rng.choice(TEXTS)
        elif kind == 5:
            (start, stop), (low, high) = _piece(rng, body, _INNERMOST), _piece(rng, body, _INNERMOST)
            other = body[low:high]
        elif kind == 6:
            (start, stop), (low, high) = _piece(rng, body, _TEXT), _piece(rng, body, _TEXT)
            other = body[low:high]
        elif kind == 7:
            low = rng.randrange(len(body))
            other = body[low : low + rng.choice([1, 3, 10, 40])]
        else:
            start, stop = _piece(rng, body, _INNERMOST)
            other = b"[" + body[start:stop] + b"]" if rng.random() < 0.5 else body[start:stop] * 2
        body = body[:start] + other + body[stop:]
    return body
