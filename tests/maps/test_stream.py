"""MemoryMappedViewStream is a raw binary stream of fixed length."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from pyshm import MemoryMappedFile, MemoryMappedFileAccess
from pyshm.errors import (
    ArgumentError,
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ClosedError,
    MapIOError,
    UnsupportedError,
)
from pyshm.maps.stream import MemoryMappedViewStream

SIZE = 4096  # one page on Windows, where views are whole pages
Access = MemoryMappedFileAccess


@pytest.fixture
def opened():
    with MemoryMappedFile.create_new(None, SIZE) as memory:
        yield memory


@pytest.fixture
def stream(opened):
    with opened.create_view_stream() as made:
        yield made


def test_a_stream_is_a_raw_io_stream(stream):
    assert isinstance(stream, io.RawIOBase)
    assert (stream.readable(), stream.writable(), stream.seekable()) == (True, True, True)


def test_the_length_of_a_stream_is_that_of_the_view(stream):
    assert len(stream) == SIZE


def test_a_stream_of_length_0_is_true(opened):
    import sys

    if sys.platform == "win32":
        pytest.skip("Windows has no empty views")
    with opened.create_view_stream(SIZE) as stream:
        assert stream
        assert (len(stream), stream.read(5)) == (0, b"")


def test_reading_moves_the_position(stream):
    stream.write(b"abcdef")
    stream.seek(1)
    assert (stream.read(3), stream.tell()) == (b"bcd", 4)


def test_writing_moves_the_position_and_returns_the_length(stream):
    assert stream.write(b"abc") == 3
    assert stream.tell() == 3


def test_reading_stops_at_the_end_of_the_view(stream):
    stream.seek(SIZE - 2)
    assert (stream.read(10), stream.read(10)) == (bytes(2), b"")


def test_reading_all_reads_to_the_end(stream):
    stream.seek(SIZE - 5)
    stream.write(b"12345")
    stream.seek(SIZE - 5)
    assert stream.read() == b"12345"


def test_readinto_reads_no_more_than_the_rest_of_the_view(stream):
    stream.seek(SIZE - 2)
    target = bytearray(b"....")
    assert stream.readinto(target) == 2
    assert target == b"\0\0.."


def test_readinto_accepts_any_buffer(stream):
    import array

    stream.write(b"\x01\x02\x03\x04")
    stream.seek(0)
    target = array.array("H", [0, 0])
    assert stream.readinto(target) == 4
    assert target.tobytes() == b"\x01\x02\x03\x04"


def test_writing_counts_bytes_and_not_elements(stream):
    import array

    assert stream.write(array.array("i", [1, 2])) == 8


def test_writing_may_end_where_the_view_ends(stream):
    stream.seek(SIZE - 3)
    assert stream.write(b"abc") == 3


def test_elements_that_do_not_fit_are_refused_and_nothing_is_written(stream):
    stream.seek(SIZE - 2)
    with pytest.raises(UnsupportedError) as caught:
        stream.write(b"abc")
    assert (caught.value.offset, caught.value.value, caught.value.limit) == (
        SIZE - 2,
        SIZE + 1,
        SIZE,
    )
    assert stream.tell() == SIZE - 2
    assert stream.read() == bytes(2)


@pytest.mark.parametrize(
    ("offset", "whence", "position"),
    [(5, 0, 5), (2, 1, 12), (-10, 1, 0), (-1, 2, SIZE - 1), (0, 2, SIZE), (7, 2, SIZE + 7)],
)
def test_seek_sets_the_position(stream, offset, whence, position):
    stream.seek(10)
    assert stream.seek(offset, whence) == position
    assert stream.tell() == position


@pytest.mark.parametrize(("offset", "whence"), [(-1, 0), (-11, 1), (-SIZE - 1, 2)])
def test_a_position_before_the_beginning_is_refused(stream, offset, whence):
    stream.seek(10)
    with pytest.raises(MapIOError) as caught:
        stream.seek(offset, whence)
    assert (caught.value.value, caught.value.limit) == (-1, 0)
    assert stream.tell() == 10


@pytest.mark.parametrize(("offset", "whence"), [(2**63, 0), (2**63 - 10, 1), (2**63 - 1, 2)])
def test_a_position_beyond_int64_is_refused(stream, offset, whence):
    stream.seek(10)
    with pytest.raises(MapIOError) as caught:
        stream.seek(offset, whence)
    assert caught.value.limit == 2**63 - 1
    assert stream.tell() == 10
    assert stream.seek(2**63 - 1) == 2**63 - 1


def test_truncate_refuses_a_negative_size_first(stream):
    with pytest.raises(ArgumentOutOfRangeError):
        stream.truncate(-1)


def test_seek_refuses_an_unknown_origin(stream):
    with pytest.raises(ArgumentError) as caught:
        stream.seek(0, 3)
    assert caught.value.field == "whence"


def test_nothing_is_read_beyond_the_end(stream):
    stream.seek(SIZE + 100)
    assert stream.read(5) == b""


def test_nothing_is_written_beyond_the_end(stream):
    stream.seek(SIZE + 100)
    with pytest.raises(UnsupportedError):
        stream.write(b"a")


@pytest.mark.parametrize("size", [None, 0, SIZE, SIZE + 1])
def test_the_length_can_not_be_changed(stream, size):
    with pytest.raises(io.UnsupportedOperation) as caught:
        stream.truncate(size)
    assert type(caught.value) is UnsupportedError
    assert len(stream) == SIZE


def test_a_stream_with_read_access_refuses_to_write(opened):
    with opened.create_view_stream(0, 0, Access.READ) as stream:
        assert (stream.readable(), stream.writable()) == (True, False)
        with pytest.raises(UnsupportedError):
            stream.write(b"x")


def test_a_stream_with_write_access_refuses_to_read(opened):
    with opened.create_view_stream(0, 0, Access.WRITE) as stream:
        assert (stream.readable(), stream.writable()) == (False, True)
        with pytest.raises(UnsupportedError):
            stream.read(1)


def test_writes_to_a_copy_on_write_stream_do_not_reach_the_map(opened, stream):
    with opened.create_view_stream(0, 0, Access.COPY_ON_WRITE) as private:
        private.write(b"mine")
        private.seek(0)
        assert private.read(4) == b"mine"
    assert stream.read(4) == bytes(4)


@pytest.mark.parametrize(
    "use",
    [
        lambda stream: stream.read(1),
        lambda stream: stream.readinto(bytearray(1)),
        lambda stream: stream.write(b"x"),
        lambda stream: stream.seek(0),
        lambda stream: stream.tell(),
        lambda stream: stream.flush(),
    ],
)
def test_a_closed_stream_refuses_everything(stream, use):
    use(stream)
    stream.close()
    with pytest.raises(ClosedError):
        use(stream)


def test_a_closed_stream_can_neither_read_nor_write_nor_seek(stream):
    stream.close()
    assert (stream.readable(), stream.writable(), stream.seekable()) == (False, False, False)
    with pytest.raises(UnsupportedError):  # the same as for an open stream, as in .NET
        stream.truncate(0)


def test_closing_flushes_and_releases_the_memory(stream):
    calls = []
    memory = SimpleNamespace(
        buffer=bytearray(4),
        capacity=4,
        pointer_offset=0,
        flush=lambda: calls.append("flush"),
        release=lambda: calls.append("release"),
    )
    other = MemoryMappedViewStream(memory, MemoryMappedFileAccess.READ_WRITE, 0)
    other.close()
    assert calls == ["flush", "release"]
    other.close()  # completes a call that was interrupted
    assert "flush" not in calls[2:]


def test_closing_twice_does_nothing(stream):
    stream.close()
    stream.close()


def test_a_stream_stays_valid_after_its_map_is_closed(opened, stream):
    opened.close()
    assert stream.write(b"abc") == 3


def test_pointer_offset_is_the_distance_from_the_allocation_unit():
    import mmap

    with (
        MemoryMappedFile.create_new(None, 200_000) as opened,
        opened.create_view_stream(mmap.ALLOCATIONGRANULARITY + 9, 10) as stream,
    ):
        assert stream.pointer_offset == 9


def test_a_buffered_reader_can_wrap_a_stream(stream):
    stream.write(b"line one\nline two\n")
    stream.seek(0)
    with io.BufferedReader(stream) as buffered:
        assert buffered.readline() == b"line one\n"
        assert buffered.peek(4)[:4] == b"line"
    assert stream.closed


def test_a_buffered_writer_can_wrap_a_stream(opened, stream):
    with opened.create_view_stream() as other:
        with io.BufferedWriter(stream) as buffered:
            buffered.write(b"abc")
        assert other.read(3) == b"abc"


def test_lines_can_be_read(stream):
    stream.write(b"a\nb\n")
    stream.seek(0)
    assert (stream.readline(), stream.readline()) == (b"a\n", b"b\n")


@pytest.mark.parametrize("name", ["read", "readline", "readlines"])
def test_a_number_of_bytes_can_be_any_integer(name, opened):
    with opened.create_view_stream() as stream:
        read = getattr(stream, name)
        for size in (2**63, 2**70, None, -1, -5):
            stream.seek(0)
            data = read(size)
            assert len(data if name != "readlines" else b"".join(data)) == len(stream)
        for wrong in (1.5, "1"):
            with pytest.raises(ArgumentNullError, match="size"):
                read(wrong)


def test_reading_to_the_end_begins_at_the_position(opened):
    with opened.create_view_stream() as stream:
        stream.write(b"abcdef")
        stream.seek(2)
        assert stream.read(3) == b"cde"
        assert stream.readall() == b"f" + bytes(len(stream) - 6)
        assert stream.read(1) == b""
        stream.seek(len(stream) + 5)
        assert stream.read() == b""
        assert stream.tell() == len(stream) + 5
