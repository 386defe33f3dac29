"""Processes whose memory is looked at: each does one thing with one model, and says what it grew by."""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import reflectio
from bench import memory
from bench.groups.file import dump_to, load_from
from bench.savers import Saver, installed, saver
from bench.subjects import miniature


def _unpickle(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)


def _dump(saver: Saver, model: Any, path: Path) -> None:
    if saver.name == "reflectio":
        reflectio.dump(model, path)
    else:
        dump_to(saver, model, path)


def _load(saver: Saver, path: Path, task: str) -> Any:
    if task == "own":
        return _unpickle(path)
    if task == "load":
        return load_from(saver, path)
    if saver.load_mapped is None:
        raise ValueError(f"{saver.name} does not map")
    return saver.load_mapped(path)


def _work(task: str, saver: Saver, pickled: Path, file: Path) -> Callable[[], Any]:
    if task == "dump":
        model = _unpickle(pickled)
        return lambda: _dump(saver, model, file)
    return lambda: _load(saver, pickled if task == "own" else file, task)


def _grow(task: str, name: str, pickled: str, file: str, kind: str) -> dict[str, int]:
    chosen = saver(name)
    with tempfile.TemporaryDirectory() as folder:
        small_pickled, small_file = Path(folder, "pickled"), Path(folder, "file")
        small = miniature(kind)
        small_pickled.write_bytes(pickle.dumps(small, protocol=5))
        _dump(chosen, small, small_file)
        # What is imported and cached the first time is not the large model's.
        for _ in range(2):
            _work(task, chosen, small_pickled, small_file)()
    work = _work(task, chosen, Path(pickled), Path(file))
    memory.give_back()
    before = memory.resident()
    memory.forget_highest()
    held = work()
    peak = memory.highest()
    memory.give_back()
    kept = memory.resident() - before
    del held
    return {"peak": max(0, peak - before), "kept": max(0, kept)}


def main() -> None:
    """For each line of JSON that comes in, fork: the fork does what it says, and answers with a line."""
    warnings.simplefilter("ignore")
    installed()
    for line in sys.stdin:
        if process := os.fork():
            _, status = os.waitpid(process, 0)
            if status:
                print(json.dumps({"error": f"the process ended with status {status}"}), flush=True)
            continue
        try:
            answer: dict[str, Any] = _grow(*json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
        os._exit(0)


if __name__ == "__main__":
    main()
