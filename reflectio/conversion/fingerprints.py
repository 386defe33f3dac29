"""The state of an object as bytes, by which two objects are compared that do not share memory in the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from reflectio.codec import Node
from reflectio.encoder import Encoder


class _NoMemory(dict[int, np.ndarray[Any, Any]]):
    """Remembers no array, so that none is written as a view of another."""

    def __setitem__(self, key: int, value: np.ndarray[Any, Any]) -> None:
        """Forget it."""


class _PlainEncoder(Encoder):
    """A walk that writes every array out, in the order in which pickle keeps it."""

    def __init__(self, *, careful: bool) -> None:
        super().__init__(inline=True, careful=careful)
        self.memory = _NoMemory()
        self._open: set[int] = set()

    def share_leaf(self, obj: Any, encode: Callable[[Any, Encoder], Node]) -> Node:
        return encode(obj.copy("A"), self) if isinstance(obj, np.ndarray) else super().share_leaf(obj, encode)

    def share(self, obj: Any, encode: Callable[[Any, Encoder], Node], late: bool = False) -> Node:
        if not isinstance(obj, np.ndarray) or isinstance(obj, np.ma.MaskedArray) or id(obj) in self._open:
            return super().share(obj, encode, late)
        self._open.add(id(obj))
        node = encode(obj, self)
        self._open.discard(id(obj))
        return node


def fingerprint(obj: Any, *, careful: bool) -> bytes:
    """
    Give bytes that are equal for equal states.

    Parameters
    ----------
    obj : Any
        The object.
    careful : bool
        As for `reflectio.encoder.Encoder`.
    """
    model, objects = _PlainEncoder(careful=careful).encode(obj)
    return orjson.dumps([model, objects])
