"""What a codec is: how values of one family of types become nodes of a document, and objects again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from reflectio.errors import DocumentError

if TYPE_CHECKING:
    from reflectio.decoder import Decoder
    from reflectio.encoder import Encoder

#: A value that JSON can say: the currency between objects and bytes.
Node = Any

#: A node that is a JSON object, with its tag under ``"$"``.
ObjectNode = dict[str, Any]


class Codec:
    """
    How values of one family of types are written and rebuilt.

    Subclass it, set the class attributes, and give an instance to `reflectio.register`.

    Attributes
    ----------
    types : tuple of type or str
        The classes it is for. A dotted name stands for the class of that public name, so that registering a
        codec imports nothing.
    subclasses : bool
        Whether it is also for their subclasses.
    tag : str or None
        The node's tag, a name without a dot. None: the node is tagged with the public name of its class.
    members : frozenset of str
        The members that its nodes may have besides ``$`` and ``$id``; others are refused.
    required : frozenset of str
        Those of them that its nodes must have.
    shared : bool
        Whether the identity of its values matters. A value met twice is then written once and referred to.
    late : bool
        Whether it rebuilds in two steps, `create` and `fill`, so that the value may refer to itself.
    """

    types: tuple[type | str, ...] = ()
    subclasses: bool = False
    tag: str | None = None
    members: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    shared: bool = True
    late: bool = False

    #: For codecs whose nodes are very many: builds any node with the codec's tag, and sees to members and identity
    #: itself, as `reflectio.readers` does for all others.
    read: Callable[[ObjectNode, Decoder], Any] | None = None

    #: The reader that builds the plainest of its nodes, in `reflectio.compiled.reading` or in the module before its name,
    #: and the writer in `reflectio.compiled.writing` that gives them, where these were compiled.
    compiled: str | None = None
    compiled_writer: str | None = None

    #: Whether all its objects are made by a call with arguments, for which the policy is asked by whatever makes one.
    constructs: bool = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        """Give the node for ``obj``; parts of it that are not plain JSON go through ``encoder.visit``."""
        raise NotImplementedError

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        """Give the object for ``node``; parts of it go through ``decoder.build``."""
        raise NotImplementedError

    def encode_rows(self, objects: list[Any], encoder: Encoder) -> ObjectNode | None:
        """Give one node for all items of a list, member by member; None where each needs its own."""
        return None

    def build_rows(self, node: ObjectNode, decoder: Decoder) -> list[Any]:
        """Give the objects of a node that `encode_rows` gave."""
        raise DocumentError("objects of this class are written one by one")

    def names(self, node: ObjectNode) -> Iterable[tuple[str, Any]]:
        """Give the names that a node needs, each with the policy's list: class, constructor or callable."""
        return ()

    def create(self, node: ObjectNode, decoder: Decoder) -> Any:
        """Give the empty object that `fill` completes."""
        raise NotImplementedError

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        """Complete an object that `create` gave."""
        raise NotImplementedError


class LateCodec(Codec):
    """A codec that rebuilds in two steps: the object exists, and can be referred to, before its contents."""

    late = True

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        obj = self.create(node, decoder)
        self.fill(obj, node, decoder)
        return obj
