"""Every field type with any bytes: they are written back as they were, or they are not a value.

The bytes are read and written as a struct, a view, a snapshot, an array and with NumPy, in both
layouts. ``stays`` names the bytes that a new value does not have, because .NET does not write them.
"""

from __future__ import annotations

import copy
import pickle
import random
import re
import struct
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import Annotated, Any

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import ArgumentError, FormatError, LayoutError, StructValueError
from pyshm.layout.forms import Target
from pyshm.structs import array, for_target, snapshot

UNIX = Target(8, windows=False)


class Gear(IntEnum):
    NEUTRAL = 0
    FIRST = 1


class Lamps(IntFlag):
    LOW = 1
    HIGH = 2


class Pair(Struct, target=UNIX):
    a: t.Int16
    b: t.Decimal


class Named(Struct, target=UNIX):
    a: t.Byte
    name: Annotated[str, t.ByValTStr(5)]


INTEGERS = ("SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64")
OTHERS = (
    "Int128", "UInt128", "NInt", "NUInt", "Half", "Single", "Double", "Pointer", "FunctionPointer",
    "Bool", "Bool8", "Char", "Char8", "Char16", "Decimal", "Currency", "DateTime", "TimeSpan",
    "DateOnly", "TimeOnly", "Guid",
)  # fmt: skip
VALUES: dict[str, Any] = {
    **{name: getattr(t, name) for name in (*INTEGERS, *OTHERS)},
    **{f"Gear {name}": Annotated[Gear, t.Enum(getattr(t, name))] for name in INTEGERS},
    **{f"Lamps {name}": Annotated[Lamps, t.Enum(getattr(t, name))] for name in INTEGERS},
}
FIELDS: dict[str, Any] = {
    **VALUES,
    "text": Annotated[str, t.ByValTStr(6)],
    "Pair": Pair,
    "Pair[]": Annotated[Any, t.ByValArray(Pair, 2)],
    "text inline": Annotated[Any, t.InlineArray(Annotated[str, t.ByValTStr(6)], 3)],
    "Named[]": Annotated[Any, t.ByValArray(Named, 2)],
    "Named inline": Annotated[Any, t.InlineArray(Named, 2)],
    "fixed": Annotated[Any, t.FixedBuffer(t.Int16, 3)],
    **{f"{name}?": Annotated[Any, t.Nullable(hint)] for name, hint in VALUES.items()},
    **{f"{name}[]": Annotated[Any, t.ByValArray(hint, 3)] for name, hint in VALUES.items()},
    **{f"{name} inline": Annotated[Any, t.InlineArray(hint, 3)] for name, hint in VALUES.items()},
}


def declared(name, hint, charset, **more):
    """Return a struct with one field and ``more``; None if .NET does not have or marshal it."""
    class_name = re.sub(r"\W", "_", f"{'Union' if more else 'One'} {name} {charset}")
    body = {"__module__": __name__, "__annotations__": {"x": hint, **more}}
    layout = "explicit" if more else "sequential"
    try:
        made = type(Struct)(
            class_name, (Struct,), body, charset=charset, target=UNIX, layout=layout
        )
    except LayoutError:
        return None
    globals()[class_name] = made  # so that it can be pickled
    return made


CASES = [
    pytest.param(made, id=f"{name} {charset}")
    for name, hint in FIELDS.items()
    for charset in ("ansi", "unicode")
    if (made := declared(name, hint, charset)) is not None
]


def declared_union(struct_type, charset):
    """Return a struct with the field of ``struct_type``, whose last byte is also another field."""
    hint = struct_type.__annotations__["x"]
    at = t.FieldOffset(struct_type.layout.size - 1)
    return declared(
        struct_type.__name__, Annotated[hint, t.FieldOffset(0)], charset, last=Annotated[t.Byte, at]
    )


UNIONS = [
    pytest.param(made, id=case.id)
    for case in CASES
    if (made := declared_union(case.values[0], case.id.rpartition(" ")[2])) is not None
]


