"""Fields that share bytes, as in a C union.

The struct keeps the bytes, and each of the fields reads them. To assign a field is to write its
bytes, which changes what the other fields read. A list or a nested struct that was read or
assigned stays the value of its field, and a program can change it in place. Such changes are
written into the bytes before they are used again, in order of declaration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import StructValueError
from .shapes import Shape
from .values.base import InvalidValue

__all__ = ["Overlap", "overlaps_of"]


class Borrowed(NamedTuple):
    """A value that a program has and may change in place.

    ``encoded`` is what the value was stored as when the program got it. ``part`` is what the bytes
    were, which can differ: a bool is true with any byte but 0.
    """

    value: Any
    encoded: bytes
    part: bytes


class Overlap:
    """One run of fields that share bytes, ``size`` of them from ``offset`` on.

    Two slots of an object hold its state: the bytes, and the borrowed values by field name.
    """

    def __init__(self, shapes: list[Shape]) -> None:
        fields = [shape.field for shape in shapes]
        self.shapes = shapes
        self.offset = min(field.offset for field in fields)
        self.size = max(field.offset + field.size for field in fields) - self.offset
        # No field's name begins with two underscores.
        self.bytes_slot = f"__bytes_{fields[0].name}"
        self.borrowed_slot = f"__borrowed_{fields[0].name}"

    def flush(self, struct: Any) -> bytes:
        """Return the bytes, after writing what was changed in place. Raises StructValueError."""
        data: bytes = getattr(struct, self.bytes_slot)
        borrowed: dict[str, Borrowed] | None = getattr(struct, self.borrowed_slot)
        if not borrowed:
            return data
        for shape in self.shapes:
            known = borrowed.get(shape.field.name)
            if known is not None:
                raw = self._encoded(shape, known.value)
                if raw != known.encoded:
                    data = self._with(data, shape, raw)
                    borrowed[shape.field.name] = Borrowed(known.value, raw, raw)
        for shape in self.shapes:
            known = borrowed.get(shape.field.name)
            if known is not None and known.part != self._part(data, shape):
                del borrowed[shape.field.name]  # another field has overwritten it
        setattr(struct, self.bytes_slot, data)
        return data

    def comparable(self, struct: Any) -> Any:
        """Return what equal structs have equal: the bytes, or else the values they can't hold."""
        try:
            return self.flush(struct)
        except StructValueError:
            borrowed: dict[str, Borrowed] = getattr(struct, self.borrowed_slot)
            return {name: known.value for name, known in borrowed.items()}

    def part(self, struct: Any, shape: Shape) -> bytes:
        """Return the bytes of one of the fields."""
        return self._part(getattr(struct, self.bytes_slot), shape)

    def attribute(self, shape: Shape) -> property:
        """Return the attribute of one of the fields."""
        mutable = shape.conversion.mutable
        name = shape.field.name

        def read(struct: Any) -> Any:
            data = self.flush(struct)
            borrowed = getattr(struct, self.borrowed_slot)
            if borrowed and name in borrowed:
                return borrowed[name].value
            raw = self._part(data, shape)
            value = shape.conversion.decode(raw)
            if mutable:
                self._lend(struct, name, Borrowed(value, self._encoded(shape, value), raw))
            return value

        def write(struct: Any, value: Any) -> None:
            raw = self._encoded(shape, value)
            setattr(struct, self.bytes_slot, self._with(self.flush(struct), shape, raw))
            if mutable:
                self._lend(struct, name, Borrowed(value, raw, raw))
            self.flush(struct)

        return property(read, write)

    def _lend(self, struct: Any, name: str, value: Borrowed) -> None:
        borrowed = getattr(struct, self.borrowed_slot) or {}
        borrowed[name] = value
        setattr(struct, self.borrowed_slot, borrowed)

    def _encoded(self, shape: Shape, value: Any) -> bytes:
        try:
            return shape.conversion.encode(value)
        except InvalidValue as invalid:
            raise shape.error(invalid) from None

    def _part(self, data: bytes, shape: Shape) -> bytes:
        start = shape.field.offset - self.offset
        return data[start : start + shape.field.size]

    def _with(self, data: bytes, shape: Shape, raw: bytes) -> bytes:
        start = shape.field.offset - self.offset
        return data[:start] + raw + data[start + len(raw) :]


def overlaps_of(shapes: Sequence[Shape]) -> list[Overlap]:
    """Return the runs of fields that share bytes, each in order of declaration."""
    return [Overlap(group) for group in _overlapping(shapes)]


def _overlapping(shapes: Sequence[Shape]) -> Iterator[list[Shape]]:
    group: list[Shape] = []
    end = 0
    for shape in sorted(shapes, key=lambda shape: (shape.field.offset, shape.field.size)):
        if group and shape.field.offset >= end:
            if len(group) > 1:
                yield sorted(group, key=shapes.index)
            group = []
        group.append(shape)
        end = max(end, shape.field.offset + shape.field.size)
    if len(group) > 1:
        yield sorted(group, key=shapes.index)
