"""Which kind of file some bytes are, and reading those that are no documents of reflectio."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from reflectio.errors import DocumentError, LimitError
from reflectio.pickles.graph import Graph
from reflectio.pickles.joblib_arrays import is_wrapper
from reflectio.pickles.source import Source, compressor_of
from reflectio.policy import Limits, Policy

#: The kinds of files: documents of reflectio, and those that others write.
Format = Literal["reflectio", "pickle", "joblib", "skops"]

_ZIP = b"PK\x03\x04"
_PROTOCOL = 0x80

# How much of what is no pickle is decompressed to see whether it is damaged.
_LOOKED_THROUGH = 1 << 26


def read_foreign(data: memoryview, policy: Policy, *, keep: bool) -> tuple[Format, Graph]:
    """
    Read a pickle, a joblib file or a skops file, without running anything of it.

    Parameters
    ----------
    data : memoryview
        The file.
    policy : Policy
        Its limits count.
    keep : bool
        Whether the elements of arrays are wanted.

    Returns
    -------
    format : str
        Which kind of file it is.
    graph : Graph
        What it would do.

    Raises
    ------
    DocumentError
        It is none of them.
    LimitError
        It exceeds a limit.
    """
    if len(data) > policy.limits.document_bytes:
        raise LimitError(
            f"the file has {len(data)} bytes; the policy's limit document_bytes is {policy.limits.document_bytes}"
        )
    beginning = bytes(data[:8])
    if beginning.startswith(_ZIP):
        from reflectio.pickles.skops_files import read_skops

        return "skops", read_skops(data, policy.limits)
    from reflectio.pickles.machine import read_pickle

    source = Source(data, policy.limits.expanded_bytes)
    graph = read_pickle(source, policy.limits, keep=keep)
    if not graph.complete and not graph.globals and beginning[:1] != bytes([_PROTOCOL]):
        if source.compressor:
            # Whether it is damaged shows at the end of what is compressed together.
            with suppress(DocumentError, LimitError):
                source.skip(_LOOKED_THROUGH)
        if source.damage:
            raise DocumentError(source.damage)
        what = "what is compressed in it" if compressor_of(beginning) else "this"
        raise DocumentError(f"{what} is neither a document of reflectio nor a pickle, joblib or skops file")
    joblib = source.compressor is not None or any(is_wrapper(call) for call in graph.calls)
    return ("joblib" if joblib else "pickle"), graph


def can_go_on(beginning: memoryview, limits: Limits) -> bool:
    """
    Say whether bytes can be the beginning of a longer pickle, joblib or skops file.

    Parameters
    ----------
    beginning : memoryview
        The first bytes of a file.
    limits : Limits
        What the policy grants.

    Raises
    ------
    LimitError
        It exceeds a limit already.
    """
    if bytes(beginning[:4]) == _ZIP:
        # What an archive holds is said at its end.
        return True
    from reflectio.pickles.machine import read_pickle

    source = Source(beginning, limits.expanded_bytes)
    try:
        graph = read_pickle(source, limits, keep=False)
    except LimitError:
        if source.implausible:
            return True
        raise
    if graph.complete:
        return not graph.problems
    # It broke off where the bytes did, or before.
    return source.cut_short if source.compressor else source.tell() >= len(beginning)
