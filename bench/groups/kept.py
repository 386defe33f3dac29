"""How much memory the arrays of loaded models keep alive beyond their own bytes."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from attrs import define

from bench import subjects
from bench.session import Session

TITLE = "Memory kept alive"
ABOUT = (
    "What the arrays of a model hold on to beyond the bytes that they span, in the model as fitted and as loaded: "
    "an array that is a view of the file's bytes would keep all of them."
)

_NOT_STATE = (ModuleType, FunctionType, type)


@define
class _Buffer:
    nbytes: int
    spans: set[tuple[int, int]]

    @property
    def unused(self) -> int:
        used, end = 0, 0
        for low, high in sorted(self.spans):
            used += max(0, high - max(low, end))
            end = max(end, high)
        return max(0, self.nbytes - used)


def run(session: Session) -> None:
    """Look at every model."""
    step = session.profile.zoo_step
    names = iter(session.steps([*subjects.zoo_names(step), *session.profile.models]))
    for name, model in subjects.zoo(step):
        next(names)
        _look(session, name, model)
    for name in names:
        _look(session, name, subjects.subject(name))


def _look(session: Session, name: str, model: Any) -> None:
    session.add("kept", name, "arrays", "", sum(1 for _ in arrays(model)), "")
    session.add("kept", name, "unused", "as fitted", unused(model), "B")
    for saver in session.plain:
        session.add("kept", name, "unused", saver.name, unused(saver.loads(saver.dumps(model))), "B")


def unused(model: Any) -> int:
    """The bytes that a model's arrays keep alive and that none of them spans."""
    buffers: dict[int, _Buffer] = {}
    for array in arrays(model):
        root: Any = array
        while isinstance(root, np.ndarray) and root.base is not None:
            root = root.base
        try:
            nbytes = root.nbytes if isinstance(root, np.ndarray) else memoryview(root).nbytes
        except TypeError:
            # An object of compiled code, which lends its own memory.
            continue
        interface = array.__array_interface__
        low = interface["data"][0] + sum(
            stride * (length - 1)
            for stride, length in zip(array.strides, array.shape, strict=True)
            if stride < 0
        )
        high = (
            low
            + array.itemsize
            + sum(
                abs(stride) * (length - 1) for stride, length in zip(array.strides, array.shape, strict=True)
            )
        )
        span = (low, high) if array.size else (low, low)
        buffers.setdefault(id(root), _Buffer(nbytes, set())).spans.add(span)
    return sum(buffer.unused for buffer in buffers.values())


def arrays(model: Any) -> Iterator[np.ndarray]:
    """Every array that a model holds."""
    seen: dict[int, Any] = {}
    waiting = [model]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, _NOT_STATE):
            continue
        seen[id(value)] = value
        if isinstance(value, np.ndarray):
            yield value
            if value.dtype == object:
                waiting.extend(value.flat)
            # Arrays are not known to the collector of garbage, their attributes are.
            waiting.append(getattr(value, "__dict__", None))
        else:
            waiting.extend(gc.get_referents(value))
