"""
What pickle itself, which knows nothing of joblib, takes the pickle of an object array for.

joblib reads the elements of an object array by an unpickler of its own, whose memo is empty. To pickle their opcodes
just go on, with the memo of the file: what ``MEMOIZE`` has put at place 0 for the one, is at another for the other, and
what either gets from there may differ. Files that joblib writes differ as well, so that it is no reason to refuse them:
pickle fails over the first name that it is then to import. What it could import there is.
"""

from __future__ import annotations

import sys
from typing import Any

from reflectio.pickles.graph import UNSET, Graph

_TEXTS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_PUTS = frozenset({"MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"})

# The first name that numpy takes from the memo in the pickle of an array is the module of this one.
_FIRST_NAME = "dtype"


class PlainReading:
    """
    The memo that pickle itself has in the pickle of an object array, up to where it fails.

    Parameters
    ----------
    memo : dict
        The memo of the pickle around it.
    graph : Graph
        Is told what pickle could import or build there that joblib does not.

    Attributes
    ----------
    ended : bool
        Whether pickle fails before it reads on, or the graph was told.
    differs : bool
        Whether the last that was taken from the memo is something else to pickle itself.
    """

    def __init__(self, memo: dict[int, Any], graph: Graph) -> None:
        self._around = memo
        self._within: dict[int, Any] = {}
        self._size = len(memo)
        self._graph = graph
        self._other: Any = UNSET
        self._name: str | None = None
        self.ended = False

    @property
    def differs(self) -> bool:
        return self._other is not UNSET

    def memoize(self, value: Any) -> None:
        """Put a value at the next place."""
        self.put(self._size, value)

    def put(self, place: int, value: Any) -> None:
        """Put a value at a place of the memo."""
        if place not in self._within and place not in self._around:
            self._size += 1
        self._within[place] = value

    def get(self, place: int, value: Any) -> None:
        """Compare what is at a place of the memo to what joblib finds there."""
        other = self._within.get(place, self._around.get(place, UNSET))
        if other is UNSET:
            self.ended = True
        elif other is not value and not (type(other) is type(value) is str and other == value):
            self._other = other

    def follow(self, opcode: str, arg: Any, offset: int) -> None:
        """Follow an opcode behind one that gave something else to pickle itself."""
        if opcode in _TEXTS and self._name is None:
            self._name = arg
        elif opcode not in _PUTS or self._name is None:
            self.ended = True
            if opcode != "STACK_GLOBAL" or self._name is None:
                self._graph.problem(
                    "the pickle of an array of objects is another one to pickle itself than it is to joblib",
                    offset,
                )
            # A name of which the module is no text is what pickle refuses.
            elif type(self._other) is str:
                self._judge(self._other, self._name, offset)

    def _judge(self, module: str, name: str, offset: int) -> None:
        if name == _FIRST_NAME and module.isidentifier() and module not in sys.stdlib_module_names:
            self._graph.notice(
                f"to pickle itself an array of objects begins by importing {module:.60}, a text that happens to be in its "
                "memo there. Load the file with joblib, or convert it",
                offset,
            )
        else:
            self._graph.problem(
                f"to pickle itself an array of objects would import {module:.60}.{name:.60}, though not to joblib",
                offset,
            )
