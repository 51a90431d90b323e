"""Struct classes: their values, their bytes written by hand, and their errors."""

from __future__ import annotations

import copy
import pickle
from typing import Annotated, ClassVar

import pytest

from pyshm import Struct, TestData
from pyshm.errors import (
    ArgumentOutOfRangeError,
    DoesNotFitError,
    LayoutError,
    StructValueError,
    TruncatedError,
    UnsupportedError,
)
from pyshm.layout.forms import Target
from pyshm.structs import for_target
from pyshm.types import (
    Bool,
    Bool8,
    Byte,
    ByValArray,
    Double,
    Int16,
    Int32,
    Int64,
    SByte,
    Single,
    UInt16,
    UInt32,
    UInt64,
    VariantBool,
)

WINDOWS = Target(8, windows=True)


class Point(Struct, pack=1):
    x: Int32
    y: Int32


class Mixed(Struct):
    flag: Bool8
    count: Int16
    big: Int64
    ratio: Double


class Late(Struct, pack=1):
    first: Byte
    second: Int32 = 7
    third: Annotated[list[int], ByValArray(Int16, 2)]
    fourth: Bool


class Line(Struct):
    name: Byte
    start: Point
    end: Point


class TwoArrays(Struct):
    a: Annotated[list[int], ByValArray(Byte, 2)]
    b: Annotated[list[int], ByValArray(Byte, 3)]


class Truths(Struct, target=WINDOWS):  # .NET marshals VariantBool only on Windows
    one: Bool8
    two: VariantBool
    four: Bool
    many: Annotated[list[bool], ByValArray(Bool, 2)]
    variants: Annotated[list[bool], ByValArray(VariantBool, 2)]


class Everything(Struct, pack=1):
    a: SByte
    b: Byte
    c: Int16
    d: UInt16
    e: Int32
    f: UInt32
    g: Int64
    h: UInt64
    i: Single
    j: Double


class Empty(Struct):
    pass


class Roomy(Struct, size=12):
    x: Int32


# --- declarations ---


def declare(annotations, bases=(Struct,), **keywords):
    namespace = {"__module__": __name__, "__annotations__": annotations}
    return type(Struct)("Declared", bases, namespace, **keywords)


@pytest.mark.parametrize(
    "hint",
    [
        int,
        float,
        "Int32 | None",
        list[int],
        Annotated[int, "text"],
        ClassVar[int],
        TestData.layout,
        Struct | None,
    ],
)
def test_a_field_needs_a_field_type(hint):
    with pytest.raises(LayoutError):
        declare({"x": hint})


def test_an_error_in_a_declaration_names_the_field():
    with pytest.raises(LayoutError, match=r"Declared\.bad") as caught:
        declare({"good": Int32, "bad": int})
    assert caught.value.field == "bad"


@pytest.mark.parametrize(
    "name",
    ["layout", "pack_into", "unpack_from", "to_bytes", "from_bytes", "view", "self", "managed",
     "__private", "__slots__"],
)  # fmt: skip
def test_a_field_can_not_have_a_name_that_structs_need(name):
    with pytest.raises(LayoutError) as caught:
        declare({name: Int32})
    assert caught.value.field == name


def test_structs_do_not_inherit_fields():
    with pytest.raises(LayoutError):
        declare({"z": Int32}, (Point,))


def test_struct_itself_can_not_be_created():
    with pytest.raises(LayoutError):
        Struct()


@pytest.mark.parametrize("keywords", [{"pack": 3}, {"pack": -1}, {"size": -1}])
def test_a_declaration_checks_pack_and_size(keywords):
    with pytest.raises(LayoutError):
        declare({"x": Int32}, **keywords)


def test_an_unknown_type_of_a_field_is_an_error_that_says_what_types_can_be():
    with pytest.raises(LayoutError, match="names of the module"):
        declare({"x": "NoSuchType"})


