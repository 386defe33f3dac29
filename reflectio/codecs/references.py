"""References to an object that a document describes elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.codec import Codec, ObjectNode
from reflectio.decoder import Decoder
from reflectio.readers import checked_reader

# The tag and the id.
_MEMBERS = 2


class RefCodec(Codec):
    """References by id. The visitor writes them by itself, for whatever it meets again."""

    tag = "ref"
    members = required = frozenset({"id"})
    compiled = "RefReader"

    def __init__(self) -> None:
        self._read_checked = checked_reader(self)

    def read(self, node: ObjectNode, decoder: Decoder) -> Any:
        """Give what a reference stands for; mostly one dtype for all trees."""
        number = node.get("id")
        if type(number) is int and len(node) == _MEMBERS:
            found = decoder.built.get(number)
            if isinstance(found, np.dtype):
                return found
        return self._read_checked(node, decoder)

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        return decoder.ref(node["id"])


CODECS: tuple[Codec, ...] = (RefCodec(),)
