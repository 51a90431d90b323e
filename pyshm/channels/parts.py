"""The base of the objects that use a channel: its writers, readers and viewers.

Each is for one thread at a time. Only ``close`` can be called by any thread.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakSet

from .._support.closing import Closing
from .._support.live import refuse_copy
from ..errors import ClosedError
from .geometry import (
    CLOSED,
    EPOCH,
    LATEST_WORD,
    OPEN,
    PINNERS,
    SLEEPERS,
    STATE,
    WRITER_PID,
    WRITER_WAITS,
)
from .words import ClosedWords

if TYPE_CHECKING:
    from typing import NoReturn, TypeAlias

    from .linux import Locks
    from .opened import Opened

    WriterState: TypeAlias = Literal["none", "alive", "died", "closed"]

__all__ = ["Part", "writer_state"]

_parts: WeakSet[Part] = WeakSet()
_at_exit = False
_worker = 0  # the process in which multiprocessing's finalizer was registered


def writer_state(opened: Opened) -> WriterState:
    """Return what is known of the writer: none yet, alive, died without closing, or closed."""
    words, halves = opened.words, opened.halves
    epoch_at, state_at = (opened.header + EPOCH) // 8, (opened.header + STATE) // 4
    while True:
        epoch, state = words[epoch_at], halves[state_at]
        if state != OPEN:
            return "closed" if state == CLOSED else "none"
        if opened.probe.has_writer():
            return "alive"
        # A writer that closed meanwhile has stored that before it released its lock; one that
        # began meanwhile has stored its epoch, or has the lock.
        if halves[state_at] == OPEN and words[epoch_at] == epoch:
            return "died"


class Part(Closing):
    """An object that uses the map of a channel. After ``close`` every use raises ClosedError."""

    what = "part of the channel"

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self.channel: object = None
        """The channel, which exists as long as one of its parts."""
        self._locks: Locks | None = None
        self._closed = False
        self._closing = Lock()
        self._words = opened.words
        self._halves = opened.halves
        self._fence = opened.fence
        self._slots = opened.slots
        self._tails = opened.tails
        header = opened.header
        self._latest = (header + LATEST_WORD) // 8
        self._epoch = (header + EPOCH) // 8
        self._sleepers = (header + SLEEPERS) // 4
        self._pinners = (header + PINNERS) // 4
        self._state = (header + STATE) // 4
        self._writer_pid = (header + WRITER_PID) // 4
        self._writer_waits = (header + WRITER_WAITS) // 4
        geometry = opened.geometry
        self._stamps = [geometry.descriptor_at(slot) // 8 for slot in range(geometry.slots)]
        self._register()

    def _register(self) -> None:
        """Let the object be closed at the end of the process, and in a forked child."""
        _register(self)

    def _owned_locks(self) -> Locks:
        """Return an open file description of this object's own, for its lock."""
        self._locks = self._opened.open_locks()
        self._locks.owned()
        return self._locks

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    @property
    def writer_state(self) -> WriterState:
        """What is known of the writer: "none" yet, "alive", "died" without closing, "closed"."""
        self._check_open()
        return writer_state(self._opened)

    def close(self) -> None:
        """Release what the object holds. Another call does nothing."""
        # Of two threads that close, one goes on.
        if self._closed or not self._closing.acquire(blocking=False):
            return
        self._closed = True
        try:
            self._interrupt()
            self._release()
        finally:
            self._end(f"the {self.what} is closed")

    def close_at_exit(self) -> None:
        """Close the object at the end of the process."""
        self.close()

    def _interrupt(self) -> None:
        """Wake a thread that waits in this object, so that it gets ClosedError."""

    def _release(self) -> None:
        """Undo in the channel what the object has done there."""

    def _end(self, reason: str) -> None:
        self._closed = True
        # An access after this raises the error. So an access before it costs no check.
        self._words = self._halves = ClosedWords(partial(ClosedError, reason))
        if self._locks is not None:
            self._locks.close()

    def after_fork_in_child(self) -> None:
        """End the object in a forked child."""
        if self._locks is not None:
            self._locks.close_in_child()
        self._end(f"the {self.what} belongs to the process that forked this one; open another")

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"the {self.what} is closed")

    def __del__(self) -> None:
        if getattr(self, "_closed", True) is False:
            with suppress(Exception):
                self.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy(f"a {self.what}", "let the other process open the channel by its name")


def _register(part: Part) -> None:
    global _at_exit, _worker
    _parts.add(part)
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None and _worker != os.getpid():
        # Forked workers of multiprocessing leave through os._exit, after these finalizers only.
        # The maps are closed with priority 0, after this.
        util.Finalize(None, _close_all, exitpriority=1)
        _worker = os.getpid()
    if not _at_exit:
        _at_exit = True
        atexit.register(_close_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_forked)


def _close_all() -> None:
    """Close what a program has left open, so that the others see a writer that closed."""
    for part in list(_parts):
        with suppress(Exception):
            part.close_at_exit()


def _forked() -> None:
    for part in list(_parts):
        part.after_fork_in_child()
