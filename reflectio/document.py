"""The document: a JSON header, and behind a NUL the segment with the bytes of large arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import xxhash
from attrs import frozen

from reflectio.codec import Node
from reflectio.errors import DocumentError, IntegrityError, LimitError
from reflectio.json_text import pretty
from reflectio.policy import Limits
from reflectio.source import Source
from reflectio.strict_json import NESTING, count_values, nesting, parse

if TYPE_CHECKING:
    # It needs numpy, which takes longer to import than a header takes to read.
    from reflectio.segment import Segment, SegmentWriter

FORMAT_VERSION = 1

_MEMBERS = ("reflectio", "versions", "metadata", "model", "objects", "segment", "digest")
_REQUIRED = frozenset({"reflectio", "versions", "model"})
# What nearly every header has.
_USUAL = frozenset(
    {("reflectio", "versions", "model", "digest"), ("reflectio", "versions", "model", "segment", "digest")}
)
_ALGORITHM = "xxh3_128"
_DIGEST_MEMBER = b'"digest"'

# How the writer puts it: the member's name, the algorithm and the digits.
_DIGEST_FORM = b'"digest":"%s:%s"}'
_DIGEST_LENGTH = len(_DIGEST_FORM % (_ALGORITHM.encode(), bytes(32)))
_CLOSING_BRACE = ord("}")

# How much of a buffer without a `find` is searched for the header's end at a time.
_SEARCH_STEP = 1 << 16


def _digest(data: bytes | memoryview) -> str:
    return xxhash.xxh3_128_hexdigest(data)


# -- out ------------------------------------------------------------------------------------------------------


def _header(
    versions: Mapping[str, str], metadata: Any, model: Node, objects: list[Node], segment: SegmentWriter
) -> dict[str, Any]:
    header: dict[str, Any] = {"reflectio": FORMAT_VERSION, "versions": versions}
    if metadata is not None:
        header["metadata"] = metadata
    header["model"] = model
    if objects:
        header["objects"] = objects
    if segment.arrays:
        header["segment"] = {"nbytes": segment.nbytes, _ALGORITHM: segment.digest()}
    return header


def write_binary(
    versions: Mapping[str, str], metadata: Any, model: Node, objects: list[Node], segment: SegmentWriter
) -> Iterable[bytes | memoryview]:
    """
    Give the bytes of a document in binary format, a piece at a time.

    Parameters
    ----------
    versions : dict of str to str
        The versions of the libraries whose names occur.
    metadata : JSON value or None
        What the user wants to be found in the header.
    model : node
        The root.
    objects : list of node
        What lies too deep to be nested in it.
    segment : SegmentWriter
        The arrays that lie outside the header.
    """
    from reflectio.segment import ALIGNMENT

    text = orjson.dumps(_header(versions, metadata, model, objects, segment))
    # The digest covers every byte before its own member, the comma included.
    digested = memoryview(text[:-1] + b",")
    tail = _DIGEST_FORM % (_ALGORITHM.encode(), _digest(digested).encode())
    if not segment.arrays:
        return [digested, tail]
    padding = bytes(-(len(digested) + len(tail)) % ALIGNMENT or ALIGNMENT)
    # The header is complete before the first piece is asked for; arrays are read as they are written.
    return chain((digested, tail, padding), segment.chunks())


def write_json(versions: Mapping[str, str], metadata: Any, model: Node, objects: list[Node]) -> bytes:
    """Give the bytes of a document in JSON format, which has neither segment nor digest."""
    from reflectio.segment import SegmentWriter

    return pretty(_header(versions, metadata, model, objects, SegmentWriter()))


# -- in -------------------------------------------------------------------------------------------------------


@frozen
class Header:
    """
    The header of a document, parsed.

    Attributes
    ----------
    members : dict
        The header's members.
    text : bytes
        Its bytes.
    end : int or None
        Where the NUL behind it is; None where nothing follows.
    """

    members: dict[str, Any]
    text: bytes
    end: int | None


@frozen
class Document:
    """
    A document, read but not built.

    Attributes
    ----------
    header : dict
        The parsed header.
    text : bytes
        The header's bytes.
    segment : Segment
        The arrays outside the header; empty where there are none.
    """

    header: dict[str, Any]
    text: bytes
    segment: Segment

    @property
    def objects(self) -> list[Node]:
        """The header's ``objects``."""
        objects = self.header.get("objects", [])
        assert type(objects) is list
        return objects

    def reparse(self) -> list[Node]:
        """The root and the objects, parsed anew; what is wrong with the text was found the first time."""
        header = orjson.loads(self.text)
        return [header["model"], *header.get("objects", [])]


