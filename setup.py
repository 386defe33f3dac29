"""
Builds the compiled part of reflectio, which is optional.

Where there is no compiler, or the environment variable ``REFLECTIO_PURE`` is set, nothing is compiled: the same is then
done in Python, slower. Everything else about the package stands in ``pyproject.toml`` and ``setup.cfg``.
"""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import Extension, setup

_SOURCES = Path("reflectio", "compiled")

# Compiling takes most of the time of an installation.
_PROCESSES = os.cpu_count() or 1


def _extensions() -> list[Extension]:
    if os.environ.get("REFLECTIO_PURE"):
        return []
    try:
        import numpy as np
        from Cython.Build import cythonize
    except ImportError:
        return []
    found = [
        Extension(
            f"reflectio.compiled.{source.stem}",
            [source.as_posix()],
            include_dirs=[np.get_include()],
            extra_compile_args=["-std=c++17"] if "c++" in source.read_text()[:40] else [],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_25_API_VERSION")],
            optional=True,
        )
        for source in sorted(_SOURCES.glob("*.pyx"))
    ]
    # C files that came about in an earlier build, of another Cython maybe, do not count.
    return list(cythonize(found, build_dir="build", force=True, language_level=3, nthreads=_PROCESSES))


if __name__ == "__main__":
    setup(ext_modules=_extensions(), options={"build_ext": {"parallel": _PROCESSES}})
