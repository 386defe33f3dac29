"""
Which public estimators and internal state types of the installed libraries no list covers yet.

``python -m reflectio.coverage`` prints them, and ends with the status 1 where there are any; ``--fit`` also fits every
estimator of scikit-learn, and looks at what their states hold.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import sys
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from reflectio.codec import Codec
from reflectio.errors import UnsupportedTypeError
from reflectio.names import public_name
from reflectio.policy import Kind, Policy, PolicyLike
from reflectio.registry import codec_for_class

# Parts of scikit-learn that are for those who develop it.
_NOT_SHIPPED = frozenset({"tests", "externals", "_build_utils", "conftest", "datasets"})
_EXPERIMENTAL = ("enable_iterative_imputer", "enable_halving_search_cv")

# Public functions that estimators take as parameters.
_FUNCTIONS = ("sklearn.metrics", "sklearn.metrics.pairwise", "sklearn.feature_selection")

# Whose exported classes may be part of a model.
_EXPORTED = {
    "scipy": ("scipy.stats", "scipy.interpolate", "scipy.sparse", "scipy.spatial"),
    "numpy": ("numpy.random", "numpy.dtypes", "numpy.ma"),
    "pandas": ("pandas", "pandas.arrays", "pandas.tseries.offsets"),
}


@attrs.frozen
class Gap:
    """
    A name that models may need, and no list covers.

    Attributes
    ----------
    name : str
        The dotted name that a document would hold.
    kind : {"class", "callable"}
        The list that it belongs to; a class may be among the constructors instead.
    library : str
        The package that defines it.
    why : str
        Why it is expected to be covered.
    """

    name: str
    kind: Kind
    library: str
    why: str


#: Told what is looked at next.
Tell = Callable[[str], None]


def _tell_nobody(what: str) -> None:
    """Do nothing."""


def gaps(policy: PolicyLike = None, *, fitted: bool = False, tell: Tell = _tell_nobody) -> tuple[Gap, ...]:
    """
    Find what the lists of a policy do not cover of the installed libraries.

    Looked for are scikit-learn's estimators, its other public classes, the metrics and scorers that estimators take as
    parameters, and the types of its compiled modules that can be pickled; scipy's distributions, interpolators, sparse
    matrices and spatial trees; numpy's dtypes and bit generators; pandas' classes. What ``left_out.toml`` in this package
    leaves out, with a reason, is not reported, nor what the policy, or a locked one in force, denies.

    Parameters
    ----------
    policy : Policy, path, name or None
        The policy; None: as in `reflectio.loads`.
    fitted : bool
        Whether to fit every estimator, too, and to look for the types of what it holds. That takes half a minute, and
        needs a scikit-learn that lists estimators for its own tests (1.6 and later).
    tell : callable
        Told, by its name, what is looked at next.

    Returns
    -------
    tuple of Gap
        By library and name; empty where everything is covered.
    """
    policy = Policy.of(policy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: dict[tuple[str, str], Gap] = {}
        for each in _expected(fitted, tell):
            if not _is_left_out(each.name) and not _is_covered(each, policy) and not policy.denies(each.name):
                found.setdefault((each.kind, each.name), each)
    return tuple(sorted(found.values(), key=lambda gap: (gap.library, gap.kind, gap.name)))


@cache
def left_out() -> tuple[tuple[str, str], ...]:
    """
    What is not covered on purpose.

    Returns
    -------
    tuple of (str, str)
        Names, which may have wildcards, each with the reason.
    """
    with (Path(__file__).parent / "left_out.toml").open("rb") as file:
        entries = tomllib.load(file)["left_out"]
    return tuple((name, entry["reason"]) for entry in entries for name in entry["names"])


def _is_left_out(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern, _ in left_out())


def _is_covered(gap: Gap, policy: Policy) -> bool:
    if policy.allows(gap.kind, gap.name):
        return True
    if gap.kind != "class":
        return False
    return policy.allows("constructor", gap.name) or _is_named_nowhere(gap.name)


@cache
def _is_named_nowhere(name: str) -> bool:
    """Whether the objects of a class are written under a tag, and no name of theirs is ever looked up."""
    cls = _classes.get(name)
    if cls is None:
        return False
    codec = codec_for_class(cls)
    return codec.tag is not None and type(codec).names is Codec.names


# The classes that have been met, by public name.
_classes: dict[str, type] = {}


def _gap(obj: Any, why: str, kind: Kind | None = None) -> Iterator[Gap]:
    try:
        name = public_name(obj)
    except UnsupportedTypeError:
        # Made within a function, or no more than an alias of what its module does not export.
        return
    if isinstance(obj, type):
        _classes[name] = obj
    yield Gap(name, kind or ("class" if isinstance(obj, type) else "callable"), name.partition(".")[0], why)


def _expected(fitted: bool, tell: Tell) -> Iterator[Gap]:
    for name in _EXPERIMENTAL:
        importlib.import_module(f"sklearn.experimental.{name}")
    for find, what in (
        (_estimators, "estimators"),
        (_public_classes, "public classes"),
        (_functions, "functions"),
        (_compiled_states, "compiled types"),
        (_exported_classes, "classes of numpy, scipy and pandas"),
        (_distributions, "distributions"),
    ):
        tell(what)
        yield from find()
    if fitted:
        yield from _fitted_states(tell)


# -- scikit-learn -------------------------------------------------------------------------------------------


def _estimators() -> Iterator[Gap]:
    from sklearn.utils import all_estimators

    for _, cls in all_estimators():
        yield from _gap(cls, "a public estimator of scikit-learn")


@cache
def _modules() -> tuple[ModuleType, ...]:
    """All modules of scikit-learn that can be imported here."""
    import sklearn

    found = []
    for info in pkgutil.walk_packages(sklearn.__path__, "sklearn."):
        if _NOT_SHIPPED.isdisjoint(info.name.split(".")):
            try:
                found.append(importlib.import_module(info.name))
            except ImportError:  # of a package that scikit-learn does without
                continue
    return tuple(found)


def _exports(module: ModuleType) -> Iterator[Any]:
    names = getattr(module, "__all__", None)
    for name in vars(module) if names is None else names:
        obj = getattr(module, name, None)
        # A module without a list of what it exports has what it imports, too.
        if not name.startswith("_") and (names or getattr(obj, "__module__", "") == module.__name__):
            yield obj


def _public_classes() -> Iterator[Gap]:
    """Splitters, kernels, losses, displays, and whatever else scikit-learn exports."""
    for module in _modules():
        parts = module.__name__.split(".")[1:]
        hidden = any(part.startswith("_") for part in parts) and parts[0] != "_loss"
        if hidden or parts[0] in ("base", "utils", "exceptions"):
            continue
        for obj in _exports(module):
            if isinstance(obj, type) and obj.__module__.startswith("sklearn."):
                yield from _gap(obj, f"exported by {module.__name__}")


def _functions() -> Iterator[Gap]:
    for name in _FUNCTIONS:
        for obj in _exports(importlib.import_module(name)):
            if inspect.isfunction(obj) and obj.__module__.startswith("sklearn."):
                yield from _gap(obj, f"a function of {name}, which estimators take as a parameter")
    from sklearn.metrics import get_scorer, get_scorer_names

    for name in get_scorer_names():
        scorer = get_scorer(name)
        yield from _gap(type(scorer), f"the class of the scorer {name!r}")
        yield from _gap(scorer._score_func, f"the function of the scorer {name!r}")


def _compiled_states() -> Iterator[Gap]:
    """The types of scikit-learn's compiled modules that say how they are pickled."""
    for module in _modules():
        if not str(getattr(module, "__file__", "")).endswith(tuple(EXTENSION_SUFFIXES)):
            continue
        for name, obj in list(vars(module).items()):
            if isinstance(obj, type) and obj.__module__ == module.__name__ and _is_picklable(obj, module):
                yield from _gap(obj, f"a compiled type of {module.__name__} ({name}) that can be pickled")


