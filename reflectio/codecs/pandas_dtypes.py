"""pandas' own dtypes, held as values and as parts of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.pandas_hashes import check_hashes
from reflectio.codecs.pandas_nodes import UNITS, PandasCodec, build_member, charge_counted, choice_of
from reflectio.codecs.pandas_offsets import build_offset
from reflectio.codecs.pandas_scalars import CLOSED, build_tz, tz_of
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError

_STORAGES = frozenset({"python", "pyarrow"})
_MISSING = frozenset({"NA", "nan"})


class PlainDtypeCodec(PandasCodec):
    """dtypes without parameters."""

    shared = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.types = (name,)

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        return cls()


class StringDtypeCodec(PandasCodec):
    """The dtypes of text: where it is stored, and which value stands for missing text."""

    name = "pandas.StringDtype"
    types = (name,)
    members = required = frozenset({"storage", "na_value"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        if obj.storage not in _STORAGES:
            raise encoder.refuse(
                f"text in the storage {obj.storage!r}; convert it to pandas.StringDtype('python')"
            )
        missing = "nan" if type(obj.na_value) is float else "NA"
        return self.node(encoder, storage=obj.storage, na_value=missing)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        storage = choice_of(node, "storage", _STORAGES)
        missing = {"na_value": np.nan} if choice_of(node, "na_value", _MISSING) == "nan" else {}
        try:
            return cls(storage, **missing)
        except ImportError as error:
            raise DocumentError(f"text in the storage {storage!r} cannot be held here: {error}") from error


class CategoricalDtypeCodec(PandasCodec):
    """The dtypes of categorical data: the index of categories, and whether their order means something."""

    name = "pandas.CategoricalDtype"
    types = (name,)
    members = frozenset({"categories", "ordered"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, categories=obj.categories, ordered=obj.ordered)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        categories = build_member(node, "categories", decoder)
        if categories is not None:
            categories = check_categories(categories, decoder)
            check_hashes(categories, decoder)
        ordered = node.get("ordered")
        if ordered is not None and type(ordered) is not bool:
            raise DocumentError("ordered must be true, false or absent")
        return cls(categories, ordered)


def check_categories(categories: Any, decoder: Decoder) -> Any:
    """Make sure that something is an index of which every label differs from the others."""
    from pandas import Index, MultiIndex

    if not isinstance(categories, Index) or isinstance(categories, MultiIndex):
        raise DocumentError("the categories must be an index")
    charge_counted(categories, decoder)
    return categories


class DatetimeTZDtypeCodec(PandasCodec):
    """The dtypes of points in time with a time zone."""

    name = "pandas.DatetimeTZDtype"
    types = (name,)
    members = required = frozenset({"unit", "tz"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, unit=obj.unit, tz=tz_of(obj, encoder))

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        return cls(choice_of(node, "unit", UNITS), build_tz(node, decoder))


class PeriodDtypeCodec(PandasCodec):
    """The dtypes of periods of one length."""

    name = "pandas.PeriodDtype"
    types = (name,)
    members = required = frozenset({"freq"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, freq=obj.freq)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        return cls(build_offset(node, "freq", decoder))


class IntervalDtypeCodec(PandasCodec):
    """The dtypes of intervals between values of one type."""

    name = "pandas.IntervalDtype"
    types = (name,)
    members = frozenset({"subtype", "closed"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, subtype=obj.subtype, closed=obj.closed)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        from pandas import DatetimeTZDtype

        subtype = build_member(node, "subtype", decoder)
        if subtype is not None and not isinstance(subtype, np.dtype | DatetimeTZDtype):
            raise DocumentError("the subtype of an interval must be a dtype")
        closed = choice_of(node, "closed", CLOSED) if "closed" in node else None
        return cls(subtype, closed)


class SparseDtypeCodec(PandasCodec):
    """The dtypes of sparse data: of the values, and the value that is left out."""

    name = "pandas.SparseDtype"
    types = (name,)
    members = required = frozenset({"subtype", "fill_value"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        node = self.node(encoder, subtype=obj.subtype, fill_value=obj.fill_value)
        node.setdefault("fill_value", None)
        return node

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        subtype = build_member(node, "subtype", decoder)
        if not isinstance(subtype, np.dtype) or subtype.kind not in "biufcmMO":
            raise DocumentError("the subtype of sparse data must be a dtype of numpy")
        return cls(subtype, build_member(node, "fill_value", decoder))


class NumpyDtypeCodec(PandasCodec):
    """pandas' wrapper of numpy's dtypes."""

    name = "pandas.core.dtypes.dtypes.NumpyEADtype"
    types = (name,)
    members = required = frozenset({"dtype"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, dtype=obj.numpy_dtype)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        dtype = build_member(node, "dtype", decoder)
        if not isinstance(dtype, np.dtype):
            raise DocumentError("the dtype must be one of numpy")
        return cls(dtype)


_PLAIN = (
    "Boolean",
    *("Int8", "Int16", "Int32", "Int64"),
    *("UInt8", "UInt16", "UInt32", "UInt64"),
    *("Float32", "Float64"),
)

CODECS: tuple[Codec, ...] = (
    *(PlainDtypeCodec(f"pandas.{name}Dtype") for name in _PLAIN),
    StringDtypeCodec(),
    CategoricalDtypeCodec(),
    DatetimeTZDtypeCodec(),
    PeriodDtypeCodec(),
    IntervalDtypeCodec(),
    SparseDtypeCodec(),
    NumpyDtypeCodec(),
)
