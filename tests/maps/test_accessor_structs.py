"""Structs through an accessor: .NET's managed layout, elements a stride apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import pytest

from pyshm import MemoryMappedFile, Struct, TestData
from pyshm import types as t
from pyshm.errors import (
    ArgumentError,
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ClosedError,
    StructValueError,
    UnsupportedError,
)
from pyshm.maps.enums import MemoryMappedFileAccess


class Point(Struct, pack=1):
    x: t.Byte
    y: t.Int32


class Mixed(Struct):
    a: t.Byte
    b: t.Bool
    c: t.Char
    when: t.DateTime


@pytest.fixture
def accessor():
    with (
        MemoryMappedFile.create_new(None, 4096) as opened,
        opened.create_view_accessor(0, 4096) as accessor,
    ):
        yield accessor


def test_a_struct_is_written_in_its_managed_layout(accessor):
    value = Mixed(1, True, "€", datetime(2020, 1, 1, tzinfo=UTC))
    accessor.write(3, value)
    assert accessor.read(3, Mixed) == value
    assert bytes(accessor.buffer[3:7]) == b"\1\1\xac\x20"
    assert accessor.buffer[18] >> 6 == 1  # DateTimeKind.Utc


def test_a_struct_is_not_padded_to_its_stride(accessor):
    accessor.buffer[0:8] = b"\xee" * 8
    accessor.write(0, Point(1, 2))
    assert bytes(accessor.buffer[0:8]) == b"\1\2\0\0\0\xee\xee\xee"


def test_structs_are_a_stride_apart_and_the_bytes_between_them_stay(accessor):
    accessor.buffer[0:16] = b"\xee" * 16
    accessor.write_array(0, [Point(1, 2), Point(3, 4)])
    assert bytes(accessor.buffer[0:16]) == (b"\1\2\0\0\0\xee\xee\xee\3\4\0\0\0\xee\xee\xee")
    assert accessor.read_structs(0, Point, 2) == [Point(1, 2), Point(3, 4)]


def test_structs_are_read_into_a_list(accessor):
    accessor.write_array(0, [Point(1, 2), Point(3, 4)])
    found = [None] * 4
    assert accessor.read_array(0, found, 1, 2, element=Point) == 2
    assert found == [None, Point(1, 2), Point(3, 4), None]


def test_read_array_with_a_struct_type_is_deprecated(accessor):
    accessor.write_array(0, [Point(1, 2), Point(3, 4)])
    with pytest.warns(DeprecationWarning, match=r"use read_structs\(\)") as caught:
        assert accessor.read_array(0, Point, 2) == [Point(1, 2), Point(3, 4)]
    assert caught[0].filename == __file__


def test_read_structs_returns_fewer_structs_if_the_view_ends(accessor):
    end = accessor.capacity
    assert len(accessor.read_structs(end - 17, Point, 5)) == 2
    assert accessor.read_structs(end - 7, Point, 5) == []


def test_a_part_of_a_list_is_written(accessor):
    accessor.write_array(0, [Point(1), Point(2), Point(3)], 1, 1)
    assert accessor.read_structs(0, Point, 2) == [Point(2), Point(0)]


def test_a_struct_with_references_is_refused(accessor):
    for use in (
        lambda: accessor.read(0, TestData),
        lambda: accessor.write(0, TestData()),
        lambda: accessor.read_structs(0, TestData, 2),
        lambda: accessor.write_array(0, [TestData()]),
    ):
        with pytest.raises(ArgumentError, match="references"):
            use()


@pytest.mark.parametrize(
    ("before_the_end", "error"), [(4, ArgumentError), (0, ArgumentOutOfRangeError)]
)
def test_a_struct_must_be_inside_the_view(accessor, before_the_end, error):
    position = accessor.capacity - before_the_end
    with pytest.raises(error):
        accessor.read(position, Point)
    with pytest.raises(error):
        accessor.write(position, Point())
    with pytest.raises(ArgumentOutOfRangeError):
        accessor.read(-1, Point)


def test_structs_that_do_not_all_fit_are_not_written(accessor):
    position = accessor.capacity - 15
    with pytest.raises(ArgumentError):
        accessor.write_array(position, [Point(1, 2), Point(3, 4)])
    assert bytes(accessor.buffer[position:]) == bytes(15)


def test_a_value_that_does_not_fit_its_field_is_not_written(accessor):
    with pytest.raises(StructValueError):
        accessor.write(0, Point(1, 2**31))
    with pytest.raises(StructValueError):
        accessor.write_array(0, [Point(1, 2), Point(1, 2**31)])
    assert bytes(accessor.buffer[:16]) == bytes(16)


def test_a_list_of_two_types_is_refused(accessor):
    with pytest.raises(ArgumentError, match="element 1") as caught:
        accessor.write_array(0, [Point(), Mixed()])
    assert caught.value.field == "array[1]"


def test_a_list_without_a_struct_needs_its_element(accessor):
    with pytest.raises(ArgumentNullError, match="element="):
        accessor.write_array(0, [])
    accessor.write_array(0, [], element=Point)


def test_structs_follow_the_access_of_the_view():
    with MemoryMappedFile.create_new(None, 4096) as opened:
        with opened.create_view_accessor(0, 64, MemoryMappedFileAccess.READ) as accessor:
            assert accessor.read(0, Point) == Point()
            with pytest.raises(UnsupportedError):
                accessor.write(0, Point())
        with pytest.raises(ClosedError):
            accessor.read(0, Point)


def test_a_nested_array_of_the_managed_layout_is_inline_or_refused(accessor):
    class Inline(Struct):
        first: t.Byte
        numbers: Annotated[list[int], t.InlineArray(t.Int16, 3)]

    accessor.write(0, Inline(1, [2, 3, 4]))
    assert bytes(accessor.buffer[:8]) == b"\1\0\2\0\3\0\4\0"
    assert accessor.read(0, Inline) == Inline(1, [2, 3, 4])
