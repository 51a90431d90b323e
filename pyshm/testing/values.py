"""Convert values of any declared type between the JSON of the .NET peer and Python.

docs/protocol.md ("VALUE") describes the JSON form. It is exact: two values are equal if and only if
their JSON is equal.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from .._support.decimals import decimal_from_parts, parts_from_decimal
from ..layout.builtins import BUILT_IN_TYPES, SCALARS
from ..layout.declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeReference,
)
from ..layout.forms import HOST, Form, Inline, Layout, Scalar, Sequence, Target, Text
from ..layout.traits import has_layout, is_reference
from ..structs.from_declaration import struct_from
from ..structs.values.ansi import ansi_of
from ..structs.values.base import Conversion
from ..structs.values.scalars import of_scalar

__all__ = [
    "all_fields",
    "from_python",
    "is_address",
    "normal",
    "overlaps",
    "sensible",
    "to_python",
]

_INTEGERS = frozenset(
    name
    for name, row in BUILT_IN_TYPES.items()
    if row.managed is not None and row.managed.kind in ("int", "int128", "uint128")
)
_FLOATS = {
    name: row.managed
    for name, row in BUILT_IN_TYPES.items()
    if row.managed is not None and row.managed.kind == "float"
}
_NUMBERED = ("TimeSpan", "DateOnly", "TimeOnly")
_FIRST = datetime(1, 1, 1)  # noqa: DTZ001 - the ticks of .NET have no time zone
_UTF16 = ("utf-16-le", "surrogatepass")
_UNSAFE = 2**53  # from here on, JSON readers may round an integer


def is_address(field: FieldDeclaration) -> bool:
    """Return whether the field refers to an object elsewhere in memory; tests leave it null."""
    kind = field.type
    marshal_as = field.marshal_as
    if marshal_as is not None and marshal_as.unmanaged_type in ("ByValTStr", "ByValArray"):
        return False
    # A class with layout is in place; one without is a COM interface pointer on Windows.
    inline = isinstance(kind, TypeDeclaration) and has_layout(kind)
    return is_reference(kind) and not inline


def to_python(reference: TypeReference, value: Any, target: Target = HOST) -> Any:
    """Return the Python value for the JSON ``value`` of a field of that type."""
    if isinstance(reference, Nullable):
        return None if value is None else to_python(reference.value, value, target)
    if isinstance(reference, Array):
        if value is None or is_reference(reference.element):
            return None if value is None else [0] * len(value)
        return [to_python(reference.element, item, target) for item in value]
    if isinstance(reference, (Pointer, FunctionPointer)):
        return int(value)
    if isinstance(reference, BuiltIn):
        return _built_in_to_python(reference.name, value)
    if reference.kind == "enum":
        return int(value)
    if reference.inline_array or reference.fixed_buffer:
        element = reference.fields[0]
        if is_address(element):
            return [0] * len(value)
        return [to_python(element.type, item, target) for item in value]
    if reference.kind in ("delegate", "interface") or value is None:
        return 0 if reference.kind != "class" else None
    struct_type = struct_from(reference, target)
    return struct_type(
        **{
            field.name: to_python(field.declaration.type, value[field.dotnet_name], target)
            for field in struct_type.layout.fields
            if not is_address(field.declaration)
        }
    )


def _built_in_to_python(name: str, value: Any) -> Any:
    if name in _FLOATS:
        size, code = _FLOATS[name].size, _FLOATS[name].code
        return struct.unpack(f"<{code}", int(value, 16).to_bytes(size, "little"))[0]
    if name in _INTEGERS:
        return int(value)
    if name == "char":
        return chr(value)
    if name == "string":
        return None if value is None else bytes.fromhex(value["utf16"]).decode(*_UTF16)
    if name == "decimal":
        return decimal_from_parts(*(part & 0xFFFFFFFF for part in value))
    if name == "Guid":
        return UUID(value)
    if name == "DateTime":
        return _FIRST + timedelta(microseconds=int(value["ticks"]) // 10)
    if name in _NUMBERED:
        conversion = _conversion(name)
        return conversion.decode(int(value).to_bytes(conversion.size, "little", signed=True))
    return value


def from_python(reference: TypeReference, value: Any) -> Any:
    """Return the JSON for the Python ``value`` of a field of that type."""
    if isinstance(reference, Nullable):
        return None if value is None else from_python(reference.value, value)
    if isinstance(reference, Array):
        if value is None or is_reference(reference.element):
            return None if value is None else [None] * len(value)
        return [from_python(reference.element, item) for item in value]
    if isinstance(reference, (Pointer, FunctionPointer)):
        return _integer(value)
    if isinstance(reference, BuiltIn):
        return _built_in_from_python(reference.name, value)
    if reference.kind == "enum":
        return _integer(int(value))
    if reference.inline_array or reference.fixed_buffer:
        element = reference.fields[0]
        if is_address(element):
            return [None] * len(value)
        return [from_python(element.type, item) for item in value]
    if reference.kind in ("delegate", "interface"):
        return None
    return {
        field.dotnet_name: None
        if is_address(field.declaration)
        else from_python(field.declaration.type, getattr(value, field.name))
        for field in type(value).layout.fields
    }


def _built_in_from_python(name: str, value: Any) -> Any:
    if name in _FLOATS:
        bits = struct.pack(f"<{_FLOATS[name].code}", value)[::-1]
        return "nan" if value != value else f"0x{bits.hex()}"
    if name in _INTEGERS:
        return _integer(value)
    if name == "char":
        return ord(value)
    if name == "string":
        return {"utf16": value.encode(*_UTF16).hex()}
    if name == "decimal":
        return list(parts_from_decimal(value))
    if name == "Guid":
        return str(value)
    if name == "DateTime":
        ticks = (value - _FIRST) // timedelta(microseconds=1) * 10
        return {"ticks": _integer(ticks), "kind": 0}
    if name in _NUMBERED:
        return _integer(int.from_bytes(_conversion(name).encode(value), "little", signed=True))
    return value


def _conversion(name: str) -> Conversion:
    return of_scalar(SCALARS[name], None, ansi_of(HOST), strict=True)


def _integer(value: int) -> int | str:
    return value if abs(value) < _UNSAFE else str(value)


def normal(reference: TypeReference, value: Any) -> Any:
    """Return the peer's JSON without what Python can't represent: NaN payloads, a date's kind."""
    if isinstance(reference, Nullable):
        return None if value is None else normal(reference.value, value)
    if isinstance(reference, Array):
        return None if value is None else [normal(reference.element, item) for item in value]
    if isinstance(reference, BuiltIn):
        if reference.name in _FLOATS:
            return _built_in_from_python(reference.name, _built_in_to_python(reference.name, value))
        if reference.name == "DateTime":
            return {"ticks": _integer(int(value["ticks"]) // 10 * 10), "kind": 0}
        return value
    if isinstance(reference, TypeDeclaration) and isinstance(value, dict):
        return {
            field.name: normal(field.type, value[field.name]) for field in all_fields(reference)
        }
    if isinstance(reference, TypeDeclaration) and isinstance(value, list):
        return [normal(reference.fields[0].type, item) for item in value]
    return value


def all_fields(declaration: TypeDeclaration) -> list[FieldDeclaration]:
    """Return the fields of a type; those of a base class come first."""
    base = all_fields(declaration.base) if declaration.base is not None else []
    return [*base, *declaration.fields]


def overlaps(layout: Layout) -> bool:
    """Return whether two fields share bytes, at any depth."""
    end = 0
    for field in sorted(layout.fields, key=lambda field: (field.offset, field.size)):
        if field.offset < end:
            return True
        end = max(end, field.offset + field.size)
        form = field.form
        while isinstance(form, Sequence):
            form = form.element
        if isinstance(form, Inline) and overlaps(form.layout):
            return True
    return False


def sensible(data: bytes, layout: Layout) -> bytes:
    """Return ``data`` with addresses set to 0, and with values that both sides can read.

    Random bytes may be an invalid decimal, or text that no decoder accepts.
    """
    result = bytearray(data)
    for offset, form in _values(layout):
        if isinstance(form, Text):
            # Windows and Python decode bytes without a character in the code page differently.
            if layout.target.windows and form.unit == 1:
                for at in range(offset, offset + form.size):
                    result[at] &= 0x7F
        elif form.kind in ("address", "variant"):
            result[offset : offset + form.size] = bytes(form.size)
        elif form.kind == "char8":
            # For invalid UTF-8, .NET makes one U+FFFD or several, depending on the position.
            result[offset] &= 0x7F
        elif form.kind in ("dateonly", "timeonly"):
            number = int.from_bytes(result[offset : offset + form.size], "little")
            count = 3_652_059 if form.kind == "dateonly" else 864_000_000_000
            result[offset : offset + form.size] = (number % count).to_bytes(form.size, "little")
        elif form.kind == "decimal":
            # The flags: sixteen zero bits, a scale of 0 to 28, a sign.
            result[offset : offset + 4] = bytes(
                (0, 0, result[offset + 2] % 29, result[offset + 3] & 128)
            )
    return bytes(result)


def _values(layout: Layout, start: int = 0) -> Iterator[tuple[int, Scalar | Text]]:
    """Yield every single value in the bytes, with its offset."""
    for field in layout.fields:
        forms: list[tuple[int, Form]] = [(start + field.offset, field.form)]
        while forms:
            offset, form = forms.pop()
            if isinstance(form, Sequence):
                forms += [(offset + i * form.stride, form.element) for i in range(form.count)]
            elif isinstance(form, Inline):
                yield from _values(form.layout, offset)
            else:
                yield offset, form
