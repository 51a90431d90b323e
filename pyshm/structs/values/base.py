"""The base of all conversions between a field's value and its bytes."""

from __future__ import annotations

from typing import Any

from ...errors import StructValueError

__all__ = ["Conversion", "InvalidValue"]


class InvalidValue(Exception):
    """A value that its field can't hold. ``story`` goes on from the field's name.

    ``path`` and ``offset`` lead from the field to the part of it that is wrong.
    """

    def __init__(
        self, story: str, value: object, limit: object = None, kind: str = "out-of-range"
    ) -> None:
        super().__init__(story)
        self.story = story
        self.value = value
        self.limit = limit
        self.kind = kind
        self.path = ""
        self.offset = 0

    def inside(self, path: str, offset: int) -> InvalidValue:
        """The same, seen from one level further out."""
        self.path = path + self.path
        self.offset += offset
        return self

    def as_error(self) -> StructValueError:
        """Return the error that a caller sees."""
        name = self.path.lstrip(".")
        return StructValueError(
            f"{name} {self.story}",
            kind=self.kind,
            field=name,
            offset=self.offset,
            value=self.value,
            limit=self.limit,
        )


class Conversion:
    """One form's way between value and bytes; ``size`` is in bytes.

    ``code`` is a struct-module code if the struct module's own value needs at most ``wrap``
    around it when read and ``unwrap`` when written: the name of a function, or "" for none.
    ``mutable`` tells that a value can be changed in place; ``canonical`` that equal values have
    equal bytes, so that bytes can stand for the value that they were read as.
    """

    code: str | None = None
    mutable = False
    canonical = False

    def __init__(self, size: int, name: str) -> None:
        self.size = size
        self.name = name

    def zero(self) -> Any:
        """The value of memory that is all zeros."""
        return self.decode(bytes(self.size))

    def encode(self, value: Any) -> bytes:
        """Raises BadValue."""
        raise NotImplementedError

    def decode(self, raw: bytes) -> Any:
        """Raises what FormatError covers for bytes that mean nothing."""
        raise NotImplementedError
