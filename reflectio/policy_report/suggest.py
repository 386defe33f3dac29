"""The smallest policy that would load some documents, with a warning beside each name that deserves a look."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from attrs import field, frozen

from reflectio.audit import audit
from reflectio.dangerous_names import dangerous_module
from reflectio.errors import ReflectioError, unforeseen
from reflectio.policy import (
    KINDS,
    LIST_NAMES,
    Kind,
    Policy,
    built_in_lists,
    is_plain,
    name_problem,
)

__all__ = ["SuggestedName", "Suggestion", "suggest"]

Level = Literal["reviewed", "look", "refused"]

# What functions are called that read, write, fetch or run what their arguments say.
_TELLING = [
    "eval",
    "exec",
    "compile",
    "open",
    "system",
    "popen",
    "spawn",
    "run",
    "call",
    "execute",
    "load",
    "loads",
    "dump",
    "dumps",
    "save",
    "savez",
    "savetxt",
    "loadtxt",
    "fromfile",
    "tofile",
    "genfromtxt",
    "memmap",
    "fetch",
    "download",
    "request",
    "urlopen",
    "unpickle",
    "import_module",
    "getattr",
    "setattr",
]


@frozen
class SuggestedName:
    """
    A name that the documents need.

    Attributes
    ----------
    kind : {"class", "constructor", "callable"}
        The list that it goes into.
    name : str
        The name.
    level : {"reviewed", "look", "refused"}
        Whether a built-in list has it, or somebody should look at it first, or no suggestion will hold it.
    reason : str
        What there is to say of it; empty for a reviewed class.
    files : tuple of str
        The documents that need it.
    """

    kind: Kind
    name: str
    level: Level
    reason: str
    files: tuple[str, ...]


@frozen
class Suggestion:
    """
    A policy for some documents.

    Attributes
    ----------
    names : tuple of SuggestedName
        What they need, by list and name.
    extends : tuple of str
        What the policy extends, so that it need not hold it itself.
    errors : dict of str to str
        Documents that cannot be read, and why.
    sources : tuple of str
        The documents.
    """

    names: tuple[SuggestedName, ...]
    extends: tuple[str, ...]
    errors: dict[str, str]
    sources: tuple[str, ...] = field(factory=tuple)

    @property
    def ok(self) -> bool:
        """Whether the policy would allow every name of every document."""
        return not self.errors and not self.refused

    @property
    def refused(self) -> tuple[SuggestedName, ...]:
        """Names that the documents need and the policy does not hold."""
        return tuple(name for name in self.names if name.level == "refused")

    @property
    def to_look_at(self) -> tuple[SuggestedName, ...]:
        """Names that the policy holds and nobody has reviewed."""
        return tuple(name for name in self.names if name.level == "look")

    def toml(self) -> str:
        """The policy as the text of a policy file, a comment beside each name that deserves a look."""
        lines = ["# What these documents need, and no more:"]
        lines += [f"#   {_one_line(source)}" for source in self.sources]
        lines += [f"# Could not be read: {_one_line(file)}" for file in self.errors]
        if self.extends:
            lines += ["", f"extends = [{', '.join(map(json.dumps, self.extends))}]"]
        lines += ["", "[allow]"]
        for kind in KINDS:
            wanted = [name for name in self.names if name.kind == kind]
            if not wanted:
                continue
            lines.append(f"{LIST_NAMES[kind]} = [")
            for name in wanted:
                # A name from a document may be of any length; as JSON, it cannot end its own quotes.
                text = f"{json.dumps(name.name[:200])},"
                if name.level == "refused":
                    lines.append(f"    # {text}  # LEFT OUT: {name.reason}")
                elif name.level == "look":
                    lines.append(f"    {text}  # LOOK: {name.reason}")
                else:
                    lines.append(f"    {text}" + (f"  # {name.reason}" if name.reason else ""))
            lines.append("]")
        return "\n".join(lines) + "\n"


def suggest(
    sources: Iterable[str | os.PathLike[str] | tuple[str, bytes | Path]], *, extends: Sequence[str] = ()
) -> Suggestion:
    """
    Give the smallest policy that would load some documents.

    It holds exactly the names that they need. Names of modules that run programs, or read and write what they are
    told to, are left out, and the suggestion says so. Nothing is imported.

    Parameters
    ----------
    sources : iterable of path, or of pairs of text and bytes or path
        The documents; the text is what the suggestion calls one.
    extends : sequence of str
        Built-in lists or policy files that the policy shall extend; it then holds only what they do not.

    Returns
    -------
    Suggestion
        The names, each with what there is to say of it, and the text of a policy file.

    Raises
    ------
    PolicyError, OSError
        A policy to extend cannot be read. Documents that cannot be are in ``errors`` of the result.

    Examples
    --------
    >>> import reflectio
    >>> from reflectio.policy_report import suggest
    >>> from sklearn.linear_model import LinearRegression
    >>> document = reflectio.dumps(LinearRegression())
    >>> print(suggest([("line.rfl", document)]).toml())
    # What these documents need, and no more:
    #   line.rfl
    <BLANKLINE>
    [allow]
    classes = [
        "sklearn.linear_model.LinearRegression",
    ]
    <BLANKLINE>
    """
    base = [Policy.of(each) for each in extends]
    files: dict[tuple[Kind, str], list[str]] = {}
    errors: dict[str, str] = {}
    read: list[str] = []
    for given in sources:
        label, source = given if isinstance(given, tuple) else (os.fspath(given), Path(given))
        try:
            # The policy in force judges the size of the document only; its names are judged here.
            report = audit(source)
        except ReflectioError as error:
            errors[label] = str(error)
            continue
        except OSError as error:
            errors[label] = error.strerror or str(error)
            continue
        except Exception as error:  # whatever is wrong with one file, the others are read
            errors[label] = unforeseen(error)
            continue
        if report.problems:
            # No policy would load it.
            errors[label] = report.problems[0].message
            continue
        read.append(label)
        for use in report.names:
            if use.kind == "reconstruction":
                continue  # known functions of pickles, which no policy lists
            files.setdefault((use.kind, use.name), []).append(label)
    names = []
    for kind, name in sorted(files, key=lambda key: (KINDS.index(key[0]), key[1])):
        if any(policy.allows(kind, name) for policy in base):
            continue
        level, reason = _judge(kind, name)
        names.append(SuggestedName(kind, name, level, reason, tuple(files[kind, name])))
    return Suggestion(tuple(names), tuple(extends), errors, tuple(read))


@cache
def _reviewed() -> Policy:
    # Not `Policy.of`: a locked policy would hide what was reviewed.
    return Policy.from_file(built_in_lists()["default"])


def _judge(kind: Kind, name: str) -> tuple[Level, str]:
    """What there is to say of a name, from the name alone."""
    if name_problem(name) or not is_plain(name):
        return "refused", "it is no dotted name of importable code: somebody made this document up"
    if _reviewed().allows(kind, name):
        return "reviewed", {
            "class": "",
            "constructor": "reviewed; called with arguments from the document",
            "callable": "reviewed; the model holds it, and may call it",
        }[kind]
    if module := dangerous_module(name):
        return "refused", f"{module} can run code, or read and write outside the model; no model needs that"
    package, _, rest = name.partition(".")
    reasons = []
    if package in sys.stdlib_module_names:
        reasons.append("of the standard library, which was reviewed without it")
    else:
        reasons.append("no built-in list has it: read its code")
    last = rest.rpartition(".")[2].lower()
    if any(last == word or last.startswith((f"{word}_", "read_", "write_")) for word in _TELLING):
        reasons.append("its name says that it reads, writes or runs something")
    if kind == "callable":
        reasons.append("the model may call it with whatever arguments")
    elif kind == "constructor":
        reasons.append("it is called with arguments from the document")
    return "look", "; ".join(reasons)


def _one_line(text: str) -> str:
    """A file's name as it can stand in a comment."""
    return text if text.isprintable() else json.dumps(text)
