"""The text that says what the bytes of a struct mean. Each text is written by hand.

Offsets are those of .NET's marshalled layout on 64-bit Linux.
"""

from __future__ import annotations

import enum
import importlib.util
import struct
import subprocess
import sys
from hashlib import sha256
from typing import Annotated

import pytest

from pyshm import LatestChannel, MemoryMappedFile, QueueChannel, Struct
from pyshm import types as t
from pyshm.channels.type_text import array_text, hash_of, struct_text
from pyshm.errors import ChannelTypeError
from pyshm.layout.forms import Target
from tests.conftest import ROOT

DATA = ROOT / "tests" / "assemblies" / "data"


class Gear(enum.IntEnum):
    REVERSE = -1
    FIRST = 1


class Lamps(enum.IntFlag):
    LEFT = 1


class Point(Struct):
    X: t.Single
    top_speed: t.Double


class Line(Struct):
    kind: t.Byte
    begin: Point
    end: Point


class Deep(Struct):
    before: t.Int16
    line: Line


class Many(Struct):
    count: t.UInt16
    items: Annotated[list[Point], t.ByValArray(Point, 2)]
    bytes_: Annotated[list[int], t.ByValArray(t.Byte, 3)]


class Fixed(Struct):
    numbers: Annotated[list[int], t.FixedBuffer(t.Int32, 3)]
    wide: Annotated[list[int], t.FixedBuffer(t.UInt64, 1)]


class Mixed(Struct):
    letters: Annotated[list[str], t.FixedBuffer(t.Char, 3)]
    truths: Annotated[list[bool], t.FixedBuffer(t.Bool, 5)]
    seven: Annotated[list[int], t.InlineArray(t.Int16, 7)]
    points: Annotated[list[Point], t.InlineArray(Point, 2)]
    one: Annotated[list[int], t.InlineArray(t.Byte, 1)]
    maybe: Annotated[int | None, t.Nullable(t.Int64)]


class Union(Struct, layout="explicit", size=24):
    """The order of declaration is not that of the offsets."""

    late: Annotated[t.Int64, t.FieldOffset(8)]
    Real: Annotated[t.Single, t.FieldOffset(0)]
    whole: Annotated[t.Int32, t.FieldOffset(0)]
    point: Annotated[Point, t.FieldOffset(0)]


class Enums(Struct):
    gear: Gear
    lamps: Annotated[Lamps, t.Enum(t.UInt16)]
    small: Annotated[Gear, t.Enum(t.SByte)]
    gears: Annotated[list[Gear], t.ByValArray(Gear, 2)]


class Ansi(Struct):
    text: Annotated[str, t.ByValTStr(8)]
    letter: t.Char
    wide: t.Char16


class Wide(Struct, charset="unicode"):
    text: Annotated[str, t.ByValTStr(8)]
    letter: t.Char
    narrow: t.Char8
    letters: Annotated[list[str], t.FixedBuffer(t.Char, 3)]


class Bools(Struct):
    plain: t.Bool
    small: t.Bool8
    several: Annotated[list[bool], t.ByValArray(t.Bool8, 4)]


class OnWindows(Struct, target=Target(8, windows=True)):
    small: t.Bool8
    variant: t.VariantBool


class Wholes(Struct):
    a: t.SByte
    b: t.Byte
    c: t.Int16
    d: t.UInt16
    e: t.Int32
    f: t.UInt32
    g: t.Int64
    h: t.UInt64
    i: t.NInt
    j: t.NUInt
    k: t.Int128
    m: t.UInt128


class Others(Struct):
    half: t.Half
    price: t.Decimal
    key: t.Guid
    when: t.DateTime
    prices: Annotated[list[object], t.ByValArray(t.Decimal, 2)]


class Pointers(Struct):
    address: t.Pointer
    function: t.FunctionPointer
    call: t.Delegate
    text: t.LPStr


class Packed(Struct, pack=1):
    kind: t.Byte
    value: t.Int64


