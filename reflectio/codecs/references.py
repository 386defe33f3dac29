"""References to an object that a document describes elsewhere."""

from __future__ import annotations

from typing import Any

from reflectio.codec import Codec, ObjectNode
from reflectio.decoder import Decoder


class RefCodec(Codec):
    """References by id. The visitor writes them by itself, for whatever it meets again."""

    tag = "ref"
    members = required = frozenset({"id"})

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        return decoder.ref(node["id"])


CODECS: tuple[Codec, ...] = (RefCodec(),)
