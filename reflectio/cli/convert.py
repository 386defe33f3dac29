"""``reflectio convert``: turn models from any format into any other, without running them."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reflectio.cli.console import output, print_json, printable, stderr
from reflectio.cli.options import AsJson, PolicyFile
from reflectio.cli.progress import progress
from reflectio.cli.status import answer, explain

if TYPE_CHECKING:
    from reflectio.conversion import Conversion, Outcome
    from reflectio.conversion.formats import TargetFormat


class Target(enum.StrEnum):
    """What a file can be converted into."""

    binary = "binary"
    json = "json"
    pickle = "pickle"
    joblib = "joblib"
    skops = "skops"


_RUNS_CODE = (
    "--unsafe: pickle, joblib and skops files are loaded by those libraries. Whatever code they hold RUNS NOW, "
    "with your rights. Use it only for files that you or people you trust have made."
)


def convert(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", exists=True, help="A model's file of any format, or a folder of them."),
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file to write; for a folder, the folder to write into.")
    ],
    format: Annotated[
        Target | None,
        typer.Option(
            "--format",
            "-f",
            help="The format to write. Default: by OUT's suffix (.json, .pkl, .joblib, .skops), else binary.",
        ),
    ] = None,
    policy: PolicyFile = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would happen: convert in memory and write nothing.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    lossy: Annotated[
        bool,
        typer.Option(
            "--lossy",
            help="Write pickle, joblib and skops files even if these libraries lose something of a model.",
        ),
    ] = False,
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe",
            help="Load pickle, joblib and skops files by these libraries, which RUNS whatever code the files hold.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="How many processes convert a folder. Default: all cores."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Turn models from any format into any other, without running them.

    IN is a document of reflectio, or a pickle, joblib (compressed, too) or skops file, told by its contents. Nothing
    of it is run: what it describes is written down as a document and loaded with every check, and a file that names
    what the policy does not allow is refused. The result is loaded back and compared before it is written; OUT
    appears whole or not at all. The models of a folder are converted in parallel.

    Exit status
    -----------
        0  everything was converted, or can be
        1  something was refused, or cannot be read or written
        2  a mistake in the command line, such as a file that does not exist

    Examples
    --------
    From a pickle to a document, and to one that a text editor opens:

        reflectio convert model.pkl model.rfl
        reflectio convert model.joblib model.json --policy policy.toml

    What would become of a folder of models, and then doing it:

        reflectio convert models converted --check
        reflectio convert models converted

    For a library that reads something else:

        reflectio convert model.rfl model.skops
    """
    if unsafe:
        stderr().print(_RUNS_CODE, style="bold red", soft_wrap=True)
    if source.is_dir():
        _convert_folder(source, target, format, policy, check, overwrite, lossy, unsafe, workers, as_json)
    if target.is_dir():
        inside = os.path.join(os.fspath(target), source.name)
        raise typer.BadParameter(
            f"'{printable(os.fspath(target))}' is a directory; name the file to write, such as "
            f"'{printable(inside)}.rfl'",
            param_hint="OUT",
        )
    from reflectio.conversion import convert as convert_file
    from reflectio.errors import ReflectioError

    try:
        done = convert_file(
            source,
            target,
            format=None if format is None else format.value,
            policy=policy,
            unsafe=unsafe,
            overwrite=overwrite,
            lossy=lossy,
            check=check,
        )
    except (ReflectioError, OSError, MemoryError) as error:
        if not as_json:
            if isinstance(error, FileExistsError):
                error.strerror = "exists already; --overwrite replaces it"
            raise
        message, hint = explain(error)
        print_json({"ok": False, "files": [_failed(source, target, f"{message} {hint}".rstrip())]})
        answer(False)
    if as_json:
        print_json({"ok": True, "files": [_plain(done)]})
    else:
        output().print(_sentence(done), soft_wrap=True)
    answer(True)


def _convert_folder(
    source: Path,
    target: Path,
    format: Target | None,
    policy: Path | None,
    check: bool,
    overwrite: bool,
    lossy: bool,
    unsafe: bool,
    workers: int | None,
    as_json: bool,
) -> None:
    if target.exists() and not target.is_dir():
        raise typer.BadParameter(
            f"'{printable(os.fspath(target))}' is a file; a folder is converted into a folder",
            param_hint="OUT",
        )
    from reflectio.conversion import convert_folder, plan_folder

    wanted: TargetFormat = format.value if format is not None else "binary"
    pairs = plan_folder(source, target, wanted)
    if not pairs:
        raise typer.BadParameter(
            f"'{printable(os.fspath(source))}' holds no file with the suffix of a model (.pkl, .pickle, .joblib, "
            ".skops, .rfl, .json, compressed or not)",
            param_hint="IN",
        )
    outcomes: list[Outcome] = []
    with progress("Converting", len(pairs)) as advance:
        for outcome in convert_folder(
            pairs,
            format=wanted,
            policy=policy,
            unsafe=unsafe,
            overwrite=overwrite,
            lossy=lossy,
            check=check,
            workers=workers,
        ):
            outcomes.append(outcome)
            advance(1, outcome.source.name)
    outcomes.sort(key=lambda outcome: outcome.source)
    failed = [outcome for outcome in outcomes if outcome.conversion is None]
    if as_json:
        files = [
            _failed(each.source, each.target, each.error)
            if each.conversion is None
            else _plain(each.conversion)
            for each in outcomes
        ]
        print_json({"ok": not failed, "files": files})
    else:
        _show_folder(outcomes, failed, check)
    answer(not failed)


def _show_folder(outcomes: list[Outcome], failed: list[Outcome], check: bool) -> None:
    console = output()
    for outcome in outcomes:
        if outcome.conversion is not None:
            console.print(_sentence(outcome.conversion), soft_wrap=True)
    for outcome in failed:
        console.print("failed", style="bold red", end="  ")
        console.print(printable(os.fspath(outcome.source)), soft_wrap=True)
        for line in outcome.error.split("\n"):
            console.print(f"  {printable(line)}" if line else "", soft_wrap=True)
    verb = "can be converted" if check else "converted"
    console.print(
        f"{len(outcomes) - len(failed)} of {len(outcomes)} files {verb}, {len(failed)} failed",
        style="bold red" if failed else "bold green",
    )


def _sentence(done: Conversion) -> str:
    verb = "converted" if done.written else "would convert"
    lost = f"; {done.target_format} loses something of it" if done.lost else ""
    return (
        f"{verb}  {printable(done.source)} ({done.source_format}, {done.source_bytes:,} bytes) to "
        f"{printable(done.target)} ({done.target_format}, {done.target_bytes:,} bytes){lost}"
    )


def _plain(done: Conversion) -> dict[str, Any]:
    return {
        "ok": True,
        "source": done.source,
        "target": done.target,
        "source_format": done.source_format,
        "target_format": done.target_format,
        "source_bytes": done.source_bytes,
        "target_bytes": done.target_bytes,
        "written": done.written,
        "lost": done.lost,
    }


def _failed(source: Path, target: Path, error: str) -> dict[str, Any]:
    return {"ok": False, "source": os.fspath(source), "target": os.fspath(target), "error": error}
