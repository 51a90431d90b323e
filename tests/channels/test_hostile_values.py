"""Damaged words, descriptors and entries: an error that says what is wrong, never a hang."""

from __future__ import annotations

import struct
import time

import pytest

from pyshm import ImageData, LatestChannel, QueueChannel
from pyshm.channels import latest_reader, viewer
from pyshm.errors import ChannelFormatError, FormatError

from .handmade import (
    DESCRIPTORS,
    ENTRIES,
    EPOCH,
    HEADER,
    LATEST,
    PINNERS,
    QUEUE_HEADER,
    SLEEPERS,
    STATE,
    WRITER_WAITS,
    H,
)

U32, U64 = 2**32 - 1, 2**64 - 1
FLOATS = int.from_bytes(bytes.fromhex("6d004b530b154484"), "little")  # sha256sum of "array <f4\n"
ARRAY_HEADER = HEADER[:72] + struct.pack("<IIQ", 3, 0, FLOATS) + HEADER[88:]
ARRAY_HEADER = ARRAY_HEADER.ljust(1024, b"\0") + b"\x0a\0\0\0array <f4\n"


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    monkeypatch.setattr(latest_reader, "_PATIENCE", 0.002)
    monkeypatch.setattr(viewer, "_PATIENCE", 0.002)


# Values of the word latest after one value in slot 0: the slot, the number.
@pytest.mark.parametrize(
    ("slot", "number"),
    [(3, 1), (255, 1), (0, 2), (1, 1), (2, 2**56 - 1), (255, 2**56 - 1)],
)
@pytest.mark.parametrize("opening", ["reader", "viewer"])
def test_a_word_latest_that_names_no_value_is_an_error(handmade, map_name, slot, number, opening):
    made = handmade()
    made.value(1, 0, b"one")
    with LatestChannel.open(map_name) as channel, getattr(channel, opening)() as reader:
        assert reader.latest() == b"one"
        made.u64(LATEST, slot << 56 | number)
        reads = [reader.latest, *([lambda: reader.hold(0)] if opening == "viewer" else [])]
        for read in reads:
            with pytest.raises(ChannelFormatError) as caught:
                read()
            error = caught.value
            assert (error.kind, error.field, error.offset) == ("channel-header", "latest", LATEST)
            assert (error.value, error.limit) == (slot, 2)
            assert made.get64(ENTRIES + 8) == 0  # a slot that is pinned would stay out of use
        made.u64(LATEST, 1)
        assert reader.latest() == b"one"
        if opening == "viewer":
            with reader.hold() as frame:
                assert frame.copy() == b"one"


@pytest.mark.parametrize("stamp", [0, 1, 3, 4, U64])
def test_a_stamp_that_never_matches_is_an_error(handmade, map_name, stamp):
    made = handmade()
    made.value(1, 0, b"one")
    made.u64(DESCRIPTORS, stamp)
    with LatestChannel.open(map_name) as channel, channel.reader() as reader:
        with pytest.raises(ChannelFormatError) as caught:
            reader.next(5)
        assert caught.value.field == "latest"
        assert reader.retries >= 8


@pytest.mark.parametrize("length", [17, 128, 2**31, 2**63, U64])
@pytest.mark.parametrize("opening", ["reader", "viewer"])
def test_a_length_beyond_the_slot_is_an_error(handmade, map_name, length, opening):
    made = handmade()
    made.value(1, 1, b"one")
    made.u64(DESCRIPTORS + 128 + 8, length)
    with LatestChannel.open(map_name) as channel, getattr(channel, opening)() as reader:
        for read in [reader.latest, *([reader.hold] if opening == "viewer" else [])]:
            with pytest.raises(ChannelFormatError) as caught:
                read()
            error = caught.value
            assert (error.field, error.offset) == ("length", DESCRIPTORS + 128 + 8)
            assert (error.value, error.limit) == (length, 16)
            assert made.get64(ENTRIES + 8) == 0
        made.u64(DESCRIPTORS + 128 + 8, 16)
        assert reader.latest() == b"one".ljust(16, b"\0")