def read(data: memoryview, limits: Limits, *, mapped: bool = False) -> Document:
    """
    Read and check a document, short of building anything.

    Parameters
    ----------
    data : memoryview
        All of its bytes.
    limits : Limits
        What the policy grants.
    mapped : bool
        Whether ``data`` is a private mapping of a file that arrays are to be views of. The segment's digest, for
        which every byte would have to be read, is not checked then.

    Raises
    ------
    DocumentError, LimitError, IntegrityError
        The bytes are no document, exceed a limit, or do not match their digest.
    """
    if len(data) > limits.document_bytes:
        raise LimitError(
            f"the document has {len(data)} bytes; the policy's limit document_bytes is {limits.document_bytes}"
        )
    header = read_header(data, limits)
    segment = _read_segment(header, data, mapped=mapped)
    return Document(header.members, header.text, segment)


def read_header(data: memoryview, limits: Limits, *, verify: bool = True) -> Header:
    """
    Read and check the header that some bytes start with.

    Parameters
    ----------
    data : memoryview
        The document, or so much of it that the NUL behind the header is among it.
    limits : Limits
        What the policy grants.
    verify : bool
        Whether a digest that does not match is an error.
    """
    text, end = _split(data)
    if len(text) > limits.text_bytes:
        raise LimitError(
            f"the header has {len(text)} bytes; the policy's limit text_bytes is {limits.text_bytes}"
        )
    members = _parse(text, limits)
    _check_header(members)
    if verify:
        _check_digest(members, text)
    return Header(members, text, end)


def _split(data: memoryview) -> tuple[bytes, int | None]:
    """The header's bytes, and where the NUL behind them is."""
    head = bytes(data[:_SEARCH_STEP])
    end = head.find(0)
    if end >= 0:
        return head[:end], end
    if len(head) == len(data):
        return head, None
    for start in range(_SEARCH_STEP, len(data), _SEARCH_STEP):
        place = bytes(data[start : start + _SEARCH_STEP]).find(0)
        if place >= 0:
            return bytes(data[: start + place]), start + place
    return bytes(data), None


def _parse(text: bytes, limits: Limits) -> dict[str, Any]:
    if not text:
        raise DocumentError("the document is empty")
    if text[:1] != b"{":
        raise DocumentError(f"not a reflectio document: it does not start with {{{_hint(text)}")
    if (count := count_values(text, limits.nodes)) > limits.nodes:
        raise LimitError(f"the header holds {count} values; the policy's limit nodes is {limits.nodes}")
    header: dict[str, Any] = parse(text)
    if limits.depth < NESTING and (depth := nesting(header)) > limits.depth:
        raise LimitError(
            f"the header nests {depth} lists and objects; the policy's limit depth is {limits.depth}"
        )
    return header


# How files begin that are given in place of a document, and what to say of them.
_OTHERS = (
    (b"\x80", "this looks like a pickle or joblib file"),
    (b"PK\x03\x04", "this looks like a zip archive, as skops writes it"),
    (b"\x1f\x8b", "this is compressed by gzip; decompress it first"),
    ((b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), "this is compressed by zlib, as joblib does"),
    (b"\xef\xbb\xbf", "the text starts with a byte order mark; save it as UTF-8 without one"),
    (b"\xff\xfe", "this looks like UTF-16; save it as UTF-8"),
)


def _hint(text: bytes) -> str:
    return next((f"; {hint}" for beginning, hint in _OTHERS if text.startswith(beginning)), "")


def _check_header(header: dict[str, Any]) -> None:
    if tuple(header) in _USUAL and header["reflectio"] is FORMAT_VERSION and type(header["versions"]) is dict:
        return
    version = header.get("reflectio")
    if type(version) is not int:
        raise DocumentError(
            "not a reflectio document: the member 'reflectio' with the format version is missing"
        )
    if version != FORMAT_VERSION:
        raise DocumentError(
            f"the document has format version {version}; this reflectio reads version {FORMAT_VERSION}, a newer "
            "one may read it"
        )
    if missing := _REQUIRED - header.keys():
        raise DocumentError(f"the header has no {' and no '.join(sorted(missing))}")
    if unknown := header.keys() - set(_MEMBERS):
        raise DocumentError(f"the header has unknown members: {', '.join(sorted(unknown))}")
    if type(header["versions"]) is not dict:
        raise DocumentError("the versions must be an object").rooted("$.versions")
    if type(header.get("objects", [])) is not list:
        raise DocumentError("the objects must be a list").rooted("$.objects")


