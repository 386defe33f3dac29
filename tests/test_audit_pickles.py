"""Pickle, joblib and skops files are judged without being run: what they would import and call, and by which policy."""

from __future__ import annotations

import inspect
import io
import json
import lzma
import pickle
import pkgutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from attacks import opcodes as op
from attacks.opcodes import call, name, new, pickled, value
from file_attacks import ATTACKS, environment
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import reflectio
from reflectio.errors import DocumentError, LimitError
from reflectio.name_uses import NAMELESS
from reflectio.pickles.graph import Global
from reflectio.pickles.homes import allowed_name
from reflectio.policy import Kind, Policy
from reflectio.sarif import RULES, sarif

skops_io = pytest.importorskip("skops.io", reason="skops is not installed")

DEFAULT = Policy.default()
X, Y = np.arange(40.0).reshape(20, 2), [0, 1] * 10


def _joblib_bytes(obj: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(obj, buffer, **options)
    return buffer.getvalue()


def _pipeline() -> Any:
    return make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LinearRegression()).fit(X, Y)


WRITERS = {
    "pickle": pickle.dumps,
    "pickle of protocol 2": lambda model: pickle.dumps(model, 2),
    "joblib": _joblib_bytes,
    "compressed joblib": lambda model: _joblib_bytes(model, compress=("xz", 3)),
    "skops": skops_io.dumps,
}


# -- good files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", WRITERS)
def test_the_names_of_a_good_file_are_those_of_its_document(writer):
    model = _pipeline()
    audit = reflectio.audit(WRITERS[writer](model))
    assert audit.ok
    assert audit.advice == ""
    assert audit.format == writer.split()[-1 if "joblib" in writer else 0]
    expected = {(use.kind, use.name) for use in reflectio.audit(reflectio.dumps(model)).names}
    found = {(use.kind, use.name) for use in audit.names if use.kind != "reconstruction"}
    assert found == expected


def test_a_name_has_its_place_its_count_and_its_spelling():
    model = make_pipeline(StandardScaler(), StandardScaler(), LinearRegression()).fit(X, Y)
    names = {use.name: use for use in reflectio.audit(pickle.dumps(model)).names}
    scaler = names["sklearn.preprocessing.StandardScaler"]
    assert (scaler.kind, scaler.count, scaler.path) == ("class", 2, "$.model.steps[0][1]")
    assert scaler.spelled == "sklearn.preprocessing._data.StandardScaler"
    assert names["sklearn.linear_model.LinearRegression"].path == "$.model.steps[2][1]"
    data = pickle.dumps(model)
    assert data[scaler.offset :].startswith(b"\x93")


def test_functions_of_known_effect_are_told_apart():
    names = reflectio.audit(pickle.dumps(np.arange(3.0), 4)).names
    assert {use.kind for use in names} == {"reconstruction"}
    assert "numpy._core.multiarray._reconstruct" in {
        use.name.replace("core.", "_core.").replace("__", "_") for use in names
    }


def test_the_versions_that_a_file_tells_are_shown():
    versions = reflectio.audit(pickle.dumps(_pipeline(), 4)).versions
    assert versions["pickle protocol"] == "4"
    assert versions["scikit-learn"].count(".") >= 1
    assert "skops" in reflectio.audit(skops_io.dumps(LinearRegression())).versions


@pytest.mark.parametrize("writer", WRITERS)
def test_parameters_that_reach_outside_are_noticed_where_they_are(writer):
    model = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), memory="/tmp/cache")).fit(X, Y)
    (notice,) = reflectio.audit(WRITERS[writer](model)).notices
    assert notice == reflectio.audit(reflectio.dumps(model)).notices[0]
    assert notice.path == "$.model.steps[1][1].memory"


def test_a_file_is_audited_by_its_path_too(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(_pipeline()))
    assert reflectio.audit(path) == reflectio.audit(path.read_bytes())


def test_the_same_policy_judges_and_refuses_the_same_names():
    model = _pipeline()
    strict = reflectio.audit(pickle.dumps(model), policy="strict")
    document = reflectio.audit(reflectio.dumps(model), policy="strict")
    assert [(use.kind, use.name) for use in strict.untrusted] == [
        (use.kind, use.name) for use in document.untrusted
    ]
    assert not strict.ok
    assert 'extends = ["strict"]' in strict.advice
    assert strict.advice == document.advice


