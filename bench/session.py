"""What a group of benchmarks is given: the profile, the savers, a folder, somewhere to put figures, and progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

from attrs import field, frozen

from bench.figures import Figure, Results, Skip, Unit
from bench.profiles import Profile
from bench.savers import Saver
from bench.timing import LEAST_ROUNDS, Clock, Job, Timing, interleave

# A run is late when this much of its time is over: what is left to do then takes about as long as is left.
_PUNCTUAL = 0.6


@frozen
class Session:
    """
    One run.

    Parameters
    ----------
    profile : Profile
        How much to measure.
    savers : tuple of Saver
        What is compared.
    folder : Path
        For files, emptied by whoever made it.
    results : Results
        What was found.
    progress : callable
        Told the name of what is measured next, and which part of the group is done, from 0 to 1.
    begun : float
        When the run began, by `time.perf_counter`.
    clock : callable
        What times are measured by.
    """

    profile: Profile
    savers: tuple[Saver, ...]
    folder: Path
    results: Results = field(factory=Results)
    progress: Callable[[str, float], None] = lambda name, part: None
    begun: float = field(factory=perf_counter)
    clock: Clock = perf_counter

    @property
    def plain(self) -> tuple[Saver, ...]:
        """reflectio and pickle alone."""
        return tuple(saver for saver in self.savers if saver.name in ("reflectio", "pickle"))

    def add(
        self, group: str, subject: str, operation: str, saver: str, value: float, unit: Unit = "s"
    ) -> None:
        """Keep a figure."""
        self.results.figures.append(Figure(group, subject, operation, saver, value, unit))

    def skip(self, group: str, subject: str, saver: str, reason: str | BaseException) -> None:
        """Keep a reason for there being no figure."""
        if isinstance(reason, BaseException):
            text = str(reason).strip().splitlines()
            reason = f"{type(reason).__name__}: {text[0][:160]}" if text else type(reason).__name__
        self.results.skips.append(Skip(group, subject, saver, reason))

    def time(
        self,
        group: str,
        subject: str,
        jobs: dict[tuple[str, str], Job],
        rounds: int | None = None,
        clock: Clock | None = None,
        patience: float = 1.0,
    ) -> dict[tuple[str, str], Timing]:
        """Time jobs in turns, by saver and operation, for so many times as long as usual, and keep what they take."""
        late = perf_counter() - self.begun > _PUNCTUAL * 60 * self.profile.minutes
        wanted = rounds or self.profile.rounds
        timings, errors = interleave(
            jobs,
            rounds=min(wanted, LEAST_ROUNDS) if late else wanted,
            seconds=patience * self.profile.seconds,
            turn=self.profile.turn,
            clock=clock or self.clock,
        )
        for (saver, operation), timing in timings.items():
            self.results.figures.append(
                Figure(group, subject, operation, saver, timing.best, "s", timing.median, len(timing.turns))
            )
        for (saver, operation), error in errors.items():
            self.skip(group, subject, saver, f"{operation} fails: {type(error).__name__}: {str(error)[:120]}")
        return timings

    def steps(self, names: Iterable[Any]) -> Iterable[Any]:
        """The names, each said to be what is measured now."""
        listed = list(names)
        for number, name in enumerate(listed):
            self.progress(str(name), number / len(listed))
            yield name
        self.progress("", 1.0)


def in_memory(
    session: Session, group: str, subject: str, model: Any, savers: Iterable[Saver], rounds: int | None = None
) -> None:
    """
    Time savers on a model in memory, and keep sizes and times.

    A saver that fails to save the model, or gives something else back, is left out and noted.
    """
    jobs: dict[tuple[str, str], Job] = {}
    for saver in savers:
        try:
            data = saver.dumps(model)
            if type(saver.loads(data)) is not type(model):
                raise TypeError("loads something of another type")
        except Exception as error:
            session.skip(group, subject, saver.name, error)
            continue
        session.add(group, subject, "size", saver.name, len(data), "B")
        jobs[saver.name, "dumps"] = Job(lambda saver=saver: saver.dumps(model))
        jobs[saver.name, "loads"] = Job(lambda saver=saver, data=data: saver.loads(data))
    session.time(group, subject, jobs, rounds)


def willing(session: Session, group: str, subject: str, nbytes: float) -> list[Saver]:
    """The savers that are asked to save so many bytes; the others are noted."""
    asked = []
    for saver in session.savers:
        if saver.slow and nbytes > session.profile.slow_bytes:
            session.skip(group, subject, saver.name, f"takes too long in the {session.profile.name} profile")
        else:
            asked.append(saver)
    return asked
