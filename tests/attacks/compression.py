"""Compression: bombs, streams that lie about what they hold, and nodes that lie about their streams."""

from __future__ import annotations

import functools
import gzip
import importlib
import zlib
from collections.abc import Callable
from typing import Any

import orjson
import xxhash

from attacks.attack import Attack, binary

_DOCUMENT = "DocumentError"
_OWN = "own: strictness of the format"
_BOMBS = "CVE-2003-1564 and its kin: bombs that expand where they are read"
_FRAMES = "RFC 8878, section 7, on what a decoder of zstd has to beware of"

_COUNT = 1000
_PLAIN = bytes(range(250)) * 32

# What a dictionary holds, and all that a frame then refers to.
_KNOWN = bytes(index * index // 7 % 251 for index in range(8 * _COUNT))


@functools.cache
def zstd() -> Any:
    """The module of PEP 784: a part of Python from 3.14 on, a package before."""
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return importlib.import_module("backports.zstd")


def frame(data: bytes, pledge: int | None = None, dictionary: Any = None, **options: int) -> bytes:
    """One frame of zstd; ``options`` are parameters of the compressor by name, and may be unreasonable."""
    parameters = {getattr(zstd().CompressionParameter, name): value for name, value in options.items()}
    compressor = zstd().ZstdCompressor(options=parameters, zstd_dict=dictionary)
    compressor.set_pledged_input_size(len(data) if pledge is None else pledge)
    return compressor.compress(data) + compressor.flush()


def padded(stream: bytes) -> bytes:
    """A stream and the zeros up to where the next array may start."""
    return stream + bytes(-len(stream) % 64)


def node(stream: bytes, method: Any = "zlib", **members: Any) -> dict[str, Any]:
    """The node of an array whose compressed bytes are ``stream``."""
    described = {"dtype": "float64", "shape": [_COUNT], "at": 0, "compression": method}
    return {"$": "ndarray", **described, "compressed_nbytes": len(stream), **members}


def document(stream: bytes, method: Any = "zlib", **members: Any) -> Callable[[], bytes]:
    return lambda: binary(node(stream, method, **members), stream)


def zstd_document(make: Callable[[], bytes], **members: Any) -> Callable[[], bytes]:
    return lambda: binary(node(make(), "zstd", **members), make())


_STREAM = zlib.compress(_PLAIN)


def _two_at_once() -> bytes:
    both = [node(_STREAM), node(_STREAM)]
    return binary(both, _STREAM)


def _plain_over_compressed() -> bytes:
    over = {"$": "ndarray", "dtype": "uint8", "shape": [len(_STREAM)], "at": 0}
    return binary([node(_STREAM), over], _STREAM)


def _many(count: int) -> bytes:
    """Arrays of a megabyte each in about a kilobyte: each is credible, and together they are many."""
    stream = zlib.compress(bytes(1 << 20), 9)
    step = len(padded(stream))
    nodes = [node(stream, dtype="uint8", shape=[1 << 20], at=index * step) for index in range(count)]
    return binary(nodes, padded(stream) * (count - 1) + stream)


def _without_segment() -> bytes:
    return orjson.dumps({"reflectio": 1, "versions": {}, "model": node(_STREAM)})


def _with_dictionary(data: bytes) -> bytes:
    compressor = zlib.compressobj(zdict=b"\0" * 100)
    return compressor.compress(data) + compressor.flush()


def _unpledged(data: bytes) -> bytes:
    return frame(data, content_size_flag=0)


def _trained() -> Any:
    return zstd().ZstdDict(_KNOWN, is_raw=True)


def _skippable() -> bytes:
    return b"\x50\x2a\x4d\x18" + (8).to_bytes(4, "little") + bytes(8)


def _huge_window() -> bytes:
    # Magic; a descriptor with a size of 8 bytes and a window; a window of 2 GiB; the size; an empty last block.
    return b"\x28\xb5\x2f\xfd" + b"\xc0" + bytes([(31 - 10) << 3]) + (8000).to_bytes(8, "little") + b"\1\0\0"


def _reserved_bit() -> bytes:
    good = bytearray(frame(_PLAIN))
    good[4] |= 8
    return bytes(good)


def _changed(stream: bytes, where: int) -> bytes:
    changed = bytearray(stream)
    changed[where] ^= 1
    return bytes(changed)


_NODES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "unknown": (
        "reach a decompressor that nobody reviewed",
        document(_STREAM, "lzma"),
        "unknown compression",
    ),
    "module": ("have a module imported by name", document(_STREAM, "os.system"), "unknown compression"),
    "empty": ("have no method", document(_STREAM, ""), "unknown compression"),
    "number": ("crash what looks the method up", document(_STREAM, 5), "unknown compression"),
    "list": ("crash what hashes the method", document(_STREAM, []), "unknown compression"),
    "null": ("be read in two ways", document(_STREAM, None), "unknown compression"),
    "object": ("be built as an object", document(_STREAM, {"$": "ref", "id": 0}), "unknown compression"),
    "other": ("be read by another decompressor", zstd_document(lambda: zstd() and _STREAM), "no frame"),
    "no-size": (
        "go on to the segment's end",
        document(_STREAM, compressed_nbytes=None),
        "cannot be compressed",
    ),
    "size-zero": ("read nothing", document(_STREAM, compressed_nbytes=0), "cannot be compressed"),
    "size-negative": ("read backwards", document(_STREAM, compressed_nbytes=-1), "cannot be compressed"),
    "size-true": ("be equal to one", document(_STREAM, compressed_nbytes=True), "cannot be compressed"),
    "size-float": ("round", document(_STREAM, compressed_nbytes=float(len(_STREAM))), "cannot be compressed"),
    "size-text": ("crash a comparison", document(_STREAM, compressed_nbytes="9"), "cannot be compressed"),
    "size-huge": ("read past the end", document(_STREAM, compressed_nbytes=2**62), "cannot be compressed"),
    "size-beyond": (
        "read past the end",
        document(_STREAM, compressed_nbytes=len(_STREAM) + 1),
        "would end outside",
    ),
    "size-short": ("hide bytes behind the stream", document(_STREAM, compressed_nbytes=len(_STREAM) - 1), ""),
    "grows": ("waste memory by compression", document(zlib.compress(_PLAIN, 0)), "does not shrink"),
    "unaligned": ("read between the alignments", document(_STREAM, at=8), "multiple of 64"),
    "negative": ("read before the segment", document(_STREAM, at=-64), "multiple of 64"),
    "twice": ("expand one stream many times", _two_at_once, "overlap"),
    "overlapped": ("show compressed bytes as numbers", _plain_over_compressed, "overlap"),
    "with-data": ("have elements in two places", document(_STREAM, data=[1.0]), "either"),
    "without-segment": ("read what is not there", _without_segment, "would end outside"),
    "inline": (
        "have elements in the header decompressed",
        lambda: orjson.dumps(
            {
                "reflectio": 1,
                "versions": {},
                "model": {
                    "$": "ndarray",
                    "dtype": "float64",
                    "shape": [1],
                    "data": [1.0],
                    "compression": "zlib",
                },
            }
        ),
        "only what lies in the segment",
    ),
    "strings": ("fill pointers", document(_STREAM, dtype="object"), ""),
    "negative-shape": ("have a negative size", document(_STREAM, shape=[-1]), "shape"),
}

