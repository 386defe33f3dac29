"""
Estimators that are sure to give one answer a sample, which some others rely on without counting.

`OneVsRestClassifier` makes indices of a sparse matrix of the answers of its estimators, and gradient boosting adds to
those of the estimator that it starts from. Whether there is one for each sample cannot be told from arrays alone: an
estimator may hold anything that numpy broadcasts a sample against. So only those classes of scikit-learn are let through
that are known to count, or whose every operand is known, each with what has to hold of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np

from reflectio.checks import take_steps
from reflectio.codecs.fitted import is_sparse, shape_of
from reflectio.codecs.kernels import is_kernel, is_pairwise
from reflectio.errors import ValidationError

_DEEPEST = 32

_Attributes = dict[str, Any]

# Whose modules' classes may be used, and are not known.
_LIBRARIES = frozenset({"numpy", "scipy", "pandas"})


def is_of_sklearn(obj: Any) -> bool:
    """Whether an object is of a class that scikit-learn defines."""
    return type(obj).__module__.partition(".")[0] == "sklearn"


def _is_table(value: Any) -> bool:
    return type(value) is np.ndarray and value.ndim == 2 and value.dtype.kind in "biuf"


def _is_number(value: Any) -> bool:
    if type(value) is np.ndarray:
        return value.size == 1 and value.dtype.kind in "biuf"
    return isinstance(value, int | float | np.number)


def _is_row(value: Any) -> bool:
    """Whether something has a number for each sample that was learned from, and one output."""
    return (
        type(value) is np.ndarray
        and value.dtype.kind in "biuf"
        and (value.ndim == 1 or (value.ndim == 2 and value.shape[1] == 1))
    )


def _is_kernel(value: Any) -> bool:
    return is_kernel(value) and is_pairwise(value)


# What must hold of the attributes of an estimator, by its class.


def _always(state: _Attributes) -> bool:
    return True


def _linear(state: _Attributes) -> bool:
    coefficients: Any = state.get("coef_")
    if type(coefficients) is not np.ndarray and not is_sparse(coefficients):
        return False
    # One-class machines subtract an offset.
    numbers = [state[name] for name in ("intercept_", "offset_") if name in state]
    return (len(coefficients.shape) == 1 or coefficients.shape[0] == 1) and all(
        prod(shape_of(number) or ()) == 1 and shape_of(number) is not None for number in numbers
    )


def _of_one_output(state: _Attributes) -> bool:
    return type(state.get("n_outputs_")) is int and state["n_outputs_"] == 1


def _of_one_tree(state: _Attributes) -> bool:
    trees = state.get("estimators_")
    return type(trees) is np.ndarray and trees.ndim == 2 and trees.shape[1] == 1


def _of_one_predictor(state: _Attributes) -> bool:
    width = state.get("n_trees_per_iteration_")
    return type(width) is int and width == 1


def _of_tables(*names: str) -> Callable[[_Attributes], bool]:
    return lambda state: all(_is_table(state.get(name)) for name in names)


def _of_list_of_tables(state: _Attributes) -> bool:
    tables = state.get("feature_log_prob_")
    return type(tables) is list and all(map(_is_table, tables))


def _network(state: _Attributes) -> bool:
    return network_gives(state, 1)


def network_gives(state: _Attributes, width: int) -> bool:
    """Whether a neural network with these attributes gives so many numbers a sample."""
    layers, n_layers = state.get("coefs_"), state.get("n_layers_")
    return (
        type(layers) is list
        and all(map(_is_table, layers))
        and type(n_layers) is int
        # The first layer has no coefficients. It gives what the layer of this number does, which may come before the last.
        and n_layers == len(layers) + 1 > 1
        and layers[-1].shape[1] == width
    )


def _neighbors(state: _Attributes) -> bool:
    targets = state.get("_y")
    return _is_row(targets)


def _process(state: _Attributes) -> bool:
    return (
        _is_kernel(state.get("kernel_"))
        and _is_table(state.get("X_train_"))
        and _is_row(state.get("alpha_"))
        and _is_number(state.get("_y_train_mean"))
        and _is_number(state.get("_y_train_std"))
    )


def _binary_process(state: _Attributes) -> bool:
    return _is_kernel(state.get("kernel_")) and all(
        type(state.get(name)) is np.ndarray and state[name].ndim == 1 for name in ("y_train_", "pi_")
    )


def _ridge(state: _Attributes) -> bool:
    # Functions as kernels are called for each pair of samples.
    return _is_row(state.get("dual_coef_"))


def _constant(state: _Attributes) -> bool:
    return _is_number(state.get("y_"))


_linear_model, _trees, _bayes, _nearest, _machines = (
    "sklearn.linear_model.",
    "sklearn.tree.",
    "sklearn.naive_bayes",
    "sklearn.neighbors.",
    "sklearn.svm.",
)

# By the beginning of the module's name, and the names of classes in it.
_OF_THEMSELVES: tuple[tuple[str, frozenset[str], Callable[[_Attributes], bool]], ...] = (
    (_linear_model, frozenset({"*"}), _linear),
    (_machines, frozenset({"LinearSVC", "LinearSVR"}), _linear),
    ("sklearn.discriminant_analysis", frozenset({"LinearDiscriminantAnalysis"}), _linear),
    ("sklearn.cross_decomposition.", frozenset({"PLSRegression", "PLSCanonical", "CCA"}), _linear),
    # libsvm answers for one sample after the other.
    (_machines, frozenset({"SVC", "NuSVC", "SVR", "NuSVR"}), _always),
    (
        _trees,
        frozenset(
            {"DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"}
        ),
        _of_one_output,
    ),
    (
        "sklearn.ensemble._forest",
        frozenset(
            {
                "RandomForestClassifier",
                "RandomForestRegressor",
                "ExtraTreesClassifier",
                "ExtraTreesRegressor",
            }
        ),
        _of_one_output,
    ),
    (
        "sklearn.ensemble._gb",
        frozenset({"GradientBoostingClassifier", "GradientBoostingRegressor"}),
        _of_one_tree,
    ),
    (
        "sklearn.ensemble._hist_gradient_boosting.",
        frozenset({"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"}),
        _of_one_predictor,
    ),
    (_bayes, frozenset({"GaussianNB"}), _of_tables("theta_", "var_")),
    (_bayes, frozenset({"MultinomialNB", "BernoulliNB", "ComplementNB"}), _of_tables("feature_log_prob_")),
    (_bayes, frozenset({"CategoricalNB"}), _of_list_of_tables),
    ("sklearn.discriminant_analysis", frozenset({"QuadraticDiscriminantAnalysis"}), _of_tables("means_")),
    (
        _nearest,
        frozenset(
            {
                "KNeighborsClassifier",
                "KNeighborsRegressor",
                "RadiusNeighborsClassifier",
                "RadiusNeighborsRegressor",
            }
        ),
        _neighbors,
    ),
    ("sklearn.neural_network.", frozenset({"MLPClassifier", "MLPRegressor"}), _network),
    ("sklearn.gaussian_process.", frozenset({"GaussianProcessRegressor"}), _process),
    ("sklearn.gaussian_process.", frozenset({"_BinaryGaussianProcessClassifierLaplace"}), _binary_process),
    ("sklearn.kernel_ridge", frozenset({"KernelRidge"}), _ridge),
    ("sklearn.multiclass", frozenset({"_ConstantPredictor"}), _constant),
    ("sklearn.dummy", frozenset({"DummyClassifier", "DummyRegressor"}), _of_one_output),
    # It fills a row for each sample.
    ("sklearn.calibration", frozenset({"CalibratedClassifierCV"}), _always),
)

# Classes that answer by what others answer, which they hold in these attributes.
_BY_OTHERS: dict[str, tuple[str, ...]] = {
    "AdaBoostClassifier": ("estimators_",),
    "AdaBoostRegressor": ("estimators_",),
    "BaggingClassifier": ("estimators_",),
    "BaggingRegressor": ("estimators_",),
    "FixedThresholdClassifier": ("estimator_",),
    "FrozenEstimator": ("estimator",),
    "GaussianProcessClassifier": ("base_estimator_",),
    "GridSearchCV": ("best_estimator_",),
    "HalvingGridSearchCV": ("best_estimator_",),
    "HalvingRandomSearchCV": ("best_estimator_",),
    "OneVsOneClassifier": ("estimators_",),
    "OneVsRestClassifier": ("estimators_",),
    "RANSACRegressor": ("estimator_",),
    "RandomizedSearchCV": ("best_estimator_",),
    "RFE": ("estimator_",),
    "RFECV": ("estimator_",),
    "SelfTrainingClassifier": ("estimator_",),
    "StackingClassifier": ("estimators_", "final_estimator_"),
    "StackingRegressor": ("estimators_", "final_estimator_"),
    "TransformedTargetRegressor": ("regressor_",),
    "TunedThresholdClassifierCV": ("estimator_",),
    "VotingClassifier": ("estimators_",),
    "VotingRegressor": ("estimators_",),
}

# What turns a column of answers back into a column.
_OF_COLUMNS = frozenset(
    {
        "FunctionTransformer",
        "MaxAbsScaler",
        "MinMaxScaler",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
    }
)


def check_one_answer(root: Any, place: str) -> None:
    """
    Refuse an estimator that is not known to give exactly one answer a sample.

    Classes of the user's own, which a policy of theirs allows, are the user's own code.

    Parameters
    ----------
    root : estimator
        The estimator. That its parts have two classes at most, and one output, and that nothing in it is broadcast, is seen
        to elsewhere.
    place : str
        Where it is, for the error.
    """
    seen: set[int] = set()
    stack: list[tuple[Any, str, int]] = [(root, place, 0)]
    while stack:
        estimator, place, depth = stack.pop()
        if id(estimator) in seen:
            continue
        seen.add(id(estimator))
        if depth > _DEEPEST:
            raise ValidationError(f"the estimators of {place} are nested too deeply to be checked")
        home = type(estimator).__module__.partition(".")[0]
        if home != "sklearn":
            if home in sys.stdlib_module_names or home in _LIBRARIES:
                raise ValidationError(f"{place} is no estimator")
            continue
        name, state = type(estimator).__name__, vars(estimator)
        if name == "Pipeline":
            held = [("steps", _last_step(state.get("steps")))]
        elif name in _BY_OTHERS:
            held = [
                (attribute, part) for attribute in _BY_OTHERS[name] for part in _parts(state.get(attribute))
            ]
            if name == "OneVsRestClassifier" and len(held) != 1:
                raise ValidationError(f"{place} must tell one class from the others")
            if name == "TransformedTargetRegressor" and not _keeps_columns(state.get("transformer_")):
                raise ValidationError(f"{place}.transformer_ is not known to give one answer a sample")
        elif _is_known(type(estimator).__module__, name, state):
            continue
        else:
            raise ValidationError(f"this {name} at {place} is not known to give one answer a sample")
        # Some of a stack may have been dropped.
        stack += [
            (part, f"{place}.{attribute}", depth + 1)
            for attribute, part in held
            if not (name.startswith("Stacking") and type(part) is str)
        ]


class Kept(NamedTuple):
    """
    An estimator, within one that is yet to be fitted, that the fit leaves as it is.

    Attributes
    ----------
    estimator : estimator
        The fitted one, out of whatever froze it.
    place : tuple of str or int
        Where it is.
    answers : bool
        Whether what it predicts may become an answer; of what comes before it in a pipeline, only that of the last step does.
    """

    estimator: Any
    place: tuple[str | int, ...]
    answers: bool


def kept_by_fit(root: Any, name: str, *, in_place: bool = False) -> Iterator[Kept]:
    """
    Find what a fit of an estimator would not fit anew: what is frozen, or said to be fitted before.

    Parameters
    ----------
    root : estimator
        The estimator to be fitted; or a list with names and estimators.
    name : str
        Where it is.
    in_place : bool
        Whether it is fitted itself, rather than a clone: with a warm start, it then goes on from its state.

    Yields
    ------
    Kept
        Each of them.
    """
    seen: set[tuple[int, bool]] = set()
    stack: list[tuple[Any, tuple[str | int, ...], bool, bool]] = [(root, (name,), True, False)]
    while stack:
        obj, place, answers, is_kept = stack.pop()
        held = _held(obj)
        if held is None or (id(obj), answers) in seen:
            continue
        seen.add((id(obj), answers))
        take_steps(1 + len(held))
        if isinstance(held, list):
            stack += [(part, (*place, index), answers, is_kept) for index, part in enumerate(held)]
        elif type(obj) is dict:
            stack += [(part, (*place, str(key)), answers, is_kept) for key, part in obj.items()]
        elif type(obj).__name__ == "FrozenEstimator":
            stack.append((held.get("estimator"), (*place, "estimator"), answers, True))
        elif is_kept or (in_place and held.get("warm_start", False) is not False and _is_fitted(held)):
            yield Kept(obj, place, answers)
        else:
            # What is said to be fitted before is taken as it is.
            prefit = type(held.get("cv")) is str and held["cv"] == "prefit"
            for key, part in held.items():
                if key == "steps" and isinstance(part, list) and part:
                    stack += [(step, (*place, key, i), False, False) for i, step in enumerate(part[:-1])]
                    stack.append((part[-1], (*place, key, len(part) - 1), answers, False))
                elif not key.startswith("_") and not key.endswith("_"):
                    is_prefit = prefit and key in ("estimator", "estimators")
                    stack.append((part, (*place, key), answers, is_prefit))


def _held(obj: Any) -> list[Any] | dict[str, Any] | None:
    """What may hold an estimator, as a list or by name; nothing of what is no estimator of scikit-learn's."""
    if isinstance(obj, list | tuple):
        return list(obj)
    if isinstance(obj, np.ndarray):
        return list(obj.ravel().tolist()) if obj.dtype.kind == "O" else None
    held: dict[str, Any] | None = None
    if type(obj) is dict:
        held = obj
    elif is_of_sklearn(obj) and hasattr(type(obj), "fit") and not isinstance(obj, type):
        held = vars(obj)
    return held


def _is_fitted(state: _Attributes) -> bool:
    return any(name.endswith("_") and not name.startswith("_") for name in state)


def _is_known(module: str, name: str, state: _Attributes) -> bool:
    return any(
        module.startswith(start) and (name in names or "*" in names) and holds(state)
        for start, names, holds in _OF_THEMSELVES
    )


def _keeps_columns(transformer: Any) -> bool:
    if not is_of_sklearn(transformer):
        return type(transformer).__module__.partition(".")[0] not in sys.stdlib_module_names
    # One of them has another scale its columns.
    scaler = vars(transformer).get("_scaler")
    return type(transformer).__name__ in _OF_COLUMNS and (
        scaler is None or type(scaler).__name__ == "StandardScaler"
    )


def _last_step(steps: Any) -> Any:
    last = steps[-1] if type(steps) is list and steps else None
    return last[1] if type(last) is tuple and len(last) == 2 else None


def _parts(held: Any) -> list[Any]:
    if isinstance(held, np.ndarray):
        return list(held.ravel().tolist())
    return list(held) if isinstance(held, list | tuple) else [held]
