"""The models that are measured, each trained when it is first asked for."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor

_COLUMNS = 100
_WORDS = 60_000

# How many rows give a regression tree of a MB: twice as many nodes as rows, of 72 bytes each.
_ROWS_PER_TREE = 7_000


def _linear() -> Any:
    rng = np.random.default_rng(0)
    return LinearRegression().fit(rng.normal(size=(100, 10)), rng.normal(size=100))


def _svc() -> Any:
    return SVC().fit(*load_digits(return_X_y=True))


def _deep_trees(n: int = 100) -> Any:
    return RandomForestClassifier(n, random_state=0).fit(*load_digits(return_X_y=True))


def _two_classes() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_000, 20))
    return X, X[:, 0] + rng.normal(size=len(X)) > 0


def _shallow_trees() -> Any:
    return RandomForestClassifier(1_000, max_depth=3, random_state=0).fit(*_two_classes())


def _gradient_boosting() -> Any:
    return GradientBoostingClassifier(n_estimators=300, random_state=0).fit(*_two_classes())


def _histogram_boosting() -> Any:
    model = HistGradientBoostingClassifier(max_iter=300, early_stopping=False, random_state=0)
    return model.fit(*_two_classes())


def _large_forest(n: int = 50, rows: int = 60_000) -> Any:
    rng = np.random.default_rng(0)
    # One feature looked at per split makes the training quick, and the trees as large as any.
    model = RandomForestRegressor(n, max_features=1, random_state=0)
    return model.fit(rng.normal(size=(rows, 5)), rng.normal(size=rows))


def _words(n: int = _WORDS) -> Any:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words: set[str] = set()
    while len(words) < n:
        words.add("".join(rng.choice(letters, rng.integers(3, 13))))
    return TfidfVectorizer().fit([" ".join(sorted(words))])


def neighbours(megabytes: float) -> Any:
    """A model whose state is one array of so many MB (of 1,000,000 bytes), and a short one."""
    rng = np.random.default_rng(0)
    rows = max(5, int(megabytes * 1e6 / (8 * _COLUMNS)))
    return KNeighborsRegressor(algorithm="brute").fit(
        rng.normal(size=(rows, _COLUMNS)), rng.normal(size=rows)
    )


@cache
def _tree_of_a_megabyte() -> bytes:
    rng = np.random.default_rng(0)
    tree = DecisionTreeRegressor(random_state=0, max_features=1)
    tree.fit(rng.normal(size=(_ROWS_PER_TREE, 5)), rng.normal(size=_ROWS_PER_TREE))
    return pickle.dumps(tree, protocol=5)


def forest(megabytes: int) -> Any:
    """A forest of as many trees as MB, all with the same splits, and each with memory of its own."""
    rng = np.random.default_rng(0)
    model = RandomForestRegressor(1, random_state=0, max_depth=1).fit(
        rng.normal(size=(50, 5)), rng.normal(size=50)
    )
    model.estimators_ = [pickle.loads(_tree_of_a_megabyte()) for _ in range(megabytes)]
    model.n_estimators = megabytes
    return model


def many(n: int) -> Any:
    """A list of tiny estimators, no two of them alike."""
    rng = np.random.default_rng(0)
    trained = LinearRegression().fit(rng.normal(size=(5, 3)), rng.normal(size=5))
    estimators = [copy(trained) for _ in range(n)]
    for estimator in estimators:
        # Training each would take longer than all that is measured.
        estimator.coef_, estimator.singular_ = rng.normal(size=3), rng.normal(size=3)
    return estimators


SUBJECTS: dict[str, Callable[[], Any]] = {
    "linear regression": _linear,
    "support vectors": _svc,
    "100 deep trees": _deep_trees,
    "1,000 shallow trees": _shallow_trees,
    "gradient boosting of 300": _gradient_boosting,
    "histogram boosting of 300": _histogram_boosting,
    "60,000 words": _words,
    "270 MB forest": _large_forest,
    "80 MB of neighbours": lambda: neighbours(80),
    "1 MB of neighbours": lambda: neighbours(1),
}

SMALL = ("linear regression", "support vectors")
LARGE = (
    "100 deep trees",
    "1,000 shallow trees",
    "gradient boosting of 300",
    "histogram boosting of 300",
    "60,000 words",
    "270 MB forest",
)

# For each model one of its kind, small: what a process has done once with it takes no memory the second time.
MINIATURES: dict[str, Callable[[], Any]] = {
    "100 deep trees": lambda: _deep_trees(2),
    "60,000 words": lambda: _words(3),
    "270 MB forest": lambda: _large_forest(2, 50),
    "forest": lambda: _large_forest(2, 50),
    "neighbours": lambda: neighbours(0),
}


def miniature(name: str) -> Any:
    """A small model of the same kind; ``name`` ends in one of `MINIATURES`."""
    return next(make for kind, make in MINIATURES.items() if name.endswith(kind))()


@cache
def subject(name: str) -> Any:
    """The fitted model of a name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SUBJECTS[name]()


def forget() -> None:
    """Let go of the models trained so far."""
    subject.cache_clear()


def zoo(step: int = 1) -> Iterator[tuple[str, Any]]:
    """Every estimator that scikit-learn tests its own with, by name, fitted; or every so manieth of them."""
    zoo = _tests_zoo()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index, name in list(enumerate(zoo.instance_names()))[::step]:
            yield name, zoo.fitted(index, "float64")[0]


def zoo_names(step: int = 1) -> list[str]:
    """Their names."""
    return list(_tests_zoo().instance_names()[::step])


def _tests_zoo() -> Any:
    # The tests are no package: their modules are found by their own names.
    folder = str(Path(__file__).parents[1] / "tests")
    if folder not in sys.path:
        sys.path.append(folder)
    import zoo

    return zoo
