"""
The visitor over what a pickle describes: gives the nodes of the document that the object would have.

No object of the file is built on the way. Names turn into tags, states into members, arrays into arrays: what the
reviewed functions would make is made by `reflectio.pickles.makers` instead. The document that results is
loaded like any other, by the same policy, and with every check; what a file forges is refused there.
"""

from __future__ import annotations

from collections import abc
from datetime import tzinfo
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.clusters import BisectingKMeansCodec
from reflectio.codecs.interpolators import InterpolatorCodec
from reflectio.codecs.neighbors import NamedStateCodec
from reflectio.codecs.objects import ObjectCodec
from reflectio.codecs.sparse import SparseCodec
from reflectio.codecs.values import EnumCodec, NamedTupleCodec, NamespaceCodec
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, UnsupportedTypeError, ValidationError
from reflectio.pickles import reviewed as known
from reflectio.pickles.graph import UNSET, Call, Described, Global, Graph, Mapping, Opaque, SetOf
from reflectio.pickles.makers import Makers
from reflectio.pickles.policy_names import PolicyNames
from reflectio.policy import Kind, Policy
from reflectio.registry import codec_for_named_class
from reflectio.state import StateNames, slots_of
from reflectio.writers import Writer, writer_for

# Other values whose text may be long.
_TEXTS = (PurePath, tzinfo, Fraction)