_STREAMS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "truncated": ("leave memory as it was found", document(_STREAM[:-10]), ""),
    "trailing": ("hide bytes behind the stream", document(_STREAM + b"PK\3\4"), "something follows"),
    "second": ("hide a stream behind the stream", document(_STREAM * 2), "something follows"),
    "more": ("write past the array", document(zlib.compress(_PLAIN + b"x")), "more than"),
    "much-more": ("write past the array", document(zlib.compress(_PLAIN * 4)), "more than"),
    "fewer": ("leave memory as it was found", document(zlib.compress(_PLAIN[:-1])), "7999"),
    "checksum": ("pass off other bytes", document(_changed(_STREAM, -1)), "malformed"),
    "corrupt": ("crash the decompressor", document(_STREAM[:20] + b"\xff" * 40 + _STREAM[60:]), "malformed"),
    "raw-deflate": ("have no checksum", document(_STREAM[2:-4]), "malformed"),
    "gzip": ("be another file to another reader", document(gzip.compress(_PLAIN)), "malformed"),
    "dictionary": ("need what is not there", document(_with_dictionary(_PLAIN)), "malformed"),
    "nothing": ("be no stream", document(bytes(100)), "malformed"),
}

_FRAMES_OF_ZSTD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "truncated": ("leave memory as it was found", zstd_document(lambda: frame(_PLAIN)[:-10]), ""),
    "short": ("end within the header", zstd_document(lambda: frame(_PLAIN)[:7]), ""),
    "trailing": ("hide bytes behind the frame", zstd_document(lambda: frame(_PLAIN) + b"PK\3\4"), "follows"),
    "second": ("hide a frame behind the frame", zstd_document(lambda: frame(_PLAIN) * 2), "follows"),
    "split": (
        "have two frames read as one",
        zstd_document(lambda: frame(_PLAIN[:4000]) + frame(_PLAIN[4000:])),
        "say that they hold",
    ),
    "skippable": (
        "hide bytes before the frame",
        zstd_document(lambda: _skippable() + frame(_PLAIN)),
        "no frame",
    ),
    "skipped": (
        "hide bytes behind the frame",
        zstd_document(lambda: frame(_PLAIN) + _skippable()),
        "follows",
    ),
    "more": ("write past the array", zstd_document(lambda: frame(_PLAIN + b"x")), "say that they hold 8001"),
    "fewer": (
        "leave memory as it was found",
        zstd_document(lambda: frame(_PLAIN[:-1])),
        "say that they hold",
    ),
    "no-size": (
        "not say how much it holds",
        zstd_document(lambda: _unpledged(_PLAIN)),
        "say that they hold None",
    ),
    "dictionary": (
        "need what is not there",
        zstd_document(lambda: frame(_KNOWN, dictionary=_trained())),
        "",
    ),
    "window": ("ask for much memory to remember by", zstd_document(_huge_window), "malformed"),
    "reserved": ("be of a later format", zstd_document(_reserved_bit), "malformed"),
    "checksum": (
        "pass off other bytes",
        zstd_document(lambda: _changed(frame(_PLAIN, checksum_flag=1), -1)),
        "malformed",
    ),
    "corrupt": (
        "crash the decompressor",
        zstd_document(lambda: frame(_PLAIN)[:7] + b"\xff" * 40 + frame(_PLAIN)[47:]),
        "malformed",
    ),
    "magicless": ("be no frame", zstd_document(lambda: frame(_PLAIN)[4:]), "no frame"),
}

