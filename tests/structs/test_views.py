"""Views, snapshots, NumPy and C: other ways to read and write the same memory."""

from __future__ import annotations

import gc
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any

import cffi
import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import (
    ArgumentOutOfRangeError,
    LayoutError,
    StructValueError,
    TruncatedError,
    UnsupportedError,
)
from pyshm.layout.forms import Target
from pyshm.structs import array, cdef, dtype, ffi, snapshot, snapshot_type


class Gear(IntEnum):
    NEUTRAL = 0
    FIFTH = 5


class Point(Struct, pack=1):
    x: t.Byte
    y: t.Int32


class Car(Struct, charset="unicode", target=Target(8)):
    id: t.Int32
    speed: t.Single
    worn: t.Bool
    gear: Gear
    letter: t.Char
    half: t.Half
    price: t.Decimal
    name: Annotated[str, t.ByValTStr(4)]
    laps: Annotated[list[int], t.ByValArray(t.Int16, 3)]
    flags: Annotated[list[bool], t.ByValArray(t.Bool8, 3)]
    start: Point
    points: Annotated[list[Point], t.ByValArray(Point, 2)]
    limit: Annotated[int | None, t.Nullable(t.Int32)]
    where: t.Pointer
    truths: Annotated[list[bool], t.FixedBuffer(t.Bool, 2)]


def car(**changed):
    values = {
        "id": 1,
        "speed": 2.5,
        "worn": True,
        "gear": Gear.FIFTH,
        "letter": "€",
        "half": 0.5,
        "price": Decimal("1.50"),
        "name": "abc",
        "laps": [1, 2, 3],
        "flags": [True, False, True],
        "start": Point(1, 2),
        "points": [Point(3, 4), Point(5, 6)],
        "limit": 7,
        "where": 8,
        "truths": [True, False],
    }
    return Car(**(values | changed))


FIELDS = [field.name for field in Car.layout.fields]


def as_value(seen):
    """Return the field of a view or snapshot as the struct itself has it."""
    if isinstance(seen, (tuple, list)):
        return [as_value(item) for item in seen]
    packed = getattr(type(seen), "_packed_", None)
    if packed is not None:
        return packed.unpack_from(seen)
    if isinstance(seen, bytes):
        return Point.from_bytes(seen)
    return seen.tolist() if hasattr(seen, "tolist") else seen


# --- views ---


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("wrap", [bytearray, bytes], ids=["writable", "read-only"])
def test_a_view_reads_the_values_of_the_struct(wrap, name):
    view = Car.view(wrap(car().to_bytes()))
    assert as_value(getattr(view, name)) == getattr(car(), name)


NEW = {
    "id": -1,
    "speed": -2.5,
    "worn": False,
    "gear": Gear.NEUTRAL,
    "letter": "x",
    "half": 1.5,
    "price": Decimal(-3),
    "name": "",
    "laps": [4, 5, 6],
    "flags": [False, True, False],
    "start": Point(9, 8),
    "points": [Point(7, 6), Point(5, 4)],
    "limit": None,
    "where": 2**64 - 1,
    "truths": [False, False],
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_view_writes_the_memory_itself(name):
    data = bytearray(car().to_bytes())
    setattr(Car.view(data), name, NEW[name])
    assert data == car(**{name: NEW[name]}).to_bytes()


@pytest.mark.parametrize("name", FIELDS)
def test_a_view_of_read_only_memory_can_not_be_assigned(name):
    data = car().to_bytes()
    with pytest.raises(UnsupportedError, match="read-only"):
        setattr(Car.view(data), name, NEW[name])
    assert data == car().to_bytes()


def test_the_parts_of_a_view_of_read_only_memory_can_not_be_assigned():
    data = car().to_bytes()
    view = Car.view(memoryview(data))
    for change in (
        lambda: setattr(view.start, "x", 1),
        lambda: setattr(view.points[0], "x", 1),
        lambda: view.laps.__setitem__(0, 9),
        lambda: view.flags.__setitem__(0, False),
        lambda: view.points.__setitem__(0, Point()),
        lambda: view.laps.__setitem__(slice(0, 1), [9]),
    ):
        with pytest.raises(UnsupportedError):
            change()
    assert view.laps.memory.readonly
    assert data == car().to_bytes()


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("id", 2**31, "Id"),
        ("id", -(2**31) - 1, "Id"),
        ("id", 1.5, "Id"),
        ("id", "1", "Id"),
        ("speed", 1e39, "Speed"),
        ("speed", "1", "Speed"),
        ("gear", 2**31, "Gear"),
        ("letter", "ab", "Letter"),
        ("half", 1e6, "Half"),
        ("name", "abcd", "Name"),
        ("laps", [1, 2], "Laps"),
        ("laps", [1, 2, 2**15], "Laps[2]"),
        ("start", 5, "Start"),
        ("start", Point(1, 2**31), "Start.Y"),
        ("points", [Point(), 5], "Points[1]"),
        ("where", -1, "Where"),
    ],
)
def test_a_view_refuses_what_the_struct_refuses_and_writes_nothing(name, value, field):
    data = bytearray(car().to_bytes())
    with pytest.raises(StructValueError) as caught:
        setattr(Car.view(data), name, value)
    assert caught.value.field == field
    assert data == car().to_bytes()


