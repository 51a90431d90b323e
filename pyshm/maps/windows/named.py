"""The Windows kernel's own mappings, called through cffi as .NET calls them.

CreateFileMapping, OpenFileMapping, MapViewOfFile and their kin are described at
https://learn.microsoft.com/windows/win32/api/memoryapi/, names at
https://learn.microsoft.com/windows/win32/memory/creating-named-shared-memory. Which of them
.NET calls, with which flags and after which error, is MemoryMappedFile.Windows.cs and
MemoryMappedView.Windows.cs in https://github.com/dotnet/runtime.

The standard library's ``mmap`` can't stand in: it creates a named map where it should open one,
and does not tell which of the two it did.
"""

from __future__ import annotations

import errno
import mmap
import msvcrt
import os
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from ...errors import (
    ArgumentError,
    ArgumentOutOfRangeError,
    MapAccessError,
    MapExistsError,
    MapIOError,
    MapNotFoundError,
    PyshmError,
)
from ..enums import (
    FileMode,
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)

# For type checkers: what follows exists on Windows only.
assert sys.platform == "win32"

__all__ = [
    "MapHandle",
    "ViewMemory",
    "create_anonymous",
    "create_from_descriptor",
    "create_named",
    "create_or_open_named",
    "open_file",
    "open_named",
]

# Handles are declared as the integers that they are; cffi then needs no casts for them.
_DECLARATIONS = """
typedef struct {
    uint32_t nLength;
    void *lpSecurityDescriptor;
    int bInheritHandle;
} SECURITY_ATTRIBUTES_;

typedef struct {
    void *BaseAddress;
    void *AllocationBase;
    uint32_t AllocationProtect;
    size_t RegionSize;
    uint32_t State;
    uint32_t Protect;
    uint32_t Type;
} MEMORY_BASIC_INFORMATION_;

typedef struct {
    uint32_t dwLength;
    uint32_t dwMemoryLoad;
    uint64_t ullTotalPhys;
    uint64_t ullAvailPhys;
    uint64_t ullTotalPageFile;
    uint64_t ullAvailPageFile;
    uint64_t ullTotalVirtual;
    uint64_t ullAvailVirtual;
    uint64_t ullAvailExtendedVirtual;
} MEMORYSTATUSEX_;

int __stdcall CloseHandle(intptr_t);
intptr_t __stdcall CreateFileW(
    const wchar_t *, uint32_t, uint32_t, SECURITY_ATTRIBUTES_ *, uint32_t, uint32_t, intptr_t);
intptr_t __stdcall CreateFileMappingW(
    intptr_t, SECURITY_ATTRIBUTES_ *, uint32_t, uint32_t, uint32_t, const wchar_t *);
intptr_t __stdcall OpenFileMappingW(uint32_t, int, const wchar_t *);
void * __stdcall MapViewOfFile(intptr_t, uint32_t, uint32_t, uint32_t, size_t);
int __stdcall UnmapViewOfFile(const void *);
int __stdcall FlushViewOfFile(const void *, size_t);
size_t __stdcall VirtualQuery(const void *, MEMORY_BASIC_INFORMATION_ *, size_t);
void * __stdcall VirtualAlloc(void *, size_t, uint32_t, uint32_t);
int __stdcall GlobalMemoryStatusEx(MEMORYSTATUSEX_ *);
"""

_INVALID_HANDLE = -1
_PATIENCE = 10.0  # seconds; docs/named-maps.md
_SIZE_MAX = 2 * sys.maxsize + 1
_LONG_PATH = 260  # MAX_PATH: from there on a path needs the prefix that lifts the limit

