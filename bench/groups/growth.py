"""Time and memory as the model grows: of one array, and of many trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.groups.file import dump_to, load_from
from bench.groups.memory import look, prepare
from bench.memory import Processes
from bench.session import Session
from bench.subjects import forest, neighbours
from bench.timing import Job

TITLE = "Growth"
ABOUT = (
    "Models from 1 MB on, to an open file and from it: one array that grows, and a forest of ever more trees of 1 MB. "
    "A power of 1 is linear."
)

# A virtual machine may be slow to give memory that nobody used before, five times as slow at 1 GB: which turn that hits is
# chance, and three turns are too few for one to be without.
_PATIENCE = 5.0

FAMILIES: dict[str, Callable[[int], Any]] = {"neighbours": neighbours, "forest": forest}


def run(session: Session) -> None:
    """Time reflectio and pickle, and look at the memory that both take."""
    sizes = [("neighbours", size) for size in session.profile.array_megabytes]
    sizes += [("forest", size) for size in session.profile.forest_megabytes]
    with Processes() as processes:
        for name in session.steps(f"{megabytes:,} MB, {family}" for family, megabytes in sizes):
            family, megabytes = by_size(name)
            _measure(session, processes, name, FAMILIES[family](megabytes), family)


def _measure(session: Session, processes: Processes, name: str, model: Any, family: str) -> None:
    jobs: dict[tuple[str, str], Job] = {}
    for saver in session.plain:
        path, fresh = session.folder / f"{saver.name}.model", session.folder / f"{saver.name}.fresh"
        dump_to(saver, model, path)
        jobs[saver.name, "dump"] = Job(
            lambda saver=saver, fresh=fresh: dump_to(saver, model, fresh),
            lambda fresh=fresh: fresh.unlink(missing_ok=True),
        )
        jobs[saver.name, "load"] = Job(lambda saver=saver, path=path: load_from(saver, path))
        if saver.name == "pickle":
            session.add("growth", name, "size", saver.name, path.stat().st_size, "B")
    session.time("growth", name, jobs, patience=_PATIENCE)
    for path in session.folder.iterdir():
        path.unlink()
    pickled, _ = prepare(model, session.folder)
    own = processes.growth("own", "pickle", pickled, pickled, family).kept
    session.add("growth", name, "own", "", own, "B")
    for saver in session.plain:
        look(session, processes, "growth", name, saver, pickled, family)
    pickled.unlink()


def by_size(name: str) -> tuple[str, int]:
    """The family and the MB of a subject's name."""
    size, _, family = name.partition(" MB, ")
    return family, int(size.replace(",", ""))
