"""
The visitor over what a pickle describes: gives the nodes of the document that the object would have.

No object of the file is built on the way. Names turn into tags, states into members, arrays into arrays: what the
reviewed functions would make is made here, from arguments that are looked at first. The document that results is
loaded like any other, by the same policy, and with every check; what a file forges is refused there.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import sys
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.clusters import BisectingKMeansCodec
from reflectio.codecs.interpolators import InterpolatorCodec
from reflectio.codecs.neighbors import NamedStateCodec
from reflectio.codecs.objects import ObjectCodec
from reflectio.codecs.sparse import SparseCodec
from reflectio.codecs.values import EnumCodec, NamedTupleCodec, NamespaceCodec
from reflectio.encoder import Encoder, Writer, writer_for
from reflectio.errors import DocumentError, UnsupportedTypeError, ValidationError
from reflectio.names import resolve
from reflectio.pickles import joblib_arrays
from reflectio.pickles import reviewed as known
from reflectio.pickles.arrays import array_of, check_order, check_shape, dtype_of, object_array, scalar_of
from reflectio.pickles.graph import UNSET, Call, Described, Global, Mapping, Opaque, SetOf
from reflectio.pickles.homes import allowed_name
from reflectio.policy import Kind, Policy
from reflectio.registry import codec_for_named_class
from reflectio.state import StateNames, slots_of

_PLAIN = (type(None), bool, int, float, str, bytes)

# How deep the values may nest that are made real here; nothing that needs it is deep.
_DEPTH = 50

# What a frozen distribution is made from, and what every distribution makes anew, or has a member of its own for.
_FROZEN = frozenset({"args", "kwds", "dist", "a", "b"})
_MADE_ANEW = frozenset(
    {"_parse_arg_template", "_random_state", "_ctor_param", "__doc__", "_stats_has_moments"}
    | {"_parse_args", "_parse_args_stats", "_parse_args_rvs", "_support", "generic_moment"}
    | {"_cdfvec", "_ppfvec", "vecentropy"}
)

_SEED_SEQUENCE = ("entropy", "n_children_spawned", "pool", "pool_size", "spawn_key")

# Digits of a decimal, a fraction or an integer that Python reads as text.
_DIGITS = 4000


class GraphEncoder(Encoder):
    """
    One walk over one graph.

    Parameters
    ----------
    policy : Policy
        Allows the names, which are imported where a node depends on what they stand for.
    careful : bool
        As for `Encoder`.
    """

    def __init__(self, policy: Policy, *, careful: bool = False) -> None:
        super().__init__(careful=careful)
        self._policy = policy
        self.writers = _Writers(self.writers, self)
        # What the reviewed functions make, by the id of the call: the same object each time.
        self._made: dict[int, Any] = {}
        self._resolved: dict[tuple[Kind, str], tuple[str, Any]] = {}
        self._makers: dict[str, Callable[[Call], Any]] = {
            name: maker for names, maker in self._makers_by_names() for name in names
        }

    def _makers_by_names(self) -> list[tuple[frozenset[str], Callable[[Call], Any]]]:
        return [
            (known.RECONSTRUCT, self._array),
            (known.FROM_BUFFER, self._array_of_buffer),
            (known.SCALAR, self._scalar),
            (known.MASKED, self._masked_array),
            (known.DTYPE, dtype_of),
            (known.UFUNC, _ufunc),
            (known.BIT_GENERATOR, self._bit_generator),
            (known.RANDOM_STATE, self._random_state),
            (known.GENERATOR, self._generator),
            (known.SEED_SEQUENCE, self._seed_sequence),
            (known.ENCODE, _encoded),
            (known.GETATTR, self._method),
            (known.PARTIAL, self._partial),
            (known.OPERATORS, self._operator),
            (known.WRAPPER, self._joblib_array),
            (known.VALUES, self._value),
            (known.FROZEN, self._frozen_distribution),
        ]

    # -- names ----------------------------------------------------------------------------------------------

    def resolve(self, kind: Kind, named: Global) -> tuple[str, Any]:
        """The public name of what a file names, and what it stands for, if the policy allows it."""
        key = (kind, named.text)
        if key not in self._resolved:
            name = allowed_name(kind, named, self._policy)
            if name is None:
                raise ValidationError(f"{self._policy.source} does not allow {named.text} as a {kind}")
            found = resolve(name)
            if not self._policy.confirm(kind, name, found):
                raise ValidationError(
                    f"{self._policy.source} does not mean {named.text}, which stands for another"
                )
            if not _is_same(found, named):
                raise DocumentError(
                    f"{named.text} is not what {name} is with the libraries that are installed here"
                )
            self._resolved[key] = (name, found)
        name, found = self._resolved[key]
        self.names.add(name)
        return name, found

    def encode_global(self, named: Global, encoder: Encoder) -> Node:
        """A name that is held as a value."""
        if named.text in known.CONSTANTS:
            return {"$": known.CONSTANTS[named.text]}
        name, found = self.resolve("callable", named)
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

    def _visit_values(self, members: dict[str, Any]) -> ObjectNode:
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
        text = call.func.text
        if text in self._makers or known.distribution_of(text) is not None:
            return self.visit(self._make(call))
        if id(call) in self._made:
            return self.visit(self._made[id(call)])
        kind: Kind = "class" if call.manner == "new" and not call.args else "constructor"
        name, cls = self.resolve(kind, call.func)
        if not isinstance(cls, type):
            raise DocumentError(f"{name} is not a class")
        codec = codec_for_named_class(cls)
        if isinstance(codec, SparseCodec | InterpolatorCodec):
            return self.visit(self._bare_object(call, cls, codec))
        if isinstance(codec, EnumCodec):
            value = call.args[0] if len(call.args) == 1 else None
            return self.visit(self._keep(call, Described("enum", {"name": name, "value": value})))
        return self.share(call, lambda obj, _: self._encode_object(obj, name, cls, codec), late=codec.late)

    def _encode_object(self, call: Call, name: str, cls: type, codec: Codec) -> Node:
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
                attributes[name] = self._real(value)
        slots = slots_of(cls)
        for name in slots.keys() & attributes.keys():
            slots[name].__set__(obj, attributes.pop(name))
        try:
            vars(obj).update(attributes)
        except TypeError as error:
            raise DocumentError(f"a {cls.__qualname__} has no attributes here") from error
        return self._keep(call, obj)

    def _keep(self, call: Call, made: Any) -> Any:
        self._made[id(call)] = made
        return made

    def _make(self, call: Call) -> Any:
        """What a reviewed function makes, once."""
        if id(call) not in self._made:
            maker = self._makers.get(call.func.text, self._distribution)
            try:
                self._made[id(call)] = maker(call)
            except (TypeError, ValueError, IndexError, KeyError, OverflowError, ArithmeticError) as error:
                raise DocumentError(f"{call.func.text} is given what it does not take: {error}") from error
        return self._made[id(call)]

    def _real(self, value: Any, depth: int = 0) -> Any:
        """A value of Python's or numpy's own; nothing else is one."""
        if depth > _DEPTH:
            raise DocumentError("values nest too deeply")
        kind = type(value)
        if kind in _PLAIN or isinstance(value, np.ndarray | np.generic | np.dtype | bytearray):
            return value
        if kind is tuple or kind is list:
            return kind(self._real(item, depth + 1) for item in value)
        if kind is Mapping and all(type(key) is str for key, _ in value.pairs):
            return {key: self._real(item, depth + 1) for key, item in value.pairs}
        if kind is Call and value.func.text in self._makers:
            made = self._make(value)
            if type(made) not in (Described, Global, Mapping, SetOf, Opaque):
                return made
        raise DocumentError("a value is needed here, and the file has an object of some class")

    # -- numpy's arrays -------------------------------------------------------------------------------------

    def _array(self, call: Call) -> Any:
        state = call.state
        if type(state) is not tuple or len(state) != 5:
            raise DocumentError("the state of an array is not what numpy writes")
        _, shape, dtype, fortran, data = state
        array = self._elements(dtype, check_shape(shape), "F" if fortran else "C", data)
        return self._as_subclass(call.args[0] if call.args else None, array)

    def _elements(self, dtype: Any, shape: tuple[int, ...], order: Any, data: Any) -> Any:
        described = dtype_of(dtype)
        if described.hasobject:
            if described != np.dtype(object):
                raise UnsupportedTypeError("an array of records that hold objects; no document has one")
            return object_array(data, shape, order)
        return array_of(self._real(data), described, shape, order, writeable=True)

    def _as_subclass(self, named: Any, array: Any) -> Any:
        if type(named) is not Global or named.text in (
            "numpy.ndarray",
            "numpy.memmap",
            "numpy.core.memmap.memmap",
        ):
            return array
        name, cls = self.resolve("class", named)
        if cls is not np.matrix and cls is not np.recarray:
            raise UnsupportedTypeError(f"an array of the class {name}, which conversion does not know")
        return array.view(cls)

    def _array_of_buffer(self, call: Call) -> Any:
        data, dtype, shape, order, *axes = call.args
        data = self._real(data)
        # A buffer that was read-only when it was written gives an array that is.
        writeable = type(data) is bytearray
        if order == "K" and axes and axes[0] is not None:
            array = array_of(data, dtype_of(dtype), check_shape(shape), "C", writeable=writeable)
            return array.transpose(check_shape(axes[0]))
        return array_of(data, dtype_of(dtype), check_shape(shape), check_order(order), writeable=writeable)

    def _scalar(self, call: Call) -> Any:
        dtype, data = call.args
        return scalar_of(dtype_of(dtype), self._real(data))

    def _masked_array(self, call: Call) -> Any:
        _, shape, dtype, fortran, data, mask, fill_value = call.state
        cls = call.args[0] if call.args else None
        if type(cls) is not Global or cls.name != "MaskedArray":
            raise UnsupportedTypeError("a masked array of a class of its own, which conversion does not know")
        lengths, order = check_shape(shape), check_order("F" if fortran else "C")
        elements = self._elements(dtype, lengths, order, data)
        flags = array_of(
            self._real(mask), np.ma.make_mask_descr(elements.dtype), lengths, order, writeable=True
        )
        if flags.dtype == bool and flags.view(np.uint8).max(initial=0) > 1:
            raise ValidationError("the mask of a masked array has bytes that are neither 0 nor 1")
        array: Any = np.ma.MaskedArray(elements, mask=flags)
        # None gives it the one of its dtype, as it does where pickle restores it.
        array.fill_value = self._real(fill_value)
        return array

    def _joblib_array(self, call: Call) -> Any:
        if call.payload is UNSET:
            raise DocumentError("the description of a joblib array without the array")
        array = self._real(call.payload) if type(call.payload) is Call else call.payload
        if not isinstance(array, np.ndarray):
            raise DocumentError("where joblib keeps an array is something else")
        return self._as_subclass(joblib_arrays.subclass_of(call), array)

    # -- numpy's random numbers -----------------------------------------------------------------------------

    def _bit_generator(self, call: Call) -> Described:
        name = self._bit_generator_name(call.args[0] if call.args else "MT19937")
        state = call.state
        seed_sequence = None
        if type(state) is tuple and len(state) == 2:
            state, seed_sequence = state
        return self._described_bits(name, state, seed_sequence)

    @staticmethod
    def _bit_generator_name(named: Any) -> str:
        name = known.BIT_GENERATORS.get(named.text) if type(named) is Global else named
        if name not in known.BIT_GENERATORS.values():
            raise DocumentError("a bit generator that numpy does not have")
        return str(name)

    @staticmethod
    def _described_bits(name: str, state: Any, seed_sequence: Any) -> Described:
        if type(state) is not Mapping:
            raise DocumentError("a bit generator without a state")
        members = {key: value for key, value in state.pairs if key not in ("has_gauss", "gauss")}
        if members.pop("bit_generator", name) != name:
            raise DocumentError("the state of a bit generator is that of another kind")
        described = {"name": name, "state": Mapping(list(members.items())), "seed_seq": seed_sequence}
        return Described("bitgenerator", described)

    def _bits_of(self, call: Call) -> tuple[str, Any, Any]:
        """The name, the seed sequence and the whole description of the bit generator that a generator is made with."""
        source = call.args[0] if call.args else "MT19937"
        if type(source) is Call and source.func.text in known.BIT_GENERATOR:
            described = self._make(source)
            return described.members["name"], described.members["seed_seq"], described
        return self._bit_generator_name(source), None, None

    def _random_state(self, call: Call) -> Described:
        name, seed_sequence, described = self._bits_of(call)
        state = call.state
        if type(state) is not Mapping:
            raise DocumentError("a RandomState without a state")
        gauss = {key: value for key, value in state.pairs if key in ("has_gauss", "gauss")}
        again = self._described_bits(name, state, seed_sequence)
        if described is not None:
            # The generator's own state is the one that counts; the bit generator stays one object.
            described.members = again.members
            again = described
        members = {
            "bit_generator": again,
            "has_gauss": gauss.get("has_gauss", 0),
            "gauss": gauss.get("gauss", 0.0),
        }
        members["gauss"] = float(self._real(members["gauss"]))
        return Described("randomstate", members)

    def _generator(self, call: Call) -> Described:
        name, seed_sequence, described = self._bits_of(call)
        if call.state is not UNSET and call.state is not None:
            again = self._described_bits(name, call.state, seed_sequence)
            if described is not None:
                described.members = again.members
            described = described or again
        if described is None:
            raise DocumentError("a Generator without a state")
        return Described("generator", {"bit_generator": described})

    def _seed_sequence(self, call: Call) -> Described:
        state = call.state
        if type(state) is not tuple or len(state) != len(_SEED_SEQUENCE):
            raise DocumentError("the state of a SeedSequence is not what numpy writes")
        members = dict(zip(_SEED_SEQUENCE, state, strict=True))
        del members["pool"]  # it follows from the others
        return Described("seedsequence", members)

    # -- Python's own ---------------------------------------------------------------------------------------

    def _method(self, call: Call) -> Any:
        owner, name = call.args
        if type(owner) is Global:
            return Global(owner.module, f"{owner.name}.{name}", call.offset)
        return Described("method", {"object": owner, "name": name})

    def _partial(self, call: Call) -> Described:
        state = call.state
        if type(state) is not tuple or len(state) != 4 or len(call.args) != 1:
            raise DocumentError("a partial is made in a way that Python does not write")
        func, args, kwargs, attributes = state
        if attributes is not None and not (type(attributes) is Mapping and not attributes.pairs):
            raise UnsupportedTypeError("a partial with attributes of its own; delete them")
        if type(args) is not tuple or type(kwargs) is not Mapping:
            raise DocumentError("the arguments of a partial are not what Python writes")
        # Lists and dicts of their own, which nothing else refers to: a reader expects them where they stand.
        return Described("partial", {"func": func, "args": list(args), "kwargs": Mapping(kwargs.pairs)})

    def _operator(self, call: Call) -> Described:
        name, args = call.func.name, list(call.args)
        if name == "itemgetter":
            return Described(name, {"items": args})
        if name == "attrgetter":
            return Described(name, {"names": args})
        return Described(name, {"name": args[0], "args": args[1:], "kwargs": Mapping()})

    def _value(self, call: Call) -> Any:
        return _VALUES[call.func.text.rpartition(".")[2]](call, self._real)

    # -- scipy's distributions ------------------------------------------------------------------------------

    def _distribution(self, call: Call) -> Described:
        members: dict[str, Any] = self._origin(call)
        return Described("distribution", members)

    def _frozen_distribution(self, call: Call) -> Described:
        state = dict(call.state.pairs) if type(call.state) is Mapping else {}
        dist = state.get("dist")
        if state.keys() != _FROZEN or type(dist) is not Call:
            raise DocumentError("the state of a frozen distribution is not what scipy writes")
        members = self._origin(dist)
        kwds = state["kwds"]
        if type(state["args"]) is not tuple or type(kwds) is not Mapping:
            raise DocumentError("the arguments of a distribution are not what scipy writes")
        random_state = members.pop("random_state", None)
        members |= {
            "args": list(state["args"]),
            "kwds": Mapping(kwds.pairs),
            "a": state["a"],
            "b": state["b"],
        }
        if random_state is not None:
            members["random_state"] = random_state
        return Described("distribution", members)

    def _origin(self, call: Call) -> dict[str, Any]:
        """Which distribution of scipy's it is, if it is that one as it comes."""
        state = dict(call.state.pairs) if type(call.state) is Mapping else {}
        name = state.get("name")
        if known.distribution_of(call.func.text) is None or type(name) is not str:
            raise DocumentError("a distribution that scipy.stats does not have")
        public, origin = self.resolve("callable", Global("scipy.stats", name, call.offset))
        if f"{type(origin).__module__}.{type(origin).__qualname__}" != call.func.text:
            raise DocumentError(f"{public} is not a {call.func.text}")
        for key in state.keys() - _MADE_ANEW:
            if not _is_equal(self._real(state[key]), vars(origin).get(key)):
                raise UnsupportedTypeError(
                    f"this distribution is not {public} as it comes: {key!r:.60} differs; freeze it with arguments "
                    "instead of changing its attributes"
                )
        members = {"name": public}
        if state.get("_random_state") is not None:
            members["random_state"] = state["_random_state"]
        return members


