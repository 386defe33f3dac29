"""What an audit says, that loading agrees with it, and that it imports nothing."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import orjson
import pytest
from attacks.attack import callable_node, text_of
from command_line import run
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import reflectio
from reflectio.errors import DecodeError, DocumentError, UntrustedNameError

_X, _Y = [[0.0, 1.0], [1.0, 3.0], [2.0, 0.0], [3.0, 1.0]], [0, 1, 0, 1]


def _documents() -> list[dict[str, Any]]:
    models: list[BaseEstimator] = [
        make_pipeline(StandardScaler(), SelectKBest(f_classif, k=1), SVC()),
        DecisionTreeClassifier(),
        KNeighborsClassifier(algorithm="kd_tree"),
        FunctionTransformer(abs),
        # Their trees are written as rows.
        RandomForestClassifier(4, max_depth=1, random_state=0),
        GradientBoostingClassifier(n_estimators=4, max_depth=1),
    ]
    return [orjson.loads(reflectio.dumps(model.fit(_X, _Y), format="json")) for model in models]


_DOCUMENTS = _documents()

_PARTS: list[Any] = [
    callable_node("os.system"),
    callable_node("numpy.log1p"),
    {"$": "class", "name": "subprocess.Popen"},
    {"$": "evil.Model", "a": 1},
    {"$": "evil.Model", "$args": []},
    {"$": "rows", "of": "evil.Model", "count": 4, "columns": {"a": 1}},
    {"$": "rows", "of": "evil.Model", "count": 4, "columns": {"a": 1}, "args": []},
    {"$": "rows", "of": "sklearn.svm.SVC", "count": 4, "columns": {"C": 1.0}},
    {"$": "sklearn.svm.SVC"},
    {"$": "sklearn.svm.SVC", "$args": []},
    {"$": "method", "object": {"$": "sklearn.svm.SVC"}, "name": "fit"},
    {"$": "method", "object": "text", "name": "format"},
    {"$": "attrgetter", "names": ["coef_"]},
    {"$": "itemgetter", "items": [0]},
    {"$": "ref", "id": 0},
    None,
    0,
    -1,
    2**40,
    "text",
    [],
    {},
]


def _places(node: Any) -> list[tuple[Any, Any]]:
    found = []
    stack = [node]
    while stack:
        node = stack.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            found.append((node, key))
            if isinstance(node[key], dict | list):
                stack.append(node[key])
    return found


@st.composite
def _mutated(draw):
    """A document with a few of its parts replaced, removed or added to."""
    document = pickle.loads(pickle.dumps(draw(st.sampled_from(_DOCUMENTS))))
    for _ in range(draw(st.integers(1, 3))):
        places = _places(document["model"])
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        change = draw(st.sampled_from(["replace", "replace", "remove", "rename", "copy"]))
        if change == "replace":
            # A copy: what follows may change it in its place.
            holder[key] = pickle.loads(pickle.dumps(draw(st.sampled_from(_PARTS))))
        elif change == "copy":
            holder[key] = pickle.loads(pickle.dumps(document["model"]))
        elif isinstance(holder, dict):
            value = holder.pop(key)
            if change == "rename":
                holder[
                    draw(
                        st.sampled_from(
                            ["name", "items", "$args", "args", "of", "$state", "state", "fit", "evil"]
                        )
                    )
                ] = value
        else:
            del holder[key]
    return orjson.dumps(document)


@given(_mutated())
@settings(max_examples=400, deadline=None)
def test_audit_refuses_a_name_exactly_where_loading_does(document):
    error: Exception | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reflectio.loads(document)
        except DecodeError as caught:
            error = caught
    report = reflectio.audit(document)
    if isinstance(error, UntrustedNameError):
        assert not report.ok
        assert set(error.names) == {use.name for use in report.untrusted}
    elif error is None:
        assert report.ok


def test_a_method_of_a_method_is_refused_by_both():
    method = {"$": "method", "object": {"$": "sklearn.svm.SVC"}, "name": "fit"}
    document = text_of({"$": "method", "object": method, "name": "fit"})
    with pytest.raises(UntrustedNameError) as caught:
        reflectio.loads(document)
    assert {*caught.value.names} == {use.name for use in reflectio.audit(document).untrusted}


def test_audit_imports_nothing_that_a_document_names(tmp_path):
    names = ["colorsys", "wave", "antigravity", "reflectio_tripwire", "scipy.spatial", "sklearn.svm"]
    document = tmp_path / "document.json"
    document.write_bytes(text_of([{"$": f"{name}.Thing", "a": callable_node(f"{name}.f")} for name in names]))
    script = (
        "import sys, reflectio\n"
        "before = set(sys.modules)\n"
        "report = reflectio.audit(sys.argv[1])\n"
        "print(report.ok, len(report.names), sorted(set(sys.modules) - before))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(document)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split(maxsplit=2)[:2] == ["False", "12"]
    assert not any(name in ran.stdout for name in names)


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("memory", "/tmp/cache", "cache to disk"),
        ("memory", {"$": "str", "data": "L3RtcA=="}, "/tmp"),
        ("memory", {"$": "scalar", "dtype": "<U4", "value": "/tmp"}, "/tmp"),
        ("input", "filename", "open the files"),
        ("n_jobs", 100_000, "processes"),
        ("n_jobs", -100_000, "processes"),
        ("n_jobs", {"$": "int", "value": "9" * 30}, "processes"),
        ("cache_size", 1e12, "cache"),
        ("token_pattern", "(a+)+$", "exponential"),
        ("max_doc_update_iter", 2**62, "memory or time"),
        ("tol", -1.0, "nothing comes within"),
        ("mean_change_tol", -1, "nothing comes within"),
        ("pre_dispatch", "__import__('os').system('id')", "CVE-2022-21797"),
        ("n_estimators", 10**9, "memory or time"),
        ("degree", 500, "power"),
        ("cv", 10**6, "memory or time"),
        ("C", 1e30, "memory or time"),
        ("n_iter", {"$": "scalar", "dtype": "int64", "value": 10**12}, "memory or time"),
        ("hidden_layer_sizes", {"$": "tuple", "items": [10, 10**9]}, "memory or time"),
        ("warm_start", True, "goes on from"),
    ],
)
@pytest.mark.parametrize("form", ["attribute", "state", "pairs", "reference"])
def test_a_parameter_that_reaches_outside_is_noticed_in_whatever_form_it_is_written(
    attribute, value, words, form
):
    node: dict[str, Any] = {"$": "sklearn.svm.SVC"}
    objects = {}
    if form == "attribute":
        node[attribute] = value
    elif form == "state":
        node["$state"] = {attribute: value}
    elif form == "pairs":
        node["$state"] = {"$": "dict", "items": [[attribute, value]]}
    elif isinstance(value, dict):
        node[attribute] = {"$": "ref", "id": 0}
        objects["objects"] = [{**value, "$id": 0}]
    else:
        pytest.skip("a plain value has no id to refer to")
    (notice,) = reflectio.audit(text_of(node, **objects)).notices
    assert words in notice.message
    assert notice.path == f"$.model.{attribute}"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("memory", None), ("input", "content"), ("n_jobs", -1), ("n_jobs", 8), ("cache_size", 200.0),
     ("token_pattern", r"(?u)\b\w\w+\b"), ("pre_dispatch", "2*n_jobs"), ("n_estimators", 100), ("degree", 3),
     ("cv", 10), ("C", 1e6), ("max_iter", 10_000), ("tol", 0.0), ("hidden_layer_sizes", [100, 100]), ("warm_start", False)],
)  # fmt: skip
def test_usual_parameters_are_not_noticed(attribute, value):
    assert reflectio.audit(text_of({"$": "sklearn.svm.SVC", attribute: value})).notices == ()


def test_a_state_whose_tag_is_no_text_has_no_parameters():
    node = {"$": "sklearn.svm.SVC", "$state": {"$": {"memory": "/tmp"}, "items": [["memory", "/tmp"]]}}
    assert reflectio.audit(text_of(node)).notices == ()


def test_a_path_in_an_audit_is_short_however_deep_and_long_the_names():
    node: Any = callable_node("os.system")
    for _ in range(100):
        node = {"x" * 10_000: node}
    (use,) = reflectio.audit(text_of(node)).untrusted
    assert use.path.startswith("$.model")
    assert len(use.path) < 5000


def test_auditing_a_truncated_document_raises_an_error_of_reflectio():
    document = reflectio.dumps(SVC().fit(_X, _Y))
    draw = random.Random(0)
    for _ in range(300):
        cut = document[: draw.randrange(len(document))]
        with pytest.raises(DecodeError):
            reflectio.audit(cut)


_WITH_SEGMENT = reflectio.dumps(np.arange(1000.0))
_END = _WITH_SEGMENT.index(b"\0")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(_WITH_SEGMENT[:-1], id="cut in the segment"),
        pytest.param(_WITH_SEGMENT[: _END + 1], id="cut before the segment"),
        pytest.param(_WITH_SEGMENT[:_END], id="cut behind the header"),
        pytest.param(_WITH_SEGMENT + b"\0", id="longer than it says"),
        pytest.param(reflectio.dumps([1]) + bytes(100), id="a segment that is not described"),
        pytest.param(b'{"reflectio": 1, "versions": {}, "model": 1, "segment": 3}\0', id="no description"),
    ],
)
@pytest.mark.parametrize("as_file", [False, True], ids=["bytes", "file"])
def test_a_document_of_another_length_than_it_says_is_refused_as_loading_refuses_it(
    document, as_file, tmp_path
):
    source: Any = document
    if as_file:
        source = tmp_path / "model.rfl"
        source.write_bytes(document)
    with pytest.raises(DocumentError) as loading:
        reflectio.loads(document)
    with pytest.raises(DocumentError) as auditing:
        reflectio.audit(source)
    assert str(auditing.value) == str(loading.value)


@pytest.mark.parametrize("standard_input", [False, True])
def test_the_command_refuses_a_document_that_is_cut_off(standard_input, tmp_path):
    path = tmp_path / "model.rfl"
    path.write_bytes(_WITH_SEGMENT[:-1])
    with path.open("rb") as file:
        ran = run("audit", "-" if standard_input else path, stdin=file)
    assert ran.returncode == 1
    assert "the segment should have 8000 bytes and has 7999" in " ".join((ran.stdout + ran.stderr).split())


def test_a_pipe_is_audited_by_its_header_alone(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    # It has no size, and whoever audits it need not wait for the rest.
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(path.write_bytes, _WITH_SEGMENT[: _END + 1])
        assert reflectio.audit(path).ok
        assert written.result() == _END + 1


def test_the_length_of_a_document_is_checked_without_numpy(tmp_path):
    path = tmp_path / "model.rfl"
    path.write_bytes(_WITH_SEGMENT)
    program = (
        "import reflectio, sys; assert reflectio.audit(sys.argv[1]).ok; assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, path], check=True)
