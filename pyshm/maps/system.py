"""What a system implements for maps: :mod:`pyshm.maps.posix` and :mod:`pyshm.maps.windows`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .descriptors import Descriptor
from .enums import (
    FileMode,
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)

__all__ = ["MapHandle", "System", "ViewMemory"]


class ViewMemory(Protocol):
    """The memory of one view."""

    @property
    def buffer(self) -> memoryview:
        """The view's bytes."""

    @property
    def capacity(self) -> int:
        """The view's size in bytes."""

    @property
    def pointer_offset(self) -> int:
        """Where the view begins, in bytes from the beginning of the mapping."""

    def flush(self) -> None:
        """Write changed pages to the map's file."""

    def check_backed(self, offset: int, /) -> None:
        """Raise MapIOError if the file of the view, which begins at ``offset``, was truncated."""

    def release(self) -> None:
        """Release this object's own buffer; buffers taken from it stay valid."""


class MapHandle(Protocol):
    """An open map."""

    @property
    def capacity(self) -> int:
        """The map's size in bytes; -1 where only the system knows it."""

    @property
    def number(self) -> int:
        """The system's descriptor or handle; -1 after close."""

    def map_view(self, offset: int, size: int, access: MemoryMappedFileAccess, /) -> ViewMemory:
        """Map ``size`` bytes from ``offset``."""

    on_close: Callable[[], None] | None
    """Closes the file that the map was made from."""

    def owns(self, number: int, /) -> bool:
        """Return whether closing the map closes this descriptor or handle."""

    def close(self) -> None:
        """Release the map, and call ``on_close``. Another call does nothing."""


class System(Protocol):
    """The functions of a system. Names are checked, and arguments are in range."""

    def create_anonymous(
        self,
        capacity: int,
        access: MemoryMappedFileAccess,
        options: MemoryMappedFileOptions,
        inheritability: HandleInheritability,
        /,
    ) -> MapHandle:
        """Create a map without a name."""

    def open_file(
        self,
        path: str,
        mode: FileMode,
        access: MemoryMappedFileAccess,
        created: list[Descriptor],
        /,
    ) -> Descriptor:
        """Open or create a file to map. Also add it to ``created`` if it is new."""

    def create_from_descriptor(
        self,
        descriptor: int,
        map_name: str | None,
        capacity: int,
        access: MemoryMappedFileAccess,
        inheritability: HandleInheritability,
        own: Descriptor | None,
        /,
    ) -> MapHandle:
        """Map an open file, which grows to ``capacity`` if it is shorter.

        The map closes the file if it is given as ``own``.
        """

    def adopt(self, handle: int, /) -> MapHandle:
        """Return the map of an inherited descriptor or handle."""

    def create_named(
        self,
        name: str,
        capacity: int,
        access: MemoryMappedFileAccess,
        options: MemoryMappedFileOptions,
        inheritability: HandleInheritability,
        /,
    ) -> MapHandle:
        """Create a named map that must not exist yet."""

    def open_named(
        self, name: str, rights: MemoryMappedFileRights, inheritability: HandleInheritability, /
    ) -> MapHandle:
        """Open a named map that a process holds."""

    def create_or_open_named(
        self,
        name: str,
        capacity: int,
        access: MemoryMappedFileAccess,
        options: MemoryMappedFileOptions,
        inheritability: HandleInheritability,
        /,
    ) -> MapHandle:
        """Open the named map if a process holds it, else create it."""
