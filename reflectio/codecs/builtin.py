"""Registers the codecs that come with reflectio, the most general first."""

from __future__ import annotations

from reflectio.codecs import (
    arrays,
    callables,
    containers,
    dtypes,
    numbers,
    objects,
    random,
    references,
    refused,
    values,
)
from reflectio.registry import register, register_factory


def register_builtin_codecs() -> None:
    """Register every codec of this package; those registered later go before those registered earlier."""
    register_factory(lambda cls: isinstance(cls, type), objects.object_codec)
    register_factory(values.is_named_tuple, values.NamedTupleCodec)
    for module in (references, refused, numbers, containers, values, callables, dtypes, arrays, random):
        for codec in module.CODECS:
            register(codec)
    compiled = callables.CompiledFunctionCodec()
    register_factory(callables.is_compiled_function, lambda cls: compiled)
