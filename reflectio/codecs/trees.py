"""scikit-learn's decision trees, which compiled code walks by their stored numbers without looking."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from reflectio.checks import check
from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.arrays import ArrayCodec
from reflectio.codecs.objects import ObjectCodec
from reflectio.decoder import Decoder, located
from reflectio.encoder import Encoder
from reflectio.errors import ValidationError

Array = np.ndarray[Any, Any]

_LEAF = -1

# Nodes of several trees are examined together up to this many; larger trees are worth a pass of their own.
BATCH_NODES = 1 << 16


_STATE = frozenset({"max_depth", "node_count", "nodes", "values"})

# Up to this depth, a step for each level is faster than steps that double.
_FEW_LEVELS = 128

# Up to this many nodes in all, a loop in Python is faster than numpy.
_FEW_NODES = 256


class TreeState(NamedTuple):
    """One tree, and its nodes as compiled code has them."""

    tag: str
    tree: Any
    nodes: Array


class TreeCodec(ObjectCodec):
    """``sklearn.tree._tree.Tree``: rebuilt by its constructor and state; checked with all trees of the document."""

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        _, (n_features, n_classes, n_outputs), state = obj.__reduce__()
        name = encoder.name(self.cls)
        encoder.depth += 1
        args = [n_features, encoder.visit(n_classes), n_outputs]
        encoder.depth -= 1
        return {"$": name, "$args": args, **encoder.visit_values(state)}

    def create(self, node: ObjectNode, decoder: Decoder) -> Any:
        args = node.get("$args")
        if type(args) is not list or len(args) != 3:
            raise ValidationError("a tree is made from its n_features, n_classes and n_outputs").within(
                "$args"
            )
        n_features, _, n_outputs = args
        try:
            n_classes = args[1] = decoder.build(args[1])
        except Exception as error:
            raise located(located(error, 1), "$args") from error
        if type(n_features) is not int or not 0 <= n_features < 1 << 31:
            raise ValidationError("the n_features of a tree must be a number of features").within("$args")
        if (
            type(n_outputs) is not int
            or type(n_classes) is not np.ndarray
            or n_classes.shape != (n_outputs,)
            or n_classes.dtype != np.intp
            or not n_outputs
            or not all(0 < count < 1 << 31 for count in n_classes.tolist())
        ):
            raise ValidationError("a tree must have a number of classes for each of its n_outputs").within(
                "$args"
            )
        decoder.charge_copy(n_classes.nbytes)
        return super().create(node, decoder)

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        tag = node.pop("$")
        parts: dict[str, Any] = {}
        name = ""
        try:
            for name, part in node.items():
                # The tree copies its nodes and values: they need no memory of their own first.
                parts[name] = ArrayCodec.borrow(part, decoder)
        except Exception as error:
            raise located(error, name) from error
        self._check(obj, parts)
        # Each tree copies them, though all may refer to the same.
        decoder.charge_copy(parts["nodes"].nbytes + parts["values"].nbytes)
        try:
            obj.__setstate__(parts)
        except Exception as error:
            raise ValidationError(f"a tree refuses its state: {error}") from error
        # What is checked is what the tree made of its state: it takes nodes of other layouts, too, and converts
        # them field by field in the order of the fields, whatever their names.
        decoder.check_together(check_trees, TreeState(tag, obj, obj.__getstate__()["nodes"]))

    @staticmethod
    def _check(tree: Any, parts: dict[str, Any]) -> None:
        if parts.keys() != _STATE:
            raise ValidationError("the state of a tree is max_depth, node_count, nodes and values")
        nodes, values, count = parts["nodes"], parts["values"], parts["node_count"]
        for name in ("max_depth", "node_count"):
            if type(parts[name]) is not int:
                raise ValidationError(f"the {name} of a tree must be an integer").within(name)
        if type(nodes) is not np.ndarray or nodes.ndim != 1 or len(nodes) != count or not count:
            raise ValidationError(
                "a tree must have as many nodes as node_count says, and one at least"
            ).within("nodes")
        if nodes.dtype.names is None:
            raise ValidationError("the nodes of a tree must be records as scikit-learn writes them").within(
                "nodes"
            )
        shape = (count, tree.n_outputs, int(tree.max_n_classes))
        if type(values) is not np.ndarray or values.shape != shape or values.dtype != np.float64:
            raise ValidationError(f"the values of the tree must be float64 of the shape {shape}").within(
                "values"
            )


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
        while stop < len(trees) and total + len(trees[stop].nodes) <= BATCH_NODES:
            total += len(trees[stop].nodes)
            stop += 1
        if not _are_sound(trees[start:stop]):
            bad = next(index for index in range(start, stop) if not _are_sound(trees[index : index + 1]))
            places = decoder.places_of(trees[bad].tag)
            raise ValidationError(
                "the nodes are no tree: their children, features or depth would lead out of its memory"
            ).rooted(places[bad] if bad < len(places) else "$.model")
        start = stop


def _are_sound(trees: list[TreeState]) -> bool:
    """Whether some trees can be walked from their roots without leaving them."""
    if sum(len(tree.nodes) for tree in trees) <= _FEW_NODES:
        return all(map(_is_sound, trees))
    return _are_sound_together(trees)


def _is_sound(tree: TreeState) -> bool:
    """Whether a small tree can be: numpy would take longer to get going than this takes."""
    left, right, feature = (tree.nodes[name].tolist() for name in ("left_child", "right_child", "feature"))
    count, n_features = len(left), tree.tree.n_features
    # Of each node, 0 until its parent is met. Every builder numbers a child after its parent, so there can be no
    # cycle, and the parent is met first.
    depth = [0] * count
    n_inner = 0
    for node, child in enumerate(left):
        other = right[node]
        if child == _LEAF == other:
            continue
        if not (node < child < count and node < other < count and child != other):
            return False
        if not 0 <= feature[node] < n_features or depth[child] or depth[other]:
            return False
        depth[child] = depth[other] = depth[node] + 1
        n_inner += 1
    # Where no node has two parents, and there are as many children as nodes but one, every node has its parent.
    return 2 * n_inner == count - 1 and max(depth) == int(tree.tree.max_depth)


def _are_sound_together(trees: list[TreeState]) -> bool:
    """
    Whether trees can be walked: `_is_sound` for many nodes.

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
    numbers = [tree.tree.n_features for tree in trees]
    limit: Any = numbers[0]
    if min(numbers) != max(numbers):
        limit = np.repeat(numbers, counts)[inner]
    return bool(feature.min() >= 0 and (feature < limit).all())


