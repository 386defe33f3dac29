"""``reflectio demo``: fit models on bundled data, and see whether they survive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            "--keep",
            file_okay=False,
            help="Where to put the documents; by default a new temporary folder.",
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, help="How often each measurement is taken; the median counts.")
    ] = 7,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON instead of as a table.")
    ] = False,
) -> None:
    """
    Fit models on scikit-learn's bundled data, and see whether they survive.

    Each model is dumped in both formats, audited, loaded by a second process, and asked for predictions, which must
    be those of the fitted model bit for bit. The exit status is 0 if all of them are, else 1.
    """
    # Fitting needs scikit-learn, which takes long to import: help and mistakes should not wait for it.
    from reflectio.demo.show import main

    try:
        agreed = main(folder, rounds=rounds, as_json=as_json)
    except OSError as error:
        typer.echo(f"The documents cannot be written: {error}", err=True)
        raise typer.Exit(1) from error
    raise typer.Exit(0 if agreed else 1)
