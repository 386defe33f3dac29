"""Python's own values and containers come back exactly, in both formats."""

from __future__ import annotations

import math
import re
import struct
import sys
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import hypothesis
import models
import pytest
import strategies
from exactness import assert_same
from roundtrip import both_formats, roundtrip
from sklearn.preprocessing import StandardScaler

import reflectio


def float_of_bits(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def with_attributes(obj: Any, **attributes: Any) -> Any:
    obj.__dict__.update(attributes)
    return obj


def slotted(cls: type, **attributes: Any) -> Any:
    obj = cls.__new__(cls)
    for name, value in attributes.items():
        setattr(obj, name, value)
    return obj


UTC_PLUS = timezone(timedelta(hours=5, minutes=45), "Nepal")
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

VALUES: dict[str, Any] = {
    "none": None,
    "booleans": [True, False],
    "integers of 64 bits": [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1],
    "integers beyond 64 bits": [2**64, -(2**63) - 1, 10**400, -(10**1300), 3**30_000, -(7**30_000)],
    "an integer of 100,000 digits": 10**99_999 + 7,
    "finite floats": [0.0, -0.0, 1.0, 0.1, 5e-324, sys.float_info.max, -1e-300, 1e16, 1e22, 1.5e300],
    "infinities": [math.inf, -math.inf],
    "nan": math.nan,
    "nan with a sign": float_of_bits(0xFFF8_0000_0000_0000),
    "nan with a payload": float_of_bits(0x7FF8_0000_0000_BEEF),
    "nan with a sign and a payload": float_of_bits(0xFFF8_0000_0000_0001),
    "a float whose integer value is whole": [2.0, -3.0, 1e3, 2.0**63],
    "complex": [1 + 2j, complex(-0.0, 0.0), complex(0.0, -0.0), complex(math.nan, -math.inf), 3j],
    "complex with payloads": complex(
        float_of_bits(0x7FF8_0000_0000_0123), float_of_bits(0xFFF8_0000_0000_0000)
    ),
    "bytes": [b"", b"\0\xff", bytes(range(256))],
    "bytearray": bytearray(b"\0abc\xff"),
    "text": ["", "plain", "ünï ☃ 😀", 'quote" back\\slash', "\0NUL\0", "line\nbreak\r\t\x7f\u2028"],
    "text with lone surrogates": ["\ud800", "a\udfffb", "\udc00\ud800", "\udce9"],
    "lone surrogates beside great integers": {"\ud800": 2**70, "x": ["\udfff", -(2**70)]},
    "text that looks like a node": ["$", "$ref", '{"$": "ref", "id": 1}'],
    "tuples": [(), (1,), (1, (2, (3, ())))],
    "lists in tuples": ([1, 2], [[]], ([()],)),
    "sets": [set(), {1, 2, 3}, {"b", "a"}, {1.5, None, "x", (1, 2)}, {b"x", b""}],
    "frozensets": [frozenset(), frozenset({1, 2}), frozenset({frozenset(), frozenset({frozenset({1})})})],
    "sets of true and text": {True, "1", 2.5},
    "a set with nan": {math.nan, 1.0},
    "dict": {"a": 1, "b": {"c": []}, "": None},
    "dict in an order of its own": {"z": 1, "a": 2, "m": 3},
    "dict with a dollar key": {"$": 1, "a": 2},
    "dict with dollar keys": {"$id": 1, "$state": {"$": "ref", "id": 1}, "id": 3},
    "dict that looks like a node": {"$": "callable", "name": "os.system"},
    "dict with keys that are no text": {
        1: "a",
        None: "b",
        (1, 2): "c",
        2.5: "d",
        b"x": "e",
        frozenset({1}): "f",
    },
    "dict with keys of nan": {math.nan: 1, math.inf: 2},
    "dict with keys of great integers": {2**80: 1, -(2**80): {2**81: 2}},
    "dict with keys of surrogates": {"\ud800": {"\udfff": 1}},
    "dict with true as a key": {True: 1, "True": 2},
    "OrderedDict": OrderedDict([("b", 1), ("a", OrderedDict())]),
    "OrderedDict with any keys": OrderedDict([(2, "two"), ((1, 2), [1])]),
    "defaultdict of lists": defaultdict(list, {"a": [1], 2: []}),
    "defaultdict without a factory": defaultdict(None, {"a": 1}),
    "Counter": Counter({"a": 3, "b": 0, "c": -2, (1,): 5}),
    "deque": [deque(), deque([1, [2], 3]), deque([1, 2], maxlen=2), deque(maxlen=0), deque([1], maxlen=5)],
    "namedtuple": [models.Point(1, [2]), models.Point(math.nan, None)],
    "typed namedtuple": models.Interval(0.5),
    "a tuple of another class": models.Pair((1, [2], 3)),
    "dataclass": models.Settings("a", [1.0, math.inf]),
    "frozen dataclass": models.FrozenSettings("a", (1.0,)),
    "slotted dataclass": models.SlottedSettings("a", -0.0),
    "frozen slotted dataclass": models.FrozenSlottedSettings("a", math.nan),
    "attrs with slots": models.Slotted("a", 2**70),
    "attrs without slots": models.Unslotted("a"),
    "frozen attrs": models.Frozen("a", (1, [2])),
    "slice": [slice(None), slice(1, 2, 3), slice(-1, None), slice("a", (1, 2), [3]), slice(0.5, 2**70)],
    "range": [range(0), range(5), range(10, -10, -3), range(2**70, 2**71, 2**65)],
    "ellipsis": [Ellipsis, (..., slice(None))],
    "NotImplemented": NotImplemented,
    "enum": [models.Colour.RED, models.Colour.BLUE, models.Colour.AZURE, models.Outer.Shade.DARK],
    "IntEnum": [models.Level.LOW, {models.Level.HIGH: 1}],
    "StrEnum": [models.Kernel.RBF, {models.Kernel.LINEAR: models.Kernel.LINEAR}, {models.Kernel.RBF}],
    "flags": [
        models.Access.READ,
        models.Access.READ | models.Access.RUN,
        models.Access(0),
        ~models.Access.RUN,
    ],
    "integer flags": [models.Mode.A, models.Mode.A | models.Mode.B, models.Mode(0), models.Mode(9)],
    "dates": [date.min, date.max, date(2024, 2, 29)],
    "datetimes": [
        datetime.min,
        datetime.max,
        datetime(2024, 2, 29, 23, 59, 59, 999_999),
        datetime(1, 1, 1, fold=1),
    ],
    "datetimes with a zone": [
        datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN),
        datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, 1, 2, 3, 4, tzinfo=UTC_PLUS),
    ],
    "times": [time.min, time.max, time(1, 2, 3, 4, fold=1), time(1, tzinfo=UTC), time(1, tzinfo=BERLIN)],
    "timedeltas": [timedelta.min, timedelta.max, timedelta(-1, 1, 1), timedelta(microseconds=1)],
    "timezones": [
        UTC,
        UTC_PLUS,
        timezone(timedelta(0)),
        timezone(timedelta(0), "zero"),
        timezone(-timedelta(hours=1)),
        timezone(timedelta(microseconds=-1)),
        timezone(timedelta(hours=1), ""),
        timezone(timedelta(hours=1), "\ud800"),
    ],
    "zoneinfo": BERLIN,
    "decimals": [
        Decimal(text)
        for text in (
            "0",
            "-0",
            "0E+5",
            "1.10",
            "NaN",
            "-NaN",
            "sNaN",
            "-sNaN42",
            "NaN123",
            "Infinity",
            "-Infinity",
        )
    ]
    + [Decimal("1E+99999"), Decimal("-1E-99999"), Decimal(10**50) / 3, Decimal("9" * 200)],
    "fractions": [Fraction(0), Fraction(-1, 3), Fraction(10**300, 7**200), Fraction(5)],
    "uuid": UUID("12345678-1234-5678-1234-567812345678"),
    "paths": [
        PurePosixPath("/a/b"),
        PurePosixPath("."),
        PureWindowsPath("c:\\a\\b"),
        PureWindowsPath("//host/share/x"),
        Path("/tmp/x y"),
        Path("rel/ative"),
        PurePosixPath("a\udcffb"),
    ],
    "patterns": [
        re.compile("a+(?P<n>b)"),
        re.compile(b"\xff[\0-\x10]"),
        re.compile("x", re.IGNORECASE | re.MULTILINE | re.VERBOSE),
        re.compile("x", re.ASCII),
        re.compile("(?i)x"),
        re.compile(b"x", re.DOTALL),
        re.compile("\ud800"),
    ],
    "a subclass of int": [models.Count(3), models.Count(2**80), with_attributes(models.Count(4), unit="m")],
    "a subclass of float": [
        models.Rate(0.5),
        models.Rate(math.inf),
        with_attributes(models.Rate(0.1), by="year"),
    ],
    "a subclass of str": [
        models.Label("a"),
        models.Label("\ud800"),
        with_attributes(models.Label("b"), of="c"),
    ],
    "a subclass of bytes": models.Blob(b"\0\xff"),
    "a subclass of list": with_attributes(models.Labels([1, [2]]), order="asc"),
    "a subclass of dict": with_attributes(models.Options({"a": 1, 2: [3]}), frozen=True),
    "a subclass of dict with dollar keys": models.Options({"$": 1, "$items": 2}),
    "a subclass of OrderedDict": models.History([("b", 1), ("a", 2)]),
    "an empty subclass of list": models.Labels(),
    "an empty subclass of dict": models.Options(),
    "subclasses as keys": {models.Label("a"): 1, models.Count(1): 2},
    "subclasses among plain values": [1, models.Count(1), "a", models.Label("a"), 0.5, models.Rate(0.5)],
    "objects": models.Node(a=1, b=[models.Node()], c={"d": models.Node(e=())}),
    "an object with a dollar attribute value": models.Node(a={"$": 1}),
    "an object with slots": slotted(models.SlottedNode, next=[1], _hidden=None),
    "an object with some slots unset": slotted(models.SlottedNode, next=1),
    "an object with all slots unset": slotted(models.SlottedNode),
    "an object with slots of two classes and a dict": slotted(models.SlottedChild, a=1, b=2, c=3),
    "objects with a state of their own": [
        models.WithState(1, [2]),
        models.WithState(),
        models.WithState(None),
    ],
    "an object of a nested class": models.Outer.Inner(),
    "a namespace": SimpleNamespace(a=1, b=SimpleNamespace(c=[2])),
}


