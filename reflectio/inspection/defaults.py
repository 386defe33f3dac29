"""The default parameters of scikit-learn's classes, from a table: finding them out would import what a document names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from attrs import frozen

from reflectio.codec import Node

#: The table, which `tests/default_parameters.py` writes.
FILE = Path(__file__).with_name("defaults.json")

#: The defaults of one class by parameter, each as the node that a document would have for it.
Nodes = dict[str, Node]

#: What stands in place of the default of a parameter that has none.
REQUIRED: Node = {"$": "required"}

_RELEASE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})*", re.ASCII)


def release(version: Any) -> tuple[int, ...]:
    """The numbers of a version, to compare it with another; without any, it is later than all."""
    match = _RELEASE.match(version) if type(version) is str else None
    return (1 << 31,) if match is None else tuple(map(int, match[0].split(".")))[:2]


@frozen
class Defaults:
    """
    The table.

    Attributes
    ----------
    versions : list of str
        The versions of scikit-learn that it was made from.
    classes : dict
        By class and parameter, the default in the newest of them that has the parameter.
    earlier : dict
        By version, where that version and those before it had another one.
    """

    versions: list[str]
    classes: dict[str, Nodes]
    earlier: dict[str, dict[str, Nodes]]

    @classmethod
    def read(cls) -> Defaults:
        """Read the table that is installed with the library."""
        if not FILE.exists():
            return cls([], {}, {})
        members = orjson.loads(FILE.read_bytes())
        return cls(members["versions"], members["classes"], members["earlier"])

    def of(self, name: str, version: Any) -> Nodes | None:
        """
        The defaults of a class.

        Parameters
        ----------
        name : str
            Its public name.
        version : str or any other value
            The version of scikit-learn; the newest where it is none.

        Returns
        -------
        dict or None
            By parameter, `REQUIRED` standing for none; None where the table does not have the class.
        """
        nodes = self.classes.get(name)
        if nodes is None:
            return None
        number = release(version)
        for known in sorted(self.earlier, key=release, reverse=True):
            if release(known) >= number:
                nodes = {**nodes, **self.earlier[known].get(name, {})}
        return nodes

    def complete(self, version: str) -> Mapping[str, Nodes]:
        """The defaults of every class in a version."""
        return {name: self.of(name, version) or {} for name in self.classes}


@cache
def defaults() -> Defaults:
    """The table, read once."""
    return Defaults.read()
