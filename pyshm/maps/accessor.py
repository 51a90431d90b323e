"""The two kinds of view: MemoryMappedViewAccessor and MemoryMappedViewStream.

https://learn.microsoft.com/dotnet/api/system.io.memorymappedfiles.memorymappedviewaccessor
https://learn.microsoft.com/dotnet/api/system.io.memorymappedfiles.memorymappedviewstream
"""

from __future__ import annotations

import io
import sys
from collections.abc import MutableSequence, Sequence
from struct import Struct as Codec
from struct import error as CodecError
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from .._support.closing import Closing
from ..errors import (
    ArgumentError,
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ClosedError,
    MapIOError,
    UnsupportedError,
)
from .enums import MemoryMappedFileAccess

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]
    from decimal import Decimal

    from ..structs.struct import Struct
    from .elements import Element, StructElement

__all__ = ["MemoryMappedViewAccessor", "MemoryMappedViewStream"]

_S = TypeVar("_S", bound="Struct")

_CAN_READ = frozenset(MemoryMappedFileAccess) - {MemoryMappedFileAccess.WRITE}
_CAN_WRITE = frozenset(MemoryMappedFileAccess) - {
    MemoryMappedFileAccess.READ,
    MemoryMappedFileAccess.READ_EXECUTE,
}

_BYTE = Codec("<B")
_SBYTE = Codec("<b")
_INT16 = Codec("<h")
_UINT16 = Codec("<H")
_INT32 = Codec("<i")
_UINT32 = Codec("<I")
_INT64 = Codec("<q")
_UINT64 = Codec("<Q")
_SINGLE = Codec("<f")
_DOUBLE = Codec("<d")
_DECIMAL = Codec("<IIII")


class ViewMemory(Protocol):
    """What a view needs of the system's mapping (_posix.py, _windows.py)."""

    @property
    def buffer(self) -> memoryview: ...
    @property
    def capacity(self) -> int: ...
    @property
    def pointer_offset(self) -> int: ...
    def flush(self) -> None: ...
    def check_backed(self, offset: int) -> None: ...
    def release(self) -> None: ...


