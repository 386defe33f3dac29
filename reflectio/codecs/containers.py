"""The built-in containers and those of `collections`."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Hashable, Iterable, Set
from typing import Any

import orjson

from reflectio.codec import Codec, LateCodec, Node, ObjectNode
from reflectio.codecs.growth import check_chain, check_keys
from reflectio.codecs.numbers import is_utf8
from reflectio.codecs.rows import encode_list
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, UnsupportedTypeError
from reflectio.walk_in import located

_ITEMS = frozenset({"items"})
_STR = frozenset({str})
_SORTED_BY_VALUE = frozenset({str, bytes, int})

# How many orders of sets may be found that hold in one place only; each may take a walk over all that they hold.
_MOST_PASSING = 10_000


def encode_items(items: Iterable[Any], encoder: Encoder) -> list[Node]:
    """The nodes of the items of a container."""
    return encoder.visit_items(items)


def encode_members(names: Iterable[str], values: Iterable[Any], encoder: Encoder) -> ObjectNode:
    """The nodes of named values, as members of a node."""
    return encoder.visit_values(dict(zip(names, values, strict=True)))


def encode_pairs(pairs: Iterable[tuple[Any, Any]], encoder: Encoder) -> list[Node]:
    """The nodes of the keys and values of a mapping, as pairs."""
    nodes: list[Node] = []
    encoder.depth += 2
    for key, value in pairs:
        try:
            nodes.append(encode_items((key, value), encoder))
        except UnsupportedTypeError as error:
            error.within(key if type(key) is str else len(nodes))
            raise
    encoder.depth -= 2
    return nodes


def items_of(node: ObjectNode) -> list[Any]:
    """The items of a node, which must be a list."""
    items = node["items"]
    if type(items) is not list:
        raise DocumentError(f"items must be a list, not {type(items).__name__}")
    return items


def build_pairs(node: ObjectNode, decoder: Decoder) -> list[tuple[Hashable, Any]]:
    """The keys and values of a mapping."""
    pairs: list[tuple[Hashable, Any]] = []
    for index, pair in enumerate(items_of(node)):
        try:
            if type(pair) is not list or len(pair) != 2:
                raise DocumentError("the items of a mapping must be pairs of a key and a value")
            key = decoder.build(pair[0])
            pairs.append((key, decoder.build(pair[1])))
        except Exception as error:
            raise located(error, index) from error
    check_keys([key for key, _ in pairs], decoder)
    return pairs


def update_without_duplicates(mapping: dict[Any, Any], pairs: list[tuple[Hashable, Any]]) -> None:
    """Put pairs into an empty dict; a key that comes twice is an error."""
    mapping.update(pairs)
    if len(mapping) != len(pairs):
        raise DocumentError("a key of the mapping comes twice")


class ListCodec(LateCodec):
    """Lists: JSON's own, or tagged where they are shared."""

    types = (list,)
    tag = "list"
    members = required = _ITEMS
    compiled_writer = "ListWriter"

    def encode(self, obj: list[Any], encoder: Encoder) -> Node:
        if encoder.plain.issuperset(map(type, obj)):
            # Nobody changes nodes that hold none: no copy is needed of what may be a vocabulary.
            return obj
        # Where it turns out to be shared, it is written with a tag, which nests one deeper.
        encoder.depth += 1
        nodes = encode_list(obj, encoder) or encode_items(obj, encoder)
        encoder.depth -= 1
        return nodes

    def create(self, node: ObjectNode, decoder: Decoder) -> list[Any]:
        return []

    def fill(self, obj: list[Any], node: ObjectNode, decoder: Decoder) -> None:
        obj.extend(decoder.build_items(items_of(node)))


