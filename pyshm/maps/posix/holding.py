"""How a process becomes a holder of a named map, and stops being one (docs/named-maps.md)."""

from __future__ import annotations

import enum
import fcntl
import os
import sys
import time
from contextlib import suppress
from functools import partial

from ...errors import MapAccessError, MapNotFoundError, PyshmError
from ..descriptors import Descriptor

assert sys.platform != "win32"  # for type checkers

from . import processes
from .files import (
    is_marked,
    leads_to,
    open_again,
    open_map_file,
    system_error,
    unlink_quietly,
)
from .locks import transition_lock, try_lock, when_outside
from .underway import HOLDING, forked, is_forked

__all__ = [
    "Finding",
    "become_holder",
    "examine",
    "open_another_holder",
    "release",
    "remove_if_dead",
    "users_of",
]


class Finding(enum.Enum):
    """The state of a file that may be a named map."""

    ALIVE = enum.auto()
    """A process holds it."""
    DEAD = enum.auto()
    """No process holds it."""
    CHANGED = enum.auto()
    """Another process changed it meanwhile; open the file again."""


def become_holder(file: Descriptor, path: str) -> Finding:
    """Take a shared lock on the file if a process holds it; ALIVE means that it was taken."""
    with transition_lock(file, path):
        if not leads_to(path, file):
            return Finding.CHANGED
        if _is_dead(file):
            return Finding.DEAD
        return Finding.ALIVE if try_lock(file, fcntl.LOCK_SH) else Finding.CHANGED


def open_another_holder(number: int, path: str) -> Descriptor:
    """Return a new descriptor of the file of ``number``, with a shared lock of its own."""
    second = open_again(number, path, HOLDING)
    try:
        fcntl.flock(second, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BaseException:
        second.close()
        raise
    return second


def examine(path: str, name: str, timeout: float | None = None) -> tuple[Descriptor, Finding]:
    """Return a descriptor of the file at ``path``, and its state. No lock is kept.

    Raises as open_map_file does, and MapIOError if the file stays locked for ``timeout`` seconds.
    """
    file = open_map_file(path, name)
    try:
        with transition_lock(file, path, timeout):
            if not leads_to(path, file):
                return file, Finding.CHANGED
            return file, Finding.DEAD if _is_dead(file) else Finding.ALIVE
    except BaseException as error:
        file.close()
        if isinstance(error, OSError) and not isinstance(error, PyshmError):
            raise system_error(error, f"examining {path}") from error
        raise


def _is_dead(file: Descriptor) -> bool:
    """Return whether no process holds the file; the caller has the transition lock."""
    if not try_lock(file, fcntl.LOCK_EX):
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def remove_if_dead(path: str, name: str, examined: os.stat_result | None = None) -> bool:
    """Remove the file at ``path`` if no process holds it.

    With ``examined``, only if it is still that file. Return whether the file is gone. Raises
    MapAccessError if a process uses the file without holding it: then it is another program's.
    """
    for pause in (*_PAUSES, None):
        try:
            file = open_map_file(path, name)
        except MapNotFoundError:
            file = None
        if file is None:
            return True
        try:
            gone, users = _remove(file, path, examined)
        except OSError as error:
            if isinstance(error, PyshmError):
                raise
            what = f"removing {path}, which no process holds any more"
            raise system_error(error, what) from error
        finally:
            file.close()
        if not users:
            return gone
        if pause is None:
            raise MapAccessError(
                f"the file {path} has the name of the map {name!r}, but is not replaced: {users} "
                "it without the lock of a map, as Python's multiprocessing.shared_memory does; "
                "use another name",
                filename=path,
            )
        time.sleep(pause)
    raise AssertionError("the last pause is None")


# Before a file that is in use is not replaced: a process that is being killed loses its locks
# first, and its memory a little later.
_PAUSES = (0.001, 0.01, 0.05)


def _remove(file: Descriptor, path: str, examined: os.stat_result | None) -> tuple[bool, str]:
    """Return whether the file is gone, or which processes use it, as words."""
    with transition_lock(file, path):
        if not leads_to(path, file):
            return True, ""
        status = os.fstat(file.fileno())
        if examined is not None and not os.path.samestat(status, examined):
            return False, ""
        if not try_lock(file, fcntl.LOCK_EX):
            return False, ""
        try:
            users = users_of(file, status)
            if users:
                return False, users
            if is_forked(file):
                raise forked()  # the transition lock is the parent's
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass  # a process that does not know this convention removed it
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
        return True, ""


def users_of(file: Descriptor, status: os.stat_result) -> str:
    """Return which processes use a file without locks that is not a map's; "" for none.

    A view of a map, which does not hold it, is not such a use.
    """
    if sys.platform != "linux" or is_marked(file.fileno()):
        return ""
    identity = processes.file_id(status)
    uses = processes.uses({identity}, examining=False)[identity]
    found = [f"{use.pid} ({use.command})" for use in uses]
    if not found:
        return ""
    return f"process {found[0]} uses" if len(found) == 1 else f"processes {', '.join(found)} use"


def release(file: Descriptor, path: str) -> None:
    """Stop being a holder; the last holder removes the file.

    ``file`` stays open, without locks. If this thread has a transition lock, because a finalizer
    or a signal handler runs inside it, this happens directly after it.
    """
    try:
        when_outside(file, partial(_release, file, path))
    except BaseException:
        when_outside(file, partial(_release, file, path, 0.0))  # what the interruption left
        raise


def _release(file: Descriptor, path: str, patience: float | None = None) -> None:
    if file.closed:
        return
    try:
        with transition_lock(file, path, patience):
            try:
                if try_lock(file, fcntl.LOCK_EX) and leads_to(path, file) and not is_forked(file):
                    unlink_quietly(path)
            finally:
                # Closing is not enough: a child that is being forked may share the open file
                # description, and would keep the name.
                fcntl.flock(file, fcntl.LOCK_UN)
    except OSError:
        # The lock can't be had: the file is dead then, and the next creator removes it.
        with suppress(OSError):  # other code has closed the descriptor
            fcntl.flock(file, fcntl.LOCK_UN)
