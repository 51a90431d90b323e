"""What the body of a struct declares: the C# declaration, and the layout."""

from __future__ import annotations

import inspect
import struct
from enum import IntEnum, IntFlag
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import LayoutError
from pyshm.layout.declarations import Array, BuiltIn, MarshalAs, Nullable, Pointer
from pyshm.layout.forms import HOST, Target
from pyshm.structs import struct_from

POINTER = struct.calcsize("P")
WINDOWS = Target(8, windows=True)
UNIX = Target(8, windows=False)


class Gear(IntEnum):
    NEUTRAL = 0
    FIFTH = 5


class Mode(IntFlag):
    FAST = 1
    WET = 2


class Wheel(Struct):
    pressure: t.Single
    worn: t.Bool


def declare(annotations, bases=(Struct,), **keywords):
    namespace = {"__module__": __name__, "__annotations__": annotations}
    return type(Struct)("Declared", bases, namespace, **keywords)


def lay_out(hint, **keywords):
    """Return the offset and size of a field of type ``hint`` that follows a byte."""
    made = declare({"first": t.Byte, "it": hint}, **keywords)
    return made.layout.fields[1].offset, made.layout.fields[1].size


@pytest.mark.parametrize(
    ("hint", "offset", "size"),
    [
        (t.SByte, 1, 1),
        (t.Byte, 1, 1),
        (t.Int16, 2, 2),
        (t.UInt16, 2, 2),
        (t.Int32, 4, 4),
        (t.UInt32, 4, 4),
        (t.Int64, 8, 8),
        (t.UInt64, 8, 8),
        (t.Int128, 16, 16),
        (t.UInt128, 16, 16),
        (t.Half, 2, 2),
        (t.Single, 4, 4),
        (t.Double, 8, 8),
        (t.NInt, POINTER, POINTER),
        (t.NUInt, POINTER, POINTER),
        (t.Bool, 4, 4),
        (t.Bool8, 1, 1),
        (t.Char, 1, 1),
        (t.Char8, 1, 1),
        (t.Char16, 2, 2),
        (t.Decimal, 8, 16),
        (t.Currency, 8, 8),
        (t.DateTime, 8, 8),
        (t.Guid, 4, 16),
        (t.TimeSpan, 8, 8),
        (t.TimeOnly, 8, 8),
        (t.DateOnly, 4, 4),
        (t.Pointer, POINTER, POINTER),
        (t.FunctionPointer, POINTER, POINTER),
        (t.Delegate, POINTER, POINTER),
        (t.String, POINTER, POINTER),
        (t.LPStr, POINTER, POINTER),
        (t.LPWStr, POINTER, POINTER),
        (t.LPTStr, POINTER, POINTER),
        (t.BStr, POINTER, POINTER),
        (Gear, 4, 4),
        (Annotated[Gear, t.Enum(t.Byte)], 1, 1),
        (Annotated[Mode, t.Enum(t.Int64)], 8, 8),
        (Wheel, 4, 8),
        (Annotated[str, t.ByValTStr(5)], 1, 5),
        (Annotated[list[int], t.ByValArray(t.Int16, 3)], 2, 6),
        (Annotated[list[bool], t.ByValArray(t.Bool, 3)], 4, 12),
        (Annotated[list[bool], t.ByValArray(t.Bool8, 3)], 1, 3),
        (Annotated[list[bool], t.ByValArray(Annotated[t.Bool, t.MarshalAs("I1")], 3)], 1, 3),
        (Annotated[list[str], t.ByValArray(Annotated[t.Char, t.MarshalAs("I2")], 3)], 2, 6),
        (Annotated[list[Wheel], t.ByValArray(Wheel, 3)], 4, 24),
        (Annotated[list[Gear], t.ByValArray(Gear, 3)], 4, 12),
        (Annotated[list[int], t.FixedBuffer(t.Int32, 3)], 4, 12),
        (Annotated[list[str], t.FixedBuffer(t.Char, 3)], 1, 6),
        (Annotated[list[bool], t.FixedBuffer(t.Bool, 3)], 4, 4),
        (Annotated[list[int], t.InlineArray(t.Int16, 3)], 2, 6),
        (Annotated[list[bool], t.InlineArray(t.Bool, 3)], 4, 12),
        (Annotated[list[bool], t.InlineArray(Annotated[t.Bool, t.MarshalAs("I1")], 3)], 1, 3),
        (Annotated[list[str], t.InlineArray(Annotated[str, t.ByValTStr(5)], 3)], 1, 15),
        (Annotated[list[str], t.InlineArray(t.Char, 3)], 1, 3),
        (Annotated[list[str], t.InlineArray(t.Char, 3, charset="unicode")], 2, 6),
        (Annotated[list[Wheel], t.InlineArray(Wheel, 3)], 4, 24),
        (Annotated[list[Wheel], t.InlineArray(Wheel, 3, pack=1)], 1, 24),
        (Annotated[int | None, t.Nullable(t.Int32)], 4, 8),
    ],
    ids=str,
)
def test_a_field_is_where_dotnet_puts_it(hint, offset, size):
    assert lay_out(hint) == (offset, size)


