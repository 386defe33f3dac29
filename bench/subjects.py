"""The models that are measured: one of few bytes, one of some arrays, one of many objects, one of many bytes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import SVC


def _linear() -> Any:
    rng = np.random.default_rng(0)
    return LinearRegression().fit(rng.normal(size=(100, 10)), rng.normal(size=100))


def _svc() -> Any:
    return SVC().fit(*load_digits(return_X_y=True))


def _forest() -> Any:
    return RandomForestClassifier(100, random_state=0).fit(*load_digits(return_X_y=True))


def _neighbours() -> Any:
    rng = np.random.default_rng(0)
    return KNeighborsRegressor(algorithm="brute").fit(
        rng.normal(size=(100_000, 100)), rng.normal(size=100_000)
    )


SUBJECTS = {
    "LinearRegression": _linear,
    "SVC": _svc,
    "forest of 100 trees": _forest,
    "80 MB of neighbours": _neighbours,
}


@cache
def subject(name: str) -> Any:
    """The fitted model of a name."""
    return SUBJECTS[name]()
