"""Integer arguments of the public functions: what Python takes for an index, as an int."""

from __future__ import annotations

from operator import index

from ..errors import ArgumentNullError, ArgumentOutOfRangeError
from .shown import shown

__all__ = ["check_offset", "int64", "integer"]

_INT64_MAX = 2**63 - 1
_MOST_BITS = 128


def integer(value: object, field: str) -> int:
    """Return the argument ``field`` as an int, also a NumPy integer or another index.

    Raises ArgumentNullError (TypeError) for anything else, such as a float, and
    ArgumentOutOfRangeError for an int that is far outside every range and too long for a message.
    """
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ArgumentNullError(
            f"{field} must be an integer, not {shown(value)}", field=field, value=value
        ) from None
    if number.bit_length() > _MOST_BITS:
        raise ArgumentOutOfRangeError(
            f"{field} must be a 64-bit integer, not {shown(number)}",
            field=field,
            value=number,
            limit=_INT64_MAX if number > 0 else -_INT64_MAX - 1,
        )
    return number


def int64(value: object, field: str, least: int = 0) -> int:
    """Return the argument ``field`` as an int. Raises as integer() does.

    Raises ArgumentOutOfRangeError for a number below ``least`` or beyond Int64.
    """
    number = integer(value, field)
    if not least <= number <= _INT64_MAX:
        raise ArgumentOutOfRangeError(
            f"{field} must be {least} to {_INT64_MAX}, not {number}",
            field=field,
            value=number,
            limit=least if number < least else _INT64_MAX,
        )
    return number


def check_offset(offset: int) -> int:
    """Return ``offset`` as an int. Raise ArgumentOutOfRangeError if it is negative.

    Python would count such an offset from the end of the buffer.
    """
    offset = integer(offset, "offset")
    if offset < 0:
        raise ArgumentOutOfRangeError(
            f"offset must not be negative, but is {offset}", field="offset", value=offset, limit=0
        )
    return offset
