"""Saving and loading: what `reflectio.dumps`, `dump`, `loads` and `load` do."""

from __future__ import annotations

import gc
import io
import mmap as _mmap
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Literal

import orjson

from reflectio import compiled
from reflectio.atomic import replacing
from reflectio.codecs.array_places import array_places
from reflectio.compression import Compression, CompressionLike
from reflectio.decoder import Decoder
from reflectio.document import Document, read, read_source, write_binary, write_json
from reflectio.draft import Draft, joined, write
from reflectio.encoder import Encoder, RowsReferredError
from reflectio.errors import DocumentError, ReflectioError, UnsupportedTypeError
from reflectio.header import nodes_of_text
from reflectio.policy import Policy, PolicyLike
from reflectio.readers import NameRefusedError
from reflectio.refused_names import untrusted_names
from reflectio.segment import NOTHING, Segment
from reflectio.segment_writer import CompressedSegmentWriter
from reflectio.source import Source
from reflectio.streamed_segment import StreamedSegment
from reflectio.versions import AS_INSTALLED, check_versions, versions_for
from reflectio.walk_in import as_reflectio_error
from reflectio.walk_out import ODD_STATE, as_unsupported

Format = Literal["binary", "json"]
PathLike = str | os.PathLike[str]

# From `check_versions` up to the caller of `loads` or `load`, whose line a warning shows.
_STACKLEVEL = 5

# How much of a file is read at once where arrays are small; large ones are read past the buffer.
_BUFFER = 1 << 17

# A file of so many bytes is read at once, which holding them for a moment is worth.
_AT_ONCE = 1 << 17

# How many compressed bytes wait in memory for the header to be written; more wait in a temporary file.
_SPOOLED_IN_MEMORY = 1 << 22

# How long paths are that a system takes, and how what starts that may be a document: by an object or a byte order mark.
_LONGEST_PATH = 4096
_NO_PATH = b"{\xef"

# Reads most documents in one pass, where it was compiled.
_parsing = compiled.part("parsing")

# Once so many classes may not be written as rows, none is: each takes a walk of its own to find out.
_MOST_APART = 4


_NONE: frozenset[type] = frozenset()


def _encode(
    obj: Any,
    format: str,
    metadata: Any,
    compression: Compression | None,
    spool: IO[bytes] | None = None,
    *,
    rows: bool = True,
) -> Draft | bytes:
    if format not in ("binary", "json"):
        raise ValueError(f"format must be 'binary' or 'json', not {format!r}")
    if compression is not None and format == "json":
        raise ValueError(
            "compression needs format='binary': a document in JSON format has nothing to compress"
        )
    if metadata is not None:
        metadata = _plain_metadata(metadata)
    careful, apart = False, _NONE
    # As `without_collector` does it, spelled out: see `_build`.
    collects = gc.isenabled()
    if collects:
        gc.disable()
    try:
        while True:
            try:
                if format == "binary" and compression is None and not (careful or apart):
                    # Nearly always; what goes without saying takes a part of the time of the smallest documents, too.
                    encoder = Encoder(rows=rows)
                else:
                    segment = (
                        None
                        if compression is None
                        else CompressedSegmentWriter(compression, spool or io.BytesIO())
                    )
                    encoder = Encoder(
                        inline=format == "json", careful=careful, rows=rows, apart=apart, segment=segment
                    )
                try:
                    model, objects = encoder.encode(obj)
                except ReflectioError:
                    raise
                except ODD_STATE as error:
                    # A TypeError is what orjson raises, too.
                    if isinstance(error, orjson.JSONEncodeError) and not careful:
                        raise
                    raise as_unsupported(error)  # noqa: B904  which has its cause
                versions = versions_for(encoder.names)
                if format == "json":
                    return write_json(versions, metadata, model, objects)
                return write_binary(versions, metadata, model, objects, encoder.placed)
            except orjson.JSONEncodeError:
                if careful:
                    raise
                # Somewhere is an integer beyond 64 bits, or text that is not Unicode: walk again and look at each.
                careful = True
            except RowsReferredError as error:
                apart |= {error.cls}
                rows = rows and len(apart) < _MOST_APART
    finally:
        if collects:
            gc.enable()


