"""The document: texts and segments that two readers would read differently, or that lie about their lengths."""

from __future__ import annotations

import random
from typing import Any

import orjson

from attacks.attack import Attack, array, binary, raw, text_of, view

_DOCUMENT = "DocumentError"
_OWN = "own: strictness of the format"
_SAFETENSORS = "safetensors, attacks/ and the checks its README lists"


def _node(at: int, count: int, **members: Any) -> dict[str, Any]:
    return {"$": "ndarray", "dtype": "float64", "shape": [count], "at": at, **members}


_ZEROS = bytes(1024)
_RIGHT = _node(0, 128)


def _with_digest_member(digest: Any) -> bytes:
    return orjson.dumps({"reflectio": 1, "versions": {}, "model": 1, "digest": digest})


def _flipped(where: int) -> bytes:
    document = bytearray(binary(_RIGHT, _ZEROS))
    document[where] ^= 1
    return bytes(document)


_TEXTS: dict[str, tuple[str, bytes | str, str]] = {
    "empty": ("crash the reader", b"", _DOCUMENT),
    "only-nul": ("crash the reader", b"\0", _DOCUMENT),
    "random": ("crash the reader", random.Random(0).randbytes(4096), _DOCUMENT),
    "pickled-text": (
        "have a module of Python's own imported, for a text as old pickles have it",
        b"V\\u2603\n.",
        _DOCUMENT,
    ),
    "pickle": ("be unpickled", b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.", _DOCUMENT),
    "zip": ("be unpacked", b"PK\x03\x04" + bytes(100), _DOCUMENT),
    "gzip-bomb": ("be decompressed", b"\x1f\x8b\x08\0" + bytes(100), _DOCUMENT),
    "zstd": ("be decompressed", b"\x28\xb5\x2f\xfd" + bytes(100), _DOCUMENT),
    "hdf5": ("be read by another reader", b"\x89HDF\r\n\x1a\n" + bytes(100), _DOCUMENT),
    "number": ("be no object", b"5", _DOCUMENT),
    "list": ("be no object", b"[]", _DOCUMENT),
    "null": ("be no object", b"null", _DOCUMENT),
    "truncated": ("be read to its end all the same", text_of([1, 2])[:-3], _DOCUMENT),
    "twice": ("hide a second document behind the first", text_of(1) * 2, _DOCUMENT),
    "trailing": ("hide bytes behind the document", text_of(1) + b" x", _DOCUMENT),
    "trailing-nul": ("hide bytes behind the document", text_of(1) + b"\0", _DOCUMENT),
    "trailing-nul-bytes": (
        "hide bytes behind the document",
        text_of(1) + bytes(64) + b"PK\x03\x04",
        _DOCUMENT,
    ),
    "leading-space": ("be another file type to another reader", b" " + text_of(1), _DOCUMENT),
    "leading-newline": ("be another file type to another reader", b"\n" + text_of(1), _DOCUMENT),
    "leading-nul": ("be another file type to another reader", b"\0" + text_of(1), _DOCUMENT),
    "byte-order-mark": ("be read differently by editors", b"\xef\xbb\xbf" + text_of(1), _DOCUMENT),
    "utf-16": ("be read in another encoding", text_of(1).decode().encode("utf-16"), _DOCUMENT),
    "utf-7": ("be read in another encoding", b"+AHs-" + text_of(1), _DOCUMENT),
    "invalid-utf-8": (
        "be read differently by lenient readers",
        raw('"\udcff"'.encode("utf-8", "surrogateescape").decode("latin-1")).replace("ÿ".encode(), b"\xff"),
        _DOCUMENT,
    ),
    "overlong-utf-8": ("write a slash in another way", text_of("@").replace(b"@", b"\xc0\xaf"), _DOCUMENT),
    "surrogate-utf-8": ("write a surrogate in UTF-8", text_of("@").replace(b"@", b"\xed\xa0\x80"), _DOCUMENT),
    "lone-surrogate": ("crash what prints the text", raw('"\\ud800"'), _DOCUMENT),
    "lone-surrogate-str": (
        "crash what encodes the text",
        '{"reflectio": 1, "versions": {}, "model": "\ud800"}',
        _DOCUMENT,
    ),
    "control-character": ("hide text from a terminal", raw('"\x1b[8m"'), _DOCUMENT),
    "nan": ("be read by Python alone", raw("NaN"), _DOCUMENT),
    "infinity": ("be read by Python alone", raw("[Infinity]"), _DOCUMENT),
    "minus-infinity": ("be read by Python alone", raw("-Infinity"), _DOCUMENT),
    "large-exponent": ("be infinite to some readers", raw("1e400"), _DOCUMENT),
    "huge-exponent": ("take for ever to convert", raw("1e" + "9" * 100_000), _DOCUMENT),
    "large-integer": ("be a float to some readers", raw("18446744073709551616"), _DOCUMENT),
    "small-integer": ("be a float to some readers", raw("-9223372036854775809"), _DOCUMENT),
    "long-integer": ("take quadratic time to convert", raw("9" * 1_000_000), _DOCUMENT),
    "leading-zero": ("be octal to some readers", raw("010"), _DOCUMENT),
    "hexadecimal": ("be read by some readers only", raw("0x10"), _DOCUMENT),
    "plus": ("be read by some readers only", raw("+1"), _DOCUMENT),
    "single-quotes": ("be read by some readers only", raw("'a'"), _DOCUMENT),
    "comment": ("hide text from a reader", raw("1 /* 2 */"), _DOCUMENT),
    "trailing-comma": ("be read by some readers only", raw("[1,]"), _DOCUMENT),
    "bare-key": ("be read by some readers only", raw("{a: 1}"), _DOCUMENT),
    "no-version": ("be read as any version", b'{"versions": {}, "model": 1}', _DOCUMENT),
    "no-model": ("build nothing", b'{"reflectio": 1, "versions": {}}', _DOCUMENT),
    "no-versions": ("come from nowhere", b'{"reflectio": 1, "model": 1}', _DOCUMENT),
    "newer-version": (
        "be read by rules it was not made for",
        b'{"reflectio": 2, "versions": {}, "model": 1}',
        _DOCUMENT,
    ),
    "version-text": (
        "be compared with a number",
        b'{"reflectio": "1", "versions": {}, "model": 1}',
        _DOCUMENT,
    ),
    "version-true": ("be equal to one", b'{"reflectio": true, "versions": {}, "model": 1}', _DOCUMENT),
    "version-float": ("be equal to one", b'{"reflectio": 1.0, "versions": {}, "model": 1}', _DOCUMENT),
    "unknown-member": ("say what no reader checks", text_of(1, hooks=["os.system"]), _DOCUMENT),
    "versions-list": ("crash the reader", b'{"reflectio": 1, "versions": [], "model": 1}', _DOCUMENT),
    "versions-number": (
        "crash the reader",
        b'{"reflectio": 1, "versions": {"numpy": 2}, "model": 1}',
        _DOCUMENT,
    ),
    "many-versions": (
        "have the installed packages searched once for each",
        orjson.dumps({"reflectio": 1, "versions": {f"package{i}": "1" for i in range(100_000)}, "model": 1}),
        _DOCUMENT,
    ),
    "objects-object": ("crash the reader", text_of(1, objects={"a": 1}), _DOCUMENT),
    "objects-null": ("crash the reader", text_of(1, objects=None), _DOCUMENT),
    "objects-number": ("crash the reader", text_of(1, objects=[5]), _DOCUMENT),
    "objects-unused": (
        "hide objects that nothing refers to",
        text_of(1, objects=[{"$": "list", "$id": 0, "items": []}]),
        _DOCUMENT,
    ),
    "digest-number": ("skip the check", _with_digest_member(5), _DOCUMENT),
    "digest-null": ("skip the check", _with_digest_member(None), _DOCUMENT),
    "digest-weak": ("choose a weaker digest", _with_digest_member("crc32:00000000"), _DOCUMENT),
    "digest-wrong": ("pass off other bytes", _with_digest_member("xxh3_128:" + "0" * 32), "IntegrityError"),
    "digest-first": (
        "have the digest cover less",
        b'{"digest": "xxh3_128:%s", "reflectio": 1, "versions": {}, "model": 1}' % (b"0" * 32),
        _DOCUMENT,
    ),
    "digest-far": ("have the digest cover less", text_of(1, digest="xxh3_128:" + "0" * 5000), _DOCUMENT),
    "flipped-header": ("pass off a changed header", _flipped(40), "IntegrityError|DocumentError"),
    "flipped-segment": ("pass off changed numbers", _flipped(-5), "IntegrityError"),
    "duplicate-model": (
        "show a reviewer another model than the reader builds",
        b'{"reflectio": 1, "versions": {}, "model": 1, "model": {"$": "callable", "name": "os.system"}}',
        _DOCUMENT,
    ),
    "duplicate-tag": (
        "show a reviewer another class",
        raw('{"$": "sklearn.svm.SVC", "C": 1, "$": "sklearn.svm.SVR"}'),
        _DOCUMENT,
    ),
    "duplicate-attribute": (
        "show a reviewer another value",
        raw('{"$": "sklearn.svm.SVC", "C": 1.0, "C": 1e9}'),
        _DOCUMENT,
    ),
    "duplicate-escaped": ("write one key in two ways", raw('{"ab": 1, "a\\u0062": 2}'), _DOCUMENT),
    "duplicate-balanced": (
        "hide a lost key by an escape that counts as a quotation mark",
        raw('{"a": 1, "a": 2, "b": "\\u0022", "c": "\\u0022"}'),
        _DOCUMENT,
    ),
    "duplicate-backslashes": (
        "hide a lost key behind backslashes",
        raw('{"a\\\\": "\\\\\\"", "a\\\\": "\\\\\\\\"}'),
        _DOCUMENT,
    ),
    "duplicate-spaced": (
        "hide a lost key by spaces before colons",
        raw('{"a"  : 1, "a" : 2, "b"\t: 3}'),
        _DOCUMENT,
    ),
    "duplicate-same": ("hide that a key comes twice by equal values", raw('{"a": 1, "a": 1}'), _DOCUMENT),
    "duplicate-deep": (
        "hide a key that comes twice deep down",
        raw("[" * 50 + '{"a": 1, "a": 2}' + "]" * 50),
        _DOCUMENT,
    ),
    "duplicate-in-metadata": (
        "show a reviewer other metadata",
        b'{"reflectio": 1, "versions": {}, "metadata": {"a": 1, "a": 2}, "model": 1}',
        _DOCUMENT,
    ),
    "duplicate-digest": (
        "have two digests",
        b'{"reflectio": 1, "versions": {}, "model": 1, "digest": "a", "digest": "b"}',
        _DOCUMENT,
    ),
    "duplicate-in-shape": (
        "have an array with two shapes",
        raw('{"$": "ndarray", "dtype": "float64", "shape": [1], "shape": [100], "data": [1.0]}'),
        _DOCUMENT,
    ),
}

_SEGMENTS: dict[str, tuple[str, Any, str]] = {
    "missing": ("read past the end", lambda: binary(_RIGHT, _ZEROS)[:-1024], _DOCUMENT),
    "short": ("read past the end", lambda: binary(_RIGHT, _ZEROS)[:-1], _DOCUMENT),
    "long": ("hide bytes behind the segment", lambda: binary(_RIGHT, _ZEROS) + b"x", _DOCUMENT),
    "length-small": ("hide bytes behind the segment", lambda: binary(_RIGHT, _ZEROS, nbytes=8), _DOCUMENT),
    "length-large": (
        "allocate by a length that lies",
        lambda: binary(_RIGHT, _ZEROS, nbytes=2**62),
        _DOCUMENT,
    ),
    "length-negative": ("slice backwards", lambda: binary(_RIGHT, _ZEROS, nbytes=-1024), _DOCUMENT),
    "length-float": ("slice by a float", lambda: binary(_RIGHT, _ZEROS, nbytes=1024.0), _DOCUMENT),
    "length-text": ("slice by text", lambda: binary(_RIGHT, _ZEROS, nbytes="1024"), _DOCUMENT),
    "length-true": ("slice by a flag", lambda: binary(_RIGHT, b"x", nbytes=True), _DOCUMENT),
    "description-unknown": (
        "say what no reader checks",
        lambda: binary(_RIGHT, _ZEROS, codec="zstd"),
        _DOCUMENT,
    ),
    "description-list": ("crash the reader", lambda: text_of(1, segment=[]), _DOCUMENT),
    "description-empty": ("crash the reader", lambda: text_of(1, segment={}), _DOCUMENT),
    "described-absent": ("read what is not there", lambda: text_of(1, segment={"nbytes": 8}), _DOCUMENT),
    "digest-type": (
        "skip the check",
        lambda: binary(_RIGHT, _ZEROS, xxh3_128=5),
        "IntegrityError|DocumentError",
    ),
    "digest-wrong": (
        "pass off other numbers",
        lambda: binary(_RIGHT, _ZEROS, xxh3_128="0" * 32),
        "IntegrityError",
    ),
    "padding-short": ("shift the segment", lambda: binary(_RIGHT, _ZEROS, gap=bytes(1)), _DOCUMENT),
    "padding-long": (
        "hide bytes before the segment",
        lambda: binary(_RIGHT, _ZEROS, gap=bytes(640)),
        _DOCUMENT,
    ),
    "padding-nonzero": ("hide bytes before the segment", lambda: _nonzero_padding(), _DOCUMENT),
    "gap": ("hide bytes between arrays", lambda: binary([_node(0, 1), _node(128, 112)], _ZEROS), _DOCUMENT),
    "gap-nonzero": (
        "hide bytes between arrays",
        lambda: binary([_node(0, 1), _node(64, 120)], b"x" * 1024),
        _DOCUMENT,
    ),
    "gap-at-start": ("hide bytes before the first array", lambda: binary(_node(64, 120), _ZEROS), _DOCUMENT),
    "gap-at-end": ("hide bytes behind the last array", lambda: binary(_node(0, 8), _ZEROS), _DOCUMENT),
    "unused": ("hide bytes that no array holds", lambda: binary(1, _ZEROS), _DOCUMENT),
    "overlap": (
        "have two arrays share memory",
        lambda: binary([_node(0, 128), _node(64, 120)], _ZEROS),
        _DOCUMENT,
    ),
    "same": ("have two arrays share memory", lambda: binary([_RIGHT, dict(_RIGHT)], _ZEROS), _DOCUMENT),
    "many-same": (
        "make much of little: a thousand arrays from the same bytes",
        lambda: binary([dict(_RIGHT) for _ in range(1000)], _ZEROS),
        _DOCUMENT,
    ),
    "copies": (
        "make 40 GB of 4 MB: ten thousand copies of the same bytes",
        lambda: binary([_node(0, 500_000) for _ in range(10_000)], bytes(4_000_000)),
        _DOCUMENT,
    ),
    "offset-beyond": ("read past the end", lambda: binary(_node(2048, 1), _ZEROS), _DOCUMENT),
    "offset-at-end": ("read past the end", lambda: binary([_RIGHT, _node(1024, 1)], _ZEROS), _DOCUMENT),
    "offset-huge": ("overflow an address", lambda: binary(_node(2**63 - 64, 8), _ZEROS), _DOCUMENT),
    "offset-wraps": ("wrap around an address", lambda: binary(_node(2**64 - 64, 8), _ZEROS), _DOCUMENT),
    "offset-negative": ("read before the start", lambda: binary(_node(-64, 8), _ZEROS), _DOCUMENT),
    "offset-odd": ("read an array that is not aligned", lambda: binary(_node(8, 127), _ZEROS), _DOCUMENT),
    "offset-float": ("index by a float", lambda: binary(_node(0.0, 128), _ZEROS), _DOCUMENT),  # type: ignore[arg-type]
    "offset-true": ("index by a flag", lambda: binary(_node(True, 128), _ZEROS), _DOCUMENT),
    "offset-null": ("index by nothing", lambda: binary(_node(None, 128), _ZEROS), _DOCUMENT),  # type: ignore[arg-type]
    "count-too-large": ("read past the end", lambda: binary(_node(0, 129), _ZEROS), _DOCUMENT),
    "count-huge": ("overflow a size", lambda: binary(_node(0, 2**61), _ZEROS), _DOCUMENT),
    "count-product": (
        "overflow a product",
        lambda: binary({"$": "ndarray", "dtype": "float64", "shape": [2**32, 2**32], "at": 0}, _ZEROS),
        _DOCUMENT,
    ),
    "count-with-zero": (
        "pass an overflow by an empty axis",
        lambda: binary({"$": "ndarray", "dtype": "float64", "shape": [2**63, 0], "at": 0}, _ZEROS),
        _DOCUMENT,
    ),
    "object-dtype": ("forge pointers", lambda: binary(_node(0, 128, dtype="object"), _ZEROS), _DOCUMENT),
    "object-field": (
        "forge pointers in records",
        lambda: binary(
            _node(
                0,
                64,
                dtype={
                    "$": "dtype",
                    "names": ["a", "b"],
                    "formats": ["object", "int64"],
                    "offsets": [0, 8],
                    "itemsize": 16,
                },
            ),
            _ZEROS,
        ),
        _DOCUMENT,
    ),
    "string-dtype": (
        "forge pointers of texts",
        lambda: binary(_node(0, 64, dtype={"$": "dtype", "name": "StringDType"}), _ZEROS),
        _DOCUMENT,
    ),
    "both": ("have two arrays in one node", lambda: binary(_node(0, 128, data=[1.0]), _ZEROS), _DOCUMENT),
    "both-strides": (
        "step outside of the elements",
        lambda: binary(_node(0, 128, strides=[800]), _ZEROS),
        "ValidationError",
    ),
}


def _nonzero_padding() -> bytes:
    document = bytearray(binary(_RIGHT, _ZEROS))
    document[len(document) - 1024 - 1] = 7
    return bytes(document)


_OBJECTS: dict[str, tuple[str, Any, str]] = {
    "unknown-tag": ("have the reader guess", {"$": "lambda", "code": "x"}, _DOCUMENT),
    "tag-number": ("have the reader look up a number", {"$": 5}, _DOCUMENT),
    "tag-null": ("have the reader look up nothing", {"$": None}, _DOCUMENT),
    "tag-list": ("have the reader hash a list", {"$": ["a"]}, _DOCUMENT),
    "tag-object": ("have the reader hash an object", {"$": {"$": "tuple", "items": []}}, _DOCUMENT),
    "tag-empty": ("have the reader look up nothing", {"$": ""}, _DOCUMENT),
    "unknown-node-member": ("say what no reader checks", array([1.0], evil=1), _DOCUMENT),
    "missing-node-member": ("have the reader assume", {"$": "ndarray", "shape": [1]}, _DOCUMENT),
    "unknown-dollar": ("say what no reader checks", {"$": "sklearn.svm.SVC", "$hook": 1}, "ValidationError"),
    "items-text": ("take text for a list", {"$": "tuple", "items": "abc"}, _DOCUMENT),
    "pairs-triple": ("shift keys and values", {"$": "dict", "items": [[1, 2, 3]]}, _DOCUMENT),
    "pairs-text": ("take text for a pair", {"$": "dict", "items": ["ab"]}, _DOCUMENT),
    "pairs-twice": ("have a key twice", {"$": "dict", "items": [[1, 2], [1, 3]]}, _DOCUMENT),
    "pairs-equal": ("have two keys that are equal", {"$": "dict", "items": [[1, 2], [1.0, 3]]}, _DOCUMENT),
    "set-twice": ("have an element twice", {"$": "set", "items": [1, True]}, _DOCUMENT),
    "key-list": ("hash a list", {"$": "dict", "items": [[[1], 2]]}, _DOCUMENT),
    "key-array": ("hash an array", {"$": "dict", "items": [[array([1.0]), 2]]}, _DOCUMENT),
    "ref-dangling": ("refer to nothing", {"$": "ref", "id": 7}, _DOCUMENT),
    "ref-text": ("refer by text", {"$": "ref", "id": "0"}, _DOCUMENT),
    "ref-list": ("refer by a list", {"$": "ref", "id": []}, _DOCUMENT),
    "id-twice": ("have two objects with one id", [{"$": "list", "$id": 0, "items": []}] * 2, _DOCUMENT),
    "id-text": ("have text as an id", {"$": "list", "$id": "a", "items": []}, _DOCUMENT),
    "id-on-ref": ("give a reference an id", [{"$": "ref", "$id": 0, "id": 0}], _DOCUMENT),
    "tuple-in-itself": (
        "make a value that contains itself",
        {"$": "tuple", "$id": 0, "items": [{"$": "ref", "id": 0}]},
        _DOCUMENT,
    ),
    "frozenset-in-itself": (
        "make a value that contains itself",
        {"$": "frozenset", "$id": 0, "items": [{"$": "ref", "id": 0}]},
        _DOCUMENT,
    ),
    "array-in-itself": (
        "make a view of itself",
        view({"$": "ref", "id": 0}, **{"$id": 0}),
        _DOCUMENT,
    ),
}

ATTACKS = [
    *(
        Attack(f"text-{key}", tries, _OWN, lambda document=document: document, error)
        for key, (tries, document, error) in _TEXTS.items()
    ),
    *(
        Attack(f"segment-{key}", tries, _SAFETENSORS, make, error)
        for key, (tries, make, error) in _SEGMENTS.items()
    ),
    *(
        Attack(f"node-{key}", tries, _OWN, lambda node=node: text_of(node), error)
        for key, (tries, node, error) in _OBJECTS.items()
    ),
]
