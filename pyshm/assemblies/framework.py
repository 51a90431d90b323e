"""Types of .NET that are known without reading its assemblies."""

from __future__ import annotations

import os
import re
from functools import lru_cache

from ..layout.builtins import BUILT_IN_TYPES
from ..layout.declarations import (
    BuiltIn,
    FieldDeclaration,
    LayoutKind,
    TypeDeclaration,
    TypeReference,
)

__all__ = [
    "BUILT_IN_NAMES",
    "KNOWN_TYPES",
    "is_for_windows",
    "is_framework",
    "known_type",
    "the_real_one",
]

BUILT_IN_NAMES = {row.dotnet_name: name for name, row in BUILT_IN_TYPES.items()} | {
    "System.MulticastDelegate": "Delegate"
}
"""The name that :class:`BuiltIn` has for each built-in type, by its full name in .NET."""

_FRAMEWORK = re.compile(r"mscorlib|netstandard|System(\..+)?|WindowsBase|Microsoft\.Bcl\..+", re.I)


def is_framework(assembly: str) -> bool:
    """Return whether an assembly with that simple name is part of .NET."""
    return _FRAMEWORK.fullmatch(assembly) is not None


def _struct(name: str, of: TypeReference, *fields: str) -> TypeDeclaration:
    return TypeDeclaration(name, fields=tuple(FieldDeclaration(field, of) for field in fields))


def _class(name: str, layout: LayoutKind = "auto") -> TypeDeclaration:
    return TypeDeclaration(name, "class", layout)


_INT, _FLOAT, _DOUBLE = BuiltIn("int"), BuiltIn("float"), BuiltIn("double")
_INDEX = _struct("System.Index", _INT, "_value")
_VECTOR3 = _struct("System.Numerics.Vector3", _FLOAT, "X", "Y", "Z")
_MATRIX = [f"M{row}{column}" for row in range(1, 5) for column in range(1, 5)]

KNOWN_TYPES = {
    declaration.name: declaration
    for declaration in [
        _struct(
            "System.Runtime.InteropServices.ComTypes.FILETIME",
            _INT,
            "dwLowDateTime",
            "dwHighDateTime",
        ),
        _struct("System.Runtime.InteropServices.GCHandle", BuiltIn("nint"), "_handle"),
        _INDEX,
        _struct("System.Range", _INDEX, "<Start>k__BackingField", "<End>k__BackingField"),
        _struct("System.Numerics.Complex", _DOUBLE, "m_real", "m_imaginary"),
        _struct("System.Numerics.Vector2", _FLOAT, "X", "Y"),
        _VECTOR3,
        _struct("System.Numerics.Vector4", _FLOAT, "X", "Y", "Z", "W"),
        _struct("System.Numerics.Quaternion", _FLOAT, "X", "Y", "Z", "W"),
        _struct("System.Numerics.Matrix3x2", _FLOAT, "M11", "M12", "M21", "M22", "M31", "M32"),
        _struct("System.Numerics.Matrix4x4", _FLOAT, *_MATRIX),
        TypeDeclaration(
            "System.Numerics.Plane",
            fields=(FieldDeclaration("Normal", _VECTOR3), FieldDeclaration("D", _FLOAT)),
        ),
        _struct("System.Text.Rune", BuiltIn("uint"), "_value"),
        _struct("System.Drawing.Point", _INT, "x", "y"),
        _struct("System.Drawing.PointF", _FLOAT, "x", "y"),
        _struct("System.Drawing.Size", _INT, "width", "height"),
        _struct("System.Drawing.SizeF", _FLOAT, "width", "height"),
        _struct("System.Drawing.Rectangle", _INT, "x", "y", "width", "height"),
        _struct("System.Drawing.RectangleF", _FLOAT, "x", "y", "width", "height"),
        TypeDeclaration(
            "System.DayOfWeek",
            "enum",
            members=(
                ("Sunday", 0),
                ("Monday", 1),
                ("Tuesday", 2),
                ("Wednesday", 3),
                ("Thursday", 4),
                ("Friday", 5),
                ("Saturday", 6),
            ),
        ),
        TypeDeclaration(
            "System.DateTimeKind",
            "enum",
            members=(("Unspecified", 0), ("Utc", 1), ("Local", 2)),
        ),
        TypeDeclaration("System.Action", "delegate"),
        TypeDeclaration("System.AsyncCallback", "delegate"),
        TypeDeclaration("System.EventHandler", "delegate"),
        _class("System.Type"),
        _class("System.Exception"),
        _class("System.Text.StringBuilder"),
        _class("System.Runtime.InteropServices.SafeHandle"),
        _class("System.Runtime.InteropServices.CriticalHandle"),
    ]
}
"""Types of .NET that interop code often uses and whose layout is the same on every system.

A test in interop compares each with the real type.
"""

