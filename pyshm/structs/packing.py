"""The code that packs and unpacks a struct in one layout, written and compiled once a type.

One struct.Struct reads and writes everything; numbers are its values as they are, and what is
made of bytes (shapes.py) is one run of bytes to it.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct as Codec
from struct import error as CodecError
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import ArgumentError, DoesNotFitError, UnsupportedError
from ..layout.forms import Layout, Target
from ..layout.layouts import managed, native
from ..layout.traits import contains_references
from .compound import Elements, Nested
from .fields import shapes_of
from .packed import Packed, check_offset, truncated_error
from .shapes import Shape
from .source import Reading, Writing, function_source, spelled_out
from .unions import Overlap, overlaps_of
from .values.base import InvalidValue
from .values.numbers import Boolean

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["Packing", "Packings", "flat_format"]

_FAILURES = (CodecError, OverflowError, TypeError, AttributeError, InvalidValue)


class Packing:
    """A struct type in one of its layouts: reads it from memory and writes it there.

    ``Type.managed`` and ``Type.for_target(...)`` give one; the type's own methods are those of
    its marshalled layout on this system. ``layout`` tells every offset, ``size`` is in bytes,
    and in an array the elements begin ``stride`` bytes apart.
    """

    def __init__(self, struct: type[Any], layout: Layout, *, exact: bool, own: bool) -> None:
        """Not for callers. ``own``: the layout that the class keeps its fields in."""
        self.struct = struct
        self.layout = layout
        self.exact = exact
        self.size = layout.size
        # pack_into of the values themselves would have written the first ones before it finds
        # that a later one can't be stored.
        self._store = Codec(f"{self.size}s").pack_into
        self.stride = layout.stride
        self.shapes = shapes_of(layout, exact)
        self.overlaps: list[Overlap] = (
            overlaps_of(self.shapes) if own else struct.__packing__.overlaps
        )
        self.own = own
        self._refuse_references()
        self.made: dict[object, Any] = {}
        """What was made of it on first use: functions, views, snapshots, an FFI."""
        # Fields that overlap elsewhere than in the struct itself are done one by one.
        self._one_by_one = bool(self.overlaps) and not own

    def __repr__(self) -> str:
        kind = "marshalled" if self.layout.marshalled else "managed"
        return f"<{kind} {self.struct.__name__}, {self.size} bytes, {self.layout.target}>"

    # --- what callers use ---

    @property
    def managed(self) -> Packing:
        """The same target's managed layout: what accessor.Read<T> and Write<T> use."""
        packings: Packings = self.struct.__packings__
        return packings.for_target(self.layout.target, marshalled=False)

    def unpack_from(self, buffer: Buffer, offset: int = 0) -> Any:
        """One struct at ``offset``, a copy. Raises TruncatedError."""
        if not self._one_by_one:
            return self.generate()["unpack_from"](buffer, offset)
        check_offset(offset)
        raw = memoryview(buffer).cast("B")[offset : offset + self.size]
        if len(raw) < self.size:
            raise truncated_error(self, len(raw))
        return self._assembled(bytes(raw))

    def pack_into(self, value: Any, buffer: Buffer, offset: int = 0) -> None:
        """Write ``value`` at ``offset``. Raises as Struct.pack_into; then nothing was written."""
        check_offset(offset)
        data = self.to_bytes(value)
        self.store(buffer, offset, data)

    def to_bytes(self, value: Any) -> bytes:
        """The bytes of ``value``, ``size`` of them. Raises StructValueError."""
        try:
            return self.encode(value)
        except InvalidValue as bad:
            raise bad.as_error() from None

    def from_bytes(self, buffer: Buffer) -> Any:
        """The struct at the beginning of ``buffer``."""
        return self.unpack_from(buffer)

    def numpy_dtype(self) -> Any:
        """As Struct.numpy_dtype, of this layout; an array has :attr:`stride`."""
        from .arrays import dtype_of

        return dtype_of(self)

    # --- what the rest of pyshm uses ---

    @property
    def faithful(self) -> bool:
        """Whether reading and writing gives back every byte: no padding, no second spelling."""
        end = 0
        for shape in self.shapes:
            kept = not shape.is_plain and not shape.conversion.mutable
            if shape.field.offset != end or not (shape.conversion.canonical or kept):
                return False
            end += shape.field.size
        return end == self.size and not self.exact

    def quickest(self, name: str) -> Callable[..., Any]:
        """``unpack_from`` or ``encode`` without what leads to it."""
        if self._one_by_one:
            method: Callable[..., Any] = getattr(self, name)
            return method
        function: Callable[..., Any] = self.generate()[name]
        return function

    def encode(self, value: Any) -> bytes:
        """The bytes of ``value``. Raises BadValue, with the path to what is wrong."""
        try:
            return self._encode(value)
        except _FAILURES as error:
            self.check(value)
            raise error from None

    def check(self, value: Any) -> None:
        """Raise BadValue for the first field, in order of declaration, that can't be stored."""
        for shape, own in zip(self.shapes, self.struct.__packing__.shapes, strict=True):
            if any(shape.field.name == s.field.name for o in self.overlaps for s in o.shapes):
                continue  # checked when it is assigned
            held = getattr(value, own.slot)
            if type(held) is bytes and not own.is_plain:
                continue  # as it was read
            try:
                shape.conversion.encode(held)
            except InvalidValue as bad:
                raise bad.inside("." + shape.field.dotnet_name, shape.field.offset) from None

    def store(self, buffer: Any, offset: int, data: bytes) -> None:
        """Write all of a struct's bytes at once. Raises as Struct.pack_into."""
        try:
            self._store(buffer, offset, data)
        except (CodecError, TypeError):
            self.check_buffer(buffer, offset)
            raise

    def check_buffer(self, buffer: Any, offset: int) -> None:
        """Raise UnsupportedError or DoesNotFitError for memory that can't take a struct."""
        name = self.struct.__name__
        memory = memoryview(buffer)
        if memory.readonly:
            raise UnsupportedError(f"writing {name} into a read-only buffer") from None
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
            raise ArgumentError(
                f"{self.struct.__name__} holds references, which the managed layout has as "
                "addresses of objects: no other program can read them",
                field=self.struct.__name__,
            )

    # --- a type with overlaps, in a layout that is not its own: field by field, as .NET does ---

    def _encode(self, value: Any) -> bytes:
        if not self._one_by_one:
            encoded: bytes = self.generate()["encode"](value)
            return encoded
        data = bytearray(self.size)
        for shape in self.shapes:
            held = getattr(value, shape.field.name)
            at = shape.field.offset
            try:
                data[at : at + shape.field.size] = shape.conversion.encode(held)
            except InvalidValue as bad:
                raise bad.inside("." + shape.field.dotnet_name, at) from None
        for overlap in self.overlaps:
            if not self.exact and self._same(overlap):
                start = self._offset(overlap)
                data[start : start + overlap.size] = overlap.settled(value)
        return bytes(data)

    def _assembled(self, raw: bytes) -> Any:
        made = self.struct.__bare__()
        own = self.struct.__packing__
        for overlap in self.overlaps:
            setattr(made, overlap.bytes_slot, bytes(overlap.size))
            setattr(made, overlap.loans_slot, None)
        converted = [overlap for overlap in self.overlaps if not self._same(overlap)]
        for shape, kept in zip(self.shapes, own.shapes, strict=True):
            at = shape.field.offset
            piece = raw[at : at + shape.field.size]
            if any(kept in overlap.shapes for overlap in converted):
                setattr(made, kept.field.name, shape.conversion.decode(piece))
            elif not any(kept in overlap.shapes for overlap in self.overlaps):
                setattr(made, kept.slot, shape.conversion.decode(piece))
        for overlap in self.overlaps:
            if self._same(overlap):
                start = self._offset(overlap)
                setattr(made, overlap.bytes_slot, raw[start : start + overlap.size])
                setattr(made, overlap.loans_slot, None)
        return made

    def _offset(self, overlap: Overlap) -> int:
        names = {shape.field.name for shape in overlap.shapes}
        return min(field.offset for field in self.layout.fields if field.name in names)

    def _same(self, overlap: Overlap) -> bool:
        """Whether overlapping fields lie here as they lie in the struct itself."""
        start = self._offset(overlap)
        there = {shape.field.name: shape.field for shape in overlap.shapes}
        return all(
            field.form == there[field.name].form
            and field.offset - start == there[field.name].offset - overlap.offset
            for field in self.layout.fields
            if field.name in there
        )

    # --- code ---

    def generate(self) -> dict[str, Any]:
        """Write and compile ``unpack_from``, ``encode`` and ``pack_into``, on first use.

        Compiling takes far longer than laying out a type, and not every type is used.
        """
        scope = self.made.get("functions")
        if scope is None:
            reading, writing = Reading(self), Writing(self)
            scope = self.made["functions"] = {
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
            source = function_source(reading, writing, own=self.own)
            exec(compile(source, f"<pyshm struct {self.struct.__name__}>", "exec"), scope)  # noqa: S102 - made from names alone
            self.unpack_from = scope["unpack_from"]  # type: ignore[method-assign]
            self._encode = scope["encode"]  # type: ignore[method-assign]
        functions: dict[str, Any] = scope
        return functions


class Packings:
    """All packings of one struct class, each made when it is first asked for."""

    def __init__(self, struct: type[Any], own: Layout) -> None:
        self.struct = struct
        self._made: dict[tuple[Target, bool, bool], Packing] = {}
        self._names = [field.name for field in own.fields]
        self.own = self._add(own, exact=False, own=True)

    def of(self, layout: Layout, *, exact: bool = False) -> Packing:
        """The packing of ``layout``, which is one of the struct's own type."""
        found = self._made.get((layout.target, layout.marshalled, exact))
        return found or self._add(layout, exact=exact, own=False)

    def for_target(
        self, target: Target, *, marshalled: bool = True, exact: bool = False
    ) -> Packing:
        """The packing for a program on ``target``. Raises LayoutError, ArgumentError."""
        found = self._made.get((target, marshalled, exact))
        if found is None:
            declaration = self.own.layout.declaration
            layout = native(declaration, target) if marshalled else managed(declaration, target)
            found = self._add(layout, exact=exact, own=False)
        return found

    def _add(self, layout: Layout, *, exact: bool, own: bool) -> Packing:
        fields = tuple(
            field._replace(name=name)
            for field, name in zip(layout.fields, self._names, strict=True)
        )
        packing = Packing(self.struct, layout._replace(fields=fields), exact=exact, own=own)
        self._made[layout.target, layout.marshalled, exact] = packing
        return packing


# --- flat ---------------------------------------------------------------------------------


def flat_format(packing: Packed) -> str:
    """The struct-module format of all single values, padding spelled out, arrays spread out.

    What the struct module has no code for, and what overlaps, is one run of bytes.
    """
    return "<" + "".join(spelled_out(packing, _flat))


def _flat(piece: Shape | Overlap) -> str:
    if isinstance(piece, Overlap):
        return f"{piece.size}s"
    conversion = piece.conversion
    if isinstance(conversion, Nested):
        return flat_format(conversion.packing)[1:]
    if isinstance(conversion, Elements) and conversion.codec is not None:
        return conversion.codec.format[1:]
    if isinstance(conversion, Elements) and conversion.size == conversion.count * (
        conversion.element.size if isinstance(conversion.element, Boolean) else 0
    ):
        return f"{conversion.count}{conversion.element.code}"
    return conversion.code or f"{conversion.size}s"


# --- saying what went wrong ---------------------------------------------------------------


def _unpack_failed(packing: Packing, buffer: Any, offset: int, error: Exception) -> NoReturn:
    if isinstance(error, CodecError):
        raise truncated_error(packing, memoryview(buffer).nbytes - offset) from None
    raise error


def _pack_failed(
    packing: Packing, value: Any, buffer: Any, offset: int, error: Exception
) -> NoReturn:
    try:
        packing.check(value)
    except InvalidValue as bad:
        raise bad.as_error() from None
    packing.check_buffer(buffer, offset)
    raise error
