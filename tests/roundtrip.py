"""Out to a document and back, in each format, with every name of the tests' own module allowed."""

from __future__ import annotations

from typing import Any

import pytest

import reflectio

FORMATS = ("binary", "json")

both_formats = pytest.mark.parametrize("format", FORMATS)

POLICY = reflectio.Policy.default().extend(
    classes=["models.*"], constructors=["models.*"], callables=["models.*"]
)


def roundtrip(obj: Any, format: Any = "binary", policy: Any = POLICY) -> Any:
    """Give what a document gives back; its second document is the same, and its text holds no NUL."""
    document = reflectio.dumps(obj, format=format)
    if format == "json":
        assert b"\0" not in document
    built = reflectio.loads(document, policy=policy)
    assert reflectio.dumps(built, format=format) == document
    return built
