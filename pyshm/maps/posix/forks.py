"""What a fork does to the named maps that a process holds.

A forked child shares its parent's open file descriptions, and with them the locks that say who
holds a map (docs/named-maps.md). So each held map's file is opened once more before the fork, for
the child: it holds its maps from its first moment on, whatever the parent does in the meantime.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock
from typing import Any, Protocol
from weakref import WeakSet

assert sys.platform != "win32"  # tells type checkers, too

__all__ = ["Held", "hold", "let_go", "lock"]


class Held(Protocol):
    """A map that its process holds."""

    def second_description(self) -> int:
        """The map's file opened once more, with a lock of its own; -1 where that fails."""

    def after_fork_in_child(self, own: int) -> None:
        """Use ``own`` from now on, or do without a name where it is -1."""

    def close(self) -> None:
        """Let go of the map."""


# Held from before a fork until after it, so that no map is closed or opened halfway through.
lock = RLock()
_held: WeakSet[Any] = WeakSet()
_forking: list[tuple[Held, int]] = []
_finalized = 0  # the process that multiprocessing's finalizer was registered in; 0: none yet


def hold(handle: Held) -> None:
    """Remember a map that is held."""
    with lock:
        _held.add(handle)
    _close_at_the_end_of_a_worker()


def let_go(handle: Held) -> None:
    """Forget it; the caller has the lock."""
    _held.discard(handle)


def _before() -> None:
    lock.acquire()
    if _held:
        _close_at_the_end_of_a_worker()
    _forking[:] = [(handle, handle.second_description()) for handle in list(_held)]


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
    """Have multiprocessing, if it is used, close the maps that a worker still holds at its end.

    Its forked workers leave by ``os._exit``, which runs no finalizer but multiprocessing's own.
    """
    global _finalized
    util: Any = sys.modules.get("multiprocessing.util")
    if util is None or _finalized == os.getpid():
        return
    util.Finalize(None, _close_all, exitpriority=0)
    if not _finalized:
        # A worker begins by clearing the finalizers that it inherited, and then runs this, which
        # its own workers inherit in turn.
        util.register_after_fork(_forking_marker, _in_worker)
    _finalized = os.getpid()


class _Marker:
    """Something that multiprocessing can hold weakly."""


_forking_marker = _Marker()


def _in_worker(_marker: _Marker) -> None:
    _close_at_the_end_of_a_worker()


def _close_all() -> None:
    for handle in list(_held):
        handle.close()
