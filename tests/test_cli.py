"""The command line: what all commands share, its exit statuses, and that help and mistakes wait for no large import."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import pytest
import typer
from command_line import run, run_in_terminal
from typer.main import get_command
from typer.testing import CliRunner

import reflectio
from reflectio.cli import app
from reflectio.cli.console import Console, literal, printable, printable_lines
from reflectio.cli.files import expand, source
from reflectio.cli.status import explain, reported
from reflectio.policy import Limits


def _commands(group, *names):
    """Every command of a group, by the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, *names, name)
        else:
            yield (*names, name), command


COMMANDS = dict(_commands(get_command(app)))


# -- help and version ------------------------------------------------------------------------------------------


def test_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"reflectio {reflectio.__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_the_commands(flag: str) -> None:
    result = CliRunner().invoke(app, [flag])
    assert result.exit_code == 0
    assert {words[0] for words in COMMANDS} <= set(result.stdout.split())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_a_manual(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    status = result.stdout.partition(" Exit status\n")[2].partition(" Examples\n")
    assert [line.split()[0] for line in status[0].splitlines() if line.strip()] == ["0", "1", "2"]
    assert f"  reflectio {' '.join(words)}" in status[2]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_is_described(words: tuple[str, ...]) -> None:
    described = {parameter.name: parameter.help for parameter in COMMANDS[words].params}
    assert [name for name, text in described.items() if not text] == []


_CALL = re.compile(r"\breflectio (?P<called>[a-z]+(?: [a-z]+)?)(?P<rest>[^|\n]*)")
README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
README_LINES = [
    line
    for block in re.findall(r"^```(?:sh|yaml)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if _CALL.search(line)
]


def unknown_parts(line: str) -> set[str]:
    """What a line that calls this program says and there is not: its command, or options of it."""
    call = _CALL.search(line)
    assert call is not None
    words = call["called"].split()
    command = COMMANDS.get(tuple(words)) or COMMANDS.get((words[0],))
    if command is None:
        return {call["called"]}
    known = {"--help"}.union(*(parameter.opts + parameter.secondary_opts for parameter in command.params))
    return set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", call["rest"])) - known


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_examples_of_a_manual_use_commands_and_options_that_there_are(words: tuple[str, ...]) -> None:
    manual = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "120"}).stdout
    examples = [
        line
        for line in manual.partition(" Examples\n")[2].splitlines()
        if line.startswith(" " * 6) and _CALL.search(line)
    ]
    assert examples
    assert [unknown_parts(line) for line in examples] == [set()] * len(examples)


@pytest.mark.parametrize("line", README_LINES)
def test_the_commands_of_the_readme_use_commands_and_options_that_there_are(line: str) -> None:
    assert unknown_parts(line) == set()


def test_the_installed_command_is_the_same_program() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="reflectio")
    assert script.load() is reflectio.cli.main


def test_a_shell_completes_the_commands() -> None:
    result = run(
        env={"_REFLECTIO_COMPLETE": "complete_bash", "COMP_WORDS": "reflectio de", "COMP_CWORD": "1"}
    )
    assert result.stdout.split() == ["demo"]


