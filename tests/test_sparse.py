"""scipy's sparse matrices and arrays: exact out and back, and refused where they are forged."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from exactness import assert_same
from forged_documents import array_node, document_of, forged, load, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from roundtrip import FORMATS, both_formats, roundtrip
from scipy import sparse

import reflectio

LAYOUTS = ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
KINDS = ("matrix", "array")
CLASSES = [getattr(sparse, f"{layout}_{kind}") for layout in LAYOUTS for kind in KINDS]
DENSE = np.array([[0.0, 1.5, 0.0, -2.0], [0.0, 0.0, 0.0, 0.0], [3.25, 0.0, 0.0, 0.5]])

every_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


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
    coords = (np.array([2**20]), np.array([2**21]))
    matrix = sparse.coo_array(([1.0], coords), shape=(2**21, 2**22))
    assert_same(matrix, roundtrip(matrix, format))


@pytest.mark.parametrize("layout", ["coo", "dia", "csr"])
def test_an_axis_may_be_of_any_length_that_has_as_much_along_it(layout):
    matrix = sparse.eye_array(2**23, dtype=np.int8, format=layout)
    assert reflectio.loads(reflectio.dumps(matrix)).shape == (2**23, 2**23)


@pytest.mark.parametrize("layout", ["coo", "dia", "dok", "csr", "bsr"])
def test_an_axis_that_nothing_is_along_is_refused_where_it_is_written(layout):
    if layout == "dia":
        matrix = sparse.dia_array((np.zeros((1, 1)), [0]), shape=(1, 5 * 10**8))
    else:
        matrix = sparse.coo_array((1, 5 * 10**8)).asformat(layout)
    with pytest.raises(reflectio.UnsupportedTypeError, match="out of proportion"):
        reflectio.dumps(matrix)


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


def test_importing_reflectio_does_not_import_scipy():
    code = "import sys, reflectio; print(sorted(name for name in sys.modules if name.partition('.')[0] == 'scipy'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
