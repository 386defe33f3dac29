"""scipy's sparse matrices and arrays: their parts as they are, checked before compiled code indexes by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from operator import ge
from typing import Any

import numpy as np

from reflectio import compiled
from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.containers import encode_items
from reflectio.codecs.dtypes import encode_dtype, parse_dtype
from reflectio.codecs.fitted import FEW, within
from reflectio.codecs.members import build_list, build_member, is_private, visit_member
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ValidationError
from reflectio.walk_in import located

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

_compiled = compiled.part("sparse")

_FORMATS = ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
_KINDS = ("matrix", "array")

# What index arrays may be of, with the longest axis that they reach along.
_INDEX_DTYPES = {np.dtype(kind): int(np.iinfo(kind).max) for kind in (np.int32, np.int64)}
_LONGEST_AXIS = 2**63 - 1

# An axis up to this is taken as it is: hashed features are the most that people use. One that is longer must have as much
# in the matrix, but for a factor: scipy makes index arrays, and dense ones, as long as an axis.
_LONGEST_UNBACKED = 1 << 22
_AXIS_PER_ENTRY = 8

# The element types that scipy computes with: booleans, integers, floats and complex numbers.
_ELEMENT_KINDS = "biufc"
_PYTHON_NUMBERS = frozenset({bool, int, float, complex})

# How many entries scipy prints unless it is told otherwise.
_MAXPRINT = 50


class SparseCodec(Codec):
    """
    Sparse matrices and arrays, in the format they are in.

    ======================== =================================================================================
    ``format``               csr, csc, coo, bsr, dia, dok or lil
    ``kind``                 matrix or array
    ``shape``                the lengths of the axes
    ``data``                 the entries: an array; in dok and lil, numbers one by one
    ``indices``, ``indptr``  the index arrays of csr, csc and bsr
    ``coords``               the index arrays of coo, one an axis; in dok, the indices of each axis
    ``offsets``              the diagonals of dia
    ``rows``                 the column indices of each row of lil
    ``dtype``                the element type of dok and lil
    ``has_sorted_indices``,
    ``has_canonical_format`` what scipy has found out about the order of the indices, where it has
    ``maxprint``             how many entries are printed, where that is not 50
    ======================== =================================================================================
    """

    types = tuple(f"scipy.sparse.{layout}_{kind}" for layout in _FORMATS for kind in _KINDS)
    tag = "sparse"
    members = frozenset(
        {"format", "kind", "shape", "data", "indices", "indptr", "coords", "offsets", "rows", "dtype"}
        | {"has_sorted_indices", "has_canonical_format", "maxprint"}
    )
    required = frozenset({"format", "kind", "shape", "data"})

    # -- out ------------------------------------------------------------------------------------------------

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        cls = type(obj)
        encoder.name(cls)
        layout, _, kind = cls.__name__.partition("_")
        state = dict(vars(obj))
        shape = state.pop("_shape")
        if (reason := _too_long(shape, state, obj)) is not None:
            raise encoder.refuse(f"{reason}; use a shape that fits what the matrix holds")
        node: ObjectNode = {"$": "sparse", "format": layout, "kind": kind, "shape": [int(n) for n in shape]}
        maxprint = state.pop("maxprint", _MAXPRINT)
        encoder.depth += 1
        try:
            _ENCODERS[layout](obj, state, node, encoder)
        except ValidationError as error:
            raise encoder.refuse(
                f"this {cls.__name__} is not consistent, and scipy would read memory it does not own: "
                f"{error.message}"
            ) from error
        encoder.depth -= 1
        if maxprint != _MAXPRINT:
            node["maxprint"] = maxprint
        if state:
            raise encoder.refuse(
                f"this {cls.__name__} has an attribute {next(iter(state))!r} that scipy does not give it; delete it"
            )
        return node

    # -- in -------------------------------------------------------------------------------------------------

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        layout, kind = node["format"], node["kind"]
        if layout not in _FORMATS or kind not in _KINDS:
            raise DocumentError(f"scipy has no sparse {kind!r} in the format {layout!r}")
        cls: Any = decoder.resolve_class(f"scipy.sparse.{layout}_{kind}")
        shape = _parse_shape(node["shape"], cls)
        maxprint = node.get("maxprint", _MAXPRINT)
        if type(maxprint) is not int or maxprint < 0:
            raise DocumentError("maxprint must be a number of entries").within("maxprint")
        obj = cls.__new__(cls)
        attributes = _DECODERS[layout](obj, shape, node, decoder)
        if (reason := _too_long(shape, attributes, obj)) is not None:
            raise ValidationError(reason).within("shape")
        vars(obj).update({"_shape": shape, "maxprint": maxprint, **attributes})
        return obj

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        yield "class", f"scipy.sparse.{node.get('format')}_{node.get('kind')}"


# -- what all formats share ---------------------------------------------------------------------------------


def _parse_shape(lengths: Any, cls: Any) -> Shape:
    if type(lengths) is not list or any(
        type(length) is not int or not 0 <= length <= _LONGEST_AXIS for length in lengths
    ):
        raise DocumentError("the shape must be a list of lengths below 2**63").within("shape")
    if len(lengths) not in getattr(cls, "_allow_nd", (2,)):
        raise DocumentError(f"a {cls.__name__} cannot have {len(lengths)} axes").within("shape")
    return tuple(lengths)


def _check_data(data: Any, ndim: int) -> None:
    if type(data) is not np.ndarray or data.ndim != ndim or data.dtype.kind not in _ELEMENT_KINDS:
        raise ValidationError(f"the data must be an array of numbers of {ndim} axes").within("data")


def _check_index(index: Any, member: str, shape: Shape) -> None:
    """Refuse what is no index array, or one whose integers cannot count as far as the axes are long."""
    if type(index) is not np.ndarray or index.ndim != 1 or index.dtype not in _INDEX_DTYPES:
        raise ValidationError("an index array must be of int32 or int64 and have one axis").within(member)
    # scipy hands the lengths to compiled code as integers of the index arrays' type, and sizes buffers by them.
    if max(shape, default=0) > _INDEX_DTYPES[index.dtype]:
        raise ValidationError(f"indices of {index.dtype} cannot reach along the shape {list(shape)}").within(
            member
        )


def _check_bounds(index: Array, length: int, member: str) -> None:
    if not within(index, 0, length - 1):
        raise ValidationError(f"an index lies outside of an axis of length {length}").within(member)


def _too_long(shape: Shape, attributes: dict[str, Any], obj: Any) -> str | None:
    """Say whether an axis is out of proportion to what there is along it."""
    longest = max(shape, default=0)
    if longest <= _LONGEST_UNBACKED:
        return None
    parts = [part for value in attributes.values() for part in (value if type(value) is tuple else (value,))]
    # Earlier releases of scipy keep the entries of dok in the object.
    n_held = sum(part.size for part in parts if isinstance(part, np.ndarray)) + sum(
        dict.__len__(part) for part in (*parts, obj) if isinstance(part, dict)
    )
    if longest <= _AXIS_PER_ENTRY * n_held:
        return None
    return f"an axis of the length {longest} is out of proportion to what the matrix holds"


# -- csr, csc, bsr ------------------------------------------------------------------------------------------


def _check_compressed(layout: str, shape: Shape, data: Any, indices: Any, indptr: Any) -> None:
    if (
        _compiled is not None
        and layout != "bsr"
        and _compiled.is_sound(layout == "csc", shape, data, indices, indptr)
    ):
        return
    _check_data(data, 3 if layout == "bsr" else 1)
    _check_index(indices, "indices", shape)
    _check_index(indptr, "indptr", shape)
    major, minor = (1, *shape)[-2:]
    if layout == "csc":
        major, minor = minor, major
    if layout == "bsr":
        height, width = data.shape[1:]
        if not height or not width or major % height or minor % width:
            raise ValidationError(
                f"blocks of {height} by {width} do not fill the shape {list(shape)}"
            ).within("data")
        major, minor = major // height, minor // width
    if len(indptr) != major + 1:
        raise ValidationError(f"indptr must have {major + 1} items, not {len(indptr)}").within("indptr")
    if len(indices) != len(data):
        raise ValidationError(f"there are {len(indices)} indices for {len(data)} entries").within("indices")
    # Compared rather than subtracted: a difference could wrap around.
    if indptr[0] != 0 or indptr[-1] > len(indices) or not _is_rising(indptr):
        raise ValidationError(f"indptr must rise from 0 to at most {len(indices)}").within("indptr")
    # What lies behind the last row's end is spare room; nothing reads it.
    _check_bounds(indices[: indptr[-1]], minor, "indices")


def _is_rising(indptr: Array) -> bool:
    if len(indptr) <= FEW:
        few = indptr.tolist()
        return all(map(ge, few[1:], few))
    return not (indptr[1:] < indptr[:-1]).any()


def _rises(indices: Array, indptr: Array, *, strictly: bool) -> bool:
    """Whether the indices of every row are in order, and, if ``strictly``, without duplicates."""
    if _compiled is not None and (found := _compiled.rises(indices, indptr, strictly)) is not None:
        return bool(found)
    used = indices[: indptr[-1]]
    if used.size < 2:
        return True
    falls = used[1:] <= used[:-1] if strictly else used[1:] < used[:-1]
    # From the last index of a row to the first of the next one they may fall.
    starts = indptr[1:-1]
    falls[starts[(starts > 0) & (starts < used.size)] - 1] = False
    return not falls.any()


_COMPRESSED = ("data", "indices", "indptr")

# The names under which scipy caches what it has found out, and those of the properties that give it.
_FLAGS = {"_has_sorted_indices": "has_sorted_indices", "_has_canonical_format": "has_canonical_format"}


def _encode_compressed(obj: Any, state: dict[str, Any], node: ObjectNode, encoder: Encoder) -> None:
    arrays = [state.pop(member) for member in _COMPRESSED]
    _check_compressed(node["format"], obj.shape, *arrays)
    for member, array in zip(_COMPRESSED, arrays, strict=True):
        node[member] = visit_member(array, member, encoder)
    for attribute, member in _FLAGS.items():
        if attribute in state:
            node[member] = bool(state.pop(attribute))


def _decode_compressed(obj: Any, shape: Shape, node: ObjectNode, decoder: Decoder) -> dict[str, Any]:
    _expect(node, {*_COMPRESSED, *_FLAGS.values()})
    private = [is_private(node.get(member)) for member in _COMPRESSED]
    data, indices, indptr = (build_member(node, member, decoder) for member in _COMPRESSED)
    _check_compressed(node["format"], shape, data, indices, indptr)
    if not all(private[1:]):
        # What else the document does with these arrays must not change what has been checked. Nor must another matrix,
        # unless it has the same indices for the same rows and lengths: a matrix sums its duplicates in place, which
        # moves indices to the front, and out of the bounds of a smaller one.
        lengths = (len(indptr), shape[-1] if node["format"] != "csc" else shape[0], *data.shape[1:])
        purpose = (id(indices), id(indptr), *lengths)
        indices, indptr = (decoder.copy_of(index, purpose) for index in (indices, indptr))
    attributes: dict[str, Any] = {"indptr": indptr, "indices": indices, "data": data}
    claims = {attribute: _flag(node, member) for attribute, member in _FLAGS.items() if member in node}
    # A claim that the indices belie is left out, and scipy looks for itself. Compiled code relies on it.
    strictly = claims.get("_has_canonical_format", False) and _rises(indices, indptr, strictly=True)
    if claims.get("_has_canonical_format") and not strictly:
        del claims["_has_canonical_format"]
    if claims.get("_has_sorted_indices") and not strictly and not _rises(indices, indptr, strictly=False):
        del claims["_has_sorted_indices"]
    attributes.update(claims)
    return attributes


def _flag(node: ObjectNode, member: str) -> bool:
    value = node[member]
    if type(value) is not bool:
        raise DocumentError(f"{member} must be true or false").within(member)
    return value


def _expect(node: ObjectNode, members: set[str]) -> None:
    """Refuse the members of other formats."""
    others = SparseCodec.members - SparseCodec.required - {"maxprint"} - members
    if found := others & node.keys():
        raise DocumentError(f"the format {node['format']} has no {min(found)!r}")


# -- coo ----------------------------------------------------------------------------------------------------


def _check_coo(shape: Shape, data: Any, coords: list[Any]) -> None:
    _check_data(data, 1)
    if len(coords) != len(shape):
        raise ValidationError(f"{len(coords)} index arrays for {len(shape)} axes").within("coords")
    for index, length in zip(coords, shape, strict=True):
        _check_index(index, "coords", shape)
        if len(index) != len(data):
            raise ValidationError(f"there are {len(index)} indices for {len(data)} entries").within("coords")
        _check_bounds(index, length, "coords")


def _has_duplicates(coords: list[Array]) -> bool:
    if not coords or len(coords[0]) < 2:
        return False
    # In the order in which scipy leaves them, each is greater than the last; that is the quick way to know.
    greater = np.zeros(len(coords[0]) - 1, bool)
    equal = np.ones(len(coords[0]) - 1, bool)
    for index in coords:
        greater |= equal & (index[1:] > index[:-1])
        equal &= index[1:] == index[:-1]
    if greater.all():
        return False
    order = np.lexsort(coords)
    return bool(np.logical_and.reduce([index[order][1:] == index[order][:-1] for index in coords]).any())


def _encode_coo(obj: Any, state: dict[str, Any], node: ObjectNode, encoder: Encoder) -> None:
    # Before it knew more than two axes, scipy named their index arrays.
    coords = list(state.pop("coords")) if "coords" in state else [state.pop("row"), state.pop("col")]
    data = state.pop("data")
    _check_coo(obj.shape, data, coords)
    node["data"] = visit_member(data, "data", encoder)
    encoder.depth += 1
    node["coords"] = encode_items(coords, encoder)
    encoder.depth -= 1
    if "has_canonical_format" in state:
        node["has_canonical_format"] = bool(state.pop("has_canonical_format"))


def _decode_coo(obj: Any, shape: Shape, node: ObjectNode, decoder: Decoder) -> dict[str, Any]:
    _expect(node, {"coords", "has_canonical_format"})
    parts = node.get("coords")
    private = [is_private(part) for part in parts] if type(parts) is list else []
    data = build_member(node, "data", decoder)
    coords = build_list(node, "coords", decoder)
    _check_coo(shape, data, coords)
    coords = [
        index if alone else decoder.copy_of(index, ("coo", length))
        for index, alone, length in zip(coords, private, shape, strict=True)
    ]
    attributes = {"data": data}
    if hasattr(type(obj), "row"):
        attributes["coords"] = tuple(coords)
    else:
        attributes.update(zip(("row", "col"), coords, strict=True))
    claim = "has_canonical_format" in node and _flag(node, "has_canonical_format")
    # Unlike the other formats, coo always has this attribute.
    attributes["has_canonical_format"] = claim and not _has_duplicates(coords)
    return attributes


# -- dia ----------------------------------------------------------------------------------------------------


def _check_dia(shape: Shape, data: Any, offsets: Any) -> None:
    _check_data(data, 2)
    _check_index(offsets, "offsets", shape)
    if len(offsets) != len(data):
        raise ValidationError(f"there are {len(offsets)} offsets for {len(data)} diagonals").within("offsets")
    # A diagonal may lie outside of the shape, but adding its offset to a length must not wrap around.
    furthest = int(np.iinfo(offsets.dtype).max) - max(shape)
    if offsets.size and not (-furthest <= int(offsets.min()) and int(offsets.max()) <= furthest):
        raise ValidationError("an offset lies too far outside of the shape").within("offsets")
    if len(np.unique(offsets)) != len(offsets):
        raise ValidationError("an offset comes twice").within("offsets")


def _encode_dia(obj: Any, state: dict[str, Any], node: ObjectNode, encoder: Encoder) -> None:
    data, offsets = state.pop("data"), state.pop("offsets")
    _check_dia(obj.shape, data, offsets)
    node["data"] = visit_member(data, "data", encoder)
    node["offsets"] = visit_member(offsets, "offsets", encoder)


def _decode_dia(obj: Any, shape: Shape, node: ObjectNode, decoder: Decoder) -> dict[str, Any]:
    _expect(node, {"offsets"})
    private = is_private(node.get("offsets"))
    data, offsets = build_member(node, "data", decoder), build_member(node, "offsets", decoder)
    _check_dia(shape, data, offsets)
    return {"data": data, "offsets": offsets if private else decoder.copy_of(offsets, "dia")}


# -- dok and lil: Python's own containers -------------------------------------------------------------------


def _are_numbers(values: list[Any]) -> bool:
    # By type, of which there are few, rather than one by one.
    return all(
        kind in _PYTHON_NUMBERS or issubclass(kind, np.number | np.bool_) for kind in set(map(type, values))
    )


def _are_indices(values: list[Any], length: int) -> bool:
    if not all(kind is int or issubclass(kind, np.integer) for kind in set(map(type, values))):
        return False
    return not values or bool(min(values) >= 0 and max(values) < length)


def _check_dtype(dtype: Any) -> None:
    if not isinstance(dtype, np.dtype) or dtype.kind not in _ELEMENT_KINDS:
        raise ValidationError("the element type must be one of numbers").within("dtype")


def _check_numbers(values: list[Any]) -> None:
    if not _are_numbers(values):
        raise ValidationError("the data must be numbers").within("data")


def _encode_column(values: list[Any], member: str, encoder: Encoder) -> Node:
    """Write numbers as an array where they are numpy scalars of one type, else one by one."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and issubclass(kind := kinds.pop(), np.number | np.bool_):
        return visit_member(np.array(values, kind), member, encoder)
    return encode_items(values, encoder)


