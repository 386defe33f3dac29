"""Models are converted from any format into any other exactly, and files of strangers without being run."""

from __future__ import annotations

import datetime
import decimal
import fractions
import functools
import io
import itertools
import json
import operator
import os
import pathlib
import pickle
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import types
import uuid
import warnings
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.interpolate
import scipy.sparse
import scipy.stats
import zoo
from attacks.opcodes import pickled, value
from command_line import run_without_rights
from exactness import assert_same
from file_attacks import ATTACKS, environment
from sklearn.ensemble import RandomForestClassifier, VotingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

import reflectio
from reflectio.atomic import write_atomically
from reflectio.conversion import files, folders, plan_folder
from reflectio.conversion.fingerprints import fingerprint
from reflectio.conversion.formats import TARGETS, parse, write
from reflectio.errors import DocumentError, ReflectioError
from reflectio.pickles.source import compressor_of

skops_io = pytest.importorskip("skops.io", reason="skops is not installed")

# The zoo's own functions stand for a user's module.
POLICY = reflectio.Policy.default().extend(callables=["zoo.numeric_columns", "zoo.clip_at_one"])

PROTOCOLS = (2, 3, 4, 5)
COMPRESSORS: tuple[Any, ...] = (0, "zlib", "gzip", "bz2", "lzma", "xz")

# Every estimator from each family, with protocols and compressors in turn; with this variable, from each of each.
FULL = bool(os.environ.get("REFLECTIO_FULL_CONVERSION"))


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# -- the zoo ----------------------------------------------------------------------------------------------------


def _cases() -> list[Any]:
    cases = [
        pytest.param(index, functools.partial(_instance, index), id=name)
        for index, name in enumerate(zoo.instance_names())
    ]
    start = len(cases)
    for offset, case in enumerate(zoo.combinations()):
        cases.append(pytest.param(start + offset, lambda case=case: zoo.fit(case)[0], id=case.name))
    return cases


def _instance(index: int) -> Any:
    for kind in zoo.KINDS:
        try:
            return zoo.fitted(index, kind)[0]
        except zoo.UnsuitableDataError:
            continue
    raise AssertionError("no data suit it")


EACH = pytest.mark.parametrize(("index", "make"), _cases())


def _in_turn(choices: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    return choices if FULL else (choices[index % len(choices)],)


def _joblib_bytes(obj: Any, compressor: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(obj, buffer, compress=(compressor, 3) if compressor else 0)
    return buffer.getvalue()


def _converted(data: bytes) -> Any:
    return parse(data, POLICY, unsafe=False)[1]()


def assert_same_as_either(converted: Any, original: Any, given: Any) -> None:
    """
    Fail unless something converted is what was dumped, or what the library that dumped it gives back.

    Pickle forgets that memory is shared, and the attributes of a Bunch.
    """
    try:
        assert_same(converted, original)
    except AssertionError:
        bunch = getattr(given, "named_estimators_", None)
        if bunch is not None:
            vars(bunch).update(vars(original.named_estimators_))
        assert_same(converted, given)


@EACH
def test_every_estimator_comes_back_from_a_pickle_as_it_was(index, make, record_property):
    estimator = make()
    for protocol in _in_turn(PROTOCOLS, index):
        data = pickle.dumps(estimator, protocol)
        assert_same_as_either(_converted(data), estimator, pickle.loads(data))
        record_property("conversions", f"pickle protocol {protocol}")


@EACH
def test_every_estimator_comes_back_from_joblib_as_joblib_gives_it(index, make, record_property):
    estimator = make()
    for compressor in _in_turn(COMPRESSORS, index):
        data = _joblib_bytes(estimator, compressor)
        # Which arrays were one object a joblib file does not say.
        assert_same_as_either(_converted(data), estimator, joblib.load(io.BytesIO(data)))
        record_property("conversions", f"joblib {compressor or 'uncompressed'}")


@EACH
def test_every_estimator_comes_back_from_skops_as_it_was_or_as_skops_gives_it(index, make, record_property):
    estimator = make()
    try:
        data = skops_io.dumps(estimator)
    except Exception as error:
        pytest.skip(f"skops cannot write it: {str(error)[:60]}")
    converted = _converted(data)
    try:
        assert_same(converted, estimator)
        record_property("conversions", "skops, as it was")
    except AssertionError:
        given = skops_io.loads(data, trusted=skops_io.get_untrusted_types(data=data))
        _forget_seeds(converted)
        _forget_seeds(given)
        assert_same(converted, given)
        record_property("conversions", "skops, as skops gives it")


def _forget_seeds(estimator: Any) -> None:
    """Make equal what skops draws anew each time it loads: the seed that a RandomState began with."""
    for node in (estimator, *getattr(estimator, "param_distributions", {}).values()):
        distribution = getattr(node, "dist", None)
        if distribution is not None:
            distribution._random_state = None


@EACH
def test_every_estimator_is_written_into_a_file_that_gives_it_back(index, make, tmp_path):
    estimator = make()
    source, target = tmp_path / "model.pkl", tmp_path / "model.rfl"
    source.write_bytes(pickle.dumps(estimator, PROTOCOLS[index % len(PROTOCOLS)]))
    reflectio.convert(source, target, policy=POLICY)
    given = pickle.loads(source.read_bytes())
    assert_same_as_either(reflectio.load(target, policy=POLICY), estimator, given)


# -- formats ----------------------------------------------------------------------------------------------------

X, Y = np.arange(400.0).reshape(100, 4) % 7, np.arange(100) % 2


def _pipeline() -> Any:
    return make_pipeline(StandardScaler(), LinearRegression()).fit(X, Y)


def _forest() -> Any:
    return RandomForestClassifier(5, random_state=0).fit(X, Y)


@pytest.mark.parametrize("first", TARGETS)
@pytest.mark.parametrize("second", TARGETS)
def test_any_format_is_converted_into_any_other(first, second, tmp_path):
    model = _pipeline()
    origin, middle, end, back = (tmp_path / name for name in ("a.rfl", "b", "c", "d.rfl"))
    reflectio.dump(model, origin)
    reflectio.convert(origin, middle, format=first)
    done = reflectio.convert(middle, end, format=second)
    assert (done.target_format, done.written, done.lost) == (second, True, False)
    reflectio.convert(end, back)
    assert_same(reflectio.load(back), model)


@pytest.mark.parametrize(
    ("name", "format"),
    [("m.rfl", "binary"), ("m.json", "json"), ("m.pkl", "pickle"), ("m.pickle", "pickle"), ("m.joblib", "joblib"),
     ("m.skops", "skops"), ("m", "binary"), ("m.PKL", "pickle"), ("m.bin", "binary")],
)  # fmt: skip
def test_the_suffix_of_the_target_says_the_format(name, format, tmp_path):
    source = tmp_path / "source.rfl"
    reflectio.dump(_pipeline(), source)
    assert reflectio.convert(source, tmp_path / name).target_format == format


@pytest.mark.parametrize("target", ["model.json", "other.rfl"])
def test_a_documents_metadata_go_with_it_into_another_document(target, tmp_path):
    metadata = {"trained by": "Ada", "folds": [0.9, 0.95]}
    document = reflectio.dumps(LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0]), metadata=metadata)
    reflectio.convert(document, tmp_path / target)
    assert reflectio.read_header(tmp_path / target).metadata == metadata
    assert reflectio.diff(document, tmp_path / target).same


