"""What is known of a dtype, looked up by the dtype's identity: to hash a structured one takes microseconds."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

# A hostile document may show any number of dtypes.
_REMEMBERED = 256


def once_per_dtype(function: Callable[[np.dtype[Any]], T]) -> Callable[[np.dtype[Any]], T]:
    """
    Make a function of a dtype remember what it gave, as `functools.cache` does for what is quick to hash.

    Parameters
    ----------
    function : callable
        It must not depend on the names of fields, which can be changed in place.
    """
    # By id, with the dtype itself, so that no id is used twice.
    known: dict[int, tuple[np.dtype[Any], T]] = {}

    @wraps(function)
    def remembered(dtype: np.dtype[Any]) -> T:
        found = known.get(id(dtype))
        if found is None:
            found = dtype, function(dtype)
            if len(known) < _REMEMBERED:
                known[id(dtype)] = found
        return found[1]

    return remembered
