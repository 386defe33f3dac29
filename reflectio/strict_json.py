"""JSON read strictly: what two parsers would read in two ways is refused."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

from reflectio import compiled
from reflectio.errors import DocumentError, LimitError

#: How deep lists and objects may nest in the text: as deep as `orjson` writes them.
NESTING = 254

_compiled = compiled.part("strict_json")

# Only an integer of this many digits can lie beyond 64 bits. A regular expression would take five times as long to
# find one as the parser takes for all of the text.
_LONG_INTEGER = b"0" * 19
_ANY_DIGIT = bytes.maketrans(b"123456789", b"0" * 9)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)

_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1
_DIGITS = len(str(_UINT64_MAX))

# Up to this many bytes a refused text is read again, slowly, to say which key comes twice.
_EXPLAINED = 1 << 24


def parse(text: bytes) -> Any:
    """
    Read a JSON text that says one thing to every parser.

    A key that comes twice is refused: a reviewer reads the first, most parsers keep the last. So is an integer
    beyond 64 bits, which some parsers read as a float.

    Parameters
    ----------
    text : bytes
        The text.

    Raises
    ------
    DocumentError
        The text is not JSON, or could be read in two ways.
    LimitError
        It nests deeper than `NESTING`.

    Notes
    -----
    `orjson` keeps the last of two equal keys and says nothing. What it read is therefore written again, which
    takes a third of the time of reading: a text that comes out as it was had no key twice. Another text, written
    by hand or indented, had none if and only if just as many strings come out: values that are lost take at least
    their key with them, and nothing adds a string.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "limit" in str(error):
            _refuse_nesting()
        raise DocumentError(f"not a reflectio document, or truncated: {error}") from None
    if _compiled is not None and _compiled.says_one_thing(text, value):
        return value
    try:
        written = orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        if "limit" in str(error):
            _refuse_nesting()
        raise DocumentError(f"not a reflectio document: {error}") from None
    if written != text:
        if _count_quotes(written) != _count_quotes(text):
            raise DocumentError(f"a key of an object comes twice{_which_key(text)}; keep one of the two")
        if _LONG_INTEGER in text.translate(_ANY_DIGIT):
            _check_integers(text)
    return value


def _refuse_nesting() -> NoReturn:
    raise LimitError(
        f"the header nests deeper than {NESTING} lists and objects; what lies deeper belongs into the member "
        "'objects', by reference"
    ) from None


def _count_quotes(text: bytes) -> int:
    """How many quotation marks begin or end a string."""
    count = text.count(b'"')
    if b"\\" in text:
        # Without the pairs that stand for a backslash, one before a quotation mark makes it part of a string.
        count -= text.replace(b"\\\\", b"").count(b'\\"')
    return count


def _which_key(text: bytes) -> str:
    if len(text) > _EXPLAINED:
        return ""
    twice: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                twice.append(key)
            seen.add(key)

    json.loads(text, object_pairs_hook=look, parse_int=len, parse_float=len)
    return f": {twice[0][:80]!r}" if twice else ""


def _check_integers(text: bytes) -> None:
    def check(digits: str) -> int:
        # Text of that many digits is short enough to be converted in no time.
        if len(digits) > _DIGITS + 1 or not _INT64_MIN <= int(digits) <= _UINT64_MAX:
            raise DocumentError(
                f"the integer {digits[:40]} lies beyond 64 bits; write "
                '{"$": "int", "value": "..."} with its digits as text'
            )
        return 0

    json.loads(text, parse_int=check, parse_float=len)


def nesting(value: Any) -> int:
    """How deep lists and objects nest in a parsed value."""
    deepest, level = 0, [value] if type(value) in (dict, list) else []
    while level:
        deepest += 1
        level = [
            part
            for outer in level
            for part in (outer.values() if type(outer) is dict else outer)
            if type(part) is dict or type(part) is list
        ]
    return deepest


def count_values(text: bytes, enough: int) -> int:
    """
    Count the values of a JSON text, before it is parsed.

    Parameters
    ----------
    text : bytes
        The text; where it is no JSON, some number.
    enough : int
        Up to this many need not be counted exactly.

    Returns
    -------
    int
        How many numbers, strings, lists and objects it holds, or an upper bound that is at most ``enough``.
    """
    # A value other than the first follows a comma or an opening bracket.
    bound = len(text) // 2 + 1
    if bound <= enough:
        return bound
    bound = _count_separators(text)
    return bound if bound <= enough else _count_separators(_STRING.sub(b"0", text))


def _count_separators(text: bytes) -> int:
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{")
