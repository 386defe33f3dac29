"""The errors and warnings that reflectio raises, each of which says where in the document it arose."""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = [
    "DecodeError",
    "DocumentError",
    "IntegrityError",
    "LimitError",
    "PolicyError",
    "ReflectioError",
    "UnsupportedTypeError",
    "UntrustedNameError",
    "ValidationError",
    "VersionWarning",
    "as_shown",
    "unforeseen",
]

PathPart = str | int

# A hostile document may have names of any length; in a message they would hide what matters.
_LONGEST_PART = 100
_LONGEST_MESSAGE = 4000


def format_path(parts: Iterable[PathPart], root: str = "$.model") -> str:
    """Write a path in the way the document is read: ``$.model.steps[1][1].coef_``."""
    text = [root]
    for part in parts:
        if isinstance(part, str) and len(part) > _LONGEST_PART:
            part = f"{part[:_LONGEST_PART]}..."
        if isinstance(part, int):
            text.append(f"[{part}]")
        elif part.isidentifier():
            text.append(f".{part}")
        else:
            text.append(f"[{part!r}]")
    return "".join(text)


class ReflectioError(Exception):
    """
    Base of every error that reflectio raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong, and what to do about it.

    Attributes
    ----------
    message : str
        The message without the path.
    path : str
        Where in the document the error arose, for example ``$.model.steps[1][1].coef_``;
        empty where no single place is to blame.
    """

    _longest = _LONGEST_MESSAGE

    def __init__(self, message: str) -> None:
        if len(message) > self._longest:
            message = f"{message[: self._longest // 2]} ... {message[-self._longest // 2 :]}"
        super().__init__(message)
        self.message = message
        # Parts are added from the inside out while the error travels up through the visitor.
        self._parts: list[PathPart] = []
        self._root: str | None = None

    def within(self, part: PathPart) -> ReflectioError:
        """Record that the error arose inside the member or item ``part``."""
        if self._root is None:
            self._parts.append(part)
        return self

    def rooted(self, root: str) -> ReflectioError:
        """Record that the path starts at ``root``, a member of the header; the first call counts."""
        if self._root is None:
            self._root = root
        return self

    @property
    def path(self) -> str:
        return "" if self._root is None else format_path(reversed(self._parts), self._root)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class PolicyError(ReflectioError, ValueError):
    """A policy file cannot be read or says something that no policy can say."""


class UnsupportedTypeError(ReflectioError, TypeError):
    """The object to dump holds something that no document can hold."""


class DecodeError(ReflectioError, ValueError):
    """Base of every error that loading raises."""


class DocumentError(DecodeError):
    """The document is malformed or truncated."""


class LimitError(DecodeError):
    """The document exceeds a limit of the policy."""


class IntegrityError(DecodeError):
    """The document's bytes do not match its digest."""


class UntrustedNameError(DecodeError):
    """
    The document names something that the policy does not allow.

    Attributes
    ----------
    names : tuple of str
        Every refused name of the document, sorted.
    """

    # It lists names, and what to write into a policy file.
    _longest = 100 * _LONGEST_MESSAGE

    def __init__(self, message: str, names: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.names = tuple(names)


class ValidationError(DecodeError):
    """The document describes a state that would be unsafe to use, or that its class cannot have."""


def as_shown(text: str) -> str:
    """
    Text of a document as a message has it: as it stands, or quoted where a terminal would take it for anything else.

    A document may hold line breaks, control characters, and text that runs backwards.
    """
    return text if text.isascii() and text.isprintable() else ascii(text)


def unforeseen(error: BaseException) -> str:
    """What to say of an error that reflectio does not raise on purpose, where work goes on with the next file."""
    # Nothing needs it as long as all goes well.
    import traceback

    what = traceback.format_exception_only(error)[-1].strip()
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" ({os.path.basename(frame.filename)}, line {frame.lineno})" for frame in place)
    return f"reflectio did not foresee this, which is a defect of it worth a report: {what}{where}"


class VersionWarning(UserWarning):
    """The document was written with another version of a library whose names it uses."""
