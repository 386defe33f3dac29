"""A file that a document is read from, once and in order."""

from __future__ import annotations

import io
import os
import stat
from typing import IO, Any

from reflectio.errors import DocumentError, LimitError

# Up to this size a document is read at once that has many small arrays, which are copied faster out of one buffer than
# read one by one, or more text than arrays, which compiled code builds from straight.
_SMALL = 1 << 23
_SMALL_ARRAY = 1 << 16
_IN_SEGMENT = b'"at":'

# How much is read at first in search of the header's end, and how much at once at most: as much again as was read
# before.
_CHUNK = 1 << 17
_LONG_CHUNK = 1 << 24


class Source:
    """
    A file, from where it stands to its end.

    Parameters
    ----------
    file : binary file
        It needs a ``read`` method, no more; one with ``readinto`` is read without a copy.
    limit : int
        How many bytes a document may have.
    size : int, optional
        How many bytes the file has, where this is known already.

    Attributes
    ----------
    size : int or None
        How many bytes the file has, where the system knows it for sure: those of an ordinary file.
    """

    def __init__(self, file: IO[bytes], limit: int, size: int | None = None) -> None:
        self._file = file
        self._limit = limit
        self._readinto = getattr(file, "readinto", None)
        # What has been read of the file beyond what was asked for.
        self._ahead = memoryview(b"")
        self._complete = False
        self.size = size or size_of(file)
        if self.size is not None and self.size > limit:
            raise LimitError(f"the file has {self.size} bytes; the policy's limit document_bytes is {limit}")

    def beginning(self, longest: int) -> memoryview:
        """
        Look ahead up to a NUL, or to the end.

        Parameters
        ----------
        longest : int
            How many bytes there may be before the NUL.

        Returns
        -------
        memoryview
            What is ahead, with what happened to come behind the NUL.
        """
        if len(self._ahead):
            return self._ahead
        chunks: list[bytes] = []
        total = 0
        while True:
            chunk = self._read(self._step(total))
            chunks.append(chunk)
            total += len(chunk)
            if total > self._limit:
                raise LimitError(
                    f"the file has more than {self._limit} bytes, the policy's limit document_bytes"
                )
            if not chunk or total == self.size or b"\0" in chunk:
                break
            if total > longest:
                raise LimitError(f"the header has more than {longest} bytes, the policy's limit text_bytes")
        self._ahead = memoryview(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        self._complete = not chunk or total == self.size
        return self._ahead

    def _step(self, total: int) -> int:
        """How much to read at once, after so much has been read."""
        step = min(max(_CHUNK, total), _LONG_CHUNK)
        return step if self.size is None else min(step, self.size - total)

    def read_at_once(self, longest: int) -> bytes | None:
        """
        Read all of a file, where little more memory is held for that than reading it array by array would take.

        Parameters
        ----------
        longest : int
            As in `beginning`.

        Returns
        -------
        bytes or None
            None where it is to be read array by array.
        """
        beginning = self.beginning(longest).obj
        assert isinstance(beginning, bytes)
        if self._complete:
            self._ahead = memoryview(b"")
            return beginning
        end = beginning.find(0)
        if self.size is None or self.size > _SMALL or end < 0:
            return None
        in_segment = self.size - end
        if in_segment > max(end, _SMALL_ARRAY * beginning.count(_IN_SEGMENT, 0, end)):
            return None
        # One byte more than there should be: it might have been added.
        chunks, left = [beginning], self.size + 1 - len(beginning)
        self._ahead = memoryview(b"")
        while left > 0 and (chunk := self._read(left)):
            chunks.append(chunk)
            left -= len(chunk)
        return b"".join(chunks)

    def skip(self, count: int) -> None:
        """Pass over so many bytes of what is ahead."""
        self._ahead = self._ahead[count:] or memoryview(b"")

    def readinto(self, target: memoryview) -> None:
        """
        Fill a buffer with the next bytes.

        Parameters
        ----------
        target : memoryview
            The buffer, of single bytes.

        Raises
        ------
        DocumentError
            The file ends before.
        """
        position = min(len(self._ahead), len(target))
        if position:
            target[:position] = self._ahead[:position]
            # An empty view would keep all that was read ahead.
            self._ahead = self._ahead[position:] or memoryview(b"")
        while position < len(target):
            read = self._read_some(target[position:])
            if not read:
                raise DocumentError(
                    f"the file ended {len(target) - position} bytes early: it is truncated, or was while it was read"
                ).rooted("$.segment")
            position += read

    def check_end(self) -> None:
        """Refuse a file that goes on."""
        if len(self._ahead) or self._read(1):
            raise DocumentError("something follows the segment, or was added while it was read").rooted(
                "$.segment"
            )

    def _read_some(self, target: memoryview) -> int:
        if self._readinto is not None:
            read = self._readinto(target)
            if read is None:
                raise _would_wait()
            return int(read)
        chunk = self._read(len(target))
        if len(chunk) > len(target):
            self._ahead = memoryview(chunk)[len(target) :]
            chunk = chunk[: len(target)]
        target[: len(chunk)] = chunk
        return len(chunk)

    def _read(self, size: int) -> bytes:
        chunk: Any = self._file.read(size)
        if isinstance(chunk, bytes):
            return chunk
        if chunk is None:
            raise _would_wait()
        if isinstance(chunk, bytearray | memoryview):
            return bytes(chunk)
        raise TypeError("file must be a path, or a file opened in binary mode")


def read_whole(file: io.BufferedReader, limit: int) -> bytes:
    """
    Read a file to its end.

    Parameters
    ----------
    file : BufferedReader
        The file, at its beginning. It may be a pipe, or a device without an end.
    limit : int
        How many bytes it may have.

    Raises
    ------
    LimitError
        It has more.
    """
    size = size_of(file) or 0
    # At once, where the system knows how much there is: pieces would be in memory twice while they are joined.
    chunks = [file.read(min(size, limit) + 1)]
    total = len(chunks[0])
    while total <= limit and (chunk := file.read(_LONG_CHUNK)):
        total += len(chunk)
        chunks.append(chunk)
    if total > limit:
        raise LimitError(f"the file has more than {limit} bytes, the policy's limit document_bytes")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def view_of(source: Any) -> memoryview:
    """
    The bytes of a document that is given as such.

    Raises
    ------
    TypeError
        It is neither bytes nor, as whoever calls has seen, a path.
    """
    try:
        view = memoryview(source)
    except TypeError:
        raise TypeError(
            "source must be a document, as bytes, bytearray or memoryview, or the path of one; not "
            f"{type(source).__name__}"
        ) from None
    return (view if view.c_contiguous else memoryview(bytes(view))).cast("B")


def _would_wait() -> BlockingIOError:
    return BlockingIOError("the file has no bytes now; documents need a file that waits")


def size_of(file: IO[bytes]) -> int | None:
    """
    Say how many bytes a file has from where it stands on.

    Parameters
    ----------
    file : binary file
        The file.

    Returns
    -------
    int or None
        None where the system does not know it for sure: of anything but an ordinary file.
    """
    # Others, such as a file that decompresses, may have the descriptor of a file that is not what they read.
    if not isinstance(file, io.FileIO | io.BufferedReader | io.BufferedRandom):
        return None
    if isinstance(file, io.BufferedReader | io.BufferedRandom) and not isinstance(file.raw, io.FileIO):
        return None
    state = os.fstat(file.fileno())
    # A pipe or a device has no size, and a file that the system makes up as it is read says 0.
    if not stat.S_ISREG(state.st_mode) or not state.st_size:
        return None
    return max(0, state.st_size - file.tell())
