"""Mapped loads of files of several sizes: opening takes no time, however large the file."""

from __future__ import annotations

from bench.groups.file import dump_to
from bench.session import Session
from bench.subjects import neighbours
from bench.timing import Job

TITLE = "Mapped loads"
ABOUT = "Neighbours of several sizes, loaded with their arrays mapped: the model is there before its bytes are read."


def run(session: Session) -> None:
    """Time every saver that can map."""
    for megabytes in session.steps(session.profile.mapped_megabytes):
        model = neighbours(megabytes)
        jobs: dict[tuple[str, str], Job] = {}
        for saver in session.savers:
            if saver.load_mapped is None:
                continue
            path = session.folder / f"{saver.name}.model"
            dump_to(saver, model, path)
            load = saver.load_mapped
            jobs[saver.name, "load, mapped"] = Job(lambda load=load, path=path: load(path))
        session.time("mapped", f"{megabytes:,} MB", jobs)
    for path in session.folder.iterdir():
        path.unlink()
