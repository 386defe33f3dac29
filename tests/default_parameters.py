"""
Writes the table of default parameters that `reflectio show` compares with, because it must not import scikit-learn.

``PYTHONPATH=tests python -m default_parameters`` puts the defaults of the installed scikit-learn into
``reflectio/inspection/defaults.json`` and keeps what the table knows of other versions.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import tomllib
import warnings
from pathlib import Path
from typing import Any

import orjson
import sklearn

from reflectio.encoder import Encoder
from reflectio.errors import UnsupportedTypeError
from reflectio.inspection.defaults import FILE, REQUIRED, Defaults, Nodes, release
from reflectio.json_text import pretty
from reflectio.names import resolve

ALLOWLIST = Path(__file__).parent.parent / "allowlist" / "sklearn.toml"


def installed_defaults() -> dict[str, Nodes]:
    """The parameters of every class of scikit-learn that the allowlist names, as nodes."""
    lists = tomllib.loads(ALLOWLIST.read_text("utf-8"))["allow"]
    found = {}
    for name in sorted({*lists["classes"], *lists.get("constructors", [])}):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cls = resolve(name)
        except Exception:  # the list names classes of other versions, too
            continue
        if isinstance(cls, type) and (nodes := _defaults_of(cls)):
            found[name] = nodes
    return found


def _defaults_of(cls: type) -> Nodes:
    if "__init__" not in {name for base in cls.__mro__[:-1] for name in vars(base)}:
        return {}
    try:
        parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    except (TypeError, ValueError):
        return {}
    nodes = {}
    for name, parameter in parameters.items():
        if name == "self" or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        nodes[name] = REQUIRED
        if parameter.default is not parameter.empty:
            with contextlib.suppress(UnsupportedTypeError, orjson.JSONEncodeError):
                model, objects = Encoder(inline=True).encode(parameter.default)
                orjson.dumps(model)
                nodes[name] = REQUIRED if objects else model
    return nodes


def merged(table: Defaults, version: str, installed: dict[str, Nodes]) -> dict[str, Any]:
    """The members of the table once the defaults of a version are those given."""
    complete = {known: table.complete(known) for known in table.versions}
    complete[version] = installed
    versions = sorted(complete, key=release)
    newest: dict[str, Nodes] = {}
    earlier: dict[str, dict[str, Nodes]] = {}
    for known in reversed(versions):
        changed: dict[str, Nodes] = {}
        for name, nodes in complete[known].items():
            # What later versions no longer have stays in the newest part: documents of earlier ones have it.
            later = newest.setdefault(name, {})
            for parameter, node in nodes.items():
                current = _as_of(name, parameter, known, newest, earlier)
                if parameter not in later:
                    later[parameter] = node
                elif orjson.dumps(current) != orjson.dumps(node):
                    changed.setdefault(name, {})[parameter] = node
        if changed:
            earlier[known] = changed
    return {
        "versions": versions,
        "classes": dict(sorted(newest.items())),
        "earlier": {known: earlier[known] for known in sorted(earlier, key=release)},
    }


def _as_of(
    name: str, parameter: str, version: str, newest: dict[str, Nodes], earlier: dict[str, dict[str, Nodes]]
) -> Any:
    node = newest.get(name, {}).get(parameter)
    for known in sorted(earlier, key=release, reverse=True):
        if release(known) >= release(version):
            node = earlier[known].get(name, {}).get(parameter, node)
    return node


def main() -> None:
    table = merged(Defaults.read(), sklearn.__version__, installed_defaults())
    FILE.write_bytes(pretty(table))
    print(f"{len(table['classes'])} classes of scikit-learn {', '.join(table['versions'])}", file=sys.stderr)


if __name__ == "__main__":
    main()
