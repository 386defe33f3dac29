"""The demonstration: it agrees when all is well, says what differs when it does not, and reports what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import reflectio
from reflectio.demo.models import CASES, answers
from reflectio.demo.run import run
from reflectio.demo.show import as_members
from reflectio.demo.timing import SAVERS, measure

SMALL = tuple(case for case in CASES if case.name == "diabetes")


def test_the_command_exits_with_0_when_all_models_predict_the_same_elsewhere(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "reflectio", "demo", "--folder", str(tmp_path), "--rounds", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["agrees"]
    assert [model["name"] for model in report["models"]] == [case.name for case in CASES]
    for model in report["models"]:
        assert "predict" in model["compared"]
        for document in model["documents"].values():
            assert document["agrees"]
            assert document["audit"]["ok"]
            assert Path(document["path"]).parent == tmp_path
            assert Path(document["path"]).stat().st_size == document["nbytes"]


def test_the_table_names_the_savers_and_the_start_of_a_document_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from reflectio.demo import show

    monkeypatch.setattr(show, "run", lambda *args, **options: run(*args, **options, cases=SMALL))
    assert show.main(tmp_path, rounds=1, as_json=False)
    printed = capsys.readouterr().out
    for expected in (
        "reflectio",
        "as JSON",
        "pickle 5",
        "joblib",
        "2 of 2",
        "diabetes.json begins",
        '"reflectio": 1',
    ):
        assert expected in printed


def test_without_a_folder_the_documents_stay_in_a_new_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from reflectio.demo import show

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(show, "run", lambda *args, **options: run(*args, **options, cases=SMALL))
    show.main(None, rounds=1, as_json=True)
    folder = Path(json.loads(capsys.readouterr().out)["folder"])
    assert folder.parent == tmp_path
    assert {path.name for path in folder.iterdir()} == {"diabetes.rfl", "diabetes.json"}


def _other_model(path: Path) -> None:
    model = reflectio.load(path)
    model.regressor_.learning_rate *= 2
    reflectio.dump(model, path)


def _no_document(path: Path) -> None:
    path.write_bytes(b"\x80\x05 no document")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_other_model, "another result of predict"),
        (_no_document, "DocumentError"),
        (Path.unlink, "FileNotFoundError"),
    ],
)
def test_a_document_that_predicts_otherwise_is_reported(tmp_path: Path, spoil, problem: str) -> None:
    def tell(step: str) -> None:
        if "second process" in step:
            spoil(tmp_path / "diabetes.rfl")

    report = run(tmp_path, rounds=1, tell=tell, cases=SMALL)
    documents = report.outcomes[0].documents
    assert not report.agrees
    assert problem in documents["binary"].problem
    assert documents["json"].agrees
    assert not as_members(report)["agrees"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_fitted_alike_each_time(case) -> None:
    assert answers(case.name, case.fit()) == answers(case.name, case.fit())


def test_the_wine_model_has_numbers_categories_and_text() -> None:
    (wine,) = (case for case in CASES if case.name == "wine")
    features = wine.fit().named_steps["features"]
    kinds = {type(transformer).__name__ for _, transformer, _ in features.transformers_}
    assert kinds == {"StandardScaler", "OneHotEncoder", "TfidfVectorizer"}


def test_sizes_are_those_of_the_bytes_and_times_were_taken() -> None:
    model = {"weights": [0.5] * 1000}
    figures = measure(model, rounds=2)
    for saver in SAVERS:
        assert figures[saver.name].nbytes == len(saver.dumps(model))
        assert figures[saver.name].dump_seconds > 0
        assert figures[saver.name].load_seconds > 0
