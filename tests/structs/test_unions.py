"""Explicit structs with fields that share bytes."""

from __future__ import annotations

import copy
import math
import pickle
import struct
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import StructValueError
from pyshm.layout.forms import Target
from pyshm.structs import ffi, for_target


class Pair(Struct):
    low: t.Int16
    high: t.Int16


class Number(Struct, layout="explicit"):
    whole: Annotated[t.Int32, t.FieldOffset(0)]
    real: Annotated[t.Single, t.FieldOffset(0)]
    pair: Annotated[Pair, t.FieldOffset(0)]
    tail: Annotated[t.Byte, t.FieldOffset(4)]


class Chain(Struct, layout="explicit"):
    """Each field shares a byte with the next; the first and the last share none."""

    first: Annotated[t.Int16, t.FieldOffset(0)]
    second: Annotated[t.Int16, t.FieldOffset(1)]
    third: Annotated[t.Int16, t.FieldOffset(2)]


class Outer(Struct):
    before: t.Byte
    number: Number


class WithBool(Struct, layout="explicit", target=Target(8)):
    """A bool has four bytes in the marshalled layout and one in the managed layout."""

    whole: Annotated[t.Int32, t.FieldOffset(0)]
    truth: Annotated[t.Bool, t.FieldOffset(0)]


def test_all_fields_read_the_value_that_one_of_them_was_given():
    value = Number(real=1.0, tail=7)
    assert (value.whole, value.pair, value.tail) == (0x3F800000, Pair(0, 0x3F80), 7)


def test_values_for_several_fields_are_written_in_order_of_declaration():
    assert Number(whole=-1, pair=Pair(1, 2)).whole == 0x00020001
    assert Chain(first=0x1111, second=0x2222, third=0x3333).to_bytes() == b"\x11\x22\x33\x33"


def test_the_last_assignment_wins():
    value = Number(whole=5)
    value.real = 1.0
    value.pair = Pair(1, 2)
    assert (value.whole, value.to_bytes()) == (0x20001, bytes.fromhex("01000200 00000000"))


def test_a_union_without_values_is_all_zeros():
    assert Number().to_bytes() == bytes(8)


def test_the_bytes_stay_the_same_when_the_fields_are_read():
    # A signaling NaN, which Python changes when it reads and writes it.
    signaling = struct.pack("<I", 0x7F800001) + b"\7\0\0\0"
    value = Number.from_bytes(signaling)
    assert math.isnan(value.real)
    assert value.to_bytes() == signaling


def test_a_change_of_a_nested_struct_that_was_read_changes_the_bytes():
    value = Number(whole=0x20001)
    pair = value.pair
    pair.low = 9
    assert value.whole == 0x20009
    pair.high = 8
    assert value.to_bytes()[:4] == b"\x09\0\x08\0"
    assert value.pair is pair


def test_a_change_of_a_nested_struct_that_was_assigned_changes_the_bytes():
    pair = Pair(1, 2)
    value = Number(pair=pair)
    pair.low = 9
    assert value.whole == 0x20009


def test_a_nested_struct_is_no_longer_the_field_after_another_field_was_assigned():
    value = Number(pair=Pair(1, 2))
    pair = value.pair
    value.whole = 5
    pair.low = 9
    assert (value.whole, value.pair) == (5, Pair(5, 0))


def test_a_value_that_does_not_fit_is_refused_when_it_is_assigned():
    value = Number(whole=5)
    with pytest.raises(StructValueError) as caught:
        value.pair = Pair(0, 2**15)
    assert (caught.value.field, caught.value.offset) == ("Pair.High", 2)
    assert value.whole == 5


def test_a_change_that_does_not_fit_is_refused_when_the_bytes_are_needed():
    value = Number(whole=5)
    value.pair.high = 2**15
    with pytest.raises(StructValueError, match=r"Pair\.High"):
        value.to_bytes()


def test_unions_are_equal_if_their_bytes_are_equal():
    signaling = struct.pack("<I", 0x7F800001) + bytes(4)
    assert Number.from_bytes(signaling) == Number.from_bytes(signaling)
    assert Number(whole=1) != Number(whole=2)
    assert Number(real=1.0) == Number(whole=0x3F800000)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_a_copy_of_a_union_has_its_own_bytes(copied):
    value = Number(pair=Pair(1, 2), tail=3)
    value.pair.low = 9
    again = copied(value)
    again.pair.high = 7
    assert again.to_bytes() == bytes.fromhex("09000700 03000000")
    assert value.to_bytes() == bytes.fromhex("09000200 03000000")


