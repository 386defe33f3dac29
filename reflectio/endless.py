"""Reading what may have no end, such as a pipe or a device, until it shows that it is no model's file."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from reflectio.errors import LimitError

if TYPE_CHECKING:
    from reflectio.policy import Limits

__all__ = ["read_until_over"]

_CHUNK = 1 << 20

# A pickle is followed anew each time that there is so many times as much of it.
_GROWTH = 16


def read_until_over(stream: IO[bytes], limits: Limits, *, foreign: bool, name: str = "the file") -> bytes:
    """
    Read to the end, or until what was read is no beginning of a file that is wanted.

    Parameters
    ----------
    stream : binary file
        What to read; it waits for more bytes where there are none yet.
    limits : Limits
        How many bytes the policy grants.
    foreign : bool
        Whether pickle, joblib and skops files are wanted as well as documents.
    name : str
        What a message calls the stream.

    Returns
    -------
    bytes
        What was read. Where reading stopped early, it is enough for its reader to say what is wrong.

    Raises
    ------
    LimitError
        There is more than the policy grants.
    """
    limit = limits.document_bytes
    chunks: list[bytes] = []
    size = 0
    watch: _Document | _Pickle | None = None
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise LimitError(f"{name} has more than {limit} bytes, the policy's limit document_bytes")
        chunks.append(chunk)
        if watch is None:
            is_document = not foreign or chunk[:1] == b"{"
            watch = _Document(limits) if is_document else _Pickle(limits)
        if watch.is_over(chunks, size):
            break
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class _Document:
    """Tells when a document should have ended: its header says how long it is."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._end: int | None = None

    def is_over(self, chunks: list[bytes], size: int) -> bool:
        """Whether the chunks, the last of them new, are no document, or more than one."""
        if chunks[0][:1] != b"{":
            return True
        if self._end is not None:
            return size > self._end
        place = chunks[-1].find(0)
        if place < 0:
            return size > self._limits.text_bytes
        end = self._end_of(b"".join(chunks))
        self._end = end
        return size > end

    def _end_of(self, data: bytes) -> int:
        from reflectio.errors import ReflectioError
        from reflectio.header import read_header
        from reflectio.segment_member import segment_member

        try:
            member = segment_member(read_header(memoryview(data), self._limits))
        except ReflectioError:
            return 0
        return 0 if member is None else member.start + member.nbytes


class _Pickle:
    """Tells when what began as a pickle cannot be one, or has ended before."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._look_at = 1

    def is_over(self, chunks: list[bytes], size: int) -> bool:
        """Whether the chunks are no part of a pickle, joblib or skops file."""
        if size < self._look_at:
            return False
        self._look_at = size * _GROWTH
        from reflectio.pickles.files import can_go_on

        return not can_go_on(memoryview(b"".join(chunks)), self._limits)
