"""Models of compiled trees: those at the edges load and predict the same, and no forged one reaches compiled code."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.linear_model import BayesianRidge, LinearRegression
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

import reflectio

_rng = np.random.default_rng(0)
# Few values each: histogram boosting looks only at categories with ten samples or more.
X = _rng.integers(0, 4, (120, 4)).astype(float)
y = X[:, 0] + X[:, 1] * X[:, 2] + X[:, 3] ** 2
labels = (X.sum(axis=1) + X[:, 0] * 7).astype(int) % 3
missing = np.where(X == 3, np.nan, X)
frame = pd.DataFrame(X, columns=list("abcd")).assign(c=lambda data: pd.Categorical(data["c"].astype(str)))


# Models at the edges ------------------------------------------------------------------------------------


def _grown_in_two_steps(model: Any) -> Any:
    return model.fit(X, labels).set_params(n_estimators=5).fit(X, labels)


EDGES: dict[str, tuple[Callable[[], Any], Any]] = {
    "a tree that is one leaf": (lambda: DecisionTreeRegressor().fit(X, np.ones(120)), X),
    "one sample": (lambda: DecisionTreeClassifier().fit(X[:1], [0]), X),
    "one class": (lambda: RandomForestClassifier(3).fit(X, np.zeros(120)), X),
    "a thousand classes": (
        lambda: RandomForestClassifier(2, max_depth=4).fit(_rng.random((1000, 4)), np.arange(1000)),
        X,
    ),
    "several outputs": (
        lambda: ExtraTreesRegressor(3, max_depth=4).fit(X, np.column_stack([y, -y, y * y])),
        X,
    ),
    "outputs with different classes": (
        lambda: RandomForestClassifier(3, max_depth=4).fit(X, np.column_stack([labels, labels > 0])),
        X,
    ),
    "names for classes": (lambda: ExtraTreeClassifier().fit(X, np.array(["a", "b", "c"])[labels]), X),
    "best-first growth": (lambda: DecisionTreeClassifier(max_leaf_nodes=9).fit(X, labels), X),
    "pruning": (lambda: DecisionTreeRegressor(ccp_alpha=5.0).fit(X, y), X),
    "pruning to one leaf": (lambda: DecisionTreeRegressor(ccp_alpha=1e9).fit(X, y), X),
    "monotonic constraints": (
        lambda: RandomForestRegressor(3, monotonic_cst=[1, 0, -1, 0], max_depth=4).fit(X, y),
        X,
    ),
    "missing values": (lambda: DecisionTreeClassifier().fit(missing, labels), missing),
    "a forest grown in two steps": (
        lambda: _grown_in_two_steps(RandomForestClassifier(2, warm_start=True)),
        X,
    ),
    "boosting grown in two steps": (
        lambda: _grown_in_two_steps(GradientBoostingClassifier(n_estimators=2, warm_start=True)),
        X,
    ),
    "an embedding": (lambda: RandomTreesEmbedding(3, max_depth=3).fit(X), X),
    "isolation with some features": (lambda: IsolationForest(n_estimators=3, max_features=2).fit(X), X),
    "bagged trees with some features": (
        lambda: BaggingClassifier(n_estimators=3, max_features=2).fit(X, labels),
        X,
    ),
    "boosting for two classes": (
        lambda: GradientBoostingClassifier(n_estimators=2, loss="exponential").fit(X, labels > 0),
        X,
    ),
    "boosting with a quantile": (
        lambda: GradientBoostingRegressor(n_estimators=2, loss="quantile", alpha=0.2).fit(X, y),
        X,
    ),
    "boosting without early trees": (
        lambda: GradientBoostingClassifier(n_estimators=9, n_iter_no_change=1, tol=1.0).fit(X, labels),
        X,
    ),
    "boosting from zero": (lambda: GradientBoostingClassifier(n_estimators=2, init="zero").fit(X, labels), X),
    "boosting from a linear model": (
        lambda: GradientBoostingRegressor(n_estimators=2, init=LinearRegression()).fit(X, y),
        X,
    ),
    "boosting from a model that kept no scores": (
        lambda: GradientBoostingRegressor(n_estimators=2, init=BayesianRidge()).fit(X, y),
        X,
    ),
    "boosting from a support vector machine": (
        lambda: GradientBoostingRegressor(n_estimators=2, init=SVR()).fit(X, y),
        X,
    ),
    "boosting from a forest": (
        lambda: GradientBoostingClassifier(n_estimators=2, init=RandomForestClassifier(2)).fit(X, labels),
        X,
    ),
    "histogram boosting": (lambda: HistGradientBoostingRegressor(max_iter=3).fit(missing, y), missing),
    "histogram boosting of leaves": (lambda: HistGradientBoostingRegressor(max_iter=2).fit(X[:9], y[:9]), X),
    "histogram boosting of categories": (
        lambda: HistGradientBoostingClassifier(
            max_iter=3, categorical_features=[0, 3], min_samples_leaf=2
        ).fit(missing, labels),
        missing,
    ),
    "histogram boosting of a data frame": (
        lambda: HistGradientBoostingClassifier(
            max_iter=3, categorical_features="from_dtype", min_samples_leaf=2
        ).fit(frame, labels),
        frame,
    ),
    "histogram boosting of nothing but categories": (
        lambda: HistGradientBoostingClassifier(
            max_iter=2, categorical_features=[0, 1, 2, 3], min_samples_leaf=2
        ).fit(X, labels > 0),
        X,
    ),
    "histogram boosting for two classes": (
        lambda: HistGradientBoostingClassifier(max_iter=2).fit(X, labels > 0),
        X,
    ),
    "histogram boosting with a quantile": (
        lambda: HistGradientBoostingRegressor(max_iter=2, loss="quantile", quantile=0.9).fit(X, y),
        X,
    ),
    "histogram boosting with a gamma loss": (
        lambda: HistGradientBoostingRegressor(max_iter=2, loss="gamma").fit(X, y + 1),
        X,
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["binary", "json"])
@pytest.mark.parametrize("name", EDGES)
def test_a_model_at_the_edge_loads_and_predicts_the_same(name: str, format: str) -> None:
    make, data = EDGES[name]
    model = make()
    loaded = reflectio.loads(reflectio.dumps(model, format=format))
    methods = [
        method
        for method in ("predict", "predict_proba", "decision_function", "apply", "transform", "score_samples")
        if hasattr(model, method)
    ]
    assert methods
    for method in methods:
        expected, found = getattr(model, method)(data), getattr(loaded, method)(data)
        if method == "transform":
            expected, found = expected.toarray(), found.toarray()
        parts = zip(expected, found, strict=True) if type(expected) is list else [(expected, found)]
        for one, other in parts:
            np.testing.assert_array_equal(one, other, strict=True)


def test_an_unfitted_model_loads() -> None:
    for model in (
        DecisionTreeClassifier(),
        RandomForestClassifier(),
        HistGradientBoostingRegressor(),
        IsolationForest(),
    ):
        assert repr(reflectio.loads(reflectio.dumps(model))) == repr(model)


# Forgeries ----------------------------------------------------------------------------------------------


@cache
def _document(kind: str) -> str:
    """The document of a small model of each kind."""
    made: Any = {
        "tree": lambda: DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, labels),
        "outputs": lambda: DecisionTreeClassifier(max_depth=2).fit(X, np.column_stack([labels, labels > 0])),
        "regressor": lambda: DecisionTreeRegressor(max_depth=2, random_state=0).fit(X, y),
        "forest": lambda: RandomForestClassifier(3, max_depth=2, random_state=0).fit(X, labels),
        "values": lambda: RandomForestRegressor(2, max_depth=2, random_state=0).fit(X, y),
        "isolation": lambda: IsolationForest(
            n_estimators=2, max_samples=9, max_features=2, random_state=0
        ).fit(X),
        "bagging": lambda: BaggingClassifier(n_estimators=2, max_features=2, random_state=0).fit(X, labels),
        "boosting": lambda: GradientBoostingRegressor(n_estimators=2, max_depth=2, random_state=0).fit(X, y),
        "classes": lambda: GradientBoostingClassifier(n_estimators=2, max_depth=2, random_state=0).fit(
            X, labels
        ),
        "linear": lambda: GradientBoostingRegressor(n_estimators=2, init=LinearRegression()).fit(X, y),
        "hist": lambda: HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=5, random_state=0).fit(
            X, y
        ),
        "categories": lambda: HistGradientBoostingClassifier(
            max_iter=2, min_samples_leaf=2, categorical_features=[0, 3], random_state=0
        ).fit(X, labels),
        "quantile": lambda: HistGradientBoostingRegressor(max_iter=1, loss="quantile", quantile=0.5).fit(
            X, y
        ),
    }[kind]()
    return reflectio.dumps(made, format="json").decode()


def _dtype(model: Any, nodes: Any) -> dict[str, Any]:
    """The description of the nodes' dtype, which the document may hold elsewhere."""
    found = nodes["dtype"]
    if found["$"] != "ref":
        return found
    stack = [model]
    while stack:
        part = stack.pop()
        if type(part) is dict:
            if part.get("$id") == found["id"] and part["$"] == "dtype":
                return part
            stack.extend(part.values())
        elif type(part) is list:
            stack.extend(part)
    raise AssertionError("no dtype")


