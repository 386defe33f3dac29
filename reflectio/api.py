"""Saving and loading: what `reflectio.dumps`, `dump`, `loads` and `load` do."""

from __future__ import annotations

import io
import mmap as _mmap
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Literal

import orjson

from reflectio.atomic import write_atomically
from reflectio.collector import without_collector
from reflectio.decoder import Decoder, as_reflectio_error
from reflectio.document import Document, read, write_binary, write_json
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, LimitError, ReflectioError, UnsupportedTypeError
from reflectio.policy import Policy
from reflectio.readers import NameRefusedError
from reflectio.refused_names import untrusted_names
from reflectio.versions import check_versions, versions_for

Format = Literal["binary", "json"]
PathLike = str | os.PathLike[str]
PolicyLike = Policy | PathLike | None

# From `check_versions` up to the caller of `loads` or `load`, whose line a warning shows.
_STACKLEVEL = 7

# How much of a file whose size is not known is read at a time.
_CHUNK = 1 << 24


def _encode(obj: Any, format: str, metadata: Any) -> Iterable[bytes | memoryview]:
    if format not in ("binary", "json"):
        raise ValueError(f"format must be 'binary' or 'json', not {format!r}")
    _check_metadata(metadata)
    try:
        return _pieces(obj, format, metadata, careful=False)
    except orjson.JSONEncodeError:
        # Somewhere is an integer beyond 64 bits, or text that is not Unicode: walk again and look at each.
        return _pieces(obj, format, metadata, careful=True)


@without_collector
def _pieces(obj: Any, format: str, metadata: Any, *, careful: bool) -> Iterable[bytes | memoryview]:
    encoder = Encoder(inline=format == "json", careful=careful)
    model, objects = encoder.encode(obj)
    versions = versions_for(encoder.names)
    if format == "json":
        return [write_json(versions, metadata, model, objects)]
    return write_binary(versions, metadata, model, objects, encoder.segment)


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    try:
        same = orjson.loads(orjson.dumps(metadata)) == metadata
    except orjson.JSONEncodeError as error:
        raise UnsupportedTypeError(f"the metadata must be what JSON can say: {error}").rooted(
            "$.metadata"
        ) from error
    if not same:
        raise UnsupportedTypeError("the metadata must come back from JSON unchanged").rooted("$.metadata")


def _check_compression(compression: Any) -> None:
    if compression is not None:
        raise ValueError("this version of reflectio does not compress; pass compression=None")


def dumps(obj: Any, *, format: Format = "binary", compression: None = None, metadata: Any = None) -> bytes:
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
    compression : None
        Reserved.
    metadata : JSON value, optional
        Stored in the header under ``metadata``, for whoever looks at the document.

    Returns
    -------
    bytes
        The document.

    Raises
    ------
    UnsupportedTypeError
        The object holds something that no document can hold; the message has the path to it.

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
    _check_compression(compression)
    return b"".join(_encode(obj, format, metadata))


