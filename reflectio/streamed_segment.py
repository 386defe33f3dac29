"""The segment of a document that is read from a file, each array straight into its own memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
import xxhash

from reflectio.array_bytes import bytes_of, check_elements
from reflectio.compression import Decompression, check_compression
from reflectio.errors import DocumentError, IntegrityError
from reflectio.segment import Segment
from reflectio.segment_member import ALIGNMENT
from reflectio.source import Source

Array = np.ndarray[Any, Any]

# How much is read before it is digested or decompressed: few enough bytes to be in the processor's cache still, and
# enough of them for other threads to run meanwhile.
_STEP = 1 << 18

# How much memory is asked for before the bytes for it have come, where the size of the file is not known.
_UNPROVEN = 1 << 26


class Form(NamedTuple):
    """
    What an array is made of, according to its node.

    Attributes
    ----------
    dtype : dtype
        Its element type.
    shape : tuple of int
        Its shape.
    order : {"C", "F"}
        Its memory order.
    compression : Any
        How its bytes are compressed; None where they are not.
    compressed_nbytes : int
        How many they are then.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Any = "C"
    compression: Any = None
    compressed_nbytes: int = 0


class Place(NamedTuple):
    """
    Where an array starts, and its form; None where only building the array's node can tell it.

    Attributes
    ----------
    offset : int
        Where it starts in the segment.
    form : Form or None
        What it is made of.
    ends : sequence of int, optional
        Where its parts end along the first axis, after where the first starts, if each is to have memory of its own.
    """

    offset: int
    form: Form | None
    ends: Sequence[int] | None = None


class _Piece(NamedTuple):
    """A stretch of the segment: an array with its form, or what it is refused with; or bytes without a form."""

    content: Array | DocumentError
    form: Form | None


class _Parts(NamedTuple):
    """A stretch of the segment that is an array, in parts along its first axis."""

    content: list[Array]
    form: Form
    ends: Sequence[int]


