"""The outline of a model: its objects, parameters, learned attributes and arrays, as far as a reader asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from attrs import evolve, frozen

from reflectio.codec import Node
from reflectio.errors import DecodeError, PathPart, format_path
from reflectio.inspection.defaults import REQUIRED, defaults
from reflectio.inspection.entry import Entry, Role
from reflectio.inspection.features import Features
from reflectio.inspection.glance import Glance, glance
from reflectio.inspection.graph import class_of, tag_of
from reflectio.inspection.header import Header
from reflectio.inspection.insights import TREE, insights, tree_summary
from reflectio.inspection.paths import Found, find, named_pair, parts_of
from reflectio.inspection.text import printable
from reflectio.inspection.values import inline, same, short_name

# How many parts of a node are listed, and how many entries there are in all, unless all are asked for.
_PARTS = 24
_ENTRIES = 1500
_ALL = 200_000

# So many objects of one class in a list are listed; of more, the first ones stand for all.
_ALIKE = 4
_SHOWN_ALIKE = 2

# Lists within lists are followed so far, and so many levels of objects.
_NESTING = 40
_DEEPEST = 60

# Arrays up to the first are read whole, while all together are below the second; of others a sample.
_WHOLE = 1 << 24
_WHOLE_TOGETHER = 1 << 27
_SMALL = 1 << 18

_SPECIAL = {"$args": "arguments", "$new": "arguments", "$state": "state", "$items": "items"}


_NO_FEATURES = Features()


@frozen
class _Place:
    """Where the walk is: for paths, for depth, and for the names of features."""

    root: str
    parts: tuple[PathPart, ...] = ()
    level: int = 0
    nesting: int = 0
    features: Features = _NO_FEATURES

    def at(self, *parts: PathPart) -> _Place:
        return evolve(self, parts=(*self.parts, *parts), nesting=self.nesting + 1)

    @property
    def path(self) -> str:
        return printable(format_path(self.parts[-_NESTING:], self.root))


class Outliner:
    """
    Makes the outline of a document.

    Parameters
    ----------
    header : Header
        The document.
    depth : int
        How many levels of objects are opened.
    everything : bool
        Whether parameters at their defaults, private attributes, and all items of long lists are listed.
    exact : bool
        Whether all values of large arrays are read, rather than a sample.
    """

    def __init__(
        self, header: Header, *, depth: int = 3, everything: bool = False, exact: bool = False
    ) -> None:
        self.header = header
        self.graph = header.graph
        self._depth = min(depth, _DEEPEST)
        self._everything = everything
        self._exact = exact
        self._parts = _ALL if everything else _PARTS
        self._entries = _ALL if everything else _ENTRIES
        self._read = 0
        # Where each shared node was opened.
        self._opened: dict[int, str] = {}
        self._version = header.versions.get("scikit-learn")

    def outline(self, path: str = "$.model") -> Entry:
        """Make the outline of what is at a path; raise DocumentError where nothing is."""
        found: Found = find(self.header, path)
        place = _Place(found.root, found.parts, features=self._features_at(found))
        return self._entry(place.path if place.parts else "", found.node, place, "")

    def _features_at(self, found: Found) -> Features:
        """The names of features that what is around a node hands down to it."""
        features = Features()
        node = self.header.model if found.root == "$.model" else None
        for part in found.parts:
            node = self._safe_target(node)
            if class_of(node):
                features = features.of(node, self.header).below(node, str(part), self.header)
            elif type(node) is list:
                features = features.step(part)
            node = next((value for name, value in parts_of(node, self.graph) if name == part), None)
        return features

    # -- any node --------------------------------------------------------------------------------------------

    def _entry(self, name: str, node: Node, place: _Place, role: Role) -> Entry:
        self._entries -= 1
        try:
            return self._describe(name, node, place, role)
        except DecodeError as error:
            return Entry(name, place.path, role=role, note=printable(error.message))

    def _describe(self, name: str, node: Node, place: _Place, role: Role) -> Entry:
        target = self.graph.target(node)
        entry = Entry(name, place.path, role=role, nbytes=self.graph.size(target))
        text = inline(target, self.graph)
        if text is not None and (place.nesting or type(target) not in (list, dict)):
            return evolve(entry, text=text)
        if self.graph.is_shared(target):
            first = self._opened.setdefault(id(target), place.path)
            if first != place.path:
                # What is in it is counted where it was met first.
                return evolve(entry, text=self.headline(target), nbytes=0, note=f"the same object as {first}")
            entry = evolve(entry, note="shared")
        elif self._opened.setdefault(id(target), place.path) != place.path:
            return evolve(entry, text=self.headline(target), nbytes=0, note="shown above")
        if (tag := tag_of(target)) is not None:
            if tag == "ndarray":
                return self._array(entry, target, place)
            if tag == "sparse":
                return self._sparse(entry, target, place)
            if "." in tag:
                return self._object(entry, target, place)
        return self._container(entry, target, place)

    def headline(self, node: Node) -> str:
        """A node in a few words."""
        if (text := inline(node, self.graph, 3)) is not None:
            return text
        if type(node) is list:
            return f"list of {len(node):,}"
        tag = tag_of(node)
        if tag is None:
            return f"dict of {len(node):,}"
        if "." in tag:
            return self._signature(node)
        if tag == "ndarray":
            info = self.header.describe(node)
            return f"{info.dtype} {_shape(info.shape)}"
        items = node.get("items")
        return f"{printable(tag, 40)} of {len(items):,}" if type(items) is list else printable(tag, 40)

    def _signature(self, node: dict[str, Any]) -> str:
        """An object as scikit-learn prints it: the class with the parameters that are not at their defaults."""
        known = defaults().of(node["$"], self._version)
        parameters = []
        for name, default in (known or {}).items():
            value = node.get(name, REQUIRED)
            if value is REQUIRED or default is REQUIRED or same(value, default, self.graph):
                continue
            text = inline(value, self.graph, 3)
            if text is not None and len(text) <= 24:
                parameters.append(f"{name}={text}")
        shown = parameters[:4] + ["…"] * (len(parameters) > 4)
        return f"{short_name(node['$'])}{'(' + ', '.join(shown) + ')' if known is not None else ''}"

    # -- objects ---------------------------------------------------------------------------------------------

    def _object(self, entry: Entry, node: dict[str, Any], place: _Place) -> Entry:
        tag: str = node["$"]
        if tag == TREE and place.level and not self._everything:
            return evolve(entry, tag=tag, text=tree_summary(node, self.header))
        features = place.features.of(node, self.header)
        entry = evolve(entry, tag=printable(tag), text=short_name(tag))
        if place.level >= self._depth or place.nesting > _NESTING or self._entries <= 0:
            return evolve(entry, text=self._signature(node), hidden=sum(name[:1] != "$" for name in node))
        inside = evolve(place, level=place.level + 1, features=features)
        groups = self._members(node)
        children: list[Entry] = []
        roles: tuple[Role, ...] = ("parameter", "default", "learned", "private")
        for role in roles:
            children += self._attributes(role, groups[role], inside, node, features)
            if role == "default" and not groups["parameter"] and children and children[-1].role == "defaults":
                count = children[-1].hidden
                text = (
                    f"all {count} parameters at their defaults"
                    if count > 1
                    else "its parameter at its default"
                )
                children[-1] = evolve(children[-1], text=text)
        children += insights(node, self.header, features, entry.path, everything=self._everything)
        return evolve(entry, children=tuple(children))

    def _members(self, node: dict[str, Any]) -> dict[str, list[tuple[str, Node, str]]]:
        """An object's attributes by role, each with its default where it has another value."""
        groups: dict[str, list[tuple[str, Node, str]]] = {
            "parameter": [],
            "default": [],
            "learned": [],
            "private": [],
        }
        known = defaults().of(node["$"], self._version)
        is_estimator = known is None and is_estimator_of_others(node)
        for name, value in node.items():
            if name in ("$", "$id"):
                continue
            if known is not None and name in known:
                default = known[name]
                if default == REQUIRED:
                    groups["parameter"].append((name, value, ""))
                elif same(value, default, self.graph):
                    groups["default"].append((name, value, ""))
                else:
                    groups["parameter"].append((name, value, inline(default, self.graph) or ""))
            elif name.startswith("_"):
                groups["private"].append((name, value, ""))
            elif is_estimator and not name.endswith("_") and not name.startswith("$"):
                groups["parameter"].append((name, value, ""))
            else:
                groups["learned"].append((name, value, ""))
        return groups

    def _attributes(
        self,
        role: Role,
        members: list[tuple[str, Node, str]],
        place: _Place,
        owner: dict[str, Any],
        features: Features,
    ) -> Iterator[Entry]:
        collapsed: list[str] = []
        shown = 0
        for name, value, default in members:
            plain = role in ("default", "private") and inline(value, self.graph) is not None
            if (plain and not self._everything) or shown >= self._parts or self._entries <= 0:
                collapsed.append(printable(name, 60))
                continue
            shown += 1
            below = evolve(place, features=features.below(owner, name, self.header))
            if role == "private" and not self._everything:
                # How it works inside is for those who ask.
                below = evolve(below, level=self._depth)
            label = _SPECIAL.get(name, printable(name, 60))
            entry = self._entry(label, value, below.at(name), role)
            yield evolve(entry, default=default) if default else entry
        if collapsed:
            names = ", ".join(collapsed[:_PARTS]) + (", …" if len(collapsed) > _PARTS else "")
            what = {"default": f"{len(collapsed)} at their defaults: ", "private": "private: "}
            text = f"{what.get(role, f'{len(collapsed):,} more: ')}{names}"
            kind: Role = "defaults" if role == "default" else "hidden"
            yield Entry("", place.path, text=text, role=kind, hidden=len(collapsed))

    # -- containers ------------------------------------------------------------------------------------------

    def _container(self, entry: Entry, node: Node, place: _Place) -> Entry:
        parts = parts_of(node, self.graph)
        entry = evolve(entry, text=self.contents(node))
        if place.nesting > _NESTING or self._entries <= 0:
            return evolve(entry, hidden=sum(1 for _ in parts))
        children, hidden = self._items(parts, place)
        return evolve(entry, children=tuple(children), hidden=hidden)

    def contents(self, node: Node) -> str:
        """What a container is and contains: ``list of 100 DecisionTreeClassifier``."""
        if type(node) is list:
            kind, items = "list", node
        else:
            tag = tag_of(node)
            items = node.get("items")
            if tag is None:
                kind, items = "dict", [*islice(node.values(), _ALL)]
            else:
                kind = printable(tag, 40)
            if type(items) is not list:
                return kind
        alike = self._class_of_all(items)
        return f"{kind} of {len(items):,}{f' {alike}' if alike else ''}"

    def _class_of_all(self, items: list[Node]) -> str:
        tags = set()
        for item in flattened(items):
            # Mostly a list of one class: the second that differs ends it.
            item = self._safe_target(item)
            tags.add(tag_of(item) if type(item) is dict else type(item))
            if len(tags) > 1:
                return ""
        tag = next(iter(tags), None)
        return short_name(tag) if type(tag) is str and "." in tag else ""

    def _safe_target(self, node: Node) -> Node:
        try:
            return self.graph.target(node)
        except DecodeError:
            return None

    def _items(self, parts: Iterable[tuple[PathPart, Node]], place: _Place) -> tuple[list[Entry], int]:
        listed = [*parts]
        limit = self._parts
        nodes = [node for _, node in listed]
        many = len(listed) > _ALIKE or (
            len(listed) > 1 and all(type(node) is list and len(node) > 1 for node in nodes)
        )
        alike = many and bool(self._class_of_all(nodes))
        if alike and not self._everything:
            limit = _SHOWN_ALIKE
        children = []
        for part, node in listed[:limit]:
            if self._entries <= 0:
                break
            children.append(self._item(part, node, place, closed=alike and not self._everything))
        return children, len(listed) - len(children)

    def _item(self, part: PathPart, node: Node, place: _Place, *, closed: bool) -> Entry:
        name = f"[{part}]" if type(part) is int else printable(str(part), 60)
        pair = named_pair(node, self.graph) if type(part) is int else None
        place = evolve(place.at(part), features=place.features.step(part))
        if closed:
            place = evolve(place, level=self._depth)
        if pair is not None and inline(pair[1], self.graph) is None:
            entry = self._entry(f"[{part}] {printable(pair[0], 40)}", pair[1], place.at(1), "item")
            rest = [inline(item, self.graph, 4) for item in self.graph.target(node)["items"][2:3]]
            if rest and rest[0] is not None and not entry.note:
                entry = evolve(entry, note=f"for {rest[0]}")
            return entry
        return self._entry(name, node, place, "item")

    # -- arrays ----------------------------------------------------------------------------------------------

    def _array(self, entry: Entry, node: dict[str, Any], place: _Place) -> Entry:
        info = self.header.describe(node)
        entry = evolve(entry, array=info, text=f"{info.dtype} {_shape(info.shape)}")
        if info.place == "objects":
            return self._objects(entry, node, place)
        whole = info.nbytes if self._exact else self._grant(info.nbytes)
        if info.compression and whole < info.nbytes:
            return evolve(entry, note="compressed: --exact reads the values")
        try:
            array = self.header.array(node)
            return evolve(entry, glance=glance(array, whole))
        except DecodeError as error:
            return evolve(entry, note=f"values not shown: {printable(error.message)}")

    def _grant(self, nbytes: int) -> int:
        """How large an array may be to be read whole."""
        if nbytes <= _WHOLE and self._read + nbytes <= _WHOLE_TOGETHER:
            self._read += nbytes
            return nbytes
        return _SMALL

    def _objects(self, entry: Entry, node: dict[str, Any], place: _Place) -> Entry:
        items = node.get("data")
        assert entry.array is not None
        for _ in entry.array.shape[1:]:
            if type(items) is list and len(items) == 1 and type(items[0]) is list:
                items = items[0]
        if type(items) is not list:
            return evolve(entry, note="no elements")
        texts = [inline(item, self.graph, 3) for item in items[:_PARTS]]
        if None not in texts:
            first = tuple(text for text in texts[:6] if text is not None)
            return evolve(entry, glance=Glance(len(items), first=first))
        alike = self._class_of_all([*flattened(items)])
        text = f"{entry.text}{f' of {alike}' if alike else ''}"
        children, hidden = self._items(_with_places(items), place.at("data"))
        return evolve(entry, text=text, children=tuple(children), hidden=hidden)

    def _sparse(self, entry: Entry, node: dict[str, Any], place: _Place) -> Entry:
        layout, kind, shape = node.get("format"), node.get("kind"), node.get("shape")
        if type(shape) is not list or not all(type(length) is int for length in shape):
            return evolve(entry, text="sparse", note="the shape is no list of lengths")
        title = f"sparse {printable(str(layout), 10)} {printable(str(kind), 10)}"
        data = self._safe_target(node.get("data"))
        if type(data) is not dict or data.get("$") != "ndarray":
            return evolve(entry, text=f"{title} {_shape(tuple(shape))}")
        values = self._array(entry, data, place.at("data"))
        assert values.array is not None
        total = 1
        for length in shape:
            total *= max(length, 0)
        stored = f", {values.array.size:,} stored"
        if total:
            stored += f" ({100 * values.array.size / total:.2g} %)"
        text = f"{title} {values.array.dtype} {_shape(tuple(shape))}{stored}"
        return evolve(entry, text=text, glance=values.glance, note=values.note)


def is_estimator_of_others(node: dict[str, Any]) -> bool:
    """Whether an object that the table does not know keeps scikit-learn's conventions of names."""
    return "_sklearn_version" in node or any(name.endswith("_") and not name.startswith("_") for name in node)


def flattened(items: list[Node]) -> Iterator[Node]:
    """The elements of nested lists."""
    stack = [iter(items)]
    while stack:
        for item in stack[-1]:
            if type(item) is list:
                stack.append(iter(item))
                break
            yield item
        else:
            stack.pop()


def _with_places(items: list[Node]) -> Iterator[tuple[PathPart, Node]]:
    for index, item in enumerate(items):
        yield index, item[0] if type(item) is list and len(item) == 1 else item


def _shape(shape: tuple[int, ...]) -> str:
    text = ", ".join(map(str, shape))
    return printable(f"({text},)" if len(shape) == 1 else f"({text})", 60)
