"""Estimators that put the answers of others, unchecked, where only certain numbers are safe."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
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

_DEEPEST = 32


@check("sklearn.multiclass.OneVsRestClassifier", relies_on=("estimators_",))
def check_one_versus_rest(model: Any) -> None:
    """
    Refuse estimators that could answer with more than one number a sample.

    The samples they accept become indices of a matrix with as many rows as there are samples; more answers than
    samples are indices beyond its end.
    """
    seen: set[int] = set()
    for index, estimator in enumerate(vars(model).get("estimators_") or ()):
        _check_single_output(estimator, f"estimators_[{index}]", _DEEPEST, seen)


def _check_single_output(estimator: Any, place: str, depth: int, seen: set[int]) -> None:
    if depth == 0:
        raise ValidationError(f"the estimators of {place} are nested too deeply to be checked")
    state = getattr(estimator, "__dict__", None)
    if state is None or id(estimator) in seen:
        return
    seen.add(id(estimator))
    if state.get("n_outputs_", 1) != 1 or state.get("outputs_2d_") is True:
        raise ValidationError(f"{place} must have one output")
    classes = state.get("classes_")
    if classes is not None and (np.ndim(classes) != 1 or len(classes) > 2):
        raise ValidationError(f"{place} must tell one class from the others")
    for name in _ROWS:
        if np.ndim(state.get(name, 0.0)) and np.shape(state[name])[0] != 1 and np.ndim(state[name]) > 1:
            raise ValidationError(f"{place}.{name} must be of one output")
    for name in ("intercept_", "constant_", "_intercept_"):
        if np.size(state.get(name, 0.0)) != 1:
            raise ValidationError(f"{place}.{name} must be a single number")
    for name in _COLUMNS:
        value = state.get(name)
        # The dual coefficients of a support vector machine have a row for the one pair of classes.
        if np.ndim(value) > 1 and 1 not in np.shape(value):
            raise ValidationError(f"{place}.{name} must be of one output")
    for name, answering in _answering(state):
        _check_single_output(answering, f"{place}.{name}", depth - 1, seen)


@check("sklearn.ensemble._voting.VotingClassifier", relies_on=("estimators_", "named_estimators_", "le_"))
def check_votes(model: Any) -> None:
    """Refuse estimators whose votes are not numbers of classes: votes are counted by as many counters as the largest."""
    state = vars(model)
    known = vars(state["le_"]).get("classes_") if hasattr(state.get("le_"), "__dict__") else None
    if known is None:
        return
    seen: set[int] = set()
    for index, estimator in enumerate(state.get("estimators_") or ()):
        _check_votes(estimator, len(known), f"estimators_[{index}]", _DEEPEST, seen)


def _check_votes(estimator: Any, n_classes: int, place: str, depth: int, seen: set[int]) -> None:
    if depth == 0:
        raise ValidationError(f"the estimators of {place} are nested too deeply to be checked")
    if id(estimator) in seen:
        return
    seen.add(id(estimator))
    state = getattr(estimator, "__dict__", {})
    classes = state.get("classes_")
    if isinstance(classes, np.ndarray) and classes.dtype.kind in "iu" and classes.size:  # noqa: SIM102
        if not 0 <= classes.min() <= classes.max() < n_classes:
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
        if isinstance(value, np.ndarray):
            value = value.ravel().tolist() if value.dtype.hasobject else None
        parts = value if isinstance(value, list) else [value]
        found += [(name, part) for part in parts if hasattr(part, "__dict__") and not isinstance(part, type)]
    return found
