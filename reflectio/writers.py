"""What writes the objects of each type: looked up once, so that a walk asks no codec for most of what it meets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reflectio import compiled
from reflectio.codec import Codec, Node
from reflectio.registry import codec_for_class, load_entry_points, on_change

if TYPE_CHECKING:
    from reflectio.encoder import Encoder

#: JSON nests no deeper than this; what lies deeper continues in ``objects``.
NESTING = 100

#: Objects are moved to ``objects`` a little before that, so that what cannot be moved (a tuple, say, which must
#: be complete before anything can refer to it) still finds room.
MOVE_AT = NESTING - 20

#: Gives the node of any object of a type.
Writer = Callable[[Any, "Encoder"], Node]

_writing = compiled.part("writing")


class _Writers(dict[type, Writer]):
    """The writer of each type met so far; its codec is asked from the converter once."""

    def __missing__(self, cls: type) -> Writer:
        load_entry_points()
        codec: Codec = codec_for_class(cls)
        writer = writer_for(codec.encode, shared=codec.shared, late=codec.late)
        if _writing is not None and codec.compiled_writer is not None:
            writer = getattr(_writing, codec.compiled_writer)(writer, codec)
        self[cls] = writer
        return writer


def writer_for(encode: Writer, *, shared: bool, late: bool) -> Writer:
    """
    Give what writes every object of a type.

    Parameters
    ----------
    encode : callable
        Gives the node of an object that was not met before.
    shared : bool
        Whether the identity of the objects matters.
    late : bool
        Whether a reader can refer to an object before its contents are complete.
    """
    if not shared:
        return encode
    if not late:
        return lambda obj, encoder: encoder.share(obj, encode)

    def write(obj: Any, encoder: Encoder) -> Node:
        # `Encoder.share` for the common case, spelled out: this runs for nearly every object.
        nodes = encoder.nodes
        key = id(obj)
        if key in nodes or encoder.values_open or encoder.depth > MOVE_AT:
            return encoder.share(obj, encode, late=True)
        nodes[key] = None
        encoder.kept.append(obj)
        encoder.depth += 1
        node = encode(obj, encoder)
        encoder.depth -= 1
        return encoder.complete(key, node)

    return write


#: What encoders write with.
writers = _Writers()
on_change(writers.clear)
