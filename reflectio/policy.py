"""Policies: which names a document may use, how large it may be, and the TOML files that say so."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal, NewType, TypeAlias, get_args
from weakref import WeakKeyDictionary

import attrs
from attrs import field, frozen
from cattrs import Converter
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

from reflectio.dangerous_names import dangerous_module
from reflectio.errors import PolicyError, UnsupportedTypeError
from reflectio.names import public_name

__all__ = ["Kind", "Limits", "Policy"]

Kind = Literal["class", "constructor", "callable"]
Mismatch = Literal["ignore", "warn", "error"]

Size = NewType("Size", int)  # bytes; text such as "8 GiB" in a file
NameList = NewType("NameList", tuple[str, ...])
ExtendsList = NewType("ExtendsList", tuple[str, ...])

PolicyLike: TypeAlias = "Policy | str | os.PathLike[str] | None"

_MiB = 2**20
_GiB = 2**30
_UNITS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": _MiB,
    "GiB": _GiB,
    "TiB": 2**40,
}
_SIZE = re.compile(r"(\d+)(?:\.(\d+))? ?([kKMGT]?i?B)", re.ASCII)
KINDS: tuple[Kind, ...] = get_args(Kind)
LIST_NAMES: dict[Kind, str] = {"class": "classes", "constructor": "constructors", "callable": "callables"}
_VARIABLE = "REFLECTIO_POLICY"


# What a policy file says ------------------------------------------------------------------------------


@frozen
class Limits:
    """
    How much a document may cost to load; exceeding one raises `LimitError` before the cost arises.

    Parameters
    ----------
    document_bytes : int, default=8 GiB
        Size of the document as it lies on disk.
    depth : int, default=10_000
        Nesting of lists and objects in the header. More than 254 are refused whatever the limit: what lies deeper
        in a model stands in the header's ``objects``, which take no nesting.
    nodes : int, default=50_000_000
        Values in the header: every number, string, list and object counts as one.
    dimensions : int, default=64
        Dimensions of an array; 64 is numpy's own limit.
    int_digits : int, default=100_000
        Decimal digits of an integer beyond 64 bits, whose parsing time grows faster than its length.
    text_bytes : int, default=1 GiB
        Size of the header, the part of a document that is parsed as JSON.
    expanded_bytes : int, default=8 GiB
        Size of the document after decompression.
    """

    document_bytes: Size = field(default=Size(8 * _GiB))
    depth: int = 10_000
    nodes: int = 50_000_000
    dimensions: int = 64
    int_digits: int = 100_000
    text_bytes: Size = field(default=Size(_GiB))
    expanded_bytes: Size = field(default=Size(8 * _GiB))


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
    limits: Limits = Limits()
    versions: _Versions = _Versions()
    locked: bool = False


_Hook: TypeAlias = Callable[[Any, Any], Any]


def name_problem(name: object) -> str | None:
    """Why ``name`` cannot stand in a list of a policy; None where it can."""
    if not isinstance(name, str):
        return f'is {name!r}; expected a dotted name in quotes, such as "acme.churn.ChurnModel"'
    if name == "*":
        return "is '*', which would allow everything; name a module, as in \"acme.models.*\""
    parts = name.split(".")
    pattern = parts[-1] == "*"
    if pattern:
        parts.pop()
    if len(parts) < (1 if pattern else 2) or not all(part.isidentifier() for part in parts):
        return (
            f'is {name!r}; expected a dotted name such as "acme.churn.ChurnModel", '
            'or what a module defines, as in "acme.models.*"'
        )
    return None


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


def _structure_count(value: Any, _: Any) -> int:
    # bool is a subclass of int, yet `depth = true` is surely a mistake.
    if type(value) is not int or value < 1:
        raise ValueError(f"is {value!r}; expected a whole number of at least 1")
    return value


def _structure_size(value: Any, _: Any) -> Size:
    if type(value) is int and value >= 1:
        return Size(value)
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)) and match[3] in _UNITS:
        whole, fraction, unit = match.groups()
        digits = fraction or ""
        if size := int(whole + digits) * _UNITS[unit] // 10 ** len(digits):
            return Size(size)
    raise ValueError(f'is {value!r}; expected a number of bytes, or text such as "8 GiB" or "500 MB"')


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


# Files ------------------------------------------------------------------------------------------------


@cache
def built_in_lists() -> dict[str, Path]:
    """The built-in lists by name, from the installed package or from the checkout that this file lies in."""
    package = Path(__file__).parent
    folder = package / "allowlist"
    if not folder.is_dir():
        folder = package.parent / "allowlist"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def _locate(text: str, folder: Path, asker: str) -> Path:
    """The file that an entry of ``extends``, or a ``policy`` argument, means: a built-in list wins."""
    lists = built_in_lists()
    if text in lists:
        return lists[text]
    path = folder / text
    if not path.exists():
        raise PolicyError(
            f"{asker} {text!r}, which is neither a file ({path}) nor a built-in list "
            f"({', '.join(lists) or 'none is installed'})"
        )
    return path


# The built-in lists have less than a hundredth of this.
_LARGEST_FILE = 1 << 24


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE + 1)
        if len(text) > _LARGEST_FILE:
            raise PolicyError(
                f"{path}: a policy file has {_LARGEST_FILE >> 20} MiB at most; this is another kind of file"
            )
        return tomllib.loads(text.decode())
    except FileNotFoundError:
        raise PolicyError(f"{path}: there is no such policy file") from None
    except OSError as error:
        raise PolicyError(f"{path}: the policy file cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: a policy file is TOML in UTF-8, and this is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path}: not valid TOML: {error}") from error
    except RecursionError:
        raise PolicyError(f"{path}: its lists nest too deeply for a policy file") from None


def read_file(path: Path) -> tuple[PolicyFile, dict[str, Any]]:
    """What a policy file says, checked, and the tables that it says it in."""
    table = _read(path)
    try:
        return _converter.structure(table, PolicyFile), table
    except ClassValidationError as error:
        raise PolicyError(f"{path}: {'; '.join(_problems(error))}") from None


def extended_files(stated: PolicyFile, path: Path) -> Iterator[Path]:
    """The files that a policy file extends."""
    for text in stated.extends:
        yield _locate(text, path.parent, f"{path}: extends")


_Stamp: TypeAlias = tuple[int, int]


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


@attrs.define
class _Merged:
    """What a policy file and all that it extends say together."""

    allow: dict[Kind, set[str]] = field(factory=lambda: {kind: set() for kind in KINDS})
    deny: set[str] = field(factory=set)
    limits: dict[str, Any] = field(factory=dict)
    mismatch: Mismatch = "warn"
    locked: bool = False
    stamps: dict[Path, _Stamp | None] = field(factory=dict)

    def add(self, path: Path, extending: tuple[Path, ...] = ()) -> None:
        """Take in a file, after the files that it extends, so that what it says itself counts."""
        path = path.resolve()
        if path in extending:
            chain = " -> ".join(str(each) for each in (*extending[extending.index(path) :], path))
            raise PolicyError(f"{path}: policy files extend each other in a cycle: {chain}")
        # Stamped before it is read: a change between the two makes the cache miss, never go stale.
        stamp = _stamp(path)
        stated, table = read_file(path)
        for extended in extended_files(stated, path):
            self.add(extended, (*extending, path))
        self.stamps[path] = stamp
        for kind in KINDS:
            self.allow[kind].update(stated.allow.of(kind))
            self.deny.update(stated.deny.of(kind))
        self.limits.update({key: getattr(stated.limits, key) for key in table.get("limits", {})})
        if "mismatch" in table.get("versions", {}):
            self.mismatch = stated.versions.mismatch
        # A file that extends a locked one may loosen it: whoever names the file decides, by `REFLECTIO_POLICY`.
        self.locked = stated.locked


# Policies ---------------------------------------------------------------------------------------------


def _matches(name: str, modules: Iterable[str]) -> bool:
    """Whether a name lies below one of the modules, each written with the dot that ends it."""
    return any(name.startswith(module) for module in modules)


def _split(names: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Part exact names from patterns; of ``acme.models.*``, ``acme.models.`` is kept."""
    names = frozenset(names)
    patterns = {name for name in names if name.endswith(".*")}
    return names - patterns, tuple(sorted(pattern[:-1] for pattern in patterns))