def _is_picklable(cls: type, module: ModuleType) -> bool:
    own = {"__reduce__", "__reduce_ex__", "__getstate__", "__setstate__"}
    # Cython gives a type that it can pickle by itself a function of this name.
    return not own.isdisjoint(vars(cls)) or hasattr(module, f"__pyx_unpickle_{cls.__name__}")


@cache
def _fitted_states(tell: Tell) -> tuple[Gap, ...]:
    return tuple(_held(_fitted_estimators(tell)))


def _fitted_estimators(tell: Tell) -> Iterator[Any]:
    """Every estimator of scikit-learn, fitted as its own tests do; unfitted where it needs data of its own."""
    import numpy as np
    from sklearn.base import clone
    from sklearn.datasets import make_blobs
    from sklearn.utils._test_common.instance_generator import _tested_estimators
    from sklearn.utils.estimator_checks import _enforce_estimator_tags_X, _enforce_estimator_tags_y

    X, y = make_blobs(n_samples=40, centers=[[0, 0, 0], [1, 1, 1]], cluster_std=0.3, random_state=0)
    for estimator in _tested_estimators():
        estimator = clone(estimator)
        tell(type(estimator).__name__)
        try:
            samples = _enforce_estimator_tags_X(estimator, np.abs(X))
            estimator.fit(samples, _enforce_estimator_tags_y(estimator, y.copy()))
        except Exception:
            pass
        yield estimator