_PAGE_READONLY = 0x02
_PAGE_READWRITE = 0x04
_PAGES = {
    MemoryMappedFileAccess.READ_WRITE: _PAGE_READWRITE,
    MemoryMappedFileAccess.READ: _PAGE_READONLY,
    MemoryMappedFileAccess.WRITE: _PAGE_READWRITE,  # a view's pages; no map is created so
    MemoryMappedFileAccess.COPY_ON_WRITE: 0x08,  # PAGE_WRITECOPY
    MemoryMappedFileAccess.READ_EXECUTE: 0x20,  # PAGE_EXECUTE_READ
    MemoryMappedFileAccess.READ_WRITE_EXECUTE: 0x40,  # PAGE_EXECUTE_READWRITE
}
_MAP_COPY, _MAP_WRITE, _MAP_READ, _MAP_EXECUTE = 0x01, 0x02, 0x04, 0x20
_VIEWS = {
    MemoryMappedFileAccess.READ_WRITE: _MAP_READ | _MAP_WRITE,
    MemoryMappedFileAccess.READ: _MAP_READ,
    MemoryMappedFileAccess.WRITE: _MAP_WRITE,
    MemoryMappedFileAccess.COPY_ON_WRITE: _MAP_COPY,
    MemoryMappedFileAccess.READ_EXECUTE: _MAP_READ | _MAP_EXECUTE,
    MemoryMappedFileAccess.READ_WRITE_EXECUTE: _MAP_READ | _MAP_WRITE | _MAP_EXECUTE,
}
_READ_ONLY = (MemoryMappedFileAccess.READ, MemoryMappedFileAccess.READ_EXECUTE)
_MEM_COMMIT, _MEM_RESERVE = 0x1000, 0x2000

_GENERIC_READ, _GENERIC_WRITE = 0x80000000, 0x40000000
_FILE_SHARE_READ = 0x01
# With level 0, anonymous: whoever turns out to be behind a path never acts as this process.
_SECURITY_SQOS_PRESENT = 0x00100000
_DISPOSITIONS = {  # CREATE_NEW, CREATE_ALWAYS, OPEN_EXISTING, OPEN_ALWAYS
    FileMode.CREATE_NEW: 1,
    FileMode.CREATE: 2,
    FileMode.OPEN: 3,
    FileMode.OPEN_OR_CREATE: 4,
}

_FILE_NOT_FOUND = 2
_ACCESS_DENIED = 5
_INVALID_HANDLE_ERROR = 6
_LOCK_VIOLATION = 33
_ALREADY_EXISTS = 183
_Kind = type[MapAccessError | MapExistsError | MapIOError | MapNotFoundError]
_KINDS: dict[int, _Kind] = {
    _FILE_NOT_FOUND: MapNotFoundError,
    3: MapNotFoundError,  # ERROR_PATH_NOT_FOUND
    5: MapAccessError,  # ERROR_ACCESS_DENIED
    80: MapExistsError,  # ERROR_FILE_EXISTS
    _ALREADY_EXISTS: MapExistsError,
}
# Where CPython's own translation knows nothing better than EINVAL.
_ERRNOS = {
    206: errno.ENAMETOOLONG,  # ERROR_FILENAME_EXCED_RANGE
    1224: errno.EBUSY,  # ERROR_USER_MAPPED_FILE
    1450: errno.ENOMEM,  # ERROR_NO_SYSTEM_RESOURCES
    1455: errno.ENOMEM,  # ERROR_COMMITMENT_LIMIT
}


@cache
def _windows() -> tuple[Any, Any]:
    """Cffi's FFI object and kernel32.dll. Loaded by the first map, not by ``import pyshm``."""
    from cffi import FFI

    ffi = FFI()
    ffi.cdef(_DECLARATIONS)
    return ffi, ffi.dlopen("kernel32.dll")


def _last_error() -> int:
    """GetLastError of this thread's latest call; cffi keeps it from other code's calls."""
    code: int = _windows()[0].getwinerror()[0]
    return code


def _error(code: int, what: str, **details: Any) -> PyshmError:
    """The pyshm error for a Win32 error code; ``what`` begins the sentence.

    https://learn.microsoft.com/windows/win32/debug/system-error-codes
    """
    text = _windows()[0].getwinerror(code)[1]
    number = _ERRNOS.get(code) or OSError(0, text, None, code).errno
    return _KINDS.get(code, MapIOError)(f"{what}: {text}", errno=number, winerror=code, **details)


