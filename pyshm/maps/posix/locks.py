"""The two locks of a named map's file, and waiting that ends (docs/named-maps.md, "Who holds it").

flock(2) and fcntl_locking(2) describe the calls.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import time
from _thread import _local
from collections import deque
from collections.abc import Callable, Iterator
from io import IOBase
from weakref import ref

from ...errors import MapIOError

assert sys.platform != "win32"  # for type checkers

from . import underway
from .record_locks import try_lock_byte, unlock_byte

__all__ = ["TIMEOUT", "attempts", "forget_postponed", "transition_lock", "try_lock", "when_outside"]

TIMEOUT = 10.0  # seconds; docs/named-maps.md


class _Own(_local):
    """What one thread has: for each path, the file through which it has the transition lock."""

    def __init__(self) -> None:
        # Weak references: a thread that was interrupted has lost the file, and with it the lock.
        self.inside: dict[str, ref[IOBase]] = {}

    def file(self, path: str) -> IOBase | None:
        """Return the file through which this thread has the lock of ``path``."""
        reference = self.inside.get(path)
        file = None if reference is None else reference()
        return None if file is None or file.closed else file

    def has_any(self, but: IOBase | None = None) -> bool:
        """Return whether this thread has a transition lock, not counting one through ``but``."""
        files = [self.file(path) for path in list(self.inside)]
        return any(file is not None and file is not but for file in files)


_own = _Own()
_BYTE = 0  # the byte whose lock is the transition lock
_postponed: deque[Callable[[], object]] = deque()


def attempts(what: str, timeout: float | None = None) -> Iterator[None]:
    """Yield with longer and longer pauses, then raise MapIOError after ``TIMEOUT`` seconds.

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


def try_lock(file: IOBase, operation: int) -> bool:
    """Take a flock without waiting. Return whether it was taken.

    If not, a lock that ``file`` had before may be lost.
    """
    taken = True
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        taken = False
    return taken


def when_outside(file: IOBase, action: Callable[[], object]) -> None:
    """Call ``action``, or let this thread call it as soon as it has no other file's lock any more.

    A finalizer or a signal handler may run while its own thread has such a lock. It must not wait
    for that lock.
    """
    if _own.has_any(but=file):
        _postponed.append(action)
    else:
        action()


def _call_postponed() -> None:
    actions = []
    try:
        while True:
            actions.append(_postponed.popleft())
    except IndexError:
        pass  # another thread may take them as well
    for action in actions:
        action()


def forget_postponed() -> None:
    """Forget what is to be done after a lock is released: a forked child does not have that lock.

    A file that belongs only to this is closed. Its parent does the rest.
    """
    _postponed.clear()


class transition_lock:  # noqa: N801 - used as a function in a with statement
    """Hold the lock under which a named map's file changes its state.

    Raises MapIOError if it can't be had for ``timeout`` seconds (the default is
    ``TIMEOUT``), or at once if this thread has
    it already: then a signal handler or a finalizer interrupts the code that has it.
    """

    __slots__ = ("_directory", "_file", "_key", "_path", "_timeout")

    def __init__(self, file: IOBase, path: str, timeout: float | None = None) -> None:
        self._file = file
        self._path = path
        self._timeout = timeout
        self._directory = -1
        # Linux has a lock for each file, other systems one for each directory.
        self._key = path if sys.platform == "linux" else os.path.dirname(path)

    def __enter__(self) -> None:
        if _own.file(self._key) not in (None, self._file):
            raise MapIOError(
                f"{self._path} is being opened or closed by this very thread, which a signal "
                "handler or a finalizer has interrupted; use the map after that has returned",
                errno=errno.EDEADLK,
                filename=self._path,
            )
        try:
            _own.inside[self._key] = ref(self._file)
            if not self._try():
                what = f"waiting for the transition lock of {self._path}"
                for _ in attempts(what, self._timeout):
                    if self._try():
                        break
        except BaseException:
            self._end()
            raise

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        try:
            self._leave()
        except BaseException:  # an interruption
            self._leave()
            raise
        finally:
            if _postponed and not _own.has_any():
                _call_postponed()

    def _try(self) -> bool:
        if sys.platform == "linux":
            return try_lock_byte(self._file, _BYTE)
        # Other systems have no record locks that belong to an open file description. The
        # directory is one that the user chose for named maps, so no other program locks it.
        if self._directory < 0:
            self._directory = underway.opened_directory(self._key)
        try:
            fcntl.flock(self._directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _leave(self) -> None:
        if sys.platform == "linux":
            if not self._file.closed:
                unlock_byte(self._file, _BYTE)
        elif self._directory >= 0:
            directory, self._directory = self._directory, -1
            underway.close_directory(directory)
        _own.inside.pop(self._key, None)
