"""The visitor on the way out: walks an object's state once and gives the nodes of its document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.errors import ReflectioError, UnsupportedTypeError
from reflectio.names import public_name
from reflectio.registry import codec_for_class, load_entry_points, on_change
from reflectio.segment import SegmentWriter

#: JSON nests no deeper than this; what lies deeper continues in ``objects``.
NESTING = 100

# Objects are moved to ``objects`` a little before that, so that what cannot be moved (a tuple, say, which must
# be complete before anything can refer to it) still finds room.
_MOVE_AT = NESTING - 20

_Hook = tuple[Callable[[Any, "Encoder"], Node], bool, bool]


class _Hooks(dict[type, _Hook]):
    """The encoding hook of each type met so far, asked from the converter once per type."""

    def __missing__(self, cls: type) -> _Hook:
        load_entry_points()
        codec: Codec = codec_for_class(cls)
        hook = self[cls] = (codec.encode, codec.shared, codec.late)
        return hook


_hooks = _Hooks()
on_change(_hooks.clear)

# Types whose values are JSON as they stand. Text with lone surrogates and integers beyond 64 bits are not; they
# are so rare that the JSON encoder is left to find them, and the walk is then repeated with care.
_PLAIN = frozenset({bool, int, str, type(None)})
_PLAIN_WITH_CARE = frozenset({bool, type(None)})


class _CycleThroughValueError(Exception):
    """A value that must be complete before it is referred to contains, at some depth, itself."""


def _is_array_of_plain_elements(node: Any) -> bool:
    """Whether a node is that of an array whose elements hold no nodes, and may be many."""
    if not isinstance(node, dict) or node.get("$") != "ndarray":
        return False
    return isinstance(node["dtype"], str) and node["dtype"] != "object"


class Encoder:
    """
    One walk over one object.

    Parameters
    ----------
    inline : bool
        Whether every array is written into the header, whatever its size (JSON format).
    careful : bool
        Whether every string and integer is checked for being plain JSON.
    sorting : frozenset of int
        The ids of the sets whose elements are being put in order by a walk such as this one.
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
        sorting: frozenset[int] = frozenset(),
        segment: SegmentWriter | None = None,
    ) -> None:
        self.plain = _PLAIN_WITH_CARE if careful else _PLAIN
        self.careful = careful
        self.inline = inline
        self.sorting = sorting
        self.segment = SegmentWriter() if segment is None else segment
        self.names: set[str] = set()
        self.memory: dict[int, np.ndarray[Any, Any]] = {}
        self.depth = 2
        self._hooks = _hooks
        # id of each object met: None while it is being visited, then its node. `_kept` holds the objects, so
        # that no id is used twice.
        self._nodes: dict[int, Node] = {}
        self._kept: list[Any] = []
        self._ids: dict[int, int] = {}
        self._next_id = 1
        self._values_open: dict[int, Any] = {}
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
        encode, shared, late = self._hooks[type(obj)]
        if not shared:
            return encode(obj, self)
        if not late or self._values_open or self.depth > _MOVE_AT:
            return self.share(obj, encode, late)
        # What follows is `share` for the common case, spelled out: this runs for every object.
        nodes = self._nodes
        key = id(obj)
        if key in nodes:
            return self._refer(key)
        nodes[key] = None
        self._kept.append(obj)
        self.depth += 1
        node = encode(obj, self)
        self.depth -= 1
        if key in self._ids:
            node = self._give_id(node, self._ids[key])
        nodes[key] = node
        return node

    def share_leaf(self, obj: Any, encode: Callable[[Any, Encoder], Node]) -> Node:
        """As `share`, for an object that cannot contain others: nothing refers to it before it is complete."""
        key = id(obj)
        if key in self._nodes:
            return self._refer(key)
        if self.depth > NESTING:
            return self._move(obj, key, encode, late=False)
        node = self._nodes[key] = encode(obj, self)
        self._kept.append(obj)
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
        if key in self._nodes:
            return self._refer(key)
        if self.depth > _MOVE_AT and (late or self.depth > NESTING):
            return self._move(obj, key, encode, late)
        return self._visit_new(obj, key, encode, late)

    def _visit_new(self, obj: Any, key: int, encode: Callable[[Any, Encoder], Node], late: bool) -> Node:
        nodes = self._nodes
        nodes[key] = None
        self._kept.append(obj)
        self.depth += 1
        if late:
            node = self._visit_late(obj, key, encode)
        else:
            self._values_open[key] = obj
            node = encode(obj, self)
            del self._values_open[key]
        self.depth -= 1
        nodes[key] = node
        if key in self._ids:
            node = self._give_id(node, self._ids[key])
            nodes[key] = node
        return node

    def _visit_late(self, obj: Any, key: int, encode: Callable[[Any, Encoder], Node]) -> Node:
        if not self._values_open:
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
        if key in self._values_open:
            raise _CycleThroughValueError
        number = self._ids.get(key)
        if number is None:
            number = self._ids[key] = self._take_id()
            node = self._nodes[key]
            if node is not None:
                self._nodes[key] = self._give_id(node, number)
        return {"$": "ref", "id": number}

    def refer_to(self, obj: Any) -> Node | None:
        """A reference to an object, if the walk has completed it already; None otherwise."""
        key = id(obj)
        return self._refer(key) if self._nodes.get(key) is not None else None

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
                if not (place == "data" and _is_array_of_plain_elements(parent)):
                    stack.append(node)
        return holder[0]

    # -- depth ----------------------------------------------------------------------------------------------

    def _move(self, obj: Any, key: int, encode: Callable[[Any, Encoder], Node], late: bool) -> Node:
        number = self._ids[key] = self._take_id()
        self._kept.append(obj)
        self._nodes[key] = {"$": "ref", "id": number}
        self._moved.append((obj, encode, late))
        return {"$": "ref", "id": number}

    def _visit_moved(self, obj: Any, encode: Callable[[Any, Encoder], Node], late: bool) -> Node:
        node = self._visit_new(obj, id(obj), encode, late)
        if isinstance(node, dict) and "$" in node:
            return node
        # An entry of ``objects`` always shows its id.
        return _tagged(node, self._shared_plain.pop(id(node)))

    def _mark(self) -> tuple[int, int, int, int, int]:
        return len(self._kept), len(self._moved), len(self.segment.arrays), len(self._values_open), self.depth

    def _undo(self, mark: tuple[int, int, int, int, int]) -> None:
        kept, moved, arrays, values_open, self.depth = mark
        for obj in self._kept[kept:]:
            # Neither objects nor nodes are let go: their ids stand in other tables.
            self._kept.append(self._nodes.pop(id(obj), None))
            self._ids.pop(id(obj), None)
        del self._moved[moved:]
        while len(self._values_open) > values_open:
            self._values_open.popitem()
        self.segment.truncate(arrays)


def _tagged(node: list[Node] | dict[str, Node], number: int) -> ObjectNode:
    """A list or plain dict in the form that carries an id."""
    if isinstance(node, list):
        return {"$": "list", "$id": number, "items": node}
    return {"$": "dict", "$id": number, "items": [[key, value] for key, value in node.items()]}
