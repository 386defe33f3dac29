"""The names that a policy lists: their kinds, what they may look like, and what a pattern covers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

__all__ = ["KINDS", "LIST_NAMES", "Kind", "is_plain", "matches", "name_problem", "split_patterns"]

Kind = Literal["class", "constructor", "callable"]

KINDS: tuple[Kind, ...] = get_args(Kind)
LIST_NAMES: dict[Kind, str] = {"class": "classes", "constructor": "constructors", "callable": "callables"}


def name_problem(name: object) -> str | None:
    """Why ``name`` cannot stand in a list of a policy; None where it can."""
    if not isinstance(name, str):
        return f'is {name!r}; expected a dotted name in quotes, such as "acme.churn.ChurnModel"'
    if name == "*":
        return "is '*', which would allow everything; name a module, as in \"acme.models.*\""
    parts = name.split(".")
    pattern = parts[-1] == "*"
    if pattern:
        parts.pop()
    if len(parts) < (1 if pattern else 2) or not all(part.isidentifier() for part in parts):
        return (
            f'is {name!r}; expected a dotted name such as "acme.churn.ChurnModel", '
            'or what a module defines, as in "acme.models.*"'
        )
    return None


def is_plain(name: str) -> bool:
    """Whether a name from a document is one to resolve: identifiers, none of which is a dunder."""
    return all(part.isidentifier() and not part.startswith("__") for part in name.split("."))


def matches(name: str, modules: Iterable[str]) -> bool:
    """Whether a name lies below one of the modules, each written with the dot that ends it."""
    return any(name.startswith(module) for module in modules)


def split_patterns(names: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Part exact names from patterns; of ``acme.models.*``, ``acme.models.`` is kept."""
    names = frozenset(names)
    patterns = {name for name in names if name.endswith(".*")}
    return names - patterns, tuple(sorted(pattern[:-1] for pattern in patterns))
