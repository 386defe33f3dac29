"""Whatever `loads` returns cannot crash the interpreter: forged states of estimators are refused on load."""

from __future__ import annotations

import copy
import functools
import json
import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn import (
    cluster,
    decomposition,
    dummy,
    ensemble,
    kernel_approximation,
    linear_model,
    manifold,
    naive_bayes,
    neighbors,
    svm,
)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import _kmeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessClassifier, kernels
from sklearn.gaussian_process.kernels import RBF, Exponentiation
from sklearn.metrics.pairwise import linear_kernel, rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MultiLabelBinarizer,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    SplineTransformer,
)

import reflectio

RNG = np.random.RandomState(0)
X = RNG.randn(40, 3)
SPARSE = scipy.sparse.csr_matrix(np.where(X > 0, X, 0.0))
CLASSES = np.digitize(X[:, 0], [-0.5, 0.5])
TARGETS = X @ [1.0, 2.0, 3.0]
CODES = RNG.randint(0, 4, (40, 3))
TEXTS = ["the cat sat", "the dog sat", "cat and dog"]


def mini_batches(estimator: Any) -> Any:
    return estimator.partial_fit(X)


def unshared(estimator: Any, name: str) -> Any:
    """The estimator with a copy of what two of its attributes are, so that one can be forged alone."""
    setattr(estimator, name, getattr(estimator, name).copy())
    return estimator


# Each by name: how to make it, the attribute to forge, and what an attacker would put there. A function makes it
# from what is there; the error must name the attribute.
def drop_last(values: Any) -> Any:
    return values[:-1].copy()


def repeat(values: Any) -> Any:
    return np.concatenate([values] * 50)


def widen(values: Any) -> Any:
    return np.tile(values, 50)


def constant(value: Any) -> Any:
    return lambda _: value


def filled(value: Any) -> Any:
    return lambda array: np.full_like(array, value)


def with_entry(index: Any, value: Any) -> Any:
    def forge(held: Any) -> Any:
        held = held.copy()
        held[index] = value
        return held

    return forge


def with_field(field: str, value: Any) -> Any:
    def forge(records: Any) -> Any:
        records = records.copy()
        records[field][0] = value
        return records

    return forge


