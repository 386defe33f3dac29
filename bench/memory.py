"""Memory as the system accounts it: what a process holds, and the most that it has held."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from attrs import define, frozen

_ROOT = Path(__file__).parents[1]
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")

# What writing to it does: the peak becomes what is held now (proc(5)).
_CLEAR_PEAK = "5"

# The system counts pages in batches: what is less than this may be no growth at all.
RESOLUTION = 1 << 20


@frozen
class Growth:
    """What a process grew by while doing something, in bytes: at most, and for good."""

    peak: int
    kept: int


def resident() -> int:
    """The bytes that this process holds in memory."""
    if _STATUS.exists():
        return _status("VmRSS")
    return highest()


def highest() -> int:
    """The most bytes that this process has held since `forget_highest`, or since its start where that is not known."""
    if _STATUS.exists():
        return _status("VmHWM")
    factor = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * factor


def forget_highest() -> None:
    """Begin to look for the peak anew, where the system can."""
    if _CLEAR.exists():
        _CLEAR.write_text(_CLEAR_PEAK)


def give_back() -> None:
    """Give memory that is free back to the system, for `resident` to count what is held only."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        # Not the C library of GNU: what it keeps for later counts as held.
        return


def _status(name: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_STATUS} does not say {name}")


@define
class Processes:
    """
    Starts the processes that are looked at.

    One process imports everything once, and each of those that are looked at is a fork of it: alike, and quick to have.
    Used in a ``with`` statement.
    """

    _server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Processes:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "bench.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.communicate()

    def growth(self, task: str, saver: str, pickled: Path, file: Path, kind: str) -> Growth:
        """
        What a process grows by.

        Parameters
        ----------
        task : {"own", "dump", "load", "load, mapped"}
            What it does: holds the model, dumps it, or loads it.
        saver : str
            By which.
        pickled : Path
            The model, pickled.
        file : Path
            Where to dump it, or where to load it from.
        kind : str
            The name of the model, for a miniature to do the same with first.

        Raises
        ------
        RuntimeError
            The process failed; the message is its own.
        """
        server = self._server
        if server is None or server.stdin is None or server.stdout is None:
            raise RuntimeError("no process was started: use a with statement")
        server.stdin.write(json.dumps([task, saver, str(pickled), str(file), kind]) + "\n")
        server.stdin.flush()
        answer = json.loads(
            server.stdout.readline() or '{"error": "the process that starts others has ended"}'
        )
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return Growth(**answer)
