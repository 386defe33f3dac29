"""What the commands print through: consoles that colour terminals only, and text from files made harmless."""

from __future__ import annotations

import json
import math
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

from rich.console import Console as _Console

if TYPE_CHECKING:
    from rich.style import Style
    from rich.text import Text

__all__ = ["Console", "literal", "one_line", "output", "print_json", "printable", "printable_lines", "stderr"]

# Unicode categories of what shows nothing itself and changes what else is shown: control characters (among them
# those that begin a terminal's escape sequences), marks of the direction of writing, halves of surrogate pairs,
# and line and paragraph separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SHORT_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


class Console(_Console):
    """
    A console to which a string is the text that it holds: no markup, no emoji codes, no colouring of numbers.

    What is to have a style says so by ``style=`` or by a `rich.text.Text`. Rich decides on colours (on a terminal
    only, and without ``NO_COLOR``) and on the width (the terminal's or that of ``COLUMNS``, else 80).
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def on_broken_pipe(self) -> None:
        """Let the error through: rich would end the program here, with the status of a verdict."""
        raise


def output() -> Console:
    """The console for what the command was asked for, on standard output."""
    return Console()


def stderr() -> Console:
    """The console for progress, warnings and errors, on standard error."""
    return Console(stderr=True)


def printable(text: str) -> str:
    """
    Make text that may come from a document or a file name harmless to print.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text with an escape in place of each character that a terminal acts on or does not show: control
        characters, escape sequences, marks that reverse the direction of writing, line breaks. Rich's markup
        stays as it is: `Console` prints it literally.

    Examples
    --------
    >>> print(printable("coef\\x1b[2J\\u202e_"))
    coef\\x1b[2J\\u202e_
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _INVISIBLE else c for c in text)


def _escaped(character: str) -> str:
    return _SHORT_ESCAPES.get(character) or character.encode("unicode_escape").decode("ascii")


def printable_lines(text: str) -> str:
    """Do what `printable` does to text of several lines, and keep the lines."""
    return "\n".join(printable(line) for line in text.split("\n"))


def one_line(text: str) -> str:
    """Make text of several lines one that is harmless to print, where a line break may come from a document."""
    return printable(" ".join(text.split("\n")))


def literal(text: str, style: str | Style = "") -> Text:
    """Text from a document for a table or tree of rich's: harmless as by `printable`, with a style."""
    from rich.text import Text

    return Text(printable(text), style)


def print_json(value: Any) -> None:
    """
    Print a report as JSON, in ASCII and indented, for a program to read.

    Parameters
    ----------
    value : JSON value
        Lists and dicts (with text keys) of text, numbers, booleans and None. A float that is not finite, which
        JSON cannot say, is printed as text: ``"nan"``, ``"inf"`` or ``"-inf"``.
    """
    json.dump(_finite(value), sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
