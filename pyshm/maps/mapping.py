"""MemoryMappedFile, as System.IO.MemoryMappedFiles has it.

https://learn.microsoft.com/dotnet/api/system.io.memorymappedfiles.memorymappedfile
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from typing import NoReturn, Protocol, Self, TypeVar
from weakref import finalize

from .._support.closing import Closing
from ..errors import (
    ArgumentError,
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ClosedError,
    MapAccessError,
    MapIOError,
    PlatformError,
)
from .accessor import MemoryMappedViewAccessor, MemoryMappedViewStream
from .enums import (
    FileMode,
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)
from .names import check_name

if sys.platform == "win32":
    from .windows import named as _system
else:
    from .posix import named as _system

__all__ = ["MemoryMappedFile"]

_INT64_MAX = 2**63 - 1
# What .NET takes for the largest view that any process could have, outside Windows.
_ADDRESS_SPACE = 8_192_000_000_000 if sys.maxsize > 2**32 else 4_096_000_000
_READ_ONLY = (MemoryMappedFileAccess.READ, MemoryMappedFileAccess.READ_EXECUTE)
_ALL_RIGHTS = MemoryMappedFileRights.FULL_CONTROL | MemoryMappedFileRights.ACCESS_SYSTEM_SECURITY

_E = TypeVar("_E", bound=IntEnum)


class _OpenFile(Protocol):
    """What ``open()`` returns, as far as a mapping needs it."""

    def fileno(self) -> int: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class MemoryMappedFile(Closing):
    """A memory-mapped file: a named or anonymous block of shared memory, or a file in memory.

    Made by one of its four class methods. Close it with :meth:`close` or ``with``; views made
    from it stay valid until they are closed themselves. A named map lives until its last
    holder, in whatever process and language, closes it or dies (docs/named-maps.md).
    """

    __slots__ = ("__weakref__", "_close", "_handle")

    def __init__(self, handle: _system.MapHandle) -> None:
        """Not for callers; use the class methods."""
        self._handle = handle
        try:
            # Also at interpreter exit, so that a forgotten map leaves no file behind.
            self._close = finalize(self, handle.close)
        except BaseException:
            handle.abandon()
            raise

    @classmethod
    def create_new(
        cls,
        map_name: str | None,
        capacity: int,
        access: MemoryMappedFileAccess = MemoryMappedFileAccess.READ_WRITE,
        options: MemoryMappedFileOptions = MemoryMappedFileOptions.NONE,
        inheritability: HandleInheritability = HandleInheritability.NONE,
    ) -> Self:
        """Create a map of ``capacity`` bytes, all zero, that must not exist yet.

        ``map_name`` None makes an anonymous one. .NET: CreateNew.

        Raises MapExistsError (FileExistsError) if somebody holds a map of that name,
        NameRuleError, ArgumentError for access WRITE, ArgumentOutOfRangeError for a capacity
        below 1 or an unknown enum value, and MapIOError when the memory can't be had.
        """
        name = None if map_name is None else check_name(map_name)
        _check_new(capacity, access, options, inheritability)
        if access is MemoryMappedFileAccess.WRITE:
            raise ArgumentError(
                "a new map can't have access WRITE; use READ_WRITE", field="access", value=access
            )
        if name is None:
            return cls(_system.create_anonymous(capacity, access, options, inheritability))
        return cls(_system.create_named(name, capacity, access, options, inheritability))

    @classmethod
    def create_or_open(
        cls,
        map_name: str,
        capacity: int,
        access: MemoryMappedFileAccess = MemoryMappedFileAccess.READ_WRITE,
        options: MemoryMappedFileOptions = MemoryMappedFileOptions.NONE,
        inheritability: HandleInheritability = HandleInheritability.NONE,
    ) -> Self:
        """Open the named map, or create it with ``capacity`` bytes. .NET: CreateOrOpen.

        A map that exists keeps its own capacity; the argument is ignored then. Access WRITE
        only opens. Raises as :meth:`create_new`, without MapExistsError.
        """
        name = check_name(map_name)
        _check_new(capacity, access, options, inheritability)
        return cls(_system.create_or_open_named(name, capacity, access, options, inheritability))

    @classmethod
    def open_existing(
        cls,
        map_name: str,
        desired_access_rights: MemoryMappedFileRights = MemoryMappedFileRights.READ_WRITE,
        inheritability: HandleInheritability = HandleInheritability.NONE,
    ) -> Self:
        """Open a named map that somebody holds. .NET: OpenExisting.

        Raises MapNotFoundError (FileNotFoundError) if there is none, MapAccessError
        (PermissionError) if the system refuses the rights, NameRuleError, and
        ArgumentOutOfRangeError for unknown rights.
        """
        name = check_name(map_name)
        _check_enum(HandleInheritability, inheritability, "inheritability")
        if int(desired_access_rights) & ~int(_ALL_RIGHTS):
            raise ArgumentOutOfRangeError(
                f"desired_access_rights {int(desired_access_rights):#x} has unknown bits",
                field="desired_access_rights",
                value=int(desired_access_rights),
                limit=int(_ALL_RIGHTS),
            )
        rights = MemoryMappedFileRights(desired_access_rights)
        return cls(_system.open_named(name, rights, inheritability))

    @classmethod
    def create_from_file(
        cls,
        file: str | os.PathLike[str] | _OpenFile,
        mode: FileMode = FileMode.OPEN,
        map_name: str | None = None,
        capacity: int = 0,
        access: MemoryMappedFileAccess = MemoryMappedFileAccess.READ_WRITE,
        *,
        inheritability: HandleInheritability = HandleInheritability.NONE,
        leave_open: bool = False,
    ) -> Self:
        """Map a file, given by its path or opened already (then ``mode`` is not used).

        ``capacity`` 0 means the file's size; a larger one lets the file grow to it. The open
        file is closed with the map unless ``leave_open``. ``map_name`` gives the map a name
        as well, on Windows only. .NET: CreateFromFile.

        Raises MapNotFoundError, MapExistsError (mode CREATE_NEW), MapAccessError, MapIOError
        when another process has the file for itself, PlatformError for a map name outside
        Windows, ArgumentError for mode APPEND or TRUNCATE, access WRITE, an empty file
        without a capacity or a READ map larger than its file, and ArgumentOutOfRangeError
        for a capacity below the file's size. A file that this call created is removed when
        the call fails.
        """
        if file is None:
            raise ArgumentNullError("a path or an open file is needed, not None", field="file")
        name = None if map_name is None else check_name(map_name)
        if not 0 <= capacity <= _INT64_MAX:
            raise _out_of_range("capacity", capacity, 0)
        _check_enum(MemoryMappedFileAccess, access, "access")
        if access is MemoryMappedFileAccess.WRITE:
            raise ArgumentError(
                "a file's map can't have access WRITE; use READ_WRITE",
                field="access",
                value=access,
            )
        _check_enum(HandleInheritability, inheritability, "inheritability")
        if name is not None and sys.platform != "win32":
            raise PlatformError(
                f"a map name ({map_name!r}) for a file exists on Windows only; let the other "
                "program open the same path instead",
                field="map_name",
                value=map_name,
            )
        created_path: str | None = None
        on_close: Callable[[], None]
        if isinstance(file, (str, os.PathLike)):
            path = os.fspath(file)
            _check_path(path)
            _check_enum(FileMode, mode, "mode")
            if mode in (FileMode.APPEND, FileMode.TRUNCATE):
                raise ArgumentError(
                    f"mode {mode.name} can't be used for a map", field="mode", value=mode
                )
            if mode in (FileMode.CREATE, FileMode.CREATE_NEW) and access in _READ_ONLY:
                raise ArgumentError(
                    f"mode {mode.name} makes a file to write into; access {access.name} does not",
                    field="access",
                    value=access,
                )
            if mode is FileMode.CREATE and capacity == 0:
                # Known already, and said before a file that exists loses its bytes.
                raise _empty_file()
            descriptor, created = _system.open_file(path, mode, access)
            created_path = path if created else None
            leave_open = False

            def on_close(descriptor: int = descriptor) -> None:
                os.close(descriptor)
        else:
            if getattr(file, "closed", False):
                raise ClosedError("the file to map is closed")
            if not hasattr(file, "fileno"):
                raise ArgumentNullError(
                    f"a path or an open file is needed, not {type(file).__name__}",
                    field="file",
                    value=file,
                )
            if getattr(file, "writable", bool)():
                file.flush()  # what Python still buffers belongs into the map as well
            descriptor = file.fileno()
            on_close = _nothing if leave_open else file.close
        try:
            capacity = _file_capacity(descriptor, capacity, access)
            return cls(
                _system.create_from_descriptor(
                    descriptor, name, capacity, access, inheritability, on_close
                )
            )
        except BaseException:
            # As in .NET, an open file that was handed in stays open when the call fails.
            if isinstance(file, (str, os.PathLike)):
                on_close()
            if created_path is not None:
                with suppress(OSError):
                    os.unlink(created_path)
            raise

    @classmethod
    def from_handle(cls, handle: int) -> Self:
        """Take over the handle of a map that this process inherited.

        ``handle`` is the number that :meth:`fileno` gave in the parent, where the map was made
        INHERITABLE; how the number gets here is the parent's business. It is closed with the
        map. Of a named map this process is a holder of its own from now on. .NET has no such
        method: there the handle goes to MapViewOfFile or mmap itself.

        Raises MapIOError if there is no such handle here, or it is no map's; it is left open.
        """
        return cls(_system.adopt(handle))

    def create_view_accessor(
        self,
        offset: int = 0,
        size: int = 0,
        access: MemoryMappedFileAccess = MemoryMappedFileAccess.READ_WRITE,
    ) -> MemoryMappedViewAccessor:
        """A view of ``size`` bytes from ``offset`` for random access. .NET: CreateViewAccessor.

        Size 0 means "to the end" (on Windows rounded up to whole pages). Raises
        ArgumentOutOfRangeError for a negative argument or an offset behind the end,
        MapAccessError for more bytes than there are or access that the map does not have,
        MapIOError for more than any process could map, ClosedError. On Windows it is the
        kernel that refuses a view behind the end, with MapAccessError or MapIOError.
        """
        memory = self._map_view(offset, size, access)
        return MemoryMappedViewAccessor(memory, access, offset)

    def create_view_stream(
        self,
        offset: int = 0,
        size: int = 0,
        access: MemoryMappedFileAccess = MemoryMappedFileAccess.READ_WRITE,
    ) -> MemoryMappedViewStream:
        """A view as a raw binary stream. .NET: CreateViewStream. Raises as the accessor's."""
        memory = self._map_view(offset, size, access)
        return MemoryMappedViewStream(memory, access, offset)

    def _map_view(
        self, offset: int, size: int, access: MemoryMappedFileAccess
    ) -> _system.ViewMemory:
        for field, value in (("offset", offset), ("size", size)):
            if not 0 <= value <= _INT64_MAX:
                raise _out_of_range(field, value, 0)
        _check_enum(MemoryMappedFileAccess, access, "access")
        if self.closed:
            raise ClosedError("the map is closed")
        capacity = self._handle.capacity
        if capacity >= 0:  # the Windows kernel knows, but does not tell, a section's size
            if offset > capacity:
                raise ArgumentOutOfRangeError(
                    f"offset {offset} is behind the map's end at {capacity}",
                    field="offset",
                    value=offset,
                    limit=capacity,
                )
            if size > _ADDRESS_SPACE:
                raise MapIOError(
                    f"a view of {size} bytes is larger than a process's address space",
                    field="size",
                    value=size,
                    limit=_ADDRESS_SPACE,
                )
            if offset + size > capacity:
                raise MapAccessError(
                    f"a view of {size} bytes at {offset} needs a map of {offset + size} bytes; "
                    f"this one has {capacity}",
                    field="size",
                    value=offset + size,
                    limit=capacity,
                )
            size = size or capacity - offset
        return self._handle.map_view(offset, size, access)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return not self._close.alive

    def fileno(self) -> int:
        """The descriptor of the map (POSIX), or its kernel handle (Windows).

        .NET: SafeMemoryMappedFileHandle. Raises ClosedError.
        """
        if self.closed:
            raise ClosedError("the map is closed")
        return self._handle.fileno()

    def close(self) -> None:
        """Let go of the map; views of it stay valid. Closing twice is fine. .NET: Dispose."""
        self._close()

    def __reduce__(self) -> NoReturn:
        # A pickled copy could only be a closed map.
        raise TypeError("a map can't be pickled; let the other process open it by its name or path")


