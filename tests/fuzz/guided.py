"""
A coverage-guided run of the document reader: ``python -m fuzz.guided [libFuzzer options] corpus``, in the folder of the tests.

It needs the package ``atheris``. Whatever the bytes, only errors of this library may leave; what an audit says of names is
what loading does; and both ways of reading give the same. A corpus that is empty is filled with documents first.

As it is, only Python code guides it. The compiled parts do, too, and their memory is watched, when clang builds them for it,
in the folder of `setup.py` (they are to be built again as usual afterwards)::

    export CC=clang CXX=clang++ CFLAGS="-g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined"
    export CFLAGS="$CFLAGS -fno-sanitize=vptr,function,pointer-overflow"
    CXXFLAGS="$CFLAGS" python setup.py -q build_ext --inplace

Then, in the folder of the tests; without ``PYTHONMALLOC`` the memory of Python's own small objects is not watched::

    export PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    export LD_PRELOAD="$(python -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so"
    python -m fuzz.guided -timeout=60 -print_funcs=0 -mutate_depth=2 corpus

A file in the place of the corpus is tried by itself. ``python -m tests.fuzz`` runs against such a build in the same
surroundings; what is found is then told where ``ASAN_OPTIONS=log_path=...`` and ``UBSAN_OPTIONS=log_path=...`` say.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib
import os
import pickle
import pkgutil
import random
import re
import sys
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["reflectio"]):
    import reflectio

    # The package imports its modules when they are needed first, which would be too late here.
    for _module in pkgutil.walk_packages(reflectio.__path__, "reflectio."):
        if not _module.name.startswith(("reflectio.cli", "reflectio.demo", "reflectio.__main__")):
            importlib.import_module(_module.name)

import zoo
from as_written import as_written
from both_ways import forged, load_both_ways, put_together, read_in_one_pass, taken_apart

from fuzz.mutations import cross, mutate
from fuzz.targets import TARGETS

#: Larger documents are slow, and say little more.
MOST_BYTES = 6000

_MODEL = b'"model":'

# What libFuzzer changes: a number, a text, a list or an object that holds no other; more would no longer be JSON.
_PIECES = [
    re.compile(form) for form in (rb"-?\d[\d.eE+-]*", rb'"(?:[^"\\]|\\.)*+"', rb"[\[{][^\[\]{}]*[\]}]")
]


def one_input(data: bytes) -> None:
    """Load and audit some bytes."""
    # What is not read in one pass would be read twice in the other way, and an audit takes longer than all else.
    is_chosen = not zlib.crc32(data) % 4
    error = load_both_ways(data) if is_chosen or read_in_one_pass(data) else ""
    if not is_chosen:
        return
    try:
        refused = not reflectio.audit(data).ok
    except reflectio.ReflectioError:
        return
    if not refused and error.startswith("UntrustedNameError"):
        raise AssertionError("loading refuses names that the audit does not")
    if refused and not error:
        raise AssertionError("the audit refuses names that loading does not")


def changed(data: bytes, most: int, seed: int) -> bytes:
    """Change a document, nearly always so that it keeps its form, and that its digests match: little else gets past them."""
    rng = random.Random(seed)
    way = rng.random()
    other = data
    # What was no document any more before has nothing to be changed.
    with contextlib.suppress(ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError):
        body, segment = taken_apart(data)
        model = body.index(_MODEL) + len(_MODEL)
        if way < 0.05:
            other = atheris.Mutate(data, most)
        elif way < 0.15 and segment:
            other = put_together(body, atheris.Mutate(segment, most))
        elif way < 0.35:
            start, stop = rng.choice([found.span() for found in rng.choice(_PIECES).finditer(body, model)])
            piece = atheris.Mutate(body[start:stop], most)
            other = put_together(body[:start] + piece + body[stop:], segment)
        elif way < 0.45:
            other = put_together(body[:model] + atheris.Mutate(body[model:], most), segment)
        elif way < 0.6:
            other = put_together(body[:model] + forged(rng, body[model:]), segment)
        else:
            other = mutate(data, seed)
    return other if len(other) <= most else data


def crossed(data: bytes, other: bytes, most: int, seed: int) -> bytes:
    """Put a part of one document where a part of another was."""
    found = data
    with contextlib.suppress(ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError):
        found = cross(data, other, seed)
    return found if len(found) <= most else data


def seeds() -> Iterator[bytes]:
    """Documents to begin with, in the form that is read in one pass where there is one; and files that audits read."""
    trained = [zoo.fitted(index, "float64")[0] for index, _ in enumerate(zoo.instance_names())]
    trained += [zoo.fit(case)[0] for case in zoo.combinations()]
    for target in TARGETS.values():
        trained += [make() for make in target.subjects.values()]
    row = np.arange(24.0)
    trained += [
        [row[::2], row[::-1], np.asfortranarray(row.reshape(4, 6)), row.reshape(2, 3, 4).transpose(1, 0, 2)],
        [row, row, row.dtype, row.dtype, row > 5, np.zeros(0), np.zeros((0, 2))],
        [
            np.arange(5).astype(kind)
            for kind in ("i1", "u1", "i4", "u4", "i8", "u8", "f4", "f2", "c16", "M8[s]")
        ],
        [np.array(["a", "é"]), np.array(["a", "b"], object), np.array([float("nan"), float("-inf")])],
        [np.zeros(2, [("a", "f8"), ("b", "i4")]), np.float64(1.5), np.int64(3), np.float32(2), np.str_("x")],
        {
            "a": (1, 2.5, ("x", None)),
            "b": {1, 2},
            "c": {1: 2},
            "d": 2**70,
            "e": b"x",
            "f": float("nan"),
            "g": int,
        },
    ]
    for obj in trained:
        for format in ("binary", "json"):
            yield reflectio.dumps(obj, format=format)
    for method in ("zlib", "zstd"):
        yield reflectio.dumps([np.zeros(5000), np.arange(2000)], compression=method)
    yield pickle.dumps(trained[0])
    yield gzip.compress(pickle.dumps(row))


def fill(folder: Path) -> None:
    """Write the documents to begin with into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        return
    for document in seeds():
        if len(document) <= MOST_BYTES:
            (folder / hashlib.sha1(document).hexdigest()).write_bytes(document)
            written = as_written(document)
            (folder / hashlib.sha1(written).hexdigest()).write_bytes(written)


def preload_mutators() -> None:
    """Start anew where libFuzzer was preloaded without its mutators, which it looks for no later than that."""
    loaded = os.environ.get("LD_PRELOAD", "")
    mutators = [str(path) for path in sorted(Path(atheris.__file__).parent.glob("custom_*.so"))]
    if "with_fuzzer" in loaded and mutators[0] not in loaded:
        preloaded = {**os.environ, "LD_PRELOAD": " ".join([loaded, *mutators])}
        os.execve(sys.executable, [sys.executable, "-m", "fuzz.guided", *sys.argv[1:]], preloaded)


def main() -> None:
    """Fuzz until the options say to stop."""
    warnings.simplefilter("ignore")
    corpus = next((Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")), None)
    if corpus is not None and not corpus.is_file():
        fill(corpus)
        preload_mutators()
        # What a class needs is imported, and learned, when it is first loaded.
        for path in corpus.iterdir():
            with contextlib.suppress(reflectio.ReflectioError):
                reflectio.loads(path.read_bytes())
    atheris.Setup(sys.argv, one_input, custom_mutator=changed, custom_crossover=crossed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
