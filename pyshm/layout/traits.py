"""Facts about a declared type that are either true or false."""

from __future__ import annotations

from functools import lru_cache

from .builtins import BLITTABLE, BUILT_IN_TYPES, REFERENCES, STRUCTS
from .declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeReference,
)
from .forms import Target

__all__ = [
    "contains_references",
    "has_layout",
    "has_text",
    "holds_objects",
    "is_ansi",
    "is_blittable",
    "is_copied",
    "is_explicit_class",
    "is_handle",
    "is_object",
    "is_reference",
    "is_reordered",
    "is_safe_handle",
    "is_struct",
    "keeps_order",
    "recursive_class",
]

_SAFE_HANDLES = frozenset(
    {
        "System.Runtime.InteropServices.SafeHandle",
        "Microsoft.Win32.SafeHandles.SafeHandleZeroOrMinusOneIsInvalid",
        "Microsoft.Win32.SafeHandles.SafeHandleMinusOneIsInvalid",
    }
)
_HANDLES = _SAFE_HANDLES | {
    "System.Runtime.InteropServices.CriticalHandle",
    "Microsoft.Win32.SafeHandles.CriticalHandleZeroOrMinusOneIsInvalid",
    "Microsoft.Win32.SafeHandles.CriticalHandleMinusOneIsInvalid",
}


# --- layout -------------------------------------------------------------------------------


def has_layout(declaration: TypeDeclaration) -> bool:
    """Return whether .NET keeps the layout that a struct or class asks for.

    A class whose base class has no layout has none either.
    """
    if declaration.kind not in ("struct", "class") or declaration.layout == "auto":
        return False
    return declaration.base is None or has_layout(declaration.base)


def is_explicit_class(declaration: TypeDeclaration) -> bool:
    """Return whether the type is a class with explicit layout, which has rules of its own.

    In managed memory its size is not rounded, its Size is ignored and its base class counts
    twice.
    """
    return declaration.kind == "class" and declaration.layout == "explicit"


def keeps_order(declaration: TypeDeclaration) -> bool:
    """Return whether the runtime keeps the order of the fields in .NET's own memory.

    It does so only if the layout of the type and of all its base classes is sequential, and if
    there are no objects.
    """
    return (
        declaration.layout == "sequential"
        and has_layout(declaration)
        and not holds_objects(declaration)
        and (declaration.base is None or keeps_order(declaration.base))
    )


def is_struct(reference: TypeReference) -> bool:
    """Return whether the runtime places a field of that type as a struct, not as a primitive."""
    if isinstance(reference, BuiltIn):
        return reference.name in STRUCTS
    if isinstance(reference, TypeDeclaration):
        return reference.kind == "struct"
    return isinstance(reference, Nullable)


# --- marshalling --------------------------------------------------------------------------


def is_ansi(declaration: TypeDeclaration, target: Target) -> bool:
    """Return whether a character takes one byte. CharSet.Auto is Unicode on Windows only."""
    if declaration.charset == "auto":
        return not target.windows
    return declaration.charset == "ansi"


def has_text(declaration: TypeDeclaration) -> bool:
    """Return whether the CharSet decides the size of a field, of its base classes' too."""
    if declaration.base is not None and has_text(declaration.base):
        return True
    kinds = (field.type for field in declaration.fields)
    elements = (kind.element if isinstance(kind, Array) else kind for kind in kinds)
    return any(element in (BuiltIn("char"), BuiltIn("string")) for element in elements)


def is_handle(declaration: TypeDeclaration) -> bool:
    """Return whether the type is SafeHandle or CriticalHandle, or derives from one of them."""
    return _derives_from(declaration, _HANDLES)


def is_safe_handle(declaration: TypeDeclaration) -> bool:
    """Return whether it is or derives from SafeHandle, which StructureToPtr refuses in a field."""
    return _derives_from(declaration, _SAFE_HANDLES)


def _derives_from(declaration: TypeDeclaration, names: frozenset[str]) -> bool:
    at: TypeDeclaration | None = declaration
    while at is not None:
        if at.name in names:
            return True
        at = at.base
    return False


