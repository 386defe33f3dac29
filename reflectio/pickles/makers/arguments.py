"""Checks of arguments that several makers take."""

from __future__ import annotations

from typing import Any

from reflectio.errors import DocumentError

__all__ = ["texts"]


def texts(values: tuple[Any, ...], count: int) -> tuple[str, ...]:
    """The arguments of a call that takes so many texts and nothing else."""
    if len(values) != count or not all(type(value) is str for value in values):
        raise DocumentError("names are text")
    return values
