"""reflectio, and what else saves models, each in memory and with its defaults."""

from __future__ import annotations

import io
import pickle
from importlib import metadata
from typing import Any

import cloudpickle
import dill
import joblib
import pymilo
import skops.io

import reflectio
from reflectio.demo.timing import Saver


def _joblib_dumps(obj: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(obj, buffer)
    return buffer.getvalue()


def _skops_loads(data: bytes) -> Any:
    # Whoever measures has made the file, and trusts it.
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


SAVERS: tuple[Saver, ...] = (
    Saver("reflectio", reflectio.dumps, reflectio.loads),
    Saver("pickle", lambda obj: pickle.dumps(obj, protocol=5), pickle.loads),
    Saver("cloudpickle", cloudpickle.dumps, cloudpickle.loads),
    Saver("dill", dill.dumps, dill.loads),
    Saver("joblib", _joblib_dumps, lambda data: joblib.load(io.BytesIO(data))),
    Saver("skops", skops.io.dumps, _skops_loads),
    Saver(
        "pymilo",
        lambda obj: pymilo.Export(obj).to_json().encode(),
        lambda data: pymilo.Import(json_dump=data.decode()).to_model(),
    ),
)


def version(name: str) -> str:
    """The version of a saver."""
    if name == "pickle":
        return "protocol 5"
    return metadata.version(name)
