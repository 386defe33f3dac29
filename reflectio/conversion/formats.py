"""The formats that conversion writes and reads, and what is specific to each."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Any, Literal, get_args

from reflectio.api import dump, dumps, loads
from reflectio.compression import Compression, CompressionLike
from reflectio.conversion.fingerprints import fingerprint, plain_document
from reflectio.errors import DocumentError, ReflectioError
from reflectio.expected_bytes import ExpectedBytes
from reflectio.header import read_header
from reflectio.pickles.files import Format as SourceFormat
from reflectio.pickles.files import read_foreign
from reflectio.pickles.rebuild import build
from reflectio.policy import Policy

#: What a file can be converted into.
TargetFormat = Literal["binary", "json", "pickle", "joblib", "skops"]

TARGETS: tuple[TargetFormat, ...] = get_args(TargetFormat)

#: The suffixes of file names, and the formats that they stand for.
SUFFIXES: dict[str, TargetFormat] = {
    ".rfl": "binary",
    ".json": "json",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "joblib",
    ".skops": "skops",
}

#: The suffix that each format's files get.
SUFFIX_OF: dict[TargetFormat, str] = {
    "binary": ".rfl",
    "json": ".json",
    "pickle": ".pkl",
    "joblib": ".joblib",
    "skops": ".skops",
}

_PROTOCOL = 5


def format_of(target: str | os.PathLike[str]) -> TargetFormat:
    """The format that a file's name asks for: by its suffix, and else a document in binary format."""
    return SUFFIXES.get(PurePath(target).suffix.lower(), "binary")


# -- in ---------------------------------------------------------------------------------------------------------


def parse(data: bytes, policy: Policy, *, unsafe: bool) -> tuple[SourceFormat, Callable[[], Any]]:
    """
    Follow a file.

    Parameters
    ----------
    data : bytes
        The file, of any format.
    policy : Policy
        Which names may be used.
    unsafe : bool
        Whether pickle, joblib and skops files are loaded by the libraries themselves, which runs what they say.

    Returns
    -------
    format : str
        Which kind of file it is.
    build : callable
        Gives the object that it holds. Of a pickle, joblib or skops file the bytes are not needed for that, so that
        whoever has them can let them go.
    """
    if not data:
        raise DocumentError("the file is empty")
    if data[:1] == b"{":
        return "reflectio", partial(loads, data, policy=policy)
    kind, graph = read_foreign(memoryview(data), policy, keep=not unsafe)
    return kind, partial(_load_unsafely, data, kind) if unsafe else partial(build, graph, policy)


def _load_unsafely(data: bytes, kind: SourceFormat) -> Any:
    try:
        return _loaded(data, kind)
    except Exception as error:  # the file's own code may raise anything
        raise DocumentError(f"{kind} cannot load the file: {type(error).__name__}: {error}") from error


def _loaded(data: bytes, kind: str) -> Any:
    """Load a file by the library that writes such files. Runs what the file says."""
    if kind == "skops":
        import skops.io  # type: ignore[import-untyped,import-not-found,unused-ignore]

        return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    if kind == "joblib":
        import joblib

        return joblib.load(io.BytesIO(data))
    return pickle.loads(data)


# -- out --------------------------------------------------------------------------------------------------------


def metadata_of(document: bytes, policy: Policy) -> Any:
    """The metadata of a document, which are no part of the object that it holds; None where it has none."""
    return read_header(memoryview(document), policy.limits).members.get("metadata")


def write(
    obj: Any, format: TargetFormat, metadata: Any = None, compression: Compression | None = None
) -> bytes:
    """
    Give the bytes of an object in a format; metadata and compression only where that has a place for them.

    Raises
    ------
    ReflectioError
        The format cannot hold the object.
    """
    if format == "binary" or format == "json":
        return dumps(obj, format=format, compression=_chosen(compression), metadata=metadata)
    try:
        if format == "pickle":
            return pickle.dumps(obj, _PROTOCOL)
        if format == "joblib":
            import joblib

            buffer = io.BytesIO()
            joblib.dump(obj, buffer)
            return buffer.getvalue()
        import skops.io

        return bytes(skops.io.dumps(obj))
    except ImportError as error:
        raise ReflectioError(f"{format} is not installed here ({error}); pip install {format}") from error
    except Exception as error:
        raise ReflectioError(f"{format} cannot write the object: {type(error).__name__}: {error}") from error


def check_document(
    document: bytes,
    metadata: Any,
    format: Literal["binary", "json"],
    policy: Policy,
    compression: Compression | None = None,
) -> None:
    """
    Refuse a document that gives back something that is written differently.

    Parameters
    ----------
    document : bytes
        What `write` gave.
    metadata : JSON value
        What it was given to go with the object.
    format : {"binary", "json"}
        Its format.
    policy : Policy
        Allows the names that it needs.
    compression : Compression, optional
        How its arrays are compressed.
    """
    again = ExpectedBytes(document)
    with io.BufferedWriter(again) as file:
        obj = loads(document, policy=policy)
        dump(obj, file, format=format, compression=_chosen(compression), metadata=metadata)
    if not again.met:
        raise ReflectioError("what the document gives back is written differently; nothing was written")


def _chosen(compression: Compression | None) -> CompressionLike:
    """As `reflectio.dumps` takes it."""
    return None if compression is None else (compression.method, compression.level)


def losses(obj: Any, data: bytes, format: TargetFormat) -> tuple[str, ...]:
    """
    Say what of an object a pickle, joblib or skops file does not give back.

    Parameters
    ----------
    obj : Any
        The object.
    data : bytes
        What `write` gave for it: bytes of this process's own, of an object that was checked.
    format : {"pickle", "joblib", "skops"}
        Their format.

    Returns
    -------
    tuple of str
        What differs, by path; nothing where all comes back. Memory that arrays share does not count.
    """
    try:
        again = _loaded(data, format)
        if fingerprint(again) == fingerprint(obj):
            return ()
        # Importing it takes time that only this costs.
        from reflectio.inspection.comparison import diff

        changes = diff(plain_document(obj), plain_document(again)).changes
    except ReflectioError:
        raise
    except Exception as error:
        raise ReflectioError(
            f"{format} cannot load what it wrote: {type(error).__name__}: {error}; nothing was written"
        ) from error
    return tuple(f"{change.path}: {change.text()}" for change in changes) or (
        "something that a comparison does not tell",
    )
