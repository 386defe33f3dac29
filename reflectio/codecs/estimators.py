"""
Estimators, whose state scikit-learn copies twice on the way out, and sets through an exception on the way in.

`sklearn.base.BaseEstimator` has a ``__getstate__`` that adds scikit-learn's version to the attributes, and a
``__setstate__`` that takes it out again. For small estimators these two take more time than all the rest, and do nothing
that could not be done in passing. Which estimators that is true of is not assumed: each class shows it on its first
object, for which both methods are called and their work is compared.
"""

from __future__ import annotations

import sys
from typing import Any

from reflectio.codec import Codec, ObjectNode
from reflectio.codecs.columns import Columns
from reflectio.codecs.objects import ObjectCodec, are_same, has_attributes
from reflectio.codecs.rows import encode_rows
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError

_VERSION = "_sklearn_version"


def _base() -> Any:
    return sys.modules["sklearn.base"].BaseEstimator


class EstimatorCodec(ObjectCodec):
    """
    Estimators of one class.

    Parameters
    ----------
    cls : type
        The class.
    """

    def __init__(self, cls: type) -> None:
        super().__init__(cls)
        base: Any = _base()
        self._version = sys.modules["sklearn"].__version__
        # Whether state and attributes differ by the version only: None until an object has shown it.
        self._out: bool | None = None if cls.__getstate__ is base.__getstate__ else False
        self._in: bool | None = None if self._setstate is base.__setstate__ else False

    def _get_state(self, obj: Any) -> Any:
        if self._out:
            return {**obj.__dict__, _VERSION: self._version}
        state = obj.__getstate__()
        if self._out is None:
            expected = {**obj.__dict__, _VERSION: self._version}
            self._out = type(state) is dict and are_same(state, expected)
        return state

    def _gets_attributes(self) -> bool:
        return bool(self._out)

    def _sets_attributes(self) -> bool:
        return bool(self._in)

    def _stated_version(self) -> tuple[str, str] | None:
        return _VERSION, self._version

    def encode_rows(self, objects: list[Any], encoder: Encoder) -> ObjectNode | None:
        if self._out is None:
            try:
                self._get_state(objects[0])
            except Exception:  # whoever writes the object by itself says what is wrong
                return None
        states = self._attributes_of(objects) if self._out else None
        if states is None or _VERSION in states[0]:
            return None
        node = encode_rows(self.name, objects, states, encoder)
        if node is not None:
            node["columns"][_VERSION] = self._version
        return node

    def build_rows(self, node: ObjectNode, decoder: Decoder) -> list[Any]:
        if "args" in node:
            raise DocumentError("estimators are made without arguments").within("args")
        columns = Columns(node, decoder)
        if self._in and columns.constants.get(_VERSION) == self._version:
            del columns.constants[_VERSION]
            return self._new_with(columns, node["of"], decoder)
        return self._new_from(columns, node["of"], decoder)

    def _set_state(self, obj: Any, state: Any) -> None:
        if self._in is False or type(state) is not dict or state.get(_VERSION) != self._version:
            super()._set_state(obj, state)
        elif self._in:
            del state[_VERSION]
            obj.__dict__.update(state)
        else:
            expected = {name: value for name, value in state.items() if name != _VERSION}
            super()._set_state(obj, state)
            self._in = has_attributes(obj, expected)


def is_estimator(cls: Any) -> bool:
    """Whether a class is an estimator; where scikit-learn is not imported, nothing is."""
    return isinstance(cls, type) and "sklearn.base" in sys.modules and issubclass(cls, _base())


FACTORIES: tuple[tuple[Any, type[Codec]], ...] = ((is_estimator, EstimatorCodec),)
