"""Checks of support vector machines: libsvm reads the fitted arrays without looking at their lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import ANY, DOUBLE, INT, Array, State, array_of, is_sparse, refuse, within
from reflectio.codecs.kernels import check_kept_samples, is_pairwise

_KERNELS = frozenset({"linear", "poly", "rbf", "sigmoid", "precomputed"})
_CLASSIFIERS = frozenset({"c_svc", "nu_svc"})

# Attributes of the class that say how the fitted ones are read.
_OF_THE_CLASS = ("_impl", "_sparse_kernels")


@check(
    "sklearn.svm._base.BaseLibSVM",
    relies_on=("_n_support", "support_", "support_vectors_", "_dual_coef_", "dual_coef_"),
)
def check_support_vectors(machine: Any) -> None:
    """Refuse a machine whose parts disagree on support vectors, classes or features."""
    state = vars(machine)
    for name in _OF_THE_CLASS:
        if name in state:
            refuse(name, "belongs to the class, not to its objects")
    kernel = state.get("kernel")
    if callable(kernel):
        if not is_pairwise(kernel):
            refuse(
                "kernel",
                "is not known to give a value for every pair of samples, or has a parameter that is no number",
            )
    elif kernel is not None and (type(kernel) is not str or kernel not in _KERNELS):
        refuse("kernel", f"must be one of {', '.join(sorted(_KERNELS))}, or a kernel function")
    if "support_" not in state:
        # Until it is fitted, it has no arrays.
        for name in ("support_vectors_", "_n_support", "_dual_coef_"):
            if name in state:
                refuse(name, "is of no use without support_")
        return
    if type(state.get("_sparse")) is not bool:
        refuse("_sparse", "must be true or false")
    n_classes = len(state["classes_"]) if machine._impl in _CLASSIFIERS else 2
    if n_classes < 2:
        refuse("classes_", "must be two classes or more")
    if state["_sparse"]:
        n_support = _check_sparse_vectors(state, n_classes)
    else:
        n_support = _check_dense_vectors(state, n_classes)
    _check_counts(machine, n_support, n_classes)


def _check_counts(machine: Any, n_support: int, n_classes: int) -> None:
    state = vars(machine)
    counts = array_of(state, "_n_support", INT, (n_classes,))
    if machine._impl in _CLASSIFIERS and (
        not within(counts, 0, n_support) or sum(counts.tolist()) != n_support
    ):
        refuse("_n_support", f"must sum to the number of support vectors, {n_support}")
    n_pairs = n_classes * (n_classes - 1) // 2
    array_of(state, "_intercept_", DOUBLE, (n_pairs,))
    # A fit without probabilities leaves these empty, and predict_proba then says so.
    pairs = [len(array_of(state, name, DOUBLE, (ANY,))) for name in ("_probA", "_probB")]
    if pairs == [n_pairs, n_pairs]:
        return
    if 0 not in pairs or max(pairs) > 1:
        refuse("_probA", f"must be of {n_pairs} numbers, as _probB, or empty")
    flag = "_effective_probability" if "_effective_probability" in state else "probability"
    if state["_sparse"] and state.get(flag, False):
        refuse(flag, "must be false where there are no probabilities")


def _check_dense_vectors(state: State, n_classes: int) -> int:
    support = array_of(state, "support_", INT, (ANY,))
    n_support = len(support)
    kernel = state.get("kernel")
    if kernel == "precomputed" or callable(kernel):
        _check_training_samples(state, support)
        array_of(state, "support_vectors_", DOUBLE, (0, 0), (n_support, ANY))
    else:
        array_of(state, "support_vectors_", DOUBLE, (n_support, state["n_features_in_"]))
    array_of(state, "_dual_coef_", DOUBLE, (n_classes - 1, n_support))
    return n_support


def _check_training_samples(state: State, support: Array) -> None:
    """Check the places of support vectors among the columns of a kernel matrix."""
    shape = state["shape_fit_"]
    if type(shape) is not tuple or not shape or type(shape[0]) is not int:
        refuse("shape_fit_", "must be the shape of the training samples")
    n_samples = shape[0]
    if callable(state["kernel"]):
        check_kept_samples(state, "_BaseLibSVM__Xfit", state["kernel"], n_samples)
    if not within(support, 0, n_samples - 1):
        refuse("support_", f"must be places among {n_samples} training samples")


def _check_sparse_vectors(state: State, n_classes: int) -> int:
    if callable(state["kernel"]) or state["kernel"] == "precomputed":
        refuse("_sparse", "must be false with this kernel")
    vectors = state["support_vectors_"]
    if not is_sparse(vectors, "csr") or vectors.shape[1] != state["n_features_in_"]:
        refuse("support_vectors_", f"must be a CSR matrix of {state['n_features_in_']} features")
    n_support = int(vectors.shape[0])
    array_of(state, "support_", INT, (n_support,))
    coefficients = state["_dual_coef_"]
    # Every entry once, in order: scipy adds up those of one place now and then, and libsvm reads as many as there were.
    if (
        not is_sparse(coefficients, "csr")
        or coefficients.shape != (n_classes - 1, n_support)
        or coefficients.data.shape != ((n_classes - 1) * n_support,)
        or (coefficients.indptr != n_support * np.arange(n_classes)).any()
        or (coefficients.indices != np.tile(np.arange(n_support), n_classes - 1)).any()
    ):
        refuse("_dual_coef_", f"must be a CSR matrix of {n_classes - 1} x {n_support} coefficients")
    return n_support