def _check_digest(header: dict[str, Any], text: bytes) -> None:
    if "digest" not in header:
        return
    digest = header["digest"]
    # Where the text ends so, the last member is called "digest": what precedes the name cannot be part of it, for
    # the header has no unknown members, and none twice.
    digits = _digest(text[:-_DIGEST_LENGTH])
    if text.endswith(_DIGEST_FORM % (_ALGORITHM.encode(), digits.encode())):
        return
    if type(digest) is not str or not digest.startswith(f"{_ALGORITHM}:"):
        raise DocumentError(f"the digest must be {_ALGORITHM}: and hexadecimal digits").rooted("$.digest")
    # It is the last member, so that its name is near the end.
    tail = bytes(text[-256:])
    place = tail.rfind(_DIGEST_MEMBER)
    if place < 0 or next(reversed(header)) != "digest":
        raise DocumentError("the digest must be the last member").rooted("$.digest")
    found = _digest(text[: len(text) - len(tail) + place])
    if digest != f"{_ALGORITHM}:{found}":
        raise IntegrityError(
            "the header does not match its digest: the document was damaged, or edited. Delete the member 'digest' "
            "to accept an edit"
        )


class _SegmentMember(NamedTuple):
    """What the header says of the segment, and where that must be."""

    nbytes: int
    digest: Any
    start: int


def _segment_member(header: Header) -> _SegmentMember | None:
    """Read what the header says of the segment; None where there is none."""
    described, end = header.members.get("segment"), header.end
    if described is None:
        if end is not None:
            raise DocumentError("bytes follow the header, which describes no segment")
        return None
    if type(described) is not dict or not {"nbytes"} <= described.keys() <= {"nbytes", _ALGORITHM}:
        raise DocumentError(f"the segment must be described by nbytes and {_ALGORITHM}").rooted("$.segment")
    nbytes = described["nbytes"]
    if end is None:
        raise DocumentError("the segment is missing: the document is truncated").rooted("$.segment")
    if type(nbytes) is not int or nbytes < 0:
        raise DocumentError(f"the segment cannot have {nbytes!r} bytes").rooted("$.segment")
    from reflectio.segment import ALIGNMENT

    return _SegmentMember(nbytes, described.get(_ALGORITHM), end + (-end % ALIGNMENT or ALIGNMENT))


def _check_size(member: _SegmentMember, size: int) -> None:
    if member.start + member.nbytes != size:
        raise DocumentError(
            f"the segment should have {member.nbytes} bytes and has {max(0, size - member.start)}: the document is "
            "truncated, or something follows it"
        ).rooted("$.segment")


def _check_padding(header: Header, padding: Any) -> None:
    # White space behind the header would be padding that the digest does not cover.
    if any(padding) or header.text[-1] != _CLOSING_BRACE:
        raise DocumentError("the padding before the segment is not zero").rooted("$.segment")


def _read_segment(header: Header, data: memoryview, *, mapped: bool) -> Segment:
    from reflectio.segment import Segment

    member = _segment_member(header)
    if member is None:
        return Segment(data[:0])
    _check_size(member, len(data))
    _check_padding(header, data[header.end : member.start])
    body = data[member.start :]
    if not mapped and member.digest is not None and _digest(body) != member.digest:
        raise IntegrityError(
            "the segment does not match its digest: the document was damaged, or edited"
        ).rooted("$.segment")
    return Segment(body, mapped=mapped)


def read_source(source: Source, limits: Limits) -> Document:
    """
    Read and check a document from a file, short of its segment, which comes later and in order.

    A document that is small, or has no segment, is read at once, as `read` does it.

    Parameters
    ----------
    source : Source
        The file.
    limits : Limits
        What the policy grants.

    Raises
    ------
    DocumentError, LimitError, IntegrityError
        As in `read`.
    """
    beginning, complete = source.read_beginning(limits.text_bytes)
    if complete:
        return read(beginning, limits)
    header = read_header(beginning, limits)
    member = _segment_member(header)
    if member is None or header.end is None:
        raise DocumentError("the document is truncated, or something follows it")
    size = member.start + member.nbytes
    if source.size is not None:
        _check_size(member, source.size)
    elif size > limits.document_bytes:
        raise LimitError(
            f"the document has {size} bytes; the policy's limit document_bytes is {limits.document_bytes}"
        )
    source.put_back(beginning[header.end :])
    padding = bytearray(member.start - header.end)
    source.readinto(memoryview(padding))
    _check_padding(header, padding)
    from reflectio.streamed_segment import StreamedSegment

    segment = StreamedSegment(source, member.nbytes, member.digest)
    return Document(header.members, header.text, segment)
