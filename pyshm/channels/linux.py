"""What Linux does for a channel: sleeping and waking on a word, and locks that end with a process.

futex(2) and fcntl_locking(2) describe the calls. A lock belongs to an open file description of its
own, so each writer and each registered reader opens the map's file once more.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import sys
from math import inf
from typing import TYPE_CHECKING

from ..errors import PlatformError
from .geometry import ENTRY_LOCK, WRITER_LOCK

if sys.platform != "win32":
    from ..maps.posix import underway
    from ..maps.posix.files import open_again, system_error
    from ..maps.posix.record_locks import is_locked, try_lock_byte, unlock_byte

if TYPE_CHECKING:
    from typing import Any

    from ..maps.descriptors import Descriptor

__all__ = ["Futex", "Locks", "check_platform"]

_FUTEX_CALL = {"x86_64": 202, "aarch64": 98}
_FUTEX_WAIT = 0
_FUTEX_WAKE = 1
_EVERY = 2**31 - 1


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_int64))


def check_platform() -> None:
    """Raise PlatformError on a system that has no channels."""
    if sys.platform != "linux" or platform.machine() not in _FUTEX_CALL:
        raise PlatformError(
            f"channels need Linux on x86-64 or ARM64, not {sys.platform} on {platform.machine()}; "
            "use a named map"
        )


def _system_call() -> Any:
    # The arguments are made once: to declare argtypes takes almost a microsecond a call.
    function = ctypes.CDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    return function


# The usual times to sleep, in seconds.
_TIMES = {1.0: ctypes.byref(_TimeSpec(1, 0)), 0.1: ctypes.byref(_TimeSpec(0, 100_000_000))}


class Futex:
    """A 32-bit word of a map on which processes sleep. The mapping lives as long as this object."""

    __slots__ = ("_address", "_call", "_number", "_word")

    def __init__(self, memory: memoryview, offset: int) -> None:
        self._word = ctypes.c_uint32.from_buffer(memory, offset)
        self._address = ctypes.c_void_p(ctypes.addressof(self._word))
        self._call = _system_call()
        self._number = ctypes.c_long(_FUTEX_CALL[platform.machine()])

    def wait(self, value: int, seconds: float = inf) -> bool:
        """Sleep while the word is ``value``, for at most a second or ``seconds``.

        Return False if the time has passed. Any other return, also after a signal, is True.
        """
        limit = _TIMES.get(min(seconds, 1.0)) or ctypes.byref(
            _TimeSpec(0, max(0, int(seconds * 1e9)))
        )
        result = self._call(self._number, self._address, _FUTEX_WAIT, value, limit)
        return result == 0 or ctypes.get_errno() != errno.ETIMEDOUT

    def wake(self, most: int = _EVERY) -> int:
        """Wake processes that sleep on the word. Return how many."""
        return int(self._call(self._number, self._address, _FUTEX_WAKE, most))


class Locks:
    """An open file description of a channel's file, and its locks. They end when it is closed."""

    __slots__ = ("_file", "_locked")

    def __init__(self, number: int) -> None:
        """Open the file of the descriptor ``number`` once more. Raises MapIOError."""
        self._locked: set[int] = set()
        try:
            self._file: Descriptor = open_again(number, "")
        except OSError as error:
            raise system_error(error, "opening the file of a channel") from error

    def owned(self) -> None:
        """Note that the owner of this object closes it in a forked child."""
        underway.done(self._file)

    def try_writer(self) -> bool:
        """Become the writer. Return False if another one is alive."""
        return self._try(WRITER_LOCK)

    def has_writer(self) -> bool:
        """Return whether a writer is alive that is not the owner of this object."""
        return is_locked(self._file, WRITER_LOCK)

    def try_entry(self, entry: int) -> bool:
        """Become the owner of a reader entry. Return False if another owner is alive."""
        return self._try(ENTRY_LOCK + entry)

    def leave_entry(self, entry: int) -> None:
        """Give a reader entry back."""
        unlock_byte(self._file, ENTRY_LOCK + entry)
        self._locked.discard(ENTRY_LOCK + entry)

    def has_owner(self, entry: int) -> bool:
        """Return whether a reader entry has an owner other than this object's."""
        return is_locked(self._file, ENTRY_LOCK + entry)

    def close(self) -> None:
        """Release the locks. Another call does nothing."""
        # A child that another thread is starting shares the open file description until its exec.
        # To close the descriptor would not end the locks before that.
        while self._locked and not self._file.closed:
            unlock_byte(self._file, self._locked.pop())
        self._file.close()

    def close_in_child(self) -> None:
        """Close the descriptor in a forked child. The locks stay the parent's."""
        self._file.close()

    def _try(self, byte: int) -> bool:
        self._locked.add(byte)
        if try_lock_byte(self._file, byte):
            return True
        self._locked.discard(byte)
        return False
