"""Arrays in memory as buffers: copied as a whole, and seen by NumPy without a copy."""

from __future__ import annotations

import array
import gc
import struct
import sys
from decimal import Decimal
from enum import IntEnum
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import StructValueError, UnsupportedError

# From Python 3.12 on a class can say what its buffer is; a ctypes array has a byte order.
ORDER = "" if sys.version_info >= (3, 12) else "<"


class Gear(IntEnum):
    NEUTRAL = 0
    FIRST = 1


class Point(Struct, pack=1):
    x: t.Byte
    y: t.Int32


class Frame(Struct):
    id: t.Byte
    pixels: Annotated[list[int], t.ByValArray(t.Byte, 12)]
    small: Annotated[list[int], t.ByValArray(t.SByte, 4)]
    numbers: Annotated[list[int], t.ByValArray(t.Int32, 4)]
    wide: Annotated[list[int], t.InlineArray(t.UInt64, 2)]
    reals: Annotated[list[float], t.ByValArray(t.Single, 2)]
    halves: Annotated[list[float], t.InlineArray(t.Half, 2)]
    truths: Annotated[list[bool], t.ByValArray(t.Bool8, 3)]
    gears: Annotated[list[Gear], t.ByValArray(Gear, 2)]
    prices: Annotated[list[Decimal], t.ByValArray(t.Decimal, 2)]
    points: Annotated[list[Point], t.ByValArray(Point, 2)]
    last: t.Byte


FORMATS = {
    "pixels": ("B", 1, 12),
    "small": (ORDER + "b", 1, 4),
    "numbers": (ORDER + "i", 4, 4),
    "wide": (ORDER + "Q", 8, 2),
    "reals": (ORDER + "f", 4, 2),
    "gears": (ORDER + "i", 4, 2),
}


def frame(data=None):
    """Return the memory of a frame, and a view of it."""
    data = bytearray(Frame.layout.size) if data is None else data
    return data, Frame.view(data)


def offset(name):
    return next(field.offset for field in Frame.layout.fields if field.name == name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_memoryview_of_an_array_has_its_items(name):
    data, live = frame()
    memory = memoryview(getattr(live, name))
    assert (memory.format, memory.itemsize, len(memory)) == FORMATS[name]
    assert (memory.ndim, memory.readonly, memory.c_contiguous) == (1, False, True)
    memory.cast("B")[-1] = 1
    size = FORMATS[name][1] * FORMATS[name][2]
    assert data[offset(name) + size - 1] == 1
    assert sum(data) == 1


def test_a_memoryview_of_bytes_can_be_assigned():
    data, live = frame()
    memoryview(live.pixels)[:] = b"abcdefghijkl"
    memoryview(live.pixels)[0] = 7
    assert data[1:13] == b"\7bcdefghijkl"
    assert bytes(live.pixels) == b"\7bcdefghijkl"


@pytest.mark.parametrize("name", ["halves", "prices", "points"])
def test_the_bytes_of_an_array_of_other_values_are_its_memory(name):
    with pytest.raises((TypeError, BufferError)):
        memoryview(getattr(frame()[1], name))
    assert getattr(frame()[1], name).memory.format == "B"


@pytest.mark.parametrize("name", FORMATS)
def test_a_buffer_of_read_only_memory_can_not_be_changed(name):
    _, live = frame(bytes(Frame.layout.size))
    if sys.version_info >= (3, 12):
        memory = memoryview(getattr(live, name))
        assert (memory.format, memory.readonly) == (FORMATS[name][0], True)
    else:
        with pytest.raises(TypeError):
            memoryview(getattr(live, name))
    with pytest.raises(UnsupportedError, match="read-only"):
        getattr(live, name)[0] = 0
    with pytest.raises(UnsupportedError, match="read-only"):
        getattr(live, name)[:] = bytes(12)


# --- NumPy ---


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("pixels", "u1"),
        ("small", "i1"),
        ("numbers", "i4"),
        ("wide", "u8"),
        ("reals", "f4"),
        ("halves", "f2"),
        ("truths", "u1"),
        ("gears", "i4"),
    ],
)
@pytest.mark.parametrize("wrap", [bytearray, bytes])
def test_numpy_sees_the_memory_of_an_array(name, dtype, wrap):
    numpy = pytest.importorskip("numpy")
    data, live = frame(wrap(Frame.layout.size))
    items = numpy.asarray(getattr(live, name))
    assert items.dtype == numpy.dtype(dtype)
    assert items.shape == (len(getattr(live, name)),)
    assert items.flags.writeable == (wrap is bytearray)
    if wrap is bytearray:
        items[0] = 1
        assert getattr(live, name)[0] == 1
        assert data[offset(name) : offset(name) + 8].strip(b"\0")


