"""What takes the space in a document: its arrays and large values, those of like places together."""

from __future__ import annotations

from typing import Any

from attrs import define

from reflectio.codec import Node
from reflectio.errors import format_path
from reflectio.inspection.graph import Graph
from reflectio.inspection.paths import ITEMS
from reflectio.inspection.text import printable

# So many different places are told apart; a hostile document has as many as it has bytes.
_PLACES = 50_000

# A place: the one that holds it, and what it is called there.
_Place = tuple[Any, str]


@define
class Use:
    """
    What takes space.

    Attributes
    ----------
    path : str
        Where it is, with ``[*]`` for any position in a list.
    nbytes : int
        How many bytes of the document it takes.
    count : int
        How many places the path stands for.
    """

    path: str
    nbytes: int = 0
    count: int = 0


def largest(graph: Graph, most: int, within: tuple[str, Node] | None = None) -> list[Use]:
    """
    Find what takes the most space.

    Parameters
    ----------
    graph : Graph
        The document's nodes.
    most : int
        How many places to give.
    within : tuple of str and node, optional
        The path and the node of the part that is looked at; by default all of the document.

    Returns
    -------
    list of Use
        The largest first.
    """
    # Each place exists once, so that it can be found again by identity.
    places: dict[tuple[int, str], _Place] = {}
    totals: dict[int, tuple[_Place, list[int]]] = {}
    elsewhere: _Place = (None, "…")

    def inside(place: _Place, part: str) -> _Place:
        key = (id(place), part)
        found = places.get(key)
        if found is None:
            if len(places) >= _PLACES:
                return elsewhere
            found = places[key] = (place, part)
        return found

    if within is None:
        roots: list[_Place] = [(None, "$.model"), (None, "$.objects[*]")]
        stack: list[tuple[Node, _Place]] = [
            (graph.model, roots[0]),
            *((node, roots[1]) for node in graph.objects),
        ]
    else:
        stack = [(within[1], (None, within[0]))]
    while stack:
        node, place = stack.pop()
        kind = type(node)
        if graph.is_value(node) or (kind is dict and node.get("$") == "ndarray" and _is_leaf(node, graph)):
            _, total = totals.setdefault(id(place), (place, [0, 0]))
            total[0] += graph.size(node)
            total[1] += 1
        elif kind is list:
            below = inside(place, "[*]")
            stack.extend((part, below) for part in node)
        else:
            tag = node.get("$")
            alike = graph.alike(node) or ()
            for name, part in node.items():
                if name in alike:
                    continue
                if tag is None or name not in ("$", "$id"):
                    stack.append((part, place if tag is not None and name in ITEMS else inside(place, name)))
    ranked = sorted(totals.values(), key=lambda found: -found[1][0])[:most]
    return [Use(_path(place), *total) for place, total in ranked]


def _is_leaf(node: dict[str, Any], graph: Graph) -> bool:
    return "data" not in node or graph.is_value(node["data"])


def _path(place: _Place) -> str:
    parts: list[str] = []
    while place[0] is not None:
        parts.append(place[1])
        place = place[0]
    text = place[1]
    for part in reversed(parts[:40]):
        text += part if part == "[*]" else format_path([part], "")
    return printable(text)
