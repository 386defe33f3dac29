"""What the demonstration does, and the report of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import define, field

import reflectio
from reflectio.demo.models import CASES, Case, answers
from reflectio.demo.timing import Figures, measure

# How long the second process may take for all documents.
_PATIENCE_SECONDS = 600

_SUFFIXES = {"binary": ".rfl", "json": ".json"}


@define
class Document:
    """A document of the demonstration: where it is, what an audit says of it, what its model predicts elsewhere."""

    path: Path
    nbytes: int
    audit_ok: bool
    names: int
    notices: int
    problem: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the audit passed, and the second process predicted the same."""
        return self.audit_ok and not self.problem


@define
class Outcome:
    """What came of a case."""

    name: str
    title: str
    methods: list[str]
    documents: dict[str, Document] = field(factory=dict)
    figures: dict[str, Figures] = field(factory=dict)


@define
class Report:
    """What came of all cases."""

    folder: Path
    rounds: int
    outcomes: list[Outcome] = field(factory=list)

    @property
    def agrees(self) -> bool:
        """Whether every document of every case does."""
        return all(document.agrees for document in self.documents())

    def documents(self) -> Iterator[Document]:
        """All documents, in the order of the cases."""
        for outcome in self.outcomes:
            yield from outcome.documents.values()


def run(folder: Path, *, rounds: int, tell: Callable[[str], None], cases: tuple[Case, ...] = CASES) -> Report:
    """
    Fit the cases, dump, audit and time them, and have a second process load them.

    Parameters
    ----------
    folder : Path
        Where the documents go.
    rounds : int
        How often each measurement is taken.
    tell : callable
        Is told what is going on.
    cases : tuple of Case
        What to fit.

    Returns
    -------
    Report
        What came of it.
    """
    report = Report(folder, rounds)
    expected: list[dict[str, str]] = []
    for case in cases:
        tell(f"{case.name}: fitting")
        model = case.fit()
        expected.append(answers(case.name, model))
        outcome = Outcome(case.name, case.title, list(expected[-1]))
        report.outcomes.append(outcome)
        tell(f"{case.name}: dumping and auditing")
        for name in _SUFFIXES:
            outcome.documents[name] = _dump(model, case, name, folder)
        tell(f"{case.name}: timing")
        outcome.figures = measure(model, rounds)
    tell("loading all documents in a second process")
    _compare_elsewhere(report, expected)
    return report


def _dump(model: Any, case: Case, format: Any, folder: Path) -> Document:
    path = folder / f"{case.name}{_SUFFIXES[format]}"
    reflectio.dump(model, path, format=format, metadata={"about": f"{case.name}: {case.title}"})
    audit = reflectio.audit(path, policy=reflectio.Policy.default())
    problem = "" if audit.ok else f"the audit refuses {', '.join(use.name for use in audit.untrusted)}"
    return Document(path, path.stat().st_size, audit.ok, len(audit.names), len(audit.notices), problem)


def _compare_elsewhere(report: Report, expected: list[dict[str, str]]) -> None:
    """Record the problem of each document whose model does not predict in another process what it did here."""
    pairs = [
        (outcome.name, document, answer)
        for outcome, answer in zip(report.outcomes, expected, strict=True)
        for document in outcome.documents.values()
    ]
    arguments = [part for name, document, _ in pairs for part in (name, str(document.path))]
    answered = subprocess.run(
        [sys.executable, "-m", "reflectio.demo.child", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    lines = answered.stdout.splitlines()
    for index, (_, document, answer) in enumerate(pairs):
        if index < len(lines):
            problem = _difference(json.loads(lines[index]), answer)
        else:
            last = (answered.stderr.strip().splitlines() or ["it said nothing"])[-1]
            problem = f"the second process ended with status {answered.returncode}: {last}"
        document.problem = document.problem or problem


def _difference(found: dict[str, str], expected: dict[str, str]) -> str:
    if "error" in found:
        return found["error"]
    differing = [method for method in expected if found.get(method) != expected[method]]
    return f"another result of {', '.join(differing)}" if differing else ""
