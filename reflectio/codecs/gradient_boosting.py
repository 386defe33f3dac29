"""Gradient boosting: the shapes that its compiled code never looks at, and the losses of both kinds of it."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from reflectio.checks import check, take_steps
from reflectio.codecs.answers import check_one_answer, kept_by_fit, network_gives
from reflectio.codecs.ensembles import check_features, compiled_trees, is_decision_tree
from reflectio.codecs.fitted import shape_of
from reflectio.codecs.multiclass import OF_THREE_AXES, is_of_scipy, may_change_rows, steps_of
from reflectio.codecs.trees import is_count
from reflectio.errors import ReflectioError, ValidationError


def refuse(message: str, *parts: str | int) -> ReflectioError:
    """The error to raise for what an estimator holds at the end of some parts."""
    error = ValidationError(message)
    for place in reversed(parts):
        error.within(place)
    return error


def is_class(obj: Any, module: str, name: str) -> bool:
    """Whether an object is of the class with a name, defined in a module."""
    return type(obj).__name__ == name and type(obj).__module__ == module


@check("sklearn.ensemble._gb.BaseGradientBoosting", relies_on=("estimators_", "init_", "init"))
def check_boosting(booster: Any) -> None:
    """
    Refuse gradient boosting whose trees do not fit the predictions that they are added to.

    The first tree checks the data for all; and compiled code adds the column of each tree to an array that has as
    many columns as the initial prediction gives.
    """
    state = vars(booster)
    as_classifier = hasattr(type(booster), "predict_proba")
    if type(state.get("init")) not in (str, type(None)):
        _check_start(state["init"], as_classifier=as_classifier)
    if "estimators_" not in state:
        return
    estimators = state["estimators_"]
    if type(estimators) is not np.ndarray or estimators.ndim != 2 or estimators.dtype != object:
        raise refuse("the estimators must be an array of a row for each stage", "estimators_")
    if not estimators.size:
        if len(estimators):
            raise refuse("a stage must have a tree", "estimators_")
        return
    trees = compiled_trees(estimators.ravel().tolist())
    check_features(state, trees)
    if any(tree.n_outputs != 1 or tree.max_n_classes != 1 for tree in trees):
        raise refuse("the trees of boosting have a single value for each node", "estimators_")
    width = estimators.shape[1]
    stated = state.get("n_trees_per_iteration_", width)
    if not is_count(stated) or stated != width:
        raise refuse(f"there are {width} trees in each stage", "n_trees_per_iteration_")
    if "n_classes_" in state and hasattr(type(booster), "predict_proba"):
        n_classes, classes = state["n_classes_"], state.get("classes_")
        if not is_count(n_classes) or type(classes) is not np.ndarray or classes.shape != (n_classes,):
            raise refuse("n_classes_ must be the number of classes_", "n_classes_")
        if width != trees_for(n_classes):
            raise refuse(f"there are {width} trees in each stage, but {n_classes} classes", "estimators_")
    loss = state.get("_loss")
    check_link(loss, width)
    init = state.get("init_")
    if type(init) is str and init == "zero":
        if "n_trees_per_iteration_" not in state and getattr(loss, "K", None) != width:
            raise refuse(f"there are {width} trees in each stage", "_loss", "K")
        return
    try:
        _check_initial(init, width, as_classifier=as_classifier)
    except ReflectioError as error:
        raise error.within("init_") from None


def trees_for(n_classes: int) -> int:
    """How many trees each stage of boosting has for so many classes."""
    return 1 if n_classes <= 2 else n_classes


def check_link(loss: Any, width: int) -> None:
    """Refuse a loss that is not one for so many trees in each stage."""
    cls: Any = type(loss)
    module = cls.__module__
    if module == "sklearn.ensemble._gb_losses":  # scikit-learn 1.3
        if getattr(loss, "K", None) != width:
            raise refuse(f"there are {width} trees in each stage", "_loss", "K")
        return
    if not _loss_name(cls):
        raise refuse("the loss must be one of scikit-learn's", "_loss")
    if loss.is_multiclass != (width > 1):
        raise refuse(f"the loss is not one for {width} trees in each stage", "_loss")
    if loss.is_multiclass and loss.n_classes != width:
        raise refuse(f"there are {width} trees in each stage", "_loss", "n_classes")


def _check_start(init: Any, *, as_classifier: bool) -> None:
    """Refuse an estimator for the next fit to start from, where that would leave what it predicts unchecked."""
    try:
        if not _sees_to_itself(_unfrozen(init)):
            _check_not_empty(init)
    except ReflectioError as error:
        raise error.within("init") from None
    for estimator, parts, answers in kept_by_fit(init, "init", in_place=True):
        if not answers:
            continue
        classes = vars(_answering(estimator) or estimator).get("classes_")
        n_classes = len(classes) if isinstance(classes, np.ndarray) and classes.ndim else 2
        try:
            _check_initial(
                estimator, trees_for(n_classes) if as_classifier else 1, as_classifier=as_classifier
            )
        except ReflectioError as error:
            for part in reversed(parts):
                error.within(part)
            raise


def _unfrozen(init: Any) -> Any:
    for _ in range(_MOST_STEPS):
        if not _is_one_of(init, "sklearn.frozen", "FrozenEstimator"):
            break
        init = vars(init).get("estimator")
    return init


def _sees_to_itself(init: Any) -> bool:
    """Whether an estimator is of a class whose own check sees to it that it predicts a value for each sample."""
    return is_decision_tree(init) or type(init).__module__ in _OF_TREES


# Their own checks see to it that they predict for as many classes as they say.
_OF_TREES = frozenset(
    {
        "sklearn.ensemble._forest",
        "sklearn.ensemble._gb",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting",
    }
)


def _check_initial(init: Any, width: int, *, as_classifier: bool) -> None:
    """Refuse an initial estimator whose predictions could have fewer rows than the data, or fewer columns than trees."""
    state = vars(init)
    n_classes = max(width, 2)
    if is_class(init, "sklearn.dummy", "DummyClassifier" if as_classifier else "DummyRegressor"):
        if not is_count(state.get("n_outputs_")) or state["n_outputs_"] != 1:
            raise refuse("the initial estimator must have one output", "n_outputs_")
        if not as_classifier:
            return
        prior = state.get("class_prior_")
        if type(prior) is not np.ndarray or prior.ndim != 1 or (width > 1 and len(prior) != n_classes):
            raise refuse(f"the initial estimator must know {n_classes} classes", "class_prior_")
        if state.get("n_classes_") != len(prior) or not is_count(state["n_classes_"]):
            raise refuse("the initial estimator must know as many classes as it has priors", "n_classes_")
        return
    if _sees_to_itself(_unfrozen(init)):
        state = vars(_unfrozen(init))
        if state.get("n_outputs_", 1) != 1:
            raise refuse("the initial estimator must have one output", "n_outputs_")
        if width > 1 and len(state.get("classes_", ())) != width:
            raise refuse(f"the initial estimator must know {width} classes", "classes_")
        return
    if width > 1 and not _knows_classes(init, width):
        raise refuse(
            f"whether this {type(init).__qualname__} predicts {width} classes cannot be told before it does; "
            "use one that does not answer for others, such as logistic regression, as the initial estimator of boosting"
        )
    _check_not_empty(init)
    if width == 1:
        check_one_answer(init, "the initial estimator")


# Classifiers whose probabilities have a column for each row of what they learned.
_BY_ROW = {
    ("sklearn.linear_model", "LogisticRegression"): "coef_",
    ("sklearn.linear_model", "LogisticRegressionCV"): "coef_",
    ("sklearn.linear_model", "SGDClassifier"): "coef_",
    ("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis"): "coef_",
    ("sklearn.naive_bayes", "GaussianNB"): "theta_",
    ("sklearn.naive_bayes", "MultinomialNB"): "feature_log_prob_",
    ("sklearn.naive_bayes", "BernoulliNB"): "feature_log_prob_",
    ("sklearn.naive_bayes", "ComplementNB"): "feature_log_prob_",
    ("sklearn.naive_bayes", "CategoricalNB"): "class_count_",
}

# Those that fill a table with a column for each of their classes.
_BY_CLASS = {
    ("sklearn.calibration", "CalibratedClassifierCV"),
    ("sklearn.ensemble._bagging", "BaggingClassifier"),
    ("sklearn.ensemble._weight_boosting", "AdaBoostClassifier"),
    ("sklearn.neighbors", "KNeighborsClassifier"),
    ("sklearn.neighbors", "RadiusNeighborsClassifier"),
    ("sklearn.svm", "SVC"),
    ("sklearn.svm", "NuSVC"),
}

# Those that give on what another answers, and the attribute that holds it.
_BY_ANOTHER = {
    ("sklearn.frozen", "FrozenEstimator"): "estimator",
    ("sklearn.model_selection", "GridSearchCV"): "best_estimator_",
    ("sklearn.model_selection", "RandomizedSearchCV"): "best_estimator_",
    ("sklearn.model_selection", "HalvingGridSearchCV"): "best_estimator_",
    ("sklearn.model_selection", "HalvingRandomSearchCV"): "best_estimator_",
    ("sklearn.semi_supervised", "SelfTrainingClassifier"): "estimator_",
}

_MOST_STEPS = 32

# Lists that training leaves behind, of what it went through, and that no prediction is made from.
_RECORDS = {("scores_",), ("active_",)}


def _answering(init: Any) -> Any:
    """The estimator whose answers an estimator gives on, or None if it is too deep within it."""
    for _ in range(_MOST_STEPS):
        state: dict[str, Any] = getattr(init, "__dict__", {})
        steps = state.get("steps")
        if _is_one_of(init, "sklearn.pipeline", "Pipeline") and type(steps) is list and steps:
            init = steps[-1][1] if type(steps[-1]) is tuple and len(steps[-1]) == 2 else None
        elif attribute := _found(init, _BY_ANOTHER):
            init = state.get(attribute)
        else:
            return init
    return None


def _knows_classes(init: Any, width: int) -> bool:
    """Whether an estimator is sure to predict probabilities of so many classes."""
    init = _answering(init)
    state: dict[str, Any] = getattr(init, "__dict__", {})
    if type(state.get("classes_")) is not np.ndarray or state["classes_"].shape != (width,):
        return False
    if _is_one_of(init, "sklearn.neural_network", "MLPClassifier"):
        return network_gives(state, width)
    if rows := _found(init, _BY_ROW):
        learned, intercept = state.get(rows), state.get("intercept_")
        return (
            type(learned) is np.ndarray
            and learned.ndim == 2
            and len(learned) == width
            and (intercept is None or shape_of(intercept) == (width,))
        )
    return any(_is_one_of(init, *place) for place in _BY_CLASS)


def _is_one_of(obj: Any, package: str, name: str) -> bool:
    return type(obj).__name__ == name and type(obj).__module__.startswith(package)


def _found(obj: Any, table: dict[tuple[str, str], str]) -> str | None:
    return next((value for place, value in table.items() if _is_one_of(obj, *place)), None)


# Classifiers that may vote in AdaBoost.
_VOTERS = (
    "sklearn.tree.",
    "sklearn.linear_model.",
    "sklearn.naive_bayes",
    "sklearn.svm.",
    "sklearn.ensemble._forest",
    "sklearn.discriminant_analysis",
)


def _check_not_empty(root: Any) -> None:
    """
    Refuse an estimator that could predict for fewer rows than it is given.

    Data of one row are broadcast against what an estimator has learned, and no rows remain where that is empty; the
    product with an array of three axes has its rows elsewhere; a function among the parameters may return anything.
    """
    seen: set[int] = set()
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(root, ())]
    while stack:
        obj, parts = stack.pop()
        if id(obj) in seen:
            continue
        seen.add(id(obj))
        take_steps(steps_of(obj))
        if isinstance(obj, np.ndarray):
            # An unused probability calibration of a support vector machine is an empty row.
            if not obj.size and (
                obj.ndim > 1 or parts[-1:] not in {("_probA",), ("_probB",), ("class_weight_",)}
            ):
                raise refuse("an empty array would leave no predictions", *parts)
            if obj.ndim > 2 and not OF_THREE_AXES.intersection(parts):
                raise refuse(
                    f"an array of {obj.ndim} axes could leave fewer predictions than samples", *parts
                )
            if obj.dtype.hasobject:
                stack.extend((item, (*parts, index)) for index, item in enumerate(obj.ravel().tolist()))
        elif isinstance(obj, list | tuple):
            if not obj and isinstance(obj, list) and parts[-1:] not in _RECORDS:
                raise refuse("an empty list would leave no predictions", *parts)
            stack.extend((item, (*parts, index)) for index, item in enumerate(obj))
        elif isinstance(obj, dict):
            stack.extend((value, (*parts, str(key))) for key, value in obj.items())
        elif isinstance(obj, type):
            continue
        elif may_change_rows(obj, next((part for part in reversed(parts) if type(part) is str), "")):
            raise refuse("a function could return anything in place of predictions", *parts)
        elif hasattr(obj, "__dict__") and not is_of_scipy(obj):
            if _is_one_of(obj, "sklearn.ensemble._weight_boosting", "AdaBoostClassifier"):
                _check_votes(obj, parts)
            stack.extend((value, (*parts, name)) for name, value in vars(obj).items())


def _check_votes(boosting: Any, parts: tuple[str | int, ...]) -> None:
    """Refuse votes of more than one output: compared with a column of classes, these could come to a single row."""
    for index, voter in enumerate(vars(boosting).get("estimators_") or ()):
        state: dict[str, Any] = getattr(voter, "__dict__", {})
        module = type(voter).__module__
        if (
            not module.startswith(_VOTERS)
            or type(voter).__name__.startswith("Ridge")
            or state.get("n_outputs_", 1) != 1
            or getattr(state.get("classes_"), "ndim", 0) != 1
        ):
            raise refuse(
                "whether this votes for one class a sample cannot be told", *parts, "estimators_", index
            )


# Losses ------------------------------------------------------------------------------------------------


@cache
def _loss_name(cls: Any) -> str:
    """What scikit-learn calls a loss; of classes that are none, nothing."""
    return next((base.__name__ for base in cls.__mro__ if base.__module__ == "sklearn._loss.loss"), "")


@check("sklearn._loss.loss.BaseLoss")
def check_loss(loss: Any) -> None:
    """Refuse a loss that computes with the compiled part or the link of another."""
    cls: Any = type(loss)
    state = vars(loss)
    if "is_multiclass" in state:
        raise refuse("whether a loss is for several classes is not its state", "is_multiclass")
    name = _loss_name(cls)
    compiled = state.get("closs")
    if type(compiled).__module__ != "sklearn._loss._loss" or type(compiled).__name__ != f"Cy{name}":
        raise refuse(f"the compiled part of a {name} must be a Cy{name}", "closs")
    link = state.get("link")
    if type(link).__module__ != "sklearn._loss.link":
        raise refuse("the link must be one of scikit-learn's", "link")
    if getattr(link, "is_multiclass", False) != loss.is_multiclass:
        raise refuse("the link must be one for as many classes as the loss", "link")
    n_classes = state.get("n_classes")
    if n_classes is not None and not (is_count(n_classes) and n_classes < 1 << 31):
        raise refuse("n_classes must be a number of classes", "n_classes")
    quantile = getattr(compiled, "quantile", state.get("quantile"))
    if quantile is not None and not (isinstance(quantile, float) and 0 < quantile < 1):
        raise refuse(
            "the quantile must lie between 0 and 1", "closs" if hasattr(compiled, "quantile") else "quantile"
        )
    for parameter in ("delta", "power"):
        value = getattr(compiled, parameter, 0.0)
        if not math.isfinite(value):
            raise refuse(f"the {parameter} must be finite", "closs")
