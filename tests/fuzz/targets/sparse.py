"""Sparse matrices: scipy's compiled code indexes by their index arrays."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph
from scipy.sparse import linalg as splinalg

from fuzz.target import Attack, Target, do

_DENSE = np.array([[0, 1.5, 0, -2], [0, 0, 0, 0], [3.25, 0, 0, 0.5], [1, 0, 2, 0]])

# What gives an array of all the elements is not asked of matrices larger than this.
_LARGEST = 2000


def _made(layout, kind, dtype=float):
    matrix = getattr(sp, f"{layout}_{kind}")(_DENSE.astype(dtype))
    # scipy remembers what it has found out about the order of the indices.
    for name in ("has_canonical_format", "has_sorted_indices"):
        getattr(matrix, name, None)
    return matrix


SUBJECTS = {
    f"{layout} {kind}": lambda layout=layout, kind=kind: _made(layout, kind)
    for layout in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
    for kind in ("matrix", "array")
}
SUBJECTS["bsr of blocks"] = lambda: sp.bsr_array(_DENSE, blocksize=(2, 2))
SUBJECTS["csr of one axis"] = lambda: sp.csr_array(_DENSE[0])
SUBJECTS["coo of one axis"] = lambda: sp.coo_array(_DENSE[0])
SUBJECTS["csr of booleans"] = lambda: _made("csr", "array", bool)
SUBJECTS["csr, empty"] = lambda: sp.csr_matrix((3, 0))
SUBJECTS["shared indices"] = lambda: (lambda m: [m, m.indices, m.copy().T])(sp.csr_matrix(_DENSE))

_SMALL = (
    lambda x: x.toarray(),
    lambda x: x @ x.T,
    lambda x: x.tocsr() @ x.tocsc().T,
    lambda x: x.tocsc(),
    lambda x: x.tolil(),
    lambda x: x.todok(),
    lambda x: x.tobsr(),
    lambda x: x.todia(),
    lambda x: splinalg.spsolve(x.tocsc(), np.ones(x.shape[0])),
    lambda x: csgraph.connected_components(x),
    # The least integer has no absolute value, and scipy walks along negative weights for ever, whoever made them.
    lambda x: csgraph.dijkstra(abs(x.astype(np.float64)), indices=0),
    lambda x: x[[0, 1]][:, [1, 0]],
    lambda x: x.tocsr()[1:2].tocsc(),
    lambda x: x.reshape(-1, 1),
    lambda x: sp.vstack([x, x]),
    lambda x: x == x.T,
)
_ANY = (
    lambda x: x @ np.ones(x.shape[-1]),
    lambda x: x @ np.ones((x.shape[-1], 2)),
    lambda x: x.T @ np.ones(x.shape[0]),
    lambda x: x + x,
    lambda x: x - x.copy(),
    lambda x: x.multiply(x),
    lambda x: x.sum(0),
    lambda x: x.sum(1),
    lambda x: x.max(),
    lambda x: x.max(axis=0),
    lambda x: x[0],
    lambda x: x[:, 1],
    lambda x: x[1:3, ::2],
    lambda x: x[-1, -1],
    lambda x: x.diagonal(),
    lambda x: x.tocoo(),
    lambda x: repr(x) + str(x),
    lambda x: x.transpose().copy(),
    lambda x: x.astype(np.float32),
    lambda x: x != x,
    lambda x: x.nonzero(),
    lambda x: x.count_nonzero(axis=0),
    lambda x: x.copy().sort_indices(),
    lambda x: x.copy().sum_duplicates(),
    lambda x: x.copy().eliminate_zeros(),
    lambda x: x.copy().prune(),
    lambda x: x.copy().setdiag(1.0),
    lambda x: x.copy().__setitem__((0, 1), 5.0),
    lambda x: x.copy().resize(2, 2),
    lambda x: x.has_canonical_format,
)


def use(obj):
    """Compute with a matrix, or with those of a list."""
    for matrix in obj if isinstance(obj, list) else [obj]:
        if isinstance(matrix, np.ndarray):
            matrix[...] = 1 << 20
            continue
        shape = getattr(matrix, "shape", ())
        do(matrix, _ANY if max(shape, default=0) < 1 << 22 else ())
        do(matrix, _SMALL if max(shape, default=0) <= _LARGEST else ())


TARGET = Target(
    "sparse",
    SUBJECTS,
    use,
    (
        Attack("sparse._check_data", "csr, csc, coo, bsr, dia", "data"),
        Attack(
            "sparse._check_index sparse._check_bounds",
            "csr, csc, coo, bsr, dia",
            "indices indptr coords offsets",
        ),
        Attack("sparse._check_compressed", "csr, csc, bsr, shared", "data indices indptr shape"),
        Attack(
            "",
            "csr, csc, bsr, coo, shared",
            "has_sorted_indices has_canonical_format indices indptr coords maxprint",
        ),
        Attack("sparse._check_coo", "coo", "data coords shape"),
        Attack("sparse._check_dia", "dia", "data offsets shape"),
        Attack("sparse._check_dtype", "dok, lil", "dtype"),
        Attack("sparse._check_numbers", "dok, lil", "data"),
        Attack("sparse._check_dok sparse._decode_dok", "dok", "coords data shape"),
        Attack("sparse._check_lil", "lil", "rows data shape"),
        Attack("sparse.SparseCodec", "", "format kind shape dtype data"),
    ),
)
