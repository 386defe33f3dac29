"""What functions and classes of Python's own make in a pickle: text, numbers, times, containers, callables."""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import uuid
from typing import TYPE_CHECKING, Any

from reflectio.errors import DocumentError, UnsupportedTypeError
from reflectio.pickles import reviewed as known
from reflectio.pickles.graph import Call, Described, Global, Mapping, SetOf
from reflectio.pickles.makers.arguments import texts

if TYPE_CHECKING:
    from reflectio.pickles.makers import Maker, Makers

__all__ = ["MAKERS"]

# Digits of a decimal, a fraction or an integer that Python reads as text.
_DIGITS = 4000


def _method(call: Call, makers: Makers) -> Any:
    owner, name = call.args
    if type(owner) is Global:
        return Global(owner.module, f"{owner.name}.{name}", call.offset)
    return Described("method", {"object": owner, "name": name})


def _partial(call: Call, makers: Makers) -> Described:
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


def _operator(call: Call, makers: Makers) -> Described:
    name, args = call.func.name, list(call.args)
    if name == "itemgetter":
        return Described(name, {"items": args})
    if name == "attrgetter":
        return Described(name, {"names": args})
    return Described(name, {"name": args[0], "args": args[1:], "kwargs": Mapping()})


def _encoded(call: Call, makers: Makers) -> bytes:
    text, codec = call.args
    if type(text) is not str or codec != "latin1":
        raise DocumentError("bytes are text in latin1")
    return text.encode("latin-1")


def _bytes(call: Call, makers: Makers) -> bytes:
    if call.args:
        raise DocumentError("bytes are made from text, or are none")
    return b""


def _bytearray(call: Call, makers: Makers) -> bytearray:
    args = [makers.real(arg) for arg in call.args]
    if len(args) == 2 and type(args[0]) is str and args[1] == "latin-1":
        return bytearray(args[0].encode("latin-1"))
    if not args or (len(args) == 1 and type(args[0]) is bytes):
        return bytearray(*args)
    raise DocumentError("a bytearray is made from bytes, or from text in latin-1")


def _set(call: Call, makers: Makers) -> SetOf:
    items = call.args[0] if call.args else []
    if len(call.args) > 1 or type(items) not in (list, tuple):
        raise DocumentError("a set is made from a list")
    return SetOf(list(items), frozen=call.func.name == "frozenset")


def _numbers(kind: type, allowed: tuple[type, ...]) -> Maker:
    def make(call: Call, makers: Makers) -> Any:
        if not all(type(arg) in allowed for arg in call.args) or len(call.args) > 7:
            raise DocumentError(f"a {kind.__name__} is made from numbers")
        return kind(*call.args)

    return make


def _slice(call: Call, makers: Makers) -> Described:
    start, stop, step = call.args
    return Described("slice", {"start": start, "stop": stop, "step": step})


def _pairs_of(call: Call) -> list[Any]:
    return [[key, value] for key, value in call.pairs]


def _ordered_dict(call: Call, makers: Makers) -> Described:
    return Described("ordereddict", {"items": _pairs_of(_without(call))})


def _counter(call: Call, makers: Makers) -> Described:
    contents = call.args[0] if call.args else Mapping()
    if type(contents) is not Mapping or len(call.args) > 1 or call.pairs:
        raise DocumentError("a Counter is made from a dict")
    return Described("counter", {"items": [[key, value] for key, value in contents.pairs]})


def _default_dict(call: Call, makers: Makers) -> Described:
    factory = call.args[0] if call.args else None
    if len(call.args) > 1:
        raise DocumentError("a defaultdict is made from its factory")
    return Described("defaultdict", {"default_factory": factory, "items": _pairs_of(call)})


def _deque(call: Call, makers: Makers) -> Described:
    first, maxlen = (*call.args, None, None)[:2]
    if first not in ((), [], None):
        raise DocumentError("a deque is made empty")
    return Described("deque", {"maxlen": maxlen, "items": list(call.items)})


def _without(call: Call) -> Call:
    if call.args:
        raise DocumentError(f"{call.func.text} is made without arguments")
    return call


def _moment(kind: Any, nbytes: int) -> Maker:
    def make(call: Call, makers: Makers) -> Any:
        state, *zone = [makers.real(arg) for arg in call.args]
        if type(state) is not bytes or len(state) != nbytes or len(zone) > 1:
            raise DocumentError(f"a {kind.__name__} is made from {nbytes} bytes")
        if not all(type(each) is datetime.timezone for each in zone):
            raise UnsupportedTypeError("a time with a time zone that is no fixed offset")
        return kind(state, *zone)

    return make


def _timezone(call: Call, makers: Makers) -> datetime.timezone:
    offset, *name = [makers.real(arg) for arg in call.args]
    if type(offset) is not datetime.timedelta or not all(type(each) is str for each in name):
        raise DocumentError("a time zone is made from its offset")
    return datetime.timezone(offset, *name)


def _decimal(call: Call, makers: Makers) -> decimal.Decimal:
    (text,) = texts(call.args, 1)
    if len(text) > _DIGITS:
        raise DocumentError("a decimal of too many digits")
    return decimal.Decimal(text)


def _fraction(call: Call, makers: Makers) -> fractions.Fraction:
    if len(call.args) == 2 and all(type(arg) is int for arg in call.args):
        return fractions.Fraction(*call.args)
    (text,) = texts(call.args, 1)
    if len(text) > _DIGITS or "e" in text.lower():
        raise DocumentError("a fraction of too many digits")
    return fractions.Fraction(text)


def _uuid(call: Call, makers: Makers) -> uuid.UUID:
    state = dict(call.state.pairs) if type(call.state) is Mapping else {}
    if call.args or type(state.get("int")) is not int:
        raise DocumentError("a UUID is made from its number")
    return uuid.UUID(int=state["int"])


def _path(call: Call, makers: Makers) -> Any:
    parts = texts(call.args, len(call.args))
    name = call.func.name
    if name.startswith("Pure"):
        return getattr(pathlib, name)(*parts)
    flavour: Any = pathlib.PureWindowsPath if name == "WindowsPath" else pathlib.PurePosixPath
    return Described("path", {"flavour": "native", "value": str(flavour(*parts))})


def _pattern(call: Call, makers: Makers) -> Described:
    pattern, flags = (makers.real(arg) for arg in call.args)
    return Described("pattern", {"pattern": pattern, "flags": flags})


# By the last part of their names: none of them share one.
_VALUES: dict[str, Maker] = {
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


MAKERS: dict[str, Maker] = {
    **dict.fromkeys(known.GETATTR, _method),
    **dict.fromkeys(known.PARTIAL, _partial),
    **dict.fromkeys(known.OPERATORS, _operator),
    **dict.fromkeys(known.ENCODE, _encoded),
    **{name: _VALUES[name.rpartition(".")[2]] for name in known.VALUES},
}
