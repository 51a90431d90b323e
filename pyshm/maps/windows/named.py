"""Named maps: the kernel's own."""

from __future__ import annotations

import sys
import time

from ...errors import ArgumentError, MapAccessError, MapNotFoundError
from ..enums import (
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)

assert sys.platform == "win32"  # for type checkers

from .handle import MapHandle
from .kernel import (
    FILE_NOT_FOUND,
    INVALID_HANDLE,
    MAP_WRITE,
    PAGES,
    TIMEOUT,
    VIEWS,
    KernelHandle,
    already_exists,
    check_addressable,
    create_section,
    last_error,
    name_error,
    windows,
)

__all__ = ["create_named", "create_or_open_named", "open_named"]


def create_named(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Create the named map. Raises MapExistsError if a process holds one of that name."""
    handle, existed = _create_or_open(name, capacity, access, options, inheritability)
    if existed:
        raise already_exists(handle, name)
    return MapHandle(handle)


def open_named(
    name: str, rights: MemoryMappedFileRights, inheritability: HandleInheritability
) -> MapHandle:
    """Open the named map. Raises MapNotFoundError if no process holds one of that name."""
    return MapHandle(_open(name, rights, inheritability))


def create_or_open_named(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> MapHandle:
    """Open the named map if a process holds it, else create it.

    One call does both, but it asks for more rights than the map's owner may grant. Then opening
    is tried with only the rights that ``access`` needs. The map may be gone by then, so the
    function tries again.
    """
    if access is MemoryMappedFileAccess.WRITE:
        return _open_for_writing(name, inheritability)
    deadline = time.monotonic() + TIMEOUT
    pause = 0.001
    while True:
        try:
            return MapHandle(_create_or_open(name, capacity, access, options, inheritability)[0])
        except MapAccessError as error:
            refused = error
        try:
            return MapHandle(_open(name, VIEWS[access], inheritability))
        except MapNotFoundError:
            if time.monotonic() > deadline:
                raise refused from None
        time.sleep(pause)
        pause = min(pause * 2, 0.5)


def _open_for_writing(name: str, inheritability: HandleInheritability) -> MapHandle:
    try:
        return MapHandle(_open(name, MAP_WRITE, inheritability))
    except MapNotFoundError:
        raise ArgumentError(
            f"no map named {name!r}, and access WRITE can't create one; use READ_WRITE",
            field="access",
            value=MemoryMappedFileAccess.WRITE,
        ) from None


def _create_or_open(
    name: str,
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> tuple[KernelHandle, bool]:
    check_addressable("capacity", capacity)
    what = f"creating the named map {name!r} with {capacity} bytes"
    protection = PAGES[access] | options
    return create_section(INVALID_HANDLE, name, capacity, protection, inheritability, what)


def _open(name: str, rights: int, inheritability: HandleInheritability) -> KernelHandle:
    """Return the handle of an existing named map.

    https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-openfilemappingw
    """
    handle: int = windows()[1].OpenFileMappingW(rights, inheritability, name)
    if not handle:
        code = last_error()
        if code == FILE_NOT_FOUND:
            raise MapNotFoundError(
                f"no map named {name!r}", winerror=code, field="map_name", value=name
            )
        raise name_error(code, f"opening the named map {name!r}", name)
    return KernelHandle(handle)
