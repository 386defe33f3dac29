"""The segment: the raw bytes of arrays that follow a document's header."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from functools import lru_cache
from math import prod
from typing import IO, Any

import numpy as np
import xxhash

from reflectio.compression import (
    FALLBACK,
    Compression,
    Decompression,
    check_compression,
    compressed,
    is_credible,
)
from reflectio.errors import DocumentError, ValidationError
from reflectio.segment_member import ALIGNMENT as ALIGNMENT

_PADDING = bytes(ALIGNMENT)

# Copies of arrays, made because their memory is not laid out as the segment wants it, are kept up to this size in all.
_KEPT_BYTES = 1 << 23

# How much of arrays in pieces is copied at a time, and from how many bytes on they are not copied.
_BLOCK, _LARGE = 1 << 18, 1 << 14

# How much of the compressed arrays is read back at a time.
_CHUNK = 1 << 20


def align(position: int) -> int:
    """The next multiple of the alignment at or after a position."""
    return -(-position // ALIGNMENT) * ALIGNMENT


@lru_cache(maxsize=1024)
def _gaps(dtype: np.dtype[Any]) -> tuple[slice, ...]:
    """The bytes of an element that hold no value: what lies between fields, and beyond 80-bit floats."""
    if dtype.names is None and not _has_extended_floats(dtype):
        return ()
    used = np.zeros(dtype.itemsize, bool)
    _mark_used(dtype, used)
    edges = np.flatnonzero(np.diff(np.concatenate(([True], used, [True]))))
    return tuple(slice(start, stop) for start, stop in edges.reshape(-1, 2).tolist())


def _has_extended_floats(dtype: np.dtype[Any]) -> bool:
    return dtype.type in (np.longdouble, np.clongdouble) and np.finfo(np.longdouble).nmant == 63


def _mark_used(dtype: np.dtype[Any], used: np.ndarray[Any, Any]) -> None:
    if dtype.subdtype is not None:
        base, _ = dtype.subdtype
        for start in range(0, dtype.itemsize, base.itemsize or 1):
            _mark_used(base, used[start : start + base.itemsize])
    elif dtype.names is not None and dtype.fields is not None:
        for name in dtype.names:
            field, start = dtype.fields[name][:2]
            _mark_used(field, used[start : start + field.itemsize])
    elif _has_extended_floats(dtype):
        part = np.dtype(np.longdouble).itemsize
        # The 10 bytes come first in little-endian order, and last in the other.
        first = 0 if (dtype.isnative == (sys.byteorder == "little")) else part - 10
        for start in range(first, dtype.itemsize, part):
            used[start : start + 10] = True
    else:
        used[:] = True


# Arrays of these dtypes are buffers as they stand. By identity: a dtype of another byte order is another object.
_BUFFERS = frozenset(
    id(np.dtype(name))
    for name in (
        "float64",
        "float32",
        "int64",
        "int32",
        "uint8",
        "bool",
        "uint32",
        "uint64",
        "int8",
        "float16",
    )
)

_WORD = 8


def _leftovers(elements: np.ndarray[Any, Any], gap: slice) -> bool:
    """Whether bytes of a gap are not zero, in any of the elements."""
    if gap.stop - gap.start > _WORD or gap.stop < _WORD:
        return bool(elements[:, gap].any())
    # One pass over one word of each element, rather than over bytes.
    words: np.ndarray[Any, Any] = np.ndarray(
        len(elements), "<u8", elements, gap.stop - _WORD, (elements.shape[1],)
    )
    seen = int(np.bitwise_or.reduce(words))
    return bool(seen >> (8 * (_WORD - (gap.stop - gap.start))))


def as_buffer(array: np.ndarray[Any, Any]) -> Any:
    """
    Give something whose buffer is the bytes of an array in C order.

    An array is copied only if it has another layout, or holds leftovers of other memory between its fields, which
    would make equal arrays give different bytes.
    """
    if array.flags.c_contiguous and id(array.dtype) in _BUFFERS:
        return array
    flat = np.ascontiguousarray(array).reshape(-1)
    raw: np.ndarray[Any, Any] = flat.view(np.uint8)
    if gaps := _gaps(array.dtype):
        elements = raw.reshape(len(flat), array.itemsize)
        if any(_leftovers(elements, gap) for gap in gaps):
            elements = elements.copy()
            for gap in gaps:
                elements[:, gap] = 0
            raw = elements.reshape(-1)
    return raw


@lru_cache(maxsize=256)
def _raw(nbytes: int) -> np.dtype[Any]:
    return np.dtype((np.void, nbytes))


def copied(array: np.ndarray[Any, Any], order: Any = "C") -> np.ndarray[Any, Any]:
    """
    Copy an array without objects into memory of its own.

    numpy copies records field by field, which takes ten times as long as to copy their bytes.

    Parameters
    ----------
    array : ndarray
        The array.
    order : {"C", "F"}
        The memory order of the copy.
    """
    dtype = array.dtype
    if dtype.kind != "V" or not (array.flags.c_contiguous and dtype.itemsize) or dtype.hasobject:
        return array.copy(order)
    copy: np.ndarray[Any, Any] = np.empty(array.shape, dtype)
    raw = _raw(dtype.itemsize)
    copy.view(raw)[...] = array.view(raw)
    return copy


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
        return _joined(self._arrays)

    def buffers(self) -> Iterator[Any]:
        """Give their bytes: those of many small arrays in one buffer, which nobody else holds."""
        some: list[np.ndarray[Any, Any]] = []
        size = 0
        for array in self._arrays:
            if size and (size >= _BLOCK or array.nbytes >= _LARGE):
                yield as_buffer(_joined(some))
                some, size = [], 0
            if array.nbytes >= _LARGE:
                yield as_buffer(array)
            else:
                some.append(array)
                size += array.nbytes
        if size:
            yield as_buffer(_joined(some))


def _joined(arrays: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    if len(arrays) == 1:
        return arrays[0]
    # numpy would look for a dtype that all have in common first, at ten times the cost.
    return np.frombuffer(b"".join([array.data for array in arrays]), arrays[0].dtype)


class SegmentWriter:
    """
    The arrays that go into a segment, laid out as they are placed and read when they are written.

    Attributes
    ----------
    compresses : bool
        Whether `store` may compress.
    """

    compresses = False

    def __init__(self) -> None:
        self.arrays: list[np.ndarray[Any, Any] | Pieces] = []
        self.offsets: list[int] = []
        self.nbytes = 0
        self._buffers: dict[int, Any] = {}
        self._room = _KEPT_BYTES

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

    def chunks(self) -> Iterator[Any]:
        """Give buffers with the segment's bytes, an array or a padding at a time."""
        position = 0
        for index, (array, offset) in enumerate(zip(self.arrays, self.offsets, strict=True)):
            if offset > position:
                yield _PADDING[: offset - position]
            if isinstance(array, Pieces):
                yield from array.buffers()
            else:
                yield self._buffer(index, array)
            position = offset + array.nbytes

    def digest(self) -> str:
        """The xxh3_128 of the segment's bytes, in hexadecimal."""
        state = xxhash.xxh3_128()
        for chunk in self.chunks():
            state.update(chunk)
            # It may be a copy, and the next one is made before the name is given to it.
            del chunk
        return state.hexdigest()

    def _size(self, index: int) -> int:
        return self.arrays[index].nbytes

    def _buffer(self, index: int, array: np.ndarray[Any, Any]) -> Any:
        # The bytes are asked for twice, to digest and to write. Small copies are kept rather than made twice.
        buffer = self._buffers.get(index)
        if buffer is None:
            buffer = as_buffer(array)
            if buffer is not array and not np.may_share_memory(buffer, array):
                if array.nbytes > self._room:
                    return buffer
                self._room -= array.nbytes
            self._buffers[index] = buffer
        return buffer


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

    def chunks(self) -> Iterator[Any]:
        position = 0
        for index, (array, offset) in enumerate(zip(self.arrays, self.offsets, strict=True)):
            yield _PADDING[: offset - position]
            if index in self._spooled:
                yield from self._compressed_chunks(*self._spooled[index])
            elif isinstance(array, Pieces):
                yield from array.buffers()
            else:
                yield self._buffer(index, array)
            position = offset + self._size(index)

    def _compressed_chunks(self, start: int, size: int) -> Iterator[Any]:
        if isinstance(self._spool, io.BytesIO):
            yield self._spool.getbuffer()[start : start + size]
            return
        for position in range(start, start + size, _CHUNK):
            self._spool.seek(position)
            yield self._spool.read(min(_CHUNK, start + size - position))


