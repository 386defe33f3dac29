"""The univariate distributions of scipy.stats, by name; their own saved state runs text, and is never used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.members import build_member, visit_member
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ValidationError

_MODULE = "scipy.stats"

# Distributions that their user makes from a table or a histogram: the public class, the private one that its
# constructor gives (by name), and the argument that holds the table.
_TABLES = {"rv_sample": ("rv_discrete", "values"), "rv_histogram": ("rv_histogram", "histogram")}
_CLASSES = dict(_TABLES.values())

# What the constructors take besides the table.
_NUMBERS = frozenset({"momtype", "a", "b", "xtol", "badvalue", "moment_tol", "inc", "density"})
_NAMES = frozenset({"name", "longname", "shapes"})

# scipy fills names into docstrings by %-formatting, twice.
_NAME = re.compile(r"\w[\w .,:()'-]{0,99}", re.ASCII)

# What every instance makes anew.
_MADE_ANEW = frozenset(
    {"_parse_args", "_parse_args_stats", "_parse_args_rvs", "_cdfvec", "_ppfvec", "vecentropy"}
    | {"generic_moment", "_support", "_random_state", "_ctor_param", "__doc__"}
)
_FROZEN = ("args", "kwds", "dist", "a", "b")

# Freezing broadcasts the arguments against each other; arguments of a few kilobytes could ask for terabytes.
_BROADCAST = 1 << 20

# scipy builds each with a documentation of its own: half a millisecond and ten kilobytes, for fifty bytes of document.
_MOST_MADE = 4096

# The members of a node that names one of scipy's own instances.
_AS_IT_COMES = 2

_written: WeakKeyDictionary[Encoder, int] = WeakKeyDictionary()


class DistributionCodec(Codec):
    """
    Univariate distributions, as they come or frozen.

    ================ =========================================================================================
    ``name``         of the distribution, such as scipy.stats.norm; among the policy's callables.
                     scipy.stats.rv_discrete or rv_histogram, among its constructors, where the
                     distribution is given by ``parameters``
    ``parameters``   arguments of that constructor
    ``args``         where it is frozen: the positional arguments
    ``kwds``         and the keyword arguments
    ``a``, ``b``     the bounds of the support, where they are not those that freezing gives
    ``random_state`` its random state, where that is not the one that numpy's functions share
    ================ =========================================================================================
    """

    types = (
        "scipy.stats.rv_continuous",
        "scipy.stats.rv_discrete",
        "scipy.stats._distn_infrastructure.rv_frozen",
    )
    # Subclasses too: restoring a distribution of any class by its state would run a text of that state.
    subclasses = True
    tag = "distribution"
    members = frozenset({"name", "parameters", "args", "kwds", "a", "b", "random_state"})
    required = frozenset({"name"})

    # -- out ------------------------------------------------------------------------------------------------

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        frozen = not hasattr(obj, "_ctor_param")
        distribution = obj.dist if frozen else obj
        encoder.depth += 1
        node: ObjectNode = {"$": "distribution"}
        origin = self._encode_origin(distribution, node, encoder)
        if frozen:
            origin = self._encode_frozen(obj, origin, node, encoder).dist
        if changed := _difference(distribution, origin):
            raise encoder.refuse(
                f"this distribution is not {node['name']} as it comes: {changed!r} differs; freeze it with "
                "arguments instead of changing its attributes"
            )
        if distribution._random_state is not _shared_random_state():
            node["random_state"] = visit_member(distribution._random_state, "random_state", encoder)
        encoder.depth -= 1
        if len(node) > _AS_IT_COMES:
            _written[encoder] = _written.get(encoder, 0) + 1
            if _written[encoder] > _MOST_MADE:
                raise encoder.refuse(
                    f"more than {_MOST_MADE} distributions that scipy has to make anew, which no reader takes; refer to "
                    "one where they are equal, or store their arguments as an array"
                )
        return node

    @staticmethod
    def _encode_origin(distribution: Any, node: ObjectNode, encoder: Encoder) -> Any:
        """Write which distribution it is; give one that a reader would make from that."""
        from scipy import stats

        cls = type(distribution)
        if cls.__name__ in _TABLES and cls.__module__.startswith(f"{_MODULE}."):
            public, argument = _TABLES[cls.__name__]
            parameters = dict(distribution._ctor_param)
            if argument == "histogram":
                parameters["histogram"] = distribution._histogram
                if hasattr(distribution, "_density"):
                    parameters["density"] = distribution._density
            origin = _from_table(public, parameters)
            name = public
            node["name"] = f"{_MODULE}.{name}"
            node["parameters"] = {
                key: _encode_parameter(key, value, encoder) for key, value in parameters.items()
            }
        else:
            name = distribution.name
            origin = getattr(stats, name, None) if type(name) is str else None
            if type(origin) is not cls:
                raise encoder.refuse(
                    f"a distribution of the class {cls.__qualname__} is none that scipy.stats exports; scipy saves "
                    "such a one as program text, which reflectio does not keep. Use a distribution of "
                    "scipy.stats, rv_histogram, or rv_discrete(values=...)"
                )
            node["name"] = f"{_MODULE}.{name}"
        encoder.names.add(node["name"])
        return origin

    @staticmethod
    def _encode_frozen(obj: Any, origin: Any, node: ObjectNode, encoder: Encoder) -> Any:
        """Write the arguments; give what a reader would make of them."""
        if vars(obj).keys() != set(_FROZEN):
            extra = min(vars(obj).keys() ^ set(_FROZEN))
            raise encoder.refuse(f"a frozen distribution with an attribute {extra!r} of its own; delete it")
        node["args"] = [_encode_number(value, "args", encoder) for value in obj.args]
        node["kwds"] = {key: _encode_number(value, "kwds", encoder) for key, value in obj.kwds.items()}
        try:
            again = _freeze(origin, list(obj.args), dict(obj.kwds))
        except ValidationError as error:
            raise encoder.refuse(
                f"freezing {node['name']} with these arguments fails: {error.message}"
            ) from error
        if type(again) is not type(obj):
            raise encoder.refuse(
                f"a {type(obj).__qualname__} is not what freezing {node['name']} gives; use a distribution of "
                "scipy.stats as it comes"
            )
        for bound in ("a", "b"):
            if not _same(getattr(obj, bound), getattr(again, bound)):
                node[bound] = _encode_number(getattr(obj, bound), bound, encoder)
        return again

    # -- in -------------------------------------------------------------------------------------------------

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        if node.keys() & {"args", "parameters", "random_state"}:
            decoder.spend("distributions of their own", 1, _MOST_MADE)
        distribution = self._build_origin(node, decoder)
        if "args" not in node:
            if node.keys() & {"kwds", "a", "b"}:
                raise DocumentError("only a frozen distribution, which has args, has kwds and bounds")
            if "random_state" in node:
                if "parameters" not in node:
                    # The library's own instance is everybody's; this one is apart from it.
                    distribution = type(distribution)(**distribution._updated_ctor_param())
                distribution._random_state = _build_random_state(node, decoder)
            return distribution
        args, kwds = node["args"], node.get("kwds", {})
        if type(args) is not list or type(kwds) is not dict:
            raise DocumentError("args must be a list and kwds an object")
        args = [_build_number(value, "args", decoder) for value in args]
        kwds = {key: _build_number(value, "kwds", decoder) for key, value in kwds.items()}
        frozen = _freeze(distribution, args, kwds)
        for bound in node.keys() & {"a", "b"}:
            setattr(frozen, bound, _build_number(node[bound], bound, decoder))
        if "random_state" in node:
            frozen.dist._random_state = _build_random_state(node, decoder)
        return frozen

    @staticmethod
    def _build_origin(node: ObjectNode, decoder: Decoder) -> Any:
        name = node["name"]
        if type(name) is not str or name.rpartition(".")[0] != _MODULE:
            raise DocumentError(f"{name!r} is not the name of a distribution of {_MODULE}").within("name")
        short = name.rpartition(".")[2]
        if "parameters" not in node:
            origin = decoder.resolve("callable", name)
            from scipy import stats

            if not isinstance(origin, stats.rv_continuous | stats.rv_discrete):
                raise DocumentError(f"{name} is not a distribution").within("name")
            return origin
        decoder.resolve("constructor", name)
        if short not in _CLASSES:
            raise DocumentError(f"{name} is not made from parameters").within("parameters")
        parameters = node["parameters"]
        if type(parameters) is not dict:
            raise DocumentError("the parameters must be an object").within("parameters")
        built = {key: _build_parameter(key, value, decoder) for key, value in parameters.items()}
        return _from_table(short, built)

    def names(self, node: ObjectNode) -> Iterator[tuple[str, Any]]:
        yield ("constructor" if "parameters" in node else "callable"), node.get("name")


# -- numbers, the only arguments that distributions take ----------------------------------------------------


def _is_number(value: Any) -> bool:
    if type(value) is int:
        return -(2**63) <= value < 2**64
    if type(value) is np.ndarray:
        return value.dtype.kind in "biuf"
    return type(value) in (bool, float) or (
        isinstance(value, np.number | np.bool_) and np.dtype(type(value)).kind in "biuf"
    )


def _encode_number(value: Any, member: str, encoder: Encoder) -> Node:
    """Write a number, an array of numbers, or nested lists and tuples of them."""
    # Lists are written where they stand, never as references: a reader has checked them when it has read them.
    if type(value) is list:
        return [_encode_number(item, member, encoder) for item in value]
    if type(value) is tuple:
        return {"$": "tuple", "items": [_encode_number(item, member, encoder) for item in value]}
    if not _is_number(value):
        raise encoder.refuse(
            f"the arguments of a distribution must be numbers or arrays of numbers, not {type(value).__qualname__}"
        ).within(member)
    return visit_member(value, member, encoder)


# How many arrays a distribution makes of each that its table has.
_TABLE_COPIES = 4


def _build_number(node: Node, member: str, decoder: Decoder) -> Any:
    if type(node) is list:
        return [_build_number(item, member, decoder) for item in node]
    if type(node) is dict and node.get("$") == "tuple":
        if node.keys() != {"$", "items"} or type(node["items"]) is not list:
            raise DocumentError("a tuple of numbers has items, and nothing else").within(member)
        return tuple(_build_number(item, member, decoder) for item in node["items"])
    value = build_member({member: node}, member, decoder)
    if not _is_number(value):
        raise ValidationError("the arguments of a distribution must be numbers or arrays of numbers").within(
            member
        )
    if type(value) is np.ndarray and type(node) is dict and node.get("$") == "ref":
        decoder.charge_copy(_TABLE_COPIES * value.nbytes)
    return value


def _encode_parameter(key: str, value: Any, encoder: Encoder) -> Node:
    if value is None or (key in _NAMES and type(value) is str):
        return value
    if key == "seed" and not _is_number(value):
        return visit_member(value, key, encoder)
    return _encode_number(value, key, encoder)


def _build_parameter(key: str, node: Node, decoder: Decoder) -> Any:
    if node is None:
        return None
    if key in _NAMES:
        return node
    if key == "seed":
        seed = build_member({key: node}, key, decoder)
        if type(seed) is not int and not isinstance(seed, np.random.RandomState | np.random.Generator):
            raise ValidationError("the seed must be an integer or a random state").within(key)
        return seed
    if key not in _NUMBERS and key not in _CLASSES.values():
        raise DocumentError(f"a distribution has no parameter {key!r}").within("parameters")
    return _build_number(node, key, decoder)


# -- random state -------------------------------------------------------------------------------------------


def _shared_random_state() -> Any:
    # scipy's own default. Written by its absence, for its state is that of the process.
    return np.random.mtrand._rand


def _build_random_state(node: ObjectNode, decoder: Decoder) -> Any:
    state = build_member(node, "random_state", decoder)
    if not isinstance(state, np.random.RandomState | np.random.Generator):
        raise ValidationError("the random_state must be a randomstate or a generator").within("random_state")
    return state


# -- making distributions -----------------------------------------------------------------------------------


class _Sound(NamedTuple):
    """Between which magnitudes the shapes of a distribution have to lie, besides 0 and NaN."""

    least: float
    most: float
    whole: bool = False


# No shape that anybody fitted lies beyond, and compiled code of scipy's overflows there, or ends the process.
_ANY_SHAPE = _Sound(1e-100, 1e100)

# By name, what a search over the distributions, extreme shapes and all methods found: beyond these a C++ exception or
# endless recursion ends the process (nct, nbinom, nchypergeom, irwinhall), numpy's samplers or scipy's sums and searches
# do not end, or they ask for memory by the size of a count.
_SOUND = {
    "betabinom": _Sound(1e-100, 1e6),
    "betanbinom": _Sound(1e-100, 1e5),
    "binom": _Sound(1e-100, 1e12),
    "boltzmann": _Sound(1e-9, 1e12),
    "geom": _Sound(1e-9, 1.0),
    "hypergeom": _Sound(1e-100, 1e8),
    "irwinhall": _Sound(1.0, 1e3, whole=True),
    "ksone": _Sound(1.0, 1e4),
    "kstwo": _Sound(1.0, 1e6),
    "logser": _Sound(1e-100, 1 - 1e-6),
    "nbinom": _Sound(1e-9, 1e9),
    "ncf": _Sound(1e-9, 1e8),
    "nchypergeom_fisher": _Sound(1e-6, 1e6),
    "nchypergeom_wallenius": _Sound(1e-6, 1e6),
    "nct": _Sound(1e-6, 1e4),
    "ncx2": _Sound(1e-100, 1e9),
    "nhypergeom": _Sound(1e-100, 1e5),
    "planck": _Sound(1e-9, 1e100),
    "rice": _Sound(1e-100, 1e5),
    "skellam": _Sound(1e-100, 1e9),
    "studentized_range": _Sound(1e-100, 1e5),
    "vonmises": _Sound(1e-100, 1e7),
    "vonmises_line": _Sound(1e-100, 1e7),
    "zipf": _Sound(1 + 1e-6, 1e3),
    "zipfian": _Sound(1e-100, 1e6),
}

# Of these the shapes are no more than the ends of the values.
_BY_ENDS = frozenset({"loguniform", "reciprocal"})


def _check_shapes(distribution: Any, args: list[Any], kwds: dict[str, Any]) -> None:
    """Refuse a shape with which the distribution's own code does not end, or ends the process."""
    name = str(getattr(distribution, "name", ""))
    if not distribution.numargs or name in _BY_ENDS:
        return
    sound = _SOUND.get(name, _ANY_SHAPE)
    names = [shape.strip() for shape in (distribution.shapes or "").split(",")]
    for value in [*args[: distribution.numargs], *(kwds[key] for key in names if key in kwds)]:
        if type(value) is float and sound.least <= value <= sound.most and not sound.whole:
            continue
        with np.errstate(all="ignore"):
            numbers = np.abs(np.asarray(value, np.float64))
        unsound = (numbers < sound.least) & (numbers != 0) | (numbers > sound.most)
        if sound is _ANY_SHAPE:
            unsound &= np.isfinite(numbers)
        if sound.whole:
            unsound |= numbers != np.floor(numbers)
        if unsound.any():
            raise ValidationError(
                f"the shapes of {name} must {'be whole and ' if sound.whole else ''}lie between {sound.least:g} and "
                f"{sound.most:g}: with others scipy's own code might not end, or end the process"
            )


