"""numpy dtypes, which arrays and scalars are described by."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.growth import check_dtype
from reflectio.codecs.once_per_dtype import once_per_dtype
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, LimitError, UnsupportedTypeError
from reflectio.policy import Limits
from reflectio.walk_in import located

DType = np.dtype[Any]

# What a dtype without fields may be called: numpy's name where that says everything, else its string.
_TEXT = re.compile(
    r"bool|u?int(8|16|32|64)|float(16|32|64|80|96|128)|complex(64|128|160|192|256)|object"
    r"|(datetime64|timedelta64)(\[[0-9]*[A-Za-z]+\])?"
    r"|[<>][iufc][0-9]+|[<>|=]?[SUVa][0-9]+|[<>][Mm]8(\[[0-9]*[A-Za-z]+\])?",
    re.ASCII,
)

_texts: dict[DType, str] = {}
_dtypes: dict[str, DType] = {}

# A hostile document may name any number of string lengths.
_REMEMBERED = 4096

# Records of more fields are read anew each time.
_FEW_FIELDS = 64


def dtype_text(dtype: DType) -> str:
    """The text for a dtype without fields."""
    text = _texts.get(dtype)
    if text is None:
        named = dtype.kind in "biufcOMm" and dtype.isnative
        text = dtype.name if named else dtype.str
        if len(_texts) < _REMEMBERED:
            _texts[dtype] = text
    return text


def encode_dtype(dtype: DType, encoder: Encoder) -> Node:
    """A dtype as a member of another node: text where text is enough."""
    return dtype_text(dtype) if _is_text(dtype) else encoder.visit(dtype)


def _is_text(dtype: DType) -> bool:
    """Whether text says all of a dtype."""
    return dtype.names is None and dtype.subdtype is None and dtype.metadata is None and dtype.kind != "T"


def parse_dtype(node: Node, decoder: Decoder) -> DType:
    """Read what `encode_dtype` wrote."""
    if type(node) is str:
        dtype = _dtypes.get(node)
        return dtype if dtype is not None else _parse_text(node)
    if isinstance(node, np.dtype):
        # The parser knew it.
        return node
    try:
        built = decoder.build(node)
    except Exception as error:
        raise located(error, "dtype") from error
    if not isinstance(built, np.dtype):
        raise DocumentError("the dtype must be text or a node tagged 'dtype'")
    return built


def plain_dtype(node: Node, decoder: Decoder) -> DType | None:
    """
    Say what a node would be built to, without using it up.

    Parameters
    ----------
    node : node
        The dtype of an array.
    decoder : Decoder
        What will build it.

    Returns
    -------
    dtype or None
        None where only building the node can tell, or refuse it.
    """
    try:
        if type(node) is str or isinstance(node, np.dtype):
            return parse_dtype(node, decoder)
        if type(node) is dict and _plain_fields(node) is not None and node["$"] == DtypeCodec.tag:
            return _codec.decode(node, decoder)
    except Exception:  # whatever numpy says of it: the node is refused where it is built
        return None
    return None


def _parse_text(text: str) -> DType:
    if not _TEXT.fullmatch(text):
        raise DocumentError(f"{text[:60]!r} is not a dtype; write numpy's name, such as float64, or <U10")
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError, OverflowError) as error:
        raise DocumentError(f"numpy has no dtype {text!r} here: {error}") from error
    if len(_dtypes) < _REMEMBERED:
        _dtypes[text] = dtype
    return dtype


class DtypeCodec(Codec):
    """
    dtypes: by ``name``, or by the ``names``, ``formats`` and ``offsets`` of their fields.

    A format is a dtype, or a pair of a dtype and a shape. Equal structured dtypes are written once and referred
    to: every tree of a forest has the same.
    """

    types = (np.dtype,)
    subclasses = True
    tag = "dtype"
    members = frozenset(
        {"name", "names", "formats", "offsets", "itemsize", "titles", "aligned", "record", "metadata"}
        | {"base", "shape", "na_object", "coerce"}
    )
    shared = False

    def encode(self, obj: DType, encoder: Encoder) -> Node:
        if obj.names is None and obj.metadata is None and obj.subdtype is None and obj.kind != "T":
            return {"$": "dtype", "name": dtype_text(obj)}
        reference = encoder.refer_to(obj)
        if reference is not None:
            return reference
        traits = _traits(obj)
        if traits is not None:
            # Equal dtypes are one object for the reader.
            obj = encoder.canonical((obj, traits))[0]
        return encoder.share(obj, self._encode_parts)

    def _encode_parts(self, obj: DType, encoder: Encoder) -> ObjectNode:
        node: ObjectNode = {"$": "dtype"}
        if obj.kind == "T":
            node["name"] = "StringDType"
            if hasattr(obj, "na_object"):
                if not _may_be_missing(obj.na_object):
                    raise encoder.refuse(
                        "a StringDType whose na_object is neither None, NaN, pandas.NA nor text"
                    )
                node["na_object"] = encoder.visit(obj.na_object)
            if not obj.coerce:  # type: ignore[attr-defined]
                node["coerce"] = False
        elif obj.subdtype is not None:
            base, shape = obj.subdtype
            node |= {"base": encode_dtype(base, encoder), "shape": list(shape)}
        elif obj.fields is not None and obj.names is not None:
            self._encode_fields(obj, node, encoder)
        else:
            node["name"] = dtype_text(obj)
        if obj.metadata is not None:
            try:
                node["metadata"] = encoder.visit(dict(obj.metadata))
            except UnsupportedTypeError as error:
                error.within("metadata")
                raise
        return node

    @staticmethod
    def _encode_fields(obj: DType, node: ObjectNode, encoder: Encoder) -> None:
        assert obj.fields is not None
        assert obj.names is not None
        plain = _plain_formats(obj)
        if plain is not None:
            node["names"] = list(obj.names)
            formats, offsets = plain
            node["formats"], node["offsets"] = list(formats), list(offsets)
            node["itemsize"] = obj.itemsize
            return
        fields = [obj.fields[name] for name in obj.names]
        node["names"] = list(obj.names)
        node["formats"] = [encode_dtype(field[0], encoder) for field in fields]
        node["offsets"] = [field[1] for field in fields]
        node["itemsize"] = obj.itemsize
        titles = [field[2] if len(field) == 3 else None for field in fields]
        if any(title is not None for title in titles):
            node["titles"] = titles
        if obj.isalignedstruct:
            node["aligned"] = True
        if obj.type is np.record:
            node["record"] = True

    def decode(self, node: ObjectNode, decoder: Decoder) -> DType:
        key = _plain_fields(node)
        if key is not None and key in _records:
            dtype = _records[key]
            # The names of a dtype can be changed in place.
            if dtype.names == key[0]:
                return dtype
        dtype = self._decode_new(node, decoder)
        if key is not None and len(_records) < _REMEMBERED:
            _records[key] = dtype
        return dtype

    def _decode_new(self, node: ObjectNode, decoder: Decoder) -> DType:
        dtype = self._decode_parts(node, decoder)
        check_dtype(dtype, decoder)
        metadata = decoder.build(node.get("metadata"))
        if metadata is None:
            return dtype
        if type(metadata) is not dict:
            raise DocumentError("the metadata of a dtype must be a dict")
        return np.dtype(dtype, metadata=metadata)

    def _decode_parts(self, node: ObjectNode, decoder: Decoder) -> DType:
        if "names" in node:
            return self._decode_fields(node, decoder)
        if "base" in node:
            return np.dtype(
                (parse_dtype(node["base"], decoder), parse_shape(node.get("shape"), decoder.policy.limits))
            )
        name = node.get("name")
        if name == "StringDType":
            options = {key: decoder.build(node[key]) for key in ("na_object", "coerce") if key in node}
            if "na_object" in options and not _may_be_missing(options["na_object"]):
                raise DocumentError("the na_object of a StringDType must be None, NaN, pandas.NA or text")
            return np.dtypes.StringDType(**options)
        if type(name) is not str:
            raise DocumentError("a dtype needs a name, or names and formats")
        return parse_dtype(name, decoder)

    @staticmethod
    def _decode_fields(node: ObjectNode, decoder: Decoder) -> DType:
        names, formats, offsets = node["names"], node.get("formats"), node.get("offsets")
        if not (
            type(names) is type(formats) is type(offsets) is list
            and len(names) == len(formats) == len(offsets)
        ):
            raise DocumentError("a structured dtype needs names, formats and offsets, as many of each")
        if any(type(name) is not str for name in names) or any(type(offset) is not int for offset in offsets):
            raise DocumentError("the names of a dtype must be text and its offsets integers")
        description: dict[str, Any] = {
            "names": names,
            "formats": [parse_dtype(part, decoder) for part in formats],
            "offsets": offsets,
            "itemsize": node.get("itemsize"),
        }
        if "titles" in node:
            description["titles"] = node["titles"]
        dtype = np.dtype(description, align=node.get("aligned") is True)  # type: ignore[call-overload]
        if not _fields_are_apart(dtype):
            raise DocumentError("the fields of a structured dtype overlap, or lie outside of it")
        return np.dtype((np.record, dtype)) if node.get("record") is True else dtype


_RECORD_MEMBERS = ("$", "names", "formats", "offsets", "itemsize")

# Records of a few fields that were read before, as those of scikit-learn's trees are with every model.
_records: dict[tuple[Any, ...], DType] = {}


def known_record(node: ObjectNode) -> DType | None:
    """The dtype of a record with a few fields whose node was read before; None of every other node."""
    key = _plain_fields(node)
    dtype = None if key is None else _records.get(key)
    return dtype if key is not None and dtype is not None and dtype.names == key[0] else None


def _plain_fields(node: ObjectNode) -> tuple[Any, ...] | None:
    """What a node says of a record with a few fields, none of which has fields itself; None of another dtype."""
    if tuple(node) != _RECORD_MEMBERS:
        return None
    _, names, formats, offsets, itemsize = node.values()
    if not (type(names) is type(formats) is type(offsets) is list and len(names) <= _FEW_FIELDS):
        return None
    if not (_STR.issuperset(map(type, names + formats)) and _INT.issuperset(map(type, [*offsets, itemsize]))):
        return None
    return tuple(names), tuple(formats), tuple(offsets), itemsize


def _may_be_missing(value: Any) -> bool:
    """Whether a value may stand for missing text: one that holds no others, which are freed by recursion."""
    return (
        value is None
        or type(value) in (str, np.str_)
        or (isinstance(value, float) and value != value)
        or (type(value).__name__ == "NAType" and type(value).__module__.startswith("pandas."))
    )


@once_per_dtype
def _traits(dtype: DType) -> tuple[Any, ...] | None:
    """What numpy overlooks when it compares two dtypes; None where there is metadata, whose identity matters."""
    if dtype.metadata is not None:
        return None
    if dtype.subdtype is not None:
        return _traits(dtype.subdtype[0])
    if dtype.names is None or dtype.fields is None:
        return ()
    traits: list[Any] = [dtype.type is np.record, dtype.isalignedstruct]
    for name in dtype.names:
        field = dtype.fields[name]
        of_field = _traits(field[0])
        if of_field is None:
            return None
        traits.append((field[2:], of_field))
    return tuple(traits)


@once_per_dtype
def _plain_formats(dtype: DType) -> tuple[list[str], list[int]] | None:
    """The formats and offsets of fields that text describes, where nothing else is said of the record."""
    if dtype.names is None or dtype.fields is None or dtype.isalignedstruct or dtype.type is np.record:
        return None
    fields = [dtype.fields[name] for name in dtype.names]
    if not all(len(field) == 2 and _is_text(field[0]) for field in fields):
        return None
    return [dtype_text(field[0]) for field in fields], [field[1] for field in fields]


def _fields_are_apart(dtype: DType) -> bool:
    assert dtype.fields is not None
    end = 0
    # By names, for `fields` has those with a title twice.
    fields = [dtype.fields[name] for name in dtype.names or ()]
    for start, length in sorted((field[1], field[0].itemsize) for field in fields):
        if start < end:
            return False
        end = start + length
    return end <= dtype.itemsize


_INT = frozenset({int})
_STR = frozenset({str})


def parse_shape(shape: Any, limits: Limits) -> tuple[int, ...]:
    """Read the lengths of an array's axes, of which there can be as many as the policy allows."""
    if type(shape) is not list or not _INT.issuperset(map(type, shape)) or (shape and min(shape) < 0):
        raise DocumentError(f"a shape must be a list of lengths, not {shape!r}")
    if len(shape) > (most := limits.dimensions):
        raise LimitError(f"an array of {len(shape)} axes; the policy's limit dimensions is {most}")
    return tuple(shape)


_codec = DtypeCodec()

CODECS: tuple[Codec, ...] = (_codec,)
