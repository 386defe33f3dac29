"""
skops files: a zip archive with a tree of nodes in ``schema.json``, and the arrays beside it.

The tree is read into the same records as a pickle, without skops, which need not be installed: neither its loaders
run nor the list of types that it trusts by default counts, but the policy alone.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from reflectio.errors import DocumentError, LimitError
from reflectio.pickles.graph import UNSET, Call, Described, Global, Graph, Mapping, SetOf
from reflectio.pickles.reviewed import BIT_GENERATORS, is_reviewed
from reflectio.policy import Limits

_SCHEMA = "schema.json"
_JSON_VALUES = (type(None), bool, int, float, str)

# What the keys of a dict are made of their text by.
_KEY_TYPES: dict[str, Callable[[str], Any]] = {
    "builtins.str": str,
    "builtins.int": int,
    "builtins.float": float,
    "builtins.bool": lambda text: text == "true",
}
_DICTS = {"builtins.dict": None, "collections.OrderedDict": "ordereddict"}
_NODE_MEMBERS = frozenset({"__class__", "__module__", "__loader__"})

# The parts of sparse matrices, under the names that `scipy.sparse.save_npz` gives them.
_SPARSE = {
    "csr": ("indices", "indptr"),
    "csc": ("indices", "indptr"),
    "bsr": ("indices", "indptr"),
    "dia": ("offsets",),
    "coo": ("row", "col"),
}
_MAXPRINT = 50

# Loaders whose nodes name what a reader would import.
_NAMING = ("ObjectNode", "FunctionNode", "MethodNode", "OperatorFuncNode", "TypeNode")


class _Archive:
    """The files of an archive, each read once, within a limit on all of them together."""

    def __init__(self, data: memoryview, limit: int) -> None:
        self._limit = limit
        self._read: dict[str, bytes] = {}
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise DocumentError(f"not a skops file: {error}") from error

    def read(self, name: Any) -> bytes:
        if type(name) is not str:
            raise DocumentError("a file of the archive by no name")
        if name not in self._read:
            try:
                with self._zip.open(name) as file:
                    data = file.read(self._limit + 1)
            except KeyError:
                raise DocumentError(f"the archive has no file {name!r:.60}") from None
            except (
                zipfile.BadZipFile,
                zlib.error,
                OSError,
                EOFError,
                NotImplementedError,
                RuntimeError,
                ValueError,
            ) as error:
                raise DocumentError(f"the file {name!r:.60} of the archive is damaged: {error}") from error
            self._limit -= len(data)
            if self._limit < 0:
                raise LimitError(
                    "the archive has more bytes, decompressed, than the policy's limit expanded_bytes"
                )
            self._read[name] = data
        return self._read[name]


def array_of_npy(data: bytes) -> Any:
    """The array in a file of numpy's own format; one that holds objects is refused."""
    import numpy as np
    from numpy.lib import format as npy

    from reflectio.pickles.arrays import array_of

    file = io.BytesIO(data)
    try:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version}")
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read_header(file)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, OverflowError) as error:
        raise DocumentError(f"not an array in numpy's format: {error}") from error
    if dtype.hasobject:
        raise DocumentError("an array of objects in numpy's format, which is a pickle")
    return array_of(data[file.tell() :], np.dtype(dtype), shape, "F" if fortran else "C", writeable=True)


class _Reader:
    """One walk over one tree of nodes."""

    def __init__(self, archive: _Archive, graph: Graph, limits: Limits, *, keep: bool) -> None:
        self._archive = archive
        self._graph = graph
        self._limits = limits
        self._keep = keep
        self._made: dict[Any, Any] = {}
        self._arrays: dict[str, Any] = {}
        self._count = 0

    def value(self, node: Any) -> Any:
        """The record of a node; of several with one id, which skops loads once, the first counts."""
        if type(node) is not dict or not node.keys() >= _NODE_MEMBERS:
            raise DocumentError("a node of the schema has no class, module or loader")
        self._count += 1
        if self._count > self._limits.nodes:
            raise LimitError(f"the schema has more than {self._limits.nodes} nodes, the policy's limit nodes")
        number = node.get("__id__")
        if type(number) is int and number in self._made:
            return self._made[number]
        loader = _LOADERS.get(node["__loader__"]) if type(node["__loader__"]) is str else None
        if loader is None:
            raise DocumentError(f"a node with the loader {node['__loader__']!r:.60}, which is not known")
        made = loader(self, node)
        if type(number) is int:
            self._made[number] = made
        return made

    def values(self, nodes: Any) -> list[Any]:
        if type(nodes) is not list:
            raise DocumentError("a list of nodes is needed here")
        return [self.value(node) for node in nodes]

    # -- names ----------------------------------------------------------------------------------------------

    def named(self, node: dict[str, Any]) -> Global:
        """What a node names."""
        module, name = node["__module__"], node["__class__"]
        if type(module) is not str or type(name) is not str:
            raise DocumentError("a name in the schema is no text")
        found = Global(module, name, 0)
        self._graph.globals.append(found)
        return found

    @staticmethod
    def name_of(node: dict[str, Any]) -> str:
        """The name, where it names no more than what the loader is for anyway."""
        return f"{node['__module__']}.{node['__class__']}"

    def call(self, func: Global, args: tuple[Any, ...], manner: Any = "call", state: Any = UNSET) -> Call:
        call = Call(func, manner, args, 0, None, state)
        self._graph.calls.append(call)
        if is_reviewed(func.text):
            self._graph.reviewed.append(func)
        return call

    def reviewed(self, module: str, name: str, args: tuple[Any, ...], state: Any = UNSET) -> Call:
        func = Global(module, name, 0)
        self._graph.globals.append(func)
        return self.call(func, args, "call", state)

    # -- arrays ---------------------------------------------------------------------------------------------

    def array(self, name: Any) -> Any:
        data = self._archive.read(name)
        if name not in self._arrays:
            self._arrays[name] = array_of_npy(data)
        return self._arrays[name]