def _freeze(distribution: Any, args: list[Any], kwds: dict[str, Any]) -> Any:
    """Freeze a distribution of scipy's with arguments that are known to be numbers."""
    try:
        _check_shapes(distribution, args, kwds)
        shapes = [np.shape(value) for value in (*args, *kwds.values())]
        if prod(np.broadcast_shapes(*shapes)) > _BROADCAST + sum(map(prod, shapes)):
            raise ValueError("the arguments broadcast to an array out of proportion to them")
        with np.errstate(all="ignore"):
            return distribution(*args, **kwds)
    except ValidationError:
        raise
    except Exception as error:
        raise ValidationError(f"{distribution.name} refuses its arguments: {error}") from error


def _from_table(public: str, parameters: dict[str, Any]) -> Any:
    """Make a distribution from a table of values or a histogram."""
    from scipy import stats

    argument = _CLASSES[public]
    table: Any = parameters.get(argument)
    if type(table) not in (tuple, list) or len(table) != 2:
        raise ValidationError(f"{argument} must be a pair of arrays").within("parameters")
    first, second = (np.asarray(part) for part in table)
    for part in (first, second):
        if part.dtype.kind not in "biuf" or not part.size or not np.isfinite(part).all():
            raise ValidationError(f"{argument} must hold finite numbers").within("parameters")
    if argument == "histogram" and (
        first.ndim != 1 or second.shape != (len(first) + 1,) or (second[1:] <= second[:-1]).any()
    ):
        raise ValidationError("a histogram needs rising edges, one more than bins").within("parameters")
    if argument == "values" and first.shape != second.shape:
        raise ValidationError("there must be as many values as probabilities").within("parameters")
    for key in _NAMES & parameters.keys():
        text = parameters[key]
        if text is not None and (key == "shapes" or type(text) is not str or not _NAME.fullmatch(text)):
            raise ValidationError(f"{key} must be a plain name").within("parameters")
    for key in _NUMBERS & parameters.keys():
        if np.ndim(parameters[key]) or type(parameters[key]) in (list, tuple):
            raise ValidationError(f"{key} must be one number").within("parameters")
    if type(parameters.get("density")) not in (bool, type(None)):
        raise ValidationError("density must be true, false or null").within("parameters")
    if "density" in parameters and parameters["density"] is None:
        # Left to itself scipy decides in the same way, and warns of it; whoever made the distribution was warned.
        return _histogram_without_density(stats, parameters)
    try:
        with np.errstate(all="ignore"):
            return getattr(stats, public)(**parameters)
    except Exception as error:
        raise ValidationError(f"{public} refuses its parameters: {error}") from error


