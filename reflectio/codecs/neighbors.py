"""scikit-learn's distance metrics and its KD and ball trees, whose compiled code indexes by their state."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from reflectio import compiled
from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.containers import encode_members
from reflectio.codecs.fitted import FEW
from reflectio.codecs.keywords import harmful_keywords
from reflectio.codecs.objects import ObjectCodec
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ValidationError

Array = np.ndarray[Any, Any]

_compiled = compiled.part("neighbors")

_TREE_BASES = (
    "sklearn.neighbors._kd_tree.BinaryTree64",
    "sklearn.neighbors._kd_tree.BinaryTree32",
    "sklearn.neighbors._kd_tree.BinaryTree",
    "sklearn.neighbors._ball_tree.BinaryTree64",
    "sklearn.neighbors._ball_tree.BinaryTree32",
    "sklearn.neighbors._ball_tree.BinaryTree",
)
_METRIC_BASES = (
    "sklearn.metrics.DistanceMetric",
    "sklearn.metrics._dist_metrics.DistanceMetric64",
    "sklearn.metrics._dist_metrics.DistanceMetric32",
)

_INDEX = np.dtype(np.intp)

# What scikit-learn's trees keep of each node.
_NODE_FIELDS = {"idx_start": _INDEX, "idx_end": _INDEX, "is_leaf": _INDEX, "radius": np.dtype(np.float64)}
_NODE = np.dtype(list(_NODE_FIELDS.items()))


class NamedStateCodec(ObjectCodec):
    """Objects whose state is a tuple; its parts are written by name."""

    parts: tuple[str, ...]
    optional: tuple[str, ...] = ()
    indices: tuple[str, ...] = ()

    def __init__(self, cls: type) -> None:
        super().__init__(cls)
        self.compiled = "StateReader"

    def quick_check(self) -> Callable[[list[Any]], bool] | None:
        """Give what sees, of the parts in their order, whether they are sound for certain; None where nothing does."""
        return None

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        state = obj.__getstate__()
        names = (self.parts + self.optional)[: len(state)]
        if len(state) not in (len(self.parts), len(self.parts + self.optional)):
            raise encoder.refuse(
                f"this {self.cls.__qualname__} has a state of {len(state)} parts, as no version of scikit-learn "
                "known to this reflectio gives it; a newer reflectio may know it"
            )
        return {"$": encoder.name(self.cls), **encode_members(names, state, encoder)}

    def create(self, node: ObjectNode, decoder: Decoder) -> Any:
        decoder.check_construction(node["$"], with_arguments=False)
        return self.cls.__new__(self.cls)

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        del node["$"]
        names = self.parts if len(node) == len(self.parts) else self.parts + self.optional
        if node.keys() != set(names):
            raise DocumentError(f"a {self.cls.__qualname__} has the members {', '.join(names)}")
        parts = decoder.build_values(node)
        self.check(parts)
        for name in self.indices:
            # Whatever else holds the array may change it, after it was checked.
            decoder.charge_copy(parts[name].nbytes)
            parts[name] = parts[name].copy()
        try:
            obj.__setstate__(tuple(parts[name] for name in names))
        except (TypeError, ValueError, IndexError, AttributeError) as error:
            raise ValidationError(f"a {self.cls.__qualname__} refuses its state: {error}") from error

    def check(self, parts: dict[str, Any]) -> None:
        """Refuse a state that would be unsafe to use."""


def _refuse(name: str, what: str) -> None:
    raise ValidationError(what).within(name)


def _check_array(parts: dict[str, Any], name: str, dtype: Any, ndim: int) -> Array:
    array = parts[name]
    if type(array) is not np.ndarray or array.ndim != ndim or (dtype is not None and array.dtype != dtype):
        _refuse(name, f"must be an array of {dtype} with {ndim} axes")
    assert isinstance(array, np.ndarray)
    return array


class MetricCodec(NamedStateCodec):
    """Distance metrics."""

    parts = ("p", "vec", "mat")
    optional = ("func", "kwargs")

    def quick_check(self) -> Callable[[list[Any]], bool] | None:
        if _compiled is None or self.cls.__name__.startswith(("PyFunc", "Mahalanobis")):
            return None
        quick: Callable[[list[Any]], bool] = _compiled.is_sound_metric
        return quick

    def check(self, parts: dict[str, Any]) -> None:
        name = self.cls.__name__
        if name.startswith("PyFunc") != ("func" in parts):
            raise DocumentError("only a PyFuncDistance has a func and kwargs")
        if "func" in parts and (not callable(parts["func"]) or type(parts["kwargs"]) is not dict):
            raise ValidationError("func must be callable, and kwargs a dict")
        if "kwargs" in parts and (harmful := harmful_keywords(parts["func"], parts["kwargs"])):
            what = "is an argument that no stored metric may be given"
            raise ValidationError(what).within(harmful[0]).within("kwargs")
        if type(parts["p"]) is not float:
            _refuse("p", "must be a float")
        _check_array(parts, "vec", np.float64, 1)
        matrix = _check_array(parts, "mat", np.float64, 2)
        if name.startswith("Mahalanobis") and matrix.shape[0] != matrix.shape[1]:
            _refuse("mat", "must be square")


# Metrics that read `vec` or `mat` at every feature.
_BY_VECTOR = ("SEuclidean",)
_BY_MATRIX = ("Mahalanobis",)
_BY_WEIGHTS = ("Minkowski",)
_BY_FEATURES = (*_BY_VECTOR, *_BY_MATRIX, *_BY_WEIGHTS, "Haversine")


def check_metric_fits(metric: Any, n_features: int) -> None:
    """Refuse a metric that would read its stored vectors beyond their end."""
    name = type(metric).__name__
    _, vector, matrix, *_ = metric.__getstate__()
    if name.startswith(_BY_VECTOR) and len(vector) != n_features:
        _refuse("dist_metric", f"must have a variance for each of {n_features} features")
    if name.startswith(_BY_MATRIX) and len(matrix) != n_features:
        _refuse("dist_metric", f"must have a matrix for {n_features} features")
    if name.startswith(_BY_WEIGHTS) and len(vector) not in (0, n_features):
        _refuse("dist_metric", f"must have a weight for each of {n_features} features")
    if name.startswith("Haversine") and n_features != 2:
        _refuse("dist_metric", "is for two features")


class NeighborTreeCodec(NamedStateCodec):
    """KD trees and ball trees."""

    parts = (
        "data",
        "idx_array",
        "node_data",
        "node_bounds",
        "leaf_size",
        "n_levels",
        "n_nodes",
        "n_trims",
        "n_leaves",
        "n_splits",
        "n_calls",
        "dist_metric",
        "sample_weight",
    )
    indices = ("idx_array", "node_data")

    def __init__(self, cls: type) -> None:
        super().__init__(cls)
        self._narrow = cls.__name__.endswith("32")
        # A KD tree has two bounds for each node and feature, and a ball tree a centre.
        self._n_bounds = 2 if "KDTree" in cls.__name__ else 1

    def quick_check(self) -> Callable[[list[Any]], bool] | None:
        if _compiled is None:
            return None
        quick: Callable[[list[Any]], bool] = _compiled.TreeCheck(
            self._narrow, self._n_bounds, _NODE, partial(_suits_any_features, narrow=self._narrow)
        )
        return quick

    def check(self, parts: dict[str, Any]) -> None:
        narrow = self._narrow
        dtype = np.dtype(np.float32 if narrow else np.float64)
        n_samples, n_features = _check_array(parts, "data", dtype, 2).shape
        for name in ("leaf_size", "n_levels", "n_nodes", "n_trims", "n_leaves", "n_splits", "n_calls"):
            if type(parts[name]) is not int or not 0 <= parts[name] < 1 << 62:
                _refuse(name, "must be a non-negative integer")
        self._check_nodes(parts, n_samples, n_features, dtype)
        weight = parts["sample_weight"]
        if weight is not None and _check_array(parts, "sample_weight", np.float64, 1).shape != (n_samples,):
            _refuse("sample_weight", "must have a weight for each sample")
        metric = parts["dist_metric"]
        cls: Any = type(metric)
        if not _is_metric_of(cls, narrow=narrow):
            _refuse("dist_metric", "must be a distance metric of the tree's precision")
        check_metric_fits(metric, n_features)

    def _check_nodes(self, parts: dict[str, Any], n_samples: int, n_features: int, dtype: Any) -> None:
        order = _check_array(parts, "idx_array", _INDEX, 1)
        if order.shape != (n_samples,) or not _is_permutation(order):
            _refuse("idx_array", "must have every sample once")
        n_nodes = parts["n_nodes"]
        if n_nodes < 1 or parts["n_levels"] > 62 or n_nodes != (1 << parts["n_levels"]) - 1:
            _refuse("n_nodes", "must be two to the power of n_levels, less one")
        if parts["leaf_size"] < 1:
            _refuse("leaf_size", "must be positive")
        nodes = parts["node_data"]
        if type(nodes) is not np.ndarray or nodes.shape != (n_nodes,) or not _are_nodes(nodes.dtype):
            _refuse("node_data", f"must be {n_nodes} records of {', '.join(_NODE_FIELDS)}")
        if not _range_over(nodes, n_samples):
            _refuse("node_data", "must range over the samples")
        # The children of node i are nodes 2i + 1 and 2i + 2.
        if not nodes["is_leaf"][n_nodes // 2 :].all():
            _refuse("node_data", "must end in leaves: a node has children that do not exist")
        bounds = _check_array(parts, "node_bounds", dtype, 3)
        if bounds.shape[0] not in (1, 2) or bounds.shape[1:] != (n_nodes, n_features):
            _refuse("node_bounds", "must have bounds for every node and feature")
        if bounds.shape[0] != self._n_bounds:
            _refuse("node_bounds", "must have two bounds for a KD tree, and a centre for a ball tree")


@cache
def _is_metric_of(cls: type, *, narrow: bool) -> bool:
    """Whether a class is that of a distance metric of a tree's precision."""
    bases = {base.__name__ for base in cls.__mro__}
    return not bases.isdisjoint({"DistanceMetric32" if narrow else "DistanceMetric64", "DistanceMetric"})


