"""What all conversions have in common, and the error for a value that can't be converted."""

from __future__ import annotations

from typing import Any

from ..._support.shown import shown
from ...errors import StructValueError

__all__ = ["Conversion", "InvalidValue", "wrong_type"]


class InvalidValue(Exception):
    """A value that its field can't hold.

    ``message`` continues the name of the field: "must be an int, not 'x'". ``path`` and ``offset``
    lead from the field to the part of the value that is wrong.
    """

    def __init__(
        self, message: str, value: object, limit: object = None, kind: str = "out-of-range"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.value = value
        self.limit = limit
        self.kind = kind
        self.path = ""
        self.offset = 0

    def inside(self, path: str, offset: int) -> InvalidValue:
        """Return this error as seen from the object that has the value at ``path``."""
        self.path = path + self.path
        self.offset += offset
        return self

    def as_error(self) -> StructValueError:
        """Return the error that callers of the library get."""
        name = self.path.lstrip(".")
        return StructValueError(
            f"{name} {self.message}",
            kind=self.kind,
            field=name,
            offset=self.offset,
            value=self.value,
            limit=self.limit,
        )


def wrong_type(kind: type, value: object) -> InvalidValue:
    """Return the error for a value that is not a ``kind``."""
    return InvalidValue(f"must be a {kind.__name__}, not {shown(value)}", value)


class Conversion:
    """Converts the values of one form to bytes and back; ``size`` is in bytes.

    ``name`` is the type's name in messages. ``code`` is the format character of the struct module
    that reads and writes the form, if there is one; packing_source.py knows what else the
    generated code of each class needs. ``number`` is that of a number in memory for which Python
    has another value, such as a date. ``mutable`` says that a value can be changed in place.
    ``canonical`` says that equal values have equal bytes, so that the bytes can represent the
    value.

    A conversion is strict by default: it refuses what .NET would cut or change. One that is made
    with ``strict=False`` does what .NET does.
    """

    code: str | None = None
    number: str | None = None
    mutable = False
    canonical = False

    def __init__(self, size: int, name: str) -> None:
        self.size = size
        self.name = name

    def zero(self) -> Any:
        """Return the value of bytes that are all zero."""
        return self.decode(bytes(self.size))

    def encode(self, value: Any) -> bytes:
        """Return the bytes of ``value``, ``size`` of them. Raises InvalidValue."""
        raise NotImplementedError

    def decode(self, raw: bytes) -> Any:
        """Return the value of ``size`` bytes. Raises FormatError for bytes without a meaning."""
        raise NotImplementedError
