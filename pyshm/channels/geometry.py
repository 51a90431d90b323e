"""Where everything is in the map of a channel (docs/channels.md, "The bytes").

A creator computes a :class:`Geometry` and writes it as the header. A process that opens a channel
reads each field of the header once, checks it, and uses only what it has checked.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from .._support.shown import shown
from ..errors import ChannelFormatError

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = [
    "CONSUMER",
    "CURSOR",
    "DESCRIPTOR_SIZE",
    "ENTRY_MODE",
    "ENTRY_PID",
    "ENTRY_SIZE",
    "EPOCH",
    "FREE",
    "LATEST",
    "LATEST_WORD",
    "LENGTH",
    "MAGIC",
    "MAX_CAPACITY",
    "MAX_READERS",
    "MAX_SLOTS",
    "PIN",
    "PINNERS",
    "QUEUE",
    "SLEEPERS",
    "STATE",
    "VIEWER",
    "WRITER_PID",
    "WRITER_WAITS",
    "Geometry",
    "has_magic",
    "header_offset",
    "parse_header",
    "plan",
    "read_header",
    "read_text",
    "write_header",
]

MAGIC: Final = b"PYSHMCHN"
MAJOR: Final = 1
MINOR: Final = 0
LATEST: Final = 0
QUEUE: Final = 1
OPEN: Final = 1
CLOSED: Final = 2

HEADER_SIZE: Final = 4096
GRANULARITY: Final = 65536
DESCRIPTOR_SIZE: Final = 128
ENTRY_SIZE: Final = 128
MAX_SLOTS: Final = 256
MAX_READERS: Final = 64
MAX_CAPACITY: Final = 2**31 - 1
"""The most bytes of a value; a .NET Span has no more."""

# Offsets of the words of the header, from its beginning.
LATEST_WORD: Final = 128
SLEEPERS: Final = 256
PINNERS: Final = 260
EPOCH: Final = 384
WRITER_PID: Final = 392
STATE: Final = 396
WRITER_WAITS: Final = 512
_TEXT: Final = 1024
MAX_TEXT: Final = HEADER_SIZE - _TEXT - 4

WRITER_LOCK: Final = 1
"""The byte of the map's file whose lock the writer has."""
ENTRY_LOCK: Final = 16
"""The byte whose lock the owner of reader entry 0 has."""

LENGTH: Final = 8
"""Where a descriptor has the length of its value, followed by the time and the tag."""

# Offsets in a reader entry, and its modes.
CURSOR: Final = 0
PIN: Final = 8
ENTRY_MODE: Final = 16
ENTRY_PID: Final = 20
FREE: Final = 0
VIEWER: Final = 1
CONSUMER: Final = 2

# The fields of the header after the magic, in order, with their offsets.
_HEADER = struct.Struct("<IIIIQQQQQIII4xQQQ")
_OFFSETS = {
    "major": 8, "minor": 12, "discipline": 16, "slots": 20, "capacity": 24, "stride": 32,
    "slots_at": 40, "descriptors_at": 48, "readers_at": 56, "readers": 64, "viewers": 68,
    "content": 72, "type": 80, "channel_id": 88, "plain": 96, "text_length": _TEXT,
}  # fmt: skip


class Geometry(NamedTuple):
    """The header of a channel. Offsets and sizes are in bytes."""

    discipline: int
    slots: int
    capacity: int
    stride: int
    slots_at: int
    descriptors_at: int
    readers_at: int
    readers: int
    viewers: int
    content: int
    type: int
    channel_id: int
    plain: int
    length: int
    """The size of the map."""

    @property
    def header_at(self) -> int:
        """The offset of the header."""
        return self.length - HEADER_SIZE

    def slot_at(self, slot: int) -> int:
        """Return the offset of a slot."""
        return self.slots_at + slot * self.stride

    def descriptor_at(self, slot: int) -> int:
        """Return the offset of a slot's descriptor."""
        return self.descriptors_at + slot * DESCRIPTOR_SIZE

    def reader_at(self, entry: int) -> int:
        """Return the offset of a reader entry."""
        return self.readers_at + entry * ENTRY_SIZE


def plan(
    *,
    discipline: int,
    slots: int,
    capacity: int,
    readers: int,
    viewers: int,
    content: int,
    type_hash: int,
    channel_id: int,
    plain: bool,
) -> Geometry:
    """Return where a creator puts everything. The caller has checked the numbers."""
    area = _up(capacity, 4096) if plain else 0
    stride = _up(capacity, 4096 if capacity >= 4096 else 128)
    descriptors_at = area + _up(slots * stride, 128)
    readers_at = descriptors_at + slots * DESCRIPTOR_SIZE
    end = readers_at + readers * ENTRY_SIZE
    return Geometry(
        discipline, slots, capacity, stride, area, descriptors_at, readers_at, readers, viewers,
        content, type_hash, channel_id, area, _up(end + HEADER_SIZE, GRANULARITY),
    )  # fmt: skip


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def header_offset(length: int) -> int:
    """Return where the header of a map of ``length`` bytes is. Raises ChannelFormatError."""
    if length < GRANULARITY or length % GRANULARITY:
        raise ChannelFormatError(
            f"this map is not a channel: its size is {length} bytes, and that of a channel is a "
            f"multiple of {GRANULARITY}",
            kind="not-a-channel",
            field="length",
            value=length,
            limit=GRANULARITY,
        )
    return length - HEADER_SIZE


