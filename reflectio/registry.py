"""Which codec serves which type: the cattrs converter that codecs are registered on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from importlib.metadata import entry_points
from typing import Any

import cattrs

from reflectio.codec import Codec
from reflectio.errors import ReflectioError, UnsupportedTypeError
from reflectio.names import public_name

ENTRY_POINTS = "reflectio.codecs"

# The converter holds each codec's bound `encode` and `decode`, found by predicates on the class.
converter = cattrs.Converter()

_by_tag: dict[str, Codec] = {}
_listeners: list[Callable[[], None]] = []
_Predicate = Callable[[Any], bool]
_factories: list[tuple[_Predicate, Callable[[type], Codec]]] = []


def on_change(listener: Callable[[], None]) -> None:
    """Call ``listener`` whenever a codec is registered, so that caches of lookups can be dropped."""
    _listeners.append(listener)


@cache
def _name_of(cls: type) -> str | None:
    try:
        return public_name(cls)
    except UnsupportedTypeError:
        return None


def _matches(codec: Codec) -> Callable[[Any], bool]:
    exact = frozenset(t for t in codec.types if isinstance(t, type))
    named = frozenset(t for t in codec.types if isinstance(t, str))

    def matches(cls: Any) -> bool:
        if not isinstance(cls, type):
            return False
        bases = cls.__mro__ if codec.subclasses else (cls,)
        return any(base in exact or (named and _name_of(base) in named) for base in bases)

    return matches


def register(codec: Codec) -> None:
    """
    Make a codec known; a codec registered later goes before those registered earlier.

    Parameters
    ----------
    codec : Codec
        The codec.

    Raises
    ------
    ReflectioError
        Its tag contains a dot, which is for class names, or belongs to another codec.

    Examples
    --------
    >>> import reflectio
    >>> class Celsius:
    ...     def __init__(self, degrees):
    ...         self.degrees = degrees
    >>> class CelsiusCodec(reflectio.Codec):
    ...     types = (Celsius,)
    ...     tag = "celsius"
    ...     members = required = frozenset({"degrees"})
    ...     def encode(self, obj, encoder):
    ...         return {"$": "celsius", "degrees": obj.degrees}
    ...     def decode(self, node, decoder):
    ...         return Celsius(float(node["degrees"]))
    >>> reflectio.register(CelsiusCodec())
    >>> reflectio.loads(reflectio.dumps(Celsius(21.5))).degrees
    21.5
    """
    _register_builtin_codecs()
    add(codec)


def add(codec: Codec) -> None:
    """Make a codec known as `register` does, one of those that come with reflectio."""
    tag = codec.tag
    if tag is not None:
        if "." in tag:
            raise ReflectioError(f"the tag {tag!r} contains a dot; dotted tags are class names")
        if tag in _by_tag and type(_by_tag[tag]) is not type(codec):
            raise ReflectioError(f"the tag {tag!r} belongs to {type(_by_tag[tag]).__qualname__} already")
        _by_tag[tag] = codec
    if codec.types:
        register_factory(_matches(codec), lambda cls: codec)


def register_factory(predicate: _Predicate, factory: Callable[[type], Codec]) -> None:
    """Let ``factory`` make the codec of every class that ``predicate`` accepts."""
    _factories.insert(0, (predicate, factory))
    encode: Callable[[Any], Any] = lambda cls: factory(cls).encode  # noqa: E731
    decode: Callable[[Any], Any] = lambda cls: factory(cls).decode  # noqa: E731
    converter.register_unstructure_hook_factory(predicate, encode)
    converter.register_structure_hook_factory(predicate, decode)
    for listener in _listeners:
        listener()


@lru_cache(maxsize=1)
def _register_builtin_codecs() -> None:
    """Make the codecs that come with reflectio known, when the first codec is looked up or registered."""
    # A program that neither saves nor loads does not wait for numpy; of several threads one registers, once.
    import reflectio.codecs.builtin  # noqa: F401


def _codec_behind(hook: Any, cls: type) -> Codec:
    codec = getattr(hook, "__self__", None)
    if isinstance(codec, Codec):
        return codec
    # cattrs has hooks of its own for str, bytes, int, float and Path, and asks those by base class before
    # any predicate: a numpy.str_ or a subclass of int ends up there.
    return next(factory(cls) for predicate, factory in _factories if predicate(cls))


def codec_for_class(cls: type) -> Codec:
    """The codec that writes objects of a class."""
    _register_builtin_codecs()
    return _codec_behind(converter.get_unstructure_hook(cls), cls)


def codec_for_named_class(cls: type) -> Codec:
    """The codec that rebuilds the nodes tagged with the name of a class."""
    _register_builtin_codecs()
    return _codec_behind(converter.get_structure_hook(cls), cls)


def codec_for_tag(tag: str) -> Codec | None:
    """The codec of a tag without a dot, or None."""
    _register_builtin_codecs()
    return _by_tag.get(tag)


@lru_cache(maxsize=1)
def load_entry_points() -> None:
    """Register the codecs that installed packages offer in the entry point group ``reflectio.codecs``."""
    for entry in entry_points(group=ENTRY_POINTS):
        offered = entry.load()
        codec = offered() if isinstance(offered, type) else offered
        if not isinstance(codec, Codec):
            raise ReflectioError(f"the entry point {entry.value!r} of {ENTRY_POINTS} gives no Codec")
        register(codec)
