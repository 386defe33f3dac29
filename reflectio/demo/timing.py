"""How long saving and loading take, beside pickle and joblib."""

from __future__ import annotations

import gc
import io
import pickle
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import joblib
from attrs import frozen

import reflectio


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


def measure(model: Any, rounds: int) -> dict[str, Figures]:
    """
    Time every saver on a model, in memory.

    The savers take turns, so that whatever else the machine does slows all of them down alike.

    Parameters
    ----------
    model : estimator
        What to save and load.
    rounds : int
        How often each saver's turn comes; the median counts. A turn before the first does not count.

    Returns
    -------
    dict of str to Figures
        By the saver's name.
    """
    sizes: dict[str, int] = {}
    times: dict[str, tuple[list[float], list[float]]] = {saver.name: ([], []) for saver in SAVERS}
    # A collection of garbage in the midst of a turn would be counted against the wrong saver.
    gc.disable()
    try:
        for turn in range(rounds + 1):
            gc.collect()
            for saver in SAVERS:
                data, dump_seconds = _timed(saver.dumps, model)
                _, load_seconds = _timed(saver.loads, data)
                sizes[saver.name] = len(data)
                if turn:
                    times[saver.name][0].append(dump_seconds)
                    times[saver.name][1].append(load_seconds)
    finally:
        gc.enable()
    return {
        name: Figures(sizes[name], median(dump_times), median(load_times))
        for name, (dump_times, load_times) in times.items()
    }


def _timed(step: Callable[[Any], Any], value: Any) -> tuple[Any, float]:
    start = perf_counter()
    result = step(value)
    return result, perf_counter() - start
