"""
What the checks on load cost: ``python -m bench.checks``.

For each check, a model that exercises it is loaded with it and without it, in turn; the best of several turns counts,
by the time of the processor: other processes do not.
Then the whole zoo is loaded with all checks and with none. The library has no switch for them: here, and nowhere
else, the code of a check is exchanged for code that does nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import operator
import statistics
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy import interpolate, stats
from sklearn import (
    cluster,
    covariance,
    decomposition,
    dummy,
    ensemble,
    gaussian_process,
    isotonic,
    kernel_approximation,
    linear_model,
    manifold,
    mixture,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    svm,
    tree,
)
from sklearn.datasets import load_digits
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.gaussian_process.kernels import RBF, Exponentiation
from sklearn.metrics import DistanceMetric
from sklearn.metrics.pairwise import linear_kernel
from sklearn.utils import Bunch

import reflectio

# What takes less is done several times a turn, in seconds.
_TURN_SECONDS = 0.004


class Case(NamedTuple):
    """
    A model, and the validators that loading it goes through.

    Attributes
    ----------
    validators : str
        Their names, each of the module in `reflectio.codecs` and of the function or class in it.
    make : callable
        Gives the model.
    without : str
        The functions to leave out, of those modules. None where the checks are a part of decoding, which is then
        measured as a whole.
    """

    validators: str
    make: Callable[[], Any]
    without: str = ""


_rng = np.random.RandomState(0)
X, DIGITS = load_digits(return_X_y=True)
SAMPLES = _rng.normal(size=(2000, 10))
CLASSES = np.digitize(SAMPLES[:, 0], [-0.5, 0.5])
TARGETS = SAMPLES @ np.arange(10.0)
CODES = _rng.randint(0, 200, (5000, 10))
MATRIX = sp.random(20_000, 500, 0.01, "csr", random_state=0)
KNOTS = np.linspace(0.0, 1.0, 1000)
WORDS = [f"word{number}" for number in range(20_000)]
FEW = SAMPLES[:300]


def _forest(cls: Any, y: Any, **parameters: Any) -> Any:
    return cls(100, random_state=0, **parameters).fit(X, y)


def _hist(**parameters: Any) -> Any:
    return ensemble.HistGradientBoostingClassifier(max_iter=30, random_state=0, **parameters).fit(
        np.abs(SAMPLES).round(), CLASSES
    )


def _view() -> Any:
    base = _rng.normal(size=(200, 50))
    return [base, base[::2, ::2]]


def _frame() -> pd.DataFrame:
    return pd.DataFrame({f"c{number}": SAMPLES[:, number] for number in range(10)} | {"n": range(2000)})


CASES: dict[str, Case] = {
    # Trees
    "decision tree": Case(
        "trees.check_decision_tree trees.check_classes",
        lambda: tree.DecisionTreeClassifier(random_state=0).fit(X, DIGITS),
        "trees.TreeCodec._check trees.check_decision_tree",
    ),
    "trees of a forest": Case(
        "trees.TreeCodec trees.check_trees",
        lambda: _forest(ensemble.RandomForestClassifier, DIGITS),
        "trees.check_trees",
    ),
    "forest": Case(
        "ensembles.check_forest ensembles.compiled_trees ensembles.check_features ensembles._check_template "
        "ensembles._check_forest_classes",
        lambda: _forest(ensemble.RandomForestClassifier, DIGITS),
        "ensembles.check_forest ensembles._check_forest_classes",
    ),
    "forest of values": Case(
        "ensembles._check_forest_values",
        lambda: _forest(ensemble.RandomForestRegressor, DIGITS, max_depth=6),
        "ensembles._check_forest_values",
    ),
    "bagging": Case(
        "ensembles.check_bagging ensembles.check_number_of_classes",
        lambda: ensemble.BaggingClassifier(n_estimators=50, max_features=0.5, random_state=0).fit(X, DIGITS),
        "ensembles.check_bagging ensembles.check_number_of_classes",
    ),
    "isolation forest": Case(
        "ensembles.check_isolation_forest",
        lambda: ensemble.IsolationForest(random_state=0).fit(X),
        "ensembles.check_isolation_forest",
    ),
    "gradient boosting": Case(
        "gradient_boosting.check_boosting gradient_boosting.check_link gradient_boosting._check_initial gradient_boosting.check_loss",
        lambda: ensemble.GradientBoostingClassifier(n_estimators=20, random_state=0).fit(SAMPLES, CLASSES),
        "gradient_boosting.check_boosting gradient_boosting.check_loss",
    ),
    "gradient boosting from a line": Case(
        "gradient_boosting._check_not_empty",
        lambda: ensemble.GradientBoostingRegressor(
            n_estimators=20, init=linear_model.LinearRegression(), random_state=0
        ).fit(SAMPLES, TARGETS),
        "gradient_boosting._check_not_empty",
    ),
    "gradient boosting from votes": Case(
        "gradient_boosting._check_votes",
        lambda: ensemble.GradientBoostingClassifier(
            n_estimators=20, init=ensemble.AdaBoostClassifier(n_estimators=5), random_state=0
        ).fit(SAMPLES, CLASSES),
        "gradient_boosting._check_votes",
    ),
    "histogram boosting": Case(
        "histogram_boosting.PredictorCodec histogram_boosting.check_predictors",
        _hist,
        "histogram_boosting.check_predictors",
    ),
    "histogram boosting, as a whole": Case(
        "histogram_boosting.check_hist_boosting histogram_boosting._check_predicted_features histogram_boosting.check_bin_mapper",
        _hist,
        "histogram_boosting.check_hist_boosting histogram_boosting.check_bin_mapper",
    ),
    "histogram boosting of categories": Case(
        "histogram_boosting._check_preprocessor",
        lambda: _hist(categorical_features=[0, 1, 2]),
        "histogram_boosting._check_preprocessor",
    ),
    # Support vectors
    "SVC": Case(
        "support_vectors.check_support_vectors support_vectors._check_counts fitted.array_of",
        lambda: svm.SVC().fit(X, DIGITS),
        "support_vectors.check_support_vectors",
    ),
    "SVC of sparse samples": Case(
        "support_vectors._check_sparse_vectors",
        lambda: svm.SVC().fit(sp.csr_matrix(X), DIGITS),
        "support_vectors.check_support_vectors",
    ),
    "SVC of a kernel matrix": Case(
        "support_vectors._check_training_samples",
        lambda: svm.SVC(kernel="precomputed").fit(X @ X.T, DIGITS),
        "support_vectors.check_support_vectors",
    ),
    "SVC of a kernel function": Case(
        "kernels.check_kept_samples",
        lambda: svm.SVC(kernel=linear_kernel).fit(X, DIGITS),
        "kernels.check_kept_samples",
    ),
    "exponent of a kernel": Case(
        "kernels.check_exponentiation",
        lambda: Exponentiation(RBF(), 2),
        "kernels.check_exponentiation",
    ),
    # Clusters
    "k-means": Case(
        "clusters.check_centers fitted.size_of",
        lambda: cluster.KMeans(10, n_init=1).fit(X),
        "clusters.check_centers",
    ),
    "k-means in batches": Case(
        "clusters.check_counts",
        lambda: cluster.MiniBatchKMeans(10, n_init=1).fit(X),
        "clusters.check_counts",
    ),
    "k-means by halves": Case(
        "clusters.check_bisections clusters.BisectingKMeansCodec",
        lambda: cluster.BisectingKMeans(20).fit(X),
        "clusters.check_bisections",
    ),
    "clusters of features": Case(
        "clusters.check_feature_clusters",
        lambda: cluster.FeatureAgglomeration(10).fit(X),
        "clusters.check_feature_clusters",
    ),
    "Birch": Case(
        "clusters.check_leaf_chain clusters._nodes_below",
        lambda: cluster.Birch(n_clusters=None).fit(FEW),
        "clusters.check_leaf_chain",
    ),
    "clusterer of subclusters": Case(
        "clusters.check_clusterer",
        lambda: cluster.Birch(n_clusters=cluster.KMeans(2, n_init=1)).fit(FEW),
        "clusters.check_clusterer",
    ),
    "subclusters": Case(
        "clusters.check_subclusters",
        lambda: cluster.Birch(n_clusters=None).fit(FEW),
        "clusters.check_subclusters",
    ),
    "HDBSCAN": Case(
        "clusters.check_linkage", lambda: cluster.HDBSCAN(copy=True).fit(SAMPLES), "clusters.check_linkage"
    ),
    # Linear models, decompositions
    "stochastic gradient descent": Case(
        "linear.check_stochastic_gradient linear._coefficients",
        lambda: linear_model.SGDClassifier(average=True).fit(X, DIGITS),
        "linear.check_stochastic_gradient",
    ),
    "coordinate descent": Case(
        "linear.check_coordinate_descent",
        lambda: linear_model.Lasso(precompute=X.T @ X).fit(X, DIGITS),
        "linear.check_coordinate_descent",
    ),
    "robust regression": Case(
        "linear.check_huber",
        lambda: linear_model.HuberRegressor().fit(SAMPLES, TARGETS),
        "linear.check_huber",
    ),
    "layers of a network": Case(
        "linear.check_layers",
        lambda: neural_network.MLPClassifier(max_iter=5, random_state=0).fit(SAMPLES, CLASSES),
        "linear.check_layers",
    ),
    "points to start from": Case(
        "embeddings.check_points",
        lambda: manifold.TSNE(init=np.ones((60, 2), np.float32)),
        "embeddings.check_points",
    ),
    "code to start from": Case(
        "linear.check_initial_code",
        lambda: decomposition.DictionaryLearning(code_init=np.ones((40, 2)), dict_init=np.ones((2, 3))),
        "linear.check_initial_code",
    ),
    "mixture": Case(
        "decompositions.check_mixture decompositions._check_finite",
        lambda: mixture.GaussianMixture(5, random_state=0).fit(SAMPLES),
        "decompositions.check_mixture",
    ),
    "Gaussian process": Case(
        "decompositions.check_gaussian_process",
        lambda: gaussian_process.GaussianProcessRegressor().fit(FEW, TARGETS[:300]),
        "decompositions.check_gaussian_process",
    ),
    "covariance": Case(
        "decompositions.check_covariance",
        lambda: covariance.LedoitWolf().fit(X),
        "decompositions.check_covariance",
    ),
    "components": Case(
        "decompositions.check_components",
        lambda: decomposition.IncrementalPCA(10).fit(X),
        "decompositions.check_components",
    ),
    "factors": Case(
        "sizes.check_factors", lambda: decomposition.NMF(10, max_iter=5).fit(X), "sizes.check_factors"
    ),
    # Encoders
    "one-hot encoder": Case(
        "categories.check_columns categories._check_order categories._last_code",
        lambda: preprocessing.OneHotEncoder().fit(CODES),
        "categories.check_columns",
    ),
    "vocabulary of 20,000 words": Case(
        "categories.check_vocabulary categories._check_places",
        lambda: CountVectorizer().fit(WORDS),
        "categories.check_vocabulary",
    ),
    "vocabulary of a dict": Case(
        "categories.check_vocabulary",
        lambda: DictVectorizer().fit([{word: 1} for word in WORDS[:500]]),
        "categories.check_vocabulary",
    ),
    "labels": Case(
        "categories.check_labels categories._are_distinct",
        lambda: preprocessing.MultiLabelBinarizer().fit([list(range(1000))]),
        "categories.check_labels",
    ),
    "binarized classes": Case(
        "categories.check_binarized_classes",
        lambda: preprocessing.LabelBinarizer().fit(range(1000)),
        "categories.check_binarized_classes",
    ),
    "hashed features": Case(
        "categories.check_hashed_features", FeatureHasher, "categories.check_hashed_features"
    ),
    "polynomial features": Case(
        "sizes.check_degrees", lambda: preprocessing.PolynomialFeatures(3).fit(SAMPLES), "sizes.check_degrees"
    ),
    "splines of a transformer": Case(
        "sizes.check_bias sizes._check_flags",
        lambda: preprocessing.SplineTransformer().fit(SAMPLES),
        "sizes.check_bias",
    ),
    # Counts
    "number of features": Case(
        "sizes.check_sizes sizes._check_backing",
        lambda: preprocessing.StandardScaler().fit(X),
        "sizes.check_sizes",
    ),
    "metric parameters": Case(
        "sizes._check_metric_parameters",
        lambda: neighbors.NearestNeighbors(
            algorithm="brute", metric="mahalanobis", metric_params={"VI": np.eye(10)}
        ).fit(SAMPLES),
        "sizes._check_metric_parameters",
    ),
    "dummy values": Case(
        "sizes.check_constant", lambda: dummy.DummyRegressor().fit(X, DIGITS), "sizes.check_constant"
    ),
    "dummy classes": Case(
        "sizes.check_dummy_classes",
        lambda: dummy.DummyClassifier().fit(X, DIGITS),
        "sizes.check_dummy_classes",
    ),
    "steps of a sampler": Case(
        "sizes.check_steps", kernel_approximation.AdditiveChi2Sampler, "sizes.check_steps"
    ),
    "names of features": Case(
        "output_names.check_names",
        lambda: kernel_approximation.AdditiveChi2Sampler().fit(np.abs(X)),
        "output_names.check_names",
    ),
    "iterations of a transformer": Case(
        "iterations.check_iterations iterations._check_loop",
        lambda: decomposition.NMF(2, max_iter=5).fit(np.abs(X)),
        "iterations.check_iterations",
    ),
    "sketch": Case(
        "sizes.check_sketch",
        lambda: kernel_approximation.PolynomialCountSketch().fit(X),
        "sizes.check_sketch",
    ),
    # Estimators of estimators
    "one versus rest": Case(
        "multiclass.check_one_versus_rest multiclass._check_single_output multiclass._shape",
        lambda: multiclass.OneVsRestClassifier(naive_bayes.GaussianNB()).fit(X, DIGITS),
        "multiclass.check_one_versus_rest",
    ),
    "one versus rest, several labels": Case(
        "multiclass._check_rows",
        lambda: multiclass.OneVsRestClassifier(naive_bayes.GaussianNB()).fit(
            X, np.eye(10, dtype=int)[DIGITS]
        ),
        "multiclass._check_rows",
    ),
    "one versus rest, one answer": Case(
        "answers.check_one_answer",
        lambda: multiclass.OneVsRestClassifier(naive_bayes.GaussianNB()).fit(
            X, np.eye(10, dtype=int)[DIGITS]
        ),
        "answers.check_one_answer",
    ),
    "isotonic regression": Case(
        "isotonic.IsotonicCodec", lambda: isotonic.IsotonicRegression().fit(SAMPLES[:, 0], TARGETS)
    ),
    "votes": Case(
        "multiclass.check_votes multiclass._check_votes multiclass._check_classifier multiclass._check_labels "
        "multiclass._check_encoders",
        lambda: ensemble.VotingClassifier([("a", naive_bayes.GaussianNB())]).fit(X, DIGITS),
        "multiclass.check_votes",
    ),
    # Neighbours
    "KD tree": Case(
        "neighbors.NeighborTreeCodec neighbors.NamedStateCodec neighbors._check_array neighbors.check_metric_fits",
        lambda: neighbors.KDTree(_rng.normal(size=(50_000, 5))),
    ),
    "metric": Case(
        "neighbors.MetricCodec",
        lambda: DistanceMetric.get_metric("seuclidean", V=np.ones(10)),
    ),
    "nearest neighbours": Case(
        "neighbor_searches.check_searched_samples",
        lambda: neighbors.KNeighborsClassifier().fit(X, DIGITS),
        "neighbor_searches.check_searched_samples",
    ),
    "votes of neighbours": Case(
        "neighbor_searches.check_votes",
        lambda: neighbors.KNeighborsClassifier().fit(X, DIGITS),
        "neighbor_searches.check_votes",
    ),
    # scipy
    "csr, 100,000 entries": Case(
        "sparse._check_compressed sparse._check_data sparse._check_index sparse._check_bounds",
        lambda: MATRIX,
        "sparse._check_compressed",
    ),
    "coo, 100,000 entries": Case("sparse._check_coo sparse.SparseCodec", MATRIX.tocoo, "sparse._check_coo"),
    "dia": Case(
        "sparse._check_dia",
        lambda: sp.diags([np.ones(10_000)] * 3, [0, 1, 2], format="dia"),
        "sparse._check_dia",
    ),
    "dok, 10,000 entries": Case(
        "sparse._check_dok sparse._check_dtype sparse._check_numbers sparse._decode_dok",
        lambda: MATRIX[:2000].todok(),
        "sparse._check_dok",
    ),
    "lil, 10,000 entries": Case("sparse._check_lil", lambda: MATRIX[:2000].tolil(), "sparse._check_lil"),
    "spline": Case(
        "interpolators._check_bspline interpolators._check_points interpolators._check_rising "
        "interpolators._check_values interpolators._check_axis interpolators._check_extrapolate",
        lambda: interpolate.make_interp_spline(KNOTS, KNOTS**2),
        "interpolators._check_bspline",
    ),
    "cubic spline": Case(
        "interpolators._check_piecewise",
        lambda: interpolate.CubicSpline(KNOTS, KNOTS**2),
        "interpolators._check_piecewise",
    ),
    "polynomials in the plane": Case(
        "interpolators._check_nd_piecewise",
        lambda: interpolate.NdPPoly(np.ones((2, 2, 50, 50)), (np.arange(51.0), np.arange(51.0))),
        "interpolators._check_nd_piecewise",
    ),
    "spline in the plane": Case(
        "interpolators._check_nd_bspline interpolators.NdBSplineCodec",
        lambda: interpolate.NdBSpline((np.arange(54.0), np.arange(54.0)), np.ones((50, 50)), 3),
        "interpolators._check_nd_bspline",
    ),
    "grid": Case(
        "interpolators._check_grid",
        lambda: interpolate.RegularGridInterpolator((KNOTS, KNOTS[:100]), np.ones((1000, 100))),
        "interpolators._check_grid",
    ),
    "interp1d": Case(
        "interpolators._check_interp1d",
        lambda: interpolate.interp1d(KNOTS, KNOTS**2),
        "interpolators._check_interp1d",
    ),
    "frozen distribution": Case(
        "distributions._freeze distributions._check_shapes distributions._build_number",
        lambda: stats.norm(np.zeros(100), 1.0),
    ),
    "distribution with a state": Case("distributions._build_random_state", lambda: _with_state()),
    "histogram": Case(
        "distributions._from_table distributions._build_parameter distributions._histogram_without_density",
        lambda: stats.rv_histogram(np.histogram(TARGETS, 50), density=None),
    ),
    # numpy
    "generator": Case(
        "random._check random.BitGeneratorCodec random.SeedSequenceCodec random.GeneratorCodec",
        lambda: np.random.default_rng(0),
        "random._check",
    ),
    "random state": Case(
        "random._check random.RandomStateCodec", lambda: np.random.RandomState(0), "random._check"
    ),
    "view": Case("arrays.ArrayCodec", _view),
    "strided array": Case("arrays._spread", lambda: X[::2, ::2]),
    "masked array": Case("arrays.MaskedArrayCodec", lambda: np.ma.masked_array(X, X > 5)),
    # pandas
    "categorical": Case(
        "pandas_nodes.check_codes", lambda: pd.Categorical(np.array(WORDS[:100])[CODES[:, 0] % 100])
    ),
    "frame": Case("frames.FrameCodec frames._check_positions", _frame, "frames._check_positions"),
    "series": Case(
        "frames.SeriesCodec pandas_indexes.RangeIndexCodec",
        lambda: pd.Series(TARGETS),
    ),
    "nullable integers": Case(
        "pandas_arrays.MaskedCodec", lambda: pd.array(CODES[:, 0].tolist(), dtype="Int64")
    ),
    "intervals": Case("pandas_arrays.IntervalArrayCodec", lambda: pd.interval_range(0, 1000).array),
    "sparse column": Case("pandas_arrays.SparseArrayCodec", lambda: pd.arrays.SparseArray(CODES[:, 0] % 7)),
    "days": Case(
        "pandas_arrays.with_freq pandas_offsets.OffsetCodec", lambda: pd.date_range("2020", periods=1000)
    ),
    "labels of text": Case("pandas_indexes.IndexCodec", lambda: pd.Index(WORDS[:2000])),
    "levels": Case(
        "pandas_indexes.MultiIndexCodec", lambda: pd.MultiIndex.from_product([WORDS[:100], range(20)])
    ),
    # Anything else
    "partial": Case("callables.PartialCodec", lambda: functools.partial(np.mean, axis=0)),
    "itemgetter": Case("callables.ItemGetterCodec", lambda: operator.itemgetter("a", 3)),
    "function of a transformer": Case(
        "keywords.check_keywords",
        lambda: preprocessing.FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 1}),
        "keywords.check_keywords",
    ),
    "bunch": Case("bunch.BunchCodec", lambda: Bunch(**dict.fromkeys(WORDS[:100], 1))),
    "namespace": Case(
        "values.NamespaceCodec", lambda: types.SimpleNamespace(**dict.fromkeys(WORDS[:100], 1))
    ),
    "state of an object": Case("objects.ObjectCodec", lambda: preprocessing.StandardScaler().fit(X)),
}


def _with_state() -> Any:
    frozen = stats.norm(1, 2)
    frozen.random_state = np.random.RandomState(0)
    return frozen


def _nothing(*_: Any, **__: Any) -> None:
    """Stands for a check that is left out."""


def _alarm(*_: Any, **__: Any) -> None:
    raise AssertionError("the check was called")


def _function(name: str) -> Any:
    module, *path = name.split(".")
    found: Any = importlib.import_module(f"reflectio.codecs.{module}")
    for part in path:
        found = getattr(found, part)
    return found


def without(names: str) -> contextlib.AbstractContextManager[None]:
    """Load without some checks: whoever holds one of these functions, calling it does nothing."""
    return _exchanged(names, _nothing.__code__)


def alarmed(names: str) -> contextlib.AbstractContextManager[None]:
    """Load with an error in place of some checks, which shows that they are called."""
    return _exchanged(names, _alarm.__code__)


@contextlib.contextmanager
def _exchanged(names: str, code: types.CodeType) -> Iterator[None]:
    functions = [_function(name) for name in names.split()]
    before = [function.__code__ for function in functions]
    for function in functions:
        function.__code__ = code
    try:
        yield
    finally:
        for function, original in zip(functions, before, strict=True):
            function.__code__ = original


#: All checks that can be left out.
ALL = " ".join(sorted({name for case in CASES.values() for name in case.without.split()}))


@functools.cache
def document(name: str) -> bytes:
    """The document of a case's model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reflectio.dumps(CASES[name].make())


