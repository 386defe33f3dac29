"""pandas' date offsets, such as the frequency of a DatetimeIndex."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import numpy as np

from reflectio.codec import Codec, Node, ObjectNode
from reflectio.codecs.pandas_nodes import PandasCodec, bool_of, build_member, int64_of
from reflectio.decoder import Decoder
from reflectio.encoder import Encoder
from reflectio.errors import DocumentError, ValidationError

_MODULE = "pandas.tseries.offsets"

# pandas applies these by one multiplication, whatever their count.
_TICKS = frozenset({"Day", "Hour", "Minute", "Second", "Milli", "Micro", "Nano"})

# It steps through the others one by one, so that a large count would be a way to keep a reader busy.
_MOST_STEPS = 100_000


def _between(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _all(kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) is tuple and all(type(item) is kind for item in value)


def _is_text(value: Any) -> bool:
    return type(value) is str


# Compiled code looks up the lengths of months by some of these numbers.
_PARAMETERS: dict[str, Callable[[Any], bool]] = {
    "weekday": _between(0, 6),
    "startingMonth": _between(1, 12),
    "month": _between(1, 12),
    "day_of_month": _between(1, 31),
    "week": _between(0, 3),
    "qtr_with_extra_week": _between(1, 4),
    "method": _between(1, 3),
    "variation": _is_text,
    "weekmask": _is_text,
    "holidays": _all(np.datetime64),
    "start": _all(time),
    "end": _all(time),
    "offset": lambda value: type(value) is timedelta,
}

# What `pandas.DateOffset` takes: parts of a calendar date to set, and spans of time to add.
_PARTS = (
    "year",
    "month",
    "day",
    "weekday",
    "hour",
    "minute",
    "second",
    "millisecond",
    "microsecond",
    "nanosecond",
)
_SPANS = ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
_SMALL_SPANS = ("milliseconds", "microseconds", "nanoseconds")
_DATE_PARAMETERS = dict.fromkeys((*_PARTS, *_SPANS, *_SMALL_SPANS), _between(-(2**31), 2**31))

_NONE: frozenset[str] = frozenset()
_BUSINESS = frozenset({"offset"})
_HOURS = frozenset({"start", "end", "offset"})
_CUSTOM = frozenset({"weekmask", "holidays", "offset"})
_QUARTER = frozenset({"startingMonth"})
_YEAR = frozenset({"month"})
_FISCAL = frozenset({"weekday", "startingMonth", "variation"})

# Every offset, with the parameters that it has besides its count and whether it normalizes.
_OFFSETS: dict[str, frozenset[str]] = {
    **dict.fromkeys(sorted(_TICKS), _NONE),
    **dict.fromkeys(("MonthBegin", "MonthEnd", "BusinessMonthBegin", "BusinessMonthEnd"), _NONE),
    **dict.fromkeys(("QuarterBegin", "QuarterEnd", "BQuarterBegin", "BQuarterEnd"), _QUARTER),
    **dict.fromkeys(("HalfYearBegin", "HalfYearEnd", "BHalfYearBegin", "BHalfYearEnd"), _QUARTER),
    **dict.fromkeys(("YearBegin", "YearEnd", "BYearBegin", "BYearEnd"), _YEAR),
    **dict.fromkeys(("SemiMonthBegin", "SemiMonthEnd"), frozenset({"day_of_month"})),
    **dict.fromkeys(("CustomBusinessDay", "CustomBusinessMonthBegin", "CustomBusinessMonthEnd"), _CUSTOM),
    "BusinessDay": _BUSINESS,
    "BusinessHour": _HOURS,
    "CustomBusinessHour": _CUSTOM | _HOURS,
    "Week": frozenset({"weekday"}),
    "WeekOfMonth": frozenset({"week", "weekday"}),
    "LastWeekOfMonth": frozenset({"weekday"}),
    "Easter": frozenset({"method"}),
    "FY5253": _FISCAL,
    "FY5253Quarter": _FISCAL | {"qtr_with_extra_week"},
}


class OffsetCodec(PandasCodec):
    """
    Offsets of one class: ``n``, how often they are applied, ``normalize``, and the parameters of the class.

    Parameters
    ----------
    name : str
        The public name of the class.
    parameters : dict of str to callable
        The parameters, each with what its values must satisfy.
    """

    required = frozenset({"n"})
    shared = False

    def __init__(self, name: str, parameters: dict[str, Callable[[Any], bool]]) -> None:
        self.name = name
        self.types = (name,)
        self.members = frozenset({"n", "normalize", *parameters})
        self._parameters = parameters
        self._is_tick = name.rpartition(".")[2] in _TICKS

    def encode(self, obj: Any, encoder: Encoder) -> Node:
        parameters = dict(obj.kwds)
        calendar = parameters.pop("calendar", None)
        if calendar is not None and not _follows(calendar, parameters):
            raise encoder.refuse(
                "an offset with a calendar of its own; give it the weekmask and the holidays instead"
            )
        for name, value in parameters.items():
            if name not in self._parameters or not self._parameters[name](value):
                raise encoder.refuse(
                    f"the parameter {name} of this {type(obj).__qualname__}, {value!r}, has no plain form that "
                    "can be written"
                )
        return self.node(encoder, n=obj.n, normalize=obj.normalize or None, **parameters)

    def build(self, node: ObjectNode, cls: Any, decoder: Decoder) -> Any:
        parameters = {name: build_member(node, name, decoder) for name in node.keys() - {"n", "normalize"}}
        for name, value in parameters.items():
            if not self._parameters[name](value):
                raise ValidationError(f"the parameter {name} of a {self.name} cannot be {value!r}")
        n = int64_of(node, "n")
        if not self._is_tick and abs(n) > _MOST_STEPS:
            raise ValidationError(f"an offset of {n} steps; at most {_MOST_STEPS} are allowed")
        return cls(n, normalize=bool_of(node, "normalize", False), **parameters)


def _follows(calendar: Any, parameters: dict[str, Any]) -> bool:
    """Whether a calendar is what the weekmask and the holidays say."""
    again = np.busdaycalendar(parameters.get("weekmask", "1111100"), parameters.get("holidays", ()))
    return bool(
        np.array_equal(again.weekmask, calendar.weekmask)
        and np.array_equal(again.holidays, calendar.holidays)
    )


def build_offset(node: ObjectNode, member: str, decoder: Decoder) -> Any:
    """A member of a node that must be an offset."""
    from pandas.tseries.offsets import BaseOffset

    offset = build_member(node, member, decoder)
    if not isinstance(offset, BaseOffset):
        raise DocumentError(f"{member} must be an offset, such as {_MODULE}.MonthEnd")
    return offset


CODECS: tuple[Codec, ...] = (
    OffsetCodec("pandas.DateOffset", _DATE_PARAMETERS),
    *(
        OffsetCodec(
            f"{_MODULE}.{name}", {parameter: _PARAMETERS[parameter] for parameter in sorted(parameters)}
        )
        for name, parameters in _OFFSETS.items()
    ),
)
