"""A picture file that is looked at again and again, for ``write-image --watch``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from ..errors import PyshmError

if TYPE_CHECKING:
    from ..formats.image import ImageData

__all__ = ["Signature", "changes", "pause", "signature"]

Signature: TypeAlias = tuple[int, int, int, int]
"""What changes when a file is written to, or another is put in its place."""

_PAUSE = 0.1  # seconds between two looks
_GRACE = 10  # equal looks after which a file that is no picture has been written to its end


def signature(path: str) -> Signature | None:
    """The file's signature; None while there is none, as for a moment when it is replaced."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def pause() -> bool:
    """Wait until it is time to look again."""
    time.sleep(_PAUSE)
    return True


def changes(
    path: str,
    known: Signature | None,
    read: Callable[[str], ImageData],
    wait: Callable[[], bool] = pause,
) -> Iterator[ImageData | PyshmError | OSError]:
    """Each new state of the file, from ``known`` on: the picture, or why it is none.

    A picture is only given when two looks in a row found the same file and all of it decodes, so
    never one that is half written. What does not decode may still grow; only when it has been the
    same for a while (ten looks) the error is given, once. Looks again whenever ``wait`` returns,
    and ends when that returns False. A file that is missing for the moment is waited for.
    """
    before = known
    equal = 0
    settled = known
    error: PyshmError | OSError | None = None
    while wait():
        now = signature(path)
        if now is None or now == settled:
            before = now
            continue
        if now != before:
            before, equal, error = now, 0, None
            continue
        equal += 1
        if error is None:
            try:
                image = read(path)
                image.check_picture()
            except (PyshmError, OSError) as problem:
                error = problem
            else:
                if signature(path) == now:
                    settled = now
                    yield image
                continue
        if equal >= _GRACE:
            settled = now
            yield error
