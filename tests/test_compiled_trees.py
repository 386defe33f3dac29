"""The compiled examination of trees: of any nodes, honest or forged, it says what the one in Python says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.tree._tree import NODE_DTYPE, Tree

from reflectio import array_bytes
from reflectio.codecs import histogram_boosting, trees
from reflectio.codecs.histogram_boosting import Predictors
from reflectio.codecs.trees import Trees
from reflectio.compiled import part

if part("trees") is None or part("parts") is None:
    pytest.skip("nothing was compiled, or is to be used", allow_module_level=True)
compiled: Any = part("trees")
parts: Any = part("parts")

CASES = 2_000

# What a forger would write where an index is expected: the edges of the memory, and of what arithmetic can do.
_LONG = [
    -(2**63),
    -(2**63) + 1,
    -(2**62),
    -(2**32),
    -3,
    -2,
    -1,
    0,
    1,
    2**31,
    2**32,
    2**62,
    2**63 - 2,
    2**63 - 1,
]
_WORD = [0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]


def _grown(rng: np.random.Generator, most: int) -> tuple[list[int], list[int], int]:
    """The children of a tree of up to so many splits, numbered as builders do it, a parent before its children; its depth."""
    left, right, depth = [-1], [-1], [0]
    leaves = [0]
    chain = rng.random() < 0.2
    for _ in range(int(rng.integers(0, most + 1))):
        node = leaves.pop(-1 if chain else int(rng.integers(len(leaves))))
        children = [len(left), len(left) + 1]
        left += [-1, -1]
        right += [-1, -1]
        depth += [depth[node] + 1] * 2
        leaves += children
        left[node], right[node] = children if rng.random() < 0.7 else children[::-1]
    return left, right, max(depth)


def _index(rng: np.random.Generator, count: int, extremes: list[int]) -> int:
    """A number where one of so many nodes is expected."""
    near = [count - 1, count, count + 1, int(rng.integers(count)), int(rng.integers(count))]
    return int(rng.choice(np.array(extremes + near * 3, dtype=object)))


def _decision_tree(rng: np.random.Generator, forged: float) -> Any:
    left, right, depth = _grown(rng, int(rng.choice([1, 4, 40, 300])))
    count, n_features = len(left), int(rng.integers(1, 5))
    nodes = np.zeros(count, NODE_DTYPE)
    nodes["left_child"], nodes["right_child"] = left, right
    nodes["feature"] = np.where(np.array(left) == -1, -2, rng.integers(0, n_features, count))
    if rng.random() < forged:
        for _ in range(int(rng.integers(1, 4))):
            name = rng.choice(["left_child", "right_child", "feature"])
            extremes = [*_LONG, n_features] if name == "feature" else _LONG
            nodes[name][rng.integers(count)] = _index(rng, count, extremes)
    if rng.random() < forged / 4:
        nodes[:] = nodes[rng.permutation(count)]
    if rng.random() < forged / 2:
        depth += int(rng.choice([-1, 1, 2**40, -(2**62)]))
    tree = Tree(n_features, np.array([1], np.intp), 1)
    values = np.zeros((count, 1, 1))
    tree.__setstate__({"max_depth": depth, "node_count": count, "nodes": nodes, "values": values})
    return tree


def _some_trees(rng: np.random.Generator) -> list[Trees]:
    forged = float(rng.choice([0, 0.05, 0.5]))
    sizes = rng.integers(1, 6, int(rng.integers(1, 4))).tolist()
    return [Trees.of("", [_decision_tree(rng, forged) for _ in range(size)]) for size in sizes]


def _predictor(rng: np.random.Generator, forged: float) -> tuple[np.ndarray[Any, Any], int]:
    left, right, _ = _grown(rng, int(rng.choice([1, 4, 40])))
    count, n_bitsets = len(left), int(rng.integers(0, 4))
    nodes = np.zeros(count, PREDICTOR_RECORD_DTYPE)
    inner = np.array(left) != -1
    nodes["left"], nodes["right"] = np.maximum(left, 0), np.maximum(right, 0)
    nodes["is_leaf"] = ~inner
    nodes["feature_idx"] = rng.integers(0, 3, count)
    if n_bitsets:
        nodes["is_categorical"] = inner & (rng.random(count) < 0.3)
        nodes["bitset_idx"] = rng.integers(0, n_bitsets, count)
    if rng.random() < forged:
        for _ in range(int(rng.integers(1, 4))):
            name = str(
                rng.choice(["left", "right", "feature_idx", "is_leaf", "is_categorical", "bitset_idx"])
            )
            at = rng.integers(count)
            if name == "feature_idx":
                nodes[name][at] = _index(rng, 3, _LONG)
            elif name.startswith("is_"):
                nodes[name][at] = rng.choice([0, 1, 2, 128, 255])
            else:
                nodes[name][at] = (
                    max(0, _index(rng, n_bitsets if name == "bitset_idx" else count, _WORD))
                    if (count and (name != "bitset_idx" or n_bitsets))
                    else int(rng.choice(_WORD))
                )
    return nodes, n_bitsets


def _some_predictors(rng: np.random.Generator) -> list[Predictors]:
    forged = float(rng.choice([0, 0.05, 0.5]))
    batches = []
    for _ in range(int(rng.integers(1, 4))):
        made = [_predictor(rng, forged) for _ in range(int(rng.integers(1, 6)))]
        batches.append(Predictors("", [nodes for nodes, _ in made], [number for _, number in made]))
    return batches


@pytest.mark.parametrize(("module", "make"), [(trees, _some_trees), (histogram_boosting, _some_predictors)])
def test_the_first_bad_tree_is_the_same(
    module: Any, make: Callable[[np.random.Generator], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    verdicts = {"sound": 0, "bad": 0}
    for case in range(CASES):
        batches = make(rng)
        monkeypatch.setattr(module, "_compiled", compiled)
        found = module._first_bad(batches)
        monkeypatch.setattr(module, "_compiled", None)
        assert found == module._first_bad(batches), case
        verdicts["sound" if found is None else "bad"] += 1
    assert min(verdicts.values()) > CASES / 10


def test_the_features_whose_categories_count_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for case in range(CASES):
        nodes = [nodes for batch in _some_predictors(rng) for nodes in batch.nodes]
        if min(some["feature_idx"].min() for some in nodes) < 0:
            continue  # refused before
        n_features = int(rng.integers(1, 5))
        monkeypatch.setattr(histogram_boosting, "_compiled", compiled)
        found = histogram_boosting._categorical_splits(nodes, n_features)
        monkeypatch.setattr(histogram_boosting, "_compiled", None)
        expected = histogram_boosting._categorical_splits(nodes, n_features)
        assert (found is None) == (expected is None), case
        assert found is None or expected is None or np.array_equal(found, expected), case


@pytest.mark.parametrize("dtype", ["f8", "u1", "?", "U3", "S5", "M8[s]", NODE_DTYPE, PREDICTOR_RECORD_DTYPE])
@pytest.mark.parametrize("shape", [(0,), (7,), (7, 2), (7, 0), (7, 1, 3)])
def test_copied_parts_are_the_same(
    dtype: Any, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    array = np.zeros(shape, dtype)
    array.view(np.uint8).reshape(-1)[:] = np.arange(array.nbytes) % 2
    ends = [0] * 3 if not shape[0] else [0, 0, 2, 6, 7]
    found = array_bytes.copied_parts(array, ends)
    found += array_bytes.copies(array, 3)
    monkeypatch.setattr(array_bytes, "_parts", None)
    expected = array_bytes.copied_parts(array, ends) + array_bytes.copies(array, 3)
    for part_, other in zip(found, expected, strict=True):
        assert part_.flags.owndata
        assert part_.flags.writeable
        assert not np.shares_memory(part_, array)
        assert (part_.dtype, part_.shape, part_.strides) == (other.dtype, other.shape, other.strides)
        assert part_.tobytes() == other.tobytes()


# What only a mistake of ours could lead to: it is an error, and no memory is touched.


def _nodes(count: int = 3) -> Any:
    nodes = np.zeros(count, NODE_DTYPE)
    nodes["left_child"] = nodes["right_child"] = -1
    return nodes


@pytest.mark.parametrize(
    "other",
    [
        _nodes(0),
        _nodes(6)[::2],
        _nodes()[::-1],
        _nodes(4).reshape(2, 2),
        _nodes(1).reshape(()),
        np.zeros(3, "i8"),
        np.zeros(3, PREDICTOR_RECORD_DTYPE),
        np.zeros(3, NODE_DTYPE.descr[:3]),
        _nodes().astype(NODE_DTYPE.newbyteorder()),
        _nodes().view(np.recarray),
        [1, 2, 3],
        None,
    ],
)
def test_nodes_that_are_not_as_those_of_the_first_tree_are_an_error(other: Any) -> None:
    trees = [Tree(1, np.array([1], np.intp), 1)] * 2
    with pytest.raises((TypeError, ValueError)):
        compiled.first_bad_tree([_nodes(), other], trees)
    with pytest.raises((TypeError, ValueError)):
        compiled.first_bad_tree([_nodes()], trees)
    with pytest.raises(IndexError):
        compiled.first_bad_tree([], [])


@pytest.mark.parametrize(
    "nodes",
    [
        np.zeros(3, "i8"),
        np.zeros(3, "V64"),
        np.zeros(3, [("left_child", "i8"), ("right_child", "i8")]),
        np.zeros(3, [("left_child", "i4"), ("right_child", "i8"), ("feature", "i8")]),
        np.zeros(3, [("left_child", ">i8"), ("right_child", "i8"), ("feature", "i8")]),
        np.zeros(3, [("left_child", "u8"), ("right_child", "i8"), ("feature", "i8")]),
        np.zeros(3, [("left_child", "i8", (2,)), ("right_child", "i8"), ("feature", "i8")]),
        np.zeros(3, [("left_child", "i8"), ("right_child", "i8"), ("feature", "i8"), ("object", "O")]),
        np.zeros(3, object),
        [1, 2, 3],
        None,
    ],
)
def test_records_of_other_fields_are_left_to_python(nodes: Any) -> None:
    assert compiled.first_bad_tree([nodes], [Tree(1, np.array([1], np.intp), 1)]) is None
    assert compiled.first_bad_predictor([nodes], [0]) is None
    assert compiled.categorical_splits([nodes], 1) is False


@pytest.mark.parametrize(
    "span", [(0, 8), (-1, 3), (3, 2), (8, 9), (0, 2**62), (0, 2**64), (-(2**63), 1), (0, -1), (0,)]
)
def test_stretches_beyond_an_array_are_an_error(span: tuple[int, ...]) -> None:
    with pytest.raises((ValueError, OverflowError)):
        parts.copied_spans(np.zeros(7), [span])


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 4)).T, np.zeros(6)[::2], np.zeros(()), np.array([None]), np.ma.zeros(3), [1, 2], None],
)
def test_stretches_of_what_lies_otherwise_are_left_to_numpy(array: Any) -> None:
    assert parts.copied_spans(array, [(0, 1)]) is None
