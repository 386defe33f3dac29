"""The arrays of a document, described without reading their elements, which are read when they are asked for."""

from __future__ import annotations

from math import prod
from typing import Any, cast

import numpy as np
from attrs import frozen

from reflectio.codec import Node
from reflectio.codecs.array_data import decode_base64_data, decode_data
from reflectio.codecs.dtypes import dtype_text, parse_dtype, parse_shape
from reflectio.decoder import Decoder
from reflectio.errors import DocumentError, LimitError, ReflectioError, ValidationError
from reflectio.expanded_rows import Slice
from reflectio.inspection.graph import Graph
from reflectio.inspection.text import plural, printable
from reflectio.layout import extent_of, is_apart
from reflectio.policy import Limits
from reflectio.segment import Segment

Array = np.ndarray[Any, Any]
DType = np.dtype[Any]

# A dtype with more fields than this, those of its fields included, is not a model's.
_FIELDS = 10_000
_NESTING = 32

# Elements written as text may become so many times as many bytes, and this many in any case.
_PADDING = 64
_ALWAYS = 1 << 20

# How many views of views are followed to the memory that they show.
_VIEWS = 32

# So many bytes of joined arrays are kept expanded.
_KEPT = 1 << 28

# Kinds of elements that are nodes of their own, rather than bytes.
_OBJECT_DTYPES = ("object", "StringDType")


@frozen
class ArrayInfo:
    """
    What an array is, apart from its elements.

    Attributes
    ----------
    dtype : str
        Its element type: numpy's name, or ``record of N fields``.
    shape : tuple of int
        The lengths of its axes.
    nbytes : int
        What its elements take in memory, in bytes; of objects, the pointers.
    order : {"C", "F"}
        How they lie there.
    place : {"segment", "header", "view", "objects"}
        Where in the document they are: in the segment, in the header as text, in another array, or as nodes.
    fields : tuple of str
        The names of a record's fields.
    compression : str
        How the segment has it compressed; empty where it has not.
    """

    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    order: str
    place: str
    fields: tuple[str, ...] = ()
    compression: str = ""

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)


