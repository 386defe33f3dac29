"""What numpy's functions make in a pickle: bit generators, and what draws from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reflectio.errors import DocumentError
from reflectio.pickles import reviewed as known
from reflectio.pickles.graph import UNSET, Call, Described, Global, Mapping

if TYPE_CHECKING:
    from reflectio.pickles.makers import Maker, Makers

__all__ = ["MAKERS"]

_SEED_SEQUENCE = ("entropy", "n_children_spawned", "pool", "pool_size", "spawn_key")


def _bit_generator(call: Call, makers: Makers) -> Described:
    name = _bit_generator_name(call.args[0] if call.args else "MT19937")
    state = call.state
    seed_sequence = None
    if type(state) is tuple and len(state) == 2:
        state, seed_sequence = state
    return _described_bits(name, state, seed_sequence)


def _bit_generator_name(named: Any) -> str:
    name = known.BIT_GENERATORS.get(named.text) if type(named) is Global else named
    if name not in known.BIT_GENERATORS.values():
        raise DocumentError("a bit generator that numpy does not have")
    return str(name)


def _described_bits(name: str, state: Any, seed_sequence: Any) -> Described:
    if type(state) is not Mapping:
        raise DocumentError("a bit generator without a state")
    members = {key: value for key, value in state.pairs if key not in ("has_gauss", "gauss")}
    if members.pop("bit_generator", name) != name:
        raise DocumentError("the state of a bit generator is that of another kind")
    described = {"name": name, "state": Mapping(list(members.items())), "seed_seq": seed_sequence}
    return Described("bitgenerator", described)


def _bits_of(call: Call, makers: Makers) -> tuple[str, Any, Any]:
    """The name, the seed sequence and the whole description of the bit generator that a generator is made with."""
    source = call.args[0] if call.args else "MT19937"
    if type(source) is Call and source.func.text in known.BIT_GENERATOR:
        described = makers.make(source)
        return described.members["name"], described.members["seed_seq"], described
    return _bit_generator_name(source), None, None


def _random_state(call: Call, makers: Makers) -> Described:
    name, seed_sequence, described = _bits_of(call, makers)
    state = call.state
    if type(state) is not Mapping:
        raise DocumentError("a RandomState without a state")
    gauss = {key: value for key, value in state.pairs if key in ("has_gauss", "gauss")}
    again = _described_bits(name, state, seed_sequence)
    if described is not None:
        # The generator's own state is the one that counts; the bit generator stays one object.
        described.members = again.members
        again = described
    members = {
        "bit_generator": again,
        "has_gauss": gauss.get("has_gauss", 0),
        "gauss": gauss.get("gauss", 0.0),
    }
    members["gauss"] = float(makers.real(members["gauss"]))
    return Described("randomstate", members)


def _generator(call: Call, makers: Makers) -> Described:
    name, seed_sequence, described = _bits_of(call, makers)
    if call.state is not UNSET and call.state is not None:
        again = _described_bits(name, call.state, seed_sequence)
        if described is not None:
            described.members = again.members
        described = described or again
    if described is None:
        raise DocumentError("a Generator without a state")
    return Described("generator", {"bit_generator": described})


def _seed_sequence(call: Call, makers: Makers) -> Described:
    state = call.state
    if type(state) is not tuple or len(state) != len(_SEED_SEQUENCE):
        raise DocumentError("the state of a SeedSequence is not what numpy writes")
    members = dict(zip(_SEED_SEQUENCE, state, strict=True))
    del members["pool"]  # it follows from the others
    return Described("seedsequence", members)


MAKERS: dict[str, Maker] = {
    **dict.fromkeys(known.BIT_GENERATOR, _bit_generator),
    **dict.fromkeys(known.RANDOM_STATE, _random_state),
    **dict.fromkeys(known.GENERATOR, _generator),
    **dict.fromkeys(known.SEED_SEQUENCE, _seed_sequence),
}
