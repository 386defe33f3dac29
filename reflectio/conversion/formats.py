"""The formats that conversion writes and reads, and what is specific to each."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import PurePath
from typing import Any, Literal, get_args

import orjson

from reflectio.api import dumps, loads
from reflectio.collector import without_collector
from reflectio.conversion.fingerprints import fingerprint
from reflectio.errors import DocumentError, ReflectioError
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


def read(data: bytes, policy: Policy, *, unsafe: bool) -> tuple[Any, SourceFormat]:
    """
    Give the object that a file holds.

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
    obj : Any
        The object.
    format : str
        Which kind of file it was.
    """
    if not data:
        raise DocumentError("the file is empty")
    if data[:1] == b"{":
        return loads(data, policy=policy), "reflectio"
    kind, graph = read_foreign(memoryview(data), policy, keep=not unsafe)
    return (_load_unsafely(data, kind) if unsafe else build(graph, policy)), kind


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


def write(obj: Any, format: TargetFormat, policy: Policy, *, lossy: bool = False) -> tuple[bytes, bool]:
    """
    Give the bytes of an object in a format, once loading them has given the same state.

    Parameters
    ----------
    obj : Any
        The object.
    format : {"binary", "json", "pickle", "joblib", "skops"}
        The format.
    policy : Policy
        Allows what a document of it needs.
    lossy : bool, default=False
        Whether pickle, joblib and skops may lose something of it.

    Returns
    -------
    data : bytes
        The file's contents.
    lost : bool
        Whether something is lost.

    Raises
    ------
    ReflectioError
        The format cannot hold the object, or holds it in such a way that something else comes back.
    """
    if format in ("binary", "json"):
        document = dumps(obj, format="json" if format == "json" else "binary")
        again = dumps(loads(document, policy=policy), format="json" if format == "json" else "binary")
        if again != document:
            raise ReflectioError("what the document gives back is written differently; nothing was written")
        return document, False
    data = _dumped(obj, format)
    lost = not _is_same(obj, data, format)
    if lost and not lossy:
        raise ReflectioError(
            f"what {format} gives back is not what it was given: it loses something of this model, such as the "
            "identity of objects; nothing was written. lossy=True writes it all the same"
        )
    return data, lost


def _dumped(obj: Any, format: TargetFormat) -> bytes:
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


def _is_same(obj: Any, data: bytes, format: TargetFormat) -> bool:
    # The bytes are this process's own, of an object that was checked.
    try:
        return _state(_loaded(data, format)) == _state(obj)
    except ReflectioError:
        raise
    except Exception as error:
        raise ReflectioError(
            f"{format} cannot load what it wrote: {type(error).__name__}: {error}; nothing was written"
        ) from error


@without_collector
def _state(obj: Any) -> bytes:
    try:
        return fingerprint(obj, careful=False)
    except orjson.JSONEncodeError:
        return fingerprint(obj, careful=True)
