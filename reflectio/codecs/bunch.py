"""``sklearn.utils.Bunch``: a dict whose items can be read as attributes."""

from __future__ import annotations

from typing import Any

from reflectio.codec import Codec, Node
from reflectio.codecs.objects import ObjectCodec
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import ValidationError


class BunchCodec(ObjectCodec):
    """
    Bunches, with what they keep beside their items.

    A Bunch ignores the state that pickle gives it, and so loses it; its attributes are set here instead.
    """

    def __init__(self, cls: type) -> None:
        super().__init__(cls)
        self._setstate = None

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        if (reason := _refusal(obj)) is not None:
            raise encoder.refuse(reason)
        return super().encode(obj, encoder)

    def _fill_items(self, obj: Any, items: Node, decoder: Decoder) -> None:
        super()._fill_items(obj, items, decoder)
        if (reason := _refusal(obj)) is not None:
            raise ValidationError(reason)


def _refusal(obj: dict[Any, Any]) -> str | None:
    # Items are attributes as well: numpy would follow an item named __array_interface__ to any address.
    for key in obj:
        if type(key) is not str or (key.startswith("__") and key.endswith("__")):
            return f"a Bunch cannot have an item named {key!r}"
    return None


def is_bunch(cls: Any) -> bool:
    """Whether a class is scikit-learn's Bunch."""
    return isinstance(cls, type) and cls.__name__ == "Bunch" and cls.__module__.startswith("sklearn.utils")


FACTORIES: tuple[tuple[Any, type[Codec]], ...] = ((is_bunch, BunchCodec),)
