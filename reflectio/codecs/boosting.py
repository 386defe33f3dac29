"""Boosted trees: predictors of histogram boosting, and the shapes that compiled boosting code never looks at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, cast

import numpy as np

from reflectio import compiled
from reflectio.array_bytes import copied
from reflectio.checks import check
from reflectio.codec import Codec, ObjectNode
from reflectio.codecs.answers import check_one_answer, network_gives
from reflectio.codecs.arrays import ArrayCodec
from reflectio.codecs.columns import Columns
from reflectio.codecs.ensembles import check_features, compiled_trees, is_decision_tree
from reflectio.codecs.fitted import shape_of
from reflectio.codecs.multiclass import OF_THREE_AXES, is_of_scipy, may_change_rows
from reflectio.codecs.objects import ObjectCodec, has_attributes
from reflectio.codecs.rows import encode_rows
from reflectio.codecs.trees import is_count, place_in, spans
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ReflectioError, ValidationError
from reflectio.walk_in import located

Array = np.ndarray[Any, Any]

_compiled = compiled.part("trees")

# How many threads a bin mapper may ask for: it remembers those of the machine that trained it. Asking
# for more than a process can have ends it.
_MOST_THREADS = 512

# 256 categories, one bit each.
_BITSET_WORDS = 8


def _refuse(message: str, *parts: str | int) -> ReflectioError:
    error = ValidationError(message)
    for place in reversed(parts):
        error.within(place)
    return error


# Histogram gradient boosting ---------------------------------------------------------------------------


class Predictors(NamedTuple):
    """
    Some trees of histogram gradient boosting.

    Attributes
    ----------
    tag : str
        The tag of their nodes in the document.
    nodes : list of ndarray
        The nodes of each, as it has them itself.
    n_bitsets : list of int
        How many sets of categories each has.
    """

    tag: str
    nodes: list[Array]
    n_bitsets: list[int]

    @property
    def n_nodes(self) -> int:
        """How many nodes all have."""
        return sum(map(len, self.nodes))


_BITSETS = ("binned_left_cat_bitsets", "raw_left_cat_bitsets")


class PredictorCodec(ObjectCodec):
    """``TreePredictor``: its nodes get memory of their own and are checked with all others of the document."""

    def __init__(self, cls: type) -> None:
        super().__init__(cls)
        # Whether `__setstate__` does no more with nodes of this machine's dtype than to set attributes: None until an
        # object has shown it.
        self._only_sets: bool | None = None if self.takes_state else True

    def encode_rows(self, objects: list[Any], encoder: Encoder) -> ObjectNode | None:
        if self.cls.__getstate__ is not object.__getstate__:
            return None
        states = self._attributes_of(objects)
        return None if states is None else encode_rows(self.name, objects, states, encoder)

    def build_rows(self, node: ObjectNode, decoder: Decoder) -> list[Any]:
        if "args" in node:
            raise DocumentError("predictors are made without arguments").within("args")
        tag = node["of"]
        columns = Columns(node, decoder)
        if self._only_sets and _are_right(columns):
            predictors = self._new_with(columns, tag, decoder)
            nodes = columns.lists["nodes"]
            n_bitsets = list(map(min, *(map(len, columns.lists[name]) for name in _BITSETS)))
        else:
            predictors = self._new_from(columns, tag, decoder)
            self._own_each(predictors, columns, decoder)
            nodes = [predictor.nodes for predictor in predictors]
            n_bitsets = list(map(_n_bitsets, predictors))
        decoder.check_together(check_predictors, Predictors(tag, nodes, n_bitsets))
        return predictors

    def _own_each(self, predictors: list[Any], columns: Columns, decoder: Decoder) -> None:
        stated = columns.lists.get("nodes", [None])
        # Nodes of another dtype are converted, and say nothing about those of others.
        if self._only_sets is None and _are_records(stated[0]):
            self._only_sets = has_attributes(predictors[0], next(columns.states()))
        for index, predictor in enumerate(predictors):
            try:
                self._own_nodes(vars(predictor), decoder)
            except ReflectioError as error:
                raise error.within(index) from None

    def fill(self, obj: Any, node: ObjectNode, decoder: Decoder) -> None:
        tag = node["$"]
        if "nodes" in node:
            try:
                node["nodes"] = ArrayCodec.borrow(node["nodes"], decoder)
            except Exception as error:
                raise located(error, "nodes") from error
        super().fill(obj, node, decoder)
        self._own_nodes(vars(obj), decoder)
        decoder.check_together(check_predictors, Predictors(tag, [obj.nodes], [_n_bitsets(obj)]))

    @staticmethod
    def _own_nodes(state: dict[str, Any], decoder: Decoder) -> None:
        nodes: Any = state.get("nodes")
        if not (_are_records(nodes) and len(nodes)):
            raise _refuse("the nodes must be records as scikit-learn writes them, one at least", "nodes")
        for name in _BITSETS:
            if not _are_bitsets(state.get(name)):
                raise _refuse(f"bitsets must be uint32 in rows of {_BITSET_WORDS}", name)
        decoder.charge_copy(nodes.nbytes)
        # Another array of the document may be a view of the memory, and change the nodes when training goes on.
        state["nodes"] = copied(nodes)


def _are_records(nodes: Any) -> bool:
    return type(nodes) is np.ndarray and nodes.ndim == 1 and bool(nodes.dtype == _record_dtype())


def _are_bitsets(bitsets: Any) -> bool:
    return (
        type(bitsets) is np.ndarray
        and bitsets.dtype == np.uint32
        and bitsets.ndim == 2
        and bitsets.shape[1] == _BITSET_WORDS
    )


def _are_right(columns: Columns) -> bool:
    """Whether the arrays of all predictors are as they should be, and their own: parts of one array are alike."""
    if not columns.own.issuperset(("nodes", *_BITSETS)):
        return False
    nodes = columns.lists["nodes"]
    return (
        _are_records(nodes[0])
        and all(map(len, nodes))
        and all(_are_bitsets(columns.lists[name][0]) for name in _BITSETS)
    )


def _n_bitsets(predictor: Any) -> int:
    return min(len(vars(predictor)[name]) for name in _BITSETS)


@cache
def _record_dtype() -> Any:
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    return PREDICTOR_RECORD_DTYPE


def check_predictors(batches: list[Predictors], decoder: Decoder) -> None:
    """
    Refuse predictors that compiled code could follow out of their memory, or forever.

    Parameters
    ----------
    batches : list of Predictors
        All predictors of a document, in its order; those of rows together.
    decoder : Decoder
        Knows where they are.
    """
    bad = _first_bad(batches)
    if bad is not None:
        index, row = bad
        raise _refuse(
            "the nodes are no tree: their children, features or bitsets would lead out of its memory",
            "nodes",
        ).rooted(decoder.place_of(batches[index].tag, index, row))


def _first_bad(batches: list[Predictors]) -> tuple[int, int] | None:
    """The first tree that is none: which batch it is of, and which tree of that."""
    if _compiled is not None:
        first = _compiled.first_bad_predictor(
            [nodes for batch in batches for nodes in batch.nodes],
            [number for batch in batches for number in batch.n_bitsets],
        )
        if first is not None:
            return place_in([len(batch.nodes) for batch in batches], first)
    for start, stop in spans([batch.n_nodes for batch in batches]):
        if not _are_sound(batches[start:stop]):
            bad = next(index for index in range(start, stop) if not _are_sound(batches[index : index + 1]))
            return bad, next(
                (row for row, one in enumerate(_apart(batches[bad])) if not _are_sound([one])), 0
            )
    return None


def _joined(arrays: Sequence[Array]) -> Array:
    """Nodes of several trees in one array. numpy would look for a common dtype first, at ten times the cost."""
    if len(arrays) == 1:
        return arrays[0]
    return np.frombuffer(b"".join([array.data for array in arrays]), _record_dtype())


def _apart(predictors: Predictors) -> Iterator[Predictors]:
    """Each predictor by itself."""
    for nodes, n_bitsets in zip(predictors.nodes, predictors.n_bitsets, strict=True):
        yield Predictors(predictors.tag, [nodes], [n_bitsets])


def _are_sound(batches: list[Predictors]) -> bool:
    apart = [nodes for batch in batches for nodes in batch.nodes]
    counts = np.array(list(map(len, apart)))
    ends = np.cumsum(counts)
    nodes = _joined(apart)
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    if 2 * len(inner) != len(nodes) - len(counts):
        return False
    if not len(inner):
        return True
    start, end = np.repeat(ends - counts, counts)[inner], np.repeat(ends, counts)[inner]
    left, right = nodes["left"][inner] + start, nodes["right"][inner] + start
    # The grower numbers a child after its parent, so there can be no cycle.
    if not ((left > inner) & (right > inner) & (left < end) & (right < end)).all():
        return False
    reached = np.zeros(len(nodes), bool)
    reached[left] = True
    reached[right] = True
    if np.count_nonzero(reached) != 2 * len(inner) or nodes["feature_idx"][inner].min() < 0:
        return False
    categorical = np.flatnonzero(nodes["is_categorical"])
    if not len(categorical):
        return True
    limits = np.repeat([number for batch in batches for number in batch.n_bitsets], counts)[categorical]
    splits = nodes["is_leaf"][categorical] == 0
    return bool((nodes["bitset_idx"][categorical] < limits)[splits].all())


@check(
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    relies_on=("is_categorical_",),
)
def check_bin_mapper(mapper: Any) -> None:
    """Refuse a bin mapper without thresholds for every feature."""
    state = vars(mapper)
    threads = state.get("n_threads")
    if threads is not None and not (is_count(threads) and 0 < threads <= _MOST_THREADS):
        raise _refuse(f"n_threads must be a number of threads up to {_MOST_THREADS}", "n_threads")
    if (
        "n_bins_non_missing_" not in state
        and "bin_thresholds_" not in state
        and "is_categorical_" not in state
    ):
        return
    flags = state.get("is_categorical_")
    if (
        type(flags) is not np.ndarray
        or flags.ndim != 1
        or flags.dtype != np.uint8
        or not flags.flags.c_contiguous
    ):
        raise _refuse("is_categorical_ must hold a flag for each feature", "is_categorical_")
    counts, thresholds = state.get("n_bins_non_missing_"), state.get("bin_thresholds_")
    if type(counts) is not np.ndarray or counts.shape != flags.shape or counts.dtype.kind not in "iu":
        raise _refuse("there must be a number of bins for each feature", "n_bins_non_missing_")
    if type(thresholds) is not list or len(thresholds) != len(flags):
        raise _refuse("there must be thresholds for each feature", "bin_thresholds_")
    for index, values in enumerate(thresholds):
        if type(values) is not np.ndarray or values.ndim != 1 or values.dtype != np.float64:
            raise _refuse("thresholds must be one row of float64", "bin_thresholds_", index)
    missing = state.get("missing_values_bin_idx_")
    if not is_count(missing) or missing > np.iinfo(np.uint8).max:
        raise _refuse("the bin of missing values must be one of 256", "missing_values_bin_idx_")


@check(
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.BaseHistGradientBoosting",
    relies_on=("_predictors", "_bin_mapper", "_preprocessor"),
)
def check_hist_boosting(booster: Any) -> None:
    """Refuse histogram gradient boosting whose trees know other features than its data will have."""
    state = vars(booster)
    if getattr(state.get("loss"), "is_multiclass", False):
        raise _refuse("a loss for several classes must be named, not given as an object", "loss")
    width = state.get("n_trees_per_iteration_", 1)
    if not is_count(width) or width < 1:
        raise _refuse("each iteration has a tree at least", "n_trees_per_iteration_")
    if "_predictors" not in state:
        return
    iterations = state["_predictors"]
    if type(iterations) is not list or not {list}.issuperset(map(type, iterations)):
        raise _refuse("the predictors must be lists within a list", "_predictors")
    if not iterations:
        return
    if state.get("_in_fit", False):
        # It would take the data it predicts for as binned.
        raise _refuse("training was interrupted: the model is not complete", "_in_fit")
    if not {width}.issuperset(map(len, iterations)):
        raise _refuse("there must be as many trees in each iteration", "n_trees_per_iteration_")
    baseline = state.get("_baseline_prediction")
    if (
        not isinstance(baseline, np.ndarray | np.number)
        or baseline.dtype.kind != "f"
        or baseline.size not in (1, width)
    ):
        raise _refuse("the baseline must be a number for each tree of an iteration", "_baseline_prediction")
    _check_predicted_features(state, [tree for predictors in iterations for tree in predictors])
    _check_link(state.get("_loss"), width)
    if hasattr(type(booster), "predict_proba"):
        classes = state.get("classes_")
        if type(classes) is not np.ndarray or classes.ndim != 1 or width != _trees_for(len(classes)):
            raise _refuse(f"there are {width} trees in each iteration", "classes_")


def _check_predicted_features(state: dict[str, Any], predictors: list[Any]) -> None:
    n_features: Any = state.get("n_features_in_")
    if not is_count(n_features):
        raise _refuse("n_features_in_ must be a number of features", "n_features_in_")
    if state.get("_n_features", n_features) != n_features:
        raise _refuse(f"_n_features must be {n_features}, as n_features_in_ is", "_n_features")
    mapper = state.get("_bin_mapper")
    if type(mapper).__name__ != "_BinMapper" or "is_categorical_" not in vars(mapper):
        raise _refuse("there must be a fitted bin mapper", "_bin_mapper")
    flags = vars(mapper)["is_categorical_"]
    if flags.shape != (n_features,):
        raise _refuse(
            f"there must be a flag for each of the {n_features} features", "_bin_mapper", "is_categorical_"
        )
    if state.get("_preprocessor") is not None:
        _check_preprocessor(state["_preprocessor"], n_features)
    if not all(map(is_predictor, set(map(type, predictors)))):
        raise _refuse("the predictors must be trees", "_predictors")
    if not predictors:
        return
    by_category = _categorical_splits([predictor.nodes for predictor in predictors], int(n_features))
    if by_category is None:
        raise _refuse(f"a tree splits by a feature beyond the {n_features} that there are", "_predictors")
    if (by_category & (flags == 0)).any():
        raise _refuse("a tree splits by the categories of a feature that has none", "_predictors")


def _categorical_splits(apart: list[Array], n_features: int) -> Array | None:
    """The features whose categories some node splits by, a flag for each; None where one splits by another feature."""
    if _compiled is not None and (known := _compiled.categorical_splits(apart, n_features)) is not False:
        return cast("Array | None", known)
    nodes = _joined(apart)
    splits = np.flatnonzero(nodes["is_leaf"] == 0)
    features = nodes["feature_idx"][splits]
    if len(features) and features.max() >= n_features:
        return None
    found = np.zeros(n_features, bool)
    found[features[nodes["is_categorical"][splits] != 0]] = True
    return found


def _check_preprocessor(preprocessor: Any, n_features: int) -> None:
    """
    Refuse a preprocessor that could give the trees fewer columns than they know.

    It is the one that scikit-learn makes when some features are categorical: an ordinal encoder for these, a check
    for the others, each giving as many columns as it takes.
    """
    state = vars(preprocessor)
    if not _is_class(preprocessor, "sklearn.compose._column_transformer", "ColumnTransformer"):
        raise _refuse("the preprocessor must be a column transformer", "_preprocessor")
    if state.get("n_features_in_") != n_features:
        raise _refuse(f"the preprocessor must take {n_features} features", "_preprocessor", "n_features_in_")
    if state.get("transformer_weights") is not None:
        raise _refuse("the preprocessor has no weights", "_preprocessor", "transformer_weights")
    steps, indices = state.get("transformers_"), state.get("_transformer_to_input_indices")
    if (
        type(steps) is not list
        or not steps
        or any(type(step) is not tuple or len(step) != 3 for step in steps)
    ):
        raise _refuse(
            "the preprocessor must have steps of a name, a transformer and columns", "_preprocessor"
        )
    where = ("_preprocessor", "transformers_")
    seen = np.zeros(n_features, bool)
    for position, (name, transformer, columns) in enumerate(steps):
        if type(transformer) is str and transformer == "drop":
            continue
        if not (_keeps_columns(transformer) and name in ("encoder", "numerical")):
            raise _refuse(
                "a step must be scikit-learn's ordinal encoder or its check of numbers", *where, position, 1
            )
        if type(columns) is not np.ndarray or columns.dtype != np.bool_ or columns.shape != (n_features,):
            raise _refuse("the columns of a step must be a flag for each feature", *where, position, 2)
        numbers = np.flatnonzero(columns)
        if (
            type(indices) is not dict
            or type(indices.get(name)) is not list
            or indices[name] != numbers.tolist()
        ):
            raise _refuse(
                "the steps must name their columns alike", "_preprocessor", "_transformer_to_input_indices"
            )
        if seen[numbers].any():
            raise _refuse("two steps take the same column", *where, position, 2)
        seen[numbers] = True
    if not seen.all():
        raise _refuse("the preprocessor must keep every column", *where)


def _keeps_columns(transformer: Any) -> bool:
    if _is_class(transformer, "sklearn.preprocessing._encoders", "OrdinalEncoder"):
        return True
    if not _is_class(transformer, "sklearn.preprocessing._function_transformer", "FunctionTransformer"):
        return False
    state = vars(transformer)
    function = state.get("func")
    if type(function) is not partial or state.get("kw_args"):
        return False
    called = function.func
    return (
        called.__name__ == "check_array"
        and called.__module__ == "sklearn.utils.validation"
        and not function.args
        and function.keywords.keys() <= {"dtype", "ensure_all_finite", "force_all_finite"}
    )


def _is_class(obj: Any, module: str, name: str) -> bool:
    return type(obj).__name__ == name and type(obj).__module__ == module


# Gradient boosting -------------------------------------------------------------------------------------


@check("sklearn.ensemble._gb.BaseGradientBoosting", relies_on=("estimators_", "init_", "init"))
def check_boosting(booster: Any) -> None:
    """
    Refuse gradient boosting whose trees do not fit the predictions that they are added to.

    The first tree checks the data for all; and compiled code adds the column of each tree to an array that has as
    many columns as the initial prediction gives.
    """
    state = vars(booster)
    if "estimators_" not in state:
        return
    estimators = state["estimators_"]
    if type(estimators) is not np.ndarray or estimators.ndim != 2 or estimators.dtype != object:
        raise _refuse("the estimators must be an array of a row for each stage", "estimators_")
    if not estimators.size:
        if len(estimators):
            raise _refuse("a stage must have a tree", "estimators_")
        return
    trees = compiled_trees(estimators.ravel().tolist())
    check_features(state, trees)
    if any(tree.n_outputs != 1 or tree.max_n_classes != 1 for tree in trees):
        raise _refuse("the trees of boosting have a single value for each node", "estimators_")
    width = estimators.shape[1]
    stated = state.get("n_trees_per_iteration_", width)
    if not is_count(stated) or stated != width:
        raise _refuse(f"there are {width} trees in each stage", "n_trees_per_iteration_")
    if "n_classes_" in state and hasattr(type(booster), "predict_proba"):
        n_classes, classes = state["n_classes_"], state.get("classes_")
        if not is_count(n_classes) or type(classes) is not np.ndarray or classes.shape != (n_classes,):
            raise _refuse("n_classes_ must be the number of classes_", "n_classes_")
        if width != _trees_for(n_classes):
            raise _refuse(f"there are {width} trees in each stage, but {n_classes} classes", "estimators_")
    loss = state.get("_loss")
    _check_link(loss, width)
    init = state.get("init_")
    if type(init) is str and init == "zero":
        if "n_trees_per_iteration_" not in state and getattr(loss, "K", None) != width:
            raise _refuse(f"there are {width} trees in each stage", "_loss", "K")
        return
    try:
        _check_initial(init, width, as_classifier=hasattr(type(booster), "predict_proba"))
    except ReflectioError as error:
        raise error.within("init_") from None


def _trees_for(n_classes: int) -> int:
    return 1 if n_classes <= 2 else n_classes


def _check_link(loss: Any, width: int) -> None:
    module = type(loss).__module__
    if module == "sklearn.ensemble._gb_losses":  # scikit-learn 1.3
        if getattr(loss, "K", None) != width:
            raise _refuse(f"there are {width} trees in each stage", "_loss", "K")
        return
    if all(base.__module__ != "sklearn._loss.loss" for base in type(loss).__mro__):
        raise _refuse("the loss must be one of scikit-learn's", "_loss")
    if loss.is_multiclass != (width > 1):
        raise _refuse(f"the loss is not one for {width} trees in each stage", "_loss")
    if loss.is_multiclass and loss.n_classes != width:
        raise _refuse(f"there are {width} trees in each stage", "_loss", "n_classes")


def _check_initial(init: Any, width: int, *, as_classifier: bool) -> None:
    """Refuse an initial estimator whose predictions could have fewer rows than the data, or fewer columns than trees."""
    state = vars(init)
    n_classes = max(width, 2)
    if _is_class(init, "sklearn.dummy", "DummyClassifier" if as_classifier else "DummyRegressor"):
        if not is_count(state.get("n_outputs_")) or state["n_outputs_"] != 1:
            raise _refuse("the initial estimator must have one output", "n_outputs_")
        if not as_classifier:
            return
        prior = state.get("class_prior_")
        if type(prior) is not np.ndarray or prior.ndim != 1 or (width > 1 and len(prior) != n_classes):
            raise _refuse(f"the initial estimator must know {n_classes} classes", "class_prior_")
        if state.get("n_classes_") != len(prior) or not is_count(state["n_classes_"]):
            raise _refuse("the initial estimator must know as many classes as it has priors", "n_classes_")
        return
    if is_decision_tree(init) or type(init).__module__ in {
        "sklearn.ensemble._forest",
        "sklearn.ensemble._gb",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting",
    }:
        # Their own checks see to it that they predict for as many classes as they say.
        if state.get("n_outputs_", 1) != 1:
            raise _refuse("the initial estimator must have one output", "n_outputs_")
        if width > 1 and len(state.get("classes_", ())) != width:
            raise _refuse(f"the initial estimator must know {width} classes", "classes_")
        return
    if width > 1 and not _knows_classes(init, width):
        raise _refuse(
            f"whether this {type(init).__qualname__} predicts {width} classes cannot be told before it does; "
            "use one that does not answer for others, such as logistic regression, as the initial estimator of boosting"
        )
    _check_not_empty(init)
    if width == 1:
        check_one_answer(init, "the initial estimator")


# Classifiers whose probabilities have a column for each row of what they learned.
_BY_ROW = {
    ("sklearn.linear_model", "LogisticRegression"): "coef_",
    ("sklearn.linear_model", "LogisticRegressionCV"): "coef_",
    ("sklearn.linear_model", "SGDClassifier"): "coef_",
    ("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis"): "coef_",
    ("sklearn.naive_bayes", "GaussianNB"): "theta_",
    ("sklearn.naive_bayes", "MultinomialNB"): "feature_log_prob_",
    ("sklearn.naive_bayes", "BernoulliNB"): "feature_log_prob_",
    ("sklearn.naive_bayes", "ComplementNB"): "feature_log_prob_",
    ("sklearn.naive_bayes", "CategoricalNB"): "class_count_",
}

# Those that fill a table with a column for each of their classes.
_BY_CLASS = {
    ("sklearn.calibration", "CalibratedClassifierCV"),
    ("sklearn.ensemble._bagging", "BaggingClassifier"),
    ("sklearn.ensemble._weight_boosting", "AdaBoostClassifier"),
    ("sklearn.neighbors", "KNeighborsClassifier"),
    ("sklearn.neighbors", "RadiusNeighborsClassifier"),
    ("sklearn.svm", "SVC"),
    ("sklearn.svm", "NuSVC"),
}

# Those that give on what another answers, and the attribute that holds it.
_BY_ANOTHER = {
    ("sklearn.model_selection", "GridSearchCV"): "best_estimator_",
    ("sklearn.model_selection", "RandomizedSearchCV"): "best_estimator_",
    ("sklearn.model_selection", "HalvingGridSearchCV"): "best_estimator_",
    ("sklearn.model_selection", "HalvingRandomSearchCV"): "best_estimator_",
    ("sklearn.semi_supervised", "SelfTrainingClassifier"): "estimator_",
}

_MOST_STEPS = 32

# Lists that training leaves behind, of what it went through, and that no prediction is made from.
_RECORDS = {("scores_",), ("active_",)}


def _knows_classes(init: Any, width: int) -> bool:
    """Whether an estimator is sure to predict probabilities of so many classes."""
    for _ in range(_MOST_STEPS):
        state: dict[str, Any] = getattr(init, "__dict__", {})
        steps = state.get("steps")
        if _is_one_of(init, "sklearn.pipeline", "Pipeline") and type(steps) is list and steps:
            init = steps[-1][1] if type(steps[-1]) is tuple and len(steps[-1]) == 2 else None
        elif attribute := _found(init, _BY_ANOTHER):
            init = state.get(attribute)
        else:
            break
    else:
        return False
    if type(state.get("classes_")) is not np.ndarray or state["classes_"].shape != (width,):
        return False
    if _is_one_of(init, "sklearn.neural_network", "MLPClassifier"):
        return network_gives(state, width)
    if rows := _found(init, _BY_ROW):
        learned, intercept = state.get(rows), state.get("intercept_")
        return (
            type(learned) is np.ndarray
            and learned.ndim == 2
            and len(learned) == width
            and (intercept is None or shape_of(intercept) == (width,))
        )
    return any(_is_one_of(init, *place) for place in _BY_CLASS)


def _is_one_of(obj: Any, package: str, name: str) -> bool:
    return type(obj).__name__ == name and type(obj).__module__.startswith(package)


def _found(obj: Any, table: dict[tuple[str, str], str]) -> str | None:
    return next((value for place, value in table.items() if _is_one_of(obj, *place)), None)


# Classifiers that may vote in AdaBoost.
_VOTERS = (
    "sklearn.tree.",
    "sklearn.linear_model.",
    "sklearn.naive_bayes",
    "sklearn.svm.",
    "sklearn.ensemble._forest",
    "sklearn.discriminant_analysis",
)


def _check_not_empty(root: Any) -> None:
    """
    Refuse an estimator that could predict for fewer rows than it is given.

    Data of one row are broadcast against what an estimator has learned, and no rows remain where that is empty; the
    product with an array of three axes has its rows elsewhere; a function among the parameters may return anything.
    """
    seen: set[int] = set()
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(root, ())]
    while stack:
        obj, parts = stack.pop()
        if id(obj) in seen:
            continue
        seen.add(id(obj))
        if isinstance(obj, np.ndarray):
            # An unused probability calibration of a support vector machine is an empty row.
            if not obj.size and (
                obj.ndim > 1 or parts[-1:] not in {("_probA",), ("_probB",), ("class_weight_",)}
            ):
                raise _refuse("an empty array would leave no predictions", *parts)
            if obj.ndim > 2 and not OF_THREE_AXES.intersection(parts):
                raise _refuse(
                    f"an array of {obj.ndim} axes could leave fewer predictions than samples", *parts
                )
            if obj.dtype.hasobject:
                stack.extend((item, (*parts, index)) for index, item in enumerate(obj.ravel().tolist()))
        elif isinstance(obj, list | tuple):
            if not obj and isinstance(obj, list) and parts[-1:] not in _RECORDS:
                raise _refuse("an empty list would leave no predictions", *parts)
            stack.extend((item, (*parts, index)) for index, item in enumerate(obj))
        elif isinstance(obj, dict):
            stack.extend((value, (*parts, str(key))) for key, value in obj.items())
        elif isinstance(obj, type):
            continue
        elif may_change_rows(obj, next((part for part in reversed(parts) if type(part) is str), "")):
            raise _refuse("a function could return anything in place of predictions", *parts)
        elif hasattr(obj, "__dict__") and not is_of_scipy(obj):
            if _is_one_of(obj, "sklearn.ensemble._weight_boosting", "AdaBoostClassifier"):
                _check_votes(obj, parts)
            stack.extend((value, (*parts, name)) for name, value in vars(obj).items())


def _check_votes(boosting: Any, parts: tuple[str | int, ...]) -> None:
    """Refuse votes of more than one output: compared with a column of classes, these could come to a single row."""
    for index, voter in enumerate(vars(boosting).get("estimators_") or ()):
        state: dict[str, Any] = getattr(voter, "__dict__", {})
        module = type(voter).__module__
        if (
            not module.startswith(_VOTERS)
            or type(voter).__name__.startswith("Ridge")
            or state.get("n_outputs_", 1) != 1
            or getattr(state.get("classes_"), "ndim", 0) != 1
        ):
            raise _refuse(
                "whether this votes for one class a sample cannot be told", *parts, "estimators_", index
            )


# Losses ------------------------------------------------------------------------------------------------


@check("sklearn._loss.loss.BaseLoss")
def check_loss(loss: Any) -> None:
    """Refuse a loss that computes with the compiled part or the link of another."""
    state = vars(loss)
    if "is_multiclass" in state:
        raise _refuse("whether a loss is for several classes is not its state", "is_multiclass")
    name = next((base.__name__ for base in type(loss).__mro__ if base.__module__ == "sklearn._loss.loss"), "")
    compiled = state.get("closs")
    if type(compiled).__module__ != "sklearn._loss._loss" or type(compiled).__name__ != f"Cy{name}":
        raise _refuse(f"the compiled part of a {name} must be a Cy{name}", "closs")
    link = state.get("link")
    if type(link).__module__ != "sklearn._loss.link":
        raise _refuse("the link must be one of scikit-learn's", "link")
    if getattr(link, "is_multiclass", False) != loss.is_multiclass:
        raise _refuse("the link must be one for as many classes as the loss", "link")
    n_classes = state.get("n_classes")
    if n_classes is not None and not (is_count(n_classes) and n_classes < 1 << 31):
        raise _refuse("n_classes must be a number of classes", "n_classes")
    quantile = getattr(compiled, "quantile", state.get("quantile"))
    if quantile is not None and not (isinstance(quantile, float) and 0 < quantile < 1):
        raise _refuse(
            "the quantile must lie between 0 and 1", "closs" if hasattr(compiled, "quantile") else "quantile"
        )
    for parameter in ("delta", "power"):
        value = getattr(compiled, parameter, 0.0)
        if not np.isfinite(value):
            raise _refuse(f"the {parameter} must be finite", "closs")


def is_predictor(cls: Any) -> bool:
    """Whether a class is scikit-learn's tree of histogram gradient boosting."""
    return (
        isinstance(cls, type)
        and cls.__name__ == "TreePredictor"
        and cls.__module__ == "sklearn.ensemble._hist_gradient_boosting.predictor"
    )


FACTORIES: tuple[tuple[Any, type[Codec]], ...] = ((is_predictor, PredictorCodec),)
