"""An open map and the memory of a view; maps without a name, and maps of files.

The mapping itself is the standard library's ``mmap``. It gives what a view needs: memory that
stays valid as long as any buffer of it is in use.
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress

from ..._support.closing import NO_BYTES
from ...errors import ClosedError, MapAccessError, MapIOError, PlatformError
from .. import registry
from ..descriptors import Descriptor, obtain
from ..enums import HandleInheritability, MemoryMappedFileAccess, MemoryMappedFileOptions

assert sys.platform != "win32"  # for type checkers

from . import ending, forks, underway
from .files import open_again, system_error
from .holding import open_another_holder, release

__all__ = [
    "EXECUTE",
    "PERMITS",
    "READ",
    "WRITE",
    "MapHandle",
    "ViewMemory",
    "create_anonymous",
    "create_from_descriptor",
]

READ, WRITE, EXECUTE = 1, 2, 4
# What a map permits its views.
PERMITS = {
    MemoryMappedFileAccess.READ_WRITE: READ | WRITE,
    MemoryMappedFileAccess.READ: READ,
    MemoryMappedFileAccess.WRITE: WRITE,
    MemoryMappedFileAccess.COPY_ON_WRITE: READ,
    MemoryMappedFileAccess.READ_EXECUTE: READ | EXECUTE,
    MemoryMappedFileAccess.READ_WRITE_EXECUTE: READ | WRITE | EXECUTE,
}
# The pages are never executable: no program runs code from a map, and in a directory that is
# mounted noexec the kernel would refuse.
_VIEW_ACCESS = {
    MemoryMappedFileAccess.READ_WRITE: mmap.ACCESS_WRITE,
    MemoryMappedFileAccess.READ: mmap.ACCESS_READ,
    MemoryMappedFileAccess.WRITE: mmap.ACCESS_WRITE,
    MemoryMappedFileAccess.COPY_ON_WRITE: mmap.ACCESS_COPY,
    MemoryMappedFileAccess.READ_EXECUTE: mmap.ACCESS_READ,
    MemoryMappedFileAccess.READ_WRITE_EXECUTE: mmap.ACCESS_WRITE,
}


class ViewMemory:
    """The memory of one view. It stays mapped until its last buffer is released."""

    __slots__ = ("_mapping", "_sized", "buffer", "capacity", "pointer_offset")

    buffer: memoryview

    def __init__(
        self, mapping: mmap.mmap | None, pointer_offset: int, capacity: int, *, sized: bool = True
    ) -> None:
        self._mapping = mapping
        self._sized = sized  # a character device has no size that could change
        self.pointer_offset = pointer_offset
        self.capacity = capacity
        # .NET has empty views; mmap(2) has no empty mappings.
        whole = memoryview(bytearray()) if mapping is None else memoryview(mapping)
        self.buffer = whole[pointer_offset : pointer_offset + capacity]

    def flush(self) -> None:
        """Write changed pages to the map's file (msync)."""
        mapping = self._mapping
        if mapping is not None:
            try:
                mapping.flush()
            except OSError as error:
                raise system_error(error, "flushing a view") from error

    def check_backed(self, offset: int) -> None:
        """Raise MapIOError if the file was truncated under the view: an access would be SIGBUS.

        ``offset`` is where the view begins in the file.
        """
        mapping = self._mapping
        if mapping is not None and self._sized:
            try:
                size = mapping.size()
            except OSError as error:
                raise system_error(
                    error, "the descriptor of a view, which other code may have closed"
                ) from error
            if size < offset + self.capacity:
                raise MapIOError(
                    f"the file under this view was truncated to {size} bytes; "
                    f"the view needs {offset + self.capacity}",
                    value=size,
                    limit=offset + self.capacity,
                )

    def release(self) -> None:
        """Drop this object's own buffer, which another thread may still be using."""
        self.buffer = NO_BYTES
        self._mapping = None


