"""``reflectio demo``: fit models on bundled data, and see whether they survive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reflectio.cli.status import answer


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
    be those of the fitted model bit for bit.

    Exit status
    -----------
        0  every prediction is that of the fitted model
        1  some are not, or a document cannot be written
        2  a mistake in the command line

    Examples
    --------
    Fit, dump, load elsewhere, compare, and time it all:

        reflectio demo

    Keep the documents, to look at them:

        reflectio demo --keep models
    """
    # Fitting needs scikit-learn, which takes long to import: help and mistakes should not wait for it.
    from reflectio.demo.show import main

    answer(main(folder, rounds=rounds, as_json=as_json))
