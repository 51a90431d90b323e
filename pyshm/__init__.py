"""pyshm: shared memory between Python and .NET programs, byte for byte.

The names below are loaded when they are first used, so that ``import pyshm`` costs next to
nothing and a program that needs only maps never loads the rest.
"""

from __future__ import annotations

from ._lazy import lazy_names
from ._version import __version__

TYPE_CHECKING = False  # type checkers take it for True; importing typing would cost the most here
if TYPE_CHECKING:
    from .enums import (
        FileMode,
        HandleInheritability,
        MemoryMappedFileAccess,
        MemoryMappedFileOptions,
        MemoryMappedFileRights,
    )
    from .errors import PyshmError
    from .helper import DEFAULT_CAPACITY, ShareMemoryHelper
    from .mapping import MemoryMappedFile
    from .models import ImageData
    from .structs import Struct
    from .testdata import TestData
    from .views import MemoryMappedViewAccessor, MemoryMappedViewStream

__all__ = [
    "DEFAULT_CAPACITY",
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
    "DEFAULT_CAPACITY": "helper",
    "FileMode": "enums",
    "HandleInheritability": "enums",
    "ImageData": "models",
    "MemoryMappedFile": "mapping",
    "MemoryMappedFileAccess": "enums",
    "MemoryMappedFileOptions": "enums",
    "MemoryMappedFileRights": "enums",
    "MemoryMappedViewAccessor": "views",
    "MemoryMappedViewStream": "views",
    "PyshmError": "errors",
    "ShareMemoryHelper": "helper",
    "Struct": "structs",
    "TestData": "testdata",
}

__getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
