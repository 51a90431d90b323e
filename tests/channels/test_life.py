"""The life of a channel and its parts: closes, forks, exits, threads, descriptors."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyshm import LatestChannel, MemoryMappedFile, QueueChannel
from pyshm.errors import (
    ClosedError,
    MapExistsError,
    MapNotFoundError,
    WriterAliveError,
)

from .stepping import in_child

BOTH = pytest.mark.parametrize("kind", [LatestChannel, QueueChannel])
quietly = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def parts(channel) -> list:
    made = [channel.writer(), channel.reader()]
    return [*made, channel.viewer()] if isinstance(channel, LatestChannel) else made


def uses(part) -> list:
    """What a program can do with a part."""
    if hasattr(part, "publish"):
        return [lambda: part.publish(b"1"), part.loan, lambda: part.published, lambda: part.epoch]
    found = [lambda: part.wait(0), lambda: part.next(0), lambda: next(part)]
    found += [part.latest] if hasattr(part, "latest") else [lambda: part.behind]
    return [*found, *([lambda: part.hold(0)] if hasattr(part, "hold") else [])]


def check_closed(part) -> None:
    assert part.closed
    for use in [*uses(part), part.__enter__, lambda: part.writer_state]:
        with pytest.raises(ClosedError):
            use()
    part.close()


@BOTH
def test_a_closed_part_and_a_closed_channel_are_refused(map_name, kind):
    channel = kind.create(map_name, capacity=16)
    for part in parts(channel):
        assert not part.closed
        part.close()
        check_closed(part)
    channel.close()
    for use in (
        channel.writer, channel.reader, lambda: channel.published, lambda: channel.epoch,
        lambda: channel.writer_state, channel.__enter__,
    ):  # fmt: skip
        with pytest.raises(ClosedError):
            use()
    assert channel.closed
    assert channel.name == map_name
    channel.close()


@BOTH
def test_a_channel_closes_its_parts(map_name, kind):
    with kind.create(map_name, capacity=16) as channel:
        made = parts(channel)
    for part in made:
        check_closed(part)
    with kind.create(map_name, capacity=16):  # nothing holds the name
        pass


@BOTH
def test_blocks_that_raise_close_all(map_name, kind):
    def fail():
        raise ZeroDivisionError

    channel = kind.create(map_name, capacity=16)
    writer, reader = channel.writer(), channel.reader()
    with pytest.raises(ZeroDivisionError), channel, writer, reader:
        fail()
    assert writer.closed
    assert reader.closed
    assert channel.closed


@BOTH
def test_a_part_keeps_its_channel(map_name, kind):
    writer = kind.create(map_name, capacity=16).writer()
    gc.collect()
    assert writer.publish(b"1") == 1
    with kind.open(map_name) as other:
        assert other.writer_state == "alive"
        del writer
        gc.collect()
        assert other.writer_state == "closed"


@BOTH
def test_garbage_releases_all(map_name, kind, open_descriptors):
    before = open_descriptors()
    for _ in range(3):
        made = parts(kind.create(map_name, capacity=16))
        made.append(made)  # a cycle
        del made
        gc.collect()
    assert open_descriptors() == before


@BOTH
def test_there_is_one_writer_at_a_time(map_name, kind):
    with kind.create(map_name, capacity=16) as channel, kind.open(map_name) as other:
        writer = channel.writer()
        for each in (channel, other):
            with pytest.raises(WriterAliveError, match=str(os.getpid())) as caught:
                each.writer()
            assert isinstance(caught.value, BlockingIOError)
            assert caught.value.value == os.getpid()
            assert each.writer_state == "alive"
        writer.close()
        with other.writer() as second:
            assert second.epoch == channel.epoch == 2


@BOTH
def test_a_channel_is_created_once(map_name, kind):
    with kind.create(map_name, capacity=16):
        with pytest.raises(MapExistsError):
            kind.create(map_name, capacity=16)
        kind.create_or_open(map_name, capacity=16).close()
    with pytest.raises(MapNotFoundError):
        kind.open(map_name)


def test_no_descriptor_is_left_after_two_hundred_cycles(map_name, open_descriptors):
    LatestChannel.create(map_name, capacity=16).close()
    gc.collect()
    before = open_descriptors()
    for number in range(200):
        kind = QueueChannel if number % 2 else LatestChannel
        with kind.create(map_name, capacity=16) as channel, kind.open(map_name) as other:
            made = parts(channel)
            with pytest.raises(WriterAliveError):
                other.writer()
            with pytest.raises(MapExistsError):
                kind.create(map_name, capacity=16)
            made[0].publish(b"1")
            made[1].next(0)
        del made, channel, other
    gc.collect()
    assert open_descriptors() == before
    assert not list(Path("/dev/shm").glob(f"{map_name}*"))


@BOTH
def test_a_failed_open_leaves_nothing(map_name, kind, open_descriptors):
    with MemoryMappedFile.create_new(map_name, 65536) as shared:
        memory = shared.create_view_accessor().buffer
        memory[-4096:-4088] = b"no magic"
        del memory
        gc.collect()
        before = open_descriptors()
        for _ in range(5):
            with pytest.raises(ValueError, match="not a channel"):
                kind.open(map_name)
        gc.collect()
        assert open_descriptors() == before


@BOTH
def test_repr_never_raises(map_name, kind):
    channel = kind.create(map_name, capacity=16)
    made = parts(channel)
    made[0].publish(b"1")
    frame = made[-1].hold(0)
    shown = [channel, *made, frame]
    assert kind.__name__ in repr(channel)
    assert map_name in repr(channel)
    for each in shown:
        assert repr(each)
    frame.release()
    loan = made[0].loan()
    assert repr(loan)
    channel.close()
    for each in [*shown, loan]:
        assert repr(each)
    assert "closed" in repr(channel)


@BOTH
def test_nothing_is_copied_or_pickled(map_name, kind):
    with kind.create(map_name, capacity=16) as channel:
        made = parts(channel)
        made[0].publish(b"1")
        frame = made[-1].hold(0)
        loan = made[0].loan()
        for each in [channel, *made, frame, loan]:
            for refused in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match="can't be pickled or copied"):
                    refused(each)
        loan.abandon()
        frame.release()


# Forks.


@quietly
@BOTH
def test_the_parts_of_a_forked_child_are_closed_and_those_of_the_parent_are_not(map_name, kind):
    with kind.create(map_name, capacity=16) as channel:
        made = parts(channel)
        made[0].publish(b"1")
        loan = made[0].loan()
        loan.data[:1] = b"2"

        def work():
            for part in made:
                check_closed(part)
            with pytest.raises(ClosedError):
                loan.__exit__(None, None, None)
            with pytest.raises(WriterAliveError):
                channel.writer()
            assert channel.writer_state == "alive"
            with channel.reader() as own:  # it can open its own
                assert own.wait(0) is (kind is LatestChannel)
            gc.collect()

        assert os.waitpid(in_child(work), 0)[1] == 0
        assert channel.writer_state == "alive"
        with pytest.raises(WriterAliveError):
            channel.writer()
        loan.length = 1
        with loan:
            pass
        assert made[0].publish(b"3") == 3
        assert made[1].next(0) in (b"3", b"1")


@quietly
def test_the_end_of_a_loan_in_a_forked_child_writes_nothing(map_name):
    """The parent has published the slot meanwhile."""
    channel = LatestChannel.create(map_name, capacity=16)
    with channel, channel.writer() as writer, channel.reader() as reader:
        reading, writing = os.pipe()
        with writer.loan(tag=1) as loan:

            def work():
                os.read(reading, 1)
                loan.length = 3
                with pytest.raises(ClosedError):
                    loan.__exit__(None, None, None)

            pid = in_child(work)
            loan.data[:] = b"0123456789abcdef"
        os.write(writing, b"1")
        assert os.waitpid(pid, 0)[1] == 0
        os.close(reading)
        os.close(writing)
        assert reader.latest() == b"0123456789abcdef"
        assert reader.tag == 1


FORKS = """
import os, signal, sys
from pyshm import LatestChannel, QueueChannel
channel = LatestChannel.open(sys.argv[1])
writer, viewer = channel.writer(), channel.viewer()
queue = QueueChannel.open(sys.argv[2])
consumer = queue.reader()
reading, writing = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(writing, b"1")
    signal.pause()
