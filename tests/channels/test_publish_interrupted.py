"""An exception at every line of publish, as KeyboardInterrupt is: the writer goes on correctly."""

from __future__ import annotations

import sys
import threading

import pytest

from pyshm import LatestChannel, QueueChannel
from pyshm.channels import words


class Interruption(BaseException):
    """What the trace function raises."""


def interrupted_at(line: int, action, sources: str = "/pyshm/") -> bool:
    """Run ``action`` in a thread, and interrupt it at its ``line``. Return whether it had one."""
    passed = 0
    hit = False

    def trace(frame, event, _):
        nonlocal passed, hit
        if sources not in frame.f_code.co_filename.replace("\\", "/"):
            return None
        if event == "line":
            passed += 1
            if passed == line + 1:
                hit = True
                raise Interruption
        return trace

    def run():
        sys.settrace(trace)
        try:
            action()
        except Interruption:
            pass
        finally:
            sys.settrace(None)

    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None  # of a finalizer that is interrupted
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        sys.unraisablehook = hook
    return hit


@pytest.fixture(params=["atomicshm", "pure Python"], autouse=True)
def fences(request, monkeypatch):
    if request.param == "atomicshm":
        pytest.importorskip("atomicshm")
    else:
        monkeypatch.setattr(words, "_atomicshm", lambda: None)


def test_an_interrupted_fence_does_not_block_the_next_one():
    fence = words._lock_fence()
    line = 0
    while interrupted_at(line, fence):
        thread = threading.Thread(target=fence, daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive(), f"the fence waits after an interruption at its line {line}"
        line += 1
    assert line >= 3


def test_threads_share_a_fence():
    fence = words._lock_fence()
    errors = []

    def use():
        try:
            for _ in range(20_000):
                fence()
        except BaseException as error:  # noqa: BLE001 - the assertion below reports it
            errors.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert errors == []


class Wakes:
    """A futex on which no process sleeps."""

    def __init__(self) -> None:
        self.count = 0

    def wake(self, most: int = 0) -> int:
        self.count += 1
        return 0


def publish(writer) -> None:
    writer.publish(b"interrupted", tag=1)


def lend(writer) -> None:
    with writer.loan(tag=1) as loan:
        loan.data[:11] = b"interrupted"
        loan.length = 11


@pytest.mark.parametrize("action", [publish, lend])
def test_a_writer_of_the_newest_value_goes_on(map_name, action):
    channel = LatestChannel.create(map_name, capacity=16)
    with channel, channel.reader() as reader, channel.viewer() as viewer:
        writer = channel.writer()
        wakes = writer._futex = Wakes()
        writer.publish(b"first")
        line, hit = 0, True
        outcomes = set()
        while hit:
            frame = viewer.hold()
            held, before = frame.copy(), channel.published
            channel._opened.halves[writer._sleepers] = 1
            wakes.count = 0
            hit = interrupted_at(line, lambda: action(writer))
            number = channel.published
            outcomes.add(number - before)
            assert reader.latest() == (b"interrupted" if number > before else held)
            # A sleeper is still noted, or was woken.
            assert channel._opened.halves[writer._sleepers] or wakes.count
            assert frame.copy() == held
            frame.release()
            assert writer.publish(b"%d" % line) == number + 1
            assert reader.latest() == b"%d" % line
            assert reader.number == number + 1
            line += 1
        assert line > 15
        assert outcomes == {0, 1}


@pytest.mark.parametrize("action", [publish, lend])
def test_a_writer_of_every_value_goes_on(map_name, action):
    channel = QueueChannel.create(map_name, capacity=16, slots=3)
    with channel, channel.reader() as reader, channel.writer() as writer:
        line, hit = 0, True
        while hit:
            hit = interrupted_at(line, lambda: action(writer))
            expected = [b"interrupted"] * (channel.published - reader.number)
            assert [reader.next(0) for _ in expected] == expected
            number = channel.published
            assert writer.publish(b"%d" % line, 0) == number + 1
            assert reader.next(0) == b"%d" % line
            assert reader.number == number + 1
            line += 1
        assert line > 15


@pytest.mark.parametrize("action", ["next", "hold", "copy"])
def test_a_reader_goes_on(map_name, action):
    """An interrupted reader can lose the value that it was about to return, but no other."""
    queue = action != "copy"
    kind = QueueChannel if queue else LatestChannel
    channel = kind.create(map_name, capacity=16)
    with channel, channel.writer() as writer, channel.reader() as reader:

        def read():
            if action == "next":
                reader.next(0)
            elif action == "hold":
                with reader.hold(0):
                    pass
            else:
                reader.latest()

        line, hit = 0, True
        while hit:
            writer.publish(b"first")
            hit = interrupted_at(line, read)
            writer.publish(b"second", *([0] if queue else []))
            left = [reader.next(0)]
            while queue and reader.number < channel.published:
                left.append(reader.next(0))
            assert left in ([b"second"], [b"first", b"second"])
            line += 1
        assert line > 10


def test_a_viewer_goes_on(map_name):
    channel = LatestChannel.create(map_name, capacity=16)
    with channel, channel.writer() as writer, channel.viewer() as viewer:

        def view():
            with viewer.hold():
                pass

        line, hit = 0, True
        while hit:
            writer.publish(b"%d" % line)
            hit = interrupted_at(line, view)
            with viewer.hold() as frame:
                assert frame.copy() == b"%d" % line
            assert channel._opened.words[viewer._pin] == 0
            line += 1
        assert line > 10
