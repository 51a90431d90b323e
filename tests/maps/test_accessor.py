"""MemoryMappedViewAccessor: every primitive with literal bytes, and the bounds of a view."""

from __future__ import annotations

import array
import ctypes
import math
import sys
from decimal import Decimal

import pytest

from pyshm import FileMode, MemoryMappedFile, MemoryMappedFileAccess, MemoryMappedViewAccessor
from pyshm.errors import (
    ArgumentError,
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ClosedError,
    UnsupportedError,
)
from pyshm.maps import elements

SIZE = 4096  # one page on Windows, where views are whole pages
Access = MemoryMappedFileAccess


@pytest.fixture
def opened():
    with MemoryMappedFile.create_new(None, SIZE) as memory:
        yield memory


@pytest.fixture
def view(opened):
    with opened.create_view_accessor() as accessor:
        yield accessor


# type, value, its bytes as written by hand
VALUES = [
    ("boolean", True, "01"),
    ("boolean", False, "00"),
    ("byte", 0, "00"),
    ("byte", 255, "ff"),
    ("sbyte", -128, "80"),
    ("sbyte", 127, "7f"),
    ("sbyte", -1, "ff"),
    ("char", "A", "4100"),
    ("char", "€", "ac20"),
    ("char", "\0", "0000"),
    ("char", "\uffff", "ffff"),
    ("char", "\ud83d", "3dd8"),
    ("int16", 0x0102, "0201"),
    ("int16", -32768, "0080"),
    ("int16", 32767, "ff7f"),
    ("uint16", 0xFFFE, "feff"),
    ("uint16", 0, "0000"),
    ("int32", 0x01020304, "04030201"),
    ("int32", -2, "feffffff"),
    ("int32", -2147483648, "00000080"),
    ("int32", 2147483647, "ffffff7f"),
    ("uint32", 4294967295, "ffffffff"),
    ("uint32", 1, "01000000"),
    ("int64", 0x0102030405060708, "0807060504030201"),
    ("int64", -(2**63), "0000000000000080"),
    ("int64", 2**63 - 1, "ffffffffffffff7f"),
    ("uint64", 2**64 - 1, "ffffffffffffffff"),
    ("uint64", 0, "0000000000000000"),
    ("single", 1.0, "0000803f"),
    ("single", -0.5, "000000bf"),
    ("single", math.inf, "0000807f"),
    ("single", 2.0**-149, "01000000"),
    ("double", 1.0, "000000000000f03f"),
    ("double", -2.0, "00000000000000c0"),
    ("double", -math.inf, "000000000000f0ff"),
    ("double", 5e-324, "0100000000000000"),
    # lo, mid, hi, flags
    ("decimal", Decimal("0"), "00000000 00000000 00000000 00000000"),
    ("decimal", Decimal("1.50"), "96000000 00000000 00000000 00000200"),
    ("decimal", Decimal("-1"), "01000000 00000000 00000000 00000080"),
    ("decimal", Decimal("4294967296"), "00000000 01000000 00000000 00000000"),
    ("decimal", Decimal("18446744073709551617"), "01000000 00000000 01000000 00000000"),
    ("decimal", Decimal(2**96 - 1), "ffffffff ffffffff ffffffff 00000000"),
    ("decimal", Decimal("1E-28"), "01000000 00000000 00000000 00001c00"),
    ("decimal", Decimal("1E+3"), "e8030000 00000000 00000000 00000000"),
]


@pytest.mark.parametrize(("kind", "value", "literal"), VALUES)
def test_a_value_is_written_as_these_bytes(view, kind, value, literal):
    expected = bytes.fromhex(literal)
    view.buffer[:] = b"\xee" * SIZE
    getattr(view, f"write_{kind}")(5, value)
    assert bytes(view.buffer[:32]) == b"\xee" * 5 + expected + b"\xee" * (27 - len(expected))


@pytest.mark.parametrize(("kind", "value", "literal"), VALUES)
def test_these_bytes_are_read_as_the_value(view, kind, value, literal):
    expected = bytes.fromhex(literal)
    view.buffer[5 : 5 + len(expected)] = expected
    read = getattr(view, f"read_{kind}")(5)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("byte", [1, 2, 0x80, 0xFF])
def test_any_byte_except_zero_is_true(view, byte):
    view.write_byte(0, byte)
    assert view.read_boolean(0) is True


