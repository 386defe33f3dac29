"""The JSON format beside PyMilo, which writes JSON, too."""

from __future__ import annotations

import pickle

from bench import subjects
from bench.savers import json_saver
from bench.session import Session, in_memory, willing

TITLE = "JSON"
ABOUT = "reflectio's JSON format beside PyMilo, on all that PyMilo can save."


def run(session: Session) -> None:
    """Time both on the zoo and the larger models."""
    pymilo = [saver for saver in session.savers if saver.name == "pymilo"]
    if not pymilo:
        session.skip("json", "", "pymilo", "is not installed; reflectio is timed alone")
    savers = [json_saver(), *pymilo]
    step = session.profile.zoo_step
    zoo, models = subjects.zoo_names(step), session.profile.models
    names = iter(session.steps([*zoo, *models]))
    for name, model in subjects.zoo(step):
        next(names)
        in_memory(session, "json", name, model, savers, session.profile.zoo_rounds)
    for name in names:
        model = subjects.subject(name)
        nbytes = len(pickle.dumps(model, protocol=5))
        asked = {saver.name for saver in willing(session, "json", name, nbytes)}
        if "pymilo" in asked or not pymilo:
            in_memory(session, "json", name, model, savers)
