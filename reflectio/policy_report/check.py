"""Whether a policy file is sound: is it valid, what does it allow, and which of its lines do nothing?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Literal

import attrs
from attrs import define, field, frozen

from reflectio.errors import DocumentError, PolicyError, UnsupportedTypeError
from reflectio.names import public_name, resolve
from reflectio.policy import KINDS, LIST_NAMES, Kind, Limits, Policy, PolicyFile, extended_files, read_file

__all__ = ["Entry", "PolicyCheck", "check"]

# Names of the attributes that these fetch, in place of names that can be imported.
_OF_ATTRIBUTES = ("operator.attrgetter.", "operator.methodcaller.")

Problem = Literal["redundant", "without effect", "missing"]


@frozen
class Entry:
    """
    A line of a policy file that deserves a look.

    Attributes
    ----------
    problem : {"redundant", "without effect", "missing"}
        The line can go, because something else says the same; does nothing, because something else wins; or names
        what does not exist here.
    place : str
        The table and key, such as ``[allow] classes``.
    name : str
        What is written there.
    reason : str
        Why.
    line : int or None
        Where in the file.
    """

    problem: Problem
    place: str
    name: str
    reason: str
    line: int | None


@frozen
class PolicyCheck:
    """
    What `check` found.

    Attributes
    ----------
    path : str
        The file.
    error : str
        Why it is not valid; empty where it is.
    policy : Policy or None
        What it says, if it is valid.
    extends : tuple of str
        What it extends.
    own : dict of kind to tuple of str
        The names and patterns that it allows itself.
    inherited : dict of kind to int
        How many more it allows by what it extends.
    entries : tuple of Entry
        The lines that deserve a look.
    """

    path: str
    error: str
    policy: Policy | None = None
    extends: tuple[str, ...] = ()
    own: dict[Kind, tuple[str, ...]] = field(factory=dict)
    inherited: dict[Kind, int] = field(factory=dict)
    entries: tuple[Entry, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the file is valid."""
        return not self.error


def check(path: str | os.PathLike[str], *, imports: bool = True) -> PolicyCheck:
    """
    Check a policy file.

    Parameters
    ----------
    path : str or path-like
        The file.
    imports : bool, default=True
        Whether to import the modules that it names, as loading a document under it would, to see whether the names
        exist here. Importing a module runs it: pass False for a file that you do not trust.

    Returns
    -------
    PolicyCheck
        What it says, and which lines deserve a look.
    """
    file = Path(path)
    try:
        stated, _ = read_file(file)
        inherited = _inherited(stated, file)
        policy = Policy.from_file(file)
    except PolicyError as error:
        return PolicyCheck(os.fspath(path), error.message)
    examination = _Examination(file, stated, inherited, policy)
    entries = [*examination.redundant(), *examination.without_effect()]
    if imports:
        entries += examination.missing()
    return PolicyCheck(
        os.fspath(path),
        "",
        policy,
        tuple(stated.extends),
        {kind: stated.allow.of(kind) for kind in KINDS},
        {kind: len(inherited.allowed.get(kind, frozenset()) - {*stated.allow.of(kind)}) for kind in KINDS},
        tuple(sorted(entries, key=lambda entry: (entry.line or 0, entry.name))),
    )


def _inherited(stated: PolicyFile, path: Path) -> Policy:
    """What the extended files say, and nothing of the file itself."""
    policy = Policy()
    for extended in extended_files(stated, path.resolve()):
        added = Policy.from_file(extended)
        allowed = {
            kind: policy.allowed.get(kind, frozenset()) | added.allowed.get(kind, frozenset())
            for kind in KINDS
        }
        changed = {
            key: value for key, value in attrs.asdict(added.limits).items() if value != getattr(Limits(), key)
        }
        policy = Policy(
            attrs.evolve(policy.limits, **changed),
            added.mismatch,
            allowed=allowed,
            denied=policy.denied | added.denied,
        )
    return policy