@pytest.mark.parametrize(
    ("charset", "target", "size"),
    [
        ("ansi", UNIX, 1),
        ("ansi", WINDOWS, 1),
        ("unicode", UNIX, 2),
        ("unicode", WINDOWS, 2),
        ("auto", UNIX, 1),
        ("auto", WINDOWS, 2),
    ],
)
def test_the_charset_decides_the_size_of_a_character(charset, target, size):
    made = declare(
        {"c": t.Char, "text": Annotated[str, t.ByValTStr(4)]}, charset=charset, target=target
    )
    assert [field.size for field in made.layout.fields] == [size, 4 * size]


@pytest.mark.parametrize(
    "hint", [t.VariantBool, t.Object, Annotated[int, t.SafeArray(t.Int32)]], ids=str
)
def test_a_type_that_dotnet_marshals_only_on_windows_is_refused_elsewhere(hint):
    assert declare({"it": hint}, target=WINDOWS).layout.target == WINDOWS
    with pytest.raises(LayoutError, match=r"Declared\.It.*(Windows|ByValArray)") as caught:
        declare({"it": hint}, target=UNIX)
    assert caught.value.field == "it"


@pytest.mark.parametrize(
    ("hint", "reason"),
    [
        (Annotated[bool | None, t.Nullable(t.Bool8)], "the value of a Nullable can't have .*U1"),
        (
            Annotated[bool | None, t.Nullable(Annotated[t.Bool, t.MarshalAs("I1")])],
            "the value of a Nullable can't have .*I1",
        ),
        (Annotated[list[bool], t.FixedBuffer(t.Bool8, 3)], "a fixed buffer can't have .*U1"),
        (
            Annotated[list[str], t.FixedBuffer(Annotated[t.Char, t.MarshalAs("U2")], 3)],
            "a fixed buffer can't have .*U2",
        ),
        (Annotated[str, t.ByValTStr(5), t.MarshalAs("LPStr")], "both ByValTStr and MarshalAs"),
        (
            Annotated[list[int], t.MarshalAs("SafeArray"), t.ByValArray(t.Int32, 5)],
            "both ByValArray and MarshalAs",
        ),
    ],
    ids=str,
)
def test_a_marshal_as_without_a_place_in_c_sharp_is_refused(hint, reason):
    with pytest.raises(LayoutError, match=rf"Declared\.it: .*{reason}") as caught:
        declare({"it": hint})
    assert caught.value.field == "it"


