"""DateTime, marshalled and in .NET's own memory."""

from __future__ import annotations

from struct import Struct as Codec
from typing import TYPE_CHECKING, Any

from ...errors import FormatError
from .base import Conversion, InvalidValue

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["OleDate", "Ticks"]

_DOUBLE = Codec("<d")
_ULONG = Codec("<Q")
_TICKS_A_DAY = 864_000_000_000
_MILLIS_A_DAY = 86_400_000
_TO_1899 = 693_593  # days from 0001-01-01 to 1899-12-30
_MAX_MILLIS = 3_652_059 * _MILLIS_A_DAY
_FIRST = (36_524 - 365) * _TICKS_A_DAY  # 0100-01-01
_KIND = 62  # the bits of a DateTime above its ticks


def _ticks(value: datetime) -> int:
    """100 ns since 0001-01-01 as the clock shows them."""
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    days = value.toordinal() - 1
    return days * _TICKS_A_DAY + seconds * 10_000_000 + value.microsecond * 10


def _from_ticks(ticks: int) -> datetime:
    from datetime import datetime, timedelta

    return datetime(1, 1, 1) + timedelta(microseconds=ticks // 10)  # noqa: DTZ001 - a naive one is meant


def _check_datetime(value: Any) -> None:
    from datetime import datetime

    if not isinstance(value, datetime):
        raise InvalidValue(f"must be a datetime, not {value!r}", value)


class OleDate(Conversion):
    """DateTime as it is marshalled: days since 1899-12-30 in a double, whole milliseconds.

    .NET's DateTime.ToOADate and FromOADate, step by step. The smallest datetime stands for
    "none" and is stored as 0.
    https://learn.microsoft.com/dotnet/api/system.datetime.tooadate
    """

    def __init__(self, exact: bool) -> None:
        super().__init__(8, "DateTime")
        self._exact = exact

    def zero(self) -> datetime:
        """.NET's default(DateTime), which is stored as zeros."""
        from datetime import datetime

        return datetime(1, 1, 1)  # noqa: DTZ001 - a naive one is meant

    def encode(self, value: Any) -> bytes:
        _check_datetime(value)
        if not self._exact:
            if value.tzinfo is not None:
                raise InvalidValue(
                    f"must be naive: it is stored without a time zone; {value}", value
                )
            if value.microsecond % 1000:
                raise InvalidValue(f"must be whole milliseconds, not {value}", value)
        ticks = _ticks(value)
        if ticks == 0:
            return bytes(8)
        if ticks < _TICKS_A_DAY and self._exact:
            ticks += _TO_1899 * _TICKS_A_DAY  # a time alone is one of 1899-12-30
        if ticks < _FIRST:
            raise InvalidValue(
                f"must not be before the year 100, but is {value}", value, "0100-01-01"
            )
        # C#'s division rounds towards zero.
        millis = abs(ticks - _TO_1899 * _TICKS_A_DAY) // 10_000
        if ticks < _TO_1899 * _TICKS_A_DAY:
            within = millis % _MILLIS_A_DAY
            millis = -millis
            if within:
                # Before 1899-12-30 the days count down, and the time of day still up.
                millis -= (_MILLIS_A_DAY - within) * 2
        return _DOUBLE.pack(millis / _MILLIS_A_DAY)

    def decode(self, raw: bytes) -> datetime:
        days = _DOUBLE.unpack(raw)[0]
        if not -657_435.0 < days < 2_958_466.0:
            raise _no_date(f"{days} is no OLE automation date")
        millis = int(days * _MILLIS_A_DAY + (0.5 if days >= 0 else -0.5))
        if millis < 0:
            millis += (-millis % _MILLIS_A_DAY) * 2
        millis += _TO_1899 * _MILLIS_A_DAY
        if not 0 <= millis < _MAX_MILLIS:
            raise _no_date(f"{days} is no OLE automation date")
        return _from_ticks(millis * 10_000)


class Ticks(Conversion):
    """DateTime in .NET's own memory: 62 bits of ticks, two of kind.

    Kind Unspecified is a naive datetime, Utc one in UTC, Local one in the zone of
    local_zone.LOCAL. A tick is 100 ns: the last digit is not in the datetime, but stays in the
    memory as long as the field is not assigned to.
    """

    def __init__(self) -> None:
        super().__init__(8, "DateTime")

    def encode(self, value: Any) -> bytes:
        _check_datetime(value)
        kind = 0
        if value.tzinfo is not None:
            from datetime import UTC

            from .local_zone import LOCAL

            if value.tzinfo is LOCAL:
                kind = 3 if LOCAL.is_ambiguous(value) and not value.fold else 2
            else:
                value = value.astimezone(UTC)
                kind = 1
        return _ULONG.pack(_ticks(value) | kind << _KIND)

    def decode(self, raw: bytes) -> datetime:
        number = _ULONG.unpack(raw)[0]
        kind, ticks = number >> _KIND, number & (1 << _KIND) - 1
        if ticks >= _MAX_MILLIS * 10_000:
            raise _no_date(f"{ticks} ticks are behind the year 9999")
        value = _from_ticks(ticks)
        if kind == 0:
            return value
        from datetime import UTC

        from .local_zone import LOCAL

        if kind == 1:
            return value.replace(tzinfo=UTC)
        # 3 is the earlier one, in summer time, of two times that the clock shows alike.
        return value.replace(tzinfo=LOCAL, fold=int(kind == 2 and LOCAL.is_ambiguous(value)))


def _no_date(story: str) -> FormatError:
    return FormatError(story, kind="no-date")