_SHAPE = {"dtype": "uint8", "shape": [1 << 27]}
_BOMBS_BY_NAME: dict[str, tuple[str, Callable[[], bytes], str, str, str]] = {
    "zstd": (
        "have a few kilobytes fill the memory",
        zstd_document(lambda: frame(bytes(1 << 27)), **_SHAPE),
        _DOCUMENT,
        "",
        "shrinks so much",
    ),
    "claim": (
        "have memory allocated by a length that lies",
        document(_STREAM, shape=[2**29]),
        _DOCUMENT,
        "",
        "shrinks so much",
    ),
    "claim-beyond-the-limit": (
        "have memory allocated by a length that lies",
        document(_STREAM, shape=[2**40]),
        "LimitError",
        "",
        "bytes of decompressed arrays",
    ),
    "claim-overflowing": (
        "have the product of the lengths overflow",
        document(_STREAM, shape=[2**32, 2**32, 2**32]),
        "LimitError",
        "",
        "bytes of decompressed arrays",
    ),
    "beyond-the-limit": (
        "expand beyond what the policy allows",
        document(zlib.compress(bytes(1 << 20), 9), dtype="uint8", shape=[1 << 20]),
        "LimitError",
        "[limits]\nexpanded_bytes = 1000000\n",
        "1000000 bytes of decompressed arrays",
    ),
    "many": (
        "expand beyond what the policy allows, a little at a time",
        lambda: _many(100),
        "LimitError",
        "[limits]\nexpanded_bytes = 20000000\n",
        "20000000 bytes of decompressed arrays",
    ),
}


def _attacks() -> list[Attack]:
    found = [
        Attack(f"compression-{kind}-{name}", tries, source, make, _DOCUMENT, says=says)
        for kind, source, attacks in (
            ("node", _OWN, _NODES),
            ("zlib", _OWN, _STREAMS),
            ("zstd", _FRAMES, _FRAMES_OF_ZSTD),
        )
        for name, (tries, make, says) in attacks.items()
    ]
    found += [
        Attack(f"compression-bomb-{name}", tries, _BOMBS, make, error, policy, says)
        for name, (tries, make, error, policy, says) in _BOMBS_BY_NAME.items()
    ]
    found.append(
        Attack(
            "compression-booleans",
            "have numpy count past the end",
            _OWN,
            document(zlib.compress(b"\2" * 8000), dtype="bool", shape=[8000]),
            "ValidationError",
            says="neither 0 nor 1",
        )
    )
    return found


ATTACKS = _attacks()

# A digest that is right does not help: the attacker writes it.
assert xxhash.xxh3_128_hexdigest(_STREAM).encode() in document(_STREAM)()