def test_a_struct_has_no_other_attributes():
    with pytest.raises(AttributeError):
        Point().z = 1


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'z'"):
        Point.from_bytes(bytes(8)).z  # noqa: B018


# --- values ---


def test_a_field_without_a_value_is_zero():
    value = Mixed()
    assert (value.flag, value.count, value.big, value.ratio) == (False, 0, 0, 0.0)
    assert type(value.flag) is bool
    assert type(value.ratio) is float


def test_values_are_given_by_position_or_name():
    assert Point(1, y=2) == Point(x=1, y=2)


def test_a_field_without_a_value_gets_its_default():
    assert (Late().second, Late(second=0).second) == (7, 0)


def test_each_struct_gets_a_new_list_for_an_array():
    first, second = Late(), Late()
    first.third[0] = 9
    assert second.third == [0, 0]


class Defaulted(Struct):
    items: Annotated[list[int], ByValArray(Byte, 3)] = [1, 2, 3]


def test_each_struct_gets_a_copy_of_a_declared_array_default():
    first, second = Defaulted(), Defaulted()
    first.items[0] = 9
    assert (second.items, Defaulted().items) == ([1, 2, 3], [1, 2, 3])


def test_a_default_of_bytes_becomes_a_list():
    class Raw(Struct):
        items: Annotated[list[int], ByValArray(Byte, 3)] = b"\1\2\3"

    first, second = Raw(), Raw()
    first.items[0] = 9
    assert (first.items, second.items, second.to_bytes()) == ([9, 2, 3], [1, 2, 3], b"\1\2\3")


def test_each_struct_gets_a_new_nested_struct():
    first, second = Line(), Line()
    first.start.x = 9
    assert second.start.x == 0


def test_a_struct_can_be_used_in_a_match_statement():
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_structs_are_equal_if_their_fields_are_equal():
    assert Point(1, 2) == Point(1, 2)
    assert Point(1, 2) != Point(1, 3)
    assert Point(1, 2) != Mixed()


def test_a_struct_can_not_be_hashed():
    with pytest.raises(TypeError):
        hash(Point())


def test_the_repr_of_a_struct_shows_its_fields():
    assert repr(Line(1, Point(2, 3), Point(4, 5))) == (
        "Line(name=1, start=Point(x=2, y=3), end=Point(x=4, y=5))"
    )


@pytest.mark.parametrize("value", [Line(1, Point(2, 3), Point(4, 5)), Late(1, 2, [3, 4], True)])
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_a_copy_is_equal(value, copied):
    assert copied(value) == value
    assert copied(value) is not value


def test_an_unpacked_struct_can_be_pickled():
    value = Line.from_bytes(bytes(range(20)))
    assert pickle.loads(pickle.dumps(value)) == Line.from_bytes(bytes(range(20)))


def test_a_deep_copy_has_its_own_list():
    value = Late(third=[1, 2])
    copied = copy.deepcopy(value)
    copied.third[0] = 9
    assert value.third == [1, 2]


# --- bytes, written by hand ---

BYTES = [
    (Point(1, -2), "01000000 feffffff"),
    (Mixed(True, 0x0102, -1, 1.0), "01 00 0201 00000000 ffffffffffffffff 000000000000f03f"),
    (Late(255, 1, [2, -1], True), "ff 01000000 0200 ffff 01000000"),
    (
        Line(9, Point(1, 2), Point(3, 4)),
        "09 01000000 02000000 03000000 04000000",
    ),
    (
        Truths(True, True, True, [True, False], [False, True]),
        "01 00 ffff 01000000 01000000 00000000 0000 ffff",
    ),
    (Truths(), "00" * 20),
    (Empty(), "00"),
    (Roomy(1), "01000000 0000000000000000"),
    (
        Everything(-1, 255, -2, 65535, -3, 4294967295, -4, 2**64 - 1, 1.0, -2.0),
        (
            "ff ff feff ffff fdffffff ffffffff fcffffffffffffff ffffffffffffffff 0000803f "
            "00000000000000c0"
        ),
    ),
]


