"""The table of built-in types: what .NET and pyshm know of each.

A new built-in type is a new row of :data:`BUILT_IN_TYPES`. Its sizes, its [MarshalAs], its name in
an assembly's metadata and the types that the tests draw all come from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from .declarations import BuiltIn, TypeDeclaration
from .forms import Scalar, Target

__all__ = [
    "BLITTABLE",
    "BUILT_IN_TYPES",
    "FIXED_BUFFER_ELEMENTS",
    "REFERENCES",
    "SCALARS",
    "STRUCTS",
    "BuiltInType",
    "address",
    "fixed_buffer_element",
    "managed_scalar",
]


class BuiltInType(NamedTuple):
    """A row of :data:`BUILT_IN_TYPES`.

    ``dotnet_name`` is the reflection full name. ``kind`` decides how the runtime orders fields: a
    primitive by its size, a struct after all primitives, an object as a pointer.

    ``managed`` is the value's form in .NET's own memory, None for an object and for
    DateTimeOffset. ``marshalled`` has its form for each UnmanagedType that [MarshalAs] may name,
    and under None the form without [MarshalAs]; it is empty where marshalling.py has a rule
    instead. ``narrow`` replaces both on a 32-bit system, and on Windows if ``narrow_on_windows``,
    as the C type ``long`` is there; it is None for a type of one size.
    """

    dotnet_name: str
    kind: Literal["primitive", "struct", "object"]
    managed: Scalar | None = None
    marshalled: Mapping[str | None, Scalar] = {}
    narrow: Scalar | None = None
    narrow_on_windows: bool = False

    def on(self, target: Target, form: Scalar) -> Scalar:
        """Return ``form``, or the one that replaces it on ``target``."""
        if self.narrow is None:
            return form
        is_narrow = target.pointer_size == 4 or (self.narrow_on_windows and target.windows)
        return self.narrow if is_narrow else form


def _primitive(
    dotnet_name: str, form: Scalar, *unmanaged: str, narrow: Scalar | None = None
) -> BuiltInType:
    """A number: [MarshalAs] changes nothing."""
    marshalled = dict.fromkeys((None, *unmanaged), form)
    return BuiltInType(dotnet_name, "primitive", form, marshalled, narrow)


def _struct(
    dotnet_name: str,
    form: Scalar,
    *,
    narrow: Scalar | None = None,
    narrow_on_windows: bool = False,
) -> BuiltInType:
    """A struct of .NET that is marshalled as it is in memory."""
    marshalled = {None: form, "Struct": form}
    return BuiltInType(dotnet_name, "struct", form, marshalled, narrow, narrow_on_windows)


def _object(dotnet_name: str) -> BuiltInType:
    return BuiltInType(dotnet_name, "object")


_INTEROP = "System.Runtime.InteropServices"

_BOOL = Scalar("bool", 4, 4, "i")
_BYTE_BOOL = Scalar("bool", 1, 1, "B")
_VARIANT_BOOL = Scalar("bool", 2, 2, "h")
_CHAR = Scalar("char16", 2, 2, "H")
_ANSI_CHAR = Scalar("char8", 1, 1, "B")
_DECIMAL = Scalar("decimal", 16, 8)
_CURRENCY = Scalar("currency", 8, 8, "q")
_DATE = Scalar("date", 8, 8, "d")

BUILT_IN_TYPES: Mapping[str, BuiltInType] = {
    "bool": BuiltInType(
        "System.Boolean",
        "primitive",
        _BYTE_BOOL,
        {
            None: _BOOL,
            "Bool": _BOOL,
            "I1": _BYTE_BOOL,
            "U1": _BYTE_BOOL,
            "VariantBool": _VARIANT_BOOL,
        },
    ),
    # Without [MarshalAs], a char of an Ansi type takes the form of U1.
    "char": BuiltInType(
        "System.Char",
        "primitive",
        _CHAR,
        {None: _CHAR, "I1": _ANSI_CHAR, "U1": _ANSI_CHAR, "I2": _CHAR, "U2": _CHAR},
    ),
    "sbyte": _primitive("System.SByte", Scalar("int", 1, 1, "b"), "I1", "U1"),
    "byte": _primitive("System.Byte", Scalar("int", 1, 1, "B"), "I1", "U1"),
    "short": _primitive("System.Int16", Scalar("int", 2, 2, "h"), "I2", "U2"),
    "ushort": _primitive("System.UInt16", Scalar("int", 2, 2, "H"), "I2", "U2"),
    "int": _primitive("System.Int32", Scalar("int", 4, 4, "i"), "I4", "U4", "Error"),
    "uint": _primitive("System.UInt32", Scalar("int", 4, 4, "I"), "I4", "U4", "Error"),
    "long": _primitive("System.Int64", Scalar("int", 8, 8, "q"), "I8", "U8"),
    "ulong": _primitive("System.UInt64", Scalar("int", 8, 8, "Q"), "I8", "U8"),
    "nint": _primitive(
        "System.IntPtr",
        Scalar("int", 8, 8, "q"),
        "SysInt",
        "SysUInt",
        narrow=Scalar("int", 4, 4, "i"),
    ),
    "nuint": _primitive(
        "System.UIntPtr",
        Scalar("int", 8, 8, "Q"),
        "SysInt",
        "SysUInt",
        narrow=Scalar("int", 4, 4, "I"),
    ),
    "float": _primitive("System.Single", Scalar("float", 4, 4, "f"), "R4"),
    "double": _primitive("System.Double", Scalar("float", 8, 8, "d"), "R8"),
    "CLong": _struct(
        f"{_INTEROP}.CLong",
        Scalar("int", 8, 8, "q"),
        narrow=Scalar("int", 4, 4, "i"),
        narrow_on_windows=True,
    ),
    "CULong": _struct(
        f"{_INTEROP}.CULong",
        Scalar("int", 8, 8, "Q"),
        narrow=Scalar("int", 4, 4, "I"),
        narrow_on_windows=True,
    ),
    "NFloat": _struct(
        f"{_INTEROP}.NFloat",
        Scalar("float", 8, 8, "d"),
        narrow=Scalar("float", 4, 4, "f"),
    ),
    "decimal": BuiltInType(
        "System.Decimal",
        "struct",
        _DECIMAL,
        {None: _DECIMAL, "Struct": _DECIMAL, "Currency": _CURRENCY},
    ),
    "Half": _struct("System.Half", Scalar("float", 2, 2, "e")),
    "Int128": _struct("System.Int128", Scalar("int128", 16, 16)),
    "UInt128": _struct("System.UInt128", Scalar("uint128", 16, 16)),
    "Guid": _struct("System.Guid", Scalar("guid", 16, 4)),
    "DateTime": BuiltInType(
        "System.DateTime",
        "struct",
        Scalar("datetime", 8, 8, "Q"),
        {None: _DATE, "Struct": _DATE},
    ),
    "TimeSpan": _struct("System.TimeSpan", Scalar("timespan", 8, 8, "q")),
    "DateOnly": _struct("System.DateOnly", Scalar("dateonly", 4, 4, "i")),
    "TimeOnly": _struct("System.TimeOnly", Scalar("timeonly", 8, 8, "Q")),
    # Two fields in auto layout (compute.py); the marshaller refuses it for that.
    "DateTimeOffset": BuiltInType("System.DateTimeOffset", "struct"),
    "string": _object("System.String"),
    "object": _object("System.Object"),
    "Delegate": _object("System.Delegate"),
    "Array": _object("System.Array"),
}
"""Each built-in type, by its C# keyword, or by its short name in .NET.

