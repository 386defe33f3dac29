"""What went wrong once: forged models that killed or hung the process, and honest ones that could not be read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import own_module
import pytest
import scipy.sparse
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingRegressor, VotingClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

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


def _more_threads_than_a_process_can_have(model: dict[str, Any]) -> None:
    model["_n_threads"] = 1000


def _more_bins_at_once_than_a_process_can_fill(model: dict[str, Any]) -> None:
    model["_bin_mapper"]["n_threads"] = 1000


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
        (KMeans(2), _more_threads_than_a_process_can_have, "$.model._n_threads"),
        (
            HistGradientBoostingRegressor(max_iter=1),
            _more_bins_at_once_than_a_process_can_fill,
            "$.model._bin_mapper.n_threads",
        ),
    ],
    ids=[
        "one versus rest",
        "mixture",
        "bayesian mixture",
        "voting",
        "gaussian process",
        "threads of k-means",
        "threads of a bin mapper",
    ],
)
def test_it_is_refused(estimator, forge, path):
    document = json.loads(reflectio.dumps(estimator.fit(X, Y), format="json"))
    forge(document["model"])
    with pytest.raises(reflectio.ValidationError) as refusal:
        reflectio.loads(json.dumps(document))
    assert refusal.value.path == path


_LEN = {"$": "callable", "name": "builtins.len"}


def _objects(*values: Any, **more: Any) -> dict[str, Any]:
    return {"$": "ndarray", "dtype": "object", "shape": [len(values), 2], "data": list(values), **more}


@pytest.mark.parametrize(
    "node",
    [
        # An array of a class with attributes brings a `pop` of its own, and its rows become attributes.
        {
            "$": "sklearn.linear_model.LinearRegression",
            "$state": _objects(["predict", _LEN], name="numpy.recarray", state={"pop": _LEN}),
        },
        {"$": "own_module.Shrink", "$state": [["transform", _LEN]]},
        # The samples come where the output is taken: what a stored array was checked for is written over.
        {
            "$": "partial",
            "func": {"$": "callable", "name": "numpy.positive"},
            "args": [{"$": "ndarray", "dtype": "int32", "shape": [1], "data": [7]}],
            "kwargs": {},
        },
        # Elements without bytes overlap nothing, however many there are.
        {
            "$": "ndarray",
            "dtype": "|V0",
            "shape": [10**15],
            "base": _array([1.0]),
            "offset": 0,
            "strides": [0],
        },
    ],
    ids=["array as state", "pairs as state", "output by position", "elements without bytes"],
)
def test_a_forged_node_is_refused(node):
    document = {"reflectio": 1, "versions": {}, "model": node}
    policy = reflectio.Policy.default().extend(classes=["own_module.Shrink"])
    with pytest.raises(reflectio.DecodeError):
        reflectio.loads(json.dumps(document), policy=policy)


def test_index_arrays_of_a_sparse_matrix_are_reached_by_nothing_else():
    matrix = scipy.sparse.csr_matrix(np.eye(3))
    loaded, indices = reflectio.loads(reflectio.dumps([matrix, matrix.indices]))
    indices[:] = 2**30
    assert loaded.indices.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "value",
    [
        {float("nan"): 1, -float("nan"): 2, float("nan") + 1: 3},
        type(None),
        str.lower,
        KNeighborsClassifier(metric="precomputed"),
    ],
    ids=["NaN keys", "the type of None", "a method of str", "a fit that failed"],
)
def test_what_is_written_can_be_read(value):
    if isinstance(value, KNeighborsClassifier):
        with pytest.raises(ValueError, match="square"):
            value.fit(np.ones((3, 2)), [0, 1, 1])
    document = reflectio.dumps(value)
    assert reflectio.dumps(reflectio.loads(document)) == document


def test_a_cached_property_that_was_read_is_saved():
    model = own_module.Cached()
    assert model.doubled == [2, 4]
    policy = reflectio.Policy.default().extend(classes=["own_module.Cached"])
    assert vars(reflectio.loads(reflectio.dumps(model), policy=policy)) == vars(model)
