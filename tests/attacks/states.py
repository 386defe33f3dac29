"""States: attributes that would replace behaviour, and numbers that compiled code would index by."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from attacks.attack import Attack, array, callable_node, forged, text_of, view

_VALIDATION = "ValidationError"
_REFUSED = "ValidationError|DocumentError"

_SVC = "sklearn.svm.SVC"


def _svc(**attributes: Any) -> dict[str, Any]:
    return {"$": _SVC, "kernel": "rbf", **attributes}


_ATTRIBUTES: dict[str, tuple[str, Any]] = {
    "dunder-class": ("change the class of the object", _svc(__class__="x")),
    "dunder-dict": ("replace all attributes", _svc(__dict__={})),
    "dunder-reduce": ("choose what copying does", _svc(__reduce_ex__=callable_node("builtins.max"))),
    "dunder-getstate": ("choose what saving does", _svc(__getstate__=callable_node("builtins.max"))),
    "dunder-getattr": ("choose what attributes give", _svc(__getattr__=callable_node("builtins.max"))),
    "dunder-array": (
        "have numpy read any address",
        _svc(
            __array_interface__={
                "data": {"$": "tuple", "items": [0, False]},
                "shape": {"$": "tuple", "items": [1]},
                "typestr": "<f8",
                "version": 3,
            }
        ),
    ),
    "dunder-array-struct": ("have numpy read any address", _svc(__array_struct__=1)),
    "dunder-cuda": ("have a library read any address", _svc(__cuda_array_interface__={})),
    "dunder-call": ("be called", _svc(__call__=callable_node("builtins.max"))),
    "dunder-len": ("lie about a length", _svc(__len__=callable_node("builtins.len"))),
    "dunder-sklearn-tags": ("lie about tags", _svc(__sklearn_tags__=1)),
    "dunder-sklearn-clone": (
        "choose what cloning does",
        _svc(__sklearn_clone__=callable_node("builtins.max")),
    ),
    "dunder-deepcopy": ("choose what copying does", _svc(__deepcopy__=callable_node("builtins.max"))),
    "method-fit": ("replace a method by a function", _svc(fit=callable_node("builtins.max"))),
    "method-predict": ("replace a method by a function", _svc(predict=callable_node("builtins.max"))),
    "method-get-params": ("replace a method by data", _svc(get_params=1)),
    "method-private": ("replace a method by data", _svc(_validate_data=1, _dense_fit=2)),
    "method-repr": ("replace a method by data", _svc(_repr_html_=callable_node("builtins.max"))),
    "link-template": (
        "have a display format a link of 100 GB",
        _svc(__doc_link_template="{estimator_name:>99999999999}"),
    ),
    "link-module": ("have a display make a link of its own", _svc(_doc_link_module="sklearn")),
    "link-generator": (
        "have a display call a function for a link",
        _svc(_doc_link_url_param_generator=callable_node("builtins.max")),
    ),
    "constraints": ("have a fit take any parameter", _svc(_parameter_constraints={})),
    "table": ("have others compute the loss", _svc(_sparse_kernels=["rbf"])),
    "property": ("hide a property", _svc(coef_=array([1.0]))),
    "no-identifier": ("have an attribute that no code reads", _svc(**{"a b": 1})),
    "no-identifier-dot": ("have an attribute that looks nested", _svc(**{"a.b": 1})),
    "no-identifier-empty": ("have an attribute without a name", _svc(**{"": 1})),
    "no-identifier-nul": ("cut a name short", {"$": _SVC, "fit\0": 1}),
    "unicode-twin": ("have Python's normalisation make another name of it", _svc(ﬁt=1)),
    "state-number": ("have a state of another form", {"$": _SVC, "$state": 5}),
    "state-text": ("have a state of another form", {"$": _SVC, "$state": "abc"}),
    "state-list": ("have a state of another form", {"$": _SVC, "$state": [1]}),
    "state-dunder": (
        "hide a dunder in a state",
        {"$": _SVC, "$state": {"$": "dict", "items": [["__class__", 1]]}},
    ),
    "state-nontext-key": (
        "have an attribute whose name is a number",
        {"$": _SVC, "$state": {"$": "dict", "items": [[5, 1]]}},
    ),
    "state-slots-pair": (
        "hide a dunder in the state of slots",
        {"$": _SVC, "$state": {"$": "tuple", "items": [None, {"__class__": 1}]}},
    ),
    "state-subclass-dict": (
        "hide a dunder in another kind of dict",
        {"$": _SVC, "$state": {"$": "ordereddict", "items": [["__class__", 1]]}},
    ),
    "state-bunch": (
        "hide a dunder in a Bunch",
        {"$": _SVC, "$state": {"$": "sklearn.utils.Bunch", "$items": {"__class__": 1}}},
    ),
    "state-and-attributes": ("have two states", {"$": _SVC, "$state": {}, "C": 1}),
    "items-of-no-container": ("put items into what holds none", {"$": _SVC, "$items": [1]}),
    "bunch-dunder": (
        "have numpy read any address through a Bunch",
        {
            "$": "sklearn.utils.Bunch",
            "$items": {
                "__array_interface__": {"data": [0, False], "shape": [1], "typestr": "<f8", "version": 3}
            },
        },
    ),
    "bunch-nontext": (
        "have a Bunch with an item that is no name",
        {"$": "sklearn.utils.Bunch", "$items": {"$": "dict", "items": [[5, 1]]}},
    ),
    "namespace-dunder": ("change the class of a namespace", {"$": "types.SimpleNamespace", "__class__": 1}),
    "array-state-dunder": (
        "change what an array in a class does",
        {
            "$": "ndarray",
            "dtype": "float64",
            "shape": [1],
            "data": [1.0],
            "name": "numpy.recarray",
            "state": {"__array_finalize__": 1},
        },
    ),
    "args-and-new": ("be made twice", {"$": "sklearn.tree._tree.Tree", "$args": [], "$new": []}),
    "args-text": ("spread text over arguments", {"$": "sklearn.tree._tree.Tree", "$args": "abc"}),
    "tree-args": (
        "allocate by sizes that lie",
        {"$": "sklearn.tree._tree.Tree", "$args": [2**62, array([2], "int64"), 1]},
    ),
    "tree-args-negative": (
        "allocate by negative sizes",
        {"$": "sklearn.tree._tree.Tree", "$args": [-1, array([-2], "int64"), -1]},
    ),
    "tree-without-state": (
        "use a tree that nobody filled",
        {
            "$": "sklearn.tree.DecisionTreeClassifier",
            "tree_": {"$": "sklearn.tree._tree.Tree", "$args": [1, array([2], "int64"), 1]},
        },
    ),
    "bits-unknown": (
        "make a bit generator of any name",
        {"$": "bitgenerator", "name": "os.system", "state": {}},
    ),
    "randomstate-of-number": (
        "make a RandomState of what is no bit generator",
        {"$": "randomstate", "bit_generator": 5, "has_gauss": 0, "gauss": 0.0},
    ),
    "generator-of-number": (
        "make a Generator of what is no bit generator",
        {"$": "generator", "bit_generator": None},
    ),
}

# Each of these classes is refused unless its state is attributes.
_EXPECTED_UNTRUSTED = {"bits-unknown": "UntrustedNameError|DocumentError|ValidationError"}


# -- states of fitted models, changed --------------------------------------------------------------------------


@cache
def _data() -> tuple[Any, Any]:
    from sklearn.datasets import make_classification

    data: tuple[Any, Any] = make_classification(60, 4, random_state=0)
    return data


def _fitted(name: str, **parameters: Any) -> Callable[[], Any]:
    def make() -> Any:
        import importlib

        module, _, cls = name.rpartition(".")
        X, y = _data()
        return getattr(importlib.import_module(f"sklearn.{module}"), cls)(**parameters).fit(X, y)

    return make


def _first(node: Any, member: str) -> Any:
    """The first object below a node that has a member."""
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if member in node:
                return node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    raise LookupError(f"nothing has the member {member!r}")


def _put(member: str, *path: Any, value: Any) -> Callable[[Any], None]:
    """Replace what lies at a path below the first object that has a member."""

    def change(model: Any) -> None:
        target = _first(model, member)
        keys = [member, *path]
        for key in keys[:-1]:
            target = target[key]
        assert target[keys[-1]] != value, "this changes nothing"
        target[keys[-1]] = value

    return change


def _node_field(field: str, row: int, value: Any, beside: str = "nodes") -> Callable[[Any], None]:
    """Replace a field of one node of the first tree whose state has the member ``beside``."""

    def change(model: Any) -> None:
        nodes = _first(model, beside)["nodes"]
        dtype = nodes["dtype"]
        names = (_first(model, "names") if dtype.get("$") == "ref" else dtype)["names"]
        nodes["data"][row][names.index(field)] = value

    return change


#: The same of the first histogram tree.
_predictor_field = partial(_node_field, beside="binned_left_cat_bitsets")


_TREE = _fitted("tree.DecisionTreeClassifier", random_state=0)
_FOREST = _fitted("ensemble.RandomForestClassifier", n_estimators=3, random_state=0)
_BOOST = _fitted("ensemble.HistGradientBoostingClassifier", max_iter=2, min_samples_leaf=5)
_SVM = _fitted("svm.SVC")
_NU = _fitted("svm.NuSVC")
_KD = _fitted("neighbors.KNeighborsClassifier", algorithm="kd_tree", leaf_size=5)
_BALL = _fitted("neighbors.KNeighborsClassifier", algorithm="ball_tree", leaf_size=5)

_FORGED: dict[str, tuple[str, str, Callable[[], Any], Callable[[Any], None]]] = {
    "tree-left-far": ("index past the nodes", "PR 34558", _TREE, _node_field("left_child", 0, 10**9)),
    "tree-left-negative": ("index before the nodes", "PR 34558", _TREE, _node_field("left_child", 0, -7)),
    "tree-right-far": ("index past the nodes", "PR 34558", _TREE, _node_field("right_child", 0, 10**9)),
    "tree-self": ("walk for ever", "PR 34558", _TREE, _node_field("left_child", 0, 0)),
    "tree-cycle": ("walk for ever", "PR 34558", _TREE, _node_field("right_child", 1, 0)),
    "tree-shared-child": ("be a graph", "PR 34558", _TREE, _node_field("right_child", 0, 1)),
    "tree-half-leaf": ("have one child", "PR 34558", _TREE, _node_field("left_child", 0, -1)),
    "tree-feature-far": (
        "index past the features",
        "skops pull request 535",
        _TREE,
        _node_field("feature", 0, 10**6),
    ),
    "tree-feature-negative": (
        "index before the features",
        "skops pull request 535",
        _TREE,
        _node_field("feature", 0, -100),
    ),
    "tree-node-count": (
        "count nodes that are not there",
        "skops pull request 535",
        _TREE,
        _put("node_count", value=10**6),
    ),
    "tree-node-count-small": (
        "count fewer nodes than there are",
        "PR 34558",
        _TREE,
        _put("node_count", value=1),
    ),
    "tree-node-count-negative": ("count fewer than none", "PR 34558", _TREE, _put("node_count", value=-1)),
    "tree-max-depth": (
        "have a path longer than the buffer",
        "PR 34558",
        _TREE,
        _put("tree_", "max_depth", value=1),
    ),
    "tree-max-depth-huge": (
        "have a buffer as long as it says",
        "PR 34558",
        _TREE,
        _put("tree_", "max_depth", value=2**40),
    ),
    "tree-values-short": (
        "read past the values",
        "PR 34558",
        _TREE,
        _put("values", value=array([[[1.0, 2.0]]], shape=[1, 1, 2])),
    ),
    "tree-values-dtype": (
        "read numbers of another size",
        "PR 34558",
        _TREE,
        _put("values", "dtype", value="float32"),
    ),
    "forest-one-tree": (
        "hide one bad tree among good ones",
        "own",
        _FOREST,
        _node_field("left_child", 0, 10**8),
    ),
    "forest-features": (
        "have a forest pass fewer features than its trees read",
        "own",
        _FOREST,
        _put("n_features_in_", value=1),
    ),
    "forest-classes": (
        "have a forest sum more classes than its trees have",
        "own",
        _FOREST,
        _put("n_classes_", value=7),
    ),
    "forest-no-estimator": ("have a number as a tree", "own", _FOREST, _put("estimators_", 2, value=5)),
    "boosting-left": (
        "index past the nodes",
        "own, after PR 34558",
        _BOOST,
        _predictor_field("left", 0, 10**6),
    ),
    "boosting-cycle": ("walk for ever", "own, after PR 34558", _BOOST, _predictor_field("left", 0, 0)),
    "boosting-feature": (
        "index past the features",
        "own, after PR 34558",
        _BOOST,
        _predictor_field("feature_idx", 0, 10**6),
    ),
    "boosting-categorical": (
        "read bitsets that are not there",
        "own, after PR 34558",
        _BOOST,
        _predictor_field("is_categorical", 0, 1),
    ),
    "svm-n-support": (
        "read past the support vectors",
        "scikit-learn issue 18891",
        _SVM,
        _put("_n_support", "data", 0, value=10**6),
    ),
    "svm-n-support-negative": (
        "read before the support vectors",
        "scikit-learn issue 18891",
        _SVM,
        _put("_n_support", "data", 0, value=-5),
    ),
    "svm-n-support-short": (
        "have fewer counts than classes",
        "scikit-learn issue 18891",
        _SVM,
        _put("_n_support", value=array([1], "int32")),
    ),
    "svm-dual-coef": (
        "have fewer coefficients than vectors",
        "own, after issue 18891",
        _SVM,
        _put("_dual_coef_", value=array([[1.0]], shape=[1, 1])),
    ),
    "svm-vectors": (
        "have fewer vectors than counted",
        "own, after issue 18891",
        _SVM,
        _put("support_vectors_", value=array([[1.0] * 4], shape=[1, 4])),
    ),
    "svm-intercept": (
        "have fewer intercepts than pairs of classes",
        "own, after issue 18891",
        _SVM,
        _put("_intercept_", value=array([], shape=[0])),
    ),
    "svm-probabilities": (
        "have half of the probability parameters",
        "own, after issue 18891",
        _SVM,
        _put("_probA", value=array([1.0, 2.0, 3.0])),
    ),
    "kd-tree-index": (
        "index past the data",
        "own, after PR 34558",
        _KD,
        _put("idx_array", "data", 0, value=10**6),
    ),
    "kd-tree-index-negative": (
        "index before the data",
        "own, after PR 34558",
        _KD,
        _put("idx_array", "data", 0, value=-5),
    ),
    "kd-tree-index-twice": (
        "count one row twice",
        "own, after PR 34558",
        _KD,
        _put("idx_array", "data", 0, value=1),
    ),
    "kd-tree-range": (
        "read rows past the end",
        "own, after PR 34558",
        _KD,
        _put("node_data", "data", 0, 1, value=10**6),
    ),
    "kd-tree-range-negative": (
        "read rows before the start",
        "own, after PR 34558",
        _KD,
        _put("node_data", "data", 0, 0, value=-10),
    ),
    "kd-tree-no-leaf": (
        "walk past the last node",
        "own, after PR 34558",
        _KD,
        _put("node_data", "data", 14, 2, value=0),
    ),
    "kd-tree-nodes": (
        "count nodes that are not there",
        "own, after PR 34558",
        _KD,
        _put("n_nodes", value=10**6),
    ),
    "kd-tree-levels": (
        "count levels that are not there",
        "own, after PR 34558",
        _KD,
        _put("n_levels", value=60),
    ),
    "kd-tree-bounds": (
        "read bounds that are not there",
        "own, after PR 34558",
        _KD,
        _put("node_bounds", value=array([[[0.0]]], shape=[1, 1, 1])),
    ),
    "ball-tree-index": (
        "index past the data",
        "own, after PR 34558",
        _BALL,
        _put("idx_array", "data", 0, value=10**6),
    ),
    "ball-tree-bounds": (
        "read centres that are not there",
        "own, after PR 34558",
        _BALL,
        _put("node_bounds", value=array([[[0.0]]], shape=[1, 1, 1])),
    ),
    "distance-matrix": (
        "read a matrix that is not there",
        "own, after PR 34558",
        _KD,
        _put("dist_metric", "mat", value=array([], shape=[0])),
    ),
    "nusvm-n-support": (
        "read past the support vectors",
        "scikit-learn issue 18891",
        _NU,
        _put("_n_support", "data", 1, value=10**6),
    ),
}

_INIT = "GradientBoosting adds to predictions that it does not count: own"


def _boosting(init: Callable[[], Any], name: str = "GradientBoostingClassifier") -> Callable[[], Any]:
    return lambda: _fitted(f"ensemble.{name}", n_estimators=2, init=init())()


def _pipeline() -> Any:
    from sklearn.decomposition import PCA
    from sklearn.dummy import DummyRegressor
    from sklearn.pipeline import make_pipeline

    return make_pipeline(PCA(1), DummyRegressor())


def _voters() -> Any:
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.linear_model import LogisticRegression

    return AdaBoostClassifier(LogisticRegression(), n_estimators=2)


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


def _three_axes(shape: list[int]) -> dict[str, Any]:
    node: Any = 1.0
    for length in reversed(shape):
        node = [node] * length
    return array(node, shape=shape)


def _answers(*steps: str) -> Callable[[], Any]:
    """A classifier of several labels, each by a pipeline of these steps."""

    def make() -> Any:
        import numpy as np
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline

        X, y = _data()
        parts = [_fitted(step)() for step in steps]
        return OneVsRestClassifier(make_pipeline(*parts) if len(parts) > 1 else parts[0]).fit(
            X, np.c_[y, 1 - y]
        )

    return make


_ANSWERS = "OneVsRestClassifier makes sparse indices of answers that it does not count: own"

_BISECTED = _fitted("cluster.BisectingKMeans", n_clusters=2, random_state=0)


def _label_binarizer() -> Any:
    from sklearn.preprocessing import LabelBinarizer

    return LabelBinarizer().fit([1.0, 2.0, 3.0])


def _labelling(*, keywords: bool) -> Any:
    from sklearn.preprocessing import FunctionTransformer, label_binarize

    if keywords:
        return FunctionTransformer(label_binarize, kw_args={"classes": [1.0, 2.0]})
    return FunctionTransformer(partial(label_binarize, classes=[1.0, 2.0]))


def _precomputed(model: dict[str, Any]) -> None:
    model["metric"] = "precomputed"


def _without_samples(model: dict[str, Any]) -> None:
    model["_fit_X"].update(shape=[0, 4], data=[])
    model["n_samples_fit_"] = 0


def _center_of_rows(model: dict[str, Any]) -> None:
    center = model["_bisecting_tree"]["left"]["center"]
    center["shape"].append(1)
    center["data"] = [[value] for value in center["data"]]


def _frame(data: dict[str, Any]) -> dict[str, Any]:
    """The node of a DataFrame with a row for each row of an array."""
    counting = [{"$": "pandas.RangeIndex", "start": 0, "stop": n, "step": 1} for n in data["shape"]]
    blocks = [{"columns": list(range(data["shape"][1])), "data": data}]
    return {"$": "pandas.DataFrame", "index": counting[0], "columns": counting[1], "blocks": blocks}


def _birch_of(name: str) -> Any:
    """A Birch that has an estimator cluster what it finds."""
    from sklearn import cluster

    return _fitted("cluster.Birch", threshold=0.1, n_clusters=getattr(cluster, name)())()


_WITHOUT_ORDER: dict[str, Any] = {
    "$": "ndarray",
    "dtype": "object",
    "shape": [5],
    "data": [5.0, {"$": "float", "value": "nan"}, 1.0, 1.0, 1.0],
}


def _impostor(model: dict[str, Any]) -> None:
    """Give a machine support vectors that are no matrix, but have all that is asked of one, and rows that lie far away."""
    vectors = _first(model, "support_vectors_")["support_vectors_"]
    parts = {member: vectors[member] for member in ("format", "data", "indices", "indptr")}
    parts["indptr"]["data"] = [10**6 * start for start in parts["indptr"]["data"]]
    shape = {"$": "tuple", "items": vectors["shape"]}
    model["support_vectors_"] = {"$": "types.SimpleNamespace", "shape": shape, **parts}


def _sparse_machine() -> Any:
    from scipy.sparse import csr_matrix
    from sklearn.svm import SVC

    X, y = _data()
    return SVC().fit(csr_matrix(X), y)


def _short_coefficients(model: dict[str, Any]) -> None:
    """Give a model, in place of coefficients, what says that there is one for each feature, and gives a single one."""
    ravel = {"$": "partial", "func": callable_node("numpy.ravel"), "args": [array([1.0])], "kwargs": {}}
    shape = {"$": "tuple", "items": model["coef_"]["shape"]}
    model["coef_"] = {
        "$": "types.SimpleNamespace",
        "shape": shape,
        "dtype": {"$": "dtype", "name": "float64"},
        "ravel": ravel,
    }


def _answer_by(function: Any) -> Callable[[Any], None]:
    """Put an object into the place of each estimator that answers by a function, in an attribute named as the method."""

    def change(model: Any) -> None:
        holder = _first(model, "estimators_")
        stand_in = {"$": "sklearn.preprocessing.Normalizer", "norm": "l2", "decision_function": function}
        holder["estimators_"] = [stand_in] * len(holder["estimators_"])

    return change


def _answer_constantly(model: Any) -> None:
    constant = {"$": "sklearn.multiclass._ConstantPredictor", "y_": array([1.0] * 50)}
    model["estimators_"] = [constant] * len(model["estimators_"])


def _five_neurons(model: Any) -> None:
    network = _first(model, "coefs_")
    n_inputs = network["coefs_"][-1]["shape"][0]
    network["coefs_"][-1] = _three_axes([n_inputs, 5])
    network["intercepts_"][-1] = array([1.0] * 5)


def _constant_in_many_columns(model: Any) -> None:
    """Have the targets of voters turned back into fifty columns, which become the rows of the vote."""
    for voters in model["estimators_"]:
        for voter in voters["estimators_"]:
            voter["transformer_"] = {
                "$": "sklearn.decomposition.PCA",
                "whiten": False,
                "components_": _three_axes([1, 50]),
                "mean_": array([0.0] * 50),
            }


def _voters_of_targets() -> Any:
    import numpy as np
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import VotingRegressor
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import StandardScaler

    X, y = _data()
    return OneVsRestClassifier(
        VotingRegressor([("a", TransformedTargetRegressor(transformer=StandardScaler()))])
    ).fit(X, np.c_[y, 1 - y])


def _boosting_from(name: str) -> Callable[[], Any]:
    def make() -> Any:
        from sklearn.ensemble import GradientBoostingRegressor

        X, y = _data()
        return GradientBoostingRegressor(n_estimators=2, init=_fitted(name)()).fit(X, y)

    return make


def _topics() -> Any:
    from sklearn.decomposition import LatentDirichletAllocation

    return LatentDirichletAllocation(2, max_iter=1).fit(abs(_data()[0]))


def _factors() -> Any:
    from sklearn.decomposition import NMF

    X, _ = _data()
    return NMF(n_components=2, init="random", random_state=0).fit(abs(X))


def _fitted_to_one(name: str) -> Callable[[], Any]:
    """An estimator that takes one feature."""

    def make() -> Any:
        import importlib

        module, _, cls = name.rpartition(".")
        X, y = _data()
        return getattr(importlib.import_module(f"sklearn.{module}"), cls)().fit(X[:, 0], y)

    return make


def _boosting_from_network() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier

    X, _ = _data()
    network = MLPClassifier((1,), max_iter=2, random_state=0)
    return GradientBoostingClassifier(n_estimators=2, init=network).fit(X, X[:, 0].round() % 3)


def _boosting_from_zero() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    X, _ = _data()
    return GradientBoostingClassifier(n_estimators=2, init="zero").fit(X, X[:, 0].round() % 3)


def _hard_voters() -> Any:
    from sklearn.ensemble import VotingClassifier
    from sklearn.naive_bayes import GaussianNB

    X, y = _data()
    return VotingClassifier([("a", GaussianNB())]).fit(X, y)


def _masked(value: int) -> dict[str, Any]:
    return {"$": "maskedarray", "data": array(value, "int64", []), "mask": array(True, "bool", [])}


def _guess_by_function(model: Any) -> None:
    first = {"$": "itemgetter", "items": [0]}
    model["init_"] = {"$": "types.SimpleNamespace", "predict": first}


_MANY_ROWS = [[0.0] * 4] * 50

_FORGED |= {
    "machine-of-impostor": (
        "have libsvm read support vectors far outside of their memory",
        "own: anything may have the attributes of a sparse matrix, and nothing checks what is in them",
        _sparse_machine,
        _impostor,
    ),
    "coefficients-of-impostor": (
        "have stochastic gradient descent write past a single coefficient",
        "own: anything may have a shape, and a function as `ravel`",
        _fitted("linear_model.SGDClassifier"),
        _short_coefficients,
    ),
    "answers-by-ufunc": (
        "give an answer for each feature of each sample",
        _ANSWERS,
        _answers("linear_model.LogisticRegression"),
        _answer_by(callable_node("numpy.exp")),
    ),
    "answers-by-getter": (
        "give the first sample fifty times",
        _ANSWERS,
        _answers("linear_model.LogisticRegression"),
        _answer_by({"$": "itemgetter", "items": [0] * 50}),
    ),
    "answers-by-getter-of-rows": (
        "give the first sample fifty times to a classifier",
        _ANSWERS,
        _answers("preprocessing.FunctionTransformer", "linear_model.LogisticRegression"),
        _put("func", value={"$": "itemgetter", "items": [0] * 50}),
    ),
    "answers-by-where": (
        "have a function compute as many rows as its keywords have",
        _ANSWERS,
        _answers("preprocessing.FunctionTransformer", "linear_model.LogisticRegression"),
        _put("kw_args", value={"where": [[True] * 4] * 50}),
    ),
    "answers-by-list": (
        "give more answers than samples, by a list of lists for an array",
        _ANSWERS,
        _answers("decomposition.FactorAnalysis", "linear_model.LogisticRegression"),
        _put("mean_", value=_MANY_ROWS),
    ),
    "answers-by-deque": (
        "give more answers than samples, by a deque of lists for an array",
        _ANSWERS,
        _answers("decomposition.FactorAnalysis", "linear_model.LogisticRegression"),
        _put("mean_", value={"$": "deque", "items": _MANY_ROWS, "maxlen": None}),
    ),
    "answers-by-constant": (
        "repeat fifty constants for each sample",
        _ANSWERS,
        _answers("linear_model.LogisticRegression"),
        _answer_constantly,
    ),
    "answers-by-neurons": (
        "give the answers of five neurons as those of five samples",
        _ANSWERS,
        _answers("neural_network.MLPClassifier"),
        _five_neurons,
    ),
    "answers-by-layers": (
        "give the answers of a hidden layer",
        _ANSWERS,
        _answers("neural_network.MLPClassifier"),
        _put("n_layers_", value=2),
    ),
    "answers-by-offset": (
        "compare one sample with fifty offsets",
        _ANSWERS,
        _answers("covariance.EllipticEnvelope"),
        _put("offset_", value=array([0.0] * 50)),
    ),
    "answers-by-mean": (
        "add fifty means to one answer",
        _ANSWERS,
        _answers("gaussian_process.GaussianProcessRegressor"),
        _put("_y_train_mean", value=[0.0] * 50),
    ),
    "answers-by-kernel": (
        "have a function of one argument write to the samples, as a kernel of two",
        _ANSWERS,
        _answers("gaussian_process.GaussianProcessRegressor"),
        _put("kernel_", value=callable_node("numpy.exp")),
    ),
    "answers-of-targets": (
        "give votes that have a row for each column of the targets",
        _ANSWERS,
        _voters_of_targets,
        _constant_in_many_columns,
    ),
    "answers-of-no-kind": (
        "be asked for several labels, by a kind of labels that compares with none",
        _ANSWERS,
        _answers("linear_model.LogisticRegression"),
        lambda model: (
            model["label_binarizer_"].update(y_type_={"$": "masked"}),
            _answer_constantly(model),
        ),
    ),
    "boosting-from-masked-count": (
        "start from one prediction a sample for three classes, by a masked number of trees",
        "own: a masked number is equal to, and differs from, every other",
        _boosting_from_zero,
        lambda model: model.update(n_trees_per_iteration_=_masked(1)),
    ),
    "features-masked": (
        "take data of any number of features",
        "own: a masked number is equal to, and differs from, every other",
        _fitted("svm.SVC"),
        _put("n_features_in_", value={"$": "masked"}),
    ),
    "votes-of-neither-kind": (
        "count votes for classes that are not there, by a kind of vote that is neither hard nor soft",
        "own: VotingClassifier votes hard unless it is told to vote soft",
        _hard_voters,
        lambda model: (
            model.update(voting="none"),
            model["estimators_"][0]["classes_"].update(dtype="int64", data=[0, 2**31 - 1]),
        ),
    ),
    "boosting-from-layer": (
        "start from one number a sample for three classes, that of a hidden layer",
        "own: a network stops at the layer that its number of layers says",
        _boosting_from_network,
        _put("n_layers_", value=2),
    ),
    "boosting-from-function": (
        "start from fewer predictions than samples, which the trees are added to",
        "own: boosting adds to the predictions of anything that has an attribute `predict`",
        _boosting_from("linear_model.Ridge"),
        _guess_by_function,
    ),
    "thresholds-of-lists": (
        "have scipy sort whatever lists hold, while a state is set",
        "own: isotonic regression makes its function of whatever its thresholds are",
        _fitted_to_one("isotonic.IsotonicRegression"),
        _put("X_thresholds_", value=[[0.0, 1.0]] * 60),
    ),
    "bias-of-many": (
        "have names for two billion features that there are not",
        "own: SplineTransformer counts with a flag as with a number",
        _fitted("preprocessing.SplineTransformer"),
        _put("include_bias", value=1 << 31),
    ),
    "factors-of-masked-count": (
        "write four weights for each sample into room for as many as there are components",
        "own: a masked number is equal to, and differs from, every other",
        _factors,
        lambda model: model.update(n_components=_masked(4)),
    ),
    "classes-without-order": (
        "write a column past the end of an indicator matrix",
        "own: LabelBinarizer searches classes that numpy could not sort, for the NaN among them",
        _label_binarizer,
        _put("classes_", value=_WITHOUT_ORDER),
    ),
    "classes-of-function": (
        "write a column past the end of an indicator matrix, by a function",
        "own, as for LabelBinarizer",
        partial(_labelling, keywords=True),
        _put("kw_args", "classes", value=_WITHOUT_ORDER),
    ),
    "classes-of-partial": (
        "write a column past the end of an indicator matrix, by a partial",
        "own, as for LabelBinarizer",
        partial(_labelling, keywords=False),
        _put("kwargs", "classes", value=_WITHOUT_ORDER),
    ),
    "neighbours-precomputed": (
        "compare samples of any width with those that it has",
        "own: kneighbors looks at no column where the metric is precomputed",
        _fitted("neighbors.KNeighborsClassifier", algorithm="brute"),
        _precomputed,
    ),
    "neighbours-of-none": (
        "have no samples, which are divided into chunks of no samples",
        "own: scikit-learn's pairwise reductions divide by the number of samples",
        _fitted("neighbors.NearestNeighbors", algorithm="brute"),
        _without_samples,
    ),
    "interaction-of-many": (
        "skip a hundred entries for each that products of sparse features are made of",
        "own: PolynomialFeatures counts with a flag as with a number",
        _fitted("preprocessing.PolynomialFeatures", interaction_only=True),
        _put("interaction_only", value=100),
    ),
    "clusters-of-none": (
        "write samples to the first of no centers, once Birch fits the clusterer that it has",
        "own: partial_fit of a fitted estimator has no parameters validated, nor those of others that it fits",
        _fitted("cluster.KMeans", n_clusters=2, n_init=1),
        _put("n_clusters", value=0),
    ),
    "clusters-of-any-distance": (
        "search neighbours at distances that are not finite without end",
        "own: a fitted Birch does not have the parameters of the clusterer validated that it fits",
        partial(_birch_of, "HDBSCAN"),
        _put("n_clusters", "alpha", value=0),
    ),
    "clusters-of-one-sample": (
        "have clusters of fewer than two samples, which scikit-learn refuses",
        "own, as for the distance",
        partial(_birch_of, "HDBSCAN"),
        _put("n_clusters", "min_cluster_size", value=0),
    ),
    "clusters-of-no-clusterer": (
        "have the next batch fit what is no clusterer",
        "own, as for the distance",
        _fitted("cluster.Birch", threshold=0.1),
        _put("n_clusters", value={"$": "sklearn.pipeline.Pipeline", "steps": []}),
    ),
    "birch-norms": (
        "have fewer norms than centers, which are compared by them",
        "own: Birch hands its norms to compiled code in place of those of its centers",
        _fitted("cluster.Birch", threshold=0.1),
        _put("_subcluster_norms", value=array([1.0])),
    ),
    "precision-of-one": (
        "have a precision of one feature, which distances read at every other",
        "own: scipy's Mahalanobis distance trusts the shape of VI",
        _fitted("covariance.EmpiricalCovariance"),
        _put("precision_", value=_three_axes([1, 1])),
    ),
    "covariance-of-one": (
        "have a covariance of one feature, of which the precision is made",
        "own, as for the precision",
        _fitted("covariance.EmpiricalCovariance", store_precision=False),
        _put("covariance_", value=_three_axes([1, 1])),
    ),
    "coefficients-of-no-class": (
        "have no row of coefficients, of which stochastic gradient descent writes the first",
        "own: partial_fit compares the last axis with the features, and then takes the coefficients as one row",
        _fitted("linear_model.SGDClassifier"),
        _put("coef_", value=_three_axes([0, 4])),
    ),
    "classes-of-bayes": (
        "write a column past the end of an indicator matrix, by the next batch",
        "own, as for LabelBinarizer",
        _fitted("naive_bayes.BernoulliNB"),
        _put("classes_", value=_WITHOUT_ORDER),
    ),
    "bisecting-center-of-rows": (
        "have a center of one column, which sparse samples are compared with by theirs",
        "own",
        _BISECTED,
        _center_of_rows,
    ),
    "answers-by-coefficients": (
        "give more answers than samples",
        _ANSWERS,
        _answers("linear_model.LogisticRegression"),
        _put("coef_", value=_three_axes([1, 4, 50])),
    ),
    "answers-by-centres": (
        "give more answers than samples, once there is a single sample",
        _ANSWERS,
        _answers("decomposition.FactorAnalysis", "linear_model.LogisticRegression"),
        _put("mean_", value=_three_axes([50, 4])),
    ),
    "answers-by-components": (
        "give more answers than samples",
        _ANSWERS,
        _answers("decomposition.PCA", "dummy.DummyClassifier"),
        _put("components_", value=_three_axes([1, 4, 50])),
    ),
    "boosting-rows-of-pipeline": (
        "predict fewer rows than the data have",
        _INIT,
        _boosting(_pipeline, "GradientBoostingRegressor"),
        _put("components_", value=_three_axes([1, 4, 1])),
    ),
    "boosting-rows-of-coefficients": (
        "predict fewer rows than the data have",
        _INIT,
        _boosting(_logistic),
        _put("coef_", value=_three_axes([1, 4, 1])),
    ),
    "sketch-of-endless-degree": (
        "have a sketch for each degree: 2**31 of them",
        "own: found by the mutation fuzzer",
        _fitted("kernel_approximation.PolynomialCountSketch"),
        lambda model: model.update(degree=2**31 - 1),
    ),
    "pca-of-huge-components": (
        "decompose a product that overflows, which never ends: found by the fuzzer",
        "own: found by the mutation fuzzer",
        _fitted("decomposition.IncrementalPCA", n_components=2),
        lambda model: model.update(
            components_={**model["components_"], "data": [[1e300] * 4] * 2},
            singular_values_={**model["singular_values_"], "data": [9e15, 6.0]},
        ),
    ),
    "pca-of-lists": (
        "decompose numbers that lists hold and nobody has looked at, which never ends",
        "own, as for the components",
        _fitted("decomposition.IncrementalPCA", n_components=2),
        lambda model: model.update(mean_=[1.7e308, -1.7e308, 1.0, 1.0]),
    ),
    "pca-of-frame": (
        "decompose numbers that a frame holds and nobody has looked at, which never ends",
        "own, as for the components",
        _fitted("decomposition.IncrementalPCA", n_components=2),
        lambda model: model.update(components_=_frame(model["components_"])),
    ),
    "mixture-of-lists": (
        "decompose covariances that lists hold and nobody has looked at",
        "own, as for the components",
        _fitted("mixture.GaussianMixture"),
        lambda model: model.update(covariances_=[[[1e308] * 4] * 4]),
    ),
    "covariance-of-objects": (
        "have distances by a precision of objects",
        "own, as for the components",
        _fitted("covariance.EmpiricalCovariance"),
        _put("precision_", "dtype", value="object"),
    ),
    "process-of-lists": (
        "solve by factors that lists hold and nobody has looked at",
        "own, as for the components",
        _fitted("gaussian_process.GaussianProcessRegressor"),
        lambda model: model.update(L_=[[1e-300] * 60] * 60),
    ),
    "factors-without-end": (
        "have a plain transform never end",
        "own: a negative tolerance is never reached, and only a parameter says how often it is tried",
        _factors,
        lambda model: model.update(max_iter=1 << 62, tol=-1.0),
    ),
    "topics-without-end": (
        "have a plain transform never end",
        "own, as for factors",
        _topics,
        lambda model: model.update(
            max_doc_update_iter=1 << 62, mean_change_tol={"$": "float", "value": "nan"}
        ),
    ),
    "boosting-rows-of-votes": (
        "predict fewer rows than the data have",
        _INIT,
        _boosting(_voters),
        lambda model: _first(model, "estimator_weights_")["estimators_"][0].update(n_outputs_=2),
    ),
    "svm-dual-coef-twice": (
        "have scipy add up coefficients that libsvm counts",
        "own, after issue 18891",
        lambda: _sparse_svm(),
        lambda model: _first(model, "_dual_coef_")["_dual_coef_"]["indices"]["data"].__setitem__(1, 0),
    ),
}


def _sparse_svm() -> Any:
    from scipy.sparse import csr_matrix
    from sklearn.svm import SVC

    X, y = _data()
    return SVC().fit(csr_matrix(X), y)


_VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "booleans": ("make booleans of seven by writing floats later", view(array([1.0]), dtype="bool")),
    "integers": ("make indices by writing floats later", view(array([1.0]), dtype="int64")),
    "offset": ("make other numbers by writing out of step", view(array([1.0, 2.0]), offset=4)),
    "base64-booleans": (
        "have numpy count more elements than it selects",
        {"$": "ndarray", "dtype": "bool", "shape": [3], "data": "BwcH", "encoding": "base64"},
    ),
}

_SPARSE: dict[str, tuple[str, dict[str, Any]]] = {
    "indices-far": ("write past the end of a row", {"indices": array([10**6], "int32")}),
    "indices-negative": ("write before a row", {"indices": array([-1], "int32")}),
    "indptr-far": ("read past the data", {"indptr": array([0, 10**6], "int32")}),
    "indptr-backwards": ("read backwards", {"indptr": array([5, 0], "int32")}),
    "indptr-negative": ("read before the data", {"indptr": array([-1, 1], "int32")}),
    "indptr-short": ("have fewer rows than the shape", {"indptr": array([0], "int32")}),
    "indices-dtype": ("index by floats", {"indices": array([0.0])}),
    "data-short": ("have less data than indices", {"data": array([], shape=[0])}),
    "shape-huge": ("overflow a product", {"shape": [2**62, 2**62]}),
    "shape-negative": ("have a negative shape", {"shape": [-1, 3]}),
}


def _references(name: str, *more: Any) -> list[Any]:
    """A thousand references to one transformer of as many features as nothing needs to bear out."""
    scaler = {"$": "sklearn.preprocessing.Normalizer", "$id": 0, "n_features_in_": 1 << 22}
    return [
        {"$": "tuple", "items": [name, scaler if i == 0 else {"$": "ref", "id": 0}, *more]}
        for i in range(1000)
    ]


# By name: an estimator, what is set on it, and how many names get_feature_names_out would then make, in words.
_MANY_NAMES: dict[str, tuple[str, dict[str, Any], str]] = {
    "names-of-steps": (
        "kernel_approximation.AdditiveChi2Sampler",
        {"n_features_in_": 1 << 22, "sample_steps": 1024, "sample_interval": 0.5},
        "two thousand for each of four million features",
    ),
    "names-of-classes": (
        "preprocessing.TargetEncoder",
        {
            "n_features_in_": 1 << 22,
            "target_type_": "multiclass",
            "classes_": array(list(range(1000)), "int64"),
        },
        "a thousand for each of four million features",
    ),
    "names-of-splines": (
        "preprocessing.SplineTransformer",
        {"n_features_in_": 1 << 22},
        "seven for each of four million features",
    ),
    "names-of-stack": (
        "ensemble.StackingClassifier",
        {"_n_feature_outs": [1 << 40], "estimators": []},
        "a trillion, by a count of answers",
    ),
    "names-of-union": (
        "pipeline.FeatureUnion",
        {"transformer_list": _references("a")},
        "four million a thousand times, by references to one transformer",
    ),
    "names-of-columns": (
        "compose.ColumnTransformer",
        {"transformers_": _references("a", [0])},
        "four million a thousand times, by references to one transformer",
    ),
    "names-of-pipelines": (
        "pipeline.FeatureUnion",
        {
            "transformer_list": [
                {"$": "tuple", "items": ["p", {"$": "sklearn.pipeline.Pipeline", "steps": _references("a")}]}
            ]
        },
        "four million a thousand times, in a pipeline",
    ),
}


def _named(name: str, state: dict[str, Any]) -> bytes:
    if "Spline" in name:
        return forged(_fitted(name), lambda model: model.update(state))()
    return text_of({"$": f"sklearn.{name}", **state})


# By what a vector has in place of numbers: what numpy, pandas or scipy spells out when something is added to it.
_LONG: dict[str, tuple[str, Any]] = {
    "range": ("a range", {"$": "range", "start": 0, "stop": 10**8, "step": 1}),
    "range-beyond-len": (
        "a range that is longer than Python can say",
        {"$": "range", "start": 0, "stop": {"$": "int", "value": "1" + "0" * 30}, "step": 1},
    ),
    "ranges": ("many ranges", [{"$": "range", "start": 0, "stop": 1 << 22, "step": 1}] * 100),
    "counting": (
        "an index that counts",
        {"$": "pandas.RangeIndex", "start": 0, "stop": 5 * 10**8, "step": 1},
    ),
    "counting-many": (
        "many indexes that count",
        [{"$": "pandas.RangeIndex", "start": 0, "stop": 10**6, "step": 1} for _ in range(100)],
    ),
    "pandas-sparse": (
        "sparse data",
        {
            "$": "pandas.arrays.SparseArray",
            "dtype": {
                "$": "pandas.SparseDtype",
                "subtype": {"$": "dtype", "name": "float64"},
                "fill_value": 0.0,
            },
            "values": array([1.0]),
            "indices": array([0], "int32"),
            "length": 10**9,
            "kind": "integer",
        },
    ),
    **{
        f"sparse-{layout}": (
            "a sparse row",
            {"$": "sparse", "format": layout, "kind": "array", "shape": [1, 5 * 10**8], **parts},
        )
        for layout, parts in {
            "csr": {
                "data": array([1.0]),
                "indices": array([0], "int32"),
                "indptr": array([0, 1], "int32"),
            },
            "coo": {"data": array([1.0]), "coords": [array([0], "int32"), array([0], "int32")]},
            "dia": {"data": array([[0.0]], shape=[1, 1]), "offsets": array([0], "int32")},
            "dok": {"data": [1.0], "coords": [[0], [0]], "dtype": "float64"},
            "lil": {"data": [[1.0]], "rows": [[0]], "dtype": "float64"},
        }.items()
    },
}


def _csr(change: Callable[[Any], None]) -> Callable[[], bytes]:
    def matrix() -> Any:
        import numpy as np
        from scipy.sparse import csr_matrix

        return csr_matrix((np.array([1.0]), np.array([0], "int32"), np.array([0, 1], "int32")), shape=(1, 3))

    return forged(matrix, change)


def _replace(members: dict[str, Any]) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        unknown = members.keys() - model.keys()
        assert not unknown, f"a sparse matrix has no {unknown}"
        model.update(members)

    return change


def _bit_generator(change: Callable[[Any], None]) -> Callable[[], bytes]:
    def make() -> Any:
        import numpy as np

        return np.random.RandomState(0)

    return forged(make, change)


# By distribution: shapes with which scipy's own code ends the process or does not end, and what it does then.
_ENDLESS = {
    "nct": ([1e-300, 0.24], "let a C++ exception of pdf end the process"),
    "nchypergeom_fisher": ([140, 80, 60, 1e300], "let a C++ exception of pmf end the process"),
    "nchypergeom_wallenius": ([140, 80, 60, 1e300], "let a C++ exception of pmf end the process"),
    "nbinom": ([1 << 62, 0.5], "let a C++ exception of isf end the process"),
    "irwinhall": ([1e-300], "overflow the stack by entropy"),
    "binom": ([1e300, 0.4], "search for a quantile without end"),
    "betabinom": ([1e9, 2.3, 0.63], "sum over as many values as a count says"),
    "betanbinom": ([1e15, 9.3, 1.0], "sum over as many values as a count says"),
    "boltzmann": ([1e-300, 1e300], "sum over as many values as a count says"),
    "geom": ([1e-300], "sum without end"),
    "hypergeom": ([1e15, 18, 11], "sum over as many values as a count says"),
    "ksone": ([1e6], "take a step for each of a count, for each value"),
    "logser": ([1.0], "sum without end"),
    "ncf": ([1e15, 1e15, 1e15], "search for a quantile without end"),
    "ncx2": ([21, 1e15], "search for a quantile without end"),
    "nhypergeom": ([20, 1_000_000_000, 1], "sum over as many values as a count says"),
    "planck": ([1e-300], "sum without end"),
    "rice": ([1e15], "integrate a moment without end"),
    "skellam": ([15, 1e300], "sum without end"),
    "studentized_range": ([1e15, 10.0], "integrate without end"),
    "vonmises": ([{"$": "float", "value": "inf"}], "draw without end"),
    "zipf": ([1.0 + 1e-9], "draw without end"),
    "zipfian": ([0.5, 10**10], "sum over as many values as a count says"),
    "gamma": ([1e300], "overflow in compiled code of a distribution that nobody has found fault with yet"),
}


def _frozen(name: str, shapes: list[Any]) -> Callable[[], bytes]:
    return lambda: text_of({"$": "distribution", "name": f"scipy.stats.{name}", "args": shapes, "kwds": {}})


_VOTES = "own: hard voting has as many counters as the largest vote"
_MANY = 1 << 33
_OF_MANY = array([[_MANY]], "int64", [1, 1])


def _voting() -> Any:
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import VotingClassifier

    return VotingClassifier([("a", DummyClassifier(strategy="constant", constant=1))]).fit(*_data())


def _votes_of(**state: Any) -> Callable[[Any], None]:
    return lambda model: model.update(estimators_=[state], named_estimators_=None)


_REGRESSOR = {"$": "sklearn.dummy.DummyRegressor", "constant_": _OF_MANY, "n_outputs_": 1}

_FORGED |= {
    "votes-of-regressor": (
        "have 64 GiB of counters, for what a regressor predicts",
        _VOTES,
        _voting,
        _votes_of(**_REGRESSOR),
    ),
    "votes-of-frozen": (
        "have 64 GiB of counters, for what a frozen regressor predicts",
        _VOTES,
        _voting,
        _votes_of(**{"$": "sklearn.frozen.FrozenEstimator", "estimator": _REGRESSOR}),
    ),
    "votes-of-constant": (
        "have 64 GiB of counters, for a constant",
        _VOTES,
        _voting,
        lambda model: model["estimators_"][0].update(constant=_MANY),
    ),
    "votes-of-encoder": (
        "have 64 GiB of counters, for what an encoder gives in place of labels",
        _VOTES,
        _voting,
        _votes_of(
            **{
                "$": "sklearn.linear_model.RidgeClassifier",
                "_label_binarizer": {
                    "$": "sklearn.preprocessing.OrdinalEncoder",
                    "categories_": [array([_MANY], "int64")],
                },
            }
        ),
    ),
}


ATTACKS = [
    *(
        Attack(
            f"distribution-{name}",
            tries,
            "own: a search over scipy's distributions and extreme shapes",
            _frozen(name, shapes),
            _VALIDATION,
            says="the shapes of",
        )
        for name, (shapes, tries) in _ENDLESS.items()
    ),
    *(
        Attack(
            f"state-{key}",
            tries,
            "own: attributes as gadgets",
            lambda node=node: text_of(node),
            _EXPECTED_UNTRUSTED.get(key, _REFUSED),
        )
        for key, (tries, node) in _ATTRIBUTES.items()
    ),
    *(
        Attack(f"forged-{key}", tries, source, forged(estimator, change), _VALIDATION)
        for key, (tries, source, estimator, change) in _FORGED.items()
    ),
    *(
        Attack(
            f"sparse-{key}",
            tries,
            "scipy issues on forged sparse matrices; own",
            _csr(_replace(members)),
            _REFUSED,
        )
        for key, (tries, members) in _SPARSE.items()
    ),
    *(
        Attack(
            key,
            f"make names without end: {what}",
            "own: get_feature_names_out multiplies counts, or adds up references",
            partial(_named, name, state),
            _VALIDATION,
            says="get_feature_names_out",
        )
        for key, (name, state, what) in _MANY_NAMES.items()
    ),
    *(
        Attack(
            f"long-{key}",
            f"be an intercept of gigabytes: {what}",
            "own: values that only say how long they are",
            lambda node=node: text_of({"$": "sklearn.linear_model.LinearRegression", "intercept_": node}),
            "LimitError|ValidationError",
            says="out of proportion" if "format" in node else "many times the memory",
        )
        for key, (what, node) in _LONG.items()
    ),
    *(
        Attack(
            f"view-{key}",
            tries,
            "own: memory seen as two types",
            lambda node=node: text_of(node),
            _VALIDATION,
        )
        for key, (tries, node) in _VIEWS.items()
    ),
    Attack(
        "randomstate-pos",
        "read past the state of a Mersenne twister",
        "own; numpy checks this nowhere",
        _bit_generator(_put("pos", value=10**6)),
        _VALIDATION,
    ),
    Attack(
        "randomstate-pos-negative",
        "read before the state of a Mersenne twister",
        "own",
        _bit_generator(_put("pos", value=-10)),
        _VALIDATION,
    ),
]
