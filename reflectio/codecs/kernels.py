"""Kernels: which functions and objects are known to give a number for every pair of samples, and from which samples."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from reflectio.checks import check, take_steps
from reflectio.codecs.fitted import State, is_sparse, refuse, shape_of

#: Functions of scikit-learn and numpy that give a value for every pair of samples, as a kernel must.
_PAIRWISE_MODULE = "sklearn.metrics.pairwise"
PAIRWISE_NAMES = frozenset(
    {
        "additive_chi2_kernel",
        "chi2_kernel",
        "cosine_distances",
        "cosine_similarity",
        "euclidean_distances",
        "laplacian_kernel",
        "linear_kernel",
        "manhattan_distances",
        "polynomial_kernel",
        "rbf_kernel",
        "sigmoid_kernel",
    }
)

# What holds the kernels that a kernel asks.
_PARTS = ("k1", "k2", "kernel", "metric")

# Parameters that the matrix is multiplied with, or added to: of more axes, or of no elements, they would change its shape.
_NUMBERS = (
    "alpha",
    "constant_value",
    "exponent",
    "gamma",
    "noise_level",
    "nu",
    "periodicity",
    "sigma_0",
)

# Those that look at nothing but the number of samples, which may be texts, or whatever else another kernel compares.
_NOT_READING = frozenset({"Sum", "Product", "Exponentiation", "ConstantKernel", "WhiteKernel"})

_TABLES = frozenset(
    f"pandas.{place}{name}"
    for place in ("", "core.frame.", "core.series.")
    for name in ("DataFrame", "Series")
)

_PLAIN = (int, float, str, np.number, np.bool_, type(None))


def _kernel_class() -> Any:
    kernels = sys.modules.get("sklearn.gaussian_process.kernels")
    return None if kernels is None else kernels.Kernel


def _home(kernel: Any) -> str:
    module = getattr(kernel, "__module__", None)
    return str(module if isinstance(module, str) else type(kernel).__module__).partition(".")[0]


def _is_own(kernel: Any) -> bool:
    """Whether a kernel is the user's own, whose code a policy of theirs allows."""
    home = _home(kernel)
    return home not in sys.stdlib_module_names and home not in {"numpy", "scipy", "sklearn", "pandas"}


def is_kernel(kernel: Any) -> bool:
    """Whether something is one of scikit-learn's kernel objects, or derived from them."""
    cls = _kernel_class()
    return cls is not None and isinstance(kernel, cls)


def _parts(root: Any) -> Iterator[Any]:
    """A kernel, and all that it asks, each once."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        kernel = stack.pop()
        if id(kernel) in seen:
            continue
        seen.add(id(kernel))
        take_steps(1)
        yield kernel
        if isinstance(kernel, functools.partial):
            stack.append(kernel.func)
        elif is_kernel(kernel) and not _is_own(kernel):
            state = vars(kernel)
            # The metric may be a name, or a function that is asked about one pair after the other.
            stack += [
                state[name]
                for name in _PARTS
                if name in state and (name != "metric" or is_kernel(state[name]))
            ]


def is_pairwise(kernel: Any) -> bool:
    """Whether a callable is known to give a matrix with a number for every pair of samples."""
    return all(map(_is_pairwise, _parts(kernel)))


def _is_pairwise(kernel: Any) -> bool:
    """The same of a callable, as far as it does not depend on others that it asks."""
    if isinstance(kernel, functools.partial):
        if kernel.args or kernel.keywords.keys() & {"X", "Y"}:
            return False
        return _is_own(kernel.func) or _are_plain(kernel.keywords)
    if kernel is np.inner or _is_own(kernel):
        return True
    if is_kernel(kernel):
        return _has_numbers(kernel)
    return (
        getattr(kernel, "__module__", None) == _PAIRWISE_MODULE
        and getattr(kernel, "__name__", None) in PAIRWISE_NAMES
    )


def _has_numbers(kernel: Any) -> bool:
    """Whether the parameters of one of scikit-learn's kernels leave the shape of its matrix as it is."""
    name, state = type(kernel).__name__, vars(kernel)
    if name == "CompoundKernel":
        # It gives a matrix for each of several kernels.
        return False
    if not all(_is_number(state[key]) for key in _NUMBERS if state.get(key) is not None):
        return False
    scale = state.get("length_scale", 1.0)
    # Where there may be one for each feature, scikit-learn compares with these.
    if not _is_number(scale) and (name not in {"RBF", "Matern"} or len(shape_of(scale) or (0, 0)) != 1):
        return False
    return not isinstance(state.get("metric"), str) or _are_plain(state.get("pairwise_kernels_kwargs") or {})


def _is_number(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.size == 1 and value.ndim <= 1 and value.dtype.kind in "biuf"
    return isinstance(value, int | float | np.number)


def _are_plain(keywords: Any) -> bool:
    return type(keywords) is dict and all(isinstance(value, _PLAIN) for value in keywords.values())


def check_kept_samples(state: State, name: str, kernel: Any, n_samples: int) -> None:
    """
    Refuse samples, kept for a kernel to be called with, of which it could see another number than there are said to be.

    Parameters
    ----------
    state : mapping
        The attributes of the object that keeps them.
    name : str
        The attribute that they are in: an array, a sparse matrix, a table, or a list, as they were given to a fit.
    kernel : callable
        The kernel, which is known to give a number for every pair of samples.
    n_samples : int
        How many samples there are said to be.

    Raises
    ------
    ValidationError
        They are others, or nothing that a kernel is sure to take for samples.
    """
    if _count(state.get(name), kernel) != n_samples:
        refuse(name, f"must be {n_samples} samples that this kernel takes, each with a row of features")


def _count(samples: Any, kernel: Any) -> int | None:
    """How many samples a kernel sees, or None if that cannot be told."""
    reading = [part for part in _parts(kernel) if _reads(part)]
    if is_sparse(samples):
        # numpy would see a single object.
        seen_by_numpy = any(part is np.inner or is_kernel(part) for part in reading)
        return None if seen_by_numpy else int(samples.shape[0])
    shape: tuple[int, ...] | None = None
    if type(samples) is np.ndarray or f"{type(samples).__module__}.{type(samples).__name__}" in _TABLES:
        shape = samples.shape
    elif type(samples) in (list, tuple):
        rows = reading and not any(map(is_sparse, samples))
        shape = shape_of(samples) if rows else (len(samples),)
    if not shape or (reading and len(shape) != 2):
        return None
    return shape[0]


def _reads(kernel: Any) -> bool:
    """Whether a kernel looks at the features of samples, in code that is not the user's."""
    if isinstance(kernel, functools.partial) or _is_own(kernel):
        return False
    return not is_kernel(kernel) or type(kernel).__name__ not in _NOT_READING


@check("sklearn.gaussian_process.kernels.Exponentiation")
def check_exponentiation(kernel: Any) -> None:
    """Refuse an exponent that would change the shape of the kernel matrix."""
    exponent = vars(kernel).get("exponent")
    if not isinstance(exponent, int | float | np.number):
        refuse("exponent", "must be a number")
