"""Reading from and writing to files: straight into each array's memory, verified first, with no second copy."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
import threading
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import xxhash
import zoo
from attacks import compression, documents
from attacks.attack import binary
from exactness import assert_same
from sklearn.ensemble import RandomForestClassifier

import reflectio
from reflectio.source import Source

POLICY = reflectio.Policy.default().extend(callables=["zoo.numeric_columns", "zoo.clip_at_one"])

RUN = np.arange(3000)
ARRAYS: dict[str, Any] = {
    "plain": RUN,
    "Fortran order": np.asfortranarray(RUN.reshape(30, 100)),
    "strides": RUN[::2],
    "big-endian": RUN.astype(">i8"),
    "odd length": np.arange(77, dtype=np.uint8),
    "booleans": RUN % 3 == 0,
    "records": np.rec.fromarrays([RUN, RUN.astype("f4")], names="a,b"),
    "records of one type": [np.zeros(100, [("a", "i8")]) for _ in range(3)],
    "a view": [RUN * 2, None],
    "shared": [RUN + 1] * 2,
    "read-only": np.frombuffer(RUN.tobytes(), np.int64),
    "empty": np.zeros((0, 100)),
}
ARRAYS["a view"][1] = ARRAYS["a view"][0][100:200]


class _OnlyRead:
    """The least that a file can be."""

    def __init__(self, data: bytes, most: int = 1 << 30) -> None:
        self.rest = io.BytesIO(data)
        self.most = most

    def read(self, size: int = -1) -> bytes:
        return self.rest.read(min(size, self.most))


class _TooMuch(_OnlyRead):
    """A file that gives more than it is asked for."""

    def read(self, size: int = -1) -> bytes:
        return self.rest.read(size + 1000)


class _Changing(io.FileIO):
    """A file that becomes shorter or longer while it is read."""

    def __init__(self, path: Path, change: int) -> None:
        super().__init__(path, "r+")
        self.change = change

    def readinto(self, buffer: Any) -> int | None:
        if self.change:
            size = os.fstat(self.fileno()).st_size
            os.truncate(self.fileno(), size + self.change)
            self.change = 0
        return super().readinto(buffer)


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No document is too small to be read array by array."""
    monkeypatch.setattr("reflectio.api._AT_ONCE", 0)
    monkeypatch.setattr("reflectio.source._SMALL", -1)
    monkeypatch.setattr("reflectio.source._CHUNK", 100)


