"""Save and load scikit-learn models as readable documents that are fast, exact, and safe to load from a stranger."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reflectio._version import __version__

if TYPE_CHECKING:
    from reflectio.api import dump, dumps, load, loads
    from reflectio.audit import Audit, audit
    from reflectio.codec import Codec, LateCodec
    from reflectio.conversion import Conversion, convert
    from reflectio.errors import (
        DecodeError,
        DocumentError,
        IntegrityError,
        LimitError,
        PolicyError,
        ReflectioError,
        UnsupportedTypeError,
        UntrustedNameError,
        ValidationError,
        VersionWarning,
    )
    from reflectio.inspection.comparison import Change, Diff, diff
    from reflectio.inspection.header import Header, read_header
    from reflectio.policy import Policy
    from reflectio.registry import register
    from reflectio.verification import Verification, verify

__all__ = [
    "Audit",
    "Change",
    "Codec",
    "Conversion",
    "DecodeError",
    "Diff",
    "DocumentError",
    "Header",
    "IntegrityError",
    "LateCodec",
    "LimitError",
    "Policy",
    "PolicyError",
    "ReflectioError",
    "UnsupportedTypeError",
    "UntrustedNameError",
    "ValidationError",
    "Verification",
    "VersionWarning",
    "__version__",
    "audit",
    "convert",
    "diff",
    "dump",
    "dumps",
    "load",
    "loads",
    "read_header",
    "register",
    "verify",
]

# Where the public names are defined. A module is imported when one of its names is first asked for, so that the
# command line, which needs this package for its version and little else, starts without numpy.
_HOMES = {
    name: home
    for home, names in {
        "api": ("dump", "dumps", "load", "loads"),
        "audit": ("Audit", "audit"),
        "codec": ("Codec", "LateCodec"),
        "conversion": ("Conversion", "convert"),
        "errors": (
            "DecodeError",
            "DocumentError",
            "IntegrityError",
            "LimitError",
            "PolicyError",
            "ReflectioError",
            "UnsupportedTypeError",
            "UntrustedNameError",
            "ValidationError",
            "VersionWarning",
        ),
        "inspection.comparison": ("Change", "Diff", "diff"),
        "inspection.header": ("Header", "read_header"),
        "policy": ("Policy",),
        "registry": ("register",),
        "verification": ("Verification", "verify"),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


class _Package(ModuleType):
    """This module's class, for a name such as ``audit``, which a function has and the module that defines it."""

    def __setattr__(self, name: str, value: Any) -> None:
        # Python puts a module that it has imported into its package under the module's name: here, the function.
        if isinstance(value, ModuleType) and name in _HOMES:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
