"""Functions, classes and what is made of them: written by name or by parts, resolved only if allowed."""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.containers import encode_items, encode_members
from reflectio.codecs.growth import check_chain
from reflectio.codecs.keywords import harmful_keywords, takes_output_next
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, UnsupportedTypeError, ValidationError
from reflectio.names import public_name
from reflectio.registry import codec_for_tag
from reflectio.walk_in import located

_NAME = frozenset({"name"})

# Compiled functions have a type of their own in every module that Cython compiled.
_COMPILED_FUNCTIONS = frozenset({"cython_function_or_method", "fused_cython_function"})


class CallableCodec(Codec):
    """Functions, by name. A name has to be among the policy's callables."""

    types: tuple[type | str, ...] = (
        types.FunctionType,
        types.BuiltinFunctionType,
        types.MethodDescriptorType,
        types.WrapperDescriptorType,
        types.ClassMethodDescriptorType,
        np.ufunc,
        type(np.mean),
        functools._lru_cache_wrapper,
    )
    tag: str | None = "callable"
    members = required = _NAME
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        owner = getattr(obj, "__self__", None)
        if isinstance(obj, types.BuiltinFunctionType) and not isinstance(
            owner, types.ModuleType | type(None)
        ):
            return METHOD.encode(obj, encoder)
        return {"$": "callable", "name": encoder.name(obj)}

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        found = decoder.resolve("callable", node["name"])
        if not callable(found):
            raise DocumentError(f"{node['name']} is not callable")
        return found

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        yield "callable", node.get("name")


class ClassCodec(Codec):
    """Classes held as values, by name. Whoever holds a class can call it: it has to be among the callables."""

    types = (type,)
    subclasses = True
    tag = "class"
    members = required = _NAME
    shared = False

    def encode(self, obj: type, encoder: Encoder) -> Node:
        return {"$": "class", "name": encoder.name(obj)}

    def decode(self, node: ObjectNode, decoder: Decoder) -> type:
        found = decoder.resolve("callable", node["name"])
        if not isinstance(found, type):
            raise DocumentError(f"{node['name']} is not a class")
        return found

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        yield "callable", node.get("name")


def _build_callable(node: Node, decoder: Decoder) -> Any:
    """Build a node that must describe a callable."""
    found = decoder.build(node)
    if not callable(found):
        raise DocumentError(f"a callable is needed here, not a {type(found).__name__}")
    return found


def _build_arguments(node: ObjectNode, decoder: Decoder) -> tuple[list[Any], dict[str, Any]]:
    args, kwargs = node["args"], node["kwargs"]
    if type(args) is not list or type(kwargs) is not dict or "$" in kwargs:
        raise DocumentError("args must be a list and kwargs an object")
    return decoder.build_items(args), decoder.build_values(kwargs)


def _encode_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], encoder: Encoder) -> ObjectNode:
    # In the order in which a reader builds them: what is shared is described where it comes first.
    nodes = encode_items(args, encoder)
    return {"args": nodes, "kwargs": encode_members(kwargs, kwargs.values(), encoder)}


# How many arguments the partials of a document may take over from others.
_PARTIAL_ARGUMENTS = 1_000_000


class PartialCodec(Codec):
    """Partial applications, around whatever callable the policy allows."""

    types = (functools.partial,)
    tag = "partial"
    members = required = frozenset({"func", "args", "kwargs"})

    def encode(self, obj: functools.partial[Any], encoder: Encoder) -> Node:
        if vars(obj):
            raise encoder.refuse("a partial with attributes of its own; delete them")
        encoder.depth += 1
        try:
            func = encoder.visit(obj.func)
        except UnsupportedTypeError as error:
            error.within("func")
            raise
        node = {"$": "partial", "func": func, **_encode_arguments(obj.args, obj.keywords, encoder)}
        encoder.depth -= 1
        return node

    def decode(self, node: ObjectNode, decoder: Decoder) -> functools.partial[Any]:
        try:
            func = _build_callable(node["func"], decoder)
        except Exception as error:
            raise located(error, "func") from error
        args, kwargs = _build_arguments(node, decoder)
        if harmful := harmful_keywords(func, kwargs):
            what = "is an argument that no stored function may be given"
            raise ValidationError(what).within(harmful[0]).within("kwargs")
        if takes_output_next(func, len(args)):
            raise ValidationError("so many arguments would make the next one an output").within("args")
        if isinstance(func, functools.partial):
            # A partial of a partial copies its arguments.
            decoder.spend("arguments of partials", len(func.args) + len(func.keywords), _PARTIAL_ARGUMENTS)
        return functools.partial(func, *args, **kwargs)


def _key_problem(keys: Iterable[Any]) -> str | None:
    """Why keys may not be what an itemgetter takes items by; None where they may."""
    for key in keys:
        if isinstance(key, str):
            if key.startswith("__") and key.endswith("__"):
                return f"an itemgetter cannot have the key {key!r}, which Python reserves"
        elif type(key) is tuple:
            # Only one level: a tuple is a key for several axes.
            if any(type(part) is tuple for part in key):
                return "the keys of an itemgetter cannot be tuples of tuples"
            if (problem := _key_problem(key)) is not None:
                return problem
        elif type(key) is slice:
            if not all(
                bound is None or isinstance(bound, int | np.integer)
                for bound in (key.start, key.stop, key.step)
            ):
                return "the slices of an itemgetter must have numbers as bounds"
        elif not isinstance(key, int | float | np.integer | type(None) | type(...)):
            return f"an itemgetter takes items by numbers, text and slices, not by a {type(key).__name__}"
    return None


