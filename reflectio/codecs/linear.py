"""Checks of linear models, and networks of layers, that compiled code trains further from their own coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import State, is_sparse, refuse, shape_of, size_of

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


@check("sklearn.linear_model.HuberRegressor")
def check_huber(model: Any) -> None:
    """
    Refuse coefficients that are not one for each feature.

    A warm start has L-BFGS read as many numbers of the gradient as there are coefficients, and the gradient is as long as
    there are features.
    """
    state = vars(model)
    if "coef_" not in state:
        return
    shape = getattr(_coefficients(state), "shape", ())
    if type(state["coef_"]) is not np.ndarray or len(shape) != 1:
        refuse("coef_", "must be an array with one axis")
    for name in ("intercept_", "scale_"):
        if shape_of(state.get(name)) != ():
            refuse(name, "must be a number")


@check(
    "sklearn.neural_network._multilayer_perceptron.BaseMultilayerPerceptron",
    relies_on=("coefs_", "intercepts_"),
)
def check_layers(network: Any) -> None:
    """
    Refuse layers that do not follow one another.

    A warm start has L-BFGS read as many numbers of the gradient as all arrays of coefficients and intercepts have, and the
    gradient has those of the layers that the network is said to have.
    """
    state = vars(network)
    if "coefs_" not in state:
        return
    layers, shifts = state["coefs_"], state.get("intercepts_")
    for name, arrays, n_axes in (("coefs_", layers, 2), ("intercepts_", shifts, 1)):
        if type(arrays) is not list or not all(_is_layer(array, n_axes) for array in arrays):
            refuse(name, f"must be a list of arrays with {n_axes} axes")
    if type(state.get("n_layers_")) is not int or state["n_layers_"] != len(layers) + 1:
        refuse("n_layers_", f"must be one more than the {len(layers)} arrays in coefs_")
    if len(shifts) != len(layers):
        refuse("intercepts_", f"must be of {len(layers)} layers, as coefs_")
    width = size_of(state, "n_features_in_", 0, 1 << 62)
    for index, (layer, shift) in enumerate(zip(layers, shifts, strict=True)):
        if layer.shape[0] != width:
            refuse("coefs_", f"must have a row for each of the {width} numbers that come in", index)
        width = layer.shape[1]
        if shift.shape != (width,):
            refuse("intercepts_", f"must be of the {width} numbers that go out", index)
    # Other sizes than before are an error with every other solver, or nothing at all.
    if state.get("warm_start", False) is not False and state.get("solver") == "lbfgs":
        sizes, widths = state.get("hidden_layer_sizes"), [layer.shape[1] for layer in layers[:-1]]
        if isinstance(sizes, int | np.integer):
            sizes = [sizes]
        if not isinstance(sizes, list | tuple | np.ndarray) or shape_of(sizes) != (len(widths),):
            refuse("hidden_layer_sizes", f"must be {widths}, for fitting goes on from layers of these sizes")
        if list(sizes) != widths:
            refuse("hidden_layer_sizes", f"must be {widths}, for fitting goes on from layers of these sizes")


def _is_layer(array: Any, n_axes: int) -> bool:
    return type(array) is np.ndarray and array.ndim == n_axes and array.dtype.kind == "f"


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
