"""What became of each hostile file, tried once in a process of its own for all tests of a run."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from attacks.pickles import FILE_ATTACKS

TESTS = Path(__file__).parent

#: By id.
ATTACKS = {attack.id: attack for attack in FILE_ATTACKS}


def environment() -> dict[str, str]:
    """The environment of a child process that finds the tests' modules."""
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}


@functools.cache
def outcomes(part: str) -> dict[str, dict[str, Any]]:
    """What became of each, when it was audited, or converted."""
    return {name: outcome for (of, name), outcome in _all_outcomes().items() if of == part}


@functools.cache
def _all_outcomes() -> dict[tuple[str, str], dict[str, Any]]:
    ran = subprocess.run(
        [sys.executable, "-m", "attacks.run_pickles"],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment(),
    )
    found = {
        (outcome["part"], outcome["id"]): outcome for outcome in map(json.loads, ran.stdout.splitlines())
    }
    if ran.returncode:
        culprit = next((name for name in ATTACKS if ("convert", name) not in found), None)
        raise AssertionError(f"{culprit} ended the process ({ran.returncode}): {ran.stderr[-2000:]}")
    return found
