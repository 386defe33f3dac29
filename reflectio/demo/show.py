"""What the demonstration prints."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from reflectio.demo.run import Outcome, Report, run
from reflectio.demo.timing import Figures

# How much of a document is shown.
_LINES = 16
_COLUMNS = 100

_DOCUMENT_OF = {"reflectio": "binary", "as JSON": "json"}


def main(folder: Path | None, *, rounds: int, as_json: bool) -> bool:
    """
    Run the demonstration and print its report.

    Parameters
    ----------
    folder : Path or None
        Where the documents go; None for a new temporary folder, which stays.
    rounds : int
        How often each measurement is taken.
    as_json : bool
        Whether to print JSON instead of a table.

    Returns
    -------
    bool
        Whether every document agrees with the model that it was made of.
    """
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="reflectio-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    # Progress is for whoever waits; the report may be piped elsewhere.
    progress = Console(stderr=True)
    with progress.status("starting") as status:
        report = run(folder, rounds=rounds, tell=_teller(progress, status))
    if as_json:
        print(json.dumps(as_members(report), indent=2))
    else:
        _print(report, Console())
    return report.agrees


def _teller(console: Console, status: Status) -> Callable[[str], None]:
    """What shows a step: in one line that changes, or a line for each where a terminal is missing."""
    return status.update if console.is_terminal else console.print


def as_members(report: Report) -> dict[str, Any]:
    """The report as JSON values: times in seconds, sizes in bytes."""
    return {
        "agrees": report.agrees,
        "folder": str(report.folder),
        "rounds": report.rounds,
        "models": [_outcome_members(outcome) for outcome in report.outcomes],
    }


def _outcome_members(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "title": outcome.title,
        "compared": outcome.methods,
        "documents": {
            name: {
                "path": str(document.path),
                "nbytes": document.nbytes,
                "agrees": document.agrees,
                "problem": document.problem or None,
                "audit": {"ok": document.audit_ok, "names": document.names, "notices": document.notices},
            }
            for name, document in outcome.documents.items()
        },
        "savers": {
            name: {
                "nbytes": figures.nbytes,
                "dump_seconds": figures.dump_seconds,
                "load_seconds": figures.load_seconds,
            }
            for name, figures in outcome.figures.items()
        },
    }


def _print(report: Report, console: Console) -> None:
    table = Table(title=f"Saving and loading in memory, median of {report.rounds} turns")
    for heading in ("model", "saved by"):
        table.add_column(heading, no_wrap=True)
    for heading in ("kB", "dump ms", "load ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("predictions", no_wrap=True)
    for outcome in report.outcomes:
        for row, (saver, figures) in enumerate(outcome.figures.items()):
            about = (outcome.name, outcome.title)[row] if row < 2 else ""
            table.add_row(about, saver, *_cells(figures), _verdict(outcome, saver))
        table.add_section()
    console.print(table)
    for document in report.documents():
        if not document.agrees:
            console.print(f"{document.path.name}: {document.problem}", style="red", markup=False)
    documents = list(report.documents())
    agreeing = sum(not document.problem for document in documents)
    audited = sum(document.audit_ok for document in documents)
    console.print(
        f"A second process loaded the documents: {agreeing} of {len(documents)} predict what the fitted model "
        f"predicted, bit for bit. Audited before: {audited} of {len(documents)} need no name beyond the default policy."
    )
    console.print(f"The documents are in {report.folder}", soft_wrap=True, highlight=False)
    shown = documents[1].path
    console.print(f"\n{shown.name} begins:", highlight=False)
    with shown.open(encoding="utf-8") as file:
        for line in islice(file, _LINES):
            text = line.rstrip("\n")
            cut = text if len(text) <= _COLUMNS else f"{text[:_COLUMNS]} ..."
            console.print(f"  {cut}", markup=False, highlight=False, soft_wrap=True)


def _cells(figures: Figures) -> tuple[str, str, str]:
    return (
        f"{figures.nbytes / 1000:,.1f}",
        f"{figures.dump_seconds * 1000:.2f}",
        f"{figures.load_seconds * 1000:.2f}",
    )


def _verdict(outcome: Outcome, saver: str) -> str:
    name = _DOCUMENT_OF.get(saver)
    if name is None:
        return ""
    return "[red]differ[/red]" if outcome.documents[name].problem else "the same"