@pytest.fixture
def proofless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No size that a document states is believed before its bytes have come."""
    monkeypatch.setattr("reflectio.streamed_segment._UNPROVEN", 1000)


def through_a_pipe(document: bytes) -> Any:
    read, write = os.pipe()

    def feed() -> None:
        with open(write, "wb") as file:
            file.write(document)

    writer = threading.Thread(target=feed)
    writer.start()
    try:
        with open(read, "rb") as file:
            return reflectio.load(file, policy=POLICY)
    finally:
        writer.join()


@pytest.mark.usefixtures("streamed")
class TestWhatComesBack:
    @pytest.mark.parametrize("index", range(len(zoo.instances())), ids=zoo.instance_names())
    def test_every_estimator_as_from_memory(self, index: int, tmp_path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator, _ = zoo.fitted(index, "float64")
            reflectio.dump(estimator, tmp_path / "model.rfl")
            assert_same(reflectio.load(tmp_path / "model.rfl", policy=POLICY), estimator)

    @pytest.mark.parametrize("method", [None, "zlib", "zstd"])
    @pytest.mark.parametrize("most", [7, 1000, 1 << 30])
    @pytest.mark.usefixtures("proofless")
    def test_arrays_from_a_stream_of_unknown_length(self, method: Any, most: int) -> None:
        document = reflectio.dumps(ARRAYS, compression=method)
        for file in (_OnlyRead(document, most), _TooMuch(document), io.BufferedReader(io.BytesIO(document))):
            assert_same(reflectio.load(file), reflectio.loads(document))
        assert_same(through_a_pipe(document), reflectio.loads(document))

    @pytest.mark.parametrize("method", [None, "zlib", "zstd"])
    def test_arrays_from_a_file(self, tmp_path: Path, method: Any) -> None:
        document = reflectio.dumps(ARRAYS, compression=method)
        (tmp_path / "arrays.rfl").write_bytes(b"before" + document)
        for buffering in (0, 10, 1 << 20):
            with open(tmp_path / "arrays.rfl", "rb", buffering=buffering) as file:
                file.seek(6)
                assert_same(reflectio.load(file), reflectio.loads(document))

    def test_arrays_in_another_order_than_their_nodes(self, tmp_path: Path) -> None:
        rows = np.arange(300.0).reshape(3, 100)
        nodes = [_node(at * 832, 100) for at in (2, 0, 1)]
        segment = b"".join(row.tobytes() + bytes(32) for row in rows)[:-32]
        (tmp_path / "arrays.rfl").write_bytes(binary(nodes, segment))
        loaded = reflectio.load(tmp_path / "arrays.rfl")
        assert np.array_equal(loaded, rows[[2, 0, 1]])

    @pytest.mark.parametrize("method", [None, "zlib"])
    def test_each_array_keeps_its_own_bytes_and_no_more(self, tmp_path: Path, method: Any) -> None:
        arrays = [np.full(1000, index) for index in range(10)]
        reflectio.dump([*arrays, {"at": 64}], tmp_path / "arrays.rfl", compression=method)
        for loaded in reflectio.load(tmp_path / "arrays.rfl")[:-1]:
            assert loaded.base is None
            assert loaded.flags.owndata


def _node(at: int, count: int, **members: Any) -> dict[str, Any]:
    return {"$": "ndarray", "dtype": "float64", "shape": [count], "at": at, **members}


def _error_of(load: Any) -> str:
    try:
        load()
    except reflectio.ReflectioError as error:
        return type(error).__name__
    return "none"


_FORGED = [*documents.ATTACKS, *compression.ATTACKS]


@pytest.mark.usefixtures("streamed")
class TestWhatIsRefused:
    @pytest.mark.parametrize("attack", _FORGED, ids=[attack.id for attack in _FORGED])
    def test_an_attack_meets_the_same_error_in_a_file_as_in_memory(self, attack: Any, tmp_path: Path) -> None:
        document = attack.make()
        if isinstance(document, str):
            document = document.encode("utf-8", "surrogatepass")
        (tmp_path / "policy.toml").write_text(attack.policy)
        (tmp_path / "model.rfl").write_bytes(document)
        policy = tmp_path / "policy.toml" if attack.policy else None
        expected = _error_of(lambda: reflectio.loads(document, policy=policy))
        assert expected in attack.error.split("|")
        assert _error_of(lambda: reflectio.load(tmp_path / "model.rfl", policy=policy)) == expected
        # Of a stream it is not known that it is shorter than it says, but that it may not be so long.
        of_stream = _error_of(lambda: reflectio.load(_OnlyRead(document, 50), policy=policy))
        assert of_stream == expected or (of_stream == "LimitError" and attack.id == "segment-length-large")

    @pytest.mark.parametrize("method", [None, "zlib", "zstd"])
    def test_a_damaged_file_is_said_to_be_damaged_whatever_the_damage_means(
        self, tmp_path: Path, method: Any
    ) -> None:
        rng = np.random.default_rng(0)
        forest = RandomForestClassifier(2, max_depth=3, random_state=0).fit(
            rng.random((99, 3)), np.arange(99) % 2
        )
        document = reflectio.dumps([forest, RUN % 2 == 0], compression=method)
        start = document.index(0) + 64
        for index in range(start, len(document), max(1, (len(document) - start) // 50)):
            damaged = bytearray(document)
            damaged[index] ^= 0xFF
            (tmp_path / "model.rfl").write_bytes(damaged)
            with pytest.raises(reflectio.IntegrityError):
                reflectio.load(tmp_path / "model.rfl")

    def test_a_file_cut_at_any_place(self, tmp_path: Path) -> None:
        document = reflectio.dumps(ARRAYS)
        for length in range(0, len(document), len(document) // 60):
            (tmp_path / "model.rfl").write_bytes(document[:length])
            with pytest.raises(reflectio.DocumentError):
                reflectio.load(tmp_path / "model.rfl")
            with pytest.raises(reflectio.DocumentError):
                reflectio.load(_OnlyRead(document[:length]))

    @pytest.mark.parametrize("change", [-1, -3000, 1, 3000])
    def test_a_file_that_changes_its_length_while_it_is_read(self, tmp_path: Path, change: int) -> None:
        reflectio.dump(ARRAYS, tmp_path / "model.rfl")
        with _Changing(tmp_path / "model.rfl", change) as file, pytest.raises(reflectio.DocumentError):
            reflectio.load(file)

    def test_arrays_that_overlap_what_was_read_for_others(self, tmp_path: Path) -> None:
        for second in (
            _node(0, 64),
            _node(0, 128),
            _node(64, 120),
            {**_node(0, 100), "dtype": {"$": "dtype", "name": "float64"}},
        ):
            (tmp_path / "model.rfl").write_bytes(binary([_node(0, 128), second], bytes(1024)))
            with pytest.raises(reflectio.DocumentError, match="overlap"):
                reflectio.load(tmp_path / "model.rfl")

    @pytest.mark.parametrize("compressed", [False, True])
    def test_a_stream_that_says_it_is_large_gets_no_memory_for_it(self, compressed: bool) -> None:
        count = 1 << 29
        members = {"compression": "zlib", "compressed_nbytes": 1 << 31} if compressed else {}
        node = _node(0, count, **members)
        segment = {"nbytes": (1 << 31) if compressed else 8 * count}
        header = orjson.dumps({"reflectio": 1, "versions": {}, "model": node, "segment": segment})
        document = header + bytes(-len(header) % 64 or 64) + b"x" * 1000
        tracemalloc.start()
        try:
            with pytest.raises(reflectio.DocumentError, match="ended"):
                reflectio.load(_OnlyRead(document))
            assert tracemalloc.get_traced_memory()[1] < 1 << 27
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("beginning", [b"", b'{"a": "'])
    def test_a_header_without_an_end_is_read_up_to_the_limit(self, beginning: bytes, tmp_path: Path) -> None:
        (tmp_path / "policy.toml").write_text("[limits]\ntext_bytes = 1000\n")
        stream = _OnlyRead(beginning + b" " * 10**6, 100)
        with pytest.raises(reflectio.LimitError, match="1000 bytes, the policy's limit text_bytes"):
            reflectio.load(stream, policy=tmp_path / "policy.toml")
        assert stream.rest.tell() < 2000

    def test_a_digest_that_is_right_is_that_of_all_bytes(self, tmp_path: Path) -> None:
        # Padding and arrays of unknown form count as well as what is read in place.
        reflectio.dump(ARRAYS, tmp_path / "model.rfl")
        document = (tmp_path / "model.rfl").read_bytes()
        header = orjson.loads(document[: document.index(0)])
        segment = document[-header["segment"]["nbytes"] :]
        assert header["segment"]["xxh3_128"] == xxhash.xxh3_128_hexdigest(segment)


# -- threads --------------------------------------------------------------------------------------------------


_MOSTLY_TEXT = {"words": {f"word {index}": index for index in range(50_000)}, "numbers": np.arange(100_000.0)}


@pytest.mark.parametrize(
    ("model", "at_once"),
    [
        (_MOSTLY_TEXT, True),
        ([np.arange(200.0) + index for index in range(500)], True),
        ({**_MOSTLY_TEXT, "numbers": np.arange(300_000.0)}, False),
        ([np.arange(200_000.0), "text"], False),
    ],
    ids=["mostly text", "small arrays", "large array", "one array"],
)
def test_a_file_is_read_at_once_where_that_takes_little_memory(
    model: Any, at_once: bool, tmp_path: Path
) -> None:
    reflectio.dump(model, tmp_path / "model.rfl")
    with open(tmp_path / "model.rfl", "rb") as file:
        read = Source(file, 1 << 30).read_at_once(1 << 30)
    assert read == ((tmp_path / "model.rfl").read_bytes() if at_once else None)
    assert_same(reflectio.load(tmp_path / "model.rfl"), model)


@pytest.mark.parametrize("change", [-1, -3000, 1, 3000])
def test_a_file_that_changes_its_length_while_it_is_read_at_once(tmp_path: Path, change: int) -> None:
    class Changing(io.FileIO):
        def read(self, size: int = -1, /) -> Any:
            chunk = super().read(size)
            if self.tell() == len(chunk):
                os.truncate(self.fileno(), length + change)
            return chunk

    reflectio.dump(_MOSTLY_TEXT, tmp_path / "model.rfl")
    length = (tmp_path / "model.rfl").stat().st_size
    with Changing(tmp_path / "model.rfl", "r+") as file, pytest.raises(reflectio.DocumentError):
        reflectio.load(file)


@pytest.mark.usefixtures("streamed")
def test_threads_that_load_at_once_get_what_one_alone_gets(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    models = [
        {"model": RandomForestClassifier(5, random_state=seed).fit(rng.random((99, 5)), np.arange(99) % 3),
         "large": rng.random((seed + 1) * 100_000)}
        for seed in range(4)
    ]  # fmt: skip
    for seed, model in enumerate(models):
        reflectio.dump(model, tmp_path / f"{seed}.rfl", compression=(None, "zlib")[seed % 2])

    def load(job: int) -> Any:
        path = tmp_path / f"{job % 4}.rfl"
        return reflectio.load(path, mmap=job % 3 == 0) if job % 2 else reflectio.loads(path.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(load, range(48)))
    for job, found in enumerate(loaded):
        assert_same(found["model"], models[job % 4]["model"])
        assert np.array_equal(found["large"], models[job % 4]["large"])


def test_threads_that_dump_at_once_give_what_one_alone_gives() -> None:
    arrays = [np.arange(200_000) % (7 + seed) for seed in range(4)]
    expected = [reflectio.dumps(array, compression="zlib") for array in arrays]
    with ThreadPoolExecutor(8) as pool:
        jobs = pool.map(lambda job: reflectio.dumps(arrays[job % 4], compression="zlib"), range(16))
        assert list(jobs) == expected * 4


# -- writing --------------------------------------------------------------------------------------------------


class _TakesPart(io.RawIOBase):
    """A file that takes a part of what it is given."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(memoryview(data).cast("B")[:1001])
        self.taken += part
        return len(part)


