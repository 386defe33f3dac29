"""Paths into a document, as errors and reports write them: ``$.model.steps[1][1].coef_``."""

from __future__ import annotations

import difflib
import re
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from reflectio.codec import Node
from reflectio.errors import DocumentError, PathPart, format_path
from reflectio.inspection.graph import tag_of
from reflectio.inspection.text import printable
from reflectio.places import path_from

if TYPE_CHECKING:
    from reflectio.inspection.graph import Graph
    from reflectio.inspection.header import Header

_PART = re.compile(
    r"""\.(?P<name>[^.\[\]]+)|\[(?P<index>-?[0-9]{1,18})\]|\[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]"""
)
_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)", re.ASCII | re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}

# How many of the parts of a node a message lists.
_LISTED = 12

#: Members that hold the parts of a container, which a path leaves out.
ITEMS = ("items", "$items")

#: Tags of mappings whose items are pairs of key and value.
MAPPINGS = frozenset({"dict", "ordereddict", "counter", "defaultdict"})


@frozen
class Found:
    """A node and the parts of its path."""

    node: Node
    root: str
    parts: tuple[PathPart, ...]

    @property
    def path(self) -> str:
        return format_path(self.parts, self.root)


def parse(text: str) -> list[PathPart]:
    """
    Read a path.

    Parameters
    ----------
    text : str
        Such as ``$.model.steps[1][1]``; without ``$`` it starts at the model: ``steps[1]``.

    Returns
    -------
    list of str or int
        Its parts behind the ``$``, the member of the header first.

    Raises
    ------
    DocumentError
        It is no path.
    """
    text = text.strip()
    if not text.startswith("$") or text.startswith(("$args", "$state", "$items", "$new")):
        text = f"$.model{'' if text.startswith('[') or not text else '.'}{text}"
    parts: list[PathPart] = []
    position = 1
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            raise DocumentError(
                f"{printable(text)!r} is no path, from character {position + 1} on; write for example "
                "'$.model.steps[1][1].coef_', in quotes"
            )
        if match["index"] is not None:
            parts.append(int(match["index"]))
        elif match["quoted"] is not None:
            parts.append(_ESCAPE.sub(_unescape, match["quoted"][1:-1]))
        else:
            parts.append(match["name"])
        position = match.end()
    return parts


def _unescape(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) > 1:
        return chr(int(escape[1:], 16)) if int(escape[1:], 16) < 0x110000 else match[0]
    return _ESCAPED.get(escape, escape)


def find(header: Header, path: str) -> Found:
    """The node at a path of a document."""
    parts = parse(path)
    if not parts:
        return Found(header.model, "$.model", ())
    root, *rest = parts
    if root not in ("model", "objects"):
        hint = ""
        if root in ("metadata", "versions"):
            hint = f"; without a path, `reflectio show` prints the {root}, and with --json in full"
        raise DocumentError(f"{printable(path)!r}: a path starts with $.model or $.objects{hint}")
    node: Node = header.model if root == "model" else header.objects
    taken: list[PathPart] = []
    waiting = deque(rest)
    while waiting:
        if waiting[0] == "columns" and type(header.graph.target(node)) is list:
            waiting = _of_one_row(waiting)
        part = waiting.popleft()
        node = _step(header.graph.target(node), part, header.graph, format_path(taken, f"$.{root}"))
        taken.append(part)
    return Found(header.graph.target(node), f"$.{root}", tuple(taken))


def _of_one_row(parts: deque[PathPart]) -> deque[PathPart]:
    """A path into rows, as errors of loading have it: ``.columns.tree_.columns.nodes`` is ``[0].tree_.nodes``."""
    names: list[PathPart] = []
    while len(parts) > 1 and parts[0] == "columns":
        parts.popleft()
        names.append(parts.popleft())
    row: PathPart = parts.popleft() if parts and type(parts[0]) is int else 0
    if parts and parts[0] == "array":
        parts.popleft()
    return deque([row, *names, *parts]) if names else parts


