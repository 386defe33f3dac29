"""Checks of clusterings: centers that compiled code reads by the number of features, trees and chains."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from reflectio import compiled
from reflectio.checks import check, take_steps
from reflectio.codec import Node, ObjectNode
from reflectio.codecs.fitted import ANY, DOUBLE, FLOATS, array_of, refuse, size_of, within
from reflectio.codecs.objects import ObjectCodec
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import ValidationError

_checking = compiled.part("checking")

# More threads than this are more than a process can have whose memory or number of tasks is limited, and asking for
# them ends it. scikit-learn counts the cores of the machine that trained.
_MOST_THREADS = 512

_BISECTING = "sklearn.cluster._bisect_k_means.BisectingKMeans"
_ITERATION = "_kmeans_single"
_ITERATIONS = {"lloyd": "_kmeans_single_lloyd", "elkan": "_kmeans_single_elkan"}


class BisectingKMeansCodec(ObjectCodec):
    """
    `sklearn.cluster.BisectingKMeans`.

    A fitted one holds the function that iterates, which trusts the shapes of its arguments. Only this class may
    hold it: the document has no name for it, but says which of two it is.
    """

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        node = super().encode(obj, encoder)
        function = vars(obj).get(_ITERATION)
        for algorithm, name in _ITERATIONS.items():
            if function is not None and getattr(function, "__name__", None) == name:
                node[_ITERATION] = algorithm
        return node

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        algorithm = node.get(_ITERATION)
        if algorithm is not None:
            if type(algorithm) is not str or algorithm not in _ITERATIONS:
                raise ValidationError(f"must be one of {', '.join(_ITERATIONS)}").within(_ITERATION)
            from sklearn.cluster import _kmeans

            node[_ITERATION] = getattr(_kmeans, _ITERATIONS[algorithm])
        super().fill(obj, node, decoder)


def is_bisecting_k_means(cls: Any) -> bool:
    """Whether a class is `sklearn.cluster.BisectingKMeans`, or derives from it."""
    return isinstance(cls, type) and any(
        f"{base.__module__}.{base.__qualname__}" == _BISECTING for base in cls.__mro__[:-1]
    )


# What checks have gone through, as long as it lives: the nodes of trees, with the id of the root and the number of
# features, or the id of what begins the chain of leaves. A document can have many models begin one tree.
_trees: WeakKeyDictionary[Any, tuple[int, int]] = WeakKeyDictionary()
_leaf_trees: WeakKeyDictionary[Any, tuple[int, int]] = WeakKeyDictionary()


FACTORIES = ((is_bisecting_k_means, BisectingKMeansCodec),)


@check("sklearn.cluster._kmeans._BaseKMeans")
def check_centers(model: Any) -> None:
    """Refuse no centers, centers of other features than the model's, and more threads than a process can have."""
    state = vars(model)
    if "n_clusters" in state:
        # Birch has clusterers of its own fitted without a look at their parameters.
        size_of(state, "n_clusters", 1, 1 << 62)
    if "_n_threads" in state:
        size_of(state, "_n_threads", 1, _MOST_THREADS)
    if "cluster_centers_" not in state:
        return
    size_of(state, "_n_threads", 1, _MOST_THREADS)
    centers = array_of(state, "cluster_centers_", FLOATS, (ANY, state.get("n_features_in_")))
    if not len(centers):
        # Of none, the first is the nearest all the same, and is read and written.
        refuse("cluster_centers_", "must have a center")
    if type(state.get("n_features_in_")) is not int:
        refuse("n_features_in_", "must be an integer")


@check("sklearn.cluster.MiniBatchKMeans")
def check_counts(model: Any) -> None:
    """Refuse weights that are not one for each center."""
    state = vars(model)
    if "cluster_centers_" in state and "_counts" in state:
        array_of(state, "_counts", FLOATS, (len(state["cluster_centers_"]),))


