"""Writing: each array is read once where a file can be written over, and every way of writing gives the same bytes."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

import reflectio
from reflectio import array_bytes, compiled, draft, json_text
from reflectio.codecs import array_data
from reflectio.segment_writer import SegmentWriter

_RNG = np.random.default_rng(0)

# Of more than a block, with bytes between the fields.
_RECORDS = np.dtype([("a", "i8"), ("b", "f4"), ("c", "u1")], align=True)


def _records(n: int) -> Any:
    """Records with leftovers of other memory between their fields."""
    records = np.frombuffer(_RNG.bytes(n * _RECORDS.itemsize), _RECORDS).copy()
    records["b"] = 0.5
    return records


MODELS: dict[str, Any] = {
    "no arrays": {"a": [1, 2.5, None]},
    "a short array": np.arange(100),
    "many arrays": [np.arange(65 + n, dtype=np.int32) for n in range(200)],
    "a long array": np.arange(700_000.0),
    "long and short": [
        np.arange(100),
        np.arange(300_000.0),
        np.arange(77, dtype=np.uint8),
        np.arange(90_000),
    ],
    "records": [_records(200), _records(150_000)],
    "Fortran order": np.asfortranarray(_RNG.random((600, 600))),
    "reversed": np.arange(400_000)[::-1],
    "a long header": [{"text": "x" * 200_000}, np.arange(1000)],
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


class _TakesBytes:
    """The least that a file can be."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def write(self, data: Any) -> int:
        self.taken += memoryview(data).cast("B")
        return memoryview(data).nbytes


class _TakesPart(io.BytesIO):
    """A file that takes a part of what it is given, and can be written over."""

    def write(self, data: Any) -> int:
        return super().write(memoryview(data).cast("B")[:70_001])


class _Full(io.BytesIO):
    """A file on a disk without room."""

    def write(self, data: Any) -> int:
        raise OSError(28, "No space left on device")


def _one_by_one(model: Any) -> bytes:
    """The document, as it is written where no byte can be written over."""
    file = _TakesBytes()
    reflectio.dump(model, file)  # type: ignore[arg-type]
    return bytes(file.taken)


# -- the digests ----------------------------------------------------------------------------------------------


@every_model
def test_the_digests_are_those_of_the_bytes(model: Any) -> None:
    document = reflectio.dumps(model)
    text, _, rest = document.partition(b"\0")
    header = orjson.loads(text)
    before, _, _ = text.rpartition(b'"digest"')
    assert header["digest"] == f"xxh3_128:{xxhash.xxh3_128_hexdigest(before)}"
    if "segment" in header:
        nbytes = header["segment"]["nbytes"]
        start = len(document) - nbytes
        assert start % 64 == 0
        assert not any(rest[:-nbytes])
        assert header["segment"]["xxh3_128"] == xxhash.xxh3_128_hexdigest(document[start:])
    reflectio.loads(document)


@every_model
def test_in_memory_and_one_by_one_the_bytes_are_the_same(model: Any) -> None:
    assert reflectio.dumps(model) == _one_by_one(model)


@pytest.mark.parametrize("method", [None, "zlib"])
def test_what_python_does_and_what_is_compiled_give_the_same_bytes(method: Any, tmp_path: Path) -> None:
    script = (
        "import sys, test_writing, reflectio\n"
        f"for model in test_writing.MODELS.values(): sys.stdout.buffer.write(reflectio.dumps(model, compression={method!r}))\n"
        "sys.stdout.buffer.write(reflectio.dumps(test_writing.MODELS, format='json'))"
    )
    written = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "REFLECTIO_PURE": pure, "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            check=True,
        ).stdout
        for pure in ("", "1")
    }
    assert len(written) == 1


# -- files ----------------------------------------------------------------------------------------------------


def _opened(mode: str, buffering: int = -1) -> Callable[[Path], Any]:
    return lambda path: open(path, mode, buffering=buffering)


def _for_appending(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "wb")


WAYS: dict[str, Callable[[Path], Any]] = {
    "w": _opened("wb"),
    "w+": _opened("w+b"),
    "x": _opened("xb"),
    "unbuffered": _opened("wb", 0),
    "a": _opened("ab"),
    "a+": _opened("a+b"),
    "a, unbuffered": _opened("ab", 0),
    "a descriptor that appends": _for_appending,
}


@every_model
@pytest.mark.parametrize("opened", WAYS.values(), ids=WAYS)
def test_every_way_to_open_a_file_gives_the_same_bytes(
    model: Any, opened: Callable[[Path], Any], tmp_path: Path
) -> None:
    with opened(tmp_path / "model") as file:
        reflectio.dump(model, file)
    assert (tmp_path / "model").read_bytes() == reflectio.dumps(model)


