"""Checks by class: what must hold of a rebuilt object before compiled code may trust it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from typing import Any

from reflectio.errors import UnsupportedTypeError
from reflectio.names import public_name

#: Raises `ValidationError` where an object would be unsafe to use. It runs when all of the document is built,
#: so that it may look at whatever the object refers to.
Check = Callable[[Any], None]

_checks: dict[str, list[Check]] = {}


def check(*names: str) -> Callable[[Check], Check]:
    """
    Register a check for the objects of some classes, and of their subclasses.

    Parameters
    ----------
    *names : str
        The classes: by public name, or by the module and name of their definition, so that nothing is imported.

    Returns
    -------
    callable
        A decorator.
    """

    def register(function: Check) -> Check:
        for name in names:
            _checks.setdefault(name, []).append(function)
        checks_of.cache_clear()
        return function

    return register


@cache
def checks_of(cls: type) -> tuple[Check, ...]:
    """The checks for objects of a class, those of its bases first."""
    found: list[Check] = []
    for base in reversed(cls.__mro__):
        names = {f"{base.__module__}.{base.__qualname__}"}
        with contextlib.suppress(UnsupportedTypeError):
            names.add(public_name(base))
        for name in names & _checks.keys():
            found += [function for function in _checks[name] if function not in found]
    return tuple(found)
