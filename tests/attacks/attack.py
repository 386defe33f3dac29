"""What an attack is, and the documents that most of them are made from."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import xxhash

#: The module that no document may import: it lies where it could be imported, and nothing else names it.
TRIPWIRE = "reflectio_tripwire"


@dataclass(frozen=True)
class Attack:
    """
    One document that has to be refused.

    Attributes
    ----------
    id : str
        A name to find it by.
    tries : str
        What it would gain if it were loaded.
    source : str
        Where it comes from.
    make : callable
        Gives the document's bytes, or text.
    error : str
        The name of the error that refuses it; several, parted by bars, where libraries differ.
    policy : str
        The text of a policy file; empty for the default policy.
    says : str
        Part of the message.
    """

    id: str
    tries: str
    source: str
    make: Callable[[], bytes | str]
    error: str
    policy: str = ""
    says: str = ""


def text_of(model: Any, **members: Any) -> bytes:
    """A document without a segment, whose root is ``model``; ``members`` are added to the header."""
    header = {"reflectio": 1, "versions": {}, "model": model, **members}
    return json.dumps(header).encode()


def raw(model: str) -> bytes:
    """A document whose root is given as JSON text, which need not be valid."""
    return b'{"reflectio": 1, "versions": {}, "model": %s}' % model.encode()


def binary(
    model: Any, segment: bytes, *, gap: bytes | None = None, digest: bool = True, **described: Any
) -> bytes:
    """A document with a segment, and digests that are right, as an attacker would write it."""
    description = {"nbytes": len(segment), "xxh3_128": xxhash.xxh3_128_hexdigest(segment), **described}
    header = {"reflectio": 1, "versions": {}, "model": model, "segment": description}
    text = orjson.dumps(header)
    if digest:
        text = text[:-1] + b","
        text += b'"digest":"xxh3_128:%s"}' % xxhash.xxh3_128_hexdigest(text).encode()
    if gap is None:
        gap = bytes(-len(text) % 64 or 64)
    return text + gap + segment


def array(
    data: Any, dtype: str = "float64", shape: list[int] | None = None, **members: Any
) -> dict[str, Any]:
    """The node of an array."""
    if shape is None:
        shape = [len(data)]
    return {"$": "ndarray", "dtype": dtype, "shape": shape, "data": data, **members}


def view(
    base: Any, *, dtype: str = "float64", shape: int = 1, stride: int = 8, **members: Any
) -> dict[str, Any]:
    """The node of an array that looks into the memory of another."""
    return {
        "$": "ndarray",
        "dtype": dtype,
        "shape": [shape],
        "base": base,
        "offset": 0,
        "strides": [stride],
        **members,
    }


def callable_node(name: Any) -> dict[str, Any]:
    """The node of a function held by name."""
    return {"$": "callable", "name": name}


def transformer(func: Any, **attributes: Any) -> dict[str, Any]:
    """A FunctionTransformer, which calls its function on whatever it is given to transform."""
    return {"$": "sklearn.preprocessing.FunctionTransformer", "func": func, "validate": False, **attributes}


def forged(estimator: Callable[[], Any], change: Callable[[Any], None]) -> Callable[[], bytes]:
    """The document of a fitted estimator, after ``change`` was made to its root."""

    def make() -> bytes:
        import reflectio

        document = orjson.loads(reflectio.dumps(estimator(), format="json"))
        change(document["model"])
        return orjson.dumps(document)

    return make


def base64_text(data: bytes) -> str:
    """Bytes as the format writes them."""
    return base64.b64encode(data).decode()
