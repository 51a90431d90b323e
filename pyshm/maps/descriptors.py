"""A file descriptor with an owner, which is closed exactly once.

Threads share descriptors: one maps a view while another one closes the map. A number alone could
then be closed, and mean another file, before it is used. So each descriptor belongs to an object,
and is closed with the last reference to it. A thread that has a reference can use the number.

The functions here also leave no gap between the system call and its owner. A signal handler, and
so KeyboardInterrupt, runs between two instructions of Python code, but not inside a chain of
``map`` objects, which are implemented in C.
"""

from __future__ import annotations

from io import FileIO
from itertools import starmap

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Descriptor", "obtain"]


class Descriptor(FileIO):
    """An open descriptor. It is closed by ``close``, or with the last reference to it."""

    __slots__ = ()

    # FileIO also does this, but with a ResourceWarning.
    __del__ = FileIO.close


def obtain(function: Callable[..., int], *arguments: Any) -> Descriptor:
    """Call a function that returns a new descriptor, such as ``os.open``. Return its owner.

    It must not be the descriptor of a directory.
    """
    [owner] = map(Descriptor, starmap(function, (arguments,)))
    return owner