@pytest.mark.parametrize("target", ["model.pkl", "model.joblib", "model.skops"])
def test_a_documents_metadata_do_not_stop_it_from_becoming_another_librarys_file(target, tmp_path):
    model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    done = reflectio.convert(reflectio.dumps(model, metadata={"trained by": "Ada"}), tmp_path / target)
    assert done.written
    assert not done.lost


def test_a_document_with_a_segment_is_edited_as_json_and_converted_back(tmp_path):
    path, text, edited = tmp_path / "model.rfl", tmp_path / "model.json", tmp_path / "edited.rfl"
    reflectio.dump({"values": np.arange(1000.0), "slope": 0.5}, path)
    reflectio.convert(path, text)
    text.write_text(text.read_text().replace('"slope": 0.5', '"slope": 0.25'))
    reflectio.convert(text, edited)
    assert edited.read_bytes() == reflectio.dumps({"values": np.arange(1000.0), "slope": 0.25})


def test_the_contents_of_the_source_say_its_format_whatever_its_name(tmp_path):
    source = tmp_path / "model.json"
    source.write_bytes(pickle.dumps(_pipeline()))
    assert reflectio.convert(source, tmp_path / "out.rfl").source_format == "pickle"


def test_arrays_of_joblib_that_can_be_mapped_come_back_to_the_bit(tmp_path):
    arrays = [
        np.random.default_rng(0).random((300, 50)),
        np.asfortranarray(np.ones((200, 30))),
        np.zeros((0, 3)),
    ]
    joblib.dump(arrays, tmp_path / "a.joblib")
    reflectio.convert(tmp_path / "a.joblib", tmp_path / "a.rfl")
    assert_same(reflectio.load(tmp_path / "a.rfl"), joblib.load(tmp_path / "a.joblib"))
    assert_same(reflectio.load(tmp_path / "a.rfl", mmap=True)[0].copy(), arrays[0])


def test_a_joblib_file_of_an_old_joblib_has_no_padding(tmp_path, monkeypatch):
    from joblib import numpy_pickle

    original = numpy_pickle.NumpyArrayWrapper.__init__

    def without_padding(self, *args, **kwargs):
        original(self, *args, **kwargs)
        del self.numpy_array_alignment_bytes

    monkeypatch.setattr(numpy_pickle.NumpyArrayWrapper, "__init__", without_padding)
    array = np.arange(7.0)
    data = _joblib_bytes([array, "after"], 0)
    assert_same(_converted(data), [array, "after"])
    assert "without padding" in reflectio.audit(data).notices[0].message


@pytest.mark.parametrize("compressor", [name for name in COMPRESSORS if name])
def test_compressors_are_told_by_the_first_bytes(compressor):
    assert compressor_of(_joblib_bytes([1], compressor)[:8]) == compressor


# -- values -----------------------------------------------------------------------------------------------------


def _containing_itself() -> list[Any]:
    items: list[Any] = [1, {"a": 2}]
    items.append(items)
    items[1]["self"] = items
    return items


def _read_only() -> Any:
    array = np.arange(3.0)
    array.flags.writeable = False
    return array


_SHARED = [1, 2]
_KNOTS = np.linspace(0, 1, 8)
_UTC = datetime.UTC

