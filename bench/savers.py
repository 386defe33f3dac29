"""reflectio, and what else saves models, each with its defaults, in memory and to files."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import IO, Any

from attrs import frozen

import reflectio


@frozen
class Saver:
    """
    A way of turning a model into bytes, and back.

    Parameters
    ----------
    name : str
        As charts and tables show it; also the name of its distribution.
    dump, load : callable
        To an open binary file, and from one.
    dumps, loads : callable
        The same in memory.
    load_mapped : callable, optional
        From a path, with large arrays mapped.
    slow : bool
        Whether it writes text or a zip, and large models would take minutes.
    """

    name: str
    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]
    dump: Callable[[Any, IO[bytes]], Any]
    load: Callable[[IO[bytes]], Any]
    load_mapped: Callable[[Path], Any] | None = None
    slow: bool = False

    @property
    def version(self) -> str:
        """Of what is installed."""
        return "protocol 5" if self.name == "pickle" else metadata.version(self.name)


@frozen
class Missing:
    """A saver that is not installed, or does not import."""

    name: str
    reason: str


# -- each saver; what it needs is imported when it is made --------------------------------------------------------


def _reflectio() -> Saver:
    return Saver(
        "reflectio",
        reflectio.dumps,
        reflectio.loads,
        reflectio.dump,
        reflectio.load,
        load_mapped=lambda path: reflectio.load(path, mmap=True),
    )


def _pickle() -> Saver:
    return Saver(
        "pickle",
        lambda obj: pickle.dumps(obj, protocol=5),
        pickle.loads,
        lambda obj, file: pickle.dump(obj, file, protocol=5),
        pickle.load,
    )


def _joblib() -> Saver:
    joblib = import_module("joblib")
    dumps, loads = in_memory(joblib.dump, joblib.load)
    return Saver(
        "joblib",
        dumps,
        loads,
        joblib.dump,
        joblib.load,
        load_mapped=lambda path: joblib.load(path, mmap_mode="c"),
    )


def _pickle_like(name: str) -> Saver:
    module = import_module(name)
    return Saver(name, module.dumps, module.loads, module.dump, module.load)


def _skops() -> Saver:
    skops = import_module("skops.io")

    def loads(data: bytes) -> Any:
        # Whoever measures has made the file, and trusts it.
        return skops.loads(data, trusted=skops.get_untrusted_types(data=data))

    return Saver(
        "skops",
        skops.dumps,
        loads,
        lambda obj, file: file.write(skops.dumps(obj)),
        lambda file: loads(file.read()),
        slow=True,
    )


def _pymilo() -> Saver:
    pymilo = import_module("pymilo")

    def dumps(obj: Any) -> bytes:
        return bytes(pymilo.Export(obj).to_json().encode())

    def loads(data: bytes) -> Any:
        return pymilo.Import(json_dump=data.decode()).to_model()

    return Saver(
        "pymilo",
        dumps,
        loads,
        lambda obj, file: file.write(dumps(obj)),
        lambda file: loads(file.read()),
        slow=True,
    )


def in_memory(
    dump: Callable[[Any, IO[bytes]], Any], load: Callable[[IO[bytes]], Any]
) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    """What works on files, on bytes."""

    def dumps(obj: Any) -> bytes:
        buffer = io.BytesIO()
        dump(obj, buffer)
        return buffer.getvalue()

    return dumps, lambda data: load(io.BytesIO(data))


_MAKERS: dict[str, Callable[[], Saver]] = {
    "reflectio": _reflectio,
    "pickle": _pickle,
    "cloudpickle": lambda: _pickle_like("cloudpickle"),
    "dill": lambda: _pickle_like("dill"),
    "joblib": _joblib,
    "skops": _skops,
    "pymilo": _pymilo,
}

# In tables and charts.
ORDER = tuple(_MAKERS)


def saver(name: str) -> Saver:
    """
    The saver of a name.

    Raises
    ------
    ImportError
        It is not installed.
    """
    return _MAKERS[name]()


def installed() -> tuple[tuple[Saver, ...], tuple[Missing, ...]]:
    """What there is, and what there is not."""
    found, missing = [], []
    for name in _MAKERS:
        try:
            found.append(saver(name))
        except ImportError as error:
            missing.append(Missing(name, f"does not import: {error}"))
    return tuple(found), tuple(missing)


def dump_durably(write: Callable[[IO[bytes]], Any], path: Path) -> None:
    """Write a file as `reflectio.dump` does at a path: beside it, flushed to disk, renamed."""
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def json_saver() -> Saver:
    """reflectio's JSON format."""
    return Saver(
        "reflectio",
        lambda obj: reflectio.dumps(obj, format="json"),
        reflectio.loads,
        lambda obj, file: reflectio.dump(obj, file, format="json"),
        reflectio.load,
    )
