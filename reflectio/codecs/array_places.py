"""Where a document's arrays lie in its segment, found before anything is built so that they can be read in order."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from reflectio.codec import Node, ObjectNode
from reflectio.codecs.dtypes import parse_dtype, parse_shape
from reflectio.decoder import Decoder
from reflectio.errors import DocumentError, LimitError
from reflectio.streamed_segment import Form, Place

_NESTED = frozenset({dict, list})


def array_places(roots: list[Node], decoder: Decoder) -> Iterator[Place]:
    """
    Find the arrays that lie in the segment.

    Nothing is refused here: a node that makes no sense is left for the codec to refuse, with its path. A dtype that is
    a node is left to the codec, too, for building a node uses it up.

    Parameters
    ----------
    roots : list of node
        The root and the objects.
    decoder : Decoder
        What will build them.
    """
    stack: list[Any] = [roots]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            if "at" in node and node.get("$") == "ndarray" and type(node["at"]) is int and node["at"] >= 0:
                yield Place(node["at"], _form(node, decoder))
            stack += [value for value in node.values() if type(value) in _NESTED]
        elif not _NESTED.isdisjoint(map(type, node)):
            stack += [value for value in node if type(value) in _NESTED]


def _form(node: ObjectNode, decoder: Decoder) -> Form | None:
    dtype, order = node.get("dtype"), node.get("order", "C")
    if type(dtype) is not str or order not in ("C", "F"):
        return None
    try:
        found, shape = parse_dtype(dtype, decoder), parse_shape(node.get("shape"), decoder.policy.limits)
    except (DocumentError, LimitError):
        return None
    if found.hasobject or found.kind == "T" or not found.itemsize * prod(shape):
        return None
    if "compression" not in node:
        return Form(found, shape, order)
    nbytes = node.get("compressed_nbytes")
    return Form(found, shape, order, node["compression"], nbytes) if type(nbytes) is int else None
