"""What scipy's classes make in a pickle: distributions, and those that are frozen with their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reflectio.errors import DocumentError, UnsupportedTypeError
from reflectio.pickles import reviewed as known
from reflectio.pickles.graph import Call, Described, Global, Mapping

if TYPE_CHECKING:
    from reflectio.pickles.makers import Maker, Makers

__all__ = ["MAKERS", "distribution"]

# What a frozen distribution is made from, and what every distribution makes anew, or has a member of its own for.
_FROZEN = frozenset({"args", "kwds", "dist", "a", "b"})
_MADE_ANEW = frozenset(
    {"_parse_arg_template", "_random_state", "_ctor_param", "__doc__", "_stats_has_moments"}
    | {"_parse_args", "_parse_args_stats", "_parse_args_rvs", "_support", "generic_moment"}
    | {"_cdfvec", "_ppfvec", "vecentropy"}
)


def distribution(call: Call, makers: Makers) -> Described:
    """A distribution of ``scipy.stats``, by its name."""
    members: dict[str, Any] = _origin(call, makers)
    return Described("distribution", members)


def _frozen_distribution(call: Call, makers: Makers) -> Described:
    state = dict(call.state.pairs) if type(call.state) is Mapping else {}
    dist = state.get("dist")
    if state.keys() != _FROZEN or type(dist) is not Call:
        raise DocumentError("the state of a frozen distribution is not what scipy writes")
    members = _origin(dist, makers)
    kwds = state["kwds"]
    if type(state["args"]) is not tuple or type(kwds) is not Mapping:
        raise DocumentError("the arguments of a distribution are not what scipy writes")
    makers.graph.spend(values=len(state["args"]) + len(kwds.pairs))
    random_state = members.pop("random_state", None)
    members |= {
        "args": list(state["args"]),
        "kwds": Mapping(kwds.pairs),
        "a": state["a"],
        "b": state["b"],
    }
    if random_state is not None:
        members["random_state"] = random_state
    return Described("distribution", members)


def _origin(call: Call, makers: Makers) -> dict[str, Any]:
    """Which distribution of scipy's it is, if it is that one as it comes."""
    makers.graph.spend_on(call)
    state = dict(call.state.pairs) if type(call.state) is Mapping else {}
    name = state.get("name")
    if known.distribution_of(call.func.text) is None or type(name) is not str:
        raise DocumentError("a distribution that scipy.stats does not have")
    public, origin = makers.resolve("callable", Global("scipy.stats", name, call.offset))
    if f"{type(origin).__module__}.{type(origin).__qualname__}" != call.func.text:
        raise DocumentError(f"{public} is not a {call.func.text}")
    for key in state.keys() - _MADE_ANEW:
        if not _is_equal(makers.real(state[key]), vars(origin).get(key)):
            raise UnsupportedTypeError(
                f"this distribution is not {public} as it comes: {key!r:.60} differs; freeze it with arguments "
                "instead of changing its attributes"
            )
    members = {"name": public}
    if state.get("_random_state") is not None:
        members["random_state"] = state["_random_state"]
    return members


def _is_equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b)
    return type(a) is type(b) and bool(a == b)


MAKERS: dict[str, Maker] = {
    **dict.fromkeys(known.FROZEN, _frozen_distribution),
}
