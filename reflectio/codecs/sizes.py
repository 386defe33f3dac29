"""Checks of every estimator: counts that methods allocate by, and parameters of metrics."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from reflectio import compiled
from reflectio.checks import check
from reflectio.codecs.fitted import ANY, State, array_of, refuse, shape_of, size_of
from reflectio.codecs.keywords import harmful_keywords

# Methods give a name, or a column, to each of so many features without looking whether anything has as many.
_COUNTS = ("n_features_in_", "_n_features_out", "n_features_out_", "n_components_", "n_outputs_")

# A count up to this is taken as it is; a larger one needs an array as long. Hashed features are the most that
# people use, and of these a few million.
_MOST_UNBACKED = 1 << 22

_METRIC_PARAMETERS = ("metric_params", "effective_metric_params_", "_metric_params", "kernel_params")

_checking = compiled.part("checking")
_WATCHED = frozenset(_COUNTS + _METRIC_PARAMETERS)
_INTEGERS = (int, np.integer)

_MOST_STEPS = 1024

# Terms of polynomials. Some may have left out all but the last of 2**100, and these have to be counted, too.
_MOST_DEGREES = 1 << 16
_MOST_TERMS = 1 << 256
_FLAGS = (int, np.integer, np.bool_, type(None))


def _are_backed(cls: type, columns: Any) -> bool:
    """Whether all estimators of rows have the same few features, and no parameters of metrics."""
    constants = columns.constants
    if _checking is not None and _WATCHED.isdisjoint(columns.lists):
        return bool(_checking.states_little(constants, _COUNTS, _METRIC_PARAMETERS, _MOST_UNBACKED))
    return all(
        name not in columns.lists
        and (constants[name] is None if name in _METRIC_PARAMETERS else _is_few(constants[name]))
        for name in _WATCHED.intersection(constants)
    )


def _is_few(count: Any) -> bool:
    return type(count) is int and 0 <= count <= _MOST_UNBACKED


@check("sklearn.base.BaseEstimator", rows=_are_backed)
def check_sizes(estimator: Any) -> None:
    """Refuse counts that no array bears out, and metric parameters of other features than the model's."""
    state = vars(estimator)
    if _checking is not None and _checking.states_little(state, _COUNTS, _METRIC_PARAMETERS, _MOST_UNBACKED):
        return
    for name in _COUNTS:
        value = state.get(name)
        if isinstance(value, _INTEGERS) and not 0 <= value <= _MOST_UNBACKED:
            _check_backing(state, name, int(value))
        elif isinstance(value, np.ma.MaskedArray):
            # Compared with a number, it is neither the same nor another: no data would be refused.
            refuse(name, "must not be masked")
    for name in _METRIC_PARAMETERS:
        if state.get(name) is not None:
            _check_metric_parameters(state, name)


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
    n_features = state.get("n_features_in_", state["_fit_X"].shape[-1] if _has_samples(state) else None)
    if n_features is None:
        # scipy reads as much of it as the data have features; it compares the sizes of V and w itself, and so does a tree.
        if (
            parameters.get("VI") is not None
            and not callable(state.get("metric"))
            and state.get("algorithm") not in ("ball_tree", "kd_tree")
        ):
            refuse(
                name,
                "is for features whose number is not known before a fit, and scipy would not compare it with the data's: "
                "save the model once it is fitted, or with algorithm='ball_tree'",
                "VI",
            )
        return
    if not isinstance(n_features, _INTEGERS):
        refuse("n_features_in_", "must be an integer")
    for key, shape in (("V", (n_features,)), ("VI", (n_features, n_features)), ("w", (n_features,))):
        value = parameters.get(key)
        if value is not None and shape_of(value) != shape:
            refuse(name, f"must be of the shape {shape}", key)


def _has_samples(state: State) -> bool:
    return len(shape_of(state.get("_fit_X")) or ()) == 2


@check("sklearn.dummy.DummyRegressor")
def check_constant(model: Any) -> None:
    """Refuse more outputs than constants."""
    state = vars(model)
    if "n_outputs_" not in state:
        return
    n_constants = (shape_of(state.get("constant_")) or ())[-1:]
    if not isinstance(state["n_outputs_"], _INTEGERS) or n_constants != (state["n_outputs_"],):
        refuse("n_outputs_", "must be the number of constants in constant_")


@check("sklearn.dummy.DummyClassifier")
def check_dummy_classes(model: Any) -> None:
    """Refuse numbers of classes that are not those of the classes."""
    state = vars(model)
    if "n_classes_" not in state:
        return
    counts, classes = state["n_classes_"], state.get("classes_")
    if type(counts) is not list:
        counts, classes = [counts], [classes]
    if type(classes) is not list or len(classes) != len(counts):
        refuse("classes_", "must be a list with an item for each output")
    for count, values in zip(counts, classes, strict=True):
        if (
            not isinstance(count, _INTEGERS)
            or not isinstance(values, np.ndarray)
            or values.ndim != 1
            or len(values) != count
        ):
            refuse("n_classes_", "must be the number of classes in classes_")


