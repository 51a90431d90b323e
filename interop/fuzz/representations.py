"""The differences between the representations of a struct: all must have the same values.

An object, a view, a snapshot, a NumPy record and a dump each find the fields in the bytes in their
own way. The bytes that the layout assigns to a field are the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyshm.dump import annotate
from pyshm.errors import ArgumentError, FormatError, LayoutError
from pyshm.layout.declarations import TypeDeclaration
from pyshm.layout.forms import Target
from pyshm.structs.arrays import array
from pyshm.structs.c_declarations import ffi
from pyshm.structs.codec import for_target
from pyshm.structs.compound import ArrayValue, FirstElementOnly, NestedStruct, NullableValue
from pyshm.structs.from_declaration import struct_from
from pyshm.structs.leaves import too_many_values
from pyshm.structs.snapshots import snapshot
from pyshm.structs.values.base import Conversion
from pyshm.testing.values import overlaps

__all__ = ["TARGETS", "representation_disagreements"]

TARGETS = tuple(Target(size, windows) for size in (8, 4) for windows in (False, True))
_NO_VALUE = "(no value)"
_BEFORE = 3  # bytes before the struct, so that it is not at an aligned address
_COUNT = 3  # structs in a NumPy array


def representation_disagreements(
    declaration: TypeDeclaration, data: bytes, target: Target
) -> Iterator[str]:
    """Yield a sentence for each representation of ``data`` that is not the layout's.

    The type is read in its layout on ``target``, and the same bytes, as far as they go, in its
    other layouts.
    """
    struct = struct_from(declaration, target)
    if not too_many_values(struct.__packing__):
        yield from _dump(struct, data)
    shares_bytes = overlaps(struct.layout)
    for codec in _codecs(struct, target):
        layout = codec.layout
        raw = data[: layout.size].ljust(layout.size, b"\0")
        # An object has the bytes of its own layout. Where fields share them, it can't have those of
        # each other layout, too.
        is_whole = codec is struct or not (shares_bytes or overlaps(layout))
        for sentence in _fields(codec, raw, is_whole=is_whole):
            yield f"{codec!r}: {sentence}"


def _codecs(struct: Any, target: Target) -> Iterator[Any]:
    yield struct
    for other in TARGETS:
        try:
            codec = struct if other == target else for_target(struct, other)
            if codec is not struct:
                yield codec
            yield codec.managed
        except (LayoutError, ArgumentError):
            continue  # .NET refuses the type there, or it holds references


def _fields(codec: Any, raw: bytes, *, is_whole: bool) -> Iterator[str]:
    packed = codec.__packing__
    memory = bytearray(_BEFORE) + raw + bytes(_BEFORE)
    objects = {
        "view": codec.view(memory, _BEFORE),
        "read-only view": codec.view(bytes(memory), _BEFORE),
        "snapshot": snapshot(codec, memory, _BEFORE),
    }
    try:
        objects["object"] = codec.unpack_from(memory, _BEFORE)
    except FormatError:
        pass  # of another layout than its own, each field is decoded at once
    records = array(codec, bytearray(raw.ljust(packed.stride, b"\0") * _COUNT), count=_COUNT)
    for field, conversion, _ in packed.shapes:
        if conversion.size != field.size:
            yield f"{field.name} is read from {conversion.size} bytes, not {field.size}"
        part = raw[field.offset : field.offset + field.size]
        yield from _record(conversion, records[1][field.name], part, field.name)
        if not is_whole:
            continue
        expected = _decoded(conversion, part)
        for kind, found in objects.items():
            value = _attribute(found, field.name)
            if value != expected and _NO_VALUE not in str((value, expected)):
                yield f"{field.name} of the {kind}: {value}, not {expected}"
    if memory[_BEFORE:-_BEFORE] != raw:
        yield "the memory was changed by reading it"
    flat = getattr(codec, "flat", None)
    if flat is not None and flat.size != packed.size:
        yield f"the flat codec has {flat.size} bytes, not {packed.size}"
    try:
        ffi(codec)
    except LayoutError as error:
        yield str(error)


def _decoded(conversion: Conversion, raw: bytes) -> object:
    try:
        return _plain(conversion.decode(raw))
    except FormatError:
        return _NO_VALUE


def _attribute(owner: Any, name: str) -> object:
    try:
        return _plain(getattr(owner, name))
    except FormatError:
        return _NO_VALUE


def _plain(value: Any) -> object:
    """Return a value as lists, dicts and texts, the same for each representation."""
    layout = getattr(value, "layout", None)
    if layout is not None:
        return {field.name: _attribute(value, field.name) for field in layout.fields}
    if not isinstance(value, (str, bytes)) and hasattr(value, "__iter__"):
        return [_plain(item) for item in value]
    return repr(value)


def _record(conversion: Conversion, found: Any, raw: bytes, name: str) -> Iterator[str]:
    """Yield where the bytes of a NumPy value are not ``raw``."""
    if isinstance(conversion, NestedStruct):
        for field, inner, _ in conversion.packed.shapes:
            part = raw[field.offset : field.offset + field.size]
            yield from _record(inner, found[field.name], part, f"{name}.{field.name}")
    elif isinstance(conversion, FirstElementOnly):
        return
    elif isinstance(conversion, ArrayValue):
        if len(found) != conversion.count:
            yield f"{name} has {len(found)} elements in NumPy, not {conversion.count}"
        for index, (item, part) in enumerate(zip(found, conversion.pieces(raw), strict=False)):
            # An element that is shorter than the stride is in a record of its own.
            element = item["value"] if item.dtype.names == ("value",) else item
            yield from _record(conversion.element, element, part, f"{name}[{index}]")
    elif isinstance(conversion, NullableValue):
        part = raw[: conversion.truth.size]
        yield from _record(conversion.truth, found["has_value"], part, name)
        yield from _record(conversion.value, found["value"], conversion.part(raw), name)
    # NumPy removes the NULs at the end of a text.
    elif found.tobytes().rstrip(b"\0") != raw.rstrip(b"\0"):
        yield f"{name} is {found.tobytes().hex(' ')} in NumPy, not {raw.hex(' ')}"


def _dump(struct: Any, data: bytes) -> Iterator[str]:
    end = 0
    found: set[tuple[str, int, int]] = set()
    for region in annotate(memoryview(data), struct).regions:
        if region.offset != end:
            yield f"the dump has {region.name} at {region.offset}, not at {end}"
        end = region.end
        if region.role == "field":
            found.update((each.name, each.offset, each.size) for each in region.fields)
    for name, offset, size in sorted(set(_places(struct.__packing__, data, 0, "")) ^ found):
        yield f"the dump and the layout differ in {name}: {size} bytes at {offset}"


def _places(packed: Any, raw: bytes, start: int, prefix: str) -> Iterator[tuple[str, int, int]]:
    for field, conversion, _ in packed.shapes:
        part = raw[field.offset : field.offset + field.size]
        yield from _place(conversion, part, start + field.offset, prefix + field.dotnet_name)


def _place(conv: Conversion, raw: bytes, start: int, name: str) -> Iterator[tuple[str, int, int]]:
    if isinstance(conv, NestedStruct):
        yield from _places(conv.packed, raw, start, f"{name}.")
    elif isinstance(conv, ArrayValue) and not conv.whole:
        for index, part in enumerate(conv.pieces(raw)):
            at = start + index * conv.stride
            yield from _place(conv.element, part, at, f"{name}[{index}]")
    elif isinstance(conv, NullableValue) and conv.mutable and conv.is_set(raw):
        yield f"{name}.HasValue", start, conv.truth.size
        yield from _place(conv.value, conv.part(raw), start + conv.offset, name)
    else:
        yield name, start, conv.size
