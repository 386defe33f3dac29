"""Loading with each check, and without it: ``pytest bench/test_checks.py``, or ``python -m bench.checks`` for ratios."""

from __future__ import annotations

from typing import Any

import pytest

import reflectio
from bench.checks import CASES, alarmed, document, without
from tests.validators import validators

LEFT_OUT = [name for name, case in CASES.items() if case.without]


def test_every_validator_has_a_benchmark() -> None:
    measured = {validator for case in CASES.values() for validator in case.validators.split()}
    assert validators() - measured == set(), "add a case to bench/checks.py"


@pytest.mark.parametrize(
    ("name", "check"), [(name, check) for name in LEFT_OUT for check in CASES[name].without.split()]
)
def test_what_is_left_out_would_be_called(name: str, check: str) -> None:
    written = document(name)  # what is written is checked, too
    with (
        alarmed(check),
        pytest.raises((reflectio.ReflectioError, AssertionError), match="the check was called"),
    ):
        reflectio.loads(written)


@pytest.mark.parametrize("name", CASES)
def test_with_the_check(benchmark: Any, name: str) -> None:
    benchmark.group = f"check: {name}"
    assert benchmark(reflectio.loads, document(name)) is not None


@pytest.mark.parametrize("name", LEFT_OUT)
def test_without_the_check(benchmark: Any, name: str) -> None:
    benchmark.group = f"check: {name}"
    written = document(name)
    with without(CASES[name].without):
        assert benchmark(reflectio.loads, written) is not None