@pytest.mark.parametrize("method", [None, "zlib"])
def test_a_file_that_takes_a_part_at_a_time_gets_all_of_every_array(method: Any) -> None:
    model = {**ARRAYS, "axes": np.arange(6000.0).reshape(10, 20, 30), "half": np.arange(999, dtype="f2")}
    file = _TakesPart()
    reflectio.dump(model, file, compression=method)  # type: ignore[arg-type]
    assert bytes(file.taken) == reflectio.dumps(model, compression=method)


def test_long_documents_are_joined_as_short_ones_are() -> None:
    arrays = [np.arange(100_000.0), np.asfortranarray(np.arange(90_000).reshape(300, 300)), np.arange(7)]
    file = io.BytesIO()
    reflectio.dump(arrays, file)
    assert reflectio.dumps(arrays) == file.getvalue()


# -- the header alone -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_an_audit_needs_no_byte_of_the_segment(tmp_path: Path) -> None:
    document = reflectio.dumps({"array": np.arange(100_000)})
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    audited = threading.Event()
    # Not closed, and without the segment: to read on would be to wait for ever.
    writer = threading.Thread(target=_write_and_wait, args=(pipe, document[: document.index(0) + 1], audited))
    writer.start()
    try:
        assert reflectio.audit(pipe).ok
    finally:
        audited.set()
        writer.join()


