"""Labels that pandas hashes while an index is made: too many of one hash are compared each with each, for hours."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.codecs.growth import charge_comparisons, check_keys
from reflectio.decoder import Decoder
from reflectio.errors import LimitError

# How many labels may have one hash. Of honest ones few do: pandas' hashes have 32 bits.
_COLLISIONS = 500

# The primes of xxHash, which tuples are hashed by.
_FIRST, _SECOND, _FIFTH = 11400714785074694791, 14029467366897019727, 2870177450012600261
_WORD = (1 << 64) - 1

# Hashed with a secret of the process, or no more than one label.
_SALTED = frozenset({str, bytes, type(None)})


def check_hashes(index: Any, decoder: Decoder) -> None:
    """
    Refuse labels of which many have the same hash in pandas, which hashes numbers without a secret.

    Parameters
    ----------
    index : Index
        The labels; memory for them has been charged.
    decoder : Decoder
        What builds the document.

    Raises
    ------
    LimitError
        More labels than honest data has hash to one number, or hashing them takes too long.
    """
    from pandas import CategoricalDtype, IntervalDtype, RangeIndex, StringDtype

    if isinstance(index.dtype, IntervalDtype):
        for bounds in (index.left, index.right):
            check_hashes(bounds, decoder)
        return
    # A range ascends, the categories of an index have been looked at for themselves, and text is salted.
    if isinstance(index, RangeIndex) or isinstance(index.dtype, CategoricalDtype | StringDtype):
        return
    values = index._values
    labels = np.asarray(getattr(values, "_ndarray", getattr(values, "_data", values)))
    if labels.dtype.kind == "O":
        items = labels.tolist()
        check_keys(items, decoder)
        if len(items) <= _COLLISIONS or _SALTED.issuperset(map(type, items)):
            return
        hashes = np.array([_of_object(item) for item in items], np.uint32)
        charge_comparisons(items, hashes.tolist(), decoder)
    elif len(labels) <= _COLLISIONS:
        return
    elif labels.dtype.kind == "c":
        parts = (labels.real.astype(np.float64), labels.imag.astype(np.float64))
        hashes = np.bitwise_xor(*(_of_floats(part.view(np.uint64)) for part in parts))
    elif labels.dtype.itemsize < 8:
        # Hashes of 32 bits tell all of these apart.
        return
    else:
        # The bounds of intervals may come again, as the left ones of nested intervals do.
        bits = np.unique(np.ascontiguousarray(labels).view(np.uint64))
        hashes = _of_floats(bits) if labels.dtype.kind == "f" else _of_integers(bits)
    if np.unique(hashes, return_counts=True)[1].max() > _COLLISIONS:
        raise LimitError(f"more than {_COLLISIONS} labels have the same hash")


def _of_object(label: Any) -> int:
    """What pandas makes of Python's hash; of a tuple, of the 32 bits that it makes of each element."""
    if type(label) is tuple:
        mixed = _FIFTH
        for item in label:
            mixed = mixed + _of_object(item) * _SECOND & _WORD
            mixed = (mixed << 31 | mixed >> 33) * _FIRST & _WORD
        mixed = mixed + (len(label) ^ _FIFTH ^ 3527539) & _WORD
    elif type(label) is float and label != label:
        mixed = 0
    else:
        mixed = hash(label) & _WORD
    return (mixed >> 32 ^ mixed) & 0xFFFFFFFF


def _of_integers(values: Any) -> Any:
    return (values >> np.uint64(33) ^ values ^ values << np.uint64(11)).astype(np.uint32)


def _of_floats(values: Any) -> Any:
    """What MurmurHash2, with pandas' seed, makes of numbers of 64 bits."""
    factor = np.uint32(0x5BD1E995)
    state = np.full(values.shape, 0xC70F6907 ^ 4, np.uint32)
    for half in (values.astype(np.uint32), (values >> np.uint64(32)).astype(np.uint32)):
        mixed = half * factor
        mixed = (mixed ^ mixed >> np.uint32(24)) * factor
        state = state * factor ^ mixed
    state = (state ^ state >> np.uint32(13)) * factor
    return state ^ state >> np.uint32(15)
