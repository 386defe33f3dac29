"""
Audits and converts every file of `attacks.pickles` in this process, and prints, as lines of JSON, what became of each.

Usage: ``python -m attacks.run_pickles`` with the folder ``tests`` on the path.
"""

from __future__ import annotations

import builtins
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from attacks.attack import TRIPWIRE
from attacks.pickles import FILE_ATTACKS, MARKER, FileAttack
from attacks.run import TRIPWIRE_CODE, warm_up
from attacks.watch import Watch, Watcher

_MEGABYTES = 500

# Reading the source and the temporary file of the target: what converting is there for. And numpy's parsing of the
# header of an array's file, as a literal.
_EXPECTED = ("open", "os.open", "os.link", "os.rename", "os.remove", "compile (b\"{'descr'")


def _watched(watcher: Watcher, action: Any) -> tuple[dict[str, Any], Any]:
    error, result = None, None
    with watcher.watch() as watch:
        try:
            result = action()
        except BaseException as caught:
            error = caught
            text = str(caught)
    return {
        "error": type(error).__name__ if error is not None else "",
        "reflectio": _is_own(error),
        "message": text[:500] if error is not None else "",
        "length": len(text) if error is not None else 0,
        "seconds": watch.seconds,
        "megabytes": watch.megabytes,
        "events": _events(watch),
        "modules": sorted(watch.modules),
    }, result


def _is_own(error: BaseException | None) -> bool:
    from reflectio import ReflectioError

    return isinstance(error, ReflectioError)


def _events(watch: Watch) -> list[str]:
    return [event for event in watch.events if not event.startswith(_EXPECTED)][:5]


def _attempt(part: str, attack: FileAttack, watcher: Watcher, folder: Path) -> dict[str, Any]:
    import reflectio

    marker, source, target = folder / MARKER, folder / "file", folder / "target.rfl"
    data = attack.make()
    source.write_bytes(data)
    policy = None
    if attack.policy:
        path = folder / "policy.toml"
        path.write_text(attack.policy)
        policy = reflectio.Policy.from_file(path)
    if part == "audit":
        outcome, audit = _watched(watcher, lambda: reflectio.audit(data, policy=policy))
        if audit is not None:
            outcome |= {
                "ok": audit.ok,
                "names": [use.name for use in audit.names],
                "advice": audit.advice,
                "problems": len(audit.problems),
            }
    else:
        outcome, _ = _watched(watcher, lambda: reflectio.convert(source, target, policy=policy))
        outcome["written"] = target.exists()
        target.unlink(missing_ok=True)
    return {
        "id": attack.id,
        "part": part,
        **outcome,
        "ran": marker.exists() or hasattr(builtins, "reflectio_tripped"),
        "left": sorted(path.name for path in folder.iterdir() if path.name.startswith(".reflectio")),
    }


def main() -> None:
    """Attempt every attack."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        os.chdir(folder)
        (folder / f"{TRIPWIRE}.py").write_text(TRIPWIRE_CODE)
        sys.path.insert(0, str(folder))
        warm_up()
        _warm_up_pickles(folder)
        watcher = Watcher(_MEGABYTES)
        for attack in FILE_ATTACKS:
            for part in ("audit", "convert"):
                print(json.dumps(_attempt(part, attack, watcher, folder)), flush=True)


def _warm_up_pickles(folder: Path) -> None:
    """Import what converting itself imports, so that no attack can be credited with it."""
    import io
    import pickle

    import joblib
    import skops.io
    from sklearn.ensemble import RandomForestClassifier

    import reflectio
    from reflectio.conversion import convert

    forest = RandomForestClassifier(2).fit([[0.0], [1.0]], [0, 1])
    buffer = io.BytesIO()
    joblib.dump(forest, buffer, compress=True)
    for data in (pickle.dumps(forest), buffer.getvalue(), skops.io.dumps(forest)):
        (folder / "good").write_bytes(data)
        convert(folder / "good", folder / "good.rfl", overwrite=True)
        reflectio.audit(data)


if __name__ == "__main__":
    main()
