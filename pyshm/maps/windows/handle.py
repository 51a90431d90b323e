"""An open map and the memory of a view; maps without a name, and inherited ones."""

from __future__ import annotations

import errno
import mmap
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from ..._support.closing import NO_BYTES
from ...errors import ArgumentOutOfRangeError, ClosedError, MapIOError
from .. import registry
from ..enums import (
    READ_ONLY,
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
)

assert sys.platform == "win32"  # for type checkers

from .kernel import (
    ACCESS_DENIED,
    INVALID_HANDLE,
    LOCK_VIOLATION,
    MAP_READ,
    PAGE_READONLY,
    PAGES,
    TIMEOUT,
    VIEWS,
    KernelHandle,
    check_addressable,
    create_section,
    halves,
    last_error,
    system_error,
    windows,
)

__all__ = ["MapHandle", "ViewMemory", "adopt", "create_anonymous"]

_MEM_COMMIT, _MEM_RESERVE = 0x1000, 0x2000


class _ReadOnly:
    """Exports a buffer but hides it: a memoryview's ``obj`` is the object that it was made from."""

    __slots__ = ("_buffer",)

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer

    def __buffer__(self, flags: int) -> memoryview:
        return self._buffer


def _read_only(buffer: memoryview) -> memoryview:
    buffer = buffer.toreadonly()
    return memoryview(_ReadOnly(buffer)) if sys.version_info >= (3, 12) else buffer


class ViewMemory:
    """The memory of one view. It stays mapped until its last buffer is released."""

    __slots__ = ("_address", "buffer", "capacity", "pointer_offset")

    def __init__(self, address: Any, pointer_offset: int, capacity: int, *, writable: bool) -> None:
        # The cffi pointer unmaps when it is collected, and every buffer refers to it.
        self._address = address
        self.pointer_offset = pointer_offset
        self.capacity = capacity
        whole = memoryview(windows()[0].buffer(address, pointer_offset + capacity))
        part = whole[pointer_offset:]
        # A write to the pages of a read-only view would be an access violation.
        self.buffer = part if writable else _read_only(part)

    def flush(self) -> None:
        """Write changed pages to the map's file, as far as .NET's Flush does.

        That is FlushViewOfFile without FlushFileBuffers: it does not wait for the disk's own
        cache. NTFS may fail with a lock violation for a moment; that is retried, as in .NET.
        """
        address = self._address
        if not self.capacity or address is None:
            return  # 0 would mean "all"; there is no address after release()
        kernel = windows()[1]
        deadline = time.monotonic() + TIMEOUT
        pause = 0.001
        while not kernel.FlushViewOfFile(address, self.pointer_offset + self.capacity):
            code = last_error()
            if code != LOCK_VIOLATION or time.monotonic() > deadline:
                raise system_error(code, f"flushing a view of {self.capacity} bytes")
            time.sleep(pause)
            pause = min(pause * 2, 0.5)

    def check_backed(self, offset: int) -> None:
        """Do nothing: Windows does not truncate a file while it is mapped.

        Under Wine a native program can do it all the same; this process can't detect that.
        """

    def release(self) -> None:
        """Drop this object's own buffer, which another thread may still be using."""
        self.buffer = NO_BYTES
        self._address = None


class MapHandle:
    """An open map: the kernel's handle, and the file to close with it."""

    __slots__ = ("__weakref__", "_owned", "capacity", "on_close")

    def __init__(self, handle: KernelHandle) -> None:
        # One handle, or none after close. Of two threads that close, one can take it out.
        self._owned = [handle]
        self.on_close: Callable[[], None] | None = None
        # Only the kernel knows it. It counts in whole pages, and checks every view itself.
        self.capacity = -1
        registry.add(self)

    def __del__(self) -> None:
        # An error has hit the constructor if there is no list.
        if getattr(self, "_owned", None) or getattr(self, "on_close", None):
            self.close()

    @property
    def number(self) -> int:
        """The kernel's handle; -1 after close."""
        try:
            return self._owned[0].number
        except IndexError:
            return INVALID_HANDLE

    def owns(self, number: int) -> bool:
        """Return whether closing the map closes the handle ``number``."""
        return self.number == number

    def map_view(self, offset: int, size: int, access: MemoryMappedFileAccess) -> ViewMemory:
        """Map ``size`` bytes from ``offset``; size 0 means all bytes up to the end.

        A view begins at a multiple of the allocation granularity. The bytes between that
        address and ``offset`` are mapped as well.
        """
        pointer_offset = offset % mmap.ALLOCATIONGRANULARITY
        length = size + pointer_offset if size else 0
        check_addressable("size", length)
        _check_virtual_memory(length)
        try:
            handle = self._owned[0]  # another thread may close the map: this one keeps the handle
        except IndexError:
            raise ClosedError("the map is closed") from None
        try:
            return _view(handle.number, offset - pointer_offset, length, pointer_offset, access)
        finally:
            del handle  # the traceback of an error may be kept for long

    def close(self) -> None:
        """Release the map; its name disappears with the last handle. Another call does nothing."""
        try:
            if self._owned:
                registry.remove(self)
                self._owned.clear()
        finally:
            if self.on_close is not None:
                self.on_close()
                self.on_close = None