def _write_and_wait(path: Path, data: bytes, done: threading.Event) -> None:
    with open(path, "wb", buffering=0) as file:
        file.write(data)
        done.wait(60)


def test_an_audit_reads_little_more_than_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reflectio.dump({"array": np.arange(1_000_000)}, tmp_path / "model.rfl")
    reads: list[int] = []

    class Counted(io.FileIO):
        def readinto(self, buffer: Any) -> int | None:
            count = super().readinto(buffer)
            reads.append(count or 0)
            return count

    module = sys.modules["reflectio.audit"]  # the function has the same name
    monkeypatch.setattr(module, "open", lambda path, mode: io.BufferedReader(Counted(path)), raising=False)
    assert reflectio.audit(tmp_path / "model.rfl").ok
    assert 0 < sum(reads) < 20_000


# -- memory, as the system accounts it ------------------------------------------------------------------------

_MB = 1 << 20

_PROGRAM = """
import ctypes, io, os, sys
import numpy as np
import reflectio

def peak_of(step):
    '''How far memory rises above what is held before, in bytes.'''
    ctypes.CDLL(None).malloc_trim(0)  # what was freed must not be at hand
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS")
    result = step()
    return status("VmHWM") - before, result

def status(name):
    with open("/proc/self/status") as file:
        (line,) = [line for line in file if line.startswith(name + ":")]
    return int(line.split()[1]) * 1024

path = sys.argv[1]
reflectio.dump([np.arange(3_000_000)], path)
reflectio.load(path)  # imports and tables count for nothing
"""


