"""The command line as its users meet it: a process of its own, with a status, and text on two streams."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from typing import Any


def run(*arguments: object, width: int = 80, env: Mapping[str, str] | None = None, **options: Any):
    """
    Run ``reflectio`` on arguments, its output going into pipes.

    Parameters
    ----------
    *arguments : object
        The command line, in text or paths.
    width : int
        How many columns the output has.
    env : mapping of str to str, optional
        Variables to set.
    **options
        For `subprocess.run`.

    Returns
    -------
    subprocess.CompletedProcess
        Status and output.
    """
    options = {"capture_output": True, "text": True, "timeout": 120, "check": False, **options}
    return subprocess.run(
        [sys.executable, "-m", "reflectio", *map(str, arguments)],
        env=_environment(width) | dict(env or {}),
        **options,
    )


def run_in_terminal(*arguments: object, env: Mapping[str, str] | None = None) -> str:
    """Run ``reflectio`` in a terminal of its own, and give what it shows on it."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "reflectio", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=_environment(80) | {"TERM": "xterm-256color"} | dict(env or {}),
    ):
        os.close(theirs)
        shown = []
        while True:
            try:
                chunk = os.read(ours, 1 << 16)
            except OSError:  # the last one that had the terminal open has closed it
                break
            if not chunk:
                break
            shown.append(chunk)
    os.close(ours)
    return b"".join(shown).decode()


def _environment(width: int) -> dict[str, str]:
    """This process's environment, without what changes the output."""
    unwanted = {"REFLECTIO_POLICY", "NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONWARNINGS"}
    return {key: value for key, value in os.environ.items() if key not in unwanted} | {"COLUMNS": str(width)}
