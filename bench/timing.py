"""Timing in turns: what is compared runs one after the other, round by round, so that drift hits all alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any

from attrs import field, frozen

# What is timed at all is timed so often.
LEAST_ROUNDS = 3
# What takes so many times its share of seconds when it is done first is not done again: the first time is often slow.
_PATIENCE = 10

Clock = Callable[[], float]


@frozen
class Job:
    """What is timed: a call, and what comes before each. Freeing what the call returns is not timed either."""

    call: Callable[[], Any]
    prepare: Callable[[], Any] | None = None


@frozen
class Timing:
    """What a job takes, in seconds: the mean of each turn."""

    turns: tuple[float, ...] = field()

    @turns.validator
    def _has_turns(self, _: Any, turns: tuple[float, ...]) -> None:
        if not turns:
            raise ValueError("a timing needs a turn at least")

    @property
    def best(self) -> float:
        """Of all turns: what the job takes where nothing else gets in its way."""
        return min(self.turns)

    @property
    def median(self) -> float:
        """Of all turns."""
        return median(self.turns)


def interleave(
    jobs: Mapping[Any, Job], *, rounds: int, seconds: float, turn: float, clock: Clock = perf_counter
) -> tuple[dict[Any, Timing], dict[Any, Exception]]:
    """
    Time jobs in turns.

    Parameters
    ----------
    jobs : dict of Job
        What is timed, by any key.
    rounds : int
        How often each job's turn comes, at most.
    seconds : float
        A job that has taken more than this in all sits out further rounds, if it had three; one that takes ten times
        as much the first time is done only then.
    turn : float
        The seconds that a turn should last at least: quick jobs are done several times in it.

    clock : callable
        Says what time it is, in seconds.

    Returns
    -------
    timings : dict of Timing
        By the job's key.
    errors : dict of Exception
        Of the jobs that failed.
    """
    turns: dict[Any, list[float]] = {}
    errors: dict[Any, Exception] = {}
    times: dict[Any, int] = {}
    # A collection of garbage in the midst of a turn would be counted against the wrong job.
    enabled = gc.isenabled()
    gc.disable()
    # And a collection between rounds need not look at what was there before.
    gc.freeze()
    try:
        for key, job in jobs.items():
            try:
                taken = _warmed_up(job, seconds, clock)
            except Exception as error:
                errors[key] = error
                continue
            turns[key] = [taken] if taken > _PATIENCE * seconds else []
            times[key] = max(1, min(1_000, round(turn / max(taken, 1e-9))))
        waiting = [key for key, first in turns.items() if not first]
        for number in range(rounds):
            gc.collect()
            for key in _order(waiting, number):
                turns[key].append(_turn(jobs[key], times[key], clock))
            if number + 1 >= LEAST_ROUNDS:
                waiting = [key for key in waiting if sum(turns[key]) * times[key] < seconds]
            if not waiting:
                break
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()
    return {key: Timing(tuple(taken)) for key, taken in turns.items()}, errors


def _order(keys: list[Any], number: int) -> list[Any]:
    """Each is first at times, and after each other one: it finds memory as that one left it."""
    shift = number // 2 % max(1, len(keys))
    return (keys[shift:] + keys[:shift])[:: (-1) ** number]


def _warmed_up(job: Job, seconds: float, clock: Clock) -> float:
    """What a job takes the second time, or the first if it takes long: the first fills caches, and says little."""
    taken = _turn(job, 1, clock)
    return taken if taken > _PATIENCE * seconds else _turn(job, 1, clock)


def _turn(job: Job, times: int, clock: Clock) -> float:
    total = 0.0
    for _ in range(times):
        if job.prepare is not None:
            job.prepare()
        start = clock()
        result = job.call()
        total += clock() - start
        del result
    return total / times
