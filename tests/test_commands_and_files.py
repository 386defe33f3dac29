"""Each command on each kind of file, as its users run it: with which status it ends, and what it says."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import orjson
import pytest
import xxhash
import zoo
from attacks.pickles import FILE_ATTACKS
from command_line import run, run_and_tell_peak, run_without_rights

import reflectio
from reflectio.header import ALGORITHM, DIGEST_FORM, digest_of

#: What the commands are given: FILE is the file that is tried, GOOD another one that is good.
COMMANDS = {
    "show": "show FILE",
    "audit": "audit FILE",
    "diff": "diff FILE GOOD",
    "convert": "convert FILE out.rfl",
    "verify": "verify FILE",
    "policy check": "policy check FILE",
    "policy suggest": "policy suggest FILE",
}

GIB = 1 << 30


def arguments(command: str, file: str) -> list[str]:
    """The command line for a file."""
    good = "good.toml" if command == "policy check" else "good.rfl"
    return [{"FILE": file, "GOOD": good}.get(word, word) for word in COMMANDS[command].split()]


def name_of(kind: str, command: str) -> str:
    """The file of a kind that a command is given: a policy or a model."""
    return f"{kind}.toml" if command == "policy check" else f"{kind}.rfl"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that other users can enter; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        path = Path(name)
        write_files(path)
        yield path


def write_files(folder: Path) -> None:
    model = {"model": zoo.fit(next(iter(zoo.combinations())))[0], "values": np.arange(1000.0)}
    good, policy = reflectio.dumps(model), b'extends = ["default"]\n'
    (folder / "good.rfl").write_bytes(good)
    (folder / "good.toml").write_bytes(policy)
    # Takes no time for importing scikit-learn.
    (folder / "plain.rfl").write_bytes(reflectio.dumps({"values": np.arange(1000.0)}))
    shutil.copy(folder / "good.toml", folder / "plain.toml")
    (folder / "hostile.rfl").write_bytes(reflectio.dumps({"\x1b[2J": os.system}))
    (folder / "hostile.toml").write_text(f"allow = {'[' * 100_000}")
    (folder / "damaged.rfl").write_bytes(good[: good.index(b"\0") // 2])
    (folder / "damaged.toml").write_bytes(policy[:-3])
    for kind in ("rfl", "toml"):
        (folder / f"empty.{kind}").write_bytes(b"")
        (folder / f"directory.{kind}").mkdir()
    write_gigabyte(folder / "gigabyte.rfl")
    os.link(folder / "gigabyte.rfl", folder / "gigabyte.toml")
    write_gigabyte_of_joblib(folder / "gigabyte.joblib")


def write_gigabyte(path: Path) -> None:
    """Write a document of a gigabyte of zeros, of which the disk holds nothing but the beginning."""
    digest, zeros = xxhash.xxh3_128(), bytes(1 << 24)
    for _ in range(GIB // len(zeros)):
        digest.update(zeros)
    header = orjson.loads(reflectio.dumps({"values": None}))
    header["model"]["values"] = {"$": "ndarray", "dtype": "float64", "shape": [GIB // 8], "at": 0}
    del header["digest"]
    header["segment"] = {"nbytes": GIB, ALGORITHM: digest.hexdigest()}
    text = orjson.dumps(header)[:-1] + b","
    text += DIGEST_FORM % (ALGORITHM.encode(), digest_of(memoryview(text)).encode())
    with path.open("wb") as file:
        file.write(text)
        file.truncate(len(text) + (-len(text) % 64 or 64) + GIB)


def write_gigabyte_of_joblib(path: Path) -> None:
    """Do the same with a file of joblib's, by changing the shape in one of a smaller array."""
    count, small = GIB // 8, 100_000
    joblib.dump(np.zeros(small), path)
    data = path.read_bytes()
    start = data.index(bytes(1000))
    beginning, end = data[:start], data[start:].lstrip(b"\0")
    shape = b"J" + small.to_bytes(4, "little")
    assert beginning.count(shape) == 1
    with path.open("wb") as file:
        file.write(beginning.replace(shape, b"J" + count.to_bytes(4, "little")))
        file.seek(len(beginning) + len(data) - start - len(end) - 8 * small + GIB)
        file.write(end)


