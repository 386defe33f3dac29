"""scipy's interpolators and splines: exact out and back, and refused where they are forged."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from exactness import assert_same
from forged_documents import array_node, document_of, load, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip import both_formats, roundtrip
from scipy import interpolate
from sklearn.preprocessing import SplineTransformer

import reflectio

X = np.linspace(0.0, 2.0, 9)
Y = np.sin(3 * X)
GRID = (X, X[:5])
VALUES = np.outer(Y, Y[:5])
SPLINE = interpolate.make_interp_spline(X, np.column_stack([Y, Y**2]))
CUBIC = interpolate.CubicSpline(X, Y)
ND_SPLINE = interpolate.NdBSpline(
    (np.r_[0, 0, 0, 1, 1, 1.0], np.r_[0, 0, 1, 2, 2.0]), np.ones((3, 3)), (2, 1)
)
ND_PIECEWISE = interpolate.NdPPoly(np.arange(36.0).reshape(2, 2, 3, 3), (np.arange(4.0), np.arange(4.0)))
LINEAR_GRID = interpolate.RegularGridInterpolator(GRID, VALUES, bounds_error=False, fill_value=None)

ON_A_LINE = [
    SPLINE,
    interpolate.make_interp_spline(X, Y * 1j, k=2),
    interpolate.BSpline(np.r_[0.0, 0.0, 1.0, 2.0, 2.0], np.ones((2, 3)), 1, extrapolate=False, axis=1),
    interpolate.BSpline(np.r_[0.0, 0.0, 1.0, 2.0, 2.0], np.ones(3), 1, extrapolate="periodic"),
    CUBIC,
    interpolate.CubicSpline(X, np.stack([Y, -Y]), axis=1),
    interpolate.CubicSpline(X, np.r_[Y[:-1], Y[0]], bc_type="periodic"),
    CUBIC.derivative(),
    interpolate.PchipInterpolator(X, Y),
    interpolate.Akima1DInterpolator(X, Y),
    interpolate.CubicHermiteSpline(X, Y, 3 * np.cos(3 * X)),
    interpolate.PPoly(np.array([[1.0 + 2j], [0.5]]), [0.0, 2.0]),
    interpolate.BPoly.from_derivatives([0, 1, 2], [[0, 1], [1, 2], [0, 0]]),
    *(
        interpolate.interp1d(X, Y, kind=kind)
        for kind in ("linear", "nearest", "nearest-up", "previous", "next")
    ),
    *(
        interpolate.interp1d(X, np.stack([Y, -Y]), kind=kind)
        for kind in ("linear", "zero", "quadratic", "cubic")
    ),
    interpolate.interp1d(X, Y, fill_value=(-1.0, 1.0), bounds_error=False),
    interpolate.BarycentricInterpolator(X, Y),
    interpolate.KroghInterpolator(X, Y),
]
IN_THE_PLANE = [
    ND_PIECEWISE,
    ND_SPLINE,
    LINEAR_GRID,
    *(
        interpolate.RegularGridInterpolator(GRID, VALUES, method=m)
        for m in ("nearest", "slinear", "cubic", "pchip")
    ),
    interpolate.RegularGridInterpolator((X[::-1], X[:5]), VALUES[::-1]),
]


def class_name(obj):
    return type(obj).__name__


@both_formats
@pytest.mark.parametrize("interpolator", ON_A_LINE, ids=class_name)
def test_an_interpolator_comes_back_as_it_was(interpolator, format):
    built = roundtrip(interpolator, format)
    assert_same(interpolator, built)
    assert_same(interpolator(X[1:-1] + 0.05), built(X[1:-1] + 0.05))


@both_formats
@pytest.mark.parametrize("interpolator", IN_THE_PLANE, ids=class_name)
def test_an_interpolator_in_the_plane_comes_back_as_it_was(interpolator, format):
    built = roundtrip(interpolator, format)
    assert_same(interpolator, built)
    points = np.array([[0.1, 0.2], [0.7, 0.9]])
    assert_same(interpolator(points), built(points))


@both_formats
@pytest.mark.parametrize("data", [X[:, np.newaxis], np.ones((9, 1))], ids=["spread", "constant"])
def test_the_splines_of_a_spline_transformer_come_back_as_they_were(data, format):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        transformer = SplineTransformer(n_knots=4).fit(data)
        built = roundtrip(transformer, format)
        assert_same(transformer.bsplines_, built.bsplines_)
        assert_same(transformer.transform(data), built.transform(data))


@pytest.mark.parametrize(
    "interpolator",
    [
        interpolate.UnivariateSpline(X, Y),
        interpolate.InterpolatedUnivariateSpline(X, Y),
        interpolate.LSQUnivariateSpline(X, Y, [1.0]),
        interpolate.RectBivariateSpline(*GRID, VALUES),
        interpolate.RBFInterpolator(X[:, np.newaxis], Y),
        interpolate.NearestNDInterpolator(np.column_stack([X, Y]), Y),
        interpolate.LinearNDInterpolator(np.column_stack([X, Y]), Y),
        interpolate.CloughTocher2DInterpolator(np.column_stack([X, Y]), Y),
    ],
    ids=class_name,
)
def test_an_interpolator_that_cannot_be_checked_is_refused_with_advice(interpolator):
    with pytest.raises(reflectio.UnsupportedTypeError, match=r"scipy\.interpolate has|make it anew"):
        reflectio.dumps(interpolator)


def test_one_of_those_is_not_loaded_even_where_a_policy_lists_it():
    policy = reflectio.Policy.default().extend(classes=["scipy.interpolate.UnivariateSpline"])
    model = {"$": "scipy.interpolate.UnivariateSpline", "_data": None, "_eval_args": None}
    with pytest.raises(reflectio.DocumentError, match="Fortran"):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": model}), policy=policy)


FORGED_INTERPOLATORS = [
    (SPLINE, ["k"], -1),
    (SPLINE, ["k"], 7),
    (SPLINE, ["k"], 2**70),
    (SPLINE, ["k"], 3.0),
    (SPLINE, ["k"], True),
    (SPLINE, ["k"], None),
    (SPLINE, ["axis"], 2),
    (SPLINE, ["axis"], -1),
    (SPLINE, ["axis"], 2**62),
    (SPLINE, ["extrapolate"], "forever"),
    (SPLINE, ["extrapolate"], 1),
    (SPLINE, ["t"], array_node([0.0, 1.0], "float64")),
    (SPLINE, ["t"], array_node(np.arange(13.0)[::-1], "float64")),
    (SPLINE, ["t"], array_node(np.arange(13), "int64")),
    (SPLINE, ["t"], array_node(np.arange(13.0), ">f8")),
    (SPLINE, ["t"], array_node(np.arange(13.0)[np.newaxis], "float64")),
    (SPLINE, ["t"], list(range(13))),
    (SPLINE, ["c"], array_node(np.ones((3, 2)), "float64")),
    (SPLINE, ["c"], array_node(np.ones((9, 2)), "float32")),
    (SPLINE, ["c"], array_node(1.0, "float64")),
    (SPLINE, ["library"], "torch"),
    (SPLINE, ["_asarray"], {"$": "callable", "name": "numpy.sin"}),
    (CUBIC, ["x"], array_node([0.0], "float64")),
    (CUBIC, ["x"], array_node([0.0, 1.0], "float64")),
    (CUBIC, ["x"], array_node([0, 2, 1, 3, 4, 5, 6, 7, 8.0], "float64")),
    (CUBIC, ["x", "data", 3], "nan"),
    (CUBIC, ["c"], array_node(np.ones(8), "float64")),
    (CUBIC, ["c"], array_node(np.ones((4, 7)), "float64")),
    (CUBIC, ["c"], {"$": "ndarray", "dtype": "float64", "shape": [0, 8], "data": []}),
    (CUBIC, ["axis"], 1),
    (CUBIC, ["axis"], -1),
    (ND_PIECEWISE, ["x"], []),
    (ND_PIECEWISE, ["x", 0], array_node([0.0, 1.0], "float64")),
    (ND_PIECEWISE, ["x", 0], array_node([3.0, 2.0, 1.0, 0.0], "float64")),
    (ND_PIECEWISE, ["x"], {"$": "tuple", "items": []}),
    (ND_PIECEWISE, ["c"], array_node(np.ones((2, 3, 3)), "float64")),
    (ND_PIECEWISE, ["extrapolate"], None),
    (ND_SPLINE, ["k"], [2]),
    (ND_SPLINE, ["k", 0], -1),
    (ND_SPLINE, ["k", 0], 3),
    (ND_SPLINE, ["t"], []),
    (ND_SPLINE, ["t", 0], array_node(np.ones(3), "float64")),
    (ND_SPLINE, ["t", 0, "data", 1], 9.0),
    (ND_SPLINE, ["c"], array_node(np.ones((3, 2)), "float64")),
    (ND_SPLINE, ["c"], {"$": "ndarray", "dtype": "float64", "shape": [3, 3, 0], "data": [[[]] * 3] * 3}),
    (ND_SPLINE, ["_indices_k1d"], array_node([[9, 9]], "int64")),
    (LINEAR_GRID, ["grid"], []),
    (LINEAR_GRID, ["grid", 0], array_node([0.0, 1.0], "float64")),
    (LINEAR_GRID, ["grid", 0, "data", 0], 1.5),
    (LINEAR_GRID, ["grid", 1], {"$": "ndarray", "dtype": "float64", "shape": [0], "data": []}),
    (LINEAR_GRID, ["values"], array_node(np.ones((2, 2)), "float64")),
    (LINEAR_GRID, ["values"], {"$": "ndarray", "dtype": "object", "shape": [1], "data": [1]}),
    (LINEAR_GRID, ["method"], None),
    (LINEAR_GRID, ["bounds_error"], 1),
    (LINEAR_GRID, ["fill_value"], "x"),
    (LINEAR_GRID, ["fill_value"], []),
    (LINEAR_GRID, ["descending_dimensions"], [2]),
    (LINEAR_GRID, ["spline"], {"$": "callable", "name": "numpy.sin"}),
    (interpolate.interp1d(X, Y), ["_call"], {"$": "callable", "name": "numpy.sin"}),
    (interpolate.interp1d(X, Y), ["_call"], None),
    (interpolate.interp1d(X, Y, kind="cubic"), ["_spline"], {"$": "callable", "name": "numpy.sin"}),
    (interpolate.interp1d(X, Y, kind="cubic"), ["_spline", "k"], -1),
]


@pytest.mark.parametrize(("interpolator", "path", "value"), FORGED_INTERPOLATORS)
def test_a_forged_interpolator_is_refused(interpolator, path, value):
    refused(interpolator, path, value)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_whatever_loads_of_a_forged_spline_can_be_evaluated(data):
    document = document_of(interpolate.BSpline(np.r_[0, 0, 0, 1, 2, 2, 2.0], np.ones((4, 2)), 2))
    node = document["model"]
    node["k"] = data.draw(st.integers(-2, 5))
    node["axis"] = data.draw(st.integers(-2, 3))
    node["t"] = array_node(data.draw(st.lists(st.floats(-5, 5), max_size=9).map(sorted)), "float64")
    try:
        built = load(document)
    except reflectio.DecodeError:
        return
    with np.errstate(all="ignore"):
        assert built(np.linspace(-9, 9, 7)).size == 14
