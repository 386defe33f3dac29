"""Checks of encoders and vectorizers: the columns that categories and terms go to, which become sparse indices."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from operator import ge
from typing import Any

import numpy as np

from reflectio import compiled
from reflectio.checks import check
from reflectio.codecs.fitted import FEW, Array, State, has_order, refuse, size_of, within

# Hashes are of 32 bits, with a sign.
_MOST_HASHED_FEATURES = 2**31 - 1

# Categories of other kinds are looked up in a dict.
_SEARCHED_KINDS = "biufcmM"

_checking = compiled.part("checking")

# Those that Python compares as numpy does.
_COMPARED_KINDS = "biuf"

_INTEGERS = (int, np.integer)
_INT = frozenset({int})

# Labels that are hashed in a moment, and how many of one hash are compared with each other: all multiples of 2**61 - 1
# hash to zero.
_LABELS: tuple[type, ...] = (
    *(str, bytes, int, float, complex, type(None), np.number, np.bool_, np.datetime64, np.timedelta64),
    *(Enum, datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, Fraction, uuid.UUID),
)
_MOST_OF_ONE_HASH = 500


@check(
    "sklearn.preprocessing.OneHotEncoder",
    relies_on=(
        "categories_",
        "_n_features_outs",
        "_infrequent_indices",
        "_default_to_infrequent_mappings",
        "_drop_idx_after_grouping",
        "drop_idx_",
    ),
)
def check_columns(encoder: Any) -> None:
    """Refuse categories whose columns lie outside the encoded matrix."""
    state = vars(encoder)
    categories = state.get("categories_")
    widths = state.get("_n_features_outs")
    if categories is None and widths is None:
        return
    n_features = state.get("n_features_in_")
    if not isinstance(n_features, _INTEGERS):
        refuse("n_features_in_", "must be an integer")
    for name in ("categories_", "_n_features_outs"):
        if type(state.get(name)) is not list or len(state[name]) != n_features:
            refuse(name, f"must be a list with an item for each of {n_features} features")
    assert categories is not None
    assert widths is not None
    for index, (values, width) in enumerate(zip(categories, widths, strict=True)):
        _check_order(values, index)
        n_columns = _last_code(state, index, len(values)) + 1
        if isinstance(width, bool) or not isinstance(width, int | np.integer) or width != n_columns:
            refuse("_n_features_outs", f"must be {n_columns}, as there are that many categories", index)


def _check_order(values: Any, index: int) -> None:
    """Check that categories are as a binary search expects them: in order, and missing ones last."""
    if type(values) is not np.ndarray or values.ndim != 1:
        refuse("categories_", "must be an array with one axis", index)
    if values.dtype.kind not in _SEARCHED_KINDS or _is_rising(values):
        return
    present = values[values == values]
    if not (present[1:] >= present[:-1]).all() or not (values[: len(present)] == present).all():
        refuse("categories_", "must be in order", index)


def _is_rising(values: Array) -> bool:
    """Whether each value is no less than the one before it."""
    if len(values) <= FEW and values.dtype.kind in _COMPARED_KINDS:
        few = values.tolist()
        return all(map(ge, few[1:], few))
    return bool((values[1:] >= values[:-1]).all())


def _last_code(state: State, index: int, n_categories: int) -> int:
    """Give the largest code of a feature's categories, once rare ones are grouped and one is dropped."""
    last = n_categories - 1
    if state.get("_infrequent_enabled"):
        rare = state["_infrequent_indices"][index]
        grouped = state["_default_to_infrequent_mappings"][index]
        if (rare is None) != (grouped is None):
            refuse(
                "_infrequent_indices", "must be of the features that _default_to_infrequent_mappings is of"
            )
        if grouped is not None:
            if (
                type(grouped) is not np.ndarray
                or grouped.dtype.kind != "i"
                or grouped.shape != (n_categories,)
                or not within(grouped, 0, last)
            ):
                refuse("_default_to_infrequent_mappings", f"must map {n_categories} categories to codes")
            last = int(grouped.max(initial=-1))
    dropped = state.get("_drop_idx_after_grouping")
    if dropped is None:
        return last
    if type(dropped) is not np.ndarray or dropped.shape != (state["n_features_in_"],):
        refuse("_drop_idx_after_grouping", "must have an item for each feature")
    drop = dropped[index]
    if drop is None:
        return last
    if isinstance(drop, bool) or not isinstance(drop, int | np.integer) or not 0 <= drop <= last:
        refuse("_drop_idx_after_grouping", f"must drop one of the {last + 1} codes of feature {index}")
    return last - 1


