"""Checks: states that are small, and that take what examines them without end, or crash it."""

from __future__ import annotations

from typing import Any

from attacks.attack import Attack, array, text_of

_OWN = "own: a small document that asks for much"
_REFUSED = "DocumentError|LimitError|ValidationError"
_SELF = {"$": "ref", "id": 1}
_TWICE_ITSELF = {"$": "list", "$id": 1, "items": [_SELF, _SELF]}
_HOLDS_ITSELF = {"$": "ndarray", "$id": 1, "dtype": "object", "shape": [], "data": _SELF}
_WITHOUT_FIELDS = {"$": "dtype", "names": [], "formats": [], "offsets": [], "itemsize": 0}
_EMPTY_FIELD = {"$": "dtype", "base": _WITHOUT_FIELDS, "shape": [1 << 15, 1 << 15]}
_MOST_TERMS = {"$": "int", "value": str(1 << 255)}


def _empty(dtype: Any, count: int = 1 << 40) -> dict[str, Any]:
    """An array of elements that have no bytes."""
    return array("", dtype, [count], encoding="base64")


def _record(dtype: Any, itemsize: int) -> dict[str, Any]:
    return {"$": "dtype", "names": ["a"], "formats": [dtype], "offsets": [0], "itemsize": itemsize}


def _labels(classes: Any, **state: Any) -> dict[str, Any]:
    return {"$": "sklearn.preprocessing.MultiLabelBinarizer", "classes_": classes, **state}


def _polynomial(**state: Any) -> dict[str, Any]:
    name = "sklearn.preprocessing.PolynomialFeatures"
    most = {"_min_degree": 0, "_max_degree": 65536, "n_features_in_": 1 << 22}
    return {"$": name, **most, "interaction_only": True, "include_bias": True, **state}


def _one_versus_rest(**state: Any) -> dict[str, Any]:
    inner = {"$": "sklearn.linear_model.LinearRegression", **state}
    return {"$": "sklearn.multiclass.OneVsRestClassifier", "estimators_": [inner]}


def _of_one_hash(count: int = 60_000) -> list[int]:
    """Integers of 64 bits that pandas, which xors shifted copies of their bits, hashes to zero, in no order."""
    keys = []
    for high in range(1, count + 1):
        low = high
        for _ in range(3):
            low = high ^ low << 11 & 0xFFFFFFFF
        keys.append(high << 33 | low)
    return keys[::2] + keys[1::2][::-1]


def _categories_of_one_hash() -> bytes:
    labels = {"$": "pandas.Index", "data": array(_of_one_hash(), "int64")}
    return text_of({"$": "pandas.Categorical", "codes": array([0], "int8"), "categories": labels})


def _levels_of_one_hash() -> bytes:
    labels = {"$": "pandas.Index", "data": array(_of_one_hash(), "int64")}
    members = {"levels": [labels], "codes": [array([0], "int8")], "names": [None]}
    return text_of({"$": "pandas.MultiIndex", **members})


