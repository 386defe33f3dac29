"""The command line as its users meet it: a process of its own, with a status, and text on two streams."""

from __future__ import annotations

import json
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


# The peak is that of the child's own memory: what the system says of children is the most of all there ever were.
_TELL_PEAK = """
import sys
from reflectio.cli import main
sys.argv[0] = "reflectio"
try:
    main()
finally:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    sys.stderr.write(peak)
"""


def run_and_tell_peak(*arguments: object, width: int = 80, **options: Any):
    """Do as `run` does; give as well the most memory that the process had, in bytes. On Linux only."""
    result = _run_program(_TELL_PEAK, *arguments, width=width, **options)
    *lines, last = result.stderr.splitlines(keepends=True)
    result.stderr = "".join(lines)
    return result, int(last.split()[1]) * 1024


_WITHOUT_RIGHTS = """
import json, os, sys
from typer.testing import CliRunner
from reflectio.cli import app, main
before, sys.argv = json.loads(sys.argv[1]), ["reflectio", *sys.argv[2:]]
# Where the libraries themselves are closed to others, they are imported while they can be.
ended = CliRunner().invoke(app, before)
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
main()
"""


def run_without_rights(before: list[str], arguments: list[str], **options: Any):
    """Do as `run` does, as a user without any rights, and after a command that imports what is needed."""
    return _run_program(_WITHOUT_RIGHTS, json.dumps(before), *arguments, **options)


def _run_program(program: str, *arguments: object, width: int = 200, **options: Any):
    options = {"capture_output": True, "text": True, "timeout": 120, "check": False, **options}
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], env=_environment(width), **options
    )


def _environment(width: int) -> dict[str, str]:
    """This process's environment, without what changes the output."""
    unwanted = {"REFLECTIO_POLICY", "NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONWARNINGS"}
    return {key: value for key, value in os.environ.items() if key not in unwanted} | {"COLUMNS": str(width)}
