"""A progress bar on standard error, for work that may take long."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

from reflectio.cli.console import printable, stderr

__all__ = ["progress", "tracked"]

T = TypeVar("T")

Advance = Callable[[float, str], None]


@contextmanager
def progress(title: str, total: float | None) -> Iterator[Advance]:
    """
    Show how far some work is, on a terminal only, until it is done; what there is to print is printed afterwards.

    Parameters
    ----------
    title : str
        What is being done.
    total : float or None
        How much there is to do, in any unit; None: not known.

    Yields
    ------
    callable
        To be called with how much was done since the last call, and with what is being done now (a file's name,
        or an empty text).
    """
    console = stderr()
    if not console.is_terminal:
        yield lambda done, now: None
        return
    # Importing it takes longer than most commands run.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[now]}", markup=False),
    )
    # Standard output may go elsewhere than standard error: rich would send what is printed meanwhile after the bar.
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    with bar:
        task = bar.add_task(title, total=total, now="")

        def advance(done: float, now: str) -> None:
            bar.update(task, advance=done, now=printable(now))

        yield advance


def tracked(items: Collection[T], title: str, name: Callable[[T], str] = str) -> Iterator[T]:
    """Give the items one after the other, with a progress bar, as `progress` shows it, where there are several."""
    if len(items) < 2:
        yield from items
        return
    with progress(title, len(items)) as advance:
        for item in items:
            advance(0, name(item))
            yield item
            advance(1, "")
