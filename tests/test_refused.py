"""What no document can hold is refused on the way out, with the path to it and what to do instead."""

from __future__ import annotations

import asyncio
import contextvars
import copyreg
import queue
import re
import socket
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import models
import numpy as np
import pytest
from roundtrip import both_formats

import reflectio
from reflectio import encoder
from reflectio.codec import Codec
from reflectio.writers import writers


def local_function() -> Any:
    def inner(x: Any) -> Any:
        return x

    return inner


def local_class() -> Any:
    class Inner:
        pass

    return Inner


def generator() -> Any:
    yield 1


async def coroutine() -> None: ...


def frame() -> Any:
    return sys._getframe()


class Unpicklable:
    def __reduce__(self) -> Any:
        raise RuntimeError("no")


class CalledToRebuild:
    def __reduce__(self) -> Any:
        return models.clip, (1,)


REFUSED: dict[str, tuple[Any, str]] = {
    "lambda": (lambda x: x, "define the function with `def` in an importable module"),
    "local function": (local_function(), "move it to the top level of a module"),
    "local class": (local_class(), "move it to the top level of a module"),
    "object of a local class": (local_class()(), "move it to the top level of a module"),
    "text file": (open(__file__), "keep its path and open it"),  # noqa: SIM115
    "binary file": (open(__file__, "rb"), "keep its path and open it"),  # noqa: SIM115
    "raw file": (open(__file__, "rb", buffering=0), "keep its path and open it"),  # noqa: SIM115
    "lock": (threading.Lock(), "__getstate__"),
    "reentrant lock": (threading.RLock(), "__getstate__"),
    "condition": (threading.Condition(), "__getstate__"),
    "event": (threading.Event(), "__getstate__"),
    "queue": (queue.Queue(), "register a codec|__getstate__"),
    "thread": (threading.Thread(), "__getstate__"),
    "thread-local data": (threading.local(), "__getstate__"),
    "socket": (socket.socket(), "keep its address"),
    "generator": (generator(), "make it a list"),
    "module": (np, "import it where it is used"),
    "code": (local_function.__code__, "no document may hold"),
    "frame": (frame(), "no document may hold"),
    "view of memory": (memoryview(b"abc"), "save a copy as bytes"),
    "weak reference": (weakref.ref(models.Node), "register a codec"),
    "iterator": (iter([1, 2]), "make it a list"),
    "iterator of matches": (re.finditer("a", "aa"), "make it a list"),
    "map": (map(len, []), "make it a list"),
    "keys of a dict": ({}.keys(), "make it a list"),
    "object of a type without a name": (sys.flags, "cannot be imported|rebuilt by calling|no state"),
    "context variable": (contextvars.ContextVar("x"), "register a codec"),
    "event loop": (asyncio.new_event_loop(), "register a codec|remove"),
    "object that refuses to be saved": (Unpicklable(), "register a codec for its class"),
    "object rebuilt by a function": (CalledToRebuild(), "calls no function that a document names"),
    "function renamed": (type(local_function)(local_function.__code__, {}, "nowhere"), "cannot be imported"),
}


@both_formats
@pytest.mark.parametrize(("value", "advice"), REFUSED.values(), ids=REFUSED)
def test_the_error_says_where_and_what_to_do(value: Any, advice: str, format: Any) -> None:
    model = models.Node(steps=[("a", 1), ("b", {"key": (0.5, value)})])
    with pytest.raises(reflectio.UnsupportedTypeError) as caught:
        reflectio.dumps(model, format=format)
    assert caught.value.path.startswith("$.model.steps[1][1].key[1]")
    assert re.search(advice, str(caught.value))


@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda x: x, "$.model"),
        (lambda x: [0, x], "$.model[1]"),
        (lambda x: {"a b": x}, "$.model['a b']"),
        (lambda x: {1: 2, "$": x}, "$.model.$|$.model['$']"),
        (lambda x: {1: 2, 2: x}, "$.model[1]"),
        (lambda x: models.Point(1, x), "$.model.y"),
        (lambda x: models.WithState(1, x), "$.model.$state[1]|$.model['$state'][1]"),
        (lambda x: models.Labels([1, x]), "$.model[1]|$.model['$items'][1]"),
        (lambda x: np.array([1, x], object), "$.model[1]"),
        (lambda x: np.ma.array([1, x], object), "$.model.data[1]"),
        (lambda x: slice(x), "$.model.stop"),
        (lambda x: {frozenset({x}): 1}, "$.model[0]"),
        (lambda x: np.dtype("f8", metadata={"k": x}), "$.model.metadata.k"),
    ],
)
def test_the_path_leads_through_every_container(wrap: Any, path: str) -> None:
    with pytest.raises(reflectio.UnsupportedTypeError) as caught:
        reflectio.dumps(wrap(lambda: None))
    assert any(caught.value.path.startswith(option) for option in path.split("|")), caught.value.path


