"""References to an object that a document describes elsewhere."""

from __future__ import annotations

from typing import Any

from reflectio.codec import Codec, ObjectNode
from reflectio.decoder import Decoder
from reflectio.readers import checked_reader

# The tag and the id.
_MEMBERS = 2


class RefCodec(Codec):
    """References by id. The visitor writes them by itself, for whatever it meets again."""

    tag = "ref"
    members = required = frozenset({"id"})

    def __init__(self) -> None:
        self._read_checked = checked_reader(self)

    def read(self, node: ObjectNode, decoder: Decoder) -> Any:
        """Give what a reference stands for; most are to what is built already."""
        number = node.get("id")
        if type(number) is int and number in decoder.built and len(node) == _MEMBERS:
            return decoder.built[number]
        return self._read_checked(node, decoder)

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        return decoder.ref(node["id"])


CODECS: tuple[Codec, ...] = (RefCodec(),)
