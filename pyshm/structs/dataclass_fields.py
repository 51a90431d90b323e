"""Struct classes as dataclasses: what dataclasses.fields, asdict and replace read.

A model with the same fields is made by ``dataclasses.make_dataclass`` when one of them is called.
"""

from __future__ import annotations

from dataclasses import InitVar, field, make_dataclass
from functools import partial
from inspect import get_annotations
from typing import Any

from ..errors import FormatError
from .packed import Packed
from .shapes import Shape
from .values.base import InvalidValue

__all__ = ["SOURCE", "keep_source", "model_of"]

SOURCE = "__source__"
"""An argument that dataclasses.replace passes to the constructor: the struct that is changed."""


def model_of(struct: Any) -> Any:
    """Return a dataclass with the fields of a struct class."""
    packed: Packed | None = getattr(struct, "__packing__", None)
    if packed is None:
        return make_dataclass("Struct", [])
    model = packed.cache.get("dataclass")
    return model or packed.cache.setdefault("dataclass", _made_model(struct, packed))


def _made_model(struct: Any, packed: Packed) -> Any:
    hints: dict[str, Any] = {}
    for each in reversed(struct.__mro__):
        hints |= get_annotations(each)
    fields = []
    for shape in packed.shapes:
        name = shape.field.name
        initial = partial(_initial, struct, name)
        default = (
            field(default_factory=initial) if shape.conversion.mutable else field(default=initial())
        )
        fields.append((name, hints.get(name, Any), default))
    # Without it, the new struct would not have what values do not have, such as text after a NUL;
    # and one that is a union would get the old values of all its fields, in their order.
    source = field(default=None, repr=False, hash=False, compare=False)
    fields.append((SOURCE, InitVar[Any], source))
    return make_dataclass(struct.__name__, fields, repr=False, eq=False)


def _initial(struct: Any, name: str) -> Any:
    return getattr(struct(), name)


def keep_source(struct: Any, source: Any, overlapped: dict[str, Any]) -> None:
    """Let ``struct`` keep the bytes of ``source`` for each field that has the same value.

    ``overlapped`` has the values that were given for fields that share bytes.
    """
    packed: Packed = type(struct).__packing__
    for shape in packed.shapes:
        if shape.is_plain or shape.field.name in overlapped:
            continue
        kept = getattr(source, shape.slot)
        if type(kept) is bytes and _is_same(shape, source, getattr(struct, shape.slot)):
            setattr(struct, shape.slot, kept)
    for overlap in packed.overlaps:
        setattr(struct, overlap.bytes_slot, overlap.flush(source))
        setattr(struct, overlap.borrowed_slot, None)
        for shape in overlap.shapes:
            value = overlapped[shape.field.name]
            if not _is_same(shape, source, value):
                setattr(struct, shape.field.name, value)


def _is_same(shape: Shape, source: Any, value: Any) -> bool:
    try:
        current = getattr(source, shape.field.name)
        return shape.conversion.encode(value) == shape.conversion.encode(current)
    except (FormatError, InvalidValue):
        return False
