"""
Lists that a document holds as rows, written out: the lists of ordinary nodes that they stand for.

For whoever reads documents without building them. Rows that make no sense, or that come to more than there is room for,
stay as they are: loading refuses them, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np
import orjson
from attrs import define, field, frozen

from reflectio.codec import Node, ObjectNode
from reflectio.codecs.array_data import NESTED_AXES, encode_base64, encode_data, needs_base64, nest
from reflectio.codecs.numbers import decode_base64
from reflectio.codecs.rows import CONSTANTS, cost
from reflectio.errors import ReflectioError

Array = np.ndarray[Any, Any]

_NESTED = frozenset({dict, list})
_INT = frozenset({int})

# What a reader grants a document of any size, and each of its bytes, in bytes of memory.
_ALWAYS = 1 << 26
_PER_BYTE = 32

# What is written once, and may be read once for each object, counts as so much less than memory.
_READ_PER_BYTE = 4

# What a value takes that is written out for each object, in bytes, about.
_COPIED = 32

# What the parts of a joined array have alike.
_DESCRIPTION = frozenset(
    {"$", "dtype", "shape", "order", "at", "encoding", "compression", "compressed_nbytes"}
)

#: Gives the elements of an array that a node describes where it stands, with a dtype that is a name.
Elements = Callable[[ObjectNode], Array]


@frozen
class Slice:
    """
    A part of a joined array.

    Attributes
    ----------
    whole : node
        The joined array.
    start, stop : int
        Where the part starts and stops, along the first axis.
    """

    whole: ObjectNode
    start: int
    stop: int


@define
class Expansion:
    """
    A document's nodes without rows.

    Attributes
    ----------
    roots : list of node
        The root and the ``objects``.
    slices : dict of int to Slice
        Of arrays in the segment that are parts of joined ones, by the ids of their nodes; these have the offset of the
        joined one.
    alike : dict of int to frozenset of str
        By the id of an object's or array's node: the members that the document holds once, for others of its rows, too.
    count : int
        How many values the written-out rows have.
    kept : list
        The nodes whose ids are noted, so that no other gets one.
    """

    roots: list[Node]
    slices: dict[int, Slice] = field(factory=dict)
    alike: dict[int, frozenset[str]] = field(factory=dict)
    count: int = 0
    kept: list[Any] = field(factory=list)


class _MalformedError(Exception):
    """Rows that stand for no list."""


def expand(roots: list[Node], elements: Elements, nbytes: int) -> Expansion:
    """
    Write rows out, in place.

    Parameters
    ----------
    roots : list of node
        The root of the document and its ``objects``, parsed JSON, which are changed.
    elements : callable
        Reads an array in the segment.
    nbytes : int
        The size of the header; documents whose rows would come to many times as much keep them.
    """
    writer = _Writer(elements, _ALWAYS + _PER_BYTE * nbytes)
    found = writer.found
    found.roots = [writer.walk(root) for root in roots]
    return found


class _Writer:
    def __init__(self, elements: Elements, room: int) -> None:
        self.found = Expansion([])
        self._elements = elements
        self._room = room

    def walk(self, node: Node) -> Node:
        """Write out the rows in a node, which nests no deeper than JSON does, and then the node itself."""
        if type(node) is list:
            if not _NESTED.isdisjoint(map(type, node)):
                for index, part in enumerate(node):
                    if type(part) in _NESTED:
                        node[index] = self.walk(part)
            return node
        if type(node) is not dict:
            return node
        for name, part in node.items():
            if type(part) in _NESTED:
                written = self.walk(part)
                if written is not part:
                    node[name] = _in_shape(written, node.get("shape")) if name == "data" else written
        if node.get("$") != "rows":
            return node
        try:
            items = self._lists(node) if node.get("of") == "list" else self._objects(node)
        except (_MalformedError, ReflectioError, ValueError, TypeError, OverflowError):
            return node
        return {"$": "list", "$id": node["$id"], "items": items} if "$id" in node else items

    def _charge(self, nbytes: int) -> None:
        if nbytes > self._room:
            raise _MalformedError
        self._room -= nbytes

    @staticmethod
    def _lists(node: ObjectNode) -> list[Node]:
        items, count = node.get("items"), _count(node)
        if type(items) is not list or not items or len(items) % count:
            raise _MalformedError
        length = len(items) // count
        return [items[start : start + length] for start in range(0, len(items), length)]

    def _objects(self, node: ObjectNode) -> list[Node]:
        name, count, columns, args = node.get("of"), _count(node), node.get("columns"), node.get("args")
        if type(name) is not str or "." not in name or type(columns) is not dict or not columns:
            raise _MalformedError
        if any(attribute[:1] == "$" for attribute in columns):
            raise _MalformedError
        n_values = sum(type(column) not in CONSTANTS for column in columns.values())
        self._charge(cost(count, len(columns), n_values) + count * _COPIED * _size(args))
        # What all have alike is read for each, and may be long.
        plain = {attribute: column for attribute, column in columns.items() if type(column) in CONSTANTS}
        self._charge(count * len(orjson.dumps([name, args, plain])) // _READ_PER_BYTE)
        self.found.count += count * (len(columns) + n_values + _size(args))
        first: dict[str, Node] = {"$": name, "$args": args} if "args" in node else {"$": name}
        own: dict[str, list[Node]] = {}
        alike = {"$", "$args"}
        for attribute, column in columns.items():
            first[attribute] = column
            if type(column) in CONSTANTS:
                alike.add(attribute)
                continue
            own[attribute] = self._column(column, count)
            if type(column) is dict and (column.get("same") is True or column.get("$") == "ref"):
                alike.add(attribute)
        objects: list[Node] = []
        names = frozenset(alike)
        for index in range(count):
            written = first.copy()
            for attribute, values in own.items():
                written[attribute] = values[index]
            if "$args" in written:
                written["$args"] = _copied(args)
            self.found.alike[id(written)] = names
            objects.append(written)
        self.found.kept.append(objects)
        # What is written once counts for the first object.
        self.found.alike[id(objects[0])] = frozenset()
        return objects

    def _column(self, column: Node, count: int) -> list[Node]:
        if type(column) is list:
            # Nested rows are a list by now, too.
            if len(column) != count:
                raise _MalformedError
            return column
        tag = column.get("$") if type(column) is dict else None
        if tag == "ref":
            return [dict(column) for _ in range(count)]
        array = column.get("array") if tag == "column" else None
        if type(array) is not dict or array.get("$") != "ndarray" or {"$id", "base"} & array.keys():
            raise _MalformedError
        shape = array.get("shape")
        if type(shape) is not list or not shape or not _INT.issuperset(map(type, shape)) or min(shape) < 0:
            raise _MalformedError
        same = column.get("same") is True
        if column.get("of") == "scalar":
            if shape != [1 if same else count]:
                raise _MalformedError
            scalars = self._scalars(array, shape[0])
            if same:
                return [dict(scalars[0]) for _ in range(count)]
            described = _DESCRIPTION if "data" in array else _DESCRIPTION | {"value"}
            self.found.alike.update((id(scalar), described) for scalar in scalars[1:])
            self.found.kept.append(scalars)
            return scalars
        if column.get("of") != "ndarray":
            raise _MalformedError
        if same:
            self._charge(count * len(orjson.dumps(array)) // _READ_PER_BYTE)
            parts = [dict(array) for _ in range(count)]
            for part in parts if "at" in array else ():
                self.found.slices[id(part)] = Slice(array, 0, shape[0])
            self.found.kept.append(parts)
            return list(parts)
        self._charge(count * len(orjson.dumps(array.get("dtype"))) // _READ_PER_BYTE)
        slices = self._slices(array, shape, _ends(column, shape[0], count))
        self.found.alike.update((id(part), _DESCRIPTION) for part in slices[1:])
        self.found.kept.append(slices)
        return slices

    def _scalars(self, array: ObjectNode, count: int) -> list[Node]:
        dtype, data = array.get("dtype"), array.get("data")
        if type(dtype) is not str:
            raise _MalformedError
        if "encoding" not in array and "at" not in array:
            if type(data) is not list or len(data) != count:
                raise _MalformedError
            return [{"$": "scalar", "dtype": dtype, "value": value} for value in data]
        try:
            found = self._elements(array)
        except ReflectioError:
            # Of a truncated document the rest is still worth being shown.
            return [{"$": "scalar", "dtype": dtype, "value": None} for _ in range(count)]
        if needs_base64(found, careful=False):
            texts = [encode_base64(found[index : index + 1]) for index in range(count)]
            return [{"$": "scalar", "dtype": dtype, "value": text, "encoding": "base64"} for text in texts]
        return [{"$": "scalar", "dtype": dtype, "value": value} for value in encode_data(found)]

    def _slices(self, array: ObjectNode, shape: list[int], ends: Sequence[int]) -> list[Node]:
        described = {name: value for name, value in array.items() if name != "order"}
        rest = shape[1:]
        slices: list[Node] = []
        if "at" in array:
            nbytes = array.get("compressed_nbytes")
            for start, stop in pairwise(ends):
                part = {**described, "shape": [stop - start, *rest]}
                if type(nbytes) is int and ends[-1]:
                    # Its share of them, so that all shares together are the whole.
                    part["compressed_nbytes"] = nbytes * stop // ends[-1] - nbytes * start // ends[-1]
                self.found.slices[id(part)] = Slice(array, start, stop)
                slices.append(part)
            return slices
        data: Any = array.get("data")
        if "encoding" in array:
            raw = np.frombuffer(decode_base64(data), np.uint8)
            length, odd = divmod(len(raw), shape[0]) if shape[0] else (0, len(raw))
            if odd:
                raise _MalformedError
            parts: list[Any] = [
                encode_base64(raw[start * length : stop * length]) for start, stop in pairwise(ends)
            ]
        else:
            # Elements of many axes are one list, and no elements are an empty one.
            width = prod(rest) if len(shape) > NESTED_AXES else 1
            if type(data) is not list or len(data) != (shape[0] * width if prod(shape) else 0):
                raise _MalformedError
            parts = [data[start * width : stop * width] for start, stop in pairwise(ends)]
        return [
            {**described, "shape": [stop - start, *rest], "data": part}
            for (start, stop), part in zip(pairwise(ends), parts, strict=True)
        ]


def _count(node: ObjectNode) -> int:
    count = node.get("count")
    if type(count) is not int or count < 1:
        raise _MalformedError
    return count


def _ends(column: ObjectNode, total: int, count: int) -> Sequence[int]:
    """Where each array of a column ends, after where the first starts."""
    if "lengths" not in column:
        length, rest = divmod(total, count)
        if rest:
            raise _MalformedError
        return range(0, total + 1, length) if length else (0,) * (count + 1)
    lengths = column["lengths"]
    if type(lengths) is not list or len(lengths) != count or not _INT.issuperset(map(type, lengths)):
        raise _MalformedError
    if min(lengths) < 0 or sum(lengths) != total:
        raise _MalformedError
    return list(accumulate(lengths, initial=0))


def _in_shape(items: Node, shape: Node) -> Node:
    """The objects of an array, as lists of lists."""
    if type(items) is not list or type(shape) is not list or not _INT.issuperset(map(type, shape)):
        return items
    return nest(items, tuple(shape)) if shape and min(shape) > 0 and prod(shape) == len(items) else items


def _size(node: Node) -> int:
    """How many values a node has, apart from the elements of arrays."""
    if type(node) is dict:
        return 1 + (len(node) if node.get("$") == "ndarray" else sum(map(_size, node.values())))
    return 1 + sum(map(_size, node)) if type(node) is list else 1


def _copied(node: Node) -> Node:
    """A node of its own; the elements of arrays, which have no identity, are the same."""
    if type(node) is dict:
        if node.get("$") == "ndarray":
            return dict(node)
        return {name: _copied(part) for name, part in node.items()}
    return [_copied(part) for part in node] if type(node) is list else node
