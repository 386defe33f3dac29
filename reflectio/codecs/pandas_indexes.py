"""pandas' indexes, and which labels they may not have."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.containers import encode_items
from reflectio.codecs.pandas_arrays import build_items, with_freq
from reflectio.codecs.pandas_hashes import check_hashes
from reflectio.codecs.pandas_nodes import (
    KINDS,
    PandasCodec,
    build_member,
    build_own_array,
    build_own_member,
    charge_counted,
    check_array,
    check_codes,
    int64_of,
    visit_codes,
)
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, UnsupportedTypeError, ValidationError
from reflectio.walk_in import located

# What a label takes in an array of numbers.
_LABEL = 8

# A Series gives its values as attributes under their labels, and so does a DataFrame its columns. Python and numpy
# ask objects for attributes with such names: numpy reads memory wherever a value labelled `__array_interface__`
# says. Labels that pyarrow's tables leave behind look alike and are harmless.
_RESERVED = re.compile(r"__(?!index_level_[0-9]+__\Z).*__", re.DOTALL)


def reserved_label(labels: Any) -> str | None:
    """The first label of an array that Python or numpy would take for an answer of the object that it labels."""
    suspects = [label for label in labels.tolist() if isinstance(label, str) and label[:2] == "__"]
    return next((str(label) for label in suspects if _RESERVED.fullmatch(label)), None)


def _may_be_text(labels: Any) -> bool:
    """Whether labels can be text; the categories of a categorical array are an index of their own."""
    from pandas import StringDtype

    return labels.dtype == object or isinstance(labels.dtype, StringDtype)


def _holds_objects(labels: Any) -> bool:
    """Whether an array of pandas is one around an array of objects."""
    from pandas import SparseDtype
    from pandas.arrays import NumpyExtensionArray

    dtype = labels.dtype
    return type(labels) is NumpyExtensionArray or (
        isinstance(dtype, SparseDtype) and dtype.subtype.kind == "O"
    )


def build_index(node: ObjectNode, member: str, decoder: Decoder) -> Any:
    """A member of a node that must be an index."""
    from pandas import Index

    index = build_member(node, member, decoder)
    if not isinstance(index, Index):
        raise DocumentError(f"{member} must be an index, such as pandas.RangeIndex")
    return index


class IndexCodec(PandasCodec):
    """
    Indexes of one class, by their array; labels of any type are a list instead.

    ======== ==================================================================================
    ``data`` the labels
    ``name`` the name of the index, if it has one
    ``freq`` the offset from each label to the next, where it is known to be the same everywhere
    ======== ==================================================================================
    """

    required = frozenset({"data"})

    def __init__(self, name: str, *, freq: bool = False) -> None:
        self.name = name
        self.types = (name,)
        self.members = frozenset({"data", "name", "freq"} if freq else {"data", "name"})
        self._has_freq = freq

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        # `values` would be read-only, and `array` would wrap it.
        values = obj._values
        if _may_be_text(values):
            reserved = reserved_label(values)
            if reserved is not None:
                raise encoder.refuse(
                    f"the label {reserved!r}, which Python or numpy would take for an answer of the object that it "
                    "labels; rename it"
                )
        freq = obj.freq if self._has_freq else None
        if type(values) is not np.ndarray or values.dtype != object:
            return self.node(encoder, data=values, name=obj.name, freq=freq)
        node = self.node(encoder, name=obj.name)
        encoder.depth += 1
        try:
            node["data"] = encode_items(values.tolist(), encoder)
        except UnsupportedTypeError as error:
            error.within("data")
            raise
        encoder.depth -= 1
        return node

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        from pandas import Index

        values = self._build_values(node, decoder)
        name = build_member(node, "name", decoder)
        index = Index(values, dtype=values.dtype, name=name, copy=False, tupleize_cols=False)
        if type(index) is not cls or index.dtype != values.dtype:
            raise DocumentError(f"labels of {values.dtype} make a {type(index).__name__}, not a {self.name}")
        return with_freq(index, node, decoder)

    @staticmethod
    def _build_values(node: ObjectNode, decoder: Decoder) -> Any:
        from pandas.api.extensions import ExtensionArray

        if type(node["data"]) is list:
            labels = build_items(node, decoder)
            values: Any = np.empty(len(labels), object)
            for position, label in enumerate(labels):
                values[position] = label
        else:
            values = build_own_member(node, "data", decoder)
            if not isinstance(values, ExtensionArray):
                return check_array(values, "the labels", KINDS.replace("O", ""))
            if _holds_objects(values):
                # Objects of an array may be completed only later, and then without a look at their labels.
                raise DocumentError("labels of any type must be a list")
        if _may_be_text(values) and (reserved := reserved_label(values)) is not None:
            raise ValidationError(
                f"the label {reserved!r}, which Python or numpy would take for an answer of the object that it labels"
            )
        return values


class RangeIndexCodec(PandasCodec):
    """Indexes that count."""

    name = "pandas.RangeIndex"
    types = (name,)
    members = frozenset({"start", "stop", "step", "name"})
    required = frozenset({"start", "stop", "step"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, start=obj.start, stop=obj.stop, step=obj.step, name=obj.name)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        start, stop, step = (int64_of(node, bound) for bound in ("start", "stop", "step"))
        if step == 0 or (stop - start) // step >= 2**63:
            raise ValidationError("an index that counts needs a step other than 0, and a length of 64 bits")
        name = build_member(node, "name", decoder)
        index = cls(start, stop, step, name=name)
        decoder.check_together(_check_counted, len(index))
        return index


def _check_counted(lengths: list[int], decoder: Decoder) -> None:
    """
    Charge for the labels of indexes that only count, of which numpy makes an array.

    Most are of frames that have data of that length. How much that comes to is known once all of it is read.
    """
    decoder.charge_copy(
        _LABEL * sum(lengths),
        f"indexes that count {sum(lengths)} labels would take many times the memory of the document as arrays",
    )


class MultiIndexCodec(PandasCodec):
    """Indexes of tuples: the ``levels`` are indexes, and ``codes`` the positions in each of them."""

    name = "pandas.MultiIndex"
    types = (name,)
    members = frozenset({"levels", "codes", "names", "sortorder"})
    required = frozenset({"levels", "codes", "names"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        encoder.depth += 1
        # The names stand in a list of their own.
        levels = [level if level.name is None else level.rename(None) for level in obj.levels]
        node = self.node(encoder, sortorder=obj.sortorder)
        node["levels"] = encode_items(levels, encoder)
        node["codes"] = [visit_codes(codes, "codes", encoder) for codes in obj.codes]
        node["names"] = encode_items(obj.names, encoder)
        encoder.depth -= 1
        return node

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        from pandas import Index, MultiIndex

        parts = [node[member] for member in ("levels", "codes", "names")]
        if any(type(part) is not list for part in parts) or len(set(map(len, parts))) != 1:
            raise DocumentError("levels, codes and names must be lists, of as many items each")
        levels, codes, names = parts
        sortorder = node.get("sortorder")
        if sortorder is not None and type(sortorder) is not int:
            raise DocumentError("sortorder must be a number of levels")
        for member, items, build in (
            ("levels", levels, decoder.build),
            ("codes", codes, lambda item: build_own_array(item, decoder)),
            ("names", names, decoder.build),
        ):
            for position, item in enumerate(items):
                try:
                    items[position] = build(item)
                except Exception as error:
                    raise located(error, position).within(member) from error
        for level, positions in zip(levels, codes, strict=True):
            if not isinstance(level, Index) or isinstance(level, MultiIndex):
                raise DocumentError("a level must be an index without levels")
            charge_counted(level, decoder)
            check_hashes(level, decoder)
            check_codes(positions, len(level))
        if len(set(map(len, codes))) != 1:
            raise ValidationError(
                "the codes of an index must be of one length, and belong to at least one level"
            )
        return cls(levels, codes, sortorder=sortorder, names=names)


CODECS: tuple[Codec, ...] = (
    IndexCodec("pandas.Index"),
    IndexCodec("pandas.DatetimeIndex", freq=True),
    IndexCodec("pandas.TimedeltaIndex", freq=True),
    IndexCodec("pandas.PeriodIndex"),
    IndexCodec("pandas.IntervalIndex"),
    IndexCodec("pandas.CategoricalIndex"),
    RangeIndexCodec(),
    MultiIndexCodec(),
)
