"""Headers written by hand: each field at its bounds, and beyond."""

from __future__ import annotations

import itertools
import os
import struct
import threading

import pytest

from pyshm import LatestChannel, MemoryMappedFile, QueueChannel
from pyshm.channels import opened
from pyshm.errors import ChannelFormatError, ChannelTypeError, PyshmError, WriterAliveError

from .handmade import HEADER, QUEUE_HEADER, H

U32, U64 = 2**32 - 1, 2**64 - 1


def changed(header: bytes, *changes: tuple[int, str, int]) -> bytes:
    made = bytearray(header)
    for offset, kind, value in changes:
        struct.pack_into(f"<{kind}", made, offset, value)
    return bytes(made)


def test_a_header_that_was_written_by_hand_is_read(handmade, map_name):
    made = handmade()
    made.value(1, 2, b"by hand", tag=7)
    with LatestChannel.open(map_name) as channel, channel.reader() as reader:
        assert (channel.slots, channel.capacity, channel.content) == (3, 16, "bytes")
        assert (channel.published, channel.epoch, channel.writer_state) == (1, 0, "none")
        assert reader.latest() == b"by hand"
        assert (reader.number, reader.tag, reader.published_at) == (1, 7, 1)


def test_a_value_is_written_where_the_page_says(handmade, map_name):
    made = handmade()
    with LatestChannel.open(map_name) as channel, channel.writer() as writer:
        writer.publish(b"abc", tag=0x11223344)
        slot = made.get64(H + 128) >> 56
        assert made.get64(H + 128) & (1 << 56) - 1 == 1
        descriptor = 384 + 128 * slot
        assert struct.unpack_from("<QQ", made.memory, descriptor) == (2, 3)
        assert struct.unpack_from("<II", made.memory, descriptor + 24) == (0x11223344, 0)
        assert bytes(made.memory[128 * slot : 128 * slot + 3]) == b"abc"
        assert (made.get64(H + 384), made.get32(H + 392)) == (1, os.getpid())
        assert made.get32(H + 396) == 1
    assert made.get32(H + 396) == 2


