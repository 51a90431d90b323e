"""Declarations, and their form in JSON."""

from __future__ import annotations

import pytest

from pyshm.errors import LayoutError
from pyshm.layout.declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    MarshalAs,
    Nullable,
    Pointer,
    TypeDeclaration,
    needed_types,
)
from pyshm.layout.schema import from_json, to_json

GEAR = TypeDeclaration(
    "My.Gear", "enum", underlying="byte", members=(("Park", 0), ("Drive", 3)), flags=True
)
WHEEL = TypeDeclaration("My.Car+Wheel", pack=2, fields=(FieldDeclaration("Wet", BuiltIn("bool")),))
BASE = TypeDeclaration("My.Base", "class", charset="unicode")
CAR = TypeDeclaration(
    "My.Car",
    "class",
    layout="explicit",
    size=64,
    base=BASE,
    fields=(
        FieldDeclaration("Gear", GEAR, 0),
        FieldDeclaration("Wheels", Array(WHEEL), 8, MarshalAs("ByValArray", 4, "Struct")),
        FieldDeclaration("Next", Pointer(), 32),
        FieldDeclaration("Call", FunctionPointer(), 40),
        FieldDeclaration("Age", Nullable(BuiltIn("int")), 48),
    ),
)


def test_needed_types_come_once_and_before_their_users():
    assert needed_types(CAR) == [BASE, GEAR, WHEEL, CAR]


def test_the_target_of_a_pointer_is_not_needed():
    node = TypeDeclaration("Node", fields=(FieldDeclaration("Next", Pointer(WHEEL)),))
    assert needed_types(node) == [node]


def test_a_declaration_survives_the_round_trip_through_json():
    described = to_json(CAR)
    assert [item["name"] for item in described] == ["My.Base", "My.Gear", "My.Car+Wheel", "My.Car"]
    again = from_json(described)
    assert to_json(again) == described
    assert again.fields[1].marshal_as == MarshalAs("ByValArray", 4, "Struct")
    assert again.base is not None
    assert again.base.charset == "unicode"


def test_default_values_are_left_out_of_the_json():
    assert to_json(WHEEL) == [
        {
            "name": "My.Car+Wheel",
            "kind": "struct",
            "layout": "sequential",
            "pack": 2,
            "fields": [{"name": "Wet", "type": "bool"}],
        }
    ]


@pytest.mark.parametrize(
    "described",
    [
        [],
        [{}],
        [{"name": "T"}],
        [{"name": "T", "kind": "struct", "fields": [{"name": "F"}]}],
        [{"name": "T", "kind": "struct", "fields": [{"name": "F", "type": "integer"}]}],
        [{"name": "T", "kind": "struct", "fields": [{"name": "F", "type": {"type": "U"}}]}],
        [{"name": "T", "kind": "struct", "base": "U"}],
        "no list",
    ],
)
def test_an_invalid_description_is_an_error(described):
    with pytest.raises(LayoutError):
        from_json(described)


def test_types_are_compared_by_identity_and_shown_as_in_csharp():
    assert TypeDeclaration("T") != TypeDeclaration("T")
    shown = [str(field.type) for field in CAR.fields]
    assert shown == ["My.Gear", "My.Car+Wheel[]", "void*", "delegate*", "int?"]
    assert str(Array(BuiltIn("int"), 2)) == "int[,]"
