"""pandas' scalars: points in time, durations, periods, intervals, and the two markers of missing values."""

from __future__ import annotations

from datetime import timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.array_data import decode_data, encode_data
from reflectio.codecs.pandas_nodes import UNITS, PandasCodec, build_member, choice_of, int64_of
from reflectio.codecs.pandas_offsets import build_offset
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError

CLOSED = frozenset({"left", "right", "both", "neither"})

# pandas before 3 makes time zones of pytz; they are written with its name, so that they come back as such.
_PYTZ = "pytz:"


def tz_of(obj: Any, encoder: Encoder) -> Any:
    """The time zone of a value of pandas, in a form that the encoder knows; None where there is none."""
    tz = getattr(obj, "tz", None)
    if tz is None or type(tz) in (timezone, ZoneInfo):
        return tz
    if type(tz).__module__.partition(".")[0] == "pytz" and isinstance(getattr(tz, "zone", None), str):
        return _PYTZ + tz.zone
    raise encoder.refuse(
        f"a time zone of the class {type(tz).__module__}.{type(tz).__qualname__}; convert to one of zoneinfo, or to "
        "a datetime.timezone"
    )


def build_tz(node: ObjectNode, decoder: Decoder) -> tzinfo | None:
    """The time zone of a node, if it has one."""
    tz = build_member(node, "tz", decoder)
    if type(tz) is str and tz.startswith(_PYTZ):
        return _pytz_timezone(tz.removeprefix(_PYTZ))
    if tz is not None and type(tz) not in (timezone, ZoneInfo):
        raise DocumentError("tz must be a time zone")
    return tz  # type: ignore[no-any-return]


def _pytz_timezone(zone: str) -> tzinfo:
    try:
        import pytz  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise DocumentError(f"the time zone {_PYTZ}{zone} needs pytz, which is not installed") from None
    if zone not in pytz.all_timezones_set:
        raise DocumentError(f"pytz has no time zone {zone!r}")
    return pytz.timezone(zone)  # type: ignore[no-any-return, unused-ignore]


def _time_of(node: ObjectNode, kind: str) -> Any:
    """A point or span of time in a unit of its own."""
    unit = choice_of(node, "unit", UNITS)
    value = decode_data(node["value"], np.dtype(f"{kind}8[{unit}]"), ())[()]
    if np.isnat(value):
        raise DocumentError("a missing time is written as pandas.api.typing.NaTType")
    return value


class TimestampCodec(PandasCodec):
    """Points in time: ``value`` in ``unit``, of UTC where there is a time zone; ``fold`` where it is 1."""

    name = "pandas.Timestamp"
    types = (name,)
    members = frozenset({"value", "unit", "tz", "fold"})
    required = frozenset({"value", "unit"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        tz = tz_of(obj, encoder)
        node = self.node(encoder, unit=obj.unit, tz=tz, fold=None if tz is not None else obj.fold or None)
        return {"$": self.name, "value": encode_data(np.asarray(obj.to_datetime64())), **node}

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        fold = node.get("fold", 0)
        if type(fold) is not int or fold not in (0, 1):
            raise DocumentError("the fold of a time is 0 or 1")
        tz = build_tz(node, decoder)
        if tz is not None and "fold" in node:
            raise DocumentError("in UTC no time of day comes twice; a time with a time zone has no fold")
        timestamp = cls(_time_of(node, "M"))
        if tz is not None:
            return timestamp.tz_localize("UTC").tz_convert(tz)
        return timestamp.replace(fold=fold) if fold else timestamp


class TimedeltaCodec(PandasCodec):
    """Durations: ``value`` in ``unit``."""

    name = "pandas.Timedelta"
    types = (name,)
    members = required = frozenset({"value", "unit"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        encoder.names.add(self.name)
        return {"$": self.name, "value": encode_data(np.asarray(obj.to_timedelta64())), "unit": obj.unit}

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        return cls(_time_of(node, "m"))


class PeriodCodec(PandasCodec):
    """Periods: how many of them, each as long as ``freq``, lie between 1970 and it."""

    name = "pandas.Period"
    types = (name,)
    members = required = frozenset({"ordinal", "freq"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, ordinal=obj.ordinal, freq=obj.freq)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        ordinal = int64_of(node, "ordinal")
        return cls(ordinal=ordinal, freq=build_offset(node, "freq", decoder))


class IntervalCodec(PandasCodec):
    """Intervals between two numbers, points in time or durations."""

    name = "pandas.Interval"
    types = (name,)
    members = required = frozenset({"left", "right", "closed"})
    shared = False

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder, left=obj.left, right=obj.right, closed=obj.closed)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        left, right = (build_member(node, member, decoder) for member in ("left", "right"))
        return cls(left, right, closed=choice_of(node, "closed", CLOSED))


class MissingCodec(PandasCodec):
    """One of the markers of missing values, which exists once."""

    shared = False

    def __init__(self, constant: str, *types: str) -> None:
        self.name = types[0]
        self.types = types
        self._constant = constant

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        return self.node(encoder)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        import pandas

        return getattr(pandas, self._constant)


CODECS: tuple[Codec, ...] = (
    TimestampCodec(),
    TimedeltaCodec(),
    PeriodCodec(),
    IntervalCodec(),
    MissingCodec("NaT", "pandas.api.typing.NaTType", "pandas._libs.NaTType"),
    MissingCodec("NA", "pandas.api.typing.NAType", "pandas._libs.missing.NAType"),
)