@pytest.mark.parametrize(("value", "literal"), BYTES, ids=lambda value: type(value).__name__)
def test_a_struct_is_written_as_these_bytes(value, literal):
    assert value.to_bytes() == bytes.fromhex(literal)


@pytest.mark.parametrize(("value", "literal"), BYTES, ids=lambda value: type(value).__name__)
def test_these_bytes_are_read_as_the_struct(value, literal):
    assert type(value).from_bytes(bytes.fromhex(literal)) == value


def test_any_byte_but_zero_is_true():
    value = Truths.from_bytes(bytes.fromhex("02 00 0100 00000080 00000001 00000000 0080 0000"))
    assert (value.one, value.two, value.four) == (True, True, True)
    assert (value.many, value.variants) == ([True, False], [True, False])


def test_any_true_value_is_stored_as_true():
    assert Truths("text", 5, [0], ["", 1], [None, 2]).to_bytes().hex() == (
        "0100ffff0100000000000000010000000000ffff"
    )


def test_padding_is_written_as_zeros():
    target = bytearray(b"\xee" * 24)
    Mixed().pack_into(target)
    assert target == bytes(24)


def test_a_struct_is_written_and_read_at_an_offset():
    target = bytearray(b"\xee" * 12)
    Point(1, 2).pack_into(target, 3)
    assert target == b"\xee\xee\xee\x01\0\0\0\x02\0\0\0\xee"
    assert Point.unpack_from(target, 3) == Point(1, 2)


def test_the_flat_codec_returns_all_numbers_as_one_tuple():
    data = Line(1, Point(2, 3), Point(4, 5)).to_bytes()
    assert for_target(Line).flat.unpack_from(data) == (1, 2, 3, 4, 5)


# --- unpacked fields are converted when they are read ---


def test_a_field_assigned_before_any_was_read_keeps_its_value():
    value = Line.from_bytes(bytes(range(17)) + bytes(3))
    value.name = 77
    value.end = Point(8, 9)
    assert (value.start.x, value.name, value.end) == (0x04030201, 77, Point(8, 9))


def test_an_assigned_field_of_an_unread_struct_is_packed():
    value = Point.from_bytes(bytes(8))
    value.y = 5
    assert value.to_bytes() == bytes.fromhex("00000000 05000000")


def test_a_nested_field_assigned_before_it_was_read_keeps_its_value():
    value = Line.from_bytes(bytes(20))
    value.start.y = 6
    assert value == Line(0, Point(0, 6), Point())


def test_an_unpacked_struct_is_a_copy():
    data = bytearray(8)
    value = Point.from_bytes(data)
    data[0] = 1
    assert value.x == 0


def test_each_unpacked_struct_has_its_own_list():
    value = Late.from_bytes(bytes(13))
    value.third.append(1)
    assert value.third == [0, 0, 1]


# --- errors ---

RANGES = [
    ("a", SByte, 0, -129, -128), ("a", SByte, 0, 128, 127),
    ("b", Byte, 1, -1, 0), ("b", Byte, 1, 256, 255),
    ("c", Int16, 2, -32769, -32768), ("c", Int16, 2, 32768, 32767),
    ("d", UInt16, 4, -1, 0), ("d", UInt16, 4, 65536, 65535),
    ("e", Int32, 6, -2147483649, -2147483648), ("e", Int32, 6, 2147483648, 2147483647),
    ("f", UInt32, 10, -1, 0), ("f", UInt32, 10, 4294967296, 4294967295),
    ("g", Int64, 14, -(2**63) - 1, -(2**63)), ("g", Int64, 14, 2**63, 2**63 - 1),
    ("h", UInt64, 22, -1, 0), ("h", UInt64, 22, 2**64, 2**64 - 1),
]  # fmt: skip