def _plain_metadata(metadata: Any) -> Any:
    """The metadata as JSON says them, without the subclasses of str and dict that there may be."""
    try:
        plain = orjson.loads(orjson.dumps(metadata))
    except orjson.JSONEncodeError as error:
        raise UnsupportedTypeError(
            f"the metadata must be what JSON can say: {error}; of a numpy scalar write .item(), of an array .tolist()"
        ).rooted("$.metadata") from error
    if plain != metadata:
        raise UnsupportedTypeError("the metadata must come back from JSON unchanged").rooted("$.metadata")
    return plain


def dumps(
    obj: Any, *, format: Format = "binary", compression: CompressionLike = None, metadata: Any = None
) -> bytes:
    """
    Turn an object into a document.

    Equal state gives equal bytes, in any process.

    Parameters
    ----------
    obj : Any
        A scikit-learn estimator, or anything made of objects whose classes can be imported.
    format : {"binary", "json"}, default="binary"
        ``"binary"``: a JSON header, and behind it the bytes of arrays of more than 64 elements. ``"json"``: indented
        JSON and nothing else.
    compression : {"zstd", "zlib"} or tuple of one of these and an int, optional
        Compress each array behind the header that thereby gets smaller; with a level, as in ``("zstd", 19)``: 1 to 22
        for zstd (3 if not given), 1 to 9 for zlib (6). zstd needs Python 3.14, or ``pip install 'reflectio[zstd]'``,
        to write and to read. The bytes are equal as long as the library that compresses is of one version. Only for
        binary format.
    metadata : JSON value, optional
        Stored in the header under ``metadata``, for whoever looks at the document.

    Returns
    -------
    bytes
        The document.

    Raises
    ------
    UnsupportedTypeError
        The object holds something that no document can hold; the message has the path to it. Or it changes while it
        is walked.
    ValueError
        There is no such format, compression or level, or they do not go together.
    ImportError
        The library that is to compress is missing.
    Exception
        What the object's own code raises (``__getstate__``, say), or a codec that was registered, and what means that
        there is not enough memory.

    See Also
    --------
    dump : The same into a file, without a second copy in memory.
    loads : The way back.

    Examples
    --------
    >>> import reflectio
    >>> from sklearn.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    >>> reflectio.loads(reflectio.dumps(model)).predict([[2.0]])
    array([5.])
    """
    chosen = None if compression is None else Compression.of(compression)
    return joined(_encode(obj, format, metadata, chosen))


def dumps_one_by_one(
    obj: Any, *, format: Format = "binary", compression: CompressionLike = None, metadata: Any = None
) -> bytes:
    """As `dumps`, with the objects of every list written one by one, which is as good a document of the same object."""
    return joined(_encode(obj, format, metadata, Compression.of(compression), rows=False))


def dump(
    obj: Any,
    file: PathLike | IO[bytes],
    *,
    format: Format | None = None,
    compression: CompressionLike = None,
    metadata: Any = None,
) -> None:
    """
    Write an object into a file as a document.

    Parameters
    ----------
    obj : Any
        The object.
    file : path or binary file
        Where to write. At a path the document appears at once or not at all: it is written beside it, flushed to
        disk and renamed. A file object needs a ``write`` method, no more.
    format : {"binary", "json"}, optional
        As in `dumps`; by default ``"json"`` for a path that ends in ``.json``, else ``"binary"``.
    compression : {"zstd", "zlib"} or tuple of one of these and an int, optional
        As in `dumps`. The name of a path has no say in it.
    metadata : JSON value, optional
        As in `dumps`.

    Raises
    ------
    UnsupportedTypeError
        The object holds something that no document can hold.
    ValueError, ImportError
        As in `dumps`.
    OSError
        The file cannot be written; what was there before is unchanged.

    Notes
    -----
    Beyond the object, the header and the copy of one array at most are held in memory: an array that is laid out in
    memory as in the document is written from where it is. What is compressed waits in a temporary file.

    A file that was opened by Python, and not to append to, gets the digits of the digests last: what an error leaves
    of a document in it does not load. Any other file is written from the first to the last byte, for which the arrays
    are read twice.

    Examples
    --------
    >>> import reflectio, tempfile, pathlib
    >>> from sklearn.preprocessing import StandardScaler
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "scaler.rfl"
    >>> reflectio.dump(StandardScaler().fit([[0.0], [2.0]]), path)
    >>> reflectio.load(path).mean_
    array([1.])
    """
    chosen = Compression.of(compression)
    if isinstance(file, str | os.PathLike):
        path = Path(file)
        # Beside the file, where there must be room for it anyway.
        with _spool(chosen, path.parent) as spool:
            draft = _encode(obj, format or _format_of(path), metadata, chosen, spool)
            with replacing(path) as opened:
                write(draft, opened)
        return
    if isinstance(file, io.TextIOBase) or not hasattr(file, "write"):  # type: ignore[unreachable]
        raise TypeError("file must be a path, or a file opened in binary mode")
    with _spool(chosen) as spool:
        write(_encode(obj, format or "binary", metadata, chosen, spool), file)


