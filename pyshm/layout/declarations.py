"""What a C# declaration of a type says, before anything is laid out.

One model for every source of types - a Python class, an assembly's metadata, the JSON that the
.NET peer builds types from - and for everything made of them: layouts, Python and C# source.
It says what the attributes say and judges nothing: a declaration that .NET refuses can be
written down here, and layout.py tells why it is refused.

Names are those of the .NET documentation:
https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.structlayoutattribute
https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.unmanagedtype
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..errors import LayoutError

__all__ = [
    "BUILT_IN",
    "Array",
    "BuiltIn",
    "FieldDeclaration",
    "FunctionPointer",
    "MarshalAs",
    "Nullable",
    "Pointer",
    "TypeDeclaration",
    "TypeReference",
    "from_json",
    "needed_types",
    "reference_from_json",
    "reference_to_json",
    "to_json",
]

BUILT_IN = frozenset(
    "bool char sbyte byte short ushort int uint long ulong nint nuint float double decimal "  # noqa: SIM905 - a table of 28 lines tells less
    "string object Half Int128 UInt128 Guid DateTime DateTimeOffset TimeSpan DateOnly TimeOnly "
    "Delegate Array".split()
)
"""Types that layout.py knows by itself: C#'s keywords and System types by their short names.

``Delegate`` and ``Array`` stand for fields of System.Delegate and System.Array themselves.
"""

CharSet: TypeAlias = Literal["ansi", "unicode", "auto"]
LayoutKind: TypeAlias = Literal["auto", "sequential", "explicit"]
TypeKind: TypeAlias = Literal["struct", "class", "enum", "delegate", "interface"]


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A type of :data:`BUILT_IN`."""

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
    """One instance field. ``offset`` is [FieldOffset]'s, in bytes; None without it."""

    name: str
    type: TypeReference
    offset: int | None = None
    marshal_as: MarshalAs | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TypeDeclaration:
    """A struct, layout class, enum, delegate or interface; a generic one is instantiated already.

    ``name`` is the reflection full name (``Name.Space.Outer+Inner``). ``pack`` and ``size`` are
    StructLayoutAttribute's, 0 where absent. ``base`` is a class's base type where that is not
    Object. ``inline_array`` is [InlineArray]'s length. A fixed buffer is a field whose type is
    the struct that C#'s compiler makes for it: one field ``FixedElementField`` and a Size.
    Compared by identity: two types of one name and shape are still two types, as in .NET.
    """

    name: str
    kind: TypeKind = "struct"
    layout: LayoutKind = "sequential"
    pack: int = 0
    size: int = 0
    charset: CharSet = "ansi"
    fields: tuple[FieldDeclaration, ...] = ()
    base: TypeDeclaration | None = None
    inline_array: int | None = None
    by_ref_like: bool = False
    generic: bool = False
    """An instance of a generic type: the marshaller refuses most uses of those."""
    fixed_buffer: bool = False
    underlying: str = "int"
    """An enum's built-in integer type."""
    members: tuple[tuple[str, int], ...] = ()
    """An enum's names and values."""
    flags: bool = False
    """An enum with [Flags]."""
    documentation: str = ""

    def __str__(self) -> str:
        return self.name


TypeReference: TypeAlias = BuiltIn | Pointer | FunctionPointer | Array | Nullable | TypeDeclaration


def needed_types(root: TypeReference) -> list[TypeDeclaration]:
    """Every declared type that ``root`` is made of, each once, the needed before the needing."""
    found: dict[TypeDeclaration, None] = {}

    def visit(reference: TypeReference) -> None:
        if isinstance(reference, Pointer):
            return  # an address needs nothing of what lies there, and may lead back here
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


# --- as JSON: what the .NET peer's verb `define` takes (docs/protocol.md) -------------------


def to_json(root: TypeDeclaration) -> list[dict[str, Any]]:
    """``root`` and every type that it needs, the needed before the needing, ``root`` last.

    What has its default value is left out.
    """
    return [_type_to_json(declaration) for declaration in needed_types(root)]