def _held(roots: Iterable[Any]) -> Iterator[Gap]:
    """The classes and functions that the states of some objects lead to."""
    import numpy as np

    seen: dict[int, Any] = {}
    stack = list(roots)
    while stack:
        obj = stack.pop()
        if obj is None or isinstance(obj, bool | int | float | str | bytes) or id(obj) in seen:
            continue
        seen[id(obj)] = obj
        if type(obj) is dict:
            stack += [*obj.keys(), *obj.values()]
        elif type(obj) in (list, tuple, set, frozenset):
            stack += obj
        elif type(obj) is np.ndarray:
            stack += obj.ravel().tolist() if obj.dtype.hasobject else []
        elif isinstance(obj, type | np.ufunc) or inspect.isroutine(obj):
            yield from _gap(obj, "held by a fitted estimator", "callable")
        elif not isinstance(obj, np.generic | np.dtype):
            yield from _gap(type(obj), "part of the state of a fitted estimator")
            stack += _parts(obj)


def _parts(obj: Any) -> list[Any]:
    """What an object is rebuilt from, and with."""
    reduced = obj.__reduce_ex__(4)
    if not isinstance(reduced, tuple):
        return []
    # A class among the arguments says what to build; it is not held.
    found = [part for part in reduced[1] if not isinstance(part, type)]
    for part in reduced[2:5]:
        if isinstance(part, tuple | dict | list):
            found.append(part)
        elif part is not None and not isinstance(part, int):
            found.extend(part)
    return found


# -- scipy, numpy, pandas -----------------------------------------------------------------------------------


def _exported_classes() -> Iterator[Gap]:
    for library, names in _EXPORTED.items():
        for name in names:
            try:
                module = importlib.import_module(name)
            except ImportError:  # pandas need not be installed
                continue
            for obj in _exports(module):
                if (
                    isinstance(obj, type)
                    and obj.__module__.partition(".")[0] == library
                    and not issubclass(obj, BaseException)
                ):
                    yield from _gap(obj, f"exported by {name}")


def _distributions() -> Iterator[Gap]:
    from scipy import stats

    for name, obj in vars(stats).items():
        if isinstance(obj, stats.rv_continuous | stats.rv_discrete):
            yield Gap(f"scipy.stats.{name}", "callable", "scipy", "a distribution that scipy.stats exports")


# -- the command --------------------------------------------------------------------------------------------


def main(argv: list[str] | None = None, say: Callable[[str], Any] = print) -> int:
    """
    Print what is missing.

    Parameters
    ----------
    argv : list of str, optional
        The arguments of the command line.
    say : callable
        Takes each line.

    Returns
    -------
    int
        1 where something is missing, otherwise 0.
    """
    parser = argparse.ArgumentParser(prog="python -m reflectio.coverage", description=__doc__)
    parser.add_argument("--policy", help="a policy file or the name of a built-in one; the default policy")
    parser.add_argument("--fit", action="store_true", help="also fit every estimator and look at its state")
    options = parser.parse_args(argv)
    found = gaps(options.policy if options.policy else Policy.default(), fitted=options.fit)
    for gap in found:
        say(f"{gap.kind:9} {gap.name}  ({gap.why})")
    if found:
        say(
            f"{len(found)} names are on no list: review them, and add them to allowlist/, or to left_out.toml"
        )
    else:
        say(
            "every public estimator and state type of the installed libraries is listed, or left out with a reason"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
