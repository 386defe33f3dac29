"""Matrices that are decomposed on use: some decompositions never end on numbers that are not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import refuse

# What is decomposed, or computed from before it is, by class: in samples drawn, in the precision, in the next batch.
_DECOMPOSED = {
    "sklearn.mixture._base.BaseMixture": ("means_", "covariances_", "weights_", "precisions_cholesky_"),
    "sklearn.gaussian_process._gpr.GaussianProcessRegressor": (
        *("X_train_", "y_train_", "alpha_", "L_"),
        *("_y_train_mean", "_y_train_std"),
    ),
    "sklearn.covariance._empirical_covariance.EmpiricalCovariance": (
        *("covariance_", "precision_", "location_"),
    ),
    "sklearn.decomposition.IncrementalPCA": ("components_", "singular_values_", "mean_"),
}


def _register(cls: str, names: tuple[str, ...]) -> None:
    @check(cls, relies_on=names)
    def check_finite(obj: Any) -> None:
        state = vars(obj)
        for name in names:
            # Before the first batch, some of these are None or 0.
            value = state.get(name)
            if isinstance(value, np.ndarray) and value.dtype.kind in "fc" and not np.isfinite(value).all():
                refuse(name, "must be finite: decomposing it might never end")


for _cls, _names in _DECOMPOSED.items():
    _register(_cls, _names)