def _dict(reader: _Reader, node: dict[str, Any]) -> Any:
    name = reader.name_of(node)
    content, types = node.get("content"), node.get("key_types")
    if type(content) is not dict or type(types) is not dict:
        raise DocumentError("a dict without its items, or without the types of their keys")
    kinds = types.get("content")
    if type(kinds) is not list or len(kinds) != len(content):
        raise DocumentError("a dict needs a type for each of its keys")
    pairs = []
    for kind, (key, value) in zip(kinds, content.items(), strict=True):
        pairs.append((_key(reader.name_of(kind), key), reader.value(value)))
    if name not in _DICTS:
        made = reader.call(reader.named(node), (), "new")
        made.pairs = pairs
        if made.func.name == "Bunch" and made.func.module.startswith("sklearn.utils"):
            # What calling the class, as skops does, gives it.
            made.state = Mapping([("_deprecated_key_to_warnings", Mapping())])
        return made
    tag = _DICTS[name]
    return Mapping(pairs) if tag is None else Described(tag, {"items": [list(pair) for pair in pairs]})


def _key(kind: str, text: str) -> Any:
    try:
        if kind in _KEY_TYPES:
            return _KEY_TYPES[kind](text)
        if kind.startswith("numpy."):
            import numpy as np

            scalar: Any = np.dtype(kind.removeprefix("numpy.")).type
            return scalar(text)
    except (TypeError, ValueError, OverflowError) as error:
        raise DocumentError(f"the key {text!r:.60} is no {kind}") from error
    raise DocumentError(f"a key of the type {kind!r:.60}, which conversion does not know")


