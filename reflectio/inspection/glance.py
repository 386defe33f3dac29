"""A glance at the values of an array: their range and mean, zeros and NaNs, or the first few of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from attrs import frozen

from reflectio.inspection.text import number, printable, share

Array = np.ndarray[Any, Any]

# Arrays of up to so many elements are shown rather than summed up.
_FEW = 6
_FEW_TEXTS = 4

# Of a large array so many runs of elements are read, evenly spread.
_RUNS = 256
_RUN_BYTES = 8192

# Of texts, how many are compared to find different ones, and how long one may be.
_TEXTS = 1000
_TEXT_LENGTH = 24

_PRIMITIVE = "biufcmM"


@frozen
class Glance:
    """
    What can be said of values at a glance.

    Attributes
    ----------
    count : int
        How many were looked at.
    sampled : bool
        Whether there are more, so that everything here is about a sample.
    minimum, maximum, mean : number, text or None
        Of those that are finite; None where none is, or the elements are no real numbers.
    zeros, nans, infinities : int
        How many are zero, not a number (or no date), infinite.
    first : tuple of str
        The first few, written for people: all of them where they are few.
    """

    count: int
    sampled: bool = False
    minimum: Any = None
    maximum: Any = None
    mean: float | None = None
    zeros: int = 0
    nans: int = 0
    infinities: int = 0
    first: tuple[str, ...] = ()

    def text(self) -> str:
        """The glance on one line."""
        about = "~" if self.sampled else ""
        parts = []
        if self.first:
            complete = len(self.first) == self.count and not self.sampled
            parts.append(f"{' '.join(self.first)}{'' if complete else ' …'}")
        elif self.minimum is not None:
            if self.minimum == self.maximum:
                parts.append(f"all {about}{_shown(self.minimum)}")
            else:
                parts.append(f"{about}{_shown(self.minimum)} … {about}{_shown(self.maximum)}")
                if self.mean is not None:
                    parts.append(f"mean {about}{number(self.mean)}")
        if not self.first or self.sampled or len(self.first) < self.count:
            for many, what in ((self.zeros, "zero"), (self.nans, "NaN"), (self.infinities, "inf")):
                if not many or (what == "zero" and self.minimum is not None and self.minimum == self.maximum):
                    continue
                if many == self.count:
                    parts.append(f"all {about}{what}")
                else:
                    parts.append(f"{about}{share(many / self.count)} {what}")
        if self.sampled:
            parts.append("sampled")
        return ", ".join(parts) if parts else "empty" if not self.count else ""


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else number(value)


def sample(array: Array, nbytes: int) -> tuple[Array, bool]:
    """
    Some elements of an array, of which no more is read than these.

    Parameters
    ----------
    array : ndarray
        Perhaps a view of a file.
    nbytes : int
        Up to this size it is taken as a whole.

    Returns
    -------
    elements : ndarray of one axis
        Runs of elements, evenly spread over the memory, or all of them.
    sampled : bool
        Whether there are more.
    """
    if array.nbytes <= nbytes:
        return array.reshape(-1), False
    if array.flags.f_contiguous:
        array = array.T
    if not array.flags.c_contiguous:
        # A view with steps: a part of its first axes.
        while array.nbytes > nbytes and array.ndim:
            array = array[: max(1, int(len(array) * nbytes / array.nbytes))] if len(array) > 1 else array[0]
        return array.reshape(-1), True
    flat = array.reshape(-1)
    run = max(1, _RUN_BYTES // flat.itemsize)
    starts = np.linspace(0, max(0, len(flat) - run), _RUNS, dtype=np.int64).tolist()
    return np.concatenate([flat[start : start + run] for start in dict.fromkeys(starts)]), True


def glance(array: Array, nbytes: int) -> Glance:
    """
    Look at the values of an array.

    Parameters
    ----------
    array : ndarray
        Without objects.
    nbytes : int
        Up to this size all of them are looked at, else a sample.
    """
    elements, sampled = sample(array, nbytes)
    if not len(elements):
        return Glance(0, sampled)
    kind = elements.dtype.kind
    with np.errstate(all="ignore"):
        if kind in "US":
            return _of_texts(elements, sampled)
        if kind not in _PRIMITIVE or elements.dtype.names is not None:
            return Glance(len(elements), sampled)
        if kind == "b":
            # Whatever their bytes are: numpy trusts that they are 0 and 1, and a document may say otherwise.
            elements = elements.view(np.uint8) != 0
        if not elements.dtype.isnative:
            elements = elements.astype(elements.dtype.newbyteorder("="))
        if len(elements) <= _FEW and not sampled:
            return Glance(len(elements), first=tuple(map(_element, elements)))
        if kind in "mM":
            return _of_dates(elements, sampled)
        return _of_numbers(elements, sampled)


def _element(value: Any) -> str:
    if value.dtype.kind in "mM":
        return str(value)
    return number(value.item() if value.dtype.itemsize <= 8 or value.dtype.kind != "f" else float(value))


def _of_numbers(elements: Array, sampled: bool) -> Glance:
    kind = elements.dtype.kind
    count = len(elements)
    zeros = count - int(np.count_nonzero(elements))
    if kind == "c":
        nans = int(np.count_nonzero(np.isnan(elements)))
        return Glance(count, sampled, zeros=zeros, nans=nans, first=tuple(map(_element, elements[:2])))
    if kind == "b":
        return (
            Glance(count, sampled, 0, 1, (count - zeros) / count)
            if 0 < zeros < count
            else Glance(count, sampled, int(not zeros), int(not zeros), zeros=zeros)
        )
    low, high = elements.min(), elements.max()
    nans = infinities = 0
    if kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
        nans = int(np.count_nonzero(np.isnan(elements)))
        finite = elements[np.isfinite(elements)]
        infinities = count - len(finite) - nans
        if not len(finite):
            return Glance(count, sampled, zeros=zeros, nans=nans, infinities=infinities)
        elements, low, high = finite, finite.min(), finite.max()
    mean = float(elements.mean(dtype=np.float64))
    as_python = float if kind == "f" else int
    return Glance(count, sampled, as_python(low), as_python(high), mean, zeros, nans, infinities)


def _of_dates(elements: Array, sampled: bool) -> Glance:
    missing = np.isnat(elements)
    known = elements[~missing]
    nans = len(elements) - len(known)
    if not len(known):
        return Glance(len(elements), sampled, nans=nans)
    return Glance(len(elements), sampled, str(known.min()), str(known.max()), nans=nans)


def _of_texts(elements: Array, sampled: bool) -> Glance:
    different = Counter(elements[:_TEXTS].tolist())
    shown = list(different)[:_FEW_TEXTS]
    if len(different) == len(elements) <= _FEW:
        shown = list(different)
    return Glance(len(elements), sampled, first=tuple(map(_text, shown)))


def _text(value: str | bytes) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return repr(value) if len(value) <= _TEXT_LENGTH else f"{printable(value, _TEXT_LENGTH)!r}"
