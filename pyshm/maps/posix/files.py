"""Opening files safely, and the pyshm error of a system call that fails.

open(2) and symlink(7) describe the flags.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys

from ...errors import MapAccessError, MapExistsError, MapIOError, MapNotFoundError, PyshmError
from ..enums import READ_ONLY, FileMode, MemoryMappedFileAccess

assert sys.platform != "win32"  # for type checkers

__all__ = [
    "FILE_MODE",
    "leads_to",
    "open_again",
    "open_file",
    "open_map_file",
    "system_error",
    "unlink_quietly",
]

FILE_MODE = 0o600  # of a named map's file
_KINDS: dict[int, type[MapAccessError | MapExistsError | MapNotFoundError]] = {
    errno.EACCES: MapAccessError,
    errno.EPERM: MapAccessError,
    errno.EROFS: MapAccessError,
    errno.EISDIR: MapAccessError,
    errno.EEXIST: MapExistsError,
    errno.ENOENT: MapNotFoundError,
    errno.ENOTDIR: MapNotFoundError,
}


def system_error(error: OSError, what: str) -> PyshmError:
    """Return the pyshm error for a failed system call; ``what`` begins its message."""
    number = error.errno or errno.EIO
    return _KINDS.get(number, MapIOError)(
        f"{what}: {os.strerror(number)}", errno=number, filename=error.filename
    )


def open_file(path: str, mode: FileMode, access: MemoryMappedFileAccess) -> tuple[int, bool]:
    """Open or create the file at ``path``. Return its descriptor and whether it was created.

    Takes the shared lock that .NET's FileStream takes, so that each program respects the
    exclusive lock of another one. Raises MapIOError if another process has such a lock.
    """
    reading = access in READ_ONLY
    # O_NONBLOCK: opening a FIFO would wait for another process.
    flags = (os.O_RDONLY if reading else os.O_RDWR) | os.O_CLOEXEC | os.O_NONBLOCK
    created = False
    try:
        if mode in (FileMode.OPEN, FileMode.TRUNCATE, FileMode.APPEND):
            descriptor = os.open(path, flags)
        elif mode is FileMode.CREATE_NEW:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            created = True
        else:
            try:
                descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
                created = True
            except FileExistsError:
                descriptor = os.open(path, flags | os.O_CREAT, 0o666)
    except OSError as error:
        raise system_error(error, f"file {path!r}") from error
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind) or stat.S_ISFIFO(kind):
            what = "directory" if stat.S_ISDIR(kind) else "pipe, which can't be mapped"
            raise MapAccessError(f"file {path!r}: is a {what}", filename=path)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if mode is FileMode.CREATE:
            os.ftruncate(descriptor, 0)
    except PyshmError:
        os.close(descriptor)
        raise
    except OSError as error:
        os.close(descriptor)
        if error.errno == errno.EWOULDBLOCK:
            raise MapIOError(
                f"file {path!r} is in use by another process, which does not share it",
                errno=error.errno,
                filename=path,
            ) from error
        raise system_error(error, f"file {path!r}") from error
    return descriptor, created


def open_map_file(path: str, name: str) -> int:
    """Return a descriptor of the file at ``path``, which the map ``name`` would have.

    Raises MapNotFoundError if there is no file, and MapAccessError if it is not a regular file
    or belongs to another user, who may have put it there to read the map's content.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise MapNotFoundError(f"no map named {name!r}", filename=path) from error
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV):
            raise _not_regular(path, name) from error
        raise system_error(error, f"the file {path} of map {name!r}") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise _not_regular(path, name)
    if found.st_uid != os.geteuid():
        os.close(descriptor)
        raise MapAccessError(
            f"map {name!r}: its file {path} belongs to another user (user ID {found.st_uid}) "
            "and is not trusted; run both programs as the same user",
            filename=path,
        )
    return descriptor


def _not_regular(path: str, name: str) -> MapAccessError:
    return MapAccessError(
        f"map {name!r}: {path} is not a regular file, but a link, a directory or a device; "
        "it is not opened",
        filename=path,
    )


def open_again(descriptor: int, path: str) -> int:
    """Return a descriptor of another open file description of the same file.

    Raises FileNotFoundError if ``path`` is needed for that and leads to another file.
    """
    # macOS has no /proc, and its /dev/fd duplicates the description instead of opening the file.
    source = f"/proc/self/fd/{descriptor}" if sys.platform == "linux" else path
    second = os.open(source, os.O_RDWR | os.O_CLOEXEC)
    try:
        if not os.path.samestat(os.fstat(second), os.fstat(descriptor)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    except BaseException:
        os.close(second)
        raise
    return second


def leads_to(path: str, descriptor: int) -> bool:
    """Return whether ``path`` is the file of ``descriptor``."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def unlink_quietly(path: str) -> None:
    """Remove the file at ``path`` if that is possible."""
    try:
        os.unlink(path)
    except OSError:
        pass
