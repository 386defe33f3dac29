"""The compiled look at the states of search trees and metrics: what it calls sound, the checks in Python pass as well."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from both_ways import load_both_ways, read_in_one_pass
from sklearn.metrics import DistanceMetric
from sklearn.metrics._dist_metrics import DistanceMetric32
from sklearn.neighbors import BallTree, KDTree, KNeighborsClassifier
from sklearn.neighbors._kd_tree import KDTree32

import reflectio
from reflectio.codecs.neighbors import MetricCodec, NeighborTreeCodec
from reflectio.compiled import part

if part("neighbors") is None:
    pytest.skip("nothing was compiled, or is to be used", allow_module_level=True)

CASES = 4_000

_X = np.random.default_rng(0).random((30, 3))

TREES: dict[str, Any] = {
    "KDTree": lambda: KDTree(_X, leaf_size=4),
    "one node": lambda: KDTree(_X),
    "BallTree": lambda: BallTree(_X, leaf_size=4),
    "KDTree32": lambda: KDTree32(_X.astype(np.float32), leaf_size=4),
    "weights": lambda: KDTree(_X, leaf_size=10, sample_weight=np.ones(30)),
}

METRICS: dict[str, Any] = {
    name: DistanceMetric.get_metric(name) for name in ("euclidean", "manhattan", "haversine", "hamming")
} | {
    "minkowski": DistanceMetric.get_metric("minkowski", p=3),
    "weighted": DistanceMetric.get_metric("minkowski", p=3, w=np.ones(3)),
    "seuclidean": DistanceMetric.get_metric("seuclidean", V=np.ones(3)),
    "mahalanobis": DistanceMetric.get_metric("mahalanobis", V=np.eye(3)),
    "function": DistanceMetric.get_metric("pyfunc", func=max),
    "float32": DistanceMetric32.get_metric("euclidean"),
}

_NUMBERS = [-(2**63), -2, -1, 0, 1, 2, 3, 7, 29, 30, 31, 2**31, 2**62, 2**63 - 1, 2**64, True, 1.0, None, "1"]


def _forged(array: Any, rng: np.random.Generator) -> Any:
    """Something like an array: with another element, dtype, shape, order or byte order."""
    kind = rng.integers(8)
    if kind == 0 or not array.size:
        return array.astype(array.dtype.newbyteorder()) if array.dtype.names is None else array[:0]
    if kind == 1:
        return array[:-1]
    if kind == 2:
        return np.concatenate([array, array])[:: rng.integers(1, 3)]
    if kind == 3:
        return array.tolist()
    if kind == 4:
        return np.asfortranarray(array)
    if kind == 5:
        return array.astype(np.float32) if array.dtype.kind == "f" else array[::-1]
    array = array.copy()
    target = array
    if array.dtype.names is not None:
        target = array[str(rng.choice(array.dtype.names))]
    integers = [number for number in _NUMBERS if type(number) is int and -(2**63) <= number < 2**63]
    target.flat[rng.integers(target.size)] = integers[rng.integers(len(integers))]
    return array


def _states(codec: Any, state: tuple[Any, ...], rng: np.random.Generator) -> dict[str, Any]:
    parts = dict(zip(codec.parts, state, strict=False))
    for _ in range(rng.integers(0, 3)):
        name = str(rng.choice(codec.parts))
        if name == "dist_metric":
            parts[name] = list(METRICS.values())[rng.integers(len(METRICS))]
        elif isinstance(parts[name], np.ndarray):
            parts[name] = _forged(parts[name], rng)
        elif name == "sample_weight":
            parts[name] = np.ones(rng.integers(29, 32), rng.choice([np.float64, np.float32]))
        else:
            parts[name] = _NUMBERS[rng.integers(len(_NUMBERS))]
    return parts


def _passes(codec: Any, parts: dict[str, Any]) -> bool:
    try:
        codec.check(parts)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("name", TREES)
def test_a_tree_that_is_called_sound_passes(name):
    tree = TREES[name]()
    codec, state, rng = NeighborTreeCodec(type(tree)), tree.__getstate__(), np.random.default_rng(1)
    quick: Any = codec.quick_check()
    assert quick(list(state))
    assert not quick(list(state)[:-1])
    counts = {True: 0, False: 0}
    for _ in range(CASES):
        parts = _states(codec, state, rng)
        sound = quick([parts[part] for part in codec.parts])
        counts[sound] += 1
        assert _passes(codec, parts) or not sound, parts
    assert min(counts.values()) > CASES // 10


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_that_is_called_sound_passes(name):
    metric = METRICS[name]
    codec, state, rng = MetricCodec(type(metric)), metric.__getstate__(), np.random.default_rng(2)
    quick: Any = codec.quick_check()
    if name in ("mahalanobis", "function"):
        assert quick is None
        return
    assert quick(list(state))
    for _ in range(CASES // 4):
        parts = _states(codec, state, rng)
        assert _passes(codec, parts) or not quick([parts[part] for part in codec.parts]), parts


@pytest.mark.parametrize("name", METRICS)
def test_a_tree_may_have_a_metric_for_its_features_only(name):
    tree = KDTree(_X)
    codec, state = NeighborTreeCodec(KDTree), list(tree.__getstate__())
    state[codec.parts.index("dist_metric")] = METRICS[name]
    quick: Any = codec.quick_check()
    sound = quick(state)
    assert _passes(codec, dict(zip(codec.parts, state, strict=True))) or not sound
    if name not in ("function", "float32"):
        assert sound == (name in ("euclidean", "manhattan", "hamming"))


@pytest.mark.parametrize("format", ["binary", "json"])
def test_a_tree_is_read_in_one_pass(format):
    model = KNeighborsClassifier(algorithm="kd_tree").fit(_X, _X[:, 0] > 0.5)
    document = reflectio.dumps(model, format=format)
    reflectio.loads(document)  # the classes are known from then on
    assert read_in_one_pass(document)
    assert load_both_ways(document) == ""
    assert (reflectio.loads(document).predict(_X) == model.predict(_X)).all()


def _refused(document: dict[str, Any]) -> str:
    with pytest.raises(reflectio.ReflectioError) as caught:
        reflectio.loads(json.dumps(document))
    return str(caught.value)


def test_what_two_trees_share_is_copied_for_each():
    document = json.loads(reflectio.dumps([KDTree(_X), KDTree(_X)], format="json"))
    first, second = document["model"]
    first["idx_array"] = {
        "$": "ndarray",
        "$id": 7,
        **{k: v for k, v in first["idx_array"].items() if k != "$"},
    }
    second["idx_array"] = {"$": "ref", "id": 7}
    one, other = reflectio.loads(json.dumps(document))
    order, others = one.__getstate__()[1], other.__getstate__()[1]
    assert (order == others).all()
    assert not np.shares_memory(order, others)


def test_a_part_that_is_missing_or_comes_twice_is_refused_by_name():
    document = json.loads(reflectio.dumps(KDTree(_X), format="json"))
    node = document["model"]
    del node["n_calls"]
    assert "n_calls" in _refused(document)
    text = reflectio.dumps(KDTree(_X), format="json").replace(b'"n_calls"', b'"n_splits"')
    with pytest.raises(reflectio.ReflectioError, match="n_splits"):
        reflectio.loads(text)
