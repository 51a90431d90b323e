"""The files of named maps that threads are just opening or closing, and that no map owns.

A forked child inherits them with the locks of the threads that opened them, but without these
threads. It closes them, because nothing else in it would ever do that.
"""

from __future__ import annotations

import fcntl
import os
import sys
from _thread import get_ident
from io import IOBase
from weakref import ref

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
    "in_other_threads",
    "known_to_this_thread",
    "opened",
    "opened_directory",
]

# A flag of each descriptor that has or will have a lock. It has no effect on a regular file.
HOLDING = os.O_NONBLOCK
# Each file and its thread; a closed file counts no more. The callback has no Python code, which an
# interruption could hit.
_files: dict[ref[IOBase], int] = {}
_opening: list[int] = []  # threads that may have a descriptor that is not in _files yet
_directories: dict[int, int] = {}  # each descriptor and its thread


def begin(file: IOBase) -> None:
    """Note that this thread is opening or closing the map of ``file``."""
    _files[ref(file, _files.pop)] = get_ident()


def done(file: IOBase) -> None:
    """Note that the map of ``file`` is open or closed now."""
    _files.pop(ref(file), None)


def opened(function: Callable[..., int], *arguments: Any) -> Descriptor:
    """Call a function that opens the file of a named map, and note that as :func:`begin` does."""
    thread = get_ident()
    _opening.append(thread)
    try:
        file = obtain(function, *arguments)
        begin(file)
    finally:
        _opening.remove(thread)
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
    own = get_ident()
    return any(thread != own for _, thread in _open_files())


def known_to_this_thread() -> set[int]:
    """Return the descriptors of the maps that this thread is opening or closing."""
    own = get_ident()
    return {file.fileno() for file, thread in _open_files() if thread == own}


def close_those_of_other_threads(is_owned: Callable[[int], bool]) -> bool:
    """Close what other threads have opened, except the files that a map owns.

    For a forked child, which does not have these threads. Return whether one of them may have
    opened a file that is not noted here.
    """
    own = get_ident()
    for file, thread in _open_files():
        if thread != own and not is_owned(file.fileno()):
            file.close()
    for number, thread in list(_directories.items()):
        if thread != own:
            del _directories[number]
            os.close(number)
    unknown = any(thread != own for thread in _opening)
    _opening.clear()
    return unknown


def _open_files() -> list[tuple[IOBase, int]]:
    found = [(reference(), thread) for reference, thread in list(_files.items())]
    return [(file, thread) for file, thread in found if file is not None and not file.closed]
