"""numpy's arrays, scalars, dtypes and random states come back exactly, in both formats."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import hypothesis
import models
import numpy as np
import pytest
import strategies
from exactness import assert_same
from roundtrip import FORMATS, POLICY, both_formats, roundtrip

import reflectio

UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")


def of_bits(bits: list[int], dtype: str) -> np.ndarray[Any, Any]:
    return np.array(bits, f"u{np.dtype(dtype).itemsize}").view(dtype)


def read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array.flags.writeable = False
    return array


def objects(*items: Any, shape: Any = -1, order: Any = "C") -> np.ndarray[Any, Any]:
    array = np.empty(len(items), object)
    array[:] = items
    return array.reshape(shape).copy(order)


RECORD = np.dtype([("a", "<i4"), ("b", ">f8"), ("c", "U3")])
ALIGNED = np.dtype([("a", "i1"), ("b", "f8"), ("c", "i1")], align=True)
PADDED = np.dtype({"names": ["a", "b"], "formats": ["i2", "f4"], "offsets": [1, 5], "itemsize": 12})
BACKWARDS = np.dtype({"names": ["late", "early"], "formats": ["f4", "i4"], "offsets": [4, 0], "itemsize": 8})
NESTED = np.dtype([("a", RECORD), ("b", [("c", "c16"), ("d", "M8[ns]")], (2,)), ("e", "S3"), ("f", "V2")])
TITLED = np.dtype([(("the first", "a"), "i4"), (("the second", "b"), "f4")])

DTYPES: dict[str, Any] = {
    **{
        name: np.dtype(name)
        for name in [
            "?",
            "b",
            "B",
            "h",
            "H",
            "i",
            "I",
            "l",
            "L",
            "e",
            "f",
            "d",
            "g",
            "F",
            "D",
            "G",
            "S0",
            "U0",
            "S5",
            "U5",
            "V0",
            "V3",
            "M8",
            "m8",
        ]
    },
    **{
        f"big-endian {code}": np.dtype(f">{code}")
        for code in ("i2", "u8", "f4", "f8", "c16", "U3", "M8[s]", "m8")
    },
    "big-endian longdouble": np.dtype("g").newbyteorder(),
    **{f"datetime64[{unit}]": np.dtype(f"M8[{unit}]") for unit in UNITS},
    **{f"timedelta64[{unit}]": np.dtype(f"m8[{unit}]") for unit in UNITS},
    "datetime64 of several units": np.dtype("M8[25s]"),
    "datetime64 of a fraction of a unit": np.dtype("M8[D/24]"),
    "object": np.dtype(object),
    "a record": RECORD,
    "an aligned record": ALIGNED,
    "a padded record": PADDED,
    "a record with fields in another order": BACKWARDS,
    "a nested record": NESTED,
    "a record with titles": TITLED,
    "a record of subarrays": np.dtype([("a", "f4", (2, 3)), ("b", "U2", (0,)), ("c", "i1", 1)]),
    "a record without fields": np.dtype([]),
    "a record as numpy.record": np.dtype((np.record, RECORD)),
    "a record with odd names": np.dtype([("", "i1"), ("$", "i2"), ("ü ☃", "i4")]),
    "a record of objects": np.dtype([("a", object), ("b", "f8")]),
    "a subarray": np.dtype(("f8", (2, 3))),
    "a subarray of records": np.dtype((RECORD, (2,))),
    "metadata": np.dtype("f8", metadata={"unit": "m", "of": [1, 2]}),
    "a record with metadata": np.dtype([("a", "i4")], metadata={"x": 1}),
    "a record with metadata in a field": np.dtype([("a", np.dtype("i4", metadata={"x": 1}))]),
}

# numpy 1 has no strings of any length, and half as many axes.
MOST_AXES = 64 if int(np.__version__.partition(".")[0]) > 1 else 32
HAS_STRINGS = hasattr(np.dtypes, "StringDType")
if HAS_STRINGS:
    DTYPES |= {
        "StringDType": np.dtypes.StringDType(),
        "StringDType with nan": np.dtypes.StringDType(na_object=np.nan),
        "StringDType with None, strictly": np.dtypes.StringDType(na_object=None, coerce=False),
        "StringDType with text": np.dtypes.StringDType(na_object="missing"),
    }

GRID = np.arange(60.0).reshape(3, 4, 5)
LARGE = np.arange(6000.0).reshape(10, 20, 30)

ARRAYS: dict[str, Any] = {
    "booleans": np.array([True, False, True]),
    "8-bit integers": np.array([-128, 127], "i1"),
    "unsigned 64-bit integers": np.array([0, 2**64 - 1], "u8"),
    "64-bit integers": np.array([-(2**63), 2**63 - 1]),
    "float16": np.array([0.1, -0.0, 6e-8, 65504, np.inf, -np.inf], "f2"),
    "float32": np.array([0.1, -0.0, 1e-45, 3.4e38, np.inf, -np.inf], "f4"),
    "float64": np.array([0.1, -0.0, 5e-324, 1.7e308, np.inf, -np.inf, 1e22]),
    "float64 that sum up beyond the largest": np.array([1.7e308, 1.7e308]),
    "float16 nans": of_bits([0x7E00, 0xFE00, 0x7C01, 0xFC01, 0x7FFF], "f2"),
    "float32 nans": of_bits([0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFBEEF00], "f4"),
    "float64 nans": of_bits([0x7FF8 << 48, 0xFFF8 << 48, (0x7FF0 << 48) + 1, (0xFFF8 << 48) + 0xBEEF], "f8"),
    "big-endian nans": of_bits([0x7FF8 << 48, (0x7FF0 << 48) + 1], "f8").astype(">f8"),
    "many nans": np.where(np.arange(200) % 3, np.arange(200.0), np.nan),
    "longdouble": np.array([1, -0.0, np.inf, -np.inf, np.nan, 0.1], "g") / np.longdouble(3),
    "longdouble beyond float64": np.array([np.finfo("g").max, np.finfo("g").tiny, np.finfo("g").eps], "g"),
    "longdouble nan with a sign": -np.array([np.nan], "g"),
    "complex64": np.array([1 + 2j, complex(-0.0, np.inf), complex(np.nan, -0.0)], "F"),
    "complex128": np.array([[1 + 2j, 0.1j], [complex(np.nan, np.nan), 0]]),
    "complex in Fortran order": np.asfortranarray(np.arange(6.0).reshape(2, 3) * 1j),
    "clongdouble": np.array([complex(0.1, -0.0), complex(np.inf, np.nan)], "G") / np.longdouble(3),
    "text": np.array(["", "a", "ünï☃", "😀", "a\0b", " trailing "]),
    "text with surrogates": np.array(["\ud800", "a"]),
    "text without characters": np.array(["", ""]),
    "bytes": np.array([b"", b"a", b"\xff\0b", b"ab\0\0"]),
    "bytes with trailing zeros": np.frombuffer(b"a\0\0\0b\0", "S3"),
    "datetimes": np.array(["2024-02-29", "NaT", "0001-01-01", "-0044-03-15", "19999-12-31"], "M8[D]"),
    "datetimes of great years": np.array([2**62, -(2**62), 0], "i8").view("M8[s]"),
    "datetimes in nanoseconds": np.array(["2024-01-01T12:34:56.123456789", "NaT"], "M8[ns]"),
    "datetimes of no unit": np.array(["NaT"], "M8"),
    "durations": np.array([1, -5, "NaT"], "m8[h]"),
    "durations of no unit": np.array([1, "NaT"], "m8"),
    **{f"datetimes of unit {unit}": np.array([0, -1, 1234, -(2**63)]).view(f"M8[{unit}]") for unit in UNITS},
    **{f"durations of unit {unit}": np.array([0, -1, 1234, -(2**63)]).view(f"m8[{unit}]") for unit in UNITS},
    "big-endian datetimes": np.array(["2024-01-01", "NaT"], ">M8[us]"),
    "raw bytes": np.array([b"\0a", b"\xff\0"], "V2"),
    "raw bytes of no length": np.zeros(3, "V0"),
    "records": np.array([(1, 2.5, "abc"), (-1, np.nan, "")], RECORD),
    "records of one field": np.array([(1.5,), (np.inf,)], [("a", "f8")]),
    "aligned records": np.array([(1, 2.0, 3)] * 100, ALIGNED),
    "padded records": np.array([[(1, 2.0)] * 2] * 50, PADDED),
    "records with fields in another order": np.array([(1.5, 7)], BACKWARDS),
    "nested records": np.zeros((2, 1), NESTED),
    "records with titles": np.array([(1, 2.0)], TITLED),
    "records of subarrays": np.ones(2, DTYPES["a record of subarrays"]),
    "records with surrogates": np.array([("\ud800", 1)], [("a", "U1"), ("b", "i4")]),
    "a field of records": np.arange(20).view([("a", "i8"), ("b", "i8")])["b"],
    "some fields of records": np.arange(30).view([("a", "i8"), ("b", "i8"), ("c", "i8")])[["a", "c"]],
    "objects": objects(1, "a", None, [1, 2], {"x": (3,)}, math.nan, 2**70),
    "objects in Fortran order": objects(*range(6), shape=(2, 3), order="F"),
    "objects that are lists": objects([1, 2], [3, 4], shape=(2, 1)),
    "objects that are arrays": objects(np.arange(3), np.zeros((2, 2)), objects(1, [2])),
    "an object without axes": np.array({"a": 1}, object),
    "no objects": np.empty((0, 3), object),
    "objects transposed": objects(*range(24), shape=(2, 3, 4)).transpose(1, 2, 0),
    "objects in reverse": objects(*range(5))[::-1],
    "metadata": np.arange(3).astype(np.dtype("i8", metadata={"unit": "m"})),
    "no axes": np.array(1.5),
    "no elements": np.zeros((3, 0, 2), "f4"),
    "no elements in Fortran order": np.zeros((3, 0, 2), "f4", order="F"),
    "one element of three axes": np.ones((1, 1, 1)),
    **{f"{n} elements": np.arange(n) * 0.5 for n in (63, 64, 65, 66, 1000, 100_000)},
    **{f"{n} rows": np.arange(2 * n).reshape(n, 2) for n in (31, 32, 33)},
    "Fortran order": np.asfortranarray(GRID),
    "Fortran order, large": np.asfortranarray(LARGE),
    "transposed": GRID.T,
    "transposed, large": LARGE.transpose(1, 2, 0),
    "transposed and copied": LARGE.transpose(1, 0, 2).copy("K"),
    "a column": GRID.reshape(20, 3)[:, 1],
    "strided": LARGE[::2, 1::3, ::-1],
    "in reverse": np.arange(10)[::-1],
    "in reverse, large": np.arange(1000)[::-1],
    "reverse in both axes": LARGE[0, ::-1, ::-1],
    "a slice of rows": LARGE[2:5],
    "a slice of columns": np.asfortranarray(LARGE[0])[:, 3:7],
    "one row of many": LARGE[3:4, :, :1],
    "broadcast": np.broadcast_to(np.arange(3.0), (4, 3)),
    "broadcast, large": np.broadcast_to(np.arange(3.0)[:, None], (3, 1000)),
    "overlapping windows": np.lib.stride_tricks.sliding_window_view(np.arange(100.0), 7),
    "strides far apart": np.zeros((100, 1000))[:, 0] + np.arange(100),
    "strides too far apart": np.arange(100_000.0).reshape(100, 1000)[:, 0],
    "unaligned": np.frombuffer(b"x" + np.arange(5.0).tobytes(), "f8", offset=1),
    "read-only": read_only(np.arange(5)),
    "read-only, large": read_only(np.arange(500)),
    "read-only objects": read_only(objects(1, [2])),
    "more axes than lists may nest": np.arange(2**18.0).reshape((2,) * 18)[..., :1],
    "as many axes as there can be": np.ones((1,) * MOST_AXES),
    "matrix": np.matrix([[1.0, 2.0], [3.0, 4.0]]),
    "recarray": np.rec.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "recarray, large": np.rec.array([(1, 2.0)] * 100, dtype=[("a", "i4"), ("b", "f8")]),
    "recarray of another dtype": np.arange(3).view(np.recarray),
    "an array of a subclass": np.arange(3.0).view(models.Measured),
    "masked, without a mask": np.ma.array([1.0, 2.0]),
    "masked": np.ma.array([1, 2, 3], mask=[False, True, False]),
    "masked, with a mask of nothing": np.ma.array([1, 2, 3], mask=[False, False, False]),
    "masked, large": np.ma.masked_greater(np.arange(1000.0).reshape(10, 100), 500),
    "masked, hard": np.ma.array([1, 2], mask=[True, False], hard_mask=True),
    "masked, with a fill value": np.ma.array([1.5, 2.5], mask=[True, False], fill_value=-9.25),
    "masked text": np.ma.array(["a", "b"], mask=[True, False], fill_value="?"),
    "masked datetimes": np.ma.array(["2024-01-01", "NaT"], "M8[D]", mask=[True, False]),
    "masked records": np.ma.array([(1, 2.0)], mask=[(True, False)], dtype=[("a", "i4"), ("b", "f8")]),
    "masked objects": np.ma.array(objects(1, [2]), mask=[True, False]),
    "masked, in Fortran order": np.ma.array(np.asfortranarray(GRID[0]), mask=GRID[0] > 3),
    "masked, without axes": np.ma.array(1.5, mask=True),
    "a masked element": np.ma.masked,
}
if HAS_STRINGS:
    ARRAYS |= {
        "strings of any length": np.array(["", "a" * 100, "☃"], np.dtypes.StringDType()),
        "strings with a missing one": np.array(["a", np.nan], np.dtypes.StringDType(na_object=np.nan)),
        "strings in Fortran order": np.array(
            [["a", "b", "c"], ["d", "e", "f"]], np.dtypes.StringDType(), order="F"
        ),
        "many strings": np.array(["abc"] * 200, np.dtypes.StringDType()),
    }

SCALARS: dict[str, Any] = {
    "bool": np.True_,
    **{f"the largest {code}": np.iinfo(code).max for code in "bBhHiIlL"},
    **{f"{code} of no value": np.dtype(code).type(0) for code in "?bBhHiIlLefdgFDG"},
    **{f"{code} of one third": np.dtype(code).type(1) / np.dtype(code).type(3) for code in "efdgFDG"},
    **{f"{code} that is nan": np.dtype(code).type(math.nan) for code in "efdgFDG"},
    **{f"{code} that is infinite": np.dtype(code).type(-math.inf) for code in "efdgFDG"},
    **{f"{code} below zero": np.dtype(code).type(-0.0) for code in "efdgFDG"},
    "float64 of a whole number": np.float64(3.0),
    "nan with a payload": of_bits([(0x7FF8 << 48) + 0xBEEF], "f8")[0],
    "text": np.str_("ü☃"),
    "empty text": np.str_(""),
    "text with a surrogate": np.str_("\ud800"),
    "text with a trailing zero": np.str_("a\0"),
    "bytes": np.bytes_(b"a\xff"),
    "bytes with a trailing zero": np.bytes_(b"a\0"),
    "no bytes": np.bytes_(b""),
    "datetime64": np.datetime64("2024-02-29T12:00"),
    "datetime64 that is none": np.datetime64("NaT", "ns"),
    "datetime64 without a unit": np.datetime64("NaT"),
    "timedelta64": np.timedelta64(-5, "25s"),
    "timedelta64 without a unit": np.timedelta64(7),
    "void": np.void(b"\0\xff"),
    "a record": np.array([(1, 2.5, "abc")], RECORD)[0],
    "a padded record": np.array([(1, 2.5)], PADDED)[0],
    "a numpy.record": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])[0],
}


@both_formats
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_an_array_comes_back_exactly(array: Any, format: str) -> None:
    assert_same(array, roundtrip(array, format))


@both_formats
@pytest.mark.parametrize("scalar", SCALARS.values(), ids=SCALARS)
def test_a_scalar_comes_back_exactly(scalar: Any, format: str) -> None:
    assert_same(scalar, roundtrip(scalar, format))


@both_formats
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_a_dtype_comes_back_exactly(dtype: Any, format: str) -> None:
    assert_same(dtype, roundtrip(dtype, format))


@both_formats
@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(array=strategies.arrays())
def test_an_array_of_any_dtype_and_layout_comes_back_exactly(array: Any, format: str) -> None:
    assert_same(array, roundtrip(array, format))


@both_formats
def test_everything_comes_back_beside_everything_else(format: str) -> None:
    everything = {
        "arrays": list(ARRAYS.values()),
        "scalars": list(SCALARS.values()),
        "dtypes": list(DTYPES.values()),
    }
    assert_same(everything, roundtrip(everything, format))


# -- where the elements lie -------------------------------------------------------------------------------------


def test_arrays_of_up_to_64_elements_lie_in_the_header() -> None:
    assert b"\0" not in reflectio.dumps([np.arange(64.0), np.ones((8, 8))])
    assert b"\0" in reflectio.dumps(np.arange(65.0))


def test_a_loaded_array_owns_its_memory() -> None:
    small, large = roundtrip([np.arange(5), np.arange(500)])
    assert small.flags.owndata
    assert large.flags.owndata
    large[:] = 0


@both_formats
def test_a_memory_mapped_array_is_stored_as_an_array(tmp_path: Path, format: str) -> None:
    mapped = np.memmap(tmp_path / "raw", "f4", "w+", shape=(10, 20))
    mapped[:] = 1.5
    for mode in ("r", "c"):
        again = np.memmap(tmp_path / "raw", "f4", mode, shape=(10, 20))
        assert_same(np.full((10, 20), 1.5, "f4"), roundtrip(again, format))


def test_an_attribute_of_an_array_of_a_subclass_comes_back() -> None:
    array = np.arange(3.0).view(models.Measured)
    array.unit = "km"
    assert roundtrip(array).unit == "km"


def test_what_lies_between_fields_does_not_change_the_document() -> None:
    clean, dirty = np.zeros(100, PADDED), np.frombuffer(b"\xff" * 1200, PADDED).copy()
    for name in ("a", "b"):
        clean[name] = dirty[name] = 3
    for format in FORMATS:
        assert reflectio.dumps(clean, format=format) == reflectio.dumps(dirty, format=format)


@pytest.mark.parametrize("value", [objects(1), np.ones(1, "f8,O")["f1"]], ids=["array", "field"])
def test_an_array_of_objects_is_not_written_as_pointers(value: Any) -> None:
    assert json.loads(reflectio.dumps(value))["model"]["data"] in ([1], [1.0])


def test_an_array_of_records_of_objects_is_refused_with_advice() -> None:
    with pytest.raises(
        reflectio.UnsupportedTypeError, match=r"\$\.model\.a: .*Python objects.*one array per field"
    ):
        reflectio.dumps({"a": np.zeros(2, "f8,O")})


# -- shared memory ----------------------------------------------------------------------------------------------


@both_formats
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "view",
    [
        lambda base: base[3],
        lambda base: base[:, 2:5],
        lambda base: base[::-2],
        lambda base: base.T,
        lambda base: base.reshape(-1, order="A"),
        lambda base: base[:0],
        lambda base: base[2:3, 4:5],
    ],
    ids=["row", "columns", "reverse", "transposed", "flat", "empty", "element"],
)
@pytest.mark.parametrize("shape", [(10, 20), (5, 6)], ids=["large", "small"])
def test_writing_through_a_view_is_seen_in_its_base(view: Any, order: str, shape: Any, format: str) -> None:
    base = np.arange(math.prod(shape), dtype="f4").reshape(shape).copy(order)
    pair = [base, view(base)]
    again = roundtrip(pair, format)
    assert_same(pair, again)
    for base, part in (pair, again):
        part[...] = 7
        base[1] += 1
    assert_same(pair, again)


@both_formats
@pytest.mark.parametrize(
    ("dtype", "view"),
    [
        ("f8", lambda base: base.view("i8")),
        ("c16", lambda base: base.real),
        ("i8,f8", lambda base: base["f0"]),
        ("u1", lambda base: base.view("?")),
    ],
    ids=["as integers", "real part", "field", "as booleans"],
)
def test_a_view_of_elements_of_another_type_comes_back_as_an_array_of_its_own(
    dtype: str, view: Any, format: str
) -> None:
    base = np.ones(100, dtype)
    pair = [base, view(base)]
    again = roundtrip(pair, format)
    assert_same(pair, again)
    assert not np.may_share_memory(*again)


def test_two_views_share_the_memory_of_their_base() -> None:
    base = np.arange(100.0)
    again = roundtrip(models.Node(base=base, left=base[:60], right=base[40:]))
    again.left[50] = -1
    assert again.right[10] == again.base[50] == -1


def test_a_view_before_its_base_is_an_array_of_its_own() -> None:
    base = np.arange(100.0)
    part, again = roundtrip([base[10:20], base])
    assert np.array_equal(part, np.arange(10.0, 20.0))
    assert np.array_equal(again, base)


def test_a_view_of_a_read_only_array_is_read_only() -> None:
    base = np.arange(100.0)
    base.flags.writeable = False
    pair = [base, base[::2]]
    assert_same(pair, roundtrip(pair))


def test_a_read_only_view_of_a_writeable_array_stays_one() -> None:
    base = np.arange(100.0)
    pair = [base, read_only(base[5:])]
    again = roundtrip(pair)
    assert_same(pair, again)
    again[0][5] = -1
    assert again[1][0] == -1


def test_an_array_met_twice_is_one_array() -> None:
    array = np.arange(5)
    first, second = roundtrip([array, array])
    assert first is second


def test_masked_arrays_may_share_their_mask() -> None:
    mask = np.array([True, False])
    pair = [np.ma.array([1, 2], mask=mask, copy=False), np.ma.array([3, 4], mask=mask, copy=False)]
    assert_same(pair, roundtrip(pair))


# -- random states ----------------------------------------------------------------------------------------------

BIT_GENERATORS = [np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64]


def draws(generator: np.random.Generator) -> list[Any]:
    return [
        generator.integers(0, 2**31, 3, dtype=np.uint32),
        generator.random(3),
        generator.standard_normal(5),
        generator.permutation(10),
        generator.bit_generator.random_raw(3),
    ]


@both_formats
@pytest.mark.parametrize("used", [0, 1, 3], ids=["new", "with half a word held back", "used"])
@pytest.mark.parametrize("bits", BIT_GENERATORS, ids=lambda bits: bits.__name__)
def test_a_generator_goes_on_with_the_same_numbers(bits: Any, used: int, format: str) -> None:
    generator = np.random.Generator(bits(7))
    generator.integers(0, 100, used, dtype=np.uint32)
    again = roundtrip(generator, format)
    assert_same(generator, again)
    assert_same(draws(generator), draws(again))
    assert_same(draws(generator.spawn(2)[1]), draws(again.spawn(2)[1]))


@both_formats
@pytest.mark.parametrize("bits", BIT_GENERATORS, ids=lambda bits: bits.__name__)
def test_a_random_state_goes_on_in_the_middle_of_a_pair_of_normals(bits: Any, format: str) -> None:
    state = np.random.RandomState(bits(3))
    state.standard_normal(3)
    again = roundtrip(state, format)
    assert_same(state, again)
    assert_same(
        [state.standard_normal(4), state.randint(10, size=9)],
        [again.standard_normal(4), again.randint(10, size=9)],
    )


def test_the_legacy_random_state_goes_on() -> None:
    state = np.random.RandomState(0)
    state.uniform(size=1000)
    again = roundtrip(state)
    assert np.array_equal(state.normal(size=1000), again.normal(size=1000))


@pytest.mark.parametrize(
    "seed",
    [
        np.random.SeedSequence(5),
        np.random.SeedSequence(2**200),
        np.random.SeedSequence([1, 2, 3], spawn_key=(4, 5), pool_size=8),
        np.random.SeedSequence((1, 2)),
        np.random.SeedSequence(np.array([1, 2], "u4")),
        np.random.SeedSequence(5).spawn(3)[2].spawn(1)[0],
        np.random.SeedSequence(),
    ],
    ids=["integer", "great integer", "list", "tuple", "array", "spawned", "from the system"],
)
@both_formats
def test_a_seed_sequence_spawns_the_same_children(seed: Any, format: str) -> None:
    seed.spawn(2)
    again = roundtrip(seed, format)
    assert_same(seed, again)
    assert np.array_equal(seed.spawn(1)[0].generate_state(8), again.spawn(1)[0].generate_state(8))


def test_generators_may_share_a_bit_generator() -> None:
    bits = np.random.PCG64(1)
    pair = roundtrip([np.random.Generator(bits), np.random.Generator(bits), bits])
    assert pair[0].bit_generator is pair[1].bit_generator is pair[2]


@pytest.mark.parametrize(
    ("member", "value"),
    [("pos", 625), ("pos", -1), ("pos", 1.0), ("pos", True), ("pos", None)],
)
def test_a_position_outside_of_the_state_is_refused(member: str, value: Any) -> None:
    header = json.loads(reflectio.dumps(np.random.RandomState(0), format="json"))
    header["model"]["bit_generator"]["state"]["state"][member] = value
    with pytest.raises(reflectio.ValidationError, match=r"state\.state\.pos"):
        reflectio.loads(json.dumps(header), policy=POLICY)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: np.zeros(1 << 21, "V0"), id="elements"),
        pytest.param(lambda: [np.zeros(1 << 20, "V0"), np.zeros(1, "V0")], id="several arrays"),
        pytest.param(lambda: np.zeros(1 << 20, [("a", "V0"), ("b", "i1"), ("c", "V0")]), id="fields"),
    ],
)
def test_what_no_reader_would_take_for_its_elements_without_bytes_is_refused_on_the_way_out(
    made: Any,
) -> None:
    with pytest.raises(reflectio.UnsupportedTypeError, match=r"no bytes.*Keep the shape"):
        reflectio.dumps(made())
