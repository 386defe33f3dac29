"""The groups of benchmarks, in the order in which they run: each has a title, a sentence about it, and ``run``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol, cast

from bench.session import Session


class Group(Protocol):
    """What each module here has."""

    TITLE: str
    ABOUT: str
    run: Callable[[Session], None]


# What is small comes first: large models leave memory in pieces.
NAMES = (
    "startup",
    "zoo",
    "models",
    "many",
    "json",
    "compression",
    "file",
    "mapped",
    "growth",
    "memory",
    "kept",
    "threads",
    "checks",
)


def group(name: str) -> Group:
    """The module of a name."""
    return cast(Group, import_module(f"bench.groups.{name}"))
