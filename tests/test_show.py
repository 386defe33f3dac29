"""What `reflectio show` and `reflectio.read_header` say of documents, good and hostile ones, and what they never do."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import default_parameters
import numpy as np
import orjson
import pytest
import scipy.sparse
import sklearn
import zoo
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import reflectio
from reflectio.inspection.defaults import Defaults, defaults
from reflectio.inspection.entry import Entry
from reflectio.inspection.lines import lines
from reflectio.inspection.report import report

ESCAPE = "\x1b"

IRIS = load_iris(as_frame=True)
SPECIES = IRIS.target_names[IRIS.target]


def run(
    *arguments: str | Path, width: int | None = None, stdin: bytes | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run ``reflectio`` with its output in a pipe; a width stands for that of a terminal."""
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    if width is not None:
        environment["COLUMNS"] = str(width)
    result = subprocess.run(
        [sys.executable, "-m", "reflectio", *map(str, arguments)],
        capture_output=True,
        input=stdin,
        timeout=120,
        check=False,
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        **options,
    )
    # Not in text mode, which would translate line ends.
    decoded = [part.decode() for part in (result.stdout, result.stderr)]
    return subprocess.CompletedProcess(result.args, result.returncode, *decoded)


def header_of(model: Any, objects: list[Any] | None = None, **members: Any) -> bytes:
    """A document without digest and segment, written by hand."""
    header = {"reflectio": 1, "versions": {}, **members, "model": model}
    return orjson.dumps(header | ({"objects": objects} if objects else {}))


def reference(number: int) -> dict[str, Any]:
    return {"$": "ref", "id": number}


def entries(entry: Entry) -> Iterator[Entry]:
    yield entry
    for child in entry.children:
        yield from entries(child)


