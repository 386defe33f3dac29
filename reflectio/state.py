"""Which names the state of an object may have: attributes, never what the class defines as behaviour."""

from __future__ import annotations

import functools
import inspect
import unicodedata
from functools import cache
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

_ABSENT = object()

_TABLES = (dict, list, set)

# What scikit-learn makes the link to an estimator's documentation of, under the method that does: it formats a text, to
# any width, with what a function gives. Classes have these; the first is where a property of theirs keeps its value.
_LINK_MAKER = "_get_doc_link"
_OF_LINKS = frozenset({"__doc_link_template", "_doc_link_module", "_doc_link_url_param_generator"})


def refusal(cls: type, name: Any) -> str | None:
    """
    Say why an attribute of an object of a class may not come from a document.

    An attribute that shadows a method would change what the object does, and a dunder what Python does with it.
    A plain class attribute may be shadowed: `sklearn.linear_model.LassoLars` does so with ``positive``. The tables of
    scikit-learn's classes may not: they say which parameters compiled code is safe with, and what computes the loss.

    Parameters
    ----------
    cls : type
        The object's class.
    name : str
        The attribute's name.

    Returns
    -------
    str or None
        The reason, or None where the attribute may be set.
    """
    if type(name) is not str or not name.isidentifier():
        return f"{name!r} is not an attribute name"
    if not name.isascii() and unicodedata.normalize("NFKC", name) != name:
        return f"{name!r} is not how Python spells that name"
    if name.startswith("__") and name.endswith("__"):
        return f"{name!r} is a name that Python reserves"
    if name in _OF_LINKS and _LINK_MAKER in _defined(cls):
        return f"{name!r} is what {cls.__qualname__} makes a link to its documentation of"
    if name not in _defined(cls):
        return None
    found = inspect.getattr_static(cls, name, _ABSENT)
    if found is _ABSENT or isinstance(found, MemberDescriptorType | GetSetDescriptorType):
        # Slots, and the fields of compiled classes, are state themselves.
        return None
    if isinstance(found, functools.cached_property):
        # Made to be hidden by the value that it gave.
        return None
    if hasattr(type(found), "__get__") or (isinstance(found, _TABLES) and _is_of_sklearn(cls, name)):
        return f"{name!r} would hide what {cls.__qualname__} defines under that name"
    return None


def _is_of_sklearn(cls: type, name: str) -> bool:
    base = next((base for base in cls.__mro__ if name in vars(base)), cls)
    return base.__module__.partition(".")[0] == "sklearn"


@cache
def _defined(cls: type) -> frozenset[str]:
    """Every name that a class, its bases or its metaclass define: a look at each of them is slow."""
    return frozenset(
        name for base in (*inspect.getmro(cls), *inspect.getmro(type(cls))) for name in vars(base)
    )


class StateNames:
    """The attribute names of one class that were found to be harmless, so that each is examined once."""

    # A hostile document may show any number of names.
    _REMEMBERED = 1024

    def __init__(self, cls: type) -> None:
        self._cls = cls
        self.known: set[str] = set()

    def refusal(self, names: Any) -> str | None:
        """Say why one of several names may not be set, or None."""
        for name in names:
            if name not in self.known:
                reason = refusal(self._cls, name)
                if reason is not None:
                    return reason
                if len(self.known) < self._REMEMBERED:
                    self.known.add(name)
        return None


@cache
def slots_of(cls: type) -> dict[str, MemberDescriptorType]:
    """The slots of a class and its bases, by attribute name."""
    found: dict[str, MemberDescriptorType] = {}
    for base in reversed(cls.__mro__):
        found |= {
            name: value for name, value in vars(base).items() if isinstance(value, MemberDescriptorType)
        }
    return found