def test_the_advice_allows_what_was_refused(tmp_path):
    class_name = "acme.churn.ChurnModel"
    data = pickled(new(class_name, op.mapping(a=value(1))))
    refused = reflectio.audit(data)
    assert not refused.ok
    lines = refused.advice.split("\n")
    start = next(index for index, line in enumerate(lines) if line.startswith("extends"))
    stop = next(index for index, line in enumerate(lines) if line.startswith("Use it"))
    (tmp_path / "policy.toml").write_text("\n".join(lines[start:stop]))
    assert reflectio.audit(data, policy=tmp_path / "policy.toml").ok


def test_a_class_that_is_called_needs_more_than_one_that_is_rebuilt():
    policy = DEFAULT.extend(classes=["acme.Model"])
    assert reflectio.audit(pickled(new("acme.Model")), policy=policy).ok
    for body in (
        call("acme.Model"),
        call("acme.Model", value(1)),
        name("acme.Model") + value((1,)) + op.NEWOBJ,
    ):
        (use,) = reflectio.audit(pickled(body), policy=policy).untrusted
        assert (use.kind, use.name) == ("constructor", "acme.Model")
    (held,) = reflectio.audit(pickled(name("acme.Model")), policy=policy).untrusted
    assert held.kind == "callable"


def test_a_public_name_of_the_users_covers_the_module_that_defines_it():
    policy = DEFAULT.extend(classes=["acme.Clip"])
    assert reflectio.audit(pickled(new("acme._impl.Clip")), policy=policy).ok
    assert not reflectio.audit(pickled(new("other._impl.Clip")), policy=policy).ok


def test_a_pattern_covers_no_name_with_dots():
    policy = DEFAULT.extend(callables=["acme.models.*"])
    assert reflectio.audit(pickled(op.stack_name("acme.models", "f")), policy=policy).ok
    assert not reflectio.audit(pickled(op.stack_name("acme.models", "os.system")), policy=policy).ok


def test_a_file_of_no_kind_is_an_error():
    with pytest.raises(DocumentError, match="neither a document of reflectio nor a pickle"):
        reflectio.audit(b"just some text, and nothing else")


def test_a_damaged_pickle_is_no_error_but_a_problem_and_shows_what_it_names():
    audit = reflectio.audit(pickle.dumps(_pipeline())[:200])
    assert not audit.ok
    assert "damaged or truncated" in audit.problems[0].message
    assert audit.names