def _node(path: str, row: int, **fields: Any) -> Callable[[Any], None]:
    """Set fields of one node of a tree."""

    def forge(model: Any) -> None:
        nodes = _at(model, path)
        names = _dtype(model, nodes)["names"]
        for name, value in fields.items():
            nodes["data"][row][names.index(name)] = value

    return forge


def _at(model: Any, path: str) -> Any:
    for part in re.findall(r"[^.\[\]]+", path):
        model = model[int(part)] if type(model) is list else model[part]
    return model


def _set(path: str, value: Any) -> Callable[[Any], None]:
    def forge(model: Any) -> None:
        head, _, last = path.rpartition("/")
        parent = _at(model, head)
        parent[int(last) if type(parent) is list else last] = copy.deepcopy(value)

    return forge


def _drop(path: str) -> Callable[[Any], None]:
    def forge(model: Any) -> None:
        head, _, last = path.rpartition("/")
        parent = _at(model, head)
        del parent[int(last) if type(parent) is list else last]

    return forge


def _array(dtype: str, shape: list[int], data: Any) -> dict[str, Any]:
    return {"$": "ndarray", "dtype": dtype, "shape": shape, "data": data}


def _swap_fields(one: str, other: str) -> Callable[[Any], None]:
    """Name the fields of nodes in another order: they are converted by position, not by name."""

    def forge(model: Any) -> None:
        nodes = _at(model, "tree_.nodes")
        names = _dtype(model, nodes)["names"]
        i, j = names.index(one), names.index(other)
        names[i], names[j] = names[j], names[i]
        for row in nodes["data"]:
            row[i], row[j] = row[j], row[i]

    return forge


