"""``reflectio show``: look at a model without loading it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reflectio.cli.console import output, print_json
from reflectio.cli.files import expand, label, source
from reflectio.cli.options import AsJson, PolicyFile
from reflectio.cli.status import answer, explain


def show(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE... [PATH]",
            help="Documents, globs, or - for standard input; then, starting with $, which part of them: "
            "'$.model.steps[1][1]'.",
        ),
    ],
    depth: Annotated[
        int, typer.Option("--depth", "-d", min=0, help="How many levels of objects are opened.")
    ] = 3,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", "-a", help="Leave nothing out: parameters at their defaults, every item of a list."
        ),
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Read every value of large arrays, rather than a sample.")
    ] = False,
    textconv: Annotated[
        bool,
        typer.Option("--textconv", help="Print a line for each value, the same for equal models: for git diff."),
    ] = False,
    as_json: AsJson = False,
    policy: PolicyFile = None,
) -> None:
    """TODO"""