def _type_to_json(declaration: TypeDeclaration) -> dict[str, Any]:
    made: dict[str, Any] = {"name": declaration.name, "kind": declaration.kind}
    if declaration.kind == "enum":
        made["underlying"] = declaration.underlying
        made["members"] = [list(member) for member in declaration.members]
        if declaration.flags:
            made["flags"] = True
        return made
    if declaration.kind in ("delegate", "interface"):
        return made
    made["layout"] = declaration.layout
    for key in ("pack", "size", "inline_array", "by_ref_like", "generic", "fixed_buffer"):
        value = getattr(declaration, key)
        if value:
            made[key] = value
    if declaration.charset != "ansi":
        made["charset"] = declaration.charset
    if declaration.base is not None:
        made["base"] = declaration.base.name
    made["fields"] = [_field_to_json(field) for field in declaration.fields]
    return made


def _field_to_json(field: FieldDeclaration) -> dict[str, Any]:
    made: dict[str, Any] = {"name": field.name, "type": reference_to_json(field.type)}
    if field.offset is not None:
        made["offset"] = field.offset
    if field.marshal_as is not None:
        marshal_as: dict[str, Any] = {"unmanaged_type": field.marshal_as.unmanaged_type}
        if field.marshal_as.size_const is not None:
            marshal_as["size_const"] = field.marshal_as.size_const
        if field.marshal_as.array_sub_type is not None:
            marshal_as["array_sub_type"] = field.marshal_as.array_sub_type
        made["marshal_as"] = marshal_as
    return made


def reference_to_json(reference: TypeReference) -> Any:
    """A type as the field of another one names it."""
    if isinstance(reference, BuiltIn):
        return reference.name
    if isinstance(reference, Pointer):
        # What lies there is nobody's business: a pointer to void has the same layout.
        return {"pointer": "void"}
    if isinstance(reference, FunctionPointer):
        return {"function_pointer": True}
    if isinstance(reference, Array):
        return {"array": reference_to_json(reference.element), "rank": reference.rank}
    if isinstance(reference, Nullable):
        return {"nullable": reference_to_json(reference.value)}
    return {"type": reference.name}


def from_json(types: list[dict[str, Any]]) -> TypeDeclaration:
    """What :func:`to_json` wrote; the last type of the list. Raises LayoutError."""
    known: dict[str, TypeDeclaration] = {}
    try:
        for item in types:
            known[item["name"]] = _type_from_json(item, known)
        return known[types[-1]["name"]]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise LayoutError(f"no description of types: {type(error).__name__}: {error}") from error


def _type_from_json(item: dict[str, Any], known: dict[str, TypeDeclaration]) -> TypeDeclaration:
    options = {
        key: item[key]
        for key in (
            "layout",
            "pack",
            "size",
            "charset",
            "inline_array",
            "by_ref_like",
            "generic",
            "fixed_buffer",
            "underlying",
            "flags",
        )
        if key in item
    }
    return TypeDeclaration(
        item["name"],
        item["kind"],
        fields=tuple(
            FieldDeclaration(
                field["name"],
                reference_from_json(field["type"], known),
                field.get("offset"),
                MarshalAs(**field["marshal_as"]) if "marshal_as" in field else None,
            )
            for field in item.get("fields", ())
        ),
        base=known[item["base"]] if "base" in item else None,
        members=tuple((name, value) for name, value in item.get("members", ())),
        **options,
    )


def reference_from_json(item: Any, known: dict[str, TypeDeclaration]) -> TypeReference:
    """What :func:`reference_to_json` wrote; declared types are looked up in ``known``."""
    if isinstance(item, str):
        if item not in BUILT_IN:
            raise LayoutError(f"{item!r} is no built-in type", value=item)
        return BuiltIn(item)
    if "pointer" in item:
        return Pointer()
    if "function_pointer" in item:
        return FunctionPointer()
    if "array" in item:
        return Array(reference_from_json(item["array"], known), item.get("rank", 1))
    if "nullable" in item:
        return Nullable(reference_from_json(item["nullable"], known))
    return known[item["type"]]
