"""Splines and other interpolators: compiled code searches their knots and reads their coefficients."""

from __future__ import annotations

import numpy as np
import test_interpolators
from scipy import interpolate
from sklearn.isotonic import IsotonicRegression
from sklearn.preprocessing import QuantileTransformer, SplineTransformer

from fuzz.target import Attack, Target, do

_LINE = np.array([-1e9, -1, 0, 0.3, 1, 1.7, 2, 5, 1e300, np.nan, np.inf])
_PLANE = np.array([[0.1, 0.2], [np.nan, 0], [5, -5], [1e300, 1]])
_SAMPLES = np.linspace(0, 1, 20)[:, None]

SUBJECTS = {
    f"{type(made).__name__} {number}": lambda made=made: made
    for number, made in enumerate([*test_interpolators.ON_A_LINE, *test_interpolators.IN_THE_PLANE])
}
SUBJECTS["isotonic"] = lambda: IsotonicRegression(out_of_bounds="clip").fit(
    _SAMPLES[:, 0], _SAMPLES[:, 0] ** 2
)
SUBJECTS["splines"] = lambda: SplineTransformer(4).fit(_SAMPLES)
SUBJECTS["sparse splines"] = lambda: SplineTransformer(
    4, sparse_output=True, extrapolation="periodic", degree=2
).fit(_SAMPLES)
SUBJECTS["quantiles"] = lambda: QuantileTransformer(n_quantiles=5).fit(_SAMPLES)

_OPERATIONS = (
    lambda o: o(_LINE),
    lambda o: o(_LINE, 1),
    lambda o: o.derivative()(_LINE),
    lambda o: o.antiderivative()(_LINE),
    lambda o: o.integrate(-1, 3),
    lambda o: o.integrate(-1, 3, extrapolate="periodic"),
    lambda o: o.roots(),
    lambda o: o.solve(0.5),
    lambda o: o.insert_knot(0.7)(_LINE),
    lambda o: o(_PLANE),
    lambda o: o(_PLANE, method="linear"),
    lambda o: o(_PLANE, method="cubic"),
    lambda o: o(_PLANE, nu=(1, 0)),
    lambda o: interpolate.PPoly.from_spline(o)(_LINE),
    lambda o: interpolate.BPoly.from_power_basis(o)(_LINE),
    lambda o: o.derivative((1, 0))(_PLANE),
    lambda o: o.integrate([(0, 1), (0, 1)]),
    lambda o: o.integrate_1d(0, 1, axis=0),
    lambda o: o.extend(o.c, o.x + 5),
    lambda o: o.design_matrix(_LINE, o.t, o.k),
    lambda o: o.predict(_LINE),
    lambda o: o.transform(_LINE),
    lambda o: o.transform(_SAMPLES),
    lambda o: o.inverse_transform(_SAMPLES),
    lambda o: repr(o),
)


def use(obj):
    """Evaluate, differentiate, integrate."""
    do(obj, _OPERATIONS)


TARGET = Target(
    "interpolators",
    SUBJECTS,
    use,
    (
        Attack("interpolators._check_points interpolators._check_rising", "BSpline, NdBSpline, splines", "t"),
        Attack(
            "interpolators._check_bspline interpolators.InterpolatorCodec",
            "BSpline, sparse splines",
            "t c k axis",
        ),
        Attack("interpolators._check_values", "PPoly, BPoly, Cubic, Pchip, Akima, BSpline", "c"),
        Attack("interpolators._check_axis", "PPoly, BPoly, Cubic, Pchip, Akima, BSpline", "axis"),
        Attack("interpolators._check_extrapolate", "PPoly, BPoly, Cubic, BSpline, Nd", "extrapolate"),
        Attack("interpolators._check_piecewise", "PPoly, BPoly, Cubic, Pchip, Akima", "c x"),
        Attack("interpolators._check_nd_piecewise", "NdPPoly", "c x"),
        Attack(
            "interpolators._check_nd_bspline interpolators.NdBSplineCodec", "NdBSpline", "t c k extrapolate"
        ),
        Attack(
            "interpolators._check_grid",
            "RegularGrid",
            "grid values method bounds_error fill_value descending_dimensions spline",
        ),
        Attack("interpolators._check_interp1d", "interp1d", "_call _spline x y _y"),
        Attack("", "interp1d, Krogh, Barycentric, isotonic, quantiles, splines", "*"),
    ),
)