def _depths_agree(
    trees: list[TreeState], starts: Array, ends: Array, inner: Array, left: Array, right: Array
) -> bool:
    """Whether each tree is as deep as it says: its decision paths are given that much room."""
    # Only nodes that split count; `rank` is their number among these, and -1 for leaves.
    rank = np.full(ends[-1], -1, np.int32)
    rank[inner] = np.arange(len(inner), dtype=np.int32)
    stated = np.array([tree.tree.max_depth for tree in trees])
    find = _depths_by_level if stated.max() <= _FEW_LEVELS else _depths_by_doubling
    first = np.searchsorted(inner, starts)
    owner = np.repeat(np.arange(len(trees)), np.searchsorted(inner, ends) - first)
    return bool((find(len(trees), owner, rank[starts], rank[left], rank[right]) == stated).all())


def _depths_by_level(n_trees: int, owner: Array, roots: Array, left: Array, right: Array) -> Array:
    """The depth of each tree, by a walk from all roots at once; of deeper trees than that is for, some depth."""
    deepest = np.zeros(n_trees, np.int64)
    level = roots[roots >= 0]
    for depth in range(1, _FEW_LEVELS + 2):
        if not len(level):
            break
        deepest[owner[level]] = depth
        level = np.concatenate((left[level], right[level]))
        level = level[level >= 0]
    return deepest


def _depths_by_doubling(n_trees: int, owner: Array, roots: Array, left: Array, right: Array) -> Array:
    """The depth of each tree, in a number of steps that grows with the logarithm of the depth."""
    numbers = np.arange(len(owner), dtype=np.int32)
    parent = numbers.copy()
    for child in (left, right):
        splits = child >= 0
        parent[child[splits]] = numbers[splits]
    depth = (parent != numbers).astype(np.int64)
    while True:
        # Each round doubles the number of steps towards the root that are counted.
        further = depth[parent]
        if not further.any():
            break
        depth += further
        parent = parent[parent]
    deepest = np.zeros(n_trees, np.int64)
    np.maximum.at(deepest, owner, depth + 1)
    return deepest


def is_tree(cls: Any) -> bool:
    """Whether a class is scikit-learn's compiled tree."""
    return isinstance(cls, type) and cls.__name__ == "Tree" and cls.__module__ == "sklearn.tree._tree"


def is_count(value: Any) -> bool:
    """Whether a value is a plain number of things."""
    return (type(value) is int or isinstance(value, np.integer)) and bool(value >= 0)


def check_classes(state: dict[str, Any], n_classes: Array) -> None:
    """
    Refuse a classifier whose classes are others than those its trees know.

    Parameters
    ----------
    state : dict
        The classifier's attributes.
    n_classes : ndarray of shape (n_outputs,)
        The number of classes of each output, as the trees have it.
    """
    stated, classes = state.get("n_classes_"), state.get("classes_")
    if len(n_classes) == 1:
        stated, classes = [stated], [classes]
    for name, value in (("n_classes_", stated), ("classes_", classes)):
        if not isinstance(value, list | tuple | np.ndarray) or len(value) != len(n_classes):
            raise ValidationError(f"{name} must have an entry for each output of the tree").within(name)
    assert stated is not None
    assert classes is not None
    for number, labels, known in zip(stated, classes, n_classes.tolist(), strict=True):
        if not is_count(number) or number != known:
            raise ValidationError(f"n_classes_ is {number!r}; the tree has {known} classes").within(
                "n_classes_"
            )
        if type(labels) is not np.ndarray or labels.shape != (known,):
            raise ValidationError(f"classes_ must name the {known} classes of the tree").within("classes_")


@check("sklearn.tree._classes.BaseDecisionTree")
def check_decision_tree(estimator: Any) -> None:
    """Refuse an estimator that would lead data of other columns than its tree knows into the tree."""
    state = vars(estimator)
    if "tree_" not in state:
        return
    tree = state["tree_"]
    if not is_tree(type(tree)):
        raise ValidationError("tree_ must be a compiled tree").within("tree_")
    # Without n_features_in_, scikit-learn does not look at the columns of what it predicts for.
    for name, known in (("n_features_in_", tree.n_features), ("n_outputs_", tree.n_outputs)):
        stated = state.get(name)
        if stated != known or not is_count(stated):
            raise ValidationError(f"{name} must be {known}, as the tree has it").within(name)
    if hasattr(type(estimator), "predict_proba"):
        check_classes(state, tree.n_classes)
    elif tree.max_n_classes != 1:
        raise ValidationError("the tree of a regressor has one value for each output").within("tree_")


FACTORIES: tuple[tuple[Any, type[Codec]], ...] = ((is_tree, TreeCodec),)