class GraphEncoder(Encoder):
    """
    One walk over one graph.

    Parameters
    ----------
    graph : Graph
        The graph, which counts what is written.
    policy : Policy
        Allows the names, which are imported where a node depends on what they stand for.
    careful : bool
        As for `Encoder`.
    """

    def __init__(self, graph: Graph, policy: Policy, *, careful: bool = False) -> None:
        super().__init__(careful=careful)
        # A text is written as often as the file refers to it.
        self.plain -= {str}
        self._graph = graph
        self.writers = _Writers(self.writers, self)
        self._names = PolicyNames(policy, used=self.names)
        self._makers = Makers(self._names.resolve, graph)

    # -- names ----------------------------------------------------------------------------------------------

    def encode_global(self, named: Global, encoder: Encoder) -> Node:
        """A name that is held as a value."""
        if named.text in known.CONSTANTS:
            return {"$": known.CONSTANTS[named.text]}
        name, found = self._names.resolve("callable", named)
        self._graph.spend(nbytes=len(name))
        return {"$": "class" if isinstance(found, type) else "callable", "name": name}

    # -- containers -----------------------------------------------------------------------------------------

    def encode_mapping(self, mapping: Mapping, encoder: Encoder) -> Node:
        """A dict: as JSON says it where it can, else as pairs."""
        if all(type(key) is str for key, _ in mapping.pairs):
            members = dict(mapping.pairs)
            if len(members) != len(mapping.pairs):
                raise DocumentError("a key of a dict comes twice")
            if "$" not in members and not self.careful:
                self.depth += 2
                node = self._visit_values(members)
                self.depth -= 2
                return node
        return {"$": "dict", "items": self._visit_pairs(mapping.pairs)}

    def encode_set(self, elements: SetOf, encoder: Encoder) -> Node:
        """A set; the elements are in the order of the file."""
        self.depth += 1
        node = {
            "$": "frozenset" if elements.frozen else "set",
            "items": [self.visit(item) for item in elements.items],
        }
        self.depth -= 1
        return node

    def encode_described(self, described: Described, encoder: Encoder) -> Node:
        """A value that is written under a tag of its own."""
        self.depth += 2
        node = {"$": described.tag, **self._visit_values(described.members)}
        self.depth -= 2
        return node

    def count(self, value: Any) -> None:
        """Count a value of Python's own or numpy's that is written anew wherever the file refers to it."""
        if isinstance(value, str):
            self._graph.spend(nbytes=len(value))
        elif isinstance(value, bytes | bytearray):
            # As base64, which is held in the nodes and in the text made of them: text is one object, however often it is there.
            self._graph.spend(nbytes=2 * len(value))
        elif isinstance(value, int):
            self._graph.spend(nbytes=value.bit_length() // 3)
        elif isinstance(value, tuple):
            self._graph.spend(values=len(value))
        elif isinstance(value, np.generic):
            self._graph.spend(nbytes=value.nbytes)
        elif not isinstance(value, np.ndarray | list):
            self._graph.spend(values=1, nbytes=len(str(value)) if isinstance(value, _TEXTS) else 0)

    def _visit_values(self, members: dict[str, Any]) -> ObjectNode:
        self._graph.spend(nbytes=sum(map(len, members)))
        node: ObjectNode = {}
        key = ""
        try:
            for key, value in members.items():
                node[key] = self.visit(value)
        except (DocumentError, ValidationError, UnsupportedTypeError) as error:
            error.within(key)
            raise
        return node

    def _visit_pairs(self, pairs: list[tuple[Any, Any]]) -> list[Node]:
        self.depth += 2
        nodes: list[Node] = [[self.visit(key), self.visit(value)] for key, value in pairs]
        self.depth -= 2
        return nodes

    # -- calls ----------------------------------------------------------------------------------------------

    def encode_call(self, call: Call, encoder: Encoder) -> Node:
        """An object: by what a reviewed function makes of it, or as an object of a class with a state."""
        if self._makers.can_make(call):
            return self.visit(self._makers.make(call))
        kind: Kind = "class" if call.manner == "new" and not call.args else "constructor"
        name, cls = self._names.resolve(kind, call.func)
        if not isinstance(cls, type):
            raise DocumentError(f"{name} is not a class")
        codec = codec_for_named_class(cls)
        if isinstance(codec, SparseCodec | InterpolatorCodec):
            return self.visit(self._bare_object(call, cls, codec))
        if isinstance(codec, EnumCodec):
            value = call.args[0] if len(call.args) == 1 else None
            return self.visit(self._makers.keep(call, Described("enum", {"name": name, "value": value})))
        return self.share(call, lambda obj, _: self._encode_object(obj, name, cls, codec), late=codec.late)

    def _encode_object(self, call: Call, name: str, cls: type, codec: Codec) -> Node:
        self._graph.spend_on(call)
        node: ObjectNode = {"$": name}
        if call.kwargs is not None:
            raise UnsupportedTypeError(
                f"objects of {name} are made with keyword arguments, which no document has"
            )
        if isinstance(codec, NamedStateCodec):
            state = call.state
            names = codec.parts + codec.optional
            if type(state) is not tuple or not len(codec.parts) <= len(state) <= len(names):
                raise DocumentError(f"the state of a {cls.__qualname__} is not what scikit-learn writes")
            return {**node, **self._visit_values(dict(zip(names, state, strict=False)))}
        if isinstance(codec, NamedTupleCodec):
            fields: tuple[str, ...] = cls._fields  # type: ignore[attr-defined]
            if len(fields) != len(call.args):
                raise DocumentError(f"a {cls.__qualname__} has the fields {', '.join(fields)}")
            return {**node, **self._visit_values(dict(zip(fields, call.args, strict=True)))}
        if isinstance(codec, NamespaceCodec):
            return {**node, **self._visit_values(self._attributes(call.state, cls))}
        if not isinstance(codec, ObjectCodec):
            raise UnsupportedTypeError(
                f"objects of {name} cannot be converted without loading them; if you trust the file, load it as "
                "it is and dump what it gives"
            )
        self.depth += 1
        if call.args or call.manner == "call":
            node["$new" if call.manner == "new" else "$args"] = [self.visit(arg) for arg in call.args]
        if call.items:
            node["$items"] = [self.visit(item) for item in call.items]
        if call.pairs:
            node["$items"] = self.encode_mapping(Mapping(call.pairs), self)
        self.depth -= 1
        if call.state is not UNSET and call.state is not None:
            self._encode_state(call.state, node, cls, codec)
        return node

    def _encode_state(self, state: Any, node: ObjectNode, cls: type, codec: ObjectCodec) -> None:
        custom = codec.takes_state
        if not custom:
            state = _merged(state)
        if type(state) is not Mapping or (not state.pairs and custom):
            node["$state"] = self.visit(state)
            return
        attributes = self._attributes(state, cls)
        if isinstance(codec, BisectingKMeansCodec):
            # The function that it iterates by is one of two, which it has no name for in a document.
            attributes = {
                key: known.HELD.get(value.text, value) if type(value) is Global else value
                for key, value in attributes.items()
            }
        node.update(self._visit_values(attributes))

    @staticmethod
    def _attributes(state: Any, cls: type) -> dict[str, Any]:
        if state is UNSET or state is None:
            return {}
        if type(state) is not Mapping or not all(type(key) is str for key, _ in state.pairs):
            raise DocumentError(f"the state of a {cls.__qualname__} is no dict of attributes")
        attributes = dict(state.pairs)
        if (reason := StateNames(cls).refusal(attributes)) is not None:
            raise ValidationError(f"the state of a {cls.__qualname__} cannot be set: {reason}")
        return attributes

    def _bare_object(self, call: Call, cls: Any, codec: Codec) -> Any:
        """
        An object that its codec can look at: made without a constructor, its attributes set without its own code.

        For classes whose codec checks the state of an object before it writes it.
        """
        if call.args:
            raise DocumentError(f"a {cls.__qualname__} is made with arguments, as no pickle of it is")
        self._graph.spend_on(call)
        attributes = self._attributes(_merged(call.state), cls)
        obj = cls.__new__(cls)
        for name, value in attributes.items():
            if (
                type(value) is Global
                and value.text in known.LIBRARIES
                and isinstance(codec, InterpolatorCodec)
            ):
                attributes[name] = getattr(codec.example_of(cls), name, None)
            else:
                attributes[name] = self._makers.real(value)
        slots = slots_of(cls)
        for name in slots.keys() & attributes.keys():
            slots[name].__set__(obj, attributes.pop(name))
        try:
            vars(obj).update(attributes)
        except TypeError as error:
            raise DocumentError(f"a {cls.__qualname__} has no attributes here") from error
        return self._makers.keep(call, obj)


class _Writers(dict[type, Writer]):
    """How each type is encoded: the graph's own records here, the rest by its codec."""

    def __init__(self, others: abc.Mapping[type, Writer], encoder: GraphEncoder) -> None:
        super().__init__(
            {
                Global: encoder.encode_global,
                Call: encoder.encode_call,
                Mapping: writer_for(encoder.encode_mapping, shared=True, late=True),
                SetOf: writer_for(encoder.encode_set, shared=True, late=True),
                Described: writer_for(encoder.encode_described, shared=True, late=False),
                Opaque: _refuse,
            }
        )
        self._others = others
        self._count = encoder.count

    def __missing__(self, cls: type) -> Writer:
        count, write = self._count, self._others[cls]

        def counted(obj: Any, encoder: Encoder) -> Node:
            count(obj)
            return write(obj, encoder)

        self[cls] = counted
        return counted


def _refuse(obj: Any, encoder: Encoder) -> Node:
    raise DocumentError("a value that only running the file would give")


def _merged(state: Any) -> Any:
    """The state that Python gives of a class with slots, its dict and the values of the slots, as one dict."""
    if type(state) is not tuple or len(state) != 2 or type(state[1]) is not Mapping:
        return state
    first = state[0].pairs if type(state[0]) is Mapping else []
    return Mapping([*first, *state[1].pairs])
