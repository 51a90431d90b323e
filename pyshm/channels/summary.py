"""What the bytes of a channel's file say of it, for people. The file is read and not mapped."""

from __future__ import annotations

import os
import struct
from time import monotonic_ns
from typing import TYPE_CHECKING

from ..errors import ChannelFormatError
from .geometry import (
    CLOSED,
    CONSUMER,
    ENTRY_LOCK,
    ENTRY_MODE,
    ENTRY_SIZE,
    EPOCH,
    GRANULARITY,
    HEADER_SIZE,
    LATEST,
    LATEST_WORD,
    MAGIC,
    OPEN,
    STATE,
    VIEWER,
    WRITER_LOCK,
    parse_header,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .geometry import Geometry

__all__ = ["channel_summary"]

_CONTENTS = ("bytes", "images", "structs", "arrays")
_LOOKS = 10
_LIVE = 1.0  # seconds; a channel whose newest value is older has no rate


def channel_summary(descriptor: int, size: int, is_locked: Callable[[int], bool]) -> str | None:
    """Return what a channel is and who uses it, or None for a file that is not a channel.

    For example ``latest of structs, 48 bytes, writer alive, 60.0/s, 1 viewer``. ``is_locked`` says
    whether a process has the lock of a byte. Raises OSError.
    """
    if size < GRANULARITY or size % GRANULARITY:
        return None
    header = os.pread(descriptor, HEADER_SIZE, size - HEADER_SIZE)
    if len(header) < HEADER_SIZE or not header.startswith(MAGIC):
        return None
    try:
        geometry = parse_header(header, size)
    except ChannelFormatError as error:
        return f"a damaged channel: {error.field}"
    kind = "latest" if geometry.discipline == LATEST else "queue"
    parts = [
        f"{kind} of {_CONTENTS[geometry.content]}",
        f"{geometry.capacity} bytes",
        _writer(descriptor, geometry, is_locked),
        _pace(descriptor, geometry, header),
        _readers(descriptor, geometry, is_locked),
    ]
    return ", ".join(part for part in parts if part)


def _word(header: bytes, offset: int, size: int) -> int:
    return int.from_bytes(header[offset : offset + size], "little")


def _writer(descriptor: int, geometry: Geometry, is_locked: Callable[[int], bool]) -> str:
    # A writer that opens or closes between the two looks changes the epoch or the state.
    for _ in range(_LOOKS):
        before = os.pread(descriptor, 16, geometry.header_at + EPOCH)
        alive = is_locked(WRITER_LOCK)
        if os.pread(descriptor, 16, geometry.header_at + EPOCH) == before:
            break
    state = _word(before, STATE - EPOCH, 4)
    if state == OPEN:
        return "writer alive" if alive else "writer died"
    return "writer closed" if state == CLOSED else "no writer"


def _pace(descriptor: int, geometry: Geometry, header: bytes) -> str:
    """Return how many values come in a second, or how old the newest one is."""
    newest = _word(header, LATEST_WORD, 7)
    if not newest:
        return "no value yet"
    values = {}
    for slot in range(geometry.slots):
        found = os.pread(descriptor, 24, geometry.descriptor_at(slot))
        if len(found) == 24:
            stamp, _, published = struct.unpack("<QQQ", found)
            if stamp and stamp % 2 == 0 and stamp // 2 <= newest:
                values[stamp // 2] = published
    if newest not in values:
        return ""
    age = (monotonic_ns() - values[newest]) / 1e9
    oldest = min(values)
    elapsed = (values[newest] - values[oldest]) / 1e9
    if age <= max(_LIVE, 2 * elapsed) and elapsed > 0:
        return f"{(newest - oldest) / elapsed:.1f}/s"
    return f"last value {max(age, 0):.0f} s ago"


def _readers(descriptor: int, geometry: Geometry, is_locked: Callable[[int], bool]) -> str:
    """Return how many viewers or consumers have an entry. Readers that copy have none."""
    table = os.pread(descriptor, geometry.readers * ENTRY_SIZE, geometry.readers_at)
    count = 0
    for entry in range(len(table) // ENTRY_SIZE):
        mode = _word(table, entry * ENTRY_SIZE + ENTRY_MODE, 4)
        if mode in (VIEWER, CONSUMER) and is_locked(ENTRY_LOCK + entry):
            count += 1
    noun = "viewer" if geometry.discipline == LATEST else "reader"
    return f"{count} {noun}{'' if count == 1 else 's'}"
