"""How many elements that have no bytes a document may ask for: they take no memory, and yet time."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from reflectio.codecs.once_per_dtype import once_per_dtype
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import UnsupportedTypeError

#: In all arrays of a document together.
MOST_EMPTY = 1 << 20

# By the id of a dtype with fields, with the dtype itself, so that no id is used twice.
_Counts = dict[int, tuple[np.dtype[Any], int]]

_counts: WeakKeyDictionary[Decoder | Encoder, _Counts] = WeakKeyDictionary()

# How many a walk has written so far.
_written: WeakKeyDictionary[Encoder, int] = WeakKeyDictionary()


def count_empty(dtype: np.dtype[Any], known: _Counts) -> int:
    """
    The elements without bytes that numpy goes through in one element of a dtype.

    Parameters
    ----------
    dtype : dtype
        The dtype.
    known : dict
        What was found for dtypes before, by their id; it is added to.
    """
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return prod(shape) * count_empty(base, known)
    alone = 0 if dtype.itemsize else 1
    if dtype.names is None or dtype.fields is None:
        return alone
    if id(dtype) not in known:
        fields = dtype.fields
        known[id(dtype)] = dtype, alone + sum(count_empty(fields[name][0], known) for name in dtype.names)
    return known[id(dtype)][1]


def _has_bytes(dtype: np.dtype[Any]) -> bool:
    return dtype.itemsize > 0 and dtype.names is None and dtype.subdtype is None


@once_per_dtype
def _has_plain_fields(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype has fields, all of them plain and with bytes, as nearly all records have."""
    fields: Mapping[str, tuple[Any, ...]] = dtype.fields or {}
    return bool(fields) and all(_has_bytes(field[0]) for field in fields.values())


def check_empty_elements(dtype: np.dtype[Any], shape: tuple[int, ...], decoder: Decoder) -> None:
    """
    Refuse an array that makes the elements without bytes too many, before it is made.

    Parameters
    ----------
    dtype : dtype
        The array's.
    shape : tuple of int
        Its shape, of which nothing needs to be known.
    decoder : Decoder
        The document's.

    Raises
    ------
    LimitError
        The arrays of the document have more than about a million elements without bytes.
    """
    if _has_bytes(dtype) or _has_plain_fields(dtype):
        return
    if count := prod(shape) * count_empty(dtype, _counts.setdefault(decoder, {})):
        decoder.spend("elements that have no bytes", count, MOST_EMPTY)


def refuse_empty_elements(dtype: np.dtype[Any], shape: tuple[int, ...], encoder: Encoder) -> None:
    """
    Refuse to write an array with which no reader would take the document.

    Parameters
    ----------
    dtype : dtype
        The array's.
    shape : tuple of int
        Its shape.
    encoder : Encoder
        Writes the document.

    Raises
    ------
    UnsupportedTypeError
        The arrays of the document have more than about a million elements without bytes.
    """
    if _has_bytes(dtype) or _has_plain_fields(dtype):
        return
    if count := prod(shape) * count_empty(dtype, _counts.setdefault(encoder, {})):
        count += _written.get(encoder, 0)
        if count > MOST_EMPTY:
            raise UnsupportedTypeError(
                f"more than {MOST_EMPTY} elements that have no bytes, as those of dtype {dtype!s:.40}; no reader takes "
                "so many, for each costs time and none a byte. Keep the shape in place of the array"
            )
        _written[encoder] = count
