"""Waiting for a value: what ends a wait, and what does not."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from pyshm import LatestChannel, QueueChannel
from pyshm.channels import waiting
from pyshm.errors import (
    ChannelEndedError,
    ChannelTimeoutError,
    ClosedError,
    WriterDiedError,
)

BOTH = pytest.mark.parametrize("kind", [LatestChannel, QueueChannel])


@pytest.fixture
def sleeps(monkeypatch):
    """Each sleep of this process: an event that is set when one begins, and their number."""
    return Sleeps(monkeypatch)


class Sleeps:
    def __init__(self, monkeypatch) -> None:
        self.began = threading.Event()
        self.count = 0
        wait = waiting.Futex.wait

        def counted(futex, value, seconds=1.0):
            self.count += 1
            self.began.set()
            return wait(futex, value, seconds)

        monkeypatch.setattr(waiting.Futex, "wait", counted)


WRITER = """
import os, sys
from pyshm import LatestChannel, QueueChannel
kind = {"LatestChannel": LatestChannel, "QueueChannel": QueueChannel}[sys.argv[2]]
channel = kind.open(sys.argv[1])
writer = channel.writer()
print("READY", flush=True)
for line in sys.stdin:
    if line == "close\\n":
        writer.close()
    elif line == "exit\\n":
        sys.exit()
    elif line == "leave\\n":
        os._exit(0)
    else:
        writer.publish(line.strip().encode())
    print("done", flush=True)
"""


@BOTH
def test_another_process_wakes_a_reader(map_name, child, kind, sleeps):
    with kind.create(map_name, capacity=16) as channel, channel.reader() as reader:
        process = child(WRITER, map_name, kind.__name__)
        for number in range(20):
            sleeps.began.clear()
            found = []
            thread = threading.Thread(target=lambda: found.append(reader.next(30)))  # noqa: B023
            thread.start()
            sleeps.began.wait(0.01 if reader._spins else 30)
            assert process.ask(f"{number}") == "done"
            thread.join(30)
            assert found == [b"%d" % number]
        assert reader.skipped == 0
        assert process.finish() == 0


def test_a_wake_reaches_every_sleeper(map_name):
    channel = LatestChannel.create(map_name, capacity=16)
    with channel, channel.writer() as writer:
        readers = [channel.reader() for _ in range(4)]
        for number in range(50):
            found = []
            threads = [
                threading.Thread(target=lambda reader=reader: found.append(reader.next(30)))  # noqa: B023
                for reader in readers
            ]
            for thread in threads:
                thread.start()
            writer.publish(b"%d" % number)
            for thread in threads:
                thread.join(30)
            assert found == [b"%d" % number] * 4


@BOTH
@pytest.mark.parametrize("seconds", [0, 0.0, 1e-9, 0.02])
def test_a_timeout_ends_a_wait(map_name, kind, seconds):
    with kind.create(map_name, capacity=16) as channel, channel.reader() as reader:
        began = time.monotonic()
        assert reader.wait(seconds) is False
        with pytest.raises(ChannelTimeoutError) as caught:
            reader.next(seconds)
        assert time.monotonic() - began >= 2 * seconds
        assert (caught.value.value, caught.value.kind) == (seconds, "timeout")
        with channel.writer() as writer:
            writer.publish(b"1")
            assert reader.wait(seconds) is True


@BOTH
def test_a_waiting_reader_does_not_loop(map_name, kind, sleeps, monkeypatch):
    """It sleeps for a tenth of a second in the main thread, and for a second in another one."""
    with kind.create(map_name, capacity=16) as channel, channel.reader() as reader:
        used = time.process_time()
        assert reader.wait(0.45) is False
        assert sleeps.count <= 6
        sleeps.count = 0
        thread = threading.Thread(target=reader.wait, args=(0.45,))
        thread.start()
        thread.join()
        assert sleeps.count <= 2
        assert time.process_time() - used < 0.4


@BOTH
def test_close_from_another_thread_ends_a_wait(map_name, kind, sleeps):
    with kind.create(map_name, capacity=16) as channel:
        for _ in range(30):
            reader = channel.reader()
            errors = []

            def wait(reader=reader, errors=errors):
                try:
                    reader.wait()
                except ClosedError as error:
                    errors.append(error)

            sleeps.began.clear()
            sleeps.count = 0
            thread = threading.Thread(target=wait)
            thread.start()
            assert sleeps.began.wait(30)
            reader.close()  # returns when the thread has answered
            thread.join(30)
            assert len(errors) == 1
            assert sleeps.count <= 3  # none of them lasted a whole slice
        with pytest.raises(ClosedError):
            reader.wait(0)


def test_close_ends_a_writers_wait_for_room(map_name, sleeps):
    channel = QueueChannel.create(map_name, capacity=16, slots=2)
    with channel, channel.reader():
        writer = channel.writer()
        writer.publish(b"1")
        writer.publish(b"2")
        errors = []

        def publish():
            try:
                writer.publish(b"3")
            except ClosedError as error:
                errors.append(error)

        thread = threading.Thread(target=publish)
        thread.start()
        assert sleeps.began.wait(30)
        writer.close()
        thread.join(30)
        assert len(errors) == 1
        assert channel.published == 2
        with channel.writer():
            pass


SIGNALS = """
import os, signal, sys, threading
from pyshm import LatestChannel
from pyshm.channels import waiting

