"""What to write instead of a type that is not a field type or not a struct class."""

from __future__ import annotations

from typing import Any

from .. import types
from .._support import shown as messages
from ..errors import ArgumentNullError

__all__ = ["field_advice", "not_a_struct", "shown"]

# By the name of the Python type; a class of datetime, for example, may not be loaded.
_FIELD_TYPES = {
    "int": "Int32, or another integer of pyshm.types",
    "float": "Double or Single of pyshm.types",
    "bool": "Bool of pyshm.types, which has four bytes, or Bool8",
    "str": "Annotated[str, ByValTStr(32)], or Char for one character",
    "bytes": "Annotated[list[int], ByValArray(Byte, 32)]",
    "bytearray": "Annotated[list[int], ByValArray(Byte, 32)]",
    "list": "Annotated[list[int], ByValArray(Int32, 4)]",
    "tuple": "Annotated[list[int], ByValArray(Int32, 4)]",
    "Decimal": "Decimal of pyshm.types",
    "datetime": "DateTime of pyshm.types",
    "date": "DateOnly of pyshm.types",
    "time": "TimeOnly of pyshm.types",
    "timedelta": "TimeSpan of pyshm.types",
    "UUID": "Guid of pyshm.types",
}
_MARKERS = (
    types.ByValTStr, types.ByValArray, types.FixedBuffer, types.InlineArray, types.Nullable,
    types.SafeArray, types.Enum, types.FieldOffset, types.FieldName,
)  # fmt: skip


def field_advice(hint: Any) -> str:
    """Return what a field with the annotation ``hint`` can be declared with."""
    if isinstance(hint, _MARKERS):
        return f"write it in Annotated: Annotated[..., {type(hint).__name__}(...)]"
    if hint in _MARKERS:
        return f"write it in Annotated, with its arguments: Annotated[..., {hint.__name__}(...)]"
    arguments = getattr(hint, "__args__", ())
    if type(None) in arguments:
        return "use Annotated[int | None, Nullable(Int32)], with the type that it is in C#"
    bare = getattr(hint, "__origin__", hint)
    advice = _FIELD_TYPES.get(getattr(bare, "__name__", ""))
    if advice is not None:
        return f"use {advice}"
    return "use one of pyshm.types, a Struct or an IntEnum"


def not_a_struct(kind: Any) -> ArgumentNullError:
    """Return the error for ``kind`` where a struct class is needed."""
    return ArgumentNullError(
        f"a class that derives from pyshm.Struct is needed, not {shown(kind)}",
        field="struct",
        value=kind,
    )


def shown(kind: Any) -> str:
    """Return the name of a field type or a class, or the repr of something else."""
    for name in types.__all__:
        if getattr(types, name) is kind:
            return f"pyshm.types.{name}"
    return kind.__name__ if isinstance(kind, type) else messages.shown(kind)
