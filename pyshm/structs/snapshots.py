"""Snapshots: the bytes of a struct, with the fields as attributes."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct as Codec
from typing import TYPE_CHECKING, Any, ClassVar

from .._support.buffers import bytes_of, opened
from .._support.integers import check_offset
from ..errors import FormatError
from ..layout.forms import Target
from .compound import ArrayValue, NestedStruct, NullableValue
from .leaves import fields_text
from .members import members_of
from .packed import Packed, PackedType, packed_of, truncated_error
from .shapes import Shape
from .values.base import Conversion
from .values.numbers import Number

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["snapshot", "snapshot_type"]


def snapshot(struct_type: PackedType, buffer: Buffer, offset: int = 0) -> Any:
    """Return a copy of the bytes at ``offset``: an immutable ``bytes`` with fields as attributes.

    A field is converted each time that its attribute is read, and not before. Raises
    TruncatedError if the buffer ends before the struct does. For a buffer that holds the struct
    and nothing else, :func:`snapshot_type` is several times as fast.
    """
    packed = packed_of(struct_type)
    if type(offset) is not int or offset < 0:
        offset = check_offset(offset)
    try:
        memory = memoryview(buffer)
    except TypeError:
        memory = opened(buffer)  # raises the error that names the buffer
    if memory.format != "B" or memory.ndim != 1:
        memory = bytes_of(memory)
    part = memory[offset : offset + packed.size]
    if len(part) < packed.size:
        raise truncated_error(packed, len(part))
    return (packed.cache.get("snapshot") or _type_of(packed))(part)


def snapshot_type(struct_type: PackedType) -> type[bytes]:
    """Return the type of the snapshots of ``struct_type``.

    Call it with exactly the bytes of one struct to make a snapshot. It does not check how many
    they are; the attributes raise TruncatedError if there are too few.
    """
    return _type_of(packed_of(struct_type))


class _Snapshot(bytes):
    __slots__ = ()

    _packed_: ClassVar[Packed]

    def __repr__(self) -> str:
        packed = self._packed_
        fields = fields_text(packed, lambda shape: _field_text(self, packed, shape))
        return f"<snapshot of {packed.struct.__name__}: {fields}>"

    def __str__(self) -> str:
        return repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        layout = self._packed_.layout
        key = (self._packed_.struct, layout.target, layout.marshalled)
        return _restored, (*key, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the bytes of the struct, without its fields."""
        return _part(self, 0, bytes.__len__(self))


def _type_of(packed: Packed) -> type[bytes]:
    found: type[bytes] | None = packed.cache.get("snapshot")
    if found is None:
        namespace: dict[str, Any] = {
            "__slots__": (),
            "_packed_": packed,
            "layout": packed.layout,
        }
        for shape in packed.shapes:
            read = _reader(packed, shape.conversion, shape.field.offset)
            namespace[shape.field.name] = property(read)
        made = type(packed.struct.__name__, (*members_of(packed), _Snapshot), namespace)
        found = packed.cache.setdefault("snapshot", made)
    return found


def _restored(struct: Any, target: Target, marshalled: bool, data: bytes) -> Any:
    """Return the snapshot of these bytes; pickles call this function."""
    return _type_of(struct.__packings__.for_target(target, marshalled=marshalled))(data)


def _reader(packed: Packed, conversion: Conversion, start: int) -> Callable[[bytes], Any]:
    if type(conversion) is Number:
        unpack = Codec(f"<{conversion.code}").unpack_from

        def read_number(data: bytes) -> Any:
            try:
                return unpack(data, start)[0]
            except Exception:
                _check_size(packed, data)
                raise

        return read_number

    part = slice(start, start + conversion.size)

    def read(data: bytes) -> Any:
        _check_size(packed, data)
        return _immutable(conversion, bytes.__getitem__(data, part))

    return read


def _check_size(packed: Packed, data: bytes) -> None:
    size = bytes.__len__(data)
    if size < packed.size:
        raise truncated_error(packed, size)


def _immutable(conversion: Conversion, raw: bytes) -> Any:
    """Return the value of ``raw`` as one that can't be changed: a change would be lost."""
    if isinstance(conversion, NestedStruct):
        return _type_of(conversion.packed)(raw)
    if isinstance(conversion, ArrayValue):
        if not conversion.element.mutable:
            return tuple(conversion.decode(raw))
        return tuple(_immutable(conversion.element, piece) for piece in conversion.pieces(raw))
    if isinstance(conversion, NullableValue):
        return (
            _immutable(conversion.value, conversion.part(raw)) if conversion.is_set(raw) else None
        )
    return conversion.decode(raw)


def _field_text(data: bytes, packed: Packed, shape: Shape) -> str:
    from .describing import bytes_text, value_text

    raw = _part(data, shape.field.offset, shape.field.size)
    if len(raw) < shape.field.size:
        return bytes_text(raw, truncated_error(packed, bytes.__len__(data)))
    try:
        return repr(_immutable(shape.conversion, raw))
    except FormatError:
        return value_text(shape.conversion, raw)


def _part(data: bytes, start: int, size: int) -> bytes:
    # A class that derives from bytes can have methods of its own in place of those of bytes.
    return bytes.__getitem__(data, slice(start, start + size))
