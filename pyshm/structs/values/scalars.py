"""The conversion of a single value, by its form; GUIDs and VARIANTs."""

from __future__ import annotations

from typing import Any

from ..._support.shown import shown
from ...layout.forms import Scalar
from .ansi import Ansi
from .base import Conversion, InvalidValue, wrong_type
from .numbers import Boolean, EnumNumber, Number, WideInteger
from .text import Char8, Char16

__all__ = ["Opaque", "of_scalar"]


class Guid(Conversion):
    """A uuid.UUID; in memory its first three parts are little-endian."""

    canonical = True

    def __init__(self) -> None:
        super().__init__(16, "Guid")

    def encode(self, value: Any) -> bytes:
        from uuid import UUID

        if not isinstance(value, UUID):
            raise wrong_type(UUID, value)
        return value.bytes_le

    def decode(self, raw: bytes) -> Any:
        from uuid import UUID

        return UUID(bytes_le=raw)


class Opaque(Conversion):
    """Bytes without a Python form: COM's VARIANT."""

    canonical = True

    def __init__(self, size: int) -> None:
        super().__init__(size, f"VARIANT of {size} bytes")
        self.code = f"{size}s"

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, bytes) or len(value) != self.size:
            raise InvalidValue(f"must be {self.size} bytes, not {shown(value)}", value, self.size)
        return value

    def decode(self, raw: bytes) -> bytes:
        return raw


def of_scalar(form: Scalar, enum: type | None, ansi: Ansi, strict: bool) -> Conversion:
    """Return the conversion of one value; ``enum`` is its Python enum, if it has one."""
    kind = form.kind
    if kind in ("int", "float", "address"):
        assert form.code is not None
        if enum is not None:
            return EnumNumber(form.code, enum)
        return Number(form.code, "address" if kind == "address" else "")
    if kind == "bool":
        assert form.code is not None
        return Boolean(form.code)
    if kind in ("int128", "uint128"):
        return WideInteger(kind == "int128")
    if kind == "char8":
        return Char8(ansi, strict)
    if kind == "char16":
        return Char16()
    if kind == "guid":
        return Guid()
    if kind == "variant":
        return Opaque(form.size)
    # Few structs have one of these, and no other needs their modules.
    if kind in ("decimal", "currency"):
        from .decimals import Currency, DecimalNumber

        return DecimalNumber() if kind == "decimal" else Currency(strict)
    if kind in ("timespan", "dateonly", "timeonly"):
        from .spans import DateNumber, TimeOfDay, TimeSpanTicks

        return {"timespan": TimeSpanTicks, "dateonly": DateNumber, "timeonly": TimeOfDay}[kind]()
    from .dates import OleDate, Ticks

    return Ticks() if kind == "datetime" else OleDate(strict)
