"""
The walks over objects and nodes, compiled, for what nearly all models are made of.

What a value is written as, and what a node means and how it is refused, is said in Python, in the visitors and their
codecs. What is compiled here does the same for the plain forms that are met most, and hands everything else on before it
has changed anything. Where it was not built, or the environment variable ``REFLECTIO_PURE`` is set, Python does it all.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any


def part(name: str) -> Any:
    """
    Give a module of this package.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    module or None
        None where it is not to be used, or was not built.
    """
    if os.environ.get("REFLECTIO_PURE"):
        return None
    try:
        return import_module(f"{__name__}.{name}")
    except ImportError:
        return None
