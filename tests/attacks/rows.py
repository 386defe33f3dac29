"""Rows: lists of like objects that are described together, and need not be what their description says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

from attacks.attack import TRIPWIRE, Attack, array, binary, callable_node, forged, text_of

_OWN = "own: rows that lie about what they hold"
_VALIDATION = "ValidationError"
_DOCUMENT = "DocumentError"
_LIMIT = "LimitError"
_REFUSED = "DocumentError|LimitError|ValidationError"
_UNTRUSTED = "UntrustedNameError"

_ESTIMATOR = "sklearn.linear_model.LinearRegression"
_TREE = "sklearn.tree._tree.Tree"
_PREDICTOR = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"


def _rows(columns: Any, count: Any = 4, of: Any = _ESTIMATOR, **members: Any) -> dict[str, Any]:
    return {"$": "rows", "of": of, "count": count, "columns": columns, **members}


def _column(described: Any, of: Any = "ndarray", **members: Any) -> dict[str, Any]:
    return {"$": "column", "of": of, "array": described, **members}


def _lists(items: Any, count: Any = 4, **members: Any) -> dict[str, Any]:
    return {"$": "rows", "of": "list", "count": count, "items": items, **members}


def _many(count: int = 1 << 30) -> dict[str, Any]:
    return _rows({"a": 1}, count)


def _lists_in_lists(depth: int) -> dict[str, Any]:
    node = _rows({"a": 1}, 20_000)
    for _ in range(depth):
        node = _lists(node, 20_000)
    return node


_EIGHT = array([0.0] * 8)
_REF = {"$": "ref", "id": 1}
_RECORD = {"$": "dtype", "names": ["a"], "formats": ["int64"], "offsets": [0], "itemsize": 8}

_NODES: dict[str, tuple[str, Any, str]] = {
    # Names.
    "of-tripwire": ("import a module of the attacker's", _rows({"a": 1}, of=f"{TRIPWIRE}.Model"), _UNTRUSTED),
    "of-tripwire-called": (
        "call a class of the attacker's",
        _rows({"a": 1}, of=f"{TRIPWIRE}.Model", args=[]),
        _UNTRUSTED,
    ),
    "of-nested-tripwire": (
        "hide a name in rows within rows",
        _rows({"a": _rows({"b": 1}, of=f"{TRIPWIRE}.Model")}),
        _UNTRUSTED,
    ),
    "array-tripwire": (
        "have a class of arrays in a column",
        _rows({"a": _column({**_EIGHT, "name": f"{TRIPWIRE}.Array"})}),
        _UNTRUSTED,
    ),
    "of-callable": ("call a function for each", _rows({"a": 1}, of="builtins.max", args=[1]), _UNTRUSTED),
    "of-process": ("spawn", _rows({"a": 1}, of="subprocess.Popen", args=["true"]), _UNTRUSTED),
    "of-called-estimator": ("call a class that may not be", _rows({"a": 1}, args=[]), _UNTRUSTED),
    "of-codec": ("choose another codec", _rows({"a": 1}, of="ndarray"), _DOCUMENT),
    "of-empty": ("have no class", _rows({"a": 1}, of=""), _DOCUMENT),
    "of-number": ("have no class", _rows({"a": 1}, of=1), _DOCUMENT),
    "of-node": ("have no class", _rows({"a": 1}, of={"a": _ESTIMATOR}), _DOCUMENT),
    "of-list-columns": ("have lists with attributes", _rows({"a": 1}, of="list"), _DOCUMENT),
    "of-array": (
        "go around the codec of arrays",
        _rows({"a": 1}, of="numpy.ndarray"),
        f"{_DOCUMENT}|{_UNTRUSTED}",
    ),
    "of-bunch": ("go around the codec of bunches", _rows({"a": 1}, of="sklearn.utils.Bunch"), _DOCUMENT),
    "of-object": ("set what an object's own codec looks at", _rows({"a": 1}, of="types.SimpleNamespace"), _REFUSED),
    "of-sparse": (
        "go around the codec of matrices",
        _rows({"indptr": 1}, of="scipy.sparse.csr_matrix"),
        f"{_REFUSED}|{_UNTRUSTED}",
    ),
    "of-frame": (
        "go around the codec of frames",
        _rows({"a": 1}, of="pandas.DataFrame"),
        f"{_REFUSED}|{_UNTRUSTED}",
    ),
    # Attributes.
    "dunder": ("change a class", _rows({"__class__": 1}), _VALIDATION),
    "dunder-dict": ("replace all attributes", _rows({"a": 1, "__dict__": [{}] * 4}), _VALIDATION),
    "method": ("replace a method", _rows({"predict": callable_node("builtins.max")}), _REFUSED),
    "methods": ("replace methods", _rows({"predict": [callable_node("builtins.max")] * 4}), _VALIDATION),
    "method-constant": ("hide a method", _rows({"fit": None}), _VALIDATION),
    "no-identifier": ("have an attribute that no code reads", _rows({"a.b": 1}), _VALIDATION),
    "id-attribute": ("have an id among the attributes", _rows({"$id": 1, "a": 2}), _VALIDATION),
    "tag-attribute": ("have columns that are a node", _rows({"$": "dict", "items": []}), _DOCUMENT),
    "unicode-twin": ("have Python's normalisation make another name of it", _rows({"ﬁt": 1}), _VALIDATION),
    "version-method": (
        "pass for a state that was looked at",
        _rows({"fit": [1] * 4, "_sklearn_version": "0.1"}),
        _VALIDATION,
    ),
    # Counts.
    "count-none": ("have no objects, and a class", _rows({"a": 1}, 0), _DOCUMENT),
    "count-negative": ("have fewer than none", _rows({"a": 1}, -1), _DOCUMENT),
    "count-flag": ("count by a flag", _rows({"a": 1}, True), _DOCUMENT),
    "count-float": ("count by a fraction", _rows({"a": 1}, 4.0), _DOCUMENT),
    "count-text": ("count by text", _rows({"a": 1}, "4"), _DOCUMENT),
    "count-list": ("count by a list", _rows({"a": 1}, [4]), _DOCUMENT),
    "count-huge": ("ask for 10**18 objects", _rows({"a": 1}, 10**18), _DOCUMENT),
    "count-many": ("ask for a million objects in a hundred bytes", _rows({"a": 1}, 1 << 20), _LIMIT),
    "count-trees": (
        "ask for a million trees",
        _rows({"max_depth": 1}, 1 << 20, _TREE, args=[1, array([2], "int64"), 1]),
        _LIMIT,
    ),
    "count-in-parts": ("ask for many objects in many nodes", [_rows({"a": 1}, 20_000)] * 50, _LIMIT),
    "count-wide": ("ask for many attributes", _rows({f"a{i}": 1 for i in range(5000)}, 20_000), _LIMIT),
    "count-nested": ("ask for as many objects in each", _rows({f"a{i}": _rows({"b": 1}, 10_000) for i in range(20)}, 10_000), _LIMIT),
    "count-nested-other": ("have fewer objects within", _rows({"a": _rows({"b": 1}, 3)}), _DOCUMENT),
    "count-lists": ("ask for lists within lists, each as long", _lists_in_lists(80), _DOCUMENT),
    "count-elements": (
        "ask for 8 GB for an array of objects",
        {"$": "ndarray", "dtype": "object", "shape": [1 << 30], "data": _many()},
        _LIMIT,
    ),
    "count-elements-lists": (
        "ask for 8 GB for an array of lists",
        {"$": "ndarray", "dtype": "object", "shape": [1 << 30], "data": _lists(_many(), 1 << 30)},
        _LIMIT,
    ),
    "count-elements-other": (
        "leave elements of an array without an object",
        {"$": "ndarray", "dtype": "object", "shape": [2, 3], "data": _rows({"a": 1}, 4)},
        _DOCUMENT,
    ),
    "count-elements-text": (
        "have objects where text is",
        {"$": "ndarray", "dtype": {"$": "dtype", "kind": "T"}, "shape": [4], "data": _rows({"a": 1})},
        _REFUSED,
    ),
    "count-elements-numbers": ("have objects where numbers are", array(_rows({"a": 1}), shape=[4]), _DOCUMENT),
    "same-arrays": (
        "multiply an array",
        _rows({"a": _column(array([0.0] * 1000), same=True)}, 50_000),
        _LIMIT,
    ),
    "same-columns": (
        "multiply arrays by the attributes",
        _rows({f"a{i}": _column(array([0.0] * 100), same=True) for i in range(50)}, 10_000),
        _LIMIT,
    ),
    "referred-often": (
        "have many lists hold many rows",
        [{**_rows({"a": 1}, 20_000), "$id": 1}, *[[[_REF] * 60] * 60] * 60],
        _LIMIT,
    ),
    # Columns.
    "columns-none": ("have no attributes", _rows({}), _DOCUMENT),
    "columns-list": ("have attributes without names", _rows([1]), _DOCUMENT),
    "columns-null": ("have no columns", _rows(None), _DOCUMENT),
    "columns-missing": ("have no columns", {"$": "rows", "of": _ESTIMATOR, "count": 4}, _DOCUMENT),
    "columns-and-items": ("be objects and lists", _rows({"a": 1}, items=[]), _DOCUMENT),
    "columns-and-state": ("have a state besides", _rows({"a": 1}, **{"$state": 5}), _DOCUMENT),
    "column-short": ("leave an object without a value", _rows({"a": [1, 2, 3]}), _DOCUMENT),
    "column-long": ("have a value too many", _rows({"a": [1, 2, 3, 4, 5]}), _DOCUMENT),
    "column-dict": ("have one dict for all", _rows({"a": {"b": 1}}), _DOCUMENT),
    "column-array": ("have one array for all", _rows({"a": _EIGHT}), _DOCUMENT),
    "column-tuple": ("have one tuple for all", _rows({"a": {"$": "tuple", "items": []}}), _DOCUMENT),
    "column-shared-list": ("have one list for all", [{"$": "list", "$id": 1, "items": []}, _rows({"a": _REF})], _DOCUMENT),
    "column-shared-array": ("have one array for all", [{**_EIGHT, "$id": 1}, _rows({"a": _REF})], _DOCUMENT),
    "column-shared-rows": ("have rows for all", [{**_rows({"b": 1}), "$id": 1}, _rows({"a": _REF})], _DOCUMENT),
    "column-missing": ("refer to nothing", _rows({"a": _REF}), _DOCUMENT),
    "column-itself": ("refer to the rows from within", {**_rows({"a": _REF}), "$id": 1}, _DOCUMENT),
    "column-with-id": ("have a column that others hold", _rows({"a": {**_rows({"b": 1}), "$id": 1}}), _DOCUMENT),
    "column-of": ("be of another kind", _rows({"a": _column(_EIGHT, "list")}), _DOCUMENT),
    "column-member": ("have a member that nothing reads", _rows({"a": _column(_EIGHT, x=1)}), _DOCUMENT),
    "column-id": ("give a column an id", _rows({"a": {**_column(_EIGHT), "$id": 1}}), _DOCUMENT),
    "column-array-id": ("let others hold all arrays", _rows({"a": _column({**_EIGHT, "$id": 1})}), _DOCUMENT),
    "column-array-ref": ("share the memory of all", [{**_EIGHT, "$id": 1}, _rows({"a": _column(_REF)})], _DOCUMENT),
    "column-array-view": (
        "write into another array",
        [{**_EIGHT, "$id": 1}, _rows({"a": _column({"$": "ndarray", "dtype": "float64", "shape": [8], "base": _REF, "offset": 0, "strides": [8]})})],
        _DOCUMENT,
    ),
    "column-objects": ("have arrays of objects", _rows({"a": _column(array([None] * 4, "object"))}), _DOCUMENT),
    "column-masked": (
        "have masked arrays",
        _rows({"a": _column({"$": "maskedarray", "data": _EIGHT, "mask": None})}),
        _DOCUMENT,
    ),
    "column-class": (
        "have arrays of a class",
        _rows({"a": _column({**_EIGHT, "name": "numpy.recarray"})}),
        f"{_DOCUMENT}|{_UNTRUSTED}",
    ),
    "column-no-axis": ("cut what has no length", _rows({"a": _column(array(1.0, shape=[]))}), _DOCUMENT),
    "column-rest": ("have parts that differ", _rows({"a": _column(array([0.0] * 9))}), _DOCUMENT),
    "column-list": ("have no array", _rows({"a": _column([0.0] * 8)}), _DOCUMENT),
    "column-alone": ("stand anywhere", _column(_EIGHT), _DOCUMENT),
    "column-in-column": ("stand within itself", _rows({"a": _column(_column(_EIGHT))}), _DOCUMENT),
    "column-in-list": ("stand in a list", _rows({"a": [_column(_EIGHT)] * 4}), _DOCUMENT),
    **{
        f"lengths-{name}": ("reach outside of an array", _rows({"a": _column(_EIGHT, lengths=lengths)}), _DOCUMENT)
        for name, lengths in {
            "long": [2, 2, 2, 3],
            "short": [2, 2, 2, 1],
            "negative": [9, -1, 0, 0],
            "overflow": [2**63, -(2**63), 4, 4],
            "few": [4, 4],
            "many": [2, 2, 2, 1, 1],
            "float": [2.0, 2, 2, 2],
            "flag": [True, 3, 2, 2],
            "none": None,
            "number": 2,
            "empty": [],
            "text": ["2", "2", "2", "2"],
            "nodes": [{"$": "int", "value": "2"}] * 4,
        }.items()
    },
    **{
        f"same-{name}": ("say two things at once", _rows({"a": _column(_EIGHT, same=same)}), _DOCUMENT)
        for name, same in {"false": False, "one": 1, "text": "true", "none": None}.items()
    },
    "same-lengths": ("say two things at once", _rows({"a": _column(_EIGHT, same=True, lengths=[2] * 4)}), _DOCUMENT),
    "scalars-few": ("leave an object without a number", _rows({"a": _column(array([1.0]), "scalar")}), _DOCUMENT),
    "scalars-axes": ("have arrays for numbers", _rows({"a": _column(array([[1.0]] * 4, shape=[4, 1]), "scalar")}), _DOCUMENT),
    "scalars-same": ("have several for all", _rows({"a": _column(array([1.0] * 4), "scalar", same=True)}), _DOCUMENT),
    "scalars-lengths": ("have numbers with lengths", _rows({"a": _column(array([1.0] * 4), "scalar", lengths=[1] * 4)}), _DOCUMENT),
    "scalars-records": ("have records that are views of one array", _rows({"a": _column(array([[1]] * 4, _RECORD, [4]), "scalar")}), _DOCUMENT),
    "scalars-text": ("have one wide text make all wide", _rows({"a": _column(array(["x"] * 4, "<U1000"), "scalar")}), _DOCUMENT),
    "records-overlap": (
        "have records whose fields overlap",
        _rows({"a": _column(array([[1, 1]] * 4, {"$": "dtype", "names": ["a", "b"], "formats": ["int64", "int64"], "offsets": [0, 4], "itemsize": 12}, [4]))}),
        _REFUSED,
    ),
    # Lists.
    "lists-of-nodes": ("have lists that are no rows", _lists([1, 2, 3, 4]), _DOCUMENT),
    "lists-of-lists": ("have lists within lists", _lists(_lists(_rows({"a": 1}))), _DOCUMENT),
    "lists-of-column": ("have lists of arrays", _lists(_column(_EIGHT)), _DOCUMENT),
    "lists-rest": ("have lists that differ", _lists(_rows({"a": 1}, 5)), _DOCUMENT),
    "lists-empty": ("have more lists than items", _lists(_rows({"a": 1}, 4), 8), _DOCUMENT),
    "lists-args": ("call lists", _lists(_rows({"a": 1}), args=[]), _DOCUMENT),
    "lists-ref": ("hold the items of others", [{**_rows({"a": 1}), "$id": 1}, _lists(_REF)], _DOCUMENT),
    "lists-itself": ("hold itself", {**_lists(_REF), "$id": 1}, _DOCUMENT),
    # Compiled trees and predictors.
    "tree-without-args": ("make trees of nothing", _rows({"max_depth": 1}, of=_TREE), _UNTRUSTED),
    "tree-bare": ("have trees that nobody filled", _rows({"max_depth": 0}, of=_TREE, args=[1, array([2], "int64"), 1]), _VALIDATION),
    "tree-args-huge": ("allocate by sizes that lie", _rows({"max_depth": 0}, of=_TREE, args=[2**62, array([2], "int64"), 1]), _VALIDATION),
    "tree-args-classes": ("allocate by sizes that lie", _rows({"max_depth": 0}, of=_TREE, args=[1, array([2**31], "int64"), 1]), _VALIDATION),
    "tree-args-many": (
        "have each tree copy many numbers of classes",
        _rows({"max_depth": 0}, 20_000, _TREE, args=[1, array([2] * 5000, "int64"), 5000]),
        _LIMIT,
    ),
    "predictor-bare": ("have predictors without nodes", _rows({"binned_left_cat_bitsets": 1}, of=_PREDICTOR), _VALIDATION),
    "predictor-nodes": ("have nodes that are numbers", _rows({"nodes": _column(_EIGHT)}, of=_PREDICTOR), _VALIDATION),
    "predictor-args": ("call predictors", _rows({"nodes": 1}, of=_PREDICTOR, args=[]), f"{_REFUSED}|{_UNTRUSTED}"),
}  # fmt: skip


@cache
def _fitted(kind: str) -> Any:
    import numpy as np
    from sklearn import ensemble

    X = np.random.default_rng(0).integers(0, 4, (60, 3)).astype(float)
    y = (X[:, 0] + X[:, 1]).astype(int) % 3
    makers: dict[str, Callable[[], Any]] = {
        "forest": lambda: ensemble.RandomForestClassifier(5, max_depth=3, random_state=0),
        "boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=5, max_depth=2, random_state=0),
        "histogram": lambda: ensemble.HistGradientBoostingClassifier(
            max_iter=5, min_samples_leaf=2, max_leaf_nodes=4, categorical_features=[0]
        ),
        "values": lambda: ensemble.RandomForestRegressor(5, max_depth=3, random_state=0),
    }
    return makers[kind]().fit(X, y)


def _trees(model: Any) -> Any:
    """The rows of the compiled trees, or of the predictors, of an ensemble."""
    stack = [model]
    while stack:
        node = stack.pop()
        if isinstance(node, dict) and node.get("$") == "rows" and node.get("of") in (_TREE, _PREDICTOR):
            return node
        stack.extend(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
    raise AssertionError("no rows of trees")


def _of_trees(change: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda model: change(_trees(model))


def _set_field(position: int, value: int, row: int = 0) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        data = _trees(model)["columns"]["nodes"]["array"]["data"]
        data[row][position] = value

    return change


def _lead_to_next_tree(model: Any) -> None:
    node = _trees(model)
    column = node["columns"]["nodes"]
    count = column.get("lengths", [len(column["array"]["data"]) // node["count"]])[0]
    column["array"]["data"][0][1] = count


def _move_a_node(model: Any) -> None:
    columns = _trees(model)["columns"]
    for name in ("nodes", "values"):
        columns[name]["lengths"][0] -= 1
        columns[name]["lengths"][1] += 1


def _say_other_counts(model: Any) -> None:
    columns = _trees(model)["columns"]
    columns["node_count"] = [count + 1 for count in columns["node_count"]]


def _set(name: str, value: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        _trees(model)["columns"][name] = value

    return change


def _update(name: str, **members: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        _trees(model)["columns"][name]["array"].update(members)

    return change


def _drop(name: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        del _trees(model)["columns"][name]

    return change


def _swap_types(model: Any) -> None:
    dtype = _trees(model)["columns"]["nodes"]["array"]["dtype"]
    dtype["formats"] = [text.replace("int64", ">i8") for text in dtype["formats"]]
    _set_field(0, 1 << 40)(model)


def _wide_leaves(model: Any) -> None:
    """Leaves that are none, once their mark is one byte wide as it should be, and lead anywhere."""
    array = _trees(model)["columns"]["nodes"]["array"]
    dtype = array["dtype"]
    position = dtype["names"].index("is_leaf")
    dtype["formats"][position] = "uint16"
    dtype["offsets"][position + 1 :] = [offset + 1 for offset in dtype["offsets"][position + 1 :]]
    dtype["itemsize"] += 1
    for node in array["data"]:
        if node[position]:
            node[position] = 256
            node[dtype["names"].index("left")] = 1 << 30


def _of_estimators(**columns: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        found = model["estimators_"]
        found = found if found["$"] == "rows" else found["data"]
        found["columns"].update(copy.deepcopy(columns))

    return change


_FORGED: dict[str, tuple[str, str, Callable[[Any], None], str]] = {
    "tree-next": ("lead from one tree into the next", "forest", _lead_to_next_tree, _VALIDATION),
    "tree-moved-node": ("give a node to the next tree", "forest", _move_a_node, _VALIDATION),
    "tree-counts": ("count nodes that are not there", "forest", _say_other_counts, _VALIDATION),
    "tree-count-one": ("count the nodes of all alike", "forest", _set("node_count", 3), _VALIDATION),
    "tree-count-flag": ("count by a flag", "forest", _set("node_count", True), _VALIDATION),
    "tree-count-none": ("have trees without nodes", "forest", _set("node_count", 0), _VALIDATION),
    "tree-depth": ("have less room for paths than they take", "forest", _set("max_depth", 1), _VALIDATION),
    "tree-depth-negative": ("have less than no room", "forest", _set("max_depth", -1), _VALIDATION),
    "tree-depth-float": ("be deep by a fraction", "forest", _set("max_depth", 3.0), _VALIDATION),
    "tree-depth-huge": ("overflow the depth", "forest", _set("max_depth", 2**63 - 1), _VALIDATION),
    "tree-depth-too-large": ("overflow the depth", "forest", _set("max_depth", [{"$": "int", "value": str(2**70)}] * 5), _VALIDATION),
    "tree-child": ("write outside of a tree", "forest", _set_field(0, 1 << 40), _VALIDATION),
    "tree-child-negative": ("read before a tree", "forest", _set_field(0, -5), _VALIDATION),
    "tree-cycle": ("walk in a circle", "forest", _set_field(0, 0), _VALIDATION),
    "tree-feature": ("read beyond the data", "forest", _set_field(2, 3), _VALIDATION),
    "tree-feature-negative": ("read before the data", "forest", _set_field(2, -1), _VALIDATION),
    "tree-feature-boosting": ("read beyond the data", "boosting", _set_field(2, 1 << 30), _VALIDATION),
    "tree-byte-order": ("hide children in another byte order", "forest", _swap_types, _REFUSED),
    "tree-values-shape": ("have values for fewer classes", "forest", _of_trees(lambda rows: rows["args"].__setitem__(1, array([2], "int64"))), _VALIDATION),
    "tree-more-classes": ("read values that are not there", "forest", _of_trees(lambda rows: rows["args"].__setitem__(1, array([300], "int64"))), _VALIDATION),
    "tree-more-outputs": ("read values that are not there", "forest", _of_trees(lambda rows: rows.__setitem__("args", [3, array([3, 3], "int64"), 2])), _VALIDATION),
    "tree-fewer-features": ("let wider data through", "forest", _of_trees(lambda rows: rows["args"].__setitem__(0, 1)), _VALIDATION),
    "tree-more-features": ("let narrower data through", "forest", _of_trees(lambda rows: rows["args"].__setitem__(0, 300)), _VALIDATION),
    "tree-args-short": ("make trees of less", "forest", _of_trees(lambda rows: rows["args"].pop()), _VALIDATION),
    "tree-values-type": ("have values of another type", "forest", _update("values", dtype="float32"), _REFUSED),
    "tree-values-order": ("have values in another order", "forest", _update("values", order="F"), _REFUSED),
    "tree-values-missing": ("have no values", "forest", _drop("values"), _VALIDATION),
    "tree-nodes-missing": ("have no nodes", "forest", _drop("nodes"), _VALIDATION),
    "tree-nodes-none": ("have no nodes", "forest", _set("nodes", None), _VALIDATION),
    "tree-more": ("have an attribute", "forest", _set("x", 1), _VALIDATION),
    "members-features": ("let wider data through", "forest", _of_estimators(n_features_in_=4), _VALIDATION),
    "members-features-flag": ("count features by a flag", "forest", _of_estimators(n_features_in_=True), _VALIDATION),
    "members-features-list": ("let one member take wider data", "forest", _of_estimators(n_features_in_=[3, 3, 4, 3, 3]), _VALIDATION),
    "members-outputs": ("have more outputs than the trees", "forest", _of_estimators(n_outputs_=2), _VALIDATION),
    "members-outputs-list": ("have more outputs than a tree", "forest", _of_estimators(n_outputs_=[1, 1, 1, 1, 2]), _VALIDATION),
    "members-classes": ("name classes that no tree knows", "forest", _of_estimators(n_classes_=4), _VALIDATION),
    "members-class-names": ("name fewer classes", "forest", _of_estimators(classes_=_column(array([0.0, 1.0]), same=True)), _VALIDATION),
    "members-class-list": ("have a list for classes", "forest", _of_estimators(classes_=[[0, 1, 2]] * 5), _VALIDATION),
    "members-class-none": ("have no classes", "forest", _of_estimators(classes_=None), _VALIDATION),
    "members-tree": ("have no trees", "forest", _of_estimators(tree_=None), _VALIDATION),
    "members-trees": ("have numbers for trees", "forest", _of_estimators(tree_=[1, 2, 3, 4, 5]), _VALIDATION),
    "members-method": ("replace methods", "forest", _of_estimators(predict_proba=1), _VALIDATION),
    "members-regressor": ("have classifiers vote on values", "values", lambda model: model["estimators_"].update(of="sklearn.tree.DecisionTreeClassifier"), _VALIDATION),
    "members-count": ("have fewer members", "forest", lambda model: model["estimators_"].update(count=4), _REFUSED),
    "members-features-boosting": ("let wider data through", "boosting", _of_estimators(n_features_in_=4), _VALIDATION),
    "predictor-left": ("lead outside of a predictor", "histogram", _set_field(5, 1 << 20), _VALIDATION),
    "predictor-cycle": ("walk in a circle", "histogram", _set_field(5, 0), _VALIDATION),
    "predictor-feature": ("read beyond the data", "histogram", _set_field(2, 3), _VALIDATION),
    "predictor-feature-negative": ("read before the data", "histogram", _set_field(2, -1), _VALIDATION),
    "predictor-bitset": ("read beyond the bitsets", "histogram", _of_trees(lambda rows: [node.__setitem__(slice(11, 13), [1, 1 << 20]) for node in rows["columns"]["nodes"]["array"]["data"]]), _VALIDATION),
    "predictor-wide-leaves": ("lead leaves outside of a predictor, after the check", "histogram", _wide_leaves, _VALIDATION),
    "predictor-nodes-one": ("have one tree's nodes for all", "histogram", _update("nodes", shape=[1]), _REFUSED),
    "predictor-bitsets-none": ("have no bitsets", "histogram", _set("raw_left_cat_bitsets", None), _VALIDATION),
    "predictor-bitsets-narrow": ("have bitsets of fewer words", "histogram", _set("raw_left_cat_bitsets", _column(array([[0]] * 75, "uint32", [75, 1]))), _REFUSED),
}  # fmt: skip


def _outside() -> bytes:
    """A column whose array leaves the segment."""
    described = {"$": "ndarray", "dtype": "float64", "shape": [100], "at": 64}
    return binary(_rows({"a": _column(described)}), bytes(800))


def _twice() -> bytes:
    """Two columns in the same bytes of the segment."""
    described = {"$": "ndarray", "dtype": "float64", "shape": [100], "at": 0}
    return binary(_rows({"a": _column(described), "b": _column(described)}), bytes(800))


def _compressed() -> bytes:
    """A column that says to be compressed, and is not."""
    described = {"$": "ndarray", "dtype": "float64", "shape": [100_000_000], "at": 0, "compression": "zlib", "compressed_nbytes": 800}  # fmt: skip
    return binary(_rows({"a": _column(described)}), bytes(800))


ATTACKS = [
    *(
        Attack(f"rows-{key}", tries, _OWN, lambda node=node: text_of(node), error)
        for key, (tries, node, error) in _NODES.items()
    ),
    *(
        Attack(f"rows-{key}", tries, _OWN, forged(lambda kind=kind: _fitted(kind), change), error)
        for key, (tries, kind, change, error) in _FORGED.items()
    ),
    Attack("rows-segment-outside", "read outside of the segment", _OWN, _outside, _DOCUMENT),
    Attack("rows-segment-twice", "have two columns in one memory", _OWN, _twice, _DOCUMENT),
    Attack("rows-segment-compressed", "expand to 800 MB", _OWN, _compressed, _REFUSED),
    Attack(
        "rows-objects-unreferenced",
        "have objects that nothing refers to",
        _OWN,
        lambda: text_of(1, objects=[{**_rows({"a": 1}), "$id": 1}]),
        _DOCUMENT,
    ),
    Attack(
        "rows-id-twice",
        "be two lists at once",
        _OWN,
        lambda: text_of([{**_rows({"a": 1}), "$id": 1}, {**_rows({"a": 2}), "$id": 1}, _REF]),
        _DOCUMENT,
    ),
    Attack(
        "rows-id-of-array",
        "share an array that is checked within rows",
        _OWN,
        lambda: text_of([_rows({"a": [{**_EIGHT, "$id": 1}] * 4}), _REF]),
        _DOCUMENT,
    ),
    Attack(
        "rows-denied",
        "have what a policy denies",
        _OWN,
        lambda: text_of(_rows({"a": 1})),
        _UNTRUSTED,
        f'extends = ["default"]\n[deny]\nclasses = ["{_ESTIMATOR}"]\n',
    ),
    Attack(
        "rows-only-called",
        "rebuild without arguments what may only be called with them",
        _OWN,
        lambda: text_of(_rows({"a": 1})),
        _UNTRUSTED,
        f'[allow]\nconstructors = ["{_ESTIMATOR}"]\n',
    ),
]
