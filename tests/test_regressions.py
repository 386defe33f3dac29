"""Forged models that the fuzzer found to kill or to hang the process, each by the one change that did it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import VotingClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB

import reflectio

X, Y = load_iris(return_X_y=True)
X, Y = X[::5], Y[::5]


def _array(values: Any) -> dict[str, Any]:
    return {"$": "ndarray", "dtype": "float64", "shape": list(np.shape(values)), "data": values}


def _more_answers_than_samples(model: dict[str, Any]) -> None:
    model["estimators_"][0]["intercept_"] = _array([[2.0, 2.0, 2.0]])


def _endless_decomposition(model: dict[str, Any]) -> None:
    model["covariances_"]["data"][0][0][0] = "inf"


def _endless_sampling(model: dict[str, Any]) -> None:
    model["alpha_"]["data"][0] = "nan"


def _votes_for_distant_classes(model: dict[str, Any]) -> None:
    model["estimators_"][0]["classes_"]["data"][0] = 2**31 - 1


@pytest.mark.parametrize(
    ("estimator", "forge", "path"),
    [
        (OneVsRestClassifier(LogisticRegression()), _more_answers_than_samples, "$.model"),
        (GaussianMixture(2, random_state=0), _endless_decomposition, "$.model.covariances_"),
        (
            BayesianGaussianMixture(n_components=2, random_state=0),
            _endless_decomposition,
            "$.model.covariances_",
        ),
        (VotingClassifier([("a", GaussianNB())]), _votes_for_distant_classes, "$.model"),
        (GaussianProcessRegressor(random_state=0), _endless_sampling, "$.model.alpha_"),
    ],
    ids=["one versus rest", "mixture", "bayesian mixture", "voting", "gaussian process"],
)
def test_it_is_refused(estimator, forge, path):
    document = json.loads(reflectio.dumps(estimator.fit(X, Y), format="json"))
    forge(document["model"])
    with pytest.raises(reflectio.ValidationError) as refusal:
        reflectio.loads(json.dumps(document))
    assert refusal.value.path == path
