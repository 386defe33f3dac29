"""The visitor on the way out: walks an object's state once and gives the nodes of its document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.errors import ReflectioError, UnsupportedTypeError
from reflectio.names import public_name
from reflectio.registry import codec_for_class, load_entry_points, on_change
from reflectio.segment_writer import SegmentWriter

#: JSON nests no deeper than this; what lies deeper continues in ``objects``.
NESTING = 100

# Objects are moved to ``objects`` a little before that, so that what cannot be moved (a tuple, say, which must
# be complete before anything can refer to it) still finds room.
_MOVE_AT = NESTING - 20

#: Gives the node of any object of a type.
Writer = Callable[[Any, "Encoder"], Node]


class _Writers(dict[type, Writer]):
    """The writer of each type met so far; its codec is asked from the converter once."""

    def __missing__(self, cls: type) -> Writer:
        load_entry_points()
        codec: Codec = codec_for_class(cls)
        writer = self[cls] = writer_for(codec.encode, shared=codec.shared, late=codec.late)
        return writer


def writer_for(encode: Writer, *, shared: bool, late: bool) -> Writer:
    """
    Give what writes every object of a type.

    Parameters
    ----------
    encode : callable
        Gives the node of an object that was not met before.
    shared : bool
        Whether the identity of the objects matters.
    late : bool
        Whether a reader can refer to an object before its contents are complete.
    """
    if not shared:
        return encode
    if not late:
        return lambda obj, encoder: encoder.share(obj, encode)

    def write(obj: Any, encoder: Encoder) -> Node:
        # `Encoder.share` for the common case, spelled out: this runs for nearly every object.
        nodes = encoder.nodes
        key = id(obj)
        if key in nodes or encoder.values_open or encoder.depth > _MOVE_AT:
            return encoder.share(obj, encode, late=True)
        nodes[key] = None
        encoder.kept.append(obj)
        encoder.depth += 1
        node = encode(obj, encoder)
        encoder.depth -= 1
        return encoder.complete(key, node)

    return write


_writers = _Writers()
on_change(_writers.clear)

# Types whose values are JSON as they stand. Text with lone surrogates and integers beyond 64 bits are not; they
# are so rare that the JSON encoder is left to find them, and the walk is then repeated with care.
_PLAIN = frozenset({bool, int, str, type(None)})
_PLAIN_WITH_CARE = frozenset({bool, type(None)})


class InRows(NamedTuple):
    """
    Stands for the node of an object that is written within rows, and so has no node of its own that could carry an id.

    Attributes
    ----------
    cls : type
        The class of the outermost rows that it is within.
    """

    cls: type


class Orders:
    """
    The orders of sets that a walk, and those that it starts to find such orders, have found.

    An order is found by encoding the elements, and sets within sets would be put in order anew with every level around
    them, each level twice: thirty of them took an hour.

    Attributes
    ----------
    known : dict of int to tuple
        The elements in their order by the id of the set, with the set itself, so that no id is used twice.
    circles : int
        How often a set was met within itself.
    passing : int
        How many orders were found that hold in one place only, because such a circle was met on the way.
    """

    def __init__(self) -> None:
        self.known: dict[int, tuple[Any, list[Any]]] = {}
        self.circles = 0
        self.passing = 0


class RowsReferredError(Exception):
    """
    Something refers to an object that was written within rows; the walk has to be repeated without these.

    Parameters
    ----------
    cls : type
        The class of the outermost rows that the object is within.
    """

    def __init__(self, cls: type) -> None:
        super().__init__(cls)
        self.cls = cls


class _CycleThroughValueError(Exception):
    """A value that must be complete before it is referred to contains, at some depth, itself."""


def _is_plain_array(node: Any) -> bool:
    """Whether a node is that of an array whose elements, of which there may be many, hold no nodes."""
    if type(node) is not dict or node.get("$") != "ndarray":
        return False
    return type(node["dtype"]) is str and node["dtype"] != "object"


class Encoder:
    """
    One walk over one object.

    Parameters
    ----------
    inline : bool
        Whether every array is written into the header, whatever its size (JSON format).
    careful : bool
        Whether every string and integer is checked for being plain JSON.
    rows : bool
        Whether lists of like objects may be written as rows.
    apart : frozenset of type
        Classes whose objects may not, for `RowsReferredError` was raised.
    sorting : frozenset of int
        The ids of the sets whose elements are being put in order by a walk such as this one.
    orders : Orders, optional
        What the walk that started this one has found so far.
    segment : SegmentWriter, optional
        What takes the arrays that lie outside the header; by default one that writes them as they are.

    Attributes
    ----------
    plain : frozenset of type
        The types whose values codecs may put into a node as they stand. Finite floats may be, too.
    segment : SegmentWriter
        The arrays that lie outside the header.
    names : set of str
        Every dotted name that the nodes hold.
    memory : dict of int to ndarray
        Of each block of memory met, by the id of the array that owns it, the first array over it.
    """

    def __init__(
        self,
        *,
        inline: bool = False,
        careful: bool = False,
        rows: bool = False,
        apart: frozenset[type] = frozenset(),
        sorting: frozenset[int] = frozenset(),
        orders: Orders | None = None,
        segment: SegmentWriter | None = None,
    ) -> None:
        self.plain = _PLAIN_WITH_CARE if careful else _PLAIN
        self.careful = careful
        self.inline = inline
        self.rows = rows
        self.apart = apart
        self.in_rows: InRows | None = None
        self._rows_nbytes = 0
        self.sorting = sorting
        self.orders = Orders() if orders is None else orders
        self.segment = SegmentWriter() if segment is None else segment
        self.names: set[str] = set()
        self.memory: dict[int, np.ndarray[Any, Any]] = {}
        self.depth = 2
        self.writers: dict[type, Writer] = _writers
        # id of each object met: None while it is being visited, then its node. `kept` holds the objects, so
        # that no id is used twice.
        self.nodes: dict[int, Node] = {}
        self.kept: list[Any] = []
        self._ids: dict[int, int] = {}
        self._next_id = 1
        self.values_open: dict[int, Any] = {}
        # What continues in ``objects``, with how it is encoded.
        self._moved: list[tuple[Any, Callable[[Any, Encoder], Node], bool]] = []
        self._canonical: dict[Any, Any] = {}
        # Lists and plain dicts cannot carry an id; the shared ones are rewritten when the walk is over.
        self._shared_plain: dict[int, int] = {}

    # -- the walk -------------------------------------------------------------------------------------------

    def encode(self, root: Any) -> tuple[Node, list[Node]]:
        """
        Walk ``root``.

        Returns
        -------
        model : node
            The node of ``root``.
        objects : list of node
            What lies too deep to be nested, each node with its ``$id``.
        """
        try:
            model = self.visit(root)
        except ReflectioError as error:
            error.rooted("$.model")
            raise
        objects: list[Node] = []
        for index, moved in enumerate(self._moved):
            try:
                self.depth = 2
                objects.append(self._visit_moved(*moved))
            except ReflectioError as error:
                error.rooted(f"$.objects[{index}]")
                raise
        if self._shared_plain:
            model = self._tag_shared(model)
            objects = [self._tag_shared(node) for node in objects]
        return model, objects

    def visit(self, obj: Any) -> Node:
        """
        Give the node of any object: the one place where types meet codecs.

        Parameters
        ----------
        obj : Any
            The object.

        Returns
        -------
        node
            Its node, or a reference where it was met before.
        """
        return self.writers[type(obj)](obj, self)

    def visit_values(self, members: dict[str, Any]) -> dict[str, Node]:
        """Put nodes in the place of the values of a dict that are not plain, and give it back."""
        plain, writers = self.plain, self.writers
        key = ""
        try:
            for key, value in members.items():
                kind = type(value)
                if kind not in plain and not (kind is float and value - value == 0.0):
                    members[key] = writers[kind](value, self)
        except UnsupportedTypeError as error:
            error.within(key)
            raise
        return members

    def visit_with_care(self, obj: Any) -> Node:
        """As `visit`, for what mostly holds integers beyond 64 bits: nothing in it is taken for plain JSON unseen."""
        plain, self.plain = self.plain, _PLAIN_WITH_CARE
        try:
            return self.visit(obj)
        finally:
            self.plain = plain

    def share_leaf(self, obj: Any, encode: Callable[[Any, Encoder], Node]) -> Node:
        """As `share`, for an object that cannot contain others: nothing refers to it before it is complete."""
        key = id(obj)
        if key in self.nodes:
            return self._refer(key)
        if self.depth > NESTING:
            return self._move(obj, key, encode, late=False)
        node = self.nodes[key] = encode(obj, self)
        self.kept.append(obj)
        return node

    def share(self, obj: Any, encode: Callable[[Any, Encoder], Node], late: bool = False) -> Node:
        """
        Give the node of an object whose identity matters.

        Parameters
        ----------
        obj : Any
            The object.
        encode : callable
            Gives its node; called only where the object was not met before.
        late : bool
            Whether a reader can refer to the object before its contents are complete.
        """
        key = id(obj)
        if key in self.nodes:
            return self._refer(key)
        if self.depth > _MOVE_AT and (late or self.depth > NESTING):
            return self._move(obj, key, encode, late)
        return self._visit_new(obj, key, encode, late)

    def _visit_new(self, obj: Any, key: int, encode: Callable[[Any, Encoder], Node], late: bool) -> Node:
        nodes = self.nodes
        nodes[key] = None
        self.kept.append(obj)
        self.depth += 1
        if late:
            node = self._visit_late(obj, key, encode)
        else:
            self.values_open[key] = obj
            node = encode(obj, self)
            del self.values_open[key]
        self.depth -= 1
        return self.complete(key, node)

    def complete(self, key: int, node: Node) -> Node:
        """Note the node of an object, by the object's id, now that all below it is visited."""
        if self._ids and key in self._ids:
            node = self._give_id(node, self._ids[key])
        self.nodes[key] = node
        return node

    def _visit_late(self, obj: Any, key: int, encode: Callable[[Any, Encoder], Node]) -> Node:
        if not self.values_open:
            return encode(obj, self)
        # Inside a tuple, say: if the object refers back to that tuple, which a reader cannot have at that
        # point, everything the visit did is undone and the object is written after the tuple instead.
        mark = self._mark()
        try:
            return encode(obj, self)
        except _CycleThroughValueError:
            self._undo(mark)
            return self._move(obj, key, encode, late=True)

    def refuse(self, advice: str) -> UnsupportedTypeError:
        """The error for a value that no document can hold."""
        return UnsupportedTypeError(advice)

    def name(self, obj: Any) -> str:
        """The dotted name to write for a class or function, noted for the versions in the header."""
        name = public_name(obj)
        self.names.add(name)
        return name

    # -- identity -------------------------------------------------------------------------------------------

    def _take_id(self) -> int:
        number = self._next_id
        self._next_id += 1
        return number

    def _refer(self, key: int) -> Node:
        if key in self.values_open:
            raise _CycleThroughValueError
        number = self._ids.get(key)
        if number is None:
            node = self.nodes[key]
            if type(node) is InRows:
                raise RowsReferredError(node.cls)
            number = self._ids[key] = self._take_id()
            if node is not None:
                self.nodes[key] = self._give_id(node, number)
        return {"$": "ref", "id": number}

    def refer_to(self, obj: Any) -> Node | None:
        """A reference to an object, if the walk has completed it already; None otherwise."""
        key = id(obj)
        return self._refer(key) if self.nodes.get(key) is not None else None

    def afford_rows(self, nbytes: int, limit: int) -> bool:
        """Count what objects that are written as rows will take in memory; say whether that is within a limit."""
        self._rows_nbytes += nbytes
        return self._rows_nbytes <= limit

    def canonical(self, value: Any) -> Any:
        """The first value met that equals this one; for values that are large, and of which a document has many."""
        return self._canonical.setdefault(value, value)

    def _give_id(self, node: Node, number: int) -> Node:
        if type(node) is dict and "$" in node:
            if node["$"] == "ref":
                return node
            members = dict(node)
            node.clear()
            node["$"] = members.pop("$")
            node["$id"] = number
            node.update(members)
        else:
            self._shared_plain[id(node)] = number
        return node

    def _tag_shared(self, root: Node) -> Node:
        """Rewrite the shared lists and plain dicts below a node in the form that carries an id."""
        holder = [root]
        stack: list[Any] = [holder]
        while stack:
            parent = stack.pop()
            places = parent.items() if isinstance(parent, dict) else enumerate(parent)
            for place, node in places:
                if type(node) is not dict and type(node) is not list:
                    continue
                number = self._shared_plain.get(id(node))
                if number is not None:
                    parent[place] = _tagged(node, number)
                    node = parent[place]["items"]
                if not _is_plain_array(node):
                    stack.append(node)
                elif "state" in node:
                    stack.append(node["state"])
        return holder[0]

    # -- depth ----------------------------------------------------------------------------------------------

    def _move(self, obj: Any, key: int, encode: Callable[[Any, Encoder], Node], late: bool) -> Node:
        number = self._ids[key] = self._take_id()
        self.kept.append(obj)
        self.nodes[key] = {"$": "ref", "id": number}
        self._moved.append((obj, encode, late))
        return {"$": "ref", "id": number}

    def _visit_moved(self, obj: Any, encode: Callable[[Any, Encoder], Node], late: bool) -> Node:
        node = self._visit_new(obj, id(obj), encode, late)
        if isinstance(node, dict) and "$" in node:
            return node
        # An entry of ``objects`` always shows its id.
        return _tagged(node, self._shared_plain.pop(id(node)))

    def _mark(self) -> tuple[int, int, int, int, int]:
        return len(self.kept), len(self._moved), len(self.segment.arrays), len(self.values_open), self.depth

    def _undo(self, mark: tuple[int, int, int, int, int]) -> None:
        kept, moved, arrays, values_open, self.depth = mark
        for obj in self.kept[kept:]:
            # Neither objects nor nodes are let go: their ids stand in other tables.
            self.kept.append(self.nodes.pop(id(obj), None))
            self._ids.pop(id(obj), None)
        del self._moved[moved:]
        while len(self.values_open) > values_open:
            self.values_open.popitem()
        self.segment.truncate(arrays)


def _tagged(node: list[Node] | dict[str, Node], number: int) -> ObjectNode:
    """A list or plain dict in the form that carries an id."""
    if isinstance(node, list):
        return {"$": "list", "$id": number, "items": node}
    return {"$": "dict", "$id": number, "items": [[key, value] for key, value in node.items()]}
