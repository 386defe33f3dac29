"""
The pickle machine, with a symbolic stack: follows every opcode, and imports, calls and builds nothing.

`pickletools` parses the opcodes; what pickle would do for each is written down as records of
`reflectio.pickles.graph`. What a joblib file keeps between the opcodes, the bytes of its arrays, is read where it
stands.
"""

from __future__ import annotations

import _compat_pickle
import codecs
import pickletools
from collections.abc import Callable
from typing import Any, NoReturn

from reflectio.collector import without_collector
from reflectio.errors import DocumentError, LimitError
from reflectio.pickles import joblib_arrays
from reflectio.pickles.graph import UNSET, Call, Global, Graph, Manner, Mapping, Opaque, SetOf, check_name
from reflectio.pickles.plain_reading import PlainReading
from reflectio.pickles.reviewed import (
    CYTHON_NEW,
    LISTS,
    NAMESPACE,
    SCALAR,
    distribution_of,
    is_cython_unpickle,
    is_reviewed,
)
from reflectio.pickles.source import Source
from reflectio.policy import Limits

# `pickletools` asks for it while it reads a file, and Python imports a module for it when it is first asked.
codecs.lookup("raw-unicode-escape")

# Beyond what four bytes say pickle itself writes no place of its memo.
_LARGEST_MEMO = 1 << 32

# How many opcodes there may be, and among them such as make objects, in any file, and for each of its bytes: each object
# takes microseconds to look at and to convert. In compressed files of models were ten opcodes for a byte at most.
_FREE_OPCODES, _OPCODES_PER_BYTE = 300_000, 40
_FREE_OBJECTS, _OBJECTS_PER_BYTE, _BYTES_PER_OBJECT = 60_000, 8, 4

# For how many objects a name or a call counts, by the time that it takes; without compression, its bytes limit that.
_WEIGHT = 4

_LATEST = 5

# From this protocol on, names are Python 3's.
_PYTHON_3 = 3

# How far to look for the end of what follows a pickle.
_LOOKED_THROUGH = 1 << 24

_MARK = object()


class _DamagedError(Exception):
    """The opcodes cannot be followed any further."""