def test_the_path_leads_through_objects_that_lie_deep() -> None:
    chain: list[Any] = [lambda: None]
    for _ in range(200):
        chain = [chain]
    with pytest.raises(reflectio.UnsupportedTypeError, match=r"\$\.objects\[\d+\]\[0\]"):
        reflectio.dumps(chain)


def test_a_coroutine_is_refused() -> None:
    pending = coroutine()
    try:
        with pytest.raises(reflectio.UnsupportedTypeError, match="make it a list"):
            reflectio.dumps(pending)
    finally:
        pending.close()


@pytest.mark.parametrize("what", ["Model()", "Model", "function", "Colour.RED", "Point(1, 2)"])
def test_what_main_defines_is_refused(tmp_path: Path, what: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import collections, enum, reflectio\n"
        "class Model: pass\n"
        "class Colour(enum.Enum): RED = 1\n"
        "Point = collections.namedtuple('Point', 'x y')\n"
        "def function(): pass\n"
        f"try: reflectio.dumps([{what}])\n"
        "except reflectio.UnsupportedTypeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("$.model[0]: ")
    assert "__main__" in done.stdout
    assert "move it to an importable module" in done.stdout


def test_an_attribute_that_would_hide_a_method_is_refused() -> None:
    node = models.Node()
    node.__dict__["method"] = 1
    with pytest.raises(reflectio.UnsupportedTypeError, match="would hide"):
        reflectio.dumps(node)


def test_metadata_must_be_what_json_can_say() -> None:
    for metadata in ({1: 2}, {"a": object()}, {"a": float("nan")}, {"a": (1,)}):
        with pytest.raises(reflectio.UnsupportedTypeError, match=r"\$\.metadata"):
            reflectio.dumps(1, metadata=metadata)


# Objects whose own code changes what is walked, or gives odd states -------------------------------------------


class _Changing:
    """Changes a container each time that its state is asked for."""

    def __init__(self, change):
        self._change = change

    def __getstate__(self):
        self._change()
        return {"a": 1}


class _Reducing:
    """Reduces to whatever it was given."""

    def __init__(self, reduced):
        self._reduced = reduced

    def __reduce_ex__(self, protocol):
        return self._reduced


def _growing_dict():
    found: dict[Any, Any] = {}
    found |= {index: _Changing(lambda: found.update({len(found) + 0.5: 1})) for index in range(5)}
    return found


@pytest.mark.parametrize("format", ["binary", "json"])
@pytest.mark.parametrize(
    "make",
    [
        _growing_dict,
        lambda: _Reducing(()),
        lambda: _Reducing((_Reducing,)),
        lambda: _Reducing((_Reducing, 5)),
        lambda: _Reducing((copyreg.__newobj__, ())),
        lambda: _Reducing((copyreg.__newobj__, (_Reducing, 1), {2: 3})),
        lambda: _Reducing((copyreg.__newobj_ex__, ())),
        lambda: _Reducing((_Reducing, (), None, None, 5)),
        lambda: _Reducing((_Reducing, (), None, None, [1])),
    ],
)
def test_an_object_that_changes_or_has_an_odd_state_is_refused(make, format):
    with pytest.raises(reflectio.UnsupportedTypeError, match=r"state|saved|set:"):
        reflectio.dumps(make(), format=format)


class _Fails(Codec):
    """A codec that a user registered, and that raises an error of its own."""

    def encode(self, obj: Any, encoder: Any) -> Any:
        raise KeyError("of a codec")


def test_what_a_codec_that_is_registered_raises_comes_through(monkeypatch) -> None:
    monkeypatch.setitem(writers, _Changing, _Fails().encode)
    with pytest.raises(KeyError, match="of a codec"):
        reflectio.dumps([_Changing(dict)])


class _Endless:
    """Reduces to a state that holds a new object of the class."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __reduce_ex__(self, protocol: Any) -> Any:
        assert self._left, "it went on"
        return copyreg.__newobj__, (_Endless,), {"next": _Endless(self._left - 1)}


def test_an_object_without_an_end_is_refused(monkeypatch) -> None:
    # By default, after some million levels.
    monkeypatch.setattr(encoder, "_MOST_MOVES", 100)
    with pytest.raises(reflectio.UnsupportedTypeError, match="there is no end of them"):
        reflectio.dumps(_Endless(20_000))
    nested: Any = []
    for _ in range(3_900):
        nested = [nested]
    assert reflectio.dumps(nested)
