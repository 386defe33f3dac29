"""What ``--help`` prints of a command, in a manual page's order: what it does, its options, exit status, examples."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from textwrap import indent
from typing import Any

import typer
from rich.markup import escape
from rich.padding import Padding
from typer.core import TyperCommand, TyperGroup

from reflectio.cli.console import output
from reflectio.cli.status import reported

__all__ = ["GroupWithManual", "add"]

_HEADING = re.compile(r"^(?P<heading>[A-Z][^\n]*)\n-{3,}$", re.MULTILINE)


class _WithManual:
    """A command or group that prints the sections of its docstring behind its options."""

    sections: dict[str, str]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)  # type: ignore[misc]
        console = output()
        for heading, text in self.sections.items():
            console.print(f" {heading}", style="bold")
            for number, paragraph in enumerate(text.split("\n\n")):
                if number:
                    console.print()
                if paragraph.startswith(" "):
                    # What is indented is to be typed: it stays in one piece, whatever the width.
                    console.print(indent(paragraph, "  "), soft_wrap=True)
                else:
                    console.print(Padding(" ".join(paragraph.split()), (0, 1, 0, 3), expand=False))
            console.print()


class _CommandWithManual(_WithManual, TyperCommand):
    pass


class GroupWithManual(_WithManual, TyperGroup):
    """A group of commands with a manual; its ``epilog`` holds the sections."""

    def __init__(self, **options: Any) -> None:
        _, self.sections = _parts(options.pop("epilog", None) or "")
        super().__init__(**options)


def add(app: typer.Typer, function: Callable[..., Any]) -> None:
    """
    Add a command to an app.

    Parameters
    ----------
    app : typer.Typer
        The app, or a group of commands.
    function : callable
        The command, which has the function's name, with ``-`` for ``_``. Its docstring is the manual: a sentence,
        paragraphs, and sections with underlined headings, of which ``Exit status`` and ``Examples`` are due.
        Indented lines are printed as they are.
    """
    description, sections = _parts(function.__doc__ or "")
    command = type(_CommandWithManual.__name__, (_CommandWithManual,), {"sections": sections})
    app.command(cls=command, help=_flowing(description))(reported(function))


def _parts(docstring: str) -> tuple[str, dict[str, str]]:
    """A docstring's description, and its sections by their headings."""
    description, *rest = _HEADING.split(inspect.cleandoc(docstring))
    return description.strip(), {
        heading: text.strip("\n") for heading, text in zip(rest[::2], rest[1::2], strict=True)
    }


def _flowing(text: str) -> str:
    """Paragraphs in one line each, for the terminal's width to break."""
    return "\n\n".join(escape(" ".join(paragraph.split())) for paragraph in text.split("\n\n"))
