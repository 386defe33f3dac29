"""What each check of the state costs, where the benchmarks of checks are there."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from bench.session import Session

TITLE = "Checks"
ABOUT = "What each check of the state of loaded estimators costs."

# With fewer turns than this, the whole zoo is not worth its time.
_TURNS_FOR_THE_ZOO = 5


def run(session: Session) -> None:
    """Run ``python -m bench.checks`` and keep what it prints."""
    if find_spec("bench.checks") is None:
        session.skip("checks", "", "", "there is no bench/checks.py")
        return
    turns = session.profile.check_turns
    if not turns:
        session.skip("checks", "", "", f"takes too long in the {session.profile.name} profile")
        return
    options = ["--turns", str(turns), *(["--no-zoo"] if turns < _TURNS_FOR_THE_ZOO else [])]
    session.progress("bench.checks", 0.0)
    root = Path(__file__).parents[2]
    finished = subprocess.run(
        [sys.executable, "-m", "bench.checks", *options],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    if finished.returncode:
        session.skip("checks", "", "", (finished.stderr.strip().splitlines() or ["bench.checks fails"])[-1])
    session.results.notes["checks"] = finished.stdout
