"""The segment of a document: the raw bytes of arrays that follow its header."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from reflectio.array_bytes import bytes_of, check_elements, copied
from reflectio.compression import Decompression, check_compression
from reflectio.errors import DocumentError
from reflectio.segment_member import ALIGNMENT


def align(position: int) -> int:
    """The next multiple of the alignment at or after a position."""
    return -(-position // ALIGNMENT) * ALIGNMENT


class Segment:
    """
    The segment of a document being read.

    Parameters
    ----------
    data : memoryview
        Its bytes.
    mapped : bool
        Whether arrays are views of ``data``, a private mapping of a file, rather than copies.

    Attributes
    ----------
    taken : list of tuple of int
        Where the arrays start that were taken so far, and how many bytes each has there.
    total : int
        How many bytes these are together.
    """

    def __init__(self, data: memoryview, *, mapped: bool = False) -> None:
        self.data = data
        self.nbytes = len(data)
        self.mapped = mapped
        self.taken: list[tuple[int, int]] = []
        self.total = 0

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
        self.total = total = self.total + nbytes
        if not dtype.itemsize or type(offset) is not int or offset % ALIGNMENT or offset < 0:
            raise self._refusal(offset, nbytes)
        if offset + nbytes > self.nbytes or total > self.nbytes:
            raise self._refusal(offset, nbytes)
        self.taken.append((offset, nbytes))
        array: np.ndarray[Any, Any] = np.ndarray(shape, dtype, self.data, offset, order=order)
        if dtype.kind in "bV":
            check_elements(array)
        return array

    def is_divided(self, offset: Any) -> bool:
        """Whether the array that starts at an offset is in memory as its parts, each by itself."""
        return False

    def take_parts(
        self, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...], ends: Sequence[int]
    ) -> list[np.ndarray[Any, Any]] | None:
        """
        Give the parts of such an array, each in memory of its own.

        Parameters
        ----------
        offset, dtype, shape
            As in `take`.
        ends : sequence of int
            Where the first part starts along the first axis, and where each ends.

        Returns
        -------
        list of ndarray or None
            None where it was divided otherwise, or is another array.
        """
        return None

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
        self.total += nbytes
        if (
            type(offset) is not int
            or offset % ALIGNMENT
            or not 0 <= offset <= self.nbytes - nbytes
            or self.total > self.nbytes
        ):
            raise self._refusal(offset, nbytes)
        self.taken.append((offset, nbytes))

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
        if self.total > self.nbytes:
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
        for offset, nbytes in sorted(self.taken):
            if offset != align(end):
                where = "overlap" if offset < end else "leave a gap"
                raise DocumentError(f"the arrays of the segment {where} at {min(offset, end)}")
            if offset > end and any(self._bytes(end, offset)):
                raise DocumentError(f"the padding of the segment at {end} is not zero")
            end = offset + nbytes
        if end != self.nbytes:
            raise DocumentError(f"the segment has {self.nbytes - end} bytes that belong to no array")


class NoSegment(Segment):
    """What a document without a segment has in its place; all such documents have the same."""

    def __init__(self) -> None:
        super().__init__(memoryview(b""))

    def view(
        self, offset: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any
    ) -> np.ndarray[Any, Any]:
        return Segment(self.data).view(offset, dtype, shape, order)

    def take_compressed(
        self,
        offset: Any,
        nbytes: Any,
        compression: Any,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        order: Any,
    ) -> np.ndarray[Any, Any]:
        return Segment(self.data).take_compressed(offset, nbytes, compression, dtype, shape, order)

    def check_covered(self) -> None:
        pass


#: What documents without a segment have in its place.
NOTHING = NoSegment()