class Backing(Struct):
    one: Annotated[t.Int32, t.FieldName("<TopSpeed>k__BackingField")]
    two: Annotated[t.Int32, t.FieldName("__Half_Way__")]
    three: Annotated[t.Int32, t.FieldName("Größe")]
    four: Annotated[t.Int32, t.FieldName("ÄND_A")]


class Empty(Struct, size=3):
    pass


TEXTS = {
    Point: "struct 16\n0 f4 x\n8 f8 topspeed\n",
    Line: "struct 40\n0 u1 kind\n8 f4 begin.x\n16 f8 begin.topspeed\n24 f4 end.x\n"
    "32 f8 end.topspeed\n",
    Deep: "struct 48\n0 i2 before\n8 u1 line.kind\n16 f4 line.begin.x\n24 f8 line.begin.topspeed\n"
    "32 f4 line.end.x\n40 f8 line.end.topspeed\n",
    Many: "struct 48\n0 u2 count\n8 f4 items[0].x\n16 f8 items[0].topspeed\n24 f4 items[1].x\n"
    "32 f8 items[1].topspeed\n40 u1[3] bytes\n",
    Fixed: "struct 24\n0 i4[3] numbers\n16 u8[1] wide\n",
    Mixed: "struct 88\n0 c2[3] letters\n8 b1[5] truths\n14 i2[7] seven\n32 f4 points[0].x\n"
    "40 f8 points[0].topspeed\n48 f4 points[1].x\n56 f8 points[1].topspeed\n64 u1[1] one\n"
    "72 b4 maybe.hasvalue\n80 i8 maybe.value\n",
    Union: "struct 24\n0 f4 real\n0 i4 whole\n0 f4 point.x\n8 i8 late\n8 f8 point.topspeed\n",
    Enums: "struct 16\n0 i4 gear\n4 u2 lamps\n6 i1 small\n8 i4[2] gears\n",
    Ansi: "struct 12\n0 t1[8] text\n8 c1 letter\n10 c2 wide\n",
    Wide: "struct 26\n0 t2[8] text\n16 c2 letter\n18 c1 narrow\n20 c2[3] letters\n",
    Bools: "struct 12\n0 b4 plain\n4 b1 small\n5 b1[4] several\n",
    OnWindows: "struct 4\n0 b1 small\n2 b2 variant\n",
    Wholes: "struct 96\n0 i1 a\n1 u1 b\n2 i2 c\n4 u2 d\n8 i4 e\n12 u4 f\n16 i8 g\n24 u8 h\n"
    "32 i8 i\n40 u8 j\n48 i16 k\n64 u16 m\n",
    Others: "struct 80\n0 f2 half\n8 x16 price\n24 x16 key\n40 x8 when\n48 x16[2] prices\n",
    Pointers: "struct 32\n0 p8 address\n8 p8 function\n16 p8 call\n24 p8 text\n",
    Packed: "struct 9\n0 u1 kind\n1 i8 value\n",
    Backing: "struct 16\n0 i4 topspeed\n4 i4 halfway\n8 i4 größe\n12 i4 Ända\n",
    Empty: "struct 3\n",
}
TEXTS[Wholes] = TEXTS[Wholes].replace("struct 96", "struct 80")


@pytest.mark.parametrize("declared", TEXTS, ids=lambda declared: declared.__name__)
def test_the_text_of_a_struct(declared):
    assert struct_text(declared.layout) == TEXTS[declared]