def test_a_view_has_no_other_attributes():
    view = Car.view(bytearray(Car.layout.size))
    with pytest.raises(AttributeError, match="no field 'speeed'"):
        view.speeed = 1


@pytest.mark.parametrize("value", [True, Gear.FIFTH])
def test_a_subclass_of_int_is_stored_as_an_int(value):
    view = Car.view(bytearray(Car.layout.size))
    view.id = value
    assert view.id == value


def test_the_nested_structs_of_a_view_are_views():
    data = bytearray(car().to_bytes())
    view = Car.view(data)
    view.start.y = 77
    view.points[1].y = 88
    view.points[-2].x = 99
    assert Car.from_bytes(data) == car(start=Point(1, 77), points=[Point(99, 4), Point(5, 88)])


def test_a_view_is_a_buffer_that_a_struct_can_be_read_from_and_written_to():
    data = bytearray(car().to_bytes())
    view = Car.view(data)
    assert Car.unpack_from(view) == car()
    car(id=5).pack_into(view)
    assert view.id == 5
    assert Point.unpack_from(view.start) == Point(1, 2)


def test_a_part_of_a_view_can_be_assigned_to_another():
    data = bytearray(car().to_bytes())
    view = Car.view(data)
    view.start = view.points[1]
    view.laps = view.laps
    view.points[0] = view.start
    assert Car.from_bytes(data) == car(start=Point(5, 6), points=[Point(5, 6), Point(5, 6)])


def test_an_array_in_memory_is_a_list_of_fixed_length():
    data = bytearray(car().to_bytes())
    laps = Car.view(data).laps
    assert (len(laps), laps[0], laps[-1], laps[1:], list(laps)) == (3, 1, 3, [2, 3], [1, 2, 3])
    assert laps == [1, 2, 3]
    assert laps != [1, 2]
    assert laps == Car.view(data).laps
    assert 2 in laps
    laps[0] = 9
    laps[1:] = [8, 7]
    laps[-1] = 6
    assert Car.from_bytes(data).laps == [9, 8, 6]
    assert repr(laps) == "<view of [9, 8, 6]>"
    assert bytes(laps.memory) == b"\x09\0\x08\0\x06\0"


class Maybe(Struct, target=Target(8)):
    point: Annotated[Point | None, t.Nullable(Point)]
    several: Annotated[list[Point | None], t.InlineArray(Annotated[Any, t.Nullable(Point)], 2)]


def test_the_struct_of_a_nullable_is_a_view():
    memory = bytearray(Maybe(Point(1, 2), [None, Point(3, 4)]).to_bytes())
    view = Maybe.view(memory)
    view.point.y = 5
    view.several[1].x = 6
    assert Maybe.from_bytes(memory) == Maybe(Point(1, 5), [None, Point(6, 4)])
    view.point = view.several[1]
    view.several[1] = None
    assert (view.point.x, view.several[1]) == (6, None)
    assert Maybe.from_bytes(memory) == Maybe(Point(6, 4), [None, None])


