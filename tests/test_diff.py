"""What `reflectio diff` and `reflectio.diff` say of two models, and that they say it without building either."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from test_show import ESCAPE, EVIL, HOSTILE, damaged, header_of, reference, run

import reflectio
from reflectio.inspection import comparison

X, y = load_iris(return_X_y=True, as_frame=True)


def changes(a: Any, b: Any, **options: Any) -> dict[str, tuple[str, str]]:
    """The changes from one object to another: by path, their kind and text."""
    found = reflectio.diff(reflectio.dumps(a), reflectio.dumps(b), **options)
    return {change.path: (change.kind, change.text()) for change in found.changes}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    before = make_pipeline(StandardScaler(), LogisticRegression(C=10)).fit(X, y)
    after = make_pipeline(StandardScaler(), LogisticRegression(C=1.0)).fit(X, y)
    reflectio.dump(before, folder / "before.rfl", metadata={"run": 1})
    reflectio.dump(before, folder / "before.json", metadata={"run": 1})
    reflectio.dump(after, folder / "after.rfl", metadata={"run": 2})
    for seed in (0, 1):
        forest = RandomForestClassifier(40, random_state=seed).fit(X, y)
        reflectio.dump(forest, folder / f"forest{seed}.rfl")
    reflectio.dump(forest, folder / "forest.rfl")
    return folder


# -- what differs ---------------------------------------------------------------------------------------------


def test_parameters_and_learned_values_are_told_apart() -> None:
    found = changes(Ridge(alpha=1.0).fit(X, y), Ridge(alpha=2.0).fit(X, y))
    assert found["$.model.alpha"] == ("parameter", "1.0 → 2.0  (by 1, 100 %)")
    kind, text = found["$.model.coef_"]
    assert kind == "learned"
    assert text.startswith("float64 (4,): all differ, by up to ")
    assert found.keys() == {"$.model.alpha", "$.model.coef_", "$.model.intercept_"}


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_a_tree_of_neighbours_counts_of_its_queries_is_no_difference(algorithm, dtype) -> None:
    model = KNeighborsClassifier(1, algorithm=algorithm, leaf_size=2).fit(X.to_numpy(dtype), y)
    fitted = reflectio.dumps(model)
    model.predict(X.to_numpy(dtype))
    assert reflectio.dumps(model) != fitted
    assert reflectio.diff(fitted, reflectio.dumps(model)).same


def test_the_largest_differences_are_told_with_their_place() -> None:
    a = np.ones((20, 5))
    b = a.copy()
    b[3, 2], b[17, 4] = 1.5, 1.25
    (change,) = reflectio.diff(reflectio.dumps([a]), reflectio.dumps([b])).changes
    assert (change.count, change.different, change.at) == (100, 2, "[3, 2]")
    assert change.absolute == 0.5
    assert change.relative == pytest.approx(0.5 / 1.5)
    assert change.text() == "float64 (20, 5): 2 of 100 differ, by up to 0.5 (33 %) at [3, 2]"


def test_differences_in_large_arrays_are_found_a_piece_at_a_time() -> None:
    a = np.zeros((3, 1_500_000))
    b = a.copy()
    b[0, 7], b[2, 1_499_999] = 1.0, -3.0
    told: list[int] = []
    headers = [reflectio.read_header(reflectio.dumps(array)) for array in (a, b)]
    (change,) = comparison.compare(*headers, tell=told.append).changes
    assert (change.different, change.at, change.absolute) == (2, "[2, 1499999]", 3.0)
    assert sum(told) == a.nbytes
    assert len(told) > 3


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (np.array([1, 2]), np.array([1, 5]), "int64 (2,): 1 of 2 differ, by up to 3 (60 %) at [1]"),
        (
            np.array([2**62, 1]),
            np.array([2**62 + 1, 1]),
            "int64 (2,): 1 of 2 differ, by up to 1 (<0.1 %) at [0]",
        ),
        (
            np.array([-(2**63)]),
            np.array([2**63 - 1]),
            "int64 (1,): all differ, by up to 1.845e+19 (200 %)",
        ),
        (np.array([True, False]), np.array([True, True]), "bool (2,): 1 of 2 differ"),
        (np.array(["a", "b"]), np.array(["a", "c"]), "<U1 (2,): 1 of 2 differ"),
        (
            np.array([1.0, np.nan]),
            np.array([1.0, 2.0]),
            "float64 (2,): 1 of 2 differ, by up to inf or NaN at [1]",
        ),
        (
            np.array([0.0, 1.0]),
            np.array([-0.0, 1.0]),
            "float64 (2,): 1 of 2 differ, only in the signs of zeros or the bits of NaNs",
        ),
        (np.array([3 + 4j]), np.array([0j]), "complex128 (1,): all differ, by up to 5 (100 %)"),
        (np.zeros(3), np.zeros(4), "float64 (3,) → float64 (4,)"),
        (np.zeros(3), np.zeros(3, np.float32), "float64 (3,) → float32 (3,)"),
        (
            np.array(["2020-01-01"], "M8[D]"),
            np.array(["2020-01-02"], "M8[D]"),
            "datetime64[D] (1,): all differ",
        ),
        (1, 2, "1 → 2  (by 1, 100 %)"),
        (20, 100, "20 → 100  (by 80, 400 %)"),
        (-4.0, 4.0, "-4.0 → 4.0  (by 8, 200 %)"),
        (0, 3, "0 → 3  (by 3)"),
        (1e-20, 1.0, "1e-20 → 1.0  (by 1, 1e+22 %)"),
        (1, 1.0, "1 → 1.0"),
        (1, True, "1 → True"),
        (float("nan"), 1.0, "nan → 1.0"),
        ("a", "b", "'a' → 'b'"),
        (10**90, 10**90 + 1, f"{str(10**90)[:79]}… → another {str(10**90)[:79]}…"),
        ([1, 2], [1, 2, 3], "list of 2 → list of 3"),
        ((1, 2), [1, 2], "(1, 2) → [1, 2]"),
        ({"a": 1}, {"a": 1, "b": None}, "added: None"),
        (np.mean, np.median, "numpy.mean → numpy.median"),
    ],
)
def test_every_kind_of_value_is_compared(a: Any, b: Any, text: str) -> None:
    for format in ("binary", "json"):
        documents = [reflectio.dumps([value], format=format) for value in (a, b)]
        found = reflectio.diff(*documents)
        assert len(found.changes) == 1
        assert found.changes[0].text() == text
        assert reflectio.diff(documents[0], documents[0]).same
        assert reflectio.diff(documents[1], documents[1]).same


def test_fields_of_records_are_compared_one_by_one() -> None:
    a = np.zeros(80, [("left", "i4"), ("value", "f8")])
    b = a.copy()
    b["value"][5] = 2.0
    found = changes(a, b)
    assert found.keys() == {"$.model.value"}


def test_memory_order_counts_as_structure() -> None:
    a = np.arange(100.0).reshape(10, 10)
    assert changes(a, np.asfortranarray(a)) == {
        "$.model": ("structure", "float64 (10, 10), in C order → float64 (10, 10), in F order")
    }


def test_steps_are_compared_by_name() -> None:
    before = make_pipeline(StandardScaler(), Ridge())
    after = make_pipeline(StandardScaler(), PCA(), Ridge(alpha=2.0))
    found = changes(before, after)
    assert found["$.model.steps[1]"] == ("structure", "added: pca: PCA()")
    assert found["$.model.steps[1][1].alpha"][0] == "parameter"
    assert len(found) == 2


def test_another_class_is_a_change_of_structure() -> None:
    found = changes([StandardScaler()], [PCA(2)])
    assert found == {"$.model[0]": ("structure", "StandardScaler() → PCA(n_components=2)")}


def test_a_tree_that_grew_differently_is_one_change(folder: Path) -> None:
    found = reflectio.diff(folder / "forest0.rfl", folder / "forest1.rfl")
    grown = [change for change in found.changes if change.before.startswith("Tree:")]
    assert grown
    assert {re.sub(r"\d+", "N", change.path) for change in grown} == {"$.model.estimators_[N].tree_"}
    assert all(re.match(r"Tree: depth \d+, \d+ nodes, \d+ leaves", change.after) for change in grown)


def test_what_is_shared_counts() -> None:
    scaler = StandardScaler()
    found = changes([scaler, scaler], [StandardScaler(), StandardScaler()])
    assert found == {
        "$.model[1]": (
            "structure",
            "the same object as $.model[0] → an object of its own, StandardScaler()",
        )
    }


def test_versions_and_metadata_are_compared(folder: Path) -> None:
    a = header_of({"$": "acme.A", "x_": 1, "_sklearn_version": "1.4"}, versions={"scikit-learn": "1.4"})
    b = header_of({"$": "acme.A", "x_": 1, "_sklearn_version": "1.5"}, versions={"scikit-learn": "1.5"})
    (change,) = reflectio.diff(a, b).changes
    assert (change.kind, change.path, change.before, change.after) == (
        "version",
        "scikit-learn",
        "1.4",
        "1.5",
    )
    found = reflectio.diff(folder / "before.rfl", folder / "after.rfl")
    assert [change.path for change in found.of_kind("metadata")] == ["$.metadata.run"]
    assert found.without("metadata", "learned").changes == found.of_kind("parameter")


# -- tolerances -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rtol", "atol", "same"),
    [(0, 0, False), (1e-9, 0, False), (1e-6, 0, True), (0, 1e-4, True), (0, 1e-6, False), (1e-8, 1e-4, True)],
)
@pytest.mark.parametrize(
    "wrap", [np.array, lambda values: values, lambda values: np.float64(values[0])], ids="ALS"
)
def test_floats_may_differ_within_the_tolerance(rtol: float, atol: float, same: bool, wrap: Any) -> None:
    a, b = wrap([100.0, -3.0]), wrap([100.00001, -3.0])
    documents = reflectio.dumps([a]), reflectio.dumps([b])
    assert reflectio.diff(*documents, rtol=rtol, atol=atol).same is same
    assert reflectio.diff(*reversed(documents), rtol=rtol, atol=atol).same is same


def test_tolerances_are_for_floats_and_finite_ones_only() -> None:
    assert changes([10], [11], rtol=0.5)
    assert changes(np.array([10]), np.array([11]), rtol=0.5)
    assert changes(np.array([np.inf]), np.array([1.0]), rtol=0.5, atol=1e300)
    assert changes(np.array([np.nan]), np.array([1.0]), rtol=0.5, atol=1e300)
    assert not changes(np.array([np.nan, np.inf, -0.0]), np.array([np.nan, np.inf, 0.0]), atol=1e-300)
    with pytest.raises(ValueError, match="must not be negative"):
        changes(1.0, 2.0, rtol=-1.0)


# -- the command ----------------------------------------------------------------------------------------------


def test_equal_models_have_exit_status_0_whatever_their_formats(folder: Path) -> None:
    result = run("diff", folder / "before.rfl", folder / "before.json")
    assert (result.returncode, result.stderr) == (0, "")
    assert "no difference" in result.stdout


def test_different_models_have_exit_status_1(folder: Path) -> None:
    result = run("diff", folder / "before.rfl", folder / "after.rfl")
    assert (result.returncode, result.stderr) == (1, "")
    text = result.stdout
    assert re.search(r"\$\.model\.steps\[1\]\[1\]\.C +10 → 1\.0\n", text)
    assert re.search(r"\$\.model\.steps\[1\]\[1\]\.coef_ +float64 \(3, 4\): all differ, by up to", text)
    assert "$.metadata.run  1 → 2" in text
    ignoring = run(
        "diff", "--ignore", "metadata", "--atol", "100", folder / "before.rfl", folder / "after.rfl"
    )
    assert ignoring.returncode == 1
    assert "coef_" not in ignoring.stdout
    assert "metadata" not in ignoring.stdout


@pytest.mark.parametrize("width", [80, 200])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(folder: Path, width: int) -> None:
    result = run("diff", folder / "forest0.rfl", folder / "forest1.rfl", width=width)
    assert result.returncode == 1
    assert max(map(len, result.stdout.splitlines())) <= width
    assert ESCAPE not in result.stdout
    assert "$.model.estimators_[*].random_state" in result.stdout
    assert "in 40 places, by up to" in " ".join(result.stdout.split())


def test_all_gives_each_change_a_line(folder: Path) -> None:
    text = run("diff", "--all", folder / "forest0.rfl", folder / "forest1.rfl").stdout
    assert "[*]" not in text
    assert "$.model.estimators_[39].random_state" in text


def test_json_has_every_change(folder: Path) -> None:
    result = run("diff", "--json", folder / "before.rfl", folder / "after.rfl")
    assert result.returncode == 1
    told = json.loads(result.stdout)
    assert told["same"] is False
    by_path = {change["path"]: change for change in told["changes"]}
    coefficients = by_path["$.model.steps[1][1].coef_"]
    assert (coefficients["kind"], coefficients["elements"], coefficients["different"]) == ("learned", 12, 12)
    assert 0 < coefficients["largest_relative"] < 2
    assert by_path["$.model.steps[1][1].C"]["before"] == "10"


def test_one_of_both_may_be_standard_input(folder: Path) -> None:
    document = (folder / "before.rfl").read_bytes()
    assert run("diff", "-", folder / "before.json", stdin=document).returncode == 0
    twice = run("diff", "-", "-", stdin=document, width=200)
    assert twice.returncode == 2
    assert "standard input holds one document" in twice.stderr


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("garbage", "not a reflectio document"),
        ("a pickle", "this looks like a pickle"),
        ("cut in the segment", "is damaged"),
    ],
)
def test_a_file_that_is_no_good_is_named(tmp_path: Path, folder: Path, kind: str, message: str) -> None:
    bad = damaged(kind, tmp_path / "bad.rfl", folder)
    for files in ([bad, folder / "forest.rfl"], [folder / "forest.rfl", bad]):
        result = run("diff", *files)
        assert (result.returncode, result.stdout) == (1, "")
        assert message in result.stderr
        assert "bad.rfl" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["before.rfl"], "Missing argument"),
        (["before.rfl", "after.rfl", "--ignore", "colour"], "none of structure, parameter, learned"),
        (["before.rfl", "after.rfl", "--rtol", "-1"], "--rtol"),
        (["before.rfl", "after.rfl", "--rtol", "nan"], "--rtol"),
        (["*.rfl", "after.rfl"], "name one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_have_exit_status_2(folder: Path, arguments: list[str], message: str) -> None:
    result = run("diff", *arguments, width=200, cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


# -- hostile documents ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_compared_or_refused(name: str) -> None:
    other = header_of([1, 2])
    for documents in ((HOSTILE[name], HOSTILE[name]), (HOSTILE[name], other), (other, HOSTILE[name])):
        try:
            found = reflectio.diff(*documents)
        except reflectio.DecodeError as error:
            assert str(error)  # noqa: PT017
        else:
            assert found.same is (documents[0] == documents[1])
            assert all(change.text().isprintable() and change.path.isprintable() for change in found.changes)


def test_references_that_multiply_what_is_to_compare_are_refused() -> None:
    # Each pair of the first 300 tuples with the second 300 is another one to compare.
    tuples = [{"$": "tuple", "$id": 1 + i, "items": [*range(300), [i % 1]]} for i in range(300)]
    ways = ([i % 300 for i in range(90_000)], [i // 300 for i in range(90_000)])
    documents = [header_of([reference(1 + i) for i in way], tuples) for way in ways]
    with pytest.raises(reflectio.LimitError, match="takes too long"):
        reflectio.diff(*documents)


def test_nothing_of_a_document_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    names = []
    for index, value in enumerate((EVIL, EVIL * 2)):
        path = tmp_path / f"evil{index}.rfl"
        model = {"$": "acme.A", EVIL: value, "items_": [[EVIL, index], {"$": f"acme.{value}"}]}
        header = {"reflectio": 1, "versions": {EVIL: value}, "metadata": {EVIL: value}, "model": model}
        path.write_bytes(orjson.dumps(header))
        names.append(path)
    for options in ([], ["--all"], ["--json"]):
        result = run("diff", *options, *names)
        assert result.returncode == 1
        assert result.stdout.replace("\n", "").isprintable()
        assert "[bold red]" in result.stdout


# -- notebooks ------------------------------------------------------------------------------------------------


class _Tags(HTMLParser):
    """Collects the elements of a fragment, and checks that they are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert {name for name, _ in attrs} <= {"style", "colspan"}
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


