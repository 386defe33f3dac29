"""What a policy allows in a document and a reviewer may still want to see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from reflectio.codec import Node
from reflectio.errors import PathPart, format_path

_NESTED = frozenset({dict, list})

_MANY_JOBS = 256
_LARGE_CACHE_MB = 16_384


@frozen
class Notice:
    """
    Something worth a look.

    Attributes
    ----------
    path : str
        Where it is.
    message : str
        What it is, and why it matters.
    """

    path: str
    message: str


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


# Parameters of estimators whose value makes a later call reach outside the process, or ask for very much.
_PARAMETERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "memory": (
        lambda value: type(value) is str,
        "fitting will cache on disk, in this folder, as pickles",
    ),
    "input": (
        lambda value: value in ("file", "filename"),
        "transforming will open the files that its input names",
    ),
    "n_jobs": (
        lambda value: _is_number(value) and abs(value) > _MANY_JOBS,
        "asks for a great many processes or threads",
    ),
    "cache_size": (
        lambda value: _is_number(value) and value > _LARGE_CACHE_MB,
        "training will ask for a very large cache, in MB",
    ),
    "token_pattern": (
        lambda value: type(value) is str and value != r"(?u)\b\w\w+\b",
        "a regular expression of its own: some take exponential time on some texts",
    ),
}


def notices(header: dict[str, Any], roots: list[Node]) -> Iterator[Notice]:
    """
    Find what is worth a look.

    Parameters
    ----------
    header : dict
        The header's members.
    roots : list of node
        The root of the document and its ``objects``.
    """
    if "segment" in header and "digest" not in header:
        yield Notice("$", "the header's digest was deleted: the document may have been edited by hand")
    stack: list[tuple[Node, str]] = [
        (root, "$.model" if index == 0 else f"$.objects[{index - 1}]") for index, root in enumerate(roots)
    ]
    while stack:
        node, path = stack.pop()
        if type(node) is dict:
            tag = node.get("$")
            if type(tag) is str and "." in tag:
                for name in node.keys() & _PARAMETERS.keys():
                    is_notable, message = _PARAMETERS[name]
                    if is_notable(node[name]):
                        yield Notice(format_path([name], path), f"{name} = {node[name]!r}: {message}")
        parts: list[tuple[PathPart, Node]] = [*(node.items() if type(node) is dict else enumerate(node))]
        stack.extend((value, format_path([part], path)) for part, value in parts if type(value) in _NESTED)