class MapHandle:
    """An open map: a descriptor, what it permits, and the path of a named map's file."""

    __slots__ = (
        "__weakref__",
        "_identity",
        "_inheritable",
        "_owned",
        "_permits",
        "_sized",
        "capacity",
        "on_close",
        "path",
    )

    def __init__(
        self,
        file: Descriptor,
        capacity: int,
        permits: int,
        *,
        path: str | None = None,
        status: os.stat_result | None = None,
        inheritable: Descriptor | None = None,
        sized: bool = True,
    ) -> None:
        self._sized = sized
        # One descriptor, or none after close. Of two threads that close, one can take it out.
        self._owned = [file]
        self._identity = _identity(status or os.fstat(file.fileno()))
        self._inheritable = inheritable
        self._permits = permits
        self.on_close: Callable[[], None] | None = None
        self.path = path
        self.capacity = capacity
        registry.add(self)
        if path is not None:
            forks.close_at_the_end_of_a_worker()
            ending.check()
            files = [file] if inheritable is None else [file, inheritable]
            if not all(map(underway.done, files)):
                raise underway.forked()

    def __del__(self) -> None:
        # An error has hit the constructor if there is no list.
        if getattr(self, "_owned", None) or getattr(self, "on_close", None):
            self.close()

    @property
    def number(self) -> int:
        """The descriptor, -1 after close. Of an inheritable named map, the one to inherit."""
        try:
            file = self._inheritable
            if file is None or file.closed:
                file = self._owned[0]
            return file.fileno()
        except (IndexError, ValueError):
            return -1

    def owns(self, number: int) -> bool:
        """Return whether closing the map closes the descriptor ``number``."""
        files = [*self._owned, self._inheritable]
        return any(file is not None and _is(file, number) for file in files)

    def also_own(self, inheritable: Descriptor) -> None:
        """Close the descriptor that a child process inherits with the map."""
        self._inheritable = inheritable

    def map_view(self, offset: int, size: int, access: MemoryMappedFileAccess) -> ViewMemory:
        """Map ``size`` bytes from ``offset``; the caller has checked both against the capacity."""
        file = self._file()
        needed = PERMITS[access]
        if needed & WRITE:
            # As in the Windows kernel, the right to write is enough for a view that also reads.
            needed &= ~READ
        if self._permits & needed != needed:
            raise MapAccessError(
                f"a view with access {access.name} needs a map whose own access includes it",
                field="access",
                value=access,
            )
        if size == 0:
            return ViewMemory(None, 0, 0)
        pointer_offset = offset % mmap.ALLOCATIONGRANULARITY
        try:
            # mmap keeps a duplicate as long as the view exists. That of a named map is an open
            # file description of its own, without a lock: a view keeps the memory, but not the
            # name.
            if self.path is not None:
                file = open_again(file.fileno(), self.path)
            number = file.fileno()
            if _identity(os.fstat(number)) == self._identity:
                mapping = mmap.mmap(
                    number,
                    size + pointer_offset,
                    access=_VIEW_ACCESS[access],
                    offset=offset - pointer_offset,
                )
                return ViewMemory(mapping, pointer_offset, size, sized=self._sized)
        except OSError as error:
            raise system_error(error, f"mapping {size} bytes at {offset}") from error
        except (ValueError, OverflowError) as error:
            # mmap compares with the file's size: the file was truncated after the map was opened.
            raise MapIOError(f"mapping {size} bytes at {offset}: {error}") from error
        finally:
            del file  # the traceback of an error may be kept for long
        raise ClosedError(
            "other code has closed the descriptor of the map, and its number is that of another "
            "file now"
        )

    def _file(self) -> Descriptor:
        """Return the map's file. It can be used as long as there is a reference to it.

        Another thread may close the map meanwhile: that only drops the map's own reference.
        """
        try:
            return self._owned[0]
        except IndexError:
            raise ClosedError("the map is closed") from None

    def close(self) -> None:
        """Release the map; the last holder of a named map removes its file.

        Another call does nothing, or completes a call that was interrupted.
        """
        try:
            if self._owned:
                self._release()
        finally:
            on_close = self.on_close
            if on_close is not None:
                on_close()
                self.on_close = None

    def _release(self) -> None:
        # A call that is interrupted before the descriptor is taken out can be repeated.
        if self._inheritable is not None:
            with suppress(OSError):  # other code has closed it
                self._inheritable.close()
        try:
            if self.path is not None:
                ending.begin(self._owned[0])
            file = self._owned.pop()
        except IndexError:
            return  # another thread closes it
        registry.remove(self)
        if self.path is not None:
            release(file, self.path)
            underway.done(file)

    def open_for_child(self) -> Descriptor | None:
        """Return a new descriptor of the file, with a shared lock; None if that fails."""
        try:
            return open_another_holder(self._file().fileno(), self.path or "")
        except (OSError, ClosedError):
            return None

    def after_fork_in_child(self, own: Descriptor | None) -> None:
        """Use the descriptor ``own``, whose lock is not shared with the parent.

        With None the child has no lock of its own. It may then only close its descriptor; the
        name stays the parent's.
        """
        path = self.path
        if own is None:
            self.path = None
        elif self._owned:
            os.dup2(own.fileno(), self._owned[0].fileno(), inheritable=False)
            own.close()
        elif path is not None:
            # Another thread of the parent closed the map during the fork. If it saw the lock of
            # ``own``, it left the file to the child.
            release(own, path)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is(file: Descriptor, number: int) -> bool:
    try:
        return file.fileno() == number
    except ValueError:
        return False  # it is closed


def create_anonymous(
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,  # noqa: ARG001 - all systems have one interface
    inheritability: HandleInheritability,
) -> MapHandle:
    """Create a map without a name. Pages are allocated when they are used, with any ``options``."""
    try:
        if sys.platform == "linux":
            file = obtain(os.memfd_create, "pyshm", os.MFD_CLOEXEC)
        else:
            import tempfile  # a heavy import, needed only here

            descriptor, path = tempfile.mkstemp(prefix="pyshm-")
            file = Descriptor(descriptor)
            os.unlink(path)
    except OSError as error:
        raise system_error(error, "an anonymous map") from error
    try:
        os.ftruncate(file.fileno(), capacity)
        if inheritability is HandleInheritability.INHERITABLE:
            os.set_inheritable(file.fileno(), True)
    except OSError as error:
        raise system_error(error, f"an anonymous map of {capacity} bytes") from error
    return MapHandle(file, capacity, PERMITS[access])


def create_from_descriptor(
    descriptor: int,
    map_name: str | None,
    capacity: int,
    access: MemoryMappedFileAccess,
    inheritability: HandleInheritability,
    own: Descriptor | None,
) -> MapHandle:
    """Map an open file, which grows to ``capacity`` if it is shorter.

    The map closes the file if it is given as ``own``.
    """
    if map_name is not None:
        raise PlatformError(
            f"a file's map can have a name ({map_name!r}) only on Windows; "
            "let the other program open the same path instead",
            field="map_name",
            value=map_name,
        )
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        sized = not stat.S_ISCHR(status.st_mode)
        if sized and capacity > status.st_size:
            os.ftruncate(descriptor, capacity)
        if own is None:  # the file may be closed before the map, and its number used again
            own = obtain(os.dup, descriptor)
    except OSError as error:
        raise system_error(error, f"mapping a file with {capacity} bytes") from error
    if inheritability is HandleInheritability.INHERITABLE:
        os.set_inheritable(own.fileno(), True)
    return MapHandle(own, capacity, PERMITS[access], status=status, sized=sized)