def _default_dict(reader: _Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    main = reader.value(content["main"])
    if type(main) is not Mapping:
        raise DocumentError("the contents of a defaultdict are no dict")
    factory = reader.value(content["default_factory"])
    return Described(
        "defaultdict", {"default_factory": factory, "items": [list(pair) for pair in main.pairs]}
    )


def _list(reader: _Reader, node: dict[str, Any]) -> Any:
    if reader.name_of(node) != "builtins.list":
        raise DocumentError(
            f"a list of the class {reader.name_of(node)!r:.60}, which conversion does not know"
        )
    return reader.values(node["content"])


def _set(reader: _Reader, node: dict[str, Any]) -> Any:
    name = reader.name_of(node)
    if name not in ("builtins.set", "builtins.frozenset"):
        raise DocumentError(f"a set of the class {name!r:.60}, which conversion does not know")
    return SetOf(reader.values(node["content"]), frozen=name.endswith("frozenset"))


def _tuple(reader: _Reader, node: dict[str, Any]) -> Any:
    items = tuple(reader.values(node["content"]))
    if reader.name_of(node) == "builtins.tuple":
        return items
    return reader.call(reader.named(node), items)


def _named(reader: _Reader, node: dict[str, Any]) -> Any:
    return reader.named(node)


def _partial(reader: _Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    func, args, kwds = (reader.value(content[part]) for part in ("func", "args", "kwds"))
    namespace = reader.value(content["namespace"])
    return reader.reviewed("functools", "partial", (func,), (func, args, kwds, namespace))


def _slice(reader: _Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    bounds = tuple(content[name] for name in ("start", "stop", "step"))
    if not all(type(bound) in _JSON_VALUES for bound in bounds):
        raise DocumentError("the bounds of a slice are no plain values")
    return slice(*bounds)


def _constructed(reader: _Reader, node: dict[str, Any]) -> Any:
    args = reader.value(node["content"])
    if type(args) is not tuple:
        raise DocumentError("the arguments of a constructor are no tuple")
    return reader.call(reader.named(node), args)


def _object(reader: _Reader, node: dict[str, Any]) -> Any:
    state = UNSET if node.get("content") is None else reader.value(node["content"])
    return reader.call(reader.named(node), (), "new", UNSET if state is None else state)


def _reduced(reader: _Reader, node: dict[str, Any]) -> Any:
    if node["__loader__"] == "TreeNode":
        # Whatever the node says, skops makes a tree.
        node = {**node, "__module__": "sklearn.tree._tree", "__class__": "Tree"}
    args, state = reader.value(node["__reduce__"]["args"]), reader.value(node["content"])
    if type(args) is not tuple:
        raise DocumentError("the arguments of a constructor are no tuple")
    if state in ((), None) or (type(state) is Mapping and not state.pairs):
        state = UNSET
    return reader.call(reader.named(node), args, "call", state)


def _method(reader: _Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    return reader.reviewed("builtins", "getattr", (reader.value(content["obj"]), content["func"]))


def _operator(reader: _Reader, node: dict[str, Any]) -> Any:
    attributes = reader.value(node["attrs"])
    if node["__module__"] != "operator" or type(attributes) is not tuple:
        raise DocumentError("a function of the operator module that is none")
    return reader.call(reader.named(node), attributes)


def _json(reader: _Reader, node: dict[str, Any]) -> Any:
    try:
        value = json.loads(node["content"])
    except (TypeError, ValueError, RecursionError) as error:
        raise DocumentError(f"a value that is not JSON: {error}") from error
    if type(value) not in _JSON_VALUES:
        raise DocumentError("a value in JSON that is no number and no text")
    return value


def _bytes(reader: _Reader, node: dict[str, Any]) -> Any:
    data = reader._archive.read(node["file"])
    return bytearray(data) if node["__loader__"] == "BytearrayNode" else data


def _array(reader: _Reader, node: dict[str, Any]) -> Any:
    name = reader.name_of(node)
    if node["type"] == "json":
        from reflectio.pickles.arrays import check_shape, object_array

        if name != "numpy.ndarray":
            raise DocumentError(f"an array of objects of the class {name!r:.60}")
        shape = check_shape(reader.value(node["shape"]))
        items = reader.values(node["content"])
        for length in shape[1:]:
            if not all(type(item) is list and len(item) == length for item in items):
                raise DocumentError("an array of objects does not have its shape")
            items = [part for item in items for part in item]
        return object_array(items, shape, "C")
    array = reader.array(node["file"])
    if name == "numpy.ndarray":
        return array
    scalar = array[()] if not array.ndim else None
    if (
        scalar is None
        or not node["__module__"].startswith("numpy")
        or type(scalar).__name__ != node["__class__"]
    ):
        raise DocumentError(f"an array of the class {name!r:.60}, which conversion does not know")
    return scalar


def _masked_array(reader: _Reader, node: dict[str, Any]) -> Any:
    import numpy as np

    content = node["content"]
    data, mask = reader.value(content["data"]), reader.value(content["mask"])
    if type(data) is not np.ndarray or not isinstance(mask, np.ndarray | np.bool_) or mask.dtype != bool:
        raise DocumentError("a masked array is made from an array and its mask")
    if isinstance(mask, np.ndarray) and (mask.shape != data.shape or mask.view(np.uint8).max(initial=0) > 1):
        raise DocumentError("the mask of a masked array does not fit it")
    return np.ma.MaskedArray(data, mask)


def _dtype(reader: _Reader, node: dict[str, Any]) -> Any:
    import numpy as np

    array = reader.value(node["content"])
    if type(array) is not np.ndarray:
        raise DocumentError("a dtype is told by an array without elements")
    return array.dtype


def _bits(state: Any, seed_sequence: Any) -> Described:
    members = dict(state.pairs) if type(state) is Mapping else {}
    name = members.pop("bit_generator", None)
    for key in ("has_gauss", "gauss"):
        members.pop(key, None)
    if type(name) is not str or name not in BIT_GENERATORS.values():
        raise DocumentError("a bit generator that numpy does not have")
    described = {"name": name, "state": Mapping(list(members.items())), "seed_seq": seed_sequence}
    return Described("bitgenerator", described)


def _random_state(reader: _Reader, node: dict[str, Any]) -> Any:
    state = reader.value(node["content"])
    members = dict(state.pairs) if type(state) is Mapping else {}
    gauss, has_gauss = members.get("gauss", 0.0), members.get("has_gauss", 0)
    if type(gauss) not in (int, float):
        raise DocumentError("the deviate that a RandomState holds back is no number")
    described = {"bit_generator": _bits(state, None), "has_gauss": has_gauss, "gauss": float(gauss)}
    return Described("randomstate", described)


def _generator(reader: _Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    seed = reader.value(content["seed_seq"])
    if type(seed) is not Mapping:
        raise DocumentError("a Generator without its seed")
    sequence = Described("seedsequence", dict(seed.pairs))
    return Described("generator", {"bit_generator": _bits(reader.value(content["bit_generator"]), sequence)})


def _sparse(reader: _Reader, node: dict[str, Any]) -> Any:
    inner = _Archive(memoryview(reader._archive.read(node["file"])), reader._limits.expanded_bytes)

    def part(name: str) -> Any:
        return array_of_npy(inner.read(f"{name}.npy"))

    layout = part("format")
    layout = layout.item() if not layout.ndim else b""
    layout = layout.decode("ascii", "replace") if type(layout) is bytes else layout
    if layout not in _SPARSE:
        raise DocumentError(f"a sparse matrix in the format {layout!r:.20}")
    shape = tuple(int(length) for length in part("shape").ravel()[:8])
    try:
        kind = "array" if inner.read("_is_array.npy") and bool(part("_is_array").any()) else "matrix"
    except DocumentError:
        kind = "matrix"
    parts = {name: part(name) for name in _SPARSE[layout]}
    if layout == "coo":
        parts = {"coords": (parts["row"], parts["col"]), "has_canonical_format": False}
    func = Global(f"scipy.sparse._{layout}", f"{layout}_{kind}", 0)
    reader._graph.globals.append(func)
    state = {"_shape": shape, "maxprint": _MAXPRINT, **parts, "data": part("data")}
    return reader.call(func, (), "new", Mapping(list(state.items())))


_LOADERS: dict[str, Callable[[_Reader, dict[str, Any]], Any]] = {
    "BytearrayNode": _bytes,
    "BytesNode": _bytes,
    "ConstructorFromReduceNode": _constructed,
    "DTypeNode": _dtype,
    "DefaultDictNode": _default_dict,
    "DictNode": _dict,
    "FunctionNode": _named,
    "JsonNode": _json,
    "ListNode": _list,
    "LossNode": _reduced,
    "MaskedArrayNode": _masked_array,
    "MethodNode": _method,
    "NdArrayNode": _array,
    "ObjectNode": _object,
    "OperatorFuncNode": _operator,
    "PartialNode": _partial,
    "RandomGeneratorNode": _generator,
    "RandomStateNode": _random_state,
    "SetNode": _set,
    "SliceNode": _slice,
    "SparseMatrixNode": _sparse,
    "TreeNode": _reduced,
    "TupleNode": _tuple,
    "TypeNode": _named,
}


def read_skops(data: memoryview, limits: Limits, *, keep: bool) -> Graph:
    """
    Read a skops file without loading it.

    Parameters
    ----------
    data : memoryview
        The file.
    limits : Limits
        How many nodes and decompressed bytes the policy grants.
    keep : bool
        Whether the elements of arrays are wanted.

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
    archive = _Archive(data, limits.expanded_bytes)
    try:
        schema = json.loads(archive.read(_SCHEMA))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"not a skops file: {_SCHEMA} is not JSON: {error}") from error
    if type(schema) is not dict:
        raise DocumentError(f"not a skops file: {_SCHEMA} is no object")
    if type(version := schema.get("_skops_version")) is str:
        graph.versions["skops"] = version
    reader = _Reader(archive, graph, limits, keep=keep)
    try:
        graph.root = reader.value(schema)
        graph.complete = True
    except RecursionError as error:
        raise LimitError("the schema nests too deeply to be read") from error
    except DocumentError as error:
        _name_all(schema, reader)
        graph.problem(error.message)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        _name_all(schema, reader)
        graph.problem(f"the schema is malformed: {type(error).__name__}: {error}")
    return graph


def _name_all(schema: Any, reader: _Reader) -> None:
    """Note every name of a schema that cannot be read to its end."""
    reader._graph.globals.clear()
    reader._graph.calls.clear()
    reader._graph.root = None
    stack = [schema]
    while stack:
        value = stack.pop()
        if type(value) is dict:
            texts = type(value.get("__module__")) is str and type(value.get("__class__")) is str
            loader = value.get("__loader__")
            if texts and (loader in _NAMING or type(loader) is not str or loader not in _LOADERS):
                reader.named(value)
            stack.extend(value.values())
        elif type(value) is list:
            stack.extend(value)
