"""What the first import, the first load and the command line take, in processes of their own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import reflectio
from bench.figures import Figure
from bench.session import Session
from bench.subjects import subject

TITLE = "Start-up"
ABOUT = (
    "Processes from their start to their end: Python alone, with an import, with the first load of a linear regression, "
    "and the command line. Modules are in the system's cache of files."
)

_ROOT = Path(__file__).parents[2]

# How each saver's user would load a model from the file that is the first argument.
_LOADS = {
    "reflectio": "import sys, reflectio; reflectio.load(sys.argv[1])",
    "pickle": "import sys, pickle; pickle.load(open(sys.argv[1], 'rb'))",
    "cloudpickle": "import sys, cloudpickle; cloudpickle.load(open(sys.argv[1], 'rb'))",
    "dill": "import sys, dill; dill.load(open(sys.argv[1], 'rb'))",
    "joblib": "import sys, joblib; joblib.load(sys.argv[1])",
    "skops": "import sys, skops.io; skops.io.load(sys.argv[1], trusted=[])",
    "pymilo": "import sys, pymilo; pymilo.Import(json_dump=open(sys.argv[1]).read()).to_model()",
}


def run(session: Session) -> None:
    """Start each process in turn."""
    commands: dict[tuple[str, str], list[str]] = {("python", "alone"): ["-c", "pass"]}
    model = subject("linear regression")
    for saver in session.savers:
        path = session.folder / f"{saver.name}.model"
        path.write_bytes(saver.dumps(model))
        commands[saver.name, "import and first load"] = ["-c", _LOADS[saver.name], str(path)]
    commands["reflectio", "import"] = ["-c", "import reflectio"]
    commands["scikit-learn", "import"] = ["-c", "import sklearn.linear_model"]
    document = session.folder / "small.json"
    reflectio.dump(model, document)
    commands["reflectio", "reflectio --help"] = ["-m", "reflectio", "--help"]
    commands["reflectio", "reflectio audit small.json"] = ["-m", "reflectio", "audit", str(document)]
    _time(session, commands)
    for path in session.folder.iterdir():
        path.unlink()


def _time(session: Session, commands: dict[tuple[str, str], list[str]]) -> None:
    wall: dict[tuple[str, str], list[float]] = {}
    processor: dict[tuple[str, str], list[float]] = {}
    failed: set[tuple[str, str]] = set()
    for _ in session.steps(f"round {number + 1}" for number in range(session.profile.starts)):
        for key, arguments in commands.items():
            if key in failed:
                continue
            elapsed, used, error = _start(arguments)
            if error:
                failed.add(key)
                session.skip("startup", key[1], key[0], error)
            else:
                wall.setdefault(key, []).append(elapsed)
                processor.setdefault(key, []).append(used)
    for kind, times in (("elapsed", wall), ("processor", processor)):
        for (saver, operation), taken in times.items():
            middle = sorted(taken)[len(taken) // 2]
            session.results.figures.append(
                Figure("startup", operation, kind, saver, min(taken), "s", middle, len(taken))
            )


def _start(arguments: list[str]) -> tuple[float, float, str]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = perf_counter()
    finished = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        check=False,
    )
    elapsed = perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = [line for line in finished.stderr.splitlines() if line.strip(" \u2500\u256d\u256e\u2570\u256f")]
    error = (lines[-1].strip(" \u2502")[:160] if lines else "fails") if finished.returncode else ""
    return elapsed, used, error