@define
class _Examination:
    path: Path
    stated: PolicyFile
    inherited: Policy
    policy: Policy
    _lines: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self._lines = self.path.read_text("utf-8").splitlines()

    def entry(self, problem: Problem, place: str, name: str, reason: str) -> Entry:
        quoted = (json.dumps(name, ensure_ascii=False), f"'{name}'")
        line = next(
            (
                number
                for number, text in enumerate(self._lines, 1)
                if any(each in text for each in quoted) and not text.lstrip().startswith("#")
            ),
            None,
        )
        return Entry(problem, place, name, reason, line)

    def own(self) -> Iterator[tuple[Kind, str, str]]:
        """Each name that the file allows: kind, place, name."""
        for kind in KINDS:
            for name in self.stated.allow.of(kind):
                yield kind, f"[allow] {LIST_NAMES[kind]}", name

    def redundant(self) -> Iterator[Entry]:
        for kind in KINDS:
            for place, names in (("allow", self.stated.allow.of(kind)), ("deny", self.stated.deny.of(kind))):
                for name in sorted({name for name in names if names.count(name) > 1}):
                    yield self.entry(
                        "redundant", f"[{place}] {LIST_NAMES[kind]}", name, "it is in the list twice"
                    )
        for kind, place, name in self.own():
            if name in self.inherited.allowed.get(kind, ()):
                yield self.entry("redundant", place, name, "a policy that the file extends allows it")
            elif covering := _covering(name, self.policy.allowed.get(kind, frozenset())):
                yield self.entry("redundant", place, name, f"{covering} covers it")
        for name in sorted(self.stated_denials() & self.inherited.denied):
            yield self.entry("redundant", "[deny]", name, "a policy that the file extends denies it")
        seen: set[Path] = set()
        for text, extended in zip(
            self.stated.extends, extended_files(self.stated, self.path.resolve()), strict=True
        ):
            if extended.resolve() in seen:
                yield self.entry("redundant", "extends", text, "what the file extends holds it already")
            seen |= _all_extended(extended)

    def stated_denials(self) -> set[str]:
        return {name for kind in KINDS for name in self.stated.deny.of(kind)}

    def without_effect(self) -> Iterator[Entry]:
        for _, place, name in self.own():
            if name in self.policy.denied or _covering(name, self.policy.denied):
                yield self.entry("without effect", place, name, "it is denied, and a denial wins")
        allowed = {name for kind in KINDS for name in self.policy.allowed.get(kind, ())}
        for name in sorted(self.stated_denials()):
            if name not in allowed and not _covering(name, allowed) and not _covered(name, allowed):
                yield self.entry("without effect", "[deny]", name, "nothing allows it")

    def missing(self) -> Iterator[Entry]:
        for kind, place, name in self.own():
            if name.startswith(_OF_ATTRIBUTES):
                continue
            pattern = name.endswith(".*")
            try:
                found = import_module(name[:-2]) if pattern else resolve(name)
            except (DocumentError, ImportError) as error:
                reason = str(error.__cause__ or error)
                yield self.entry("missing", place, name, f"it cannot be imported here: {reason}")
                continue
            except Exception as error:  # of a module's own code
                reason = f"importing it fails: {type(error).__name__}: {error}"
                yield self.entry("missing", place, name, reason)
                continue
            if pattern:
                continue
            if not (callable(found) if kind == "callable" else isinstance(found, type)):
                what = "function or class" if kind == "callable" else "class"
                yield self.entry("without effect", place, name, f"it is no {what}")
                continue
            try:
                public = public_name(found)
            except (UnsupportedTypeError, TypeError):
                continue
            if public == name:
                continue
            if self.policy.allows(kind, public):
                yield self.entry(
                    "redundant", place, name, f"documents name it {public}, which is allowed already"
                )
            else:
                yield self.entry("without effect", place, name, f"documents name it {public}")


def _covering(name: str, names: frozenset[str] | set[str]) -> str:
    """The pattern among some names that covers another name; empty where there is none."""
    return next(
        (
            pattern
            for pattern in sorted(names)
            if pattern.endswith(".*") and pattern != name and name.startswith(pattern[:-1])
        ),
        "",
    )


def _covered(pattern: str, names: frozenset[str] | set[str]) -> bool:
    """Whether a pattern covers one of the names."""
    return pattern.endswith(".*") and any(name.startswith(pattern[:-1]) for name in names)


def _all_extended(path: Path) -> set[Path]:
    """A file and all that it extends."""
    stated, _ = read_file(path)
    found = {path.resolve()}
    for extended in extended_files(stated, path.resolve()):
        found |= _all_extended(extended)
    return found
