"""Checks of every estimator: counts that methods allocate by, and parameters of metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import State, refuse, size_of
from reflectio.codecs.keywords import harmful_keywords

# Methods give a name, or a column, to each of so many features without looking whether anything has as many.
_COUNTS = ("n_features_in_", "_n_features_out", "n_features_out_", "n_components_", "n_outputs_")

# A count up to this is taken as it is; a larger one needs an array as long. Hashed features are the most that
# people use, and of these a few million.
_MOST_UNBACKED = 1 << 22

_METRIC_PARAMETERS = ("metric_params", "effective_metric_params_", "_metric_params", "kernel_params")

_WATCHED = frozenset(_COUNTS + _METRIC_PARAMETERS)
_INTEGERS = (int, np.integer)

_MOST_STEPS = 1024


@check("sklearn.base.BaseEstimator")
def check_sizes(estimator: Any) -> None:
    """Refuse counts that no array bears out, and metric parameters of other features than the model's."""
    state = vars(estimator)
    for name in _WATCHED.intersection(state):
        value = state[name]
        if name in _METRIC_PARAMETERS:
            if value:
                _check_metric_parameters(state, name)
        elif isinstance(value, _INTEGERS) and not 0 <= value <= _MOST_UNBACKED:
            _check_backing(state, name, int(value))


def _check_backing(state: State, name: str, count: int) -> None:
    for value in state.values():
        if isinstance(value, np.ndarray) and count in value.shape and value.size >= count:
            return
    refuse(name, f"is {count}, and nothing that the estimator holds is of that length")


def _check_metric_parameters(state: State, name: str) -> None:
    parameters = state[name]
    if type(parameters) is not dict:
        refuse(name, "must be a dict")
    if harmful := harmful_keywords(None, parameters):
        refuse(name, "is an argument that no stored metric may be given", harmful[0])
    # A model that was given a tree to search has not counted the features.
    n_features = state.get("n_features_in_", np.shape(state["_fit_X"])[-1] if _has_samples(state) else None)
    if n_features is None:
        return
    for key, shape in (("V", (n_features,)), ("VI", (n_features, n_features)), ("w", (n_features,))):
        value = parameters.get(key)
        if value is not None and np.shape(value) != shape:
            refuse(name, f"must be of the shape {shape}", key)


def _has_samples(state: State) -> bool:
    return len(getattr(state.get("_fit_X"), "shape", ())) == 2


@check("sklearn.dummy.DummyRegressor")
def check_constant(model: Any) -> None:
    """Refuse more outputs than constants."""
    state = vars(model)
    if "n_outputs_" in state and np.shape(state["constant_"])[-1:] != (state["n_outputs_"],):
        refuse("n_outputs_", "must be the number of constants in constant_")


@check("sklearn.dummy.DummyClassifier")
def check_dummy_classes(model: Any) -> None:
    """Refuse numbers of classes that are not those of the classes."""
    state = vars(model)
    if "n_classes_" not in state:
        return
    one_output = type(state["n_classes_"]) is not list
    counts, classes = state["n_classes_"], state["classes_"]
    for count, values in [(counts, classes)] if one_output else zip(counts, classes, strict=True):
        if count != len(values):
            refuse("n_classes_", "must be the number of classes in classes_")


@check("sklearn.kernel_approximation.AdditiveChi2Sampler")
def check_steps(sampler: Any) -> None:
    """Refuse steps that would take more memory than any sample needs."""
    if "sample_steps" in vars(sampler):
        size_of(vars(sampler), "sample_steps", 0, _MOST_STEPS)


@check("sklearn.kernel_approximation.PolynomialCountSketch")
def check_sketch(sketch: Any) -> None:
    """Refuse more components than the sketch has names for."""
    state = vars(sketch)
    if "indexHash_" in state and "_n_features_out" in state:
        size_of(state, "n_components", state["_n_features_out"], state["_n_features_out"])


@check("sklearn.preprocessing.PolynomialFeatures")
def check_degrees(features: Any) -> None:
    """Refuse a number of columns that is not that of the degrees."""
    state = vars(features)
    if "_max_degree" not in state:
        return
    least, most = size_of(state, "_min_degree", 0, 1 << 16), size_of(state, "_max_degree", 0, 1 << 16)
    bias = bool(state.get("include_bias"))
    common = {
        "n_features": size_of(state, "n_features_in_", 0, 1 << 31),
        "max_degree": most,
        "interaction_only": bool(state.get("interaction_only")),
        "include_bias": bias,
    }
    n_all = features._num_combinations(min_degree=0, **common)
    n_columns = features._num_combinations(min_degree=least, **common)
    if state.get("_n_out_full") != n_all:
        refuse("_n_out_full", f"must be {n_all}, the number of terms")
    if state.get("n_output_features_") != n_columns:
        refuse("n_output_features_", f"must be {n_columns}, the number of terms")


@check("sklearn.decomposition._nmf._BaseNMF")
def check_factors(model: Any) -> None:
    """Refuse more components than there are."""
    state = vars(model)
    components = state.get("components_")
    for name in ("_n_components", "n_components_"):
        if components is not None and name in state:
            size_of(state, name, len(components), len(components))
