"""The elements of ReadArray and WriteArray, in .NET's managed layouts.

Each is one of the primitive types that a MemoryMappedViewAccessor reads and writes. Its size in
an array is also the distance between two elements.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .._support.buffers import bytes_of, memory_of
from .._support.decimals import decimal_from_parts, parts_from_decimal
from .._support.integers import integer
from .._support.shown import shown
from ..errors import ArgumentError, ArgumentNullError, ArgumentOutOfRangeError

if TYPE_CHECKING:
    from decimal import Decimal

    from ..structs.packing import Packing
    from ..structs.struct import Struct

__all__ = [
    "BOOLEAN",
    "BYTE",
    "CHAR",
    "DECIMAL",
    "DOUBLE",
    "ELEMENTS",
    "INT16",
    "INT32",
    "INT64",
    "SBYTE",
    "SINGLE",
    "UINT16",
    "UINT32",
    "UINT64",
    "Element",
]


class Element:
    """A primitive type as an array element: its .NET name, size in bytes and conversions."""

    __slots__ = ("_code", "_width", "from_raw", "name", "size", "to_raw")

    def __init__(
        self,
        name: str,
        code: str,
        *,
        from_raw: Callable[..., Any] | None = None,
        to_raw: Callable[[Any], Any] | None = None,
    ) -> None:
        self.name = name
        self.size = struct.calcsize("<" + code)
        self._code = code
        self._width = len(code)
        self.from_raw = from_raw
        self.to_raw: Callable[[Any], Any] = to_raw or _same

    def __repr__(self) -> str:
        return f"<element {self.name}>"

    @property
    def width(self) -> int:
        """The size without padding, in bytes; equal to ``size``."""
        return self.size

    def unpack(self, source: memoryview) -> list[Any]:
        """Return the elements whose bytes are ``source``."""
        count = len(source) // self.size
        raw = struct.unpack(
            f"<{self._code * count if self._width > 1 else f'{count}{self._code}'}", source
        )
        if self.from_raw is None:
            return list(raw)
        if self._width == 1:
            return [self.from_raw(item) for item in raw]
        return [self.from_raw(*raw[i : i + self._width]) for i in range(0, len(raw), self._width)]

    def pack(self, items: Iterable[Any]) -> bytes:
        """Return the bytes of all ``items``.

        Raises ArgumentOutOfRangeError, which names the first item that is not of this type.
        """
        codec = struct.Struct("<" + self._code)
        packed = bytearray()
        for index, item in enumerate(items):
            raw = self.to_raw(item)
            try:
                packed += codec.pack(*raw) if self._width > 1 else codec.pack(raw)
            except (struct.error, OverflowError, TypeError) as error:
                raise ArgumentOutOfRangeError(
                    f"element {index}: {shown(item)} is not a valid {self.name}: {error}",
                    field=f"array[{index}]",
                    value=item,
                ) from None
        return bytes(packed)


class StructElement:
    """A struct as an array element, in its managed layout; ``size`` is the stride."""

    __slots__ = ("_packing", "name", "size", "width")

    def __init__(self, packing: Packing) -> None:
        self._packing = packing
        self.name = packing.struct.__name__
        self.size = packing.stride
        self.width = packing.size
        """The number of bytes of a stride that are the element's own."""

    def unpack(self, source: memoryview) -> list[Any]:
        """Return the structs whose bytes are ``source``."""
        unpack = self._packing.unpack_from
        return [unpack(source, at) for at in range(0, len(source), self.size)]

    def pack(self, items: Iterable[Any]) -> bytes:
        """Return the bytes of all ``items``.

        Raises ArgumentError, which names the first item that is not such a struct.
        """
        packed = []
        for index, item in enumerate(items):
            if not isinstance(item, self._packing.struct):
                raise ArgumentError(
                    f"element {index}: {shown(item)} is not a {self.name}",
                    field=f"array[{index}]",
                    value=item,
                )
            packed.append(self._packing.to_bytes(item).ljust(self.size, b"\0"))
        return b"".join(packed)


def _same(value: Any) -> Any:
    return value


def _code_unit(value: Any) -> int:
    if not isinstance(value, str) or len(value) != 1 or ord(value) > 0xFFFF:
        raise ArgumentOutOfRangeError(
            f"a char must be a str of one UTF-16 code unit, not {shown(value)}",
            field="value",
            value=value,
            limit="\uffff",
        )
    return ord(value)


def _managed_parts(value: Decimal) -> tuple[int, int, int]:
    low, middle, high, flags = parts_from_decimal(value)
    return flags, high, low | middle << 32


def _from_managed(flags: int, high: int, low64: int) -> Decimal:
    return decimal_from_parts(low64 & 0xFFFFFFFF, low64 >> 32, high, flags)


