"""Estimators that put the answers of others, unchecked, where only certain numbers are safe."""

from __future__ import annotations

import functools
import operator
import sys
from collections import deque
from math import prod
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from reflectio.checks import check, take_steps
from reflectio.codecs.answers import check_one_answer, kept_by_fit
from reflectio.codecs.fitted import FEW, shape_of, within
from reflectio.codecs.kernels import PAIRWISE_NAMES
from reflectio.errors import ValidationError

# Where an estimator keeps the estimators that answer for it: the last of a list of steps, or one of these.
_ANSWERING = (
    "best_estimator_",
    "estimator_",
    "regressor_",
    "final_estimator_",
    "calibrated_classifiers_",
    "estimators_",
)

# Attributes with a row, or a column, for each output; a single output has one, or no such axis.
_ROWS = ("coef_", "intercept_", "constant_", "_intercept_")
_COLUMNS = ("dual_coef_", "_y", "y_train_", "_y_train", "alpha_")
_OUTPUTS = frozenset(_ROWS + _COLUMNS)
_SINGLE = frozenset({"intercept_", "constant_", "_intercept_"})

_LABELS = frozenset({str, int, float, bool})

# Most attributes of most estimators: no rows, and nothing that could be called.
_HOLDING_NOTHING = _LABELS | {type(None)}

_DEEPEST = 32

# As tuples: to make a union of types takes longer than to ask about them.
_INTEGERS = (int, np.integer)
_NUMBERS = frozenset({int, float, bool, complex, np.float64, np.float32, np.int64, np.int32, np.bool_})
_CONTAINERS = (list, tuple, dict)


@check("sklearn.multiclass.OneVsRestClassifier", relies_on=("estimators_", "label_binarizer_", "estimator"))
def check_one_versus_rest(model: Any) -> None:
    """
    Refuse estimators that could answer with more than one number a sample.

    The samples they accept become indices of a matrix with as many rows as there are samples; more answers than
    samples are indices beyond its end. An estimator that is frozen is what the next fit takes for each of them.
    """
    seen: set[int] = set()
    kept = list(kept_by_fit(vars(model).get("estimator"), "estimator"))
    for estimator, parts, answers in kept:
        if answers:
            place = _text_of(parts)
            _check_single_output(estimator, place, _DEEPEST, seen)
            check_one_answer(estimator, place)
    if kept:
        _check_rows([estimator for estimator, _, _ in kept], "estimator")
    estimators = vars(model).get("estimators_") or ()
    for index, estimator in enumerate(estimators):
        _check_single_output(estimator, f"estimators_[{index}]", _DEEPEST, seen)
    binarizer = getattr(vars(model).get("label_binarizer_"), "__dict__", {})
    kind = binarizer.get("y_type_")
    if type(kind) is str and kind == "multiclass":
        # Of several classes the best is taken, which is safe whatever the answers.
        return
    for index, estimator in enumerate(estimators):
        check_one_answer(estimator, f"estimators_[{index}]")
    _check_rows(list(estimators), "estimators_")


def _text_of(parts: tuple[str | int, ...]) -> str:
    first, *others = parts
    return str(first) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in others)


# Of one row: what is subtracted from samples, added to answers or multiplied with either.
_OF_ONE_ROW = frozenset(
    {"mean_", "scale_", "xbar_", "center_", "min_", "_x_mean", "_x_std", "statistics_"}
    | {"class_prior_", "class_log_prior_", "priors_", "intercept_hidden_", "random_offset_"}
)
_OF_ONE_NUMBER = frozenset({"_y_train_mean", "_y_train_std", "X_min_", "X_max_", "offset_", "y_"})

# Lists of lists that are no operand: which features may interact.
_OF_LISTS = frozenset({"interaction_cst"})

#: What cross-validation leaves behind, and what each component of a mixture has; none of it is multiplied by the data.
OF_THREE_AXES = frozenset(
    {"coefs_paths_", "mse_path_", "cv_results_", "cv_values_", "scores_", "covariances_", "precisions_"}
    | {"precisions_cholesky_", "n_iter_"}
)


