"""Layouts as tables and pictures, and where two differ; expected numbers are made by hand."""

from __future__ import annotations

import re
from typing import Annotated
from xml.etree import ElementTree as ET

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import LayoutError
from pyshm.layout.declarations import BuiltIn, FieldDeclaration, MarshalAs, TypeDeclaration
from pyshm.layout.forms import Target
from pyshm.layout.layouts import managed, native
from pyshm.layout.svg import picture
from pyshm.layout.table import PADDING, as_json, differences, heading, indented, rows

LINUX = Target(8, False)
SVG = "{http://www.w3.org/2000/svg}"


class Inner(Struct, name="My.Inner"):
    flag: t.Byte
    x: t.Double


class Swapped(Struct, name="My.Inner"):
    x: t.Double
    flag: t.Byte


class Outer(Struct, name="My.Outer"):
    wet: t.Bool8
    place: Inner
    many: Annotated[list[Inner], t.ByValArray(Inner, 3)]
    text: Annotated[str, t.ByValTStr(5)]


class Union(Struct, layout="explicit", name="My.Union"):
    whole: Annotated[t.UInt32, t.FieldOffset(0)]
    low: Annotated[t.UInt16, t.FieldOffset(0)]
    high: Annotated[t.UInt16, t.FieldOffset(2)]
    alone: Annotated[t.Byte, t.FieldOffset(4)]


def layout_of(struct, target=LINUX):
    return native(struct.layout.declaration, target)


def declared(name, *fields, **options):
    return TypeDeclaration(name, fields=tuple(FieldDeclaration(*field) for field in fields),
                           **options)  # fmt: skip


def sentences(left, right):
    return [change.sentence() for change in differences(left, right)]


# --- the table ----------------------------------------------------------------------------


def test_every_byte_of_a_struct_has_a_row_and_those_within_follow():
    assert [(row.offset, row.size, row.name, row.depth) for row in rows(layout_of(Outer))] == [
        (0, 1, "Wet", 0),
        (1, 7, PADDING, 0),
        (8, 16, "Place", 0),
        (8, 1, "Place.Flag", 1),
        (9, 7, PADDING, 1),
        (16, 8, "Place.X", 1),
        (24, 48, "Many", 0),
        (24, 1, "Many[0].Flag", 1),
        (25, 7, PADDING, 1),
        (32, 8, "Many[0].X", 1),
        (72, 5, "Text", 0),
        (77, 3, PADDING, 0),
    ]


def test_a_bar_is_before_fields_that_share_bytes_and_blanks_before_those_of_structs():
    assert [indented(row) for row in rows(layout_of(Union))] == [
        "| Whole",
        "| Low",
        "| High",
        "Alone",
        PADDING,
    ]
    assert [indented(row) for row in rows(layout_of(Outer))][2:5] == [
        "Place",
        "  Flag",
        "  (padding)",
    ]


def test_padding_can_come_first_and_between_fields_of_a_union():
    declaration = declared(
        "T", ("a", BuiltIn("byte"), 4), ("b", BuiltIn("byte"), 4), layout="explicit"
    )
    assert [(row.offset, row.size, row.name) for row in rows(native(declaration, LINUX))] == [
        (0, 4, PADDING),
        (4, 1, "a"),
        (4, 1, "b"),
    ]


def test_a_field_called_padding_is_no_padding():
    (row,) = rows(native(declared("T", (PADDING, BuiltIn("int"))), LINUX))
    assert not row.is_padding


def test_only_fields_that_share_bytes_are_marked():
    marks = {row.name: row.shared for row in rows(layout_of(Union)) if not row.is_padding}
    assert marks == {"Whole": True, "Low": True, "High": True, "Alone": False}


def test_a_long_field_shares_bytes_with_all_under_it():
    declaration = declared(
        "T",
        ("whole", BuiltIn("long"), 0),
        ("first", BuiltIn("byte"), 1),
        ("last", BuiltIn("byte"), 7),
        layout="explicit",
    )
    assert [row.shared for row in rows(native(declaration, LINUX))] == [True, True, True]


