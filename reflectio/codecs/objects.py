"""Objects of any importable class, by the state that Python's own copying protocol gives."""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from functools import cache, cached_property
from inspect import getattr_static
from types import GetSetDescriptorType
from typing import Any, NamedTuple

import numpy as np

from reflectio import compiled
from reflectio.checks import Check, checks_of
from reflectio.codec import Codec, LateCodec, Node, ObjectNode
from reflectio.codecs.columns import Columns
from reflectio.codecs.containers import DictCodec, encode_items
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ReflectioError, UnsupportedTypeError, ValidationError
from reflectio.names import public_name
from reflectio.state import StateNames, slots_of
from reflectio.walk_in import located

_compiled = compiled.part("rows")

_PROTOCOL = 4

_newobj = copyreg.__newobj__  # type: ignore[attr-defined]
_newobj_ex = copyreg.__newobj_ex__  # type: ignore[attr-defined]

# Cython classes without a Python-visible constructor reduce to a function of this name in their module, which
# does no more than `cls.__new__(cls)`.
_CYTHON_NEW = "newObj"

# What a state that is not a dict of attributes may be, besides arrays of plain values.
_STATES = frozenset({dict, tuple, list, type(None), bool, int, float, complex, str, bytes, np.ndarray})

# What Cython generates for other classes: a function of the class, a checksum of its layout, and the state that
# `__setstate__` takes.
_CYTHON_UNPICKLE = "__pyx_unpickle_"


class Plain(NamedTuple):
    """
    How objects of a class are made that have attributes and nothing else.

    Attributes
    ----------
    cls : type
        The class.
    attributes : set of str
        The members that their nodes may have: the tag, and attributes, each examined before. There come to be more.
    checks : tuple of callable
        What is checked of each object.
    version : tuple of str, optional
        A member that says a version, and the version; it is no attribute. Other versions take another way.
    """

    cls: type
    attributes: set[str]
    checks: tuple[Check, ...]
    version: tuple[str, str] | None


class Written(NamedTuple):
    """
    How objects of a class are written that have attributes and nothing else.

    Attributes
    ----------
    name : str
        The name of the class.
    attributes : set of str
        The attributes that may be written, each examined before. There come to be more.
    version : tuple of str, optional
        A member that says a version, and the version, which follow the attributes.
    """

    name: str
    attributes: set[str]
    version: tuple[str, str] | None


