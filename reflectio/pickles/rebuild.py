"""From what a pickle describes to the object, by way of a document that is loaded with every check."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import orjson

from reflectio.api import load, loads
from reflectio.array_bytes import as_bytes
from reflectio.collector import without_collector
from reflectio.document import write_binary
from reflectio.draft import Draft, joined
from reflectio.errors import DocumentError, ReflectioError
from reflectio.pickles.graph import Graph
from reflectio.pickles.judge import uses_of
from reflectio.pickles.nodes import GraphEncoder
from reflectio.policy import Kind, Policy
from reflectio.refused_names import refusal
from reflectio.versions import versions_for
from reflectio.walk_in import as_reflectio_error

# Up to this many bytes of arrays, copying them once more is quicker than reading them one by one.
_SMALL = 1 << 23

# How much is read ahead of what was asked for.
_CHUNK = 1 << 17


def check(graph: Graph, policy: Policy) -> None:
    """
    Refuse what a policy refuses, and what cannot be judged, before anything is imported.

    Parameters
    ----------
    graph : Graph
        What a file would do.
    policy : Policy
        The policy.

    Raises
    ------
    UntrustedNameError
        The file names what the policy does not allow; ``names`` has all of it.
    DocumentError
        The file is damaged, or does what no policy can allow.
    """
    uses = uses_of(graph, policy)
    if not graph.complete:
        raise _problem(graph)
    found: dict[str, str] = {}
    refused: dict[Kind, dict[str, None]] = {}
    for use in uses:
        if not use.allowed and use.kind != "reconstruction":
            found.setdefault(use.name, use.path)
            refused.setdefault(use.kind, {})[use.name] = None
    if found:
        raise refusal(found, {kind: list(names) for kind, names in refused.items()}, policy, "the file")
    if graph.problems:
        raise _problem(graph)


def _problem(graph: Graph) -> DocumentError:
    first = graph.problems[0]
    place = "" if first.offset is None else f" (at byte {first.offset})"
    others = len(graph.problems) - 1
    more = f"; and {others} more problem{'s' * (others > 1)}" if others else ""
    return DocumentError(f"{first.message}{place}{more}")


def build(graph: Graph, policy: Policy) -> Any:
    """
    Give the object that a file describes.

    Parameters
    ----------
    graph : Graph
        What the file would do, read with its arrays.
    policy : Policy
        Which names may be used.

    Returns
    -------
    Any
        The object, as `reflectio.loads` would give it.

    Raises
    ------
    DecodeError
        The policy refuses it, it cannot be judged, or it fails a check.
    UnsupportedTypeError
        It holds something that no document can hold.
    """
    check(graph, policy)
    document, nbytes = _document(graph, policy)
    if isinstance(document, bytes) or nbytes <= _SMALL:
        return loads(joined(document), policy=policy)
    # Read piece by piece, each array is copied once, and not into a document first.
    return load(io.BufferedReader(_Pieces(document), _CHUNK), policy=policy)


class _Pieces(io.RawIOBase):
    """A file to read, of the pieces of a document."""

    def __init__(self, pieces: Iterable[Any]) -> None:
        self._pieces = map(as_bytes, pieces)
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._piece:
            following = next(self._pieces, None)
            if following is None:
                return 0
            self._piece = following
        size = min(len(buffer), len(self._piece))
        buffer[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size


@without_collector
def _document(graph: Graph, policy: Policy) -> tuple[Draft | bytes, int]:
    try:
        try:
            return _encoded(graph, policy, careful=False)
        except orjson.JSONEncodeError:
            # Somewhere is an integer beyond 64 bits, or text that is not Unicode: walk again and look at each.
            return _encoded(graph, policy, careful=True)
    except ReflectioError as error:
        raise error.rooted("$.model") from error.__cause__
    except Exception as error:
        # Codecs are handed what a file forged; one may fail over it in any way.
        raise as_reflectio_error(error) from error


def _encoded(graph: Graph, policy: Policy, *, careful: bool) -> tuple[Draft | bytes, int]:
    encoder = GraphEncoder(graph, policy, careful=careful)
    model, objects = encoder.encode(graph.root)
    document = write_binary(versions_for(encoder.names), None, model, objects, encoder.segment)
    return document, encoder.segment.nbytes