@pytest.mark.parametrize(("field", "hint", "offset", "value", "limit"), RANGES)
def test_a_number_out_of_range_names_field_offset_value_and_bound(
    field, hint, offset, value, limit
):
    with pytest.raises(StructValueError) as caught:
        Everything(**{field: value}).to_bytes()
    error = caught.value
    found = (error.kind, error.field, error.offset, error.value, error.limit)
    assert found == ("out-of-range", field.upper(), offset, value, limit)


@pytest.mark.parametrize(("field", "hint", "offset", "value", "limit"), RANGES)
def test_a_number_at_its_bound_is_stored(field, hint, offset, value, limit):
    data = Everything(**{field: limit}).to_bytes()
    assert getattr(Everything.from_bytes(data), field) == limit


@pytest.mark.parametrize("value", [1.5, "1", b"1", [1]])
def test_a_value_that_is_not_an_integer_is_refused(value):
    with pytest.raises(StructValueError) as caught:
        Point(1, value).to_bytes()
    assert (caught.value.field, caught.value.offset, caught.value.limit) == ("Y", 4, None)


@pytest.mark.parametrize(("field", "value"), [("i", 1e39), ("i", "1"), ("j", "1"), ("j", [])])
def test_a_value_that_is_not_a_float_is_refused(field, value):
    with pytest.raises(StructValueError) as caught:
        Everything(**{field: value}).to_bytes()
    assert caught.value.field == field.upper()


def test_the_error_names_the_first_field_as_declared():
    with pytest.raises(StructValueError) as caught:
        Everything(c=99999, b=-1).to_bytes()
    assert caught.value.field == "B"


@pytest.mark.parametrize(("items", "count"), [([], 0), ([1], 1), ([1, 2, 3], 3)])
def test_an_array_of_another_length_is_refused(items, count):
    with pytest.raises(StructValueError) as caught:
        Late(third=items).to_bytes()
    error = caught.value
    found = (error.kind, error.field, error.offset, error.value, error.limit)
    assert found == ("wrong-count", "Third", 5, count, 2)


def test_none_is_refused_as_an_array_of_0_elements():
    value = Late()
    value.third = None
    with pytest.raises(StructValueError) as caught:
        value.to_bytes()
    assert (caught.value.kind, caught.value.value) == ("wrong-count", 0)


@pytest.mark.parametrize(("a", "b", "field"), [([1], [2, 3, 4, 5], "A"), ([1, 2, 3], [4, 5], "A")])
def test_two_arrays_of_wrong_lengths_that_add_up_are_refused(a, b, field):
    with pytest.raises(StructValueError) as caught:
        TwoArrays(a, b).to_bytes()
    assert (caught.value.kind, caught.value.field) == ("wrong-count", field)


def test_arrays_of_the_right_lengths_are_stored():
    assert TwoArrays([1, 2], (3, 4, 5)).to_bytes() == b"\x01\x02\x03\x04\x05"


def test_an_array_field_refuses_a_value_that_is_not_a_sequence():
    with pytest.raises(StructValueError) as caught:
        Late(third=5).to_bytes()
    assert caught.value.field == "Third"


def test_an_element_is_named_by_its_index_and_offset():
    with pytest.raises(StructValueError) as caught:
        Late(third=[0, 40000]).to_bytes()
    error = caught.value
    found = (error.kind, error.field, error.offset, error.value, error.limit)
    assert found == ("out-of-range", "Third[1]", 7, 40000, 32767)


def test_a_nested_field_is_named_with_its_owner():
    with pytest.raises(StructValueError) as caught:
        Line(1, Point(), Point(0, 2**31)).to_bytes()
    assert (caught.value.field, caught.value.offset) == ("End.Y", 13)


@pytest.mark.parametrize("value", [5, "x", Mixed()])
def test_a_nested_field_refuses_a_value_of_another_type(value):
    with pytest.raises(StructValueError) as caught:
        Line(1, Point(), value).to_bytes()
    assert (caught.value.field, caught.value.offset) == ("End", 9)


