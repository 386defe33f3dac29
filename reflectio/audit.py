"""Judging a document without loading it: which names it holds, which of them are refused, what is worth a look."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from reflectio.document import Header, read_header
from reflectio.errors import LimitError
from reflectio.name_uses import uses
from reflectio.notices import Notice, notices
from reflectio.policy import Kind, Policy

# How much of a file is read at a time, first and at most. Behind the header, no more than such a part is.
_FIRST_CHUNK = 1 << 14
_LARGEST_CHUNK = 1 << 20


@frozen
class NameUse:
    """
    A name that a document holds.

    Attributes
    ----------
    kind : {"class", "constructor", "callable"}
        What is done with it: its objects are rebuilt, it is called with arguments, or it is held by the model.
    name : str
        The dotted name.
    count : int
        How often the document holds it.
    path : str
        Where it is first.
    """

    kind: Kind
    name: str
    count: int
    path: str


@frozen
class Audit:
    """
    What a document would need and hold, had it been loaded.

    Attributes
    ----------
    names : tuple of NameUse
        Every class, constructor and callable that the document names, by kind and name.
    untrusted : tuple of NameUse
        Those of them that the policy refuses.
    notices : tuple of Notice
        What is allowed yet worth a look.
    versions : dict of str to str
        The versions that the document was written with.
    metadata : JSON value
        What its writer put there; None where nothing.
    advice : str
        What to add to a policy file to allow what is refused; empty where nothing is.
    """

    names: tuple[NameUse, ...]
    untrusted: tuple[NameUse, ...]
    notices: tuple[Notice, ...]
    versions: dict[str, str]
    metadata: Any
    advice: str

    @property
    def ok(self) -> bool:
        """Whether the policy allows every name."""
        return not self.untrusted


def audit(
    source: bytes | bytearray | memoryview | str | os.PathLike[str],
    *,
    policy: Policy | str | os.PathLike[str] | None = None,
) -> Audit:
    """
    Judge a document without importing any of its names or building anything.

    Of a file no more than the header is read.

    Parameters
    ----------
    source : bytes, bytearray, memoryview or path
        The document, or where it is.
    policy : Policy or path, optional
        As in `reflectio.loads`.

    Returns
    -------
    Audit
        What was found.

    Raises
    ------
    DocumentError, IntegrityError, LimitError
        The header cannot be read.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import reflectio
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> import os
    >>> report = reflectio.audit(reflectio.dumps(FunctionTransformer(os.getpid)))
    >>> report.ok, [use.name for use in report.untrusted]
    (False, ['os.getpid'])
    """
    chosen = Policy.of(policy)
    header = _read(source, chosen)
    members = header.members
    roots = [members["model"], *members.get("objects", [])]
    names = _count(roots)
    untrusted = tuple(use for use in names if not chosen.allows(use.kind, use.name))
    refused: dict[Kind, list[str]] = {}
    for use in untrusted:
        refused.setdefault(use.kind, []).append(use.name)
    return Audit(
        names=names,
        untrusted=untrusted,
        notices=tuple(notices(members, roots)),
        versions=members["versions"],
        metadata=members.get("metadata"),
        advice=chosen.advice(refused) if refused else "",
    )


def _read(source: Any, policy: Policy) -> Header:
    if isinstance(source, str | os.PathLike):
        source = b"".join(_header_chunks(Path(source), policy.limits.document_bytes))
    return read_header(memoryview(source).cast("B"), policy.limits)


def _header_chunks(path: Path, limit: int) -> Iterator[bytes]:
    """Read a file up to the NUL behind the header."""
    total = 0
    # Unbuffered, so that a pipe need not give more than there is.
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(min(max(total, _FIRST_CHUNK), _LARGEST_CHUNK)):
            total += len(chunk)
            if total > limit:
                raise LimitError(f"the header has more than {limit} bytes, the policy's limit document_bytes")
            yield chunk
            if b"\0" in chunk:
                return


def _count(roots: list[Any]) -> tuple[NameUse, ...]:
    counts: dict[tuple[Kind, str], int] = {}
    paths: dict[tuple[Kind, str], str] = {}
    for use in uses(roots):
        key = (use.kind, use.name)
        counts[key] = counts.get(key, 0) + 1
        paths.setdefault(key, use.path)
    return tuple(NameUse(*key, counts[key], paths[key]) for key in sorted(counts))
