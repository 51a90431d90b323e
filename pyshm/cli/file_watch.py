"""Watch a picture file for changes, for ``write-image --watch``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from ..errors import PyshmError

if TYPE_CHECKING:
    from ..formats.image import ImageData

__all__ = ["PAUSE", "Signature", "changes", "signature"]

Signature: TypeAlias = tuple[int, int, int, int]
"""Changes when the file is written or replaced: device, inode, size, time of change."""

PAUSE = 0.1  # seconds between two looks
_GRACE = 10  # equal looks after which a file that does not decode is taken as complete


def signature(path: str) -> Signature | None:
    """Return the file's signature; None if there is no file, as briefly while it is replaced."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def changes(
    path: str,
    known: Signature | None,
    read: Callable[[str], ImageData],
    wait: Callable[[], bool],
) -> Iterator[ImageData | PyshmError | OSError]:
    """Yield each new version of the file after ``known``: the picture, or the error.

    A picture is yielded when two looks in a row found the same file and all of it can be decoded,
    so a file that is half written is never yielded. A file that can't be decoded may still grow:
    the error is yielded once, after ten equal looks. While the file is missing, nothing is yielded.
    ``wait`` returns before each look; the end is when it returns False.
    """
    before = known
    equal = 0
    reported = known
    error: PyshmError | OSError | None = None
    while wait():
        now = signature(path)
        if now is None or now == reported:
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
                    reported = now
                    yield image
                continue
        if equal >= _GRACE:
            reported = now
            yield error
