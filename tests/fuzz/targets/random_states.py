"""Random states: compiled code reads at the positions that they hold."""

from __future__ import annotations

import numpy as np

from fuzz.target import Attack, Target, do

_BITS = (np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64)


def _used(bits, legacy):
    state = (np.random.RandomState if legacy else np.random.Generator)(bits(3))
    state.standard_normal(3)
    (state.randint(5, size=3, dtype=np.uint32) if legacy else state.integers(5, size=3, dtype=np.uint32))
    return state


SUBJECTS = {f"generator of {bits.__name__}": lambda bits=bits: _used(bits, False) for bits in _BITS}
SUBJECTS |= {f"state of {bits.__name__}": lambda bits=bits: _used(bits, True) for bits in _BITS}
SUBJECTS |= {f"bits {bits.__name__}": lambda bits=bits: bits(5) for bits in _BITS}
SUBJECTS["seeds"] = lambda: np.random.SeedSequence([1, 2], spawn_key=(3,), pool_size=8)

_OPERATIONS = (
    lambda g: g.random(700),
    lambda g: g.standard_normal(5),
    lambda g: g.randn(5),
    lambda g: g.integers(0, 100, 5, dtype=np.uint8),
    lambda g: g.randint(0, 100, 5),
    lambda g: g.permutation(50),
    lambda g: g.choice(9, 3, replace=False),
    lambda g: g.gamma(2.0, size=3),
    lambda g: g.poisson(3.0, size=3),
    lambda g: g.bytes(9),
    lambda g: g.random_raw(700),
    lambda g: g.jumped(),
    lambda g: g.advance(5),
    lambda g: np.random.Generator(g).random(700),
    lambda g: np.random.RandomState(g).randint(0, 9, 700),
    lambda g: g.spawn(2),
    lambda g: g.generate_state(16),
    lambda g: g.get_state(),
    lambda g: repr(g),
)


def use(obj):
    """Draw."""
    do(obj, _OPERATIONS)


TARGET = Target(
    "random",
    SUBJECTS,
    use,
    (
        Attack("random._check random.BitGeneratorCodec", "", "key pos state inc counter buffer buffer_pos"),
        Attack("random.BitGeneratorCodec", "", "name has_uint32 uinteger seed_seq"),
        Attack("random.SeedSequenceCodec", "", "entropy spawn_key pool_size n_children_spawned"),
        Attack("random.RandomStateCodec", "state of", "bit_generator has_gauss gauss"),
        Attack("random.GeneratorCodec", "generator", "bit_generator"),
    ),
)
