"""What a map seems to hold."""

from __future__ import annotations

import mmap
import os
import sys
from struct import Struct as Codec

from ..formats import blob
from ..formats.recognize import is_unfinished, recognize
from ..formats.testdata import TestData

__all__ = ["content_of"]

assert sys.platform != "win32"  # for type checkers

_CHUNK = 1 << 20  # bytes
_SHOWN_PATH = 4096  # bytes
_TWELVE_INTEGERS = Codec("<12i")
_PLAUSIBLE = 1 << 20  # an id, an age and scores are below this; text and floats are not


def content_of(descriptor: int, size: int) -> tuple[str, str]:
    """Return the ``kind`` and the ``detail`` of a ListedMap of ``size`` bytes."""
    first = _first_set_byte(descriptor, size)
    if first is None:
        return "empty", "all bytes are 0"
    if first >= TestData.layout.size:
        return "unknown", ""
    with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as memory, memoryview(memory) as view:
        if is_unfinished(view):
            return "unfinished blob", blob.UNFINISHED_DETAIL
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
    """Return the offset of the first byte that is not 0, None if all bytes are 0.

    The file is read and not mapped: reading a hole through a shared mapping would allocate it.
    """
    offset = 0
    while offset < size:
        if sys.platform == "linux":
            try:
                offset = os.lseek(descriptor, offset, os.SEEK_DATA)
            except OSError:
                return None  # the rest of the file is a hole
        chunk = os.pread(descriptor, _CHUNK, offset)
        if not chunk:
            return None  # another process truncated the file
        rest = chunk.lstrip(b"\0")
        if rest:
            return offset + len(chunk) - len(rest)
        offset += len(chunk)
    return None


def _plausible(data: bytes) -> bool:
    """Return whether ``data`` seems to be a TestData: twelve small integers, then only zeros."""
    size = TestData.layout.size
    if len(data) < size or data[size:].strip(b"\0"):
        return False
    return all(abs(number) < _PLAUSIBLE for number in _TWELVE_INTEGERS.unpack_from(data))
