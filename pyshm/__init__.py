"""pyshm: shared memory between Python and .NET programs, byte for byte.

The names below are loaded when they are first used, so that ``import pyshm`` costs next to
nothing and a program that needs only maps never loads the rest.
"""

from __future__ import annotations

from ._support.lazy import lazy_names
from ._version import __version__

TYPE_CHECKING = False  # type checkers take it for True; importing typing would cost the most here
if TYPE_CHECKING:
    from .errors import PyshmError
    from .formats.image import ImageData
    from .formats.testdata import TestData
    from .helper import ShareMemoryHelper
    from .maps.accessor import MemoryMappedViewAccessor
    from .maps.enums import (
        FileMode,
        HandleInheritability,
        MemoryMappedFileAccess,
        MemoryMappedFileOptions,
        MemoryMappedFileRights,
    )
    from .maps.mapping import MemoryMappedFile
    from .maps.stream import MemoryMappedViewStream
    from .structs.struct import Struct

__all__ = [
    "FileMode",
    "HandleInheritability",
    "ImageData",
    "MemoryMappedFile",
    "MemoryMappedFileAccess",
    "MemoryMappedFileOptions",
    "MemoryMappedFileRights",
    "MemoryMappedViewAccessor",
    "MemoryMappedViewStream",
    "PyshmError",
    "ShareMemoryHelper",
    "Struct",
    "TestData",
    "__version__",
]

_HOMES = {
    "FileMode": "maps",
    "HandleInheritability": "maps",
    "ImageData": "formats",
    "MemoryMappedFile": "maps",
    "MemoryMappedFileAccess": "maps",
    "MemoryMappedFileOptions": "maps",
    "MemoryMappedFileRights": "maps",
    "MemoryMappedViewAccessor": "maps",
    "MemoryMappedViewStream": "maps",
    "PyshmError": "errors",
    "ShareMemoryHelper": "helper",
    "Struct": "structs",
    "TestData": "formats",
}

_RENAMED = {"DEFAULT_CAPACITY": "ShareMemoryHelper.DEFAULT_CAPACITY"}

__getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES, renamed=_RENAMED)
