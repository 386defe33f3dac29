"""
Judging a file without loading it: which names it holds, which of them are refused, what is worth a look.

Documents of reflectio, and pickle, joblib and skops files: what these would import and call is found by following
them without running them, and judged by the same policy.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from reflectio.endless import read_until_over
from reflectio.errors import LimitError
from reflectio.header import Header, read_header
from reflectio.inspection.html import audit_html
from reflectio.name_uses import uses
from reflectio.notices import Notice, notices
from reflectio.policy import Kind, Policy, PolicyLike
from reflectio.segment_member import check_size, segment_member
from reflectio.source import read_whole, size_of, view_of

if TYPE_CHECKING:
    from reflectio.pickles.files import Format
    from reflectio.pickles.graph import Graph
    from reflectio.pickles.judge import UseKind

# How much of a file is read at a time, first and at most. Behind the header, no more than such a part is.
_FIRST_CHUNK = 1 << 14
_LARGEST_CHUNK = 1 << 20

# How a file begins that is no document: with anything but an object, or marks of encodings that documents do not
# have. Told here, so that nothing is imported for a document.
_DOCUMENT = (b"{", b"\xef\xbb\xbf", b"\xff\xfe", b"\0")


@frozen
class NameUse:
    """
    A name that a file holds.

    Attributes
    ----------
    kind : {"class", "constructor", "callable", "reconstruction"}
        What is done with it: its objects are rebuilt, it is called with arguments, or it is held by the model. In a
        pickle, joblib or skops file, a ``"reconstruction"`` is a function of known effect, such as the one that
        makes numpy's arrays, which no policy needs to list.
    name : str
        The dotted name: the public one under which the policy allows it, else as the file spells it.
    count : int
        How often the file holds it.
    path : str
        Where it is first; empty where it is no part of the object that the file gives.
    spelled : str
        As the file spells it.
    offset : int or None
        Where in the file it is first, in bytes, behind the decompression; None in documents, and where not known.
    """

    kind: UseKind
    name: str
    count: int
    path: str
    spelled: str = ""
    offset: int | None = None


@frozen
class Problem:
    """
    Why a file is refused whatever the policy says.

    Attributes
    ----------
    message : str
        What is wrong.
    offset : int or None
        Where in the file, in bytes, behind the decompression; None where no single place is to blame.
    """

    message: str
    offset: int | None = None


@frozen
class Audit:
    """
    What a file would need and hold, had it been loaded.

    Attributes
    ----------
    names : tuple of NameUse
        Every class, constructor and callable that the file names, by kind and name.
    untrusted : tuple of NameUse
        Those of them that the policy refuses.
    notices : tuple of Notice
        What is allowed yet worth a look.
    versions : dict of str to str
        The versions that the file was written with, as far as it says.
    metadata : JSON value
        What its writer put there; None where nothing.
    advice : str
        What to add to a policy file to allow what is refused; empty where nothing is.
    format : {"reflectio", "pickle", "joblib", "skops"}
        Which kind of file it is.
    problems : tuple of Problem
        Why it is refused whatever the policy says: it is damaged, or what it would run cannot be told from it. Only
        of files that are no documents; a document that cannot be read raises an error.
    """

    names: tuple[NameUse, ...]
    untrusted: tuple[NameUse, ...]
    notices: tuple[Notice, ...]
    versions: dict[str, str]
    metadata: Any
    advice: str
    format: Format = "reflectio"
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the policy allows every name, and there is no problem."""
        return not self.untrusted and not self.problems

    def _repr_html_(self) -> str:
        return audit_html(self)


