"""The document: header, digest, segment; what damaged, edited and hostile bytes lead to."""

from __future__ import annotations

import array
import json
import re
import subprocess
import sys
import warnings
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import partial
from operator import itemgetter
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import models
import numpy as np
import pytest
from exactness import assert_same
from roundtrip import FORMATS, POLICY, both_formats

import reflectio

SMALL = {"coef_": np.array([0.5, -1.25]), "steps": [("a", None)], "name": "ü"}
LARGE = {"first": np.arange(100.0), "second": np.arange(300, dtype="i2").reshape(10, 30)}

# numpy 1 has no strings of any length.
HAS_STRINGS = hasattr(np.dtypes, "StringDType")


def header_of(document: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(document.partition(b"\0")[0])
    return header


def load_quietly(document: Any, policy: Any = POLICY) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", reflectio.VersionWarning)
        return reflectio.loads(document, policy=policy)


def wrap(model: Any, **members: Any) -> str:
    return json.dumps({"reflectio": 1, "versions": {}, "model": model, **members})


# -- what a document looks like ---------------------------------------------------------------------------------


def test_a_small_model_is_plain_json() -> None:
    from sklearn.linear_model import LinearRegression

    fitted = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    document = reflectio.dumps(fitted)
    assert b"\0" not in document
    header = json.loads(document)
    assert header["model"]["$"] == "sklearn.linear_model.LinearRegression"
    coefficients = {"$": "ndarray", "dtype": "float64", "shape": [1], "data": fitted.coef_.tolist()}
    assert header["model"]["coef_"] == coefficients


@pytest.mark.parametrize("value", [SMALL, LARGE], ids=["small", "large"])
def test_the_members_of_the_header_are_in_order(value: Any) -> None:
    deep: Any = [value]
    for _ in range(120):
        deep = [deep]
    document = reflectio.dumps({"deep": deep, "value": value}, metadata={"by": "me"})
    expected = ["reflectio", "versions", "metadata", "model", "objects", "segment", "digest"]
    assert list(header_of(document)) == [name for name in expected if value is LARGE or name != "segment"]


def test_metadata_is_kept_as_it_is() -> None:
    metadata = {"author": "ü", "n": [1, 2.5, None, True]}
    for format in FORMATS:
        assert header_of(reflectio.dumps(1, metadata=metadata, format=format))["metadata"] == metadata


def test_the_segment_follows_the_header_at_a_multiple_of_64() -> None:
    document = reflectio.dumps(LARGE)
    end = document.index(0)
    start = -(-(end + 1) // 64) * 64
    header = header_of(document)
    assert len(document) == start + header["segment"]["nbytes"]
    assert set(document[end:start]) == {0}
    assert header["model"]["first"]["at"] == 0
    assert header["model"]["second"]["at"] == 832  # 800 bytes, and padding
    assert np.array_equal(np.frombuffer(document, "f8", 100, start), LARGE["first"])


@pytest.mark.parametrize("length", range(60, 80))
def test_a_header_of_any_length_ends_before_its_segment(length: int) -> None:
    value = {"x" * length: np.arange(65)}
    assert_same(value, reflectio.loads(reflectio.dumps(value)))


def test_json_format_has_each_row_of_an_array_on_one_line() -> None:
    text = reflectio.dumps(
        {"a": np.arange(12.0).reshape(3, 4), "b": np.ones((2, 2, 3))}, format="json"
    ).decode()
    for row in ("[0.0, 1.0, 2.0, 3.0]", "[4.0, 5.0, 6.0, 7.0]", "[8.0, 9.0, 10.0, 11.0]"):
        assert re.search(rf"^ +{re.escape(row)},?$", text, re.MULTILINE)
    assert len(re.findall(r"^ +\[1\.0, 1\.0, 1\.0\],?$", text, re.MULTILINE)) == 4


def test_json_format_has_a_long_row_on_one_line() -> None:
    text = reflectio.dumps(np.arange(2000.0).reshape(2, 1000), format="json").decode()
    rows = [line for line in text.splitlines() if line.count(",") >= 999]
    assert len(rows) == 2


def test_json_format_has_neither_digest_nor_segment() -> None:
    header = json.loads(reflectio.dumps(LARGE, format="json"))
    assert "digest" not in header
    assert "segment" not in header


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="binary"):
        reflectio.dumps(1, format="yaml")  # type: ignore[arg-type]


# -- what can be read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    "given",
    [
        bytes,
        bytearray,
        memoryview,
        lambda data: memoryview(bytearray(data)),
        lambda data: memoryview(bytes(2 * len(data))).__class__(b"".join(bytes([byte, 0]) for byte in data))[
            ::2
        ],
        lambda data: memoryview(data[::-1])[::-1],
        lambda data: memoryview(data).cast("c"),
        lambda data: (
            memoryview(array.array("h", data + b" " * (len(data) % 2))) if b"\0" not in data else data
        ),
    ],
    ids=[
        "bytes",
        "bytearray",
        "memoryview",
        "writeable",
        "every other byte",
        "reversed",
        "characters",
        "shorts",
    ],
)
def test_any_buffer_can_be_read(given: Any, value: Any) -> None:
    assert_same(value, reflectio.loads(given(reflectio.dumps(value))))