@cache
def _suits_any_features(cls: type, *, narrow: bool) -> bool:
    """Whether a tree of any number of features may have the metrics of a class."""
    return _is_metric_of(cls, narrow=narrow) and not cls.__name__.startswith(_BY_FEATURES)


def _are_nodes(dtype: np.dtype[Any]) -> bool:
    """Whether records have the fields of a node, wherever these lie."""
    return dtype == _NODE or (
        dtype.names == tuple(_NODE_FIELDS) and all(dtype[name] == kind for name, kind in _NODE_FIELDS.items())
    )


def _range_over(nodes: Array, n_samples: int) -> bool:
    """Whether all nodes begin and end among the samples, in that order."""
    start, end = nodes["idx_start"], nodes["idx_end"]
    if len(nodes) <= FEW:
        pairs = zip(start.tolist(), end.tolist(), strict=True)
        return all(0 <= first <= last <= n_samples for first, last in pairs)
    return not ((start < 0).any() or (end < start).any() or (end > n_samples).any())


def _is_permutation(order: Array) -> bool:
    n_samples = len(order)
    if n_samples <= FEW:
        return set(order.tolist()) == set(range(n_samples))
    if order.min() < 0 or order.max() >= n_samples:
        return False
    return bool((np.bincount(order, minlength=n_samples) == 1).all())


def _derives_from(names: tuple[str, ...]) -> Any:
    wanted = frozenset(names)

    def derives(cls: Any) -> bool:
        return isinstance(cls, type) and any(
            f"{base.__module__}.{base.__qualname__}" in wanted for base in cls.__mro__[:-1]
        )

    return derives


is_neighbor_tree = _derives_from(_TREE_BASES)
is_metric = _derives_from((*_METRIC_BASES, "sklearn.metrics._dist_metrics.DistanceMetric"))

FACTORIES: tuple[tuple[Any, type[Codec]], ...] = (
    (is_neighbor_tree, NeighborTreeCodec),
    (is_metric, MetricCodec),
)