@every_model
def test_a_document_begins_where_the_file_stands_and_ends_where_it_stands_then(
    model: Any, tmp_path: Path
) -> None:
    path, document = tmp_path / "model", reflectio.dumps(model)
    path.write_bytes(b"before" + bytes(len(document)) + b"behind")
    with path.open("r+b") as file:
        assert file.read(6) == b"before"
        reflectio.dump(model, file)
        assert file.tell() == 6 + len(document)
        assert file.read() == b"behind"
    assert path.read_bytes() == b"before" + document + b"behind"
    memory = io.BytesIO(b"before")
    memory.seek(6)
    reflectio.dump(model, memory)
    memory.write(b"behind")
    assert memory.getvalue() == b"before" + document + b"behind"


@pytest.mark.parametrize("opened", [_opened("ab"), _for_appending], ids=["a mode", "a descriptor"])
def test_a_file_to_append_to_keeps_what_it_has(opened: Callable[[Path], Any], tmp_path: Path) -> None:
    path, model = tmp_path / "model", MODELS["long and short"]
    path.write_bytes(b"before")
    with opened(path) as file:
        assert not draft.can_write_over(file)
        reflectio.dump(model, file)
    assert path.read_bytes() == b"before" + reflectio.dumps(model)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("by_path", [False, True])
def test_a_pipe_takes_a_document(by_path: bool, tmp_path: Path) -> None:
    path, model = tmp_path / "pipe", MODELS["long and short"]
    os.mkfifo(path)
    copy = tmp_path / "copy"
    with copy.open("wb") as taken, subprocess.Popen(["cat", str(path)], stdout=taken):
        if by_path:
            reflectio.dump(model, path)
        else:
            with path.open("wb") as file:
                reflectio.dump(model, file)
    assert copy.read_bytes() == reflectio.dumps(model)


def test_a_file_that_says_it_can_seek_and_cannot_go_back_takes_a_document(tmp_path: Path) -> None:
    model = MODELS["long and short"]
    with gzip.open(tmp_path / "model.gz", "wb") as file:
        assert file.seekable()
        reflectio.dump(model, file)
    assert gzip.decompress((tmp_path / "model.gz").read_bytes()) == reflectio.dumps(model)


@every_model
def test_a_file_that_takes_a_part_at_a_time_gets_every_byte_of_what_is_written_over(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft, "can_write_over", lambda file: True)
    monkeypatch.setattr(draft, "_files", None)
    file = _TakesPart()
    reflectio.dump(model, file)
    assert file.getvalue() == reflectio.dumps(model)


@pytest.mark.parametrize("pure", [False, True])
def test_room_on_the_disk_is_no_part_of_a_file(
    pure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pure:
        monkeypatch.setattr(draft, "_files", None)
    path, model = tmp_path / "model", MODELS["a long array"]
    with path.open("wb") as file:
        file.write(b"before")
        reflectio.dump(model, file)
    assert path.read_bytes() == b"before" + reflectio.dumps(model)


# -- errors ---------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the segment fail when half of it is written."""
    blocks = SegmentWriter.blocks

    def some(self: SegmentWriter) -> Iterator[Any]:
        for number, block in enumerate(blocks(self)):
            if number == 3:
                raise MemoryError("no memory for a copy")
            yield block

    monkeypatch.setattr(SegmentWriter, "blocks", some)


@pytest.mark.usefixtures("failing")
def test_an_error_in_the_midst_leaves_the_file_at_a_path_as_it_was(tmp_path: Path) -> None:
    path, model = tmp_path / "model", MODELS["long and short"]
    path.write_bytes(b"what was there")
    with pytest.raises(MemoryError):
        reflectio.dump(model, path)
    with pytest.raises(MemoryError):
        reflectio.dump(model, tmp_path / "new")
    assert os.listdir(tmp_path) == ["model"]
    assert path.read_bytes() == b"what was there"


@pytest.mark.usefixtures("failing")
def test_an_error_in_the_midst_leaves_no_document_in_a_file_that_is_open(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with path.open("wb") as file, pytest.raises(MemoryError):
        reflectio.dump(MODELS["long and short"], file)
    with pytest.raises(reflectio.DecodeError):
        reflectio.load(path)
    with pytest.raises(MemoryError):
        reflectio.dumps(MODELS["long and short"])


def test_until_the_digits_are_filled_in_nothing_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft.Draft, "_ending", lambda self, digits: bytes(self._ending_nbytes))
    file = io.BytesIO()
    reflectio.dump(MODELS["long and short"], file)
    with pytest.raises(reflectio.DecodeError):
        reflectio.loads(file.getvalue())


def test_an_error_of_the_file_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="No space"):
        reflectio.dump(MODELS["a long array"], _Full())


