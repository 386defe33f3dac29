"""Verifying a document: that it is whole, is strictly what the format says, loads here, and is written the same again."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from attrs import define, field, frozen

from reflectio.api import dump, dumps, dumps_one_by_one, loads
from reflectio.audit import audit
from reflectio.errors import (
    IntegrityError,
    LimitError,
    PathPart,
    ReflectioError,
    UntrustedNameError,
    VersionWarning,
    as_shown,
    format_path,
)
from reflectio.expected_bytes import ExpectedBytes
from reflectio.header import read_header
from reflectio.name_uses import nodes_of
from reflectio.policy import Policy, PolicyLike
from reflectio.segment_member import segment_member
from reflectio.source import read_whole, view_of

__all__ = ["Finding", "Verification", "verify"]

Check = Literal["format", "digests", "names", "versions", "loading", "bytes"]
Outcome = Literal["passed", "remark", "failed", "not checked"]

_CHECKS: tuple[Check, ...] = ("format", "digests", "names", "versions", "loading", "bytes")

# How much is read of a file that is no document; it tells what it is instead.
_BEGINNING = 64

# Members of the header that say who wrote a document and whether it is whole, not what it holds.
_ABOUT = frozenset({"versions", "digest"})

# The same, and where compressed arrays lie, which depends on the level of compression.
_PLACING = _ABOUT | {"segment", "at", "compressed_nbytes", "compression"}


@frozen
class Finding:
    """
    What one check of a document found.

    Attributes
    ----------
    check : {"format", "digests", "names", "versions", "loading", "bytes"}
        What was checked.
    outcome : {"passed", "remark", "failed", "not checked"}
        A remark is worth reading, and no fault of the document. What follows a failure is often not checked.
    message : str
        What was found.
    path : str
        Where in the document; empty where no single place is meant.
    """

    check: Check
    outcome: Outcome
    message: str
    path: str = ""


@frozen
class Verification:
    """
    What `reflectio.verify` found.

    Attributes
    ----------
    findings : tuple of Finding
        One for each check, in their order.
    """

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The checks that failed."""
        return tuple(finding for finding in self.findings if finding.outcome == "failed")

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """What is worth reading, and no failure."""
        return tuple(finding for finding in self.findings if finding.outcome == "remark")


def verify(
    source: bytes | bytearray | memoryview | str | os.PathLike[str],
    *,
    policy: PolicyLike = None,
) -> Verification:
    """
    Check all that can be checked of a document, by reading, loading and dumping it.

    - *format*: the header and the segment are read strictly. Failure: the document is malformed or truncated, or
      exceeds a limit of the policy.
    - *digests*: of the header and of the segment. Failure: one does not match. Remark: there is none, because the
      document is in JSON format, or was edited and its digest deleted.
    - *names*: what it would import. Failure: the policy refuses some of it.
    - *versions*: of the libraries. Remark: others are installed here; failure, where the policy says so.
    - *loading*: the object can be built here. Failure: its nodes are malformed, need a name that the installed
      libraries do not have, or describe a state that would be unsafe to use.
    - *bytes*: the loaded object, dumped again, gives the same bytes, with lists of like objects as rows or, where the
      document has none, without. Remark: it gives others although nothing is
      lost, because the document was written or edited by hand, compressed at another level, or written with other
      versions. Failure: a document that has its digest and was written with the versions installed here gives
      others, or the object changes each time that it is dumped and loaded.

    Parameters
    ----------
    source : bytes, bytearray, memoryview or path
        The document, or where it is.
    policy : Policy or path, optional
        As in `reflectio.loads`.

    Returns
    -------
    Verification
        What was found. Whatever the document holds, it is told there, and nothing is raised.

    Raises
    ------
    OSError
        The file cannot be read.
    PolicyError
        The policy cannot be read.
    TypeError
        The source is neither bytes nor a path.

    Examples
    --------
    >>> import reflectio
    >>> document = reflectio.dumps({"weights": [0.5, 1.5]})
    >>> reflectio.verify(document).ok
    True
    >>> [finding.check for finding in reflectio.verify(document.replace(b"0.5", b"0.6")).failures]
    ['digests']
    """
    chosen = Policy.of(policy)
    run = _Run(chosen)
    try:
        data = _data(source, chosen)
        run.check(data)
    except ReflectioError as error:
        run.failed(error)
    return Verification(tuple(run.complete()))