def _build_column(column: Node, member: str, decoder: Decoder) -> list[Any]:
    try:
        built = decoder.build(column)
    except Exception as error:
        raise located(error, member) from error
    if type(built) is np.ndarray and built.ndim == 1 and built.dtype.kind in _ELEMENT_KINDS:
        return list(built)
    if type(column) is not list:
        raise DocumentError("a list or an array of one axis is needed here").within(member)
    return list(built)


def _check_dok(shape: Shape, data: list[Any], coords: list[list[Any]]) -> None:
    _check_numbers(data)
    if len(coords) != len(shape):
        raise ValidationError(f"indices of {len(coords)} axes, not of {len(shape)}").within("coords")
    for column, length in zip(coords, shape, strict=True):
        if len(column) != len(data):
            raise ValidationError(f"there are {len(column)} indices for {len(data)} entries").within("coords")
        if not _are_indices(column, length):
            raise ValidationError(f"an index lies outside of an axis of length {length}").within("coords")


def _encode_dok(obj: Any, state: dict[str, Any], node: ObjectNode, encoder: Encoder) -> None:
    dtype = state.pop("dtype")
    # Earlier releases of scipy keep the entries in the object, which is a dict itself.
    entries = state.pop("_dict", None) or dict(dict.items(obj))
    data = list(entries.values())
    keys = list(entries) if len(obj.shape) > 1 else [(key,) for key in entries]
    coords = [list(column) for column in zip(*keys, strict=True)] or [[] for _ in obj.shape]
    _check_dtype(dtype)
    _check_dok(obj.shape, data, coords)
    node["dtype"] = encode_dtype(dtype, encoder)
    node["data"] = _encode_column(data, "data", encoder)
    encoder.depth += 1
    node["coords"] = [_encode_column(column, "coords", encoder) for column in coords]
    encoder.depth -= 1


