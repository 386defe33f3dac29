"""Checks of ensembles of compiled trees: all members agree with each other and with what the ensemble says."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from reflectio import compiled
from reflectio.checks import check
from reflectio.codecs.trees import check_classes, is_count, is_tree
from reflectio.errors import ValidationError

_checking = compiled.part("checking")

# Up to this many features of all members, one pass over them together is the fastest.
_FEW_FEATURES = 1 << 20


def is_decision_tree(obj: Any) -> bool:
    """Whether an object is one of scikit-learn's decision trees, or of a class derived from them."""
    cls: Any = type(obj)
    return _is_tree_class(cls)


@cache
def _is_tree_class(cls: Any) -> bool:
    return any(
        base.__module__ == "sklearn.tree._classes" and base.__name__ == "BaseDecisionTree"
        for base in cls.__mro__
    )


def compiled_trees(estimators: Any) -> list[Any]:
    """
    Give the compiled trees of the members of an ensemble.

    Parameters
    ----------
    estimators : iterable
        The members.

    Returns
    -------
    list of sklearn.tree._tree.Tree
        Their trees.

    Raises
    ------
    ValidationError
        A member is no decision tree, or not a fitted one.
    """
    trees = []
    for index, estimator in enumerate(estimators):
        tree = vars(estimator).get("tree_") if is_decision_tree(estimator) else None
        if not is_tree(type(tree)):
            raise (
                ValidationError("every estimator must be a fitted decision tree")
                .within(index)
                .within("estimators_")
            )
        trees.append(tree)
    return trees


def _common_to_trees(estimators: Any) -> tuple[int, int] | None:
    """The numbers of features and of classes that all members have, if that is seen quickly: trees with one output."""
    if _checking is None or type(estimators) is not list:
        return None
    found: tuple[int, int] | None = _checking.common_to_trees(estimators, is_decision_tree, is_tree)
    return found


def check_features(state: dict[str, Any], trees: list[Any]) -> None:
    """Refuse an ensemble that lets data of other columns through than its trees know."""
    n_features = state.get("n_features_in_")
    if not is_count(n_features):
        raise ValidationError("n_features_in_ must be a number of features").within("n_features_in_")
    for index, tree in enumerate(trees):
        if tree.n_features != n_features:
            raise ValidationError(
                f"n_features_in_ is {n_features}, but the tree of the estimator {index} knows {tree.n_features}"
            ).within("n_features_in_")


@check("sklearn.ensemble._forest.BaseForest", relies_on=("estimators_",))
def check_forest(forest: Any) -> None:
    """Refuse a forest whose trees differ in features, outputs or classes."""
    state = vars(forest)
    _check_template(state)
    if "estimators_" not in state:
        return
    if not isinstance(state["estimators_"], list | tuple):
        raise ValidationError("the estimators of a forest are a list").within("estimators_")
    common = _common_to_trees(state["estimators_"])
    n_outputs = state.get("n_outputs_")
    if common is not None and type(n_outputs) is int and n_outputs == 1:
        n_features = state.get("n_features_in_")
        if type(n_features) is int and n_features == common[0]:
            return
    trees = compiled_trees(state["estimators_"])
    if not trees:
        return
    check_features(state, trees)
    if not is_count(n_outputs) or any(tree.n_outputs != n_outputs for tree in trees):
        raise ValidationError("n_outputs_ must be what every tree has").within("n_outputs_")


@check("sklearn.ensemble._forest.ForestClassifier")
def _check_forest_classes(forest: Any) -> None:
    state = vars(forest)
    estimators = state.get("estimators_")
    if not estimators:
        return
    common = _common_to_trees(estimators)
    if common is not None:
        check_classes(state, [common[1]])
        return
    trees = [vars(estimator)["tree_"] for estimator in estimators]
    n_classes = trees[0].n_classes
    most = max(n_classes.tolist())
    # The predictions of all trees are added up.
    if any(tree.max_n_classes != most for tree in trees) or (
        len(n_classes) > 1 and any((tree.n_classes != n_classes).any() for tree in trees)
    ):
        raise ValidationError("all trees of a forest must have the same classes").within("estimators_")
    check_classes(state, n_classes.tolist())


@check("sklearn.ensemble._forest.ForestRegressor", "sklearn.ensemble._forest.RandomTreesEmbedding")
def _check_forest_values(forest: Any) -> None:
    estimators = vars(forest).get("estimators_", ())
    common = _common_to_trees(estimators)
    if common is not None and common[1] == 1:
        return
    for index, estimator in enumerate(estimators):
        if vars(estimator)["tree_"].max_n_classes != 1:
            raise ValidationError("the tree must be that of a regressor").within(index).within("estimators_")


