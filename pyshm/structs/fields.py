"""How a struct keeps its fields: which are plain attributes, and which are made when looked at.

A number is an attribute of its own, and so is a nested struct. What has to be made - text,
lists, dates - stays the bytes that it was read as until somebody looks at it; what can't be
changed in place even stays so until it is assigned, so that a struct that is read and written
again keeps what no Python value shows: bytes behind a NUL, a tenth of a microsecond. Fields that
overlap share their bytes, as in memory (overlaps.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..layout.forms import Layout
from .compound import Elements, Nested, of_field
from .shapes import Shape
from .values.base import InvalidValue
from .values.numbers import Boolean, Number
from .values.scalars import Opaque
from .values.text import Char16

__all__ = ["given", "lazy_property", "shapes_of"]


def shapes_of(layout: Layout, exact: bool = False) -> list[Shape]:
    """The shape of each field of ``layout``, in order."""
    taken = {field.name for field in layout.fields}
    shapes = []
    for field in layout.fields:
        conversion = of_field(field, layout, exact)
        slot = field.name
        if not isinstance(conversion, Number | Boolean | Char16 | Opaque | Nested):
            slot = f"_{field.name}"
            while slot in taken:
                slot = f"_{slot}"
            taken.add(slot)
        shapes.append(Shape(field, conversion, slot))
    return shapes


def lazy_property(shape: Shape) -> property:
    """The attribute of a field that is made when it is looked at."""
    conversion = shape.conversion
    if isinstance(conversion, Elements) and conversion.codec is not None:
        read = _numbers(conversion.codec.unpack)
    elif conversion.mutable:
        read = _kept(conversion.decode)
    else:
        read = _made(conversion.decode)
    return property(_named(read, shape.slot), _named(_written(given(shape)), shape.slot))


def _named(function: Any, slot: str) -> Any:
    """``function`` with another name for the attribute ``slot``: cheaper than compiling it."""
    code = function.__code__
    names = tuple(slot if name == "slot" else name for name in code.co_names)
    function.__code__ = code.replace(co_names=names)
    return function


def _numbers(unpack: Callable[[bytes], tuple[Any, ...]]) -> Callable[[Any], Any]:
    def read(self: Any) -> Any:
        value = self.slot
        if type(value) is bytes:
            value = self.slot = list(unpack(value))
        return value

    return read


def _kept(decode: Callable[[bytes], Any]) -> Callable[[Any], Any]:
    def read(self: Any) -> Any:
        value = self.slot
        if type(value) is bytes:
            value = self.slot = decode(value)
        return value

    return read


def _made(decode: Callable[[bytes], Any]) -> Callable[[Any], Any]:
    def read(self: Any) -> Any:
        value = self.slot
        return decode(value) if type(value) is bytes else value

    return read


def _written(given: Callable[[bytes], Any]) -> Callable[[Any, Any], None]:
    def write(self: Any, value: Any) -> None:
        self.slot = given(value) if type(value) is bytes else value

    return write


def given(shape: Shape) -> Callable[[bytes], Any]:
    """What becomes of bytes that a program assigns to a field, where bytes mean "not made yet"."""

    def take(value: bytes) -> Any:
        if isinstance(shape.conversion, Elements):
            return list(value)
        try:
            shape.conversion.encode(value)
        except InvalidValue as bad:
            raise shape.error(bad) from None
        raise AssertionError  # nothing but an array takes bytes

    return take
