"""
skops files: a zip archive with a tree of nodes in ``schema.json``, and the arrays beside it.

The tree is read into the same records as a pickle, without skops, which need not be installed: neither its loaders
run nor the list of types that it trusts by default counts, but the policy alone.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from reflectio.errors import DocumentError, LimitError
from reflectio.pickles.graph import UNSET, Call, Global, Graph, Manner, check_name
from reflectio.pickles.reviewed import is_reviewed
from reflectio.pickles.skops_archive import Archive
from reflectio.pickles.skops_loaders import LOADERS
from reflectio.policy import Limits

__all__ = ["read_skops"]

_SCHEMA = "schema.json"
_NODE_MEMBERS = frozenset({"__class__", "__module__", "__loader__"})

# The schemas of models shrink to a sixtieth at most. Compressed, text can be a thousandth of what it is, and each of its
# bytes is many in memory, once it is parsed.
_FREE_SCHEMA, _LARGEST_SCHEMA_RATIO = 1 << 22, 128

# An empty list takes three bytes of text. A node is an object of a hundred bytes or more, and holds one or two more.
_FREE_VALUES, _BYTES_PER_VALUE = 50_000, 24

# Loaders whose nodes name what a reader would import.
_NAMING = ("ObjectNode", "FunctionNode", "MethodNode", "OperatorFuncNode", "TypeNode")


class Reader:
    """One walk over one tree of nodes."""

    def __init__(self, archive: Archive, graph: Graph, limits: Limits) -> None:
        self.archive = archive
        self.graph = graph
        self.limits = limits
        self._made: dict[Any, Any] = {}
        self._count = 0

    def value(self, node: Any) -> Any:
        """The record of a node; of several with one id, which skops loads once, the first counts."""
        if type(node) is not dict or not node.keys() >= _NODE_MEMBERS:
            raise DocumentError("a node of the schema has no class, module or loader")
        self._count += 1
        if self._count > self.limits.nodes:
            raise LimitError(f"the schema has more than {self.limits.nodes} nodes, the policy's limit nodes")
        number = node.get("__id__")
        if type(number) is int and number in self._made:
            return self._made[number]
        loader = LOADERS.get(node["__loader__"]) if type(node["__loader__"]) is str else None
        if loader is None:
            raise DocumentError(f"a node with the loader {node['__loader__']!r:.60}, which is not known")
        made = loader(self, node)
        if type(number) is int:
            self._made[number] = made
        return made

    def values(self, nodes: Any) -> list[Any]:
        """The records of several nodes."""
        if type(nodes) is not list:
            raise DocumentError("a list of nodes is needed here")
        return [self.value(node) for node in nodes]

    # -- names ----------------------------------------------------------------------------------------------

    def named(self, node: dict[str, Any]) -> Global:
        """What a node names."""
        module, name = node["__module__"], node["__class__"]
        if type(module) is not str or type(name) is not str:
            raise DocumentError("a name in the schema is no text")
        return self.noted(module, name)

    def noted(self, module: str, name: str) -> Global:
        """A name that loading would import, noted in the graph."""
        check_name(module, name)
        found = Global(module, name, 0)
        self.graph.globals.append(found)
        return found

    @staticmethod
    def name_of(node: dict[str, Any]) -> str:
        """The name, where it names no more than what the loader is for anyway."""
        return f"{node['__module__']}.{node['__class__']}"

    def call(self, func: Global, args: tuple[Any, ...], manner: Manner = "call", state: Any = UNSET) -> Call:
        """A call, noted in the graph."""
        call = Call(func, manner, args, 0, None, state)
        self.graph.calls.append(call)
        if is_reviewed(func.text):
            self.graph.reviewed.append(func)
        return call

    def reviewed(self, module: str, name: str, args: tuple[Any, ...], state: Any = UNSET) -> Call:
        """A call that a loader stands for without naming it."""
        return self.call(self.noted(module, name), args, "call", state)

    def spend(self, nbytes: int) -> None:
        """Count bytes that are copied, which nodes may ask for any number of times."""
        self.graph.size = self.archive.nbytes
        self.graph.spend(nbytes=nbytes)


def read_skops(data: memoryview, limits: Limits) -> Graph:
    """
    Read a skops file without loading it.

    Parameters
    ----------
    data : memoryview
        The file.
    limits : Limits
        How many nodes and decompressed bytes the policy grants.

    Returns
    -------
    Graph
        What loading it would do. Of a damaged file, what it says as far as it can be read.

    Raises
    ------
    DocumentError
        It is no skops file.
    LimitError
        It exceeds a limit.
    """
    graph = Graph()
    archive = Archive(data, limits.expanded_bytes)
    text = _schema_of(archive, limits)
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"not a skops file: {_SCHEMA} is not JSON: {error}") from error
    if type(schema) is not dict:
        raise DocumentError(f"not a skops file: {_SCHEMA} is no object")
    if type(version := schema.get("_skops_version")) is str:
        graph.versions["skops"] = version
    reader = Reader(archive, graph, limits)
    try:
        graph.root = reader.value(schema)
        graph.complete = True
    except RecursionError as error:
        raise LimitError("the schema nests too deeply to be read") from error
    except DocumentError as error:
        _note_all(schema, reader)
        graph.problem(error.message)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        _note_all(schema, reader)
        graph.problem(f"the schema is malformed: {type(error).__name__}: {error}")
    graph.size = archive.nbytes
    return graph


def _schema_of(archive: Archive, limits: Limits) -> bytes:
    """The text of the schema, if it can be parsed in little more time and memory than reading the file takes."""
    try:
        text = archive.read(_SCHEMA)
    except DocumentError as error:
        raise DocumentError(f"not a skops file: {error.message}") from error
    if len(text) > limits.text_bytes:
        raise LimitError(
            f"{_SCHEMA} has {len(text)} bytes; the policy's limit text_bytes is {limits.text_bytes}"
        )
    if len(text) > _FREE_SCHEMA + _LARGEST_SCHEMA_RATIO * archive.compressed_nbytes(_SCHEMA):
        raise LimitError(f"{_SCHEMA} shrinks more, when it is compressed, than that of any model")
    if text.count(b"{") + text.count(b"[") > _FREE_VALUES + len(text) // _BYTES_PER_VALUE:
        raise LimitError(f"{_SCHEMA} holds more lists and objects than it can have nodes")
    return text


def _note_all(schema: Any, reader: Reader) -> None:
    """Note every name of a schema that cannot be read to its end."""
    graph = reader.graph
    graph.globals.clear()
    graph.calls.clear()
    graph.root = None
    stack = [schema]
    while stack:
        value = stack.pop()
        if type(value) is dict:
            texts = type(value.get("__module__")) is str and type(value.get("__class__")) is str
            loader = value.get("__loader__")
            if texts and (loader in _NAMING or type(loader) is not str or loader not in LOADERS):
                # One that is too long to be a name is a problem that is known.
                with suppress(DocumentError):
                    reader.named(value)
            stack.extend(value.values())
        elif type(value) is list:
            stack.extend(value)
