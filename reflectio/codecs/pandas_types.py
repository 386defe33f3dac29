"""Which codec serves which class of pandas, found by name: nothing here imports pandas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reflectio.codec import Codec
from reflectio.codecs import (
    frames,
    pandas_arrays,
    pandas_dtypes,
    pandas_indexes,
    pandas_offsets,
    pandas_scalars,
)
from reflectio.errors import UnsupportedTypeError
from reflectio.names import public_name

_MODULES = (pandas_scalars, pandas_offsets, pandas_dtypes, pandas_arrays, pandas_indexes, frames)

_BY_NAME = {name: codec for module in _MODULES for codec in module.CODECS for name in codec.types}


def _codec_or_none(cls: Any) -> Codec | None:
    if not isinstance(cls, type) or cls.__module__.partition(".")[0] != "pandas":
        return None
    try:
        return _BY_NAME.get(public_name(cls))
    except UnsupportedTypeError:
        return None


def is_pandas_class(cls: Any) -> bool:
    """Whether something is a class of pandas that there is a codec for."""
    return _codec_or_none(cls) is not None


def codec_for_pandas_class(cls: type) -> Codec:
    """The codec for the objects of a class that `is_pandas_class` accepts."""
    codec = _codec_or_none(cls)
    assert codec is not None
    return codec


# One predicate for all of them: the registry asks every predicate about every class that it meets.
FACTORIES: tuple[tuple[Callable[[Any], bool], Callable[[type], Codec]], ...] = (
    (is_pandas_class, codec_for_pandas_class),
)
