"""Checks of nearest neighbours: the samples searched, the tree over them, and the classes they vote for."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import ANY, INDEX, array_of, refuse, size_of, within
from reflectio.codecs.neighbors import is_neighbor_tree


@check("sklearn.neighbors._base.NeighborsBase")
def check_searched_samples(model: Any) -> None:
    """Refuse samples, a tree and counts that disagree."""
    state = vars(model)
    for name in ("n_neighbors", "n_neighbors_"):
        # Methods look at the number that they are given, but not at the model's own.
        if state.get(name) is not None:
            size_of(state, name, 1, 1 << 62)
    if "_fit_X" not in state:
        # A fit that failed halfway may have left the targets behind; nothing looks at them without samples.
        if state.get("_tree") is not None:
            refuse("_tree", "is of no use without _fit_X")
        return
    shape: tuple[int, ...] = getattr(state["_fit_X"], "shape", ())
    if len(shape) != 2:
        refuse("_fit_X", "must be an array or a matrix of samples")
    n_samples, n_features = shape
    if not n_samples:
        # Compiled code divides them into chunks of as many samples as there are.
        refuse("_fit_X", "must have a sample")
    if state.get("n_samples_fit_") != n_samples or type(state["n_samples_fit_"]) is not int:
        refuse("n_samples_fit_", f"must be {n_samples}, the number of samples in _fit_X")
    if state.get("metric") == "precomputed" and state.get("effective_metric_") != "precomputed":
        # Nobody looks at the columns of distances, which compiled code would take for those of samples.
        refuse("effective_metric_", "must be 'precomputed', as metric is")
    tree = state.get("_tree")
    # A model that was given a tree to search has not counted the features; the tree does when asked.
    if state.get("n_features_in_", n_features if tree is not None else None) != n_features:
        refuse("n_features_in_", f"must be {n_features}, the number of features in _fit_X")
    if tree is not None and (not is_neighbor_tree(type(tree)) or tuple(tree.data.shape) != shape):
        refuse("_tree", f"must be a tree over {n_samples} samples of {n_features} features")


@check(
    "sklearn.neighbors.KNeighborsClassifier",
    "sklearn.neighbors.RadiusNeighborsClassifier",
    relies_on=("_y",),
)
def check_votes(model: Any) -> None:
    """Refuse votes for classes that do not exist."""
    state = vars(model)
    if "_y" not in state or "_fit_X" not in state:
        return
    n_samples = state["n_samples_fit_"]
    votes = array_of(state, "_y", INDEX, (n_samples,), (n_samples, ANY))
    classes = state["classes_"]
    if votes.ndim == 1 and isinstance(classes, np.ndarray):
        outputs = [(votes, classes)]
    elif votes.ndim == 2 and type(classes) is list and len(classes) == votes.shape[1]:
        outputs = list(zip(votes.T, classes, strict=True))
    else:
        refuse("classes_", "must be an array for each output of _y")
    for column, values in outputs:
        if not within(column, 0, len(values) - 1):
            refuse("_y", "must number the classes")
