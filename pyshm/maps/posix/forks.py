"""What a fork does to the named maps that a process holds.

A forked child shares the open file descriptions of its parent, and with them the locks that
show which process holds a map (docs/named-maps.md). So the file of each held map is opened once
more before the fork, for the child. The child then holds its maps from its first moment on,
whatever the parent does in the meantime.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock
from weakref import WeakSet

assert sys.platform != "win32"  # for type checkers

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Held(Protocol):
        """A map that this process holds."""

        def open_for_child(self) -> int:
            """Return a new descriptor of the map's file, with a lock; -1 if that fails."""

        def after_fork_in_child(self, own: int) -> None:
            """Use the descriptor ``own``; with -1, do not touch the name any more."""

        def close(self) -> None:
            """Release the map."""


__all__ = ["add", "lock", "remove"]


# Taken before a fork and released after it, so that no map is half closed or half open then.
lock = RLock()
_held: WeakSet[Any] = WeakSet()
_forking: list[tuple[Held, int]] = []
_finalized = 0  # the process in which multiprocessing's finalizer was registered; 0: none yet


def add(handle: Held) -> None:
    """Add a map to those that this process holds."""
    with lock:
        _held.add(handle)
    _close_at_the_end_of_a_worker()


def remove(handle: Held) -> None:
    """Remove a map from those that this process holds; the caller has the lock."""
    _held.discard(handle)


def _before() -> None:
    lock.acquire()
    if _held:
        _close_at_the_end_of_a_worker()
    _forking[:] = [(handle, handle.open_for_child()) for handle in list(_held)]


def _after_in_parent() -> None:
    for _, own in _forking:
        if own >= 0:
            os.close(own)
    _forking.clear()
    lock.release()


def _after_in_child() -> None:
    for handle, own in _forking:
        handle.after_fork_in_child(own)
    _forking.clear()
    lock.release()


os.register_at_fork(
    before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
)


def _close_at_the_end_of_a_worker() -> None:
    """Let multiprocessing, if it is in use, close the maps that a worker holds at its end.

    Its forked workers leave through ``os._exit``, which runs only multiprocessing's finalizers.
    """
    global _finalized
    util: Any = sys.modules.get("multiprocessing.util")
    if util is None or _finalized == os.getpid():
        return
    util.Finalize(None, _close_all, exitpriority=0)
    if not _finalized:
        # A worker first removes the finalizers that it inherited. Then it runs this function,
        # which its own workers inherit in turn.
        util.register_after_fork(_marker, _in_worker)
    _finalized = os.getpid()


class _Marker:
    """An object to which multiprocessing can have a weak reference."""


_marker = _Marker()


def _in_worker(_marker: _Marker) -> None:
    _close_at_the_end_of_a_worker()


def _close_all() -> None:
    for handle in list(_held):
        handle.close()
