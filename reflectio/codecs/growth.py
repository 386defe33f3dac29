"""
What a few nodes may grow to once they refer to each other: work without end, or recursion that overflows the stack.

Python hashes a tuple by recursion and anew at each use, numpy compares, prints and hashes a dtype in the same way, and
some containers are freed by recursion without a limit. References make each of these as deep, or as large, as the
attacker likes: forty tuples, each holding the next one twice, take hours to hash.
"""

from __future__ import annotations

import operator
import re
import types
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from reflectio.decoder import Decoder
from reflectio.errors import LimitError

# How deep tuples may nest within a key, and dtypes within each other; C code follows both by recursion.
_DEPTH = 1000

# How many keys of a set or mapping may have one hash.
_COLLISIONS = 500
_SALTED = frozenset({str, bytes})

# How many values the comparisons of a document's keys may visit that have the same hash, each with each: most differ in the
# first that they are compared in, unless they were made to differ in the last.
_COMPARED = 10_000_000
_COMPOSITE = (tuple, frozenset, slice, re.Pattern)

# Text and bytes are compared many at a time.
_COMPARED_AT_ONCE = 64

# How many fields a dtype may have, those of its fields included.
_FIELDS = 100_000

# How long a chain of containers that are freed by recursion may be: in units of about 100 bytes of stack, of which an
# array takes 16. A stack of 8 MiB overflows at 80,000, and threads have smaller ones.
_CHAIN_WEIGHT = 8000
_ARRAY_WEIGHT = 16

# How many containers may be looked at in all to measure such chains.
_CHAIN_WORK = 1 << 20

#: How deep arrays may hold arrays: numpy computes with them by recursion without a guard, and with large frames.
ARRAY_DEPTH = 32

_Parts = Callable[[Any], Iterable[Any]]


class _Measured:
    """The sizes that were found in one document, each with its object, so that no id is used twice."""

    def __init__(self) -> None:
        self.sizes: dict[int, tuple[Any, int, int]] = {}
        self.hashed = 0
        self.compared = 0

    def measure(self, root: Any, parts: _Parts, own: Callable[[Any], int], limit: int, what: str) -> int:
        """The sizes of an object and its parts, counted as often as they are met; they form no cycle."""
        stack: list[tuple[Any, list[Any] | None]] = [(root, None)]
        sizes = self.sizes
        while stack:
            obj, below = stack.pop()
            if below is None:
                if id(obj) not in sizes:
                    below = list(parts(obj))
                    stack.append((obj, below))
                    stack.extend((part, None) for part in below)
                continue
            size, depth = own(obj), 0
            for part in below:
                _, part_size, part_depth = sizes[id(part)]
                size += part_size
                depth = max(depth, part_depth)
            if depth >= _DEPTH or size > limit:
                raise LimitError(
                    f"{what} nests {depth + 1} deep and comes to {size} parts; that is too much to work with"
                )
            sizes[id(obj)] = (obj, size, depth + 1)
        return sizes[id(root)][1]


# What it takes to hash or to go through something, and what it takes to compare keys, which look at other parts.
_measured: WeakKeyDictionary[Decoder, _Measured] = WeakKeyDictionary()
_compared: WeakKeyDictionary[Decoder, _Measured] = WeakKeyDictionary()


def _of(decoder: Decoder, all_of: WeakKeyDictionary[Decoder, _Measured] = _measured) -> _Measured:
    found = all_of.get(decoder)
    if found is None:
        found = all_of[decoder] = _Measured()
    return found


# -- keys -----------------------------------------------------------------------------------------------------


def _hashed_parts(key: Any) -> Iterable[Any]:
    if isinstance(key, slice):
        key = (key.start, key.stop, key.step)
    return [part for part in key if isinstance(part, tuple | slice)]


def _hashed_values(key: Any) -> int:
    return 1 if isinstance(key, slice) else len(key)


