"""TimeSpan, DateOnly and TimeOnly, which have the same bytes in both layouts."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from struct import Struct as Codec
from struct import error as CodecError
from typing import Any

from ...errors import FormatError
from .base import Conversion, InvalidValue, wrong_type
from .exact import exact_bytes, exactly

__all__ = ["DateNumber", "TimeOfDay", "TimeSpanTicks"]

_LONG = Codec("<q")
_ULONG = Codec("<Q")
_INT = Codec("<i")
_TICKS_PER_SECOND = 10_000_000
_TICKS_PER_DAY = 86_400 * _TICKS_PER_SECOND
_MIDNIGHT = datetime(1, 1, 1)  # noqa: DTZ001 - TimeOnly has no time zone
_LAST_DAY = date.max.toordinal() - 1  # DateOnly counts from 0


class TimeSpanTicks(Conversion):
    """A timedelta: an int64 of ticks, which are 100 ns.

    A timedelta has whole microseconds. One that is read has the last digit, too (exact.py).
    """

    number = "q"
    canonical = True

    def __init__(self) -> None:
        super().__init__(8, "TimeSpan")

    def encode(self, value: Any) -> bytes:
        raw = exact_bytes(value, self.name)
        if raw is not None:
            return raw
        if not isinstance(value, timedelta):
            raise wrong_type(timedelta, value)
        seconds = value.days * 86_400 + value.seconds
        try:
            return _LONG.pack(seconds * _TICKS_PER_SECOND + value.microseconds * 10)
        except CodecError:
            limit = timedelta(microseconds=(1 << 63) // 10)
            raise InvalidValue(
                f"must be between -{limit} and {limit}, not {value}", value, limit
            ) from None

    def decode(self, raw: bytes) -> timedelta:
        microseconds, digit = divmod(_LONG.unpack(raw)[0], 10)
        value = timedelta(microseconds=microseconds)
        return exactly(value, digit, self.name, raw) if digit else value


class DateNumber(Conversion):
    """A date: an int32, the number of days since 0001-01-01."""

    number = "i"
    canonical = True

    def __init__(self) -> None:
        super().__init__(4, "DateOnly")

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise wrong_type(date, value)
        return _INT.pack(value.toordinal() - 1)

    def decode(self, raw: bytes) -> date:
        days = _INT.unpack(raw)[0]
        if not 0 <= days <= _LAST_DAY:
            raise FormatError(
                f"day {days} is not a date: 0 is 0001-01-01, and {_LAST_DAY} is 9999-12-31",
                kind="no-date",
                value=days,
                limit=_LAST_DAY,
            )
        return date.fromordinal(days + 1)


class TimeOfDay(Conversion):
    """A time: a number of ticks since midnight; like a TimeSpan, one that is read is exact."""

    number = "Q"
    canonical = True

    def __init__(self) -> None:
        super().__init__(8, "TimeOnly")

    def encode(self, value: Any) -> bytes:
        raw = exact_bytes(value, self.name)
        if raw is not None:
            return raw
        if not isinstance(value, time):
            raise wrong_type(time, value)
        if value.tzinfo is not None:
            raise InvalidValue(f"must be naive, because no time zone is stored, not {value}", value)
        seconds = value.hour * 3600 + value.minute * 60 + value.second
        return _ULONG.pack(seconds * _TICKS_PER_SECOND + value.microsecond * 10)

    def decode(self, raw: bytes) -> time:
        ticks = _ULONG.unpack(raw)[0]
        if ticks >= _TICKS_PER_DAY:
            raise FormatError(
                f"{ticks} ticks are not a time of day, which has less than {_TICKS_PER_DAY}",
                kind="no-date",
                value=ticks,
                limit=_TICKS_PER_DAY - 1,
            )
        microseconds, digit = divmod(ticks, 10)
        value = (_MIDNIGHT + timedelta(microseconds=microseconds)).time()
        return exactly(value, digit, self.name, raw) if digit else value
