"""Channels whose bytes are written by hand, from the tables of docs/channels.md."""

from __future__ import annotations

import struct

from pyshm import MemoryMappedFile

LENGTH = 65536
H = 61440  # where the header is
SLOTS, DESCRIPTORS, ENTRIES = 0, 384, 768  # of the channel below: 3 slots of 128 bytes
LATEST, SLEEPERS, PINNERS, EPOCH, PID, STATE = H + 128, H + 256, H + 260, H + 384, H + 392, H + 396
WRITER_WAITS = H + 512

HEADER = bytes.fromhex(
    "505953484d43484e"  # magic
    "01000000 00000000"  # version 1.0
    "00000000 03000000"  # LATEST, 3 slots
    "1000000000000000"  # a capacity of 16 bytes
    "8000000000000000"  # a stride of 128 bytes
    "0000000000000000"  # slot 0
    "8001000000000000"  # descriptor 0: 384
    "0003000000000000"  # reader entry 0: 768
    "02000000 01000000"  # 2 reader entries, 1 of them for viewers
    "00000000 00000000"  # bytes
    "0000000000000000"  # no type
    "4d3c2b1a00000000"  # the channel's number
    "0000000000000000"  # no plain area
)
QUEUE_HEADER = HEADER[:16] + bytes.fromhex("01000000") + HEADER[20:68] + bytes(4) + HEADER[72:]


class Handmade:
    """A named map, and its bytes."""

    def __init__(self, name: str, header: bytes = HEADER, length: int = LENGTH) -> None:
        self.map = MemoryMappedFile.create_new(name, length)
        self.memory = self.map.create_view_accessor().buffer
        if header:
            self.memory[length - 4096 : length - 4096 + len(header)] = header

    def u32(self, offset: int, value: int) -> None:
        struct.pack_into("<I", self.memory, offset, value)

    def u64(self, offset: int, value: int) -> None:
        struct.pack_into("<Q", self.memory, offset, value)

    def get32(self, offset: int) -> int:
        return struct.unpack_from("<I", self.memory, offset)[0]

    def get64(self, offset: int) -> int:
        return struct.unpack_from("<Q", self.memory, offset)[0]

    def value(self, number: int, slot: int, data: bytes, tag: int = 0) -> None:
        """Publish a value by hand."""
        self.memory[SLOTS + 128 * slot : SLOTS + 128 * slot + len(data)] = data
        descriptor = DESCRIPTORS + 128 * slot
        struct.pack_into("<QQQI", self.memory, descriptor, 2 * number, len(data), 1, tag)
        self.u64(LATEST, slot << 56 | number)