def test_text_can_be_read() -> None:
    assert_same(SMALL, reflectio.loads(reflectio.dumps(SMALL, format="json").decode()))
    assert_same(SMALL, reflectio.loads(reflectio.dumps(SMALL).decode()))


def test_what_is_loaded_does_not_change_with_the_buffer_it_came_from() -> None:
    document = bytearray(reflectio.dumps(LARGE))
    again = reflectio.loads(document)
    document[:] = bytes(len(document))
    assert_same(LARGE, again)


@pytest.mark.parametrize("data", [None, 1, ["x"], object()])
def test_what_is_no_bytes_is_a_type_error(data: Any) -> None:
    with pytest.raises(TypeError, match="bytes, bytearray, memoryview or str"):
        reflectio.loads(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        ("\ud800", "Unicode"),
        (b"\0", "empty"),
        (b"\xff\xfe", "not a reflectio document"),
        (b"[]", "does not start with"),
        (b"{}", "format version is missing"),
        (b'{"reflectio": "1"}', "format version is missing"),
        (b'{"reflectio": true, "versions": {}, "model": 1}', "format version is missing"),
        (b'{"reflectio": 2, "versions": {}, "model": 1}', "format version 2"),
        (b'{"reflectio": 1, "versions": {}}', "no model"),
        (b'{"reflectio": 1, "model": 1}', "no versions"),
        (b'{"reflectio": 1, "versions": [], "model": 1}', "versions must be an object"),
        (b'{"reflectio": 1, "versions": {}, "model": 1, "objects": {}}', "objects must be a list"),
        (b'{"reflectio": 1, "versions": {}, "model": 1, "extra": 1}', "unknown members: 'extra'"),
        (b'{"reflectio": 1, "versions": {}, "model": 1, "digest": "md5:0"}', "xxh3_128"),
        (b'{"reflectio": 1, "versions": {}, "model": 1}x', "not a reflectio document"),
        (b'{"reflectio": 1, "versions": {}, "model": 1}\0', "describes no segment"),
        (b'{"reflectio": 1, "versions": {}, "model": NaN}', "not a reflectio document"),
        (b"\x80\x05]\x94.", "looks like a pickle"),
        (b"PK\x03\x04", "zip archive"),
    ],
)
def test_what_is_no_document_is_said_to_be_none(data: Any, message: str) -> None:
    with pytest.raises(reflectio.DocumentError, match=message):
        reflectio.loads(data)


@pytest.mark.parametrize(
    ("given", "error"),
    [("model.rfl", reflectio.DocumentError), ("/tmp/model.json", reflectio.DocumentError),
     (Path("model.rfl"), TypeError)],
)  # fmt: skip
def test_a_path_in_the_place_of_a_document_is_answered_with_what_reads_it(given, error) -> None:
    with pytest.raises(error, match=r"reflectio\.load reads the file at a path"):
        reflectio.loads(given)


# -- the digest -------------------------------------------------------------------------------------------------


def test_an_edit_is_noticed_while_the_digest_stands() -> None:
    edited = reflectio.dumps(SMALL).replace(b"0.5", b"0.7")
    with pytest.raises(reflectio.IntegrityError, match="Delete the member 'digest'"):
        reflectio.loads(edited)