def _nothing() -> None:
    """The ``on_close`` of a file that its owner closes."""


def _out_of_range(field: str, value: int, least: int) -> ArgumentOutOfRangeError:
    return ArgumentOutOfRangeError(
        f"{field} must be {least} to {_INT64_MAX}, not {value}",
        field=field,
        value=value,
        limit=least if value < least else _INT64_MAX,
    )


def _check_enum(enum: type[_E], value: int, field: str) -> None:
    # Identity, not just a valid number: later comparisons are by identity.
    if not isinstance(value, enum):
        raise ArgumentOutOfRangeError(
            f"{field} must be a {enum.__name__}, not {value!r}", field=field, value=value
        )


def _check_new(
    capacity: int,
    access: MemoryMappedFileAccess,
    options: MemoryMappedFileOptions,
    inheritability: HandleInheritability,
) -> None:
    if not 1 <= capacity <= _INT64_MAX:
        raise _out_of_range("capacity", capacity, 1)
    _check_enum(MemoryMappedFileAccess, access, "access")
    if int(options) & ~int(MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES):
        raise ArgumentOutOfRangeError(
            f"options must be MemoryMappedFileOptions, not {options!r}",
            field="options",
            value=options,
        )
    _check_enum(HandleInheritability, inheritability, "inheritability")


def _check_path(path: str) -> None:
    if not path:
        raise ArgumentError("the path of the file must not be empty", field="file", value=path)
    if "\0" in path:
        raise ArgumentError("a path must not contain NUL", field="file", value=path)


def _empty_file() -> ArgumentError:
    return ArgumentError(
        "an empty file needs a capacity above 0", field="capacity", value=0, limit=1
    )


def _file_capacity(descriptor: int, capacity: int, access: MemoryMappedFileAccess) -> int:
    try:
        size = os.fstat(descriptor).st_size
    except OSError as error:
        raise MapIOError(
            f"the file to map has no usable descriptor ({descriptor}): {error.strerror}",
            errno=error.errno,
        ) from error
    if capacity == 0 and size == 0:
        raise _empty_file()
    if capacity == 0:
        return size
    if capacity > size and access is MemoryMappedFileAccess.READ:
        raise ArgumentError(
            f"a READ map can't be larger ({capacity}) than its file ({size} bytes)",
            field="capacity",
            value=capacity,
            limit=size,
        )
    if capacity < size:
        raise ArgumentOutOfRangeError(
            f"capacity {capacity} is smaller than the file ({size} bytes)",
            field="capacity",
            value=capacity,
            limit=size,
        )
    return capacity
