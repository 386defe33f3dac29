"""How two arrays differ: how many elements do, by how much, and where the most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from attrs import define

Array = np.ndarray[Any, Any]

# So many elements are compared at a time: what lies in a file is never in memory as a whole.
_STEP = 1 << 20


@define
class Difference:
    """
    How two arrays of one shape differ.

    Attributes
    ----------
    count : int
        How many elements there are.
    different : int
        How many of them differ.
    absolute, relative : float or None
        The largest difference of two numbers, as it is and as a part of the larger of both; infinite where one of
        them is not finite. None where the elements are no numbers.
    at : int or None
        Which element has the largest difference, counted along the last axis first.
    bits_only : bool
        Whether the elements are equal as numbers: the signs of zeros differ, or the bits of NaNs.
    """

    count: int
    different: int = 0
    absolute: float | None = None
    relative: float | None = None
    at: int | None = None
    bits_only: bool = False


def differences(
    first: Array, second: Array, rtol: float, atol: float, tell: Callable[[int], None]
) -> Difference | None:
    """
    Compare two arrays.

    Parameters
    ----------
    first, second : ndarray
        Of one shape and element type, without fields.
    rtol, atol : float
        Floats that differ by no more than ``atol + rtol * max(abs(a), abs(b))`` are taken as equal.
    tell : callable
        Is told how many elements have been compared since it was called last.

    Returns
    -------
    Difference or None
        None where they are equal.
    """
    found = Difference(first.size)
    exact = not rtol and not atol
    bits = 0
    position = 0
    for a, b in _steps(first, second):
        if a.tobytes() != b.tobytes():
            before = found.different
            with np.errstate(all="ignore"):
                _compare(a, b, rtol, atol, position, found)
                if exact and found.different == before and a.dtype.kind in "fc":
                    bits += _differing_bits(a, b)
        position += len(a)
        tell(len(a))
    if not found.different and bits:
        found.different, found.bits_only = bits, True
    return found if found.different else None


def _steps(first: Array, second: Array) -> Iterator[tuple[Array, Array]]:
    """Both arrays in pieces, in C order."""
    if first.ndim == 0 or first.size <= _STEP:
        if first.size:
            yield first.reshape(-1), second.reshape(-1)
        return
    rows = max(1, _STEP * len(first) // first.size)
    if first[:1].size > _STEP:
        for a, b in zip(first, second, strict=True):
            yield from _steps(a, b)
        return
    for start in range(0, len(first), rows):
        yield first[start : start + rows].reshape(-1), second[start : start + rows].reshape(-1)


def _compare(a: Array, b: Array, rtol: float, atol: float, position: int, found: Difference) -> None:
    kind = a.dtype.kind
    if kind == "V":
        size = a.dtype.itemsize
        a, b = (np.ascontiguousarray(part).view(np.uint8).reshape(-1, size) for part in (a, b))
        found.different += int(np.count_nonzero((a != b).any(axis=1)))
        return
    if kind == "b":
        # Whatever their bytes are.
        a, b = a.view(np.uint8) != 0, b.view(np.uint8) != 0
    differ = a != b
    if kind in "fcmM":
        missing = np.isnat if kind in "mM" else np.isnan
        differ &= ~(missing(a) & missing(b))
    if kind not in "fciu":
        found.different += int(np.count_nonzero(differ))
        return
    indexes = np.flatnonzero(differ)
    if not len(indexes):
        return
    a, b = a[indexes], b[indexes]
    wide: Any = np.complex128 if kind == "c" else np.longdouble if a.dtype.itemsize > 8 else np.float64
    exactly = _integer_differences(a, b) if kind in "iu" else None
    a, b = a.astype(wide), b.astype(wide)
    absolute = np.abs(a - b) if exactly is None else exactly
    larger = np.maximum(np.abs(a), np.abs(b))
    relative = np.where(np.isfinite(larger), absolute / larger, np.inf)
    absolute = np.where(np.isfinite(larger), absolute, np.inf)
    if kind in "fc" and (rtol or atol):
        beyond = ~(absolute <= atol + rtol * larger) | ~np.isfinite(larger)
        if not beyond.any():
            return
        indexes, absolute, relative = indexes[beyond], absolute[beyond], relative[beyond]
    found.different += len(indexes)
    most = int(np.argmax(absolute))
    if found.absolute is None or absolute[most] > found.absolute:
        found.absolute, found.at = float(absolute[most]), position + int(indexes[most])
    found.relative = max(found.relative or 0.0, float(relative.max()))


def _integer_differences(a: Array, b: Array) -> Array:
    """Distances of integers of 64 bits, which floats would round to nothing."""
    return (np.maximum(a, b) - np.minimum(a, b)).astype(f"u{a.dtype.itemsize}").astype(np.float64)


def _differing_bits(a: Array, b: Array) -> int:
    size = a.dtype.itemsize
    if a.dtype.kind == "f" and size > 8:
        # Beyond its 80 bits, a long double has bytes without a meaning.
        return int(np.count_nonzero(np.signbit(a) != np.signbit(b)))
    raw = (np.ascontiguousarray(part).view(np.uint8).reshape(-1, size) for part in (a, b))
    first, second = raw
    return int(np.count_nonzero((first != second).any(axis=1)))
