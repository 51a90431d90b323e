"""Opening of files that must not block, and atomic replacement."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

__all__ = ["open_regular", "open_without_waiting", "read_at_most", "whole_file"]

_PART = 1 << 20  # bytes


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open the regular file at ``path`` for reading. Raises OSError, also for any other file.

    Reading a device may never end.
    """
    file = open_without_waiting(path)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", os.fspath(path))
    return file


def open_without_waiting(path: str | os.PathLike[str]) -> BinaryIO:
    """Open the file at ``path`` for reading. Raises OSError.

    Opening a FIFO as usual would wait for another process. Reading this one does not wait either.
    """
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, os.O_RDONLY | flags)
    except ValueError as error:  # NUL or a lone surrogate, which no path has
        raise OSError(errno.EINVAL, str(error), os.fspath(path)) from None
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a binary file that replaces the one at ``path`` when the block ends.

    It is written under another name in the same folder first. So a process that opens ``path``
    finds the old file or the complete new one; after an error the old file is unchanged. If
    ``path`` is not a regular file (a pipe, /dev/null), it is opened for writing instead. Raises
    OSError whose filename is ``path``.
    """
    if not os.fspath(path) or (os.path.exists(path) and not os.path.isfile(path)):
        with open(path, "wb") as file:
            yield file
        return
    target = os.path.realpath(path)  # so that a link stays a link
    unfinished = f"{target}.{os.urandom(4).hex()}.tmp"
    try:
        with open(unfinished, "xb") as file:
            yield file
        try:
            os.chmod(unfinished, os.stat(target).st_mode & 0o777)
        except FileNotFoundError:
            pass  # a new file keeps the mode that the system gave it
        os.replace(unfinished, target)
    except BaseException as error:
        try:
            os.unlink(unfinished)
        except OSError:
            pass  # it was never created; the error that is raised says why
        if isinstance(error, OSError) and error.filename == unfinished:
            # The caller does not know the other name.
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


def read_at_most(file: BinaryIO, most: int) -> bytes:
    """Return the rest of ``file``, or its next ``most`` + 1 bytes if it is longer.

    It can be a pipe or a device.
    """
    parts: list[bytes] = []
    left = most + 1
    # One read(left) would reserve that much memory.
    while left and (part := file.read(min(_PART, left))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
