"""What one struct class needs of another: the protocol ``Packed``, and the checks of bounds.

A struct can contain structs, so that the conversions, the views and the generated code use other
types' packings. They know them by this protocol; ``packing.Packing`` implements it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ArgumentOutOfRangeError, TruncatedError
from ..layout.forms import Layout
from .shapes import Shape
from .unions import Overlap

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["Packed", "check_offset", "truncated_error"]


class Packed(Protocol):
    """A struct class in one of its layouts."""

    @property
    def struct(self) -> type[Any]:
        """The struct class."""

    @property
    def layout(self) -> Layout:
        """The layout, its fields named as in Python."""

    @property
    def size(self) -> int:
        """The size in bytes."""

    @property
    def stride(self) -> int:
        """The distance of two elements in an array, in bytes."""

    @property
    def shapes(self) -> Sequence[Shape]:
        """The fields, in order of declaration."""

    @property
    def overlaps(self) -> Sequence[Overlap]:
        """The runs of fields that share bytes."""

    @property
    def exact(self) -> bool:
        """Whether values are converted as .NET does where that loses something."""

    @property
    def own(self) -> bool:
        """Whether the class keeps its fields in this layout."""

    @property
    def made(self) -> dict[object, Any]:
        """What was made of this packing on first use: functions, views, snapshots, an FFI."""

    @property
    def faithful(self) -> bool:
        """Whether reading and writing gives back every byte."""

    def unpack_from(self, buffer: Buffer, offset: int = 0) -> Any:
        """Return a copy of the struct at ``offset``. Raises TruncatedError."""

    def encode(self, value: Any) -> bytes:
        """Return the bytes of ``value``. Raises BadValue, with the path to what is wrong."""

    def quickest(self, name: str) -> Callable[..., Any]:
        """Return the function behind the method ``unpack_from`` or ``encode``."""


def check_offset(offset: int) -> None:
    """Raise ArgumentOutOfRangeError if ``offset`` is negative.

    The struct module would count it from the end of the buffer.
    """
    if offset < 0:
        raise ArgumentOutOfRangeError(
            f"offset must not be negative, but is {offset}", field="offset", value=offset, limit=0
        )


def truncated_error(packed: Packed, size: int) -> TruncatedError:
    """Return the error for a buffer of ``size`` bytes, which is less than the struct takes."""
    name = packed.struct.__name__
    return TruncatedError(
        f"{name} needs {packed.size} bytes; the buffer has {max(size, 0)}",
        field=name,
        offset=0,
        value=max(size, 0),
        limit=packed.size,
    )
