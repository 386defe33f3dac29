"""``python -m bench``: measures, shows how far it is, and writes a report."""

from __future__ import annotations

import tempfile
import warnings
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import groups, report, subjects
from bench.figures import Results, Skip
from bench.machine import described
from bench.profiles import PROFILES
from bench.savers import installed
from bench.session import Session
from bench.targets import rows

_DEFAULT_FOLDER = Path(".cache", "bench")

ProfileName = StrEnum("ProfileName", {name: name for name in PROFILES})
_CLOCKS = {"elapsed": perf_counter, "processor": process_time}
ClockName = StrEnum("ClockName", {name: name for name in _CLOCKS})
_DEFAULT_CLOCK = ClockName("elapsed")
_DEFAULT_PROFILE = ProfileName("default")
GroupName = StrEnum("GroupName", {name: name for name in groups.NAMES})

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command()
def main(
    profile: Annotated[
        ProfileName,
        typer.Option(help="How much to measure: short takes up to two minutes, default ten, full thirty."),
    ] = _DEFAULT_PROFILE,
    only: Annotated[
        list[GroupName] | None, typer.Option(help="Measure this group; may be given several times.")
    ] = None,
    clock: Annotated[
        ClockName,
        typer.Option(
            help="What times are measured by: processor leaves out what other processes take, and waiting for the disk."
        ),
    ] = _DEFAULT_CLOCK,
    output: Annotated[
        Path | None, typer.Option(help="The folder for the report; by default a new one under .cache/bench.")
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Keep what the folder's summary.json has, and measure the other groups.")
    ] = False,
) -> None:
    """Measure reflectio beside other ways of saving models, and write a report about it."""
    warnings.simplefilter("ignore")
    folder = output or _DEFAULT_FOLDER / datetime.now().strftime("%Y-%m-%d-%H%M%S")
    chosen = [name for name in groups.NAMES if not only or name in [str(one) for one in only]]
    savers, missing = installed()
    about = described(savers) | {"times": f"{clock}, the best of the rounds"}
    results = Results()
    if resume and (folder / "summary.json").exists():
        _, _, results = report.read(folder)
        chosen = [name for name in chosen if name not in results.done]
    console = Console(stderr=True)
    for absent in missing:
        console.print(f"[yellow]{absent.name} is left out: {absent.reason}[/yellow]")
        about[absent.name] = absent.reason
    begun = perf_counter()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[current]}"),
        console=console,
    ) as progress:
        total = progress.add_task("all", total=len(chosen), current="")
        for name in chosen:
            task = progress.add_task(f"  {name}", total=1.0, current="")

            def show(current: str, part: float, task: object = task) -> None:
                progress.update(task, completed=part, current=current)  # type: ignore[arg-type]

            with tempfile.TemporaryDirectory(prefix="reflectio-bench-") as files:
                session = Session(
                    PROFILES[str(profile)], savers, Path(files), results, show, begun, _CLOCKS[str(clock)]
                )
                measure(name, session)
            progress.update(task, completed=1.0, current="")
            progress.advance(total)
            about["took"] = f"{perf_counter() - begun:.0f} s"
            # What is there stays there, whatever happens to what follows.
            report.write_summary(folder, str(profile), about, results)
    subjects.forget()
    report.write(folder, str(profile), about, results)
    _show(results)
    print(folder / "report.html")


def measure(name: str, session: Session) -> None:
    """Run a group; if it fails, what it found so far is kept, and the failure noted."""
    begun = perf_counter()
    try:
        groups.group(name).run(session)
    except Exception as error:
        session.results.skips.append(Skip(name, "", "", f"the group failed: {type(error).__name__}: {error}"))
    session.results.done[name] = perf_counter() - begun


def _show(results: Results) -> None:
    table = Table(title="Targets")
    for header in ("work", "target", "figure", ""):
        table.add_column(header, justify="right" if header == "figure" else "left")
    for row in rows(results):
        if row.met is not None:
            table.add_row(row.work, row.target, row.figure, "[green]met" if row.met else "[red]not met")
    Console().print(table)


if __name__ == "__main__":
    app()
