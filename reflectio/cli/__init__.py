"""The command line: a module for each command, and here what makes one program of them."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer

from reflectio._version import __version__
from reflectio.cli import policy
from reflectio.cli.audit import audit
from reflectio.cli.convert import convert
from reflectio.cli.demo import demo
from reflectio.cli.diff import diff
from reflectio.cli.manual import GroupWithManual, add
from reflectio.cli.show import show
from reflectio.cli.status import NO, reported
from reflectio.cli.verify import verify

_MANUAL = """
Exit status
-----------
    0  yes: all is well, or done
    1  no: something is wrong, differs, or could not be done
    2  a mistake in the command line
  130  interrupted by Ctrl-C
  141  nobody reads the output any more: the pipe was closed

Examples
--------
See what reflectio does, in a minute:

    reflectio demo

Judge a model from elsewhere, a pickle too, then look at it and bring it over:

    reflectio audit model.pkl
    reflectio convert model.pkl model.rfl
    reflectio show model.rfl

Before a deployment, where the models will be loaded:

    reflectio verify models/*.rfl

Say everything about a command:

    reflectio convert --help
"""

app = typer.Typer(
    name="reflectio",
    help="Save and load scikit-learn models as readable documents: fast, exact, and safe to load from a stranger.",
    epilog=_MANUAL,
    cls=GroupWithManual,
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


for command in (show, audit, diff, convert, verify, demo):
    add(app, command)
app.add_typer(policy.app)


def main() -> None:
    """Run the command line."""
    # numpy's linear algebra starts a thread for each processor, which no command needs and which cost processor
    # time while they wait for work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.stderr is None:
        # Closed by the caller: what is said there has no reader.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        sys.stderr.write("error: standard output is closed\n  Send it to /dev/null where it is not wanted.\n")
        sys.exit(NO)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character that the terminal's encoding does not have is shown by its escape, and is no error.
            stream.reconfigure(errors="backslashreplace")
    try:
        reported(app)(prog_name="reflectio")
    except typer.Exit as end:
        sys.exit(end.exit_code)