class _Writers(dict[type, Writer]):
    """How each type is encoded: the graph's own records here, the rest by its codec."""

    def __init__(self, others: dict[type, Writer], encoder: GraphEncoder) -> None:
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

    def __missing__(self, cls: type) -> Writer:
        writer = self[cls] = self._others[cls]
        return writer


def _refuse(obj: Any, encoder: Encoder) -> Node:
    raise DocumentError("a value that only running the file would give")


def _merged(state: Any) -> Any:
    """The state that Python gives of a class with slots, its dict and the values of the slots, as one dict."""
    if type(state) is not tuple or len(state) != 2 or type(state[1]) is not Mapping:
        return state
    first = state[0].pairs if type(state[0]) is Mapping else []
    return Mapping([*first, *state[1].pairs])


def _is_same(found: Any, named: Global) -> bool:
    """Whether what a public name stands for is what the file names."""
    home, qualname = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
    if f"{home}.{qualname}" == named.text:
        return True
    # Python's and numpy's modules under the names that they have in this version.
    for name in (named.module, named.module.replace("numpy.core.", "numpy._core.", 1)):
        value: Any = sys.modules.get(name)
        for part in named.name.split("."):
            value = vars(value).get(part) if hasattr(value, "__dict__") else None
        if value is found:
            return True
    return False


