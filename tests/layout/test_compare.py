"""The differences between two layouts, as sentences."""

from __future__ import annotations

from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import LayoutError
from pyshm.layout import BuiltIn, MarshalAs, Nullable, TypeDeclaration, managed, native
from pyshm.layout.compare import NET_AND_HERE, differences, paired
from tests.layout.examples import LINUX, Inner, Outer, declared, doubled, layout_of


class Swapped(Struct, name="My.Inner"):
    x: t.Double
    flag: t.Byte


def sentences(left, right):
    return [found.sentence for found in differences(left, right)]


# --- equal layouts ------------------------------------------------------------------------


def test_the_name_of_a_type_does_not_count():
    class Renamed(Struct, name="Elsewhere.Inner"):
        flag: t.Byte
        x: t.Double

    assert differences(layout_of(Inner), layout_of(Renamed)) == []
    assert differences(layout_of(Outer), layout_of(Outer)) == []


def test_the_name_of_an_enum_does_not_count():
    enum = TypeDeclaration("My.Gear", "enum", underlying="int")
    assert not differences(
        native(declared("T", ("gear", enum)), LINUX),
        native(declared("T", ("gear", BuiltIn("int"))), LINUX),
    )


def test_a_fixed_buffer_is_equal_to_an_array_of_the_same_bytes():
    class A(Struct):
        many: Annotated[list[int], t.ByValArray(t.Int16, 2)]

    class B(Struct, name="A"):
        many: Annotated[list[int], t.FixedBuffer(t.Int16, 2)]

    assert differences(layout_of(A), layout_of(B)) == []


def test_the_name_of_the_field_of_an_inline_array_does_not_count():
    def rows(name, element):
        row = declared("Row", (name, element), inline_array=3)
        several = declared("Rows", (name, row), inline_array=2)
        return native(declared("T", ("rows", several), ("maybe", Nullable(row))), LINUX)

    ours, theirs = rows("_element0", BuiltIn("int")), rows("e", BuiltIn("int"))
    assert sentences(theirs, ours) == []
    (found, *_) = sentences(theirs, rows("_element0", BuiltIn("uint")))
    assert found.startswith("field rows[0].e at offset 0: int")


def test_a_name_matches_if_only_case_and_underscores_differ():
    assert paired(["top_speed", "Lap"], ["lap", "TopSpeed"]) == [(0, 1), (1, 0)]
    assert paired(["<Speed>k__BackingField"], ["speed"]) == [(0, 0)]


def test_the_same_name_is_matched_before_a_similar_one():
    assert paired(["A", "a"], ["a", "b"]) == [(0, None), (1, 0), (None, 1)]
    assert paired(["a", "a"], ["a", "a"]) == [(0, 0), (1, 1)]


# --- fields -------------------------------------------------------------------------------


def test_a_field_of_another_size_is_shown_with_both_types_and_sizes():
    class Here(Struct):
        a: t.Double
        wet: t.Bool

    class There(Struct):
        a: t.Double
        wet: t.Bool8

    assert sentences(layout_of(Here), layout_of(There)) == [
        "field Wet at offset 8: bool is 4 bytes in A, bool (U1) is 1 byte in B"
    ]


def test_a_type_that_both_sides_have_is_named_once():
    wide = declared("T", ("Wet", BuiltIn("bool"), None), charset="unicode")
    assert sentences(native(wide, LINUX), managed(wide, LINUX)) == [
        "field Wet at offset 0: bool is 4 bytes in A, 1 byte in B",
        "size: 4 bytes in A, 1 byte in B",
    ]


def test_a_field_of_another_size_at_another_offset_is_one_difference():
    left = native(declared("T", ("a", BuiltIn("byte")), ("b", BuiltIn("long"))), LINUX)
    right = native(declared("T", ("a", BuiltIn("byte")), ("b", BuiltIn("int"))), LINUX)
    assert sentences(left, right) == [
        "field b: long is 8 bytes at offset 8 in A, int is 4 bytes at offset 4 in B",
        "size: 16 bytes in A, 8 bytes in B",
    ]


def test_a_field_on_one_side_only_is_missing_on_the_other_without_the_fields_in_it():
    class Less(Struct, name="My.Outer"):
        wet: t.Bool8
        many: Annotated[list[Inner], t.ByValArray(Inner, 3)]
        more: t.Byte

    assert sentences(layout_of(Outer), layout_of(Less)) == [
        "field Place is missing in B (in A: My.Inner, 16 bytes at offset 8)",
        "field Many: at offset 24 in A, 8 in B",
        "field Text is missing in B (in A: string (ByValTStr 5), 5 bytes at offset 72)",
        "field More is missing in A (in B: byte, 1 byte at offset 56)",
        "size: 80 bytes in A, 64 bytes in B",
    ]