class DictCodec(LateCodec):
    """Dicts: JSON's own where the keys allow it, else pairs."""

    types = (dict,)
    tag = "dict"
    members = required = _ITEMS
    compiled_writer = "DictWriter"

    def encode(self, obj: dict[Any, Any], encoder: Encoder) -> Node:
        if not self.is_plain(obj, encoder):
            return {"$": "dict", "items": encode_pairs(obj.items(), encoder)}
        plain = encoder.plain
        if plain.issuperset(map(type, obj.values())):
            return obj
        # Where it turns out to be shared, it is written as pairs, which nest two deeper.
        encoder.depth += 2
        node = encoder.visit_values(obj.copy())
        encoder.depth -= 2
        return node

    @staticmethod
    def is_plain(obj: dict[Any, Any], encoder: Encoder) -> bool:
        """Whether JSON can say the keys."""
        if not _STR.issuperset(map(type, obj)) or "$" in obj:
            return False
        return not encoder.careful or all(map(is_utf8, obj))

    def create(self, node: ObjectNode, decoder: Decoder) -> dict[Any, Any]:
        return {}

    def fill(self, obj: dict[Any, Any], node: ObjectNode, decoder: Decoder) -> None:
        update_without_duplicates(obj, build_pairs(node, decoder))


class TupleCodec(Codec):
    """Tuples. One that holds nothing but plain values is a value: its identity is not kept."""

    types = (tuple,)
    tag = "tuple"
    members = required = _ITEMS
    compiled = "TupleReader"
    compiled_writer = "TupleWriter"
    shared = False

    def encode(self, obj: tuple[Any, ...], encoder: Encoder) -> Node:
        if encoder.plain.issuperset(map(type, obj)):
            return {"$": "tuple", "items": list(obj)}
        return encoder.share(obj, self._encode_items)

    @staticmethod
    def _encode_items(obj: tuple[Any, ...], encoder: Encoder) -> Node:
        encoder.depth += 1
        node = {"$": "tuple", "items": encode_items(obj, encoder)}
        encoder.depth -= 1
        return node

    def decode(self, node: ObjectNode, decoder: Decoder) -> tuple[Any, ...]:
        return tuple(decoder.build_items(items_of(node)))


def sorted_elements(elements: Set[Any], encoder: Encoder) -> list[Any]:
    """The elements of a set in an order that depends on nothing but their values."""
    kinds = set(map(type, elements))
    if len(elements) < 2:
        return list(elements)
    if len(kinds) == 1 and kinds <= _SORTED_BY_VALUE:
        return sorted(elements)
    orders = encoder.orders
    if id(elements) in orders.known:
        return orders.known[id(elements)][1]
    if id(elements) in encoder.sorting:
        # An element of the set holds the set: its nodes must not depend on the order that they are to decide.
        orders.circles += 1
        return []
    circles = orders.circles
    # A walk of its own: the element's nodes, ids included, are then the same wherever the element lies.
    sorting = encoder.sorting | {id(elements)}

    def key(element: Any) -> bytes:
        walk = Encoder(inline=True, careful=True, sorting=sorting)
        walk.orders = orders
        return orjson.dumps(walk.encode(element))

    found = sorted(elements, key=key)
    if orders.circles == circles:
        # Where no circle leads through the set, nothing around it has a say in its order.
        orders.known[id(elements)] = (elements, found)
    else:
        orders.passing += 1
        if orders.passing > _MOST_PASSING:
            raise encoder.refuse("sets hold each other in too many circles to be put in an order; use lists")
    return found


class SetCodec(LateCodec):
    """Sets, in an order that does not depend on hashes."""

    types = (set,)
    tag = "set"
    members = required = _ITEMS

    def encode(self, obj: set[Any], encoder: Encoder) -> Node:
        encoder.depth += 1
        node = {"$": "set", "items": encode_items(sorted_elements(obj, encoder), encoder)}
        encoder.depth -= 1
        return node

    def create(self, node: ObjectNode, decoder: Decoder) -> set[Any]:
        return set()

    def fill(self, obj: set[Any], node: ObjectNode, decoder: Decoder) -> None:
        items = decoder.build_items(items_of(node))
        check_keys(items, decoder)
        obj.update(items)
        if len(obj) != len(items):
            raise DocumentError("an element of the set comes twice")


