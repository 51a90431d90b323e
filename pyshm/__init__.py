"""pyshm: shared memory between Python and .NET programs, byte for byte.

The names below are loaded when they are first used, so that ``import pyshm`` costs next to
nothing and a program that needs only maps never loads the rest.
"""

from __future__ import annotations

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


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    from importlib import import_module

    value: object = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
