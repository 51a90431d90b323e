"""The model of C# declarations: what it holds, and its form in JSON."""

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


def test_what_a_type_needs_comes_before_it_once():
    assert needed_types(CAR) == [BASE, GEAR, WHEEL, CAR]


def test_a_pointer_needs_nothing_of_what_it_leads_to():
    node = TypeDeclaration("Node", fields=(FieldDeclaration("Next", Pointer(WHEEL)),))
    assert needed_types(node) == [node]


def test_json_and_back_is_the_same_declaration():
    described = to_json(CAR)
    assert [item["name"] for item in described] == ["My.Base", "My.Gear", "My.Car+Wheel", "My.Car"]
    again = from_json(described)
    assert to_json(again) == described
    assert again.fields[1].marshal_as == MarshalAs("ByValArray", 4, "Struct")
    assert again.base is not None
    assert again.base.charset == "unicode"


def test_json_leaves_out_what_has_its_default_value():
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
def test_what_describes_no_type_is_an_error(described):
    with pytest.raises(LayoutError):
        from_json(described)


def test_types_are_told_apart_by_identity_and_shown_as_in_csharp():
    assert TypeDeclaration("T") != TypeDeclaration("T")
    shown = [str(field.type) for field in CAR.fields]
    assert shown == ["My.Gear", "My.Car+Wheel[]", "void*", "delegate*", "int?"]
    assert str(Array(BuiltIn("int"), 2)) == "int[,]"