# Of the types of tests/assemblies/data/Shapes.cs.
BOUND = {
    "Primitives": "struct 176\n0 i1 a\n1 u1 b\n2 i2 c\n4 u2 d\n8 i4 e\n12 u4 f\n16 i8 g\n24 u8 h\n"
    "32 i8 i\n40 u8 j\n48 f4 k\n56 f8 l\n64 b4 m\n68 c1 n\n70 f2 o\n80 i16 p\n96 u16 q\n"
    "112 x16 r\n128 x16 s\n144 x8 t\n152 x8 u\n160 x4 v\n168 x8 w\n",
    "Union": "struct 24\n0 i4 number\n0 f4 real\n8 i8 other\n",
    "Arrays": "struct 72\n0 i4[3] numbers\n16 i4 unions[0].number\n16 f4 unions[0].real\n"
    "24 i8 unions[0].other\n40 i4 unions[1].number\n40 f4 unions[1].real\n48 i8 unions[1].other\n"
    "64 b1[4] truths\n",
    "Fixed": "struct 36\n0 i4[5] numbers\n20 c2[3] text\n28 b1[3] truths\n32 u1 hidden\n",
    "Nested": "struct 44\n0 i4 one.x\n4 u1 two.y\n6 i2[7] three\n20 i4 gear\n24 u2 lamps\n"
    "28 b4 maybe.hasvalue\n32 i4 maybe.value\n36 i4 changing\n40 i4 automatic\n",
    "Pointers": "struct 56\n0 p8 number\n8 p8 next\n16 p8 anything\n24 p8 function\n32 p8 another\n"
    "40 p8 managed\n48 p8 twice\n",
    "Elsewhere": "struct 80\n0 f8 place.east\n8 f8 place.north\n16 u1 direction\n"
    "24 f8 places.first.east\n32 f8 places.first.north\n40 f8 places.second.east\n"
    "48 f8 places.second.north\n56 f4 vector.x\n60 f4 vector.y\n64 f4 vector.z\n68 i4 day\n"
    "72 i4 time.dwlowdatetime\n76 i4 time.dwhighdatetime\n",
    "Descendant": "struct 24\n0 i4 first\n8 f8 second\n16 p8 third\n",
    "Names": "struct 28\n0 i4 from\n4 i4 none\n8 i4 layout\n12 i4 private\n16 i4 dunder\n"
    "20 i4 größe\n24 i4 names\n",
}
BOUND["Arrays"] = BOUND["Arrays"].replace("struct 72", "struct 80") + "68 i4[2] gears\n"