def _view(
    handle: int, start: int, length: int, pointer_offset: int, access: MemoryMappedFileAccess
) -> ViewMemory:
    address = _map(handle, start, length, access)
    try:
        mapped = _commit(handle, address, start, length, access)
        capacity = (length or mapped) - pointer_offset
        if capacity < 0:
            raise ArgumentOutOfRangeError(
                f"offset {start + pointer_offset} is beyond the map's last page, which ends at "
                f"{start + mapped}",
                field="offset",
                value=start + pointer_offset,
                limit=start + mapped,
            )
        writable = access not in READ_ONLY
        return ViewMemory(address, pointer_offset, capacity, writable=writable)
    except BaseException:
        # At once: the traceback refers to the pointer, and may be kept for long.
        windows()[0].release(address)
        raise


def _map(handle: int, start: int, length: int, access: MemoryMappedFileAccess) -> Any:
    """Return the pointer to a new view, which unmaps the view when it is collected."""
    ffi, kernel = windows()
    pointer = kernel.MapViewOfFile(handle, VIEWS[access], *halves(start), length)
    if pointer == ffi.NULL:
        extent = f"{length} bytes" if length else "everything"
        raise system_error(
            last_error(),
            f"mapping {extent} from {start} on for {access.name} "
            "(is the map that large, and does it permit that access?)",
        )
    return ffi.gc(pointer, kernel.UnmapViewOfFile)


def _commit(
    handle: int, address: Any, start: int, length: int, access: MemoryMappedFileAccess
) -> int:
    """Give the view's pages their memory if they have none yet. Return the view's size.

    Pages have no memory in a map with DELAY_ALLOCATE_PAGES. Touching such a page would crash
    the process, so a failure is an error here; .NET does not check.
    """
    found, reserved = _query(address)
    if not reserved and found >= length:
        return found
    if access is MemoryMappedFileAccess.COPY_ON_WRITE:
        # VirtualAlloc does not take PAGE_WRITECOPY. But the pages belong to the map, not to
        # the view, so a view for reading can be used instead.
        ffi = windows()[0]
        reading = _map(handle, start, length, MemoryMappedFileAccess.READ)
        try:
            _allocate(reading, length or found, PAGE_READONLY)
        finally:
            ffi.release(reading)
    else:
        _allocate(address, length or found, PAGES[access])
    return _query(address)[0]


def create_anonymous(
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Create a map without a name, in the system's page file."""
    check_addressable("capacity", capacity)
    what = f"creating an anonymous map of {capacity} bytes"
    protection = PAGES[access] | options
    handle, _ = create_section(INVALID_HANDLE, None, capacity, protection, inheritability, what)
    return MapHandle(handle)


def adopt(handle: int) -> MapHandle:
    """Return the map of an inherited handle.

    Raises MapIOError if it is not the handle of a map, or if an open map owns it already, and
    leaves it open.
    """
    ffi, kernel = windows()
    claim = registry.Claim(handle, "handle")
    try:
        # The kernel checks the kind of object first, and the handle's rights after that.
        pointer = kernel.MapViewOfFile(handle, MAP_READ, 0, 0, 1)
        if pointer != ffi.NULL:
            kernel.UnmapViewOfFile(pointer)
        elif (code := last_error()) != ACCESS_DENIED:
            what = f"handle {handle} is not an inherited map"
            raise system_error(code, what, field="handle", value=handle)
        return MapHandle(KernelHandle(handle))
    finally:
        claim.end()  # the traceback of an error would keep it


def _query(address: Any) -> tuple[int, bool]:
    """Return the size of the region at ``address``, and whether it is only reserved.

    All bytes of a region have the same state and protection.

    https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualquery
    """
    ffi, kernel = windows()
    region = ffi.new("MEMORY_BASIC_INFORMATION_ *")
    if not kernel.VirtualQuery(address, region, ffi.sizeof(region[0])):
        raise system_error(last_error(), "querying the size of a view")
    return region.RegionSize, bool(region.State & _MEM_RESERVE)


def _allocate(address: Any, length: int, protection: int) -> None:
    ffi, kernel = windows()
    if kernel.VirtualAlloc(address, length, _MEM_COMMIT, protection) == ffi.NULL:
        raise system_error(last_error(), f"allocating the {length} bytes of a view")


@cache
def _address_space() -> int:
    """Return how many bytes this process can map in all."""
    ffi, kernel = windows()
    status = ffi.new("MEMORYSTATUSEX_ *")
    status.dwLength = ffi.sizeof(status[0])
    kernel.GlobalMemoryStatusEx(status)
    total: int = status.ullTotalVirtual
    return total


def _check_virtual_memory(length: int) -> None:
    """Raise MapIOError for a view that no process could map; the kernel's error would mislead."""
    if length >= _address_space():
        raise MapIOError(
            f"a view of {length} bytes is larger than the address space of {_address_space()}",
            errno=errno.ENOMEM,
            field="size",
            value=length,
            limit=_address_space(),
        )
