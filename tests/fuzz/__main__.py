"""
Fuzz the zoo: ``python -m fuzz --cases 200000`` in the folder of the tests.

Every estimator of the zoo is dumped in both formats, forged, loaded and used, in processes of its own that may die.
Cases that fail are printed with what reproduces them, and kept in the folder given by ``--keep``.
"""

from __future__ import annotations

import argparse
import os
import pickle
import select
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import zoo

import reflectio

HERE = Path(__file__).parent
HANG_SECONDS = 60


def prepare(folder: Path, only: str = "") -> list[str]:
    """Write the zoo's documents, with the data to use them on, into a folder."""
    names = []
    warnings.simplefilter("ignore")
    trained = [(name, *zoo.fitted(index, "float64")) for index, name in enumerate(zoo.instance_names())]
    trained += [
        (f"c{i:03d}-{case.name.replace(' ', '_')}", *zoo.fit(case))
        for i, case in enumerate(zoo.combinations())
    ]
    for name, estimator, data in trained:
        if only and only not in name:
            continue
        for format in ("binary", "json"):
            document = reflectio.dumps(estimator, format=format)
            file = f"{name}.{format}"
            (folder / file).write_bytes(pickle.dumps((document, data)))
            names.append(file)
    return names


class Worker:
    """A child process, replaced when it dies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def run(self, name: str, seed: int) -> str:
        """Run a case; give its outcome."""
        if self.process is None or self.process.poll() is not None:
            self.process = self._start()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{name} {seed}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], HANG_SECONDS)
        if not ready:
            self.process.kill()
            self.process.wait()
            return "BAD hang in compiled code"
        outcome = self.process.stdout.readline().strip()
        if not outcome:
            return f"BAD died with status {self.process.wait()}"
        return outcome

    def _start(self) -> subprocess.Popen[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent)}
        return subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )


def fuzz(cases: int, seed: int, only: str = "", *, progress: bool = False) -> tuple[Counter[str], list[str]]:
    """
    Run cases over the zoo.

    Returns
    -------
    outcomes : Counter
        How many were refused, used, slow in use, or bad.
    failures : list of str
        What reproduces each bad one: the document's name, the seed, and what happened.
    """
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        names = prepare(Path(folder), only)
        worker = Worker(Path(folder))
        for case in range(cases):
            name = names[case % len(names)]
            outcome = worker.run(name, seed + case)
            outcomes[outcome.split()[0]] += 1
            if outcome.startswith("BAD"):
                failures.append(f"{name} {seed + case}: {outcome}")
                if progress:
                    print(failures[-1], flush=True)
            if progress and case % 5000 == 4999:
                rate = (case + 1) / (time.monotonic() - start)
                print(f"{case + 1} of {cases}, {rate:.0f}/s: {dict(outcomes)}", flush=True)
        if worker.process is not None:
            worker.process.kill()
            worker.process.wait()
    return outcomes, failures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of an estimator's name")
    arguments = parser.parse_args()
    outcomes, failures = fuzz(arguments.cases, arguments.seed, arguments.only, progress=True)
    print(dict(outcomes), f"{len(failures)} failures")
    sys.exit(bool(failures))
