"""
Fuzz everything that is checked on load: ``python -m tests.fuzz --cases 200000``.

Documents of valid objects are forged, loaded and used, in a process of its own that may die. The target ``zoo`` forges
anything in any estimator of the zoo, in both formats; the others forge the fields that some validators stand before.
Cases that fail are printed with what reproduces them, and their documents kept in the folder given by ``--keep``.
"""

from __future__ import annotations

import argparse
import json
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
from typing import NamedTuple

HERE = Path(__file__).parent
# As a part of the package `tests`, and as one that tests import, it is the same.
sys.path.insert(0, str(HERE.parent))

import zoo  # noqa: E402

import reflectio  # noqa: E402
from fuzz.mutations import mutate  # noqa: E402
from fuzz.targets import TARGETS  # noqa: E402

HANG_SECONDS = 60
PROGRESS_SECONDS = 30.0

ZOO = "zoo"


class Report(NamedTuple):
    """
    What came of a run.

    Attributes
    ----------
    outcomes : dict of str to Counter
        By target, how many cases were refused, used, slow in use, or bad.
    validators : Counter
        How many documents each validator refused.
    failures : list of str
        What reproduces each bad case: target, number or file, seed; and what happened.
    """

    outcomes: dict[str, Counter[str]]
    validators: Counter[str]
    failures: list[str]


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

    def run(self, case: str) -> tuple[str, list[str]]:
        """Run a case; give its outcome, and the validators that refused it."""
        if self.process is None or self.process.poll() is not None:
            self.stop()
            self.process = self._start()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{case}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], HANG_SECONDS)
        if not ready:
            self.stop()
            return "BAD hang in compiled code", []
        answer = self.process.stdout.readline()
        if not answer:
            return f"BAD died with status {self.process.wait()}", []
        outcome, validators = json.loads(answer)
        return outcome, validators

    def stop(self) -> None:
        """End the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            # Closes the pipes, too.
            self.process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        path = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
            text=True,
        )


def fuzz(
    targets: list[str],
    cases: int,
    seed: int,
    only: str = "",
    *,
    keep: Path | None = None,
    progress: bool = False,
) -> Report:
    """
    Run cases over some targets in turn.

    Parameters
    ----------
    targets : list of str
        Names of targets; "zoo" is one.
    cases : int
        How many, over all targets.
    seed : int
        Decides what is forged. The same seed forges the same.
    only : str
        Part of the names of the zoo's estimators that take part.
    keep : path, optional
        Where to write the documents that failed.
    progress : bool
        Whether to print failures as they come, and now and then how far it is.

    Returns
    -------
    Report
        What came of it.
    """
    report = Report({name: Counter() for name in targets}, Counter(), [])
    start = last = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = prepare(folder, only) if ZOO in targets else []
        worker = Worker(folder)
        for case in range(cases):
            target = targets[case % len(targets)]
            number = case // len(targets)
            command = f"{target} {files[number % len(files)] if target == ZOO else number} {seed + number}"
            outcome, validators = worker.run(command)
            report.outcomes[target][outcome.split()[0]] += 1
            report.validators.update(validators)
            if outcome.startswith("BAD"):
                report.failures.append(f"{command}: {outcome}")
                if keep is not None:
                    (keep / command.replace(" ", "-")).write_bytes(document_of(command, folder))
                if progress:
                    print(report.failures[-1], flush=True)
            if progress and time.monotonic() - last > PROGRESS_SECONDS:
                last = time.monotonic()
                total = sum(report.outcomes.values(), Counter[str]())
                print(
                    f"{case + 1} of {cases}, {(case + 1) / (last - start):.0f}/s: {dict(total)}", flush=True
                )
        worker.stop()
    return report


def document_of(command: str, folder: Path) -> bytes:
    """The forged document of a case."""
    target, what, seed = command.split()
    if target == ZOO:
        return mutate(pickle.loads((folder / what).read_bytes())[0], int(seed))
    return TARGETS[target].case(int(what), int(seed))[2]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    every = [ZOO, *TARGETS]
    parser.add_argument(
        "--targets", default=",".join(every), help=f"some of {', '.join(every)}; all by default"
    )
    parser.add_argument("--cases", type=int, default=10_000, help="how many, over all targets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of the name of an estimator of the zoo")
    parser.add_argument("--keep", type=Path, help="a folder for the documents that failed")
    parser.add_argument("--validators", action="store_true", help="print how many documents each refused")
    options = parser.parse_args()
    targets = options.targets.split(",")
    if unknown := set(targets) - set(every):
        parser.error(f"there is no target {min(unknown)!r}; there are {', '.join(every)}")
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    report = fuzz(targets, options.cases, options.seed, options.only, keep=options.keep, progress=True)
    for target, outcomes in report.outcomes.items():
        print(f"{target:15}", ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    if options.validators:
        for validator, count in sorted(report.validators.items()):
            print(f"{count:8} {validator}")
    print(f"{len(report.failures)} failures")
    return bool(report.failures)


if __name__ == "__main__":
    sys.exit(main())
