"""The README: its code runs, its commands exist, its links lead somewhere, and its table of nodes is complete."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shlex
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import reflectio.codecs
from reflectio.header import MEMBERS

CHECKOUT = Path(__file__).parent.parent
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")

_BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \|(.*?)\|", re.MULTILINE)
_MEMBER = re.compile(r"`(\w+)`(\??)")

# What the README's commands start with besides what this project and its tools install.
_GIVEN = {"python3", "python"}


def blocks(language: str) -> list[str]:
    return [text for found, _, text in _BLOCK.findall(README) if found == language]


def test_the_code_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("REFLECTIO_POLICY", raising=False)
    for _, name, text in _BLOCK.findall(README):
        if name:
            (tmp_path / name).write_text(text, encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": "readme"}
    programs = [text for language, name, text in _BLOCK.findall(README) if language == "python" and not name]
    assert len(programs) >= 8
    try:
        for program in programs:
            exec(compile(program, "README.md", "exec"), namespace)
    finally:
        sys.modules.pop("acme", None)
    assert '"acme.Clip"' in capsys.readouterr().out


def _commands(line: str) -> list[list[str]]:
    words = shlex.split(line)
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "&&":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


@pytest.mark.parametrize("line", [line for text in blocks("bash") for line in text.splitlines()])
def test_the_commands_exist(line: str) -> None:
    # The tools of the extra `dev` are not installed where only the tests are run.
    scripts = {script.name for script in metadata.entry_points(group="console_scripts")}
    scripts |= {"ruff", "mypy", "pip", "python"}
    for command, *arguments in _commands(line):
        if command not in _GIVEN:
            assert command.startswith(".venv/bin/")
            assert command.removeprefix(".venv/bin/") in scripts
        if arguments[:1] == ["-m"]:
            assert importlib.util.find_spec(arguments[1]) is not None
        if "demo" in arguments:
            from reflectio.cli import app

            assert "demo" in {command.callback.__name__ for command in app.registered_commands}


def test_the_extras_of_the_commands_are_those_of_the_package() -> None:
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    used = set(re.findall(r'"\.\[(\w+)\]"', README))
    assert used
    assert used <= declared.keys()


def test_the_checks_of_the_project_run_the_command_for_tests() -> None:
    script = (CHECKOUT / ".ci" / "run").read_text()
    assert "python -m pytest -n auto" in README
    assert '"$bin/python" -m pytest -n' in script


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_links_lead_to_files(target: str) -> None:
    assert (CHECKOUT / target).exists()


def test_the_table_of_nodes_has_every_codec_with_its_members() -> None:
    section = README[README.index("### Nodes") : README.index("### Arrays")]
    described = {
        tag: (
            {name for name, missing in _MEMBER.findall(members) if not missing},
            {name for name, _ in _MEMBER.findall(members)},
        )
        for tag, members in _ROW.findall(section)
    }
    written = {}
    for module in pkgutil.iter_modules(reflectio.codecs.__path__):
        for codec in getattr(importlib.import_module(f"reflectio.codecs.{module.name}"), "CODECS", ()):
            if codec.tag is not None:
                written[codec.tag] = (set(codec.required), set(codec.members))
    assert described == written


def test_the_table_of_the_header_has_every_member_in_order() -> None:
    section = README[README.index("### Header") : README.index("### Nodes")]
    assert tuple(tag for tag, _ in _ROW.findall(section)) == MEMBERS


@pytest.mark.parametrize("text", blocks("toml"))
def test_policy_files_are_valid(text: str, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    assert reflectio.Policy.from_file(tmp_path / "policy.toml").limits.document_bytes == 2 * 2**30


def test_the_policy_file_is_what_the_code_beside_it_needs(tmp_path: Path) -> None:
    (text,) = (text for _, file, text in _BLOCK.findall(README) if file == "policy.toml")
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    policy = reflectio.Policy.from_file(tmp_path / "policy.toml")
    assert policy.allows("class", "acme.Clip")
    assert not policy.allows("class", "sklearn.preprocessing.FunctionTransformer")
    assert policy.limits.document_bytes == 2 * 2**30