_NODES: dict[str, tuple[str, Any]] = {
    **{
        f"empty-{dtype}": ("copy elements without bytes for ever", _empty(dtype))
        for dtype in ("V0", "S0", "U0", "|V0", "<U0")
    },
    "empty-records": ("copy records without fields for ever", _empty(_WITHOUT_FIELDS)),
    "empty-many": ("have many arrays of elements without bytes", [_empty("V0", 1 << 20)] * 2000),
    "empty-masked": ("mask elements without bytes", {"$": "maskedarray", "data": _empty("V0"), "mask": None}),
    "empty-subarray": (
        "hide elements without bytes in a field",
        array([[""]], _record(_EMPTY_FIELD, 8), [1]),
    ),
    "empty-scalar": (
        "hide elements without bytes in the field of a scalar",
        {
            "$": "scalar",
            "dtype": _record(_EMPTY_FIELD, 8),
            "value": [""],
        },
    ),
    "empty-classes": ("iterate over classes without bytes", _labels(_empty("V0"))),
    "polynomial": ("count terms for hours", _polynomial()),
    "polynomial-stated": (
        "count terms for hours, up to a number that is said to be right",
        [_polynomial(_n_out_full=_MOST_TERMS, n_output_features_=_MOST_TERMS)] * 1000,
    ),
    "polynomial-without-degrees": (
        "have a transform ask for memory before it looks for the degrees that would have been checked",
        {
            "$": "sklearn.preprocessing.PolynomialFeatures",
            "n_features_in_": 3,
            "_min_degree": 0,
            "_n_out_full": 1 << 32,
            "n_output_features_": 1 << 62,
        },
    ),
    "sketch-without-names": (
        "have a transform ask for memory for components that nothing counted",
        {
            "$": "sklearn.kernel_approximation.PolynomialCountSketch",
            "n_components": 1 << 32,
            "degree": 1,
            "indexHash_": array([[0, 0]], "int64", shape=[1, 2]),
            "bitHash_": array([[1, 1]], "int64", shape=[1, 2]),
        },
    ),
    "polynomial-powers": (
        "count terms of 65,536 degrees",
        [_polynomial(interaction_only=False, n_features_in_=65536, _n_out_full=7, n_output_features_=7)]
        * 1000,
    ),
    "polynomial-flag": (
        "crash at a flag that holds itself",
        _polynomial(interaction_only=_HOLDS_ITSELF, _n_out_full=1, n_output_features_=1),
    ),
    "parameter-cycle": (
        "have numpy follow a list that holds itself twice",
        {
            "$": "sklearn.neighbors.KNeighborsClassifier",
            "n_features_in_": 1,
            "metric_params": {"V": _TWICE_ITSELF},
        },
    ),
    "parameters-array": (
        "crash at parameters that hold themselves",
        {"$": "sklearn.neighbors.KNeighborsClassifier", "metric_params": _HOLDS_ITSELF},
    ),
    **{
        f"answers-{name}": (
            "have numpy follow a list that holds itself twice",
            _one_versus_rest(**{name: _TWICE_ITSELF}),
        )
        for name in ("classes_", "coef_", "intercept_", "_y")
    },
    "constant-cycle": (
        "have numpy follow a list that holds itself twice",
        {"$": "sklearn.dummy.DummyRegressor", "n_outputs_": 1, "constant_": _TWICE_ITSELF},
    ),
    "dummy-count": (
        "crash at a count that holds itself",
        {
            "$": "sklearn.dummy.DummyClassifier",
            "n_classes_": _HOLDS_ITSELF,
            "classes_": array([0, 1], "int64"),
        },
    ),
    "vocabulary-self": (
        "crash at a column that holds itself",
        {"$": "sklearn.feature_extraction.text.CountVectorizer", "vocabulary_": {"a": _HOLDS_ITSELF}},
    ),
    "labels-one-hash": (
        "have many labels collide",
        _labels([{"$": "int", "value": str((2**61 - 1) * i)} for i in range(100, 30_000)]),
    ),
    "labels-objects": ("have labels hashed that no label is", _labels([{"$": "dtype", "name": "int8"}])),
    "labels-missing": ("have columns of no labels", {"$": _labels([])["$"], "_cached_dict": {"a": 1 << 40}}),
}


_LEAF = {"$": "sklearn.cluster._birch._CFNode", "is_leaf": True, "subclusters_": [], "prev_leaf_": None}


