"""Hypothesis strategies for what documents hold: values, dtypes, and arrays of any dtype and layout."""

from __future__ import annotations

import datetime
from collections import Counter, OrderedDict, deque
from typing import Any

import models
import numpy as np
from hypothesis import strategies as st

# -- Python's own values ----------------------------------------------------------------------------------------


def _text() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=()), max_size=6)


def _hashable_leaves() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(min_value=2**63, max_value=2**200),
        st.floats(),
        st.complex_numbers(),
        _text(),
        st.sampled_from(["$", "$id", "$state", "ref"]),
        st.binary(max_size=6),
        st.decimals().filter(lambda value: not value.is_snan()),  # Python cannot hash a signalling NaN
        st.fractions(),
        st.uuids(),
        st.dates(),
        st.datetimes(timezones=st.none() | st.timezones()),
        st.times(),
        st.timedeltas(),
        st.sampled_from([*models.Colour, *models.Level, *models.Kernel, *models.Access]),
        st.builds(
            lambda start, count, step: range(start, start + count * step, step),
            st.integers(),
            st.integers(0, 1 << 16),
            st.integers(min_value=1),
        ),
    )


def _hashables() -> st.SearchStrategy[Any]:
    return st.recursive(
        _hashable_leaves(),
        lambda part: st.lists(part, max_size=3).map(tuple) | st.frozensets(part, max_size=3),
        max_leaves=4,
    )


