"""TimeSpan, DateOnly and TimeOnly; and the ticks that Python's dates and times do not have."""

# ruff: noqa: DTZ001 - .NET's ticks have no time zone

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import FormatError, StructValueError
from pyshm.structs import array, cdef, for_target, snapshot


class Span(Struct):
    span: t.TimeSpan
    day: t.DateOnly
    at: t.TimeOnly


class Spans(Struct):
    spans: Annotated[list[timedelta], t.InlineArray(t.TimeSpan, 2)]
    days: Annotated[list[date], t.ByValArray(t.DateOnly, 2)]
    maybe: Annotated[timedelta | None, t.Nullable(t.TimeSpan)]


class Moment(Struct):
    when: t.DateTime


# The bytes are those that .NET 10 wrote with Marshal.StructureToPtr.
GOLDEN = [
    (
        # new TimeSpan(1, 2, 3, 4, 5) + 7 ticks, 2020-02-29, 01:02:03 + 1234567 ticks
        "577f9f5bda000000 cb400b00 00000000 078e27ab08000000",
        (
            timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=5),
            date(2020, 2, 29),
            time(1, 2, 3, 123456),
        ),
    ),
    (
        # -1 tick, DateOnly.MaxValue, TimeOnly.MaxValue
        "ffffffffffffffff dab93700 00000000 ffbf692ac9000000",
        (timedelta(microseconds=-1), date.max, time.max),
    ),
    (
        # TimeSpan.MinValue
        "0000000000000080 00000000 00000000 0000000000000000",
        (timedelta(microseconds=-(2**63) // 10), date.min, time.min),
    ),
    (
        # TimeSpan.MaxValue
        "ffffffffffffff7f 00000000 00000000 0000000000000000",
        (timedelta(microseconds=2**63 // 10), date.min, time.min),
    ),
]


@pytest.mark.parametrize(("literal", "values"), GOLDEN)
def test_the_bytes_of_dotnet_are_a_timedelta_a_date_and_a_time(literal, values):
    data = bytes.fromhex(literal)
    for each in (Span.from_bytes(data), Span.view(bytearray(data)), snapshot(Span, data)):
        assert (each.span, each.day, each.at) == values
        assert isinstance(each.span, timedelta)
        assert type(each.day) is date
        assert isinstance(each.at, time)


@pytest.mark.parametrize(("literal", "values"), GOLDEN)
def test_a_value_that_was_read_is_written_with_all_its_ticks(literal, values):
    data = bytes.fromhex(literal)
    source = Span.from_bytes(data)
    assert Span(source.span, source.day, source.at).to_bytes() == data
    target = Span.view(bytearray(len(data)))
    target.span, target.day, target.at = source.span, source.day, source.at
    assert bytes(target) == data
    for copied in (copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))):
        assert Span(copied(source.span), source.day, copied(source.at)).to_bytes() == data
    assert dataclasses.replace(source, day=date.min).to_bytes()[:8] == data[:8]
    again = Span(*dataclasses.astuple(source))
    assert again.to_bytes() == data
    assert again == source
    lists = Spans.from_bytes(data[:8] * 2 + bytes(8) + b"\1" + bytes(7) + data[:8])
    assert Spans(lists.spans, lists.days, lists.maybe).to_bytes() == lists.to_bytes()
    assert lists.spans == [values[0]] * 2
    assert lists.maybe == values[0]


def test_a_new_value_is_written_in_ticks():
    value = Span(timedelta(seconds=-1, microseconds=1), date(1, 1, 2), time(0, 0, 1))
    assert value.to_bytes() == (
        (-9_999_990).to_bytes(8, "little", signed=True)
        + b"\1\0\0\0\0\0\0\0"
        + (10_000_000).to_bytes(8, "little")
    )
    assert Span().to_bytes() == bytes(24)
    assert (Span().span, Span().day, Span().at) == (timedelta(0), date.min, time.min)


def test_a_value_with_a_seventh_digit_shows_it():
    value = Span.from_bytes(bytes.fromhex(GOLDEN[0][0]))
    assert str(value.span) == "1 day, 2:03:04.0050007"
    assert repr(value.span) == "<timedelta 1 day, 2:03:04.0050007>"
    assert repr(value.at) == "<time 01:02:03.1234567>"
    assert str(Span.from_bytes((5).to_bytes(24, "little")).span) == "0:00:00.0000005"
    ticks = 637134336000000001
    when = Moment.managed.from_bytes((ticks | 1 << 62).to_bytes(8, "little")).when
    assert str(when) == "2020-01-01 00:00:00.0000001+00:00"
    assert repr(Span.from_bytes(bytes(24)).span) == "datetime.timedelta(0)"


def test_a_computed_value_is_an_ordinary_one():
    value = Span.from_bytes(bytes.fromhex(GOLDEN[0][0]))
    when = Moment.managed.from_bytes((637134336000000001).to_bytes(8, "little")).when
    assert type(value.span + timedelta(1)) is timedelta
    assert type(-value.span) is type(value.span * 2) is timedelta
    assert type(value.at.replace(hour=2)) is time
    assert type(when.replace(hour=2)) is datetime
    if sys.version_info >= (3, 13):
        assert type(copy.replace(when, hour=2)) is datetime
    assert type(when + timedelta(1)) is datetime
    assert when.astimezone(UTC).tzinfo is UTC
    assert type(when - when) is timedelta
    assert type(when.date()) is date
    assert when.isoformat() == "2020-01-01T00:00:00"


def test_two_values_of_different_ticks_are_not_equal():
    one, same, other = (
        Span.from_bytes(ticks.to_bytes(8, "little") + bytes(16)) for ticks in (15, 15, 16)
    )
    assert one == same
    assert one != other
    assert one.span == timedelta(microseconds=1)
    assert hash(one.span) == hash(timedelta(microseconds=1))
    assert {one.span, same.span} == {one.span}
    assert one.span < timedelta(microseconds=2)


@pytest.mark.parametrize("kind", range(4))
def test_every_bit_of_a_managed_date_is_written_back(kind):
    data = (637134336000000003 | kind << 62).to_bytes(8, "little")
    value = Moment.managed.from_bytes(data)
    assert Moment.managed.to_bytes(value) == data
    assert Moment.managed.to_bytes(Moment(value.when)) == data
    assert value.when.replace(tzinfo=None) == datetime(2020, 1, 1)


@pytest.mark.parametrize("days", [36526.1234567, -36526.1234567, -0.0, 0.25, -0.25, 2958465.9999])
def test_every_bit_of_an_automation_date_is_written_back(days):
    import struct

    data = struct.pack("<d", days)
    assert Moment(Moment.from_bytes(data).when).to_bytes() == data
    assert Moment.from_bytes(data).to_bytes() == data


def test_ticks_that_a_double_does_not_have_are_refused():
    when = Moment.managed.from_bytes((637134336000000003).to_bytes(8, "little")).when
    with pytest.raises(StructValueError, match="whole milliseconds"):
        Moment(when).to_bytes()
    assert Moment(when).to_bytes(strict=False) == Moment(datetime(2020, 1, 1)).to_bytes()


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("day", -1),
        ("day", 3_652_059),
        ("at", 864_000_000_000),
        ("at", -1),
    ],
)
def test_a_number_that_is_not_a_date_or_a_time_is_an_error_when_it_is_read(field, raw):
    start, size = {"day": (8, 4), "at": (16, 8)}[field]
    data = bytearray(24)
    data[start : start + size] = raw.to_bytes(size, "little", signed=True)
    value = Span.from_bytes(data)
    with pytest.raises(FormatError) as caught:
        getattr(value, field)
    assert caught.value.kind == "no-date"
    assert "<bytes " in repr(value)
    assert value.to_bytes() == data


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("span", 5, "Span must be a timedelta, not 5"),
        ("span", time(1), "must be a timedelta"),
        ("span", timedelta(days=10675200), "must be between -10675199 days"),
        ("span", -timedelta(days=10675200), "must be between -10675199 days"),
        ("day", 5, "Day must be a date, not 5"),
        ("day", datetime(2020, 1, 1), "must be a date"),
        ("at", 5, "At must be a time, not 5"),
        ("at", timedelta(1), "must be a time"),
        ("at", time(1, tzinfo=UTC), "must be naive"),
    ],
)
def test_another_value_is_refused(field, value, message):
    with pytest.raises(StructValueError, match=message):
        Span(**{field: value}).to_bytes()
    with pytest.raises(StructValueError, match=message):
        setattr(Span.view(bytearray(24)), field, value)


def test_a_date_before_the_year_1_in_utc_is_refused():
    with pytest.raises(StructValueError, match="in UTC"):
        Moment.managed.to_bytes(Moment(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))))


def test_they_are_numbers_to_c_and_to_numpy():
    data = bytes.fromhex(GOLDEN[0][0])
    ticks = ((26 * 60 + 3) * 60 + 4) * 10_000_000 + 50_007
    assert for_target(Span).flat.unpack_from(data) == (ticks, 737483, 37231234567)
    assert "int64_t span;" in cdef(Span)
    assert "uint64_t at;" in cdef(Span)
    numpy = pytest.importorskip("numpy")
    assert array(Span, data)[0].tolist()[1:] == (737483, 37231234567)
    assert numpy.asarray(Spans.view(bytearray(Spans.layout.size)).spans).dtype == numpy.dtype("i8")
