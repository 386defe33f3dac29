"""
The functions and classes that pickles of models call to rebuild what is no object with a state: numpy's arrays,
scipy's distributions, Python's own values.

What each does is known and reviewed, and reflectio replaces every one by code of its own (`reflectio.pickles.makers`):
a name in these lists is never imported because a pickle says so, let alone called. A policy need not list them.
"""

from __future__ import annotations

import re

#: Make numpy's arrays, dtypes and scalars.
RECONSTRUCT = frozenset({"numpy._core.multiarray._reconstruct", "numpy.core.multiarray._reconstruct"})
FROM_BUFFER = frozenset({"numpy._core.numeric._frombuffer", "numpy.core.numeric._frombuffer"})
SCALAR = frozenset({"numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar"})
MASKED = frozenset({"numpy.ma.core._mareconstruct"})
UFUNC = frozenset({"numpy._core._ufunc_reconstruct", "numpy.core._ufunc_reconstruct"})
DTYPE = frozenset({"numpy.dtype"})

#: Make numpy's random number generators.
RANDOM_STATE = frozenset({"numpy.random._pickle.__randomstate_ctor"})
GENERATOR = frozenset({"numpy.random._pickle.__generator_ctor"})
BIT_GENERATOR = frozenset({"numpy.random._pickle.__bit_generator_ctor"})
SEED_SEQUENCE = frozenset({"numpy.random.bit_generator.SeedSequence"})

#: The bit generators, as the argument of the functions that make them.
BIT_GENERATORS = {
    "numpy.random._mt19937.MT19937": "MT19937",
    "numpy.random._pcg64.PCG64": "PCG64",
    "numpy.random._pcg64.PCG64DXSM": "PCG64DXSM",
    "numpy.random._philox.Philox": "Philox",
    "numpy.random._sfc64.SFC64": "SFC64",
}

#: Encodes text as bytes, in the codec latin1 only: how protocols before 3 say bytes.
ENCODE = frozenset({"_codecs.encode"})

#: Makes a bound method, or a method of a class; judged by the policy under the method's name.
GETATTR = frozenset({"builtins.getattr"})

#: Values of Python's own.
VALUES = frozenset(
    {
        "builtins.bytearray",
        "builtins.bytes",
        "builtins.complex",
        "builtins.frozenset",
        "builtins.range",
        "builtins.set",
        "builtins.slice",
        "collections.Counter",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "datetime.timezone",
        "decimal.Decimal",
        "fractions.Fraction",
        "pathlib.Path",
        "pathlib.PosixPath",
        "pathlib.PurePosixPath",
        "pathlib.PureWindowsPath",
        "pathlib.WindowsPath",
        "re._compile",
        "uuid.UUID",
    }
)

#: Those among them that pickle appends to.
LISTS = frozenset({"collections.deque"})

PARTIAL = frozenset({"functools.partial"})
OPERATORS = frozenset({"operator.attrgetter", "operator.itemgetter", "operator.methodcaller"})

#: What joblib writes in place of an array.
WRAPPER = frozenset({"joblib.numpy_pickle.NumpyArrayWrapper"})

#: Do no more than `cls.__new__(cls)` for the class that they are given.
CYTHON_NEW = frozenset(
    {
        "sklearn.metrics._dist_metrics.newObj",
        "sklearn.neighbors._ball_tree.newObj",
        "sklearn.neighbors._dist_metrics.newObj",
        "sklearn.neighbors._kd_tree.newObj",
    }
)

# Cython writes a function for a class whose fields it pickles itself: makes an object by `__new__`, and sets its
# state. These libraries are compiled, so that nobody can have put one there.
_CYTHON_UNPICKLE = re.compile(
    r"(sklearn(\.\w+)+|numpy\.random\.bit_generator|_loss)\.__pyx_unpickle_\w+", re.ASCII
)

#: The classes of scipy's distributions, and those that hold one with its arguments.
_DISTRIBUTION = re.compile(r"scipy\.stats\._(continuous|discrete)_distns\.(\w+)_gen", re.ASCII)
FROZEN = frozenset(
    f"scipy.stats._distn_infrastructure.{name}"
    for name in ("rv_continuous_frozen", "rv_discrete_frozen", "rv_frozen")
)

#: What a pickled distribution holds of its own methods, vectorised.
VECTORIZE = frozenset(
    {"numpy.vectorize", "numpy.lib._function_base_impl.vectorize", "numpy.lib.function_base.vectorize"}
)
DISTRIBUTION_METHODS = frozenset(
    {"_cdf_single", "_entropy", "_mom0_sc", "_mom1_sc", "_mom_integ0", "_mom_integ1", "_ppf_single"}
    | {"_ppfvec", "_drv2_ppfsingle", "_drv2_moment"}
)

#: Constants, by the names that pickle gives them, with the tags that documents do.
CONSTANTS = {"builtins.Ellipsis": "ellipsis", "builtins.NotImplemented": "notimplemented"}

#: A record of attributes, which is made by calling it without any.
NAMESPACE = "types.SimpleNamespace"

#: Functions that one class holds as a matter of course: no policy lists them, nothing else may hold them.
HELD = {
    "sklearn.cluster._kmeans._kmeans_single_elkan": "elkan",
    "sklearn.cluster._kmeans._kmeans_single_lloyd": "lloyd",
}

#: What interpolators of scipy turn their results into arrays by: numpy, in any case.
LIBRARIES = frozenset(
    {"scipy._lib.array_api_compat.numpy._aliases.asarray", "scipy._lib.array_api_compat.numpy.asarray"}
)

_FUNCTIONS = frozenset().union(
    RECONSTRUCT,
    FROM_BUFFER,
    SCALAR,
    MASKED,
    UFUNC,
    DTYPE,
    RANDOM_STATE,
    GENERATOR,
    BIT_GENERATOR,
    SEED_SEQUENCE,
    ENCODE,
    GETATTR,
    VALUES,
    PARTIAL,
    OPERATORS,
    WRAPPER,
)


def is_reviewed(name: str) -> bool:
    """Whether a name that a pickle calls is one of the reviewed ones."""
    return name in _FUNCTIONS


def is_cython_unpickle(name: str) -> bool:
    """Whether a name is that of a function which Cython wrote for unpickling."""
    return _CYTHON_UNPICKLE.fullmatch(name) is not None


def distribution_of(name: str) -> str | None:
    """The class of a distribution without ``_gen``, or None for every other name."""
    found = _DISTRIBUTION.fullmatch(name)
    return found[2] if found else None