def test_types_are_told_in_the_words_of_csharp():
    class Kinds(Struct):
        a: Annotated[str, t.ByValTStr(5)]
        b: Annotated[list[int], t.FixedBuffer(t.Int16, 4)]
        c: t.Bool8
        d: Annotated[list[bool], t.ByValArray(t.Bool8, 2)]

    assert [row.type for row in rows(layout_of(Kinds)) if not row.is_padding] == [
        "string (ByValTStr 5)",
        "fixed short[4]",
        "bool (U1)",
        "bool[] (ByValArray 2 U1)",
    ]


def test_the_heading_tells_pack_layout_and_system():
    class Packed(Struct, pack=2):
        a: t.Byte
        b: t.Bool

    declaration = Packed.layout.declaration
    assert heading(native(declaration, Target(4, True))) == (
        "Packed: 6 bytes, alignment 2, Pack 2 (marshalled, Windows, 32 bit)"
    )
    assert heading(managed(declaration, LINUX)) == (
        "Packed: 2 bytes, alignment 1, Pack 2 (managed, Unix, 64 bit)"
    )


def test_control_characters_of_names_are_escaped():
    hostile = native(declared("T\x1b[31m", ("a\nb\x07", BuiltIn("int"))), LINUX)
    assert heading(hostile).startswith(r"T\x1b[31m: 4 bytes")
    assert [indented(row) for row in rows(hostile)] == [r"a\nb\x07"]


def test_the_json_holds_structs_within_structs():
    assert as_json(layout_of(Inner)) == {
        "type": "My.Inner",
        "layout": "marshalled",
        "windows": False,
        "pointer_size": 8,
        "size": 16,
        "alignment": 8,
        "pack": 0,
        "fields": [
            {"name": "Flag", "offset": 0, "size": 1, "type": "byte", "elements": 1,
             "shared": False},
            {"name": "X", "offset": 8, "size": 8, "type": "double", "elements": 1,
             "shared": False},
        ],
        "padding": [{"offset": 1, "size": 7}],
    }  # fmt: skip
    wet, place, many, text = as_json(layout_of(Outer))["fields"]
    assert [item["name"] for item in (wet, place, many, text)] == ["Wet", "Place", "Many", "Text"]
    assert [item["name"] for item in place["fields"]] == ["Flag", "X"]
    assert many["elements"] == 3
    assert [(item["name"], item["offset"]) for item in many["fields"]] == [("Flag", 24), ("X", 32)]
    assert many["padding"] == [{"offset": 25, "size": 7}]
    assert as_json(layout_of(Outer))["padding"] == [
        {"offset": 1, "size": 7},
        {"offset": 77, "size": 3},
    ]
    assert "fields" not in wet
    assert "padding" not in text


def doubled(times):
    """A small declaration with 2**times fields in it."""
    made = declared("T0", ("x", BuiltIn("byte"), 0), layout="explicit")
    for number in range(times):
        made = declared(f"T{number + 1}", ("a", made, 0), ("b", made, 0), layout="explicit")
    return made


def test_a_type_with_endless_fields_within_is_refused():
    layout = native(doubled(9), LINUX)
    assert len(rows(layout)) == 2**10 - 2 + 2**9
    with pytest.raises(LayoutError, match=r"^T9 has more than 1000 fields") as caught:
        rows(layout, limit=1000)
    assert caught.value.limit == 1000


# --- two of them --------------------------------------------------------------------------


def test_a_type_is_like_itself_whatever_it_is_called():
    class Renamed(Struct, name="Elsewhere.Inner"):
        flag: t.Byte
        x: t.Double

    assert differences(layout_of(Inner), layout_of(Renamed)) == []
    assert differences(layout_of(Outer), layout_of(Outer)) == []


def test_a_bool_of_another_size_is_told_with_both_sizes():
    class Here(Struct):
        a: t.Double
        wet: t.Bool

    class There(Struct):
        a: t.Double
        wet: t.Bool8

    assert sentences(layout_of(Here), layout_of(There)) == [
        "field Wet: bool is 4 bytes at 8 in A, bool (U1) is 1 byte at 8 in B"
    ]


