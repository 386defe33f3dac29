"""How a command ends: its exit status, and one message in place of a traceback."""

from __future__ import annotations

import errno
import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer

from reflectio.cli.console import Console, one_line, print_json, printable, printable_lines, stderr

__all__ = ["INTERRUPTED", "NO", "USAGE", "YES", "answer", "explain", "fail", "problem", "reported", "warn"]

#: The answer is yes: the file is good, nothing differs, the work is done.
YES = 0
#: The answer is no, or the work could not be done.
NO = 1
#: The command line makes no sense: an unknown option, a file that does not exist.
USAGE = 2
#: Ctrl-C: what a shell makes of the signal, 128 and its number.
INTERRUPTED = 130
# What would have ended a program that does not catch the signal of a pipe that nobody reads any more.
_PIPE_CLOSED = 141

P = ParamSpec("P")
R = TypeVar("R")

_HINTS = {
    errno.ENOENT: "Check the path.",
    errno.EACCES: "Check the permissions of the file and its folder, or run as a user who has them.",
    errno.EPERM: "Check the permissions of the file and its folder, or run as a user who has them.",
    errno.EISDIR: "Name a file, not a directory.",
    errno.ENOTDIR: "A part of the path is a file, not a directory; check the path.",
    errno.EEXIST: "Move it away, or choose another path.",
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "Free some space within the quota, or write to another disk.",
    errno.EFBIG: "The file system or a limit of this process (ulimit -f) allows no file of that size.",
    errno.EROFS: "Write to another place: this file system can only be read.",
    errno.EMFILE: "Raise the limit on open files (ulimit -n), or name fewer files at once.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}

# What only writing to a file that is open already meets: the error then names no file.
_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def answer(yes: bool) -> NoReturn:
    """End the command with the exit status for yes (0) or no (1)."""
    raise typer.Exit(YES if yes else NO)


def fail(message: str, hint: str = "") -> NoReturn:
    """
    End the command with a message on standard error and exit status 1.

    Parameters
    ----------
    message : str
        What is wrong; may have several lines. Control characters in it are escaped.
    hint : str
        What to do about it, on a line of its own.
    """
    _print_problem("error", "bold red", message, hint)
    raise typer.Exit(NO)


def problem(message: str, hint: str = "") -> None:
    """Print an error on standard error and go on, with the next file."""
    _print_problem("error", "bold red", message, hint)


def warn(message: str, hint: str = "") -> None:
    """Print a warning on standard error and go on."""
    _print_problem("warning", "bold yellow", message, hint)


def _print_problem(kind: str, style: str, message: str, hint: str) -> None:
    console: Console = stderr()
    # The lines are not broken: paths and commands in them are there to be copied.
    console.print(f"{kind}:", style=style, end=" ")
    console.print(printable_lines(message), soft_wrap=True)
    if hint:
        console.print(f"  {printable_lines(hint)}", soft_wrap=True)


def explain(error: BaseException) -> tuple[str, str]:
    """
    Say in words what an error means.

    Parameters
    ----------
    error : BaseException
        What a function of reflectio raised.

    Returns
    -------
    message, hint : str
        What is wrong, and what to do about it; the latter is empty where the message says so itself.
    """
    if isinstance(error, OSError):
        what = error.strerror or str(error) or type(error).__name__
        if _is_path(error.filename):
            what = f"{printable(os.fsdecode(error.filename))}: {what}"
        elif error.errno in _WRITING:
            what = f"the output cannot be written: {what}"
        return what, _HINTS.get(error.errno or 0, "")
    if isinstance(error, MemoryError):
        return "there is not enough memory", "Close other programs, or use a machine with more."
    # As above.
    from reflectio.errors import ReflectioError, unforeseen

    return (str(error) if isinstance(error, ReflectioError) else unforeseen(error)), ""


def _is_path(filename: Any) -> bool:
    return isinstance(filename, str | bytes | os.PathLike)


def reported(command: Callable[P, R]) -> Callable[P, R]:
    """
    Wrap a command so that no foreseeable error of it shows a traceback.

    `ReflectioError`, `OSError` and `MemoryError` become one message with exit status 1; Ctrl-C ends it quietly with
    130, a pipe that nobody reads any more with 141; a Python warning becomes one line. Standard output is flushed,
    so that a full disk behind it is noticed, too. A command that was asked for JSON (``as_json``) gives the message as
    JSON as well, so that whoever parses its output always finds some.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with _errors_told(as_json=bool(kwargs.get("as_json"))), _warnings_told():
            try:
                return command(*args, **kwargs)
            finally:
                _flush()

    return wrapped


@contextmanager
def _errors_told(*, as_json: bool) -> Iterator[None]:
    # Importing it here keeps it out of the start of commands that do nothing with documents.
    from reflectio.errors import ReflectioError

    try:
        yield
    except BrokenPipeError:
        _discard_output()
        raise typer.Exit(_PIPE_CLOSED) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (ReflectioError, OSError, MemoryError) as error:
        message, hint = explain(error)
        try:
            # A report that was begun, and found no place, is not followed by another one.
            if as_json and not (isinstance(error, OSError) and error.errno in _WRITING):
                print_json({"ok": False, "error": message})
            _flush()
        except OSError:
            # Else the interpreter says so once more as it ends.
            _discard_output()
        fail(message, hint)


def _flush() -> None:
    # There is none where the caller has closed it.
    if sys.stdout is not None:
        sys.stdout.flush()


def _discard_output() -> None:
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


@contextmanager
def _warnings_told() -> Iterator[None]:
    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        warn(one_line(str(message)))

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