def _name_error(code: int, what: str, name: str | None) -> PyshmError:
    """As ``_error``, for a call whose only handle, if any, is known to be good."""
    if name is None:
        return _error(code, what)
    if code == _INVALID_HANDLE_ERROR:
        what += " (the name belongs to another kind of object, such as an event or a mutex)"
    return _error(code, what, field="map_name", value=name)


def _halves(number: int) -> tuple[int, int]:
    """The high and the low 32 bits, in the order of the API's parameters."""
    return number >> 32, number & 0xFFFFFFFF


def _check_addressable(field: str, value: int) -> None:
    if value > _SIZE_MAX:
        raise ArgumentOutOfRangeError(
            f"{field} {value} is more than this 32-bit process can address",
            field=field,
            value=value,
            limit=_SIZE_MAX,
        )


class _ReadOnly:
    """Exports a buffer without showing it: a memoryview's ``obj`` is what it was made from."""

    __slots__ = ("_buffer",)

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer

    def __buffer__(self, flags: int) -> memoryview:
        return self._buffer


def _read_only(buffer: memoryview) -> memoryview:
    buffer = buffer.toreadonly()
    return memoryview(_ReadOnly(buffer)) if sys.version_info >= (3, 12) else buffer


class ViewMemory:
    """The memory of one view. It stays mapped until the last buffer of it is let go of."""

    __slots__ = ("_address", "buffer", "capacity", "pointer_offset")

    def __init__(self, address: Any, pointer_offset: int, capacity: int, *, writable: bool) -> None:
        # The cffi pointer unmaps when it is collected, and every buffer refers to it.
        self._address = address
        self.pointer_offset = pointer_offset
        self.capacity = capacity
        whole = memoryview(_windows()[0].buffer(address, pointer_offset + capacity))
        part = whole[pointer_offset:]
        # The pages of a read-only view would answer a write with an access violation.
        self.buffer = part if writable else _read_only(part)

    def flush(self) -> None:
        """Write changed pages to the file behind the map, as far as .NET's Flush does.

        That is FlushViewOfFile without FlushFileBuffers: the disk's own cache is not waited
        for. NTFS may refuse with a lock violation for a moment; that is retried, as in .NET.
        """
        if not self.capacity:
            return  # 0 would mean "all"
        kernel = _windows()[1]
        deadline = time.monotonic() + _PATIENCE
        pause = 0.001
        while not kernel.FlushViewOfFile(self._address, self.pointer_offset + self.capacity):
            code = _last_error()
            if code != _LOCK_VIOLATION or time.monotonic() > deadline:
                raise _error(code, f"flushing a view of {self.capacity} bytes")
            time.sleep(pause)
            pause = min(pause * 2, 0.5)

    def check_backed(self, offset: int) -> None:
        """Nothing to do: Windows refuses to truncate a file while it is mapped.

        Under Wine a native program can do it all the same, which can't be seen from here.
        """

    def release(self) -> None:
        """Let go of this object's own buffer."""
        self.buffer.release()
        self._address = None


