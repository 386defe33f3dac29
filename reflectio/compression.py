"""Compressing the bytes of an array and getting them back, a bounded piece at a time."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, Protocol, cast

from attrs import frozen

from reflectio.errors import DocumentError

Method = Literal["zstd", "zlib"]

#: What `reflectio.dumps` takes: a method, or a method and a level.
CompressionLike = Method | tuple[Method, int] | None

_METHODS = ("zstd", "zlib")
_DEFAULT_LEVELS = {"zstd": 3, "zlib": 6}
_LOWEST_LEVEL = 1
_HIGHEST_LEVELS = {"zstd": 22, "zlib": 9}

# How much goes into a compressor or out of a decompressor in one call. Few enough to stay in the processor's cache.
_STEP = 1 << 18

# Both libraries keep what they have been given and not yet used, and zlib copies it with each call.
_FEED = 1 << 16

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

# The longest header that a frame of zstd can have.
_ZSTD_HEADER = 18

# How many times larger than its compressed bytes an array may be. zlib cannot exceed 1032 by its design. zstd can reach
# 32,768, which would let small documents ask for much memory: what compresses so well is left to zlib.
_LARGEST_RATIO = 1100

# Between these powers of two lies what a frame may ask a reader to remember of the data before: what no level goes
# beyond, and what no reader refuses.
_SMALLEST_WINDOW, _LARGEST_WINDOW = 10, 27


@frozen
class Compression:
    """
    How arrays are compressed.

    Attributes
    ----------
    method : {"zstd", "zlib"}
        The format of the compressed bytes: a single frame of zstd, or a stream of zlib.
    level : int
        How hard to try: 1 to 22 for zstd, 1 to 9 for zlib.
    """

    method: Method
    level: int

    @classmethod
    def of(cls, choice: CompressionLike) -> Compression | None:
        """
        Read what a user chose.

        Raises
        ------
        ValueError
            It is no method, or has no such level.
        ImportError
            The method's library is missing.
        """
        if choice is None:
            return None
        method: Any
        level: Any
        if isinstance(choice, tuple) and len(choice) == 2:
            method, level = choice
        else:
            method, level = choice, _DEFAULT_LEVELS.get(choice) if isinstance(choice, str) else None
        if not isinstance(method, str) or method not in _METHODS:
            raise ValueError(
                f"compression must be None, 'zstd', 'zlib' or one of these with a level, as in ('zlib', 9); "
                f"not {choice!r}"
            )
        highest = _HIGHEST_LEVELS[method]
        if type(level) is not int or not _LOWEST_LEVEL <= level <= highest:
            raise ValueError(
                f"the compression level of {method} must be an integer from {_LOWEST_LEVEL} to {highest}, "
                f"not {level!r}"
            )
        if method == "zstd":
            _zstd()
        return cls(cast(Method, method), level)


@cache
def _zstd() -> Any:
    """The module of PEP 784: a part of Python from 3.14 on, a package before."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(
        "compression by zstd needs Python 3.14 or the package backports.zstd: pip install 'reflectio[zstd]'"
    )


# -- out ------------------------------------------------------------------------------------------------------


def is_credible(nbytes: int, compressed_nbytes: int) -> bool:
    """Whether a reader believes that so many compressed bytes hold so many others."""
    return nbytes <= _LARGEST_RATIO * compressed_nbytes


#: What compresses any bytes in a way that `is_credible` holds of.
FALLBACK = Compression("zlib", _DEFAULT_LEVELS["zlib"])


def compressed(data: memoryview, compression: Compression) -> Iterator[bytes]:
    """
    Give the compressed form of some bytes, a piece at a time.

    Parameters
    ----------
    data : memoryview
        The bytes, of one axis.
    compression : Compression
        How.
    """
    compressor: Any
    if compression.method == "zlib":
        compressor = zlib.compressobj(compression.level)
    else:
        zstd = _zstd()
        # The checksum is all that protects an array of a mapped document, whose digest is not checked.
        options = {
            zstd.CompressionParameter.compression_level: compression.level,
            zstd.CompressionParameter.checksum_flag: 1,
        }
        compressor = zstd.ZstdCompressor(options=options)
        compressor.set_pledged_input_size(len(data))
    for start in range(0, len(data), _STEP):
        if piece := compressor.compress(data[start : start + _STEP]):
            yield piece
    yield compressor.flush()


# -- in -------------------------------------------------------------------------------------------------------


