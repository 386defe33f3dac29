"""What an outline is made of."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from reflectio.inspection.arrays import ArrayInfo
from reflectio.inspection.glance import Glance

#: What a part is to the object that has it.
Role = Literal["", "parameter", "default", "learned", "private", "item", "defaults", "hidden", "insight"]


@frozen
class Entry:
    """
    One line of an outline, and those below it.

    Attributes
    ----------
    name : str
        The attribute, key or position.
    path : str
        Where in the document it is.
    text : str
        What it is: a class, a value, what a container contains. Harmless to print, as all text here.
    role : str
        What it is to the object that has it.
    tag : str
        The full name of an object's class.
    default : str
        The default of a parameter that has another value.
    nbytes : int
        What it takes in the document, with all that is in it.
    array : ArrayInfo or None
        What an array is.
    glance : Glance or None
        What can be said of its values.
    note : str
        What else there is to say: that the object is shared, or why something cannot be shown.
    children : tuple of Entry
        Its parts.
    hidden : int
        How many more parts it has.
    """

    name: str
    path: str
    text: str = ""
    role: Role = ""
    tag: str = ""
    default: str = ""
    nbytes: int = 0
    array: ArrayInfo | None = None
    glance: Glance | None = None
    note: str = ""
    children: tuple[Entry, ...] = field(default=(), repr=False)
    hidden: int = 0


def as_members(entry: Entry) -> dict[str, object]:
    """An entry as JSON values."""
    members: dict[str, object] = {"path": entry.path, "name": entry.name, "text": entry.text}
    for name in ("role", "default", "note", "hidden"):
        if value := getattr(entry, name):
            members[name] = value
    if entry.tag:
        members["class"] = entry.tag
    if entry.nbytes:
        members["nbytes"] = entry.nbytes
    if (info := entry.array) is not None:
        members["array"] = {
            "dtype": info.dtype,
            "shape": list(info.shape),
            "nbytes": info.nbytes,
            "order": info.order,
            "place": info.place,
        }
    if (seen := entry.glance) is not None:
        members["values"] = {
            "looked_at": seen.count,
            "sampled": seen.sampled,
            "min": seen.minimum,
            "max": seen.maximum,
            "mean": seen.mean,
            "zeros": seen.zeros,
            "nans": seen.nans,
            "infinities": seen.infinities,
            "first": list(seen.first),
        }
    if entry.children:
        members["parts"] = [as_members(child) for child in entry.children]
    return members
