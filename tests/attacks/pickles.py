"""Attacks by pickle, joblib and skops files: each has to be refused, with nothing run and nothing imported."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import json
import lzma
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from attacks import gadgets
from attacks import opcodes as op
from attacks.attack import TRIPWIRE
from attacks.opcodes import call, items, mapping, name, new, pickled, stack_name, value

#: A file that must not come to exist in the folder that the attacks are tried in.
MARKER = "reflectio-marker"

_SYSTEM = "os.system"
_ARGUMENT = value(f"touch {MARKER}")
_RUN = call(_SYSTEM, _ARGUMENT)


@dataclass(frozen=True)
class FileAttack:
    """
    One file that has to be refused.

    Attributes
    ----------
    id : str
        A name to find it by.
    tries : str
        What it would gain if it were loaded.
    make : callable
        Gives the file's bytes.
    named : str
        A name that the audit has to show; empty where there is none to show.
    audit_ok : bool
        Whether an audit passes it: its names are allowed, and only its states are forged.
    harmless : bool
        Whether it may be converted, because it costs and does nothing.
    policy : str
        The text of a policy file; empty for the default policy.
    """

    id: str
    tries: str
    make: Callable[[], bytes]
    named: str = ""
    audit_ok: bool = False
    harmless: bool = False
    policy: str = ""


def _fixed(body: bytes, protocol: bytes = op.PROTO_4) -> Callable[[], bytes]:
    return lambda: pickled(body, protocol)


def _args(gadget: gadgets.Gadget) -> bytes:
    # Not all gadgets' arguments are plain; what matters is the name.
    try:
        return value(tuple(_filled(arg) for arg in gadget.args))
    except TypeError:
        return op.EMPTY_TUPLE


def _filled(arg: Any) -> Any:
    if isinstance(arg, str):
        return arg.replace("{marker!r}", repr(MARKER)).replace("{marker}", MARKER)
    return [_filled(part) for part in arg] if isinstance(arg, list) else arg


def _gadgets() -> Iterator[FileAttack]:
    for gadget in gadgets.GADGETS:
        body = stack_name(gadget.name) + _args(gadget) + op.REDUCE
        yield FileAttack(f"gadget {gadget.name}", gadget.gain, _fixed(body))


def _techniques() -> Iterator[FileAttack]:
    """One function, reached in every way that opcodes offer."""
    args = items(_ARGUMENT)
    module, last = value("os"), value("system")
    bodies = {
        "GLOBAL and REDUCE": name(_SYSTEM) + args + op.REDUCE,
        "STACK_GLOBAL": stack_name(_SYSTEM) + args + op.REDUCE,
        "INST": op.MARK + _ARGUMENT + op.inst(_SYSTEM),
        "OBJ": op.MARK + name(_SYSTEM) + _ARGUMENT + op.OBJ,
        "NEWOBJ": name(_SYSTEM) + args + op.NEWOBJ,
        "NEWOBJ_EX": name(_SYSTEM) + args + op.EMPTY_DICT + op.NEWOBJ_EX,
        "copyreg.__newobj__": call("copyreg.__newobj__", name("subprocess.Popen"), _ARGUMENT),
        "copyreg.__newobj_ex__": call(
            "copyreg.__newobj_ex__", name("subprocess.Popen"), args, op.EMPTY_DICT
        ),
        "copyreg._reconstructor": call(
            "copyreg._reconstructor", name("subprocess.Popen"), name("builtins.object"), op.NONE
        ),
        "copyreg._reconstructor with a base that is called": call(
            "copyreg._reconstructor", name("collections.OrderedDict"), name(_SYSTEM), _ARGUMENT
        ),
        "a module's name from the memo": module + op.MEMOIZE + op.POP + b"h\x00" + last + op.STACK_GLOBAL + args + op.REDUCE,
        "a memo entry that is replaced": value("math") + b"q\x00" + op.POP + module + b"q\x00" + op.POP
        + b"h\x00" + last + op.STACK_GLOBAL + args + op.REDUCE,
        "a name that DUP gives": name(_SYSTEM) + op.DUP + op.POP + args + op.REDUCE,
        "a call whose result is dropped": _RUN + op.POP + value([1]),
        "a call below the mark": op.MARK + _RUN + b"1" + value([1]),
        "a call in the key of a dict": op.EMPTY_DICT + _RUN + value(1) + op.SETITEM,
        "a call in a set": b"\x8f" + op.MARK + _RUN + b"\x90",
        "a call in a frozen set": op.MARK + _RUN + b"\x91",
        "a call in the arguments of an allowed class": new(
            "sklearn.linear_model._base.LinearRegression", mapping(coef_=_RUN)
        ),
        "a call in a state that is dropped": new("sklearn.svm._classes.SVC", items(op.NONE, mapping(x=_RUN))),
        "a call of what a call gives": call("builtins.getattr", name("os.path"), value("join")) + args + op.REDUCE,
        "a call by the name of Python 2": name("__builtin__.eval") + items(value("1")) + op.REDUCE,
        "a call of a partial": call("functools.partial", name(_SYSTEM)) + args + op.REDUCE,
        "a partial that is held": call("functools.partial", name(_SYSTEM))
        + items(name(_SYSTEM), args, op.EMPTY_DICT, op.NONE) + op.BUILD,
        "a function that is held": op.EMPTY_LIST + name(_SYSTEM) + op.APPEND,
        "a module that is only imported": name(f"{TRIPWIRE}.Model") + op.POP + value(1),
        "the number of the extension registry, EXT1": b"\x82\x01",
        "the number of the extension registry, EXT2": b"\x83\x01\x00",
        "the number of the extension registry, EXT4": b"\x84\x01\x00\x00\x00",
        "an entry for the extension registry": call(
            "copyreg.add_extension", value("os"), value("system"), value(1)
        ) + op.POP + b"\x82\x01" + args + op.REDUCE,
        "a persistent id": value("id") + op.BINPERSID,
        "a persistent id as text": b"Pid\n",
        "a buffer from outside": b"\x97",
        "a buffer that is made read-only": b"\x96" + struct.pack("<Q", 1) + b"x" + b"\x98",
    }  # fmt: skip
    for key, body in bodies.items():
        yield FileAttack(key, "run a command, or let the reader's own settings run one", _fixed(body))
    yield FileAttack(
        "protocol 0", "run a command", lambda: b"cos\nsystem\n(S'touch reflectio-marker'\ntR.", _SYSTEM
    )
    yield FileAttack(
        "protocol 0, INST", "run a command", lambda: b"(S'touch reflectio-marker'\nios\nsystem\n.", _SYSTEM
    )
    yield FileAttack(
        "protocol 1, OBJ",
        "run a command",
        lambda: b"(cos\nsystem\nX\x16\x00\x00\x00touch reflectio-markero.",
        _SYSTEM,
    )
    yield FileAttack("__reduce__", "run a command", lambda: pickle.dumps(_Reduced()), "posix.system")
    yield FileAttack(
        "__reduce__, nested",
        "run a command",
        lambda: pickle.dumps({"a": [(1, _Reduced())]}, 2),
        "posix.system",
    )


class _Reduced:
    def __reduce__(self) -> Any:
        import os

        return os.system, (f"touch {MARKER}",)


def _names() -> Iterator[FileAttack]:
    """Names that are not what they seem."""
    args = items(_ARGUMENT)
    bodies = {
        "dots in the name": stack_name("sklearn.utils.validation", "os.system") + args + op.REDUCE,
        "dots to the globals of a method": stack_name(
            "sklearn.base", "BaseEstimator.__init__.__globals__"
        ),
        "dots to what a module imports": stack_name("sklearn", "os.system") + args + op.REDUCE,
        "dots by GLOBAL": b"csklearn.base\nBaseEstimator.get_params\n",
        "a name that is bytes": value("os") + value(b"system") + op.STACK_GLOBAL + args + op.REDUCE,
        "a name that is a number": value("os") + value(1) + op.STACK_GLOBAL + args + op.REDUCE,
        "a name that a call makes": value("os") + call("builtins.str", value("system")) + op.STACK_GLOBAL + args + op.REDUCE,
        "a name that an attribute gives": value("os")
        + call("builtins.getattr", name("os.system"), value("__name__")) + op.STACK_GLOBAL + args + op.REDUCE,
        "a space in the module": b"csklearn.svm SVC\nos\n" + op.EMPTY_TUPLE + op.NEWOBJ,
        "a space that pickletools would part": b"csklearn.svm._classes SVC\n\n" + op.EMPTY_TUPLE + op.NEWOBJ,
        "an empty module": b"c\nsystem\n" + args + op.REDUCE,
        "a carriage return": b"cos\nsystem\r\n" + args + op.REDUCE,
        "letters that look alike": value("\u0455klearn.svm") + value("SVC") + op.STACK_GLOBAL + op.EMPTY_TUPLE + op.NEWOBJ,
        "letters that Python takes for others": value("sklearn.svm") + value("\uff33VC") + op.STACK_GLOBAL + op.EMPTY_TUPLE + op.NEWOBJ,
        "a dunder of a module": stack_name("sklearn.svm.__builtins__") + op.POP + value(1),
        "another module below an allowed package": name("sklearn.utils._evil.SVC") + op.EMPTY_TUPLE + op.NEWOBJ,
        "what an allowed package imports": name("numpy.testing._private.utils.os") + op.POP + value(1),
        "the tripwire under an allowed name": name(f"sklearn.{TRIPWIRE}.SVC") + op.EMPTY_TUPLE + op.NEWOBJ,
        "a class of the tripwire": new(f"{TRIPWIRE}.Model", mapping(a=value(1))),
    }  # fmt: skip
    for key, body in bodies.items():
        yield FileAttack(f"name: {key}", "import or reach what the policy does not list", _fixed(body))


def _gadgets_of_allowed_libraries() -> Iterator[FileAttack]:
    """Allowed names, used for what they are not allowed for."""
    estimator = "sklearn.linear_model._base.LinearRegression"
    bodies = {
        "a class that is called": call(estimator, value(True)),
        "a class that is called without arguments": call(estimator),
        "a class that is made with arguments": name(estimator) + items(value(1)) + op.NEWOBJ,
        "a class that is made with keyword arguments": name(estimator) + op.EMPTY_TUPLE
        + mapping(a=value(1)) + op.NEWOBJ_EX,
        "a callable that is called": call("numpy.mean", value([1.0])),
        "numpy.array that is called": call("numpy.array", value("text"), value("O")),
        "numpy.dtype of a class": call("numpy.dtype", name("os.system"), value(False), value(True)),
        "getattr of a class": call("builtins.getattr", name(estimator), value("__init__")),
        "getattr in a chain": call(
            "builtins.getattr", call("builtins.getattr", name(estimator), value("fit")), value("__globals__")
        ),
        "getattr of an object": call("builtins.getattr", new(estimator), value("__class__")),
        "getattr by a name that a call makes": call(
            "builtins.getattr", name(estimator), call("builtins.str", value("fit"))
        ),
        "attrgetter": call("operator.attrgetter", value("__class__.__base__.__subclasses__")),
        "methodcaller": call("operator.methodcaller", value("__reduce_ex__"), value(2)),
        "itemgetter of a call": call("operator.itemgetter", _RUN),
        "_codecs.encode by another codec": call("_codecs.encode", value("x"), value("rot13")),
        "_codecs.encode that decompresses": call("_codecs.encode", value(b"x"), value("zlib_codec")),
        "a ufunc by another name": call("numpy._core._ufunc_reconstruct", value("os"), value("system")),
        "a bit generator of another class": call(
            "numpy.random._pickle.__bit_generator_ctor", name("os.system")
        ),
        "a generator by another function": call(
            "numpy.random._pickle.__generator_ctor", value("touch reflectio-marker"), name("os.system")
        ),
        "a masked array of another class": call(
            "numpy.ma.core._mareconstruct", name("subprocess.Popen"), name("numpy.ndarray"), value((0,)), value("b")
        ),
        "an array of another class": array_of_class("subprocess.Popen"),
        "Cython's function of another module": call(
            "evil.__pyx_unpickle_Model", name("subprocess.Popen"), value(1), op.NONE
        ),
        "Cython's function for another class": call(
            "sklearn._loss._loss.__pyx_unpickle_CyHuberLoss", name("subprocess.Popen"), value(1), op.NONE
        ),
        "newObj for another class": call("sklearn.neighbors._kd_tree.newObj", name("subprocess.Popen")),
        "a counter of a call": call("collections.Counter", _RUN),
        "a default factory": call("collections.defaultdict", name("os.system")),
        "numpy.load": call("numpy.load", value(MARKER)),
        "numpy.vectorize": new("numpy.vectorize", mapping(pyfunc=name("os.system"))),
        "sklearn's loader of files": call("sklearn.datasets._base.load_files", value("/")),
        "sklearn's loader of svmlight files": call(
            "sklearn.datasets._svmlight_format_io.load_svmlight_file", value(MARKER)
        ),
        "pandas' unpickler": call("pandas.io.pickle.read_pickle", value(MARKER)),
        "code": call("types.CodeType", *[value(0)] * 18),
        "a method of text that formats": call("builtins.getattr", name("builtins.str"), value("format")),
        "a distribution with program text": new(
            "scipy.stats._continuous_distns.norm_gen",
            mapping(
                name=value("norm"),
                _parse_arg_template=value("import os; os.system('touch reflectio-marker')"),
            ),
        ),
        "a distribution with program text behind scipy's": new(
            "scipy.stats._continuous_distns.norm_gen",
            mapping(
                name=value("norm"),
                _parse_arg_template=value(_PARSERS + "\nimport os; os.system('touch reflectio-marker')\n"),
            ),
        ),
        "a distribution with a default that runs": new(
            "scipy.stats._continuous_distns.norm_gen",
            mapping(
                name=value("norm"),
                _parse_arg_template=value(_PARSERS.replace("loc=0", "loc=__import__('os').system('touch reflectio-marker')")),
            ),
        ),
        "a distribution with program text that is replaced": new(
            _NORMAL, mapping(name=value("norm"), _parse_arg_template=value(_PROGRAM)) + _put(7)
        ) + _get(7) + value("_parse_arg_template") + value(_PARSERS) + op.SETITEM + op.POP,
        "a distribution with program text under a text of numpy's": new(
            _NORMAL,
            op.EMPTY_DICT + op.MARK + value("name") + value("norm") + _numpy_text("_parse_arg_template") + value(_PROGRAM) + op.SETITEMS,
        ),
        "a distribution with program text in a dict of another class": new(
            _NORMAL,
            call("collections.OrderedDict") + op.MARK + value("name") + value("norm") + value("_parse_arg_template") + value(_PROGRAM) + op.SETITEMS,
        ),
        "a generator by a callable that is allowed": call(
            "numpy.random._pickle.__generator_ctor", value([3.0, 5.0]), name("numpy.mean")
        ),
        "a random state by a callable that is allowed": call(
            "numpy.random._pickle.__randomstate_ctor", value([3.0, 5.0]), name("numpy.mean")
        ),
        "a bit generator that is another allowed class": call(
            "numpy.random._pickle.__bit_generator_ctor", name("sklearn.linear_model._base.LinearRegression")
        ),
        "items appended by an item": new("sklearn.utils._bunch.Bunch")
        + value("extend") + name("numpy.mean") + op.SETITEM + op.MARK + value(1) + op.APPENDS,
        "an item appended by an item": new("sklearn.utils._bunch.Bunch")
        + value("append") + name("numpy.mean") + op.SETITEM + value(1) + op.APPEND,
        "items appended by an attribute": new(estimator, mapping(extend=name("numpy.mean")))
        + op.MARK + value(1) + op.APPENDS,
        "items appended to a partial": call("functools.partial", name("numpy.mean"))
        + items(name("numpy.mean"), op.EMPTY_TUPLE, op.EMPTY_DICT, mapping(extend=name("numpy.mean"))) + op.BUILD
        + op.MARK + value(1) + op.APPENDS,
        "a state that is set by an item": new("sklearn.utils._bunch.Bunch")
        + value("__setstate__") + name("numpy.mean") + op.SETITEM + mapping(a=value(1)) + op.BUILD,
        "a state that is set by an item under a text of numpy's": new("sklearn.utils._bunch.Bunch")
        + _numpy_text("__setstate__") + name("numpy.mean") + op.SETITEM + mapping(a=value(1)) + op.BUILD,
    }  # fmt: skip
    for key, body in bodies.items():
        yield FileAttack(f"gadget: {key}", "have a known function do something unknown", _fixed(body))


_PARSERS = (
    "\ndef _parse_args(self,  loc=0, scale=1):\n    return (), loc, scale\n\n"
    "def _parse_args_rvs(self,  loc=0, scale=1, size=None):\n"
    "    return self._argcheck_rvs( loc, scale, size=size)\n\n"
    "def _parse_args_stats(self,  loc=0, scale=1, moments='mv'):\n    return (), loc, scale, moments\n"
)


_NORMAL = "scipy.stats._continuous_distns.norm_gen"
_PROGRAM = (
    f"import os; os.system('touch {MARKER}')\ndef _parse_args(self, loc=0, scale=1):\n    return (), loc, scale\n"
    "_parse_args_rvs = _parse_args_stats = _parse_args\n"
)


def _numpy_text(text: str) -> bytes:
    """One of numpy's texts, which is equal to Python's."""
    dtype = op.dtype(f"U{len(text)}", value((3, "<", None, None, None, 4 * len(text), 4, 8)))
    return call("numpy._core.multiarray.scalar", dtype, value(text.encode("utf-32-le")))


def array_of_class(cls: str) -> bytes:
    return op.array((1,), op.FLOAT64, value(bytes(8)), cls)


def _states() -> Iterator[FileAttack]:
    """States that set what no state may set."""
    estimator = "sklearn.linear_model._base.LinearRegression"
    refused = {
        "the state of a class": name(estimator) + mapping(fit=value(1)) + op.BUILD,
        "the state of a function": name("numpy.mean") + mapping(a=value(1)) + op.BUILD,
        "the state of a dict": op.EMPTY_DICT + mapping(a=value(1)) + op.BUILD,
        "the state of a list": op.EMPTY_LIST + mapping(a=value(1)) + op.BUILD,
        "a state that is set twice": new(estimator, mapping(a=value(1))) + mapping(b=value(2)) + op.BUILD,
        "items of a tuple": op.EMPTY_TUPLE + value(1) + op.APPEND,
        "items of a class": name(estimator) + value("a") + value(1) + op.SETITEM,
    }
    for key, body in refused.items():
        yield FileAttack(f"state: {key}", "change what is not the file's", _fixed(body))
    forged = {
        "__class__": mapping(__class__=name("sklearn.linear_model._base.LinearRegression")),
        "__dict__": mapping(__dict__=value({})),
        "a method": mapping(predict=value(1)),
        "__setstate__": mapping(__setstate__=value(1)),
        "$args": mapping(**{"$args": value([1])}),
        "$new": mapping(**{"$new": value([1])}),
        "$id": mapping(**{"$id": value(1)}),
        "a key that is no text": value({1: 2}),
        "slots": items(op.NONE, mapping(__class__=value(1))),
        "a state that is text": value("text"),
    }
    for key, state in forged.items():
        yield FileAttack(
            f"state: {key}", "change what an object is", _fixed(new(estimator, state)),
            audit_ok=key != "__class__",
        )  # fmt: skip
    for key, body in _broken_objects().items():
        yield FileAttack(
            f"object: {key}", "have an object be what its class is not", _fixed(body), audit_ok=True
        )


def _broken_objects() -> dict[str, bytes]:
    estimator = "sklearn.linear_model._base.LinearRegression"
    return {
        "items of an estimator": new(estimator) + value(1) + op.APPEND,
        "pairs of an estimator": new(estimator) + value("a") + value(1) + op.SETITEM,
        "a key that comes twice": op.EMPTY_DICT + value("a") + value(1) + op.SETITEM + value("a") + value(2) + op.SETITEM,
        "a Bunch with an array interface": new("sklearn.utils._bunch.Bunch")
        + value("__array_interface__") + value({"data": (1, False)}) + op.SETITEM,
        "keys of one hash": op.EMPTY_DICT + op.MARK
        + b"".join(value(index * (2**61 - 1)) + op.NONE for index in range(1, 2000)) + op.SETITEMS,
        "a random state that reads past its end": _random_state(10**6),
        "a random state that reads before its beginning": _random_state(-1),
    }  # fmt: skip


def _random_state(position: int) -> bytes:
    key = op.array((624,), op.dtype("u4", value((3, "<", None, None, None, -1, -1, 0))), value(bytes(2496)))
    bits = call("numpy.random._pickle.__bit_generator_ctor", name("numpy.random._mt19937.MT19937"))
    state = mapping(
        bit_generator=value("MT19937"),
        state=mapping(key=key, pos=value(position)),
        has_gauss=value(0),
        gauss=value(0.0),
    )
    bits_state = mapping(bit_generator=value("MT19937"), state=mapping(key=key, pos=value(position)))
    return (
        call("numpy.random._pickle.__randomstate_ctor", bits + items(bits_state, op.NONE) + op.BUILD)
        + state
        + op.BUILD
    )


def _arrays() -> Iterator[FileAttack]:
    """Arrays that would read memory that is not theirs."""
    pointers = value(struct.pack("<Q", 0xDEAD) * 4)
    bodies = {
        "pointers from the file": op.array((4,), op.OBJECT, pointers),
        "pointers by a buffer": call(
            "numpy._core.numeric._frombuffer", pointers, op.OBJECT, value((4,)), value("C")
        ),
        "a pointer in a scalar": call("numpy._core.multiarray.scalar", op.OBJECT, value(bytes(8))),
        "a pointer in a record": op.array(
            (1,),
            op.dtype("V8", items(value(3), value("|"), op.NONE, value(("f0",)),
                                 mapping(f0=items(op.OBJECT, value(0))), value(8), value(8), value(63))),
            value(bytes(8)),
        ),
        "fewer elements than the shape says": op.array((1000,), op.FLOAT64, value(bytes(8))),
        "a length below zero": op.array((-1,), op.FLOAT64, value(b"")),
        "a shape that overflows": op.array((2**40, 2**40), op.FLOAT64, value(b"")),
        "elements without bytes": op.array((2**40,), op.dtype("S0", value((3, "|", None, None, None, 0, 1, 0))), value(b"")),
        "fields without bytes": op.array((2**17,), _record_with_empty_fields(16), value(bytes(2**17))),
        "a shape that is no tuple": op.array({}, op.FLOAT64, value(b"")),
        "a dtype by program text": op.array((1,), call("numpy.dtype", value("f8,O"), value(False), value(True)), value(bytes(16))),
        "a dtype with fields outside of it": op.array(
            (1,),
            op.dtype("V8", items(value(3), value("|"), op.NONE, value(("f0",)),
                                 mapping(f0=items(op.FLOAT64, value(4096))), value(8), value(8), value(0))),
            value(bytes(8)),
        ),
        "a dtype within itself": op.array((1,), _nested_dtype(10_000), value(bytes(8))),
        "objects of a gadget": op.array((1,), op.OBJECT, op.EMPTY_LIST + op.name("os.system") + op.APPEND),
        "too few objects": op.array((1000,), op.OBJECT, value([1])),
        "a view by axes that are none": call(
            "numpy._core.numeric._frombuffer", value(bytes(8)), op.FLOAT64, value((1,)), value("K"), value((7,))
        ),
        "the mask of a masked array": call(
            "numpy.ma.core._mareconstruct", name("numpy.ma.core.MaskedArray"), name("numpy.ndarray"), value((0,)), value("b")
        ) + items(value(1), value((2,)), op.FLOAT64, value(False), value(bytes(16)), value(bytes(1)), op.NONE) + op.BUILD,
    }  # fmt: skip
    for key, body in bodies.items():
        yield FileAttack(
            f"array: {key}",
            "read or write memory that it does not own",
            _fixed(body),
            audit_ok=key != "objects of a gadget",
        )


def _record_with_empty_fields(count: int) -> bytes:
    """A dtype of one byte, beside which each element has fields that take none."""
    empty = op.dtype("S0", value((3, "|", None, None, None, 0, 1, 0)))
    names = tuple(f"f{index}" for index in range(count))
    fields = {name: items(empty, value(0)) for name in names}
    state = items(
        value(3), value("|"), op.NONE, value(names), mapping(**fields), value(1), value(1), value(16)
    )
    return op.dtype("V1", state)


def _nested_dtype(depth: int) -> bytes:
    inner = op.FLOAT64 + b"r" + struct.pack("<I", 0) + op.POP
    for _ in range(depth):
        inner += op.dtype("V8") + items(value(3), value("|"), items(b"j" + struct.pack("<I", 0), value((1,))), op.NONE, op.NONE, value(8), value(8), value(0)) + op.BUILD + b"r" + struct.pack("<I", 0) + op.POP  # fmt: skip
    return inner + b"j" + struct.pack("<I", 0)


def _wrapper(**changes: bytes) -> bytes:
    members = {
        "subclass": name("numpy.ndarray"), "shape": value((1,)), "order": value("C"), "dtype": op.FLOAT64,
        "allow_mmap": value(False), "numpy_array_alignment_bytes": value(16), **changes,
    }  # fmt: skip
    return new("joblib.numpy_pickle.NumpyArrayWrapper", mapping(**members))


_PADDING = b"\x02\xff\xff"


def _bomb(compress: Callable[[bytes], bytes]) -> bytes:
    return compress(pickled(op.POP.join([value(bytes(1 << 20))] * 65)))


def _joblib_files() -> Iterator[FileAttack]:
    """What only joblib's way of writing arrays makes possible."""
    nested = pickled(_RUN)
    files = {
        "another class of the array": op.PROTO_4 + _wrapper(subclass=name("subprocess.Popen")) + _PADDING + bytes(8) + op.STOP,
        "a call in the shape": op.PROTO_4 + _wrapper(shape=_RUN) + _PADDING + bytes(8) + op.STOP,
        "a pickle in place of the elements": op.PROTO_4 + _wrapper(dtype=op.OBJECT) + nested + op.STOP,
        "padding that hides opcodes": op.PROTO_4 + _wrapper() + bytes([16]) + _SHORT_RUN.ljust(16, b"\xff") + bytes(8) + op.STOP,
        "padding without an end": op.PROTO_4 + _wrapper() + b"\xff" + b"\xff" * 255 + bytes(8) + op.STOP,
        "an array that is cut short": op.PROTO_4 + _wrapper(shape=value((10**9,))) + _PADDING + bytes(8),
        "an array of all memory": op.PROTO_4 + _wrapper(shape=value((2**40,))) + _PADDING + bytes(8),
        "an order that is none": op.PROTO_4 + _wrapper(order=value("A")) + _PADDING + bytes(8) + op.STOP,
        "a description without a dtype": op.PROTO_4 + new("joblib.numpy_pickle.NumpyArrayWrapper", mapping(a=value(1))) + op.STOP,
        "a call behind the array": op.PROTO_4 + op.MARK + _wrapper() + _PADDING + bytes(8) + _RUN + op.TUPLE + op.STOP,
        "a wrapper within a pickle of elements": op.PROTO_4 + _wrapper(dtype=op.OBJECT) + op.PROTO_4 + _wrapper() + op.STOP + op.STOP,
        **_hidden_behind_arrays(),
    }  # fmt: skip
    for key, data in files.items():
        yield FileAttack(f"joblib: {key}", "have joblib read something else than an array", _constant(data))
    evil = pickled(_RUN)
    for key, compress in {
        "zlib": zlib.compress,
        "gzip": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    }.items():
        yield FileAttack(f"compressed by {key}", "hide in compression", _constant(compress(evil)), _SYSTEM)
        yield FileAttack(
            f"a bomb of {key}", "fill the memory",
            functools.partial(_bomb, compress),
            policy='extends = ["default"]\n[limits]\nexpanded_bytes = "64 MiB"\n',
        )  # fmt: skip
        yield FileAttack(f"cut short in {key}", "crash the decompressor", _constant(compress(evil)[:-6]))


