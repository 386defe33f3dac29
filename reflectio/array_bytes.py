"""The bytes of arrays: those that are written, those that are read, and those that no value has."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, repeat
from typing import Any, cast

import numpy as np

from reflectio import compiled
from reflectio.errors import ValidationError

_memory = compiled.part("memory")
_parts = compiled.part("parts")

# So much is written at a time: it stays in the processor's cache while it is looked at, digested and written.
_BLOCK = 1 << 21


@lru_cache(maxsize=1024)
def _gaps(dtype: np.dtype[Any]) -> tuple[slice, ...]:
    """The bytes of an element that hold no value: what lies between fields, and beyond 80-bit floats."""
    if dtype.names is None and not _has_extended_floats(dtype):
        return ()
    used = np.zeros(dtype.itemsize, bool)
    _mark_used(dtype, used)
    edges = np.flatnonzero(np.diff(np.concatenate(([True], used, [True]))))
    return tuple(slice(start, stop) for start, stop in edges.reshape(-1, 2).tolist())


def _has_extended_floats(dtype: np.dtype[Any]) -> bool:
    return dtype.type in (np.longdouble, np.clongdouble) and np.finfo(np.longdouble).nmant == 63


def _mark_used(dtype: np.dtype[Any], used: np.ndarray[Any, Any]) -> None:
    if dtype.subdtype is not None:
        base, _ = dtype.subdtype
        for start in range(0, dtype.itemsize, base.itemsize or 1):
            _mark_used(base, used[start : start + base.itemsize])
    elif dtype.names is not None and dtype.fields is not None:
        for name in dtype.names:
            field, start = dtype.fields[name][:2]
            _mark_used(field, used[start : start + field.itemsize])
    elif _has_extended_floats(dtype):
        part = np.dtype(np.longdouble).itemsize
        # The 10 bytes come first in little-endian order, and last in the other.
        first = 0 if (dtype.isnative == (sys.byteorder == "little")) else part - 10
        for start in range(first, dtype.itemsize, part):
            used[start : start + 10] = True
    else:
        used[:] = True


# Arrays of these dtypes are buffers as they stand. By identity: a dtype of another byte order is another object.
_BUFFERS = frozenset(
    id(np.dtype(name))
    for name in (
        "float64",
        "float32",
        "int64",
        "int32",
        "uint8",
        "bool",
        "uint32",
        "uint64",
        "int8",
        "float16",
    )
)

_WORD = 8


def _has_leftovers(elements: np.ndarray[Any, Any], start: int, stop: int) -> bool:
    """Whether bytes between the fields of records are anything but zero; each row has the bytes of a record."""
    if stop - start > _WORD or stop < _WORD:
        return bool(elements[:, start:stop].any())
    # One pass over one word of each element, rather than over bytes.
    words: np.ndarray[Any, Any] = np.ndarray(
        len(elements), "<u8", elements, stop - _WORD, (elements.shape[1],)
    )
    seen = int(np.bitwise_or.reduce(words))
    return bool(seen >> (8 * (_WORD - (stop - start))))


has_leftovers: Callable[[np.ndarray[Any, Any], int, int], bool] = (
    _has_leftovers if _memory is None else _memory.has_leftovers
)


def as_buffer(array: np.ndarray[Any, Any]) -> Any:
    """
    Give something whose buffer is the bytes of an array in C order.

    An array is copied only if it has another layout, or holds leftovers of other memory between its fields, which
    would make equal arrays give different bytes.
    """
    if array.flags.c_contiguous and id(array.dtype) in _BUFFERS:
        return array
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return _without_leftovers(raw, array.dtype) if _gaps(array.dtype) else raw


def blocks_of(array: np.ndarray[Any, Any]) -> Iterator[Any]:
    """
    Give the bytes of an array in C order, as `as_buffer` does, a block at a time.

    Parameters
    ----------
    array : ndarray
        Any array without objects.
    """
    nbytes = array.nbytes
    if nbytes <= _BLOCK:
        yield as_buffer(array)
        return
    dtype = array.dtype
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    # Of whole elements, however large these are.
    step = (_BLOCK // dtype.itemsize or 1) * dtype.itemsize
    has_gaps = bool(_gaps(dtype))
    for start in range(0, nbytes, step):
        block = raw[start : start + step]
        yield _without_leftovers(block, dtype) if has_gaps else block


def _without_leftovers(raw: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Give the bytes of elements with zeros where no value is; a copy only if there was anything else."""
    gaps = _gaps(dtype)
    elements = raw.reshape(-1, dtype.itemsize)
    if not any(has_leftovers(elements, gap.start, gap.stop) for gap in gaps):
        return raw
    elements = elements.copy()
    for gap in gaps:
        elements[:, gap] = 0
    return elements.reshape(-1)