def _spool(compression: Compression | None, folder: Path | None = None) -> AbstractContextManager[Any]:
    """A file for what is compressed before the header is written."""
    if compression is None:
        return nullcontext()
    return SpooledTemporaryFile(_SPOOLED_IN_MEMORY, dir=None if folder is None else str(folder))


def _format_of(path: Path) -> Format:
    return "json" if path.suffix.lower() == ".json" else "binary"


def loads(data: bytes | bytearray | memoryview | str, *, policy: PolicyLike = None) -> Any:
    """
    Give back the object that a document holds.

    Nothing that the document brought along is run, and nothing is imported that the policy does not allow.

    Parameters
    ----------
    data : bytes, bytearray, memoryview or str
        The document; a str holds one in JSON format.
    policy : Policy or path, optional
        Which names may be used. By default the file that the environment variable ``REFLECTIO_POLICY`` names, else
        `Policy.default`, which covers numpy, scipy, scikit-learn and pandas.

    Returns
    -------
    Any
        The object. Its arrays own their memory.

    Raises
    ------
    UntrustedNameError
        The document needs names that the policy does not allow; ``names`` has all of them.
    DecodeError
        The bytes are no document, are damaged, or describe what cannot be. No other error is raised, whatever the
        bytes.

    Warns
    -----
    VersionWarning
        The document was written with another version of a library whose names it uses.

    Examples
    --------
    >>> import reflectio
    >>> reflectio.loads('{"reflectio": 1, "versions": {}, "model": [1, 2.5, null]}')
    [1, 2.5, None]
    """
    return _build(data if type(data) is bytes else _bytes_of(data), Policy.of(policy))


def _bytes_of(data: Any) -> bytes | memoryview:
    if isinstance(data, str):
        try:
            text = data.encode()
        except UnicodeEncodeError as error:
            raise DocumentError(f"the text is not valid Unicode: {error}") from None
        if _may_be_path(text):
            raise DocumentError(
                "not a reflectio document: it does not start with {; reflectio.load reads the file at a path"
            )
        return text
    if not isinstance(data, bytes | bytearray | memoryview):
        hint = "; reflectio.load reads the file at a path" if isinstance(data, os.PathLike) else ""
        raise TypeError(f"a document is bytes, bytearray, memoryview or str, not {type(data).__name__}{hint}")
    view = memoryview(data)
    if not view.c_contiguous:
        view = memoryview(bytes(view))
    return view.cast("B")


def _may_be_path(text: bytes) -> bool:
    """Whether what was given as the text of a document may be the path of one."""
    return 0 < len(text) <= _LONGEST_PATH and text[0] not in _NO_PATH and b"\n" not in text


def _build(data: bytes | memoryview | Source, policy: Policy, mapped: bool = False) -> Any:
    # As `without_collector` does it, spelled out: this takes a part of the time of the smallest documents.
    collects = gc.isenabled()
    if collects:
        gc.disable()
    try:
        if type(data) is not bytes and isinstance(data, Source):
            at_once = data.read_at_once(policy.limits.text_bytes)
            data = data if at_once is None else at_once
        if type(data) is bytes and _parsing is not None and len(data) <= policy.limits.document_bytes:
            found = _parsing.build(data, policy, Decoder, NOTHING, Segment, AS_INSTALLED)
            if found is not None:
                built, decoder = found
                decoder.check()
                return built
        if isinstance(data, Source):
            document = read_source(data, policy.limits)
        else:
            document = read(data, policy.limits, mapped=mapped)
        return _build_document(document, policy)
    except (RecursionError, MemoryError) as error:
        raise as_reflectio_error(error) from error
    finally:
        if collects:
            gc.enable()


