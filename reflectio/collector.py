"""Keeping Python's garbage collector out of the way while very many objects are made at once."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def without_collector(function: Callable[P, T]) -> Callable[P, T]:
    """
    Make a function run while the cyclic garbage collector is paused.

    A walk makes thousands of containers, none of which is garbage yet. Each thousand would have the collector look
    at them, and time and again at every object of the process: on a forest, that took most of the time to load it.
    """

    @functools.wraps(function)
    def paused(*args: P.args, **kwargs: P.kwargs) -> T:
        if not gc.isenabled():
            return function(*args, **kwargs)
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            gc.enable()

    return paused