# What has always been so for a tree that was given no parameters.
_TEMPLATE = {
    "max_depth": None,
    "max_leaf_nodes": None,
    "min_samples_split": 2,
    "min_samples_leaf": 1,
    "min_weight_fraction_leaf": 0.0,
    "min_impurity_decrease": 0.0,
    "ccp_alpha": 0.0,
}
_DEFAULTS = tuple(_TEMPLATE.values())
_TYPES = tuple(map(type, _DEFAULTS))


def _check_template(state: dict[str, Any]) -> None:
    """
    Refuse a forest that would grow its next trees with parameters that nothing has checked.

    A forest checks the parameters that it gives to its trees, but not those its ``estimator`` has besides.
    """
    template: Any = state.get("estimator")
    if not is_decision_tree(template):
        return
    parameters = vars(template)
    values = tuple(map(parameters.get, _TEMPLATE))
    if tuple(map(type, values)) == _TYPES and values == _DEFAULTS:
        return
    for name, default in _TEMPLATE.items():
        value = parameters.get(name, default)
        if type(value) is not type(default) or value != default:
            raise (
                ValidationError(
                    "the estimator that a forest copies its trees from has the default parameters"
                )
                .within(name)
                .within("estimator")
            )


@check("sklearn.ensemble._bagging.BaseBagging", relies_on=("estimators_", "estimators_features_"))
def check_bagging(bagging: Any) -> None:
    """Refuse a bagging ensemble whose members look at columns that are not there."""
    state = vars(bagging)
    if "estimators_" not in state or "estimators_features_" not in state:
        return
    estimators, subsets = state["estimators_"], state["estimators_features_"]
    if type(estimators) is not list or type(subsets) is not list or len(estimators) != len(subsets):
        raise ValidationError("there must be a list of features for each estimator").within(
            "estimators_features_"
        )
    n_features = state.get("n_features_in_")
    if not is_count(n_features):
        raise ValidationError("n_features_in_ must be a number of features").within("n_features_in_")
    for index, subset in enumerate(subsets):
        if type(subset) is not np.ndarray or subset.ndim != 1 or subset.dtype.kind not in "iu":
            raise (
                ValidationError("the features of an estimator must be their numbers")
                .within(index)
                .within("estimators_features_")
            )
    if not subsets:
        return
    # Each once: all may be the same array, or views of it, which together would be much longer than the document.
    distinct = list({id(subset): subset for subset in subsets}.values())
    if sum(map(len, distinct)) <= _FEW_FEATURES:
        distinct = [np.concatenate(distinct)]
    if any(len(subset) and not (subset.min() >= 0 and subset.max() < n_features) for subset in distinct):
        raise ValidationError("an estimator looks at a feature that is not there").within(
            "estimators_features_"
        )
    for index, (estimator, subset) in enumerate(zip(estimators, subsets, strict=True)):
        if is_decision_tree(estimator) and vars(estimator).get("n_features_in_") != len(subset):
            raise (
                ValidationError("the tree knows another number of features")
                .within(index)
                .within("estimators_")
            )


@check("sklearn.ensemble._iforest.IsolationForest")
def check_isolation_forest(forest: Any) -> None:
    """Refuse an isolation forest whose trees have not a path length for every node."""
    state = vars(forest)
    if "estimators_" not in state:
        return
    counts = [tree.node_count for tree in compiled_trees(state["estimators_"])]
    for name in ("_decision_path_lengths", "_average_path_length_per_tree"):
        if name not in state:
            continue  # older versions compute them
        lengths = state[name]
        if not isinstance(lengths, list | tuple) or len(lengths) != len(counts):
            raise ValidationError("there must be path lengths for each tree").within(name)
        for index, (length, count) in enumerate(zip(lengths, counts, strict=True)):
            if type(length) is not np.ndarray or length.shape != (count,) or length.dtype.kind not in "iuf":
                raise (
                    ValidationError(f"there must be a length for each of {count} nodes")
                    .within(index)
                    .within(name)
                )


@check(
    "sklearn.ensemble._bagging.BaggingClassifier",
    "sklearn.ensemble._weight_boosting.AdaBoostClassifier",
)
def check_number_of_classes(classifier: Any) -> None:
    """Refuse a number of classes that votes would be counted for though there are no such classes."""
    state = vars(classifier)
    if "n_classes_" not in state:
        return
    n_classes, classes = state["n_classes_"], state.get("classes_")
    if not is_count(n_classes) or type(classes) is not np.ndarray or classes.shape != (n_classes,):
        raise ValidationError("n_classes_ must be the number of classes_").within("n_classes_")