# What an entry of a dict takes, with its indices and its value, in bytes.
_DOK_ENTRY = 256


def _decode_dok(obj: Any, shape: Shape, node: ObjectNode, decoder: Decoder) -> dict[str, Any]:
    _expect(node, {"coords", "dtype"})
    dtype = parse_dtype(node["dtype"], decoder)
    _check_dtype(dtype)
    if type(node["coords"]) is not list:
        raise DocumentError("coords must be a list").within("coords")
    own = all(type(column) is list or is_private(column) for column in (node["data"], *node["coords"]))
    data = _build_column(node["data"], "data", decoder)
    if not own:
        # An array takes a few bytes an element, and may be referred to; each matrix makes a dict of its own of it.
        decoder.charge_copy(_DOK_ENTRY * len(data))
    coords = [_build_column(column, "coords", decoder) for column in node["coords"]]
    _check_dok(shape, data, coords)
    keys = list(zip(*coords, strict=True)) if len(shape) > 1 else coords[0]
    entries = dict(zip(keys, data, strict=True))
    if len(entries) != len(data):
        raise ValidationError("an entry comes twice").within("coords")
    if hasattr(type(obj)((1,) * len(shape)), "_dict"):
        return {"dtype": dtype, "_dict": entries}
    dict.update(obj, entries)
    return {"dtype": dtype}


