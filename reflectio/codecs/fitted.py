"""What checks of fitted estimators ask of one attribute: its type, its shape, its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from reflectio.errors import ValidationError

Array = np.ndarray[Any, Any]
State = Mapping[str, Any]

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
DOUBLE = (np.dtype(np.float64),)
INT = (np.dtype(np.int32),)
INDEX = (np.dtype(np.intp),)

# Stands for any length of an axis.
ANY = None


def refuse(name: str, what: str, inner: int | str | None = None) -> NoReturn:
    """Refuse a state for what one of its attributes is, or has inside it under a key or an index."""
    error = ValidationError(what)
    if inner is not None:
        error.within(inner)
    raise error.within(name)


def size_of(state: State, name: str, least: int, most: int) -> int:
    """
    Give an attribute that counts something.

    Parameters
    ----------
    state : mapping
        The object's attributes.
    name : str
        The attribute.
    least, most : int
        Its range, both ends included.

    Returns
    -------
    int
        Its value.

    Raises
    ------
    ValidationError
        It is absent, not an integer, or out of range.
    """
    value = state.get(name)
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not least <= value <= most:
        refuse(name, f"must be an integer between {least} and {most}")
    return int(value)


def array_of(
    state: State, name: str, dtypes: tuple[np.dtype[Any], ...], *shapes: tuple[int | None, ...]
) -> Array:
    """
    Give an attribute that compiled code reads as an array, without looking at its shape.

    Parameters
    ----------
    state : mapping
        The object's attributes.
    name : str
        The attribute.
    dtypes : tuple of dtype
        The element types it may have; empty for any.
    *shapes : tuple of int or None
        The shapes it may have; None stands for any length.

    Returns
    -------
    ndarray
        Its value.

    Raises
    ------
    ValidationError
        It is absent, no array, or of another dtype or shape.
    """
    value = state.get(name)
    if type(value) is not np.ndarray or (dtypes and value.dtype not in dtypes):
        kinds = " or ".join(dtype.name for dtype in dtypes)
        refuse(name, f"must be an array of {kinds}" if kinds else "must be an array")
    assert isinstance(value, np.ndarray)
    if value.shape not in shapes and not any(_fits(value.shape, shape) for shape in shapes):
        wanted = " or ".join(str(tuple("any" if n is None else n for n in shape)) for shape in shapes)
        refuse(name, f"must be of the shape {wanted}, not {value.shape}".replace("'", ""))
    return value


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(n in (m, None) for m, n in zip(shape, wanted, strict=True))


def within(values: Array, least: int, most: int) -> bool:
    """Whether all integers of an array lie in a range, both ends included."""
    return not values.size or bool(values.min() >= least and values.max() <= most)
