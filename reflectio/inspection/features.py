"""The names of features, followed from the data frame that a model was fitted on to the estimators inside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from reflectio.codec import Node
from reflectio.errors import DecodeError, PathPart
from reflectio.inspection.graph import tag_of
from reflectio.inspection.paths import named_pair
from reflectio.inspection.text import printable

if TYPE_CHECKING:
    from reflectio.inspection.header import Header

_PIPELINE = "sklearn.pipeline.Pipeline"

# Transformers that give a column for each that they take, in the same order. (An imputer may drop columns; the number
# of features that the next step says it has then differs.)
_ONE_TO_ONE = frozenset(
    {
        "sklearn.impute.KNNImputer",
        "sklearn.impute.SimpleImputer",
        "sklearn.feature_extraction.text.TfidfTransformer",
        "sklearn.preprocessing.Binarizer",
        "sklearn.preprocessing.MaxAbsScaler",
        "sklearn.preprocessing.MinMaxScaler",
        "sklearn.preprocessing.Normalizer",
        "sklearn.preprocessing.OrdinalEncoder",
        "sklearn.preprocessing.PowerTransformer",
        "sklearn.preprocessing.QuantileTransformer",
        "sklearn.preprocessing.RobustScaler",
        "sklearn.preprocessing.StandardScaler",
    }
)

# Transformers of text that know which word each of their columns counts.
_VECTORIZERS = frozenset(
    {"sklearn.feature_extraction.text.CountVectorizer", "sklearn.feature_extraction.text.TfidfVectorizer"}
)

# Estimators that give all their features, in the same order, to those inside of them.
_WRAPPERS = frozenset(
    {
        "sklearn.calibration.CalibratedClassifierCV",
        "sklearn.compose.TransformedTargetRegressor",
        "sklearn.ensemble.AdaBoostClassifier",
        "sklearn.ensemble.AdaBoostRegressor",
        "sklearn.ensemble.ExtraTreesClassifier",
        "sklearn.ensemble.ExtraTreesRegressor",
        "sklearn.ensemble.GradientBoostingClassifier",
        "sklearn.ensemble.GradientBoostingRegressor",
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.ensemble.RandomForestRegressor",
        "sklearn.ensemble.VotingClassifier",
        "sklearn.ensemble.VotingRegressor",
        "sklearn.model_selection.GridSearchCV",
        "sklearn.model_selection.HalvingGridSearchCV",
        "sklearn.model_selection.HalvingRandomSearchCV",
        "sklearn.model_selection.RandomizedSearchCV",
        "sklearn.multiclass.OneVsRestClassifier",
        "sklearn.multioutput.MultiOutputClassifier",
        "sklearn.multioutput.MultiOutputRegressor",
        _PIPELINE,
    }
)

# More names than anybody reads.
_MOST = 1_000_000


@frozen
class Features:
    """
    The names of an estimator's features.

    Attributes
    ----------
    names : tuple of str
        The names, in order; none where they are not known.
    of_steps : dict of int to tuple of str
        For the steps of a pipeline, by position.
    """

    names: tuple[str, ...] = ()
    of_steps: Any = None

    def of(self, node: dict[str, Any], header: Header) -> Features:
        """The names for an object: its own, else those handed down, if it has as many features."""
        own = texts_of(node.get("feature_names_in_"), header)
        if own:
            return Features(own)
        count = node.get("n_features_in_")
        return Features(self.names) if count == len(self.names) and self.names else Features()

    def below(self, owner: dict[str, Any], name: str, header: Header) -> Features:
        """What the attribute of an object is handed down."""
        if tag_of(owner) not in _WRAPPERS:
            return Features()
        if owner["$"] == _PIPELINE and name == "steps":
            return Features((), _names_of_steps(owner, self.names, header))
        return Features(self.names)

    def step(self, part: PathPart) -> Features:
        """What an item of a list is handed down."""
        if self.of_steps is not None:
            return Features(self.of_steps.get(part, ()))
        return self


def _names_of_steps(
    pipeline: dict[str, Any], names: tuple[str, ...], header: Header
) -> dict[PathPart, tuple[str, ...]]:
    graph = header.graph
    of_steps: dict[PathPart, tuple[str, ...]] = {}
    try:
        steps = graph.target(pipeline.get("steps"))
        for index, item in enumerate(steps if type(steps) is list else ()):
            pair = named_pair(item, graph)
            if pair is None:
                break
            node = graph.target(pair[1])
            if node == "passthrough" or node is None:
                continue
            if type(node) is not dict:
                break
            names = texts_of(node.get("feature_names_in_"), header) or names
            of_steps[index] = names
            if tag_of(node) in _VECTORIZERS:
                names = _words_of(node, header)
                continue
            if tag_of(node) not in _ONE_TO_ONE or node.get("add_indicator"):
                break
    except DecodeError:
        pass
    return of_steps


def _words_of(vectorizer: dict[str, Any], header: Header) -> tuple[str, ...]:
    """The words that the columns of a vectorizer count; none where they are not numbered through."""
    vocabulary = header.graph.target(vectorizer.get("vocabulary_"))
    if type(vocabulary) is not dict or "$" in vocabulary or len(vocabulary) > _MOST:
        return ()
    words = [""] * len(vocabulary)
    for word, column in vocabulary.items():
        if tag_of(column) == "scalar":
            column = column.get("value")
        if type(column) is not int or not 0 <= column < len(words):
            return ()
        words[column] = printable(word, 60)
    return tuple(words)


def texts_of(node: Node, header: Header) -> tuple[str, ...]:
    """The elements of a one-dimensional array or list of labels as harmless text; none where there is none such."""
    try:
        node = header.graph.target(node)
        if type(node) is not dict or node.get("$") != "ndarray":
            return ()
        info = header.describe(node)
        if len(info.shape) != 1 or not 0 < info.size <= _MOST:
            return ()
        if info.place == "objects":
            data = node.get("data")
            items = data if type(data) is list and len(data) == info.size else []
        else:
            items = header.array(node).tolist()
    except DecodeError:
        return ()
    return tuple(printable(str(item), 60) for item in items if type(item) in (str, int, float, bool))
