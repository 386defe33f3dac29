"""Pickle, joblib and skops files made to do harm: what becomes of each that is audited, or converted."""

from __future__ import annotations

import pytest
from file_attacks import ATTACKS, outcomes

_SECONDS, _MEGABYTES = 2, 500

EACH = pytest.mark.parametrize("attack", [ATTACKS[name] for name in sorted(ATTACKS)], ids=sorted(ATTACKS))
EACH_WAY = pytest.mark.parametrize("way", ["audit", "convert"])


def test_there_are_hundreds_of_hostile_files_each_with_its_aim():
    assert len(ATTACKS) >= 300
    assert all(attack.tries for attack in ATTACKS.values())


@EACH_WAY
@EACH
def test_nothing_of_a_hostile_file_is_run_or_imported(attack, way):
    outcome = outcomes(way)[attack.id]
    assert not outcome["ran"]
    assert outcome["events"] == outcome["modules"] == []


@EACH_WAY
@EACH
def test_a_hostile_file_costs_little(attack, way):
    outcome = outcomes(way)[attack.id]
    assert outcome["seconds"] < _SECONDS
    assert outcome["megabytes"] < _MEGABYTES
    # Address space is limited meanwhile: what it asks for is to be counted, and not to end there.
    assert "not enough memory" not in outcome["message"]


@EACH
def test_a_hostile_file_is_not_converted(attack):
    outcome = outcomes("convert")[attack.id]
    if attack.harmless:
        assert outcome["written"]
        return
    assert outcome["reflectio"], (outcome["error"], outcome["message"])
    assert 10 < outcome["length"] < 100_000
    assert not outcome["written"]
    assert outcome["left"] == []


@EACH
def test_an_audit_refuses_a_hostile_file_unless_only_its_state_is_forged(attack):
    outcome = outcomes("audit")[attack.id]
    if outcome["error"]:
        assert outcome["reflectio"], (outcome["error"], outcome["message"])
        assert not attack.audit_ok
    else:
        assert outcome["ok"] == attack.audit_ok, outcome["names"]


@EACH
def test_an_audit_shows_what_a_hostile_file_would_call(attack):
    outcome = outcomes("audit")[attack.id]
    if attack.named:
        assert attack.named in outcome["names"]
    if not outcome["error"] and not outcome["ok"]:
        # There is something to say of it: a name and what to do, or a problem.
        assert outcome["advice"] or outcome["problems"]
