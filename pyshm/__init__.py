"""Shared memory between Python and .NET programs, byte for byte.

Each name is loaded when it is first used. So ``import pyshm`` takes less than a millisecond, and
a program that needs only maps never loads the rest.
"""

from __future__ import annotations

from sys import meta_path as _meta_path

from ._support.lazy import lazy_names
from ._version import __version__

TYPE_CHECKING = False  # type checkers take it for True; an import of typing would be slow
if TYPE_CHECKING:
    from .channels.channel import LatestChannel, QueueChannel
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
    "LatestChannel",
    "MemoryMappedFile",
    "MemoryMappedFileAccess",
    "MemoryMappedFileOptions",
    "MemoryMappedFileRights",
    "MemoryMappedViewAccessor",
    "MemoryMappedViewStream",
    "PyshmError",
    "QueueChannel",
    "ShareMemoryHelper",
    "Struct",
    "TestData",
    "__version__",
]

_HOMES = {
    "FileMode": "maps",
    "HandleInheritability": "maps",
    "ImageData": "formats",
    "LatestChannel": "channels",
    "MemoryMappedFile": "maps",
    "MemoryMappedFileAccess": "maps",
    "MemoryMappedFileOptions": "maps",
    "MemoryMappedFileRights": "maps",
    "MemoryMappedViewAccessor": "maps",
    "MemoryMappedViewStream": "maps",
    "PyshmError": "errors",
    "QueueChannel": "channels",
    "ShareMemoryHelper": "helper",
    "Struct": "structs",
    "TestData": "formats",
}

_RENAMED = {"DEFAULT_CAPACITY": "ShareMemoryHelper.DEFAULT_CAPACITY"}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES, renamed=_RENAMED)


class _MovedModules:
    """Finds the modules of version 0.1.0 at their old addresses (_moved.py)."""

    @staticmethod
    def find_spec(name: str, *_: object) -> object:
        if not name.startswith("pyshm."):
            return None
        from . import _moved

        return _moved.find_spec(name)


_meta_path.append(_MovedModules)  # type: ignore[arg-type]
