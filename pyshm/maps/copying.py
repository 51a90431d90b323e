"""Copies of what a map holds, made without mapping its file.

Reading through a mapping would allocate the holes of a sparse file, fail for a file that is larger
than the address space, and crash if another process truncates the file. A copy also has a bound in
time and memory, and its bytes do not change while they are looked at.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MOST_DATA", "MOST_SIZE", "Copy", "copy_of_file", "copy_of_memory", "data_of_file"]

MOST_DATA = 1 << 28
"""The bytes that one copy reads. The holes of a sparse file do not count."""

MOST_SIZE = 1 << 30
"""The size of one copy in bytes, with holes."""

_CHUNK = 1 << 20  # bytes


class Copy(NamedTuple):
    """A copy of a part of a map, and the ``size`` of the whole map.

    ``missing`` says which bytes of that part were not read because there are too many; mostly it is
    empty. These bytes are 0, or not in ``data``.
    """

    data: memoryview
    size: int
    missing: str


def copy_of_file(
    descriptor: int, offset: int, length: int | None, most_size: int | None = None
) -> Copy:
    """Return a copy of ``length`` bytes (None: of all) from ``offset`` on.

    It has at most ``most_size`` bytes (None: MOST_SIZE). Raises OSError if the file can't be read.
    """
    size = os.fstat(descriptor).st_size
    end = _end(offset, length, size)
    data = _zeros(min(end - offset, MOST_SIZE if most_size is None else most_size))
    read_to, left = offset + len(data), MOST_DATA
    for at, part in data_of_file(descriptor, offset, read_to):
        if len(part) > left:
            read_to = at
            break
        data[at - offset : at - offset + len(part)] = part
        left -= len(part)
    now = os.fstat(descriptor).st_size
    if now < size:  # another process truncated it meanwhile
        size, end = now, _end(offset, length, now)
        data = data[: end - offset]
    return Copy(data, size, _missing(min(read_to, end), end))


def copy_of_memory(memory: memoryview, offset: int, length: int | None) -> Copy:
    """Return a copy of ``length`` bytes (None: of all) from ``offset`` on."""
    end = _end(offset, length, len(memory))
    read_to = min(end, offset + MOST_DATA)
    data = memoryview(bytes(memory[offset:read_to]))
    return Copy(data, len(memory), _missing(read_to, end))


def data_of_file(descriptor: int, offset: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of a file in parts, each with its offset; holes, which are 0, are left out.

    Ends early if another process truncates the file.
    """
    while offset < end:
        if sys.platform == "linux":
            try:
                offset = os.lseek(descriptor, offset, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return  # the rest of the file is a hole
        part = os.pread(descriptor, max(0, min(_CHUNK, end - offset)), offset)
        if not part:
            return
        yield offset, part
        offset += len(part)


def _end(offset: int, length: int | None, size: int) -> int:
    end = size if length is None else min(size, offset + length)
    return max(offset, end)


def _zeros(size: int) -> memoryview:
    """Return new memory; the system allocates the pages that are written."""
    if size == 0:
        return memoryview(bytearray())
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return memoryview(mmap.mmap(-1, size, flags=flags))


def _missing(read_to: int, end: int) -> str:
    if read_to == end:
        return ""
    return (
        f"the bytes from {read_to:,} to {end:,} were not read, as there are too many; "
        "use --offset and --length"
    )
