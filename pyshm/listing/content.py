"""What a map seems to hold, found without its owner."""

from __future__ import annotations

import mmap
import os
import sys
from struct import Struct as Codec

from ..formats import blob
from ..formats.recognize import is_unfinished, recognize
from ..formats.testdata import TestData

__all__ = ["content_of"]


_CHUNK = 1 << 20


_SHOWN_PATH = 4096  # bytes


_TWELVE_INTEGERS = Codec("<12i")


_PLAUSIBLE = 1 << 20  # an id, an age and scores stay below it; text and floats do not


def content_of(descriptor: int, size: int) -> tuple[str, str]:
    """What a map seems to hold, and more about that."""
    first = _first_set_byte(descriptor, size)
    if first is None:
        return "empty", "all bytes are 0"
    if first >= TestData.layout.size:
        return "unknown", ""
    with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as memory, memoryview(memory) as view:
        if is_unfinished(view):
            return "unfinished blob", "a write is under way, or its writer died in it"
        if recognize(view) == "blob":
            found = blob.parse(view)
            with found.path, found.content:
                path = bytes(found.path[:_SHOWN_PATH]).decode("utf-8", "replace")
                return "blob", f"{path}, {len(found.content)} bytes"
    begin = os.pread(descriptor, _CHUNK, 0)
    if _plausible(begin):
        return "TestData", str(TestData.unpack_from(begin))
    return "unknown", ""


def _first_set_byte(descriptor: int, size: int) -> int | None:
    """Where the first byte lies that is not 0, None without one.

    Read, not mapped: a look at a hole through a shared mapping would give it memory.
    """
    offset = 0
    while offset < size:
        if sys.platform == "linux":
            try:
                offset = os.lseek(descriptor, offset, os.SEEK_DATA)
            except OSError:
                return None  # a hole up to the end
        chunk = os.pread(descriptor, _CHUNK, offset)
        if not chunk:
            return None  # somebody truncated it
        rest = chunk.lstrip(b"\0")
        if rest:
            return offset + len(chunk) - len(rest)
        offset += len(chunk)
    return None


def _plausible(data: bytes) -> bool:
    """Whether a TestData is what lies there: twelve small integers, and nothing behind them."""
    size = TestData.layout.size
    if len(data) < size or data[size:].strip(b"\0"):
        return False
    return all(abs(number) < _PLAUSIBLE for number in _TWELVE_INTEGERS.unpack_from(data))
