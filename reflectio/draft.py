"""A document on its way out: the header, whose digests are found out while the arrays behind it are written."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import IO, Any

import xxhash

from reflectio import compiled
from reflectio.array_bytes import as_bytes
from reflectio.header import ALGORITHM, DIGEST_FORM, DIGEST_LENGTH, digest_of
from reflectio.segment_member import ALIGNMENT
from reflectio.segment_writer import SegmentWriter

_POSIX = os.name == "posix"
if _POSIX:
    from fcntl import F_GETFL, fcntl

NO_DIGITS = "0" * 32

# What stands between the digits of the segment's digest and the member with the header's own.
_CLOSING = b'"},'

_memory = compiled.part("memory")
_files = compiled.part("files")

# Small files take no time that room on the disk could save.
_RESERVED = 1 << 20

# Blocks of less are put together before they are written, to so much.
_SMALL, _GATHERED = 1 << 16, 1 << 18

_Memory: Callable[[int], Any] = (lambda nbytes: io.BytesIO()) if _memory is None else _memory.Memory


class Draft:
    """
    A document in binary format.

    The header stands before the segment and has its digest. Where what is written can be written over, each array is
    read once: a block at a time, which is digested while it is in the processor's cache, and the digits are filled in
    at last. Elsewhere all is read twice.

    Parameters
    ----------
    header : bytes
        The header, with zeros for the digits of its own digest and of the segment's.
    segment : SegmentWriter
        The arrays behind it.

    Attributes
    ----------
    nbytes : int
        How long the document is.
    """

    def __init__(self, header: bytes, segment: SegmentWriter) -> None:
        self._segment = segment
        if segment.arrays:
            # The digits are copied, rather than a long header with them.
            self._beginning = memoryview(header)[: -DIGEST_LENGTH - len(_CLOSING) - len(NO_DIGITS)]
            self._padding = bytes(-len(header) % ALIGNMENT or ALIGNMENT)
        else:
            self._beginning = memoryview(header)[:-DIGEST_LENGTH]
            self._padding = b""
        self._ending_nbytes = len(header) - len(self._beginning) + len(self._padding)
        self.nbytes = len(header) + len(self._padding) + segment.nbytes

    def __iter__(self) -> Iterator[Any]:
        """Give the bytes from the first to the last, a piece at a time, for what takes them in no other order."""
        yield self._beginning
        if self._segment.arrays:
            yield self._ending(self._segment.digest())
            yield from self._segment.blocks()
        else:
            yield DIGEST_FORM % (ALGORITHM.encode(), digest_of(self._beginning).encode())

    def joined(self) -> bytes:
        """Give all bytes."""
        if not self._segment.arrays:
            return b"".join(self)
        memory = _Memory(self.nbytes)
        self._write_once(memory, memory.write, self._segment.blocks())
        value: bytes = memory.getvalue()
        return value

    def write(self, file: IO[bytes]) -> None:
        """
        Write the document into a file, from where it stands.

        Parameters
        ----------
        file : binary file
            Needs a ``write`` method, no more.
        """
        if self._segment.arrays and can_write_over(file):
            if _files is not None and self.nbytes >= _RESERVED and type(file) is not io.BytesIO:
                _files.reserve(file.fileno(), file.tell(), self.nbytes)
            self._write_once(file, lambda piece: write_all(file, piece), _gathered(self._segment.blocks()))
        else:
            for piece in self:
                write_all(file, piece)
                # It may be a copy, and the next one is made before the name is given to it.
                del piece

    def _write_once(self, file: Any, write: Callable[[Any], Any], blocks: Iterator[Any]) -> None:
        start = file.tell()
        write(self._beginning)
        write(bytes(self._ending_nbytes))
        state = xxhash.xxh3_128()
        update = state.update
        for block in blocks:
            update(block)
            write(block)
            # As above.
            del block
        file.seek(start + len(self._beginning))
        write(self._ending(state.hexdigest()))
        file.seek(start + self.nbytes)

    def _ending(self, digits: str) -> bytes:
        """The end of the header and what pads it, given the digits of the segment's digest."""
        last = digits.encode() + _CLOSING
        state = xxhash.xxh3_128(self._beginning)
        state.update(last)
        return last + DIGEST_FORM % (ALGORITHM.encode(), state.hexdigest().encode()) + self._padding


def joined(document: Draft | bytes) -> bytes:
    """Give all bytes of a document; a small one is there already, and so is one in JSON format."""
    return document if type(document) is bytes else document.joined()  # type: ignore[union-attr]


def write(document: Draft | bytes, file: IO[bytes]) -> None:
    """Write a document into a file, as `Draft.write` does it."""
    if isinstance(document, Draft):
        document.write(file)
    else:
        write_all(file, document)


def _gathered(blocks: Iterator[Any]) -> Iterator[Any]:
    """Put small blocks together: a file takes far longer for many, each of which ends somewhere in a page."""
    waiting: list[Any] = []
    size = 0
    for block in blocks:
        nbytes = memoryview(block).nbytes
        if nbytes < _SMALL:
            waiting.append(block)
            size += nbytes
        if waiting and (size >= _GATHERED or nbytes >= _SMALL):
            yield b"".join(waiting)
            waiting, size = [], 0
        if nbytes >= _SMALL:
            yield block
        # As above.
        del block
    if waiting:
        yield b"".join(waiting)


def can_write_over(file: Any) -> bool:
    """
    Say whether a file takes bytes at places that were written already.

    Only of Python's own files is that known: others say that they can seek, and then refuse to go back. A file opened
    to be appended to puts everything at its end, wherever it stands.

    Parameters
    ----------
    file : binary file
        The file.
    """
    if type(file) is io.BytesIO:
        return True
    raw = file.raw if type(file) in (io.BufferedWriter, io.BufferedRandom) else file
    if type(raw) is not io.FileIO or not raw.seekable():
        return False
    if not _POSIX:
        return "a" not in raw.mode and not isinstance(raw.name, int)
    return not fcntl(raw.fileno(), F_GETFL) & os.O_APPEND


def write_all(file: IO[bytes], piece: Any) -> None:
    """
    Write all of a piece.

    Parameters
    ----------
    file : binary file
        It may take a part at a time, as raw, unbuffered ones do.
    piece : buffer
        What is written.

    Raises
    ------
    BlockingIOError
        The file takes nothing at the moment.
    """
    remaining = as_bytes(piece)
    while len(remaining):
        written: int | None = file.write(remaining)
        if written is None and not isinstance(file, io.RawIOBase):
            return
        if not written:
            raise BlockingIOError("the file takes no more bytes now; documents need a file that waits")
        remaining = remaining[written:]
