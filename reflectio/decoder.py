"""The visitor on the way in: builds the object that a document's nodes describe."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from reflectio.checks import Check as ObjectCheck
from reflectio.checks import allow_steps, pass_together, relied_on_by
from reflectio.codec import Codec, Node, ObjectNode
from reflectio.errors import DocumentError, LimitError, ReflectioError, ValidationError
from reflectio.expansion import FEW, WAYS, check_expansion
from reflectio.header import nodes_of_text
from reflectio.name_uses import path_of, uses
from reflectio.policy import Kind
from reflectio.readers import NameRefusedError, allowed, check_members
from reflectio.separation import Glance, Separation
from reflectio.walk_in import Walk, as_reflectio_error

_NESTED = frozenset({dict, list})

#: What `Decoder.spend` counts arrays by that lie compressed in the segment.
DECOMPRESSED = "bytes of decompressed arrays"

_ABSENT = object()

#: What holds nothing that references could multiply: the random state of a forest is that of every tree.
HOLDING_NOTHING = (np.dtype, np.random.RandomState, np.random.Generator, np.random.BitGenerator)

# What counts as half of the references that are worth a look at the whole document.
_SEQUENCES = (list, tuple, deque)
_OF_A_SEQUENCE = FEW // 2

# What arrays of wide elements, such as text of up to a thousand characters, may take: so much for any document, and
# so many times the size of its header.
_FREE_BYTES = 1 << 26
_EXPANSION = 64

# What copies that belong to one object alone may take, of what the document holds once and refers to often: so much
# for any document, so many times the size of its segment, and so many times that of its header: numbers take up to
# four times as much as their text.
_FREE_COPIES = 1 << 26
_COPIES = 8
_COPIES_OF_TEXT = 4 * _COPIES
_SHARED = (
    "copies of what several objects share would take many times the memory of the document; save these objects "
    "apart from each other, or give each an array of its own"
)

# How many values checks may go through that look into what objects hold, and others may share: so many in any document, and
# so many times the bytes of its header.
_FREE_STEPS = 1 << 20
_STEPS_OF_TEXT = 4

# Examines states that compiled code will trust, many at a time: `check(states, decoder)`.
Check = Callable[[list[Any], "Decoder"], None]


class Decoder(Walk):
    """
    One rebuilding of one document.

    Parameters
    ----------
    policy : Policy
        Which names may be imported.
    segment : Segment
        Where the arrays outside the header are.
    text : bytes
        The header.
    """

    # What few documents change; none of these is changed in place.
    _afforded = 0
    _copied = 0
    _references = 0
    _leads_back = False
    _ways = 1
    #: How many values rows stand for that the header says once.
    values_in_rows = 0
    _expanded = False
    _index: dict[int, ObjectNode] | None = None
    _entries: dict[int, ObjectNode] = {}  # noqa: RUF012
    _order: tuple[int, ...] = ()

    # -- the walk -------------------------------------------------------------------------------------------

    def decode(self, model: Node, objects: Sequence[Node] = ()) -> Any:
        """
        Build the object that a document describes.

        Parameters
        ----------
        model : node
            The root.
        objects : sequence of node
            What it refers to.
        """
        if objects:
            self._entries = self._entries_by_id(objects)
            self._order = tuple(self._entries)
            # Values that must be complete before anything refers to them come last in a chain of references, so
            # the last is built first; everything else is created empty where it is met and filled in turn.
            for number in reversed(list(self._entries)):
                self._located_in_objects(number, partial(self._build_value_entry, number))
        root: Any = None
        try:
            root = self.build(model)
        except Exception as error:
            raise self._rooted(error, "$.model") from error
        for codec, obj, node, number in self.waiting:
            self._located_in_objects(number, partial(codec.fill, obj, node, self))
        if self._entries:
            raise DocumentError(f"nothing refers to the object with the id {next(iter(self._entries))}")
        self.check()
        return root

    def check(self) -> None:
        """Refuse what was built if compiled code could not trust it, and a segment that is not what its arrays are."""
        if self.values_in_rows:
            # Rows may be built after all references to what holds them.
            self._check_expansion()
        if self.states:
            self._check_states()
        if self.to_check and not self._pass_checks():
            self._check_objects()
        if self.segment.nbytes or self.segment.taken:
            self.segment.check_covered()

    def _pass_checks(self) -> bool:
        """
        Whether all objects pass their checks, and none relies on what it shares.

        Where not, `_check_objects` gives those that rely on it copies, and says what is wrong.
        """
        if (self.built or self.views) and not self._rely_on_their_own():
            return False
        self._allow_steps()
        try:
            if self.pass_alone():
                return True
            for _, checks, objects, columns in self.to_check:
                if columns is not None and not pass_together(checks, type(objects[0]), columns):
                    return False
                if columns is None:
                    for obj in objects:
                        for check in checks:
                            check(obj)
        except Exception:
            return False
        return True

    def _allow_steps(self) -> None:
        """What nothing refers to is looked at with the few objects that it is in."""
        allow_steps(_FREE_STEPS + _STEPS_OF_TEXT * len(self.text) if self.built else None)

    def _rely_on_their_own(self) -> bool:
        """Whether it is seen at once that what checks rely on is what nothing else of the document reaches."""
        glance = Glance(self._shared(), self.views)
        return all(
            columns is not None or all(map(glance.is_apart, objects))
            for _, _, objects, columns in self.to_check
        )

    def _shared(self) -> list[tuple[Any, int]]:
        """What has an id, with how often it was referred to."""
        times = self.times
        return [(value, times.get(number, 0)) for number, value in self.built.items()]

    def _check_states(self) -> None:
        try:
            for check, states in self.states.items():
                check(states, self)
        except Exception as error:
            raise self._rooted(error, "$.model") from error

    def _check_objects(self) -> None:
        index, row, obj = -1, 0, None
        self._allow_steps()
        try:
            if self.built or self.views:
                separation = Separation(self._shared(), self.views, self.charge_copy)
                # Nothing that other objects change matters to those whose columns are known.
                loose = [objects for _, _, objects, columns in self.to_check if columns is None]
                separation.keep_own(chain.from_iterable(loose))
                # All before any is checked: what one has given up, another may hold.
                for index, (_, _, objects, columns) in enumerate(self.to_check):  # noqa: B007
                    if separation and columns is None:
                        for row, obj in enumerate(objects):  # noqa: B007
                            separation.separate(obj)
            for index, (_, checks, objects, columns) in enumerate(self.to_check):  # noqa: B007
                if columns is not None and pass_together(checks, type(objects[0]), columns):
                    continue
                for row, obj in enumerate(objects):  # noqa: B007
                    for check in checks:
                        check(obj)
        except Exception as error:
            if not isinstance(error, ReflectioError):
                error = _uncheckable(obj, error)
            tags = [tag for tag, *_ in self.to_check[: index + 1]]
            place = self.place_of(tags[-1], tags.count(tags[-1]) - 1, row)
            raise error.rooted(place) from error.__cause__

    def _build_value_entry(self, number: int) -> None:
        node = self._entries.get(number)
        if node is not None and not self.codec_of(node["$"]).late:
            self.ref(number)

    def resolve(self, kind: Kind, name: str) -> Any:
        """
        Import what a name stands for, if the policy allows it.

        Parameters
        ----------
        kind : {"class", "constructor", "callable"}
            What is to be done with it, and so which list of the policy has to hold it.
        name : str
            The dotted name.
        """
        found = self.readers.resolved.get((kind, name), _ABSENT)
        if found is _ABSENT:
            if type(name) is not str:
                raise DocumentError(f"a name must be a string, not {name!r}")
            found = self.readers.resolved[kind, name] = allowed(self.policy, kind, name)
        return found

    def afford(self, nbytes: int) -> None:
        """Refuse wide elements, padded with zeros, that take much more memory than the document has bytes."""
        self._afforded += nbytes
        if self._afforded > _FREE_BYTES + _EXPANSION * len(self.text):
            raise LimitError(
                f"an array of {nbytes} bytes, most of them zeros that the document does not hold; write it in binary "
                "format, or with a narrower dtype"
            )

    def spend(self, what: str, amount: int, limit: int) -> None:
        """Count what a document asks for in all, and refuse more of it than a limit."""
        spent = self.spent[what] = self.spent.get(what, 0) + amount
        if spent > limit:
            raise LimitError(f"the document asks for more than {limit} {what}")

    def require(self, kind: Kind, name: str) -> None:
        """Refuse a name that the policy does not allow, without importing anything."""
        if not self.policy.allows(kind, name):
            raise NameRefusedError(name)

    def check_construction(self, name: str, *, with_arguments: bool) -> None:
        """Refuse to make an object of a class in a way that the policy does not allow."""
        if with_arguments:
            self.resolve("constructor", name)
        elif name in self.readers.only_constructors:
            raise NameRefusedError(name)

    def resolve_class(self, name: str) -> type:
        """Import the class of a name, if the policy allows its objects to be rebuilt."""
        found = self.resolve("class", name)
        if not isinstance(found, type):
            raise DocumentError(f"{name} is not a class")
        return found

    # -- identity -------------------------------------------------------------------------------------------

    def build_shared(self, node: ObjectNode, codec: Codec) -> Any:
        """Build a node that others refer to by its id."""
        number = self._check_id(node["$id"])
        if number in self.built or number in self.open:
            if number in self.early:
                self.early.discard(number)
                return self.built[number]
            raise DocumentError(f"the id {number} is given twice")
        del node["$id"]
        if codec.late:
            obj = self.built[number] = codec.create(node, self)
            codec.fill(obj, node, self)
            return obj
        self.open.add(number)
        obj = codec.decode(node, self)
        self.open.discard(number)
        self.built[number] = obj
        return obj

    def ref(self, number: Any) -> Any:
        """Give the object with an id, creating it where the document describes it further on."""
        number = self._check_id(number)
        found = self._referred(number)
        self.times[number] = self.times.get(number, 0) + 1
        if (type(found) is not np.ndarray or found.dtype.hasobject) and not isinstance(
            found, HOLDING_NOTHING
        ):
            self._count_reference(found, self.times[number])
        return found

    def _count_reference(self, found: Any, times: int) -> None:
        """Look at the whole document once its references may multiply what it holds."""
        # Two lists are enough for one that holds itself twice.
        is_sequence = isinstance(found, _SEQUENCES)
        self._references += _OF_A_SEQUENCE if is_sequence else 1
        # A list gets all of its items when these are built: what leads back to one finds nothing in it.
        self._leads_back = self._leads_back or (is_sequence and not found)
        # A path passes what is referred to in one of so many ways, or by it.
        self._ways = 3 * self._ways if times == 1 else self._ways // (times + 1) * (times + 2)
        self._check_expansion()

    def _check_expansion(self) -> None:
        if self._references < FEW or self._expanded:
            return
        n_values = len(self.text) // 2 + 1 + self.values_in_rows
        if self._leads_back or self._ways > WAYS or self._ways * n_values > self.policy.limits.nodes:
            self._expanded = True
            check_expansion(nodes_of_text(self.text), self.policy.limits.nodes)

    def _referred(self, number: int) -> Any:
        if number in self.built:
            return self.built[number]
        if number in self.open:
            raise DocumentError(f"the value with the id {number} contains itself")
        node = self._entries.pop(number, None)
        if node is None:
            return self._build_early(number)
        codec = self.codec_of(node["$"])
        if not codec.late:
            return self.build(node)
        check_members(codec, node)
        del node["$id"]
        obj = self.built[number] = codec.create(node, self)
        self.waiting.append((codec, obj, node, number))
        return obj

    def _build_early(self, number: int) -> Any:
        """Build what is described further on; reordering tools and deep values lead here, nothing else does."""
        if self._index is None:
            self._index = _nodes_by_id(nodes_of_text(self.text))
        node = self._index.pop(number, None)
        if node is None:
            raise DocumentError(f"nothing in the document has the id {number}")
        obj = self.build(node)
        self.early.add(number)
        return obj

    @staticmethod
    def _check_id(number: Any) -> int:
        if type(number) is not int:
            raise DocumentError(f"an id must be an integer, not {number!r}")
        return number

    def _entries_by_id(self, objects: Sequence[Node]) -> dict[int, ObjectNode]:
        entries: dict[int, ObjectNode] = {}
        for index, node in enumerate(objects):
            if type(node) is not dict or "$" not in node or "$id" not in node:
                raise DocumentError("an entry of objects needs a tag and an id").rooted(f"$.objects[{index}]")
            if entries.setdefault(self._check_id(node["$id"]), node) is not node:
                raise DocumentError(f"the id {node['$id']} is given twice").rooted(f"$.objects[{index}]")
        return entries

    def codec_of(self, tag: str) -> Codec:
        """The codec of the nodes with a tag, which is imported if the policy allows it."""
        _ = self.readers[tag]
        return self.readers.codecs[tag]

    def _located_in_objects(self, number: int, step: Callable[[], Any]) -> None:
        try:
            step()
        except Exception as error:
            raise self._rooted(error, f"$.objects[{self._order.index(number)}]") from error

    @staticmethod
    def _rooted(error: Exception, root: str) -> Exception:
        if isinstance(error, NameRefusedError):
            return error
        if not isinstance(error, ReflectioError):
            error = as_reflectio_error(error)
        return error.rooted(root)

    def check_together(self, check: Check, state: Any) -> None:
        """
        Have a state checked before the document's object is given away, together with all others of its kind.

        Parameters
        ----------
        check : callable
            Takes the list of all states that were given with it, and the decoder; raises `ValidationError`.
        state : Any
            What to check.
        """
        self.states.setdefault(check, []).append(state)

    def copy_of(self, array: np.ndarray[Any, Any], purpose: Any) -> np.ndarray[Any, Any]:
        """Give the one copy of an array for a purpose that compiled code is to index by; no node refers to it."""
        key = (id(array), purpose)
        if key not in self.copies:
            self.charge_copy(array.nbytes)
            self.copies[key] = (array, array.copy())
        return self.copies[key][1]

    def note_view(self, view: np.ndarray[Any, Any]) -> None:
        """Remember that an array is a view of another: what is written to either changes both."""
        self.views.append(view)

    def check_object(self, tag: str, checks: tuple[ObjectCheck, ...], obj: Any) -> None:
        """
        Have an object checked before the document's object is given away.

        Parameters
        ----------
        tag : str
            The tag of its node.
        checks : tuple of callable
            Each takes the object, when all it refers to is complete, and raises `ValidationError`.
        obj : Any
            The object.
        """
        self.to_check.append((tag, checks, (obj,), None))

    def check_rows(self, tag: str, checks: tuple[ObjectCheck, ...], objects: list[Any], columns: Any) -> None:
        """
        As `check_object`, for objects that are written as rows.

        Parameters
        ----------
        tag : str
            The name of their class.
        checks : tuple of callable
            What to check of each.
        objects : list
            The objects.
        columns : Columns or None
            Their attributes, as long as the objects have just these.
        """
        # What something else may reach is copied; then the columns are not what the objects have.
        cls: Any = type(objects[0])
        known = None if relied_on_by(cls) else columns
        self.to_check.append((tag, checks, objects, known))

    def place_of(self, tag: str, index: int, row: int = 0) -> str:
        """
        The path of an object.

        Parameters
        ----------
        tag : str
            The tag of its node, or what its rows are of.
        index : int
            How many nodes or rows with that tag the document has before.
        row : int, default=0
            Where in its rows the object is.
        """
        places = [use.place for use in uses(nodes_of_text(self.text)) if use.name == tag]
        return path_of(places[index], row) if index < len(places) else "$.model"

    # -- members and arrays ---------------------------------------------------------------------------------

    def take(
        self, offset: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: str
    ) -> np.ndarray[Any, Any]:
        """Give the array that lies at ``offset`` of the segment, in memory of its own unless mapped."""
        return self.segment.take(offset, dtype, shape, order)

    def charge_copy(self, nbytes: int, refusal: str = _SHARED) -> None:
        """
        Count what is to be copied for one object alone, and refuse a document that multiplies what it holds.

        Parameters
        ----------
        nbytes : int
            The size of the copy. To be called before it is made.
        refusal : str
            What to say if the document may not have it.
        """
        self._copied += nbytes
        if self._copied > _FREE_COPIES:
            held = self.segment.nbytes + self.spent.get(DECOMPRESSED, 0)
            if self._copied > _FREE_COPIES + _COPIES * held + _COPIES_OF_TEXT * len(self.text):
                raise LimitError(refusal)


def _uncheckable(obj: Any, error: Exception) -> ReflectioError:
    wrapped = ValidationError(
        f"this {type(obj).__qualname__} does not have the attributes that its class relies on: {error}"
    )
    wrapped.__cause__ = error
    return wrapped


def _nodes_by_id(roots: list[Node]) -> dict[int, ObjectNode]:
    found: dict[int, ObjectNode] = {}
    stack: list[Any] = [roots]
    while stack:
        parent = stack.pop()
        for place, node in list(parent.items()) if type(parent) is dict else enumerate(parent):
            if type(node) not in _NESTED:
                continue
            stack.append(node)
            number = node.get("$id") if type(node) is dict and "$" in node else None
            if type(number) is int:
                if number in found:
                    # Which of them counts would depend on who looks: what is built is to be what `expansion` sees.
                    raise DocumentError(f"the id {number} is given twice")
                # Building uses nodes up: what has an id of its own is built once, whoever holds it.
                found[number] = node
                parent[place] = {"$": "ref", "id": number}
    return found
