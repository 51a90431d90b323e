"""Loans: the memory of a free slot, in which a program makes a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._support.integers import integer
from .._support.live import refuse_copy
from ..errors import ArgumentOutOfRangeError, ClosedError, UnsupportedError
from .contents import Arrays, too_large

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import NoReturn

    from .contents import Content

__all__ = ["Loan"]


class Loan:
    """The memory of a free slot. The value is published at the end of the ``with`` block.

    It is not published if the block raises. ``data`` is the memory, as bytes. Do not write into it
    after the block: readers use it then.
    """

    __slots__ = (
        "__weakref__", "_array", "_content", "_done", "_ended", "_length", "_tail", "data",
    )  # fmt: skip

    def __init__(
        self,
        content: Content,
        memory: memoryview,
        tail: memoryview,
        shape: object,
        done: Callable[[Loan, bool], None],
    ) -> None:
        size = content.describe(shape, tail)
        if size is not None and size > len(memory):
            raise too_large(size, len(memory))
        self._content = content
        self._tail = tail
        self._done = done
        self._ended = False
        self._length = len(memory) if size is None else size
        self._array: Any = None
        self.data = memory[: self._length]

    @property
    def length(self) -> int:
        """How many bytes are published, from the beginning; by default all of ``data``."""
        return self._length

    @length.setter
    def length(self, length: int) -> None:
        length = integer(length, "length")
        least = len(self.data) if self._content.capacity is not None else 0
        if not least <= length <= len(self.data):
            raise ArgumentOutOfRangeError(
                f"length must be {least} to {len(self.data)}, not {length}",
                field="length", value=length, limit=len(self.data),
            )  # fmt: skip
        self._length = length

    @property
    def array(self) -> Any:
        """The memory as a NumPy array of the channel's type and of the shape of the loan."""
        self._check()
        if not isinstance(self._content, Arrays):
            raise UnsupportedError(f"a channel of {self._content} has no arrays; use data")
        if self._array is None:
            self._array = self._content.array_of(self.data, bytes(self._tail))
        return self._array

    @property
    def value(self) -> Any:
        """The memory as a view of the channel's struct, or an array; for bytes ``data``."""
        if isinstance(self._content, Arrays):
            return self.array
        self._check()
        return self._content.in_place(self.data, bytes(self._tail))

    @property
    def ended(self) -> bool:
        """Whether the loan has ended."""
        return self._ended

    def abandon(self) -> None:
        """End the loan. Nothing is published."""
        self._end(publish=False)

    def __enter__(self) -> Loan:
        self._check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end(publish=kind is None)

    def _end(self, *, publish: bool) -> None:
        if self._ended:
            return
        try:
            if self._array is not None:
                # An array that the program has kept must not change a value that others read.
                self._array.flags.writeable = False
            self._done(self, publish)
        finally:
            self._ended = True
            self.data = self.data.toreadonly()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy("a loan", "publish it")

    def _check(self) -> None:
        if self._ended:
            raise ClosedError("the loan has ended")
