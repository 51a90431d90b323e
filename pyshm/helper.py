"""ShareMemoryHelper: a map and one view of the whole map."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from ._support.buffers import bytes_of, opened
from ._support.closing import Closing
from ._support.integers import check_offset, integer
from ._support.lazy import lazy_names
from ._support.live import refuse_copy
from ._support.shown import shown
from .errors import (
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ClosedError,
    DoesNotFitError,
    MapAccessError,
    MapIOError,
    MapNotFoundError,
    UnsupportedError,
)
from .formats.image import ImageData, strict_from_errors
from .maps.enums import FileMode, MemoryMappedFileAccess, MemoryMappedFileRights
from .maps.mapping import MemoryMappedFile

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]
    from typing import Any, ClassVar, NoReturn, Self, TypeVar

    from .formats.image import Errors
    from .maps.accessor import MemoryMappedViewAccessor
    from .structs.struct import Struct

    _S = TypeVar("_S", bound=Struct)

__all__ = ["ShareMemoryHelper"]

if not TYPE_CHECKING:
    _RENAMED = {"DEFAULT_CAPACITY": "ShareMemoryHelper.DEFAULT_CAPACITY"}
    __getattr__, _ = lazy_names(__name__, globals(), {}, renamed=_RENAMED)

_RIGHTS = {
    MemoryMappedFileAccess.READ_WRITE: MemoryMappedFileRights.READ_WRITE,
    MemoryMappedFileAccess.READ: MemoryMappedFileRights.READ,
    MemoryMappedFileAccess.WRITE: MemoryMappedFileRights.WRITE,
    MemoryMappedFileAccess.COPY_ON_WRITE: MemoryMappedFileRights.COPY_ON_WRITE,
    MemoryMappedFileAccess.READ_EXECUTE: MemoryMappedFileRights.READ_EXECUTE,
    MemoryMappedFileAccess.READ_WRITE_EXECUTE: MemoryMappedFileRights.READ_WRITE_EXECUTE,
}


class ShareMemoryHelper(Closing):
    """A map by name, or a file by path, with blobs and structs at offset 0.

        with ShareMemoryHelper("picture").create_or_open() as memory:
            memory.write_image(ImageData.from_file("photo.jpg"))

    ``capacity`` is in bytes. The map is opened by :meth:`create_or_open`, :meth:`open`,
    :meth:`create_from_file` or :meth:`open_file`; each returns the helper itself. Before that,
    and after :meth:`close`, every use raises ClosedError. A read or write raises
    UnsupportedError if ``access`` does not permit it, and MapIOError if the file was truncated
    under the map.
    """

    __slots__ = ("_accessor", "_map", "access", "buffer", "capacity", "map_name")

    DEFAULT_CAPACITY: ClassVar[int] = 10 * 1024 * 1024
    """The capacity of a map if none is given: 10 MiB."""

    buffer: memoryview
    """The memory of the whole map, not a copy. It stays valid after :meth:`close`."""

    def __init__(
        self,
        map_name: str | None,
        capacity: int = DEFAULT_CAPACITY,
        *,
        access: MemoryMappedFileAccess = MemoryMappedFileAccess.READ_WRITE,
    ) -> None:
        capacity = integer(capacity, "capacity")
        if capacity < 1:
            raise ArgumentOutOfRangeError(
                f"capacity must be at least 1, not {capacity}",
                field="capacity",
                value=capacity,
                limit=1,
            )
        if access not in _RIGHTS:
            raise ArgumentOutOfRangeError(
                f"access must be a MemoryMappedFileAccess, not {shown(access)}",
                field="access",
                value=access,
            )
        self.map_name = map_name
        self.capacity = capacity
        self.access = access
        self._map: MemoryMappedFile | None = None
        self._accessor: MemoryMappedViewAccessor | None = None

    def create_or_open(self) -> Self:
        """Create the named map, or open it with its own capacity.

        Raises as MemoryMappedFile.create_or_open.
        """
        return self._use(MemoryMappedFile.create_or_open(self._name(), self.capacity, self.access))

    def open(self) -> Self:
        """Open the named map that a process holds. Raises as MemoryMappedFile.open_existing."""
        return self._use(MemoryMappedFile.open_existing(self._name(), _RIGHTS[self.access]))

    def create_from_file(self, path: str | os.PathLike[str]) -> Self:
        """Map the file at ``path``. It is created if it is missing, and grows to the capacity.

        Raises as MemoryMappedFile.create_from_file.
        """
        try:
            size = os.stat(path).st_size
        except OSError:
            size = 0  # the file is missing, or opening it raises a better error
        return self._use(
            _map_shared(path, FileMode.OPEN_OR_CREATE, max(self.capacity, size), self.access)
        )

    def open_file(self, path: str | os.PathLike[str]) -> Self:
        """Map the existing file at ``path``, with its own size.

        Raises as MemoryMappedFile.create_from_file.
        """
        return self._use(_map_shared(path, FileMode.OPEN, 0, self.access))

    def read_bytes(self) -> bytes:
        """Return a copy of exactly ``capacity`` bytes: the map's, and zeros after its end.

        This is the interface of the original C# helper; :attr:`buffer` makes no copy.
        """
        memory = self._readable()
        if len(memory) >= self.capacity:
            return bytes(memory[: self.capacity])
        return bytes(memory).ljust(self.capacity, b"\0")

    def write_bytes(self, data: Buffer, offset: int = 0) -> None:
        """Write ``data`` from ``offset`` on; the bytes after it do not change.

        Raises DoesNotFitError if it does not fit; then nothing was written.
        """
        accessor = self._opened()
        offset = check_offset(offset)
        size = opened(data, "data").nbytes
        if offset + size > accessor.capacity:
            raise DoesNotFitError(
                f"{size} bytes at {offset} do not fit the map of {accessor.capacity} bytes",
                field="data",
                offset=offset,
                value=offset + size,
                limit=accessor.capacity,
            )
        if size:
            accessor.write_array(offset, bytes_of(data))

    def read_struct(self, struct: type[_S]) -> _S:
        """Return a copy of a struct. Raises TruncatedError if the map is smaller than that."""
        return struct.unpack_from(self._readable())

    def write_struct(self, value: Struct) -> None:
        """Write a struct. Raises as Struct.pack_into; then nothing was written."""
        value.pack_into(self._writable())

    def view_struct(self, struct: type[Struct]) -> Any:
        """Return a struct whose attributes read and write the map's memory (Struct.view)."""
        return struct.view(self._writable())

    def read_image(self, *, strict: bool = True, errors: Errors | None = None) -> ImageData:
        """Read a blob. Its content is the map's memory itself, not a copy.

        The arguments and errors are those of ImageData.from_bytes.
        """
        if errors is not None:
            strict = strict_from_errors(errors)
        return ImageData.from_bytes(self._readable(), strict=strict)

    def write_image(
        self, image: ImageData, *, strict: bool = True, errors: Errors | None = None
    ) -> int:
        """Write a blob. Return its size in bytes.

        The arguments and errors are those of ImageData.write_into.
        """
        if errors is not None:
            strict = strict_from_errors(errors)
        return image.write_into(self._writable(), strict=strict)

    @property
    def accessor(self) -> MemoryMappedViewAccessor:
        """The view of the whole map."""
        return self._opened()

    @property
    def closed(self) -> bool:
        """Whether the helper has no open map."""
        return self._accessor is None

    def close(self) -> None:
        """Release the map. Another call does nothing. .NET: Dispose."""
        accessor, opened = self._accessor, self._map
        # The helper counts as closed when everything is, also if two threads close it, or if an
        # interrupted call is repeated.
        try:
            if accessor is not None:
                accessor.close()
        finally:
            if opened is not None:
                opened.close()
            with suppress(AttributeError):
                del self.buffer
            self._accessor = self._map = None

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy("a helper", "send its map name or path, or the bytes that it reads")

    def __getattr__(self, name: str) -> Any:
        # ``buffer`` is a plain slot, which is empty if no map is open. So using it costs no check.
        if name == "buffer":
            raise ClosedError(f"no map is open in this helper ({self.map_name!r})")
        raise AttributeError(f"ShareMemoryHelper has no attribute {name!r}", name=name)

    def _name(self) -> str:
        if self.map_name is None:
            raise ArgumentNullError(
                "this helper has no map name; use create_from_file or open_file", field="map_name"
            )
        return self.map_name

    def _opened(self) -> MemoryMappedViewAccessor:
        if self._accessor is None:
            raise ClosedError(f"no map is open in this helper ({self.map_name!r})")
        return self._accessor

    def _readable(self) -> memoryview:
        accessor = self._opened()
        return self._checked(accessor, accessor.can_read, "reading")

    def _writable(self) -> memoryview:
        accessor = self._opened()
        return self._checked(accessor, accessor.can_write, "writing")

    def _checked(
        self, accessor: MemoryMappedViewAccessor, permitted: bool, what: str
    ) -> memoryview:
        if not permitted:
            if accessor.closed:  # by another thread: a closed view permits nothing
                raise ClosedError(f"no map is open in this helper ({self.map_name!r})")
            raise UnsupportedError(f"access {self.access.name} does not permit {what}")
        accessor.check_backed()
        return self.buffer

    def _use(self, opened: MemoryMappedFile) -> Self:
        try:
            accessor = opened.create_view_accessor(0, 0, self.access)
            self.close()
            self._accessor = accessor
            self._map = opened
            self.buffer = accessor.buffer
        except BaseException:
            opened.close()
            raise
        return self