SVC = ("SVC", lambda: svm.SVC().fit(X, CLASSES))
SPARSE_SVC = ("sparse SVC", lambda: svm.SVC().fit(SPARSE, CLASSES))
PRECOMPUTED_SVC = ("precomputed SVC", lambda: svm.SVC(kernel="precomputed").fit(X @ X.T, CLASSES))
CALLABLE_SVC = ("SVC with a kernel function", lambda: svm.SVC(kernel=linear_kernel).fit(X, CLASSES))
SVR = ("SVR", lambda: svm.SVR().fit(X, TARGETS))
ONE_CLASS = ("sparse OneClassSVM", lambda: svm.OneClassSVM().fit(SPARSE))
KMEANS = ("KMeans", lambda: cluster.KMeans(3, n_init=1).fit(X))
MINI_BATCH = ("MiniBatchKMeans", lambda: mini_batches(cluster.MiniBatchKMeans(3)))
BISECTING = ("BisectingKMeans", lambda: cluster.BisectingKMeans(4).fit(X))
BIRCH = ("Birch", lambda: cluster.Birch(threshold=0.1, branching_factor=3, n_clusters=None).fit(X))
HDBSCAN = ("HDBSCAN", lambda: cluster.HDBSCAN(copy=True).fit(X))
AGGLOMERATION = ("FeatureAgglomeration", lambda: cluster.FeatureAgglomeration(2).fit(X))
SGD = ("SGDClassifier", lambda: linear_model.SGDClassifier(average=True).fit(X, CLASSES))
PLAIN_SGD = ("SGDRegressor", lambda: linear_model.SGDRegressor().fit(X, TARGETS))
ONE_CLASS_SGD = ("SGDOneClassSVM", lambda: linear_model.SGDOneClassSVM(average=True).fit(X))
LASSO = ("Lasso", lambda: linear_model.Lasso(0.01, warm_start=True).fit(X, TARGETS))
GRAM = ("Lasso on a Gram matrix", lambda: linear_model.Lasso(precompute=X.T @ X).fit(X, TARGETS))
TSNE = ("TSNE", lambda: manifold.TSNE(init=np.ones((40, 2), np.float32)))
UNFITTED_MAHALANOBIS = (
    "DBSCAN by Mahalanobis",
    lambda: cluster.DBSCAN(algorithm="brute", metric="mahalanobis"),
)
HUBER = ("HuberRegressor", lambda: linear_model.HuberRegressor(warm_start=True).fit(X, TARGETS))
NETWORK = (
    "MLPRegressor",
    lambda: MLPRegressor(
        hidden_layer_sizes=(3,), solver="lbfgs", warm_start=True, max_iter=5, random_state=0
    ).fit(X, TARGETS),
)
KNN = ("KNeighborsClassifier", lambda: neighbors.KNeighborsClassifier(algorithm="brute").fit(X, CLASSES))
TREE_KNN = ("KNeighborsTransformer", lambda: neighbors.KNeighborsTransformer(algorithm="kd_tree").fit(X))
MAHALANOBIS = (
    "NearestNeighbors by Mahalanobis",
    lambda: neighbors.NearestNeighbors(
        algorithm="brute", metric="mahalanobis", metric_params={"VI": np.eye(3)}
    ).fit(X),
)
ONE_HOT = ("OneHotEncoder", lambda: OneHotEncoder().fit(CODES))
RARE = ("OneHotEncoder with rare categories", lambda: OneHotEncoder(min_frequency=10).fit(CODES))
DROPPING = ("OneHotEncoder that drops", lambda: unshared(OneHotEncoder(drop="first").fit(CODES), "drop_idx_"))
WORDS = ("CountVectorizer", lambda: CountVectorizer().fit(TEXTS))
RECORDS = ("DictVectorizer", lambda: DictVectorizer(sparse=False).fit([{"a": 1, "b": "x"}]))
LABELS = ("MultiLabelBinarizer", lambda: MultiLabelBinarizer().fit([[1, 2], [3]]))
TERMS = ("PolynomialFeatures", lambda: PolynomialFeatures(2).fit(X))

