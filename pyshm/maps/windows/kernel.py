"""The Windows kernel's functions, called through cffi as .NET calls them, and its error codes.

CreateFileMapping, OpenFileMapping, MapViewOfFile and the others are described at
https://learn.microsoft.com/windows/win32/api/memoryapi/, names at
https://learn.microsoft.com/windows/win32/memory/creating-named-shared-memory. Which of them
.NET calls, with which flags and after which error, is in MemoryMappedFile.Windows.cs and
MemoryMappedView.Windows.cs of https://github.com/dotnet/runtime.

The standard library's ``mmap`` can't be used instead: it creates a named map where it should
open one, and does not report which of the two it did.
"""

from __future__ import annotations

import errno
import sys
from functools import cache
from typing import Any

from ...errors import (
    ArgumentOutOfRangeError,
    MapAccessError,
    MapExistsError,
    MapIOError,
    MapNotFoundError,
    PyshmError,
)
from ..enums import HandleInheritability, MemoryMappedFileAccess

assert sys.platform == "win32"  # for type checkers

__all__ = [
    "ACCESS_DENIED",
    "ALREADY_EXISTS",
    "FILE_NOT_FOUND",
    "INVALID_HANDLE",
    "LOCK_VIOLATION",
    "MAP_READ",
    "MAP_WRITE",
    "PAGES",
    "PAGE_READONLY",
    "TIMEOUT",
    "VIEWS",
    "KernelHandle",
    "already_exists",
    "check_addressable",
    "create_section",
    "halves",
    "last_error",
    "name_error",
    "system_error",
    "windows",
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

INVALID_HANDLE = -1
TIMEOUT = 10.0  # seconds; docs/named-maps.md
_SIZE_MAX = 2 * sys.maxsize + 1

PAGE_READONLY = 0x02
_PAGE_READWRITE = 0x04
PAGES = {
    MemoryMappedFileAccess.READ_WRITE: _PAGE_READWRITE,
    MemoryMappedFileAccess.READ: PAGE_READONLY,
    MemoryMappedFileAccess.WRITE: _PAGE_READWRITE,  # a view's pages; no map is created with it
    MemoryMappedFileAccess.COPY_ON_WRITE: 0x08,  # PAGE_WRITECOPY
    MemoryMappedFileAccess.READ_EXECUTE: 0x20,  # PAGE_EXECUTE_READ
    MemoryMappedFileAccess.READ_WRITE_EXECUTE: 0x40,  # PAGE_EXECUTE_READWRITE
}
_MAP_COPY, MAP_WRITE, MAP_READ, _MAP_EXECUTE = 0x01, 0x02, 0x04, 0x20
VIEWS = {
    MemoryMappedFileAccess.READ_WRITE: MAP_READ | MAP_WRITE,
    MemoryMappedFileAccess.READ: MAP_READ,
    MemoryMappedFileAccess.WRITE: MAP_WRITE,
    MemoryMappedFileAccess.COPY_ON_WRITE: _MAP_COPY,
    MemoryMappedFileAccess.READ_EXECUTE: MAP_READ | _MAP_EXECUTE,
    MemoryMappedFileAccess.READ_WRITE_EXECUTE: MAP_READ | MAP_WRITE | _MAP_EXECUTE,
}

# https://learn.microsoft.com/windows/win32/debug/system-error-codes
FILE_NOT_FOUND = 2
_PATH_NOT_FOUND = 3
ACCESS_DENIED = 5
_INVALID_HANDLE_ERROR = 6
LOCK_VIOLATION = 33
ALREADY_EXISTS = 183
_Kind = type[MapAccessError | MapExistsError | MapIOError | MapNotFoundError]
_KINDS: dict[int, _Kind] = {
    FILE_NOT_FOUND: MapNotFoundError,
    _PATH_NOT_FOUND: MapNotFoundError,
    ACCESS_DENIED: MapAccessError,
    80: MapExistsError,  # ERROR_FILE_EXISTS
    ALREADY_EXISTS: MapExistsError,
}
# Codes that CPython translates to EINVAL.
_ERRNOS = {
    206: errno.ENAMETOOLONG,  # ERROR_FILENAME_EXCED_RANGE
    1224: errno.EBUSY,  # ERROR_USER_MAPPED_FILE
    1450: errno.ENOMEM,  # ERROR_NO_SYSTEM_RESOURCES
    1455: errno.ENOMEM,  # ERROR_COMMITMENT_LIMIT
}


@cache
def windows() -> tuple[Any, Any]:
    """Return cffi's FFI object and kernel32.dll. The first map loads them, not the import."""
    from cffi import FFI

    ffi = FFI()
    ffi.cdef(_DECLARATIONS)
    return ffi, ffi.dlopen("kernel32.dll")


class KernelHandle:
    """A handle of a map, which is closed by ``close`` or with the last reference to it.

    Its number can be used as long as there is a reference. After that the kernel gives the number
    to another object.
    """

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the handle. Another call does nothing."""
        number, self.number = self.number, INVALID_HANDLE
        if number != INVALID_HANDLE:
            windows()[1].CloseHandle(number)


def last_error() -> int:
    """Return the error code of this thread's latest call; cffi keeps it from other code's calls."""
    code: int = windows()[0].getwinerror()[0]
    return code


def system_error(code: int, what: str, **details: Any) -> PyshmError:
    """Return the pyshm error for a Win32 error code; ``what`` begins its message."""
    text = windows()[0].getwinerror(code)[1]
    number = _ERRNOS.get(code) or OSError(0, text, None, code).errno
    return _KINDS.get(code, MapIOError)(f"{what}: {text}", errno=number, winerror=code, **details)


def name_error(code: int, what: str, name: str | None) -> PyshmError:
    """Return the same for a call that was given a ``name``, and no handle that may be invalid."""
    if name is None:
        return system_error(code, what)
    if code == _INVALID_HANDLE_ERROR:
        what += " (the name belongs to another kind of object, such as an event or a mutex)"
    elif code == _PATH_NOT_FOUND:
        what += " (before a backslash only Local, Global or Session\\<number> is possible)"
    return system_error(code, what, field="map_name", value=name)


def already_exists(handle: KernelHandle, name: str) -> MapExistsError:
    """Close the handle of another process's map. Return the error which says that it exists."""
    handle.close()
    return MapExistsError(
        f"a map named {name!r} exists already; use open_existing or create_or_open to open it",
        winerror=ALREADY_EXISTS,
        field="map_name",
        value=name,
    )


def halves(number: int) -> tuple[int, int]:
    """Return the high and the low 32 bits, in the order of the functions' parameters."""
    return number >> 32, number & 0xFFFFFFFF


def check_addressable(field: str, value: int) -> None:
    """Raise ArgumentOutOfRangeError for a size that a pointer of this process can't hold."""
    if value > _SIZE_MAX:
        raise ArgumentOutOfRangeError(
            f"{field} {value} is more than this 32-bit process can address",
            field=field,
            value=value,
            limit=_SIZE_MAX,
        )


def create_section(
    file: int,
    name: str | None,
    capacity: int,
    protection: int,
    inheritability: HandleInheritability,
    what: str,
) -> tuple[KernelHandle, bool]:
    """Return the handle of a map of ``file``, and whether it is a map that had the name already.

    https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-createfilemappingw
    """
    ffi, kernel = windows()
    attributes = ffi.NULL
    if inheritability is HandleInheritability.INHERITABLE:
        attributes = ffi.new("SECURITY_ATTRIBUTES_ *", {"bInheritHandle": 1})
        attributes.nLength = ffi.sizeof(attributes[0])
    handle: int = kernel.CreateFileMappingW(
        file, attributes, protection, *halves(capacity), ffi.NULL if name is None else name
    )
    code = last_error()
    if not handle:
        raise name_error(code, what, name)
    return KernelHandle(handle), code == ALREADY_EXISTS
