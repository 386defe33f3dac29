"""
Checks of how many names `get_feature_names_out` makes: a product, or a sum over references, may be out of proportion.

Names need no data. Of a few million features, which may be hashed ones that nothing has the length of, a transformer may
make a thousand names each, and a union may have one transformer a thousand times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from reflectio.checks import check, take_steps
from reflectio.codecs.fitted import State, refuse

# So many names are made by any transformer: five for each of 2**20 features, as many as are hashed by default, is what
# `AdditiveChi2Sampler` makes at most unless it is told an interval. More need an eighth as many numbers in arrays.
_MOST_NAMES = 1 << 23
_NAMES_PER_NUMBER = 8

_SUMMED = ("transformer_list", "transformers_", "_n_feature_outs", "categories_")
_UNIONS = "sklearn.pipeline.FeatureUnion", "sklearn.compose.ColumnTransformer"


def _length(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return len(value) if value.ndim else 1
    has_one = isinstance(value, list | tuple | range | dict | str) or type(value).__module__.startswith(
        "pandas."
    )
    return len(value) if has_one and hasattr(type(value), "__len__") else 1


def _integer(value: Any) -> int:
    return max(int(value), 0) if isinstance(value, int | np.integer) else 0


def _n_features(state: State) -> int:
    names = state.get("feature_names_in_")
    return max(_integer(state.get("n_features_in_")), 0 if names is None else _length(names))


def _of_steps(state: State) -> int:
    """A root of each feature, and two waves for each step after the first."""
    return _n_features(state) * (1 + 2 * max(_integer(state.get("sample_steps")) - 1, 0))


def _of_splines(state: State) -> int:
    splines = state.get("bsplines_")
    first = splines[0] if isinstance(splines, list | tuple) and splines else None
    is_spline = type(first).__module__.startswith("scipy.interpolate")
    coefficients = getattr(first, "c", None) if is_spline else None
    n_splines = coefficients.shape[1] if isinstance(coefficients, np.ndarray) and coefficients.ndim > 1 else 1
    return _n_features(state) * n_splines


def _of_targets(state: State) -> int:
    classes = _length(state.get("classes_")) if state.get("target_type_") == "multiclass" else 1
    return _n_features(state) * classes


def _of_categories(state: State) -> int:
    categories = state.get("categories_")
    return sum(map(_length, categories)) if isinstance(categories, list | tuple) else 0


def _of_votes(state: State) -> int:
    return _length(state.get("estimators")) * _length(state.get("classes_"))


def _of_stack(state: State) -> int:
    counts = state.get("_n_feature_outs")
    return _n_features(state) + (sum(map(_integer, counts)) if isinstance(counts, list | tuple) else 0)


# How many names an estimator makes by itself, where not as many as it has features.
_OWN: dict[str, Callable[[State], int]] = {
    "sklearn.kernel_approximation.AdditiveChi2Sampler": _of_steps,
    "sklearn.preprocessing._polynomial.SplineTransformer": _of_splines,
    "sklearn.preprocessing._target_encoder.TargetEncoder": _of_targets,
    "sklearn.preprocessing._encoders.OneHotEncoder": _of_categories,
    "sklearn.ensemble._voting.VotingClassifier": _of_votes,
    "sklearn.ensemble._stacking._BaseStacking": _of_stack,
}


@lru_cache(maxsize=256)
def _count_of(cls: type) -> Callable[[State], int]:
    names = (f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__)
    return next((_OWN[name] for name in names if name in _OWN), _n_features)


def _transformers(state: State) -> Iterator[tuple[Any, int]]:
    """The transformers that others are made of, each with how many columns are picked for it."""
    for name in ("transformer_list", "steps", "transformers_"):
        parts = state.get(name)
        for part in parts if isinstance(parts, list | tuple) else ():
            if not isinstance(part, list | tuple) or len(part) < 2:
                continue
            columns = part[2] if len(part) > 2 else ()
            yield part[1], _n_features(state) if isinstance(columns, slice) else _length(columns)
    for name in ("estimator", "_encoder", "one_hot_encoder_"):
        if name in state:
            yield state[name], 0


class _Names:
    """How many names some transformers make, and how many numbers they have in arrays: each array counts once."""

    def __init__(self) -> None:
        self._counted: dict[int, int] = {}
        self._states: list[State] = []

    def count(self, estimator: Any) -> int:
        if id(estimator) not in self._counted:
            # Of one that is within itself, nothing comes.
            self._counted[id(estimator)] = 0
            state = getattr(estimator, "__dict__", {})
            self._states.append(state)
            parts = list(_transformers(state))
            take_steps(1 + len(parts))
            cls: Any = type(estimator)
            self._counted[id(estimator)] = _count_of(cls)(state) + sum(
                max(self.count(part), n_columns) for part, n_columns in parts
            )
        return self._counted[id(estimator)]

    def count_numbers(self) -> int:
        arrays: dict[int, int] = {}
        for state in self._states:
            for value in state.values():
                # The categories of each feature are an array in a list.
                values = value if type(value) is list else (value,)
                take_steps(1 + len(values))
                arrays |= {id(part): part.size for part in values if isinstance(part, np.ndarray)}
        return sum(arrays.values())


@check(*_UNIONS, *_OWN)
def check_names(transformer: Any) -> None:
    """Refuse a transformer that makes more names than there is anything of."""
    names = _Names()
    count = names.count(transformer)
    # Nearly all make so few that nobody has to go through what they hold.
    if count > _MOST_NAMES and count > _NAMES_PER_NUMBER * names.count_numbers():
        blamed = next((name for name in _SUMMED if name in vars(transformer)), "n_features_in_")
        refuse(
            blamed,
            f"would have get_feature_names_out make {count} names, out of proportion to what the arrays hold",
        )
