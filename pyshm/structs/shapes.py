"""One field of a struct class."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import StructValueError
from ..layout.forms import FieldLayout
from .values.base import Conversion, InvalidValue

__all__ = ["Shape"]


class Shape(NamedTuple):
    """One field of a struct class: its place, its conversion, and the slot of an object it is in.

    ``slot`` is the field's own name for a plain attribute (fields.py).
    """

    field: FieldLayout
    conversion: Conversion
    slot: str

    @property
    def is_plain(self) -> bool:
        """Whether the slot always holds the value itself."""
        return self.slot == self.field.name

    def error(self, invalid: InvalidValue) -> StructValueError:
        """Return the error for a value that this field can't hold."""
        return invalid.inside(self.field.dotnet_name, self.field.offset).as_error()
