"""What the end of the interpreter does to the named maps that its threads open and close.

Daemon threads run until the interpreter has ended, and are then stopped between any two
instructions. So the last function that the interpreter calls closes every map, waits for the
threads that are just opening or closing one, and lets no other thread open another.
"""

from __future__ import annotations

import atexit
import errno
import sys
import time
from _thread import get_ident
from io import IOBase
from weakref import ref

from ...errors import MapIOError
from .. import registry

assert sys.platform != "win32"  # for type checkers

__all__ = ["begin", "check", "done", "forget_other_threads"]

_PATIENCE = 1.0  # seconds
# The files of maps that are being opened or closed. A file that is closed has ended with that.
_moving: dict[int, ref[IOBase]] = {}
_registered = False
_ending = 0  # the thread that ends the interpreter


def begin(file: IOBase) -> None:
    """Note that this thread is opening or closing the map of ``file``.

    Raises MapIOError in a thread that outlives the interpreter.
    """
    global _registered
    _moving[id(file)] = ref(file)
    if not _registered:
        _registered = True
        atexit.register(_end)


def done(file: IOBase) -> None:
    """Note that the map of ``file`` is open or closed now."""
    _moving.pop(id(file), None)


def check() -> None:
    """Raise MapIOError in a thread that could not close a map any more."""
    if _ending and _ending != get_ident():
        raise MapIOError(
            "the interpreter is ending; this thread can't open a map any more",
            errno=errno.ESHUTDOWN,
        )


def forget_other_threads() -> None:
    """Forget what other threads are doing: a forked child does not have them."""
    _moving.clear()


def _end() -> None:
    global _ending
    _ending = get_ident()
    registry.close_all()  # what other threads have opened since it was called
    deadline = time.monotonic() + _PATIENCE
    while any(_is_open(reference) for reference in list(_moving.values())):
        if time.monotonic() > deadline:
            break
        time.sleep(0.0005)


def _is_open(reference: ref[IOBase]) -> bool:
    file = reference()
    return file is not None and not file.closed
