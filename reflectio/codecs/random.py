"""numpy's random state: generators, bit generators and the seeds they came from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import copysign
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.members import build_member, visit_member
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ValidationError

_UINT32 = 1 << 32
_UINT128 = 1 << 128

# A pool is mixed in time quadratic in its size; numpy's own is of four words.
_LARGEST_POOL = 64


def _integer(limit: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and 0 <= value < limit


def _words(count: int, dtype: str) -> Callable[[Any], bool]:
    return lambda value: type(value) is np.ndarray and value.shape == (count,) and value.dtype == dtype


def _is_odd(value: Any) -> bool:
    return _integer(_UINT128)(value) and value % 2 == 1


def _is_mersenne_key(value: Any) -> bool:
    return _words(624, "uint32")(value) and bool(value[1:].any() or value[0] >> 31)


_flag = _integer(2)
_buffered = {"has_uint32": _flag, "uinteger": _integer(_UINT32)}

# From an even increment, or from a key without a bit that counts, the same number would come for ever; and code
# that draws until a number suits would not end.
_pcg = {"state": {"state": _integer(_UINT128), "inc": _is_odd}, **_buffered}

# What the state of each bit generator holds. Compiled code reads at the positions without looking.
_STATES: dict[str, dict[str, Any]] = {
    "MT19937": {"state": {"key": _is_mersenne_key, "pos": _integer(625)}},
    "PCG64": _pcg,
    "PCG64DXSM": _pcg,
    "Philox": {
        "state": {"counter": _words(4, "uint64"), "key": _words(2, "uint64")},
        "buffer": _words(4, "uint64"),
        "buffer_pos": _integer(5),
        **_buffered,
    },
    "SFC64": {"state": {"state": _words(4, "uint64")}, **_buffered},
}


def _check(state: Any, expected: dict[str, Any], where: str) -> None:
    if type(state) is not dict or state.keys() != expected.keys():
        raise ValidationError(f"{where} must have {', '.join(expected)}")
    for name, test in expected.items():
        if isinstance(test, dict):
            _check(state[name], test, f"{where}.{name}")
        elif not test(state[name]):
            raise ValidationError(f"{where}.{name} is out of range, or not of its type")


class _NoSeeds(np.random.bit_generator.ISeedSequence):
    """Seeds a bit generator whose state is set at once, for which numpy would otherwise mix a thousand words."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return np.zeros(n_words, dtype)


_NO_SEEDS: Any = _NoSeeds()


@cache
def _sets_seed_sequences() -> bool:
    """Whether a bit generator takes its seed sequence as a part of its state."""
    return isinstance(np.random.PCG64(0).__reduce__()[2], tuple)


