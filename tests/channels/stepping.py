"""Single steps of a channel: a function is called after each store, fence and wake of a process."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from pyshm.channels.linux import Futex

H_WORDS = {128: "latest", 384: "epoch"}
H_HALVES = {256: "sleepers", 260: "pinners", 392: "process", 396: "state", 512: "writer_waits"}


class Watched:
    """Words whose stores are reported by their name."""

    def __init__(self, words: Any, names: dict[int, str], then: Callable[[str], None]) -> None:
        self.words = words
        self.names = names
        self.then = then

    def __getitem__(self, index: int) -> int:
        return self.words[index]

    def __setitem__(self, index: int, value: int) -> None:
        self.words[index] = value
        name = self.names[index]
        if name == "stamp":
            name = "odd stamp" if value % 2 else "even stamp"
        self.then(name)


def watch(channel: Any, then: Callable[[str], None]) -> None:
    """Call ``then`` with the name of each step that this process takes from now on.

    It works for the writers and readers that are opened later. The offsets are those of
    docs/channels.md. Only for a forked child: it changes the class Futex.
    """
    opened = channel._opened
    geometry, header = opened.geometry, opened.header
    words = {(header + offset) // 8: name for offset, name in H_WORDS.items()}
    halves = {(header + offset) // 4: name for offset, name in H_HALVES.items()}
    for slot in range(geometry.slots):
        words[geometry.descriptor_at(slot) // 8] = "stamp"
    for entry in range(geometry.readers):
        words[geometry.reader_at(entry) // 8] = "cursor"
        words[geometry.reader_at(entry) // 8 + 1] = "pin"
        halves[geometry.reader_at(entry) // 4 + 4] = "mode"
        halves[geometry.reader_at(entry) // 4 + 5] = "owner"
    opened.words = Watched(opened.words, words, then)
    opened.halves = Watched(opened.halves, halves, then)
    fence, write, wake = opened.fence, opened.content.write, Futex.wake

    def fenced() -> None:
        fence()
        then("fence")

    def written(value: Any, slot: memoryview, tail: memoryview) -> int:
        # A process that is killed can have written a part of the value.
        write(value[: len(value) // 2], slot, tail)
        then("half of the value")
        length = write(value, slot, tail)
        then("value")
        return length

    def woken(futex: Futex, most: int = 2**31 - 1) -> int:
        count = wake(futex, most)
        then("wake")
        return count

    opened.fence = fenced
    opened.content.write = written
    Futex.wake = woken  # type: ignore[method-assign]


class Stop:
    """Ends its process after its step number ``at``, counted from ``arm`` on."""

    def __init__(self, at: int, report: int, *, kill: bool) -> None:
        self.left = at
        self.report = report
        self.kill = kill
        self.armed = False

    def arm(self) -> None:
        self.armed = True

    def __call__(self, name: str) -> None:
        if not self.armed:
            return
        self.left -= 1
        if self.left == 0:
            os.write(self.report, name.encode())
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(77)


def in_child(work: Callable[[], None]) -> int:
    """Do ``work`` in a forked child, which ends without any clean-up. Return its process."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a child must not go on with the tests
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)
    return pid


def stopped_at(
    channel: Any, step: int, work: Callable[[Callable[[], None]], None], *, kill: bool = False
) -> str:
    """Do ``work(arm)`` in a child that ends after a step. Return its name; "" if it had fewer."""
    reading, writing = os.pipe()
    stop = Stop(step, writing, kill=kill)

    def watched() -> None:
        watch(channel, stop)
        work(stop.arm)

    pid = in_child(watched)
    os.close(writing)
    status = os.waitpid(pid, 0)[1]
    name = os.read(reading, 100).decode()
    os.close(reading)
    expected = 0 if not name else signal.SIGKILL if kill else 77 << 8
    assert status == expected, f"the child ended with {status} after {name!r}"
    return name