def test_the_struct_of_a_nullable_in_read_only_memory_can_not_be_changed():
    data = Maybe(Point(1, 2), [None, Point(3, 4)]).to_bytes()
    for found in (Maybe.view(data), snapshot(Maybe, data)):
        assert (found.point.y, found.several[0], found.several[1].x) == (2, None, 3)
        for part in (found.point, found.several[1]):
            with pytest.raises((AttributeError, UnsupportedError)):
                part.x = 5


class Texts(Struct, charset="ansi", target=Target(8)):
    name: Annotated[list[str], t.ByValArray(t.Char, 4)]
    bits: Annotated[list[bool], t.FixedBuffer(t.Bool, 3)]
    rows: Annotated[Any, t.InlineArray(Annotated[Any, t.FixedBuffer(t.Bool, 2)], 2)]


@pytest.mark.parametrize("wrap", [bytearray, bytes])
def test_an_array_without_elements_of_its_own_is_read_as_a_whole(wrap):
    data = Texts(["é", "x", "\0", "\0"], [True, False, False], [[False] * 2, [True, False]])
    view = Texts.view(wrap(data.to_bytes()))
    assert list(view.name) == ["é", "x", "\0", "\0"] == view.name[:]
    assert (view.name[0], view.name[-3], len(view.name)) == ("é", "x", 4)
    assert list(view.bits) == [True, False, False]
    assert [list(row) for row in view.rows] == [[False, False], [True, False]]
    assert np_list(view.bits) == [True, False, False]
    with pytest.raises(IndexError):
        view.name[4]


def np_list(view):
    return pytest.importorskip("numpy").asarray(view).tolist()


def test_an_array_without_elements_of_its_own_is_written_as_a_whole():
    memory = bytearray(Texts.layout.size)
    view = Texts.view(memory)
    view.name[:] = ["é", "x", "\0", "\0"]
    view.name[1] = "ü"
    assert memory[:4] == "éü".encode()
    view.bits[0] = True
    view.rows[1][0] = True
    assert memory[4:] == bytes.fromhex("01000000 00000000 01000000")
    before = bytes(memory)
    for change in (
        lambda: view.name.__setitem__(2, "z"),  # there is room for four bytes
        lambda: view.bits.__setitem__(1, True),  # .NET marshals only the first one
        lambda: view.rows[0].__setitem__(1, True),
        lambda: view.name.__setitem__(slice(0, 2), ["a"]),
    ):
        with pytest.raises(StructValueError):
            change()
    assert memory == before


@pytest.mark.parametrize("index", [3, -4])
@pytest.mark.parametrize("name", ["laps", "flags", "points"])
def test_an_index_outside_of_an_array_is_an_error(name, index):
    array = getattr(Car.view(bytearray(Car.layout.size)), name)
    with pytest.raises(IndexError):
        array[index]
    with pytest.raises(IndexError):
        array[index] = 0


def test_an_element_that_does_not_fit_is_refused_and_nothing_is_written():
    data = bytearray(car().to_bytes())
    laps = Car.view(data).laps
    for index, value, field in ((1, 2**15, "[1]"), (slice(0, 2), [5, "x"], "[1]")):
        with pytest.raises(StructValueError) as caught:
            laps[index] = value
        assert caught.value.field == field
    with pytest.raises(StructValueError, match="exactly 2"):
        laps[:2] = [1]
    assert data == car().to_bytes()


def test_a_view_begins_at_its_offset():
    data = bytearray(20)
    Point.view(data, 5).y = 1
    assert data[6] == 1


@pytest.mark.parametrize("wrap", [bytes, bytearray])
def test_a_view_needs_the_whole_struct_in_the_buffer(wrap):
    with pytest.raises(TruncatedError):
        Point.view(wrap(10), 6)
    with pytest.raises(ArgumentOutOfRangeError):
        Point.view(wrap(10), -5)