def test_a_union_in_a_struct_is_written_with_it():
    value = Outer(1, Number(whole=2))
    value.number.pair.high = 3
    assert value.to_bytes() == bytes.fromhex("01000000 02000300 00000000")
    assert Outer.from_bytes(value.to_bytes()) == value


def test_the_repr_of_a_union_shows_every_field():
    assert repr(Chain(first=1)) == "Chain(first=1, second=0, third=0)"


def test_the_flat_tuple_has_a_union_as_bytes():
    flat = for_target(Number).flat
    assert flat.unpack_from(Number(whole=1, tail=2).to_bytes()) == (b"\1\0\0\0", 2)


def test_a_view_of_a_union_is_the_memory():
    data = bytearray(8)
    view = Number.view(data)
    view.real = 1.0
    assert (view.whole, view.pair.high, view.tail) == (0x3F800000, 0x3F80, 0)
    view.pair.low = 1
    assert data == b"\1\0\x80\x3f\0\0\0\0"


def test_a_blittable_union_is_the_same_in_both_layouts():
    signaling = struct.pack("<I", 0x7F800001) + b"\7\0\0\0"
    value = Number.managed.from_bytes(signaling)
    assert value.to_bytes() == Number.managed.to_bytes(value) == signaling


def test_fields_are_converted_one_by_one_if_the_layouts_differ():
    value = WithBool(whole=0x01020304)
    assert value.truth is True
    assert value.to_bytes() == b"\4\3\2\1"
    # The runtime's StructureToPtr writes whole, then truth over it.
    assert value.to_bytes(strict=False) == b"\1\0\0\0"
    assert WithBool.managed.to_bytes(value) == b"\1\3\2\1"
    assert WithBool.managed.from_bytes(b"\0\3\2\1").truth is False


class Apart(Struct, layout="explicit", charset="ansi", target=Target(8)):
    """Fields that share a byte in the managed layout only, in which a char has two bytes."""

    letter: Annotated[t.Char, t.FieldOffset(0)]
    number: Annotated[t.Byte, t.FieldOffset(1)]


def test_fields_that_share_bytes_in_another_layout_only_are_read_and_written_there():
    managed = Apart.managed
    memory = bytearray(b"A\x07\xee\xee")
    for data in (memory, memory[:2]):
        read = managed.unpack_from(data)
        assert (read.letter, read.number) == ("\u0741", 7)
    managed.pack_into(Apart("A", 9), memory)  # in order of declaration
    assert memory == b"A\x09\xee\xee"
    assert managed.flat.unpack(b"A\x07") == (b"A\x07",)


class Long(Struct, layout="explicit", target=Target(8, windows=True)):
    whole: Annotated[t.CLong, t.FieldOffset(0)]
    high: Annotated[t.Int32, t.FieldOffset(4)]


class Nested(Struct, target=Target(8, windows=True)):
    long: Long
    tail: t.Byte


def test_fields_that_share_bytes_on_another_system_only_are_read_and_written_there():
    unix = for_target(Nested, Target(8))
    data = struct.pack("<iiB7x", 1, 2, 3)
    read = unix.from_bytes(data)
    assert (read.long.whole, read.long.high, read.tail) == (0x2_0000_0001, 2, 3)
    assert unix.to_bytes(Nested(Long(1, 2), 3)) == data
    assert unix.flat.unpack(data) == (data[:8], 3)


def test_fields_that_share_bytes_in_the_own_layout_only_are_not_together_in_another():
    class Unix(Struct, layout="explicit", target=Target(8)):
        whole: Annotated[t.CLong, t.FieldOffset(0)]
        high: Annotated[t.Int32, t.FieldOffset(4)]

    windows = for_target(Unix, Target(8, windows=True))
    assert windows.flat.unpack(struct.pack("<ii", 1, 2)) == (1, 2)


def test_cffi_agrees_with_a_union():
    compiled = ffi(Number)
    assert compiled.sizeof("Number") == 8
    assert compiled.offsetof("Number", "tail") == 4


def test_a_field_can_have_any_name_beside_a_union():
    class Named(Struct, layout="explicit"):
        a: Annotated[t.Byte, t.FieldOffset(0)]
        b: Annotated[t.SByte, t.FieldOffset(0)]
        _bytes_a: Annotated[t.Byte, t.FieldOffset(1)]
        _borrowed_a: Annotated[t.Byte, t.FieldOffset(2)]

    value = Named(a=255, _bytes_a=2, _borrowed_a=3)
    assert (value.b, value._bytes_a, value._borrowed_a) == (-1, 2, 3)
    assert Named.from_bytes(value.to_bytes()) == value
