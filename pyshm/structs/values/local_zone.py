"""The system's own time zone as a tzinfo: what .NET calls DateTimeKind.Local."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo

__all__ = ["LOCAL"]


class _Local(tzinfo):
    """Asks the system, as ``datetime.astimezone()`` does."""

    def utcoffset(self, value: datetime | None, /) -> timedelta | None:
        return None if value is None else self._there(value).utcoffset()

    def dst(self, value: datetime | None, /) -> timedelta | None:
        return None if value is None else self._there(value).dst()

    def tzname(self, value: datetime | None, /) -> str | None:
        return None if value is None else self._there(value).tzname()

    def fromutc(self, value: datetime, /) -> datetime:
        there = value.replace(tzinfo=UTC).astimezone()
        return there.replace(tzinfo=self)

    def is_ambiguous(self, value: datetime) -> bool:
        """Whether the clock shows that time twice, as when summer time ends."""
        first, second = (self._there(value.replace(fold=fold)).utcoffset() for fold in (0, 1))
        return first is not None and second is not None and first > second

    def _there(self, value: datetime) -> datetime:
        naive = value.replace(tzinfo=None)
        try:
            return naive.astimezone()
        except (OverflowError, OSError, ValueError):  # the system knows no such year
            return naive.replace(tzinfo=timezone(timedelta(seconds=-time.timezone)))

    def __repr__(self) -> str:
        return "LOCAL"

    def __reduce__(self) -> str:
        return "LOCAL"


LOCAL = _Local()