class MapHandle:
    """An open map: the kernel's handle, and the file to close with it."""

    __slots__ = ("_handle", "_on_close", "capacity")

    def __init__(self, handle: int, on_close: Callable[[], None] | None = None) -> None:
        self._handle = handle
        self._on_close = on_close
        # Whatever it was created with: the kernel counts in pages, and judges every view.
        self.capacity = -1

    def fileno(self) -> int:
        """The kernel's handle; -1 when closed."""
        return self._handle

    def map_view(self, offset: int, size: int, access: MemoryMappedFileAccess) -> ViewMemory:
        """Map ``size`` bytes from ``offset``, or all from there to the end for 0.

        Views begin at multiples of the allocation granularity, so that what lies between such
        a one and ``offset`` is mapped too.
        """
        pointer_offset = offset % mmap.ALLOCATIONGRANULARITY
        length = size + pointer_offset if size else 0
        _check_addressable("size", length)
        _check_virtual_memory(length)
        address = self._map(offset - pointer_offset, length, access)
        try:
            mapped = self._commit(address, offset - pointer_offset, length, access)
            capacity = size or mapped - pointer_offset
            if capacity < 0:
                raise ArgumentOutOfRangeError(
                    f"offset {offset} is behind the map's last page, which ends at "
                    f"{offset - pointer_offset + mapped}",
                    field="offset",
                    value=offset,
                    limit=offset - pointer_offset + mapped,
                )
            writable = access not in _READ_ONLY
            return ViewMemory(address, pointer_offset, capacity, writable=writable)
        except BaseException:
            # Now, and not when the traceback that refers to it is forgotten.
            _windows()[0].release(address)
            raise

    def _map(self, start: int, length: int, access: MemoryMappedFileAccess) -> Any:
        """The pointer to a new view, which unmaps itself when it is collected."""
        ffi, kernel = _windows()
        pointer = kernel.MapViewOfFile(self._handle, _VIEWS[access], *_halves(start), length)
        if pointer == ffi.NULL:
            extent = f"{length} bytes" if length else "everything"
            raise _error(
                _last_error(),
                f"mapping {extent} from {start} on for {access.name} "
                "(is the map that large, and does it permit that access?)",
            )
        return ffi.gc(pointer, kernel.UnmapViewOfFile)

    def _commit(self, address: Any, start: int, length: int, access: MemoryMappedFileAccess) -> int:
        """Give the view's pages their memory if they have none yet; returns the view's size.

        That is DELAY_ALLOCATE_PAGES. Touching such a page before would crash the process,
        which is why a failure is an error here; .NET does not look.
        """
        found, reserved = _query(address)
        if not reserved and found >= length:
            return found
        if access is MemoryMappedFileAccess.COPY_ON_WRITE:
            # VirtualAlloc does not take PAGE_WRITECOPY. Pages are the map's, not the view's:
            # a view for reading gets them just as well.
            ffi = _windows()[0]
            reading = self._map(start, length, MemoryMappedFileAccess.READ)
            try:
                _allocate(reading, length or found, _PAGE_READONLY)
            finally:
                ffi.release(reading)
        else:
            _allocate(address, length or found, _PAGES[access])
        return _query(address)[0]

    def close(self) -> None:
        """Let go of the map; its name goes with the last handle. Twice is fine."""
        if self.abandon() and self._on_close is not None:
            self._on_close()

    def abandon(self) -> bool:
        """Close the kernel's handle alone, if it is open: for a map that never came to be."""
        handle, self._handle = self._handle, _INVALID_HANDLE
        if handle == _INVALID_HANDLE:
            return False
        _windows()[1].CloseHandle(handle)
        return True


def _owned(handle: int, on_close: Callable[[], None] | None = None) -> MapHandle:
    try:
        return MapHandle(handle, on_close)
    except BaseException:
        _windows()[1].CloseHandle(handle)
        raise


def _query(address: Any) -> tuple[int, bool]:
    """How many bytes from ``address`` on are alike, and whether they are only reserved.

    https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualquery
    """
    ffi, kernel = _windows()
    region = ffi.new("MEMORY_BASIC_INFORMATION_ *")
    if not kernel.VirtualQuery(address, region, ffi.sizeof(region[0])):
        raise _error(_last_error(), "asking for the size of a view")
    return region.RegionSize, bool(region.State & _MEM_RESERVE)


def _allocate(address: Any, length: int, protection: int) -> None:
    ffi, kernel = _windows()
    if kernel.VirtualAlloc(address, length, _MEM_COMMIT, protection) == ffi.NULL:
        raise _error(_last_error(), f"allocating the {length} bytes of a view")


@cache
def _address_space() -> int:
    """How many bytes this process can map at all."""
    ffi, kernel = _windows()
    status = ffi.new("MEMORYSTATUSEX_ *")
    status.dwLength = ffi.sizeof(status[0])
    kernel.GlobalMemoryStatusEx(status)
    total: int = status.ullTotalVirtual
    return total


