"""numpy's dtypes, arrays and scalars from what their pickles say, without numpy's own unpickling."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np

from reflectio.codecs.empty_elements import MOST_EMPTY, count_empty
from reflectio.errors import DocumentError, ReflectioError
from reflectio.pickles.graph import UNSET, Call, Global, Graph, Mapping
from reflectio.pickles.reviewed import ENCODE

Array = np.ndarray[Any, Any]
DType = np.dtype[Any]
Shape = tuple[int, ...]
Order = Literal["C", "F"]

# The text of a dtype as its pickle gives it; the byte order comes with the state.
_TEXT = re.compile(r"[biufcSUVOMm][0-9]*", re.ASCII)
_RECORD = "numpy.record"

# How deep dtypes may nest within each other, how many a dtype may come to with all that are in it, counted as often as
# they are, and how many axes numpy has.
_DEPTH = 32
_PARTS = 100_000
_AXES = 64

# The state of a dtype: version, byte order, subarray, names, fields, size, alignment, flags, and of dates a unit.
_STATE_LENGTHS = (8, 9)
_VERSIONS = (3, 4)
_ALIGNED = 0x80

# numpy before 2.0 says the flags as a signed byte.
_FLAGS = 0xFF

_NATIVE = "<" if sys.byteorder == "little" else ">"

# Where there are objects, pointers have as many bytes as on the machine that wrote them.
_POINTERS = {False: (), True: ("O4", "O8")}


class _Made(NamedTuple):
    """A dtype, how deep it nests, and how many it comes to."""

    dtype: DType
    depth: int
    parts: int


def dtype_of(value: Any, graph: Graph) -> DType:
    """
    Make the dtype that a pickle describes; once, for thirty that each hold the next one twice are a billion.

    Parameters
    ----------
    value : Call
        The call of `numpy.dtype`, with its state.
    graph : Graph
        What the call is of.

    Raises
    ------
    DocumentError
        It describes none.
    LimitError
        The dtypes of the file take more time than it has bytes.
    """
    return _made(value, graph, 0).dtype


def _made(value: Any, graph: Graph, outside: int) -> _Made:
    if type(value) is not Call or value.func.text != "numpy.dtype" or not value.args:
        raise DocumentError("a dtype is described in a way that numpy does not write")
    if value.dtype is None:
        if outside > _DEPTH:
            raise DocumentError("dtypes nest too deeply")
        graph.spend_on(value)
        parts: list[_Made] = []

        def part_of(inner: Any) -> DType:
            parts.append(_made(inner, graph, outside + 1))
            return parts[-1].dtype

        dtype = _new(value, part_of)
        depth = 1 + max((part.depth for part in parts), default=0)
        value.dtype = _Made(dtype, depth, 1 + sum(part.parts for part in parts))
        if depth > _DEPTH or value.dtype.parts > _PARTS:
            raise DocumentError("dtypes nest too deeply, or hold each other too often")
    made: _Made = value.dtype
    return made


_PartOf = Callable[[Any], DType]


def _new(value: Call, part_of: _PartOf) -> DType:
    text = value.args[0]
    if type(text) is Global and text.text == _RECORD:
        text, record = "V", True
    else:
        record = False
    if type(text) is not str or not _TEXT.fullmatch(text):
        raise DocumentError(f"{text!r:.60} is no dtype as numpy writes it")
    if value.args[1:] not in ((), (False, True)) or value.kwargs is not None or value.manner != "call":
        raise DocumentError("a dtype is made in a way that numpy does not write")
    try:
        if value.state is UNSET:
            dtype = np.dtype(text)
        else:
            dtype = _with_state(text, value.state, part_of)
            dtype = np.dtype((np.record, dtype)) if record else dtype
            _check_state(value.state, dtype)
        if not record and text not in (_text_of(dtype), *_POINTERS[dtype.hasobject]):
            raise DocumentError(f"the dtype {text!r:.60} turns out to be {_text_of(dtype)!r:.60}")
        return dtype
    except ReflectioError:
        raise
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise DocumentError(f"numpy has no such dtype: {error}") from error


def _with_state(text: str, state: Any, part_of: _PartOf) -> DType:
    if type(state) is not tuple or len(state) not in _STATE_LENGTHS:
        raise DocumentError("the state of a dtype is not what numpy writes")
    byteorder: Any
    _, byteorder, subarray, names, fields, itemsize, _, flags, *unit = state
    if byteorder not in ("<", ">", "|", "="):
        raise DocumentError("the byte order of a dtype is none")
    if subarray is not None:
        base, shape = subarray
        return np.dtype((part_of(base), check_shape(shape)))
    if names is not None:
        return _with_fields(names, fields, itemsize, flags, part_of)
    if text[0] in "Mm":
        return _with_unit(text, byteorder, unit)
    if unit and unit[0] is not None and not (type(unit[0]) is Mapping and not unit[0].pairs):
        raise DocumentError("a dtype with metadata, which conversion does not keep")
    if text[0] in "SUV" and type(itemsize) is int and itemsize >= 0:
        text = f"{text[0]}{itemsize // 4 if text[0] == 'U' else itemsize}"
    dtype = np.dtype(text)
    return dtype if byteorder == "|" else dtype.newbyteorder(byteorder)


def _text_of(dtype: DType) -> Any:
    return dtype.__reduce__()[1][0]


def _check_state(state: tuple[Any, ...], dtype: DType) -> None:
    """
    Refuse a state that numpy would not write of the dtype that was made of it.

    numpy takes sizes and flags from the state as they are, and so may come to another dtype: with elements of another
    size, or with objects where there are bytes.
    """
    version, byteorder, subarray, names, fields, *sizes, flags = state[:8]
    new: Any = dtype.__reduce__()[2]
    if byteorder == "=":
        byteorder = _NATIVE
    described = 0 if fields is None else len(fields.pairs)
    if (
        [byteorder, names, *sizes] != [new[1], new[3], *new[5:7]]
        or not all(type(size) is int for size in (version, *sizes, flags))
        or version not in _VERSIONS
        or flags & _FLAGS != new[7] & _FLAGS
        or (subarray is None) != (new[2] is None)
        or described != len(new[4] or ())
    ):
        raise DocumentError("the state of a dtype is not the one that numpy has of it")


def _with_unit(text: str, byteorder: Any, unit: list[Any]) -> DType:
    if not unit or type(unit[0]) is not tuple or len(unit[0]) != 2:
        return np.dtype(text).newbyteorder(byteorder)
    name, count, *rest = unit[0][1]
    if type(name) is Call and name.func.text in ENCODE and name.args:
        name = name.args[0]
    if type(name) is bytes:
        name = name.decode("ascii")
    if (
        type(name) is not str
        or not re.fullmatch(r"[A-Za-z]{1,7}", name)
        or type(count) is not int
        or rest[:1] not in ([1], [])
    ):
        raise DocumentError("the unit of a dtype of dates is none")
    suffix = "" if name == "generic" else f"[{count}{name}]"
    return np.dtype(f"{text[0]}8{suffix}").newbyteorder(byteorder)


def _with_fields(names: Any, fields: Any, itemsize: Any, flags: Any, part_of: _PartOf) -> DType:
    if type(names) is not tuple or type(fields) is not Mapping or type(itemsize) is not int:
        raise DocumentError("the fields of a dtype are not described as numpy writes them")
    described = {key: value for key, value in fields.pairs if type(key) is str}
    parts = [described[name] for name in names]
    titled = [len(part) > 2 for part in parts]
    description: Any = {
        "names": list(names),
        "formats": [part_of(part[0]) for part in parts],
        "offsets": [part[1] for part in parts],
        "itemsize": itemsize,
    }
    if any(titled):
        description["titles"] = [part[2] if len(part) > 2 else None for part in parts]
    dtype: DType = np.dtype(description, align=type(flags) is int and bool(flags & _ALIGNED))
    return dtype


def check_shape(shape: Any) -> Shape:
    """The lengths of axes, checked."""
    if type(shape) is int:
        shape = (shape,)
    if type(shape) not in (tuple, list) or len(shape) > _AXES:
        raise DocumentError("the shape of an array is no tuple of lengths")
    if not all(type(length) is int and 0 <= length < 1 << 62 for length in shape):
        raise DocumentError("the shape of an array holds something else than lengths")
    return tuple(shape)


def check_order(order: Any) -> Order:
    """The memory order, checked."""
    if order in ("C", "F") and type(order) is str:
        return "F" if order == "F" else "C"
    raise DocumentError("the order of an array must be C or F")


def array_of(data: Any, dtype: DType, shape: Shape, order: Order, *, writeable: bool) -> Array:
    """
    Make an array from the bytes of its elements.

    Parameters
    ----------
    data : bytes or bytearray
        The elements in the array's order.
    dtype : dtype
        Their type; holds no objects.
    shape : tuple of int
        The lengths of the axes.
    order : {"C", "F"}
        The memory order.
    writeable : bool
        Whether the array may be written to.
    """
    if type(data) not in (bytes, bytearray) or dtype.hasobject:
        raise DocumentError("the elements of an array are not bytes")
    if len(data) != prod(shape) * dtype.itemsize:
        raise DocumentError(
            f"an array of {list(shape)} elements of {dtype.itemsize} bytes has {len(data)} bytes instead"
        )
    # They take no memory here, and yet time, among the fields of records as well.
    if (empty := prod(shape) * count_empty(dtype, {})) > MOST_EMPTY:
        raise DocumentError(f"an array of {empty} elements that have no bytes")
    array: Array = np.ndarray(shape, dtype, np.frombuffer(data, np.uint8).copy(), order=order)
    array.flags.writeable = writeable
    return array


def object_array(items: Any, shape: Shape, order: Order) -> Array:
    """
    Make an array of objects.

    Parameters
    ----------
    items : list
        The elements in C order, whatever the memory order is.
    shape : tuple of int
        The lengths of the axes.
    order : {"C", "F"}
        The memory order.
    """
    if type(items) is not list or len(items) != prod(shape):
        raise DocumentError(f"an array of {list(shape)} objects does not have so many")
    flat = np.empty(len(items), object)
    for index, item in enumerate(items):
        flat[index] = item
    array = flat.reshape(shape)
    return array.copy("F") if order == "F" else array


def scalar_of(dtype: DType, data: Any) -> Any:
    """Make a numpy scalar from the bytes of its value."""
    if type(data) is not bytes or dtype.hasobject:
        raise DocumentError("the value of a numpy scalar is not bytes")
    if dtype.kind == "b" and data not in (b"\0", b"\1"):
        raise DocumentError("the value of a numpy boolean is neither true nor false")
    return array_of(data, dtype, (), "C", writeable=False)[()]
