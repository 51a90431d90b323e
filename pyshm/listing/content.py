"""What a map seems to hold."""

from __future__ import annotations

import os
import sys
from struct import Struct as Codec

from ..formats import blob
from ..formats.recognize import is_unfinished
from ..formats.testdata import TestData
from ..maps.copying import data_of_file

__all__ = ["Budget", "content_of"]

assert sys.platform != "win32"  # for type checkers

_OF_ONE_FILE = 1 << 26  # bytes that are read of one file to find out whether all are 0
_OF_ALL_FILES = 1 << 29
_BEGIN = 1 << 16  # bytes
_SHOWN_PATH = 4096  # bytes
_TWELVE_INTEGERS = Codec("<12i")
_PLAUSIBLE = 1 << 20  # an id, an age and scores are below this; text and floats are not


class Budget:
    """How many more bytes of all files a listing reads to find out whether they are 0."""

    def __init__(self) -> None:
        self._left = _OF_ALL_FILES

    def spend(self, size: int) -> bool:
        """Return whether ``size`` more bytes may be read."""
        self._left -= size
        return self._left >= 0


def content_of(descriptor: int, size: int, budget: Budget) -> tuple[str, str]:
    """Return the ``kind`` and the ``detail`` of a ListedMap of ``size`` bytes.

    The file is read and not mapped: a mapping would allocate its holes, and crash if another
    process truncates the file. Raises OSError.
    """
    begin = os.pread(descriptor, _BEGIN, 0)
    if not begin.strip(b"\0"):
        zero = _all_zero(descriptor, size, budget)
        if zero is None:
            return "unknown", "not all of its bytes were read, as there are too many"
        return ("empty", "all bytes are 0") if zero else ("unknown", "")
    if is_unfinished(memoryview(begin)):
        return "unfinished blob", blob.UNFINISHED_DETAIL
    if (content_length := _content_length(descriptor, size)) > 0:
        path = os.pread(descriptor, min(_SHOWN_PATH, _int32(descriptor, 0)), 4)
        return "blob", f"{path.decode('utf-8', 'replace')}, {content_length} bytes"
    if _plausible(begin):
        return "TestData", str(TestData.unpack_from(begin))
    return "unknown", ""


def _all_zero(descriptor: int, size: int, budget: Budget) -> bool | None:
    """Return whether all bytes are 0; None if there are too many to read."""
    read = 0
    for _, part in data_of_file(descriptor, 0, size):
        if part.strip(b"\0"):
            return False
        read += len(part)
        if read >= _OF_ONE_FILE or not budget.spend(len(part)):
            return None
    return True


def _content_length(descriptor: int, size: int) -> int:
    """Return the length of a blob's content; 0 if there is no blob."""
    path_length = _int32(descriptor, 0)
    if not 0 <= path_length <= size - 8:
        return 0
    content_length = _int32(descriptor, 4 + path_length)
    return content_length if content_length <= size - 8 - path_length else 0


def _int32(descriptor: int, offset: int) -> int:
    return int.from_bytes(os.pread(descriptor, 4, offset), "little", signed=True)


def _plausible(data: bytes) -> bool:
    """Return whether ``data`` seems to be a TestData: twelve small integers, then only zeros."""
    size = TestData.layout.size
    if len(data) < size or data[size:].strip(b"\0"):
        return False
    return all(abs(number) < _PLAUSIBLE for number in _TWELVE_INTEGERS.unpack_from(data))
