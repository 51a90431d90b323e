"""Write locks on single bytes of a file, which belong to an open file description (Linux).

fcntl_locking(2) describes them. A named map uses byte 0 (docs/named-maps.md), a channel the bytes
from 1 on (docs/channels.md, "Locks").
"""

from __future__ import annotations

import fcntl
import os
import struct
from functools import cache
from io import IOBase

__all__ = ["is_locked", "try_lock_byte", "unlock_byte"]

# struct flock: l_type, l_whence, l_start, l_len, l_pid (0 for these locks)
_FLOCK = struct.Struct("hhqqi4x")


@cache
def _request(kind: int, byte: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, byte, 1, 0)


def try_lock_byte(file: IOBase, byte: int) -> bool:
    """Take the lock without waiting. Return whether it was taken."""
    return _set(file, fcntl.F_WRLCK, byte)


def unlock_byte(file: IOBase, byte: int) -> None:
    """Release the lock. Nothing happens if ``file`` does not have it."""
    _set(file, fcntl.F_UNLCK, byte)


def is_locked(file: IOBase | int, byte: int) -> bool:
    """Return whether another open file description has the lock."""
    found = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _request(fcntl.F_WRLCK, byte))
    return bool(_FLOCK.unpack(found)[0] != fcntl.F_UNLCK)


def _set(file: IOBase, kind: int, byte: int) -> bool:
    taken = True
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _request(kind, byte))
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as the system likes
        taken = False
    return taken