def check_keys(keys: Collection[Any], decoder: Decoder) -> None:
    """
    Refuse keys that take too long to hash, before they are hashed.

    All values that the hashing of a document's keys visits count together against the policy's limit on nodes.
    """
    for key in keys:
        if not isinstance(key, tuple | slice | re.Pattern):
            continue
        limit = decoder.policy.limits.nodes
        measured = _of(decoder)
        if isinstance(key, re.Pattern):
            # Its code is hashed anew each time; a character gives several words of it.
            measured.hashed += 8 * len(key.pattern)
        elif _hashed_parts(key):
            measured.hashed += measured.measure(key, _hashed_parts, _hashed_values, limit, "a key")
        else:
            measured.hashed += _hashed_values(key)
        if measured.hashed > limit:
            raise LimitError(
                f"hashing the keys of the document visits more than {limit} values, the policy's limit nodes"
            )
    _check_collisions(keys, decoder)


def _check_collisions(keys: Collection[Any], decoder: Decoder) -> None:
    kinds = set(map(type, keys))
    is_composite = any(issubclass(kind, _COMPOSITE) for kind in kinds)
    # Text is hashed with a secret; numbers are not, and all multiples of 2**61 - 1 hash to zero. Keys of one hash are
    # compared each with each: a hundred thousand take minutes.
    if not is_composite and (len(keys) <= _COLLISIONS or kinds <= _SALTED):
        return
    hashes = list(map(hash, keys))
    if len(keys) > _COLLISIONS and Counter(hashes).most_common(1)[0][1] > _COLLISIONS:
        raise LimitError(f"more than {_COLLISIONS} keys of a set or mapping have the same hash")
    if is_composite:
        charge_comparisons(keys, hashes, decoder)


def charge_comparisons(keys: Iterable[Any], hashes: Sequence[int], decoder: Decoder) -> None:
    """
    Count what it takes to compare keys that have the same hash, each with each, and refuse too much of it.

    Parameters
    ----------
    keys : iterable
        The keys.
    hashes : sequence of int
        The hash of each, as who will compare them has it.
    decoder : Decoder
        Builds the document, all of whose keys count together.
    """
    often = {value for value, count in Counter(hashes).items() if count > 1}
    if not often:
        return
    groups: dict[int, list[int]] = defaultdict(list)
    measured = _of(decoder, _compared)
    for key, value in zip(keys, hashes, strict=True):
        if value in often:
            size = measured.measure(key, _compared_parts, _compared_values, _COMPARED, "a key")
            groups[value].append(size)
    measured.compared += sum(len(sizes) * sum(sizes) for sizes in groups.values())
    if measured.compared > _COMPARED:
        raise LimitError(f"comparing keys that have the same hash visits more than {_COMPARED} values")


def _compared_parts(key: Any) -> Iterable[Any]:
    if isinstance(key, slice):
        return (key.start, key.stop, key.step)
    return key if isinstance(key, tuple | frozenset) else ()


def _compared_values(key: Any) -> int:
    if isinstance(key, str | bytes):
        return 1 + len(key) // _COMPARED_AT_ONCE
    if isinstance(key, re.Pattern):
        return 1 + len(key.pattern)
    if isinstance(key, int):
        return 1 + key.bit_length() // _COMPARED_AT_ONCE
    if isinstance(key, frozenset):
        # Whether each element is in another set is found by its hash, too.
        return 1 + sum(count * count for count in Counter(map(hash, key)).values())
    return 1


# -- dtypes ---------------------------------------------------------------------------------------------------


def _fields(dtype: np.dtype[Any]) -> Iterable[Any]:
    if dtype.subdtype is not None:
        return (dtype.subdtype[0],)
    fields = dtype.fields
    return () if fields is None or dtype.names is None else [fields[name][0] for name in dtype.names]


def check_dtype(dtype: np.dtype[Any], decoder: Decoder) -> None:
    """Refuse a dtype with too many fields within fields."""
    _of(decoder).measure(dtype, _fields, lambda dtype: 1, _FIELDS, "a dtype")


# -- chains ---------------------------------------------------------------------------------------------------

_HOLDERS = (np.ndarray, deque, defaultdict, slice, types.MethodType, operator.itemgetter)


def _is_holder(part: Any) -> bool:
    return isinstance(part, _HOLDERS) and not (isinstance(part, np.ndarray) and not part.dtype.hasobject)


def _weight(obj: Any) -> int:
    return _ARRAY_WEIGHT if isinstance(obj, np.ndarray) else 1


