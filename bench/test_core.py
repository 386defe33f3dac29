"""Dumping and loading whole models, beside other libraries: ``pytest bench``, or ``python -m bench`` for ratios."""

from __future__ import annotations

from typing import Any

import pytest

from bench.savers import SAVERS
from bench.subjects import SUBJECTS, subject
from reflectio.demo.timing import Saver

# PyMilo writes 80 MB as text, which takes half a minute; `python -m bench` waits for it once.
CASES = [
    pytest.param(name, saver, id=f"{name}-{saver.name}")
    for name in SUBJECTS
    for saver in SAVERS
    if (name, saver.name) != ("80 MB of neighbours", "pymilo")
]


@pytest.mark.parametrize(("name", "saver"), CASES)
def test_dumps(benchmark: Any, name: str, saver: Saver) -> None:
    benchmark.group = f"dumps {name}"
    assert benchmark(saver.dumps, subject(name))


@pytest.mark.parametrize(("name", "saver"), CASES)
def test_loads(benchmark: Any, name: str, saver: Saver) -> None:
    benchmark.group = f"loads {name}"
    model = subject(name)
    assert type(benchmark(saver.loads, saver.dumps(model))) is type(model)
