"""Eighty megabytes of neighbours to a file and from it, in each of the ways that there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import reflectio
from bench.savers import Saver, dump_durably
from bench.session import Session, willing
from bench.subjects import neighbours
from bench.timing import Job

TITLE = "Files"
ABOUT = (
    '80 MB of neighbours. "Durable" writes beside the file, flushes to disk and renames, as reflectio does at a path; '
    "otherwise everyone writes into a file that is open, and nothing is flushed to disk."
)


def run(session: Session) -> None:
    """Time every saver."""
    megabytes = 80 if session.profile.slow_bytes > 1e5 else 1
    name = f"{megabytes} MB of neighbours"
    model = neighbours(megabytes)
    jobs: dict[tuple[str, str], Job] = {}
    for saver in session.steps(willing(session, "file", name, megabytes * 1e6)):
        path = session.folder / f"{saver.name}.model"
        try:
            dump_to(saver, model, path)
            load_from(saver, path)
        except Exception as error:
            session.skip("file", name, saver.name, error)
            continue
        session.add("file", name, "size", saver.name, path.stat().st_size, "B")
        jobs.update(_jobs(saver, model, path))
    session.progress("all savers in turn", 0.5)
    session.time("file", name, jobs)
    for path in session.folder.iterdir():
        path.unlink()


def _jobs(saver: Saver, model: Any, path: Path) -> dict[tuple[str, str], Job]:
    fresh, durable = path.with_suffix(".fresh"), path.with_suffix(".durable")
    jobs = {
        (saver.name, "dump"): Job(lambda: dump_to(saver, model, fresh), _removes(fresh)),
        (saver.name, "dump, durable"): Job(lambda: _dump_durably(saver, model, durable), _removes(durable)),
        (saver.name, "load"): Job(lambda: load_from(saver, path)),
    }
    if saver.load_mapped is not None:
        load_mapped = saver.load_mapped
        jobs[saver.name, "load, mapped"] = Job(lambda: load_mapped(path))
    return jobs


def _removes(path: Path) -> Callable[[], None]:
    return lambda: path.unlink(missing_ok=True)


def _dump_durably(saver: Saver, model: Any, path: Path) -> None:
    if saver.name == "reflectio":
        reflectio.dump(model, path)
    else:
        dump_durably(lambda file: saver.dump(model, file), path)


def dump_to(saver: Saver, model: Any, path: Path) -> None:
    """Write a model into a new file."""
    with path.open("wb") as file:
        saver.dump(model, file)


def load_from(saver: Saver, path: Path) -> Any:
    """Read a model from a file."""
    if saver.name == "reflectio":
        return reflectio.load(path)
    with path.open("rb") as file:
        return saver.load(file)