def _framed(frame: bytes) -> bytes:
    return b"\x95" + struct.pack("<Q", len(frame)) + frame


def _literal(data: bytes) -> bytes:
    """The opcode of bytes, and how many there are: the bytes themselves are to follow."""
    return b"B" + struct.pack("<I", len(data))


def _hidden_behind_arrays() -> dict[str, bytes]:
    """What an audit would pass over, being somewhere else than joblib or pickle after an array."""
    evil, none = pickled(_RUN), value((0,))
    objects = _wrapper(dtype=op.OBJECT, shape=none)
    elements = op.PROTO_4 + op.array((0,), op.OBJECT, value([])) + op.STOP
    behind = _RUN + op.POP + op.NONE + op.STOP
    small = items(
        value(3),
        value("|"),
        items(op.FLOAT64, value((1000,))),
        op.NONE,
        op.NONE,
        value(8),
        value(1),
        value(0),
    )
    short_text = value((3, "<", None, None, None, 6, 4, 8))
    hides_text = b"x" * 11 + behind
    places = value("os") + b"q\x00" + op.POP + value("system") + b"q\x01" + op.POP
    other_name = (
        value("pathlib") + op.MEMOIZE + op.POP + value("PurePosixPath") + op.MEMOIZE + op.POP
        + b"h\x00h\x01" + op.STACK_GLOBAL + items(_ARGUMENT) + op.REDUCE
    )  # fmt: skip
    late = op.dtype("S5") + _put(9)
    return {
        "a pickle behind a frame": op.PROTO_4
        + _framed(objects + elements + op.POP + _literal(evil)) + evil + op.STOP,
        "a call behind a frame": op.PROTO_4
        + _framed(_wrapper(shape=none) + b"\x01\xff" + op.POP + _literal(behind)) + b"\x01\xff" + behind + op.STOP,
        "a frame of elements that goes on behind them": op.PROTO_4 + objects + op.PROTO_4
        + _framed(elements[2:] + op.POP + _literal(behind)) + behind + op.STOP,
        "frames within each other": op.PROTO_4 + _framed(_framed(value(1) * 8) + op.POP * 7 + objects) + elements + op.STOP,
        "a dtype with elements of another size": op.PROTO_4
        + _wrapper(dtype=op.dtype("U1", short_text), shape=value((8,))) + b"\x01\xff" + bytes(32)
        + _literal(hides_text) + hides_text + op.POP + op.STOP,
        "a dtype of less than no bytes": op.PROTO_4
        + _wrapper(dtype=op.dtype("S5", value((3, "|", None, None, None, -1, 1, 0))), shape=value((20,)))
        + b"\x01\xff" + behind.ljust(100, b"N") + op.STOP,
        "a dtype of arrays of another size": op.PROTO_4
        + _wrapper(dtype=op.dtype("V8", small)) + b"\x01\xff" + (bytes(8) + op.POP + behind).ljust(8000, b"N") + op.STOP,
        "numbers that are said to be objects": op.PROTO_4
        + _wrapper(dtype=op.dtype("f8", value((3, "<", None, None, None, -1, -1, 1))), shape=value((20,)), numpy_array_alignment_bytes=op.NONE)
        + evil.ljust(160, b"N") + op.STOP,
        "a dtype that is changed between arrays": op.PROTO_4
        + _wrapper(dtype=late, shape=none) + b"\x01\xff" + op.POP
        + _get(9) + value((3, "|", None, None, None, 1, 1, 0)) + op.BUILD + op.POP
        + _wrapper(dtype=_get(9), shape=value((40,))) + b"\x01\xff" + (bytes(40) + op.POP + behind).ljust(200, b"N") + op.STOP,
        "an array described by a constructor": op.PROTO_4
        + call("joblib.numpy_pickle.NumpyArrayWrapper", name("numpy.ndarray"), none, value("C"), op.FLOAT64)
        + mapping(subclass=name("numpy.ndarray"), shape=none, order=value("C"), dtype=op.FLOAT64) + op.BUILD
        + _literal(behind) + behind + op.STOP,
        "objects that are mapped into memory": op.PROTO_4
        + _wrapper(dtype=op.OBJECT, shape=none, allow_mmap=value(True)) + elements + op.STOP,
        "a name by another memo": op.PROTO_4 + places + objects + op.PROTO_4 + other_name + op.STOP + op.STOP,
        "a module by another memo": op.PROTO_4 + value("os") + b"q\x00" + op.POP + objects
        + op.PROTO_4 + value("pathlib") + op.MEMOIZE + op.POP + b"h\x00" + value("PurePosixPath") + op.STACK_GLOBAL
        + items(_ARGUMENT) + op.REDUCE + op.STOP + op.STOP,
        "elements by another memo": op.PROTO_4 + name("os.system") + b"q\x00" + op.POP + objects
        + op.PROTO_4 + name("numpy.mean") + op.MEMOIZE + op.POP + b"h\x00" + op.STOP + op.STOP,
        "elements without a protocol": op.PROTO_4 + objects + elements[2:] + op.STOP,
    }  # fmt: skip