def test_a_file_beyond_the_limits_is_refused(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('extends = ["default"]\n[limits]\ndocument_bytes = "1 kB"\n')
    with pytest.raises(LimitError):
        reflectio.audit(pickle.dumps(list(range(10_000))), policy=path)


def test_a_file_that_claims_to_need_much_memory_gets_none():
    # Of LZMA the header says how large the dictionary is, which was asked for, all 2 GB, before anything was read.
    data = lzma.compress(pickle.dumps([1, 2, 3]), lzma.FORMAT_ALONE)
    claiming = data[:1] + (1 << 31).to_bytes(4, "little") + data[5:]
    with pytest.raises(LimitError, match="128 MiB"):
        reflectio.audit(claiming)


@pytest.mark.parametrize("behind", [b"", b"what is no stream"])
def test_streams_of_xz_may_follow_each_other(behind):
    data = pickle.dumps(list(range(1000)))
    for preset in (0, 9):
        streams = lzma.compress(data[:500], preset=preset) + lzma.compress(data[500:], preset=preset)
        assert reflectio.audit(streams + behind).ok


# -- names ------------------------------------------------------------------------------------------------------


def _defined(package: str) -> dict[str, Any]:
    """What every module of a package has, by module and name; modules that cannot be imported are left out."""
    root = __import__(package)
    modules = [root]
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        if any(
            part in found.name for part in ("test", "conftest", "_build_utils", "f2py", "__main__", "pyodide")
        ):
            continue
        if found.name in sys.modules:
            modules.append(sys.modules[found.name])
    return {
        f"{module.__name__}.{key}": obj
        for module in modules
        for key, obj in vars(module).items()
        if (inspect.isclass(obj) or callable(obj)) and not key.startswith("__")
    }


# Modules that import a function which has the name of a distribution: conversion refuses to take one for the other.
_HOMONYMS = {"scipy.stats._multivariate.loggamma", "scipy.stats._tukeylambda_stats.beta"}


@pytest.mark.parametrize("package", ["numpy", "scipy", "sklearn", "pandas"])
def test_what_a_policy_allows_under_another_name_is_the_same_object(package):
    from reflectio.errors import DocumentError
    from reflectio.names import resolve

    kinds: tuple[Kind, ...] = ("class", "constructor", "callable")
    checked = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in kinds:
            for public in DEFAULT.allowed[kind]:
                try:
                    resolve(public)
                except DocumentError:
                    continue  # of another version
        for text, obj in _defined(package).items():
            module, _, last = text.rpartition(".")
            for kind in kinds:
                allowed = allowed_name(kind, Global(module, last, 0), DEFAULT)
                if allowed is not None and allowed != text and text not in _HOMONYMS:
                    checked += 1
                    assert resolve(allowed) is obj or _is_alias(resolve(allowed), obj), text
    assert checked > 3


def _is_alias(a: Any, b: Any) -> bool:
    """Whether two objects are one to a reader: a deprecated module wraps what it passes on."""
    return getattr(a, "__name__", 1) == getattr(b, "__name__", 2) and (
        getattr(a, "__module__", 1) == getattr(b, "__module__", 2) or getattr(b, "__wrapped__", None) is a
    )


def test_conversion_takes_no_name_for_another_of_the_same_spelling(tmp_path):
    source = tmp_path / "model.pkl"
    source.write_bytes(pickled(name("scipy.stats._multivariate.loggamma")))
    with pytest.raises(DocumentError, match=r"is not what scipy\.stats\.loggamma is"):
        reflectio.convert(source, tmp_path / "model.rfl")


def test_the_tags_that_hold_no_names_are_those_whose_codecs_say_so():
    from reflectio import registry
    from reflectio.codec import Codec

    registry.codec_for_tag("ndarray")
    silent = {tag for tag, codec in registry._by_tag.items() if type(codec).names is Codec.names}
    assert silent == NAMELESS


# -- hostile files ----------------------------------------------------------------------------------------------


def test_a_bomb_costs_no_memory_to_audit_within_the_limits():
    import resource

    data = _joblib_bytes(np.zeros(20_000_000), compress=("zlib", 9))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reflectio.audit(data).ok
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 80_000


# -- what joblib, pickle and numpy make of a file -----------------------------------------------------------------

_DTYPES = [
    "f8", ">f8", "U3", ">U3", "S5", "V7", "?", "i1", "M8[ns]", "M8", "m8[25us]", "f2", "c16", "S0",
    [("a", "f8"), ("b", "U2")], [(("title", "a"), ">i4")], [("x", "f4", (2, 3)), ("t", "M8[ns]")],
    np.dtype([("a", "i1"), ("b", "f8")], align=True), np.dtype((np.record, [("a", "f8")])),
]  # fmt: skip


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", _DTYPES, ids=str)
def test_arrays_of_every_dtype_are_found_in_joblib_files_of_every_protocol(dtype, protocol):
    arrays = [np.zeros(2, dtype), np.array(["a", "b"], object), np.zeros((0, 3), dtype), np.zeros(3, dtype)]
    for compress in (0, 3):
        assert not reflectio.audit(_joblib_bytes(arrays, protocol=protocol, compress=compress)).problems


def _records(flags: int) -> bytes:
    fields = op.mapping(a=op.items(op.dtype("i1", value((3, "|", None, None, None, -1, -1, 0))), value(0)),
                        b=op.items(op.FLOAT64, value(8)))  # fmt: skip
    state = (value(3), value("|"), op.NONE, value(("a", "b")), fields, value(16), value(8), value(flags))
    dtype = call("numpy.dtype", value("V16"), value(0), value(1)) + op.items(*state) + op.BUILD
    return pickled(op.array((1,), dtype, value(bytes(16))))


def test_flags_of_dtypes_are_read_as_numpy_1_wrote_them(tmp_path):
    for flags in (144, -112):
        target = tmp_path / f"{flags}.rfl"
        reflectio.convert(_records(flags), target)
        assert reflectio.load(target).dtype.isalignedstruct


@pytest.mark.parametrize(
    "around", [lambda y: y, lambda y: [y, y], lambda y: {"a": y}, lambda y: {"a": 1, "b": 2, "c": y}]
)
def test_an_array_of_objects_that_pickle_itself_cannot_read_is_no_problem(around):
    audit = reflectio.audit(_joblib_bytes(around(np.array(["a", "b", "a"], object))))
    assert audit.ok


def test_a_text_that_pickle_itself_would_take_for_a_module_is_noticed():
    array = np.array(["a", "b"], object)
    (notice,) = reflectio.audit(_joblib_bytes({"k": 1, "l": 2, "wine": array})).notices
    assert "wine" in notice.message
    (problem, *_) = reflectio.audit(_joblib_bytes({"k": 1, "l": 2, "os": array})).problems
    assert "os.dtype" in problem.message


def test_zeros_that_shrink_as_far_as_zlib_can_are_read():
    zeros = _joblib_bytes(np.zeros(12_000_000), compress=("zlib", 9))
    assert len(zeros) < 100_000
    assert reflectio.audit(zeros).ok


def test_a_file_that_begins_denser_than_a_file_of_that_size_may_go_on():
    from reflectio.pickles.files import can_go_on

    limits = DEFAULT.limits
    zeros = lzma.compress(pickled(value(bytes(80 << 20))))
    assert can_go_on(memoryview(zeros), limits)
    assert can_go_on(memoryview(op.PROTO_4 + op.MARK + op.EMPTY_LIST * 200_000), limits)


# -- SARIF ------------------------------------------------------------------------------------------------------


def _sarif() -> dict[str, Any]:
    memory = make_pipeline(StandardScaler(), memory="/tmp/cache")
    reports = {
        "models/good.pkl": reflectio.audit(pickle.dumps(LinearRegression())),
        "models/evil model.pkl": reflectio.audit(ATTACKS["__reduce__, nested"].make()),
        "/abs/dynamic.pkl": reflectio.audit(ATTACKS["a persistent id"].make()),
        "notice.rfl": reflectio.audit(reflectio.dumps(memory)),
        "broken": "neither a document nor a pickle",
    }
    return json.loads(json.dumps(sarif(reports)))


def test_a_sarif_log_has_what_the_standard_requires():
    log = _sarif()
    assert log["version"] == "2.1.0"
    assert "sarif-schema-2.1.0.json" in log["$schema"]
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "reflectio"
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) == len(RULES)
    for rule in rules:
        assert rule["shortDescription"]["text"].endswith(".")
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert 0 <= float(rule["properties"]["security-severity"]) <= 10
    assert run["invocations"][0]["executionSuccessful"] is True
    assert all(set(artifact) <= {"location", "roles"} for artifact in run["artifacts"])