class _Machine:
    """One run over one pickle."""

    def __init__(
        self, source: Source, limits: Limits, graph: Graph, *, keep: bool, nested: bool = False
    ) -> None:
        self._source = source
        self._limits = limits
        self._graph = graph
        self._nested = nested
        self._keep = keep
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._protocol = 0
        self._count = 0
        self._objects = 0
        self._offset = 0
        self._root: Any = None
        # Where the last frame ends.
        self._frame_end = 0
        # How pickle itself reads the pickle of an array's elements, as long as it can have come so far.
        self._plain: PlainReading | None = None
        self._has_arrays = source.compressor is not None

    def run(self) -> Any:
        """Follow the opcodes to their end; give what is on top of the stack then."""
        source, first = self._source, self._count
        most, most_objects = self._most_opcodes()
        compressed = source.compressor is not None
        while True:
            self._offset = source.tell()
            code = source.read(1)
            if code not in _OPCODES:
                raise _DamagedError(f"{code!r} is no opcode" if code else "it ends before STOP")
            name, reader, step, makes = _OPCODES[code]
            arg = None if reader is None else reader(source)
            if self._nested and self._count == first and name != "PROTO":
                raise _DamagedError("the pickle of an array of objects does not begin with its protocol")
            self._count += 1
            if makes:
                self._objects += makes if compressed else 1
            if self._count > most or self._objects > most_objects:
                self._refuse_count()
            if self._plain is not None:
                self._follow_plain(name, arg)
            step(self, arg)
            if name == "STOP":
                return self._root

    def _most_opcodes(self) -> tuple[int, int]:
        """How many opcodes there may be, and how many of those that make something."""
        size = self._source.size
        if self._source.compressor is None:
            return self._limits.nodes, _FREE_OBJECTS + size // _BYTES_PER_OBJECT
        return (
            min(self._limits.nodes, _FREE_OPCODES + _OPCODES_PER_BYTE * size),
            _FREE_OBJECTS + _OBJECTS_PER_BYTE * size,
        )

    def _refuse_count(self) -> NoReturn:
        if self._count > self._limits.nodes:
            raise LimitError(
                f"the pickle has more than {self._limits.nodes} opcodes, the policy's limit nodes"
            )
        if self._source.compressor is not None:
            self._source.refuse_as_implausible(f"{self._count} opcodes")
        self._source.implausible = True
        raise LimitError(
            f"{self._objects} objects in {self._source.size} bytes: no model holds so many that are so small"
        )

    def _follow_plain(self, name: str, arg: Any) -> None:
        assert self._plain is not None
        if self._plain.differs:
            self._plain.follow(name, arg, self._offset)
        if self._plain.ended:
            self._plain = None

    # -- stack and memo -------------------------------------------------------------------------------------

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise _DamagedError("an opcode takes a value from an empty stack")
        return self._stack.pop()

    def _top(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise _DamagedError("an opcode looks at an empty stack")
        return self._stack[-1]

    def _pop_to_mark(self) -> list[Any]:
        items: list[Any] = []
        while self._stack:
            item = self._stack.pop()
            if item is _MARK:
                items.reverse()
                return items
            items.append(item)
        raise _DamagedError("an opcode needs a mark, and there is none")

    def _drop_to_mark(self, arg: None) -> None:
        self._pop_to_mark()

    def _put(self, place: int) -> None:
        if not 0 <= place < _LARGEST_MEMO:
            raise _DamagedError(f"the place {place} of the memo is out of range")
        self._memo[place] = self._top()
        if self._plain is not None:
            self._plain.put(place, self._memo[place])

    def _memoize(self, arg: None) -> None:
        self._memo[len(self._memo)] = self._top()
        if self._plain is not None:
            self._plain.memoize(self._top())

    def _get(self, place: int) -> None:
        if place not in self._memo:
            raise _DamagedError(f"the memo has nothing at {place}")
        self._push(self._memo[place])
        if self._plain is not None:
            self._plain.get(place, self._memo[place])

    def _integer(self, value: Any) -> None:
        if type(value) is int and value.bit_length() > 4 * self._limits.int_digits:
            raise LimitError(
                f"an integer of {value.bit_length()} bits; the policy's limit int_digits is {self._limits.int_digits}"
            )
        self._stack.append(value)

    def _spend(self, values: int) -> None:
        self._graph.size = self._source.tell()
        self._graph.spend(values=values)

    def _opaque(self, message: str) -> Opaque:
        self._graph.problem(message, self._offset)
        return Opaque(self._offset)

    # -- names ----------------------------------------------------------------------------------------------

    def _import(self, module: Any, name: Any) -> Any:
        if type(module) is not str or type(name) is not str:
            return self._opaque(
                "a name to import that is no text as it stands in the file, and so cannot be judged"
            )
        if self._protocol < _PYTHON_3:
            # What pickle does for files of Python 2.
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        try:
            check_name(module, name)
        except DocumentError as error:
            return self._opaque(error.message)
        found = Global(module, name, self._offset)
        self._graph.globals.append(found)
        return found

    def _import_lines(self, lines: tuple[bytes, bytes]) -> Any:
        try:
            module, name = (line.decode("utf-8") for line in lines)
        except UnicodeDecodeError:
            return self._opaque("a name to import that is not text")
        return self._import(module, name)

    def _stack_global(self, arg: None) -> None:
        name, module = self._pop(), self._pop()
        self._push(self._import(module, name))

    def _extension(self, code: int) -> None:
        self._push(
            self._opaque(
                f"the code {code} of the extension registry, which stands for whatever the reading process says"
            )
        )

    def _persistent(self, arg: Any) -> None:
        self._push(self._opaque("a persistent id, which the reading process may give any meaning"))

    def _persistent_value(self, arg: None) -> None:
        self._pop()
        self._persistent(arg)

    # -- calls ----------------------------------------------------------------------------------------------

    def _call(self, func: Any, args: Any, manner: Manner = "call", kwargs: Any = None) -> Call | Opaque:
        if type(func) is not Global:
            return self._opaque(
                "a call of what another call gave, or of no name at all: what it would run cannot be judged"
            )
        if type(args) is not tuple:
            return self._opaque(f"a call of {func.text} with arguments that are no tuple")
        self._spend(len(args))
        call = self._unwrapped(func, args) if manner == "call" else self._record(func, args, manner, kwargs)
        if type(call) is Call:
            if is_reviewed(call.func.text):
                self._graph.reviewed.append(call.func)
            self._graph.calls.append(call)
        return call

    def _record(
        self, func: Global, args: tuple[Any, ...], manner: Manner, kwargs: Any = None, state: Any = UNSET
    ) -> Call:
        return Call(func, manner, args, self._offset, kwargs, state)

    def _unwrapped(self, func: Global, args: tuple[Any, ...]) -> Call | Opaque:
        """Look through the functions that do no more than ``cls.__new__(cls)``: what counts is the class."""
        text = func.text
        reviewed = self._graph.reviewed
        if text == "copyreg._reconstructor" and len(args) == 3:
            cls, base, contents = args
            if type(cls) is not Global or type(base) is not Global or not _is_plain(base, contents):
                return self._opaque(
                    f"{text} with a base whose constructor would be called with contents of the file"
                )
            reviewed += [func, base]
            call = self._record(cls, (), "new")
            self._spend(len(contents.pairs if type(contents) is Mapping else contents or ()))
            # A class derived from list or dict gets these from its base.
            if type(contents) is list:
                call.items = list(contents)
            elif type(contents) is Mapping:
                call.pairs = list(contents.pairs)
            return call
        if text == "copyreg.__newobj__" and args:
            reviewed.append(func)
            return self._new(args[0], args[1:])
        if text == "copyreg.__newobj_ex__" and len(args) == 3:
            reviewed.append(func)
            return self._new(*args)
        if text in CYTHON_NEW and len(args) == 1:
            reviewed.append(func)
            return self._new(args[0], ())
        if is_cython_unpickle(text) and len(args) == 3 and type(args[0]) is Global:
            reviewed.append(func)
            return self._record(args[0], (), "new", state=UNSET if args[2] is None else args[2])
        # It is made by calling it with nothing, which does nothing.
        return self._record(func, args, "new" if text == NAMESPACE and not args else "call")

    def _new(self, cls: Any, args: Any, kwargs: Any = None) -> Call | Opaque:
        if type(cls) is not Global or type(args) is not tuple:
            return self._opaque("an object of a class that is no name in the file, and so cannot be judged")
        if type(kwargs) is Mapping and not kwargs.pairs:
            kwargs = None
        return self._record(cls, args, "new", kwargs)

    def _reduce(self, arg: None) -> None:
        args, func = self._pop(), self._pop()
        self._push(self._call(func, args))

    def _newobj(self, arg: None) -> None:
        args, cls = self._pop(), self._pop()
        self._push(self._call(cls, args, "new"))

    def _newobj_ex(self, arg: None) -> None:
        kwargs, args, cls = self._pop(), self._pop(), self._pop()
        if type(kwargs) is not Mapping:
            self._push(self._opaque("an object made with keyword arguments that are no dict"))
            return
        self._push(self._call(cls, args, "new", kwargs if kwargs.pairs else None))

    def _inst(self, lines: tuple[bytes, bytes]) -> None:
        cls = self._import_lines(lines)
        self._push(self._call(cls, tuple(self._pop_to_mark())))

    def _obj(self, arg: None) -> None:
        items = self._pop_to_mark()
        if not items:
            raise _DamagedError("OBJ needs a class")
        self._push(self._call(items[0], tuple(items[1:])))

    def _build(self, arg: None) -> None:
        state, target = self._pop(), self._top()
        if type(target) is Call:
            if target.state is not UNSET:
                self._graph.problem(
                    f"the state of one object of {target.func.text} is set twice", self._offset
                )
            if target.dtype is not None:
                self._graph.problem("a dtype is changed that an array was read by", self._offset)
            if any(_may_be(key, "__setstate__") for key, _ in target.pairs):
                self._graph.problem(
                    f"the state of an object of {target.func.text} that has an item of its own to set it by",
                    self._offset,
                )
            target.state = self._state_now(target, state)
            if not self._nested and joblib_arrays.is_wrapper(target):
                self._read_array(target)
        elif type(target) is Global:
            self._graph.problem(f"{target.text} itself would be changed, by setting its state", self._offset)
        else:
            self._graph.problem("the state of a value that has none would be set", self._offset)

    def _state_now(self, target: Call, state: Any) -> Any:
        """A state that is run as program text when it is set: what is put into it later comes too late."""
        if type(state) is not Mapping or distribution_of(target.func.text) is None:
            return state
        self._spend(len(state.pairs))
        return Mapping(list(state.pairs))

    # -- joblib's arrays ------------------------------------------------------------------------------------

    def _read_array(self, wrapper: Call) -> None:
        if self._source.tell() < self._frame_end:
            # joblib reads the opcodes up to the frame's end out of the frame, and the array behind it; pickle goes on here.
            raise _DamagedError("an array of joblib stands within a frame")
        self._graph.reviewed.append(wrapper.func)
        self._spend(1)
        has_arrays, self._has_arrays = self._has_arrays, True
        if joblib_arrays.holds_objects(wrapper, self._graph):
            # The elements are a pickle of their own. The wrapper of another pickle is no wrapper to joblib.
            nested = _Machine(self._source, self._limits, self._graph, keep=self._keep, nested=True)
            if not has_arrays:
                # Behind an array, or by way of compression, pickle itself does not come here.
                nested._plain = PlainReading(self._memo, self._graph)
            nested._count, nested._objects = self._count, self._objects
            wrapper.payload = nested.run()
            self._count, self._objects = nested._count, nested._objects
            return
        wrapper.payload = joblib_arrays.read(wrapper, self._source, self._graph, keep=self._keep)

    # -- containers -----------------------------------------------------------------------------------------

    def _extend(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) is list:
            target.extend(items)
        elif type(target) is Call:
            self._extend_object(target)
            target.items.extend(items)
        elif type(target) is not Opaque:
            self._graph.problem("items would be appended to a value that is no list", self._offset)

    def _extend_object(self, target: Call) -> None:
        """Note what pickle would call that is no method of a list: it calls whatever ``extend`` or ``append`` gives."""
        text = target.func.text
        if is_reviewed(text) and text not in LISTS:
            self._graph.problem(
                f"items would be appended to what {text} gives, which is no list", self._offset
            )
        elif target.state is not UNSET or target.pairs:
            # pickle itself appends to new objects only, whose attributes are those of their class.
            self._graph.problem(
                f"items would be appended to an object of {text} by an attribute that the file may have set",
                self._offset,
            )

    def _set_items(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise _DamagedError("a key without a value")
        pairs = list(zip(items[::2], items[1::2], strict=True))
        target = self._top()
        if type(target) in (Mapping, Call):
            target.pairs.extend(pairs)
        elif type(target) is not Opaque:
            self._graph.problem("items would be set in a value that is no dict", self._offset)

    def _add_items(self, arg: None) -> None:
        items = self._pop_to_mark()
        target = self._top()
        if type(target) is SetOf and not target.frozen:
            target.items.extend(items)
        elif type(target) is not Opaque:
            self._graph.problem("items would be added to a value that is no set", self._offset)

    def _append(self, arg: None) -> None:
        item = self._pop()
        self._extend([item])

    def _set_item(self, arg: None) -> None:
        value, key = self._pop(), self._pop()
        self._set_items([key, value])

    def _dict(self, arg: None) -> None:
        items = self._pop_to_mark()
        self._push(Mapping())
        self._set_items(items)

    def _take_tuple(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._push(tuple(reversed(items)))

    def _pop_any(self, arg: None) -> None:
        if not self._stack:
            raise _DamagedError("POP on an empty stack")
        self._stack.pop()

    # -- the rest -------------------------------------------------------------------------------------------

    def _frame(self, size: int) -> None:
        if self._offset < self._frame_end:
            raise _DamagedError("a frame begins within another")
        self._frame_end = self._source.tell() + size

    def _set_protocol(self, protocol: int) -> None:
        if protocol > _LATEST:
            raise _DamagedError(f"pickle protocol {protocol} is newer than any that Python has")
        self._protocol = protocol
        self._graph.versions.setdefault("pickle protocol", str(protocol))

    def _python_2_text(self, text: str) -> None:
        if not text.isascii():
            self._push(self._opaque("bytes of Python 2 that are not ASCII, whose meaning the reader chooses"))
            return
        self._push(text)

    def _buffer(self, arg: None) -> None:
        self._push(self._opaque("a buffer that is not in the file"))

    def _stop(self, arg: None) -> None:
        if self._source.tell() < self._frame_end:
            raise _DamagedError("it stops within a frame, or the frame goes on behind the end of the file")
        self._root = self._pop()
        if self._stack:
            self._graph.problem("values are left on the stack at the end", self._offset)


def _is_plain(base: Global, contents: Any) -> bool:
    """Whether a base makes an object of a derived class without running more than Python's own code."""
    kind = {"builtins.object": type(None), "builtins.dict": Mapping, "builtins.list": list}.get(base.text)
    return kind is not None and type(contents) is kind


def _may_be(key: Any, text: str) -> bool:
    """Whether a key is a text, or may be one of numpy's."""
    if type(key) is str:
        return key == text
    if type(key) is not Call or key.func.text not in SCALAR or not key.args or type(key.args[0]) is not Call:
        return False
    dtype = key.args[0].args[0] if key.args[0].args else None
    return type(dtype) is not str or dtype.startswith("U")


def _two_lines(source: Source) -> tuple[bytes, bytes]:
    """The argument of opcodes that name something; `pickletools` joins the two with a space, which either may hold."""
    return source.read_name(), source.read_name()


_Step = Callable[[_Machine, Any], None]
_Reader = Callable[[Any], Any]

# Opcodes whose argument is the value.
_INTEGERS = ("INT", "LONG", "LONG1", "LONG4")
_VALUES = (
    *("BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE"),
    *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)

_STEPS: dict[str, _Step] = {
    **dict.fromkeys(_INTEGERS, _Machine._integer),
    **dict.fromkeys(_VALUES, _Machine._push),
    "NONE": lambda machine, arg: machine._push(None),
    "NEWTRUE": lambda machine, arg: machine._push(True),
    "NEWFALSE": lambda machine, arg: machine._push(False),
    "STRING": _Machine._python_2_text,
    "BINSTRING": _Machine._python_2_text,
    "SHORT_BINSTRING": _Machine._python_2_text,
    "NEXT_BUFFER": _Machine._buffer,
    "READONLY_BUFFER": lambda machine, arg: machine._buffer(None),
    "MARK": lambda machine, arg: machine._push(_MARK),
    "POP": _Machine._pop_any,
    "POP_MARK": _Machine._drop_to_mark,
    "DUP": lambda machine, arg: machine._push(machine._top()),
    "GET": _Machine._get,
    "BINGET": _Machine._get,
    "LONG_BINGET": _Machine._get,
    "PUT": _Machine._put,
    "BINPUT": _Machine._put,
    "LONG_BINPUT": _Machine._put,
    "MEMOIZE": _Machine._memoize,
    "EMPTY_LIST": lambda machine, arg: machine._push([]),
    "LIST": lambda machine, arg: machine._push(machine._pop_to_mark()),
    "APPEND": _Machine._append,
    "APPENDS": lambda machine, arg: machine._extend(machine._pop_to_mark()),
    "EMPTY_TUPLE": lambda machine, arg: machine._push(()),
    "TUPLE": lambda machine, arg: machine._push(tuple(machine._pop_to_mark())),
    "TUPLE1": lambda machine, arg: machine._take_tuple(1),
    "TUPLE2": lambda machine, arg: machine._take_tuple(2),
    "TUPLE3": lambda machine, arg: machine._take_tuple(3),
    "EMPTY_DICT": lambda machine, arg: machine._push(Mapping()),
    "DICT": _Machine._dict,
    "SETITEM": _Machine._set_item,
    "SETITEMS": lambda machine, arg: machine._set_items(machine._pop_to_mark()),
    "EMPTY_SET": lambda machine, arg: machine._push(SetOf()),
    "ADDITEMS": _Machine._add_items,
    "FROZENSET": lambda machine, arg: machine._push(SetOf(machine._pop_to_mark(), frozen=True)),
    "GLOBAL": lambda machine, lines: machine._push(machine._import_lines(lines)),
    "STACK_GLOBAL": _Machine._stack_global,
    "EXT1": _Machine._extension,
    "EXT2": _Machine._extension,
    "EXT4": _Machine._extension,
    "PERSID": _Machine._persistent,
    "BINPERSID": _Machine._persistent_value,
    "REDUCE": _Machine._reduce,
    "NEWOBJ": _Machine._newobj,
    "NEWOBJ_EX": _Machine._newobj_ex,
    "INST": _Machine._inst,
    "OBJ": _Machine._obj,
    "BUILD": _Machine._build,
    "PROTO": _Machine._set_protocol,
    "FRAME": _Machine._frame,
    "STOP": _Machine._stop,
}


def _reader_of(opcode: pickletools.OpcodeInfo) -> _Reader | None:
    if opcode.name in ("GLOBAL", "INST"):
        return _two_lines
    return None if opcode.arg is None else opcode.arg.reader


# Opcodes that make an object which is looked at by itself.
_MAKING = {
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET", "LIST", "DICT", "FROZENSET"), 1),
    **dict.fromkeys(("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"), 1),
    **dict.fromkeys(("REDUCE", "NEWOBJ", "NEWOBJ_EX", "INST", "OBJ", "GLOBAL", "STACK_GLOBAL"), _WEIGHT),
}

# By the byte that stands for it: the name of the opcode, what reads its argument, what it does, and for how many objects
# it counts.
_OPCODES: dict[bytes, tuple[str, _Reader | None, _Step, int]] = {
    opcode.code.encode("latin-1"): (
        opcode.name,
        _reader_of(opcode),
        _STEPS[opcode.name],
        _MAKING.get(opcode.name, 0),
    )
    for opcode in pickletools.opcodes
    if opcode.name in _STEPS
}


@without_collector
def read_pickle(source: Source, limits: Limits, *, keep: bool) -> Graph:
    """
    Follow a pickle, or the pickle that a joblib file is, without running anything of it.

    Parameters
    ----------
    source : Source
        Its bytes.
    limits : Limits
        How many opcodes, and how long integers, the policy grants.
    keep : bool
        Whether the elements of joblib's arrays are wanted; else they are passed over.

    Returns
    -------
    Graph
        What it would do. Of a damaged file, what it would do before the damage stops it; ``problems`` tells.

    Raises
    ------
    LimitError
        It exceeds a limit.
    """
    graph = Graph()
    machine = _Machine(source, limits, graph, keep=keep)
    try:
        graph.root = machine.run()
        end = source.tell()
        if rest := source.skip(_LOOKED_THROUGH):
            more = "more than " * (rest == _LOOKED_THROUGH)
            graph.problem(f"{more}{rest} bytes follow the end of the pickle", end)
        graph.complete = True
    except LimitError:
        raise
    except MemoryError as error:
        raise LimitError("not enough memory for what the pickle holds") from error
    except Exception as error:
        # `pickletools` raises errors of several kinds over an argument.
        message = error.message if isinstance(error, DocumentError) else str(error)
        # Where the compression tells, what became of the pickle says no more.
        graph.problem(source.damage or f"the pickle is damaged or truncated: {message}", source.tell())
    graph.size = source.tell()
    return graph
