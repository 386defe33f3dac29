"""Documents whose lists are written as rows, read without building them: they say what a list of objects says."""

from __future__ import annotations

import contextlib
import json
import pickle
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forged_documents import array_node, document_of, load
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from test_show import header_of, reference

import reflectio
from reflectio.api import dumps_one_by_one
from reflectio.inspection.entry import Entry
from reflectio.inspection.lines import lines
from reflectio.inspection.paths import find
from reflectio.inspection.report import report
from reflectio.inspection.space import largest
from reflectio.segment import Segment

SPECIMEN = Path(__file__).parent / "specimens" / "rows.rfl"

X, y = load_iris(return_X_y=True)
# More than 64 trees, so that numpy scalars of theirs lie in the segment.
ESTIMATORS: dict[str, Any] = {
    "a forest": RandomForestClassifier(70, max_depth=2, random_state=0),
    "a forest of few trees": RandomForestClassifier(5, max_depth=2, random_state=0),
    "gradient boosting": GradientBoostingClassifier(n_estimators=4, max_depth=1, random_state=0),
    "histogram boosting": HistGradientBoostingClassifier(max_iter=6),
    "a list of trees": [DecisionTreeClassifier(max_depth=depth, random_state=0) for depth in (1, 2, 3, 4)],
}
OPTIONS: dict[str, dict[str, Any]] = {
    "binary": {},
    "json": {"format": "json"},
    "compressed": {"compression": "zlib"},
}
OBJECT = "sklearn.svm.SVC"

every_model = pytest.mark.parametrize("name", [*ESTIMATORS, "the stored document"])
every_form = pytest.mark.parametrize("form", OPTIONS)


@cache
def model(name: str) -> Any:
    if name not in ESTIMATORS:
        return specimen()
    chosen = ESTIMATORS[name]
    return [each.fit(X, y) for each in chosen] if isinstance(chosen, list) else chosen.fit(X, y)


@cache
def both(name: str, form: str = "binary") -> tuple[bytes, bytes]:
    """A model's document with rows, and without."""
    options = OPTIONS[form]
    return reflectio.dumps(model(name), **options), dumps_one_by_one(model(name), **options)


def rows(columns: Any, count: Any = 4, **members: Any) -> dict[str, Any]:
    return {"$": "rows", "of": OBJECT, "count": count, "columns": columns, **members}


def column(array: Any, of: str = "ndarray", **members: Any) -> dict[str, Any]:
    return {"$": "column", "of": of, "array": array, **members}


def told(entry: Entry) -> list[Any]:
    """What an outline says, apart from sizes."""
    return [
        entry.name,
        entry.path,
        entry.text,
        entry.note,
        entry.hidden,
        [told(child) for child in entry.children],
    ]


# -- the same as objects one by one ------------------------------------------------------------------------------


@every_form
@every_model
def test_they_do_not_differ_from_documents_without_rows(name: str, form: str) -> None:
    one, other = both(name, form)
    assert b'"rows"' in one
    assert b'"rows"' not in other
    assert reflectio.diff(one, other).same
    assert reflectio.diff(other, one).same


@every_form
@every_model
def test_they_are_written_as_the_same_lines(name: str, form: str) -> None:
    one, other = both(name, form)
    assert [*lines(reflectio.read_header(one))] == [*lines(reflectio.read_header(other))]


@every_model
@pytest.mark.parametrize("everything", [False, True])
def test_they_are_shown_alike(name: str, everything: bool) -> None:
    one, other = (report(reflectio.read_header(document), everything=everything) for document in both(name))
    assert told(one.outline) == told(other.outline)


@every_form
@every_model
def test_their_names_are_counted_and_placed_alike(name: str, form: str) -> None:
    one, other = (reflectio.audit(document) for document in both(name, form))
    assert one.names == other.names


@every_form
@every_model
def test_both_verify(name: str, form: str) -> None:
    for document in both(name, form):
        found = reflectio.verify(document)
        assert {finding.outcome for finding in found.findings} <= {"passed"} | (
            {"remark"} if form == "json" else set()
        )


def test_a_converted_pickle_is_the_document_that_dumping_gives(tmp_path: Any) -> None:
    reflectio.convert(pickle.dumps(model("a forest")), tmp_path / "forest.rfl")
    written = (tmp_path / "forest.rfl").read_bytes()
    assert reflectio.verify(written).ok
    assert written == both("a forest")[0]


def specimen() -> dict[str, Any]:
    """What the stored document holds: estimators that hardly change from version to version."""
    steps = range(1, 71)
    return {
        "scalers": [StandardScaler().fit(np.arange(6.0 * step).reshape(-1, 3)) for step in steps],
        "labels": [LabelEncoder().fit(np.arange(step % 4 + 1)) for step in steps],
    }


