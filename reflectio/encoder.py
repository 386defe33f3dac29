"""The visitor on the way out: walks an object's state once and gives the nodes of its document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from reflectio import compiled
from reflectio.codec import Node, ObjectNode
from reflectio.errors import ReflectioError, UnsupportedTypeError
from reflectio.names import public_name
from reflectio.walk_out import PLAIN_WITH_CARE, Walk
from reflectio.writers import MOVE_AT, NESTING

_writing = compiled.part("writing")


# How often what is moved out of what was moved is moved in turn, every forty to eighty levels. A list that nests a million
# levels deep is written; the state of an object whose state always holds a new one would be without an end.
_MOST_MOVES = 1 << 15
_ENDLESS = (
    "more than a million levels of objects are within each other, or there is no end of them: a __getstate__ or "
    "__reduce__ may give a new object, with such a state in turn, each time that it is called"
)


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


class Encoder(Walk):
    """
    One walk over one object.

    Parameters
    ----------
    inline, careful, rows, apart, sorting, segment
        As for `reflectio.walk_out.PythonWalk`.
    """

    in_rows: InRows | None = None
    #: What the walk started from.
    root: Any = None
    _rows_nbytes = 0
    _next_id = 1
    _orders: Orders | None = None

    @property
    def orders(self) -> Orders:
        """The orders of sets that this walk has found, or the one that it belongs to."""
        if self._orders is None:
            self._orders = Orders()
        return self._orders

    @orders.setter
    def orders(self, orders: Orders) -> None:
        self._orders = orders

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
        self.root = root
        try:
            model = self.visit(root)
        except ReflectioError as error:
            error.rooted("$.model")
            raise
        objects: list[Node] = []
        if not (self.moved or self.shared_plain):
            return model, objects
        generation, of_generation = 0, len(self.moved)
        for index, moved in enumerate(self.moved):
            if index == of_generation:
                generation, of_generation = generation + 1, len(self.moved)
            try:
                if generation > _MOST_MOVES:
                    raise self.refuse(_ENDLESS)
                self.depth = 2
                objects.append(self._visit_moved(*moved))
            except ReflectioError as error:
                error.rooted(f"$.objects[{index}]")
                raise
        if self.shared_plain:
            model = self._tag_shared(model)
            objects = [self._tag_shared(node) for node in objects]
        return model, objects

    def visit_with_care(self, obj: Any) -> Node:
        """As `visit`, for what mostly holds integers beyond 64 bits: nothing in it is taken for plain JSON unseen."""
        plain, self.plain = self.plain, PLAIN_WITH_CARE
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
        if self.depth > MOVE_AT and (late or self.depth > NESTING):
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
        if self.ids and key in self.ids:
            node = self._give_id(node, self.ids[key])
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
        number = self.ids.get(key)
        if number is None:
            node = self.nodes[key]
            if type(node) is InRows:
                raise RowsReferredError(node.cls)
            number = self.ids[key] = self._take_id()
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
        return self.equal.setdefault(value, value)

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
            self.shared_plain[id(node)] = number
        return node

    def _tag_shared(self, root: Node) -> Node:
        """Rewrite the shared lists and plain dicts below a node in the form that carries an id."""
        holder = [root]
        if _writing is not None:
            _writing.tag_shared(holder, self.shared_plain, _tagged)
            return holder[0]
        stack: list[Any] = [holder]
        while stack:
            parent = stack.pop()
            places = parent.items() if isinstance(parent, dict) else enumerate(parent)
            for place, node in places:
                if type(node) is not dict and type(node) is not list:
                    continue
                number = self.shared_plain.get(id(node))
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
        number = self.ids[key] = self._take_id()
        self.kept.append(obj)
        self.nodes[key] = {"$": "ref", "id": number}
        self.moved.append((obj, encode, late))
        return {"$": "ref", "id": number}

    def _visit_moved(self, obj: Any, encode: Callable[[Any, Encoder], Node], late: bool) -> Node:
        node = self._visit_new(obj, id(obj), encode, late)
        if isinstance(node, dict) and "$" in node:
            return node
        # An entry of ``objects`` always shows its id.
        return _tagged(node, self.shared_plain.pop(id(node)))

    def _mark(self) -> tuple[int, int, int, int, int]:
        return len(self.kept), len(self.moved), len(self.segment.arrays), len(self.values_open), self.depth

    def _undo(self, mark: tuple[int, int, int, int, int]) -> None:
        kept, moved, arrays, values_open, self.depth = mark
        for obj in self.kept[kept:]:
            # Neither objects nor nodes are let go: their ids stand in other tables.
            self.kept.append(self.nodes.pop(id(obj), None))
            self.ids.pop(id(obj), None)
        del self.moved[moved:]
        while len(self.values_open) > values_open:
            self.values_open.popitem()
        self.segment.truncate(arrays)


def _tagged(node: list[Node] | dict[str, Node], number: int) -> ObjectNode:
    """A list or plain dict in the form that carries an id."""
    if isinstance(node, list):
        return {"$": "list", "$id": number, "items": node}
    return {"$": "dict", "$id": number, "items": [[key, value] for key, value in node.items()]}
