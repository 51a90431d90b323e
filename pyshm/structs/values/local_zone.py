"""The system's time zone as a tzinfo, which .NET calls DateTimeKind.Local."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo

__all__ = ["LOCAL"]


class _Local(tzinfo):
    """Asks the system about each date, as ``datetime.astimezone()`` does."""

    def utcoffset(self, value: datetime | None, /) -> timedelta | None:
        return None if value is None else self._localized(value).utcoffset()

    def dst(self, value: datetime | None, /) -> timedelta | None:
        return None if value is None else self._localized(value).dst()

    def tzname(self, value: datetime | None, /) -> str | None:
        return None if value is None else self._localized(value).tzname()

    def fromutc(self, value: datetime, /) -> datetime:
        return value.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)

    def is_ambiguous(self, value: datetime) -> bool:
        """Return whether the clock shows this time twice, as when summer time ends."""
        first, second = (self._localized(value.replace(fold=fold)).utcoffset() for fold in (0, 1))
        return first is not None and second is not None and first > second

    def _localized(self, value: datetime) -> datetime:
        naive = value.replace(tzinfo=None)
        try:
            return naive.astimezone()
        except (OverflowError, OSError, ValueError):  # a year that the system can't convert
            return naive.replace(tzinfo=timezone(timedelta(seconds=-time.timezone)))

    def __repr__(self) -> str:
        return "LOCAL"

    def __reduce__(self) -> str:
        return "LOCAL"


LOCAL = _Local()