def test_a_value_of_another_kind_at_the_same_place_is_a_difference():
    signed = native(declared("T", ("a", BuiltIn("int"))), LINUX)
    real = native(declared("T", ("a", BuiltIn("float"))), LINUX)
    unsigned = native(declared("T", ("a", BuiltIn("uint"))), LINUX)
    assert sentences(signed, real) == ["field a at offset 0: int in A, float in B"]
    assert len(sentences(signed, unsigned)) == 1


def test_two_addresses_differ_if_the_text_there_differs():
    ansi = native(declared("T", ("s", BuiltIn("string"))), LINUX)
    wide = native(declared("T", ("s", BuiltIn("string")), charset="unicode"), LINUX)
    given = native(declared("T", ("s", BuiltIn("string"), None, MarshalAs("LPStr"))), LINUX)
    assert sentences(ansi, wide) == [
        "field s at offset 0: string means address of LPStr in A, address of LPWStr in B"
    ]
    assert differences(ansi, given) == []


def test_an_array_of_another_length_is_a_difference():
    class A(Struct):
        many: Annotated[list[int], t.ByValArray(t.Int16, 2)]

    class B(Struct, name="A"):
        many: Annotated[list[int], t.ByValArray(t.Byte, 4)]

    assert sentences(layout_of(A), layout_of(B)) == [
        "field Many at offset 0: short[] (ByValArray 2) in A, byte[] (ByValArray 4) in B"
    ]


def test_a_field_without_a_name_is_compared_like_any_other():
    nameless = native(declared("T", ("", BuiltIn("int"))), LINUX)
    assert sentences(nameless, native(declared("T", ("a", BuiltIn("int"))), LINUX)) == [
        "field  is missing in B (in A: int, 4 bytes at offset 0)",
        "field a is missing in A (in B: int, 4 bytes at offset 0)",
    ]


def test_two_fields_of_one_name_are_both_compared():
    twice = declared("T", ("a", BuiltIn("int")), ("a", BuiltIn("int")))
    other = declared("T", ("a", BuiltIn("float")), ("a", BuiltIn("int")))
    assert len(differences(native(twice, LINUX), native(other, LINUX))) == 1


# --- causes -------------------------------------------------------------------------------


def test_pack_comes_before_the_differences_that_it_causes():
    fields = (("a", BuiltIn("byte")), ("b", BuiltIn("double")))
    loose, packed = declared("T", *fields), declared("T", *fields, pack=4)
    found = differences(native(loose, LINUX), native(packed, LINUX), NET_AND_HERE)
    assert [(each.kind, each.sentence) for each in found] == [
        ("cause", "Pack: not set in .NET, 4 here"),
        ("field", "field b: at offset 8 in .NET, 4 here"),
        ("size", "size: 16 bytes in .NET, 12 bytes here"),
    ]


def test_an_attribute_that_changes_no_byte_is_not_shown():
    loose, packed = (declared("T", ("a", BuiltIn("int")), pack=pack) for pack in (0, 8))
    assert differences(native(loose, LINUX), native(packed, LINUX)) == []


def test_fields_that_changed_places_in_the_elements_of_an_array_are_shown_together():
    class A(Struct):
        many: Annotated[list[Inner], t.ByValArray(Inner, 3)]

    class B(Struct, name="A"):
        many: Annotated[list[Swapped], t.ByValArray(Swapped, 3)]

    assert sentences(layout_of(A), layout_of(B)) == [
        "order of the fields of Many[0]: Flag, X in A; X, Flag in B",
        "field Many[0].Flag: at offset 0 in A, 8 in B",
        "field Many[0].X: at offset 8 in A, 0 in B",
    ]


def test_a_nested_struct_is_compared_by_offsets_within_it():
    class A(Struct):
        a: t.Byte
        place: Inner

    class B(Struct, name="A"):
        place: Swapped

    found = {each.name: each for each in differences(layout_of(A), layout_of(B))}
    assert found["Place.X"].sentence == "field Place.X: at offset 8 in A, 0 in B"
    assert (found["Place.X"].left.offset, found["Place.X"].right.offset) == (16, 0)


def test_a_type_with_too_many_fields_within_is_refused():
    with pytest.raises(LayoutError, match="more than 100000 fields"):
        differences(native(doubled(20), LINUX), native(doubled(20), LINUX))