# The field, the changes of the header, the offset, the value, and the limit that the error has.
WRONG = [
    ("discipline", [(16, "I", 2)], 16, 2, 1),
    ("discipline", [(16, "I", U32)], 16, U32, 1),
    ("slots", [(20, "I", 2)], 20, 2, 256),
    ("slots", [(20, "I", 0)], 20, 0, 256),
    ("slots", [(20, "I", 257)], 20, 257, 256),
    ("slots", [(20, "I", U32)], 20, U32, 256),
    ("readers", [(64, "I", 0)], 64, 0, 64),
    ("readers", [(64, "I", 65)], 64, 65, 64),
    ("readers", [(64, "I", U32)], 64, U32, 64),
    ("viewers", [(68, "I", 2)], 68, 2, 1),
    ("viewers", [(68, "I", U32)], 68, U32, 1),
    ("viewers", [(20, "I", 200), (64, "I", 5), (68, "I", 6)], 68, 6, 5),
    ("capacity", [(24, "Q", 0)], 24, 0, 2**31 - 1),
    ("capacity", [(24, "Q", 2**31)], 24, 2**31, 2**31 - 1),
    ("capacity", [(24, "Q", U64)], 24, U64, 2**31 - 1),
    ("stride", [(32, "Q", 0)], 32, 0, 16),
    ("stride", [(32, "Q", 64)], 32, 64, 16),
    ("stride", [(32, "Q", 129)], 32, 129, 16),
    ("stride", [(24, "Q", 129)], 32, 128, 129),
    ("stride", [(24, "Q", 4096), (32, "Q", 4224)], 32, 4224, 4096),
    ("slots_at", [(32, "Q", 2**64 - 128)], 40, 0, H - 3 * (2**64 - 128)),
    ("slots_at", [(40, "Q", 128)], 40, 128, 4096),
    ("slots_at", [(40, "Q", 61440)], 40, 61440, 61440 - 384),
    ("slots_at", [(40, "Q", 2**64 - 4096)], 40, 2**64 - 4096, 61440 - 384),
    ("descriptors_at", [(48, "Q", 392)], 48, 392, 128),
    ("descriptors_at", [(48, "Q", 61440 - 256)], 48, 61440 - 256, 61440 - 384),
    ("descriptors_at", [(48, "Q", 2**64 - 128)], 48, 2**64 - 128, 61440 - 384),
    ("descriptors_at", [(48, "Q", 2**64 - 384)], 48, 2**64 - 384, 61440 - 384),
    ("readers_at", [(56, "Q", 769)], 56, 769, 128),
    ("readers_at", [(56, "Q", 61440 - 128)], 56, 61440 - 128, 61440 - 256),
    ("readers_at", [(56, "Q", 2**63)], 56, 2**63, 61440 - 256),
    ("readers_at", [(56, "Q", U64 - 127)], 56, U64 - 127, 61440 - 256),
    ("plain", [(96, "Q", 61441)], 96, 61441, 61440 - 61441),
    ("plain", [(96, "Q", U64)], 96, U64, 61440 - U64),
    # Parts that overlap; the error names the second one.
    ("slots_at", [(96, "Q", 1)], 40, 0, 1),
    ("descriptors_at", [(48, "Q", 256)], 48, 256, 384),
    ("readers_at", [(56, "Q", 640)], 56, 640, 768),
    ("descriptors_at", [(48, "Q", 896)], 48, 896, 1024),
    ("content", [(72, "I", 4)], 72, 4, 3),
    ("content", [(72, "I", U32)], 72, U32, 3),
    ("channel_id", [(88, "Q", 0)], 88, 0, 1),
    ("text_length", [(1024, "I", 3069)], 1024, 3069, 3068),
    ("text_length", [(1024, "I", U32)], 1024, U32, 3068),
]


@pytest.mark.parametrize(("field", "changes", "offset", "value", "limit"), WRONG)
def test_a_field_out_of_range_is_named(handmade, map_name, field, changes, offset, value, limit):
    handmade(changed(HEADER.ljust(1028, b"\0"), *changes))
    with pytest.raises(ChannelFormatError) as caught:
        LatestChannel.open(map_name)
    error = caught.value
    assert (error.kind, error.field, error.offset) == ("channel-header", field, H + offset)
    assert (error.value, error.limit) == (value, limit)
    assert field in error.message
    assert str(H + offset) in error.message


QUEUE_WRONG = [
    ("slots", [(20, "I", 1)], 20, 1, 256),
    ("viewers", [(68, "I", 1)], 68, 1, 0),
]


@pytest.mark.parametrize(("field", "changes", "offset", "value", "limit"), QUEUE_WRONG)
def test_a_field_of_a_queue_out_of_range_is_named(
    handmade, map_name, field, changes, offset, value, limit
):
    handmade(changed(QUEUE_HEADER, *changes))
    with pytest.raises(ChannelFormatError) as caught:
        QueueChannel.open(map_name)
    error = caught.value
    assert (error.kind, error.field, error.offset) == ("channel-header", field, H + offset)
    assert (error.value, error.limit) == (value, limit)


BOUNDS = [
    [(12, "I", 1)],  # a higher minor version
    [(12, "I", U32)],
    [(20, "I", 5), (48, "Q", 640), (56, "Q", 1280), (64, "I", 3), (68, "I", 3)],
    [(64, "I", 1)],
    [(68, "I", 0)],
    [(24, "Q", 1)],
    [(24, "Q", 128)],
    [(40, "Q", 57344), (48, "Q", 0), (56, "Q", 384)],  # another order of the parts
    [(48, "Q", 61440 - 384)],
    [(56, "Q", 61440 - 256)],
    [(40, "Q", 4096), (96, "Q", 384)],  # the plain area ends where the descriptors begin
    [(88, "Q", U64)],
    [(76, "I", U32), (104, "Q", U64)],  # bytes without a name
    [(1024, "I", 3068)],
]


