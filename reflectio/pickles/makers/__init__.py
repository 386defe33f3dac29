"""
What stands in for the reviewed functions: a maker for each, which gives what the function would have made.

A maker is given the call that the pickle describes. It looks at the arguments before it uses them, and makes a value of
Python's or numpy's own, or a record of the graph that has a tag in documents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from reflectio.errors import DocumentError, LimitError
from reflectio.pickles import reviewed as known
from reflectio.pickles.graph import Call, Described, Global, Graph, Mapping, Opaque, SetOf
from reflectio.pickles.makers import distributions, numpy_arrays, python_values, random_numbers
from reflectio.policy import Kind

__all__ = ["Maker", "Makers"]

Maker: TypeAlias = "Callable[[Call, Makers], Any]"

_MAKERS: dict[str, Maker] = {
    **numpy_arrays.MAKERS,
    **random_numbers.MAKERS,
    **python_values.MAKERS,
    **distributions.MAKERS,
}

_PLAIN = (type(None), bool, int, float, str, bytes)

# How deep the values may nest that are made real here; nothing that needs it is deep.
_DEPTH = 50


class Makers:
    """
    The makers, and what they have made of one graph.

    Parameters
    ----------
    resolve : callable
        Gives the public name of what a file names, and what it stands for, if the policy allows it.
    graph : Graph
        The graph, which counts what is copied.
    """

    def __init__(self, resolve: Callable[[Kind, Global], tuple[str, Any]], graph: Graph) -> None:
        self.resolve = resolve
        self.graph = graph
        # By the id of the call: the same object each time.
        self._made: dict[int, Any] = {}

    def can_make(self, call: Call) -> bool:
        """Whether there is a maker for what is called, or what the call makes has been kept."""
        text = call.func.text
        return text in _MAKERS or known.distribution_of(text) is not None or id(call) in self._made

    def keep(self, call: Call, made: Any) -> Any:
        """Have `make` give what was made elsewhere."""
        self._made[id(call)] = made
        return made

    def make(self, call: Call) -> Any:
        """What a call makes, once."""
        if id(call) not in self._made:
            maker = _MAKERS.get(call.func.text, distributions.distribution)
            self.graph.spend_on(call)
            try:
                self._made[id(call)] = maker(call, self)
            except LimitError:
                raise
            except (TypeError, ValueError, IndexError, KeyError, OverflowError, ArithmeticError) as error:
                raise DocumentError(f"{call.func.text} is given what it does not take: {error}") from error
        return self._made[id(call)]

    def real(self, value: Any, depth: int = 0) -> Any:
        """A value of Python's or numpy's own; nothing else is one."""
        if depth > _DEPTH:
            raise DocumentError("values nest too deeply")
        self.graph.spend(values=1)
        kind = type(value)
        if kind in _PLAIN or isinstance(value, np.ndarray | np.generic | np.dtype | bytearray):
            return value
        if kind is tuple or kind is list:
            return kind(self.real(item, depth + 1) for item in value)
        if kind is Mapping and all(type(key) is str for key, _ in value.pairs):
            return {key: self.real(item, depth + 1) for key, item in value.pairs}
        if kind is Call and value.func.text in _MAKERS:
            made = self.make(value)
            if type(made) is bytes or type(made) is bytearray:
                # Whoever asks for them copies them.
                self.graph.spend(nbytes=len(made))
            if type(made) not in (Described, Global, Mapping, SetOf, Opaque):
                return made
        raise DocumentError("a value is needed here, and the file has an object of some class")