def outline(source: Any, path: str = "$.model", **options: Any) -> dict[str, Entry]:
    """The entries of a document's outline, by name; of equal names the first."""
    found: dict[str, Entry] = {}
    for entry in entries(report(reflectio.read_header(source), path, **options).outline):
        found.setdefault(entry.name, entry)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of some models."""
    folder = tmp_path_factory.mktemp("models")
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=10)).fit(IRIS.data, SPECIES)
    metadata = {"trained by": "Ada", "accuracy": 0.97}
    for name in ("pipeline.rfl", "pipeline.json"):
        reflectio.dump(pipeline, folder / name, metadata=metadata)
    forest = RandomForestClassifier(30, max_depth=4, random_state=0).fit(IRIS.data, SPECIES)
    reflectio.dump(forest, folder / "forest.rfl")
    return folder


# -- what it says ---------------------------------------------------------------------------------------------


def test_show_says_what_a_model_is(folder: Path) -> None:
    result = run("show", folder / "pipeline.rfl")
    assert result.returncode == 0
    assert result.stderr == ""
    text = result.stdout
    assert "Pipeline: StandardScaler → LogisticRegression, 4 features, 3 classes" in text
    assert "digests match" in text
    assert f"scikit-learn {sklearn.__version__}" in text
    assert "trained by  Ada" in text
    assert "accuracy    0.97" in text
    assert "all 3 parameters at their defaults" in text
    changed = next(line for line in text.splitlines() if "(default 1.0)" in line)
    assert changed.split()[-4:] == ["C", "10", "(default", "1.0)"]
    mean = next(line for line in text.splitlines() if " mean_ " in line)
    assert mean.split()[-9:] == ["mean_", "float64", "(4,)", "32", "B", "5.843", "3.057", "3.758", "1.199"]


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("name", ["pipeline.rfl", "forest.rfl"])
def test_no_line_is_wider_than_the_terminal(folder: Path, name: str, width: int) -> None:
    result = run("show", folder / name, width=width)
    assert result.returncode == 0
    longest = max(map(len, result.stdout.splitlines()))
    assert longest <= width
    assert width != 80 or longest > 70


def test_a_pipe_gets_whole_lines_without_colours(folder: Path) -> None:
    text = run("show", folder / "pipeline.rfl").stdout
    assert ESCAPE not in text
    assert "intercept_scaling, class_weight, random_state, solver, max_iter, verbose" in text
    assert "…" not in text.replace(" … ", "")


def test_a_terminal_gets_colours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ESCAPE in run("show", folder / "pipeline.rfl", width=80).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert f"{ESCAPE}[3" not in run("show", folder / "pipeline.rfl", width=80).stdout


def test_a_terminal_without_unicode_gets_plain_characters(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "reflectio", "show", str(folder / "forest.rfl")],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert result.returncode == 0
    assert b"|- max_depth" in result.stdout
    assert b"\\u" not in result.stdout


def test_json_says_the_same_for_programs(folder: Path) -> None:
    result = run("show", "--json", folder / "pipeline.rfl", folder / "forest.rfl")
    assert result.returncode == 0
    told = json.loads(result.stdout)
    assert told["ok"] is True
    pipeline, forest = told["files"]
    assert pipeline["file"] == str(folder / "pipeline.rfl")
    assert pipeline["metadata"] == {"trained by": "Ada", "accuracy": 0.97}
    assert (pipeline["digest"], forest["segment_digest"]) == ("matches", "matches")
    assert forest["model"]["class"] == "sklearn.ensemble.RandomForestClassifier"
    parameters = {part["name"]: part for part in forest["model"]["parts"] if part.get("role") == "parameter"}
    assert parameters["max_depth"]["text"] == "4"
    assert parameters["max_depth"]["default"] == "None"
    assert forest["largest"][0]["path"] == "$.model.estimators_[*].tree_.nodes"
    assert forest["largest"][0]["count"] == 30


def test_long_lists_of_one_class_are_told_in_short(folder: Path) -> None:
    text = run("show", folder / "forest.rfl").stdout
    assert "list of 30 DecisionTreeClassifier" in text
    assert "28 more: --all" in text
    assert "[2]" not in text


@pytest.mark.parametrize("estimator", [GradientBoostingClassifier, HistGradientBoostingClassifier])
def test_ensembles_of_many_small_parts_are_told_in_short(estimator: Any) -> None:
    model = estimator(**{"max_iter" if estimator is HistGradientBoostingClassifier else "n_estimators": 9})
    document = reflectio.dumps(model.fit(IRIS.data, SPECIES))
    assert len([*entries(report(reflectio.read_header(document)).outline)]) < 50


def test_what_takes_the_space_is_told_by_place(folder: Path) -> None:
    header = reflectio.read_header(folder / "forest.rfl")
    uses = report(header).space
    assert uses[0].path == "$.model.estimators_[*].tree_.nodes"
    assert uses == sorted(uses, key=lambda use: -use.nbytes)
    nodes = [info for path, info in header.arrays() if path.endswith(".tree_.nodes")]
    assert uses[0].nbytes > sum(info.nbytes for info in nodes) > header.nbytes / 3


def test_of_a_part_it_is_told_what_takes_the_space_in_it(folder: Path) -> None:
    found = report(reflectio.read_header(folder / "forest.rfl"), "$.model.estimators_[3]")
    assert found.space[0].path == "$.model.estimators_[3].tree_.nodes"
    assert found.space[0].count == 1
    assert found.total == found.outline.nbytes
    assert "what takes the space" not in run("show", folder / "forest.rfl", "$.model.estimators_[3]").stdout


# -- which part of it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "$.model.steps[1][1]",
        "$.model.steps[1][1].coef_",
        "$.model.steps.logisticregression",
        "$.model['steps'][1][1]",
    ],
)
def test_a_path_selects_a_part(folder: Path, path: str) -> None:
    result = run("show", folder / "pipeline.rfl", path)
    assert result.returncode == 0
    tree = result.stdout.partition("\n\n")[2]
    assert "StandardScaler" not in tree
    assert "(3, 4)" in tree


def test_depth_says_how_many_levels_are_opened(folder: Path) -> None:
    shallow = run("show", "--depth", "1", folder / "pipeline.rfl").stdout
    assert "LogisticRegression(C=10)" in shallow
    assert "coef_" not in shallow
    assert "coef_" in run("show", "-d", "2", folder / "pipeline.rfl").stdout


def test_all_leaves_nothing_out(folder: Path) -> None:
    text = run("show", "--all", folder / "forest.rfl").stdout
    assert "[29]" in text
    assert "min_weight_fraction_leaf  0.0" in text
    assert "_sklearn_version" in text


def test_a_path_to_nothing_says_what_there_is(folder: Path) -> None:
    result = run("show", folder / "pipeline.rfl", "$.model.steps[1][1].coefs_")
    assert result.returncode == 1
    assert "there is no .coefs_ in $.model.steps[1][1]; there is .coef_" in result.stderr
    beyond = run("show", folder / "pipeline.rfl", "$.model.steps[7]")
    assert beyond.returncode == 1
    assert "there is no [7] in $.model.steps, which has 2 items" in beyond.stderr


@pytest.mark.parametrize("path", ["$.model..x", "$.model[", "$$", "$.metadata[x]"])
def test_what_is_no_path_is_a_mistake_in_the_command_line(folder: Path, path: str) -> None:
    result = run("show", folder / "pipeline.rfl", path, width=200)
    assert result.returncode == 2
    assert "is no path" in result.stderr
    assert "$.model.steps[1][1].coef_" in result.stderr


@pytest.mark.parametrize(
    ("path", "meant"),
    [("steps[1][1]", "$.model.steps[1][1]"), ("model.steps", "$.model.steps"), (".steps", "$.model.steps")],
)
def test_a_path_without_its_dollar_is_answered_with_how_it_starts(
    folder: Path, path: str, meant: str
) -> None:
    result = run("show", folder / "pipeline.rfl", path, width=200)
    assert result.returncode == 2
    assert f"A path to a part of a model starts with '$.', such as '{meant}'" in result.stderr


@pytest.mark.parametrize("name", ["missing.rfl", "missing*", "models/missing"])
def test_a_missing_file_is_not_taken_for_a_path(folder: Path, name: str) -> None:
    result = run("show", folder / "pipeline.rfl", name, width=200)
    assert result.returncode == 2
    assert "starts with '$.'" not in result.stderr


# -- what was learned -----------------------------------------------------------------------------------------


def test_a_decision_tree_shows_its_splits_with_names_of_features_and_classes() -> None:
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(IRIS.data, SPECIES)
    splits = outline(reflectio.dumps(tree))["splits"]
    left, right = splits.children
    feature = IRIS.data.columns[tree.tree_.feature[0]]
    assert left.name == f"{feature} ≤ {tree.tree_.threshold[0]:.4g}"
    assert right.name == f"{feature} > {tree.tree_.threshold[0]:.4g}"
    assert left.text == "→ setosa (100 %), 50 samples"
    assert [child.text.partition(",")[0] for child in right.children] == [
        "→ versicolor (91 %)",
        "→ virginica (98 %)",
    ]


def test_the_trees_of_a_forest_have_the_names_of_its_features(folder: Path) -> None:
    found = outline(folder / "forest.rfl", "$.model.estimators_[3]")
    names = {child.name.partition(" (")[0] for child in found["splits"].children}
    assert names <= {"sepal length", "sepal width", "petal length", "petal width"}


def test_a_linear_model_shows_its_largest_coefficients_first() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = Ridge().fit(X, y)
    names = [entry.name for entry in outline(reflectio.dumps(model))["coefficients"].children]
    assert names == list(X.columns[np.argsort(-abs(model.coef_))])


def test_names_of_features_go_through_steps_that_keep_the_columns(folder: Path) -> None:
    names = {entry.name for entry in outline(folder / "pipeline.rfl")["coefficients"].children}
    assert names == set(IRIS.data.columns)


def test_words_are_the_names_of_the_columns_of_texts() -> None:
    texts = ["good cat", "bad dog", "good dog", "bad cat"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])
    names = [entry.name for entry in outline(reflectio.dumps(model))["coefficients"].children]
    assert set(names[:2]) == {"good", "bad"}
    assert set(names[2:]) == {"cat", "dog"}


def test_names_of_features_end_where_columns_change() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    swapping = ColumnTransformer([("b", StandardScaler(), list(X.columns[::-1]))])
    for first in (swapping, PolynomialFeatures(1, include_bias=False)):
        model = make_pipeline(first, LinearRegression()).fit(X, y)
        names = {entry.name for entry in outline(reflectio.dumps(model))["coefficients"].children}
        assert names == {f"x{index}" for index in range(10)}


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array([1.0, 0.0, np.nan, np.inf] * 25), "0 … 1, mean 0.5, 25 % zero, 25 % NaN, 25 % inf"),
        (np.arange(100), "0 … 99, mean 49.5, 1.0 % zero"),
        (np.zeros(50), "all 0"),
        (np.arange(100) % 4 == 0, "0 … 1, mean 0.25"),
        (np.array(["b", "a"]), "'b' 'a'"),
        (np.array(["a\x1b[31m"]), "'a\\x1b[31m'"),
        (np.array(["2020-01-01", "NaT", "2021-01-01"] * 9, "M8[D]"), "2020-01-01 … 2021-01-01, 33 % NaN"),
        (np.full(100, np.nan), "all NaN"),
        (np.array([], float), "empty"),
        (np.arange(100, dtype=">i4"), "0 … 99, mean 49.5, 1.0 % zero"),
        (np.asfortranarray(np.arange(100.0).reshape(10, 10)), "0 … 99, mean 49.5, 1.0 % zero"),
        (np.arange(300.0)[::3], "0 … 297, mean 148.5, 1.0 % zero"),
    ],
)
@pytest.mark.parametrize("format", ["binary", "json"])
def test_a_glance_at_values(array: np.ndarray, text: str, format: Any) -> None:
    entry = report(reflectio.read_header(reflectio.dumps(array, format=format))).outline
    assert entry.glance is not None
    assert entry.glance.text() == text
    assert entry.array is not None
    assert entry.array.shape == array.shape


def test_a_sparse_matrix_is_told_in_one_line() -> None:
    matrix = scipy.sparse.random(100, 50, density=0.1, format="csr", random_state=0)
    entry = report(reflectio.read_header(reflectio.dumps(matrix))).outline
    assert entry.text == "sparse csr matrix float64 (100, 50), 500 stored (10 %)"


def test_a_shared_object_is_told_once() -> None:
    scaler = StandardScaler()
    text = outline(reflectio.dumps([scaler, scaler]))
    assert text["[0]"].note == "shared"
    assert text["[1]"].note == "the same object as $.model[0]"
    assert not text["[1]"].children


def test_a_class_of_ones_own_has_parameters_without_defaults() -> None:
    model = {"$": "acme.Churn", "threshold": 0.5, "weights_": [1, 2], "_cache": None}
    found = outline(header_of(model))
    assert found["threshold"].role == "parameter"
    assert found["threshold"].default == ""
    assert found["weights_"].role == "learned"


# -- defaults -------------------------------------------------------------------------------------------------


def test_the_table_of_defaults_is_current() -> None:
    # `PYTHONPATH=tests python -m default_parameters` writes it.
    table = defaults()
    if sklearn.__version__ not in table.versions:
        pytest.skip(f"the table has no scikit-learn {sklearn.__version__}")
    installed = default_parameters.installed_defaults()
    for name, nodes in installed.items():
        known = table.of(name, sklearn.__version__) or {}
        assert {parameter: known.get(parameter) for parameter in nodes} == nodes, name
    merged = default_parameters.merged(table, sklearn.__version__, installed)
    assert merged["earlier"] == table.earlier


def test_defaults_are_those_of_the_version_in_the_document() -> None:
    model = {"$": "sklearn.cluster.KMeans", "n_init": "warn", "_sklearn_version": "1.3.0"}
    old = outline(header_of(model).replace(b'"versions":{}', b'"versions":{"scikit-learn":"1.3.0"}'))
    assert "n_init" not in old
    assert outline(header_of(model))["n_init"].default == "'auto'"


def test_a_table_without_a_class_knows_nothing_of_it() -> None:
    assert Defaults([], {}, {}).of("acme.Churn", None) is None


# -- large documents ------------------------------------------------------------------------------------------


def test_exact_reads_every_value(tmp_path: Path) -> None:
    values = np.zeros(3_000_000)
    values[1_234_567] = -5.0
    path = tmp_path / "values.rfl"
    reflectio.dump(values, path)
    assert "sampled" in run("show", path).stdout
    exact = run("show", "--exact", path).stdout
    assert "-5 … 0" in exact
    assert "sampled" not in exact


# -- files that are no good -----------------------------------------------------------------------------------


def damaged(kind: str, path: Path, folder: Path) -> Path:
    """Write a file with something wrong with it."""
    document = (folder / "forest.rfl").read_bytes()
    broken = bytearray(document)
    contents: dict[str, bytes] = {
        "empty": b"",
        "garbage": bytes(range(1, 256)) * 40,
        "zeros": bytes(1000),
        "text": b"hello\n",
        "a pickle": pickle.dumps(LinearRegression()),
        "cut in the header": document[:2000],
        "cut in the segment": document[:-1000],
        "longer than it says": document + b"more",
        "other arrays": bytes(broken[:-5] + b"\1\2\3\4\5"),
        "another header": document.replace(b'"max_depth":4', b'"max_depth":5', 1),
        "a newer format": document.replace(b'{"reflectio":1', b'{"reflectio":9', 1),
        "a key twice": b'{"reflectio":1,"versions":{},"model":1,"model":2}',
    }
    path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("empty", "the document is empty"),
        ("garbage", "not a reflectio document"),
        ("zeros", "starts with a zero byte"),
        ("text", "not a reflectio document"),
        ("a pickle", "this looks like a pickle or joblib file"),
        ("cut in the header", "truncated"),
        ("a newer format", "format version 9; this reflectio reads version 1"),
        ("a key twice", "comes twice"),
    ],
)
def test_what_is_no_document_is_refused_in_one_line(
    tmp_path: Path, folder: Path, kind: str, message: str
) -> None:
    result = run("show", damaged(kind, tmp_path / "bad.rfl", folder))
    assert result.returncode == 1
    assert result.stdout == ""
    assert message in result.stderr
    assert "bad.rfl" in result.stderr
    hints = result.stderr.splitlines()[1:]
    assert [hint for hint in hints if "reflectio convert" not in hint] == []
    assert bool(hints) is (kind == "a pickle")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cut in the segment", "the document is truncated"),
        ("longer than it says", "something follows it"),
        ("other arrays", "digest of the arrays does not match"),
        ("another header", "digest of the header does not match"),
    ],
)
def test_a_damaged_document_is_shown_as_far_as_it_goes(
    tmp_path: Path, folder: Path, kind: str, message: str
) -> None:
    result = run("show", damaged(kind, tmp_path / "bad.rfl", folder))
    assert result.returncode == 1
    assert message in result.stdout
    assert "list of 30 DecisionTreeClassifier" in result.stdout


def test_of_several_files_the_good_ones_are_shown(tmp_path: Path, folder: Path) -> None:
    bad = damaged("garbage", tmp_path / "bad.rfl", folder)
    result = run("show", folder / "pipeline.rfl", bad, folder / "forest.rfl")
    assert result.returncode == 1
    assert "LogisticRegression" in result.stdout
    assert "RandomForestClassifier" in result.stdout
    assert "bad.rfl" in result.stderr
    told = json.loads(run("show", "--json", bad, folder / "forest.rfl").stdout)
    assert [file["ok"] for file in told["files"]] == [False, True]
    assert "not a reflectio document" in told["files"][0]["error"]


def test_standard_input_is_read(folder: Path) -> None:
    result = run("show", "-", stdin=(folder / "pipeline.rfl").read_bytes())
    assert result.returncode == 0
    assert "standard input" in result.stdout
    assert "LogisticRegression" in result.stdout


# -- hostile documents ----------------------------------------------------------------------------------------

EVIL = "\x1b]0;owned\x07\x1b[2J[bold red]hi[/]\u202egnp.\u2028\x9b31m\r"


def test_nothing_of_a_document_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    array = {"$": "ndarray", "dtype": "object", "shape": [1], "data": [EVIL]}
    model = {
        "$": f"acme.{EVIL}",
        EVIL: EVIL,
        "names_": array,
        "feature_names_in_": array,
        "n_features_in_": 1,
    }
    model["coef_"] = {"$": "ndarray", "dtype": "float64", "shape": [1], "data": [1.0]}
    model["inner"] = {"$": EVIL, "items": [[EVIL, {"$": "ndarray", "dtype": EVIL, "shape": [1]}]]}
    header = {"reflectio": 1, "versions": {EVIL: EVIL}, "metadata": {EVIL: EVIL}, "model": model}
    path = tmp_path / f"evil{ESCAPE}[31m.rfl"
    path.write_bytes(orjson.dumps(header))
    for options in ([], ["--all"], ["--textconv"], ["--json"]):
        result = run("show", *options, path)
        assert result.returncode == 0, result.stderr
        assert result.stdout.replace("\n", "").isprintable()
        assert "[bold red]" in result.stdout
    wrong = run("show", path, f"$.model['{ESCAPE}[31m']")
    assert (wrong.returncode, ESCAPE in wrong.stderr) == (1, False)


HOSTILE: dict[str, bytes] = {
    "a list that holds itself": header_of({"$": "list", "$id": 1, "items": [reference(1)]}),
    "an object that holds itself": header_of({"$": "acme.A", "$id": 1, "self_": reference(1)}),
    "a tuple that doubles sixty times": header_of(
        reference(1),
        [
            {"$": "tuple", "$id": i, "items": [reference(i + 1), reference(i + 1)]}
            if i < 60
            else {"$": "tuple", "$id": i, "items": []}
            for i in range(1, 61)
        ],
    ),
    "a dtype that doubles sixty times": header_of(
        {"$": "ndarray", "dtype": reference(1), "shape": [1], "data": [[]]},
        [
            {
                "$": "dtype",
                "$id": i,
                "names": ["a", "b"],
                "formats": [reference(i + 1)] * 2,
                "offsets": [0, 0],
            }
            for i in range(1, 60)
        ],
    ),
    "a long chain of objects": header_of(
        reference(1), [{"$": "acme.A", "$id": i, "next_": reference(i + 1)} for i in range(1, 5_000)]
    ),
    "lists as deep as JSON goes": b'{"reflectio":1,"versions":{},"model":' + b"[" * 250 + b"]" * 250 + b"}",
    "an array of more bytes than there are": header_of(
        {"$": "acme.A", "x_": {"$": "ndarray", "dtype": "float64", "shape": [2**62, 2**62], "data": []}}
    ),
    "elements that are mostly padding": header_of(
        {"$": "acme.A", "x_": {"$": "ndarray", "dtype": "<U99999999", "shape": [1], "data": ["a"]}}
    ),
    "no elements of a great shape": header_of(
        {"$": "ndarray", "dtype": "float64", "shape": [0, 2**62, 2**62], "data": []}
    ),
    "an array at no place": header_of({"$": "ndarray", "dtype": "float64", "shape": [9], "at": -64}),
    "an array of pointers": header_of(
        {
            "$": "ndarray",
            "dtype": {"$": "dtype", "names": ["a"], "formats": ["object"], "offsets": [0]},
            "shape": [1],
            "encoding": "base64",
            "data": "QUFBQUFBQUE=",
        }
    ),
    "a view of itself": header_of(
        {
            "$": "ndarray",
            "$id": 1,
            "dtype": "float64",
            "shape": [1],
            "base": reference(1),
            "offset": 0,
            "strides": [8],
        }
    ),
    "a tree that leads out of its memory": header_of(
        {
            "$": "sklearn.tree.DecisionTreeClassifier",
            "tree_": {
                "$": "sklearn.tree._tree.Tree",
                "nodes": {
                    "$": "ndarray",
                    "dtype": {
                        "$": "dtype",
                        "names": ["left_child", "right_child", "feature", "threshold", "n_node_samples"],
                        "formats": ["int64", "int64", "int64", "float64", "int64"],
                        "offsets": [0, 8, 16, 24, 32],
                        "itemsize": 40,
                    },
                    "shape": [1],
                    "data": [[10**15, 0, -7, 0.5, 1]],
                },
                "values": {"$": "ndarray", "dtype": "float64", "shape": [1, 1, 1], "data": [[[1.0]]]},
            },
        }
    ),
    "tags that are no text": header_of([{"$": []}, {"$": {"$": 1}}, {"$": None, "items": 1}]),
    "references to nothing": header_of({"$": "acme.A", "a_": reference(5), "b_": {"$": "ref"}}),
    "many objects": header_of([{"$": "acme.A", "x_": [i]} for i in range(20_000)]),
    "many attributes": header_of({"$": "acme.A", **{f"k{i}_": i for i in range(20_000)}}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_shown_in_few_lines(name: str) -> None:
    header = reflectio.read_header(HOSTILE[name])
    for options in ({}, {"depth": 1000}, {"exact": True}):
        found = report(header, **options)
        texts = [entry.text + entry.note + entry.name + entry.path for entry in entries(found.outline)]
        assert 0 < len(texts) < 2000
        assert all(text.isprintable() for text in texts)
    assert sum(1 for _ in lines(header)) < 400_000


def test_values_that_cannot_be_read_say_why() -> None:
    found = outline(HOSTILE["an array of more bytes than there are"])
    assert "most of which the document does not hold" in found["x_"].note
    dangling = outline(HOSTILE["references to nothing"])
    assert "a reference to an object that the document does not have" in dangling["a_"].note


def test_references_in_a_circle_are_refused() -> None:
    document = header_of(reference(1), [{"$": "ref", "$id": 1, "id": 1}])
    with pytest.raises(reflectio.DocumentError, match="refer to each other"):
        report(reflectio.read_header(document))


def test_nothing_that_a_document_names_is_imported(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_bytes(header_of([{"$": "antigravity.A"}, {"$": "callable", "name": "this.s"}]))
    code = (
        "import sys, reflectio.cli\n"
        "for options in (['show', '--all'], ['show', '--textconv'], ['show', '--json'], ['diff']):\n"
        "    files = sys.argv[1:3] if options == ['diff'] else sys.argv[1:]\n"
        "    import io, contextlib\n"
        "    from typer.testing import CliRunner\n"
        "    CliRunner().invoke(reflectio.cli.app, [*options, *files])\n"
        "print(sorted({'antigravity', 'this', 'sklearn', 'scipy', 'pandas', 'joblib'} & set(sys.modules)))"
    )
    files = [folder / "pipeline.rfl", path, folder / "forest.rfl"]
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, files)], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


# -- the reader -----------------------------------------------------------------------------------------------


def test_the_reader_says_what_a_document_says_of_itself(folder: Path) -> None:
    path = folder / "forest.rfl"
    header = reflectio.read_header(path)
    assert header.format == "binary"
    assert header.format_version == 1
    assert header.nbytes == path.stat().st_size
    assert header.nbytes >= header.header_nbytes + header.segment_nbytes
    assert header.versions["scikit-learn"] == sklearn.__version__
    assert header.model["$"] == "sklearn.ensemble.RandomForestClassifier"
    assert (header.digest, header.segment_digest, header.problem) == ("matches", "matches", "")
    json_header = reflectio.read_header(folder / "pipeline.json")
    assert (json_header.format, json_header.digest, json_header.segment_nbytes) == ("json", "absent", 0)


def test_the_reader_gives_arrays_when_they_are_asked_for(folder: Path) -> None:
    forest = reflectio.load(folder / "forest.rfl")
    header = reflectio.read_header(folder / "forest.rfl")
    arrays = dict(header.arrays())
    assert arrays["$.model.estimators_[0].tree_.values"].dtype == "float64"
    values = header.array("$.model.estimators_[0].tree_.values")
    np.testing.assert_array_equal(values, forest.estimators_[0].tree_.value)
    assert not header.array("$.model.estimators_[0].tree_.nodes").flags.writeable
    with pytest.raises(reflectio.DocumentError, match="there is no array at"):
        header.array("$.model.max_depth")
    with pytest.raises(reflectio.DocumentError, match="are objects"):
        header.array("$.model.feature_names_in_")


def test_the_reader_knows_a_segment_that_was_changed(folder: Path) -> None:
    document = bytearray((folder / "forest.rfl").read_bytes())
    document[-3] ^= 1
    header = reflectio.read_header(document)
    assert (header.digest, header.segment_digest) == ("matches", "differs")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(200.0).reshape(20, 10)[:, ::2],
        np.asfortranarray(np.arange(200).reshape(20, 10)),
        np.arange(200, dtype=">f4"),
        np.array([("a", 1.5)] * 90, [("name", "U3"), ("value", "f8")]),
        np.arange(100).astype("M8[s]"),
        np.arange(100) % 3 == 0,
        np.arange(70) * 1j,
        np.arange(66, dtype=np.longdouble),
        np.float16(np.arange(70)),
        np.array(5.0),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
@pytest.mark.parametrize("format", ["binary", "json"])
def test_every_kind_of_array_is_read_as_it_was(array: np.ndarray, format: Any) -> None:
    header = reflectio.read_header(reflectio.dumps([array, array[:3] if array.ndim else 1], format=format))
    found = header.array("$.model[0]")
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)
    if array.ndim:
        np.testing.assert_array_equal(header.array("$.model[1]"), array[:3])


# -- text for git ---------------------------------------------------------------------------------------------


def test_both_formats_of_a_model_give_the_same_lines(folder: Path) -> None:
    binary = run("show", "--textconv", folder / "pipeline.rfl")
    text = run("show", "--textconv", folder / "pipeline.json")
    assert binary.returncode == text.returncode == 0
    assert binary.stdout == text.stdout
    assert "$.model.steps[1][1].C = 10\n" in binary.stdout
    assert ESCAPE not in binary.stdout


def test_git_shows_what_changed_in_a_model(tmp_path: Path, folder: Path) -> None:
    def git(*arguments: str) -> str:
        environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        return subprocess.run(
            ["git", "-C", str(tmp_path), *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        ).stdout

    try:
        git("init", "-q")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"git cannot be run: {error}")
    (tmp_path / ".gitattributes").write_text("*.rfl diff=reflectio\n")
    git("config", "diff.reflectio.textconv", f"'{sys.executable}' -m reflectio show --textconv")
    reflectio.dump(Ridge(alpha=1.0).fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "model.rfl")
    git("add", "-A")
    reflectio.dump(Ridge(alpha=2.5).fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "model.rfl")
    difference = git("diff")
    assert "-$.model.alpha = 1.0\n+$.model.alpha = 2.5\n" in difference
    assert "\n-$.model.coef_ = [0.3333333333333333" in difference


@pytest.mark.parametrize(
    "contents", [b"", b"version https://git-lfs.github.com/spec/v1\n", b'{"reflectio": 1']
)
def test_what_is_no_document_is_a_line_for_git_and_no_end_of_its_log(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "model.rfl").write_bytes(contents)
    result = run("show", "--textconv", tmp_path / "model.rfl")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("cannot be read: ")
    assert result.stdout.count("\n") == 1


def test_textconv_and_json_exclude_each_other(folder: Path) -> None:
    result = run("show", "--textconv", "--json", folder / "pipeline.rfl", width=200)
    assert result.returncode == 2
    assert "exclude each other" in result.stderr


# -- the zoo --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(len(zoo.instance_names())), ids=zoo.instance_names())
def test_every_estimator_is_shown_the_same_in_both_formats(index: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator, _ = zoo.fitted(index, "float64")
        except zoo.UnsuitableDataError:
            estimator = zoo.fresh(index)
        documents = [reflectio.dumps(estimator, format=format) for format in ("binary", "json")]
    headers = [reflectio.read_header(document) for document in documents]
    assert [*lines(headers[0])] == [*lines(headers[1])]
    binary, text = (report(header, everything=True, depth=9) for header in headers)
    assert binary.title == text.title
    assert binary.title.startswith(type(estimator).__name__)
    told = [
        [
            (entry.path, entry.text, entry.role, entry.default, entry.glance)
            for entry in entries(found.outline)
        ]
        for found in (binary, text)
    ]
    assert told[0] == told[1]
    notes = [entry.note for entry in entries(binary.outline) if entry.note.startswith("values not")]
    assert notes == []
    assert reflectio.diff(*headers).same


def test_help_says_how_git_can_use_it() -> None:
    result = run("show", "--help", width=120)
    assert result.returncode == 0
    assert "*.rfl diff=reflectio" in result.stdout
    assert "git config diff.reflectio.textconv 'reflectio show --textconv'" in result.stdout


def test_a_neighbours_model_shows_the_data_that_it_holds() -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    model = KNeighborsClassifier().fit(X, X[:, 0] > 0)
    found = outline(reflectio.dumps(model))
    assert found["_fit_X"].array is not None
    assert found["_fit_X"].array.nbytes == X.nbytes