FORGERIES: list[tuple[tuple[str, Any], str, Any]] = [
    (SVC, "_n_support", filled(1_000_000)),
    (SVC, "_n_support", repeat),
    (SVC, "_n_support", filled(-1)),
    (SVC, "_n_support", lambda counts: counts.astype(np.int64)),
    (SVC, "support_vectors_", drop_last),
    (SVC, "support_vectors_", lambda vectors: vectors[:, :1].copy()),
    (SVC, "_dual_coef_", lambda coefficients: coefficients[:1].copy()),
    (SVC, "_intercept_", lambda intercept: intercept[:1].copy()),
    (SVC, "_probA", constant(np.zeros(2))),
    (SVC, "_impl", constant("epsilon_svr")),
    (SVC, "kernel", constant("nonsense")),
    (SVC, "kernel", constant(np.mean)),
    (SVC, "_sparse", constant(1)),
    (SPARSE_SVC, "_n_support", filled(1_000_000)),
    (SPARSE_SVC, "_effective_probability", constant(True)),
    (SPARSE_SVC, "_dual_coef_", lambda _: SPARSE[:1]),
    (SPARSE_SVC, "_dual_coef_", lambda coefficients: coefficients.toarray()),
    (SPARSE_SVC, "support_vectors_", lambda vectors: vectors[:2]),
    (SPARSE_SVC, "_sparse", constant(False)),
    (PRECOMPUTED_SVC, "support_", filled(1_000_000)),
    (PRECOMPUTED_SVC, "support_", filled(-1)),
    (PRECOMPUTED_SVC, "shape_fit_", constant(40)),
    (CALLABLE_SVC, "shape_fit_", constant((1_000_000, 3))),
    (CALLABLE_SVC, "_BaseLibSVM__Xfit", drop_last),
    (CALLABLE_SVC, "_BaseLibSVM__Xfit", lambda samples: samples[:, 0].copy()),
    (SVR, "_n_support", constant(np.array([1], dtype=np.int32))),
    (SVR, "_intercept_", lambda intercept: intercept[:0].copy()),
    (ONE_CLASS, "support_vectors_", lambda vectors: vectors.tocsc()),
    (KMEANS, "cluster_centers_", lambda centers: centers[:, :1].copy()),
    (KMEANS, "cluster_centers_", widen),
    (KMEANS, "cluster_centers_", lambda centers: centers[:0].copy()),
    (KMEANS, "_n_threads", constant(1_000_000)),
    (KMEANS, "_n_threads", constant(0)),
    (KMEANS, "n_features_in_", constant(4)),
    (KMEANS, "n_clusters", constant(0)),
    (MINI_BATCH, "_counts", drop_last),
    (BISECTING, "_X_mean", drop_last),
    (BISECTING, "_kmeans_single", constant("hamerly")),
    (HDBSCAN, "_single_linkage_tree_", with_field("left_node", 1 << 40)),
    (HDBSCAN, "_single_linkage_tree_", with_field("right_node", -1)),
    (HDBSCAN, "_single_linkage_tree_", constant(np.zeros(3))),
    (AGGLOMERATION, "labels_", filled(1 << 40)),
    (SGD, "_average_coef", drop_last),
    (SGD, "_standard_coef", constant(np.zeros(1))),
    (PLAIN_SGD, "coef_", drop_last),
    (PLAIN_SGD, "coef_", constant(np.zeros((0, 3)))),
    (ONE_CLASS_SGD, "_average_coef", drop_last),
    (LASSO, "coef_", drop_last),
    (LASSO, "coef_", lambda coefficients: [0.0]),
    (GRAM, "precompute", lambda gram: np.eye(500)),
    (TSNE, "learning_rate", constant(1e300)),
    (TSNE, "early_exaggeration", constant(1e300)),
    (TSNE, "init", filled(np.nan)),
    (TSNE, "init", filled(np.inf)),
    (TSNE, "init", filled(1e30)),
    (TSNE, "init", lambda points: points.astype(object)),
    (UNFITTED_MAHALANOBIS, "metric_params", constant({"VI": np.eye(1)})),
    (HUBER, "coef_", repeat),
    (HUBER, "coef_", lambda coefficients: coefficients[:, None].copy()),
    (HUBER, "scale_", constant(np.ones(2))),
    (NETWORK, "coefs_", lambda layers: layers[:1]),
    (NETWORK, "coefs_", lambda layers: [layers[0], np.ones((50, 1))]),
    (NETWORK, "coefs_", lambda layers: [SPARSE, *layers[1:]]),
    (NETWORK, "intercepts_", lambda shifts: [*shifts, shifts[0]]),
    (NETWORK, "intercepts_", lambda shifts: [shifts[0][:1].copy(), *shifts[1:]]),
    (NETWORK, "n_layers_", constant(2)),
    (NETWORK, "hidden_layer_sizes", constant((2,))),
    (NETWORK, "hidden_layer_sizes", constant("3")),
    (KNN, "_y", drop_last),
    (KNN, "_y", filled(1_000_000)),
    (KNN, "_y", filled(-1)),
    (KNN, "_fit_X", lambda samples: samples[:, :1].copy()),
    (KNN, "classes_", lambda classes: classes[:1].copy()),
    (KNN, "n_samples_fit_", constant(3)),
    (KNN, "effective_metric_params_", constant({"X_norm_squared": np.zeros(1)})),
    (KNN, "metric_params", constant({"Y_norm_squared": np.zeros(1)})),
    (KNN, "metric_params", constant({"out": np.zeros(1)})),
    (TREE_KNN, "_tree", lambda _: neighbors.KDTree(X[:5])),
    (TREE_KNN, "_tree", constant(3)),
    (TREE_KNN, "n_neighbors", constant(-1)),
    (TREE_KNN, "n_neighbors", constant(0)),
    (TREE_KNN, "n_samples_fit_", constant(1)),
    (MAHALANOBIS, "effective_metric_params_", constant({"VI": np.eye(2)})),
    (ONE_HOT, "_n_features_outs", constant([1, 1, 1])),
    (ONE_HOT, "_n_features_outs", constant([4, 4])),
    (ONE_HOT, "categories_", lambda categories: [values[::-1].copy() for values in categories]),
    (RARE, "_default_to_infrequent_mappings", lambda mappings: [np.full(4, 1 << 30)] * 3),
    (RARE, "_infrequent_indices", constant([None, None, np.array([0])])),
    (DROPPING, "_drop_idx_after_grouping", constant(np.array([-1, 0, 0], dtype=object))),
    (WORDS, "vocabulary_", with_entry("cat", 1 << 30)),
    (WORDS, "vocabulary_", with_entry("cat", -1)),
    (RECORDS, "vocabulary_", with_entry("a", 1 << 30)),
    (LABELS, "classes_", constant(np.array([1, 2, 3, 1, 2, 3]))),
    (LABELS, "_cached_dict", constant({1: 0, 2: 1, 3: 1 << 30})),
    (TERMS, "n_output_features_", constant(1 << 40)),
    (TERMS, "_n_out_full", constant(3)),
    (TERMS, "_max_degree", constant(1 << 40)),
    (("FeatureHasher", lambda: FeatureHasher(8)), "n_features", constant(0)),
    (("HashingVectorizer", lambda: HashingVectorizer(n_features=8)), "n_features", constant(-1)),
    (("Normalizer", lambda: Normalizer().fit(X)), "n_features_in_", constant(1 << 40)),
    (("PCA", lambda: decomposition.PCA(2).fit(X)), "n_features_in_", constant(-1)),
    (
        ("IncrementalPCA", lambda: decomposition.IncrementalPCA(2).fit(X)),
        "components_",
        with_entry((0, 0), np.inf),
    ),
    (("NMF", lambda: decomposition.NMF(2).fit(np.abs(X))), "_n_components", constant(1 << 30)),
    (
        ("DictionaryLearning", lambda: decomposition.DictionaryLearning(code_init=np.ones((40, 2)))),
        "dict_init",
        constant(np.ones((5, 3))),
    ),
    (
        ("AdditiveChi2Sampler", lambda: kernel_approximation.AdditiveChi2Sampler()),
        "sample_steps",
        constant(1 << 40),
    ),
    (
        ("PolynomialCountSketch", lambda: kernel_approximation.PolynomialCountSketch().fit(X)),
        "n_components",
        constant(1 << 40),
    ),
    (("DummyRegressor", lambda: dummy.DummyRegressor().fit(X, TARGETS)), "n_outputs_", constant(10**6)),
    (("DummyClassifier", lambda: dummy.DummyClassifier().fit(X, CLASSES)), "n_classes_", constant(1 << 31)),
    (
        ("FunctionTransformer", lambda: FunctionTransformer(np.add, kw_args={"x": 1})),
        "kw_args",
        constant({"out": np.zeros(3)}),
    ),
    (("Exponentiation", lambda: Exponentiation(RBF(), 2)), "exponent", constant(np.ones((2, 9)))),
]


