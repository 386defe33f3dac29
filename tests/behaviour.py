"""What an estimator does: the output of every method that it can be asked for, on data it was trained on."""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import re
import warnings
from typing import Any

import numpy as np
import scipy.sparse

# Methods of the samples alone.
_OF_SAMPLES = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "predict_joint_log_proba",
    "decision_function",
    "transform",
    "score_samples",
    "apply",
    "decision_path",
    "leaf_indices",
    "kneighbors",
    "radius_neighbors",
    "kneighbors_graph",
    "staged_predict",
    "staged_decision_function",
    "mahalanobis",
    "perplexity",
    "gibbs",
    "error_norm",
    "predict_quantiles",
)

# Methods that take nothing.
_OF_NOTHING = (
    "get_params",
    "get_feature_names_out",
    "get_n_leaves",
    "get_depth",
    "get_precision",
    "get_covariance",
    "get_support",
    "get_stop_words",
    "get_submatrix",
    "build_analyzer",
    "densify",
)

# How many steps of a generator are looked at.
_STEPS = 3

# What an estimator may answer instead of a result, to be the same after a load as before.
_ANSWERS = (AttributeError, NotImplementedError, TypeError, ValueError, IndexError)


def _settled(result: Any) -> Any:
    """A result in a form that can be compared."""
    if hasattr(result, "__next__"):
        return [_settled(step) for step in itertools.islice(result, _STEPS)]
    if callable(result):
        return type(result)
    return result


def _ask(method: Any, *args: Any) -> Any:
    try:
        return _settled(method(*args))
    except _ANSWERS as error:
        return type(error), str(error)


def outputs(estimator: Any, data: tuple[Any, ...]) -> dict[str, Any]:
    """
    Ask an estimator for everything it can do.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    data : tuple
        The arguments of its ``fit``.

    Returns
    -------
    dict of str to Any
        The result of each method that it has; where a method refuses, the type and text of the error.
    """
    results: dict[str, Any] = {}
    # Some estimators keep the very samples they were given, and take a shortcut when they see them again.
    data = copy.deepcopy(data)
    samples = data[0]
    np.random.seed(0)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for name in _OF_SAMPLES:
            if (method := _method(estimator, name)) is not None:
                results[name] = _ask(method, samples)
        for name in _OF_NOTHING[1:]:
            if (method := _method(estimator, name)) is not None:
                results[name] = _ask(method)
        if (method := _method(estimator, "score")) is not None:
            results["score"] = _ask(method, *data)
        transformed = results.get("transform")
        is_matrix = isinstance(transformed, np.ndarray | scipy.sparse.spmatrix | scipy.sparse.sparray)
        if is_matrix and (method := _method(estimator, "inverse_transform")) is not None:
            results["inverse_transform"] = _ask(method, transformed)
        if (method := _method(estimator, "sample")) is not None:
            results["sample"] = _ask(method, 5)
        results["repr"] = description(estimator)
    return results


def description(estimator: Any) -> str:
    """An estimator's repr, less the addresses of what it holds."""
    return re.sub(r"0x[0-9a-fA-F]+", "0x", repr(estimator))


def _method(estimator: Any, name: str) -> Any:
    try:
        return getattr(estimator, name, None)
    except _ANSWERS:
        return None
