"""Who shares what, cycles, and depth: the graph that comes back has the shape of the one that went."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter, OrderedDict, defaultdict, deque
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import hypothesis
import models
import numpy as np
import pytest
from exactness import assert_same
from hypothesis import strategies as st
from roundtrip import POLICY, both_formats, roundtrip

import reflectio

LONG = 100_000

# Linear, with much room: on an idle core the slowest takes a fifth of it.
SECONDS = 20


def closed(obj: Any, *, into: Any) -> Any:
    """Put an object into one of its parts, and give it."""
    into(obj)
    return obj


# -- sharing ----------------------------------------------------------------------------------------------------

SHARED: dict[str, Any] = {
    "list": [1, [2]],
    "empty list": [],
    "dict": {"a": [1]},
    "empty dict": {},
    "dict with any keys": {1: 2},
    "dict with a dollar key": {"$": 1},
    "tuple of lists": ([1],),
    "set": {1, 2},
    "frozenset": frozenset({(1, 2)}),
    "OrderedDict": OrderedDict(a=1),
    "defaultdict": defaultdict(list, a=[1]),
    "Counter": Counter("abc"),
    "deque": deque([1, [2]], maxlen=5),
    "bytearray": bytearray(b"abc"),
    "slice": slice([1], None),
    "partial": partial(max, [1]),
    "namedtuple": models.Point([1], 2),
    "dataclass": models.Settings("a", [1.0]),
    "object": models.Node(a=1),
    "object with slots": models.SlottedSettings("a"),
    "object that is a list": models.Labels([1]),
    "small array": np.arange(3),
    "large array": np.arange(300),
    "array in Fortran order": np.asfortranarray(np.ones((30, 20))),
    "array of objects": np.array([1, [2], None], object),
    "masked array": np.ma.array([1, 2], mask=[True, False]),
    "structured array": np.zeros(3, "i4,f8"),
    "generator": np.random.default_rng(0),
    "random state": np.random.RandomState(0),
}


@both_formats
@pytest.mark.parametrize("shared", SHARED.values(), ids=SHARED)
def test_an_object_held_at_several_places_is_one_object(shared: Any, format: str) -> None:
    graph = [shared, {"a": shared}, (shared, 0.5), models.Node(x=shared, y=[shared]), {"k": {1: shared}}]
    again = roundtrip(graph, format)
    assert_same(graph, again)
    assert again[0] is again[1]["a"] is again[2][0] is again[3].y[0] is again[4]["k"][1]


def test_objects_that_are_equal_and_not_the_same_stay_apart() -> None:
    first, second = roundtrip([[1], [1]])
    assert first is not second


def test_only_what_is_shared_carries_an_id() -> None:
    shared = [1.5]
    assert reflectio.dumps([shared, shared, [2.5]]).count(b'"$id"') == 1
    assert b'"$id"' not in reflectio.dumps([[1.5], [1.5], {"a": np.arange(3)}])


# -- cycles -----------------------------------------------------------------------------------------------------


def tuple_in_list() -> Any:
    inner: list[Any] = []
    outer = (inner, 1)
    inner.append(outer)
    return outer


def tuple_in_object() -> Any:
    node = models.Node()
    node.pair = (node, [node])
    return node.pair


def frozenset_in_object() -> Any:
    node = models.Node()
    node.group = frozenset({node, 1})
    return node.group


def namedtuple_in_list() -> Any:
    point = models.Point([], 1)
    point.x.append(point)
    return point


def partial_of_itself() -> Any:
    arguments: list[Any] = []
    made = partial(max, arguments)
    arguments.append(made)
    return made


def tuples_in_each_other() -> Any:
    first: list[Any] = []
    second = (first, [1])
    third = (second, {"a": first})
    first.append(third)
    return [third, second, first]


def array_in_itself() -> Any:
    array = np.empty((2, 2), object)
    array[1, 1] = [array]
    return array


def mutual() -> Any:
    left, right = models.Node(), models.Node()
    left.other, right.other = right, left
    return {"left": left, "right": right}


def set_of_objects() -> Any:
    nodes = [models.Node(index=index) for index in range(3)]
    together = set(nodes)
    for node in nodes:
        node.all = together
    return together


def key_of_itself() -> Any:
    node = models.Node()
    node.index = {node: 1}
    return node


def items_of_itself() -> Any:
    labels = models.Labels()
    labels.append(labels)
    labels.own = [labels]
    return labels


def method_of_itself() -> Any:
    node = models.Node()
    node.call = node.method
    return node


CYCLES: dict[str, Any] = {
    "list": lambda: closed([], into=lambda x: x.append(x)),
    "dict": lambda: closed({}, into=lambda x: x.update(own=x)),
    "dict with any keys": lambda: closed({}, into=lambda x: x.update({1: x})),
    "OrderedDict": lambda: closed(OrderedDict(), into=lambda x: x.update(own=x)),
    "defaultdict": lambda: closed(defaultdict(list), into=lambda x: x.update(own=[x])),
    "deque": lambda: closed(deque(), into=lambda x: x.append(x)),
    "object": lambda: closed(models.Node(), into=lambda x: setattr(x, "own", x)),
    "object with slots": lambda: closed(models.SlottedNode(), into=lambda x: setattr(x, "next", [x])),
    "attrs": lambda: closed(models.Slotted("a"), into=lambda x: setattr(x, "rate", x)),
    "state that is no dict": lambda: closed(models.WithState(), into=lambda x: setattr(x, "values", [x])),
    "object that is a list": items_of_itself,
    "tuple in a list": tuple_in_list,
    "tuple in an object": tuple_in_object,
    "frozenset in an object": frozenset_in_object,
    "namedtuple in a list": namedtuple_in_list,
    "partial of itself": partial_of_itself,
    "tuples in each other": tuples_in_each_other,
    "array of objects": array_in_itself,
    "objects that refer to each other": mutual,
    "set of objects": set_of_objects,
    "object that is a key of its own dict": key_of_itself,
    "bound method held by its object": method_of_itself,
}


@both_formats
@pytest.mark.parametrize("make", CYCLES.values(), ids=CYCLES)
def test_a_cycle_closes_where_it_did(make: Any, format: str) -> None:
    graph = make()
    assert_same(graph, roundtrip(graph, format))


@both_formats
@pytest.mark.parametrize("make", CYCLES.values(), ids=CYCLES)
def test_a_cycle_may_lie_inside_anything(make: Any, format: str) -> None:
    for wrap in (
        lambda x: [x, x],
        lambda x: (x, [x]),
        lambda x: ((x,), {"a": (x,)}),
        lambda x: models.Node(first=(x, 1), second=x),
        lambda x: {(1, 2): x, "a": [x]},
    ):
        graph = wrap(make())
        assert_same(graph, roundtrip(graph, format))


_MAKERS: dict[str, Any] = {
    "list": list,
    "dict": dict,
    "node": models.Node,
    "pairs": dict,
    "deque": deque,
    "array": lambda: np.empty(2, object),
}


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """Containers that refer to each other at random."""
    kinds = draw(st.lists(st.sampled_from(list(_MAKERS)), min_size=1, max_size=6))
    made: list[Any] = [_MAKERS[kind]() for kind in kinds]
    values: list[Any] = list(made)
    for _ in range(draw(st.integers(0, 4))):
        part = st.sampled_from(values)
        values.append(
            draw(st.tuples(part, part) | st.builds(models.Point, part, st.just(1.5)) | st.tuples(part))
        )
    pick = st.sampled_from([*values, 1, "text", 0.5])
    for kind, obj in zip(kinds, made, strict=True):
        first, second = draw(pick), draw(pick)
        if kind in ("list", "deque"):
            obj.extend((first, second))
        elif kind == "dict":
            obj.update(a=first, b=second)
        elif kind == "pairs":
            obj.update({1: first, (2,): second})
        elif kind == "node":
            obj.a, obj.b = first, second
        else:
            # Arrays of objects do not hold one another: see `test_arrays_that_hold_themselves_are_refused`.
            obj[0], obj[1] = (([part] if isinstance(part, np.ndarray) else part) for part in (first, second))
    return draw(st.sampled_from(values))


def leads_back_in_two_ways(graph: Any) -> bool:
    """Whether lists within lists branch on their way back to where they began; no document may say so."""
    found: dict[int, Any] = {}
    waiting = [graph]
    while waiting:
        obj = waiting.pop()
        if id(obj) in found or isinstance(obj, str | int | float):
            continue
        found[id(obj)] = obj
        if isinstance(obj, dict):
            waiting += obj.values()
        elif isinstance(obj, models.Node):
            waiting += vars(obj).values()
        else:
            waiting += list(obj)
    lists = {key: list(obj) for key, obj in found.items() if type(obj) in (list, tuple, deque)}
    reached = {key: {id(part) for part in held} & lists.keys() for key, held in lists.items()}
    for _ in lists:
        for parts in reached.values():
            parts |= set().union(*(reached[part] for part in parts))
    rings = {frozenset({key} | {part for part in reached[key] if key in reached[part]}) for key in lists}
    return any(sum(id(part) in ring for key in ring for part in lists[key]) > len(ring) for ring in rings)


@both_formats
@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(graph=graphs())
def test_any_graph_comes_back_with_its_shape(graph: Any, format: str) -> None:
    hypothesis.assume(not leads_back_in_two_ways(graph))
    assert_same(graph, roundtrip(graph, format))


# -- depth ------------------------------------------------------------------------------------------------------


def linked_objects() -> Any:
    first = node = models.Node()
    for index in range(LONG):
        node.next = models.Node(index=index)
        node = node.next
    return first


def linked_both_ways() -> Any:
    nodes = [models.Node(index=index) for index in range(LONG // 10)]
    for left, right in pairwise(nodes):
        left.next, right.previous = right, left
    return nodes[0]


def linked_slots() -> Any:
    first = node = models.SlottedNode()
    for _ in range(LONG // 10):
        node.next = models.SlottedNode()
        node = node.next
    return first


def nested(wrap: Any, depth: int = LONG) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = wrap(value)
    return value


DEEP: dict[str, Any] = {
    "linked objects": linked_objects,
    "objects linked both ways": linked_both_ways,
    "linked objects with slots": linked_slots,
    "lists": lambda: nested(lambda x: [x]),
    "dicts": lambda: nested(lambda x: {"a": x}, LONG // 10),
    "dicts with any keys": lambda: nested(lambda x: {1: x}, LONG // 10),
    "lists in tuples": lambda: nested(lambda x: ([x],), LONG // 10),
    "dicts in tuples in lists": lambda: nested(lambda x: [({"k": x}, 1)], LONG // 10),
    "objects in namedtuples": lambda: nested(lambda x: models.Point(models.Node(x=x), 1), LONG // 10),
    "arrays of objects": lambda: nested(lambda x: np.array([x, None], object), 30),
    "deques in frozen dataclasses": lambda: nested(
        lambda x: models.FrozenSettings("a", deque([x])), LONG // 10
    ),
    "tuples": lambda: nested(lambda x: (x,), 90),
    "frozensets": lambda: nested(lambda x: frozenset({x}), 60),
    "partials in lists": lambda: nested(lambda x: [partial(max, x)], LONG // 10),
}


@both_formats
@pytest.mark.parametrize("make", DEEP.values(), ids=DEEP)
def test_depth_is_no_limit(make: Any, format: str) -> None:
    graph = make()
    limit = sys.getrecursionlimit()
    started = time.process_time()
    document = reflectio.dumps(graph, format=format)
    again = reflectio.loads(document, policy=POLICY)
    assert time.process_time() - started < SECONDS
    assert sys.getrecursionlimit() == limit
    assert_same(graph, again)


def depth_of(text: bytes) -> int:
    depth = deepest = 0
    quoted = escaped = False
    for byte in text:
        if quoted:
            quoted, escaped = escaped or byte != ord('"'), byte == ord("\\") and not escaped
        elif byte == ord('"'):
            quoted = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


@both_formats
@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: [x],
        lambda x: (x,) if not isinstance(x, tuple) else [x],
        lambda x: {"a": x},
        lambda x: {1: x},
        lambda x: models.Node(a=x),
        lambda x: models.Node(a=({1: [x]},)),
        lambda x: models.WithState(x),
        lambda x: models.Labels([x]),
        lambda x: models.Options({1: x}),
        lambda x: models.Point(OrderedDict({2: x}), 1),
        lambda x: [partial(max, x, key=x)],
        lambda x: np.array([[[x]]], object),
        lambda x: {"a": np.ma.array([x], object)},
        lambda x: [x, x],
        lambda x: {"a": x, "b": x},
        lambda x: {1: x, "b": x},
    ],
)
def test_json_never_nests_deeper_than_100(wrap: Any, format: str) -> None:
    document = reflectio.dumps(nested(wrap, 150), format=format)
    assert depth_of(document) <= 100


def test_time_grows_with_the_length_of_a_chain() -> None:
    def seconds(length: int) -> float:
        graph = nested(lambda x: models.Node(a=([x],)), length)
        started = time.process_time()
        reflectio.loads(reflectio.dumps(graph), policy=POLICY)
        return time.process_time() - started

    seconds(1000)
    # Eight times as long takes about eight times as long; 64 times, if it were quadratic.
    assert seconds(40_000) < 30 * max(seconds(5000), 0.01)


# -- tools that reorder members ---------------------------------------------------------------------------------


def reordered(document: bytes, order: Any) -> str:
    def rebuild(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rebuild(value[key]) for key in order(value)}
        return [rebuild(item) for item in value] if isinstance(value, list) else value

    return json.dumps(rebuild(json.loads(document)))


@pytest.mark.parametrize(
    "order", [sorted, lambda keys: sorted(keys, reverse=True)], ids=["sorted", "reversed"]
)
@pytest.mark.parametrize("make", [*CYCLES.values(), *[lambda x=x: [x, {"a": x}] for x in SHARED.values()]])
def test_a_document_loads_after_its_members_were_reordered(make: Any, order: Any) -> None:
    graph = {"z": 1, "graph": models.Node(z=make(), a=[1])}
    text = reordered(reflectio.dumps(graph, format="json"), order)
    again = reflectio.loads(text, policy=POLICY)
    assert_same(graph, again, ordered=False)


@pytest.mark.parametrize(
    "order", [sorted, lambda keys: sorted(keys, reverse=True)], ids=["sorted", "reversed"]
)
def test_a_long_chain_loads_after_its_members_were_reordered(order: Any) -> None:
    chain = nested(lambda x: [({1: x}, 1)], 3000)
    text = reordered(reflectio.dumps(chain, format="json"), order)
    assert_same(chain, reflectio.loads(text, policy=POLICY))


# -- determinism ------------------------------------------------------------------------------------------------

WRITE = """
import hashlib, sys, models, numpy as np, reflectio
from collections import Counter
nodes = [models.Node(name=f"n{i}", tags={f"t{j}" for j in range(i)}) for i in range(20)]
value = {
    "text": {f"x{i}" for i in range(50)},
    "mixed": {1, "a", None, 2.5, (1, "b"), frozenset({"c", "d"}), b"e"},
    "nested": {frozenset({f"{i}{j}" for j in range(3)}) for i in range(10)},
    "objects": set(nodes),
    "again": frozenset(nodes[:5]),
    "tuples of objects": {(node, 1) for node in nodes[:4]},
    "functions": {len, max, np.mean, np.float64},
    "enum": set(models.Colour) | set(models.Kernel),
    "counter": Counter(["a", "b", "a"]),
    "keys": dict.fromkeys(sorted({f"k{i}" for i in range(30)})),
    "array": np.arange(100.0),
}
for format in ("binary", "json"):
    print(hashlib.sha256(reflectio.dumps(value, format=format)).hexdigest())
