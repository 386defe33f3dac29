"""Numbers and text that JSON cannot say as they stand."""

from __future__ import annotations

import base64
import re
import struct
from decimal import Decimal
from fractions import Fraction
from math import log10
from typing import TYPE_CHECKING, Any
from uuid import UUID

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.errors import DocumentError, LimitError

if TYPE_CHECKING:
    from reflectio.decoder import Decoder
    from reflectio.encoder import Encoder

_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1

# Python converts decimal text in quadratic time and so refuses long texts; hexadecimal is linear.
_DECIMAL_BITS = 4096

_DIGITS_PER_HEX = log10(16)

# Of a decimal number's text, what may be sign, point and exponent; and the largest exponent of Python's own context.
_DECIMAL_EXTRA = 32
_DECIMAL_EXPONENT = 999_999

_NAN_BITS = 0x7FF8_0000_0000_0000
_SIGN_BIT = 0x8000_0000_0000_0000
_INTEGER = re.compile(r"-?(?:0x[0-9a-f]+|[0-9]+)", re.ASCII)
_NAN_WITH_BITS = re.compile(r"nan:0x([0-9a-f]{1,16})", re.ASCII)


def int_text(value: int) -> str:
    """Write an integer of any size."""
    return str(value) if value.bit_length() <= _DECIMAL_BITS else hex(value)


def _decimal_length(text: str) -> int:
    """How many decimal digits an integer has at least, and to one or two exactly."""
    written = len(text) - text.startswith("-")
    return int((written - 3) * _DIGITS_PER_HEX) + 1 if "x" in text[:3] else written


def parse_int(text: Any, digits: int) -> int:
    """Read an integer of up to ``digits`` digits that `int_text` wrote."""
    if type(text) is not str:
        raise DocumentError(f"an integer must be written as text here, not {text!r}")
    if (length := _decimal_length(text)) > digits:
        raise LimitError(f"an integer of {length} digits; the policy's limit int_digits is {digits}")
    if not _INTEGER.fullmatch(text):
        raise DocumentError(f"{text[:40]!r} is not an integer")
    if "x" not in text and len(text) > _DECIMAL_BITS:
        raise DocumentError("an integer of that length must be written in hexadecimal")
    return int(text, 0) if "x" in text else int(text)


def float_text(value: float) -> str:
    """Write a float that is not finite: ``inf``, ``-inf``, ``nan``, ``-nan``, or ``nan:0x...`` for other bits."""
    if value == value:
        return "inf" if value > 0 else "-inf"
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    if bits & ~_SIGN_BIT == _NAN_BITS:
        return "-nan" if bits & _SIGN_BIT else "nan"
    return f"nan:{bits:#x}"


# As bytes, for every float to be an object of its own: two NaNs are two keys of a dict only while they are two objects.
_NAMED_FLOATS = {
    "inf": struct.pack("<d", float("inf")),
    "-inf": struct.pack("<d", float("-inf")),
    "nan": struct.pack("<Q", _NAN_BITS),
    "-nan": struct.pack("<Q", _NAN_BITS | _SIGN_BIT),
}


def parse_float(text: Any) -> float:
    """Read a float that `float_text` wrote."""
    packed = _NAMED_FLOATS.get(text) if type(text) is str else None
    if packed is not None:
        (value,) = struct.unpack("<d", packed)
    else:
        match = _NAN_WITH_BITS.fullmatch(text) if type(text) is str else None
        if match is None:
            raise DocumentError(f"{str(text)[:40]!r} is not a float; write inf, -inf, nan, or a JSON number")
        (value,) = struct.unpack("<d", struct.pack("<Q", int(match[1], 16)))
        if value == value:
            raise DocumentError(f"{text!r} are the bits of a number, not of a NaN")
    return float(value)


def float_node(value: float) -> Node:
    """A JSON number, or the node of a float that is none."""
    return value if value - value == 0.0 else {"$": "float", "value": float_text(value)}


class IntCodec(Codec):
    """Integers beyond 64 bits, as text."""

    types = (int,)
    tag = "int"
    members = required = frozenset({"value"})
    shared = False

    def encode(self, obj: int, encoder: Encoder) -> Node:
        if _INT64_MIN <= obj <= _UINT64_MAX:
            return obj
        return {"$": "int", "value": int_text(obj)}

    def decode(self, node: ObjectNode, decoder: Decoder) -> int:
        return parse_int(node["value"], decoder.policy.limits.int_digits)


class FloatCodec(Codec):
    """Infinities and NaNs, as text; the bits of a NaN survive."""

    types = (float,)
    tag = "float"
    members = required = frozenset({"value"})
    shared = False

    def encode(self, obj: float, encoder: Encoder) -> Node:
        return float_node(obj)

    def decode(self, node: ObjectNode, decoder: Decoder) -> float:
        return parse_float(node["value"])


