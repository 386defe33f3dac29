"""How a comparison looks on a terminal: what changed by kind, changes of like places together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.text import Text

from reflectio.cli.outline_view import broken, titled
from reflectio.inspection.comparison import KINDS, Change, Diff
from reflectio.inspection.text import number, plural, share

_TITLES = {
    "structure": "structure",
    "parameter": "parameters",
    "learned": "learned values",
    "version": "versions",
    "metadata": "metadata",
}

# Changes in more places that differ by a position only become one line.
_ALIKE = 3

# Of one kind, so many lines are printed, unless all are asked for.
_LINES = 30

_POSITION = re.compile(r"\[[0-9]+\]")


def diff_lines(
    found: Diff, before: str, after: str, width: int | None, *, everything: bool
) -> Iterator[Text]:
    """
    Write a comparison.

    Parameters
    ----------
    found : Diff
        The comparison.
    before, after : str
        What the files are called.
    width : int or None
        How long a line may be; None where that does not matter.
    everything : bool
        Whether every change has a line of its own.
    """
    pad = max(len(before), len(after))
    for sign, style, name, title in (("-", "red", before, found.before), ("+", "green", after, found.after)):
        yield from titled(Text.assemble((f"{sign} ", style), (f"{name:<{pad}}", "bold")), title, width)
    if found.same:
        yield Text("no difference", "green")
        return
    counts = [(kind, len(found.of_kind(kind))) for kind in KINDS]
    yield Text(", ".join(f"{_TITLES[kind]}: {count:,}" for kind, count in counts if count), "yellow")
    for kind, count in counts:
        if not count:
            continue
        yield Text()
        yield Text(_TITLES[kind], "bold")
        rows = [*_rows(found.of_kind(kind), everything=everything)]
        shown = rows if everything else rows[:_LINES]
        pad = min(max(len(path) for path, _ in shown), 48)
        for path, text in shown:
            yield from _row(path, text, pad, width)
        if len(rows) > len(shown):
            yield Text(f"  … {len(rows) - len(shown):,} more: --all, or --json", "dim")


def _rows(changes: tuple[Change, ...], *, everything: bool) -> Iterator[tuple[str, str]]:
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(_POSITION.sub("[*]", change.path), []).append(change)
    for pattern, group in groups.items():
        if len(group) <= _ALIKE or everything:
            for change in group:
                yield change.path, change.text()
        else:
            yield pattern, _together(group)


def _together(group: list[Change]) -> str:
    measured = [change for change in group if change.absolute is not None]
    if not measured:
        return f"in {plural(len(group), 'place')}, first {group[0].path}: {group[0].text()}"
    most = max(measured, key=lambda change: change.absolute or 0.0)
    relative = max(change.relative or 0.0 for change in measured)
    by = f"{number(most.absolute)} ({share(relative)})"
    return f"in {plural(len(group), 'place')}, by up to {by}, the most at {most.path}"


def _row(path: str, text: str, pad: int, width: int | None) -> Iterator[Text]:
    line = Text.assemble("  ", (f"{path:<{pad}}", "cyan"), "  ", text)
    if width is None or len(line) <= width:
        yield line
        return
    yield Text.assemble("  ", (path, "cyan"))
    yield from (Text(f"      {part}") for part in broken(text, max(20, width - 6)))
