"""The writer of a QueueChannel, which waits for its slowest reader (docs/channels.md, "Publish").

The comments G1 to G7 are the steps of that page.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import ChannelTimeoutError, ClosedError
from .geometry import CONSUMER, CURSOR, ENTRY_MODE, FREE
from .linux import Futex
from .loan import Loan
from .waiting import seconds_of
from .words import LOW_56
from .writer import Writer

if TYPE_CHECKING:
    from .opened import Opened

__all__ = ["QueueWriter"]

_SLICE = 0.1  # seconds; after that the writer asks whether the slowest reader lives


class QueueWriter(Writer):
    """Publishes values, each of which every reader gets."""

    def __init__(self, opened: Opened) -> None:
        geometry = opened.geometry
        entries = [geometry.reader_at(entry) for entry in range(geometry.readers)]
        self._modes = [(at + ENTRY_MODE) // 4 for at in entries]
        self._cursors = [(at + CURSOR) // 8 for at in entries]
        self._cursor_futexes: dict[int, Futex] = {}
        self._room_until = 0
        """The number up to which there is room, as far as this writer has looked."""
        super().__init__(opened)

    def publish(self, value: Any, timeout: float | None = None, *, tag: int = 0) -> int:
        """Publish a value, as soon as every reader is done with the one whose slot it needs.

        Return its number: 1 for the first, then one more each time. Raises ChannelTimeoutError
        if there is no room for ``timeout`` seconds; then nothing was published. Raises as
        LatestWriter.publish for a value that the channel can't carry.
        """
        if self._loan is not None or type(tag) is not int or tag:
            tag = self._check_publish(tag)
        slot, number = self._reserve(timeout)
        length = self._write(value, self._slots[slot], self._tails[slot])  # W5
        self._announce(slot, number, length, tag)
        return number

    def loan(self, shape: object = None, timeout: float | None = None, *, tag: int = 0) -> Loan:
        """Return the memory of the next slot, for a value that is made in place.

        Use it in a ``with`` block, whose end publishes the value. Waits as :meth:`publish` does.
        """
        tag = self._check_publish(tag)
        return self._lend(shape, tag, self._reserve(timeout))

    def _interrupt(self) -> None:
        for futex in list(self._cursor_futexes.values()):
            futex.wake()

    def _reserve(self, timeout: float | None) -> tuple[int, int]:
        words = self._words
        number = (words[self._latest] & LOW_56) + 1
        if number > self._room_until:
            self._wait_for_room(number, timeout)
        slot = number % self._count
        words[self._stamps[slot]] = 2 * number - 1  # W2
        self._fence()  # W3
        return slot, number

    def _wait_for_room(self, number: int, timeout: float | None) -> None:
        deadline = None
        while True:
            entry, cursor = self._slowest(number)  # G1
            if cursor >= number - self._count:
                # A reader that registers later begins at the newest value, so it has this room too.
                self._room_until = cursor + self._count
                return
            if deadline is None:
                deadline = monotonic() + seconds_of(timeout)
            rest = deadline - monotonic()
            if rest <= 0:
                # Without a sleep, as with timeout=0, a dead reader is forgotten here.
                if self._forget_if_dead(entry):
                    continue
                raise ChannelTimeoutError(
                    f"no room for the value {number} in the channel {self._opened.name!r} within "
                    f"{timeout} s: the reader in entry {entry} is done with {cursor} only, and "
                    f"there are {self._count} slots; nothing was published",
                    value=timeout, limit=self._count,
                )  # fmt: skip
            self._wait_for(entry, number, min(rest, _SLICE))

    def _slowest(self, number: int) -> tuple[int, int]:
        """Return the entry of the reader with the lowest cursor, and the cursor.

        Without readers the cursor is the number of the newest value.
        """
        words, halves = self._words, self._halves
        slowest, lowest = -1, number - 1
        for entry, mode in enumerate(self._modes):
            if halves[mode] == CONSUMER:
                cursor = words[self._cursors[entry]]
                if cursor < lowest:
                    slowest, lowest = entry, cursor
        return slowest, lowest

    def _wait_for(self, entry: int, number: int, seconds: float) -> None:
        words, halves = self._words, self._halves
        cursor = self._cursors[entry]
        futex = self._cursor_futexes.get(entry)
        if futex is None:
            futex = self._cursor_futexes[entry] = Futex(self._memory, cursor * 8)
        halves[self._writer_waits] = 1  # G2
        self._fence()  # G3
        seen = words[cursor]  # G4
        ended = False
        if seen < number - self._count:
            ended = not futex.wait(seen & 0xFFFFFFFF, seconds)  # G5
        if self._closed:
            raise ClosedError("the writer is closed")
        halves[self._writer_waits] = 0  # G6
        if ended:
            self._forget_if_dead(entry)

    def _forget_if_dead(self, entry: int) -> bool:
        locks = self._locks
        if locks is None or not locks.try_entry(entry):  # G7
            return False
        try:
            self._halves[self._modes[entry]] = FREE
        finally:
            locks.leave_entry(entry)
        return True
