"""KD trees, ball trees, distance metrics, and the estimators that search by them."""

from __future__ import annotations

import copy

import behaviour
import numpy as np
import test_validation
from sklearn import cluster, neighbors
from sklearn.metrics import DistanceMetric, pairwise

from fuzz.target import Attack, Target, do

X, CLASSES, TARGETS = test_validation.X, test_validation.CLASSES, test_validation.TARGETS

_METRICS = {
    "euclidean": {},
    "minkowski": {"p": 3},
    "seuclidean": {"V": np.ones(3)},
    "mahalanobis": {"VI": np.eye(3)},
    "haversine": {},
    "hamming": {},
}

SUBJECTS = {
    f"{kind} by {metric}": lambda cls=cls, metric=metric, keywords=keywords: cls(
        X[:, :2] if metric == "haversine" else X, leaf_size=5, metric=metric, **keywords
    )
    for kind, cls, metrics in (
        ("KD tree", neighbors.KDTree, ("euclidean", "minkowski")),
        ("ball tree", neighbors.BallTree, tuple(_METRICS)),
    )
    for metric, keywords in _METRICS.items()
    if metric in metrics
}
SUBJECTS |= {
    f"metric {metric}": lambda metric=metric, keywords=keywords: DistanceMetric.get_metric(metric, **keywords)
    for metric, keywords in _METRICS.items()
}
SUBJECTS |= {
    "metric of 32 bits": lambda: DistanceMetric.get_metric("seuclidean", np.float32, V=np.ones(3)),
    "metric of a function": lambda: DistanceMetric.get_metric("pyfunc", func=pairwise.paired_distances),
    "KD tree of 32 bits": lambda: (
        neighbors.KNeighborsClassifier(algorithm="kd_tree").fit(X.astype(np.float32), CLASSES)._tree
    ),
    "KD tree of one sample": lambda: neighbors.KDTree(X[:1]),
    "estimator brute": lambda: neighbors.KNeighborsClassifier(algorithm="brute").fit(X, CLASSES),
    "estimator by tree": lambda: neighbors.KNeighborsClassifier(algorithm="ball_tree", leaf_size=5).fit(
        X, CLASSES
    ),
    "estimator of two outputs": lambda: neighbors.KNeighborsClassifier().fit(X, np.c_[CLASSES, CLASSES > 0]),
    "estimator by radius": lambda: neighbors.RadiusNeighborsClassifier(1.0, outlier_label=0).fit(X, CLASSES),
    "estimator of values": lambda: neighbors.KNeighborsRegressor(weights="distance").fit(X, TARGETS),
    "estimator of outliers": lambda: neighbors.LocalOutlierFactor(5, novelty=True).fit(X),
    "estimator of densities": lambda: neighbors.KernelDensity(leaf_size=5).fit(X),
    "estimator by Mahalanobis": test_validation.MAHALANOBIS[1],
    "estimator of centroids": lambda: neighbors.NearestCentroid().fit(X, CLASSES),
    "estimator of clusters": lambda: cluster.OPTICS(min_samples=3).fit(X),
    "estimator sparse": lambda: neighbors.KNeighborsClassifier().fit(test_validation.SPARSE, CLASSES),
}

_OPERATIONS = (
    lambda t: t.query(X[:3], 2),
    lambda t: t.query(X[:3, :2], 2),
    lambda t: t.query(X[:3], 5, dualtree=True, breadth_first=True),
    lambda t: t.query(X[:3], 5, sort_results=False),
    lambda t: t.query_radius(X[:3], 1.0, return_distance=True),
    lambda t: t.query_radius(X[:3, :2], 5.0, count_only=True),
    lambda t: t.kernel_density(X[:3], 0.5),
    lambda t: t.kernel_density(X[:3], 0.5, kernel="epanechnikov", breadth_first=False),
    lambda t: t.two_point_correlation(X, [0.5, 1.0]),
    lambda t: t.two_point_correlation(X, [0.5, 1.0], dualtree=True),
    lambda t: t.get_arrays(),
    lambda t: t.get_tree_stats(),
    lambda t: t.pairwise(X[:3]),
    lambda t: t.pairwise(X[:3], X[:5]),
    lambda t: t.pairwise(X[:3].astype(np.float32)),
    lambda t: t.rdist_to_dist(np.ones(3)),
    lambda t: copy.deepcopy(t),
    lambda t: repr(t),
)


def use(obj):
    """Query."""
    do(obj, _OPERATIONS)
    if hasattr(obj, "get_params"):
        for data in ((X, CLASSES), (test_validation.SPARSE, TARGETS)):
            behaviour.outputs(obj, data)


TARGET = Target(
    "neighbors",
    SUBJECTS,
    use,
    (
        Attack("neighbors.NamedStateCodec neighbors.NeighborTreeCodec", "KD tree, ball tree", "*"),
        Attack(
            "neighbors.NeighborTreeCodec", "KD tree, ball tree", "idx_array node_data node_bounds n_nodes"
        ),
        Attack("neighbors._check_array", "KD tree, ball tree, metric", "data idx_array node_bounds vec mat"),
        Attack("neighbors.check_metric_fits", "ball tree by seuc, ball tree by mahal", "vec mat dist_metric"),
        Attack("", "KD tree, ball tree", "leaf_size n_levels n_nodes n_trims n_leaves sample_weight"),
        Attack("neighbors.MetricCodec", "metric", "p vec mat func kwargs"),
        Attack(
            "neighbor_searches.check_searched_samples",
            "estimator",
            "_fit_X _tree n_samples_fit_ n_features_in_ n_neighbors n_neighbors_ metric effective_metric_",
        ),
        Attack("neighbor_searches.check_votes", "estimator b, estimator of two", "_y classes_"),
        Attack(
            "sizes.check_sizes sizes._check_metric_parameters",
            "estimator by Mahalanobis",
            "metric_params effective_metric_params_ VI V w",
        ),
        Attack("", "estimator", "*"),
    ),
)
