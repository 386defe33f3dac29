"""The elements of an array as JSON: nested lists that a person can read and edit, exact to the bit."""

from __future__ import annotations

import base64
import contextlib
import sys
from collections.abc import Callable
from itertools import chain
from math import prod
from typing import Any, Literal

import numpy as np

from reflectio import compiled
from reflectio.array_bytes import as_buffer, check_booleans
from reflectio.codecs.numbers import decode_base64, is_utf8
from reflectio.codecs.once_per_dtype import once_per_dtype
from reflectio.errors import DocumentError

_records = compiled.part("records")

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

# Beyond this many axes the lists are flat: JSON parsers limit how deep lists nest.
NESTED_AXES = 16

# Up to this many elements Python's own loops are faster than numpy's.
_FEW = 64

_NUMBERS = frozenset({int, float})
_NUMBERS_OR_TEXT = frozenset({int, float, str})
_INTS = frozenset({int})
_BOOLS = frozenset({bool})
_STRS = frozenset({str})
_LISTS = frozenset({list})

# Of a long double, how many bytes hold its value (x86 pads 80 bits), and how long its text may be: 128 bits have 36
# digits.
_LONG_DOUBLE_BYTES = 10 if np.finfo(np.longdouble).nmant == 63 else np.dtype(np.longdouble).itemsize
_LONG_DOUBLE_TEXT = 64

# The bits that a processor gives NaN where nothing else is asked for, and those of its sign, by itemsize.
_NAN_BITS = {2: 0x7E00, 4: 0x7FC0_0000, 8: 0x7FF8_0000_0000_0000}


def nest(flat: list[Any], shape: Shape) -> Any:
    """Arrange elements in C order as lists of lists; no elements are an empty list, whatever the shape."""
    if not shape:
        return flat[0]
    if len(shape) > NESTED_AXES or not flat:
        return flat
    for length in reversed(shape[1:]):
        flat = [flat[i : i + length] for i in range(0, len(flat), length)]
    return flat


def flatten(data: Any, shape: Shape) -> list[Any]:
    """Give the elements of lists of lists in C order; lists that do not have the shape are an error."""
    if not shape:
        return [data]
    if data == [] and 0 in shape:
        return []
    if len(shape) > NESTED_AXES:
        shape = (prod(shape),)
    flat = [data]
    for axis, length in enumerate(shape):
        if not all(type(item) is list and len(item) == length for item in flat):
            raise DocumentError(f"the data do not have the shape {list(shape)}: axis {axis} differs")
        flat = list(chain.from_iterable(flat))
        if not flat:
            break
    return flat


# -- floats ---------------------------------------------------------------------------------------------------


def _float_text(value: float, bits: int, itemsize: int) -> str:
    if value == value:
        return "inf" if value > 0 else "-inf"
    sign = 1 << (8 * itemsize - 1)
    if bits & ~sign == _NAN_BITS[itemsize]:
        return "-nan" if bits & sign else "nan"
    return f"nan:{bits:#x}"


def _is_finite(array: Array, data: Any) -> bool:
    """Whether an array, given with its elements as lists, holds neither an infinity nor a NaN."""
    if array.size > _FEW or not array.ndim:
        return bool(np.isfinite(array).all())
    # numpy takes microseconds where Python takes one. A sum over an infinity or a NaN is not finite; a sum
    # that overflows is, at worst, looked at twice.
    for _ in range(array.ndim - 2):
        data = chain.from_iterable(data)
    total = sum(data) if array.ndim == 1 else sum(map(sum, data))
    return bool(total - total == 0.0) or bool(np.isfinite(array).all())


def _encode_floats(array: Array) -> Any:
    data = array.tolist()
    if _is_finite(array, data):
        return data
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)
    bits = native.view(f"u{native.itemsize}").ravel().tolist()
    flat = native.ravel().tolist()
    for index in np.flatnonzero(~np.isfinite(native.ravel())).tolist():
        flat[index] = _float_text(flat[index], bits[index], native.itemsize)
    return nest(flat, array.shape)


