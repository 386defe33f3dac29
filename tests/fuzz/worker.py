"""The process that loads and uses forged models; it may die of them."""

from __future__ import annotations

import contextlib
import copy
import faulthandler
import json
import os
import pickle
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import behaviour

import reflectio
from fuzz.mutations import mutate
from fuzz.target import refusers

MEMORY = 6 << 30
# What a forged model may take to use.
SECONDS = 20
TARGET_SECONDS = 5

# Loading may take this long, whatever the document: those that are forged are small.
LOAD_SECONDS = 2.0


class _TookTooLongError(BaseException):
    """Not an Exception: nothing that is being tested may swallow it."""


def _alarm(*_: Any) -> None:
    raise _TookTooLongError


def run_case(document: bytes, use: Callable[[Any], None]) -> tuple[str, list[str]]:
    """
    Load and use one forged model.

    Returns
    -------
    outcome : str
        "refused", "used", "SLOW" in use, or what is wrong.
    validators : list of str
        Those that refused it.
    """
    start = time.perf_counter()
    try:
        model = reflectio.loads(document)
    except reflectio.ReflectioError as error:
        took = time.perf_counter() - start
        outcome = "refused" if took < LOAD_SECONDS else f"BAD refused after {took:.1f} s"
        return outcome, sorted(refusers(error)) if isinstance(error, reflectio.ValidationError) else []
    except Exception as error:
        return f"BAD foreign exception: {type(error).__name__}: {error}", []
    took = time.perf_counter() - start
    if took > LOAD_SECONDS:
        return f"BAD loaded after {took:.1f} s", []
    try:
        use(model)
    except MemoryError as error:
        return f"BAD memory: {error}", []
    except _TookTooLongError:
        return "SLOW", []
    except Exception:
        pass
    return "used", []


def _use_estimator(model: Any, data: tuple[Any, ...]) -> None:
    behaviour.outputs(model, data)
    copy.deepcopy(model)
    repr(model)
    reflectio.dumps(model)
    if hasattr(model, "partial_fit"):
        model.partial_fit(*copy.deepcopy(data))


def _use_target(model: Any, use: Callable[[Any], None]) -> None:
    use(model)
    for operation in (copy.deepcopy, repr, reflectio.dumps):
        # Whatever Python itself raises is for the user to read.
        with contextlib.suppress(Exception):
            operation(model)


class _Zoo:
    """The documents of the zoo, as `fuzz.__main__` left them in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[bytes, Any]] = {}

    def case(self, name: str, seed: int) -> tuple[bytes, Callable[[Any], None]]:
        if name not in self._known:
            self._known[name] = pickle.loads((self._folder / name).read_bytes())
            # What the valid document needs is imported before any time is taken.
            with contextlib.suppress(reflectio.ReflectioError):
                reflectio.loads(self._known[name][0])
        document, data = self._known[name]
        return mutate(document, seed), lambda model: _use_estimator(model, data)


def _target_case(name: str, number: int, seed: int) -> tuple[bytes, Callable[[Any], None]]:
    from fuzz.targets import TARGETS

    target = TARGETS[name]
    _, subject, document = target.case(number, seed)
    reflectio.loads(target.document(subject))
    return document, lambda model: _use_target(model, target.use)


def main(folder: Path) -> None:
    """
    Run the cases that standard input names, a line each.

    ``zoo FILE SEED`` forges a document of the folder; ``TARGET NUMBER SEED`` one of a target. Each is answered by a
    line of JSON: what came of it, and which validators refused it.
    """
    faulthandler.enable()
    # Outcomes go where nothing else does: a forged model may be verbose, from compiled code as well.
    outcomes = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if "asan" not in os.environ.get("LD_PRELOAD", ""):
        # That reserves far more addresses than it uses.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _alarm)
    warnings.simplefilter("ignore")
    zoo = _Zoo(folder)
    for line in sys.stdin:
        target, what, seed = line.split()
        validators: list[str] = []
        try:
            document, use = (
                zoo.case(what, int(seed)) if target == "zoo" else _target_case(target, int(what), int(seed))
            )
            signal.alarm(SECONDS if target == "zoo" else TARGET_SECONDS)
            outcome, validators = run_case(document, use)
        except _TookTooLongError:
            outcome = "BAD hang"
        except MemoryError as error:
            outcome = f"BAD memory outside of the model's methods: {error}"
        finally:
            signal.alarm(0)
        print(json.dumps([outcome[:300], validators]), file=outcomes, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
