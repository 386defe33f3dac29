"""Compressed documents beside joblib's compressed files: sizes and times."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

import reflectio
from bench.savers import Saver
from bench.session import Session, in_memory
from bench.subjects import subject

TITLE = "Compression"
ABOUT = 'zlib and zstd at several levels, beside joblib\'s zlib, in memory; "none" is without compression.'

_LEVELS = {"zlib": (1, 6, 9), "zstd": (1, 3, 9, 19)}
_LEVELS_OF_JOBLIB = (1, 3, 6, 9)


def run(session: Session) -> None:
    """Time what there is."""
    savers = [*_reflectio(session), *_joblib(session)]
    for name in session.steps(session.profile.compressed):
        in_memory(session, "compression", name, subject(name), savers)


def _reflectio(session: Session) -> Iterator[Saver]:
    yield _saver("reflectio none", reflectio.dumps, reflectio.loads)
    for method, levels in _LEVELS.items():
        try:
            reflectio.dumps(None, compression=method)
        except Exception as error:
            session.skip("compression", "", f"reflectio {method}", f"not available: {error}")
            continue
        for level in levels:
            dumps = partial(reflectio.dumps, compression=(method, level))
            try:
                dumps(None)
            except Exception as error:
                session.skip("compression", "", f"reflectio {method} {level}", f"not available: {error}")
            else:
                yield _saver(f"reflectio {method} {level}", dumps, reflectio.loads)


def _joblib(session: Session) -> Iterator[Saver]:
    try:
        joblib = import_module("joblib")
    except ImportError as error:
        session.skip("compression", "", "joblib", error)
        return

    def dumps(obj: Any, compress: Any) -> bytes:
        buffer = io.BytesIO()
        joblib.dump(obj, buffer, compress=compress)
        return buffer.getvalue()

    def loads(data: bytes) -> Any:
        return joblib.load(io.BytesIO(data))

    yield _saver("joblib none", partial(dumps, compress=0), loads)
    for level in _LEVELS_OF_JOBLIB:
        yield _saver(f"joblib zlib {level}", partial(dumps, compress=("zlib", level)), loads)


def _saver(name: str, dumps: Any, loads: Any) -> Saver:
    return Saver(
        name, dumps, loads, lambda obj, file: file.write(dumps(obj)), lambda file: loads(file.read())
    )