@pytest.fixture(scope="module")
def bound(tmp_path_factory):
    """The module that ``pyshm bind`` writes for Shapes.dll."""
    pytest.importorskip("dnfile")
    path = tmp_path_factory.mktemp("bound") / "bound_shapes.py"
    command = [sys.executable, "-m", "pyshm", "bind", str(DATA / "Shapes.dll"), "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    spec = importlib.util.spec_from_file_location("bound_shapes", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bound_shapes"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["bound_shapes"]


@pytest.mark.parametrize("name", BOUND)
def test_the_text_of_a_bound_type(bound, name):
    assert struct_text(getattr(bound, name).layout) == BOUND[name]


class Place(Struct):
    east: t.Double
    north: t.Double


class HandPair(Struct):
    first: Place
    second: Place


class HandVector(Struct):
    x: t.Single
    y: t.Single
    z: t.Single


class FileTime(Struct):
    dw_low_date_time: t.Int32
    dw_high_date_time: t.Int32


class HandElsewhere(Struct):
    place: Place
    direction: t.Byte
    places: HandPair
    vector: HandVector
    day: t.Int32
    time: FileTime


def test_a_bound_type_and_a_declared_one_are_the_same(bound, map_name):
    with LatestChannel.create(map_name, bound.Elsewhere) as channel, channel.writer() as writer:
        value = bound.Elsewhere()
        value.Place = bound.Place(1.5, -2)
        value.Time = bound.FILETIME(3, 4)
        writer.publish(value)
        with LatestChannel.open(map_name, HandElsewhere) as other, other.reader() as reader:
            found = reader.latest()
            assert (found.place, found.time) == (Place(1.5, -2), FileTime(3, 4))


class Swapped(Struct):
    top_speed: t.Double
    X: t.Single


class Integers(Struct):
    X: t.Int32
    top_speed: t.Double


class Unsigned(Struct):
    X: t.UInt32
    top_speed: t.Double


class Renamed(Struct):
    Y: t.Single
    top_speed: t.Double


class SpelledAsDotnet(Struct):
    x: t.Single
    TopSpeed: t.Double


@pytest.mark.parametrize("other", [Swapped, Integers, Unsigned, Renamed, bytes])
def test_another_type_is_refused_and_both_are_named(map_name, other):
    with LatestChannel.create(map_name, Point):
        with pytest.raises(ChannelTypeError) as caught:
            LatestChannel.open(map_name, other)
        error = caught.value
        assert (error.kind, error.field) == ("channel-type", "type")
        assert error.value == TEXTS[Point]
        assert "struct 16" in error.message
        assert getattr(other, "__name__", "bytes") in error.message


def test_a_name_is_the_same_in_the_spelling_of_both_languages(map_name):
    with LatestChannel.create(map_name, Point):
        LatestChannel.open(map_name, SpelledAsDotnet).close()


def test_a_struct_is_not_opened_without_its_class(map_name):
    with QueueChannel.create(map_name, Point):
        with pytest.raises(ChannelTypeError, match="Struct class"):
            QueueChannel.open(map_name)
        with pytest.raises(ChannelTypeError, match="QueueChannel"):
            LatestChannel.open(map_name, Point)


def header_of(name: str) -> bytes:
    with MemoryMappedFile.open_existing(name) as shared:
        memory = shared.create_view_accessor().buffer
        return bytes(memory[-4096:])


def test_the_header_has_the_text_and_its_hash(map_name):
    text = TEXTS[Point].encode()
    with LatestChannel.create(map_name, Point):
        header = header_of(map_name)
    assert header[72:76] == b"\2\0\0\0"
    assert header[80:88] == sha256(text).digest()[:8]
    assert header[1024:] == (struct.pack("<I", len(text)) + text).ljust(3072, b"\0")


def test_the_text_and_the_hash_of_bytes_are_empty(map_name):
    with LatestChannel.create(map_name, capacity=8):
        header = header_of(map_name)
    assert header[72:88] == bytes(16)
    assert header[1024:] == bytes(3072)


def test_the_text_of_arrays(map_name):
    pytest.importorskip("numpy")
    assert array_text("<f4") == "array <f4\n"
    digest = bytes.fromhex("6d004b530b154484")  # of sha256sum
    assert hash_of("array <f4\n") == int.from_bytes(digest, "little")
    with LatestChannel.create(map_name, array=("float32", (2, 3))):
        header = header_of(map_name)
    assert header[72:76] == b"\3\0\0\0"
    assert header[80:88] == digest
    assert header[1024:1038] == b"\x0a\0\0\0array <f4\n"


def test_a_long_text_is_cut_after_a_whole_line_and_hashed_whole(map_name):
    names = [f"field{number:03d}" for number in range(300)]
    long = type("Long", (Struct,), {"__annotations__": dict.fromkeys(names, t.Byte)})
    other = type("Long", (Struct,), {"__annotations__": dict.fromkeys([*names[:-1], "z"], t.Byte)})
    lines = ["struct 300\n", *(f"{number} u1 {name}\n" for number, name in enumerate(names))]
    text = "".join(lines).encode()
    with LatestChannel.create(map_name, long):
        header = header_of(map_name)
        (size,) = struct.unpack_from("<I", header, 1024)
        assert header[1028 : 1028 + size] == text[:size]
        assert not any(header[1028 + size :])
        assert header[1028 + size - 1 : 1028 + size] == b"\n"
        assert size <= 3068 < size + len(text[size:].splitlines(keepends=True)[0])
        assert header[80:88] == sha256(text).digest()[:8]
        LatestChannel.open(map_name, long).close()
        with pytest.raises(ChannelTypeError):
            LatestChannel.open(map_name, other)
