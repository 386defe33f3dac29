"""
Gives the catalogue's attacks to pickle, joblib, skops, PyMilo and reflectio, and prints what each let through.

Usage::

    PYTHONPATH=tests python -m attacks.replay

Every attack is loaded in a process of its own, forked from one that has imported the libraries, with a payload that does no more than create a file in a temporary
folder. Those that cannot create it even when they are called directly are left out, so that a library gets no credit
for a function that is missing here. Three outcomes count as let through:

ran
    the file exists once the document was loaded;
held
    the loaded model holds the function, to be called with whatever it is given;
crashed
    the process died when the loaded model predicted.
"""

from __future__ import annotations

import functools
import io
import json
import multiprocessing
import os
import pickle
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from attacks import gadgets
from attacks.attack import TRIPWIRE, callable_node, text_of, transformer
from attacks.gadgets import Gadget

LIBRARIES = ("pickle", "joblib", "skops", "pymilo", "reflectio")

_KINDS = {
    "run a command": gadgets.COMMANDS,
    "run Python code": gadgets.CODE,
    "reach a function by another": gadgets.INDIRECT,
    "write a file": gadgets.FILES,
    "reach the network": gadgets.NETWORK,
}
_FORGED = "forged decision tree"
_OUTCOME = "outcome"
_SECONDS = 20

# What takes most of the time, if every process does it anew.
_IMPORTED = ["joblib", "pymilo", "reflectio.decoder", "sklearn.cluster", "sklearn.tree", "skops.io"]
_CONTEXT = multiprocessing.get_context("forkserver")


# -- documents --------------------------------------------------------------------------------------------------


def _filled(value: Any, folder: Path) -> Any:
    """Arguments with the marker's path in them."""
    if isinstance(value, str):
        # Not by `format`: the payloads hold braces of their own where they are code.
        marker = str(folder / "marker")
        value = value.replace("{marker!r}", repr(marker)).replace("{marker}", marker)
        return value.replace("{tripwire}", str(folder / f"{TRIPWIRE}.py"))
    if isinstance(value, tuple | list):
        return type(value)(_filled(item, folder) for item in value)
    return value


def _pickled(gadget: Gadget, args: tuple[Any, ...]) -> bytes:
    """A pickle that calls a function: what `__reduce__` makes, written without importing the function."""
    module, _, name = gadget.name.rpartition(".")

    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    # The arguments without the opcodes that begin and end a pickle of their own.
    called = pickle.dumps(args, 2)[2:-1]
    return b"\x80\x04" + text(module) + text(name) + b"\x93" + called + b"R."


def _skops_document(gadget: Gadget) -> bytes:
    import numpy as np
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    plain = skops.io.dumps(FunctionTransformer(np.log1p))
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        schema = json.loads(archive.read("schema.json"))
    module, _, name = gadget.name.rpartition(".")
    schema["content"]["content"]["func"] |= {"__module__": module, "__class__": name}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    return packed.getvalue()


def _pymilo_document(gadget: Gadget) -> bytes:
    from pymilo import Export
    from sklearn.cluster import BisectingKMeans

    document = json.loads(Export(BisectingKMeans(2).fit([[0.0], [1.0], [2.0], [3.0]])).to_json())
    module, _, name = gadget.name.rpartition(".")
    # The function that a fitted BisectingKMeans holds, and calls when it is fitted again.
    document["data"]["_kmeans_single"] = {"function_module": module, "function_name": name}
    return json.dumps(document).encode()


def _document(library: str, gadget: Gadget, folder: Path) -> bytes:
    if library in ("pickle", "joblib"):
        return _pickled(gadget, _filled(gadget.args, folder))
    if library == "skops":
        return _skops_document(gadget)
    if library == "pymilo":
        return _pymilo_document(gadget)
    return text_of(transformer(callable_node(gadget.name)))


