"""t-SNE: numbers that its tree of points, which is built by recursion, would overflow the stack with."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.checks import check
from reflectio.codecs.fitted import is_finite, refuse

# Far beyond what anybody would choose. Up to 1e25 the tree was built; with 1e38 or more, points become infinite or NaN,
# which lie in no cell of it, and adding one never ends.
_MOST = 1e6


@check("sklearn.manifold.TSNE")
def check_points(model: Any) -> None:
    """Refuse steps, and points to start from, from which points could become infinite."""
    state = vars(model)
    for name in ("learning_rate", "early_exaggeration"):
        value = state.get(name)
        if value is None or type(value) is str:
            # scikit-learn knows which texts it takes.
            continue
        if not isinstance(value, int | float | np.number) or not 0 < value <= _MOST:
            refuse(name, f"must be a number above 0, and at most {_MOST:,.0f}")
    points = state.get("init")
    if points is None or type(points) is str:
        return
    if type(points) is not np.ndarray or points.dtype.kind not in "biuf":
        refuse("init", "must be an array of numbers, or the name of a way to make one")
    if points.size and not (is_finite(points) and points.min() >= -_MOST and points.max() <= _MOST):
        refuse("init", f"must be finite, and at most {_MOST:,.0f}")
