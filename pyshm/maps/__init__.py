"""Named memory-mapped files and files, with the API of System.IO.MemoryMappedFiles."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .accessor import MemoryMappedViewAccessor
    from .enums import (
        FileMode,
        HandleInheritability,
        MemoryMappedFileAccess,
        MemoryMappedFileOptions,
        MemoryMappedFileRights,
    )
    from .mapping import MemoryMappedFile
    from .stream import MemoryMappedViewStream

__all__ = [
    "FileMode",
    "HandleInheritability",
    "MemoryMappedFile",
    "MemoryMappedFileAccess",
    "MemoryMappedFileOptions",
    "MemoryMappedFileRights",
    "MemoryMappedViewAccessor",
    "MemoryMappedViewStream",
]

_HOMES = {
    "FileMode": "enums",
    "HandleInheritability": "enums",
    "MemoryMappedFile": "mapping",
    "MemoryMappedFileAccess": "enums",
    "MemoryMappedFileOptions": "enums",
    "MemoryMappedFileRights": "enums",
    "MemoryMappedViewAccessor": "accessor",
    "MemoryMappedViewStream": "stream",
}

__getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
