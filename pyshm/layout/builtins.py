"""The values that .NET has no struct of ours for: their size and alignment in its own memory.

Most of them are marshalled just so; marshalling.py tells which are not.
"""

from __future__ import annotations

from .declarations import BuiltIn, TypeDeclaration
from .forms import Scalar, Target

__all__ = [
    "FIXED_BUFFER_ELEMENTS",
    "NUMBERS",
    "SCALARS",
    "address",
    "fixed_buffer_element",
    "native_integer",
]

NUMBERS = {
    "sbyte": Scalar("int", 1, 1, "b"),
    "byte": Scalar("int", 1, 1, "B"),
    "short": Scalar("int", 2, 2, "h"),
    "ushort": Scalar("int", 2, 2, "H"),
    "int": Scalar("int", 4, 4, "i"),
    "uint": Scalar("int", 4, 4, "I"),
    "long": Scalar("int", 8, 8, "q"),
    "ulong": Scalar("int", 8, 8, "Q"),
    "float": Scalar("float", 4, 4, "f"),
    "double": Scalar("float", 8, 8, "d"),
}
"""The numbers of one size everywhere, by C#'s keyword."""

SCALARS = NUMBERS | {
    "bool": Scalar("bool", 1, 1, "B"),
    "char": Scalar("char16", 2, 2, "H"),
    "Half": Scalar("float", 2, 2, "e"),
    "decimal": Scalar("decimal", 16, 8),
    "Guid": Scalar("guid", 16, 4),
    "Int128": Scalar("int128", 16, 16),
    "UInt128": Scalar("uint128", 16, 16),
    "DateTime": Scalar("datetime", 8, 8, "Q"),
    "TimeSpan": Scalar("int", 8, 8, "q"),
    "DateOnly": Scalar("int", 4, 4, "i"),
    "TimeOnly": Scalar("int", 8, 8, "Q"),
}
"""Every built-in type that is a value and not a pointer wide."""

FIXED_BUFFER_ELEMENTS = frozenset(NUMBERS) | {"bool", "char"}
"""What C# allows in ``fixed T x[n]``."""


def address(target: Target) -> Scalar:
    """A pointer, or what else is an address."""
    size = target.pointer_size
    return Scalar("address", size, size, "Q" if size == 8 else "I")


def native_integer(name: str, target: Target) -> Scalar:
    """``nint`` or ``nuint``."""
    size = target.pointer_size
    codes = "qQ" if size == 8 else "iI"
    return Scalar("int", size, size, codes[name == "nuint"])


def fixed_buffer_element(declaration: TypeDeclaration) -> tuple[BuiltIn, int]:
    """The element of a fixed buffer, and how many there are."""
    element = declaration.fields[0].type
    assert isinstance(element, BuiltIn)
    return element, declaration.size // SCALARS[element.name].size