def test_a_true_value_is_written_as_one(view):
    view.write_boolean(0, "text")
    assert view.read_byte(0) == 1


def test_a_nan_is_read_as_a_nan(view):
    view.write_double(0, math.nan)
    assert math.isnan(view.read_double(0))


def test_negative_zero_keeps_its_sign(view):
    view.write_double(0, -0.0)
    assert math.copysign(1, view.read_double(0)) == -1


@pytest.mark.parametrize("value", ["0", "0.00", "-0", "1.50", "-79228162514264337593543950335"])
def test_a_decimal_keeps_sign_and_scale(view, value):
    view.write_decimal(0, Decimal(value))
    assert str(view.read_decimal(0)) == value


UNFIT = [
    ("byte", -1),
    ("byte", 256),
    ("sbyte", -129),
    ("sbyte", 128),
    ("char", ""),
    ("char", "ab"),
    ("char", "\U00010000"),
    ("char", 65),
    ("int16", -32769),
    ("int16", 32768),
    ("uint16", -1),
    ("uint16", 65536),
    ("int32", -2147483649),
    ("int32", 2147483648),
    ("int32", 1.0),
    ("int32", "1"),
    ("int32", None),
    ("uint32", -1),
    ("uint32", 4294967296),
    ("int64", 2**63),
    ("int64", -(2**63) - 1),
    ("uint64", 2**64),
    ("uint64", -1),
    ("single", 1e39),
    ("single", "1"),
    ("double", None),
    ("decimal", Decimal(2**96)),
    ("decimal", Decimal(-(2**96))),
    ("decimal", Decimal("1E-29")),
    ("decimal", Decimal("1.0000000000000000000000000000000")),
    ("decimal", Decimal("1E+29")),
    ("decimal", Decimal("1E+1000000")),
    ("decimal", Decimal("NaN")),
    ("decimal", Decimal("Infinity")),
    ("decimal", 1),
    ("decimal", 1.5),
]


@pytest.mark.parametrize(("kind", "value"), UNFIT)
def test_a_value_that_does_not_fit_is_refused_and_changes_nothing(view, kind, value):
    view.buffer[:] = b"\xee" * SIZE
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        getattr(view, f"write_{kind}")(8, value)
    assert caught.value.value == value or value != value
    assert bytes(view.buffer) == b"\xee" * SIZE


@pytest.mark.parametrize(
    "flags", ["01000000", "00010000", "00001d00", "00000001", "00000040", "ffffffff"]
)
def test_invalid_decimal_flags_are_refused(view, flags):
    view.buffer[12:16] = bytes.fromhex(flags)
    with pytest.raises(ArgumentError) as caught:
        view.read_decimal(0)
    assert caught.value.field == "flags"


# --- positions ---

SIZES = {
    "boolean": 1, "byte": 1, "sbyte": 1, "char": 2, "int16": 2, "uint16": 2, "int32": 4,
    "uint32": 4, "int64": 8, "uint64": 8, "single": 4, "double": 8, "decimal": 16,
}  # fmt: skip
SAMPLES = {"char": "x", "decimal": Decimal(1)}


@pytest.mark.parametrize("kind", SIZES)
def test_a_value_may_end_where_the_view_ends(view, kind):
    position = SIZE - SIZES[kind]
    getattr(view, f"write_{kind}")(position, SAMPLES.get(kind, 1))
    assert getattr(view, f"read_{kind}")(position) == SAMPLES.get(kind, 1)


@pytest.mark.parametrize("kind", [kind for kind, size in SIZES.items() if size > 1])
def test_a_value_that_reaches_beyond_the_end_is_refused(view, kind):
    position = SIZE - SIZES[kind] + 1
    with pytest.raises(ArgumentError) as reading:
        getattr(view, f"read_{kind}")(position)
    with pytest.raises(ArgumentError) as writing:
        getattr(view, f"write_{kind}")(position, SAMPLES.get(kind, 1))
    for caught in (reading, writing):
        assert type(caught.value) is ArgumentError
        assert (caught.value.value, caught.value.limit) == (position, position - 1)
    assert bytes(view.buffer) == bytes(SIZE)


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("position", [-1, SIZE, SIZE + 1, 2**63])
def test_a_position_outside_the_view_is_out_of_range(view, kind, position):
    with pytest.raises(ArgumentOutOfRangeError) as reading:
        getattr(view, f"read_{kind}")(position)
    with pytest.raises(ArgumentOutOfRangeError) as writing:
        getattr(view, f"write_{kind}")(position, SAMPLES.get(kind, 1))
    for caught in (reading, writing):
        assert (caught.value.field, caught.value.limit) == ("position", SIZE - 1)