def _check_virtual_memory(length: int) -> None:
    """Refuse what no process could map, where the kernel's own answer would mislead."""
    if length >= _address_space():
        raise MapIOError(
            f"a view of {length} bytes: the address space has {_address_space()}",
            errno=errno.ENOMEM,
            field="size",
            value=length,
            limit=_address_space(),
        )


# --- anonymous maps and files -------------------------------------------------------------


def create_anonymous(
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """A map without a name, in the system's page file."""
    _check_addressable("capacity", capacity)
    what = f"creating an anonymous map of {capacity} bytes"
    protection = _PAGES[access] | options
    handle, _ = _section(_INVALID_HANDLE, None, capacity, protection, inheritability, what)
    return _owned(handle)


def adopt(handle: int) -> MapHandle:
    """The map of a handle that was inherited. Fails, and leaves it open, if it is no map's."""
    ffi, kernel = _windows()
    # The kernel looks at the kind of object first, and at the handle's rights then.
    pointer = kernel.MapViewOfFile(handle, _MAP_READ, 0, 0, 1)
    if pointer != ffi.NULL:
        kernel.UnmapViewOfFile(pointer)
    elif (code := _last_error()) != _ACCESS_DENIED:
        raise _error(code, f"handle {handle} is not an inherited map", field="handle", value=handle)
    return MapHandle(handle)  # on failure the handle stays its owner's


def open_file(path: str, mode: FileMode, access: MemoryMappedFileAccess) -> tuple[int, bool]:
    """Open or create ``path`` for mapping. Returns the descriptor and whether it was created.

    Others may read the file meanwhile but not write it: FileShare.Read, which .NET's
    CreateFromFile asks for and which no function of Python's own can.

    https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew
    """
    ffi, kernel = _windows()
    extended = _extended(path)
    reading = access in _READ_ONLY
    handle = kernel.CreateFileW(
        extended,
        _GENERIC_READ if reading else _GENERIC_READ | _GENERIC_WRITE,
        _FILE_SHARE_READ,
        ffi.NULL,
        _DISPOSITIONS[mode],
        _SECURITY_SQOS_PRESENT,
        0,
    )
    code = _last_error()
    if handle == _INVALID_HANDLE:
        raise _error(code, f"file {path!r}", filename=path)
    created = mode is not FileMode.OPEN and code != _ALREADY_EXISTS
    flags = (os.O_RDONLY if reading else os.O_RDWR) | os.O_BINARY | os.O_NOINHERIT
    try:
        return msvcrt.open_osfhandle(handle, flags), created
    except BaseException as error:
        kernel.CloseHandle(handle)
        if created:
            os.unlink(extended)
        if isinstance(error, OSError):
            raise MapIOError(
                f"file {path!r}: {error.strerror}", errno=error.errno, filename=path
            ) from error
        raise


def _extended(path: str) -> str:
    r"""``path`` in the form that CreateFile takes at any length, if it is a long one.

    https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
    """
    full = os.path.abspath(path)
    if len(full) < _LONG_PATH or full.startswith(("\\\\?\\", "\\\\.\\")):
        return path
    if full.startswith("\\\\"):
        return "\\\\?\\UNC\\" + full[2:]
    return "\\\\?\\" + full


def create_from_descriptor(
    descriptor: int,
    map_name: str | None,
    capacity: int,
    access: MemoryMappedFileAccess,
    inheritability: HandleInheritability,
    on_close: Callable[[], None],
) -> MapHandle:
    """Map an open file, grown to ``capacity`` if it is shorter. ``on_close`` closes the file.

    The handle's own access must include the map's.
    """
    what = f"mapping a file with {capacity} bytes for {access.name}"
    if map_name is not None:
        what += f" as {map_name!r}"
    try:
        file = msvcrt.get_osfhandle(descriptor)
    except OSError as error:
        raise MapIOError(f"{what}: {error.strerror}", errno=error.errno) from error
    handle, existed = _section(file, map_name, capacity, _PAGES[access], inheritability, what)
    if existed:
        assert map_name is not None
        raise _exists(handle, map_name)
    return _owned(handle, on_close)


# --- named maps ---------------------------------------------------------------------------


def create_named(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Create the named map; MapExistsError if somebody holds one of that name."""
    handle, existed = _create_or_open(name, capacity, access, options, inheritability)
    if existed:
        raise _exists(handle, name)
    return _owned(handle)


def open_named(
    name: str, rights: MemoryMappedFileRights, inheritability: HandleInheritability
) -> MapHandle:
    """Open the named map; MapNotFoundError if nobody holds one of that name."""
    return _owned(_open(name, rights, inheritability))


def create_or_open_named(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Open the named map if somebody holds it, else create it.

    One call does both, but asks for more rights than the map's owner may grant; then opening
    is tried with no more than ``access`` needs. The map may be gone by then, hence the loop.
    """
    if access is MemoryMappedFileAccess.WRITE:
        return _open_for_writing(name, inheritability)
    deadline = time.monotonic() + _PATIENCE
    pause = 0.001
    while True:
        try:
            return _owned(_create_or_open(name, capacity, access, options, inheritability)[0])
        except MapAccessError as error:
            refused = error
        try:
            return _owned(_open(name, _VIEWS[access], inheritability))
        except MapNotFoundError:
            if time.monotonic() > deadline:
                raise refused from None
        time.sleep(pause)
        pause = min(pause * 2, 0.5)


def _open_for_writing(name: str, inheritability: HandleInheritability) -> MapHandle:
    try:
        return _owned(_open(name, _MAP_WRITE, inheritability))
    except MapNotFoundError:
        raise ArgumentError(
            "a map can't be created with access WRITE, and none of that name exists",
            field="access",
            value=MemoryMappedFileAccess.WRITE,
        ) from None


def _create_or_open(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> tuple[int, bool]:
    _check_addressable("capacity", capacity)
    what = f"creating the named map {name!r} with {capacity} bytes"
    protection = _PAGES[access] | options
    return _section(_INVALID_HANDLE, name, capacity, protection, inheritability, what)


def _open(name: str, rights: int, inheritability: HandleInheritability) -> int:
    """The handle of an existing named map.

    https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-openfilemappingw
    """
    handle: int = _windows()[1].OpenFileMappingW(rights, inheritability, name)
    if not handle:
        code = _last_error()
        if code == _FILE_NOT_FOUND:
            raise MapNotFoundError(
                f"no map named {name!r}", winerror=code, field="map_name", value=name
            )
        raise _name_error(code, f"opening the named map {name!r}", name)
    return handle


def _section(
    file: int,
    name: str | None,
    capacity: int,
    protection: int,
    inheritability: HandleInheritability,
    what: str,
) -> tuple[int, bool]:
    """The handle of a map of ``file``, and whether the name had one already (which it is then).

    https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-createfilemappingw
    """
    ffi, kernel = _windows()
    attributes = ffi.NULL
    if inheritability is HandleInheritability.INHERITABLE:
        attributes = ffi.new("SECURITY_ATTRIBUTES_ *", {"bInheritHandle": 1})
        attributes.nLength = ffi.sizeof(attributes[0])
    handle: int = kernel.CreateFileMappingW(
        file, attributes, protection, *_halves(capacity), ffi.NULL if name is None else name
    )
    code = _last_error()
    if not handle:
        raise _name_error(code, what, name)
    return handle, code == _ALREADY_EXISTS


def _exists(handle: int, name: str) -> MapExistsError:
    """Close the handle of somebody else's map, and say that it is there."""
    _windows()[1].CloseHandle(handle)
    return MapExistsError(
        f"a map named {name!r} exists already",
        winerror=_ALREADY_EXISTS,
        field="map_name",
        value=name,
    )
