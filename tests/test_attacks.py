"""Every attack of the catalogue is refused, quickly, and runs nothing."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attacks.attack import TRIPWIRE
from attacks.catalogue import CATALOGUE, KINDS

_TESTS = Path(__file__).parent
_KIND_OF = {attack.id: kind for kind, attacks in KINDS.items() for attack in attacks}

# Attacks by white space, by digests, or by what is said of the segment: none once a document is in the form that reflectio
# writes.
HARMLESS_AS_WRITTEN = {
    *(f"segment-length-{kind}" for kind in ("float", "large", "negative", "small", "text")),
    *("segment-description-unknown", "segment-digest-type", "segment-padding-nonzero"),
    *("text-digest-far", "text-digest-weak", "text-leading-newline", "text-leading-space"),
}

_SECONDS = 2
_MEGABYTES = 500
_MESSAGE = 1_000_000


@functools.cache
def outcomes(kind: str, form: str = "as it is") -> dict[str, dict[str, Any]]:
    """What became of each attack of a kind, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-m", "attacks.run", kind, form],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_TESTS), os.environ.get("PYTHONPATH", "")])},
    )
    found = {outcome["id"]: outcome for outcome in map(json.loads, ran.stdout.splitlines())}
    if ran.returncode:
        # The attack after the last that was reported ended the process.
        culprit = next(attack.id for attack in KINDS[kind] if attack.id not in found)
        found[culprit] = {"error": f"the process ended ({ran.returncode})", "message": ran.stderr[-2000:]}
    return found


@pytest.fixture(params=sorted(CATALOGUE))
def attack(request):
    return CATALOGUE[request.param]


@pytest.fixture
def outcome(attack):
    found = outcomes(_KIND_OF[attack.id])
    if attack.id not in found:
        pytest.fail("an earlier attack ended the process")
    return found[attack.id]


def test_the_catalogue_has_hundreds_of_attacks_each_with_its_aim_and_source():
    assert len(CATALOGUE) >= 200
    assert all(attack.tries and attack.source for attack in CATALOGUE.values())


def test_it_is_refused_with_the_right_error_and_a_clear_message(attack, outcome):
    assert outcome["error"] in attack.error.split("|"), outcome["message"]
    assert outcome["says"], outcome["message"]
    assert 10 < outcome["length"] < _MESSAGE


def test_it_is_refused_in_the_form_that_reflectio_writes(attack, outcome):
    written = outcomes(_KIND_OF[attack.id], "as written").get(attack.id)
    if written is None:
        pytest.fail("an earlier attack ended the process")
    # Nothing passes that would be refused where the document is first parsed, and then built, and it is refused for the same
    # reason: but that memory, and the depth of calls, may end sooner or later.
    error, message = written["otherwise"]
    if written["error"] == "LimitError" or {written["error"], error} == set(attack.error.split("|")) - {
        "ValidationError"
    }:
        assert error in attack.error.split("|")
    else:
        assert [written["error"], written["message"]] == [error, message]
    if written["error"] == "NoneType":
        assert attack.error == "IntegrityError" or attack.id in HARMLESS_AS_WRITTEN
    assert written["events"] == written["modules"] == []
    assert written["seconds"] < _SECONDS
    assert written["megabytes"] < _MEGABYTES


def test_it_is_refused_quickly_and_in_little_memory(outcome):
    assert outcome["seconds"] < _SECONDS
    assert outcome["audit"]["seconds"] < _SECONDS
    assert outcome["megabytes"] < _MEGABYTES
    # Address space is limited while it is loaded: it must not even have asked for more.
    assert "Unable to allocate" not in outcome["message"]


def test_it_runs_opens_and_imports_nothing(outcome):
    assert outcome["events"] == outcome["modules"] == []
    assert outcome["audit"]["events"] == outcome["audit"]["modules"] == []
    assert TRIPWIRE not in str(outcome["modules"])


def test_audit_says_of_its_names_what_loading_does(attack, outcome):
    audit = outcome["audit"]
    if audit["error"]:
        assert audit["error"] == outcome["error"]
    elif audit["format"] != "reflectio":
        # A pickle can be audited; it is no document.
        assert outcome["error"] == "DocumentError"
    elif attack.policy:
        # What a pattern covers is told only when it is imported, which an audit does not do.
        assert audit["ok"] or outcome["error"] == "UntrustedNameError"
    else:
        assert audit["ok"] == (outcome["error"] != "UntrustedNameError")


def test_the_watch_itself_notices_what_code_does(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from attacks.watch import Watcher\n"
        "import os, subprocess\n"
        "watcher = Watcher(500)\n"
        "with watcher.watch() as watch:\n"
        "    open(sys.argv[2], 'w').close(); os.system('true'); eval('1'); subprocess.run(['true'])\n"
        "    import colorsys\n"
        "print(watch.modules, [event.split()[0] for event in watch.events])\n"
        "with watcher.watch() as watch:\n"
        "    held = bytearray(100 << 20)\n"
        "print(watch.megabytes > 90)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(_TESTS), str(tmp_path / "file")],
        capture_output=True,
        text=True,
        check=True,
    )
    events, memory = ran.stdout.splitlines()
    for word in ("colorsys", "open", "os.system", "compile", "exec", "subprocess.Popen", "import"):
        assert repr(word) in events
    assert memory == "True"