def test_a_stored_document_with_rows_is_read_for_ever() -> None:
    assert reflectio.read_header(SPECIMEN).expansion.count
    with warnings.catch_warnings():
        # It was written with other versions, some day.
        warnings.simplefilter("ignore")
        loaded = reflectio.load(SPECIMEN)
    for name, written in specimen().items():
        for one, other in zip(loaded[name], written, strict=True):
            assert type(one) is type(other)
            for attribute, value in vars(other).items():
                np.testing.assert_array_equal(getattr(one, attribute), value)


# -- their parts -------------------------------------------------------------------------------------------------


@every_form
def test_a_path_leads_to_the_array_of_one_tree(form: str) -> None:
    header = reflectio.read_header(both("a forest", form)[0])
    tree = model("a forest").estimators_[3].tree_
    np.testing.assert_array_equal(header.array("$.model.estimators_[3].tree_.values"), tree.value)
    assert header.node("$.model.estimators_[3].tree_")["node_count"] == tree.node_count


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("$.model.estimators_.columns.tree_.columns.nodes.array", "$.model.estimators_[0].tree_.nodes"),
        ("$.model.estimators_.columns.random_state[3]", "$.model.estimators_[3].random_state"),
        ("$.model.estimators_.columns.classes_.array.data", "$.model.estimators_[0].classes_.data"),
    ],
)
def test_a_path_of_an_error_of_loading_leads_there_too(path: str, shown: str) -> None:
    header = reflectio.read_header(both("a forest")[0])
    found = find(header, path)
    assert found.path == shown
    assert found.node == header.node(shown)


@pytest.mark.parametrize("path", ["$.model.estimators_.columns", "$.model.estimators_.columns.other"])
def test_a_path_into_rows_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(reflectio.DocumentError, match="there is no"):
        reflectio.read_header(both("a forest")[0]).node(path)


def test_a_difference_is_told_at_the_tree_that_has_it() -> None:
    document = document_of(model("a forest"))
    trees = document["model"]["estimators_"]["columns"]
    trees["random_state"][3] += 1
    values = trees["tree_"]["columns"]["values"]
    values["array"]["data"][sum(values["lengths"][:5]) + 1][0][0] += 1.0
    changed = reflectio.diff(both("a forest", "json")[0], json.dumps(document).encode())
    assert [change.path for change in changed.changes] == [
        "$.model.estimators_[3].random_state",
        "$.model.estimators_[5].tree_.values",
    ]


def test_what_is_compressed_is_expanded_once_for_all_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    take = Segment.take_compressed
    monkeypatch.setattr(Segment, "take_compressed", lambda *args: taken.append(args[1]) or take(*args))
    header = reflectio.read_header(both("a forest", "compressed")[0])
    for number in range(70):
        header.array(f"$.model.estimators_[{number}].tree_.nodes")
    assert len(taken) == 1


@every_form
@every_model
def test_all_parts_together_take_no_more_than_the_document_has(name: str, form: str) -> None:
    document = both(name, form)[0]
    graph = reflectio.read_header(document).graph
    assert sum(use.nbytes for use in largest(graph, 10_000)) <= graph.size(graph.model) <= len(document)


def test_a_truncated_document_shows_its_trees() -> None:
    document = both("a forest")[0]
    header = reflectio.read_header(document[: document.index(b"\0") + 100])
    assert header.problem
    assert len(header.model["estimators_"]) == 70
    assert "estimators_[69]" in "\n".join(lines(header))


def test_what_is_one_for_all_is_of_each_its_own() -> None:
    of_all = column(array_node([1, 2]), same=True)
    scalar = column(array_node([7]), of="scalar", same=True)
    node = reflectio.read_header(header_of(rows({"a": of_all, "b": scalar}))).model
    assert [part["a"]["data"] for part in node] == [[1, 2]] * 4
    assert [part["b"] for part in node] == [{"$": "scalar", "dtype": "int32", "value": 7}] * 4
    assert len({id(part["a"]) for part in node}) == 4


def test_objects_of_rows_share_what_a_reference_says() -> None:
    graph = reflectio.read_header(both("gradient boosting")[0]).graph
    trees = graph.model["estimators_"]["data"]
    states = {id(graph.target(tree["random_state"])) for stage in trees for tree in stage}
    assert states == {id(trees[0][0]["random_state"])}
    assert graph.is_shared(trees[0][0]["random_state"])


# -- rows that stand for nothing ---------------------------------------------------------------------------------

