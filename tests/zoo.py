"""The zoo: every estimator of scikit-learn, and the ways people combine them, each with data that it accepts."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse
import scipy.spatial.distance
import scipy.special
import scipy.stats
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_regression, mutual_info_classif
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as gp_kernels
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedShuffleSplit, TimeSeriesSplit
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor, RegressorChain
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags
from sklearn.utils._test_common.instance_generator import _tested_estimators
from sklearn.utils.estimator_checks import (
    _enforce_estimator_tags_X,
    _enforce_estimator_tags_y,
    set_random_state,
)

N_SAMPLES, N_FEATURES = 60, 3

TEXTS = [
    "the quick brown fox jumps over the lazy dog",
    "pack my box with five dozen liquor jugs",
    "how vexingly quick daft zebras jump",
    "sphinx of black quartz judge my vow",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich",
    "любя съешь щипцы вздохнёт мэр кайф жгуч",
] * 10


class Case(NamedTuple):
    """An estimator and how to train it."""

    name: str
    make: Callable[[], tuple[Any, tuple[Any, ...]]]


class UnsuitableDataError(Exception):
    """An estimator cannot be trained on a kind of data; the message says why."""


# -- data -----------------------------------------------------------------------------------------------------

KINDS = ("float64", "float32", "sparse", "frame")


@functools.cache
def _blobs() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_blobs(
        N_SAMPLES,
        N_FEATURES,
        centers=[[0.0] * N_FEATURES, [1.0] * N_FEATURES],
        cluster_std=0.4,
        random_state=0,
    )
    return np.abs(X), y


def _plain(y: Any) -> Any:
    return np.array(y)


# Estimators whose input is not a matrix of numbers.
_DATA_OF_THEIR_OWN: dict[str, Callable[[], tuple[Any, ...]]] = {
    "CountVectorizer": lambda: (TEXTS,),
    "TfidfVectorizer": lambda: (TEXTS,),
    "HashingVectorizer": lambda: (TEXTS,),
    "FeatureHasher": lambda: ([{"a": 1, "b": 2.5}, {"c": "text", "a": 3}] * 5,),
    "DictVectorizer": lambda: ([{"a": 1.0, "b": "x"}, {"a": 2.0, "c": ["y", "z"]}, {"b": "w"}] * 5,),
    "LabelBinarizer": lambda: (["no", "yes", "maybe", "no"],),
    "LabelEncoder": lambda: (["no", "yes", "maybe", "no"],),
    "MultiLabelBinarizer": lambda: ([{"sci-fi", "thriller"}, {"comedy"}, set()],),
    "PatchExtractor": lambda: (np.arange(2 * 6 * 6, dtype=float).reshape(2, 6, 6),),
}


def data_for(estimator: Any, kind: str) -> tuple[Any, ...]:
    """Data of a kind that an estimator accepts, as arguments of ``fit``."""
    name = type(estimator).__name__
    if name in _DATA_OF_THEIR_OWN:
        if kind != "float64":
            raise UnsuitableDataError("has data of its own kind only")
        return _DATA_OF_THEIR_OWN[name]()
    X, y = _blobs()
    X = _enforce_estimator_tags_X(estimator, X.copy())
    y = _plain(_enforce_estimator_tags_y(estimator, y.copy()))
    tags = get_tags(estimator)
    if kind == "float32":
        X = X.astype(np.float32)
    elif kind == "sparse":
        if not tags.input_tags.sparse or tags.input_tags.pairwise:
            raise UnsuitableDataError("does not accept sparse data")
        X = scipy.sparse.csr_matrix(np.where(X > 0.5, X, 0.0))
    elif kind == "frame":
        if X.ndim != 2 or tags.input_tags.pairwise:
            raise UnsuitableDataError("does not accept frames")
        X = pd.DataFrame(X, columns=[f"feature {i}" for i in range(X.shape[1])])
    return X, y


# -- scikit-learn's own instances -----------------------------------------------------------------------------


@functools.cache
def instances() -> tuple[Any, ...]:
    """Every instance that scikit-learn tests its own estimators with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(_tested_estimators())


def instance_names() -> list[str]:
    """A name for each instance, for test ids."""
    return [f"{index:03d}-{type(estimator).__name__}" for index, estimator in enumerate(instances())]


def fresh(index: int) -> Any:
    """One of the instances, unfitted, with a fixed random state."""
    estimator = clone(instances()[index])
    set_random_state(estimator, 0)
    return estimator


