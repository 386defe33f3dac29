"""``reflectio verify``: whether documents are whole, load here, and are written the same again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reflectio.cli.console import Console, literal, output, print_json, printable
from reflectio.cli.files import expand, label, source
from reflectio.cli.options import AsJson, Files, PolicyFile
from reflectio.cli.progress import tracked
from reflectio.cli.status import answer, explain

if TYPE_CHECKING:
    from reflectio.verification import Finding, Verification

_STYLES = {"passed": "green", "remark": "yellow", "failed": "bold red", "not checked": "dim"}
_WORDS = {"passed": "ok", "remark": "remark", "failed": "FAILED", "not checked": "-"}


def verify(
    files: Files,
    policy: PolicyFile = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let a remark count as a failure.")] = False,
    as_json: AsJson = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only what failed, and nothing where nothing did.")
    ] = False,
) -> None:
    """
    Check that documents are whole, load in this environment, and are written the same again.

    Each document is read strictly, its digests are compared, it is loaded under the policy, and what comes back is
    dumped: that must give the same bytes. Of documents in JSON format, edited by hand, or written with other versions
    of the libraries, other bytes are a remark as long as nothing is lost; else they are a failure.

    Exit status
    -----------
        0  every document passes
        1  one fails, or cannot be read; with --strict also where there is a remark
        2  a mistake in the command line, such as a file that does not exist

    Examples
    --------
    Before a deployment, in the environment that will load the models:

        reflectio verify models/*.rfl
        reflectio verify --quiet 'models/**/*.rfl'

    Under a policy of your own, for a program to read:

        reflectio verify --policy policy.toml --json model.rfl

    What another command gives:

        curl -s https://models.example/churn.rfl | reflectio verify -
    """
    named = expand(files)
    # Loading needs numpy and often scikit-learn: mistakes in the command line do not wait for them.
    from reflectio.policy import Policy
    from reflectio.verification import verify as verify_source

    chosen = Policy.of(policy)
    results: list[tuple[str, Verification | Exception]] = []
    for file in tracked(named, "Verifying"):
        try:
            results.append((file, verify_source(source(file, chosen.limits), policy=chosen)))
        except Exception as error:  # whatever is wrong with one file, the others are checked
            results.append((file, error))
    good = all(_passes(found, strict) for _, found in results)
    if as_json:
        print_json({"ok": good, "files": [_members(file, found, strict) for file, found in results]})
        answer(good)
    console = output()
    for file, found in results:
        passed = _passes(found, strict)
        if quiet and passed:
            continue
        if isinstance(found, Exception):
            _print_unreadable(console, file, *explain(found))
        else:
            findings = found.findings
            if quiet:
                findings = found.failures + (found.remarks if strict else ())
            _print(console, file, found, findings, passed=passed)
    if len(results) > 1 and not (quiet and good):
        count = sum(_passes(found, strict) for _, found in results)
        console.print(f"{count} of {len(results)} documents pass.", style="green" if good else "bold red")
    answer(good)


def _passes(found: Verification | Exception, strict: bool) -> bool:
    return not isinstance(found, Exception) and found.ok and not (strict and found.remarks)


def _members(file: str, found: Verification | Exception, strict: bool) -> dict[str, Any]:
    if isinstance(found, Exception):
        return {"file": file, "ok": False, "error": explain(found)[0], "findings": []}
    findings = [
        {
            "check": finding.check,
            "outcome": finding.outcome,
            "message": finding.message,
            "path": finding.path or None,
        }
        for finding in found.findings
    ]
    return {"file": file, "ok": _passes(found, strict), "error": None, "findings": findings}


def _print_title(console: Console, file: str, verdict: str, style: str) -> None:
    console.print(label(file), style="bold", end=": ", soft_wrap=True)
    console.print(verdict, style=style)


def _print_unreadable(console: Console, file: str, message: str, hint: str) -> None:
    _print_title(console, file, "cannot be read", "bold red")
    console.print(f"  {printable(message)}. {hint}".rstrip(), soft_wrap=True)
    console.print()


def _print(
    console: Console, file: str, found: Verification, findings: tuple[Finding, ...], *, passed: bool
) -> None:
    from rich.table import Table
    from rich.text import Text

    remarks = len(found.remarks)
    if not passed:
        _print_title(console, file, "fails" if found.failures else "has remarks", "bold red")
    elif remarks:
        _print_title(console, file, f"passes, with {remarks} remark{'s' * (remarks > 1)}", "yellow")
    else:
        _print_title(console, file, "passes", "green")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for finding in findings:
        place = f"{finding.path}: " if finding.path else ""
        table.add_row(
            "",
            finding.check,
            literal(_WORDS[finding.outcome], _STYLES[finding.outcome]),
            literal(f"{place}{finding.message}", "dim" if finding.outcome == "not checked" else ""),
        )
    # A table fills its width; blanks at the ends of lines are in the way of whoever copies or compares them.
    for segments in console.render_lines(table, pad=False):
        line = Text.assemble(*((segment.text, segment.style or "") for segment in segments))
        line.rstrip()
        console.print(line, soft_wrap=True)
    console.print()
