"""Lists of like objects come back exactly, however their members differ; what describes them together is checked like each."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exactness import assert_same
from sklearn import (
    dummy,
    ensemble,
    linear_model,
    multiclass,
    multioutput,
    neighbors,
    pipeline,
    preprocessing,
    svm,
    tree,
)

import reflectio

COUNT = 5

Make = Callable[[int], Any]


def holders(**attributes: Any) -> list[Any]:
    """Estimators of one class; what is a function is called with the number of each."""
    found = []
    for index in range(COUNT):
        holder = linear_model.LinearRegression()
        for name, value in attributes.items():
            setattr(holder, name, value(index) if callable(value) else value)
        found.append(holder)
    return found


def text_of(obj: Any, **options: Any) -> str:
    return reflectio.dumps(obj, format="json", **options).decode()


def has_rows(obj: Any) -> bool:
    return '"rows"' in text_of(obj)


def cycle_through_one() -> list[Any]:
    found = holders(x=1)
    for holder in found:
        holder.siblings = found
    return found


def ring() -> list[Any]:
    found = holders(x=1)
    for holder, other in zip(found, [*found[1:], found[0]], strict=True):
        holder.other = other
    return found


def frozen(length: int) -> np.ndarray:
    array = np.zeros(length)
    array.flags.writeable = False
    return array


def parts(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return array[:, :-1], array[:, -1]


def split(index: int) -> Any:
    """As logistic regression keeps them: coefficients and intercepts that are views of one array."""
    coef, intercept = parts(np.arange(9.0).reshape(3, 3, order="F") + index)
    holder = linear_model.LinearRegression()
    holder.coef_, holder.intercept_ = coef, intercept
    return holder


def chains(depth: int) -> list[Any]:
    """Lists beside each other that nest far deeper than Python calls."""
    first: list[Any] = [[] for _ in range(COUNT)]
    ends = first
    for _ in range(depth):
        nexts: list[Any] = [[] for _ in ends]
        for end, following in zip(ends, nexts, strict=True):
            end.append(following)
        ends = nexts
    return first


_STATE = np.random.RandomState(0)
_ARRAY = np.arange(4.0)
_INNER = linear_model.Ridge()

MEMBERS: dict[str, Callable[[], Any]] = {
    "nothing but constants": lambda: holders(a=1, b="x", c=None, d=True, e=0.5),
    "zeros of both signs": lambda: holders(
        a=lambda i: 0.0 if i % 2 else -0.0,
        b=-0.0,
        c=lambda i: np.float64(0.0 if i else -0.0),
        d=lambda i: np.array([0.0 if i else -0.0]),
    ),
    "not numbers": lambda: holders(
        a=np.nan, b=np.inf, c=-np.inf, d=np.float64("nan"), e=lambda i: np.nan if i else 1.0
    ),
    "payloads of not a number": lambda: holders(
        a=lambda i: np.array([0x7FF0000000000001 + i], "u8").view("f8")[0]
    ),
    "large integers": lambda: holders(a=2**63, b=2**64, c=lambda i: 2**63 - 2 + i, d=lambda i: -(2**70) - i),
    "text that is no Unicode": lambda: holders(a="\ud800", b=lambda i: f"\udfff{i}", c="\u0000é"),
    "values of several types": lambda: holders(
        a=lambda i: 1 if i else True, b=lambda i: 1.0 if i else 1, c=lambda i: i or None
    ),
    "scalars": lambda: holders(
        a=lambda i: np.float64(i),
        b=np.int64(3),
        c=lambda i: np.float32(i / 3),
        d=lambda i: np.bool_(i),
        e=np.str_("a"),
        f=lambda i: np.float16(i),
        g=lambda i: np.datetime64(i, "s"),
    ),
    "arrays of several lengths": lambda: holders(a=np.arange, b=lambda i: np.zeros((i, 3), np.int32)),
    "arrays without elements": lambda: holders(
        a=lambda _: np.zeros(0), b=lambda i: np.zeros((i, 0)), c=lambda _: np.zeros((0, 3)), d=lambda _: np.zeros((3, 0, 2))
    ),
    "arrays of no axis": lambda: holders(a=lambda i: np.array(float(i))),
    "arrays of several layouts": lambda: holders(
        a=lambda i: np.zeros((3, 4), order="CF"[i % 2]), b=lambda _: np.arange(12.0).reshape(3, 4).T, c=lambda i: np.arange(9.0)[:: 1 + i]
    ),
    "arrays of an axis of length one": lambda: holders(
        a=lambda _: np.zeros((1, 3)), b=lambda _: np.asfortranarray(np.zeros((1, 4))), c=lambda _: np.zeros((4, 4))[:1]
    ),
    "arrays that may not be written to": lambda: holders(a=lambda _: frozen(3)),
    "arrays in another byte order": lambda: holders(a=lambda _: np.zeros(3, ">i4")),
    "arrays of text, dates and flags": lambda: holders(
        a=lambda i: np.array(["x" * i]), b=lambda i: np.array([i], "M8[s]"), c=lambda i: np.zeros(i, bool)
    ),
    "arrays of objects": lambda: holders(a=lambda i: np.array([i, "x", None], object)),
    "dtypes that differ in their metadata": lambda: holders(
        a=lambda i: np.zeros(2, np.dtype("f8", metadata={"i": i}))
    ),
    "dtypes that differ in their alignment": lambda: holders(
        a=lambda i: np.zeros(2, np.dtype([("a", "i8")], align=bool(i % 2)))
    ),
    "dtypes that differ in their type": lambda: holders(
        a=lambda i: np.zeros(2, np.dtype((np.record if i else np.void, [("a", "i8")])))
    ),
    "records of dates": lambda: holders(a=lambda i: np.zeros(i, [("a", "M8[ns]"), ("b", "f8")])),
    "records of records": lambda: holders(a=lambda i: np.zeros(i, [("a", [("b", "i4", (2,))])])),
    "records with titles": lambda: holders(a=lambda _: np.zeros(2, [(("title", "a"), "f8")])),
    "large arrays": lambda: holders(a=lambda i: np.arange(110_000.0 + i)),
    "large arrays after one without elements": lambda: holders(a=lambda i: np.arange(140_000.0 * i)[:140_000]),
    "views of one array": lambda: [split(index) for index in range(COUNT)],
    "an array that all hold": lambda: holders(a=_ARRAY),
    "an array that some hold": lambda: holders(a=lambda i: _ARRAY if i < 2 else _ARRAY.copy()),
    "a dict, tuple and set each": lambda: holders(
        a=lambda i: {"a": i}, b=lambda i: (1, i), c=lambda i: {i, -1}, d=lambda i: {i: "x"}
    ),
    "an estimator that all hold": lambda: holders(estimator=_INNER),
    "an estimator each": lambda: holders(estimator=lambda i: linear_model.Ridge(alpha=i)),
    "a list of estimators each": lambda: holders(a=lambda _: [linear_model.Ridge(), linear_model.Ridge()]),
    "functions": lambda: holders(a=lambda _: np.mean, b=lambda _: np.float64),
    "a random state that all hold": lambda: holders(a=_STATE),
    "a random state met before": lambda: [_STATE, holders(a=_STATE)],
    "a random state some hold": lambda: [_STATE, holders(a=lambda i: _STATE if i else np.random.RandomState(1))],
    "a random state each": lambda: holders(a=np.random.RandomState, b=np.random.default_rng),
    "attributes in another order": lambda: [*holders(a=1, b=2), *holders(b=2, a=1)],
    "other attributes": lambda: [*holders(a=1), *holders(b=2)],
    "lists that hold themselves": cycle_through_one,
    "a ring": ring,
    "lists beside each other": lambda: [holders(a=i) for i in range(COUNT)],
    "a list twice": lambda: [found := holders(a=1), found],
    "a member after the list": lambda: [found := holders(a=1), found[2]],
    "a member before the list": lambda: [(found := holders(a=1))[2], found],
    "an array after the list": lambda: [found := holders(a=lambda i: np.arange(4.0) + i), found[2].a],
    "a view after the list": lambda: [found := holders(a=lambda i: np.arange(4.0) + i), found[2].a[1:3]],
    "tuples": lambda: tuple(holders(a=1)),
    "deep lists": lambda: chains(2_000),
}  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"format": "json"}, {"compression": "zlib"}], ids=str)
@pytest.mark.parametrize("members", [pytest.param(make, id=name) for name, make in MEMBERS.items()])
def test_members_of_a_list_come_back_exactly_and_give_the_same_bytes(members, options):
    written = members()
    document = reflectio.dumps(written, **options)
    loaded = reflectio.loads(document)
    assert_same(written, loaded)
    assert reflectio.dumps(loaded, **options) == document


def test_an_array_of_members_comes_back_in_its_shape():
    members = np.empty((2, 3), object)
    members.ravel()[:] = [linear_model.Ridge(alpha=i) for i in range(6)]
    for array in (members, members.T, np.asfortranarray(members)):
        assert has_rows(array)
        assert_same(array, reflectio.loads(reflectio.dumps(array)))


def _data() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).integers(0, 4, (60, 3)).astype(float)
    return X, (X[:, 0] + X[:, 1]).astype(int) % 3


_X, _Y = _data()
_TEXT = np.array(["a", "bb", "ccc"])[_Y]
_PAIRS = np.column_stack([_Y, _Y > 0])
_FEW: dict[str, Any] = {"n_estimators": COUNT, "random_state": 0}


def grown_further() -> Any:
    forest = ensemble.RandomForestClassifier(warm_start=True, **_FEW).fit(_X, _Y)
    return forest.set_params(n_estimators=2 * COUNT, max_depth=2).fit(_X, _Y)


def sharing_its_trees() -> Any:
    forest = ensemble.RandomForestClassifier(**_FEW).fit(_X, _Y)
    forest.estimators_[3] = forest.estimators_[1]
    return forest


MODELS: dict[str, Callable[[], Any]] = {
    "forest": lambda: ensemble.RandomForestClassifier(**_FEW).fit(_X, _Y),
    "forest of text": lambda: ensemble.RandomForestClassifier(**_FEW).fit(_X, _TEXT),
    "forest of objects": lambda: ensemble.ExtraTreesClassifier(**_FEW).fit(_X, _TEXT.astype(object)),
    "forest of two outputs": lambda: ensemble.RandomForestClassifier(**_FEW).fit(_X, _PAIRS),
    "forest of two values": lambda: ensemble.RandomForestRegressor(**_FEW).fit(_X, _PAIRS),
    "forest with weights": lambda: ensemble.RandomForestClassifier(class_weight={0: 1, 1: 2, 2: 5}, **_FEW).fit(_X, _Y),
    "forest with a random state": lambda: ensemble.RandomForestClassifier(COUNT, random_state=np.random.RandomState(1)).fit(_X, _Y),
    "forest of leaves": lambda: ensemble.RandomForestRegressor(**_FEW).fit(_X, np.zeros(60)),
    "forest that grew": grown_further,
    "forest with one tree twice": sharing_its_trees,
    "isolation": lambda: ensemble.IsolationForest(max_features=2, **_FEW).fit(_X),
    "embedding": lambda: ensemble.RandomTreesEmbedding(**_FEW).fit(_X),
    "boosting": lambda: ensemble.GradientBoostingClassifier(**_FEW).fit(_X, _Y),
    "boosting with a random state": lambda: ensemble.GradientBoostingRegressor(n_estimators=COUNT, random_state=np.random.RandomState(1)).fit(_X, _Y),
    "histogram": lambda: ensemble.HistGradientBoostingClassifier(max_iter=COUNT, categorical_features=[0], min_samples_leaf=2).fit(_X, _Y),
    "adaptive": lambda: ensemble.AdaBoostClassifier(**_FEW).fit(_X, _Y),
    "bagging": lambda: ensemble.BaggingClassifier(linear_model.LogisticRegression(), max_features=2, **_FEW).fit(_X, _Y),
    "bagging of neighbours": lambda: ensemble.BaggingClassifier(neighbors.KNeighborsClassifier(), **_FEW).fit(_X, _Y),
    "bagging of support vectors": lambda: ensemble.BaggingClassifier(svm.SVC(), **_FEW).fit(_X, _Y),
    "bagging of pipelines": lambda: ensemble.BaggingClassifier(pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()), **_FEW).fit(_X, _Y),
    "one against the rest": lambda: multiclass.OneVsRestClassifier(linear_model.LogisticRegression()).fit(_X, _X[:, 0] * 4 + _X[:, 1]),
    "outputs": lambda: multioutput.MultiOutputClassifier(tree.DecisionTreeClassifier(random_state=0)).fit(_X, np.column_stack([_Y, _Y, _Y > 0, _Y > 1])),
    "forests": lambda: [ensemble.RandomForestClassifier(COUNT, random_state=i).fit(_X, _Y) for i in range(COUNT)],
}  # fmt: skip


@pytest.mark.parametrize("model", [pytest.param(make, id=name) for name, make in MODELS.items()])
def test_a_model_of_many_comes_back_exactly_from_bytes_files_and_maps(model, tmp_path):
    written = model()
    document = reflectio.dumps(written)
    assert_same(written, reflectio.loads(document))
    for options in ({}, {"format": "json"}, {"compression": "zlib"}):
        path = tmp_path / "model"
        reflectio.dump(written, path, **{"format": "binary", **options})
        assert path.read_bytes() == reflectio.dumps(written, **options)
        for mapped in (False, True):
            loaded = reflectio.load(path, mmap=mapped)
            assert reflectio.dumps(loaded) == document


def test_members_with_another_state_of_their_own_are_written_one_by_one():
    from sklearn.utils import Bunch

    assert not has_rows([Bunch(a=i) for i in range(COUNT)])
    assert not has_rows(holders(a=1)[:3])
    assert has_rows(holders(a=1))


_DIGEST = """
import hashlib, sys
import reflectio
import test_rows
names = sorted(test_rows.MODELS)[:: int(sys.argv[1])]
reflectio.loads(reflectio.dumps(test_rows.holders(a=1))) if sys.argv[2] == "warm" else None
for name in names:
    if name not in ("adaptive", "histogram"):
        print(name, hashlib.sha256(reflectio.dumps(test_rows.MODELS[name]())).hexdigest())
