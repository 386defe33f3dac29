"""How long saving and loading take, beside pickle and joblib."""

from __future__ import annotations

import gc
import io
import pickle
from collections.abc import Callable
from math import inf
from statistics import median
from time import perf_counter
from typing import Any

import joblib
from attrs import frozen

import reflectio

# What takes less is done several times a turn.
_TURN_SECONDS = 0.03

# What takes more is not done a second time before it counts.
_LONG_SECONDS = 1.0


@frozen
class Saver:
    """A way of turning a model into bytes, and back."""

    name: str
    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


@frozen
class Figures:
    """What a saver takes for a model: bytes, and seconds."""

    nbytes: int
    dump_seconds: float
    load_seconds: float

    @property
    def seconds(self) -> float:
        """For both together."""
        return self.dump_seconds + self.load_seconds


def _joblib_dumps(obj: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(obj, buffer)
    return buffer.getvalue()


def _loads(data: bytes) -> Any:
    return reflectio.loads(data, policy=reflectio.Policy.default())


SAVERS: tuple[Saver, ...] = (
    Saver("reflectio", reflectio.dumps, _loads),
    Saver("as JSON", lambda obj: reflectio.dumps(obj, format="json"), _loads),
    Saver("pickle 5", lambda obj: pickle.dumps(obj, protocol=5), pickle.loads),
    Saver("joblib", _joblib_dumps, lambda data: joblib.load(io.BytesIO(data))),
)


def measure(
    model: Any, rounds: int, savers: tuple[Saver, ...] = SAVERS, *, patience: float = inf
) -> dict[str, Figures]:
    """
    Time savers on a model, in memory.

    They take turns, so that whatever else the machine does slows all of them down alike.

    Parameters
    ----------
    model : estimator
        What to save and load.
    rounds : int
        How often each saver's turn comes; the median counts. A turn before the first does not count.
    savers : tuple of Saver
        What to time.
    patience : float
        A saver whose turn takes more seconds than this gets no other, and that one counts.

    Returns
    -------
    dict of str to Figures
        By the saver's name.
    """
    taken: dict[str, list[Figures]] = {}
    waiting: list[tuple[Saver, int]] = []
    # A collection of garbage in the midst of a turn would be counted against the wrong saver.
    gc.disable()
    try:
        for saver in savers:
            times, figures = _warmed_up(saver, model)
            taken[saver.name] = [figures]
            if figures.seconds <= patience:
                waiting.append((saver, times))
        for turn in range(rounds):
            gc.collect()
            # Each is first at times, and after each other one: it finds memory as that one left it.
            shift = turn % max(1, len(waiting))
            for saver, times in (waiting[shift:] + waiting[:shift])[:: (-1) ** turn]:
                taken[saver.name].append(_turn(saver, model, times))
    finally:
        gc.enable()
    return {name: _summary(turns) for name, turns in taken.items()}


def _warmed_up(saver: Saver, model: Any) -> tuple[int, Figures]:
    """How often a saver has to do its work for a turn to be long enough to time, and a turn of that length."""
    times = 1
    figures = _turn(saver, model, times)
    if figures.seconds < _LONG_SECONDS:
        # The first time fills caches, and says little of those that follow.
        figures = _turn(saver, model, times)
    while figures.seconds * times < _TURN_SECONDS:
        times *= 2
        figures = _turn(saver, model, times)
    return times, figures


def _turn(saver: Saver, model: Any, times: int) -> Figures:
    dump_seconds = load_seconds = 0.0
    data = b""
    for _ in range(times):
        start = perf_counter()
        data = saver.dumps(model)
        between = perf_counter()
        loaded = saver.loads(data)
        load_seconds += perf_counter() - between
        dump_seconds += between - start
        # Freeing the object is not part of loading it.
        del loaded
    return Figures(len(data), dump_seconds / times, load_seconds / times)


def _summary(turns: list[Figures]) -> Figures:
    counted = turns[1:] or turns
    return Figures(
        turns[0].nbytes,
        median(turn.dump_seconds for turn in counted),
        median(turn.load_seconds for turn in counted),
    )