def _histogram_without_density(stats: Any, parameters: dict[str, Any]) -> Any:
    import warnings

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            return stats.rv_histogram(**parameters)
    except Exception as error:
        raise ValidationError(f"rv_histogram refuses its parameters: {error}") from error


# -- is it what it is called? -------------------------------------------------------------------------------


def _difference(distribution: Any, origin: Any) -> str | None:
    """The name of an attribute in which a distribution differs from the one that its name stands for."""
    if distribution is origin:
        # The user may have changed the library's own instance; then it differs from what is made anew.
        origin = type(origin)(**origin._ctor_param)
    mine, theirs = vars(distribution), vars(origin)
    for name in (mine.keys() | theirs.keys()) - _MADE_ANEW:
        if name not in mine or name not in theirs or not _same(mine[name], theirs[name]):
            return str(name)
    ours, others = distribution._updated_ctor_param(), origin._updated_ctor_param()
    for name in ours.keys() | others.keys():
        if name not in ours or name not in others or not _same(ours[name], others[name]):
            return str(name)
    return None


def _same(first: Any, second: Any) -> bool:
    """Whether two values are equal to the bit; NaN equals NaN."""
    if first is second:
        return True
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return (
            first.dtype == second.dtype
            and first.shape == second.shape
            and bool(first.tobytes() == second.tobytes())
        )
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    return bool(first == second or (first != first and second != second))


CODECS: tuple[Codec, ...] = (DistributionCodec(),)
