"""What a header says of the segment behind it, and whether a document is as long as that; numpy is not needed for it."""

from __future__ import annotations

from typing import Any, NamedTuple

from reflectio.errors import DocumentError
from reflectio.header import ALGORITHM, Header

#: The segment, and each array in it, start at multiples of this many bytes.
ALIGNMENT = 64


class SegmentMember(NamedTuple):
    """
    What the header says of the segment, and where that must be.

    Attributes
    ----------
    nbytes : int
        How many bytes it has.
    digest : Any
        Its digest, as the header has it; None where there is none.
    start : int
        Where it starts in the document.
    """

    nbytes: int
    digest: Any
    start: int


def segment_member(header: Header) -> SegmentMember | None:
    """
    Read what the header says of the segment.

    Parameters
    ----------
    header : Header
        The header.

    Returns
    -------
    SegmentMember or None
        None where there is no segment.

    Raises
    ------
    DocumentError
        The segment is missing, or not described, or in no way that could be.
    """
    described, end = header.members.get("segment"), header.end
    if described is None:
        if end is not None:
            raise DocumentError("bytes follow the header, which describes no segment")
        return None
    if type(described) is not dict or not {"nbytes"} <= described.keys() <= {"nbytes", ALGORITHM}:
        raise DocumentError(f"the segment must be described by nbytes and {ALGORITHM}").rooted("$.segment")
    nbytes = described["nbytes"]
    if end is None:
        raise DocumentError("the segment is missing: the document is truncated").rooted("$.segment")
    if type(nbytes) is not int or nbytes < 0:
        raise DocumentError(f"the segment cannot have {nbytes!r} bytes").rooted("$.segment")
    return SegmentMember(nbytes, described.get(ALGORITHM), end + (-end % ALIGNMENT or ALIGNMENT))


def check_size(member: SegmentMember, size: int) -> None:
    """
    Refuse a document that ends before its segment does, or goes on behind it.

    Parameters
    ----------
    member : SegmentMember
        What its header says.
    size : int
        How many bytes it has.
    """
    if member.start + member.nbytes != size:
        raise DocumentError(
            f"the segment should have {member.nbytes} bytes and has {max(0, size - member.start)}: the document is "
            "truncated, or something follows it"
        ).rooted("$.segment")