def _check_lil(shape: Shape, data: list[Any], rows: list[Any]) -> None:
    if len(rows) != shape[0] or len(data) != shape[0]:
        raise ValidationError(f"there must be {shape[0]} rows, not {len(rows)} and {len(data)}").within(
            "rows"
        )
    for row, values in zip(rows, data, strict=True):
        if type(row) is not list or type(values) is not list or len(row) != len(values):
            raise ValidationError("a row must be a list of indices, with a list of as many entries").within(
                "rows"
            )
        if not _are_indices(row, shape[1]):
            raise ValidationError(f"an index lies outside of an axis of length {shape[1]}").within("rows")
        if any(first >= second for first, second in pairwise(row)):
            raise ValidationError("the indices of a row must rise").within("rows")
        _check_numbers(values)


def _encode_lil(obj: Any, state: dict[str, Any], node: ObjectNode, encoder: Encoder) -> None:
    dtype, rows, data = state.pop("dtype"), state.pop("rows").tolist(), state.pop("data").tolist()
    _check_dtype(dtype)
    _check_lil(obj.shape, data, rows)
    node["dtype"] = encode_dtype(dtype, encoder)
    encoder.depth += 1
    node["data"] = [encode_items(values, encoder) for values in data]
    node["rows"] = [encode_items(row, encoder) for row in rows]
    encoder.depth -= 1


