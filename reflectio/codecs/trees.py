"""scikit-learn's decision trees, which compiled code walks by their stored numbers without looking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, cast

import numpy as np

from reflectio import compiled
from reflectio.checks import check
from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.arrays import ArrayCodec
from reflectio.codecs.columns import Columns
from reflectio.codecs.objects import ObjectCodec
from reflectio.codecs.rows import encode_rows
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ValidationError
from reflectio.names import public_name
from reflectio.walk_in import located

Array = np.ndarray[Any, Any]

_compiled = compiled.part("trees")
_checking = compiled.part("checking")
_reading = compiled.part("tree_reading")

_LEAF = -1

# Nodes of several trees are examined together up to this many; larger trees are worth a pass of their own.
_BATCH_NODES = 1 << 14

_INT = frozenset({int})
_STATE = frozenset({"max_depth", "node_count", "nodes", "values"})
_ARRAYS = ("nodes", "values")

# Beyond so many nodes a tree, or so many levels, each finds out by itself how deep it is; else a walk down the levels of
# all is faster.
_MANY_NODES = 128
_FEW_LEVELS = 64

# Up to this many nodes in all, a loop in Python is faster than numpy.
_FEW_NODES = 256


class Trees(NamedTuple):
    """
    Some trees, and their nodes as compiled code has them.

    Attributes
    ----------
    tag : str
        The tag of their nodes in the document.
    trees : list of sklearn.tree._tree.Tree
        The trees.
    nodes : list of ndarray
        The nodes of each, as it has them itself.
    """

    tag: str
    trees: list[Any]
    nodes: list[Array]

    @classmethod
    def of(cls, tag: str, trees: list[Any]) -> Trees:
        """
        Look at what trees made of their state.

        They take nodes of other layouts, too, and convert them field by field in the order of the fields, whatever
        their names; and whoever can write to a mapped file could change there what was copied already.
        """
        return cls(tag, trees, list(map(nodes_of, trees)))

    @property
    def counts(self) -> list[int]:
        """How many nodes each has."""
        return list(map(len, self.nodes))

    @property
    def n_nodes(self) -> int:
        """How many nodes all have."""
        return sum(self.counts)

    def field(self, name: str) -> Array:
        """One field of all nodes: a copy, for compiled code keeps fields far apart."""
        return np.concatenate([nodes[name] for nodes in self.nodes])


def nodes_of(tree: Any) -> Array:
    """The nodes of a tree, as it has them itself."""
    nodes: Array = tree.__getstate__()["nodes"]
    return nodes


class TreeCodec(ObjectCodec):
    """``sklearn.tree._tree.Tree``: rebuilt by its constructor and state; checked with all trees of the document."""

    constructs = True

    def __init__(self, cls: type) -> None:
        super().__init__(cls)
        self.compiled = "tree_reading.TreeReader"

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        _, (n_features, n_classes, n_outputs), state = obj.__reduce__()
        name = encoder.name(self.cls)
        encoder.depth += 1
        args = [n_features, encoder.visit(n_classes), n_outputs]
        encoder.depth -= 1
        return {"$": name, "$args": args, **encoder.visit_values(state)}

    def encode_rows(self, objects: list[Any], encoder: Encoder) -> ObjectNode | None:
        reduced = [obj.__reduce__() for obj in objects]
        n_features, n_classes, n_outputs = reduced[0][1]
        raw = n_classes.tobytes()
        if any(
            args[0] != n_features or args[2] != n_outputs or args[1].tobytes() != raw
            for _, args, _ in reduced
        ):
            return None
        states = [state for _, _, state in reduced]
        node = encode_rows(public_name(self.cls), objects, states, encoder, owned=False)
        if node is None:
            return None
        encoder.depth += 1
        node["args"] = [n_features, encoder.visit(n_classes), n_outputs]
        encoder.depth -= 1
        return node

    def create(self, node: ObjectNode, decoder: Decoder) -> Any:
        args = self._build_args(node, "$args", decoder)
        decoder.check_construction(node["$"], with_arguments=True)
        if "$new" in node:
            raise DocumentError("the arguments must be one list").within("$args")
        del node["$args"]
        try:
            return self.cls(*args)
        except Exception as error:
            raise ValidationError(f"{self.cls.__qualname__} refuses its arguments: {error}") from error

    @staticmethod
    def _build_args(node: ObjectNode, member: str, decoder: Decoder) -> list[Any]:
        args = node.get(member)
        if type(args) is not list or len(args) != 3:
            raise ValidationError("a tree is made from its n_features, n_classes and n_outputs").within(
                member
            )
        n_features, _, n_outputs = args
        try:
            n_classes = args[1] = decoder.build(args[1])
        except Exception as error:
            raise located(located(error, 1), member) from error
        if type(n_features) is not int or not 0 <= n_features < 1 << 31:
            raise ValidationError("the n_features of a tree must be a number of features").within(member)
        if (
            type(n_outputs) is not int
            or type(n_classes) is not np.ndarray
            or n_classes.shape != (n_outputs,)
            or n_classes.dtype != np.intp
            or not n_outputs
            or min(counts := n_classes.tolist()) < 1
            or max(counts) >= 1 << 31
        ):
            raise ValidationError("a tree must have a number of classes for each of its n_outputs").within(
                member
            )
        decoder.charge_copy(n_classes.nbytes)
        return args

    def build_rows(self, node: ObjectNode, decoder: Decoder) -> list[Any]:
        tag = node["of"]
        if _reading is not None and (found := _reading.read_rows(node, decoder, self.cls)) is not None:
            decoder.check_together(check_trees, Trees(tag, *found))
            return cast("list[Any]", found[0])
        args = self._build_args(node, "args", decoder)
        columns = Columns(node, decoder, borrow=True)
        cls, count = self.cls, columns.count
        decoder.charge_copy(count * args[1].nbytes)
        try:
            trees = [cls(*args) for _ in range(count)]
        except Exception as error:
            raise ValidationError(f"{cls.__qualname__} refuses its arguments: {error}").within(
                "args"
            ) from error
        if not _are_alike(trees[0], columns):
            for index, (tree, parts) in enumerate(zip(trees, columns.states(release=True), strict=True)):
                try:
                    self._set(tree, parts, tag, decoder)
                except Exception as error:
                    raise located(error, index) from error
            return trees
        decoder.charge_copy(sum(array.nbytes for name in _ARRAYS for array in columns.lists[name]))
        try:
            for tree, parts in zip(trees, columns.states(release=True), strict=True):
                tree.__setstate__(parts)
        except Exception as error:
            raise ValidationError(f"a tree refuses its state: {error}") from error
        self.note(tag, trees, decoder)
        return trees

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        tag = node.pop("$")
        parts: dict[str, Any] = {}
        name = ""
        try:
            for name, part in node.items():
                # The tree copies its nodes and values: they need no memory of their own first.
                parts[name] = part if type(part) is int else ArrayCodec.borrow(part, decoder)
        except Exception as error:
            raise located(error, name) from error
        self._set(obj, parts, tag, decoder)

    def _set(self, tree: Any, parts: dict[str, Any], tag: str, decoder: Decoder) -> None:
        self._check(tree, parts)
        # Each tree copies them, though all may refer to the same.
        decoder.charge_copy(parts["nodes"].nbytes + parts["values"].nbytes)
        try:
            tree.__setstate__(parts)
        except Exception as error:
            raise ValidationError(f"a tree refuses its state: {error}") from error
        self.note(tag, [tree], decoder)

    @staticmethod
    def note(tag: str, trees: list[Any], decoder: Decoder) -> None:
        """Have trees that got their state examined, with all others of the document."""
        decoder.check_together(check_trees, Trees.of(tag, trees))

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


def _are_alike(tree: Any, columns: Columns) -> bool:
    """Whether the nodes and values of rows are such that trees take them as they are."""
    if columns.constants.keys() != _STATE or not columns.alike.issuperset(_ARRAYS):
        return False
    if not _INT.issuperset(map(type, (*columns.of("max_depth"), *columns.of("node_count")))):
        return False
    counts = columns.of("node_count")
    nodes, values = (columns.lists[name][0] for name in _ARRAYS)
    return (
        nodes.ndim == 1
        and nodes.dtype == nodes_of(tree).dtype
        and values.dtype == np.float64
        and values.shape[1:] == (tree.n_outputs, int(tree.max_n_classes))
        and list(map(len, columns.lists["nodes"])) == counts
        and list(map(len, columns.lists["values"])) == counts
        and 0 not in counts
    )


def check_trees(batches: list[Trees], decoder: Decoder) -> None:
    """
    Refuse trees that compiled code could follow out of their memory, or forever.

    Parameters
    ----------
    batches : list of Trees
        All trees of a document, in its order; those of rows together.
    decoder : Decoder
        Knows where they are.
    """
    bad = _first_bad(batches)
    if bad is not None:
        index, row = bad
        raise ValidationError(
            "the nodes are no tree: their children, features or depth would lead out of its memory"
        ).rooted(decoder.place_of(batches[index].tag, index, row))


def _first_bad(batches: list[Trees]) -> tuple[int, int] | None:
    """The first tree that is none: which batch it is of, and which tree of that."""
    if _compiled is not None:
        trees = _joined(batches)
        first = _compiled.first_bad_tree(trees.nodes, trees.trees)
        if first is not None:
            return place_in([len(batch.trees) for batch in batches], first)
    for start, stop in spans([batch.n_nodes for batch in batches]):
        if not _are_sound(batches[start:stop]):
            bad = next(index for index in range(start, stop) if not _are_sound([batches[index]]))
            row = 0
            if len(batches[bad].trees) > 1:
                row = next(row for row, tree in enumerate(_apart(batches[bad])) if not _is_sound(*tree))
            return bad, row
    return None


def place_in(sizes: list[int], number: int) -> tuple[int, int] | None:
    """Where the tree with a number is among batches of so many trees: in which, and where in that; None for -1."""
    for index, size in enumerate(sizes):
        if number < size:
            return None if number < 0 else (index, number)
        number -= size
    raise IndexError(f"there are not so many trees: {number} more")


def spans(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Divide trees of so many nodes into stretches that are worth a pass each: where each starts and stops."""
    start = 0
    while start < len(sizes):
        stop, total = start + 1, sizes[start]
        while stop < len(sizes) and total + sizes[stop] <= _BATCH_NODES:
            total += sizes[stop]
            stop += 1
        yield start, stop
        start = stop


def _joined(batches: list[Trees]) -> Trees:
    if len(batches) == 1:
        return batches[0]
    return Trees(
        "",
        list(chain.from_iterable(batch.trees for batch in batches)),
        list(chain.from_iterable(batch.nodes for batch in batches)),
    )


def _apart(trees: Trees) -> Iterator[tuple[Any, Array]]:
    """Each tree with its nodes."""
    return zip(trees.trees, trees.nodes, strict=True)


def _are_sound(batches: list[Trees]) -> bool:
    """Whether some trees can be walked from their roots without leaving them."""
    trees = _joined(batches)
    if trees.n_nodes <= _FEW_NODES:
        return all(_is_sound(*tree) for batch in batches for tree in _apart(batch))
    return all(map(_are_sound_together, _in_stretches(trees)))


def _in_stretches(trees: Trees) -> Iterator[Trees]:
    """The trees, some at a time: what numpy makes of fewer nodes stays in the processor's cache."""
    for first, last in spans(trees.counts):
        yield Trees(trees.tag, trees.trees[first:last], trees.nodes[first:last])


def _is_sound(tree: Any, nodes: Array) -> bool:
    """Whether a small tree can be: numpy would take longer to get going than this takes."""
    left, right, feature = (nodes[name].tolist() for name in ("left_child", "right_child", "feature"))
    count, n_features = len(left), tree.n_features
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
    return 2 * n_inner == count - 1 and max(depth) == int(tree.max_depth)


def _are_sound_together(trees: Trees) -> bool:
    """
    Whether trees can be walked: `_is_sound` for many nodes.

    The nodes of all trees are numbered through, so that one pass of each kind serves all.
    """
    counts = np.array(trees.counts)
    ends = np.cumsum(counts)
    starts = ends - counts
    left, right = trees.field("left_child"), trees.field("right_child")
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
    if 2 * len(inner) != ends[-1] - len(counts) or np.count_nonzero(reached) != 2 * len(inner):
        return False
    return _features_exist(trees, counts, inner) and _depths_agree(trees, starts, ends, inner, left, right)


def _features_exist(trees: Trees, counts: Array, inner: Array) -> bool:
    """Whether every node that splits does so by a feature that the tree was made for."""
    feature = trees.field("feature")[inner]
    if not len(inner):
        return True
    numbers = [tree.n_features for tree in trees.trees]
    limit: Any = numbers[0]
    if min(numbers) != max(numbers):
        limit = np.repeat(numbers, counts)[inner]
    return bool(feature.min() >= 0 and (feature < limit).all())


def _depths_agree(trees: Trees, starts: Array, ends: Array, inner: Array, left: Array, right: Array) -> bool:
    """Whether each tree is as deep as it says: its decision paths are given that much room."""
    stated = [int(tree.max_depth) for tree in trees.trees]
    if trees.n_nodes > _MANY_NODES * len(stated) or max(stated) > _FEW_LEVELS:
        # The tree counts levels from one. All else about it is known to be sound.
        deepest = [int(tree.compute_node_depths().max()) - 1 for tree in trees.trees]
        return deepest == stated
    # Only nodes that split count; `rank` is their number among these, and -1 for leaves.
    rank = np.full(ends[-1], -1, np.int32)
    rank[inner] = np.arange(len(inner), dtype=np.int32)
    first = np.searchsorted(inner, starts)
    owner = np.repeat(np.arange(len(starts)), np.searchsorted(inner, ends) - first)
    depths: list[int] = _depths(len(starts), owner, rank[starts], rank[left], rank[right]).tolist()
    return depths == stated


def _depths(n_trees: int, owner: Array, roots: Array, left: Array, right: Array) -> Array:
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


def _is_tree(cls: Any) -> bool:
    """Whether a class is scikit-learn's compiled tree."""
    return isinstance(cls, type) and cls.__name__ == "Tree" and cls.__module__ == "sklearn.tree._tree"


#: Whether a class is scikit-learn's compiled tree; ensembles ask it of each of their trees.
is_tree: Callable[[Any], bool] = cache(_is_tree)


def is_count(value: Any) -> bool:
    """Whether a value is a plain number of things."""
    return (type(value) is int or isinstance(value, np.integer)) and bool(value >= 0)


def check_classes(state: dict[str, Any], n_classes: list[int]) -> None:
    """
    Refuse a classifier whose classes are others than those its trees know.

    Parameters
    ----------
    state : dict
        The classifier's attributes.
    n_classes : list of int
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
    for number, labels, known in zip(stated, classes, n_classes, strict=True):
        if not is_count(number) or number != known:
            raise ValidationError(f"n_classes_ is {number!r}; the tree has {known} classes").within(
                "n_classes_"
            )
        if type(labels) is not np.ndarray or labels.shape != (known,):
            raise ValidationError(f"classes_ must name the {known} classes of the tree").within("classes_")


def _agree_with_trees(cls: Any, columns: Columns) -> bool:
    """Whether estimators of one output know what their trees know; `check_decision_tree` for many."""
    trees = columns.lists.get("tree_")
    if not trees or not is_tree(type(trees[0])) or len(set(map(type, trees))) > 1:
        return False
    if _checking is not None:
        return bool(_checking.know_their_trees(columns.constants, columns.lists, _classifies(cls)))
    n_features = columns.constants.get("n_features_in_")
    stated = columns.of("n_outputs_") if "n_outputs_" in columns.constants else []
    if not is_count(n_features) or any(type(number) is not int or number != 1 for number in stated):
        return False
    if not stated or any(tree.n_features != n_features or tree.n_outputs != 1 for tree in trees):
        return False
    n_classes = [int(tree.max_n_classes) for tree in trees]
    if not _classifies(cls):
        return n_classes == [1] * len(trees)
    classes = columns.lists.get("classes_", [])
    return (
        "n_classes_" in columns.constants
        and all(map(is_count, numbers := columns.of("n_classes_")))
        and numbers == n_classes
        and {np.ndarray}.issuperset(map(type, classes))
        and [labels.shape for labels in classes] == [(number,) for number in n_classes]
    )


@cache
def _classifies(cls: Any) -> bool:
    """Whether the estimators of a class predict classes."""
    return hasattr(cls, "predict_proba")


@check("sklearn.tree._classes.BaseDecisionTree", rows=_agree_with_trees)
def check_decision_tree(estimator: Any) -> None:
    """Refuse an estimator that would lead data of other columns than its tree knows into the tree."""
    cls: Any = type(estimator)
    state = vars(estimator)
    if "tree_" not in state:
        return
    tree = state["tree_"]
    if not is_tree(type(tree)):
        raise ValidationError("tree_ must be a compiled tree").within("tree_")
    if _checking is not None and _checking.knows_its_tree(state, _classifies(cls)):
        return
    # Without n_features_in_, scikit-learn does not look at the columns of what it predicts for.
    for name, known in (("n_features_in_", tree.n_features), ("n_outputs_", tree.n_outputs)):
        stated = state.get(name)
        if stated != known or not is_count(stated):
            raise ValidationError(f"{name} must be {known}, as the tree has it").within(name)
    if _classifies(cls):
        check_classes(state, tree.n_classes.tolist())
    elif tree.max_n_classes != 1:
        raise ValidationError("the tree of a regressor has one value for each output").within("tree_")


FACTORIES: tuple[tuple[Any, type[Codec]], ...] = ((is_tree, TreeCodec),)
