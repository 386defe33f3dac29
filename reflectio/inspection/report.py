"""All that ``reflectio show`` says of a document, before it is written for a terminal or as JSON."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from reflectio.codec import Node
from reflectio.errors import DecodeError
from reflectio.inspection.entry import Entry, as_members
from reflectio.inspection.features import texts_of
from reflectio.inspection.graph import class_of, tag_of
from reflectio.inspection.header import Header
from reflectio.inspection.outline import Outliner
from reflectio.inspection.paths import find, named_pair
from reflectio.inspection.space import Use, largest
from reflectio.inspection.text import plural, printable
from reflectio.inspection.values import inline, short_name
from reflectio.versions import installed_version

# How many versions and pieces of metadata are worth a line, and how many places that take space.
_LINES = 20
_USES = 5
_STEPS = 6
_METADATA_ITEMS = 20

# What is written of Python itself is no distribution.
_NO_DISTRIBUTIONS = frozenset({"python", "reflectio"})


@frozen
class Report:
    """
    What there is to say of a document.

    Attributes
    ----------
    header : Header
        What the document says of itself.
    title : str
        The model in a few words.
    outline : Entry
        Its parts.
    versions : list of tuple
        Of each library: its name, the version in the document, and the one here where it differs.
    metadata : list of tuple of str
        What its writer put there, by name.
    space : list of Use
        What takes the most space in the part that was looked at.
    total : int
        The bytes of the document that this part takes: in JSON format, white space apart.
    """

    header: Header
    title: str
    outline: Entry
    versions: list[tuple[str, str, str]]
    metadata: list[tuple[str, str]]
    space: list[Use]
    total: int

    @property
    def ok(self) -> bool:
        """Whether the document is as it was written, as far as was looked."""
        header = self.header
        return not header.problem and header.digest != "differs" and header.segment_digest != "differs"

    def as_members(self) -> dict[str, Any]:
        """The report as JSON values."""
        header = self.header
        return {
            "ok": self.ok,
            "title": self.title,
            "format": header.format,
            "format_version": header.format_version,
            "nbytes": header.nbytes,
            "header_nbytes": header.header_nbytes,
            "segment_nbytes": header.segment_nbytes,
            "digest": header.digest,
            "segment_digest": header.segment_digest if header.segment_nbytes else None,
            "problem": header.problem,
            "versions": header.versions,
            "metadata": header.metadata,
            "largest": [{"path": use.path, "nbytes": use.nbytes, "count": use.count} for use in self.space],
            "model": as_members(self.outline),
        }


def report(
    header: Header,
    path: str = "$.model",
    *,
    depth: int = 3,
    everything: bool = False,
    exact: bool = False,
) -> Report:
    """
    Look at a document.

    Parameters
    ----------
    header : Header
        The document.
    path : str
        Which part of it.
    depth : int
        How many levels of objects are opened.
    everything : bool
        Whether nothing is left out.
    exact : bool
        Whether every value of large arrays is read, and not only a sample.

    Raises
    ------
    DocumentError
        There is nothing at the path.
    """
    outline = Outliner(header, depth=depth, everything=everything, exact=exact).outline(path)
    found = find(header, path)
    part = (found.path, found.node) if found.node is not header.graph.target(header.model) else None
    parts = (header.model, *header.objects) if part is None else (found.node,)
    return Report(
        header,
        title_of(header),
        outline,
        versions_of(header),
        metadata_of(header),
        largest(header.graph, _USES if not everything else 10 * _USES, part),
        sum(map(header.graph.size, parts)),
    )


def title_of(header: Header) -> str:
    """The model in a few words: ``Pipeline: StandardScaler → SVC, 4 features, 3 classes``."""
    node = header.model
    try:
        parts = [_class_of(node, header)]
        if type(node) is dict and "$" in node:
            parts += _facts(node, header)
        return ", ".join(parts)
    except DecodeError:
        return "a damaged model"


def _class_of(node: Node, header: Header) -> str:
    node = header.graph.target(node)
    if type(node) is not dict:
        return inline(node, header.graph, 0) or f"list of {len(node):,}"
    tag = tag_of(node)
    if tag is None:
        return f"dict of {len(node):,}"
    if "." not in tag:
        return inline(node, header.graph, 3) or printable(tag, 40)
    inner = _inner(node, header)
    return f"{short_name(tag)}{f': {inner}' if inner else ''}"


def _inner(node: dict[str, Any], header: Header) -> str:
    """What an estimator is made of."""
    graph = header.graph
    for name, arrow in (("steps", " → "), ("transformers", ", "), ("estimators", ", ")):
        steps = graph.target(node.get(name))
        if type(steps) is list and steps:
            pairs = [named_pair(step, graph) for step in steps]
            names = [_step_name(pair[1], header) for pair in pairs if pair is not None]
            return arrow.join(names[:_STEPS]) + (f"{arrow}…" if len(names) > _STEPS else "")
    for name in ("best_estimator_", "estimator", "base_estimator", "regressor"):
        inner = graph.target(node.get(name))
        if class_of(inner):
            return short_name(inner["$"])
    return ""


def _step_name(node: Node, header: Header) -> str:
    node = header.graph.target(node)
    if (tag := tag_of(node)) is not None:
        return short_name(tag)
    return printable(node, 40) if type(node) is str else "…"


def _facts(node: dict[str, Any], header: Header) -> list[str]:
    facts = []
    last = _last_step(node, header)
    for owner in (node, last):
        if type(count := owner.get("n_features_in_")) is int:
            facts.append(plural(count, "feature"))
            break
    else:
        first = _step(node, header, 0)
        if type(count := first.get("n_features_in_")) is int:
            facts.append(plural(count, "feature"))
    for owner in (node, last):
        if labels := texts_of(owner.get("classes_"), header):
            shown = f" ({', '.join(labels)})" if len(labels) <= 4 and sum(map(len, labels)) <= 40 else ""
            facts.append(f"{plural(len(labels), 'class')}{shown}")
            break
    estimators = header.graph.target(node.get("estimators_"))
    if type(estimators) is list and estimators:
        facts.append(f"{len(estimators):,} of {_class_of(estimators[0], header)}")
    fitted = any(name.endswith("_") and not name.startswith("_") for name in (*node, *last))
    if not fitted and "_sklearn_version" in node:
        facts.append("not fitted")
    return facts


def _step(node: dict[str, Any], header: Header, index: int) -> dict[str, Any]:
    steps = header.graph.target(node.get("steps"))
    if type(steps) is list and steps:
        pair = named_pair(steps[index], header.graph)
        found = header.graph.target(pair[1]) if pair is not None else None
        if type(found) is dict:
            return found
    return {}


def _last_step(node: dict[str, Any], header: Header) -> dict[str, Any]:
    return _step(node, header, -1)


def versions_of(header: Header) -> list[tuple[str, str, str]]:
    """The versions that the document was written with, and those here where they differ."""
    found = []
    for name, version in list(header.versions.items())[:_LINES]:
        here = ""
        if name not in _NO_DISTRIBUTIONS and len(name) <= 100:
            installed = installed_version(name) or "not installed"
            here = installed if installed != version else ""
        found.append((printable(name, 60), printable(str(version), 60), printable(here, 60)))
    return found


def metadata_of(header: Header) -> list[tuple[str, str]]:
    """What its writer put into the document, a line for each name."""
    metadata = header.metadata
    if metadata is None:
        return []
    if type(metadata) is not dict:
        return [("", _json(metadata))]
    lines = [(printable(name, 60), _json(value)) for name, value in list(metadata.items())[:_METADATA_ITEMS]]
    if len(metadata) > _METADATA_ITEMS:
        lines.append(("…", f"{len(metadata) - _METADATA_ITEMS:,} more"))
    return lines


def _json(value: Any) -> str:
    import orjson

    return printable(value if type(value) is str else orjson.dumps(value).decode(), 500)