@pytest.mark.parametrize("wrap", [bytes, bytearray])
def test_a_part_of_a_view_keeps_the_memory_valid(wrap):
    start = Car.view(wrap(car().to_bytes())).start
    laps = Car.view(wrap(car().to_bytes())).laps
    gc.collect()
    assert (start.y, laps[2]) == (2, 3)


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: memoryview(data).toreadonly()])
def test_the_memory_is_released_with_the_view_and_not_at_the_next_collection(wrap):
    data = bytearray(car().to_bytes())
    gc.disable()
    try:
        view = Car.view(wrap(data))
        assert (view.laps[0], view.start.x) == (1, 1)
        with pytest.raises(BufferError):
            data.append(0)
        del view
        data.append(0)
    finally:
        gc.enable()


def test_the_repr_of_a_view_shows_its_fields():
    assert repr(Point.view(bytes(5))) == "<view of Point: x=0, y=0>"


# --- snapshots ---


@pytest.mark.parametrize("name", FIELDS)
def test_a_snapshot_reads_the_values_of_the_struct(name):
    taken = snapshot(Car, b"\xee" * 3 + car().to_bytes(), 3)
    assert as_value(getattr(taken, name)) == getattr(car(), name)


def test_a_snapshot_is_a_copy_of_the_bytes():
    data = bytearray(car().to_bytes())
    taken = snapshot(Car, data)
    data[0] = 9
    assert taken == car().to_bytes()
    assert hash(taken) == hash(car().to_bytes())
    assert (taken.id, Car.from_bytes(taken)) == (1, car())


def test_a_snapshot_can_not_be_changed():
    taken = snapshot(Car, car().to_bytes())
    with pytest.raises(AttributeError):
        taken.id = 2
    with pytest.raises(AttributeError):
        taken.start.x = 2
    assert isinstance(taken.laps, tuple)
    assert isinstance(taken.points, tuple)


def test_a_snapshot_type_makes_a_snapshot_of_the_bytes_of_a_struct():
    taken = snapshot_type(Point)(memoryview(Point(1, 2).to_bytes()))
    assert (taken.x, taken.y) == (1, 2)
    assert str(taken) == repr(taken) == "<snapshot of Point: x=1, y=2>"


def test_a_snapshot_needs_the_whole_struct_in_the_buffer():
    with pytest.raises(TruncatedError):
        snapshot(Point, bytes(5), 1)
    with pytest.raises(ArgumentOutOfRangeError):
        snapshot(Point, bytes(5), -1)


@pytest.mark.parametrize("name", FIELDS)
def test_a_snapshot_of_too_few_bytes_is_an_error_when_it_is_read(name):
    short = snapshot_type(Car)(b"")
    with pytest.raises(TruncatedError):
        getattr(short, name)


# --- NumPy ---


def test_a_numpy_dtype_has_every_offset():
    pytest.importorskip("numpy")
    record_type = dtype(Car)
    assert record_type.itemsize == Car.layout.size
    for field in Car.layout.fields:
        kind, offset = record_type.fields[field.name][:2]
        assert (offset, kind.itemsize) == (field.offset, field.size)


def test_an_array_of_structs_is_the_memory_itself():
    pytest.importorskip("numpy")
    data = bytearray(b"\xee" + car().to_bytes() + car(id=2).to_bytes() + b"\xee")
    rows = array(Car, data, 1)
    assert rows["id"].tolist() == [1, 2]
    assert rows["laps"].tolist() == [[1, 2, 3], [1, 2, 3]]
    assert rows["points"]["y"].tolist() == [[4, 6], [4, 6]]
    assert rows["name"][0].tobytes().decode("utf-16-le") == "abc\0"
    assert rows["limit"]["value"].tolist() == [7, 7]
    rows["id"][1] = 9
    assert Car.unpack_from(data, 1 + Car.layout.size).id == 9


def test_an_array_of_read_only_memory_is_read_only():
    pytest.importorskip("numpy")
    rows = array(Point, bytes(10))
    assert (len(rows), rows.flags.writeable) == (2, False)