@pytest.mark.parametrize(
    "value",
    [Everything(j="x"), Late(third=[1]), Late(third=[1, 99999]), Line(1, Point(), Point(0, 2**31))],
)
def test_nothing_is_written_if_a_value_does_not_fit(value):
    target = bytearray(b"\xee" * 64)
    with pytest.raises(StructValueError):
        value.pack_into(target)
    assert target == b"\xee" * 64


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_struct_is_not_written_into_a_smaller_buffer(size):
    target = bytearray(b"\xee" * size)
    with pytest.raises(DoesNotFitError) as caught:
        Point().pack_into(target)
    error = caught.value
    found = (error.kind, error.field, error.offset, error.value, error.limit)
    assert found == ("does-not-fit", "Point", 0, 8, size)
    assert target == b"\xee" * size


def test_a_struct_is_not_written_where_too_few_bytes_follow_the_offset():
    with pytest.raises(DoesNotFitError) as caught:
        Point().pack_into(bytearray(10), 3)
    assert caught.value.limit == 7


def test_a_struct_is_not_written_into_read_only_memory():
    with pytest.raises(UnsupportedError):
        Point().pack_into(bytes(8))


def test_an_invalid_value_is_reported_before_a_buffer_that_is_too_small():
    with pytest.raises(StructValueError):
        Point("x").pack_into(bytes(3))


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_struct_is_not_read_from_a_smaller_buffer(size):
    with pytest.raises(TruncatedError) as caught:
        Point.from_bytes(bytes(size))
    error = caught.value
    found = (error.kind, error.field, error.offset, error.value, error.limit)
    assert found == ("truncated", "Point", 0, size, 8)


def test_a_struct_is_not_read_where_too_few_bytes_follow_the_offset():
    with pytest.raises(TruncatedError) as caught:
        Point.unpack_from(bytes(10), 3)
    assert (caught.value.value, caught.value.limit) == (7, 8)


# --- views (more of them are in test_views.py) ---


def test_a_view_reads_and_writes_the_memory_itself():
    data = bytearray(Line(1, Point(2, 3), Point(4, 5)).to_bytes())
    view = Line.view(data)
    assert (view.name, view.start.x, view.end.y) == (1, 2, 5)
    view.end.y = 9
    assert data[13] == 9


def test_a_view_has_arrays():
    data = bytearray(Late(third=[3, 4]).to_bytes())
    assert list(Late.view(data).third) == [3, 4]


def test_a_view_begins_at_its_offset():
    data = bytearray(20)
    Point.view(data, 5).x = 1
    assert data[5] == 1


@pytest.mark.parametrize(("size", "offset"), [(7, 0), (10, 3), (8, 1)])
def test_a_view_needs_the_whole_struct_in_the_buffer(size, offset):
    with pytest.raises(TruncatedError):
        Point.view(bytearray(size), offset)


@pytest.mark.parametrize("use", [Point.view, Point.unpack_from, Point(1, 2).pack_into])
def test_a_negative_offset_is_refused(use):
    buffer = bytearray(16)
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        use(buffer, -8)
    assert (caught.value.field, caught.value.value) == ("offset", -8)
    assert buffer == bytearray(16)


class WithDefaults(Struct):
    point: Point = Point(5, 6)
    scores: Annotated[list[int], ByValArray(Int32, 2)] = [1, 2]


def test_each_struct_gets_its_own_copy_of_a_default():
    first, second = WithDefaults(), WithDefaults()
    first.point.x = 99
    first.scores[0] = 99
    assert second == WithDefaults(Point(5, 6), [1, 2])
    assert WithDefaults().point.x == 5


def test_a_struct_with_an_init_method_is_refused():
    with pytest.raises(LayoutError, match="__init__"):

        class Own(Struct):
            a: Int32

            def __init__(self):
                pass


def test_a_long_array_of_bools_is_read():
    class Many(Struct):
        a: Annotated[list[bool], ByValArray(Bool8, 100)]

    data = bytes(99) + b"\x02"
    assert Many.from_bytes(data).a == [False] * 99 + [True]
