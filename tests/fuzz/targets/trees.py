"""Models of compiled trees: decision trees and their ensembles, gradient boosting, histogram gradient boosting."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn import ensemble, linear_model, tree
from sklearn.inspection import partial_dependence

from fuzz.target import Attack, Target

N_FEATURES = 3

_rng = np.random.default_rng(0)
# Few values each: histogram boosting looks only at categories with ten samples or more.
_X = _rng.integers(0, 4, (60, N_FEATURES)).astype(float)
_Y = _X[:, 0] + _X[:, 1] * _X[:, 2]
_LABELS = _Y.astype(int) % 3
_PAIRS = np.column_stack([_LABELS, _LABELS > 0])
_FIXED: dict[str, Any] = {"random_state": 0}
_SMALL: dict[str, Any] = {"n_estimators": 2, "max_depth": 2, **_FIXED}
_SEVERAL: dict[str, Any] = {**_SMALL, "n_estimators": 5}
_HIST: dict[str, Any] = {"max_iter": 2, "min_samples_leaf": 2, "max_leaf_nodes": 4, **_FIXED}

_fitted = {
    "tree": lambda: tree.DecisionTreeClassifier(max_depth=3, **_FIXED).fit(_X, _LABELS),
    "tree of two outputs": lambda: tree.DecisionTreeClassifier(max_depth=2, **_FIXED).fit(_X, _PAIRS),
    "tree of values": lambda: tree.ExtraTreeRegressor(max_depth=3, **_FIXED).fit(_X, _Y),
    "forest": lambda: ensemble.RandomForestClassifier(**_SMALL).fit(_X, _LABELS),
    "forest of two outputs": lambda: ensemble.ExtraTreesClassifier(**_SMALL).fit(_X, _PAIRS),
    "forest of values": lambda: ensemble.ExtraTreesRegressor(**_SMALL).fit(_X, _Y),
    "forest of leaves": lambda: ensemble.RandomTreesEmbedding(**_SMALL).fit(_X),
    "isolation": lambda: ensemble.IsolationForest(
        n_estimators=2, max_samples=8, max_features=2, **_FIXED
    ).fit(_X),
    "bagging": lambda: ensemble.BaggingClassifier(
        tree.DecisionTreeClassifier(max_depth=2), 2, max_features=2, **_FIXED
    ).fit(_X, _LABELS),
    "adaptive": lambda: ensemble.AdaBoostClassifier(n_estimators=2, **_FIXED).fit(_X, _LABELS),
    "boosting": lambda: ensemble.GradientBoostingClassifier(**_SMALL).fit(_X, _LABELS),
    "boosting from zero": lambda: ensemble.GradientBoostingClassifier(init="zero", **_SMALL).fit(_X, _LABELS),
    "boosting by Huber's loss": lambda: ensemble.GradientBoostingRegressor(loss="huber", **_SMALL).fit(
        _X, _Y
    ),
    "boosting from a tree": lambda: ensemble.GradientBoostingRegressor(
        init=tree.DecisionTreeRegressor(max_depth=1), **_SMALL
    ).fit(_X, _Y),
    "boosting from a regression": lambda: ensemble.GradientBoostingClassifier(
        init=linear_model.LogisticRegression(), **_SMALL
    ).fit(_X, _LABELS),
    "boosting from votes": lambda: ensemble.GradientBoostingClassifier(
        init=ensemble.AdaBoostClassifier(n_estimators=2), **_SMALL
    ).fit(_X, _LABELS),
    "boosting from a line": lambda: ensemble.GradientBoostingRegressor(
        init=linear_model.LinearRegression(), **_SMALL
    ).fit(_X, _Y),
    "histogram": lambda: ensemble.HistGradientBoostingRegressor(**_HIST).fit(_X, _Y),
    "histogram, categories": lambda: ensemble.HistGradientBoostingClassifier(
        categorical_features=[0, 2], **_HIST
    ).fit(_X, _LABELS),
    "histogram, quantile": lambda: ensemble.HistGradientBoostingRegressor(
        loss="quantile", quantile=0.3, categorical_features=[1], **_HIST
    ).fit(_X, _Y),
    # Of so many members lists are written as rows.
    "rows of a forest": lambda: ensemble.RandomForestClassifier(**_SEVERAL).fit(_X, _LABELS),
    "rows of a forest of two outputs": lambda: ensemble.ExtraTreesClassifier(**_SEVERAL).fit(_X, _PAIRS),
    "rows of a forest of values": lambda: ensemble.ExtraTreesRegressor(**_SEVERAL).fit(_X, _Y),
    "rows of an isolation": lambda: ensemble.IsolationForest(
        n_estimators=5, max_samples=8, max_features=2, **_FIXED
    ).fit(_X),
    "rows of a bagging": lambda: ensemble.BaggingClassifier(
        tree.DecisionTreeClassifier(max_depth=2), 5, max_features=2, **_FIXED
    ).fit(_X, _LABELS),
    "rows of an adaptive": lambda: ensemble.AdaBoostClassifier(n_estimators=5, **_FIXED).fit(_X, _LABELS),
    "rows of boosting": lambda: ensemble.GradientBoostingClassifier(**_SEVERAL).fit(_X, _LABELS),
    "rows of histogram boosting": lambda: ensemble.HistGradientBoostingClassifier(
        categorical_features=[0, 2], **{**_HIST, "max_iter": 5}
    ).fit(_X, _LABELS),
}
SUBJECTS: dict[str, Callable[[], Any]] = dict(_fitted)


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


TARGET = Target(
    "trees",
    SUBJECTS,
    use,
    (
        Attack("trees.TreeCodec", "tree, forest, isolation", "$args nodes values node_count max_depth"),
        Attack("trees.check_trees", "tree, forest, boosting", "nodes max_depth"),
        Attack(
            "trees.check_decision_tree trees.check_classes",
            "tree",
            "tree_ n_features_in_ n_outputs_ n_classes_ classes_ max_features_",
        ),
        Attack(
            "ensembles.check_forest ensembles.check_features ensembles.compiled_trees",
            "forest",
            "estimators_ n_features_in_ n_outputs_ tree_",
        ),
        Attack(
            "ensembles._check_template",
            "forest",
            "estimator max_depth min_samples_split min_samples_leaf max_leaf_nodes ccp_alpha",
        ),
        Attack(
            "ensembles._check_forest_classes",
            "forest, forest of two outputs",
            "n_classes_ classes_ estimators_ tree_",
        ),
        Attack(
            "ensembles._check_forest_values",
            "forest of values, forest of leaves, forest",
            "estimators_ tree_",
        ),
        Attack(
            "ensembles.check_bagging", "bagging, isolation", "estimators_features_ estimators_ n_features_in_"
        ),
        Attack(
            "ensembles.check_isolation_forest",
            "isolation",
            "_decision_path_lengths _average_path_length_per_tree estimators_",
        ),
        Attack("ensembles.check_number_of_classes", "bagging, adaptive", "n_classes_ classes_"),
        Attack(
            "gradient_boosting.check_boosting",
            "boosting",
            "estimators_ n_classes_ classes_ n_trees_per_iteration_ init_",
        ),
        Attack("gradient_boosting.check_link", "boosting, histogram", "_loss n_classes link"),
        Attack(
            "gradient_boosting._check_initial gradient_boosting._check_start?",
            "boosting, boosting from a regression",
            "init_ n_outputs_ class_prior_ coef_",
        ),
        Attack("gradient_boosting._check_votes", "boosting from votes", "estimators_ n_outputs_ classes_"),
        Attack("gradient_boosting._check_not_empty", "boosting from a line", "init_ coef_ intercept_ rank_"),
        Attack(
            "gradient_boosting.check_loss",
            "boosting, histogram",
            "closs link is_multiclass n_classes quantile",
        ),
        Attack(
            "histogram_boosting.PredictorCodec",
            "histogram",
            "nodes binned_left_cat_bitsets raw_left_cat_bitsets",
        ),
        Attack("histogram_boosting.check_predictors", "histogram", "nodes"),
        Attack(
            "histogram_boosting.check_bin_mapper",
            "histogram",
            "is_categorical_ n_bins_non_missing_ bin_thresholds_ missing_values_bin_idx_ n_threads",
        ),
        Attack(
            "histogram_boosting.check_hist_boosting",
            "histogram",
            "_predictors n_trees_per_iteration_ _baseline_prediction _in_fit classes_ loss",
        ),
        Attack(
            "histogram_boosting._check_predicted_features",
            "histogram",
            "n_features_in_ _n_features _bin_mapper is_categorical_ _preprocessor _predictors nodes",
        ),
        Attack(
            "histogram_boosting._check_preprocessor",
            "histogram, categories, histogram, quantile",
            "_preprocessor transformers_ _transformer_to_input_indices transformer_weights",
        ),
        Attack(
            "",
            "rows",
            "of count columns args items array lengths same nodes values node_count max_depth tree_ n_classes_",
        ),
        Attack("", "", "*"),
    ),
)
