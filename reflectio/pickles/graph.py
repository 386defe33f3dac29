"""What a pickle describes, as plain records: names, calls and containers, none of which does anything."""

from __future__ import annotations

from typing import Any, Literal

from attrs import define, field

from reflectio.errors import DocumentError, LimitError

#: How a call makes its object: by calling what is named, or by the ``__new__`` of the class that is named.
Manner = Literal["call", "new"]

#: Stands for a state that was never set; None is a state.
UNSET: Any = type("Unset", (), {"__repr__": lambda self: "UNSET"})()

# How many values may be read again, and how many bytes copied, because a file refers to what it describes once: so
# many in any file, and so many for each of its bytes. Files say a text that they repeat in two bytes or more.
_FREE_VALUES, _VALUES_PER_BYTE = 1 << 18, 8
_FREE_BYTES, _BYTES_PER_BYTE = 1 << 26, 32

# No name that can be imported is longer, and a long one would be written again wherever it is used.
_LONGEST_NAME = 1000


def check_name(*parts: str) -> None:
    """Refuse a name that is longer than any that can be imported."""
    if sum(map(len, parts)) > _LONGEST_NAME:
        raise DocumentError(f"a name to import of more than {_LONGEST_NAME} characters")


@define(eq=False)
class Global:
    """
    A name that the file would import.

    Attributes
    ----------
    module, name : str
        What would be imported, and what would be taken from it; the name may have dots.
    offset : int
        Where in the file it is, in bytes; behind the decompression where the file is compressed.
    """

    module: str
    name: str
    offset: int

    @property
    def text(self) -> str:
        """The dotted name."""
        return f"{self.module}.{self.name}"


@define(eq=False)
class Call:
    """
    An object that a call would make.

    Attributes
    ----------
    func : Global
        What would be called.
    manner : {"call", "new"}
        How.
    args : tuple
        The positional arguments.
    offset : int
        Where in the file the call is.
    kwargs : Mapping or None
        The keyword arguments.
    state : Any
        What its state would be set to.
    items : list
        What would be appended to it.
    pairs : list of tuple
        What items of it would be set to.
    payload : Any
        What was read for it from behind it in the file: the array that a joblib file keeps there.
    dtype : Any
        The dtype that it turned out to describe, with what counts against the limits on dtypes.
    """

    func: Global
    manner: Manner
    args: tuple[Any, ...]
    offset: int
    kwargs: Mapping | None = None
    state: Any = UNSET
    items: list[Any] = field(factory=list)
    pairs: list[tuple[Any, Any]] = field(factory=list)
    payload: Any = UNSET
    dtype: Any = None


@define(eq=False)
class Mapping:
    """A dict. Its keys are not hashed: that may take an attacker's object as long as it likes."""

    pairs: list[tuple[Any, Any]] = field(factory=list)


@define(eq=False)
class SetOf:
    """A set, or a frozen one; its elements are not hashed."""

    items: list[Any] = field(factory=list)
    frozen: bool = False


@define(eq=False)
class Opaque:
    """What cannot be known without running something; a problem says why."""

    offset: int


@define(eq=False)
class Described:
    """
    A value of one of reflectio's own tags, with parts that are of this graph still.

    Attributes
    ----------
    tag : str
        The tag.
    members : dict
        Its members.
    """

    tag: str
    members: dict[str, Any]


@define(frozen=True)
class Problem:
    """
    Why a file is refused, whatever its names are.

    Attributes
    ----------
    message : str
        What is wrong.
    offset : int or None
        Where, in bytes; None where no single place is to blame.
    """

    message: str
    offset: int | None = None


@define
class Graph:
    """
    All that a file would do.

    Attributes
    ----------
    root : Any
        What it would give.
    calls : list of Call
        Everything that it would call, used in the end or not, in the order of the file.
    globals : list of Global
        Everything that it would import, likewise.
    reviewed : list of Global
        Those among them that are functions of known effect, which reflectio replaces by its own.
    problems : list of Problem
        Why it is refused.
    notices : list of Problem
        What is no reason to refuse it, yet worth a look.
    versions : dict of str to str
        The versions that it says it was written with.
    complete : bool
        Whether it was read to its end.
    paths : dict of int to str
        Where in the root each object is that a class would make, by the id of its call; found by the judge.
    size : int
        How many bytes of the file were read, decompressed.
    """

    root: Any = None
    calls: list[Call] = field(factory=list)
    globals: list[Global] = field(factory=list)
    reviewed: list[Global] = field(factory=list)
    problems: list[Problem] = field(factory=list)
    notices: list[Problem] = field(factory=list)
    versions: dict[str, str] = field(factory=dict)
    complete: bool = False
    paths: dict[int, str] = field(factory=dict)
    size: int = 0
    _values: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)

    # A hostile file has any number of problems; nobody reads so many.
    _most = 100

    def problem(self, message: str, offset: int | None = None) -> None:
        """Note why the file is refused."""
        if len(self.problems) < self._most:
            self.problems.append(Problem(message, offset))

    def notice(self, message: str, offset: int | None = None) -> None:
        """Note what is worth a look."""
        if len(self.notices) < self._most:
            self.notices.append(Problem(message, offset))

    def spend(self, values: int = 0, nbytes: int = 0) -> None:
        """
        Count what is read or copied, before it is, of what the file may refer to any number of times.

        Parameters
        ----------
        values : int
            How many values are looked at.
        nbytes : int
            How many bytes, or characters, are copied.

        Raises
        ------
        LimitError
            That comes to many times the size of the file.
        """
        self._values += values
        self._bytes += nbytes
        if (
            self._values > _FREE_VALUES + _VALUES_PER_BYTE * self.size
            or self._bytes > _FREE_BYTES + _BYTES_PER_BYTE * self.size
        ):
            raise LimitError(
                "the references of the file multiply: what it describes once and refers to often comes to many times "
                "its size"
            )

    def spend_on(self, call: Call) -> None:
        """Count the arguments and the state of a call, each of which may be those of any number of calls."""
        state = call.state if type(call.state) is tuple else (call.state,)
        self.spend(values=len(call.args) + len(state))
        for part in (*call.args, *state):
            kind = type(part)
            if kind is Mapping:
                self.spend(values=len(part.pairs))
            elif kind is list or kind is tuple:
                self.spend(values=len(part))
            elif kind is str or kind is bytes or kind is bytearray:
                self.spend(nbytes=len(part))
