"""The bytes of a pickle, decompressed as far as they are asked for and no further than the policy's limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any, NoReturn

from reflectio.errors import DocumentError, LimitError

# How much is decompressed, or copied, at a time.
_CHUNK = 1 << 20

# What a file may come to, however few its compressed bytes are, and how many times these: zlib cannot exceed 1032 by its
# design, while bz2 and xz shrink an array of zeros to almost nothing.
_FREE_BYTES, _LARGEST_RATIO = 64 << 20, 1100

# No name that can be imported has as many bytes.
_LONGEST_LINE = 1 << 13

# Twice what the highest preset of xz takes to decompress.
_LZMA_MEMORY = 128 << 20


class _ZlibReader(io.RawIOBase):
    """What the standard library lacks: a file that decompresses zlib's format as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._decompressor.eof:
            pending = self._decompressor.unconsumed_tail or self._file.read(_CHUNK)
            data = self._decompressor.decompress(pending, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
            if not pending:
                raise EOFError("the compressed data end early")
        return 0


class _LzmaReader(io.RawIOBase):
    """What `lzma.LZMAFile` is, but for its memory: that takes as much as a file only claims to need."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = self._for_a_stream()
        self._ended = False

    @staticmethod
    def _for_a_stream() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ended:
            pending = b""
            is_next = self._decompressor.eof
            if is_next:
                # Another stream may follow.
                pending = self._decompressor.unused_data or self._file.read(_CHUNK)
                if not pending:
                    break
                self._decompressor = self._for_a_stream()
            elif self._decompressor.needs_input:
                pending = self._file.read(_CHUNK)
                if not pending:
                    raise EOFError("the compressed data end early")
            try:
                data = self._decompressor.decompress(pending, len(buffer))
            except lzma.LZMAError as error:
                if is_next:
                    break
                if "Memory usage limit" in str(error):
                    raise LimitError(
                        f"to decompress the file takes more than {_LZMA_MEMORY >> 20} MiB of memory; no preset of xz does"
                    ) from None
                raise
            if data:
                buffer[: len(data)] = data
                return len(data)
        # What is behind the last stream does not count.
        self._ended = True
        return 0


def _open_lzma(file: IO[bytes]) -> io.BufferedReader:
    return io.BufferedReader(_LzmaReader(file), _CHUNK)


def _open_lz4(file: IO[bytes]) -> Any:
    try:
        import lz4.frame  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise DocumentError(
            "the file is compressed by lz4, which is not installed here; install lz4 to read it"
        ) from None
    return lz4.frame.LZ4FrameFile(file)


# How compressed files begin, and what reads them; those of joblib's compressors.
_COMPRESSORS: tuple[tuple[bytes, str, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", "gzip", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", "bz2", bz2.BZ2File),
    (b"\xfd7zXZ\x00", "xz", _open_lzma),
    (b"\x5d\x00", "lzma", _open_lzma),
    (b"\x04\x22\x4d\x18", "lz4", _open_lz4),
    (b"x\x01", "zlib", lambda file: io.BufferedReader(_ZlibReader(file), _CHUNK)),
    (b"x\x5e", "zlib", lambda file: io.BufferedReader(_ZlibReader(file), _CHUNK)),
    (b"x\x9c", "zlib", lambda file: io.BufferedReader(_ZlibReader(file), _CHUNK)),
    (b"x\xda", "zlib", lambda file: io.BufferedReader(_ZlibReader(file), _CHUNK)),
)


def compressor_of(beginning: bytes) -> str | None:
    """The name of the compressor that a file with this beginning went through, or None."""
    return next((name for magic, name, _ in _COMPRESSORS if beginning.startswith(magic)), None)


def most_bytes(size: int) -> int:
    """How many bytes a file of so many is believed to come to, decompressed."""
    return _FREE_BYTES + _LARGEST_RATIO * size


class Source:
    """
    Bytes to be read once, from their beginning to their end.

    Parameters
    ----------
    data : memoryview
        The file, compressed or not.
    limit : int
        How many bytes it may have, decompressed.
    """

    def __init__(self, data: memoryview, limit: int) -> None:
        self._limit = limit
        #: How many bytes the file has, compressed.
        self.size = len(data)
        #: Whether it was refused for being more, read, than a file of its size is: one that goes on may be.
        self.implausible = False
        self._filled = 0
        self._buffer = b""
        self._start = 0
        self.compressor = compressor_of(bytes(data[:8]))
        memory: Any = _Memory(data)
        self._file: Any = memory
        self._memory: _Memory | None = memory if self.compressor is None else None
        if self.compressor is not None:
            opener = next(opener for _, name, opener in _COMPRESSORS if name == self.compressor)
            self._file = opener(memory)
        #: Why the rest could not be decompressed; empty where it could.
        self.damage = ""
        #: Whether that is because the file ends early.
        self.cut_short = False

    def tell(self) -> int:
        """How many bytes were read."""
        return self._filled - len(self._buffer) + self._start

    def read(self, size: int) -> bytes:
        """Read so many bytes, or those that are left."""
        stop = self._start + size
        if self._start <= stop <= len(self._buffer):
            piece = self._buffer[self._start : stop]
            self._start = stop
            return piece
        if size < 0:
            raise DocumentError(f"a length of {size} bytes")
        if self._memory is not None and size > _CHUNK:
            return self._read_long(self._memory, size)
        # A piece at a time: a length that the file only claims costs no memory.
        pieces = io.BytesIO()
        while size and (self._start < len(self._buffer) or self._fill()):
            piece = self._buffer[self._start : self._start + size]
            self._start += len(piece)
            size -= len(piece)
            pieces.write(piece)
        return pieces.getvalue()

    def _read_long(self, memory: _Memory, size: int) -> bytes:
        """Copy many bytes at once out of a file that is not compressed."""
        piece = memory.take(self.tell(), size)
        self._filled = self.tell() + len(piece)
        self._buffer, self._start = b"", 0
        self._check_limit()
        return piece

    def readline(self) -> bytes:
        """Read up to the next line feed."""
        pieces = []
        while self._start < len(self._buffer) or self._fill():
            end = self._buffer.find(b"\n", self._start) + 1
            pieces.append(self._buffer[self._start : end or None])
            self._start = end or len(self._buffer)
            if end:
                break
        return b"".join(pieces)

    def read_name(self) -> bytes:
        """Read up to the next line feed, and pass over that, where a name is: of no more bytes than a name has."""
        while (end := self._buffer.find(b"\n", self._start, self._start + _LONGEST_LINE)) < 0:
            ahead = self._buffer[self._start :]
            if len(ahead) >= _LONGEST_LINE or not self._fill():
                raise DocumentError("a name to import does not end, or is longer than any")
            self._buffer = ahead + self._buffer
        name = self._buffer[self._start : end]
        self._start = end + 1
        return name

    def skip(self, size: int) -> int:
        """Pass over so many bytes, or those that are left; give how many."""
        passed = 0
        while passed < size and (piece := self.read(min(size - passed, _CHUNK))):
            passed += len(piece)
        return passed

    def _fill(self) -> bool:
        try:
            data = self._file.read(_CHUNK)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, RuntimeError) as error:
            # RuntimeError: what lz4 raises.
            self.cut_short = isinstance(error, EOFError)
            self.damage = (
                f"the file is damaged: what {self.compressor} has compressed in it ends early; the file is truncated"
                if self.cut_short
                else f"the file is damaged: what {self.compressor} has compressed in it is not whole: {error}"
            )
            raise DocumentError(self.damage) from error
        self._filled += len(data)
        self._buffer, self._start = data, 0
        self._check_limit()
        return bool(data)

    def _check_limit(self) -> None:
        if self._filled > self._limit:
            raise LimitError(
                f"the file has more than {self._limit} bytes, decompressed; that is the policy's limit expanded_bytes"
            )
        if self.compressor and self._filled > most_bytes(self.size):
            self.refuse_as_implausible(f"{self._filled} bytes, decompressed")

    def refuse_as_implausible(self, what: str) -> NoReturn:
        """Refuse a file that is compressed to fewer bytes than any but those that are meant to take time or memory."""
        self.implausible = True
        raise LimitError(
            f"the file has {self.size} bytes, and comes to {what}: no model's file shrinks so much; to read it all the same, "
            "decompress it first"
        )


class _Memory(io.RawIOBase):
    """A file over a buffer, without a copy of it."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._data[self._position : self._position + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def take(self, position: int, size: int) -> bytes:
        """Give the bytes from a position on, or those that are left, and go on behind them."""
        piece = bytes(self._data[position : position + size])
        self._position = position + len(piece)
        return piece