def test_each_sarif_result_names_its_rule_its_level_and_its_place():
    (run,) = _sarif()["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"].endswith(".")
        (location,) = result["locations"]
        place = location["physicalLocation"]
        artifact = run["artifacts"][place["artifactLocation"]["index"]]
        assert artifact["location"]["uri"] == place["artifactLocation"]["uri"]
        assert place["region"]["startLine"] == 1
        assert place["region"].get("byteOffset", 0) >= 0
        assert len(result["partialFingerprints"]["reflectio/v1"]) == 32


def test_sarif_results_are_the_findings():
    (run,) = _sarif()["runs"]
    found = {
        (r["ruleId"], r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        for r in run["results"]
    }
    assert found == {
        ("RFL002", "models/evil%20model.pkl"),
        ("RFL004", "file:///abs/dynamic.pkl"),
        ("RFL006", "notice.rfl"),
        ("RFL005", "broken"),
    }
    evil = next(result for result in run["results"] if result["ruleId"] == "RFL002")
    assert "posix.system" in evil["message"]["text"]
    assert evil["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].startswith("$.model.a[0]")


# -- the command ------------------------------------------------------------------------------------------------


def _run(*arguments: Any, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reflectio", "audit", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=options.pop("text", True),
        env=environment(),
        timeout=120,
        **options,
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "good.pkl").write_bytes(pickle.dumps(_pipeline()))
    reflectio.dump(_pipeline(), tmp_path / "good.rfl")
    (tmp_path / "evil.pkl").write_bytes(ATTACKS["__reduce__"].make())
    (tmp_path / "text.pkl").write_text("no model at all")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["good.pkl"], 0, "ok  good.pkl  (pickle)"),
        (["good.rfl", "good.pkl"], 0, "2 files, 0 refused"),
        (["good.*"], 0, "2 files, 0 refused"),
        (["evil.pkl"], 1, "refused  constructor  posix.system  at $.model"),
        (["good.pkl", "evil.pkl"], 1, "2 files, 1 refused"),
        (["text.pkl"], 1, "unreadable  text.pkl"),
        (["*.onnx"], 2, "no file matches this pattern"),
        (["good.pkl", "--json", "--sarif"], 2, "choose one"),
        (["good.pkl", "--policy", "nowhere.toml"], 2, "nowhere.toml"),
        ([], 2, "Missing argument"),
    ],
)
def test_the_command_answers_with_a_verdict_and_a_status(arguments, status, said, folder):
    ran = _run(*arguments, cwd=folder)
    assert ran.returncode == status, ran.stderr
    assert said in " ".join((ran.stdout + ran.stderr).replace("│", "").split()) or said in ran.stdout