def test_what_is_called_alike_is_named_once():
    wide = declared("T", ("Wet", BuiltIn("bool"), None), charset="unicode")
    assert sentences(native(wide, LINUX), managed(wide, LINUX)) == [
        "field Wet: bool is 4 bytes at 0 in A, 1 byte at 0 in B",
        "size: 4 bytes in A, 1 byte in B",
    ]


def test_a_field_on_one_side_only_is_told_without_those_in_it():
    class Less(Struct, name="My.Outer"):
        wet: t.Bool8
        many: Annotated[list[Inner], t.ByValArray(Inner, 3)]
        more: t.Byte

    assert sentences(layout_of(Outer), layout_of(Less)) == [
        "field Place: My.Inner is 16 bytes at 8 in A, not there in B",
        "field Many: My.Inner[] (ByValArray 3) is 48 bytes at 24 in A, 48 bytes at 8 in B",
        "field Text: string (ByValTStr 5) is 5 bytes at 72 in A, not there in B",
        "field More: not there in A, byte is 1 byte at 56 in B",
        "size: 80 bytes in A, 64 bytes in B",
    ]


def test_a_value_of_another_kind_in_the_same_place_is_told():
    signed = native(declared("T", ("a", BuiltIn("int"))), LINUX)
    real = native(declared("T", ("a", BuiltIn("float"))), LINUX)
    unsigned = native(declared("T", ("a", BuiltIn("uint"))), LINUX)
    assert sentences(signed, real) == [
        "field a: int is 4 bytes at 0 in A, float is 4 bytes at 0 in B"
    ]
    assert len(sentences(signed, unsigned)) == 1


def test_the_name_of_an_enum_does_not_count():
    enum = TypeDeclaration("My.Gear", "enum", underlying="int")
    assert not differences(
        native(declared("T", ("gear", enum)), LINUX),
        native(declared("T", ("gear", BuiltIn("int"))), LINUX),
    )


def test_strings_elsewhere_differ_by_what_lies_there():
    ansi = native(declared("T", ("s", BuiltIn("string"))), LINUX)
    wide = native(declared("T", ("s", BuiltIn("string")), charset="unicode"), LINUX)

    said = native(declared("T", ("s", BuiltIn("string"), None, MarshalAs("LPStr"))), LINUX)
    assert len(differences(ansi, wide)) == 1
    assert differences(ansi, said) == []


def test_a_swap_inside_the_elements_of_an_array_is_found():
    class A(Struct):
        many: Annotated[list[Inner], t.ByValArray(Inner, 3)]

    class B(Struct, name="A"):
        many: Annotated[list[Swapped], t.ByValArray(Swapped, 3)]

    assert [change.name for change in differences(layout_of(A), layout_of(B))] == [
        "Many[0].Flag",
        "Many[0].X",
    ]


def test_an_array_of_another_length_is_told():
    class A(Struct):
        many: Annotated[list[int], t.ByValArray(t.Int16, 2)]

    class B(Struct, name="A"):
        many: Annotated[list[int], t.ByValArray(t.Byte, 4)]

    (sentence,) = sentences(layout_of(A), layout_of(B))
    assert sentence == (
        "field Many: short[] (ByValArray 2) is 4 bytes at 0 in A, "
        "byte[] (ByValArray 4) is 4 bytes at 0 in B"
    )


def test_a_fixed_buffer_is_like_an_array_of_the_same_bytes():
    class A(Struct):
        many: Annotated[list[int], t.ByValArray(t.Int16, 2)]

    class B(Struct, name="A"):
        many: Annotated[list[int], t.FixedBuffer(t.Int16, 2)]

    assert differences(layout_of(A), layout_of(B)) == []


def test_a_field_without_a_name_is_compared_as_any_other():
    nameless = native(declared("T", ("", BuiltIn("int"))), LINUX)
    assert sentences(nameless, native(declared("T", ("a", BuiltIn("int"))), LINUX)) == [
        "field : int is 4 bytes at 0 in A, not there in B",
        "field a: not there in A, int is 4 bytes at 0 in B",
    ]


def test_two_fields_of_one_name_are_both_compared():
    twice = declared("T", ("a", BuiltIn("int")), ("a", BuiltIn("int")))
    other = declared("T", ("a", BuiltIn("float")), ("a", BuiltIn("int")))
    assert len(differences(native(twice, LINUX), native(other, LINUX))) == 1