@lru_cache(maxsize=4096)
def is_blittable(declaration: TypeDeclaration, target: Target) -> bool:
    """Return whether the type's managed bytes are its marshalled bytes.

    https://learn.microsoft.com/dotnet/framework/interop/blittable-and-non-blittable-types
    """
    if not has_layout(declaration):
        return False
    if declaration.base is not None and not is_blittable(declaration.base, target):
        return False
    ansi = is_ansi(declaration, target)
    return all(_is_blittable_field(field, ansi, target) for field in declaration.fields)


def is_copied(declaration: TypeDeclaration, target: Target) -> bool:
    """Return whether the marshalled layout of a class is a copy of its managed one.

    The runtime copies a blittable class with explicit layout, or with such a base class.
    """
    return (
        declaration.kind == "class"
        and not keeps_order(declaration)
        and is_blittable(declaration, target)
    )


def is_reordered(declaration: TypeDeclaration) -> bool:
    """Return whether the runtime reorders the fields of a sequential class, or of a base class.

    In a class without objects, the reason is a base class with explicit layout.
    """
    at: TypeDeclaration | None = declaration
    while at is not None:
        if at.layout == "sequential" and not keeps_order(at):
            return True
        at = at.base
    return False


def _is_blittable_field(field: FieldDeclaration, ansi: bool, target: Target) -> bool:
    kind = field.type
    unmanaged = field.marshal_as.unmanaged_type if field.marshal_as else None
    if isinstance(kind, TypeDeclaration) and kind.kind == "enum":
        kind = BuiltIn(kind.underlying)
    if isinstance(kind, Pointer):
        return unmanaged is None
    if isinstance(kind, FunctionPointer):
        return unmanaged in (None, "FunctionPtr")
    if isinstance(kind, BuiltIn):
        if kind.name == "char":
            return unmanaged in ("I2", "U2") or (unmanaged is None and not ansi)
        return kind.name in BLITTABLE and unmanaged in BUILT_IN_TYPES[kind.name].marshalled
    return (
        isinstance(kind, TypeDeclaration)
        and kind.kind == "struct"
        and unmanaged in (None, "Struct")
        and is_blittable(kind, target)
    )


# --- references ---------------------------------------------------------------------------


def is_reference(reference: TypeReference) -> bool:
    """Return whether a variable of that type holds an object's address instead of a value."""
    if isinstance(reference, BuiltIn):
        return reference.name in REFERENCES
    if isinstance(reference, TypeDeclaration):
        return reference.kind in ("class", "delegate", "interface")
    return isinstance(reference, Array)


def is_object(reference: TypeReference) -> bool:
    """Return whether the garbage collector tracks a field; a ``ref`` field is a plain pointer."""
    by_ref = isinstance(reference, TypeDeclaration) and reference.by_ref_like
    return is_reference(reference) and not by_ref


@lru_cache(maxsize=4096)
def holds_objects(declaration: TypeDeclaration) -> bool:
    """Return whether a field of the type, or of its base classes, is or contains an object."""
    if declaration.base is not None and holds_objects(declaration.base):
        return True
    return any(_contains_objects(field.type) for field in declaration.fields)


def _contains_objects(reference: TypeReference) -> bool:
    if isinstance(reference, Nullable):
        return _contains_objects(reference.value)
    if isinstance(reference, TypeDeclaration) and reference.kind == "struct":
        return holds_objects(reference)
    return is_object(reference)


@lru_cache(maxsize=4096)
def recursive_class(declaration: TypeDeclaration) -> str | None:
    """Return the name of a class with layout that contains itself, at any depth; else None."""
    if declaration.recursive:
        return declaration.name
    kinds = [field.type for field in declaration.fields]
    for kind in (*kinds, declaration.base):
        part = kind.value if isinstance(kind, Nullable) else kind
        if isinstance(part, TypeDeclaration):
            found = recursive_class(part)
            if found is not None:
                return found
    return None


def contains_references(reference: TypeReference) -> bool:
    """Return whether accessor.Read<T> and Write<T> refuse a struct because it contains objects.

    A ref struct counts as one that does.
    """
    by_ref = isinstance(reference, TypeDeclaration) and reference.by_ref_like
    return by_ref or _contains_objects(reference)