BOOLEAN = Element("boolean", "B", from_raw=bool, to_raw=lambda value: 1 if value else 0)
BYTE = Element("byte", "B")
SBYTE = Element("sbyte", "b")
CHAR = Element("char", "H", from_raw=chr, to_raw=_code_unit)
INT16 = Element("int16", "h")
UINT16 = Element("uint16", "H")
INT32 = Element("int32", "i")
UINT32 = Element("uint32", "I")
INT64 = Element("int64", "q")
UINT64 = Element("uint64", "Q")
SINGLE = Element("single", "f")
DOUBLE = Element("double", "d")
# In an array the words have the order of the type itself; accessor.Write(decimal) has another.
DECIMAL = Element("decimal", "IIQ", from_raw=_from_managed, to_raw=_managed_parts)

ELEMENTS = {
    element.name: element
    for element in (
        BOOLEAN, BYTE, SBYTE, CHAR, INT16, UINT16, INT32, UINT32, INT64, UINT64, SINGLE, DOUBLE,
        DECIMAL,
    )
}  # fmt: skip

_INTEGERS = {
    (1, False): BYTE, (1, True): SBYTE, (2, False): UINT16, (2, True): INT16,
    (4, False): UINT32, (4, True): INT32, (8, False): UINT64, (8, True): INT64,
}  # fmt: skip


class ArrayArgument:
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
            self.element = (
                element_of(element)
                if element is not None
                else element_of_format(buffer.format, buffer.itemsize)
            )
            self._bytes = memory_of(buffer, "array") if writable else bytes_of(buffer)
            length = buffer.nbytes // self.element.size
        offset = integer(offset, "offset")
        count = max(length - offset, 0) if count is None else integer(count, "count")
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
                f"{count} elements from index {offset} on are more than the array's {length}",
                field="count",
                value=count,
                limit=length - offset,
            )
        self.offset = offset
        self.count = count

    def fill(self, source: memoryview, number: int) -> None:
        """Store ``number`` elements, which are the bytes of ``source``, in the array."""
        if self._bytes is not None:
            start = self.offset * self.element.size
            self._bytes[start : start + len(source)] = source
        else:
            self._list[self.offset : self.offset + number] = self.element.unpack(source)

    def taken(self) -> memoryview | bytes:
        """Return the bytes of the chosen elements."""
        if self._bytes is not None:
            start = self.offset * self.element.size
            return self._bytes[start : start + self.count * self.element.size]
        return self.element.pack(self._list[self.offset : self.offset + self.count])


def _struct_type(array: Any) -> type[Struct]:
    """Return the type of the structs in a list; a list of other values needs an element."""
    from ..structs.struct import Struct

    if not hasattr(array, "__len__"):
        from ..structs.advice import shown

        raise ArgumentNullError(
            f"array must be a buffer, such as a bytearray or a NumPy array, or a list, not "
            f"{shown(array)}; element= has the type of a list's elements (pyshm.maps.elements)",
            field="array",
            value=array,
        ) from None
    for item in array:
        if isinstance(item, Struct):
            return type(item)
        break
    raise ArgumentNullError(
        f"a {type(array).__name__} needs element=, one of pyshm.maps.elements or a Struct type",
        field="element",
    ) from None


def element_of(kind: Element | StructElement | type[Struct]) -> Element | StructElement:
    """Return ``kind`` as an element; a struct type in its managed layout.

    Raises ArgumentError for a struct that holds references, as .NET does.
    """
    if isinstance(kind, (Element, StructElement)):
        return kind
    packing: Any = getattr(kind, "__packing__", None)
    if packing is None:
        from ..structs.advice import shown

        raise ArgumentNullError(
            "element must be one of pyshm.maps.elements or a class that derives from "
            f"pyshm.Struct, not {shown(kind)}",
            field="element",
            value=kind,
        )
    return StructElement(packing.managed)


def element_of_format(layout: str, size: int) -> Element:
    """Return the element of a buffer whose struct-module format is ``layout``.

    ``size`` is that of one item in bytes. Raises ArgumentNullError if there is no such element.
    """
    code = layout.lstrip("@=<")
    if code in ("c", "s"):
        return BYTE
    if code == "?":
        return BOOLEAN
    if code in ("f", "d"):
        return SINGLE if code == "f" else DOUBLE
    # Not array.array('u') and ('w'): the size of their characters depends on the system.
    if len(code) == 1 and code in "bBhHiIlLqQnN":
        return _INTEGERS[size, code.islower()]
    raise ArgumentNullError(
        f"a buffer of format {layout!r} has no .NET element; pass element=, one of "
        "pyshm.maps.elements",
        field="element",
        value=layout,
    )