@pytest.fixture
def measure(tmp_path: Path) -> Any:
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("the system does not let a process forget its peak of memory")

    def run(program: str) -> int:
        ran = subprocess.run(
            [sys.executable, "-c", _PROGRAM + textwrap.dedent(program), str(tmp_path / "model.rfl")],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return int(ran.stdout)

    return run


_ONE = 5_000_000 * 8
_SLACK = 16 * _MB


def _model(count: int) -> str:
    """A program that makes a model of so many arrays of 38 MB."""
    return f"""
arrays = [np.arange(5_000_000.0).reshape(1000, 5000) for _ in range({count})]
arrays[1] = np.asfortranarray(arrays[1])
model = {{"arrays": arrays, "flags": np.zeros(1000, bool)}}
"""


_MODEL = _model(8)
_SIZE = 8 * _ONE


@pytest.mark.parametrize(
    ("count", "dump"),
    [
        (8, "reflectio.dump(model, path)"),
        (8, "reflectio.dump(model, open(path, 'wb'))"),
        (3, "reflectio.dump(model, path, compression=('zlib', 1))"),
    ],
    ids=["to a path", "to a file", "compressed"],
)
def test_to_dump_takes_at_most_one_array_beyond_the_model(measure: Any, count: int, dump: str) -> None:
    # Some do not lie in memory as in the document, and have to be copied.
    odd = "arrays[0] = arrays[0][::-1]\narrays[2] = arrays[2].reshape(10, 100, 5000).transpose(1, 0, 2)\n"
    peak = measure(_model(count) + odd + f"print(peak_of(lambda: {dump})[0])")
    assert peak < _ONE + _SLACK


_PIPE = "reflectio.load(os.popen(f'cat {path}', 'r').buffer)"


@pytest.mark.parametrize(
    ("count", "compression", "load"),
    [
        (8, None, "reflectio.load(path)"),
        (8, None, "reflectio.load(open(path, 'rb', buffering=0))"),
        (8, None, _PIPE),
        (3, ("zlib", 1), "reflectio.load(path)"),
        (3, ("zlib", 1), _PIPE),
    ],
    ids=["from a path", "from a file", "from a pipe", "compressed", "compressed, from a pipe"],
)
def test_to_load_takes_hardly_more_than_the_model(
    measure: Any, count: int, compression: Any, load: str
) -> None:
    program = _model(count) + f"reflectio.dump(model, path, compression={compression!r})\ndel model, arrays\n"
    peak = measure(program + f"print(peak_of(lambda: {load})[0])")
    assert 0.99 * count * _ONE <= peak < 1.05 * count * _ONE


def test_to_load_from_memory_takes_one_copy_of_each_array(measure: Any) -> None:
    program = _MODEL + "document = reflectio.dumps(model)\ndel model, arrays\n"
    peak = measure(program + "print(peak_of(lambda: reflectio.loads(document))[0])")
    assert 0.99 * _SIZE <= peak < 1.05 * _SIZE


def test_to_map_takes_next_to_nothing(measure: Any) -> None:
    program = _MODEL + "reflectio.dump(model, path)\ndel model, arrays\n"
    assert measure(program + "print(peak_of(lambda: reflectio.load(path, mmap=True))[0])") < 4 * _MB


def test_a_forest_is_loaded_tree_by_tree(measure: Any) -> None:
    program = """
    from sklearn.ensemble import RandomForestRegressor
    rng = np.random.default_rng(0)
    model = RandomForestRegressor(30, random_state=0).fit(rng.random((8_000, 2)), rng.random(8_000))
    reflectio.dump(model, path)
    reflectio.load(path)
    del model
    print(100 * peak_of(lambda: reflectio.load(path))[0] // os.path.getsize(path))
    """
    assert measure(program) < 125