os.read(reading, 1)
print("READY", pid, sep="\\n", flush=True)
sys.stdin.read()
"""


def test_a_forked_child_does_not_keep_the_locks_of_a_killed_parent(map_name, child):
    latest = LatestChannel.create(map_name, capacity=16)
    queue = QueueChannel.create(f"{map_name}-queue", capacity=16, readers=1)
    with latest, queue, queue.writer() as writer:
        process = child(FORKS, map_name, queue.name)
        forked = int(process.line())
        try:
            assert latest.writer_state == "alive"
            process.send_signal(signal.SIGKILL)
            process.process.wait()
            assert latest.writer_state == "died"
            with latest.writer(), latest.viewer():
                pass
            for number in range(1, 20):
                assert writer.publish(b"1", 30) == number
        finally:
            os.kill(forked, signal.SIGKILL)
            process.wait()  # both ends of its output are closed now


@quietly
def test_a_child_that_shares_the_description_does_not_keep_the_lock(map_name):
    """A child of another thread is between its fork and its exec: it closes nothing yet."""
    with LatestChannel.create(map_name, capacity=16) as channel:
        writer, viewer = channel.writer(), channel.viewer()
        shared = [os.dup(part._locks._file.fileno()) for part in (writer, viewer)]
        writer.close()
        viewer.close()
        with channel.writer(), channel.viewer():
            pass
        for number in shared:
            os.close(number)


def test_a_started_program_inherits_no_descriptor(map_name):
    with LatestChannel.create(map_name, capacity=16) as channel:
        made = parts(channel)
        script = "import os; print(len(os.listdir('/proc/self/fd')))"
        command = [sys.executable, "-c", script]
        with_channel = subprocess.run(command, capture_output=True, check=True, close_fds=False)
        del made
    without = subprocess.run(command, capture_output=True, check=True, close_fds=False)
    assert with_channel.stdout == without.stdout


# Exits.

EXITS = """
import os, sys
from pyshm import LatestChannel, QueueChannel
kind = {"LatestChannel": LatestChannel, "QueueChannel": QueueChannel}[sys.argv[2]]
channel = kind.open(sys.argv[1])
writer, reader = channel.writer(), channel.reader()
kept = [channel, writer, reader]
kept.append(kept)
writer.publish(b"value")
print("READY", flush=True)
sys.stdin.readline()
if sys.argv[3] == "leaves":
    os._exit(0)
