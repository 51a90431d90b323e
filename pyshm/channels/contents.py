"""What a channel carries: bytes, image blobs, structs, or arrays.

A content writes a value into the memory of a slot, and reads one from a copy of it or in place.
"""

from __future__ import annotations

import re
import struct
from math import prod
from typing import TYPE_CHECKING, Any, Final

from .._support.buffers import bytes_of
from .._support.integers import integer
from .._support.shown import shown
from ..errors import (
    ArgumentError,
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ChannelFormatError,
    DoesNotFitError,
    UnsupportedError,
)
from ..formats.image import ImageData
from .geometry import MAX_CAPACITY
from .type_text import array_text, struct_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..structs.struct import Struct

__all__ = ["TAIL", "TAIL_SIZE", "Arrays", "Bytes", "Content", "Images", "Structs", "content_of"]

TAIL: Final = 32
"""Where a descriptor has the element type and the shape of an array."""
TAIL_SIZE: Final = 80
_TAIL = struct.Struct("<8sI4x8q")
_MOST_DIMENSIONS = 8
_SIMPLE = re.compile(r"[<|][biufc]\d{1,2}")


class Content:
    """The base of all contents; by itself any bytes."""

    kind: int = 0
    text: str = ""
    """The type text."""
    copied: type[bytes] | type[bytearray] = bytes
    """What a copy of a value is read from."""
    capacity: int | None = None
    """The bytes of a value if all values have the same size, or None."""

    def __str__(self) -> str:
        return "bytes"

    def write(self, value: Any, slot: memoryview, tail: memoryview) -> int:
        """Write a value into a slot. Return its length in bytes. ``tail`` is for arrays."""
        data = value if type(value) is bytes else bytes_of(value)
        size = len(data)
        if size > len(slot):
            raise too_large(size, len(slot))
        slot[:size] = data
        return size

    def describe(self, shape: object, tail: memoryview) -> int | None:
        """Write what the descriptor of a loan says. Return the length, or None if it is open."""
        if shape is not None:
            raise UnsupportedError(f"a channel of {self} has values without a shape")
        return self.capacity

    def read(self, data: bytearray | bytes, tail: bytes) -> Any:
        """Return the value of ``data``, which is a copy that belongs to the value."""
        return bytes(data)

    def in_place(self, data: memoryview, tail: bytes) -> Any:
        """Return the value in the memory of a slot; it is not a copy if that is possible."""
        return data

    def write_plain(self, data: memoryview, area: memoryview) -> None:
        """Write the bytes of a value into the plain area, as a map without a channel has them."""
        self.check_plain()

    def check_plain(self) -> None:
        """Raise UnsupportedError if a channel of this content can't have a plain area."""
        if type(self).write_plain is Content.write_plain:
            raise UnsupportedError(f"a channel of {self} can't have a plain area", field="plain")


Bytes = Content


class Images(Content):
    """ImageData, as a blob (docs/format.md)."""

    kind = 1

    def __str__(self) -> str:
        return "images"

    def write(self, value: Any, slot: memoryview, tail: memoryview) -> int:
        """Write the blob. Raises as ImageData.write_into."""
        if not isinstance(value, ImageData):
            raise ArgumentNullError(
                f"the channel carries ImageData, not {shown(value)}", field="value", value=value
            )
        return value.write_into(slot)

    def read(self, data: bytearray | bytes, tail: bytes) -> ImageData:
        """Return the picture of a blob. Raises FormatError."""
        return ImageData.from_bytes(data)

    def in_place(self, data: memoryview, tail: bytes) -> ImageData:
        """Return the picture, whose content is the memory of the slot."""
        return ImageData.from_bytes(data)

    def write_plain(self, data: memoryview, area: memoryview) -> None:
        """Write the blob so that the length which completes it is last (docs/format.md)."""
        ImageData.from_bytes(data).write_into(area)


