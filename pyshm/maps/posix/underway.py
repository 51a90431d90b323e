"""The files of named maps that threads are just opening or closing, and that no map owns.

A forked child inherits them with the locks of the threads that opened them, but without these
threads. It closes them, because nothing else in it would ever do that.

A signal handler can fork while its own thread is opening or closing a map. The child continues
that, but must not use the locks of its parent, nor remove the file that the parent has created.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from _thread import get_ident
from io import IOBase
from weakref import ref

from ...errors import MapIOError
from ..descriptors import Descriptor, obtain

assert sys.platform != "win32"  # for type checkers

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "HOLDING",
    "begin",
    "close_directory",
    "close_those_of_other_threads",
    "done",
    "forget_other_threads",
    "forked",
    "in_other_threads",
    "is_forked",
    "known_to_this_thread",
    "opened",
    "opened_directory",
    "opening_in_other_threads",
    "separate_those_of_this_thread",
]

# A flag of each descriptor that has or will have a lock. It has no effect on a regular file.
HOLDING = os.O_NONBLOCK
# Each file and its thread; a closed file counts no more. The callback has no Python code, which an
# interruption could hit.
_files: dict[ref[IOBase], int] = {}
_opening: list[int] = []  # threads that may have a descriptor that is not in _files yet
_directories: dict[int, int] = {}  # each descriptor and its thread
_FORKED = 0  # in _files: this thread, but before it forked this process
_forks = 0  # of which this process is a child


def begin(file: IOBase) -> None:
    """Note that this thread is opening or closing the map of ``file``."""
    _files.setdefault(ref(file, _files.pop), get_ident())


def done(file: IOBase) -> bool:
    """Note that the map of ``file`` is open or closed now. Return False if it :func:`is_forked`."""
    return _files.pop(ref(file), None) != _FORKED


def is_forked(file: IOBase) -> bool:
    """Return whether this thread's parent was opening or closing the map of ``file``.

    Then the locks and the name of the file are the parent's.
    """
    return _files.get(ref(file)) == _FORKED


def forked() -> MapIOError:
    """Return the error of a child that was opening a map when it was forked."""
    return MapIOError(
        "a signal handler has forked this process while it was opening the map; open it again",
        errno=errno.EINTR,
    )


def opened(function: Callable[..., int], *arguments: Any) -> Descriptor:
    """Call a function that opens the file of a named map, and note that as :func:`begin` does."""
    thread = get_ident()
    forks = _forks
    try:
        _opening.append(thread)
        file = obtain(function, *arguments)
        begin(file)
    finally:
        if thread in _opening:  # not if an interruption came first
            _opening.remove(thread)
    if forks != _forks:
        file.close()  # the parent has the same open file description
        raise forked()
    return file


def opened_directory(path: str) -> int:
    """Return a new descriptor of a directory, which :func:`close_directory` closes."""
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    _directories[number] = get_ident()
    return number


def close_directory(number: int) -> None:
    """Close the descriptor and end its lock, which a child that is being forked may share."""
    _directories.pop(number, None)
    try:
        fcntl.flock(number, fcntl.LOCK_UN)
    finally:
        os.close(number)


def in_other_threads() -> bool:
    """Return whether another thread is opening or closing a map."""
    return any(_is_other(thread) for _, thread in _open_files())


def known_to_this_thread() -> set[int]:
    """Return the descriptors of the maps that this thread is opening or closing."""
    return {file.fileno() for file, thread in _open_files() if not _is_other(thread)}


def close_those_of_other_threads(is_owned: Callable[[int], bool]) -> None:
    """Close what other threads have opened, except the files that a map owns.

    For a forked child, which does not have these threads.
    """
    for file, thread in _open_files():
        if _is_other(thread) and not is_owned(file.fileno()):
            file.close()
    for number, thread in list(_directories.items()):
        if _is_other(thread):
            del _directories[number]
            os.close(number)


def opening_in_other_threads() -> bool:
    """Return whether another thread may have opened a file that is not noted here.

    Not if this thread may have as well: then nothing shows whose file such a file is.
    """
    return bool(_opening) and all(map(_is_other, _opening))


def forget_other_threads() -> None:
    """Forget the threads of its parent that a forked child does not have."""
    _opening[:] = [thread for thread in _opening if not _is_other(thread)]


def separate_those_of_this_thread(is_owned: Callable[[int], bool]) -> None:
    """Open the files again that this thread is opening or closing, and that no map owns.

    For a forked child. The open file descriptions, and so the locks, are those of its parent.
    """
    global _forks
    _forks += 1
    for file, thread in _open_files():
        number = file.fileno()
        if _is_other(thread) or is_owned(number):
            continue
        _files[ref(file)] = _FORKED  # the key stays, with its callback
        try:
            second = obtain(os.open, f"/proc/self/fd/{number}", os.O_RDWR | os.O_CLOEXEC)
            os.dup2(second.fileno(), number, inheritable=False)
        except OSError:
            file.close()  # it can't be used then, but the parent's locks are safe


def _is_other(thread: int) -> bool:
    return thread not in (get_ident(), _FORKED)


def _open_files() -> list[tuple[IOBase, int]]:
    found = [(reference(), thread) for reference, thread in list(_files.items())]
    return [(file, thread) for file, thread in found if file is not None and not file.closed]