def test_an_inline_array_has_the_charset_of_its_struct_unless_it_has_one():
    array = Annotated[list[str], t.InlineArray(t.Char, 3)]
    ansi = Annotated[list[str], t.InlineArray(t.Char, 3, charset="ansi")]
    nested = Annotated[list[list[str]], t.InlineArray(array, 2, charset="unicode")]
    assert lay_out(array, charset="unicode") == (2, 6)
    assert lay_out(ansi, charset="unicode") == (1, 3)
    assert lay_out(nested) == (2, 12)


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"pack": 3}, "InlineArray: Pack must"), ({"charset": "x"}, "charset must")],
)
def test_a_pack_or_charset_of_an_inline_array_that_dotnet_does_not_have_is_refused(options, reason):
    with pytest.raises(LayoutError, match=reason):
        declare({"it": Annotated[list[int], t.InlineArray(t.Int32, 3, **options)]})


@pytest.mark.parametrize(
    ("target", "offsets", "size"),
    [
        (UNIX, [1, 8, 16, 24], 32),
        (WINDOWS, [1, 4, 8, 16], 24),
        (Target(4, windows=False), [1, 4, 8, 12], 16),
        (Target(4, windows=True), [1, 4, 8, 12], 16),
    ],
)
def test_the_types_of_c_have_the_sizes_of_the_system(target, offsets, size):
    fields = {"a": t.Byte, "b": t.Byte, "c": t.CLong, "d": t.CULong, "e": t.NFloat}
    made = declare(fields, target=target)
    assert ([field.offset for field in made.layout.fields][1:], made.layout.size) == (offsets, size)
    value = made(c=-1, d=2**31, e=-1.5)
    assert made.from_bytes(value.to_bytes()) == value


def test_a_type_is_laid_out_for_this_system_by_default():
    assert Wheel.layout.target == HOST


# --- the class keywords ---


@pytest.mark.parametrize(
    ("keywords", "offset", "size"),
    [({}, 4, 8), ({"pack": 1}, 1, 5), ({"pack": 2}, 2, 6), ({"size": 20}, 4, 20)],
)
def test_pack_and_size_are_those_of_structlayout(keywords, offset, size):
    made = declare({"a": t.Byte, "b": t.Int32}, **keywords)
    assert (made.layout.fields[1].offset, made.layout.size) == (offset, size)


@pytest.mark.parametrize(
    ("keywords", "field"),
    [
        ({"charset": "utf8"}, "charset"),
        ({"layout": "auto"}, "layout"),
        ({"kind": "record"}, "kind"),
        ({"packing": 1}, "packing"),
    ],
)
def test_a_keyword_or_value_that_c_sharp_does_not_have_is_refused(keywords, field):
    with pytest.raises(LayoutError) as caught:
        declare({"a": t.Byte}, **keywords)
    assert caught.value.field == field


def test_an_explicit_field_is_at_its_field_offset():
    made = declare(
        {"a": Annotated[t.Int32, t.FieldOffset(4)], "b": Annotated[t.Byte, t.FieldOffset(1)]},
        layout="explicit",
    )
    assert [(f.name, f.offset) for f in made.layout.fields] == [("a", 4), ("b", 1)]
    assert made(b=2, a=1).to_bytes() == b"\0\2\0\0\1\0\0\0"


@pytest.mark.parametrize(
    ("hint", "layout"),
    [(t.Int32, "explicit"), (Annotated[t.Int32, t.FieldOffset(0)], "sequential")],
)
def test_a_field_offset_belongs_to_an_explicit_struct(hint, layout):
    with pytest.raises(LayoutError, match=r"Declared\.a .*FieldOffset"):
        declare({"a": hint}, layout=layout)


class Animal(Struct, kind="class"):
    age: t.Byte
    legs: t.Int32 = 4


class Dog(Animal, kind="class"):
    tag: t.Byte
    name: Annotated[str, t.ByValTStr(4)]


def test_the_fields_of_a_class_follow_those_of_its_base():
    assert [(f.name, f.offset) for f in Dog.layout.fields] == [
        ("age", 0),
        ("legs", 4),
        ("tag", 8),
        ("name", 9),
    ]


def test_a_class_has_the_fields_and_defaults_of_its_base():
    rex = Dog(3, tag=7, name="Rex")
    assert (rex.age, rex.legs, rex.tag, rex.name) == (3, 4, 7, "Rex")
    assert Dog.from_bytes(rex.to_bytes()) == rex
    assert isinstance(rex, Animal)


