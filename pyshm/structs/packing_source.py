"""Writes the Python source of the functions that read and write a struct.

One ``struct.Struct`` reads all the bytes, and another one writes them. To read, the objects of the
nested structs are made first, and each number is unpacked directly into its slot.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from ..errors import ArgumentError, FormatError
from ..layout.forms import Form, Inline, Sequence
from .compound import ArrayValue, NestedStruct
from .packed import Packed
from .shapes import Shape
from .unions import Overlap, overlaps_of
from .values.base import Conversion, InvalidValue
from .values.numbers import Boolean, EnumNumber
from .values.scalars import Opaque
from .values.text import Char16

__all__ = ["ReadPlan", "WritePlan", "flat_format", "function_source"]


def _struct_format(packed: Packed, write: Callable[[Shape | Overlap], str]) -> str:
    """Return a format of the struct module for ``packed``, without the byte order.

    ``write`` returns the format of one field that is alone or of one run of fields that share
    bytes. Padding is added between them.
    """
    parts = []
    end = 0
    for offset, size, piece in _in_memory_order(packed):
        if offset > end:
            parts.append(f"{offset - end}x")
        parts.append(write(piece))
        end = offset + size
    if packed.size > end:
        parts.append(f"{packed.size - end}x")
    return "".join(parts)


def flat_format(packed: Packed) -> str:
    """Return the struct module's format for all single values, with arrays as their elements.

    What the struct module has no format for, and fields that share bytes, are runs of bytes.
    """
    return "<" + _struct_format(packed, _flat)


def _flat(piece: Shape | Overlap) -> str:
    if isinstance(piece, Overlap):
        return f"{piece.size}s"
    conversion = piece.conversion
    if isinstance(conversion, NestedStruct):
        return flat_format(conversion.packed)[1:]
    if isinstance(conversion, ArrayValue):
        if conversion.codec is not None:
            return conversion.codec.format[1:]
        element = conversion.element
        code = element.code if isinstance(element, Boolean) else _number(element)
        if code and conversion.is_dense:
            return f"{conversion.count}{code}"
    return conversion.code or _number(conversion) or f"{conversion.size}s"


def _number(conversion: Conversion) -> str | None:
    # As in earlier versions, dates and currencies are bytes here, and a TimeSpan is a number.
    return conversion.number if conversion.canonical else None


def _in_memory_order(packed: Packed) -> list[tuple[int, int, Shape | Overlap]]:
    """Return each field that is alone and each run of fields that share bytes: offset, size, it."""
    overlaps = packed.overlaps if packed.own else overlaps_of(packed.shapes)
    sharing = {shape.field.name for overlap in overlaps for shape in overlap.shapes}
    pieces: list[tuple[int, int, Shape | Overlap]] = [
        (shape.field.offset, shape.field.size, shape)
        for shape in packed.shapes
        if shape.field.name not in sharing
    ]
    pieces += [(overlap.offset, overlap.size, overlap) for overlap in overlaps]
    return sorted(pieces, key=lambda piece: piece[:2])


class ReadPlan:
    """How the values that one codec unpacks become a struct.

    ``before``, ``targets`` and ``after`` are source: statements that make objects, what the values
    are assigned to, and statements that convert them.
    """

    def __init__(self, packed: Packed) -> None:
        self.scope: dict[str, Any] = {"_chr": chr, "_bare": packed.struct.__bare__}
        self.before = ["self = _bare()"]
        self.targets: list[str] = []
        self.after: list[str] = []
        self._numbers = count()
        self.format = "<" + self._struct(packed, "self")

    def _struct(self, packed: Packed, owner: str) -> str:
        own_shapes = {shape.field.name: shape for shape in packed.struct.__packing__.shapes}

        def read(piece: Shape | Overlap) -> str:
            if isinstance(piece, Overlap):
                self.targets.append(f"{owner}.{piece.bytes_slot}")
                self.after.append(f"{owner}.{piece.borrowed_slot} = None")
                return f"{piece.size}s"
            own = own_shapes[piece.field.name]
            kept = packed.strict and _same_bytes(packed, piece, own)
            return self._field(piece, f"{owner}.{own.slot}", kept)

        return _struct_format(packed, read)

    def _field(self, shape: Shape, slot: str, kept: bool) -> str:
        conversion = shape.conversion
        number = next(self._numbers)
        if shape.is_plain and conversion.code is not None and slot.endswith(f".{shape.field.name}"):
            self._plain(number, slot, conversion)
            return conversion.code
        if isinstance(conversion, NestedStruct) and conversion.packed.own:
            self.scope[f"_bare{number}"] = conversion.packed.struct.__bare__
            self.before.append(f"n{number} = {slot} = _bare{number}()")
            return self._struct(conversion.packed, f"n{number}")
        if kept:
            self.targets.append(slot)  # as bytes, until the attribute is read
        else:
            self.scope[f"_decode{number}"] = conversion.decode
            self.targets.append(f"v{number}")
            self.after.append(f"{slot} = _decode{number}(v{number})")
        return f"{conversion.size}s"

    def _plain(self, number: int, slot: str, conversion: Conversion) -> None:
        converted = ""
        if isinstance(conversion, Boolean):
            converted = f"v{number} != 0"
        elif isinstance(conversion, Char16):
            converted = f"_chr(v{number})"
        elif isinstance(conversion, EnumNumber):
            self.scope[f"_make{number}"] = conversion.make
            converted = f"_make{number}(v{number})"
        if converted:
            self.targets.append(f"v{number}")
            self.after.append(f"{slot} = {converted}")
        else:
            self.targets.append(slot)


class WritePlan:
    """How a struct becomes the values that one codec packs; ``parts`` are expressions for them."""

    def __init__(self, packed: Packed) -> None:
        self.scope: dict[str, Any] = {"_ord": ord, "_list": list}
        self.parts: list[str] = []
        self._packed = packed
        self._own_shapes = {shape.field.name: shape for shape in packed.struct.__packing__.shapes}
        self._numbers = count()
        self.format = "<" + _struct_format(packed, self._piece)

    def _piece(self, piece: Shape | Overlap) -> str:
        number = next(self._numbers)
        if isinstance(piece, Overlap):
            self.scope[f"_flush{number}"] = piece.flush
            self.parts.append(f"_flush{number}(self)")
            return f"{piece.size}s"
        conversion = piece.conversion
        own = self._own_shapes[piece.field.name]
        slot = own.slot
        if slot == piece.field.name and conversion.code is not None:
            self.parts.append(self._plain(number, f"self.{slot}", conversion))
            return conversion.code
        self.scope[f"_encode{number}"] = conversion.encode
        if isinstance(conversion, NestedStruct) and conversion.packed.own:
            self.parts.append(self._nested(number, f"self.{slot}", conversion))
        elif self._packed.own or (self._packed.strict and _same_bytes(self._packed, piece, own)):
            self.parts.append(self._kept(number, f"self.{slot}", conversion))
        else:
            self.scope[f"_value{number}"] = _value_reader(self._packed, piece, own)
            self.parts.append(f"_encode{number}(_value{number}(self))")
        return f"{conversion.size}s"

    def _plain(self, number: int, value: str, conversion: Conversion) -> str:
        if isinstance(conversion, Boolean):
            return f"({conversion.true} if {value} else 0)"
        if isinstance(conversion, Char16):
            return f"_ord({value} + '')"  # ord alone would accept bytes
        if isinstance(conversion, Opaque):  # the struct module would cut or pad the bytes
            self.scope[f"_encode{number}"] = conversion.encode
            return f"_encode{number}({value})"
        return value

    def _nested(self, number: int, value: str, conversion: NestedStruct) -> str:
        self.scope[f"_struct{number}"] = conversion.packed.struct
        self.scope[f"_pack{number}"] = conversion.packed.fastest("encode")
        # The conversion raises the error for a value of another type.
        known = f"_pack{number}(v) if type(v := {value}) is _struct{number}"
        return f"({known} else _encode{number}(v))"

    def _kept(self, number: int, value: str, conversion: Conversion) -> str:
        """Return the expression for a field that can still be the bytes that it was read as."""
        kept = "v"
        if conversion.mutable and not conversion.canonical:
            self.scope[f"_normalize{number}"] = _normalizer(conversion)
            kept = f"_normalize{number}(v)"
        encoded = f"_encode{number}(v)"
        if isinstance(conversion, ArrayValue) and conversion.codec is not None:
            self.scope[f"_pack{number}"] = conversion.codec.pack
            encoded = f"_pack{number}(*v) if t is _list else {encoded}"
        return f"({kept} if (t := type(v := {value})) is bytes else {encoded})"


def _normalizer(conversion: Conversion) -> Callable[[bytes], bytes]:
    """Return what decodes and re-encodes the bytes of a field that was never read.

    Whether a program has read a field must not change what is written.
    """

    def normalize(raw: bytes) -> bytes:
        try:
            return conversion.encode(conversion.decode(raw))
        except (FormatError, ArgumentError, InvalidValue):
            return raw  # no program can have read the field

    return normalize


def _same_bytes(packed: Packed, shape: Shape, own: Shape) -> bool:
    """Return whether an object can keep the bytes that a field has in this layout.

    It keeps those of its ``own`` layout. On another target, text has another encoding.
    """
    same_target = packed.layout.target == packed.struct.__packing__.layout.target
    return not own.is_plain and _is_same(own.field.form, shape.field.form) and same_target


def _is_same(one: Form, other: Form) -> bool:
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        same_places = (one.count, one.stride) == (other.count, other.stride)
        return same_places and _is_same(one.element, other.element)
    if isinstance(one, Inline) and isinstance(other, Inline):  # of two layouts of one type
        return one.size == other.size and all(
            mine.offset == theirs.offset and _is_same(mine.form, theirs.form)
            for mine, theirs in zip(one.layout.fields, other.layout.fields, strict=True)
        )
    return one == other


def _value_reader(packed: Packed, shape: Shape, own: Shape) -> Callable[[Any], Any]:
    """Return what reads a field's value for a layout that is not the class's own."""
    name, slot = shape.field.name, own.slot
    # The attribute converts strictly; this layout may have to read the same bytes as .NET does.
    same = _same_bytes(packed, shape, own) and not shape.conversion.mutable
    decode = shape.conversion.decode if same else None

    def read(struct: Any) -> Any:
        if decode is not None:
            value = getattr(struct, slot)
            return decode(value) if type(value) is bytes else value
        return getattr(struct, name)

    return read


def function_source(reading: ReadPlan, writing: WritePlan, *, own: bool) -> str:
    """Return the source of ``unpack_from``, ``encode`` and ``pack_into``.

    ``own`` functions become methods of the struct class. ``exact`` is the deprecated name of
    ``strict=False``.
    """
    # Directly into the slots of the objects: local variables take longer.
    targets = f"{', '.join(reading.targets)}, = " if reading.targets else ""
    parameters = ", exact=None, strict=True" if own else ""
    chosen = "_chosen(exact, strict)"
    lines = [
        f"def unpack_from(buffer, offset=0{parameters}):",
        *(
            [
                "    if exact is not None or not strict:",
                f"        return {chosen}.unpack_from(buffer, offset)",
            ]
            if own
            else []
        ),
        *(f"    {line}" for line in reading.before),
        "    try:",
        "        if offset:",
        "            if offset < 0: _check_offset(offset)",
        f"            {targets}_unpack(buffer, offset)",
        "        else:",
        f"            {targets}_unpack(buffer)",
        "    except _errors as error:",
        "        return _unpack_failed(_packing, buffer, offset, error)",
        *(f"    {line}" for line in reading.after),
        "    return self",
        "def encode(self):",
        f"    return _pack({', '.join(writing.parts)})",
        f"def pack_into(self, buffer, offset=0{parameters}):",
        *(
            [
                "    if exact is not None or not strict:",
                f"        return {chosen}.pack_into(self, buffer, offset)",
            ]
            if own
            else []
        ),
        "    try:",
        "        if offset and offset < 0: _check_offset(offset)",
        f"        data = _pack({', '.join(writing.parts)})",
        "        _store(buffer, offset, data)",
        "    except _errors as error:",
        "        _pack_failed(_packing, self, buffer, offset, error)",
    ]
    return "\n".join(lines)
