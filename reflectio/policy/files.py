"""Policy files: where they lie, what reading one gives, and what it says together with those that it extends."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import attrs
from attrs import field

from reflectio.errors import PolicyError
from reflectio.policy.names import KINDS, Kind
from reflectio.policy.schema import Mismatch, PolicyFile, structured

__all__ = [
    "VARIABLE",
    "Merged",
    "Stamp",
    "built_in_lists",
    "extended_files",
    "locate",
    "read_file",
    "stamp_of",
]

#: The environment variable that names the policy in force, where code asks for none.
VARIABLE = "REFLECTIO_POLICY"


@cache
def built_in_lists() -> dict[str, Path]:
    """The built-in lists by name, from the installed package or from the checkout that this file lies in."""
    package = Path(__file__).parent.parent
    folder = package / "allowlist"
    if not folder.is_dir():
        folder = package.parent / "allowlist"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


# How much a message has of a text that should have been short.
_LONGEST_SHOWN = 200


def locate(text: str, folder: Path, asker: str) -> Path:
    """The file that an entry of ``extends``, or a ``policy`` argument, means: a built-in list wins."""
    lists = built_in_lists()
    if text in lists:
        return lists[text]
    path = folder / text
    try:
        found = path.exists()
    except OSError as error:
        raise PolicyError(
            f"{asker} {text[:_LONGEST_SHOWN]!r}, which cannot be read ({error.strerror or error})"
        ) from error
    if not found:
        raise PolicyError(
            f"{asker} {text!r}, which is neither a file ({path}) nor a built-in list "
            f"({', '.join(lists) or 'none is installed'})"
        )
    return path


# The built-in lists have less than a hundredth of this.
_LARGEST_FILE = 1 << 24


def _read(path: Path) -> dict[str, Any]:
    text = _text_of(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path}: not valid TOML: {error}") from error
    except ValueError as error:
        # What Python says of a number with more digits than it reads; tomllib lets it through, without the place.
        place = _place_of_long_number(text)
        raise PolicyError(f"{path}: {place} has more digits than a policy file can") from error
    except RecursionError:
        raise PolicyError(f"{path}: its lists nest too deeply for a policy file") from None


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE + 1)
        if len(text) > _LARGEST_FILE:
            raise PolicyError(
                f"{path}: a policy file has {_LARGEST_FILE >> 20} MiB at most; this is another kind of file"
            )
        return text.decode()
    except FileNotFoundError:
        raise PolicyError(f"{path}: there is no such policy file") from None
    except OSError as error:
        raise PolicyError(f"{path}: the policy file cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: a policy file is TOML in UTF-8, and this is not UTF-8 text") from error
    except PolicyError:
        raise
    except ValueError as error:
        raise PolicyError(f"{os.fspath(path)!r} is no path of a policy file ({error})") from error


def _place_of_long_number(toml: str) -> str:
    """Where a policy file has a number of so many digits that Python does not read it: the key and the line."""
    most = sys.get_int_max_str_digits()
    long = next((run for run in re.finditer("[0-9_]+", toml) if len(run[0]) > most), None)
    if long is None:
        return "a number in it"
    start = toml.rfind("\n", 0, long.start()) + 1
    line = toml.count("\n", 0, start) + 1
    key = toml[start : long.start()].partition("=")[0].strip()
    return f"{key[:_LONGEST_SHOWN]!r} on line {line}" if key else f"a number on line {line}"


def read_file(path: Path) -> tuple[PolicyFile, dict[str, Any]]:
    """What a policy file says, checked, and the tables that it says it in."""
    table = _read(path)
    try:
        return structured(table), table
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from None


def extended_files(stated: PolicyFile, path: Path) -> Iterator[Path]:
    """The files that a policy file extends."""
    for text in stated.extends:
        yield locate(text, path.parent, f"{path}: extends")


Stamp: TypeAlias = tuple[int, int]


def stamp_of(path: Path) -> Stamp | None:
    """What tells whether a file has changed: its time and size; None where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


def _real(path: Path) -> Path:
    """The file that a path leads to; itself where it leads to none, which reading it tells."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path


@attrs.define
class Merged:
    """What a policy file and all that it extends say together."""

    allow: dict[Kind, set[str]] = field(factory=lambda: {kind: set() for kind in KINDS})
    deny: set[str] = field(factory=set)
    limits: dict[str, Any] = field(factory=dict)
    mismatch: Mismatch = "warn"
    locked: bool = False
    stamps: dict[Path, Stamp | None] = field(factory=dict)

    def add(self, path: Path, extending: tuple[Path, ...] = ()) -> None:
        """Take in a file, after the files that it extends, so that what it says itself counts."""
        path = _real(path)
        if path in extending:
            chain = " -> ".join(str(each) for each in (*extending[extending.index(path) :], path))
            raise PolicyError(f"{path}: policy files extend each other in a cycle: {chain}")
        # Stamped before it is read: a change between the two makes the cache miss, never go stale.
        stamp = stamp_of(path)
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
