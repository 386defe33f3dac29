"""scipy's splines and other interpolators: those whose state can be checked before compiled code reads by it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.fitted import shape_of
from reflectio.codecs.members import build_list, build_member, visit_member
from reflectio.codecs.objects import ObjectCodec
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ValidationError
from reflectio.state import slots_of

Array = np.ndarray[Any, Any]
State = dict[str, Any]

_FLOATS = frozenset({np.dtype(np.float64), np.dtype(np.complex128)})


# -- what an array, a degree, an axis may be ----------------------------------------------------------------


def _check_points(points: Any, member: str, least: int) -> None:
    """Refuse what is no array of knots, breakpoints or grid points."""
    if (
        type(points) is not np.ndarray
        or points.ndim != 1
        or points.dtype != np.float64
        or len(points) < least
    ):
        raise ValidationError(f"{least} or more points are needed, as an array of float64").within(member)


def _check_rising(points: Array, member: str) -> None:
    if (points[1:] < points[:-1]).any():
        raise ValidationError("the points must rise").within(member)


def _check_values(values: Any, member: str, ndim: int) -> None:
    if type(values) is not np.ndarray or values.dtype not in _FLOATS or values.ndim < ndim:
        raise ValidationError(f"an array of float64 or complex128 with {ndim} or more axes is needed").within(
            member
        )


def _check_axis(axis: Any, ndim: int) -> None:
    if type(axis) is not int or not 0 <= axis < ndim:
        raise ValidationError(f"the axis must lie between 0 and {ndim - 1}").within("axis")


def _check_extrapolate(extrapolate: Any) -> None:
    if type(extrapolate) is not bool and extrapolate != "periodic":
        raise ValidationError("extrapolate must be true, false or 'periodic'").within("extrapolate")


def _check_bspline(state: State) -> None:
    knots, coefficients, degree = state["t"], state["c"], state["k"]
    if type(degree) is not int or degree < 0:
        raise ValidationError("the degree must not be negative").within("k")
    # Knots may coincide, and be NaN where the data were: the search for an interval ends all the same.
    _check_points(knots, "t", 2 * degree + 2)
    _check_rising(knots, "t")
    _check_values(coefficients, "c", 1)
    if len(coefficients) < len(knots) - degree - 1:
        raise ValidationError(
            f"{len(knots)} knots and degree {degree} need {len(knots) - degree - 1} coefficients"
        ).within("c")
    _check_axis(state["axis"], coefficients.ndim)
    _check_extrapolate(state["extrapolate"])


def _check_piecewise(state: State) -> None:
    coefficients, points = state["c"], state["x"]
    _check_points(points, "x", 2)
    steps = np.diff(points)
    if not ((steps >= 0).all() or (steps <= 0).all()):
        raise ValidationError("the breakpoints must rise, or fall").within("x")
    _check_values(coefficients, "c", 2)
    if not coefficients.shape[0] or coefficients.shape[1] != len(points) - 1:
        raise ValidationError(
            f"{len(points)} breakpoints need coefficients for {len(points) - 1} intervals"
        ).within("c")
    _check_axis(state["axis"], coefficients.ndim - 1)
    _check_extrapolate(state["extrapolate"])


def _check_nd_piecewise(state: State) -> None:
    coefficients, points = state["c"], state["x"]
    ndim = len(points)
    for axis in points:
        _check_points(axis, "x", 2)
        if not (axis[1:] >= axis[:-1]).all():
            raise ValidationError("the breakpoints must rise").within("x")
    _check_values(coefficients, "c", max(2 * ndim, 1))
    intervals = tuple(len(axis) - 1 for axis in points)
    if not ndim or 0 in coefficients.shape[:ndim] or coefficients.shape[ndim : 2 * ndim] != intervals:
        raise ValidationError(f"coefficients for {intervals} intervals are needed").within("c")
    _check_extrapolate(state["extrapolate"])


def _check_nd_bspline(state: State) -> None:
    knots, coefficients, degrees = state["t"], state["c"], state["k"]
    if not knots or len(degrees) != len(knots):
        raise ValidationError(f"{len(knots)} axes need as many degrees, not {len(degrees)}").within("k")
    _check_values(coefficients, "c", len(knots))
    for axis, (points, degree) in enumerate(zip(knots, degrees, strict=True)):
        if type(degree) is not int or degree < 0:
            raise ValidationError("a degree must not be negative").within("k")
        _check_points(points, "t", 2 * degree + 2)
        _check_rising(points, "t")
        if coefficients.shape[axis] != len(points) - degree - 1:
            raise ValidationError(
                f"{len(points)} knots and degree {degree} need {len(points) - degree - 1} coefficients"
            ).within("c")
    if not coefficients.size:
        # scipy lists every product of basis functions, of which there are no more than coefficients.
        raise ValidationError("there are no coefficients").within("c")
    _check_extrapolate(state["extrapolate"])


def _check_grid(state: State) -> None:
    grid, values = state["grid"], state["values"]
    if not grid:
        raise ValidationError("a grid needs an axis").within("grid")
    for points in grid:
        _check_points(points, "grid", 1)
        if not (points[1:] > points[:-1]).all():
            raise ValidationError("the points of a grid must rise").within("grid")
    if type(values) is not np.ndarray or values.dtype.kind not in "fc":
        raise ValidationError("the values must be an array of floats").within("values")
    if values.shape[: len(grid)] != tuple(map(len, grid)):
        raise ValidationError("the values do not have the shape of the grid").within("values")
    if type(state["method"]) is not str or type(state["bounds_error"]) is not bool:
        raise ValidationError("the method must be a name, and bounds_error true or false")
    fill_value = state["fill_value"]
    if fill_value is not None and (isinstance(fill_value, list | tuple) or shape_of(fill_value) is None):
        raise ValidationError("the fill_value must be a number or null").within("fill_value")
    if not all(type(axis) is int and 0 <= axis < len(grid) for axis in state["descending_dimensions"]):
        raise ValidationError("descending_dimensions must be axes of the grid").within(
            "descending_dimensions"
        )
    spline = state.get("spline")
    if spline is not None and type(spline).__name__ != "NdBSpline":
        raise ValidationError("the spline must be an NdBSpline or null").within("spline")


# -- codecs -------------------------------------------------------------------------------------------------


@cache
def _example(kind: str) -> Any:
    """An object as the installed scipy makes it, for the names of its attributes, and what else they hold."""
    from scipy import interpolate

    points, values = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0])
    if kind == "bspline":
        return interpolate.BSpline(points, values, 1)
    if kind == "grid":
        return interpolate.RegularGridInterpolator((values,), values)
    if kind == "nd_piecewise":
        return interpolate.NdPPoly(values[:1, np.newaxis], (values,))
    if kind == "bernstein":
        return interpolate.BPoly(values[:1, np.newaxis], values)
    return interpolate.PPoly(values[:1, np.newaxis], values)


# Since scipy 1.18 some interpolators leave their work to an object of another class, which has their attributes, and
# hold the array libraries that this object and its user work with.
_DELEGATE = "_delegate_to"
_NO_DELEGATE = "delegate"
_LIBRARIES = ("_xp", "_xp_internal")


def _state_of(obj: Any) -> State:
    state = dict(getattr(obj, "__dict__", {}))
    if state.get(_DELEGATE) is not None:
        return {**_state_of(state.pop(_DELEGATE)), **state}
    cls: Any = type(obj)
    for name in slots_of(cls):
        if hasattr(obj, name):
            state[name] = getattr(obj, name)
    return state


class InterpolatorCodec(Codec):
    """
    Interpolators of some classes, by attributes that are checked against each other.

    The members are the attributes without the underscore that some releases of scipy put before them. ``library`` stands
    for the function that turns results into arrays, which is the installed scipy's own: numpy is all it can be.

    Parameters
    ----------
    names : tuple of str
        The names of the classes in `scipy.interpolate`.
    example : str
        Which example shows their attributes.
    members : str
        The names of their attributes.
    lists : str
        Those that are tuples, written as lists.
    check : callable
        Takes the state; raises `ValidationError`.
    """

    def __init__(
        self, names: tuple[str, ...], example: str, members: str, lists: str, check: Callable[[State], None]
    ) -> None:
        self.types = tuple(f"scipy.interpolate.{name}" for name in names)
        self._example = example
        self._members = members.split()
        self._lists = frozenset(lists.split())
        self._check = check

    def _attributes(self) -> dict[str, str]:
        """The names of the attributes in the installed scipy, by member."""
        present = _state_of(_example(self._example))
        return {
            member: attribute
            for member in self._members
            for attribute in (f"_{member}", member)
            if attribute in present
        }

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        node: ObjectNode = {"$": encoder.name(type(obj))}
        state = _state_of(obj)
        example = self.example_of(type(obj))
        attributes = self._attributes()
        libraries = {"_asarray", *_LIBRARIES} & _state_of(example).keys()
        # A spline made without checks keeps a delegate of None, which means nothing; it is kept as well.
        if odd := (state.keys() - {_DELEGATE}) ^ {*attributes.values(), *libraries}:
            raise encoder.refuse(
                f"this {type(obj).__qualname__} has, or lacks, an attribute {min(odd)!r}; make it anew"
            )
        if any(state[name] is not getattr(example, name) for name in libraries):
            raise encoder.refuse("an interpolator of arrays that are not numpy's; make it from numpy arrays")
        _refuse_unchecked(
            self._check, {member: state[attributes[member]] for member in attributes}, obj, encoder
        )
        members = {attribute: member for member, attribute in attributes.items()}
        for attribute, value in state.items():
            member = members.get(attribute)
            if attribute == _DELEGATE:
                node[_NO_DELEGATE] = None
            elif member is None:
                node["library"] = "numpy"
            elif member in self._lists:
                node[member] = visit_items(value, member, encoder)
            else:
                node[member] = visit_member(value, member, encoder)
        return node

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        cls: Any = decoder.resolve_class(node.pop("$"))
        attributes = self._attributes()
        if odd := (node.keys() - {"library", _NO_DELEGATE}) ^ attributes.keys():
            expected = ", ".join(attributes)
            raise DocumentError(f"a {cls.__qualname__} must have the members {expected}; see {min(odd)!r}")
        if node.setdefault("library", "numpy") != "numpy":
            raise DocumentError("the library can be numpy only").within("library")
        if node.get(_NO_DELEGATE) is not None:
            raise DocumentError("the delegate can be null only").within(_NO_DELEGATE)
        attributes[_NO_DELEGATE] = _DELEGATE
        state: State = {_NO_DELEGATE: None}
        for member in node:
            if member in self._lists:
                state[member] = tuple(build_list(node, member, decoder))
            elif member not in ("library", _NO_DELEGATE):
                state[member] = build_member(node, member, decoder)
        self._check(state)
        return self._make(cls, [(attributes.get(member), state.get(member)) for member in node])

    def example_of(self, cls: type) -> Any:
        return _example("bernstein" if cls.__name__ == "BPoly" else self._example)

    def _make(self, cls: Any, attributes: list[tuple[str | None, Any]]) -> Any:
        """Make an object as the installed scipy would, with attributes in their order; None stands for its libraries."""
        example = self.example_of(cls)
        obj = cls.__new__(cls)
        holder = obj
        if _DELEGATE in vars(example):
            delegate_class: Any = type(getattr(example, _DELEGATE))
            holder = delegate_class.__new__(delegate_class)
            setattr(obj, _DELEGATE, holder)
        for attribute, value in attributes:
            if attribute is not None:
                setattr(holder, attribute, value)
                continue
            for name in ("_asarray", *_LIBRARIES):
                if name in _state_of(example):
                    setattr(obj, name, getattr(example, name))
        return obj


def _refuse_unchecked(check: Callable[[State], None], state: State, obj: Any, encoder: Encoder) -> None:
    """Refuse to write what a reader would refuse."""
    try:
        check(state)
    except ValidationError as error:
        place = "".join(f"{part}: " for part in error._parts)
        raise encoder.refuse(
            f"this {type(obj).__qualname__} is not consistent, and a document could not be checked: "
            f"{place}{error.message}"
        ) from error


def visit_items(items: Any, member: str, encoder: Encoder) -> list[Node]:
    """The nodes of a few items, as a list that nothing refers to."""
    encoder.depth += 1
    nodes = [visit_member(item, member, encoder) for item in items]
    encoder.depth -= 1
    return nodes


class NdBSplineCodec(Codec):
    """Tensor product splines, by knots, degrees and coefficients: scipy derives the rest of the state."""

    types = ("scipy.interpolate.NdBSpline",)
    _members = ("t", "c", "k", "extrapolate")

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        state: State = {
            "t": obj.t,
            "c": obj.c,
            "k": [int(degree) for degree in obj.k],
            "extrapolate": obj.extrapolate,
        }
        _refuse_unchecked(_check_nd_bspline, state, obj, encoder)
        return {
            "$": encoder.name(type(obj)),
            "t": visit_items(state["t"], "t", encoder),
            "c": visit_member(state["c"], "c", encoder),
            "k": state["k"],
            "extrapolate": state["extrapolate"],
        }

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        cls = decoder.resolve_class(node["$"])
        if odd := (node.keys() - {"$"}) ^ set(self._members):
            raise DocumentError(
                f"an NdBSpline must have the members {', '.join(self._members)}; see {min(odd)!r}"
            )
        state: State = {
            "t": tuple(build_list(node, "t", decoder)),
            "c": build_member(node, "c", decoder),
            "k": tuple(build_list(node, "k", decoder)),
            "extrapolate": node["extrapolate"],
        }
        _check_nd_bspline(state)
        # What scipy derives: the products of basis functions, with places for each, and knots of one length. Others may
        # have the same knots and coefficients, and each derives its own.
        n_products = prod(degree + 1 for degree in state["k"])
        longest = max(map(len, state["t"]))
        n_numbers = len(state["k"]) * (n_products + longest) + n_products
        decoder.charge_copy(8 * n_numbers + state["c"].nbytes)
        try:
            return cls(**state)
        except Exception as error:
            raise ValidationError(f"NdBSpline refuses its state: {error}") from error


class Interp1dCodec(ObjectCodec):
    """``interp1d``: numpy evaluates it, by one of its own functions, or a spline that has been checked."""

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        super().fill(obj, node, decoder)
        decoder.check_together(_check_interp1d, obj)


def _check_interp1d(interpolators: list[Any], decoder: Decoder) -> None:
    for obj in interpolators:
        state = vars(obj)
        own = [function for name, function in vars(type(obj)).items() if name.startswith("_call_")]
        if not any(state.get("_call") is function for function in own):
            raise ValidationError("the _call of an interp1d must be one of its own functions")
        if "_spline" in state and type(state["_spline"]).__name__ != "BSpline":
            raise ValidationError("the _spline of an interp1d must be a BSpline")


def _is_interp1d(cls: Any) -> bool:
    return (
        isinstance(cls, type)
        and cls.__name__ == "interp1d"
        and cls.__module__.startswith("scipy.interpolate.")
    )


# -- those that no check could make safe --------------------------------------------------------------------

_FITPACK = (
    "holds the work space of a Fortran library, which trusts every number in it; scipy.interpolate has "
    "make_splrep, make_interp_spline and RegularGridInterpolator for the same purpose"
)
_SCATTERED = (
    "holds a compiled tree or triangulation, or the module it computes with; keep the points and values that it "
    "was made from, and make it anew"
)
_REFUSED = {
    _FITPACK: (
        *("UnivariateSpline", "InterpolatedUnivariateSpline", "LSQUnivariateSpline", "BivariateSpline"),
        *(
            "SmoothBivariateSpline",
            "LSQBivariateSpline",
            "RectBivariateSpline",
            "SmoothSphereBivariateSpline",
        ),
        *("LSQSphereBivariateSpline", "RectSphereBivariateSpline"),
    ),
    _SCATTERED: (
        *("RBFInterpolator", "NearestNDInterpolator", "LinearNDInterpolator", "CloughTocher2DInterpolator"),
    ),
}


class RefusedInterpolatorCodec(Codec):
    """Says what to use in the place of some interpolators."""

    def __init__(self, names: tuple[str, ...], advice: str) -> None:
        self.types = tuple(f"scipy.interpolate.{name}" for name in names)
        self._advice = advice

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        raise encoder.refuse(f"a {type(obj).__qualname__} {self._advice}")

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        raise DocumentError(f"no document can hold a {node['$']}: it {self._advice}")


_PIECEWISE = (
    "PPoly",
    "BPoly",
    "CubicSpline",
    "CubicHermiteSpline",
    "PchipInterpolator",
    "Akima1DInterpolator",
)

CODECS: tuple[Codec, ...] = (
    InterpolatorCodec(("BSpline",), "bspline", "t c k axis extrapolate", "", _check_bspline),
    InterpolatorCodec(_PIECEWISE, "piecewise", "c x axis extrapolate", "", _check_piecewise),
    InterpolatorCodec(("NdPPoly",), "nd_piecewise", "c x extrapolate", "x", _check_nd_piecewise),
    InterpolatorCodec(
        ("RegularGridInterpolator",),
        "grid",
        "grid values method bounds_error fill_value descending_dimensions spline",
        "grid descending_dimensions",
        _check_grid,
    ),
    NdBSplineCodec(),
    *(RefusedInterpolatorCodec(names, advice) for advice, names in _REFUSED.items()),
)

FACTORIES: tuple[tuple[Callable[[Any], bool], type[Codec]], ...] = ((_is_interp1d, Interp1dCodec),)
