"""The FILE arguments of a command: several files, globs that no shell expanded, and ``-`` for standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reflectio.cli.console import printable
from reflectio.cli.standard_input import read_standard_input

if TYPE_CHECKING:
    from reflectio.policy import Limits

__all__ = ["STANDARD_INPUT", "expand", "label", "source"]

#: What stands for standard input where a file is expected.
STANDARD_INPUT = "-"


def expand(arguments: Iterable[str | os.PathLike[str]], *, standard_input: bool = True) -> list[str]:
    """
    Give the files that FILE arguments mean.

    Parameters
    ----------
    arguments : iterable of str or path
        As on the command line: paths, globs (``models/**/*.rfl``) where no file has just that name, or ``-``.
    standard_input : bool, default=True
        Whether the command can read standard input.

    Returns
    -------
    list of str
        Paths of files, or ``-``, in the order of the arguments, those of a glob sorted, none twice. A glob means
        ordinary files only; a pipe or a device has to be named outright.

    Raises
    ------
    typer.BadParameter
        Some argument is missing, a directory, or a glob without a match; the message has all of them. That is a
        mistake in the command line, with exit status 2.
    """
    files: dict[str, None] = {}
    problems: list[str] = []
    for named in arguments:
        argument = os.fspath(named)
        if argument == STANDARD_INPUT:
            if standard_input:
                files[argument] = None
            else:
                problems.append("'-': this command cannot read standard input; give the path of a file")
        elif found := _matches(argument):
            files.update(dict.fromkeys(found))
        else:
            problems.append(f"'{printable(argument)}': {_problem(argument)}")
    if problems:
        raise typer.BadParameter("\n".join(problems), param_hint="FILE")
    return list(files)


def _matches(argument: str) -> list[str]:
    """The files that an argument means; none if it means something else."""
    if os.path.lexists(argument):
        return [argument] if os.path.exists(argument) and not os.path.isdir(argument) else []
    # Of what nobody named, only ordinary files are opened: a pipe may never have a writer, a device no end.
    return sorted(path for path in glob.glob(argument, recursive=True) if os.path.isfile(path))


def _problem(argument: str) -> str:
    if not argument:
        return "an empty text is no path"
    if os.path.isdir(argument):
        inside = os.path.join(argument, "*")
        return f"this is a directory; name files in it, for example '{printable(inside)}'"
    if os.path.islink(argument) and not os.path.exists(argument):
        return "this is a link to a file that does not exist"
    if glob.has_magic(argument):
        return "no file matches this pattern"
    return "no such file"


def source(file: str, limits: Limits, *, foreign: bool = False) -> Path | bytes:
    """
    Give what the functions of reflectio take as their source.

    Parameters
    ----------
    file : str
        One of those that `expand` gave.
    limits : Limits
        How many bytes of standard input are read at most: it may have no end.
    foreign : bool, default=False
        Whether pickle, joblib and skops files can be used as well as documents.

    Returns
    -------
    Path or bytes
        The path, or what is on standard input, as `read_standard_input` gives it.

    Raises
    ------
    LimitError
        Standard input has more bytes.
    OSError
        It is closed.
    """
    return read_standard_input(limits, foreign=foreign) if file == STANDARD_INPUT else Path(file)


def label(file: str) -> str:
    """What a report calls a file: its path, harmless to print, or ``standard input``."""
    return "standard input" if file == STANDARD_INPUT else printable(file)