# -- mistakes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["nothing-of-the-kind"], ["demo", "--rounds", "0"], ["demo", "--rounds", "many"], ["demo", "--unknown"]],
    ids=" ".join,
)
def test_a_mistake_has_exit_status_2_and_an_explanation(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert arguments[-1] in result.stderr or arguments[-2] in result.stderr
    assert "Traceback" not in result.stderr


_LIGHT = "{'sklearn', 'scipy', 'pandas', 'joblib', 'numpy'}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["nothing-of-the-kind"],
        ["demo", "--rounds", "0"],
        *([*words, "--help"] for words in COMMANDS),
    ],
    ids=" ".join,
)
def test_help_and_mistakes_import_no_large_library(arguments: list[str]) -> None:
    program = (
        "import sys, reflectio.cli\n"
        f"sys.argv = ['reflectio', *{arguments!r}]\n"
        "try:\n    reflectio.cli.main()\n"
        "except SystemExit:\n    pass\n"
        f"print('imported:', sorted({_LIGHT} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout.splitlines()[-1] == "imported: []"


def test_a_folder_that_cannot_be_made_is_reported_without_a_traceback(tmp_path) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = run("demo", "--folder", tmp_path / "file" / "below")
    assert result.returncode == 1
    assert "Not a directory" in result.stderr
    assert "check the path" in result.stderr
    assert "Traceback" not in result.stderr


# -- the package itself ----------------------------------------------------------------------------------------


def test_importing_the_package_imports_no_other_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import reflectio; assert reflectio.__version__; "
        "print({name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout.strip() == "{'reflectio'}"


@pytest.mark.parametrize("name", reflectio.__all__)
def test_every_public_name_is_there_and_listed(name: str) -> None:
    assert getattr(reflectio, name) is not None
    assert name in dir(reflectio)


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lods'"):
        reflectio.lods  # noqa: B018


@pytest.mark.parametrize("module", ["audit", "registry", "codecs.builtin", "codecs.trees", "name_uses"])
def test_the_functions_of_the_package_work_whatever_module_was_imported_first(module: str) -> None:
    """`reflectio.audit` is a function, and the module that defines it has the same name."""
    program = (
        f"import reflectio.{module}\nimport reflectio\n"
        "assert reflectio.audit(reflectio.dumps((1,))).ok and reflectio.loads(reflectio.dumps((1,))) == (1,)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_a_codec_registered_before_any_other_use_goes_before_those_that_come_along() -> None:
    program = """
import reflectio

class TupleCodec(reflectio.Codec):
    types = (tuple,)
    tag = "mine"
    members = required = frozenset({"items"})
    def encode(self, obj, encoder):
        return {"$": "mine", "items": [*obj]}

reflectio.register(TupleCodec())
print(b'"mine"' in reflectio.dumps((1, 2)))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout == "True\n"


# -- files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.rfl", "a.rfl", "deep/c.rfl", "deep/er/d.rfl", "[odd].rfl", "deep/x.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["b.rfl", "a.rfl"], ["b.rfl", "a.rfl"]),
        (["?.rfl"], ["a.rfl", "b.rfl"]),
        (["b.rfl", "*.rfl"], ["b.rfl", "[odd].rfl", "a.rfl"]),
        (["deep/**/*.rfl"], ["deep/c.rfl", "deep/er/d.rfl"]),
        (["[odd].rfl"], ["[odd].rfl"]),
        (["deep/*"], ["deep/c.rfl", "deep/x.txt"]),
        (["-", "a.rfl", "-"], ["-", "a.rfl"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_arguments_are_files_globs_or_standard_input(folder, arguments, files) -> None:
    assert expand(arguments) == files


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("missing.rfl", "no such file"),
        ("deep", "this is a directory; name files in it, for example 'deep/*'"),
        ("*.nothing", "no file matches this pattern"),
        ("", "an empty text is no path"),
        ("dangling", "a link to a file that does not exist"),
        ("\x1b2J.rfl", r"'\x1b2J.rfl': no such file"),
    ],
)
def test_an_argument_that_is_no_file_is_a_mistake(folder, argument, reason) -> None:
    (folder / "dangling").symlink_to("nowhere")
    with pytest.raises(typer.BadParameter) as caught:
        expand(["a.rfl", argument])
    assert reason in caught.value.message


def test_all_arguments_that_are_no_files_are_named_at_once(folder) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        expand(["one.rfl", "a.rfl", "two.rfl"])
    assert "one.rfl" in caught.value.message
    assert "two.rfl" in caught.value.message


def test_standard_input_is_refused_where_a_command_cannot_read_it() -> None:
    with pytest.raises(typer.BadParameter, match="cannot read standard input"):
        expand(["-"], standard_input=False)


def test_standard_input_is_read_up_to_the_limit(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{" * 100)))
    with pytest.raises(reflectio.LimitError, match="more than 99 bytes"):
        source("-", Limits(document_bytes=99))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_glob_means_ordinary_files_only_and_a_pipe_can_be_named(folder) -> None:
    os.mkfifo(folder / "a.fifo")
    assert expand(["a.*"]) == ["a.rfl"]
    assert expand(["a.fifo"]) == ["a.fifo"]


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs a device without an end")
@pytest.mark.parametrize("read", [reflectio.read_header, reflectio.verify], ids=lambda read: read.__name__)
def test_a_device_without_an_end_is_no_document_by_how_it_begins(read) -> None:
    started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(reflectio.DocumentError):
        assert not read("/dev/zero").ok
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - started < 100_000


@pytest.mark.parametrize("given", [None, 3, ["m.rfl"]], ids=repr)
@pytest.mark.parametrize(
    "read", [reflectio.read_header, reflectio.verify, reflectio.audit], ids=lambda read: read.__name__
)
def test_what_is_neither_bytes_nor_a_path_is_a_type_error_that_says_what_is_expected(read, given) -> None:
    with pytest.raises(
        TypeError, match=f"source must be a document.* or the path of one; not {type(given).__name__}"
    ):
        read(given)


def test_a_path_that_a_comparison_prints_of_metadata_is_answered_with_what_to_use(model) -> None:
    result = run("show", model, "$.metadata", width=200)
    assert result.returncode == 1
    assert "without a path, `reflectio show` prints the metadata, and with --json in full" in result.stderr


def test_the_help_tells_the_statuses_of_an_interrupt_and_a_closed_pipe() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert "130  interrupted by Ctrl-C" in shown
    assert "141  nobody reads the output" in shown


def test_a_named_pipe_can_hold_a_document(tmp_path) -> None:
    pipe = tmp_path / "m.rfl"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(reflectio.dumps((1, 2)),))
    writer.start()
    assert reflectio.read_header(pipe).model == {"$": "tuple", "items": [1, 2]}
    writer.join()


# -- what is printed -------------------------------------------------------------------------------------------

HOSTILE = [
    ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
    ("\x9b31m", r"\x9b31m"),
    ("a\nb\tc\rd", r"a\nb\tc\rd"),
    ("abc\u202etxt.exe", r"abc\u202etxt.exe"),
    ("zero\u200bwidth", r"zero\u200bwidth"),
    ("\ud800", r"\ud800"),
    ("line\u2028break", r"line\u2028break"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE, ids=[shown for _, shown in HOSTILE])
def test_text_that_a_terminal_acts_on_is_shown_by_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert literal(text).plain == shown
    assert printable_lines(f"{text}\n") == "\n".join(map(printable, f"{text}\n".split("\n")))


_FAKE = "x\nok  fake.rfl\u202e\x1b[2J"


@pytest.mark.parametrize(
    "members",
    [
        {"model": 1, _FAKE: 1},
        {"model": 1, "versions": {_FAKE: 1}},
        {"model": 1, "versions": {_FAKE: _FAKE}},
        {"model": {"$": f"os.{_FAKE}"}},
        {"model": {"$": f"a.{_FAKE}"}},
        {"model": {"$": _FAKE}},
        {"model": {"$": "tuple", "items": [], _FAKE: 1}},
        {"model": {"$": "ndarray", "dtype": _FAKE, "shape": [1], "data": [1]}},
    ],
    ids=["member", "version", "versions", "denied name", "name", "tag", "member of a node", "dtype"],
)
@pytest.mark.parametrize(
    "command",
    ["audit", "show", "verify", "policy suggest", "audit -p deny.toml", "verify -p deny.toml", "convert"],
)
def test_text_of_a_document_begins_no_line_of_a_report(tmp_path, monkeypatch, members, command) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.rfl").write_text(json.dumps({"reflectio": 1, "versions": {}, **members}))
    Path("deny.toml").write_text('extends = ["default"]\n[deny]\nclasses = ["os.*"]\n')
    out = ["out.rfl", "-p", "deny.toml"] if command == "convert" else []
    shown = CliRunner().invoke(app, [*command.split(), "model.rfl", *out]).output
    assert shown
    assert not [line for line in shown.splitlines() if line.strip().startswith("ok  fake")]
    assert not set("\x1b\u202e") & set(shown)


def test_a_policy_that_is_none_is_named_harmlessly(tmp_path) -> None:
    ran = CliRunner().invoke(app, ["audit", "--policy", "p\x1b[2J.toml", str(tmp_path)])
    assert ran.exit_code == 2
    assert "\x1b" not in ran.output


@pytest.mark.parametrize("text", ["größe", "数据", "naïve 😀", "[bold]x[/bold]", ":smile:", "a b"])
def test_other_text_is_shown_as_it_is(text: str) -> None:
    file = io.StringIO()
    Console(file=file, width=80).print(printable(text))
    assert file.getvalue() == f"{text}\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "small.rfl"
    reflectio.dump({"coef": [0.5]}, path)
    return path


def test_a_terminal_is_shown_colours(model) -> None:
    assert "\x1b[32m" in run_in_terminal("verify", model)


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_no_colours_where_they_are_not_wanted(model, setting) -> None:
    shown = run_in_terminal("verify", model, env=setting)
    assert "passes" in shown
    assert not any(f"\x1b[{colour}m" in shown for colour in range(30, 38))


def test_a_pipe_is_given_plain_text(model) -> None:
    assert "\x1b" not in run("verify", model).stdout


def test_a_character_that_the_output_cannot_encode_is_shown_by_its_escape(tmp_path) -> None:
    path = tmp_path / "größe.rfl"
    reflectio.dump(1, path)
    result = run("verify", path, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert result.returncode == 0
    assert r"gr\xf6\xdfe.rfl" in result.stdout


def test_work_on_several_files_shows_its_progress_on_a_terminal_only(model, tmp_path) -> None:
    other = tmp_path / "other.rfl"
    other.write_bytes(model.read_bytes())
    shown = run_in_terminal("verify", model, other)
    # The bar is gone, its line deleted and the cursor back, before anything else is shown.
    bar, _, report = shown.rpartition("\x1b[2K")
    assert "Verifying" in bar
    assert "passes" not in bar
    assert "2 of 2 documents pass." in report
    piped = run("verify", model, other)
    assert "Verifying" not in piped.stdout
    assert piped.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (["show", "FILE"], "Opening"),
        (["show", "--exact", "FILE"], "Reading"),
        (["audit", "FILE"], "Auditing"),
        (["verify", "FILE"], "Verifying"),
        (["convert", "FILE", "out.rfl"], "Converting"),
        (["policy", "suggest", "FILE"], "Reading"),
        (["policy", "gaps"], "Looking through the installed libraries"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_work_that_may_take_long_shows_that_it_goes_on(tmp_path, arguments, title) -> None:
    large = tmp_path / "large.rfl"
    with large.open("wb") as file:
        file.truncate(1 << 26)
    shown = run_in_terminal(*(large if word == "FILE" else word for word in arguments))
    assert title in shown


# -- how a command ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (reflectio.DocumentError("cut short"), 1, "error: cut short"),
        (FileNotFoundError(2, "No such file or directory", "m.rfl"), 1, "error: m.rfl: No such file"),
        (PermissionError(13, "Permission denied", "m.rfl"), 1, "Check the permissions"),
        (OSError(28, "No space left on device", "out.rfl"), 1, "Free some space"),
        (OSError("odd"), 1, "error: odd"),
        (MemoryError(), 1, "not enough memory"),
        (reflectio.DocumentError("\x1b[2J"), 1, r"error: \x1b[2J"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_a_foreseeable_error_is_one_message_and_a_status(capsys, error, status, said) -> None:
    @reported
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err


def test_an_error_that_nobody_foresaw_keeps_its_traceback() -> None:
    @reported
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


@pytest.mark.parametrize(
    ("command", "module", "said"),
    [
        (["audit"], "reflectio.audit", "unreadable  b.rfl"),
        (["verify"], "reflectio.verification", "b.rfl: cannot be read"),
        (["show"], "reflectio.inspection.header", "error: b.rfl: "),
        (["policy", "suggest"], "reflectio.policy_report.suggest", "warning: b.rfl cannot be read: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_that_nobody_foresaw_is_a_failure_of_its_file(
    tmp_path, monkeypatch, command, module, said
) -> None:
    for name in "abc":
        reflectio.dump([name], tmp_path / f"{name}.rfl")
    monkeypatch.chdir(tmp_path)
    loaded = import_module(module)
    function = {"reflectio.verification": "verify", "reflectio.inspection.header": "read_header"}.get(
        module, "audit"
    )
    whole = getattr(loaded, function)

    def fail_with_one(source: Any, **options: Any) -> Any:
        if source == Path("b.rfl"):
            raise NotImplementedError("zip file version 25.5")
        return whole(source, **options)

    monkeypatch.setattr(loaded, function, fail_with_one)
    ran = CliRunner().invoke(app, [*command, "a.rfl", "b.rfl", "c.rfl"])
    assert ran.exit_code == 1
    assert said in ran.output
    assert "NotImplementedError: zip file version 25.5 (test_cli.py, line " in ran.output
    assert "a.rfl" in ran.output
    assert "c.rfl" in ran.output


def test_a_message_may_name_a_file_in_bytes() -> None:
    assert explain(FileNotFoundError(2, "No such file", b"a\x07"))[0] == r"a\x07: No such file"


def test_a_warning_is_one_line(capsys) -> None:
    @reported
    def command() -> None:
        import warnings

        warnings.warn("written with another version", reflectio.VersionWarning, stacklevel=1)

    command()
    assert capsys.readouterr().err == "warning: written with another version\n"


def test_a_line_break_in_a_warning_begins_no_line(capsys) -> None:
    @reported
    def command() -> None:
        import warnings

        warnings.warn("version 1.0\nok  fake.rfl\r\x1b[2J", stacklevel=1)

    command()
    assert capsys.readouterr().err == "warning: version 1.0 ok  fake.rfl\\r\\x1b[2J\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_an_interrupt_ends_the_command_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "reflectio", "policy", "suggest", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        # More than a pipe holds: once it is written, the command is reading.
        child.stdin.write(bytes(1 << 20))
        child.stdin.flush()
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130
        assert (child.stdout.read(), child.stderr.read()) == (b"", b"")


def test_a_pipe_that_nobody_reads_ends_the_command_quietly(model) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = run("policy", "show", capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize(
    "arguments", [["policy", "show"], ["policy", "show", "--json"], ["--help"]], ids=" ".join
)
def test_a_full_disk_behind_standard_output_is_reported(arguments) -> None:
    with open("/dev/full", "w") as full:
        result = run(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1
    assert result.stderr.startswith("error: the output cannot be written: No space left on device\n")
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


@pytest.mark.parametrize(
    ("closed", "arguments"),
    [
        (1, ["show", "FILE"]),
        (1, ["--help"]),
        (1, ["--version"]),
        (1, ["policy", "show", "--json"]),
        (0, ["show", "-"]),
        (0, ["audit", "-"]),
        (0, ["verify", "-"]),
    ],
    ids=str,
)
def test_a_closed_standard_stream_is_one_message(model, closed, arguments) -> None:
    words = [str(model) if word == "FILE" else word for word in arguments]
    result = run(*words, preexec_fn=lambda: os.close(closed))
    assert result.returncode == 1
    assert f"standard {'output' if closed else 'input'} is closed" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["show", "FILE"], ["show", "missing.rfl"]], ids=" ".join)
def test_a_closed_standard_error_changes_no_status(model, arguments) -> None:
    words = [str(model) if word == "FILE" else word for word in arguments]
    result = run(*words, preexec_fn=lambda: os.close(2))
    assert result.returncode == (0 if "FILE" in arguments else 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["diff", "damaged.rfl", "damaged.rfl"],
        ["policy", "show", "broken.toml"],
        ["policy", "suggest", "--extends", "broken.toml", "damaged.rfl"],
        ["show", "--policy", "broken.toml", "damaged.rfl"],
        ["policy", "gaps", "--policy", "broken.toml"],
    ],
    ids=" ".join,
)
def test_json_is_printed_where_a_command_fails(tmp_path, arguments) -> None:
    (tmp_path / "damaged.rfl").write_text("{")
    (tmp_path / "broken.toml").write_text("[allow")
    result = run(*arguments, "--json", cwd=tmp_path)
    assert result.returncode == 1
    report = json.loads(result.stdout)
    assert report["ok"] is False
    assert report["error"] in result.stderr


def test_json_holds_floats_that_json_cannot_say(capsys) -> None:
    from reflectio.cli.console import print_json

    print_json({"range": (float("nan"), float("-inf"), 1.5), "text": "\x9b"})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == {"range": ["nan", "-inf", 1.5], "text": "\x9b"}
