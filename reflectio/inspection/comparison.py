"""What differs between two documents: parameters, learned values, structure, versions; by path, building nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import orjson
from attrs import evolve, frozen

from reflectio.codec import Node
from reflectio.codecs.numbers import parse_float
from reflectio.errors import DecodeError, LimitError, format_path
from reflectio.inspection.array_differences import Difference, differences
from reflectio.inspection.defaults import defaults
from reflectio.inspection.graph import tag_of
from reflectio.inspection.header import Header, Source, read_header
from reflectio.inspection.html import diff_html
from reflectio.inspection.insights import TREE, tree_summary
from reflectio.inspection.outline import Outliner, is_estimator_of_others
from reflectio.inspection.paths import ITEMS, MAPPINGS, Place, named_pair, path_of
from reflectio.inspection.report import title_of
from reflectio.inspection.text import number, printable, share
from reflectio.inspection.values import inline
from reflectio.policy import PolicyLike

Kind = Literal["parameter", "learned", "structure", "version", "metadata"]

#: The kinds of changes, in the order in which they are told.
KINDS: tuple[Kind, ...] = ("structure", "parameter", "learned", "version", "metadata")

# Two documents are compared in so many steps for each byte, and so many in any case, unless references multiply
# what there is to compare.
_STEPS_PER_BYTE = 2
_STEPS = 1_000_000

# Equal text is compared faster than values are.
_BYTES_A_STEP = 16

# What can be divided by as a float.
_LARGEST_FLOAT = 1e300

# Values that are equal or not, with nothing that could change in them later: whether two places share one does not
# matter.
_UNCHANGING = frozenset({"tuple", "frozenset", "dtype", "slice", "range", "bytes"})

# Tags of nodes whose parts are worth being compared one by one.
_CONTAINERS = MAPPINGS | {"tuple", "set", "frozenset", "deque"}

# What scikit-learn writes into each estimator, and the document into its versions.
_VERSION_ATTRIBUTE = "_sklearn_version"

_NUMBERS = frozenset({int, float})

# Trees of neighbours count what their queries did: a mere `predict` changes these, and nothing that they answer.
_NEIGHBOR_TREE = re.compile(r"sklearn\.neighbors\.(?:\w+\.)*(?:KD|Ball)Tree(?:32|64)?", re.ASCII)
_QUERY_STATISTICS = frozenset({"n_trims", "n_leaves", "n_splits", "n_calls"})


@frozen
class Change:
    """
    Something that differs between two models.

    Attributes
    ----------
    kind : {"structure", "parameter", "learned", "version", "metadata"}
        What it is.
    path : str
        Where it is; a library's name for versions.
    before, after : str
        What is there; empty where nothing is. Harmless to print.
    count : int
        Of arrays that differ in values: the number of elements.
    different : int
        How many of these differ.
    absolute, relative : float or None
        The largest difference of two numbers, as it is, and as a part of the larger of the two.
    at : str
        Where in the array the largest difference is.
    change : float or None
        Of single numbers: the difference as a part of the first, as the text says it; None where that is zero.
    """

    kind: Kind
    path: str
    before: str
    after: str
    count: int = 0
    different: int = 0
    absolute: float | None = None
    relative: float | None = None
    at: str = ""
    change: float | None = None

    def text(self) -> str:
        """The change on one line, without its path."""
        if self.different:
            return f"{self.before}: {self._differing()}"
        if not self.before:
            return f"added: {self.after}"
        if not self.after:
            return f"removed: {self.before}"
        by = ""
        if self.absolute is not None and self.absolute < np.inf:
            part = "" if self.change is None else f", {share(self.change)}"
            by = f"  (by {number(self.absolute)}{part})"
        return f"{self.before} → {self.after}{by}"

    def _differing(self) -> str:
        which = "all" if self.different == self.count else f"{self.different:,} of {self.count:,}"
        if self.absolute is None:
            return f"{which} differ"
        if self.absolute == 0.0:
            return f"{which} differ, only in the signs of zeros or the bits of NaNs"
        where = f" at {self.at}" if self.at and self.count > 1 else ""
        by = (
            f"{number(self.absolute)} ({share(self.relative or 0.0)})"
            if self.absolute < np.inf
            else "inf or NaN"
        )
        return f"{which} differ, by up to {by}{where}"


@frozen
class Diff:
    """
    What differs between two models.

    Attributes
    ----------
    changes : tuple of Change
        Everything that differs, in the order of the first document.
    before, after : str
        Each model in a few words.
    """

    changes: tuple[Change, ...]
    before: str
    after: str

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.changes

    def of_kind(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)

    def without(self, *kinds: str) -> Diff:
        """The same, apart from some kinds of changes."""
        return evolve(self, changes=tuple(change for change in self.changes if change.kind not in kinds))

    def _repr_html_(self) -> str:
        return diff_html(self)


def diff(
    a: Source | Header, b: Source | Header, *, rtol: float = 0, atol: float = 0, policy: PolicyLike = None
) -> Diff:
    """
    Find what differs between two models, without building them or importing any of their names.

    Both formats can be compared with each other. What KD and ball trees count of their queries is left out.

    Parameters
    ----------
    a, b : bytes, bytearray, memoryview, path or Header
        The documents.
    rtol, atol : float, default=0
        Floats that differ by no more than ``atol + rtol * max(abs(a), abs(b))`` are taken as equal. Without, those
        are equal whose bits are.
    policy : Policy or path, optional
        As in `reflectio.loads`; its limits count.

    Returns
    -------
    Diff
        What differs.

    Raises
    ------
    DecodeError
        One of them is no document, is damaged, or describes what cannot be.
    OSError
        A file cannot be read.

    Examples
    --------
    >>> import reflectio
    >>> from sklearn.linear_model import Ridge
    >>> before = reflectio.dumps(Ridge(alpha=1.0).fit([[0.0], [1.0]], [0.0, 1.0]))
    >>> after = reflectio.dumps(Ridge(alpha=2.0).fit([[0.0], [1.0]], [0.0, 1.0]))
    >>> for change in reflectio.diff(before, after).changes:
    ...     print(change.path, change.text())
    $.model.alpha 1.0 → 2.0  (by 1, 100 %)
    $.model.coef_ float64 (1,): all differ, by up to 0.1333 (40 %)
    $.model.intercept_ float64(0.33333333333333337) → float64(0.4)  (by 0.06667, 20 %)
    """
    headers = [
        source if isinstance(source, Header) else read_header(source, policy=policy) for source in (a, b)
    ]
    return compare(*headers, rtol=rtol, atol=atol)


def compare(
    a: Header,
    b: Header,
    *,
    rtol: float = 0,
    atol: float = 0,
    tell: Callable[[int], None] = lambda nbytes: None,
) -> Diff:
    """As `diff`, of two headers; ``tell`` is told how many bytes of arrays have been compared since the last call."""
    if not (rtol >= 0 and atol >= 0):
        raise ValueError(f"rtol and atol must not be negative; they are {rtol!r} and {atol!r}")
    changes = [*_Comparison(a, b, rtol, atol, tell).changes(), *_versions(a, b), *_metadata(a, b)]
    return Diff(tuple(changes), title_of(a), title_of(b))


def _versions(a: Header, b: Header) -> Iterator[Change]:
    for name in dict.fromkeys((*a.versions, *b.versions)):
        before, after = a.versions.get(name, ""), b.versions.get(name, "")
        if before != after:
            yield Change("version", printable(name), printable(str(before), 60), printable(str(after), 60))


def _metadata(a: Header, b: Header) -> Iterator[Change]:
    if a.metadata == b.metadata:
        return
    before, after = (x if type(x) is dict else {} for x in (a.metadata, b.metadata))
    if before or after:
        for name in dict.fromkeys((*before, *after)):
            if name not in before or name not in after or before[name] != after[name]:
                path = printable(format_path([name], "$.metadata"))
                yield Change("metadata", path, _json(before, name), _json(after, name))
    else:
        yield Change("metadata", "$.metadata", _json({"": a.metadata}, ""), _json({"": b.metadata}, ""))


def _json(members: dict[str, Any], name: str) -> str:
    return printable(orjson.dumps(members[name]).decode(), 100) if name in members else ""


# A place: the one around it, the part of a path (None: left out), and what it is to the object that has it.


class _Comparison:
    """One walk over two documents, without recursion: references make them as deep as they like."""

    def __init__(self, a: Header, b: Header, rtol: float, atol: float, tell: Callable[[int], None]) -> None:
        self._headers = (a, b)
        self._graphs = (a.graph, b.graph)
        self._rtol = rtol
        self._atol = atol
        self._tell = tell
        self._changes: list[Change] = []
        self._outliners = (Outliner(a, depth=0), Outliner(b, depth=0))
        # What each node was compared with, and where; nodes stay alive with their headers.
        self._partners: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._places: tuple[dict[int, Place], dict[int, Place]] = ({}, {})
        self._pairs: set[tuple[int, int]] = set()
        written_out = a.expansion.count + b.expansion.count
        self._steps = _STEPS + _STEPS_PER_BYTE * (a.header_nbytes + b.header_nbytes + written_out)
        self._stack: list[tuple[Node, Node, Place, Kind]] = []

    def changes(self) -> list[Change]:
        a, b = self._headers
        self._stack.append((a.model, b.model, (None, "$.model"), "structure"))
        while self._stack:
            self._spend(1)
            first, second, place, kind = self._stack.pop()
            try:
                self._compare(self._graphs[0].target(first), self._graphs[1].target(second), place, kind)
            except DecodeError as error:
                error.rooted(path_of(place))
                raise
        return self._changes

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise LimitError(
                "comparing these documents takes too long: their references multiply their values"
            )

    def _note(self, kind: Kind, place: Place, before: str, after: str) -> None:
        self._changes.append(Change(kind, path_of(place), before, after))

    # -- values ----------------------------------------------------------------------------------------------

    def _compare(self, a: Node, b: Node, place: Place, kind: Kind) -> None:
        if type(a) not in (dict, list) and type(b) not in (dict, list):
            self._compare_plain(a, b, place, kind)
            return
        numbers = _number(a), _number(b)
        if numbers[0] is not None and numbers[1] is not None and _tag(a) == _tag(b):
            if _type_name(a) == _type_name(b):
                self._compare_numbers(a, b, *numbers, place=place, kind=kind)
            else:
                self._differ(a, b, place, kind)
            return
        if _tag(a) != _tag(b):
            self._differ(a, b, place, kind if _is_value(a, self._graphs[0]) else "structure")
            return
        if not self._is_new(a, b, place):
            return
        if self._are_equal_values(a, b):
            return
        match _tag(a):
            case "list":
                self._compare_lists(_items(a), _items(b), place, kind)
            case "dict":
                self._compare_members(_entries(a), _entries(b), place, kind)
            case "ndarray":
                self._compare_arrays(a, b, place, kind)
            case tag if "." in tag:
                self._compare_objects(a, b, place)
            case tag if tag not in _CONTAINERS and self._are_plain(a, b):
                self._differ(a, b, place, kind)
            case _:
                self._compare_tagged(a, b, place, kind)

    def _are_equal_values(self, a: Node, b: Node) -> bool:
        """Whether two nodes of nothing but plain values have the same text; then there is no need to look inside."""
        first, second = self._graphs
        if not self._are_plain(a, b) or first.size(a) != second.size(b):
            return False
        self._spend(first.size(a) // _BYTES_A_STEP)
        return orjson.dumps(a) == orjson.dumps(b)

    def _are_plain(self, a: Node, b: Node) -> bool:
        return self._graphs[0].is_plain(a) and self._graphs[1].is_plain(b)

    def _compare_plain(self, a: Node, b: Node, place: Place, kind: Kind) -> None:
        if type(a) in _NUMBERS and type(a) is type(b):
            self._compare_numbers(a, b, a, b, place=place, kind=kind)
        elif type(a) is not type(b) or a != b:
            self._differ(a, b, place, kind)

    def _compare_numbers(self, a: Node, b: Node, x: Any, y: Any, *, place: Place, kind: Kind) -> None:
        is_float = type(x) is float
        dtype = np.float64 if is_float else object
        if not is_float:
            if x != y:
                by = abs(x - y)
                whole = max(abs(x), abs(y))
                large = by.bit_length() > 1000
                absolute, relative = (np.inf, 1.0) if large else (float(by), by / whole)
                self._differ(a, b, place, kind, absolute, relative, first=x)
            return
        found = differences(
            np.array([x], dtype), np.array([y], dtype), self._rtol, self._atol, lambda count: None
        )
        if found is not None:
            self._differ(a, b, place, kind, found.absolute, found.relative, first=x)

    def _differ(
        self,
        a: Node,
        b: Node,
        place: Place,
        kind: Kind,
        absolute: float | None = None,
        relative: float | None = None,
        first: float = 0,
    ) -> None:
        before, after = self._headline(0, a), self._headline(1, b)
        if before == after and type(a) is type(b) is str:
            # They differ beyond what is shown.
            before, after = f"{before} ({len(a):,} characters)", f"{after} ({len(b):,} other characters)"
        elif before == after:
            after = f"another {after}"
        change = None
        if absolute is not None and absolute < np.inf and first and abs(first) < _LARGEST_FLOAT:
            change = absolute / abs(float(first))
        self._changes.append(
            Change(
                kind,
                path_of(place),
                before,
                after,
                absolute=absolute,
                relative=relative,
                change=change,
            )
        )

    def _headline(self, side: int, node: Node) -> str:
        return self._outliners[side].headline(node)

    # -- identity --------------------------------------------------------------------------------------------

    def _is_new(self, a: Node, b: Node, place: Place) -> bool:
        """Whether two nodes have not been compared; a difference in what is shared is noted."""
        nodes = (a, b)
        if (id(a), id(b)) in self._pairs:
            return False
        self._pairs.add((id(a), id(b)))
        met = [id(node) in partners for node, partners in zip(nodes, self._partners, strict=True)]
        if not any(met):
            for side in (0, 1):
                self._partners[side][id(nodes[side])] = id(nodes[1 - side])
                self._places[side][id(nodes[side])] = place
            return True
        if _tag(a) in _UNCHANGING:
            return True
        texts = [
            f"the same object as {path_of(self._places[side][id(nodes[side])])}"
            if met[side]
            else f"an object of its own, {self._headline(side, nodes[side])}"
            for side in (0, 1)
        ]
        self._note("structure", place, *texts)
        return False

    # -- containers ------------------------------------------------------------------------------------------

    def _push(self, pairs: list[tuple[Node, Node, Place, Kind]]) -> None:
        self._stack.extend(reversed(pairs))

    def _compare_lists(self, a: list[Node], b: list[Node], place: Place, kind: Kind) -> None:
        self._spend(len(a) + len(b))
        names = [self._names(a, 0), self._names(b, 1)]
        if names[0] is not None and names[1] is not None and names[0] != names[1]:
            self._compare_named(a, b, names[0], names[1], place)
            return
        if len(a) != len(b):
            texts = (self._outliners[0].contents(a), self._outliners[1].contents(b))
            self._note("structure", place, *texts)
        if not any(type(part) in (dict, list) for part in (*a, *b)) and len(a) == len(b):
            # Rows of plain values, as most are.
            for index, (x, y) in enumerate(zip(a, b, strict=True)):
                if x is not y:
                    self._compare_plain(x, y, (place, index), kind)
            return
        self._push([(x, y, (place, index), kind) for index, (x, y) in enumerate(zip(a, b, strict=False))])

    def _names(self, items: list[Node], side: int) -> list[str] | None:
        """The names of steps, where a list has such and no name twice."""
        if not items or len(items) > 10_000:
            return None
        names = []
        for item in items:
            pair = named_pair(item, self._graphs[side])
            if pair is None:
                return None
            names.append(pair[0])
        return names if len(set(names)) == len(items) else None

    def _compare_named(
        self, a: list[Node], b: list[Node], names_a: list[str], names_b: list[str], place: Place
    ) -> None:
        places = [{name: index for index, name in enumerate(names)} for names in (names_a, names_b)]
        for side, (names, items) in enumerate(((names_a, a), (names_b, b))):
            for index, (name, item) in enumerate(zip(names, items, strict=True)):
                if name not in places[1 - side]:
                    self._alone(side, name, item, (place, index))
        common = [name for name in names_a if name in places[1]]
        if common != [name for name in names_b if name in places[0]]:
            orders = [printable(" → ".join(map(repr, names)), 200) for names in (names_a, names_b)]
            self._note("structure", place, *orders)
        self._push([(a[places[0][n]], b[places[1][n]], (place, places[0][n]), "structure") for n in common])

    def _alone(self, side: int, name: str, item: Node, place: Place) -> None:
        pair = named_pair(item, self._graphs[side])
        text = f"{printable(name, 60)}: {self._headline(side, pair[1] if pair else item)}"
        self._note("structure", place, text if side == 0 else "", text if side == 1 else "")

    def _compare_members(self, a: dict[Any, Node], b: dict[Any, Node], place: Place, kind: Kind) -> None:
        pairs: list[tuple[Node, Node, Place, Kind]] = []
        for name, value in a.items():
            if name in b:
                pairs.append((value, b[name], (place, name), kind))
            else:
                self._note(kind, (place, name), self._headline(0, value), "")
        self._changes += [
            Change(kind, path_of((place, name)), "", self._headline(1, value))
            for name, value in b.items()
            if name not in a
        ]
        self._push(pairs)

    def _compare_tagged(self, a: dict[str, Node], b: dict[str, Node], place: Place, kind: Kind) -> None:
        if _tag(a) in MAPPINGS:
            self._compare_members(_entries(a), _entries(b), place, kind)
            return
        members = [_members(node) for node in (a, b)]
        for name in ITEMS:
            if all(type(part.get(name)) is list for part in members):
                self._compare_lists(members[0].pop(name), members[1].pop(name), place, kind)
        self._compare_members(members[0], members[1], place, kind)

    def _compare_objects(self, a: dict[str, Node], b: dict[str, Node], place: Place) -> None:
        if a["$"] == TREE and a.get("node_count") != b.get("node_count"):
            # Trees that grew differently: which number stands where says nothing.
            texts = [tree_summary(node, header) for node, header in zip((a, b), self._headers, strict=True)]
            self._note("learned", place, *texts)
            return
        roles = [self._roles(node, side) for side, node in enumerate((a, b))]
        pairs: list[tuple[Node, Node, Place, Kind]] = []
        members = _members(a), _members(b)
        uncounted = _QUERY_STATISTICS if _NEIGHBOR_TREE.fullmatch(a["$"]) else frozenset()
        for name in dict.fromkeys((*members[0], *members[1])):
            if name in uncounted:
                continue
            kind = roles[0](name)
            below = place if name == "$items" else (place, name)
            if name not in members[1]:
                self._note(kind, below, self._headline(0, members[0][name]), "")
            elif name not in members[0]:
                self._note(kind, below, "", self._headline(1, members[1][name]))
            elif name != _VERSION_ATTRIBUTE or not self._is_told_by_versions(*(m[name] for m in members)):
                pairs.append((members[0][name], members[1][name], below, kind))
        self._push(pairs)

    def _is_told_by_versions(self, a: Node, b: Node) -> bool:
        versions = [header.versions.get("scikit-learn") for header in self._headers]
        return [a, b] == versions

    def _roles(self, node: dict[str, Node], side: int) -> Callable[[str], Kind]:
        """What each attribute of an object is."""
        known = defaults().of(node["$"], self._headers[side].versions.get("scikit-learn"))
        if known is not None:
            return lambda name: "parameter" if name in known else "learned"
        if not is_estimator_of_others(node):
            return lambda name: "learned"
        return lambda name: "learned" if name.endswith("_") or name[:1] in "_$" else "parameter"

    # -- arrays ----------------------------------------------------------------------------------------------

    def _compare_arrays(self, a: dict[str, Node], b: dict[str, Node], place: Place, kind: Kind) -> None:
        infos = [header.describe(node) for header, node in zip(self._headers, (a, b), strict=True)]
        texts = [self._headline(side, node) for side, node in enumerate((a, b))]
        first, second = infos
        if (first.dtype, first.shape, first.fields) != (second.dtype, second.shape, second.fields):
            self._note("structure", place, *texts)
            return
        if first.order != second.order:
            orders = [f"{text}, in {info.order} order" for text, info in zip(texts, infos, strict=True)]
            self._note("structure", place, *orders)
        if first.place == "objects":
            self._push([(a.get("data"), b.get("data"), (place, "data"), kind)])
            return
        arrays = [header.array(node) for header, node in zip(self._headers, (a, b), strict=True)]
        self._compare_elements(*arrays, text=texts[0], place=place, kind=kind)

    def _compare_elements(
        self, a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], *, text: str, place: Place, kind: Kind
    ) -> None:
        if a.dtype != b.dtype:
            self._note("structure", place, text, "records of other fields")
            return
        if a.dtype.names is not None:
            for name in a.dtype.names:
                self._compare_elements(
                    a[name], b[name], text=f"{a[name].dtype}", place=(place, name), kind=kind
                )
            return
        size = a.dtype.itemsize
        found = differences(a, b, self._rtol, self._atol, lambda count: self._tell(count * size))
        if found is not None:
            self._changes.append(_change_of(found, a, b, text, path_of(place), kind))


def _change_of(
    found: Difference, a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], text: str, path: str, kind: Kind
) -> Change:
    at = ""
    if found.at is not None:
        at = str([int(index) for index in np.unravel_index(found.at, a.shape)])
    return Change(
        kind,
        path,
        text,
        text,
        count=found.count,
        different=found.different,
        absolute=0.0 if found.bits_only else found.absolute,
        relative=0.0 if found.bits_only else found.relative,
        at=at,
    )


# -- nodes ----------------------------------------------------------------------------------------------------


def _tag(node: Node) -> str:
    """What a node is: lists and plain dicts have a tag only where they are shared."""
    if type(node) is list:
        return "list"
    if type(node) is dict:
        return tag_of(node) or "dict"
    return ""


def _type_name(node: Node) -> Any:
    return node.get("dtype") if type(node) is dict else type(node)


def _is_value(node: Node, graph: Any) -> bool:
    return inline(node, graph) is not None


def _number(node: Node) -> float | int | None:
    """The number that a node is; None where it is none."""
    if type(node) is float or type(node) is int:
        return node
    if type(node) is not dict:
        return None
    if node.get("$") == "float":
        return parse_float(node.get("value"))
    if node.get("$") == "scalar" and type(dtype := node.get("dtype")) is str:
        value = node.get("value")
        if dtype in ("float64", "float32", "float16"):
            return (
                parse_float(value)
                if value in ("inf", "-inf", "nan", "-nan")
                else value
                if type(value) is float
                else None
            )
        return value if type(value) is int and "int" in dtype else None
    return None


def _members(node: dict[str, Node]) -> dict[str, Node]:
    return {name: value for name, value in node.items() if name not in ("$", "$id")}


def _items(node: Node) -> list[Node]:
    items = node if type(node) is list else node.get("items")
    return items if type(items) is list else []


def _entries(node: dict[str, Node]) -> dict[Any, Node]:
    """The entries of a mapping, by what a path calls their keys."""
    if "$" not in node:
        return node
    items = node.get("items")
    entries: dict[Any, Node] = {}
    for index, pair in enumerate(items if type(items) is list else ()):
        if type(pair) is list and len(pair) == 2:
            key, value = pair
            entries[key if type(key) is str else orjson.dumps(key).decode()] = value
        else:
            entries[index] = pair
    return entries
