"""Several threads that load at once: what they get, and how much faster they are together."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

from bench import subjects
from bench.session import Session
from bench.timing import Job

TITLE = "Threads"
ABOUT = "Four loads of the same bytes in memory, by one thread, two and four: speed-up over one thread."

COUNTS = (1, 2, 4)
_LOADS = 4


def run(session: Session) -> None:
    """Time reflectio and pickle, and compare what reflectio's threads get."""
    tiny = session.profile.slow_bytes <= 1e5
    models = {"80 MB of neighbours": subjects.neighbours(1 if tiny else 80), "100 deep trees": _deep(tiny)}
    for name in session.steps(models):
        jobs: dict[tuple[str, str], Job] = {}
        for saver in session.plain:
            data = saver.dumps(models[name])
            for count in COUNTS:
                jobs[saver.name, f"{count} threads"] = Job(
                    lambda saver=saver, data=data, count=count: _load(saver.loads, [data] * _LOADS, count)
                )
        session.time("threads", name, jobs, clock=perf_counter)
    _compare(session)


def _deep(tiny: bool) -> Any:
    return subjects.miniature("100 deep trees") if tiny else subjects.subject("100 deep trees")


def _load(loads: Any, documents: list[bytes], threads: int) -> list[Any]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(loads, documents))


def _compare(session: Session) -> None:
    """Threads load different documents of the zoo at once; each must get what was dumped."""
    reflectio = next(saver for saver in session.savers if saver.name == "reflectio")
    documents = [reflectio.dumps(model) for _, model in subjects.zoo(session.profile.zoo_step)] * 4
    loaded = _load(reflectio.loads, documents, 2 * (os.cpu_count() or 1))
    wrong = sum(reflectio.dumps(model) != data for model, data in zip(loaded, documents, strict=True))
    session.add("threads", "the zoo, four times", "loaded at once", "reflectio", len(documents), "")
    session.add("threads", "the zoo, four times", "not the same", "reflectio", wrong, "")