@pytest.mark.parametrize("changes", BOUNDS)
def test_a_field_at_its_bound_is_accepted(handmade, map_name, changes):
    handmade(changed(HEADER.ljust(1028, b"\0"), *changes))
    with LatestChannel.open(map_name) as channel, channel.reader() as reader:
        assert reader.latest() is None


def test_the_largest_tables_are_accepted(handmade, map_name):
    handmade(
        changed(
            HEADER, (20, "I", 256), (48, "Q", 32768), (56, "Q", 65536), (64, "I", 64), (68, "I", 64)
        ),
        length=131072,
    )
    with LatestChannel.open(map_name) as channel, channel.viewer() as viewer:
        assert channel.slots == 256
        assert viewer.latest() is None


def test_a_queue_of_two_slots_is_accepted(handmade, map_name):
    handmade(changed(QUEUE_HEADER, (20, "I", 2)))
    with QueueChannel.open(map_name) as channel:
        assert channel.slots == 2


@pytest.mark.parametrize("magic", [b"PYSHMCHM", b"NHCMHSYP", b"\1\0\0\0\0\0\0\0", b"PYSHMCH\0"])
def test_another_magic_is_not_a_channel(handmade, map_name, magic):
    handmade(magic + HEADER[8:])
    with pytest.raises(ChannelFormatError) as caught:
        LatestChannel.open(map_name)
    error = caught.value
    assert (error.kind, error.field, error.offset) == ("not-a-channel", "magic", H)
    assert (error.value, error.limit) == (magic, b"PYSHMCHN")


@pytest.mark.parametrize("length", [64, 4096, 61440, 65535, 65537, 69632, 98304])
def test_another_size_is_not_a_channel(map_name, length):
    with MemoryMappedFile.create_new(map_name, length):
        with pytest.raises(ChannelFormatError) as caught:
            LatestChannel.open(map_name)
        error = caught.value
        assert (error.kind, error.field, error.limit) == ("not-a-channel", "length", 65536)


@pytest.mark.parametrize("major", [0, 2, U32])
def test_another_major_version_is_refused(handmade, map_name, major):
    # Nothing else of such a header means anything.
    handmade(HEADER[:8] + struct.pack("<II", major, 0) + b"\xff" * 96)
    with pytest.raises(ChannelFormatError) as caught:
        LatestChannel.open(map_name)
    error = caught.value
    assert (error.kind, error.field, error.offset) == ("channel-version", "major", H + 8)
    assert (error.value, error.limit) == (major, 1)


def test_the_checks_come_in_the_order_of_the_page(handmade, map_name):
    made = handmade(b"\xff" * 1028)
    repairs = [
        ("magic", 0, 8), ("major", 8, 8), ("discipline", 16, 4), ("slots", 20, 4),
        ("readers", 64, 4), ("viewers", 68, 4), ("capacity", 24, 8), ("stride", 32, 8),
        ("plain", 96, 8), ("slots_at", 40, 8), ("descriptors_at", 48, 8), ("readers_at", 56, 8),
        ("content", 72, 4), ("text_length", 1024, 4),
    ]  # fmt: skip
    right = HEADER.ljust(1028, b"\0")
    for field, offset, size in repairs:
        with pytest.raises(ChannelFormatError) as caught:
            LatestChannel.open(map_name)
        assert caught.value.field == field
        made.memory[H + offset : H + offset + size] = right[offset : offset + size]
    # The channel's number and the type are all ones; the type is that of another content.
    with pytest.raises(ChannelTypeError):
        LatestChannel.open(map_name, bytes)


@pytest.mark.parametrize("length", [0, 4096, 61440])
def test_a_file_that_was_cut_is_refused(handmade, map_name, map_file, length):
    handmade()
    os.truncate(map_file, length)
    with pytest.raises(PyshmError):
        LatestChannel.open(map_name)


