"""The bytes of a channel, read and written without either library, from docs/channels.md alone.

Also its locks, which ``/proc/locks`` shows, so that an error that both libraries have in common is
found.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .memory import path_of

__all__ = [
    "Channel",
    "Description",
    "Entry",
    "Slot",
    "Value",
    "array_text",
    "channel_bytes",
    "locked_bytes",
    "read_channel",
    "struct_text",
    "type_hash",
    "without_chance",
]

HEADER_SIZE = 4096
GRANULE = 65536
LINE = 128  # bytes of a descriptor, and of a reader entry

# The numbers that differ in each run, and what golden files have in their place.
CHANNEL_ID = 0x1122334455667788
PUBLISHED = 0x0102030405060708
PROCESS = 4242

CONTENTS = ("bytes", "image", "struct", "array")
DISCIPLINES = ("latest", "queue")


@dataclass(frozen=True)
class Slot:
    """A slot and its descriptor."""

    stamp: int
    length: int
    published: int
    tag: int
    reserved: int
    dtype: bytes
    dimensions: int
    shape: tuple[int, ...]
    data: bytes
    """The bytes of the value, as long as ``length`` if that fits the capacity."""


@dataclass(frozen=True)
class Entry:
    """A reader entry."""

    cursor: int
    pin: int
    mode: int
    process: int


@dataclass(frozen=True)
class Channel:
    """The bytes of a channel at one moment."""

    magic: bytes
    version: tuple[int, int]
    discipline: int
    count: int
    capacity: int
    stride: int
    slots_at: int
    descriptors_at: int
    readers_at: int
    readers: int
    viewers: int
    content: int
    type: int
    id: int
    plain: int
    latest: int
    sleepers: int
    pinners: int
    epoch: int
    process: int
    state: int
    writer_waits: int
    text: bytes
    size: int
    slots: tuple[Slot, ...] = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)
    area: bytes = field(repr=False)
    """The plain area."""

    @property
    def number(self) -> int:
        """The number of the newest value; 0 before the first."""
        return self.latest & (1 << 56) - 1

    @property
    def newest(self) -> Slot | None:
        """The slot that ``latest`` names; None before the first value."""
        return self.slots[self.latest >> 56] if self.latest else None


def read_channel(source: str | bytes) -> Channel:
    """Return what a named map, or its bytes, have as a channel."""
    memory = source if isinstance(source, bytes) else path_of(source).read_bytes()
    size = len(memory)
    assert size >= GRANULE, f"a channel has at least {GRANULE} bytes, this map has {size}"
    assert size % GRANULE == 0, f"the size of a channel is a multiple of {GRANULE}, not {size}"
    header = memory[-HEADER_SIZE:]

    def number(offset: int, bytes_: int) -> int:
        return int.from_bytes(header[offset : offset + bytes_], "little")

    count, capacity, stride = number(20, 4), number(24, 8), number(32, 8)
    slots_at, descriptors_at, readers_at = number(40, 8), number(48, 8), number(56, 8)
    readers, plain, length = number(64, 4), number(96, 8), number(1024, 4)
    return Channel(
        magic=header[:8],
        version=(number(8, 4), number(12, 4)),
        discipline=number(16, 4),
        count=count,
        capacity=capacity,
        stride=stride,
        slots_at=slots_at,
        descriptors_at=descriptors_at,
        readers_at=readers_at,
        readers=readers,
        viewers=number(68, 4),
        content=number(72, 4),
        type=number(80, 8),
        id=number(88, 8),
        plain=plain,
        latest=number(128, 8),
        sleepers=number(256, 4),
        pinners=number(260, 4),
        epoch=number(384, 8),
        process=number(392, 4),
        state=number(396, 4),
        writer_waits=number(512, 4),
        text=header[1028 : 1028 + length],
        size=size,
        slots=tuple(
            _slot(
                memory[descriptors_at + LINE * i : descriptors_at + LINE * (i + 1)],
                memory[slots_at + stride * i : slots_at + stride * i + capacity],
            )
            for i in range(count)
        ),
        entries=tuple(
            Entry(*struct.unpack_from("<QQII", memory, readers_at + LINE * i))
            for i in range(readers)
        ),
        area=memory[:plain],
    )


def _slot(descriptor: bytes, data: bytes) -> Slot:
    stamp, length, published, tag, reserved, dtype, dimensions, *shape = struct.unpack_from(
        "<QQQII8sI4x8q", descriptor
    )
    return Slot(
        stamp, length, published, tag, reserved, dtype.rstrip(b"\0"), dimensions,
        tuple(shape[: min(dimensions, 8)]), data[:length],
    )  # fmt: skip


# --- types --------------------------------------------------------------------------------


def struct_text(size: int, *fields: str) -> str:
    """Return the type text of a struct; each field is ``OFFSET CODE NAME``."""
    return "".join(f"{line}\n" for line in (f"struct {size}", *fields))


def array_text(dtype: str) -> str:
    """Return the type text of arrays."""
    return f"array {dtype}\n"


def type_hash(text: str) -> int:
    """Return the field *type* of the header; 0 for an empty text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") if text else 0


