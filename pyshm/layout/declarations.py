"""What a C# declaration of a type says, before anything is laid out.

This is the one model for every source of types (a Python class, an assembly's metadata, the JSON
of the .NET peer) and for everything made of them (layouts, Python and C# source). It records what
the attributes say and judges nothing: a type that .NET refuses can be declared here, and
refusals.py gives the reason why it is refused.

Names are those of the .NET documentation:
https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.structlayoutattribute
https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.unmanagedtype
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

__all__ = [
    "Array",
    "BuiltIn",
    "CharSet",
    "FieldDeclaration",
    "FunctionPointer",
    "LayoutKind",
    "MarshalAs",
    "Nullable",
    "Pointer",
    "TypeDeclaration",
    "TypeKind",
    "TypeReference",
    "needed_types",
    "nullable_declaration",
]

CharSet: TypeAlias = Literal["ansi", "unicode", "auto"]
LayoutKind: TypeAlias = Literal["auto", "sequential", "explicit"]
TypeKind: TypeAlias = Literal["struct", "class", "enum", "delegate", "interface"]


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A type of :data:`.builtins.BUILT_IN_TYPES`, by its name there."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Pointer:
    """``T*``; ``target`` is None for ``void*``."""

    target: TypeReference | None = None

    def __str__(self) -> str:
        return f"{self.target or 'void'}*"


@dataclass(frozen=True, slots=True)
class FunctionPointer:
    """``delegate* unmanaged<…>``."""

    def __str__(self) -> str:
        return "delegate*"


@dataclass(frozen=True, slots=True)
class Array:
    """``T[]``, with ``rank`` dimensions."""

    element: TypeReference
    rank: int = 1

    def __str__(self) -> str:
        return f"{self.element}[{',' * (self.rank - 1)}]"


@dataclass(frozen=True, slots=True)
class Nullable:
    """``T?`` of a value type."""

    value: TypeReference

    def __str__(self) -> str:
        return f"{self.value}?"


@dataclass(frozen=True, slots=True)
class MarshalAs:
    """``[MarshalAs(UnmanagedType.…)]``: ``unmanaged_type`` is the enum member's name.

    ``size_const`` counts elements (ByValArray) or characters (ByValTStr); ``array_sub_type`` is
    the UnmanagedType of a ByValArray's elements.
    """

    unmanaged_type: str
    size_const: int | None = None
    array_sub_type: str | None = None


@dataclass(frozen=True, slots=True)
class FieldDeclaration:
    """One instance field. ``offset`` is the value of [FieldOffset] in bytes; None without it."""

    name: str
    type: TypeReference
    offset: int | None = None
    marshal_as: MarshalAs | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TypeDeclaration:
    """A struct, layout class, enum, delegate or interface; a generic one is instantiated already.

    ``name`` is the reflection full name (``Name.Space.Outer+Inner``). ``pack`` and ``size`` are
    those of StructLayoutAttribute, 0 where it does not set them. ``base`` is a class's base type
    if that is not Object. ``inline_array`` is the length that [InlineArray] gives. A fixed buffer
    is a field whose type is the struct that the C# compiler makes for it: one field
    ``FixedElementField`` and a Size.

    Declarations are compared by identity: two types with the same name and fields are still two
    types, as in .NET.
    """

    name: str
    kind: TypeKind = "struct"
    layout: LayoutKind = "sequential"
    pack: int = 0
    size: int = 0
    charset: CharSet = "ansi"
    best_fit: bool = True
    """Whether a similar character replaces one that the code page lacks (BestFitMapping)."""
    throw_on_unmappable: bool = False
    """Whether a character without a similar one is an error to .NET."""
    fields: tuple[FieldDeclaration, ...] = ()
    base: TypeDeclaration | None = None
    inline_array: int | None = None
    by_ref_like: bool = False
    generic: bool = False
    """An instance of a generic type, most uses of which the marshaller refuses."""
    fixed_buffer: bool = False
    underlying: str = "int"
    """The built-in integer type that stores an enum."""
    members: tuple[tuple[str, int], ...] = ()
    """The names and values of an enum."""
    flags: bool = False
    """Whether an enum has [Flags]."""
    documentation: str = ""
    recursive: bool = False
    """Whether it stands for a class within itself, where its fields are not repeated."""

    def __str__(self) -> str:
        return self.name


TypeReference: TypeAlias = BuiltIn | Pointer | FunctionPointer | Array | Nullable | TypeDeclaration


def needed_types(root: TypeReference) -> list[TypeDeclaration]:
    """Return every declared type that ``root`` consists of, each once and before its users."""
    found: dict[TypeDeclaration, None] = {}

    def visit(reference: TypeReference) -> None:
        if isinstance(reference, Pointer):
            return  # an address needs nothing of its target, which may contain this type again
        if isinstance(reference, Array):
            visit(reference.element)
        elif isinstance(reference, Nullable):
            visit(reference.value)
        elif isinstance(reference, TypeDeclaration) and reference not in found:
            if reference.base is not None:
                visit(reference.base)
            for field in reference.fields:
                visit(field.type)
            found[reference] = None

    visit(root)
    return list(found)


@lru_cache(maxsize=512)
def nullable_declaration(value: TypeReference) -> TypeDeclaration:
    """Return ``Nullable<value>`` as a struct: a bool, then the value."""
    return TypeDeclaration(
        f"System.Nullable`1[[{value}]]",
        fields=(
            FieldDeclaration("hasValue", BuiltIn("bool")),
            FieldDeclaration("value", value),
        ),
        generic=True,
    )
