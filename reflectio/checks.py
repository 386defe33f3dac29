"""Checks by class: what must hold of a rebuilt object before compiled code may trust it."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from reflectio.errors import LimitError, UnsupportedTypeError
from reflectio.names import public_name

#: Raises `ValidationError` where an object would be unsafe to use. It runs when all of the document is built,
#: so that it may look at whatever the object refers to.
Check = Callable[[Any], None]

#: Says whether a check would pass for every object of rows, whose attributes it is given as
#: `reflectio.codecs.columns.Columns` with their class. Where it does not know, each object is checked.
RowsCheck = Callable[[type, Any], bool]

_checks: dict[str, list[Check]] = {}
_rows_checks: dict[Check, RowsCheck] = {}
_relied_on: dict[str, list[str]] = {}


def check(
    *names: str, relies_on: tuple[str, ...] = (), rows: RowsCheck | None = None
) -> Callable[[Check], Check]:
    """
    Register a check for the objects of some classes, and of their subclasses.

    Parameters
    ----------
    *names : str
        The classes: by public name, or by the module and name of their definition, so that nothing is imported.
    relies_on : tuple of str
        Attributes that must stay as the check has seen them. Whatever in them other objects of the document could
        change in place is copied before the check, so that they cannot.
    rows : callable, optional
        A quick way to see that many objects at once would pass, for objects that are written as rows.

    Returns
    -------
    callable
        A decorator.
    """

    def register(function: Check) -> Check:
        for name in names:
            _checks.setdefault(name, []).append(function)
            _relied_on.setdefault(name, []).extend(relies_on)
        if rows is not None:
            _rows_checks[function] = rows
        checks_of.cache_clear()
        relied_on_by.cache_clear()
        return function

    return register


def _names_of(cls: type) -> Iterator[str]:
    """The names under which checks may be registered for a class, those of its bases first."""
    for base in reversed(cls.__mro__):
        names = {f"{base.__module__}.{base.__qualname__}"}
        with contextlib.suppress(UnsupportedTypeError):
            names.add(public_name(base))
        yield from names & _checks.keys()


@cache
def checks_of(cls: type) -> tuple[Check, ...]:
    """The checks for objects of a class, those of its bases first."""
    return tuple(dict.fromkeys(function for name in _names_of(cls) for function in _checks[name]))


@cache
def relied_on_by(cls: type) -> tuple[str, ...]:
    """The attributes that the checks for objects of a class rely on."""
    return tuple(dict.fromkeys(attribute for name in _names_of(cls) for attribute in _relied_on[name]))


def pass_together(checks: tuple[Check, ...], cls: type, columns: Any) -> bool:
    """Whether all objects of rows pass their checks; False where that is to be seen one by one."""
    quick = [_rows_checks.get(function) for function in checks]
    return all(function is not None and function(cls, columns) for function in quick)


class _Steps(threading.local):
    left = sys.maxsize


_steps = _Steps()


def allow_steps(count: int | None) -> None:
    """Say how many values the checks of a document may look at in all, if it has ids; None for any number."""
    _steps.left = sys.maxsize if count is None else count


def take_steps(count: int) -> None:
    """
    Count values that a check goes through, which other objects may hold as well.

    Parameters
    ----------
    count : int
        How many.

    Raises
    ------
    LimitError
        They are too many: each of many objects would have to be looked at together with what all of them share.
    """
    _steps.left -= count
    if _steps.left < 0:
        raise LimitError(
            "what objects of the document share is so much that to check it for each of them would take too long; save "
            "these objects apart from each other"
        )
