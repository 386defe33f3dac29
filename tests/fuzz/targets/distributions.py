"""The distributions of scipy.stats."""

from __future__ import annotations

import numpy as np
import test_distributions
from scipy import stats

from fuzz.target import Attack, Target, do

# Where one and a half is no shape.
_SHAPES = {"geom": 0.5, "irwinhall": 3, "logser": 0.5}

SUBJECTS = {
    f"frozen {number}": lambda made=made: made for number, made in enumerate(test_distributions.FROZEN)
}
SUBJECTS |= {
    f"named {name}": lambda name=name: _frozen(getattr(stats, name), _SHAPES.get(name, 1.5))
    for name in test_distributions.NAMED
    # The first takes a probability for each trial; the others integrate numerically, for minutes.
    if name not in ("poisson_binom", "studentized_range", "levy_stable")
}
SUBJECTS["with a state"] = lambda: _with_state()
SUBJECTS["table"] = lambda: stats.rv_discrete(values=([1, 5, 7], [0.5, 0.25, 0.25]), seed=3)
SUBJECTS["histogram"] = lambda: stats.rv_histogram(test_distributions.HISTOGRAM, density=None)


def _frozen(distribution, shape):
    return distribution(*[shape] * distribution.numargs)


def _with_state():
    frozen = stats.norm(1, 2)
    frozen.random_state = np.random.RandomState(0)
    return frozen


_POINTS = [0, 1, 2.5]

_OPERATIONS = (
    lambda d: d.rvs(size=5, random_state=0),
    lambda d: d.rvs(3),
    lambda d: d.pdf(_POINTS),
    lambda d: d.pmf(_POINTS),
    lambda d: d.cdf(_POINTS),
    lambda d: d.ppf([0.1, 0.9]),
    lambda d: d.stats("mv"),
    lambda d: d.support(),
    lambda d: d(*np.ones(getattr(d, "numargs", 0))),
    lambda d: repr(d),
)


# numpy's samplers of these do not end for some parameters that are legal, in whichever way they are made.
_NEVER_DRAWN = ("vonmises", "vonmises_line", "zipf", "zipfian")


def use(obj):
    """Draw from a distribution and ask for its functions."""
    distribution = getattr(obj, "dist", obj)
    do(obj, _OPERATIONS[2 if getattr(distribution, "name", "") in _NEVER_DRAWN else 0 :])


TARGET = Target(
    "distributions",
    SUBJECTS,
    use,
    (
        Attack(
            "distributions._build_number distributions.DistributionCodec distributions._freeze distributions._check_shapes?",
            "",
            "args kwds a b",
        ),
        Attack("", "", "name args"),
        Attack("distributions._build_random_state", "with a state", "random_state"),
        Attack(
            "distributions._build_parameter distributions._from_table",
            "table, histogram, frozen 15, frozen 16",
            "parameters values histogram density",
        ),
        Attack("distributions._histogram_without_density?", "histogram", "density histogram"),
        Attack(
            "distributions._build_parameter",
            "table",
            "seed momtype a b xtol badvalue name longname shapes inc",
        ),
    ),
)