ELEMENTS = {"div", "p", "strong", "table", "tr", "th", "td", "code", "pre", "span"}
SCRIPT = "<script>alert('hi')</script><img src=x onerror=alert(1)>\"'"


def test_a_comparison_shows_in_a_notebook_whatever_it_holds() -> None:
    documents = [
        header_of({"$": f"acme.{SCRIPT}", SCRIPT: value}, versions={SCRIPT: value}, metadata={SCRIPT: value})
        for value in (f"{SCRIPT}1", f"{SCRIPT}2")
    ]
    found = reflectio.diff(*documents)
    tags = _Tags(found._repr_html_())
    assert tags.seen <= ELEMENTS
    assert SCRIPT in tags.text
    assert "3 differences" in tags.text
    same = _Tags(reflectio.diff(documents[0], documents[0])._repr_html_())
    assert "No difference" in same.text


def test_a_judgement_shows_in_a_notebook_whatever_it_holds() -> None:
    document = header_of([{"$": f"acme.{SCRIPT}"}, {"$": "sklearn.svm.SVC", "n_jobs": 10**6}])
    tags = _Tags(reflectio.audit(document)._repr_html_())
    assert tags.seen <= ELEMENTS
    assert "the policy does not allow 1 name" in tags.text
    assert f"acme.{SCRIPT}" in tags.text
    assert "Worth a look" in tags.text
    good = _Tags(reflectio.audit(reflectio.dumps(FunctionTransformer()))._repr_html_())
    assert "the policy allows every name" in good.text
    assert "sklearn.preprocessing.FunctionTransformer" in good.text


def test_a_long_comparison_is_cut_in_a_notebook() -> None:
    found = reflectio.diff(header_of([0] * 300), header_of([1] * 300))
    assert "… 200 more" in _Tags(found._repr_html_()).text


def test_control_characters_of_names_show_as_escapes_in_a_notebook() -> None:
    name = "acme.\x1b[2J\u202eModel"
    first, second = (header_of({"$": name, "a\x1b": value}, versions={name: str(value)}) for value in (1, 2))
    for shown in (reflectio.audit(first)._repr_html_(), reflectio.diff(first, second)._repr_html_()):
        assert r"acme.\x1b[2J\u202eModel" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown
