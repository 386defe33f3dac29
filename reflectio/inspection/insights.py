"""What a model has learned, where it can be said: the splits of a decision tree, the largest coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from reflectio.errors import DecodeError
from reflectio.inspection.entry import Entry
from reflectio.inspection.features import Features, texts_of
from reflectio.inspection.header import Header
from reflectio.inspection.text import number, plural

Array = np.ndarray[Any, Any]

#: The class of scikit-learn's decision trees, apart from their estimators.
TREE = "sklearn.tree._tree.Tree"
_NODE_FIELDS = ("left_child", "right_child", "feature", "threshold", "n_node_samples")
_LEAF = -1

# How deep a tree is shown, and how many coefficients: by default, and when everything is asked for.
_LEVELS, _ALL_LEVELS = 3, 12
_COEFFICIENTS, _ALL_COEFFICIENTS = 10, 1000
_CLASSES = 4

# Coefficients in more bytes than this are not searched for the largest.
_SEARCHED = 1 << 27
_BAR = 12


def insights(
    node: dict[str, Any], header: Header, features: Features, path: str, *, everything: bool
) -> list[Entry]:
    """
    Say what an object has learned.

    Parameters
    ----------
    node : dict
        The object's node.
    header : Header
        The document.
    features : Features
        The names of its features.
    path : str
        Where it is.
    everything : bool
        Whether to go into more detail.
    """
    found = []
    for member, look in (("tree_", _splits), ("coef_", _coefficients)):
        if member in node:
            try:
                entry = look(node, header, features.names, f"{path}.{member}", everything)
            except (DecodeError, ValueError, IndexError, TypeError, KeyError, OverflowError):
                # Arrays that do not fit each other: loading refuses them, and says why.
                continue
            if entry is not None:
                found.append(entry)
    return found


# -- linear models --------------------------------------------------------------------------------------------


def _coefficients(
    node: dict[str, Any], header: Header, names: tuple[str, ...], path: str, everything: bool
) -> Entry | None:
    target = header.graph.target(node["coef_"])
    if type(target) is not dict or target.get("$") != "ndarray":
        return None
    info = header.describe(target)
    if info.place == "objects" or not 1 <= len(info.shape) <= 2 or not 0 < info.nbytes <= _SEARCHED:
        return None
    array = header.array(target)
    if array.dtype.kind != "f":
        return None
    rows = np.nan_to_num(np.atleast_2d(array).astype(np.float64), nan=0.0, posinf=1e308, neginf=-1e308)
    weights = np.abs(rows).max(axis=0)
    count = min(len(weights), _ALL_COEFFICIENTS if everything else _COEFFICIENTS)
    largest = np.argsort(-weights, kind="stable")[:count] if len(weights) < 1 << 20 else _top(weights, count)
    labels = texts_of(node.get("classes_"), header)
    titles = _titles(labels, len(rows))
    top = float(weights[largest[0]])
    children = tuple(
        Entry(
            names[index] if len(names) == len(weights) else f"x{index}",
            f"{path}[{index}]" if array.ndim == 1 else f"{path}[:, {index}]",
            text=_row(rows[:, index], titles, float(weights[index]), top),
            role="insight",
        )
        for index in largest.tolist()
    )
    what = "coefficients" if count == len(weights) else "largest coefficients"
    text = "" if count == len(weights) else f"{count} of {plural(len(weights), 'feature')}"
    if len(labels) == 2 and len(rows) == 1:
        text = f"{text}{', ' if text else ''}positive: {labels[1]}"
    return Entry(what, path, text=text, role="insight", children=children)


def _top(weights: Array, count: int) -> Array:
    among = np.argpartition(weights, -count)[-count:]
    return among[np.argsort(-weights[among], kind="stable")]


def _titles(labels: tuple[str, ...], count: int) -> tuple[str, ...]:
    if count == 1:
        return ("",)
    return labels if len(labels) == count else tuple(f"[{index}]" for index in range(count))


def _row(values: Array, titles: tuple[str, ...], weight: float, top: float) -> str:
    bar = "█" * round(_BAR * weight / top) if 0 < top < 1e300 else ""
    if len(values) == 1:
        return f"{_signed(values[0]):>9}  {bar}".rstrip()
    shown = range(len(values)) if len(values) <= _CLASSES else np.argsort(-np.abs(values))[:2].tolist()
    parts = "  ".join(f"{titles[index]} {_signed(values[index])}" for index in shown)
    return f"{bar:<{_BAR}}  {parts}{'  …' if len(values) > _CLASSES else ''}"


def _signed(value: float) -> str:
    return f"{value:+.4g}"


# -- decision trees -------------------------------------------------------------------------------------------


def _splits(
    node: dict[str, Any], header: Header, names: tuple[str, ...], path: str, everything: bool
) -> Entry | None:
    tree = header.graph.target(node["tree_"])
    if type(tree) is not dict or tree.get("$") != TREE:
        return None
    nodes = header.array(tree["nodes"])
    values = header.array(tree["values"])
    if nodes.ndim != 1 or values.ndim != 3 or len(values) != len(nodes) or not len(nodes):
        return None
    if not set(_NODE_FIELDS) <= set(nodes.dtype.names or ()):
        return None
    labels = texts_of(node.get("classes_"), header)
    drawn = _Drawn(nodes, values, names, labels, path, _ALL_LEVELS if everything else _LEVELS)
    children = drawn.branches(0, 0)
    if not children:
        return None
    shown = "" if drawn.complete else f"the first {plural(drawn.levels, 'level')}"
    return Entry("splits", path, text=shown, role="insight", children=children)


def tree_summary(tree: dict[str, Any], header: Header) -> str:
    """A decision tree in a few words."""
    depth, count = tree.get("max_depth"), tree.get("node_count")
    facts = [f"depth {depth}"] if type(depth) is int else []
    if type(count) is int:
        facts.append(plural(count, "node"))
    try:
        nodes = header.array(tree["nodes"])
        facts.append(plural(int(np.count_nonzero(nodes["left_child"] == _LEAF)), "leaf"))
    except (DecodeError, ValueError, IndexError, KeyError, TypeError):
        pass
    return f"Tree: {', '.join(facts)}"


class _Drawn:
    """The upper levels of a tree as entries."""

    def __init__(
        self,
        nodes: Array,
        values: Array,
        names: tuple[str, ...],
        labels: tuple[str, ...],
        path: str,
        levels: int,
    ) -> None:
        self._nodes = nodes
        self._values = values
        self._names = names
        self._labels = labels
        self._path = path
        self.levels = levels
        self.complete = True
        self._seen: set[int] = set()

    def branches(self, index: int, level: int) -> tuple[Entry, ...]:
        """What is below a node; nothing below a leaf."""
        record = self._nodes[index]
        left, right = int(record["left_child"]), int(record["right_child"])
        if left == _LEAF or index in self._seen:
            return ()
        if level >= self.levels:
            self.complete = False
            return ()
        self._seen.add(index)
        feature = int(record["feature"])
        name = self._names[feature] if 0 <= feature < len(self._names) else f"x{feature}"
        limit = number(float(record["threshold"]))
        return (
            self._branch(f"{name} ≤ {limit}", left, level + 1),
            self._branch(f"{name} > {limit}", right, level + 1),
        )

    def _branch(self, condition: str, index: int, level: int) -> Entry:
        if not 0 <= index < len(self._nodes):
            raise IndexError(index)
        children = self.branches(index, level)
        samples = plural(int(self._nodes[index]["n_node_samples"]), "sample")
        is_leaf = int(self._nodes[index]["left_child"]) == _LEAF
        text = f"{self._outcome(index)}, {samples}" if is_leaf else f"{samples}{'' if children else ' …'}"
        return Entry(condition, f"{self._path}.nodes[{index}]", text=text, role="insight", children=children)

    def _outcome(self, index: int) -> str:
        value = self._values[index]
        if len(value) != 1:
            return "→ " + ", ".join(number(float(output[0])) for output in value[:_CLASSES])
        output = value[0]
        if len(output) == 1:
            return f"→ {number(float(output[0]))}"
        best = int(np.argmax(output))
        label = self._labels[best] if best < len(self._labels) else f"class {best}"
        total = float(output.sum())
        certain = f" ({100 * float(output[best]) / total:.0f} %)" if total > 0 else ""
        return f"→ {label}{certain}"
