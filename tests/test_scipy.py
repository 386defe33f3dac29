"""scipy's sparse matrices, distributions and interpolators: exact out and back, and refused where they are forged."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from exactness import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from roundtrip import FORMATS, roundtrip
from scipy import interpolate, sparse, stats
from sklearn.model_selection import RandomizedSearchCV
from sklearn.preprocessing import SplineTransformer
from sklearn.svm import SVC

import reflectio

LAYOUTS = ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
KINDS = ("matrix", "array")
CLASSES = [getattr(sparse, f"{layout}_{kind}") for layout in LAYOUTS for kind in KINDS]
DENSE = np.array([[0.0, 1.5, 0.0, -2.0], [0.0, 0.0, 0.0, 0.0], [3.25, 0.0, 0.0, 0.5]])

both_formats = pytest.mark.parametrize("format", FORMATS)
every_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def document_of(obj):
    """The document of an object as a dict, to be forged."""
    return json.loads(reflectio.dumps(obj, format="json"))


def load(document):
    return reflectio.loads(json.dumps(document))


def forged(obj, path, value):
    """The document of an object with another value at a path below the model."""
    document = document_of(obj)
    *steps, last = path
    node = document["model"]
    for step in steps:
        node = node[step]
    node[last] = value
    return document


def refused(obj, path, value):
    """The error that loading a forged document raises."""
    with pytest.raises((reflectio.ValidationError, reflectio.DocumentError)) as caught:
        load(forged(obj, path, value))
    return caught.value


# Sparse matrices and arrays -------------------------------------------------------------------------------


@both_formats
@every_class
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float32", "float64", "complex128"])
def test_a_sparse_matrix_comes_back_as_it_was(cls, dtype, format):
    matrix = cls(DENSE.astype(dtype))
    built = roundtrip(matrix, format)
    assert_same(matrix, built)
    assert vars(matrix).keys() == vars(built).keys()


@both_formats
@every_class
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1)])
def test_an_empty_sparse_matrix_keeps_its_shape(cls, shape, format):
    if cls.__name__.startswith("bsr") and 0 in shape:
        pytest.skip("scipy finds no block size for an empty axis")
    assert_same(cls(shape), roundtrip(cls(shape), format))


@both_formats
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_the_order_of_indices_duplicates_and_explicit_zeros_survive(index, format):
    indices, indptr = np.array([3, 0, 0, 2], index), np.array([0, 3, 3, 4], index)
    matrix = sparse.csr_matrix((3, 4))
    matrix.data, matrix.indices, matrix.indptr = np.array([1.0, 0.0, -0.0, np.nan]), indices, indptr
    built = roundtrip(matrix, format)
    assert built.indices.dtype == built.indptr.dtype == index
    assert built.indices.tolist() == [3, 0, 0, 2]
    assert_same(matrix, built)


@both_formats
@pytest.mark.parametrize("cls", [sparse.csr_array, sparse.csc_array, sparse.bsr_array])
@pytest.mark.parametrize("flag", ["has_sorted_indices", "has_canonical_format"])
def test_what_scipy_has_found_out_about_the_indices_is_kept(cls, flag, format):
    matrix = cls(DENSE)
    assert f"_{flag}" not in vars(roundtrip(matrix, format))
    assert getattr(matrix, flag) is True
    assert vars(roundtrip(matrix, format))[f"_{flag}"] is True
    setattr(matrix, flag, False)
    assert vars(roundtrip(matrix, format))[f"_{flag}"] is False


@pytest.mark.parametrize("flag", ["has_sorted_indices", "has_canonical_format"])
@pytest.mark.parametrize("indices", [[2, 1], [1, 1]])
def test_a_claim_that_the_indices_belie_is_dropped(flag, indices):
    matrix = sparse.csr_array((np.ones(2), indices, [0, 2]), shape=(1, 3))
    truth = getattr(matrix.copy(), flag)
    setattr(matrix, f"_{flag}", True)
    built = reflectio.loads(reflectio.dumps(matrix))
    assert (f"_{flag}" in vars(built)) is truth
    assert getattr(built, flag) is truth


def test_a_coo_matrix_that_claims_to_have_no_duplicates_has_none():
    matrix = sparse.coo_array((np.ones(3), ([0, 1, 0], [0, 1, 0])), shape=(2, 2))
    document = forged(matrix, ["has_canonical_format"], True)
    assert load(document).has_canonical_format is False
    matrix = sparse.coo_array((np.ones(3), ([1, 0, 0], [0, 1, 0])), shape=(2, 2))
    document = forged(matrix, ["has_canonical_format"], True)
    assert load(document).has_canonical_format is True


@both_formats
@pytest.mark.parametrize(
    "array",
    [
        sparse.coo_array(np.array([0.0, 2.0, 3.0])),
        sparse.coo_array(np.arange(24.0).reshape(2, 3, 4)),
        sparse.csr_array(np.array([0, 2, 3])),
        sparse.dok_array(np.array([0, 2, 3])),
    ],
    ids=lambda array: f"{array.format}-{array.ndim}d",
)
def test_sparse_arrays_need_not_have_two_axes(array, format):
    assert_same(array, roundtrip(array, format))


@both_formats
def test_a_shape_may_be_far_larger_than_what_it_holds(format):
    matrix = sparse.coo_array(([1.0], ([2**40], [2**61])), shape=(2**41, 2**62))
    assert_same(matrix, roundtrip(matrix, format))


@both_formats
def test_numbers_in_lil_and_dok_keep_their_types(format):
    lil = sparse.lil_matrix(DENSE)
    lil[0, 0] = np.float32(0.1)
    assert [type(value) for value in roundtrip(lil, format).data[0]] == [np.float64, float, float]
    dok = sparse.dok_matrix((2, 2))
    dok[1, 0] = 3
    dok._dict[0, np.int32(1)] = 2.5
    built = roundtrip(dok, format)
    assert [[type(index) for index in key] for key in built._dict] == [[int, int], [int, np.int32]]
    assert_same(dok, built)


def test_matrices_go_on_sharing_their_index_arrays():
    first = sparse.csr_array(DENSE)
    second = sparse.csr_array(first.shape)
    second.data, second.indices, second.indptr = first.data * 2, first.indices, first.indptr
    first, second = roundtrip([first, second])
    assert first.indices is second.indices
    assert first.indptr is second.indptr
    assert first.data is not second.data


def test_indices_do_not_change_with_the_data_even_where_they_shared_memory():
    matrix = sparse.csr_array((1, 4))
    matrix.data = matrix.indices = np.array([1, 3], np.int32)
    matrix.indptr = np.array([0, 2], np.int32)
    built = reflectio.loads(reflectio.dumps(matrix))
    built.data *= 100
    assert built.indices.tolist() == [1, 3]


def test_how_many_entries_are_printed_is_kept():
    matrix = sparse.csr_array(DENSE, maxprint=7)
    assert roundtrip(matrix).maxprint == 7


def test_an_attribute_that_scipy_does_not_give_is_refused_on_the_way_out():
    matrix = sparse.csr_array(DENSE)
    matrix.source = "somewhere"
    with pytest.raises(reflectio.UnsupportedTypeError, match="source"):
        reflectio.dumps(matrix)


def test_a_matrix_whose_indices_lie_outside_is_refused_on_the_way_out():
    matrix = sparse.csr_array(DENSE)
    matrix.indices[0] = 99
    with pytest.raises(reflectio.UnsupportedTypeError, match="axis of length 4"):
        reflectio.dumps(matrix)


INDICES = st.sampled_from([np.int32, np.int64])
ELEMENTS = st.sampled_from(["?", "i1", "u2", "i4", "i8", "f4", "f8", "c8", "c16", "g"]).map(np.dtype)


@st.composite
def sparse_matrices(draw):
    """Sparse matrices of every class, index type and element type, in no particular order, with duplicates."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    count = draw(st.integers(0, 12))
    coords = [draw(hnp.arrays(draw(INDICES), count, elements=st.integers(0, length - 1))) for length in shape]
    matrix = sparse.coo_array((draw(hnp.arrays(draw(ELEMENTS), count)), tuple(coords)), shape=shape)
    cls = draw(st.sampled_from(CLASSES))
    with np.errstate(all="ignore"):
        return cls(matrix)