signal.signal(signal.SIGINT, signal.default_int_handler)
channel = LatestChannel.open(sys.argv[1])
reader = channel.reader()
handled = []

def handler(*_):
    handled.append(1)
    os.write(1, b"handled\\n")  # print would not survive the next signal

if sys.argv[2] != "raises":
    signal.signal(signal.SIGINT, handler)
if sys.argv[2] == "closes":
    signal.signal(signal.SIGINT, lambda *_: reader.close())
wait = waiting.Futex.wait

def tell(*arguments):
    waiting.Futex.wait = wait
    print("READY", flush=True)
    return wait(*arguments)

waiting.Futex.wait = tell
try:
    print(reader.next().decode(), len(handled), flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
except ValueError as error:
    print(type(error).__name__, flush=True)
"""


def test_sigint_ends_a_wait(map_name, child):
    with LatestChannel.create(map_name, capacity=16):
        process = child(SIGNALS, map_name, "raises")
        process.send_signal(signal.SIGINT)
        assert process.line() == "interrupted"
        assert process.wait() == 0


def test_a_handler_that_does_not_raise_lets_it_wait_on(map_name, child):
    with LatestChannel.create(map_name, capacity=16) as channel, channel.writer() as writer:
        process = child(SIGNALS, map_name, "goes on")
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            assert process.line() == "handled"
        writer.publish(b"value")
        assert process.line() == "value 3"
        assert process.wait() == 0


def test_a_handler_can_close_the_reader_that_waits(map_name, child):
    with LatestChannel.create(map_name, capacity=16):
        process = child(SIGNALS, map_name, "closes")
        process.send_signal(signal.SIGINT)
        assert process.line() == "ClosedError"
        assert process.wait() == 0


@BOTH
@pytest.mark.parametrize("end", ["kill", "leave"])
def test_the_death_of_a_writer_is_reported_once(map_name, child, kind, end):
    with kind.create(map_name, capacity=16) as channel, channel.reader() as reader:
        assert channel.writer_state == reader.writer_state == "none"
        assert reader.wait(0) is False
        for epoch in (1, 2):
            process = child(WRITER, map_name, kind.__name__)
            assert process.ask(f"{epoch}") == "done"
            assert channel.writer_state == "alive"
            assert reader.next(30) == b"%d" % epoch
            assert reader.wait(0) is False
            if end == "kill":
                process.kill()
            else:
                process.say("leave")
                process.wait()
            assert channel.writer_state == reader.writer_state == "died"
            with pytest.raises(WriterDiedError, match=f"process {process.pid}") as caught:
                reader.next(30)
            assert isinstance(caught.value, ConnectionError)
            assert reader.wait(0) is False
            with pytest.raises(ChannelTimeoutError, match="died"):
                reader.next(0)
        with channel.writer() as writer:
            assert channel.writer_state == "alive"
            writer.publish(b"3")
            assert reader.next(0) == b"3"
            assert reader.wait(0) is False


@BOTH
def test_iteration_goes_on_with_the_next_writer(map_name, child, kind):
    with kind.create(map_name, capacity=16) as channel, channel.reader() as reader:
        process = child(WRITER, map_name, kind.__name__)
        process.ask("1")
        values = [next(reader)]
        process.kill()
        with pytest.raises(WriterDiedError):
            next(reader)
        process = child(WRITER, map_name, kind.__name__)
        process.ask("2")
        for value in reader:
            values.append(value)
            process.ask("close")
        assert values == [b"1", b"2"]
        assert channel.writer_state == "closed"
        with pytest.raises(ChannelEndedError):
            reader.next()
        assert process.finish() == 0


class ClosesBetween:
    """Locks of a writer that closes, or that another one follows, between two looks."""

    def __init__(self, probe, between) -> None:
        self.probe = probe
        self.between = between

    def has_writer(self) -> bool:
        if self.between:
            self.between.pop()()
        return self.probe.has_writer()

    def close(self) -> None:
        self.probe.close()


@BOTH
def test_a_writer_that_closes_is_never_taken_for_dead(map_name, kind):
    with kind.create(map_name, capacity=16) as channel, channel.reader() as reader:
        opened = channel._opened
        probe = opened.probe
        writer = channel.writer()
        opened.probe = ClosesBetween(probe, [writer.close])
        assert channel.writer_state == "closed"
        writer = channel.writer()
        opened.probe = ClosesBetween(probe, [writer.close])
        assert reader.wait(0.001) is False
        writer = channel.writer()
        others = []
        opened.probe = ClosesBetween(
            probe, [lambda: (writer.close(), others.append(channel.writer()))]
        )
        assert channel.writer_state == "alive"
        others[0].close()


@BOTH
def test_the_end_wakes_a_reader(map_name, kind, sleeps):
    with kind.create(map_name, capacity=16) as channel, channel.reader() as reader:
        writer = channel.writer()
        found = []
        thread = threading.Thread(target=lambda: found.append(reader.wait()))
        thread.start()
        assert sleeps.began.wait(30)
        writer.close()
        thread.join(30)
        assert found == [False]
        assert sleeps.count <= 3
        assert list(reader) == []


class Spins:
    """How often a reader spins."""

    def __init__(self, reader, monkeypatch) -> None:
        self.count = 0
        spin = reader._spin

        def counted():
            self.count += 1
            return spin()

        monkeypatch.setattr(reader, "_spin", counted)


@pytest.mark.parametrize(("processors", "expected"), [({0}, 0), ({0, 1}, 2)])
def test_a_reader_spins_only_after_a_short_wait_and_beside_another_processor(
    map_name, monkeypatch, processors, expected
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: processors)
    monkeypatch.setattr(waiting, "_SPIN", 1e6)  # every wait is short
    channel = LatestChannel.create(map_name, capacity=16)
    with channel, channel.reader() as reader, channel.writer() as writer:
        spins = Spins(reader, monkeypatch)
        monkeypatch.setattr(
            reader._futex.__class__, "wait", lambda *_: writer.publish(b"1") or True
        )
        reader.next(30)
        assert spins.count == 0  # the first one
        monkeypatch.setattr(waiting, "_SPIN", 0.0)
        reader.next(30)
        assert spins.count == expected // 2
        reader.next(30)  # the last one was longer than 0 s
        assert spins.count == expected // 2
        monkeypatch.setattr(waiting, "_SPIN", 1e6)
        reader.next(30)
        monkeypatch.setattr(waiting, "_SPIN", 0.0)
        reader.wait(30)
        assert spins.count == expected


def test_a_spin_finds_a_value(map_name, monkeypatch):
    channel = LatestChannel.create(map_name, capacity=16)
    with channel, channel.reader() as reader, channel.writer() as writer:
        reader._spins = reader._may_spin = True
        looks = []
        times = iter([0.0, 0.0, 1e-6])

        def now():
            looks.append(1)
            if len(looks) == 3:
                writer.publish(b"1")
            return next(times, 2e-6)

        monkeypatch.setattr(waiting, "monotonic", now)
        monkeypatch.setattr(reader, "_sleep", lambda *_: pytest.fail("it slept"))
        assert reader.wait() is True


def test_another_thread_runs_beside_a_waiting_reader(map_name, sleeps):
    """A wait releases the interpreter: a thread counts on while the main thread waits."""
    with LatestChannel.create(map_name, capacity=16) as channel, channel.reader() as reader:
        counted = [0]
        stop = threading.Event()

        def count():
            while not stop.is_set():
                counted[0] += 1

        thread = threading.Thread(target=count)
        thread.start()
        try:
            assert reader.wait(0.2) is False
            assert counted[0] > 1000
            assert sleeps.count <= 4
        finally:
            stop.set()
            thread.join()


def test_a_value_that_came_with_the_end_is_found(map_name, monkeypatch):
    """The writer publishes and closes between the two looks of a waiting reader."""
    channel = LatestChannel.create(map_name, capacity=16)
    with channel, channel.reader() as reader:
        writer = channel.writer()
        halves = reader._halves

        class Halves:
            def __getitem__(self, index):
                if index == reader._state and not writer.closed:
                    writer.publish(b"last")
                    writer.close()
                return halves[index]

            def __setitem__(self, index, value):
                halves[index] = value

        reader._halves = Halves()
        assert reader.next(30) == b"last"


@BOTH
def test_a_value_that_came_with_the_end_after_a_wait_is_not_lost(map_name, kind, monkeypatch):
    channel = kind.create(map_name, capacity=16)
    with channel, channel.reader() as reader:
        writer = channel.writer()
        wait = reader.wait

        def too_early(timeout):
            found = wait(timeout)
            if not writer.closed:
                writer.publish(b"last")
                writer.close()
            return found

        monkeypatch.setattr(reader, "wait", too_early)
        with pytest.raises(ChannelTimeoutError):
            reader.next(0)
        assert reader.next(0) == b"last"
        with pytest.raises(ChannelEndedError):
            reader.next(0)


@BOTH
def test_the_end_is_the_end_although_another_writer_has_come(map_name, kind, monkeypatch):
    channel = kind.create(map_name, capacity=16)
    with channel, channel.reader() as reader:
        channel.writer().close()
        others = []
        wait = reader.wait
        monkeypatch.setattr(
            reader, "wait", lambda timeout: wait(timeout) or others.append(channel.writer())
        )
        assert list(reader) == []


def test_the_interpreter_ends_while_a_thread_waits(map_name, child):
    script = """
import sys, threading
from pyshm import LatestChannel
channel = LatestChannel.open(sys.argv[1])
reader = channel.reader()
thread = threading.Thread(target=lambda: reader.wait(), daemon=True)
thread.start()
print("READY", flush=True)
"""
    with LatestChannel.create(map_name, capacity=16):
        process = child(script, map_name)
        assert process.wait() == 0
        assert process.errors() == ""
