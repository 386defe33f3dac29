"""What went wrong once: forged models that killed or hung the process, and honest ones that could not be read."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import own_module
import pytest
import scipy.sparse
import scipy.stats
from sklearn.base import BaseEstimator
from sklearn.cluster import HDBSCAN, FeatureAgglomeration, KMeans
from sklearn.datasets import load_iris
from sklearn.decomposition import IncrementalPCA
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.preprocessing import LabelBinarizer, MultiLabelBinarizer, OneHotEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import reflectio
from reflectio.policy import Policy

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


def _view(dtype: str, shape: tuple[int, ...] = (1,), **members: Any) -> dict[str, Any]:
    return {"$": "ndarray", "dtype": dtype, "shape": list(shape), "offset": 0, "strides": [8], **members}


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
        # numpy counts what is true by adding bytes, and then writes as many elements as are not zero.
        {"$": "ndarray", "dtype": "bool", "shape": [3], "data": "BwcH", "encoding": "base64"},
        _view("bool", base=_array([1.0])),
        _view("int64", base=_array([1.0])),
        _view("float64", base=_array([1.0, 2.0]), offset=4),
        _view("float64", [2], base=_array([1.0, 2.0, 3.0]), strides=[12]),
    ],
    ids=[
        "array as state",
        "pairs as state",
        "output by position",
        "elements without bytes",
        "booleans of seven",
        "a view as booleans",
        "a view as integers",
        "a view out of step",
        "a view with strides out of step",
    ],
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


def test_a_smaller_sparse_matrix_does_not_share_the_indices_of_a_larger():
    # Summing duplicates moves what is left to the front.
    large = scipy.sparse.csr_matrix(([0.0, 1.0], [0, 999], [0, 1, 2]), shape=(2, 1000))
    small = scipy.sparse.csr_matrix(([1.0], [0], [0, 1]), shape=(1, 1))
    document = json.loads(reflectio.dumps([large, small], format="json"))
    indices = document["model"][0]["indices"]
    document["model"][1].update(indices=indices | {"$id": 1}, data=_array([1.0, 1.0]))
    document["model"][0]["indices"] = {"$": "ref", "id": 1}
    large, small = reflectio.loads(json.dumps(document))
    large.eliminate_zeros()
    assert large.indices.tolist() == [999]
    assert small.indices.tolist() == [0, 999]
    assert small.toarray().tolist() == [[1.0]]


def _mutable(value: Any) -> list[Any]:
    """All arrays, lists and estimators that one holds, and itself."""
    found, waiting = [], [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple | dict) or (
            isinstance(value, np.ndarray) and value.dtype.hasobject
        ):
            waiting += (
                value.values()
                if isinstance(value, dict)
                else list(np.ravel(value))
                if isinstance(value, np.ndarray)
                else value
            )
        if isinstance(value, np.ndarray | list | dict | BaseEstimator) or scipy.sparse.issparse(value):
            found.append(value)
        if isinstance(value, BaseEstimator):
            waiting += [part for part in vars(value).values() if isinstance(part, BaseEstimator)]
    return found


_CODES = X[:, :2].round().astype(int)


@pytest.mark.parametrize(
    ("estimator", "attribute"),
    [
        (KNeighborsClassifier(), "_y"),
        (RadiusNeighborsClassifier(), "_y"),
        (OneHotEncoder(), "categories_"),
        (OneHotEncoder(min_frequency=5), "_default_to_infrequent_mappings"),
        (OneHotEncoder(drop="first"), "_drop_idx_after_grouping"),
        (FeatureAgglomeration(), "labels_"),
        (HDBSCAN(copy=True), "_single_linkage_tree_"),
        (SVC(), "_n_support"),
        (SVC(), "support_"),
        (SVC(), "support_vectors_"),
        (GaussianMixture(random_state=0), "covariances_"),
        (GaussianProcessRegressor(), "alpha_"),
        (IncrementalPCA(2), "components_"),
        (RandomForestClassifier(2), "estimators_"),
        (BaggingClassifier(n_estimators=2), "estimators_"),
        (BaggingClassifier(n_estimators=2), "estimators_features_"),
        (GradientBoostingClassifier(n_estimators=2), "estimators_"),
        (GradientBoostingClassifier(n_estimators=2), "init_"),
        (HistGradientBoostingClassifier(max_iter=2), "_predictors"),
        (HistGradientBoostingClassifier(max_iter=2), "_bin_mapper"),
        (OneVsRestClassifier(GaussianNB()), "estimators_"),
        (VotingClassifier([("a", GaussianNB())]), "estimators_"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_nothing_else_in_a_document_reaches_what_a_check_relies_on(estimator, attribute):
    estimator.fit(_CODES if isinstance(estimator, OneHotEncoder) else X, Y)
    held = {"first": getattr(estimator, attribute), "estimator": estimator, "again": estimator}
    loaded = reflectio.loads(reflectio.dumps(held))
    assert loaded["again"] is loaded["estimator"]
    mine, others = (_mutable(value) for value in (getattr(loaded["estimator"], attribute), loaded["first"]))
    assert len(mine) == len(others)
    assert {id(value) for value in mine}.isdisjoint(map(id, others))
    arrays = [[value for value in values if isinstance(value, np.ndarray)] for values in (mine, others)]
    for one, other in zip(*arrays, strict=True):
        assert not np.shares_memory(one, other)
        if not one.dtype.hasobject:
            np.testing.assert_array_equal(one, other)


def test_counts_that_grow_in_place_are_not_the_classes_that_neighbors_vote_for():
    neighbors, bayes = KNeighborsClassifier(n_neighbors=1).fit(X, Y), GaussianNB().fit(X, Y)
    document = json.loads(reflectio.dumps([neighbors, bayes], format="json"))
    votes = document["model"][0]["_y"]
    document["model"][1]["class_count_"] = _view("int64", [3], base={"$": "ref", "id": 99}, strides=[8])
    document["model"][0]["_y"] = votes | {"$id": 99}
    neighbors, bayes = reflectio.loads(json.dumps(document))
    bayes.partial_fit(np.repeat(X, 10, axis=0), np.repeat(Y, 10))
    assert bayes.class_count_.tolist() == [100, 100, 100]
    assert neighbors.predict_proba(X).shape == (30, 3)
    assert neighbors._y.tolist() == Y.tolist()


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


def _labels_of_several_clusterings() -> list[Any]:
    labels = np.zeros(100_000, np.int64)
    clusterings = [FeatureAgglomeration() for _ in range(6)]
    for clustering in clusterings:
        clustering.labels_ = labels
    return [labels, *clusterings]


def _matrices_with_the_same_indices() -> list[Any]:
    first = scipy.sparse.csr_array(np.ones((1, 50_000)))
    return [
        first,
        *(
            scipy.sparse.csr_array((first.data, first.indices, first.indptr), (1, 50_000 + n))
            for n in (1, 2, 3)
        ),
    ]


def _trees_of_few_different_numbers() -> list[Any]:
    samples = np.zeros((2000, 1))
    samples[1000:] = 1
    return [RandomForestClassifier(50, random_state=0).fit(samples, samples.ravel())]


def _levels_that_count() -> list[Any]:
    pandas = pytest.importorskip("pandas")
    return [pandas.MultiIndex.from_product([range(50_000), range(2)])]


@pytest.mark.parametrize("form", ["binary", "json"])
@pytest.mark.parametrize(
    "make",
    [
        _labels_of_several_clusterings,
        _matrices_with_the_same_indices,
        _trees_of_few_different_numbers,
        _levels_that_count,
    ],
)
def test_a_few_objects_may_share_what_each_needs_a_copy_of_however_large_it_is(make, form, monkeypatch):
    # What every document may have copied is enough for all that a test could make in good time.
    monkeypatch.setattr("reflectio.decoder._FREE_COPIES", 0)
    parts = make()

    loaded = reflectio.loads(reflectio.dumps(parts, format=form))

    # One by one, as what they share no longer is the same.
    assert [*map(reflectio.dumps, loaded)] == [*map(reflectio.dumps, parts)]


def test_what_is_compressed_may_be_copied_as_often_as_what_is_not(monkeypatch):
    monkeypatch.setattr("reflectio.decoder._FREE_COPIES", 0)
    model = _labels_of_several_clusterings()

    loaded = reflectio.loads(reflectio.dumps(model, compression="zlib"))

    assert all((clustering.labels_ == 0).all() for clustering in loaded[1:])


# -- distributions whose own code does not end for some shapes ----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape"), [("rice", 1.5e10), ("vonmises", 2.0**53), ("zipf", 1.0 + 2.0**-40)]
)
@pytest.mark.parametrize("by_name", [False, True])
def test_distributions_that_would_not_end_are_refused(name, shape, by_name):
    parameter = {"rice": "b", "vonmises": "kappa", "zipf": "a"}[name]
    node = {
        "$": "distribution",
        "name": f"scipy.stats.{name}",
        "args": [] if by_name else [shape],
        "kwds": {parameter: shape} if by_name else {},
    }
    with pytest.raises(reflectio.ValidationError, match="might not end"):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": node}))


@pytest.mark.parametrize(("name", "shape"), [("rice", 100.0), ("vonmises", 1e6), ("zipf", 1.5)])
def test_distributions_with_usual_shapes_load(name, shape):
    frozen = getattr(scipy.stats, name)(shape)
    assert reflectio.loads(reflectio.dumps(frozen)).args == (shape,)


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize("together", [False, True])
def test_a_search_tree_that_an_ensemble_holds_twice_comes_back_whole(algorithm, together):
    voting = VotingClassifier([("a", KNeighborsClassifier(algorithm=algorithm))]).fit(X, Y)
    held = [voting, voting.estimators_[0]._tree] if together else [voting]
    loaded = reflectio.loads(reflectio.dumps(held))[0]
    np.testing.assert_array_equal(loaded.predict(X), voting.predict(X))


@pytest.mark.parametrize("early", [False, True])
def test_what_comes_in_place_of_a_tree_does_not_change_how_trees_are_read(early):
    model = DecisionTreeClassifier(max_depth=2).fit(X, Y)
    tree = json.loads(reflectio.dumps(model, format="json"))["model"]["tree_"]
    scaler = {"$": "sklearn.preprocessing.StandardScaler", "$id": 1, "nodes": tree["nodes"]}
    second = [{"$": "sklearn.tree._tree.Tree", "$id": 1}]
    hidden = {"$": "list", "$id": 2, "items": [scaler]}
    forged = [{"$": "ref", "id": 1}, {"$": "ref", "id": 2}, second, hidden] if early else [scaler, *second]
    # Of another policy, under which no tree was read.
    policy = Policy.default().extend(classes=["own.Nothing"])
    with pytest.raises(reflectio.DocumentError, match="given twice"):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": forged}), policy=policy)
    loaded = reflectio.loads(reflectio.dumps(model), policy=policy)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "data",
    [
        {"$": "ref", "id": 1},
        {
            "$": "ndarray",
            "dtype": "float64",
            "shape": [3],
            "base": {"$": "ref", "id": 1},
            "offset": 0,
            "strides": [8],
        },
    ],
)
def test_labels_do_not_change_with_the_array_that_a_masked_one_is_made_of(data):
    naive = GaussianNB().fit(np.arange(12.0).reshape(6, 2), [0, 0, 1, 1, 2, 2])
    binarizer = MultiLabelBinarizer().fit([(0.0, 1.0), (2.0,)])
    nodes = json.loads(reflectio.dumps([naive, binarizer], format="json"))["model"]
    nodes[0]["class_count_"] = {**_array([2.0, 3.0, 4.0]), "$id": 1}
    nodes[1]["classes_"] = {"$": "maskedarray", "data": data, "mask": None}
    naive, binarizer = reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": nodes}))
    naive.partial_fit(np.ones((3, 2)), [0, 0, 1])
    # All labels were the same by now, and what a third column was for was written beyond the only one.
    np.testing.assert_array_equal(binarizer.classes_, [2.0, 3.0, 4.0])
    assert binarizer.transform([(4.0,)]).tolist() == [[0, 0, 1]]


def _seconds_to_load(model: Any) -> float:
    text = json.dumps({"reflectio": 1, "versions": {}, "model": model})
    start = time.perf_counter()
    reflectio.loads(text)
    return time.perf_counter() - start


def test_many_shared_estimators_are_not_gone_through_for_each_object():
    shared = [{"$": "sklearn.preprocessing.StandardScaler", "$id": number} for number in range(16_000)]
    others = [{"$": "sklearn.preprocessing.MultiLabelBinarizer", "sparse_output": False}] * 16_000
    # It was twenty.
    assert _seconds_to_load([*shared, *others]) < 5


def test_a_shared_list_is_not_gone_through_for_each_object_at_no_cost():
    scaler, reference = "sklearn.preprocessing.StandardScaler", {"$": "ref", "id": 2}
    shared = [
        {"$": scaler, "$id": 1},
        {"$": "ref", "id": 1},
        {"$": "list", "$id": 2, "items": [[[1.0]]] * 4000},
    ]
    bagging = {"$": "sklearn.ensemble.BaggingClassifier", "estimators_": [{"$": scaler, "mean_": reference}]}
    with pytest.raises(reflectio.LimitError, match="copies"):
        _seconds_to_load([*shared, *[bagging] * 4000])


@pytest.mark.parametrize(
    "classes", [[3.0, 10**25, float("nan"), 0.0, 1.0, 2.0, 2.5], [*range(1 << 11)], (-(10**25), 1)]
)
def test_lists_of_classes_that_a_search_could_miss_or_that_take_long_are_refused(classes):
    binarizer = LabelBinarizer().fit([1, 2, 3])
    binarizer.classes_ = classes
    with pytest.raises(reflectio.ValidationError, match="array of numbers"):
        reflectio.loads(reflectio.dumps(binarizer))


def test_a_method_is_one_of_the_class_that_the_policy_was_asked_about():
    scaler = "sklearn.preprocessing.StandardScaler"
    matrix = {
        "$": "ndarray",
        "$id": 1,
        "name": "numpy.matrix",
        "dtype": "float64",
        "shape": [1, 1],
        "data": [[1.0]],
    }
    method = {"$": "method", "object": {"$": scaler, "$id": 1}, "name": "dump"}
    references = [{"$": "ref", "id": 1}, {"$": "ref", "id": 2}]
    model = [*references, method, {"$": "list", "$id": 2, "items": [matrix]}]
    with pytest.raises(reflectio.DocumentError, match="given twice"):
        reflectio.loads(
            json.dumps({"reflectio": 1, "versions": {}, "model": model}),
            policy=Policy.default().extend(callables=[f"{scaler}.dump"]),
        )


@pytest.mark.parametrize("kind", ["one versus rest", "boosting", "votes"])
def test_a_list_that_many_ensembles_share_is_not_gone_through_for_each_without_end(kind):
    model: Any = {
        "one versus rest": lambda: OneVsRestClassifier(LogisticRegression()),
        "boosting": lambda: GradientBoostingClassifier(n_estimators=1, init=LogisticRegression()),
        "votes": lambda: VotingClassifier([("a", LogisticRegression())]),
    }[kind]().fit(X[:, :2], Y > 0)
    count = 200
    document = json.loads(reflectio.dumps([model] * 2, format="json"))
    text = json.dumps(document["model"][0] if isinstance(document["model"], list) else document["model"])
    models = []
    for number in range(count):
        # Ids of its own, for each.
        node = json.loads(re.sub(r'("\$?id": \d+)', rf"\g<1>{number:04}", text))
        shared = {"$": "ref", "id": 0} if number else {"$": "list", "$id": 0, "items": [0] * 200_000}
        holder = next(_with_member(node, "coef_"))
        holder["extra_"] = shared
        models.append(node)
    with pytest.raises(reflectio.LimitError, match=r"would take too long|multiply|copies of what"):
        reflectio.loads(json.dumps({**document, "model": models}))


def _with_member(node: Any, name: str) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if name in node:
            yield node
        for part in node.values():
            yield from _with_member(part, name)
    elif isinstance(node, list):
        for part in node:
            yield from _with_member(part, name)