def test_before_a_segment_an_edit_is_accepted_once_spaces_stand_for_the_digest() -> None:
    document = reflectio.dumps({"values": np.arange(1000.0), "slope": 0.5})
    edited = document.replace(b'"slope":0.5', b'"slope":0.7')
    with pytest.raises(
        reflectio.IntegrityError, match="write as many spaces in place of the member 'digest'"
    ):
        reflectio.loads(edited)
    blank = re.sub(rb',"digest":"[^"]*"', lambda found: b" " * len(found[0]), edited)
    assert reflectio.loads(blank)["slope"] == 0.7
    with pytest.raises(reflectio.DocumentError):
        reflectio.loads(re.sub(rb',"digest":"[^"]*"', b"", edited))


def test_an_edit_is_accepted_once_the_digest_is_deleted() -> None:
    edited = re.sub(rb',"digest":"[^"]*"', b"", reflectio.dumps(SMALL).replace(b"0.5", b"0.75"))
    assert reflectio.loads(edited)["coef_"][0] == 0.75


def test_a_document_in_json_format_can_be_edited_at_will() -> None:
    edited = reflectio.dumps(SMALL, format="json").replace(b"0.5", b"0.75")
    assert reflectio.loads(edited)["coef_"][0] == 0.75


def test_an_edit_of_the_segment_is_noticed() -> None:
    document = bytearray(reflectio.dumps(LARGE))
    document[-1] ^= 1
    with pytest.raises(reflectio.IntegrityError, match="segment"):
        reflectio.loads(document)


def test_an_edit_of_the_segment_is_accepted_once_both_digests_are_deleted() -> None:
    document = reflectio.dumps(np.arange(100.0))
    head, body = document[: document.index(0)], document[-800:]
    head = re.sub(rb',"digest":"[^"]*"', b"", re.sub(rb',"xxh3_128":"[^"]*"', b"", head))
    edited = head + bytes(64 - len(head) % 64) + body[:-8] + np.float64(-7).tobytes()
    assert reflectio.loads(edited)[-1] == -7


def test_the_digest_must_come_last() -> None:
    header = header_of(reflectio.dumps(SMALL))
    digest = header.pop("digest")
    with pytest.raises(reflectio.DocumentError, match="last member"):
        reflectio.loads(json.dumps({"digest": digest, **header}))


def test_the_digest_covers_all_that_comes_before_it() -> None:
    document = reflectio.dumps(SMALL)
    with pytest.raises(reflectio.IntegrityError):
        reflectio.loads(document.replace(b'"reflectio":1,', b'"reflectio": 1,', 1))


# -- damage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [SMALL, {"a": np.arange(65, dtype="i1")}], ids=["small", "with a segment"])
@both_formats
def test_every_truncation_is_an_error(value: Any, format: Any) -> None:
    document = reflectio.dumps(value, format=format)
    whole = document.rstrip() if format == "json" else document
    for length in range(len(whole)):
        with pytest.raises(reflectio.DecodeError):
            reflectio.loads(document[:length])


@pytest.mark.parametrize("value", [SMALL, {"a": np.arange(65, dtype="i1")}], ids=["small", "with a segment"])
def test_every_change_of_a_byte_is_an_error_in_binary_format(value: Any) -> None:
    document = bytearray(reflectio.dumps(value))
    for place in range(len(document)):
        for change in (0x01, 0x0A, 0x20, 0x80, 0xFF):
            document[place] ^= change
            with pytest.raises(reflectio.ReflectioError):
                load_quietly(document)
            document[place] ^= change


def test_every_change_of_a_byte_loads_or_is_an_error_in_json_format() -> None:
    document = bytearray(
        reflectio.dumps({**SMALL, "c": {1: 2}, "d": np.arange(3), "e": 2**70}, format="json")
    )
    outcomes: Counter[bool] = Counter()
    for place in range(len(document)):
        for change in (0x01, 0x02, 0x04, 0x10, 0x20, 0x80, 0xFF):
            document[place] ^= change
            outcomes[loads_or_refuses(document)] += 1
            document[place] ^= change
    assert min(outcomes[True], outcomes[False]) > 100