@check("sklearn.kernel_approximation.AdditiveChi2Sampler")
def check_steps(sampler: Any) -> None:
    """Refuse steps that would take more memory than any sample needs."""
    if "sample_steps" in vars(sampler):
        size_of(vars(sampler), "sample_steps", 0, _MOST_STEPS)


@check("sklearn.kernel_approximation.PolynomialCountSketch")
def check_sketch(sketch: Any) -> None:
    """Refuse more components than the sketch has names for, and more degrees than it has hashes."""
    state = vars(sketch)
    if "indexHash_" in state:
        if "_n_features_out" not in state:
            refuse("indexHash_", "needs the number of components beside it")
        size_of(state, "n_components", state["_n_features_out"], state["_n_features_out"])
        shape = shape_of(state["indexHash_"])
        if shape is None or len(shape) != 2:
            refuse("indexHash_", "must be an array of a row for each degree")
        size_of(state, "degree", 1, shape[0])


# What a fit leaves; a transform asks for memory by one of them before it looks for the others.
_OF_TERMS = frozenset({"_min_degree", "_max_degree", "_n_out_full", "n_output_features_"})


@check("sklearn.preprocessing.PolynomialFeatures")
def check_degrees(features: Any) -> None:
    """Refuse a number of columns that is not that of the degrees."""
    state = vars(features)
    if not _OF_TERMS.intersection(state):
        return
    least, most = (
        size_of(state, "_min_degree", 0, _MOST_DEGREES),
        size_of(state, "_max_degree", 0, _MOST_DEGREES),
    )
    n_features = size_of(state, "n_features_in_", 0, 1 << 31)
    stated = (
        size_of(state, "_n_out_full", 0, _MOST_TERMS),
        size_of(state, "n_output_features_", 0, _MOST_TERMS),
    )
    # Compiled code counts with the first as with a number.
    _check_flags(state, "interaction_only", "include_bias")
    n_all, n_columns = _count_terms(
        n_features, least, most, bool(state.get("interaction_only")), bool(state.get("include_bias"))
    )
    if stated[0] != n_all:
        refuse("_n_out_full", "must be the number of terms")
    if stated[1] != n_columns:
        refuse("n_output_features_", f"must be {n_columns}, the number of terms")


@check("sklearn.preprocessing.SplineTransformer")
def check_bias(splines: Any) -> None:
    """Refuse a flag that the names of features are counted with, and that is another number."""
    _check_flags(vars(splines), "include_bias")


def _check_flags(state: State, *names: str) -> None:
    for name in names:
        if not isinstance(state.get(name), _FLAGS) or state.get(name) not in (None, 0, 1):
            refuse(name, "must be true or false")


@lru_cache(maxsize=64)
def _count_terms(
    n_features: int, least: int, most: int, interaction_only: bool, include_bias: bool
) -> tuple[int, int]:
    """How many terms there are up to the highest degree, and how many of these from the lowest on."""
    count = _count_products if interaction_only else _count_powers
    n_all = count(n_features, most) + include_bias
    return n_all, n_all - (count(n_features, least - 1) if least else 0)


def _count_powers(n_features: int, degree: int) -> int:
    """How many products of features there are, up to a degree; exact up to as many as there may be."""
    few = min(n_features, degree)
    # More than two to this power.
    return math.comb(n_features + degree, few) - 1 if few <= _MOST_TERMS.bit_length() else _MOST_TERMS + 1


def _count_products(n_features: int, degree: int) -> int:
    """How many products of different features there are, up to a degree; exact up to as many as there may be."""
    total, count = 0, 1
    for chosen in range(1, min(n_features, degree) + 1):
        count = count * (n_features - chosen + 1) // chosen
        total += count
        if total > _MOST_TERMS:
            break
    return total


@check("sklearn.decomposition._nmf._BaseNMF")
def check_factors(model: Any) -> None:
    """Refuse more components than there are."""
    state = vars(model)
    if state.get("components_") is None:
        return
    n_components = len(array_of(state, "components_", (), (ANY, ANY)))
    for name in ("_n_components", "n_components_"):
        if name in state:
            size_of(state, name, n_components, n_components)
    asked = state.get("n_components")
    if asked is not None and type(asked) is not str:
        # Compared with the components when it is used, which something masked is equal to.
        size_of(state, "n_components", 0, 1 << 62)
