"""Models of many objects, of large arrays, of many words, in memory."""

from __future__ import annotations

import pickle

from bench.session import Session, in_memory, willing
from bench.subjects import subject

TITLE = "Larger models"
ABOUT = "Forests, boosting and a vocabulary, beside two small models, in memory."


def run(session: Session) -> None:
    """Time every saver on every model."""
    for name in session.steps(session.profile.models):
        model = subject(name)
        nbytes = len(pickle.dumps(model, protocol=5))
        in_memory(session, "models", name, model, willing(session, "models", name, nbytes))
