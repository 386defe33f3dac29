"""How many elements that have no bytes a document may ask for: they take no memory, and yet time."""

from __future__ import annotations

from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from reflectio.decoder import Decoder

# In all arrays of a document together.
_MOST = 1 << 20

# By the id of a dtype with fields, with the dtype itself, so that no id is used twice.
_Counts = dict[int, tuple[np.dtype[Any], int]]

_counts: WeakKeyDictionary[Decoder, _Counts] = WeakKeyDictionary()


def _count(dtype: np.dtype[Any], known: _Counts) -> int:
    """The elements without bytes that numpy goes through in one element of a dtype."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return prod(shape) * _count(base, known)
    alone = 0 if dtype.itemsize else 1
    if dtype.names is None or dtype.fields is None:
        return alone
    if id(dtype) not in known:
        fields = dtype.fields
        known[id(dtype)] = dtype, alone + sum(_count(fields[name][0], known) for name in dtype.names)
    return known[id(dtype)][1]


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
    if dtype.itemsize and dtype.names is None and dtype.subdtype is None:
        return
    if count := prod(shape) * _count(dtype, _counts.setdefault(decoder, {})):
        decoder.spend("elements that have no bytes", count, _MOST)