VALUES: dict[str, Any] = {
    "plain": [None, True, 1, -1, 2**31, 2**63, 2**64, -(2**70), 0.5, -0.0, float("inf"), float("nan")],
    "text": ["", "ü", "\n", "\x00", "it's", "\ud800"],
    "bytes": [b"", b"ab\xff", bytearray(b"xy"), bytearray()],
    "complex": complex(1, -2),
    "containers": [(), (1,), [], {}, set(), {1, 2}, frozenset({3}), ((1, (2,)),)],
    "keys": {1: 2, (1, 2): 3, None: 4, 1.5: 5, "$": 6},
    "cycle": _containing_itself(),
    "shared": [_SHARED, _SHARED, (_SHARED,)],
    "ordered": OrderedDict([("b", 1), ("a", 2)]),
    "counter": Counter("aab"),
    "default dict": defaultdict(list, {"a": [1]}),
    "deque": deque([1, 2], maxlen=5),
    "dates": [datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, 3, 4, 5, 6), datetime.time(1, 2, 3)],
    "zones": [
        datetime.datetime(2020, 1, 1, tzinfo=_UTC),
        datetime.timezone(datetime.timedelta(hours=1), "x"),
    ],
    "durations": datetime.timedelta(1, 2, 3),
    "exact numbers": [decimal.Decimal("1.50"), fractions.Fraction(1, 3)],
    "uuid": uuid.UUID(int=5),
    "paths": [pathlib.PurePosixPath("/a/b"), pathlib.Path("x")],
    "pattern": re.compile("a+", re.IGNORECASE),
    "slices": [slice(1, None, 2), range(1, 10, 3), Ellipsis, NotImplemented],
    "functions": [np.mean, np.log1p, len, np.float64, float, str.lower],
    "partial": functools.partial(np.clip, a_min=0),
    "getters": [operator.itemgetter(1, 2), operator.methodcaller("lower")],
    "numpy scalars": [np.float64(1.5), np.float32(1), np.int8(3), np.True_, np.str_("ab"), np.bytes_(b"x")],
    "numpy moments": [np.datetime64("2020-01-01"), np.timedelta64(3, "h"), np.array(["2020-01-01"], "M8[D]")],
    "orders": [np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(5)],
    "text arrays": [np.array(["a", "bcd"]), np.array([b"a"]), np.zeros((0, 3)), np.array([True, False])],
    "objects": np.array([1, "a", None, [1, 2], (3,)], object),
    "objects in Fortran order": np.asfortranarray(np.array([[1, "a"], [None, 2]], object)),
    "one object": np.array(None, object),
    "records": np.array([(1, 2.0, "a")], [("x", "i4"), ("y", "f8"), ("z", "U3")]),
    "aligned records": np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "arrays in records": np.zeros(2, [("a", "f8", (2, 2))]),
    "record array": np.rec.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]),
    "masked": np.ma.masked_array([1.0, 2.0], [False, True], fill_value=7.0),
    "dtypes": [
        np.dtype("f8"),
        np.dtype([("a", "i4")]),
        np.dtype("M8[25us]"),
        np.dtype("U5"),
        np.dtype(">f4"),
    ],
    "random states": [np.random.RandomState(1), np.random.default_rng(2)],
    "bit generators": [np.random.Generator(getattr(np.random, n)(3)) for n in ("Philox", "SFC64", "MT19937")],
    "seeds": [np.random.SeedSequence(5, spawn_key=(1,)), np.random.SeedSequence([1, 2])],
    "sparse": [
        getattr(scipy.sparse, f"{layout}_{kind}")(np.eye(4))
        for layout in ("csr", "csc", "coo", "bsr", "dia", "lil")
        for kind in ("matrix", "array")
    ],
    "distributions": [scipy.stats.norm(0, 1), scipy.stats.randint(1, 5), scipy.stats.loguniform(1e-3, 1)],
    "splines": [
        scipy.interpolate.make_interp_spline(_KNOTS, _KNOTS**2),
        scipy.interpolate.CubicSpline(_KNOTS, _KNOTS),
    ],
    "bunch": Bunch(a=1, b=np.zeros(2)),
    "namespace": types.SimpleNamespace(a=1),
    "read-only": _read_only(),
}

# Protocols 0 and 1 cannot write objects with slots.
_SLOTTED = {"splines"}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", VALUES)
def test_values_come_back_from_pickles_of_every_protocol(name, protocol):
    if name in _SLOTTED and protocol < 2:
        with pytest.raises(TypeError):
            pickle.dumps(VALUES[name], protocol)
        return
    data = pickle.dumps(VALUES[name], protocol)
    # A Bunch has lost its attributes, and a read-only array that it is one, in what pickle gives.
    expected = VALUES[name] if name == "bunch" else pickle.loads(data)
    assert_same(_converted(data), expected)


def test_byte_order_survives_where_pickle_itself_gives_it_up():
    array = np.array([1, 2], ">i4")
    assert_same(_converted(pickle.dumps(array, 2)), array)


def test_python_2_text_that_is_not_ascii_is_refused_rather_than_guessed():
    with pytest.raises(ReflectioError, match="Python 2"):
        _converted(b"\x80\x02U\x01\xe9.")


def test_what_pandas_pickles_is_refused_with_advice():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    with pytest.raises(ReflectioError):
        _converted(pickle.dumps(pandas.DataFrame({"a": [1]})))


# -- hostile files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["GLOBAL and REDUCE", "STACK_GLOBAL", "INST", "OBJ", "protocol 0", "protocol 1, OBJ", "__reduce__",
     "a memo entry that is replaced", "a call in the key of a dict", "a call below the mark", "name: dots in the name"],
)  # fmt: skip
def test_the_hostile_files_do_run_what_they_hold_when_pickle_loads_them(name, tmp_path):
    (tmp_path / "file").write_bytes(ATTACKS[name].make())
    script = "import pickle; pickle.load(open('file', 'rb'))"
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=tmp_path, capture_output=True)
    ran = (tmp_path / "reflectio-marker").exists()
    # The last one is refused for a name that this scikit-learn does not have.
    assert ran == (name != "name: dots in the name")


def _files_to_damage() -> dict[str, bytes]:
    model = _forest()
    return {
        "pickle": pickle.dumps(model, 4),
        "old pickle": pickle.dumps(_pipeline(), 0),
        "joblib": _joblib_bytes(model, 0),
        "compressed joblib": _joblib_bytes(model, "zlib"),
        "skops": skops_io.dumps(_pipeline()),
    }


@functools.cache
def _file(name: str) -> bytes:
    return _files_to_damage()[name]


