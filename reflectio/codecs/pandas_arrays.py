"""pandas' extension arrays: categorical, nullable, text, time, interval and sparse data."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.containers import encode_items
from reflectio.codecs.members import visit_member
from reflectio.codecs.pandas_dtypes import check_categories
from reflectio.codecs.pandas_hashes import check_hashes
from reflectio.codecs.pandas_nodes import (
    KINDS,
    Array,
    PandasCodec,
    bool_of,
    build_member,
    build_own_member,
    charge_labels,
    check_array,
    check_codes,
    choice_of,
    int64_of,
    visit_codes,
)
from reflectio.codecs.pandas_offsets import build_offset
from reflectio.codecs.pandas_scalars import CLOSED, build_tz, tz_of
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, UnsupportedTypeError, ValidationError
from reflectio.walk_in import located

# Of most arrays the one numpy array that they wrap, or the two, are behind names with an underscore. What the
# public names give is a view that forbids writing, or a copy: neither would tell how the memory really is.


def _names(cls: str) -> tuple[str, str]:
    """The names of an array's class in pandas 3, and in pandas 2."""
    return f"pandas.arrays.{cls}", f"pandas.core.arrays.{cls}"


class CategoricalCodec(PandasCodec):
    """Categorical data: ``codes``, the positions of the values among the categories, or -1."""

    name = "pandas.Categorical"
    types = (name,)
    members = frozenset({"codes", "categories", "ordered"})
    required = frozenset({"codes", "categories"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        node = self.node(encoder, categories=obj.categories, ordered=obj.ordered or None)
        node["codes"] = visit_codes(obj._ndarray, "codes", encoder)
        return node

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        from pandas import CategoricalDtype

        categories = check_categories(build_member(node, "categories", decoder), decoder)
        check_hashes(categories, decoder)
        codes = check_codes(build_own_member(node, "codes", decoder), len(categories))
        dtype = CategoricalDtype(categories, bool_of(node, "ordered", False))
        return cls.from_codes(codes, dtype=dtype)


class MaskedCodec(PandasCodec):
    """Nullable numbers and booleans: ``mask`` is true where the value of ``data`` does not count."""

    members = required = frozenset({"data", "mask"})

    def __init__(self, cls: str, kinds: str) -> None:
        self.types = _names(cls)
        self.name = self.types[0]
        self._kinds = kinds

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, data=obj._data, mask=obj._mask)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        data = check_array(build_member(node, "data", decoder), "the data", self._kinds)
        mask = check_array(build_own_member(node, "mask", decoder), "the mask", "b")
        if mask.shape != data.shape:
            raise ValidationError(f"a mask of {len(mask)} flags for {len(data)} values")
        return cls(data, mask, copy=False)


class StringArrayCodec(PandasCodec):
    """Text: a list with null for missing text, whatever the storage that the dtype names."""

    name = "pandas.arrays.StringArray"
    types = (
        *_names("StringArray"),
        *_names("ArrowStringArray"),
        "pandas.core.arrays.string_.StringArrayNumpySemantics",
        "pandas.core.arrays.string_arrow.ArrowStringArrayNumpySemantics",
        "pandas.core.arrays.string_arrow.ArrowStringArray",
    )
    members = required = frozenset({"dtype", "data"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        encoder.depth += 1
        node = self.node(encoder, dtype=obj.dtype)
        try:
            node["data"] = encode_items(obj.to_numpy(object, na_value=None).tolist(), encoder)
        except UnsupportedTypeError as error:
            error.within("data")
            raise
        encoder.depth -= 1
        return node

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        import pandas

        dtype = build_member(node, "dtype", decoder)
        if not isinstance(dtype, pandas.StringDtype):
            raise DocumentError("the dtype of text must be a pandas.StringDtype")
        items = build_items(node, decoder)
        if not {str, type(None)}.issuperset(map(type, items)):
            raise DocumentError("the data must be text, or null where it is missing")
        values = np.empty(len(items), object)
        values[:] = items
        return pandas.array(values, dtype=dtype)


def build_items(node: ObjectNode, decoder: Decoder) -> list[Any]:
    """The items of the list that a node has under ``data``."""
    items = node["data"]
    if type(items) is not list:
        raise DocumentError(f"data must be a list, not {type(items).__name__}")
    try:
        return decoder.build_items(items)
    except Exception as error:
        raise located(error, "data") from error


class DatetimeArrayCodec(PandasCodec):
    """Points in time, of UTC where there is a time zone; in pandas 2 the array knows its frequency, too."""

    types = _names("DatetimeArray")
    name = types[0]
    members = frozenset({"data", "tz", "freq"})
    required = frozenset({"data"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        freq = getattr(obj, "freq", None)
        return self.node(encoder, data=obj._ndarray, tz=tz_of(obj, encoder), freq=freq)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        from pandas import DatetimeIndex

        data = check_array(build_member(node, "data", decoder), "the data", "M")
        index = DatetimeIndex(data, copy=False)
        tz = build_tz(node, decoder)
        if tz is not None:
            decoder.charge_copy(data.nbytes)
            index = index.tz_localize("UTC").tz_convert(tz)
        return with_freq(index, node, decoder)._values


class TimedeltaArrayCodec(PandasCodec):
    """Durations."""

    types = _names("TimedeltaArray")
    name = types[0]
    members = frozenset({"data", "freq"})
    required = frozenset({"data"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, data=obj._ndarray, freq=getattr(obj, "freq", None))

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        from pandas import TimedeltaIndex

        data = check_array(build_member(node, "data", decoder), "the data", "m")
        return with_freq(TimedeltaIndex(data, copy=False), node, decoder)._values


def with_freq(index: Any, node: ObjectNode, decoder: Decoder) -> Any:
    """The index with the frequency that a node says it has, if pandas finds that it really has it."""
    if "freq" not in node:
        return index
    freq = build_offset(node, "freq", decoder)
    # To see whether it has, pandas makes an index with that frequency.
    decoder.charge_copy(index.nbytes)
    try:
        return type(index)(index, freq=freq, copy=False)
    except Exception as error:
        raise ValidationError(f"the index does not have its frequency: {error}") from error


class PeriodArrayCodec(PandasCodec):
    """Periods of one length, by their ordinals."""

    types = _names("PeriodArray")
    name = types[0]
    members = required = frozenset({"ordinals", "freq"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, ordinals=obj._ndarray, freq=obj.freq)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        from pandas import PeriodDtype

        ordinals = check_array(build_member(node, "ordinals", decoder), "the ordinals", "i")
        if ordinals.dtype != np.int64:
            raise DocumentError("the ordinals of periods are integers of 64 bits")
        return cls(ordinals, dtype=PeriodDtype(build_offset(node, "freq", decoder)))


class IntervalArrayCodec(PandasCodec):
    """Intervals, by the indexes of their bounds."""

    types = _names("IntervalArray")
    name = types[0]
    members = required = frozenset({"left", "right", "closed"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, left=obj.left, right=obj.right, closed=obj.closed)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        left, right = (
            check_categories(build_member(node, side, decoder), decoder) for side in ("left", "right")
        )
        if len(left) != len(right):
            raise ValidationError(f"intervals with {len(left)} left and {len(right)} right bounds")
        closed = choice_of(node, "closed", CLOSED)
        # pandas makes one array of both.
        for bounds in (left, right):
            charge_labels(bounds, decoder)
        return cls.from_arrays(left, right, closed)


_SPARSE_KINDS = frozenset({"integer", "block"})


class SparseArrayCodec(PandasCodec):
    """Sparse data: the ``values`` at the ascending positions ``indices``; everywhere else is the fill value."""

    types = _names("SparseArray")
    name = types[0]
    members = required = frozenset({"dtype", "values", "indices", "length", "kind"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        node = self.node(encoder, dtype=obj.dtype, values=obj.sp_values, kind=obj.kind, length=len(obj))
        node["indices"] = visit_codes(obj.sp_index.to_int_index().indices, "indices", encoder)
        return node

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        from pandas import SparseDtype

        dtype = build_member(node, "dtype", decoder)
        if not isinstance(dtype, SparseDtype):
            raise DocumentError("the dtype of sparse data must be a pandas.SparseDtype")
        values = check_array(build_own_member(node, "values", decoder), "the values", KINDS)
        if values.dtype != dtype.subtype:
            raise DocumentError(f"sparse data of {dtype.subtype} with values of {values.dtype}")
        indices = check_array(build_own_member(node, "indices", decoder), "the indices", "i")
        length = int64_of(node, "length")
        if indices.dtype != np.int32 or not 0 <= length < 2**31:
            raise DocumentError("the positions in sparse data are integers of 32 bits")
        if len(indices) != len(values):
            raise ValidationError(f"{len(values)} values of sparse data at {len(indices)} positions")
        if len(indices) and not (
            indices[0] >= 0 and indices[-1] < length and np.all(indices[1:] > indices[:-1])
        ):
            raise ValidationError(f"the positions in sparse data must ascend, from 0 to at most {length - 1}")
        array = _sparse_array(cls, values, indices, length, choice_of(node, "kind", _SPARSE_KINDS), dtype)
        if array.dtype != dtype:
            raise DocumentError(f"there is no sparse data of {dtype}")
        decoder.check_together(_check_lengths, dtype.subtype.itemsize * length)
        return array


def _check_lengths(sizes: list[int], decoder: Decoder) -> None:
    """Charge for the longest of sparse data, of which numpy makes an array with all values; frames have many as long."""
    decoder.charge_copy(
        max(sizes),
        "sparse data of such a length would take many times the memory of the document as an array",
    )


def _sparse_array(cls: Any, values: Array, indices: Array, length: int, kind: str, dtype: Any) -> Any:
    """Make sparse data from parts that were found to fit together."""
    if hasattr(cls, "from_indices"):
        return cls.from_indices(values, indices, length, dtype.fill_value, kind, values.dtype)
    from pandas._libs import sparse

    positions: Any = sparse.IntIndex(length, indices)  # type: ignore[call-arg, unused-ignore]
    return cls(
        values, sparse_index=positions if kind == "integer" else positions.to_block_index(), dtype=dtype
    )


class NumpyArrayCodec(PandasCodec):
    """pandas' wrapper of a numpy array."""

    types = _names("NumpyExtensionArray")
    name = types[0]
    members = required = frozenset({"data"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return {"$": self.node(encoder)["$"], "data": visit_member(obj._ndarray, "data", encoder)}

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        data = build_member(node, "data", decoder)
        if type(data) is not np.ndarray or data.ndim != 1:
            raise DocumentError("the data must be an array of 1 axis")
        return cls(data)


class ArrowCodec(Codec):
    """Data in pyarrow's memory, whose offsets compiled code would trust."""

    types = ("pandas.ArrowDtype", *_names("ArrowExtensionArray"))
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        raise encoder.refuse(
            "data that lies in the memory of pyarrow; convert it to numpy's or pandas' own dtypes, as in astype(\"Int64\")"
        )


CODECS: tuple[Codec, ...] = (
    CategoricalCodec(),
    MaskedCodec("IntegerArray", "iu"),
    MaskedCodec("FloatingArray", "f"),
    MaskedCodec("BooleanArray", "b"),
    StringArrayCodec(),
    DatetimeArrayCodec(),
    TimedeltaArrayCodec(),
    PeriodArrayCodec(),
    IntervalArrayCodec(),
    SparseArrayCodec(),
    NumpyArrayCodec(),
    ArrowCodec(),
)