_SHORT_RUN = b"cos\nabort\n)R"


def _constant(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _resources() -> Iterator[FileAttack]:
    """Small files that ask for very much."""
    lists = op.EMPTY_LIST * 100_000 + op.APPEND * 99_999
    files = {
        "text of an exabyte": op.PROTO_4 + b"\x8d" + struct.pack("<Q", 1 << 60),
        "bytes of an exabyte": op.PROTO_4 + b"\x8e" + struct.pack("<Q", 1 << 60),
        "bytes of more than there can be": op.PROTO_4 + b"\x8e" + struct.pack("<Q", (1 << 64) - 1),
        "a bytearray of an exabyte": op.PROTO_5 + b"\x96" + struct.pack("<Q", 1 << 60),
        "text of less than nothing": op.PROTO_2 + b"T" + struct.pack("<i", -1),
        "a frame of an exabyte": op.PROTO_4 + b"\x95" + struct.pack("<Q", 1 << 60) + _RUN + op.STOP,
        "an integer of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
        "an integer of a million bytes": op.PROTO_2 + b"\x8b" + struct.pack("<i", 10**6) + b"\x7f" * 10**6 + op.STOP,
        "a place of the memo beyond all": op.PROTO_2 + value(1) + b"p99999999999999999999\n" + op.STOP,
        "a place of the memo below zero": b"I1\np-1\n.",
        "a place that the memo does not have": op.PROTO_2 + b"h\x07" + op.STOP,
        "marks without an end": op.PROTO_2 + op.MARK * 100_000,
        "lists in lists": op.PROTO_2 + lists + op.STOP,
        "tuples that double": op.PROTO_2 + value(1) + b"".join(
            b"q%c0h%ch%c\x86" % (index, index, index) for index in range(60)
        ) + b"q\x7f0" + op.EMPTY_DICT + b"h\x7f" + value(1) + op.SETITEM + op.STOP,
        "nothing": op.PROTO_4,
        "a protocol of the future": b"\x80\x09" + _RUN + op.STOP,
        "a second pickle behind the first": pickled(value(1)) + pickled(_RUN),
        "an opcode that is none": op.PROTO_4 + b"\xff.",
        "a pop of nothing": op.PROTO_4 + op.POP + op.STOP,
        "a key without a value": op.PROTO_4 + op.EMPTY_DICT + op.MARK + value(1) + op.SETITEMS + op.STOP,
        "values that are left over": op.PROTO_4 + value(1) + value(2) + op.STOP,
        "text that is no text": op.PROTO_4 + b"X\x02\x00\x00\x00\xff\xfe" + op.STOP,
        "two lines that are none": b"cos",
        "a line of a name without an end": op.PROTO_2 + b"c" + b"a" * (1 << 24) + b"\nb\n" + op.STOP,
    }  # fmt: skip
    ok = {"lists in lists", "tuples that double"}
    for key, data in files.items():
        yield FileAttack(
            f"resources: {key}",
            "take all time or memory",
            _constant(data),
            audit_ok=key in ok,
            harmless=key == "lists in lists",
        )
    dense: dict[str, Callable[[], bytes]] = {
        "two million lists": lambda: pickled(op.MARK + op.EMPTY_LIST * 2_000_000 + op.TUPLE),
        "lists, compressed": lambda: zlib.compress(pickled(op.MARK + op.EMPTY_LIST * 1_000_000 + op.TUPLE)),
        "values, compressed": lambda: zlib.compress(pickled((op.NONE + op.POP) * 1_000_000 + op.NONE)),
        "tuples in tuples, compressed": lambda: zlib.compress(pickled(op.NONE + op.TUPLE1 * 1_000_000)),
        "calls, compressed": lambda: zlib.compress(pickled(_often(name("builtins.set"), _get(0) + op.EMPTY_TUPLE + op.REDUCE, 500_000))),
        "names, compressed": lambda: zlib.compress(pickled(op.MARK + name("numpy.ndarray") * 500_000 + op.TUPLE)),
        "calls in arrays of objects, compressed": lambda: zlib.compress(
            op.PROTO_4 + op.MARK + (_wrapper(dtype=op.OBJECT) + op.PROTO_4 + op.EMPTY_LIST * 1000 + op.POP * 999 + op.STOP) * 400 + op.TUPLE + op.STOP
        ),
        "an array that bz2 shrinks to nothing": lambda: bz2.compress(_zeros(128 << 20)),
        "an array that xz shrinks to nothing": lambda: lzma.compress(_zeros(128 << 20), preset=0),
        "what follows the end, compressed": lambda: bz2.compress(pickled(value(1)) + bytes(128 << 20)),
    }  # fmt: skip
    for key, make in dense.items():
        yield FileAttack(f"resources: {key}", "take all time or memory by a file of few bytes", make)
    affordable: dict[str, Callable[[], bytes]] = {
        "lists": lambda: pickled(op.MARK + op.EMPTY_LIST * 58_000 + op.TUPLE),
        "tuples in tuples": lambda: pickled(op.NONE + op.TUPLE1 * 58_000),
        "bytes": lambda: pickled(op.EMPTY_LIST + op.MARK + b"C\x01a" * 290_000 + op.APPENDS),
        "texts": lambda: pickled(op.EMPTY_LIST + op.MARK + value("ab") * 290_000 + op.APPENDS),
        "sets": lambda: pickled(_often(name("builtins.set"), _get(0) + op.EMPTY_TUPLE + op.REDUCE, 14_000)),
        "zeros": lambda: _zeros(60 << 20),
    }  # fmt: skip
    for key, make in affordable.items():
        yield FileAttack(
            f"resources: as many {key} as are read, compressed", "take all time or memory by a file of few bytes",
            functools.partial(_compressed, make), audit_ok=True, harmless=True,
        )  # fmt: skip
    yield FileAttack(
        "resources: opcodes without an end", "take all time", _constant(op.PROTO_2 + (op.NONE + op.POP) * 100_000 + value(1) + op.STOP),
        policy='extends = ["default"]\n[limits]\nnodes = 100000\n',
    )  # fmt: skip


def _compressed(make: Callable[[], bytes]) -> bytes:
    return bz2.compress(make())


def _zeros(nbytes: int) -> bytes:
    """An array of zeros, in a file of joblib."""
    dtype = op.dtype("u1", value((3, "|", None, None, None, -1, -1, 0)))
    wrapper = _wrapper(dtype=dtype, shape=value((nbytes,)))
    return op.PROTO_4 + wrapper + _PADDING + bytes(nbytes) + op.STOP


def _put(place: int) -> bytes:
    return b"r" + struct.pack("<I", place)


def _get(place: int) -> bytes:
    return b"j" + struct.pack("<I", place)


def _doubling(first: bytes, doubled: Callable[[bytes], bytes], depth: int = 40) -> bytes:
    """Values each of which holds the one before it twice; the last of them is left at the place `depth`."""
    steps = (doubled(_get(place)) + _put(place + 1) + op.POP for place in range(depth))
    return first + _put(0) + op.POP + b"".join(steps)


def _record_of_two(inner: bytes) -> bytes:
    fields = mapping(a=items(inner, value(0)), b=items(inner, value(0)))
    state = items(value(3), value("|"), op.NONE, value(("a", "b")), fields, value(8), value(1), value(16))
    return op.dtype("V8", state)


def _often(shared: bytes, use: bytes, times: int) -> bytes:
    """A list of what uses, each time, the one value that lies at the place 0."""
    return shared + _put(0) + op.POP + op.EMPTY_LIST + op.MARK + use * times + op.APPENDS


_LONG, _MANY = 1 << 22, 100_000


def _multiplication() -> Iterator[FileAttack]:
    """What is described once, and made, copied or written again wherever the file refers to it."""
    bytes_, text = value(bytes(_LONG)), value("x" * _LONG)
    pairs = op.EMPTY_DICT + op.MARK + value(1) * 2 * _MANY + op.SETITEMS
    numbers = op.EMPTY_LIST + op.MARK + value(1) * _MANY + op.APPENDS
    several = op.MARK + value(1) * _MANY + op.TUPLE
    attributes = (
        op.EMPTY_DICT + op.MARK + b"".join(value(f"a{i}") + op.NONE for i in range(_MANY)) + op.SETITEMS
    )
    estimator = "sklearn.linear_model._base.LinearRegression"
    mean = name("numpy.mean")
    bodies = {
        "a scalar of tuples that double": _doubling(value(b""), lambda one: one + one + op.TUPLE2)
        + call("numpy._core.multiarray.scalar", op.FLOAT64, _get(40)),
        "a scalar of dicts that double": _doubling(value(b""), lambda one: mapping(a=one, b=one))
        + call("numpy._core.multiarray.scalar", op.FLOAT64, _get(40)),
        "a dtype of dtypes that double": _doubling(op.FLOAT64, _record_of_two, 30) + op.array((1,), _get(30), value(bytes(8))),
        "bytes in many arrays": _often(bytes_, op.array((_LONG // 8,), op.FLOAT64, _get(0)), 2000),
        "a list in many arrays": _often(numbers, op.array((_MANY,), op.OBJECT, _get(0)), 2000),
        "text in many bytes": _often(text, call("_codecs.encode", _get(0), value("latin1")), 2000),
        "text in many bytearrays": _often(text, call("builtins.bytearray", _get(0), value("latin-1")), 2000),
        "text in a path": text + _put(0) + op.POP + call("pathlib.PosixPath", *[_get(0)] * 2000),
        "a list in many sets": _often(numbers, call("builtins.set", _get(0)), 2000),
        "a dict in many counters": _often(pairs, call("collections.Counter", _get(0)), 2000),
        "arguments of many partials": _often(
            several,
            call("functools.partial", mean) + items(mean, _get(0), op.EMPTY_DICT, op.NONE) + op.BUILD,
            2000,
        ),
        "arguments of many objects": _often(several, name("copyreg.__newobj__") + _get(0) + op.REDUCE, 2000),
        "contents of many objects": _often(
            numbers, call("copyreg._reconstructor", name(estimator), name("builtins.list"), _get(0)), 2000
        ),
        "the state of many objects": _often(attributes, new(estimator, _get(0)), 2000),
        "text in many places": _often(text, _get(0), 20_000),
        "bytes in many places": _often(bytes_, _get(0), 20_000),
        "a key of many dicts": _often(text, op.EMPTY_DICT + _get(0) + op.NONE + op.SETITEM, 2000),
        "a tuple in many places": _often(several, _get(0), 20_000),
        "a long integer in many places": _often(
            b"\x8b" + struct.pack("<i", 40_000) + b"\x7f" * 40_000, _get(0), 200_000
        ),
        "a name of a million characters": value("a" * 10**6) + value("b") + op.STACK_GLOBAL + (op.NONE + op.BUILD) * 100_000,
        "a name of a million characters that is called": value("a" * 10**6) + value("b") + op.STACK_GLOBAL + _put(0) + op.POP
        + (_get(0) + op.EMPTY_TUPLE + op.REDUCE + op.POP) * 20_000 + op.NONE,
        "a method of a million characters": _often(
            value("a" * 10**6), call("builtins.getattr", name("numpy.ndarray"), _get(0)), 2000
        ),
        "a method to call of a million characters": _often(
            value("a" * 10**6), call("operator.methodcaller", _get(0)), 2000
        ),
    }  # fmt: skip
    # Only what is written anew, and so not until it is converted.
    ok = {
        "a scalar of tuples that double",
        "a scalar of dicts that double",
        "a dtype of dtypes that double",
        "text in many places",
        "bytes in many places",
        "a key of many dicts",
        "a tuple in many places",
        "a long integer in many places",
    }
    for key, body in bodies.items():
        yield FileAttack(
            f"multiplication: {key}",
            "take time or memory as often as it refers to one thing",
            _fixed(body),
            audit_ok=key in ok,
        )
    # The dtype of joblib's arrays is needed to find the end of the array: audits read it as well.
    dtypes = _doubling(op.FLOAT64, _record_of_two, 30) + _wrapper(dtype=_get(30))
    yield FileAttack(
        "multiplication: a dtype of dtypes that double, in joblib's array",
        "take time that doubles with each level",
        _constant(op.PROTO_4 + dtypes + _PADDING + bytes(8) + op.STOP),
    )


def _forged_models() -> Iterator[FileAttack]:
    """Models whose names are allowed and whose states would crash compiled code."""

    def tree() -> bytes:
        from sklearn.tree import DecisionTreeClassifier

        model = DecisionTreeClassifier().fit(np.arange(8.0).reshape(4, 2), [0, 1, 0, 1])
        nodes = model.tree_.__getstate__()["nodes"].tobytes()
        return _replaced(pickle.dumps(model, 4), nodes, (10**6).to_bytes(8, "little") + nodes[8:])

    def neighbours() -> bytes:
        from sklearn.neighbors import KNeighborsClassifier

        X = np.arange(40.0).reshape(20, 2)
        model = KNeighborsClassifier(algorithm="kd_tree", leaf_size=2).fit(X, [0, 1] * 10)
        order = np.asarray(model._tree.__getstate__()[1]).tobytes()
        return _replaced(pickle.dumps(model, 4), order, (10**9).to_bytes(8, "little") + order[8:])

    def sparse() -> bytes:
        import scipy.sparse

        matrix = scipy.sparse.csr_matrix(np.eye(5))
        indices = matrix.indices.tobytes()
        return _replaced(pickle.dumps(matrix, 4), indices, (10**8).to_bytes(4, "little") + indices[4:])

    for key, make in {"a tree": tree, "a tree of neighbours": neighbours, "a sparse matrix": sparse}.items():
        yield FileAttack(f"forged: {key}", "crash the process when the model is used", make, audit_ok=True)


def _replaced(data: bytes, old: bytes, forged: bytes) -> bytes:
    assert data.count(old) >= 1
    assert len(old) == len(forged)
    place = data.index(old)
    return data[:place] + forged + data[place + len(old) :]


# -- skops ------------------------------------------------------------------------------------------------------


def _node(cls: str, loader: str, **members: Any) -> dict[str, Any]:
    module, _, last = cls.rpartition(".")
    return {"__class__": last, "__module__": module, "__loader__": loader, **members}


def _json_node(content: Any) -> dict[str, Any]:
    return _node("builtins.str", "JsonNode", content=json.dumps(content), is_json=True)


def _dict_node(**members: Any) -> dict[str, Any]:
    kinds = [_node("builtins.str", "TypeNode") for _ in members]
    keys = _node("builtins.list", "ListNode", content=kinds)
    return _node("builtins.dict", "DictNode", content=members, key_types=keys)


def _with_version(archive: bytes, version: int) -> bytes:
    """An archive whose directory says that a reader needs that version."""
    place = archive.index(b"PK\x01\x02") + 6
    return archive[:place] + bytes([version]) + archive[place + 1 :]


def _archive(schema: Any, method: int = zipfile.ZIP_DEFLATED, **files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        text = (
            schema
            if isinstance(schema, bytes)
            else json.dumps({**schema, "protocol": 2, "_skops_version": "0.16.0"}).encode()
        )
        archive.writestr("schema.json", text)
        for name_, data in files.items():
            archive.writestr(name_, data)
    return buffer.getvalue()


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def _skops_files() -> Iterator[FileAttack]:
    arguments = _node("builtins.tuple", "TupleNode", content=[_json_node(f"touch {MARKER}")])
    estimator = "sklearn.linear_model._base.LinearRegression"
    tree = _node("sklearn.tree._tree.Tree", "TreeNode")
    transformer = "sklearn.preprocessing._function_transformer.FunctionTransformer"
    huge = b"\x93NUMPY\x01\x00" + (lambda header: struct.pack("<H", len(header)) + header)(
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }".ljust(117) + b"\n"
    )
    files: dict[str, bytes] = {
        "an object of another class": _archive(_node("subprocess.Popen", "ObjectNode", content=_dict_node(a=_json_node(1)))),
        "a constructor": _archive(_node("os.system", "ConstructorFromReduceNode", content=arguments)),
        "a constructor of an allowed class": _archive(_node(estimator, "ConstructorFromReduceNode", content=arguments)),
        "a function": _archive(_node(transformer, "ObjectNode", content=_dict_node(func=_node("os.system", "FunctionNode")))),
        "a type": _archive(_node(transformer, "ObjectNode", content=_dict_node(func=_node("builtins.eval", "TypeNode")))),
        "a method": _archive(_node(estimator, "MethodNode", content={"func": "__init__", "obj": _node(estimator, "ObjectNode")})),
        "an operator": _archive(_node("operator.methodcaller", "OperatorFuncNode", attrs=arguments)),
        "a function of another module as an operator": _archive(_node("os.system", "OperatorFuncNode", attrs=arguments)),
        "a partial": _archive(_node("functools.partial", "PartialNode", content={
            "func": _node("os.system", "FunctionNode"), "args": arguments, "kwds": _dict_node(), "namespace": _json_node(None)})),
        "a loss that is none": _archive(_node("os.system", "LossNode", content=_dict_node(), __reduce__={"args": arguments})),
        "a loader that is none": _archive(_node("os.system", "EvilNode")),
        "a tree without its state": _archive({**tree, "__reduce__": {"args": arguments}, "content": _dict_node()}),
        "a dict of another class": _archive({**_dict_node(a=_json_node(1)), "__module__": "subprocess", "__class__": "Popen"}),
        "a list of another class": _archive(_node("subprocess.Popen", "ListNode", content=[])),
        "a tuple of another class": _archive(_node("subprocess.Popen", "TupleNode", content=[_json_node(1)])),
        "a generator of another class": _archive(_node("numpy.random._generator.Generator", "RandomGeneratorNode", content={
            "bit_generator": _dict_node(bit_generator=_json_node("seed")), "seed_seq": _dict_node()})),
        "an array of another class": _archive(_node("subprocess.Popen", "NdArrayNode", type="numpy", file="a.npy"), **{"a.npy": _npy(np.zeros(1))}),
        "an array that is a pickle": _archive(_node("numpy.ndarray", "NdArrayNode", type="numpy", file="a.npy"), **{"a.npy": _npy(np.array([_Reduced()], object))}),
        "an array of all memory": _archive(_node("numpy.ndarray", "NdArrayNode", type="numpy", file="a.npy"), **{"a.npy": huge}),
        "an array whose header does not end": _archive(_node("numpy.ndarray", "NdArrayNode", type="numpy", file="a.npy"), **{"a.npy": _npy(np.zeros(1)).replace(b"}", b" ")}),
        "an array outside of the archive": _archive(_node("numpy.ndarray", "NdArrayNode", type="numpy", file="../../etc/passwd")),
        "a file that is missing": _archive(_node("builtins.bytes", "BytesNode", file="nothing")),
        "JSON that nests without an end": _archive(b"[" * 100_000),
        "lists that nest without an end": _archive(_deep_lists(100_000)),
        "no schema": _archive({})[:-30],
        "a schema that is no object": _archive(b"[]"),
        "a schema without anything": _archive({}),
        "a key of another type": _archive({**_dict_node(a=_json_node(1)), "key_types": _node("builtins.list", "ListNode", content=[_node("os.system", "TypeNode")])}),
    }  # fmt: skip
    encrypted = bytearray(_archive(_json_node(1)))
    for header, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(header) + place] |= 1
    files |= {
        "a version of zip that there is not": _with_version(_archive(_json_node(1)), 255),
        "a file that is encrypted": bytes(encrypted),
        "a file that bz2 compresses": _archive(_json_node(1), method=zipfile.ZIP_BZIP2),
        "a file that lzma compresses": _archive(_json_node(1), method=zipfile.ZIP_LZMA),
    }
    ok = {"a tree without its state"}
    for key, data in files.items():
        yield FileAttack(
            f"skops: {key}", "have skops make something else", _constant(data), audit_ok=key in ok
        )
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        ones = {
            "format": np.array(b"dia"),
            "shape": np.array([1, 1]),
            "offsets": np.zeros(1 << 20, "i4"),
            "data": np.zeros(1 << 22),
        }
        for part, array in ones.items():
            archive.writestr(f"{part}.npy", _npy(array))
    matrix = _node("scipy.sparse._dia.dia_matrix", "SparseMatrixNode", type="scipy", file="m.npz")
    function = {**_node("a.b", "FunctionNode"), "__module__": "a" * 10**6, "__id__": 1}
    for key, files_, schema in (
        ("one bomb in many matrices", {"m.npz": inner.getvalue()}, [matrix] * 300),
        ("bytes in many bytearrays", {"b": bytes(_LONG)}, [_node("builtins.bytearray", "BytearrayNode", file="b")] * 2000),
        ("a name of a million characters", {}, [function, *[_node("a.b", "FunctionNode", __id__=1)] * 20_000]),
    ):  # fmt: skip
        yield FileAttack(
            f"skops: {key}", "take memory as often as it refers to one thing",
            _constant(_archive(_node("builtins.list", "ListNode", content=schema), **files_)),
            audit_ok=key == "one bomb in many matrices",
        )  # fmt: skip
    for key, text in {
        "a schema of lists": b'{"x":[' + b"[]," * 1_300_000 + b"[]]}",
        "a schema that shrinks to nothing": b'{"x":"' + b" " * (16 << 20) + b'"}',
    }.items():
        yield FileAttack(
            f"skops: {key}", "take all time or memory by a file of few bytes", _constant(_archive(text))
        )
    yield FileAttack(
        "skops: a bomb", "fill the memory",
        lambda: _archive(_node("builtins.bytes", "BytesNode", file="b"), b=bytes(65 << 20)),
        policy='extends = ["default"]\n[limits]\nexpanded_bytes = "64 MiB"\n',
    )  # fmt: skip


def _deep_lists(depth: int) -> bytes:
    # As text: Python writes no JSON that is as deep.
    opening = b'{"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": ['
    return opening * depth + b"]}" * depth


FILE_ATTACKS: tuple[FileAttack, ...] = (
    *_gadgets(),
    *_techniques(),
    *_names(),
    *_gadgets_of_allowed_libraries(),
    *_states(),
    *_arrays(),
    *_joblib_files(),
    *_resources(),
    *_multiplication(),
    *_forged_models(),
    *_skops_files(),
)
