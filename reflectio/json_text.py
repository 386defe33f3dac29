"""JSON as people like to read it: indented, yet each row of an array, and each short value, on one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from reflectio import compiled

_indenting = compiled.part("indenting")

_INDENT = "  "

# An object or list of plain values is written on one line up to this many characters.
_LINE = 100

_NESTED = frozenset({dict, list})


def pretty(value: Any) -> bytes:
    """
    Write a JSON value, indented.

    Parameters
    ----------
    value : JSON value
        What `orjson` can write.

    Returns
    -------
    bytes
        UTF-8, ending with a newline.
    """
    if _indenting is not None:
        laid_out: bytes = _indenting.indented(orjson.dumps(value))
        return laid_out
    return "".join([*_pieces(value, "\n"), "\n"]).encode()


def _line(value: Any) -> str:
    """Write a plain value, or a row of plain values, on one line."""
    text = orjson.dumps(value).decode()
    if type(value) is list and str not in set(map(type, value)):
        return text.replace(",", ", ")
    return text


def _pieces(value: Any, newline: str) -> Iterator[str]:
    kind = type(value)
    if kind not in _NESTED or not value:
        yield orjson.dumps(value).decode()
    elif kind is dict:
        yield from _object_pieces(value, newline)
    elif _NESTED.isdisjoint(map(type, value)):
        yield from _row_pieces(value, newline)
    else:
        inner = newline + _INDENT
        separator = "["
        for item in value:
            yield separator + inner
            yield from _pieces(item, inner)
            separator = ","
        yield newline + "]"


def _row_pieces(row: list[Any], newline: str) -> Iterator[str]:
    text = _line(row)
    if str in set(map(type, row)) and len(text) > _LINE:
        inner = newline + _INDENT
        yield "[" + inner + ("," + inner).join(orjson.dumps(item).decode() for item in row) + newline + "]"
    else:
        yield text


def _object_pieces(members: dict[str, Any], newline: str) -> Iterator[str]:
    if _NESTED.isdisjoint(map(type, members.values())) and "$" in members:
        text = ", ".join(f"{_line(key)}: {_line(value)}" for key, value in members.items())
        if len(text) <= _LINE:
            yield "{" + text + "}"
            return
    inner = newline + _INDENT
    separator = "{"
    for key, value in members.items():
        yield f"{separator}{inner}{orjson.dumps(key).decode()}: "
        yield from _pieces(value, inner)
        separator = ","
    yield newline + "}"
