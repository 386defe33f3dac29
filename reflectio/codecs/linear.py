"""Checks of linear models that are trained further from their own coefficients by compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import State, is_sparse, refuse

# What stochastic gradient descent writes to besides `coef_`, under the names that versions gave it.
_AVERAGES = ("_standard_coef", "_average_coef", "standard_coef_", "average_coef_")


def _coefficients(state: State) -> Any:
    """Give `coef_`, which must have a coefficient for each feature, or None."""
    coefficients = state.get("coef_")
    if coefficients is None:
        return None
    if not isinstance(coefficients, np.ndarray) and not is_sparse(coefficients):
        refuse("coef_", "must be an array or a sparse matrix")
    shape: tuple[int, ...] = coefficients.shape
    n_features = state.get("n_features_in_")
    # Of no rows, stochastic gradient descent would write to the first one all the same.
    if type(n_features) is not int or len(shape) not in (1, 2) or shape[-1] != n_features or not shape[0]:
        refuse("coef_", f"must have a coefficient for each of {n_features} features")
    return coefficients


@check(
    "sklearn.linear_model._stochastic_gradient.BaseSGD",
    "sklearn.linear_model._stochastic_gradient.SGDOneClassSVM",
)
def check_stochastic_gradient(model: Any) -> None:
    """Refuse coefficients, and averages of them, that are not of one shape."""
    state = vars(model)
    coefficients = _coefficients(state)
    for name in _AVERAGES:
        average = state.get(name)
        if average is None:
            continue
        if coefficients is None:
            refuse(name, "is of no use without coef_")
        # With two classes there is one row, which averages may leave out.
        shapes = (
            (coefficients.shape, coefficients.shape[1:])
            if coefficients.shape[0] == 1
            else (coefficients.shape,)
        )
        if type(average) is not np.ndarray or average.shape not in shapes:
            refuse(name, f"must be of the shape of coef_, {coefficients.shape}")


@check("sklearn.linear_model._coordinate_descent.ElasticNet")
def check_coordinate_descent(model: Any) -> None:
    """Refuse coefficients and Gram matrices that are not of the model's features."""
    state = vars(model)
    coefficients = _coefficients(state)
    if coefficients is not None and type(coefficients) is not np.ndarray:
        refuse("coef_", "must be an array")
    gram = state.get("precompute")
    if isinstance(gram, str | bool | np.bool_ | None):
        return
    shape = getattr(gram, "shape", ())
    n_features = state.get("n_features_in_", shape[0] if shape else 0)
    if type(gram) is not np.ndarray or shape != (n_features, n_features):
        refuse("precompute", f"must be a matrix of {n_features} x {n_features} products")


@check("sklearn.decomposition.DictionaryLearning")
def check_initial_code(model: Any) -> None:
    """Refuse a code to start from that is not for the dictionary to start from."""
    state = vars(model)
    code, dictionary = state.get("code_init"), state.get("dict_init")
    if code is None:
        return
    if type(code) is not np.ndarray or code.ndim != 2:
        refuse("code_init", "must be an array with two axes")
    if dictionary is not None and (
        type(dictionary) is not np.ndarray or dictionary.ndim != 2 or len(dictionary) != code.shape[1]
    ):
        refuse("dict_init", f"must be an array of {code.shape[1]} components")
