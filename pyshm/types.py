"""The C# field types that a struct can be declared with.

To a type checker each name is a Python type. Its ``Annotated`` metadata has the C# type and its
[MarshalAs]: ``id: Int32`` is an int with four bytes in the struct. Other attributes of a C# field
are added with ``Annotated``, in any order::

    name: Annotated[str, ByValTStr(32)]
    wheels: Annotated[list[Wheel], ByValArray(Wheel, 4)]
    raw: Annotated[Int32, FieldOffset(8), FieldName("m_raw")]
    gear: Gear  # an IntEnum; an int in C#
    mode: Annotated[Mode, Enum(Byte)]

Sizes are those of .NET's marshaller:
https://learn.microsoft.com/dotnet/framework/interop/blittable-and-non-blittable-types
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from .layout import declarations
from .layout.declarations import BuiltIn, MarshalAs, TypeReference

if TYPE_CHECKING:
    import decimal
    import uuid
    from datetime import date, datetime, time, timedelta

__all__ = [
    "BStr",
    "Bool",
    "Bool8",
    "ByValArray",
    "ByValTStr",
    "Byte",
    "CLong",
    "CULong",
    "Char",
    "Char8",
    "Char16",
    "Currency",
    "DateOnly",
    "DateTime",
    "Decimal",
    "Delegate",
    "Double",
    "Enum",
    "FieldName",
    "FieldOffset",
    "FieldType",
    "FixedBuffer",
    "FunctionPointer",
    "Guid",
    "Half",
    "InlineArray",
    "Int16",
    "Int32",
    "Int64",
    "Int128",
    "LPStr",
    "LPTStr",
    "LPWStr",
    "MarshalAs",
    "NFloat",
    "NInt",
    "NUInt",
    "Nullable",
    "Object",
    "Pointer",
    "SByte",
    "SafeArray",
    "Single",
    "String",
    "TimeOnly",
    "TimeSpan",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt128",
    "VariantBool",
]


@dataclass(frozen=True, slots=True)
class FieldType:
    """The C# type of a field, and its [MarshalAs]."""

    type: TypeReference
    marshal_as: MarshalAs | None = None


@dataclass(frozen=True, slots=True)
class FieldOffset:
    """``[FieldOffset(n)]``: the offset of a field of an explicit struct, in bytes."""

    offset: int


@dataclass(frozen=True, slots=True)
class FieldName:
    """The name of the field in C#, if Python has another name for it."""

    name: str


@dataclass(frozen=True, slots=True)
class Enum:
    """The C# type that an enum is stored as: ``Annotated[Gear, Enum(Byte)]``; by default an int.

    ``name`` is the enum's reflection full name, by default the name of the Python class. An enum
    without members needs no class: ``Annotated[int, Enum(UInt64, "Game.EntityId")]``.
    """

    underlying: Any
    name: str = ""


@dataclass(frozen=True, slots=True)
class ByValTStr:
    """``[MarshalAs(UnmanagedType.ByValTStr, SizeConst = count)]``: text in the struct itself.

    ``count`` characters of the struct's CharSet, including the NUL at the end. Ansi is UTF-8 on
    Unix and the process's code page on Windows.
    """

    count: int


@dataclass(frozen=True, slots=True)
class ByValArray:
    """``[MarshalAs(UnmanagedType.ByValArray, SizeConst = count)]``: ``count`` elements in place.

    Use: ``scores: Annotated[list[int], ByValArray(Int32, 10)]``. The [MarshalAs] of the element
    type (Bool8, Currency) becomes the ArraySubType.
    """

    element: Any
    count: int


@dataclass(frozen=True, slots=True)
class FixedBuffer:
    """``fixed int name[count]``: an array of numbers, characters or bools in the struct itself."""

    element: Any
    count: int


@dataclass(frozen=True, slots=True)
class InlineArray:
    """A struct with ``[InlineArray(count)]``, of any element.

    ``pack`` and ``charset`` are those of its StructLayoutAttribute. Without ``charset`` it has that
    of the struct that contains it.
    """

    element: Any
    count: int
    pack: int = 0
    charset: declarations.CharSet | None = None


@dataclass(frozen=True, slots=True)
class Nullable:
    """``T?`` of a value type: ``Annotated[int | None, Nullable(Int32)]``."""

    value: Any


