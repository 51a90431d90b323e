"""System.Decimal, and the CURRENCY that it can be marshalled as."""

from __future__ import annotations

from struct import Struct as Codec
from struct import error as CodecError
from typing import TYPE_CHECKING, Any

from ..._support.decimals import decimal_from_parts, parts_from_decimal
from ..._support.shown import shown
from ...errors import ArgumentError, FormatError, PyshmError
from .base import Conversion, InvalidValue

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["Currency", "DecimalNumber"]

_DECIMAL = Codec("<IIQ")
_CURRENCY = Codec("<q")
_CURRENCY_LIMIT = "922337203685477.5807"


class DecimalNumber(Conversion):
    """System.Decimal: the flags, then a number of 96 bits; up to 28 decimal places."""

    def __init__(self) -> None:
        super().__init__(16, "decimal")

    def encode(self, value: Any) -> bytes:
        try:
            low, middle, high, flags = parts_from_decimal(value)
        except PyshmError as error:
            raise InvalidValue(f"can't be stored: {error.message}", value, error.limit) from None
        return _DECIMAL.pack(flags, high, low | middle << 32)

    def decode(self, raw: bytes) -> Decimal:
        flags, high, low64 = _DECIMAL.unpack(raw)
        try:
            return decimal_from_parts(low64 & 0xFFFFFFFF, low64 >> 32, high, flags)
        except ArgumentError as error:
            raise FormatError(
                error.message, kind="no-decimal", value=error.value, limit=error.limit
            ) from None


class Currency(Conversion):
    """CURRENCY: an int64 of ten-thousandths."""

    number = "q"

    def __init__(self, strict: bool) -> None:
        super().__init__(8, "Currency")
        self._strict = strict

    def encode(self, value: Any) -> bytes:
        from decimal import Context, Decimal

        if not isinstance(value, Decimal) or not value.is_finite():
            raise InvalidValue(f"must be a finite Decimal, not {shown(value)}", value)
        scaled = rounded = value.scaleb(4, Context(prec=200))
        if scaled.adjusted() < 99:
            rounded = scaled.quantize(Decimal(1), "ROUND_HALF_EVEN", Context(prec=200))
        if rounded != scaled and self._strict:
            raise InvalidValue(f"must have at most four decimal places, not {value}", value)
        try:
            return _CURRENCY.pack(int(rounded))
        except CodecError:
            raise InvalidValue(
                f"must be between -{_CURRENCY_LIMIT} and {_CURRENCY_LIMIT}, not {value}",
                value,
                _CURRENCY_LIMIT,
            ) from None

    def decode(self, raw: bytes) -> Decimal:
        from decimal import Decimal

        units = _CURRENCY.unpack(raw)[0]
        places = 4
        # .NET removes trailing zeros, but reads 0 as 0.0000.
        while places and units and units % 10 == 0:
            units //= 10
            places -= 1
        # Decimal.scaleb would round to the precision of the current context.
        digits = tuple(int(digit) for digit in str(abs(units)))
        return Decimal((int(units < 0), digits, -places))
