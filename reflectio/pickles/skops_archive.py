"""The zip archive that a skops file is, and the arrays in numpy's own format that it holds."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from reflectio.errors import DocumentError, LimitError
from reflectio.pickles.source import most_bytes

__all__ = ["Archive", "array_of_npy"]

# What skops files are compressed by.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What `zipfile` raises over an archive, or a file of one, that is damaged, encrypted, or newer than it.
_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


class Archive:
    """
    The files of an archive, each read once, within a limit on all of them together.

    Parameters
    ----------
    data : memoryview
        The archive.
    limit : int
        How many bytes its files, and those of archives within it, may have.
    outside : Archive, optional
        The archive that it is a file of, whose limit then counts.
    """

    def __init__(self, data: memoryview, limit: int, outside: Archive | None = None) -> None:
        # `zipfile` looks no further than that no file is beyond what deflate can do; an archive's files may overlap.
        self._limit = min(limit, most_bytes(len(data)))
        self._size = len(data)
        self._outside = outside
        self._read: dict[str, bytes] = {}
        self._within: dict[str, Archive] = {}
        self._arrays: dict[str, Any] = {}
        #: How many bytes were read, those of archives within it included.
        self.nbytes = 0
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _ERRORS as error:
            raise DocumentError(f"not a skops file: {error}") from error

    def read(self, name: Any) -> bytes:
        if type(name) is not str:
            raise DocumentError("a file of the archive by no name")
        if name not in self._read:
            self._check_method(name)
            try:
                with self._zip.open(name) as file:
                    data = file.read(max(0, self._left()) + 1)
            except KeyError:
                raise DocumentError(f"the archive has no file {name!r:.60}") from None
            except _ERRORS as error:
                raise DocumentError(f"the file {name!r:.60} of the archive is damaged: {error}") from error
            self._note(len(data))
            if self._left() < 0:
                raise LimitError(
                    f"the archive has more than {self._limit} bytes, decompressed: the policy's limit expanded_bytes, or "
                    "what one of its size can have"
                )
            self._read[name] = data
        return self._read[name]

    def _check_method(self, name: str) -> None:
        """Refuse what other methods compress: `zipfile` decompresses all of it, however little it is asked for."""
        file = self._zip.NameToInfo.get(name)
        if file is not None and file.compress_type not in _METHODS:
            raise DocumentError(f"the file {name!r:.60} of the archive is not compressed as skops does it")

    def compressed_nbytes(self, name: str) -> int:
        """How many bytes one of its files has in the archive, as far as that has so many."""
        return min(self._zip.NameToInfo[name].compress_size, self._size)

    def _left(self) -> int:
        return self._limit - self.nbytes if self._outside is None else self._outside._left()

    def _note(self, nbytes: int) -> None:
        self.nbytes += nbytes
        if self._outside is not None:
            self._outside._note(nbytes)

    def within(self, name: Any) -> Archive:
        """The archive that a file of this one is: the same one each time."""
        data = self.read(name)
        if name not in self._within:
            self._within[name] = Archive(memoryview(data), self._limit, self)
        return self._within[name]

    def array(self, name: Any) -> Any:
        """The array in a file in numpy's own format: the same one each time."""
        data = self.read(name)
        if name not in self._arrays:
            self._arrays[name] = array_of_npy(data)
        return self._arrays[name]


def array_of_npy(data: bytes) -> Any:
    """The array in a file of numpy's own format; one that holds objects is refused."""
    import numpy as np
    from numpy.lib import format as npy

    from reflectio.pickles.arrays import array_of

    file = io.BytesIO(data)
    try:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version}")
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read_header(file)
    except Exception as error:
        # numpy tokenizes and parses the header as Python, where errors of many kinds come from.
        raise DocumentError(f"not an array in numpy's format: {error}") from error
    if dtype.hasobject:
        raise DocumentError("an array of objects in numpy's format, which is a pickle")
    return array_of(data[file.tell() :], np.dtype(dtype), shape, "F" if fortran else "C", writeable=True)