def test_the_table_above_has_every_primitive():
    names = {name[5:] for name in dir(MemoryMappedFile.create_new(None, 1).create_view_accessor())
             if name.startswith("read_")} - {"array", "structs"}  # fmt: skip
    assert names == set(SIZES) == set(elements.ELEMENTS)


# --- arrays ---


@pytest.mark.parametrize(
    ("make", "literal"),
    [
        (lambda: b"\x01\x02\x03", "010203"),
        (lambda: bytearray(b"\x01\x02"), "0102"),
        (lambda: memoryview(b"xabcx")[1:4], "616263"),
        (lambda: array.array("b", [-1, 1]), "ff01"),
        (lambda: array.array("h", [-2, 1]), "feff0100"),
        (lambda: array.array("i", [1, -1]), "01000000ffffffff"),
        (lambda: array.array("Q", [2**64 - 2]), "feffffffffffffff"),
        (lambda: array.array("f", [1.0]), "0000803f"),
        (lambda: array.array("d", [1.0]), "000000000000f03f"),
        (lambda: (ctypes.c_int16 * 2)(258, 3), "02010300"),
        (lambda: b"", ""),
    ],
)
def test_a_buffer_is_written_without_conversion(view, make, literal):
    expected = bytes.fromhex(literal)
    view.write_array(3, make())
    assert bytes(view.buffer[:40]) == bytes(3) + expected + bytes(37 - len(expected))


ITEMS = [
    (elements.BOOLEAN, [True, False, True], "010001"),
    (elements.BYTE, [0, 255], "00ff"),
    (elements.SBYTE, [-128, 127], "807f"),
    (elements.CHAR, ["a", "€"], "6100ac20"),
    (elements.INT16, [-2, 258], "feff0201"),
    (elements.UINT16, [65535, 1], "ffff0100"),
    (elements.INT32, [-1, 1], "ffffffff01000000"),
    (elements.UINT32, [4294967295], "ffffffff"),
    (elements.INT64, [-2, 1], "feffffffffffffff0100000000000000"),
    (elements.UINT64, [2**64 - 1], "ffffffffffffffff"),
    (elements.SINGLE, [1.0, -2.0], "0000803f000000c0"),
    (elements.DOUBLE, [1.0], "000000000000f03f"),
    # flags, hi, lo64: not the order of write_decimal
    (
        elements.DECIMAL,
        [Decimal("-1.5"), Decimal(2**96 - 2)],
        "00000180 00000000 0f000000 00000000 00000000 ffffffff feffffff ffffffff",
    ),
]


@pytest.mark.parametrize(("element", "items", "literal"), ITEMS, ids=str)
def test_a_list_is_written_as_these_bytes(view, element, items, literal):
    expected = bytes.fromhex(literal)
    view.write_array(1, items, element=element)
    assert bytes(view.buffer[:40]) == b"\0" + expected + bytes(39 - len(expected))


@pytest.mark.parametrize(("element", "items", "literal"), ITEMS, ids=str)
def test_these_bytes_are_read_into_a_list(view, element, items, literal):
    source = bytes.fromhex(literal)
    view.buffer[1 : 1 + len(source)] = source
    target = [None] * len(items)
    assert view.read_array(1, target, element=element) == len(items)
    assert target == items


def test_the_items_above_are_of_every_element():
    assert [element for element, _, _ in ITEMS] == list(elements.ELEMENTS.values())


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (bytearray(4), bytearray(b"\x01\x02\x03\x04")),
        (memoryview(bytearray(6))[1:5], b"\x01\x02\x03\x04"),
        (array.array("H", [0, 0]), array.array("H", [0x0201, 0x0403])),
        (array.array("i", [0]), array.array("i", [0x04030201])),
    ],
)
def test_a_buffer_is_filled(view, target, expected):
    view.buffer[:4] = b"\x01\x02\x03\x04"
    assert view.read_array(0, target) == len(target)
    assert target == expected


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("u1", [1, 2]),
        ("<i2", [-1, 2]),
        ("<u4", [1, 2**32 - 1]),
        ("<i8", [-(2**63), 1]),
        ("<f4", [0.5, -1]),
        ("<f8", [0.1, 1e300]),
        ("?", [True, False]),
    ],
)
def test_numpy_arrays_are_read_and_written(view, dtype, values):
    numpy = pytest.importorskip("numpy")
    source = numpy.array(values, dtype)
    view.write_array(8, source)
    assert bytes(view.buffer[8 : 8 + source.nbytes]) == source.tobytes()
    target = numpy.zeros(2, dtype)
    assert view.read_array(8, target) == 2
    assert (target == source).all()


