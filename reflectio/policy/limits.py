"""How much a document may cost to load, as a policy says it."""

from __future__ import annotations

from typing import NewType

from attrs import frozen

__all__ = ["Limits", "Size"]

Size = NewType("Size", int)  # bytes; text such as "8 GiB" in a file

_GiB = 2**30


@frozen
class Limits:
    """
    How much a document may cost to load; exceeding one raises `LimitError` before the cost arises.

    Parameters
    ----------
    document_bytes : int, default=8 GiB
        Size of the document as it lies on disk.
    depth : int, default=10_000
        Nesting of lists and objects in the header. More than 254 are refused whatever the limit: what lies deeper
        in a model stands in the header's ``objects``, which take no nesting.
    nodes : int, default=50_000_000
        Values in the header: every number, string, list and object counts as one.
    dimensions : int, default=64
        Dimensions of an array; 64 is numpy's own limit.
    int_digits : int, default=100_000
        Decimal digits of an integer beyond 64 bits, whose parsing time grows faster than its length.
    text_bytes : int, default=1 GiB
        Size of the header, the part of a document that is parsed as JSON.
    expanded_bytes : int, default=8 GiB
        Size of the document after decompression.
    """

    document_bytes: Size = Size(8 * _GiB)
    depth: int = 10_000
    nodes: int = 50_000_000
    dimensions: int = 64
    int_digits: int = 100_000
    text_bytes: Size = Size(_GiB)
    expanded_bytes: Size = Size(8 * _GiB)