def _decode_floats(flat: list[Any], dtype: np.dtype[Any]) -> Array:
    kinds = set(map(type, flat))
    if kinds <= _NUMBERS:
        return np.array(flat, dtype)
    if not kinds <= _NUMBERS_OR_TEXT:
        raise DocumentError("the elements must be numbers")
    native = np.array([0.0 if type(value) is str else value for value in flat], dtype.newbyteorder("="))
    bits = native.view(f"u{native.itemsize}")
    sign = 1 << (8 * native.itemsize - 1)
    for index, text in enumerate(flat):
        if type(text) is not str:
            continue
        if text in ("inf", "-inf"):
            native[index] = float(text)
        elif text in ("nan", "-nan"):
            bits[index] = _NAN_BITS[native.itemsize] | (sign if text == "-nan" else 0)
        else:
            bits[index] = _bits_of_nan(text, native.itemsize)
            if native[index] == native[index]:
                raise DocumentError(f"{text!r} are the bits of a number, not of a NaN")
    return native.astype(dtype, copy=False)


def _bits_of_nan(text: str, itemsize: int) -> int:
    digits = text.removeprefix("nan:0x")
    if digits == text or not 0 < len(digits) <= 2 * itemsize or not set(digits) <= set("0123456789abcdef"):
        raise DocumentError(f"{text[:40]!r} is not a number; write a JSON number, inf, -inf or nan")
    return int(digits, 16)


def _encode_long_doubles(array: Array) -> Any:
    return nest([_long_double_text(value) for value in array.ravel()], array.shape)


def _long_double_text(value: Any) -> str:
    if value == value:
        return np.format_float_scientific(value, unique=True, trim="-")
    bits = _bits_of_long_double(value)
    if bits == _bits_of_long_double(np.longdouble("nan")):
        return "nan"
    if bits == _bits_of_long_double(-np.longdouble("nan")):
        return "-nan"
    return f"nan:{bits:#x}"


def _bits_of_long_double(value: Any) -> int:
    return int.from_bytes(value.tobytes()[:_LONG_DOUBLE_BYTES], sys.byteorder)


def _long_double_of_text(text: str) -> Any:
    if len(text) > _LONG_DOUBLE_TEXT:
        raise DocumentError(f"{text[:40]!r}... has more digits than a float of any size")
    if text == "-nan":
        return -np.longdouble("nan")  # whose text it reads without the sign
    if not text.startswith("nan:"):
        return np.longdouble(text)
    raw = _bits_of_nan(text, _LONG_DOUBLE_BYTES).to_bytes(_LONG_DOUBLE_BYTES, sys.byteorder)
    value = np.frombuffer(raw.ljust(np.dtype(np.longdouble).itemsize, b"\0"), np.longdouble)[0]
    if value == value:
        raise DocumentError(f"{text!r} are the bits of a number, not of a NaN")
    return value


def _decode_long_doubles(flat: list[Any], dtype: np.dtype[Any]) -> Array:
    if not set(map(type, flat)) <= _NUMBERS_OR_TEXT:
        raise DocumentError("the elements must be numbers, or text where they have more digits")
    array = np.empty(len(flat), dtype)
    for index, value in enumerate(flat):
        array[index] = _long_double_of_text(value) if type(value) is str else np.longdouble(value)
    return array


def _encode_complex(array: Array) -> Any:
    parts = np.ascontiguousarray(array).reshape(array.shape)[..., np.newaxis].view(_part_dtype(array.dtype))
    return encode_data(parts)


def _part_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(f"{dtype.byteorder}f{dtype.itemsize // 2}")


# -- other kinds ----------------------------------------------------------------------------------------------


def _encode_text(array: Array) -> Any:
    return array.tolist()