def _containers(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(part, max_size=4)
    mappings = st.dictionaries(_hashables(), part, max_size=4)
    return st.one_of(
        lists,
        lists.map(tuple),
        lists.map(deque),
        lists.map(models.Labels),
        st.builds(models.Point, part, part),
        st.builds(models.Settings, _text(), lists),
        st.dictionaries(_text(), part, max_size=4),
        mappings,
        mappings.map(OrderedDict),
        mappings.map(models.Options),
        st.builds(models.Node, a=part, b=part),
        st.builds(slice, part, part, part),
    )


def values() -> st.SearchStrategy[Any]:
    """Nested builtin values and containers, and objects of a user's classes."""
    leaves = st.one_of(
        _hashables(),
        st.sets(_hashables(), max_size=4),
        st.dictionaries(_text(), st.integers(), max_size=3).map(Counter),
        st.binary(max_size=6).map(bytearray),
        st.builds(
            datetime.timezone, st.timedeltas(datetime.timedelta(hours=-23), datetime.timedelta(hours=23))
        ),
    )
    return st.recursive(leaves, _containers, max_leaves=12)


# -- numpy --------------------------------------------------------------------------------------------------------

_UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
_NUMBERS = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16", "g", "G")


@st.composite
def _plain_dtypes(draw: st.DrawFn) -> np.dtype[Any]:
    order = draw(st.sampled_from("<>"))
    kind = draw(st.sampled_from(["number", "number", "text", "bytes", "void", "time"]))
    if kind == "number":
        return np.dtype(draw(st.sampled_from(_NUMBERS))).newbyteorder(order)
    if kind == "time":
        unit = draw(st.sampled_from([*_UNITS, None]))
        multiple = draw(st.sampled_from([1, 1, 1, 7, 25]))
        code = draw(st.sampled_from(["M8", "m8"]))
        return np.dtype(f"{order}{code}" + (f"[{multiple}{unit}]" if unit else ""))
    length = draw(st.integers(0, 5))
    return np.dtype({"text": f"{order}U{length}", "bytes": f"S{length}", "void": f"V{length}"}[kind])


@st.composite
def _structured_dtypes(draw: st.DrawFn, part: st.SearchStrategy[np.dtype[Any]]) -> np.dtype[Any]:
    names = draw(st.lists(st.text(max_size=3), min_size=1, max_size=4, unique=True))
    names = [name or f"f{index}x" for index, name in enumerate(names)]
    if len(set(names)) < len(names):
        names = [f"f{index}" for index in range(len(names))]
    formats = []
    for _ in names:
        dtype = draw(part)
        shape = draw(st.sampled_from([(), (), (2,), (2, 3), (1, 0)])) if dtype.itemsize else ()
        formats.append(np.dtype((dtype, shape)) if shape else dtype)
    if draw(st.booleans()):
        return np.dtype(list(zip(names, formats, strict=True)), align=draw(st.booleans()))
    offsets, end = [], 0
    for dtype in formats:
        end += draw(st.integers(0, 3))
        offsets.append(end)
        end += dtype.itemsize
    itemsize = end + draw(st.integers(0, 3))
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": itemsize})


def dtypes() -> st.SearchStrategy[np.dtype[Any]]:
    """dtypes without objects: every kind, either byte order, records with padding and subarrays, nested."""
    return st.recursive(_plain_dtypes(), _structured_dtypes, max_leaves=4)


def fill(array: np.ndarray[Any, Any], rng: np.random.Generator) -> None:
    """Put elements of arbitrary bits into a writeable array."""
    dtype = array.dtype
    if dtype.names is not None:
        for name in dtype.names:
            fill(array[name], rng)
    elif dtype.kind == "b":
        array[...] = rng.integers(0, 2, array.shape)
    elif dtype.kind == "U":
        letters = np.array(["", "a", "é☃", "\0x", "😀", "abc"])
        array[...] = letters[rng.integers(0, len(letters), array.shape)]
    elif dtype.itemsize and array.size:
        raw = rng.integers(0, 256, (array.size, dtype.itemsize), np.uint8)
        drawn = raw.view(dtype).reshape(array.shape)
        if dtype.kind in "fc":
            drawn = _with_special_floats(drawn, rng)
        elif dtype.kind in "mM":
            near = rng.integers(-(10**6), 10**6, array.shape).view(dtype.newbyteorder("="))
            drawn = np.where(rng.integers(0, 3, array.shape) == 0, drawn, near.astype(dtype))
            drawn[rng.integers(0, 6, array.shape) == 0] = "NaT"
        array[...] = drawn


def _with_special_floats(drawn: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    specials = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 0.1, 1e5])
    if drawn.dtype.kind == "c":
        specials = (specials[:, None] + specials * 1j).ravel()
    with np.errstate(all="ignore"):
        ready = specials.astype(drawn.dtype)
        picked = ready[rng.integers(0, len(ready), drawn.shape)]
        if drawn.dtype.itemsize > 8 and drawn.dtype.type in (np.longdouble, np.clongdouble):
            # Arbitrary bits of an 80-bit float may be no number at all.
            return picked * np.sqrt(rng.random(drawn.shape).astype(drawn.dtype))
    return np.where(rng.integers(0, 2, drawn.shape) == 0, drawn, picked)


@st.composite
def layouts(draw: st.DrawFn, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A view of an array: axes permuted, sliced with steps of either sign, or broadcast; or the array itself."""
    if array.ndim and draw(st.booleans()):
        array = array.transpose(draw(st.permutations(range(array.ndim))))
    if array.ndim and draw(st.booleans()):
        steps = draw(st.tuples(*[st.sampled_from([1, 1, 2, -1, -3]) for _ in array.shape]))
        array = array[tuple(slice(None, None, step) for step in steps)]
    if draw(st.sampled_from([False] * 5 + [True])):
        array = np.broadcast_to(array, (draw(st.integers(1, 3)), *array.shape))
    return array


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    """Arrays of any dtype, shape, order and layout, writeable or not."""
    dtype = draw(dtypes())
    shape = draw(st.lists(st.sampled_from([0, 1, 2, 3, 5, 9]), max_size=3))
    array = np.zeros(shape, dtype, order=draw(st.sampled_from("CF")))
    fill(array, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    array = draw(layouts(array))
    if draw(st.booleans()):
        array.flags.writeable = False
    return array
