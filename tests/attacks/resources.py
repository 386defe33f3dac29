"""Resources: small documents that ask for much memory or time."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any

from attacks.attack import Attack, array, binary, callable_node, raw, text_of, view

_DOCUMENT = "DocumentError"
_REFUSED = "DocumentError|LimitError|ValidationError"
_OWN = "own: a small document that asks for much"


def _structured(**members: Any) -> dict[str, Any]:
    return {"$": "dtype", "names": ["a"], "formats": ["int8"], "offsets": [0], "itemsize": 1, **members}


def _chain(length: int) -> bytes:
    """Objects each of which holds the next: a list as deep as there are objects."""
    objects = [
        {"$": "list", "$id": number, "items": [{"$": "ref", "id": number + 1}]} for number in range(length)
    ]
    return text_of({"$": "ref", "id": 0}, objects=objects)


def _partials(length: int) -> bytes:
    objects = [
        {
            "$": "partial",
            "$id": number,
            "func": {"$": "ref", "id": number + 1} if number + 1 < length else callable_node("builtins.max"),
            "args": [number],
            "kwargs": {},
        }
        for number in range(length)
    ]
    return text_of({"$": "ref", "id": 0}, objects=objects)


def _tuple_chain(length: int, step: int) -> bytes:
    objects = [
        {
            "$": "tuple",
            "$id": number,
            "items": [{"$": "ref", "id": number + step}] if 0 <= number + step < length else [],
        }
        for number in range(length)
    ]
    return text_of({"$": "ref", "id": 0 if step > 0 else length - 1}, objects=objects)


def _nest_chain(length: int, inside: Callable[[Any], Any]) -> bytes:
    """Tuples each of which holds the next one, as deep within it as a header may nest."""
    objects = []
    for number in range(length):
        item: Any = {"$": "ref", "id": number - 1} if number else 0
        for _ in range(245):
            item = inside(item)
        objects.append({"$": "tuple", "$id": number, "items": [item]})
    return text_of({"$": "ref", "id": length - 1}, objects=objects)


def _nested_dtype(depth: int) -> Any:
    dtype: Any = "int8"
    for _ in range(depth):
        dtype = {"$": "dtype", "base": dtype, "shape": [1000]}
    return dtype


def _randomstate(**members: Any) -> dict[str, Any]:
    return {"$": "bitgenerator", "name": "numpy.random.PCG64", **members}


_NODES: dict[str, tuple[str, Any, str]] = {
    "wide-text-dtype": ("ask for 1 GB from 60 bytes", array(["x"], "<U250000000"), _REFUSED),
    "wide-bytes-dtype": ("ask for 1 GB from 60 bytes", array(["x"], "|S1000000000"), _REFUSED),
    "wide-void-dtype": (
        "ask for 1 GB from 60 bytes",
        array("", "|V1000000000", [1], encoding="base64"),
        _REFUSED,
    ),
    "wide-void-name": (
        "ask for 1 GB from 60 bytes",
        array("", "V1000000000", [1], encoding="base64"),
        _REFUSED,
    ),
    "wide-record": (
        "ask for 1 GB by the size of a record",
        array([[1]], _structured(itemsize=10**9), [1]),
        _REFUSED,
    ),
    "wide-records": (
        "ask for much by many wide records",
        array([[1]] * 100, _structured(itemsize=10**8), [100]),
        _REFUSED,
    ),
    "wide-offset": (
        "ask for 1 GB by the offset of a field",
        array([[1]], _structured(offsets=[10**9], itemsize=10**9 + 1), [1]),
        _REFUSED,
    ),
    "wide-field": (
        "ask for 1 GB by the shape of a field",
        array(
            [[[]]],
            _structured(formats=[{"$": "dtype", "base": "int8", "shape": [10**9]}], itemsize=10**9),
            [1],
        ),
        _REFUSED,
    ),
    "wide-text-field": (
        "ask for 1 GB by the text of a record",
        array([["x"]], _structured(formats=["<U250000000"], itemsize=10**9), [1]),
        _REFUSED,
    ),
    "nested-subarrays": ("ask for much by arrays in arrays", array([], _nested_dtype(3), [1]), _REFUSED),
    "subarray-overflow": ("overflow the size of an element", array([], _nested_dtype(8), [1]), _REFUSED),
    "scalar-text": (
        "ask for 1 GB for a scalar",
        {"$": "scalar", "dtype": "|V1000000000", "value": "", "encoding": "base64"},
        _REFUSED,
    ),
    "scalar-record": (
        "ask for 1 GB for a scalar",
        {"$": "scalar", "dtype": _structured(itemsize=10**9), "value": [1]},
        _REFUSED,
    ),
    "shape-huge": ("ask for more memory than there is", array([], shape=[10**18]), _REFUSED),
    "shape-product": ("overflow the size", array([], shape=[2**32, 2**32]), _REFUSED),
    "shape-zero": ("pass an overflow by an empty axis", array([], shape=[0, 2**63]), _REFUSED),
    "shape-zero-bits": ("pass an overflow by an empty axis", array([], shape=[2**62, 2**62, 0]), _REFUSED),
    "shape-negative": ("have numpy guess an axis", array([1.0], shape=[-1]), _REFUSED),
    "shape-float": ("have numpy convert", array([1.0], shape=[1.0]), _REFUSED),  # type: ignore[list-item]
    "shape-text": (
        "have numpy convert",
        {"$": "ndarray", "dtype": "float64", "shape": "1", "data": [1.0]},
        _REFUSED,
    ),
    "shape-dimensions": ("exceed numpy's axes", array([1.0], shape=[1] * 100_000), _REFUSED),
    "shape-lies": ("read past the data", array([1.0], shape=[2]), _REFUSED),
    "shape-ragged": ("read past the data", array([[1.0, 2.0], [3.0]], shape=[2, 2]), _REFUSED),
    "objects-shape": ("ask for pointers without end", array([], "object", [10**12]), _REFUSED),
    "objects-shape-product": ("ask for pointers without end", array([[]], "object", [1, 10**12]), _REFUSED),
    "objects-data-missing": (
        "have pointers that nobody set",
        {"$": "ndarray", "dtype": "object", "shape": [10**9]},
        _REFUSED,
    ),
    "strings-shape": (
        "ask for texts without end",
        array([], {"$": "dtype", "name": "StringDType"}, [10**12]),
        _REFUSED,
    ),
    "strides-spread": ("spread two elements over a terabyte", array([1.0, 2.0], strides=[10**12]), _REFUSED),
    "strides-negative": ("read before the start", array([1.0, 2.0], strides=[-(10**12)]), _REFUSED),
    "strides-zero": ("make much of little", array([1.0, 2.0], strides=[0]), _REFUSED),
    "strides-overflow": ("overflow an address", array([1.0, 2.0], strides=[2**63]), _REFUSED),
    "view-huge": (
        "make a view larger than its base",
        [array([1.0], **{"$id": 0}), view({"$": "ref", "id": 0}, shape=10**9)],
        _REFUSED,
    ),
    "view-broadcast": (
        "make a view that repeats its base",
        [array([1.0], **{"$id": 0}), view({"$": "ref", "id": 0}, shape=10**9, stride=0)],
        _REFUSED,
    ),
    "view-dtype": (
        "make a view of texts",
        [array([1.0], **{"$id": 0}), view({"$": "ref", "id": 0}, dtype="object")],
        _REFUSED,
    ),
    "masked-mask": (
        "have a mask of another shape",
        {"$": "maskedarray", "data": array([1.0]), "mask": array([True] * 2, "bool")},
        _REFUSED,
    ),
    "masked-fill": (
        "have a huge fill value",
        {
            "$": "maskedarray",
            "data": array(["x"], "<U1"),
            "mask": None,
            "fill_value": array("x", "<U250000000", []),
        },
        _REFUSED,
    ),
    "decimal-integer": ("take quadratic time to convert", {"$": "int", "value": "9" * 50_000}, _REFUSED),
    "hex-integer": ("exceed the limit of digits", {"$": "int", "value": "0x" + "f" * 1_000_000}, _REFUSED),
    "integer-spaces": ("pass a check of digits", {"$": "int", "value": " 1_0"}, _REFUSED),
    "integer-unicode": ("pass a check of digits", {"$": "int", "value": "\uff11\uff12"}, _REFUSED),
    "fraction": (
        "take quadratic time for a common divisor",
        {"$": "fraction", "value": "0x" + "f" * 90_000 + "/0x" + "e" * 89_999},
        _REFUSED,
    ),
    "fraction-zero": ("divide by zero", {"$": "fraction", "value": "1/0"}, _REFUSED),
    "decimal-exponent": (
        "be as long as its exponent when used",
        {"$": "decimal", "value": "1E+999999999999999999"},
        _REFUSED,
    ),
    "decimal-digits": ("be long", {"$": "decimal", "value": "9" * 10_000_000}, _REFUSED),
    "range-bounds": ("overflow a length", {"$": "range", "start": 0, "stop": 1.5, "step": 1}, _REFUSED),
    "range-step": ("never end", {"$": "range", "start": 0, "stop": 1, "step": 0}, _REFUSED),
    "deque-maxlen": ("overflow a length", {"$": "deque", "maxlen": 2**63, "items": []}, _REFUSED),
    "deque-negative": ("have a negative length", {"$": "deque", "maxlen": -1, "items": []}, _REFUSED),
    "bytes-not-base64": ("have lenient readers skip characters", {"$": "bytes", "data": "QQ==\n!"}, _REFUSED),
    "bytes-number": ("make as many zeros as a number says", {"$": "bytes", "data": 10**12}, _REFUSED),
    "bytearray-number": ("make as many zeros as a number says", {"$": "bytearray", "data": 10**12}, _REFUSED),
    "complex-text": ("have complex() read text", {"$": "complex", "real": "1j", "imag": 0}, _REFUSED),
    "float-text": ("have float() read text", {"$": "float", "value": "1" * 1_000_000}, _REFUSED),
    "float-bits": ("write a number as a NaN", {"$": "float", "value": "nan:0x0"}, _REFUSED),
    "pattern-repeat": (
        "compile for ever",
        {"$": "pattern", "pattern": "(?:" * 3000 + "a" + "){9}" * 3000, "flags": 0},
        _REFUSED,
    ),
    "pattern-nested": ("exceed the stack", {"$": "pattern", "pattern": "(" * 20_000, "flags": 0}, _REFUSED),
    "pattern-repeat-count": (
        "overflow a count",
        {"$": "pattern", "pattern": "a{99999999999}", "flags": 0},
        _REFUSED,
    ),
    "pattern-classes": (
        "compile for minutes: classes that ignore case",
        {"$": "pattern", "pattern": "[\u0000-\uffff]" * 50_000, "flags": 2},
        _REFUSED,
    ),
    "pattern-many": (
        "compile for minutes: many patterns",
        [{"$": "pattern", "pattern": f"[\u0000-\uffff]{i}" * 100, "flags": 2} for i in range(500)],
        _REFUSED,
    ),
    "pattern-ranges": (
        "compile for minutes: many ranges that are all different",
        {
            "$": "pattern",
            "pattern": "[" + "".join(f"{chr(300 + i)}-\uffff" for i in range(5000)) + "]",
            "flags": 0,
        },
        _REFUSED,
    ),
    "pattern-escapes": (
        "compile for minutes: ranges by escapes, a few in each pattern",
        [
            {"$": "pattern", "pattern": rf"[\u{i + 256:04x}-\uffff][\U0000ffff]", "flags": 2}
            for i in range(1000)
        ],
        _REFUSED,
    ),
    "pattern-small-classes": (
        "compile for a while: classes of a few characters",
        {"$": "pattern", "pattern": "[!-~]" * 13_000, "flags": 0},
        _REFUSED,
    ),
    "pattern-debug": ("print while it compiles", {"$": "pattern", "pattern": "a", "flags": 128}, _REFUSED),
    "pattern-flags": (
        "have flags that do not exist",
        {"$": "pattern", "pattern": "a", "flags": 2**40},
        _REFUSED,
    ),
    "zoneinfo-traversal": ("read any file", {"$": "zoneinfo", "key": "../../../../etc/passwd"}, _REFUSED),
    "zoneinfo-absolute": ("read any file", {"$": "zoneinfo", "key": "/etc/passwd"}, _REFUSED),
    "zoneinfo-nul": ("cut a path short", {"$": "zoneinfo", "key": "UTC\0"}, _REFUSED),
    "zoneinfo-module": ("import a package", {"$": "zoneinfo", "key": "..reflectio_tripwire/UTC"}, _REFUSED),
    "zoneinfo-long": ("exceed the length of a path", {"$": "zoneinfo", "key": "A" * 100_000}, _REFUSED),
    "timedelta-overflow": (
        "overflow a duration",
        {"$": "timedelta", "days": 10**12, "seconds": 0, "microseconds": 0},
        _REFUSED,
    ),
    "timezone-overflow": (
        "be further than a day",
        {"$": "timezone", "offset": {"$": "timedelta", "days": 5, "seconds": 0, "microseconds": 0}},
        _REFUSED,
    ),
    "datetime-tzinfo": (
        "call methods of what is no time zone",
        {"$": "datetime", "value": "2020-01-01T00:00:00", "tzinfo": {"$": "sklearn.svm.SVC"}},
        _REFUSED,
    ),
    "datetime64-unit": ("overflow a unit", array([1], "datetime64[99999999999999Y]"), _REFUSED),
    "datetime64-text": ("have numpy read today's date", array(["today"], "datetime64[D]"), _REFUSED),
    "datetime64-now": ("have numpy read the clock", array(["now"], "datetime64[s]"), _REFUSED),
    "uuid-text": ("crash the reader", {"$": "uuid", "value": "x"}, _REFUSED),
    "path-nul": ("cut a path short", {"$": "path", "flavour": "native", "value": 5}, _REFUSED),
    "dtype-code": ("have numpy read a description", {"$": "dtype", "name": "f8, (1000000000,)f8"}, _REFUSED),
    "dtype-object-text": ("make pointers", {"$": "dtype", "name": "|O8,|O8"}, _REFUSED),
    "dtype-repeat": ("have numpy repeat a field", {"$": "dtype", "name": "1000000000f8"}, _REFUSED),
    "dtype-overlap": (
        "share memory between fields",
        array(
            [],
            {
                "$": "dtype",
                "names": ["a", "b"],
                "formats": ["int64", "int64"],
                "offsets": [0, 4],
                "itemsize": 12,
            },
            [0],
        ),
        _REFUSED,
    ),
    "dtype-outside": (
        "read past an element",
        array([], {"$": "dtype", "names": ["a"], "formats": ["int64"], "offsets": [0], "itemsize": 4}, [0]),
        _REFUSED,
    ),
    "dtype-negative": (
        "read before an element",
        array([], {"$": "dtype", "names": ["a"], "formats": ["int64"], "offsets": [-8], "itemsize": 8}, [0]),
        _REFUSED,
    ),
    "dtype-object-overlap": (
        "see a pointer as a number",
        array(
            [],
            {
                "$": "dtype",
                "names": ["a", "b"],
                "formats": ["object", "int64"],
                "offsets": [0, 0],
                "itemsize": 8,
            },
            [0],
        ),
        _REFUSED,
    ),
    "seedsequence-entropy": (
        "mix for ever",
        {
            "$": "seedsequence",
            "entropy": 1,
            "spawn_key": {"$": "tuple", "items": []},
            "pool_size": 10**9,
            "n_children_spawned": 0,
        },
        _REFUSED,
    ),
    "seedsequence-pool": (
        "allocate a pool",
        {
            "$": "seedsequence",
            "entropy": 1,
            "spawn_key": {"$": "tuple", "items": []},
            "pool_size": 2**31,
            "n_children_spawned": 0,
        },
        _REFUSED,
    ),
    "colliding-integers": (
        "have a hundred thousand keys collide",
        {
            "$": "dict",
            "items": [[i * (2**61 - 1), 0] for i in range(1, 5)]
            + [[{"$": "int", "value": str(i * (2**61 - 1))}, 0] for i in range(10, 100_000)],
        },
        _REFUSED,
    ),
    "colliding-set": (
        "have a hundred thousand elements collide",
        {"$": "set", "items": [{"$": "int", "value": str(i * (2**61 - 1))} for i in range(10, 100_000)]},
        _REFUSED,
    ),
    "colliding-floats": (
        "have many keys collide without long integers",
        {
            "$": "set",
            "items": [{"$": "scalar", "dtype": "uint64", "value": i * 2**61 % (2**64 - 1)} for i in range(8)]
            + [{"$": "complex", "real": float(1_000_003 * -i), "imag": float(i)} for i in range(100_000)],
        },
        _REFUSED,
    ),
}


def _doubling(depth: int) -> bytes:
    """A tuple that holds the next one twice, used as a key: hashing follows 2**depth paths."""
    objects = [
        {
            "$": "tuple",
            "$id": number,
            "items": [{"$": "ref", "id": number + 1}] * 2 if number + 1 < depth else [0],
        }
        for number in range(depth)
    ]
    return text_of({"$": "set", "items": [{"$": "ref", "id": 0}]}, objects=objects)


def _prefixed_keys(kind: str) -> bytes:
    """
    Tuples of one hash that differ only behind one of two equal things that are long to compare.

    The hash of a tuple is a sum that is multiplied and rotated for each item: the last item is chosen to give what is wanted.
    """
    words, first, second, fifth = 1 << 64, 11400714785074694791, 14029467366897019727, 2870177450012600261

    def step(state: int, item: int) -> int:
        state = (state + item * second) % words
        return (state << 31 | state >> 33) * first % words

    items = [index % 1000 + 0.5 for index in range(20_000)]
    held = {"tuple": items, "frozenset": [index + 0.5 for index in range(20_000)]}[kind]
    begin = step(fifth, hash(tuple(held) if kind == "tuple" else frozenset(held)) % words)
    keys: list[Any] = []
    for number in itertools.count(1000):
        last = (987654321987654321 - step(begin, number)) * pow(second, -1, words) % words
        last -= words * (last >= words // 2)
        if abs(last) < 2**61 - 1 and last != -1:
            prefix: Any = {"$": "ref", "id": len(keys) % 2}
            keys.append({"$": "tuple", "items": [prefix, number, last]})
        if len(keys) == 500:
            break
    objects = [{"$": kind, "$id": index, "items": held} for index in range(2)]
    return text_of({"$": "set", "items": keys}, objects=objects)


def _tuples_of_one_hash() -> bytes:
    """Labels whose elements are the same to pandas, which folds the hash of each to 32 bits."""
    labels = [{"$": "tuple", "items": [high << 32 | high ^ 12345]} for high in range(1, 32_000)]
    index = {"$": "pandas.Index", "data": labels[::2] + labels[1::2][::-1]}
    return text_of({"$": "pandas.Categorical", "codes": array([0], "int32"), "categories": index})


def _deep_key(depth: int) -> bytes:
    """A tuple that is too deep to be hashed."""
    objects = [
        {
            "$": "tuple",
            "$id": number,
            "items": [{"$": "ref", "id": number + 1}] if number + 1 < depth else [0],
        }
        for number in range(depth)
    ]
    return text_of({"$": "set", "items": [{"$": "ref", "id": 0}]}, objects=objects)


def _laughs(tag: str, parts: Callable[[list[Any]], dict[str, Any]], depth: int = 60) -> bytes:
    """Objects each of which holds the next one twice."""
    objects = [
        {"$": tag, "$id": number, **parts([{"$": "ref", "id": number + 1}] * 2 if number + 1 < depth else [])}
        for number in range(depth)
    ]
    return text_of({"$": "ref", "id": 0}, objects=objects)


def _voting(parts: list[Any]) -> dict[str, Any]:
    named = [{"$": "tuple", "items": [name, part]} for name, part in zip("ab", parts, strict=False)]
    return {"estimators": named, "estimators_": parts}


_LAUGHS: dict[str, tuple[str, str, Callable[[list[Any]], dict[str, Any]]]] = {
    "lists": ("print what doubles with each level", "list", lambda parts: {"items": parts}),
    "tuples": ("copy what doubles with each level", "tuple", lambda parts: {"items": parts}),
    "dicts": (
        "print what doubles with each level",
        "dict",
        lambda parts: {"items": [[key, part] for key, part in zip("ab", parts, strict=False)]},
    ),
    "arrays": (
        "print what doubles with each level",
        "ndarray",
        lambda parts: {"dtype": "object", "shape": [len(parts)], "data": parts},
    ),
    "voting": (
        "predict, and list parameters, by what doubles with each level",
        "sklearn.ensemble.VotingClassifier",
        _voting,
    ),
    "cycle": (
        "print what doubles with each level, hidden behind a cycle",
        "list",
        lambda parts: {"items": [*(parts or [{"$": "ref", "id": 0}]), {"$": "ref", "id": 0}]},
    ),
    "shapes": (
        "have numpy count the items of what doubles with each level while loading",
        "sklearn.neighbors.NearestNeighbors",
        lambda parts: {"metric_params": {"w": parts[:1]}, "n_features_in_": 1, "a": parts},
    ),
}


_TIGHT = "[limits]\n{} = {}\n"

ATTACKS = [
    *(
        Attack(f"resource-{key}", tries, _OWN, lambda node=node: text_of(node), error)
        for key, (tries, node, error) in _NODES.items()
    ),
    Attack(
        "hash-doubling",
        "hash what doubles with each level",
        "own, after the billion laughs of XML",
        lambda: _doubling(60),
        _REFUSED,
    ),
    *(
        Attack(
            f"laughs-{key}",
            tries,
            "own, after the billion laughs of XML",
            lambda tag=tag, parts=parts: _laughs(tag, parts),
            "LimitError",
            says="arrays within arrays" if key == "arrays" else "multiply",
        )
        for key, (tries, tag, parts) in _LAUGHS.items()
    ),
    Attack(
        "laughs-quadratic",
        "print a long list as often as there is room for references to it",
        "own, after the quadratic blow-up of XML",
        lambda: text_of(
            [{"$": "list", "$id": 0, "items": [0] * 100_000}, *[{"$": "ref", "id": 0}] * 100_000]
        ),
        "LimitError",
        says="multiply",
    ),
    *(
        Attack(
            f"nest-chain-{key}",
            "exceed the stack of compiled code, one nest below another",
            "own: the compiled walk counted only nodes with a tag",
            lambda inside=inside: _nest_chain(500, inside),
            "LimitError",
            says="nests too deeply",
        )
        for key, inside in {"lists": lambda item: [item], "dicts": lambda item: {"a": item}}.items()
    ),
    *(
        Attack(
            f"compare-{kind}s",
            "have hundreds of keys compared to their ends, each with each",
            _OWN,
            lambda kind=kind: _prefixed_keys(kind),
            "LimitError",
            says="comparing keys",
        )
        for kind in ("tuple", "frozenset")
    ),
    Attack(
        "compare-labels",
        "have pandas compare labels each with each that have different hashes to Python",
        _OWN,
        _tuples_of_one_hash,
        "LimitError",
        says="comparing keys",
    ),
    Attack("hash-deep", "exceed the stack while hashing", _OWN, lambda: _deep_key(50_000), _REFUSED),
    Attack(
        "nesting-lists",
        "exceed the stack of the parser",
        "JSON parsers' denial of service",
        lambda: raw("[" * 1_000_000 + "]" * 1_000_000),
        _REFUSED,
    ),
    Attack(
        "nesting-moderate",
        "exceed the stack of the builder",
        _OWN,
        lambda: raw("[" * 900 + "]" * 900),
        "LimitError",
    ),
    Attack(
        "nesting-objects",
        "exceed the stack of the parser",
        _OWN,
        lambda: raw('{"a":' * 100_000 + "1" + "}" * 100_000),
        _REFUSED,
    ),
    Attack(
        "nesting-unclosed", "exceed the stack of the parser", _OWN, lambda: raw("[" * 10_000_000), _REFUSED
    ),
    Attack(
        "nesting-tuples",
        "exceed the stack of the builder",
        _OWN,
        lambda: raw('{"$":"tuple","items":[' * 400 + "]}" * 400),
        "LimitError",
    ),
    Attack(
        "nesting-partial",
        "exceed the stack of the call of a partial",
        _OWN,
        lambda: raw('{"$":"partial","args":[],"kwargs":{},"func":' * 400 + "1" + "}" * 400),
        "LimitError",
    ),
    Attack(
        "chain-lists",
        "exceed the stack by references, and refer to nothing at the end",
        _OWN,
        lambda: _chain(50_000),
        _DOCUMENT,
    ),
    Attack(
        "chain-tuples",
        "exceed the stack by references ahead",
        _OWN,
        lambda: _tuple_chain(20_000, -1),
        _REFUSED,
    ),
    Attack(
        "chain-partials",
        "take quadratic memory: each partial of a partial copies its arguments",
        _OWN,
        lambda: _partials(50_000),
        _REFUSED,
    ),
    Attack(
        "limit-document",
        "exceed the limit of bytes",
        _OWN,
        lambda: text_of("x" * 2000),
        "LimitError",
        policy=_TIGHT.format("document_bytes", 1000),
        says="document_bytes",
    ),
    Attack(
        "limit-text",
        "exceed the limit of the header",
        _OWN,
        lambda: text_of("x" * 2000),
        "LimitError",
        policy=_TIGHT.format("text_bytes", 1000),
        says="text_bytes",
    ),
    Attack(
        "limit-nodes",
        "exceed the limit of values",
        _OWN,
        lambda: text_of([[0] * 10] * 200),
        "LimitError",
        policy=_TIGHT.format("nodes", 1000),
        says="nodes",
    ),
    Attack(
        "limit-nodes-empty",
        "exceed the limit of values by empty lists",
        _OWN,
        lambda: text_of([[] for _ in range(2000)]),
        "LimitError",
        policy=_TIGHT.format("nodes", 1000),
        says="nodes",
    ),
    Attack(
        "limit-depth",
        "exceed the limit of nesting",
        _OWN,
        lambda: raw("[" * 200 + "]" * 200),
        "LimitError",
        policy=_TIGHT.format("depth", 100),
        says="depth",
    ),
    Attack(
        "limit-dimensions",
        "exceed the limit of axes",
        _OWN,
        lambda: text_of(array([[[[1.0]]]], shape=[1, 1, 1, 1])),
        "LimitError",
        policy=_TIGHT.format("dimensions", 3),
        says="dimensions",
    ),
    Attack(
        "limit-digits",
        "exceed the limit of digits",
        _OWN,
        lambda: text_of({"$": "int", "value": "1" * 200}),
        "LimitError",
        policy=_TIGHT.format("int_digits", 100),
        says="int_digits",
    ),
    Attack(
        "many-refs",
        "take quadratic time for many references to one object, and then lie",
        _OWN,
        lambda: text_of(
            [
                {"$": "list", "$id": 0, "items": []},
                *({"$": "ref", "id": 0} for _ in range(100_000)),
                {"$": "ref", "id": 1},
            ]
        ),
        _DOCUMENT,
    ),
    Attack(
        "many-forward-refs",
        "have the document read again for every reference ahead",
        _OWN,
        lambda: text_of(
            [
                [{"$": "ref", "id": i} for i in range(50_000)],
                [{"$": "list", "$id": i, "items": [0]} for i in range(50_000)],
                {"$": "ref", "id": -1},
            ]
        ),
        _DOCUMENT,
    ),
    Attack(
        "many-attributes",
        "have many attribute names examined",
        _OWN,
        lambda: text_of({"$": "sklearn.svm.SVC", **{f"a{i}": 0 for i in range(300_000)}, "__class__": 1}),
        "ValidationError",
    ),
    Attack(
        "many-orders",
        "have every order of members remembered",
        _OWN,
        lambda: text_of(
            [{"$": "sklearn.svm.SVC", f"a{i}": 0} for i in range(20_000)]
            + [{"$": "sklearn.svm.SVC", "fit": 1}]
        ),
        "ValidationError",
    ),
    Attack(
        "many-tags",
        "have every unknown tag remembered",
        _OWN,
        lambda: text_of([{"$": f"tag{i}"} for i in range(100_000)]),
        _DOCUMENT,
    ),
    Attack(
        "long-strings",
        "be long where a message repeats it",
        _OWN,
        lambda: text_of({"$": "int", "value": "x" * 50_000_000}),
        _REFUSED,
    ),
    Attack(
        "segment-view-bomb",
        "make a view of every array at every offset, and lie at the end",
        _OWN,
        lambda: binary(
            [{"$": "ndarray", "dtype": "float64", "shape": [8], "at": 64 * i} for i in range(20_000)]
            + [{"$": "ref", "id": 5}],
            bytes(64 * 20_000),
        ),
        _DOCUMENT,
    ),
    Attack(
        "base64-large",
        "decode much, to be refused",
        _OWN,
        lambda: text_of(array(base64.b64encode(bytes(10**7)).decode(), shape=[1], encoding="base64")),
        _DOCUMENT,
    ),
]
