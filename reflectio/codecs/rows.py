"""
Lists of objects of one class, written member by member: the trees of a forest as columns of a table.

Objects of one class mostly have the same attributes, and most of these the same value. What `ListCodec` would write as a
list of nodes, ``[{"$": "a.B", "x": 1, "y": 5}, {"$": "a.B", "x": 1, "y": 6}]``, is written here as
``{"$": "rows", "of": "a.B", "count": 2, "columns": {"x": 1, "y": [5, 6]}}``. A member of ``columns`` is

- a plain value, which all objects have;
- a list with a node for each object;
- a reference to a random state that all objects have;
- a node of this module that stands for such a list: ``rows`` again, for objects that the objects hold, or ``column``,
  for arrays and scalars, joined to one array.

Which classes can be written so is for their codecs to say. Nothing within rows but the nodes of its lists can carry an
id. Where something else of the document turns out to refer to it, the document is written anew without rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import copysign, prod
from typing import Any

import numpy as np

from reflectio import compiled
from reflectio.array_bytes import joined_bytes
from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.dtypes import encode_dtype
from reflectio.codecs.once_per_dtype import once_per_dtype
from reflectio.decoder import HOLDING_NOTHING
from reflectio.encoder import Encoder, InRows, RowsReferredError
from reflectio.errors import UnsupportedTypeError
from reflectio.layout import canonical_strides
from reflectio.registry import codec_for_class, load_entry_points, on_change
from reflectio.segment_writer import Pieces
from reflectio.writers import NESTING

Array = np.ndarray[Any, Any]

#: Lists of fewer objects are written as they are.
FEWEST = 4

# Rows within rows, with the nodes in their columns, need so much of what JSON may nest.
_ROOM = NESTING // 2

# Where the arrays of all objects together have more bytes than this, they stay apart, so that a reader needs no second
# copy of so many. Up to so many of a column are copied when they are met, and more when they are written.
_MOST_JOINED = 1 << 24
_MOST_COPIED = 1 << 16

# An array that all rows have alike is written once if it has no more bytes than this.
_MOST_SAME = 1 << 10

# What an object, an attribute and an array take in memory, in bytes, about; an object counts for more, as its class
# and the checks of it take their time. A few characters can describe any number of rows; a writer keeps well below
# what a reader grants.
_OBJECT, _ATTRIBUTE, _VALUE = 1024, 32, 128
_MOST_WRITTEN = 48 << 20

#: The types of values that are written as they are where all objects have the same.
CONSTANTS = frozenset({int, float, str, bool, type(None)})
_NUMBERS = {
    np.int64: np.dtype(np.int64),
    np.float64: np.dtype(np.float64),
    np.int32: np.dtype(np.int32),
    np.float32: np.dtype(np.float32),
}
_JOINABLE = frozenset("fiub")


def encode_list(items: list[Any], encoder: Encoder) -> ObjectNode | None:
    """
    Write the items of a list as rows.

    Parameters
    ----------
    items : list
        The items.
    encoder : Encoder
        What walks over them.

    Returns
    -------
    node or None
        None, and nothing was done, where the items have to be written one by one.
    """
    if len(items) < FEWEST or not encoder.rows or encoder.values_open or encoder.depth > _ROOM:
        return None
    cls = type(items[0])
    if cls in CONSTANTS or cls in encoder.apart or len(set(map(type, items))) > 1:
        return None
    if cls is list:
        return _encode_lists(items, encoder)
    outer = encoder.in_rows
    if outer is None:
        encoder.in_rows = InRows(cls)
    node = _codecs[cls].encode_rows(items, encoder)
    encoder.in_rows = outer
    return node


class _Codecs(dict[type, Codec]):
    """The codec of each class that lists held so far."""

    def __missing__(self, cls: type) -> Codec:
        load_entry_points()
        codec = self[cls] = codec_for_class(cls)
        return codec


_codecs = _Codecs()
on_change(_codecs.clear)


def _encode_lists(lists: list[list[Any]], encoder: Encoder) -> ObjectNode | None:
    """Lists of the same length that hold objects of one class, as the trees of an iteration of boosting are."""
    length = len(lists[0])
    # Lists within them would be looked through once for each level, and as deep as they nest.
    if (
        not length
        or type(lists[0][0]) is list
        or any(len(items) != length for items in lists)
        or not _are_new(lists, encoder)
    ):
        return None
    node = encode_list([item for items in lists for item in items], encoder)
    if node is None:
        return None
    _claim(lists, encoder.in_rows or InRows(type(lists[0][0])), encoder)
    return {"$": "rows", "of": "list", "count": len(lists), "items": node}


def _are_new(objects: Iterable[Any], encoder: Encoder) -> bool:
    """Whether objects differ from each other, and from all that the walk has met."""
    numbers = list(map(id, objects))
    return encoder.nodes.keys().isdisjoint(numbers) and len(set(numbers)) == len(numbers)


def _claim(objects: list[Any], within: InRows | None, encoder: Encoder) -> None:
    encoder.nodes.update(dict.fromkeys(map(id, objects), within))
    encoder.kept.extend(objects)


def encode_rows(
    name: str, objects: list[Any], states: list[dict[str, Any]], encoder: Encoder, *, owned: bool = True
) -> ObjectNode | None:
    """
    Write objects of one class as rows, if their attributes allow it.

    Parameters
    ----------
    name : str
        The name of their class.
    objects : list
        The objects.
    states : list of dict
        The attributes of each, which may be written by these names.
    encoder : Encoder
        What walks over them.
    owned : bool, default=True
        Whether their arrays are objects of the model; those of compiled classes are made as they are asked for.

    Returns
    -------
    node or None
        None, and nothing was done, where they have to be written one by one.
    """
    names = tuple(states[0])
    if not names or any(tuple(state) != names for state in states) or not _are_new(objects, encoder):
        return None
    n_values = sum(type(value) not in CONSTANTS for value in states[0].values())
    if not encoder.afford_rows(cost(len(states), len(names), n_values), _MOST_WRITTEN):
        return None
    _claim(objects, encoder.in_rows, encoder)
    encoder.names.add(name)
    # Objects of one list are much alike: the first tells of the others.
    joins = len(states) * _nbytes(states[0]) <= _MOST_JOINED
    encoder.depth += 3
    columns: dict[str, Node] = {}
    for attribute in names:
        try:
            column = _plain_column(states, attribute, encoder.plain)
            if column is NotImplemented:
                values = [state[attribute] for state in states]
                column = _encode_column(values, encoder, joins=joins, owned=owned)
            columns[attribute] = column
        except UnsupportedTypeError as error:
            error.within(attribute)
            raise
    encoder.depth -= 3
    return {"$": "rows", "of": name, "count": len(states), "columns": columns}


def cost(count: int, n_attributes: int, n_values: int) -> int:
    """
    Estimate what some objects take in memory.

    Parameters
    ----------
    count : int
        How many there are.
    n_attributes, n_values : int
        How many attributes each has, and how many of these are not plain values that all have.

    Returns
    -------
    int
        About so many bytes.
    """
    return count * (_OBJECT + _ATTRIBUTE * n_attributes + _VALUE * n_values)


def _nbytes(state: dict[str, Any]) -> int:
    return sum([value.nbytes for value in state.values() if type(value) is np.ndarray])


_compiled = compiled.part("columns")

# The column of plain values, where that is seen quickly; NotImplemented where it is not.
_plain_column: Callable[[list[dict[str, Any]], str, frozenset[type]], Any] = (
    (lambda states, name, plain: NotImplemented) if _compiled is None else _compiled.plain_column
)


def _encode_column(values: list[Any], encoder: Encoder, *, joins: bool, owned: bool) -> Node:
    kind = type(values[0])
    node: Node = None
    if len(set(map(type, values))) == 1:
        if kind in encoder.plain:
            return values[0] if values.count(values[0]) == len(values) else values
        if kind is float:
            total = sum(values)
            if total - total == 0.0:
                return values[0] if _are_same(values) else values
        elif kind is np.ndarray:
            if joins:
                node = _encode_arrays(values, encoder) if owned else encode_joined(values, encoder)
        elif kind in _NUMBERS:
            node = _encode_scalars(values, encoder)
        elif isinstance(values[0], HOLDING_NOTHING):
            node = _encode_same(values, encoder)
        else:
            node = encode_list(values, encoder)
    return encode_each(values, encoder) if node is None else node


def encode_each(values: list[Any], encoder: Encoder) -> list[Node]:
    """A column with a node for each object."""
    encoder.depth += 1
    nodes: list[Node] = []
    try:
        for value in values:
            nodes.append(encoder.visit(value))  # noqa: PERF401  how many there are says where an error arose
    except UnsupportedTypeError as error:
        error.within(len(nodes))
        raise
    encoder.depth -= 1
    return nodes


def _are_same(values: list[float]) -> bool:
    """Whether finite numbers are equal, and of one sign if they are zero."""
    first = values[0]
    return values.count(first) == len(values) and (
        first != 0.0 or len({copysign(1.0, value) for value in values}) == 1
    )


def _encode_same(values: list[Any], encoder: Encoder) -> ObjectNode | None:
    """What the walk has met before, and all objects hold: the random state of gradient boosting."""
    first = values[0]
    return encoder.refer_to(first) if all(value is first for value in values) else None


def _encode_scalars(values: list[Any], encoder: Encoder) -> ObjectNode:
    dtype: Any = _NUMBERS[type(values[0])]
    joined = np.array(values, dtype)
    node: ObjectNode = {"$": "column", "of": "scalar"}
    raw = joined.tobytes()
    if raw == raw[: joined.itemsize] * len(values):
        node["same"] = True
        joined = joined[:1].copy()
    node["array"] = encoder.visit(joined)
    return node


def _encode_arrays(arrays: list[Array], encoder: Encoder) -> ObjectNode | None:
    """Arrays none of which would be written as a view of what the walk has met."""
    memory = encoder.memory
    owners = [id(array.base if type(array.base) is np.ndarray else array) for array in arrays]
    if not _are_new(arrays, encoder):
        return None
    if not memory.keys().isdisjoint(owners) and any(
        owner in memory and np.may_share_memory(array, memory[owner])
        for owner, array in zip(owners, arrays, strict=True)
    ):
        return None
    if len(set(owners)) < len(owners) or not all(array.flags.writeable for array in arrays):
        return None
    node = encode_joined(arrays, encoder)
    if node is not None:
        if encoder.in_rows is not None and _is_attribute_of_root(arrays[0], encoder):
            # The walk would come to it later, when there is more to be written anew.
            raise RowsReferredError(encoder.in_rows.cls)
        _claim(arrays, encoder.in_rows, encoder)
        for owner, array in zip(owners, arrays, strict=True):
            if array.size:
                memory.setdefault(owner, array)
    return node


def _is_attribute_of_root(value: Any, encoder: Encoder) -> bool:
    """Whether what the walk has not met yet is an attribute of what it started from, and so sure to be met."""
    root = encoder.root
    if id(value) not in map(id, getattr(root, "__dict__", {}).values()):
        return False
    written = getattr(_codecs[type(root)], "written", None)
    return written is not None and written() is not None


@once_per_dtype
def _is_joinable(dtype: np.dtype[Any]) -> bool:
    """Whether elements are numbers, or records of numbers one after the other, with nothing else to the dtype."""
    if dtype.names is None or not dtype.isnative:
        return dtype.kind in _JOINABLE and dtype.isnative and dtype.metadata is None
    end = 0
    for name in dtype.names:
        field, offset, *title = dtype.fields[name]  # type: ignore[index]
        if title or offset < end or field.names is not None or not _is_joinable(field):
            return False
        end = offset + field.itemsize
    return dtype.metadata is None


def _are_alike(some: np.dtype[Any], other: np.dtype[Any]) -> bool:
    """Whether dtypes are the same in all that is written of them; numpy calls more than these equal."""
    if some != other or not _is_joinable(some):
        return False
    return some.names is None or (some.type is other.type and some.isalignedstruct == other.isalignedstruct)


def _lies_plainly(array: Array) -> bool:
    """Whether `ArrayCodec` writes nothing of an array's strides: those of axes of length one may be any."""
    if not array.size:
        return True
    flags = array.flags
    return flags.c_contiguous and not (
        flags.f_contiguous and array.strides == canonical_strides(array.shape, array.itemsize, "F")
    )


