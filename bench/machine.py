"""Where and with what a run was made: machine, versions, date, command line."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import scipy
import sklearn

from bench.savers import Saver

_CPU = Path("/proc/cpuinfo")
_MEMORY = Path("/proc/meminfo")


def described(savers: tuple[Saver, ...]) -> dict[str, str]:
    """What to say of the machine and the versions, for people."""
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    versions |= {"scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    versions |= {saver.name: saver.version for saver in savers}
    for name in ("orjson", "xxhash", "matplotlib"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
        "machine": f"{platform.machine()}, {_cpu()}, {os.cpu_count()} cores, {_memory()}",
        "system": f"{platform.system()} {platform.release()}",
        "load at the start": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def _cpu() -> str:
    if _CPU.exists():
        for line in _CPU.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def _memory() -> str:
    if _MEMORY.exists():
        kilobytes = int(_MEMORY.read_text().split()[1])
        return f"{kilobytes / 2**20:.0f} GB of memory"
    return "unknown memory"