def samples(size):
    """Return bytes of that size: all of one byte, the ends of every range, and random ones."""
    if size == 1:
        return [bytes((each,)) for each in range(256)]
    drawn = random.Random(size)
    ends = [b"\0", b"\xff", b"\x7f", b"\x80", b"\1"]
    found = [each * size for each in ends]
    found += [b"\0" * (size - 1) + each for each in ends]
    found += [b"\xff" * (size - 1) + each for each in ends]
    found += [each + b"\0" * (size - 1) for each in ends]
    numbers = [struct.pack("<d", days) for days in (1e300, 36526.1, -36526.1)]
    numbers += [(637134336000000003 | kind << 62).to_bytes(8, "little") for kind in range(4)]
    found += [each[:size].ljust(size, b"\0") for each in numbers]
    found += [drawn.randbytes(size) for _ in range(40)]
    found += [bytes(drawn.choices((0, 1, 65, 200), k=size)) for _ in range(20)]
    return found


def readable(get):
    """Return a list with the value, or without one for a FormatError."""
    try:
        value = get()
        return [value.tolist() if hasattr(value, "tolist") else value]
    except FormatError:
        return []


def stays(conversion, raw):
    """Return the bytes that .NET writes for the value of ``raw``."""
    size = conversion.size
    match type(conversion).__name__:
        case "Boolean":
            return int(any(raw)).to_bytes(size, "little")
        case "FixedText":
            end = text_end(conversion, raw)
            return raw[:end].ljust(size, b"\0") if end >= 0 else raw
        case "NullableValue":
            start = conversion.offset
            if not any(raw[: conversion.truth.size]):
                return bytes(size)
            value = stays(conversion.value, raw[start : start + conversion.value.size])
            return (b"\1".ljust(start, b"\0") + value).ljust(size, b"\0")
        case "ArrayValue":
            element = conversion.element
            parts = [raw[at : at + element.size] for at in range(0, size, conversion.stride)]
            return b"".join(stays(element, part).ljust(conversion.stride, b"\0") for part in parts)
        case "NestedStruct":
            result = bytearray(size)
            for shape in conversion.packed.shapes:
                start, end = shape.field.offset, shape.field.offset + shape.field.size
                part = raw[start:end]
                keeps_bytes = not shape.is_plain and not shape.conversion.mutable
                result[start:end] = part if keeps_bytes else stays(shape.conversion, part)
            return bytes(result)
    return raw


def text_end(conversion, raw):
    """Return where the first code unit of zeros is; -1 if there is none."""
    unit = conversion.unit
    ends = (at for at in range(0, len(raw), unit) if not any(raw[at : at + unit]))
    return next(ends, -1)


def is_nan(conversion, raw):
    """Return whether the value has a NaN: Python does not keep all of its bits."""
    return any(part != part for part in parts_of(readable(lambda: conversion.decode(raw))))


def parts_of(value) -> Iterator[Any]:
    for part in value:
        if isinstance(part, list):
            yield from parts_of(part)
        else:
            yield part


def codec_of(struct_type, layout):
    codec = for_target(struct_type, UNIX)
    if layout == "marshalled":
        return codec
    try:
        return codec.managed
    except ArgumentError:
        pytest.skip("the managed layout has references")


@pytest.mark.parametrize("struct_type", CASES)
@pytest.mark.parametrize("layout", ["marshalled", "managed"])
def test_any_bytes_are_written_back(struct_type, layout):
    codec = codec_of(struct_type, layout)
    (shape,) = codec.__packing__.shapes
    conversion = shape.conversion
    keeps_bytes = layout == "marshalled" and not shape.is_plain and not conversion.mutable
    for data in samples(codec.size):
        if is_nan(conversion, data):
            continue
        live, taken = codec.view(bytearray(data)), snapshot(codec, data)
        is_readable = bool(readable(lambda live=live: live.x))
        assert bool(readable(lambda taken=taken: taken.x)) == is_readable
        new = stays(conversion, data)
        try:
            value = codec.from_bytes(data)
        except FormatError:
            # In a layout that is not the class's own, some fields are read with the struct.
            assert layout == "managed"
            assert not is_readable
            continue
        for _ in range(2):  # before and after the field was read
            assert codec.to_bytes(value) == data or codec.to_bytes(value) == new
            assert codec.to_bytes(value) == data or not keeps_bytes
            assert bool(readable(lambda value=value: value.x)) == is_readable
        if is_readable:
            check_assigned(codec, struct_type, value.x, live, new)


