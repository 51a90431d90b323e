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
from ..descriptors import Descriptor, obtain
from ..enums import READ_ONLY, FileMode, MemoryMappedFileAccess

assert sys.platform != "win32"  # for type checkers

from . import underway

__all__ = [
    "EXAMINING",
    "FILE_MODE",
    "PRIVATE_PREFIX",
    "check_resources",
    "is_marked",
    "leads_to",
    "mark",
    "open_again",
    "open_file",
    "open_map_file",
    "system_error",
    "unlink_quietly",
]

EXAMINING = os.O_NOFOLLOW | underway.HOLDING  # flags of a descriptor for a look at a map's file
FILE_MODE = 0o600  # of a named map's file
# F_SET_RW_HINT and F_GET_RW_HINT of Linux, and RWH_WRITE_LIFE_EXTREME.
_SET_HINT, _GET_HINT = 1036, 1035
_MARK = (5).to_bytes(8, sys.byteorder)
PRIVATE_PREFIX = ".pyshm-"  # of the private names, which are used where O_TMPFILE does not work
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


def mark(number: int) -> None:
    """Mark a file as that of a map, if the system can (fcntl(2), "File read/write hints")."""
    if sys.platform == "linux":
        try:
            fcntl.fcntl(number, _SET_HINT, _MARK)
        except OSError:
            pass  # the file is then treated like one of another program


def is_marked(number: int) -> bool:
    """Return whether :func:`mark` has marked the file, whatever process called it."""
    if sys.platform != "linux":
        return False
    try:
        return fcntl.fcntl(number, _GET_HINT, bytes(8)) == _MARK
    except OSError:
        return False


def check_resources(error: BaseException) -> None:
    """Raise ``error`` if this process or the system has no descriptor or no memory left.

    Another error can mean that a file or a process is gone or another user's. This one does not.
    """
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        raise error


def open_file(
    path: str, mode: FileMode, access: MemoryMappedFileAccess, created: list[Descriptor]
) -> Descriptor:
    """Open or create the file at ``path``. Also add it to ``created`` if it is new.

    Takes the shared lock that .NET's FileStream takes, so that each program respects the
    exclusive lock of another one. Raises MapIOError if another process has such a lock.
    """
    reading = access in READ_ONLY
    # O_NONBLOCK: opening a FIFO would wait for another process.
    flags = (os.O_RDONLY if reading else os.O_RDWR) | os.O_CLOEXEC | os.O_NONBLOCK
    exclusive = (path,), (flags | os.O_CREAT | os.O_EXCL,), (0o666,)
    try:
        if mode in (FileMode.OPEN, FileMode.TRUNCATE, FileMode.APPEND):
            if reading and os.path.isdir(path):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            file = obtain(os.open, path, flags)
        else:
            try:
                # One call, which an interruption can't divide: the file exists when it is added.
                created.extend(map(Descriptor, map(os.open, *exclusive)))
                file = created[0]
            except FileExistsError:
                if mode is FileMode.CREATE_NEW:
                    raise
                file = obtain(os.open, path, flags | os.O_CREAT, 0o666)
        if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
            raise MapAccessError(f"file {path!r}: is a pipe, which can't be mapped", filename=path)
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if mode is FileMode.CREATE:
            os.ftruncate(file.fileno(), 0)
    except BlockingIOError as error:
        raise MapIOError(
            f"file {path!r} is in use by another process, which does not share it",
            errno=error.errno,
            filename=path,
        ) from error
    except OSError as error:
        if isinstance(error, PyshmError):
            raise
        raise system_error(error, f"file {path!r}") from error
    return file


def open_map_file(path: str, name: str) -> Descriptor:
    """Return a descriptor of the file at ``path``, which the map ``name`` would have.

    Raises MapNotFoundError if there is no file, and MapAccessError if it is not a file that this
    user's programs have made for a map: another user may have put it there.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | EXAMINING
    try:
        file = underway.opened(os.open, path, flags)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise MapNotFoundError(f"no map named {name!r}", filename=path) from error
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV):
            raise _not_trusted(path, name, _NOT_REGULAR) from error
        if isinstance(error, PyshmError):
            raise
        raise system_error(error, f"the file {path} of map {name!r}") from error
    try:
        reason = _why_not_trusted(file, path)
    except OSError as error:
        file.close()
        raise system_error(error, f"examining the file {path} of map {name!r}") from error
    if reason:
        file.close()
        raise _not_trusted(path, name, reason)
    return file


_NOT_REGULAR = "is not a regular file, but a link, a directory or a device"


def _why_not_trusted(file: Descriptor, path: str) -> str:
    """Return why an open file can't be that of a map of this user; "" if it can."""
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        return _NOT_REGULAR
    if found.st_uid != os.geteuid():
        return (
            f"belongs to another user (user ID {found.st_uid}) and is not trusted; run both "
            "programs as the same user"
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode != FILE_MODE:
        return (
            f"has mode {mode:04o}, which is not the mode of a map's file ({FILE_MODE:04o}): other "
            "users may have access to it"
        )
    if found.st_nlink > 1 and not _is_being_created(found, path):
        # Its creator may have removed the private name meanwhile.
        links = os.fstat(file.fileno()).st_nlink
        if links > 1:
            return f"has {links} names (hard links), and another user may have given it this one"
    return ""


def _is_being_created(status: os.stat_result, path: str) -> bool:
    """Return whether the second name of a file is the private one that its creator gives it."""
    if status.st_nlink > 2:
        return False
    try:
        with os.scandir(os.path.dirname(path)) as entries:
            return any(
                entry.name.startswith(PRIVATE_PREFIX)
                and entry.inode() == status.st_ino
                and os.path.samestat(entry.stat(follow_symlinks=False), status)
                for entry in entries
            )
    except OSError as error:
        check_resources(error)
        return False


def _not_trusted(path: str, name: str, reason: str) -> MapAccessError:
    return MapAccessError(
        f"map {name!r}: its file {path} {reason}; it is not opened", filename=path
    )


def open_again(number: int, path: str, more_flags: int = 0) -> Descriptor:
    """Return a descriptor of another open file description of the file of ``number``.

    Raises FileNotFoundError if ``path`` is needed for that and leads to another file.
    """
    # macOS has no /proc, and its /dev/fd duplicates the description instead of opening the file.
    source = f"/proc/self/fd/{number}" if sys.platform == "linux" else path
    second = underway.opened(os.open, source, os.O_RDWR | os.O_CLOEXEC | more_flags)
    if sys.platform != "linux" and not os.path.sameopenfile(second.fileno(), number):
        second.close()
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return second


def leads_to(path: str, file: Descriptor) -> bool:
    """Return whether ``path`` leads to an open file."""
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        there = None
    return there is not None and os.path.samestat(there, os.fstat(file.fileno()))


def unlink_quietly(path: str) -> None:
    """Remove the file at ``path`` if that is possible."""
    try:
        os.unlink(path)
    except OSError:
        pass