"""


def test_equal_state_gives_equal_bytes_under_any_hash_seed() -> None:
    outputs = set()
    for seed in ("0", "1", "12345"):
        done = subprocess.run(
            [sys.executable, "-c", WRITE],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_the_order_of_insertion_into_a_set_does_not_matter() -> None:
    items = ["a", 1, (2, 3), None, frozenset({4}), 0.5, models.Colour.RED]
    backwards = items[::-1]
    assert reflectio.dumps(set(items)) == reflectio.dumps(set(backwards))


def test_the_history_of_an_object_does_not_matter() -> None:
    text = "".join(["ab", "c"])
    assert reflectio.dumps([text, "abc"]) == reflectio.dumps(["abc", "abc"])
    big = 10**30
    assert reflectio.dumps([big, big]) == reflectio.dumps([big, 10**29 * 10])
    assert reflectio.dumps([(1, 2), (1, 2)]) == reflectio.dumps([(1, 2)] * 2)


# -- what numpy would follow without end -------------------------------------------------------------------------


def itself() -> Any:
    array = np.empty(1, object)
    array[0] = array
    return array


def itself_without_axes() -> Any:
    array = np.empty((), object)
    array[()] = array
    return array


def each_other() -> Any:
    first, second = np.empty(2, object), np.empty((), object)
    first[1], second[()] = second, first
    return first


def too_deep() -> Any:
    return nested(lambda x: np.array([x, None], object), 40)


@pytest.mark.parametrize("make", [itself, itself_without_axes, each_other, too_deep])
def test_arrays_that_hold_themselves_are_refused(make: Any) -> None:
    with pytest.raises(reflectio.UnsupportedTypeError, match="array of objects"):
        reflectio.dumps({"a": make()})


@pytest.mark.parametrize("shape", [[], [1]])
def test_documents_of_arrays_that_hold_themselves_are_refused(shape: list[int]) -> None:
    itself: Any = {"$": "ref", "id": 1}
    model = {
        "$": "ndarray",
        "$id": 1,
        "dtype": "object",
        "shape": shape,
        "data": [itself] if shape else itself,
    }
    with pytest.raises(reflectio.LimitError, match="array of objects"):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": model}))


@pytest.mark.parametrize(
    "model",
    [
        {"$": "list", "$id": 1, "items": [{"$": "ref", "id": 1}, {"$": "ref", "id": 1}]},
        {
            "$": "list",
            "$id": 1,
            "items": [[{"$": "ref", "id": 1}], {"$": "tuple", "items": [{"$": "ref", "id": 1}]}],
        },
        [
            {
                "$": "list",
                "$id": 1,
                "items": [
                    {"$": "deque", "$id": 2, "items": [{"$": "ref", "id": 1}] * 2, "maxlen": None},
                    {"$": "ref", "id": 2},
                ],
            }
        ],
    ],
)
def test_documents_of_lists_that_hold_themselves_twice_are_refused(model: Any) -> None:
    with pytest.raises(reflectio.LimitError, match="more than one way"):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": model}))


def test_a_list_that_holds_itself_once_comes_back() -> None:
    ring: list[Any] = [1, [2]]
    ring[1].append(ring)
    again = roundtrip(ring)
    assert again[1][1] is again
