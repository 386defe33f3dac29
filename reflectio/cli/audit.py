"""``reflectio audit``: say what files would import and call, and whether the policy allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reflectio.cli.console import Console, output, print_json, printable
from reflectio.cli.files import expand, label, source
from reflectio.cli.options import AsJson, Files, PolicyFile
from reflectio.cli.progress import tracked
from reflectio.cli.status import answer, explain

if TYPE_CHECKING:
    from reflectio.audit import Audit, NameUse
    from reflectio.policy import Policy

_KINDS = {"class": "class", "constructor": "constructor", "callable": "callable", "reconstruction": "known"}


def audit(
    files: Files,
    policy: PolicyFile = None,
    as_json: AsJson = False,
    as_sarif: Annotated[
        bool, typer.Option("--sarif", help="Print the report as SARIF 2.1.0, for code-scanning dashboards.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the verdicts and what is refused, not every name.")
    ] = False,
) -> None:
    """
    Say what files would import and call, and whether the policy allows it.

    Documents of reflectio, and pickle, joblib and skops files: none is loaded, nothing of them is imported or run.
    Each file gets a verdict, every name that it holds with how often and where, what is worth a look, and, where
    the policy refuses something, the lines that would allow it. A name marked as known is a function such as the
    one that makes numpy's arrays, whose effect is known and which no policy has to list.

    Exit status
    -----------
        0  the policy allows every file
        1  it refuses one, or one cannot be read
        2  a mistake in the command line, such as a file that does not exist

    Examples
    --------
    What a pickle would import and call, without loading it:

        reflectio audit model.pkl

    All models of a repository in CI, which fails on one outside of the policy:

        reflectio audit --quiet --policy policy.toml 'models/**/*.pkl'

    For a code-scanning dashboard:

        reflectio audit --sarif models/*.joblib > models.sarif

    What another command gives, for a program to read:

        curl -s https://models.example/churn.pkl | reflectio audit --json -
    """
    if as_json and as_sarif:
        raise typer.BadParameter("--json and --sarif are two formats; choose one", param_hint="--sarif")
    from reflectio.policy import Policy

    named = expand(files)
    chosen = Policy.of(policy)
    reports = {label(file): _report(file, chosen) for file in tracked(named, "Auditing")}
    if as_sarif:
        from reflectio.sarif import sarif

        print_json(sarif(reports))
    elif as_json:
        print_json({"policy": chosen.source, "ok": _all_ok(reports), "files": _plain(reports)})
    else:
        _show(reports, chosen, quiet)
    answer(_all_ok(reports))


def _report(file: str, policy: Policy) -> Audit | str:
    """The audit of a file, or why there is none."""
    from reflectio.audit import audit

    try:
        return audit(source(file, policy.limits, foreign=True), policy=policy)
    except Exception as error:  # whatever is wrong with one file, the others are judged
        message, hint = explain(error)
        return f"{message}. {hint}" if hint else message


def _is_ok(report: Audit | str) -> bool:
    return not isinstance(report, str) and report.ok


def _all_ok(reports: dict[str, Audit | str]) -> bool:
    return all(map(_is_ok, reports.values()))


# -- JSON -------------------------------------------------------------------------------------------------------


def _plain(reports: dict[str, Audit | str]) -> list[dict[str, Any]]:
    return [
        {"file": file, "ok": False, "error": report}
        if isinstance(report, str)
        else _plain_audit(file, report)
        for file, report in reports.items()
    ]


def _plain_audit(file: str, report: Audit) -> dict[str, Any]:
    refused = {(use.kind, use.name) for use in report.untrusted}
    return {
        "file": file,
        "ok": report.ok,
        "format": report.format,
        "names": [
            {**_plain_use(use), "allowed": (use.kind, use.name) not in refused} for use in report.names
        ],
        "untrusted": [_plain_use(use) for use in report.untrusted],
        "problems": [{"message": each.message, "offset": each.offset} for each in report.problems],
        "notices": [{"path": each.path, "message": each.message} for each in report.notices],
        "versions": report.versions,
        "metadata": report.metadata,
        "advice": report.advice,
    }


def _plain_use(use: NameUse) -> dict[str, Any]:
    return {
        "kind": use.kind,
        "name": use.name,
        "spelled": use.spelled,
        "count": use.count,
        "path": use.path,
        "offset": use.offset,
    }


# -- text -------------------------------------------------------------------------------------------------------


def _show(reports: dict[str, Audit | str], policy: Policy, quiet: bool) -> None:
    console = output()
    for file, report in reports.items():
        _show_file(console, file, report, quiet)
    if len(reports) > 1:
        refused = sum(not _is_ok(report) for report in reports.values())
        style = "bold red" if refused else "bold green"
        console.print(f"{len(reports)} files, {refused} refused by {policy.source}", style=style)


def _show_file(console: Console, file: str, report: Audit | str, quiet: bool) -> None:
    if isinstance(report, str):
        console.print("unreadable", style="bold red", end="  ")
        console.print(file, soft_wrap=True)
        console.print(f"  {printable(report)}", soft_wrap=True)
        return
    verdict, style = ("ok", "bold green") if report.ok else ("refused", "bold red")
    console.print(verdict, style=style, end="  ")
    console.print(f"{file}  ({report.format})", soft_wrap=True)
    if report.versions and not quiet:
        versions = ", ".join(
            f"{printable(str(name))} {printable(str(value))}" for name, value in report.versions.items()
        )
        console.print(f"  written with {versions}", soft_wrap=True)
    for problem in report.problems:
        place = "" if problem.offset is None else f" (at byte {problem.offset})"
        console.print(f"  problem: {printable(problem.message)}{place}", style="red", soft_wrap=True)
    refused = {(use.kind, use.name) for use in report.untrusted}
    for use in report.untrusted if quiet else report.names:
        _show_name(console, use, allowed=(use.kind, use.name) not in refused)
    if not quiet:
        for notice in report.notices:
            place = f"{printable(notice.path)}: " if notice.path else ""
            console.print(f"  notice: {place}{printable(notice.message)}", style="yellow", soft_wrap=True)
    if report.advice:
        console.print()
        for line in report.advice.split("\n"):
            console.print(f"  {printable(line)}" if line else "", soft_wrap=True)
        console.print()


def _show_name(console: Console, use: NameUse, *, allowed: bool) -> None:
    mark, style = ("allowed", "") if allowed else ("refused", "red")
    place = f"  at {printable(use.path)}" if use.path else ""
    if not place and use.offset is not None:
        place = f"  at byte {use.offset}"
    times = f"  {use.count}x" if use.count > 1 else ""
    console.print(
        f"  {mark}  {_KINDS[use.kind]:<11}  {printable(use.name)}{times}{place}", style=style, soft_wrap=True
    )