def test_numpy_sees_an_array_of_structs_with_their_fields():
    numpy = pytest.importorskip("numpy")
    _, live = frame()
    points = numpy.asarray(live.points)
    assert points.dtype == numpy.dtype([("x", "u1"), ("y", "<i4")])
    points["y"] = [5, 6]
    assert [point.y for point in live.points] == [5, 6]
    assert numpy.array(live.points, copy=True).base is None


def test_numpy_converts_an_array_if_it_is_asked_to():
    numpy = pytest.importorskip("numpy")
    _, live = frame()
    live.numbers = [1, 2, 3, 4]
    assert numpy.asarray(live.numbers, dtype="f8").tolist() == [1.0, 2.0, 3.0, 4.0]


# --- assigning buffers ---

PIXELS = b"abcdefghijkl"


@pytest.mark.parametrize(
    "source",
    [
        PIXELS,
        bytearray(PIXELS),
        memoryview(PIXELS),
        memoryview(PIXELS).cast("B", (3, 4)),
        memoryview(b"".join(bytes((each, 0)) for each in PIXELS))[::2],
        array.array("B", PIXELS),
        list(PIXELS),
        tuple(PIXELS),
        array.array("q", list(PIXELS)),
        range(97, 109),
    ],
    ids=lambda source: type(source).__name__,
)
def test_an_array_takes_a_buffer_or_a_sequence(source):
    data, live = frame()
    live.last = live.id = 9
    live.pixels = source
    assert data[:13] == b"\t" + PIXELS
    live.pixels = bytes(12)
    if not isinstance(source, memoryview) or source.ndim == 1:
        live.pixels[:] = source
        assert bytes(live.pixels) == PIXELS
    value = Frame(id=9, pixels=source, last=9)
    assert value.to_bytes()[:13] == b"\t" + PIXELS
    value.pixels = source
    assert value.to_bytes()[:13] == b"\t" + PIXELS
    assert live.id == live.last == 9


def test_a_numpy_array_is_written_in_the_order_of_c():
    numpy = pytest.importorskip("numpy")
    _, live = frame()
    image = numpy.arange(24, dtype="u1").reshape(2, 4, 3)[::-1, 1:3]
    live.pixels = image
    assert bytes(live.pixels) == image.tobytes()
    assert Frame(pixels=image).to_bytes()[1:13] == image.tobytes()
    live.numbers[:] = numpy.arange(8, dtype=">i4")[::2]
    assert live.numbers.tolist() == [0, 2, 4, 6]


def test_the_items_of_a_buffer_keep_their_type():
    _, live = frame()
    live.numbers = b"\1\2\3\4"  # four numbers, and not the bytes of one
    assert live.numbers.tolist() == [1, 2, 3, 4]
    live.numbers[:] = array.array("q", [5, 6, 7, -8])
    assert live.numbers.tolist() == [5, 6, 7, -8]
    live.reals = array.array("d", [0.5, 2.5])
    assert live.reals.tolist() == [0.5, 2.5]
    live.reals = array.array("i", [3, 4])
    assert live.reals.tolist() == [3.0, 4.0]
    live.wide = array.array("Q", [2**64 - 1, 1])
    assert live.wide.tolist() == [2**64 - 1, 1]


def test_the_bits_of_floats_are_copied():
    data, live = frame()
    nan = b"\1\0\xa0\x7f\2\0\xc0\xff"
    live.reals = memoryview(nan).cast("f")
    assert data[offset("reals") : offset("reals") + 8] == nan


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("small", b"\x80\0\0\0", r"must be a sbyte \(-128 to 127\), not 128"),
        ("numbers", array.array("q", [0, 0, 2**31, 0]), "must be an int .*, not 2147483648"),
        ("numbers", array.array("f", [0.5] * 4), "must be an int"),
        ("wide", array.array("q", [1, -1]), "must be a ulong"),
        ("pixels", PIXELS[:11], "needs exactly 12 elements, not 11"),
        ("pixels", PIXELS + b"m", "needs exactly 12 elements, not 13"),
        ("numbers", array.array("i", [1] * 5), "needs exactly 4 elements, not 5"),
        ("numbers", array.array("q", [1] * 5), "needs exactly 4 elements, not 5"),
    ],
)
def test_a_buffer_that_does_not_fit_is_refused_and_nothing_is_written(name, source, message):
    data, live = frame()
    with pytest.raises(StructValueError, match=message):
        setattr(live, name, source)
    with pytest.raises(StructValueError, match=message):
        getattr(live, name)[:] = source
    with pytest.raises(StructValueError, match=message):
        Frame(**{name: source}).to_bytes()
    assert not any(data)


