"""The header of a document: one JSON object that says everything but the bytes of large arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
import xxhash

from reflectio.errors import DocumentError, IntegrityError, LimitError
from reflectio.policy import Limits
from reflectio.strict_json import NESTING, count_values, nesting, parse

FORMAT_VERSION = 1

MEMBERS = ("reflectio", "versions", "metadata", "model", "objects", "segment", "digest")
_REQUIRED = frozenset({"reflectio", "versions", "model"})
# What nearly every header has.
_USUAL = frozenset(
    {("reflectio", "versions", "model", "digest"), ("reflectio", "versions", "model", "segment", "digest")}
)
ALGORITHM = "xxh3_128"
_DIGEST_MEMBER = b'"digest"'

# How the writer puts it: the member's name, the algorithm and the digits.
DIGEST_FORM = b'"digest":"%s:%s"}'
#: How many bytes that takes.
DIGEST_LENGTH = len(DIGEST_FORM % (ALGORITHM.encode(), bytes(32)))

# How much of a buffer without a `find` is searched for the header's end at a time.
_SEARCH_STEP = 1 << 16


def digest_of(data: bytes | memoryview) -> str:
    """The digest of some bytes, in hexadecimal."""
    return xxhash.xxh3_128_hexdigest(data)


def nodes_of_text(text: bytes | memoryview) -> list[Any]:
    """The root and the objects of a header that was read before: building uses nodes up."""
    members = orjson.loads(text)
    return [members["model"], *members.get("objects", [])]


class Header(NamedTuple):
    """
    The header of a document, parsed.

    Attributes
    ----------
    members : dict
        The header's members.
    text : bytes
        Its bytes.
    end : int or None
        Where the NUL behind it is; None where nothing follows.
    """

    members: dict[str, Any]
    text: bytes
    end: int | None


def read_header(data: bytes | memoryview, limits: Limits, *, verify: bool = True) -> Header:
    """
    Read and check the header that some bytes start with.

    Parameters
    ----------
    data : bytes or memoryview
        The document, or so much of it that the NUL behind the header is among it.
    limits : Limits
        What the policy grants.
    verify : bool
        Whether a digest that does not match is an error.
    """
    text, end = _split(memoryview(data))
    if len(text) > limits.text_bytes:
        raise LimitError(
            f"the header has {len(text)} bytes; the policy's limit text_bytes is {limits.text_bytes}"
        )
    members = _parse(text, limits)
    _check_header(members)
    if verify:
        _check_digest(members, text)
    return Header(members, text, end)


def _split(data: memoryview) -> tuple[bytes, int | None]:
    """The header's bytes, and where the NUL behind them is."""
    whole = data.obj
    if type(whole) is bytes and len(whole) == data.nbytes:
        # Mostly so: nothing needs to be copied to look for it.
        end = whole.find(0)
        return (whole, None) if end < 0 else (whole[:end], end)
    head = bytes(data[:_SEARCH_STEP])
    end = head.find(0)
    if end >= 0:
        return head[:end], end
    if len(head) == len(data):
        return head, None
    for start in range(_SEARCH_STEP, len(data), _SEARCH_STEP):
        place = bytes(data[start : start + _SEARCH_STEP]).find(0)
        if place >= 0:
            return bytes(data[: start + place]), start + place
    return bytes(data), None


def _parse(text: bytes, limits: Limits) -> dict[str, Any]:
    if not text:
        raise DocumentError("the document is empty")
    if text[:1] != b"{":
        raise DocumentError(f"not a reflectio document: it does not start with {{{_hint(text)}")
    if (count := count_values(text, limits.nodes)) > limits.nodes:
        raise LimitError(f"the header holds {count} values; the policy's limit nodes is {limits.nodes}")
    header: dict[str, Any] = parse(text)
    if limits.depth < NESTING and (depth := nesting(header)) > limits.depth:
        raise LimitError(
            f"the header nests {depth} lists and objects; the policy's limit depth is {limits.depth}"
        )
    return header


# How files begin that are given in place of a document, and what to say of them.
_OTHERS = (
    (b"\x80", "this looks like a pickle or joblib file"),
    (b"PK\x03\x04", "this looks like a zip archive, as skops writes it"),
    (b"\x1f\x8b", "this is compressed by gzip; decompress it first"),
    ((b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), "this is compressed by zlib, as joblib does"),
    (b"\xef\xbb\xbf", "the text starts with a byte order mark; save it as UTF-8 without one"),
    (b"\xff\xfe", "this looks like UTF-16; save it as UTF-8"),
)


def _hint(text: bytes) -> str:
    return next((f"; {hint}" for beginning, hint in _OTHERS if text.startswith(beginning)), "")


def _check_header(header: dict[str, Any]) -> None:
    if tuple(header) in _USUAL and header["reflectio"] is FORMAT_VERSION and type(header["versions"]) is dict:
        return
    version = header.get("reflectio")
    if type(version) is not int:
        raise DocumentError(
            "not a reflectio document: the member 'reflectio' with the format version is missing"
        )
    if version != FORMAT_VERSION:
        raise DocumentError(
            f"the document has format version {version}; this reflectio reads version {FORMAT_VERSION}, a newer "
            "one may read it"
        )
    if missing := _REQUIRED - header.keys():
        raise DocumentError(f"the header has no {' and no '.join(sorted(missing))}")
    if unknown := header.keys() - set(MEMBERS):
        raise DocumentError(f"the header has unknown members: {', '.join(map(repr, sorted(unknown)))}")
    if type(header["versions"]) is not dict:
        raise DocumentError("the versions must be an object").rooted("$.versions")
    if type(header.get("objects", [])) is not list:
        raise DocumentError("the objects must be a list").rooted("$.objects")


# The segment starts where the header's length says.
_KEEPING_LENGTH = (
    "To accept an edit, write as many spaces in place of the member 'digest' and the comma before it: the header has "
    "to keep its length, for a segment follows. Better convert the document as it was to JSON ('reflectio convert'), "
    "edit that, and convert it back"
)


def _check_digest(header: dict[str, Any], text: bytes) -> None:
    if "digest" not in header:
        return
    digest = header["digest"]
    # Where the text ends so, the last member is called "digest": what precedes the name cannot be part of it, for
    # the header has no unknown members, and none twice.
    digits = digest_of(memoryview(text)[:-DIGEST_LENGTH])
    if text.endswith(DIGEST_FORM % (ALGORITHM.encode(), digits.encode())):
        return
    if type(digest) is not str or not digest.startswith(f"{ALGORITHM}:"):
        raise DocumentError(f"the digest must be {ALGORITHM}: and hexadecimal digits").rooted("$.digest")
    # It is the last member, so that its name is near the end.
    tail = bytes(text[-256:])
    place = tail.rfind(_DIGEST_MEMBER)
    if place < 0 or next(reversed(header)) != "digest":
        raise DocumentError("the digest must be the last member").rooted("$.digest")
    found = digest_of(text[: len(text) - len(tail) + place])
    if digest != f"{ALGORITHM}:{found}":
        raise IntegrityError(
            "the header does not match its digest: the document was damaged, or edited. "
            + (_KEEPING_LENGTH if "segment" in header else "Delete the member 'digest' to accept an edit")
        )
