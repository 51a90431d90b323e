"""Integer arguments of the public functions: what Python takes for an index, as an int."""

from __future__ import annotations

from operator import index

from ..errors import ArgumentNullError, ArgumentOutOfRangeError
from .shown import shown

__all__ = ["integer"]

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
