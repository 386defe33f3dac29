"""Where a document's arrays lie in its segment, found before anything is built so that they can be read in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import prod
from typing import Any

from reflectio.codec import Node, ObjectNode
from reflectio.codecs.columns import ends_in
from reflectio.codecs.dtypes import parse_shape, plain_dtype
from reflectio.decoder import Decoder
from reflectio.errors import DocumentError, LimitError
from reflectio.streamed_segment import Form, Place

_NESTED = frozenset({dict, list})

# A joined array is read into its parts where these have so many bytes on average: what an array takes besides is little
# then, and a document could not ask for many more arrays than it has bytes for.
_LARGE_PART = 1 << 10


def array_places(roots: list[Node], decoder: Decoder) -> Iterator[Place]:
    """
    Find the arrays that lie in the segment.

    Nothing is refused here: a node that makes no sense is left for the codec to refuse, with its path. A dtype that is
    more than a name, or a record of a few numbers, is left to the codec, too, for building a node uses it up.

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
            if _lies_in_segment(node):
                yield Place(node["at"], _form(node, decoder))
            elif node.get("$") == "rows":
                yield from _joined_places(node, decoder)
            stack += [value for value in node.values() if type(value) in _NESTED]
        elif not _NESTED.isdisjoint(map(type, node)):
            stack += [value for value in node if type(value) in _NESTED]


def _lies_in_segment(node: Node) -> bool:
    return (
        type(node) is dict
        and "at" in node
        and node.get("$") == "ndarray"
        and type(node["at"]) is int
        and node["at"] >= 0
    )


def _joined_places(rows: ObjectNode, decoder: Decoder) -> Iterator[Place]:
    """Of the columns of rows, the joined arrays whose parts are large. Where the walk meets them again, they are known."""
    count, columns = rows.get("count"), rows.get("columns")
    if type(count) is not int or count < 1 or type(columns) is not dict:
        return
    for column in columns.values():
        if type(column) is not dict or column.get("of") != "ndarray" or "same" in column:
            continue
        array: Any = column.get("array")
        form = _form(array, decoder) if _lies_in_segment(array) else None
        if form is None or not form.shape or form.order != "C" or form.compression is not None:
            continue
        if form.dtype.itemsize * prod(form.shape) < _LARGE_PART * count:
            continue
        with suppress(DocumentError):
            yield Place(array["at"], form, ends_in(column, form.shape[0], count))


def _form(node: ObjectNode, decoder: Decoder) -> Form | None:
    found, order = plain_dtype(node.get("dtype"), decoder), node.get("order", "C")
    if found is None or order not in ("C", "F"):
        return None
    try:
        shape = parse_shape(node.get("shape"), decoder.policy.limits)
    except (DocumentError, LimitError):
        return None
    if found.hasobject or found.kind == "T" or not found.itemsize * prod(shape):
        return None
    if "compression" not in node:
        return Form(found, shape, order)
    nbytes = node.get("compressed_nbytes")
    return Form(found, shape, order, node["compression"], nbytes) if type(nbytes) is int else None
