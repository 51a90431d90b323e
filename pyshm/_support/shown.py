"""The text of a value in a message."""

from __future__ import annotations

__all__ = ["shown"]

_LONGEST_REPR = 500


def shown(value: object, longest: int | None = _LONGEST_REPR) -> str:
    """Return the repr of a value for a message: short, and also of a value that has none.

    An int of more than 4,300 digits has none, nor has what contains one.
    """
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a repr can be anybody's code
        size = f" of {value.bit_length()} bits" if isinstance(value, int) else ""
        return f"<{type(value).__name__}{size}>"
    return text if longest is None or len(text) <= longest else f"{text[:longest]}…"
