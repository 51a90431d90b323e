"""Readers of a QueueChannel: each gets every value, in order (docs/channels.md, "Consumer").

The comments C1 to C5 are the steps of that page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ChannelFormatError
from .entries import claim_entry
from .geometry import CONSUMER, CURSOR, ENTRY_MODE, FREE
from .holding import HoldingReader
from .linux import Futex
from .words import LOW_56

if TYPE_CHECKING:
    from .frame import Frame
    from .opened import Opened

__all__ = ["QueueReader"]


class QueueReader(HoldingReader):
    """Reads every value from its opening on. The writer waits for it; close it when it is done."""

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        self._read = opened.content.read
        try:
            entry = claim_entry(self._owned_locks(), opened, CONSUMER, self._begin)
        except BaseException:
            self._end("the reader was never open")
            raise
        at = opened.geometry.reader_at(entry)
        self._mode = (at + ENTRY_MODE) // 4
        self._cursor = (at + CURSOR) // 8
        self._cursor_futex = Futex(opened.memory, at + CURSOR)
        # A value that came before the writer saw this reader does not wait for it.
        self._fence()
        self._begin(at)

    def _begin(self, at: int) -> None:
        self._last = self._words[self._latest] & LOW_56
        self._words[(at + CURSOR) // 8] = self._last

    @property
    def behind(self) -> int:
        """How many published values this reader has not returned yet."""
        return (self._words[self._latest] & LOW_56) - self._last

    def hold(self, timeout: float | None = None) -> Frame:
        """Wait for the next value, and return it in its slot, without a copy.

        The writer waits for the slot until the frame is released. Raises as :meth:`next` does, and
        UnsupportedError while the reader holds another frame.
        """
        self._check_no_frame()
        if not self.wait(timeout):
            raise self._nothing(timeout)
        slot, number, described, tail = self._found()
        self._note(number, described)
        return self._frame_of(slot, number, described, tail)

    def _take(self) -> Any:
        self._check_no_frame()
        slot, number, described, tail = self._found()
        data = self._opened.content.copied(self._slots[slot][: described[0]])
        self._note(number, described)
        self._done_with(number)
        return self._read(data, tail)

    def _found(self) -> tuple[int, int, tuple[int, int, int], bytes]:
        """Return slot, number, description and tail of the next value, which exists."""
        number = self._last + 1  # C1
        slot = number % len(self._slots)
        stamp = self._stamps[slot]
        found = self._words[stamp]  # C2
        if found != 2 * number:
            raise ChannelFormatError(
                f"the channel {self._opened.name!r} is damaged: the stamp of the value {number} at "
                f"offset {stamp * 8} is {found}, not {2 * number}",
                field="stamp", offset=stamp * 8, value=found, limit=2 * number,
            )  # fmt: skip
        return slot, number, *self._described(slot, number)

    def _done_with(self, number: int) -> None:
        self._words[self._cursor] = number  # C3
        self._wake_writer()

    def _wake_writer(self) -> None:
        self._fence()  # C4
        if self._halves[self._writer_waits]:  # C5
            self._cursor_futex.wake(1)

    def _release(self) -> None:
        super()._release()
        self._halves[self._mode] = FREE
        self._wake_writer()
