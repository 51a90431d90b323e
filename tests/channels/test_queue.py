"""QueueChannel: each consumer gets every value, in order, and the writer waits for the slowest."""

from __future__ import annotations

import gc
import threading

import pytest

from pyshm import MemoryMappedFile, QueueChannel, Struct
from pyshm import types as t
from pyshm.errors import (
    ArgumentError,
    ChannelEndedError,
    ChannelFullError,
    ChannelTimeoutError,
    ClosedError,
    DoesNotFitError,
    FrameInUseError,
    UnsupportedError,
)


class Pose(Struct):
    x: t.Double


@pytest.fixture
def scene(map_name):
    """A queue of two slots, its writer and a reader."""
    channel = QueueChannel.create(map_name, capacity=16, slots=2, readers=3)
    with channel, channel.writer() as writer, channel.reader() as reader:
        yield channel, writer, reader


def modes(channel) -> list[int]:
    """The modes of the entries; docs/channels.md has their offset."""
    opened = channel._opened
    entries = range(opened.geometry.readers)
    return [opened.halves[opened.geometry.reader_at(entry) // 4 + 4] for entry in entries]


def test_a_reader_gets_every_value_in_order(scene):
    _, writer, reader = scene
    for number in range(1, 200):
        assert writer.publish(b"%d" % number, 0, tag=number) == number
        assert reader.behind == 1
        assert reader.next(0) == b"%d" % number
        assert (reader.number, reader.tag, reader.skipped, reader.behind) == (number, number, 0, 0)


def test_a_reader_gets_what_was_published_after_its_opening(scene):
    channel, writer, reader = scene
    writer.publish(b"1")
    with channel.reader() as later:
        assert later.number == 1
        assert later.wait(0) is False
        writer.publish(b"2")
        assert later.next(0) == b"2"
    assert [reader.next(0), reader.next(0)] == [b"1", b"2"]


def test_the_writer_waits_for_the_slowest_reader_and_no_longer(scene):
    channel, writer, reader = scene
    with channel.reader() as slow:
        for value in (b"1", b"2"):
            writer.publish(value, 0)
            reader.next(0)
        for timeout in (0, 0.01):
            with pytest.raises(ChannelTimeoutError, match="nothing was published") as caught:
                writer.publish(b"3", timeout)
            assert isinstance(caught.value, TimeoutError)
            assert channel.published == 2
        assert slow.next(0) == b"1"
        assert writer.publish(b"3", 0) == 3
        with pytest.raises(ChannelTimeoutError):
            writer.loan(timeout=0)
        assert [slow.next(0), slow.next(0)] == [b"2", b"3"]
        with writer.loan(timeout=0) as loan:
            loan.data[:1] = b"4"
            loan.length = 1
        assert [reader.next(0), reader.next(0)] == [b"3", b"4"]
        assert slow.next(0) == b"4"


def test_a_loan_that_is_not_published_leaves_no_gap(scene):
    _, writer, reader = scene
    writer.publish(b"1")
    with writer.loan() as loan:
        loan.abandon()
    with pytest.raises(DoesNotFitError):
        writer.publish(bytes(17))
    assert writer.publish(b"2") == 2
    assert [reader.next(0), reader.next(0)] == [b"1", b"2"]


def test_without_readers_the_writer_never_waits(map_name):
    channel = QueueChannel.create(map_name, capacity=16, slots=2)
    with channel, channel.writer() as writer:
        for number in range(1, 20):
            assert writer.publish(b"1", 0) == number


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1", b"", [], 10**400])
def test_a_timeout_that_is_not_one_is_refused(scene, timeout):
    _, writer, reader = scene
    with pytest.raises(ArgumentError) as caught:
        reader.wait(timeout)
    assert caught.value.field == "timeout"
    writer.publish(b"1")
    writer.publish(b"2")
    with pytest.raises(ArgumentError):
        writer.publish(b"3", timeout)


def test_a_writer_in_another_thread_goes_on_when_the_reader_is_done(scene):
    _, writer, reader = scene
    values = [b"%d" % number for number in range(300)]
    thread = threading.Thread(target=lambda: [writer.publish(value, 30) for value in values])
    thread.start()
    assert [reader.next(30) for _ in values] == values
    thread.join()


def test_a_reader_that_closes_frees_the_writer(scene):
    _, writer, reader = scene
    writer.publish(b"1")
    writer.publish(b"2")
    numbers = []
    thread = threading.Thread(target=lambda: numbers.append(writer.publish(b"3", 30)))
    thread.start()
    reader.close()
    thread.join(30)
    assert numbers == [3]


class Wakes:
    """A futex that counts the wakes."""

    def __init__(self) -> None:
        self.count = 0

    def wake(self, most: int = 0) -> None:
        self.count += 1


def test_a_reader_wakes_a_writer_that_waits_and_no_other(scene):
    channel, writer, reader = scene
    wakes = reader._cursor_futex = Wakes()
    writer.publish(b"1")
    writer.publish(b"2")
    reader.next(0)
    assert wakes.count == 0
    channel._opened.halves[writer._writer_waits] = 1
    reader.next(0)
    assert wakes.count == 1
    reader.close()
    assert wakes.count == 2
    assert modes(channel) == [0, 0, 0]


def test_a_reader_that_was_collected_frees_the_writer(scene):
    channel, writer, reader = scene
    forgotten = channel.reader()
    writer.publish(b"1", 0)
    writer.publish(b"2", 0)
    reader.next(0)
    del forgotten
    gc.collect()
    assert writer.publish(b"3", 0) == 3


def test_more_readers_than_entries_are_refused(scene):
    channel, _, _reader = scene
    with channel.reader(), channel.reader() as third:
        assert modes(channel) == [2, 2, 2]
        with pytest.raises(ChannelFullError, match="readers=") as caught:
            channel.reader()
        assert caught.value.limit == 3
        third.close()
        channel.reader().close()
    assert modes(channel) == [2, 0, 0]


CONSUMER = """
import sys
from pyshm import MemoryMappedFile, QueueChannel, Struct
from pyshm import types as t
channel = QueueChannel.open(sys.argv[1])
reader = channel.reader()
print("READY", flush=True)
for line in sys.stdin:
    print(reader.next(30).decode(), flush=True)
"""


@pytest.mark.parametrize("timeout", [0, 0.01, 30, None])
def test_a_killed_consumer_is_forgotten(scene, map_name, child, timeout):
    channel, writer, reader = scene
    process = child(CONSUMER, map_name)
    assert modes(channel) == [2, 2, 0]
    writer.publish(b"1", 0)
    assert process.ask("next") == "1"
    reader.next(0)
    writer.publish(b"2", 0)
    writer.publish(b"3", 0)
    assert [reader.next(0), reader.next(0)] == [b"2", b"3"]
    if timeout == 0:
        with pytest.raises(ChannelTimeoutError):  # it lives
            writer.publish(b"4", timeout)
    process.kill()
    assert writer.publish(b"4", timeout) == 4
    assert modes(channel) == [2, 0, 0]
    assert reader.next(0) == b"4"


def test_a_stopped_consumer_is_not_forgotten(scene, map_name, child):
    import signal

    channel, writer, reader = scene
    process = child(CONSUMER, map_name)
    process.send_signal(signal.SIGSTOP)
    try:
        for value in (b"1", b"2"):
            writer.publish(value, 0)
            reader.next(0)
        with pytest.raises(ChannelTimeoutError):
            writer.publish(b"3", 0.25)  # longer than the slice after which it asks
        assert modes(channel) == [2, 2, 0]
    finally:
        process.send_signal(signal.SIGCONT)
    assert process.ask("next") == "1"
    assert writer.publish(b"3", 30) == 3


def test_several_processes_get_every_value(scene, map_name, child):
    _, writer, reader = scene
    processes = [child(CONSUMER, map_name) for _ in range(2)]
    for process in processes:
        for _ in range(50):
            process.say("next")
    values = [b"%d" % number for number in range(50)]
    thread = threading.Thread(target=lambda: [writer.publish(value, 30) for value in values])
    thread.start()
    assert [reader.next(30) for _ in values] == values
    for process in processes:
        assert [process.line().encode() for _ in values] == values
    thread.join()


def test_registration_beside_a_publishing_writer_leaves_no_gap(map_name):
    """Each reader gets the numbers that follow the one at its opening."""
    channel = QueueChannel.create(map_name, capacity=8, slots=2)
    with channel, channel.writer() as writer:
        stop = threading.Event()
        failures = []

        def publish():
            try:
                while not stop.is_set():
                    number = channel.published + 1
                    assert writer.publish(number.to_bytes(8, "little"), 30) == number
            except BaseException as error:  # noqa: BLE001 - the assertion below reports it
                failures.append(error)

        thread = threading.Thread(target=publish)
        thread.start()
        try:
            for _ in range(150):
                with channel.reader() as reader:
                    begin = reader.number
                    for number in range(begin + 1, begin + 6):
                        assert int.from_bytes(reader.next(30), "little") == number
        finally:
            stop.set()
            thread.join()
        assert failures == []
        assert channel.published > 750


class LatestMoves:
    """Words in which a value is published while a reader registers."""

    def __init__(self, words, index: int, publish) -> None:
        self.words, self.index, self.publish = words, index, publish

    def __getitem__(self, index):
        found = self.words[index]
        if index == self.index and self.publish:
            self.publish.pop()()
        return found

    def __setitem__(self, index, value):
        self.words[index] = value


def test_values_that_come_while_a_reader_registers_do_not_wait_for_it(scene):
    """The writer has passed the gate with the room of before: N values at once."""
    channel, writer, reader = scene
    reader.close()
    writer.publish(b"1", 0)
    opened, words = channel._opened, channel._opened.words
    values = [b"3", b"2"]
    publish = [lambda: [writer.publish(values.pop(), 0) for _ in range(2)]]
    opened.words = LatestMoves(words, writer._latest, publish)
    later = channel.reader()
    opened.words = later._words = words
    assert later.number == 3
    writer.publish(b"4", 0)
    assert later.next(0) == b"4"
    later.close()


def test_the_writer_keeps_the_room_that_it_saw(scene, monkeypatch):
    channel, writer, reader = scene
    looks = []
    slowest = writer._slowest
    monkeypatch.setattr(writer, "_slowest", lambda number: looks.append(number) or slowest(number))
    for number in range(1, 9):
        writer.publish(b"1", 0)
        if number % 2 == 0:
            reader.next(0)
            reader.next(0)
    assert looks == [1, 3, 5, 7]
    writer.publish(b"9", 0)
    reader.close()
    looks.clear()
    for _ in range(10):
        writer.publish(b"1", 0)
    assert looks  # it looks again: a reader may have come
    with channel.reader() as later:
        writer.publish(b"a", 0)
        writer.publish(b"b", 0)
        with pytest.raises(ChannelTimeoutError):
            writer.publish(b"c", 0)
        assert later.next(0) == b"a"


def test_a_held_value_keeps_its_slot(scene):
    _, writer, reader = scene
    writer.publish(b"1")
    frame = reader.hold(0)
    assert (frame.copy(), frame.number, bytes(frame.data)) == (b"1", 1, b"1")
    writer.publish(b"2", 0)
    with pytest.raises(ChannelTimeoutError):
        writer.publish(b"3", 0)
    for use in (reader.hold, reader.next):
        with pytest.raises(UnsupportedError):
            use(0)
    frame.release()
    assert writer.publish(b"3", 0) == 3
    with reader.hold(0) as frame:
        assert frame.copy() == b"2"
    with reader.hold(0) as frame:
        assert frame.copy() == b"3"
    with pytest.raises(ChannelTimeoutError):
        reader.hold(0)


def test_a_consumer_is_not_closed_while_an_array_uses_its_frame(map_name):
    np = pytest.importorskip("numpy")
    channel = QueueChannel.create(map_name, array=("<i4", 4), slots=2)
    with channel, channel.writer() as writer:
        reader = channel.reader()
        writer.publish(np.full(4, 1, "<i4"))
        kept = reader.hold(0).array
        with pytest.raises(FrameInUseError):
            reader.close()
        del reader
        gc.collect()
        writer.publish(np.full(4, 2, "<i4"), 0)
        with pytest.raises(ChannelTimeoutError):
            writer.publish(np.full(4, 3, "<i4"), 0)
        assert (kept == 1).all()
        del kept
        channel.reader().close()  # closes what was kept
        assert writer.publish(np.full(4, 3, "<i4"), 0) == 3


def test_an_abandoned_frame_is_released_by_the_next_call(map_name):
    channel = QueueChannel.create(map_name, capacity=8, slots=2)
    with channel, channel.writer() as writer, channel.reader() as reader:
        for value in (b"1", b"2"):
            writer.publish(value)
        kept = []

        def keep(frame):
            kept.append(memoryview(frame.data))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError), reader.hold(0) as frame:
            keep(frame)
        with pytest.raises(FrameInUseError):
            reader.next(0)
        kept.clear()
        assert reader.next(0) == b"2"


def test_the_end_comes_after_the_last_value(scene):
    channel, writer, reader = scene
    writer.publish(b"1")
    writer.publish(b"2")
    writer.close()
    assert list(reader) == [b"1", b"2"]
    assert list(reader) == []
    for use in (reader.next, reader.hold):
        with pytest.raises(ChannelEndedError) as caught:
            use()
        assert isinstance(caught.value, EOFError)
    with channel.writer() as other:
        other.publish(b"3")
        assert reader.next(0) == b"3"
        with pytest.raises(ClosedError):
            writer.publish(b"4")


def test_a_queue_has_a_plain_area_too(map_name):
    channel = QueueChannel.create(map_name, Pose, plain=True)
    with channel, channel.writer() as writer, channel.reader() as reader:
        writer.publish(Pose(1.5))
        with MemoryMappedFile.open_existing(map_name) as shared:
            memory = shared.create_view_accessor().buffer
            assert Pose.unpack_from(memory) == Pose(1.5)
            del memory
        assert reader.next(0) == Pose(1.5)
