"""What a fork does to the named maps that a process holds.

A forked child shares the open file descriptions of its parent, and with them the locks that
show which process holds a map (docs/named-maps.md). So the file of each held map is opened once
more before the fork, for the child. The child then holds its maps from its first moment on,
whatever the parent does in the meantime. It holds no map that a thread of its parent was just
opening or closing.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from _thread import _local
from functools import partial

from .. import registry

assert sys.platform != "win32"  # for type checkers

from . import locks, underway
from .files import PRIVATE_PREFIX, is_marked

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ..descriptors import Descriptor

__all__ = ["close_at_the_end_of_a_worker"]


class _Forking(_local):
    """Of a thread that is forking: its maps, and the files that were opened for the child."""

    maps: Sequence[tuple[Any, Descriptor | None]] = ()


_forking = _Forking()
_finalized = 0  # the process in which multiprocessing's finalizer was registered; 0: none yet


def _held() -> list[Any]:
    return [handle for handle in registry.handles() if handle.path is not None]


def _before() -> None:
    held = _held()
    if held:
        close_at_the_end_of_a_worker()
    _forking.maps = [(handle, handle.open_for_child()) for handle in held]


# Closes the files. A signal that arrives during the fork interrupts the first Python code after
# it, and the files would keep the names alive; this has none.
_after_in_parent = partial(setattr, _forking, "maps", ())


def _after_in_child() -> None:
    try:
        _use_own_descriptors()
    except BaseException:  # an interruption; a shared lock would show that the parent ended
        _use_own_descriptors()
        raise


def _use_own_descriptors() -> None:
    forking, _forking.maps = _forking.maps, ()
    # What other threads were opening or closing has locks that are shared with the parent. They
    # would stay until this process ends.
    locks.forget_postponed()
    underway.close_those_of_other_threads(_is_owned)
    prepared = {id(handle) for handle, _ in forking}
    for handle, own in forking:
        handle.after_fork_in_child(own)
    for handle in _held():
        if id(handle) not in prepared:  # another thread opened it during the fork
            handle.after_fork_in_child(handle.open_for_child())
    underway.separate_those_of_this_thread(_is_owned)
    if underway.opening_in_other_threads() and sys.platform == "linux":
        _close_unknown_files()
    underway.forget_other_threads()


def _close_unknown_files() -> None:
    """Close what other threads of the parent have opened and not noted yet."""
    own = underway.known_to_this_thread()
    for number in _descriptors():
        if number not in own and _may_have_a_lock(number) and not _is_owned(number):
            os.close(number)


def _descriptors() -> Iterable[int]:
    try:
        return map(int, os.listdir("/proc/self/fd"))
    except OSError as error:
        # If no descriptor is left to look with, all below the limit are in use.
        return range(os.sysconf("SC_OPEN_MAX") if error.errno == errno.EMFILE else 0)


def _is_owned(number: int) -> bool:
    return any(handle.owns(number) for handle in registry.handles())


def _may_have_a_lock(number: int) -> bool:
    """Return whether a descriptor is one that pyshm opens in order to lock the file of a map."""
    try:
        status = os.fstat(number)
        flags = fcntl.fcntl(number, fcntl.F_GETFL)
        inheritable = os.get_inheritable(number)
    except OSError:
        return False  # it was that of the list
    if inheritable or not flags & underway.HOLDING or not stat.S_ISREG(status.st_mode):
        return False
    # It is marked before it has a size. Until then it has no name, or a private one.
    return is_marked(number) or (
        not status.st_size and (not status.st_nlink or _has_private_name(number))
    )


def _has_private_name(number: int) -> bool:
    path = os.readlink(f"/proc/self/fd/{number}")
    return os.path.basename(path).startswith(PRIVATE_PREFIX)


os.register_at_fork(
    before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
)


def close_at_the_end_of_a_worker() -> None:
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
    close_at_the_end_of_a_worker()


def _close_all() -> None:
    for handle in _held():
        handle.close()
