"""Verifying documents: what is a failure, what is a remark, and what the command says of either."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import xxhash
from command_line import run
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from typer.testing import CliRunner

import reflectio
from reflectio.cli import app

CHECKS = ["format", "digests", "names", "versions", "loading", "bytes"]
X = np.arange(400.0).reshape(100, 4)
y = np.arange(100) % 3

DOCUMENT = reflectio.dumps(
    make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)).fit(X, y),
    metadata={"about": "a test"},
)
LINE = LogisticRegression().fit(X, y)
SMALL = reflectio.dumps(LINE)
TEXT = reflectio.dumps(LINE, format="json").decode()


def outcomes(found: reflectio.Verification) -> dict[str, str]:
    """The checks that did not simply pass, and were reached."""
    return {
        finding.check: finding.outcome
        for finding in found.findings
        if finding.outcome not in ("passed", "not checked")
    }


def redigested(text: bytes) -> bytes:
    """A header without segment, its digest made anew."""
    body = text[: text.rindex(b'"digest"')]
    return body + b'"digest":"xxh3_128:%s"}' % xxhash.xxh3_128_hexdigest(body).encode()


class Restless:
    """An object that is another one each time that its state is asked for."""

    count = 0

    def __getstate__(self):
        return {"count": self.count + 1}

    def __setstate__(self, state):
        self.count = state["count"]


Restless.__module__ = __name__
RESTLESS = reflectio.Policy.default().extend(classes=[f"{__name__}.Restless"])


# -- what passes -----------------------------------------------------------------------------------------------


def test_a_document_as_it_was_dumped_passes_every_check() -> None:
    found = reflectio.verify(DOCUMENT)
    assert found.ok
    assert [(finding.check, finding.outcome) for finding in found.findings] == [
        (check, "passed") for check in CHECKS
    ]


@pytest.mark.parametrize("read", [bytes, bytearray, memoryview], ids=lambda read: read.__name__)
def test_bytes_of_any_kind_and_files_are_verified(read, tmp_path) -> None:
    path = tmp_path / "model.rfl"
    path.write_bytes(DOCUMENT)
    assert reflectio.verify(read(DOCUMENT)) == reflectio.verify(path) == reflectio.verify(str(path))


# -- remarks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "remarks", "path"),
    [
        (lambda text: text, {"digests"}, None),
        (lambda text: text.replace('"max_iter": 100', '"max_iter": 200'), {"digests"}, None),
        (lambda text: text.replace("  ", " "), {"digests", "bytes"}, ""),
        (lambda text: text.replace('"tol": 0.0001', '"tol": 1e-4'), {"digests", "bytes"}, ""),
        (
            lambda text: text.replace('"n_jobs": null', '"n_jobs": {"$": "tuple", "items": [], "$id": 7}'),
            {"digests", "bytes"},
            "$.model.n_jobs['$id']",
        ),
        (
            lambda text: text.replace('"python": "', '"python": "2.'),
            {"digests", "bytes"},
            "",
        ),
    ],
    ids=["as dumped", "another value", "spaces", "a number", "an id nobody refers to", "another Python"],
)
def test_text_has_no_digest_and_may_be_edited_which_is_a_remark(edit, remarks, path) -> None:
    found = reflectio.verify(edit(TEXT).encode())
    assert found.ok
    assert {finding.check for finding in found.remarks} == remarks
    assert path is None or found.remarks[-1].path == path


def test_a_deleted_digest_is_a_remark() -> None:
    edited = re.sub(rb',"digest":"[^"]*"', b"", SMALL)
    found = reflectio.verify(edited)
    assert found.ok
    assert outcomes(found) == {"digests": "remark", "bytes": "remark"}


def test_a_document_of_other_versions_is_a_remark() -> None:
    other = redigested(SMALL.replace(b'"scikit-learn":"', b'"scikit-learn":"9.'))
    found = reflectio.verify(other)
    assert found.ok
    assert outcomes(found) == {"versions": "remark", "bytes": "remark"}
    assert "scikit-learn 9." in found.remarks[0].message


def _compresses() -> bool:
    try:
        return bool(reflectio.dumps(1, compression="zlib"))
    except ValueError:
        return False


@pytest.mark.skipif(not _compresses(), reason="this version does not compress")
@pytest.mark.parametrize(
    ("compression", "expected"),
    [("zlib", {}), (("zlib", 1), {"bytes": "remark"})],
    ids=["default", "level 1"],
)
def test_the_level_of_compression_is_no_fault(compression, expected) -> None:
    document = reflectio.dumps(np.arange(10_000.0) % 7, compression=compression)
    found = reflectio.verify(document)
    assert found.ok
    assert outcomes(found) == expected


# -- failures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "check", "said"),
    [
        (b"", "format", "empty"),
        (b"\x80\x05K\x01.", "format", "pickle"),
        (DOCUMENT[:-1], "format", "truncated"),
        (DOCUMENT + b"\0", "format", "something follows"),
        (DOCUMENT[:-9] + b"\xff" + DOCUMENT[-8:], "digests", "segment does not match"),
        (DOCUMENT.replace(b"a test", b"a rest"), "digests", "header does not match"),
        (reflectio.dumps(FunctionTransformer(os.system)), "names", "os.system"),
        (redigested(SMALL.replace(b'"int32"', b'"intxx"')), "loading", "intxx"),
        (redigested(SMALL.replace(b'"max_iter"', b'"predict"')), "loading", "predict"),
        (
            redigested(SMALL.replace(b'"n_jobs":null', b'"n_jobs":{"$":"tuple","items":[],"$id":7}')),
            "bytes",
            "write other bytes",
        ),
        (redigested(SMALL.replace(b'"C":1.0', b'"C": 1.0')), "bytes", "write other bytes"),
    ],
    ids=[
        "empty",
        "a pickle",
        "cut",
        "with something behind",
        "segment",
        "header",
        "os.system",
        "dtype",
        "hidden method",
        "forged id",
        "forged space",
    ],
)
def test_what_is_wrong_with_a_document_is_a_failure_of_one_check(document, check, said) -> None:
    found = reflectio.verify(document)
    assert not found.ok
    (failure,) = found.failures
    assert failure.check == check
    assert said in failure.message
    assert [finding.check for finding in found.findings] == CHECKS


def test_an_object_that_changes_each_time_is_a_failure() -> None:
    found = reflectio.verify(reflectio.dumps(Restless()), policy=RESTLESS)
    (failure,) = found.failures
    assert (failure.check, failure.path) == ("bytes", "$.model.count")


def test_the_policy_says_what_fails(tmp_path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'extends = ["default"]\n[limits]\ndocument_bytes = 100\n[versions]\nmismatch = "error"\n'
    )
    assert outcomes(reflectio.verify(DOCUMENT, policy=policy)) == {"format": "failed"}
    policy.write_text('extends = ["default"]\n[versions]\nmismatch = "error"\n')
    other = redigested(SMALL.replace(b'"scikit-learn":"', b'"scikit-learn":"9.'))
    assert outcomes(reflectio.verify(other, policy=policy)) == {"versions": "failed"}
    assert outcomes(reflectio.verify(DOCUMENT, policy="strict")) == {"names": "failed"}


# -- the command -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, data in {
        "good.rfl": DOCUMENT,
        "text.json": TEXT.encode(),
        "cut.rfl": DOCUMENT[:-1],
        "escapes\x1b[31m.rfl": b'{"reflectio": "\x1b[31m"}',
    }.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["good.rfl"], 0, ["good.rfl: passes", "bytes     ok"]),
        (["good.rfl", "--policy", "strict"], 1, ["names", "FAILED"]),
        (["text.json"], 0, ["passes, with 1 remark"]),
        (["text.json", "--strict"], 1, ["has remarks"]),
        (["cut.rfl"], 1, ["format", "truncated"]),
        (["good.rfl", "c*.rfl", "text.json"], 1, ["2 of 3 documents pass."]),
        (["e*.rfl"], 1, [r"escapes\x1b[31m.rfl: fails"]),
        (["good.rfl", "--policy", "missing.toml"], 2, ["missing.toml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_the_command_gives_a_verdict_for_each_file(folder, arguments, status, said) -> None:
    result = run("verify", *arguments, cwd=folder)
    assert result.returncode == status
    for text in said:
        assert text in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "lines"),
    [
        (["good.rfl", "text.json"], 0, []),
        (["text.json", "--strict"], 1, ["text.json: has remarks", "   digests  remark"]),
        (["good.rfl", "cut.rfl"], 1, ["cut.rfl: fails", "   format  FAILED", "1 of 2 documents pass."]),
    ],
)
def test_a_quiet_report_says_what_failed_and_nothing_else(folder, arguments, status, lines) -> None:
    result = run("verify", "--quiet", *arguments, cwd=folder, width=200)
    assert (result.returncode, result.stderr) == (status, "")
    printed = [line for line in result.stdout.splitlines() if line]
    assert len(printed) == len(lines)
    assert all(each.startswith(line) for each, line in zip(printed, lines, strict=True))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_report_fits_the_width(folder, width) -> None:
    lines = (
        CliRunner()
        .invoke(app, ["verify", str(folder / "cut.rfl")], env={"COLUMNS": str(width), "TERM": "dumb"})
        .stdout.splitlines()
    )
    # The first line starts with a path, which stays in one piece.
    assert len(lines) > len(CHECKS)
    assert max(map(len, lines[1:])) <= width
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_document_may_come_from_standard_input() -> None:
    result = run("verify", "-", input=DOCUMENT, text=False)
    assert result.returncode == 0
    assert result.stdout.startswith(b"standard input: passes")


def test_the_report_for_programs_is_json(folder) -> None:
    result = run("verify", "good.rfl", "cut.rfl", "--json", cwd=folder)
    report = json.loads(result.stdout)
    assert (result.returncode, report["ok"], [file["ok"] for file in report["files"]]) == (
        1,
        False,
        [True, False],
    )
    assert [finding["check"] for finding in report["files"][1]["findings"]] == CHECKS
    assert report["files"][1]["findings"][0]["outcome"] == "failed"


def test_a_large_file_is_refused_by_its_size_without_being_read(tmp_path) -> None:
    with (tmp_path / "large.rfl").open("wb") as file:
        file.truncate(1 << 30)
    policy = tmp_path / "policy.toml"
    policy.write_text('extends = ["default"]\n[limits]\ndocument_bytes = "1 MiB"\n')
    result = run("verify", "large.rfl", "--policy", policy, cwd=tmp_path)
    assert result.returncode == 1
    assert "the policy's limit document_bytes" in " ".join(result.stdout.split())


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="this system has no users to change to")
def test_a_file_that_may_not_be_read_is_reported_and_the_others_are_verified(tmp_path) -> None:
    path, good = tmp_path / "secret.rfl", tmp_path / "good.rfl"
    path.write_bytes(DOCUMENT)
    good.write_bytes(DOCUMENT)
    path.chmod(0)
    # The superuser may read anything: the process becomes nobody, once all that it imports is there.
    program = f"""
import os, sys
from typer.testing import CliRunner
from reflectio.cli import app
CliRunner().invoke(app, ["verify", {str(good)!r}])
os.chdir({str(tmp_path)!r})
if os.getuid() == 0:
    os.chmod(".", 0o755)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
result = CliRunner().invoke(app, ["verify", "secret.rfl", "good.rfl"])
print(result.stdout)
sys.exit(result.exit_code)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 1
    assert (
        "secret.rfl: cannot be read\n  secret.rfl: Permission denied. Check the permissions" in result.stdout
    )
    assert "good.rfl: passes" in result.stdout
    assert "1 of 2 documents pass." in result.stdout
