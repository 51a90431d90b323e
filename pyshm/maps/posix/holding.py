"""How a process becomes a holder of a named map, and stops being one (docs/named-maps.md)."""

from __future__ import annotations

import enum
import fcntl
import os
import sys

from ...errors import MapNotFoundError, PyshmError

assert sys.platform != "win32"  # for type checkers

from .files import leads_to, open_again, open_map_file, system_error, unlink_quietly
from .locks import transition_lock, try_lock

__all__ = [
    "Finding",
    "become_holder",
    "examine",
    "open_another_holder",
    "release",
    "remove_if_dead",
]


class Finding(enum.Enum):
    """The state of a file that may be a named map."""

    ALIVE = enum.auto()
    """A process holds it."""
    DEAD = enum.auto()
    """No process holds it."""
    CHANGED = enum.auto()
    """Another process changed it meanwhile; open the file again."""


def become_holder(descriptor: int, path: str) -> Finding:
    """Take a shared lock on the file if a process holds it; ALIVE means that it was taken."""
    with transition_lock(descriptor, path):
        if not leads_to(path, descriptor):
            return Finding.CHANGED
        if _is_dead(descriptor):
            return Finding.DEAD
        return Finding.ALIVE if try_lock(descriptor, fcntl.LOCK_SH) else Finding.CHANGED


def open_another_holder(descriptor: int, path: str) -> int:
    """Return a new descriptor of the same file, with a shared lock of its own."""
    second = open_again(descriptor, path)
    try:
        fcntl.flock(second, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BaseException:
        os.close(second)
        raise
    return second


def examine(path: str, name: str, timeout: float | None = None) -> tuple[int, Finding]:
    """Return a descriptor of the file at ``path``, and its state. No lock is kept.

    Raises as open_map_file does, and MapIOError if the file stays locked for ``timeout`` seconds.
    """
    descriptor = open_map_file(path, name)
    try:
        with transition_lock(descriptor, path, timeout):
            if not leads_to(path, descriptor):
                return descriptor, Finding.CHANGED
            return descriptor, Finding.DEAD if _is_dead(descriptor) else Finding.ALIVE
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError) and not isinstance(error, PyshmError):
            raise system_error(error, f"examining {path}") from error
        raise


def _is_dead(descriptor: int) -> bool:
    """Return whether no process holds the file; the caller has the transition lock."""
    if not try_lock(descriptor, fcntl.LOCK_EX):
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


def remove_if_dead(path: str, name: str, examined: os.stat_result | None = None) -> bool:
    """Remove the file at ``path`` if no process holds it.

    With ``examined``, only if it is still that file. Return whether the file is gone.
    """
    try:
        descriptor = open_map_file(path, name)
    except MapNotFoundError:
        return True
    try:
        with transition_lock(descriptor, path):
            if not leads_to(path, descriptor):
                return True
            if examined is not None and not os.path.samestat(os.fstat(descriptor), examined):
                return False
            if not try_lock(descriptor, fcntl.LOCK_EX):
                return False
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass  # a process that does not know this convention removed it
            return True
    except OSError as error:
        if isinstance(error, PyshmError):
            raise
        raise system_error(error, f"removing {path}, which no process holds any more") from error
    finally:
        os.close(descriptor)


def release(descriptor: int, path: str) -> None:
    """Stop being a holder; the last holder removes the file.

    ``descriptor`` stays open, without locks.
    """
    try:
        with transition_lock(descriptor, path):
            if try_lock(descriptor, fcntl.LOCK_EX) and leads_to(path, descriptor):
                unlink_quietly(path)
    except OSError:
        pass  # the lock can't be had: the file is dead then, and the next creator removes it
    finally:
        # Closing is not enough: a child that is being forked may share the open file
        # description, and would keep the name.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
