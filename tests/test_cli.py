"""The command line: what it prints, its exit status, and that help and mistakes wait for no large import."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest
from typer.testing import CliRunner

import reflectio
from reflectio.cli import app


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reflectio", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"reflectio {reflectio.__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_the_commands(flag: str) -> None:
    result = CliRunner().invoke(app, [flag])
    assert result.exit_code == 0
    assert "demo" in result.stdout


def test_the_installed_command_is_the_same_program() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="reflectio")
    assert script.load() is reflectio.cli.main


@pytest.mark.parametrize(
    "arguments",
    [["nothing-of-the-kind"], ["demo", "--rounds", "0"], ["demo", "--rounds", "many"], ["demo", "--unknown"]],
    ids=" ".join,
)
def test_a_mistake_has_exit_status_2_and_an_explanation(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert arguments[-1] in result.stderr or arguments[-2] in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["demo", "--help"], ["demo", "--rounds", "0"]], ids=" ".join
)
def test_help_and_mistakes_import_no_large_library(arguments: list[str]) -> None:
    program = (
        "import sys, reflectio.cli\n"
        f"sys.argv = ['reflectio', *{arguments!r}]\n"
        "try:\n    reflectio.cli.main()\n"
        "except SystemExit:\n    pass\n"
        "print('imported:', sorted({'sklearn', 'scipy', 'pandas', 'joblib'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout.splitlines()[-1] == "imported: []"


def test_a_folder_that_cannot_be_made_is_reported_without_a_traceback(tmp_path) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = run("demo", "--folder", str(tmp_path / "file" / "below"))
    assert result.returncode == 1
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr
