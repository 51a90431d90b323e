"""DateTime: marshalled as an OLE automation date, and in .NET's own memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from struct import Struct as Codec
from typing import Any

from ...errors import FormatError
from .base import Conversion, InvalidValue, wrong_type
from .exact import exact_bytes, exactly

__all__ = ["OleDate", "Ticks"]

_DOUBLE = Codec("<d")
_ULONG = Codec("<Q")
_TICKS_PER_DAY = 864_000_000_000  # of 100 ns
_MILLIS_PER_DAY = 86_400_000
_DAYS_TO_1899 = 693_593  # from 0001-01-01 to 1899-12-30
_MAX_MILLIS = 3_652_059 * _MILLIS_PER_DAY  # from 0001-01-01 to 10000-01-01
_FIRST_OLE_DATE = (36_524 - 365) * _TICKS_PER_DAY  # 0100-01-01
_KIND_SHIFT = 62  # the two highest bits are the DateTimeKind


def _to_ticks(value: datetime) -> int:
    """Return the date and the time of day as ticks since 0001-01-01; the time zone is ignored."""
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    days = value.toordinal() - 1
    return days * _TICKS_PER_DAY + seconds * 10_000_000 + value.microsecond * 10


def _from_ticks(ticks: int) -> datetime:
    return datetime(1, 1, 1) + timedelta(microseconds=ticks // 10)  # noqa: DTZ001 - a naive one is meant


class OleDate(Conversion):
    """DateTime as it is marshalled: days since 1899-12-30 in a double, whole milliseconds.

    The steps are those of .NET's DateTime.ToOADate and FromOADate. The smallest datetime means
    "no date" and is stored as 0.
    https://learn.microsoft.com/dotnet/api/system.datetime.tooadate
    """

    number = "d"

    def __init__(self, strict: bool) -> None:
        super().__init__(8, "DateTime")
        self._strict = strict

    def zero(self) -> datetime:
        """Return .NET's default(DateTime), which is stored as zeros."""
        return datetime(1, 1, 1)  # noqa: DTZ001 - a naive one is meant

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, datetime):
            raise wrong_type(datetime, value)
        if self._strict:
            raw = exact_bytes(value, "date")
            if raw is not None:
                return raw
            if value.tzinfo is not None:
                raise InvalidValue(
                    f"must be naive, because no time zone is stored, not {value}", value
                )
            if value.microsecond % 1000 or getattr(value, "digit", 0):
                raise InvalidValue(f"must be whole milliseconds, not {value}", value)
        ticks = _to_ticks(value)
        if ticks == 0:
            return bytes(8)
        if ticks < _TICKS_PER_DAY and not self._strict:
            ticks += _DAYS_TO_1899 * _TICKS_PER_DAY  # .NET stores a bare time as one of 1899-12-30
        if ticks < _FIRST_OLE_DATE:
            raise InvalidValue(
                f"must not be before the year 100, but is {value}", value, "0100-01-01"
            )
        # C#'s division rounds towards zero.
        millis = abs(ticks - _DAYS_TO_1899 * _TICKS_PER_DAY) // 10_000
        if ticks < _DAYS_TO_1899 * _TICKS_PER_DAY:
            within_day = millis % _MILLIS_PER_DAY
            millis = -millis
            if within_day:
                # Before 1899-12-30 the days are negative, but the time of day counts forward.
                millis -= (_MILLIS_PER_DAY - within_day) * 2
        return _DOUBLE.pack(millis / _MILLIS_PER_DAY)

    def decode(self, raw: bytes) -> datetime:
        days = _DOUBLE.unpack(raw)[0]
        if not -657_435.0 < days < 2_958_466.0:
            raise _not_a_date(f"{days} is not an OLE automation date")
        rounded = millis = int(days * _MILLIS_PER_DAY + (0.5 if days >= 0 else -0.5))
        if millis < 0:
            millis += (-millis % _MILLIS_PER_DAY) * 2
        millis += _DAYS_TO_1899 * _MILLIS_PER_DAY
        if not 0 <= millis < _MAX_MILLIS:
            raise _not_a_date(f"{days} is not an OLE automation date")
        value = _from_ticks(millis * 10_000)
        is_exact = rounded > 0 and rounded / _MILLIS_PER_DAY == days
        if is_exact or not self._strict or self.encode(value) == raw:
            return value
        return exactly(value, 0, "date", raw)  # type: ignore[no-any-return]


class Ticks(Conversion):
    """DateTime in .NET's own memory: 62 bits of ticks, and two bits of DateTimeKind.

    Kind Unspecified is a naive datetime, Utc a datetime in UTC, and Local one in the time zone
    ``local_zone.LOCAL``. A tick is 100 ns. A datetime has whole microseconds; one that is read has
    the last digit, too (exact.py).
    """

    number = "Q"

    def __init__(self) -> None:
        super().__init__(8, "DateTime")

    def encode(self, value: Any) -> bytes:
        raw = exact_bytes(value, "ticks")
        if raw is not None:
            return raw
        if not isinstance(value, datetime):
            raise wrong_type(datetime, value)
        kind = 0
        if value.tzinfo is not None:
            from .local_zone import LOCAL

            if value.tzinfo is LOCAL:
                kind = 3 if LOCAL.is_ambiguous(value) and not value.fold else 2
            else:
                try:
                    value = value.astimezone(UTC)
                except OverflowError:
                    raise InvalidValue(
                        f"must be between the years 1 and 9999 in UTC, not {value}", value
                    ) from None
                kind = 1
        return _ULONG.pack(_to_ticks(value) | kind << _KIND_SHIFT)

    def decode(self, raw: bytes) -> datetime:
        number = _ULONG.unpack(raw)[0]
        kind, ticks = number >> _KIND_SHIFT, number & (1 << _KIND_SHIFT) - 1
        if ticks >= _MAX_MILLIS * 10_000:
            raise _not_a_date(f"{ticks} ticks are after the year 9999")
        value = _of_kind(_from_ticks(ticks), kind)
        is_exact = ticks % 10 == 0 and (kind < 3 or self.encode(value) == raw)
        return value if is_exact else exactly(value, ticks % 10, "ticks", raw)


def _of_kind(value: datetime, kind: int) -> datetime:
    if kind == 0:
        return value
    from .local_zone import LOCAL

    if kind == 1:
        return value.replace(tzinfo=UTC)
    # When summer time ends, the clock shows one hour twice; kind 3 is the first of the two.
    return value.replace(tzinfo=LOCAL, fold=int(kind == 2 and LOCAL.is_ambiguous(value)))


def _not_a_date(message: str) -> FormatError:
    return FormatError(message, kind="no-date")