# Where two attributes disagree, the one that is blamed.
BLAMED = {
    ("SVC with a kernel function", "shape_fit_"): "_BaseLibSVM__Xfit",
    ("sparse SVC", "support_vectors_"): "support_",
    ("sparse SVC", "_sparse"): "support_vectors_",
    ("MLPRegressor", "coefs_"): "(coefs_|n_layers_)",
    ("KMeans", "n_features_in_"): "cluster_centers_",
    ("KNeighborsClassifier", "_fit_X"): "n_features_in_",
    ("KNeighborsClassifier", "classes_"): "_y",
}


def document_of(estimator: Any, **forged: Any) -> str:
    """The estimator's document, with forged attributes in the place of its own."""
    document = json.loads(reflectio.dumps(estimator, format="json"))
    for name, value in forged.items():
        document["model"][name] = json.loads(reflectio.dumps(value, format="json"))["model"]
    return json.dumps(document)


@pytest.mark.parametrize(
    ("made", "name", "forge"),
    [pytest.param(made, name, forge, id=f"{made[0]}-{name}") for made, name, forge in FORGERIES],
)
def test_a_forged_attribute_is_refused_by_name(made, name, forge):
    estimator = made[1]()
    assert reflectio.loads(document_of(estimator)) is not None
    forged = forge(copy.deepcopy(getattr(estimator, name, None)))
    with pytest.raises(reflectio.ValidationError) as caught:
        reflectio.loads(document_of(estimator, **{name: forged}))
    blamed = BLAMED.get((made[0], name), name)
    assert re.match(rf"\$\.model\.{blamed}\b", caught.value.path)


