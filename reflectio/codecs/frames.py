"""pandas' Series and DataFrame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.containers import DictCodec
from reflectio.codecs.members import visit_member
from reflectio.codecs.pandas_indexes import build_index
from reflectio.codecs.pandas_nodes import KINDS, PandasCodec, bool_of, build_member, check_array
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, UnsupportedTypeError, ValidationError
from reflectio.walk_in import located

# Members for what frames and series carry beside their data.
_EXTRAS = frozenset({"attrs", "allows_duplicate_labels"})


def _encode_extras(obj: Any, node: ObjectNode, encoder: Encoder) -> None:
    if obj.attrs:
        encoder.depth += 1
        try:
            node["attrs"] = DictCodec().encode(obj.attrs, encoder)
        except UnsupportedTypeError as error:
            error.within("attrs")
            raise
        encoder.depth -= 1
    if not obj.flags.allows_duplicate_labels:
        node["allows_duplicate_labels"] = False


def _build_extras(obj: Any, node: ObjectNode, decoder: Decoder) -> Any:
    attrs = build_member(node, "attrs", decoder)
    if attrs is not None:
        if type(attrs) is not dict:
            raise DocumentError("attrs must be a dict")
        obj.attrs = attrs
    if not bool_of(node, "allows_duplicate_labels", True):
        obj.flags.allows_duplicate_labels = False
    return obj


class SeriesCodec(PandasCodec):
    """
    Series.

    =========== ===============================================================================
    ``name``    the name, if it has one
    ``index``   the labels
    ``data``    the values: an array of numpy, or one of pandas
    ``attrs``   what its user has noted about it
    =========== ===============================================================================
    """

    name = "pandas.Series"
    types = (name,)
    members = frozenset({"name", "index", "data"}) | _EXTRAS
    required = frozenset({"index", "data"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        node = self.node(encoder, name=obj.name, index=obj.index, data=obj._values)
        _encode_extras(obj, node, encoder)
        return node

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        index = build_index(node, "index", decoder)
        values = _build_column(node, decoder, ndim=1)
        if len(values) != len(index):
            raise ValidationError(f"a series of {len(values)} values with {len(index)} labels")
        name = build_member(node, "name", decoder)
        series = cls(values, index=index, dtype=values.dtype, name=name, copy=False)
        if series.dtype != values.dtype:
            raise DocumentError(f"a series cannot have values of {values.dtype}")
        return _build_extras(series, node, decoder)


def _build_column(node: ObjectNode, decoder: Decoder, ndim: int) -> Any:
    """The values of a series, or of one or more columns of a frame."""
    from pandas.api.extensions import ExtensionArray

    values = build_member(node, "data", decoder)
    return values if isinstance(values, ExtensionArray) else check_array(values, "the data", KINDS, ndim)


class FrameCodec(PandasCodec):
    """
    DataFrames.

    ============ ==================================================================================
    ``columns``  the labels of the columns
    ``index``    the labels of the rows
    ``blocks``   the data, as pandas holds it: the positions of some ``columns``, and their ``data``, an
                 array with a row for each row of the frame, or, for one column, an array of pandas
    ``attrs``    what its user has noted about it
    ============ ==================================================================================
    """

    name = "pandas.DataFrame"
    types = (name,)
    members = frozenset({"columns", "index", "blocks"}) | _EXTRAS
    required = frozenset({"columns", "index", "blocks"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        node = self.node(encoder, columns=obj.columns, index=obj.index)
        blocks = node["blocks"] = []
        encoder.depth += 2
        for positions, values in _blocks_of(obj):
            try:
                blocks.append({"columns": positions, "data": visit_member(values, "data", encoder)})
            except UnsupportedTypeError as error:
                error.within(len(blocks)).within("blocks")
                raise
        encoder.depth -= 2
        _encode_extras(obj, node, encoder)
        return node

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        columns, index = (build_index(node, member, decoder) for member in ("columns", "index"))
        parts = node["blocks"]
        if type(parts) is not list:
            raise DocumentError("blocks must be a list")
        blocks = []
        for number, part in enumerate(parts):
            try:
                blocks.append(self._build_block(part, len(index), decoder))
            except Exception as error:
                raise located(error, number).within("blocks") from error
        _check_positions([position for _, positions in blocks for position in positions], len(columns))
        frame = _frame_of(
            [(values, np.array(positions, np.intp)) for values, positions in blocks], index, columns
        )
        return _build_extras(frame, node, decoder)

    @staticmethod
    def _build_block(part: Node, height: int, decoder: Decoder) -> tuple[Any, list[int]]:
        if type(part) is not dict or part.keys() != {"columns", "data"}:
            raise DocumentError("a block has columns and data")
        positions = part["columns"]
        if type(positions) is not list or any(type(position) is not int for position in positions):
            raise DocumentError("the columns of a block are the positions of its columns in the frame")
        values = _build_column(part, decoder, ndim=2)
        width = values.shape[1] if type(values) is np.ndarray else 1
        if len(values) != height or width != len(positions):
            raise ValidationError(
                f"a block of {len(values)} rows and {width} columns, for {height} rows and {len(positions)} columns "
                "of the frame"
            )
        return values.T if type(values) is np.ndarray else values, positions


def _check_positions(positions: list[int], count: int) -> None:
    """Make sure that blocks cover every column of a frame, and none twice."""
    if len(positions) != count:
        raise ValidationError(f"blocks for {len(positions)} columns, in a frame with {count}")
    if sorted(positions) != list(range(count)):
        raise ValidationError("the blocks of a frame must cover every column, and none twice")


def _blocks_of(frame: Any) -> Iterator[tuple[list[int], Any]]:
    """
    The data of a frame, each part with the positions of its columns.

    Columns of one dtype often share one array. Written as one, it comes back with the same order in memory, which
    `to_numpy` shows and on which the last digit of a sum may depend.
    """
    blocks = getattr(getattr(frame, "_mgr", None), "blocks", None)
    if blocks is None:
        for position in range(frame.shape[1]):
            values = frame.iloc[:, position]._values
            yield [position], values if type(values) is not np.ndarray else values.reshape(-1, 1)
        return
    for block in blocks:
        positions, values = block.mgr_locs.as_array.tolist(), block.values
        if values.ndim == 1:
            yield positions, values
        elif isinstance(values.dtype, np.dtype):
            # Times without a time zone come in a class of pandas around the array.
            yield positions, getattr(values, "_ndarray", values).T
        else:
            for row, position in enumerate(positions):
                yield [position], values[row]


def _frame_of(blocks: list[tuple[Any, Any]], index: Any, columns: Any) -> Any:
    """Make a frame from parts that were found to fit together."""
    try:
        from pandas.api.internals import create_dataframe_from_blocks
    except ImportError:
        return _frame_of_pandas_2(blocks, index, columns)
    return create_dataframe_from_blocks(blocks, index=index, columns=columns)


def _frame_of_pandas_2(blocks: list[tuple[Any, Any]], index: Any, columns: Any) -> Any:
    # What `create_dataframe_from_blocks` does, before there was one.
    from pandas import DataFrame
    from pandas.core.internals.api import make_block
    from pandas.core.internals.managers import BlockManager

    made = [make_block(values, positions, ndim=2) for values, positions in blocks]
    return DataFrame(BlockManager(made, [columns, index], verify_integrity=True), copy=False)


CODECS: tuple[Codec, ...] = (SeriesCodec(), FrameCodec())
