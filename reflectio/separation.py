"""Private copies of what checks rely on, where a document lets other objects reach it as well."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from reflectio import compiled
from reflectio.checks import checks_of, relied_on_by
from reflectio.errors import ValidationError

Array = np.ndarray[Any, Any]

_checking = compiled.part("checking")

# How deep what is relied on may nest in a document that shares anything.
_DEEPEST = 64

# How often something is referred to that other things reach in other ways, too.
_ALWAYS = 1 << 62

# Copies, by the id of what they are of, and whether only the estimators within count.
_Copies = dict[tuple[int, bool], Any]

# Values that have nothing inside which could change.
_LISTS = {list}
_PLAIN = frozenset({int, float, str, bool, type(None), np.float64, np.int64})

# What always has something inside which could.
_CONTAINERS = (list, tuple, dict)
_CHANGING = (np.ndarray, *_CONTAINERS)


class _Attributes:
    """What has attributes and nothing else."""


def _is_sparse(value: Any) -> bool:
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "nnz")


def _is_estimator(value: Any) -> bool:
    """Whether a value is an estimator, or one of the objects that estimators are made of."""
    cls: Any = type(value)
    return hasattr(value, "__dict__") and _is_part_of_estimators(cls)


@cache
def _is_part_of_estimators(cls: Any) -> bool:
    if cls is type or issubclass(cls, _CHANGING):
        return False
    # A KDTree has attributes, too, but what it is lies in memory of its own, which nothing else can write to.
    if cls.__basicsize__ > _Attributes.__basicsize__:
        return False
    return cls.__module__.startswith("sklearn.") or bool(checks_of(cls))


class Glance:
    """
    Sees at once of most objects that they rely on nothing that others may change, without following what they hold.

    Parameters
    ----------
    shared : iterable of pairs
        What the document refers to by id, with how often it does.
    views : list of ndarray
        The arrays that are views of others.
    """

    def __init__(self, shared: Iterable[tuple[Any, int]], views: list[Array]) -> None:
        self._times: dict[int, int] = {}
        # The ids of the estimators among what is shared.
        self._estimators: set[int] = set()
        for value, times in shared:
            self._times[id(value)] = times
            if type(value) is not np.ndarray and _is_estimator(value):
                self._estimators.add(id(value))
        self._times |= dict.fromkeys(map(id, views), _ALWAYS)

    def is_apart(self, obj: Any) -> bool:
        """Whether an object whose class has checks is seen to rely on nothing that others may change."""
        cls: Any = type(obj)
        names = relied_on_by(cls)
        if not (names and self._times):
            return True
        state = getattr(obj, "__dict__", {})
        if self._estimators:
            self._forget_own(state)
            if not self._times:
                return True
        if _checking is not None:
            return bool(_checking.is_apart(state, names, self._times, _PLAIN, self._holds_nothing_shared))
        for name in names:
            value = state.get(name)
            if type(value) is np.ndarray and not value.dtype.hasobject:
                times = self._times.get(id(value))
                if times is not None and not _is_own(value, times, state):
                    return False
            elif type(value) not in _PLAIN and not self._holds_nothing_shared(value):
                return False
        return True

    def _forget_own(self, state: Mapping[str, Any]) -> None:
        """Forget the estimators that one object alone holds, by its attributes and by what only these contain."""
        # Only what the object holds: of all that the document shares, each object would go through everything.
        referring: dict[int, int] = {}
        for value in state.values():
            if type(value) in _PLAIN:
                continue
            is_own = isinstance(value, _CONTAINERS) and id(value) not in self._times
            for key in map(id, _parts_of(value) if is_own else (value,)):
                if key in self._estimators:
                    # One place holds each by describing it, the others by referring to it.
                    referring[key] = referring.get(key, -1) + 1
        for key, count in referring.items():
            if 0 < self._times[key] == count:
                del self._times[key]
                self._estimators.discard(key)

    def _holds_nothing_shared(self, value: Any) -> bool:
        if id(value) in self._times:
            return False
        if not isinstance(value, _CONTAINERS):
            return not self._estimators and _is_estimator(value)
        return _are_free_of(_parts_of(value), self._times, shares_estimators=bool(self._estimators))


def _is_own(value: Any, times: int, state: Mapping[str, Any]) -> bool:
    """Whether all of the references to a value are attributes of the one object that describes it."""
    return 0 < times == sum(value is other for other in state.values()) - 1


def _are_free_of(parts: list[Any], shared: Mapping[int, Any], *, shares_estimators: bool) -> bool:
    """Whether the parts of a container, which the document does not share, are seen at once to hold nothing that it does."""
    kinds = set(map(type, parts))
    if kinds == _LISTS and shared.keys().isdisjoint(map(id, parts)):
        kinds = set(map(type, chain.from_iterable(parts)))
    return _PLAIN.issuperset(kinds) or (
        not shares_estimators and all(map(_is_part_of_estimators, kinds - _PLAIN))
    )


class Separation:
    """
    Gives checked objects copies of what they share.

    A check looks once. What it has looked at may change later, if another object of the document holds it, too, and
    works on it in place: `GaussianNB.partial_fit` adds to an array of counts, which could be the classes of the
    samples in a `KNeighborsClassifier`, and compiled code indexes by these. A check therefore names the attributes
    that it relies on; of arrays, lists, sparse matrices and estimators in these that something else may reach, the
    object gets copies. Where the document shares nothing, nothing is copied.

    Parameters
    ----------
    shared : iterable of pairs
        What the document refers to by id, with how often it does.
    views : list of ndarray
        The arrays that are views of others.
    charge : callable
        Called with the size of each copy, in bytes, before it is made. It may refuse it.
    """

    def __init__(
        self, shared: Iterable[tuple[Any, int]], views: list[Array], charge: Callable[[int], None]
    ) -> None:
        self._charge = charge
        # By id, with the value itself, so that no id is used twice.
        self._shared = {id(value): (value, times) for value, times in shared if _may_change(value)}
        self._shared.update((id(view), (view, _ALWAYS)) for view in views)
        self._shares_estimators = True

    def __bool__(self) -> bool:
        return bool(self._shared)

    def keep_own(self, objects: Iterable[Any]) -> None:
        """Note that what only attributes of one object hold is its own, however many they are."""
        shared = self._shared
        for obj in objects:
            held = [key for key in map(id, getattr(obj, "__dict__", {}).values()) if key in shared]
            for key, count in Counter(held).items() if held else ():
                # One attribute holds it by describing it, the others by referring to it.
                if shared[key][1] == count - 1 > 0:
                    del shared[key]
        self._shares_estimators = any(_is_estimator(value) for value, _ in self._shared.values())

    def separate(self, obj: Any) -> None:
        """
        Give an object copies of what its checks rely on and other objects may reach.

        Parameters
        ----------
        obj : object
            One whose class has checks. Its attributes are replaced.

        Raises
        ------
        ValidationError
            What is to be copied nests too deeply, or is of a class that cannot be copied.
        """
        self._separate(obj, {}, 0, reached=False)

    def _separate(self, obj: Any, copies: _Copies, depth: int, *, reached: bool) -> None:
        cls: Any = type(obj)
        state = getattr(obj, "__dict__", {})
        for name in relied_on_by(cls):
            if name in state:
                try:
                    state[name] = self._own(state[name], copies, depth, reached=reached)
                except ValidationError as error:
                    raise error.within(name) from None

    def _own(
        self, value: Any, copies: _Copies, depth: int, *, reached: bool, only_estimators: bool = False
    ) -> Any:
        """The value, or, where something else reaches it or what holds it, a copy: of one value always the same."""
        if type(value) in _PLAIN or (
            only_estimators and type(value) is np.ndarray and not value.dtype.hasobject
        ):
            return value
        key = (id(value), only_estimators and not _is_estimator(value))
        if key in copies:
            return copies[key]
        if depth > _DEEPEST:
            raise ValidationError("what the document shares nests too deeply to be kept apart")
        reached = reached or id(value) in self._shared
        if isinstance(value, _CONTAINERS) or (isinstance(value, np.ndarray) and value.dtype.hasobject):
            if reached:
                # It is gone through for each object that leads to it, copied or not.
                self._charge(sys.getsizeof(value))
            parts = _parts_of(value)
            copying = reached and not only_estimators
            if not copying and _are_free_of(parts, self._shared, shares_estimators=self._shares_estimators):
                return value
            copies[key] = value  # for what contains itself
            own = [
                self._own(part, copies, depth + 1, reached=reached, only_estimators=only_estimators)
                for part in parts
            ]
            if copying or any(new is not old for new, old in zip(own, parts, strict=True)):
                if not reached:
                    self._charge(sys.getsizeof(value))
                copies[key] = _rebuilt(value, own)
            return copies[key]
        if _is_estimator(value):
            if not (reached or self._shares_estimators):
                return value
            if reached:
                self._charge(sys.getsizeof(vars(value)))
            copies[key] = copy = _copy_of_attributes(value) if reached else value
            if reached:
                self._separate(copy, copies, depth + 1, reached=True)
            # Its own checks see to its arrays; what others rely on is which estimators it holds.
            loose = [item for item in vars(copy).items() if type(item[1]) not in _PLAIN]
            for name, part in loose:
                vars(copy)[name] = self._own(part, copies, depth + 1, reached=reached, only_estimators=True)
            return copy
        if reached and not only_estimators and (isinstance(value, np.ndarray) or _is_sparse(value)):
            self._charge(_size_of_elements(value))
            copies[key] = _copy_of_elements(value)
            return copies[key]
        return value


def _may_change(value: Any) -> bool:
    return isinstance(value, _CHANGING) or _is_sparse(value) or _is_estimator(value)


def _size_of_elements(value: Any) -> int:
    arrays = [value] if isinstance(value, np.ndarray) else vars(value).values()
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


def _copy_of_elements(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        # Not by its own method, which looks for narrower indices.
        matrix = _copy_of_attributes(value)
        for name, part in vars(matrix).items():
            if isinstance(part, np.ndarray):
                vars(matrix)[name] = part.copy()
        return matrix
    copy = value.copy("K")
    copy.flags.writeable = value.flags.writeable
    return copy


def _copy_of_attributes(value: Any) -> Any:
    cls: Any = type(value)
    copy = cls.__new__(cls)
    vars(copy).update(vars(value))
    return copy


def _parts_of(container: Any) -> list[Any]:
    if isinstance(container, dict):
        return list(container.values())
    parts: list[Any] = container.ravel().tolist() if isinstance(container, np.ndarray) else list(container)
    return parts


def _rebuilt(container: Any, parts: list[Any]) -> Any:
    """A container like another, with other parts."""
    kind = type(container)
    if kind is np.ndarray:
        array: Array = np.empty(len(parts), object)
        for index, part in enumerate(parts):
            array[index] = part
        return array.reshape(container.shape)
    if kind is list or kind is tuple:
        return kind(parts)
    if isinstance(container, dict):
        copy = container.copy() if kind is dict else kind()
        copy.update(zip(container, parts, strict=True))
        return copy
    raise ValidationError(f"a {kind.__qualname__} that the document shares cannot be kept apart")
