"""The public reader of headers: what a document says of itself, and its arrays when they are asked for."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import xxhash
from attrs import define, field

from reflectio.codec import Node
from reflectio.document import read
from reflectio.errors import DecodeError, DocumentError, IntegrityError, LimitError
from reflectio.expanded_rows import Expansion, expand
from reflectio.header import read_header as read_strictly
from reflectio.inspection.arrays import Array, ArrayInfo, Arrays
from reflectio.inspection.graph import Graph
from reflectio.inspection.paths import find
from reflectio.name_uses import nodes_of, path_of
from reflectio.policy import Limits, Policy, PolicyLike
from reflectio.segment import Segment
from reflectio.source import view_of

Source = bytes | bytearray | memoryview | str | os.PathLike[str]

#: What is known of a digest: it matches, it does not, there is none, or the bytes were not read.
Digest = Literal["matches", "differs", "absent", "unread"]

# Segments of up to this size are read to check their digest; it takes a hundredth of a second.
_CHECKED_BYTES = 1 << 26

_CHUNK = 1 << 20
_ALGORITHM = "xxh3_128"


@define(eq=False, slots=False)
class Header:
    """
    The header of a document, and a way to its arrays. Nothing is built, and none of its names is imported.

    Attributes
    ----------
    format : {"binary", "json"}
        ``"json"`` where the document has neither a segment nor a digest.
    format_version : int
        The version of the document format.
    versions : dict of str to str
        What the document was written with.
    metadata : JSON value
        What its writer put there; None where nothing.
    model : node
        The root node, parsed JSON; lists that are written as rows are the lists that they stand for.
    objects : list of node
        What lies too deep to be nested in it.
    nbytes : int
        The size of the document in bytes.
    header_nbytes : int
        How many of them are the header's.
    segment_nbytes : int
        How many the header says are the segment's.
    digest : {"matches", "differs", "absent"}
        Whether the header is as it was written.
    problem : str
        Why arrays in the segment cannot be read: the document is truncated, say. Empty where they can.
    """

    format: Literal["binary", "json"]
    format_version: int
    versions: dict[str, Any]
    metadata: Any
    nbytes: int
    header_nbytes: int
    segment_nbytes: int
    digest: Digest
    problem: str
    _roots: list[Node] = field(repr=False)
    _segment: Segment | None = field(repr=False)
    _written_digest: Any = field(repr=False)
    _limits: Limits = field(repr=False)

    @cached_property
    def segment_digest(self) -> Digest:
        """Whether the segment is as it was written; ``"unread"`` where it has more than 64 MiB. See `verify`."""
        return self.verify() if self.segment_nbytes <= _CHECKED_BYTES else "unread"

    def verify(self) -> Digest:
        """Read the whole segment and compare it with its digest; ``"unread"`` where `problem` says why."""
        if self._segment is None:
            return "unread"
        if self._written_digest is None:
            return "absent"
        found = xxhash.xxh3_128_hexdigest(self._segment.data)
        return "matches" if found == self._written_digest else "differs"

    @property
    def model(self) -> Node:
        """The root node."""
        return self.expansion.roots[0]

    @property
    def objects(self) -> list[Node]:
        """What lies too deep to be nested in it."""
        return self.expansion.roots[1:]

    @cached_property
    def expansion(self) -> Expansion:
        """The nodes without rows."""
        # Whatever has a dtype of its own here is no node of a graph yet.
        arrays = Arrays(self._segment, self._limits, self.header_nbytes)
        graph = Graph(None, [], arrays.stored_bytes)
        return expand(self._roots, lambda node: arrays.elements(node, graph), self.header_nbytes)

    @cached_property
    def graph(self) -> Graph:
        """The nodes with their sizes, and what references refer to."""
        return Graph(self.model, self.objects, self._arrays.stored_bytes, self.expansion.alike)

    @cached_property
    def _arrays(self) -> Arrays:
        return Arrays(self._segment, self._limits, self.header_nbytes, self.expansion.slices)

    def node(self, path: str) -> Node:
        """
        Give the node at a path.

        Parameters
        ----------
        path : str
            Such as ``$.model.steps[1][1].coef_``, as errors and reports write it.

        Raises
        ------
        DocumentError
            There is nothing at the path; the message says what there is.
        """
        return find(self, path).node

    def arrays(self) -> Iterator[tuple[str, ArrayInfo]]:
        """Describe every array of the document, with its path, in the document's order."""
        for node, place in nodes_of([self.model, *self.objects]):
            if node.get("$") == "ndarray":
                yield path_of(place), self.describe(node)

    def describe(self, node: Node) -> ArrayInfo:
        """Describe the array of a node tagged ``ndarray``, without reading its elements."""
        return self._arrays.info(node, self.graph)

    def array(self, path: str | Node) -> Array:
        """
        Read an array.

        Parameters
        ----------
        path : str or node
            Where it is, or its node.

        Returns
        -------
        ndarray
            Read-only where it lies in the segment of a file: a view of that, read as its elements are used. The file
            must not be truncated meanwhile.

        Raises
        ------
        DecodeError
            There is no array at the path, or it is not what its node says.
        """
        node = self.graph.target(self.node(path) if isinstance(path, str) else path)
        if type(node) is not dict or node.get("$") != "ndarray":
            raise DocumentError(f"there is no array at {path if isinstance(path, str) else 'this node'}")
        if self.describe(node).place == "objects":
            raise DocumentError("the elements of this array are objects; load the document to have them")
        return self._arrays.elements(node, self.graph)


