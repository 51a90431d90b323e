"""A struct class in one of its layouts: the engine of ``Struct`` and ``StructCodec``.

The code that reads and writes is written and compiled once for each class and layout. One
``struct.Struct`` converts all the numbers; a field that is kept as bytes (fields.py) is one run of
bytes to it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from struct import Struct as Codec
from struct import error as CodecError
from typing import TYPE_CHECKING, Any

from .._support.buffers import bytes_of, memory_of, opened
from .._support.deprecated import warn_deprecated
from .._support.integers import check_offset
from ..errors import ArgumentError, DoesNotFitError, UnsupportedError
from ..layout.forms import Layout, Target
from ..layout.layouts import managed, native
from ..layout.traits import contains_references
from .fields import shapes_of
from .packed import truncated_error
from .shapes import Shape
from .unions import Overlap, overlaps_of
from .values.base import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["Packing", "Packings", "strict_from"]

_FAILURES = (
    CodecError, OverflowError, IndexError, TypeError, ValueError, BufferError, AttributeError,
    InvalidValue,
)  # fmt: skip


class Packing:
    """A struct class in one of its layouts: reads it from memory and writes it there.

    Implements ``packed.Packed``, which says what the attributes are. ``own`` is true for the layout
    that the class was made with: its objects keep their fields as that layout has them.
    """

    def __init__(self, struct: type[Any], layout: Layout, *, strict: bool, own: bool) -> None:
        self.struct = struct
        self.layout = layout
        self.strict = strict
        self.size = layout.size
        # pack_into of the values themselves would write the first ones before it finds that a later
        # one can't be stored.
        self._store = Codec(f"{self.size}s").pack_into
        self.stride = layout.stride
        self.shapes = shapes_of(layout, strict)
        self.overlaps: list[Overlap] = (
            overlaps_of(self.shapes) if own else struct.__packing__.overlaps
        )
        self.own = own
        self._refuse_references()
        self.cache: dict[object, Any] = {}
        # Fields can share bytes in one of two layouts alone, or at other offsets.
        self._one_by_one = not own and bool(self.overlaps or overlaps_of(self.shapes))

    def __repr__(self) -> str:
        kind = "marshalled" if self.layout.marshalled else "managed"
        return f"<{kind} {self.struct.__name__}, {self.size} bytes, {self.layout.target}>"

    @cached_property
    def managed(self) -> Packing:
        """The managed layout of the same target. Raises ArgumentError for one with references."""
        return self._packings.for_target(self.layout.target, marshalled=False)

    def with_strict(self, strict: bool) -> Packing:
        """Return the same layout with strict conversions, or with those of .NET."""
        return self._packings.of(self.layout, strict=strict)

    @property
    def _packings(self) -> Packings:
        packings: Packings = self.struct.__packings__
        return packings

    @cached_property
    def alone(self) -> list[Shape]:
        """The fields that do not share bytes, in order of declaration."""
        overlapped = {shape.field.name for overlap in self.overlaps for shape in overlap.shapes}
        return [shape for shape in self.shapes if shape.field.name not in overlapped]

    @property
    def lossless(self) -> bool:
        """Whether reading and writing gives every byte back.

        It does not if there is padding, or if a value has more than one representation.
        """
        end = 0
        for shape in self.shapes:
            keeps_bytes = not shape.is_plain and not shape.conversion.mutable
            if shape.field.offset != end or not (shape.conversion.canonical or keeps_bytes):
                return False
            end += shape.field.size
        return end == self.size and self.strict

    # --- reading and writing ---

    def unpack_from(self, buffer: Buffer, offset: int = 0) -> Any:
        """Return a copy of the struct at ``offset``. Raises TruncatedError."""
        if not self._one_by_one:
            return self.functions()["unpack_from"](buffer, offset)
        offset = check_offset(offset)
        raw = bytes_of(buffer)[offset : offset + self.size]
        if len(raw) < self.size:
            raise truncated_error(self, len(raw))
        return self._assembled(bytes(raw))

    def pack_into(self, value: Any, buffer: Buffer, offset: int = 0) -> None:
        """Write ``value`` at ``offset``. Raises as Struct.pack_into; then nothing was written."""
        offset = check_offset(offset)
        data = self.to_bytes(value)
        self.store(buffer, offset, data)

    def to_bytes(self, value: Any) -> bytes:
        """Return the bytes of ``value``. Raises StructValueError."""
        try:
            return self.encode(value)
        except InvalidValue as invalid:
            raise invalid.as_error() from None

    def fastest(self, name: str) -> Callable[..., Any]:
        """Return the function that the method ``unpack_from`` or ``encode`` ends up calling."""
        if self._one_by_one:
            method: Callable[..., Any] = getattr(self, name)
            return method
        function: Callable[..., Any] = self.functions()[name]
        return function

    def encode(self, value: Any) -> bytes:
        """Return the bytes of ``value``. Raises InvalidValue, with the path of the field."""
        try:
            return self._encode(value)
        except _FAILURES as error:
            self.check(value)
            raise error from None

    def check(self, value: Any) -> None:
        """Raise InvalidValue for the first field, as declared, that can't be stored."""
        # Fields that share bytes were checked when they were assigned.
        for shape, own in zip(self.alone, self.struct.__packing__.alone, strict=True):
            kept = getattr(value, own.slot)
            if type(kept) is bytes and not own.is_plain:
                continue  # the bytes that it was read as
            try:
                shape.conversion.encode(kept)
            except InvalidValue as invalid:
                raise invalid.inside("." + shape.field.dotnet_name, shape.field.offset) from None

    def store(self, buffer: Any, offset: int, data: bytes) -> None:
        """Write all bytes of a struct at once. Raises as Struct.pack_into."""
        try:
            self._store(buffer, offset, data)
        except (CodecError, IndexError, TypeError, BufferError):
            self.check_buffer(buffer, offset)
            raise

    def check_buffer(self, buffer: Any, offset: int) -> None:
        """Raise UnsupportedError for a read-only buffer, DoesNotFitError for one too small."""
        name = self.struct.__name__
        memory = memory_of(buffer)
        if memory.readonly:
            raise UnsupportedError(f"{name} can't be written: the buffer is read-only") from None
        if memory.nbytes - offset < self.size:
            available = max(memory.nbytes - offset, 0)
            raise DoesNotFitError(
                f"{name} needs {self.size} bytes; the buffer has {available}",
                field=name,
                offset=0,
                value=self.size,
                limit=available,
            ) from None

    def _refuse_references(self) -> None:
        if not self.layout.marshalled and contains_references(self.layout.declaration):
            name = self.struct.__name__
            raise ArgumentError(
                f"{name} holds references, which are addresses of objects in the managed layout: "
                "no other program can read them",
                field=name,
            )

    # --- fields that share bytes, in a layout that is not the own one: one by one, as .NET does ---

    def _encode(self, value: Any) -> bytes:
        if not self._one_by_one:
            encoded: bytes = self.functions()["encode"](value)
            return encoded
        data = bytearray(self.size)
        for shape in self.shapes:
            field_value = getattr(value, shape.field.name)
            at = shape.field.offset
            try:
                data[at : at + shape.field.size] = shape.conversion.encode(field_value)
            except InvalidValue as invalid:
                raise invalid.inside("." + shape.field.dotnet_name, at) from None
        for overlap in self.overlaps:
            if self.strict and self._is_same(overlap):
                start = self._offset(overlap)
                data[start : start + overlap.size] = overlap.flush(value)
        return bytes(data)

    def _assembled(self, raw: bytes) -> Any:
        struct = self.struct.__bare__()
        own = self.struct.__packing__
        for overlap in self.overlaps:
            setattr(struct, overlap.bytes_slot, bytes(overlap.size))
            setattr(struct, overlap.borrowed_slot, None)
        converted = [overlap for overlap in self.overlaps if not self._is_same(overlap)]
        for shape, kept in zip(self.shapes, own.shapes, strict=True):
            at = shape.field.offset
            piece = raw[at : at + shape.field.size]
            if any(kept in overlap.shapes for overlap in converted):
                setattr(struct, kept.field.name, shape.conversion.decode(piece))
            elif not any(kept in overlap.shapes for overlap in self.overlaps):
                setattr(struct, kept.slot, shape.conversion.decode(piece))
        for overlap in self.overlaps:
            if self._is_same(overlap):
                start = self._offset(overlap)
                setattr(struct, overlap.bytes_slot, raw[start : start + overlap.size])
                setattr(struct, overlap.borrowed_slot, None)
        return struct

    def _offset(self, overlap: Overlap) -> int:
        names = {shape.field.name for shape in overlap.shapes}
        return min(field.offset for field in self.layout.fields if field.name in names)

    def _is_same(self, overlap: Overlap) -> bool:
        """Return whether the fields have the forms and distances that they have in the own one."""
        start = self._offset(overlap)
        there = {shape.field.name: shape.field for shape in overlap.shapes}
        return all(
            field.form == there[field.name].form
            and field.offset - start == there[field.name].offset - overlap.offset
            for field in self.layout.fields
            if field.name in there
        )

    # --- code ---

    def functions(self) -> dict[str, Any]:
        """Return ``unpack_from``, ``encode`` and ``pack_into``, compiled on first use.

        To compile them takes far longer than to lay out a type, and not every type is used.
        """
        scope: dict[str, Any] | None = self.cache.get("functions")
        if scope is None:
            from .packing_source import ReadPlan, WritePlan, function_source

            reading, writing = ReadPlan(self), WritePlan(self)
            scope = {
                **reading.scope,
                **writing.scope,
                "_unpack": Codec(reading.format).unpack_from,
                "_pack": Codec(writing.format).pack,
                "_store": self._store,
                "_packing": self,
                "_check_offset": check_offset,
                "_errors": _FAILURES,
                "_unpack_failed": _unpack_failed,
                "_pack_failed": _pack_failed,
            }
            if self.own:
                scope["_chosen"] = self._chosen
            source = function_source(reading, writing, own=self.own)
            exec(compile(source, f"<pyshm struct {self.struct.__name__}>", "exec"), scope)  # noqa: S102 - made from names alone
            # Another thread may use what the cache has, which therefore has to be complete.
            scope = self.cache.setdefault("functions", scope)
            self.unpack_from = scope["unpack_from"]  # type: ignore[method-assign]
            self._encode = scope["encode"]  # type: ignore[method-assign]
        return scope

    def _chosen(self, exact: bool | None, strict: bool) -> Packing:
        """Return the packing for these arguments of the methods of a struct class."""
        return self.with_strict(strict if exact is None else strict_from(exact, stacklevel=3))


