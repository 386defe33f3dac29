"""An assembler for pickles that no pickler would write."""

from __future__ import annotations

import struct
from typing import Any

PROTO_2, PROTO_4, PROTO_5 = b"\x80\x02", b"\x80\x04", b"\x80\x05"
MARK, STOP, REDUCE, BUILD, POP, DUP, TUPLE, NONE = b"(", b".", b"R", b"b", b"0", b"2", b"t", b"N"
EMPTY_TUPLE, EMPTY_DICT, EMPTY_LIST, NEWOBJ, NEWOBJ_EX, OBJ = b")", b"}", b"]", b"\x81", b"\x92", b"o"
STACK_GLOBAL, MEMOIZE, SETITEM, SETITEMS, APPEND, APPENDS = b"\x93", b"\x94", b"s", b"u", b"a", b"e"
BINPERSID, TUPLE1, TUPLE2, TUPLE3 = b"Q", b"\x85", b"\x86", b"\x87"


def name(text: str) -> bytes:
    """GLOBAL of the module and the last part of a dotted name."""
    module, _, last = text.rpartition(".")
    return b"c%s\n%s\n" % (module.encode(), last.encode())


def inst(text: str) -> bytes:
    """INST, which calls what it names with what lies above the mark."""
    module, _, last = text.rpartition(".")
    return b"i%s\n%s\n" % (module.encode(), last.encode())


def stack_name(text: str, qualname: str | None = None) -> bytes:
    """STACK_GLOBAL of a dotted name; with ``qualname``, of that in the module ``text``."""
    module, _, last = text.rpartition(".") if qualname is None else (text, "", qualname)
    return value(module) + value(last) + STACK_GLOBAL


def value(obj: Any) -> bytes:
    """Push a plain value, or a tuple, list or dict of such."""
    if obj is None:
        return NONE
    if obj is True or obj is False:
        return b"\x88" if obj else b"\x89"
    if isinstance(obj, int):
        if -(2**31) <= obj < 2**31:
            return b"J" + struct.pack("<i", obj)
        data = obj.to_bytes(obj.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8b" + struct.pack("<i", len(data)) + data
    if isinstance(obj, float):
        return b"G" + struct.pack(">d", obj)
    if isinstance(obj, str):
        data = obj.encode()
        return b"X" + struct.pack("<I", len(data)) + data
    if isinstance(obj, bytes):
        return b"B" + struct.pack("<I", len(obj)) + obj
    if isinstance(obj, tuple):
        return MARK + b"".join(map(value, obj)) + TUPLE
    if isinstance(obj, list):
        return EMPTY_LIST + MARK + b"".join(map(value, obj)) + APPENDS
    if isinstance(obj, dict):
        return EMPTY_DICT + MARK + b"".join(value(k) + value(v) for k, v in obj.items()) + SETITEMS
    raise TypeError(type(obj))


def items(*parts: bytes) -> bytes:
    """A tuple of parts that are opcodes."""
    return MARK + b"".join(parts) + TUPLE


def mapping(**members: bytes) -> bytes:
    """A dict of parts that are opcodes."""
    return EMPTY_DICT + MARK + b"".join(value(key) + part for key, part in members.items()) + SETITEMS


def call(text: str, *args: bytes) -> bytes:
    """GLOBAL and REDUCE."""
    return name(text) + items(*args) + REDUCE


def new(text: str, state: bytes | None = None) -> bytes:
    """NEWOBJ without arguments, and BUILD."""
    return name(text) + EMPTY_TUPLE + NEWOBJ + (b"" if state is None else state + BUILD)


def pickled(body: bytes, protocol: bytes = PROTO_4) -> bytes:
    """A whole pickle."""
    return protocol + body + STOP


def dtype(text: str, state: bytes | None = None) -> bytes:
    """A dtype as numpy pickles it."""
    made = call("numpy.dtype", value(text), value(False), value(True))
    return made if state is None else made + state + BUILD


FLOAT64 = dtype("f8", value((3, "<", None, None, None, -1, -1, 0)))
OBJECT = dtype("O8", value((3, "|", None, None, None, -1, -1, 63)))


def array(shape: Any, described: bytes, data: bytes, cls: str = "numpy.ndarray") -> bytes:
    """An array as numpy pickles it, its elements given as opcodes."""
    made = call("numpy._core.multiarray._reconstruct", name(cls), value((0,)), value(b"b"))
    return made + items(value(1), value(shape), described, value(False), data) + BUILD