def fitted(index: int, kind: str) -> tuple[Any, tuple[Any, ...]]:
    """One of the instances, fitted, and what it was fitted on."""
    estimator = fresh(index)
    data = data_for(estimator, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator.fit(*data)
        except (TypeError, ValueError) as error:
            if kind == "float64":
                raise
            raise UnsuitableDataError(f"refuses it: {error}") from error
    return estimator, data


# -- combinations ---------------------------------------------------------------------------------------------


def _frame() -> pd.DataFrame:
    X, _ = _blobs()
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": X[:, 0],
            "income": np.where(rng.random(N_SAMPLES) < 0.1, np.nan, X[:, 1]),
            "city": rng.choice(["Oslo", "Lima", "Pune"], N_SAMPLES),
            "grade": pd.Categorical(rng.choice(["a", "b", "c"], N_SAMPLES), ordered=True),
            "text": TEXTS,
            "count": rng.integers(0, 9, N_SAMPLES),
        }
    )


def _on_blobs(estimator: Any) -> tuple[Any, tuple[Any, ...]]:
    X, y = _blobs()
    return estimator, (X.copy(), y.copy())


def _on_frame(estimator: Any) -> tuple[Any, tuple[Any, ...]]:
    return estimator, (_frame(), _blobs()[1].copy())


def _column_transformers() -> Iterator[tuple[str, Any]]:
    scaler, encoder = StandardScaler(), OneHotEncoder(handle_unknown="ignore")
    yield "by name", ColumnTransformer([("num", scaler, ["age", "count"]), ("cat", encoder, ["city"])])
    yield "by text name", ColumnTransformer([("text", TfidfVectorizer(), "text")], remainder="drop")
    yield "by position", ColumnTransformer([("num", scaler, [0, 5]), ("cat", encoder, [2, 3])])
    yield (
        "by slice",
        ColumnTransformer([("num", SimpleImputer(), slice(0, 2)), ("cat", encoder, slice("city", "grade"))]),
    )
    yield "by mask", ColumnTransformer([("num", scaler, [True, False, False, False, False, True])])
    yield (
        "by selector",
        make_column_transformer(
            (SimpleImputer(), make_column_selector(dtype_include=np.number)),
            (OrdinalEncoder(), make_column_selector(pattern="^(city|grade)$")),
        ),
    )
    yield "by callable", ColumnTransformer([("num", SimpleImputer(add_indicator=True), numeric_columns)])
    yield "passthrough", ColumnTransformer([("keep", "passthrough", ["age"]), ("gone", "drop", ["income"])])
    yield (
        "remainder",
        ColumnTransformer([("cat", encoder, ["city", "grade", "text"])], remainder=SimpleImputer()),
    )
    yield (
        "pandas out",
        ColumnTransformer(
            [("num", scaler, ["age"]), ("cat", OrdinalEncoder(), ["grade"])], verbose_feature_names_out=False
        ).set_output(transform="pandas"),
    )


def numeric_columns(frame: pd.DataFrame) -> list[str]:
    """Choose the numeric columns of a frame; a selector of a user's own."""
    return list(frame.select_dtypes("number").columns)


def clip_at_one(X: Any) -> Any:
    """Clip at one; a function of a user's own."""
    return np.minimum(X, 1.0)


def _function_transformers() -> Iterator[tuple[str, Any]]:
    yield "ufunc", FunctionTransformer(np.log1p, np.expm1, check_inverse=False)
    yield "scipy function", FunctionTransformer(scipy.special.expit, scipy.special.logit)
    yield "numpy function", FunctionTransformer(np.nan_to_num)
    yield "partial", FunctionTransformer(functools.partial(np.clip, a_min=0.25, a_max=0.75))
    yield "keywords", FunctionTransformer(np.clip, kw_args={"a_min": np.float64(0.0), "a_max": 1.0})
    yield "none", FunctionTransformer(None, feature_names_out="one-to-one")
    yield "own", FunctionTransformer(clip_at_one)


