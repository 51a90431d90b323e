"""What bytes seem to be."""

from __future__ import annotations

from ..errors import FormatError
from . import blob

__all__ = ["KINDS", "UNFINISHED", "is_unfinished", "recognize"]

KINDS = ("blob", "TestData")  # what a dump can read bytes as
UNFINISHED = -1  # path_length while a write is under way (docs/format.md)


def is_unfinished(buffer: memoryview) -> bool:
    """Whether ``buffer`` begins as a blob does whose write is under way, or was never ended."""
    return len(buffer) >= 4 and int.from_bytes(buffer[:4], "little", signed=True) == UNFINISHED


def recognize(buffer: memoryview) -> str:
    """What ``buffer`` seems to hold: "blob", "TestData", or "empty" where all bytes are zero.

    A blob is one with some content, or one whose write is unfinished. Anything else may be a
    TestData, if it is long enough to be one.
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
