"""Checks of loops that a plain transform goes through, and whose end only parameters say."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import State, refuse

# A tolerance that is reached however the numbers are rounded. With a smaller one, the count of iterations may be what ends
# a loop, and nobody has waited for more than so many.
_LEAST_TOLERANCE = 1e-12
_MOST_ITERATIONS = 10**6

_NUMBERS = (int, float, np.number)


@check("sklearn.decomposition._nmf._BaseNMF", "sklearn.decomposition.LatentDirichletAllocation")
def check_iterations(model: Any) -> None:
    """Refuse a factorization that a transform would go on with for longer than anybody lives."""
    state = vars(model)
    _check_loop(state, "tol", ("max_iter", "transform_max_iter", "_transform_max_iter"))
    _check_loop(state, "mean_change_tol", ("max_doc_update_iter",))


def _check_loop(state: State, tolerance: str, counts: tuple[str, ...]) -> None:
    least = state.get(tolerance)
    # Of a NaN, the second is not true.
    if tolerance not in state or (isinstance(least, _NUMBERS) and least >= _LEAST_TOLERANCE):
        return
    for name in counts:
        count = state.get(name)
        if count is not None and not (isinstance(count, _NUMBERS) and count <= _MOST_ITERATIONS):
            refuse(
                name, f"may be {_MOST_ITERATIONS} at most where {tolerance} is less than {_LEAST_TOLERANCE}"
            )