def test_a_struct_can_not_derive_from_another_one():
    with pytest.raises(LayoutError, match="derives"):
        declare({"a": t.Byte}, (Wheel,))


def test_a_field_of_the_base_can_not_be_declared_again():
    with pytest.raises(LayoutError) as caught:
        declare({"age": t.Byte}, (Animal,), kind="class")
    assert caught.value.field == "age"


# --- the declaration ---


def test_the_declaration_has_what_c_sharp_would_declare():
    class Telemetry(
        Struct, pack=4, size=100, charset="unicode", name="My.Game.Telemetry", target=WINDOWS
    ):
        """What a car sends."""

        top_speed: t.Int32
        raw: Annotated[t.Bool8, t.FieldName("m_raw")]
        wheels: Annotated[list[Wheel], t.ByValArray(Wheel, 4)]
        price: Annotated[list[object], t.ByValArray(t.Currency, 2)]
        maybe: Annotated[int | None, t.Nullable(t.Int16)]
        where: t.Pointer

    declaration = Telemetry.layout.declaration
    assert (declaration.name, declaration.pack, declaration.size, declaration.charset) == (
        "My.Game.Telemetry",
        4,
        100,
        "unicode",
    )
    assert declaration.documentation == "What a car sends."
    assert [(f.name, f.type, f.marshal_as) for f in declaration.fields] == [
        ("TopSpeed", BuiltIn("int"), None),
        ("m_raw", BuiltIn("bool"), MarshalAs("U1")),
        ("Wheels", Array(Wheel.layout.declaration), MarshalAs("ByValArray", 4)),
        ("Price", Array(BuiltIn("decimal")), MarshalAs("ByValArray", 2, "Currency")),
        ("Maybe", Nullable(BuiltIn("short")), None),
        ("Where", Pointer(), None),
    ]


def test_a_marshal_as_of_the_field_overrides_that_of_the_type():
    made = declare({"flag": Annotated[t.Bool, MarshalAs("I1")]})
    assert made.layout.size == 1


def test_verbatim_names_are_the_names_in_dotnet():
    made = declare({"m_value": t.Byte, "x": t.Byte}, verbatim=True)
    assert [f.dotnet_name for f in made.layout.fields] == ["m_value", "x"]


def test_two_fields_can_not_have_one_name_in_dotnet():
    with pytest.raises(LayoutError, match="another field is also named Text") as caught:
        declare({"text": t.Byte, "_text": t.Byte})
    assert caught.value.field == "_text"


def test_an_enum_is_declared_with_its_members():
    made = declare({"mode": Annotated[Mode, t.Enum(t.Byte, "My.Mode")], "gear": Gear})
    mode, gear = (field.type for field in made.layout.declaration.fields)
    assert (mode.name, mode.underlying, mode.flags) == ("My.Mode", "byte", True)
    assert mode.members == (("FAST", 1), ("WET", 2))
    assert (gear.name, gear.underlying, gear.flags) == ("Gear", "int", False)


def test_one_enum_has_one_declaration():
    first, second = declare({"a": Gear}), declare({"b": Gear})
    assert first.layout.declaration.fields[0].type is second.layout.declaration.fields[0].type


@pytest.mark.parametrize(
    "hint",
    [
        Annotated[int, t.Enum(t.Byte)],
        Annotated[Gear, t.Enum(t.Single)],
        Annotated[Gear, t.Enum(int)],
        Annotated[list[int], t.ByValArray(t.Int32, 0)],
        Annotated[list[int], t.ByValArray(int, 2)],
        Annotated[list[int], t.FixedBuffer(t.Decimal, 2)],
        Annotated[list[int], t.FixedBuffer(t.Int32, -1)],
        Annotated[list[int], t.InlineArray(t.Int32, 0)],
        Annotated[str, t.ByValTStr(0)],
        Annotated[int, t.Nullable(str)],
        Annotated[int, t.FieldName("a")],
        str,
        Struct,
    ],
    ids=str,
)
def test_a_type_that_c_sharp_can_not_declare_is_refused_with_the_name_of_the_field(hint):
    with pytest.raises(LayoutError, match=r"Declared\.bad") as caught:
        declare({"good": t.Int32, "bad": hint})
    assert caught.value.field == "bad"


