"""``reflectio convert``: turn models from any format into any other, without running them."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias

import typer

from reflectio.cli.console import one_line, output, print_json, printable, stderr
from reflectio.cli.files import STANDARD_INPUT
from reflectio.cli.files import source as open_source
from reflectio.cli.options import AsJson, PolicyFile
from reflectio.cli.progress import patience, progress
from reflectio.cli.status import answer, explain, fail, problem, warn

if TYPE_CHECKING:
    from reflectio.compression import CompressionLike
    from reflectio.conversion import Conversion, Outcome


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


# No level has more; Python refuses to read very many.
_MOST_DIGITS = 4

SourceName: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="IN", help="A model's file of any format, - for standard input, or a folder of files."
    ),
]

TargetName: TypeAlias = Annotated[
    str, typer.Argument(metavar="OUT", help="The file to write; for a folder, the folder to write into.")
]

Format: TypeAlias = Annotated[
    Target | None,
    typer.Option(
        "--format",
        "-f",
        help="The format to write. Default: by OUT's suffix (.json, .pkl, .joblib, .skops), else binary.",
    ),
]

Compressed: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--compression",
        metavar="METHOD[:LEVEL]",
        help="Compress the arrays of a document in binary format: zlib or zstd, with a level as in zlib:9 or zstd:19. "
        "Default: they are not compressed, whatever IN is.",
    ),
]

Check: TypeAlias = Annotated[
    bool, typer.Option("--check", help="Only say what would happen: convert in memory and write nothing.")
]

Overwrite: TypeAlias = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]

SkipExisting: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Of a folder, leave out the files whose result is there already: to go on after an interrupt, or with "
        "those that failed. Nothing is compared; a result that is there may be of an older model.",
    ),
]

Lossy: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--lossy",
        help="Write pickle, joblib and skops files even if these libraries lose something of a model. Without it, that "
        "is refused, and what would differ is listed.",
    ),
]

Unsafe: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--unsafe",
        help="Load pickle, joblib and skops files by these libraries, which RUNS whatever code the files hold.",
    ),
]

Workers: TypeAlias = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="How many processes convert a folder. Default: all cores."),
]


def convert(
    source_name: SourceName,
    target_name: TargetName,
    format: Format = None,
    compression: Compressed = None,
    policy: PolicyFile = None,
    check: Check = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    lossy: Lossy = False,
    unsafe: Unsafe = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """
    Turn models from any format into any other, without running them.

    IN is a document of reflectio, or a pickle, joblib (compressed, too) or skops file, told by its contents. Nothing
    of it is run: what it describes is written down as a document and loaded with every check, and a file that names
    what the policy does not allow is refused. The result is loaded back and compared before it is written; OUT
    appears whole or not at all. The models of a folder are converted in parallel. A document's metadata go with it
    into another document; pickle, joblib and skops files have no place for them.

    A pickle, joblib or skops file has to give back the same state, but for what means the same: the default fill value
    of a masked array, said or not, and texts that scikit-learn's Bunch warns with. Memory that arrays share does not
    count. Where more would be lost, it is listed by path, and written only with --lossy.

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

    Going on where Ctrl-C or a full disk ended that:

        reflectio convert models converted --skip-existing

    From a program that writes to a pipe:

        gpg --decrypt model.pkl.gpg | reflectio convert - model.rfl

    A document that takes less space:

        reflectio convert model.joblib model.rfl --compression zlib

    For a library that reads something else:

        reflectio convert model.rfl model.skops
    """
    if unsafe:
        stderr().print(_RUNS_CODE, style="bold red", soft_wrap=True)
    source, target = _source(source_name), _target(target_name)
    options: dict[str, Any] = {
        "format": None if format is None else format.value,
        "compression": None,
        "policy": policy,
        "unsafe": unsafe,
        "overwrite": overwrite,
        "lossy": lossy,
        "check": check,
    }
    is_folder = source_name != STANDARD_INPUT and source.is_dir()
    if compression is not None:
        options["compression"] = _compression(compression, options["format"], None if is_folder else target)
    if skip_existing and overwrite:
        raise typer.BadParameter("--skip-existing and --overwrite exclude each other")
    if is_folder:
        options["skip_existing"] = skip_existing
        _convert_folder(source, target, options, workers, as_json)
    elif skip_existing:
        raise typer.BadParameter(
            "IN is one file; only of a folder some can be left out", param_hint="--skip-existing"
        )
    else:
        _convert_file(source_name, target, options, as_json)


def _source(name: str) -> Path:
    if not name:
        raise typer.BadParameter("an empty text is no path", param_hint="IN")
    path = Path(name)
    # What may not be looked at is an error of the system, and no mistake in the command line.
    if name != STANDARD_INPUT and not path.exists():
        raise typer.BadParameter(f"'{printable(name)}' does not exist", param_hint="IN")
    return path


def _target(name: str) -> Path:
    if not name:
        raise typer.BadParameter("an empty text is no path", param_hint="OUT")
    if name == "-":
        raise typer.BadParameter(
            "'-': a file is written, not standard output; name it (a file of that very name: ./-)",
            param_hint="OUT",
        )
    return Path(name)


def _compression(text: str, format: str | None, target: Path | None) -> CompressionLike:
    """What ``--compression`` asks for; the target is None where it is a folder, of binary documents by default."""
    from reflectio.compression import Compression

    hint = "--compression"
    method, colon, digits = text.partition(":")
    if colon and not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise typer.BadParameter(f"'{printable(text)}': the level is a number, as in zlib:9", param_hint=hint)
    choice: Any = (method, int(digits)) if colon else method
    try:
        Compression.of(choice)
    except ValueError as error:
        known = method in ("zlib", "zstd")
        what = str(error) if known else f"'{printable(text)}' is no method; choose zlib or zstd, as in zlib:9"
        raise typer.BadParameter(what, param_hint=hint) from None
    except ImportError as error:
        fail(str(error))
    if format is None and target is not None:
        from reflectio.conversion.formats import format_of

        format = format_of(target)
    if format not in (None, "binary"):
        raise typer.BadParameter(
            f"only documents in binary format are compressed, and this one would be {format}: let OUT end in .rfl, "
            "or give --format binary",
            param_hint=hint,
        )
    return choice  # type: ignore[no-any-return]


def _standard_input(policy: Path | None) -> bytes:
    from reflectio.policy import Policy

    contents = open_source(STANDARD_INPUT, Policy.of(policy).limits, foreign=True)
    assert isinstance(contents, bytes)
    return contents


def _in_options(message: str) -> str:
    """Say by the options of the command line what a message says by the parameters of `reflectio.convert`."""
    for name in ("overwrite", "lossy"):
        message = message.replace(f"{name}=True", f"--{name}")
    return message


def _sentences(message: str, hint: str) -> str:
    return f"{message}{'' if message.endswith('.') else '.'} {hint}" if hint else message


def _convert_file(source_name: str, target: Path, options: dict[str, Any], as_json: bool) -> NoReturn:
    source = Path(source_name)
    # A path cannot tell: that of a file of this very name, ./-, is the same.
    from_standard_input = source_name == STANDARD_INPUT
    if target.is_dir():
        inside = target / ("model" if from_standard_input else source.name)
        raise typer.BadParameter(
            f"'{printable(os.fspath(target))}' is a directory; name the file to write, such as "
            f"'{printable(os.fspath(inside))}.rfl'",
            param_hint="OUT",
        )
    from reflectio.conversion import convert as convert_file
    from reflectio.errors import ReflectioError

    try:
        with patience(source_name, "Converting"):
            contents = _standard_input(options["policy"]) if from_standard_input else source
            done = convert_file(contents, target, **options)
    except (ReflectioError, OSError, MemoryError) as error:
        message, hint = explain(error)
        message = _in_options(message)
        if not as_json:
            fail(message, hint)
        print_json({"ok": False, "files": [_failed(source, target, _sentences(message, hint))]})
        answer(False)
    if as_json:
        print_json({"ok": True, "files": [_plain(done)]})
    else:
        output().print(_sentence(done), soft_wrap=True)
    answer(True)


def _convert_folder(
    source: Path, target: Path, options: dict[str, Any], workers: int | None, as_json: bool
) -> NoReturn:
    if target.exists() and not target.is_dir():
        raise typer.BadParameter(
            f"'{printable(os.fspath(target))}' is a file; a folder is converted into a folder",
            param_hint="OUT",
        )
    if options["skip_existing"] and target.exists() and target.samefile(source):
        raise typer.BadParameter(
            "IN and OUT are one folder, whose results cannot be told from its models; let OUT be another one",
            param_hint="--skip-existing",
        )
    from attrs import evolve

    from reflectio.atomic import check_folder_writable
    from reflectio.conversion import convert_folder, plan_folder

    # One error, rather than one for each file.
    check_folder_writable(target)
    # Else a folder that may not be read would seem to hold nothing.
    os.scandir(source).close()
    options["format"] = options["format"] or "binary"
    pairs = plan_folder(source, target, options["format"])
    if not pairs:
        raise typer.BadParameter(
            f"'{printable(os.fspath(source))}' holds no file with the suffix of a model (.pkl, .pickle, .joblib, "
            ".skops, .rfl, .json, compressed or not)",
            param_hint="IN",
        )
    outcomes: list[Outcome] = []
    try:
        with progress("Converting", len(pairs)) as advance:
            for outcome in convert_folder(pairs, **options, workers=workers):
                outcomes.append(evolve(outcome, error=_in_options(outcome.error)))
                advance(1, outcome.source.name)
    except KeyboardInterrupt:
        message = f"interrupted: {_summary(outcomes, len(pairs), options['check'])}"
        problem(
            message, "" if options["check"] else "With --skip-existing, the same command goes on from there."
        )
        if as_json:
            print_json({"ok": False, "error": message, "files": _plain_folder(outcomes)})
        raise
    for outcome in _in_order(outcomes):
        for message in outcome.warnings:
            warn(f"{printable(os.fspath(outcome.source))}: {one_line(message)}")
    good = not any(outcome.failed for outcome in outcomes)
    if as_json:
        print_json({"ok": good, "files": _plain_folder(outcomes)})
    else:
        _show_folder(outcomes, options["check"])
    answer(good)


def _in_order(outcomes: list[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: outcome.source)


def _plain_folder(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    return [
        _plain(each.conversion)
        if each.conversion is not None
        else _skipped(each)
        if each.skipped
        else _failed(each.source, each.target, each.error)
        for each in _in_order(outcomes)
    ]


def _summary(outcomes: list[Outcome], total: int, check: bool) -> str:
    done = sum(outcome.conversion is not None for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    verb = "can be converted" if check else "converted"
    # A script that looks for the numbers finds those that it knows in their places.
    between = f", {skipped} skipped" if skipped else ""
    return f"{done} of {total} files {verb}{between}, {len(outcomes) - done - skipped} failed"


def _show_folder(outcomes: list[Outcome], check: bool) -> None:
    console = output()
    outcomes = _in_order(outcomes)
    failed = [outcome for outcome in outcomes if outcome.failed]
    for outcome in outcomes:
        if outcome.conversion is not None:
            console.print(_sentence(outcome.conversion), soft_wrap=True)
        elif outcome.skipped:
            target = printable(os.fspath(outcome.target))
            console.print(
                f"skipped  {printable(os.fspath(outcome.source))}: {target} is there", soft_wrap=True
            )
    for outcome in failed:
        console.print("failed", style="bold red", end="  ")
        console.print(printable(os.fspath(outcome.source)), soft_wrap=True)
        for line in outcome.error.split("\n"):
            console.print(f"  {printable(line)}" if line else "", soft_wrap=True)
    console.print(
        _summary(outcomes, len(outcomes), check),
        style="bold red" if failed else "bold green",
    )


def _sentence(done: Conversion) -> str:
    verb = "converted" if done.written else "would convert"
    count = len(done.losses)
    others = f" and {count - 1} more" if count > 1 else ""
    lost = (
        f"; {done.target_format} loses {printable(done.losses[0].partition(': ')[0])}{others}"
        if count
        else ""
    )
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
        "skipped": False,
        "lost": done.lost,
        "losses": list(done.losses),
    }


def _skipped(outcome: Outcome) -> dict[str, Any]:
    return {
        "ok": True,
        "source": os.fspath(outcome.source),
        "target": os.fspath(outcome.target),
        "written": False,
        "skipped": True,
    }


def _failed(source: Path, target: Path, error: str) -> dict[str, Any]:
    return {"ok": False, "source": os.fspath(source), "target": os.fspath(target), "error": error}
