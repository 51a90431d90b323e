"""Readers that hold a value in its slot: what happens to the frame when they are closed."""

from __future__ import annotations

from contextlib import suppress
from ctypes import c_char
from typing import TYPE_CHECKING
from weakref import ref

from ..errors import FrameInUseError, UnsupportedError
from .frame import Frame, in_use
from .reader import Reader

if TYPE_CHECKING:
    from ctypes import Array
    from types import TracebackType

    from .opened import Opened

__all__ = ["HoldingReader"]

_kept: list[HoldingReader] = []
"""Readers that a program has dropped while an array still used their frame."""


class HoldingReader(Reader):
    """A reader that holds at most one frame at a time."""

    def __init__(self, opened: Opened) -> None:
        # The program has the frame: one that it has dropped, or lost to an interruption, is
        # released before the next one, unless something still uses the memory.
        self._frame: ref[Frame] | None = None
        self._slot: ref[Array[c_char]] | None = None
        self._held_number = 0
        self._type = c_char * opened.geometry.capacity
        close_kept()
        super().__init__(opened)

    def close(self) -> None:
        """Release what the object holds. Another call does nothing.

        Raises FrameInUseError, and stays open, if an array still uses the frame.
        """
        if not self._closed:
            self._end_frame()
        super().close()

    def _frame_of(
        self, slot: int, number: int, described: tuple[int, int, int], tail: bytes
    ) -> Frame:
        opened = self._opened
        memory = self._type.from_buffer(opened.memory, opened.geometry.slot_at(slot))
        self._held_number = number
        self._slot = ref(memory)
        frame = Frame(opened.content, memory, described[0], tail, number, described, self._released)
        self._frame = ref(frame)
        return frame

    def _check_no_frame(self) -> None:
        """Raise UnsupportedError while the program holds a frame."""
        self._check_open()
        frame = None if self._frame is None else self._frame()
        if frame is not None and not frame.abandoned and not frame.released:
            raise UnsupportedError(
                f"the {self.what} holds the frame {frame.number}; a {self.what} holds one frame "
                f"at a time: release it, or open another {self.what}"
            )
        self._end_frame()
        if _kept:
            close_kept()

    def _end_frame(self) -> None:
        """Release the frame. Raises FrameInUseError."""
        frame = None if self._frame is None else self._frame()
        if frame is not None:
            frame.release()
        elif self._slot is not None:
            if self._slot() is not None:
                raise in_use(self._held_number)
            self._forget_frame()

    def _released(self, frame: Frame) -> None:
        if self._frame is not None and self._frame() is frame:
            self._forget_frame()

    def _forget_frame(self) -> None:
        self._frame = self._slot = None
        if not self._closed:
            self._done_with(self._held_number)

    def _done_with(self, number: int) -> None:
        """Let the writer use the slot of a value again."""
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except FrameInUseError:
            # The traceback of another error keeps the variables that refer to the frame.
            if kind is None:
                raise

    def __del__(self) -> None:
        super().__del__()
        if getattr(self, "_slot", None) is not None and not self._closed:
            # An array still uses the slot: the entry, and the lock that keeps it, must stay.
            _kept.append(self)
            self._register()


def close_kept() -> None:
    """Close the kept readers whose frame is not used any more."""
    for reader in _kept.copy():
        with suppress(FrameInUseError):
            reader.close()
            _kept.remove(reader)
