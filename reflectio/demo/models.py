"""The models of the demonstration, fitted on the data that scikit-learn brings along."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
from attrs import frozen
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVC

Array = np.ndarray[Any, Any]

_LEVELS = np.array(["low", "medium", "high"])

# What a model may be asked for; those that it has are compared.
_METHODS = ("predict", "predict_proba", "decision_function", "apply")


@frozen
class Split:
    """Some data, parted into what a model is fitted on and what it is asked about."""

    X_train: Any
    X_test: Any
    y_train: Any
    y_test: Any


@frozen
class Case:
    """A model and where its data come from."""

    name: str
    title: str
    data: Callable[[], Split]
    estimator: Callable[[], Any]

    def fit(self) -> Any:
        """Give the fitted model."""
        split = self.data()
        return self.estimator().fit(split.X_train, split.y_train)


def _split(X: Array, y: Array) -> Split:
    return Split(*train_test_split(X, y, test_size=0.25, random_state=0))


def _level(values: Array) -> Array:
    """Each value as a word: the third of the values that it lies in."""
    words: Array = _LEVELS[np.digitize(values, np.quantile(values, [1 / 3, 2 / 3]))]
    return words


def _wine() -> Split:
    """Wines by ten measurements, by their alcohol and colour in words, and by a note that tells of the rest."""
    wine = load_wine()
    column = {name: wine.data[:, index] for index, name in enumerate(wine.feature_names)}
    told = ("flavanoids", "ash", "malic_acid", "proline")
    words = {name: _level(column[name]) for name in ("alcohol", "hue", *told)}
    notes = [
        ", ".join(f"{words[name][row]} {name.replace('_', ' ')}" for name in told)
        for row in range(len(wine.data))
    ]
    measured = [values for name, values in column.items() if name not in ("alcohol", "hue", "proline")]
    X = np.empty((len(wine.data), len(measured) + 3), object)
    for index, values in enumerate((*measured, words["alcohol"], words["hue"], notes)):
        X[:, index] = values
    return _split(X, wine.target_names[wine.target])


def _wine_model() -> Pipeline:
    features = ColumnTransformer(
        [
            ("measurements", StandardScaler(), slice(0, 10)),
            ("levels", OneHotEncoder(handle_unknown="ignore"), [10, 11]),
            ("note", TfidfVectorizer(ngram_range=(1, 2)), 12),
        ]
    )
    return Pipeline([("features", features), ("forest", RandomForestClassifier(100, random_state=0))])


def _breast_cancer() -> Split:
    """Tumours by their measurements, one in twenty of which is missing, and by their size and texture in words."""
    tumours = load_breast_cancer()
    X = np.empty((len(tumours.data), 32), object)
    measurements = tumours.data.copy()
    measurements[np.random.default_rng(0).random(measurements.shape) < 0.05] = np.nan
    X[:, :30] = measurements
    X[:, 30] = _level(tumours.data[:, 0])
    X[:, 31] = _level(tumours.data[:, 1])
    return _split(X, tumours.target_names[tumours.target])


def _breast_cancer_model() -> Pipeline:
    features = ColumnTransformer(
        [
            ("words", OrdinalEncoder(categories=[list(_LEVELS)] * 2), [30, 31]),
            ("measurements", FunctionTransformer(np.asarray, kw_args={"dtype": np.float64}), slice(0, 30)),
        ]
    )
    boosting = HistGradientBoostingClassifier(categorical_features=[0, 1], max_iter=50, random_state=0)
    return Pipeline([("features", features), ("boosting", boosting)])


def _digits() -> Split:
    """Handwritten digits by their pixels."""
    return _split(*load_digits(return_X_y=True))


def _digits_model() -> Pipeline:
    return Pipeline([("scale", StandardScaler()), ("components", PCA(30, random_state=0)), ("svm", SVC())])


def _diabetes() -> Split:
    """The course of diabetes in a year, by ten measurements of the patient."""
    return _split(*load_diabetes(return_X_y=True))


def _diabetes_model() -> TransformedTargetRegressor:
    return TransformedTargetRegressor(
        GradientBoostingRegressor(random_state=0),
        transformer=QuantileTransformer(n_quantiles=50, output_distribution="normal", random_state=0),
    )


CASES: tuple[Case, ...] = (
    Case("wine", "columns and forest", _wine, _wine_model),
    Case("breast_cancer", "histogram boosting", _breast_cancer, _breast_cancer_model),
    Case("digits", "support vectors", _digits, _digits_model),
    Case("diabetes", "gradient boosting", _diabetes, _diabetes_model),
)


def answers(name: str, model: Any) -> dict[str, str]:
    """
    Ask a model about the data that it was not fitted on.

    Parameters
    ----------
    name : str
        The case's name.
    model : estimator
        Fitted, or loaded.

    Returns
    -------
    dict of str to str
        For each method that the model has, its result's dtype and shape, and a digest of its bytes.
    """
    X = next(case for case in CASES if case.name == name).data().X_test
    return {method: _fingerprint(getattr(model, method)(X)) for method in _METHODS if hasattr(model, method)}


def _fingerprint(result: Array) -> str:
    if result.dtype.hasobject:
        raise TypeError("an array of objects has no bytes of its own to compare")
    return f"{result.dtype.str} {list(result.shape)} {sha256(result.tobytes()).hexdigest()}"