KERNELS = {
    "a function": linear_kernel,
    "a function with keywords": functools.partial(rbf_kernel, gamma=0.5),
    "numpy's product": np.inner,
    "sums and products": 2.0 * kernels.RBF([1.0, 2.0, 3.0]) + kernels.WhiteKernel() * kernels.DotProduct(),
    "powers": kernels.Matern(np.float64(0.5), nu=2.5) ** 2 + kernels.RationalQuadratic(),
    "a period": kernels.ExpSineSquared(length_scale=np.array([2.0])),
    "a pairwise kernel": kernels.PairwiseKernel(metric="poly", pairwise_kernels_kwargs={"degree": 2}),
}

SAMPLES = {"array": X, "list": X.tolist(), "table": pd.DataFrame(X), "sparse matrix": SPARSE}


@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_of_all_kinds_are_loaded_with_the_samples_that_they_take(kernel, samples):
    data = SAMPLES[samples]
    estimator = svm.SVC(kernel=KERNELS[kernel])
    if samples == "sparse matrix" and not kernel.startswith("a function"):
        with pytest.raises((TypeError, ValueError)):
            estimator.fit(data, CLASSES)
        return
    loaded = reflectio.loads(reflectio.dumps(estimator.fit(data, CLASSES)))
    np.testing.assert_allclose(loaded.decision_function(data), estimator.decision_function(data))


@pytest.mark.parametrize("sizes", [(3,), [3], np.array([3]), 3, np.int64(3)], ids=repr)
def test_a_network_that_goes_on_from_its_layers_is_loaded_with_sizes_in_any_form(sizes):
    network = NETWORK[1]().set_params(hidden_layer_sizes=sizes)
    loaded = reflectio.loads(reflectio.dumps(network))
    assert loaded.fit(X, TARGETS).n_layers_ == 3


@pytest.mark.parametrize(("parameter", "value"), [("warm_start", False), ("solver", "adam")])
def test_a_network_may_be_given_other_sizes_for_its_next_fit_from_the_beginning(parameter, value):
    network = NETWORK[1]().set_params(hidden_layer_sizes=(5, 5), **{parameter: value})
    loaded = reflectio.loads(reflectio.dumps(network))
    np.testing.assert_array_equal(loaded.predict(X), network.predict(X))


def test_a_tree_that_compares_the_size_of_its_metric_is_loaded_before_a_fit():
    search = neighbors.NearestNeighbors(
        algorithm="ball_tree", metric="mahalanobis", metric_params={"VI": np.eye(3)}
    )
    assert reflectio.loads(reflectio.dumps(search)).fit(X).n_features_in_ == 3


def frozen(estimator: Any, y: Any = CLASSES) -> Any:
    return FrozenEstimator(estimator.fit(X, y))


BEFORE_A_FIT = {
    "boosting from a line": lambda: ensemble.GradientBoostingRegressor(
        init=frozen(linear_model.LinearRegression(), TARGETS)
    ),
    "boosting from a pipeline": lambda: ensemble.GradientBoostingRegressor(
        init=make_pipeline(frozen(Normalizer()), frozen(linear_model.Ridge(), TARGETS))
    ),
    "boosting from trees": lambda: ensemble.GradientBoostingRegressor(
        init=frozen(ensemble.HistGradientBoostingRegressor(max_iter=2), TARGETS)
    ),
    "boosting from classes": lambda: ensemble.GradientBoostingClassifier(
        init=frozen(linear_model.LogisticRegression())
    ),
    "boosting from a search": lambda: ensemble.GradientBoostingClassifier(
        init=GridSearchCV(linear_model.LogisticRegression(), {"C": [1.0, 2.0]})
    ),
    "boosting from a warm start": lambda: ensemble.GradientBoostingRegressor(
        init=ensemble.RandomForestRegressor(3, warm_start=True)
    ),
    "one versus rest": lambda: OneVsRestClassifier(
        make_pipeline(frozen(Normalizer()), frozen(linear_model.LogisticRegression(), CLASSES > 0))
    ),
    "votes": lambda: ensemble.VotingClassifier(
        [
            ("a", frozen(naive_bayes.GaussianNB())),
            ("b", GridSearchCV(make_pipeline(frozen(Normalizer()), svm.SVC()), {"svc__C": [1.0]})),
        ]
    ),
}


