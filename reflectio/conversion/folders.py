"""Converting all models of a folder, several at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from attrs import frozen

from reflectio.compression import Compression, CompressionLike
from reflectio.conversion.files import Conversion, Options, convert_with
from reflectio.conversion.formats import SUFFIX_OF, SUFFIXES, TargetFormat
from reflectio.errors import ReflectioError, unforeseen
from reflectio.policy import Policy

# What compression adds to a file's name.
_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".lzma", ".z", ".lz4"})

_DIED = "the process that converted it died; it may need more memory than there is"


@frozen
class Outcome:
    """
    What became of one file of a folder.

    Attributes
    ----------
    source, target : Path
        The file, and where its conversion goes.
    conversion : Conversion or None
        What was done; None where it failed or was skipped.
    error : str
        Why it failed; empty where it did not.
    skipped : bool
        Whether nothing was done because the target is there already.
    warnings : tuple of str
        The Python warnings of its conversion, which are printed nowhere. A file says some of their text: see to it
        that a terminal does not act on it.
    """

    source: Path
    target: Path
    conversion: Conversion | None
    error: str = ""
    skipped: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it was tried in vain."""
        return self.conversion is None and not self.skipped


def plan_folder(source: Path, target: Path, format: TargetFormat) -> list[tuple[Path, Path]]:
    """
    Say which files of a folder are converted, and into which.

    Parameters
    ----------
    source : Path
        The folder; what lies deeper in it counts as well, but for the target.
    target : Path
        The folder for the results, which lie in it as their sources lie in the other.
    format : {"binary", "json", "pickle", "joblib", "skops"}
        What they become.

    Returns
    -------
    list of tuple of Path
        Pairs of source and target, sorted. No two have one target, and none has the source of another one.

    Raises
    ------
    ReflectioError
        The results lie among the sources, and one would replace another source.
    """
    results = target.resolve()
    # Where the source is the target or lies in it, nothing tells results from sources.
    apart = not source.resolve().is_relative_to(results)
    found = sorted(
        path
        for path in source.rglob("*")
        # What an earlier conversion wrote there is not converted once more.
        if path.is_file() and _is_model(path) and not (apart and path.resolve().is_relative_to(results))
    )
    places = [target / path.relative_to(source).parent for path in found]
    # Links to folders are followed, and files that are links are not: these are replaced themselves.
    real = {folder: os.path.realpath(folder) for folder in {*places, *(path.parent for path in found)}}
    sources = {_entry(real[path.parent], path.name): path for path in found}
    names = [f"{_stem(path)}{SUFFIX_OF[format]}" for path in found]
    # What would replace another one, or a source that it is not made from, is called by the whole name of its source.
    # That may be the name of yet another one, which makes way in turn.
    while True:
        targets = [_entry(real[place], name) for place, name in zip(places, names, strict=True)]
        counts = Counter(targets)
        in_the_way = [
            index
            for index, (path, entry) in enumerate(zip(found, targets, strict=True))
            if counts[entry] > 1 or sources.get(entry, path) != path
        ]
        if not in_the_way:
            return [(path, place / name) for path, place, name in zip(found, places, names, strict=True)]
        before = names.copy()
        for index in in_the_way:
            names[index] = f"{found[index].name}{SUFFIX_OF[format]}"
        if names == before:
            # Whole names differ from each other: what is left is the name of a source.
            first = in_the_way[0]
            raise ReflectioError(
                f"{os.fspath(found[first])!r} would become {os.fspath(places[first] / names[first])!r}, which is "
                "another model to convert; nothing was written. Let the results go into another folder"
            )


def _entry(folder: str, name: str) -> str:
    """What tells the entries of folders apart, where the system does not tell upper from lower case, too."""
    return os.path.normcase(os.path.join(folder, name))