class StreamedSegment(Segment):
    """
    A segment whose arrays are read in the order in which they lie, before anything is built.

    Parameters
    ----------
    source : Source
        The file, which stands where the segment starts.
    nbytes : int
        The segment's size.
    digest : str or None
        Its xxh3_128, in hexadecimal; None where there is none to check.
    """

    def __init__(self, source: Source, nbytes: int, digest: str | None) -> None:
        super().__init__(memoryview(b""))
        self.nbytes = nbytes
        self._source = source
        self._expected = digest
        self._digest = xxhash.xxh3_128()
        # By where they start. What has been given away is missing, as are the short stretches between arrays.
        self._pieces: dict[int, _Piece] = {}
        self._gaps: dict[int, bytes] = {}
        self._divided: dict[int, _Parts] = {}

    # -- reading --------------------------------------------------------------------------------------------

    def read(self, places: Iterable[Place], expanded: int) -> None:
        """
        Read all of the segment.

        Parameters
        ----------
        places : iterable of Place
            Where arrays should lie. They are hostile: those that cannot lie where they say are left for their nodes to
            be refused. None may be missing: arrays can only be taken where one of them starts.
        expanded : int
            How many bytes arrays that are compressed may have in all.

        Raises
        ------
        DocumentError
            The file ends early, or something follows.
        IntegrityError
            The segment does not match its digest.
        """
        end = 0
        for offset, form, ends in sorted(places, key=lambda place: place.offset):
            if not end <= offset <= self.nbytes:
                continue
            if offset > end:
                self._read_bytes(end, offset)
                end = offset
            if form is None:
                continue
            if form.compression is not None:
                expanded -= form.dtype.itemsize * prod(form.shape)
            if expanded >= 0:
                end = self._read_array(offset, form, ends)
        self._read_bytes(end, self.nbytes)
        self._source.check_end()
        if self._expected is not None and self._digest.hexdigest() != self._expected:
            raise IntegrityError(
                "the segment does not match its digest: the document was damaged, or edited"
            ).rooted("$.segment")

    def _read_array(self, offset: int, form: Form, ends: Sequence[int] | None) -> int:
        """Read an array, if it can be one; say where the next stretch starts."""
        nbytes = form.dtype.itemsize * prod(form.shape)
        if form.compression is not None:
            stored = form.compressed_nbytes
            if offset + stored > self.nbytes or not self._is_proven(nbytes):
                return offset
            if _refusal(check_compression, form.compression, nbytes, stored):
                return offset
            self._pieces[offset] = _Piece(self._read_compressed(form), form)
            return offset + stored
        if offset + nbytes > self.nbytes:
            return offset
        if self._is_proven(nbytes) and ends is not None:
            self._divided[offset] = _Parts(self._read_parts(form, ends), form, ends)
            return offset + nbytes
        if self._is_proven(nbytes):
            array: Array = np.empty(form.shape, form.dtype, form.order)
            self._fill(bytes_of(array))
        elif form.order == "C" or len(form.shape) == 1:
            array = self._read_growing(form.dtype, prod(form.shape))
            # In place: a reshaped view would not own its memory.
            array.resize(form.shape, refcheck=False)
        else:
            return offset
        self._pieces[offset] = _Piece(array, form)
        return offset + nbytes

    def _read_parts(self, form: Form, ends: Sequence[int]) -> list[Array]:
        parts: list[Array] = []
        for start, stop in pairwise(ends):
            part: Array = np.empty((stop - start, *form.shape[1:]), form.dtype)
            self._fill(bytes_of(part))
            parts.append(part)
        return parts

    def _read_bytes(self, start: int, end: int) -> None:
        """Read what lies between arrays, or arrays of unknown form."""
        nbytes = end - start
        if nbytes < ALIGNMENT:
            gap = bytearray(nbytes)
            self._source.readinto(memoryview(gap))
            self._digest.update(gap)
            self._gaps[start] = bytes(gap)
        elif self._is_proven(nbytes):
            array: Array = np.empty(nbytes, np.uint8)
            self._fill(array.data)
            self._pieces[start] = _Piece(array, None)
        else:
            self._pieces[start] = _Piece(self._read_growing(np.dtype(np.uint8), nbytes), None)

    def _is_proven(self, nbytes: int) -> bool:
        """Whether so much memory may be asked for at once: the file has the bytes, or they are few."""
        return self._source.size is not None or nbytes <= _UNPROVEN

    def _read_growing(self, dtype: np.dtype[Any], count: int) -> Array:
        """Read elements of which only the document says how many there are, asking for memory as they come."""
        length = 0
        array: Array = np.empty(0, dtype)
        while length < count:
            grown = min(count, max(2 * length, _UNPROVEN // dtype.itemsize, 1))
            array.resize(grown, refcheck=False)
            self._fill(bytes_of(array)[length * dtype.itemsize :])
            length = grown
        return array

    def _read_compressed(self, form: Form) -> Array | DocumentError:
        array: Array = np.empty(form.shape, form.dtype, form.order)
        decompression = Decompression(form.compression, bytes_of(array))
        buffer = memoryview(bytearray(min(_STEP, form.compressed_nbytes)))
        error: DocumentError | None = None
        for start in range(0, form.compressed_nbytes, _STEP):
            piece = buffer[: form.compressed_nbytes - start]
            self._fill(piece)
            # Whatever is wrong with the array, that the digest does not match would come first: read on.
            error = error or _refusal(decompression.feed, piece)
        return error or _refusal(decompression.finish) or array

    def _fill(self, target: memoryview) -> None:
        for start in range(0, len(target), _STEP):
            piece = target[start : start + _STEP]
            self._source.readinto(piece)
            self._digest.update(piece)

    # -- giving ---------------------------------------------------------------------------------------------

    def take(self, offset: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any) -> Array:
        array = self.view(offset, dtype, shape, order)
        return array if array.flags.owndata else array.copy(order)

    def view(self, offset: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any) -> Array:
        nbytes = dtype.itemsize * prod(shape)
        self._claim(offset, nbytes)
        if not dtype.itemsize:
            raise self._refusal(offset, nbytes)
        if offset in self._divided:
            self._join(offset)
        piece = self._pieces.get(offset)
        if piece is not None and piece.form == (dtype, shape, order, None, 0):
            del self._pieces[offset]
            array = piece.content
            assert isinstance(array, np.ndarray)
        else:
            array = np.ndarray(shape, dtype, self._bytes(offset, offset + nbytes), 0, order=order)
        check_elements(array)
        return array

    def is_divided(self, offset: Any) -> bool:
        return type(offset) is int and offset in self._divided

    def take_parts(
        self, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...], ends: Sequence[int]
    ) -> list[Array] | None:
        content, form, known = self._divided[offset]
        if form != (dtype, shape, "C", None, 0) or known != ends:
            return None
        self._claim(offset, dtype.itemsize * prod(shape))
        del self._divided[offset]
        for part in content:
            check_elements(part)
        return content

    def _join(self, offset: int) -> None:
        """Put together what turns out to be wanted as one array."""
        content, form, _ = self._divided.pop(offset)
        array: Array = np.empty(form.shape, form.dtype)
        target, end = bytes_of(array), 0
        for part in content:
            target[end : end + part.nbytes] = bytes_of(part)
            end += part.nbytes
        self._pieces[offset] = _Piece(array, form)

    def _decompressed(
        self, offset: int, nbytes: int, compression: Any, dtype: np.dtype[Any], shape: Any, order: Any
    ) -> Array:
        piece = self._pieces.get(offset)
        if piece is None or piece.form != (dtype, shape, order, compression, nbytes):
            return super()._decompressed(offset, nbytes, compression, dtype, shape, order)
        del self._pieces[offset]
        if isinstance(piece.content, DocumentError):
            raise piece.content
        return piece.content

    def _bytes(self, start: int, stop: int) -> Any:
        """The bytes of an array whose form was not known, which alone keeps them from now on; or of padding."""
        gap = self._gaps.get(start)
        if gap is not None and len(gap) == stop - start:
            return gap
        piece = self._pieces.pop(start, None)
        if piece is None or piece.form is not None or isinstance(piece.content, DocumentError):
            raise self._misplaced(start)
        padding = start + len(piece.content) - stop
        if not 0 <= padding < ALIGNMENT:
            raise self._misplaced(start)
        if padding:
            self._gaps[stop] = piece.content[stop - start :].tobytes()
        return piece.content[: stop - start]

    @staticmethod
    def _misplaced(start: int) -> DocumentError:
        return DocumentError(f"the arrays of the segment overlap, or leave a gap, at {start}")


def _refusal(step: Callable[..., None], *arguments: Any) -> DocumentError | None:
    """What a step is refused with, if it is."""
    try:
        step(*arguments)
    except DocumentError as error:
        return error
    return None
