"""A named map's file before it has its name: locked, of the right size, found by no process.

open(2) describes O_TMPFILE; linkat(2) gives such a file its name.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys

from ...errors import MapIOError, PyshmError
from ..descriptors import Descriptor
from ..enums import MemoryMappedFileOptions

assert sys.platform != "win32"  # for type checkers

from .files import FILE_MODE, PRIVATE_PREFIX, leads_to, mark, system_error, unlink_quietly
from .underway import HOLDING, forked, is_forked, opened

__all__ = ["UnnamedFile"]

_O_TMPFILE: int = getattr(os, "O_TMPFILE", 0)
# The bytes that one call allocates. On many kernels, a signal cancels a call for a tmpfs, which
# then begins again: with the timer of a profiler, one for a large file would never end.
_PART = 2 << 20


class UnnamedFile:
    """The file of a map that is to be linked to ``path``."""

    __slots__ = ("_path", "_private", "_process", "_what", "file")

    def __init__(self, path: str, what: str) -> None:
        self.file: Descriptor | None = None  # before make()
        self._path = path
        self._private: str | None = None
        self._process = os.getpid()
        self._what = what

    def make(self, capacity: int, options: MemoryMappedFileOptions) -> Descriptor:
        """Create the file. Raises MapIOError if the directory has not enough room."""
        try:
            self.file = file = self._create()
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            os.fchmod(file.fileno(), FILE_MODE)  # the umask may have removed rights
            mark(file.fileno())
            if options & MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES:
                os.ftruncate(file.fileno(), capacity)
            else:
                self._reserve(file.fileno(), capacity)
            return file
        except OSError as error:
            if isinstance(error, PyshmError):
                raise
            raise system_error(error, self._what) from error

    def _create(self) -> Descriptor:
        directory = os.path.dirname(self._path)
        if _O_TMPFILE:
            try:
                flags = _O_TMPFILE | os.O_RDWR | os.O_CLOEXEC | HOLDING
                return opened(os.open, directory, flags, FILE_MODE)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                    raise
        self._private = os.path.join(directory, f"{PRIVATE_PREFIX}{os.urandom(12).hex()}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC | HOLDING
        return opened(os.open, self._private, flags, FILE_MODE)

    def _reserve(self, number: int, capacity: int) -> None:
        """Allocate the file's memory now; without memory, a later write would end in SIGBUS."""
        space = os.fstatvfs(number)
        free = space.f_bavail * space.f_frsize
        # Compared first, because posix_fallocate fills the directory before it fails.
        if capacity <= free or not space.f_blocks:  # a tmpfs without a limit reports no blocks
            try:
                if sys.platform == "darwin":
                    os.ftruncate(number, capacity)
                else:
                    for start in range(0, capacity, _PART):
                        os.posix_fallocate(number, start, min(_PART, capacity - start))
                return
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        raise MapIOError(
            f"{self._what}: only {free} bytes are free there",
            errno=errno.ENOSPC,
            field="capacity",
            value=capacity,
            limit=free,
        )

    def try_link(self) -> bool:
        """Give the file its name. Return False if that name is taken."""
        assert self.file is not None
        if is_forked(self.file):
            raise forked()  # the file is to be the parent's map
        try:
            if self._private is not None:
                os.link(self._private, self._path, follow_symlinks=False)
                return True
            # linkat(2) with AT_SYMLINK_FOLLOW names an O_TMPFILE file. CPython calls plain
            # link(2), which does not follow, unless a directory descriptor is given. That of an
            # absolute path is not used, so any number will do.
            source = f"/proc/self/fd/{self.file.fileno()}"
            os.link(source, self._path, src_dir_fd=self.file.fileno(), follow_symlinks=True)
        except FileExistsError:
            return leads_to(self._path, self.file)  # a forked child was faster
        return True

    def remove_private_name(self) -> None:
        """Remove the private name, if there is one. It stays the parent's in a forked child."""
        if self._private is not None and self._process == os.getpid():
            unlink_quietly(self._private)
