"""
Loads attacks in this process and prints, as lines of JSON, what became of each.

Usage: ``python -m attacks.run names`` with the folder ``tests`` on the path.
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
    # What looks at files of other libraries, in order to say what they are.
    for module in pkgutil.walk_packages(reflectio.__path__, "reflectio."):
        if not module.name.startswith(("reflectio.cli", "reflectio.demo", "reflectio.__main__")):
            importlib.import_module(module.name)


def _attempt(attack: Attack, watcher: Watcher, folder: Path) -> dict[str, Any]:
    import reflectio

    document = attack.make()
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
    outcome["audit"] = _audit(document, policy, watcher)
    return outcome


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


def main(kind: str) -> None:
    """Attempt every attack of a kind."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / f"{TRIPWIRE}.py").write_text(TRIPWIRE_CODE)
        sys.path.insert(0, str(folder))
        warm_up()
        watcher = Watcher(_MEGABYTES)
        for attack in KINDS[kind]:
            print(json.dumps(_attempt(attack, watcher, folder)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
