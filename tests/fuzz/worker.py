"""The process that loads and uses forged models; it may die of them."""

from __future__ import annotations

import contextlib
import copy
import faulthandler
import os
import pickle
import resource
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import behaviour

import reflectio
from fuzz.mutations import mutate

MEMORY = 6 << 30
SECONDS = 20

# Loading may take this long, whatever the document of the zoo, whose members are small.
LOAD_SECONDS = 2.0


class _TookTooLongError(BaseException):
    """Not an Exception: nothing that is being tested may swallow it."""


def _alarm(*_: Any) -> None:
    raise _TookTooLongError


def run_case(document: bytes, data: tuple[Any, ...]) -> str:
    """
    Load and use one forged model.

    Returns
    -------
    str
        "refused", "used", or what is wrong.
    """
    start = time.perf_counter()
    try:
        model = reflectio.loads(document)
    except reflectio.ReflectioError:
        took = time.perf_counter() - start
        return "refused" if took < LOAD_SECONDS else f"BAD refused after {took:.1f} s"
    except Exception as error:
        return f"BAD foreign exception: {type(error).__name__}: {error}"
    took = time.perf_counter() - start
    if took > LOAD_SECONDS:
        return f"BAD loaded after {took:.1f} s"
    try:
        behaviour.outputs(model, data)
        copy.deepcopy(model)
        repr(model)
        reflectio.dumps(model)
        if hasattr(model, "partial_fit"):
            model.partial_fit(*copy.deepcopy(data))
    except MemoryError as error:
        return f"BAD memory: {error}"
    except _TookTooLongError:
        return "SLOW"
    except Exception:
        pass
    return "used"


def main(folder: Path) -> None:
    """Run the cases that standard input names, a line each: the file of a document, and a seed."""
    faulthandler.enable()
    # Outcomes go where nothing else does: a forged model may be verbose, from compiled code as well.
    outcomes = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _alarm)
    warnings.simplefilter("ignore")
    known: dict[str, tuple[bytes, Any]] = {}
    for line in sys.stdin:
        name, seed = line.split()
        if name not in known:
            known[name] = pickle.loads((folder / name).read_bytes())
            # What the valid document needs is imported before any time is taken.
            with contextlib.suppress(reflectio.ReflectioError):
                reflectio.loads(known[name][0])
        document, data = known[name]
        try:
            forged = mutate(document, int(seed))
            signal.alarm(SECONDS)
            outcome = run_case(forged, data)
        except _TookTooLongError:
            outcome = "BAD hang"
        except MemoryError as error:
            outcome = f"BAD memory outside of the model's methods: {error}"
        finally:
            signal.alarm(0)
        print(outcome.replace("\n", " ")[:300], file=outcomes, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