def _step(node: Node, part: PathPart, graph: Graph, where: str) -> Node:
    for name, value in parts_of(node, graph):
        if name == part:
            return value
    if type(node) is dict and type(part) is str and part in node and part != "$":
        return node[part]
    if type(part) is str:
        # The steps of a pipeline go by their names, too.
        for _, value in parts_of(node, graph):
            if (pair := named_pair(value, graph)) is not None and pair[0] == part:
                return pair[1]
    elif type(part) is int and part < 0:
        raise DocumentError(f"there is no [{part}] in {printable(where)}; count from 0")
    raise DocumentError(
        f"there is no {printable(format_path([part], ''))} in {printable(where)}{_there(node, part, graph)}"
    )


def _there(node: Node, part: PathPart, graph: Graph) -> str:
    names = [name for name, _ in parts_of(node, graph)]
    if not names:
        return ", which has no parts"
    if type(part) is int and type(names[-1]) is int:
        return f", which has {len(names)} items"
    texts = [str(name) for name in names]
    close = difflib.get_close_matches(str(part), texts[:1000], _LISTED // 2) or texts[:_LISTED]
    more = "" if len(close) == len(names) else ", …"
    return f"; there is {', '.join(printable(format_path([name], ''), 60) for name in close)}{more}"


def named_pair(node: Node, graph: Graph) -> tuple[str, Node] | None:
    """The name and the other part of a tuple such as the step of a pipeline."""
    node = graph.target(node)
    if type(node) is dict and node.get("$") == "tuple":
        node = node.get("items")
        if type(node) is list and len(node) >= 2 and type(node[0]) is str:
            return node[0], node[1]
    return None


def key_part(key: Node) -> PathPart:
    """How the key of a mapping is written in a path."""
    return key if type(key) is str or type(key) is int else repr(key)


def parts_of(node: Node, graph: Graph) -> Iterator[tuple[PathPart, Node]]:
    """
    The parts of a node by what a path calls them: items by number, entries by key, members by name.

    Parameters
    ----------
    node : node
        No reference.
    graph : Graph
        The document's nodes.
    """
    if type(node) is list:
        yield from enumerate(node)
    elif type(node) is dict:
        tag = tag_of(node)
        for name, value in node.items():
            if tag is not None and name in ("$", "$id"):
                continue
            if tag is None or name not in ITEMS:
                yield name, value
                continue
            items = _target(value, graph)
            if type(items) is list:
                yield from _entries(items) if tag in MAPPINGS else enumerate(items)
            elif type(items) is dict and name == "$items":
                # What a subclass of dict contains.
                inner = items.get("items") if tag_of(items) in MAPPINGS else None
                yield from _entries(inner) if type(inner) is list else items.items()
            else:
                yield name, value


def _target(node: Node, graph: Graph) -> Node:
    """What a reference refers to; one that refers to nothing as it is."""
    try:
        return graph.target(node)
    except DocumentError:
        return node


def _entries(pairs: list[Any]) -> Iterator[tuple[PathPart, Node]]:
    for index, pair in enumerate(pairs):
        if type(pair) is list and len(pair) == 2:
            yield key_part(pair[0]), pair[1]
        else:
            yield index, pair


#: Where something is: the place that holds it (None: it is the root), and the last part of its path (None: none).
Place = tuple[Any, PathPart | None]


def path_of(place: Place, *, deepest: int = 40, longest: int = 1000) -> str:
    """
    Write the path of a place, harmless to print.

    Parameters
    ----------
    place : Place
        Where something is, as a walk over a model passes it on: it costs the same at any depth.
    deepest : int, default=40
        How many parts are written: of a deeper path, the last ones.
    longest : int, default=1000
        How many characters are written at most.
    """
    return printable(path_from("$.model", place, deepest), longest)
