"""
Loads attacks in this process and prints, as lines of JSON, what became of each.

Usage: ``python -m attacks.run names 'as it is'`` with the folder ``tests`` on the path.
"""

from __future__ import annotations

import importlib
import json
import pickle
import pkgutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from as_written import as_written

from attacks.attack import TRIPWIRE, Attack
from attacks.catalogue import KINDS
from attacks.watch import Watcher

_MEGABYTES = 500

TRIPWIRE_CODE = """\
import builtins
builtins.reflectio_tripped = True
class Model: ...
class Array: ...
class Colour: ...
def trip(*args): ...
"""


def warm_up() -> None:
    """Import whatever an allowed name may import, so that no attack can be credited with it."""
    import reflectio
    from reflectio.errors import DocumentError
    from reflectio.names import resolve
    from reflectio.policy import Policy

    for names in Policy.default().allowed.values():
        for name in names:
            try:
                resolve(name)
            except DocumentError:  # of another version of its library
                continue
    import numpy as np
    import sklearn.datasets
    import sklearn.ensemble

    forest = sklearn.ensemble.RandomForestClassifier(2).fit([[0.0], [1.0]], [0, 1])
    for value in (forest, np.random.default_rng(0), np.zeros(100), np.ma.masked_array([1.0])):
        document = reflectio.dumps(value)
        reflectio.loads(document)
        reflectio.audit(document)
    reflectio.audit(pickle.dumps(forest))
    # Documents are read in one pass if they state versions that some did before: attacks mostly state none.
    reflectio.loads('{"reflectio":1,"versions":{},"model":null}')
    # What looks at files of other libraries, in order to say what they are.
    for module in pkgutil.walk_packages(reflectio.__path__, "reflectio."):
        if not module.name.startswith(("reflectio.cli", "reflectio.demo", "reflectio.__main__")):
            importlib.import_module(module.name)


def _attempt(attack: Attack, watcher: Watcher, folder: Path, *, in_one_pass: bool) -> dict[str, Any]:
    import reflectio

    document = attack.make()
    if in_one_pass:
        document = as_written(document)
    policy = None
    if attack.policy:
        path = folder / "policy.toml"
        path.write_text(attack.policy)
        policy = reflectio.Policy.from_file(path)
    error: BaseException | None = None
    with watcher.watch() as watch:
        try:
            reflectio.loads(document, policy=policy)
        except BaseException as caught:
            error = caught
            text = str(caught)
    outcome: dict[str, Any] = {
        "id": attack.id,
        "error": type(error).__name__,
        "message": text[:2000] if error is not None else "",
        "length": len(text) if error is not None else 0,
        "says": error is not None and attack.says in text,
        "seconds": watch.seconds,
        "megabytes": watch.megabytes,
        "events": watch.events[:5],
        "modules": sorted(watch.modules),
    }
    if in_one_pass:
        outcome["otherwise"] = _otherwise(document, policy)
    else:
        outcome["audit"] = _audit(document, policy, watcher)
    return outcome


def _otherwise(document: bytes | str, policy: Any) -> list[str]:
    """What becomes of a document that is not read in one pass."""
    import reflectio
    from reflectio import api

    parsing, api._parsing = api._parsing, None
    try:
        reflectio.loads(document, policy=policy)
    except BaseException as caught:
        return [type(caught).__name__, str(caught)[:2000]]
    finally:
        api._parsing = parsing
    return ["NoneType", ""]


def _audit(document: bytes | str, policy: Any, watcher: Watcher) -> dict[str, Any]:
    import reflectio

    data = document.encode("utf-8", "surrogatepass") if isinstance(document, str) else document
    verdict, ok, kind = "", None, ""
    with watcher.watch() as watch:
        try:
            audit = reflectio.audit(data, policy=policy)
            ok, kind = audit.ok, audit.format
        except BaseException as caught:
            verdict = type(caught).__name__
    return {"error": verdict, "ok": ok, "format": kind, "events": watch.events[:5], "modules": sorted(watch.modules),
            "seconds": watch.seconds}  # fmt: skip


def main(kind: str, form: str) -> None:
    """Attempt every attack of a kind: ``as it is``, or ``as written`` by reflectio, which is read in one pass."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / f"{TRIPWIRE}.py").write_text(TRIPWIRE_CODE)
        sys.path.insert(0, str(folder))
        warm_up()
        watcher = Watcher(_MEGABYTES)
        for attack in KINDS[kind]:
            print(json.dumps(_attempt(attack, watcher, folder, in_one_pass=form == "as written")), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