class ComplexCodec(Codec):
    """Complex numbers, by their parts."""

    types = (complex,)
    tag = "complex"
    members = required = frozenset({"real", "imag"})
    shared = False

    def encode(self, obj: complex, encoder: Encoder) -> Node:
        return {"$": "complex", "real": float_node(obj.real), "imag": float_node(obj.imag)}

    def decode(self, node: ObjectNode, decoder: Decoder) -> complex:
        parts = [decoder.build(node[name]) for name in ("real", "imag")]
        if any(type(part) not in (int, float) for part in parts):
            raise DocumentError("the parts of a complex number must be numbers")
        return complex(*parts)


class PlainCodec(Codec):
    """None and booleans, where nothing around them has put them into the node already."""

    types = (type(None), bool)
    shared = False

    def encode(self, obj: bool | None, encoder: Encoder) -> Node:
        return obj


class StrCodec(Codec):
    """Text with lone surrogates, which UTF-8 cannot say, as base64 of its bytes."""

    types = (str,)
    tag = "str"
    members = required = frozenset({"data"})
    shared = False

    def encode(self, obj: str, encoder: Encoder) -> Node:
        if is_utf8(obj):
            return obj
        return {"$": "str", "data": base64.b64encode(obj.encode("utf-8", "surrogatepass")).decode("ascii")}

    def decode(self, node: ObjectNode, decoder: Decoder) -> str:
        return decode_base64(node["data"]).decode("utf-8", "surrogatepass")


def is_utf8(text: str) -> bool:
    """Whether UTF-8, and so JSON, can say a text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def decode_base64(text: Any) -> bytes:
    """The bytes of a base64 text, strictly."""
    if type(text) is not str:
        raise DocumentError("base64 data must be a string")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise DocumentError(f"not base64: {error}") from error


class BytesCodec(Codec):
    """Bytes, as base64."""

    types = (bytes,)
    tag = "bytes"
    members = required = frozenset({"data"})
    shared = False

    def encode(self, obj: bytes, encoder: Encoder) -> Node:
        return {"$": "bytes", "data": base64.b64encode(obj).decode("ascii")}

    def decode(self, node: ObjectNode, decoder: Decoder) -> bytes:
        return decode_base64(node["data"])


class BytearrayCodec(Codec):
    """Bytearrays, as base64."""

    types = (bytearray,)
    tag = "bytearray"
    members = required = frozenset({"data"})

    def encode(self, obj: bytearray, encoder: Encoder) -> Node:
        return {"$": "bytearray", "data": base64.b64encode(obj).decode("ascii")}

    def decode(self, node: ObjectNode, decoder: Decoder) -> bytearray:
        return bytearray(decode_base64(node["data"]))


class _TextCodec(Codec):
    """Values that their own text says in full."""

    members = required = frozenset({"value"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return {"$": self.tag, "value": str(obj)}

    @staticmethod
    def text(node: ObjectNode) -> str:
        """The text of a node."""
        value = node["value"]
        if type(value) is not str:
            raise DocumentError(f"the value must be text, not {value!r}")
        return value


class DecimalCodec(_TextCodec):
    """Decimals, as text."""

    types = (Decimal,)
    tag = "decimal"

    def decode(self, node: ObjectNode, decoder: Decoder) -> Decimal:
        text, digits = self.text(node), decoder.policy.limits.int_digits
        if len(text) > digits + _DECIMAL_EXTRA:
            raise LimitError(
                f"a decimal number of {len(text)} characters; the policy's limit int_digits is {digits}"
            )
        try:
            value = Decimal(text)
        except ArithmeticError as error:
            raise DocumentError(f"{text[:40]!r} is not a decimal number") from error
        if value.is_finite() and abs(value.adjusted()) > _DECIMAL_EXPONENT:
            # A dozen characters would otherwise become an integer of as many digits as memory holds.
            raise LimitError(
                f"the decimal number {text[:40]} has more than {_DECIMAL_EXPONENT} digits before or after the point"
            )
        return value


class UUIDCodec(_TextCodec):
    """UUIDs, as text."""

    types = (UUID,)
    tag = "uuid"

    def decode(self, node: ObjectNode, decoder: Decoder) -> UUID:
        return UUID(self.text(node))


class FractionCodec(Codec):
    """Fractions, as text."""

    types = (Fraction,)
    tag = "fraction"
    members = required = frozenset({"value"})
    shared = False

    def encode(self, obj: Fraction, encoder: Encoder) -> Node:
        return {"$": "fraction", "value": f"{int_text(obj.numerator)}/{int_text(obj.denominator)}"}

    def decode(self, node: ObjectNode, decoder: Decoder) -> Fraction:
        numerator, _, denominator = _TextCodec.text(node).partition("/")
        digits = decoder.policy.limits.int_digits
        divisor = parse_int(denominator, digits)
        if divisor <= 0:
            raise DocumentError("the denominator of a fraction must be positive")
        return Fraction(parse_int(numerator, digits), divisor)


CODECS: tuple[Codec, ...] = (
    PlainCodec(),
    IntCodec(),
    FloatCodec(),
    ComplexCodec(),
    StrCodec(),
    BytesCodec(),
    BytearrayCodec(),
    DecimalCodec(),
    UUIDCodec(),
    FractionCodec(),
)