def read_header(source: Source, *, policy: PolicyLike = None) -> Header:
    """
    Read the header of a document, building nothing and importing none of its names.

    Of a file in binary format no more than the header is read, whatever its size; arrays are read when they are
    asked for. A damaged document is read as far as it can be: see ``digest`` and ``problem`` of the result.

    Parameters
    ----------
    source : bytes, bytearray, memoryview or path
        The document, or where it is.
    policy : Policy or path, optional
        As in `reflectio.loads`; its limits count.

    Returns
    -------
    Header
        What the document says of itself.

    Raises
    ------
    DocumentError, LimitError
        There is no header, or it exceeds a limit.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import reflectio
    >>> from sklearn.preprocessing import StandardScaler
    >>> document = reflectio.dumps(StandardScaler().fit([[0.0], [2.0]]), metadata={"by": "Ada"})
    >>> header = reflectio.read_header(document)
    >>> header.metadata, header.model["$"], header.array("$.model.mean_")
    ({'by': 'Ada'}, 'sklearn.preprocessing.StandardScaler', array([1.]))
    """
    limits = Policy.of(policy).limits
    data = _bytes_of(source, limits)
    if len(data) > limits.document_bytes:
        raise LimitError(
            f"the document has {len(data)} bytes; the policy's limit document_bytes is {limits.document_bytes}"
        )
    if bytes(data[:1]) == b"\0":
        raise DocumentError("not a reflectio document: it starts with a zero byte")
    if bytes(data[:1]) != b"{":
        # What is no document need not be read to its end to say so.
        read_strictly(data[:_CHUNK], limits)
    segment: Segment | None = None
    problem = ""
    digest: Digest = "matches"
    try:
        document = read(data, limits, mapped=True)
        members, text, segment = document.header, document.text, document.segment
    except DecodeError as error:
        if isinstance(error, IntegrityError):
            digest = "differs"
        header = read_strictly(data, limits, verify=False)
        members, text = header.members, header.text
        try:
            segment = read(data, limits, mapped=True, verify=False).segment
        except DecodeError as damage:
            problem = str(damage)
    if "digest" not in members:
        digest = "absent"
    described = members.get("segment")
    if type(described) is not dict:
        described = {}
    nbytes = described.get("nbytes")
    return Header(
        format="binary" if described or "digest" in members else "json",
        format_version=members["reflectio"],
        versions=members["versions"],
        metadata=members.get("metadata"),
        roots=[members["model"], *members.get("objects", [])],
        nbytes=len(data),
        header_nbytes=len(text),
        segment_nbytes=nbytes if type(nbytes) is int and nbytes > 0 else 0,
        digest=digest,
        problem=problem,
        segment=segment,
        written_digest=described.get(_ALGORITHM),
        limits=limits,
    )


def _bytes_of(source: Source, limits: Limits) -> memoryview:
    if not isinstance(source, str | os.PathLike):
        return view_of(source)
    with open(Path(source), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > limits.document_bytes:
            raise LimitError(
                f"the file has {size} bytes; the policy's limit document_bytes is {limits.document_bytes}"
            )
        if size:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        # A pipe or a device has no size, and may have no end; what is no document shows by how it begins.
        chunks: list[bytes] = []
        while chunk := file.read(_CHUNK):
            if not chunks and chunk[:1] != b"{":
                return memoryview(chunk)
            chunks.append(chunk)
            size += len(chunk)
            if size > limits.document_bytes:
                raise LimitError(f"the file has more than {limits.document_bytes} bytes, the policy's limit")
        return memoryview(b"".join(chunks))