class ItemGetterCodec(Codec):
    """``operator.itemgetter``, with plain keys: numbers, text, slices, and tuples of these."""

    types = (operator.itemgetter,)
    tag = "itemgetter"
    members = required = frozenset({"items"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        keys = obj.__reduce__()[1]
        if (problem := _key_problem(keys)) is not None:
            raise encoder.refuse(problem)
        encoder.depth += 1
        node = {"$": "itemgetter", "items": encode_items(keys, encoder)}
        encoder.depth -= 1
        return node

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        decoder.resolve("callable", "operator.itemgetter")
        items = node["items"]
        if type(items) is not list or not items:
            raise DocumentError("an itemgetter needs a list of one key or more")
        decoder.build_items(items)
        if (problem := _key_problem(items)) is not None:
            raise ValidationError(problem)
        getter = operator.itemgetter(*items)
        check_chain(getter, items, decoder)
        return getter

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        yield "callable", "operator.itemgetter"


class AttrGetterCodec(Codec):
    """``operator.attrgetter``; the policy has to name every attribute, as ``operator.attrgetter.coef_``."""

    types = (operator.attrgetter,)
    tag = "attrgetter"
    members = required = frozenset({"names"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return {"$": "attrgetter", "names": list(obj.__reduce__()[1])}

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        names = node["names"]
        if type(names) is not list or not names:
            raise DocumentError("an attrgetter needs a list of one name or more")
        for name in names:
            decoder.require("callable", f"operator.attrgetter.{name}")
        return operator.attrgetter(*names)

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        names = node.get("names")
        for name in names if type(names) is list else ():
            yield "callable", f"operator.attrgetter.{name}"


class MethodCallerCodec(Codec):
    """``operator.methodcaller``; the policy has to name the method, as ``operator.methodcaller.lower``."""

    types = (operator.methodcaller,)
    tag = "methodcaller"
    members = required = frozenset({"name", "args", "kwargs"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        function, args = obj.__reduce__()
        # With keyword arguments it reduces to a partial of methodcaller.
        kwargs = getattr(function, "keywords", {})
        given: list[Any] = list(getattr(function, "args", ())) + list(args)
        name, rest = given[0], given[1:]
        encoder.depth += 1
        node = {"$": "methodcaller", "name": name, **_encode_arguments(tuple(rest), kwargs, encoder)}
        encoder.depth -= 1
        return node

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        name = node["name"]
        decoder.require("callable", f"operator.methodcaller.{name}")
        args, kwargs = _build_arguments(node, decoder)
        return operator.methodcaller(name, *args, **kwargs)

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        yield "callable", f"operator.methodcaller.{node.get('name')}"


class MethodCodec(Codec):
    """Bound methods; the policy has to name the method together with its class."""

    types = (types.MethodType,)
    tag = "method"
    members = required = frozenset({"object", "name"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        owner, name = obj.__self__, obj.__name__
        if getattr(owner, name, None) != obj:
            raise encoder.refuse(f"the bound method {name!r} is not what its object has under that name")
        encoder.name(owner if isinstance(owner, type) else type(owner))
        try:
            return {"$": "method", "object": encoder.visit(owner), "name": name}
        except UnsupportedTypeError as error:
            error.within("object")
            raise

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        name = node["name"]
        if type(name) is not str or not name.isidentifier() or name.startswith("__"):
            raise DocumentError(f"{name!r} is not the name of a method")
        owner_name = _owner_name(node["object"])
        if owner_name is not None:
            decoder.require("callable", f"{owner_name}.{name}")
        try:
            owner = decoder.build(node["object"])
        except Exception as error:
            raise located(error, "object") from error
        cls = owner if isinstance(owner, type) else type(owner)
        if owner_name is None:
            decoder.require("callable", f"{_name_of(cls)}.{name}")
        found = getattr(owner, name)
        if not callable(found):
            raise DocumentError(f"{name!r} is not a method of {cls.__qualname__}")
        check_chain(found, (owner,), decoder)
        return found

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        owner_name = _owner_name(node.get("object"))
        if owner_name is not None:
            yield "callable", f"{owner_name}.{node.get('name')}"


def _owner_name(node: Node) -> str | None:
    """The name of the class whose methods an object has, told from its node; None for a reference."""
    if type(node) is not dict:
        return f"builtins.{type(node).__name__}"
    if "$" not in node:
        return "builtins.dict"
    tag = node["$"]
    if tag == "ref":
        return None
    if type(tag) is not str or "." in tag:
        return str(tag)
    if type(name := node.get("name")) is str and tag in _NAMED:
        return name
    codec = codec_for_tag(tag)
    if codec is None or len(codec.types) != 1:
        # No policy has a name without a dot.
        return tag
    (cls,) = codec.types
    return cls if isinstance(cls, str) else _name_of(cls)


def _name_of(cls: type) -> str:
    """The public name of a class; one that no policy has where it has none, as that of bound methods."""
    try:
        return public_name(cls)
    except UnsupportedTypeError:
        return cls.__name__


# Tags of nodes that say by `name` what their object is, or of which class.
_NAMED = frozenset({"class", "callable", "ndarray", "enum"})

METHOD = MethodCodec()


class CompiledFunctionCodec(CallableCodec):
    """Functions that Cython compiled; registered by a predicate, for they share no type."""

    types = ()
    tag = None


def is_compiled_function(cls: Any) -> bool:
    """Whether a type is one of Cython's function types."""
    return isinstance(cls, type) and cls.__name__ in _COMPILED_FUNCTIONS


CODECS: tuple[Codec, ...] = (
    CallableCodec(),
    ClassCodec(),
    PartialCodec(),
    ItemGetterCodec(),
    AttrGetterCodec(),
    MethodCallerCodec(),
    METHOD,
)
