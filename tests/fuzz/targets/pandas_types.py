"""pandas' scalars, offsets, dtypes, arrays, indexes and frames: compiled code takes by their codes and positions."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import test_pandas

from fuzz.target import Attack, Target, do

SUBJECTS = {
    f"{kind} {name}": lambda value=value: value
    for kind, values in {
        "scalar": test_pandas.SCALARS,
        "offset": {
            f"{number} {type(each).__name__}": each for number, each in enumerate(test_pandas.OFFSETS)
        },
        "dtype": {str(number): each for number, each in enumerate(test_pandas.DTYPES)},
        "array": test_pandas.ARRAYS,
        "index": test_pandas.INDEXES,
        "frame": test_pandas.FRAMES,
    }.items()
    for name, value in values.items()
}
SUBJECTS |= {
    f"series of {name}": lambda name=name: pd.Series(test_pandas.ARRAYS[name], name=name)
    for name in ("integers", "categorical", "sparse", "strings", "times with a zone")
}

SUBJECTS["flags in bytes"] = lambda: _flags_in_bytes()


def _flags_in_bytes():
    """An array of booleans whose memory another array counts by."""
    data = np.array([0, 1, 1], "u1")
    return [data, pd.arrays.BooleanArray(data.view(bool), np.array([False, True, False]))]


_NOON = pd.Timestamp("2020-02-29 12:00")
_ANY = (
    lambda x: repr(x),
    lambda x: copy.deepcopy(x),
    lambda x: x == x,
    lambda x: len(x),
    lambda x: x[:1],
    lambda x: x[0],
    lambda x: x[-1],
    lambda x: x.take([0, -1]),
    lambda x: list(x),
    lambda x: np.asarray(x),
    lambda x: x.astype(object),
    lambda x: x.astype(str),
    lambda x: x.isna(),
    lambda x: x.unique(),
    lambda x: x.factorize(),
    lambda x: x.argsort(),
    lambda x: x.sum(),
    lambda x: x.max(),
    lambda x: x.copy(),
    lambda x: x.shift(1),
)
_INDEX = (
    lambda x: x.get_loc(x[0]),
    lambda x: x.get_indexer(x[::-1]),
    lambda x: x.is_unique,
    lambda x: x.is_monotonic_increasing,
    lambda x: x.union(x[:1]),
    lambda x: x.sort_values(),
    lambda x: x.duplicated(),
    lambda x: x.insert(0, x[0]),
    lambda x: x.droplevel(0),
    lambda x: x.get_level_values(0),
    lambda x: x.to_frame(),
    lambda x: x.swaplevel().sortlevel(),
    lambda x: pd.Series(range(len(x)), x).groupby(level=0).sum(),
)
_ARRAY = (
    lambda x: pd.Series(x).value_counts(),
    lambda x: pd.Series(x).groupby(pd.Series(x)).size(),
    lambda x: pd.Index(x),
    lambda x: x.to_dense(),
    lambda x: x.remove_unused_categories(),
    lambda x: x.set_categories(["z"]),
    lambda x: x.to_numpy(),
    lambda x: x + x,
    lambda x: x.copy().__setitem__(0, x[-1]),
    lambda x: x.fillna(x[0]),
    lambda x: x.overlaps(x[0]),
    lambda x: x.tz_convert("UTC"),
    lambda x: x.to_period("M"),
)
_FRAME = (
    lambda x: x.iloc[0],
    lambda x: x.iloc[:, 0],
    lambda x: x.loc[x.index[0]],
    lambda x: x[x.columns[0]],
    lambda x: x.to_numpy(),
    lambda x: x.T,
    lambda x: x.describe(),
    lambda x: x.sum(axis=1),
    lambda x: x.groupby(x.columns[0]).size(),
    lambda x: x.sort_index(axis=1),
    lambda x: x.reset_index(),
    lambda x: pd.concat([x, x]),
    lambda x: x.merge(x, left_index=True, right_index=True),
    lambda x: x.copy().__setitem__("new", 1),
    lambda x: x.sparse.to_coo(),
    lambda x: x.reindex(x.index[::-1]),
)
_SCALAR = (
    lambda x: _NOON + x,
    lambda x: x + pd.Timedelta(1, "h"),
    lambda x: x.tz_convert("UTC"),
    lambda x: x.to_timestamp(),
    lambda x: hash(x),
    lambda x: x.mid,
    lambda x: x.is_on_offset(_NOON),
    lambda x: x.rollforward(_NOON),
    lambda x: pd.array([None, None], dtype=x),
    lambda x: pd.Series([], dtype=x),
    lambda x: x.isoformat(),
    lambda x: x.as_unit("ns"),
)

# What prints, or makes, every label of an index that counts is not asked of long ones.
_LONGEST = 100_000


def use(obj):
    """Look at every part, take, sort, group, print."""
    try:
        long = len(obj) > _LONGEST
    except Exception:
        long = False
    if long:
        do(obj, (repr, lambda x: x[5:7], lambda x: x[-1], lambda x: x.get_loc(3)))
        return
    do(obj, _SCALAR)
    do(obj, _ANY)
    if isinstance(obj, pd.Index):
        do(obj, _INDEX)
    if isinstance(obj, pd.DataFrame | pd.Series):
        do(obj, _FRAME)
        do(obj, _INDEX)
    if isinstance(obj, pd.api.extensions.ExtensionArray):
        do(obj, _ARRAY)


TARGET = Target(
    "pandas",
    SUBJECTS,
    use,
    (
        Attack("", "scalar", "*"),
        Attack("pandas_offsets.OffsetCodec", "offset", "*"),
        Attack("", "dtype", "*"),
        Attack(
            "pandas_nodes.check_codes pandas_arrays.CategoricalCodec",
            "array cat, array ordered",
            "codes categories",
        ),
        Attack(
            "pandas_arrays.MaskedCodec",
            "array integers, array unsigned, array floats, array bool",
            "mask data",
        ),
        Attack("pandas_nodes.check_array", "flags in bytes, array sparse booleans", "data mask values dtype"),
        Attack(
            "pandas_arrays.with_freq",
            "index days, index months, index durations",
            "freq data values labels n",
        ),
        Attack("pandas_arrays.IntervalArrayCodec", "array intervals, index intervals", "left right closed"),
        Attack(
            "pandas_arrays.SparseArrayCodec", "array sparse", "values indices length kind dtype fill_value"
        ),
        Attack("", "array", "*"),
        Attack("pandas_indexes.IndexCodec", "index", "*"),
        Attack("pandas_indexes.RangeIndexCodec", "index a range, index no rows", "start stop step"),
        Attack(
            "pandas_indexes.MultiIndexCodec",
            "index levels, index sorted, index unused",
            "levels codes sortorder names",
        ),
        Attack("frames.SeriesCodec", "series", "index data name dtype"),
        Attack("frames.FrameCodec frames._check_positions", "frame", "blocks columns index"),
        Attack("", "frame", "*"),
    ),
)