def _map_shared(
    path: str | os.PathLike[str], mode: FileMode, capacity: int, access: MemoryMappedFileAccess
) -> MemoryMappedFile:
    """Map a file that other programs may map for writing at the same time."""
    if sys.platform != "win32":
        return MemoryMappedFile.create_from_file(path, mode, None, capacity, access)
    # On Windows, create_from_file with a path lets other programs only read the file, as .NET
    # does. A file that Python opens is shared without limits.
    reading = access in (MemoryMappedFileAccess.READ, MemoryMappedFileAccess.READ_EXECUTE)
    flags = os.O_BINARY | (os.O_RDONLY if reading else os.O_RDWR)
    if mode is FileMode.OPEN_OR_CREATE:
        flags |= os.O_CREAT
    try:
        file = os.fdopen(os.open(path, flags, 0o666), "rb" if reading else "r+b")
    except FileNotFoundError as error:
        raise MapNotFoundError(f"file {path!r}: {error.strerror}", errno=error.errno) from error
    except PermissionError as error:
        raise MapAccessError(f"file {path!r}: {error.strerror}", errno=error.errno) from error
    except OSError as error:
        raise MapIOError(f"file {path!r}: {error.strerror}", errno=error.errno) from error
    try:
        return MemoryMappedFile.create_from_file(file, capacity=capacity, access=access)
    except BaseException:
        file.close()
        raise