@pytest.mark.parametrize("name", BEFORE_A_FIT)
def test_what_is_yet_to_be_fitted_is_loaded_with_what_is_frozen(name):
    estimator = BEFORE_A_FIT[name]()
    y = TARGETS if hasattr(estimator, "loss") and not hasattr(estimator, "predict_proba") else CLASSES
    if isinstance(estimator, OneVsRestClassifier):
        y = np.c_[CLASSES > 0, CLASSES > 1].astype(int)
    loaded = reflectio.loads(reflectio.dumps(estimator)).fit(X, y)
    np.testing.assert_array_equal(reflectio.loads(reflectio.dumps(loaded)).predict(X), loaded.predict(X))


def members(node: Any, tag: str) -> Any:
    """Every node with a tag."""
    if isinstance(node, dict):
        if node.get("$") == tag:
            yield node
        for value in node.values():
            yield from members(value, tag)
    elif isinstance(node, list):
        for value in node:
            yield from members(value, tag)


def test_a_chain_of_leaves_that_does_not_end_is_refused():
    estimator = BIRCH[1]()
    first = estimator.dummy_leaf_.next_leaf_
    last = first
    while last.next_leaf_ is not None:
        last = last.next_leaf_
    last.next_leaf_ = first
    with pytest.raises(reflectio.ValidationError, match="does not end"):
        reflectio.loads(reflectio.dumps(estimator))


def test_a_tree_of_clusters_that_has_a_node_twice_is_refused():
    # Going down both sides of every node would take time exponential in the depth.
    estimator = BISECTING[1]()
    estimator._bisecting_tree.left = estimator._bisecting_tree.right
    with pytest.raises(reflectio.ValidationError, match="has a node twice"):
        reflectio.loads(reflectio.dumps(estimator))


def test_a_tree_of_clusters_with_a_center_of_other_features_is_refused():
    estimator = BISECTING[1]()
    estimator._bisecting_tree.left.center = np.zeros(2)
    with pytest.raises(reflectio.ValidationError, match="center is not of 3 features"):
        reflectio.loads(reflectio.dumps(estimator))


ITERATIONS = [_kmeans._kmeans_single_lloyd, _kmeans._kmeans_single_elkan]


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
def test_a_bisecting_k_means_names_its_iteration_without_naming_a_function(algorithm):
    estimator = cluster.BisectingKMeans(3, algorithm=algorithm, random_state=0).fit(X)
    document = reflectio.dumps(estimator, format="json")
    assert json.loads(document)["model"]["_kmeans_single"] == algorithm
    loaded = reflectio.loads(document)
    assert loaded._kmeans_single is estimator._kmeans_single
    assert (loaded.fit(X).labels_ == estimator.labels_).all()


@pytest.mark.parametrize("iteration", ITERATIONS, ids=["lloyd", "elkan"])
@pytest.mark.parametrize(
    "hold",
    [
        lambda function: function,
        lambda function: [function],
        lambda function: FunctionTransformer(function, kw_args={"sample_weight": np.ones(1)}),
        lambda function: functools.partial(function, np.zeros((1, 1))),
        lambda function: svm.SVC(kernel=function),
    ],
    ids=["itself", "a list", "a transformer", "a partial", "a kernel"],
)
def test_nothing_else_may_hold_the_iteration_of_k_means(iteration, hold):
    document = reflectio.dumps(hold(iteration))
    with pytest.raises(reflectio.UntrustedNameError, match=iteration.__name__):
        reflectio.loads(document)


def own_kernel(first: Any, second: Any) -> Any:
    return first @ second.T


@pytest.mark.parametrize(
    "kernel",
    [linear_kernel, np.inner, RBF(), functools.partial(linear_kernel, dense_output=True), own_kernel],
    ids=["linear_kernel", "inner", "RBF", "partial", "a user's own"],
)
def test_a_kernel_that_pairs_all_samples_may_be_held(kernel):
    estimator = svm.SVC(kernel=kernel).fit(X, CLASSES)
    policy = reflectio.Policy.default().extend(callables=[own_kernel])
    loaded = reflectio.loads(reflectio.dumps(estimator), policy=policy)
    assert (loaded.predict(X) == estimator.predict(X)).all()


