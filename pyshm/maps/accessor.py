"""MemoryMappedViewAccessor: random access to a view of a map.

https://learn.microsoft.com/dotnet/api/system.io.memorymappedfiles.memorymappedviewaccessor
"""

from __future__ import annotations

import sys
from struct import Struct as Codec
from struct import error as CodecError

from .._support.closing import NO_BYTES, Closing
from .._support.integers import integer
from .._support.live import refuse_copy
from .._support.shown import shown
from ..errors import ArgumentError, ArgumentOutOfRangeError, ClosedError, UnsupportedError
from .enums import READ_ONLY, MemoryMappedFileAccess

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Buffer, MutableSequence, Sequence  # type: ignore[attr-defined,unused-ignore]
    from decimal import Decimal
    from typing import Any, NoReturn, TypeVar

    from ..structs.struct import Struct
    from .elements import Element
    from .system import ViewMemory

    _S = TypeVar("_S", bound=Struct)

__all__ = ["MemoryMappedViewAccessor"]

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


class MemoryMappedViewAccessor(Closing):
    """Random access to a view of a map. ``create_view_accessor`` returns it.

    Positions are in bytes from the beginning of the view; all values are little-endian.
    Every read and write raises ArgumentOutOfRangeError for a position outside the view,
    ArgumentError if the value begins inside the view and ends outside, UnsupportedError if the
    view's access does not permit it, and ClosedError after :meth:`close`.

    The memory itself is :attr:`buffer`; from Python 3.12 on, ``memoryview(accessor)`` and
    ``numpy.frombuffer(accessor, ...)`` work as well. The memory stays mapped until the last
    buffer taken from it is released, also after :meth:`close`. So an access through such a
    buffer never crashes, unless the map's file was truncated: see :meth:`check_backed`.
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
        """Do not call this; use ``MemoryMappedFile.create_view_accessor``."""
        self._memory = memory
        self._buffer = memory.buffer
        self._offset = offset
        self._closed = False
        self._readable = access is not MemoryMappedFileAccess.WRITE
        self._writable = access not in READ_ONLY
        # One comparison on the fast path checks that the view is open, that the access is
        # permitted, and that the value is inside.
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
        """The view's memory itself, as bytes; read-only if the view is. No copy is made.

        Each use returns a new memoryview, which stays valid after :meth:`close`.
        """
        buffer = self._buffer
        self._check_open()
        return buffer[:]

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int) -> memoryview:
            return self.buffer

    # --- single values ---

    def read_boolean(self, position: int) -> bool:
        """Read one byte; any value except 0 is True. .NET: ReadBoolean."""
        return self.read_byte(position) != 0

    def read_byte(self, position: int) -> int:
        """Read an unsigned 8-bit integer. .NET: ReadByte."""
        try:
            if 0 <= position <= self._read_limit - 1:
                return _BYTE.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_BYTE, position)

    def read_sbyte(self, position: int) -> int:
        """Read a signed 8-bit integer. .NET: ReadSByte."""
        try:
            if 0 <= position <= self._read_limit - 1:
                return _SBYTE.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_SBYTE, position)

    def read_char(self, position: int) -> str:
        """Read one UTF-16 code unit, which may be half of a surrogate pair. .NET: ReadChar."""
        return chr(self.read_uint16(position))

    def read_int16(self, position: int) -> int:
        """Read a signed 16-bit integer. .NET: ReadInt16."""
        try:
            if 0 <= position <= self._read_limit - 2:
                return _INT16.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_INT16, position)

    def read_uint16(self, position: int) -> int:
        """Read an unsigned 16-bit integer. .NET: ReadUInt16."""
        try:
            if 0 <= position <= self._read_limit - 2:
                return _UINT16.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_UINT16, position)

    def read_int32(self, position: int) -> int:
        """Read a signed 32-bit integer. .NET: ReadInt32."""
        try:
            if 0 <= position <= self._read_limit - 4:
                return _INT32.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_INT32, position)

    def read_uint32(self, position: int) -> int:
        """Read an unsigned 32-bit integer. .NET: ReadUInt32."""
        try:
            if 0 <= position <= self._read_limit - 4:
                return _UINT32.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_UINT32, position)

    def read_int64(self, position: int) -> int:
        """Read a signed 64-bit integer. .NET: ReadInt64."""
        try:
            if 0 <= position <= self._read_limit - 8:
                return _INT64.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_INT64, position)

    def read_uint64(self, position: int) -> int:
        """Read an unsigned 64-bit integer. .NET: ReadUInt64."""
        try:
            if 0 <= position <= self._read_limit - 8:
                return _UINT64.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_UINT64, position)

    def read_single(self, position: int) -> float:
        """Read a 32-bit IEEE 754 number. .NET: ReadSingle."""
        try:
            if 0 <= position <= self._read_limit - 4:
                return _SINGLE.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_SINGLE, position)

    def read_double(self, position: int) -> float:
        """Read a 64-bit IEEE 754 number. .NET: ReadDouble."""
        try:
            if 0 <= position <= self._read_limit - 8:
                return _DOUBLE.unpack_from(self._buffer, position)[0]  # type: ignore[no-any-return]
        except (TypeError, ValueError, CodecError):
            pass
        return self._read(_DOUBLE, position)

    def read_decimal(self, position: int) -> Decimal:
        """Read a 16-byte decimal, stored as lo, mid, hi, flags. .NET: ReadDecimal.

        Raises ArgumentError for invalid flags.
        """
        from .._support.decimals import decimal_from_parts

        buffer = self._buffer
        position = self._check_read(position, 16)
        low, middle, high, flags = _DECIMAL.unpack_from(buffer, position)
        return decimal_from_parts(low, middle, high, flags)

    def write_boolean(self, position: int, value: bool) -> None:
        """Write one byte, 1 or 0. .NET: Write(Int64, Boolean)."""
        try:
            number = 1 if value else 0
        except Exception:  # noqa: BLE001 - such as that of a NumPy array
            raise ArgumentOutOfRangeError(
                f"value must be a bool, not {shown(value)}", field="value", value=value
            ) from None
        self._write(_BYTE, position, number)

    def write_byte(self, position: int, value: int) -> None:
        """Write an integer from 0 to 255. .NET: Write(Int64, Byte)."""
        self._write(_BYTE, position, value)

    def write_sbyte(self, position: int, value: int) -> None:
        """Write an integer from -128 to 127. .NET: Write(Int64, SByte)."""
        self._write(_SBYTE, position, value)

    def write_char(self, position: int, value: str) -> None:
        """Write one UTF-16 code unit: a str of one character below U+10000.

        .NET: Write(Int64, Char).
        """
        from .elements import CHAR

        self._write(_UINT16, position, CHAR.to_raw(value))

    def write_int16(self, position: int, value: int) -> None:
        """Write a signed 16-bit integer. .NET: Write(Int64, Int16)."""
        self._write(_INT16, position, value)

    def write_uint16(self, position: int, value: int) -> None:
        """Write an unsigned 16-bit integer. .NET: Write(Int64, UInt16)."""
        self._write(_UINT16, position, value)

    def write_int32(self, position: int, value: int) -> None:
        """Write a signed 32-bit integer. .NET: Write(Int64, Int32)."""
        self._write(_INT32, position, value)

    def write_uint32(self, position: int, value: int) -> None:
        """Write an unsigned 32-bit integer. .NET: Write(Int64, UInt32)."""
        self._write(_UINT32, position, value)

    def write_int64(self, position: int, value: int) -> None:
        """Write a signed 64-bit integer. .NET: Write(Int64, Int64)."""
        self._write(_INT64, position, value)

    def write_uint64(self, position: int, value: int) -> None:
        """Write an unsigned 64-bit integer. .NET: Write(Int64, UInt64)."""
        self._write(_UINT64, position, value)

    def write_single(self, position: int, value: float) -> None:
        """Write a 32-bit IEEE 754 number. .NET: Write(Int64, Single).

        A value that is too large raises ArgumentOutOfRangeError.
        """
        self._write(_SINGLE, position, value)

    def write_double(self, position: int, value: float) -> None:
        """Write a 64-bit IEEE 754 number. .NET: Write(Int64, Double)."""
        self._write(_DOUBLE, position, value)

    def write_decimal(self, position: int, value: Decimal) -> None:
        """Write a decimal of at most 96 bits and 28 decimal places, stored lo, mid, hi, flags.

        .NET: Write(Int64, Decimal).
        """
        from .._support.decimals import parts_from_decimal

        buffer = self._buffer
        position = self._check_write(position, 16)
        buffer[position : position + 16] = _DECIMAL.pack(*parts_from_decimal(value))

    def _read(self, codec: Codec, position: int) -> int:
        """Read at a position that is not an int inside the view, or raise the error for it."""
        buffer = self._buffer
        position = self._check_read(position, codec.size)
        return codec.unpack_from(buffer, position)[0]  # type: ignore[no-any-return]

    def _write(self, codec: Codec, position: int, value: float) -> None:
        buffer = self._buffer
        if type(position) is not int or not 0 <= position <= self._write_limit - codec.size:
            position = self._check_write(position, codec.size)
        try:
            # Not pack_into: it stores zeros first. Another process could see them, and they
            # would stay if the value does not fit.
            buffer[position : position + codec.size] = codec.pack(value)
        except (CodecError, OverflowError, TypeError) as error:
            raise ArgumentOutOfRangeError(
                f"{shown(value)} can't be stored at {position}: {error}",
                field="value",
                offset=position,
                value=value,
            ) from None

    # --- structs, in the managed layout ---

    def read(self, position: int, struct: type[_S]) -> _S:
        """Read a struct in its managed layout. .NET: Read<T>(Int64, out T).

        Raises ArgumentError for a struct that holds references, such as text and arrays.
        """
        packing = _managed(struct)
        buffer = self._buffer
        position = self._check_read(position, packing.size)
        return packing.unpack_from(buffer, position)  # type: ignore[no-any-return]

    def write(self, position: int, value: Struct) -> None:
        """Write a struct in its managed layout. .NET: Write<T>(Int64, ref T).

        Raises as :meth:`read`, and StructValueError for a value that does not fit its field;
        then nothing was written.
        """
        packing = _managed(type(value))
        buffer = self._buffer
        position = self._check_write(position, packing.size)
        packing.pack_into(value, buffer, position)

    # --- arrays ---

    def read_array(
        self,
        position: int,
        array: Buffer | MutableSequence[Any],
        offset: int = 0,
        count: int | None = None,
        *,
        element: Element | type[Struct] | None = None,
    ) -> int:
        """Read up to ``count`` elements into ``array`` from its index ``offset`` on.

        ``array`` is a writable buffer (bytearray, array.array, memoryview, NumPy array), whose
        format determines the element, or a list. For a list, ``element`` is one of
        :mod:`pyshm.maps.elements` or a Struct type. ``count`` None means all after ``offset``.
        Return the number of elements that were read: fewer than ``count`` if the view ends
        first. .NET: ReadArray<T>, with its managed layout and its stride.

        ``read_array(position, StructType, count)`` is deprecated; use :meth:`read_structs`.
        """
        if isinstance(array, type):
            from .._support.deprecated import warn_deprecated

            warn_deprecated("read_array() with a struct type", "read_structs()")
            return self.read_structs(position, array, offset)  # type: ignore[return-value]
        from .elements import ArrayArgument

        target = ArrayArgument(array, element, offset, count, writable=True)
        buffer = self._buffer
        self._check_open_for(self._readable, "reading")
        position = self._check_position(position)
        self._memory.check_backed(self._offset)
        number = min(target.count, (self._memory.capacity - position) // target.element.size)
        end = position + number * target.element.size
        target.fill(buffer[position:end], number)
        return number

    def read_structs(self, position: int, struct: type[_S], count: int) -> list[_S]:
        """Return up to ``count`` structs from ``position`` on, in their managed layout.

        They are fewer than ``count`` if the view ends first. Raises ArgumentError for a struct
        that holds references. .NET: ReadArray<T>.
        """
        count = integer(count, "count")
        fitting = min(count, self.capacity // _managed(struct).stride)
        found: list[Any] = [None] * max(fitting, 0)
        number = self.read_array(position, found, 0, fitting, element=struct)
        return found[:number]

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

        The arguments are those of :meth:`read_array`; a list of structs needs no ``element``.
        Raises ArgumentError, and writes nothing, if the elements do not all fit.
        .NET: WriteArray<T>.
        """
        from .elements import ArrayArgument

        source = ArrayArgument(array, element, offset, count, writable=False)
        buffer = self._buffer
        position = self._check_position(position)
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
            buffer[position:end] = taken
            return
        # The bytes between the elements are not part of them, and stay as they are.
        for start in range(0, len(taken), source.element.size):
            at = position + start
            buffer[at : at + width] = taken[start : start + width]

    # --- the memory ---

    def check_backed(self) -> None:
        """Raise MapIOError if the file was truncated under the view (docs/named-maps.md).

        An access to :attr:`buffer` would then end the process with a bus error. Reads and writes
        of arrays check this by themselves.
        """
        self._check_open()
        self._memory.check_backed(self._offset)

    def flush(self) -> None:
        """Write changed pages of a file's map to the file. .NET: Flush."""
        self._check_open()
        self._memory.flush()

    def close(self) -> None:
        """Flush and release the view. Another call does nothing. .NET: Dispose."""
        # Other threads may be using the view. They take the buffer before they look whether the
        # view is open, so what they have stays mapped until they have used it.
        self._closed = True
        self._read_limit = self._write_limit = -1
        try:
            self._memory.flush()
        finally:
            self._buffer = NO_BYTES
            self._memory.release()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy(
            "a view", "send its bytes, or let the other process open the map by its name or path"
        )

    # --- checks, in .NET's order ---

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the view is closed")

    def _check_open_for(self, permitted: bool, what: str) -> None:
        self._check_open()
        if not permitted:
            raise UnsupportedError(f"the access of this view does not permit {what}")

    def _check_position(self, position: int) -> int:
        position = integer(position, "position")
        if not 0 <= position < self._memory.capacity:
            raise ArgumentOutOfRangeError(
                f"position {position} is outside the view of {self._memory.capacity} bytes",
                field="position",
                value=position,
                limit=self._memory.capacity - 1,
            )
        return position

    def _check_read(self, position: int, size: int) -> int:
        self._check_open_for(self._readable, "reading")
        return self._check_inside(position, size)

    def _check_write(self, position: int, size: int) -> int:
        self._check_open_for(self._writable, "writing")
        return self._check_inside(position, size)

    def _check_inside(self, position: int, size: int) -> int:
        position = self._check_position(position)
        if position + size > self._memory.capacity:
            raise ArgumentError(
                f"{size} bytes at {position} reach beyond the end of the view at "
                f"{self._memory.capacity}",
                field="position",
                value=position,
                limit=self._memory.capacity - size,
            )
        return position


def _managed(struct: type[Any]) -> Any:
    try:
        return struct.__packing__.managed
    except AttributeError:
        from ..structs.advice import not_a_struct

        raise not_a_struct(struct) from None
