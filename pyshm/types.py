"""The C# field types that a struct can be declared with.

Each name is a Python type for type checkers and carries, as ``Annotated`` metadata, what the
layout needs to know: ``id: Int32`` is an int that takes four bytes in the struct. Sizes are
those of .NET's marshaller:
https://learn.microsoft.com/dotnet/framework/interop/blittable-and-non-blittable-types
"""

from __future__ import annotations

import struct
from typing import Annotated, Any

from .errors import LayoutError

__all__ = [
    "Bool",
    "Bool8",
    "ByValArray",
    "Byte",
    "Double",
    "FieldType",
    "Int16",
    "Int32",
    "Int64",
    "Primitive",
    "SByte",
    "Single",
    "UInt16",
    "UInt32",
    "UInt64",
    "VariantBool",
]


class FieldType:
    """What every field type has: ``size`` and ``alignment`` in bytes, its C# ``name``."""

    __slots__ = ("alignment", "name", "size")

    def __init__(self, name: str, size: int, alignment: int) -> None:
        self.name = name
        self.size = size
        self.alignment = alignment

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Primitive(FieldType):
    """A number or truth value: its struct-module ``code``, its C name, what True is stored as.

    ``true`` is 0 for numbers, which need no conversion.
    """

    __slots__ = ("c_name", "code", "true")

    def __init__(self, name: str, code: str, c_name: str, true: int = 0) -> None:
        size = struct.calcsize("<" + code)
        super().__init__(name, size, size)
        self.code = code
        self.c_name = c_name
        self.true = true

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The smallest and largest integer it holds; None for floats and truth values."""
        if self.true or self.code in "fd":
            return None
        bits = 8 * self.size
        return (
            (-(1 << bits - 1), (1 << bits - 1) - 1) if self.code.islower() else (0, (1 << bits) - 1)
        )


class ByValArray(FieldType):
    """``[MarshalAs(UnmanagedType.ByValArray, SizeConst = count)]``: ``count`` elements inline.

    Use: ``scores: Annotated[list[int], ByValArray(Int32, 10)]``.
    """

    __slots__ = ("count", "element")

    def __init__(self, element: Any, count: int) -> None:
        resolved = getattr(element, "__metadata__", (element,))[0]
        if not isinstance(resolved, Primitive):
            raise LayoutError(f"ByValArray: {element!r} is no primitive of pyshm.types")
        if count < 1:
            raise LayoutError(f"ByValArray: count must be at least 1, not {count!r}", value=count)
        super().__init__(f"{resolved.name}[{count}]", resolved.size * count, resolved.alignment)
        self.element = resolved
        self.count = count


SByte = Annotated[int, Primitive("sbyte", "b", "int8_t")]
Byte = Annotated[int, Primitive("byte", "B", "uint8_t")]
Int16 = Annotated[int, Primitive("short", "h", "int16_t")]
UInt16 = Annotated[int, Primitive("ushort", "H", "uint16_t")]
Int32 = Annotated[int, Primitive("int", "i", "int32_t")]
UInt32 = Annotated[int, Primitive("uint", "I", "uint32_t")]
Int64 = Annotated[int, Primitive("long", "q", "int64_t")]
UInt64 = Annotated[int, Primitive("ulong", "Q", "uint64_t")]
Single = Annotated[float, Primitive("float", "f", "float")]
Double = Annotated[float, Primitive("double", "d", "double")]
# A bare C# bool is Win32's four-byte BOOL once it is marshalled.
Bool = Annotated[bool, Primitive("bool", "i", "int32_t", true=1)]
Bool8 = Annotated[bool, Primitive("bool (U1)", "B", "uint8_t", true=1)]
VariantBool = Annotated[bool, Primitive("bool (VariantBool)", "h", "int16_t", true=-1)]
