"""Layouts as tables: text and JSON. The expected numbers are written by hand."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import LayoutError
from pyshm.layout import BuiltIn, Target, managed, native
from pyshm.layout.table import PADDING, as_json, heading, indented, rows
from tests.layout.examples import LINUX, Inner, Outer, Union, declared, doubled, layout_of


def test_every_byte_has_a_row_and_the_fields_of_a_struct_follow_it():
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


def test_a_bar_marks_fields_that_share_bytes_and_blanks_indent_the_fields_of_structs():
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


def test_a_union_can_begin_with_padding():
    declaration = declared(
        "T", ("a", BuiltIn("byte"), 4), ("b", BuiltIn("byte"), 4), layout="explicit"
    )
    assert [(row.offset, row.size, row.name) for row in rows(native(declaration, LINUX))] == [
        (0, 4, PADDING),
        (4, 1, "a"),
        (4, 1, "b"),
    ]


def test_a_field_with_the_name_of_padding_is_not_padding():
    (row,) = rows(native(declared("T", (PADDING, BuiltIn("int"))), LINUX))
    assert not row.is_padding


def test_only_fields_that_share_bytes_are_marked():
    marks = {row.name: row.shared for row in rows(layout_of(Union)) if not row.is_padding}
    assert marks == {"Whole": True, "Low": True, "High": True, "Alone": False}


def test_a_long_field_shares_bytes_with_all_fields_in_its_range():
    declaration = declared(
        "T",
        ("whole", BuiltIn("long"), 0),
        ("first", BuiltIn("byte"), 1),
        ("last", BuiltIn("byte"), 7),
        layout="explicit",
    )
    assert [row.shared for row in rows(native(declaration, LINUX))] == [True, True, True]


def test_types_are_written_as_in_csharp():
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


def test_the_heading_has_pack_layout_and_system():
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


def test_control_characters_in_names_are_escaped():
    hostile = native(declared("T\x1b[31m", ("a\nb\x07", BuiltIn("int"))), LINUX)
    assert heading(hostile).startswith(r"T\x1b[31m: 4 bytes")
    assert [indented(row) for row in rows(hostile)] == [r"a\nb\x07"]


def test_the_json_has_the_fields_of_nested_structs():
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


def test_a_type_with_too_many_fields_is_refused():
    layout = native(doubled(9), LINUX)
    assert len(rows(layout)) == 2**10 - 2 + 2**9
    with pytest.raises(LayoutError, match=r"^T9 has more than 1000 fields") as caught:
        rows(layout, limit=1000)
    assert caught.value.limit == 1000


class Buffers(Struct, charset="ansi"):
    text: Annotated[Any, t.FixedBuffer(t.Char, 3)]
    bits: Annotated[Any, t.FixedBuffer(t.Bool, 3)]
    numbers: Annotated[Any, t.FixedBuffer(t.Int32, 3)]


def test_a_fixed_buffer_has_the_number_of_elements_that_it_was_declared_with():
    assert [field["elements"] for field in as_json(Buffers.layout)["fields"]] == [3, 3, 3]
