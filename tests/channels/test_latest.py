"""LatestChannel in one process: what readers get, and what loans and the plain area do."""

from __future__ import annotations

import struct
import time
from contextlib import contextmanager

import pytest

import pyshm
from pyshm import ImageData, LatestChannel, MemoryMappedFile, Struct
from pyshm import types as t
from pyshm.errors import (
    ArgumentError,
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ChannelTimeoutError,
    ChannelTypeError,
    ClosedError,
    DoesNotFitError,
    PyshmError,
    UnsupportedError,
)

np = pytest.importorskip("numpy")


class Pose(Struct):
    x: t.Double
    y: t.Int32


@contextmanager
def channel_of(name, *arguments, **options):
    channel = LatestChannel.create(name, *arguments, **options)
    with channel, channel.writer() as writer, channel.reader() as reader:
        yield channel, writer, reader


def test_a_reader_gets_the_newest_value_and_counts_what_it_skipped(map_name):
    with channel_of(map_name, capacity=8) as (channel, writer, reader):
        assert reader.latest() is None
        assert (reader.number, reader.skipped, reader.age) == (0, 0, float("inf"))
        assert [writer.publish(b"%d" % number) for number in range(3)] == [1, 2, 3]
        assert reader.latest() == b"2"
        assert (reader.number, reader.skipped) == (3, 0)  # those before the first do not count
        assert reader.latest() == b"2"
        assert reader.skipped == 0
        for number in range(3, 7):
            writer.publish(b"%d" % number)
        assert reader.next() == b"6"
        assert (reader.number, reader.skipped, reader.retries) == (7, 3, 0)
        assert channel.published == writer.published == 7
        with pytest.raises(ChannelTimeoutError):
            reader.next(0)


def test_a_value_has_a_tag_and_a_time(map_name):
    with channel_of(map_name, capacity=8) as (_, writer, reader):
        before = time.monotonic_ns()
        writer.publish(b"1", tag=2**32 - 1)
        after = time.monotonic_ns()
        reader.latest()
        assert reader.tag == 2**32 - 1
        assert before <= reader.published_at <= after
        assert 0 <= reader.age <= (time.monotonic_ns() - before) / 1e9
        writer.publish(b"2")
        reader.latest()
        assert reader.tag == 0


@pytest.mark.parametrize(
    ("tag", "error"),
    [
        (-1, ArgumentOutOfRangeError),
        (2**32, ArgumentOutOfRangeError),
        (None, ArgumentNullError),
        ("", ArgumentNullError),
        (0.0, ArgumentNullError),
        ("1", ArgumentNullError),
    ],
)
def test_a_tag_that_is_not_a_number_of_32_bits_is_refused(map_name, tag, error):
    with channel_of(map_name, capacity=8) as (_, writer, reader):
        writer.publish(b"1")
        for publish in (lambda: writer.publish(b"2", tag=tag), lambda: writer.loan(tag=tag)):
            with pytest.raises(error) as caught:
                publish()
            assert caught.value.field == "tag"
        assert reader.latest() == b"1"
        assert writer.publish(b"2", tag=np.uint32(7)) == 2
        assert writer.publish(b"3", tag=False) == 3


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 100_000])
def test_values_of_every_size_up_to_the_capacity(map_name, size):
    with channel_of(map_name, capacity=size or 1) as (channel, writer, reader):
        value = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
        for kind in (bytes, bytearray, memoryview):
            writer.publish(kind(value))
            assert reader.latest() == value
            assert type(reader.latest()) is bytes
        assert channel.capacity == (size or 1)
        with pytest.raises(DoesNotFitError) as caught:
            writer.publish(bytes(channel.capacity + 1))
        error = caught.value
        assert (error.value, error.limit) == (channel.capacity + 1, channel.capacity)
        assert reader.latest() == value


BAD = [
    ("bytes", 5, ArgumentNullError),
    ("bytes", "text", ArgumentNullError),
    ("bytes", None, ArgumentNullError),
    ("struct", b"12345678", ArgumentNullError),
    ("struct", None, ArgumentNullError),
    ("image", b"1", ArgumentNullError),
    ("image", ImageData("p" * 200, b""), DoesNotFitError),
    ("array", np.zeros(3, "<f8"), ArgumentError),
    ("array", np.zeros(3, ">f4"), ArgumentError),
    ("array", np.zeros((9, 9), "<f4"), DoesNotFitError),
    ("array", np.zeros((1,) * 9, "<f4"), ArgumentError),
    ("array", [1.5], ArgumentError),
    ("array", None, ArgumentError),
    ("array", "text", ArgumentError),
]


