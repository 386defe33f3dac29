"""The header's JSON says one thing to every parser, or is refused."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reflectio.errors import DocumentError, LimitError
from reflectio.strict_json import NESTING, count_values, nesting, parse

# Few characters, so that keys are often equal, and those that confuse whoever counts quotation marks.
_TEXTS = st.text('a":\\{}[], é\n', max_size=3)


def _string(draw_escapes: list[bool], text: str) -> str:
    """A JSON string, each character as itself or as an escape."""
    written = ""
    for character, escaped in zip(text, draw_escapes, strict=True):
        written += f"\\u{ord(character):04x}" if escaped else json.dumps(character, ensure_ascii=False)[1:-1]
    return f'"{written}"'


@st.composite
def _strings(draw):
    text = draw(_TEXTS)
    return _string([draw(st.booleans()) for _ in text], text)


_SPACES = st.sampled_from(["", " ", "\n\t"])


@st.composite
def _objects(draw, values):
    members = draw(st.lists(st.tuples(_strings(), _SPACES, _SPACES, values), max_size=4))
    return "{" + ",".join(f"{before}{key}{after}:{value}" for key, before, after, value in members) + "}"


_JSON = st.recursive(
    st.one_of(_strings(), st.sampled_from(["1", "1.50", "1e5", "null", "true"])),
    lambda values: st.one_of(
        _objects(values), st.lists(values, max_size=4).map(lambda items: f"[{', '.join(items)}]")
    ),
    max_leaves=12,
)


def _has_duplicates(text: bytes) -> bool:
    found = []

    def look(pairs):
        found.append(len({key for key, _ in pairs}) < len(pairs))
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    return any(found)


@given(_JSON.map(str.encode))
@example(b'{"a": 1, "a": 2, "b": "\\u0022"}')
@example(b'{"a\\\\": "\\\\\\"", "a\\\\": "\\\\\\\\"}')
@example(b'{"a" : 1, "b"  : 2}')
@settings(max_examples=1000)
def test_a_text_is_refused_exactly_if_a_key_comes_twice(text):
    if _has_duplicates(text):
        with pytest.raises(DocumentError, match="comes twice"):
            parse(text)
    else:
        assert parse(text) == json.loads(text)


@given(_JSON.map(str.encode))
def test_the_values_of_a_text_are_counted_as_the_parser_finds_them(text):
    def count(value):
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + sum(map(count, parts))

    def kept(pairs):
        # Under keys of their own: of two equal keys both values are in the text.
        return {str(number): value for number, (_, value) in enumerate(pairs)}

    value = json.loads(text, object_pairs_hook=kept)
    containers = text.count(b"[]") + text.count(b"{}")
    assert count(value) <= count_values(text, 0)
    assert count_values(text, 10**9) <= 10**9
    # Opening brackets of empty containers may be counted for a value that is not there.
    assert count_values(text, 0) <= count(value) + containers + text.count(b"[ ]")


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_an_integer_beyond_64_bits_is_refused_rather_than_read_as_a_float(number):
    with pytest.raises(DocumentError, match="64 bits"):
        parse(b"[%d]" % number)


@pytest.mark.parametrize(
    "text",
    [
        b"[%d]" % (2**64 - 1),
        b"[%d]" % -(2**63),
        b"[1.2345678901234567890123]",
        b'["12345678901234567890123"]',
    ],
)
def test_long_digits_that_are_no_such_integer_are_read(text):
    assert parse(text) == orjson.loads(text)


@pytest.mark.parametrize("depth", [NESTING + 1, 1000, 1025, 100_000])
def test_deep_nesting_is_a_limit_error(depth):
    with pytest.raises(LimitError, match="nests"):
        parse(b"[" * depth + b"]" * depth)


def test_nesting_is_counted():
    assert parse(b"[" * NESTING + b"]" * NESTING)
    assert [nesting(value) for value in (1, [], [[1], {"a": [2]}])] == [0, 1, 3]
