"""The tables of the report, the same for HTML and Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from attrs import frozen

from bench.figures import Results, Unit, percentile
from bench.savers import ORDER
from bench.targets import power, rows

_FAMILIES = {"neighbours": "one array", "forest": "trees of 1 MB"}


@frozen
class Table:
    """Text in rows; the first column is what the row is about."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def amount(value: float, unit: Unit) -> str:
    """
    A figure with its unit, for people.

    Examples
    --------
    >>> amount(0.00123, "s"), amount(2_500_000, "B"), amount(1.5, "x")
    ('1.23 ms', '2.5 MB', '1.50x')
    """
    if unit == "s":
        for factor, name in ((1, "s"), (1e3, "ms")):
            if value * factor >= 1:
                return f"{value * factor:,.2f} {name}"
        return f"{value * 1e6:,.1f} µs"
    if unit == "B":
        for factor, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if value >= factor:
                return f"{value / factor:,.1f} {name}"
        return f"{value:,.0f} B"
    return f"{value:,.2f}x" if unit == "x" else f"{value:,.0f}"


def targets(results: Results) -> Table:
    """What had to be reached, and was or was not."""
    verdicts = {True: "met", False: "**not met**", None: "not measured"}
    return Table(
        "Targets",
        ("work", "target", "figure", ""),
        [(row.work, row.target, row.figure or "", verdicts[row.met]) for row in rows(results)],
    )


