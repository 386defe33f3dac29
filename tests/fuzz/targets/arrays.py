"""numpy's arrays, as views, of subclasses, masked; and what is called with stored arguments."""

from __future__ import annotations

import copy
import functools
import operator
import types

import numpy as np
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

from fuzz.target import Attack, Target, do

_GRID = np.arange(24.0).reshape(4, 6)


def _of_records():
    return np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")])


SUBJECTS = {
    "view": lambda: (lambda base: [base, base[1:, ::2], base[::-1], base.T[2:4]])(_GRID.copy()),
    "view of bytes": lambda: (lambda base: [base, base.view("u1"), base[1].view("i4")])(_GRID.copy()),
    "strided": lambda: _GRID[::2, 1::2],
    "Fortran": lambda: np.asfortranarray(_GRID),
    "records": _of_records,
    "recarray": lambda: _of_records().view(np.recarray),
    "matrix": lambda: np.matrix([[1, 2], [3, 4]]),
    "masked": lambda: np.ma.masked_array(_GRID, _GRID > 5, fill_value=-1.0),
    "masked, hard": lambda: np.ma.masked_array([1, 2, 3], [True, False, True], hard_mask=True),
    "masked records": lambda: np.ma.masked_array(_of_records(), [(True, False), (False, True)]),
    "objects": lambda: np.array([1, "a", None, [2], {"b": 3}], object),
    "times": lambda: np.array(["2020-01-01", "NaT"], "M8[s]"),
    "text": lambda: np.array(["ab", "c"]),
    "partial of mean": lambda: functools.partial(np.mean, axis=0),
    "partial of add": lambda: functools.partial(np.add, np.arange(6)),
    "partial of a partial": lambda: functools.partial(functools.partial(np.clip, a_min=0), a_max=1),
    "scorer": lambda: make_scorer(mean_pinball_loss, alpha=0.3),
    "function transformer": lambda: FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 1}),
    "itemgetter": lambda: operator.itemgetter("a", 3, slice(1, 2), (1, "b")),
    "bunch": lambda: Bunch(data=np.arange(3), names=["a"]),
    "namespace": lambda: types.SimpleNamespace(first=1, second=[2]),
}

_OPERATIONS = (
    lambda a: repr(a),
    lambda a: copy.deepcopy(a),
    lambda a: a + a,
    lambda a: a @ a.T,
    lambda a: a.sum(),
    lambda a: np.sort(a, axis=0),
    lambda a: np.unique(a),
    lambda a: a[::-1].copy(),
    lambda a: a.tobytes(),
    lambda a: a.tolist(),
    lambda a: a.astype(str),
    lambda a: a.__setitem__(..., 1),
    lambda a: a.filled(),
    lambda a: a.compressed(),
    lambda a: np.ma.median(a),
    lambda a: a.mask.sum(),
    lambda a: a.harden_mask(),
    lambda a: a["a"],
    lambda a: a.a,
    lambda a: a(_GRID),
    lambda a: a(_GRID, 1),
    lambda a: a(_GRID, _GRID),
    lambda a: a({"a": 1, 3: 2}),
    lambda a: a(list(range(9))),
    lambda a: a.transform(_GRID),
    lambda a: a.keys(),
    lambda a: a.first,
)


def use(obj):
    """Compute with an array, or with those of a list, and call what can be called."""
    for part in obj if isinstance(obj, list) else [obj]:
        do(part, _OPERATIONS)


TARGET = Target(
    "arrays",
    SUBJECTS,
    use,
    (
        Attack("arrays.ArrayCodec", "view", "base offset strides shape dtype"),
        Attack("", "recarray, matrix", "name state dtype shape predict tolist"),
        Attack("arrays._spread", "strided, Fortran", "strides shape order dtype"),
        Attack("arrays.MaskedArrayCodec", "masked", "mask fill_value data hard_mask"),
        Attack("", "records, recarray, objects, times, text", "dtype shape data writeable encoding"),
        Attack("callables.PartialCodec", "partial", "args kwargs func out where X_norm_squared"),
        Attack("callables.ItemGetterCodec", "itemgetter", "items keys args start"),
        Attack(
            "keywords.check_keywords", "scorer, function", "kw_args _kwargs inv_kw_args out sample_weight"
        ),
        Attack(
            "bunch.BunchCodec values.NamespaceCodec",
            "bunch, namespace",
            "$items items keys __class__ __dict__",
        ),
    ),
)