#: Status, and what is said.
EXPECTED: dict[str, dict[str, tuple[int, str]]] = {
    "good": {
        "show": (0, "good.rfl dict of 2"),
        "audit": (0, "ok good.rfl (reflectio)"),
        "diff": (0, "no difference"),
        "convert": (0, "converted good.rfl (reflectio, "),
        "verify": (0, "good.rfl: passes"),
        "policy check": (0, "good.toml: valid"),
        "policy suggest": (0, '"sklearn.'),
    },
    "hostile": {
        "show": (0, r"\x1b[2J"),
        "audit": (1, r"refused callable os.system at $.model['\x1b[2J']"),
        "diff": (1, r"\x1b[2J"),
        "convert": (1, "No policy should allow os.system"),
        "verify": (1, "the policy refuses os.system"),
        "policy check": (1, "hostile.toml: its lists nest too deeply for a policy file"),
        "policy suggest": (1, "left out: os.system"),
    },
    "damaged": {
        "show": (1, "error: damaged.rfl: not a reflectio document, or truncated"),
        "audit": (1, "unreadable damaged.rfl not a reflectio document, or truncated"),
        "diff": (1, "error: damaged.rfl: not a reflectio document, or truncated"),
        "convert": (1, "error: not a reflectio document, or truncated"),
        "verify": (1, "FAILED not a reflectio document, or truncated"),
        "policy check": (1, "damaged.toml: not valid TOML"),
        "policy suggest": (1, "damaged.rfl cannot be read: not a reflectio document, or truncated"),
    },
    "missing": {
        **dict.fromkeys(COMMANDS, (2, "no such file")),
        "convert": (2, "'missing.rfl' does not exist"),
    },
    "directory": {
        **dict.fromkeys(COMMANDS, (2, "this is a directory; name files in it")),
        "convert": (2, "'directory.rfl' holds no file with the suffix of a model"),
    },
    "empty": {
        "show": (1, "error: empty.rfl: the document is empty"),
        "audit": (1, "unreadable empty.rfl the document is empty"),
        "diff": (1, "error: empty.rfl: the document is empty"),
        "convert": (1, "error: the file is empty"),
        "verify": (1, "FAILED the document is empty"),
        "policy check": (0, "empty.toml: valid It allows: classes 0"),
        "policy suggest": (1, "empty.rfl cannot be read: the document is empty"),
    },
    "full disk": dict.fromkeys(COMMANDS, (1, "the output cannot be written: No space left on device Free some")),
    "no permission": {
        "show": (1, "closed.rfl: Permission denied Check the permissions"),
        "audit": (1, "unreadable closed.rfl closed.rfl: Permission denied. Check the permissions"),
        "diff": (1, "error: closed.rfl: Permission denied Check the permissions"),
        "convert": (1, "error: closed.rfl: Permission denied Check the permissions"),
        "verify": (1, "closed.rfl: cannot be read closed.rfl: Permission denied. Check the permissions"),
        "policy check": (1, "closed.toml: the policy file cannot be read (Permission denied)"),
        "policy suggest": (1, "closed.rfl cannot be read: Permission denied"),
    },
    "gigabyte": {
        "show": (0, "1.07 GB all ~0, sampled"),
        "audit": (0, "ok gigabyte.rfl (reflectio)"),
        "diff": (1, "- gigabyte.rfl dict of 1 + good.rfl dict of 2"),
        "convert": (0, "would convert gigabyte.rfl (reflectio, 1,073,742,"),
        "verify": (0, "gigabyte.rfl: passes"),
        "policy check": (1, "a policy file has 16 MiB at most"),
        "policy suggest": (0, "# gigabyte.rfl [allow]"),
    },
}  # fmt: skip


def assert_ended(result: subprocess.CompletedProcess[str], kind: str, command: str) -> None:
    """Fail unless a command ended as it should on a kind of file."""
    status, said = EXPECTED[kind][command]
    shown = result.stdout + (result.stderr or "")
    words = " ".join(shown.replace("│", " ").split())
    assert result.returncode == status, shown
    assert said in words
    assert "Traceback" not in shown
    assert "\x1b" not in shown


def test_every_command_is_tried_on_every_kind_of_file() -> None:
    assert {kind: set(ends) for kind, ends in EXPECTED.items()} == {kind: set(COMMANDS) for kind in EXPECTED}


