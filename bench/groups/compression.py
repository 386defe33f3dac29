"""Compressed documents beside joblib's compressed files: sizes and times."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import reflectio
from bench.savers import Missing, Saver
from bench.savers import in_memory as in_memory_of
from bench.session import Session, in_memory
from bench.subjects import subject

TITLE = "Compression"
ABOUT = 'zlib and zstd at several levels, beside joblib\'s zlib, in memory; "none" is without compression.'

_LEVELS = {"zlib": (1, 6, 9), "zstd": (1, 3, 9, 19)}
_LEVELS_OF_JOBLIB = (1, 3, 6, 9)


def run(session: Session) -> None:
    """Time what there is."""
    found, missing = savers()
    for absent in missing:
        session.skip("compression", "", absent.name, absent.reason)
    for name in session.steps(session.profile.compressed):
        in_memory(session, "compression", name, subject(name), found)


def savers() -> tuple[list[Saver], list[Missing]]:
    """What compresses, at each level, and what is not available."""
    found, missing = [_saver("reflectio none", reflectio.dumps, reflectio.loads)], []
    for method, levels in _LEVELS.items():
        for level in levels:
            dumps = partial(reflectio.dumps, compression=(method, level))
            try:
                dumps(None)
            except Exception as error:
                missing.append(Missing(f"reflectio {method} {level}", f"not available: {error}"))
            else:
                found.append(_saver(f"reflectio {method} {level}", dumps, reflectio.loads))
    try:
        found += _joblib()
    except ImportError as error:
        missing.append(Missing("joblib", f"does not import: {error}"))
    return found, missing


def _joblib() -> list[Saver]:
    joblib = import_module("joblib")
    compressed = {"none": 0} | {f"zlib {level}": ("zlib", level) for level in _LEVELS_OF_JOBLIB}
    return [
        _saver(f"joblib {name}", *in_memory_of(partial(joblib.dump, compress=compress), joblib.load))
        for name, compress in compressed.items()
    ]


def _saver(name: str, dumps: Any, loads: Any) -> Saver:
    return Saver(
        name, dumps, loads, lambda obj, file: file.write(dumps(obj)), lambda file: loads(file.read())
    )