def _widen(path: str) -> Callable[[Any], None]:
    """Let one tree, and its estimator, know two features more than the ensemble does."""

    def forge(model: Any) -> None:
        estimator = _at(model, path)
        estimator["n_features_in_"] += 2
        estimator["tree_"]["$args"][0] += 2

    return forge


def _swap_partial(model: Any) -> None:
    function = _at(model, "_preprocessor.transformers_[1].items[1].func")
    function["func"]["name"] = "sklearn.utils.check_consistent_length"


_ENCODER = "_preprocessor.transformers_[0].items"

FORGERIES: list[tuple[str, Callable[[Any], None], str]] = [
    # The compiled tree.
    ("tree", _node("tree_.nodes", 0, left_child=99), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, right_child=99), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, left_child=-2), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, left_child=2**62), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, left_child=0), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 1, left_child=0), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, left_child=-1), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, right_child=-1), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, left_child=-1, right_child=-1), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, left_child=2, right_child=2), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", -1, left_child=1, right_child=2), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, feature=4), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, feature=-1), r"$.model.tree_"),
    ("tree", _node("tree_.nodes", 0, feature=2**31), r"$.model.tree_"),
    ("tree", _set("tree_/max_depth", 0), r"$.model.tree_"),
    ("tree", _set("tree_/max_depth", 2), r"$.model.tree_"),
    ("tree", _set("tree_/max_depth", 10**12), r"$.model.tree_"),
    ("tree", _set("tree_/max_depth", -1), r"$.model.tree_"),
    ("tree", _set("tree_/max_depth", {"$": "int", "value": "1" + "0" * 30}), r"$.model.tree_"),
    ("tree", _set("tree_/max_depth", 3.5), r"$.model.tree_.max_depth"),
    ("tree", _set("tree_/node_count", 10**9), r"$.model.tree_.nodes"),
    ("tree", _set("tree_/node_count", 1), r"$.model.tree_.nodes"),
    ("tree", _set("tree_/node_count", None), r"$.model.tree_.node_count"),
    ("tree", _drop("tree_/values"), r"$.model.tree_"),
    ("tree", _set("tree_/extra", 1), r"$.model.tree_"),
    ("tree", _set("tree_/nodes", None), r"$.model.tree_.nodes"),
    ("tree", _set("tree_/nodes", _array("int64", [1], [0])), r"$.model.tree_.nodes"),
    ("tree", _set("tree_/values", _array("float64", [1, 1, 3], [[[0.0] * 3]])), r"$.model.tree_.values"),
    ("tree", _set("tree_.values/dtype", "float32"), r"$.model.tree_.values"),
    ("tree", _set("tree_.nodes.dtype.formats/0", "float64"), r"$.model.tree_"),
    ("tree", _set("tree_.nodes.dtype.offsets/1", 0), r"$.model.tree_.nodes"),
    ("tree", _swap_fields("right_child", "n_node_samples"), r"$.model.tree_"),
    ("tree", _swap_fields("feature", "n_node_samples"), r"$.model.tree_"),
    ("tree", _set("tree_.$args/0", 2), r"$.model.tree_"),
    ("tree", _set("tree_.$args/0", -1), r"$.model.tree_['$args']"),
    ("tree", _set("tree_.$args/0", 2**40), r"$.model.tree_['$args']"),
    ("tree", _set("tree_.$args/0", True), r"$.model.tree_['$args']"),
    ("tree", _set("tree_.$args/2", 2), r"$.model.tree_['$args']"),
    ("tree", _set("tree_.$args/2", 0), r"$.model.tree_['$args']"),
    ("tree", _set("tree_.$args/1", _array("int64", [1], [0])), r"$.model.tree_['$args']"),
    ("tree", _set("tree_.$args/1", _array("int64", [1], [2])), r"$.model.tree_.values"),
    ("tree", _set("tree_.$args/1", _array("int64", [1], [2**40])), r"$.model.tree_['$args']"),
    ("tree", _set("tree_.$args/1", _array("int32", [1], [3])), r"$.model.tree_['$args']"),
    ("tree", _set("tree_.$args/1", None), r"$.model.tree_['$args']"),
    ("tree", _drop("tree_.$args/2"), r"$.model.tree_['$args']"),
    # Estimators of one tree.
    ("tree", _set("/tree_", None), r"$.model.tree_"),
    ("tree", _set("/tree_", {"$": "sklearn.utils.Bunch"}), r"$.model.tree_"),
    ("tree", _set("/n_features_in_", 3), r"$.model.n_features_in_"),
    (
        "tree",
        _set("/n_features_in_", {"$": "scalar", "dtype": "float64", "value": 4.0}),
        r"$.model.n_features_in_",
    ),
    ("tree", _drop("/n_features_in_"), r"$.model.n_features_in_"),
    ("tree", _set("/n_outputs_", 2), r"$.model.n_outputs_"),
    ("tree", _set("/n_classes_", 10**10), r"$.model.n_classes_"),
    ("tree", _set("/classes_", _array("int64", [2], [0, 1])), r"$.model.classes_"),
    ("outputs", _drop("classes_/1"), r"$.model.classes_"),
    ("outputs", _set("/n_classes_", [3, 9]), r"$.model.n_classes_"),
    ("regressor", _set("/n_features_in_", 5), r"$.model.n_features_in_"),
    # Ensembles.
    ("forest", _widen("estimators_[1]"), r"$.model.n_features_in_"),
    ("forest", _set("/n_features_in_", 9), r"$.model.n_features_in_"),
    ("forest", _drop("/n_features_in_"), r"$.model.n_features_in_"),
    ("forest", _set("estimators_/1", None), r"$.model.estimators_[1]"),
    ("forest", _drop("estimators_[1]/tree_"), r"$.model.estimators_[1]"),
    ("forest", _set("/estimators_", {"one": 1}), r"$.model.estimators_"),
    ("forest", _set("/n_classes_", 10**10), r"$.model.n_classes_"),
    ("forest", _set("/n_outputs_", 10**10), r"$.model.n_outputs_"),
    ("forest", _set("estimator/min_samples_split", -5), r"$.model.estimator.min_samples_split"),
    ("forest", _node("estimators_[2].tree_.nodes", 0, left_child=99), r"$.model.estimators_[2].tree_"),
    ("values", _set("/n_outputs_", 2), r"$.model.n_outputs_"),
    ("isolation", _widen("estimators_[0]"), r"$.model.estimators_[0]"),
    ("isolation", _set("estimators_features_[1].data/0", 99), r"$.model.estimators_features_"),
    ("isolation", _set("estimators_features_[1].data/0", -1), r"$.model.estimators_features_"),
    ("isolation", _drop("_decision_path_lengths.items/0"), r"$.model._decision_path_lengths"),
    (
        "isolation",
        _set("_decision_path_lengths.items/0", _array("float64", [0], [])),
        r"$.model._decision_path_lengths[0]",
    ),
    ("bagging", _drop("estimators_features_/0"), r"$.model.estimators_features_"),
    ("bagging", _set("/n_classes_", 10**10), r"$.model.n_classes_"),
    # Gradient boosting: compiled code adds each tree's column to the initial prediction without looking.
    ("boosting", _widen("estimators_.data[1][0]"), r"$.model.n_features_in_"),
    ("boosting", _set("estimators_.data[1]/0", None), r"$.model.estimators_[1]"),
    ("boosting", _set("estimators_.data[1]/0", {"$": "sklearn.utils.Bunch"}), r"$.model.estimators_[1]"),
    ("boosting", _set("init_/n_outputs_", 0), r"$.model.init_.n_outputs_"),
    ("boosting", _set("/n_trees_per_iteration_", 0), r"$.model.n_trees_per_iteration_"),
    ("boosting", _set("/_loss", {"$": "sklearn.utils.Bunch"}), r"$.model._loss"),
    ("boosting", _set("_loss/is_multiclass", True), r"$.model._loss"),
    ("boosting", _set("_loss.closs/$", "sklearn._loss._loss.CyAbsoluteError"), r"$.model._loss.closs"),
    ("boosting", _set("_loss.link/$", "sklearn._loss.link.MultinomialLogit"), r"$.model._loss.link"),
    ("linear", _set("init/intercept_", _array("float64", [0], [])), r"$.model.init.intercept_"),
    ("linear", _set("init/intercept_", []), r"$.model.init.intercept_"),
    ("linear", _set("init/coef_", _array("float64", [0, 4], [])), r"$.model.init.coef_"),
    (
        "linear",
        _set(
            "/init_",
            {
                "$": "sklearn.preprocessing.FunctionTransformer",
                "func": {"$": "callable", "name": "numpy.mean"},
            },
        ),
        r"$.model.init_.func",
    ),
    (
        "classes",
        _set("init_/class_prior_", _array("float64", [2], [0.5, 0.5])),
        r"$.model.init_.class_prior_",
    ),
    ("classes", _set("init_/class_prior_", _array("float64", [0, 3], [])), r"$.model.init_.class_prior_"),
    ("classes", _set("init_/n_classes_", 2), r"$.model.init_.n_classes_"),
    ("classes", _set("_loss/n_classes", 2), r"$.model._loss.n_classes"),
    ("classes", _set("/n_classes_", 2), r"$.model.n_classes_"),
    ("classes", _set("/init_", {"$": "sklearn.naive_bayes.GaussianNB"}), r"$.model.init_"),
    # Histogram gradient boosting.
    ("hist", _node("_predictors[1][0].nodes", 0, left=999), r"$.model._predictors[1][0].nodes"),
    ("hist", _node("_predictors[1][0].nodes", 0, right=2**32 - 1), r"$.model._predictors[1][0].nodes"),
    ("hist", _node("_predictors[0][0].nodes", 0, left=0), r"$.model._predictors[0][0].nodes"),
    ("hist", _node("_predictors[0][0].nodes", 0, left=2, right=2), r"$.model._predictors[0][0].nodes"),
    ("hist", _node("_predictors[0][0].nodes", -1, is_leaf=0), r"$.model._predictors[0][0].nodes"),
    ("hist", _node("_predictors[0][0].nodes", 0, is_leaf=1), r"$.model._predictors[0][0].nodes"),
    ("hist", _node("_predictors[0][0].nodes", 0, feature_idx=4), r"$.model._predictors"),
    ("hist", _node("_predictors[0][0].nodes", 0, feature_idx=-1), r"$.model._predictors[0][0].nodes"),
    ("hist", _node("_predictors[0][0].nodes", 0, is_categorical=1), r"$.model._predictors[0][0].nodes"),
    ("hist", _set("_predictors[0][0]/nodes", _array("float64", [1], [0.0])), r"$.model._predictors[0][0]"),
    ("hist", _drop("_predictors[0][0]/nodes"), r"$.model._predictors[0][0]"),
    (
        "hist",
        _set("_predictors[0][0]/raw_left_cat_bitsets", _array("uint32", [0, 7], [])),
        r"$.model._predictors[0][0].raw_left_cat_bitsets",
    ),
    ("hist", _set("_predictors[0]/0", None), r"$.model._predictors"),
    ("hist", _set("/_predictors", [[], []]), r"$.model.n_trees_per_iteration_"),
    ("hist", _set("/n_trees_per_iteration_", 0), r"$.model.n_trees_per_iteration_"),
    ("hist", _set("/n_trees_per_iteration_", 10**10), r"$.model.n_trees_per_iteration_"),
    ("hist", _set("/n_features_in_", 3), r"$.model._n_features"),
    ("hist", _drop("/n_features_in_"), r"$.model.n_features_in_"),
    ("hist", _set("/_in_fit", True), r"$.model._in_fit"),
    ("hist", _set("/_baseline_prediction", None), r"$.model._baseline_prediction"),
    ("hist", _set("/_bin_mapper", None), r"$.model._bin_mapper"),
    (
        "hist",
        _set("_bin_mapper/is_categorical_", _array("uint8", [1], [0])),
        r"$.model._bin_mapper.is_categorical_",
    ),
    ("hist", _drop("_bin_mapper.bin_thresholds_/0"), r"$.model._bin_mapper.bin_thresholds_"),
    ("hist", _set("_bin_mapper.bin_thresholds_/0", None), r"$.model._bin_mapper.bin_thresholds_[0]"),
    ("hist", _set("_bin_mapper/n_threads", 10**9), r"$.model._bin_mapper.n_threads"),
    (
        "hist",
        _set("_bin_mapper/missing_values_bin_idx_", 256),
        r"$.model._bin_mapper.missing_values_bin_idx_",
    ),
    ("hist", _set("/loss", {"$": "sklearn._loss.HalfMultinomialLoss", "n_classes": 2}), r"$.model.loss"),
    ("quantile", _set("_loss.closs.$args/0", 1.5), r"$.model._loss.closs"),
    ("categories", _set("_bin_mapper.is_categorical_/data", [0, 0, 0, 0]), r"$.model._predictors"),
    ("categories", _set("/_preprocessor", {"$": "sklearn.decomposition.PCA"}), r"$.model._preprocessor"),
    ("categories", _set("_preprocessor/n_features_in_", 3), r"$.model._preprocessor.n_features_in_"),
    ("categories", _set("_preprocessor/transformer_weights", {"encoder": 1.0}), r"$.model._preprocessor"),
    ("categories", _set(f"{_ENCODER}/1", "drop"), r"$.model._preprocessor.transformers_"),
    ("categories", _set(f"{_ENCODER}/1", "passthrough"), r"$.model._preprocessor.transformers_[0]"),
    ("categories", _set(f"{_ENCODER}/2", [0, 3]), r"$.model._preprocessor.transformers_[0]"),
    ("categories", _drop("_preprocessor/transformers_"), r"$.model._preprocessor"),
    (
        "categories",
        _set("_preprocessor._transformer_to_input_indices/encoder", [0]),
        r"$.model._preprocessor._transformer_to_input_indices",
    ),
]


