"""How an object of a struct class keeps its fields.

A number is an attribute of the object, and so is a nested struct. Any other field - text, a list,
a date - stays the bytes that it was read as until a program reads the attribute. If the value can't
be changed in place, the bytes stay until the attribute is assigned. A struct that is read and
written again therefore keeps what the Python value does not have: bytes after a NUL, or a tenth of
a microsecond. Fields that share bytes are in unions.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from ..layout.forms import Layout
from .compound import ArrayValue, NestedStruct, of_field
from .shapes import Shape
from .values.base import InvalidValue
from .values.numbers import Boolean, Number
from .values.scalars import Opaque
from .values.text import Char16

__all__ = ["assigned_bytes", "attribute_of", "shapes_of"]


def shapes_of(layout: Layout, strict: bool = True) -> list[Shape]:
    """Return the shape of each field of ``layout``, in order."""
    shapes = []
    for index, field in enumerate(layout.fields):
        conversion = of_field(field, layout, strict)
        is_plain = isinstance(conversion, Number | Boolean | Char16 | Opaque | NestedStruct)
        # No field's name begins with two underscores. The slots are numbered so that the classes
        # can share the code that reads them.
        shapes.append(Shape(field, conversion, field.name if is_plain else f"__value{index}"))
    return shapes


def attribute_of(shape: Shape) -> property:
    """Return the attribute of a field that is kept as bytes until it is read."""
    conversion = shape.conversion
    convert: Callable[[bytes], Any] = conversion.decode
    expression = "convert(value)"
    if isinstance(conversion, ArrayValue) and conversion.codec is not None:
        convert, expression = conversion.codec.unpack, "list(convert(value))"
    if conversion.mutable:
        expression = f"self.{shape.slot} = {expression}"
    return _attributes(shape.slot, expression)(convert, assigned_bytes(shape))


@cache
def _attributes(slot: str, expression: str) -> Callable[..., property]:
    """Return what makes attributes of ``slot`` that read bytes by ``expression``.

    It is compiled, because ``getattr`` and the descriptors of slots take much longer.
    """
    source = f"""
def make(convert, assigned_bytes):
    def read(self):
        value = self.{slot}
        if type(value) is bytes:
            value = {expression}
        return value
    def write(self, value):
        self.{slot} = assigned_bytes(value) if type(value) is bytes else value
    return property(read, write)
"""
    scope: dict[str, Any] = {}
    exec(source, scope)  # noqa: S102 - made from the number of the slot
    make: Callable[..., property] = scope["make"]
    return make


def assigned_bytes(shape: Shape) -> Callable[[bytes], Any]:
    """Return what converts bytes that a program assigns to a field of :func:`attribute_of`.

    In the slot, bytes mean a value that was not converted yet. An array takes bytes as a sequence
    of numbers; for other fields the conversion raises StructValueError.
    """

    def convert(value: bytes) -> Any:
        conversion = shape.conversion
        if isinstance(conversion, ArrayValue):
            is_same = conversion.codec is not None and conversion.element.code == "B"
            return value if is_same and len(value) == conversion.count else list(value)
        try:
            conversion.encode(value)
        except InvalidValue as invalid:
            raise shape.error(invalid) from None
        raise AssertionError  # only arrays take bytes

    return convert
