"""
What a document comes to when every reference is followed: a few of them can stand for more than there is time for.

Thirty lists, each holding the next one twice, are a document of a kilobyte. What follows references without noting
where it has been, such as `repr`, `sklearn.base.clone` or `predict` of estimators within estimators, visits the last
of them a billion times.
"""

from __future__ import annotations

from collections.abc import Iterator

from reflectio.codec import Node, ObjectNode
from reflectio.errors import LimitError

#: With fewer references than this to what can hold others, nothing can come up very often.
FEW = 8

#: In how many ways a value may be reached: so many in any document, and so many times the number of references, for
#: chains whose links are also referred to from elsewhere, as the leaves of `sklearn.cluster.Birch` are.
WAYS = 1 << 12
_WAYS_PER_REFERENCE = 4

_SEQUENCES = frozenset({"list", "tuple", "deque"})

_NESTED = (dict, list)

_Key = int | None


class _Graph:
    """The values of a document that are referred to, and the root, under None; which of them hold which others."""

    def __init__(self, roots: list[Node]) -> None:
        self.held: dict[_Key, list[int]] = {}
        self.size: dict[_Key, int] = {}
        self.containers: set[int] = set()
        # Lists and the like, with those among them that each holds directly, as often as it does.
        self.sequences: dict[int, list[int]] = {}
        # What is still to be read, by the id under which the others know it.
        self._waiting: list[tuple[_Key, Node]] = [
            (None, [roots[0]]),
            *((_id_of(node), node) for node in roots[1:]),
        ]
        while self._waiting:
            key, node = self._waiting.pop()
            if key in self.held:
                continue  # given twice, or no id: the decoder refuses it
            if type(key) is int and ("." not in str(node["$"]) or "$items" in node):
                self.containers.add(key)
            if type(key) is int and _is_sequence(node):
                self.sequences[key] = _held_in_sequence(node)
            self.held[key] = []
            self.size[key] = self._read(node, self.held[key])

    def _read(self, root: Node, held: list[int]) -> int:
        """
        Note what a value holds: the ids of what it, and all below it without an id of its own, refers to or describes.

        Returns
        -------
        int
            How many values that are. Numbers in arrays do not count.
        """
        count, stack = 0, [root]
        while stack:
            node = stack.pop()
            if type(node) is list:
                count += 1
                stack += node
            elif type(node) is not dict:
                count += 1
            else:
                count += _values_of(node)
                number = _id_of(node)
                if number is not None and node is not root:
                    held.append(number)
                    self._waiting.append((number, node))
                    continue
                tag = node.get("$")
                if tag == "ref" and type(node.get("id")) is int:
                    held.append(node["id"])
                if tag != "ndarray" or not _holds_numbers(node):
                    stack += node.values()
                else:
                    stack += [part for name, part in node.items() if name != "data" and type(part) in _NESTED]
        return count

    def in_order(self) -> list[_Key]:
        """What the root leads to, each before what it holds, but for cycles."""
        order: list[_Key] = []
        seen: set[_Key] = {None}
        stack: list[tuple[_Key, Iterator[int]]] = [(None, iter(self.held[None]))]
        while stack:
            key, rest = stack[-1]
            for number in rest:
                if number in self.held and number not in seen:
                    seen.add(number)
                    stack.append((number, iter(self.held[number])))
                    break
            else:
                order.append(key)
                stack.pop()
        order.reverse()
        return order


def _values_of(node: Node) -> int:
    """How many values a node stands for, without what is in it: rows write once what many objects have."""
    if type(node) is not dict or node.get("$") != "rows":
        return 1
    count, columns = node.get("count"), node.get("columns")
    if type(count) is not int or count < 1:
        return 1
    return count * (1 + (len(columns) if type(columns) is dict else 0))


def _holds_numbers(node: ObjectNode) -> bool:
    """Whether what an array has as its data can be nothing but numbers or text: a view's is not even looked at."""
    dtype = node.get("dtype")
    plain = dtype != "object" if type(dtype) is str else type(dtype) is dict and "names" in dtype
    return plain and "base" not in node


def _is_sequence(node: Node) -> bool:
    if type(node) is list:
        return True
    return type(node) is dict and (node.get("$") in _SEQUENCES or "$items" in node)


def _held_in_sequence(root: Node) -> list[int]:
    """The ids of what a list holds, itself or in lists within it that have no id."""
    held: list[int] = []
    stack: list[Node] = [root]
    while stack:
        node = stack.pop()
        items = node if type(node) is list else node.get("$items", node.get("items"))
        for item in items if type(items) is list else (items,):
            if type(item) is dict and item.get("$") == "ref" and type(item.get("id")) is int:
                held.append(item["id"])
            elif (number := _id_of(item)) is not None:
                held.append(number)
            elif _is_sequence(item):
                stack.append(item)
    return held


def _check_cycles(sequences: dict[int, list[int]]) -> None:
    """Refuse lists that lead back to themselves in more than one way: numpy follows each through 64 axes."""
    places = {key: place for place, key in enumerate(sequences)}
    edges = [
        (places[key], places[number])
        for key, held in sequences.items()
        for number in held
        if number in places
    ]
    if not edges:
        return
    # Few documents have such lists, and none should have to wait for scipy.
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    start, end = np.array(edges).T
    count = len(places)
    graph = coo_matrix((np.ones(len(edges)), (start, end)), (count, count))
    groups, group = connected_components(graph, connection="strong")
    within = np.bincount(group[start[group[start] == group[end]]], minlength=groups)
    if (within > np.bincount(group, minlength=groups)).any():
        raise LimitError(
            "the references of the document multiply: a list leads back to itself in more than one way, and what "
            "follows lists within lists would not end"
        )


def _id_of(node: Node) -> int | None:
    number = node.get("$id") if type(node) is dict and "$" in node else None
    return number if type(number) is int else None


def check_expansion(roots: list[Node], limit: int) -> None:
    """
    Refuse a document whose references multiply.

    Cycles are followed once around. Takes time in proportion to the document.

    Parameters
    ----------
    roots : list of node
        The root of the document and its ``objects``.
    limit : int
        How many values a container may come to.

    Raises
    ------
    LimitError
        A value is reached in too many ways, or a container comes to too many values.
    """
    graph = _Graph(roots)
    _check_cycles(graph.sequences)
    order = graph.in_order()
    place = {key: index for index, key in enumerate(order)}
    most = max(WAYS, _WAYS_PER_REFERENCE * sum(map(len, graph.held.values())))
    ways: dict[_Key, int] = dict.fromkeys(order, 0)
    ways[None] = 1
    for key in order:
        if ways[key] > most:
            raise LimitError(
                f"the references of the document multiply: they lead to the object with the id {key} in more than "
                f"{most} ways, and following them all would take too long"
            )
        for number in graph.held[key]:
            if place.get(number, -1) > place[key]:
                ways[number] += ways[key]
    sizes = graph.size
    for key in reversed(order):
        for number in graph.held[key]:
            if number in graph.containers and place.get(number, -1) > place[key]:
                sizes[key] += sizes[number]
        if sizes[key] > limit:
            raise LimitError(
                "the references of the document multiply: a container comes to more values than the policy's limit "
                f"nodes, {limit}, once every reference in it is followed"
            )
