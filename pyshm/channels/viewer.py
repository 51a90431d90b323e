"""Viewers: readers that hold a value in its slot, without a copy.

The comments P1 to P6 are the steps of docs/channels.md ("Viewer").
"""

from __future__ import annotations

import struct
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import ChannelEndedError, FrameInUseError, UnsupportedError
from .entries import claim_entry
from .frame import Frame
from .geometry import ENTRY_MODE, FREE, PIN, VIEWER
from .latest_reader import LatestReader
from .words import LOW_56

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from .opened import Opened

__all__ = ["LatestViewer"]

_description = struct.Struct("<QQI").unpack_from  # length, time, tag
_PATIENCE = 1.0  # seconds
_kept: list[tuple[object, ...]] = []


class LatestViewer(LatestReader):
    """A reader that can hold the newest value in its slot, without a copy."""

    what = "viewer"

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        self._frame: Frame | None = None
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
        self._check_can_hold()
        if not self._words[self._latest] & LOW_56 and not self.wait(timeout):
            raise self._nothing(timeout)
        return self._held()

    def hold_next(self, timeout: float | None = None) -> Frame:
        """Wait for a newer value than the last one, and hold it. Raises as :meth:`next` does."""
        self._check_can_hold()
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

    def _check_can_hold(self) -> None:
        self._check_open()
        if self._frame is not None:
            if not self._frame.abandoned:
                raise UnsupportedError(
                    f"the viewer holds the frame {self._frame.number}; a viewer holds one frame "
                    "at a time: release it, or open another viewer"
                )
            self._frame.release()

    def _held(self) -> Frame:
        words, latest = self._words, self._latest
        deadline = monotonic() + _PATIENCE
        while True:
            word = words[latest]  # P2
            slot, number = word >> 56, word & LOW_56
            if slot >= len(self._slots):
                self._give_up(word)
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
            described = _description(self._opened.memory, stamp * 8 + 8)
            self._check_length(slot, number, described[0])
            data = self._slots[slot][: described[0]].toreadonly()
            tail = bytes(self._tails[slot]) if self._has_tail else b""
        except BaseException:
            words[self._pin] = 0
            raise
        self._note(number, described)
        self._frame = Frame(self._opened.content, data, tail, number, described, self._unpin)
        return self._frame

    def _unpin(self, frame: Frame) -> None:
        if self._frame is frame:
            self._frame = None
            if not self._closed:
                self._words[self._pin] = 0  # P6

    def _pinned_copy(self) -> Any:
        if self._frame is not None:
            return None
        with self._held() as frame:
            return frame.copy()

    def close(self) -> None:
        """Release the viewer. Raises FrameInUseError, and stays open, if a frame is in use."""
        if not self._closed and self._frame is not None:
            self._frame.release()
        super().close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except FrameInUseError:
            if kind is None:
                raise

    def __del__(self) -> None:
        try:
            super().__del__()
        finally:
            if getattr(self, "_frame", None) is not None:
                # An array still uses the slot: the pin, and the lock that keeps it, must stay.
                _kept.append((self._locks, self._frame))

    def _release(self) -> None:
        super()._release()
        self._words[self._pin] = 0
        self._halves[self._mode] = FREE