def _ordered(savers: Sequence[str]) -> list[str]:
    return sorted(savers, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def _pair(results: Results, group: str, subject: str, saver: str, operations: tuple[str, str]) -> str:
    ratios = [results.ratios(group, operation, saver).get(subject) for operation in operations]
    return " / ".join("" if ratio is None else f"{ratio:.2f}" for ratio in ratios) if any(ratios) else ""


def times(results: Results, group: str, operations: tuple[str, str], title: str) -> Table:
    """Each saver's two times as multiples of pickle's, and pickle's own."""
    savers = _ordered(results.savers(group))
    lines = []
    for subject in results.subjects(group):
        own = [results.value(group, subject, operation, "pickle") for operation in operations]
        shown = " / ".join("" if value is None else amount(value, "s") for value in own)
        lines.append(
            (
                subject,
                shown,
                *(_pair(results, group, subject, name, operations) for name in savers if name != "pickle"),
            )
        )
    return Table(
        title,
        (" / ".join(operations), "pickle", *(f"{name}, of pickle's" for name in savers if name != "pickle")),
        lines,
    )


def overview(results: Results) -> Table:
    """The table for the README: the zoo, the models and the file, each saver as multiples of pickle."""
    savers = _ordered(
        [name for name in results.savers("zoo") or results.savers("models") if name != "pickle"]
    )
    lines = []
    zoo = results.subjects("zoo")
    if zoo:
        for percent, label in ((50, "median"), (90, "90th percentile")):
            cells = []
            for name in savers:
                found = [list(results.ratios("zoo", op, name).values()) for op in ("dumps", "loads")]
                cells.append(" / ".join(f"{percentile(f, percent):.2f}" for f in found) if all(found) else "")
            lines.append((f"{len(zoo)} estimators, {label}", *cells))
    for group, operations, suffix in (
        ("models", ("dumps", "loads"), ""),
        ("file", ("dump", "load"), ", file"),
    ):
        lines += [
            (subject + suffix, *(_pair(results, group, subject, name, operations) for name in savers))
            for subject in results.subjects(group)
        ]
    return Table("Beside pickle protocol 5", ("dumps / loads, of pickle's time", *savers), lines)


def _zoo(results: Results) -> list[Table]:
    savers = _ordered(results.savers("zoo"))
    total = len(results.subjects("zoo"))
    failed = Counter(skip.saver for skip in results.skips if skip.group == "zoo")
    lines = []
    for name in savers:
        cells = []
        for operation in ("dumps", "loads", "size"):
            found = results.ratios("zoo", operation, name).values()
            cells.append(" / ".join(f"{percentile(found, p):.2f}" for p in (10, 50, 90)) if found else "")
        lines.append((name, f"{total - failed[name]} of {total}", *cells))
    summary = Table(
        "As multiples of pickle's: 10th percentile / median / 90th percentile",
        ("", "saved and loaded", "dumps", "loads", "size"),
        lines,
    )
    return [summary, times(results, "zoo", ("dumps", "loads"), "Every estimator")]


def _sizes(results: Results) -> Table:
    savers = _ordered(results.savers("models"))
    lines = [
        (
            subject,
            *(
                ""
                if (value := results.value("models", subject, "size", name)) is None
                else amount(value, "B")
                for name in savers
            ),
        )
        for subject in results.subjects("models")
    ]
    return Table("Sizes", ("", *savers), lines)


def _growth(results: Results) -> list[Table]:
    lines = []
    for family, title in _FAMILIES.items():
        for operation in ("dump", "load", "peak of load"):
            cells = []
            for name in ("reflectio", "pickle"):
                found = power(results, family, operation, name)
                cells.append("" if found is None else f"{found:.2f}")
            lines.append((f"{title}: {operation}", *cells))
    return [
        Table("With which power of the size it grows", ("", "reflectio", "pickle"), lines),
        everything(results, "growth"),
    ]


def everything(results: Results, group: str) -> Table:
    """All figures of a group: a row for each subject and operation, a column for each saver."""
    savers = _ordered(results.savers(group))
    figures = {(f.subject, f.operation, f.saver): f for f in results.figures if f.group == group}
    lines = []
    for subject, operation in dict.fromkeys((subject, operation) for subject, operation, _ in figures):
        cells = [figures.get((subject, operation, name)) for name in savers]
        lines.append((subject, operation, *("" if f is None else amount(f.value, f.unit) for f in cells)))
    return Table("All figures", ("", "", *(name or "the model" for name in savers)), lines)


def _kept(results: Results) -> list[Table]:
    lines = []
    for name in ("as fitted", "reflectio", "pickle"):
        found = results.values("kept", "unused", name)
        some = sum(1 for value in found.values() if value)
        lines.append((name, f"{some} of {len(found)}", amount(max(found.values(), default=0), "B")))
    return [Table("Bytes that no array spans", ("", "models that keep some", "the most"), lines)]


def _json(results: Results) -> list[Table]:
    lines = []
    for operation in ("dumps", "loads"):
        found = list(results.ratios("json", operation, "pymilo", base="reflectio").values())
        if found:
            lines.append(
                (operation, str(len(found)), *(f"{percentile(found, p):.1f}x" for p in (0, 10, 50, 90, 100)))
            )
    header = ("", "models", "least", "10th percentile", "median", "90th percentile", "most")
    return [Table("PyMilo's time, of reflectio's JSON", header, lines), everything(results, "json")]


_TABLES: dict[str, Callable[[Results], list[Table]]] = {
    "zoo": _zoo,
    "models": lambda results: [times(results, "models", ("dumps", "loads"), "Times"), _sizes(results)],
    "file": lambda results: [times(results, "file", ("dump", "load"), "Times"), everything(results, "file")],
    "growth": _growth,
    "kept": _kept,
    "json": _json,
}


def tables(results: Results, group: str) -> list[Table]:
    """What is shown of a group."""
    if not results.subjects(group):
        return []
    return _TABLES.get(group, lambda results: [everything(results, group)])(results)


def from_markdown(text: str, title: str) -> list[Table]:
    """The tables of a Markdown text."""
    found: list[Table] = []
    lines: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            lines.append([cell.strip(" `*") for cell in line.strip().strip("|").split("|")])
        elif lines:
            found.append(Table(title, lines[0], lines[2:]))
            lines = []
    return found


def skipped(results: Results, group: str) -> list[str]:
    """What was not measured of a group, and why, like reasons together."""
    counted = Counter((skip.saver, skip.reason) for skip in results.skips if skip.group == group)
    subjects: dict[tuple[str, str], str] = {}
    for skip in results.skips:
        subjects.setdefault((skip.saver, skip.reason), skip.subject)
    lines = []
    for (saver, reason), count in counted.most_common():
        subject = subjects[saver, reason]
        on = f" on {count} models, such as {subject}" if count > 1 else f" on {subject}" if subject else ""
        lines.append(f"{saver}{on}: {reason}" if saver or on else reason)
    return lines
