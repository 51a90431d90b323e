"""MemoryMappedFile, as System.IO.MemoryMappedFiles has it.

https://learn.microsoft.com/dotnet/api/system.io.memorymappedfiles.memorymappedfile
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from weakref import ref

from .._support.closing import Closing
from .._support.integers import int64, integer
from .._support.live import refuse_copy
from .._support.shown import shown
from ..errors import (
    ArgumentError,
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ClosedError,
    MapAccessError,
    MapIOError,
)
from . import registry
from .accessor import MemoryMappedViewAccessor
from .enums import (
    READ_ONLY,
    FileMode,
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)
from .names import check_name
from .stream import MemoryMappedViewStream

if sys.platform == "win32":
    from . import windows as _system
else:
    from . import posix as _system

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import IntEnum
    from typing import NoReturn, Protocol, Self, TypeVar

    from .descriptors import Descriptor
    from .system import MapHandle, System, ViewMemory

    _checked: System = _system
    _E = TypeVar("_E", bound=IntEnum)

    class _OpenFile(Protocol):
        """An open file, as ``open()`` returns it."""

        def fileno(self) -> int: ...
        def flush(self) -> None: ...
        def close(self) -> None: ...


__all__ = ["MemoryMappedFile"]

# The largest view that .NET permits outside Windows.
_ADDRESS_SPACE = 8_192_000_000_000 if sys.maxsize > 2**32 else 4_096_000_000
_ALL_RIGHTS = MemoryMappedFileRights.FULL_CONTROL | MemoryMappedFileRights.ACCESS_SYSTEM_SECURITY


class MemoryMappedFile(Closing):
    """A memory-mapped file: a named or anonymous block of shared memory, or a file in memory.

    One of the class methods creates it. Close it with :meth:`close` or ``with``; views made from
    it stay valid until they are closed themselves. A named map exists until its last holder, a
    process in either language, closes it or ends (docs/named-maps.md).
    """

    __slots__ = ("__weakref__", "_file", "_handle")

    def __init__(self, handle: MapHandle, file: _OpenFile | None = None) -> None:
        """Do not call this; use the class methods."""
        self._file = file  # which is closed with the map
        self._handle = handle
        registry.keep(handle, self)

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

        With ``map_name`` None the map is anonymous. .NET: CreateNew.

        Raises MapExistsError (FileExistsError) if a process holds a map of that name,
        NameRuleError, ArgumentError for access WRITE, ArgumentOutOfRangeError for a capacity
        below 1 or an unknown enum value, and MapIOError if there is not enough memory.
        """
        name = None if map_name is None else check_name(map_name)
        capacity = _check_capacity_and_access(capacity, access)
        if access is MemoryMappedFileAccess.WRITE:
            raise ArgumentError(
                "a new map can't have access WRITE; use READ_WRITE", field="access", value=access
            )
        options = _check_options(options, inheritability)
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

        A map that exists keeps its own capacity; then the argument is ignored. With access WRITE
        the map is only opened. Raises as :meth:`create_new`, without MapExistsError.
        """
        name = check_name(map_name)
        capacity = _check_capacity_and_access(capacity, access)
        options = _check_options(options, inheritability)
        return cls(_system.create_or_open_named(name, capacity, access, options, inheritability))

    @classmethod
    def open_existing(
        cls,
        map_name: str,
        desired_access_rights: MemoryMappedFileRights = MemoryMappedFileRights.READ_WRITE,
        inheritability: HandleInheritability = HandleInheritability.NONE,
    ) -> Self:
        """Open a named map that a process holds. .NET: OpenExisting.

        Raises MapNotFoundError (FileNotFoundError) if there is none, MapAccessError
        (PermissionError) if the system refuses the rights, NameRuleError, and
        ArgumentOutOfRangeError for unknown rights.
        """
        name = check_name(map_name)
        _check_enum(HandleInheritability, inheritability, "inheritability")
        number = integer(desired_access_rights, "desired_access_rights")
        if number & ~int(_ALL_RIGHTS):
            raise ArgumentOutOfRangeError(
                f"desired_access_rights {number:#x} has unknown bits",
                field="desired_access_rights",
                value=number,
                limit=int(_ALL_RIGHTS),
            )
        rights = MemoryMappedFileRights(number)
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
        """Map a file, given by its path, or an open file (then ``mode`` is not used).

        ``capacity`` 0 means the file's size; with a larger one the file grows to it. An open
        file is closed with the map unless ``leave_open``. ``map_name`` gives the map a name as
        well, on Windows only. .NET: CreateFromFile.

        Raises MapNotFoundError, MapExistsError (mode CREATE_NEW), MapAccessError, MapIOError
        if another process has the file for itself, PlatformError for a map name outside
        Windows, ArgumentError for mode APPEND or TRUNCATE, access WRITE, an empty file
        without a capacity or a READ map larger than its file, and ArgumentOutOfRangeError
        for a capacity below the file's size. If the call fails, a file that it created is
        removed, and an open file stays open, as in .NET.
        """
        # The order of the checks is .NET's, which differs between a path and an open file.
        if not isinstance(file, (str, os.PathLike)) and not hasattr(file, "fileno"):
            raise ArgumentNullError(
                f"a path or an open file is needed, not {type(file).__name__}",
                field="file",
                value=file,
            )
        # Only the kernel of Windows has such names, on every system.
        name = None if map_name is None else check_name(map_name, windows=True)
        capacity = int64(capacity, "capacity")
        if isinstance(file, (str, os.PathLike)):
            path = os.fsdecode(file)
            return cls._from_path(path, mode, name, capacity, access, inheritability)
        _check_enum(MemoryMappedFileAccess, access, "access")
        if capacity == 0 and _size_of(_descriptor_of(file)) <= 0:
            raise _empty_file()
        _check_not_write(access)
        _check_enum(HandleInheritability, inheritability, "inheritability")
        descriptor = _descriptor_of(file)
        closes = None if leave_open else file
        return cls._from_descriptor(
            descriptor, name, capacity, access, inheritability, closes=closes
        )

    @classmethod
    def _from_path(
        cls,
        path: str,
        mode: FileMode,
        name: str | None,
        capacity: int,
        access: MemoryMappedFileAccess,
        inheritability: HandleInheritability,
    ) -> Self:
        """Open the file at ``path`` and map it; the map owns the descriptor."""
        _check_enum(MemoryMappedFileAccess, access, "access")
        if mode in (FileMode.APPEND, FileMode.TRUNCATE):
            raise ArgumentError(
                f"mode {mode.name} can't be used for a map", field="mode", value=mode
            )
        _check_not_write(access)
        _check_enum(HandleInheritability, inheritability, "inheritability")
        if not path:
            raise ArgumentError("the path of the file must not be empty", field="file", value=path)
        _check_mode(mode, access)
        if "\0" in path:
            raise ArgumentError("a path must not contain NUL", field="file", value=path)
        try:
            os.fsencode(path)
        except UnicodeEncodeError as error:
            raise ArgumentError(
                f"a path of this system can't contain {path[error.start]!r}, which is at "
                f"{error.start}",
                field="file",
                value=path,
            ) from None
        # A call that must fail leaves the file as it is. .NET empties it first.
        fails = capacity == 0 or (name is not None and sys.platform != "win32")
        keeps = mode is FileMode.CREATE and fails
        opening = FileMode.OPEN_OR_CREATE if keeps else mode
        created: list[Descriptor] = []
        file: Descriptor | None = None
        try:
            file = _system.open_file(path, opening, access, created)
            size = 0 if keeps else None
            return cls._from_descriptor(
                file.fileno(), name, capacity, access, inheritability, size=size, own=file
            )
        except BaseException:
            for opened in (*created, file):
                if opened is not None:
                    opened.close()
            if created:
                with suppress(OSError):
                    os.unlink(path)
            raise

    @classmethod
    def _from_descriptor(
        cls,
        descriptor: int,
        name: str | None,
        capacity: int,
        access: MemoryMappedFileAccess,
        inheritability: HandleInheritability,
        size: int | None = None,
        own: Descriptor | None = None,
        closes: _OpenFile | None = None,
    ) -> Self:
        """Map an open file. The map closes it if it is given as ``own``.

        The map also closes ``closes``, but not if this call fails. ``size`` is the file's, if that
        is not to be looked up.
        """
        if size is None:
            size = _size_of(descriptor)
        capacity = _file_capacity(size, capacity, access)
        handle = _system.create_from_descriptor(
            descriptor, name, capacity, access, inheritability, own
        )
        opened = cls(handle, closes)
        if closes is not None:
            handle.on_close = _closing(closes)
        return opened

    @classmethod
    def from_handle(cls, handle: int) -> Self:
        """Take over the handle of a map that this process inherited.

        ``handle`` is the value of :attr:`handle` in the parent process, where the map was
        created or opened INHERITABLE; the parent passes it on, for example as a
        command-line argument. The handle is closed with the map. Of a named map this process is
        a holder of its own from now on. .NET has no such method: there the handle is passed to
        MapViewOfFile or mmap.

        Raises MapIOError if this process has no such handle, or if it is not the handle of a
        map; then it is left open.
        """
        number = integer(handle, "handle")
        if abs(number) > sys.maxsize:  # no system has such a handle, and cffi can't pass it on
            raise MapIOError(
                f"handle {number} is not an inherited map",
                errno=errno.EBADF, field="handle", value=number,
            )  # fmt: skip
        return cls(_system.adopt(number))

    def create_view_accessor(
        self,
        offset: int = 0,
        size: int = 0,
        access: MemoryMappedFileAccess = MemoryMappedFileAccess.READ_WRITE,
    ) -> MemoryMappedViewAccessor:
        """Return a view of ``size`` bytes from ``offset``. .NET: CreateViewAccessor.

        Size 0 means "to the end" (on Windows rounded up to whole pages). Raises
        ArgumentOutOfRangeError for a negative argument or an offset beyond the end,
        MapAccessError for more bytes than the map has or access that the map does not have,
        MapIOError for more than any process can map, and ClosedError. On Windows the kernel
        refuses a view beyond the end, with MapAccessError or MapIOError.
        """
        memory = self._map_view(offset, size, access)
        return MemoryMappedViewAccessor(memory, access, offset)

    def create_view_stream(
        self,
        offset: int = 0,
        size: int = 0,
        access: MemoryMappedFileAccess = MemoryMappedFileAccess.READ_WRITE,
    ) -> MemoryMappedViewStream:
        """Return a view as a raw binary stream. .NET: CreateViewStream.

        Raises as :meth:`create_view_accessor`.
        """
        memory = self._map_view(offset, size, access)
        return MemoryMappedViewStream(memory, access, offset)

    def _map_view(self, offset: int, size: int, access: MemoryMappedFileAccess) -> ViewMemory:
        offset, size = int64(offset, "offset"), int64(size, "size")
        _check_enum(MemoryMappedFileAccess, access, "access")
        capacity = self._handle.capacity
        if capacity >= 0:  # the Windows kernel checks the size of a section, but does not report it
            if offset > capacity:
                raise ArgumentOutOfRangeError(
                    f"offset {offset} is beyond the end of the map at {capacity}",
                    field="offset",
                    value=offset,
                    limit=capacity,
                )
            if size > _ADDRESS_SPACE:
                raise MapIOError(
                    f"a view of {size} bytes is larger than the address space of a process "
                    f"({_ADDRESS_SPACE} bytes)",
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
        return self._handle.number < 0

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedError("the map is closed")

    @property
    def handle(self) -> int:
        """The map's kernel handle (Windows) or its descriptor (POSIX), which a child can inherit.

        .NET: SafeMemoryMappedFileHandle. Raises ClosedError.
        """
        number = self._handle.number
        if number < 0:  # checked here, because another thread may close the map
            raise ClosedError("the map is closed")
        return number

    def fileno(self) -> int:
        """Return the descriptor of the map (POSIX). Raises ClosedError.

        On Windows a map has no descriptor. There this method returns the kernel handle, and is
        deprecated: use :attr:`handle`.
        """
        handle = self.handle
        if sys.platform == "win32":
            from .._support.deprecated import warn_deprecated

            warn_deprecated("MemoryMappedFile.fileno() on Windows", "MemoryMappedFile.handle")
        return handle

    def close(self) -> None:
        """Release the map; its views stay valid. Another call does nothing. .NET: Dispose."""
        self._handle.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy("a map", "let the other process open it by its name or path")


def _check_enum(enum: type[_E], value: int, field: str) -> None:
    # A valid number is not enough: later comparisons are by identity.
    if not isinstance(value, enum):
        raise ArgumentOutOfRangeError(
            f"{field} must be a {enum.__name__}, not {shown(value)}", field=field, value=value
        )


def _check_capacity_and_access(capacity: int, access: MemoryMappedFileAccess) -> int:
    capacity = int64(capacity, "capacity", least=1)
    _check_enum(MemoryMappedFileAccess, access, "access")
    return capacity


def _check_options(
    options: MemoryMappedFileOptions, inheritability: HandleInheritability
) -> MemoryMappedFileOptions:
    number = integer(options, "options")
    if number & ~int(MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES):
        raise ArgumentOutOfRangeError(
            f"options must be MemoryMappedFileOptions, not {number}", field="options", value=number
        )
    _check_enum(HandleInheritability, inheritability, "inheritability")
    return MemoryMappedFileOptions(number)


def _check_not_write(access: MemoryMappedFileAccess) -> None:
    if access is MemoryMappedFileAccess.WRITE:
        raise ArgumentError(
            "a file's map can't have access WRITE; use READ_WRITE", field="access", value=access
        )


def _check_mode(mode: FileMode, access: MemoryMappedFileAccess) -> None:
    _check_enum(FileMode, mode, "mode")
    if mode in (FileMode.CREATE, FileMode.CREATE_NEW) and access in READ_ONLY:
        raise ArgumentError(
            f"mode {mode.name} creates an empty file, but access {access.name} can't write to it",
            field="access",
            value=access,
        )


def _closing(file: _OpenFile) -> Callable[[], None]:
    """Return a function that closes ``file``.

    It does not keep the file: the handle of a map is kept until the map is garbage, which it
    would never be if the file refers to it.
    """
    try:
        reference = ref(file)
    except TypeError:  # a class with __slots__
        return file.close

    def close() -> None:
        file = reference()
        if file is not None:
            file.close()

    return close


def _descriptor_of(file: _OpenFile) -> int:
    """Return the descriptor of an open file, after its own buffer was written."""
    if getattr(file, "closed", False):
        raise ClosedError("the file to map is closed")
    if getattr(file, "writable", bool)():
        file.flush()
    return file.fileno()


def _empty_file() -> ArgumentError:
    return ArgumentError(
        "an empty file needs a capacity above 0", field="capacity", value=0, limit=1
    )


def _size_of(descriptor: int) -> int:
    """Return the size of a file; -1 for a character device, which has none."""
    try:
        status = os.fstat(descriptor)
        return -1 if stat.S_ISCHR(status.st_mode) else status.st_size
    except OSError as error:
        raise MapIOError(
            f"the file to map has no usable descriptor ({descriptor}): {error.strerror}",
            errno=error.errno,
        ) from error


def _file_capacity(size: int, capacity: int, access: MemoryMappedFileAccess) -> int:
    if capacity == 0 and size <= 0:
        raise _empty_file()
    if capacity == 0:
        return size
    if size < 0:
        return capacity
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
