"""Rows, trees and ensembles, read by compiled code: of any document, honest or forged, it says what Python says."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both_ways import load_both_ways, put_together, taken_apart
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import reflectio
from reflectio.compiled import part

PARTS = ("rows", "tree_reading", "checking", "reading")
MODELS: dict[str, Any] = {
    "a tree": DecisionTreeClassifier(max_depth=2, random_state=0),
    "a tree of two outputs": DecisionTreeRegressor(max_depth=2, random_state=0),
    "a forest": RandomForestClassifier(5, max_depth=2, random_state=0),
    "a forest of values": ExtraTreesRegressor(4, max_depth=3, random_state=0),
    "a forest of two outputs": RandomForestClassifier(4, max_depth=2, random_state=0),
    "boosted trees": AdaBoostClassifier(n_estimators=4, random_state=0),
    "bagged trees": BaggingRegressor(n_estimators=4, random_state=0),
    "trees that isolate": IsolationForest(n_estimators=4, max_samples=8, random_state=0),
    "histogram boosting": HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=4, random_state=0),
    "voting trees": VotingClassifier(
        [(str(depth), DecisionTreeClassifier(max_depth=depth, random_state=0)) for depth in (1, 2)]
    ),
}

# Members, and attributes, that compiled code looks at.
_LOOKED_AT = (
    "$ $id $args of count args columns array lengths same shape dtype at data id max_depth node_count nodes values tree_ "
    "n_features_in_ n_outputs_ n_classes_ classes_ estimators_ estimator binned_left_cat_bitsets raw_left_cat_bitsets"
)
LOOKED_AT = frozenset(_LOOKED_AT.split())
VALUES: list[Any] = [None, True, False, 0, 1, 2, 3, 5, -1, 64, 1 << 31, 1 << 62, (1 << 63) - 1, -(1 << 63)]
VALUES += [
    1.0,
    2.5,
    "",
    "x",
    "ndarray",
    "scalar",
    "list",
    "float64",
    "float32",
    "int64",
    "int32",
    "uint8",
    "bool",
    "<f8",
]
VALUES += [[], [0], [1], [1, 2], [4, 4, 4, 4], [1.5], {}, {"$": "ref", "id": 1}, {"$": "int", "value": "3"}]
VALUES += [
    {"$": "ndarray", "dtype": "int64", "shape": [1], "data": [2]},
    {"$": "scalar", "dtype": "int32", "value": 2},
]
FORGED = 50

_PURE = """
import json, sys
sys.path.insert(0, sys.argv[2])
from test_compiled_rows import outcome
with open(sys.argv[1]) as file:
    documents = json.load(file)
print(json.dumps([outcome(bytes.fromhex(document)) for document in documents]))
"""


def outcome(document: bytes) -> str:
    """What loading a document says: the error, or what the object is written as."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            loaded = reflectio.loads(document)
            return hashlib.sha256(reflectio.dumps(loaded)).hexdigest()
        except reflectio.ReflectioError as error:
            return f"{type(error).__name__}: {error}"


