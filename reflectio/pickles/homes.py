"""
Under which public name a policy knows what a pickle names by the module that defines it.

Pickles say ``sklearn.ensemble._forest.RandomForestClassifier``; policies and documents say
``sklearn.ensemble.RandomForestClassifier``. Both are text here: nothing is imported to find out.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache

from reflectio.pickles.graph import Global
from reflectio.policy import Kind, Policy

# Modules that define what other modules export, where that is not told by an underscore in the name.
_EXPORTED = (
    ("numpy.core.", "numpy"),
    ("numpy.lib.", "numpy"),
    ("numpy.ma.core", "numpy.ma"),
    ("numpy.rec", "numpy"),
    ("pandas._libs.tslibs.offsets", "pandas.tseries.offsets"),
    ("sklearn._loss.loss", "sklearn._loss"),
    ("sklearn.metrics.cluster.", "sklearn.metrics"),
    ("sklearn.metrics.pairwise", "sklearn.metrics"),
    ("sklearn.utils._metadata_requests", "sklearn.utils.metadata_routing"),
    ("sklearn.utils.validation", "sklearn.utils"),
)

# Compiled halves of standard modules.
_COMPILED = {"posix": "os", "nt": "os"}

# In these the table and the underscores say all: a name that they export under another module is another name.
_KNOWN = frozenset({"numpy", "scipy", "sklearn", "pandas", *sys.stdlib_module_names})

_PART = re.compile(r"[^\W\d]\w*")


@lru_cache(maxsize=4096)
def _homes(module: str) -> tuple[str, ...]:
    """The modules that may export what a module defines, the likeliest first; itself among them."""
    parts = module.split(".")
    homes = [module]
    package = parts[0]
    if package in _KNOWN:
        for private, public in _EXPORTED:
            if module == private or (private.endswith(".") and module.startswith(private)):
                homes.append(public)
        public_parts = next((i for i, part in enumerate(parts) if part.startswith("_")), len(parts))
        if public_parts:
            homes.append(".".join(parts[:public_parts]))
        home = _COMPILED.get(module, module.removeprefix("_"))
        if home in sys.stdlib_module_names:
            homes.append(home)
    else:
        homes += [".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
    return tuple(dict.fromkeys(homes))


def is_identifier_path(text: str) -> bool:
    """Whether text is a dotted name of identifiers."""
    return all(_PART.fullmatch(part) for part in text.split("."))


def allowed_name(kind: Kind, named: Global, policy: Policy) -> str | None:
    """
    The name under which a policy allows what a file names; None where it does not.

    Parameters
    ----------
    kind : {"class", "constructor", "callable"}
        What is to be done with it.
    named : Global
        The module that defines it, and its name there. A name with dots, which would be followed attribute by
        attribute, must be listed as it stands: no pattern covers it.
    policy : Policy
        The policy.
    """
    if not is_identifier_path(named.text):
        return None
    package = named.module.partition(".")[0]
    listed = policy.allowed.get(kind, frozenset())
    # numpy's functions know their public module; its private ones have others under the same names.
    homes = (named.module,) if package == "numpy" and kind == "callable" else _homes(named.module)
    for home in homes:
        name = f"{home}.{named.name}"
        if not policy.allows(kind, name):
            continue
        if name in listed or ("." not in named.name and home == named.module):
            return name
        if package in _KNOWN and "." not in named.name:
            return name
    return None


def likely_name(named: Global) -> str:
    """
    The name under which a policy would list what a file names, and this one does not.

    That of the default policy, if that has one; else as the file spells it.
    """
    kinds: tuple[Kind, ...] = ("class", "callable", "constructor")
    names = (allowed_name(kind, named, Policy.default()) for kind in kinds)
    return next((name for name in names if name is not None), named.text)