class Structs(Content):
    """A struct, in its marshalled layout."""

    kind = 2

    def __init__(self, struct_type: type[Struct]) -> None:
        self._struct = struct_type
        self.text = struct_text(struct_type.layout)
        self.capacity = struct_type.layout.size

    def __str__(self) -> str:
        return f"the struct {self._struct.__name__}"

    def write(self, value: Any, slot: memoryview, tail: memoryview) -> int:
        """Write the bytes of the struct. Raises as Struct.pack_into."""
        if not isinstance(value, self._struct):
            raise ArgumentNullError(
                f"the channel carries {self._struct.__name__}, not {shown(value)}",
                field="value",
                value=value,
            )
        value.pack_into(slot)
        return self.capacity  # type: ignore[return-value]

    def read(self, data: bytearray | bytes, tail: bytes) -> Any:
        """Return a struct. Raises TruncatedError."""
        return self._struct.unpack_from(data)

    def in_place(self, data: memoryview, tail: bytes) -> Any:
        """Return a view: its attributes read the memory of the slot."""
        return self._struct.view(data)

    def write_plain(self, data: memoryview, area: memoryview) -> None:
        """Write the bytes of the struct."""
        if len(data) > len(area):  # its creator is another program
            raise too_large(len(data), len(area))
        area[: len(data)] = data


class Arrays(Content):
    """NumPy arrays of one element type and of any shape that fits."""

    kind = 3
    copied = bytearray  # so that the program can write into an array of its own

    def __init__(self, dtype: object, shape: Sequence[int] | None) -> None:
        self.dtype = _dtype_of(dtype)
        if not _SIMPLE.fullmatch(self.dtype.str):
            raise ArgumentError(
                f"the elements of a channel's arrays are little-endian numbers or bools, "
                f"not {self.dtype.str!r}",
                field="array",
                value=self.dtype.str,
            )
        self.text = array_text(self.dtype.str)
        self.shape = None if shape is None else _checked_shape(shape)
        if self.shape is not None:
            self.capacity = self._size(self.shape)

    def __str__(self) -> str:
        return f"arrays of {self.dtype.str}"

    def write(self, value: Any, slot: memoryview, tail: memoryview) -> int:
        """Copy an array into a slot. Its type must be the channel's; its shape is sent with it."""
        array = _numpy().asarray(value)
        if array.dtype != self.dtype:
            raise ArgumentError(
                f"the channel carries {self}; this value has elements of {array.dtype.str}; "
                f"convert it with astype({self.dtype.str!r})",
                field="value",
                value=array.dtype.str,
                limit=self.dtype.str,
            )
        size = self._describe(array.shape, len(slot), tail)
        target = _numpy().frombuffer(slot[:size], self.dtype).reshape(array.shape)
        target[...] = array
        return size

    def describe(self, shape: object, tail: memoryview) -> int:
        """Write the type and the shape of a loan, by default that of the channel."""
        if shape is None:
            shape = self.shape
        if shape is None:
            raise ArgumentNullError(
                "the channel was opened without a shape, so loan() needs shape=", field="shape"
            )
        return self._describe(_checked_shape(shape), MAX_CAPACITY, tail)

    def array_of(self, data: memoryview | bytearray | bytes, tail: bytes) -> Any:
        """Return the array of ``data``, not a copy. Raises ChannelFormatError."""
        name, dimensions, *shape = _TAIL.unpack(tail)
        if name.rstrip(b"\0") != self.dtype.str.encode():
            raise _damaged("element type", TAIL, name, self.dtype.str)
        if dimensions > _MOST_DIMENSIONS:
            raise _damaged("dimensions", TAIL + 8, dimensions, _MOST_DIMENSIONS)
        shape = shape[:dimensions]
        if any(not 0 <= size <= MAX_CAPACITY for size in shape) or (
            prod(shape) * self.dtype.itemsize != len(data)
        ):
            raise _damaged("shape", TAIL + 16, tuple(shape), f"{len(data)} bytes")
        return _numpy().frombuffer(data, self.dtype).reshape(shape)

    def read(self, data: bytearray | bytes, tail: bytes) -> Any:
        """Return an array of its own."""
        return self.array_of(data, tail)

    def in_place(self, data: memoryview, tail: bytes) -> Any:
        """Return the array in the memory of the slot."""
        return self.array_of(data, tail)

    def _size(self, shape: tuple[int, ...]) -> int:
        size: int = prod(shape) * self.dtype.itemsize
        return size

    def _describe(self, shape: tuple[int, ...], room: int, tail: memoryview) -> int:
        if len(shape) > _MOST_DIMENSIONS:
            raise ArgumentError(
                f"an array has at most {_MOST_DIMENSIONS} dimensions in a channel, not "
                f"{len(shape)}",
                field="value",
                value=len(shape),
                limit=_MOST_DIMENSIONS,
            )
        size = self._size(shape)
        if size > room:
            raise too_large(size, room)
        padded = (*shape, *(0,) * (_MOST_DIMENSIONS - len(shape)))
        _TAIL.pack_into(tail, 0, self.dtype.str.encode(), len(shape), *padded)
        return size