@pytest.mark.parametrize(
    "kernel",
    [np.add, functools.partial(linear_kernel, np.ones((1, 3))), functools.partial(linear_kernel, Y=X)],
    ids=["add", "partial of a sample", "partial of samples"],
)
def test_a_kernel_that_may_give_another_shape_is_refused_before_training(kernel):
    # Compiled code would read past the end of the targets.
    with pytest.raises(reflectio.ValidationError, match="pair of samples"):
        reflectio.loads(reflectio.dumps(svm.SVR(kernel=kernel)))


@pytest.mark.parametrize("keyword", ["out", "X_norm_squared", "Y_norm_squared", "metric_kwargs"])
def test_a_partial_may_not_write_to_what_it_holds_nor_skip_checks(keyword):
    with pytest.raises(reflectio.ValidationError, match="no stored function may be given") as caught:
        reflectio.loads(reflectio.dumps(functools.partial(np.add, **{keyword: np.zeros(3)})))
    assert caught.value.path == f"$.model.kwargs.{keyword}"


def test_a_tree_keeps_its_own_copy_of_what_it_indexes_by():
    tree = neighbors.KDTree(X)
    document = json.loads(reflectio.dumps([tree, 0], format="json"))
    order = next(node for node in members(document["model"], "sklearn.neighbors.KDTree"))["idx_array"]
    order["$id"] = 1000
    document["model"][1] = {"$": "ref", "id": 1000}
    held = reflectio.loads(json.dumps(document))
    held[1][:] = 1 << 40
    assert (held[0].query(X, 2)[1] == tree.query(X, 2)[1]).all()


@pytest.mark.parametrize(
    ("generator", "member", "value"),
    [(np.random.PCG64(0), "inc", 0), (np.random.PCG64DXSM(0), "inc", 2)],
    ids=["PCG64", "PCG64DXSM"],
)
def test_a_bit_generator_that_would_give_one_number_for_ever_is_refused(generator, member, value):
    document = json.loads(reflectio.dumps(generator, format="json"))
    document["model"]["state"]["state"][member] = value
    with pytest.raises(reflectio.ValidationError, match=member):
        reflectio.loads(json.dumps(document))


@pytest.mark.parametrize(("first", "loads"), [(0, False), (2**31 - 1, False), (2**31, True)])
def test_a_mersenne_twister_without_a_bit_that_counts_is_refused(first, loads):
    state = np.random.RandomState(0)
    key = np.zeros(624, dtype=np.uint32)
    key[0] = first
    state.set_state(("MT19937", key, 5))
    document = reflectio.dumps(state)
    if loads:
        assert reflectio.loads(document).get_state()[1][0] == first
    else:
        with pytest.raises(reflectio.ValidationError, match="key"):
            reflectio.loads(document)


def test_more_features_than_anything_bears_out_are_refused():
    estimator = Normalizer().fit(X)
    estimator.n_features_in_ = (1 << 22) + 1
    with pytest.raises(reflectio.ValidationError, match="nothing that the estimator holds"):
        reflectio.loads(reflectio.dumps(estimator))


def test_as_many_features_as_an_array_has_are_taken():
    estimator = Normalizer().fit(X)
    estimator.n_features_in_ = (1 << 22) + 1
    estimator.scale_ = np.zeros((1 << 22) + 1, dtype=np.int8)
    assert reflectio.loads(reflectio.dumps(estimator)).n_features_in_ == (1 << 22) + 1


