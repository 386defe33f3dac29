"""What has to be reached: each target, what was measured, and whether it is met."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator

from attrs import frozen

from bench.figures import Results, exponent, percentile
from bench.memory import RESOLUTION

# Figures below this are shown by their first digits.
_LOOSE = 5e-3

_NEIGHBOURS = "80 MB of neighbours"

# Growth is looked at from this size on: below it, memory is used again that is in the processor's cache, and what does
# not depend on the size counts for more.
_LARGE_MB = 64

# As many threads as the machine has cores could be as many times as quick; this much of it is asked for.
_SPEED_UP = 1.2


@frozen
class Target:
    """
    A limit for one figure.

    Parameters
    ----------
    group : str
        Whose figures it is computed from.
    work : str
        What is done.
    limit : float
        What the figure may be at most, or at least.
    figure : callable
        Computes it; None where nothing was measured that it could be computed from.
    least : bool
        Whether the limit is from below.
    unit : str
        ``x`` for ratios, ``ms``, ``s``, or nothing.
    """

    group: str
    work: str
    limit: float
    figure: Callable[[Results], float | None]
    least: bool = False
    unit: str = "x"

    @property
    def stated(self) -> str:
        """The limit in words."""
        return f"at {'least' if self.least else 'most'} {said(self.limit, self.unit)}"

    def met(self, figure: float) -> bool:
        """Whether the figure, rounded as it is shown, is within the limit."""
        if math.isnan(figure):
            return False
        shown = _rounded(figure)
        return shown >= self.limit if self.least else shown <= self.limit


@frozen
class Row:
    """A line of the table of targets; ``figure`` and ``met`` are None where nothing was measured."""

    work: str
    target: str
    figure: str | None
    met: bool | None


def _rounded(value: float) -> float:
    return float(f"{value:.2f}") if abs(value) >= _LOOSE else float(f"{value:.2g}")


def said(value: float, unit: str) -> str:
    """A number with two decimals, or two digits where it is small, and its unit."""
    text = f"{_rounded(value):g}" if abs(value) < _LOOSE else f"{value:,.2f}"
    if unit == "bytes" or not unit:
        text = text.removesuffix(".00")
    return {"x": f"{text}x", "": text}.get(unit, f"{text} {unit}")


def rows(results: Results) -> list[Row]:
    """The table; a target whose group did not run is in it without a figure."""
    table = []
    for target in TARGETS:
        figure = target.figure(results)
        if figure is None:
            table.append(Row(target.work, target.stated, None, None))
        else:
            table.append(Row(target.work, target.stated, said(figure, target.unit), target.met(figure)))
    return table


# -- what the figures are computed from ---------------------------------------------------------------------------


def _over_zoo(operation: str, percent: float) -> Callable[[Results], float | None]:
    def figure(results: Results) -> float | None:
        ratios = results.ratios("zoo", operation, "reflectio").values()
        return percentile(ratios, percent) if ratios else None

    return figure


def _ratio(
    group: str, subject: str, operation: str, base_operation: str | None = None
) -> Callable[[Results], float | None]:
    def figure(results: Results) -> float | None:
        return results.ratios(group, operation, "reflectio", base_operation=base_operation).get(subject)

    return figure


def _mapped(results: Results) -> float | None:
    times = results.values("mapped", "load, mapped", "reflectio").values()
    return max(times) * 1e3 if times else None


def _against_pymilo(
    operation: str, choose: Callable[[list[float]], float]
) -> Callable[[Results], float | None]:
    def figure(results: Results) -> float | None:
        ratios = list(results.ratios("json", operation, "pymilo", base="reflectio").values())
        return choose(ratios) if ratios else None

    return figure


def _median(values: Iterable[float]) -> float:
    return percentile(values, 50)


def _most(values: Iterator[float]) -> float | None:
    return max(values, default=None)


def dump_peaks(results: Results) -> dict[str, float]:
    """Per model: the most that a dump took, of header, largest array, and what the system does not tell apart."""
    array, header = (
        results.values("memory", "largest array", ""),
        results.values("memory", "header", "reflectio"),
    )
    return {
        name: peak / (array[name] + header[name] + RESOLUTION)
        for name, peak in results.values("memory", "peak of dump", "reflectio").items()
        if name in array and name in header
    }


def load_peaks(results: Results, group: str = "memory", saver: str = "reflectio") -> dict[str, float]:
    """Per model: the most that a load took, of what the model takes, and of what the system does not tell apart."""
    own = results.values(group, "own", "")
    return {
        name: peak / (own[name] + RESOLUTION)
        for name, peak in results.values(group, "peak of load", saver).items()
        if own.get(name)
    }


def sizes(results: Results, family: str, operation: str, saver: str) -> tuple[list[float], list[float]]:
    """How a figure of the group growth depends on the size: bytes, and figures."""
    points = []
    for name, value in results.values("growth", operation, saver).items():
        megabytes, _, of = name.partition(" MB, ")
        if of == family:
            points.append((float(megabytes.replace(",", "")) * 1e6, value))
    points.sort()
    return [size for size, _ in points], [value for _, value in points]


def _power(operation: str) -> Callable[[Results], float | None]:
    """The greater of the two families'."""

    def figure(results: Results) -> float | None:
        powers = (power(results, family, operation, "reflectio") for family in ("neighbours", "forest"))
        return _most(one for one in powers if one is not None)

    return figure