@both_formats
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_comes_back_exactly(value: Any, format: str) -> None:
    assert_same(value, roundtrip(value, format))


@both_formats
@pytest.mark.parametrize(
    "wrap",
    [
        lambda value: [value, 1],
        lambda value: (value, 2.5),
        lambda value: {"key": value},
        lambda value: {1: value},
        lambda value: models.Node(attribute=value),
        lambda value: models.Point(value, value),
        lambda value: deque([value], maxlen=1),
    ],
    ids=["list", "tuple", "dict", "pairs", "object", "namedtuple", "deque"],
)
def test_every_value_can_lie_in_every_container(wrap: Any, format: str) -> None:
    for value in VALUES.values():
        wrapped = wrap(value)
        assert_same(wrapped, roundtrip(wrapped, format))


@both_formats
@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(value=strategies.values())
def test_any_nesting_of_values_comes_back_exactly(value: Any, format: str) -> None:
    assert_same(value, roundtrip(value, format))


def test_what_json_can_say_is_written_as_json_says_it() -> None:
    value = {"a": [1, 2.5, None, True, "x"], "b": {"c": []}}
    assert reflectio.dumps(value).startswith(b'{"reflectio":1,')
    assert b'"model":{"a":[1,2.5,null,true,"x"],"b":{"c":[]}}' in reflectio.dumps(value)


def test_an_integer_with_more_digits_than_the_policy_allows_is_refused() -> None:
    document = reflectio.dumps(10**100_100)
    with pytest.raises(reflectio.LimitError, match="int_digits"):
        reflectio.loads(document)


def test_a_timezone_of_utc_is_the_singleton() -> None:
    assert roundtrip(UTC) is UTC


def test_a_counter_counts_nothing_twice() -> None:
    assert roundtrip(Counter(a=2)) == Counter(a=2)


def test_a_default_factory_works_after_a_load() -> None:
    assert roundtrip(defaultdict(list))["new"] == []


def test_sets_within_sets_are_put_in_order_once_each() -> None:
    nest: frozenset[Any] = frozenset({1, 2})
    for number in range(60):
        nest = frozenset({nest, -number})
    assert reflectio.loads(reflectio.dumps(nest)) == nest


def test_sets_that_hold_each_other_in_circles_are_refused_before_their_order_takes_for_ever() -> None:
    first: set[Any] = set()
    inner = first
    for number in range(30):
        holder = StandardScaler()
        holder.held = inner
        inner = {holder, number}
    first |= {holder, -1}
    with pytest.raises(reflectio.UnsupportedTypeError, match="circles"):
        reflectio.dumps(inner)