def test_zeros_instead_of_the_magic_are_waited_for(handmade, map_name, monkeypatch):
    made = handmade(bytes(8) + HEADER[8:])
    looked = threading.Event()
    has_magic = opened.has_magic

    def look(memory):
        found = has_magic(memory)
        looked.set()
        return found

    monkeypatch.setattr(opened, "has_magic", look)
    found = []
    thread = threading.Thread(target=lambda: found.append(LatestChannel.open(map_name)))
    thread.start()
    assert looked.wait(30)
    assert not found
    made.memory[H : H + 8] = HEADER[:8]
    thread.join(30)
    assert found[0].slots == 3
    found[0].close()


def test_the_wait_for_the_magic_ends(handmade, map_name, monkeypatch):
    made = handmade(b"")
    monkeypatch.setattr(opened, "_PATIENCE", 0.01)
    for create_or_open in (LatestChannel.open, QueueChannel.open):
        with pytest.raises(ChannelFormatError) as caught:
            create_or_open(map_name)
        error = caught.value
        assert (error.kind, error.field, error.offset) == ("not-a-channel", "magic", H)
    with pytest.raises(ChannelFormatError):
        LatestChannel.create_or_open(map_name, capacity=16)
    assert not any(made.memory)


def test_a_creator_writes_the_magic_last(map_name, monkeypatch):
    """Before the last store the header is complete, but for its first eight bytes."""
    seen = []

    class Memory:
        """What write_header writes into."""

        def __init__(self, memory):
            self.memory = memory

        def __setitem__(self, index, value):
            self.memory[index] = value

        def cast(self, kind):
            seen.append(bytes(self.memory[-4096:]))
            return self.memory.cast(kind)

    write = opened.write_header

    def watched(memory, geometry, text):
        with monkeypatch.context() as patch:
            patch.setattr("pyshm.channels.geometry.struct.pack_into", pack_into)
            patch.setattr("pyshm.channels.geometry._HEADER", header)
            write(Memory(memory), geometry, text)

    def pack_into(kind, memory, offset, *values):
        memory.memory[offset : offset + struct.calcsize(kind)] = struct.pack(kind, *values)

    class _Header:
        def pack_into(self, memory, offset, *values):
            memory.memory[offset : offset + 96] = struct.pack("<IIIIQQQQQIII4xQQQ", *values)

    header = _Header()
    monkeypatch.setattr(opened, "write_header", watched)
    with LatestChannel.create(map_name, capacity=16, readers=2):
        [before] = seen
        with MemoryMappedFile.open_existing(map_name) as other:
            memory = other.create_view_accessor().buffer
            after = bytes(memory[-4096:])
            del memory
    assert before == bytes(8) + after[8:]
    assert after[:80] == HEADER[:80]


# Words that no channel has, each in a channel with one value.
WORDS = [0, 1, 2, 7, 255, 2**31, 2**32 - 1]


@pytest.mark.parametrize("opener", [LatestChannel, QueueChannel])
def test_no_number_in_the_header_leads_to_another_error(handmade, map_name, opener, monkeypatch):
    """Each 32-bit word of the header has other values: an error of pyshm, or none."""
    monkeypatch.setattr(opened, "_PATIENCE", 0.0)
    made = handmade((HEADER if opener is LatestChannel else QUEUE_HEADER).ljust(1028, b"\0"))
    before = bytes(made.memory[H:])
    errors = 0
    for offset, word in itertools.product(range(0, 108, 4), WORDS):
        made.u32(H + offset, word)
        try:
            with opener.open(map_name) as channel, channel.reader() as reader:
                assert reader.wait(0) is False
                with channel.writer() as writer:
                    assert writer.publish(b"1") == 1
        except WriterAliveError:
            raise
        except PyshmError:
            errors += 1
        made.memory[:H] = bytes(H)
        made.memory[H:] = before
    assert errors > 50
