"""Numbers, truth values and enums."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct as Codec
from struct import error as CodecError
from typing import Any

from .base import Conversion, InvalidValue

__all__ = ["Boolean", "EnumNumber", "Number", "WideInteger"]

_NAMES = {
    "b": "sbyte", "B": "byte", "h": "short", "H": "ushort", "i": "int", "I": "uint",
    "q": "long", "Q": "ulong", "e": "Half", "f": "float", "d": "double",
}  # fmt: skip


class Number(Conversion):
    """An integer or a float that the struct module knows."""

    canonical = True

    def __init__(self, code: str, name: str = "") -> None:
        codec = Codec("<" + code)
        super().__init__(codec.size, name or _NAMES[code])
        self.code = code
        self._pack = codec.pack
        self._unpack = codec.unpack

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The smallest and largest integer; None for floats."""
        assert self.code is not None
        if self.code in "efd":
            return None
        bits = 8 * self.size
        if self.code.islower():
            return -(1 << bits - 1), (1 << bits - 1) - 1
        return 0, (1 << bits) - 1

    def encode(self, value: Any) -> bytes:
        try:
            return self._pack(value)
        except (CodecError, OverflowError, TypeError):
            raise _no_number(self.name, self.bounds, value) from None

    def decode(self, raw: bytes) -> Any:
        return self._unpack(raw)[0]


def _no_number(name: str, bounds: tuple[int, int] | None, value: object) -> InvalidValue:
    limit = None
    expected = f"{'an' if name[0] in 'iI' else 'a'} {name}"
    if bounds is not None:
        expected += f" ({bounds[0]} to {bounds[1]})"
        if isinstance(value, int):
            limit = bounds[0] if value < bounds[0] else bounds[1]
    return InvalidValue(f"must be {expected}, not {value!r}", value, limit)


class WideInteger(Conversion):
    """Int128 and UInt128."""

    canonical = True

    def __init__(self, signed: bool) -> None:
        super().__init__(16, "Int128" if signed else "UInt128")
        self._signed = signed

    def encode(self, value: Any) -> bytes:
        try:
            return int(value.__index__()).to_bytes(16, "little", signed=self._signed)
        except (OverflowError, AttributeError):
            low = -(1 << 127) if self._signed else 0
            high = (1 << 127 if self._signed else 1 << 128) - 1
            raise _no_number(self.name, (low, high), value) from None

    def decode(self, raw: bytes) -> int:
        return int.from_bytes(raw, "little", signed=self._signed)


class Boolean(Conversion):
    """A bool: any bytes but zeros are True, True is stored as 1 or, in a VARIANT_BOOL, as -1."""

    def __init__(self, code: str) -> None:
        codec = Codec("<" + code)
        super().__init__(codec.size, "bool")
        self.code = code
        self.true = -1 if code == "h" else 1
        self._true = codec.pack(self.true)

    def encode(self, value: Any) -> bytes:
        return self._true if value else bytes(self.size)

    def decode(self, raw: bytes) -> bool:
        return any(raw)


class EnumNumber(Number):
    """An enum's number; one that the Python enum has no name for stays a number."""

    def __init__(self, code: str, enum: type) -> None:
        super().__init__(code)
        self._known: dict[int, Any] = getattr(enum, "_value2member_map_")  # noqa: B009 - typed
        self.make: Callable[[int], Any] = self._flags if hasattr(enum, "__or__") else self._get
        self._enum = enum

    def _get(self, number: int) -> Any:
        return self._known.get(number, number)

    def _flags(self, number: int) -> Any:
        try:
            return self._enum(number)
        except ValueError:  # bits that a strict IntFlag does not know
            return number

    def decode(self, raw: bytes) -> Any:
        return self.make(self._unpack(raw)[0])