"""


def test_the_bytes_do_not_depend_on_the_process_or_on_what_it_did_before():
    outputs = []
    for seed, step, before in (("1", "1", "cold"), ("77", "-1", "warm")):
        tests = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _DIGEST, step, before],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": tests},
        )
        outputs.append(sorted(ran.stdout.splitlines()))
    assert len(outputs[0]) > 10
    assert outputs[0] == outputs[1]


def test_threads_do_not_disturb_each_other():
    models = [MODELS[name]() for name in ("forest", "boosting", "histogram", "bagging")]
    documents = [reflectio.dumps(model) for model in models]

    def work(number: int) -> bool:
        index = number % len(models)
        loaded = reflectio.loads(documents[index])
        return reflectio.dumps(loaded) == reflectio.dumps(models[index]) == documents[index]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(40)))


# -- what is checked together is checked as if one by one ----------------------------------------------------------


def _described(value: Any) -> Any:
    return json.loads(text_of(value))["model"]


_VALUES = [
    None, True, False, 0, 1, 2, 3, 4, -1, 1 << 22, (1 << 22) + 1, 1 << 40, 3.0, "3", [],
    *map(_described, (np.int64(3), np.float64(3.0), np.array([0, 1, 2]), np.array([[0, 1, 2]]), np.array(3), (3,), {"w": 1})),
]  # fmt: skip
_NAMES = [
    "n_features_in_", "n_outputs_", "n_classes_", "classes_", "tree_", "metric_params", "n_components_",
    "_n_features_out", "kernel_params",
]  # fmt: skip


def _apart(node: dict[str, Any]) -> list[Any]:
    """The members of rows that have no rows or joined arrays but trees', one by one."""
    nodes = []
    for index in range(node["count"]):
        members = {}
        for name, column in node["columns"].items():
            if isinstance(column, list):
                members[name] = column[index]
            elif isinstance(column, dict) and column["$"] == "rows":
                members[name] = _tree_of(column, index)
            elif isinstance(column, dict):
                members[name] = _cut(column, index, node["count"])
            else:
                members[name] = column
        nodes.append({"$": node["of"], **copy.deepcopy(members)})
    return nodes


