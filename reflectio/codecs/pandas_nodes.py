"""What the codecs of pandas' types share: nodes tagged with a class name, whose members are checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.members import visit_member
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ValidationError
from reflectio.walk_in import located

Array = np.ndarray[Any, Any]

#: The units in which pandas counts time.
UNITS = frozenset({"s", "ms", "us", "ns"})

#: The kinds of numpy's dtypes that pandas keeps as they are.
KINDS = "biufcmMO"

# How many bytes a label takes, at most, in an array; text is held by pointers.
_LABEL = 8

_INT64 = range(-(2**63), 2**63)


class PandasCodec(Codec):
    """
    Objects of one class of pandas.

    Its nodes are tagged with ``name``, whatever the module in which an installed pandas defines the class.

    Attributes
    ----------
    name : str
        The class's public name.
    """

    name: str = ""

    def decode(self, node: ObjectNode, decoder: Decoder) -> Any:
        tag = node.pop("$")
        if missing := self.required - node.keys():
            raise DocumentError(f"a {tag} needs {_quoted(missing)}")
        if unknown := node.keys() - self.members:
            raise DocumentError(f"a {tag} has no {_quoted(unknown)}")
        return self.build(node, decoder.resolve_class(tag), decoder)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        """Give the object of a class for a node whose members are those the codec knows."""
        raise NotImplementedError

    def node(self, encoder: Encoder, **members: Any) -> ObjectNode:
        """A node of the class; of its members, given as objects, those that are None are left out."""
        encoder.names.add(self.name)
        node: ObjectNode = {"$": self.name}
        for member, value in members.items():
            if value is not None:
                node[member] = visit_member(value, member, encoder)
        return node


def _quoted(names: frozenset[str] | set[str]) -> str:
    return " or ".join(map(repr, sorted(names)))


def build_member(node: ObjectNode, member: str, decoder: Decoder) -> Any:
    """The object of a member of a node; None where the node lacks it."""
    try:
        return decoder.build(node.get(member))
    except Exception as error:
        raise located(error, member) from error


def check_array(found: Any, what: str, kinds: str, ndim: int = 1) -> Array:
    """Make sure that something is an array such as pandas can hold."""
    if type(found) is not np.ndarray or found.ndim != ndim or found.dtype.kind not in kinds:
        axes = "1 axis" if ndim == 1 else f"{ndim} axes"
        raise DocumentError(f"{what} must be an array with {axes}, of one of the kinds {', '.join(kinds)}")
    array: Array = found
    if array.dtype.kind in "mM":
        unit, count = np.datetime_data(array.dtype)
        if unit not in UNITS or count != 1 or not array.dtype.isnative:
            raise DocumentError(f"pandas counts time in s, ms, us or ns, not as {array.dtype}")
    return array


def build_own_array(node: Node, decoder: Decoder) -> Any:
    """
    Build an array that nothing else in the document shares memory with.

    What compiled code indexes by is checked once, here, and must not change afterwards: another object of the
    document that held the same array could write to it when it is used.
    """
    fresh = type(node) is dict and node.get("$") == "ndarray" and "$id" not in node and "base" not in node
    frozen = type(node) is dict and node.get("writeable", True) is not True
    array = decoder.build(node)
    if type(array) is np.ndarray and (not fresh or not array.flags.writeable):
        decoder.charge_copy(array.nbytes)
        array = array.copy("K")
        if frozen:
            array.flags.writeable = False
    return array


def build_own_member(node: ObjectNode, member: str, decoder: Decoder) -> Any:
    """Build an array of a node's own, as `build_own_array` does."""
    try:
        return build_own_array(node[member], decoder)
    except Exception as error:
        raise located(error, member) from error


def charge_labels(index: Any, decoder: Decoder) -> None:
    """Charge for the labels of an index of which pandas makes an array: counting ones take no place in a document."""
    count = len(index)
    decoder.charge_copy(
        _LABEL * count,
        f"an index of {count} labels would take many times the memory of the document; use fewer labels, or only "
        "those that occur",
    )


def charge_counted(index: Any, decoder: Decoder) -> None:
    """Charge for the labels of an index that only counts, or is sparse; all others have them already."""
    from pandas import RangeIndex, SparseDtype

    if isinstance(index, RangeIndex) or isinstance(index.dtype, SparseDtype):
        charge_labels(index, decoder)


def visit_codes(codes: Array, member: str, encoder: Encoder) -> Node:
    """The node of an array that pandas, and not its user, has made read-only."""
    node = visit_member(codes, member, encoder)
    node.pop("writeable", None)
    return node


def check_codes(codes: Any, count: int) -> Array:
    """Make sure that codes stand for one of ``count`` values each, or, as -1, for none."""
    array = check_array(codes, "the codes", "i")
    if array.size and not (array.min() >= -1 and array.max() < count):
        raise ValidationError(f"a code lies outside of -1 to {count - 1}, the positions of the values")
    return array


def int64_of(node: ObjectNode, member: str) -> int:
    """A member of a node that must be an integer of 64 bits."""
    value = node[member]
    if type(value) is not int or value not in _INT64:
        raise DocumentError(f"{member} must be an integer of 64 bits, not {value!r}")
    return value


def bool_of(node: ObjectNode, member: str, default: bool) -> bool:
    """A member of a node that must be true or false."""
    value = node.get(member, default)
    if type(value) is not bool:
        raise DocumentError(f"{member} must be true or false, not {value!r}")
    return value


def choice_of(node: ObjectNode, member: str, choices: frozenset[str]) -> str:
    """A member of a node that must be one of a few words."""
    value = node[member]
    if type(value) is not str or value not in choices:
        raise DocumentError(f"{member} must be one of {', '.join(sorted(choices))}, not {value!r}")
    return value