@lru_cache(maxsize=256)
def _raw(nbytes: int) -> np.dtype[Any]:
    return np.dtype((np.void, nbytes))


def copied(array: np.ndarray[Any, Any], order: Any = "C") -> np.ndarray[Any, Any]:
    """
    Copy an array without objects into memory of its own.

    numpy copies records field by field, which takes ten times as long as to copy their bytes.

    Parameters
    ----------
    array : ndarray
        The array.
    order : {"C", "F"}
        The memory order of the copy.
    """
    dtype = array.dtype
    if dtype.kind != "V" or not (array.flags.c_contiguous and dtype.itemsize) or dtype.hasobject:
        return array.copy(order)
    copy: np.ndarray[Any, Any] = np.empty(array.shape, dtype)
    raw = _raw(dtype.itemsize)
    copy.view(raw)[...] = array.view(raw)
    return copy


def copied_parts(array: np.ndarray[Any, Any], ends: Sequence[int]) -> list[np.ndarray[Any, Any]]:
    """
    Copy the parts of an array without objects, each into memory of its own.

    Parameters
    ----------
    array : ndarray
        All parts, along the first axis.
    ends : sequence of int
        Where the first part starts, and where each ends.
    """
    if _parts is not None and (found := _parts.copied_spans(array, pairwise(ends))) is not None:
        return cast("list[np.ndarray[Any, Any]]", found)
    dtype, spans = array.dtype, pairwise(ends)
    if dtype.kind != "V" or not (array.flags.c_contiguous and dtype.itemsize):
        return [array[start:stop].copy() for start, stop in spans]
    # As `copied` does it, for many small parts.
    raw, rest, parts = _raw(dtype.itemsize), array.shape[1:], []
    elements = array.view(raw)
    for start, stop in spans:
        part: np.ndarray[Any, Any] = np.empty((stop - start, *rest), dtype)
        part.view(raw)[...] = elements[start:stop]
        parts.append(part)
    return parts


def copies(array: np.ndarray[Any, Any], count: int) -> list[np.ndarray[Any, Any]]:
    """Copy an array without objects so often, each time into memory of its own."""
    whole = repeat((0, len(array)), count)
    if _parts is not None and (found := _parts.copied_spans(array, whole)) is not None:
        return cast("list[np.ndarray[Any, Any]]", found)
    return [copied(array) for _ in range(count)]


def joined(arrays: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Put arrays of one dtype, in C order, one behind the other."""
    if len(arrays) == 1:
        return arrays[0]
    # numpy would look for a dtype that all have in common first, at ten times the cost.
    return np.frombuffer(joined_bytes(arrays), arrays[0].dtype)


def _joined_bytes(arrays: list[np.ndarray[Any, Any]]) -> bytes:
    """Put the bytes of arrays in C order one behind the other."""
    return b"".join([array.data for array in arrays])


joined_bytes: Callable[[list[np.ndarray[Any, Any]]], bytes] = (
    _joined_bytes if _memory is None else _memory.joined
)


def as_bytes(buffer: Any) -> memoryview:
    """A view of the bytes of a buffer in C order, as a sequence of single bytes."""
    if isinstance(buffer, np.ndarray):
        # memoryview knows no dates and no records.
        return buffer.reshape(-1).view(np.uint8).data
    return memoryview(buffer).cast("B")


@lru_cache(maxsize=1024)
def has_booleans(dtype: np.dtype[Any]) -> bool:
    """Whether not all bytes are values of a dtype."""
    if dtype.subdtype is not None:
        return has_booleans(dtype.subdtype[0])
    return dtype.kind == "b" or any(has_booleans(dtype[name]) for name in dtype.names or ())


def check_booleans(array: np.ndarray[Any, Any]) -> None:
    """Refuse booleans that are neither 0 nor 1: numpy counts them by adding bytes, and then trusts the count."""
    if array.dtype.names is not None:
        for name in array.dtype.names:
            check_booleans(array[name])
    elif array.dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise ValidationError("an array of booleans has bytes that are neither 0 nor 1")


def check_elements(array: np.ndarray[Any, Any]) -> None:
    """Refuse elements whose bytes no value of their dtype has; all bytes are a number."""
    if array.dtype.kind in "bV" and has_booleans(array.dtype):
        check_booleans(array)


def bytes_of(array: np.ndarray[Any, Any]) -> memoryview:
    """The bytes of a contiguous array, in the order in which they lie in memory, to be written to."""
    flat = (array if array.flags.c_contiguous else array.T).reshape(-1)
    return flat.view(np.uint8).data
