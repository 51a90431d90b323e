"""Structs as NumPy sees them: structured dtypes with every offset, and arrays in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._support.buffers import memory_of
from .._support.integers import check_offset, integer
from ..errors import TruncatedError
from .compound import ArrayValue, FirstElementOnly, NestedStruct, NullableValue
from .packed import Packed, PackedType, packed_of
from .values.base import Conversion
from .values.text import Char8, FixedText

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["array", "array_in", "dtype"]

_FORMATS = {
    "b": "i1", "B": "u1", "h": "<i2", "H": "<u2", "i": "<i4", "I": "<u4", "q": "<i8", "Q": "<u8",
    "e": "<f2", "f": "<f4", "d": "<f8",
}  # fmt: skip


def dtype(struct_type: PackedType) -> Any:
    """Return the NumPy dtype of a struct class or a StructCodec: a record with every offset.

    ``itemsize`` is the distance between two elements of an array. Text of one byte a character has
    the format ``S``; text of two is an array of uint16, because NumPy's own has four. Raises
    ImportError without NumPy.
    """
    packed = packed_of(struct_type)
    return _record(packed, packed.stride)


def array(
    struct_type: PackedType, buffer: Buffer, offset: int = 0, count: int | None = None
) -> Any:
    """Return a NumPy array of the structs in ``buffer``; it is the memory itself, not a copy.

    ``count`` is the number of structs, by default as many as fit after ``offset``. Raises
    TruncatedError if they do not fit, and ImportError without NumPy.
    """
    packed = packed_of(struct_type)
    import numpy as np

    offset = check_offset(offset)
    memory = memory_of(buffer)[offset:]
    fitting = len(memory) // packed.stride
    if count is None:
        count = fitting
    elif not 0 <= (count := integer(count, "count")) <= fitting:
        name = packed.struct.__name__
        raise TruncatedError(
            f"{count} of {name} need {count * packed.stride} bytes; the buffer has {len(memory)}",
            field=name,
            offset=offset,
            value=len(memory),
            limit=count * packed.stride,
        )
    return np.frombuffer(memory[: count * packed.stride], dtype(struct_type))


def array_in(conversion: ArrayValue, memory: memoryview) -> Any:
    """Return the NumPy array of the elements of an array; it is the memory itself."""
    import numpy as np

    return np.frombuffer(memory, _element(conversion), conversion.count)


def _record(packed: Packed, size: int) -> Any:
    import numpy as np

    shapes = packed.shapes
    return np.dtype(
        {
            "names": [shape.field.name for shape in shapes],
            "formats": [_format(shape.conversion) for shape in shapes],
            "offsets": [shape.field.offset for shape in shapes],
            "itemsize": size,
        }
    )


def _format(conversion: Conversion) -> Any:
    if isinstance(conversion, NestedStruct):
        return _record(conversion.packed, conversion.size)
    if isinstance(conversion, FirstElementOnly):
        return f"V{conversion.size}"
    if isinstance(conversion, ArrayValue):
        return (_element(conversion), (conversion.count,))
    if isinstance(conversion, NullableValue):
        return _nullable(conversion)
    if isinstance(conversion, FixedText):
        return f"S{conversion.size}" if conversion.unit == 1 else ("<u2", (conversion.count,))
    if isinstance(conversion, Char8):
        return "S1"
    return _FORMATS.get(conversion.code or conversion.number or "", f"V{conversion.size}")


def _element(conversion: ArrayValue) -> Any:
    import numpy as np

    element = np.dtype(_format(conversion.element))
    if conversion.stride != element.itemsize:
        element = np.dtype(
            {
                "names": ["value"],
                "formats": [element],
                "offsets": [0],
                "itemsize": conversion.stride,
            }
        )
    return element


def _nullable(conversion: NullableValue) -> Any:
    import numpy as np

    return np.dtype(
        {
            "names": ["has_value", "value"],
            "formats": [_format(part) for part in (conversion.truth, conversion.value)],
            "offsets": [0, conversion.offset],
            "itemsize": conversion.size,
        }
    )
