"""Every name that a document holds, found without importing or building anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from reflectio.codec import Node
from reflectio.errors import PathPart
from reflectio.places import OfRow, Row, path_from
from reflectio.policy import Kind
from reflectio.registry import codec_for_tag

_NESTED = frozenset({dict, list})


# Tags whose nodes hold no names: their codecs, which take long to import, need not be asked.
NAMELESS = frozenset(
    {
        "bitgenerator",
        "bytearray",
        "bytes",
        "column",
        "complex",
        "counter",
        "date",
        "datetime",
        "decimal",
        "defaultdict",
    }
    | {"deque", "dict", "dtype", "ellipsis", "float", "fraction", "frozenset", "generator", "int", "list"}
    | {"masked", "maskedarray", "notimplemented", "ordereddict", "partial", "path", "pattern", "randomstate"}
    | {"range", "ref", "scalar", "seedsequence", "set", "slice", "str", "time", "timedelta", "timezone"}
    | {"tuple", "uuid", "zoneinfo"}
)


class Use(NamedTuple):
    """
    A use of a name.

    Attributes
    ----------
    kind : {"class", "constructor", "callable"}
        The policy's list that must hold it.
    name : str
        The name.
    path : str
        Where it is.
    place : tuple
        The same, for `path_of`.
    times : int
        For how many objects; the path is that of the first.
    """

    kind: Kind
    name: str
    path: str
    place: Place
    times: int = 1


# Members that hold the parts of a container, which a path leaves out: $.model.steps[0], not $.model.steps.items[0].
_TRANSPARENT = frozenset({"items", "$items"})

# Elements of arrays with more axes are one list.
_NESTED_AXES = 16

# A place in a document: the place that holds it, the member or item that it is there (None: left out), and the root.
Place = tuple[Any, PathPart | Row | OfRow | None, str]


def path_of(place: Place, row: int = 0) -> str:
    """Write a place of `nodes_of` as a path; one that all objects of rows have, as that of the object in a row."""
    return path_from(place[2], place, row=row)


def nodes_of(roots: list[Node]) -> Iterator[tuple[dict[str, Any], Place]]:
    """
    Walk over every JSON object of a document, in its order, without recursion.

    Parameters
    ----------
    roots : list of node
        The root of the document and its ``objects``.

    Yields
    ------
    node : dict
        The object.
    place : tuple
        Where it is, for `path_of`: a path written for every node of a deep document would take quadratic time.
    """
    # Of rows that are part of others, the place is that of their objects already.
    stack: list[tuple[Node, Place, bool]] = [
        (root, (None, None, "$.model" if index == 0 else f"$.objects[{index - 1}]"), False)
        for index, root in enumerate(roots)
        if type(root) in _NESTED
    ]
    stack.reverse()
    while stack:
        node, place, is_column = stack.pop()
        if type(node) is dict:
            if node.get("$") == "rows":
                if not is_column:
                    place = (place, Row(), place[2])
                yield node, place
                stack += reversed([*_parts_of_rows(node, place)])
                continue
            yield node, place
            parts: list[tuple[PathPart, Node]] = [*node.items()]
        elif _NESTED.isdisjoint(map(type, node)):
            continue
        else:
            parts = [*enumerate(node)]
        for part, value in reversed(parts):
            if type(value) in _NESTED:
                transparent = type(node) is dict and "$" in node and part in _TRANSPARENT
                below: Place = (place, None if transparent else part, place[2])
                is_elements = part == "data" and type(value) is dict and value.get("$") == "rows"
                stack.append((value, _elements(below, node) if is_elements else below, is_elements))


def _parts_of_rows(node: dict[str, Any], place: Place) -> Iterator[tuple[Node, Place, bool]]:
    """What is within rows, with its places: as if their objects stood in a list, at the place of the first."""
    root = place[2]
    for name, part in node.items():
        if name == "columns" and type(part) is dict and "$" not in part:
            for attribute, column in part.items():
                if type(column) is dict:
                    yield column, (place, attribute, root), True
                elif type(column) is list:
                    for row, value in enumerate(column):
                        if type(value) in _NESTED:
                            yield value, ((place, OfRow(row), root), attribute, root), False
        elif name == "items" and type(part) is dict:
            yield part, (place, Row(_length(part.get("count"), node.get("count"))), root), True
        elif type(part) in _NESTED:
            yield part, (place, "$args" if name == "args" else name, root), False


def _elements(place: Place, array: Any) -> Place:
    """The place of the elements of an array, which stand in lists of lists."""
    shape = array.get("shape") if type(array) is dict and array.get("$") == "ndarray" else None
    place = (place, Row(), place[2])
    if type(shape) is list and len(shape) <= _NESTED_AXES and all(type(n) is int and n > 0 for n in shape):
        for length in shape[1:]:
            place = (place, Row(length), place[2])
    return place


def _length(n_items: Any, n_lists: Any) -> int:
    """How many items each of some lists has; what makes no sense is refused when it is loaded."""
    return max(1, n_items // n_lists) if type(n_items) is type(n_lists) is int and n_lists > 0 else 1


def uses(roots: list[Node]) -> Iterator[Use]:
    """
    Find the names that nodes hold.

    Parameters
    ----------
    roots : list of node
        The root of the document and its ``objects``.
    """
    targets: dict[int, dict[str, Any]] | None = None
    for node, place in nodes_of(roots):
        tag = node.get("$")
        if type(tag) is not str:
            continue
        if "." in tag:
            kind: Kind = "constructor" if "$args" in node or "$new" in node else "class"
            yield Use(kind, tag, path_of(place), place)
            continue
        if tag == "rows":
            if (use := _use_in_rows(node, place)) is not None:
                yield use
            continue
        if tag in NAMELESS or (tag == "ndarray" and "name" not in node):
            continue
        codec = codec_for_tag(tag)
        if codec is None:
            continue
        if tag == "method":
            # What a method is bound to may be described elsewhere.
            if targets is None:
                targets = targets_of(roots)
            node = {**node, "object": dereferenced(node.get("object"), targets)}
        for needed, name in codec.names(node):
            if type(name) is str:
                yield Use(cast(Kind, needed), name, path_of(place), place)


def _use_in_rows(node: dict[str, Any], place: Place) -> Use | None:
    name, count = node.get("of"), node.get("count")
    if type(name) is not str or "." not in name:
        return None
    kind: Kind = "constructor" if "args" in node else "class"
    return Use(kind, name, path_of(place), place, count if type(count) is int and count > 0 else 1)


def targets_of(roots: list[Node]) -> dict[int, dict[str, Any]]:
    """The nodes that references can refer to, by id."""
    return {
        node["$id"]: node
        for node, _ in reversed([*nodes_of(roots)])
        if "$" in node and type(node.get("$id")) is int
    }


def dereferenced(node: Node, targets: dict[int, dict[str, Any]]) -> Node:
    """The node that a reference refers to; another node as it is."""
    if type(node) is dict and node.get("$") == "ref" and type(node.get("id")) is int:
        return targets.get(node["id"], node)
    return node
