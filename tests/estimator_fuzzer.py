"""
Mutates one attribute of a document after the other, loads it, and uses what was loaded; for a process of its own.

``python tests/estimator_fuzzer.py SEED COUNT FILE`` prints how many documents were refused and how many estimators
were used. FILE holds the document that is being tried, should the process not survive it.
"""

from __future__ import annotations

import contextlib
import copy
import faulthandler
import json
import random
import resource
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import behaviour
import numpy as np
import test_validation

import reflectio

# What a document may cost to use.
MEMORY = 4 << 30
SECONDS = 20

INTEGERS = [-(2**31), -1, 0, 1, 2, 7, 1000, 2**31, 2**40, 2**62]
FLOATS = [float("nan"), float("inf"), -1.0, 0.0, 0.5, 1e300]
OTHERS = [None, True, "", "rbf", [], {}, np.arange(3.0), np.zeros((2, 2)), np.zeros(40, dtype=np.int64)]
DTYPES = ["f4", "f8", "i4", "i8", "u1", "?", "U3", "c16", ">f8", "O"]


def mutated(array: Any, chance: random.Random) -> Any:
    """An array with another shape, dtype or values."""
    values = {"f": FLOATS, "i": INTEGERS}.get(array.dtype.kind)
    changes = [
        lambda: array[: len(array) // 2].copy(),
        lambda: np.concatenate([array] * 20),
        lambda: array[..., :1].copy(),
        lambda: np.concatenate([array] * 20, axis=-1),
        lambda: array.T.copy(),
        lambda: array.ravel(),
        lambda: array[None],
        lambda: np.asfortranarray(array),
        lambda: array.astype(chance.choice(DTYPES)),
        lambda: np.full_like(array, chance.choice(values)) if values else array[:0],
    ]
    return chance.choice(changes)()


def mutate(model: dict[str, Any], chance: random.Random) -> None:
    """Change an attribute of a document's model."""
    name = chance.choice([key for key in model if key not in ("$", "$id", "_sklearn_version")])
    value = model[name]
    if isinstance(value, dict) and value.get("$") == "ndarray" and chance.random() < 0.8:
        array = reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": copy.deepcopy(value)}))
        forged = mutated(array, chance)
    elif isinstance(value, int) and not isinstance(value, bool):
        forged = chance.choice(INTEGERS)
    elif isinstance(value, float):
        forged = chance.choice(FLOATS)
    elif chance.random() < 0.1:
        del model[name]
        return
    else:
        forged = chance.choice([*INTEGERS, *FLOATS, *OTHERS])
    model[name] = json.loads(reflectio.dumps(forged, format="json"))["model"]


def use(estimator: Any) -> None:
    """Ask an estimator for all it can do, other than to fit: its parameters may make that as long as they like."""
    for data in (
        (test_validation.X, test_validation.CLASSES),
        (test_validation.SPARSE, test_validation.TARGETS),
    ):
        behaviour.outputs(estimator, data)
        with contextlib.suppress(Exception):
            copy.deepcopy(estimator).partial_fit(*data)
    for data in (test_validation.TEXTS, [{"a": 1, "b": "x"}], test_validation.CODES, [[1], [2, 3]]):
        with contextlib.suppress(Exception):
            result = estimator.transform(data)
            result @ np.ones((result.shape[1], 2))
    for name, arguments in (("kneighbors_graph", ()), ("dbscan_clustering", (0.5,))):
        with contextlib.suppress(Exception):
            getattr(estimator, name)(*arguments)


def main(seed: int, count: int, tried: Path) -> tuple[int, int]:
    """Try a number of documents; give how many were refused, and how many used."""
    chance = random.Random(seed)
    makers = dict(made for made, _, _ in test_validation.FORGERIES)
    documents = [json.loads(test_validation.document_of(make())) for make in makers.values()]
    refused = used = 0
    for _ in range(count):
        document = copy.deepcopy(chance.choice(documents))
        for _ in range(chance.choice([1, 1, 2])):
            # numpy refuses some changes.
            with contextlib.suppress(Exception):
                mutate(document["model"], chance)
        text = json.dumps(document)
        tried.write_text(text)
        signal.alarm(SECONDS)
        try:
            estimator = reflectio.loads(text)
        except reflectio.ReflectioError:
            refused += 1
            continue
        # Whatever Python itself raises is for the user to read.
        with contextlib.suppress(Exception):
            use(estimator)
        used += 1
        signal.alarm(0)
    return refused, used


if __name__ == "__main__":
    faulthandler.enable()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print(*main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
