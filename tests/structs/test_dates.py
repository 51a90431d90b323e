"""Dates: OLE automation dates, and .NET's ticks in the managed layout."""

# ruff: noqa: DTZ001 - .NET's dates have no time zone after they were marshalled

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import FormatError, StructValueError
from pyshm.structs.values.local_zone import LOCAL


class Moment(Struct):
    when: t.DateTime


# .NET: DateTime.ToOADate
DATES = [
    (datetime(1899, 12, 30), 0.0),
    (datetime(1899, 12, 31), 1.0),
    (datetime(1899, 12, 29), -1.0),
    (datetime(1899, 12, 29, 6), -1.25),
    (datetime(1899, 12, 29, 18), -1.75),
    (datetime(2000, 1, 1, 12), 36526.5),
    (datetime(100, 1, 1), -657434.0),
    (datetime(9999, 12, 31, 23, 59, 59, 999000), 2958465.9999999884),
]


@pytest.mark.parametrize(("when", "days"), DATES)
def test_a_date_is_the_double_of_ole_automation(when, days):
    assert struct.unpack("<d", Moment(when).to_bytes()) == (days,)
    assert Moment.from_bytes(struct.pack("<d", days)).when == when


@pytest.mark.parametrize(
    ("days", "when"),
    [
        (0.00000001, datetime(1899, 12, 30, 0, 0, 0, 1000)),
        (0.000000005, datetime(1899, 12, 30)),
        (-0.5, datetime(1899, 12, 30, 12)),
        (-1.0000000001, datetime(1899, 12, 29)),
    ],
)
def test_a_double_is_rounded_to_milliseconds_as_fromoadate_does(days, when):
    assert Moment.from_bytes(struct.pack("<d", days)).when == when


@pytest.mark.parametrize("days", [-657435.0, 2958466.0, float("nan"), float("inf"), 1e300])
def test_a_double_that_is_not_a_date_is_an_error_when_it_is_read(days):
    value = Moment.from_bytes(struct.pack("<d", days))
    with pytest.raises(FormatError, match="not an OLE automation date") as caught:
        value.when  # noqa: B018
    assert caught.value.kind == "no-date"


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (datetime(99, 12, 31), "before the year 100"),
        (datetime(1, 1, 1, 5), "before the year 100"),
        (datetime(2020, 1, 1, microsecond=1), "whole milliseconds"),
        (datetime(2020, 1, 1, tzinfo=UTC), "naive"),
        ("2020-01-01", "must be a datetime"),
        (None, "must be a datetime"),
    ],
)
def test_a_date_that_would_be_changed_is_refused(when, message):
    value = Moment()
    value.when = when
    with pytest.raises(StructValueError, match=message):
        value.to_bytes()


def test_without_strict_a_date_loses_what_a_double_does_not_have():
    def days(when):
        return struct.unpack("<d", Moment(when).to_bytes(strict=False))[0]

    assert days(datetime(2000, 1, 1, microsecond=999)) == 36526.0
    assert days(datetime(2000, 1, 1, 12, tzinfo=UTC)) == 36526.5
    assert days(datetime(1, 1, 1, 6)) == 0.25  # a time of day without a date


def test_a_managed_date_has_ticks_and_a_kind():
    ticks = 637134336000000000  # 2020-01-01
    naive, utc = datetime(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC)
    east = datetime(2020, 1, 1, 3, tzinfo=timezone(timedelta(hours=3)))
    for when, kind in ((naive, 0), (utc, 1), (east, 1), (naive.replace(tzinfo=LOCAL), 2)):
        data = Moment.managed.to_bytes(Moment(when))
        assert int.from_bytes(data, "little") == ticks | kind << 62
        assert Moment.managed.from_bytes(data).when == when
    assert Moment.managed.from_bytes(data).when.tzinfo is LOCAL


def test_the_kind_distinguishes_two_times_that_the_clock_shows_alike(monkeypatch):
    import time

    if not hasattr(time, "tzset"):
        pytest.skip("the time zone can't be set for one process")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        twice = datetime(2020, 10, 25, 2, 30, tzinfo=LOCAL)
        for fold, kind in ((0, 3), (1, 2)):
            data = Moment.managed.to_bytes(Moment(twice.replace(fold=fold)))
            assert data[7] >> 6 == kind
            assert Moment.managed.from_bytes(data).when.fold == fold
        assert twice.astimezone(UTC) == datetime(2020, 10, 25, 0, 30, tzinfo=UTC)
        assert twice.replace(fold=1).astimezone(UTC) == datetime(2020, 10, 25, 1, 30, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_ticks_after_the_year_9999_are_an_error():
    with pytest.raises(FormatError, match="ticks"):
        Moment.managed.from_bytes(b"\xff" * 7 + b"\x3f")