def test_without_strict_a_longer_buffer_is_cut():
    assert Frame(pixels=PIXELS + b"mn").to_bytes(strict=False)[1:13] == PIXELS
    assert Frame(numbers=array.array("i", range(6))).to_bytes(strict=False) == (
        Frame(numbers=[0, 1, 2, 3]).to_bytes()
    )


def test_a_part_of_an_array_takes_a_buffer():
    _, live = frame()
    live.pixels = PIXELS
    live.pixels[2:5] = b"XYZ"
    live.pixels[::-4] = b"123"
    assert bytes(live.pixels) == b"abX3Zfg2ijk1"
    with pytest.raises(StructValueError, match="needs exactly 3 elements, not 2"):
        live.pixels[2:5] = b"XY"


def test_an_array_can_be_assigned_to_another_one_or_to_a_part_of_itself():
    _, live = frame()
    _, other = frame(bytearray(b"\xff" * Frame.layout.size))
    for name in ("pixels", "numbers", "reals", "truths", "gears", "prices"):
        setattr(live, name, getattr(other, name))
        assert getattr(live, name).memory == getattr(other, name).memory
    live.pixels = PIXELS
    live.pixels[1:] = memoryview(live.pixels)[:-1]
    assert bytes(live.pixels) == b"aabcdefghijk"
    live.numbers = [1, 2, 3, 4]
    live.numbers[:2] = live.numbers[2:]
    live.wide[:] = other.wide
    assert live.numbers.tolist() == [3, 4, 3, 4]
    assert live.wide.tolist() == [2**64 - 1] * 2


# --- as before ---


@pytest.mark.parametrize("name", [*FORMATS, "halves", "truths"])
@pytest.mark.parametrize("wrap", [bytearray, bytes])
def test_an_array_is_a_sequence(name, wrap):
    data = bytes(range(1, 1 + Frame.layout.size))
    expected = getattr(Frame.from_bytes(data), name)
    items = getattr(Frame.view(wrap(data)), name)
    assert list(items) == items.tolist() == [items[at] for at in range(len(items))] == expected
    assert items[:] == expected
    assert items[-1] == expected[-1]
    assert items[1::-1] == expected[1::-1]
    assert list(reversed(items)) == expected[::-1]
    assert expected[0] in items
    assert items.index(expected[1]) == expected.index(expected[1])
    assert items == expected
    match items:
        case [first, *_]:
            assert first == expected[0]
    for index in (len(expected), -len(expected) - 1):
        with pytest.raises(IndexError):
            items[index]
    with pytest.raises(TypeError):
        items["x"]


@pytest.mark.parametrize("name", [*FORMATS, "halves", "truths"])
def test_an_element_of_a_view_is_checked(name):
    data, live = frame()
    items = getattr(live, name)
    for index, value, error in [
        (len(items), 1, IndexError),
        (-len(items) - 1, 1, IndexError),
        ("x", 1, TypeError),
        (0, "x", StructValueError),
        (0, 2.0**200, StructValueError),
    ]:
        if name == "truths" and error is StructValueError:
            continue
        with pytest.raises(error):
            items[index] = value
    assert not any(data)
    items[-1] = 1
    assert items[len(items) - 1] == 1


def test_an_array_keeps_the_memory_and_releases_it_at_once():
    gc.disable()
    try:
        data, live = frame()
        pixels = live.pixels
        pixels[0] = 1
        pixels[1:3] = b"ab"
        assert memoryview(pixels)[0] == pixels[0] == 1
        del live
        with pytest.raises(BufferError):
            data.append(0)
        del pixels
        data.append(0)
    finally:
        gc.enable()


def test_a_number_that_is_too_large_is_not_cut():
    data, live = frame()
    with pytest.raises(StructValueError, match=r"\[1\] must be an int .*, not 2147483648"):
        live.numbers[1] = 2**31
    live.numbers[1] = 2**31 - 1
    assert struct.unpack_from("<i", data, offset("numbers") + 4) == (2**31 - 1,)
