"""
The state of an object as bytes, or as a document, by which two objects are compared that share no memory.

Two states that mean the same are one state here, since pickle has one of them only:

- numpy's masked arrays have no fill value until it is asked for, and then the default one of their dtype. Where they
  are unpickled it is set; that of objects is then an object, and not text, as which numpy keeps its default.
- scikit-learn's `Bunch` forgets ``_deprecated_key_to_warnings`` where it is unpickled, on purpose (its issue 6196). It
  holds no values, only texts with which to warn of keys that are on their way out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import xxhash

from reflectio.array_bytes import as_buffer
from reflectio.codec import Node
from reflectio.collector import without_collector
from reflectio.document import write_binary
from reflectio.draft import joined
from reflectio.encoder import Encoder
from reflectio.segment_writer import SegmentWriter
from reflectio.versions import versions_for

_BUNCH = "sklearn.utils.Bunch"
_BUNCH_WARNINGS = "_deprecated_key_to_warnings"


class _NoMemory(dict[int, np.ndarray[Any, Any]]):
    """Remembers no array, so that none is written as a view of another."""

    def __setitem__(self, key: int, value: np.ndarray[Any, Any]) -> None:
        """Forget it."""


class _DigestSegment(SegmentWriter):
    """Keeps of each array its digest only, so that a fingerprint costs no memory."""

    def store(self, array: np.ndarray[Any, Any]) -> dict[str, Any]:
        return {"xxh3_128": xxhash.xxh3_128_hexdigest(as_buffer(array))}


class _PlainEncoder(Encoder):
    """A walk that writes every array out, in the order in which pickle keeps it."""

    def __init__(self, *, careful: bool, segment: SegmentWriter) -> None:
        super().__init__(careful=careful, segment=segment)
        self.memory = _NoMemory()
        self.as_they_lie = False
        self._open: set[int] = set()

    def share_leaf(self, obj: Any, encode: Callable[[Any, Encoder], Node]) -> Node:
        return encode(obj.copy("A"), self) if isinstance(obj, np.ndarray) else super().share_leaf(obj, encode)

    def share(self, obj: Any, encode: Callable[[Any, Encoder], Node], late: bool = False) -> Node:
        if isinstance(obj, np.ma.MaskedArray):
            return super().share(obj, lambda obj, encoder: encode(_with_fill_value(obj), encoder), late)
        if not isinstance(obj, np.ndarray) or id(obj) in self._open:
            return super().share(obj, encode, late)
        self._open.add(id(obj))
        node = encode(obj, self)
        self._open.discard(id(obj))
        return node

    def complete(self, key: int, node: Node) -> Node:
        if isinstance(node, dict) and node.get("$") == _BUNCH:
            node.pop(_BUNCH_WARNINGS, None)
        return super().complete(key, node)


def _with_fill_value(array: Any) -> Any:
    """The same array, with the fill value that it has once it is unpickled."""
    # The array itself is somebody else's.
    view = array.view()
    if view.fill_value is not None:  # which sets it
        value, view._fill_value = view._fill_value, None
        view.fill_value = value
    return view


def fingerprint(obj: Any) -> bytes:
    """
    Give bytes that are equal for equal states.

    Parameters
    ----------
    obj : Any
        The object.
    """
    model, objects, _ = _nodes(obj, _DigestSegment)
    return orjson.dumps([model, objects])


def plain_document(obj: Any) -> bytes:
    """
    Give a document that is equal for equal states, and shows where others differ.

    Parameters
    ----------
    obj : Any
        The object.
    """
    model, objects, encoder = _nodes(obj, SegmentWriter)
    return joined(write_binary(versions_for(encoder.names), None, model, objects, encoder.segment))


@without_collector
def _nodes(obj: Any, segment: type[SegmentWriter]) -> tuple[Node, list[Node], Encoder]:
    encoder = _PlainEncoder(careful=False, segment=segment())
    model, objects = encoder.encode(obj)
    try:
        orjson.dumps([model, objects])
    except orjson.JSONEncodeError:
        # Somewhere is an integer beyond 64 bits, or text that is not Unicode: walk again and look at each.
        encoder = _PlainEncoder(careful=True, segment=segment())
        model, objects = encoder.encode(obj)
    return model, objects, encoder