def power(results: Results, family: str, operation: str, saver: str) -> float | None:
    """With which power of the size a figure grows, from the sizes on that are large."""
    points = [
        (size, value)
        for size, value in zip(*sizes(results, family, operation, saver), strict=True)
        if size >= _LARGE_MB * 1e6 and value > 0
    ]
    return exponent(*zip(*points, strict=True)) if len(points) > 1 else None


def _kept(results: Results) -> float | None:
    return _most(iter(results.values("kept", "unused", "reflectio").values()))


def speed_ups(results: Results, saver: str, count: int) -> dict[str, float]:
    """Per model: how many times as fast several threads are as one."""
    alone = results.values("threads", "1 threads", saver)
    return {
        name: alone[name] / taken
        for name, taken in results.values("threads", f"{count} threads", saver).items()
    }


def _speed_up(results: Results) -> float | None:
    if (os.cpu_count() or 1) < 2:
        return None
    return speed_ups(results, "reflectio", 2).get(_NEIGHBOURS)


def _wrong(results: Results) -> float | None:
    return _most(iter(results.values("threads", "not the same", "reflectio").values()))


def _per_estimator(operation: str) -> Callable[[Results], float | None]:
    def figure(results: Results) -> float | None:
        values = results.values("many", operation, "reflectio")
        return values["10,000"] / values["10"] if "10" in values and "10,000" in values else None

    return figure


def _processor(command: str) -> Callable[[Results], float | None]:
    return lambda results: results.value("startup", command, "processor", "reflectio")


_MODELS = (
    ("100 deep trees", "forest of 100 deep trees", 0.8, 1.0),
    ("1,000 shallow trees", "forest of 1,000 shallow trees", 0.8, 1.0),
    ("gradient boosting of 300", "gradient boosting of 300", 0.8, 1.0),
    ("histogram boosting of 300", "histogram boosting of 300", 0.8, 1.0),
    ("270 MB forest", "270 MB forest (50 trees on 60,000 rows)", 1.0, 1.0),
    ("60,000 words", "text vectorizer with 60,000 words", 1.0, 1.0),
)

TARGETS: tuple[Target, ...] = (
    Target("zoo", "the zoo, median: dumps", 0.7, _over_zoo("dumps", 50)),
    Target("zoo", "the zoo, median: loads", 1.0, _over_zoo("loads", 50)),
    Target("zoo", "the zoo, 90th percentile: dumps", 1.0, _over_zoo("dumps", 90)),
    Target("zoo", "the zoo, 90th percentile: loads", 1.3, _over_zoo("loads", 90)),
    *(
        Target("models", f"{work}: {operation}", limit, _ratio("models", name, operation))
        for name, work, *limits in _MODELS
        for operation, limit in zip(("dumps", "loads"), limits, strict=True)
    ),
    Target("file", "80 MB of neighbours to a file: dump", 1.0, _ratio("file", _NEIGHBOURS, "dump")),
    Target(
        "file", "the same, flushed to disk and renamed", 1.0, _ratio("file", _NEIGHBOURS, "dump, durable")
    ),
    Target("file", "80 MB of neighbours from a file: load", 1.0, _ratio("file", _NEIGHBOURS, "load")),
    Target("file", "the same, mapped", 0.05, _ratio("file", _NEIGHBOURS, "load, mapped", "load")),
    Target("mapped", "mapped load at any size, the slowest", 2.0, _mapped, unit="ms"),
    Target("zoo", "the zoo, median: size", 1.1, _over_zoo("size", 50)),
    Target("zoo", "the zoo, 90th percentile: size", 1.4, _over_zoo("size", 90)),
    Target(
        "memory",
        "dump to a file: peak beyond the model, of header and largest array",
        1.0,
        lambda results: _most(iter(dump_peaks(results).values())),
    ),
    Target(
        "memory",
        "load from a file: peak, of the model's own size",
        1.05,
        lambda results: _most(iter(load_peaks(results).values())),
    ),
    Target("kept", "bytes that arrays of a loaded model keep alive unused", 0.0, _kept, unit="bytes"),
    Target("growth", "time of dump: power of the size", 1.1, _power("dump"), unit=""),
    Target("growth", "time of load: power of the size", 1.1, _power("load"), unit=""),
    Target("growth", "memory of load: power of the size", 1.05, _power("peak of load"), unit=""),
    Target("threads", "documents that came out wrong, loaded by several threads", 0.0, _wrong, unit=""),
    Target("threads", "80 MB of neighbours: two threads' speed-up", _SPEED_UP, _speed_up, least=True),
    Target("many", "loads per estimator, of 10,000 against 10", 1.0, _per_estimator("loads per estimator")),
    Target(
        "many",
        "the same, of 10,000 in one document against 1,000 documents of 10",
        1.0,
        _per_estimator("loads per estimator, kept"),
    ),
    Target("json", "JSON, median: PyMilo's dumps", 10.0, _against_pymilo("dumps", _median), least=True),
    Target("json", "JSON, median: PyMilo's loads", 10.0, _against_pymilo("loads", _median), least=True),
    Target("json", "JSON, every model: PyMilo's dumps", 10.0, _against_pymilo("dumps", min), least=True),
    Target("json", "JSON, every model: PyMilo's loads", 10.0, _against_pymilo("loads", min), least=True),
    Target("startup", "reflectio --help: processor time", 0.3, _processor("reflectio --help"), unit="s"),
    Target(
        "startup",
        "reflectio audit small.json: processor time",
        0.3,
        _processor("reflectio audit small.json"),
        unit="s",
    ),
)
