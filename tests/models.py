"""Classes and functions of a user's own module, for tests that need names outside every built-in list."""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from typing import Any, NamedTuple

import attrs
import numpy as np

Point = namedtuple("Point", "x y")


class Interval(NamedTuple):
    low: float
    high: float = 1.0


class Pair(tuple):
    """A tuple of another class, whose `__new__` takes what it holds."""


@dataclass
class Settings:
    name: str
    weights: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class FrozenSettings:
    name: str
    weights: tuple[float, ...] = ()


@dataclass(slots=True)
class SlottedSettings:
    name: str
    rate: float = 0.5


@dataclass(frozen=True, slots=True)
class FrozenSlottedSettings:
    name: str
    rate: float = 0.5


@attrs.define
class Slotted:
    name: str
    rate: float = 0.5


@attrs.define(slots=False)
class Unslotted:
    name: str
    rate: float = 0.5


@attrs.frozen
class Frozen:
    name: str
    parts: tuple[Any, ...] = ()


class Colour(Enum):
    RED = "red"
    BLUE = ("b", 1)
    AZURE = BLUE  # an alias


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Kernel(StrEnum):
    LINEAR = "linear"
    RBF = "rbf"


class Access(Flag):
    READ = 1
    WRITE = 2
    RUN = 4


class Mode(IntFlag):
    A = 1
    B = 2


class Count(int):
    pass


class Rate(float):
    pass


class Label(str):
    pass


class Labels(list):
    pass


class Options(dict):
    pass


class History(OrderedDict):
    pass


class Bins(defaultdict):
    pass


class Recent(deque):
    pass


class Seen(set):
    pass


class Blob(bytes):
    pass


class Moment(datetime):
    pass


class Node:
    """An object that is free to refer to others, itself among them."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)

    def method(self, x: Any = None) -> Any:
        return x

    @classmethod
    def build(cls) -> Node:
        return cls()

    @staticmethod
    def double(x: Any) -> Any:
        return 2 * x


class SlottedNode:
    __slots__ = ("_hidden", "next")


class SlottedBase:
    __slots__ = ("a",)


class SlottedChild(SlottedBase):
    __slots__ = ("__dict__", "b")


class WithState:
    """An object whose state is not a dict."""

    def __init__(self, *values: Any) -> None:
        self.values = values

    def __getstate__(self) -> Any:
        return self.values

    def __setstate__(self, state: Any) -> None:
        self.values = state


class Measured(np.ndarray):
    """An array of another class, with an attribute."""

    unit: str

    def __array_finalize__(self, obj: Any) -> None:
        self.unit = getattr(obj, "unit", "")


def clip(x: Any) -> Any:
    return np.clip(x, 0, 1)


@functools.lru_cache(maxsize=8)
def cached(x: Any) -> Any:
    return x


class Outer:
    class Inner:
        pass

    class Shade(Enum):
        DARK = 1
