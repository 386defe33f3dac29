"""What a run finds: figures, what could not be measured, and the arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from attrs import define, field, frozen

Unit = Literal["s", "B", "x", ""]


@frozen
class Figure:
    """
    One number.

    Parameters
    ----------
    group, subject, operation, saver : str
        What was measured: where, on what, doing what, by whom.
    value : float
        The best of several rounds where it is a time.
    unit : {"s", "B", "x", ""}
        Seconds, bytes, a ratio, or a plain number.
    median : float, optional
        Of the rounds.
    rounds : int
        How many there were.
    """

    group: str
    subject: str
    operation: str
    saver: str
    value: float
    unit: Unit = "s"
    median: float | None = None
    rounds: int = 1


@frozen
class Skip:
    """What was not measured, and why; an empty ``saver`` or ``subject`` means all of them."""

    group: str
    subject: str
    saver: str
    reason: str


@define
class Results:
    """All that a run has found so far."""

    figures: list[Figure] = field(factory=list)
    skips: list[Skip] = field(factory=list)
    notes: dict[str, str] = field(factory=dict)
    done: dict[str, float] = field(factory=dict)

    def values(self, group: str, operation: str, saver: str) -> dict[str, float]:
        """By subject, in the order of measurement."""
        return {
            figure.subject: figure.value
            for figure in self.figures
            if (figure.group, figure.operation, figure.saver) == (group, operation, saver)
        }

    def value(self, group: str, subject: str, operation: str, saver: str) -> float | None:
        """One of them."""
        return self.values(group, operation, saver).get(subject)

    def ratios(
        self, group: str, operation: str, saver: str, base: str = "pickle", base_operation: str | None = None
    ) -> dict[str, float]:
        """A saver's values as multiples of another's, by subject, for subjects that have both."""
        against = self.values(group, base_operation or operation, base)
        return {
            subject: value / against[subject]
            for subject, value in self.values(group, operation, saver).items()
            if against.get(subject)
        }

    def subjects(self, group: str) -> list[str]:
        """Of a group, in the order of measurement."""
        return list(dict.fromkeys(figure.subject for figure in self.figures if figure.group == group))

    def operations(self, group: str) -> list[str]:
        """Of a group, in the order of measurement."""
        return list(dict.fromkeys(figure.operation for figure in self.figures if figure.group == group))

    def savers(self, group: str) -> list[str]:
        """Of a group, in the order of measurement."""
        return list(dict.fromkeys(figure.saver for figure in self.figures if figure.group == group))


def percentile(values: Iterable[float], percent: float) -> float:
    """
    The value below which ``percent`` of the values lie, interpolated linearly between neighbours, as numpy does.

    Examples
    --------
    >>> percentile([1.0, 2.0, 3.0, 4.0, 5.0], 90)
    4.6
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("there is no percentile of no values")
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def exponent(sizes: Iterable[float], costs: Iterable[float]) -> float:
    """
    The power of the size with which a cost grows: 1 is linear, 2 is quadratic.

    The slope of the least-squares line through the logarithms.

    Examples
    --------
    >>> round(exponent([1, 10, 100], [3, 30, 300]), 6)
    1.0
    """
    points = [(math.log(size), math.log(cost)) for size, cost in zip(sizes, costs, strict=True)]
    if len(points) < 2:
        raise ValueError("growth needs two sizes at least")
    middle = sum(x for x, _ in points) / len(points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * y for x, y in points) / spread