def _estimators() -> Iterator[tuple[str, Any]]:
    logistic = LogisticRegression()
    yield "frozen", FrozenEstimator(logistic.fit(*_blobs()))
    yield "frozen in pipeline", make_pipeline(FrozenEstimator(StandardScaler().fit(_blobs()[0])), LinearSVC())
    yield (
        "nested pipeline",
        make_pipeline(
            Pipeline(
                [
                    ("scale", StandardScaler()),
                    ("union", FeatureUnion([("pca", PCA(2)), ("poly", PolynomialFeatures(2))])),
                ]
            ),
            make_union(SelectKBest(f_regression, k=3), TruncatedSVD(2, random_state=0), "passthrough"),
            Ridge(),
        ),
    )
    yield (
        "randomized search",
        RandomizedSearchCV(
            SVC(),
            {
                "C": scipy.stats.loguniform(1e-2, 1e2),
                "gamma": scipy.stats.uniform(0.01, 1.0),
                "kernel": ["rbf", "poly"],
            },
            n_iter=4,
            cv=3,
            random_state=0,
        ),
    )
    yield (
        "randomized search over integers",
        RandomizedSearchCV(
            DecisionTreeRegressor(random_state=0),
            {"max_depth": scipy.stats.randint(1, 5), "min_samples_leaf": [1, 2]},
            n_iter=3,
            cv=TimeSeriesSplit(3),
            random_state=np.random.RandomState(3),
            scoring=make_scorer(mean_absolute_error, greater_is_better=False),
        ),
    )
    yield (
        "grid search",
        GridSearchCV(
            make_pipeline(StandardScaler(), SVC(probability=False)),
            [{"svc__C": [0.1, 1.0]}, {"svc__C": np.logspace(-1, 1, 3), "svc__kernel": ["linear"]}],
            scoring=["accuracy", "f1"],
            refit="f1",
            cv=StratifiedShuffleSplit(2, random_state=0),
        ),
    )
    yield "calibrated", CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=3)
    yield "calibrated forest", CalibratedClassifierCV(RandomForestClassifier(5, random_state=0), cv=2)
    yield (
        "stacked",
        StackingClassifier(
            [("tree", DecisionTreeClassifier(random_state=0)), ("knn", KNeighborsClassifier(3))],
            logistic,
            cv=3,
        ),
    )
    yield (
        "voting",
        VotingRegressor(
            [("svr", SVR()), ("forest", RandomForestRegressor(5, random_state=0))], weights=[1, 2]
        ),
    )
    yield "bagged", BaggingRegressor(Ridge(), 4, max_features=0.5, bootstrap_features=True, random_state=0)
    yield "boosted", AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=5, random_state=0)
    yield "isolation", IsolationForest(n_estimators=10, max_features=2, random_state=0)
    yield "one versus rest", OneVsRestClassifier(LogisticRegression(C=np.float64(0.5)))
    yield "transformed target", TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)
    yield (
        "warm forest",
        RandomForestClassifier(6, warm_start=True, oob_score=True, bootstrap=True, random_state=1),
    )
    yield (
        "boosting with init",
        GradientBoostingClassifier(n_estimators=4, init=logistic, subsample=0.7, random_state=0),
    )
    yield "generator", HistGradientBoostingClassifier(max_iter=4, early_stopping=True, random_state=0)
    yield "random state object", SGDClassifier(random_state=np.random.RandomState(7), average=True)
    yield (
        "gaussian process",
        GaussianProcessRegressor(
            gp_kernels.ConstantKernel(2.0) * gp_kernels.Matern(1.5, nu=2.5) + gp_kernels.WhiteKernel(0.1),
            alpha=1e-3,
            random_state=0,
        ),
    )
    yield "neighbours", NearestNeighbors(algorithm="ball_tree", metric="minkowski", p=3)
    yield "density", KernelDensity(kernel="epanechnikov", algorithm="kd_tree", leaf_size=5)
    yield "mutual information", SelectKBest(mutual_info_classif, k=2)
    yield "discretizer", KBinsDiscretizer(3, encode="onehot", strategy="quantile")
    yield "attributes of a user's", _annotated()
    for name, transformer in _function_transformers():
        yield f"function {name}", transformer


def _annotated() -> Any:
    """An estimator that somebody has hung notes on."""
    estimator = LinearRegression()
    estimator.notes_ = {"owner": "acme", "tags": ("a", "b"), "limits": {1: None, (2, 3): float("nan")}}
    estimator.shared_ = estimator.notes_
    estimator.self_ = estimator
    return estimator


def _multi_output() -> Iterator[tuple[str, Any]]:
    yield "classifier chain", ClassifierChain(LogisticRegression(), order="random", random_state=0)
    yield "forest of outputs", RandomForestClassifier(5, random_state=0)
    yield "tree of outputs", DecisionTreeClassifier(max_leaf_nodes=7, random_state=0)
    yield "regressors", MultiOutputRegressor(HistGradientBoostingRegressor(max_iter=3, random_state=0))
    yield "regressor chain", RegressorChain(Ridge())


