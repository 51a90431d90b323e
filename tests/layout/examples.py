"""Types that the tests of tables, pictures and comparisons share."""

from __future__ import annotations

from typing import Annotated

from pyshm import Struct
from pyshm import types as t
from pyshm.layout import BuiltIn, FieldDeclaration, Target, TypeDeclaration, native

LINUX = Target(8, False)


class Inner(Struct, name="My.Inner"):
    flag: t.Byte
    x: t.Double


class Outer(Struct, name="My.Outer"):
    wet: t.Bool8
    place: Inner
    many: Annotated[list[Inner], t.ByValArray(Inner, 3)]
    text: Annotated[str, t.ByValTStr(5)]


class Union(Struct, layout="explicit", name="My.Union"):
    whole: Annotated[t.UInt32, t.FieldOffset(0)]
    low: Annotated[t.UInt16, t.FieldOffset(0)]
    high: Annotated[t.UInt16, t.FieldOffset(2)]
    alone: Annotated[t.Byte, t.FieldOffset(4)]


def layout_of(struct, target=LINUX):
    return native(struct.layout.declaration, target)


def declared(name, *fields, **options):
    return TypeDeclaration(name, fields=tuple(FieldDeclaration(*field) for field in fields),
                           **options)  # fmt: skip


def doubled(times):
    """Return a small declaration that contains 2**times fields."""
    found = declared("T0", ("x", BuiltIn("byte"), 0), layout="explicit")
    for number in range(times):
        found = declared(f"T{number + 1}", ("a", found, 0), ("b", found, 0), layout="explicit")
    return found