def _seconds(data: bytes, times: int) -> float:
    loads = reflectio.loads
    start = process_time()
    for _ in range(times):
        loads(data)
    return (process_time() - start) / times


def measure(data: bytes, left_out: str, turns: int) -> tuple[float, float]:
    """
    Time the loading of a document with some checks, and without.

    Parameters
    ----------
    data : bytes
        The document.
    left_out : str
        The checks.
    turns : int
        How often each is timed, in turn with the other; the best counts.

    Returns
    -------
    tuple of float
        Seconds with the checks, and without.
    """
    reflectio.loads(data)
    times = max(1, round(_TURN_SECONDS / max(_seconds(data, 1), 1e-6)))
    checked, unchecked = [], []
    for _ in range(turns):
        checked.append(_seconds(data, times))
        with without(left_out):
            unchecked.append(_seconds(data, times))
    return min(checked), min(unchecked)


def _zoo() -> Iterator[tuple[str, bytes]]:
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    import zoo

    for index, name in enumerate(zoo.instance_names()):
        yield name, reflectio.dumps(zoo.fitted(index, "float64")[0])


def main(argv: list[str] | None = None) -> int:
    """Print a row for each check, and what all of them cost over the zoo."""
    parser = argparse.ArgumentParser(prog="python -m bench.checks", description=__doc__)
    parser.add_argument("--turns", type=int, default=15, help="turns of each; the best counts")
    parser.add_argument("--only", default="", help="part of the names of cases")
    parser.add_argument("--no-zoo", action="store_true", help="do not load the zoo")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    print("| model | check | ms | ms without | ratio |\n|---|---|--:|--:|--:|")
    for name, case in CASES.items():
        if options.only not in name:
            continue
        checked, unchecked = measure(document(name), case.without, options.turns)
        row = f"| {name} | {case.without or case.validators} | {checked * 1e3:.3f} |"
        if case.without:
            print(row, f"{unchecked * 1e3:.3f} | {checked / unchecked:.2f} |", flush=True)
        else:
            print(row, "part of decoding | |", flush=True)
    if not options.no_zoo:
        pairs = [measure(data, ALL, options.turns) for _, data in _zoo()]
        ratios = sorted(checked / unchecked for checked, unchecked in pairs)
        total = sum(checked for checked, _ in pairs) / sum(unchecked for _, unchecked in pairs)
        print(
            f"\nAll checks, over {len(ratios)} fitted estimators: {statistics.median(ratios):.2f} times the time without "
            f"them in the median, {ratios[int(0.9 * len(ratios))]:.2f} at the 90th percentile, {total:.2f} in all"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