def combinations() -> list[Case]:
    """The ways people combine estimators."""
    cases = [Case(name, functools.partial(_on_blobs, estimator)) for name, estimator in _estimators()]
    cases += [
        Case(f"columns {name}", functools.partial(_on_frame, transformer))
        for name, transformer in _column_transformers()
    ]
    cases += [
        Case(name, functools.partial(_on_two_outputs, estimator)) for name, estimator in _multi_output()
    ]
    cases += [
        Case(
            "text pipeline",
            lambda: (
                make_pipeline(CountVectorizer(ngram_range=(1, 2)), LogisticRegression()),
                (TEXTS, _blobs()[1]),
            ),
        ),
        Case(
            "hashed text",
            lambda: (
                make_pipeline(HashingVectorizer(n_features=64), SGDClassifier(random_state=0)),
                (TEXTS, _blobs()[1]),
            ),
        ),
        Case(
            "text labels",
            lambda: (
                RandomForestClassifier(4, random_state=0),
                (_blobs()[0], np.array(["no", "yes"])[_blobs()[1]]),
            ),
        ),
        Case(
            "object labels",
            lambda: (LogisticRegression(), (_blobs()[0], np.array(["no", "yes"], object)[_blobs()[1]])),
        ),
        Case("categorical boosting", _categorical_boosting),
        Case("monotonic boosting with gaps", _monotonic_boosting),
        Case("forest with gaps", _forest_with_gaps),
        Case("tree of one leaf", lambda: (DecisionTreeClassifier(), (_blobs()[0], np.zeros(N_SAMPLES, int)))),
        Case(
            "sparse support vectors",
            lambda: (SVC(kernel="linear"), (scipy.sparse.csr_matrix(_blobs()[0]), _blobs()[1])),
        ),
        Case(
            "callable kernel metric",
            lambda: (KNeighborsClassifier(metric=scipy.spatial.distance.cosine), _blobs()),
        ),
    ]
    return cases


def _on_two_outputs(estimator: Any) -> tuple[Any, tuple[Any, ...]]:
    X, y = _blobs()
    return estimator, (X.copy(), np.column_stack((y, 1 - y, y * (X[:, 0] > 0.5))))


def _categorical_boosting() -> tuple[Any, tuple[Any, ...]]:
    return (
        HistGradientBoostingClassifier(max_iter=4, categorical_features="from_dtype", random_state=0),
        (_frame()[["age", "grade", "income"]], _blobs()[1]),
    )


def _monotonic_boosting() -> tuple[Any, tuple[Any, ...]]:
    X, y = _blobs()
    X = X.copy()
    X[::7, 1] = np.nan
    return HistGradientBoostingRegressor(max_iter=4, monotonic_cst=[1, 0, -1], random_state=0), (
        X,
        y.astype(float),
    )


def _forest_with_gaps() -> tuple[Any, tuple[Any, ...]]:
    X, y = _blobs()
    X = X.copy()
    X[::5, 0] = np.nan
    return RandomForestClassifier(4, monotonic_cst=[0, 1, 0], random_state=0), (X, y)


def fit(case: Case) -> tuple[Any, tuple[Any, ...]]:
    """Train a combination."""
    estimator, data = case.make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not isinstance(estimator, FrozenEstimator):
            estimator = clone(estimator) if "notes_" not in vars(estimator) else estimator
            estimator.fit(*data)
    return estimator, data


def forget_times(estimator: Any) -> None:
    """Make equal what differs between two equal trainings: how long they took, and where objects lie in memory."""
    stack, seen = [estimator], set()
    while stack:
        obj = stack.pop()
        if id(obj) in seen:
            continue
        seen.add(id(obj))
        if isinstance(obj, dict):
            for key in obj:
                if isinstance(key, str) and key.endswith("_time"):
                    obj[key] = np.zeros_like(obj[key])
            stack.extend(obj.values())
        elif isinstance(obj, list | tuple):
            stack.extend(obj)
        elif hasattr(obj, "get_params") and not isinstance(obj, type):
            for name in ("refit_time_", "_stop_words_id"):
                if name in vars(obj):
                    setattr(obj, name, 0)
            stack.extend(vars(obj).values())