def _decode_text(flat: list[Any], dtype: np.dtype[Any]) -> Array:
    if not set(map(type, flat)) <= _STRS:
        raise DocumentError("the elements must be text")
    if flat and max(map(len, flat)) > dtype.itemsize // 4:
        raise DocumentError(f"an element is longer than the {dtype.itemsize // 4} characters of the dtype")
    return np.array(flat, dtype)


def _encode_bytes(array: Array) -> Any:
    return nest([value.decode("latin-1") for value in array.ravel().tolist()], array.shape)


def _decode_bytes(flat: list[Any], dtype: np.dtype[Any]) -> Array:
    if not set(map(type, flat)) <= _STRS:
        raise DocumentError("the elements must be text of one character a byte")
    if flat and max(map(len, flat)) > dtype.itemsize:
        raise DocumentError(f"an element is longer than the {dtype.itemsize} bytes of the dtype")
    return np.array([value.encode("latin-1") for value in flat], dtype)


def _encode_datetimes(array: Array) -> Any:
    # As numbers: numpy does not swap bytes where it casts durations without a unit.
    numbers = array.view(_int64(array.dtype)).astype(np.int64, order="C")
    native = numbers.view(array.dtype.newbyteorder("="))
    if native.dtype.kind == "M" and np.datetime_data(native.dtype)[0] != "generic":
        # The furthest dates of some units have no text, or none that numpy reads back; newer releases say so.
        with contextlib.suppress(OverflowError):
            texts = np.datetime_as_string(native)
            if np.array_equal(texts.astype(native.dtype).view(np.int64), numbers):
                return texts.tolist()
    return numbers.tolist()


_DATE_STARTS = frozenset("-+0123456789")