@settings(deadline=None, max_examples=150)
@given(matrix=sparse_matrices(), format=st.sampled_from(FORMATS))
def test_any_sparse_matrix_comes_back_as_it_was(matrix, format):
    assert_same(matrix, roundtrip(matrix, format))


CSR, COO, BSR = (
    sparse.csr_array(DENSE),
    sparse.coo_array(DENSE),
    sparse.bsr_array(np.eye(4), blocksize=(2, 2)),
)
CSC, DIA = sparse.csc_matrix(DENSE), sparse.dia_matrix((np.ones((2, 4)), [0, 1]), shape=(4, 4))
LIL, DOK = sparse.lil_matrix(DENSE), sparse.dok_matrix(DENSE)


def array_node(values, dtype="int32"):
    values = np.asarray(values)
    return {"$": "ndarray", "dtype": dtype, "shape": list(values.shape), "data": values.tolist()}


FORGED_MATRICES = [
    (CSR, ["indices", "data", 0], 4),
    (CSR, ["indices", "data", 0], -1),
    (CSR, ["indices"], array_node([1, 3, 0])),
    (CSR, ["indices"], array_node([1, 3, 0, 3], "uint32")),
    (CSR, ["indices"], array_node([1, 3, 0, 3], ">i4")),
    (CSR, ["indices"], array_node([1.0, 3.0, 0.0, 3.0], "float64")),
    (CSR, ["indices"], array_node([[1, 3, 0, 3]])),
    (CSR, ["indices"], [1, 3, 0, 3]),
    (CSR, ["indptr", "data", 0], 1),
    (CSR, ["indptr", "data", 0], -1),
    (CSR, ["indptr", "data", 1], 9),
    (CSR, ["indptr", "data", 2], 1),
    (CSR, ["indptr", "data", 3], 5),
    (CSR, ["indptr"], array_node([0, 2, 4])),
    (CSR, ["indptr"], array_node([0, 2, -(2**63), 4], "int64")),
    (CSR, ["data"], array_node([1.0, 2.0], "float64")),
    (CSR, ["data"], array_node(["a", "b", "c", "d"], "<U1")),
    (CSR, ["data"], {"$": "ndarray", "dtype": "object", "shape": [4], "data": [1, 2, 3, 4]}),
    (CSR, ["data"], None),
    (CSR, ["shape"], [3, 2]),
    (CSR, ["shape"], [4, 4]),
    (CSR, ["shape"], [3, -4]),
    (CSR, ["shape"], [3, 2**31]),
    (CSR, ["shape"], [3, 2**63]),
    (CSR, ["shape"], [3, 4.0]),
    (CSR, ["shape"], [1, 3, 4]),
    (CSR, ["shape"], []),
    (CSR, ["shape"], None),
    (CSR, ["format"], "csc"),
    (CSR, ["format"], "bsr"),
    (CSR, ["format"], "coo"),
    (CSR, ["format"], "eval"),
    (CSR, ["format"], ["csr"]),
    (CSR, ["kind"], "tensor"),
    (CSR, ["has_sorted_indices"], 1),
    (CSR, ["maxprint"], -1),
    (CSR, ["maxprint"], "50"),
    (CSR, ["offsets"], array_node([0])),
    (CSR, ["__class__"], "x"),
    (CSC, ["format"], "csr"),
    (CSC, ["shape"], [4, 3]),
    (CSC, ["kind"], "array32"),
    (sparse.csr_matrix(DENSE), ["shape"], [12]),
    (COO, ["coords", 0, "data", 0], 3),
    (COO, ["coords", 1, "data", 0], -1),
    (COO, ["coords", 0], array_node([0])),
    (COO, ["coords", 0], array_node([0.0, 0.0, 2.0, 2.0], "float64")),
    (COO, ["coords"], []),
    (COO, ["coords"], {"$": "tuple", "items": []}),
    (COO, ["shape"], [3]),
    (COO, ["shape"], [3, 2**31]),
    (COO, ["data"], array_node([[1.0, 2.0, 3.0, 4.0]], "float64")),
    (COO, ["has_canonical_format"], "yes"),
    (BSR, ["shape"], [4, 5]),
    (BSR, ["indices", "data", 1], 2),
    (BSR, ["indptr", "data", 2], 3),
    (BSR, ["data"], array_node(np.ones((2, 4)), "float64")),
    (BSR, ["data"], array_node(np.ones((2, 3, 3)), "float64")),
    (BSR, ["data"], {"$": "ndarray", "dtype": "float64", "shape": [2, 0, 2], "data": [[], []]}),
    (DIA, ["offsets", "data", 1], 0),
    (DIA, ["offsets", "data", 0], 2**31 - 1),
    (DIA, ["offsets", "data", 0], -(2**31)),
    (DIA, ["offsets"], array_node([0])),
    (DIA, ["data"], array_node(np.ones(4), "float64")),
    (LIL, ["rows", 0, 0], 4),
    (LIL, ["rows", 0, 0], -1),
    (LIL, ["rows", 0, 0], 3),
    (LIL, ["rows", 0, 0], "1"),
    (LIL, ["rows", 0, 0], True),
    (LIL, ["rows", 0], [1]),
    (LIL, ["rows", 0], {"$": "list", "$id": 1, "items": [1, 3]}),
    (LIL, ["rows"], []),
    (LIL, ["data", 0, 0], "x"),
    (LIL, ["data", 0, 0], {"$": "list", "items": []}),
    (LIL, ["data"], None),
    (LIL, ["dtype"], "object"),
    (LIL, ["dtype"], "<U3"),
    (LIL, ["shape"], [10**12, 4]),
    (DOK, ["coords", 0, "data", 0], 3),
    (DOK, ["coords", 1, "data", 0], -1),
    (DOK, ["coords", 1], [1, 3, 0, "3"]),
    (DOK, ["coords", 1], array_node([3, 3, 0, 0])),
    (DOK, ["coords"], []),
    (DOK, ["data"], [1, 2, 3, None]),
    (DOK, ["data"], [1, 2]),
    (DOK, ["dtype"], "object"),
]


