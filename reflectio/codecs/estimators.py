"""
Estimators, whose state scikit-learn copies twice on the way out, and sets through an exception on the way in.

`sklearn.base.BaseEstimator` has a ``__getstate__`` that adds scikit-learn's version to the attributes, and a
``__setstate__`` that takes it out again. For small estimators these two take more time than all the rest, and do nothing
that could not be done in passing. Which estimators that is true of is not assumed: each class shows it on its first
object, for which both methods are called and their work is compared.
"""

from __future__ import annotations

import sys
from typing import Any

from reflectio.codec import Codec
from reflectio.codecs.objects import ObjectCodec

_VERSION = "_sklearn_version"


def _base() -> Any:
    return sys.modules["sklearn.base"].BaseEstimator


def _same(some: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two states have the same attributes, in the same order, and hold the same objects."""
    return list(some) == list(other) and all(value is other[name] for name, value in some.items())


class EstimatorCodec(ObjectCodec):
    """
    Estimators of one class.

    Parameters
    ----------
    cls : type
        The class.
    """

    def __init__(self, cls: type) -> None:
        super().__init__(cls)
        base: Any = _base()
        self._version = sys.modules["sklearn"].__version__
        # Whether state and attributes differ by the version only: None until an object has shown it.
        self._out: bool | None = None if cls.__getstate__ is base.__getstate__ else False
        self._in: bool | None = None if self._setstate is base.__setstate__ else False

    def _get_state(self, obj: Any) -> Any:
        if self._out:
            return {**obj.__dict__, _VERSION: self._version}
        state = obj.__getstate__()
        if self._out is None:
            expected = {**obj.__dict__, _VERSION: self._version}
            self._out = type(state) is dict and _same(state, expected)
        return state

    def _set_state(self, obj: Any, state: Any) -> None:
        if self._in is False or type(state) is not dict or state.get(_VERSION) != self._version:
            super()._set_state(obj, state)
        elif self._in:
            del state[_VERSION]
            obj.__dict__.update(state)
        else:
            expected = {name: value for name, value in state.items() if name != _VERSION}
            super()._set_state(obj, state)
            self._in = _same(obj.__dict__, expected)


def is_estimator(cls: Any) -> bool:
    """Whether a class is an estimator; where scikit-learn is not imported, nothing is."""
    return isinstance(cls, type) and "sklearn.base" in sys.modules and issubclass(cls, _base())


FACTORIES: tuple[tuple[Any, type[Codec]], ...] = ((is_estimator, EstimatorCodec),)