def loads_or_refuses(document: Any) -> bool:
    """Whether a document loads; no error but reflectio's own may say that it does not."""
    try:
        load_quietly(document)
    except reflectio.ReflectioError:
        return False
    return True


@pytest.mark.parametrize("extra", [b"\0", b"x", b" ", b"{}"])
def test_nothing_may_follow_the_segment(extra: bytes) -> None:
    with pytest.raises(reflectio.DocumentError):
        reflectio.loads(reflectio.dumps(LARGE) + extra)


def with_segment(nodes: list[Any], body: bytes, *, padding: bytes | None = None, **described: Any) -> bytes:
    head = wrap(nodes, segment={"nbytes": len(body), **described}).encode()
    return head + (bytes(64 - len(head) % 64) if padding is None else padding) + body


def at(offset: Any, length: int = 8) -> dict[str, Any]:
    return {"$": "ndarray", "dtype": "uint8", "shape": [length], "at": offset}


def test_a_segment_written_by_hand_loads() -> None:
    first, second = reflectio.loads(with_segment([at(0), at(64)], bytes(64) + b"abcdefgh"))
    assert first.tobytes() == bytes(8)
    assert second.tobytes() == b"abcdefgh"


@pytest.mark.parametrize(
    ("nodes", "body", "message"),
    [
        ([at(0), at(0)], bytes(8), "overlap"),
        ([at(0, 100), at(64)], bytes(128), "overlap|belong to no array"),
        ([at(0), at(128)], bytes(136), "gap"),
        ([at(64)], bytes(72), "gap"),
        ([at(0)], bytes(9), "belong to no array"),
        ([at(0)], bytes(72), "belong to no array"),
        ([at(0), at(64)], bytes(8) + b"\1" + bytes(55) + bytes(8), "padding"),
        ([at(0, 9)], bytes(8), "outside"),
        ([at(8)], bytes(16), "multiple of 64"),
        ([at(-64)], bytes(8), "multiple of 64"),
        ([at(2**70)], bytes(8), "outside|beyond 64 bits"),
        ([at(0.0)], bytes(8), "multiple of 64"),
        ([at(True)], bytes(8), "multiple of 64"),
        ([at("0")], bytes(8), "multiple of 64"),
        ([], bytes(8), "belong to no array"),
    ],
)
def test_a_segment_is_covered_exactly(nodes: list[Any], body: bytes, message: str) -> None:
    with pytest.raises(reflectio.DocumentError, match=message):
        reflectio.loads(with_segment(nodes, body))


@pytest.mark.parametrize(
    "described", [None, 8, [], {}, {"nbytes": "8"}, {"nbytes": -1}, {"nbytes": 8.0}, {"x": 1}]
)
def test_a_segment_must_be_described(described: Any) -> None:
    head = wrap([at(0)], segment=described).encode()
    with pytest.raises(reflectio.ReflectioError):
        reflectio.loads(head + bytes(64 - len(head) % 64) + bytes(8))


def test_the_padding_before_the_segment_is_zero() -> None:
    head = wrap([at(0)], segment={"nbytes": 8}).encode()
    padding = bytearray(64 - len(head) % 64)
    padding.extend(bytes(0 if len(padding) > 1 else 64))
    padding[-1] = 1
    with pytest.raises(reflectio.DocumentError):
        reflectio.loads(head + bytes(padding) + bytes(8))


# -- hostile edits ----------------------------------------------------------------------------------------------