class ObjectCodec(LateCodec):
    """
    Objects of one class.

    A node has the object's attributes as members. Besides these it may have:

    ========== ===============================================================================================
    ``$args``  arguments that the class is called with; the policy must list it as a constructor
    ``$new``   arguments of ``__new__``; the policy must list the class as a constructor
    ``$items`` what a subclass of list or dict contains
    ``$state`` a state that is not a dict of attributes
    ========== ===============================================================================================

    Parameters
    ----------
    cls : type
        The class.
    """

    def __init__(self, cls: type) -> None:
        self.cls: Any = cls
        self._name: str | None = None
        self._names = StateNames(cls)
        self._setstate: Any = getattr(cls, "__setstate__", None)
        self._slots = slots_of(cls)
        self._is_sequence = issubclass(cls, list)
        self._is_mapping = issubclass(cls, dict)
        # Known once an object was reduced: whether that gives its class and its state, and nothing else.
        self._is_plain: bool | None = None
        self._checks: tuple[Check, ...] | None = None
        # The members that a node may have for `_read_attributes` to build it: names of attributes, each examined
        # before, and the tag. A codec with a way of its own leaves it empty.
        self._attributes: set[str] = {"$"} if self._is_generic() else set()
        self.compiled = "ObjectReader" if self._attributes else None
        self.compiled_writer = "ObjectWriter" if type(self).encode is ObjectCodec.encode else None

    @classmethod
    def _is_generic(cls) -> bool:
        return cls.create is ObjectCodec.create and cls.fill is ObjectCodec.fill

    def plain(self) -> Plain | None:
        """How objects of the class are made of attributes and nothing else; None as long as that is not known."""
        if len(self._attributes) < 2 or self._checks is None or not self._sets_attributes():
            return None
        if not self._has_dict:
            return None
        return Plain(self.cls, self._attributes, self._checks, self._stated_version())

    def written(self) -> Written | None:
        """How objects of the class are written that have attributes and nothing else; None as long as that is not known."""
        if not self._is_plain or self._name is None or not self._gets_attributes() or not self._has_dict:
            return None
        return Written(self._name, self._names.known, self._stated_version())

    def _gets_attributes(self) -> bool:
        """Whether attributes are all that the state of an object consists of."""
        default: Any = ObjectCodec._get_state
        return self.cls.__getstate__ is object.__getstate__ and type(self)._get_state is default

    def _sets_attributes(self) -> bool:
        """Whether attributes are all that comes of a state."""
        return self._setstate is None

    def _stated_version(self) -> tuple[str, str] | None:
        return None

    @cached_property
    def _has_dict(self) -> bool:
        """Whether Python's own dict of attributes is where objects have all of theirs."""
        if self._slots or not self.cls.__dictoffset__:
            # Of a class whose objects have none, `getattr_static` finds the dict of the class itself.
            return False
        return isinstance(getattr_static(self.cls, "__dict__", None), GetSetDescriptorType)

    @cached_property
    def name(self) -> str:
        """The name of the class in documents."""
        return public_name(self.cls)

    @property
    def takes_state(self) -> bool:
        """Whether the class takes its state itself, by ``__setstate__``."""
        return self._setstate is not None

    # -- out ------------------------------------------------------------------------------------------------

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        if self._name is None:
            self._name = encoder.name(self.cls)
        encoder.names.add(self._name)
        if self._is_plain:
            state = self._get_state(obj)
            if type(state) is dict and self._names.known.issuperset(state) and state:
                return encoder.visit_values({"$": self._name, **state})
            node: ObjectNode = {"$": self._name}
        else:
            node = {"$": self._name}
            state = self._encode_construction(obj, node, encoder)
        if state is not None:
            self._encode_state(state, node, encoder)
        return node

    def _get_state(self, obj: Any) -> Any:
        return obj.__getstate__()

    def _encode_construction(self, obj: Any, node: ObjectNode, encoder: Encoder) -> Any:
        """Write what the object is made from; give the state that remains."""
        function, args, state, items, pairs = self._reduce(obj)
        cls = self.cls
        function_name = getattr(function, "__name__", "")
        if function is _newobj and args[0] is cls:
            member, args = "$new", args[1:]
        elif function is cls:
            member = "$args"
        elif function_name == _CYTHON_NEW and args == (cls,):
            member, args = "$new", ()
        elif function_name.startswith(_CYTHON_UNPICKLE) and args[0] is cls:
            member, state, args = "$new", state if args[2] is None else args[2], ()
        else:
            raise encoder.refuse(
                f"objects of {cls.__module__}.{cls.__qualname__} are rebuilt by calling {function!r}, and reflectio "
                "calls no function that a document names; register a codec for the class"
            )
        encoder.depth += 1
        if args or member == "$args":
            try:
                node[member] = encode_items(args, encoder)
            except UnsupportedTypeError as error:
                error.within(member)
                raise
        if items is not None:
            node["$items"] = encode_items(items, encoder)
        if pairs is not None:
            node["$items"] = DictCodec().encode(dict(pairs), encoder)
        encoder.depth -= 1
        self._is_plain = node.keys() == {"$"} and items is None and pairs is None and _reduces_plainly(cls)
        return state

    def _attributes_of(self, objects: list[Any]) -> list[dict[str, Any]] | None:
        """The attributes of some objects, if these are all that there is to them, and have the same names."""
        if not _reduces_plainly(self.cls) or self._slots:
            return None
        states = [obj.__dict__ for obj in objects]
        if not self._names.known.issuperset(states[0]) and self._names.refusal(states[0]) is not None:
            return None
        return states

    def _reduce(self, obj: Any) -> tuple[Any, tuple[Any, ...], Any, Any, Any]:
        cls = self.cls
        try:
            reducer = copyreg.dispatch_table.get(cls)
            reduced = reducer(obj) if reducer is not None else obj.__reduce_ex__(_PROTOCOL)
        except ReflectioError:
            raise
        except Exception as error:
            raise UnsupportedTypeError(
                f"objects of {cls.__module__}.{cls.__qualname__} have no state that can be saved ({error}); "
                "remove the object, or register a codec for its class"
            ) from error
        if not isinstance(reduced, tuple) or (len(reduced) == 6 and reduced[5] is not None):
            raise UnsupportedTypeError(
                f"objects of {cls.__module__}.{cls.__qualname__} are saved in a way that reflectio does not know; "
                "register a codec for the class"
            )
        function, args, *rest = reduced
        if function is _newobj_ex and not args[2]:
            function, args = _newobj, (args[0], *args[1])
        return (function, args, *(rest + [None] * 3)[:3])

    def _encode_state(self, state: Any, node: ObjectNode, encoder: Encoder) -> None:
        if type(state) is tuple and len(state) == 2 and type(state[1]) is dict and self._setstate is None:
            # Python's default for a class with slots: its dict, and the values of the slots.
            state = {**(state[0] or {}), **state[1]}
        if type(state) is not dict or (not state and self._setstate is not None):
            try:
                node["$state"] = encoder.visit(state)
            except UnsupportedTypeError as error:
                error.within("$state")
                raise
            return
        if not self._names.known.issuperset(state):
            reason = self._names.refusal(state)
            if reason is not None:
                raise encoder.refuse(
                    f"this {self.cls.__qualname__} has an attribute that no document may set: {reason}; "
                    "delete the attribute, or register a codec for the class"
                )
        node.update(encoder.visit_values(state.copy()))

    # -- in -------------------------------------------------------------------------------------------------

    def read(self, node: ObjectNode, decoder: Decoder) -> Any:
        """Build any node of the class: nearly all have a tag and attributes, and no more."""
        if not self._attributes.issuperset(node):
            return decoder.build_shared(node, self) if "$id" in node else self.decode(node, decoder)
        cls = self.cls
        obj = cls.__new__(cls)
        checks = self._checks
        if checks is None:
            checks = self._checks = checks_of(cls)
        tag = node.pop("$")
        if checks:
            decoder.check_object(tag, checks, obj)
        if not node:
            return obj
        state = decoder.build_values(node)
        if self._setstate is None:
            self._set_attributes(obj, state)
        else:
            self._set_state(obj, state)
        return obj

    def _new_with(self, columns: Columns, tag: str, decoder: Decoder) -> list[Any]:
        """Objects with nothing but attributes; what is to be checked of them is noted."""
        if not self._names.known.issuperset(columns.constants):
            self._check_names(columns.constants)
        cls, objects = self.cls, None
        if _compiled is not None and self._has_dict and cls.__new__ is object.__new__:
            objects = _compiled.objects_with(cls, columns.count, columns.constants, columns.lists)
        if objects is None:
            objects = []
            for state in columns.states():
                obj = cls.__new__(cls)
                obj.__dict__.update(state)
                objects.append(obj)
        self._note_rows(tag, objects, columns, decoder)
        return objects

    def _new_from(self, columns: Columns, tag: str, decoder: Decoder) -> list[Any]:
        """As `_new_with`, by way of the class's own ``__setstate__``."""
        self._check_names(columns.constants)
        cls, objects = self.cls, []
        for state in columns.states():
            obj = cls.__new__(cls)
            self._set_state(obj, state)
            objects.append(obj)
        self._note_rows(tag, objects, None, decoder)
        return objects

    def _note_rows(self, tag: str, objects: list[Any], columns: Columns | None, decoder: Decoder) -> None:
        if self._checks is None:
            self._checks = checks_of(self.cls)
        if self._checks:
            decoder.check_rows(tag, self._checks, objects, columns)

    def create(self, node: ObjectNode, decoder: Decoder) -> Any:
        cls = self.cls
        if "$args" not in node and "$new" not in node:
            decoder.check_construction(node["$"], with_arguments=False)
            return cls.__new__(cls)
        decoder.check_construction(node["$"], with_arguments=True)
        member = "$args" if "$args" in node else "$new"
        args = node.pop(member)
        if type(args) is not list or "$new" in node:
            raise DocumentError("the arguments must be one list").within(member)
        try:
            decoder.build_items(args)
        except Exception as error:
            raise located(error, member) from error
        try:
            return cls(*args) if member == "$args" else cls.__new__(cls, *args)
        except Exception as error:
            raise ValidationError(f"{cls.__qualname__} refuses its arguments: {error}") from error

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        tag = node.pop("$")
        if self._checks is None:
            self._checks = checks_of(self.cls)
        if self._checks:
            decoder.check_object(tag, self._checks, obj)
        if "$items" in node:
            self._fill_items(obj, node.pop("$items"), decoder)
        special = "$state" in node
        if special:
            state = self._build_state(node, decoder)
        elif node:
            if not self._names.known.issuperset(node):
                self._check_names(node)
            if self._attributes:
                self._attributes |= self._names.known
            state = decoder.build_values(node)
        else:
            return
        if self._setstate is None:
            self._set_attributes(obj, state)
            return
        self._set_state(obj, state)
        if special:
            # Other forms than a dict of attributes become attributes, too: `dict.update` takes pairs.
            self._check_names(getattr(obj, "__dict__", {}))

    def _set_state(self, obj: Any, state: Any) -> None:
        try:
            self._setstate(obj, state)
        except Exception as error:
            raise ValidationError(f"{self.cls.__qualname__} refuses its state: {error}") from error

    def _check_names(self, names: Mapping[str, Any]) -> None:
        reason = self._names.refusal(names)
        if reason is not None:
            raise ValidationError(f"the state of a {self.cls.__qualname__} cannot be set: {reason}")

    def _build_state(self, node: ObjectNode, decoder: Decoder) -> Any:
        try:
            state = decoder.build(node.pop("$state"))
        except Exception as error:
            raise located(error, "$state") from error
        if node:
            raise DocumentError(f"a node with $state has no member {next(iter(node))!r}")
        if type(state) not in _STATES:
            # `__setstate__` calls methods of what it is given, and an object of a class with attributes may bring
            # its own: only Python's own types are what they seem.
            raise ValidationError(f"the state of an object cannot be a {type(state).__qualname__}").within(
                "$state"
            )
        for part in state if type(state) is tuple else (state,):
            # Most classes put a dict into their attributes, whatever form the document gives it.
            if isinstance(part, dict):
                self._check_names(part)
        return state

    def _set_attributes(self, obj: Any, state: Any) -> None:
        if type(state) is not dict:
            raise ValidationError(f"the state of a {self.cls.__qualname__} must be attributes")
        if self._slots:
            for name in self._slots.keys() & state.keys():
                self._slots[name].__set__(obj, state.pop(name))
            if not state:
                return
        try:
            attributes = obj.__dict__
        except AttributeError:
            raise ValidationError(f"{self.cls.__qualname__} has no attribute {next(iter(state))!r}") from None
        attributes.update(state)

    def _fill_items(self, obj: Any, items: Node, decoder: Decoder) -> None:
        try:
            built = decoder.build(items)
        except Exception as error:
            raise located(error, "$items") from error
        if self._is_mapping and type(built) is dict:
            for key, value in built.items():
                obj[key] = value
        elif self._is_sequence and type(built) is list:
            obj.extend(built)
        else:
            raise DocumentError(f"a {self.cls.__qualname__} cannot have such items")


def are_same(some: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two states have the same attributes, in the same order, and hold the same objects."""
    return list(some) == list(other) and all(value is other[name] for name, value in some.items())


def has_attributes(obj: Any, state: dict[str, Any]) -> bool:
    """Whether the attributes of an object are those of a state, and hold the same objects."""
    return are_same(vars(obj), state)


def _reduces_plainly(cls: Any) -> bool:
    """Whether Python's own ways give the state of every object of a class."""
    return (
        all(getattr(cls, name) is getattr(object, name) for name in ("__reduce_ex__", "__reduce__"))
        and cls not in copyreg.dispatch_table
        and not hasattr(cls, "__getnewargs_ex__")
        and not hasattr(cls, "__getnewargs__")
        and not issubclass(cls, list | dict)
    )


@cache
def object_codec(cls: type) -> Codec:
    """The codec for objects of a class that no other codec is for."""
    return ObjectCodec(cls)
