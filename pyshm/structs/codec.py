"""StructCodec: a struct class in another layout than its own."""

from __future__ import annotations

from struct import Struct as FlatCodec
from typing import TYPE_CHECKING, Any

from .._support.deprecated import warn_deprecated
from .._support.shown import shown
from ..errors import ArgumentNullError
from ..layout.forms import HOST, Layout, Target
from .packed import PackedType, packed_of
from .packing import Packing, Packings

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["StructCodec", "codec_of", "for_target"]


class StructCodec:
    """Reads and writes a struct class in one of its layouts.

    ``Type.managed`` and :func:`for_target` return one. The methods of the class itself are those of
    its marshalled layout on this system. ``strict=False`` means what it means for ``Struct``.
    """

    __slots__ = ("__packing__",)

    def __init__(self, packing: Packing) -> None:
        """Not for callers."""
        self.__packing__ = packing

    def __repr__(self) -> str:
        return repr(self.__packing__)

    def __reduce__(self) -> tuple[Any, ...]:
        layout = self.layout
        return _restored, (self.struct, layout.target, layout.marshalled)

    @property
    def struct(self) -> type[Any]:
        """The struct class."""
        return self.__packing__.struct

    @property
    def layout(self) -> Layout:
        """Where each field is."""
        return self.__packing__.layout

    @property
    def size(self) -> int:
        """The size of the struct in bytes."""
        return self.__packing__.size

    @property
    def stride(self) -> int:
        """The distance between two elements of an array, in bytes."""
        return self.__packing__.stride

    @property
    def managed(self) -> StructCodec:
        """The managed layout of the same target. Raises ArgumentError for one with references."""
        return codec_of(self.__packing__.managed)

    @property
    def flat(self) -> FlatCodec:
        """The ``struct.Struct`` of all single values, with arrays as their elements.

        ``flat.unpack_from(buffer, offset)`` is the fastest way to read numbers: it returns one
        tuple. What the struct module has no format for, and fields that share bytes, are bytes.
        """
        cache = self.__packing__.cache
        flat: FlatCodec | None = cache.get("flat")
        if flat is None:
            from .packing_source import flat_format

            flat = cache.setdefault("flat", FlatCodec(flat_format(self.__packing__)))
        return flat

    def unpack_from(self, buffer: Buffer, offset: int = 0, *, strict: bool = True) -> Any:
        """Return a copy of the struct at ``offset``. Raises as Struct.unpack_from."""
        return self._packing(strict).unpack_from(buffer, offset)

    def pack_into(
        self, value: Any, buffer: Buffer, offset: int = 0, *, strict: bool = True
    ) -> None:
        """Write ``value`` at ``offset``. Raises as Struct.pack_into; then nothing was written."""
        self._packing(strict).pack_into(value, buffer, offset)

    def to_bytes(self, value: Any, *, strict: bool = True) -> bytes:
        """Return the bytes of ``value``, ``size`` of them. Raises StructValueError."""
        return self._packing(strict).to_bytes(value)

    def from_bytes(self, buffer: Buffer, *, strict: bool = True) -> Any:
        """Return a copy of the struct at the beginning of ``buffer``."""
        return self._packing(strict).unpack_from(buffer)

    def view(self, buffer: Buffer, offset: int = 0) -> Any:
        """Return a view of the struct at ``offset``. Raises as Struct.view."""
        from .view import view_of

        return view_of(self.__packing__, buffer, offset)

    def numpy_dtype(self) -> Any:
        """Return the NumPy dtype. Deprecated: use ``pyshm.structs.dtype(codec)``."""
        from .arrays import dtype

        warn_deprecated("StructCodec.numpy_dtype()", "pyshm.structs.dtype(codec)")
        return dtype(self)

    def _packing(self, strict: bool) -> Packing:
        return self.__packing__ if strict else self.__packing__.with_strict(False)


def codec_of(packing: Packing) -> StructCodec:
    """Return the codec of ``packing``, always the same one."""
    codec: StructCodec | None = packing.cache.get("codec")
    if codec is None:
        codec = packing.cache.setdefault("codec", StructCodec(packing))
    return codec


def _restored(struct: Any, target: Target, marshalled: bool) -> StructCodec:
    """Return the codec of that layout; pickles call this function."""
    packings: Packings = struct.__packings__
    return codec_of(packings.for_target(target, marshalled=marshalled))


def for_target(struct_type: PackedType, target: Target = HOST) -> StructCodec:
    """Return the codec of a struct class for programs on ``target``: 32-bit, or Windows.

    The layout is the marshalled one; ``.managed`` of the result is the other. Raises LayoutError if
    .NET does not marshal the struct there.
    """
    if not isinstance(target, Target):
        raise ArgumentNullError(
            f"target must be a pyshm.layout.Target, not {shown(target)}",
            field="target",
            value=target,
        )
    packings: Packings = packed_of(struct_type).struct.__packings__
    return codec_of(packings.for_target(target))
