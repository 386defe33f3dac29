"""The walk over objects: the part of an encoder that visits each, and says where it stood when one cannot be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reflectio import compiled
from reflectio.codec import Node
from reflectio.errors import UnsupportedTypeError
from reflectio.segment_writer import SegmentWriter
from reflectio.writers import Writer, writers

if TYPE_CHECKING:
    from reflectio.encoder import InRows


# Types whose values are JSON as they stand. Text with lone surrogates and integers beyond 64 bits are not; they
# are so rare that the JSON encoder is left to find them, and the walk is then repeated with care.
PLAIN: frozenset[type] = frozenset({bool, int, str, type(None)})
PLAIN_WITH_CARE: frozenset[type] = frozenset({bool, type(None)})


class PythonWalk:
    """
    The walk, in Python.

    Parameters
    ----------
    inline : bool
        Whether every array is written into the header, whatever its size (JSON format).
    careful : bool
        Whether every string and integer is checked for being plain JSON.
    rows : bool
        Whether lists of like objects may be written as rows.
    apart : frozenset of type
        Classes whose objects may not, for `RowsReferredError` was raised.
    sorting : frozenset of int
        The ids of the sets whose elements are being put in order by a walk such as this one.
    segment : SegmentWriter, optional
        What takes the arrays that lie outside the header; by default one that writes them as they are.

    Attributes
    ----------
    plain : frozenset of type
        The types whose values codecs may put into a node as they stand. Finite floats may be, too.
    as_they_lie : bool
        Whether arrays are written with the strides that they have.
    placed : SegmentWriter or None
        What has taken arrays that lie outside the header; None as long as there are none, and nothing was given.
    names : set of str
        Every dotted name that the nodes hold.
    memory : dict of int to ndarray
        Of each block of memory met, by the id of the array that owns it, the first array over it.
    depth : int
        How deep the node that is written next nests.
    writers : dict of type to callable
        What writes the objects of each type.
    nodes : dict of int to node
        By the id of each object met: None while it is being visited, then its node.
    kept : list
        The objects met, so that no id is used twice.
    ids : dict of int to int
        What each object that was met again is referred to by.
    values_open : dict of int to Any
        The objects that are being visited and must be complete before anything refers to them.
    moved : list of tuple
        What continues in ``objects``, with how it is encoded.
    equal : dict
        Values that are written once: see `Encoder.canonical`.
    shared_plain : dict of int to int
        Lists and plain dicts cannot carry an id; the shared ones are rewritten when the walk is over.
    """

    in_rows: InRows | None

    def __init__(
        self,
        *,
        inline: bool = False,
        careful: bool = False,
        rows: bool = False,
        apart: frozenset[type] = frozenset(),
        sorting: frozenset[int] = frozenset(),
        segment: SegmentWriter | None = None,
    ) -> None:
        self.inline = inline
        self.careful = careful
        self.plain = PLAIN_WITH_CARE if careful else PLAIN
        self.rows = rows
        self.as_they_lie = True
        self.apart = apart
        self.sorting = sorting
        self.placed = segment
        self.writers: Mapping[type, Writer] = writers
        self.names: set[str] = set()
        self.memory: dict[int, np.ndarray[Any, Any]] = {}
        self.depth = 2
        self.nodes: dict[int, Node] = {}
        self.kept: list[Any] = []
        self.ids: dict[int, int] = {}
        self.values_open: dict[int, Any] = {}
        self.moved: list[tuple[Any, Writer, bool]] = []
        self.equal: dict[Any, Any] = {}
        self.shared_plain: dict[int, int] = {}

    @property
    def segment(self) -> SegmentWriter:
        """What takes the arrays that lie outside the header, of which there are none in the smallest documents."""
        if self.placed is None:
            self.placed = SegmentWriter()
        return self.placed

    def visit(self, obj: Any) -> Node:
        """
        Give the node of any object: the one place where types meet codecs.

        Parameters
        ----------
        obj : Any
            The object.

        Returns
        -------
        node
            Its node, or a reference where it was met before.
        """
        return self.writers[type(obj)](obj, self)  # type: ignore[arg-type]

    def visit_values(self, members: dict[str, Any]) -> dict[str, Node]:
        """Put nodes in the place of the values of a dict that are not plain, and give it back."""
        plain, writing = self.plain, self.writers
        key = ""
        try:
            for key, value in members.items():
                kind = type(value)
                if kind not in plain and not (kind is float and value - value == 0.0):
                    members[key] = writing[kind](value, self)  # type: ignore[arg-type]
        except UnsupportedTypeError as error:
            error.within(key)
            raise
        return members

    def visit_items(self, items: Iterable[Any]) -> list[Node]:
        """Give the nodes of the items of a container."""
        plain, writing = self.plain, self.writers
        nodes: list[Node] = []
        add = nodes.append
        try:
            for item in items:
                kind = type(item)
                if kind in plain or (kind is float and item - item == 0.0):
                    add(item)
                else:
                    add(writing[kind](item, self))  # type: ignore[arg-type]
        except UnsupportedTypeError as error:
            error.within(len(nodes))
            raise
        return nodes


#: What Python raises over a container that changes while it is walked, or over a state of an odd form.
ODD_STATE = (RuntimeError, LookupError, TypeError, ValueError, AttributeError)

_PACKAGE = f"{__name__.partition('.')[0]}."


def as_unsupported(error: Exception) -> Exception:
    """
    The error to raise where walking an object raised one of `ODD_STATE`.

    What the object's own code raises, or a codec that is registered, stays as it is: it says more.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None or not place.tb_frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        return error
    wrapped = UnsupportedTypeError(
        f"the object has no state that can be written ({type(error).__name__}: {error}). Either it changed while it "
        "was walked: see to it that no other thread, and no __getstate__ or __reduce__, changes anything. Or one of "
        "these gives what Python's protocol for copying does not have"
    )
    wrapped.__cause__ = error
    return wrapped.rooted("$.model")


_writing = compiled.part("writing")

# The walk that encoders are made with.
if TYPE_CHECKING or _writing is None:  # noqa: SIM108  types are read from the one, and names from the other
    Walk = PythonWalk
else:
    Walk = _writing.Walk
