"""C declarations of structs, and cffi, which checks every offset independently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import LayoutError
from ..layout.forms import round_up
from .compound import ArrayValue, FirstElementOnly, NestedStruct, NullableValue
from .packed import Packed, PackedType, packed_of
from .values.base import Conversion
from .values.text import Char8, FixedText

__all__ = ["cdef", "ffi"]

_C_NAMES = {
    "b": "int8_t", "B": "uint8_t", "h": "int16_t", "H": "uint16_t", "i": "int32_t",
    "I": "uint32_t", "q": "int64_t", "Q": "uint64_t", "f": "float", "d": "double",
    "e": "uint16_t",
}  # fmt: skip
_UNPACKED = 8  # the largest alignment of the C types above


def cdef(struct_type: PackedType) -> str:
    """Return the C declarations of a struct and the structs in it, as cffi's ``cdef`` takes them.

    If C needs a pack for them, the first line says which one: ``/* pack=1 */`` means
    ``ffi.cdef(…, pack=1)``. :func:`ffi` compares every offset and size with the declarations.
    """
    types = _closure(packed_of(struct_type))
    pack = _common_pack(types)
    head = "" if pack == _UNPACKED else f"/* pack={pack} */\n"
    return head + "\n".join(_typedef(each, pack) for each in types)


def ffi(struct_type: PackedType) -> Any:
    """Return a cffi FFI that has the type and those in it, by their names.

    It is made on first use. Every offset and size is compared; raises LayoutError if C's differ.
    """
    packed = packed_of(struct_type)
    found = packed.cache.get("ffi")
    if found is None:
        from cffi import FFI
        from cffi.error import CDefError, FFIError

        found = FFI()
        types = _closure(packed)
        try:
            found.cdef(cdef(struct_type), pack=_common_pack(types))
            for each in types:
                _compare(found, each)
        except (CDefError, FFIError) as error:
            raise LayoutError(f"{packed.struct.__name__} has no C declaration: {error}") from error
        found = packed.cache.setdefault("ffi", found)
    return found


def _closure(packed: Packed) -> list[Packed]:
    """Return the struct and all structs in it, each after those that it contains."""
    found: dict[str, Packed] = {}

    def visit(each: Packed) -> None:
        for nested in _nested(each):
            visit(nested)
        found.setdefault(each.struct.__name__, each)

    visit(packed)
    return list(found.values())


def _common_pack(types: list[Packed]) -> int:
    """Return the largest pack with which C has every field where .NET has it, or else 1.

    It is one for all types, because cffi's ``cdef`` takes one. With 1 the padding is declared.
    """
    packs = (pack for pack in (_UNPACKED, 4, 2) if all(_is_natural(each, pack) for each in types))
    return next(packs, 1)


def _compare(ffi: Any, packed: Packed) -> None:
    name = packed.struct.__name__
    ours = {field.name: (field.offset, field.size) for field in packed.layout.fields}
    theirs = {field: found for field, found in _members(ffi, ffi.typeof(name), 0) if field in ours}
    if ours != theirs or ffi.sizeof(name) != packed.size:
        raise LayoutError(
            f"{name} has {ffi.sizeof(name)} bytes and its fields at {theirs} in C, but "
            f"{packed.size} bytes and {ours} in .NET: cffi can't have this struct"
        )


def _members(ffi: Any, kind: Any, base: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the name, offset and size of each member, also of structs without a name."""
    for name, field in kind.fields:
        if name:
            yield name, (base + field.offset, ffi.sizeof(field.type))
        else:
            yield from _members(ffi, field.type, base + field.offset)


def _nested(packed: Packed) -> Iterator[Packed]:
    for shape in packed.shapes:
        conversion = shape.conversion
        while isinstance(conversion, ArrayValue):
            conversion = conversion.element
        if isinstance(conversion, NullableValue):
            conversion = conversion.value
        if isinstance(conversion, NestedStruct):
            yield conversion.packed


def _is_natural(packed: Packed, pack: int) -> bool:
    """Return whether C with ``pack`` has the members where .NET has them, without padding."""
    if packed.layout.declaration.layout != "sequential" or not packed.shapes:
        return False
    end = 0
    for shape in packed.shapes:
        end = round_up(end, min(_alignment(shape.conversion, pack), pack))
        if shape.field.offset != end:
            return False
        end += shape.field.size
    return round_up(end, _struct_alignment(packed, pack)) == packed.size


def _typedef(packed: Packed, pack: int) -> str:
    members = [(s.field.offset, s.field.size, _member(s.conversion, s.field.name))
               for s in packed.shapes]  # fmt: skip
    lines: list[str] = []
    kind = "struct"
    end = 0
    for index, (offset, size, member) in enumerate([*members, (packed.size, 0, "")]):
        if offset < end:
            kind = "union"
            break
        if pack == 1 and offset > end:
            lines.append(f"    uint8_t _padding{index}[{offset - end}];")
        if member:
            lines.append(f"    {member};")
        end = offset + size
    if kind == "union":
        # Fields that share bytes or are out of order: each comes after as many bytes as needed.
        lines = [f"    uint8_t _memory[{packed.size}];"]
        for index, (offset, _, member) in enumerate(members):
            before = f"uint8_t _before{index}[{offset}]; " if offset else ""
            lines.append(f"    struct {{ {before}{member}; }};")
    return f"typedef {kind} {{\n" + "\n".join(lines) + f"\n}} {packed.struct.__name__};\n"


def _member(conversion: Conversion, name: str) -> str:
    counts = ""
    while isinstance(conversion, ArrayValue) and not isinstance(conversion, FirstElementOnly):
        if not conversion.is_dense:
            break
        counts += f"[{conversion.count}]"
        conversion = conversion.element
    if isinstance(conversion, NestedStruct):
        return f"{conversion.packed.struct.__name__} {name}{counts}"
    if isinstance(conversion, FixedText):
        unit = "char" if conversion.unit == 1 else "uint16_t"
        return f"{unit} {name}{counts}[{conversion.count}]"
    c_name = "char" if isinstance(conversion, Char8) else _C_NAMES.get(_code(conversion))
    if c_name is None:
        return f"uint8_t {name}{counts}[{conversion.size}]"
    return f"{c_name} {name}{counts}"


def _struct_alignment(packed: Packed, pack: int) -> int:
    return max((min(_alignment(s.conversion, pack), pack) for s in packed.shapes), default=1)


def _alignment(conversion: Conversion, pack: int) -> int:
    """Return C's alignment of the member of :func:`_member`."""
    while isinstance(conversion, ArrayValue) and not isinstance(conversion, FirstElementOnly):
        if not conversion.is_dense:
            return 1
        conversion = conversion.element
    if isinstance(conversion, NestedStruct):
        return _struct_alignment(conversion.packed, pack)
    if isinstance(conversion, FixedText):
        return conversion.unit
    return conversion.size if _code(conversion) in _C_NAMES else 1


def _code(conversion: Conversion) -> str:
    return conversion.code or conversion.number or ""
