"""The C declaration of a struct, and cffi as an independent check of every offset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import LayoutError
from ..layout.forms import round_up
from .compound import Elements, FirstOnly, Nested
from .compound import Optional as OptionalValue
from .packed import Packed
from .values.base import Conversion
from .values.text import FixedText

__all__ = ["declaration_of", "ffi_of"]

_C_NAMES = {
    "b": "int8_t", "B": "uint8_t", "h": "int16_t", "H": "uint16_t", "i": "int32_t",
    "I": "uint32_t", "q": "int64_t", "Q": "uint64_t", "f": "float", "d": "double",
    "e": "uint16_t",
}  # fmt: skip
# What a form without a code of its own is in C.
_SPECIAL = {"Currency": "int64_t", "DateTime": "double", "char": "char"}
_UNPACKED = 8  # no member that is used here is aligned to more


def declaration_of(packing: Packed) -> str:
    """The typedefs of the types within and of the struct itself, after a line with the pack."""
    types = _closure(packing)
    pack = _common_pack(types)
    head = "" if pack == _UNPACKED else f"/* pack={pack} */\n"
    return head + "\n".join(_typedef(each, pack) for each in types)


def ffi_of(packing: Packed) -> Any:
    """The FFI that knows the type and those within, made and checked on first use."""
    ffi = packing.made.get("ffi")
    if ffi is None:
        from cffi import FFI
        from cffi.error import CDefError, FFIError

        ffi = FFI()
        types = _closure(packing)
        try:
            ffi.cdef(declaration_of(packing), pack=_common_pack(types))
            for each in types:
                _compare(ffi, each)
        except (CDefError, FFIError) as error:
            raise LayoutError(f"{packing.struct.__name__} has no C declaration: {error}") from error
        packing.made["ffi"] = ffi
    return ffi


def _closure(packing: Packed) -> list[Packed]:
    """The struct and all within, each behind what it needs."""
    found: dict[str, Packed] = {}

    def visit(each: Packed) -> None:
        for nested in _nested(each):
            visit(nested)
        found.setdefault(each.struct.__name__, each)

    visit(packing)
    return list(found.values())


def _common_pack(types: list[Packed]) -> int:
    """The largest pack with which C puts everything where .NET does, or else 1.

    One for all of them: cffi's ``cdef`` takes one. With 1, bytes between the fields do the rest.
    """
    packs = (pack for pack in (_UNPACKED, 4, 2) if all(_is_natural(each, pack) for each in types))
    return next(packs, 1)


def _compare(ffi: Any, packing: Packed) -> None:
    name = packing.struct.__name__
    ours = {field.name: (field.offset, field.size) for field in packing.layout.fields}
    theirs = {field: found for field, found in _members(ffi, ffi.typeof(name), 0) if field in ours}
    if ours != theirs or ffi.sizeof(name) != packing.size:
        raise LayoutError(
            f"{name}: by C's rules it has {ffi.sizeof(name)} bytes, its fields "
            f"at {theirs}; by .NET's {packing.size}, and {ours}"
        )


def _members(ffi: Any, kind: Any, base: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each member's offset and size, also of structs without a name."""
    for name, field in kind.fields:
        if name:
            yield name, (base + field.offset, ffi.sizeof(field.type))
        else:
            yield from _members(ffi, field.type, base + field.offset)


def _nested(packing: Packed) -> Iterator[Packed]:
    for shape in packing.shapes:
        conversion = shape.conversion
        while isinstance(conversion, Elements):
            conversion = conversion.element
        if isinstance(conversion, OptionalValue):
            conversion = conversion.value
        if isinstance(conversion, Nested):
            yield conversion.packing


def _is_natural(packing: Packed, pack: int) -> bool:
    """Whether C's rules with ``pack`` make the same of the bare members."""
    if packing.layout.declaration.layout != "sequential" or not packing.shapes:
        return False
    end = 0
    for shape in packing.shapes:
        end = round_up(end, min(_alignment(shape.conversion, pack), pack))
        if shape.field.offset != end:
            return False
        end += shape.field.size
    return round_up(end, _struct_alignment(packing, pack)) == packing.size


def _typedef(packing: Packed, pack: int) -> str:
    members = [(s.field.offset, s.field.size, _member(s.conversion, s.field.name))
               for s in packing.shapes]  # fmt: skip
    lines: list[str] = []
    kind = "struct"
    end = 0
    for index, (offset, size, member) in enumerate([*members, (packing.size, 0, "")]):
        if offset < end:
            kind = "union"
            break
        if pack == 1 and offset > end:
            lines.append(f"    uint8_t _padding{index}[{offset - end}];")
        if member:
            lines.append(f"    {member};")
        end = offset + size
    if kind == "union":
        # Fields that share bytes, or out of order: each behind as many bytes as it takes.
        lines = [f"    uint8_t _memory[{packing.size}];"]
        for index, (offset, _, member) in enumerate(members):
            before = f"uint8_t _before{index}[{offset}]; " if offset else ""
            lines.append(f"    struct {{ {before}{member}; }};")
    return f"typedef {kind} {{\n" + "\n".join(lines) + f"\n}} {packing.struct.__name__};\n"


def _member(conversion: Conversion, name: str) -> str:
    counts = ""
    while isinstance(conversion, Elements) and not isinstance(conversion, FirstOnly):
        if conversion.stride != conversion.element.size:
            break
        counts += f"[{conversion.count}]"
        conversion = conversion.element
    if isinstance(conversion, Nested):
        return f"{conversion.packing.struct.__name__} {name}{counts}"
    if isinstance(conversion, FixedText):
        unit = "char" if conversion.unit == 1 else "uint16_t"
        return f"{unit} {name}{counts}[{conversion.count}]"
    c_name = _C_NAMES.get(conversion.code or "") or _SPECIAL.get(conversion.name)
    if c_name is None:
        return f"uint8_t {name}{counts}[{conversion.size}]"
    return f"{c_name} {name}{counts}"


def _struct_alignment(packing: Packed, pack: int) -> int:
    return max((min(_alignment(s.conversion, pack), pack) for s in packing.shapes), default=1)


def _alignment(conversion: Conversion, pack: int) -> int:
    """What C aligns the member of :func:`_member` to, where only structs within are packed."""
    while isinstance(conversion, Elements) and not isinstance(conversion, FirstOnly):
        if conversion.stride != conversion.element.size:
            return 1
        conversion = conversion.element
    if isinstance(conversion, Nested):
        return _struct_alignment(conversion.packing, pack)
    if isinstance(conversion, FixedText):
        return conversion.unit
    known = conversion.code in _C_NAMES or conversion.name in _SPECIAL
    return conversion.size if known else 1
