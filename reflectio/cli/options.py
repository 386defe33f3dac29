"""Arguments and options that several commands have, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from reflectio.cli.console import printable

__all__ = ["AsJson", "Files", "PolicyFile"]

Files: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="Files, globs such as 'models/**/*.rfl', or - for standard input."),
]


def _existing(policy: Path | None) -> Path | None:
    """Refuse a policy that is neither a file nor a built-in list, as a file that does not exist is refused."""
    if policy is not None and not policy.exists():
        from reflectio.policy.files import built_in_lists

        if str(policy) not in built_in_lists():
            raise typer.BadParameter(
                f"'{printable(str(policy))}' is neither a file nor a built-in list ({', '.join(built_in_lists())})"
            )
    return policy


PolicyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        "-p",
        metavar="FILE",
        callback=_existing,
        help="The policy that judges names: a file, or the name of a built-in list such as strict. Default: the file "
        "that REFLECTIO_POLICY names, else the built-in policy.",
    ),
]

AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the report as JSON, for programs, instead of for people.")
]