def _is_model(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if suffixes and suffixes[-1] in _COMPRESSED:
        return True
    return bool(suffixes) and suffixes[-1] in SUFFIXES


def _stem(path: Path) -> str:
    name = path.name
    if Path(name).suffix.lower() in _COMPRESSED:
        name = Path(name).stem
    return Path(name).stem if Path(name).suffix.lower() in SUFFIXES else name


def convert_folder(
    pairs: list[tuple[Path, Path]],
    *,
    format: TargetFormat,
    compression: CompressionLike = None,
    policy: str | os.PathLike[str] | None = None,
    unsafe: bool = False,
    overwrite: bool = False,
    skip_existing: bool = False,
    lossy: bool = False,
    check: bool = False,
    workers: int | None = None,
) -> Iterator[Outcome]:
    """
    Convert several files, each in one of several processes.

    Parameters
    ----------
    pairs : list of tuple of Path
        Sources and targets, from `plan_folder`. Folders of targets are made.
    format, compression, unsafe, overwrite, lossy, check
        As for `reflectio.convert`.
    policy : path, optional
        As for `reflectio.convert`.
    skip_existing : bool, default=False
        Whether a source whose target is a file that is there is left alone, as it is where a conversion that was
        interrupted is taken up. Nothing says that such a target is what its source would be converted into.
    workers : int, optional
        How many processes; by default as many as there are processors, or files.

    Yields
    ------
    Outcome
        As they finish; those that are skipped first. Where the generator is closed before its end, or Ctrl-C
        interrupts it, the processes end at once, and no file is half written.
    """
    # A mistake in the policy is one error, not one for each file.
    Policy.of(policy)
    options = Options(
        format=format,
        compression=Compression.of(compression),
        policy=policy,
        unsafe=unsafe,
        overwrite=overwrite,
        lossy=lossy,
        check=check,
    )
    left = dict(pairs)
    if skip_existing:
        for source, target in pairs:
            if target.is_file():
                del left[source]
                yield Outcome(source, target, None, skipped=True)
    if not left:
        return
    with _processes(min(workers or os.cpu_count() or 1, len(left))) as pool:
        with _interrupts_held_back():
            futures = [pool.submit(_convert, source, target, options) for source, target in left.items()]
        for future in as_completed(futures):
            try:
                outcome = future.result()
            except BrokenProcessPool:
                continue
            del left[outcome.source]
            yield outcome
    # One process died, and with it all others: whose fault it was shows when each has a process of its own.
    for source, target in left.items():
        with _processes(1) as pool:
            with _interrupts_held_back():
                future = pool.submit(_convert, source, target, options)
            try:
                yield future.result()
            except BrokenProcessPool:
                yield Outcome(source, target, None, _DIED)


@contextmanager
def _processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Give processes, which end at once where this one does, however it ends, or where an error leaves the block."""
    # Not forked: a process that was may hold locks of threads that it does not have.
    context = multiprocessing.get_context("spawn")
    ours_is_open, ours = context.Pipe(duplex=False)
    with ours_is_open, ours, ProcessPoolExecutor(count, context, _end_with, (ours_is_open,)) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            ours.close()
            raise


def _end_with(other: Connection) -> None:
    """Let a worker end when the other end of a pipe is closed, which it is where its process ended, too."""

    def watch() -> None:
        with suppress(EOFError, OSError):
            other.poll(None)
        # No cleaning up: what is written has no name yet, and nobody waits for the result.
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """
    Hold back Ctrl-C, from this process for a moment, from those that it starts meanwhile for good.

    A terminal interrupts all of them; each would print a traceback, or convert the next file.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _convert(source: Path, target: Path, options: Options) -> Outcome:
    # Shown by whoever asked for the conversion: what warnings say may come from the file, and a worker would print it
    # as it is.
    with warnings.catch_warnings(record=True) as caught:
        try:
            done, error = convert_with(options, source, target, folders=True), ""
        except (Exception, SystemExit) as raised:  # of code that the file runs, too, where that is asked for
            done, error = None, _message(raised)
    return Outcome(source, target, done, error, warnings=tuple(str(each.message) for each in caught))


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        # Which of the two files it is about is half of what there is to say.
        return (
            error.strerror if error.filename is None else f"{os.fsdecode(error.filename)}: {error.strerror}"
        )
    if isinstance(error, ReflectioError | OSError | MemoryError):
        return str(error) or type(error).__name__
    return unforeseen(error)
