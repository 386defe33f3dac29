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

#: Up to this many elements Python's own loops are faster than numpy's.
FEW = 64

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
    if type(value) is int and least <= value <= most:
        return value
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
    if len(shape) != len(wanted):
        return False
    for m, n in zip(shape, wanted, strict=True):  # noqa: SIM110
        if n is not None and m != n:
            return False
    return True


def is_sparse(value: Any, layout: str | None = None) -> bool:
    """
    Whether something is a sparse matrix or array, in a layout if one is given.

    Any object may have attributes of the names that those have. What is in it nothing has checked.
    """
    return type(value).__module__.startswith("scipy.sparse.") and (
        getattr(value, "format", None) == layout if layout else hasattr(value, "nnz")
    )


def within(values: Array, least: int, most: int) -> bool:
    """Whether all integers of an array lie in a range, both ends included."""
    if values.size > FEW:
        return bool(values.min() >= least and values.max() <= most)
    few = values.ravel().tolist()
    return not few or (least <= min(few) and max(few) <= most)


def is_finite(values: Array) -> bool:
    """Whether an array of real or complex numbers has none that is infinite or no number."""
    if values.size <= FEW and values.dtype in FLOATS:
        # A sum over one of these is not finite; one that overflows is looked at twice.
        total = sum(values.ravel().tolist())
        if total - total == 0.0:
            return True
    return bool(np.isfinite(values).all())


_PLAIN = frozenset({bool, int, float, str})
_MOST_INT = (1 << 63) - 1


def has_order(classes: Any) -> bool:
    """
    Whether classes are certain to be in order once numpy has sorted them.

    A NaN among objects is neither less nor more than the others, and they stay as they were around it. The search for a
    class then ends behind the last one, which scikit-learn takes for a column of a sparse matrix.
    """
    if isinstance(classes, list | tuple):
        # With integers of more than 64 bits, numpy makes objects of all numbers.
        return _PLAIN.issuperset(map(type, classes)) and all(
            type(value) is not int or abs(value) <= _MOST_INT for value in classes
        )
    return type(classes) is np.ndarray and classes.ndim == 1 and classes.dtype.kind not in "OV"


_NUMBERS = (int, float, complex, np.number, np.bool_)


def shape_of(value: Any) -> tuple[int, ...] | None:
    """
    Give the shape that numpy would see, without following what a value holds.

    Parameters
    ----------
    value : Any
        An attribute that nothing is known of. numpy itself follows lists in lists to any depth, and a list that holds
        itself twice for ever.

    Returns
    -------
    tuple of int or None
        The shape of an array without objects, of a sparse matrix, of a number, or of a list of numbers or of rows of
        numbers; None for everything else.
    """
    shape = _own_shape(value)
    if shape is not None or not isinstance(value, list | tuple):
        return shape
    if all(issubclass(kind, _NUMBERS) for kind in set(map(type, value))):
        return (len(value),)
    # A row that is there a thousand times is looked at once.
    shapes = {_row_shape(row) for row in {id(row): row for row in value}.values()}
    shape = shapes.pop()
    return None if shapes or shape is None else (len(value), *shape)


def _row_shape(row: Any) -> tuple[int, ...] | None:
    if not isinstance(row, list | tuple):
        return _own_shape(row)
    return (len(row),) if all(issubclass(kind, _NUMBERS) for kind in set(map(type, row))) else None


def _own_shape(value: Any) -> tuple[int, ...] | None:
    """The shape of what has one by itself."""
    if isinstance(value, _NUMBERS):
        return ()
    if not isinstance(value, np.ndarray) and not type(value).__module__.startswith(
        ("scipy.sparse", "pandas.")
    ):
        return None
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if type(shape) is not tuple or not isinstance(dtype, np.dtype) or dtype.hasobject:
        return None
    return shape
