"""How much processor time the command line takes before its work begins: ``pytest bench/test_startup.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROUNDS = 15

# What Python itself takes, and what is imported most.
FLOORS = {
    "python": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import typer": ["-c", "import typer"],
    "import reflectio": ["-c", "import reflectio"],
    "reflectio.loads": ["-c", "import reflectio; reflectio.loads"],
    "reflectio.audit": ["-c", "import reflectio; reflectio.audit"],
    "Policy.default": ["-c", "import reflectio; reflectio.Policy.default()"],
}

COMMANDS = {
    "--version": ["--version"],
    "--help": ["--help"],
    "policy show --help": ["policy", "show", "--help"],
    "a mistake": ["nothing-of-the-kind"],
    "policy suggest small.json": ["policy", "suggest", "small.json"],
    "audit small.json": ["audit", "small.json"],
    "audit segment.rfl": ["audit", "segment.rfl"],
}

_MODEL = """
import reflectio
from sklearn.linear_model import LogisticRegression
reflectio.dump(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), "small.json")
reflectio.dump(LogisticRegression().fit([[0.0] * 1000, [1.0] * 1000], [0, 1]), "segment.rfl")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    """Where a small model lies, and one with a segment, and the compiled modules that an installation has."""
    folder: Path = tmp_path_factory.mktemp("startup")
    subprocess.run([sys.executable, "-c", _MODEL], cwd=folder, env=_environment(folder), check=True)
    return folder


def _environment(folder: Path) -> dict[str, str]:
    # An installed package has its modules compiled; a checkout may be told not to keep them.
    unwanted = {"PYTHONDONTWRITEBYTECODE", "REFLECTIO_POLICY", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    kept = {key: value for key, value in os.environ.items() if key not in unwanted}
    path = os.pathsep.join([os.getcwd(), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "PYTHONPATH": path}


def _processor_seconds(arguments: list[str], folder: Path) -> tuple[float, int]:
    """What a child process takes of all processors together, and its status."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=_environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, child.returncode


def _measure(benchmark: Any, arguments: list[str], folder: Path) -> tuple[float, int]:
    """The least of several runs: whatever else the machine does adds to the others."""
    taken = []

    def run() -> None:
        taken.append(_processor_seconds(arguments, folder))

    benchmark.pedantic(run, rounds=ROUNDS, warmup_rounds=1)
    # The first run compiled the modules; it is the only one where benchmarks are disabled.
    least = min(taken[1:] or taken)
    benchmark.extra_info["processor_seconds"] = round(least[0], 4)
    print(f" {least[0]:.3f} s of processor time", end=" ")
    return least


@pytest.mark.benchmark(group="imports")
@pytest.mark.parametrize("name", FLOORS)
def test_import(benchmark: Any, folder: Path, name: str) -> None:
    assert _measure(benchmark, FLOORS[name], folder)[1] == 0


@pytest.mark.benchmark(group="start-up")
@pytest.mark.parametrize("name", COMMANDS)
def test_command(benchmark: Any, folder: Path, name: str) -> None:
    _, status = _measure(benchmark, ["-m", "reflectio", *COMMANDS[name]], folder)
    assert status == (2 if name == "a mistake" else 0)
