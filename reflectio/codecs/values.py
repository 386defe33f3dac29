"""Singletons, ranges, enumerations, dates, paths, patterns and named tuples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum, Flag
from pathlib import Path, PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from reflectio.codec import Codec, LateCodec, Node, ObjectNode
from reflectio.codecs.containers import encode_items, encode_members
from reflectio.codecs.growth import check_chain
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, LimitError, UnsupportedTypeError, ValidationError
from reflectio.state import StateNames

_VALUE = frozenset({"value"})

# How long the regular expressions of a document may be in all.
_PATTERN_CHARACTERS = 1 << 16
_CLASS_CHARACTERS = 1 << 14

# How many classes and ranges of characters beyond Latin-1 they may have: each takes up to five milliseconds to compile.
_WIDE_RANGES = 192

# Keys of the IANA database; whatever else would be looked for as a file, or as a package that holds one.
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,3}", re.ASCII)
_BOUNDS = ("start", "stop", "step")

# How many numbers the longest range has, and what each of them takes once numpy has made an array of a range.
_LONGEST_RANGE = 1 << 22
_NUMBER = 8
_TOO_LONG = "a range of so many numbers would take many times the memory of the document once it is an array"


def text_of(node: ObjectNode, member: str = "value") -> str:
    """A member of a node that must be text."""
    value = node[member]
    if type(value) is not str:
        raise DocumentError(f"{member} must be text, not {value!r}")
    return value


def int_of(node: ObjectNode, member: str) -> int:
    """A member of a node that must be an integer."""
    value = node[member]
    if type(value) is not int:
        raise DocumentError(f"{member} must be an integer, not {value!r}")
    return value


class _SingletonCodec(Codec):
    """A type with one value."""

    shared = False

    def __init__(self, value: Any, tag: str) -> None:
        self.value = value
        self.tag = tag
        self.types = (type(value),)

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return {"$": self.tag}

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        return self.value


class SliceCodec(Codec):
    """Slices; their bounds may be anything."""

    types = (slice,)
    tag = "slice"
    members = required = frozenset(_BOUNDS)

    def encode(self, obj: slice, encoder: Encoder) -> Node:
        return {"$": "slice", **encode_members(_BOUNDS, (obj.start, obj.stop, obj.step), encoder)}

    def decode(self, node: ObjectNode, decoder: Decoder) -> slice:
        bounds = [decoder.build(node[bound]) for bound in _BOUNDS]
        built = slice(*bounds)
        check_chain(built, bounds, decoder)
        return built


class RangeCodec(Codec):
    """Ranges: a document says how long they are in a few characters, and numpy makes an array of each that it meets."""

    types = (range,)
    tag = "range"
    members = required = frozenset(_BOUNDS)
    shared = False

    def encode(self, obj: range, encoder: Encoder) -> Node:
        if obj[_LONGEST_RANGE:]:
            raise encoder.refuse(f"{_TOO_LONG}; a range may have up to {_LONGEST_RANGE}")
        bounds = encode_items((obj.start, obj.stop, obj.step), encoder)
        return {"$": "range", **dict(zip(_BOUNDS, bounds, strict=True))}

    def decode(self, node: ObjectNode, decoder: Decoder) -> range:
        bounds = [decoder.build(node[bound]) for bound in _BOUNDS]
        if any(type(bound) is not int for bound in bounds):
            raise DocumentError("the bounds of a range must be integers")
        built = range(*bounds)
        # The length of some is beyond what `len` can say.
        if built[_LONGEST_RANGE:]:
            raise LimitError(f"{_TOO_LONG}; a range may have up to {_LONGEST_RANGE}")
        decoder.charge_copy(_NUMBER * len(built), _TOO_LONG)
        return built


class EnumCodec(Codec):
    """Members of enumerations, by name; combined flags by their number."""

    types = (Enum,)
    subclasses = True
    tag = "enum"
    members = required = frozenset({"name", "value"})
    shared = False

    def encode(self, obj: Enum, encoder: Encoder) -> Node:
        cls = type(obj)
        if obj.name in cls.__members__:
            return {"$": "enum", "name": encoder.name(cls), "value": obj.name}
        return {"$": "enum", "name": encoder.name(cls), "value": encoder.visit(int(obj.value))}

    def decode(self, node: ObjectNode, decoder: Decoder) -> Enum:
        cls = decoder.resolve_class(node["name"])
        value = node["value"]
        if not issubclass(cls, Enum):
            raise DocumentError(f"{node['name']} is not an enumeration")
        if type(value) is str and value in cls.__members__:
            return cls.__members__[value]
        if type(value) is int and issubclass(cls, Flag):
            return cls(value)
        raise DocumentError(f"{node['name']} has no member {value!r}")

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        yield "class", node.get("name")


class DateCodec(Codec):
    """Dates."""

    types = (date,)
    tag = "date"
    members = required = _VALUE
    shared = False

    def encode(self, obj: date, encoder: Encoder) -> Node:
        return {"$": "date", "value": obj.isoformat()}

    def decode(self, node: ObjectNode, decoder: Decoder) -> date:
        return date.fromisoformat(text_of(node))


class _ClockCodec(Codec):
    """What has a time of day: its time zone and fold are members of their own."""

    members = frozenset({"value", "fold", "tzinfo"})
    required = _VALUE
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        node: ObjectNode = {"$": self.tag, "value": obj.replace(tzinfo=None, fold=0).isoformat()}
        if obj.fold:
            node["fold"] = 1
        if obj.tzinfo is not None:
            try:
                node["tzinfo"] = encoder.visit(obj.tzinfo)
            except UnsupportedTypeError as error:
                error.within("tzinfo")
                raise
        return node

    def _complete(self, naive: Any, node: ObjectNode, decoder: Decoder) -> Any:
        if naive.tzinfo is not None or node.get("fold", 0) not in (0, 1):
            raise DocumentError("the time zone and the fold of a time are members of their own")
        return naive.replace(tzinfo=decoder.build(node.get("tzinfo")), fold=int(node.get("fold", 0)))


class DatetimeCodec(_ClockCodec):
    """Points in time."""

    types = (datetime,)
    tag = "datetime"

    def decode(self, node: ObjectNode, decoder: Decoder) -> datetime:
        completed = self._complete(datetime.fromisoformat(text_of(node)), node, decoder)
        assert isinstance(completed, datetime)
        return completed


class TimeCodec(_ClockCodec):
    """Times of day."""

    types = (time,)
    tag = "time"

    def decode(self, node: ObjectNode, decoder: Decoder) -> time:
        completed = self._complete(time.fromisoformat(text_of(node)), node, decoder)
        assert isinstance(completed, time)
        return completed


class TimedeltaCodec(Codec):
    """Durations."""

    types = (timedelta,)
    tag = "timedelta"
    members = required = frozenset({"days", "seconds", "microseconds"})
    shared = False

    def encode(self, obj: timedelta, encoder: Encoder) -> Node:
        return {
            "$": "timedelta",
            "days": obj.days,
            "seconds": obj.seconds,
            "microseconds": obj.microseconds,
        }

    def decode(self, node: ObjectNode, decoder: Decoder) -> timedelta:
        return timedelta(int_of(node, "days"), int_of(node, "seconds"), int_of(node, "microseconds"))


class TimezoneCodec(Codec):
    """Fixed offsets from UTC."""

    types = (timezone,)
    tag = "timezone"
    members = frozenset({"offset", "name"})
    required = frozenset({"offset"})
    shared = False

    def encode(self, obj: timezone, encoder: Encoder) -> Node:
        offset, *name = obj.__getinitargs__()  # type: ignore[attr-defined]
        node = {"$": "timezone", "offset": encoder.visit(offset)}
        return {**node, "name": encoder.visit(name[0])} if name else node

    def decode(self, node: ObjectNode, decoder: Decoder) -> timezone:
        offset = decoder.build(node["offset"])
        if not isinstance(offset, timedelta):
            raise DocumentError("the offset of a time zone must be a timedelta")
        if "name" in node:
            return timezone(offset, decoder.build(node["name"]))
        # timezone(timedelta(0)) is a copy of timezone.utc, and equal; the singleton is what was written.
        return UTC if not offset else timezone(offset)


class ZoneInfoCodec(Codec):
    """Time zones of the IANA database, by key."""

    types = (ZoneInfo,)
    tag = "zoneinfo"
    members = required = frozenset({"key"})
    shared = False

    def encode(self, obj: ZoneInfo, encoder: Encoder) -> Node:
        if obj.key is None:
            raise encoder.refuse("a time zone read from a file has no key to write; use one with a key")
        return {"$": "zoneinfo", "key": obj.key}

    def decode(self, node: ObjectNode, decoder: Decoder) -> ZoneInfo:
        key = text_of(node, "key")
        if not _ZONE.fullmatch(key):
            raise DocumentError(f"{key[:40]!r} is not the key of a time zone, such as Europe/Paris")
        return ZoneInfo(key)


_FLAVOURS: dict[str, Any] = {"native": Path, "posix": PurePosixPath, "windows": PureWindowsPath}


class PathCodec(Codec):
    """Paths, as text with its flavour; a path of this system is read as a path of the reader's system."""

    types = (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)
    tag = "path"
    members = required = frozenset({"flavour", "value"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        if isinstance(obj, Path):
            flavour = "native"
        else:
            flavour = "windows" if isinstance(obj, PureWindowsPath) else "posix"
        return {"$": "path", "flavour": flavour, "value": encoder.visit(str(obj))}

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        flavour = _FLAVOURS.get(text_of(node, "flavour"))
        value = decoder.build(node["value"])
        if flavour is None or type(value) is not str:
            raise DocumentError("a path needs text and one of the flavours native, posix and windows")
        return flavour(value)


class PatternCodec(Codec):
    """Compiled regular expressions."""

    types = (re.Pattern,)
    tag = "pattern"
    members = required = frozenset({"pattern", "flags"})
    shared = False

    def encode(self, obj: re.Pattern[Any], encoder: Encoder) -> Node:
        return {"$": "pattern", "pattern": encoder.visit(obj.pattern), "flags": obj.flags}

    def decode(self, node: ObjectNode, decoder: Decoder) -> re.Pattern[Any]:
        pattern = decoder.build(node["pattern"])
        if type(pattern) not in (str, bytes):
            raise DocumentError("a pattern must be text or bytes")
        if int_of(node, "flags") & re.DEBUG:
            raise DocumentError("a pattern may not have the flag DEBUG, which prints")
        classes = ("[" if type(pattern) is str else b"[") in pattern
        decoder.spend(
            "characters in patterns with [...]" if classes else "characters in patterns",
            len(pattern),
            _CLASS_CHARACTERS if classes else _PATTERN_CHARACTERS,
        )
        if classes and _may_be_wide(pattern):
            ranges = sum(map(pattern.count, "[-"))
            decoder.spend("classes and ranges in patterns beyond Latin-1", ranges, _WIDE_RANGES)
        try:
            return re.compile(pattern, int_of(node, "flags"))
        except (re.error, OverflowError) as error:
            raise DocumentError(f"not a regular expression: {error}") from error


def _may_be_wide(pattern: str | bytes) -> bool:
    """Whether its classes of characters may be those that take long to compile."""
    return type(pattern) is str and (
        not pattern.isascii() or any(escape in pattern for escape in (r"\u", r"\U", r"\N"))
    )


class NamespaceCodec(LateCodec):
    """Namespaces: records of attributes, which are the members."""

    types = (SimpleNamespace,)
    _names = StateNames(SimpleNamespace)

    def encode(self, obj: SimpleNamespace, encoder: Encoder) -> Node:
        state = vars(obj)
        if (reason := self._names.refusal(state)) is not None:
            raise encoder.refuse(f"this namespace has an attribute that no document may set: {reason}")
        return {"$": encoder.name(SimpleNamespace), **encoder.visit_values(dict(state))}

    def create(self, node: ObjectNode, decoder: Decoder) -> SimpleNamespace:
        decoder.resolve_class(node["$"])
        return SimpleNamespace()

    def fill(self, obj: SimpleNamespace, node: ObjectNode, decoder: Decoder) -> None:
        del node["$"]
        if (reason := self._names.refusal(node)) is not None:
            raise ValidationError(f"the state of a namespace cannot be set: {reason}")
        vars(obj).update(decoder.build_values(node))


class NamedTupleCodec(Codec):
    """Named tuples of one class; the fields are the members."""

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self.fields: tuple[str, ...] = tuple(cls._fields)  # type: ignore[attr-defined]

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return {"$": encoder.name(self.cls), **encode_members(self.fields, obj, encoder)}

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        del node["$"]
        if node.keys() != set(self.fields):
            raise DocumentError(f"a {self.cls.__qualname__} has the fields {', '.join(self.fields)}")
        decoder.build_values(node)
        return tuple.__new__(self.cls, [node[field] for field in self.fields])


def is_named_tuple(cls: Any) -> bool:
    """Whether a class is what `collections.namedtuple` or `typing.NamedTuple` makes."""
    return (
        isinstance(cls, type)
        and issubclass(cls, tuple)
        and isinstance(fields := getattr(cls, "_fields", None), tuple)
        and all(type(field) is str and not field.startswith("$") for field in fields)
    )


CODECS: tuple[Codec, ...] = (
    _SingletonCodec(Ellipsis, "ellipsis"),
    _SingletonCodec(NotImplemented, "notimplemented"),
    SliceCodec(),
    RangeCodec(),
    EnumCodec(),
    DateCodec(),
    DatetimeCodec(),
    TimeCodec(),
    TimedeltaCodec(),
    TimezoneCodec(),
    ZoneInfoCodec(),
    PathCodec(),
    PatternCodec(),
    NamespaceCodec(),
)
