"""Integer arguments of the public functions: what Python takes for an index, as an int."""

from __future__ import annotations

from operator import index

from ..errors import ArgumentNullError

__all__ = ["integer"]


def integer(value: object, field: str) -> int:
    """Return the argument ``field`` as an int, also a NumPy integer or another index.

    Raises ArgumentNullError (TypeError) for anything else, such as a float.
    """
    try:
        return index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ArgumentNullError(
            f"{field} must be an integer, not {value!r}", field=field, value=value
        ) from None
