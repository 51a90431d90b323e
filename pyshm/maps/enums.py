"""The enums of System.IO.MemoryMappedFiles, and FileMode and HandleInheritability of System.IO.

Names and numbers are .NET's: https://learn.microsoft.com/dotnet/api/system.io.memorymappedfiles
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

__all__ = [
    "READ_ONLY",
    "FileMode",
    "HandleInheritability",
    "MemoryMappedFileAccess",
    "MemoryMappedFileOptions",
    "MemoryMappedFileRights",
]


class MemoryMappedFileAccess(IntEnum):
    """What a map or a view permits."""

    READ_WRITE = 0
    READ = 1
    WRITE = 2
    COPY_ON_WRITE = 3
    READ_EXECUTE = 4
    READ_WRITE_EXECUTE = 5


READ_ONLY = (MemoryMappedFileAccess.READ, MemoryMappedFileAccess.READ_EXECUTE)


class MemoryMappedFileRights(IntFlag):
    """The rights that a program requests when it opens a named map."""

    COPY_ON_WRITE = 0x1
    WRITE = 0x2
    READ = 0x4
    READ_WRITE = 0x6
    EXECUTE = 0x8
    READ_EXECUTE = 0xC
    READ_WRITE_EXECUTE = 0xE
    DELETE = 0x10000
    READ_PERMISSIONS = 0x20000
    CHANGE_PERMISSIONS = 0x40000
    TAKE_OWNERSHIP = 0x80000
    FULL_CONTROL = 0xF000F
    ACCESS_SYSTEM_SECURITY = 0x1000000


class MemoryMappedFileOptions(IntFlag):
    """How memory is allocated for a new map."""

    NONE = 0
    DELAY_ALLOCATE_PAGES = 0x4000000


class HandleInheritability(IntEnum):
    """Whether child processes inherit the map's handle."""

    NONE = 0
    INHERITABLE = 1


class FileMode(IntEnum):
    """How a file is opened or created."""

    CREATE_NEW = 1
    CREATE = 2
    OPEN = 3
    OPEN_OR_CREATE = 4
    TRUNCATE = 5
    APPEND = 6
