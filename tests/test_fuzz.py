"""Short runs of the fuzzers, and proof that they attack every validator; the long runs are a command of their own."""

from __future__ import annotations

from collections import Counter

import pytest
from fuzz.__main__ import ZOO, fuzz
from fuzz.target import refusers
from fuzz.targets import TARGETS
from validators import validators

import reflectio

ATTACKS = [
    pytest.param(target, number, id=f"{target.name}-{attack.validators or attack.subjects or attack.fields}")
    for target in TARGETS.values()
    for number, attack in enumerate(target.attacks)
    if attack.validators
]
MOST_TRIES = 600


def test_every_validator_has_a_fuzzer():
    attacked = {
        name.rstrip("?")
        for target in TARGETS.values()
        for attack in target.attacks
        for name in attack.validators.split()
    }
    assert validators() - attacked == set(), "add an attack to a target in tests/fuzz/targets"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("target", "number"), ATTACKS)
def test_an_attack_gets_as_far_as_the_validators_that_it_names(target, number):
    unseen = {name for name in target.attacks[number].validators.split() if not name.endswith("?")}
    tries = iter(range(MOST_TRIES))
    while unseen and (seed := next(tries, None)) is not None:
        _, _, document = target.case(number, seed)
        try:
            reflectio.loads(document)
        except reflectio.ValidationError as error:
            unseen -= refusers(error)
        except reflectio.ReflectioError:
            continue
    assert not unseen


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("target", "name"),
    [pytest.param(t, name, id=f"{t.name}-{name}") for t in TARGETS.values() for name in t.subjects],
)
def test_what_is_forged_is_valid_before(target, name):
    assert reflectio.loads(target.document(name)) is not None


@pytest.mark.parametrize(("targets", "cases"), [([ZOO], 600), (list(TARGETS), 600)], ids=["zoo", "targets"])
def test_forged_documents_are_refused_or_harmless(targets, cases):
    report = fuzz(targets, cases, seed=7)
    assert report.failures == []
    total = sum(report.outcomes.values(), Counter())
    assert total["refused"] + total["used"] + total["SLOW"] == cases
    # A fuzzer whose documents are all refused, or all accepted, looks at nothing.
    assert min(total["refused"], total["used"]) > 100
