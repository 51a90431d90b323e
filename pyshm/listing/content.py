"""What a map holds, as far as its bytes prove it."""

from __future__ import annotations

import os
import sys
from functools import partial

from ..channels.summary import channel_summary
from ..formats.recognize import HEAD, is_picture_blob
from ..maps.copying import data_of_file
from ..maps.posix.record_locks import is_locked

__all__ = ["Budget", "content_of"]

assert sys.platform != "win32"  # for type checkers

_OF_ONE_FILE = 1 << 26  # bytes that are read of one file to find out whether all are 0
_OF_ALL_FILES = 1 << 29


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
    channel = channel_summary(descriptor, size, partial(is_locked, descriptor))
    if channel is not None:
        return "channel", channel
    begin = os.pread(descriptor, HEAD, 0)
    if is_picture_blob(begin, size):
        found = int.from_bytes(begin[:4], "little")
        length = int.from_bytes(begin[4 + found : 8 + found], "little")
        return "blob", f"{begin[4 : 4 + found].decode('utf-8')}, {length} bytes"
    if begin.strip(b"\0"):
        return "unknown", ""
    zero = _all_zero(descriptor, size, budget)
    if zero is None:
        return "unknown", "not all of its bytes were read, as there are too many"
    return ("empty", "all bytes are 0") if zero else ("unknown", "")


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