# --- writing ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """A published value."""

    data: bytes
    tag: int = 0
    dtype: str = ""
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Description:
    """What a channel is created with."""

    discipline: str
    content: str
    capacity: int
    slots: int
    readers: int = 32
    viewers: int = 0
    plain: bool = False
    text: str = ""


def channel_bytes(description: Description, values: Sequence[Value], state: int = 1) -> bytes:
    """Return the map of a channel after ``values`` were published, by one writer, without readers.

    The writer is alive (state 1), or has closed (state 2). The random number of the channel, the
    times and the process number are the constants of this module.
    """
    capacity, count = description.capacity, description.slots
    plain = _up(capacity, 4096) if description.plain else 0
    stride = _up(capacity, 4096 if capacity >= 4096 else 128)
    descriptors_at = plain + count * stride
    readers_at = descriptors_at + count * LINE
    size = _up(readers_at + description.readers * LINE + HEADER_SIZE, GRANULE)
    memory = bytearray(size)
    at = size - HEADER_SIZE
    text = description.text.encode()
    content = CONTENTS.index(description.content)
    struct.pack_into(
        "<8sIIIIQQQQQIIIIQQQ", memory, at, b"PYSHMCHN", 1, 0,
        DISCIPLINES.index(description.discipline), count, capacity, stride, plain, descriptors_at,
        readers_at, description.readers, description.viewers, content, 0,
        type_hash(description.text), CHANNEL_ID, plain,
    )  # fmt: skip
    struct.pack_into("<QII", memory, at + 384, 1, PROCESS, state)
    struct.pack_into(f"<I{len(text)}s", memory, at + 1024, len(text), text)
    for number, value in enumerate(values, 1):
        slot = _slot_of(description, number)
        begin = plain + slot * stride
        memory[begin : begin + len(value.data)] = value.data
        _describe(memory, descriptors_at + slot * LINE, number, value)
        struct.pack_into("<Q", memory, at + 128, slot << 56 | number)
        if plain:
            memory[: len(value.data)] = value.data
    return bytes(memory)


def _slot_of(description: Description, number: int) -> int:
    """Return the slot of a value. In a LATEST channel that nobody views, the ring has no gaps."""
    if description.discipline == "queue":
        return number % description.slots
    # The slot after that of `latest`, whose first word 0 names slot 0.
    return number % description.slots


def _describe(memory: bytearray, at: int, number: int, value: Value) -> None:
    shape = (*value.shape, *(0,) * (8 - len(value.shape)))
    struct.pack_into(
        "<QQQII8sI4x8q", memory, at, 2 * number, len(value.data), PUBLISHED, value.tag, 0,
        value.dtype.encode(), len(value.shape), *shape,
    )  # fmt: skip


def without_chance(memory: bytes) -> bytes:
    """Return the bytes with constants in place of numbers that differ in each run.

    Those are the number of the channel, the times, and the process number. Each must be set.
    """
    found, changed = read_channel(memory), bytearray(memory)
    at = found.size - HEADER_SIZE
    places = [(at + 88, "<Q", found.id, CHANNEL_ID), (at + 392, "<I", found.process, PROCESS)]
    for index, slot in enumerate(found.slots):
        if slot.stamp:
            place = found.descriptors_at + index * LINE + 16
            places.append((place, "<Q", slot.published, PUBLISHED))
    for place, form, number, constant in places:
        assert number, f"the number at {place} is not set"
        struct.pack_into(form, changed, place, constant)
    return bytes(changed)


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


# --- locks --------------------------------------------------------------------------------


def locked_bytes(name: str) -> set[int]:
    """Return the bytes of a map's file on which some process has a write lock."""
    return set(_locked(path_of(name)))


def _locked(path: Path) -> Iterator[int]:
    inode = os.stat(path).st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        # 1: OFDLCK ADVISORY  WRITE -1 00:17:123 1 1
        fields = line.split(":", 1)[1].split()
        if fields[0] == "OFDLCK" and fields[2] == "WRITE" and fields[4].endswith(f":{inode}"):
            yield from range(int(fields[5]), int(fields[6]) + 1)
