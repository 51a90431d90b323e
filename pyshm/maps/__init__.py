"""Memory-mapped files, named maps among them, with the API of System.IO.MemoryMappedFiles."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from . import elements
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
    "elements",
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
    "elements": "",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
