"""The command line: a module for each command, and here what makes one program of them."""

from __future__ import annotations

from typing import Annotated

import typer

from reflectio._version import __version__
from reflectio.cli.demo import demo
from reflectio.cli.status import reported

app = typer.Typer(
    name="reflectio",
    help="Save and load scikit-learn models as readable documents: fast, exact, and safe to load from a stranger.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reflectio {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """What every command has; it also keeps the name of a command needed while there is one only."""


for command in (demo,):
    app.command()(reported(command))


def main() -> None:
    """Run the command line."""
    app()
