"""How values, sizes and names of a document are written for people: short, and harmless whatever they hold."""

from __future__ import annotations

from typing import Any

# Of a text, how many characters are worth showing.
_LONGEST = 60

_UNITS = ("kB", "MB", "GB", "TB")


def printable(text: str, longest: int = 200) -> str:
    """
    Text of a document with an escape for each character that a terminal acts on, or that does not show.

    Parameters
    ----------
    text : str
        Any text.
    longest : int
        How many of its characters are kept.
    """
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def quoted(text: str, longest: int = _LONGEST) -> str:
    """Text in quotation marks, with escapes for what does not print."""
    return repr(text) if len(text) <= longest else f"{text[:longest]!r}…"


def plural(count: int, noun: str) -> str:
    """A number of things: ``1 tree``, ``1,200 trees``, ``2 classes``."""
    if count == 1:
        return f"1 {noun}"
    ending = "es" if noun.endswith(("s", "x", "ch")) else "s"
    if noun.endswith("leaf"):
        return f"{count:,} {noun[:-1]}ves"
    noun = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}{ending}"
    return f"{count:,} {noun}"


def size(nbytes: int) -> str:
    """A number of bytes, to three digits, in multiples of 1000."""
    if nbytes < 1000:
        return f"{nbytes} B"
    if nbytes >= 10**18:
        return f"{float(min(nbytes, 10**300)):.1e} B"
    power = 1
    while nbytes >= 999.5 * 1000**power and power < len(_UNITS):
        power += 1
    number = nbytes / 1000**power
    digits = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:.{digits}f} {_UNITS[power - 1]}"


def number(value: Any) -> str:
    """A number to four significant digits; integers in full."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else f"{value:.3e}" if abs(value) < 10**300 else "huge"
    if isinstance(value, complex):
        return f"{value:.4g}"
    return f"{value:.4g}"


def share(part: float) -> str:
    """A part of a whole in percent; it may be a multiple."""
    percent = 100 * part
    if percent >= 1e6:
        return f"{percent:.3g} %"
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.0f} %" if percent >= 9.95 or percent == 0 else f"{percent:.1f} %"
