"""What builds the nodes with each tag, under one policy: names are allowed, members checked, identity kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from reflectio import compiled
from reflectio.codec import Codec, ObjectNode
from reflectio.errors import DocumentError
from reflectio.names import resolve
from reflectio.policy import Kind, Policy
from reflectio.registry import codec_for_named_class, codec_for_tag, load_entry_points, on_change

if TYPE_CHECKING:
    from reflectio.decoder import Decoder

#: Builds any node with a tag.
Reader = Callable[[ObjectNode, "Decoder"], Any]

# How many orders of members are remembered per codec as checked; a hostile document may show many.
_REMEMBERED_SHAPES = 64


class NameRefusedError(Exception):
    """The policy refuses a name; whoever loads then collects every such name of the document."""


def allowed(policy: Policy, kind: Kind, name: str) -> Any:
    """Import what a name stands for, once the policy has allowed it."""
    if not policy.allows(kind, name):
        raise NameRefusedError(name)
    found = resolve(name)
    if not policy.confirm(kind, name, found):
        raise NameRefusedError(name)
    return found


class Readers(dict[str, Reader]):
    """The reader of each tag that documents have shown so far, under one policy."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self._policy = policy
        self.codecs: dict[str, Codec] = {}
        # Classes that may be called with arguments, yet not be rebuilt without.
        self.only_constructors: set[str] = set()
        self.resolved: dict[tuple[Kind, str], Any] = {}

    def __missing__(self, tag: str) -> Reader:
        codec = self.codecs[tag] = self._codec(tag)
        is_free = codec.constructs or tag not in self.only_constructors
        quick = codec.read if is_free else None
        reader = quick or checked_reader(codec)
        if is_free and codec.compiled is not None:
            module, _, name = codec.compiled.rpartition(".")
            if (part := compiled.part(module or "reading")) is not None:
                reader = getattr(part, name)(reader, codec, self._policy)
        self[tag] = reader
        return reader

    def _codec(self, tag: str) -> Codec:
        if type(tag) is not str:
            raise DocumentError(f"the tag {tag!r} is not a string")
        if "." in tag:
            codec = codec_for_named_class(self._class(tag))
            if codec.tag is not None:
                raise DocumentError(f"{tag} is written under the tag {codec.tag!r}, not under its name")
            return codec
        load_entry_points()
        found = codec_for_tag(tag)
        if found is None:
            raise DocumentError(
                f"unknown tag {tag!r}; the document needs a newer reflectio, or a package that offers a "
                "codec for it"
            )
        return found

    def _class(self, name: str) -> type:
        if not self._policy.allows("class", name):
            found = allowed(self._policy, "constructor", name)
            self.only_constructors.add(name)
        else:
            found = allowed(self._policy, "class", name)
        if not isinstance(found, type):
            raise DocumentError(f"{name} is not a class")
        return found


_readers: WeakKeyDictionary[Policy, Readers] = WeakKeyDictionary()
_last: tuple[Policy, Readers] | None = None


def _forget() -> None:
    global _last
    _readers.clear()
    _last = None


on_change(_forget)


def readers_for(policy: Policy) -> Readers:
    """The readers under a policy, which every document that is loaded under it adds to."""
    global _last
    # Nearly always the policy of the load before.
    if _last is not None and _last[0] is policy:
        return _last[1]
    found = _readers.get(policy)
    if found is None:
        found = _readers[policy] = Readers(policy)
    _last = policy, found
    return found


def checked_reader(codec: Codec) -> Reader:
    """
    Give what builds the nodes of a codec that knows of no members but its own.

    Parameters
    ----------
    codec : Codec
        The codec. Nodes tagged with the name of a class have attributes as members, which it checks itself.
    """
    decode = codec.decode
    if codec.tag is None:

        def read_object(node: ObjectNode, decoder: Decoder) -> Any:
            return decoder.build_shared(node, codec) if "$id" in node else decode(node, decoder)

        return read_object
    # By the order of members, whether the identity is among them.
    shapes: dict[tuple[str, ...], bool] = {}

    def read(node: ObjectNode, decoder: Decoder) -> Any:
        shape = tuple(node)
        shared = shapes.get(shape)
        if shared is None:
            check_members(codec, node)
            shared = "$id" in node
            if len(shapes) < _REMEMBERED_SHAPES:
                shapes[shape] = shared
        return decoder.build_shared(node, codec) if shared else decode(node, decoder)

    return read


def check_members(codec: Codec, node: ObjectNode) -> None:
    """Refuse a node that lacks a member, or has one that its codec does not know."""
    if codec.tag is None:
        return
    members = node.keys() - {"$", "$id"}
    if missing := codec.required - members:
        raise DocumentError(f"a node tagged {codec.tag!r} needs {_quoted(missing)}")
    if unknown := members - codec.members:
        raise DocumentError(f"a node tagged {codec.tag!r} has no {_quoted(unknown)}")


def _quoted(names: set[str] | frozenset[str]) -> str:
    return " or ".join(repr(name) for name in sorted(names))
