"""What a struct object consists of: how it is compared, shown and pickled."""

from __future__ import annotations

from typing import Any

from .._support.shown import shown
from ..errors import FormatError, StructValueError
from .packed import Packed
from .shapes import Shape

__all__ = ["_restored", "comparable", "field_text", "state_of"]


def state_of(struct: Any) -> tuple[Any, ...]:
    """Return what a struct consists of: its fields, as its slots have them."""
    packing: Packed = type(struct).__packing__
    fields = [getattr(struct, shape.slot) for shape in packing.alone]
    return (*fields, *(overlap.flush(struct) for overlap in packing.overlaps))


def _restored(cls: Any, state: tuple[Any, ...]) -> Any:
    """Return the struct that has the state; pickles call this function."""
    packing: Packed = cls.__packing__
    struct = cls.__bare__()
    slots = [shape.slot for shape in packing.alone]
    slots += [overlap.bytes_slot for overlap in packing.overlaps]
    for slot, value in zip(slots, state, strict=True):
        setattr(struct, slot, value)
    for overlap in packing.overlaps:
        setattr(struct, overlap.borrowed_slot, None)
    return struct


def comparable(struct: Any) -> tuple[Any, ...]:
    """Return the value of each field, or its bytes if they are not a value."""
    packing: Packed = type(struct).__packing__
    values: list[Any] = []
    for shape in packing.alone:
        try:
            values.append(getattr(struct, shape.field.name))
        except FormatError:
            values.append(getattr(struct, shape.slot))
    return (*values, *(overlap.comparable(struct) for overlap in packing.overlaps))


def field_text(struct: Any, shape: Shape) -> str:
    """Return the repr of a field, or its bytes if they are not a value."""
    try:
        return shown(getattr(struct, shape.field.name), longest=None)
    except StructValueError as error:  # a list in a union was changed to what can't be stored
        return f"<{error}>"
    except FormatError:
        from .describing import value_text

        for overlap in struct.__packing__.overlaps:
            if shape in overlap.shapes:
                return value_text(shape.conversion, overlap.part(struct, shape))
        return value_text(shape.conversion, getattr(struct, shape.slot))