@pytest.mark.parametrize(("kind", "value", "error"), BAD)
def test_a_value_that_can_not_be_published_leaves_the_last_one(map_name, kind, value, error):
    content, good = {
        "bytes": ({"capacity": 64}, b"good"),
        "struct": ({"content": Pose}, Pose(1, 2)),
        "image": ({"content": ImageData, "capacity": 64}, ImageData("good", b"1")),
        "array": ({"array": ("<f4", (2, 3))}, np.ones((2, 3), "<f4")),
    }[kind]
    with channel_of(map_name, **content) as (channel, writer, reader):
        assert writer.publish(good) == 1
        for _ in range(5):
            with pytest.raises(error) as caught:
                writer.publish(value)
            assert isinstance(caught.value, PyshmError)
            assert np.array_equal(reader.latest(), good)
            assert reader.number == channel.published == 1
        assert writer.publish(good) == 2
        assert np.array_equal(reader.next(0), good)


def test_structs_survive(map_name):
    with channel_of(map_name, Pose) as (channel, writer, reader):
        writer.publish(Pose(1.5, -7))
        found = reader.latest()
        assert (found, type(found)) == (Pose(1.5, -7), Pose)
        assert channel.capacity == 16


@pytest.mark.parametrize("dtype", ["|u1", "|i1", "|b1", "<i2", "<u4", "<f2", "<f4", "<f8", "<c8"])
@pytest.mark.parametrize("shape", [(), (5,), (0,), (2, 0, 3), (2, 3), (1,) * 8])
def test_arrays_of_every_type_and_shape_survive(map_name, dtype, shape):
    with channel_of(map_name, array=dtype, capacity=256) as (_, writer, reader):
        value = np.arange(int(np.prod(shape)), dtype="i8").reshape(shape).astype(dtype)
        writer.publish(value)
        found = reader.latest()
        assert (found.dtype.str, found.shape) == (dtype, shape)
        assert np.array_equal(found, value)
        found[...] = 0  # a copy belongs to the program
        assert np.array_equal(reader.latest(), value)


def test_arrays_in_another_order_survive(map_name):
    with channel_of(map_name, array=("<i4", (3, 4))) as (channel, writer, reader):
        value = np.arange(12, dtype="<i4").reshape(3, 4)
        for array in (np.asfortranarray(value), value[::-1, ::2], value.T):
            writer.publish(array)
            assert np.array_equal(reader.latest(), array)
        assert channel.capacity == 48


@pytest.mark.parametrize(
    "array", ["evil", object(), (object(), 3), ">f4", "O", "U5", "datetime64[s]", [("x", "<f4")]]
)
def test_an_element_type_without_a_byte_layout_is_refused(map_name, array):
    with pytest.raises(ArgumentError) as caught:
        LatestChannel.create(map_name, array=array, capacity=64)
    assert caught.value.field == "array"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"slots": 0}, "slots"),
        ({"slots": 2}, "slots"),
        ({"slots": 257}, "slots"),
        ({"slots": -1}, "slots"),
        ({"pins": -1}, "pins"),
        ({"pins": 2, "slots": 3}, "pins"),
        ({"pins": 3, "readers": 2}, "pins"),
        ({"readers": 0}, "readers"),
        ({"readers": 65}, "readers"),
        ({"capacity": 0}, "capacity"),
        ({"capacity": -1}, "capacity"),
        ({"capacity": 2**31}, "capacity"),
        ({"capacity": None}, "capacity"),
    ],
)
def test_numbers_out_of_range_are_refused(map_name, options, field):
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        LatestChannel.create(map_name, **{"capacity": 8, **options})
    assert caught.value.field == field


@pytest.mark.parametrize("field", ["slots", "pins", "readers", "capacity"])
@pytest.mark.parametrize("value", ["3", 3.0, b"3"])
def test_numbers_are_integers(map_name, field, value):
    with pytest.raises(ArgumentNullError) as caught:
        LatestChannel.create(map_name, **{"capacity": 8, field: value})
    assert caught.value.field == field


