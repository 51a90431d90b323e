"""The annotated dump of structs: nested structs, arrays, padding, overlapping fields."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated
from uuid import UUID

import pytest

from pyshm import Struct, dump
from pyshm.dump.regions import text_of
from pyshm.dump.text import json_value
from pyshm.errors import TruncatedError
from pyshm.layout.forms import Target
from pyshm.types import (
    Bool,
    Byte,
    ByValArray,
    Char,
    Double,
    FieldOffset,
    FixedBuffer,
    InlineArray,
    Int16,
    Int32,
    Nullable,
)
from pyshm.types import Decimal as DecimalField


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


NUMBERS = {1: Byte, 2: Int16, 4: Int32}


def explicit(*places, size=0):
    """Return a struct with numbers at the given offsets."""
    fields = {
        name.lower(): Annotated[NUMBERS[width], FieldOffset(offset)]
        for name, offset, width in places
    }
    namespace = {"__annotations__": fields, "__module__": __name__}
    return type(Struct)("Union", (Struct,), namespace, layout="explicit", size=size)


OVERLAPPING = explicit(("Whole", 0, 4), ("Low", 0, 2), ("High", 2, 2), ("Tail", 8, 4))


def test_bytes_that_fields_share_are_shown_once_with_all_readings():
    buffer = memoryview(bytes([1, 0, 2, 0, 4, 5, 6, 7, 4, 0, 0, 0]))
    assert list(dump.as_text(buffer, dump.annotate(buffer, OVERLAPPING), "m"))[1:] == [
        (
            "00000000  01 00 02 00                                      ....              "
            "Whole = 131073 | Low = 1 | High = 2"
        ),
        (
            "00000004  04 05 06 07                                      ....              "
            "padding (4 bytes)"
        ),
        "00000008  04 00 00 00                                      ....              Tail = 4",
    ]


def test_in_json_each_overlapping_field_has_an_entry():
    data = bytes([1, 0, 2, 0, 4, 5, 6, 7, 4, 0, 0, 0])
    fields = dump.as_json(found(data, OVERLAPPING), "m")["fields"]
    assert [tuple(field.values()) for field in fields] == [
        ("Whole", 0, 4, 131073),
        ("Low", 0, 2, 1),
        ("High", 2, 2, 2),
        ("padding", 4, 4, None),
        ("Tail", 8, 4, 4),
    ]


def test_a_chain_of_overlaps_is_one_region():
    union = explicit(("Tail", 3, 4), ("Whole", 0, 4), ("High", 6, 2))
    assert placed(bytes(8), union) == [("Whole | Tail | High", 0, 8, "field")]


def test_fields_that_touch_do_not_overlap():
    union = explicit(("Low", 2, 2), ("High", 0, 2))
    assert [name for name, *_ in placed(bytes(4), union)] == ["High", "Low"]


def test_a_short_field_inside_a_long_one_does_not_end_the_region():
    union = explicit(("Whole", 0, 4), ("Low", 0, 2), ("High", 3, 2), size=8)
    assert placed(bytes(8), union) == [
        ("Whole | Low | High", 0, 5, "field"),
        ("padding", 5, 3, "padding"),
    ]


def test_a_field_with_an_invalid_value_is_shown_as_bytes_with_the_reason():
    class Picky(Struct, size=40):
        low: Byte
        first: DecimalField
        second: DecimalField

    data = bytes([5, *bytes(7), *b"\xff" * 16, *bytes(16), 0])
    result = found(data, Picky)
    assert result.remark.startswith("First has no valid value: invalid decimal flags 0xffffffff")
    assert [(region.note, region.value) for region in result.regions] == [
        ("Low = 5", 5),
        ("padding (7 bytes)", None),
        ("First (16 bytes)", None),
        ("Second = 0", Decimal(0)),
        ("stale (1 bytes)", None),
    ]


def test_an_invalid_element_does_not_hide_the_others():
    class Picky(Struct):
        items: Annotated[list[Decimal], ByValArray(DecimalField, 2)]

    result = found(b"\xff" * 16 + bytes(16), Picky)
    assert result.remark.startswith("Items[0] has no valid value: invalid decimal flags")
    assert [region.note for region in result.regions] == ["Items[0] (16 bytes)", "Items[1] = 0"]


class Gear(IntEnum):
    FIRST = 1


class Mode(Enum):
    FAST = "f"


@pytest.mark.parametrize(
    ("value", "text", "coded"),
    [
        (True, "True", True),
        (1.5, "1.5", 1.5),
        (math.nan, "nan", "nan"),
        (-math.inf, "-inf", "-inf"),
        ('a"é\t', '"a\\"é\\t"', 'a"é\t'),
        (b"\x01\xff", "01 ff", "01ff"),
        (None, "None", None),
        (Gear.FIRST, "FIRST (1)", 1),
        (Mode.FAST, "FAST (f)", "f"),
        (Decimal("1.50"), "1.50", "1.50"),
        (UUID(int=1), str(UUID(int=1)), str(UUID(int=1))),
        ([], "[]", []),
    ],
)
def test_a_value_of_any_type_has_a_text_and_a_json_form(value, text, coded):
    assert text_of(value) == text
    assert json_value(value) == coded
    assert json.dumps(json_value(value), allow_nan=False)


def test_arrays_of_structs_and_of_arrays_are_split_into_their_elements():
    class Rows(Struct):
        points: Annotated[list[Point], ByValArray(Point, 2)]
        rows: Annotated[
            list[list[int]], InlineArray(Annotated[list[int], InlineArray(Int16, 2)], 2)
        ]

    assert [name for name, *_ in placed(bytes(40), Rows)] == [
        *("Points[0].Flag", "padding", "Points[0].X"),
        *("Points[1].Flag", "padding", "Points[1].X"),
        *("Rows[0][0]", "Rows[0][1]", "Rows[1][0]", "Rows[1][1]"),
    ]
    assert placed(bytes(40), Rows)[-1] == ("Rows[1][1]", 38, 2, "field")


class Placed(Struct, size=9):
    """Nine bytes that are aligned to two, so that an inline array of it ends with padding."""

    a: Int16
    b: Byte


def test_elements_before_padding_are_where_dotnet_has_them():
    class Owner(Struct):
        items: Annotated[list[Placed], InlineArray(Placed, 2)]
        after: Byte

    data = bytes.fromhex("0100 02 000000000000 0300 04 000000000000 0000 09 00")
    assert len(data) == Owner.layout.size == 22
    values = {
        region.name: (region.offset, region.value)
        for region in found(data, Owner).regions
        if region.role == "field"
    }
    assert values == {
        "Items[0].A": (0, 1),
        "Items[0].B": (2, 2),
        "Items[1].A": (9, 3),
        "Items[1].B": (11, 4),
        "After": (20, 9),
    }


def test_the_struct_of_a_nullable_is_after_its_truth_value():
    class Maybe(Struct):
        point: Annotated[Point | None, Nullable(Point)]
        tail: Byte

    data = Maybe(Point(7, 0.5), 3).to_bytes()
    assert placed(data, Maybe)[:5] == [
        ("Point.HasValue", 0, 4, "field"),
        ("padding", 4, 4, "padding"),
        ("Point.Flag", 8, 1, "field"),
        ("padding", 9, 7, "padding"),
        ("Point.X", 16, 8, "field"),
    ]
    values = [region.value for region in found(data, Maybe).regions if region.role == "field"]
    assert values == [True, 7, 0.5, 3]
    empty = found(Maybe().to_bytes(), Maybe).regions[0]
    assert (empty.note, empty.offset, empty.size) == ("Point = None", 0, 24)


def test_characters_that_are_one_text_are_one_field():
    class Texts(Struct, charset="ansi", target=Target(8, windows=False)):
        name: Annotated[list[str], ByValArray(Char, 4)]
        first: Annotated[list[str], FixedBuffer(Char, 3)]
        bits: Annotated[list[bool], FixedBuffer(Bool, 3)]

    assert [(note, *place) for (_, *place, _), note in zip(
        placed("éé".encode() + b"x" + bytes(11), Texts),
        [region.note for region in found("éé".encode() + b"x" + bytes(11), Texts).regions],
        strict=True,
    )] == [
        ('Name = "éé"', 0, 4),
        ('First = "x"', 4, 6),
        ("padding (2 bytes)", 10, 2),
        ("Bits = [False, False, False]", 12, 4),
    ]  # fmt: skip


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