def _check_rows(estimators: list[Any], place: str) -> None:
    """
    Refuse estimators that hold what a single sample would be broadcast against, to more answers than samples.

    That are arrays of three axes, of two where one is usual, and functions that are not known to work on each element.
    """
    seen: set[int] = set()
    stack: list[tuple[Any, str, bool]] = [(estimators, "", False)]
    while stack:
        obj, name, is_parameter = stack.pop()
        if type(obj) in _HOLDING_NOTHING or id(obj) in seen:
            continue
        seen.add(id(obj))
        take_steps(steps_of(obj))
        n_axes, size = _axes_of(obj)
        if n_axes and name not in OF_THREE_AXES:
            most = 0 if name in _OF_ONE_NUMBER else 1 if is_parameter or name in _OF_ONE_ROW else 2
            if n_axes > most and (size > 1 or most) and not (isinstance(obj, list) and name in _OF_LISTS):
                raise (
                    ValidationError(f"an array of {n_axes} axes could turn one sample into several answers")
                    .within(name)
                    .within(place)
                )
        if isinstance(obj, np.ndarray):
            if obj.dtype.hasobject:
                stack += [(part, name, is_parameter) for part in obj.ravel().tolist()]
        elif type(obj).__module__.startswith("pandas."):
            continue
        elif type(obj) in (dict, list, tuple, deque):
            stack += [(part, name, is_parameter) for part in (obj.values() if isinstance(obj, dict) else obj)]
        elif isinstance(obj, dict):
            # Those of scikit-learn's own kind have their values as attributes, too.
            stack += [(part, str(key), is_parameter) for key, part in obj.items()]
        elif may_change_rows(obj, name):
            raise (
                ValidationError("a function could turn one sample into several answers")
                .within(name)
                .within(place)
            )
        elif hasattr(obj, "__dict__") and not isinstance(obj, type | FunctionType) and not is_of_scipy(obj):
            has_parameters = hasattr(type(obj), "get_params")
            stack += [
                (part, key, has_parameters and _is_parameter(key))
                for key, part in vars(obj).items()
                if type(part) not in _HOLDING_NOTHING
            ]


def steps_of(obj: Any) -> int:
    """How many values are gone through to look into an object."""
    if isinstance(obj, np.ndarray):
        # numpy goes through numbers much faster than Python does.
        return obj.size if obj.dtype.hasobject else 1 + obj.size // 64
    return 1 + len(obj) if isinstance(obj, (*_CONTAINERS, deque)) else 1 + len(getattr(obj, "__dict__", ()))


def _axes_of(obj: Any) -> tuple[int, int]:
    """How many axes numpy would give to something that holds numbers, and how many of these there are; none, if none."""
    if isinstance(obj, np.ndarray):
        return obj.ndim, obj.size
    if isinstance(obj, list | tuple | deque):
        size = len(obj)
        if _NUMBERS.issuperset(map(type, obj)):
            return 1, size
        # What holds arrays is no operand itself: these are looked at one by one.
        lists = all(map(_is_sequence, obj)) and {id(part): part for part in obj}.values()
        return (2, size) if lists and all(map(_may_be_row, lists)) else (0, 0)
    if type(obj).__module__.startswith("pandas."):
        n_axes, size = getattr(obj, "ndim", 0), getattr(obj, "size", 0)
        return (n_axes, size) if type(n_axes) is int and type(size) is int else (0, 0)
    return 0, 0


def _is_sequence(part: Any) -> bool:
    return isinstance(part, list | tuple | deque)


def _may_be_row(part: Any) -> bool:
    """Whether a sequence holds numbers, or what holds numbers: to however many axes, there are too many."""
    return len(part) > 0 and all(_is_sequence(item) or type(item) in _NUMBERS for item in part)


def _is_parameter(name: str) -> bool:
    # The bounds of a kernel's parameters are pairs; the other parameters of estimators are numbers or names.
    return not name.startswith("_") and not name.endswith(("_", "bounds"))


def is_of_scipy(obj: Any) -> bool:
    """Whether an object is one of scipy's, each of which has been checked for itself."""
    return type(obj).__module__.startswith("scipy.")


# What these attributes hold is called with the samples, or gives what the answers are made from.
_CALLED = frozenset({"func", "inverse_func", "kernel", "metric", "weights"})
_ELEMENTWISE = frozenset({"func", "inverse_func"})
_ROW_BY_ROW = frozenset({"check_array"}) | PAIRWISE_NAMES