def _check_places(state: State, name: str, n_columns: int) -> None:
    places = state[name]
    if type(places) is not dict or len(places) != n_columns:
        refuse(name, f"must be a dict with {n_columns} columns")
    if _checking is not None and _checking.values_are_below(places, n_columns):
        return
    if _INT.issuperset(map(type, places.values())) and (
        not places or (min(places.values()) >= 0 and max(places.values()) < n_columns)
    ):
        return
    if not all(issubclass(kind, _INTEGERS) for kind in set(map(type, places.values()))):
        refuse(name, "must give an integer to each of its terms")
    if not within(np.fromiter(places.values(), np.int64, n_columns), 0, n_columns - 1):
        refuse(name, f"must give one of {n_columns} columns to each of its terms")


@check(
    "sklearn.feature_extraction.text.CountVectorizer",
    "sklearn.feature_extraction.DictVectorizer",
    relies_on=("vocabulary_",),
)
def check_vocabulary(vectorizer: Any) -> None:
    """Refuse a vocabulary that gives a term a column beyond the last."""
    state = vars(vectorizer)
    if "vocabulary_" in state:
        if type(state["vocabulary_"]) is not dict:
            refuse("vocabulary_", "must be a dict")
        _check_places(state, "vocabulary_", len(state["vocabulary_"]))


def _are_distinct(labels: Sequence[Any]) -> bool:
    parts: list[Any] = list(labels)
    for label in labels:
        if type(label) in (tuple, frozenset):
            parts += label
    if not all(issubclass(kind, _LABELS) for kind in set(map(type, parts)) - {tuple, frozenset}) or any(
        type(part) in (tuple, frozenset) for part in parts[len(labels) :]
    ):
        refuse("classes_", "must be texts, numbers, dates, or tuples of these")
    if max(Counter(map(hash, labels)).values(), default=0) > _MOST_OF_ONE_HASH:
        refuse("classes_", f"must not have more than {_MOST_OF_ONE_HASH} labels of the same hash")
    return len(set(labels)) == len(labels)


@check("sklearn.preprocessing.MultiLabelBinarizer", relies_on=("classes_", "_cached_dict"))
def check_labels(binarizer: Any) -> None:
    """Refuse labels that come twice, and columns of labels that are not the binarizer's."""
    state = vars(binarizer)
    if "classes_" not in state and state.get("_cached_dict") is None:
        return
    classes = state.get("classes_")
    if not isinstance(classes, list | tuple) and (not isinstance(classes, np.ndarray) or classes.ndim != 1):
        refuse("classes_", "must be an array with one axis")
    if not _are_distinct(classes.tolist() if isinstance(classes, np.ndarray) else classes):
        # Each gets the column of its last place, and the matrix as many columns as there are different labels.
        refuse("classes_", "must have every label once")
    if state.get("_cached_dict") is not None:
        _check_places(state, "_cached_dict", len(classes))


# What takes no longer to look at than an object takes to be built.
_MOST_LISTED = 1 << 10


@check("sklearn.preprocessing.LabelBinarizer", "sklearn.naive_bayes._BaseDiscreteNB")
def check_binarized_classes(binarizer: Any) -> None:
    """Refuse classes that a search could miss."""
    state = vars(binarizer)
    classes = state.get("classes_", ())
    # A list that many refer to is gone through for each of them; scikit-learn keeps an array.
    if (isinstance(classes, list | tuple) and len(classes) > _MOST_LISTED) or not has_order(classes):
        refuse("classes_", "must be an array of numbers, texts or dates with one axis")


@check("sklearn.feature_extraction.FeatureHasher", "sklearn.feature_extraction.text.HashingVectorizer")
def check_hashed_features(hasher: Any) -> None:
    """Refuse a number of features that compiled code cannot divide by."""
    state = vars(hasher)
    if "n_features" in state:
        size_of(state, "n_features", 1, _MOST_HASHED_FEATURES)