def _cut(column: dict[str, Any], index: int, count: int) -> Any:
    array = column["array"]
    total = array["shape"][0]
    lengths = [total] * count if column.get("same") else column.get("lengths", [total // count] * count)
    start = 0 if column.get("same") else sum(lengths[:index])
    data = array["data"][start : start + lengths[index]]
    if column["of"] == "scalar":
        return {"$": "scalar", "dtype": array["dtype"], "value": data[0]}
    return {**array, "shape": [lengths[index], *array["shape"][1:]], "data": data}


def _tree_of(rows: dict[str, Any], index: int) -> Any:
    node = _apart({**rows, "columns": {"$": "", **rows["columns"]}})[index]
    return {**node, "$": rows["of"], "$args": copy.deepcopy(rows["args"])}


def _outcome(model: Any) -> str:
    document = json.dumps({"reflectio": 1, "versions": {}, "model": model})
    try:
        reflectio.loads(document)
    except reflectio.ReflectioError as error:
        return type(error).__name__
    return "loaded"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier"])
def test_rows_are_refused_if_and_only_if_one_of_their_members_would_be(kind, seed):
    rng = random.Random(f"{kind} {seed}")
    members = [getattr(tree, kind)(max_depth=2, random_state=i).fit(_X, _Y) for i in range(COUNT)]
    valid = json.loads(text_of(members))["model"]
    assert valid["$"] == "rows"
    assert _outcome(copy.deepcopy(valid)) == _outcome(_apart(valid)) == "loaded"
    outcomes = set()
    for _ in range(60):
        rows = copy.deepcopy(valid)
        for name in rng.sample(_NAMES, rng.choice([1, 1, 2])):
            value = rng.choice(_VALUES)
            plain = not isinstance(value, list | dict)
            if rng.random() < 0.15:
                rows["columns"].pop(name, None)
            elif rng.random() < 0.5 and plain:
                rows["columns"][name] = value
            else:
                before = rows["columns"].get(name)
                each = (
                    [copy.deepcopy(value) for _ in range(COUNT)]
                    if isinstance(before, dict)
                    else [before] * COUNT
                )
                each[rng.randrange(COUNT)] = copy.deepcopy(value)
                rows["columns"][name] = each
        apart = _apart(rows)
        outcome = _outcome(rows)
        assert (outcome == "loaded") == (_outcome(apart) == "loaded"), rows["columns"].keys()
        outcomes.add(outcome)
    assert len(outcomes) > 1


def test_a_hostile_document_changes_nothing_for_those_that_come_after_it():
    script = """
import json, sys, warnings
import numpy as np
import reflectio
import test_rows
warnings.simplefilter("ignore")
model = test_rows.MODELS["histogram"]()
honest = reflectio.dumps(model)
forged = json.loads(reflectio.dumps(model, format="json"))
stack = [forged]
while stack:
    node = stack.pop()
    if isinstance(node, dict) and str(node.get("of")).endswith("TreePredictor"):
        node["columns"]["nodes"]["array"]["dtype"]["formats"][1] = "uint16"
        node["columns"]["x"] = 1
    stack += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
try:
    reflectio.loads(json.dumps(forged))
    print("loaded")
except reflectio.ReflectioError:
    print("refused")
loaded = reflectio.loads(honest)
print(reflectio.dumps(loaded) == honest)
print(all(p.nodes.flags.owndata for ps in loaded._predictors for p in ps))
"""
    tests = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": tests},
    )
    assert ran.stdout.split()[1:] == ["True", "True"]


def test_no_array_of_a_member_is_that_of_another():
    written = holders(a=lambda _: np.zeros(3), b=lambda i: np.zeros(2 + i))
    loaded = reflectio.loads(reflectio.dumps(written))
    arrays = [array for member in loaded for array in (member.a, member.b)]
    for array in arrays:
        array += 1
    assert all((array == 1).all() and array.flags.owndata for array in arrays)


def test_lists_of_what_no_document_can_hold_are_refused_with_the_place():
    with pytest.raises(reflectio.UnsupportedTypeError, match=r"\$\.model\[0\]"):
        reflectio.dumps([(i for i in "x") for _ in range(COUNT)])
    with pytest.raises(reflectio.UnsupportedTypeError, match=r"a\[3\]|\[3\]\.a"):
        reflectio.dumps(holders(a=lambda i: {"x": (j for j in "x")} if i == 3 else {}))


def test_estimators_that_cannot_give_their_state_are_refused_by_the_library_s_own_error():
    class Slotted(dummy.DummyRegressor):
        __slots__ = ("q",)

    with pytest.raises(reflectio.UnsupportedTypeError):
        reflectio.dumps([Slotted() for _ in range(COUNT)])


def test_members_written_by_another_version_are_loaded_with_its_warning():
    model = json.loads(text_of(holders(a=1)))
    model["model"]["columns"]["_sklearn_version"] = "0.24"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = reflectio.loads(json.dumps(model))
    assert any("0.24" in str(warning.message) for warning in caught)
    assert_same(loaded, holders(a=1))
