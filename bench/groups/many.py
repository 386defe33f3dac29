"""Documents of many tiny estimators: what one costs must not depend on how many there are."""

from __future__ import annotations

from typing import Any

from bench.session import Session
from bench.subjects import many
from bench.timing import Job

TITLE = "Many tiny estimators"
ABOUT = "Lists of linear regressions, no two alike: seconds per estimator, all counts timed in turn."


def run(session: Session) -> None:
    """Time reflectio and pickle; the counts take turns, too."""
    jobs: dict[tuple[str, str], Job] = {}
    for count in session.profile.counts:
        models: list[Any] = many(count)
        for saver in session.plain:
            data = saver.dumps(models)
            jobs[saver.name, f"dumps {count}"] = Job(lambda saver=saver, models=models: saver.dumps(models))
            jobs[saver.name, f"loads {count}"] = Job(lambda saver=saver, data=data: saver.loads(data))
    session.progress("all counts in turn", 0.0)
    for (saver, operation), timing in session.time("many", "all", jobs).items():
        verb, _, count = operation.partition(" ")
        session.add("many", f"{int(count):,}", f"{verb} per estimator", saver, timing.best / int(count))
