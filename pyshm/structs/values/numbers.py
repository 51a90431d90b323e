"""Integers, floats, truth values and enums."""

from __future__ import annotations

from collections.abc import Callable
from enum import Flag
from struct import Struct as Codec
from struct import error as CodecError
from typing import Any

from ..._support.shown import shown
from .base import Conversion, InvalidValue

__all__ = ["Boolean", "EnumNumber", "Number", "WideInteger", "integer_bounds"]

_NAMES = {
    "b": "sbyte", "B": "byte", "h": "short", "H": "ushort", "i": "int", "I": "uint",
    "q": "long", "Q": "ulong", "e": "Half", "f": "float", "d": "double",
}  # fmt: skip


def integer_bounds(size: int, signed: bool) -> tuple[int, int]:
    """Return the smallest and the largest integer of ``size`` bytes."""
    bits = 8 * size
    if signed:
        return -(1 << bits - 1), (1 << bits - 1) - 1
    return 0, (1 << bits) - 1


class Number(Conversion):
    """An integer of up to 64 bits, or a float."""

    canonical = True

    def __init__(self, code: str, name: str = "") -> None:
        codec = Codec("<" + code)
        super().__init__(codec.size, name or _NAMES[code])
        self.code = code
        self._pack = codec.pack
        self._unpack = codec.unpack

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The smallest and the largest integer; None for floats."""
        assert self.code is not None
        if self.code in "efd":
            return None
        return integer_bounds(self.size, self.code.islower())

    def encode(self, value: Any) -> bytes:
        try:
            return self._pack(value)
        except (CodecError, OverflowError, TypeError):
            raise _not_a_number(self.name, self.bounds, value) from None

    def decode(self, raw: bytes) -> Any:
        return self._unpack(raw)[0]


def _not_a_number(name: str, bounds: tuple[int, int] | None, value: object) -> InvalidValue:
    limit = None
    expected = f"{'an' if name[0] in 'iI' else 'a'} {name}"
    if bounds is not None:
        expected += f" ({bounds[0]} to {bounds[1]})"
        if isinstance(value, int):
            limit = bounds[0] if value < bounds[0] else bounds[1]
    return InvalidValue(f"must be {expected}, not {shown(value)}", value, limit)


class WideInteger(Conversion):
    """Int128 or UInt128."""

    canonical = True

    def __init__(self, signed: bool) -> None:
        super().__init__(16, "Int128" if signed else "UInt128")
        self._signed = signed

    def encode(self, value: Any) -> bytes:
        try:
            return int(value.__index__()).to_bytes(16, "little", signed=self._signed)
        except (OverflowError, AttributeError, TypeError):
            bounds = integer_bounds(self.size, self._signed)
            raise _not_a_number(self.name, bounds, value) from None

    def decode(self, raw: bytes) -> int:
        return int.from_bytes(raw, "little", signed=self._signed)


class Boolean(Conversion):
    """A bool. Zero is False and all else is True; True is written as 1, in a VARIANT_BOOL as -1."""

    def __init__(self, code: str) -> None:
        codec = Codec("<" + code)
        super().__init__(codec.size, "bool")
        self.code = code
        self.true = -1 if code == "h" else 1
        self._true = codec.pack(self.true)

    def encode(self, value: Any) -> bytes:
        try:
            return self._true if value else bytes(self.size)
        except Exception:  # noqa: BLE001 - such as that of a NumPy array
            raise InvalidValue(f"must be a bool, not {shown(value)}", value) from None

    def decode(self, raw: bytes) -> bool:
        return any(raw)


class EnumNumber(Number):
    """A member of a Python enum, or a combination of flags; its int is the number in memory.

    A number that is not a member remains an int, as in .NET.
    """

    def __init__(self, code: str, enum: Any) -> None:
        super().__init__(code)
        members = _Flags(enum) if issubclass(enum, Flag) else _Members()
        for member in enum.__members__.values():
            members.setdefault(int(member), member)
        self.make: Callable[[int], Any] = members.__getitem__

    def decode(self, raw: bytes) -> Any:
        return self.make(self._unpack(raw)[0])


class _Members(dict[int, Any]):
    """The members of an enum by their numbers; any other number is its own value."""

    def __missing__(self, number: int) -> Any:
        return number


class _Flags(dict[int, Any]):
    """The members of a flags enum, and their combinations, which are made when they are read."""

    _MOST = 4096  # memory that is not trusted can have any number

    def __init__(self, enum: Any) -> None:
        super().__init__()
        self._enum = enum

    def __missing__(self, number: int) -> Any:
        from .flags import flags_of

        keep = len(self) < self._MOST
        value = flags_of(self._enum, number, keep=keep)
        if keep:
            self[number] = value
        return value