# Methods by which estimators, losses and functions are asked. As an attribute, one stands in for what its class lacks.
_ASKED = frozenset(
    {"predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "transform"}
    | {"inverse_transform", "fit_transform", "kneighbors", "radius_neighbors", "apply", "inverse", "link"}
)

# What is called with one text, not with the samples.
_OF_TEXTS = frozenset({"preprocessor", "tokenizer", "analyzer"})

_GETTERS = (operator.itemgetter, operator.attrgetter, operator.methodcaller)


def may_change_rows(function: Any, name: str) -> bool:
    """
    Whether something is a function that could give more or fewer rows than it is given.

    Parameters
    ----------
    function : Any
        What an attribute holds.
    name : str
        The attribute.
    """
    if not callable(function) or name in _OF_TEXTS:
        return False
    if name in _ASKED:
        return True
    if isinstance(function, functools.partial):
        if isinstance(function.func, np.ufunc):
            return True
        return may_change_rows(function.func, name)
    if isinstance(function, np.ufunc):
        # As a kernel, it would write to the second argument.
        return function.nin != 1 or name not in _ELEMENTWISE
    if isinstance(function, _GETTERS):
        return True
    if isinstance(function, type):
        return (
            name in _CALLED and not issubclass(function, np.generic) and _is_known_home(function.__module__)
        )
    if is_of_scipy(function) and not isinstance(function, FunctionType | BuiltinFunctionType | MethodType):
        # Interpolators of one row of values give one for each number.
        return name in _CALLED and getattr(getattr(function, "c", None), "ndim", 0) != 1
    if type(function).__module__.partition(".")[0] == "sklearn":
        # Kernels and scorers.
        return False
    home = str(getattr(function, "__module__", None)).partition(".")[0]
    if home == "sklearn":
        return name in _CALLED and function.__name__ not in _ROW_BY_ROW
    # What a user's own policy allows is the user's own code.
    return _is_known_home(home)


def _is_known_home(module: str) -> bool:
    home = module.partition(".")[0]
    return home in sys.stdlib_module_names or home in {"None", "numpy", "scipy", "pandas"}


def _check_single_output(estimator: Any, place: str, depth: int, seen: set[int]) -> None:
    if depth == 0:
        raise ValidationError(f"the estimators of {place} are nested too deeply to be checked")
    state = getattr(estimator, "__dict__", None)
    if state is None or id(estimator) in seen:
        return
    seen.add(id(estimator))
    take_steps(1)
    if state.get("n_outputs_", 1) != 1 or state.get("outputs_2d_") is True:
        raise ValidationError(f"{place} must have one output")
    classes = state.get("classes_")
    if classes is not None and not _are_two_classes(classes):
        raise ValidationError(f"{place} must tell one class from the others")
    shapes = {name: _shape(state[name], f"{place}.{name}") for name in _OUTPUTS.intersection(state)}
    for name, shape in shapes.items():
        # The dual coefficients of a support vector machine have a row for the one pair of classes.
        if len(shape) > 1 and (shape[0] != 1 if name in _ROWS else 1 not in shape):
            raise ValidationError(f"{place}.{name} must be of one output")
        if name in _SINGLE and prod(shape) != 1:
            raise ValidationError(f"{place}.{name} must be a single number")
    for name, answering in _answering(state):
        _check_single_output(answering, f"{place}.{name}", depth - 1, seen)


def _are_two_classes(classes: Any) -> bool:
    if isinstance(classes, np.ndarray):
        return classes.ndim == 1 and len(classes) <= 2
    return type(classes) in (list, tuple) and len(classes) <= 2 and _LABELS.issuperset(map(type, classes))


def _shape(value: Any, place: str) -> tuple[int, ...]:
    shape = () if value is None else shape_of(value)
    if shape is None:
        raise ValidationError(f"{place} must be a number or an array of numbers")
    return shape


@check(
    "sklearn.ensemble._voting.VotingClassifier",
    relies_on=("estimators_", "named_estimators_", "le_", "estimators"),
)
def check_votes(model: Any) -> None:
    """Refuse estimators whose votes are not numbers of classes: votes are counted by as many counters as the largest."""
    state = vars(model)
    voting = state.get("voting", "hard")
    # Whatever is not soft is hard.
    if type(voting) is not str or voting != "soft":
        for index, estimator in enumerate(state.get("estimators_") or ()):
            _check_classifier(estimator, f"estimators_[{index}]", _DEEPEST)
            _check_labels(estimator, f"estimators_[{index}]")
        for estimator, parts, answers in kept_by_fit(state.get("estimators"), "estimators"):
            if answers:
                _check_classifier(estimator, _text_of(parts), _DEEPEST)
                _check_labels(estimator, _text_of(parts))
    known = vars(state["le_"]).get("classes_") if hasattr(state.get("le_"), "__dict__") else None
    if known is None:
        return
    seen: set[int] = set()
    for index, estimator in enumerate(state.get("estimators_") or ()):
        _check_votes(estimator, len(known), f"estimators_[{index}]", _DEEPEST, seen)


# Labels that an estimator may answer with, and what turns its own numbers into labels.
_GIVEN = frozenset({"classes_", "constant", "constant_", "outlier_label", "outlier_label_"})
_ENCODERS = frozenset({"_label_binarizer", "label_binarizer_", "_label_encoder", "le_"})
_OF_LABELS = frozenset({"LabelBinarizer", "LabelEncoder"})

# Far more classes than voters tell apart, and few enough to be counted. What answers for samples without neighbours may
# be a number that is no class.
_MOST_COUNTERS = 1 << 20

# What answers with the labels that another gives, and the attribute that holds the other.
_PASSING_ON = {
    "FrozenEstimator": "estimator",
    "GaussianProcessClassifier": "base_estimator_",
    "MultiOutputClassifier": "estimators_",
    "RFE": "estimator_",
    "RFECV": "estimator_",
    "SelfTrainingClassifier": "estimator_",
}


def _check_classifier(estimator: Any, place: str, depth: int) -> None:
    """Refuse what does not answer with its classes, as far as it is scikit-learn's; of regressors, some give integers."""
    from sklearn.base import ClassifierMixin

    if depth == 0:
        raise ValidationError(f"the estimators of {place} are nested too deeply to be checked")
    cls, state = type(estimator), getattr(estimator, "__dict__", {})
    held = [(name, part) for name, part in _answering(state) if name in ("steps[-1]", "best_estimator_")]
    passing = _PASSING_ON.get(cls.__name__)
    if passing is not None and passing in state:
        parts = state[passing] if isinstance(state[passing], list | tuple) else [state[passing]]
        held += [(passing, part) for part in parts]
    for name, part in held:
        _check_classifier(part, f"{place}.{name}", depth - 1)
    if held or isinstance(estimator, ClassifierMixin):
        return
    if not cls.__module__.startswith("sklearn.") and not _is_known_home(cls.__module__):
        return
    if cls.__name__ != "_BinaryGaussianProcessClassifierLaplace":
        raise ValidationError(f"{place} must be a classifier")


def _check_labels(estimator: Any, place: str) -> None:
    """Refuse labels, anywhere in an estimator, that no memory could count."""
    seen: set[tuple[int, bool]] = set()
    stack: list[tuple[Any, bool]] = [(estimator, False)]
    while stack:
        obj, is_label = stack.pop()
        take_steps(steps_of(obj))
        if isinstance(obj, _INTEGERS):
            if is_label and obj >= _MOST_COUNTERS:
                raise ValidationError(f"{place} has the label {obj}, and there are not as many classes")
        elif isinstance(obj, np.ndarray):
            if is_label and obj.dtype.kind in "iu" and obj.size:
                stack.append((max(obj.ravel().tolist()) if obj.size <= FEW else obj.max(), True))
            if obj.dtype.hasobject and obj.dtype.kind == "O" and (id(obj), is_label) not in seen:
                seen.add((id(obj), is_label))
                stack += [(part, is_label) for part in obj.ravel().tolist()]
        elif type(obj) in _HOLDING_NOTHING or (id(obj), is_label) in seen:
            continue
        elif isinstance(obj, _CONTAINERS):
            seen.add((id(obj), is_label))
            stack += [(part, is_label) for part in (obj.values() if isinstance(obj, dict) else obj)]
        elif hasattr(obj, "__dict__") and not isinstance(obj, type | FunctionType) and not is_of_scipy(obj):
            seen.add((id(obj), is_label))
            for name, part in vars(obj).items():
                if name in _ENCODERS and type(obj).__module__.startswith("sklearn."):
                    _check_encoders(part, f"{place}: {name}")
                if type(part) not in _HOLDING_NOTHING or name in _GIVEN:
                    stack.append((part, name in _GIVEN))


def _check_encoders(encoders: Any, place: str) -> None:
    for encoder in encoders if isinstance(encoders, list) else [encoders]:
        if encoder is not None and type(encoder).__name__ not in _OF_LABELS:
            raise ValidationError(f"{place} must be an encoder of labels")


def _check_votes(estimator: Any, n_classes: int, place: str, depth: int, seen: set[int]) -> None:
    if depth == 0:
        raise ValidationError(f"the estimators of {place} are nested too deeply to be checked")
    if id(estimator) in seen:
        return
    seen.add(id(estimator))
    state = getattr(estimator, "__dict__", {})
    classes = state.get("classes_")
    if isinstance(classes, np.ndarray) and classes.dtype.kind in "iu" and classes.size:  # noqa: SIM102
        if not within(classes, 0, n_classes - 1):
            raise ValidationError(f"{place}.classes_ must be numbers of the {n_classes} classes")
    for name, answering in _answering(state):
        _check_votes(answering, n_classes, f"{place}.{name}", depth - 1, seen)


def _answering(state: dict[str, Any]) -> list[tuple[str, Any]]:
    """The estimators whose answers an estimator gives on."""
    found = []
    steps = state.get("steps")
    if isinstance(steps, list) and steps and isinstance(steps[-1], tuple) and len(steps[-1]) == 2:
        found.append(("steps[-1]", steps[-1][1]))
    for name in _ANSWERING:
        value = state.get(name)
        if value is None:
            continue
        if isinstance(value, np.ndarray):
            value = value.ravel().tolist() if value.dtype.hasobject else None
        parts = value if isinstance(value, list) else [value]
        found += [(name, part) for part in parts if hasattr(part, "__dict__") and not isinstance(part, type)]
    return found
