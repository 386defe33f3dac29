"""Places in a document: chains of parts, which are written as paths only where somebody reads them."""

from __future__ import annotations

from typing import Any, NamedTuple

from reflectio.errors import PathPart, format_path

__all__ = ["OfRow", "Row", "path_from"]


class Row(NamedTuple):
    """
    A part that stands for the number of any object of rows.

    Attributes
    ----------
    length : int, optional
        Of lists of so many objects each, which are counted on from one list to the next: the number within a list.
    """

    length: int | None = None


class OfRow(NamedTuple):
    """A part that a path leaves out, and that says in which of the rows around it the place is."""

    row: int


def path_from(root: str, place: tuple[Any, ...], most: int = 40, row: int = 0) -> str:
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
    row : int, default=0
        Of which object, where the place is one of all objects of rows.
    """
    parts: list[PathPart] = []
    while place[0] is not None:
        if len(parts) == most:
            root += " ... "
            break
        part = place[1]
        if type(part) is OfRow:
            row = part.row
        elif type(part) is Row:
            parts.append(row if part.length is None else row % part.length)
            row = row if part.length is None else row // part.length
        elif part is not None:
            parts.append(part)
        place = place[0]
    return format_path(reversed(parts), root)
