"""A struct's bytes as an immutable value whose fields are read when they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct as Codec
from typing import TYPE_CHECKING, Any

from .compound import Elements, Nested
from .packed import Packed, check_offset, truncated_error
from .values.base import Conversion
from .values.numbers import Number

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["snapshot_of", "snapshot_type"]


def snapshot_of(packing: Packed, buffer: Buffer, offset: int) -> Any:
    """The snapshot of the struct at ``offset``. Raises TruncatedError."""
    check_offset(offset)
    memory = memoryview(buffer)
    if memory.format != "B" or memory.ndim != 1:
        memory = memory.cast("B")
    part = memory[offset : offset + packing.size]
    if len(part) < packing.size:
        raise truncated_error(packing, len(part))
    return (packing.made.get("snapshot") or snapshot_type(packing))(part)


def snapshot_type(packing: Packed) -> type[bytes]:
    """The type of a struct's snapshots: bytes with properties."""
    made: type[bytes] | None = packing.made.get("snapshot")
    if made is None:
        namespace: dict[str, Any] = {"__slots__": (), "__repr__": _shown(packing)}
        namespace["__str__"] = namespace["__repr__"]
        for shape in packing.shapes:
            read = _reader(packing, shape.conversion, shape.field.offset)
            namespace[shape.field.name] = property(read)
        made = type(packing.struct.__name__, (bytes,), namespace)
        packing.made["snapshot"] = made
    return made


def _reader(packing: Packed, conversion: Conversion, start: int) -> Callable[[bytes], Any]:
    if type(conversion) is Number:
        unpack = Codec(f"<{conversion.code}").unpack_from

        def read_number(data: bytes) -> Any:
            try:
                return unpack(data, start)[0]
            except Exception:
                _check(packing, data)
                raise

        return read_number

    def read(data: bytes) -> Any:
        _check(packing, data)
        return _frozen(conversion, bytes.__getitem__(data, slice(start, start + conversion.size)))

    return read


def _check(packing: Packed, data: bytes) -> None:
    size = bytes.__len__(data)
    if size < packing.size:
        raise truncated_error(packing, size)


def _frozen(conversion: Conversion, raw: bytes) -> Any:
    """The value as one that can't be changed: a change would go nowhere."""
    if isinstance(conversion, Nested):
        return snapshot_type(conversion.packing)(raw)
    if isinstance(conversion, Elements):
        if not conversion.element.mutable:
            return tuple(conversion.decode(raw))
        size = conversion.element.size
        return tuple(
            _frozen(conversion.element, raw[at : at + size])
            for at in range(0, len(raw), conversion.stride)
        )
    return conversion.decode(raw)


def _shown(packing: Packed) -> Callable[[bytes], str]:
    def shown(data: bytes) -> str:
        fields = ", ".join(
            f"{field.name}={getattr(data, field.name)!r}" for field in packing.layout.fields
        )
        return f"<snapshot of {packing.struct.__name__}: {fields}>"

    return shown