def test_an_existing_channel_must_have_the_asked_capacity(map_name):
    with LatestChannel.create(map_name, capacity=8):
        LatestChannel.create_or_open(map_name, capacity=8).close()
        with pytest.raises(ChannelTypeError) as caught:
            LatestChannel.create_or_open(map_name, capacity=9)
        error = caught.value
        assert (error.field, error.value, error.limit) == ("capacity", 8, 9)


# Loans.


def spoil(loan, error):
    loan.data[:3] = b"bad"
    raise error


def test_a_loan_is_published_at_the_end_of_its_block_only(map_name):
    with channel_of(map_name, capacity=8) as (channel, writer, reader):
        with writer.loan(tag=3) as loan:
            loan.data[:] = b"12345678"
            assert channel.published == 0
            assert reader.latest() is None
        assert reader.latest() == b"12345678"
        assert reader.tag == 3
        assert loan.data.readonly
        with pytest.raises(ClosedError):
            _ = loan.value


def test_a_loan_whose_block_raises_is_not_published(map_name):
    with channel_of(map_name, capacity=8) as (_, writer, reader):
        writer.publish(b"before")
        for error in (ValueError, KeyboardInterrupt):
            with pytest.raises(error), writer.loan() as loan:
                spoil(loan, error)
        with writer.loan() as loan:
            loan.data[:3] = b"bad"
            loan.abandon()
            loan.abandon()
        assert reader.latest() == b"before"
        assert writer.publish(b"after") == 2
        assert reader.latest() == b"after"


def test_a_loan_has_a_length(map_name):
    with channel_of(map_name, capacity=8) as (_, writer, reader):
        with writer.loan() as loan:
            assert loan.length == 8
            loan.data[:2] = b"ab"
            loan.length = 2
            for length, error in [(9, ArgumentOutOfRangeError), (-1, ArgumentOutOfRangeError)]:
                with pytest.raises(error) as caught:
                    loan.length = length
                assert (caught.value.field, caught.value.value) == ("length", length)
            with pytest.raises(ArgumentNullError):
                loan.length = "1"
        assert reader.latest() == b"ab"
        with pytest.raises(UnsupportedError):
            writer.loan(shape=(2,))


def test_the_length_of_a_struct_can_not_be_changed(map_name):
    with channel_of(map_name, Pose) as (_, writer, reader):
        with writer.loan() as loan:
            loan.value.x = 2.5
            loan.value.y = 7
            with pytest.raises(ArgumentOutOfRangeError):
                loan.length = 8
        assert reader.latest() == Pose(2.5, 7)


def test_there_is_one_loan_at_a_time(map_name):
    with channel_of(map_name, capacity=8) as (_, writer, reader):
        with writer.loan() as loan:
            for use in (writer.loan, lambda: writer.publish(b"1")):
                with pytest.raises(UnsupportedError):
                    use()
            loan.data[:] = b"12345678"
        assert reader.latest() == b"12345678"


def test_the_array_of_a_loan_is_read_only_afterwards(map_name):
    with channel_of(map_name, array=("<i4", (2, 2))) as (_, writer, reader):
        with writer.loan() as loan:
            array, value = loan.array, loan.value
            array[...] = 5
            value[0, 0] = 6
        assert reader.latest().tolist() == [[6, 5], [5, 5]]
        for kept in (array, value):
            with pytest.raises(ValueError, match="read-only"):
                kept[0, 0] = 7
        assert reader.latest().tolist() == [[6, 5], [5, 5]]


def test_the_shape_of_a_loan(map_name):
    with channel_of(map_name, array=("<i4", (2, 3))) as (_, writer, reader):
        with writer.loan(shape=(3, 2)) as loan:
            loan.array[...] = 1
        assert reader.latest().shape == (3, 2)
        with writer.loan(2) as loan:
            loan.array[...] = (4, 5)
        assert reader.latest().tolist() == [4, 5]
        wrong = [
            ((3, 3), DoesNotFitError),
            ((2**40, 2**40), DoesNotFitError),
            ((-1,), ArgumentOutOfRangeError),
            ("ab", ArgumentNullError),
            ((1,) * 9, ArgumentError),
        ]
        for shape, error in wrong:
            with pytest.raises(error):
                writer.loan(shape)
        assert writer.publish(np.zeros((2, 3), "<i4")) == 3  # none of them is on loan
    with pytest.raises(pyshm.PyshmError):
        _ = loan.array