_GENERIC_DELEGATE = re.compile(r"System\.(Action|Func|Predicate|Comparison|EventHandler)`\d+")
_VECTOR = re.compile(r"System\.Runtime\.Intrinsics\.Vector(64|128|256|512)`1")
_PROCESSOR_VECTOR = "System.Numerics.Vector`1"


def known_type(name: str, arguments: tuple[TypeReference, ...]) -> TypeDeclaration | None:
    """Return the .NET type with that reflection full name and those type arguments, or None.

    Generic delegates are known without their arguments.
    """
    known = KNOWN_TYPES.get(name)
    if known is not None and not arguments:
        return known
    if _GENERIC_DELEGATE.fullmatch(name):
        return TypeDeclaration(name, "delegate", generic=True)
    vector = _VECTOR.fullmatch(name)
    if vector is not None and len(arguments) == 1:
        return _vector(int(vector[1]), arguments[0])
    if name == _PROCESSOR_VECTOR and len(arguments) == 1:
        return TypeDeclaration(f"{name}[{arguments[0]}]", generic=True)
    return None


@lru_cache(maxsize=256)
def _vector(bits: int, element: TypeReference) -> TypeDeclaration:
    """Return ``Vector128<element>``, or another size of it: two halves."""
    parts = (
        {"_00": BuiltIn("ulong")}
        if bits == 64
        else dict.fromkeys(("_lower", "_upper"), _vector(bits // 2, element))
    )
    return TypeDeclaration(
        f"System.Runtime.Intrinsics.Vector{bits}`1[{element}]",
        size=bits // 8,
        fields=tuple(FieldDeclaration(field, kind) for field, kind in parts.items()),
        generic=True,
    )


# --- the system of an assembly ------------------------------------------------------------

# IMAGE_FILE_MACHINE_…: x64, ARM64, ARM. The compiler of .NET's own assemblies changes the bits of
# the number on Unix: Linux, Apple, FreeBSD, NetBSD, SunOS.
# https://github.com/dotnet/runtime/blob/main/docs/design/coreclr/botr/readytorun-format.md
_MACHINES = frozenset({0x8664, 0xAA64, 0x1C4})
_UNIX_MACHINES = frozenset(
    machine ^ system for machine in _MACHINES for system in (0x7B79, 0x4644, 0xADC4, 0x1993, 0x1992)
)


def is_for_windows(assembly: str, machine: int) -> bool | None:
    """Return whether one of .NET's own assemblies is for Windows; None for any other assembly."""
    if is_framework(assembly):
        if machine in _UNIX_MACHINES:
            return False
        if machine in _MACHINES:
            return True
    return None


# --- reference assemblies -----------------------------------------------------------------


def the_real_one(path: str) -> str:
    """Return what to do instead of using the reference assembly in the file ``path``."""
    folders = os.path.abspath(path).replace(os.sep, "/").split("/")
    if "obj" in folders:
        return "use the file in bin, not the one in obj"
    shared = "shared/Microsoft.NETCore.App/VERSION"
    if "packs" in folders:
        at = len(folders) - 1 - folders[::-1].index("packs")
        pack = folders[at + 1].removesuffix(".Ref")
        shared = "/".join([*folders[:at], "shared", pack, "VERSION"])
    return (
        f"the real one is in lib or runtimes of its package, or in the folder {shared} of .NET "
        "(`dotnet --list-runtimes` lists the versions): name that folder with --reference"
    )