@dataclass(frozen=True, slots=True)
class SafeArray:
    """``T[]`` as the address of a SAFEARRAY, which is an int; only on Windows."""

    element: Any


def _built_in(name: str, unmanaged_type: str | None = None) -> FieldType:
    return FieldType(BuiltIn(name), MarshalAs(unmanaged_type) if unmanaged_type else None)


SByte = Annotated[int, _built_in("sbyte")]
Byte = Annotated[int, _built_in("byte")]
Int16 = Annotated[int, _built_in("short")]
UInt16 = Annotated[int, _built_in("ushort")]
Int32 = Annotated[int, _built_in("int")]
UInt32 = Annotated[int, _built_in("uint")]
Int64 = Annotated[int, _built_in("long")]
UInt64 = Annotated[int, _built_in("ulong")]
Int128 = Annotated[int, _built_in("Int128")]
UInt128 = Annotated[int, _built_in("UInt128")]
NInt = Annotated[int, _built_in("nint")]
NUInt = Annotated[int, _built_in("nuint")]
# C's long: 8 bytes on 64-bit Unix, else 4.
CLong = Annotated[int, _built_in("CLong")]
CULong = Annotated[int, _built_in("CULong")]
# A double on a 64-bit system, a float on a 32-bit one.
NFloat = Annotated[float, _built_in("NFloat")]
Half = Annotated[float, _built_in("Half")]
Single = Annotated[float, _built_in("float")]
Double = Annotated[float, _built_in("double")]
# .NET marshals a C# bool without [MarshalAs] as Win32's BOOL of four bytes.
Bool = Annotated[bool, _built_in("bool")]
Bool8 = Annotated[bool, _built_in("bool", "U1")]
# .NET marshals it only on Windows.
VariantBool = Annotated[bool, _built_in("bool", "VariantBool")]
# One UTF-16 code unit; in an Ansi struct it is stored as one byte.
Char = Annotated[str, _built_in("char")]
Char8 = Annotated[str, _built_in("char", "U1")]
Char16 = Annotated[str, _built_in("char", "U2")]
# Addresses of what is elsewhere in memory.
Pointer = Annotated[int, FieldType(declarations.Pointer())]
FunctionPointer = Annotated[int, FieldType(declarations.FunctionPointer())]
Delegate = Annotated[int, _built_in("Delegate")]
String = Annotated[int, _built_in("string")]
LPStr = Annotated[int, _built_in("string", "LPStr")]
LPWStr = Annotated[int, _built_in("string", "LPWStr")]
LPTStr = Annotated[int, _built_in("string", "LPTStr")]
BStr = Annotated[int, _built_in("string", "BStr")]
# An interface pointer; .NET marshals it only on Windows.
Object = Annotated[int, _built_in("object")]

if TYPE_CHECKING:
    Decimal = Annotated[decimal.Decimal, FieldType(BuiltIn("decimal"))]
    Currency = Annotated[decimal.Decimal, FieldType(BuiltIn("decimal"))]
    DateTime = Annotated[datetime, FieldType(BuiltIn("DateTime"))]
    # .NET's ticks are 100 ns. A value that is read and stored again keeps all of them.
    TimeSpan = Annotated[timedelta, FieldType(BuiltIn("TimeSpan"))]
    TimeOnly = Annotated[time, FieldType(BuiltIn("TimeOnly"))]
    DateOnly = Annotated[date, FieldType(BuiltIn("DateOnly"))]
    Guid = Annotated[uuid.UUID, FieldType(BuiltIn("Guid"))]

_LATE = {
    "Decimal": ("decimal", "Decimal", "decimal", None),
    "Currency": ("decimal", "Decimal", "decimal", "Currency"),
    "DateTime": ("datetime", "datetime", "DateTime", None),
    "TimeSpan": ("datetime", "timedelta", "TimeSpan", None),
    "TimeOnly": ("datetime", "time", "TimeOnly", None),
    "DateOnly": ("datetime", "date", "DateOnly", None),
    "Guid": ("uuid", "UUID", "Guid", None),
}


def __getattr__(name: str) -> Any:
    """Return a type whose Python type is in a module that most programs do not need."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    from importlib import import_module

    module, python_name, built_in, unmanaged_type = _LATE[name]
    python_type = getattr(import_module(module), python_name)
    spelled: Any = Annotated
    field_type = spelled[python_type, _built_in(built_in, unmanaged_type)]
    globals()[name] = field_type
    return field_type
