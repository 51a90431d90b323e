"""How a reader sleeps until there is a newer value (docs/channels.md, "Waiting")."""

from __future__ import annotations

import os
import threading
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from ..errors import ArgumentError, ClosedError, WriterDiedError
from .geometry import CLOSED
from .linux import Futex
from .parts import Part, writer_state
from .words import LOW_56

if TYPE_CHECKING:
    from collections.abc import Callable

    from .opened import Opened

__all__ = ["WaitingPart", "seconds_of"]

_SLICE = 1.0  # seconds; a sleeper asks at least this often whether the writer lives
_SLICE_IN_MAIN_THREAD = 0.1  # a signal that arrives just before the sleep does not end it
_SPIN = 40e-6  # seconds
_LOOKS = 16  # looks at the word between two looks at the clock


def seconds_of(timeout: float | None) -> float:
    """Return a timeout in seconds; None is no limit. Raises ArgumentError for what is not one."""
    if timeout is None:
        return inf
    given: object = timeout  # text is not a number, although float() takes it
    try:
        seconds = -1.0 if isinstance(given, (str, bytes, bytearray)) else float(timeout)
    except (TypeError, ValueError, OverflowError):
        seconds = -1.0
    if not seconds >= 0:
        raise ArgumentError(
            f"timeout must be None or a number of seconds of at least 0, not {timeout!r}",
            field="timeout", value=timeout, limit=0,
        )  # fmt: skip
    return seconds


def _never() -> bool:
    return False


class WaitingPart(Part):
    """A part of a channel that waits for values."""

    what = "reader"

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        self._last = 0
        """The number of the last value that was returned."""
        self._futex = Futex(opened.memory, self._latest * 8)
        self._may_spin = len(os.sched_getaffinity(0)) > 1
        self._spins = False
        # A signal handler that closes the reader runs in the thread that waits.
        self._is_waiting = threading.RLock()
        self._reported_epoch = 0

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a newer value than the last one that was returned.

        Return True as soon as there is one, and False after ``timeout`` seconds, or if the writer
        has closed the channel; ``wait(0)`` only looks. Raises WriterDiedError once for a writer
        that ended without closing it; another call waits for the next writer. Raises ClosedError
        if another thread closes this object meanwhile.
        """
        return self.wait_unless(_never, timeout)

    def wait_unless(self, given_up: Callable[[], bool], timeout: float | None) -> bool:
        """Wait as :meth:`wait` does. Return False if ``given_up`` is true after a wake."""
        if self._has_newer():  # S1
            return True
        seconds = seconds_of(timeout)
        if not seconds:
            return False
        if self._spins and self._spin():  # S2
            return True
        began = monotonic()
        with self._is_waiting:
            found = self._sleep(began + seconds, given_up)
        self._spins = self._may_spin and found and monotonic() - began < _SPIN
        return found

    def _has_newer(self) -> bool:
        return self._words[self._latest] & LOW_56 > self._last

    def wake(self) -> None:
        """Let the thread that waits look whether its wait was given up."""
        self._futex.wake()

    def _spin(self) -> bool:
        words, latest, last = self._words, self._latest, self._last
        end = monotonic() + _SPIN
        while monotonic() < end:
            for _ in range(_LOOKS):
                if words[latest] & LOW_56 > last:
                    return True
        self._spins = False
        return False

    def _sleep(self, deadline: float, given_up: Callable[[], bool]) -> bool:
        words, halves, latest, last = self._words, self._halves, self._latest, self._last
        in_main_thread = threading.get_ident() == threading.main_thread().ident
        longest = _SLICE_IN_MAIN_THREAD if in_main_thread else _SLICE
        while True:
            halves[self._sleepers] = 1  # S3
            word = words[latest]  # S4
            if word & LOW_56 > last:
                return True
            if self._closed:
                raise ClosedError(f"the {self.what} is closed")
            if given_up() or halves[self._state] == CLOSED:
                # The last value may have come between the two looks.
                return words[latest] & LOW_56 > last
            rest = deadline - monotonic()
            woken = self._futex.wait(word & 0xFFFFFFFF, rest if rest < longest else longest)  # S5
            # Without this look, S3 would let the writer wake a reader that does not sleep.
            if words[latest] & LOW_56 > last:  # S6
                return True
            if not woken:
                self._check_writer()
                if rest <= longest:
                    return False

    def _check_writer(self) -> None:
        """Raise WriterDiedError if the writer has died, once for each writer."""
        epoch = self._words[self._epoch]
        if epoch != self._reported_epoch and writer_state(self._opened) == "died":
            self._reported_epoch = epoch
            raise WriterDiedError(
                f"the writer of the channel {self._opened.name!r} (process "
                f"{self._halves[self._writer_pid]}) ended without closing it; the last value has "
                f"the number {self._words[self._latest] & LOW_56}; wait again for another writer"
            )

    def close_at_exit(self) -> None:
        """Close the object at the end of the process, unless a thread waits in it.

        That is a daemon thread. It would report ClosedError while the interpreter ends, which can
        crash the interpreter. The locks of the object end with the process.
        """
        if self._is_waiting.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._is_waiting.release()

    def _interrupt(self) -> None:
        # The thread that waits may be about to sleep: wake it until it has answered.
        while not self._is_waiting.acquire(timeout=0.001):
            self._futex.wake()
        self._is_waiting.release()
