"""The protocol of a struct class in one layout, and the checks of bounds.

A struct can have structs in it. The conversions, the views and the generated code therefore use
the packings of other types. They know them as ``Packed``, which ``packing.Packing`` implements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import TruncatedError
from ..layout.forms import Layout
from .shapes import Shape
from .unions import Overlap

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["Packed", "PackedType", "packed_of", "truncated_error"]


class Packed(Protocol):
    """A struct class in one of its layouts."""

    @property
    def struct(self) -> type[Any]:
        """The struct class."""

    @property
    def layout(self) -> Layout:
        """The layout; its fields have their Python names."""

    @property
    def size(self) -> int:
        """The size in bytes."""

    @property
    def stride(self) -> int:
        """The distance between two elements of an array, in bytes."""

    @property
    def shapes(self) -> Sequence[Shape]:
        """The fields, in order of declaration."""

    @property
    def alone(self) -> Sequence[Shape]:
        """The fields that do not share bytes, in order of declaration."""

    @property
    def overlaps(self) -> Sequence[Overlap]:
        """The runs of fields that share bytes."""

    @property
    def strict(self) -> bool:
        """Whether the conversions refuse what .NET would cut or change."""

    @property
    def own(self) -> bool:
        """Whether the objects of the class keep their fields as this layout has them."""

    @property
    def lossless(self) -> bool:
        """Whether reading and writing gives every byte back."""

    @property
    def cache(self) -> dict[object, Any]:
        """What was made on first use: functions, view and snapshot types, an FFI, the codec."""

    def unpack_from(self, buffer: Buffer, offset: int = 0) -> Any:
        """Return a copy of the struct at ``offset``. Raises TruncatedError."""

    def encode(self, value: Any) -> bytes:
        """Return the bytes of ``value``. Raises InvalidValue, with the path of the field."""

    def fastest(self, name: str) -> Callable[..., Any]:
        """Return the function that the method ``unpack_from`` or ``encode`` ends up calling."""


class PackedType(Protocol):
    """A struct class, or a ``StructCodec`` of one."""

    @property
    def __packing__(self) -> Packed:
        """The struct class in the layout that is meant."""


def packed_of(struct_type: PackedType) -> Packed:
    """Return the packing of a struct class or a StructCodec. Raises ArgumentNullError."""
    try:
        return struct_type.__packing__
    except AttributeError:
        from .advice import not_a_struct

        raise not_a_struct(struct_type) from None


def truncated_error(packed: Packed, size: int) -> TruncatedError:
    """Return the error for a buffer that has only ``size`` bytes for the struct."""
    name = packed.struct.__name__
    return TruncatedError(
        f"{name} needs {packed.size} bytes; the buffer has {max(size, 0)}",
        field=name,
        offset=0,
        value=max(size, 0),
        limit=packed.size,
    )