def _decode_lil(obj: Any, shape: Shape, node: ObjectNode, decoder: Decoder) -> dict[str, Any]:
    _expect(node, {"rows", "dtype"})
    dtype = parse_dtype(node["dtype"], decoder)
    _check_dtype(dtype)
    for member in ("data", "rows"):
        # A list that other nodes refer to could still be filled once it has been checked.
        if type(node.get(member)) is not list or any(type(row) is not list for row in node[member]):
            raise DocumentError(f"{member} must be a list of lists").within(member)
    data, rows = build_member(node, "data", decoder), build_member(node, "rows", decoder)
    _check_lil(shape, data, rows)
    return {"dtype": dtype, "rows": _array_of_lists(rows), "data": _array_of_lists(data)}


def _array_of_lists(lists: list[list[Any]]) -> Array:
    array = np.empty(len(lists), object)
    # Assigned one by one: numpy would take lists of equal length for one more axis.
    for index, item in enumerate(lists):
        array[index] = item
    return array


_Encode = Callable[[Any, dict[str, Any], ObjectNode, Encoder], None]
_Decode = Callable[[Any, Shape, ObjectNode, Decoder], dict[str, Any]]

_compressed = ("csr", "csc", "bsr")
_ENCODERS: dict[str, _Encode] = {
    **dict.fromkeys(_compressed, _encode_compressed),
    "coo": _encode_coo,
    "dia": _encode_dia,
    "dok": _encode_dok,
    "lil": _encode_lil,
}
_DECODERS: dict[str, _Decode] = {
    **dict.fromkeys(_compressed, _decode_compressed),
    "coo": _decode_coo,
    "dia": _decode_dia,
    "dok": _decode_dok,
    "lil": _decode_lil,
}

CODECS: tuple[Codec, ...] = (SparseCodec(),)