@pytest.mark.parametrize("length", [17, U64])
def test_a_consumer_does_not_copy_a_length_beyond_the_slot(handmade, map_name, length):
    made = handmade(QUEUE_HEADER)
    with QueueChannel.open(map_name) as channel, channel.reader() as reader:
        made.value(1, 1, b"one")
        made.u64(DESCRIPTORS + 128 + 8, length)
        for read in (reader.next, reader.hold):
            with pytest.raises(ChannelFormatError) as caught:
                read(5)
            error = caught.value
            assert (error.field, error.offset) == ("length", DESCRIPTORS + 128 + 8)
            assert (error.value, error.limit) == (length, 16)


@pytest.mark.parametrize("stamp", [0, 1, 4, U64])
def test_a_consumer_refuses_another_stamp(handmade, map_name, stamp):
    made = handmade(QUEUE_HEADER)
    with QueueChannel.open(map_name) as channel, channel.reader() as reader:
        made.value(1, 1, b"one")
        made.u64(DESCRIPTORS + 128, stamp)
        with pytest.raises(ChannelFormatError) as caught:
            reader.next(5)
        error = caught.value
        assert (error.field, error.offset) == ("stamp", DESCRIPTORS + 128)
        assert (error.value, error.limit) == (stamp, 2)


def array_by_hand(made, dtype: bytes, shape: tuple[int, ...], dimensions: int) -> None:
    made.value(1, 0, struct.pack("<4f", 1, 2, 3, 4))
    struct.pack_into("<8sI4x", made.memory, DESCRIPTORS + 32, dtype, dimensions)
    struct.pack_into(f"<{len(shape)}q", made.memory, DESCRIPTORS + 48, *shape)


def test_an_array_that_was_written_by_hand_is_read(handmade, map_name):
    np = pytest.importorskip("numpy")
    made = handmade(ARRAY_HEADER)
    array_by_hand(made, b"<f4", (2, 2), 2)
    with LatestChannel.open(map_name) as channel, channel.viewer() as viewer:
        assert channel.content == "arrays of <f4"
        found = viewer.latest()
        assert found.dtype == np.dtype("<f4")
        assert found.tolist() == [[1, 2], [3, 4]]
        found[0, 0] = 5  # a copy belongs to the program
        with viewer.hold() as frame:
            assert frame.array.tolist() == [[1, 2], [3, 4]]
            assert not frame.array.flags.writeable


@pytest.mark.parametrize(
    ("dtype", "shape", "dimensions", "field", "offset"),
    [
        (b"<f8", (2, 2), 2, "element type", 32),
        (b"|O", (2,), 1, "element type", 32),
        (b"\xff" * 8, (4,), 1, "element type", 32),
        (b"", (4,), 1, "element type", 32),
        (b"<f4", (1,) * 8, 9, "dimensions", 40),
        (b"<f4", (4,), U32, "dimensions", 40),
        (b"<f4", (), 0, "shape", 48),
        (b"<f4", (5,), 1, "shape", 48),
        (b"<f4", (3,), 1, "shape", 48),
        (b"<f4", (-1, -4), 2, "shape", 48),
        (b"<f4", (-4,), 1, "shape", 48),
        (b"<f4", (0, 4), 2, "shape", 48),
        (b"<f4", (2**63 - 1, 2), 2, "shape", 48),
        (b"<f4", (2**62, 2, 2), 3, "shape", 48),  # the product is 0 modulo 2**64
        (b"<f4", (2**32, 2**32), 2, "shape", 48),
    ],
)
def test_an_array_of_another_type_or_shape_is_an_error(
    handmade, map_name, dtype, shape, dimensions, field, offset
):
    pytest.importorskip("numpy")
    made = handmade(ARRAY_HEADER)
    array_by_hand(made, dtype, shape, dimensions)
    with LatestChannel.open(map_name) as channel, channel.viewer() as viewer:
        with pytest.raises(ChannelFormatError) as caught:
            viewer.latest()
        assert (caught.value.field, caught.value.offset) == (field, offset)
        with viewer.hold() as frame, pytest.raises(ChannelFormatError) as caught:
            _ = frame.array
        assert (caught.value.field, caught.value.offset) == (field, offset)