def strict_from(exact: bool, stacklevel: int = 2) -> bool:
    """Return ``strict`` for the deprecated argument ``exact``, with a warning."""
    warn_deprecated(f"exact={exact}", f"strict={not exact}", stacklevel=stacklevel)
    return not exact


class Packings:
    """All packings of one struct class, each made on first use."""

    def __init__(self, struct: type[Any], own: Layout) -> None:
        self.struct = struct
        self._known: dict[tuple[Target, bool, bool], Packing] = {}
        self._names = [field.name for field in own.fields]
        self.own = self._add(own, strict=True, own=True)

    def of(self, layout: Layout, *, strict: bool = True) -> Packing:
        """Return the packing of ``layout``, which is a layout of the struct class."""
        found = self._known.get((layout.target, layout.marshalled, strict))
        return found or self._add(layout, strict=strict, own=False)

    def for_target(self, target: Target, *, marshalled: bool = True) -> Packing:
        """Return the packing for programs on ``target``. Raises LayoutError, ArgumentError."""
        found = self._known.get((target, marshalled, True))
        if found is None:
            declaration = self.own.layout.declaration
            layout = native(declaration, target) if marshalled else managed(declaration, target)
            found = self._add(layout, strict=True, own=False)
        return found

    def _add(self, layout: Layout, *, strict: bool, own: bool) -> Packing:
        fields = tuple(
            field._replace(name=name)
            for field, name in zip(layout.fields, self._names, strict=True)
        )
        packing = Packing(self.struct, layout._replace(fields=fields), strict=strict, own=own)
        return self._known.setdefault((layout.target, layout.marshalled, strict), packing)


def _unpack_failed(packing: Packing, buffer: Any, offset: Any, error: Exception) -> Any:
    number = check_offset(offset)
    if number is not offset:
        return packing.functions()["unpack_from"](buffer, number)
    memory = opened(buffer)
    if not memory.c_contiguous:
        return packing.functions()["unpack_from"](bytes_of(memory), number)
    if isinstance(error, (CodecError, OverflowError)):
        raise truncated_error(packing, memory.nbytes - number) from None
    raise error


def _pack_failed(packing: Packing, value: Any, buffer: Any, offset: Any, error: Exception) -> None:
    try:
        packing.check(value)
    except InvalidValue as invalid:
        raise invalid.as_error() from None
    number = check_offset(offset)
    if number is not offset:
        packing.pack_into(value, buffer, number)
        return
    packing.check_buffer(buffer, number)
    raise error
