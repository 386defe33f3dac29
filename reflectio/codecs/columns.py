"""Lists that are written member by member, on the way in: see `reflectio.codecs.rows`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, cast

import numpy as np

from reflectio import compiled
from reflectio.array_bytes import copied_parts, copies
from reflectio.codec import Codec, LateCodec, Node, ObjectNode
from reflectio.codecs.arrays import ArrayCodec
from reflectio.codecs.dtypes import parse_shape, plain_dtype
from reflectio.codecs.rows import CONSTANTS, cost
from reflectio.decoder import HOLDING_NOTHING, Decoder
from reflectio.errors import DocumentError
from reflectio.readers import check_members
from reflectio.walk_in import located

Array = np.ndarray[Any, Any]

_compiled = compiled.part("rows")

_INT = frozenset({int})
_NESTED = frozenset({dict, list})
_KINDS = ("ndarray", "scalar")
_NUMBERS = "fiub"

# What a column of arrays consists of that can be read one by one, besides lengths, and the array that joins them.
_DIVIDED = frozenset({"$", "of", "array"})
_IN_SEGMENT = frozenset({"$", "dtype", "shape", "at"})

_TOO_MANY = "rows would take many times the memory of the document; write the objects one by one"


class Columns:
    """
    What the objects of rows have in common, and what each has of its own.

    Parameters
    ----------
    node : node
        The node of the rows.
    decoder : Decoder
        What builds the columns.
    borrow : bool, default=False
        Whether arrays are views of `joined`, for whoever copies them at once; by default each is a copy.

    Attributes
    ----------
    count : int
        How many objects there are.
    constants : dict of str to plain value
        Every attribute, in order, with the value that all objects have; None where they have not.
    lists : dict of str to list
        Of each attribute that is not a constant, the value of each object.
    own : set of str
        The attributes whose arrays were copied for one object each.
    alike : set of str
        The attributes whose arrays have the same dtype and, but for the first axis, the same shape.
    """

    def __init__(self, node: ObjectNode, decoder: Decoder, *, borrow: bool = False) -> None:
        columns = node["columns"]
        if type(columns) is not dict or not columns or "$" in columns:
            raise DocumentError("rows need columns, by the names of attributes").within("columns")
        self.count = count = node["count"]
        values = {name: column for name, column in columns.items() if type(column) not in CONSTANTS}
        decoder.charge_copy(cost(count, len(columns), len(values)), _TOO_MANY)
        decoder.values_in_rows += count * (1 + len(columns))
        self.constants: dict[str, Any] = columns | dict.fromkeys(values)
        self.lists: dict[str, list[Any]] = {}
        self.own: set[str] = set()
        self.alike: set[str] = set()
        name = ""
        try:
            for name, column in values.items():
                self.lists[name] = self._build(name, column, decoder, borrow)
        except Exception as error:
            raise located(located(error, name), "columns") from error

    def of(self, name: str) -> list[Any]:
        """The value of an attribute for each object."""
        found = self.lists.get(name)
        return [self.constants[name]] * self.count if found is None else found

    def states(self, *, release: bool = False) -> Iterator[dict[str, Any]]:
        """Give the attributes of each object; let go of them, if asked, so that who copies them does not hold all twice."""
        lists = list(self.lists.items())
        for index in range(self.count):
            state = self.constants.copy()
            for name, values in lists:
                state[name] = values[index]
                if release:
                    values[index] = None
            yield state

    def _build(self, name: str, column: Node, decoder: Decoder, borrow: bool) -> list[Any]:
        count = self.count
        if type(column) is list:
            if len(column) != count:
                raise DocumentError(f"a column of {count} rows has {len(column)} values")
            return _borrow_each(column, decoder) if borrow else decoder.build_items(column)
        tag = column.get("$")
        if tag == "column":
            values, alike, own = read_column(column, count, decoder, borrow)
            if alike:
                self.alike.add(name)
            if own:
                self.own.add(name)
            return values
        if tag == "ref":
            found = decoder.build(column)
            if not isinstance(found, HOLDING_NOTHING):
                raise DocumentError("of what may change, each of the rows needs a reference of its own")
            return [found] * count
        if tag != "rows" or "$id" in column:
            raise DocumentError(
                "a column is a plain value, a list, or a node tagged 'column', 'rows' or 'ref'"
            )
        if column.get("count") != count:
            raise DocumentError(f"within {count} rows there must be as many")
        built: list[Any] = decoder.build(column)
        return built


def _borrow_each(column: list[Node], decoder: Decoder) -> list[Any]:
    if _NESTED.isdisjoint(map(type, column)):
        return column
    built: list[Any] = []
    try:
        for node in column:
            built.append(ArrayCodec.borrow(node, decoder))  # noqa: PERF401  how many there are says where an error arose
    except Exception as error:
        raise located(error, len(built)) from error
    return built


def read_column(node: ObjectNode, count: int, decoder: Decoder, borrow: bool) -> tuple[list[Any], bool, bool]:
    """
    Give the values of a column of arrays or scalars.

    Parameters
    ----------
    node : node
        The column.
    count : int
        How many values it must have.
    decoder : Decoder
        What builds it.
    borrow : bool
        Whether arrays may be views of the one that joins them.

    Returns
    -------
    values : list
        The values.
    alike : bool
        Whether they are arrays, of the same dtype and, but for the first axis, the same shape.
    own : bool
        Whether each has memory of its own.
    """
    if _compiled is not None and (found := _compiled.read_column(node, count, decoder, borrow)) is not None:
        return cast("tuple[list[Any], bool, bool]", found)
    parts = _read_parts(node, count, decoder)
    if parts is not None:
        return parts, True, True
    array, ends, same = _read_joined(node, count, decoder)
    if ends is None:
        values: list[Any] = list(array)
        return values * count if same else values, False, False
    if same:
        decoder.charge_copy(array.nbytes * count)
        return copies(array, count), True, True
    if borrow:
        return [array[start:stop] for start, stop in pairwise(ends)], True, False
    return copied_parts(array, ends), True, True


def _read_joined(node: ObjectNode, count: int, decoder: Decoder) -> tuple[Array, Sequence[int] | None, bool]:
    """The array of a column; where in it each value ends, after where the first starts, unless these are scalars; and whether it is one for all."""
    check_members(_column, node)
    if "$id" in node or node["of"] not in _KINDS:
        raise DocumentError("a column is of arrays or scalars, and has no id")
    described = node["array"]
    if type(described) is not dict or described.get("$") != "ndarray" or {"$id", "base"} & described.keys():
        raise DocumentError("the array of a column must be described where it stands").within("array")
    try:
        array = ArrayCodec.borrow(described, decoder)
    except Exception as error:
        raise located(error, "array") from error
    if type(array) is not np.ndarray or not array.ndim or array.dtype.hasobject or array.dtype.kind == "T":
        raise DocumentError("a column must be a plain array").within("array")
    same = "same" in node
    if same and (node["same"] is not True or "lengths" in node):
        raise DocumentError("a column of one array for all says so by true, and has no lengths").within(
            "same"
        )
    if node["of"] == "scalar":
        if array.dtype.kind not in _NUMBERS:
            # Records would be views of the array, and text as wide as the widest.
            raise DocumentError("a column of scalars must be numbers").within("array")
        if array.shape != (1 if same else count,) or "lengths" in node:
            raise DocumentError(f"a column of scalars must have one for each of {count} rows").within("array")
        return array, None, same
    if same:
        return array, (0, len(array)), True
    return array, ends_in(node, len(array), count), False


def _read_parts(node: ObjectNode, count: int, decoder: Decoder) -> list[Any] | None:
    """The arrays of a column, if a file was read straight into each; None where there is a joined one."""
    described = node.get("array")
    if (
        type(described) is not dict
        or described.keys() != _IN_SEGMENT
        or node.keys() - {"lengths"} != _DIVIDED
    ):
        return None
    if (
        described["$"] != "ndarray"
        or node["of"] != "ndarray"
        or not decoder.segment.is_divided(described["at"])
    ):
        return None
    dtype, shape = (
        plain_dtype(described["dtype"], decoder),
        parse_shape(described["shape"], decoder.policy.limits),
    )
    if dtype is None or not shape:
        return None
    return decoder.segment.take_parts(described["at"], dtype, shape, ends_in(node, shape[0], count))


def ends_in(node: ObjectNode, total: int, count: int) -> Sequence[int]:
    """
    Tell where the arrays of a column end in the one that joins them.

    Parameters
    ----------
    node : node
        The column.
    total : int
        The length of the joined array.
    count : int
        How many arrays there are.

    Returns
    -------
    sequence of int
        Where the first starts, and where each ends.

    Raises
    ------
    DocumentError
        The column says otherwise.
    """
    if "lengths" in node:
        return _ends(node["lengths"], total, count)
    length, rest = divmod(total, count)
    if rest:
        raise DocumentError(f"{total} elements are not as many for each of {count} rows").within("array")
    return range(0, total + 1, length) if length else (0,) * (count + 1)


def _ends(lengths: Node, total: int, count: int) -> list[int]:
    if type(lengths) is not list or len(lengths) != count or not _INT.issuperset(map(type, lengths)):
        raise DocumentError(f"there must be a length for each of {count} rows").within("lengths")
    if min(lengths) < 0 or sum(lengths) != total:
        raise DocumentError(f"the lengths must be those of {total} elements").within("lengths")
    return list(accumulate(lengths, initial=0))


class RowsCodec(LateCodec):
    """
    Lists of objects that have the same attributes.

    =========== ====================================================================================================
    ``of``      the name of their class, or "list" for lists of one length
    ``count``   how many there are
    ``args``    arguments that the class is called with for each
    ``columns`` their attributes, each with a plain value that all have, a list of one node for each, or a node that
                stands for such a list: ``rows`` or ``column``
    ``items``   of lists: what all of them hold, as one list
    =========== ====================================================================================================
    """

    tag = "rows"
    compiled = "rows.RowsReader"
    members = frozenset({"of", "count", "args", "columns", "items"})
    required = frozenset({"of", "count"})

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        if node["of"] != "list":
            yield "constructor" if "args" in node else "class", node["of"]

    def create(self, node: ObjectNode, decoder: Decoder) -> list[Any]:
        return []

    def fill(self, obj: list[Any], node: ObjectNode, decoder: Decoder) -> None:
        count, name = node["count"], node["of"]
        if type(count) is not int or not 0 < count <= decoder.policy.limits.nodes:
            raise DocumentError("the count of rows must be how many there are")
        if ("items" if name == "list" else "columns") not in node or {"items", "columns"} <= node.keys():
            raise DocumentError("rows have columns; if they are lists, items")
        if name == "list":
            obj.extend(_build_lists(node, count, decoder))
            return
        if type(name) is not str or "." not in name:
            raise DocumentError("rows are of a class, or lists")
        # Which classes may only be called with arguments is known once the name was looked up.
        codec = decoder.codec_of(name)
        decoder.check_construction(name, with_arguments="args" in node)
        obj.extend(codec.build_rows(node, decoder))


def _build_lists(node: ObjectNode, count: int, decoder: Decoder) -> Iterator[list[Any]]:
    items = node["items"]
    if "args" in node or type(items) is not dict or items.get("$") != "rows" or items.get("of") == "list":
        raise DocumentError("the items of lists must be rows of a class").within("items")
    try:
        built = decoder.build(items)
    except Exception as error:
        raise located(error, "items") from error
    decoder.values_in_rows += count
    length, rest = divmod(len(built), count)
    if rest or not length:
        raise DocumentError(f"{len(built)} items are not as many for each of {count} lists").within("items")
    return (built[start : start + length] for start in range(0, len(built), length))


class ColumnCodec(Codec):
    """Arrays or scalars of rows, joined along the first axis; they stand nowhere else."""

    tag = "column"
    members = frozenset({"of", "array", "lengths", "same"})
    required = frozenset({"of", "array"})

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        raise DocumentError("a column stands within rows only")


_column = ColumnCodec()

CODECS: tuple[Codec, ...] = (RowsCodec(), _column)
