"""The segment: the raw bytes of arrays that follow a document's header."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import xxhash

from reflectio.errors import DocumentError, ValidationError

#: Arrays start at multiples of this many bytes.
ALIGNMENT = 64

_PADDING = bytes(ALIGNMENT)

# A copy of an array, made because its memory is not laid out as the segment wants it, is kept up to this size.
_KEPT_BYTES = 1 << 20


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


class SegmentWriter:
    """The arrays that go into a segment, laid out as they are placed and read when they are written."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.offsets: list[int] = []
        self.nbytes = 0
        self._buffers: dict[int, Any] = {}

    def place(self, array: np.ndarray[Any, Any]) -> int:
        """
        Put an array at the end.

        Parameters
        ----------
        array : ndarray
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

    def truncate(self, count: int) -> None:
        """Keep the first ``count`` arrays only."""
        del self.arrays[count:], self.offsets[count:]
        self.nbytes = self.offsets[-1] + self.arrays[-1].nbytes if count else 0

    def chunks(self) -> Iterator[Any]:
        """Give buffers with the segment's bytes, an array or a padding at a time."""
        position = 0
        for index, (array, offset) in enumerate(zip(self.arrays, self.offsets, strict=True)):
            if offset > position:
                yield _PADDING[: offset - position]
            yield self._buffer(index, array)
            position = offset + array.nbytes

    def _buffer(self, index: int, array: np.ndarray[Any, Any]) -> Any:
        # The bytes are asked for twice, to digest and to write. Only a large copy is made twice rather than kept.
        buffer = self._buffers.get(index)
        if buffer is None:
            buffer = as_buffer(array)
            if buffer is array or array.nbytes <= _KEPT_BYTES or np.may_share_memory(buffer, array):
                self._buffers[index] = buffer
        return buffer

    def digest(self) -> str:
        """The xxh3_128 of the segment's bytes, in hexadecimal."""
        state = xxhash.xxh3_128()
        for chunk in self.chunks():
            state.update(chunk)
        return state.hexdigest()


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
        return array if self.mapped else array.copy(order)

    def view(
        self, offset: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any
    ) -> np.ndarray[Any, Any]:
        """Give the array that starts at an offset as a view of the segment, which it keeps alive."""
        nbytes = dtype.itemsize * prod(shape)
        if not dtype.itemsize:
            raise DocumentError("an array whose elements have no bytes does not lie in the segment")
        if type(offset) is not int or offset % ALIGNMENT or offset < 0:
            raise DocumentError(
                f"an array cannot start at {offset!r} of the segment, only at a multiple of 64"
            )
        if offset + nbytes > len(self.data):
            raise DocumentError(
                f"an array of {nbytes} bytes at {offset} of the segment would end outside of it, "
                f"for it has {len(self.data)} bytes; the document is truncated or malformed"
            )
        self._taken.append((offset, nbytes))
        # Arrays that overlap are found at the end at the latest, but must not be copied without end before.
        self._total += nbytes
        if self._total > len(self.data):
            raise DocumentError(
                "the arrays of the segment overlap: together they have more bytes than it has"
            )
        array: np.ndarray[Any, Any] = np.ndarray(shape, dtype, self.data, offset, order=order)
        if dtype.kind in "bV" and _has_booleans(dtype):
            check_booleans(array)
        return array

    def check_covered(self) -> None:
        """Refuse a segment with bytes that no array holds, that two arrays hold, or with padding that is not zero."""
        end = 0
        for offset, nbytes in sorted(self._taken):
            if offset != align(end):
                where = "overlap" if offset < end else "leave a gap"
                raise DocumentError(f"the arrays of the segment {where} at {min(offset, end)}")
            if offset > end and any(self.data[end:offset]):
                raise DocumentError(f"the padding of the segment at {end} is not zero")
            end = offset + nbytes
        if end != len(self.data):
            raise DocumentError(f"the segment has {len(self.data) - end} bytes that belong to no array")
