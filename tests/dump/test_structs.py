"""The annotated dump of structs: nested structs, arrays, padding, overlapping fields."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import Annotated
from uuid import UUID

import pytest

from pyshm import Struct, dump
from pyshm.dump.text import json_value
from pyshm.errors import ArgumentError, TruncatedError
from pyshm.types import Bool, Byte, ByValArray, Double, Int16, Int32


class Point(Struct):
    flag: Byte
    x: Double


class Arm(Struct, size=48):
    base_point: Point
    joints: Annotated[list[int], ByValArray(Int16, 3)]
    on: Bool


def found(data, kind, **options):
    return dump.annotate(memoryview(data), kind, **options)


def placed(data, kind, **options):
    return [
        (region.name, region.offset, region.size, region.role)
        for region in found(data, kind, **options).regions
    ]


def test_nested_fields_have_dotted_names_elements_have_an_index_and_gaps_are_padding():
    assert placed(bytes(50), Arm) == [
        ("BasePoint.Flag", 0, 1, "field"),
        ("padding", 1, 7, "padding"),
        ("BasePoint.X", 8, 8, "field"),
        ("Joints[0]", 16, 2, "field"),
        ("Joints[1]", 18, 2, "field"),
        ("Joints[2]", 20, 2, "field"),
        ("padding", 22, 2, "padding"),
        ("On", 24, 4, "field"),
        ("padding", 28, 20, "padding"),
        ("stale", 48, 2, "stale"),
    ]


def test_each_field_has_its_value():
    data = Arm(Point(7, 0.5), [1, -2, 3], True).to_bytes()
    fields = [region for region in found(data, Arm).regions if region.role == "field"]
    assert [region.value for region in fields] == [7, 0.5, 1, -2, 3, True]
    assert [region.note for region in fields][:3] == [
        "BasePoint.Flag = 7",
        "BasePoint.X = 0.5",
        "Joints[0] = 1",
    ]


def test_the_kind_is_the_name_of_the_struct():
    assert found(bytes(16), Point)[:2] == ("Point", 16)


def test_structs_in_a_row_have_an_index():
    data = Point(1, 0.5).to_bytes() + Point(2, 1.5).to_bytes() + b"x"
    result = found(data, Point, count=2)
    assert result.kind == "Point[2]"
    assert [(region.name, region.value) for region in result.regions] == [
        ("[0].Flag", 1),
        ("padding", None),
        ("[0].X", 0.5),
        ("[1].Flag", 2),
        ("padding", None),
        ("[1].X", 1.5),
        ("stale", None),
    ]


@pytest.mark.parametrize(("count", "size"), [(1, 15), (2, 31)])
def test_the_error_of_too_few_bytes_says_how_many_are_needed(count, size):
    with pytest.raises(TruncatedError, match=rf"Point needs .* bytes; there are {size}") as caught:
        found(bytes(size), Point, count=count)
    assert (caught.value.field, caught.value.limit) == ("Point", 16 * count)


def test_long_padding_is_cut_like_stale_bytes():
    class Wide(Struct, size=200):
        a: Int32

    buffer = memoryview(bytes(200))
    lines = list(dump.as_text(buffer, dump.annotate(buffer, Wide), "map"))
    assert lines[2].endswith("padding (196 bytes)")
    assert lines[-1] == "          … 132 more bytes"


class Union(Struct):
    """A struct with fields at given offsets; ``read`` returns its values."""

    whole: Int32
    low: Int16
    high: Int16
    tail: Int32


def put(monkeypatch, places, size, read=lambda: Union(1, 2, 3, 4)):
    fields = [
        SimpleNamespace(name=name.lower(), dotnet_name=name, offset=offset, size=width)
        for name, offset, width in places
    ]
    monkeypatch.setattr(Union, "layout", SimpleNamespace(size=size, fields=fields))
    monkeypatch.setattr(Union, "unpack_from", staticmethod(lambda buffer, offset=0: read()))


OVERLAPPING = [("Whole", 0, 4), ("Low", 0, 2), ("High", 2, 2), ("Tail", 8, 4)]


def test_bytes_that_fields_share_are_shown_once_with_all_readings(monkeypatch):
    put(monkeypatch, OVERLAPPING, 12)
    buffer = memoryview(bytes(range(12)))
    assert list(dump.as_text(buffer, dump.annotate(buffer, Union), "m"))[1:] == [
        (
            "00000000  00 01 02 03                                      ....              "
            "Whole = 1 | Low = 2 | High = 3"
        ),
        (
            "00000004  04 05 06 07                                      ....              "
            "padding (4 bytes)"
        ),
        "00000008  08 09 0a 0b                                      ....              Tail = 4",
    ]


def test_in_json_each_overlapping_field_has_an_entry(monkeypatch):
    put(monkeypatch, OVERLAPPING, 12)
    fields = dump.as_json(found(bytes(12), Union), "m")["fields"]
    assert [tuple(field.values()) for field in fields] == [
        ("Whole", 0, 4, 1),
        ("Low", 0, 2, 2),
        ("High", 2, 2, 3),
        ("padding", 4, 4, None),
        ("Tail", 8, 4, 4),
    ]


def test_a_chain_of_overlaps_is_one_region(monkeypatch):
    put(monkeypatch, [("Tail", 3, 4), ("Whole", 0, 4), ("High", 6, 2)], 8)
    assert placed(bytes(8), Union) == [("Whole | Tail | High", 0, 8, "field")]


def test_fields_that_touch_do_not_overlap(monkeypatch):
    put(monkeypatch, [("Low", 2, 2), ("High", 0, 2)], 4)
    assert [name for name, *_ in placed(bytes(4), Union)] == ["High", "Low"]


def test_a_short_field_inside_a_long_one_does_not_end_the_region(monkeypatch):
    put(monkeypatch, [("Whole", 0, 4), ("Low", 0, 2), ("High", 3, 2)], 8)
    assert placed(bytes(8), Union) == [
        ("Whole | Low | High", 0, 5, "field"),
        ("padding", 5, 3, "padding"),
    ]


def test_invalid_values_are_shown_as_bytes_with_the_reason(monkeypatch):
    def refuse():
        raise ArgumentError("0x00ff00ff: invalid decimal flags")

    put(monkeypatch, [("Low", 0, 2), ("High", 2, 2)], 6, refuse)
    result = found(bytes(7), Union)
    assert result.remark == "Low has no valid value: 0x00ff00ff: invalid decimal flags"
    assert [(region.note, region.value) for region in result.regions] == [
        ("Low (2 bytes)", None),
        ("High (2 bytes)", None),
        ("padding (2 bytes)", None),
        ("stale (1 bytes)", None),
    ]


def test_a_field_with_an_invalid_value_does_not_hide_the_others(monkeypatch):
    class Picky:
        """Decodes a field when it is read."""

        low = 5

        def __init__(self):
            self.layout = Union.layout

        @property
        def high(self):
            raise ArgumentError("no such decimal")

    put(monkeypatch, [("Low", 0, 2), ("High", 2, 2)], 4, Picky)
    result = found(bytes(4), Union)
    assert result.remark == "High has no valid value: no such decimal"
    assert [region.note for region in result.regions] == ["Low = 5", "High (2 bytes)"]


class Gear(IntEnum):
    FIRST = 1


class Mode(Enum):
    FAST = "f"


@pytest.mark.parametrize(
    ("value", "note", "coded"),
    [
        (True, "Tail = True", True),
        (1.5, "Tail = 1.5", 1.5),
        (math.nan, "Tail = nan", "nan"),
        (-math.inf, "Tail = -inf", "-inf"),
        ('a"é\t', 'Tail = "a\\"é\\t"', 'a"é\t'),
        (b"\x01\xff", "Tail = 01 ff", "01ff"),
        (None, "Tail = None", None),
        (Gear.FIRST, "Tail = FIRST (1)", 1),
        (Mode.FAST, "Tail = FAST (f)", "f"),
        (Decimal("1.50"), "Tail = 1.50", "1.50"),
        (UUID(int=1), f"Tail = {UUID(int=1)}", str(UUID(int=1))),
        ([], "Tail = []", []),
    ],
)
def test_a_value_of_any_type_has_a_note_and_a_json_form(monkeypatch, value, note, coded):
    put(monkeypatch, [("Tail", 0, 4)], 4, lambda: Union(tail=value) if value is not None else EMPTY)
    (region,) = found(bytes(4), Union).regions
    assert region.note == note
    assert json_value(region.value) == coded
    assert json.dumps(json_value(region.value), allow_nan=False)


EMPTY = Union()
EMPTY.tail = None


def test_arrays_of_structs_and_of_arrays_are_split_into_their_elements(monkeypatch):
    put(monkeypatch, [("Tail", 0, 32)], 32, lambda: Union(tail=[Point(1, 2.0), Point(3, 4.0)]))
    names = [name for name, *_ in placed(bytes(32), Union)]
    assert names == ["Tail[0].Flag", "padding", "Tail[0].X", "Tail[1].Flag", "padding", "Tail[1].X"]
    put(monkeypatch, [("Tail", 0, 8)], 8, lambda: Union(tail=[[1, 2], [3, 4]]))
    assert placed(bytes(8), Union)[3] == ("Tail[1][1]", 6, 2, "field")


def test_an_array_whose_size_does_not_fit_its_elements_is_one_field(monkeypatch):
    put(monkeypatch, [("Tail", 0, 8)], 8, lambda: Union(tail=[1, 2, 3]))
    assert placed(bytes(8), Union) == [("Tail", 0, 8, "field")]


def test_a_large_picture_is_not_copied():
    data = memoryview(
        bytearray(b"\1\0\0\0p" + (50_000_000).to_bytes(4, "little") + bytes(50_000_000))
    )
    import tracemalloc

    tracemalloc.start()
    try:
        result = dump.annotate(data, "blob")
        assert result.content.size == 50_000_000
        assert dump.describe(data[result.content.offset : result.content.end]) == (
            "no picture: the content (50000000 bytes) is not a picture in a format that pyshm "
            "decodes (PNG, JPEG, GIF, BMP, TIFF, WEBP and others)"
        )
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_recognizing_a_large_map_of_zeros_copies_nothing():
    import tracemalloc

    data = memoryview(bytearray(50_000_000))
    tracemalloc.start()
    try:
        assert dump.recognize(data) == "empty"
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
