"""Writes the Python source of the functions that unpack and pack a struct.

One struct.Struct reads and another one writes everything. To read, nested structs are spread
out: their objects are made first, and every number goes straight into its slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from ..errors import ArgumentError, FormatError
from .compound import Elements, Nested
from .packed import Packed
from .shapes import Shape
from .unions import Overlap
from .values.base import Conversion, InvalidValue
from .values.numbers import Boolean, EnumNumber
from .values.scalars import Opaque
from .values.text import Char16

__all__ = ["Reading", "Writing", "function_source", "spelled_out"]


def _in_memory_order(packing: Packed) -> Iterator[tuple[int, int, Shape | Overlap]]:
    """Each field that lies alone, and each run of those that overlap: offset, size and which."""
    overlapped = {s.field.name for overlap in packing.overlaps for s in overlap.shapes}
    pieces: list[tuple[int, int, Shape | Overlap]] = [
        (shape.field.offset, shape.field.size, shape)
        for shape in packing.shapes
        if shape.field.name not in overlapped
    ]
    pieces += [(overlap.offset, overlap.size, overlap) for overlap in packing.overlaps]
    yield from sorted(pieces, key=lambda piece: piece[:2])


def spelled_out(packing: Packed, write: Callable[[Shape | Overlap], str]) -> Iterator[str]:
    """The parts of a struct-module format: padding, and ``write`` of what lies between."""
    end = 0
    for offset, size, piece in _in_memory_order(packing):
        if offset > end:
            yield f"{offset - end}x"
        yield write(piece)
        end = offset + size
    if packing.size > end:
        yield f"{packing.size - end}x"


class Reading:
    """How the values of one codec become a struct: ``format``, and lines of source."""

    def __init__(self, packing: Packed) -> None:
        self.scope: dict[str, Any] = {"_chr": chr, "_bare": packing.struct.__bare__}
        self.before = ["self = _bare()"]
        self.targets: list[str] = []
        self.after: list[str] = []
        self._numbers = count()
        self.format = "<" + self._struct(packing, "self")

    def _struct(self, packing: Packed, owner: str) -> str:
        slots = {shape.field.name: shape.slot for shape in packing.struct.__packing__.shapes}

        def read(piece: Shape | Overlap) -> str:
            if isinstance(piece, Overlap):
                self.targets.append(f"{owner}.{piece.bytes_slot}")
                self.after.append(f"{owner}.{piece.loans_slot} = None")
                return f"{piece.size}s"
            slot = f"{owner}.{slots[piece.field.name]}"
            return self._field(piece, slot, packing.own)

        return "".join(spelled_out(packing, read))

    def _field(self, shape: Shape, slot: str, own: bool) -> str:
        conversion = shape.conversion
        number = next(self._numbers)
        if shape.is_plain and conversion.code is not None and slot.endswith(f".{shape.field.name}"):
            self._plain(number, slot, conversion)
            return conversion.code
        if isinstance(conversion, Nested) and conversion.packing.own:
            self.scope[f"_bare{number}"] = conversion.packing.struct.__bare__
            self.before.append(f"n{number} = {slot} = _bare{number}()")
            return self._struct(conversion.packing, f"n{number}")
        if own and not shape.is_plain:
            self.targets.append(slot)  # as bytes, until somebody looks at it
        else:
            self.scope[f"_decode{number}"] = conversion.decode
            self.targets.append(f"v{number}")
            self.after.append(f"{slot} = _decode{number}(v{number})")
        return f"{conversion.size}s"

    def _plain(self, number: int, slot: str, conversion: Conversion) -> None:
        made = ""
        if isinstance(conversion, Boolean):
            made = f"v{number} != 0"
        elif isinstance(conversion, Char16):
            made = f"_chr(v{number})"
        elif isinstance(conversion, EnumNumber):
            self.scope[f"_make{number}"] = conversion.make
            made = f"_make{number}(v{number})"
        if made:
            self.targets.append(f"v{number}")
            self.after.append(f"{slot} = {made}")
        else:
            self.targets.append(slot)


class Writing:
    """How a struct becomes the values of one codec: ``format``, and an expression for each."""

    def __init__(self, packing: Packed) -> None:
        self.scope: dict[str, Any] = {"_ord": ord}
        self.parts: list[str] = []
        self._packing = packing
        self._slots = {shape.field.name: shape.slot for shape in packing.struct.__packing__.shapes}
        self._numbers = count()
        self.format = "<" + "".join(spelled_out(packing, self._piece))

    def _piece(self, piece: Shape | Overlap) -> str:
        number = next(self._numbers)
        if isinstance(piece, Overlap):
            self.scope[f"_settled{number}"] = piece.settled
            self.parts.append(f"_settled{number}(self)")
            return f"{piece.size}s"
        conversion = piece.conversion
        slot = self._slots[piece.field.name]
        if slot == piece.field.name and conversion.code is not None:
            self.parts.append(self._plain(number, f"self.{slot}", conversion))
            return conversion.code
        self.scope[f"_encode{number}"] = conversion.encode
        if isinstance(conversion, Nested) and conversion.packing.own:
            self.parts.append(self._nested(number, f"self.{slot}", conversion))
        elif self._packing.own:
            self.parts.append(self._kept(number, f"self.{slot}", conversion))
        else:
            self.scope[f"_held{number}"] = _held(slot, piece, self._packing)
            self.parts.append(f"_encode{number}(_held{number}(self))")
        return f"{conversion.size}s"

    def _plain(self, number: int, value: str, conversion: Conversion) -> str:
        if isinstance(conversion, Boolean):
            return f"({conversion.true} if {value} else 0)"
        if isinstance(conversion, Char16):
            return f"_ord({value} + '')"  # ord itself would take bytes
        if isinstance(conversion, Opaque):  # the struct module would cut it or fill it up
            self.scope[f"_encode{number}"] = conversion.encode
            return f"_encode{number}({value})"
        return value

    def _nested(self, number: int, value: str, conversion: Nested) -> str:
        self.scope[f"_struct{number}"] = conversion.packing.struct
        self.scope[f"_pack{number}"] = conversion.packing.quickest("encode")
        # What it is not, and what it can't hold, is told by its conversion.
        known = f"_pack{number}(v) if type(v := {value}) is _struct{number}"
        return f"({known} else _encode{number}(v))"

    def _kept(self, number: int, value: str, conversion: Conversion) -> str:
        """The bytes of a field that may still be those that it was read as."""
        kept = "v"
        if conversion.mutable and not conversion.canonical:
            self.scope[f"_anew{number}"] = _written_anew(conversion)
            kept = f"_anew{number}(v)"
        made = f"_encode{number}(v)"
        if isinstance(conversion, Elements) and conversion.codec is not None:
            self.scope[f"_pack{number}"] = conversion.codec.pack
            made = f"_pack{number}(*v)"
        return f"({kept} if type(v := {value}) is bytes else {made})"


def _written_anew(conversion: Conversion) -> Callable[[bytes], bytes]:
    """Makes bytes that nobody looked at what they would be if somebody had."""

    def write(raw: bytes) -> bytes:
        try:
            return conversion.encode(conversion.decode(raw))
        except (FormatError, ArgumentError, InvalidValue):
            return raw  # they mean nothing, and nobody could have changed them

    return write


def _held(slot: str, shape: Shape, packing: Packed) -> Callable[[Any], Any]:
    """Reads a field, for a layout that is not its own."""
    name = shape.field.name
    own = next(s for s in packing.struct.__packing__.shapes if s.field.name == name)
    # Bytes that no strict reading takes may still be read as .NET reads them.
    same = own.field.form == shape.field.form and not own.is_plain
    decode = shape.conversion.decode if same and not shape.conversion.mutable else None

    def read(struct: Any) -> Any:
        if decode is not None:
            held = getattr(struct, slot)
            return decode(held) if type(held) is bytes else held
        return getattr(struct, name)

    return read


def function_source(reading: Reading, writing: Writing, *, own: bool) -> str:
    """``unpack_from``, ``encode`` and ``pack_into``; ``own`` is that of a struct class itself."""
    # Straight into the objects' slots: local variables between cost more.
    targets = f"{', '.join(reading.targets)}, = " if reading.targets else ""
    lines = [
        "def unpack_from(buffer, offset=0, exact=False):",
        *(["    if exact: return _exactly(buffer, offset)"] if own else []),
        *(f"    {line}" for line in reading.before),
        "    try:",
        "        if offset:",
        "            if offset < 0: _check_offset(offset)",
        f"            {targets}_unpack(buffer, offset)",
        "        else:",
        f"            {targets}_unpack(buffer)",
        "    except _errors as error:",
        "        _unpack_failed(_packing, buffer, offset, error)",
        *(f"    {line}" for line in reading.after),
        "    return self",
        "def encode(self):",
        f"    return _pack({', '.join(writing.parts)})",
        "def pack_into(self, buffer, offset=0, exact=False):",
        *(["    if exact: return _exactly_into(self, buffer, offset)"] if own else []),
        "    if offset < 0: _check_offset(offset)",
        "    try:",
        f"        data = _pack({', '.join(writing.parts)})",
        "        _store(buffer, offset, data)",
        "    except _errors as error:",
        "        _pack_failed(_packing, self, buffer, offset, error)",
    ]
    return "\n".join(lines)
