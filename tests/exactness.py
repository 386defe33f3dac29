"""Whether two object graphs are the same exactly: types, bits, memory layout, order, and who shares what."""

from __future__ import annotations

import copyreg
import functools
import re
import struct
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import scipy.sparse

from reflectio.layout import extent_of, is_apart

# A strided view keeps its strides as long as they reach no more than this many times the bytes of its elements.
_SPREAD = 16

# Values whose identity means nothing, and that are the same where they are equal and of the same type.
_EQUAL_VALUES = (int, str, bytes, type(None), date, timedelta, timezone, UUID, Fraction, range, PurePath)

# What is imported by name, and so is the very same object on both sides.
_BY_NAME = (
    type,
    types.FunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.ModuleType,
    np.ufunc,
    type(np.mean),
    functools._lru_cache_wrapper,
    type(np.ma.masked),
    Enum,
    type(Ellipsis),
    type(NotImplemented),
)
_VALUES = (*_EQUAL_VALUES, *_BY_NAME, float, complex, Decimal, datetime, time, ZoneInfo, re.Pattern)
_VALUES += (np.generic, np.dtype)

# The parts of a sparse matrix, by its format.
_SPARSE_PARTS = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "coo": ("coords", "data"),
    "dia": ("data", "offsets"),
    "lil": ("data", "rows"),
}

_Path = tuple[Any, str] | None
_Pair = tuple[Any, Any, str]


def assert_same(a: Any, b: Any, *, ordered: bool = True) -> None:
    """
    Require that two object graphs are the same in all that a user could tell.

    Types, values to the bit (the payloads of NaN and the sign of zero among them), the order of containers, dtypes
    with byte order and metadata, shapes, strides where a document keeps them, flags, attributes, and sharing: where
    one graph holds a mutable object twice, so does the other, and cycles close at the same places.

    Parameters
    ----------
    a, b : Any
        The graphs. Neither may change in the meantime. They may be deeper than the recursion limit.
    ordered : bool, default=True
        Whether attributes and the keys of plain dicts have to be in the same order.

    Raises
    ------
    AssertionError
        They differ; the message has the path to the first difference, such as ``$.steps[1][1].coef_``.
    """
    _Comparison(ordered).compare(a, b)


