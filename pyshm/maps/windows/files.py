"""Maps of files.

https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew
"""

from __future__ import annotations

import msvcrt
import os
import sys

from ...errors import MapIOError
from ..descriptors import Descriptor, obtain
from ..enums import READ_ONLY, FileMode, HandleInheritability, MemoryMappedFileAccess

assert sys.platform == "win32"  # for type checkers

from .handle import MapHandle
from .kernel import (
    ALREADY_EXISTS,
    INVALID_HANDLE,
    PAGES,
    already_exists,
    create_section,
    last_error,
    system_error,
    windows,
)

__all__ = ["create_from_descriptor", "open_file"]

_LONG_PATH = 260  # MAX_PATH: a path of this length needs the prefix that lifts the limit
_GENERIC_READ, _GENERIC_WRITE = 0x80000000, 0x40000000
_FILE_SHARE_READ = 0x01
# Level 0, anonymous: if the path leads to a named pipe, its server can't act as this process.
_SECURITY_SQOS_PRESENT = 0x00100000
_DISPOSITIONS = {  # CREATE_NEW, CREATE_ALWAYS, OPEN_EXISTING, OPEN_ALWAYS
    FileMode.CREATE_NEW: 1,
    FileMode.CREATE: 2,
    FileMode.OPEN: 3,
    FileMode.OPEN_OR_CREATE: 4,
}


def open_file(
    path: str, mode: FileMode, access: MemoryMappedFileAccess, created: list[Descriptor]
) -> Descriptor:
    """Open or create the file at ``path``. Also add it to ``created`` if it is new.

    Other programs may read the file meanwhile but not write it. That is FileShare.Read, which
    .NET's CreateFromFile uses and which no function of Python's own offers.
    """
    ffi, kernel = windows()
    extended = _extended(path)
    reading = access in READ_ONLY
    handle = kernel.CreateFileW(
        extended,
        _GENERIC_READ if reading else _GENERIC_READ | _GENERIC_WRITE,
        _FILE_SHARE_READ,
        ffi.NULL,
        _DISPOSITIONS[mode],
        _SECURITY_SQOS_PRESENT,
        0,
    )
    code = last_error()
    if handle == INVALID_HANDLE:
        raise system_error(code, f"file {path!r}", filename=path)
    is_new = mode is not FileMode.OPEN and code != ALREADY_EXISTS
    flags = (os.O_RDONLY if reading else os.O_RDWR) | os.O_BINARY | os.O_NOINHERIT
    try:
        file = obtain(msvcrt.open_osfhandle, handle, flags)
    except BaseException as error:
        kernel.CloseHandle(handle)
        if is_new:
            os.unlink(extended)
        if isinstance(error, OSError):
            raise MapIOError(
                f"file {path!r}: {error.strerror}", errno=error.errno, filename=path
            ) from error
        raise
    if is_new:
        created.append(file)
    return file


def _extended(path: str) -> str:
    r"""Return ``path`` in the form that CreateFile takes at any length, if it is a long one.

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
    own: Descriptor | None,
) -> MapHandle:
    """Map an open file, which grows to ``capacity`` if it is shorter.

    The map closes the file if it is given as ``own``.

    The file's own access must include the map's.
    """
    what = f"mapping a file with {capacity} bytes for {access.name}"
    if map_name is not None:
        what += f" as {map_name!r}"
    try:
        file = msvcrt.get_osfhandle(descriptor)
    except OSError as error:
        raise MapIOError(f"{what}: {error.strerror}", errno=error.errno) from error
    handle, existed = create_section(file, map_name, capacity, PAGES[access], inheritability, what)
    if existed:
        assert map_name is not None
        raise already_exists(handle, map_name)
    opened = MapHandle(handle)
    if own is not None:
        opened.on_close = own.close
    return opened
