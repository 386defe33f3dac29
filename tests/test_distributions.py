"""scipy's distributions: exact out and back, and refused where they are forged."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
from exactness import assert_same
from forged_documents import array_node, document_of, forged, load, refused
from roundtrip import both_formats, roundtrip
from scipy import stats
from sklearn.model_selection import RandomizedSearchCV
from sklearn.svm import SVC

import reflectio

HISTOGRAM = np.histogram([1.0, 2.0, 2.5, 4.0, 4.5], bins=3)
FROZEN = [
    stats.uniform(0, 1),
    stats.uniform(loc=-1, scale=np.float32(2)),
    stats.loguniform(1e-4, 1e2),
    stats.reciprocal(1e-4, 1e2),
    stats.randint(1, 10),
    stats.randint(low=1, high=10),
    stats.norm(),
    stats.norm([0.0, 1.0], np.array([1.0, 2.0])),
    stats.expon(scale=0.1),
    stats.poisson(3.5),
    stats.geom(p=0.25),
    stats.truncnorm(-1, 2, loc=0.5),
    stats.beta(2, 5),
    stats.binom(10, 0.5),
    stats.levy_stable(1.5, 0.0),
    stats.rv_histogram(HISTOGRAM, density=False)(loc=1),
    stats.rv_discrete(values=([1, 5, 7], [0.5, 0.25, 0.25]))(),
]
NAMED = sorted(
    name for name, each in vars(stats).items() if isinstance(each, stats.rv_continuous | stats.rv_discrete)
)


def state_of(distribution):
    """What pickle keeps of a distribution, without the random state."""
    if not hasattr(distribution, "dist"):
        return {key: value for key, value in distribution.__getstate__().items() if not callable(value)} | {
            "_random_state": None
        }
    return {**vars(distribution), "dist": state_of(distribution.dist)}


def named(distribution):
    return getattr(distribution, "dist", distribution).name


@both_formats
@pytest.mark.parametrize("frozen", FROZEN, ids=named)
def test_a_frozen_distribution_comes_back_as_it_was(frozen, format):
    built = roundtrip(frozen, format)
    assert type(built) is type(frozen)
    assert type(built.dist) is type(frozen.dist)
    assert_same(state_of(frozen), state_of(built))
    points = np.array([0.1, 0.5, 0.9]) if np.ndim(frozen.mean()) == 0 else np.array([0.1, 0.9])
    assert_same(frozen.ppf(points), built.ppf(points))
    assert_same(frozen.cdf(points), built.cdf(points))
    size = np.shape(frozen.mean()) or 5
    assert_same(frozen.rvs(size, random_state=3), built.rvs(size, random_state=3))


@both_formats
@pytest.mark.parametrize("name", NAMED)
def test_a_distribution_of_scipy_is_written_as_its_name(name, format):
    distribution = getattr(stats, name)
    assert document_of(distribution)["model"] == {"$": "distribution", "name": f"scipy.stats.{name}"}
    assert roundtrip(distribution, format) is distribution


@both_formats
@pytest.mark.parametrize("seed", [0, np.random.RandomState(1), np.random.default_rng(2)])
def test_a_random_state_of_its_own_stays_where_it_was_in_its_stream(seed, format):
    frozen = stats.norm(2, 3)
    frozen.random_state = seed
    frozen.rvs(7)
    built = roundtrip(frozen, format)
    assert_same(frozen.rvs(5), built.rvs(5))


def test_without_one_it_draws_from_the_random_state_that_numpy_shares():
    built = roundtrip(stats.norm(2, 3))
    assert built.random_state is np.random.mtrand._rand
    np.random.seed(0)
    first = reflectio.dumps(stats.norm(2, 3))
    np.random.seed(1)
    assert reflectio.dumps(stats.norm(2, 3)) == first


def test_giving_a_copy_a_random_state_does_not_touch_the_library():
    copied = type(stats.norm)(**stats.norm._updated_ctor_param())
    copied.random_state = 5
    built = roundtrip(copied)
    assert built is not stats.norm
    assert stats.norm.random_state is np.random.mtrand._rand
    assert_same(copied.rvs(4), built.rvs(4))


@both_formats
@pytest.mark.parametrize(
    "distribution",
    [
        stats.rv_histogram(HISTOGRAM, density=True),
        stats.rv_histogram((HISTOGRAM[0].tolist(), HISTOGRAM[1].tolist()), name="lengths", density=False),
        stats.rv_discrete(values=([3, 1], [0.75, 0.25])),
        stats.rv_discrete(name="dice", values=(np.arange(6) + 1, np.full(6, 1 / 6)), seed=4),
    ],
    ids=["density", "counts", "values", "named"],
)
def test_a_distribution_given_by_a_table_comes_back_as_it_was(distribution, format):
    built = roundtrip(distribution, format)
    assert_same(state_of(distribution), state_of(built))
    assert_same(distribution.rvs(size=9, random_state=1), built.rvs(size=9, random_state=1))


def test_a_histogram_that_scipy_warned_of_loads_without_a_warning():
    with pytest.warns(RuntimeWarning, match="Bin widths"):
        distribution = stats.rv_histogram(([1, 2], [0.0, 1.0, 5.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(state_of(distribution), state_of(roundtrip(distribution)))


def test_a_search_over_distributions_draws_the_same_candidates():
    search = RandomizedSearchCV(
        SVC(),
        {"C": stats.loguniform(1e-3, 1e3), "degree": stats.randint(1, 5)},
        n_iter=3,
        random_state=0,
        cv=2,
    )
    X, y = np.arange(24.0).reshape(12, 2), np.arange(12) % 2
    built = roundtrip(search)
    assert search.fit(X, y).cv_results_["params"] == built.fit(X, y).cv_results_["params"]


class Own(stats.rv_continuous):
    """A distribution that scipy does not have."""

    def _pdf(self, x):
        return np.exp(-x)


def changed():
    frozen = stats.norm(1, 2)
    frozen.dist.xtol = 0.5
    return frozen


def test_more_distributions_than_scipy_may_be_asked_to_make_are_refused():
    # No attack of the catalogue, where nothing may run: scipy compiles a text of its own for each.
    nodes = [{"$": "distribution", "name": "scipy.stats.norm", "args": []}] * 5000
    with pytest.raises(reflectio.LimitError, match="more than 4096 distributions"):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": nodes}))


def test_more_distributions_than_a_reader_takes_are_refused_on_the_way_out(monkeypatch):
    monkeypatch.setattr("reflectio.codecs.distributions._MOST_MADE", 3)
    assert len(roundtrip([stats.norm(index) for index in range(3)] + [stats.norm] * 9)) == 12
    with pytest.raises(reflectio.UnsupportedTypeError, match="more than 3 distributions"):
        reflectio.dumps([stats.norm(index) for index in range(4)])


@pytest.mark.parametrize(
    "frozen",
    [
        stats.loguniform(1e-300, 1e5),
        stats.randint(0, 1 << 62),
        stats.t(np.inf),
        stats.poisson(1e9),
        stats.gamma(2, scale=1e-200),
        stats.irwinhall(10),
        stats.beta(a=2, b=3),
        stats.binom([3, 4], 0.5),
        stats.zipf(np.nan),
    ],
    ids=named,
)
def test_shapes_that_a_search_may_have_are_kept_however_extreme(frozen):
    assert_same(state_of(frozen), state_of(roundtrip(frozen)))


@pytest.mark.parametrize(
    ("distribution", "reason"),
    [
        (Own(a=0, name="own"), "none that scipy.stats exports"),
        (Own(a=0, name="own")(), "none that scipy.stats exports"),
        (Own(a=0, name="norm"), "none that scipy.stats exports"),
        (stats.rv_discrete(name="empty"), "none that scipy.stats exports"),
        (type(stats.norm)(name="norm", a=0), "'a' differs"),
        (changed(), "'xtol' differs"),
    ],
    ids=["own", "own frozen", "own under a name of scipy's", "without values", "bounds", "changed"],
)
def test_a_distribution_that_its_name_does_not_describe_is_refused_on_the_way_out(distribution, reason):
    with pytest.raises(reflectio.UnsupportedTypeError, match=reason):
        reflectio.dumps(distribution)


@pytest.mark.parametrize(
    "name",
    [
        "scipy.stats.Normal",
        "scipy.stats.norm.dist",
        "scipy.stats._continuous_distns.norm_gen",
        "scipy.stats.rv_discrete",
        "scipy.stats.kstest",
        "os.system",
        "norm",
        7,
    ],
)
def test_a_name_that_is_no_distribution_is_refused(name):
    with pytest.raises((reflectio.DocumentError, reflectio.UntrustedNameError)):
        load(forged(stats.norm(0, 1), ["name"], name))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["args", 0], "0"),
        (["args", 0], None),
        (["args", 0], {}),
        (["args", 0], ["x"]),
        (["args", 0], {"$": "complex", "real": 1, "imag": 1}),
        (["args", 0], {"$": "int", "value": "9" * 40}),
        (["args", 0], {"$": "bytes", "data": ""}),
        (["args", 0], {"$": "list", "items": [1]}),
        (["args", 0], {"$": "tuple", "$id": 1, "items": [1]}),
        (["args", 0], {"$": "ndarray", "dtype": "object", "shape": [1], "data": [1]}),
        (["args", 0], {"$": "distribution", "name": "scipy.stats.norm"}),
        (["args"], [1, 2, 3, 4]),
        (["args"], {"0": 1}),
        (["kwds"], {"shape": 1}),
        (["kwds"], {"loc": 1}),
        (["kwds"], {"self": 1}),
        (["kwds"], [1]),
        (["a"], "inf"),
        (["random_state"], 5),
        (
            ["random_state"],
            {"$": "seedsequence", "entropy": 1, "spawn_key": [], "pool_size": 4, "n_children_spawned": 0},
        ),
        (["_parse_arg_template"], "import os"),
        (["parameters"], {"name": "norm"}),
    ],
)
def test_a_forged_frozen_distribution_is_refused(path, value):
    with pytest.raises(reflectio.DecodeError):
        load(forged(stats.norm(0, 1), path, value))


def test_arguments_that_broadcast_out_of_proportion_are_refused():
    row = array_node(np.ones((1, 5000)), "float64")
    column = array_node(np.ones((5000, 1)), "float64")
    assert "out of proportion" in str(refused(stats.norm(0, 1), ["args"], [row, column]))


@pytest.mark.parametrize(
    ("distribution", "path", "value"),
    [
        (FROZEN[-1], ["parameters", "values"], [[1, 2], [0.5]]),
        (FROZEN[-1], ["parameters", "values"], [[1, 2], [0.5, 0.75]]),
        (FROZEN[-1], ["parameters", "values"], [["a", "b"], [0.5, 0.5]]),
        (FROZEN[-1], ["parameters", "values"], [[], []]),
        (FROZEN[-1], ["parameters", "values"], None),
        (FROZEN[-1], ["parameters", "name"], "%(name)999999999s"),
        (FROZEN[-1], ["parameters", "name"], ""),
        (FROZEN[-1], ["parameters", "longname"], 7),
        (FROZEN[-1], ["parameters", "shapes"], "a=print(1)"),
        (FROZEN[-1], ["parameters", "seed"], [1, 2]),
        (FROZEN[-1], ["parameters", "seed"], -1),
        (FROZEN[-1], ["parameters", "inc"], [1, 2]),
        (FROZEN[-1], ["parameters", "extradoc"], "x"),
        (FROZEN[-2], ["parameters", "histogram"], [[1, 2], [0, 1]]),
        (FROZEN[-2], ["parameters", "histogram"], [[1, 2], [0, 2, 1]]),
        (FROZEN[-2], ["parameters", "histogram"], [[1, 2, 3]]),
        (FROZEN[-2], ["parameters", "density"], 3),
        (FROZEN[-2], ["parameters", "momtype"], "x"),
    ],
)
def test_a_forged_table_is_refused(distribution, path, value):
    refused(distribution, path, value)


def test_the_class_of_a_distribution_cannot_be_given_a_state_even_where_a_policy_lists_it():
    name = "scipy.stats._continuous_distns.norm_gen"
    policy = reflectio.Policy.default().extend(classes=[name])
    model = {"$": name, "_parse_arg_template": "raise SystemExit"}
    with pytest.raises(reflectio.DocumentError, match="'distribution'"):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": model}), policy=policy)


def test_a_table_that_many_distributions_share_is_charged_for_each() -> None:
    count = 20_000
    table = [array_node(np.ones(count - 1), "float64"), array_node(np.arange(float(count)), "float64")]
    references = [{"$": "ref", "id": number} for number in (1, 2)]
    for number, part in enumerate(table, 1):
        part["$id"] = number

    def of(parts: list[Any]) -> dict[str, Any]:
        histogram = {"$": "tuple", "items": parts}
        parameters = {"histogram": histogram, "density": True}
        return {"$": "distribution", "name": "scipy.stats.rv_histogram", "parameters": parameters}

    document = {"reflectio": 1, "versions": {}, "model": [of(table), *[of(references)] * 2000]}
    with pytest.raises(reflectio.LimitError, match="many times the memory"):
        load(document)