def _int64(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(f"{dtype.byteorder}i8")


def _decode_datetimes(flat: list[Any], dtype: np.dtype[Any]) -> Array:
    kinds = set(map(type, flat))
    if kinds <= _INTS:
        return np.array(flat, _int64(dtype)).view(dtype)
    if dtype.kind != "M" or not kinds <= _STRS:
        raise DocumentError("the elements must be ISO 8601 dates or, like durations, integers")
    if not all(text == "NaT" or text[:1] in _DATE_STARTS for text in flat):
        # numpy would read "today" and "now" from the clock.
        raise DocumentError("the elements must be ISO 8601 dates, or NaT")
    return np.array(flat, dtype)


def _checked(kinds: frozenset[type], what: str) -> Callable[[list[Any], np.dtype[Any]], Array]:
    def decode(flat: list[Any], dtype: np.dtype[Any]) -> Array:
        if not set(map(type, flat)) <= kinds:
            raise DocumentError(f"the elements must be {what}")
        return np.array(flat, dtype)

    return decode


# By the kind of a dtype of up to eight bytes.
_KINDS_OF_NUMBERS = {"f": _NUMBERS, "i": _INTS, "u": _INTS, "b": _BOOLS}
_WORD = 8

_INTEGERS = (Array.tolist, _checked(_INTS, "integers"))
_BY_KIND: dict[str, tuple[Callable[[Array], Any], Callable[[list[Any], np.dtype[Any]], Array]]] = {
    "b": (Array.tolist, _checked(_BOOLS, "true or false")),
    "i": _INTEGERS,
    "u": _INTEGERS,
    "f": (_encode_floats, _decode_floats),
    "U": (_encode_text, _decode_text),
    "S": (_encode_bytes, _decode_bytes),
    "M": (_encode_datetimes, _decode_datetimes),
    "m": (_encode_datetimes, _decode_datetimes),
}
_LONG_DOUBLES = (_encode_long_doubles, _decode_long_doubles)


def _hooks(
    dtype: np.dtype[Any],
) -> tuple[Callable[[Array], Any], Callable[[list[Any], np.dtype[Any]], Array]]:
    return _LONG_DOUBLES if dtype.kind == "f" and dtype.itemsize > 8 else _BY_KIND[dtype.kind]


def needs_base64(array: Array, *, careful: bool) -> bool:
    """Whether the elements are of a kind that lists cannot say: raw bytes, or text that is not Unicode."""
    if array.dtype.names is not None:
        return careful and any(_holds_surrogates(array[name]) for name in array.dtype.names)
    return array.dtype.kind == "V" or (careful and _holds_surrogates(array))


def _holds_surrogates(array: Array) -> bool:
    if array.dtype.names is not None:
        return any(_holds_surrogates(array[name]) for name in array.dtype.names)
    return array.dtype.kind == "U" and not all(map(is_utf8, array.ravel().tolist()))


def encode_data(array: Array) -> Any:
    """
    Write the elements of an array.

    Parameters
    ----------
    array : ndarray
        Of any dtype without objects for which `needs_base64` is false.

    Returns
    -------
    list or scalar
        Lists of lists in the array's shape; one empty list where there are no elements. Floats that are not finite are text; complex numbers are pairs;
        records are lists of their fields; dates are ISO 8601; bytes are text of one character a byte.
    """
    if not array.size:
        return []
    if array.dtype.names is not None:
        return nest(_encode_records(array), array.shape)
    if array.dtype.kind == "c":
        return _encode_complex(array)
    data = _hooks(array.dtype)[0](array)
    return nest(array.ravel().tolist(), array.shape) if array.ndim > NESTED_AXES else data


@once_per_dtype
def _field_kinds(dtype: np.dtype[Any]) -> tuple[frozenset[type], ...] | None:
    """Of records with nothing but plain numbers, the types that JSON gives the values of each field; else None."""
    kinds: list[frozenset[type]] = []
    for name in dtype.names or ():
        field = dtype[name]
        found = _KINDS_OF_NUMBERS.get(field.kind)
        if found is None or field.itemsize > _WORD or field.metadata is not None:
            return None
        kinds.append(found)
    return tuple(kinds) or None


def _rows_of_numbers(flat: Array) -> list[Any] | None:
    """The records of an array as lists, if all fields are numbers, and finite; None if not."""
    kinds = _field_kinds(flat.dtype)
    if kinds is None:
        return None
    if _records is not None and (plain := _records.rows_of(flat)) is not None:
        found: list[Any] = plain
        return found
    rows = flat.tolist()
    for kind, column in zip(kinds, zip(*rows, strict=True), strict=True):
        if kind is _NUMBERS:
            total = sum(column)
            if total - total != 0.0:
                return None
    return list(map(list, rows))


def encode_numbers(array: Array) -> Any:
    """`encode_data` for an array of up to `NESTED_AXES` axes whose elements are numbers of up to eight bytes."""
    data = array.tolist()
    return data if array.dtype.kind != "f" or _is_finite(array, data) else _encode_floats(array)


def _encode_records(array: Array) -> list[Any]:
    flat = array.ravel()
    assert flat.dtype.names is not None
    if (rows := _rows_of_numbers(flat)) is not None:
        return rows
    columns: list[list[Any]] = []
    for name in flat.dtype.names:
        column = flat[name]
        if not column.size:
            columns.append([[]] * len(flat))
        elif needs_base64(column, careful=False):
            columns.append([base64.b64encode(item.tobytes()).decode("ascii") for item in column])
        else:
            columns.append(encode_data(column))
    return [list(record) for record in zip(*columns, strict=True)] if columns else [[] for _ in flat]


def array_of_numbers(
    data: Any, dtype: np.dtype[Any], shape: Any, kinds: frozenset[type], order: Literal["C", "F"] = "C"
) -> Array | None:
    """
    Give the array of nested lists of numbers, if they are plain.

    Parameters
    ----------
    data : list or number
        The elements.
    dtype : dtype
        Their type, of up to eight bytes.
    shape : list of int
        What should be the array's shape; anything, for it comes from a document.
    kinds : frozenset of type
        The types that an element may have.
    order : {"C", "F"}
        The array's memory order.

    Returns
    -------
    ndarray or None
        An array that owns its memory; None where the elements do not have the shape, or are anything else.
    """
    if type(shape) is not list or not _INTS.issuperset(map(type, shape)):
        return None
    elements = data if shape else (data,)
    for _ in shape[1:]:
        if type(elements) is not list or not _LISTS.issuperset(map(type, elements)):
            return None
        elements = list(chain.from_iterable(elements))
    if (shape and type(elements) is not list) or not kinds.issuperset(map(type, elements)):
        return None
    # That the lists nest is known, and how deep; whether those of an axis have one length, numpy finds.
    try:
        array = np.array(data, dtype, order=order)
    except ValueError:
        return None
    return array if array.shape == tuple(shape) else None


def decode_data(data: Any, dtype: np.dtype[Any], shape: Shape) -> Array:
    """
    Read what `encode_data` wrote.

    Parameters
    ----------
    data : list or scalar
        The elements.
    dtype : dtype
        Their type, without objects.
    shape : tuple of int
        The array's shape.

    Returns
    -------
    ndarray
        An array in C order that owns its memory.
    """
    if dtype.kind == "c":
        parts = decode_data(data, _part_dtype(dtype), (*shape, 2))
        return parts.view(dtype).reshape(shape)
    if dtype.itemsize <= _WORD and (kinds := _KINDS_OF_NUMBERS.get(dtype.kind)):
        array = array_of_numbers(data, dtype, list(shape), kinds)
        if array is not None:
            return array
    flat = flatten(data, shape)
    if dtype.names is not None:
        array = _decode_records(flat, dtype)
    elif dtype.kind in _BY_KIND:
        array = _hooks(dtype)[1](flat, dtype)
    else:
        raise DocumentError(f"elements of the dtype {dtype} cannot be written as lists")
    if len(shape) != 1:
        # In place: a reshaped view would leave the memory with an array that nobody sees.
        array.resize(shape, refcheck=False)
    return array


def _decode_records(flat: list[Any], dtype: np.dtype[Any]) -> Array:
    assert dtype.names is not None
    if _records is not None and _field_kinds(dtype) is not None:
        array = np.zeros(len(flat), dtype)
        if _records.fill(array, flat):
            return array
    if not all(type(record) is list and len(record) == len(dtype.names) for record in flat):
        raise DocumentError(f"every record must be a list of {len(dtype.names)} fields")
    array = np.zeros(len(flat), dtype)
    columns: list[tuple[Any, ...]] = list(zip(*flat, strict=True)) or [()] * len(dtype.names)
    kinds = _field_kinds(dtype)
    if kinds is not None and all(
        kind.issuperset(map(type, column)) for kind, column in zip(kinds, columns, strict=True)
    ):
        array[:] = list(map(tuple, flat))
        return array
    for name, column in zip(dtype.names, columns, strict=True):
        target = array[name]
        if not target.size:
            if any(item != [] for item in column):
                raise DocumentError(f"the field {name!r} of a record has no elements")
        elif target.dtype.kind == "V" and target.dtype.names is None:
            for index, text in enumerate(column):
                target[index] = decode_base64_data(text, target.dtype, target.shape[1:])
        else:
            target[...] = decode_data(list(column), target.dtype, target.shape)
    return array


def _sized(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise DocumentError(f"{len(data)} bytes where the dtype has {length}")
    return data


def encode_base64(array: Array) -> str:
    """Write the bytes of an array in C order."""
    return base64.b64encode(as_buffer(array).tobytes()).decode("ascii")


def decode_base64_data(text: Any, dtype: np.dtype[Any], shape: Shape) -> Array:
    """Read what `encode_base64` wrote."""
    data = _sized(decode_base64(text), prod(shape) * dtype.itemsize)
    array: Array = np.ndarray(shape, dtype, data).copy()
    check_booleans(array)
    return array
