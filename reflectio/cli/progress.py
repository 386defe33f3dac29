"""A progress bar on standard error, for work that may take long."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from reflectio.cli.console import printable, stderr
from reflectio.cli.files import STANDARD_INPUT, label

__all__ = ["patience", "progress", "tracked"]

Advance = Callable[[float, str], None]

# Reading fewer bytes takes no time that anybody would notice.
_LONG = 1 << 26


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


def tracked(files: Sequence[str], title: str) -> Iterator[str]:
    """Give the files one after the other, with a progress bar, as `progress` shows it, where they may take long."""
    if len(files) < 2:
        for file in files:
            with patience(file, title):
                yield file
        return
    with progress(title, len(files)) as advance:
        for file in files:
            advance(0, label(file))
            yield file
            advance(1, "")


@contextmanager
def patience(file: str, title: str) -> Iterator[None]:
    """Show that something is being done with one file, where it is a large one."""
    size = 0
    # That it cannot be read is for its reader to say.
    with suppress(OSError):
        size = 0 if file == STANDARD_INPUT else os.stat(file).st_size
    if size < _LONG:
        yield
        return
    with progress(title, None) as advance:
        advance(0, label(file))
        yield