class _Comparison:
    def __init__(self, ordered: bool = True) -> None:
        self._ordered = ordered
        # The partner of each object, by id, in both directions. `_kept` holds them, so that no id is used twice.
        self._partner: dict[int, int] = {}
        self._back: dict[int, int] = {}
        self._kept: list[Any] = []
        self._arrays: dict[int, np.ndarray[Any, Any]] = {}
        self._path: _Path = None

    def compare(self, a: Any, b: Any) -> None:
        self._walk(a, b, None)

    def _walk(self, a: Any, b: Any, path: _Path) -> None:
        stack: list[tuple[Any, Any, _Path]] = [(a, b, path)]
        while stack:
            a, b, path = stack.pop()
            self._path = path
            # In the order in which a document is written: parts before what comes next.
            stack.extend((x, y, (path, part)) for x, y, part in reversed(list(self._step(a, b))))

    def _same_elsewhere(self, a: Any, b: Any) -> bool:
        """Whether the two are the same, as far as this comparison knows; it learns nothing from it."""
        trial = _Comparison(self._ordered)
        trial._partner, trial._back = dict(self._partner), dict(self._back)
        trial._kept = self._kept
        try:
            trial._walk(a, b, self._path)
        except AssertionError:
            return False
        return True

    # -- one pair -------------------------------------------------------------------------------------------

    def _step(self, a: Any, b: Any) -> Iterator[_Pair]:
        """Compare two objects short of their parts; give the pairs of these."""
        if _stored_type(a) is not _stored_type(b):
            self._fail(f"type {_name(type(a))} != {_name(type(b))}")
        if _is_value(type(a)) and not _has_attributes(a):
            return self._values(a, b)
        if not self._pair(a, b):
            return iter(())
        return self._parts(a, b)

    def _pair(self, a: Any, b: Any) -> bool:
        """Note two objects as partners; whether that is new."""
        if type(a) is tuple and all(_is_value(type(item)) for item in a):
            return True  # a value: equal ones may be one object, or several
        if id(a) in self._partner or id(b) in self._back:
            if self._partner.get(id(a)) != id(b) or self._back.get(id(b)) != id(a):
                self._fail(f"shared in one graph and not in the other: {_short(a)}")
            return False
        self._partner[id(a)], self._back[id(b)] = id(b), id(a)
        self._kept += (a, b)
        return True

    def _values(self, a: Any, b: Any) -> Iterator[_Pair]:
        if isinstance(a, _BY_NAME):
            self._require(a is b, "object", a, b)
        elif isinstance(a, float):
            self._require(struct.pack("<d", a) == struct.pack("<d", b), "bits", a, b)
        elif isinstance(a, complex):
            bits = [struct.pack("<dd", value.real, value.imag) for value in (a, b)]
            self._require(bits[0] == bits[1], "bits", a, b)
        elif isinstance(a, np.generic):
            self._dtypes(a.dtype, b.dtype)
            yield from self._elements(np.asarray(a), np.asarray(b))
        elif isinstance(a, np.dtype):
            self._dtypes(a, b)
        elif isinstance(a, datetime | time):
            self._require(a.replace(tzinfo=None) == b.replace(tzinfo=None), "value", a, b)
            self._require(a.fold == b.fold, "fold", a, b)
            yield a.tzinfo, b.tzinfo, ".tzinfo"
        elif isinstance(a, Decimal):
            self._require(a.as_tuple() == b.as_tuple(), "value", a, b)
        elif isinstance(a, ZoneInfo):
            self._require(a.key == b.key, "key", a, b)
        elif isinstance(a, re.Pattern):
            self._require((a.pattern, a.flags) == (b.pattern, b.flags), "pattern", a, b)
        else:
            self._require(a == b, "value", a, b)

    def _parts(self, a: Any, b: Any) -> Iterator[_Pair]:
        cls = type(a)
        if cls in (list, tuple, deque):
            self._require(len(a) == len(b), "length", len(a), len(b))
            if cls is deque:
                self._require(a.maxlen == b.maxlen, "maxlen", a.maxlen, b.maxlen)
            return ((x, y, f"[{index}]") for index, (x, y) in enumerate(zip(a, b, strict=True)))
        if cls in (dict, OrderedDict, defaultdict, Counter):
            return self._mappings(a, b)
        if cls in (set, frozenset):
            return self._sets(a, b)
        if cls is bytearray:
            self._require(a == b, "value", a, b)
            return iter(())
        if cls is slice:
            return ((getattr(a, part), getattr(b, part), f".{part}") for part in ("start", "stop", "step"))
        if isinstance(a, np.ma.MaskedArray):
            return self._masked_arrays(a, b)
        if isinstance(a, np.ndarray):
            return self._array_parts(a, b)
        if scipy.sparse.issparse(a):
            return self._sparse(a, b)
        if _is_pandas(cls):
            return self._pandas(a, b)
        if isinstance(a, types.MethodType):
            return iter(((a.__func__, b.__func__, ".__func__"), (a.__self__, b.__self__, ".__self__")))
        if isinstance(a, types.BuiltinFunctionType):
            self._require(a.__name__ == b.__name__, "name", a, b)
            return iter(((a.__self__, b.__self__, ".__self__"),))
        if cls is functools.partial:
            parts = ("func", "args", "keywords", "__dict__")
            return ((getattr(a, part), getattr(b, part), f".{part}") for part in parts)
        return self._objects(a, b)

    # -- containers and objects -----------------------------------------------------------------------------

    def _mappings(self, a: Any, b: Any) -> Iterator[_Pair]:
        self._require(len(a) == len(b), "length", len(a), len(b))
        if type(a) is defaultdict:
            yield a.default_factory, b.default_factory, ".default_factory"
        if not self._ordered and type(a) is dict and a.keys() == b.keys():
            b = {key: b[key] for key in a}
        for (key, value), (other_key, other) in zip(a.items(), b.items(), strict=True):
            yield key, other_key, f".keys()[{_short(key)}]"
            yield value, other, f"[{_short(key)}]"

    def _sets(self, a: Any, b: Any) -> Iterator[_Pair]:
        self._require(len(a) == len(b), "length", len(a), len(b))
        by_value = {item: item for item in b}
        rest = []
        for item in a:
            if item in by_value:
                yield item, by_value.pop(item), "{" + _short(item) + "}"
            else:
                rest.append(item)
        # Elements that are equal to nothing but themselves: any that is the same in what it holds will do.
        others = list(by_value)
        for item in rest:
            for index, other in enumerate(others):
                if self._same_elsewhere(item, other):
                    yield item, others.pop(index), "{" + _short(item) + "}"
                    break
            else:
                self._fail(f"the element {_short(item)} of a set has no partner")

    def _objects(self, a: Any, b: Any) -> Iterator[_Pair]:
        reduced, other = self._reduce(a), self._reduce(b)
        self._kept += (reduced, other)
        if isinstance(reduced, str):
            self._require(reduced == other and a is b, "object", a, b)
            return
        self._require(len(reduced) == len(other), "form of state", reduced, other)
        for x, y, part in zip(
            reduced, other, ("<function>", "<args>", "", "<items>", "<pairs>"), strict=False
        ):
            if part == "<args>":
                # A tuple made for the occasion: what it holds may be shared, it is not.
                self._require(len(x) == len(y), "arguments", x, y)
                yield from (
                    (p, q, f".<args>[{index}]") for index, (p, q) in enumerate(zip(x, y, strict=True))
                )
            elif part in ("<items>", "<pairs>"):
                yield x if x is None else list(x), y if y is None else list(y), f".{part}"
            elif not part and type(x) is type(y) is dict and all(type(key) is str for key in (*x, *y)):
                yield from self._attributes(x, y)
            else:
                yield x, y, f".{part}" if part else ".<state>"

    def _attributes(self, a: dict[str, Any], b: dict[str, Any]) -> Iterator[_Pair]:
        if list(a) != list(b) and (self._ordered or a.keys() != b.keys()):
            missing, new = sorted(a.keys() - b.keys()), sorted(b.keys() - a.keys())
            self._fail(
                f"attributes: missing {missing}, new {new}" if missing or new else "order of attributes"
            )
        for name, value in a.items():
            yield value, b[name], f".{name}"

    def _reduce(self, obj: Any) -> Any:
        reducer: Callable[[Any], Any] | None = copyreg.dispatch_table.get(type(obj))
        try:
            return reducer(obj) if reducer is not None else obj.__reduce_ex__(4)
        except Exception as error:
            self._fail(f"{_name(type(obj))} has no state to compare: {error}")

    # -- arrays ---------------------------------------------------------------------------------------------

    def _dtypes(self, a: np.dtype[Any], b: np.dtype[Any]) -> None:
        same = (
            a == b
            # Not the very type: of two C types of one size, numpy.longlong and numpy.int64, one name is written.
            and (a.type is np.record) == (b.type is np.record)
            and (a.str, a.itemsize, a.isalignedstruct) == (b.str, b.itemsize, b.isalignedstruct)
            and (a.names, a.metadata) == (b.names, b.metadata)
        )
        if a.kind == "T" and same:
            marks = [getattr(dtype, "na_object", _NO_MARK) for dtype in (a, b)]
            same = a.coerce == b.coerce and type(marks[0]) is type(marks[1])
            same &= marks[0] == marks[1] or (marks[0] != marks[0] and marks[1] != marks[1])
        self._require(same, "dtype", a, b)
        if a.subdtype is not None and b.subdtype is not None:
            self._require(a.shape == b.shape, "dtype", a, b)
            self._dtypes(a.subdtype[0], b.subdtype[0])
        for name in a.names or ():
            assert a.fields is not None
            assert b.fields is not None
            self._require(a.fields[name][1:] == b.fields[name][1:], "dtype", a, b)
            self._dtypes(a.fields[name][0], b.fields[name][0])

    def _array_parts(self, a: Any, b: Any) -> Iterator[_Pair]:
        self._dtypes(a.dtype, b.dtype)
        self._require(a.shape == b.shape, "shape", a.shape, b.shape)
        if type(a) is not np.memmap:
            self._require(
                a.flags.writeable == b.flags.writeable, "writeable", a.flags.writeable, b.flags.writeable
            )
            if type(a) is not np.ndarray:
                yield from self._attributes(getattr(a, "__dict__", {}), getattr(b, "__dict__", {}))
        self._layout(a, b)
        self._memory(a, b)
        yield from self._elements(a, b)

    def _layout(self, a: Any, b: Any) -> None:
        if not a.nbytes:
            return
        flags = [(x.flags.c_contiguous, x.flags.f_contiguous) for x in (a, b)]
        if any(flags[0]):
            self._require(flags[0] == flags[1], "order (C, F)", *flags)
        elif not a.dtype.hasobject and _keeps_strides(a):
            steps = [tuple(s for s, n in zip(x.strides, x.shape, strict=True) if n > 1) for x in (a, b)]
            self._require(steps[0] == steps[1], "strides", *steps)

    def _memory(self, a: Any, b: Any) -> None:
        """Where one array is a view of another that came before it, writing through either changes both."""
        base = a.base
        if (
            type(base) is np.ndarray
            and id(base) in self._arrays
            and not (a.dtype.hasobject or base.dtype.hasobject)
            # Memory seen as elements of another type is not kept: no check could say what they will be.
            and a.dtype == base.dtype
            and (base.flags.c_contiguous or base.flags.f_contiguous)
            and is_apart(a.shape, a.strides, a.itemsize)
            and a.size
        ):
            partner = self._arrays[id(base)]
            self._require(np.may_share_memory(b, partner), "memory shared with the base", True, False)
            starts = [view.ctypes.data - whole.ctypes.data for view, whole in ((a, base), (b, partner))]
            self._require(starts[0] == starts[1], "offset in the base", *starts)
        self._arrays[id(a)] = b

    def _elements(self, a: Any, b: Any) -> Iterator[_Pair]:
        dtype = a.dtype
        if dtype.names is not None:
            for name in dtype.names:
                plain = [x.view(np.ndarray)[name] for x in (a, b)]
                for x, y, part in self._elements(*plain):
                    yield x, y, f"[{name!r}]{part}"
        elif dtype.kind in "OT":
            # Neither lists nor tuples among the elements are to be taken apart.
            flat = [x.view(np.ndarray).ravel() for x in (a, b)]
            yield from ((x, y, f".flat[{i}]") for i, (x, y) in enumerate(zip(*map(list, flat), strict=True)))
        else:
            self._require(_bits(a) == _bits(b), "elements", a, b)

    def _masked_arrays(self, a: Any, b: Any) -> Iterator[_Pair]:
        # Made anew at each access, so that nothing but what they hold counts.
        data = [x.view(np.ndarray) for x in (a, b)]
        self._kept += data
        self._dtypes(a.dtype, b.dtype)
        self._require(a.shape == b.shape, "shape", a.shape, b.shape)
        self._require(a.hardmask == b.hardmask, "hardmask", a.hardmask, b.hardmask)
        self._layout(*data)
        yield from self._elements(*data)
        yield a._mask, b._mask, ".mask"
        yield a._fill_value, b._fill_value, ".fill_value"

    # -- other libraries ------------------------------------------------------------------------------------

    def _sparse(self, a: Any, b: Any) -> Iterator[_Pair]:
        self._require(a.shape == b.shape, "shape", a.shape, b.shape)
        self._require(a.dtype == b.dtype, "dtype", a.dtype, b.dtype)
        if a.format == "dok":
            yield dict(a.items()), dict(b.items()), ".items()"
            return
        for part in _SPARSE_PARTS[a.format]:
            parts = [getattr(x, part, None) for x in (a, b)]
            if part == "coords":
                parts = [x.coords if hasattr(x, "coords") else (x.row, x.col) for x in (a, b)]
            self._kept += parts
            yield *parts, f".{part}"

    def _pandas(self, a: Any, b: Any) -> Iterator[_Pair]:
        pandas = sys.modules["pandas"]
        testing = pandas.testing
        try:
            if isinstance(a, pandas.DataFrame):
                testing.assert_frame_equal(a, b, check_exact=True)
            elif isinstance(a, pandas.Series):
                testing.assert_series_equal(a, b, check_exact=True)
            elif isinstance(a, pandas.Index):
                testing.assert_index_equal(a, b, exact=True)
            elif isinstance(a, pandas.api.extensions.ExtensionArray):
                testing.assert_extension_array_equal(a, b, check_exact=True)
            else:
                self._require(a is b or bool(a == b), "value", a, b)
        except AssertionError as error:
            self._fail(str(error))
        if attrs := getattr(a, "attrs", None):
            yield attrs, b.attrs, ".attrs"

    # -- failures -------------------------------------------------------------------------------------------

    def _require(self, same: bool, what: str, a: Any, b: Any) -> None:
        if not same:
            self._fail(f"{what}: {_short(a)} != {_short(b)}")

    def _fail(self, message: str) -> Any:
        if message.startswith("$"):
            raise AssertionError(message)
        parts = []
        path = self._path
        while path is not None:
            path, part = path
            parts.append(part)
        raise AssertionError(f"${''.join(reversed(parts))}: {message}")


