"""The arrays of a joblib file, whose bytes stand in the file behind the opcodes that describe them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from reflectio.errors import DocumentError
from reflectio.pickles.graph import Call, Global, Graph, Mapping
from reflectio.pickles.source import Source

if TYPE_CHECKING:
    import numpy as np

_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"

_MEMBERS = frozenset({"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"})
_REQUIRED = frozenset({"subclass", "shape", "order", "dtype"})
_ALIGNMENT = "numpy_array_alignment_bytes"

# joblib writes from one to this many bytes of padding, after a byte that says how many. That byte is no opcode, so
# that pickle cannot take for opcodes what joblib takes for an array.
_MOST_PADDING = 16
_PADDING = 0xFF


def is_wrapper(call: Call) -> bool:
    """Whether a call makes what joblib replaces by the array that follows in the file."""
    return call.func.text == _WRAPPER


def members_of(wrapper: Call) -> dict[str, Any]:
    """What a wrapper says of its array."""
    state = wrapper.state
    if wrapper.manner != "new" or wrapper.args or wrapper.kwargs is not None:
        # Its constructor has a padding that the state does not tell of.
        raise DocumentError("the description of a joblib array is made in a way that joblib does not write")
    if type(state) is not Mapping or not all(type(key) is str for key, _ in state.pairs):
        raise DocumentError("the description of a joblib array is no dict of attributes")
    members = dict(state.pairs)
    if not _REQUIRED <= members.keys() <= _MEMBERS or len(members) != len(state.pairs):
        raise DocumentError("the description of a joblib array lacks an attribute, or has one too many")
    if (
        type(members.get(_ALIGNMENT)) not in (int, type(None))
        or type(members.get("allow_mmap", False)) is not bool
    ):
        raise DocumentError("the description of a joblib array has attributes that joblib does not write")
    return members


def _dtype_of(members: dict[str, Any], graph: Graph) -> np.dtype[Any]:
    # numpy is needed from here on only; naming what a pickle imports needs nothing.
    from reflectio.pickles.arrays import dtype_of

    return dtype_of(members["dtype"], graph)


def holds_objects(wrapper: Call, graph: Graph) -> bool:
    """Whether the elements are Python objects, which joblib writes as a pickle."""
    members = members_of(wrapper)
    has_object = _dtype_of(members, graph).hasobject
    if has_object and members.get("allow_mmap", False):
        raise DocumentError("an array of objects that joblib would map into memory")
    return has_object


def subclass_of(wrapper: Call) -> Global | None:
    """The name of the array's class, where the wrapper names one."""
    subclass = members_of(wrapper)["subclass"]
    return subclass if type(subclass) is Global else None


def read(wrapper: Call, source: Source, graph: Graph, *, keep: bool) -> Any:
    """
    Read the array behind a wrapper.

    Parameters
    ----------
    wrapper : Call
        The wrapper, its state set.
    source : Source
        Stands behind the opcode that set it.
    graph : Graph
        Is told what is worth a look.
    keep : bool
        Whether the elements are wanted.

    Returns
    -------
    ndarray or None
        The array; None where it was not wanted.
    """
    from reflectio.pickles.arrays import array_of, check_order, check_shape

    members = members_of(wrapper)
    dtype = _dtype_of(members, graph)
    shape = check_shape(members["shape"])
    order = check_order(members["order"])
    _skip_padding(members, source, graph)
    nbytes = prod(shape) * dtype.itemsize
    if not keep:
        if source.skip(nbytes) < nbytes:
            raise DocumentError(f"an array of {nbytes} bytes is cut short")
        return None
    # Unlike pickle's own, whose bytes may be read-only, joblib's arrays are always writeable.
    return array_of(source.read(nbytes), dtype, shape, order, writeable=True)


def _skip_padding(members: dict[str, Any], source: Source, graph: Graph) -> None:
    if members.get(_ALIGNMENT) is None:
        graph.notice(
            "an array without padding, as joblib up to 1.1 wrote it: pickle itself would take its bytes for opcodes. "
            "Load the file with joblib, or convert it",
            source.tell(),
        )
        return
    length = source.read(1)
    padding = source.read(length[0]) if length else b""
    if not length or not 1 <= length[0] <= _MOST_PADDING or padding != bytes([_PADDING]) * length[0]:
        raise DocumentError("the padding before an array is not what joblib writes; it may hide something")
