"""``reflectio diff``: what changed between two models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from reflectio.cli.console import output, print_json
from reflectio.cli.files import STANDARD_INPUT, expand, label
from reflectio.cli.options import AsJson, PolicyFile
from reflectio.cli.progress import progress
from reflectio.cli.show import read
from reflectio.cli.status import answer

if TYPE_CHECKING:
    from pathlib import Path

    from reflectio.inspection.comparison import Diff

_KINDS = ("structure", "parameter", "learned", "version", "metadata")

# Comparing less takes no time that anybody would notice.
_LONG = 1 << 27


Before: TypeAlias = Annotated[str, typer.Argument(metavar="A", help="A document, or - for standard input.")]

After: TypeAlias = Annotated[str, typer.Argument(metavar="B", help="The document to compare it with.")]

RelativeTolerance: TypeAlias = Annotated[
    float,
    typer.Option(
        "--rtol", min=0.0, help="Floats may differ by this part of the larger one: 1e-6 is a millionth."
    ),
]

AbsoluteTolerance: TypeAlias = Annotated[
    float, typer.Option("--atol", min=0.0, help="Floats may differ by this much in any case.")
]

Ignored: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="KIND",
        help="Leave out a kind of changes: structure, parameter, learned, version or metadata. Can be repeated.",
    ),
]

Everything: TypeAlias = Annotated[
    bool, typer.Option("--all", "-a", help="Print every change, not only the first ones of each kind.")
]


def diff(
    before: Before,
    after: After,
    rtol: RelativeTolerance = 0.0,
    atol: AbsoluteTolerance = 0.0,
    ignore: Ignored = None,
    everything: Everything = False,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """
    Say what changed between two models, without loading them.

    Compares parameters, learned values with the largest absolute and relative difference, structure, versions and
    metadata, each by its path. The formats may differ: a document in JSON format equals the one in binary format that
    holds the same. What KD and ball trees count of their queries, which a prediction changes, is left out. Of single
    numbers the percentage is of the first, of arrays the largest of the larger element. Without --rtol and --atol, floats are equal if they are bit for bit; with them, if they differ by no
    more than atol + rtol * max(|a|, |b|).

    Exit status
    -----------
        0  nothing differs
        1  something differs, or a document cannot be read
        2  a mistake in the command line, such as a file that does not exist

    Examples
    --------
    What training anew has changed:

        reflectio diff yesterday.rfl today.rfl

    Whether a refactoring left the model as it was, up to rounding, in CI:

        reflectio diff --rtol 1e-9 --ignore version --ignore metadata expected.rfl model.rfl

    In git, see also reflectio show --help:

        git config diff.reflectio.textconv 'reflectio show --textconv'
    """
    for kind in ignore or ():
        if kind not in _KINDS:
            raise typer.BadParameter(f"'{kind}' is none of {', '.join(_KINDS)}", param_hint="--ignore")
    for tolerance, name in ((rtol, "--rtol"), (atol, "--atol")):
        if tolerance != tolerance:
            raise typer.BadParameter("must be a number", param_hint=name)
    files = [_one(before, "A"), _one(after, "B")]
    if files == [STANDARD_INPUT, STANDARD_INPUT]:
        raise typer.BadParameter("standard input holds one document, not two", param_hint="B")
    found = _compare(files, rtol, atol, policy).without(*(ignore or ()))
    if as_json:
        print_json({"same": found.same, "files": files, **_members(found)})
    else:
        _print(found, files, everything=everything)
    answer(found.same)


def _one(argument: str, name: str) -> str:
    found = expand([argument])
    if len(found) != 1:
        raise typer.BadParameter(f"'{argument}' means {len(found)} files; name one", param_hint=name)
    return found[0]


def _compare(files: list[str], rtol: float, atol: float, policy: Path | None) -> Diff:
    from reflectio.errors import DocumentError, ReflectioError
    from reflectio.inspection.comparison import compare
    from reflectio.policy import Policy

    chosen = Policy.of(policy)
    headers = []
    for file in files:
        try:
            headers.append(read(file, chosen))
        except ReflectioError as error:
            raise type(error)(f"{label(file)}: {error}") from None
        if headers[-1].problem:
            raise DocumentError(f"{label(file)} is damaged: {headers[-1].problem}")
    total = max(header.segment_nbytes for header in headers)
    if total < _LONG:
        return compare(*headers, rtol=rtol, atol=atol)
    with progress("Comparing", total) as advance:
        return compare(*headers, rtol=rtol, atol=atol, tell=lambda nbytes: advance(nbytes, ""))


def _members(found: Diff) -> dict[str, object]:
    return {
        "before": found.before,
        "after": found.after,
        "changes": [
            {
                "kind": change.kind,
                "path": change.path,
                "before": change.before or None,
                "after": change.after or None,
                "elements": change.count,
                "different": change.different,
                "largest_absolute": change.absolute,
                "largest_relative": change.relative,
                "at": change.at or None,
            }
            for change in found.changes
        ],
    }


def _print(found: Diff, files: list[str], *, everything: bool) -> None:
    from reflectio.cli.diff_view import diff_lines
    from reflectio.cli.outline_view import print_lines, width_of

    console = output()
    print_lines(
        diff_lines(found, label(files[0]), label(files[1]), width_of(console), everything=everything), console
    )
