"""C# source in which several things have one name: each name means what the declaration means."""

from __future__ import annotations

import pytest

from pyshm.assemblies.framework import known_type
from pyshm.codegen import csharp_source
from pyshm.errors import LayoutError
from pyshm.layout.declarations import (
    BuiltIn,
    FieldDeclaration,
    MarshalAs,
    TypeDeclaration,
)

BACKING = "<{}>k__BackingField"


def struct(name: str, **fields: str | TypeDeclaration) -> TypeDeclaration:
    return TypeDeclaration(
        name,
        fields=tuple(
            FieldDeclaration(field, BuiltIn(kind) if isinstance(kind, str) else kind)
            for field, kind in fields.items()
        ),
    )


GLOBAL = struct("Point", X="int")
BESIDE = struct("Game.Point", X="double")
NESTED = struct("Game.S+Point", X="byte")
POINTS = struct("Game.S", A=GLOBAL, B=BESIDE, C=NESTED)

DEEP = struct("Game.T+Inner+T", X="byte")
AGAIN = struct("Game.T+Inner", A=DEEP, B=struct("Game.U", X="long"))
INNER = struct("Game.V", A=AGAIN, B=DEEP)

NINT = struct("Native.nint", X="byte")
NUINT = struct("Native.nuint", X="byte")
NATIVE = struct("Native.S", A="nint", B=NINT, C="nuint", D=NUINT)
VECTOR = known_type("System.Runtime.Intrinsics.Vector128`1", (BuiltIn("nint"),))
assert VECTOR is not None
VECTORS = struct("Native.V", A=VECTOR, B=NINT)

PART = struct("Parts.Int128.Q", X="byte")
PARTS = struct("Parts.T", A=PART, B="Int128")

ATTRIBUTES = [
    struct(f"Attributes.{name}Attribute", X="int")
    for name in ("StructLayout", "MarshalAs", "FieldOffset", "BestFitMapping", "Flags")
]
FLAGS = TypeDeclaration("Attributes.F", "enum", members=(("A", 1),), flags=True)


def _with_arguments(name: str) -> TypeDeclaration:
    """Return a struct whose fields have the names of the types in arguments of attributes."""
    return TypeDeclaration(
        name,
        charset="unicode",
        fields=(
            *(FieldDeclaration(each, BuiltIn("int")) for each in ("LayoutKind", "CharSet")),
            FieldDeclaration("UnmanagedType", BuiltIn("bool"), None, MarshalAs("U1")),
        ),
    )


ARGUMENTS = [_with_arguments("Arguments.S"), _with_arguments("Arguments.S+Inner")]

FILES = {
    "types": [POINTS],
    "nested types": [INNER, struct("Game.W", A=AGAIN)],
    "native integers": [NATIVE, VECTORS],
    "a part of a namespace": [PARTS],
    "attributes": [*ATTRIBUTES, FLAGS],
    "arguments of attributes": ARGUMENTS,
}


def test_a_type_is_not_mistaken_for_another_one_of_its_name() -> None:
    text = csharp_source([POINTS])
    assert "public global::Point A;" in text
    assert "public global::Game.Point B;" in text
    assert "public S.Point C;" in text


def test_a_nested_type_is_not_mistaken_for_one_within_it() -> None:
    text = csharp_source([INNER])
    assert "public global::Game.T.Inner.T B;" in text


def test_a_native_integer_is_not_mistaken_for_a_type_of_its_name() -> None:
    text = csharp_source([NATIVE, VECTORS])
    assert "public global::System.IntPtr A;" in text
    assert "public @nint B;" in text
    assert "public global::System.UIntPtr C;" in text
    assert "public @nuint D;" in text
    assert "public global::System.Runtime.Intrinsics.Vector128<global::System.IntPtr> A;" in text
    assert "public nint A;" in csharp_source([struct("S", A="nint", nint="int")])


def test_a_part_of_a_namespace_does_not_hide_a_type_of_dotnet() -> None:
    assert "public global::System.Int128 B;" in csharp_source([PARTS])


def test_a_type_with_the_whole_name_of_an_attribute_does_not_hide_it() -> None:
    text = csharp_source([*ATTRIBUTES, FLAGS])
    assert "[global::System.FlagsAttribute]" in text
    assert "[StructLayout" not in text


def test_a_field_does_not_hide_the_type_of_an_argument() -> None:
    text = csharp_source(ARGUMENTS)
    interop = "global::System.Runtime.InteropServices"
    assert text.count(f"{interop}.LayoutKind.Sequential") == 2
    assert text.count(f"{interop}.CharSet.Unicode") == 2
    assert text.count(f"{interop}.UnmanagedType.U1") == 2
    assert "public Guid Guid;" in csharp_source([struct("S", Guid="Guid")])


@pytest.mark.parametrize("method", ["get_Speed", "set_Speed"])
def test_a_field_with_the_name_of_a_propertys_method_is_refused(method: str) -> None:
    fields = {BACKING.format("Speed"): "int", method: "int"}
    for names in (fields, dict(reversed(fields.items()))):
        with pytest.raises(LayoutError, match="of a property's method"):
            csharp_source([struct("S", **names)])
    assert csharp_source([struct("S", **{BACKING.format("Speed"): "int", "get_Other": "int"})])
