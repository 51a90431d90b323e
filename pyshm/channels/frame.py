"""Frames: values that a program uses in the memory of their slot, without a copy."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic_ns
from typing import TYPE_CHECKING, Any
from weakref import ref

from .._support.live import refuse_copy
from ..errors import ClosedError, FrameInUseError, UnsupportedError
from .contents import Arrays

if TYPE_CHECKING:
    from collections.abc import Callable
    from ctypes import Array, c_char
    from types import TracebackType
    from typing import NoReturn

    from .contents import Content

__all__ = ["Frame", "in_use"]


def in_use(number: int) -> FrameInUseError:
    """Return the error for a frame whose memory is still in use."""
    return FrameInUseError(
        f"the frame {number} can't be released: an array, a struct view or a memoryview of it "
        "still exists; delete it, or keep a copy instead (copy())",
        value=number,
    )


class Frame:
    """A value in the memory of its slot, which does not change until the frame is released.

    ``data`` is the memory, read-only. ``number``, ``published_at`` and ``tag`` are those of the
    value. A ``with`` block releases the frame at its end.
    """

    __slots__ = (
        "__weakref__", "_array", "_content", "_length", "_release", "_slot", "_tail", "abandoned",
        "data", "number", "published_at", "tag",
    )  # fmt: skip

    def __init__(
        self,
        content: Content,
        slot: Array[c_char],
        length: int,
        tail: bytes,
        number: int,
        described: tuple[int, int, int],
        release: Callable[[Frame], None],
    ) -> None:
        self._content = content
        self._tail = tail
        self.abandoned = False
        self._release = release
        self._array: Any = None
        # NumPy and memoryview(data) do not use ``data`` itself: its release does not notice them.
        # But everything that uses the memory has a reference to this object, the frame's own.
        self._slot = ref(slot)
        self._length = length
        self.data = memoryview(slot).cast("B")[:length].toreadonly()
        self.number = number
        self.published_at = described[1]
        self.tag = described[2]

    @property
    def age(self) -> float:
        """The seconds since the value was published."""
        return (monotonic_ns() - self.published_at) / 1e9

    @property
    def array(self) -> Any:
        """The memory as a read-only NumPy array. Copy it (``copy()``) to keep it."""
        if not isinstance(self._content, Arrays):
            raise UnsupportedError(f"a channel of {self._content} has no arrays; use data or value")
        self._check()
        if self._array is None:
            self._array = self._content.array_of(self.data, self._tail)
        return self._array

    @property
    def value(self) -> Any:
        """The value in place: a view of a struct, a picture, an array, or the bytes."""
        self._check()
        return self._content.in_place(self.data, self._tail)

    def copy(self) -> Any:
        """Return a copy of the value, which stays valid."""
        self._check()
        return self._content.read(self._content.copied(self.data), self._tail)

    @property
    def released(self) -> bool:
        """Whether the frame was released."""
        try:
            len(self.data)
        except ValueError:
            return True
        return False

    def release(self) -> None:
        """Release the frame; the writer can use its slot again. Another call does nothing.

        Raises FrameInUseError if an array or a memoryview of the frame still exists. The frame is
        then still held.
        """
        self._array = None
        try:
            self.data.release()  # nothing happens if it is released
        except BufferError:
            raise in_use(self.number) from None
        if self._is_used():
            raise in_use(self.number)
        self._release(self)

    def _is_used(self) -> bool:
        """Return whether something uses the memory after the release of ``data``; renew that."""
        # Not in release(): the traceback of its error would keep the memory in use.
        slot = self._slot()
        if slot is None:
            return False
        self.data = memoryview(slot).cast("B")[: self._length].toreadonly()
        return True

    def __del__(self) -> None:
        # The reader may be collected with the frame, and must not find its memory in use.
        self._array = None
        with suppress(BufferError, AttributeError):
            self.data.release()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy("a frame", "send a copy of the value (copy())")

    def _check(self) -> None:
        if self.released:
            raise ClosedError(f"the frame {self.number} was released")

    def __enter__(self) -> Frame:
        self._check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.release()
        except FrameInUseError:
            self.abandoned = True
            # The traceback of another error keeps the variables that refer to the frame.
            if kind is None:
                raise