@frozen(eq=False)
class Policy:
    """
    Which names a document may use, and how much it may cost to load.

    Three lists, because they carry different risk: objects of *classes* are rebuilt from their state,
    *constructors* are called with the document's arguments, *callables* are handed to the model as they
    are. A name in one list gives nothing in another, and a name that any policy in force denies is
    refused whatever allows it.

    Policies do not change; `extend` gives a new one. They compare by identity and may be weakly
    referenced, so that what is derived from one can be kept beside it.

    Parameters
    ----------
    limits : Limits
        How much a document may cost.
    mismatch : {"ignore", "warn", "error"}
        What to do when a document was written with other versions of the libraries it uses.
    source : str
        Where the policy comes from, for messages: ``"the default policy"``, or the path of a file.
    allowed : mapping of kind to frozenset of str
        Names and patterns that are allowed, by the list that holds them.
    denied : frozenset of str
        Names and patterns that are refused in every list.
    locked : bool
        Whether other policies, where ``REFLECTIO_POLICY`` names this one, can only be stricter.
    bounds : Policy, optional
        A policy that has to allow a name as well.

    Examples
    --------
    >>> policy = Policy.default().extend(classes=["acme.churn.ChurnModel"])
    >>> policy.allows("class", "acme.churn.ChurnModel")
    True
    >>> policy.allows("callable", "acme.churn.ChurnModel")
    False
    """

    limits: Limits = Limits()
    mismatch: Mismatch = "warn"
    source: str = "a policy built in code"
    allowed: Mapping[Kind, frozenset[str]] = field(factory=dict, repr=False)
    denied: frozenset[str] = field(default=frozenset(), repr=False)
    locked: bool = False
    bounds: Policy | None = field(default=None, repr=False)
    _exact: Mapping[Kind, frozenset[str]] = field(init=False, repr=False)
    _modules: Mapping[Kind, tuple[str, ...]] = field(init=False, repr=False)
    _denied_names: frozenset[str] = field(init=False, repr=False)
    _denied_modules: tuple[str, ...] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        denied_names, denied_modules = _split(self.denied)
        exact: dict[Kind, frozenset[str]] = {}
        modules: dict[Kind, tuple[str, ...]] = {}
        for kind in KINDS:
            names, modules[kind] = _split(self.allowed.get(kind, ()))
            # Denials are taken out here, once, so that the common question costs one lookup.
            names -= denied_names
            if denied_modules:
                names = frozenset(name for name in names if not _matches(name, denied_modules))
            exact[kind] = names
        # A frozen attrs class sets its derived attributes in this way.
        object.__setattr__(self, "_exact", exact)
        object.__setattr__(self, "_modules", modules)
        object.__setattr__(self, "_denied_names", denied_names)
        object.__setattr__(self, "_denied_modules", denied_modules)

    @classmethod
    def default(cls) -> Policy:
        """
        Give the default policy: the reviewed names of every library that reflectio knows.

        Returns
        -------
        Policy
            The same object each time.
        """
        return _default_policy()

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Policy:
        """
        Read a policy from a TOML file.

        A file that does not say ``extends`` stands alone: it allows what it lists and nothing else.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        Policy
            What the file says, on top of what it extends.

        Raises
        ------
        PolicyError
            The file is missing, is not TOML, or holds an unknown key or a value of the wrong form;
            the message names the file and the key, and the form that was expected.
        """
        return cls._merge(Path(path), str(path))[0]

    @classmethod
    def _merge(cls, path: Path, source: str) -> tuple[Policy, dict[Path, _Stamp | None]]:
        merged = _Merged()
        merged.add(path)
        policy = cls(
            limits=attrs.evolve(Limits(), **merged.limits),
            mismatch=merged.mismatch,
            source=source,
            allowed={kind: frozenset(names) for kind, names in merged.allow.items()},
            denied=frozenset(merged.deny),
            locked=merged.locked,
        )
        return policy, merged.stamps

    @classmethod
    def of(cls, policy: PolicyLike = None) -> Policy:
        """
        Give the policy that an argument means.

        Parameters
        ----------
        policy : Policy, str, path-like or None
            A policy is given back as it is. A string is the name of a built-in list, such as
            ``"strict"``, or a path. None means what the environment variable ``REFLECTIO_POLICY`` names
            in the same way; where that is unset or empty, the default policy.

        Returns
        -------
        Policy
            The same object until one of the files behind it changes. Where the file that
            ``REFLECTIO_POLICY`` names says ``locked = true``, a policy given here can be stricter than
            that file, never looser: what either refuses is refused.

        Raises
        ------
        PolicyError
            As for `from_file`.
        """
        system = os.environ.get(_VARIABLE)
        if policy is None:
            if not system or system == "default":
                return cls.default()
            return cls._named(system, f"{_VARIABLE} says")
        if isinstance(policy, Policy):
            given = policy
        elif isinstance(policy, str | os.PathLike):
            given = cls._named(policy, "the policy is given as")
        else:
            raise PolicyError(
                f"policy is of type {type(policy).__name__!r}; expected a Policy, the path of a policy file, "
                "or the name of a built-in list"
            )
        if system:
            lock = cls._named(system, f"{_VARIABLE} says")
            if lock.locked:
                return given._within(lock)
        return given

    @classmethod
    def _named(cls, policy: str | os.PathLike[str], asker: str) -> Policy:
        text = os.fspath(policy)
        key = (os.getcwd(), text)
        known = _policies.get(key)
        if known is not None and all(_stamp(path) == stamp for path, stamp in known[1].items()):
            return known[0]
        path = _locate(text, Path(), asker)
        source = f"the {text} policy" if text in built_in_lists() else str(path)
        found = _policies[key] = cls._merge(path, source)
        return found[0]

    def _within(self, lock: Policy) -> Policy:
        """This policy as far as another one permits it; the same object each time."""
        if self is lock or self.bounds is lock:
            return self
        # Two policies allow a name together, or neither does: lists may cover it in different ways, one by its
        # name and the other by a pattern, so that the question goes to both.
        together = _narrowed.setdefault(self, WeakKeyDictionary())
        if lock not in together:
            limits = {
                attribute.name: min(
                    getattr(self.limits, attribute.name), getattr(lock.limits, attribute.name)
                )
                for attribute in attrs.fields(Limits)
            }
            strictest = max(self.mismatch, lock.mismatch, key=get_args(Mismatch).index)
            source = f"{self.source}, within the locked policy {lock.source},"
            bounds = lock if self.bounds is None else self.bounds._within(lock)
            together[lock] = Policy(
                Limits(**limits), strictest, source, self.allowed, self.denied, self.locked, bounds
            )
        return together[lock]

    def extend(
        self,
        classes: Iterable[str | type] = (),
        constructors: Iterable[str | type] = (),
        callables: Iterable[str | Callable[..., Any]] = (),
    ) -> Policy:
        """
        Give a policy that allows more names than this one; what this one denies stays denied.

        Parameters
        ----------
        classes : iterable of str or class
            Classes whose objects may be rebuilt from their state. A string is a dotted name, or a
            pattern such as ``"acme.models.*"`` for what a module defines.
        constructors : iterable of str or class
            Classes that may be called with arguments from the document.
        callables : iterable of str or callable
            Functions and classes that a model may hold.

        Returns
        -------
        Policy
            A new policy.

        Raises
        ------
        PolicyError
            A name is not a dotted name.
        UnsupportedTypeError
            A class or function cannot be imported by name.
        """
        given: dict[Kind, Iterable[Any]] = {
            "class": classes,
            "constructor": constructors,
            "callable": callables,
        }
        allowed: dict[Kind, frozenset[str]] = {}
        for kind, items in given.items():
            if isinstance(items, str):
                raise PolicyError(f"{LIST_NAMES[kind]} is the string {items!r}; expected a list of names")
            names = {item if isinstance(item, str) else public_name(item) for item in items}
            for name in names:
                if (problem := name_problem(name)) is not None:
                    raise PolicyError(f"a name in {LIST_NAMES[kind]} {problem}")
            allowed[kind] = self.allowed.get(kind, frozenset()) | names
        extended = self.source if self.source.endswith(", extended") else f"{self.source}, extended"
        return Policy(self.limits, self.mismatch, extended, allowed, self.denied, bounds=self.bounds)

    def allows(self, kind: Kind, name: str) -> bool:
        """
        Say whether a name may be imported; asked before anything is.

        Parameters
        ----------
        kind : {"class", "constructor", "callable"}
            What the document wants with it.
        name : str
            The dotted name, as the document writes it.

        Returns
        -------
        bool
            True where the list of this kind holds the name, or a pattern that covers it, and no denial
            does. What a pattern covers must also pass `confirm`.
        """
        if self.bounds is not None and not self.bounds.allows(kind, name):
            return False
        if name in self._exact[kind]:
            return True
        return _matches(name, self._modules[kind]) and is_plain(name) and not self.denies(name)

    def confirm(self, kind: Kind, name: str, obj: object) -> bool:
        """
        Say whether the object that an allowed name turned out to be is one that the policy meant.

        Parameters
        ----------
        kind : {"class", "constructor", "callable"}
            What the document wants with it.
        name : str
            The dotted name, which `allows` has passed.
        obj : object
            What was imported.

        Returns
        -------
        bool
            False where the object is no class, or no callable, as the kind asks; where a name that was
            allowed through a pattern leads to something that is defined elsewhere; or where the object
            is denied under another of its names.
        """
        if not (callable(obj) if kind == "callable" else isinstance(obj, type)):
            return False
        if self.bounds is not None and not self.bounds.confirm(kind, name, obj):
            return False
        home = getattr(obj, "__module__", None)
        qualname = getattr(obj, "__qualname__", None)
        if name not in self._exact[kind]:
            # The module that defines an object is matched as `acme.models.` against `acme.models.`.
            if not self.allows(kind, name) or not isinstance(home, str):
                return False
            covering = [module for module in self._modules[kind] if name.startswith(module)]
            if not _matches(f"{home}.", covering):
                return False
        if not self.denied:
            return True
        aliases = {name, f"{home}.{qualname}"}
        with suppress(UnsupportedTypeError, TypeError):  # it has no public name, or cannot be a key
            aliases.add(public_name(obj))
        return not any(self.denies(alias) for alias in aliases)

    def denies(self, name: str) -> bool:
        """
        Say whether the policy, or a locked one above it, denies a name on purpose.

        Parameters
        ----------
        name : str
            The dotted name.

        Returns
        -------
        bool
            True where a ``[deny]`` list holds the name, or a pattern that covers it; nothing can allow it then.
        """
        if self.bounds is not None and self.bounds.denies(name):
            return True
        return name in self._denied_names or _matches(name, self._denied_modules)

    def advice(self, refused: Mapping[Kind, Collection[str]]) -> str:
        """
        Say how to allow names that were refused: the lines of a policy file, and how to use it.

        Parameters
        ----------
        refused : mapping of kind to collection of str
            The refused names, by what the document wants with them.

        Returns
        -------
        str
            Text of several lines.
        """
        names = {name for kind in KINDS for name in refused.get(kind, ())}
        denied = sorted(name for name in names if self.denies(name))
        malformed = sorted(name for name in names if name_problem(name) or not is_plain(name))
        bounds = self.bounds
        beyond = sorted(
            name
            for kind in KINDS
            for name in refused.get(kind, ())
            if bounds is not None and not bounds.allows(kind, name) and name not in {*denied, *malformed}
        )
        dangerous = sorted(
            name
            for kind in KINDS
            for name in refused.get(kind, ())
            if name not in {*denied, *malformed, *beyond}
            and dangerous_module(name)
            and not _default_policy().allows(kind, name)
        )
        skipped = {*denied, *malformed, *beyond, *dangerous}
        lists = [
            (LIST_NAMES[kind], wanted)
            for kind in KINDS
            if (wanted := sorted(set(refused.get(kind, ())) - skipped))
        ]
        lines: list[str] = []
        if denied:
            lines.append(f"{self.source} denies {', '.join(denied)}; nothing allows what [deny] lists.")
        if beyond and bounds is not None:
            lines.append(
                f"{bounds.source}, which {_VARIABLE} names, is locked and does not allow {', '.join(beyond)}; only "
                "whoever keeps that file can."
            )
        if malformed:
            quoted = ", ".join(_quote(name) for name in malformed)
            lines.append(f"No policy can allow {quoted}: not a dotted name of importable code.")
        if dangerous:
            lines.append(
                f"No policy should allow {', '.join(dict.fromkeys(dangerous))}: that can run code, or read and write "
                "outside the model. No model needs it; whoever made this may mean harm."
            )
        if standard := sorted(
            name for name in names - skipped if name.partition(".")[0] in sys.stdlib_module_names
        ):
            lines.append(f"Beware of {', '.join(standard)}: the standard library was reviewed without it.")
        if lists:
            base = self.source.removesuffix(", extended").removeprefix("the ").removesuffix(" policy")
            if base in built_in_lists():
                lines += ["If you trust this code, write a policy file, for example policy.toml:", ""]
                lines += [f'extends = ["{base}"]', ""]
            else:
                lines += [f"If you trust this code, add to the policy file ({self.source}):", ""]
            lines.append("[allow]")
            for key, wanted in lists:
                lines += [f"{key} = [", *(f"    {_quote(name)}," for name in wanted), "]"]
            use = 'Use it with policy="policy.toml", or let the environment variable '
            lines += ["", f"{use}{_VARIABLE} name it; Policy.extend does the same in code."]
        return "\n".join(lines)


def is_plain(name: str) -> bool:
    """Whether a name from a document is one to resolve: identifiers, none of which is a dunder."""
    return all(part.isidentifier() and not part.startswith("__") for part in name.split("."))


def _quote(name: str) -> str:
    # Every JSON string is a TOML basic string, so a hostile name cannot end its own quotes.
    return json.dumps(name[:200])


# Policies by working directory and text, each with the stamps of all files that it was read from.
_policies: dict[tuple[str, str], tuple[Policy, dict[Path, _Stamp | None]]] = {}


# Policies by what they were narrowed to, so that what is derived from one is derived once.
_narrowed: WeakKeyDictionary[Policy, WeakKeyDictionary[Policy, Policy]] = WeakKeyDictionary()


@functools.cache
def _default_policy() -> Policy:
    # What the package ships does not change while it is used: no file is looked at twice.
    return Policy._named("default", "the policy is given as")