def test_a_type_that_dotnet_does_not_marshal_is_refused_with_the_reason():
    with pytest.raises(LayoutError, match=r"Declared\.Bad: generic types") as caught:
        declare({"bad": Annotated[list[int], t.ByValArray(Annotated[int, t.Nullable(t.Int32)], 2)]})
    assert caught.value.field == "bad"


def test_an_unknown_type_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Int33'"):
        t.Int33  # noqa: B018


def test_every_public_name_of_the_module_exists():
    assert [name for name in t.__all__ if not hasattr(t, name)] == []


@pytest.mark.parametrize("name", ["type", "bytes", "list", "_bare", "v", "offset", "buffer"])
def test_a_field_can_have_any_name_that_the_generated_code_uses(name):
    text = Annotated[str, t.ByValTStr(4)]
    made = declare({name: t.Int32, "text": text, "_text": t.Byte}, verbatim=True)
    value = made(5, "abc", 6)
    again = made.from_bytes(value.to_bytes())
    assert (getattr(again, name), again.text, again._text) == (5, "abc", 6)


def test_the_signature_of_a_struct_class_has_its_fields():
    assert list(inspect.signature(Dog).parameters) == ["age", "legs", "tag", "name"]
    assert inspect.signature(Dog).parameters["legs"].default == 4


# --- from a declaration ---


def test_a_declaration_has_the_class_that_it_was_made_from():
    assert struct_from(Wheel.layout.declaration) is Wheel


def test_the_class_of_a_declaration_is_made_with_the_types_that_it_contains():
    from pyshm.layout.declarations import FieldDeclaration, TypeDeclaration

    inner = TypeDeclaration("My.Inner", fields=(FieldDeclaration("x", BuiltIn("short")),))
    outer = TypeDeclaration(
        "My.Space.Outer+Nested",
        fields=(
            FieldDeclaration("class", BuiltIn("byte")),
            FieldDeclaration("<Value>k__BackingField", inner),
            FieldDeclaration("layout", Array(inner), None, MarshalAs("ByValArray", 2)),
            FieldDeclaration("1a", BuiltIn("byte")),
        ),
    )
    made = struct_from(outer)
    assert made.__name__ == "Nested"
    assert [f.name for f in made.layout.fields] == ["class_", "Value", "layout_", "field1a"]
    assert made.layout.fields[1].dotnet_name == "<Value>k__BackingField"
    value = made.from_bytes(bytes(range(10)))
    assert (value.Value.x, [item.x for item in value.layout_]) == (0x0302, [0x0504, 0x0706])


def test_the_base_class_of_a_declaration_is_made_too():
    from pyshm.layout.declarations import FieldDeclaration, TypeDeclaration

    base = TypeDeclaration("Base", kind="class", fields=(FieldDeclaration("a", BuiltIn("int")),))
    derived = TypeDeclaration(
        "Derived", kind="class", base=base, fields=(FieldDeclaration("b", BuiltIn("int")),)
    )
    made = struct_from(derived)
    assert made(1, 2).to_bytes() == bytes.fromhex("01000000 02000000")
    assert made.__mro__[1] is struct_from(base)


def test_a_generic_type_that_is_refused_alone_can_be_a_field():
    from pyshm.layout.declarations import FieldDeclaration, TypeDeclaration

    pair = TypeDeclaration(
        "Pair`1[System.Int32]", fields=(FieldDeclaration("x", BuiltIn("int")),), generic=True
    )
    with pytest.raises(LayoutError, match="generic"):
        struct_from(pair)
    made = struct_from(TypeDeclaration("Holder", fields=(FieldDeclaration("pair", pair),)))
    assert made.from_bytes(b"\1\2\0\0").pair.x == 0x201
    assert made().to_bytes() == bytes(4)