def write_header(memory: memoryview, geometry: Geometry, text: bytes) -> None:
    """Write the header. The magic, which makes it a channel, is written last, with one store."""
    at = geometry.header_at
    text = _cut(text)
    struct.pack_into("<I", memory, at + _TEXT, len(text))
    memory[at + _TEXT + 4 : at + _TEXT + 4 + len(text)] = text
    _HEADER.pack_into(
        memory, at + len(MAGIC), MAJOR, MINOR, geometry.discipline, geometry.slots,
        geometry.capacity, geometry.stride, geometry.slots_at, geometry.descriptors_at,
        geometry.readers_at, geometry.readers, geometry.viewers, geometry.content, geometry.type,
        geometry.channel_id, geometry.plain,
    )  # fmt: skip
    memory.cast("Q")[at // 8] = int.from_bytes(MAGIC, "little")


def _cut(text: bytes) -> bytes:
    """Return ``text``, or as many whole lines of it as the header can hold."""
    return text if len(text) <= MAX_TEXT else text[: text.rfind(b"\n", 0, MAX_TEXT) + 1]


def has_magic(memory: memoryview) -> bool:
    """Return whether the map is a channel; False while its creator has not written the magic.

    Raises ChannelFormatError (kind "not-a-channel") for any other map.
    """
    at = header_offset(len(memory))
    magic = memory.cast("Q")[at // 8].to_bytes(8, "little")
    if magic != MAGIC and any(magic):
        raise ChannelFormatError(
            f"this map is not a channel: {magic!r} is at offset {at}, a channel has "
            f"{MAGIC!r} there",
            kind="not-a-channel",
            field="magic",
            offset=at,
            value=magic,
            limit=MAGIC,
        )
    return magic == MAGIC


def read_header(memory: memoryview) -> Geometry:
    """Return the checked header of a map that has the magic. Raises ChannelFormatError."""
    length = len(memory)
    return parse_header(memory[header_offset(length) :], length)


def parse_header(header: memoryview | bytes, length: int) -> Geometry:
    """Return the checked header of a map of ``length`` bytes. Raises ChannelFormatError."""
    at = length - HEADER_SIZE
    major, minor, *fields = _HEADER.unpack_from(header, len(MAGIC))
    if major != MAJOR:
        raise ChannelFormatError(
            f"the channel has version {major}.{minor}; this library reads version {MAJOR}",
            kind="channel-version",
            field="major",
            offset=at + _OFFSETS["major"],
            value=major,
            limit=MAJOR,
        )
    found = Geometry._make((*fields, length))
    _check_numbers(found)
    _check_places(found)
    return found


def read_text(memory: memoryview) -> str:
    """Return what the header says of the type, for people. Raises ChannelFormatError."""
    at = header_offset(len(memory)) + _TEXT
    (size,) = struct.unpack_from("<I", memory, at)
    if size > MAX_TEXT:
        _refuse(len(memory) - HEADER_SIZE, "text_length", size, f"at most {MAX_TEXT}", MAX_TEXT)
    return bytes(memory[at + 4 : at + 4 + size]).decode("utf-8", "replace")


def _check_numbers(found: Geometry) -> None:
    at = found.header_at
    latest = found.discipline == LATEST
    if found.discipline not in (LATEST, QUEUE):
        _refuse(at, "discipline", found.discipline, "0 (LATEST) or 1 (QUEUE)", QUEUE)
    least = 3 if latest else 2
    if not least <= found.slots <= MAX_SLOTS:
        _refuse(at, "slots", found.slots, f"{least} to {MAX_SLOTS}", MAX_SLOTS)
    if not 1 <= found.readers <= MAX_READERS:
        _refuse(at, "readers", found.readers, f"1 to {MAX_READERS}", MAX_READERS)
    most = min(found.slots - 2, found.readers) if latest else 0
    if found.viewers > most:
        _refuse(at, "viewers", found.viewers, f"at most {most}", most)
    if not 1 <= found.capacity <= MAX_CAPACITY:
        _refuse(at, "capacity", found.capacity, f"1 to {MAX_CAPACITY}", MAX_CAPACITY)
    multiple = 4096 if found.capacity >= 4096 else 128
    if found.stride < found.capacity or found.stride % multiple:
        wanted = f"a multiple of {multiple}, and at least the capacity {found.capacity}"
        _refuse(at, "stride", found.stride, wanted, found.capacity)


def _check_places(found: Geometry) -> None:
    at = found.header_at
    places = sorted(
        (
            _place(found, "plain", 0, found.plain, 1),
            _place(found, "slots_at", found.slots_at, found.slots * found.stride, 4096),
            _place(
                found, "descriptors_at", found.descriptors_at, found.slots * DESCRIPTOR_SIZE, 128
            ),
            _place(found, "readers_at", found.readers_at, found.readers * ENTRY_SIZE, 128),
        )
    )
    for (_, end, _), (begin, _, name) in pairwise(places):
        if begin < end:
            _refuse(at, name, begin, f"at least {end}, where the part before it ends", end)
    if found.content > 3:
        _refuse(at, "content", found.content, "0 to 3", 3)
    if not found.channel_id:
        _refuse(at, "channel_id", 0, "not 0", 1)


def _place(
    found: Geometry, name: str, begin: int, size: int, multiple: int
) -> tuple[int, int, str]:
    """Return where a part begins and ends, and the name of its field."""
    at = found.header_at
    if begin % multiple:
        _refuse(at, name, begin, f"a multiple of {multiple}", multiple)
    if begin + size > at:
        value = size if name == "plain" else begin
        wanted = f"such that {size} bytes end before the header at {at}"
        _refuse(at, name, value, wanted, at - size)
    return begin, begin + size, name


def _refuse(header: int, field: str, value: int, wanted: str, limit: int) -> NoReturn:
    raise ChannelFormatError(
        f"the header of the channel is damaged: {field} at offset {header + _OFFSETS[field]} is "
        f"{shown(value)}, but must be {wanted}",
        kind="channel-header",
        field=field,
        offset=header + _OFFSETS[field],
        value=value,
        limit=limit,
    )
