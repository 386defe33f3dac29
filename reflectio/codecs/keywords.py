"""Checks of the keywords that stored callables get: none may write to a stored array, or skip a shape's check."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import has_order, refuse

# `out` writes into an array that something else may index by; the others are read by compiled code as they are.
_HARMFUL = frozenset({"out", "X_norm_squared", "Y_norm_squared", "metric_kwargs"})

# What scikit-learn's own functions hand on to compiled distances.
_OF_DISTANCES = frozenset({"V", "VI", "metric_params"})

_FUNCTIONS = (("func", "kw_args"), ("inverse_func", "inv_kw_args"), ("_score_func", "_kwargs"))


def harmful_keywords(function: Any, keywords: Mapping[str, Any]) -> list[str]:
    """
    Say which keywords would turn a harmless callable into a harmful one.

    Parameters
    ----------
    function : callable or None
        What gets the keywords.
    keywords : mapping
        The keywords.

    Returns
    -------
    list of str
        Those to refuse, in order.
    """
    while isinstance(function, functools.partial):
        function = function.func
    harmful = _HARMFUL & keywords.keys()
    if str(getattr(function, "__module__", "")).partition(".")[0] == "sklearn":
        harmful |= _OF_DISTANCES & keywords.keys()
        if getattr(function, "__name__", "") == "label_binarize" and not has_order(
            keywords.get("classes", ())
        ):
            harmful |= {"classes"}
    return sorted(harmful)


def takes_output_next(function: Any, count: int) -> bool:
    """
    Say whether a callable with so many arguments given takes an array to write into as one of them, or as the next.

    Parameters
    ----------
    function : callable
        What is called.
    count : int
        How many arguments it is given by position.
    """
    while isinstance(function, functools.partial):
        count += len(function.args)
        function = function.func
    if isinstance(function, np.ufunc):
        return count >= function.nin
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return False
    return any(name in _HARMFUL for name in names[: count + 1]) if count else False


@check("sklearn.preprocessing.FunctionTransformer", "sklearn.metrics._scorer._BaseScorer")
def check_keywords(holder: Any) -> None:
    """Refuse keywords that would turn a harmless callable into a harmful one."""
    state = vars(holder)
    for function, name in _FUNCTIONS:
        keywords = state.get(name)
        if keywords and (harmful := harmful_keywords(state.get(function), keywords)):
            refuse(name, "is an argument that no stored function may be given", harmful[0])