# --- the picture --------------------------------------------------------------------------


def boxes(svg):
    """Every box of a picture: its full text and (x, y, width, height)."""
    root = ET.fromstring(svg)
    found = {}
    for group in root.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        place = tuple(float(rect.get(key)) for key in ("x", "y", "width", "height"))
        found[group.find(f"{SVG}title").text] = place
    return found


def test_the_picture_has_a_box_for_every_row():
    found = list(boxes(picture(layout_of(Outer))))
    assert found == [
        "Wet: bool (U1), byte 0",
        "bytes 1 to 7",
        "Place: My.Inner, bytes 8 to 23",
        "Place.Flag: byte, byte 8",
        "bytes 9 to 15",
        "Place.X: double, bytes 16 to 23",
        "Many: My.Inner[] (ByValArray 3), bytes 24 to 71",
        "Many[0].Flag: byte, byte 24",
        "bytes 25 to 31",
        "Many[0].X: double, bytes 32 to 39",
        "bytes 40 to 71",
        "Text: string (ByValTStr 5), bytes 72 to 76",
        "bytes 77 to 79",
    ]


def test_fields_that_share_bytes_lie_beside_each_other_and_others_below():
    found = {
        text.partition(":")[0]: place for text, place in boxes(picture(layout_of(Union))).items()
    }
    whole, low, high, alone = (found[name] for name in ("Whole", "Low", "High", "Alone"))
    assert whole[0] + whole[2] < low[0] == high[0]  # side by side
    assert whole[1] == low[1]
    assert low[1] + low[3] < high[1]
    assert whole[1] + whole[3] == high[1] + high[3]  # they end with the same byte
    assert alone[1] > whole[1] + whole[3]
    assert alone[2] > whole[2]


@pytest.mark.parametrize("struct", [Outer, Union, Inner])
def test_no_two_boxes_overlap_but_a_struct_and_what_is_in_it(struct):
    placed = list(boxes(picture(layout_of(struct))).values())

    def contains(a, b):
        return (a[0] <= b[0] and a[1] <= b[1] and a[0] + a[2] >= b[0] + b[2]
                and a[1] + a[3] >= b[1] + b[3])  # fmt: skip

    for index, a in enumerate(placed):
        for b in placed[index + 1 :]:
            apart = (a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0]
                     or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1])  # fmt: skip
            assert apart or contains(a, b)


def test_the_picture_tells_every_offset_and_the_size():
    root = ET.fromstring(picture(layout_of(Union)))
    told = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "offset"]
    assert sorted(map(int, told)) == [0, 2, 4, 5, 8]


def test_hostile_names_can_not_break_out_of_the_picture():
    name = '</title><script>alert("1")</script>&\x00\ud800\ufffe'
    svg = picture(native(declared(name, (name, BuiltIn("int"))), LINUX), name)
    root = ET.fromstring(svg.encode("utf-8"))
    assert root.find(f".//{SVG}script") is None
    assert root.get("aria-label") == (r'</title><script>alert("1")</script>&\x00\ud800' "\\ufffe")


def test_the_picture_needs_nothing_from_elsewhere():
    svg = picture(layout_of(Outer))
    assert re.findall(r"(?:https?:)?//[\w./]+", svg) == ["http://www.w3.org/2000/svg"]
    assert set(re.findall(r"url\(([^)]*)\)", svg)) == {"#hatch"}
    assert "prefers-color-scheme: dark" in svg


def test_long_text_is_cut_to_its_box():
    long = "x" * 500
    svg = picture(native(declared(long, (long, BuiltIn("int"))), LINUX))
    texts = [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]
    assert max(map(len, texts)) < 100
    assert sum("…" in text for text in texts) == 2


def test_an_empty_struct_has_a_picture_of_one_byte():
    assert list(boxes(picture(native(declared("Empty"), LINUX)))) == ["byte 0"]


def test_a_picture_nobody_would_look_at_is_refused():
    with pytest.raises(LayoutError, match=r"more than 5000 fields"):
        picture(native(doubled(13), LINUX))
