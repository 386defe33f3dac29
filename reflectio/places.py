"""Places in a document: chains of parts, which are written as paths only where somebody reads them."""

from __future__ import annotations

from typing import Any

from reflectio.errors import PathPart, format_path

__all__ = ["path_from"]


def path_from(root: str, place: tuple[Any, ...], most: int = 40) -> str:
    """
    Write a place as a path.

    Parameters
    ----------
    root : str
        What the path starts with.
    place : tuple
        The place around it, None at the root; the part of the path, None where the path leaves it out; what else a
        walk keeps there.
    most : int
        Of a path that is longer only so many of the last parts are written.
    """
    parts: list[PathPart] = []
    while place[0] is not None:
        if len(parts) == most:
            root += " ... "
            break
        if place[1] is not None:
            parts.append(place[1])
        place = place[0]
    return format_path(reversed(parts), root)
