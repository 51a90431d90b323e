"""Structs as NumPy sees them: structured dtypes with every offset, and arrays in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import TruncatedError
from .compound import Elements, FirstOnly, Nested
from .compound import Optional as OptionalValue
from .packed import Packed, check_offset
from .values.base import Conversion
from .values.text import FixedText

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["array_in", "dtype_of"]

_FORMATS = {
    "b": "i1", "B": "u1", "h": "<i2", "H": "<u2", "i": "<i4", "I": "<u4", "q": "<i8", "Q": "<u8",
    "e": "<f2", "f": "<f4", "d": "<f8",
}  # fmt: skip
# Forms that are a number to NumPy, though they mean something else to Python.
_NUMBERS = {"Currency": "q", "DateTime": {True: "d", False: "Q"}}


def dtype_of(packing: Packed) -> Any:
    """The dtype of an array of structs: as wide as its stride."""
    return _struct(packing, packing.stride)


def array_in(packing: Packed, buffer: Buffer, offset: int, count: int | None) -> Any:
    """A NumPy array over ``buffer``. Raises TruncatedError."""
    import numpy as np

    check_offset(offset)
    memory = memoryview(buffer).cast("B")[offset:]
    fitting = len(memory) // packing.stride
    if count is None:
        count = fitting
    elif not 0 <= count <= fitting:
        raise TruncatedError(
            f"{count} of {packing.struct.__name__} need {count * packing.stride} bytes; the "
            f"buffer has {len(memory)}",
            field=packing.struct.__name__,
            offset=offset,
            value=len(memory),
            limit=count * packing.stride,
        )
    return np.frombuffer(memory[: count * packing.stride], dtype_of(packing))


def _struct(packing: Packed, size: int) -> Any:
    import numpy as np

    shapes = packing.shapes
    return np.dtype(
        {
            "names": [shape.field.name for shape in shapes],
            "formats": [_format(shape.conversion, packing) for shape in shapes],
            "offsets": [shape.field.offset for shape in shapes],
            "itemsize": size,
        }
    )


def _format(conversion: Conversion, packing: Packed) -> Any:
    if isinstance(conversion, Nested):
        return _struct(conversion.packing, conversion.size)
    if isinstance(conversion, FirstOnly):
        return f"V{conversion.size}"
    if isinstance(conversion, Elements):
        return _array(conversion, packing)
    if isinstance(conversion, OptionalValue):
        return _optional(conversion, packing)
    if isinstance(conversion, FixedText):
        # NumPy's own Unicode text has four bytes a character.
        return f"S{conversion.size}" if conversion.unit == 1 else ("<u2", (conversion.count,))
    code: Any = conversion.code or _NUMBERS.get(conversion.name)
    if isinstance(code, dict):
        code = code[packing.layout.marshalled]
    if code is None and conversion.name == "char":
        return "S1"
    return _FORMATS.get(code, f"V{conversion.size}")


def _array(conversion: Elements, packing: Packed) -> Any:
    import numpy as np

    element = np.dtype(_format(conversion.element, packing))
    if conversion.stride != element.itemsize:
        element = np.dtype(
            {
                "names": ["value"],
                "formats": [element],
                "offsets": [0],
                "itemsize": conversion.stride,
            }
        )
    return (element, (conversion.count,))


def _optional(conversion: OptionalValue, packing: Packed) -> Any:
    import numpy as np

    return np.dtype(
        {
            "names": ["has_value", "value"],
            "formats": [_format(part, packing) for part in (conversion.truth, conversion.value)],
            "offsets": [0, conversion.offset],
            "itemsize": conversion.size,
        }
    )