def as_bytes(buffer: Any) -> memoryview:
    """A view of the bytes of a buffer in C order, as a sequence of single bytes."""
    if isinstance(buffer, np.ndarray):
        # memoryview knows no dates and no records.
        return buffer.reshape(-1).view(np.uint8).data
    return memoryview(buffer).cast("B")


@lru_cache(maxsize=1024)
def _has_booleans(dtype: np.dtype[Any]) -> bool:
    if dtype.subdtype is not None:
        return _has_booleans(dtype.subdtype[0])
    return dtype.kind == "b" or any(_has_booleans(dtype[name]) for name in dtype.names or ())


def check_booleans(array: np.ndarray[Any, Any]) -> None:
    """Refuse booleans that are neither 0 nor 1: numpy counts them by adding bytes, and then trusts the count."""
    if array.dtype.names is not None:
        for name in array.dtype.names:
            check_booleans(array[name])
    elif array.dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise ValidationError("an array of booleans has bytes that are neither 0 nor 1")


def check_elements(array: np.ndarray[Any, Any]) -> None:
    """Refuse elements whose bytes no value of their dtype has; all bytes are a number."""
    if array.dtype.kind in "bV" and _has_booleans(array.dtype):
        check_booleans(array)


class Segment:
    """
    The segment of a document being read.

    Parameters
    ----------
    data : memoryview
        Its bytes.
    mapped : bool
        Whether arrays are views of ``data``, a private mapping of a file, rather than copies.
    """

    def __init__(self, data: memoryview, *, mapped: bool = False) -> None:
        self.data = data
        self.nbytes = len(data)
        self.mapped = mapped
        self._taken: list[tuple[int, int]] = []
        self._total = 0

    def take(
        self, offset: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any
    ) -> np.ndarray[Any, Any]:
        """
        Give the array that starts at an offset, in memory of its own unless the segment is mapped.

        Parameters
        ----------
        offset : int
            Where it starts, in bytes; a multiple of 64.
        dtype : dtype
            Its element type; holds no pointers.
        shape : tuple of int
            Its shape.
        order : {"C", "F"}
            Its memory order.
        """
        array = self.view(offset, dtype, shape, order)
        return array if self.mapped else copied(array, order)

    def view(
        self, offset: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any
    ) -> np.ndarray[Any, Any]:
        """Give the array that starts at an offset as a view of the segment, which it keeps alive."""
        nbytes = dtype.itemsize * prod(shape)
        # What follows is `_claim` for what is right, spelled out: this runs for every array.
        self._total = total = self._total + nbytes
        if not dtype.itemsize or type(offset) is not int or offset % ALIGNMENT or offset < 0:
            raise self._refusal(offset, nbytes)
        if offset + nbytes > self.nbytes or total > self.nbytes:
            raise self._refusal(offset, nbytes)
        self._taken.append((offset, nbytes))
        array: np.ndarray[Any, Any] = np.ndarray(shape, dtype, self.data, offset, order=order)
        if dtype.kind in "bV" and _has_booleans(dtype):
            check_booleans(array)
        return array

    def take_compressed(
        self,
        offset: Any,
        nbytes: Any,
        compression: Any,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        order: Any,
    ) -> np.ndarray[Any, Any]:
        """
        Give an array that the segment holds compressed, in memory of its own.

        Parameters
        ----------
        offset : int
            Where its compressed bytes start; a multiple of 64.
        nbytes : int
            How many they are.
        compression : {"zstd", "zlib"}
            Their format.
        dtype, shape, order
            As in `take`.
        """
        check_compression(compression, dtype.itemsize * prod(shape), nbytes)
        self._claim(offset, nbytes)
        array = self._decompressed(offset, nbytes, compression, dtype, shape, order)
        check_elements(array)
        return array

    def _decompressed(
        self, offset: int, nbytes: int, compression: Any, dtype: np.dtype[Any], shape: Any, order: Any
    ) -> np.ndarray[Any, Any]:
        array: np.ndarray[Any, Any] = np.empty(shape, dtype, order)
        decompression = Decompression(compression, bytes_of(array))
        decompression.feed(memoryview(self._bytes(offset, offset + nbytes)))
        decompression.finish()
        return array

    def _claim(self, offset: Any, nbytes: int) -> None:
        """Refuse an array that does not lie in the segment, and note which of its bytes it has."""
        self._total += nbytes
        if (
            type(offset) is not int
            or offset % ALIGNMENT
            or not 0 <= offset <= self.nbytes - nbytes
            or self._total > self.nbytes
        ):
            raise self._refusal(offset, nbytes)
        self._taken.append((offset, nbytes))

    def _refusal(self, offset: Any, nbytes: int) -> DocumentError:
        if type(offset) is not int or offset % ALIGNMENT or offset < 0:
            return DocumentError(
                f"an array cannot start at {offset!r} of the segment, only at a multiple of 64"
            )
        if offset + nbytes > self.nbytes:
            return DocumentError(
                f"an array of {nbytes} bytes at {offset} of the segment would end outside of it, "
                f"for it has {self.nbytes} bytes; the document is truncated or malformed"
            )
        if self._total > self.nbytes:
            # They are found at the end at the latest, but must not be copied without end before.
            return DocumentError(
                "the arrays of the segment overlap: together they have more bytes than it has"
            )
        return DocumentError("an array whose elements have no bytes does not lie in the segment")

    def _bytes(self, start: int, stop: int) -> Any:
        """The bytes of a stretch that no array has been made of."""
        return self.data[start:stop]

    def check_covered(self) -> None:
        """Refuse a segment with bytes that no array holds, that two arrays hold, or with padding that is not zero."""
        end = 0
        for offset, nbytes in sorted(self._taken):
            if offset != align(end):
                where = "overlap" if offset < end else "leave a gap"
                raise DocumentError(f"the arrays of the segment {where} at {min(offset, end)}")
            if offset > end and any(self._bytes(end, offset)):
                raise DocumentError(f"the padding of the segment at {end} is not zero")
            end = offset + nbytes
        if end != self.nbytes:
            raise DocumentError(f"the segment has {self.nbytes - end} bytes that belong to no array")


def bytes_of(array: np.ndarray[Any, Any]) -> memoryview:
    """The bytes of a contiguous array, in the order in which they lie in memory, to be written to."""
    flat = (array if array.flags.c_contiguous else array.T).reshape(-1)
    return flat.view(np.uint8).data