def _build_document(document: Document, policy: Policy) -> Any:
    header, text, segment = document
    model, objects = header["model"], header.get("objects", ())
    try:
        decoder = Decoder(policy, segment, text)
        if type(segment) is StreamedSegment:
            places = array_places([model, *objects], decoder)
            segment.read(places, policy.limits.expanded_bytes)
        check_versions(header["versions"], policy, stacklevel=_STACKLEVEL)
        return decoder.decode(model, objects)
    except NameRefusedError as refused:
        raise untrusted_names(nodes_of_text(text), policy, str(refused)) from None


def load(file: PathLike | IO[bytes], *, policy: PolicyLike = None, mmap: bool = False) -> Any:
    """
    Give back the object that a file holds.

    Parameters
    ----------
    file : path or binary file
        Where the document is. A file object is read from where it stands to its end, and need not be seekable.
    policy : Policy or path, optional
        As in `loads`.
    mmap : bool, default=False
        Whether large arrays are copy-on-write views of the file, which then must not be changed or truncated while
        the object lives. They can be written to; the file never changes. Opening takes no time, whatever the size:
        see the notes for what is checked. Only for paths.

    Returns
    -------
    Any
        The object.

    Raises
    ------
    UntrustedNameError, DecodeError
        As in `loads`.
    OSError
        The file cannot be read.

    Notes
    -----
    Without ``mmap`` all bytes of the file are read, once, each array's straight into its own memory, and both digests
    are checked before anything is built.

    With ``mmap=True`` these hold when `load` returns:

    - The header is read whole, and matches its digest; every name was allowed by the policy.
    - Every array lies within the file, overlaps no other, and has the dtype and shape that its estimator needs.
    - What compiled code would index by, or trust in another way, was read and checked as ever: trees, support vectors,
      index arrays of sparse matrices, booleans and the like. Arrays that compiled code copies, such as those of trees,
      are not mapped at all.
    - What is compressed was read, decompressed into memory of its own, and is intact as far as the checksum of its
      format can tell.

    These are not: the digest of the segment, for which all of it would have to be read, and so whether the numbers of
    mapped arrays are those that were written; and whether the file stays as it is. A page is read when it is first
    touched. Should the disk fail then, or the file have been truncated in between, the system ends the process.

    Examples
    --------
    >>> import reflectio, tempfile, pathlib
    >>> import numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "array.rfl"
    >>> reflectio.dump(np.arange(1000), path)
    >>> reflectio.load(path, mmap=True).sum()
    np.int64(499500)
    """
    chosen = Policy.of(policy)
    limit = chosen.limits.document_bytes
    if not isinstance(file, str | os.PathLike):
        if mmap:
            raise ValueError("mmap=True needs a path")
        if not hasattr(file, "read"):
            raise TypeError("file must be a path, or a file opened in binary mode")
        if type(file) is io.BytesIO:
            # Its bytes are in memory already; from the beginning, they are not even copied.
            return _build(memoryview(file.read()), chosen)
        return _build(Source(file, limit), chosen)
    with open(file, "rb", buffering=_BUFFER) as opened:
        size = os.fstat(opened.fileno()).st_size
        if not mmap and 0 < size <= min(limit, _AT_ONCE):
            data = opened.read(_AT_ONCE + 1)
            if len(data) <= min(limit, _AT_ONCE):
                return _build(data, chosen)
            opened.seek(0)
        source = Source(opened, limit, size)
        if mmap and source.size:
            # A private mapping: writing to it changes this process's memory only.
            try:
                mapping = _mmap.mmap(opened.fileno(), 0, access=_mmap.ACCESS_COPY)
            except ValueError as error:
                raise DocumentError(f"the file became empty while it was opened: {error}") from error
            return _build(memoryview(mapping), chosen, mapped=True)
        return _build(source, chosen)
