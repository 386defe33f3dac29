"""``reflectio policy``: whether a policy file is sound, which policy some documents need, and what one allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reflectio.cli.console import literal, output, print_json, printable
from reflectio.cli.files import expand, label, source
from reflectio.cli.manual import GroupWithManual, add
from reflectio.cli.options import AsJson, Files
from reflectio.cli.policy_view import print_check, print_effective, table_of_three
from reflectio.cli.progress import progress, tracked
from reflectio.cli.status import answer, warn

if TYPE_CHECKING:
    from reflectio.policy_report import PolicyCheck, Suggestion

_MANUAL = """
Exit status
-----------
    0  yes: the policy is valid, the suggestion complete, nothing is missing
    1  no
    2  a mistake in the command line

Examples
--------
Start a policy from the models that you have, look at the marked lines, and check it:

    reflectio policy suggest models/*.rfl > policy.toml
    reflectio policy check policy.toml

Let it judge every load of a program:

    REFLECTIO_POLICY=policy.toml python serve.py
"""

app = typer.Typer(
    name="policy",
    help="Check, suggest and show policies: which names a document may use.",
    epilog=_MANUAL,
    cls=GroupWithManual,
    no_args_is_help=True,
)

# check ------------------------------------------------------------------------------------------------


def check(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Policy files (TOML), or globs such as 'policies/*.toml'."),
    ],
    imports: Annotated[
        bool,
        typer.Option(
            "--import/--no-import",
            help="Whether to import the modules that the file names, to see whether the names exist here. Importing "
            "runs them: say --no-import for a file that you do not trust.",
        ),
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Let a line that deserves a look count as a failure.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Check policy files: are they valid, what do they allow, which lines do nothing, and which names do not exist here?

    A line is redundant where a pattern or a policy that the file extends says the same. It is without effect where a
    denial wins, where nothing allows what it denies, or where documents use another name for the same thing.

    Exit status
    -----------
        0  every file is valid
        1  one is not, or cannot be read; with --strict also where a line deserves a look
        2  a mistake in the command line, such as a file that does not exist

    Examples
    --------
    Before a policy goes to production:

        reflectio policy check --strict policy.toml

    A file from somebody else, without running what it names:

        reflectio policy check --no-import theirs.toml
    """
    named = expand(files, standard_input=False)
    from reflectio.policy_report import check as check_policy

    console = output()
    reports: list[dict[str, Any]] = []
    checked = [(file, check_policy(file, imports=imports)) for file in tracked(named, "Checking")]
    for file, found in checked:
        passed = found.ok and not (strict and found.entries)
        reports.append({"file": file, "ok": passed, **_check_members(found)})
        if not as_json:
            print_check(console, found, imports=imports)
    good = all(report["ok"] for report in reports)
    if as_json:
        print_json({"ok": good, "files": reports})
    answer(good)


def _check_members(found: PolicyCheck) -> dict[str, Any]:
    return {
        "error": found.error or None,
        "extends": list(found.extends),
        "allows": {kind: list(names) for kind, names in found.own.items()},
        "inherits": dict(found.inherited),
        "entries": [
            {
                "problem": entry.problem,
                "line": entry.line,
                "place": entry.place,
                "name": entry.name,
                "reason": entry.reason,
            }
            for entry in found.entries
        ],
    }


# suggest ----------------------------------------------------------------------------------------------


def suggest(
    files: Files,
    extends: Annotated[
        list[str] | None,
        typer.Option(
            "--extends",
            metavar="POLICY",
            help="A built-in list, such as default, or a policy file that the policy shall extend; it then holds only "
            "what that one does not. May be given several times.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Suggest the smallest policy that would load some models, with a warning beside each name that deserves a look.

    The policy goes to standard output, a summary to standard error. It holds exactly the names that the documents use.
    LOOK marks what no built-in list has: read that code first. LEFT OUT marks what no model needs and an attacker
    would like: what runs programs, or reads and writes files. Nothing is imported or loaded.

    Exit status
    -----------
        0  the policy would load every document
        1  a document cannot be read, or needs a name that was left out
        2  a mistake in the command line, such as a file that does not exist

    Examples
    --------
    Allow what these models use, and nothing else:

        reflectio policy suggest models/*.rfl > policy.toml

    What they need beyond the built-in policy:

        reflectio policy suggest --extends default models/*.rfl
    """
    named = expand(files)
    from reflectio.policy import Policy
    from reflectio.policy_report import suggest as suggest_policy

    limits = Policy.of().limits
    sources = ((label(file), source(file, limits, foreign=True)) for file in tracked(named, "Reading"))
    found = suggest_policy(sources, extends=tuple(extends or ()))
    if as_json:
        print_json({"ok": found.ok, **_suggestion_members(found)})
        answer(found.ok)
    output().print(found.toml(), end="", soft_wrap=True)
    _summarise(found)
    answer(found.ok)


def _suggestion_members(found: Suggestion) -> dict[str, Any]:
    return {
        "policy": found.toml(),
        "extends": list(found.extends),
        "names": [
            {
                "kind": name.kind,
                "name": name.name,
                "level": name.level,
                "reason": name.reason or None,
                "files": list(name.files),
            }
            for name in found.names
        ],
        "errors": found.errors,
    }


def _summarise(found: Suggestion) -> None:
    for file, error in found.errors.items():
        warn(f"{file} cannot be read: {printable(error)}")
    for name in found.refused:
        warn(f"left out: {printable(name.name)}, which {_some(name.files)} would need: {name.reason}")
    for name in found.to_look_at:
        warn(f"look at {name.name}, which {_some(name.files)} would need: {name.reason}")


def _some(files: tuple[str, ...]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


# show -------------------------------------------------------------------------------------------------


def show(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A built-in list (default, strict, sklearn, ...) or a policy file. Default: the policy in force, "
            "which REFLECTIO_POLICY names.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Show the effective policy: after all that it extends, its denials, and a locked policy in force.

    Exit status
    -----------
        0  it is shown
        1  it is not valid, or cannot be read
        2  a mistake in the command line

    Examples
    --------
    What may be loaded here, with the environment as it is:

        reflectio policy show

    What a built-in list allows:

        reflectio policy show strict
    """
    import attrs

    from reflectio.policy_report import effective

    found = effective(name)
    if as_json:
        print_json(attrs.asdict(found))
    else:
        print_effective(output(), found)


# gaps -------------------------------------------------------------------------------------------------


def gaps(
    policy: Annotated[
        str,
        typer.Option("--policy", "-p", metavar="NAME", help="The built-in list or policy file to look at."),
    ] = "default",
    fit: Annotated[
        bool,
        typer.Option("--fit", help="Also fit every estimator, and look at what it holds: half a minute."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    List public estimators and state types of the installed libraries that no list covers.

    This imports scikit-learn, scipy, numpy and pandas as they are installed. What is left out on purpose, with a
    reason, is not listed, nor what a [deny] list of the policy holds.

    Exit status
    -----------
        0  everything is covered
        1  something is not: a document that holds it is refused, until a policy allows it
        2  a mistake in the command line

    Examples
    --------
    After an upgrade of scikit-learn:

        reflectio policy gaps

    What your own policy does not cover:

        reflectio policy gaps --policy policy.toml --fit
    """
    from reflectio.coverage import gaps as find_gaps
    from reflectio.policy import Policy

    with progress("Looking through the installed libraries", None) as advance:
        found = find_gaps(policy, fitted=fit, tell=lambda what: advance(1, what))
    if as_json:
        members = [
            {"name": gap.name, "kind": gap.kind, "library": gap.library, "why": gap.why} for gap in found
        ]
        print_json({"ok": not found, "gaps": members})
        answer(not found)
    console = output()
    if found:
        table = table_of_three()
        for gap in found:
            table.add_row("", gap.kind, literal(f"{gap.name}: {gap.why}"))
        console.print(table)
        source = Policy.of(policy).source
        console.print(
            f"{len(found)} name{'s' * (len(found) > 1)} that {printable(source)} does not allow: review, and add to a "
            "policy what is harmless."
        )
    else:
        console.print(
            "Every public estimator and state type of the installed libraries is covered.", style="green"
        )
    answer(not found)


for command in (check, suggest, show, gaps):
    add(app, command)
