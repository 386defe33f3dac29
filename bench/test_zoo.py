"""The zoo with pytest-benchmark: as a whole for each saver, and each estimator for reflectio."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import reflectio
from bench.savers import Saver, installed
from bench.subjects import zoo, zoo_names

SAVERS = [pytest.param(saver, id=saver.name) for saver in installed()[0]]


@cache
def _models() -> dict[str, Any]:
    return dict(zoo())


def _saved(saver: Saver) -> dict[str, bytes]:
    saved = {}
    for name, model in _models().items():
        # PyMilo saves half of them; what is compared is a version of a saver with another version of it.
        try:
            saved[name] = saver.dumps(model)
            saver.loads(saved[name])
        except Exception:
            saved.pop(name, None)
    return saved


@pytest.mark.parametrize("saver", SAVERS)
def test_dumps_the_zoo(benchmark: Any, saver: Saver) -> None:
    benchmark.group = "zoo, dumps"
    saved = _saved(saver)
    benchmark.extra_info["models"] = len(saved)
    models = [model for name, model in _models().items() if name in saved]
    assert all(benchmark(lambda: [saver.dumps(model) for model in models]))


@pytest.mark.parametrize("saver", SAVERS)
def test_loads_the_zoo(benchmark: Any, saver: Saver) -> None:
    benchmark.group = "zoo, loads"
    saved = _saved(saver)
    benchmark.extra_info |= {"models": len(saved), "bytes": sum(map(len, saved.values()))}
    loaded = benchmark(lambda: [saver.loads(data) for data in saved.values()])
    assert [type(model) for model in loaded] == [type(_models()[name]) for name in saved]


@pytest.mark.benchmark(group="zoo, dumps each", max_time=0.05)
@pytest.mark.parametrize("name", zoo_names())
def test_dumps(benchmark: Any, name: str) -> None:
    document = benchmark(reflectio.dumps, _models()[name])
    benchmark.extra_info["bytes"] = len(document)
    assert document


@pytest.mark.benchmark(group="zoo, loads each", max_time=0.05)
@pytest.mark.parametrize("name", zoo_names())
def test_loads(benchmark: Any, name: str) -> None:
    model = _models()[name]
    assert type(benchmark(reflectio.loads, reflectio.dumps(model))) is type(model)
