"""Fields that share bytes: a union keeps its memory, and each field is a reading of it.

Assigning to a field changes the bytes, and so what the others read. A list or nested struct that
was read or assigned is the field itself, as everywhere: what is changed in it is written into
the bytes before they are used again, field by field in order of declaration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .shapes import Shape
from .values.base import InvalidValue

__all__ = ["Overlap", "overlaps_of"]


class _Loan(NamedTuple):
    """A value that somebody holds and may change.

    ``encoded`` is what it would be stored as when it was lent, ``part`` what lay there: bytes of
    a truth value may be any.
    """

    value: Any
    encoded: bytes
    part: bytes


class Overlap:
    """One run of overlapping fields, from ``offset`` on; two slots of a struct hold its state."""

    def __init__(self, shapes: list[Shape]) -> None:
        fields = [shape.field for shape in shapes]
        self.shapes = shapes
        self.offset = min(field.offset for field in fields)
        self.size = max(field.offset + field.size for field in fields) - self.offset
        # The fields' own slots have nothing else to hold.
        self.bytes_slot = f"_bytes_{fields[0].name}"
        self.loans_slot = f"_loans_{fields[0].name}"

    def settled(self, struct: Any) -> bytes:
        """The bytes, with what was changed in place. Raises StructValueError."""
        data: bytes = getattr(struct, self.bytes_slot)
        loans: dict[str, _Loan] | None = getattr(struct, self.loans_slot)
        if not loans:
            return data
        for shape in self.shapes:
            loan = loans.get(shape.field.name)
            if loan is not None:
                raw = self._encoded(shape, loan.value)
                if raw != loan.encoded:
                    data = self._with(data, shape, raw)
                    loans[shape.field.name] = _Loan(loan.value, raw, raw)
        for shape in self.shapes:
            loan = loans.get(shape.field.name)
            if loan is not None and loan.part != self._part(data, shape):
                del loans[shape.field.name]  # written over by another field
        setattr(struct, self.bytes_slot, data)
        return data

    def accessor(self, shape: Shape) -> property:
        """The attribute of one of the fields."""
        mutable = shape.conversion.mutable
        name = shape.field.name

        def read(struct: Any) -> Any:
            data = self.settled(struct)
            loans = getattr(struct, self.loans_slot)
            if loans and name in loans:
                return loans[name].value
            raw = self._part(data, shape)
            value = shape.conversion.decode(raw)
            if mutable:
                self._lend(struct, name, _Loan(value, self._encoded(shape, value), raw))
            return value

        def write(struct: Any, value: Any) -> None:
            raw = self._encoded(shape, value)
            setattr(struct, self.bytes_slot, self._with(self.settled(struct), shape, raw))
            if mutable:
                self._lend(struct, name, _Loan(value, raw, raw))
            self.settled(struct)

        return property(read, write)

    def _lend(self, struct: Any, name: str, loan: _Loan) -> None:
        loans = getattr(struct, self.loans_slot) or {}
        loans[name] = loan
        setattr(struct, self.loans_slot, loans)

    def _encoded(self, shape: Shape, value: Any) -> bytes:
        try:
            return shape.conversion.encode(value)
        except InvalidValue as bad:
            raise shape.error(bad) from None

    def _part(self, data: bytes, shape: Shape) -> bytes:
        start = shape.field.offset - self.offset
        return data[start : start + shape.field.size]

    def _with(self, data: bytes, shape: Shape, raw: bytes) -> bytes:
        start = shape.field.offset - self.offset
        return data[:start] + raw + data[start + len(raw) :]


def overlaps_of(shapes: list[Shape]) -> list[Overlap]:
    """Return the runs of fields that share bytes, each in order of declaration."""
    return [Overlap(group) for group in _overlapping(shapes)]


def _overlapping(shapes: list[Shape]) -> Iterator[list[Shape]]:
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
