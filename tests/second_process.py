"""What the tests have another process do: compare loaded models with what was expected of them, or digest the zoo."""

from __future__ import annotations

import hashlib
import pickle
import sys
import warnings
from pathlib import Path

import behaviour
import numpy as np
import zoo
from exactness import assert_same

import reflectio

POLICY = reflectio.Policy.default().extend(callables=["zoo.numeric_columns", "zoo.clip_at_one"])


def compare(folder: Path) -> None:
    """Load every document of a folder and compare its outputs with those kept beside it."""
    exact = 0
    for kept in sorted(folder.glob("*.expected")):
        path = next(path for path in folder.glob(f"{kept.stem}.*") if path != kept)
        data, expected = pickle.loads(kept.read_bytes())
        try:
            outputs = behaviour.outputs(reflectio.load(path, policy=POLICY), data)
            # What is expected came through pickle, which forgets the strides of views.
            assert_same(pickle.loads(pickle.dumps(outputs)), expected)
        except Exception as error:
            raise AssertionError(path.name) from error
        exact += 1
    print(f"{exact} exact")


def digests() -> None:
    """Train the zoo and print a digest of each document."""
    np.random.seed(0)
    trained = [(name, zoo.fitted(index, "float64")[0]) for index, name in enumerate(zoo.instance_names())]
    trained += [(case.name, zoo.fit(case)[0]) for case in zoo.combinations()]
    for name, estimator in trained:
        zoo.forget_times(estimator)
        for format in ("binary", "json"):
            print(name, format, hashlib.sha256(reflectio.dumps(estimator, format=format)).hexdigest())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1] == "compare":
        compare(Path(sys.argv[2]))
    else:
        digests()
