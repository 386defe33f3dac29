"""Converting one file."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from attrs import frozen

from reflectio.atomic import check_writable, write_atomically
from reflectio.compression import Compression, CompressionLike
from reflectio.conversion.formats import (
    TARGETS,
    TargetFormat,
    check_document,
    format_of,
    losses,
    metadata_of,
    parse,
    write,
)
from reflectio.endless import read_until_over
from reflectio.errors import ReflectioError
from reflectio.pickles.files import Format as SourceFormat
from reflectio.policy import Limits, Policy
from reflectio.source import read_whole, size_of

PathLike = str | os.PathLike[str]

# How many losses a message lists.
_LISTED = 5


@frozen
class Conversion:
    """
    What a conversion did, or, where only that was asked, would do.

    Attributes
    ----------
    source, target : str
        The paths; of bytes, ``"-"``.
    source_format : {"reflectio", "pickle", "joblib", "skops"}
        What the source turned out to be.
    target_format : {"binary", "json", "pickle", "joblib", "skops"}
        What the target is.
    source_bytes, target_bytes : int
        Their sizes.
    written : bool
        Whether the target was written.
    losses : tuple of str
        What of the model the target, a pickle, joblib or skops file, does not give back, by path.
    """

    source: str
    target: str
    source_format: SourceFormat
    target_format: TargetFormat
    source_bytes: int
    target_bytes: int
    written: bool
    losses: tuple[str, ...] = ()

    @property
    def lost(self) -> bool:
        """Whether the target has lost something of the model."""
        return bool(self.losses)


@frozen(kw_only=True)
class Options:
    """How files are converted; see `convert`."""

    format: TargetFormat | None
    compression: Compression | None
    policy: Policy | PathLike | None
    unsafe: bool
    overwrite: bool
    lossy: bool
    check: bool


def convert(
    source: PathLike | bytes,
    target: PathLike,
    *,
    format: TargetFormat | None = None,
    compression: CompressionLike = None,
    policy: Policy | PathLike | None = None,
    unsafe: bool = False,
    overwrite: bool = False,
    lossy: bool = False,
    check: bool = False,
) -> Conversion:
    """
    Convert a model's file into another format.

    Nothing of a pickle, joblib or skops file is run: what it describes is written down as a document, which is
    loaded with every check. The result is checked before it is written: loading it must give the same state. The
    target appears whole or not at all. A document's metadata go with it into another document; pickle, joblib and
    skops files have no place for them.

    Parameters
    ----------
    source : path or bytes
        A document of reflectio, or a pickle, joblib (compressed, too) or skops file; told by its contents. Bytes are
        the contents themselves.
    target : path
        What to write.
    format : {"binary", "json", "pickle", "joblib", "skops"}, optional
        Its format; by default the one that the target's suffix stands for, else ``"binary"``.
    compression : {"zstd", "zlib"} or tuple of one of these and an int, optional
        How the arrays of a document in binary format are compressed, with a level as in ``("zstd", 19)``, as in
        `reflectio.dumps`. By default they are not, whatever the source is.
    policy : Policy or path, optional
        Which names may be used, as in `reflectio.loads`.
    unsafe : bool, default=False
        Whether to load pickle, joblib and skops files by the libraries that write them. This runs whatever code the
        file asks for: only for files of your own.
    overwrite : bool, default=False
        Whether a target that exists is replaced.
    lossy : bool, default=False
        Whether a pickle, joblib or skops file is written even if it gives back something else, because the library
        loses something of the model, such as which objects are the same. Memory that arrays share, which none of
        these libraries keeps, does not count, nor what changes nothing: a masked array's fill value that is the
        default one whether it is said or not, and texts that a `sklearn.utils.Bunch` warns with.
    check : bool, default=False
        Whether to do everything but write.

    Returns
    -------
    Conversion
        What was done.

    Raises
    ------
    UntrustedNameError
        The source names what the policy does not allow; ``names`` has all of it.
    DecodeError
        The source is damaged, hostile, or of no known kind.
    UnsupportedTypeError
        It holds something that conversion cannot keep.
    ValueError
        There is no such format, compression or level, or they do not go together.
    ImportError
        The library that is to compress is missing.
    ReflectioError
        The target would not give back the same; the message says where it differs.
    FileExistsError
        The target exists.
    OSError
        A file cannot be read or written.

    Examples
    --------
    >>> import pathlib, pickle, reflectio, tempfile
    >>> from sklearn.linear_model import LinearRegression
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "model.pkl").write_bytes(pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])))
    >>> reflectio.convert(folder / "model.pkl", folder / "model.rfl").source_format
    'pickle'
    >>> reflectio.load(folder / "model.rfl").predict([[2.0]])
    array([5.])
    """
    options = Options(
        format=format,
        compression=Compression.of(compression),
        policy=policy,
        unsafe=unsafe,
        overwrite=overwrite,
        lossy=lossy,
        check=check,
    )
    return convert_with(options, source, target)


def convert_with(
    options: Options, source: PathLike | bytes, target: PathLike, *, folders: bool = False
) -> Conversion:
    """
    Convert a file, as `convert` does.

    Parameters
    ----------
    options : Options
        How.
    source, target
        As for `convert`.
    folders : bool, default=False
        Whether folders of the target that are missing are made.
    """
    chosen = Policy.of(options.policy)
    wanted = options.format or format_of(target)
    if wanted not in TARGETS:
        raise ValueError(f"format must be one of {', '.join(TARGETS)}, not {options.format!r}")
    if options.compression is not None and wanted != "binary":
        raise ValueError(f"compression needs the format 'binary', not {wanted!r}")
    path = Path(target)
    if not options.overwrite and os.path.lexists(path):
        raise _exists(path)
    obj, metadata, found, nbytes = _read(source, chosen, unsafe=options.unsafe)
    result, losses = _written(obj, metadata, wanted, options)
    del obj
    if wanted == "binary" or wanted == "json":
        # Only now: the object that was written, and the one that is read back, are not in memory at once.
        check_document(result, metadata, wanted, chosen, options.compression)
    if options.check:
        check_writable(path, folders=folders)
    else:
        if folders:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_atomically(path, [result], replace=options.overwrite)
        except FileExistsError:
            # It was not there when the conversion began.
            raise _exists(path) from None
    return Conversion(
        source="-" if isinstance(source, bytes) else os.fspath(source),
        target=os.fspath(target),
        source_format=found,
        target_format=wanted,
        source_bytes=nbytes,
        target_bytes=len(result),
        written=not options.check,
        losses=losses,
    )


def _read(source: PathLike | bytes, policy: Policy, *, unsafe: bool) -> tuple[Any, Any, SourceFormat, int]:
    """The object, the metadata beside it, the format of its file, and how many bytes that has."""
    data = source if isinstance(source, bytes) else _bytes_of(Path(source), policy.limits)
    nbytes = len(data)
    found, build = parse(data, policy, unsafe=unsafe)
    metadata = metadata_of(data, policy) if found == "reflectio" else None
    # What is large is in memory once less while the object is built.
    del data
    return build(), metadata, found, nbytes


def _written(
    obj: Any, metadata: Any, format: TargetFormat, options: Options
) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of an object in a format, once loading them has given the same state; and what they lose."""
    data = write(obj, format, metadata, options.compression)
    if format == "binary" or format == "json":
        return data, ()
    found = losses(obj, data, format)
    if found and not options.lossy:
        raise ReflectioError(
            f"what {format} gives back is not what it was given; nothing was written. What differs:\n"
            f"{_listed(found)}\nlossy=True writes it all the same"
        )
    return data, found


def _listed(found: tuple[str, ...]) -> str:
    lines = [f"  {each}" for each in found[:_LISTED]]
    if len(found) > _LISTED:
        lines.append(f"  and {len(found) - _LISTED} more")
    return "\n".join(lines)


def _exists(path: Path) -> FileExistsError:
    return FileExistsError(
        errno.EEXIST, "the target exists already; overwrite=True replaces it", os.fspath(path)
    )


def _bytes_of(path: Path, limits: Limits) -> bytes:
    with open(path, "rb") as file:
        # What is no ordinary file may have no end.
        if size_of(file) is None:
            return read_until_over(file, limits, foreign=True)
        return read_whole(file, limits.document_bytes)