@pytest.mark.parametrize(("matrix", "path", "value"), FORGED_MATRICES)
def test_a_forged_sparse_matrix_is_refused(matrix, path, value):
    assert refused(matrix, path, value).path.startswith("$.model")


@pytest.mark.parametrize("member", ["format", "kind", "shape", "data", "indices", "indptr"])
def test_a_sparse_matrix_without_one_of_its_members_is_refused(member):
    document = document_of(CSR)
    del document["model"][member]
    with pytest.raises(reflectio.DocumentError, match=member):
        load(document)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_whatever_numbers_are_forged_what_loads_can_be_computed_with(data):
    matrix = data.draw(st.sampled_from([CSR, CSC, COO, BSR, DIA]))
    document = document_of(matrix)
    node = document["model"]
    arrays = [node[name] for name in ("indices", "indptr", "offsets") if name in node]
    lists = [array["data"] for array in (*arrays, *node.get("coords", ()))] + [node["shape"]]
    numbers = data.draw(st.sampled_from(lists))
    numbers[data.draw(st.integers(0, len(numbers) - 1))] = data.draw(st.integers(-3, 8))
    try:
        built = load(document)
    except reflectio.DecodeError:
        return
    if hasattr(built, "prune"):
        # scipy itself converts no blocks that lie behind the last row.
        built.prune()
    dense = built.toarray()
    assert dense.shape == built.shape
    np.testing.assert_array_equal(built @ np.ones(built.shape[1]), dense.sum(axis=1))
    np.testing.assert_array_equal((built + built).toarray(), 2 * dense)
    for layout in LAYOUTS:
        np.testing.assert_array_equal(built.asformat(layout).toarray(), dense)


# Distributions ---------------------------------------------------------------------------------------------

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


# Interpolators ---------------------------------------------------------------------------------------------

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


# Imports ---------------------------------------------------------------------------------------------------


def test_importing_reflectio_does_not_import_scipy():
    code = "import sys, reflectio; print(sorted(name for name in sys.modules if name.partition('.')[0] == 'scipy'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