ARRAY = array_node([1, 2, 3, 4])
MALFORMED: dict[str, Any] = {
    "more than there is room for": rows({"C": 1.0}, 10**12),
    "more lists than there is room for": {"$": "rows", "of": "list", "count": 10**12, "items": rows({"C": 1.0})},
    "long text for each": rows({"kernel": "x" * 100_000}, 100_000),
    "a long dtype for each": rows({"a": column({**ARRAY, "dtype": {"$": "dtype", "names": ["x" * 99] * 999}, "shape": [10**5], "at": 0})}, 10**5),
    "no count": {"$": "rows", "of": OBJECT, "columns": {"C": 1.0}},
    "a negative count": rows({"C": 1.0}, -1),
    "a count that is true": rows({"C": 1.0}, True),
    "no columns": {"$": "rows", "of": OBJECT, "count": 4},
    "columns that are a list": rows([1, 2]),
    "columns with a tag": rows({"$": "os.system"}),
    "an attribute that is a tag": rows({"$args": [1, 2, 3, 4]}),
    "of nothing": rows({"C": 1.0}, of=None),
    "of text": rows({"C": 1.0}, of="text"),
    "a short column": rows({"C": [1.0, 2.0]}),
    "a column of another kind": rows({"C": {"$": "tuple", "items": [1, 2, 3, 4]}}),
    "a column of nothing": rows({"C": {"$": "column"}}),
    "a column of something else": rows({"C": column(ARRAY, of="list")}),
    "rows of another count": rows({"a": rows({"C": 1.0}, 5)}),
    "lists of columns": {"$": "rows", "of": "list", "count": 4, "columns": {"C": 1.0}},
    "lists of another count": {"$": "rows", "of": "list", "count": 3, "items": rows({"C": 1.0})},
    "lengths of something else": rows({"a": column(ARRAY, lengths=[1, 2, 3, 4])}),
    "negative lengths": rows({"a": column(ARRAY, lengths=[-1, 2, 2, 1])}),
    "lengths that are text": rows({"a": column(ARRAY, lengths=["1"] * 4)}),
    "an odd number": rows({"a": column(array_node([1, 2, 3, 4, 5]))}),
    "no shape": rows({"a": column({"$": "ndarray", "dtype": "int32", "data": [1] * 4})}),
    "a negative shape": rows({"a": column({**ARRAY, "shape": [-4]})}),
    "an axis less": rows({"a": column({**ARRAY, "shape": []})}),
    "another shape": rows({"a": column({**ARRAY, "shape": [8]})}),
    "data that are text": rows({"a": column({**ARRAY, "data": "text"})}),
    "base64 that is none": rows({"a": column({**ARRAY, "data": "?", "encoding": "base64"})}),
    "base64 of another length": rows({"a": column({**ARRAY, "data": "AAAA", "encoding": "base64"})}),
    "a view": rows({"a": column({**ARRAY, "base": ARRAY})}),
    "an array with an id": rows({"a": column({**ARRAY, "$id": 1})}),
    "scalars of another number": rows({"a": column(array_node([1, 2]), of="scalar")}),
    "scalars with a dtype of their own": rows({"a": column({**ARRAY, "dtype": {"$": "dtype"}}, of="scalar")}),
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_rows_that_make_no_sense_are_shown_as_what_they_are(what: str) -> None:
    document = header_of({"list": MALFORMED[what]})
    header = reflectio.read_header(document)
    assert header.model["list"]["$"] == "rows"
    assert report(header, everything=True).outline.children
    assert "$.model.list = rows" in [*lines(header)]
    with contextlib.suppress(reflectio.DecodeError):
        # Unless it shows arrays that are none.
        assert reflectio.diff(document, document).same
    assert reflectio.audit(document).versions == {}
    with pytest.raises(reflectio.ReflectioError):
        reflectio.loads(document)


def test_arrays_in_the_segment_that_are_not_there_are_noted() -> None:
    missing = {"$": "ndarray", "dtype": "int64", "shape": [4], "at": 10**9}
    header = reflectio.read_header(header_of(rows({"a": column(missing), "b": column(missing, of="scalar")})))
    text = "\n".join(lines(header))
    assert text.count("damaged") >= 4
    assert header.model[3]["b"]["dtype"] == "int64"


@pytest.mark.parametrize(
    "data",
    [{"data": [[1, 2], [3, 4], [5, 6], [7, 8]]},
     {"data": "AQIDBAUGBwg=", "encoding": "base64"},
     {"data": [[1, 2], [3, 4], [5, 6], [7, 8]], "order": "F"}],
    ids=["lists", "base64", "in Fortran order"],
)  # fmt: skip
@pytest.mark.parametrize("lengths", [None, [0, 1, 3, 0]])
def test_parts_of_an_array_in_the_header_are_its_slices(data: dict[str, Any], lengths: Any) -> None:
    whole = {"$": "ndarray", "dtype": "uint8", "shape": [4, 2], **data}
    node = column(whole, **({} if lengths is None else {"lengths": lengths}))
    header = reflectio.read_header(header_of(rows({"a": node})))
    parts = [header.array(f"$.model[{index}].a") for index in range(4)]
    assert [len(part) for part in parts] == (lengths or [1, 1, 1, 1])
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(1, 9).reshape(4, 2))


