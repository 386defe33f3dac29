"""What a policy allows in a document and a reviewer may still want to see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from reflectio.codec import Node
from reflectio.codecs.numbers import decode_base64
from reflectio.errors import DocumentError
from reflectio.name_uses import dereferenced, nodes_of, path_of, targets_of

_MANY_JOBS = 256
_LARGE_CACHE_MB = 16_384
_LARGE_DEGREE = 100

# Parameters that `fit` takes time or memory in proportion to, with the largest value that anybody would choose.
_SIZES: dict[str, float] = {
    "C": 1e8,
    "batch_size": 1e8,
    "cv": 1000,
    "hidden_layer_sizes": 1e6,
    "max_bins": 255,
    "max_doc_update_iter": 1e6,
    "max_iter": 1e7,
    "max_leaf_nodes": 1e8,
    "max_trials": 1e6,
    "n_alphas": 1e5,
    "n_bins": 1e6,
    "n_candidates": 1e5,
    "n_clusters": 1e6,
    "n_components": 1e6,
    "n_estimators": 1e5,
    "n_init": 1e4,
    "n_iter": 1e6,
    "n_iter_no_change": 1e6,
    "n_knots": 1e5,
    "n_neighbors": 1e6,
    "n_oversamples": 1e5,
    "n_output_features_": 1e7,
    "n_quantiles": 1e8,
    "n_repeats": 1e4,
    "n_resampling": 1e5,
    "n_restarts_optimizer": 1e4,
    "n_splits": 1000,
    "n_subsets": 1e6,
    "sample_steps": 1000,
    "subsample": 1e9,
    "transform_max_iter": 1e7,
    "verbose": 1e4,
    "window_size": 1e6,
}

# How much of a value a message repeats.
_SHOWN = 100

# What joblib is asked to evaluate as an expression, where it is as usual.
_DISPATCH = re.compile(r"all|[0-9]{0,6}|(?:[0-9]{1,6} ?\* ?)?n_jobs(?: ?\* ?[0-9]{1,6})?", re.ASCII)

_TOKEN_PATTERN = r"(?u)\b\w\w+\b"


@frozen
class Notice:
    """
    Something worth a look.

    Attributes
    ----------
    path : str
        Where it is.
    message : str
        What it is, and why it matters.
    """

    path: str
    message: str


def _above(limit: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and abs(value) > limit


def _is_out_of_reach(value: Any) -> bool:
    """Whether nothing comes within a tolerance: a negative one, or a NaN, which a node says in a way of its own."""
    return type(value) in (int, float) and (not value >= 0 or value == float("inf"))


def _any_above(limit: float) -> Callable[[Any], bool]:
    """Of a value, or of several in a list or tuple."""
    above = _above(limit)
    return lambda value: above(value) or (type(value) is list and any(above(_plain(item)) for item in value))


_DEGREE = (_above(_LARGE_DEGREE), "transforming makes columns whose number grows as a power of it")

_TOLERANCE = (
    _is_out_of_reach,
    "nothing comes within this tolerance: iterations go on to the greatest number that is allowed",
)

# Parameters of estimators whose value makes a later call reach outside the process, or ask for very much.
_PARAMETERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "memory": (
        lambda value: value is not None,
        "fitting will write a cache to disk, in this folder, and read pickles from it",
    ),
    "input": (
        lambda value: value in ("file", "filename"),
        "transforming will open the files that its input names",
    ),
    "n_jobs": (_above(_MANY_JOBS), "asks for a great many processes or threads"),
    "cache_size": (_above(_LARGE_CACHE_MB), "training will ask for a very large cache, in MB"),
    "pre_dispatch": (
        lambda value: type(value) is str and not _DISPATCH.fullmatch(value),
        "joblib evaluates this expression; old versions of it run any code that it holds (CVE-2022-21797)",
    ),
    "token_pattern": (
        lambda value: type(value) is str and value != _TOKEN_PATTERN,
        "a regular expression of its own: some take exponential time on some texts",
    ),
    "pattern": (
        lambda value: type(value) is str,
        "a regular expression of its own: some take exponential time on some texts",
    ),
    "degree": _DEGREE,
    "tol": _TOLERANCE,
    "mean_change_tol": _TOLERANCE,
    "warm_start": (
        lambda value: value is True,
        "fitting goes on from the state that the document holds, which a fit elsewhere would replace; on data with "
        "another number of columns or outputs than that was trained on, scikit-learn can write past its memory: fit it to "
        "data with the same, or set warm_start=False",
    ),
    **{
        name: (
            _any_above(limit),
            f"more than {limit:,.0f}: a later call will ask for very much memory or time",
        )
        for name, limit in _SIZES.items()
    },
}

# Nodes that are mappings written as pairs.
_PAIRS = frozenset({"dict", "ordereddict"})


def notices(header: dict[str, Any], roots: list[Node]) -> Iterator[Notice]:
    """
    Find what is worth a look.

    Parameters
    ----------
    header : dict
        The header's members.
    roots : list of node
        The root of the document and its ``objects``.
    """
    segment = header.get("segment")
    if "segment" in header and "digest" not in header:
        yield Notice("$", "the header's digest was deleted: the document may have been edited by hand")
    if type(segment) is dict and segment.keys() == {"nbytes"}:
        yield Notice(
            "$.segment", "the segment's digest was deleted: the document may have been edited by hand"
        )
    targets: dict[int, dict[str, Any]] | None = None
    for node, place in nodes_of(roots):
        for name, value, row in _parameters(node):
            if type(value) is dict and value.get("$") == "ref":
                targets = targets_of(roots) if targets is None else targets
                value = dereferenced(value, targets)
            is_notable, message = _PARAMETERS[name]
            value = _plain(value)
            if is_notable(value):
                path = f"{path_of(place, row)}.{name}"
                yield Notice(path, f"{name} = {str(value)[:_SHOWN]!r}: {message}")


def _parameters(node: dict[str, Any]) -> Iterator[tuple[str, Any, int]]:
    """The parameters of a node that describes objects or a call, in whatever form it gives them, and of which object."""
    tag = node.get("$")
    if type(tag) is not str:
        return
    if "." in tag:
        state = node.get("$state")
        sources: list[Any] = [node, state, *(_items(state) if type(state) is dict else ())]
    elif tag == "pattern":
        yield "pattern", node.get("pattern"), 0
        return
    elif tag == "rows":
        yield from _parameters_of_rows(node.get("columns"))
        return
    else:
        sources = [node.get("kwargs")]
    for source in sources:
        if type(source) is dict:
            for name in _PARAMETERS.keys() & source.keys():
                yield name, source[name], 0


def _parameters_of_rows(columns: Node) -> Iterator[tuple[str, Any, int]]:
    for name in _PARAMETERS.keys() & columns.keys() if type(columns) is dict else ():
        column = columns[name]
        array = column.get("array") if type(column) is dict and column.get("$") == "column" else None
        if type(array) is dict and column.get("of") == "scalar":
            data = array.get("data")
            # What lies in the segment is not read here, and may be anything.
            column = data if type(data) is list else {"$": "float"}
        if type(column) is list:
            yield from ((name, value, row) for row, value in enumerate(column))
        else:
            # One for all.
            yield name, column, 0


def _items(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    items = node.get("items")
    if type(tag := node.get("$")) is str and tag in _PAIRS and type(items) is list:
        for pair in items:
            if type(pair) is list and len(pair) == 2 and type(key := _plain(pair[0])) is str:
                yield {key: pair[1]}


def _plain(value: Node) -> Any:
    """A value that a node may say in a way of its own: text as base64, a number as a scalar of numpy's."""
    if type(value) is not dict:
        return value
    tag = value.get("$")
    if tag == "str":
        try:
            return decode_base64(value.get("data")).decode("utf-8", "surrogatepass")
        except (DocumentError, UnicodeDecodeError):
            return value
    if tag == "scalar":
        return _plain(value.get("value"))
    if tag in ("tuple", "list"):
        return value.get("items")
    if tag == "float":
        return float("inf")
    if tag == "int":
        # Beyond 64 bits, and so beyond every limit here; its digits need not be converted.
        return float("inf")
    return value