def rich() -> Any:
    """Something of every codec."""
    shared: list[Any] = [1, [2]]
    base = np.arange(70.0)
    node = models.Node(a=1, shared=shared)
    node.own = (node, [node])
    return {
        "numbers": [
            2**70,
            float("nan"),
            1 + 2j,
            Decimal("1.5"),
            Fraction(1, 3),
            b"ab",
            bytearray(b"c"),
            "\ud800",
        ],
        "containers": [(1, [2]), {1, 2}, frozenset({3}), {1: 2}, OrderedDict(a=1), Counter("ab"), {"$": 1}],
        "others": [defaultdict(list, a=[1]), deque([1], maxlen=2), shared, shared, SimpleNamespace(a=1)],
        "values": [..., NotImplemented, slice(1, 2), range(3), models.Colour.RED, models.Access(3)],
        "times": [date.max, datetime(2024, 1, 1, fold=1, tzinfo=ZoneInfo("UTC")), timedelta(1), UTC],
        "more times": [datetime(2024, 1, 1, tzinfo=timezone(timedelta(0, 3600), "x")).timetz()],
        "more": [UUID(int=1), PurePosixPath("/a"), Path("b"), re.compile("a", re.I), models.Point(1, [2])],
        "arrays": [
            np.arange(3.0),
            np.asfortranarray(np.ones((2, 3), "f4")),
            np.arange(6)[::2],
            np.array([1, [2]], object),
            np.array(["a"]),
            np.array([b"a"]),
            np.array(["NaT"], "M8[s]"),
            np.array([(1, 2.0)], "i4,f8"),
            np.array([1j]),
            np.array([b"ab"], "V2"),
            *([np.array(["a"], np.dtypes.StringDType())] if HAS_STRINGS else []),
            np.ones(2, "g"),
            base,
            base[3:6],
            np.matrix([[1]]),
        ],
        "masked": [np.ma.array([1, 2], mask=[True, False], fill_value=3), np.ma.masked],
        "scalars": [np.float64(1), np.int8(2), np.str_("a"), np.void(b"ab"), np.datetime64("2024")],
        "dtypes": [
            np.dtype("f8"),
            np.dtype("i4,(2,)f8"),
            np.dtype("f8", metadata={"a": 1}),
            *([np.dtypes.StringDType()] if HAS_STRINGS else []),
        ],
        "random": [
            np.random.default_rng(1),
            np.random.RandomState(1),
            np.random.Generator(np.random.Philox(1)),
        ],
        "callables": [
            len,
            np.float64,
            partial(max, 1, key=len),
            itemgetter(1, "a"),
            node.method,
            models.Node,
        ],
        "objects": [
            node,
            models.Labels([1]),
            models.Options({1: 2}),
            models.WithState(1, 2),
            models.Count(3),
        ],
        "dataclasses": [models.Settings("a", [1.0]), models.Slotted("a"), models.FrozenSlottedSettings("a")],
    }


REPLACEMENTS: tuple[Any, ...] = (
    *(None, True, -1, 2**63, 1e308, "x", [], {}, {"$": "ref", "id": 1}),
    *(0, 2**31, "", [[]], [None], {"$": "list", "items": []}, {"$": 1}, "a.b", {"a": 1}),
)


def places(value: Any, parent: Any = None, key: Any = None) -> Iterator[tuple[Any, Any]]:
    """Where each value of a JSON text lies, as the object or list that holds it and the key or index."""
    if parent is not None:
        yield parent, key
    for name, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(part, dict | list):
            yield from places(part, value, name)
        else:
            yield value, name


def mutants(part: dict[str, Any]) -> Iterator[str]:
    header = {"reflectio": 1, "versions": {}, "model": part}
    for parent, key in [*places(header["model"])]:
        # Of the many words of a random state, the first few stand for all.
        if isinstance(key, int) and key > 3 and len(parent) > 20:
            continue
        kept = parent[key]
        for replacement in REPLACEMENTS:
            parent[key] = replacement
            yield json.dumps(header)
        parent[key] = kept
        if isinstance(parent, dict):
            members = dict(parent)
            del parent[key]
            yield json.dumps(header)
            parent.clear()
            parent.update(members, unknown=1)
            yield json.dumps(header)
            parent.clear()
            parent.update(members)


HOSTILE = """
import json, resource, time
from test_document import *
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 500 * 2**20,) * 2)
for name, part in header_of(reflectio.dumps(rich(), format="json"))["model"].items():
    outcomes, slowest = Counter(), 0.0
    for text in mutants({name: part}):
        started = time.process_time()
        outcomes[loads_or_refuses(text)] += 1
        slowest = max(slowest, time.process_time() - started)
    print(json.dumps([name, outcomes[True], outcomes[False], slowest]))
"""


