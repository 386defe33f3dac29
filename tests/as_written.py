"""
Documents in the form that reflectio writes: without white space, and with digests that match.

Documents in that form are read in one pass, others in another way (see `reflectio.compiled.parsing`). What attacks and fuzzers
forge is to be refused in both.
"""

from __future__ import annotations

import re

import xxhash

_BLANKS = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \t\r\n]+', re.DOTALL)
_DIGEST = re.compile(rb',"digest":"[^"]*"(?=\}$)')
_SEGMENT = re.compile(rb',"segment":\{[^{}]*\}(?=\}$)')
_ALIGNMENT = 64


def as_written(document: bytes | str) -> bytes:
    """
    Give a document in the form that reflectio writes, with all else that there is to it.

    Parameters
    ----------
    document : bytes or str
        The document, which may be malformed in any way; what of it is JSON is not parsed.
    """
    data = document.encode("utf-8", "surrogatepass") if isinstance(document, str) else bytes(document)
    header, nul, _ = data.partition(b"\0")
    text = _BLANKS.sub(rb"\1", header)
    text = _DIGEST.sub(b"", text)
    segment = b""
    if nul:
        segment = data[len(header) + (-len(header) % _ALIGNMENT or _ALIGNMENT) :]
        described = b',"segment":{"nbytes":%d,"xxh3_128":"%s"}' % (len(segment), _digits(segment))
        text = _SEGMENT.sub(described, text)
    if not text.endswith(b"}"):
        return text + data[len(header) :]
    text = text[:-1] + b","
    text += b'"digest":"xxh3_128:%s"}' % _digits(text)
    return text + bytes(-len(text) % _ALIGNMENT or _ALIGNMENT) + segment if nul else text


def _digits(data: bytes) -> bytes:
    return xxhash.xxh3_128_hexdigest(data).encode()