# -- bytes of arrays ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nbytes", [1, 7, 8, 9, 64, 1000, 1 << 30])
def test_blocks_of_any_size_are_the_bytes_of_an_array(nbytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_bytes, "_BLOCK", nbytes)
    for array in (
        np.arange(1001.0),
        _records(100),
        np.zeros((3, 0)),
        np.asfortranarray(np.eye(9)),
        np.array(5),
    ):
        joined = b"".join(bytes(array_bytes.as_bytes(block)) for block in array_bytes.blocks_of(array))
        assert joined == bytes(array_bytes.as_bytes(array_bytes.as_buffer(array)))
        assert len(joined) == array.nbytes


def test_leftovers_between_fields_are_not_written() -> None:
    records = _records(200_000)
    clean = np.zeros(records.shape, records.dtype)
    for name in records.dtype.names:
        clean[name] = records[name]
    # `tobytes` and `zeros_like` go field by field, and leave what lies between them.
    assert bytes(records.view(np.uint8)) != bytes(clean.view(np.uint8))
    assert reflectio.dumps(records) == reflectio.dumps(clean)
    assert reflectio.dumps(records).endswith(bytes(clean.view(np.uint8)))


@given(
    st.integers(0, 12).flatmap(lambda start: st.tuples(st.just(start), st.integers(start, 24))),
    st.lists(st.integers(0, 23), max_size=2),
)
def test_leftovers_are_found_wherever_they_are(gap: tuple[int, int], places: list[int]) -> None:
    elements = np.zeros((5, 24), np.uint8)
    for place in places:
        elements[place % 5, place] = 1
    start, stop = gap
    expected = any(start <= place < stop for place in places)
    assert array_bytes._has_leftovers(elements, start, stop) == expected
    assert array_bytes.has_leftovers(elements, start, stop) == expected


def test_arrays_are_joined_as_they_lie() -> None:
    arrays = [
        np.arange(5, dtype=np.int16),
        np.zeros((0, 3), np.int16),
        np.arange(6, dtype=np.int16).reshape(2, 3),
    ]
    expected = b"".join(array.tobytes() for array in arrays)
    assert array_bytes.joined_bytes(arrays) == array_bytes._joined_bytes(arrays) == expected
    assert array_bytes.joined_bytes([]) == b""


# -- what is compiled -----------------------------------------------------------------------------------------

memory = compiled.part("memory")
indenting = compiled.part("indenting")
records = compiled.part("records")
needs_compiled = pytest.mark.skipif(memory is None, reason="nothing is compiled")


@needs_compiled
def test_memory_takes_what_it_has_room_for_and_gives_it_once() -> None:
    file = memory.Memory(10)
    assert file.write(b"01234") == 5
    with pytest.raises(ValueError, match="room"):
        file.write(bytes(6))
    with pytest.raises(ValueError, match="complete"):
        file.getvalue()
    assert file.write(np.frombuffer(b"56789", np.uint8)) == 5
    assert file.seek(2) == file.tell() == 2
    for place in (-1, 11):
        with pytest.raises(ValueError, match="outside"):
            file.seek(place)
    file.write(b"xy")
    file.seek(10)
    assert file.getvalue() == b"01xy456789"
    with pytest.raises(ValueError, match="room"):
        file.write(b"")
    with pytest.raises(ValueError, match="complete"):
        file.getvalue()


@needs_compiled
@pytest.mark.parametrize("arrays", [[np.arange(6)[::2]], [b"bytes"], [None]])
def test_only_arrays_in_c_order_are_joined(arrays: list[Any]) -> None:
    with pytest.raises(TypeError):
        memory.joined(arrays)


_PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
_TEXT = st.text(st.sampled_from('a$,"\\[]{}:é漢😀\n \x01'), max_size=40) | st.text(max_size=120)
_JSON = st.recursive(
    _PLAIN | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=30)
        | st.dictionaries(_TEXT, inner, max_size=5)
        | st.builds(lambda tag, rest: {"$": tag, **rest}, _TEXT, st.dictionaries(_TEXT, inner, max_size=4))
    ),
    max_leaves=60,
)


def _in_python(value: Any) -> bytes:
    return "".join([*json_text._pieces(value, "\n"), "\n"]).encode()