class FrozensetCodec(Codec):
    """Frozen sets, in an order that does not depend on hashes."""

    types = (frozenset,)
    tag = "frozenset"
    members = required = _ITEMS

    def encode(self, obj: frozenset[Any], encoder: Encoder) -> Node:
        encoder.depth += 1
        node = {"$": "frozenset", "items": encode_items(sorted_elements(obj, encoder), encoder)}
        encoder.depth -= 1
        return node

    def decode(self, node: ObjectNode, decoder: Decoder) -> frozenset[Any]:
        items = decoder.build_items(items_of(node))
        check_keys(items, decoder)
        built = frozenset(items)
        if len(built) != len(items):
            raise DocumentError("an element of the set comes twice")
        return built


class _MappingCodec(LateCodec):
    """Mappings that are written as pairs."""

    members = required = _ITEMS

    def encode(self, obj: dict[Any, Any], encoder: Encoder) -> Node:
        return {"$": self.tag, "items": encode_pairs(obj.items(), encoder)}

    def fill(self, obj: dict[Any, Any], node: ObjectNode, decoder: Decoder) -> None:
        update_without_duplicates(obj, build_pairs(node, decoder))


class OrderedDictCodec(_MappingCodec):
    """Ordered dicts."""

    types = (OrderedDict,)
    tag = "ordereddict"

    def create(self, node: ObjectNode, decoder: Decoder) -> OrderedDict[Any, Any]:
        return OrderedDict()


class CounterCodec(_MappingCodec):
    """Counters."""

    types = (Counter,)
    tag = "counter"

    def create(self, node: ObjectNode, decoder: Decoder) -> Counter[Any]:
        return Counter()

    def fill(self, obj: dict[Any, Any], node: ObjectNode, decoder: Decoder) -> None:
        pairs = build_pairs(node, decoder)
        dict.update(obj, pairs)  # Counter.update would add counts
        if len(obj) != len(pairs):
            raise DocumentError("a key of the mapping comes twice")


class DefaultDictCodec(_MappingCodec):
    """Default dicts, with the factory by name."""

    types = (defaultdict,)
    tag = "defaultdict"
    members = required = frozenset({"default_factory", "items"})

    def encode(self, obj: dict[Any, Any], encoder: Encoder) -> Node:
        assert isinstance(obj, defaultdict)
        try:
            factory = encoder.visit(obj.default_factory)
        except UnsupportedTypeError as error:
            error.within("default_factory")
            raise
        return {"$": self.tag, "default_factory": factory, "items": encode_pairs(obj.items(), encoder)}

    def create(self, node: ObjectNode, decoder: Decoder) -> defaultdict[Any, Any]:
        factory = decoder.build(node["default_factory"])
        if factory is not None and not callable(factory):
            raise DocumentError("the default_factory must be a callable or null")
        return defaultdict(factory)

    def fill(self, obj: dict[Any, Any], node: ObjectNode, decoder: Decoder) -> None:
        super().fill(obj, node, decoder)
        assert isinstance(obj, defaultdict)
        check_chain(obj, (*obj.values(), obj.default_factory), decoder)


class DequeCodec(LateCodec):
    """Deques."""

    types = (deque,)
    tag = "deque"
    members = required = frozenset({"maxlen", "items"})

    def encode(self, obj: deque[Any], encoder: Encoder) -> Node:
        encoder.depth += 1
        node = {"$": "deque", "maxlen": obj.maxlen, "items": encode_items(obj, encoder)}
        encoder.depth -= 1
        return node

    def create(self, node: ObjectNode, decoder: Decoder) -> deque[Any]:
        maxlen = node["maxlen"]
        if maxlen is not None and (type(maxlen) is not int or maxlen < 0):
            raise DocumentError(f"maxlen must be a number of items or null, not {maxlen!r}")
        if maxlen is not None and len(items_of(node)) > maxlen:
            raise DocumentError(f"a deque of at most {maxlen} items cannot hold {len(node['items'])}")
        return deque(maxlen=maxlen)

    def fill(self, obj: deque[Any], node: ObjectNode, decoder: Decoder) -> None:
        obj.extend(decoder.build_items(items_of(node)))
        check_chain(obj, obj, decoder)


CODECS: tuple[Codec, ...] = (
    ListCodec(),
    DictCodec(),
    TupleCodec(),
    SetCodec(),
    FrozensetCodec(),
    OrderedDictCodec(),
    CounterCodec(),
    DefaultDictCodec(),
    DequeCodec(),
)