def audit(
    source: bytes | bytearray | memoryview | str | os.PathLike[str],
    *,
    policy: PolicyLike = None,
) -> Audit:
    """
    Judge a file without importing any of its names or building anything.

    Of a document no more than the header is read, and that it is as long as that says is checked where its length is
    known: of bytes, and of ordinary files. A pickle, joblib or skops file is followed to its end, without
    running any of it. That the policy allows all its names says what loading it would import and call; whether the
    states in it are sound is checked only where it is converted (`reflectio.convert`).

    Parameters
    ----------
    source : bytes, bytearray, memoryview or path
        The file's contents, or where it is.
    policy : Policy or path, optional
        As in `reflectio.loads`.

    Returns
    -------
    Audit
        What was found.

    Raises
    ------
    DocumentError, IntegrityError, LimitError
        The header cannot be read, the document is not as long as it says, or the file is of no known kind.
    OSError
        The file cannot be read.
    TypeError
        The source is neither bytes nor a path.

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
    data, size = _read(source, chosen)
    if len(data) and not bytes(data[:3]).startswith(_DOCUMENT):
        return _audit_foreign(data, chosen)
    header = read_header(data, chosen.limits)
    member = segment_member(header)
    if member is not None and size is not None:
        check_size(member, size)
    return _audit_document(header, chosen)


def _audit_document(header: Header, policy: Policy) -> Audit:
    members = header.members
    roots = [members["model"], *members.get("objects", [])]
    counted = _Counted()
    for use in uses(roots):
        counted.add(NameUse(use.kind, use.name, use.times, use.path, use.name))
    names = counted.names()
    untrusted = tuple(use for use in names if not policy.allows(use.kind, use.name))  # type: ignore[arg-type]
    return Audit(
        names=names,
        untrusted=untrusted,
        notices=tuple(notices(members, roots)),
        versions=members["versions"],
        metadata=members.get("metadata"),
        advice=_advice(untrusted, policy),
    )


def _audit_foreign(data: memoryview, policy: Policy) -> Audit:
    # Documents need none of this.
    from reflectio.pickles.files import read_foreign
    from reflectio.pickles.judge import uses_of

    kind, graph = read_foreign(data, policy, keep=False)
    counted, refused = _Counted(), set()
    for use in uses_of(graph, policy):
        counted.add(NameUse(use.kind, use.name, 1, use.path, use.spelled, use.offset))
        if not use.allowed:
            refused.add((use.kind, use.name))
    names = counted.names()
    untrusted = tuple(use for use in names if (use.kind, use.name) in refused)
    return Audit(
        names=names,
        untrusted=untrusted,
        notices=_notices_of(graph),
        versions=graph.versions,
        metadata=None,
        advice=_advice(untrusted, policy),
        format=kind,
        problems=tuple(Problem(problem.message, problem.offset) for problem in graph.problems),
    )


def _notices_of(graph: Graph) -> tuple[Notice, ...]:
    from reflectio.pickles.judge import objects_of

    found = [
        Notice("" if each.offset is None else f"byte {each.offset}", each.message) for each in graph.notices
    ]
    for path, node in objects_of(graph):
        found += [evolve(each, path=each.path.replace("$.model", path, 1)) for each in notices({}, [node])]
    return tuple(found)


def _advice(untrusted: tuple[NameUse, ...], policy: Policy) -> str:
    refused: dict[Kind, list[str]] = {}
    for use in untrusted:
        if use.kind != "reconstruction":
            refused.setdefault(use.kind, []).append(use.name)
    return policy.advice(refused) if refused else ""


def _read(source: Any, policy: Policy) -> tuple[memoryview, int | None]:
    """The bytes of a file, of a document as many as hold its header; and how many there are, where that is known."""
    if isinstance(source, str | os.PathLike):
        limit = policy.limits.document_bytes
        with open(Path(source), "rb") as file:
            size = size_of(file)
            if not file.peek(_FIRST_CHUNK).startswith(_DOCUMENT):
                # A device may have no end: then what is no file of a model shows before that.
                source = (
                    read_until_over(file, policy.limits, foreign=True)
                    if size is None
                    else read_whole(file, limit)
                )
            else:
                source = b"".join(_header_chunks(file, limit))
        return view_of(source), size
    data = view_of(source)
    return data, len(data)


def _header_chunks(file: io.BufferedReader, limit: int) -> Iterator[bytes]:
    """Read a document up to the NUL behind the header."""
    total = 0
    # Each with one call of the system, so that a pipe need not give more than there is.
    while chunk := file.read1(min(max(total, _FIRST_CHUNK), _LARGEST_CHUNK)):
        total += len(chunk)
        if total > limit:
            raise LimitError(f"the header has more than {limit} bytes, the policy's limit document_bytes")
        yield chunk
        if b"\0" in chunk:
            return


class _Counted:
    """Uses of names, counted; each as it was met first."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], NameUse] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, use: NameUse) -> None:
        key = (use.kind, use.name)
        self._first.setdefault(key, use)
        self._counts[key] = self._counts.get(key, 0) + use.count

    def names(self) -> tuple[NameUse, ...]:
        return tuple(evolve(self._first[key], count=self._counts[key]) for key in sorted(self._first))
