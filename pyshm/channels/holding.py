"""Readers that hold a value in its slot: what happens to the frame when they are closed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import FrameInUseError, UnsupportedError
from .reader import Reader

if TYPE_CHECKING:
    from types import TracebackType

    from .frame import Frame
    from .opened import Opened

__all__ = ["HoldingReader"]

_kept: list[HoldingReader] = []
"""Readers that a program has dropped while an array still used their frame."""


class HoldingReader(Reader):
    """A reader that holds at most one frame at a time."""

    def __init__(self, opened: Opened) -> None:
        self._frame: Frame | None = None
        close_kept()
        super().__init__(opened)

    def close(self) -> None:
        """Release what the object holds. Another call does nothing.

        Raises FrameInUseError, and stays open, if an array still uses the frame.
        """
        if not self._closed and self._frame is not None:
            self._frame.release()
        super().close()

    def _check_no_frame(self) -> None:
        """Raise UnsupportedError while the reader holds a frame."""
        self._check_open()
        frame = self._frame
        if frame is not None:
            if not frame.abandoned and not frame.released:
                raise UnsupportedError(
                    f"the {self.what} holds the frame {frame.number}; a {self.what} holds one "
                    f"frame at a time: release it, or open another {self.what}"
                )
            frame.release()
        if _kept:
            close_kept()

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
        if getattr(self, "_frame", None) is not None and not self._closed:
            # An array still uses the slot: the entry, and the lock that keeps it, must stay.
            _kept.append(self)
            self._register()


def close_kept() -> None:
    """Close the kept readers whose frame is not used any more."""
    for reader in _kept.copy():
        with suppress(FrameInUseError):
            reader.close()
            _kept.remove(reader)
