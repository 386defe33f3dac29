"""
A coverage-guided run of the document reader: ``python -m fuzz.guided [libFuzzer options] [corpus]``.

It needs the package ``atheris``. The bytes are read and audited, and loaded: whatever they are, only errors of this
library may leave, and what an audit says of names is what loading does.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings

import atheris

with atheris.instrument_imports(include=["reflectio"]):
    import reflectio

    # The package imports its modules when they are needed first, which would be too late here.
    for _module in pkgutil.walk_packages(reflectio.__path__, "reflectio."):
        if not _module.name.startswith(("reflectio.cli", "reflectio.demo", "reflectio.__main__")):
            importlib.import_module(_module.name)


def one_input(data: bytes) -> None:
    """Read, audit and load some bytes."""
    refused: bool | None
    try:
        refused = not reflectio.audit(data).ok
    except reflectio.ReflectioError:
        refused = None
    try:
        reflectio.loads(data)
        loaded = True
    except reflectio.UntrustedNameError:
        if refused is False:
            raise AssertionError("loading refuses names that the audit does not") from None
        return
    except reflectio.ReflectioError:
        loaded = False
    if loaded and refused:
        raise AssertionError("the audit refuses names that loading does not")


def main() -> None:
    """Fuzz until the options say to stop."""
    warnings.simplefilter("ignore")
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
