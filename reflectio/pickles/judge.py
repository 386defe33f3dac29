"""Judging what a pickle would import and call by a policy, without importing or calling any of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from reflectio.collector import without_collector
from reflectio.errors import DocumentError, PathPart
from reflectio.name_uses import Place, path_of
from reflectio.pickles import joblib_arrays
from reflectio.pickles import reviewed as known
from reflectio.pickles.graph import UNSET, Call, Described, Global, Graph, Mapping, SetOf
from reflectio.pickles.homes import allowed_name, likely_name
from reflectio.policy import Kind, Policy

#: What a file does with a name: the lists of a policy, and the functions of known effect.
UseKind = Literal["class", "constructor", "callable", "reconstruction"]

_ARRAY_CLASSES = frozenset({"numpy.ndarray", "numpy.memmap", "numpy.core.memmap.memmap"})
_MASKED_ARRAYS = frozenset({"numpy.ma.core.MaskedArray", "numpy.ma.MaskedArray"})
_RECORD = "numpy.record"

# The text of Python functions that scipy runs when pickle restores a distribution: how it writes them itself.
_PARSERS = re.compile(
    r"\s*def _parse_args\(self,(?P<shapes>[\w, ]*?) +loc=0(, scale=1)?\):\n"
    r"    return \([\w, ]*\), loc, (scale|1)\n\n"
    r"def _parse_args_rvs\(self,[\w, ]*? +loc=0(, scale=1)?, size=None\):\n"
    r"    return self\._argcheck_rvs\([\w, ]*, size=size\)\n\n"
    r"def _parse_args_stats\(self,[\w, ]*? +loc=0(, scale=1)?, moments='mv'\):\n"
    r"    return \([\w, ]*\), loc, (scale|1), moments\s*",
    re.ASCII,
)
_PLAIN = frozenset({type(None), bool, int, float, str})
_PARSERS_KEY = "_parse_arg_template"


class Use(NamedTuple):
    """
    One use of a name.

    Attributes
    ----------
    kind : {"class", "constructor", "callable", "reconstruction"}
        What is done with it.
    name : str
        The name under which the policy allows it, or would.
    spelled : str
        As the file spells it.
    path : str
        Where it is in the object that the file gives; empty where it is no part of it.
    offset : int
        Where it is in the file.
    allowed : bool
        Whether the policy allows it.
    """

    kind: UseKind
    name: str
    spelled: str
    path: str
    offset: int
    allowed: bool


class _Judge:
    """One look at one graph, by one policy."""

    def __init__(self, graph: Graph, policy: Policy) -> None:
        self._graph = graph
        self._policy = policy
        self._seen: set[int] = set()
        self._globals: set[int] = set()
        # Under which name a policy has what is named, or would, and whether it does.
        self._judged: dict[tuple[Kind, str, str], tuple[str, bool]] = {}
        self._stack: list[tuple[Any, Place, bool]] = []

    def uses(self) -> Iterator[Use]:
        graph = self._graph
        yield from self._walk(graph.root, "$.model")
        # What was made and dropped was imported and called all the same.
        for call in graph.calls:
            if id(call) not in self._seen:
                yield from self._walk(call, "")
        for named in graph.reviewed:
            if id(named) not in self._globals:
                self._globals.add(id(named))
                yield Use("reconstruction", named.text, named.text, "", named.offset, True)
        for named in graph.globals:
            if id(named) not in self._globals:
                yield self._use("callable", named, (None, None, ""))

    def _walk(self, root: Any, text: str) -> Iterator[Use]:
        self._push(root, (None, None, text), False)
        while self._stack:
            value, place, inside = self._stack.pop()
            if type(value) is Global:
                yield self._held(value, place)
                continue
            if id(value) in self._seen:
                continue
            self._seen.add(id(value))
            if type(value) is Call:
                yield from self._call(value, place, inside)
                continue
            # Most of what files hold are plain values, and empty containers.
            parts = [
                (part, child)
                for part, child in _parts(value)
                if type(child) in _LOOKED_AT and (child or type(child) not in (list, tuple))
            ]
            for part, child in reversed(parts):
                self._stack.append((child, (place, part, place[2]), inside))

    def _push(self, value: Any, place: Place, inside: bool) -> None:
        if type(value) in _LOOKED_AT:
            self._stack.append((value, place, inside))

    def _push_parts(self, call: Call, place: Place, inside: bool, consumed: frozenset[int]) -> None:
        parts: list[tuple[PathPart | None, Any]] = [
            (None, arg) for index, arg in enumerate(call.args) if index not in consumed
        ]
        parts += [(None, call.kwargs), (None, call.state), (None, call.payload)]
        parts += enumerate(call.items)
        parts += [(key if type(key) in (str, int) else None, value) for key, value in call.pairs]
        parts += [(None, key) for key, _ in call.pairs]
        for part, child in reversed(parts):
            self._push(child, (place, part, place[2]), inside)

    # -- one use --------------------------------------------------------------------------------------------

    def _use(self, kind: Kind, named: Global, place: Place) -> Use:
        self._globals.add(id(named))
        key = kind, named.module, named.name
        if key not in self._judged:
            name = allowed_name(kind, named, self._policy)
            self._judged[key] = name or likely_name(named), name is not None
        likely, allowed = self._judged[key]
        return Use(kind, likely, named.text, _text_of(place), named.offset, allowed)

    def _reviewed(self, named: Global, place: Place) -> Use:
        self._globals.add(id(named))
        return Use("reconstruction", named.text, named.text, _text_of(place), named.offset, True)

    def _held(self, named: Global, place: Place) -> Use:
        if named.text in known.HELD or named.text in known.LIBRARIES or named.text in known.CONSTANTS:
            return self._reviewed(named, place)
        return self._use("callable", named, place)

    def _refuse(self, message: str, call: Call) -> None:
        self._graph.problem(message, call.offset)

    # -- calls ----------------------------------------------------------------------------------------------

    def _call(self, call: Call, place: Place, inside: bool) -> Iterator[Use]:
        func, text = call.func, call.func.text
        consumed: frozenset[int] = frozenset()
        self._graph.spend_on(call)
        if known.is_reviewed(text):
            if text in known.SEED_SEQUENCE and (call.manner != "new" or call.args):
                self._refuse("a SeedSequence made in a way that numpy does not write", call)
            yield self._reviewed(func, place)
            if text in known.WRAPPER:
                yield from self._wrapper(call, place)
                return
            consumed = yield from self._reviewed_call(call, place, inside)
        elif known.distribution_of(text) is not None and call.manner == "new":
            inside = True
            yield self._distribution(call, place)
        elif (text in known.FROZEN and call.manner == "new" and not call.args) or (
            inside and text in known.VECTORIZE and call.manner == "new" and not call.args
        ):
            yield self._reviewed(func, place)
        elif call.manner == "new" and not call.args and call.kwargs is None:
            self._graph.paths[id(call)] = _text_of(place)
            yield self._use("class", func, place)
        else:
            yield self._use("constructor", func, place)
        self._push_parts(call, place, inside, consumed)

    def _reviewed_call(self, call: Call, place: Place, inside: bool) -> Any:
        """Judge the arguments that stand for names; give the places of those that are judged."""
        text, args = call.func.text, call.args
        if text in known.GETATTR:
            yield from self._getattr(call, place, inside)
            return frozenset({0} if args and type(args[0]) is Global else ())
        if text in known.ENCODE:
            if len(args) != 2 or args[1] != "latin1" or type(args[0]) is not str:
                self._refuse(
                    "_codecs.encode with another codec than latin1, or of something else than text", call
                )
        elif text in known.OPERATORS:
            yield from self._operator(call, place)
        elif text in known.PARTIAL:
            state = call.state
            if len(args) != 1 or type(state) is not tuple or len(state) != 4 or call.manner != "call":
                self._refuse("a partial made in a way that Python does not write", call)
        elif text in known.UFUNC:
            if len(args) == 2 and all(type(arg) is str and len(arg) <= _LONGEST_NAME for arg in args):
                yield self._use("callable", Global(args[0], args[1], call.offset), place)
            else:
                self._refuse("a ufunc by no name", call)
        elif text in known.RECONSTRUCT | known.MASKED and args and type(args[0]) is Global:
            yield from self._array_class(args[0], place)
            plain = (
                {1} if len(args) > 1 and type(args[1]) is Global and args[1].text in _ARRAY_CLASSES else set()
            )
            if plain:
                yield self._reviewed(args[1], place)
            return frozenset({0, *plain})
        elif text in known.BIT_GENERATOR | known.RANDOM_STATE | known.GENERATOR:
            if not _makes_random_numbers(call):
                self._refuse(f"{text} with arguments that numpy does not write, which it may call", call)
            names = {
                index: arg
                for index, arg in enumerate(args)
                if type(arg) is Global
                and (arg.text in known.BIT_GENERATORS or arg.text in known.BIT_GENERATOR)
            }
            for named in names.values():
                yield self._reviewed(named, place)
            return frozenset(names)
        elif text in known.DTYPE and args and type(args[0]) is Global and args[0].text == _RECORD:
            yield self._use("class", args[0], place)
            return frozenset({0})
        return frozenset()

    def _array_class(self, named: Global, place: Place) -> Iterator[Use]:
        if named.text in _ARRAY_CLASSES | _MASKED_ARRAYS:
            yield self._reviewed(named, place)
        else:
            yield self._use("class", named, place)

    def _getattr(self, call: Call, place: Place, inside: bool) -> Iterator[Use]:
        if len(call.args) != 2 or not _is_method(call.args[1]):
            self._refuse("getattr with something else than an object and the name of a method", call)
            return
        owner, name = call.args
        if type(owner) is Call and type(owner.func) is Global and not known.is_reviewed(owner.func.text):
            if known.distribution_of(owner.func.text) and name in known.DISTRIBUTION_METHODS and inside:
                return
            owner = owner.func
        if type(owner) is not Global:
            self._refuse("getattr of a value whose class is not known: what it gives cannot be judged", call)
            return
        self._globals.add(id(owner))
        yield self._use("callable", Global(owner.module, f"{owner.name}.{name}", call.offset), place)

    def _operator(self, call: Call, place: Place) -> Iterator[Use]:
        name, args = call.func.name, call.args
        if name == "itemgetter":
            yield self._use("callable", Global("operator", name, call.offset), place)
            return
        attributes = args if name == "attrgetter" else args[:1]
        if not attributes or not all(type(each) is str and len(each) <= _LONGEST_NAME for each in attributes):
            self._refuse(f"operator.{name} without a name", call)
            return
        for attribute in attributes:
            yield self._use("callable", Global("operator", f"{name}.{attribute}", call.offset), place)

    def _distribution(self, call: Call, place: Place) -> Use:
        state = dict(_text_pairs(call.state))
        name, parsers = state.get("name"), state.get(_PARSERS_KEY)
        self._globals.add(id(call.func))
        # One of numpy's texts is equal to another, and is the same key to Python.
        if type(call.state) is not Mapping or len(state) != len(call.state.pairs):
            self._refuse("a distribution with a state whose keys are not each a text of its own", call)
        if parsers is not None and (type(parsers) is not str or not _PARSERS.fullmatch(parsers)):
            self._refuse(
                "a distribution with program text that scipy does not write, and that pickle would have it run",
                call,
            )
        if type(name) is not str or not _is_method(name):
            self._refuse("a distribution without a name", call)
            name = call.func.name
        use = self._use("callable", Global("scipy.stats", name, call.offset), place)
        return use._replace(spelled=call.func.text)

    def _wrapper(self, call: Call, place: Place) -> Iterator[Use]:
        try:
            subclass = joblib_arrays.subclass_of(call)
            members = joblib_arrays.members_of(call)
        except DocumentError as error:
            self._refuse(error.message, call)
            self._push_parts(call, place, False, frozenset())
            return
        if call.payload is UNSET:
            self._refuse("the description of a joblib array without the array", call)
        if subclass is not None:
            yield from self._array_class(subclass, place)
        for name, value in members.items():
            if name != "subclass" or subclass is None:
                self._push(value, place, False)
        self._push(call.payload, place, False)


def _text_of(place: Place) -> str:
    return path_of(place) if place[2] else ""


# No method, and no path of attributes, has a longer name; a long one would be written again wherever it is used.
_LONGEST_NAME = 200


def _is_method(name: Any) -> bool:
    return type(name) is str and len(name) <= _LONGEST_NAME and name.isidentifier()


def _makes_random_numbers(call: Call) -> bool:
    """Whether one of numpy's functions for that is called in one of the ways that its versions write."""
    if call.manner != "call" or call.kwargs is not None:
        return False
    source, *maker = call.args or ("MT19937",)
    if call.func.text in known.BIT_GENERATOR:
        return not maker and _is_bit_generator(source)
    is_made = type(source) is Call and source.func.text in known.BIT_GENERATOR
    return (is_made or _is_bit_generator(source)) and (
        not maker or (len(maker) == 1 and type(maker[0]) is Global and maker[0].text in known.BIT_GENERATOR)
    )


