"""Files, mapped loads, memory and new processes with pytest-benchmark."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.groups.file import dump_to, load_from
from bench.groups.memory import prepare
from bench.memory import Processes
from bench.savers import Saver, installed
from bench.subjects import subject

NAME = "80 MB of neighbours"
SAVERS = [pytest.param(saver, id=saver.name) for saver in installed()[0] if not saver.slow]
MAPPING = [pytest.param(saver, id=saver.name) for saver in installed()[0] if saver.load_mapped]
COMMANDS = {
    "import reflectio": ["-c", "import reflectio"],
    "import sklearn": ["-c", "import sklearn.linear_model"],
    "reflectio --help": ["-m", "reflectio", "--help"],
}


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes() as running:
        yield running


@pytest.mark.benchmark(group=f"{NAME}, dump")
@pytest.mark.parametrize("saver", SAVERS)
def test_dump(benchmark: Any, saver: Saver, tmp_path: Path) -> None:
    path = tmp_path / "model"
    benchmark(dump_to, saver, subject(NAME), path)
    assert path.stat().st_size > 80e6


@pytest.mark.benchmark(group=f"{NAME}, load")
@pytest.mark.parametrize("saver", SAVERS)
def test_load(benchmark: Any, saver: Saver, tmp_path: Path) -> None:
    path = tmp_path / "model"
    dump_to(saver, subject(NAME), path)
    assert type(benchmark(load_from, saver, path)) is type(subject(NAME))


@pytest.mark.benchmark(group=f"{NAME}, load mapped")
@pytest.mark.parametrize("saver", MAPPING)
def test_load_mapped(benchmark: Any, saver: Saver, tmp_path: Path) -> None:
    assert saver.load_mapped is not None
    path = tmp_path / "model"
    dump_to(saver, subject(NAME), path)
    assert type(benchmark(saver.load_mapped, path)) is type(subject(NAME))


@pytest.mark.benchmark(group=f"{NAME}, in a process of its own, with the peak of memory")
@pytest.mark.parametrize("task", ["dump", "load"])
@pytest.mark.parametrize("saver", SAVERS)
def test_peak(benchmark: Any, saver: Saver, task: str, tmp_path: Path, processes: Processes) -> None:
    pickled, _ = prepare(subject(NAME), tmp_path)
    file = tmp_path / "model"
    dump_to(saver, subject(NAME), file)
    grown = benchmark.pedantic(processes.growth, (task, saver.name, pickled, file, NAME), rounds=1)
    benchmark.extra_info["peak_bytes"] = grown.peak
    assert grown.peak > 80e6 or task == "dump"


@pytest.mark.benchmark(group="start-up", min_rounds=3)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_start(benchmark: Any, command: list[str]) -> None:
    run = benchmark(subprocess.run, [sys.executable, *command], capture_output=True, check=True)
    assert run.returncode == 0