def _forged_tree(library: str) -> bytes:
    """A classifier whose tree sends predictions to memory that is not its own."""
    import joblib
    import skops.io
    from pymilo import Export
    from sklearn.tree import DecisionTreeClassifier

    import reflectio

    model = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0]], [0, 1])
    # The state shares its memory with the tree.
    nodes = model.tree_.__getstate__()["nodes"]
    nodes["left_child"][0] = nodes["right_child"][0] = 1 << 40
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    documents: dict[str, Callable[[], bytes]] = {
        "pickle": lambda: pickle.dumps(model),
        "joblib": buffer.getvalue,
        "skops": lambda: skops.io.dumps(model),
        "pymilo": lambda: Export(model).to_json().encode(),
        "reflectio": lambda: reflectio.dumps(model),
    }
    return documents[library]()


# -- the child --------------------------------------------------------------------------------------------------


def _load(library: str, path: Path) -> Any:
    if library == "pickle":
        return pickle.loads(path.read_bytes())
    if library == "joblib":
        import joblib

        return joblib.load(path)
    if library == "skops":
        import skops.io

        return skops.io.load(path)
    if library == "pymilo":
        from pymilo import Import

        return Import(str(path)).to_model()
    import reflectio

    return reflectio.load(path)


def _found(name: str) -> Any:
    import pkgutil

    return pkgutil.resolve_name(name)


def _child(library: str, name: str, folder: Path) -> None:
    """Load one document; the exit status tells a crash, a file in the folder whether the model holds the function."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(folder))
    if library == "directly":
        gadget = next(gadget for gadget in gadgets.GADGETS if gadget.name == name)
        _found(name)(*_filled(gadget.args, folder))
        return
    loaded = _load(library, folder / "document")
    if name == _FORGED:
        loaded.predict([[0.0], [1.0]])
        (folder / _OUTCOME).write_text("predicted")
        return
    held = getattr(loaded, "func", getattr(loaded, "_kmeans_single", None))
    if callable(held) and held is _found(name):
        (folder / _OUTCOME).write_text("held")


# -- the parent -------------------------------------------------------------------------------------------------


def _attempt(library: str, name: str, make: Callable[[Path], bytes] | None) -> str:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / f"{TRIPWIRE}.py").write_text(f"open({str(folder / 'marker')!r}, 'w').close()\n")
        if make is not None:
            (folder / "document").write_bytes(make(folder))
        child = _CONTEXT.Process(target=_child, args=(library, name, folder), daemon=True)
        child.start()
        child.join(_SECONDS)
        hung = child.exitcode is None
        if hung:
            child.kill()
            child.join()
        if (folder / "marker").exists():
            return "ran"
        if hung:
            return "hung"
        if (folder / _OUTCOME).exists():
            return (folder / _OUTCOME).read_text()
        return "crashed" if child.exitcode is not None and child.exitcode < 0 else "refused"


def _version(library: str) -> str:
    if library == "pickle":
        return f"pickle, Python {sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return f"{library} {metadata.version(library)}"


def _cell(outcomes: Counter[str]) -> str:
    through = [
        f"{outcomes[word]} {word}"
        for word in ("ran", "held", "crashed", "predicted", "hung")
        if outcomes[word]
    ]
    return ", ".join(through) or "none"


def main() -> None:
    """Print the table."""
    rows: list[tuple[str, int, dict[str, Counter[str]]]] = []
    for kind, listed in _KINDS.items():
        works = [gadget for gadget in listed if _attempt("directly", gadget.name, None) == "ran"]
        if not works:
            continue
        by_library: dict[str, Counter[str]] = {}
        for library in LIBRARIES:
            by_library[library] = Counter(
                _attempt(library, gadget.name, functools.partial(_document, library, gadget))
                for gadget in works
            )
        rows.append((kind, len(works), by_library))
        print(f"{kind}: {len(works)}", file=sys.stderr, flush=True)
    forged = {
        library: Counter([_attempt(library, _FORGED, lambda folder, library=library: _forged_tree(library))])
        for library in LIBRARIES
    }
    rows.append(("kill the process by a forged tree", 1, forged))
    print(f"| an attack that would | tried | {' | '.join(map(_version, LIBRARIES))} |")
    print(f"|---|---:|{'---|' * len(LIBRARIES)}")
    for kind, count, by_library in rows:
        print(f"| {kind} | {count} | {' | '.join(_cell(by_library[library]) for library in LIBRARIES)} |")


if __name__ == "__main__":
    _CONTEXT.set_forkserver_preload(_IMPORTED)
    main()