class MemoryMappedViewAccessor(Closing):
    """Random access to a view of a map; made by ``create_view_accessor``.

    Positions count bytes from the beginning of the view; all values are little-endian.
    Every read and write raises ArgumentOutOfRangeError for a position outside the view,
    ArgumentError where the value begins inside but does not end there, UnsupportedError
    where the view's access does not permit it, and ClosedError after :meth:`close`.

    The memory itself is :attr:`buffer`; from Python 3.12 on ``memoryview(accessor)`` and
    ``numpy.frombuffer(accessor, ...)`` work as well. It stays mapped until the last buffer
    taken from it is let go of, also beyond :meth:`close`, so no access to a closed view can
    crash. Truncating the file of a map is another matter: see :meth:`check_backed`.
    """

    __slots__ = (
        "__weakref__",
        "_buffer",
        "_closed",
        "_memory",
        "_offset",
        "_read_limit",
        "_readable",
        "_writable",
        "_write_limit",
    )

    def __init__(self, memory: ViewMemory, access: MemoryMappedFileAccess, offset: int) -> None:
        """Not for callers; use ``MemoryMappedFile.create_view_accessor``."""
        self._memory = memory
        self._buffer = memory.buffer
        self._offset = offset
        self._closed = False
        self._readable = access in _CAN_READ
        self._writable = access in _CAN_WRITE
        # One comparison on the fast path says "open, permitted and inside".
        self._read_limit = memory.capacity if self._readable else -1
        self._write_limit = memory.capacity if self._writable else -1

    # --- properties ---

    @property
    def capacity(self) -> int:
        """The view's size in bytes (on Windows rounded up to whole pages). .NET: Capacity."""
        return self._memory.capacity

    @property
    def pointer_offset(self) -> int:
        """Where the view begins, in bytes from the beginning of its first page or allocation unit.

        .NET: PointerOffset.
        """
        return self._memory.pointer_offset

    @property
    def can_read(self) -> bool:
        """Whether the view is open and permits reading. .NET: CanRead."""
        return self._readable and not self._closed

    @property
    def can_write(self) -> bool:
        """Whether the view is open and permits writing. .NET: CanWrite."""
        return self._writable and not self._closed

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    @property
    def buffer(self) -> memoryview:
        """The view's memory itself, as bytes; read-only where the view is. No copy is made.

        Every access gives a new memoryview, which may outlive the accessor.
        """
        self._check_open()
        return self._buffer[:]

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int) -> memoryview:
            self._check_open()
            return self._buffer[:]

    # --- single values ---

    def read_boolean(self, position: int) -> bool:
        """One byte; anything but 0 is True. .NET: ReadBoolean."""
        return self.read_byte(position) != 0

    def read_byte(self, position: int) -> int:
        """An unsigned 8-bit integer. .NET: ReadByte."""
        if not 0 <= position <= self._read_limit - 1:
            self._check_read(position, 1)
        return _BYTE.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_sbyte(self, position: int) -> int:
        """A signed 8-bit integer. .NET: ReadSByte."""
        if not 0 <= position <= self._read_limit - 1:
            self._check_read(position, 1)
        return _SBYTE.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_char(self, position: int) -> str:
        """One UTF-16 code unit, which may be half of a surrogate pair. .NET: ReadChar."""
        return chr(self.read_uint16(position))

    def read_int16(self, position: int) -> int:
        """A signed 16-bit integer. .NET: ReadInt16."""
        if not 0 <= position <= self._read_limit - 2:
            self._check_read(position, 2)
        return _INT16.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_uint16(self, position: int) -> int:
        """An unsigned 16-bit integer. .NET: ReadUInt16."""
        if not 0 <= position <= self._read_limit - 2:
            self._check_read(position, 2)
        return _UINT16.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_int32(self, position: int) -> int:
        """A signed 32-bit integer. .NET: ReadInt32."""
        if not 0 <= position <= self._read_limit - 4:
            self._check_read(position, 4)
        return _INT32.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_uint32(self, position: int) -> int:
        """An unsigned 32-bit integer. .NET: ReadUInt32."""
        if not 0 <= position <= self._read_limit - 4:
            self._check_read(position, 4)
        return _UINT32.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_int64(self, position: int) -> int:
        """A signed 64-bit integer. .NET: ReadInt64."""
        if not 0 <= position <= self._read_limit - 8:
            self._check_read(position, 8)
        return _INT64.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_uint64(self, position: int) -> int:
        """An unsigned 64-bit integer. .NET: ReadUInt64."""
        if not 0 <= position <= self._read_limit - 8:
            self._check_read(position, 8)
        return _UINT64.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_single(self, position: int) -> float:
        """A 32-bit IEEE 754 number. .NET: ReadSingle."""
        if not 0 <= position <= self._read_limit - 4:
            self._check_read(position, 4)
        return _SINGLE.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_double(self, position: int) -> float:
        """A 64-bit IEEE 754 number. .NET: ReadDouble."""
        if not 0 <= position <= self._read_limit - 8:
            self._check_read(position, 8)
        return _DOUBLE.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]

    def read_decimal(self, position: int) -> Decimal:
        """A 16-byte decimal as the accessor stores it: lo, mid, hi, flags. .NET: ReadDecimal.

        Raises ArgumentError for flags that no decimal has.
        """
        from .._support.decimals import decimal_from_parts

        self._check_read(position, 16)
        low, middle, high, flags = _DECIMAL.unpack_from(self._buffer, position)
        return decimal_from_parts(low, middle, high, flags)

    def write_boolean(self, position: int, value: bool) -> None:
        """One byte, 1 or 0. .NET: Write(Int64, Boolean)."""
        self._write(_BYTE, position, 1 if value else 0)

    def write_byte(self, position: int, value: int) -> None:
        """An integer of 0 to 255. .NET: Write(Int64, Byte)."""
        self._write(_BYTE, position, value)

    def write_sbyte(self, position: int, value: int) -> None:
        """An integer of -128 to 127. .NET: Write(Int64, SByte)."""
        self._write(_SBYTE, position, value)

    def write_char(self, position: int, value: str) -> None:
        """One UTF-16 code unit: a str of one character below U+10000. .NET: Write(Int64, Char)."""
        from .elements import CHAR

        self._write(_UINT16, position, CHAR.to_raw(value))

    def write_int16(self, position: int, value: int) -> None:
        """A signed 16-bit integer. .NET: Write(Int64, Int16)."""
        self._write(_INT16, position, value)

    def write_uint16(self, position: int, value: int) -> None:
        """An unsigned 16-bit integer. .NET: Write(Int64, UInt16)."""
        self._write(_UINT16, position, value)

    def write_int32(self, position: int, value: int) -> None:
        """A signed 32-bit integer. .NET: Write(Int64, Int32)."""
        self._write(_INT32, position, value)

    def write_uint32(self, position: int, value: int) -> None:
        """An unsigned 32-bit integer. .NET: Write(Int64, UInt32)."""
        self._write(_UINT32, position, value)

    def write_int64(self, position: int, value: int) -> None:
        """A signed 64-bit integer. .NET: Write(Int64, Int64)."""
        self._write(_INT64, position, value)

    def write_uint64(self, position: int, value: int) -> None:
        """An unsigned 64-bit integer. .NET: Write(Int64, UInt64)."""
        self._write(_UINT64, position, value)

    def write_single(self, position: int, value: float) -> None:
        """A 32-bit IEEE 754 number; too large a value is an error. .NET: Write(Int64, Single)."""
        self._write(_SINGLE, position, value)

    def write_double(self, position: int, value: float) -> None:
        """A 64-bit IEEE 754 number. .NET: Write(Int64, Double)."""
        self._write(_DOUBLE, position, value)

    def write_decimal(self, position: int, value: Decimal) -> None:
        """A decimal of at most 96 bits and 28 decimal places, stored lo, mid, hi, flags.

        .NET: Write(Int64, Decimal).
        """
        from .._support.decimals import parts_from_decimal

        self._check_write(position, 16)
        self._buffer[position : position + 16] = _DECIMAL.pack(*parts_from_decimal(value))

    def _write(self, codec: Codec, position: int, value: float) -> None:
        if not 0 <= position <= self._write_limit - codec.size:
            self._check_write(position, codec.size)
        try:
            # Not pack_into: it stores zeros first, which another process could see, and which
            # would stay when the value turns out not to fit.
            self._buffer[position : position + codec.size] = codec.pack(value)
        except (CodecError, OverflowError, TypeError) as error:
            raise ArgumentOutOfRangeError(
                f"{value!r} can't be stored at {position}: {error}",
                field="value",
                offset=position,
                value=value,
            ) from None

    # --- structs: their managed layout ---

    def read(self, position: int, struct: type[_S]) -> _S:
        """A struct in .NET's own layout, not the marshalled one. .NET: Read<T>(Int64, out T).

        Raises ArgumentError for a struct that holds references: text and arrays in place.
        """
        packing = struct.managed
        self._check_read(position, packing.size)
        return packing.unpack_from(self._buffer, position)  # type: ignore[no-any-return]

    def write(self, position: int, value: Struct) -> None:
        """Write a struct in .NET's own layout. .NET: Write<T>(Int64, ref T).

        Raises as :meth:`read`, and StructValueError; then nothing was written.
        """
        packing = type(value).managed
        self._check_write(position, packing.size)
        packing.pack_into(value, self._buffer, position)

    # --- arrays ---

    @overload
    def read_array(self, position: int, array: type[_S], count: int, /) -> list[_S]: ...
    @overload
    def read_array(
        self,
        position: int,
        array: Buffer | MutableSequence[Any],
        offset: int = 0,
        count: int | None = None,
        *,
        element: Element | type[Struct] | None = None,
    ) -> int: ...
    def read_array(
        self,
        position: int,
        array: Any,
        offset: int = 0,
        count: int | None = None,
        *,
        element: Element | type[Struct] | None = None,
    ) -> Any:
        """Read up to ``count`` elements into ``array`` from its index ``offset`` on.

        ``array`` is a writable buffer (bytearray, array.array, memoryview, NumPy array; its
        format decides the element) or a list, whose ``element`` is one of
        :mod:`pyshm.maps.elements` or a Struct type. ``count`` None means "all behind offset".
        Returns how many elements were read: fewer than asked for where the view ends first.
        ``read_array(position, StructType, count)`` returns a list of structs instead.
        .NET: ReadArray<T>, with its managed layout and its stride.
        """
        if isinstance(array, type):
            found: list[Any] = [None] * max(offset, 0)
            number = self.read_array(position, found, 0, offset, element=array)
            return found[:number]
        target = _Items(array, element, offset, count, writable=True)
        self._check_open_for(self._readable, "reading")
        self._check_position(position)
        self._memory.check_backed(self._offset)
        number = min(target.count, (self._memory.capacity - position) // target.element.size)
        end = position + number * target.element.size
        target.fill(self._buffer[position:end], number)
        return number

    def write_array(
        self,
        position: int,
        array: Buffer | Sequence[Any],
        offset: int = 0,
        count: int | None = None,
        *,
        element: Element | type[Struct] | None = None,
    ) -> None:
        """Write ``count`` elements of ``array`` from its index ``offset`` on.

        Arguments as in :meth:`read_array`; a list of structs needs no ``element``. Raises
        ArgumentError, and writes nothing, when the elements do not all fit. .NET: WriteArray<T>.
        """
        source = _Items(array, element, offset, count, writable=False)
        self._check_position(position)
        self._check_open_for(self._writable, "writing")
        self._memory.check_backed(self._offset)
        end = position + source.count * source.element.size
        if end > self._memory.capacity:
            raise ArgumentError(
                f"{source.count} elements of {source.element.size} bytes at {position} need "
                f"{end} bytes; the view has {self._memory.capacity}",
                field="array",
                offset=position,
                value=end,
                limit=self._memory.capacity,
            )
        taken = source.taken()
        width = source.element.width
        if width == source.element.size:
            self._buffer[position:end] = taken
            return
        # What lies between the elements is not theirs.
        for start in range(0, len(taken), source.element.size):
            at = position + start
            self._buffer[at : at + width] = taken[start : start + width]

    # --- life ---

    def check_backed(self) -> None:
        """Raise MapIOError if the file was truncated under the view (docs/named-maps.md).

        Touching :attr:`buffer` would be a bus error then. Reads and writes of arrays check
        this by themselves.
        """
        self._check_open()
        self._memory.check_backed(self._offset)

    def flush(self) -> None:
        """Write changed pages of a file-backed map to its file. .NET: Flush."""
        self._check_open()
        self._memory.flush()

    def close(self) -> None:
        """Flush, and let go of the view. Closing twice is fine. .NET: Dispose."""
        if not self._closed:
            self._closed = True
            self._read_limit = self._write_limit = -1
            try:
                self._memory.flush()
            finally:
                self._memory.release()

    # --- checks, in .NET's order ---

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the view is closed")

    def _check_open_for(self, permitted: bool, what: str) -> None:
        self._check_open()
        if not permitted:
            raise UnsupportedError(f"the view's access does not permit {what}")

    def _check_position(self, position: int) -> None:
        if not 0 <= position < self._memory.capacity:
            raise ArgumentOutOfRangeError(
                f"position {position} is outside the view of {self._memory.capacity} bytes",
                field="position",
                value=position,
                limit=self._memory.capacity - 1,
            )

    def _check_read(self, position: int, size: int) -> None:
        self._check_open_for(self._readable, "reading")
        self._check_inside(position, size)

    def _check_write(self, position: int, size: int) -> None:
        self._check_open_for(self._writable, "writing")
        self._check_inside(position, size)

    def _check_inside(self, position: int, size: int) -> None:
        self._check_position(position)
        if position + size > self._memory.capacity:
            raise ArgumentError(
                f"{size} bytes at {position} reach behind the view's end at "
                f"{self._memory.capacity}",
                field="position",
                value=position,
                limit=self._memory.capacity - size,
            )


class _Items:
    """The array argument of read_array and write_array: a buffer, or a list with an element."""

    __slots__ = ("_bytes", "_list", "count", "element", "offset")

    def __init__(
        self,
        array: Any,
        element: Element | type[Struct] | None,
        offset: int,
        count: int | None,
        *,
        writable: bool,
    ) -> None:
        from .elements import element_of, element_of_format

        if array is None:
            raise ArgumentNullError("an array is needed, not None", field="array")
        self._bytes: memoryview | None = None
        self._list: Any = None
        try:
            buffer = memoryview(array)
        except TypeError:
            if element is None:
                element = _struct_type(array)
            self._list, length = array, len(array)
            self.element: Element | StructElement = element_of(element)
        else:
            if writable and buffer.readonly:
                raise ArgumentError("the array to read into is read-only", field="array")
            if not buffer.c_contiguous:
                raise ArgumentError("the array must be contiguous", field="array")
            self.element = (
                element_of(element)
                if element is not None
                else element_of_format(buffer.format, buffer.itemsize)
            )
            self._bytes = buffer.cast("B") if buffer.nbytes else memoryview(bytearray())
            length = buffer.nbytes // self.element.size
        if count is None:
            count = max(length - offset, 0)
        for field, value in (("offset", offset), ("count", count)):
            if value < 0:
                raise ArgumentOutOfRangeError(
                    f"{field} must not be negative, but is {value}",
                    field=field,
                    value=value,
                    limit=0,
                )
        if length - offset < count:
            raise ArgumentError(
                f"{count} elements from {offset} on: the array has {length}",
                field="count",
                value=count,
                limit=length - offset,
            )
        self.offset = offset
        self.count = count

    def fill(self, source: memoryview, number: int) -> None:
        if self._bytes is not None:
            start = self.offset * self.element.size
            self._bytes[start : start + len(source)] = source
        else:
            self._list[self.offset : self.offset + number] = self.element.unpack(source)

    def taken(self) -> memoryview | bytes:
        if self._bytes is not None:
            start = self.offset * self.element.size
            return self._bytes[start : start + self.count * self.element.size]
        return self.element.pack(self._list[self.offset : self.offset + self.count])


def _struct_type(array: Any) -> type[Struct]:
    """The type of the structs in a list, which a list of anything else has to be given."""
    from ..structs.struct import Struct

    for item in array:
        if isinstance(item, Struct):
            return type(item)
        break
    raise ArgumentNullError(
        f"a {type(array).__name__} needs element=, one of pyshm.maps.elements", field="element"
    ) from None


class MemoryMappedViewStream(io.RawIOBase):
    """A view as a raw binary stream of fixed length; made by ``create_view_stream``.

    Reads end at the view's end; a write that does not fit raises UnsupportedError and writes
    nothing, as in .NET. :attr:`pointer_offset` is .NET's PointerOffset.
    """

    def __init__(self, memory: ViewMemory, access: MemoryMappedFileAccess, offset: int) -> None:
        """Not for callers; use ``MemoryMappedFile.create_view_stream``."""
        super().__init__()
        self._memory = memory
        self._offset = offset
        self._position = 0
        self._readable = access in _CAN_READ
        self._writable = access in _CAN_WRITE

    def __len__(self) -> int:
        self._check_open()
        return self._memory.capacity

    def __bool__(self) -> bool:
        return True  # a stream of length 0 is a stream

    @property
    def pointer_offset(self) -> int:
        """Where the view begins, in bytes from the beginning of its first page."""
        return self._memory.pointer_offset

    def readable(self) -> bool:
        """Whether the stream is open and permits reading. .NET: CanRead."""
        return self._readable and not self.closed

    def writable(self) -> bool:
        """Whether the stream is open and permits writing. .NET: CanWrite."""
        return self._writable and not self.closed

    def seekable(self) -> bool:
        """Whether the stream is open. .NET: CanSeek."""
        return not self.closed

    def readinto(self, target: Buffer, /) -> int:
        """Read into a writable buffer; returns how many bytes, 0 at the end. .NET: Read."""
        self._check_open_for(self._readable, "reading")
        self._memory.check_backed(self._offset)
        destination = memoryview(target).cast("B")
        end = min(self._position + len(destination), self._memory.capacity)
        count = max(end - self._position, 0)
        destination[:count] = self._memory.buffer[self._position : self._position + count]
        self._position += count
        return count

    def write(self, source: Buffer, /) -> int:
        """Write all of a buffer; returns its length in bytes. .NET: Write."""
        self._check_open_for(self._writable, "writing")
        self._memory.check_backed(self._offset)
        data = memoryview(source).cast("B")
        end = self._position + len(data)
        if end > self._memory.capacity:
            raise UnsupportedError(
                f"writing {len(data)} bytes at {self._position} would let the stream grow "
                f"beyond its {self._memory.capacity} bytes, which a view can't",
                field="source",
                offset=self._position,
                value=end,
                limit=self._memory.capacity,
            )
        self._memory.buffer[self._position : end] = data
        self._position = end
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move the position; behind the end is allowed, before the beginning is not."""
        self._check_open()
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._memory.capacity}
        if whence not in bases:
            raise ArgumentError(f"whence must be 0, 1 or 2, not {whence!r}", field="whence")
        position = bases[whence] + offset
        if position < 0:
            raise MapIOError(
                f"seeking to {position}, before the stream's beginning",
                field="offset",
                value=position,
                limit=0,
            )
        self._position = position
        return position

    def tell(self) -> int:
        """The position in bytes. .NET: Position."""
        self._check_open()
        return self._position

    def truncate(self, size: int | None = None, /) -> int:  # noqa: ARG002 - io's signature
        """Not possible for a view. .NET: SetLength."""
        self._check_open()
        raise UnsupportedError("a view's length can't be changed")

    def flush(self) -> None:
        """Write changed pages of a file-backed map to its file. .NET: Flush."""
        self._check_open()
        self._memory.flush()

    def close(self) -> None:
        """Let go of the view. Closing twice is fine. .NET: Dispose."""
        if not self.closed:
            try:
                super().close()  # flushes first
            finally:
                self._memory.release()

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedError("the stream is closed")

    def _check_open_for(self, permitted: bool, what: str) -> None:
        self._check_open()
        if not permitted:
            raise UnsupportedError(f"the stream's access does not permit {what}")
