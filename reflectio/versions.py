"""Which versions of which libraries a document was written with, and whether they are installed here."""

from __future__ import annotations

import platform
import sys
import warnings
from collections.abc import Mapping, Set
from functools import cache, lru_cache
from importlib import metadata
from typing import Any

from reflectio._version import __version__
from reflectio.errors import DocumentError, ValidationError, VersionWarning, as_shown
from reflectio.policy import Policy

# Import packages whose distribution has another name. Anything else is looked up, which takes longer.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "numpy": "numpy", "scipy": "scipy", "pandas": "pandas"}

# Differences that are no reason to warn: any reflectio reads all earlier documents, and Python's version is a
# hint for people.
_UNCHECKED = frozenset({"python", "reflectio"})

# Each one is looked for among all that is installed, which takes a while; no model needs so many.
_MOST = 256


# The last versions that documents were written with and that are installed: what is imported does not change any more.
_REMEMBERED = 16
AS_INSTALLED: list[Mapping[str, str]] = []


@cache
def distribution_of(package: str) -> str | None:
    """The installed distribution that provides an import package; None for the standard library."""
    if package in sys.stdlib_module_names:
        return None
    if package in _DISTRIBUTIONS:
        return _DISTRIBUTIONS[package]
    return metadata.packages_distributions().get(package, [None])[0]


@lru_cache(maxsize=1024)
def installed_version(distribution: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return metadata.version(distribution)
    except (metadata.PackageNotFoundError, ValueError):  # ValueError: the name is empty
        return None


def versions_for(names: Set[str]) -> Mapping[str, str]:
    """
    The header's ``versions`` for a document that holds some dotted names.

    Parameters
    ----------
    names : set of str
        The names.

    Returns
    -------
    dict of str to str
        The versions of Python, reflectio, and each distribution whose names occur, in that order.
    """
    global _last
    # Another thread may exchange it.
    last = _last
    if last is not None and names == last[0]:
        return last[1]
    versions = _versions_for(frozenset(names))
    _last = frozenset(names), versions
    return versions


# Models that are saved one after the other are often of one kind.
_last: tuple[frozenset[str], Mapping[str, str]] | None = None


@lru_cache(maxsize=1024)
def _versions_for(names: frozenset[str]) -> Mapping[str, str]:
    # What the names come from is imported by now, and its version therefore settled.
    versions = {"python": platform.python_version(), "reflectio": __version__}
    distributions = {distribution_of(package) for package in {name.partition(".")[0] for name in names}}
    for distribution in sorted(filter(None, distributions)):
        version = installed_version(distribution)
        if version is not None:
            versions[distribution] = version
    return versions


def check_versions(versions: Mapping[str, Any], policy: Policy, *, stacklevel: int) -> None:
    """Warn, once, or fail where the policy says so, about libraries whose version is another one here."""
    if versions in AS_INSTALLED:
        return
    if len(versions) > _MOST:
        raise DocumentError(f"the versions of {len(versions)} libraries; at most {_MOST}").rooted(
            "$.versions"
        )
    differences = []
    for distribution, written in versions.items():
        if type(written) is not str:
            raise DocumentError(f"the version of {distribution!r} must be text").rooted("$.versions")
        if distribution in _UNCHECKED or policy.mismatch == "ignore":
            continue
        installed = installed_version(distribution)
        if installed != written:
            differences.append(
                f"{as_shown(distribution)} {as_shown(written)} (here: {installed or 'not installed'})"
            )
    if not differences:
        if policy.mismatch != "ignore":
            AS_INSTALLED[:] = [dict(versions), *AS_INSTALLED[: _REMEMBERED - 1]]
        return
    message = (
        f"the document was written with {', '.join(differences)}; what it holds may work differently, or fail. "
        "Load it with those versions, or dump the model again with the installed ones"
    )
    if policy.mismatch == "error":
        raise ValidationError(message).rooted("$.versions")
    warnings.warn(message, VersionWarning, stacklevel=stacklevel)
