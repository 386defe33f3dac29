"""Plain values of a document on one line, as Python would write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reflectio.codec import Node
from reflectio.errors import DocumentError
from reflectio.inspection.graph import Graph, tag_of
from reflectio.inspection.paths import MAPPINGS
from reflectio.inspection.text import printable, quoted

# What a line shows of a container, and how deep it looks into one.
_ITEMS = 8
_NESTING = 4

_BRACKETS = {"list": "[]", "tuple": "()", "set": "{}", "frozenset": "{}", "deque": "[]"}

# Nodes whose text is one of their members.
_TEXTS = {
    "int": "value",
    "float": "value",
    "decimal": "value",
    "fraction": "value",
    "uuid": "value",
    "date": "value",
    "datetime": "value",
    "time": "value",
    "zoneinfo": "key",
    "callable": "name",
    "class": "name",
}
_CONSTANTS = {"ellipsis": "...", "notimplemented": "NotImplemented", "masked": "masked"}


class _NotPlainError(Exception):
    """The value is, or contains, an object or an array, which deserve lines of their own."""


def inline(node: Node, graph: Graph, items: int = _ITEMS) -> str | None:
    """
    Write a plain value.

    Parameters
    ----------
    node : node
        What to write.
    graph : Graph
        The document's nodes.
    items : int
        How many items of a container are written.

    Returns
    -------
    str or None
        Harmless to print; None where the value is or contains an object, an array, or much.
    """
    try:
        return _text(node, graph, items, 0)
    except (_NotPlainError, DocumentError):
        return None


def _text(node: Node, graph: Graph, items: int, depth: int) -> str:
    kind = type(node)
    if kind is str:
        return quoted(node)
    if kind is list:
        return _sequence("[]", node, graph, items, depth)
    if kind is not dict:
        return repr(node)
    node = graph.target(node)
    if type(node) is not dict:
        return _text(node, graph, items, depth + 1)
    tag = tag_of(node)
    if tag is None:
        return _mapping(node.items(), len(node), graph, items, depth)
    if tag in _TEXTS:
        text = node.get(_TEXTS[tag])
        return printable(text, 80) if type(text) is str else "?"
    if tag in _CONSTANTS:
        return _CONSTANTS[tag]
    if tag in _BRACKETS and type(node.get("items")) is list:
        return _sequence(_BRACKETS[tag], node["items"], graph, items, depth)
    if tag in MAPPINGS and type(node.get("items")) is list:
        pairs = [pair for pair in node["items"] if type(pair) is list and len(pair) == 2]
        return _mapping(iter(pairs), len(pairs), graph, items, depth)
    return _special(tag, node, graph, items, depth)


def _special(tag: Any, node: dict[str, Any], graph: Graph, items: int, depth: int) -> str:
    def part(name: str) -> str:
        return _text(node.get(name), graph, items, depth + 1) if depth < _NESTING else "…"

    match tag:
        case "scalar":
            dtype = node.get("dtype")
            named = f"{printable(dtype, 30)}(" if type(dtype) is str else "scalar("
            value = node.get("value")
            return (
                f"{named}{printable(value, 60) if dtype != 'str' and type(value) is str else part('value')})"
            )
        case "complex":
            return f"({part('real')}+{part('imag')}j)"
        case "slice" | "range":
            return f"{tag}({part('start')}, {part('stop')}, {part('step')})"
        case "dtype" if type(node.get("name")) is str:
            return f"dtype({printable(node['name'], 40)})"
        case "enum":
            return f"{part('name')[1:-1]}: {part('value')}"
        case "path" | "pattern" | "timedelta" | "timezone":
            parts = [part(name) for name in ("value", "pattern", "days", "seconds", "offset") if name in node]
            return f"{tag}({', '.join(parts)})"
        case "bytes" | "bytearray" | "str" if type(node.get("data")) is str:
            return f"{tag} of {3 * len(node['data']) // 4:,} B"
        case "randomstate" | "generator":
            source = graph.target(node.get("bit_generator"))
            name = source.get("name") if type(source) is dict else None
            title = "RandomState" if tag == "randomstate" else "Generator"
            return f"{title}({printable(name, 40) if type(name) is str else ''})"
        case "bitgenerator" if type(node.get("name")) is str:
            return printable(node["name"], 40)
    raise _NotPlainError


def _sequence(brackets: str, parts: list[Node], graph: Graph, items: int, depth: int) -> str:
    opening, closing = brackets[0], brackets[1]
    if depth >= _NESTING:
        return f"{opening}…{closing}"
    texts = [_text(part, graph, items, depth + 1) for part in parts[:items]]
    if len(parts) > items:
        if not all(_is_plain(part) for part in parts[items:]):
            raise _NotPlainError
        texts.append(f"… {len(parts) - items:,} more")
    elif brackets == "()" and len(parts) == 1:
        texts.append("")
    return f"{opening}{', '.join(texts).rstrip()}{closing}"


def _mapping(pairs: Any, count: int, graph: Graph, items: int, depth: int) -> str:
    if depth >= _NESTING:
        return "{…}"
    texts: list[str] = []
    entries: Iterator[Any] = iter(pairs)
    for key, value in entries:
        if len(texts) < items:
            texts.append(f"{_text(key, graph, items, depth + 1)}: {_text(value, graph, items, depth + 1)}")
        elif not _is_plain(value):
            raise _NotPlainError
    if count > items:
        texts.append(f"… {count - items:,} more")
    return f"{{{', '.join(texts)}}}"


def _is_plain(node: Node) -> bool:
    return type(node) is not dict and type(node) is not list


def short_name(tag: str) -> str:
    """The class of a tag without its module."""
    return printable(tag.rpartition(".")[2], 60)


def same(first: Node, second: Node, graph: Graph) -> bool:
    """Whether a value of the document is that of a table, numbers being equal whatever their type."""
    try:
        first = graph.target(first)
    except DocumentError:
        return False
    kind = type(second)
    if kind is dict:
        return (
            type(first) is dict
            and first.keys() - {"$id"} == second.keys()
            and all(same(first[name], value, graph) for name, value in second.items())
        )
    if kind is list:
        return (
            type(first) is list
            and len(first) == len(second)
            and all(same(a, b, graph) for a, b in zip(first, second, strict=True))
        )
    if kind in (int, float) and type(first) in (int, float):
        return bool(first == second)
    return type(first) is kind and bool(first == second)
