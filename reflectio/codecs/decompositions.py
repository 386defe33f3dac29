"""Matrices that are decomposed on use, which may never end where numbers are not finite or overflow, and their shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import ANY, FEW, Array, array_of, is_finite, refuse

# What is decomposed, or computed from before it is: in samples drawn, in the precision, in the next batch.
_OF_MIXTURES = ("means_", "covariances_", "weights_", "precisions_cholesky_")
_OF_GAUSSIAN_PROCESSES = ("X_train_", "y_train_", "alpha_", "L_", "_y_train_mean", "_y_train_std")
_OF_COVARIANCES = ("covariance_", "precision_", "location_")
_OF_COMPONENTS = ("components_", "singular_values_", "mean_")

_NUMBERS = (int, float, complex, np.number)
_KINDS = "biufc"

# Kernels may compare text, or whatever else samples are; nothing but a kernel gets these.
_OF_ANY_KIND = frozenset({"X_train_"})

# The product of two such numbers does not overflow, and neither does what one is divided by the other.
_MOST = 1e150


@check("sklearn.mixture._base.BaseMixture", relies_on=_OF_MIXTURES)
def check_mixture(mixture: Any) -> None:
    """Refuse components that are not finite."""
    _check_finite(mixture, _OF_MIXTURES)


@check("sklearn.gaussian_process._gpr.GaussianProcessRegressor", relies_on=_OF_GAUSSIAN_PROCESSES)
def check_gaussian_process(process: Any) -> None:
    """Refuse samples and factors that are not finite, and factors that others overflow over when they are divided by them."""
    _check_finite(process, _OF_GAUSSIAN_PROCESSES)
    if vars(process).get("L_") is None:
        return
    factor = array_of(vars(process), "L_", (), (ANY, ANY))
    if (np.abs(np.diagonal(factor)) < 1 / _MOST).any():
        refuse("L_", f"must have at least {1 / _MOST} on its diagonal")


@check("sklearn.covariance._empirical_covariance.EmpiricalCovariance", relies_on=_OF_COVARIANCES)
def check_covariance(covariance: Any) -> None:
    """Refuse covariances that are not finite, or of other features than the location: distances read every feature."""
    _check_finite(covariance, _OF_COVARIANCES)
    state = vars(covariance)
    if "location_" not in state:
        return
    n_features = len(array_of(state, "location_", (), (ANY,)))
    for name in ("covariance_", "precision_"):
        # Without store_precision there is None.
        if state.get(name) is not None:
            array_of(state, name, (), (n_features, n_features))


@check("sklearn.decomposition.IncrementalPCA", relies_on=_OF_COMPONENTS)
def check_components(model: Any) -> None:
    """Refuse components that are not finite: the decomposition of the next batch would not end."""
    _check_finite(model, _OF_COMPONENTS)


def _check_finite(obj: Any, names: tuple[str, ...]) -> None:
    state = vars(obj)
    for name in names:
        value = state.get(name)
        if value is None:
            continue
        if isinstance(value, _NUMBERS):
            # Before the first batch, a mean is 0.0; that of one output stays a number.
            value = np.asarray(value)
        elif type(value) is not np.ndarray:
            # numpy would make an array of it, too, and nobody has looked at what that would hold.
            refuse(name, "must be an array")
        if value.dtype.kind not in _KINDS and name not in _OF_ANY_KIND:
            refuse(name, "must be an array of numbers")
        if value.dtype.kind in "fc" and not _is_moderate(value):
            refuse(
                name,
                f"must be finite, and at most {_MOST}: decomposing it, or a product with it, might never end",
            )


def _is_moderate(values: Array) -> bool:
    if values.dtype.kind == "c":
        values = np.abs(values)
    if values.size <= FEW:
        few = values.ravel().tolist()
        return is_finite(values) and (not few or (min(few) >= -_MOST and max(few) <= _MOST))
    # Of a NaN, neither is true.
    return float(values.min()) >= -_MOST and float(values.max()) <= _MOST
