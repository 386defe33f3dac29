"""What is on standard input, which may have no end."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from reflectio.policy import Limits

__all__ = ["read_standard_input"]


def read_standard_input(limits: Limits, *, foreign: bool) -> bytes:
    """
    Read standard input to its end, or until it shows that it is no file that the command can use.

    Parameters, what is returned and what else is raised are those of `reflectio.endless.read_until_over`.

    Raises
    ------
    OSError
        Standard input is closed.
    """
    from reflectio.endless import read_until_over

    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed; there is nothing to read")
    stream: Any = sys.stdin.buffer
    if stream.isatty():
        typer.echo("Reading standard input; Ctrl-D ends it.", err=True)
    return read_until_over(stream, limits, foreign=foreign, name="standard input")