def test_text_without_a_nul_is_stored_as_it_was_read():
    struct_type = declared("full", FIELDS["text inline"], "unicode")
    value = struct_type.from_bytes("ABCDEF".encode("utf-16-le") * 3)
    assert value.x == ["ABCDEF"] * 3
    value.x[1] = "xyz"
    text = "ABCDEFxyz\0\0\0ABCDEF"
    assert value.to_bytes().decode("utf-16-le") == text
    assert struct_type(x=copy.deepcopy(value.x)).to_bytes().decode("utf-16-le") == text
    for other in ("ABCDEF", value.x[0] + "", value.x[0].lower()):  # new texts
        with pytest.raises(StructValueError, match="has room for 5 UTF-16 code units"):
            struct_type(x=["", other, ""]).to_bytes()


@pytest.mark.parametrize("struct_type", UNIONS)
def test_any_bytes_of_a_union_are_written_back(struct_type):
    shape = struct_type.__packing__.shapes[0]
    for data in samples(struct_type.layout.size):
        value, live = struct_type.from_bytes(data), struct_type.view(bytearray(data))
        for each in (value, live, snapshot(struct_type, data)):
            readable(lambda each=each: each.x)
            assert each.last == data[-1]
        assert value.to_bytes() == data
        assert isinstance(repr(value), str)
        if readable(lambda value=value: value.x) and not is_nan(shape.conversion, data):
            value.x = value.x
            new = stays(shape.conversion, data[: shape.field.size]) + data[shape.field.size :]
            assert value.to_bytes() in (data, new)


def check_assigned(codec, struct_type, value, live, new):
    assert codec.to_bytes(struct_type(x=value)) == new
    target = bytearray(codec.size)
    codec.view(target).x = value
    assert target == new
    codec.view(target).x = live.x
    assert bytes(target) in (new, bytes(live))


@pytest.mark.parametrize("struct_type", CASES)
def test_bytes_that_can_not_be_read_are_not_assigned(struct_type):
    conversion = struct_type.__packing__.shapes[0].conversion
    for data in samples(struct_type.layout.size):
        live = struct_type.view(bytearray(data))
        if not readable(lambda live=live: live.x) and not conversion.mutable:
            target = bytearray(len(data))
            with pytest.raises(FormatError):
                struct_type.view(target).x = live.x
            assert not any(target)


@pytest.mark.parametrize("struct_type", CASES)
def test_nothing_but_reading_the_field_can_fail(struct_type):
    for data in samples(struct_type.layout.size):
        value, same = struct_type.from_bytes(data), struct_type.from_bytes(data)
        live, taken = struct_type.view(bytearray(data)), snapshot(struct_type, data)
        for each in (value, live, taken):
            assert isinstance(repr(each), str)
            assert isinstance(str(each), str)
        assert value == same or "nan" in repr(value)
        assert taken == snapshot(struct_type, data)
        assert hash(taken) == hash(snapshot(struct_type, data))
        for copied in (copy.copy, copy.deepcopy, pickled):
            assert copied(taken) == taken
            assert copied(value).to_bytes() == value.to_bytes()


def pickled(value):
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("struct_type", CASES)
def test_numpy_keeps_all_bits(struct_type):
    pytest.importorskip("numpy")
    conversion = struct_type.__packing__.shapes[0].conversion
    if conversion.name.endswith("?") or conversion.name.startswith("Pair"):
        pytest.skip("NumPy does not copy the padding of a structured value")
    for data in samples(struct_type.layout.size):
        target = bytearray(struct_type.layout.size)
        array(struct_type, target)["x"] = array(struct_type, data)["x"]
        assert target == data