def test_the_command_reads_standard_input(folder):
    ran = subprocess.run(
        [sys.executable, "-m", "reflectio", "audit", "-", "--json"],
        input=(folder / "evil.pkl").read_bytes(),
        capture_output=True,
        env=environment(),
    )
    assert ran.returncode == 1
    (file,) = json.loads(ran.stdout)["files"]
    assert (file["file"], file["format"], file["ok"]) == ("standard input", "pickle", False)
    assert [use["name"] for use in file["untrusted"]] == ["posix.system"]


def test_the_command_prints_json_for_programs(folder):
    ran = _run("good.pkl", "evil.pkl", "text.pkl", "--json", cwd=folder)
    report = json.loads(ran.stdout)
    assert (ran.returncode, report["ok"]) == (1, False)
    good, evil, text = report["files"]
    assert good["ok"]
    assert all(use["allowed"] for use in good["names"])
    assert "No policy should allow posix.system" in evil["advice"]
    assert "[allow]" not in evil["advice"]
    assert text["error"].startswith("this is neither")


def test_the_command_prints_sarif_for_dashboards(folder):
    ran = _run("evil.pkl", "--sarif", cwd=folder)
    assert ran.returncode == 1
    log = json.loads(ran.stdout)
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["RFL002"]


def test_control_characters_and_markup_of_a_file_reach_no_terminal(folder):
    body = new(
        "sklearn.linear_model._base.LinearRegression", op.mapping(**{"a\x1b[2J[red]": name("os.system")})
    )
    (folder / "odd\x1b[31m.pkl").write_bytes(pickled(body))
    ran = _run("odd\x1b[31m.pkl", cwd=folder)
    assert ran.returncode == 1
    assert "\x1b" not in ran.stdout + ran.stderr
    assert "[red]" in ran.stdout


def test_auditing_a_document_imports_no_numpy_and_auditing_a_pickle_no_scikit_learn(folder):
    script = (
        "import sys, reflectio\n"
        "reflectio.audit('good.rfl')\n"
        "print([name for name in ('numpy', 'sklearn', 'scipy', 'pandas') if name in sys.modules])\n"
        "reflectio.audit('good.pkl'); reflectio.audit('forest.joblib')\n"
        "print([name for name in ('sklearn', 'scipy', 'pandas', 'joblib') if name in sys.modules])\n"
    )
    joblib.dump(RandomForestClassifier(2).fit(X, Y), folder / "forest.joblib")
    reflectio.dump(LinearRegression().fit(X, Y), folder / "good.rfl")
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, env=environment()
    )
    assert ran.stdout.splitlines() == ["[]", "[]"], ran.stderr