def test_an_array_has_the_given_number_of_structs():
    pytest.importorskip("numpy")
    assert len(array(Point, bytes(17), 1, 2)) == 2
    with pytest.raises(TruncatedError):
        array(Point, bytes(14), 0, 3)
    with pytest.raises(ArgumentOutOfRangeError):
        array(Point, bytes(14), -1)


def test_the_itemsize_of_a_managed_dtype_is_the_stride():
    pytest.importorskip("numpy")
    record_type = dtype(Point.managed)
    assert (Point.managed.size, record_type.itemsize) == (5, 8)


def test_dates_and_text_in_numpy():
    pytest.importorskip("numpy")

    class Kinds(Struct, target=Target(8)):
        when: t.DateTime
        money: t.Currency
        text: Annotated[str, t.ByValTStr(5)]
        letter: t.Char8

    formats = [dtype(Kinds).fields[name][0].str for name in Kinds.__match_args__]
    assert formats == ["<f8", "<i8", "|S5", "|S1"]


# --- C ---


class Natural(Struct):
    a: t.Byte
    b: t.Int32
    c: Annotated[list[int], t.ByValArray(t.Int16, 3)]
    d: Point


class Forced(Struct):
    guid: t.Guid
    a: t.Byte
    money: t.Decimal


class Roomy(Struct, size=32):
    a: t.Int32


class Tenant(Struct):
    a: t.Byte
    room: Roomy
    rooms: Annotated[list[Roomy], t.ByValArray(Roomy, 2)]


class Plain(Struct):
    a: t.Byte
    b: t.Int64


class Within(Struct):
    a: t.Int16
    d: Annotated[list[Plain], t.ByValArray(Plain, 2)]


class Hollow(Struct):
    pass


class Unioned(Struct, layout="explicit", size=16):
    a: Annotated[t.Int64, t.FieldOffset(4)]
    b: Annotated[Plain, t.FieldOffset(0)]


class Holder(Struct):
    hollow: Hollow
    both: Unioned


@pytest.mark.parametrize(
    "struct", [Point, Car, Natural, Forced, Roomy, Tenant, Within, Hollow, Holder]
)
def test_cffi_agrees_with_every_offset_and_size(struct):
    compiled = ffi(struct)
    # The members have their names even where they are in structs without a name.
    name = struct.__name__
    offsets = {field.name: field.offset for field in struct.layout.fields}
    assert {field: compiled.offsetof(name, field) for field in offsets} == offsets
    assert compiled.sizeof(name) == struct.layout.size


def test_a_struct_with_the_layout_of_c_is_declared_without_padding():
    assert cdef(Within) == (
        "typedef struct {\n"
        "    uint8_t a;\n"
        "    int64_t b;\n"
        "} Plain;\n"
        "\n"
        "typedef struct {\n"
        "    int16_t a;\n"
        "    Plain d[2];\n"
        "} Within;\n"
    )


def test_a_packed_struct_in_another_is_declared_first_and_the_first_line_has_the_pack():
    assert cdef(Natural) == (
        "/* pack=1 */\n"
        "typedef struct {\n"
        "    uint8_t x;\n"
        "    int32_t y;\n"
        "} Point;\n"
        "\n"
        "typedef struct {\n"
        "    uint8_t a;\n"
        "    uint8_t _padding1[3];\n"
        "    int32_t b;\n"
        "    int16_t c[3];\n"
        "    Point d;\n"
        "    uint8_t _padding4[1];\n"
        "} Natural;\n"
    )


def test_cffi_accepts_the_declarations_of_cdef():
    declared = cffi.FFI()
    declared.cdef(cdef(Natural), pack=1)
    assert (declared.sizeof("Point"), declared.sizeof("Natural")) == (5, Natural.layout.size)


def test_a_layout_that_c_does_not_have_is_an_error():
    class Wrong(Struct):
        a: t.Byte
        b: t.Int32

    packing = Wrong.__packing__
    shape = packing.shapes[1]
    packing.layout = packing.layout._replace(
        fields=(packing.layout.fields[0], shape.field._replace(offset=2))
    )
    with pytest.raises(LayoutError, match="in C, but"):
        ffi(Wrong)
