"""The segment on the way out: the arrays of a document, laid out one behind the other."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import xxhash

from reflectio.array_bytes import as_buffer, as_bytes, blocks_of, joined
from reflectio.compression import FALLBACK, Compression, compressed, is_credible
from reflectio.segment import align
from reflectio.segment_member import ALIGNMENT

_PADDING = bytes(ALIGNMENT)

# How much of arrays in pieces is copied at a time, and from how many bytes on they are not copied. So little is memory
# that the process has used before, which the system need not clear.
_GATHERED, _LARGE = 1 << 16, 1 << 14

# How much of the compressed arrays is read back at a time.
_CHUNK = 1 << 20


class Pieces:
    """
    Arrays of one dtype that are written one behind the other, as if they were one.

    Parameters
    ----------
    arrays : list of ndarray
        The arrays, in C order.

    Attributes
    ----------
    nbytes : int
        How many bytes they have together.
    """

    def __init__(self, arrays: list[np.ndarray[Any, Any]]) -> None:
        self.nbytes = sum([array.nbytes for array in arrays])
        self._arrays = arrays

    def whole(self) -> np.ndarray[Any, Any]:
        """All in one."""
        return joined(self._arrays)

    def blocks(self) -> Iterator[Any]:
        """Give their bytes, a block at a time: those of many small arrays in one, which nobody else holds."""
        some: list[np.ndarray[Any, Any]] = []
        size = 0
        for array in self._arrays:
            nbytes = array.nbytes
            if size and (size >= _GATHERED or nbytes >= _LARGE):
                yield as_buffer(joined(some))
                some, size = [], 0
            if nbytes >= _LARGE:
                yield from blocks_of(array)
            else:
                some.append(array)
                size += nbytes
        if size:
            yield as_buffer(joined(some))


class SegmentWriter:
    """
    The arrays that go into a segment, laid out as they are placed and read when they are written.

    Attributes
    ----------
    compresses : bool
        Whether `store` may compress.
    """

    compresses = False
    nbytes = 0

    def __init__(self) -> None:
        self.arrays: list[np.ndarray[Any, Any] | Pieces] = []
        self.offsets: list[int] = []

    def place(self, array: np.ndarray[Any, Any] | Pieces) -> int:
        """
        Put an array at the end, as it is.

        Parameters
        ----------
        array : ndarray or Pieces
            Its bytes are written in C order.

        Returns
        -------
        int
            Where it starts, in bytes from the segment's start.
        """
        offset = align(self.nbytes)
        self.arrays.append(array)
        self.offsets.append(offset)
        self.nbytes = offset + array.nbytes
        return offset

    def store(self, array: np.ndarray[Any, Any]) -> dict[str, Any]:
        """Put an array at the end, compressed if the segment is; give the members of its node that say where."""
        return {"at": self.place(array)}

    def store_pieces(self, pieces: Pieces) -> dict[str, Any]:
        """As `store`, for an array that is given in pieces."""
        return {"at": self.place(pieces)}

    def truncate(self, count: int) -> None:
        """Keep the first ``count`` arrays only."""
        del self.arrays[count:], self.offsets[count:]
        self.nbytes = self.offsets[-1] + self._size(count - 1) if count else 0

    def blocks(self) -> Iterator[Any]:
        """Give buffers with the segment's bytes: paddings, and arrays a block at a time."""
        position = 0
        for array, offset in zip(self.arrays, self.offsets, strict=True):
            if offset > position:
                yield _PADDING[: offset - position]
            yield from array.blocks() if isinstance(array, Pieces) else blocks_of(array)
            position = offset + array.nbytes

    def buffers(self) -> list[np.ndarray[Any, Any]]:
        """Give the bytes of each array in one piece, for small ones: as it is, or as a copy in C order without leftovers."""
        return [as_buffer(array.whole() if isinstance(array, Pieces) else array) for array in self.arrays]

    def digest(self) -> str:
        """The xxh3_128 of the segment's bytes, in hexadecimal."""
        state = xxhash.xxh3_128()
        for block in self.blocks():
            state.update(block)
            # It may be a copy, and the next one is made before the name is given to it.
            del block
        return state.hexdigest()

    def _size(self, index: int) -> int:
        return self.arrays[index].nbytes


class CompressedSegmentWriter(SegmentWriter):
    """
    A segment whose arrays are compressed, each by itself, where that makes them smaller.

    Parameters
    ----------
    compression : Compression
        How.
    spool : binary file
        Where the compressed bytes wait until all are there: the header, which comes before them, says how many they
        are. It can be read, written and truncated, and what it holds is lost.
    """

    compresses = True

    def __init__(self, compression: Compression, spool: IO[bytes]) -> None:
        super().__init__()
        spool.seek(0)
        spool.truncate()
        self._compression = compression
        self._spool = spool
        self._end = 0
        # Of each array that is compressed, by its index: where it lies in the spool, and how many bytes it has there.
        self._spooled: dict[int, tuple[int, int]] = {}

    def store(self, array: np.ndarray[Any, Any]) -> dict[str, Any]:
        data = as_bytes(as_buffer(array))
        compression = self._compression
        size = self._compress(data, compression)
        if not is_credible(len(data), size):
            compression = FALLBACK
            size = self._compress(data, compression)
        if size >= len(data):
            return super().store(array)
        offset = align(self.nbytes)
        self._spooled[len(self.arrays)] = (self._end, size)
        self._end += size
        self.arrays.append(array)
        self.offsets.append(offset)
        self.nbytes = offset + size
        return {"at": offset, "compression": compression.method, "compressed_nbytes": size}

    def store_pieces(self, pieces: Pieces) -> dict[str, Any]:
        return self.store(pieces.whole())

    def _compress(self, data: memoryview, compression: Compression) -> int:
        """Put compressed bytes at the spool's end; give up where they are as many as the others."""
        self._spool.seek(self._end)
        size = 0
        for piece in compressed(data, compression):
            size += self._spool.write(piece)
            if size >= len(data):
                break
        return size

    def truncate(self, count: int) -> None:
        for index in [index for index in self._spooled if index >= count]:
            self._end = min(self._end, self._spooled.pop(index)[0])
        super().truncate(count)

    def _size(self, index: int) -> int:
        spooled = self._spooled.get(index)
        return super()._size(index) if spooled is None else spooled[1]

    def blocks(self) -> Iterator[Any]:
        position = 0
        for index, (array, offset) in enumerate(zip(self.arrays, self.offsets, strict=True)):
            yield _PADDING[: offset - position]
            if index in self._spooled:
                yield from self._compressed_blocks(*self._spooled[index])
            else:
                yield from array.blocks() if isinstance(array, Pieces) else blocks_of(array)
            position = offset + self._size(index)

    def _compressed_blocks(self, start: int, size: int) -> Iterator[Any]:
        if isinstance(self._spool, io.BytesIO):
            yield self._spool.getbuffer()[start : start + size]
            return
        for position in range(start, start + size, _CHUNK):
            self._spool.seek(position)
            yield self._spool.read(min(_CHUNK, start + size - position))