def test_a_two_dimensional_numpy_array_counts_its_elements(view):
    numpy = pytest.importorskip("numpy")
    view.write_array(0, numpy.arange(6, dtype="<i4").reshape(2, 3))
    target = numpy.zeros((2, 3), "<i4")
    assert view.read_array(0, target) == 6
    assert target.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_numpy_array_with_gaps_is_written_and_not_read_into(view):
    numpy = pytest.importorskip("numpy")
    items = numpy.arange(6, dtype="<i4")[::2]
    view.write_array(0, items)
    assert bytes(view.buffer[:12]) == items.tobytes()
    with pytest.raises(ArgumentError, match="contiguous"):
        view.read_array(0, items)


@pytest.mark.parametrize("buffer", [b"", [], array.array("d"), memoryview(b"")])
def test_an_empty_array_reads_and_writes_nothing(view, buffer):
    element = elements.INT32 if isinstance(buffer, list) else None
    view.write_array(0, buffer, element=element)
    if isinstance(buffer, (list, array.array)):
        assert view.read_array(0, buffer, element=element) == 0


def test_the_element_of_a_buffer_can_be_chosen(view):
    view.write_array(0, bytes(range(8)), 1, 1, element=elements.INT32)
    assert bytes(view.buffer[:8]) == bytes([4, 5, 6, 7, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("offset", "count", "expected"),
    [(0, None, "abcdef"), (2, None, "cdef"), (2, 3, "cde"), (6, None, ""), (6, 0, ""), (0, 0, "")],
)
def test_offset_and_count_choose_what_is_written(view, offset, count, expected):
    view.write_array(0, b"abcdef", offset, count)
    assert bytes(view.buffer[:8]) == expected.encode() + bytes(8 - len(expected))


@pytest.mark.parametrize(
    ("offset", "count", "expected"),
    [
        (0, None, "abcdef"),
        (2, None, "..abcd"),
        (2, 3, "..abc."),
        (6, 0, "......"),
        (5, 1, ".....a"),
    ],
)
def test_offset_and_count_choose_what_is_filled(view, offset, count, expected):
    view.buffer[:6] = b"abcdef"
    target = bytearray(b"......")
    view.read_array(0, target, offset, count)
    assert target == expected.encode()


def test_offset_counts_elements_and_not_bytes_in_a_target(view):
    view.write_array(0, array.array("i", [1, 2]))
    target = array.array("i", [7, 7, 7, 7])
    assert view.read_array(0, target, 1, 2) == 2
    assert target.tolist() == [7, 1, 2, 7]


def test_offset_counts_elements_and_not_bytes(view):
    view.write_array(0, array.array("i", [1, 2, 3]), 1, 1)
    assert bytes(view.buffer[:8]) == b"\x02\0\0\0\0\0\0\0"


@pytest.mark.parametrize("method", ["read_array", "write_array"])
@pytest.mark.parametrize(
    ("offset", "count", "error"),
    [
        (0, 7, ArgumentError),
        (3, 4, ArgumentError),
        (6, 1, ArgumentError),
        (7, None, ArgumentError),
        (7, 0, ArgumentError),
        (-1, None, ArgumentOutOfRangeError),
        (-1, 1, ArgumentOutOfRangeError),
        (0, -1, ArgumentOutOfRangeError),
    ],
)
def test_offset_and_count_must_be_inside_the_array(view, method, offset, count, error):
    with pytest.raises(ArgumentError) as caught:
        getattr(view, method)(0, bytearray(6), offset, count)
    assert type(caught.value) is error


def test_reading_stops_at_the_end_of_the_view(view):
    view.buffer[-10:] = b"0123456789"
    target = bytearray(b"." * 20)
    assert view.read_array(SIZE - 10, target) == 10
    assert target == b"0123456789.........."


def test_reading_stops_after_the_last_whole_element(view):
    view.buffer[-10:] = b"0123456789"
    target = array.array("i", [-1] * 4)
    assert view.read_array(SIZE - 10, target) == 2
    assert target.tobytes() == b"01234567" + b"\xff" * 8


def test_reading_fewer_elements_keeps_the_rest_of_a_list(view):
    target = [9, 9, 9]
    assert view.read_array(SIZE - 2, target, element=elements.BYTE) == 2
    assert target == [0, 0, 9]


def test_reading_less_than_one_element_reads_none(view):
    assert view.read_array(SIZE - 3, array.array("i", [7])) == 0


def test_elements_that_do_not_fit_are_refused_and_nothing_is_written(view):
    with pytest.raises(ArgumentError) as caught:
        view.write_array(SIZE - 10, b"x" * 20)
    assert type(caught.value) is ArgumentError
    assert (caught.value.value, caught.value.limit) == (SIZE + 10, SIZE)
    assert bytes(view.buffer) == bytes(SIZE)


def test_an_array_may_end_where_the_view_ends(view):
    view.write_array(SIZE - 10, b"x" * 10)
    assert bytes(view.buffer[-11:]) == b"\0" + b"x" * 10


@pytest.mark.parametrize("method", ["read_array", "write_array"])
@pytest.mark.parametrize("position", [-1, SIZE, 2**63])
@pytest.mark.parametrize("size", [0, 1])
def test_an_array_begins_inside_the_view(view, method, position, size):
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        getattr(view, method)(position, bytearray(size))
    assert caught.value.field == "position"


def test_an_item_that_does_not_fit_is_named_and_nothing_is_written(view):
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        view.write_array(0, [1, 2, 256], element=elements.BYTE)
    assert (caught.value.field, caught.value.value) == ("array[2]", 256)
    assert bytes(view.buffer) == bytes(SIZE)


@pytest.mark.parametrize("method", ["read_array", "write_array"])
def test_no_array_is_an_error(view, method):
    with pytest.raises(ArgumentNullError) as caught:
        getattr(view, method)(0, None)
    assert caught.value.field == "array"


@pytest.mark.parametrize("method", ["read_array", "write_array"])
def test_a_list_needs_an_element(view, method):
    with pytest.raises(ArgumentNullError) as caught:
        getattr(view, method)(0, [1])
    assert caught.value.field == "element"


@pytest.mark.parametrize("layout", [">i", "e", "P"])
def test_a_format_without_an_element_is_refused(view, layout):
    from pyshm.maps.elements import element_of_format

    with pytest.raises(ArgumentNullError):
        element_of_format(layout, 4)


def test_reading_into_bytes_is_refused(view):
    with pytest.raises(ArgumentError, match="read-only"):
        view.read_array(0, b"abc")


def test_an_array_can_be_a_part_of_the_same_view(view):
    view.buffer[:6] = b"abcdef"
    view.write_array(2, view.buffer[:4])
    assert bytes(view.buffer[:6]) == b"ababcd"


# --- access ---


def test_a_view_with_read_access_refuses_to_write(opened):
    with opened.create_view_accessor(0, 0, Access.READ) as view:
        assert (view.can_read, view.can_write) == (True, False)
        for write in (
            lambda: view.write_byte(0, 1),
            lambda: view.write_int64(0, 1),
            lambda: view.write_decimal(0, Decimal(1)),
            lambda: view.write_array(0, b"x"),
        ):
            with pytest.raises(UnsupportedError):
                write()
        assert bytes(view.buffer) == bytes(SIZE)


def test_the_buffer_of_a_view_with_read_access_is_read_only(opened):
    with opened.create_view_accessor(0, 0, Access.READ) as view:
        assert view.buffer.readonly
        with pytest.raises(TypeError):
            view.buffer[0] = 1


def test_a_view_with_write_access_refuses_to_read(opened):
    with opened.create_view_accessor(0, 0, Access.WRITE) as view:
        assert (view.can_read, view.can_write) == (False, True)
        view.write_byte(0, 1)
        for read in (
            lambda: view.read_byte(0),
            lambda: view.read_double(0),
            lambda: view.read_decimal(0),
            lambda: view.read_array(0, bytearray(1)),
        ):
            with pytest.raises(UnsupportedError):
                read()


def test_access_is_checked_before_the_position(opened):
    with opened.create_view_accessor(0, 0, Access.READ) as view, pytest.raises(UnsupportedError):
        view.write_byte(-1, 1)


@pytest.mark.parametrize(
    ("access", "read", "write"),
    [
        (Access.READ_WRITE, True, True),
        (Access.COPY_ON_WRITE, True, True),
        (Access.READ, True, False),
        (Access.WRITE, False, True),
    ],
)
def test_can_read_and_can_write_follow_the_access(opened, access, read, write):
    with opened.create_view_accessor(0, 0, access) as view:
        assert (view.can_read, view.can_write) == (read, write)


def test_writes_to_a_copy_on_write_view_do_not_reach_the_map(opened, view):
    view.write_byte(0, 1)
    with opened.create_view_accessor(0, 0, Access.COPY_ON_WRITE) as private:
        private.write_byte(0, 2)
        assert (private.read_byte(0), view.read_byte(0)) == (2, 1)


# --- closing and flushing ---


USES = [
    lambda view: view.read_byte(0),
    lambda view: view.read_int32(0),
    lambda view: view.read_decimal(0),
    lambda view: view.read_boolean(0),
    lambda view: view.read_array(0, bytearray(1)),
    lambda view: view.write_byte(0, 1),
    lambda view: view.write_char(0, "x"),
    lambda view: view.write_decimal(0, Decimal(1)),
    lambda view: view.write_array(0, b"x"),
    lambda view: view.buffer,
    lambda view: view.flush(),
    lambda view: view.check_backed(),
]


@pytest.mark.parametrize("use", USES)
def test_a_closed_view_refuses_everything(view, use):
    use(view)
    view.close()
    with pytest.raises(ClosedError):
        use(view)


def test_a_closed_view_can_neither_read_nor_write(view):
    view.close()
    assert (view.can_read, view.can_write, view.closed) == (False, False, True)


def test_closing_twice_does_nothing(view):
    view.close()
    view.close()


def test_a_buffer_stays_valid_after_its_view_and_its_map_are_closed(opened, view):
    buffer = view.buffer
    view.close()
    opened.close()
    buffer[0] = 7
    assert buffer[0] == 7


def test_each_use_of_buffer_returns_a_new_memoryview(view):
    first = view.buffer
    first.release()
    assert len(view.buffer) == SIZE


def test_the_buffer_is_the_memory_itself(opened, view):
    with opened.create_view_accessor() as other:
        view.buffer[1] = 5
        assert other.read_byte(1) == 5


class Flushed:
    """Replaces the memory of a view, and counts the calls."""

    def __init__(self, memory):
        self.buffer, self.capacity, self.pointer_offset = memory.buffer, memory.capacity, 0
        self.calls = []

    def flush(self):
        self.calls.append("flush")

    def release(self):
        self.calls.append("release")


def test_flush_and_close_are_passed_to_the_memory(opened):
    with opened.create_view_accessor() as view:
        memory = Flushed(view._memory)
        other = MemoryMappedViewAccessor(memory, Access.READ_WRITE, 0)
        other.flush()
        other.close()
        assert memory.calls == ["flush", "flush", "release"]


def test_what_is_flushed_is_in_the_file(tmp_path):
    path = tmp_path / "file"
    with (
        MemoryMappedFile.create_from_file(path, FileMode.CREATE_NEW, capacity=SIZE) as opened,
        opened.create_view_accessor() as view,
    ):
        view.write_byte(0, 7)
        view.flush()
        assert path.read_bytes()[0] == 7


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ came with Python 3.12")
def test_a_view_supports_the_buffer_protocol(view):
    memoryview(view)[2] = 9
    assert view.read_byte(2) == 9


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ came with Python 3.12")
def test_a_closed_view_refuses_the_buffer_protocol(view):
    view.close()
    with pytest.raises(ClosedError):
        memoryview(view)


def test_an_empty_view_has_no_positions(opened):
    if sys.platform == "win32":
        pytest.skip("Windows has no empty views")
    with opened.create_view_accessor(SIZE) as view:
        assert (view.capacity, bytes(view.buffer)) == (0, b"")
        view.flush()
        with pytest.raises(ArgumentOutOfRangeError):
            view.read_byte(0)