if sys.argv[3] == "raises":
    raise ZeroDivisionError
if sys.argv[3] == "exits":
    sys.exit(0)
"""


@BOTH
@pytest.mark.parametrize(
    ("how", "status", "state"),
    [("ends", 0, "closed"), ("exits", 0, "closed"), ("raises", 1, "closed"), ("leaves", 0, "died")],
)
def test_a_program_that_ends_without_a_close(map_name, child, kind, how, status, state):
    with kind.create(map_name, capacity=16, readers=2) as channel, channel.reader() as reader:
        process = child(EXITS, map_name, kind.__name__, how)
        assert channel.writer_state == "alive"
        assert process.finish() == status
        assert channel.writer_state == state
        assert reader.next(0) == b"value"
        with channel.writer() as writer:
            writer.publish(b"more")
            assert reader.next(0) == b"more"


IN_A_THREAD = """
import sys, threading, time
from pyshm import LatestChannel
kept = []
def work():
    channel = LatestChannel.open(sys.argv[1])
    kept.extend([channel, channel.writer(), channel.reader()])
thread = threading.Thread(target=work)
thread.start()
thread.join()
print("READY", flush=True)
sys.stdin.readline()
from pyshm.maps.posix import underway
print(underway.in_other_threads(), flush=True)
"""


def test_a_program_whose_thread_opened_a_channel_ends_at_once(map_name, child):
    """The end of a program waits for maps that other threads are opening: this one is open."""
    with LatestChannel.create(map_name, capacity=16) as channel:
        process = child(IN_A_THREAD, map_name)
        assert process.ask("end") == "False"
        assert process.finish() == 0
        assert channel.writer_state == "closed"


WORKERS = """
import multiprocessing, sys
from pyshm import LatestChannel

def work(name):
    global kept
    channel = LatestChannel.open(name)
    kept = [channel, channel.writer()]
    kept[1].publish(b"value")

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[2])
    worker = context.Process(target=work, args=(sys.argv[1],))
    worker.start()
    worker.join()
    print("READY", worker.exitcode, sep="\\n", flush=True)
"""


def test_the_writer_of_a_multiprocessing_worker_is_closed_at_its_end(map_name, child):
    with LatestChannel.create(map_name, capacity=16) as channel, channel.reader() as reader:
        process = child(WORKERS, map_name, "fork")
        assert process.line() == "0"
        assert reader.latest() == b"value"
        assert channel.writer_state == "closed"
