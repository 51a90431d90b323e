"""What both kinds of writers have: the writer's lock, takeover, loans (docs/channels.md).

The comments W1 to W10 and T1 to T5 are the steps of that page.
"""

from __future__ import annotations

import os
import struct
from time import monotonic_ns
from typing import TYPE_CHECKING
from weakref import ref

from .._support.integers import integer
from ..errors import (
    ArgumentOutOfRangeError,
    ChannelFormatError,
    UnsupportedError,
    WriterAliveError,
)
from .geometry import CLOSED, LENGTH, OPEN
from .linux import Futex
from .loan import Loan
from .parts import Part
from .words import LOW_56

if TYPE_CHECKING:
    from .opened import Opened

__all__ = ["Writer"]

_describe = struct.Struct("<QQII").pack_into  # length, time, tag, reserved
_MOST_TAG = 2**32 - 1
_U64 = 2**64 - 1


class Writer(Part):
    """The writer of a channel; there is at most one at a time."""

    what = "writer"

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        self._futex = Futex(opened.memory, self._latest * 8)
        self._write = opened.content.write
        self._memory = opened.memory
        self._plain = opened.plain
        self._count = opened.geometry.slots
        self._loan: ref[Loan] | None = None
        """The last loan. One that a program has dropped, or lost to an interruption, has ended."""
        if not self._owned_locks().try_writer():  # T1
            pid = self._halves[self._writer_pid]
            self._end("the writer was never open")
            raise WriterAliveError(
                f"the channel {opened.name!r} has a writer (process {pid}); a channel has one "
                "writer at a time: close that one, or use a channel of your own",
                value=pid,
            )
        try:
            self._take_over()
        except BaseException:
            self._end("the writer was never open")
            raise

    @property
    def epoch(self) -> int:
        """How many writers the channel has had, this one included."""
        return self._words[self._epoch]

    @property
    def published(self) -> int:
        """The number of the last value that a writer published; 0 before the first."""
        return self._words[self._latest] & LOW_56

    def _take_over(self) -> None:
        words, halves = self._words, self._halves
        word = words[self._latest]  # T2
        number, slot = word & LOW_56, word >> 56
        if slot >= self._count:
            raise self._damaged("latest", self._latest * 8, word, self._count)
        for other, stamp in enumerate(self._stamps):  # T3
            if words[stamp] == 2 * (number + 1):
                words[self._latest] = other << 56 | (number + 1)
                break
        words[self._epoch] = (words[self._epoch] + 1) & _U64  # T4
        halves[self._writer_pid] = os.getpid()
        halves[self._state] = OPEN
        self._fence()  # T5
        self._futex.wake()

    def _damaged(self, field: str, offset: int, value: int, limit: int) -> ChannelFormatError:
        return ChannelFormatError(
            f"the channel {self._opened.name!r} is damaged: {field} at offset {offset} is {value}, "
            f"the limit is {limit}",
            field=field, offset=offset, value=value, limit=limit,
        )  # fmt: skip

    def _announce(self, slot: int, number: int, length: int, tag: int) -> None:
        """Complete W5, and carry out W6 to W10: the value in ``slot`` becomes the newest."""
        words, halves, sleepers = self._words, self._halves, self._sleepers
        stamp = self._stamps[slot]
        _describe(self._memory, stamp * 8 + LENGTH, length, monotonic_ns(), tag, 0)
        if self._plain is not None:
            self._opened.content.write_plain(self._slots[slot][:length], self._plain)
        words[stamp] = 2 * number  # W6
        try:
            asleep = halves[sleepers]  # W7
            if asleep:
                halves[sleepers] = 0
            words[self._latest] = slot << 56 | number  # W8
            self._fence()  # W9
            if asleep or halves[sleepers]:  # W10
                self._futex.wake()
        except BaseException:
            # KeyboardInterrupt after W7: no later publish would wake those that sleep now.
            self._futex.wake()
            raise

    def _check_publish(self, tag: int) -> int:
        """Return the tag. Raises UnsupportedError while a slot is on loan."""
        self._check_open()
        if self._lent() is not None:
            raise UnsupportedError(
                "the memory of a slot is on loan; leave the with block of loan() before the next "
                "value"
            )
        self._loan = None
        tag = integer(tag, "tag")
        if not 0 <= tag <= _MOST_TAG:
            raise ArgumentOutOfRangeError(
                f"tag must be 0 to {_MOST_TAG}, not {tag}", field="tag", value=tag, limit=_MOST_TAG
            )
        return tag

    def _lend(self, shape: object, tag: int, reserved: tuple[int, int]) -> Loan:
        slot = reserved[0]
        loan = Loan(
            self._opened.content, self._slots[slot], self._tails[slot], shape, self._end_loan
        )
        self._reserved = (*reserved, tag)
        self._loan = ref(loan)
        return loan

    def _lent(self) -> Loan | None:
        loan = None if self._loan is None else self._loan()
        return None if loan is None or loan.ended else loan

    def _end_loan(self, loan: Loan, publish: bool) -> None:
        if self._lent() is loan:
            self._loan = None
            if publish:
                # Also in a forked child, whose parent may have published this slot since.
                self._check_open()
                slot, number, tag = self._reserved
                self._announce(slot, number, loan.length, tag)

    def _release(self) -> None:
        loan = self._lent()
        if loan is not None:
            loan.abandon()
        self._halves[self._state] = CLOSED
        self._fence()
        self._futex.wake()
