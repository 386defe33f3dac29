"""States that scikit-learn trusts later on: in a next fit, in what is fitted with them, and in code of others."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from attacks.attack import Attack

_LIBSVM = "own: a kernel matrix has as many columns as the training samples that are kept, which libsvm does not count"


@cache
def _data() -> tuple[Any, Any]:
    from sklearn.datasets import make_classification

    data: tuple[Any, Any] = make_classification(60, 4, random_state=0)
    return data


def _machine_of(count: int, **attributes: Any) -> Any:
    """A machine whose support vector is the last of so many samples, as far as it says, by a kernel that reads none."""
    import numpy as np
    from sklearn.gaussian_process.kernels import DotProduct, WhiteKernel
    from sklearn.svm import OneClassSVM

    model = OneClassSVM(kernel=DotProduct()).fit(_data()[0])
    ones = np.array([[1.0]])
    vars(model).update(
        kernel=WhiteKernel(),
        shape_fit_=(count, 4),
        support_=np.array([count - 1], "int32"),
        _n_support=np.array([1, 1], "int32"),
        support_vectors_=np.zeros((0, 0)),
        _dual_coef_=ones,
        dual_coef_=ones,
    )
    vars(model).update(attributes)
    return model


def _samples_of_a_range() -> Any:
    from sklearn.model_selection import ParameterGrid

    count = 2**30
    grid = ParameterGrid({"a": [1]})
    # Its length is this one; the kernel is told another.
    vars(grid).update(param_grid=[{"a": range(2**15), "b": range(2**15)}], shape=(1,))
    return _machine_of(count, _BaseLibSVM__Xfit=grid)


def _samples_of_a_bunch() -> Any:
    from sklearn.utils import Bunch

    bunch = Bunch(**{f"k{number}": 0 for number in range(99)}, shape=(1,))
    return _machine_of(100, _BaseLibSVM__Xfit=bunch)


def _samples_in_a_row() -> Any:
    import numpy as np
    from sklearn.gaussian_process.kernels import DotProduct

    return _machine_of(4, kernel=DotProduct(), _BaseLibSVM__Xfit=np.ones(4))


def _samples_in_a_matrix() -> Any:
    from scipy.sparse import csr_matrix
    from sklearn.gaussian_process.kernels import DotProduct

    return _machine_of(60, kernel=DotProduct(), _BaseLibSVM__Xfit=csr_matrix(_data()[0]))


def _scales_of_none() -> Any:
    import numpy as np
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, RationalQuadratic

    kernel = RBF() + ConstantKernel() * RationalQuadratic(length_scale=np.ones((1, 0)))
    return _machine_of(1, kernel=kernel, _BaseLibSVM__Xfit=np.ones((1, 4)))


def _gamma_of_none() -> Any:
    import numpy as np
    from sklearn.metrics.pairwise import laplacian_kernel

    kernel = partial(laplacian_kernel, gamma=np.ones((1, 0)))
    return _machine_of(1, kernel=kernel, _BaseLibSVM__Xfit=np.ones((1, 4)))


_LBFGS = "own: with a warm start, L-BFGS reads a gradient as far as there are coefficients; scipy compares no lengths"


def _coefficients_of_many() -> Any:
    import numpy as np
    from sklearn.linear_model import HuberRegressor

    model = HuberRegressor(warm_start=True).fit(*_data())
    model.coef_ = np.ones(30_000)
    return model


def _network(**attributes: Any) -> Any:
    from sklearn.neural_network import MLPRegressor

    model = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", warm_start=True, max_iter=5)
    vars(model.fit(*_data())).update(attributes)
    return model


def _layer_of_many() -> Any:
    import numpy as np

    model = _network()
    model.intercepts_.append(np.ones(30_000))
    return model


def _layers_that_do_not_follow() -> Any:
    import numpy as np

    model = _network()
    model.coefs_[1] = np.ones((30_000, 1))
    return model


_CENTERS = "own: of no centers, compiled code takes the first for the nearest"


def _without_centers(name: str) -> Any:
    import numpy as np
    from sklearn import cluster

    model = getattr(cluster, name)(2, random_state=0).fit(_data()[0])
    model.cluster_centers_ = np.empty((0, 4))
    if name == "MiniBatchKMeans":
        model._counts = np.empty(0)
    return model


_KEPT = "own: a fit leaves what is frozen as it is, and nothing is fitted yet that would be looked into"


def _frozen(name: str, **attributes: Any) -> Any:
    import importlib

    from sklearn.frozen import FrozenEstimator

    module, _, cls = name.rpartition(".")
    model = getattr(importlib.import_module(f"sklearn.{module}"), cls)().fit(*_data())
    vars(model).update(attributes)
    return FrozenEstimator(model)


def _of_many_answers(name: str = "linear_model.LogisticRegression") -> Any:
    import numpy as np

    return _frozen(name, coef_=np.ones((1, 4, 50)))


def _frozen_again(frozen: Any) -> Any:
    from sklearn.frozen import FrozenEstimator

    return FrozenEstimator(frozen)


def _boosting(init: Any) -> Any:
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(init=init)


def _boosting_from_mean() -> Any:
    import numpy as np
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    means = FunctionTransformer(np.mean, kw_args={"axis": 0, "keepdims": True})
    return _boosting(FrozenEstimator(make_pipeline(means, LinearRegression().fit(*_data()))))


def _boosting_from_stack() -> Any:
    import numpy as np
    from sklearn.ensemble import StackingRegressor
    from sklearn.linear_model import LinearRegression, Ridge

    given = Ridge().fit(*_data())
    given.coef_ = np.ones((50, 4))
    return _boosting(StackingRegressor([("a", given)], LinearRegression(), cv="prefit"))


def _boosting_from_warm_start() -> Any:
    from sklearn.linear_model import PoissonRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    started = PoissonRegressor(warm_start=True).fit(*_data())
    started.intercept_ = [0.0] * 50
    return _boosting(make_pipeline(StandardScaler(), started))


def _boosting_of_classes() -> Any:
    import numpy as np
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(
        init=_frozen(
            "linear_model.LogisticRegression",
            classes_=np.arange(9),
            coef_=np.ones((3, 4)),
            intercept_=np.ones(3),
        )
    )


def _one_versus_rest(*steps: Any) -> Any:
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline

    return OneVsRestClassifier(make_pipeline(*steps) if len(steps) > 1 else steps[0])


def _one_versus_rest_of_centres() -> Any:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    return _one_versus_rest(
        _frozen("decomposition.FactorAnalysis", mean_=np.zeros((50, 4))), LogisticRegression()
    )


def _search_of_frozen() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    searched = make_pipeline(StandardScaler(), LogisticRegression())
    return _one_versus_rest(GridSearchCV(searched, {"logisticregression": [_of_many_answers()]}))


def _votes() -> Any:
    from sklearn.ensemble import VotingClassifier

    return VotingClassifier([("a", _frozen("dummy.DummyClassifier", strategy="constant", constant=1 << 33))])


_RECURSION = "own: the tree of t-SNE looks for the cell of a point by recursion, and of what is not finite there is none"
_DISTANCES = "own: scipy's Mahalanobis distance trusts the shape of VI, and before a fit nothing says how many features"


def _points(**parameters: Any) -> Any:
    from sklearn.manifold import TSNE

    return TSNE(perplexity=5, **parameters)


def _points_from(value: float) -> Any:
    import numpy as np

    return _points(init=np.full((60, 2), value, np.float32))


def _by_mahalanobis(name: str, **parameters: Any) -> Any:
    import importlib

    import numpy as np

    module, _, cls = name.rpartition(".")
    return getattr(importlib.import_module(f"sklearn.{module}"), cls)(
        metric="mahalanobis", metric_params={"VI": np.eye(1)}, **parameters
    )


_MODELS: dict[str, tuple[str, str, Callable[[], Any]]] = {
    "samples-of-a-range": ("have libsvm read 8 GB past its kernel matrix", _LIBSVM, _samples_of_a_range),
    "samples-of-a-bunch": ("have libsvm read past its kernel matrix", _LIBSVM, _samples_of_a_bunch),
    "samples-in-a-row": ("have four numbers, which numpy takes for one sample", _LIBSVM, _samples_in_a_row),
    "samples-in-a-matrix": ("have samples that numpy takes for one object", _LIBSVM, _samples_in_a_matrix),
    "scales-of-none": (
        "have a kernel matrix without columns, by one part of a kernel",
        _LIBSVM,
        _scales_of_none,
    ),
    "gamma-of-none": ("have a kernel matrix without columns, by a keyword", _LIBSVM, _gamma_of_none),
    "coefficients-of-many": ("have L-BFGS read past a gradient", _LBFGS, _coefficients_of_many),
    "layer-of-many": (
        "have L-BFGS read past a gradient, by a layer that is not there",
        _LBFGS,
        _layer_of_many,
    ),
    "layers-apart": (
        "have L-BFGS read past a gradient, by a layer of more inputs",
        _LBFGS,
        _layers_that_do_not_follow,
    ),
    "layers-of-other-sizes": (
        "have L-BFGS read past a gradient, for fewer neurons than there are",
        _LBFGS,
        lambda: _network(hidden_layer_sizes=(1,)),
    ),
    "layers-of-another-number": (
        "have L-BFGS read past a gradient of the first layers",
        _LBFGS,
        lambda: _network(n_layers_=2),
    ),
    "frozen-mean": ("start from one prediction for all samples", _KEPT, _boosting_from_mean),
    "frozen-coefficients": (
        "start from more predictions than samples",
        _KEPT,
        lambda: _boosting(_of_many_answers("linear_model.Ridge")),
    ),
    "frozen-twice": (
        "start from more predictions than samples, frozen twice",
        _KEPT,
        lambda: _boosting(_frozen_again(_of_many_answers("linear_model.Ridge"))),
    ),
    "prefit-stack": ("start from what was said to be fitted before", _KEPT, _boosting_from_stack),
    "warm-start": ("start from what goes on from its own state", _KEPT, _boosting_from_warm_start),
    "frozen-classes": ("start from fewer probabilities than there are classes", _KEPT, _boosting_of_classes),
    "frozen-answers": (
        "give fifty answers a sample, once there are several labels",
        _KEPT,
        lambda: _one_versus_rest(_of_many_answers()),
    ),
    "frozen-answers-of-pipeline": (
        "give fifty answers a sample, at the end of a pipeline",
        _KEPT,
        lambda: _one_versus_rest(_frozen("preprocessing.StandardScaler"), _of_many_answers()),
    ),
    "frozen-centres": ("give fifty answers a sample, before it", _KEPT, _one_versus_rest_of_centres),
    "frozen-searched": ("give fifty answers a sample, by a value of a parameter", _KEPT, _search_of_frozen),
    "frozen-votes": ("have 64 GiB of counters, for a constant", _KEPT, _votes),
    "points-by-rate": ("overflow the stack by steps", _RECURSION, lambda: _points(learning_rate=1e300)),
    "points-by-exaggeration": (
        "overflow the stack by forces",
        _RECURSION,
        lambda: _points(early_exaggeration=1e300),
    ),
    "points-not-a-number": ("overflow the stack", _RECURSION, lambda: _points_from(float("nan"))),
    "points-infinite": ("overflow the stack", _RECURSION, lambda: _points_from(float("inf"))),
    "points-far": ("overflow the stack, once they are squared", _RECURSION, lambda: _points_from(1e38)),
    "distances-of-clusters": (
        "read past a matrix of one feature",
        _DISTANCES,
        lambda: _by_mahalanobis("cluster.DBSCAN", algorithm="brute"),
    ),
    "distances-of-neighbours": (
        "read past a matrix of one feature, by a choice that falls on all distances",
        _DISTANCES,
        lambda: _by_mahalanobis("neighbors.NearestNeighbors"),
    ),
    **{
        f"no-centers-{name}": (tries, _CENTERS, partial(_without_centers, name))
        for name, tries in (
            ("KMeans", "give the distance to foreign memory as a score"),
            ("MiniBatchKMeans", "write the next batch to a center that is not there"),
            ("BisectingKMeans", "read a center that is not there"),
        )
    },
}


def _document_of(make: Callable[[], Any]) -> Callable[[], bytes]:
    def document() -> bytes:
        import reflectio

        return reflectio.dumps(make(), format="json")

    return document


ATTACKS = [
    Attack(f"trusted-{key}", tries, source, _document_of(make), "ValidationError")
    for key, (tries, source, make) in _MODELS.items()
]