@pytest.mark.parametrize(
    "text",
    [b"", b"array ", b"array |O\n", b"array <f3\n", b"array evil\n", b"\xff\xfe", b"x" * 3068],
)
def test_an_element_type_that_no_array_has_is_an_error(handmade, map_name, text):
    pytest.importorskip("numpy")
    handmade(ARRAY_HEADER[:1024].ljust(1024, b"\0") + struct.pack("<I", len(text)) + text)
    with pytest.raises(FormatError) as caught:
        LatestChannel.open(map_name)
    assert caught.value.kind == "channel-type"


@pytest.mark.parametrize("blob", [b"", b"\xff" * 16, struct.pack("<iI", -1, 5), bytes(8)])
def test_a_damaged_image_is_an_error(handmade, map_name, blob):
    made = handmade(HEADER[:72] + b"\1" + HEADER[73:])
    made.value(1, 0, blob)
    with LatestChannel.open(map_name) as channel, channel.viewer() as viewer:
        if blob == bytes(8):
            assert viewer.latest() == ImageData.from_bytes(blob)
            return
        with pytest.raises(FormatError):
            viewer.latest()
        with viewer.hold() as frame, pytest.raises(FormatError):
            _ = frame.value
        made.value(2, 1, bytes(8))
        assert viewer.latest() == ImageData.from_bytes(bytes(8))


def test_an_undecodable_value_of_a_queue_is_passed(handmade, map_name):
    made = handmade(QUEUE_HEADER[:72] + b"\1" + QUEUE_HEADER[73:])
    with QueueChannel.open(map_name) as channel, channel.reader() as reader:
        made.value(1, 1, b"\xff" * 16)
        made.value(2, 2, bytes(8))
        with pytest.raises(FormatError):
            reader.next(5)
        assert reader.next(5) == ImageData.from_bytes(bytes(8))


@pytest.mark.parametrize("word", [3 << 56 | 1, 255 << 56, U64])
def test_a_writer_refuses_a_slot_that_does_not_exist(handmade, map_name, word):
    made = handmade()
    made.u64(LATEST, word)
    with LatestChannel.open(map_name) as channel:
        with pytest.raises(ChannelFormatError) as caught:
            channel.writer()
        error = caught.value
        assert (error.field, error.offset, error.value, error.limit) == ("latest", LATEST, word, 3)
        made.u64(LATEST, 0)
        with channel.writer() as writer:  # the one that failed has released the lock
            assert writer.publish(b"1") == 1


def test_the_epoch_begins_again_after_the_largest_one(handmade, map_name):
    made = handmade()
    made.u64(EPOCH, U64)
    with LatestChannel.open(map_name) as channel, channel.writer() as writer:
        assert (channel.epoch, writer.epoch) == (0, 0)
        assert writer.publish(b"1") == 1


@pytest.mark.parametrize("pin", [0, 1 << 56 | 1, 2 << 56 | 9, 255 << 56 | 1, U64])
def test_a_writer_goes_on_beside_any_pin(handmade, map_name, pin):
    made = handmade(HEADER[:64] + struct.pack("<II", 2, 1) + HEADER[72:])
    made.u32(PINNERS, U32)
    made.u64(ENTRIES + 8, pin)
    made.u64(ENTRIES + 128 + 8, 0)  # of an entry that is not a viewer's
    with LatestChannel.open(map_name) as channel, channel.writer() as writer:
        used = set()
        for number in range(1, 10):
            assert writer.publish(b"1") == number
            used.add(made.get64(LATEST) >> 56)
        assert used == {0, 1, 2} - ({pin >> 56} if pin else set())


