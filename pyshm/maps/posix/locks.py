"""The two locks of a named map's file, and waiting that ends (docs/named-maps.md, "Who holds it").

flock(2) and fcntl_locking(2) describe the calls.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import MapIOError

assert sys.platform != "win32"  # for type checkers

__all__ = ["TIMEOUT", "attempts", "transition_lock", "try_lock"]

TIMEOUT = 10.0  # seconds; docs/named-maps.md


def attempts(what: str, timeout: float | None = None) -> Iterator[None]:
    """Yield with longer and longer pauses, then raise MapIOError after ``timeout`` seconds.

    The default is ``TIMEOUT``. ``what`` begins the error's message.
    """
    timeout = TIMEOUT if timeout is None else timeout
    deadline = time.monotonic() + timeout
    pause = 0.00002
    while True:
        yield
        if time.monotonic() > deadline:
            raise MapIOError(
                f"{what}: its state kept changing, or was locked, for {timeout:.0f} seconds",
                errno=errno.EBUSY,
            )
        time.sleep(pause)
        pause = min(pause * 2, 0.005)


def try_lock(descriptor: int, operation: int) -> bool:
    """Take a flock without waiting. Return whether it was taken.

    If not, a lock that ``descriptor`` had before may be lost.
    """
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def transition_lock(descriptor: int, path: str, timeout: float | None = None) -> Iterator[None]:
    """Hold the lock under which a named map's file changes its state.

    Raises MapIOError after ``timeout`` seconds; the default is ``TIMEOUT``.
    """
    if sys.platform == "linux":
        for _ in attempts(f"waiting for the transition lock of {path}", timeout):
            if _try_record_lock(descriptor, fcntl.F_WRLCK):
                break
        try:
            yield
        finally:
            _try_record_lock(descriptor, fcntl.F_UNLCK)
    else:
        # Other systems have no record locks that belong to an open file description. The
        # directory is one that the user chose for named maps, so no other program locks it.
        directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            for _ in attempts(f"waiting for the transition lock of {path}", timeout):
                if try_lock(directory, fcntl.LOCK_EX):
                    break
            yield
        finally:
            os.close(directory)


def _try_record_lock(descriptor: int, kind: int) -> bool:
    # struct flock: l_type, l_whence, l_start, l_len, l_pid (0 for these locks)
    request = struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 1, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, request)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
