"""What the nodes of a skops file stand for: a function for each of the loaders that they name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reflectio.errors import DocumentError
from reflectio.pickles.graph import UNSET, Described, Mapping, SetOf
from reflectio.pickles.reviewed import BIT_GENERATORS

if TYPE_CHECKING:
    from reflectio.pickles.skops_files import Reader

__all__ = ["LOADERS"]

_JSON_VALUES = (type(None), bool, int, float, str)

# What the keys of a dict are made of their text by.
_KEY_TYPES: dict[str, Callable[[str], Any]] = {
    "builtins.str": str,
    "builtins.int": int,
    "builtins.float": float,
    "builtins.bool": lambda text: text == "true",
}
_DICTS = {"builtins.dict": None, "collections.OrderedDict": "ordereddict"}

# The parts of sparse matrices, under the names that `scipy.sparse.save_npz` gives them.
_SPARSE = {
    "csr": ("indices", "indptr"),
    "csc": ("indices", "indptr"),
    "bsr": ("indices", "indptr"),
    "dia": ("offsets",),
    "coo": ("row", "col"),
}
_MAXPRINT = 50


def _dict(reader: Reader, node: dict[str, Any]) -> Any:
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


def _default_dict(reader: Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    main = reader.value(content["main"])
    if type(main) is not Mapping:
        raise DocumentError("the contents of a defaultdict are no dict")
    factory = reader.value(content["default_factory"])
    return Described(
        "defaultdict", {"default_factory": factory, "items": [list(pair) for pair in main.pairs]}
    )


def _list(reader: Reader, node: dict[str, Any]) -> Any:
    if reader.name_of(node) != "builtins.list":
        raise DocumentError(
            f"a list of the class {reader.name_of(node)!r:.60}, which conversion does not know"
        )
    return reader.values(node["content"])


def _set(reader: Reader, node: dict[str, Any]) -> Any:
    name = reader.name_of(node)
    if name not in ("builtins.set", "builtins.frozenset"):
        raise DocumentError(f"a set of the class {name!r:.60}, which conversion does not know")
    return SetOf(reader.values(node["content"]), frozen=name.endswith("frozenset"))


def _tuple(reader: Reader, node: dict[str, Any]) -> Any:
    items = tuple(reader.values(node["content"]))
    if reader.name_of(node) == "builtins.tuple":
        return items
    return reader.call(reader.named(node), items)


def _named(reader: Reader, node: dict[str, Any]) -> Any:
    return reader.named(node)


def _partial(reader: Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    func, args, kwds = (reader.value(content[part]) for part in ("func", "args", "kwds"))
    namespace = reader.value(content["namespace"])
    return reader.reviewed("functools", "partial", (func,), (func, args, kwds, namespace))


def _slice(reader: Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    bounds = tuple(content[name] for name in ("start", "stop", "step"))
    if not all(type(bound) in _JSON_VALUES for bound in bounds):
        raise DocumentError("the bounds of a slice are no plain values")
    return slice(*bounds)


def _constructed(reader: Reader, node: dict[str, Any]) -> Any:
    args = reader.value(node["content"])
    if type(args) is not tuple:
        raise DocumentError("the arguments of a constructor are no tuple")
    return reader.call(reader.named(node), args)


def _object(reader: Reader, node: dict[str, Any]) -> Any:
    state = UNSET if node.get("content") is None else reader.value(node["content"])
    return reader.call(reader.named(node), (), "new", UNSET if state is None else state)


def _reduced(reader: Reader, node: dict[str, Any]) -> Any:
    if node["__loader__"] == "TreeNode":
        # Whatever the node says, skops makes a tree.
        node = {**node, "__module__": "sklearn.tree._tree", "__class__": "Tree"}
    args, state = reader.value(node["__reduce__"]["args"]), reader.value(node["content"])
    if type(args) is not tuple:
        raise DocumentError("the arguments of a constructor are no tuple")
    if state in ((), None) or (type(state) is Mapping and not state.pairs):
        state = UNSET
    return reader.call(reader.named(node), args, "call", state)


def _method(reader: Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    return reader.reviewed("builtins", "getattr", (reader.value(content["obj"]), content["func"]))


def _operator(reader: Reader, node: dict[str, Any]) -> Any:
    attributes = reader.value(node["attrs"])
    if node["__module__"] != "operator" or type(attributes) is not tuple:
        raise DocumentError("a function of the operator module that is none")
    return reader.call(reader.named(node), attributes)


def _json(reader: Reader, node: dict[str, Any]) -> Any:
    try:
        value = json.loads(node["content"])
    except (TypeError, ValueError, RecursionError) as error:
        raise DocumentError(f"a value that is not JSON: {error}") from error
    if type(value) not in _JSON_VALUES:
        raise DocumentError("a value in JSON that is no number and no text")
    return value


def _bytes(reader: Reader, node: dict[str, Any]) -> Any:
    data = reader.archive.read(node["file"])
    if node["__loader__"] == "BytesNode":
        return data
    reader.spend(len(data))
    return bytearray(data)


def _array(reader: Reader, node: dict[str, Any]) -> Any:
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
    array = reader.archive.array(node["file"])
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


def _masked_array(reader: Reader, node: dict[str, Any]) -> Any:
    import numpy as np

    content = node["content"]
    data, mask = reader.value(content["data"]), reader.value(content["mask"])
    if type(data) is not np.ndarray or not isinstance(mask, np.ndarray | np.bool_) or mask.dtype != bool:
        raise DocumentError("a masked array is made from an array and its mask")
    reader.spend(mask.nbytes)
    if isinstance(mask, np.ndarray) and (mask.shape != data.shape or mask.view(np.uint8).max(initial=0) > 1):
        raise DocumentError("the mask of a masked array does not fit it")
    return np.ma.MaskedArray(data, mask)


def _dtype(reader: Reader, node: dict[str, Any]) -> Any:
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


def _random_state(reader: Reader, node: dict[str, Any]) -> Any:
    state = reader.value(node["content"])
    members = dict(state.pairs) if type(state) is Mapping else {}
    gauss, has_gauss = members.get("gauss", 0.0), members.get("has_gauss", 0)
    if type(gauss) not in (int, float):
        raise DocumentError("the deviate that a RandomState holds back is no number")
    described = {"bit_generator": _bits(state, None), "has_gauss": has_gauss, "gauss": float(gauss)}
    return Described("randomstate", described)


def _generator(reader: Reader, node: dict[str, Any]) -> Any:
    content = node["content"]
    seed = reader.value(content["seed_seq"])
    if type(seed) is not Mapping:
        raise DocumentError("a Generator without its seed")
    sequence = Described("seedsequence", dict(seed.pairs))
    return Described("generator", {"bit_generator": _bits(reader.value(content["bit_generator"]), sequence)})


def _sparse(reader: Reader, node: dict[str, Any]) -> Any:
    inner = reader.archive.within(node["file"])

    def part(name: str) -> Any:
        return inner.array(f"{name}.npy")

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
    func = reader.noted(f"scipy.sparse._{layout}", f"{layout}_{kind}")
    state = {"_shape": shape, "maxprint": _MAXPRINT, **parts, "data": part("data")}
    return reader.call(func, (), "new", Mapping(list(state.items())))


LOADERS: dict[str, Callable[[Reader, dict[str, Any]], Any]] = {
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
