"""Arguments and options that several commands have, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = ["AsJson", "Files", "PolicyFile"]

Files: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="Files, globs such as 'models/**/*.rfl', or - for standard input."),
]

PolicyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        "-p",
        metavar="FILE",
        help="The policy that judges names: a file, or the name of a built-in list such as strict. Default: the file "
        "that REFLECTIO_POLICY names, else the built-in policy.",
    ),
]

AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the report as JSON, for programs, instead of for people.")
]
