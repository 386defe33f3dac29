"""What the names of a pickle stand for: only those that the policy allows are imported."""

from __future__ import annotations

import sys
from typing import Any

from reflectio.errors import DocumentError, ValidationError
from reflectio.names import resolve
from reflectio.pickles.graph import Global
from reflectio.pickles.homes import allowed_name
from reflectio.policy import Kind, Policy

__all__ = ["PolicyNames"]


class PolicyNames:
    """
    The names of one file, under their public names.

    Parameters
    ----------
    policy : Policy
        Allows the names.
    used : set of str
        Where the public names are put that were resolved.
    """

    def __init__(self, policy: Policy, used: set[str]) -> None:
        self._policy = policy
        self._used = used
        self._resolved: dict[tuple[Kind, str], tuple[str, Any]] = {}

    def resolve(self, kind: Kind, named: Global) -> tuple[str, Any]:
        """The public name of what a file names, and what it stands for, if the policy allows it."""
        key = (kind, named.text)
        if key not in self._resolved:
            name = allowed_name(kind, named, self._policy)
            if name is None:
                raise ValidationError(f"{self._policy.source} does not allow {named.text} as a {kind}")
            found = resolve(name)
            if not self._policy.confirm(kind, name, found):
                raise ValidationError(
                    f"{self._policy.source} does not mean {named.text}, which stands for another"
                )
            if not _is_same(found, named):
                raise DocumentError(
                    f"{named.text} is not what {name} is with the libraries that are installed here"
                )
            self._resolved[key] = (name, found)
        name, found = self._resolved[key]
        self._used.add(name)
        return name, found


def _is_same(found: Any, named: Global) -> bool:
    """Whether what a public name stands for is what the file names."""
    home, qualname = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
    if f"{home}.{qualname}" == named.text:
        return True
    # Python's and numpy's modules under the names that they have in this version.
    for name in (named.module, named.module.replace("numpy.core.", "numpy._core.", 1)):
        value: Any = sys.modules.get(name)
        for part in named.name.split("."):
            value = vars(value).get(part) if hasattr(value, "__dict__") else None
        if value is found:
            return True
    return False
