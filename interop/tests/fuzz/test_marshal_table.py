"""Every kind of field with every [MarshalAs]: .NET and pyshm accept and refuse the same ones."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest

from interop.fuzz.differential import disagreements, target_of
from interop.plugin.hooks import Peers
from interop.worlds.world import Endpoint, World
from pyshm.layout.builtins import BUILT_IN_TYPES
from pyshm.layout.declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    MarshalAs,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeReference,
)
from pyshm.layout.forms import HOST
from pyshm.layout.layouts import refusal
from pyshm.testing.questions import DotNetTypes

# https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.unmanagedtype, without
# ByValTStr, ByValArray and SafeArray, which need more arguments, and without CustomMarshaler.
UNMANAGED = (
    "Bool", "I1", "U1", "I2", "U2", "I4", "U4", "I8", "U8", "R4", "R8", "Currency", "BStr",
    "LPStr", "LPWStr", "LPTStr", "IUnknown", "IDispatch", "Struct", "Interface", "SysInt",
    "SysUInt", "AnsiBStr", "TBStr", "VariantBool", "FunctionPtr", "AsAny", "LPArray",
    "LPStruct", "Error", "IInspectable", "HString", "LPUTF8Str",
)  # fmt: skip

CHARSETS: tuple[Literal["ansi", "unicode"], ...] = ("ansi", "unicode")

_INT = FieldDeclaration("x", BuiltIn("int"))
_BOOL = FieldDeclaration("b", BuiltIn("bool"))
KINDS: dict[str, TypeReference] = {
    **{name: BuiltIn(name) for name in BUILT_IN_TYPES},
    "int*": Pointer(BuiltIn("int")),
    "void*": Pointer(),
    "function pointer": FunctionPointer(),
    "int?": Nullable(BuiltIn("int")),
    "int[]": Array(BuiltIn("int")),
    "enum": TypeDeclaration("Colour", "enum", underlying="short"),
    "delegate": TypeDeclaration("Callback", "delegate"),
    "interface": TypeDeclaration("IThing", "interface"),
    "struct": TypeDeclaration("Plain", fields=(_INT,)),
    "struct of a bool": TypeDeclaration("Truth", fields=(_BOOL,)),
    "struct in auto layout": TypeDeclaration("Free", layout="auto", fields=(_INT,)),
    "class": TypeDeclaration("Thing", "class", fields=(_INT,)),
    "class in auto layout": TypeDeclaration("Loose", "class", layout="auto", fields=(_INT,)),
}
# Arrays that have a size in .NET and are refused here: those of structs crash the runtime when they
# are marshalled, and .NET gives an element of the others the size of the pointer's target.
REFUSED_ELEMENTS = {
    "DateTimeOffset", "struct in auto layout", "int*", "void*", "function pointer",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(REFUSED_ELEMENTS))
def test_an_array_that_dotnet_can_not_marshal_is_refused(kind: str) -> None:
    field = FieldDeclaration("value", Array(KINDS[kind]), marshal_as=MarshalAs("ByValArray", 3))
    assert refusal(TypeDeclaration("Row", fields=(field,)), HOST) is not None


CELLS = [(kind, "field") for kind in KINDS]
CELLS += [(kind, "element") for kind in KINDS if kind not in REFUSED_ELEMENTS]


@pytest.mark.parametrize(("kind", "position"), CELLS)
def test_dotnet_and_pyshm_accept_the_same_marshal_as(
    world: World, peers: Peers, kind: str, position: str
) -> None:
    declarations = []
    for unmanaged, charset in itertools.product((None, *UNMANAGED), CHARSETS):
        if (kind, unmanaged) == ("function pointer", "FunctionPtr"):
            continue  # .NET accepts it in compiled code, but not in types built at run time
        if position == "field":
            of: TypeReference = KINDS[kind]
            marshal_as = MarshalAs(unmanaged) if unmanaged else None
        else:
            of = Array(KINDS[kind])
            marshal_as = MarshalAs("ByValArray", 3, unmanaged)
        field = FieldDeclaration("value", of, marshal_as=marshal_as)
        first = FieldDeclaration("first", BuiltIn("byte"))
        declarations.append(TypeDeclaration("Row", charset=charset, fields=(first, field)))
    dotnet = DotNetTypes(peers.get(Endpoint(world.name, "dotnet"), "consumer"))
    found = disagreements(declarations, dotnet, target_of(world))
    wrong = [
        f"{each.fields[1].marshal_as} {each.charset}: {sentence}"
        for each, sentences in zip(declarations, found, strict=True)
        for sentence in sentences
    ]
    assert not wrong, "\n".join(wrong)
