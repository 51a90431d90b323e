"""The C declaration of a struct, and cffi as an independent check of every offset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .conversions import Elements, FirstOnly, Nested
from .conversions import Optional as OptionalValue
from .errors import LayoutError
from .forms import round_up
from .packing import Packing
from .values import Characters, Conversion

__all__ = ["declaration_of", "ffi_of"]

_C_NAMES = {
    "b": "int8_t", "B": "uint8_t", "h": "int16_t", "H": "uint16_t", "i": "int32_t",
    "I": "uint32_t", "q": "int64_t", "Q": "uint64_t", "f": "float", "d": "double",
    "e": "uint16_t",
}  # fmt: skip
# What a form without a code of its own is in C.
_SPECIAL = {"Currency": "int64_t", "DateTime": "double", "char": "char"}


def declaration_of(packing: Packing) -> str:
    """One typedef. The types of its fields have to be declared before it."""
    return _typedef(packing)[0]


def ffi_of(packing: Packing) -> Any:
    """The FFI that knows the type, made and checked on first use."""
    ffi = packing.made.get("ffi")
    if ffi is None:
        from cffi import FFI
        from cffi.error import CDefError, FFIError

        ffi = FFI()
        try:
            _declare(ffi, packing, set())
        except (CDefError, FFIError) as error:
            raise LayoutError(f"{packing.struct.__name__} has no C declaration: {error}") from error
        packing.made["ffi"] = ffi
    return ffi


def _declare(ffi: Any, packing: Packing, declared: set[str]) -> None:
    for nested in _nested(packing):
        if nested.struct.__name__ not in declared:
            _declare(ffi, nested, declared)
    text, pack = _typedef(packing)
    ffi.cdef(text, pack=pack)
    declared.add(packing.struct.__name__)
    _compare(ffi, packing)


def _compare(ffi: Any, packing: Packing) -> None:
    name = packing.struct.__name__
    ours = {field.name: (field.offset, field.size) for field in packing.layout.fields}
    theirs = {field: found for field, found in _members(ffi, ffi.typeof(name), 0) if field in ours}
    # Size may add room behind the last field, which C can't express.
    if ours and (ours != theirs or ffi.sizeof(name) > packing.size):
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


def _nested(packing: Packing) -> Iterator[Packing]:
    for shape in packing.shapes:
        conversion = shape.conversion
        while isinstance(conversion, Elements):
            conversion = conversion.element
        if isinstance(conversion, OptionalValue):
            conversion = conversion.value
        if isinstance(conversion, Nested):
            yield conversion.packing


def _typedef(packing: Packing) -> tuple[str, int]:
    """The declaration, and the pack that it is meant with."""
    name = packing.struct.__name__
    shapes = packing.shapes
    pack = packing.layout.pack or 8  # no field that C knows is aligned to more
    end = 0
    natural = True
    for shape in shapes:
        end = round_up(end, min(_alignment(shape.conversion), pack))
        natural = natural and shape.field.offset == end
        end = shape.field.offset + shape.field.size
    if natural and packing.layout.declaration.layout == "sequential":
        body = [f"    {_member(s.conversion, s.field.name)};" for s in shapes]
        lines = body or ["    char empty;"]
        return "typedef struct {\n" + "\n".join(lines) + f"\n}} {name};\n", pack
    # Fields where C would not put them: each behind as many bytes as it takes, in a union.
    lines = [f"    uint8_t _memory[{packing.size}];"]
    for index, shape in enumerate(shapes):
        before = f"uint8_t _before{index}[{shape.field.offset}]; " if shape.field.offset else ""
        lines.append(f"    struct {{ {before}{_member(shape.conversion, shape.field.name)}; }};")
    return "typedef union {\n" + "\n".join(lines) + f"\n}} {name};\n", 1


def _member(conversion: Conversion, name: str) -> str:
    counts = ""
    while isinstance(conversion, Elements) and not isinstance(conversion, FirstOnly):
        if conversion.stride != conversion.element.size:
            break
        counts += f"[{conversion.count}]"
        conversion = conversion.element
    if isinstance(conversion, Nested):
        return f"{conversion.packing.struct.__name__} {name}{counts}"
    if isinstance(conversion, Characters):
        unit = "char" if conversion.unit == 1 else "uint16_t"
        return f"{unit} {name}{counts}[{conversion.count}]"
    c_name = _C_NAMES.get(conversion.code or "") or _SPECIAL.get(conversion.name)
    if c_name is None:
        return f"uint8_t {name}{counts}[{conversion.size}]"
    return f"{c_name} {name}{counts}"


def _alignment(conversion: Conversion) -> int:
    """What C aligns the member of :func:`_member` to, where nothing packs it."""
    while isinstance(conversion, Elements) and not isinstance(conversion, FirstOnly):
        if conversion.stride != conversion.element.size:
            return 1
        conversion = conversion.element
    if isinstance(conversion, Nested):
        text, pack = _typedef(conversion.packing)
        if "typedef union" in text:
            return 1
        inner = conversion.packing.shapes
        return max((min(_alignment(s.conversion), pack) for s in inner), default=1)
    if isinstance(conversion, Characters):
        return conversion.unit
    known = conversion.code in _C_NAMES or conversion.name in _SPECIAL
    return conversion.size if known else 1
