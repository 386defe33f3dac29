"""The validators of the library: what stands between a document and compiled code, by module and name."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import reflectio.checks
import reflectio.codecs

_FOLDER = Path(reflectio.codecs.__file__).parent

# What raises a refusal for others.
_RAISERS = frozenset({"refuse", "_refuse"})
_REFUSALS = _RAISERS | {"ValidationError"}


def validators() -> set[str]:
    """
    Name every validator, each as ``module.name`` within `reflectio.codecs`.

    They are the checks that are registered for a class, and the functions and classes whose source raises a
    `ValidationError`, or asks another to raise it.
    """
    found = set()
    for path in sorted(_FOLDER.glob("*.py")):
        module: Any = importlib.import_module(f"reflectio.codecs.{path.stem}")
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name not in _RAISERS:
                registered = getattr(module, node.name) in _registered()
                if registered or not _REFUSALS.isdisjoint(_called(node)):
                    found.add(f"{path.stem}.{node.name}")
    return found


def _registered() -> set[Any]:
    return {check for checks in reflectio.checks._checks.values() for check in checks}


def _called(root: ast.AST) -> Iterator[str]:
    for node in ast.walk(root):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
