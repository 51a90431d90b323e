"""The step ``channel-run``: loops that write, read and wait as fast as they can, and count.

A frame is a value whose 8-byte words all are its number, so that a torn one shows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch

from pyshm.channels.linux import Futex

from .serve import Step

__all__ = ["run"]

_LATE = 0.5  # seconds; a sleeper that is not woken looks again after 1 s
_MOST_LOST = 5  # wake-ups, after which a waiter gives up


def run(step: Step, find: Callable[[str], Any]) -> dict[str, Any]:
    """Run the loop of the step's role. Return its counts."""
    return _ROLES[step["role"]](step, find)


def frame(number: int, size: int) -> bytes:
    """Return a frame."""
    return number.to_bytes(8, "little") * (size // 8)


def _write(step: Step, find: Callable[[str], Any]) -> dict[str, Any]:
    """Publish frames: one as a value, the next one in parts in place."""
    writer, size = find(step["target"]), step["size"]
    end, count = monotonic() + step.get("seconds", 1e9), step.get("count", 2**63)
    published = 0
    number = writer.published
    while published < count and monotonic() < end:
        number += 1
        data = frame(number, size)
        if number % 2:
            writer.publish(data)
        else:
            with writer.loan() as loan:
                for begin in range(0, size, max(size // 4, 8)):
                    loan.data[begin : begin + size // 4] = data[begin : begin + size // 4]
                loan.data[:] = data
                loan.length = size
        published += 1
    return {"published": published}


def _read(step: Step, find: Callable[[str], Any]) -> dict[str, Any]:
    """Read the newest value again and again."""
    reader = find(step["target"]).reader
    check = _Check()
    reads = 0
    end = monotonic() + step["seconds"]
    while monotonic() < end and (reads % 64 or reader.writer_state != "closed"):
        data = reader.latest()
        if data is not None:
            reads += 1
            check.frame(reader.number, data)
    return {"reads": reads, "retries": reader.retries, **check.counts()}


def _hold(step: Step, find: Callable[[str], Any]) -> dict[str, Any]:
    """Hold frames for a short time; they must not change."""
    viewer = find(step["target"]).reader
    check = _Check()
    reads = 0
    chance = random.Random(step.get("seed", 0))
    end = monotonic() + step["seconds"]
    while monotonic() < end and viewer.writer_state != "closed":
        if not viewer.channel.published:
            continue
        with viewer.hold(0) as held:
            check.frame(held.number, bytes(held.data))
            sleep(chance.choice((0.0, 0.0005, 0.002, 0.004)))
            check.frame(held.number, bytes(held.data))
        reads += 1
    return {"reads": reads, "retries": viewer.retries, **check.counts()}


def _consume(step: Step, find: Callable[[str], Any]) -> dict[str, Any]:
    """Get every value, by turns as a copy and in place; none may be missing or come twice."""
    reading = find(step["target"])
    reader = reading.reader
    check = _Check()
    reads = gaps = 0
    last = reader.number
    end = monotonic() + step["seconds"]
    while monotonic() < end and last < step.get("until", 2**63):
        if not reading.wait(0.5):
            if reader.writer_state == "closed":
                break
            continue
        if last % 2:
            data = reader.next(0)
            check.frame(reader.number, data)
        else:
            with reader.hold(0) as held:
                check.frame(held.number, bytes(held.data))
        gaps += reader.number != last + 1
        last = reader.number
        reads += 1
    return {"reads": reads, "retries": 0, "gaps": gaps, "last": last, **check.counts()}


def _answer(step: Step, find: Callable[[str], Any]) -> dict[str, Any]:
    """Wait for each value, and publish its number as the answer."""
    reading, answers = find(step["target"]), find(step["answers"])
    reader = reading.reader
    late = 0
    with _counting_sleeps(reader) as counts:
        while reader.number < step["until"]:
            number = int.from_bytes(reading.next(step["timeout"])[:8], "little")
            late += reader.age > _LATE
            if counts["lost"] + late >= _MOST_LOST:
                raise RuntimeError(f"{counts['lost']} wake-ups were lost, {late} values were late")
            answers.publish(frame(number, 8))
    return {"last": reader.number, "late": late, **counts}


def _ask(step: Step, find: Callable[[str], Any]) -> dict[str, Any]:
    """Publish a value when all answers to the one before are there."""
    writer = find(step["target"])
    readers = [find(name) for name in step["answers"]]
    late = 0
    for number in range(writer.published + 1, step["until"] + 1):
        writer.publish(frame(number, 8))
        for reading in readers:
            while int.from_bytes(reading.next(step["timeout"])[:8], "little") < number:
                pass
            late += reading.reader.age > _LATE
    return {"last": writer.published, "late": late, "sleeps": 0, "lost": 0}


_ROLES: dict[str, Callable[[Step, Callable[[str], Any]], dict[str, Any]]] = {
    "write": _write,
    "read": _read,
    "hold": _hold,
    "consume": _consume,
    "answer": _answer,
    "ask": _ask,
}


class _Check:
    """Counts what is wrong with the frames that a reader got."""

    def __init__(self) -> None:
        self.distinct = 0
        self.torn = 0
        self.backwards = 0
        self._last = 0

    def frame(self, number: int, data: bytes) -> None:
        """Check a frame, with the number that the reader has for it."""
        if number != self._last:
            self.distinct += 1
            self.backwards += number < self._last
            self._last = number
        if data != frame(number, len(data)) or not data:
            self.torn += 1

    def counts(self) -> dict[str, int]:
        """Return the counts."""
        return {"distinct": self.distinct, "torn": self.torn, "backwards": self.backwards}


@contextmanager
def _counting_sleeps(reader: Any) -> Iterator[dict[str, int]]:
    """Count the sleeps of this process, and those that ended by their time beside a newer value.

    The reader itself would find the value, and nobody would see that the wake-up was lost.
    """
    counts = {"sleeps": 0, "lost": 0}
    sleep_on = Futex.wait
    probe = reader.channel.reader()

    def wait(futex: Futex, value: int, seconds: float = inf) -> bool:
        counts["sleeps"] += 1
        woken = sleep_on(futex, value, seconds)
        if not woken and reader.channel.published > reader.number:
            probe.latest()
            # A value that came after the end of the sleep is younger.
            counts["lost"] += probe.age > min(seconds, _LATE) / 2
        return woken

    with patch.object(Futex, "wait", wait), probe:
        yield counts
