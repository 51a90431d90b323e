"""Which format a buffer seems to hold."""

from __future__ import annotations

from ..errors import FormatError
from . import blob

__all__ = ["KINDS", "UNFINISHED", "is_unfinished", "recognize"]

KINDS = ("blob", "TestData")  # the formats that a dump can show
UNFINISHED = -1  # path_length during a write (docs/format.md)


def is_unfinished(buffer: memoryview) -> bool:
    """Return whether ``buffer`` begins with a blob whose write has not ended."""
    return len(buffer) >= 4 and int.from_bytes(buffer[:4], "little", signed=True) == UNFINISHED


def recognize(buffer: memoryview) -> str:
    """Return what ``buffer`` seems to hold: "blob", "TestData", or "empty" if all bytes are 0.

    "blob" means a blob with some content, or one whose write has not ended. "TestData" means
    anything else; a shorter buffer can't be one.
    """
    if len(buffer) and _is_zero(buffer):
        return "empty"
    if is_unfinished(buffer):
        return "blob"
    try:
        return "blob" if blob.parse(buffer).content else "TestData"
    except FormatError:
        return "TestData"


def _is_zero(buffer: memoryview) -> bool:
    # A bytearray on the left compares with memcmp; two memoryviews would go byte by byte.
    step = 1 << 16
    zeros = bytearray(step)
    whole = len(buffer) - len(buffer) % step
    return all(zeros == buffer[i : i + step] for i in range(0, whole, step)) and (
        bytearray(len(buffer) - whole) == buffer[whole:]
    )