def test_a_writer_goes_on_beside_pins_on_every_slot_but_two(handmade, map_name):
    header = bytearray(HEADER)
    struct.pack_into("<I", header, 20, 66)
    struct.pack_into("<QQ", header, 48, 16384, 32768)
    struct.pack_into("<II", header, 64, 64, 64)
    made = handmade(bytes(header))
    made.u32(PINNERS, 1)
    for entry in range(64):
        made.u64(32768 + 128 * entry + 8, (entry + 1) << 56 | 1)
    with LatestChannel.open(map_name) as channel, channel.writer() as writer:
        used = set()
        for number in range(1, 7):
            assert writer.publish(b"1") == number
            used.add(made.get64(LATEST) >> 56)
        assert used == {0, 65}


@pytest.mark.parametrize("mode", [3, 7, U32])
def test_an_entry_of_an_unknown_mode_is_not_a_consumer(handmade, map_name, mode):
    made = handmade(QUEUE_HEADER)
    made.u32(ENTRIES + 16, mode)
    with QueueChannel.open(map_name) as channel, channel.writer() as writer:
        for number in range(1, 8):
            assert writer.publish(b"1", 0) == number
        with channel.reader() as reader:  # its lock is free
            writer.publish(b"2", 0)
            assert reader.next(0) == b"2"


@pytest.mark.parametrize("cursor", [5, 2**56, U64])
def test_a_cursor_beyond_the_newest_value_is_not_waited_for(handmade, map_name, cursor):
    made = handmade(QUEUE_HEADER)
    made.u32(ENTRIES + 16, 2)
    made.u64(ENTRIES, cursor)
    with QueueChannel.open(map_name) as channel, channel.writer() as writer:
        reader = channel.reader()
        for number in range(1, 7):
            assert writer.publish(b"%d" % number, 0) == number
            assert reader.next(0) == b"%d" % number


def test_an_entry_without_an_owner_is_forgotten(handmade, map_name):
    made = handmade(QUEUE_HEADER)
    for entry in range(2):
        made.u32(ENTRIES + 128 * entry + 16, 2)
    with QueueChannel.open(map_name) as channel, channel.writer() as writer:
        for number in range(1, 9):
            assert writer.publish(b"1", 30) == number
    assert [made.get32(ENTRIES + 128 * entry + 16) for entry in range(2)] == [0, 0]


def test_flags_that_nobody_has_set_do_no_harm(handmade, map_name):
    made = handmade(QUEUE_HEADER)
    for offset in (SLEEPERS, PINNERS, WRITER_WAITS):
        made.u32(offset, U32)
    with QueueChannel.open(map_name) as channel, channel.writer() as writer:
        reader = channel.reader()
        writer.publish(b"1")
        assert reader.next(0) == b"1"


@pytest.mark.parametrize("state", [3, 7, U32])
def test_an_unknown_state_is_not_a_writer(handmade, map_name, state):
    made = handmade()
    made.u32(STATE, state)
    with LatestChannel.open(map_name) as channel, channel.reader() as reader:
        assert channel.writer_state == "none"
        assert reader.wait(0) is False


@pytest.mark.parametrize("offset", [DESCRIPTORS, DESCRIPTORS + 8, DESCRIPTORS + 40, LATEST])
def test_no_word_leads_to_an_endless_loop(handmade, map_name, offset):
    pytest.importorskip("numpy")
    made = handmade(ARRAY_HEADER)
    array_by_hand(made, b"<f4", (4,), 1)
    before = bytes(made.memory)
    began = time.monotonic()
    for word in [1 << bit for bit in range(64)] + [U64]:
        made.u64(offset, word)
        with LatestChannel.open(map_name) as channel, channel.viewer() as viewer:
            for read in (viewer.latest, lambda: viewer.hold(0).release()):
                try:
                    read()
                except (FormatError, TimeoutError):
                    pass
        made.memory[:H] = before[:H]
        made.memory[H:] = before[H:]
    assert time.monotonic() - began < 60  # a second for each, at most
