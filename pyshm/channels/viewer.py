"""Viewers: readers that hold a value in its slot, without a copy.

The comments P1 to P6 are the steps of docs/channels.md ("Viewer").
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import ChannelEndedError
from .entries import claim_entry
from .geometry import ENTRY_MODE, FREE, PIN, VIEWER
from .holding import HoldingReader
from .latest_reader import LatestReader
from .words import LOW_56

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .frame import Frame
    from .opened import Opened

__all__ = ["LatestViewer"]

_PATIENCE = 1.0  # seconds


class LatestViewer(HoldingReader, LatestReader):
    """A reader that can hold the newest value in its slot, without a copy."""

    what = "viewer"

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        try:
            entry = claim_entry(self._owned_locks(), opened, VIEWER)
        except BaseException:
            self._end("the viewer was never open")
            raise
        at = opened.geometry.reader_at(entry)
        self._mode = (at + ENTRY_MODE) // 4
        self._pin = (at + PIN) // 8
        self._halves[self._pinners] = 1  # P1

    def hold(self, timeout: float | None = None) -> Frame:
        """Return the newest value in its slot. The writer does not touch it until it is released.

        Waits at most ``timeout`` seconds for the first value of the channel; raises as
        :meth:`next` does. A viewer holds one frame at a time (UnsupportedError).
        """
        self._check_no_frame()
        if not self._words[self._latest] & LOW_56 and not self.wait(timeout):
            raise self._nothing(timeout)
        return self._held()

    def hold_next(self, timeout: float | None = None) -> Frame:
        """Wait for a newer value than the last one, and hold it. Raises as :meth:`next` does."""
        self._check_no_frame()
        if not self.wait(timeout):
            raise self._nothing(timeout)
        return self._held()

    def frames(self) -> Iterator[Frame]:
        """Iterate over the newest values, each held until the next one is asked for.

        Ends when the writer closes the channel.
        """
        while True:
            try:
                frame = self.hold_next()
            except ChannelEndedError:
                return
            with frame:
                yield frame

    def _held(self) -> Frame:
        words, latest = self._words, self._latest
        deadline = monotonic() + _PATIENCE
        while True:
            word = words[latest]  # P2
            slot, number = word >> 56, word & LOW_56
            if slot < len(self._slots):
                words[self._pin] = word  # P3
                self._fence()  # P4
                stamp = self._stamps[slot]
                if words[stamp] == 2 * number:  # P5
                    break
            self.retries += 1
            if monotonic() > deadline:
                words[self._pin] = 0
                self._give_up(word)
        try:
            described, tail = self._described(slot, number)
        except BaseException:
            words[self._pin] = 0
            raise
        self._note(number, described)
        return self._frame_of(slot, number, described, tail)

    def _done_with(self, number: int) -> None:  # noqa: ARG002 - consumers need it
        self._words[self._pin] = 0  # P6

    def _pinned_copy(self) -> Any:
        if self._slot is not None:
            return None
        with self._held() as frame:
            return frame.copy()

    def _release(self) -> None:
        super()._release()
        self._words[self._pin] = 0
        self._halves[self._mode] = FREE
