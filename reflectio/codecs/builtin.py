"""Registers the codecs that come with reflectio, the most general first, when it is imported."""

from __future__ import annotations

from reflectio.codecs import (
    arrays,
    bunch,
    callables,
    categories,
    clusters,
    columns,
    containers,
    decompositions,
    distributions,
    dtypes,
    embeddings,
    estimators,
    histogram_boosting,
    interpolators,
    isotonic,
    iterations,
    kernels,
    keywords,
    linear,
    multiclass,
    neighbor_searches,
    neighbors,
    numbers,
    objects,
    output_names,
    pandas_types,
    random,
    references,
    refused,
    sizes,
    sparse,
    support_vectors,
    trees,
    values,
)
from reflectio.registry import add, register_factory

# Modules that have no codecs register their checks when they are imported.
_CHECKS = (
    categories,
    decompositions,
    embeddings,
    iterations,
    kernels,
    keywords,
    linear,
    multiclass,
    neighbor_searches,
    output_names,
    sizes,
    support_vectors,
)


def _register_builtin_codecs() -> None:
    """Register every codec of this package; those registered later go before those registered earlier."""
    register_factory(lambda cls: isinstance(cls, type), objects.object_codec)
    register_factory(values.is_named_tuple, values.NamedTupleCodec)
    modules = (references, refused, numbers, containers, values, callables, dtypes, arrays, columns, random)
    for module in (*modules, sparse, distributions, interpolators):
        for codec in module.CODECS:
            add(codec)
    for module in (
        estimators,
        isotonic,
        bunch,
        clusters,
        neighbors,
        trees,
        histogram_boosting,
        interpolators,
        pandas_types,
    ):
        for predicate, factory in module.FACTORIES:
            register_factory(predicate, factory)
    compiled = callables.CompiledFunctionCodec()
    register_factory(callables.is_compiled_function, lambda cls: compiled)


_register_builtin_codecs()
