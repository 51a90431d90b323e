"""What a layout is made of: where each field of a type lies and what its bytes mean.

Layouts are computed by layout.py for the marshalled form (``Marshal.StructureToPtr``) and the
managed one (``accessor.Read<T>``); packing.py turns the forms into code.
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
    "int",  # any integer up to 64 bits; `code` tells size and sign
    "float",  # half, single, double
    "bool",  # stored in `size` bytes; code i: BOOL, B: one byte, h: VARIANT_BOOL (true is -1)
    "char8",  # one byte, in the ANSI code page
    "char16",  # one UTF-16 code unit
    "int128",
    "uint128",
    "decimal",  # flags, hi, lo, mid: both as DECIMAL and as the managed System.Decimal
    "currency",  # int64, in ten-thousandths
    "date",  # OLE automation date, a double
    "datetime",  # the managed DateTime: 62 bits of ticks, two of kind
    "guid",
    "address",  # a pointer, handle, delegate or string that lies elsewhere
    "variant",  # COM's VARIANT
]


class Target(NamedTuple):
    """The system that a layout is for: a pointer's size in bytes, and whether it is Windows."""

    pointer_size: int = 8
    windows: bool = False


HOST = Target(struct.calcsize("P"), os.name == "nt")
"""The system that this process runs on."""


class Scalar(NamedTuple):
    """One value. ``code`` is its struct-module code, None where that has none."""

    kind: ScalarKind
    size: int
    alignment: int
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """``ByValTStr``: ``count`` characters of ``unit`` bytes, the closing NUL among them."""

    unit: int
    count: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.unit * self.count

    @property
    def alignment(self) -> int:
        """That of a character."""
        return self.unit


@dataclass(frozen=True, slots=True)
class Sequence:
    """``count`` elements of one form, ``stride`` bytes from each to the next."""

    element: Form
    count: int
    stride: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.stride * self.count

    @property
    def alignment(self) -> int:
        """That of an element."""
        return self.element.alignment


class Inline(NamedTuple):
    """A struct or layout class in place."""

    layout: Layout

    @property
    def size(self) -> int:
        """In bytes."""
        return self.layout.size

    @property
    def alignment(self) -> int:
        """In bytes."""
        return self.layout.alignment


Form: TypeAlias = Scalar | Text | Sequence | Inline


class FieldLayout(NamedTuple):
    """One field: its name in Python and in .NET, offset and size in bytes, its form."""

    name: str
    dotnet_name: str
    offset: int
    size: int
    form: Form
    declaration: FieldDeclaration


class Layout(NamedTuple):
    """A type on one target: size and alignment in bytes, its Pack, its fields as declared.

    ``marshalled`` tells which of .NET's two layouts it is.
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
        """Bytes from one element to the next, in an array.

        ``accessor.ReadArray<T>`` rounds the managed size up to 4 unless it is 1 or 2:
        https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.safebuffer
        """
        if self.marshalled or self.size in (1, 2):
            return self.size
        return round_up(self.size, 4)


def round_up(number: int, multiple: int) -> int:
    """The smallest multiple of ``multiple`` that is not less than ``number``."""
    return -(-number // multiple) * multiple
