"""An open map and the memory of a view; maps without a name, and maps of files.

The mapping itself is the standard library's ``mmap``. It gives what a view needs: memory that
stays valid as long as any buffer of it is in use.
"""

from __future__ import annotations

import mmap
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...errors import ClosedError, MapAccessError, MapIOError, PlatformError
from ..enums import HandleInheritability, MemoryMappedFileAccess, MemoryMappedFileOptions

assert sys.platform != "win32"  # for type checkers

from . import forks
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
        if self._mapping is not None:
            self._mapping.flush()

    def check_backed(self, offset: int) -> None:
        """Raise MapIOError if the file was truncated under the view: an access would be SIGBUS.

        ``offset`` is where the view begins in the file.
        """
        if self._mapping is not None and self._sized:
            size = self._mapping.size()
            if size < offset + self.capacity:
                raise MapIOError(
                    f"the file under this view was truncated to {size} bytes; "
                    f"the view needs {offset + self.capacity}",
                    value=size,
                    limit=offset + self.capacity,
                )

    def release(self) -> None:
        """Release this object's own buffer."""
        self.buffer.release()
        self._mapping = None


class MapHandle:
    """An open map: a descriptor, what it permits, and the path of a named map's file."""

    __slots__ = (
        "__weakref__",
        "_descriptor",
        "_inheritable",
        "_on_close",
        "_path",
        "_permits",
        "_sized",
        "capacity",
    )

    def __init__(
        self,
        descriptor: int,
        capacity: int,
        permits: int,
        *,
        path: str | None = None,
        inheritable: int = -1,
        on_close: Callable[[], None] | None = None,
        sized: bool = True,
    ) -> None:
        self._sized = sized
        self._descriptor = descriptor
        self._inheritable = inheritable
        self._permits = permits
        self._path = path
        self._on_close = on_close
        self.capacity = capacity
        if path is not None:
            forks.add(self)

    @property
    def number(self) -> int:
        """The descriptor, -1 after close. Of an inheritable named map, the one to inherit."""
        return self._inheritable if self._inheritable >= 0 else self._descriptor

    def map_view(self, offset: int, size: int, access: MemoryMappedFileAccess) -> ViewMemory:
        """Map ``size`` bytes from ``offset``; the caller has checked both against the capacity."""
        if self._descriptor < 0:
            raise ClosedError("the map is closed")
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
            with self._unlocked() as descriptor:
                mapping = mmap.mmap(
                    descriptor,
                    size + pointer_offset,
                    access=_VIEW_ACCESS[access],
                    offset=offset - pointer_offset,
                )
        except OSError as error:
            raise system_error(error, f"mapping {size} bytes at {offset}") from error
        except (ValueError, OverflowError) as error:
            # mmap compares with the file's size: the file was truncated after the map was opened.
            raise MapIOError(f"mapping {size} bytes at {offset}: {error}") from error
        return ViewMemory(mapping, pointer_offset, size, sized=self._sized)

    @contextmanager
    def _unlocked(self) -> Iterator[int]:
        """Yield a descriptor to map. mmap keeps a duplicate of it as long as the view exists.

        For a named map it is an open file description of its own, without a lock: a view keeps
        the memory, but not the name.
        """
        descriptor = self._descriptor
        if descriptor < 0:
            raise ClosedError("the map is closed")
        if self._path is None:
            yield descriptor
            return
        unlocked = open_again(descriptor, self._path)
        try:
            yield unlocked
        finally:
            os.close(unlocked)

    def close(self) -> None:
        """Release the map; the last holder of a named map removes its file.

        Another call does nothing.
        """
        if self.abandon() and self._on_close is not None:
            self._on_close()

    def abandon(self) -> bool:
        """Release the map, but do not close the file that it was made from.

        Return whether the map was open.
        """
        with forks.lock:
            descriptor, self._descriptor = self._descriptor, -1
            forks.remove(self)
        if descriptor < 0:
            return False
        inheritable, self._inheritable = self._inheritable, -1
        if inheritable >= 0:
            os.close(inheritable)
        if self._path is not None:
            release(descriptor, self._path)
        os.close(descriptor)
        return True

    def open_for_child(self) -> int:
        """Return a new descriptor of the file, with a shared lock; -1 if that fails."""
        try:
            return open_another_holder(self._descriptor, self._path or "")
        except OSError:
            return -1

    def after_fork_in_child(self, own: int) -> None:
        """Use the descriptor ``own``, whose lock is not shared with the parent.

        With -1 the child has no lock of its own. It may then only close its descriptor; the
        name stays the parent's.
        """
        if own >= 0:
            os.dup2(own, self._descriptor, inheritable=False)
            os.close(own)
        else:
            self._path = None


def create_anonymous(
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,  # noqa: ARG001 - all systems have one interface
    inheritability: HandleInheritability,
) -> MapHandle:
    """Create a map without a name. Pages are allocated when they are used, with any ``options``."""
    try:
        if sys.platform == "linux":
            descriptor = os.memfd_create("pyshm", os.MFD_CLOEXEC)
        else:
            import tempfile  # a heavy import, needed only here

            descriptor, path = tempfile.mkstemp(prefix="pyshm-")
            os.unlink(path)
    except OSError as error:
        raise system_error(error, "an anonymous map") from error
    try:
        os.ftruncate(descriptor, capacity)
        os.set_inheritable(descriptor, inheritability is HandleInheritability.INHERITABLE)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError):
            raise system_error(error, f"an anonymous map of {capacity} bytes") from error
        raise
    return MapHandle(descriptor, capacity, PERMITS[access])


def create_from_descriptor(
    descriptor: int,
    map_name: str | None,
    capacity: int,
    access: MemoryMappedFileAccess,
    inheritability: HandleInheritability,
    on_close: Callable[[], None],
) -> MapHandle:
    """Map an open file, which grows to ``capacity`` if it is shorter. ``on_close`` closes it."""
    if map_name is not None:
        raise PlatformError(
            f"a file's map can have a name ({map_name!r}) only on Windows; "
            "let the other program open the same path instead",
            field="map_name",
            value=map_name,
        )
    try:
        status = os.fstat(descriptor)
        sized = not stat.S_ISCHR(status.st_mode)
        if sized and capacity > status.st_size:
            os.ftruncate(descriptor, capacity)
        # The map's own: the file may be closed before the map, and its number used again.
        own = os.dup(descriptor)
    except OSError as error:
        raise system_error(error, f"mapping a file with {capacity} bytes") from error
    if inheritability is HandleInheritability.INHERITABLE:
        os.set_inheritable(own, True)
    return MapHandle(own, capacity, PERMITS[access], on_close=on_close, sized=sized)
