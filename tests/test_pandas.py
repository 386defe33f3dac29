"""Frames, series, indexes and all that pandas puts into them come back as they were, or not at all."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip import FORMATS, both_formats, roundtrip

import reflectio
from reflectio.errors import DecodeError, DocumentError, UnsupportedTypeError

pd = pytest.importorskip("pandas", reason="pandas is not installed")

from hypothesis.extra import pandas as pdst  # noqa: E402

from reflectio.codecs import pandas_types  # noqa: E402
from reflectio.codecs.pandas_hashes import _of_object  # noqa: E402

offsets = pd.tseries.offsets
PARIS = ZoneInfo("Europe/Paris")
ALLOWLIST = Path(__file__).parent.parent / "allowlist" / "pandas.toml"


def block_layout(frame):
    """Which columns of a frame share an array, and how it lies in memory."""
    layout = []
    for block in frame._mgr.blocks:
        values = getattr(block.values, "_ndarray", block.values)
        strides = (
            values.strides if isinstance(values, np.ndarray) and values.ndim == 2 and values.size else None
        )
        layout.append((block.mgr_locs.as_array.tolist(), str(block.dtype), strides))
    return layout


def assert_same_index(built, index):
    assert type(built) is type(index)
    pd.testing.assert_index_equal(built, index, exact=True)
    assert built.dtype == index.dtype
    assert list(built.names) == list(index.names)
    assert list(map(type, built)) == list(map(type, index))
    assert getattr(built, "freq", None) == getattr(index, "freq", None)


def assert_same_series(built, series):
    assert type(built) is type(series)
    pd.testing.assert_series_equal(built, series, check_exact=True, check_freq=True)
    assert_same_index(built.index, series.index)
    assert type(built.array) is type(series.array)
    assert type(built.name) is type(series.name)
    assert list(map(type, built)) == list(map(type, series))


def assert_same_frame(built, frame):
    assert type(built) is type(frame)
    pd.testing.assert_frame_equal(
        built, frame, check_exact=True, check_column_type=True, check_index_type=True, check_freq=True
    )
    assert_same_index(built.index, frame.index)
    assert_same_index(built.columns, frame.columns)
    assert block_layout(built) == block_layout(frame)
    assert built.to_numpy().flags.f_contiguous == frame.to_numpy().flags.f_contiguous
    assert built.attrs == frame.attrs
    assert built.flags == frame.flags


def nullable(values, dtype):
    return pd.array(values, dtype=dtype)


SCALARS = {
    "timestamp": pd.Timestamp("2020-02-29 12:34:56.789012345"),
    "timestamp in seconds": pd.Timestamp("2020-02-29").as_unit("s"),
    "timestamp of another millennium": pd.Timestamp("1066-10-14").as_unit("ms"),
    "timestamp with a zone": pd.Timestamp("2020-02-29 12:00", tz=PARIS),
    "timestamp with an offset": pd.Timestamp(
        "2020-02-29", tz=datetime.timezone(datetime.timedelta(hours=-3))
    ),
    "timestamp in UTC": pd.Timestamp("2020-02-29", tz="UTC"),
    "timestamp of the first hour": pd.Timestamp("2023-10-29 00:30", tz="UTC").tz_convert(PARIS),
    "timestamp of the second hour": pd.Timestamp("2023-10-29 01:30", tz="UTC").tz_convert(PARIS),
    "timestamp with a fold": pd.Timestamp("2023-10-29 02:30").replace(fold=1),
    "timedelta": pd.Timedelta(days=-3, nanoseconds=7),
    "timedelta in seconds": pd.Timedelta(5, unit="s").as_unit("s"),
    "period": pd.Period("2020-02", freq="M"),
    "period of a week": pd.Period("2020-02-03", freq="W-WED"),
    "period of many minutes": pd.Period("2020-02-03", freq="15min"),
    "interval of numbers": pd.Interval(0, 1.5, closed="neither"),
    "interval of times": pd.Interval(pd.Timestamp("2020"), pd.Timestamp("2021"), closed="both"),
}

OFFSETS = [
    offsets.Day(3),
    offsets.Hour(-2),
    offsets.Nano(10**15),
    offsets.MonthEnd(2, normalize=True),
    offsets.BMonthBegin(),
    offsets.QuarterEnd(startingMonth=2),
    offsets.BYearEnd(month=3),
    offsets.SemiMonthBegin(day_of_month=9),
    offsets.Week(weekday=4),
    offsets.Week(),
    offsets.WeekOfMonth(week=2, weekday=1),
    offsets.LastWeekOfMonth(weekday=5),
    offsets.Easter(),
    offsets.FY5253(startingMonth=12, weekday=4, variation="last"),
    offsets.FY5253Quarter(startingMonth=3, weekday=2, qtr_with_extra_week=1),
    offsets.BDay(2),
    offsets.BDay(offset=datetime.timedelta(hours=3)),
    offsets.BusinessHour(start="09:30", end="17:15"),
    offsets.BusinessHour(start=["09:00", "14:00"], end=["12:00", "18:00"]),
    offsets.CustomBusinessDay(holidays=["2020-01-01", "2020-05-01"], weekmask="Sun Mon Tue Wed Thu"),
    offsets.CustomBusinessHour(holidays=["2020-01-01"], start="08:00"),
    offsets.CustomBusinessMonthEnd(holidays=["2020-01-31"]),
    offsets.DateOffset(3),
    offsets.DateOffset(months=2, days=1, hour=12),
]

DTYPES = [
    *(pd.api.types.pandas_dtype(f"{sign}Int{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)),
    pd.Float32Dtype(),
    pd.Float64Dtype(),
    pd.BooleanDtype(),
    pd.StringDtype("python"),
    pd.CategoricalDtype(),
    pd.CategoricalDtype(["b", "a"], ordered=True),
    pd.DatetimeTZDtype("ms", PARIS),
    pd.PeriodDtype("Q"),
    pd.IntervalDtype("int64", "left"),
    pd.IntervalDtype(pd.DatetimeTZDtype("ns", "UTC"), "right"),
    pd.SparseDtype("float64", 0.5),
]

ARRAYS = {
    "integers": nullable([1, None, -3], "Int8"),
    "unsigned": nullable([2**64 - 1, None], "UInt64"),
    "floats": nullable([1.5, None, float("inf")], "Float32"),
    "booleans": nullable([True, None, False], "boolean"),
    "strings": nullable(["a", None, "é\0"], "string[python]"),
    "surrogates": nullable(["\ud800"], "string[python]"),
    "text": pd.Series(["a", None], dtype="str").array,
    "categorical": pd.Categorical(["b", "a", None, "b"], categories=["c", "b", "a"]),
    "ordered": pd.Categorical([3, 1], categories=[1, 2, 3], ordered=True),
    "categories of many kinds": pd.Categorical(
        [1, "a", (2, "b")], categories=pd.Index([1, "a", (2, "b")], dtype=object, tupleize_cols=False)
    ),
    "no categories": pd.Categorical([None, None]),
    **{
        f"times in {unit}": pd.DatetimeIndex(["2020", None]).as_unit(unit).array
        for unit in ("s", "ms", "us", "ns")
    },
    "times with a zone": pd.DatetimeIndex(["2023-10-29 00:30", "2023-10-29 01:30", None], tz="UTC")
    .tz_convert(PARIS)
    .array,
    "durations": pd.TimedeltaIndex([1, None]).array,
    "periods": pd.PeriodIndex(["2020-01", None], freq="M").array,
    "intervals": pd.arrays.IntervalArray.from_tuples([(0, 1), None, (2.5, 3)], closed="left"),
    "intervals of times": pd.interval_range(pd.Timestamp("2020", tz=PARIS), periods=3, freq="D").array,
    "sparse": pd.arrays.SparseArray([0, 0, 1, 2, 0]),
    "sparse in blocks": pd.arrays.SparseArray([np.nan, 1.0, 2.0, np.nan, 4.0], kind="block"),
    "sparse booleans": pd.arrays.SparseArray([True, False, True], fill_value=True),
    "numpy": pd.arrays.NumpyExtensionArray(np.arange(3)),
    "empty": nullable([], "Int64"),
}

INDEXES = {
    "text": pd.Index(["a", "b", "a"], name="labels"),
    "objects": pd.Index(
        ["a", 1, None, np.nan, (1, 2), 2.5, np.int64(3), pd.NaT, pd.NA], dtype=object, tupleize_cols=False
    ),
    "tuples": pd.Index([(1, "a"), (2, "b")], tupleize_cols=False),
    "integers": pd.Index([3, 1, 2], dtype="int16"),
    "unsigned": pd.Index([2**64 - 1], dtype="uint64"),
    "floats": pd.Index([0.5, -0.0, np.nan]),
    "booleans": pd.Index([True, False]),
    "nullable": pd.Index([1, None], dtype="Int64"),
    "a range": pd.RangeIndex(10, -5, -3, name=("a", 1)),
    "no rows": pd.RangeIndex(0),
    "empty": pd.Index([], dtype=object),
    "levels": pd.MultiIndex.from_product([["x", "y"], [1, 2]], names=["letter", None]),
    "missing levels": pd.MultiIndex.from_tuples([("a", 1.5), (None, np.nan)]),
    "sorted levels": pd.MultiIndex.from_arrays([[1, 1, 2], [3, 4, 3]], sortorder=2),
    "unused levels": pd.MultiIndex.from_product([["x", "y"], [1, 2]])[:1],
    "levels of times": pd.MultiIndex.from_arrays(
        [pd.date_range("2020", periods=2, tz=PARIS), pd.Categorical(["a", "b"])]
    ),
    "days": pd.date_range("2020", periods=4, freq="D", tz=PARIS, name="day"),
    "months": pd.date_range("2020", periods=4, freq=offsets.MonthEnd(2)),
    "times without freq": pd.DatetimeIndex(["2020", "2022", "2021"]).as_unit("s"),
    "durations": pd.timedelta_range("1h", periods=3, freq="2h"),
    "periods": pd.period_range("2020", periods=3, freq="Q"),
    "intervals": pd.interval_range(0, 3, closed="both", name="bin"),
    "cut": pd.cut([1, 2, 3], 2).categories,
    "categories": pd.CategoricalIndex(["a", "b", "a"], ordered=True),
    "left behind by pyarrow": pd.Index(["__index_level_0__", "__a", "b__"]),
}


def interleaved():
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [3, 4], "d": [2.5, 3.5]})
    return frame.copy()._consolidate() if hasattr(frame, "_consolidate") else frame.copy()


def noted():
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": ("survey", 2020), 3: [None]}
    return frame.set_flags(allows_duplicate_labels=False)


FRAMES = {
    "one block": pd.DataFrame(np.arange(6.0).reshape(2, 3)),
    "one block by columns": pd.DataFrame(np.asfortranarray(np.arange(6.0).reshape(2, 3))),
    "strided": pd.DataFrame(np.arange(40.0).reshape(4, 10))[[1, 4, 7]].iloc[::2],
    "wide": pd.DataFrame(np.random.default_rng(0).normal(size=(3, 200))),
    "interleaved": interleaved(),
    "times": pd.DataFrame(np.array([["2020", "2021"], ["2022", "NaT"]], "M8[s]"), columns=["a", "b"]),
    "duplicate names": pd.DataFrame([[1, "x", 2.5]], columns=["a", "a", "a"]),
    "names of many kinds": pd.DataFrame(
        [[1, 2, 3, 4]], columns=pd.Index(["a", 1, None, (2, 3)], dtype=object, tupleize_cols=False)
    ),
    "levels": pd.DataFrame(
        np.eye(4),
        INDEXES["levels"],
        pd.MultiIndex.from_product([["u"], [pd.Timestamp("2020"), 1], ["v", "w"]]),
    ),
    "objects": pd.DataFrame(
        {"a": [1, "x", None, pd.NA, (1, [2])], "b": [{"k": 1}, b"", 2.5, np.nan, pd.NaT]}, dtype=object
    ),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int8"), "b": pd.Categorical([])}),
    "no columns": pd.DataFrame(index=["a", "b"]),
    "nothing": pd.DataFrame(),
    "notes and flags": noted(),
    "every kind of array": pd.DataFrame(
        {name: pd.Series(array).reindex(range(2)) for name, array in ARRAYS.items() if name != "empty"}
    ),
    "sums to the last digit": pd.DataFrame(np.random.default_rng(1).normal(size=(50, 7))[::3]),
}


@both_formats
@pytest.mark.parametrize("scalar", SCALARS.values(), ids=SCALARS)
def test_a_scalar_comes_back_with_its_unit_zone_and_fold(scalar, format):
    built = roundtrip(scalar, format)
    assert type(built) is type(scalar)
    assert built == scalar
    assert repr(built) == repr(scalar)
    for name in ("unit", "tz", "fold", "freq", "closed"):
        assert getattr(built, name, None) == getattr(scalar, name, None)


@both_formats
@pytest.mark.parametrize("missing", [pd.NaT, pd.NA], ids=repr)
def test_markers_of_missing_values_stay_the_only_ones(missing, format):
    assert roundtrip([missing], format)[0] is missing


@both_formats
@pytest.mark.parametrize("offset", OFFSETS, ids=repr)
def test_an_offset_leads_to_the_same_date(offset, format):
    built = roundtrip(offset, format)
    day = pd.Timestamp("2020-01-29 10:11")
    assert type(built) is type(offset)
    assert built == offset
    assert hash(built) == hash(offset)
    assert day + built == day + offset


@both_formats
@pytest.mark.parametrize("dtype", DTYPES, ids=repr)
def test_a_dtype_comes_back(dtype, format):
    built = roundtrip(dtype, format)
    assert type(built) is type(dtype)
    assert built == dtype
    assert repr(built) == repr(dtype)


@both_formats
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_an_array_comes_back(array, format):
    built = roundtrip(array, format)
    assert type(built) is type(array)
    pd.testing.assert_extension_array_equal(built, array, check_exact=True)


@both_formats
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_a_series_of_an_array_comes_back_and_can_be_written_to(array, format):
    series = pd.Series(array, name=("a", 1))
    built = roundtrip(series, format)
    assert_same_series(built, series)
    if len(series) and not isinstance(series.dtype, pd.SparseDtype | pd.IntervalDtype):
        built.iloc[0] = built.iloc[-1]
        series = series.copy()
        series.iloc[0] = series.iloc[-1]
        assert_same_series(built, series)


@both_formats
@pytest.mark.parametrize(
    "name", [None, "a", 1, 2.5, ("a", None), pd.Timestamp("2020"), np.int64(3)], ids=repr
)
def test_a_series_keeps_a_name_of_any_kind(name, format):
    series = pd.Series([0.1, 0.2], name=name)
    assert_same_series(roundtrip(series, format), series)


@both_formats
@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_an_index_comes_back(index, format):
    assert_same_index(roundtrip(index, format), index)


@both_formats
@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_a_series_is_found_by_the_labels_that_it_had(index, format):
    series = pd.Series(np.arange(len(index)), index=index)
    built = roundtrip(series, format)
    assert_same_series(built, series)
    assert built.index.get_indexer_for(index).tolist() == index.get_indexer_for(index).tolist()


@both_formats
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_frame_comes_back_with_its_blocks_as_they_lie_in_memory(frame, format):
    built = roundtrip(frame, format)
    assert_same_frame(built, frame)
    for column in range(frame.shape[1]):
        assert type(built.iloc[:, column].array) is type(frame.iloc[:, column].array)


@both_formats
def test_sums_agree_to_the_last_digit(format):
    frame = FRAMES["sums to the last digit"]
    assert roundtrip(frame, format).to_numpy().sum() == frame.to_numpy().sum()


@both_formats
def test_a_frame_can_be_written_to(format):
    built = roundtrip(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), format)
    built.loc[0, "a"] = 7
    built["c"] = built["a"] * 2
    assert built["c"].tolist() == [14, 4]


@both_formats
def test_an_index_that_is_shared_is_shared_again(format):
    index = pd.Index(["a", "b"])
    frame, series = pd.DataFrame({"x": [1, 2]}, index=index), pd.Series([1, 2], index=index)
    shared = [frame, series, index, frame]
    # Whether pandas itself keeps the index that it is given has changed between versions.
    before = (frame.index is index, series.index is index)
    built = roundtrip(shared, format)
    assert built[0] is built[3]
    assert (built[0].index is built[2], built[1].index is built[2]) == before


@both_formats
def test_columns_with_the_same_categories_share_them_again(format):
    dtype = pd.CategoricalDtype(["a", "b"])
    built = roundtrip([pd.Categorical(["a"], dtype=dtype), pd.Categorical(["b"], dtype=dtype)], format)
    assert built[0].categories is built[1].categories


@both_formats
def test_a_frame_may_contain_itself(format):
    series = pd.Series([None, 1], dtype=object)
    series.iloc[0] = [series]
    document = reflectio.dumps(series, format=format)
    built = reflectio.loads(document)
    assert built.iloc[0][0] is built


@both_formats
@pytest.mark.parametrize("wrap", [lambda part: [part], lambda part: (part,)], ids=["lists", "tuples"])
@pytest.mark.parametrize("depth", [40, 75, 79, 80, 81, 99, 100, 140])
def test_a_frame_comes_back_from_any_depth(depth, wrap, format):
    frame = nested = pd.DataFrame({"numbers": [1, 2], "objects": pd.Series([[1], None], dtype=object)})
    for _ in range(depth):
        nested = wrap(nested)
    built = roundtrip(nested, format)
    for _ in range(depth):
        built = built[0]
    assert_same_frame(built, frame)


@settings(max_examples=60, deadline=None)
@given(
    frame=pdst.data_frames(
        columns=[
            pdst.column("i", dtype="int64"),
            pdst.column("f", dtype="float64"),
            pdst.column("b", dtype="bool"),
            pdst.column("t", dtype="datetime64[ns]"),
            pdst.column("d", dtype="timedelta64[ns]"),
            pdst.column("s", elements=st.text(max_size=5), dtype=object),
            pdst.column("f2", dtype="float64"),
        ],
        index=pdst.range_indexes(max_size=80)
        | pdst.indexes(elements=st.floats(), dtype=float, max_size=5)
        | pdst.indexes(
            elements=st.text(max_size=3).filter(lambda text: not text.startswith("__")),
            dtype=object,
            max_size=5,
        ),
    ),
    format=st.sampled_from(FORMATS),
)
def test_any_frame_comes_back(frame, format):
    assert_same_frame(roundtrip(frame, format), frame)


# -- estimators --------------------------------------------------------------------------------------------------


@pytest.fixture
def passengers():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, 60),
            "fare": rng.exponential(20, 60),
            "deck": pd.Categorical(rng.choice(["A", "B", "C"], 60)),
            "port": rng.choice(["x", "y"], 60),
        }
    )


@both_formats
def test_a_pipeline_fitted_on_a_frame_predicts_and_names_its_columns_as_before(passengers, format):
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["age", "fare"]),
            ("words", OneHotEncoder(sparse_output=False), ["deck", "port"]),
        ]
    ).set_output(transform="pandas")
    pipeline = make_pipeline(columns, LogisticRegression()).fit(passengers, passengers["age"] > 40)
    built = roundtrip(pipeline, format)
    assert built.feature_names_in_.tolist() == passengers.columns.tolist()
    assert np.array_equal(built.predict_proba(passengers), pipeline.predict_proba(passengers))
    pd.testing.assert_frame_equal(
        built[:-1].transform(passengers), pipeline[:-1].transform(passengers), check_exact=True
    )


@both_formats
def test_an_estimator_may_hold_a_frame(passengers, format):
    from sklearn.neighbors import KNeighborsClassifier

    estimator = KNeighborsClassifier().fit(passengers[["age", "fare"]], passengers["port"])
    estimator.training_ = passengers
    built = roundtrip(estimator, format)
    assert_same_frame(built.training_, passengers)
    assert (
        built.predict(passengers[["age", "fare"]]).tolist()
        == estimator.predict(passengers[["age", "fare"]]).tolist()
    )


# -- what no document can say ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["__array_interface__", "__array_struct__", "__dlpack__"])
@pytest.mark.parametrize(
    "index",
    [
        lambda label: pd.Index([label]),
        lambda label: pd.Index([label], dtype=object),
        lambda label: pd.Index([np.str_(label), 1], dtype=object),
        lambda label: pd.CategoricalIndex([label]),
        lambda label: pd.MultiIndex.from_tuples([(label,)]),
        lambda label: pd.MultiIndex.from_tuples([(1, label)]),
    ],
    ids=["text", "object", "numpy text", "category", "one level", "two levels"],
)
def test_a_label_that_numpy_would_read_as_an_address_is_not_written(label, index):
    with pytest.raises(UnsupportedTypeError, match="rename it"):
        reflectio.dumps(index(label))


def test_a_time_zone_that_cannot_be_named_is_not_written():
    import dateutil.tz

    with pytest.raises(UnsupportedTypeError, match=r"\$\.model\[0\].*zoneinfo"):
        reflectio.dumps([pd.Timestamp("2020", tz=dateutil.tz.tzlocal())])


def test_an_offset_with_a_calendar_of_its_own_is_not_written():
    calendar = np.busdaycalendar(weekmask="1010101")
    with pytest.raises(UnsupportedTypeError, match="weekmask"):
        reflectio.dumps(offsets.CustomBusinessDay(calendar=calendar))


def test_data_of_pyarrow_is_not_written():
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    with pytest.raises(UnsupportedTypeError, match="pyarrow"):
        reflectio.dumps(pd.Series([1], dtype="int64[pyarrow]"))


@both_formats
def test_text_of_pyarrow_comes_back_with_its_dtype(format):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    series = pd.Series(["a", None], dtype="string[pyarrow]")
    assert_same_series(roundtrip(series, format), series)


# -- forged documents -------------------------------------------------------------------------------------------------


def forge(obj, edit):
    """The JSON document of an object, after an edit of its model."""
    document = json.loads(reflectio.dumps(obj, format="json"))
    edited = edit(document["model"])
    if edited is not None:
        document["model"] = edited
    return json.dumps(document)


def put(*path, value):
    """An edit that puts a value somewhere into a model."""

    def edit(model):
        for part in path[:-1]:
            model = model[part]
        model[path[-1]] = value

    return edit


def drop(*path):
    """An edit that takes a member out of a model."""

    def edit(model):
        for part in path[:-1]:
            model = model[part]
        del model[path[-1]]

    return edit


def vector(dtype, *values):
    return {"$": "ndarray", "dtype": dtype, "shape": [len(values)], "data": list(values)}


def text_index(*labels):
    dtype = {"$": "pandas.StringDtype", "storage": "python", "na_value": "NA"}
    return {
        "$": "pandas.Index",
        "data": {"$": "pandas.arrays.StringArray", "dtype": dtype, "data": list(labels)},
    }


def object_index(*labels):
    return {"$": "pandas.Index", "data": list(labels)}


NUMBERS = pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=["a", "b", "c"])
MIXED = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": nullable([1, 2], "Int64")})
INTERFACE = {
    "$": "dict",
    "items": [
        ["data", {"$": "tuple", "items": [4096, False]}],
        ["shape", {"$": "tuple", "items": [8]}],
        ["typestr", "<f8"],
        ["version", 3],
    ],
}
OBJECTS = {"$": "ndarray", "dtype": "object", "shape": [1], "data": [INTERFACE]}

FORGERIES = {
    "a label that numpy reads as an address": (
        pd.Series([None], dtype=object, index=["a"]),
        lambda model: model.update(index=object_index("__array_interface__"), data=OBJECTS),
    ),
    "the same label as text of pandas": (
        pd.Series([1], index=["a"]),
        put("index", value=text_index("__array_interface__")),
    ),
    "the same label as text of numpy": (
        pd.Series([1], index=["a"]),
        put("index", value=object_index({"$": "scalar", "dtype": "<U19", "value": "__array_interface__"})),
    ),
    "the same label as a category": (
        pd.Categorical(["a"]),
        put("categories", value=object_index("__array_interface__")),
    ),
    "the same label as a level": (
        pd.MultiIndex.from_tuples([("a",)]),
        put("levels", 0, value=object_index("__array_interface__")),
    ),
    "the same label as a column": (MIXED, put("columns", value=object_index("a", "__array_struct__", "c"))),
    "the same label in an array of objects": (
        pd.Index([1]),
        put("data", value={"$": "ndarray", "dtype": "object", "shape": [1], "data": ["__array_interface__"]}),
    ),
    "the same label in a wrapped array of objects": (
        pd.Index([1]),
        put(
            "data",
            value={
                "$": "pandas.arrays.NumpyExtensionArray",
                "data": {"$": "ndarray", "dtype": "object", "shape": [1], "data": ["__array_interface__"]},
            },
        ),
    ),
    "the same label in a sparse array of objects": (
        pd.Index([1]),
        put(
            "data",
            value={
                "$": "pandas.arrays.SparseArray",
                "dtype": {
                    "$": "pandas.SparseDtype",
                    "subtype": {"$": "dtype", "name": "object"},
                    "fill_value": None,
                },
                "values": {"$": "ndarray", "dtype": "object", "shape": [1], "data": ["__array_interface__"]},
                "indices": vector("int32", 0),
                "length": 1,
                "kind": "integer",
            },
        ),
    ),
    "a code beyond the categories": (pd.Categorical(["a", "b"]), put("codes", "data", value=[0, 2])),
    "a code below -1": (pd.Categorical(["a", "b"]), put("codes", "data", value=[0, -2])),
    "codes that are numbers with fractions": (
        pd.Categorical(["a"]),
        put("codes", value=vector("float64", 0.0)),
    ),
    "codes in two axes": (
        pd.Categorical(["a"]),
        put("codes", value={"$": "ndarray", "dtype": "int8", "shape": [1, 1], "data": [[0]]}),
    ),
    "codes that are no array": (pd.Categorical(["a"]), put("codes", value=[0])),
    "categories that come twice": (
        pd.Categorical(["a", "b"]),
        put("categories", value=object_index("a", "a")),
    ),
    "categories that are no index": (pd.Categorical(["a"]), put("categories", value=["a"])),
    "a code beyond a level": (INDEXES["levels"], put("codes", 0, "data", value=[0, 0, 1, 7])),
    "a code below -1 in a level": (INDEXES["levels"], put("codes", 1, "data", value=[0, 0, 1, -2])),
    "levels of two lengths": (
        INDEXES["levels"],
        put("codes", 1, value=vector("int8", 0)),
    ),
    "a level without codes": (INDEXES["levels"], drop("codes", 1)),
    "no levels": (INDEXES["levels"], lambda model: model.update(levels=[], codes=[], names=[])),
    "a level of levels": (
        INDEXES["levels"],
        lambda model: put("levels", 0, value=json.loads(json.dumps(model)))(model),
    ),
    "a sortorder that is a lie": (INDEXES["sorted levels"], put("sortorder", value=3)),
    "a mask of another length": (ARRAYS["integers"], put("mask", value=vector("bool", True))),
    "a mask of numbers": (ARRAYS["integers"], put("mask", value=vector("int8", 0, 1, 0))),
    "values of another kind": (ARRAYS["integers"], put("data", value=vector("float64", 1.0, 2.0, 3.0))),
    "values that are objects": (
        ARRAYS["integers"],
        put("data", value={"$": "ndarray", "dtype": "object", "shape": [3], "data": [1, 2, 3]}),
    ),
    "bytes that are neither true nor false": (
        ARRAYS["booleans"],
        put(
            "mask",
            value={"$": "ndarray", "dtype": "bool", "shape": [3], "data": "AP8C", "encoding": "base64"},
        ),
    ),
    "text that is a number": (ARRAYS["strings"], put("data", 0, value=1)),
    "text in a storage of its own": (ARRAYS["strings"], put("dtype", "storage", value="os.system")),
    "a dtype of text that is a name": (ARRAYS["strings"], put("dtype", value="string")),
    "sparse data beyond its length": (ARRAYS["sparse"], put("length", value=3)),
    "sparse data before its start": (ARRAYS["sparse"], put("indices", value=vector("int32", -1, 3))),
    "sparse data out of order": (ARRAYS["sparse"], put("indices", value=vector("int32", 3, 2))),
    "sparse data with a value too few": (ARRAYS["sparse"], put("values", value=vector("int64", 1))),
    "sparse data of another type": (ARRAYS["sparse"], put("values", value=vector("float64", 1.0, 2.0))),
    "sparse data without end": (ARRAYS["sparse"], put("length", value=2**62)),
    "intervals with a bound too few": (
        ARRAYS["intervals"],
        put("left", "data", value=vector("float64", 0.0)),
    ),
    "intervals that end before they start": (
        INDEXES["intervals"],
        put("data", "left", "data", "data", value=[9, 9, 9]),
    ),
    "intervals closed in another way": (ARRAYS["intervals"], put("closed", value="ajar")),
    "times in weeks": (ARRAYS["times in s"], put("data", "dtype", value="datetime64[W]")),
    "times that are numbers": (ARRAYS["times in s"], put("data", value=vector("int64", 1))),
    "a time zone that is a path": (
        pd.Timestamp("2020", tz=PARIS),
        put("tz", "key", value="../../../etc/passwd"),
    ),
    "a time zone that is a number": (pd.Timestamp("2020", tz=PARIS), put("tz", value=3)),
    "a time zone of pytz that does not exist": (
        pd.Timestamp("2020", tz=PARIS),
        put("tz", value="pytz:../passwd"),
    ),
    "a frequency that the index does not have": (INDEXES["months"], put("freq", "n", value=5)),
    "a frequency that is a name": (INDEXES["months"], put("freq", value="ME")),
    "a frequency for numbers": (
        pd.Index([1, 2]),
        put("freq", value={"$": "pandas.tseries.offsets.Day", "n": 1}),
    ),
    "an offset of too many steps": (offsets.DateOffset(months=1), put("n", value=10**15)),
    "an offset with a parameter too many": (offsets.Day(), put("calendar", value=None)),
    "a month that no year has": (offsets.FY5253(), put("startingMonth", value=2**31)),
    "an offset without a count": (offsets.Day(), drop("n")),
    "holidays that are numbers": (OFFSETS[19], put("holidays", value={"$": "tuple", "items": [1]})),
    "periods of no length": (
        ARRAYS["periods"],
        put("freq", value={"$": "pandas.tseries.offsets.Easter", "n": 1}),
    ),
    "periods by fractions": (ARRAYS["periods"], put("ordinals", value=vector("float64", 0.5))),
    "a range without steps": (pd.RangeIndex(3), put("step", value=0)),
    "a range without bounds": (pd.RangeIndex(3), lambda model: model.update(start=-(2**63), stop=2**63 - 1)),
    "a range of text": (pd.RangeIndex(3), put("stop", value="3")),
    "labels of another class": (pd.Index([1, 2]), put("$", value="pandas.DatetimeIndex")),
    "an index without labels": (pd.Index([1, 2]), drop("data")),
    "a series longer than its index": (pd.Series([1, 2]), put("index", "stop", value=1)),
    "a series shorter than its index": (pd.Series([1, 2]), put("index", "stop", value=10**12)),
    "a series with two axes": (
        pd.Series([1, 2]),
        put("data", value={"$": "ndarray", "dtype": "int64", "shape": [2, 1], "data": [[1], [2]]}),
    ),
    "a series of records": (
        pd.Series([1]),
        put(
            "data",
            value={"$": "ndarray", "dtype": "V8", "shape": [1], "data": "AAAAAAAAAAA=", "encoding": "base64"},
        ),
    ),
    "a series of fixed text": (pd.Series([1]), put("data", value=vector("<U1", "a"))),
    "a series of times by the day": (
        pd.Series([1]),
        put("data", value=vector("datetime64[D]", "2020-01-01")),
    ),
    "a series without a class": (pd.Series([1]), put("index", value=[0])),
    "a series with an unknown member": (pd.Series([1]), put("_mgr", value=None)),
    "a name that has no hash": (pd.Series([1], name="a"), put("name", value=["a"])),
    "flags that are a lie": (
        pd.Series([1, 2], index=["a", "a"]),
        put("allows_duplicate_labels", value=False),
    ),
    "notes that are a list": (pd.Series([1]), put("attrs", value=[1])),
    "a column that comes twice": (MIXED, put("blocks", 1, "columns", value=[0])),
    "a column beyond the frame": (MIXED, put("blocks", 1, "columns", value=[3])),
    "a column before the frame": (MIXED, put("blocks", 1, "columns", value=[-1])),
    "a column that is a truth": (MIXED, put("blocks", 1, "columns", value=[True])),
    "a column without data": (MIXED, drop("blocks", 1)),
    "columns without end": (
        MIXED,
        put("columns", value={"$": "pandas.RangeIndex", "start": 0, "stop": 2**62, "step": 1}),
    ),
    "a block with a column too few": (NUMBERS, put("blocks", 0, "columns", value=[0, 1])),
    "a block with a row too few": (NUMBERS, put("index", "stop", value=3)),
    "a block that is an index": (
        NUMBERS,
        put("blocks", 0, "data", value={"$": "pandas.RangeIndex", "start": 0, "stop": 2, "step": 1}),
    ),
    "a block with a member too many": (NUMBERS, put("blocks", 0, "klass", value="os.system")),
    "a block that is no object": (NUMBERS, put("blocks", 0, value=[1])),
    "blocks that are no list": (NUMBERS, put("blocks", value={"0": 1})),
    "a frame of an array with one axis": (
        NUMBERS,
        put("blocks", 0, "data", value=vector("float64", 1.0, 2.0)),
    ),
    "a frame that is a manager": (NUMBERS, put("$", value="pandas.core.internals.managers.BlockManager")),
    "a frame of arguments": (NUMBERS, put("$args", value=[])),
    "a frame with a state": (NUMBERS, put("$state", value={"_mgr": None})),
    "a missing time that is a time": (pd.Timestamp("2020"), put("value", value="NaT")),
    "a time in the unit of a name": (pd.Timestamp("2020"), put("unit", value="generic")),
    "a fold that is no fold": (pd.Timestamp("2020"), put("fold", value=2)),
    "a marker with a member": (pd.NaT, put("value", value=1)),
    "an interval of text": (pd.Interval(0, 1), put("left", value="a")),
    "a period beyond 64 bits": (
        pd.Period("2020", "D"),
        put("ordinal", value={"$": "int", "value": str(2**70)}),
    ),
}


@pytest.mark.parametrize(("obj", "edit"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_document_is_refused(obj, edit):
    reflectio.loads(forge(obj, lambda model: None))
    with pytest.raises(DecodeError) as caught:
        reflectio.loads(forge(obj, edit))
    assert "$.model" in str(caught.value)


@pytest.mark.parametrize(
    ("obj", "edit", "path"),
    [
        (MIXED, put("blocks", 2, "data", "mask", value=vector("bool", True)), "$.model.blocks[2].data"),
        (INDEXES["levels"], put("codes", 0, "data", value=[[]]), "$.model.codes[0]"),
        (pd.Series([1]), put("index", "stop", value=None), "$.model.index"),
    ],
    ids=["block", "codes", "index"],
)
def test_a_refusal_says_where(obj, edit, path):
    with pytest.raises(DecodeError) as caught:
        reflectio.loads(forge(obj, edit))
    assert str(caught.value).startswith(f"{path}:") or str(caught.value).startswith(f"{path}.")


def test_codes_cannot_be_changed_through_another_array_of_the_document():
    document = json.loads(
        reflectio.dumps([np.array([0, 1], "int8"), pd.Categorical(["a", "b"])], format="json")
    )
    values, categorical = document["model"]
    values["$id"] = 1
    categorical["codes"] = {"$": "ref", "id": 1}
    values, categorical = reflectio.loads(json.dumps(document))
    values[:] = 100
    assert categorical.tolist() == ["a", "b"]


def test_codes_cannot_be_changed_through_a_view():
    document = json.loads(
        reflectio.dumps([np.array([0, 1], "int8"), pd.Categorical(["a", "b"])], format="json")
    )
    values, categorical = document["model"]
    values["$id"] = 1
    categorical["codes"] = {
        "$": "ndarray", "dtype": "int8", "shape": [2], "base": {"$": "ref", "id": 1}, "offset": 0, "strides": [1],
    }  # fmt: skip
    values, categorical = reflectio.loads(json.dumps(document))
    values[:] = 100
    assert categorical.tolist() == ["a", "b"]


def test_a_label_cannot_be_put_in_after_the_check():
    labels = {"$": "ndarray", "$id": 1, "dtype": "object", "shape": [1], "data": ["__array_interface__"]}
    document = json.loads(reflectio.dumps(pd.Index([1]), format="json"))
    document["model"]["data"] = {"$": "ref", "id": 1}
    document["objects"] = [labels]
    with pytest.raises(DocumentError):
        reflectio.loads(json.dumps(document))


def test_numpy_would_follow_such_a_label():
    # What the refusal is for; once this fails, pandas has closed the way itself.
    values = np.arange(3.0)
    series = pd.Series([values.__array_interface__], index=["__array_interface__"], dtype=object)
    assert np.asarray(series).tolist() == values.tolist()


@pytest.mark.parametrize("value", [2**62, -(2**62), 2**63 - 1, -(2**63) + 1])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_at_the_ends_of_64_bits_never_end_the_process(unit, value):
    index = pd.DatetimeIndex(np.array([value]).view(f"M8[{unit}]"))
    built = roundtrip(index)
    for use in (
        repr,
        lambda built: built.year,
        lambda built: built[0],
        lambda built: built.tz_localize(PARIS),
    ):
        try:
            use(built)
        except (ValueError, OverflowError, NotImplementedError):
            continue
    assert built._values._ndarray.view("int64").tolist() == [value]


# -- names ------------------------------------------------------------------------------------------------------------


def allowed_classes():
    return tomllib.loads(ALLOWLIST.read_text())["allow"]["classes"]


@pytest.mark.parametrize("name", allowed_classes())
def test_every_class_that_the_policy_allows_has_a_codec_of_its_own(name):
    try:
        cls = reflectio.names.resolve(name)
    except DocumentError:
        pytest.skip("this version of pandas has no such class")
    assert pandas_types.is_pandas_class(cls)
    assert name in (*pandas_types.codec_for_pandas_class(cls).types,)


def test_an_audit_lists_the_classes():
    audit = reflectio.audit(reflectio.dumps(MIXED))
    assert {"pandas.DataFrame", "pandas.Index", "pandas.RangeIndex", "pandas.arrays.IntegerArray"} <= {
        use.name for use in audit.names
    }


def test_a_policy_without_frames_refuses_them(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('extends = ["default"]\n[deny]\nclasses = ["pandas.DataFrame"]\n')
    with pytest.raises(reflectio.UntrustedNameError, match=r"pandas\.DataFrame"):
        reflectio.loads(reflectio.dumps(MIXED), policy=policy)


def test_an_index_that_counts_is_as_long_as_the_data_that_it_is_of():
    rows = 10**7
    frame = pd.DataFrame({"a": np.zeros(rows, np.int8)})
    # Compressed, it takes a few thousand bytes, and the index a few more.
    loaded = reflectio.loads(reflectio.dumps([frame, pd.RangeIndex(10**6)], compression="zlib"))
    assert [len(part) for part in loaded] == [rows, 10**6]


def test_the_header_names_the_version_of_pandas():
    header = json.loads(reflectio.dumps(pd.NaT, format="json"))
    assert header["versions"]["pandas"] == pd.__version__


@pytest.mark.parametrize(
    "code",
    [
        "import reflectio",
        "import reflectio; reflectio.loads(reflectio.dumps({'a': [1.5, (2, 'b')]}))",
        "import sys; sys.modules['pandas'] = None; import reflectio; reflectio.loads(reflectio.dumps([range(3)]))",
    ],
    ids=["importing", "using", "without pandas"],
)
def test_nothing_imports_pandas_unless_a_document_needs_it(code):
    check = f"{code}; import sys; assert sys.modules.get('pandas') is None"
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.mark.parametrize(
    "label",
    [0, -1, 1.5, "text", (), (1,), (1 << 40, "a"), ((1, 2.5), (None, "b")), (-1, -2, (3, ())), float("nan"), (float("nan"), 1), True],
)  # fmt: skip
def test_labels_are_hashed_as_pandas_does_it(label: Any) -> None:
    hashtable = pytest.importorskip("pandas._libs.hashtable")
    assert _of_object(label) == hashtable.object_hash(label) & 0xFFFFFFFF
