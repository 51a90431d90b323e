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

from ...errors import MapIOError
from .. import registry

assert sys.platform != "win32"  # for type checkers

from . import underway

__all__ = ["begin", "check"]

_PATIENCE = 1.0  # seconds
_registered = False
_ending = 0  # the thread that ends the interpreter


def begin(file: IOBase) -> None:
    """Note that this thread is opening or closing the map of ``file``."""
    global _registered
    underway.begin(file)
    if not _registered:
        _registered = True
        atexit.register(_end)


def check() -> None:
    """Raise MapIOError in a thread that could not close a map any more."""
    if _ending and _ending != get_ident():
        raise MapIOError(
            "the interpreter is ending; this thread can't open a map any more",
            errno=errno.ESHUTDOWN,
        )


def _end() -> None:
    global _ending
    _ending = get_ident()
    registry.close_all()  # what other threads have opened since it was called
    deadline = time.monotonic() + _PATIENCE
    while underway.in_other_threads():
        if time.monotonic() > deadline:
            break
        time.sleep(0.0005)