def check_compression(method: Any, nbytes: int, compressed_nbytes: Any) -> None:
    """
    Refuse what cannot be the compressed form of an array, before memory is asked for.

    Parameters
    ----------
    method : Any
        What the array's node says of the format of the compressed bytes.
    nbytes : int
        The size of the array.
    compressed_nbytes : Any
        What its node says of their number.

    Raises
    ------
    DocumentError
        The method is unknown, or so few bytes cannot hold so many.
    """
    if type(method) is not str or method not in _METHODS:
        raise DocumentError(f"unknown compression {method!r}; the document needs a newer reflectio")
    if type(compressed_nbytes) is not int or not 0 < compressed_nbytes < nbytes:
        raise DocumentError(
            f"an array of {nbytes} bytes cannot be compressed to {compressed_nbytes!r}; one that does not shrink is not "
            "compressed"
        )
    if not is_credible(nbytes, compressed_nbytes):
        raise DocumentError(
            f"an array of {nbytes} bytes in {compressed_nbytes} compressed ones: no array shrinks so much, other than "
            f"those meant to take memory; at most {_LARGEST_RATIO} times is read"
        )


class _Decompressor(Protocol):
    """What the decompressors of both libraries are made to look like."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: Any, max_length: int) -> bytes: ...


class _Zlib:
    """zlib's decompressor, which hands back the input that it has not used yet, keeping it instead."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: Any, max_length: int) -> bytes:
        # What is kept is empty when new input comes: the one who feeds takes all output out first.
        return self._stream.decompress(data or self._stream.unconsumed_tail, max_length)


class Decompression:
    """
    The decompression of one array, fed as its bytes arrive.

    Parameters
    ----------
    method : {"zstd", "zlib"}
        The format of the compressed bytes.
    target : memoryview
        Where the array's bytes go, of one axis. It has to be filled exactly.
    """

    def __init__(self, method: Method, target: memoryview) -> None:
        self._method = method
        self._target = target
        self._position = 0
        self._stream: _Decompressor | None = None
        self._beginning = b""

    def feed(self, data: memoryview) -> None:
        """
        Take the next of the compressed bytes.

        Raises
        ------
        DocumentError
            They are malformed, hold more than the array, or go on behind its end.
        """
        for start in range(0, len(data), _FEED):
            piece = data[start : start + _FEED]
            if self._stream is None:
                self._beginning += bytes(piece)
                if len(self._beginning) < _ZSTD_HEADER:
                    continue
                piece = self._open()
            self._decompress(piece)

    def finish(self) -> None:
        """
        Refuse what has not filled the array, and not ended where the array is full.

        Raises
        ------
        DocumentError
            It has not.
        """
        if self._stream is None:
            self._decompress(self._open())
        assert self._stream is not None
        if not self._stream.eof or self._position != len(self._target):
            raise DocumentError(
                f"the compressed bytes give {self._position} of the array's {len(self._target)} bytes"
            )

    def _decompress(self, data: memoryview) -> None:
        assert self._stream is not None
        try:
            self._take_all(self._stream, data)
        except DocumentError:
            raise
        except Exception as error:  # each library has an error of its own
            raise DocumentError(f"the compressed bytes of the array are malformed: {error}") from error

    def _take_all(self, stream: _Decompressor, data: memoryview) -> None:
        if stream.eof and len(data):
            raise DocumentError("something follows the compressed bytes of the array")
        feed: Any = data
        while not stream.eof:
            # One byte more than there is room for: a stream that holds more says so by filling it.
            piece = stream.decompress(feed, min(_STEP, len(self._target) - self._position + 1))
            feed = b""
            end = self._position + len(piece)
            if end > len(self._target):
                raise DocumentError(
                    f"the compressed bytes give more than the array's {len(self._target)} bytes"
                )
            self._target[self._position : end] = piece
            self._position = end
            if not piece:
                break
        if stream.eof and stream.unused_data:
            raise DocumentError("something follows the compressed bytes of the array")

    def _open(self) -> memoryview:
        """Start with what has come so far, and give it back."""
        beginning, self._beginning = self._beginning, b""
        self._stream = _Zlib() if self._method == "zlib" else self._open_frame(beginning)
        return memoryview(beginning)

    def _open_frame(self, beginning: bytes) -> _Decompressor:
        try:
            zstd = _zstd()
        except ImportError as error:
            raise DocumentError(str(error)) from error
        if not beginning.startswith(_ZSTD_MAGIC):
            raise DocumentError("the compressed bytes of the array are no frame of zstd")
        try:
            frame = zstd.get_frame_info(beginning[:_ZSTD_HEADER])
        except zstd.ZstdError as error:
            raise DocumentError(f"the compressed bytes of the array are malformed: {error}") from error
        if frame.dictionary_id:
            raise DocumentError("the compressed bytes of the array need a dictionary, which no document has")
        if frame.decompressed_size != len(self._target):
            raise DocumentError(
                f"the compressed bytes say that they hold {frame.decompressed_size} bytes; the array has "
                f"{len(self._target)}"
            )
        # A frame may ask for memory to remember what came before; more than all of the array is never needed.
        window = min(max(len(self._target).bit_length(), _SMALLEST_WINDOW), _LARGEST_WINDOW)
        decompressor: _Decompressor = zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: window}
        )
        return decompressor
