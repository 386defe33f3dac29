"""The document: a JSON header, and behind a NUL the segment with the bytes of large arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

import orjson

from reflectio.codec import Node
from reflectio.errors import DocumentError, IntegrityError, LimitError
from reflectio.header import (
    ALGORITHM,
    DIGEST_FORM,
    DIGEST_LENGTH,
    FORMAT_VERSION,
    Header,
    digest_of,
    read_header,
)
from reflectio.json_text import pretty
from reflectio.policy import Limits
from reflectio.segment import Segment
from reflectio.segment_member import ALIGNMENT, check_size, segment_member
from reflectio.segment_writer import SegmentWriter
from reflectio.source import Source
from reflectio.streamed_segment import StreamedSegment

_CLOSING_BRACE = ord("}")

# Arrays of fewer bytes, on average, are copied faster out of one buffer than read one by one; and by what a header has
# one for each. How an array is read makes no difference but of time.
_SMALL_ARRAY = 1 << 16
_IN_SEGMENT = b'"at":'

_NO_DIGEST = f"{ALGORITHM}:{'0' * 32}"


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
        header["segment"] = {"nbytes": segment.nbytes, ALGORITHM: segment.digest()}
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
    header = _header(versions, metadata, model, objects, segment)
    # The digest covers every byte before its own member, the comma included. Room is made for it, so that the rest of a
    # long header need not be copied.
    header["digest"] = _NO_DIGEST
    digested = memoryview(orjson.dumps(header))[:-DIGEST_LENGTH]
    tail = DIGEST_FORM % (ALGORITHM.encode(), digest_of(digested).encode())
    if not segment.arrays:
        return [digested, tail]
    padding = bytes(-(len(digested) + len(tail)) % ALIGNMENT or ALIGNMENT)
    # The header is complete before the first piece is asked for; arrays are read as they are written.
    return chain((digested, tail, padding), segment.chunks())


def write_json(versions: Mapping[str, str], metadata: Any, model: Node, objects: list[Node]) -> bytes:
    """Give the bytes of a document in JSON format, which has neither segment nor digest."""
    return pretty(_header(versions, metadata, model, objects, SegmentWriter()))


# -- in -------------------------------------------------------------------------------------------------------


class Document(NamedTuple):
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


def read(data: memoryview, limits: Limits, *, mapped: bool = False, verify: bool = True) -> Document:
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
    verify : bool
        Whether a digest of the header that does not match is an error.

    Raises
    ------
    DocumentError, LimitError, IntegrityError
        The bytes are no document, exceed a limit, or do not match their digest.
    """
    if len(data) > limits.document_bytes:
        raise LimitError(
            f"the document has {len(data)} bytes; the policy's limit document_bytes is {limits.document_bytes}"
        )
    header = read_header(data, limits, verify=verify)
    segment = _read_segment(header, data, mapped=mapped)
    return Document(header.members, header.text, segment)


def _check_padding(header: Header, padding: Any) -> None:
    # White space behind the header would be padding that the digest does not cover.
    if any(padding) or header.text[-1] != _CLOSING_BRACE:
        raise DocumentError("the padding before the segment is not zero").rooted("$.segment")


def _read_segment(header: Header, data: memoryview, *, mapped: bool) -> Segment:
    if header.end is None and "segment" not in header.members:
        return Segment(data[:0])
    member = segment_member(header)
    if member is None:
        return Segment(data[:0])
    check_size(member, len(data))
    _check_padding(header, data[header.end : member.start])
    body = data[member.start :]
    if not mapped and member.digest is not None and digest_of(body) != member.digest:
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
    member = segment_member(header)
    if member is None or header.end is None:
        raise DocumentError("the document is truncated, or something follows it")
    if source.is_small and member.nbytes < _SMALL_ARRAY * header.text.count(_IN_SEGMENT):
        segment = _read_segment(header, source.read_all(beginning), mapped=False)
        return Document(header.members, header.text, segment)
    size = member.start + member.nbytes
    if source.size is not None:
        check_size(member, source.size)
    elif size > limits.document_bytes:
        raise LimitError(
            f"the document has {size} bytes; the policy's limit document_bytes is {limits.document_bytes}"
        )
    source.put_back(beginning[header.end :])
    padding = bytearray(member.start - header.end)
    source.readinto(memoryview(padding))
    _check_padding(header, padding)
    segment = StreamedSegment(source, member.nbytes, member.digest)
    return Document(header.members, header.text, segment)
