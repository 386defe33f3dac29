"""Dotted names: which name to write for a class or function, and what a name stands for."""

from __future__ import annotations

import importlib
import sys
import types
from functools import lru_cache
from types import MethodDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any

from reflectio.errors import DocumentError, UnsupportedTypeError

# Classes that scikit-learn exports only after its experimental switch is imported. Naming them by their
# public name whatever has been imported keeps documents equal between processes.
_EXPERIMENTAL = {
    "sklearn.impute.IterativeImputer": (
        "sklearn.impute._iterative.IterativeImputer",
        "sklearn.experimental.enable_iterative_imputer",
    ),
    "sklearn.model_selection.HalvingGridSearchCV": (
        "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
        "sklearn.experimental.enable_halving_search_cv",
    ),
    "sklearn.model_selection.HalvingRandomSearchCV": (
        "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
        "sklearn.experimental.enable_halving_search_cv",
    ),
}

# Private definitions whose public home is not one of the packages that contain them.
_PUBLIC = {private: public for public, (private, _) in _EXPERIMENTAL.items()} | {
    "builtins.NoneType": "types.NoneType",
    "builtins.NotImplementedType": "types.NotImplementedType",
    "sklearn.utils._metadata_requests.MetadataRequest": "sklearn.utils.metadata_routing.MetadataRequest",
    "sklearn.utils._metadata_requests.MetadataRouter": "sklearn.utils.metadata_routing.MetadataRouter",
    "sklearn.utils._metadata_requests.MethodMapping": "sklearn.utils.metadata_routing.MethodMapping",
}

# Old releases of scikit-learn export some losses that later ones keep private; the private name is in all of them.
_PUBLIC |= {
    name: name
    for name in (
        f"sklearn.linear_model._sgd_fast.{loss}"
        for loss in ("Hinge", "Huber", "Log", "ModifiedHuber", "SquaredLoss")
    )
}

# Private modules whose public home is a package that does not contain them.
_PUBLIC_HOMES = {"pandas._libs.tslibs.offsets": "pandas.tseries.offsets"}

# Modules whose ufuncs carry a bare name and no module.
_UFUNC_MODULES = ("numpy", "scipy.special")


# Compiled halves of standard modules whose name differs by more than an underscore.
_STANDARD = {"posix": "os", "nt": "os"}


def _public_home(module: str) -> str:
    """The standard module that exports what a compiled one defines: operator for _operator."""
    home = _STANDARD.get(module, module.removeprefix("_"))
    if home == module or home not in sys.stdlib_module_names:
        return module
    importlib.import_module(home)
    return home


def _is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def _lookup(module: ModuleType | None, qualname: str) -> Any:
    """What ``qualname`` is in a module that is already imported, without triggering lazy imports."""
    if module is None:
        return None
    first, *rest = qualname.split(".")
    found = vars(module).get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found


@lru_cache(maxsize=4096)
def public_name(obj: Any) -> str:
    """
    Give the dotted name under which a class or function is imported, public where there is one.

    Of the packages that contain the definition, the outermost public one that exports it is named:
    ``sklearn.ensemble.RandomForestClassifier``, not ``sklearn.ensemble._forest.RandomForestClassifier``.

    Parameters
    ----------
    obj : class or callable
        What to name.

    Returns
    -------
    str
        The dotted name.

    Raises
    ------
    UnsupportedTypeError
        No import gives this very object: it is a lambda, is local to a function, or lives in ``__main__``.
    """
    if isinstance(obj, MethodDescriptorType | WrapperDescriptorType):
        # Methods of compiled classes, such as `str.lower`, know their class and no module.
        return f"{public_name(obj.__objclass__)}.{obj.__name__}"
    qualname = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    module = getattr(obj, "__module__", None)
    if not isinstance(qualname, str):
        raise UnsupportedTypeError(f"an object of type {type(obj).__name__!r} has no name to write")
    if "<lambda>" in qualname:
        raise UnsupportedTypeError(
            "a lambda has no importable name; define the function with `def` in an importable module"
        )
    kind = "class" if isinstance(obj, type) else "function"
    if "<locals>" in qualname:
        raise UnsupportedTypeError(
            f"the {kind} {qualname!r} is defined inside a function; move it to the top level of a module"
        )
    if module in ("__main__", "__mp_main__"):
        raise UnsupportedTypeError(
            f"the {kind} {qualname!r} is defined in __main__, which another process does not have; "
            "move it to an importable module"
        )
    if isinstance(module, str):
        candidates = dict.fromkeys((_public_home(module), module))
    else:
        candidates = dict.fromkeys(_UFUNC_MODULES)
    for home in candidates:
        private = f"{home}.{qualname}"
        if private in _PUBLIC and obj in (
            _lookup(sys.modules.get(home), qualname),
            getattr(types, qualname, None),
        ):
            return _PUBLIC[private]
        parts = home.split(".")
        prefixes = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
        if home in _PUBLIC_HOMES:
            prefixes.append(_PUBLIC_HOMES[home])
        for prefix in sorted(prefixes, key=lambda prefix: not _is_public(prefix)):
            if _lookup(sys.modules.get(prefix), qualname) is obj:
                return f"{prefix}.{qualname}"
    raise UnsupportedTypeError(
        f"the {kind} {qualname!r} cannot be imported as {module}.{qualname}; "
        "another process could not find it under that name"
    )


def _import_longest(name: str) -> tuple[ModuleType, list[str]]:
    """Import the longest prefix of ``name`` that is a module; give it and the attributes that remain."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        prefix = ".".join(parts[:count])
        try:
            return importlib.import_module(prefix), parts[count:]
        except ModuleNotFoundError as error:
            # Only "there is no such module" means that the prefix names a class; a module that exists
            # and misses one of its own imports is an error to report.
            if error.name is None or not f"{prefix}.".startswith(f"{error.name}."):
                raise
    raise ModuleNotFoundError(f"no module named {parts[0]!r}", name=parts[0])


def resolve(name: str) -> Any:
    """
    Import what a dotted name stands for.

    The caller must have checked the name against a policy: importing runs the module's code.

    Parameters
    ----------
    name : str
        A dotted name such as ``sklearn.svm.SVC``.

    Raises
    ------
    DocumentError
        The installed libraries have nothing of that name.
    """
    try:
        if name in _EXPERIMENTAL:
            importlib.import_module(_EXPERIMENTAL[name][1])
        found, attributes = _import_longest(name)
        for attribute in attributes:
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        package = name.partition(".")[0]
        raise DocumentError(
            f"the document needs {name}, which cannot be imported here ({error}); "
            f"install a version of {package!r} that has it"
        ) from error
    return found