_NO_MARK = object()


def _stored_type(obj: Any) -> type:
    """The type that a document keeps: a memory-mapped array is stored as an array."""
    return np.ndarray if type(obj) is np.memmap else type(obj)


@functools.cache
def _is_value(cls: type) -> bool:
    return issubclass(cls, _VALUES)


def _has_attributes(obj: Any) -> bool:
    """Whether a value has attributes beside it, as objects of subclasses of int or str may."""
    if isinstance(obj, (*_BY_NAME, np.generic, PurePath)) or type(obj).__module__ in ("builtins", "datetime"):
        return False
    return bool(getattr(obj, "__dict__", None))


def _keeps_strides(array: Any) -> bool:
    if not array.size or not array.itemsize:
        return False
    extent = extent_of(array.shape, array.strides, array.itemsize)
    return extent.nbytes <= _SPREAD * array.nbytes and is_apart(array.shape, array.strides, array.itemsize)


def _bits(array: Any) -> bytes:
    """The bytes of the elements, without those that 80-bit floats leave unused."""
    if array.dtype.type in (np.longdouble, np.clongdouble) and np.finfo(np.longdouble).nmant == 63:
        part = np.dtype(np.longdouble).itemsize
        raw = np.frombuffer(np.asarray(array).tobytes(), np.uint8).reshape(-1, part)
        return raw[:, :10].tobytes() if array.dtype.isnative else raw[:, part - 10 :].tobytes()
    return array.tobytes()


def _is_pandas(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "pandas" and "pandas" in sys.modules


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _short(obj: Any) -> str:
    try:
        text = repr(obj)
    except Exception:
        text = f"<{_name(type(obj))}>"
    return text if len(text) <= 200 else f"{text[:197]}..."
