"""Watching a process while it loads a document: what it imports, runs, opens, and how much memory it takes."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_MB = 2**20

# What code has to do to reach anything: these events have no place while a document is loaded.
_EVENTS = (
    "import", "open", "exec", "compile", "marshal.", "pickle.", "subprocess.", "socket.", "os.", "shutil.", "ctypes.",
    "tempfile.", "urllib.", "webbrowser.", "http.", "ftplib.", "smtplib.", "sqlite3.", "pty.", "code.__new__",
    "function.__new__", "sys.settrace", "sys.setprofile", "sys.addaudithook", "sys._getframe", "gc.", "mmap.",
    "glob.", "signal.", "syslog.", "winreg.", "msvcrt.", "fcntl.", "builtins.input", "builtins.breakpoint",
    "object.__setattr__", "object.__delattr__", "cpython.run_",
)  # fmt: skip

# Raised by what loading does itself, many times, without reaching anything.
_HARMLESS = ("sys._getframe", "object.__setattr__")


@dataclass
class Watch:
    """What happened while it was active."""

    events: list[str] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)
    #: Of this process: other processes must not make an attack look slow.
    seconds: float = 0.0
    megabytes: float = 0.0
    active: bool = False


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Watcher:
    """
    Watches what runs in `watch`, by an audit hook that stays for the life of the process.

    Parameters
    ----------
    megabytes : int
        How much more address space may be taken than is taken already.
    """

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self._current = Watch()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[object, ...]) -> None:
        if self._current.active and event.startswith(_EVENTS) and event not in _HARMLESS:
            self._current.events.append(f"{event} {str(args)[:200]}")

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Watch a block."""
        before = set(sys.modules)
        limits = resource.getrlimit(resource.RLIMIT_AS)
        # Address space, not only memory in use: an array that nobody filled yet counts as well.
        allowed = int((_status("VmSize") + self._megabytes) * _MB)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, limits[1]))
        Path("/proc/self/clear_refs").write_text("5")
        resident = _status("VmRSS")
        found = self._current = Watch()
        started = time.process_time()
        found.active = True
        try:
            yield found
        finally:
            found.active = False
            found.seconds = time.process_time() - started
            found.megabytes = _status("VmHWM") - resident
            resource.setrlimit(resource.RLIMIT_AS, limits)
            found.modules = set(sys.modules) - before
