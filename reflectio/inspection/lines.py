"""A document as lines of text, one for each value, the same for equal models in either format: for ``git diff``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import xxhash

from reflectio.array_bytes import as_buffer
from reflectio.codec import Node
from reflectio.errors import DecodeError, format_path
from reflectio.inspection.arrays import ArrayInfo
from reflectio.inspection.glance import glance
from reflectio.inspection.graph import tag_of
from reflectio.inspection.header import Header
from reflectio.inspection.paths import Place, parts_of, path_of
from reflectio.inspection.text import printable
from reflectio.inspection.values import inline

# Arrays of up to this many elements are written in full, a line for each row.
_IN_FULL = 64

# Containers of up to so many plain values are written on one line.
_INLINE = 16
_SHORT = 60

# Longer values are cut, and their digest makes sure that a change shows.
_LONGEST = 1000

# Digests of large arrays are computed so many bytes at a time.
_STEP = 1 << 24

# Of a path so many of the last parts are written, and so many characters.
_PARTS = 60
_LONGEST_PATH = 2000


def lines(header: Header) -> Iterator[str]:
    """
    Write a document as lines.

    Parameters
    ----------
    header : Header
        The document; every value of its arrays is read.

    Yields
    ------
    str
        A line without its end: a path, ``=``, and what is there. Versions and metadata come first.
    """
    for name, version in header.versions.items():
        yield f"{printable(format_path([name], '$.versions'))} = {printable(str(version))}"
    metadata = header.metadata
    if type(metadata) is dict:
        for name, value in metadata.items():
            yield f"{printable(format_path([name], '$.metadata'))} = {_json(value)}"
    elif metadata is not None:
        yield f"$.metadata = {_json(metadata)}"
    if header.problem:
        yield f"$ = damaged: {printable(header.problem)}"
    yield from _Lines(header).lines()


def _json(value: Any) -> str:
    return _cut(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return printable(text, _LONGEST)
    digest = xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))
    return f"{printable(text, _LONGEST)} ({len(text):,} characters, xxh3 {digest})"


# A place: the one around it, and the part of a path.


class _Lines:
    def __init__(self, header: Header) -> None:
        self._header = header
        self._graph = header.graph
        # Where each object was written that references can refer to.
        self._written: dict[int, str] = {}

    def lines(self) -> Iterator[str]:
        stack: list[tuple[Node, Place]] = [(self._header.model, (None, "$.model"))]
        while stack:
            node, place = stack.pop()
            path = path_of(place, deepest=_PARTS, longest=_LONGEST_PATH)
            try:
                target = self._graph.target(node)
                first = self._written.setdefault(id(target), path) if type(target) in (dict, list) else path
                if first != path:
                    text = inline(target, self._graph)
                    yield f"{path} = {text if text is not None else f'the same object as {first}'}"
                    continue
                if type(target) is dict and target.get("$") == "ndarray":
                    info = self._header.describe(target)
                    if info.place != "objects":
                        yield from self._array(path, target)
                    else:
                        yield f"{path} = {info.dtype} {_shape(info)}"
                        stack.append((target.get("data"), (place, "data")))
                    continue
                text = inline(target, self._graph, _INLINE)
                if text is not None and _is_short(target):
                    yield f"{path} = {text}"
                    continue
                yield f"{path} = {self._summary(target)}"
                if type(target) in (dict, list):
                    stack += [
                        (value, (place, name)) for name, value in reversed([*parts_of(target, self._graph)])
                    ]
            except DecodeError as error:
                yield f"{path} = damaged: {printable(error.message)}"

    def _summary(self, node: Node) -> str:
        if type(node) is list:
            return f"list of {len(node)}"
        if type(node) is not dict:
            return _cut(repr(node))
        tag = tag_of(node)
        if tag is None:
            return f"dict of {len(node)}"
        return printable(tag)

    def _array(self, path: str, node: dict[str, Any]) -> Iterator[str]:
        info = self._header.describe(node)
        array = self._header.array(node)
        in_full = info.size <= _IN_FULL and array.dtype.names is None
        text = "" if in_full else f", {glance(array, info.nbytes).text() or 'values'}, xxh3 {_digest(array)}"
        order = ", in Fortran order" if info.order == "F" else ""
        yield f"{path} = {info.dtype} {_shape(info)}{order}{text}"
        if in_full and info.size:
            rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array.reshape(1, -1)
            indexes = np.ndindex(array.shape[:-1]) if array.ndim else iter([()])
            for index, row in zip(indexes, rows, strict=False):
                where = "".join(f"[{position}]" for position in index)
                yield f"{path}{where} = {_cut('[' + ', '.join(map(_element, row)) + ']')}"


def _shape(info: ArrayInfo) -> str:
    return "(" + ", ".join(map(str, info.shape)) + ("," if len(info.shape) == 1 else "") + ")"


def _is_short(node: Node) -> bool:
    """Whether one line says all of a value: text may be longer, and lists within lists."""
    if type(node) is dict:
        return len(orjson.dumps(node)) <= _SHORT
    return type(node) is not str and (type(node) is not list or len(orjson.dumps(node)) <= _SHORT)


def _element(value: Any) -> str:
    item = value.item() if value.dtype.kind not in "mM" else str(value)
    return repr(item) if not isinstance(item, np.generic) else str(item)


def _digest(array: np.ndarray[Any, Any]) -> str:
    state = xxhash.xxh3_64()
    if array.nbytes <= _STEP or array.ndim == 0:
        state.update(as_buffer(array))
    else:
        rows = max(1, len(array) * _STEP // array.nbytes)
        for start in range(0, len(array), rows):
            state.update(as_buffer(array[start : start + rows]))
    return state.hexdigest()
