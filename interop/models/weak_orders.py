"""The steps of the channels' protocol whose order matters, as programs for the explorer.

The first argument of each operation is its step in docs/channels.md. Each program starts where the
interesting part begins, for example with publish 1 complete in the slot that publish 3 overwrites.
Threads have no loops, so S2, S6 and G6, which lead back to an earlier step, are not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .explorer import (
    End,
    Operation,
    Program,
    fence,
    futex_wait,
    futex_wake,
    load,
    store,
)

__all__ = ["PROGRAMS"]


def overwritten_while_copied() -> Program:
    """Publish 3 overwrites the slot of publish 1 while a reader copies it: a value of two words."""
    writer = [
        store("W2", "stamp", 5),
        fence("W3"),
        store("W5", "first", 3),
        store("W5", "second", 3),
        store("W6", "stamp", 6, release=True),
    ]
    reader = [
        load("R2", "before", "stamp", acquire=True),
        load("R3", "one", "first"),
        load("R3", "two", "second"),
        fence("R4"),
        load("R5", "after", "stamp"),
    ]

    def check(end: End) -> str | None:
        seen = end.registers[1]
        if seen["before"] != seen["after"] or seen["before"] % 2:
            return None  # the reader tries again
        if seen["one"] != seen["two"]:
            return "torn"
        number = seen["before"] // 2
        if seen["one"] != number:
            return "old taken for new" if seen["one"] < number else "new taken for old"
        return None

    return Program([writer, reader], {"stamp": 2, "first": 1, "second": 1}, check)


def announced() -> Program:
    """The first publish: a reader that sees it in "latest" finds its stamp, and then its value."""
    writer = [
        store("W2", "stamp", 1),
        fence("W3"),
        store("W5", "value", 1),
        store("W6", "stamp", 2, release=True),
        store("W8", "latest", 1, release=True),
    ]
    reader = [
        load("R1", "newest", "latest", acquire=True),
        load("R2", "before", "stamp", acquire=True),
        load("R3", "value", "value"),
        fence("R4"),
        load("R5", "after", "stamp"),
    ]

    def check(end: End) -> str | None:
        seen = end.registers[1]
        if seen["before"] == seen["after"] == 2 and seen["value"] != 1:
            return "complete but not written"
        if seen["newest"] == 1 and seen["before"] != 2:
            return "announced but not complete"
        return None

    return Program([writer, reader], {"stamp": 0, "value": 0, "latest": 0}, check)


def _publish_and_wake(number: int) -> list[Operation]:
    cleared, seen = f"cleared {number}", f"seen {number}"
    return [
        load("W7", cleared, "sleepers"),
        store("W7", "sleepers", 0, condition=lambda r: r[cleared] == 1, needs=(cleared,)),
        store("W8", "latest", number, release=True),
        fence("W9"),
        load("W10", seen, "sleepers"),
        futex_wake("W10", "latest", condition=lambda r: r.get(cleared) == 1 or r.get(seen) == 1),
    ]


def _sleeping_reader(seen: int) -> list[Operation]:
    """A reader that has publish ``seen``, and waits for a newer one."""
    return [
        load("S1", "newest", "latest", acquire=True),
        store("S3", "sleepers", 1, condition=lambda r: r["newest"] == seen, needs=("newest",)),
        load("S4", "again", "latest"),
        futex_wait(
            "S5",
            "latest",
            lambda r: r["again"],
            condition=lambda r: r["newest"] == r["again"] == seen,
        ),
    ]


def _sleeps_for_ever(readers: Mapping[int, int]) -> Callable[[End], str | None]:
    """Return a check of threads, each with the last publish that its reader has."""

    def check(end: End) -> str | None:
        lost = [
            thread
            for thread, seen in readers.items()
            if end.sleeping[thread] and end.memory["latest"] > seen
        ]
        return f"reader {lost[0]} sleeps for ever" if lost else None

    return check


def one_sleeper() -> Program:
    """A publish while a reader is about to sleep."""
    threads = [_publish_and_wake(1), _sleeping_reader(0)]
    return Program(threads, {"sleepers": 0, "latest": 0}, _sleeps_for_ever({1: 0}))


def two_sleepers() -> Program:
    """Two publishes, a reader that waits for the first, and one that waits for the second."""
    threads = [
        _publish_and_wake(1) + _publish_and_wake(2),
        _sleeping_reader(0),
        _sleeping_reader(1),
    ]
    return Program(threads, {"sleepers": 0, "latest": 0}, _sleeps_for_ever({1: 0, 2: 1}))


def pinned() -> Program:
    """The writer wants the slot of publish 1 for publish 3 while a viewer pins it."""

    def free(registers: Mapping[str, int]) -> bool:
        return registers["pinners"] == 0 or registers["pin"] == 0

    writer = [
        store("W2", "stamp", 5),
        fence("W3"),
        load("W4", "pinners", "pinners"),
        load("W4", "pin", "pin"),
        store("W5", "value", 3, condition=free, needs=("pinners", "pin")),
    ]
    viewer = [
        store("P1", "pinners", 1),
        store("P3", "pin", 1),
        fence("P4"),
        load("P5", "stamp", "stamp", acquire=True),
        load("P5", "value", "value"),
        store("P6", "pin", 0, release=True),
    ]

    def check(end: End) -> str | None:
        seen = end.registers[1]
        return "held and overwritten" if seen["stamp"] == 2 and seen["value"] != 1 else None

    memory = {"stamp": 2, "value": 1, "pin": 0, "pinners": 0}
    return Program([writer, viewer], memory, check)


def handed_back() -> Program:
    """A consumer hands the slot of publish 1 back; the writer overwrites it with publish 3."""

    def done(registers: Mapping[str, int]) -> bool:
        return registers["cursor"] == 1

    consumer = [
        load("C2", "one", "first"),
        load("C2", "two", "second"),
        store("C3", "cursor", 1, release=True),
    ]
    writer = [
        load("G1", "cursor", "cursor", acquire=True),
        store("W5", "first", 3, condition=done, needs=("cursor",)),
        store("W5", "second", 3, condition=done, needs=("cursor",)),
    ]

    def check(end: End) -> str | None:
        seen = end.registers[0]
        return "read after it was handed back" if 3 in (seen["one"], seen["two"]) else None

    return Program([consumer, writer], {"first": 1, "second": 1, "cursor": 0}, check)


def writer_waits() -> Program:
    """The writer waits for room; the consumer moves its cursor, then looks whether it waits."""
    writer = [
        store("G2", "writer_waits", 1),
        fence("G3"),
        load("G4", "cursor", "cursor"),
        futex_wait("G5", "cursor", 0, condition=lambda r: r.get("cursor", 0) == 0),
    ]
    consumer = [
        store("C3", "cursor", 1, release=True),
        fence("C4"),
        load("C5", "waits", "writer_waits"),
        futex_wake("C5", "cursor", condition=lambda r: r["waits"] == 1),
    ]

    def check(end: End) -> str | None:
        return "the writer sleeps for ever" if end.sleeping[0] else None

    return Program([writer, consumer], {"writer_waits": 0, "cursor": 0}, check)


def registering() -> Program:
    """A consumer registers while the writer, of a queue of one slot, publishes 1 and then 2."""
    writer = [
        store("W8", "latest", 1, release=True),
        fence("W9"),
        load("G1", "mode", "mode"),
        store("W5", "value", 2, condition=lambda r: r["mode"] == 0, needs=("mode",)),
    ]
    consumer = [
        store("register:mode", "mode", 2),
        fence("register:fence"),
        load("register:look", "cursor", "latest"),
    ]

    def check(end: End) -> str | None:
        # A consumer that registered at 0 is promised publish 1.
        lost = end.registers[1]["cursor"] == 0 and end.memory["value"] == 2
        return "a promised value is overwritten" if lost else None

    return Program([writer, consumer], {"latest": 0, "mode": 0, "value": 1}, check)


PROGRAMS: Mapping[str, Callable[[], Program]] = {
    "copied": overwritten_while_copied,
    "announced": announced,
    "one-sleeper": one_sleeper,
    "two-sleepers": two_sleepers,
    "pinned": pinned,
    "handed-back": handed_back,
    "writer-waits": writer_waits,
    "registering": registering,
}
