"""Forging documents: changes to the nodes, names, references and array bytes of a valid one, digests made right again."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections.abc import Callable
from typing import Any

import orjson
import xxhash
from as_written import as_written

Node = Any

_NUMBERS = [
    0,
    1,
    -1,
    2,
    3,
    7,
    63,
    64,
    65,
    255,
    2**15,
    2**31 - 1,
    2**31,
    -(2**31),
    2**62,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
]
_FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 1e300, -1e300, 1e18, 3.7]
_TEXTS = [
    "",
    "nan",
    "inf",
    "x",
    "float64",
    "int64",
    "uint8",
    "F",
    "C",
    "auto",
    "é",
    "\u0000",
    "rbf",
    "precomputed",
    "__class__",
]
_DTYPES = [
    "float64",
    "float32",
    "int64",
    "int32",
    "uint8",
    "bool",
    "complex128",
    ">f8",
    "<U4",
    "|S3",
    "datetime64[ns]",
    "object",
]

# More jobs than this are a matter of parameters, which audits report: what they cost is not looked for here.
MOST_JOBS = 4


def _places(root: Node) -> list[tuple[Any, Any]]:
    """Every member and item below a node, as its container and key."""
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            found.append((node, key))
            if isinstance(value, dict | list):
                stack.append(value)
    return found


def _other(rng: random.Random, value: Any, places: list[tuple[Any, Any]]) -> Any:
    """A value to put in the place of another."""
    choice = rng.random()
    if isinstance(value, bool) or value is None:
        options: list[Any] = [None, True, False, rng.choice(_NUMBERS), rng.choice(_TEXTS)]
    elif isinstance(value, int):
        options = [
            value + rng.choice([-2, -1, 1, 2]),
            value * 2,
            -value,
            rng.choice(_NUMBERS),
            float(value % 2**53),
        ]
    elif isinstance(value, float):
        options = [rng.choice(_FLOATS), -value, value * 1e10, rng.choice(_NUMBERS), "nan"]
    elif isinstance(value, str):
        options = [rng.choice(_TEXTS), rng.choice(_DTYPES), value[:-1], value + "x"]
    elif isinstance(value, list):
        options = [[], value[:-1], value + value[-1:], value[::-1], [value], None]
    else:
        options = [None, {}, [], {"$": "ref", "id": rng.randrange(1, 6)}, {"$": "float", "value": "nan"}]
    if choice < 0.75:
        return rng.choice(options)
    # Something that stands elsewhere in the document, or a value of any kind.
    if choice < 0.92:
        container, key = rng.choice(places)
        return copy.deepcopy(container[key])
    return rng.choice([*_NUMBERS, *_FLOATS, *_TEXTS, *_DTYPES])


def _change_value(rng: random.Random, header: Node) -> None:
    places = _places([header["model"], *header.get("objects", [])])
    container, key = rng.choice(places[1:] or places)
    container[key] = _other(rng, container[key], places)


def _change_array(rng: random.Random, header: Node) -> None:
    arrays = [
        container[key]
        for container, key in _places(header)
        if isinstance(container[key], dict) and container[key].get("$") == "ndarray"
    ]
    if not arrays:
        return _change_value(rng, header)
    array = rng.choice(arrays)
    what = rng.randrange(6)
    if what == 0:
        array["dtype"] = rng.choice(_DTYPES)
    elif what == 1 and array.get("shape"):
        axis = rng.randrange(len(array["shape"]))
        array["shape"][axis] = max(0, array["shape"][axis] + rng.choice([-1, 1, 5]))
    elif what == 2:
        array["shape"] = rng.choice(
            [[], [0], [1], array.get("shape", [])[::-1], [*array.get("shape", []), 1]]
        )
    elif what == 3:
        _change_elements(rng, array)
    elif what == 4:
        array.update(_resized(rng, array))
    else:
        other = rng.choice(arrays)
        copied = copy.deepcopy(other)
        copied.pop("$id", None)
        array.clear()
        array.update(copied)
    return None


def _change_elements(rng: random.Random, array: Node) -> None:
    data = array.get("data")
    while isinstance(data, list) and data and isinstance(data[0], list):
        data = rng.choice(data)
        if not isinstance(data, list):
            return
    if isinstance(data, list) and data:
        for _ in range(rng.choice([1, 1, 2, len(data)])):
            place = rng.randrange(len(data))
            value = data[place]
            if isinstance(value, float):
                data[place] = rng.choice(["nan", "inf", "-inf", *_FLOATS])
            elif isinstance(value, int):
                data[place] = rng.choice(_NUMBERS[:16])


def _resized(rng: random.Random, array: Node) -> Node:
    """An array with fewer or more rows, consistent in itself."""
    data, shape = array.get("data"), array.get("shape")
    if not isinstance(data, list) or not shape:
        return {}
    rows = data[: rng.randrange(len(data) + 1)] if rng.random() < 0.5 else data + data[: rng.randrange(1, 4)]
    return {"data": rows, "shape": [len(rows), *shape[1:]]}


def _drop_or_add(rng: random.Random, header: Node) -> None:
    places = [place for place in _places(header["model"]) if isinstance(place[0], dict)]
    if not places:
        return
    container, key = rng.choice(places)
    if rng.random() < 0.6:
        del container[key]
    else:
        container[rng.choice(["x", "$id", "$state", "$items", "predict", "n_features_in_", "order"])] = (
            _other(rng, container[key], places)
        )


def _swap_tags(rng: random.Random, header: Node) -> None:
    tagged = [
        container[key]
        for container, key in _places(header)
        if isinstance(container[key], dict) and "$" in container[key]
    ]
    if len(tagged) > 1:
        a, b = rng.sample(tagged, 2)
        if rng.random() < 0.5:
            a["$"], b["$"] = b["$"], a["$"]
        else:
            copied = copy.deepcopy(b)
            copied.pop("$id", None)
            a.clear()
            a.update(copied)


# How many rows a change may write out.
_MOST_ROWS = 10_000


def _change_rows(rng: random.Random, header: Node) -> None:
    """Change what holds rows together: counts, lengths, which column stands where, and how it is written."""
    places = _places([header["model"], *header.get("objects", [])])
    found = [container[key] for container, key in places if isinstance(container[key], dict)]
    rows = [node for node in found if node.get("$") == "rows"]
    joined = [node for node in found if node.get("$") == "column"]
    if not rows:
        return _change_value(rng, header)
    node = rng.choice(rows)
    count = node.get("count")
    if type(count) is not int or not 0 < count <= _MOST_ROWS:
        # Changed before: nothing is written out for so many.
        return _change_value(rng, header)
    columns = node.get("columns")
    what = rng.randrange(9)
    if what == 0 or not columns:
        node["count"] = rng.choice([node["count"] - 1, node["count"] + 1, 1, 2 * node["count"], *_NUMBERS])
    elif what == 1:
        one, other = rng.choice(list(columns)), rng.choice(list(columns))
        columns[one], columns[other] = columns[other], columns[one]
    elif what == 2:
        name = rng.choice(list(columns))
        if isinstance(columns[name], list):
            columns[name] = columns[name][0]
        else:
            columns[name] = [copy.deepcopy(columns[name]) for _ in range(node["count"])]
    elif what == 3:
        _replace(node, rng.choice(rows))
    elif what == 4 and joined:
        _replace(rng.choice(joined), rng.choice(joined))
    elif what == 5 and joined:
        column = rng.choice(joined)
        lengths = column.setdefault("lengths", [column["array"]["shape"][0] // node["count"]] * node["count"])
        one, other = rng.randrange(len(lengths)), rng.randrange(len(lengths))
        by = rng.choice([1, 1, 2, lengths[one]])
        lengths[one], lengths[other] = lengths[one] - by, lengths[other] + by
    elif what == 6 and joined:
        column = rng.choice(joined)
        column[rng.choice(["same", "of", "lengths"])] = rng.choice(
            [True, "scalar", "ndarray", [], None, [1] * 4]
        )
    elif what == 7 and joined:
        column = rng.choice(joined)
        # As an honest writer would have it, one by one.
        lengths = column.get("lengths") or [column["array"]["shape"][0] // node["count"]] * node["count"]
        ends = [sum(lengths[: index + 1]) for index in range(len(lengths))]
        array, each = column["array"], []
        for length, end in zip(lengths, ends, strict=True):
            data = array["data"][end - length : end]
            each.append({**array, "shape": [length, *array["shape"][1:]], "data": data})
        holder, key = next((c, k) for c, k in places if c[k] is column)
        holder[key] = each
    else:
        node[rng.choice(["of", "items", "args", "$id", "columns"])] = rng.choice(
            ["list", 1, [], {}, {"$": "ref", "id": 1}, copy.deepcopy(node), node.get("of")]
        )
    return None


def _replace(node: Node, other: Node) -> None:
    copied = copy.deepcopy(other)
    copied.pop("$id", None)
    node.clear()
    node.update(copied)


_CHANGES: list[Callable[[random.Random, Node], None]] = [
    _change_value,
    _change_value,
    _change_value,
    _change_array,
    _change_array,
    _change_array,
    _drop_or_add,
    _swap_tags,
    _change_rows,
    _change_rows,
]


def _change_segment(rng: random.Random, segment: bytearray) -> None:
    """Write extreme numbers, or other bytes, over some of the elements."""
    for _ in range(rng.choice([1, 1, 2, 8])):
        place = rng.randrange(len(segment))
        if rng.random() < 0.7:
            place -= place % 8
            word = rng.choice(_NUMBERS) % 2**64
            segment[place : place + 8] = word.to_bytes(8, "little")[: len(segment) - place]
        else:
            segment[place] = rng.randrange(256)


def _limit_jobs(header: Node) -> None:
    for container, key in _places(header["model"]):
        if key == "n_jobs" and isinstance(container[key], int) and abs(container[key]) > MOST_JOBS:
            container[key] = MOST_JOBS


# How many documents are in the form that reflectio writes.
_WRITTEN = 0.7


def mutate(document: bytes, seed: int) -> bytes:
    """
    Forge a document.

    Parameters
    ----------
    document : bytes
        A valid document, of either format.
    seed : int
        Decides what is changed.

    Returns
    -------
    bytes
        The document with one change or a few, and digests that match.
    """
    rng = random.Random(seed)
    header, segment = _taken(document)
    if segment and rng.random() < 0.35:
        _change_segment(rng, segment)
    else:
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            # A change may not fit what an earlier one has left.
            with contextlib.suppress(TypeError, ValueError, KeyError, IndexError, AttributeError):
                rng.choice(_CHANGES)(rng, header)
    return _made(rng, header, segment)


def cross(document: bytes, other: bytes, seed: int) -> bytes:
    """
    Put a value of one document where one of another was.

    Parameters
    ----------
    document, other : bytes
        Two documents, of either format. Where arrays of the second lie in its segment is not where they lie in the first.
    seed : int
        Decides which value, and where.

    Returns
    -------
    bytes
        The first document, with digests that match.
    """
    rng = random.Random(seed)
    header, segment = _taken(document)
    container, key = rng.choice(_places([header["model"]]))
    donor, name = rng.choice(_places(_taken(other)[0]["model"]))
    container[key] = donor[name]
    return _made(rng, header, segment)


def _taken(document: bytes) -> tuple[Node, bytearray]:
    """The header of a document, and its segment."""
    end = document.find(b"\0")
    header = orjson.loads(document if end < 0 else document[:end])
    header.pop("digest", None)
    return header, bytearray(document[end + (-end % 64 or 64) :] if end >= 0 else b"")


def _made(rng: random.Random, header: Node, segment: bytearray) -> bytes:
    """The document of a header and a segment, most in the form that is read in one pass."""
    if isinstance(header.get("model"), dict | list):
        _limit_jobs(header)
    if segment:
        header["segment"] = {"nbytes": len(segment), "xxh3_128": xxhash.xxh3_128_hexdigest(bytes(segment))}
    # Not orjson: numbers may have grown beyond 64 bits.
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    forged = text + bytes(-len(text) % 64 or 64) + bytes(segment) if segment else text
    return as_written(forged) if rng.random() < _WRITTEN else forged
