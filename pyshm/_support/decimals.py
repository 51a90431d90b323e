"""The four words of a System.Decimal.

https://learn.microsoft.com/dotnet/api/system.decimal.getbits
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, ArgumentOutOfRangeError
from .shown import shown

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["decimal_from_parts", "parts_from_decimal"]

_SIGN = 0x8000_0000
_SCALE = 0x00FF_0000
_MAX_SCALE = 28
_MAX_96 = 2**96 - 1


def decimal_from_parts(low: int, middle: int, high: int, flags: int) -> Decimal:
    """Return the decimal whose GetBits are these four numbers, each from 0 to 2**32 - 1.

    Raises ArgumentError for flags with unknown bits, or with more than 28 decimal places.
    """
    from decimal import Decimal

    scale = (flags & _SCALE) >> 16
    if flags & ~(_SIGN | _SCALE) or scale > _MAX_SCALE:
        raise ArgumentError(
            f"invalid decimal flags {flags:#010x}: only the sign (bit 31) and the number of "
            f"decimal places (bits 16 to 23, at most {_MAX_SCALE}) may be set",
            field="flags",
            value=flags,
            limit=_MAX_SCALE,
        )
    digits = tuple(int(digit) for digit in str(low | middle << 32 | high << 64))
    return Decimal((1 if flags & _SIGN else 0, digits, -scale))


def parts_from_decimal(value: Any) -> tuple[int, int, int, int]:
    """Return lo, mid, hi and flags of ``value``, exactly.

    Raises ArgumentOutOfRangeError for a value that .NET's decimal can't hold; it is not rounded.
    """
    from decimal import Decimal

    if not isinstance(value, Decimal) or not value.is_finite():
        raise ArgumentOutOfRangeError(
            f"{shown(value)} is not a finite Decimal", field="value", value=value
        )
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if exponent <= _MAX_SCALE and len(digits) + max(exponent, 0) <= _MAX_SCALE + 1:
        number = int("".join(map(str, digits)))
        number *= 10 ** max(exponent, 0)
        scale = max(-exponent, 0)
        if number <= _MAX_96 and scale <= _MAX_SCALE:
            flags = scale << 16 | (_SIGN if sign else 0)
            return number & 0xFFFFFFFF, number >> 32 & 0xFFFFFFFF, number >> 64, flags
    raise ArgumentOutOfRangeError(
        f"{value} does not fit a .NET decimal (96 bits, 28 decimal places)",
        field="value",
        value=value,
        limit=_MAX_96,
    )
