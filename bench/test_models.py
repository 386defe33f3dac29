"""Larger models with pytest-benchmark, in memory: binary, JSON, compressed, and many tiny ones."""

from __future__ import annotations

from typing import Any

import pytest

from bench.groups.compression import savers as compressing_savers
from bench.savers import Saver, installed, json_saver
from bench.subjects import LARGE, SMALL, many, subject

_ALL = installed()[0]

# Where everyone is asked; of the larger ones, those who would take minutes are not.
CASES = [
    pytest.param(name, saver, id=f"{name}-{saver.name}")
    for name in SMALL + LARGE
    for saver in _ALL
    if name in SMALL or not saver.slow
]
JSON_CASES = [
    pytest.param(name, saver, id=f"{name}-{saver.name}")
    for name in (*SMALL, "gradient boosting of 300")
    for saver in (json_saver(), *(saver for saver in _ALL if saver.name == "pymilo"))
]
COMPRESSING = compressing_savers()[0]
COUNTS = (10, 10_000)


def _model(name: str, benchmark: Any) -> Any:
    if benchmark.disabled and name == "270 MB forest":
        pytest.skip("takes seconds to train, which only measuring is worth")
    return subject(name)


@pytest.mark.parametrize(("name", "saver"), CASES)
def test_dumps(benchmark: Any, name: str, saver: Saver) -> None:
    benchmark.group = f"{name}, dumps"
    benchmark.extra_info["bytes"] = len(benchmark(saver.dumps, _model(name, benchmark)))
    assert benchmark.extra_info["bytes"]


@pytest.mark.parametrize(("name", "saver"), CASES)
def test_loads(benchmark: Any, name: str, saver: Saver) -> None:
    benchmark.group = f"{name}, loads"
    model = _model(name, benchmark)
    assert type(benchmark(saver.loads, saver.dumps(model))) is type(model)


@pytest.mark.parametrize(("name", "saver"), JSON_CASES)
def test_dumps_json(benchmark: Any, name: str, saver: Saver) -> None:
    benchmark.group = f"{name}, dumps JSON"
    assert benchmark(saver.dumps, subject(name)).startswith(b"{")


@pytest.mark.parametrize(("name", "saver"), JSON_CASES)
def test_loads_json(benchmark: Any, name: str, saver: Saver) -> None:
    benchmark.group = f"{name}, loads JSON"
    model = subject(name)
    assert type(benchmark(saver.loads, saver.dumps(model))) is type(model)


@pytest.mark.parametrize("saver", COMPRESSING, ids=lambda saver: saver.name)
def test_dumps_compressed(benchmark: Any, saver: Saver) -> None:
    benchmark.group = "100 deep trees, dumps compressed"
    benchmark.extra_info["bytes"] = len(benchmark(saver.dumps, subject("100 deep trees")))
    assert benchmark.extra_info["bytes"]


@pytest.mark.parametrize("saver", COMPRESSING, ids=lambda saver: saver.name)
def test_loads_compressed(benchmark: Any, saver: Saver) -> None:
    benchmark.group = "100 deep trees, loads compressed"
    model = subject("100 deep trees")
    assert type(benchmark(saver.loads, saver.dumps(model))) is type(model)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("saver", [saver for saver in _ALL if not saver.slow], ids=lambda saver: saver.name)
def test_loads_many_tiny_estimators(benchmark: Any, saver: Saver, count: int) -> None:
    benchmark.group = f"{count} tiny estimators, loads"
    assert len(benchmark(saver.loads, saver.dumps(many(count)))) == count
