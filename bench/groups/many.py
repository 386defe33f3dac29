"""Documents of many tiny estimators: what one costs must not depend on how many there are."""

from __future__ import annotations

from typing import Any

from bench.session import Session
from bench.subjects import many
from bench.timing import Job

TITLE = "Many tiny estimators"
ABOUT = (
    "Lists of linear regressions, no two alike: seconds per estimator, all counts timed in turn. A short list is loaded "
    'into memory that is in the processor\'s cache; "kept" loads as many documents as make the longest list, and keeps '
    "them all, so that each count pays for fresh memory alike."
)


def run(session: Session) -> None:
    """Time reflectio and pickle; the counts take turns, too."""
    jobs: dict[tuple[str, str], Job] = {}
    most = max(session.profile.counts)
    for count in session.profile.counts:
        models: list[Any] = many(count)
        for saver in session.plain:
            data = saver.dumps(models)
            jobs[saver.name, f"dumps {count}"] = Job(lambda saver=saver, models=models: saver.dumps(models))
            jobs[saver.name, f"loads {count}"] = Job(lambda saver=saver, data=data: saver.loads(data))
            jobs[saver.name, f"loads {count}, kept"] = Job(
                lambda saver=saver, data=data, count=count: [saver.loads(data) for _ in range(most // count)]
            )
    session.progress("all counts in turn", 0.0)
    for (name, operation), timing in session.time("many", "all", jobs).items():
        verb, number = operation.removesuffix(", kept").split()
        if operation.endswith("kept"):
            session.add("many", f"{int(number):,}", f"{verb} per estimator, kept", name, timing.best / most)
        else:
            session.add("many", f"{int(number):,}", f"{verb} per estimator", name, timing.best / int(number))