def _can_be_same(dtype: np.dtype[Any]) -> bool:
    """Whether equal elements have equal bytes: between the fields of records may lie anything."""
    return dtype.names is None or sum(dtype[name].itemsize for name in dtype.names) == dtype.itemsize


def encode_joined(arrays: list[Array], encoder: Encoder) -> ObjectNode | None:
    """
    Write arrays as a column, whoever owns their memory.

    Parameters
    ----------
    arrays : list of ndarray
        The arrays.
    encoder : Encoder
        What takes their elements.

    Returns
    -------
    node or None
        None, and nothing was done, where they differ in more than the length of their first axis, do not lie in C
        order, or are too large to be joined.
    """
    first = arrays[0]
    dtype, rest = first.dtype, first.shape[1:]
    if not first.ndim or not _is_joinable(dtype):
        return None
    strides = canonical_strides(first.shape, dtype.itemsize, "C")
    dtypes = {id(array.dtype): array.dtype for array in arrays}
    if len(dtypes) > 1 and not all(other is dtype or _are_alike(other, dtype) for other in dtypes.values()):
        return None
    shapes = [array.shape for array in arrays]
    if [shape[1:] for shape in shapes].count(rest) != len(shapes) or () in shapes:
        return None
    if not all(array.strides == strides or _lies_plainly(array) for array in arrays):
        return None
    lengths = [shape[0] for shape in shapes]
    total = sum(lengths) * dtype.itemsize * prod(rest)
    if total > _MOST_JOINED:
        return None
    node: ObjectNode = {"$": "column", "of": "ndarray"}
    if lengths.count(lengths[0]) != len(lengths):
        node["lengths"] = lengths
    elif (
        first.nbytes <= _MOST_SAME and _can_be_same(dtype) and len({array.tobytes() for array in arrays}) == 1
    ):
        node["same"] = True
        arrays, lengths, total = arrays[:1], lengths[:1], first.nbytes
    shape = (sum(lengths), *rest)
    if total > _MOST_COPIED and not encoder.inline:
        node["array"] = {
            "$": "ndarray",
            "dtype": encode_dtype(dtype, encoder),
            "shape": list(shape),
            **encoder.segment.store_pieces(Pieces(arrays)),
        }
    else:
        raw = bytearray(joined_bytes(arrays))
        node["array"] = encoder.visit(np.ndarray(shape, dtype, raw))
    return node
