"""Writing a file so that it appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

# Permissions before the umask takes its share.
_NEW = 0o666

# Pieces that are smaller are gathered up to this size before they are written; larger ones are written as they are.
_BUFFER = 1 << 17

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def write_atomically(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """
    Put bytes into a file that appears, or is replaced, in one step.

    They go into a temporary file in the same folder, which is flushed to disk and renamed. On any failure the old
    file stands and no temporary file stays; where the system has files without a name, not even if the process is
    killed. A symbolic link stays one: what it points to is replaced. A device or a pipe is written to.

    Parameters
    ----------
    path : Path
        The file. It keeps the permissions of the file it replaces; a new one follows the umask.
    pieces : iterable of bytes
        Its contents.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        permissions = None
    else:
        if not stat.S_ISREG(mode):
            # Renaming over a device would put a file in its place; a folder refuses to be opened.
            with open(target, "wb", buffering=_BUFFER) as special:
                special.writelines(pieces)
            return
        permissions = stat.S_IMODE(mode)
    temporary = target.parent / f".reflectio-{secrets.token_hex(8)}.tmp"
    descriptor, named = _create(temporary, _NEW if permissions is None else permissions & _NEW)
    try:
        with open(descriptor, "wb", buffering=_BUFFER) as file:
            file.writelines(pieces)
            file.flush()
            if permissions is not None:
                os.chmod(file.fileno() if os.chmod in os.supports_fd else temporary, permissions)
            os.fsync(file.fileno())
            if not named:
                _name(file.fileno(), temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _flush_folder(target.parent)


def _create(temporary: Path, permissions: int) -> tuple[int, bool]:
    """Open a new file to write to; say whether it has the name already, or none yet."""
    if hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):
        # A file system that has no such files says so with one of several errors. One that refuses for another
        # reason refuses what follows, too.
        with contextlib.suppress(OSError):
            flags = os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC
            return os.open(temporary.parent, flags, permissions), False
    return os.open(temporary, _CREATE, permissions), True


def _name(descriptor: int, name: Path) -> None:
    """Give a file without a name one, in the way of the manual page open(2)."""
    folder = os.open(name.parent, os.O_RDONLY)
    try:
        # Only with a folder's descriptor does Python call linkat, which alone follows the link of /proc.
        os.link(f"/proc/self/fd/{descriptor}", name.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _flush_folder(folder: Path) -> None:
    """Flush the rename to disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