def _is_equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b)
    return type(a) is type(b) and bool(a == b)


def _texts(values: tuple[Any, ...], count: int) -> tuple[str, ...]:
    if len(values) != count or not all(type(value) is str for value in values):
        raise DocumentError("names are text")
    return values


def _ufunc(call: Call) -> Global:
    module, name = _texts(call.args, 2)
    return Global(module, name, call.offset)


def _encoded(call: Call) -> bytes:
    text, codec = call.args
    if type(text) is not str or codec != "latin1":
        raise DocumentError("bytes are text in latin1")
    return text.encode("latin-1")


# -- values of Python's own -------------------------------------------------------------------------------------

_Real = Callable[[Any], Any]


def _bytes(call: Call, real: _Real) -> bytes:
    if call.args:
        raise DocumentError("bytes are made from text, or are none")
    return b""


def _bytearray(call: Call, real: _Real) -> bytearray:
    args = [real(arg) for arg in call.args]
    if len(args) == 2 and type(args[0]) is str and args[1] == "latin-1":
        return bytearray(args[0].encode("latin-1"))
    if not args or (len(args) == 1 and type(args[0]) is bytes):
        return bytearray(*args)
    raise DocumentError("a bytearray is made from bytes, or from text in latin-1")


def _set(call: Call, real: _Real) -> SetOf:
    items = call.args[0] if call.args else []
    if len(call.args) > 1 or type(items) not in (list, tuple):
        raise DocumentError("a set is made from a list")
    return SetOf(list(items), frozen=call.func.name == "frozenset")


