"""The zip archive that a skops file is, and the arrays in numpy's own format that it holds."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from reflectio.errors import DocumentError, LimitError

__all__ = ["Archive", "array_of_npy"]


class Archive:
    """The files of an archive, each read once, within a limit on all of them together."""

    def __init__(self, data: memoryview, limit: int) -> None:
        self._limit = limit
        self._read: dict[str, bytes] = {}
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise DocumentError(f"not a skops file: {error}") from error

    def read(self, name: Any) -> bytes:
        if type(name) is not str:
            raise DocumentError("a file of the archive by no name")
        if name not in self._read:
            try:
                with self._zip.open(name) as file:
                    data = file.read(self._limit + 1)
            except KeyError:
                raise DocumentError(f"the archive has no file {name!r:.60}") from None
            except (
                zipfile.BadZipFile,
                zlib.error,
                OSError,
                EOFError,
                NotImplementedError,
                RuntimeError,
                ValueError,
            ) as error:
                raise DocumentError(f"the file {name!r:.60} of the archive is damaged: {error}") from error
            self._limit -= len(data)
            if self._limit < 0:
                raise LimitError(
                    "the archive has more bytes, decompressed, than the policy's limit expanded_bytes"
                )
            self._read[name] = data
        return self._read[name]


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
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, OverflowError) as error:
        raise DocumentError(f"not an array in numpy's format: {error}") from error
    if dtype.hasobject:
        raise DocumentError("an array of objects in numpy's format, which is a pickle")
    return array_of(data[file.tell() :], np.dtype(dtype), shape, "F" if fortran else "C", writeable=True)