def _is_bit_generator(value: Any) -> bool:
    if type(value) is Global:
        return value.text in known.BIT_GENERATORS
    return type(value) is str and value in known.BIT_GENERATORS.values()


def _text_pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if type(value) is Mapping:
        for key, item in value.pairs:
            if type(key) is str:
                yield key, item


_LOOKED_AT = frozenset({Global, list, tuple, Mapping, SetOf, Call, Described})


def _parts(value: Any) -> Iterator[tuple[PathPart | None, Any]]:
    """What a container holds, each with its part of a path."""
    if type(value) is Mapping:
        for key, item in value.pairs:
            yield None, key
            yield (key if type(key) in (str, int) else None), item
    elif type(value) is SetOf:
        yield from enumerate(value.items)
    elif type(value) is Described:
        yield from value.members.items()
    else:
        yield from enumerate(value)


@without_collector
def uses_of(graph: Graph, policy: Policy) -> list[Use]:
    """
    Every name that a file would import or call, and whether a policy allows it.

    Parameters
    ----------
    graph : Graph
        What the file would do. Problems that only show now are added to it.
    policy : Policy
        The policy.
    """
    _find_versions(graph)
    return list(_Judge(graph, policy).uses())


def objects_of(graph: Graph) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    The objects of classes that a judged graph has, as nodes of their plain attributes.

    Yields
    ------
    path : str
        Where the object is.
    node : dict
        Its node: of attributes that are objects themselves, there is no more than that they are.
    """
    for call in graph.calls:
        if id(call) in graph.paths:
            graph.spend_on(call)
            attributes = {
                key: item if type(item) in _PLAIN else {"$": "object"}
                for key, item in _text_pairs(call.state)
                if not key.startswith("$")
            }
            yield graph.paths[id(call)], {"$": likely_name(call.func), **attributes}


def _find_versions(graph: Graph) -> None:
    for call in graph.calls:
        if not call.func.module.startswith("sklearn."):
            continue
        graph.spend_on(call)
        for key, value in _text_pairs(call.state):
            if key == "_sklearn_version" and type(value) is str:
                graph.versions.setdefault("scikit-learn", value)
