"""scikit-learn's decision trees, which compiled code walks by their stored numbers without looking."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from reflectio.codec import Codec, ObjectNode
from reflectio.codecs.arrays import ArrayCodec
from reflectio.codecs.objects import ObjectCodec
from reflectio.decoder import Decoder
from reflectio.errors import ValidationError

Array = np.ndarray[Any, Any]

_LEAF = -1

# Nodes of several trees are examined together up to this many; larger trees are worth a pass of their own.
_BATCH_NODES = 1 << 16


class TreeState(NamedTuple):
    """What compiled code relies on in one tree."""

    tag: str
    n_features: int
    max_depth: int
    nodes: Array


class TreeCodec(ObjectCodec):
    """``sklearn.tree._tree.Tree``: rebuilt by its constructor and state; checked with all trees of the document."""

    def create(self, node: ObjectNode, decoder: Decoder) -> Any:
        args = node.get("$args")
        if type(args) is not list or len(args) != 3:
            raise ValidationError("a tree is made from its n_features, n_classes and n_outputs")
        n_features, _, n_outputs = args
        n_classes = args[1] = decoder.build(args[1])
        if type(n_features) is not int or not 0 <= n_features < 1 << 31:
            raise ValidationError("the n_features of a tree must be a number of features")
        if (
            type(n_outputs) is not int
            or type(n_classes) is not np.ndarray
            or n_classes.shape != (n_outputs,)
            or n_classes.dtype != np.intp
            or not n_outputs
            or n_classes.min() < 1
            or int(n_classes.max()) >= 1 << 31
        ):
            raise ValidationError("a tree must have a number of classes for each of its n_outputs")
        return super().create(node, decoder)

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        tag = node["$"]
        # The tree copies its nodes and values: they need no memory of their own first.
        parts = {name: ArrayCodec.borrow(part, decoder) for name, part in node.items() if name != "$"}
        self._check(obj, parts)
        decoder.check_together(check_trees, TreeState(tag, obj.n_features, parts["max_depth"], parts["nodes"]))
        try:
            obj.__setstate__(parts)
        except (TypeError, ValueError, KeyError) as error:
            raise ValidationError(f"a tree refuses its state: {error}") from error

    @staticmethod
    def _check(tree: Any, parts: dict[str, Any]) -> None:
        if parts.keys() != {"max_depth", "node_count", "nodes", "values"}:
            raise ValidationError("the state of a tree is max_depth, node_count, nodes and values")
        nodes, values, count = parts["nodes"], parts["values"], parts["node_count"]
        if type(parts["max_depth"]) is not int or type(count) is not int:
            raise ValidationError("max_depth and node_count must be integers")
        if type(nodes) is not np.ndarray or nodes.ndim != 1 or len(nodes) != count or not count:
            raise ValidationError("a tree must have as many nodes as node_count says, and one at least").within("nodes")
        names = nodes.dtype.names or ()
        if not {"left_child", "right_child", "feature"} <= set(names):
            raise ValidationError("the nodes of a tree must be records as scikit-learn writes them").within("nodes")
        shape = (count, tree.n_outputs, int(tree.max_n_classes))
        if type(values) is not np.ndarray or values.shape != shape or values.dtype != np.float64:
            raise ValidationError(f"the values of the tree must be float64 of the shape {shape}").within("values")


def check_trees(trees: list[TreeState], decoder: Decoder) -> None:
    """
    Refuse trees that compiled code could follow out of their memory, or forever.

    Parameters
    ----------
    trees : list of TreeState
        All trees of a document, in its order.
    decoder : Decoder
        Knows where they are.
    """
    start = 0
    while start < len(trees):
        stop, total = start + 1, len(trees[start].nodes)
        while stop < len(trees) and total + len(trees[stop].nodes) <= _BATCH_NODES:
            total += len(trees[stop].nodes)
            stop += 1
        if not _are_sound(trees[start:stop]):
            bad = next(index for index in range(start, stop) if not _are_sound(trees[index : index + 1]))
            place = decoder.places_of(trees[bad].tag)
            raise ValidationError(
                f"the tree at {place[bad] if bad < len(place) else '?'} is not one: its children, features or depth "
                "would lead out of its memory"
            )
        start = stop


def _are_sound(trees: list[TreeState]) -> bool:
    """
    Whether some trees can be walked from their roots without leaving them.

    The nodes of all trees are numbered through, so that one pass of each kind serves all.
    """
    counts = np.array([len(tree.nodes) for tree in trees])
    ends = np.cumsum(counts)
    starts = ends - counts
    left = np.concatenate([tree.nodes["left_child"] for tree in trees])
    right = np.concatenate([tree.nodes["right_child"] for tree in trees])
    inner = np.flatnonzero(left != _LEAF)
    # A node has both children or none; a right child is never the leaf mark, as the next check sees to.
    if np.count_nonzero(right != _LEAF) != len(inner):
        return False
    start = np.repeat(starts, counts)[inner]
    end = np.repeat(ends, counts)[inner]
    left, right = left[inner] + start, right[inner] + start
    # Every builder numbers a child after its parent, so there can be no cycle.
    if not ((left > inner) & (right > inner) & (left < end) & (right < end)).all():
        return False
    # Stacks with room for every node hold all that are pending, if no node is reached twice.
    reached = np.zeros(ends[-1], bool)
    reached[left] = True
    reached[right] = True
    if 2 * len(inner) != ends[-1] - len(trees) or np.count_nonzero(reached) != 2 * len(inner):
        return False
    return _features_exist(trees, counts, inner) and _depths_agree(trees, starts, ends, inner, left, right)


def _features_exist(trees: list[TreeState], counts: Array, inner: Array) -> bool:
    """Whether every node that splits does so by a feature that the tree was made for."""
    feature = np.concatenate([tree.nodes["feature"] for tree in trees])[inner]
    if not len(inner):
        return True
    numbers = [tree.n_features for tree in trees]
    limit: Any = numbers[0]
    if min(numbers) != max(numbers):
        limit = np.repeat(numbers, counts)[inner]
    return bool(feature.min() >= 0 and (feature < limit).all())


def _depths_agree(
    trees: list[TreeState], starts: Array, ends: Array, inner: Array, left: Array, right: Array
) -> bool:
    """Whether each tree is as deep as it says: its decision paths are given that much room."""
    # Only nodes that split count; `rank` is their number among these.
    rank = np.full(ends[-1], -1, np.int32)
    rank[inner] = numbers = np.arange(len(inner), dtype=np.int32)
    parent = numbers.copy()
    for child in (rank[left], rank[right]):
        splits = child >= 0
        parent[child[splits]] = numbers[splits]
    depth = (parent != numbers).astype(np.int32)
    while True:
        # Each round doubles the number of steps towards the root that are counted.
        further = depth[parent]
        if not further.any():
            break
        depth += further
        parent = parent[parent]
    first = np.searchsorted(inner, starts)
    deepest = np.zeros(len(trees), np.int64)
    splitting = first < np.searchsorted(inner, ends)
    if splitting.any():
        deepest[splitting] = 1 + np.maximum.reduceat(depth, first[splitting])
    return bool((deepest == [tree.max_depth for tree in trees]).all())


def is_tree(cls: Any) -> bool:
    """Whether a class is scikit-learn's compiled tree."""
    return isinstance(cls, type) and cls.__name__ == "Tree" and cls.__module__ == "sklearn.tree._tree"


FACTORIES: tuple[tuple[Any, type[Codec]], ...] = ((is_tree, TreeCodec),)
