"""What all readers of a channel have: waiting, iteration in threads and in asyncio, counters."""

from __future__ import annotations

import struct
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING, Any

from ..errors import ChannelEndedError, ChannelFormatError, ChannelTimeoutError
from .contents import Arrays
from .geometry import LENGTH
from .waiting import WaitingPart, seconds_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .opened import Opened
    from .pump import Pump

__all__ = ["Reader", "description"]

description = struct.Struct("<QQI").unpack_from
"""Returns length, time and tag of a value, at LENGTH in its descriptor."""


class Reader(WaitingPart):
    """Reads values. Iteration waits for each next value, and ends when the writer closes."""

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        self._has_tail = opened.content.kind == Arrays.kind
        self._pump: Pump | None = None
        self.skipped = 0
        """How many values this reader did not return, because newer ones came."""
        self.retries = 0
        """How many times the writer overwrote a value while this reader copied it."""
        self.published_at = 0
        """When the last returned value was published: ``time.monotonic_ns()`` of the writer."""
        self.tag = 0
        """The tag of the last returned value."""

    @property
    def number(self) -> int:
        """The number of the last returned value; 0 before the first."""
        return self._last

    @property
    def age(self) -> float:
        """The seconds since the last returned value was published."""
        return (monotonic_ns() - self.published_at) / 1e9 if self._last else float("inf")

    def next(self, timeout: float | None = None) -> Any:
        """Wait for a newer value than the last one, and return it.

        Raises ChannelTimeoutError after ``timeout`` seconds, ChannelEndedError if the writer has
        closed the channel, and WriterDiedError once for a writer that died.
        """
        if self.wait(timeout):
            return self._take()
        raise self._nothing(timeout)

    def _nothing(self, timeout: float | None) -> Exception:
        """Return the error for a wait that found no value."""
        # The last values and the end, or the next writer, can have come after the wait.
        if timeout is None or (self.writer_state == "closed" and not self._has_newer()):
            return ChannelEndedError(
                f"the writer has closed the channel {self._opened.name!r}; the last value had the "
                f"number {self._last}"
            )
        return ChannelTimeoutError(
            f"no value of the channel {self._opened.name!r} came in {timeout} s; its writer: "
            f"{self.writer_state}",
            value=timeout,
        )

    def _take(self) -> Any:
        """Return the value that a wait has found."""
        raise NotImplementedError

    def _note(self, number: int, described: tuple[int, int, int]) -> None:
        """Note what the attributes say of the value that is returned."""
        last = self._last
        if number > last + 1 and last:
            self.skipped += number - last - 1
        self._last = number
        self.published_at = described[1]
        self.tag = described[2]

    def _described(self, slot: int, number: int) -> tuple[tuple[int, int, int], bytes]:
        """Return length, time and tag of a value that the writer does not touch, and its tail."""
        described: tuple[int, int, int] = description(
            self._opened.memory, self._stamps[slot] * 8 + LENGTH
        )
        self._check_length(slot, number, described[0])
        return described, bytes(self._tails[slot]) if self._has_tail else b""

    def _check_length(self, slot: int, number: int, length: int) -> None:
        room = len(self._slots[slot])
        if length > room:
            at = self._stamps[slot] * 8 + LENGTH
            raise ChannelFormatError(
                f"the channel {self._opened.name!r} is damaged: the length of the value {number} "
                f"at offset {at} is {length}, and a slot has {room} bytes",
                field="length", offset=at, value=length, limit=room,
            )  # fmt: skip

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self.next()
        except ChannelEndedError:
            raise StopIteration from None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.next_async()
        except ChannelEndedError:
            raise StopAsyncIteration from None

    async def next_async(self, timeout: float | None = None) -> Any:
        """Return the next value as :meth:`next` does, without blocking the event loop.

        A thread of its own waits for the reader. Cancelling the task ends that wait.
        """
        end = monotonic() + seconds_of(timeout)
        # Another task of the program may take the value that a wait has found.
        while not self._has_newer():
            if self._pump is None:
                from .pump import Pump

                self._pump = Pump()
            rest = None if timeout is None else max(0.0, end - monotonic())
            if not await self._pump.wait(self, rest):
                raise self._nothing(timeout)
        return self._take()

    def _release(self) -> None:
        if self._pump is not None:
            self._pump.close()
