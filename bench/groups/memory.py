"""The most memory that dumping to a file and loading from it takes, beyond the model, in a process of its own."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from bench.memory import Processes
from bench.savers import Saver
from bench.session import Session, willing
from bench.subjects import subject

TITLE = "Memory"
ABOUT = (
    "What a fresh process grows by at most (VmHWM, which the system counts) while it dumps to a file or loads, as a "
    "multiple of what it grows by to hold the model. Loading has to end at 1; dumping could need nothing."
)


def run(session: Session) -> None:
    """Look at every saver with every model."""
    with Processes() as processes:
        for name in session.steps(session.profile.peaks):
            model = subject(name)
            pickled, nbytes = prepare(model, session.folder)
            session.add(
                "memory", name, "own", "", processes.growth("own", "pickle", pickled, pickled, name).kept, "B"
            )
            session.add("memory", name, "largest array", "", largest_array(model), "B")
            for saver in willing(session, "memory", name, nbytes):
                look(session, processes, "memory", name, saver, pickled, name)
    for path in session.folder.iterdir():
        path.unlink()


def prepare(model: Any, folder: Path) -> tuple[Path, int]:
    """Pickle a model, for the other processes to have it; the path, and its bytes."""
    path = folder / "pickled"
    with path.open("wb") as file:
        pickle.dump(model, file, protocol=5)
    return path, path.stat().st_size


def look(
    session: Session, processes: Processes, group: str, subject: str, saver: Saver, pickled: Path, kind: str
) -> None:
    """What one saver takes."""
    file = session.folder / f"{saver.name}.model"
    for task in ("dump", "load", "load, mapped"):
        if task == "load, mapped" and saver.load_mapped is None:
            continue
        try:
            grown = processes.growth(task, saver.name, pickled, file, kind)
        except RuntimeError as error:
            session.skip(group, subject, saver.name, f"{task} fails: {error}")
            continue
        session.add(group, subject, f"peak of {task}", saver.name, grown.peak, "B")
    if saver.name == "reflectio" and file.exists():
        session.add(group, subject, "header", saver.name, header_bytes(file), "B")
    file.unlink(missing_ok=True)


def header_bytes(path: Path) -> int:
    """How long a document's header is: to the first NUL, or all of it."""
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 16):
            end = chunk.find(b"\0")
            if end >= 0:
                return size + end
            size += len(chunk)
    return size


def largest_array(model: Any) -> int:
    """The bytes of the model's largest array."""
    sizes = [0]

    def note(buffer: pickle.PickleBuffer) -> None:
        sizes.append(buffer.raw().nbytes)

    pickle.dumps(model, protocol=5, buffer_callback=note)
    return max(sizes)
