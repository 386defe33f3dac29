"""``reflectio show``: look at a model without loading it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from reflectio.cli.console import output, print_json, printable
from reflectio.cli.files import expand, label, source
from reflectio.cli.options import AsJson, PolicyFile
from reflectio.cli.progress import patience
from reflectio.cli.status import answer, explain, problem

if TYPE_CHECKING:
    from reflectio.inspection.header import Header
    from reflectio.inspection.report import Report
    from reflectio.policy import Policy


# What is named so, or lies in a folder, was meant to be a file; an asterisk is for files as well.
_ENDS_OF_FILES = (".rfl", ".json")
_FOR_FILES = frozenset("/\\*?-")

FilesAndPath: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE... [PATH]",
        help="Documents, globs such as 'models/**/*.rfl', or - for standard input. A last argument that starts "
        "with $ says which part to show: '$.model.steps[1][1]'.",
    ),
]

Depth: TypeAlias = Annotated[
    int, typer.Option("--depth", "-d", min=0, help="How many levels of objects to open.")
]

Everything: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--all",
        "-a",
        help="Leave nothing out: parameters at their defaults, private attributes, every item of long lists.",
    ),
]

Exact: TypeAlias = Annotated[
    bool, typer.Option("--exact", help="Read every value of large arrays, rather than a sample.")
]

AsLines: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--textconv",
        help="Print a line for each value, the same for equal models: for git diff. Of a file that is no document it "
        "says so, with exit status 0.",
    ),
]


def show(
    arguments: FilesAndPath,
    depth: Depth = 3,
    everything: Everything = False,
    exact: Exact = False,
    textconv: AsLines = False,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """
    Show what a model is, without loading it.

    Prints the model as a tree: classes, parameters that are not at their defaults, learned attributes with a glance at
    their values, steps inside of steps, and what takes the space. Decision trees show their splits, linear models
    their largest coefficients. Nothing is built, and none of the names in the document is imported, so that this is
    safe whatever the document. Of a large document no more than the header is read, and samples of the arrays; a
    sampled figure has a ~.

    Exit status
    -----------
        0  every document is as it was written, as far as was looked
        1  one cannot be read, does not match its digest, is cut short, or has nothing at the PATH
        2  a mistake in the command line, such as a file that does not exist

    Examples
    --------
    The model, then one part of it, with everything in it:

        reflectio show model.rfl
        reflectio show model.rfl '$.model.steps[1][1]' --all

    For a program to read:

        reflectio show --json model.rfl | jq '.files[].model.class'

    Let git show what changed in a model. In .gitattributes:

        *.rfl diff=reflectio

    and once for each clone:

        git config diff.reflectio.textconv 'reflectio show --textconv'
        git config diff.reflectio.cachetextconv true
    """
    files, path = _split(arguments)
    if textconv and as_json:
        raise typer.BadParameter("--textconv and --json exclude each other")
    # Reading needs numpy: mistakes in the command line do not wait for it.
    from reflectio.errors import DocumentError
    from reflectio.inspection.paths import parse
    from reflectio.policy import Policy

    try:
        parse(path)
    except DocumentError as error:
        raise typer.BadParameter(str(error), param_hint="PATH") from None
    chosen = Policy.of(policy)
    good = True
    reports: list[dict[str, Any]] = []
    for index, file in enumerate(files):
        report = None
        try:
            with patience(file, "Reading" if exact else "Opening"):
                header = read(file, chosen)
                if not textconv:
                    report = _report(header, path, depth=depth, everything=everything, exact=exact)
        except Exception as error:  # whatever is wrong with one file, the others are shown
            message, hint = explain(error)
            if textconv and not isinstance(error, OSError):
                # git gives up on all of `git log -p` where one file of the past is no document.
                sys.stdout.write(f"cannot be read: {printable(message)}\n")
                continue
            good = False
            reports.append({"file": file, "ok": False, "error": message})
            if not as_json:
                if not isinstance(error, OSError):
                    message, hint = f"{label(file)}: {printable(message)}", _hint(message)
                problem(message, hint)
            continue
        if report is None:
            _print_lines(header)
            continue
        good = good and report.ok
        if as_json:
            reports.append({"file": file, **report.as_members()})
            continue
        if index:
            output().print()
        _print(report, label(file))
    if as_json:
        print_json({"ok": good, "files": reports})
    answer(good)


def _hint(message: str) -> str:
    """What to do with a file that another library has written."""
    if "pickle" in message or "skops" in message:
        return "'reflectio audit' says what it would import, 'reflectio convert' makes a document of it."
    return ""


def _split(arguments: list[str]) -> tuple[list[str], str]:
    """The files and the path that the arguments are."""
    *files, last = arguments
    if last.startswith("$") and files and not os.path.lexists(last):
        return expand(files), last
    try:
        return expand(arguments), "$.model"
    except typer.BadParameter as error:
        if files and _may_be_path(last):
            beginning = "$." if last.startswith("model") else "$.model" if last[0] in ".[" else "$.model."
            error.message += (
                f"\nA path to a part of a model starts with '$.', such as '{printable(beginning + last)}'"
            )
        raise


def _may_be_path(argument: str) -> bool:
    """Whether what is no file may be meant to be the path of a part, without the ``$`` that it starts with."""
    is_for_files = argument.endswith(_ENDS_OF_FILES) or not _FOR_FILES.isdisjoint(argument)
    return bool(argument) and not is_for_files and not os.path.lexists(argument)


def read(file: str, policy: Policy) -> Header:
    """The header of a file, or of what is on standard input."""
    from reflectio.inspection.header import read_header

    return read_header(source(file, policy.limits), policy=policy)


def _report(header: Header, path: str, **options: Any) -> Report:
    from reflectio.inspection.report import report

    return report(header, path, **options)


def _print(report: Report, name: str) -> None:
    from reflectio.cli.outline_view import print_lines, report_lines, width_of

    console = output()
    print_lines(report_lines(report, name, width_of(console)), console)


def _print_lines(header: Header) -> None:
    from reflectio.inspection.lines import lines

    for line in lines(header):
        sys.stdout.write(f"{line}\n")
