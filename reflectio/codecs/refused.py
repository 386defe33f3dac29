"""Types whose objects make no sense in another process: refused, with what to do instead."""

from __future__ import annotations

import io
import socket
import threading
import types
from collections.abc import Iterable
from typing import Any

from reflectio.codec import Codec, Node
from reflectio.encoder import Encoder

_ITERABLES: tuple[Iterable[Any], ...] = ([], (), {}, {}.values(), {}.items(), set(), "", b"", range(0))

_ADVICE: dict[tuple[type, ...], str] = {
    (
        io.TextIOWrapper,
        io.BufferedReader,
        io.BufferedWriter,
        io.BufferedRandom,
        io.BufferedRWPair,
        io.FileIO,
        io.RawIOBase,
    ): "an open file; keep its path and open it when it is needed",
    (socket.socket,): "a socket; keep its address and connect when it is needed",
    (
        type(threading.Lock()),
        type(threading.RLock()),
        threading.Condition,
        threading.Semaphore,
        threading.Event,
    ): "a lock, which belongs to this process; leave it out in __getstate__ and make it anew in __setstate__",
    (threading.Thread,): "a thread; stop it and leave it out in __getstate__",
    (threading.local,): "thread-local data; leave it out in __getstate__",
    (types.ModuleType,): "a module; import it where it is used",
    (
        types.GeneratorType,
        types.CoroutineType,
        types.AsyncGeneratorType,
    ): "a generator, whose progress cannot be saved; make it a list, or save what makes it",
    (
        *(type(iter(items)) for items in _ITERABLES),
        type(iter(int, 1)),
        type(reversed([])),
        enumerate,
        filter,
        map,
        zip,
    ): "an iterator, whose progress cannot be saved; make it a list",
    (type({}.keys()), type({}.values()), type({}.items())): "a view of a dict; make it a list",
    (
        types.CodeType,
        types.FrameType,
        types.TracebackType,
    ): "code or a stack frame, which no document may hold",
    (memoryview,): "a view of memory; save a copy as bytes or as an array",
}


class RefusedCodec(Codec):
    """Says what to do about objects of some types."""

    shared = False
    subclasses = True

    def __init__(self, refused: tuple[type, ...], advice: str) -> None:
        self.types = refused
        self._advice = advice

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        raise encoder.refuse(f"a {type(obj).__qualname__} cannot be saved: it is {self._advice}")


CODECS: tuple[Codec, ...] = tuple(RefusedCodec(refused, advice) for refused, advice in _ADVICE.items())