@pytest.mark.parametrize(
    ("kind", "forge", "path"),
    FORGERIES,
    ids=[f"{index}-{kind}-{path}" for index, (kind, _, path) in enumerate(FORGERIES)],
)
@pytest.mark.filterwarnings("ignore:Trying to unpickle")
def test_a_forged_model_is_refused_where_it_was_forged(
    kind: str, forge: Callable[[Any], None], path: str
) -> None:
    document = json.loads(_document(kind))
    forge(document["model"])
    assert document != json.loads(_document(kind))
    with pytest.raises(reflectio.ReflectioError) as caught:
        reflectio.loads(json.dumps(document))
    assert str(caught.value).startswith(path)
    assert isinstance(caught.value, reflectio.ValidationError | reflectio.DocumentError)


def test_the_models_with_categories_split_by_them() -> None:
    for name in ("histogram boosting of categories", "histogram boosting of a data frame"):
        model = EDGES[name][0]()
        assert any(tree.nodes["is_categorical"].any() for trees in model._predictors for tree in trees)


@pytest.mark.parametrize("kind", ["tree", "forest", "boosting", "classes", "hist", "categories", "isolation"])
def test_what_was_not_forged_loads(kind: str) -> None:
    assert reflectio.loads(_document(kind)) is not None


def test_no_other_array_shares_the_memory_of_histogram_nodes() -> None:
    """Training that goes on elsewhere in the document could change the nodes after they were checked."""
    model = HistGradientBoostingRegressor(max_iter=1, min_samples_leaf=5).fit(X, y)
    document = json.loads(reflectio.dumps([model._predictors[0][0], 0], format="json"))
    nodes = document["model"][0]["nodes"]
    nodes["$id"] = 77
    document["model"][1] = {"$": "ref", "id": 77}
    predictor, view = reflectio.loads(json.dumps(document))
    before = predictor.nodes.copy()
    view["left"] = 255
    np.testing.assert_array_equal(predictor.nodes, before)
