"""What a layout consists of: where each field of a type is, and what its bytes mean.

compute.py makes layouts: the marshalled one (``Marshal.StructureToPtr``) and the managed one
(``accessor.Read<T>``). pyshm/structs turns the forms into code that reads and writes them.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from .declarations import FieldDeclaration, TypeDeclaration

__all__ = [
    "HOST",
    "FieldLayout",
    "Form",
    "Inline",
    "Layout",
    "Scalar",
    "Sequence",
    "Target",
    "Text",
    "round_up",
]

ScalarKind: TypeAlias = Literal[
    "int",  # any integer of up to 64 bits; `code` gives its size and sign
    "float",  # half, single, double
    "bool",  # stored in `size` bytes; code i: BOOL, B: one byte, h: VARIANT_BOOL (true is -1)
    "char8",  # one byte, in the ANSI code page
    "char16",  # one UTF-16 code unit
    "int128",
    "uint128",
    "decimal",  # flags, hi, lo, mid: DECIMAL and the managed System.Decimal alike
    "currency",  # int64, in ten-thousandths
    "date",  # OLE automation date, a double
    "datetime",  # the managed DateTime: 62 bits of ticks, two bits of kind
    "timespan",  # ticks of 100 ns
    "dateonly",  # the number of a day; 0 is 0001-01-01
    "timeonly",  # ticks since midnight
    "guid",
    "address",  # a pointer, a handle, or the address of a delegate, a string or an object
    "variant",  # COM's VARIANT
]


class Target(NamedTuple):
    """The system that a layout is for: a pointer's size in bytes, and whether it is Windows."""

    pointer_size: int = 8
    windows: bool = False


HOST = Target(struct.calcsize("P"), os.name == "nt")
"""The system that this process runs on."""


class Scalar(NamedTuple):
    """One value. ``code`` is its code in the struct module; None if that module has none."""

    kind: ScalarKind
    size: int
    alignment: int
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """``ByValTStr``: ``count`` characters of ``unit`` bytes each, including the final NUL."""

    unit: int
    count: int

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.unit * self.count

    @property
    def alignment(self) -> int:
        """The alignment of a character, in bytes."""
        return self.unit


@dataclass(frozen=True, slots=True)
class Sequence:
    """``count`` elements of one form, each ``stride`` bytes after the one before."""

    element: Form
    count: int
    stride: int

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.stride * self.count

    @property
    def alignment(self) -> int:
        """The alignment of an element, in bytes."""
        return self.element.alignment


class Inline(NamedTuple):
    """A struct or layout class in place."""

    layout: Layout

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.layout.size

    @property
    def alignment(self) -> int:
        """The alignment in bytes."""
        return self.layout.alignment


Form: TypeAlias = Scalar | Text | Sequence | Inline


class FieldLayout(NamedTuple):
    """One field: its name in Python and in .NET, its offset and size in bytes, and its form."""

    name: str
    dotnet_name: str
    offset: int
    size: int
    form: Form
    declaration: FieldDeclaration


class Layout(NamedTuple):
    """A type on one target: its size and alignment in bytes, its Pack, its fields as declared.

    ``marshalled`` is true for the marshalled layout and false for the managed one.
    """

    declaration: TypeDeclaration
    target: Target
    marshalled: bool
    size: int
    alignment: int
    pack: int
    fields: tuple[FieldLayout, ...]

    @property
    def stride(self) -> int:
        """The bytes from one element of an array to the next.

        ``accessor.ReadArray<T>`` rounds the managed size up to a multiple of 4, unless it is 1
        or 2:
        https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.safebuffer
        """
        if self.marshalled or self.size in (1, 2):
            return self.size
        return round_up(self.size, 4)


def round_up(number: int, multiple: int) -> int:
    """Return the smallest multiple of ``multiple`` that is not less than ``number``."""
    return -(-number // multiple) * multiple