class Arrays:
    """
    The arrays of one document.

    Parameters
    ----------
    segment : Segment or None
        Where large ones lie; None where it is missing or damaged.
    limits : Limits
        What the policy grants.
    text_bytes : int
        How long the header is.
    slices : dict of int to Slice, optional
        The arrays that are parts of joined ones, by the ids of their nodes.
    """

    def __init__(
        self, segment: Segment | None, limits: Limits, text_bytes: int, slices: dict[int, Slice] | None = None
    ) -> None:
        self._segment = segment
        self._limits = limits
        self._text_bytes = text_bytes
        self._expanded = 0
        self._slices = slices or {}
        # Joined arrays that are compressed, as long as they are not too many.
        self._joined: dict[int, Array] = {}
        self._dtypes: dict[int, tuple[DType, int]] = {}

    # -- what they are ---------------------------------------------------------------------------------------

    def stored_bytes(self, node: dict[str, Any], graph: Graph) -> int:
        """How many bytes of the segment belong to an array; 0 where its node makes no sense."""
        if type(nbytes := node.get("compressed_nbytes")) is int:
            return max(0, nbytes)
        try:
            return prod(self._shape(node)) * self.dtype(node.get("dtype"), graph).itemsize
        except ReflectioError:
            return 0

    def info(self, node: dict[str, Any], graph: Graph) -> ArrayInfo:
        """
        Describe the array of a node.

        Parameters
        ----------
        node : dict
            One tagged ``ndarray``.
        graph : Graph
            The document's nodes.

        Raises
        ------
        DocumentError, LimitError
            The node describes no array.
        """
        shape = self._shape(node)
        order = node.get("order", "C")
        if order not in ("C", "F"):
            raise DocumentError(f"the order must be C or F, not {order!r}")
        if (text := self._object_dtype(node.get("dtype"), graph)) is not None:
            return ArrayInfo(text, shape, 8 * prod(shape), order, "objects")
        dtype = self.dtype(node.get("dtype"), graph)
        place = "segment" if "at" in node else "view" if "base" in node else "header"
        fields = tuple(printable(name, 40) for name in dtype.names or ())
        text = f"record of {plural(len(fields), 'field')}" if dtype.names is not None else dtype_text(dtype)
        compression = printable(str(node["compression"]), 20) if "compression" in node else ""
        return ArrayInfo(text, shape, prod(shape) * dtype.itemsize, order, place, fields, compression)

    def _shape(self, node: dict[str, Any]) -> tuple[int, ...]:
        shape = node.get("shape")
        return parse_shape(shape, self._limits)

    @staticmethod
    def _object_dtype(node: Node, graph: Graph) -> str | None:
        node = graph.target(node)
        if type(node) is dict:
            node = node.get("name")
        return node if node in _OBJECT_DTYPES else None

    def dtype(self, node: Node, graph: Graph) -> DType:
        """The element type that a node describes; never one with pointers."""
        dtype, _ = self._dtype(node, graph, 0)
        if dtype.hasobject:
            raise DocumentError("an element type that holds objects")
        return dtype

    def _dtype(self, node: Node, graph: Graph, depth: int) -> tuple[DType, int]:
        if type(node) is str:
            return parse_dtype(node, cast(Decoder, None)), 1
        node = graph.target(node)
        if type(node) is not dict or node.get("$") != "dtype" or depth > _NESTING:
            raise DocumentError("the dtype must be text or a node tagged 'dtype'")
        found = self._dtypes.get(id(node))
        if found is None:
            try:
                found = self._described(node, graph, depth + 1)
            except ReflectioError:
                raise
            except (TypeError, ValueError, OverflowError, MemoryError) as error:
                raise DocumentError(f"a dtype that numpy refuses: {str(error)[:100]}") from error
            self._dtypes[id(node)] = found
        return found

    def _described(self, node: dict[str, Any], graph: Graph, depth: int) -> tuple[DType, int]:
        if "names" in node:
            names, formats, offsets = node["names"], node.get("formats"), node.get("offsets")
            if not (type(names) is type(formats) is type(offsets) is list) or len(formats) > _FIELDS:
                raise DocumentError("a structured dtype needs names, formats and offsets")
            parts = [self._dtype(part, graph, depth) for part in formats]
            count = 1 + sum(size for _, size in parts)
            if count > _FIELDS:
                raise LimitError(f"a dtype of more than {_FIELDS} fields")
            description = {
                "names": names,
                "formats": [part for part, _ in parts],
                "offsets": offsets,
                "itemsize": node.get("itemsize"),
            }
            return np.dtype(description), count  # type: ignore[call-overload]
        if "base" in node:
            base, count = self._dtype(node["base"], graph, depth)
            return np.dtype((base, parse_shape(node.get("shape"), self._limits))), count + 1
        return self._dtype(node.get("name") if type(node.get("name")) is str else None, graph, depth)

    # -- what they hold --------------------------------------------------------------------------------------

    def elements(self, node: dict[str, Any], graph: Graph) -> Array:
        """
        Read the elements of an array: where it lies in the segment a view, of which nothing is read yet.

        Parameters
        ----------
        node : dict
            One tagged ``ndarray``, whose elements are no objects.
        graph : Graph
            The document's nodes.

        Returns
        -------
        ndarray
            Read-only, or a copy.

        Raises
        ------
        DecodeError
            The elements are missing, or are not what the node says.
        """
        try:
            return self._elements(node, graph, 0)
        except ReflectioError:
            raise
        except (TypeError, ValueError, OverflowError, MemoryError) as error:
            raise DocumentError(f"the elements are not what the dtype says: {str(error)[:100]}") from error

    def _elements(self, node: dict[str, Any], graph: Graph, views: int) -> Array:
        if (part := self._slices.get(id(node))) is not None:
            return self._whole(part.whole, graph)[part.start : part.stop]
        shape, order = self._shape(node), node.get("order", "C")
        dtype = self.dtype(node.get("dtype"), graph)
        if "base" in node:
            return self._view(node, shape, dtype, graph, views + 1)
        if "at" in node:
            return self._stored(node, shape, dtype, order)
        nbytes = prod(shape) * dtype.itemsize
        if nbytes > max(_ALWAYS, _PADDING * self._text_bytes):
            raise LimitError(f"an array of {nbytes} bytes, most of which the document does not hold")
        if node.get("encoding") == "base64":
            array = decode_base64_data(node.get("data"), dtype, shape)
        else:
            array = decode_data(node.get("data"), dtype, shape)
        return array.copy("F") if order == "F" else array

    def _whole(self, node: dict[str, Any], graph: Graph) -> Array:
        """A joined array; what is compressed is expanded once for all its parts."""
        if "compression" not in node:
            return self._elements(node, graph, 0)
        found = self._joined.get(id(node))
        if found is None:
            found = self._elements(node, graph, 0)
            if found.nbytes + sum(array.nbytes for array in self._joined.values()) > _KEPT:
                self._joined.clear()
            self._joined[id(node)] = found
        return found

    def _stored(self, node: dict[str, Any], shape: tuple[int, ...], dtype: DType, order: str) -> Array:
        if self._segment is None:
            raise DocumentError("the segment is missing or incomplete")
        # As bytes: those of booleans would all be looked at otherwise. Each time anew: a segment counts what is taken.
        segment = Segment(self._segment.data, mapped=True)
        nbytes = prod(shape) * dtype.itemsize
        if "compression" in node:
            return self._decompressed(node, shape, dtype, order, segment)
        if not dtype.itemsize:
            raise DocumentError("an array whose elements have no bytes does not lie in the segment")
        raw = segment.view(node["at"], np.dtype(np.uint8), (nbytes,), "C")
        array: Array = np.ndarray(shape, dtype, raw, 0, order=cast(Any, order))
        array.flags.writeable = False
        return array

    def _decompressed(
        self, node: dict[str, Any], shape: tuple[int, ...], dtype: DType, order: str, segment: Any
    ) -> Array:
        self._expanded += prod(shape) * dtype.itemsize
        if self._expanded > self._limits.expanded_bytes:
            raise LimitError(
                f"the decompressed arrays have more than {self._limits.expanded_bytes} bytes, the policy's limit "
                "expanded_bytes"
            )
        found: Array = segment.take_compressed(
            node["at"], node.get("compressed_nbytes"), node["compression"], dtype, shape, order
        )
        return found

    def _view(
        self, node: dict[str, Any], shape: tuple[int, ...], dtype: DType, graph: Graph, views: int
    ) -> Array:
        base_node = graph.target(node["base"])
        if views > _VIEWS or type(base_node) is not dict or base_node.get("$") != "ndarray":
            raise DocumentError("the base of a view must be an array")
        base = self._elements(base_node, graph, views)
        offset, strides = node.get("offset"), node.get("strides")
        if (
            type(offset) is not int
            or type(strides) is not list
            or len(strides) != len(shape)
            or any(type(step) is not int for step in strides)
        ):
            raise DocumentError("a view needs an offset and strides")
        steps = tuple(strides)
        extent = extent_of(shape, steps, dtype.itemsize)
        if offset + extent.low < 0 or offset + extent.high > base.nbytes:
            raise ValidationError("a view reaches outside the memory of its base")
        if not dtype.itemsize or not is_apart(shape, steps, dtype.itemsize):
            raise ValidationError("the elements of a view overlap")
        flat = (base if base.flags.c_contiguous else base.T).reshape(-1)
        if not np.may_share_memory(flat, base):
            raise ValidationError("the base of a view must lie in C or Fortran order")
        array: Array = np.ndarray(shape, dtype, flat.view(np.uint8), offset, steps)
        array.flags.writeable = False
        return array
