"""A file that compares what is written to it with bytes that are there already, so that no second copy is made."""

from __future__ import annotations

import io
from typing import Any

# How much is compared at a time.
_CHUNK = 1 << 20


class ExpectedBytes(io.RawIOBase):
    """
    A file to write to, which keeps nothing.

    Parameters
    ----------
    expected : bytes or memoryview
        What should be written.
    """

    def __init__(self, expected: bytes | memoryview) -> None:
        self._expected = memoryview(expected)
        self._position = 0
        self._same = True

    @property
    def met(self) -> bool:
        """Whether these very bytes, and no others, have been written."""
        return self._same and self._position == len(self._expected)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Compare the next bytes."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view) if self._same else 0, _CHUNK):
            # As bytes, which the system compares; views are compared an element at a time.
            piece = bytes(view[start : start + _CHUNK])
            place = self._position + start
            if piece != bytes(self._expected[place : place + len(piece)]):
                self._same = False
                break
        self._position += len(view)
        return len(view)
