"""Every name that a document holds, found without importing or building anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from reflectio.codec import Node
from reflectio.errors import PathPart
from reflectio.places import path_from
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
    times : int
        For how many objects.
    """

    kind: Kind
    name: str
    path: str
    times: int = 1


# Members that hold the parts of a container, which a path leaves out: $.model.steps[0], not $.model.steps.items[0].
_TRANSPARENT = frozenset({"items", "$items"})

# A place in a document: the place that holds it, the member or item that it is there (None: left out), and the root.
Place = tuple[Any, PathPart | None, str]


def path_of(place: Place) -> str:
    """Write a place of `nodes_of` as a path."""
    return path_from(place[2], place)


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
    stack: list[tuple[Node, Place]] = [
        (root, (None, None, "$.model" if index == 0 else f"$.objects[{index - 1}]"))
        for index, root in enumerate(roots)
        if type(root) in _NESTED
    ]
    stack.reverse()
    while stack:
        node, place = stack.pop()
        if type(node) is dict:
            yield node, place
            parts: list[tuple[PathPart, Node]] = [*node.items()]
        elif _NESTED.isdisjoint(map(type, node)):
            continue
        else:
            parts = [*enumerate(node)]
        for part, value in reversed(parts):
            if type(value) in _NESTED:
                transparent = type(node) is dict and "$" in node and part in _TRANSPARENT
                stack.append((value, (place, None if transparent else part, place[2])))


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
            yield Use(kind, tag, path_of(place))
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
                yield Use(cast(Kind, needed), name, path_of(place))


def _use_in_rows(node: dict[str, Any], place: Place) -> Use | None:
    name, count = node.get("of"), node.get("count")
    if type(name) is not str or "." not in name:
        return None
    kind: Kind = "constructor" if "args" in node else "class"
    return Use(kind, name, path_of(place), count if type(count) is int and count > 0 else 1)


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
