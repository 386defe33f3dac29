"""What one policy file may say: its tables and keys, the form of their values, and what is said of a wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NewType, TypeAlias, get_args

import attrs
from attrs import field, frozen
from cattrs import Converter
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

from reflectio.errors import PolicyError
from reflectio.policy.limits import Limits, Size
from reflectio.policy.names import LIST_NAMES, Kind, name_problem

__all__ = ["Mismatch", "PolicyFile", "structured"]

Mismatch = Literal["ignore", "warn", "error"]

NameList = NewType("NameList", tuple[str, ...])
ExtendsList = NewType("ExtendsList", tuple[str, ...])

_UNITS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_SIZE = re.compile(r"(\d{1,30})(?:\.(\d{1,30}))? ?([kKMGT]?i?B)", re.ASCII)


@frozen
class _Names:
    classes: NameList = NameList(())
    constructors: NameList = NameList(())
    callables: NameList = NameList(())

    def of(self, kind: Kind) -> tuple[str, ...]:
        names: tuple[str, ...] = getattr(self, LIST_NAMES[kind])
        return names


@frozen
class _Versions:
    mismatch: Mismatch = "warn"


@frozen
class PolicyFile:
    """What one file says, without what it extends."""

    extends: ExtendsList = ExtendsList(())
    allow: _Names = _Names()
    deny: _Names = _Names()
    limits: Limits = field(factory=Limits)
    versions: _Versions = _Versions()
    locked: bool = False


_Hook: TypeAlias = Callable[[Any, Any], Any]


def _structure_names(value: Any, _: Any) -> NameList:
    if not isinstance(value, list):
        raise TypeError(f'is {value!r}; expected a list of dotted names, such as ["acme.churn.ChurnModel"]')
    for index, name in enumerate(value):
        if (problem := name_problem(name)) is not None:
            raise ValueError(f"item {index + 1} {problem}")
    return NameList(tuple(value))


def _structure_extends(value: Any, _: Any) -> ExtendsList:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError(
            f'is {value!r}; expected a list of built-in lists or paths, such as ["default", "team.toml"]'
        )
    return ExtendsList(tuple(value))


# What is more, written in hexadecimal digits, has too many decimal ones for Python to show.
_MOST = 2**63 - 1


def _structure_count(value: Any, _: Any) -> int:
    # bool is a subclass of int, yet `depth = true` is surely a mistake.
    if type(value) is not int or value < 1:
        raise ValueError(f"is {value!r}; expected a whole number of at least 1")
    if value > _MOST:
        raise ValueError(f"is more than {_MOST}; expected a whole number that is less")
    return value


_A_SIZE = 'expected a number of bytes, or text such as "8 GiB" or "500 MB"'


def _structure_size(value: Any, _: Any) -> Size:
    size = 0
    if type(value) is int:
        size = value
    elif isinstance(value, str) and (match := _SIZE.fullmatch(value)) and match[3] in _UNITS:
        whole, fraction, unit = match.groups()
        digits = fraction or ""
        size = int(whole + digits) * _UNITS[unit] // 10 ** len(digits)
    if size > _MOST:
        raise ValueError(f"is more than {_MOST} bytes; {_A_SIZE}")
    if size < 1:
        raise ValueError(f"is {value!r}; {_A_SIZE}")
    return Size(size)


def _structure_flag(value: Any, _: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(f"is {value!r}; expected true or false")
    return value


def _structure_mismatch(value: Any, _: Any) -> Mismatch:
    if value not in get_args(Mismatch):
        raise ValueError(f'is {value!r}; expected "ignore", "warn" or "error"')
    mismatch: Mismatch = value
    return mismatch


def _table_hook(cls: Any) -> _Hook:
    structure = make_dict_structure_fn(cls, _converter, _cattrs_forbid_extra_keys=True)

    def structure_table(value: Any, type_: Any) -> Any:
        if not isinstance(value, dict):
            keys = ", ".join(attribute.name for attribute in attrs.fields(cls))
            raise TypeError(f"is {value!r}; expected a table with the keys {keys}")
        return structure(value, type_)

    return structure_table


_converter = Converter(forbid_extra_keys=True)
_converter.register_structure_hook_factory(attrs.has, _table_hook)
_converter.register_structure_hook(NameList, _structure_names)
_converter.register_structure_hook(ExtendsList, _structure_extends)
_converter.register_structure_hook(Size, _structure_size)
_converter.register_structure_hook(int, _structure_count)
_converter.register_structure_hook(bool, _structure_flag)
_converter.register_structure_hook_func(lambda type_: type_ == Mismatch, _structure_mismatch)


def _problems(error: BaseException, keys: tuple[str, ...] = ()) -> list[str]:
    """What is wrong in a file, one sentence for each key, from the tree of errors that cattrs raises."""
    if isinstance(error, ClassValidationError):
        with_notes, without = error.group_exceptions()
        nested = [problem for inner, note in with_notes for problem in _problems(inner, (*keys, note.name))]
        return nested + [problem for inner in without for problem in _problems(inner, keys)]
    if isinstance(error, ForbiddenExtraKeysError):
        known = ", ".join(attribute.name for attribute in attrs.fields(error.cl))
        place = f"[{'.'.join(keys)}]" if keys else "a policy file"
        return [f"unknown key {key!r}; {place} has the keys {known}" for key in sorted(error.extra_fields)]
    *table, key = keys
    return [f"[{'.'.join(table)}] {key} {error}" if table else f"{key} {error}"]


def structured(table: dict[str, Any]) -> PolicyFile:
    """What the tables of a policy file say; a `PolicyError` has a sentence for each key that is wrong."""
    try:
        return _converter.structure(table, PolicyFile)
    except ClassValidationError as error:
        raise PolicyError("; ".join(_problems(error))) from None