def in_a_process_of_its_own(script: str) -> dict[str, list[Any]]:
    """What a script prints, a list in JSON a line, by the first item of each."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-500:]}\n{done.stderr[-3000:]}"
    return {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def outcomes_of_hostile_edits() -> dict[str, list[Any]]:
    return in_a_process_of_its_own(HOSTILE)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is set the way Linux does")
@pytest.mark.parametrize("name", sorted(rich()))
def test_no_wrong_value_anywhere_raises_a_foreign_error(
    name: str, outcomes_of_hostile_edits: dict[str, list[Any]]
) -> None:
    loaded, refused, slowest = outcomes_of_hostile_edits[name]
    assert loaded > 10
    assert refused > 50
    assert slowest < 2


# -- what grows by reference ------------------------------------------------------------------------------------


def chain(length: int, make: Any) -> list[Any]:
    """Entries of ``objects`` of which each refers to the next."""
    entries = [{**make({"$": "ref", "id": number + 1}), "$id": number} for number in range(1, length)]
    return [*entries, {**make(1), "$id": length}]


def node(tag: str, **members: Any) -> dict[str, Any]:
    return {"$": tag, **members}


def structured(*formats: Any) -> dict[str, Any]:
    names = [f"f{index}" for index in range(len(formats))]
    return node("dtype", names=names, formats=list(formats), offsets=[0] * len(formats), itemsize=0)


FIRST = {"$": "ref", "id": 1}

BOMBS: dict[str, tuple[Any, int, Any]] = {
    "a key of tuples that double": (node("set", items=[FIRST]), 60, lambda x: node("tuple", items=[x, x])),
    "a key of deep tuples": (node("frozenset", items=[FIRST]), 20_000, lambda x: node("tuple", items=[x])),
    "a key of a dict": (node("dict", items=[[FIRST, 1]]), 60, lambda x: node("tuple", items=[x, x])),
    "many keys that hold one tuple": (
        node("set", items=[node("tuple", items=[FIRST, number]) for number in range(1000)]),
        1,
        lambda x: node("tuple", items=[0] * 100_000),
    ),
    "arrays in arrays": (FIRST, 20_000, lambda x: node("ndarray", dtype="object", shape=[1], data=[x])),
    "slices in slices": (FIRST, 20_000, lambda x: node("slice", start=x, stop=None, step=None)),
    "deques in deques": (FIRST, 20_000, lambda x: node("deque", maxlen=None, items=[x])),
    "arrays in slices in arrays": (
        FIRST,
        20_000,
        lambda x: node(
            "ndarray", dtype="object", shape=[1], data=[node("slice", start=x, stop=None, step=None)]
        ),
    ),
    "fields that double": (
        {"$": "ndarray", "dtype": FIRST, "shape": [0], "data": []},
        60,
        lambda x: structured("V0", "V0") if x == 1 else structured(x, x),
    ),
    "fields in fields": (
        {"$": "ndarray", "dtype": FIRST, "shape": [0], "data": []},
        20_000,
        lambda x: structured("V0") if x == 1 else structured(x),
    ),
}


BANG = """
import json, time
from test_document import *
for name, (model, length, make) in BOMBS.items():
    document = wrap(model, objects=chain(length, make))
    started = time.process_time()
    try:
        load_quietly(document)
        outcome = "loaded"
    except reflectio.ReflectioError as error:
        outcome = type(error).__name__
    print(json.dumps([name, outcome, time.process_time() - started]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes_of_bombs() -> dict[str, list[Any]]:
    # What is not refused may never end, or end the process.
    return in_a_process_of_its_own(BANG)


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_grows_by_reference_is_refused_in_time(
    bomb: str, outcomes_of_bombs: dict[str, list[Any]]
) -> None:
    outcome, seconds = outcomes_of_bombs[bomb]
    assert outcome == "LimitError"
    assert seconds < 2


@pytest.mark.parametrize(
    "value",
    [
        {tuple(range(1000)): 1, (((((1,),),),), 2): 2},
        defaultdict(dict, {number: defaultdict(dict, {0: defaultdict(int, a=1)}) for number in range(9000)}),
        np.array([np.array([np.array(["x"], object), None], object) for _ in range(700)] + [None], object),
        {(shared, number) for shared in [tuple(range(100))] for number in range(1000)},
    ],
    ids=["keys", "defaultdicts of defaultdicts", "arrays of arrays", "keys that share a tuple"],
)
def test_what_holds_much_and_is_not_deep_is_not_refused(value: Any) -> None:
    assert_same(value, load_quietly(reflectio.dumps(value)))