def _numbers(kind: type, allowed: tuple[type, ...]) -> Callable[[Call, _Real], Any]:
    def make(call: Call, real: _Real) -> Any:
        if not all(type(arg) in allowed for arg in call.args) or len(call.args) > 7:
            raise DocumentError(f"a {kind.__name__} is made from numbers")
        return kind(*call.args)

    return make


def _slice(call: Call, real: _Real) -> Described:
    start, stop, step = call.args
    return Described("slice", {"start": start, "stop": stop, "step": step})


def _pairs_of(call: Call) -> list[Any]:
    return [[key, value] for key, value in call.pairs]


def _ordered_dict(call: Call, real: _Real) -> Described:
    return Described("ordereddict", {"items": _pairs_of(_without(call))})


def _counter(call: Call, real: _Real) -> Described:
    contents = call.args[0] if call.args else Mapping()
    if type(contents) is not Mapping or len(call.args) > 1 or call.pairs:
        raise DocumentError("a Counter is made from a dict")
    return Described("counter", {"items": [[key, value] for key, value in contents.pairs]})


def _default_dict(call: Call, real: _Real) -> Described:
    factory = call.args[0] if call.args else None
    if len(call.args) > 1:
        raise DocumentError("a defaultdict is made from its factory")
    return Described("defaultdict", {"default_factory": factory, "items": _pairs_of(call)})