def content_of(content: object, array: object) -> Content:
    """Return the content that a program names when it creates or opens a channel.

    ``content`` is ``bytes``, ``ImageData`` or a Struct class. ``array`` is an element type, or a
    pair of it and a shape. Raises ArgumentError.
    """
    if array is not None:
        if content is not bytes:
            raise ArgumentError("give content or array, not both", field="array")
        is_pair = isinstance(array, tuple) and len(array) == 2
        return Arrays(*array) if is_pair else Arrays(array, None)  # type: ignore[misc]
    if content is bytes:
        return Bytes()
    if content is ImageData:
        return Images()
    from ..structs.struct import Struct

    if isinstance(content, type) and issubclass(content, Struct) and content is not Struct:
        return Structs(content)
    raise ArgumentNullError(
        f"content must be bytes, ImageData or a Struct class, not {shown(content)}; for arrays "
        "use array=(element type, shape)",
        field="content",
        value=content,
    )


def too_large(size: int, room: int) -> DoesNotFitError:
    """Return the error for a value that is larger than a slot."""
    return DoesNotFitError(
        f"a value of {size} bytes does not fit a slot of {room} bytes; create the channel with a "
        "larger capacity",
        field="value",
        value=size,
        limit=room,
    )


def _checked_shape(shape: object) -> tuple[int, ...]:
    items: tuple[object, ...]
    try:
        items = tuple(shape)  # type: ignore[arg-type]
    except TypeError:
        items = (shape,)
    sizes = tuple(integer(item, "shape") for item in items)
    for size in sizes:
        if size < 0:
            raise ArgumentOutOfRangeError(
                f"a shape has no negative size, but this one has {size}",
                field="shape", value=size, limit=0,
            )  # fmt: skip
    return sizes


def _damaged(field: str, offset: int, value: object, limit: object) -> ChannelFormatError:
    return ChannelFormatError(
        f"the descriptor of the value is damaged: {field} at its offset {offset} is "
        f"{shown(value)}, not {limit}",
        field=field, offset=offset, value=value, limit=limit,
    )  # fmt: skip


def _dtype_of(dtype: object) -> Any:
    try:
        return _numpy().dtype(dtype)
    except (TypeError, ValueError, SyntaxError) as error:
        raise ArgumentError(
            f"array must be an element type of NumPy, or a pair of it and a shape, not "
            f"{shown(dtype)}: {error}",
            field="array", value=dtype,
        ) from error  # fmt: skip


def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError:
        raise UnsupportedError(
            "arrays in channels need NumPy; install it with: pip install 'pyshm-dotnet[numpy]'"
        ) from None
    return np
