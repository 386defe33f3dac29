"""What a target of the fuzzer is: things to forge, which of their fields, and what to do with those that load."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from as_written import as_written

import reflectio
from fuzz.forging import forge

Operation = Callable[[Any], Any]


class Attack(NamedTuple):
    """
    Fields of some subjects, and the validators that stand before them.

    Attributes
    ----------
    validators : str
        Their names, each of the module in `reflectio.codecs` and of the function or class in it. A question mark
        behind one says that other checks come first, and that nothing is known to get as far as it.
    subjects : str
        The names of subjects, or what several names begin with, separated by commas.
    fields : str
        The names of members of nodes; "*" stands for all.
    """

    validators: str
    subjects: str
    fields: str


class Target(NamedTuple):
    """
    A family of types.

    Attributes
    ----------
    name : str
        Its name on the command line.
    subjects : dict of str to callable
        What makes the objects whose documents are forged.
    use : callable
        Does with an object what its user might; it must not end the process.
    attacks : tuple of Attack
        What is forged.
    """

    name: str
    subjects: dict[str, Callable[[], Any]]
    use: Operation
    attacks: tuple[Attack, ...]

    def subjects_of(self, attack: Attack) -> list[str]:
        """The names of the subjects of an attack."""
        wanted = tuple(part.strip() for part in attack.subjects.split(","))
        return [name for name in self.subjects if wanted == ("",) or name.startswith(wanted)]

    def case(self, number: int, seed: int) -> tuple[Attack, str, bytes]:
        """Give a forged document: the attacks come in turn, the seed decides all else."""
        attack = self.attacks[number % len(self.attacks)]
        rng = random.Random(f"{self.name} {number} {seed}")
        name = rng.choice(self.subjects_of(attack))
        document = json.loads(self.document(name))
        donor = json.loads(self.document(rng.choice(self.subjects_of(attack))))
        # numpy refuses some changes, with errors of many types.
        with contextlib.suppress(Exception):
            forge(document, frozenset(attack.fields.split()), rng, donor)
        text = json.dumps(document).encode("utf-8", "surrogatepass")
        # Half of them in the form that is read in one pass.
        return attack, name, as_written(text) if rng.random() < 0.5 else text

    def document(self, name: str) -> bytes:
        """The valid document of a subject."""
        key = (self.name, name)
        if key not in _documents:
            _documents[key] = reflectio.dumps(self.subjects[name](), format="json")
        return _documents[key]


_documents: dict[tuple[str, str], bytes] = {}


def do(obj: Any, operations: Iterable[Operation]) -> None:
    """Do one thing after the other; nonsense may be answered with any exception, but the process has to survive."""
    for operation in operations:
        with contextlib.suppress(Exception):
            operation(obj)


def refusers(error: BaseException) -> set[str]:
    """The validators that took part in refusing a document: those of `reflectio.codecs` that the error went through."""
    found = set()
    chain: BaseException | None = error
    # An error that is given its path on the way may be its own cause.
    seen: set[int] = set()
    while chain is not None and id(chain) not in seen:
        seen.add(id(chain))
        traceback = chain.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            home = frame.f_globals.get("__name__", "")
            if home.startswith("reflectio.codecs."):
                found.add(f"{home.rpartition('.')[2]}.{frame.f_code.co_qualname.partition('.')[0]}")
            traceback = traceback.tb_next
        chain = chain.__cause__
    return found
