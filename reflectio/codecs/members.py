"""Members of nodes that are nodes themselves: an error in one says which member it arose in."""

from __future__ import annotations

from typing import Any

from reflectio.codec import Node, ObjectNode
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, UnsupportedTypeError
from reflectio.walk_in import located


def visit_member(value: Any, member: str, encoder: Encoder, *, care: bool = False) -> Node:
    """The node of a value that is written as a member; with ``care`` where integers in it are beyond 64 bits."""
    try:
        return encoder.visit_with_care(value) if care else encoder.visit(value)
    except UnsupportedTypeError as error:
        error.within(member)
        raise


def build_member(node: ObjectNode, member: str, decoder: Decoder) -> Any:
    """The object that a member describes."""
    try:
        return decoder.build(node[member])
    except Exception as error:
        raise located(error, member) from error


def build_list(node: ObjectNode, member: str, decoder: Decoder) -> list[Any]:
    """
    The items of a member that must be a list where it stands.

    Such a list is complete once it is built, and no other object holds it: what is found out about it stays true.
    """
    if type(node.get(member)) is not list:
        raise DocumentError(f"{member} must be a list").within(member)
    items: list[Any] = build_member(node, member, decoder)
    return items


def is_private(part: Node) -> bool:
    """Whether a node is an array's, and nothing else in the document can refer to the array."""
    return type(part) is dict and part.get("$") == "ndarray" and not ({"$id", "base"} & part.keys())