class _Chains:
    """
    How long chains of containers that are freed by recursion may have become, kept while a document is built.

    It is not enough to look at the end: after any error, what was built so far is freed. Containers that hold one
    another form groups, and the weights of a group are a bound for its longest chain. Where the bound is too high
    the chain is measured, which then is the bound.
    """

    def __init__(self) -> None:
        self._above: dict[int, int] = {}
        self._bounds: dict[int, int] = {}
        # The containers of each group that hold others, with those.
        self._held: dict[int, dict[int, tuple[Any, list[Any]]]] = {}
        self._work = 0

    def _group(self, key: int) -> int:
        path = []
        while (above := self._above.get(key, key)) != key:
            path.append(key)
            key = above
        self._above.update(dict.fromkeys(path, key))
        return key

    def add(self, obj: Any, held: list[Any]) -> None:
        """Note that an object directly holds others."""
        group = self._group(id(obj))
        self._bounds[group] = self._bounds.get(group, 0) + _weight(obj)
        self._held.setdefault(group, {})[id(obj)] = (obj, held)
        for part in held:
            group = self._join(group, self._group(id(part)))
        if self._bounds[group] > _CHAIN_WEIGHT:
            self._work += len(self._held[group])
            if self._work > _CHAIN_WORK:
                raise LimitError("arrays, deques or other containers hold one another in too many ways")
            self._bounds[group] = self._longest(self._held[group])

    def _join(self, first: int, second: int) -> int:
        if first == second:
            return first
        if len(self._held.get(first, ())) < len(self._held.get(second, ())):
            first, second = second, first
        self._above[second] = first
        self._bounds[first] = self._bounds.get(first, 0) + self._bounds.pop(second, 0)
        self._held.setdefault(first, {}).update(self._held.pop(second, {}))
        return first

    @staticmethod
    def _longest(held: dict[int, tuple[Any, list[Any]]]) -> int:
        # Depth first, without recursion; what is met while it is open closes a cycle, which is no chain.
        weights: dict[int, int] = {}
        for obj, _ in held.values():
            stack: list[tuple[Any, bool]] = [(obj, False)]
            while stack:
                obj, complete = stack.pop()
                parts = held[id(obj)][1] if id(obj) in held else []
                if not complete:
                    if id(obj) not in weights:
                        weights[id(obj)] = 0
                        stack.append((obj, True))
                        stack.extend((part, False) for part in parts)
                    continue
                weight = _weight(obj) + max((weights[id(part)] for part in parts), default=0)
                if weight > _CHAIN_WEIGHT:
                    raise LimitError(
                        "arrays, deques or other containers hold one another in so long a chain that freeing them "
                        "would overflow the stack"
                    )
                weights[id(obj)] = weight
        return max(weights.values())


_chains: WeakKeyDictionary[Decoder, _Chains] = WeakKeyDictionary()


def check_chain(obj: Any, parts: Iterable[Any], decoder: Decoder) -> None:
    """Refuse a container that makes a chain of such that are freed by recursion too long."""
    if not any(issubclass(kind, _HOLDERS) for kind in set(map(type, parts))):
        return
    if held := [part for part in parts if _is_holder(part)]:
        chains = _chains.get(decoder)
        if chains is None:
            chains = _chains[decoder] = _Chains()
        chains.add(obj, held)


# -- arrays within arrays -------------------------------------------------------------------------------------

# By id, with the array itself, so that no id is used twice.
_depths: WeakKeyDictionary[Decoder, dict[int, tuple[Any, int]]] = WeakKeyDictionary()


def check_nesting(array: np.ndarray[Any, Any], parts: Iterable[Any], decoder: Decoder) -> None:
    """
    Refuse an array of objects that holds others too deeply, or itself.

    Parameters
    ----------
    array : ndarray
        The array, filled.
    parts : iterable
        Its elements.
    decoder : Decoder
        Builds the document.
    """
    depths = _depths.get(decoder)
    if depths is None:
        depths = _depths[decoder] = {}
    deepest = 0
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype.hasobject:
            # What is not complete by now may come to hold this array.
            _, depth = depths.get(id(part), (None, ARRAY_DEPTH))
            deepest = max(deepest, depth)
    if deepest >= ARRAY_DEPTH:
        raise LimitError(
            f"an array of objects holds itself, or arrays within arrays more than {ARRAY_DEPTH} deep, or one that is "
            "described further on; computing with it could overflow the stack"
        )
    depths[id(array)] = (array, deepest + 1)
