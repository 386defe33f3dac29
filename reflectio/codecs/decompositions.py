"""Matrices that are decomposed on use: some decompositions never end on numbers that are not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import refuse


def _check_finite(obj: Any, *names: str) -> None:
    state = vars(obj)
    for name in names:
        value = state.get(name)
        if isinstance(value, np.ndarray) and value.dtype.kind in "fc" and not np.isfinite(value).all():
            refuse(name, "must be finite: decomposing it might never end")


@check("sklearn.mixture._base.BaseMixture")
def check_mixture(mixture: Any) -> None:
    """Refuse covariances that drawing samples could not decompose."""
    _check_finite(mixture, "means_", "covariances_", "weights_", "precisions_cholesky_")


@check("sklearn.gaussian_process._gpr.GaussianProcessRegressor")
def check_gaussian_process(process: Any) -> None:
    """Refuse training data from which no covariance that drawing samples could decompose would come."""
    _check_finite(process, "X_train_", "y_train_", "alpha_", "L_", "_y_train_mean", "_y_train_std")


@check("sklearn.covariance._empirical_covariance.EmpiricalCovariance")
def check_covariance(covariance: Any) -> None:
    """Refuse covariances that have no precision to be computed."""
    _check_finite(covariance, "covariance_", "precision_", "location_")
