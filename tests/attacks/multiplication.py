"""Multiplication: small documents that have loading make many copies of one thing, or many labels of none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from attacks.attack import Attack, array, base64_text, text_of, view

_OWN = "own: a small document that has one thing copied for each of many objects"
_LABELS = "own: a small document with an index that only says how many labels it has"
_REF = {"$": "ref", "id": 1}

# In all, the copies would take gigabytes.
_TIMES = 3000
_LENGTH = 300_000


def _bytes(length: int = _LENGTH) -> dict[str, Any]:
    return array(base64_text(bytes(length)), "int8", [length], encoding="base64", **{"$id": 1})


def _node(obj: Any) -> Any:
    import reflectio

    return orjson.loads(reflectio.dumps(obj, format="json"))["model"]


def _repeated(make: Callable[[], Any], *members: str, times: int = _TIMES) -> Callable[[], bytes]:
    """The document of many objects that share some members of the first."""

    def document() -> bytes:
        first = _node(make())
        shared = {member: {"$": "ref", "id": number} for number, member in enumerate(members)}
        other = {**first, **shared}
        for number, member in enumerate(members):
            first[member]["$id"] = number
        return text_of([first, *(other for _ in range(times - 1))])

    return document


def _holders(name: str, member: str) -> bytes:
    return text_of([_bytes(), *({"$": name, member: _REF} for _ in range(_TIMES))])


def _views_of_features() -> bytes:
    views = [view(_REF, dtype="int8", shape=_LENGTH - number, stride=1) for number in range(_TIMES)]
    bagging = {
        "$": "sklearn.ensemble.BaggingClassifier",
        "estimators_": [0] * (_TIMES + 1),
        "estimators_features_": [_bytes(), *views],
        "n_features_in_": 1,
    }
    return text_of(bagging)


def _repeated_features() -> bytes:
    """All of one array, whose last feature does not exist."""
    first = array(base64_text(bytes(_LENGTH) + b"\x01"), "int8", [_LENGTH + 1], encoding="base64")
    bagging = {
        "$": "sklearn.ensemble.BaggingClassifier",
        "estimators_": [0] * (_TIMES + 1),
        "estimators_features_": [{**first, "$id": 1}, *([_REF] * _TIMES)],
        "n_features_in_": 1,
    }
    return text_of(bagging)


def _tree() -> Any:
    from sklearn.tree import DecisionTreeRegressor

    samples = np.arange(3000.0)
    return DecisionTreeRegressor().fit(samples[:, None], samples).tree_


def _neighbor_tree() -> Any:
    from sklearn.neighbors import KDTree

    return KDTree(np.zeros((30_000, 1)), leaf_size=2)


def _predictor() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    samples = np.arange(4000.0)
    model = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=1000, min_samples_leaf=1)
    return model.fit(samples[:, None], samples)._predictors[0][0]


def _sparse() -> bytes:
    from scipy.sparse import csr_array

    first = _node(csr_array(np.ones((1, 30_000))))
    shared = {name: {"$": "ref", "id": number} for number, name in enumerate(("data", "indices", "indptr"))}
    # Each of another shape: matrices of one shape share their copies.
    others = [{**first, **shared, "shape": [1, 30_000 + number]} for number in range(1, _TIMES)]
    for name, reference in shared.items():
        first[name]["$id"] = reference["id"]
    return text_of([first, *others])


def _dok() -> bytes:
    """Matrices that each make a dict of the same arrays."""
    count = 20_000
    first = {
        "$": "sparse",
        "format": "dok",
        "kind": "array",
        "shape": [1, count],
        "data": array(base64_text(bytes(count)), "int8", [count], encoding="base64"),
        "coords": [
            array(base64_text(bytes(2 * count)), "int16", [count], encoding="base64"),
            array(base64_text(np.arange(count, dtype="<i2").tobytes()), "int16", [count], encoding="base64"),
        ],
        "dtype": "int8",
    }
    again = {**first, "data": {"$": "ref", "id": 1}, "coords": [{"$": "ref", "id": 2}, {"$": "ref", "id": 3}]}
    for number, part in enumerate((first["data"], *first["coords"]), 1):
        part["$id"] = number
    return text_of([first, *([again] * 2000)])


def _frequent() -> Any:
    import pandas

    return pandas.date_range("2000", periods=30_000, freq="s")


def _nullable() -> Any:
    import pandas

    return pandas.array(np.zeros(_LENGTH, np.int8), dtype="Int8")


def _times() -> Any:
    import pandas

    return pandas.date_range("2000", periods=30_000, freq="s", tz="UTC")._values


def _intervals() -> Any:
    import pandas

    return pandas.arrays.IntervalArray.from_breaks(np.arange(30_001.0))


def _thresholds() -> bytes:
    """Isotonic regressions, each of which makes its function anew while its state is set."""
    model = {
        "$": "sklearn.isotonic.IsotonicRegression",
        "increasing": True,
        "out_of_bounds": "nan",
        "X_thresholds_": _REF,
        "y_thresholds_": _REF,
    }
    return text_of([array(list(range(30_000)), "int64", **{"$id": 1}), *(model for _ in range(_TIMES // 2))])


def _products() -> bytes:
    """Tensor splines, each of which lists the products of its basis functions."""
    degree = 30
    n_points = degree + 1
    coefficients = array([[[0.0] * n_points] * n_points] * n_points, shape=[n_points] * 3, **{"$id": 1})
    knots = array([float(i) for i in range(2 * degree + 2)], **{"$id": 2})
    name = "scipy.interpolate.NdBSpline"
    common = {"$": name, "k": [degree] * 3, "extrapolate": True}
    first = {"t": [knots, {"$": "ref", "id": 2}, {"$": "ref", "id": 2}], "c": coefficients}
    other = {**common, "t": [{"$": "ref", "id": 2}] * 3, "c": _REF}
    return text_of([{**common, **first}, *(other for _ in range(_TIMES // 3))])


_COPIES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "checked-labels": (
        "labels",
        lambda: _holders("sklearn.cluster.FeatureAgglomeration", "labels_"),
    ),
    "checked-samples": (
        "samples",
        lambda: _holders("sklearn.gaussian_process.GaussianProcessRegressor", "X_train_"),
    ),
    "views-of-features": ("features", _views_of_features),
    "trees": ("nodes", _repeated(_tree, "nodes", "values")),
    "neighbor-trees": (
        "samples' numbers",
        _repeated(_neighbor_tree, "data", "idx_array", "node_data", "node_bounds"),
    ),
    "predictors": ("nodes", _repeated(_predictor, "nodes", times=20_000)),
    "sparse-matrices": ("indices", _sparse),
    "nullable-arrays": ("masks", _repeated(_nullable, "data", "mask")),
    "times-with-zone": ("points in time", _repeated(_times, "data")),
    "dok-matrices": ("entries", _dok),
    "frequencies": ("points in time", _repeated(_frequent, "data")),
    "interval-bounds": ("bounds", _repeated(_intervals, "left", "right")),
    "thresholds": ("thresholds", _thresholds),
    "products": ("products of basis functions", _products),
}

_COUNTED = {"$": "pandas.RangeIndex", "start": 0, "stop": 10**9, "step": 1}
_SPARSE = {
    "$": "pandas.Index",
    "data": {
        "$": "pandas.arrays.SparseArray",
        "dtype": {"$": "pandas.SparseDtype", "subtype": {"$": "dtype", "name": "int64"}, "fill_value": 0},
        "values": array([1], "int64"),
        "indices": array([0], "int32"),
        "length": 2**31 - 1,
        "kind": "integer",
    },
}


def _labelled(labels: dict[str, Any]) -> dict[str, Any]:
    """Everything of pandas that makes an array of its labels."""
    codes = array([0], "int8")
    intervals = {"$": "pandas.arrays.IntervalArray", "left": labels, "right": labels, "closed": "both"}
    categorical = {"$": "pandas.Categorical", "codes": codes, "categories": labels}
    return {
        "levels": {"$": "pandas.MultiIndex", "levels": [labels], "codes": [codes], "names": [None]},
        "intervals": intervals,
        "interval-index": {"$": "pandas.IntervalIndex", "data": intervals},
        "categorical": categorical,
        "categorical-index": {"$": "pandas.CategoricalIndex", "data": categorical},
        "categories": {"$": "pandas.CategoricalDtype", "categories": labels},
    }


ATTACKS: list[Attack] = [
    *(
        Attack(
            f"copies-{name}",
            f"have the {what} of one object copied for thousands",
            _OWN,
            make,
            "LimitError",
            says="several objects share" if name != "interval-bounds" else "labels",
        )
        for name, (what, make) in _COPIES.items()
    ),
    Attack(
        "copies-features-joined",
        "have one array joined to itself thousands of times",
        _OWN,
        _repeated_features,
        "ValidationError",
        says="feature",
    ),
    *(
        Attack(
            f"{kind}-{name}",
            "have an array of 8 GB made of what takes no place",
            _LABELS,
            lambda node=node: text_of(node),  # type: ignore[misc]
            "LimitError",
            says="labels",
        )
        for kind, labels in (("counted", _COUNTED), ("sparse", _SPARSE))
        for name, node in _labelled(labels).items()
    ),
]
