"""Every name that a document holds, found without importing or building anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from reflectio.codec import Node
from reflectio.errors import PathPart, format_path
from reflectio.policy import Kind
from reflectio.registry import codec_for_tag

_NESTED = frozenset({dict, list})


class Use(NamedTuple):
    """One use of a name: the policy's list that must hold it, the name, and where it is."""

    kind: Kind
    name: str
    path: str


# Members that hold the parts of a container, which a path leaves out: $.model.steps[0], not $.model.steps.items[0].
_TRANSPARENT = frozenset({"items", "$items"})


def uses(roots: list[Node]) -> Iterator[Use]:
    """
    Find the names that nodes hold.

    Parameters
    ----------
    roots : list of node
        The root of the document and its ``objects``.
    """
    stack: list[tuple[Node, str]] = [
        (root, "$.model" if index == 0 else f"$.objects[{index - 1}]") for index, root in enumerate(roots)
    ]
    stack.reverse()
    while stack:
        node, path = stack.pop()
        if type(node) is dict:
            yield from _uses_of(node, path)
            parts: list[tuple[PathPart, Node]] = [*node.items()]
        else:
            parts = [*enumerate(node)]
        for part, value in reversed(parts):
            if type(value) in _NESTED:
                transparent = type(node) is dict and "$" in node and part in _TRANSPARENT
                stack.append((value, path if transparent else format_path([part], path)))


def _uses_of(node: dict[str, Any], path: str) -> Iterator[Use]:
    tag = node.get("$")
    if type(tag) is not str:
        return
    if "." in tag:
        kind: Kind = "constructor" if "$args" in node or "$new" in node else "class"
        yield Use(kind, tag, path)
        return
    codec = codec_for_tag(tag)
    if codec is not None:
        for needed, name in codec.names(node):
            if type(name) is str:
                yield Use(cast(Kind, needed), name, path)
