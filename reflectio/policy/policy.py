"""The policy itself: which names it allows, what it becomes under a locked one, and which one is in force."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias, get_args
from weakref import WeakKeyDictionary

import attrs
from attrs import field, frozen

from reflectio import compiled
from reflectio.errors import PolicyError, UnsupportedTypeError
from reflectio.names import public_name
from reflectio.policy.advice import advice
from reflectio.policy.files import VARIABLE, Merged, Stamp, built_in_lists, locate, stamp_of
from reflectio.policy.limits import Limits
from reflectio.policy.names import KINDS, LIST_NAMES, Kind, is_plain, matches, name_problem, split_patterns
from reflectio.policy.schema import Mismatch

__all__ = ["Policy", "PolicyLike"]


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

    limits: Limits = field(factory=Limits)
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
        denied_names, denied_modules = split_patterns(self.denied)
        exact: dict[Kind, frozenset[str]] = {}
        modules: dict[Kind, tuple[str, ...]] = {}
        for kind in KINDS:
            names, modules[kind] = split_patterns(self.allowed.get(kind, ()))
            # Denials are taken out here, once, so that the common question costs one lookup.
            names -= denied_names
            if denied_modules:
                names = frozenset(name for name in names if not matches(name, denied_modules))
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
    def _merge(cls, path: Path, source: str) -> tuple[Policy, dict[Path, Stamp | None]]:
        merged = Merged()
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
            As for `from_file`; or the policy given is of a subclass, and one in force is locked.

        Notes
        -----
        A lock binds what is asked through the functions and classes that reflectio documents. It does not hold in
        code that runs in the same process and means to escape it: such code can change the environment, or what
        has a private name.
        """
        if policy is None and _compiled is not None and not _compiled.is_set(_VARIABLE):
            return _default_policy()
        system = os.environ.get(VARIABLE)
        if policy is None:
            if not system or system == "default":
                return cls.default()
            return Policy._named(system, f"{VARIABLE} says")
        if isinstance(policy, Policy):
            given = policy
        elif isinstance(policy, str | os.PathLike):
            given = Policy._named(policy, "the policy is given as")
        else:
            raise PolicyError(
                f"policy is of type {type(policy).__name__!r}; expected a Policy, the path of a policy file, "
                "or the name of a built-in list"
            )
        if system:
            lock = Policy._named(system, f"{VARIABLE} says")
            if lock.locked:
                return _within(given, lock)
        return given

    @staticmethod
    def _named(policy: str | os.PathLike[str], asker: str) -> Policy:
        text = os.fspath(policy)
        key = (os.getcwd(), text)
        known = _policies.get(key)
        if known is not None and all(stamp_of(path) == stamp for path, stamp in known[1].items()):
            return known[0]
        path = locate(text, Path(), asker)
        source = f"the {text} policy" if text in built_in_lists() else str(path)
        found = _policies[key] = Policy._merge(path, source)
        return found[0]

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
        return matches(name, self._modules[kind]) and is_plain(name) and not self.denies(name)

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
            if not matches(f"{home}.", covering):
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
        return name in self._denied_names or matches(name, self._denied_modules)

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
        return advice(self, refused)


_compiled = compiled.part("variables")
_VARIABLE = VARIABLE.encode()

#: What an argument ``policy`` may be: see `Policy.of`.
PolicyLike: TypeAlias = Policy | str | os.PathLike[str] | None


# Policies by working directory and text, each with the stamps of all files that it was read from.
_policies: dict[tuple[str, str], tuple[Policy, dict[Path, Stamp | None]]] = {}


# Policies by what they were narrowed to, so that what is derived from one is derived once.
_narrowed: WeakKeyDictionary[Policy, WeakKeyDictionary[Policy, Policy]] = WeakKeyDictionary()

# What each of these is within, as it was made here. What a policy says of itself, such as its bounds, proves nothing:
# anybody can give a policy bounds, and limits beyond them.
_made_within: WeakKeyDictionary[Policy, Policy] = WeakKeyDictionary()

_MISMATCHES: tuple[Mismatch, ...] = get_args(Mismatch)


def _within(given: Policy, lock: Policy) -> Policy:
    """A policy as far as a locked one permits it; the same object each time."""
    if given is lock:
        return given
    if type(given) is not Policy:
        # Its methods may say anything, stricter or looser.
        raise PolicyError(
            f"{lock.source}, which {VARIABLE} names, is locked, and what a policy of type {type(given).__name__!r} "
            "allows cannot be told beforehand; give a Policy, or the path of a policy file"
        )
    if _made_within.get(given) is lock:
        return given
    # Two policies allow a name together, or neither does: lists may cover it in different ways, one by its
    # name and the other by a pattern, so that the question goes to both.
    together = _narrowed.setdefault(given, WeakKeyDictionary())
    if lock not in together:
        limits = {
            # Plain integers, which cannot have a way of their own of being compared.
            attribute.name: min(
                int(getattr(given.limits, attribute.name)), getattr(lock.limits, attribute.name)
            )
            for attribute in attrs.fields(Limits)
        }
        strictest = max(_MISMATCHES.index(each.mismatch) for each in (given, lock))
        bounds = lock if given.bounds is None else _within(given.bounds, lock)
        narrowed = Policy(
            Limits(**limits),
            _MISMATCHES[strictest],
            f"{given.source}, within the locked policy {lock.source},",
            given.allowed,
            given.denied,
            given.locked,
            bounds,
        )
        _made_within[narrowed] = lock
        together[lock] = narrowed
    return together[lock]


@functools.cache
def _default_policy() -> Policy:
    # What the package ships does not change while it is used: no file is looked at twice.
    return Policy._named("default", "the policy is given as")