def test_a_loan_without_any_shape_is_refused(map_name):
    with channel_of(map_name, array="<i4", capacity=64) as (_, writer, __):
        with pytest.raises(ArgumentNullError) as caught:
            writer.loan()
        assert caught.value.field == "shape"


def test_a_loan_that_was_dropped_has_ended(map_name):
    with channel_of(map_name, capacity=8) as (_, writer, reader):
        writer.loan().data[:3] = b"bad"
        assert writer.publish(b"good") == 1
        assert reader.latest() == b"good"


def test_a_loan_ends_with_its_writer(map_name):
    with LatestChannel.create(map_name, capacity=8) as channel:
        writer = channel.writer()
        with writer.loan() as loan:
            loan.data[:3] = b"bad"
            writer.close()
        assert channel.published == 0
        with channel.writer() as other:
            assert other.publish(b"1") == 1


# The plain area: programs without channels read it.


def test_a_program_without_channels_reads_the_plain_area(map_name):
    with channel_of(map_name, Pose, plain=True) as (_, writer, __):
        shared = MemoryMappedFile.open_existing(map_name)
        memory = shared.create_view_accessor().buffer
        for number in range(5):
            writer.publish(Pose(number + 0.5, number))
            assert Pose.unpack_from(memory) == Pose(number + 0.5, number)
        with writer.loan() as loan:
            loan.value.y = 9
        assert Pose.unpack_from(memory).y == 9
        shared.close()


def test_a_program_without_channels_reads_the_pictures(map_name):
    with channel_of(map_name, ImageData, capacity=100, plain=True) as (_, writer, reader):
        shared = MemoryMappedFile.open_existing(map_name)
        memory = shared.create_view_accessor().buffer
        for picture in (ImageData("a.png", b"12345"), ImageData("b", b""), ImageData("", b"9")):
            writer.publish(picture)
            assert ImageData.from_bytes(memory) == picture
            assert reader.latest() == picture
        shared.close()


@pytest.mark.parametrize("options", [{}, {"array": ("<f4", (2,))}])
def test_bytes_and_arrays_have_no_plain_area(map_name, options):
    with pytest.raises(UnsupportedError) as caught:
        LatestChannel.create(map_name, capacity=8, plain=True, **options)
    assert caught.value.field == "plain"


def test_a_plain_area_that_is_too_small_is_an_error(map_name):
    """A creator of another program has made it."""
    with LatestChannel.create(map_name, Pose, plain=True) as made:
        length = 65536
        with MemoryMappedFile.open_existing(map_name) as shared:
            memory = shared.create_view_accessor().buffer
            assert struct.unpack_from("<Q", memory, length - 4096 + 96) == (4096,)
            struct.pack_into("<Q", memory, length - 4096 + 96, 15)
            with LatestChannel.open(map_name, Pose) as channel, channel.writer() as writer:
                with pytest.raises(DoesNotFitError):
                    writer.publish(Pose(1, 2))
                assert made.published == 0
                assert bytes(memory[:4096]) == bytes(4096)


# A writer that never pauses.


def test_a_viewer_copies_beside_a_writer_that_overwrites_every_copy(map_name, monkeypatch):
    """The writer publishes as often as there are slots, within each copy of the reader."""
    with channel_of(map_name, capacity=8) as (channel, writer, reader), channel.viewer() as viewer:
        writer.publish(b"0")

        def overwrite(memory):
            copied = bytes(memory)
            for number in range(3):
                writer.publish(b"%d" % number)
            return copied

        monkeypatch.setattr("pyshm.channels.latest_reader._PATIENCE", 0.01)
        monkeypatch.setattr(viewer, "_copy", overwrite)
        monkeypatch.setattr(reader, "_copy", overwrite)
        assert viewer.latest() == b"2"
        assert viewer.retries >= 8
        with pytest.raises(ChannelTimeoutError) as caught:
            reader.latest()
        assert caught.value.value == reader.retries >= 8