@given(_JSON)
def test_text_is_laid_out_as_python_does_it(value: Any) -> None:
    assert json_text.pretty(value) == _in_python(value)


@pytest.mark.parametrize("length", range(80, 110))
@pytest.mark.parametrize("character", ["a", "é", "漢", '"'])
def test_lines_are_broken_at_the_same_character(length: int, character: str) -> None:
    text = character * length
    for value in ([text], [1, text], {"$": text}, {"$": "a", "b": text}, {"b": text}, [text[:50], text[50:]]):
        assert json_text.pretty(value) == _in_python(value)


def test_deep_and_long_text_is_laid_out_as_python_does_it() -> None:
    deep: Any = [1]
    for _ in range(200):
        deep = [deep, {"a": {}}]
    for value in (
        deep,
        list(range(100_000)),
        [[]] * 5000,
        {str(n): [n, "a"] for n in range(5000)},
        7,
        "a",
        [],
        {},
    ):
        assert json_text.pretty(value) == _in_python(value)


@pytest.mark.parametrize("format", ["binary", "json"])
def test_metadata_of_subclasses_are_written_as_what_they_are(format: Any) -> None:
    odd = OrderedDict(names=[np.str_("a,b"), np.str_("c")], more=OrderedDict(a=1))
    plain = {"names": ["a,b", "c"], "more": {"a": 1}}
    document = reflectio.dumps(1, metadata=odd, format=format)
    assert document == reflectio.dumps(1, metadata=plain, format=format)
    assert reflectio.audit(document).metadata == plain


_FIELDS = ["f8", "f4", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]


def _extremes(dtype: np.dtype[Any]) -> list[Any]:
    if dtype.kind == "f":
        return [0.0, -0.0, float(np.finfo(dtype).max), float(np.finfo(dtype).tiny), 1]
    if dtype.kind == "b":
        return [True, False]
    return [int(np.iinfo(dtype).min), int(np.iinfo(dtype).max), 1]


@pytest.mark.parametrize("align", [False, True])
def test_records_become_lists_and_records_again(align: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    dtype = np.dtype([(f"field{number}", field) for number, field in enumerate(_FIELDS)], align=align)
    columns = [_extremes(dtype[name]) for name in dtype.names or ()]
    array = np.zeros(12, dtype)
    for name, column in zip(dtype.names or (), columns, strict=True):
        array[name] = (column * 12)[:12]
    rows = array_data.encode_data(array)
    again = array_data.decode_data(rows, dtype, array.shape)
    assert again.tobytes() == array.tobytes()
    monkeypatch.setattr(array_data, "_records", None)
    plain = array_data.encode_data(array)
    assert orjson.dumps(plain) == orjson.dumps(rows)
    assert array_data.decode_data(plain, dtype, array.shape).tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("f8", None), ("f8", True), ("f8", []), ("f8", "a"), ("f8", "inf"), ("f4", 1e39), ("f4", 10**18),
        ("i8", 2**63), ("i8", 1.0), ("i8", True), ("i4", 2**31), ("i2", -(2**15) - 1), ("i1", 128),
        ("u8", -1), ("u8", 2**64 - 1), ("u4", 2**32), ("u2", -1), ("u1", 256), ("?", 1), ("?", None), (">i8", 1),
        ("f2", 1.0), ("S3", "abc"),
    ],
)  # fmt: skip
def test_what_a_field_cannot_hold_is_left_to_python(
    field: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dtype = np.dtype([("a", "i4"), ("b", field)])
    rows = [[1, value], [2, value]]
    results = []
    for part in (array_data._records, None):
        monkeypatch.setattr(array_data, "_records", part)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results.append(array_data.decode_data(rows, dtype, (2,)).tobytes())
        except Exception as error:
            results.append(repr(error).encode())
    assert results[0] == results[1]


@needs_compiled
@pytest.mark.parametrize(
    "rows", [[[1, 2.0]], [[1, 2.0], [1]], [[1, 2.0], (1, 2.0)], [[1, 2.0], None], [[1, 2.0]] * 3]
)
def test_rows_that_are_not_the_records_are_refused(rows: list[Any]) -> None:
    assert not records.fill(np.zeros(2, [("a", "i4"), ("b", "f8")]), rows)


@needs_compiled
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_records_with_what_json_has_no_number_for_are_left_to_python(value: float) -> None:
    array = np.zeros(3, [("a", "i4"), ("b", "f4")])
    array["b"][1] = value
    assert records.rows_of(array) is None
    assert records.rows_of(np.zeros(3)) is None
    assert records.rows_of(np.zeros(6, [("a", "i4")])[::2]) is None
