"""How the elements of an array lie in memory: which bytes strides reach, and whether elements overlap."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

Shape = tuple[int, ...]


class Extent(NamedTuple):
    """The bytes that an array reaches, relative to its first element."""

    low: int
    high: int

    @property
    def nbytes(self) -> int:
        return self.high - self.low


def extent_of(shape: Shape, strides: Shape, itemsize: int) -> Extent:
    """The bytes from the lowest to the end of the highest element."""
    if 0 in shape:
        return Extent(0, 0)
    steps = [(length - 1) * stride for length, stride in zip(shape, strides, strict=True)]
    return Extent(sum(step for step in steps if step < 0), itemsize + sum(step for step in steps if step > 0))


def is_apart(shape: Shape, strides: Shape, itemsize: int) -> bool:
    """
    Whether no two elements can share a byte.

    Sufficient rather than necessary: each axis must step over all that the axes with shorter strides reach. Every
    array that slicing, transposing and selecting fields make of a contiguous one passes.
    """
    reach = max(itemsize, 1)
    for stride, length in sorted(
        (abs(stride), length) for stride, length in zip(strides, shape, strict=True)
    ):
        if length > 1:
            if stride < reach:
                return False
            reach += (length - 1) * stride
    return True


@lru_cache(maxsize=4096)
def canonical_strides(shape: Shape, itemsize: int, order: str) -> Shape:
    """The strides of a contiguous array."""
    strides = []
    step = itemsize
    for length in reversed(shape) if order == "C" else shape:
        strides.append(step)
        step *= length
    return tuple(reversed(strides)) if order == "C" else tuple(strides)