def _data(source: Any, policy: Policy) -> bytes | memoryview:
    if not isinstance(source, str | os.PathLike):
        return view_of(source)
    path = Path(source)
    limit = policy.limits.document_bytes
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise LimitError(f"the file has more than {limit} bytes, the policy's limit document_bytes")
        # What is no document shows by how it begins: a device may have no end.
        return read_whole(file, limit) if file.peek(1)[:1] == b"{" else file.read(_BEGINNING)


@define
class _Run:
    """The findings so far, and the check that is under way."""

    policy: Policy
    findings: dict[Check, Finding] = field(factory=dict)
    current: Check = "format"

    def check(self, data: bytes | memoryview) -> None:
        read = read_header(memoryview(data), self.policy.limits)
        # Auditing checks it as well; here it shows that the format is at fault, not the names.
        segment_member(read)
        header = read.members
        self.current = "names"
        report = audit(data, policy=self.policy)
        if not report.ok:
            names = ", ".join(as_shown(use.name) for use in report.untrusted)
            self.add("names", "failed", f"the policy refuses {names}", report.untrusted[0].path)
        else:
            count = len(report.names)
            self.add(
                "names", "passed", f"the policy allows {'all' if count != 1 else 'the only one'} ({count})"
            )
        self.current = "loading"
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = loads(data, policy=self.policy)
        self.add("format", "passed", _form(header, len(data)))
        self.digests(header)
        other_versions = [warning for warning in caught if issubclass(warning.category, VersionWarning)]
        if other_versions:
            self.add("versions", "remark", str(other_versions[0].message))
        else:
            self.add("versions", "passed", "those of all libraries that it names are installed")
        self.add("loading", "passed", f"gives an object of type {type(model).__name__}")
        self.current = "bytes"
        self.bytes(data, header, model)

    def digests(self, header: dict[str, Any]) -> None:
        missing = [
            part
            for part, there in (
                ("header", "digest" in header),
                ("segment", "segment" not in header or len(header["segment"]) > 1),
            )
            if not there
        ]
        if missing:
            self.add(
                "digests",
                "remark",
                f"the {' and the '.join(missing)} has none, so that damage would go unnoticed: the document is in JSON "
                "format, or was edited by hand",
            )
        else:
            self.add("digests", "passed", "match" if "segment" in header else "the header's matches")

    def bytes(self, data: bytes | memoryview, header: dict[str, Any], model: Any) -> None:
        kind: Literal["binary", "json"] = "json" if _is_json_format(data, header) else "binary"
        # The method is recorded, and its level is not: of a compressed document the default is tried.
        compression = _compression(header)
        options: Any = {"format": kind, "metadata": header.get("metadata"), "compression": compression}
        expected = ExpectedBytes(data)
        with io.BufferedWriter(expected) as file:
            dump(model, file, **options)
        if expected.met:
            self.add("bytes", "passed", "the loaded object is dumped as these very bytes")
            return
        write = dumps if _has_rows(header) else dumps_one_by_one
        again = write(model, **options)
        if again == data:
            # Earlier versions write no rows; whoever reads them gets the same.
            self.add(
                "bytes", "passed", "the loaded object, its lists item by item, is dumped as these very bytes"
            )
            return
        written = read_header(memoryview(again), self.policy.limits).members
        place = _first_difference(header, written, _PLACING if compression else _ABOUT)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = loads(again, policy=self.policy)
        third = write(loaded, **options)
        if third != again:
            path = _first_difference(written, read_header(memoryview(third), self.policy.limits).members)
            self.add("bytes", "failed", "what is loaded changes each time that it is dumped", path)
        elif header["versions"] != written["versions"]:
            what = "differently, starting here" if place else "as the same values"
            self.add(
                "bytes",
                "remark",
                f"it was written with other versions; the installed ones write it {what}",
                place,
            )
        elif compression and not place:
            self.add("bytes", "remark", "holds the same values, compressed at another level than the default")
        elif "digest" in header:
            self.add(
                "bytes",
                "failed",
                "it says that it was written with the installed versions, and they write other bytes",
                place or "$",
            )
        elif place:
            self.add("bytes", "remark", "valid, and dump would write it in another way, starting here", place)
        else:
            self.add(
                "bytes",
                "remark",
                "holds the same values, laid out in another way or without a digest, as an edit by hand leaves it",
            )

    def add(self, check: Check, outcome: Outcome, message: str, path: str = "") -> None:
        self.findings[check] = Finding(check, outcome, message, path)

    def failed(self, error: ReflectioError) -> None:
        """Record what an error says of the check that it belongs to."""
        check = self.current
        if isinstance(error, IntegrityError):
            check = "digests"
        elif isinstance(error, UntrustedNameError):
            check = "names"
        elif error.path == "$.versions":
            check = "versions"
        elif isinstance(error, LimitError) or error.path.startswith("$.segment"):
            check = "format"
        if check not in self.findings or self.findings[check].outcome != "failed":
            self.add(check, "failed", error.message, error.path)

    def complete(self) -> Iterator[Finding]:
        for check in _CHECKS:
            yield self.findings.get(check) or Finding(check, "not checked", "not reached")