def dump(
    obj: Any,
    file: PathLike | IO[bytes],
    *,
    format: Format | None = None,
    compression: None = None,
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
    compression : None
        Reserved.
    metadata : JSON value, optional
        As in `dumps`.

    Raises
    ------
    UnsupportedTypeError
        The object holds something that no document can hold.
    OSError
        The file cannot be written; what was there before is unchanged.

    Examples
    --------
    >>> import reflectio, tempfile, pathlib
    >>> from sklearn.preprocessing import StandardScaler
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "scaler.rfl"
    >>> reflectio.dump(StandardScaler().fit([[0.0], [2.0]]), path)
    >>> reflectio.load(path).mean_
    array([1.])
    """
    _check_compression(compression)
    if isinstance(file, str | os.PathLike):
        path = Path(file)
        pieces = _encode(obj, format or _format_of(path), metadata)
        write_atomically(path, pieces)
        return
    if isinstance(file, io.TextIOBase) or not hasattr(file, "write"):  # type: ignore[unreachable]
        raise TypeError("file must be a path, or a file opened in binary mode")
    pieces = _encode(obj, format or "binary", metadata)
    for piece in pieces:
        _write_all(file, piece)


def _format_of(path: Path) -> Format:
    return "json" if path.suffix.lower() == ".json" else "binary"


def _write_all(file: IO[bytes], piece: bytes | memoryview) -> None:
    # A raw, unbuffered file may take a part only.
    remaining = memoryview(piece)
    while len(remaining):
        written: int | None = file.write(remaining)
        if written is None and not isinstance(file, io.RawIOBase):
            return
        if not written:
            raise BlockingIOError("the file takes no more bytes now; documents need a file that waits")
        remaining = remaining[written:]


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
    return _loads(data, policy)


def _loads(data: Any, policy: PolicyLike) -> Any:
    if isinstance(data, str):
        try:
            data = data.encode()
        except UnicodeEncodeError as error:
            raise DocumentError(f"the text is not valid Unicode: {error}") from None
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"a document is bytes, bytearray, memoryview or str, not {type(data).__name__}")
    view = memoryview(data)
    if not view.c_contiguous:
        view = memoryview(bytes(view))
    chosen = Policy.of(policy)
    return _build(view.cast("B"), chosen, mapped=False)


@without_collector
def _build(data: memoryview, policy: Policy, *, mapped: bool) -> Any:
    try:
        document = read(data, policy.limits, mapped=mapped)
        return _build_document(document, policy)
    except ReflectioError:
        raise
    except (RecursionError, MemoryError) as error:
        raise as_reflectio_error(error) from error


def _build_document(document: Document, policy: Policy) -> Any:
    check_versions(document.header["versions"], policy, stacklevel=_STACKLEVEL)
    model = document.header["model"]
    try:
        decoder = Decoder(policy, document.segment, document.objects, document.reparse, len(document.text))
        built = decoder.decode(model)
        document.segment.check_covered()
    except NameRefusedError as refused:
        raise untrusted_names(document.reparse(), policy, str(refused)) from None
    return built


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
        the object lives. They can be written to; the file never changes. Opening takes no time, whatever the size;
        the digest of the segment, for which all of it would have to be read, is not checked. Only for paths.

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

    Examples
    --------
    >>> import reflectio, tempfile, pathlib
    >>> import numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "array.rfl"
    >>> reflectio.dump(np.arange(1000), path)
    >>> reflectio.load(path, mmap=True).sum()
    np.int64(499500)
    """
    return _load(file, policy, mmap)


def _load(file: PathLike | IO[bytes], policy: PolicyLike, mmap: bool) -> Any:
    chosen = Policy.of(policy)
    if not isinstance(file, str | os.PathLike):
        if mmap:
            raise ValueError("mmap=True needs a path")
        if not hasattr(file, "read"):
            raise TypeError("file must be a path, or a file opened in binary mode")
        return _build(_read_all(file, chosen), chosen, mapped=False)
    with open(file, "rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > chosen.limits.document_bytes:
            raise LimitError(
                f"the file has {size} bytes; the policy's limit is {chosen.limits.document_bytes}"
            )
        if mmap and size:
            # A private mapping: writing to it changes this process's memory only.
            mapping = _mmap.mmap(opened.fileno(), 0, access=_mmap.ACCESS_COPY)
            return _build(memoryview(mapping), chosen, mapped=True)
        # A pipe or a device has no size.
        data = memoryview(opened.read()) if size else _read_all(opened, chosen)
        return _build(data, chosen, mapped=False)


def _read_all(file: IO[bytes], policy: Policy) -> memoryview:
    """Read a file to its end, or to the policy's limit: a stream may have no end."""
    limit = policy.limits.document_bytes
    chunks = []
    size = 0
    while True:
        chunk: Any = file.read(_CHUNK)
        if not isinstance(chunk, bytes | bytearray | memoryview):
            if chunk is None:
                raise BlockingIOError("the file has no bytes now; documents need a file that waits")
            raise TypeError("file must be a path, or a file opened in binary mode")
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise LimitError(f"the file has more than {limit} bytes, the policy's limit")
    return memoryview(chunks[0] if len(chunks) == 1 else b"".join(chunks)).cast("B")
