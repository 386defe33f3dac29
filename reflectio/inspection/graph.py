"""The nodes of a document as a graph: which node a reference means, which are shared, and what space each takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from reflectio.codec import Node
from reflectio.errors import DocumentError

_NESTED = frozenset({dict, list})

# A chain of references to references is as long as its writer likes.
_LONGEST_CHAIN = 100


def tag_of(node: Node) -> str | None:
    """A node's tag; None where it has none, ``"?"`` where it is no text."""
    if type(node) is not dict or "$" not in node:
        return None
    tag = node["$"]
    return tag if type(tag) is str else "?"


def class_of(node: Node) -> str:
    """The name of the class that a node is an object of; empty where it is something else."""
    tag = tag_of(node)
    return tag if tag is not None and "." in tag else ""


class Graph:
    """
    The nodes of a document.

    Parameters
    ----------
    model : node
        The root.
    objects : list of node
        What lies too deep to be nested in it.
    stored_bytes : callable
        How many bytes of the segment belong to an array's node.
    alike : dict of int to frozenset of str, optional
        By the id of a node: which of its members take no space, for the document has them once for several nodes.
    """

    def __init__(
        self,
        model: Node,
        objects: list[Node],
        stored_bytes: Callable[[dict[str, Any], Graph], int],
        alike: dict[int, frozenset[str]] | None = None,
    ) -> None:
        self.model = model
        self.objects = objects
        self._stored_bytes = stored_bytes
        self._alike = alike or {}
        self._targets: dict[int, Node] = {}
        self._uses: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        # The lists and objects that contain neither an array nor an object of a class, and how many do.
        self._values: set[int] = set()
        self._holders = 0
        # Those that contain no reference either, nor anything that is referred to.
        self._plain: set[int] = set()
        self._links = 0
        # No deeper than JSON nests.
        for root in (model, *objects):
            self._index(root)
        for root in (model, *objects):
            self._measure(root)
        self._moved = {id(node) for node in objects}

    def _index(self, node: Node) -> None:
        """Note the ids and references in a node."""
        if type(node) is dict:
            if "$" in node:
                number = node.get("$id")
                if type(number) is int:
                    self._targets.setdefault(number, node)
                if node["$"] == "ref" and type(number := node.get("id")) is int:
                    self._uses[number] = self._uses.get(number, 0) + 1
            node = node.values()
        elif type(node) is not list or _NESTED.isdisjoint(map(type, node)):
            return
        for part in node:
            if type(part) in _NESTED:
                self._index(part)

    def _measure(self, node: Node) -> int:
        """The bytes that a node takes in the document, the segment included."""
        kind = type(node)
        holders, links = self._holders, self._links
        if kind is str:
            return len(node) + 3
        if kind is list:
            if _NESTED.isdisjoint(map(type, node)):
                self._values.add(id(node))
                self._plain.add(id(node))
                return len(orjson.dumps(node)) + 1
            total = 2 + sum(map(self._measure, node))
        elif kind is dict:
            alike = self.alike(node)
            if not alike:
                total = 2 + sum(len(key) + 3 + self._measure(value) for key, value in node.items())
            else:
                # Written as rows, which name each member once.
                total = sum(self._measure(value) for key, value in node.items() if key not in alike)
            tag = node.get("$")
            if tag == "ndarray" and "at" in node:
                total += self._stored_bytes(node, self)
            self._links += tag == "ref" or (tag is not None and "$id" in node)
            self._holders += tag == "ndarray" or (type(tag) is str and "." in tag)
        else:
            return len(str(node)) + 1
        self._sizes[id(node)] = total
        if self._holders == holders:
            self._values.add(id(node))
            if self._links == links:
                self._plain.add(id(node))
        return total

    def alike(self, node: Node) -> frozenset[str] | None:
        """Which members of a node the document has once for several nodes; None where that is not so."""
        return self._alike.get(id(node))

    def is_value(self, node: Node) -> bool:
        """Whether a node contains neither an array nor an object of a class."""
        return (type(node) is not list and type(node) is not dict) or id(node) in self._values

    def is_plain(self, node: Node) -> bool:
        """Whether a list or object contains plain values only: no array, no object of a class, no reference."""
        return id(node) in self._plain

    def size(self, node: Node) -> int:
        """The bytes that a node and all in it take in the document."""
        found = self._sizes.get(id(node))
        return self._measure(node) if found is None else found

    def target(self, node: Node) -> Node:
        """
        What a reference refers to; another node as it is.

        Raises
        ------
        DocumentError
            It refers to nothing.
        """
        for _ in range(_LONGEST_CHAIN):
            if type(node) is not dict or node.get("$") != "ref":
                return node
            number = node.get("id")
            if type(number) is not int or number not in self._targets:
                raise DocumentError("a reference to an object that the document does not have")
            node = self._targets[number]
        raise DocumentError("references that refer to each other and to no object")

    def is_shared(self, node: Node) -> bool:
        """Whether several places of the model are this very object."""
        number = node.get("$id") if type(node) is dict and "$" in node else None
        if type(number) is not int or self._targets.get(number) is not node:
            return False
        places = self._uses.get(number, 0) + (id(node) not in self._moved)
        return places > 1

    def is_moved(self, node: Node) -> bool:
        """Whether a node is one of the ``objects``, so that references alone say where it belongs."""
        return id(node) in self._moved