def _form(header: dict[str, Any], size: int) -> str:
    segment = header.get("segment", {}).get("nbytes", 0)
    return f"version {header['reflectio']}, {size:,} bytes" + (
        f", of which {segment:,} in the segment" if segment else ""
    )


def _is_json_format(data: bytes | memoryview, header: dict[str, Any]) -> bool:
    """Whether a document is meant as text: it has neither digest nor segment, and more than one line."""
    return "digest" not in header and "segment" not in header and b"\n" in bytes(data[:1024])


def _has_rows(header: dict[str, Any]) -> bool:
    return any(node.get("$") == "rows" for node, _ in nodes_of([header["model"], *header.get("objects", [])]))


def _compression(header: dict[str, Any]) -> str | None:
    """How the arrays of a document are compressed, if they are."""
    roots = [header["model"], *header.get("objects", [])]
    methods = {node.get("compression") for node, _ in nodes_of(roots) if node.get("$") == "ndarray"}
    # What compresses too well for zstd is left to zlib.
    return next((method for method in ("zstd", "zlib") if method in methods), None)


def _first_difference(one: dict[str, Any], other: dict[str, Any], without: frozenset[str] = _ABOUT) -> str:
    """The path of the first difference in what two headers hold, but for some members; empty where there is none."""
    stack: list[tuple[tuple[PathPart, ...], Any, Any]] = [((), one, other)]
    while stack:
        path, left, right = stack.pop()
        if type(left) is not type(right):
            return format_path(path, "$")
        if isinstance(left, dict):
            # In a model, a member of such a name may be an attribute.
            skipped = without if not path or left.get("$") == "ndarray" else frozenset()
            parts: list[PathPart] = [key for key in left if key not in skipped]
            if lone := (left.keys() ^ right.keys()) - skipped:
                return format_path((*path, next(key for key in (*left, *right) if key in lone)), "$")
        elif isinstance(left, list):
            if len(left) != len(right):
                return format_path(path, "$")
            parts = list(range(len(left)))
        elif left != right or repr(left) != repr(right):  # 0.0 == -0.0
            return format_path(path, "$")
        else:
            continue
        stack.extend(((*path, part), left[part], right[part]) for part in reversed(parts))
    return ""
