"""Isotonic regression, which makes its function anew from its thresholds whenever its state is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reflectio.codec import Codec, ObjectNode
from reflectio.codecs.columns import Columns
from reflectio.codecs.estimators import EstimatorCodec
from reflectio.codecs.fitted import refuse
from reflectio.decoder import Decoder

_THRESHOLDS = ("X_thresholds_", "y_thresholds_")

# How many arrays are made of each: one that is kept, and others, as sorting needs.
_COPIES = 4


class IsotonicCodec(EstimatorCodec):
    """`sklearn.isotonic.IsotonicRegression`: its thresholds are looked at before scipy gets them, and what it makes of them counts."""

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        super().fill(obj, node, decoder)
        _charge(vars(obj), decoder)

    def _new_from(self, columns: Columns, tag: str, decoder: Decoder) -> list[Any]:
        for state in columns.states():
            _charge(state, decoder)
        return super()._new_from(columns, tag, decoder)

    def _set_state(self, obj: Any, state: Any) -> None:
        if isinstance(state, dict):
            for name in _THRESHOLDS:
                if name in state and not _is_row(state[name]):
                    refuse(name, "must be an array of numbers with one axis")
            if len({len(array) for array in _arrays(state)}) > 1:
                refuse("y_thresholds_", "must have a value for each of X_thresholds_")
        super()._set_state(obj, state)


def _is_row(value: Any) -> bool:
    return type(value) is np.ndarray and value.ndim == 1 and value.dtype.kind in "fiu"


def _arrays(state: dict[str, Any]) -> Iterator[np.ndarray[Any, Any]]:
    return (state[name] for name in _THRESHOLDS if _is_row(state.get(name)))


def _charge(state: dict[str, Any], decoder: Decoder) -> None:
    for array in _arrays(state):
        decoder.charge_copy(_COPIES * 8 * array.size)


def is_isotonic(cls: Any) -> bool:
    """Whether a class is scikit-learn's isotonic regression, or derives from it."""
    return isinstance(cls, type) and any(
        base.__module__ == "sklearn.isotonic" and base.__name__ == "IsotonicRegression"
        for base in cls.__mro__[:-1]
    )


FACTORIES: tuple[tuple[Any, type[Codec]], ...] = ((is_isotonic, IsotonicCodec),)