@pytest.mark.parametrize("name", ["pickle", "old pickle", "joblib", "compressed joblib", "skops"])
def test_a_file_cut_short_anywhere_is_refused(name):
    data = _file(name)
    for end in itertools.chain(range(40), range(40, len(data) - 1, max(1, len(data) // 60))):
        with pytest.raises(ReflectioError):
            _converted(data[:end])


@pytest.mark.parametrize("name", ["pickle", "old pickle", "joblib", "compressed joblib", "skops"])
def test_a_file_with_changed_bytes_is_refused_or_converted(name):
    rng = random.Random(name)
    data = _file(name)
    refused = 0
    for _ in range(150):
        forged = bytearray(data)
        for _ in range(rng.choice((1, 1, 4))):
            forged[rng.randrange(len(forged))] = rng.randrange(256)
        try:
            _converted(bytes(forged))
        except ReflectioError:
            refused += 1
    assert refused


# -- what is written --------------------------------------------------------------------------------------------


@pytest.fixture
def model_pkl(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(_pipeline()))
    return path


def test_a_target_that_exists_is_replaced_only_where_that_is_asked_for(model_pkl, tmp_path):
    target = tmp_path / "model.rfl"
    target.write_bytes(b"old")
    with pytest.raises(FileExistsError, match="exists already"):
        reflectio.convert(model_pkl, target)
    assert target.read_bytes() == b"old"
    reflectio.convert(model_pkl, target, overwrite=True)
    assert_same(reflectio.load(target), _pipeline())


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_target_that_appears_during_the_conversion_stands(links, model_pkl, tmp_path, monkeypatch):
    target = tmp_path / "model.rfl"

    def slow(*arguments: Any, **options: Any) -> bytes:
        target.write_bytes(b"of another")
        return write(*arguments, **options)

    _without_links(monkeypatch, links)
    monkeypatch.setattr(files, "write", slow)
    with pytest.raises(FileExistsError, match="exists already"):
        reflectio.convert(model_pkl, target)
    assert target.read_bytes() == b"of another"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.pkl", "model.rfl"]
    target.unlink()
    monkeypatch.setattr(files, "write", write)
    reflectio.convert(model_pkl, target)
    assert_same(reflectio.load(target), _pipeline())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.pkl", "model.rfl"]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_target_that_appears_while_it_is_written_stands(links, tmp_path, monkeypatch):
    target = tmp_path / "model.rfl"

    def pieces() -> Iterator[bytes]:
        yield b"new"
        target.symlink_to("nowhere")

    _without_links(monkeypatch, links)
    with pytest.raises(FileExistsError) as caught:
        write_atomically(target, pieces(), replace=False)
    assert caught.value.filename == str(target)
    assert os.readlink(target) == "nowhere"
    assert os.listdir(tmp_path) == ["model.rfl"]


def _without_links(monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """Let the system be one whose files cannot have two names."""

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
        monkeypatch.setattr(os, "link", refuse)


def test_a_check_writes_nothing(model_pkl, tmp_path):
    done = reflectio.convert(model_pkl, tmp_path / "model.rfl", check=True)
    assert not done.written
    assert done.target_bytes > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.pkl"]


def test_a_target_that_cannot_be_written_leaves_nothing(model_pkl, tmp_path):
    with pytest.raises(FileNotFoundError):
        reflectio.convert(model_pkl, tmp_path / "nowhere" / "model.rfl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.pkl"]


@pytest.mark.parametrize("compression", ["zlib", "zstd", ("zlib", 1)])
def test_a_binary_document_is_compressed_where_that_is_asked_for(compression, tmp_path):
    array = np.arange(10_000.0)
    source = tmp_path / "array.pkl"
    source.write_bytes(pickle.dumps(array))
    done = reflectio.convert(source, tmp_path / "array.rfl", compression=compression)
    written = (tmp_path / "array.rfl").read_bytes()
    assert written == reflectio.dumps(array, compression=compression)
    assert done.target_bytes == len(written) < array.nbytes
    np.testing.assert_array_equal(reflectio.load(tmp_path / "array.rfl"), array)


@pytest.mark.parametrize("name", ["model.json", "copy.pkl", "model.joblib", "model.skops"])
def test_what_is_no_binary_document_cannot_be_compressed(name, model_pkl, tmp_path):
    with pytest.raises(ValueError, match="compression needs the format 'binary'"):
        reflectio.convert(model_pkl, tmp_path / name, compression="zlib")
    assert not (tmp_path / name).exists()


def test_a_format_that_is_none_is_a_mistake(model_pkl, tmp_path):
    with pytest.raises(ValueError, match="format must be one of"):
        reflectio.convert(model_pkl, tmp_path / "x", format="onnx")


def test_what_a_library_loses_is_written_only_where_that_is_allowed(tmp_path):
    shared = np.arange(100.0)
    source = tmp_path / "source.rfl"
    state = np.random.RandomState(0)
    reflectio.dump({"a": (state, shared), "b": [state, shared]}, source)
    said = _outputs(["source.rfl", "y.skops"], tmp_path)[1]
    assert "What differs:\n  $.model.a[0].bit_generator.seed_seq: None → seedsequence\n" in said
    assert "--lossy writes it" in said
    assert not (tmp_path / "y.skops").exists()
    lost = reflectio.convert(source, tmp_path / "x.skops", lossy=True)
    assert lost.losses == ("$.model.a[0].bit_generator.seed_seq: None → seedsequence",)
    assert (
        "skops loses $.model.a[0].bit_generator.seed_seq"
        in _run("source.rfl", "z.skops", "--lossy", cwd=tmp_path).stdout
    )


def test_of_many_losses_the_first_ones_are_listed(tmp_path):
    reflectio.dump([np.random.RandomState(seed) for seed in range(7)], tmp_path / "source.rfl")
    with pytest.raises(ReflectioError) as caught:
        reflectio.convert(tmp_path / "source.rfl", tmp_path / "target.skops")
    told = str(caught.value).splitlines()
    assert told[1] == "  $.model[0].bit_generator.seed_seq: None → seedsequence"
    assert told[6:] == ["  and 2 more", "lossy=True writes it all the same"]


def _search() -> Any:
    return GridSearchCV(Ridge(), {"alpha": [0.5, 1.0], "solver": ["svd", "lsqr"]}, cv=2).fit(X, Y)


def _vote() -> Any:
    return VotingRegressor([("one", Ridge()), ("two", LinearRegression())]).fit(X, Y)


@pytest.mark.parametrize("make", [_search, _vote])
@pytest.mark.parametrize("target", ["pickle", "joblib"])
def test_what_means_the_same_is_no_loss(make, target, tmp_path):
    """pickle says the default fill value of a masked array, and a Bunch forgets texts that it has none of."""
    reflectio.dump(make(), tmp_path / "source.rfl")
    assert reflectio.convert(tmp_path / "source.rfl", tmp_path / "target", format=target).losses == ()


@pytest.mark.parametrize("fill_value", [None, 7.0])
def test_another_fill_value_than_the_default_is_compared(fill_value):
    array = np.ma.array([1.0, 2.0], mask=[True, False], fill_value=fill_value)
    other = pickle.loads(pickle.dumps(array))
    assert fingerprint(other) == fingerprint(array)
    assert array._fill_value is None or fill_value is not None
    other.fill_value = 8.0
    assert fingerprint(other) != fingerprint(array)


@pytest.mark.parametrize("size", [10, 1000])
def test_a_fingerprint_tells_states_apart(size):
    values = np.arange(float(size))
    assert fingerprint([values, values.copy()]) == fingerprint([values.copy(), values[:]])
    other = values.copy()
    other[-1] = np.nextafter(other[-1], 0.0)
    assert fingerprint([other]) != fingerprint([values])
    assert fingerprint([values.astype(">f8")]) != fingerprint([values])
    assert fingerprint([values.reshape(2, -1)]) != fingerprint([values.reshape(-1, 2)])
    assert fingerprint([2**70]) != fingerprint([2**70 + 1])


def test_unsafe_conversion_loads_what_conversion_does_not_know(tmp_path):
    source = tmp_path / "source.pkl"
    source.write_bytes(pickle.dumps(_Unknown()))
    with pytest.raises(ReflectioError):
        reflectio.convert(source, tmp_path / "x.rfl")
    reflectio.convert(source, tmp_path / "x.rfl", unsafe=True)
    assert reflectio.load(tmp_path / "x.rfl") == [1, 2]


class _Unknown:
    def __reduce__(self) -> Any:
        return eval, ("[1, 2]",)


# -- the command ------------------------------------------------------------------------------------------------


def _run(*arguments: Any, cwd: Path, **changes: Any) -> subprocess.CompletedProcess[str]:
    env = {**environment(), **changes.pop("env", {})}
    command = [sys.executable, "-m", "reflectio", "convert", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=env, timeout=120, **changes)


def test_the_command_converts_a_file(model_pkl, tmp_path):
    ran = _run("model.pkl", "model.json", cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("converted  model.pkl (pickle, ")
    assert_same(reflectio.load(tmp_path / "model.json"), _pipeline())


def test_the_command_reports_as_json(model_pkl, tmp_path):
    report = json.loads(_run("model.pkl", "model.rfl", "--check", "--json", cwd=tmp_path).stdout)
    assert report["ok"]
    (file,) = report["files"]
    assert (file["source_format"], file["target_format"], file["written"]) == ("pickle", "binary", False)
    assert not (tmp_path / "model.rfl").exists()


@pytest.mark.parametrize(("text", "compression"), [("zlib", "zlib"), ("zlib:9", ("zlib", 9))])
def test_the_command_compresses_files_and_folders(text, compression, tmp_path):
    array = np.tile(np.arange(100.0), 100)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.pkl").write_bytes(pickle.dumps(array))
    for source, target in (("models/a.pkl", "a.rfl"), ("models", "out")):
        assert _run(source, target, "--compression", text, cwd=tmp_path).returncode == 0
    expected = reflectio.dumps(array, compression=compression)
    assert (tmp_path / "a.rfl").read_bytes() == (tmp_path / "out" / "a.rfl").read_bytes() == expected


@pytest.mark.parametrize(
    ("target", "text", "message"),
    [("out.rfl", "gzip", "'gzip' is no method; choose zlib or zstd"),
     ("out.rfl", "zlib:10", "must be an integer from 1 to 9, not 10"),
     ("out.rfl", "zlib:", "the level is a number, as in zlib:9"),
     ("out.rfl", "zlib:99999", "the level is a number, as in zlib:9"),
     ("out.rfl", "zlib:-1", "the level is a number, as in zlib:9"),
     ("out.json", "zlib", "this one would be json: let OUT end in .rfl, or give --format binary")],
)  # fmt: skip
def test_a_compression_that_cannot_be_is_a_mistake_in_the_command_line(
    target, text, message, model_pkl, tmp_path
):
    ran = _run("model.pkl", target, "--compression", text, cwd=tmp_path)
    assert ran.returncode == 2
    assert message in " ".join(ran.stderr.replace("│", "").split())
    assert not (tmp_path / target).exists()


def test_the_command_refuses_a_hostile_file_and_says_what_it_holds(tmp_path):
    (tmp_path / "evil.pkl").write_bytes(ATTACKS["__reduce__"].make())
    ran = _run("evil.pkl", "evil.rfl", cwd=tmp_path)
    assert ran.returncode == 1
    assert "posix.system" in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.pkl"]


def test_the_command_says_in_red_what_unsafe_does(model_pkl, tmp_path):
    ran = _run("model.pkl", "model.rfl", "--unsafe", cwd=tmp_path, env={"FORCE_COLOR": "1"})
    assert ran.returncode == 0
    assert re.search(r"\x1b\[1;31m--unsafe: .*RUNS NOW", ran.stderr)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        pytest.param(pickle.dumps(LinearRegression())[:50], "damaged or truncated", id="damaged"),
        pytest.param(b"hello, world", "neither a document of reflectio nor a pickle", id="text"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(contents, message, tmp_path):
    (tmp_path / "file").write_bytes(contents)
    ran = _run("file", "out.rfl", cwd=tmp_path)
    assert ran.returncode == 1
    assert message in " ".join(ran.stderr.split())
    assert not (tmp_path / "out.rfl").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["model.pkl", "."], "is a directory; name the file to write"), (["empty", "out"], "holds no file"),
     ([".", "model.pkl"], "is a file; a folder is converted into a folder"), (["model.pkl"], "Missing argument")],
)  # fmt: skip
def test_the_command_says_what_is_wrong_with_the_arguments(arguments, message, model_pkl, tmp_path):
    (tmp_path / "empty").mkdir()
    ran = _run(*arguments, cwd=tmp_path)
    assert ran.returncode == 2
    assert message in " ".join(ran.stderr.replace("│", "").split())


def test_a_full_disk_leaves_no_half_written_file(tmp_path):
    (tmp_path / "big.pkl").write_bytes(pickle.dumps(np.random.default_rng(0).random(50_000)))

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    ran = _run("big.pkl", "big.rfl", cwd=tmp_path, preexec_fn=small_files)
    assert ran.returncode == 1
    assert "big.rfl: File too large" in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.pkl"]


def test_a_folder_is_converted_with_a_summary_of_what_failed(tmp_path):
    folder = tmp_path / "models"
    (folder / "deep").mkdir(parents=True)
    model = _pipeline()
    (folder / "a.pkl").write_bytes(pickle.dumps(model))
    (folder / "a.joblib").write_bytes(_joblib_bytes(model, 0))
    (folder / "deep" / "b.joblib.gz").write_bytes(_joblib_bytes(model, "gzip"))
    (folder / "deep" / "evil.pkl").write_bytes(ATTACKS["__reduce__"].make())
    (folder / "notes.txt").write_text("not a model")
    ran = _run("models", "out", cwd=tmp_path)
    assert ran.returncode == 1
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.rfl"))
    # Two sources of one name keep their suffixes.
    assert written == ["a.joblib.rfl", "a.pkl.rfl", "deep/b.rfl"]
    assert "3 of 4 files converted, 1 failed" in ran.stdout
    assert "posix.system" in ran.stdout
    for name in written:
        assert_same(reflectio.load(tmp_path / "out" / name), model)
    report = json.loads(_run("models", "out2", "--check", "--json", "--workers", 1, cwd=tmp_path).stdout)
    assert [file["ok"] for file in report["files"]] == [True, True, True, False]
    assert not (tmp_path / "out2").exists()


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["a.pkl", "a.rfl", "a.pkl.rfl"], ["a.pkl.rfl", "a.rfl.rfl", "a.pkl.rfl.rfl"]),
        # One makes way for another, and thereby takes the name of a third.
        (["a.pkl", "a.rfl", "a.pkl.rfl", "a.pkl.rfl.rfl"],
         ["a.pkl.rfl", "a.rfl.rfl", "a.pkl.rfl.rfl", "a.pkl.rfl.rfl.rfl"]),
        (["a.pkl", "b.pkl", "a.pkl.rfl"], ["a.rfl", "b.rfl", "a.pkl.rfl"]),
    ],
)  # fmt: skip
def test_no_two_files_of_a_folder_have_one_target(names, written, tmp_path):
    (tmp_path / "models").mkdir()
    for name in names:
        write_model = reflectio.dump if name.endswith(".rfl") else joblib.dump
        write_model([name], tmp_path / "models" / name)
    ran = _run("models", "out", "--overwrite", "--workers", 1, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    found = {path.name: reflectio.load(path) for path in (tmp_path / "out").iterdir()}
    assert found == {target: [name] for name, target in zip(names, written, strict=True)}


def test_within_one_folder_no_result_replaces_another_model(tmp_path):
    (tmp_path / "models").mkdir()
    contents = {}
    for name in ("a.pkl", "a.rfl", "a.pkl.rfl"):
        write_model = reflectio.dump if name.endswith(".rfl") else joblib.dump
        write_model([name], tmp_path / "models" / name)
        contents[name] = (tmp_path / "models" / name).read_bytes()
    for options in (["--overwrite"], ["--check"], ["--overwrite", "--json"]):
        ran = _run("models", "models", *options, cwd=tmp_path)
        assert ran.returncode == 1
        assert "'models/a.pkl' would become 'models/a.pkl.rfl', which is another model" in ran.stderr
        found = {path.name: path.read_bytes() for path in (tmp_path / "models").iterdir()}
        assert found == contents


def test_a_result_makes_way_for_a_model_that_lies_in_its_place(tmp_path):
    # The results of the inner folder go where the models of a folder in it are, told through a link.
    (tmp_path / "models" / "old" / "old").mkdir(parents=True)
    (tmp_path / "link").symlink_to("models")
    reflectio.dump(["outer"], tmp_path / "models" / "old" / "a.rfl")
    (tmp_path / "models" / "old" / "old" / "a.pkl").write_bytes(pickle.dumps(["inner"]))
    pairs = plan_folder(tmp_path / "models" / "old", tmp_path / "link", "binary")
    targets = [str(target.relative_to(tmp_path / "link")) for _, target in pairs]
    assert targets == ["a.rfl", "old/a.pkl.rfl"]


def test_a_document_is_converted_in_its_own_place(tmp_path):
    reflectio.dump(["a"], tmp_path / "a.rfl")
    assert plan_folder(tmp_path, tmp_path, "binary") == [(tmp_path / "a.rfl", tmp_path / "a.rfl")]


def test_a_folder_is_taken_up_where_it_was_left(tmp_path):
    (tmp_path / "models" / "deep").mkdir(parents=True)
    for name in ("a", "b", "deep/c"):
        (tmp_path / "models" / f"{name}.pkl").write_bytes(pickle.dumps([name]))
    # Inside the folder itself, where what was written before is no model to convert.
    arguments = ["models", "models/out", "--skip-existing", "--workers", 1]
    assert _run(*arguments[:2], cwd=tmp_path).returncode == 0
    (tmp_path / "models" / "out" / "b.rfl").unlink()
    before = (tmp_path / "models" / "out" / "a.rfl").stat()
    ran = _run(*arguments, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "skipped  models/a.pkl: models/out/a.rfl is there" in ran.stdout
    assert "1 of 3 files converted, 2 skipped, 0 failed" in ran.stdout
    assert reflectio.load(tmp_path / "models" / "out" / "b.rfl") == ["b"]
    assert (tmp_path / "models" / "out" / "a.rfl").stat() == before
    (tmp_path / "models" / "d.pkl").write_bytes(b"damaged")
    ran = _run(*arguments, "--json", cwd=tmp_path)
    files = json.loads(ran.stdout)["files"]
    assert [file.get("skipped") for file in files] == [True, True, None, True]
    assert [file["ok"] for file in files] == [True, True, False, True]
    assert ran.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["models", "out", "--overwrite"], "exclude each other"),
     (["models/a.pkl", "a.rfl"], "only of a folder some can be left out"),
     (["models", "models"], "let OUT be another one")],
)  # fmt: skip
def test_what_cannot_be_skipped_is_a_mistake_in_the_command_line(arguments, message, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.pkl").write_bytes(pickle.dumps([1]))
    ran = _run(*arguments, "--skip-existing", cwd=tmp_path)
    assert ran.returncode == 2
    assert message in " ".join(ran.stderr.replace("│", "").split())


class _Ender:
    def __reduce__(self) -> Any:
        return os._exit, (3,)


def test_a_file_that_ends_its_process_does_not_take_the_others_with_it(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.pkl").write_bytes(pickle.dumps([name]))
    (folder / "b.pkl").write_bytes(pickle.dumps(_Ender()))
    report = json.loads(_run("models", "out", "--unsafe", "--json", cwd=tmp_path).stdout)
    assert [file["ok"] for file in report["files"]] == [True, False, True]
    assert "the process that converted it died" in report["files"][1]["error"]


class _Leaver:
    def __reduce__(self) -> Any:
        return sys.exit, (4,)


def test_a_file_that_raises_anything_does_not_take_the_others_with_it(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.pkl").write_bytes(pickle.dumps([name]))
    (folder / "b.pkl").write_bytes(pickle.dumps(_Leaver()))
    ran = _run("models", "out", "--unsafe", "--json", "--workers", 1, cwd=tmp_path)
    report = json.loads(ran.stdout)
    assert ran.returncode == 1
    assert [file["ok"] for file in report["files"]] == [True, False, True]
    assert (
        "did not foresee this, which is a defect of it worth a report: SystemExit: 4"
        in report["files"][1]["error"]
    )


@pytest.mark.parametrize("error", [NotImplementedError("zip version 25.5"), KeyError("x"), RecursionError()])
def test_an_error_that_nobody_foresaw_is_a_failure_of_its_file(error, tmp_path, monkeypatch):
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(folders, "convert_with", fail)
    outcome = folders._convert(tmp_path / "a.pkl", tmp_path / "a.rfl", None)
    assert outcome.failed
    assert f"{type(error).__name__}" in outcome.error
    assert "(test_convert.py, line " in outcome.error


class _Sleeper:
    def __reduce__(self) -> Any:
        return exec, ("import time; open('asleep', 'w').close(); time.sleep(600)",)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_the_processes_of_a_folder_end_with_the_one_that_started_them(end, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.pkl").write_bytes(pickle.dumps(_Sleeper()))
    command = [sys.executable, "-m", "reflectio", "convert", "models", "out", "--unsafe"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        deadline = time.monotonic() + 60
        while not (tmp_path / "asleep").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(end)
        # What they inherited is at its end only once all of them are.
        running.communicate(timeout=60)
    assert running.returncode == -end


class _LateSleeper:
    def __reduce__(self) -> Any:
        return exec, ("import time; time.sleep(1); open('asleep', 'w').close(); time.sleep(600)",)


def test_an_interrupted_folder_says_how_far_it_came(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.pkl").write_bytes(pickle.dumps([1]))
    for name in "bc":
        (tmp_path / "models" / f"{name}.pkl").write_bytes(pickle.dumps(_LateSleeper()))
    command = [sys.executable, "-m", "reflectio", "convert", "models", "out", "--unsafe", "--workers", "1"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        deadline = time.monotonic() + 60
        while not (tmp_path / "asleep").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # As a terminal does: to all processes.
        os.killpg(running.pid, signal.SIGINT)
        said, complained = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said == ""
    assert complained.splitlines()[1:] == [
        "error: interrupted: 1 of 3 files converted, 0 failed",
        "  With --skip-existing, the same command goes on from there.",
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.rfl"]


@pytest.mark.parametrize("arguments", [["", "out"], ["model.pkl", ""], ["model.pkl", "-"]])
def test_a_path_that_is_none_is_a_mistake(arguments, model_pkl, tmp_path):
    ran = _run(*arguments, cwd=tmp_path)
    assert ran.returncode == 2
    assert ("is no path" if "" in arguments else "standard output") in ran.stderr
    assert os.listdir(tmp_path) == ["model.pkl"]


def test_the_command_reads_standard_input(model_pkl, tmp_path):
    with open(model_pkl, "rb") as file:
        ran = _run("-", "model.rfl", cwd=tmp_path, stdin=file)
    assert ran.stdout.startswith("converted  - (pickle, ")
    assert_same(reflectio.load(tmp_path / "model.rfl"), _pipeline())


def test_bytes_are_the_contents_of_a_source(model_pkl, tmp_path):
    done = reflectio.convert(model_pkl.read_bytes(), tmp_path / "model.rfl")
    assert (done.source, done.source_bytes) == ("-", model_pkl.stat().st_size)
    assert_same(reflectio.load(tmp_path / "model.rfl"), _pipeline())


def test_the_command_speaks_of_its_own_options(model_pkl, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "model.rfl").write_bytes(reflectio.dumps([1]))
    for arguments in (["model.pkl", "models/model.rfl"], ["models", "models"]):
        assert "exists already; --overwrite replaces it" in "".join(_outputs(arguments, tmp_path))
        report = json.loads(_outputs([*arguments, "--json"], tmp_path)[0])
        assert "exists already; --overwrite replaces it" in report["files"][0]["error"]
    report = json.loads(_outputs(["model.pkl", "models/model.rfl", "--json"], tmp_path)[0])
    assert report["files"][0]["error"].endswith("replaces it. Move it away, or choose another path.")


def _outputs(arguments: list[str], folder: Path) -> tuple[str, str]:
    ran = _run(*arguments, cwd=folder)
    assert ran.returncode == 1
    return ran.stdout, ran.stderr


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users can enter; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        folder = Path(name)
        (folder / "models").mkdir()
        (folder / "models" / "a.pkl").write_bytes(pickle.dumps([1]))
        (folder / "closed.pkl").write_bytes(pickle.dumps([1]))
        (folder / "closed.pkl").chmod(0)
        yield folder


@pytest.mark.parametrize("options", [[], ["--check"]], ids=["", "check"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["closed.pkl", "out.rfl"], "closed.pkl: Permission denied"),
     (["models/a.pkl", "models/out.rfl"], "models/out.rfl: Permission denied"),
     (["models", "models"], "models: Permission denied"),
     (["models", "models/new/folder"], "models/new/folder: Permission denied")],
    ids=["source", "target", "folder", "new folder"],
)  # fmt: skip
def test_what_may_not_be_read_or_written_is_one_error(arguments, options, message, shared_folder):
    models = shared_folder / "models"
    (models / "b.pkl").write_bytes(pickle.dumps([2]))
    before = {path: path.read_bytes() for path in models.iterdir()}
    models.chmod(0o555)
    ran = run_without_rights(
        ["convert", "models/a.pkl", "any.rfl"], ["convert", *arguments, *options], cwd=shared_folder
    )
    models.chmod(0o755)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[0] == f"error: {message}"
    assert ran.stderr.splitlines()[1].startswith("  Check the permissions")
    assert ran.stderr.count("denied") == 1
    assert {path: path.read_bytes() for path in models.iterdir()} == before


@pytest.mark.parametrize(
    ("check", "message"),
    [([], "out/deep: File exists"), (["--check"], "out/deep/a.rfl: Not a directory")],
    ids=["", "check"],
)
def test_of_a_folder_the_file_that_cannot_be_written_is_named(check, message, tmp_path):
    (tmp_path / "models" / "deep").mkdir(parents=True)
    (tmp_path / "models" / "deep" / "a.pkl").write_bytes(pickle.dumps([1]))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "deep").write_text("no folder")
    assert message in _outputs(["models", "out", *check], tmp_path)[0]


@pytest.mark.parametrize("check", [[], ["--check"]], ids=["", "check"])
def test_a_folder_that_is_missing_is_told_by_the_name_of_the_target(check, model_pkl, tmp_path):
    ran = _run("model.pkl", "missing/model.rfl", *check, cwd=tmp_path)
    assert ran.returncode == 1
    assert "error: missing/model.rfl: No such file or directory" in ran.stderr


@pytest.mark.parametrize("compressor", COMPRESSORS[1:])
def test_a_compressed_file_that_is_cut_short_is_called_truncated(compressor, tmp_path):
    source = tmp_path / "model.joblib"
    data = _joblib_bytes(_pipeline(), compressor)
    for end in (len(data) // 2, len(data) - 1):
        source.write_bytes(data[:end])
        with pytest.raises(DocumentError) as caught:
            reflectio.convert(source, tmp_path / "model.rfl")
        assert caught.value.message.startswith(
            f"the file is damaged: what {compressor} has compressed in it ends early; the file is truncated"
        )


@pytest.mark.parametrize("compressor", COMPRESSORS[1:])
def test_a_compressed_file_with_a_changed_bit_is_called_damaged(compressor, tmp_path):
    data = _joblib_bytes([_pipeline(), np.random.default_rng(0).random(5000)], compressor)
    source = tmp_path / "model.joblib"
    for place in range(20, len(data), len(data) // 10):
        forged = bytearray(data)
        forged[place] ^= 0x10
        source.write_bytes(forged)
        with pytest.raises(DocumentError, match="damaged") as caught:
            reflectio.convert(source, tmp_path / "model.rfl")
        assert "\n" not in caught.value.message


def test_control_characters_of_a_file_reach_no_terminal(tmp_path):
    from attacks.opcodes import EMPTY_TUPLE, NEWOBJ

    body = value("evil\x1b[31m[bold]") + value("x\x07") + b"\x93" + EMPTY_TUPLE + NEWOBJ
    (tmp_path / "evil.pkl").write_bytes(pickled(body))
    ran = _run("evil.pkl", "out.rfl", cwd=tmp_path)
    assert ran.returncode == 1
    assert not set("\x1b\x07") & set(ran.stdout + ran.stderr)
    assert "[bold]" in ran.stderr


HOSTILE_VERSION = "\x1b]0;PWN\x07\x1b[2J\u202e\nconverted  fake.pkl 1.0"


@pytest.mark.parametrize(
    "arguments", [["models", "out"], ["models", "out", "--json"], ["models/a.pkl", "out.rfl"]]
)
def test_a_warning_with_text_of_a_file_is_harmless_and_one_line(arguments, tmp_path):
    from attacks.opcodes import mapping, new

    (tmp_path / "models").mkdir()
    state = mapping(_sklearn_version=value(HOSTILE_VERSION))
    model = pickled(new("sklearn.linear_model._base.LinearRegression", state))
    (tmp_path / "models" / "a.pkl").write_bytes(model)
    ran = _run(*arguments, cwd=tmp_path)
    assert ran.returncode == 0
    assert not set("\x1b\x07\u202e") & set(ran.stdout + ran.stderr)
    (warning,) = ran.stderr.splitlines()
    assert warning.startswith("warning: " + ("models/a.pkl: " if arguments[0] == "models" else "Trying"))
    assert (
        r"LinearRegression from version \x1b]0;PWN\x07\x1b[2J\u202e converted  fake.pkl 1.0 when" in warning
    )


def test_lz4_is_read_where_it_is_installed():
    pytest.importorskip("lz4.frame", reason="lz4 is not installed")
    data = _joblib_bytes(_forest(), "lz4")
    assert compressor_of(data) == "lz4"
    assert_same_as_either(_converted(data), _forest(), joblib.load(io.BytesIO(data)))
    with pytest.raises(ReflectioError):
        _converted(data[: len(data) // 2])


def test_a_file_that_needs_lz4_says_so_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "lz4", None)
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    with pytest.raises(ReflectioError, match="install lz4"):
        _converted(b"\x04\x22\x4d\x18" + bytes(20))
