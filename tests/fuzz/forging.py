"""Forging one field of a document: whatever stands there gets other values, another shape, another type, or goes."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import reflectio

Node = Any
Place = tuple[Any, Any]

_INTEGERS = [0, 1, -1, 2, 3, 5, 7, 8, 64, 100, 255, 256, 1000, 1 << 20, 1 << 31, 1 << 32, 1 << 40, 1 << 62]
_INTEGERS += [(1 << 31) - 1, -(1 << 31), (1 << 32) - 1, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1, -5]
_FLOATS = [
    float("nan"),
    float("inf"),
    float("-inf"),
    -1.0,
    -0.0,
    0.0,
    0.5,
    1.0,
    1e-300,
    1e300,
    -1e300,
    2.0**53,
]
_TEXTS = [
    "",
    "x",
    "auto",
    "rbf",
    "precomputed",
    "linear",
    "periodic",
    "zero",
    "csr",
    "float64",
    "UTC",
    "é",
    "drop",
]
_TEXTS += ["<U4", "datetime64[ns]", "object", "complex128", "int32", "bool", "numpy.recarray"]
_KEYS = ["x", "__class__", "__dict__", "keys", "items", "predict", "$", "name"]
_DTYPES = [
    "f4",
    "f8",
    "i1",
    "i2",
    "i4",
    "i8",
    "u1",
    "u2",
    "u4",
    "u8",
    "?",
    "U3",
    "S2",
    "c16",
    ">f8",
    ">i8",
    ">i4",
]
_DTYPES += ["M8[ns]", "m8[s]", "M8[D]", "O"]

# Arrays to put where something else stood.
_ARRAYS = [
    np.arange(3.0),
    np.zeros((2, 2)),
    np.zeros(40, np.int64),
    np.zeros(0),
    np.zeros((0, 3)),
    np.full(3, 1 << 30, np.int32),
    np.array([True, False]),
    np.array(["a", None], object),
]

# More threads than this are a matter of parameters, which audits report.
_MOST_JOBS = 4


def node_of(value: Any) -> Node:
    """The node that stands for a value."""
    return json.loads(reflectio.dumps(value, format="json"))["model"]


def places(root: Node) -> Iterator[Place]:
    """Every member and item below a node, as its container and key."""
    stack = [root]
    while stack:
        node = stack.pop()
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            yield node, key
            if isinstance(value, dict | list):
                stack.append(value)


def _array_of(node: Node, roots: list[Node]) -> Any:
    """The array that a node describes; None where it is none, or a view of another."""
    if not isinstance(node, dict) or node.get("$") != "ndarray" or "base" in node:
        return None
    alone = {key: copy.deepcopy(value) for key, value in node.items() if key != "$id"}
    dtype = alone.get("dtype")
    if isinstance(dtype, dict) and dtype.get("$") == "ref":
        alone["dtype"] = next(
            (
                copy.deepcopy(c[k])
                for root in roots
                for c, k in places(root)
                if _has_id(c[k], dtype.get("id"))
            ),
            None,
        )
    try:
        found = reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": alone}))
    except reflectio.ReflectioError:
        return None
    return found if type(found) is np.ndarray and not found.dtype.hasobject else None


def _extreme(dtype: np.dtype[Any], rng: random.Random) -> Any:
    """A value to put into an array."""
    if dtype.kind == "f":
        return rng.choice(_FLOATS)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return min(max(rng.choice(_INTEGERS), limits.min), limits.max)
    if dtype.kind == "b":
        return rng.random() < 0.5
    if dtype.kind in "mM":
        return np.array(rng.choice(_INTEGERS[:24]) % (1 << 63), "i8").astype(dtype)
    return rng.choice(["", "x", 1])


def _with_values(array: Any, rng: random.Random) -> Any:
    """An array with some elements changed; of records, one field of them."""
    changed = array.copy()
    part = changed[rng.choice(changed.dtype.names)] if changed.dtype.names else changed
    if not part.size:
        return changed
    flat = part.reshape(-1)  # of a field: a copy, which is written back below
    choice = rng.random()
    if choice < 0.45:
        for _ in range(rng.choice([1, 1, 2, 4])):
            flat[rng.randrange(len(flat))] = _extreme(flat.dtype, rng)
    elif choice < 0.6 and flat.dtype.kind in "iuf":
        place = rng.randrange(len(flat))
        with np.errstate(all="ignore"):
            flat[place] = flat[place] + rng.choice([-2, -1, 1, 2])
    elif choice < 0.75:
        flat[rng.randrange(len(flat))] = flat[rng.randrange(len(flat))]
    elif choice < 0.85:
        flat[:] = flat[::-1].copy()
    else:
        flat[:] = _extreme(flat.dtype, rng)
    part[...] = flat.reshape(part.shape)
    return changed


def _reshaped(array: Any, rng: random.Random) -> Any:
    changes: list[Callable[[], Any]] = [
        lambda: array[:-1].copy(),
        lambda: array[: len(array) // 2].copy(),
        lambda: array[:0].copy(),
        lambda: np.concatenate([array, array[-1:]]),
        lambda: np.concatenate([array] * 20),
        lambda: array[..., :1].copy(),
        lambda: array[..., :-1].copy(),
        lambda: np.concatenate([array] * 20, axis=-1),
        lambda: np.concatenate([array, array[..., -1:]], axis=-1),
        lambda: array.T.copy(),
        lambda: array.ravel(),
        lambda: array[None],
        lambda: array[..., None],
        lambda: array.reshape(-1)[0],
        lambda: np.asfortranarray(array),
        lambda: array[:, ::2] if array.ndim > 1 else array[::2],
    ]
    return rng.choice(changes)()


def _forged_array(array: Any, rng: random.Random) -> Any:
    choice = rng.random()
    if choice < 0.55:
        return _with_values(array, rng)
    if choice < 0.85:
        return _reshaped(array, rng)
    if array.dtype.names and rng.random() < 0.7:
        fields = [(name, array.dtype[name]) for name in array.dtype.names]
        place = rng.randrange(len(fields))
        fields[place] = (fields[place][0], rng.choice(_DTYPES[:-4]))
        return np.zeros(array.shape, fields)
    return array.astype(rng.choice(_DTYPES))


def _forged_list(items: list[Any], rng: random.Random, roots: list[Node]) -> list[Any]:
    items = copy.deepcopy(items)
    choice = rng.random()
    if not items:
        return [rng.choice([0, None, [], "x"])]
    place = rng.randrange(len(items))
    if choice < 0.2:
        del items[place]
    elif choice < 0.35:
        items.insert(place, copy.deepcopy(rng.choice(items)))
    elif choice < 0.45:
        items.reverse()
    elif choice < 0.5:
        items = items * 3
    elif choice < 0.6:
        items[place] = rng.choice(["x", None, [], {}, True])
    else:
        items[place] = forged(items[place], rng, roots)
    return items


def _forged_object(node: dict[str, Any], rng: random.Random, roots: list[Node]) -> Node:
    choice = rng.random()
    if choice < 0.15:
        return {"$": "ref", "id": rng.choice(_ids(roots) or [1])}
    if choice < 0.3:
        others = [c[k] for root in roots for c, k in places(root) if isinstance(c[k], dict) and "$" in c[k]]
        kind = str(node.get("$")).rpartition(".")[0]
        alike = [other for other in others if str(other["$"]).startswith(kind)] if rng.random() < 0.7 else []
        other = copy.deepcopy(rng.choice(alike or others or [node]))
        other.pop("$id", None)
        return other
    if choice < 0.37:
        return rng.choice([None, 3, "x", [], {}, [node], node_of(rng.choice(_ARRAYS))])
    node = copy.deepcopy(node)
    names = [name for name in node if name != "$id"]
    if names:
        name = rng.choice(names)
        if choice < 0.45 and name != "$":
            del node[name]
        elif choice < 0.52 and name != "$":
            node[rng.choice(_KEYS)] = node.pop(name)
        else:
            node[name] = forged(node[name], rng, roots)
    return node


def _has_id(node: Node, number: Any) -> bool:
    return isinstance(node, dict) and number is not None and node.get("$id") == number


def _ids(roots: list[Node]) -> list[int]:
    return [c[k] for root in roots for c, k in places(root) if k == "$id" and isinstance(c[k], int)]


def forged(node: Node, rng: random.Random, roots: list[Node]) -> Node:
    """
    Something else to stand where a node stands.

    Parameters
    ----------
    node : node
        What stands there.
    rng : random.Random
        Decides what it becomes.
    roots : list of node
        The parts of the document, from which other nodes may be taken.

    Returns
    -------
    node
        It in another form; or, now and then, nothing like it.
    """
    if rng.random() < 0.1:
        return rng.choice([None, True, 0, -1, 1.5, "", [], {}, node_of(rng.choice(_ARRAYS))])
    if isinstance(node, bool) or node is None:
        return rng.choice([None, True, False, 0, 1, "x", rng.choice(_INTEGERS), node_of(rng.choice(_ARRAYS))])
    if isinstance(node, int):
        near = [node - 1, node + 1, node + 2, node * 2, -node, float(node)]
        return rng.choice(near) if rng.random() < 0.5 else rng.choice(_INTEGERS)
    if isinstance(node, float):
        value = rng.choice([*_FLOATS, -node, node * 1e10, int(node)])
        return node_of(value)
    if isinstance(node, str):
        return rng.choice([*_TEXTS, node + "x", node[:-1], None, 1])
    if isinstance(node, list):
        return _forged_list(node, rng, roots)
    array = _array_of(node, roots)
    if array is None or (rng.random() < 0.15 and array.dtype.names is None):
        return _forged_object(node, rng, roots)
    changed = _forged_array(array, rng)
    made = node_of(changed)
    # What other parts of the document refer to stays.
    if changed.dtype == array.dtype and isinstance(made, dict):
        made["dtype"] = node["dtype"]
    if "$id" in node and isinstance(made, dict):
        made["$id"] = node["$id"]
    return made


def forge(document: Node, fields: frozenset[str], rng: random.Random, donor: Node) -> None:
    """
    Forge one field of a document, or a few; the field may stand anywhere, and need not be there before.

    Parameters
    ----------
    document : node
        The header of a document in JSON format; it is changed.
    fields : frozenset of str
        The names of the fields that are attacked. "*" stands for all.
    rng : random.Random
        Decides which, and what becomes of it.
    donor : node
        Another document, from which parts may come.
    """
    roots = [document["model"], *document.get("objects", [])]
    sources = [*roots, donor["model"]]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        found = [place for root in roots for place in places(root) if "*" in fields or place[1] in fields]
        objects = [c[k] for root in ([document], roots) for c, k in places(root) if _is_object(c[k])]
        if (not found or rng.random() < 0.1) and objects and "*" not in fields:
            rng.choice(objects)[rng.choice(sorted(fields))] = forged(
                rng.choice([None, 1, 0.5, "x"]), rng, sources
            )
        elif found:
            container, key = rng.choice(found)
            if isinstance(container, dict) and key != "$" and rng.random() < 0.06:
                del container[key]
            else:
                container[key] = forged(container[key], rng, sources)
    for root in roots:
        for container, key in places(root):
            if key == "n_jobs" and isinstance(container[key], int) and abs(container[key]) > _MOST_JOBS:
                container[key] = _MOST_JOBS


def _is_object(node: Node) -> bool:
    return isinstance(node, dict) and "." in str(node.get("$", ""))
