"""numpy arrays and scalars."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Literal

import numpy as np

from reflectio.codec import Codec, LateCodec, Node, ObjectNode
from reflectio.codecs.array_data import (
    NESTED_AXES,
    array_of_numbers,
    decode_base64_data,
    decode_data,
    encode_base64,
    encode_data,
    encode_numbers,
    flatten,
    needs_base64,
    nest,
)
from reflectio.codecs.containers import encode_items, encode_members
from reflectio.codecs.dtypes import encode_dtype, parse_dtype, parse_shape
from reflectio.codecs.empty_elements import check_empty_elements, refuse_empty_elements
from reflectio.codecs.growth import ARRAY_DEPTH, check_chain, check_nesting
from reflectio.codecs.members import is_private, visit_member
from reflectio.codecs.rows import encode_list
from reflectio.decoder import DECOMPRESSED, Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ValidationError
from reflectio.layout import Extent, canonical_strides, extent_of, is_apart
from reflectio.readers import checked_reader
from reflectio.state import StateNames
from reflectio.walk_in import located
from reflectio.writers import NESTING

Array = np.ndarray[Any, Any]

#: Arrays of up to this many elements stay in the header. Of records, every field counts.
INLINE_ELEMENTS = 64

# A strided view keeps its strides, in a buffer of its own, as long as that buffer is at most this many times as
# large as the elements.
_SPREAD = 16


# Elements of up to this many bytes cannot take much more memory than they take text.
_SMALL_ITEM = 64

# The tag, the dtype, the shape, and where the elements are.
_PLAIN_MEMBERS = 4

# What an element of an array of objects takes, in bytes.
_POINTER = 8

# The tag, the dtype and the value.
_SCALAR_MEMBERS = 3

# dtypes whose elements JSON says by itself, with the types that these then have.
_PLAIN_ELEMENTS: dict[str, tuple[np.dtype[Any], frozenset[type]]] = {
    "float64": (np.dtype(np.float64), frozenset({float, int})),
    "float32": (np.dtype(np.float32), frozenset({float, int})),
    "int64": (np.dtype(np.int64), frozenset({int})),
    "int32": (np.dtype(np.int32), frozenset({int})),
    "uint8": (np.dtype(np.uint8), frozenset({int})),
    "uint32": (np.dtype(np.uint32), frozenset({int})),
    "uint64": (np.dtype(np.uint64), frozenset({int})),
    "int8": (np.dtype(np.int8), frozenset({int})),
    "bool": (np.dtype(np.bool_), frozenset({bool})),
}


# By identity, for it is quick: numpy has one object for each. A model that was unpickled may have others like it.
_PLAIN_TEXTS = {id(dtype): text for text, (dtype, _) in _PLAIN_ELEMENTS.items()}
_PLAIN_NUMBERS = {dtype.num: text for text, (dtype, _) in _PLAIN_ELEMENTS.items()}


def _plain_text(dtype: np.dtype[Any]) -> str | None:
    """How a dtype is written that is like one of the plain ones; None for others."""
    return _PLAIN_NUMBERS.get(dtype.num) if dtype.isnative and dtype.metadata is None else None


class ArrayCodec(LateCodec):
    """
    Arrays, with their memory layout.

    ======================= ========================================================================================
    ``dtype``               the element type
    ``shape``               the lengths of the axes
    ``order``               "F" where the elements lie in Fortran order
    ``strides``             the steps between elements, in bytes, where they lie in neither order
    ``data``                the elements as nested lists; as base64 where ``encoding`` says so
    ``at``                  where they start in the segment, in C order, or in Fortran order where ``order`` says so
    ``compression``,        "zstd" or "zlib", where what lies there is compressed, and to how many
    ``compressed_nbytes``   bytes
    ``base``                the array whose memory this one is a view of, starting at ``offset`` bytes
    ``writeable``           false where the array is read-only
    ``name``                the class, where it is a subclass of ndarray, with its attributes under ``state``
    ======================= ========================================================================================
    """

    types = (np.ndarray,)
    subclasses = True
    tag = "ndarray"
    members = frozenset(
        {
            "name",
            "dtype",
            "shape",
            "order",
            "strides",
            "data",
            "encoding",
            "at",
            "compression",
            "compressed_nbytes",
            "base",
            "offset",
            "writeable",
            "state",
        }
    )
    required = frozenset({"dtype", "shape"})
    shared = False
    compiled = "ArrayReader"
    compiled_writer = "ArrayWriter"

    def __init__(self) -> None:
        self._read_checked = checked_reader(self)

    # -- out ------------------------------------------------------------------------------------------------

    def encode(self, obj: Array, encoder: Encoder) -> Node:
        """Write an array that is plain in every way, as nearly all are; leave the others to `_encode`."""
        dtype, flags, shape, memory = obj.dtype, obj.flags, obj.shape, encoder.memory
        owner = id(obj.base if type(obj.base) is np.ndarray else obj)
        if (
            type(obj) is not np.ndarray
            or owner in memory
            or id(obj) in encoder.nodes
            or not (flags.forc and flags.writeable)
            or (len(shape) > 1 and 1 in shape and obj.strides != canonical_strides(shape, obj.itemsize, "C"))
            or len(shape) > NESTED_AXES
            or encoder.depth > NESTING
        ):
            return self._share(obj, encoder)
        text = _PLAIN_TEXTS.get(id(dtype)) or _plain_text(dtype)
        outside = not encoder.inline and obj.size > INLINE_ELEMENTS
        if text is not None:
            node: ObjectNode = {"$": "ndarray", "dtype": text, "shape": list(shape)}
        elif outside and dtype.names is not None and not dtype.hasobject and obj.nbytes:
            refuse_empty_elements(dtype, shape, encoder)
            node = {"$": "ndarray", "dtype": encode_dtype(dtype, encoder), "shape": list(shape)}
        else:
            return self._share(obj, encoder)
        if obj.size:
            memory[owner] = obj
        if not flags.c_contiguous:
            node["order"] = "F"
        if outside:
            node |= encoder.segment.store(obj if flags.c_contiguous else obj.T)
        else:
            node["data"] = encode_numbers(obj)
        encoder.kept.append(obj)
        encoder.nodes[id(obj)] = node
        return node

    def _share(self, obj: Array, encoder: Encoder) -> Node:
        if obj.dtype.hasobject:
            # It can contain itself, and so has to be rebuilt in two steps.
            return encoder.share(obj, self._encode, late=True)
        return encoder.share_leaf(obj, self._encode)

    def _encode(self, obj: Array, encoder: Encoder) -> Node:
        node: ObjectNode = {"$": "ndarray"}
        array = obj
        if type(obj) is not np.ndarray and type(obj) is not np.memmap:
            node["name"] = encoder.name(type(obj))
            array = obj.view(np.ndarray)
            if obj.dtype.type is np.record:
                array = array.view(np.dtype((np.record, array.dtype)))
        dtype = array.dtype
        refuse_empty_elements(dtype, array.shape, encoder)
        node["dtype"] = encode_dtype(dtype, encoder)
        node["shape"] = list(array.shape)
        if not self._encode_view(array, node, encoder):
            flags = array.flags
            if flags.c_contiguous and (array.ndim < 2 or 1 not in array.shape or not array.size):
                stored = array
            else:
                stored = self._encode_layout(array, node)
            self._encode_elements(array, stored, node, encoder)
        if not obj.flags.writeable and type(obj) is not np.memmap:
            node["writeable"] = False
        if array is not obj and (state := getattr(obj, "__dict__", None)):
            self._encode_attributes(obj, state, node, encoder)
        return node

    def _encode_elements(self, array: Array, stored: Array, node: ObjectNode, encoder: Encoder) -> None:
        dtype = array.dtype
        if dtype.hasobject or dtype.kind == "T":
            node["data"] = _encode_objects(array, encoder)
        elif _count(array) > INLINE_ELEMENTS and not encoder.inline and array.nbytes:
            node.update(encoder.segment.store(stored))
        elif needs_base64(array, careful=encoder.careful):
            node["data"] = encode_base64(array)
            node["encoding"] = "base64"
        else:
            node["data"] = encode_data(array)

    @staticmethod
    def _encode_layout(array: Array, node: ObjectNode) -> Array:
        """Write how the elements lie in memory; give them in the order in which a segment holds them."""
        flags = array.flags
        itemsize = array.itemsize
        if flags.c_contiguous and array.strides == canonical_strides(array.shape, itemsize, "C"):
            return array
        if flags.f_contiguous:
            # With an axis of length one both flags are set, whatever its stride.
            if not flags.c_contiguous or array.strides == canonical_strides(array.shape, itemsize, "F"):
                node["order"] = "F"
                return array.T
            return array
        if flags.c_contiguous:
            return array
        extent = extent_of(array.shape, array.strides, itemsize)
        if (
            not array.dtype.hasobject
            and extent.nbytes <= _SPREAD * array.nbytes
            and is_apart(array.shape, array.strides, itemsize)
        ):
            node["strides"] = list(array.strides)
            return array
        # What `copy("K")` would be, without the copy.
        nearest = np.empty_like(array).flags
        if nearest.f_contiguous and not nearest.c_contiguous:
            node["order"] = "F"
            return array.T
        return array

    @staticmethod
    def _encode_view(array: Array, node: ObjectNode, encoder: Encoder) -> bool:
        """
        Write an array as a view of another that the document holds already.

        `sklearn.cluster.Birch` goes on training through such views: copies would train differently.
        """
        if array.dtype.hasobject or not array.nbytes:
            return False
        owner = array.base if type(array.base) is np.ndarray else array
        base = encoder.memory.get(id(owner))
        if base is None:
            if array.flags.c_contiguous or array.flags.f_contiguous:
                encoder.memory[id(owner)] = array
            return False
        start, base_start = _address(array), _address(base)
        itemsize = array.itemsize
        if array.dtype != base.dtype or any(step % itemsize for step in (start - base_start, *array.strides)):
            return False
        extent = extent_of(array.shape, array.strides, array.itemsize)
        if start + extent.low < base_start or start + extent.high > base_start + base.nbytes:
            return False
        reference = encoder.refer_to(base) if is_apart(array.shape, array.strides, array.itemsize) else None
        if reference is None:
            return False
        node["base"] = reference
        node["offset"] = start - base_start
        node["strides"] = list(array.strides)
        return True

    @staticmethod
    def _encode_attributes(obj: Array, state: dict[str, Any], node: ObjectNode, encoder: Encoder) -> None:
        reason = StateNames(type(obj)).refusal(state)
        if reason is not None:
            raise encoder.refuse(f"this array has an attribute that no document may set: {reason}")
        node["state"] = encode_members(state, state.values(), encoder)

    # -- in -------------------------------------------------------------------------------------------------

    def read(self, node: ObjectNode, decoder: Decoder) -> Any:
        """Build any array: nearly all have four members, or say their order as well, and are plain in every way."""
        n_members = len(node)
        if n_members == _PLAIN_MEMBERS or (n_members == _PLAIN_MEMBERS + 1 and node.get("order") == "F"):
            text = node.get("dtype")
            if type(text) is not str or text not in _PLAIN_ELEMENTS:
                return self._read_checked(node, decoder)
            dtype, kinds = _PLAIN_ELEMENTS[text]
            shape, data = node.get("shape"), node.get("data")
            # By far the most: one axis, and its elements.
            if (
                type(data) is list
                and shape == [len(data)]
                and type(shape[0]) is int
                and kinds.issuperset(map(type, data))
            ):
                return np.fromiter(data, dtype, len(data))
            order: Literal["C", "F"] = "C" if n_members == _PLAIN_MEMBERS else "F"
            if data is not None:
                array = array_of_numbers(data, dtype, shape, kinds, order)
                if array is not None and array.ndim <= decoder.policy.limits.dimensions:
                    return array
            elif "at" in node and "data" not in node:
                return decoder.segment.take(
                    node["at"], dtype, parse_shape(shape, decoder.policy.limits), order
                )
        return self._read_checked(node, decoder)

    def decode(self, node: ObjectNode, decoder: Decoder) -> Array:
        array = self.create(node, decoder)
        self.fill(array, node, decoder)
        return array

    @staticmethod
    def borrow(node: Node, decoder: Decoder) -> Any:
        """
        Build a node that should be an array, without a copy where it lies in the segment.

        For codecs that hand the array to something that copies it at once. It is read-only.
        """
        if type(node) is dict and len(node) == _PLAIN_MEMBERS and "at" in node and node.get("$") == "ndarray":
            dtype = parse_dtype(node.get("dtype"), decoder)
            if not dtype.hasobject:
                return decoder.segment.view(
                    node["at"], dtype, parse_shape(node.get("shape"), decoder.policy.limits), "C"
                )
        return decoder.build(node)

    def create(self, node: ObjectNode, decoder: Decoder) -> Array:
        dtype = node["dtype"]
        dtype = parse_dtype(dtype, decoder)
        shape = parse_shape(node["shape"], decoder.policy.limits)
        check_empty_elements(dtype, shape, decoder)
        order = node.get("order", "C")
        if order not in ("C", "F"):
            raise DocumentError(f"the order must be C or F, not {order!r}")
        if ("compression" in node or "compressed_nbytes" in node) and ("at" not in node or "base" in node):
            raise DocumentError("only what lies in the segment is compressed")
        if "base" in node:
            if not dtype.itemsize:
                raise DocumentError("a view needs elements that have bytes")
            array = self._build_view(node, dtype, shape, decoder)
        elif dtype.hasobject or dtype.kind == "T":
            _check_count(node.get("data"), shape, decoder)  # before any memory is asked for
            array = np.empty(shape, dtype, order=order)
        else:
            array = self._build_elements(node, dtype, shape, order, decoder)
            if "strides" in node:
                array = _spread(array, node["strides"])
        if "name" in node:
            array = self._build_subclass(array, node, decoder)
        elif "state" in node:
            raise DocumentError("an array that is no subclass has no state")
        if "base" in node:
            decoder.note_view(array)
        if "name" in node:
            return array
        if node.get("writeable", True) is not True and not (dtype.hasobject or dtype.kind == "T"):
            array.flags.writeable = False
        return array

    def fill(self, obj: Array, node: ObjectNode, decoder: Decoder) -> None:
        if obj.dtype.hasobject or obj.dtype.kind == "T":
            _fill_objects(obj, node["data"], decoder)
            if obj.dtype.hasobject:
                parts = obj.ravel().tolist()
                check_nesting(obj, parts, decoder)
                check_chain(obj, parts, decoder)
            if node.get("writeable", True) is not True:
                obj.flags.writeable = False

    @staticmethod
    def _build_elements(
        node: ObjectNode, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any, decoder: Decoder
    ) -> Array:
        if "at" in node:
            if "data" in node:
                raise DocumentError("an array has its elements either in the header or in the segment")
            if "compression" in node or "compressed_nbytes" in node:
                return _take_compressed(node, dtype, shape, order, decoder)
            return decoder.take(node["at"], dtype, shape, order)
        encoding = node.get("encoding")
        if dtype.itemsize > _SMALL_ITEM:
            decoder.afford(prod(shape) * dtype.itemsize)
        if encoding is None:
            array = decode_data(node["data"], dtype, shape)
        elif encoding == "base64":
            array = decode_base64_data(node["data"], dtype, shape)
        else:
            raise DocumentError(f"unknown encoding {encoding!r}")
        return array if order == "C" else array.copy("F")

    @staticmethod
    def _build_view(
        node: ObjectNode, dtype: np.dtype[Any], shape: tuple[int, ...], decoder: Decoder
    ) -> Array:
        try:
            base = decoder.build(node["base"])
        except Exception as error:
            raise located(error, "base") from error
        if type(base) is not np.ndarray or base.dtype.hasobject or dtype.hasobject:
            raise DocumentError("the base of a view must be an array without objects")
        offset, strides = node.get("offset"), _parse_strides(node.get("strides"), shape)
        if type(offset) is not int:
            raise DocumentError("the offset of a view must be an integer")
        extent = extent_of(shape, strides, dtype.itemsize)
        # Elements of another type, or out of step, could be what no array may hold, such as booleans of seven.
        if dtype != base.dtype or any(step % dtype.itemsize for step in (offset, *strides)):
            raise ValidationError("the elements of a view must be elements of its base")
        if offset + extent.low < 0 or offset + extent.high > base.nbytes:
            raise ValidationError("a view reaches outside the memory of its base")
        if not is_apart(shape, strides, dtype.itemsize):
            raise ValidationError("the elements of a view overlap")
        flat = (base if base.flags.c_contiguous else base.T).reshape(-1)
        if not np.may_share_memory(flat, base):
            raise ValidationError("the base of a view must lie in C or Fortran order")
        array: Array = np.ndarray(shape, dtype, flat.view(np.uint8), offset, strides)
        return array

    @staticmethod
    def _build_subclass(array: Array, node: ObjectNode, decoder: Decoder) -> Array:
        cls = decoder.resolve_class(node["name"])
        if not issubclass(cls, np.ndarray):
            raise DocumentError(f"{node['name']} is not a class of arrays")
        built = array.view(cls)
        state = node.get("state", {})
        if type(state) is not dict or "$" in state:
            raise DocumentError("the state of an array must be its attributes")
        reason = StateNames(cls).refusal(state)
        if reason is not None:
            raise ValidationError(f"the state of a {cls.__qualname__} cannot be set: {reason}")
        if state:
            built.__dict__.update(decoder.build_values(state))
        if node.get("writeable", True) is not True:
            built.flags.writeable = False
        return built

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        if "name" in node:
            yield "class", node["name"]


def _take_compressed(
    node: ObjectNode, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any, decoder: Decoder
) -> Array:
    limit = decoder.policy.limits.expanded_bytes
    decoder.spend(DECOMPRESSED, prod(shape) * dtype.itemsize, limit)
    return decoder.segment.take_compressed(
        node["at"], node.get("compressed_nbytes"), node.get("compression"), dtype, shape, order
    )


def _count(array: Array) -> int:
    """How many values an array has; a record has one for each field."""
    names = array.dtype.names
    return array.size if names is None else array.size * len(names)


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _encode_objects(array: Array, encoder: Encoder) -> Any:
    if array.dtype.names is not None:
        raise encoder.refuse(
            "an array of records that hold Python objects; use plain dtypes, or one array per field"
        )
    parts = array.ravel().tolist() if array.dtype.kind == "O" else list(array.ravel())
    if any(map(_holds_objects, parts)):
        _check_depth(array, encoder)
    encoder.depth += array.ndim
    rows = encode_list(parts, encoder)
    data = nest(encode_items(parts, encoder), array.shape) if rows is None else rows
    encoder.depth -= array.ndim
    return data


def _holds_objects(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.hasobject


def _check_depth(root: Array, encoder: Encoder) -> None:
    """Refuse an array within arrays that no reader would take: see `check_nesting`."""
    level = {id(root): root}
    for _ in range(ARRAY_DEPTH):
        level = {
            id(part): part
            for array in level.values()
            for part in array.ravel().tolist()
            if _holds_objects(part)
        }
        if not level:
            return
    raise encoder.refuse(
        f"an array of objects that holds itself, or arrays within arrays more than {ARRAY_DEPTH} deep; use lists"
    )


def _is_rows(data: Any) -> bool:
    return type(data) is dict and data.get("$") == "rows"


def _check_count(data: Any, shape: tuple[int, ...], decoder: Decoder) -> None:
    """Refuse an array of objects with another number of elements than its data have."""
    if not _is_rows(data):
        flatten(data, shape)
    elif type(data.get("count")) is not int or data["count"] != prod(shape):
        raise DocumentError(f"the rows are not as many as an array of the shape {list(shape)} has")
    else:
        # A few characters can state any number.
        decoder.charge_copy(_POINTER * prod(shape))


def _fill_objects(array: Array, data: Any, decoder: Decoder) -> None:
    if array.dtype.names is not None:
        raise DocumentError("an array cannot have records that hold Python objects")
    if _is_rows(data):
        flat = decoder.build(data)
        if len(flat) != array.size:
            raise DocumentError(
                f"{len(flat)} rows are not as many as an array of the shape {list(array.shape)} has"
            )
    else:
        flat = decoder.build_items(flatten(data, array.shape))
    if array.dtype.kind == "T":
        allowed_types = {str, type(getattr(array.dtype, "na_object", ""))}
        if not allowed_types.issuperset(map(type, flat)):
            raise DocumentError("the elements must be text")
    target = array.reshape(-1) if array.flags.c_contiguous else array.T.reshape(-1)
    if not array.flags.c_contiguous:
        flat = np.fromiter(flat, object, len(flat)).reshape(array.shape).T.ravel().tolist()
    for index, item in enumerate(flat):
        target[index] = item


def _parse_strides(strides: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    if (
        type(strides) is not list
        or len(strides) != len(shape)
        or any(type(step) is not int for step in strides)
    ):
        raise DocumentError("strides must be a list of one integer an axis")
    return tuple(strides)


def _spread(array: Array, steps: Any) -> Array:
    """Lay elements out with the given strides, in a buffer of their own."""
    strides = _parse_strides(steps, array.shape)
    extent: Extent = extent_of(array.shape, strides, array.itemsize)
    if extent.nbytes > _SPREAD * array.nbytes or not is_apart(array.shape, strides, array.itemsize):
        raise ValidationError(f"the strides {list(strides)} spread or overlap the elements")
    buffer = np.zeros(extent.nbytes, np.uint8)
    spread: Array = np.ndarray(array.shape, array.dtype, buffer, -extent.low, strides)
    spread[...] = array
    return spread


class ScalarCodec(Codec):
    """numpy scalars."""

    types = (np.generic,)
    subclasses = True
    tag = "scalar"
    members = frozenset({"dtype", "value", "encoding"})
    required = frozenset({"dtype", "value"})
    shared = False
    compiled = "ScalarReader"
    compiled_writer = "ScalarWriter"

    def __init__(self) -> None:
        self._read_checked = checked_reader(self)

    def encode(self, obj: np.generic, encoder: Encoder) -> Node:
        kind = type(obj)
        if kind is np.int64:
            return {"$": "scalar", "dtype": "int64", "value": int(obj)}
        if kind is np.float64:
            value = float(obj)
            if value - value == 0.0:
                return {"$": "scalar", "dtype": "float64", "value": value}
        array = np.asarray(obj)
        node = {"$": "scalar", "dtype": encode_dtype(array.dtype, encoder)}
        if isinstance(obj, np.str_ | np.bytes_):
            # Not by way of an array, which forgets zeros at the end.
            text = str.__str__(obj) if isinstance(obj, np.str_) else obj.decode("latin-1")
            return {**node, "value": encoder.visit(text)}
        if array.dtype.hasobject:
            raise encoder.refuse("a record that holds Python objects; use a tuple")
        if needs_base64(array, careful=encoder.careful):
            return {**node, "value": encode_base64(array), "encoding": "base64"}
        return {**node, "value": encode_data(array)}

    def read(self, node: ObjectNode, decoder: Decoder) -> Any:
        """Build any scalar: nearly all are a number that JSON says by itself."""
        if len(node) == _SCALAR_MEMBERS and "value" in node:
            value, text = node["value"], node.get("dtype")
            if type(value) is float and text == "float64":
                return np.float64(value)
            if type(value) is int and text == "int64":
                return np.int64(value)
        return self._read_checked(node, decoder)

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        value = node["value"]
        dtype = parse_dtype(node["dtype"], decoder)
        if dtype.hasobject:
            raise DocumentError("a scalar cannot hold Python objects")
        check_empty_elements(dtype, (), decoder)
        if dtype.itemsize > _SMALL_ITEM:
            decoder.afford(dtype.itemsize)
        if dtype.kind in "US":
            return _text_scalar(decoder.build(value), dtype)
        if node.get("encoding") is not None:
            return decode_base64_data(value, dtype, ())[()]
        return decode_data(value, dtype, ())[()]


def _text_scalar(text: Any, dtype: np.dtype[Any]) -> np.str_ | np.bytes_:
    length = dtype.itemsize // 4 if dtype.kind == "U" else dtype.itemsize
    if type(text) is not str or len(text) > max(length, 1):
        raise DocumentError(f"the value must be text of up to {length} characters")
    return np.str_(text) if dtype.kind == "U" else np.bytes_(text.encode("latin-1"))


class MaskedArrayCodec(Codec):
    """Masked arrays."""

    types = (np.ma.MaskedArray,)
    tag = "maskedarray"
    members = frozenset({"data", "mask", "fill_value", "hard_mask"})
    required = frozenset({"data", "mask"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        encoder.depth += 1
        parts = {
            "data": obj.view(np.ndarray),
            "mask": None if obj._mask is np.ma.nomask else obj._mask,
            "fill_value": obj._fill_value,
        }
        node: ObjectNode = {"$": "maskedarray"}
        for name, part in parts.items():
            node[name] = visit_member(part, name, encoder)
        encoder.depth -= 1
        if obj.hardmask:
            node["hard_mask"] = True
        return node

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        parts = {}
        private = all(node.get(name) is None or is_private(node[name]) for name in ("data", "mask"))
        for name in ("data", "mask", "fill_value"):
            try:
                parts[name] = decoder.build(node.get(name))
            except Exception as error:
                raise located(error, name) from error
        data, mask, fill_value = parts["data"], parts["mask"], parts["fill_value"]
        if type(data) is not np.ndarray:
            raise DocumentError("the data of a masked array must be an array")
        if mask is not None and (
            type(mask) is not np.ndarray
            or mask.shape != data.shape
            or mask.dtype != np.ma.make_mask_descr(data.dtype)
        ):
            raise ValidationError(
                "the mask of a masked array must have its shape, and a flag for every element"
            )
        if fill_value is not None and (type(fill_value) is not np.ndarray or fill_value.ndim):
            raise ValidationError("the fill value of a masked array must be an array without axes")
        hard = node.get("hard_mask", False) is True
        array: Any = np.ma.MaskedArray(data, mask=np.ma.nomask if mask is None else mask, hard_mask=hard)
        if fill_value is not None:
            array.fill_value = fill_value
            if data.dtype == object and fill_value.dtype.kind == "U":
                # numpy's own default for objects is text, which its property would make an object of.
                array._fill_value = fill_value
        if not private:
            decoder.note_view(array)
        return array


class MaskedCodec(Codec):
    """The constant ``numpy.ma.masked``."""

    types = (type(np.ma.masked),)
    tag = "masked"
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return {"$": "masked"}

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        return np.ma.masked


CODECS: tuple[Codec, ...] = (ArrayCodec(), ScalarCodec(), MaskedArrayCodec(), MaskedCodec())