@check("sklearn.cluster.BisectingKMeans")
def check_bisections(model: Any) -> None:
    """Refuse a tree of clusters with centers of other features, or that has a node twice."""
    state = vars(model)
    root = state.get("_bisecting_tree")
    if root is None:
        return
    n_features = state.get("n_features_in_")
    if "cluster_centers_" not in state or type(n_features) is not int:
        refuse("_bisecting_tree", "is of no use without cluster_centers_")
    if "_X_mean" in state:
        array_of(state, "_X_mean", FLOATS, (n_features,))
    from sklearn.cluster._bisect_k_means import _BisectingTree

    found = (id(root), n_features)
    if type(root) is _BisectingTree and _trees.get(root) == found:
        # A copy of a model has the model's tree.
        return
    # By id, for what is no node may not be hashed.
    nodes, waiting = {id(root): root}, [root]
    while waiting:
        node = waiting.pop()
        if type(node) is not _BisectingTree or _trees.get(node, found) != found:
            # Were trees to share nodes, each model would have to go through them again.
            refuse("_bisecting_tree", "has a node that is none, or is another tree's")
        children = vars(node)
        if children.get("left") is None:
            continue
        for side in ("left", "right"):
            child = children.get(side)
            if id(child) in nodes:
                refuse("_bisecting_tree", "has a node twice")
            nodes[id(child)] = child
            waiting.append(child)
            center = getattr(child, "center", None)
            if not isinstance(center, np.ndarray) or center.shape not in ((n_features,), (1, n_features)):
                refuse("_bisecting_tree", f"has a node whose center is not of {n_features} features")
    _trees.update(dict.fromkeys(nodes.values(), found))


@check("sklearn.cluster.FeatureAgglomeration", relies_on=("labels_",))
def check_feature_clusters(model: Any) -> None:
    """Refuse clusters that are not among as many as there are features."""
    state = vars(model)
    if "labels_" not in state:
        return
    labels = array_of(state, "labels_", (), (ANY,))
    if labels.dtype.kind != "i" or not within(labels, 0, len(labels) - 1):
        refuse("labels_", "must number clusters of the features")


@check("sklearn.cluster.Birch")
def check_subclusters(model: Any) -> None:
    """Refuse norms that are not of the subclusters: compiled code reads one for each center."""
    state = vars(model)
    if "_subcluster_norms" in state:
        centers = array_of(state, "subcluster_centers_", FLOATS, (ANY, ANY))
        array_of(state, "_subcluster_norms", FLOATS, (len(centers),))


@check("sklearn.cluster.Birch")
def check_clusterer(model: Any) -> None:
    """
    Refuse a clusterer of subclusters whose parameters scikit-learn would refuse.

    A fitted Birch has the next batch fit it without a look at them. An HDBSCAN divides by its ``alpha``, which may then be
    0, and searches the neighbours at distances that are not finite without end.
    """
    from sklearn.base import ClusterMixin
    from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

    clusterer = vars(model).get("n_clusters")
    if clusterer is None:
        return
    if not isinstance(clusterer, ClusterMixin):
        size_of(vars(model), "n_clusters", 1, 1 << 62)
        return
    cls = type(clusterer)
    constraints = getattr(cls, "_parameter_constraints", {})
    # One that another version had not is none that this one could fit it without.
    parameters = {name: value for name, value in vars(clusterer).items() if name in constraints}
    try:
        validate_parameter_constraints(constraints, parameters, cls.__name__)
    except InvalidParameterError:
        # Its message would repeat the parameter, whatever that is.
        refuse("n_clusters", "has parameters that scikit-learn does not allow")