def _edges() -> Any:
    few = X[:2]
    yield "no support vectors", lambda: svm.SVR(epsilon=1e6).fit(X, TARGETS)
    yield "no sparse support vectors", lambda: svm.SVR(epsilon=1e6).fit(SPARSE, TARGETS)
    yield "many classes", lambda: svm.SVC().fit(X, np.arange(len(X)))
    yield "probabilities", lambda: svm.SVC(probability=True).fit(SPARSE, CLASSES)
    yield "one cluster", lambda: cluster.KMeans(1, n_init=1).fit(few)
    yield "one bisection", lambda: cluster.BisectingKMeans(1).fit(X)
    yield "two classes, averaged", lambda: linear_model.SGDClassifier(average=True).fit(X, CLASSES > 0)
    yield "sparse coefficients", lambda: linear_model.SGDClassifier().fit(X, CLASSES).sparsify()
    yield "several targets", lambda: linear_model.MultiTaskLasso().fit(X, X)
    yield "no categories", lambda: OneHotEncoder(handle_unknown="ignore").fit(np.full((3, 1), np.nan))
    yield "a category that is missing", lambda: OneHotEncoder().fit(np.array([[1.0], [np.nan]]))
    yield "categories by name", lambda: OneHotEncoder(drop="if_binary").fit(CODES.astype(str).astype(object))
    yield "an empty vocabulary", lambda: DictVectorizer().fit([{}])
    yield (
        "votes for two outputs",
        lambda: neighbors.KNeighborsClassifier().fit(X, np.c_[CLASSES, CLASSES > 0]),
    )
    yield "a minimal hierarchy", lambda: cluster.HDBSCAN(min_cluster_size=2, copy=True).fit(few)


def _answering():
    yield linear_model.LogisticRegressionCV(cv=2)
    yield naive_bayes.GaussianNB()
    yield MLPClassifier(max_iter=5)
    yield GaussianProcessClassifier(RBF([1.0, 1.0, 1.0]))
    yield ensemble.HistGradientBoostingClassifier(max_iter=1)
    yield make_pipeline(SelectKBest(k=2), SplineTransformer(), decomposition.PCA(2), linear_model.Ridge())
    yield make_pipeline(FunctionTransformer(np.tanh), svm.SVC())
    yield linear_model.RidgeClassifier()
    yield naive_bayes.BernoulliNB()
    yield neighbors.KNeighborsClassifier()
    yield ensemble.GradientBoostingClassifier(n_estimators=1)
    yield ensemble.StackingClassifier([("a", linear_model.LogisticRegression()), ("b", "drop")], cv=2)
    yield ensemble.VotingRegressor([("a", linear_model.Ridge())])
    yield ensemble.AdaBoostClassifier(n_estimators=2)
    yield CalibratedClassifierCV(svm.LinearSVC(), method="isotonic", cv=2)
    yield OneVsRestClassifier(linear_model.SGDClassifier())
    yield make_pipeline(QuadraticDiscriminantAnalysis())


def _first_guesses():
    yield make_pipeline(decomposition.PCA(2), linear_model.LogisticRegression())
    yield svm.SVC(probability=True)
    yield neighbors.KNeighborsClassifier()
    yield MLPClassifier(max_iter=5)
    yield LinearDiscriminantAnalysis()
    yield CalibratedClassifierCV(naive_bayes.GaussianNB())
    yield GridSearchCV(naive_bayes.GaussianNB(), {})
    yield ensemble.BaggingClassifier(n_estimators=2)
    yield ensemble.AdaBoostClassifier(n_estimators=2)


EDGES = (
    dict(_edges())
    | {
        f"boosting that starts from {type(init).__name__}": lambda init=init: (
            ensemble.GradientBoostingClassifier(n_estimators=1, init=init).fit(X, CLASSES)
        )
        for init in _first_guesses()
    }
    | {
        f"several labels by {type(estimator).__name__} {number}": lambda estimator=estimator: (
            OneVsRestClassifier(estimator).fit(X, X > 0)
        )
        for number, estimator in enumerate(_answering())
    }
)


@pytest.mark.parametrize("name", EDGES)
def test_valid_states_at_the_edges_load(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = EDGES[name]()
        for format in ("binary", "json"):
            document = reflectio.dumps(estimator, format=format)
            assert reflectio.dumps(reflectio.loads(document), format=format) == document


def test_the_limit_on_depth_is_on_the_header_and_not_on_the_model(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('extends = ["default"]\n[limits]\ndepth = 110\n')
    deep: Any = []
    for _ in range(1000):
        deep = [deep]
    again = reflectio.loads(reflectio.dumps(deep), policy=policy)
    assert len(again) == 1
    by_hand = '{"reflectio": 1, "versions": {}, "model": %s}' % ("[" * 120 + "]" * 120)
    with pytest.raises(reflectio.LimitError, match="depth"):
        reflectio.loads(by_hand, policy=policy)
