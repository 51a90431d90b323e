"""How many values a struct has in all its parts.

Fields that share bytes can be structs with such fields: a type of a few bytes can have more values
than any program can show.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import FormatError
from .compound import ArrayValue, NestedStruct, NullableValue
from .packed import Packed
from .shapes import Shape
from .values.base import Conversion

__all__ = ["check_can_be_shown", "fields_text", "number_of_values", "too_many_values"]

_MOST_OF_A_BYTE = 64
_FEW = 10_000


def number_of_values(packed: Packed) -> int:
    """Return how many values there are in the fields, in their fields, and in arrays."""
    found = packed.cache.get(number_of_values)
    if found is None:
        found = sum(_values(shape.conversion) for shape in packed.shapes)
        packed.cache[number_of_values] = found
    number: int = found
    return number


def too_many_values(packed: Packed) -> str:
    """Return why a struct can't be shown with all of its values; "" if it can."""
    number = number_of_values(packed)
    if number <= _FEW + _MOST_OF_A_BYTE * packed.size:
        return ""
    return f"{number} values share {packed.size} bytes"


def fields_text(packed: Packed, text_of: Callable[[Shape], str]) -> str:
    """Return the fields as a repr shows them, or why it does not show them."""
    return too_many_values(packed) or ", ".join(
        f"{shape.field.name}={text_of(shape)}" for shape in packed.shapes
    )


def check_can_be_shown(packed: Packed) -> None:
    """Raise FormatError for a struct that can't be shown with all of its values."""
    reason = too_many_values(packed)
    if reason:
        name = packed.struct.__name__
        raise FormatError(f"{name} can't be shown: {reason}", field=name)


def _values(conversion: Conversion) -> int:
    if isinstance(conversion, NestedStruct):
        return number_of_values(conversion.packed)
    if isinstance(conversion, NullableValue):
        return _values(conversion.value)
    if isinstance(conversion, ArrayValue):
        return conversion.count * _values(conversion.element)
    return 1
