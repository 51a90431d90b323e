"""A named map's file before it has its name: locked, of the right size, found by no process.

open(2) describes O_TMPFILE; linkat(2) gives such a file its name.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys

from ...errors import MapIOError, PyshmError
from ..enums import MemoryMappedFileOptions

assert sys.platform != "win32"  # for type checkers

from .files import FILE_MODE, system_error, unlink_quietly

__all__ = ["PRIVATE_PREFIX", "make_unnamed", "try_link"]

PRIVATE_PREFIX = ".pyshm-"  # of the private names, which are used where O_TMPFILE does not work
_O_TMPFILE: int = getattr(os, "O_TMPFILE", 0)


def make_unnamed(
    path: str, name: str, capacity: int, options: MemoryMappedFileOptions
) -> tuple[int, str | None]:
    """Create the file of the map ``name``, which is to be linked to ``path``.

    Return its descriptor, and its private name if it has one. Raises MapIOError if the
    directory has not enough room.
    """
    directory = os.path.dirname(path)
    what = f"creating the named map {name!r} with {capacity} bytes in {directory}"
    private: str | None = None
    try:
        descriptor = -1
        if _O_TMPFILE:
            try:
                descriptor = os.open(directory, _O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, FILE_MODE)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                    raise
        if descriptor < 0:
            private = os.path.join(directory, f"{PRIVATE_PREFIX}{os.urandom(12).hex()}")
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(private, flags, FILE_MODE)
    except OSError as error:
        raise system_error(error, what) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.fchmod(descriptor, FILE_MODE)  # the umask may have removed rights
        if options & MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES:
            os.ftruncate(descriptor, capacity)
        else:
            _reserve(descriptor, capacity, what)
    except BaseException as error:
        os.close(descriptor)
        if private is not None:
            unlink_quietly(private)
        if isinstance(error, OSError) and not isinstance(error, PyshmError):
            raise system_error(error, what) from error
        raise
    return descriptor, private


def _reserve(descriptor: int, capacity: int, what: str) -> None:
    """Allocate the file's memory now; without memory, a later write would end in SIGBUS."""
    space = os.fstatvfs(descriptor)
    free = space.f_bavail * space.f_frsize
    # Compared first, because posix_fallocate fills the directory before it fails.
    if capacity <= free or not space.f_blocks:  # a tmpfs without a limit reports no blocks
        try:
            if sys.platform == "darwin":
                os.ftruncate(descriptor, capacity)
            else:
                os.posix_fallocate(descriptor, 0, capacity)
            return
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    raise MapIOError(
        f"{what}: only {free} bytes are free there",
        errno=errno.ENOSPC,
        field="capacity",
        value=capacity,
        limit=free,
    )


def try_link(descriptor: int, private: str | None, path: str) -> bool:
    """Give the file the name ``path``. Return False if that name is taken."""
    try:
        if private is not None:
            os.link(private, path, follow_symlinks=False)
            return True
        # linkat(2) with AT_SYMLINK_FOLLOW names an O_TMPFILE file. CPython calls plain link(2),
        # which does not follow, unless a directory descriptor is given.
        directory = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            source = f"/proc/self/fd/{descriptor}"
            os.link(source, path, src_dir_fd=directory, follow_symlinks=True)
        finally:
            os.close(directory)
    except FileExistsError:
        return False
    return True
