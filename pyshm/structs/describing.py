"""What a repr shows of bytes in memory, also of bytes that their field can't have.

Shared memory can hold any bytes. A repr is made for debugging and therefore never raises: it shows
such bytes themselves, with the reason.
"""

from __future__ import annotations

from ..errors import FormatError
from .compound import ArrayValue
from .values.base import Conversion

__all__ = ["bytes_text", "value_text"]

_MOST = 32  # bytes that are shown


def value_text(conversion: Conversion, raw: bytes) -> str:
    """Return the repr of the value of ``raw``, or the bytes if they are not a value."""
    try:
        return repr(conversion.decode(raw))
    except FormatError as error:
        if not isinstance(conversion, ArrayValue) or conversion.whole:
            return bytes_text(raw, error)
    parts = [value_text(conversion.element, piece) for piece in conversion.pieces(raw)]
    return f"[{', '.join(parts)}]"


def bytes_text(raw: bytes, error: FormatError) -> str:
    """Return the text for bytes that are not a value, because of ``error``."""
    more = " …" if len(raw) > _MOST else ""
    return f"<bytes {raw[:_MOST].hex(' ')}{more}: {error}>"
