"""The walk over a document's nodes: the part of a decoder that visits each, and says where it stood when one is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reflectio import compiled
from reflectio.errors import DocumentError, LimitError, PathPart, ReflectioError
from reflectio.readers import NameRefusedError, readers_for

if TYPE_CHECKING:
    import numpy as np

    from reflectio.codec import Codec, Node, ObjectNode
    from reflectio.policy import Policy
    from reflectio.segment import Segment

_NESTED = frozenset({dict, list})

# Of so many values, as a vocabulary has, it pays to see first whether all are plain.
_MANY = 64


def located(error: Exception, part: PathPart) -> ReflectioError:
    """The error to raise where building the member or item ``part`` raised ``error``."""
    if isinstance(error, NameRefusedError):
        raise error
    if not isinstance(error, ReflectioError):
        error = as_reflectio_error(error)
    return error.within(part)


def as_reflectio_error(error: Exception) -> ReflectioError:
    """Turn what a parser, numpy or Python raised over a malformed node into an error of this library."""
    if isinstance(error, RecursionError):
        wrapped: ReflectioError = LimitError("the document nests too deeply to be read")
    elif isinstance(error, MemoryError):
        wrapped = LimitError(f"not enough memory for what the document describes ({error})")
    elif isinstance(error, KeyError):
        wrapped = DocumentError(f"the member {error} is missing")
    else:
        wrapped = DocumentError(f"malformed: {error}")
    wrapped.__cause__ = error
    return wrapped


class PythonWalk:
    """
    The walk, in Python.

    Parameters
    ----------
    policy : Policy
        Which names may be imported.
    segment : Segment
        Where the arrays outside the header are.
    text : bytes or memoryview
        The header.

    Attributes
    ----------
    readers : Readers
        What builds the nodes with each tag.
    built : dict
        The objects that have an id, by that.
    open : set of int
        The ids of values that are being built, and not there yet.
    times : dict of int to int
        How often each id was referred to.
    to_check : list of tuple
        What is checked last, when all is built: a tag, the checks, and an object, or those of rows, whose columns are
        given where these say enough. There is one for nearly every object: a plain tuple is made in a tenth of the time.
    states : dict
        What is examined before that, by the check that it has in common.
    early : set of int
        The ids of what was built before the walk came to it.
    waiting : list of tuple
        What is there but not complete: its codec, the object, its node and its id.
    views : list of ndarray
        The arrays that are views of others.
    copies : dict
        Copies that were made for a purpose, by the id of what they are of, and the purpose, with the array itself, so
        that no id is used twice.
    spent : dict of str to int
        What the document has asked for so far.
    """

    def __init__(self, policy: Policy, segment: Segment, text: bytes | memoryview) -> None:
        self.policy = policy
        self.segment = segment
        self.text = text
        self.readers = readers_for(policy)
        self.built: dict[int, Any] = {}
        self.open: set[int] = set()
        self.times: dict[int, int] = {}
        self.to_check: list[tuple[str, tuple[Any, ...], Any, Any]] = []
        self.states: dict[Any, list[Any]] = {}
        self.early: set[int] = set()
        self.waiting: list[tuple[Codec, Any, ObjectNode, int]] = []
        self.views: list[np.ndarray[Any, Any]] = []
        self.copies: dict[tuple[int, Any], tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = {}
        self.spent: dict[str, int] = {}

    def pass_alone(self) -> bool:
        """
        Say whether all objects pass their checks, each looked at by itself; an error says that one does not.

        Those of rows are looked at together: where there are any, the answer is no, for who asks to see to them.
        """
        if any(columns is not None for *_, columns in self.to_check):
            return False
        for _, checks, objects, _ in self.to_check:
            for obj in objects:
                for check in checks:
                    check(obj)
        return True

    def build(self, node: Node) -> Any:
        """
        Give the object for any node: the one place where tags meet codecs.

        Parameters
        ----------
        node : node
            The node. Lists and objects among its parts are used up.

        Returns
        -------
        Any
            The object.
        """
        kind = type(node)
        if kind is dict:
            return self.readers[node["$"]](node, self) if "$" in node else self.build_values(node)  # type: ignore[arg-type]
        if kind is list:
            return self.build_items(node)
        return node

    def build_items(self, items: list[Any]) -> list[Any]:
        """Build every item of a list of nodes, in place."""
        if not _NESTED.isdisjoint(map(type, items)):
            index = 0
            try:
                for index, item in enumerate(items):
                    if type(item) in _NESTED:
                        items[index] = self.build(item)
            except Exception as error:
                raise located(error, index) from error
        return items

    def build_values(self, members: dict[str, Any]) -> dict[str, Any]:
        """Build every value of a dict of nodes, in place."""
        if len(members) > _MANY and _NESTED.isdisjoint(map(type, members.values())):
            return members
        readers = self.readers
        key = ""
        try:
            for key, value in members.items():
                kind = type(value)
                if kind is dict:
                    members[key] = (
                        readers[value["$"]](value, self) if "$" in value else self.build_values(value)  # type: ignore[arg-type]
                    )
                elif kind is list:
                    self.build_items(value)
        except Exception as error:
            raise located(error, key) from error
        return members


_reading = compiled.part("reading")

# The walk that decoders are made with.
if TYPE_CHECKING or _reading is None:  # noqa: SIM108  types are read from the one, and names from the other
    Walk = PythonWalk
else:
    Walk = _reading.Walk
