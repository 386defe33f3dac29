"""Writing a file so that it appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

# Permissions before the umask takes its share.
_NEW = 0o666

# Pieces that are smaller are gathered up to this size before they are written; larger ones are written as they are.
_BUFFER = 1 << 17

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def write_atomically(path: Path, pieces: Iterable[bytes | memoryview], *, replace: bool = True) -> None:
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
    replace : bool, default=True
        Whether a file, or a link, of that name may be there. If not, one that appears while this one is written
        stands as well.

    Raises
    ------
    FileExistsError
        Something of that name is there, and may not be replaced.
    OSError
        The file cannot be written. The error names it, not the temporary file.
    """
    with replacing(path, replace=replace) as file:
        file.writelines(pieces)


@contextlib.contextmanager
def replacing(path: Path, *, replace: bool = True) -> Iterator[IO[bytes]]:
    """
    Open a file to be written, which appears, or is replaced, as `write_atomically` does it, when the block ends.

    Parameters
    ----------
    path : Path
        The file.
    replace : bool, default=True
        As in `write_atomically`.

    Yields
    ------
    binary file
        What takes its contents. On any error in the block, what was there stands.
    """
    with _naming(path):
        target = Path(os.path.realpath(path)) if replace else _unresolved(path)
        with _opened(target, replace) as file:
            yield file


def check_writable(path: Path, *, folders: bool = False) -> None:
    """
    Raise the error that writing a file would meet, as far as that can be told without writing.

    Parameters
    ----------
    path : Path
        The file, which may be there or not.
    folders : bool, default=False
        Whether folders that are missing would be made.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    with _naming(path):
        target = Path(os.path.realpath(path))
        if os.path.isdir(target):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        place = target.parent
        if os.path.exists(target) and not os.path.isfile(target):
            place = target
        if folders:
            place = _nearest(place)
        if place != target and not stat.S_ISDIR(os.stat(place).st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        _check_place(place)


def check_folder_writable(folder: Path) -> None:
    """
    Raise the error that making files in a folder would meet, as far as that can be told without making any.

    Parameters
    ----------
    folder : Path
        The folder; where it is missing, the nearest one above it counts.

    Raises
    ------
    OSError
        No file can be made there.
    """
    with _naming(folder):
        _check_place(_nearest(Path(os.path.realpath(folder))))


def _nearest(place: Path) -> Path:
    """What is at a place, or above it, as far as it is there."""
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    return place


def _check_place(place: Path) -> None:
    wanted = os.W_OK | os.X_OK if stat.S_ISDIR(os.stat(place).st_mode) else os.W_OK
    if not os.access(place, wanted, effective_ids=os.access in os.supports_effective_ids):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let errors name the file that was asked for, in place of none, or of another in its folder."""
    try:
        yield
    except OSError as error:
        ways = (os.fspath(path), os.path.abspath(path), os.path.realpath(path))
        folders = {os.path.dirname(way) or "." for way in ways} | {os.path.realpath(path.parent)}
        named = None if error.filename is None else os.fspath(error.filename)
        if error.errno is None or not (named is None or {named, _folder_of(named)} & folders):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def _folder_of(named: str) -> str:
    return os.path.dirname(named) or "."


def _unresolved(path: Path) -> Path:
    """The path with its folder resolved, but not its last part, which may be a link that must stand."""
    return Path(os.path.realpath(path.parent)) / path.name


@contextlib.contextmanager
def _opened(target: Path, replace: bool) -> Iterator[IO[bytes]]:
    permissions = None
    if not replace:
        if os.path.lexists(target):
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
    else:
        with contextlib.suppress(FileNotFoundError):
            mode = target.stat().st_mode
            if not stat.S_ISREG(mode):
                # Renaming over a device would put a file in its place; a folder refuses to be opened.
                with open(target, "wb", buffering=_BUFFER) as special:
                    yield special
                return
            permissions = stat.S_IMODE(mode)
    temporary = target.parent / f".reflectio-{secrets.token_hex(8)}.tmp"
    descriptor, named = _create(temporary, _NEW if permissions is None else permissions & _NEW)
    try:
        with open(descriptor, "wb", buffering=_BUFFER) as file:
            yield file
            file.flush()
            if permissions is not None:
                os.chmod(file.fileno() if os.chmod in os.supports_fd else temporary, permissions)
            os.fsync(file.fileno())
            if not named:
                _name(file.fileno(), temporary)
        if replace:
            os.replace(temporary, target)
        else:
            _publish(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _flush_folder(target.parent)


def _publish(temporary: Path, target: Path) -> None:
    """Give a file its name unless something has that name: a link is made only then, a rename is not."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:
        # There are file systems without hard links. An empty file, made only where there is none, holds the place.
        os.close(os.open(target, _CREATE, _NEW))
        try:
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(target)
            raise
    else:
        os.unlink(temporary)


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