@pytest.mark.parametrize("kind", ["good", "hostile", "damaged", "missing", "directory", "empty"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_ends_with_its_status_and_says_why(folder: Path, command: str, kind: str) -> None:
    result = run(*arguments(command, name_of(kind, command)), cwd=folder, width=200)
    assert_ended(result, kind, command)
    written = folder / "out.rfl"
    assert written.exists() is ((command, kind) == ("convert", "good"))
    written.unlink(missing_ok=True)
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_report_that_finds_no_room_is_a_failure(folder: Path, command: str, tmp_path: Path) -> None:
    for name in ("plain.rfl", "plain.toml", "good.rfl"):
        shutil.copy(folder / name, tmp_path)
    name = name_of("plain", command)
    with open("/dev/full", "w") as full:
        result = run(
            *arguments(command, name), cwd=tmp_path, capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
    result.stdout = ""
    assert_ended(result, "full disk", command)
    assert result.stderr.count("No space left") == 1


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="this system has no users to change to")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_may_not_be_read_is_told_with_a_hint(folder: Path, command: str) -> None:
    name, plain = name_of("closed", command), name_of("plain", command)
    closed = folder / name
    closed.write_bytes(b"")
    closed.chmod(0)
    try:
        before = [*arguments(command, plain), *(["--check"] if command == "convert" else [])]
        result = run_without_rights(before, arguments(command, name), cwd=folder)
    finally:
        closed.unlink()
    assert_ended(result, "no permission", command)


#: How much memory a command may take for a file of a gigabyte, in multiples of it, beyond what the libraries take.
TIMES = {"convert": 2, "verify": 2}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of its memory from /proc")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_of_a_gigabyte_is_read_as_far_as_it_has_to_be(folder: Path, command: str) -> None:
    checked = ["--check"] if command == "convert" else []
    result, peak = run_and_tell_peak(
        *arguments(command, name_of("gigabyte", command)), *checked, cwd=folder, width=200
    )
    assert_ended(result, "gigabyte", command)
    assert peak < TIMES.get(command, 0) * GIB + 300_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of its memory from /proc")
def test_a_joblib_file_of_a_gigabyte_is_audited(folder: Path) -> None:
    result, peak = run_and_tell_peak("audit", "gigabyte.joblib", cwd=folder)
    assert result.stdout.startswith("ok  gigabyte.joblib  (joblib)")
    assert peak < GIB + 300_000_000


# -- standard input without an end ------------------------------------------------------------------------------

#: How what comes begins, and what it goes on with.
ENDLESS = {
    "zeros": (b"", bytes(1 << 16)),
    "noise": (b"", b"\xfe" * (1 << 16)),
    "a pickle, then zeros": (pickle.dumps([1])[:-1], bytes(1 << 16)),
    "a whole pickle, then more": (pickle.dumps([1]), pickle.dumps([1]) * 1000),
    "a document, then zeros": (reflectio.dumps(np.zeros(100)), bytes(1 << 16)),
}

READERS = [
    (command, kind)
    for command, kinds in {
        **dict.fromkeys(
            ["show -", "diff - good.rfl", "verify -"], ("zeros", "noise", "a document, then zeros")
        ),
        **dict.fromkeys(["audit -", "convert - out.rfl", "policy suggest -"], tuple(ENDLESS)),
    }.items()
    for kind in kinds
]


@pytest.mark.parametrize(("command", "kind"), READERS)
def test_standard_input_without_an_end_is_left_early(folder: Path, command: str, kind: str) -> None:
    first, more = ENDLESS[kind]
    with subprocess.Popen(
        [sys.executable, "-m", "reflectio", *command.split()],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        written = 0

        def write() -> None:
            nonlocal written
            piece = first + more
            try:
                while written < 1 << 26:
                    written += child.stdin.write(piece)
                    piece = more
            except OSError:
                pass  # nobody reads it any more

        writer = threading.Thread(target=write)
        writer.start()
        out, err = child.stdout.read(), child.stderr.read()
        status = child.wait(60)
        writer.join()
    assert written < 1 << 26
    assert b"Traceback" not in err
    assert not (folder / "out.rfl").exists()
    assert status == 1, (out, err)


@pytest.mark.parametrize("command", ["audit PIPE", "convert PIPE out.rfl", "policy suggest PIPE"])
@pytest.mark.parametrize("kind", ENDLESS)
def test_a_pipe_or_device_without_an_end_is_left_early(folder: Path, command: str, kind: str) -> None:
    first, more = ENDLESS[kind]
    path = folder / "endless.fifo"
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    written = 0

    def write() -> None:
        nonlocal written
        try:
            with path.open("wb", buffering=0) as pipe:
                written += pipe.write(first)
                while written < 1 << 26:
                    written += pipe.write(more)
        except BrokenPipeError:
            pass  # nobody reads it any more

    writer = threading.Thread(target=write)
    writer.start()
    result = run(*command.replace("PIPE", path.name).split(), cwd=folder)
    writer.join()
    assert written < 1 << 26
    assert not (folder / "out.rfl").exists()
    assert "Traceback" not in result.stderr
    # Of a document, no more than the header is read to audit it.
    assert result.returncode == (kind == "a document, then zeros" and not command.startswith("convert")) ^ 1


def test_a_long_pickle_on_standard_input_is_read_to_its_end(folder: Path) -> None:
    model = {"values": np.arange(3_000_000.0), "attack": None}
    result = run("convert", "-", "out.rfl", "--check", cwd=folder, input=pickle.dumps(model), text=False)
    assert result.returncode == 0, result.stderr
    evil = next(attack for attack in FILE_ATTACKS if attack.id == "__reduce__").make()
    result = run("audit", "-", cwd=folder, input=pickle.dumps(model)[:-1] + evil, text=False)
    assert result.returncode == 1
    assert b"posix.system" in result.stdout


def test_a_long_document_on_standard_input_is_read_to_its_end(folder: Path) -> None:
    document: Any = reflectio.dumps([np.arange(1_000_000.0), "x" * 3_000_000])
    assert run("verify", "-", cwd=folder, input=document, text=False).returncode == 0
    cut = run("verify", "-", cwd=folder, input=document[:-1], text=False)
    assert (cut.returncode, b"truncated" in cut.stdout) == (1, True)
