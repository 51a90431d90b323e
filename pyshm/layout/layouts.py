"""Where .NET puts each field of a type: the two layouts, for types that .NET accepts.

:func:`native` is the marshalled layout (Marshal.SizeOf, Marshal.OffsetOf,
Marshal.StructureToPtr) and :func:`managed` the one in .NET's own memory (Unsafe.SizeOf<T>,
accessor.Read<T> and ReadArray<T>). Both depend on their arguments alone.
https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.structlayoutattribute
"""

from __future__ import annotations

from .compute import managed_layout, native_layout
from .declarations import TypeDeclaration
from .forms import HOST, Layout, Target
from .refusals import Refusal, load_refusal, marshal_refusal, size_refusal

__all__ = ["managed", "native", "refusal"]


def native(declaration: TypeDeclaration, target: Target = HOST, *, strict: bool = True) -> Layout:
    """Return the marshalled layout of a type.

    With ``strict`` false, a type that has a size gets its layout although
    Marshal.StructureToPtr refuses it. A field without a form is then an address of one byte.

    Raises LayoutError, with the reason, for a type that .NET refuses.
    """
    refused = refusal(declaration, target)
    if refused is not None and (strict or refused.by != "marshal"):
        raise refused.error()
    return native_layout(declaration, target)


def managed(declaration: TypeDeclaration, target: Target = HOST) -> Layout:
    """Return the layout in .NET's own memory.

    Raises LayoutError, with the reason, for a type that .NET can't load.
    """
    refused = load_refusal(declaration, target)
    if refused is not None:
        raise refused.error()
    return managed_layout(declaration, target)


def refusal(declaration: TypeDeclaration, target: Target = HOST) -> Refusal | None:
    """Return why .NET does not marshal a type; None if it does."""
    return (
        load_refusal(declaration, target)
        or size_refusal(declaration, target)
        or marshal_refusal(declaration, target)
    )