class BitGeneratorCodec(Codec):
    """The bit generators that numpy ships."""

    types = tuple(f"numpy.random.{name}" for name in _STATES)
    tag = "bitgenerator"
    members = required = frozenset({"name", "state", "seed_seq"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        state = dict(obj.state)
        name = state.pop("bit_generator")
        return {
            "$": "bitgenerator",
            "name": name,
            "state": visit_member(state, "state", encoder, care=True),
            "seed_seq": visit_member(obj.seed_seq, "seed_seq", encoder),
        }

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        name = node["name"]
        if type(name) is not str or name not in _STATES:
            raise DocumentError(f"unknown bit generator {name!r}")
        state = build_member(node, "state", decoder)
        _check(state, _STATES[name], "state")
        seed_seq = build_member(node, "seed_seq", decoder)
        if seed_seq is not None and not isinstance(seed_seq, np.random.SeedSequence):
            raise ValidationError("seed_seq must be a seedsequence or null")
        complete = {"bit_generator": name, **state}
        if _sets_seed_sequences():
            generator = getattr(np.random, name)(_NO_SEEDS)
            generator.__setstate__((complete, seed_seq))
        else:
            # numpy 1 sets the seed sequence nowhere else than on making a generator, and takes it away on seeding one anew
            # as `RandomState` does.
            generator = getattr(np.random, name)(0 if seed_seq is None else seed_seq)
            if seed_seq is None and hasattr(generator, "_legacy_seeding"):
                generator._legacy_seeding(0)
            generator.state = complete
        return generator


class SeedSequenceCodec(Codec):
    """Seed sequences, by what they were made from; their pool follows from it."""

    types = ("numpy.random.SeedSequence",)
    tag = "seedsequence"
    members = required = frozenset({"entropy", "spawn_key", "pool_size", "n_children_spawned"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return {
            "$": "seedsequence",
            "entropy": visit_member(obj.entropy, "entropy", encoder, care=True),
            "spawn_key": visit_member(obj.spawn_key, "spawn_key", encoder),
            "pool_size": obj.pool_size,
            "n_children_spawned": obj.n_children_spawned,
        }

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        entropy, spawn_key = build_member(node, "entropy", decoder), build_member(node, "spawn_key", decoder)
        pool_size, spawned = node["pool_size"], node["n_children_spawned"]
        if type(pool_size) is not int or not 4 <= pool_size <= _LARGEST_POOL:
            raise ValidationError(f"the pool_size of a seedsequence must lie between 4 and {_LARGEST_POOL}")
        if not _integer(_UINT32)(spawned):
            raise ValidationError("n_children_spawned must be a small non-negative integer")
        if not _is_entropy(entropy) or not _is_entropy(spawn_key) or entropy is None:
            raise ValidationError(
                "the entropy and the spawn key of a seedsequence must be non-negative integers"
            )
        return np.random.SeedSequence(
            entropy, spawn_key=spawn_key, pool_size=pool_size, n_children_spawned=spawned
        )


def _is_entropy(value: Any) -> bool:
    if type(value) in (list, tuple):
        return all(type(item) is int and item >= 0 for item in value)
    if type(value) is np.ndarray:
        return value.dtype.kind == "u" and value.ndim == 1
    return isinstance(value, int | np.integer) and bool(value >= 0)


class RandomStateCodec(Codec):
    """``numpy.random.RandomState``, with the normal deviate that it may hold back."""

    types = ("numpy.random.RandomState",)
    tag = "randomstate"
    members = required = frozenset({"bit_generator", "has_gauss", "gauss"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        state = obj.get_state(legacy=False)
        return {
            "$": "randomstate",
            "bit_generator": visit_member(obj._bit_generator, "bit_generator", encoder),
            "has_gauss": int(state["has_gauss"]),
            "gauss": visit_member(float(state["gauss"]), "gauss", encoder),
        }

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        bits, gauss = build_member(node, "bit_generator", decoder), build_member(node, "gauss", decoder)
        if not isinstance(bits, np.random.BitGenerator):
            raise ValidationError("bit_generator must be a bitgenerator")
        if not _flag(node["has_gauss"]) or type(gauss) is not float:
            raise ValidationError("has_gauss must be 0 or 1, and gauss a float")
        random_state = np.random.RandomState(bits)
        if not node["has_gauss"] and gauss == 0.0 and copysign(1.0, gauss) > 0:
            # As in one that is new.
            return random_state
        state: dict[str, Any] = {**random_state.get_state(legacy=False)}
        random_state.set_state({**state, "has_gauss": node["has_gauss"], "gauss": gauss})
        return random_state


class GeneratorCodec(Codec):
    """``numpy.random.Generator``."""

    types = ("numpy.random.Generator",)
    tag = "generator"
    members = required = frozenset({"bit_generator"})

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return {
            "$": "generator",
            "bit_generator": visit_member(obj.bit_generator, "bit_generator", encoder),
        }

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        bits = build_member(node, "bit_generator", decoder)
        if not isinstance(bits, np.random.BitGenerator):
            raise ValidationError("bit_generator must be a bitgenerator")
        return np.random.Generator(bits)


CODECS: tuple[Codec, ...] = (
    BitGeneratorCodec(),
    SeedSequenceCodec(),
    RandomStateCodec(),
    GeneratorCodec(),
)
