"""One field of a struct class."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import StructValueError
from ..layout.forms import FieldLayout
from .values.base import Conversion, InvalidValue

__all__ = ["Shape"]


class Shape(NamedTuple):
    """One field of a struct class: which slot holds it, and how its value is converted.

    ``slot`` is the field's own name for a plain attribute.
    """

    field: FieldLayout
    conversion: Conversion
    slot: str

    @property
    def is_plain(self) -> bool:
        """Whether the attribute always holds the value itself."""
        return self.slot == self.field.name

    def error(self, bad: InvalidValue) -> StructValueError:
        """Return the error for a value that this field can't hold."""
        return bad.inside(self.field.dotnet_name, self.field.offset).as_error()