``Delegate`` and ``Array`` are fields of the types System.Delegate and System.Array themselves.
"""

SCALARS: Mapping[str, Scalar] = {
    name: row.managed
    for name, row in BUILT_IN_TYPES.items()
    if row.managed is not None and row.narrow is None
}
"""The managed form of each value that has the same size on every system."""

FIXED_BUFFER_ELEMENTS = frozenset(
    name for name in SCALARS if BUILT_IN_TYPES[name].kind == "primitive"
)
"""The element types that C# allows in ``fixed T x[n]``."""

BLITTABLE = frozenset(
    name for name, row in BUILT_IN_TYPES.items() if set(row.marshalled.values()) == {row.managed}
)
"""The types whose marshalled bytes are always their managed bytes."""

STRUCTS = frozenset(name for name, row in BUILT_IN_TYPES.items() if row.kind == "struct")
REFERENCES = frozenset(name for name, row in BUILT_IN_TYPES.items() if row.kind == "object")


def address(target: Target) -> Scalar:
    """Return the form of a pointer, and of everything else that is an address."""
    size = target.pointer_size
    return Scalar("address", size, size, "Q" if size == 8 else "I")


def managed_scalar(name: str, target: Target) -> Scalar | None:
    """Return a built-in type's form in .NET's own memory; None for one without a form."""
    row = BUILT_IN_TYPES[name]
    return row.on(target, row.managed) if row.managed is not None else None


def fixed_buffer_element(declaration: TypeDeclaration) -> tuple[BuiltIn, int]:
    """Return the element type of a fixed buffer, and the number of elements."""
    element = declaration.fields[0].type
    assert isinstance(element, BuiltIn)
    return element, declaration.size // SCALARS[element.name].size