# -- what a reviewer may want to see -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "places"),
    [
        (10**9, [0]),
        ([1, 2, 10**9, 10**9], [2, 3]),
        ([1, 2, 3, {"$": "scalar", "dtype": "int64", "value": 10**9}], [3]),
        ([reference(1), 2, 3, {"$": "int", "value": "9" * 30, "$id": 1}], [0, 3]),
        (column(array_node([1, 2, 10**9, 4], "int64"), of="scalar"), [2]),
        (column({**array_node([1, 2, 3, 4]), "data": "AQIDBA==", "encoding": "base64"}, of="scalar"), [0]),
        (column({"$": "ndarray", "dtype": "int64", "shape": [4], "at": 0}, of="scalar"), [0]),
    ],
    ids=[
        "for all",
        "in a list",
        "a scalar",
        "a reference",
        "scalars",
        "scalars in base64",
        "scalars in the segment",
    ],
)
def test_a_parameter_that_reaches_outside_is_noticed_in_rows(value: Any, places: list[int]) -> None:
    found = reflectio.audit(header_of({"estimators": rows({"n_estimators": value, "C": 1.0})})).notices
    assert [notice.path for notice in found] == [
        f"$.model.estimators[{place}].n_estimators" for place in places
    ]


def test_usual_parameters_in_rows_are_not_noticed() -> None:
    usual = {
        "n_jobs": None,
        "n_estimators": [1, 2, 3, 4],
        "cv": column(array_node([5]), of="scalar", same=True),
    }
    assert reflectio.audit(header_of(rows(usual))).notices == ()


def test_a_parameter_of_objects_within_rows_is_noticed() -> None:
    inner = rows({"memory": "/tmp"})
    (notice,) = reflectio.audit(header_of(rows({"estimator": inner}))).notices
    assert notice.path == "$.model[0].estimator.memory"


def test_names_within_rows_are_counted_and_refused_at_their_places() -> None:
    call = {"$": "callable", "name": "os.system"}
    hidden = rows({"a": 1.0, "b": [1, 2, call, {"$": "partial", "func": call}]})
    report = reflectio.audit(header_of({"$": "rows", "of": "list", "count": 2, "items": hidden}))
    assert [(use.name, use.count) for use in report.untrusted] == [("os.system", 2)]
    assert report.untrusted[0].path == "$.model[1][0].b"
    assert {use.name: use.count for use in report.names} == {"os.system": 2, OBJECT: 4}


@pytest.mark.parametrize(
    ("name", "columns", "field", "place"),
    [
        ("a forest", ["estimators_"], 0, "$.model.estimators_[3].tree_"),
        ("gradient boosting", ["estimators_", "data"], 0, "$.model.estimators_.data[1][0].tree_"),
        ("histogram boosting", ["_predictors", "items"], 5, "$.model._predictors[1][0].nodes"),
    ],
)
def test_the_tree_that_leads_out_of_its_memory_is_named(
    name: str, columns: list[str], field: int, place: str
) -> None:
    document = document_of(model(name))
    node = document["model"]
    for step in columns:
        node = node[step]
    parts = node["columns"]
    nodes = parts.get("tree_", node)["columns"]["nodes"]
    lengths = nodes.get("lengths") or [nodes["array"]["shape"][0] // node["count"]] * node["count"]
    nodes["array"]["data"][sum(lengths[:3])][field] = 10**6
    with pytest.raises(reflectio.ValidationError) as caught:
        load(document)
    assert caught.value.path == place


def test_references_to_rows_multiply_what_they_stand_for() -> None:
    shared = rows({"C": 1.0}, 50_000, **{"$id": 1})
    document = header_of([shared, *([reference(1)] * 600)])
    with pytest.raises(reflectio.LimitError, match="multipl"):
        reflectio.loads(document)


if __name__ == "__main__":
    warnings.simplefilter("error")
    reflectio.dump(specimen(), SPECIMEN)
