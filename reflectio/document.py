"""The document: a JSON header, and behind a NUL the segment with the bytes of large arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from reflectio import compiled
from reflectio.codec import Node
from reflectio.draft import NO_DIGITS, Draft
from reflectio.errors import DocumentError, IntegrityError, LimitError
from reflectio.header import (
    ALGORITHM,
    DIGEST_FORM,
    FORMAT_VERSION,
    Header,
    digest_of,
    read_header,
)
from reflectio.json_text import pretty
from reflectio.policy import Limits
from reflectio.segment import NOTHING, Segment
from reflectio.segment_member import check_size, segment_member
from reflectio.segment_writer import SegmentWriter
from reflectio.source import Source
from reflectio.streamed_segment import StreamedSegment

_EMPTY = SegmentWriter()

_CLOSING_BRACE = ord("}")

# Arrays of so many bytes together are put behind the header at once, rather than block by block.
_SMALL_SEGMENT = 1 << 17


# -- out ------------------------------------------------------------------------------------------------------


def write_binary(
    versions: Mapping[str, str],
    metadata: Any,
    model: Node,
    objects: list[Node],
    segment: SegmentWriter | None,
) -> Draft | bytes:
    """
    Give a document in binary format, ready to be written.

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
    segment : SegmentWriter or None
        The arrays that lie outside the header, which are read when the document is written.
    """
    beginning, nodes = _beginning(versions, metadata), orjson.dumps(model)
    if objects:
        nodes += b',"objects":' + orjson.dumps(objects)
    if segment is None:
        segment = _EMPTY
    arrays, offsets, nbytes = segment.arrays, segment.offsets, segment.nbytes
    described = _DESCRIBED % nbytes if arrays else b""
    if _documents is not None and not segment.compresses:
        document = _documents.joined(beginning, nodes, described, arrays, offsets, nbytes)
        if document is None and nbytes <= _SMALL_SEGMENT:
            # Records, pieces and steps: as buffers they are plain.
            document = _documents.joined(beginning, nodes, described, segment.buffers(), offsets, nbytes)
        if document is not None:
            found: bytes = document
            return found
    return Draft(
        b"".join((beginning, nodes, described, b",", DIGEST_FORM % (ALGORITHM.encode(), NO_DIGITS.encode()))),
        segment,
    )


def _beginning(versions: Mapping[str, str], metadata: Any) -> bytes:
    """How a header begins, up to the node of its model."""
    known = _beginnings.get(id(versions))
    if known is not None and known[0] is versions:
        beginning = known[1]
    else:
        beginning = orjson.dumps({"reflectio": FORMAT_VERSION, "versions": versions})[:-1] + _MODEL
        if len(_beginnings) < _REMEMBERED:
            _beginnings[id(versions)] = versions, beginning
    if metadata is None:
        return beginning
    return b'%s,"metadata":%s%s' % (beginning.removesuffix(_MODEL), orjson.dumps(metadata), _MODEL)


# By the id of the versions, of which there is one object for all documents that need the same, with these themselves.
_beginnings: dict[int, tuple[Mapping[str, str], bytes]] = {}
_REMEMBERED = 256
_MODEL = b',"model":'

_documents = compiled.part("documents")
_DESCRIBED = b',"segment":{"nbytes":%d,"' + ALGORITHM.encode() + b'":"' + NO_DIGITS.encode() + b'"}'


def write_json(versions: Mapping[str, str], metadata: Any, model: Node, objects: list[Node]) -> bytes:
    """Give a document in JSON format, which has neither segment nor digest."""
    header: dict[str, Any] = {"reflectio": FORMAT_VERSION, "versions": versions}
    if metadata is not None:
        header["metadata"] = metadata
    header["model"] = model
    if objects:
        header["objects"] = objects
    return pretty(header)


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


def read(data: bytes | memoryview, limits: Limits, *, mapped: bool = False, verify: bool = True) -> Document:
    """
    Read and check a document, short of building anything.

    Parameters
    ----------
    data : bytes or memoryview
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
    segment = _read_segment(header, memoryview(data), mapped=mapped)
    return Document(header.members, header.text, segment)


def _check_padding(header: Header, padding: Any) -> None:
    # White space behind the header would be padding that the digest does not cover.
    if any(padding) or header.text[-1] != _CLOSING_BRACE:
        raise DocumentError("the padding before the segment is not zero").rooted("$.segment")


def _read_segment(header: Header, data: memoryview, *, mapped: bool) -> Segment:
    if header.end is None and "segment" not in header.members:
        return NOTHING
    member = segment_member(header)
    if member is None:
        return NOTHING
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
    header = read_header(source.beginning(limits.text_bytes), limits)
    member = segment_member(header)
    if member is None or header.end is None:
        raise DocumentError("the document is truncated, or something follows it")
    size = member.start + member.nbytes
    if source.size is not None:
        check_size(member, source.size)
    elif size > limits.document_bytes:
        raise LimitError(
            f"the document has {size} bytes; the policy's limit document_bytes is {limits.document_bytes}"
        )
    source.skip(header.end)
    padding = bytearray(member.start - header.end)
    source.readinto(memoryview(padding))
    _check_padding(header, padding)
    segment = StreamedSegment(source, member.nbytes, member.digest)
    return Document(header.members, header.text, segment)
