"""
Mutates documents of tree models, loads each, and uses whatever was loaded; for a process of its own.

``python tests/tree_fuzzer.py SEED COUNT [FILE]`` prints how many documents were refused and how many models were used.
FILE, if given, holds the document that is being tried, should the process not survive it.
"""

from __future__ import annotations

import copy
import io
import json
import random
import resource
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from typing import Any

import numpy as np
import sklearn.ensemble as ensemble
import sklearn.tree as tree
from scipy.sparse import csr_matrix
from sklearn.inspection import partial_dependence

import reflectio

N_FEATURES = 3

_INTEGERS = [
    -(2**63),
    -(2**31),
    -3,
    -2,
    -1,
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    100,
    255,
    256,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
]
_OTHERS = [None, True, False, "", "zero", 0.5, -0.0, 1e308, [], {}, [0], {"$": "float", "value": "nan"}]


def models() -> Iterator[Any]:
    """Give small fitted models of every family of trees."""
    rng = np.random.default_rng(0)
    # Few values each: histogram boosting looks only at categories with ten samples or more.
    X = rng.integers(0, 4, (60, N_FEATURES)).astype(float)
    y = X[:, 0] + X[:, 1] * X[:, 2]
    labels = y.astype(int) % 3
    fixed = {"random_state": 0}
    yield tree.DecisionTreeClassifier(max_depth=3, **fixed).fit(X, labels)
    yield tree.DecisionTreeClassifier(max_depth=2, **fixed).fit(X, np.column_stack([labels, labels > 0]))
    yield tree.ExtraTreeRegressor(max_depth=3, **fixed).fit(X, y)
    yield ensemble.RandomForestClassifier(2, max_depth=2, **fixed).fit(X, labels)
    yield ensemble.ExtraTreesRegressor(2, max_depth=2, **fixed).fit(X, y)
    yield ensemble.RandomTreesEmbedding(2, max_depth=2, **fixed).fit(X)
    yield ensemble.IsolationForest(n_estimators=2, max_samples=8, max_features=2, **fixed).fit(X)
    yield ensemble.BaggingClassifier(
        tree.DecisionTreeClassifier(max_depth=2), 2, max_features=2, **fixed
    ).fit(X, labels)
    yield ensemble.AdaBoostClassifier(n_estimators=2, **fixed).fit(X, labels)
    yield ensemble.GradientBoostingClassifier(n_estimators=2, max_depth=2, **fixed).fit(X, labels)
    yield ensemble.GradientBoostingClassifier(n_estimators=2, init="zero", max_depth=2, **fixed).fit(
        X, labels
    )
    yield ensemble.GradientBoostingRegressor(n_estimators=3, max_depth=2, loss="huber", **fixed).fit(X, y)
    linear = tree.DecisionTreeRegressor(max_depth=1)
    yield ensemble.GradientBoostingRegressor(n_estimators=2, max_depth=2, init=linear, **fixed).fit(X, y)
    hist = {"max_iter": 2, "min_samples_leaf": 2, "max_leaf_nodes": 4, **fixed}
    yield ensemble.HistGradientBoostingRegressor(**hist).fit(X, y)
    yield ensemble.HistGradientBoostingClassifier(categorical_features=[0, 2], **hist).fit(X, labels)
    yield ensemble.HistGradientBoostingRegressor(
        loss="quantile", quantile=0.3, categorical_features=[1], **hist
    ).fit(X, y)


def use(model: Any) -> None:
    """Call whatever a model offers that leads into compiled code, with data that fit it and data that do not."""
    rng = np.random.default_rng(1)
    with redirect_stdout(io.StringIO()):
        for n_features in (N_FEATURES, 1, 2, N_FEATURES + 2):
            X = rng.integers(-1, 7, (4, n_features)).astype(float)
            for data in (X, X[:1], csr_matrix(X), np.where(X == 2, np.nan, X)):
                for method in (
                    "predict",
                    "predict_proba",
                    "decision_function",
                    "apply",
                    "decision_path",
                    "transform",
                    "score_samples",
                    "staged_predict",
                ):
                    _try(lambda method=method, data=data: _run(getattr(model, method), data))
            _try(lambda X=X: partial_dependence(model, X, [0], method="recursion", kind="average"))
        for attribute in ("feature_importances_", "estimators_samples_", "n_iter_"):
            _try(lambda attribute=attribute: getattr(model, attribute))
        _try(lambda: model.get_n_leaves())
        _try(lambda: tree.export_text(model))
        _try(lambda: repr(model))
        _try(lambda: copy.deepcopy(model))
        X = rng.integers(0, 6, (12, N_FEATURES)).astype(float)
        for y in (np.arange(12) % 3, np.arange(12) % 5):
            _try(lambda y=y: copy.deepcopy(model).set_params(warm_start=True, n_estimators=4).fit(X, y))
        _try(lambda: copy.deepcopy(model).set_params(warm_start=True, max_iter=3).fit(X, np.arange(12) % 3))


def _run(method: Any, data: Any) -> None:
    found = method(data)
    if hasattr(found, "__next__"):
        list(found)


def _try(call: Any) -> None:
    # Nonsense may be answered with any exception; the process has to survive it.
    with suppress(Exception):
        call()


def mutate(document: dict[str, Any], rng: random.Random) -> None:
    """Change one to three places of a document's model."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        places = list(_places(document["model"]))
        # Numbers by themselves are what compiled code goes by; most are in the arrays of nodes.
        numbers = [place for place in places if type(place[0][place[1]]) is int]
        parent, key = rng.choice(numbers if numbers and rng.random() < 0.6 else places)
        choice = rng.random()
        if choice < 0.5:
            parent[key] = rng.choice(_INTEGERS)
        elif choice < 0.6:
            parent[key] = copy.deepcopy(rng.choice(_OTHERS))
        elif choice < 0.75:
            other, at = rng.choice(places)
            parent[key], other[at] = copy.deepcopy(other[at]), copy.deepcopy(parent[key])
        elif choice < 0.85:
            other, at = rng.choice(places)
            parent[key] = copy.deepcopy(other[at])
        elif type(parent) is list:
            if rng.random() < 0.5:
                del parent[key]
            else:
                parent.insert(key, copy.deepcopy(parent[key]))
        elif key != "$":
            del parent[key]


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    stack = [node]
    while stack:
        part = stack.pop()
        for key in part if type(part) is dict else range(len(part)):
            yield part, key
            if type(part[key]) in (dict, list):
                stack.append(part[key])


def run(seed: int, count: int, path: str | None = None) -> tuple[int, int]:
    """Try ``count`` mutated documents; give how many were refused, and how many models were used."""
    rng = random.Random(seed)
    sources = [reflectio.dumps(model, format="json") for model in models()]
    refused = used = 0
    for _ in range(count):
        document = json.loads(rng.choice(sources))
        mutate(document, rng)
        text = json.dumps(document)
        if path is not None:
            with open(path, "w") as file:
                file.write(text)
        try:
            model = reflectio.loads(text)
        except reflectio.ReflectioError:
            refused += 1
            continue
        used += 1
        use(model)
    return refused, used


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    print(*run(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4]))