def fitted(name: str) -> Any:
    X, y = load_iris(return_X_y=True)
    if name.startswith("boosted"):
        X, y = X[:100], y[:100]
    return MODELS[name].fit(X, np.column_stack((y, y[::-1])) if "outputs" in name else y)


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every list and dict of a document, with each index and key of it."""
    for key, value in list(enumerate(node)) if isinstance(node, list) else list(node.items()):
        yield node, key
        if isinstance(value, list | dict):
            yield from places(value)


def forge(rng: random.Random, model: Any) -> Any:
    """The node of a model with something changed in one place."""
    model = copy.deepcopy(model)
    chosen = [place for place in places(model) if place[1] in LOOKED_AT or type(place[1]) is int]
    parent, key = rng.choice(chosen)
    value = parent[key]
    choice = rng.randrange(8)
    if choice == 0:
        del parent[key]
    elif choice == 1 and isinstance(parent, dict):
        parent[rng.choice(["$id", "order", "same", "args", "lengths", "writeable", "name", "n_outputs_"])] = (
            rng.choice(VALUES)
        )
    elif choice <= 3 and type(value) in (int, float):
        parent[key] = value + rng.choice([-64, -1, 1, 64])
    elif choice == 4 and isinstance(value, list) and value:
        value.append(value[-1]) if rng.random() < 0.5 else value.pop()
    else:
        parent[key] = copy.deepcopy(rng.choice(VALUES))
    return model


def forged_documents(name: str) -> list[bytes]:
    rng = random.Random(name)
    document = reflectio.dumps(fitted(name))
    body, segment = taken_apart(document)
    header = json.loads(body + b"}")
    documents = [document]
    for _ in range(FORGED):
        forged = json.dumps({**header, "model": forge(rng, header["model"])}, separators=(",", ":"))
        documents.append(put_together(forged.encode()[:-1], segment))
    text = json.loads(reflectio.dumps(fitted(name), format="json"))
    forgeries = ({**text, "model": forge(rng, text["model"])} for _ in range(FORGED))
    return documents + [json.dumps(forged, separators=(",", ":")).encode() for forged in forgeries]


needs_compiled = pytest.mark.skipif(
    any(part(name) is None for name in PARTS), reason="nothing was compiled, or is to be used"
)


@needs_compiled
@pytest.mark.parametrize("name", MODELS)
def test_forged_documents_are_judged_as_by_python(name: str, tmp_path: Path) -> None:
    documents = forged_documents(name)
    for document in documents[: FORGED + 1]:
        load_both_ways(document)
    found = [outcome(document) for document in documents]
    file = tmp_path / "documents.json"
    file.write_text(json.dumps([document.hex() for document in documents]))
    pure = subprocess.run(
        [sys.executable, "-c", _PURE, str(file), str(Path(__file__).parent)],
        env={**os.environ, "REFLECTIO_PURE": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    expected = json.loads(pure.stdout)
    for document, one, other in zip(documents, found, expected, strict=True):
        assert one == other, document
    assert ":" not in found[0]
    assert 0 < sum(":" in one for one in found) < len(found)


# What only a mistake of ours could lead to: it is an error, and no memory is touched.


@needs_compiled
def test_objects_are_made_of_as_many_values_as_there_are_objects() -> None:
    class Plain:
        pass

    make = part("rows").objects_with
    assert make(Plain, 2, {"a": None, "b": 1}, {"a": [1]}) is None
    assert make(Plain, 2, {"a": None}, {"a": (1, 2)}) is None
    assert make(Plain, 2, {"b": 1}, {"a": [1, 2]}) is None
    one, other = make(Plain, 2, {"a": None, "b": 1}, {"a": [1, 2]})
    assert (vars(one), vars(other)) == ({"a": 1, "b": 1}, {"a": 2, "b": 1})
    assert type(one) is type(other) is Plain
    one.c = 3
    assert not hasattr(other, "c")


@needs_compiled
@pytest.mark.parametrize(
    ("change", "agrees"),
    [
        ({}, True),
        ({"n_features_in_": np.int64(4)}, True),
        ({"n_classes_": 3}, True),
        ({"n_features_in_": 3}, False),
        ({"n_features_in_": True}, False),
        ({"n_features_in_": 4.0}, False),
        ({"n_features_in_": 1 << 70}, False),
        ({"n_outputs_": 2}, False),
        ({"n_outputs_": None}, False),
        ({"n_classes_": np.int64(2)}, False),
        ({"n_classes_": -3}, False),
        ({"classes_": [0, 1, 2]}, False),
        ({"classes_": np.arange(2)}, False),
        ({"classes_": np.zeros((3, 1))}, False),
    ],
)
def test_estimators_that_are_seen_to_know_their_tree_do(change: dict[str, Any], agrees: bool) -> None:
    tree = fitted("a tree")
    state = {**vars(tree), **change}
    checking = part("checking")
    assert checking.knows_its_tree(state, True) is agrees
    lists = {"tree_": [tree.tree_] * 2, **{name: [vars(tree)[name], value] for name, value in change.items()}}
    assert checking.know_their_trees(vars(tree), lists, True) is agrees
    assert checking.know_their_trees(state, {"tree_": [tree.tree_] * 2}, True) is agrees


@needs_compiled
def test_what_trees_have_in_common_is_found() -> None:
    from reflectio.codecs.ensembles import is_decision_tree
    from reflectio.codecs.trees import is_tree

    def common(estimators: list[Any]) -> Any:
        return part("checking").common_to_trees(estimators, is_decision_tree, is_tree)

    trees = fitted("a forest").estimators_
    assert common(trees) == (4, 3)
    unfitted = DecisionTreeClassifier()
    values = DecisionTreeRegressor().fit([[0.0], [1.0]], [0, 1])
    narrow = DecisionTreeClassifier().fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    for others in ([unfitted], [values], [narrow], [1], [None]):
        assert common(trees + others) is None
        assert common(others + trees) is None
    assert common([]) is None
    assert common([fitted("a tree of two outputs")]) is None