def _deque(call: Call, real: _Real) -> Described:
    first, maxlen = (*call.args, None, None)[:2]
    if first not in ((), [], None):
        raise DocumentError("a deque is made empty")
    return Described("deque", {"maxlen": maxlen, "items": list(call.items)})


def _without(call: Call) -> Call:
    if call.args:
        raise DocumentError(f"{call.func.text} is made without arguments")
    return call


def _moment(kind: Any, nbytes: int) -> Callable[[Call, _Real], Any]:
    def make(call: Call, real: _Real) -> Any:
        state, *zone = [real(arg) for arg in call.args]
        if type(state) is not bytes or len(state) != nbytes or len(zone) > 1:
            raise DocumentError(f"a {kind.__name__} is made from {nbytes} bytes")
        if not all(type(each) is datetime.timezone for each in zone):
            raise UnsupportedTypeError("a time with a time zone that is no fixed offset")
        return kind(state, *zone)

    return make


def _timezone(call: Call, real: _Real) -> datetime.timezone:
    offset, *name = [real(arg) for arg in call.args]
    if type(offset) is not datetime.timedelta or not all(type(each) is str for each in name):
        raise DocumentError("a time zone is made from its offset")
    return datetime.timezone(offset, *name)


def _decimal(call: Call, real: _Real) -> decimal.Decimal:
    (text,) = _texts(call.args, 1)
    if len(text) > _DIGITS:
        raise DocumentError("a decimal of too many digits")
    return decimal.Decimal(text)


