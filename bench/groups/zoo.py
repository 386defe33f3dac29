"""Every estimator that scikit-learn tests its own with, fitted, in memory."""

from __future__ import annotations

from bench import subjects
from bench.session import Session, in_memory

TITLE = "The zoo"
ABOUT = "Every estimator of scikit-learn's own checks, fitted on sixty rows, in memory."


def run(session: Session) -> None:
    """Time every saver on every estimator."""
    step = session.profile.zoo_step
    names = session.steps(subjects.zoo_names(step))
    for name, (same_name, model) in zip(names, subjects.zoo(step), strict=True):
        assert name == same_name
        in_memory(session, "zoo", name, model, session.savers, session.profile.zoo_rounds)
