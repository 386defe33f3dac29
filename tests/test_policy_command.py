"""Checking, suggesting and showing policies: what the reports hold, and what the commands say."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from command_line import run
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from typer.testing import CliRunner

import reflectio
from reflectio.cli import app
from reflectio.policy import KINDS, Policy, built_in_lists
from reflectio.policy_report import check, effective, suggest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REFLECTIO_POLICY", raising=False)
    return tmp_path


def write(folder, text: str, name: str = "policy.toml"):
    (folder / name).write_text(text)
    return folder / name


def invoke(*arguments: object, **options):
    return CliRunner().invoke(app, ["policy", *map(str, arguments)], **options)


# -- check -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", built_in_lists())
def test_every_line_of_the_built_in_lists_counts(name: str) -> None:
    """Names that only other versions of the libraries have aside."""
    found = check(built_in_lists()[name], imports=False)
    assert found.ok
    assert found.entries == ()


@pytest.mark.parametrize(
    ("text", "problem", "name", "reason"),
    [
        ('[allow]\nclasses = ["numpy.matrix", "numpy.matrix"]', "redundant", "numpy.matrix", "twice"),
        (
            'extends = ["default"]\n[allow]\nclasses = ["sklearn.svm.SVC"]',
            "redundant",
            "sklearn.svm.SVC",
            "extends allows it",
        ),
        (
            '[allow]\nclasses = ["sklearn.svm.*", "sklearn.svm.SVC"]',
            "redundant",
            "sklearn.svm.SVC",
            "sklearn.svm.* covers it",
        ),
        ('extends = ["default", "sklearn"]', "redundant", "sklearn", "extends holds it already"),
        (
            '[allow]\nclasses = ["sklearn.svm.SVC", "sklearn.svm._classes.SVC"]',
            "redundant",
            "sklearn.svm._classes.SVC",
            "documents name it sklearn.svm.SVC, which is allowed already",
        ),
        (
            '[allow]\nclasses = ["sklearn.svm._classes.SVC"]',
            "without effect",
            "sklearn.svm._classes.SVC",
            "documents name it sklearn.svm.SVC",
        ),
        (
            '[allow]\nclasses = ["sklearn.svm.SVC"]\n[deny]\nclasses = ["sklearn.svm.*"]',
            "without effect",
            "sklearn.svm.SVC",
            "a denial wins",
        ),
        (
            'extends = ["strict"]\n[deny]\ncallables = ["os.system"]',
            "without effect",
            "os.system",
            "nothing allows it",
        ),
        ('[allow]\nclasses = ["numpy.mean"]', "without effect", "numpy.mean", "it is no class"),
        ('[allow]\ncallables = ["math.pi"]', "without effect", "math.pi", "no function or class"),
        ('[allow]\nclasses = ["sklearn.svm.SVX"]', "missing", "sklearn.svm.SVX", "no attribute 'SVX'"),
        (
            '[allow]\nclasses = ["acme_none.Model"]',
            "missing",
            "acme_none.Model",
            "no module named 'acme_none'",
        ),
        ('[allow]\nclasses = ["acme_none.models.*"]', "missing", "acme_none.models.*", "acme_none"),
    ],
    ids=lambda value: value.replace("\n", " ") if isinstance(value, str) and "=" in value else "",
)
def test_a_line_that_does_nothing_deserves_a_look(folder, text, problem, name, reason) -> None:
    found = check(write(folder, text))
    assert found.ok
    (entry,) = found.entries
    assert (entry.problem, entry.name) == (problem, name)
    assert reason in entry.reason
    assert name in text.splitlines()[entry.line - 1]


def test_lines_that_count_deserve_no_look(folder) -> None:
    write(folder, '[allow]\ncallables = ["json.dumps"]\n[deny]\nclasses = ["numpy.matrix"]', "base.toml")
    path = write(
        folder,
        'extends = ["default", "base.toml"]\n'
        '[allow]\nclasses = ["json.decoder.*", "fractions.Fraction"]\n'
        'callables = ["operator.attrgetter.coef_", "json.loads"]\n'
        '[deny]\nclasses = ["sklearn.svm.*"]\n[limits]\ndepth = 10',
    )
    found = check(path)
    assert (found.ok, found.entries) == (True, ())
    assert found.extends == ("default", "base.toml")
    assert found.own["callable"] == ("operator.attrgetter.coef_", "json.loads")
    assert found.inherited["class"] == len(Policy.default().allowed["class"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[limits]\ndept = 1", "unknown key 'dept'"),
        ("[allow", "not valid TOML"),
        ('extends = ["nowhere.toml"]', "nowhere.toml"),
        ('extends = ["policy.toml"]', "cycle"),
        ('[allow]\nclasses = ["*"]', "would allow everything"),
    ],
    ids=lambda text: text.replace("\n", " "),
)
def test_a_file_that_is_not_valid_is_told(folder, text, said) -> None:
    found = check(write(folder, text))
    assert not found.ok
    assert said in found.error


def test_a_module_that_fails_to_be_imported_is_told(folder, monkeypatch) -> None:
    (folder / "acme_broken.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(folder)
    (entry,) = check(write(folder, '[allow]\nclasses = ["acme_broken.Model"]')).entries
    assert "importing it fails: ZeroDivisionError" in entry.reason


def test_without_import_no_module_of_the_file_is_run(folder, monkeypatch) -> None:
    (folder / "acme_loud.py").write_text("open('ran', 'w')")
    monkeypatch.syspath_prepend(folder)
    path = write(folder, '[allow]\nclasses = ["acme_loud.Model", "acme_loud.*"]')
    assert invoke("check", "--no-import", path).exit_code == 0
    assert not (folder / "ran").exists()


def test_check_says_what_a_policy_allows_and_which_lines_to_look_at(folder) -> None:
    write(
        folder,
        'extends = ["strict"]\n[allow]\nclasses = ["sklearn.svm.SVX"]\n[deny]\nclasses = ["sklearn.tree.*"]',
    )
    result = run("policy", "check", "policy.toml", cwd=folder)
    assert result.returncode == 0
    assert "policy.toml: valid" in result.stdout
    assert "on top of strict" in result.stdout
    assert "sklearn.svm: SVX" in result.stdout
    assert "line 3" in result.stdout
    assert "missing" in result.stdout
    assert run("policy", "check", "--strict", "policy.toml", cwd=folder).returncode == 1


def test_check_judges_several_files_and_is_read_by_programs(folder) -> None:
    write(folder, 'extends = ["strict"]', "good.toml")
    write(folder, "[limits]\ndept = 1", "wrong.toml")
    result = invoke("check", "*.toml", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"]) == (1, False)
    assert {file["file"]: file["ok"] for file in report["files"]} == {"good.toml": True, "wrong.toml": False}
    assert invoke("check", "good.toml").exit_code == 0
    assert "unknown key 'dept'" in invoke("check", "wrong.toml").stdout


@pytest.mark.parametrize("argument", ["missing.toml", ".", "-", "*.nothing"])
def test_what_is_no_policy_file_is_a_mistake(folder, argument) -> None:
    assert invoke("check", argument).exit_code == 2


# -- suggest ---------------------------------------------------------------------------------------------------

X = np.arange(40.0).reshape(20, 2)


@functools.cache
def documents() -> dict[str, bytes]:
    return {
        "forest.rfl": reflectio.dumps(RandomForestClassifier(3, random_state=0).fit(X, X[:, 0] > 20)),
        "line.json": reflectio.dumps(LinearRegression().fit(X, X[:, 0]), format="json"),
        "log.rfl": reflectio.dumps(make_pipeline(FunctionTransformer(np.log1p), LinearRegression())),
        "hostile.rfl": reflectio.dumps(FunctionTransformer(os.system)),
        "odd.rfl": b'{"reflectio":1,"versions":{},"model":[{"$":"acme.Model"},{"$":"x y.z"},'
        b'{"$":"callable","name":"acme.read_table"},{"$":"acme.C","$args":[]},{"$":"random.Random"}]}',
        "broken.rfl": b"{}",
    }


@pytest.fixture
def models(folder):
    for name, data in documents().items():
        (folder / name).write_bytes(data)
    return folder


def test_the_suggested_policy_loads_the_models_and_holds_nothing_else(models) -> None:
    named = ["forest.rfl", "line.json", "log.rfl"]
    found = suggest(named)
    assert found.ok
    policy = Policy.from_file(write(models, found.toml(), "suggested.toml"))
    for name in named:
        assert reflectio.audit(name, policy=policy).ok
        reflectio.load(name, policy=policy)
    needed = {(use.kind, use.name) for name in named for use in reflectio.audit(name).names}
    assert {(kind, name) for kind in KINDS for name in policy.allowed[kind]} == needed
    for kind, name in needed:
        fewer = {each: policy.allowed[each] - {name if each == kind else ""} for each in KINDS}
        assert not all(reflectio.audit(model, policy=Policy(allowed=fewer)).ok for model in named)


def test_a_suggestion_on_top_of_another_policy_holds_what_that_one_lacks(models) -> None:
    assert suggest(["forest.rfl"], extends=["default"]).names == ()
    found = suggest(["forest.rfl", "log.rfl"], extends=["strict"])
    stated = tomllib.loads(found.toml())
    assert stated["extends"] == ["strict"]
    assert "sklearn.ensemble.RandomForestClassifier" in stated["allow"]["classes"]
    assert "sklearn.tree.DecisionTreeClassifier" not in stated["allow"]["classes"]


@pytest.mark.parametrize(
    ("name", "level", "reason"),
    [
        ("sklearn.ensemble.RandomForestClassifier", "reviewed", ""),
        ("sklearn.tree._tree.Tree", "reviewed", "called with arguments"),
        ("numpy.log1p", "reviewed", "the model holds it, and may call it"),
        ("acme.Model", "look", "no built-in list has it"),
        ("acme.C", "look", "it is called with arguments"),
        ("acme.read_table", "look", "reads, writes or runs something"),
        ("random.Random", "look", "of the standard library, which was reviewed without it"),
        ("os.system", "refused", "os can run code"),
        ("x y.z", "refused", "no dotted name"),
    ],
)
def test_a_name_that_deserves_a_look_has_a_warning_beside_it(models, name, level, reason) -> None:
    found = suggest(["forest.rfl", "log.rfl", "hostile.rfl", "odd.rfl"])
    (suggested,) = [each for each in found.names if each.name == name]
    assert suggested.level == level
    assert reason in suggested.reason
    (line,) = [line for line in found.toml().splitlines() if f'"{name}"' in line]
    assert suggested.reason in line
    assert line.lstrip().startswith("#") == (level == "refused")


@pytest.mark.parametrize(
    "name",
    [
        "posix.system", "builtins.eval", "subprocess.Popen", "numpy.ctypeslib.load_library", "joblib.load",
        "pandas.io.common.get_handle", "importlib.import_module", "sklearn.datasets.fetch_openml", "a.__class__.b",
    ],
)  # fmt: skip
def test_what_no_model_needs_is_never_suggested(name) -> None:
    document = json.dumps({"reflectio": 1, "versions": {}, "model": {"$": "callable", "name": name}})
    found = suggest([("made up", document.encode())])
    assert not found.ok
    assert "allow" in tomllib.loads(found.toml())
    assert tomllib.loads(found.toml())["allow"].get("callables", []) == []


def test_a_hostile_name_cannot_leave_its_quotes_or_its_comment() -> None:
    name = 'a.b"]\n[limits]\ndepth = 1 #'
    document = json.dumps({"reflectio": 1, "versions": {}, "model": {"$": name}})
    stated = tomllib.loads(suggest([("x\n[deny]", document.encode())]).toml())
    assert stated == {"allow": {"classes": []}}


def test_suggest_prints_a_policy_file_and_says_beside_it_what_to_look_at(models) -> None:
    result = run("policy", "suggest", "forest.rfl", "odd.rfl", "hostile.rfl", "broken.rfl", cwd=models)
    assert result.returncode == 1
    write(models, result.stdout, "suggested.toml")
    assert Policy.from_file("suggested.toml").allows("class", "acme.Model")
    assert "warning: left out: os.system, which hostile.rfl would need" in result.stderr
    assert "warning: look at acme.Model" in result.stderr
    assert "warning: broken.rfl cannot be read" in result.stderr
    assert "Traceback" not in result.stderr


def test_suggest_reads_standard_input_and_is_read_by_programs(models) -> None:
    result = run("policy", "suggest", "-", "--json", input=documents()["line.json"], text=False)
    report = json.loads(result.stdout)
    assert (result.returncode, report["ok"]) == (0, True)
    assert report["names"] == [
        {
            "kind": "class",
            "name": "sklearn.linear_model.LinearRegression",
            "level": "reviewed",
            "reason": None,
            "files": ["standard input"],
        }
    ]


def test_suggesting_imports_nothing_of_the_document(folder) -> None:
    (folder / "acme_loud.py").write_text("open('ran', 'w')")
    program = (
        "import sys; from reflectio.policy_report import suggest\n"
        'suggest([(\'x\', b\'{"reflectio":1,"versions":{},"model":{"$":"acme_loud.Model"}}\')]).toml()\n'
        "print('acme_loud' in sys.modules, 'sklearn' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout == "False False\n"
    assert not (folder / "ran").exists()


# -- show ------------------------------------------------------------------------------------------------------


def test_the_effective_policy_is_what_is_allowed_after_extends_and_denials(folder) -> None:
    path = write(
        folder,
        'extends = ["strict"]\n[allow]\nclasses = ["acme.models.*"]\n[deny]\nclasses = ["sklearn.tree.*"]',
    )
    found = effective(path)
    policy = Policy.from_file(path)
    assert all(policy.allows(kind, name) for kind in KINDS for name in found.names[kind])
    assert "sklearn.linear_model.Ridge" in found.names["class"]
    assert not any(name.startswith("sklearn.tree.") for name in found.names["class"])
    assert found.patterns["class"] == ("acme.models.*",)
    assert found.denied == ("sklearn.tree.*",)


def test_the_effective_policy_is_narrowed_by_a_locked_one(folder, monkeypatch) -> None:
    lock = write(
        folder,
        'locked = true\nextends = ["strict"]\n[allow]\nclasses = ["acme.models.*", "acme.other.Model"]\n'
        "[limits]\ndepth = 100",
        "lock.toml",
    )
    write(folder, 'extends = ["default"]\n[allow]\nclasses = ["acme.*"]')
    monkeypatch.setenv("REFLECTIO_POLICY", str(lock))
    found = effective("policy.toml")
    assert found.source == "policy.toml"
    assert found.within == (str(lock),)
    assert found.patterns["class"] == ("acme.models.*",)
    assert "acme.other.Model" in found.names["class"]
    assert "sklearn.svm.SVC" not in found.names["class"]
    assert found.limits["depth"] == 100
    assert f"within the locked policy {lock}" in invoke("show", "policy.toml", env={"COLUMNS": "200"}).stdout


def test_show_prints_the_policy_in_force(folder) -> None:
    write(folder, '[allow]\nclasses = ["acme.Model"]\n[limits]\ndocument_bytes = "3 MiB"')
    result = run("policy", "show", cwd=folder, env={"REFLECTIO_POLICY": "policy.toml"})
    assert result.returncode == 0
    assert "classes (1)" in result.stdout
    assert "3 MiB" in result.stdout
    report = json.loads(
        run("policy", "show", "--json", cwd=folder, env={"REFLECTIO_POLICY": "policy.toml"}).stdout
    )
    assert report["names"]["class"] == ["acme.Model"]


@pytest.mark.parametrize(
    ("arguments", "said"), [(["nowhere"], "neither a file"), (["broken.toml"], "not valid TOML")]
)
def test_a_policy_that_cannot_be_shown_is_reported(folder, arguments, said) -> None:
    write(folder, "[allow", "broken.toml")
    result = run("policy", "show", *arguments, cwd=folder)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert said in result.stderr


# -- gaps ------------------------------------------------------------------------------------------------------


def test_the_default_policy_has_no_gaps() -> None:
    result = run("policy", "gaps")
    assert (result.returncode, result.stderr) == (0, "")
    assert "is covered" in " ".join(result.stdout.split())


def test_what_a_policy_lacks_is_listed(folder) -> None:
    result = invoke("gaps", "--policy", "strict", env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert "sklearn.svm.SVC: a public estimator" in result.stdout
    assert "sklearn.linear_model.Ridge:" not in result.stdout
    report = json.loads(invoke("gaps", "--policy", "strict", "--json").stdout)
    assert "sklearn.svm.SVC" in {gap["name"] for gap in report["gaps"]}


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("arguments", [["show", "default"], ["check", "policy.toml"]], ids=" ".join)
def test_reports_fit_the_width(folder, width, arguments) -> None:
    write(
        folder, '[allow]\nclasses = ["sklearn.svm.SVX", "sklearn.linear_model._base.Nothing", "acme_none.*"]'
    )
    shown = invoke(*arguments, env={"COLUMNS": str(width), "TERM": "dumb"}).stdout.splitlines()
    assert len(shown) > 5
    assert max(map(len, shown)) <= width


@pytest.mark.parametrize("locked", [False, True], ids=["given", "locked and in force"])
def test_what_a_policy_denies_on_purpose_is_no_gap(folder, locked) -> None:
    text = 'extends = ["default"]\n[deny]\nclasses = ["sklearn.preprocessing.FunctionTransformer", "sklearn.svm.*"]'
    path = write(folder, f"locked = {str(locked).lower()}\n{text}", "own.toml")
    result = invoke(
        "gaps", *(() if locked else ("--policy", path)), env={"REFLECTIO_POLICY": str(path) if locked else ""}
    )
    assert (result.exit_code, result.stdout) == (
        0,
        "Every public estimator and state type of the installed libraries is covered.\n",
    )


def test_gaps_names_the_locked_policy_that_does_not_allow_a_name(folder) -> None:
    path = write(folder, 'locked = true\nextends = ["strict"]', "own.toml")
    result = invoke("gaps", env={"REFLECTIO_POLICY": str(path), "COLUMNS": "400"})
    assert result.exit_code == 1
    assert "within the locked policy" in result.stdout
    assert "own.toml" in result.stdout