def _fraction(call: Call, real: _Real) -> fractions.Fraction:
    if len(call.args) == 2 and all(type(arg) is int for arg in call.args):
        return fractions.Fraction(*call.args)
    (text,) = _texts(call.args, 1)
    if len(text) > _DIGITS or "e" in text.lower():
        raise DocumentError("a fraction of too many digits")
    return fractions.Fraction(text)


def _uuid(call: Call, real: _Real) -> uuid.UUID:
    state = dict(call.state.pairs) if type(call.state) is Mapping else {}
    if call.args or type(state.get("int")) is not int:
        raise DocumentError("a UUID is made from its number")
    return uuid.UUID(int=state["int"])


def _path(call: Call, real: _Real) -> Any:
    parts = _texts(call.args, len(call.args))
    name = call.func.name
    if name.startswith("Pure"):
        return getattr(pathlib, name)(*parts)
    flavour: Any = pathlib.PureWindowsPath if name == "WindowsPath" else pathlib.PurePosixPath
    return Described("path", {"flavour": "native", "value": str(flavour(*parts))})


def _pattern(call: Call, real: _Real) -> Described:
    pattern, flags = (real(arg) for arg in call.args)
    return Described("pattern", {"pattern": pattern, "flags": flags})


_VALUES: dict[str, Callable[[Call, _Real], Any]] = {
    "Counter": _counter,
    "Decimal": _decimal,
    "Fraction": _fraction,
    "OrderedDict": _ordered_dict,
    "UUID": _uuid,
    "_compile": _pattern,
    "bytearray": _bytearray,
    "bytes": _bytes,
    "complex": _numbers(complex, (int, float)),
    "date": _moment(datetime.date, 4),
    "datetime": _moment(datetime.datetime, 10),
    "defaultdict": _default_dict,
    "deque": _deque,
    "frozenset": _set,
    "range": _numbers(range, (int,)),
    "set": _set,
    "slice": _slice,
    "time": _moment(datetime.time, 6),
    "timedelta": _numbers(datetime.timedelta, (int,)),
    "timezone": _timezone,
    **dict.fromkeys(
        ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"),
        _path,
    ),
}