def _leaves(count: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A chain of leaves, of which the one with the id 0 only begins it, and the tree that the others hang on."""
    leaves = [
        {**_LEAF, "$id": i, "next_leaf_": {"$": "ref", "id": i + 1} if i < count else None}
        | ({"prev_leaf_": {"$": "ref", "id": i - 1}} if i else {})
        for i in range(count + 1)
    ]
    subclusters = [
        {"$": "sklearn.cluster._birch._CFSubcluster", "child_": {"$": "ref", "id": i + 1}}
        for i in range(count)
    ]
    return leaves, {**_LEAF, "is_leaf": False, "subclusters_": subclusters}


def _births(roots: list[Any], leaves: list[dict[str, Any]]) -> bytes:
    birch = {"$": "sklearn.cluster.Birch", "dummy_leaf_": {"$": "ref", "id": 0}}
    return text_of([{**birch, "root_": root} for root in roots], objects=leaves)


def _chain_of_leaves(models: int, count: int) -> bytes:
    """Models that have one tree and its chain of leaves, after which one begins a chain that does not end."""
    leaves, tree = _leaves(count)
    births = [{"$": "ref", "id": -1}] * models + [{**_LEAF, "next_leaf_": None}]
    return _births(births, [*leaves, {**tree, "$id": -1}])


def _trees_of_leaves(models: int, count: int) -> bytes:
    """Models each of which has a root of its own for the same leaves."""
    leaves, tree = _leaves(count)
    subclusters = {"$": "ref", "id": -1}
    items = {"$": "list", "$id": -1, "items": tree["subclusters_"]}
    return _births([{**tree, "subclusters_": subclusters} for _ in range(models)], [*leaves, items])


def _split_into_a_cycle() -> bytes:
    """A leaf that follows on another than it says: split, it leads back to itself."""
    leaves, tree = _leaves(2)
    leaves[1]["prev_leaf_"] = {"$": "ref", "id": 2}
    return _births([tree], leaves)


def _node_within_itself() -> bytes:
    leaves, tree = _leaves(1)
    tree["subclusters_"].append(
        {"$": "sklearn.cluster._birch._CFSubcluster", "child_": {"$": "ref", "id": -1}}
    )
    return _births([{"$": "ref", "id": -1}], [*leaves, {**tree, "$id": -1}])


def _chain_of_trees(models: int) -> bytes:
    """Models each of which begins at another node of one tree, the smallest first."""
    name = "sklearn.cluster._bisect_k_means._BisectingTree"
    center = array([0.0])
    nodes: list[dict[str, Any]] = [{"$": name, "$id": 0, "center": center, "left": None}]
    for i in range(1, models):
        parts = {"left": {"$": "ref", "id": i - 1}, "center": center}
        right = {"$": name, "center": center, "left": None}
        nodes.append({"$": name, "$id": i, **parts, "right": right})
    state = {"cluster_centers_": array([[0.0]], shape=[1, 1]), "n_features_in_": 1, "_n_threads": 1}
    return text_of(
        [
            {"$": "sklearn.cluster.BisectingKMeans", **state, "_bisecting_tree": {"$": "ref", "id": i}}
            for i in range(models)
        ],
        objects=nodes,
    )


ATTACKS = [
    *(
        Attack(f"check-{key}", tries, _OWN, lambda node=node: text_of(node), _REFUSED)
        for key, (tries, node) in _NODES.items()
    ),
    Attack(
        "check-chain-of-leaves",
        "have many models walk one chain of leaves",
        _OWN,
        lambda: _chain_of_leaves(10, 2000),
        "ValidationError",
        says="and no other",
    ),
    Attack(
        "check-trees-of-leaves",
        "have many models walk the leaves of one tree",
        _OWN,
        lambda: _trees_of_leaves(10, 2000),
        "ValidationError",
        says="another tree",
    ),
    Attack(
        "check-split-into-a-cycle",
        "have the next batch split a leaf, from which on the chain of leaves does not end",
        "own: Birch links the halves of a leaf to those that it says it stands between",
        _split_into_a_cycle,
        "ValidationError",
        says="follows on another",
    ),
    Attack(
        "check-node-within-itself",
        "have the next batch go down a tree without end",
        "own, as for leaves",
        _node_within_itself,
        "ValidationError",
        says="a node twice",
    ),
    Attack(
        "check-chain-of-trees",
        "have many models walk one tree",
        _OWN,
        lambda: _chain_of_trees(3000),
        "ValidationError",
        says="another tree",
    ),
    *(
        Attack(
            f"check-{key}-of-one-hash",
            f"have pandas compare {key} each with each while loading",
            _OWN,
            make,
            "LimitError",
            says="labels have the same hash",
        )
        for key, make in (("categories", _categories_of_one_hash), ("levels", _levels_of_one_hash))
    ),
]