@check("sklearn.cluster.Birch")
def check_leaf_chain(model: Any) -> None:
    """
    Refuse leaves that are not chained one after the other, each as it hangs once on the tree.

    Splitting a leaf puts two into the chain, between the leaf before it and the one after it. Where these are others than
    the chain has, it comes to lead back to itself, and the next batch is collected along it without end.
    """
    from sklearn.cluster._birch import _CFNode

    state = vars(model)
    if "root_" not in state and "dummy_leaf_" not in state:
        return
    root, before = state.get("root_"), state.get("dummy_leaf_")
    if type(root) is not _CFNode:
        refuse("root_", "must be a node")
    if type(before) is not _CFNode:
        refuse("dummy_leaf_", "must be a leaf")
    found = (id(root), id(before))
    if _leaf_trees.get(root) == found and _leaf_trees.get(before) == found:
        # A copy of a model has the model's tree.
        return
    nodes = _nodes_below(root, found)
    if id(before) in nodes or before in _leaf_trees or vars(before).get("prev_leaf_") is not None:
        refuse("dummy_leaf_", "must begin the chain of leaves of this tree, and no other")
    n_leaves = sum(vars(node)["is_leaf"] for node in nodes.values())
    last, leaf = before, vars(before).get("next_leaf_")
    while leaf is not None:
        n_leaves -= 1
        if n_leaves < 0:
            refuse("dummy_leaf_", "begins a chain of leaves that does not end with those of the tree")
        if id(leaf) not in nodes or not vars(leaf)["is_leaf"]:
            refuse("dummy_leaf_", "begins a chain with what is no leaf of the tree")
        if vars(leaf).get("prev_leaf_") is not last:
            refuse("dummy_leaf_", "begins a chain with a leaf that follows on another than it says")
        last, leaf = leaf, vars(leaf).get("next_leaf_")
    if n_leaves:
        refuse("dummy_leaf_", "begins a chain without all leaves of the tree")
    _leaf_trees.update(dict.fromkeys([before, *nodes.values()], found))


def _nodes_below(root: Any, found: tuple[int, int]) -> dict[int, Any]:
    """The nodes of a tree of subclusters, by id; refused where one is there twice, or is another tree's."""
    from sklearn.cluster._birch import _CFNode, _CFSubcluster

    # By id, for what is no node may not be hashed.
    nodes, waiting = {id(root): root}, [root]
    while waiting:
        node = waiting.pop()
        if type(node) is not _CFNode or node in _leaf_trees:
            # Were trees to share nodes, each model would have to go through them again.
            refuse("root_", "has a node that is none, or is another tree's")
        is_leaf, subclusters = vars(node).get("is_leaf"), vars(node).get("subclusters_")
        if type(is_leaf) is not bool or type(subclusters) is not list:
            refuse("root_", "has a node that does not say whether it is a leaf, or has no subclusters")
        take_steps(len(subclusters))
        for subcluster in subclusters:
            child = vars(subcluster).get("child_") if type(subcluster) is _CFSubcluster else subcluster
            if (child is None) is not is_leaf:
                refuse("root_", "has a leaf with nodes below it, or another node without")
            if child is None:
                continue
            if id(child) in nodes:
                refuse("root_", "has a node twice")
            nodes[id(child)] = child
            waiting.append(child)
    return nodes


def _exist_before(merged: np.ndarray[Any, Any]) -> bool:
    """Whether each merge is of a sample, or of a cluster that an earlier one made."""
    if _checking is not None and (known := _checking.exist_before(merged)) is not None:
        return bool(known)
    # Merge number i makes cluster number n_samples + i.
    made = len(merged) + 1 + np.arange(len(merged))
    return not ((merged < 0).any() or (merged >= made).any())


@check("sklearn.cluster.HDBSCAN", relies_on=("_single_linkage_tree_",))
def check_linkage(model: Any) -> None:
    """Refuse a hierarchy that merges what does not exist yet."""
    state = vars(model)
    if "_single_linkage_tree_" not in state:
        return
    merges = array_of(state, "_single_linkage_tree_", (), (ANY,))
    fields = ("left_node", "right_node", "value", "cluster_size")
    kinds = {np.dtype(np.intp), *DOUBLE}
    if merges.dtype.names != fields or any(merges.dtype[name] not in kinds for name in fields):
        refuse("_single_linkage_tree_", f"must be records of {', '.join(fields)}")
    for name in fields[:2]:
        if merges.dtype[name] != np.intp or not _exist_before(merges[name]):
            refuse("_single_linkage_tree_", f"has a {name} that does not exist")
    size_of(state, "min_cluster_size", 0, 1 << 62)
